/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's side of a group, as calls. device.c is the only file that makes
 * them; the tests link one of their own in its place.
 *
 * Everything but device_open() takes its file descriptor and returns 0, or a
 * negative errno.
 */
#ifndef RAFTCTL_DEVICE_H
#define RAFTCTL_DEVICE_H

#include <sys/types.h>

#include <linux/raftlog.h>

#include "types.h"

/** device_open() - Return: a file descriptor, or -1 with errno set. */
int device_open(const char *path, int flags);
void device_close(int fd);

int device_get_version(int fd, struct raftlog_version *version);
int device_start(int fd, const struct raftlog_start *start);
int device_stop(int fd);
int device_get_status(int fd, struct raftlog_status *status);
int device_get_members(int fd, struct raftlog_members *members);
int device_change_members(int fd, struct raftlog_change_members *change);
int device_append(int fd, struct raftlog_append *append);
int device_set_session(int fd, struct raftlog_session *session);
int device_get_sessions(int fd, struct raftlog_sessions *sessions);
int device_set_framed(int fd, u32 flags);
int device_read_index(int fd, struct raftlog_read_index *read);
int device_set(int fd, struct raftlog_set *set);
int device_get_events(int fd, struct raftlog_events *events);
int device_set_key(int fd, const struct raftlog_set_key *set);
int device_transfer(int fd, struct raftlog_transfer *transfer);
int device_recover(int fd, struct raftlog_recover *recover);
int device_snapshot_create(int fd, struct raftlog_snapshot_create *create);
int device_snapshot_open(int fd, struct raftlog_snapshot_open *open);
/** device_snapshot_seal() - @fd is of device_snapshot_create() */
int device_snapshot_seal(int fd, struct raftlog_snapshot_seal *seal);

enum { DEVICE_KEY_BYTES = 32 };

/** device_add_key() - put a key where device_start() and device_set_key() find it */
int device_add_key(const char *name, const u8 *secret);

/**
 * device_word() - a word of a group's sysfs folder
 * @path: of its device
 * @name: "key"
 * @word: filled in, empty where that is not to be had
 * @chars: room there
 */
void device_word(const char *path, const char *name, char *word, size_t chars);

/**
 * device_setting() - what a group was started with, from its sysfs folder
 * @path: of its device
 * @name: "max_entry_bytes"
 *
 * Return: 0 where that is not to be had.
 */
u32 device_setting(const char *path, const char *name);

/**
 * struct device_async_end - an append that ended
 * @number: which
 * @result: bytes, or a negative errno
 */
struct device_async_end {
	u32 number;
	int result;
};

struct device_async;

/** device_async_open() - appends that nobody waits for. NULL, with errno */
struct device_async *device_async_open(u32 depth);

/**
 * device_async_append() - begin some
 * @async: opened
 * @fd: of the device
 * @numbers: what they are called, each below its depth and not under way
 * @n: how many; they begin from the last one on
 * @data: what each appends; stays until it ended
 * @bytes: its length
 *
 * Return: how many began, or a negative errno.
 */
int device_async_append(struct device_async *async, int fd, const u32 *numbers,
			u32 n, void *data, u32 bytes);

/** device_async_wait() - for one to end. Return: how many did, within the time */
int device_async_wait(struct device_async *async, struct device_async_end *ends,
		      u32 n_max, int timeout_ms);

/** device_async_close() - what is under way is cancelled */
void device_async_close(struct device_async *async);

/** device_seek() - the next read starts at @index */
int device_seek(int fd, u64 index);

/** device_read() - Return: bytes read, or a negative errno. */
ssize_t device_read(int fd, void *buf, size_t bytes);

/**
 * device_poll() - wait for poll(2) events
 * @fd: opened
 * @events: POLLIN, POLLOUT, POLLPRI
 * @timeout_ms: at most this long; -1: for ever
 *
 * Return: the events, which can be POLLHUP or POLLERR too; 0 on timeout; or a
 * negative errno.
 */
int device_poll(int fd, short events, int timeout_ms);

#endif /* RAFTCTL_DEVICE_H */
