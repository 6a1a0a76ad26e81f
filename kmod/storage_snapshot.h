/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A node's snapshots on two regular files: the newest is in one of them, and the
 * next is made in the other, by a process or as a leader sends it. The format is
 * wal/'s; this is its I/O. Unlike the log it may fail without harm: who makes a
 * snapshot is told, and the one before it is still there.
 *
 * They outlive the life of the group for as long as somebody has a file open that
 * reads or makes one, but nothing more is read or written then.
 *
 * Any thread that may sleep, but for the owner thread: it must not wait for a disk.
 */
#ifndef RAFTLOG_STORAGE_SNAPSHOT_H
#define RAFTLOG_STORAGE_SNAPSHOT_H

#include <linux/types.h>

#include "raft/raft.h"

struct file;
struct raftlog_entry;
struct raftlog_snapshots;
struct raftlog_storage;

/**
 * struct raftlog_sealed - a snapshot that is whole
 * @snapshot: as the core knows it; its index is 0 if there is none
 * @id: random, not 0; tells it from others in the same file
 * @chunk_bytes: of data in each of its chunks but the last
 */
struct raftlog_sealed {
	struct raft_snapshot snapshot;
	u64 id;
	u32 chunk_bytes;
};

/**
 * raftlog_snapshots_open() - open the files, and see what is there
 * @files: regular, opened as the WAL is; references are taken
 * @storage: the WAL that they go with
 * @name: of the group, for log lines
 *
 * Return: the snapshots or ERR_PTR: EBADF, EINVAL, EBUSY, EPROTONOSUPPORT, ENOMEM,
 * EIO, EMEDIUMTYPE (something else is there).
 */
struct raftlog_snapshots *
raftlog_snapshots_open(struct file *const files[2],
		       const struct raftlog_storage *storage, const char *name);

/** raftlog_snapshots_close() - the group stops: ESHUTDOWN from now on; and put */
void raftlog_snapshots_close(struct raftlog_snapshots *snapshots);

void raftlog_snapshots_get(struct raftlog_snapshots *snapshots);
void raftlog_snapshots_put(struct raftlog_snapshots *snapshots);

/** raftlog_snapshots_newest() - the newest one; its index is 0 if there is none */
void raftlog_snapshots_newest(struct raftlog_snapshots *snapshots,
			      struct raftlog_sealed *sealed);

/**
 * raftlog_snapshots_is_of() - does it say what the log came to?
 * @snapshots: opened
 * @sealed: which
 * @term: see wal_snapshot_is_of()
 */
bool raftlog_snapshots_is_of(struct raftlog_snapshots *snapshots,
			     const struct raftlog_sealed *sealed, u64 term);

/**
 * raftlog_snapshots_configuration() - what goes with a snapshot
 * @snapshots: opened
 * @sealed: which
 *
 * Return: the encoded configuration, its index that of its entry, with a reference
 * for the caller; NULL if there is no such snapshot, or no memory.
 */
struct raftlog_entry *
raftlog_snapshots_configuration(struct raftlog_snapshots *snapshots,
				const struct raftlog_sealed *sealed);

/**
 * raftlog_snapshots_verify() - read all of it
 * @snapshots: opened
 * @sealed: which
 *
 * Return: 0; -EUCLEAN: damaged; -ENOENT, -ESHUTDOWN, -ENOMEM, -EIO.
 */
int raftlog_snapshots_verify(struct raftlog_snapshots *snapshots,
			     const struct raftlog_sealed *sealed);

/**
 * raftlog_snapshots_set_aside() - go on as if it were not there
 * @snapshots: opened
 * @sealed: which
 *
 * The disk has it until another one comes in its place.
 */
void raftlog_snapshots_set_aside(struct raftlog_snapshots *snapshots,
				 const struct raftlog_sealed *sealed);

/**
 * raftlog_snapshots_chunk_bytes() - of data in every chunk but the last that is made
 * @snapshots: opened
 *
 * Return: at least as much as a chunk of any snapshot there can be.
 */
u32 raftlog_snapshots_chunk_bytes(const struct raftlog_snapshots *snapshots);

/**
 * raftlog_snapshots_read() - some of the data
 * @snapshots: opened
 * @sealed: of which snapshot
 * @offset: of the data
 * @data: room for raftlog_snapshots_chunk_bytes()
 *
 * Return: how much was read, up to the end of a chunk; -ENOENT: there is no such
 * snapshot (any more); -EUCLEAN: damaged; -ESHUTDOWN, -ENOMEM, -EIO.
 */
int raftlog_snapshots_read(struct raftlog_snapshots *snapshots,
			   const struct raftlog_sealed *sealed, u64 offset,
			   void *data);

/**
 * raftlog_snapshots_pin() - the newest one is read
 * @snapshots: opened
 * @sealed: set to which that is
 *
 * No process makes another in its place before raftlog_snapshots_unpin(); a leader
 * may send one.
 *
 * Return: 0; -ENOENT: there is none; -ESHUTDOWN.
 */
int raftlog_snapshots_pin(struct raftlog_snapshots *snapshots,
			  struct raftlog_sealed *sealed);
void raftlog_snapshots_unpin(struct raftlog_snapshots *snapshots,
			     const struct raftlog_sealed *sealed);

/* Making one. @maker is whoever makes it, any pointer; NULL: a leader sends it. */

/**
 * raftlog_snapshots_spare() - what is where the next one will be
 * @snapshots: opened
 * @there: set to the snapshot which is there, index 0 for none
 *
 * Return: 0; -EBUSY: a process makes one, or reads what is there; -ESHUTDOWN.
 */
int raftlog_snapshots_spare(struct raftlog_snapshots *snapshots,
			    struct raftlog_sealed *there);

/**
 * raftlog_snapshots_begin() - make one where there is none, or an older one
 * @snapshots: opened
 * @maker: see above. A leader takes the place of a process, whose state is older
 * @there_id: raftlog_sealed.id of what raftlog_snapshots_spare() said is there; it is
 *	not looked at for a leader
 * @snapshot: index and term
 * @configuration: goes with it
 *
 * Return: 0; -EBUSY, also if it is not there that the next one will be any more;
 * -ESHUTDOWN; what writing gave.
 */
int raftlog_snapshots_begin(struct raftlog_snapshots *snapshots,
			    const void *maker, u64 there_id,
			    const struct raft_snapshot *snapshot,
			    const struct raftlog_entry *configuration);

/**
 * raftlog_snapshots_write() - the next chunk
 * @snapshots: opened
 * @maker: whoever began
 * @offset: of @data: what was written so far
 * @data: the data
 * @bytes: raftlog_snapshots_chunk_bytes(), or less at the end
 *
 * Return: 0; -ESTALE: it is not @maker's any more, or not what comes next;
 * -ESHUTDOWN; what writing gave, -ENOSPC for one.
 */
int raftlog_snapshots_write(struct raftlog_snapshots *snapshots,
			    const void *maker, u64 offset, const void *data,
			    u32 bytes);

/**
 * raftlog_snapshots_seal() - that was all: make it the newest
 * @snapshots: opened
 * @maker: whoever began
 * @sealed: filled in; bytes and checksum, if bytes is not 0, are compared first
 *
 * Return: 0 once all of it is durable; -ESTALE, -ESHUTDOWN as above; -EINVAL: no data;
 * -EUCLEAN: not the data of @sealed; what writing gave.
 */
int raftlog_snapshots_seal(struct raftlog_snapshots *snapshots,
			   const void *maker, struct raftlog_sealed *sealed);

/** raftlog_snapshots_abandon() - nothing comes of it, if it is still @maker's */
void raftlog_snapshots_abandon(struct raftlog_snapshots *snapshots,
			       const void *maker);

#endif /* RAFTLOG_STORAGE_SNAPSHOT_H */
