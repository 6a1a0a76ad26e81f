/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The payload of one log entry, shared by reference between the writer, the
 * owner thread, the cache, the storage thread, the transport and readers.
 * Immutable once anybody but its maker has a reference.
 */
#ifndef RAFTLOG_ENTRY_H
#define RAFTLOG_ENTRY_H

#include <linux/refcount.h>
#include <linux/types.h>

/**
 * struct raftlog_entry - an entry and its payload
 * @refs: references
 * @index: log index; set by the owner thread when the entry enters the log, 0 before
 * @term: term of the leader that appended it, likewise
 * @session: origin of the proposal
 * @sequence: number of the proposal within @session
 * @bytes: payload length
 * @type: enum raft_entry_type
 * @data: payload
 */
struct raftlog_entry {
	refcount_t refs;
	u64 index;
	u64 term;
	u64 session;
	u64 sequence;
	u32 bytes;
	u8 type;
	u8 data[] __aligned(8);
};

/**
 * raftlog_entry_alloc() - a new entry with one reference and zeroed header
 * @bytes: payload length, at most RAFTLOG_ENTRY_BYTES_MAX
 * @gfp: GFP_KERNEL, GFP_NOIO …; may sleep
 *
 * Return: the entry, or NULL.
 */
struct raftlog_entry *raftlog_entry_alloc(u32 bytes, gfp_t gfp);
struct raftlog_entry *raftlog_entry_get(struct raftlog_entry *entry);
void raftlog_entry_put(struct raftlog_entry *entry);

#endif /* RAFTLOG_ENTRY_H */
