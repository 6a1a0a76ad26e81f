/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The file or block device the kernel is given as its log. What it holds is the
 * kernel's; here it is found or made, and locked.
 */
#ifndef RAFTCTL_WAL_H
#define RAFTCTL_WAL_H

#include <limits.h>

#include "types.h"

enum { WAL_BYTES_DEFAULT = 256 << 20 };

/**
 * struct wal_request - what the command line says
 * @path: file or block device
 * @bytes: size of a file that is to be made
 * @format: make a log on what exists
 * @force: even if it holds something
 */
struct wal_request {
	const char *path;
	u64 bytes;
	bool format;
	bool force;
};

/**
 * struct wal - an opened log
 * @fd: as RAFTLOG_IOC_START wants it, with a lock that lasts as long as the
 *	kernel keeps the open file
 * @format: it is new
 * @made: the file itself was made by wal_open()
 * @bytes: its size
 */
struct wal {
	int fd;
	bool format;
	bool made;
	u64 bytes;
};

/** wal_make_directory() - if it is not there. Return: 0, or -1 and has complained. */
int wal_make_directory(const char *path);

/** wal_exists() - is something there, so that wal_open() would not make it? */
bool wal_exists(const struct wal_request *request);

/** wal_open() - find it or make it. Return: 0, or -1 and has complained. */
int wal_open(const struct wal_request *request, struct wal *wal);

/**
 * wal_open_snapshots() - the files that snapshots go to
 * @dir: snap.0 and snap.1 in there
 * @make: make them if they are not
 * @fds: as RAFTLOG_IOC_START wants them
 *
 * Return: 0; 1: neither is there, and @fds are -1; or -1 and has complained.
 */
int wal_open_snapshots(const char *dir, bool make, int fds[2]);

/** wal_discard() - the group did not start: remove what wal_open() made */
void wal_discard(const struct wal_request *request, struct wal *wal);

#endif /* RAFTCTL_WAL_H */
