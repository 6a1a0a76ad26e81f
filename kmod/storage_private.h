/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of storage: storage.c, storage_open.c, storage_io.c, storage_read.c. */
#ifndef RAFTLOG_STORAGE_PRIVATE_H
#define RAFTLOG_STORAGE_PRIVATE_H

#include <linux/bvec.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "storage.h"
#include "wal/wal.h"

enum raftlog_storage_limits {
	RAFTLOG_STORAGE_MAP_SLOTS = 4096,
	RAFTLOG_STORAGE_MAP_SLOTS_FIRST = 64,
	/* What is staged at first: slots, superblocks, small batches. */
	RAFTLOG_STORAGE_STAGING_BYTES = 32 << 10,
	/* Of one reader, for one entry and for many. */
	RAFTLOG_STORAGE_WINDOW_BYTES_MIN = 64 << 10,
	RAFTLOG_STORAGE_WINDOW_BYTES_MAX = 256 << 10,
};

/**
 * struct raftlog_buffer - memory for direct I/O
 * @data: page-aligned, virtually contiguous
 * @bytes: its size, whole pages
 * @bvecs: its pages
 */
struct raftlog_buffer {
	void *data;
	u32 bytes;
	struct bio_vec *bvecs;
};

int raftlog_buffer_init(struct raftlog_buffer *buffer, u32 bytes, gfp_t gfp);
void raftlog_buffer_destroy(struct raftlog_buffer *buffer);

/**
 * raftlog_file_check() - can the WAL be on this file?
 * @file: opened by the user
 *
 * Return: 0, -EBADF, -EINVAL, -EMEDIUMTYPE: direct I/O is not done there.
 */
int raftlog_file_check(struct file *file);

/** raftlog_file_device_bytes() - what the device writes at once; 0: not known */
u32 raftlog_file_device_bytes(struct file *file);

/** raftlog_file_block_bytes() - what writes are rounded up to; 0: too large */
u32 raftlog_file_block_bytes(struct file *file);

/**
 * struct raftlog_claim - a file is in use
 * @node: in the list of those
 * @mapping: of the file
 */
struct raftlog_claim {
	struct list_head node;
	struct address_space *mapping;
};

/**
 * raftlog_file_claim() - two groups on one file would destroy what is there
 * @claim: to be given back with raftlog_file_release()
 * @file: checked
 *
 * Return: 0 or -EBUSY.
 */
int raftlog_file_claim(struct raftlog_claim *claim, struct file *file);
void raftlog_file_release(struct raftlog_claim *claim);

/**
 * raftlog_file_write() - write, and wait
 * @file: checked
 * @buffer: holds the data
 * @at: where in @buffer, whole blocks
 * @bytes: how many, whole blocks
 * @position: to where
 * @durable: until it is durable
 *
 * Return: 0 or a negative errno; -EIO if less was written, or elsewhere.
 */
int raftlog_file_write(struct file *file, const struct raftlog_buffer *buffer,
		       u32 at, u32 bytes, u64 position, bool durable);

/**
 * raftlog_file_read() - the same the other way round
 * @file: checked
 * @buffer: for the data
 * @at: where in @buffer, whole blocks
 * @bytes: how many, whole blocks
 * @position: from where
 *
 * Return: as above, or what a device says of blocks that it lost, as it says it:
 * raftlog_error_is_lost() before anything else, or raftlog_file_error().
 */
int raftlog_file_read(struct file *file, const struct raftlog_buffer *buffer,
		      u32 at, u32 bytes, u64 position);

/**
 * raftlog_error_is_lost() - has the device lost what could not be read?
 * @error: of raftlog_file_read()
 * @salvage: what cannot be read is lost
 *
 * Any other error may come from the way to it, and what is there must not be given up
 * for that.
 */
bool raftlog_error_is_lost(int error, bool salvage);

/**
 * raftlog_file_error() - an error of the device, for those who do not look into it
 * @error: of it, or 0
 *
 * What devices and file systems call ENODATA, EILSEQ, EUCLEAN or ESTALE means other
 * things to everybody else.
 *
 * Return: @error if it is of memory, room or a signal, or -EIO.
 */
int raftlog_file_error(int error);

/** raftlog_file_sync() - all that was written is durable. Return: 0 or a negative errno */
int raftlog_file_sync(struct file *file);

/**
 * struct raftlog_storage - an open WAL
 *
 * I: set at open, R: read only after that; T: storage thread only;
 * Q: @queue_lock; W: written by the storage thread under @map_lock, read by it
 * without and by others with the lock.
 *
 * @file: I
 * @params: I: name, for log lines
 * @ops: I
 * @context: I
 * @super: I
 * @staging: T: what is being written
 * @writer: W
 * @map: W
 * @map_lock: see above
 * @queue_lock: see above
 * @name: I: for log lines
 * @salvage: I: what cannot be read is lost
 * @n_lost_blocks: I: those
 * @in_use: raftlog_storage_use() was called
 * @generation: I: raftlog_power_generation() before anything was read
 * @map_slots: W: of @map
 * @queue: Q: submitted, not yet seen by the thread
 * @pending: T: seen, not yet durable
 * @n_written: T: entries of the first pending request that are durable
 * @error: T: the first failure; read by raftlog_storage_stop() when it has ended
 * @oldest_ns: Q for writers: submission of the oldest unfinished request, or 0
 * @wait: the thread waits here
 * @thread: I; NULL once stopped
 * @claim: I: nobody else has @file
 * @slot_at: T: when the newest slot was written, in jiffies
 */
struct raftlog_storage {
	struct file *file;
	char name[16];
	bool salvage;
	u32 n_lost_blocks;
	bool in_use;
	int generation;
	const struct raftlog_storage_ops *ops;
	void *context;
	struct wal_superblock super;

	struct raftlog_buffer staging;
	struct wal_writer writer;
	struct wal_map map;
	struct wal_map_slot *map_slots;
	spinlock_t map_lock;

	spinlock_t queue_lock;
	struct list_head queue;
	struct list_head pending;
	u32 n_written;
	int error;
	atomic64_t oldest_ns;

	wait_queue_head_t wait;
	struct task_struct *thread;
	struct raftlog_claim claim;
	unsigned long slot_at;
};

/** raftlog_storage_slot() - write a slot; thread */
int raftlog_storage_slot(struct raftlog_storage *storage,
			 const struct wal_hard_state *hard_state);

/** raftlog_storage_size_map() - room for @n_slots, if there is memory */
void raftlog_storage_size_map(struct raftlog_storage *storage, u32 n_slots,
			      gfp_t gfp);

/** raftlog_storage_thread() - body of the thread */
int raftlog_storage_thread(void *data);

#endif /* RAFTLOG_STORAGE_PRIVATE_H */
