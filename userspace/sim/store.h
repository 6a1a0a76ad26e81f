/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A node's storage thread: a queue of requests, one write at a time, as many
 * requests in a write as gathered meanwhile. The WAL code is the real one.
 */
#ifndef RAFTLOG_SIM_STORE_H
#define RAFTLOG_SIM_STORE_H

#include "disk.h"
#include "log.h"
#include "plan.h"
#include "raft/raft.h"
#include "slots.h"
#include "wal/wal.h"

struct world;
struct node;

/**
 * struct request - hard state and entries to persist
 * @next: in the queue
 * @hard_state: as of this request
 * @hard_state_changed: to be persisted even without entries
 * @seq: raft_update.hard_state_seq
 * @first_index: of @records
 * @last_index: last index of the log once this is written
 * @last_term: its term
 * @space_bytes: room left behind that write; set when done
 * @base_index: the log begins behind this now, 0: nothing goes
 * @base_term: its term
 * @base_discards: and all that was there goes
 * @configuration: goes with that, its data the request's
 * @n_records: how many
 * @n_written: of these, how many are in a write
 * @records: what to write
 */
struct request {
	struct request *next;
	struct raft_hard_state hard_state;
	bool hard_state_changed;
	u64 seq;
	u64 first_index;
	u64 last_index;
	u64 last_term;
	u64 space_bytes;
	u64 base_index;
	u64 base_term;
	bool base_discards;
	struct wal_configuration configuration;
	u32 n_records;
	u32 n_written;
	struct record *records[];
};

enum {
	TORN_SLOTS = 4,
};

/**
 * struct store - storage of a node
 * @disk: survives crashes, as @super does
 * @super: what was formatted
 * @slots: the snapshots
 * @writer: where the next write goes
 * @map: of batches, in @map_slots
 * @queue: requests not done
 * @tail: end of @queue
 * @busy: a write is under way
 * @failed: a write failed; no more
 * @in_use: store_use() since it was opened
 * @fail_next: the next write fails
 * @crash_next: the power fails during the next write
 * @stall_ns: the next write takes this much longer
 * @slot: the write under way is a slot
 * @anew: by which the log begins anew
 * @batch: else, the batch
 * @batch_records: its entries
 * @n_batch_records: how many
 * @write_hard_state: of the write under way
 * @n_done: requests from the front of @queue that it completes
 * @kicked: the thread was woken
 * @proved_end: damage before this logical offset can be told from a torn write,
 *	since something whole was written later
 * @slot_position: of the newest slot, if both copies of it are whole; or 0
 * @superblock_harmed: only one copy of the superblock is whole
 * @lost: as recovered
 * @longest: most entries the log ever had
 * @durable: what is surely on the disk
 * @durable_hard_state: likewise
 * @torn: a write ended in a crash; until the next recovery,
 * @maybe: is what is there if that write is
 * @maybe_hard_state: likewise
 * @torn_position: where slots were torn, and none was written whole since; or 0
 * @torn_hard_states: of these: pieces of a later one can make an earlier one whole
 * @n_torn: how many, the oldest forgotten
 * @buf: of the write under way
 */
struct store {
	struct disk disk;
	struct wal_superblock super;
	struct slots slots;
	struct wal_writer writer;
	struct wal_map map;
	struct wal_map_slot map_slots[16];
	struct request *queue;
	struct request **tail;
	bool kicked;
	bool busy;
	bool failed;
	bool in_use;
	bool fail_next;
	bool crash_next;
	u64 stall_ns;
	bool slot;
	bool anew;
	struct wal_batch batch;
	struct record **batch_records;
	u64 n_batch_records;
	u64 n_batch_records_max;
	struct raft_hard_state write_hard_state;
	u32 n_done;
	u64 proved_end;
	u64 slot_position;
	bool superblock_harmed;
	struct wal_lost lost;
	u64 longest;
	struct log durable;
	struct raft_hard_state durable_hard_state;
	bool torn;
	struct log maybe;
	struct raft_hard_state maybe_hard_state;
	u64 torn_position;
	struct raft_hard_state torn_hard_states[TORN_SLOTS];
	u32 n_torn;
	u8 *buf;
	u32 buf_bytes;
};

void store_init(struct world *w, struct node *node);
void store_free(struct store *store);

void store_submit(struct world *w, struct node *node, struct request *request);

/** store_use() - the node runs: a slot is written that names the tail, if none does */
void store_use(struct world *w, struct node *node);

/** store_event() - the write under way is over, or one can begin */
void store_event(struct world *w, struct node *node);

/**
 * store_crash() - the power fails
 * @w: world
 * @node: whose
 *
 * Remembers what may and must be found again.
 */
void store_crash(struct world *w, struct node *node);

/** store_drain() - an orderly stop: all that was submitted becomes durable */
void store_drain(struct world *w, struct node *node);

/** store_wipe() - an empty disk in place of the one that was there, which is kept */
void store_wipe(struct world *w, struct node *node);

/** store_rot() - damage the disk where that can be found out */
void store_rot(struct world *w, struct node *node);

/** store_rot_copy() - damage one of two copies, which must make no difference */
void store_rot_copy(struct world *w, struct node *node);

/** store_identify() - whose it is, by what stands on it */
int store_identify(const struct store *store, struct wal_superblock *super);

/**
 * store_is_own() - is this the disk of this node, by what stands on it?
 * @w: world
 * @node: which
 * @owner_id: set to the node it is of, if it is not
 */
bool store_is_own(const struct world *w, const struct node *node, u32 *owner_id);

/**
 * store_recover() - read the WAL
 * @w: world
 * @node: whose; its core is restored, if it has one that was not started
 * @found: filled in with the log
 * @hard_state: filled in
 * @space_bytes: filled in
 *
 * Return: false if it could not be read; the violation is noted.
 */
bool store_recover(struct world *w, struct node *node, struct log *found,
		   struct raft_hard_state *hard_state, u64 *space_bytes);

/**
 * store_read() - read an entry back
 * @w: world
 * @node: whose
 * @record: which
 *
 * Return: false if it is not there; wrong contents are a violation.
 */
bool store_read(struct world *w, struct node *node, const struct record *record);

#endif /* RAFTLOG_SIM_STORE_H */
