/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The checker's own logs. One record for each (index, term) that ever was; a log
 * is an array of pointers to them, so that equal logs have equal pointers.
 */
#ifndef RAFTLOG_SIM_LOG_H
#define RAFTLOG_SIM_LOG_H

#include "pure.h"
#include "raft/raft.h"

struct op;

/**
 * struct record - an entry, wherever it is
 * @index: log index
 * @term: its term
 * @prev_term: term of the entry before it; by induction on this, two logs that
 *	share a record share all before it (Log Matching)
 * @session: origin
 * @sequence: its number there
 * @bytes: payload length
 * @type: enum raft_entry_type
 * @op: whose it is, NULL if not a client's
 * @committed_term: in which it was committed, 0 if it was not
 * @data: payload of a configuration, or of a checkpoint of the sessions
 * @configuration: the same, decoded
 * @in_force: the newest configuration in a log that ends here
 * @created: of a session that it opens, once it is committed: see struct book
 * @last_sequence: likewise
 * @sessions: sum over all that are open once it is committed
 * @next: in its hash bucket
 */
struct record {
	u64 index;
	u64 term;
	u64 prev_term;
	u64 session;
	u64 sequence;
	u64 committed_term;
	u32 bytes;
	u8 type;
	struct op *op;
	void *data;
	struct raft_configuration *configuration;
	const struct record *in_force;
	u64 created;
	u64 last_sequence;
	u64 sessions;
	struct record *next;
};

/**
 * struct log - a log
 * @records: records[0] is index 1, wherever the log begins
 * @base: entries up to here are committed, and no longer in the log
 * @n: last index
 */
struct log {
	struct record **records;
	u64 base;
	u64 n;
	u64 n_max;
};

static inline struct record *log_at(const struct log *log, u64 index)
{
	return index && index <= log->n ? log->records[index - 1] : NULL;
}

static inline u64 log_term(const struct log *log, u64 index)
{
	const struct record *record = log_at(log, index);

	return record ? record->term : 0;
}

void log_append(struct log *log, struct record *record);
void log_truncate(struct log *log, u64 from);
/** log_rebase() - begin anew behind @base of @committed */
void log_rebase(struct log *log, const struct log *committed, u64 base);
void log_copy(struct log *to, const struct log *from);
void log_free(struct log *log);

/** struct records - all of them, by (index, term) */
struct records {
	struct record **buckets;
	u32 n_buckets;
};

void records_init(struct records *records);
void records_free(struct records *records);
/** records_forget() - all that are of a later term than @term */
void records_forget(struct records *records, u64 term);
struct record *records_find(const struct records *records, u64 index, u64 term);
struct record *records_add(struct records *records, u64 index, u64 term);

#endif /* RAFTLOG_SIM_LOG_H */
