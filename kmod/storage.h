/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The WAL on a file or block device: one storage thread per group writes, group
 * by group; readers read what is durable. The format is wal/'s; this is its I/O.
 */
#ifndef RAFTLOG_STORAGE_H
#define RAFTLOG_STORAGE_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/types.h>

#include "raft/raft.h"

struct raftlog_entry;
struct raftlog_storage;

struct raftlog_storage_request;

/**
 * struct raftlog_storage_ops - what storage tells its group
 * @persisted: everything submitted up to and including @request is durable, in
 *	order of submission; called from the storage thread, must not sleep long.
 *	The request is the group's again
 * @failed: a write failed; no later request will ever complete
 * @based: the log does not begin with entry 1; called before @recovered, with its
 *	configuration as persisted. Return an error to stop
 * @recovered: an entry found at open, in the order written: an index that was
 *	seen before replaces it and all behind it. Return an error to stop
 */
struct raftlog_storage_ops {
	void (*persisted)(void *context,
			  struct raftlog_storage_request *request);
	void (*failed)(void *context, int error);
	int (*based)(void *context, u64 index, u64 term,
		     u64 configuration_index, const void *configuration,
		     u32 bytes);
	int (*recovered)(void *context, u64 index,
			 const struct raft_entry *entry);
};

/**
 * struct raftlog_storage_params - what to open
 * @file: the WAL; storage takes its own reference
 * @cluster_id: written to a new WAL, compared with an old one (0: not compared)
 * @node_id: likewise
 * @format: make a new WAL
 * @salvage: whatever cannot be read is damaged
 * @look: nothing is written before raftlog_storage_begin_recovery()
 * @joins: if there is nothing in it yet, all that will be is to come from others
 * @name: for thread name and log lines, "raftlog", "raftlog1" …
 */
struct raftlog_storage_params {
	struct file *file;
	u64 cluster_id;
	u32 node_id;
	bool format;
	bool salvage;
	bool look;
	bool joins;
	const char *name;
};

/**
 * struct raftlog_storage_info - what was found or made
 * @cluster_id: of the superblock
 * @incarnation: random, of the superblock: one per format
 * @hard_state: newest one, zero if new
 * @first_index: first index of the log
 * @log_bytes: size of the log area
 * @log_bytes_free: room left in it
 * @block_bytes: what a write is rounded up to
 * @lost_index: where the log ended before damage that is not made up for, 0 if none
 * @lost_term: term of that entry
 * @fresh: nothing was ever appended: bootstrap it
 * @recovering: raftlog_storage_begin_recovery() came so far, and what is to follow it
 *	did not, or not as far as is known
 * @joined: it was opened with raftlog_storage_params.joins while it was empty
 * @kept_index: last entry that the last recovery kept, 0: there was none
 * @kept_term: its term
 * @kept_snapshot: raftlog_sealed.id of the snapshot in use then, 0: none
 */
struct raftlog_storage_info {
	u64 cluster_id;
	u64 incarnation;
	struct raft_hard_state hard_state;
	u64 first_index;
	u64 log_bytes;
	u64 log_bytes_free;
	u32 block_bytes;
	u64 lost_index;
	u64 lost_term;
	bool fresh;
	bool recovering;
	bool joined;
	u64 kept_index;
	u64 kept_term;
	u64 kept_snapshot;
};

/**
 * struct raftlog_storage_request - hard state and entries to persist
 * @node: storage's
 * @hard_state: current as of this request; always valid
 * @hard_state_changed: must be persisted even without entries
 * @hard_state_seq: for the group, given back with @persisted
 * @base_index: not 0: entries up to here go; no @entries then
 * @base_term: its term
 * @base_discards: and all behind it: the log begins anew
 * @configuration: goes with that, a reference; its index is that of its entry
 * @first_index: index of the first of @entries; all behind it is replaced
 * @last_index: last index once this is written (also with no entries)
 * @last_term: its term
 * @submitted_ns: monotonic, for stall detection
 * @space_bytes: set by storage before @persisted: room left in the log
 * @error: set before @persisted or on the way to @failed
 * @n_entries: how many
 * @entries: references owned by the request; dropped by its owner when done
 */
struct raftlog_storage_request {
	struct list_head node;
	struct raft_hard_state hard_state;
	bool hard_state_changed;
	u64 hard_state_seq;
	u64 base_index;
	u64 base_term;
	bool base_discards;
	struct raftlog_entry *configuration;
	u64 first_index;
	u64 last_index;
	u64 last_term;
	u64 submitted_ns;
	u64 space_bytes;
	int error;
	u32 n_entries;
	struct raftlog_entry *entries[];
};

/**
 * raftlog_storage_open() - open or make a WAL, read it, start its thread
 * @params: what
 * @ops: how to tell; persisted() and failed() are not called before the first
 *	submit
 * @context: first argument of @ops
 * @info: what was found
 *
 * Process context. Reads the whole log.
 *
 * Return: the storage or ERR_PTR: EEXIST, ENODATA, EUCLEAN, EPROTONOSUPPORT,
 * ENOSPC, EINVAL, EBADF, ENOMEM, EIO, EMEDIUMTYPE.
 */
struct raftlog_storage *
raftlog_storage_open(const struct raftlog_storage_params *params,
		     const struct raftlog_storage_ops *ops, void *context,
		     struct raftlog_storage_info *info);

/**
 * raftlog_storage_begin_recovery() - make it the log of another cluster
 * @storage: opened, nothing was submitted yet
 * @cluster_id: of the cluster that this node is to be alone in
 * @info: what is to be kept, set by the caller; cluster_id, incarnation and recovering
 *	are as they are now
 *
 * From then on the log is refused to the old cluster. Before the node takes part in
 * anything, a configuration must be made durable that has it alone, and then
 * raftlog_storage_end_recovery(). See wal_superblock_replace().
 *
 * Return: 0, -ENOMEM or what the device said; the next opening tells what came of it.
 */
int raftlog_storage_begin_recovery(struct raftlog_storage *storage,
				   u64 cluster_id,
				   struct raftlog_storage_info *info);

/** raftlog_storage_end_recovery() - the configuration is durable. Return: as above */
int raftlog_storage_end_recovery(struct raftlog_storage *storage,
				 struct raftlog_storage_info *info);

/**
 * raftlog_storage_renew() - what the opening read is what every later one reads
 * @storage: opened to look at it, nothing was submitted yet
 *
 * Any other opening does this by itself.
 *
 * Return: as above.
 */
int raftlog_storage_renew(struct raftlog_storage *storage);

/**
 * raftlog_storage_use() - the group runs: what was found is what it goes on with
 * @storage: opened
 *
 * From now on a slot may be written that names the tail, so that what was acknowledged
 * before the power failed is not taken for a torn write if it goes bad later. A log
 * that was stopped in order has one, and is left as it is. A copy of the superblock that
 * is not good is written anew first. May sleep; a slot that cannot be written is told by
 * failed().
 *
 * Return: 0, -ENOMEM or what the device said.
 */
int raftlog_storage_use(struct raftlog_storage *storage);

/**
 * raftlog_storage_submit() - queue a request; never sleeps
 * @storage: opened
 * @request: storage's until given back by persisted()
 */
void raftlog_storage_submit(struct raftlog_storage *storage,
			    struct raftlog_storage_request *request);

/**
 * raftlog_storage_read() - read a durable entry of a user back
 * @storage: opened
 * @index: first of consecutive entries that may be it
 * @last: last of them, which it is if no other one is a user's, whatever it is. Equal
 *	to @index: that entry
 * @term: of all of them: tells them from entries that were replaced
 *
 * Any thread that may sleep; many at once.
 *
 * Return: the entry with a reference for the caller, or ERR_PTR: ENODATA (it went),
 * ENOENT, EUCLEAN, ENOMEM, EIO.
 */
struct raftlog_entry *raftlog_storage_read(struct raftlog_storage *storage,
					   u64 index, u64 last, u64 term);

/**
 * raftlog_storage_read_range() - read consecutive durable entries
 * @storage: opened
 * @first: first index
 * @terms: term of each
 * @entries: filled with references
 * @n: how many at most
 * @bytes_max: stop before payloads exceed this, but read at least one
 *
 * Return: how many were read, at least 1, or a negative errno as above.
 */
int raftlog_storage_read_range(struct raftlog_storage *storage, u64 first,
			       const u64 *terms, struct raftlog_entry **entries,
			       u32 n, u64 bytes_max);

/**
 * raftlog_storage_head() - how much of the log could go?
 * @storage: opened
 * @index: entries up to here are not needed any more
 *
 * The log can begin in some places only.
 *
 * Return: the last entry that could go, not behind @index, or 0 for none.
 */
u64 raftlog_storage_head(struct raftlog_storage *storage, u64 index);

/**
 * raftlog_storage_head_behind() - the same, to keep the newest of the log
 * @storage: opened
 * @bytes: so much is to be kept
 * @slack_bytes: and this much may be there beside it: for less nothing goes
 *
 * Return: the last entry that could go, or 0 for none.
 */
u64 raftlog_storage_head_behind(struct raftlog_storage *storage, u64 bytes,
				u64 slack_bytes);

/**
 * raftlog_storage_head_past_gap() - the same, where damage takes room that is needed
 * @storage: opened
 * @bytes: so much of the log area may be taken
 *
 * Return: the last entry before the damage, or 0 if that is not in the way.
 */
u64 raftlog_storage_head_past_gap(struct raftlog_storage *storage, u64 bytes);

/**
 * raftlog_storage_oldest_ns() - when the oldest unfinished write was submitted
 * @storage: opened
 *
 * Return: monotonic time, or 0 if none is under way.
 */
u64 raftlog_storage_oldest_ns(const struct raftlog_storage *storage);

/**
 * raftlog_storage_stop() - finish what is queued, stop the thread
 * @storage: opened. No submit after this; reads still work
 *
 * Requests that were not written are handed to persisted() with error set.
 */
void raftlog_storage_stop(struct raftlog_storage *storage);

/** raftlog_storage_close() - free it; stopped, and no reader left */
void raftlog_storage_close(struct raftlog_storage *storage);

#endif /* RAFTLOG_STORAGE_H */
