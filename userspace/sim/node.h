/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A node: the core, and around it what the module's owner thread does. It runs
 * in batches: events from the inbox, then RAFT_EVENT_TIME, then the update in
 * the order of its fields.
 */
#ifndef RAFTLOG_SIM_NODE_H
#define RAFTLOG_SIM_NODE_H

#include "application.h"
#include "keys.h"
#include "log.h"
#include "net.h"
#include "raft/raft.h"
#include "store.h"

struct lookup;
struct op;
struct wish;

/* No-ops and configurations that fit into a log that is full. */
enum { NODE_RESERVE_ENTRIES = 16 };

enum item_kind {
	ITEM_PACKET,
	ITEM_PROPOSE,
	ITEM_CANCEL,
	ITEM_READ_INDEX,
	ITEM_CANCEL_READ,
	ITEM_PERSISTED,
	ITEM_FAILED,
	ITEM_CHANGE,
	ITEM_SNAPSHOT,
	ITEM_SNAPSHOT_GONE,
	ITEM_STORED,
};

/**
 * struct item - something for the owner to look at
 * @next: in the inbox
 * @kind: enum item_kind
 * @packet: ITEM_PACKET
 * @op: ITEM_PROPOSE, ITEM_CANCEL
 * @wish: ITEM_CHANGE
 * @lookup: ITEM_READ_INDEX, ITEM_CANCEL_READ
 * @persisted: ITEM_PERSISTED
 * @snapshot: ITEM_SNAPSHOT, ITEM_SNAPSHOT_GONE, ITEM_STORED
 * @offset: ITEM_STORED
 */
struct item {
	struct item *next;
	u8 kind;
	struct packet *packet;
	struct op *op;
	struct wish *wish;
	struct lookup *lookup;
	struct {
		u64 seq;
		u64 index;
		u64 term;
		u64 space_bytes;
	} persisted;
	struct raft_snapshot snapshot;
	u64 offset;
};

/** struct parked - a datagram that waits for a hard state to be durable */
struct parked {
	struct parked *next;
	u64 seq;
	struct packet *packet;
};

/** struct read_job - entries to read for a peer that is behind */
struct read_job {
	bool witness;
	struct raft_message message;
	u64 first_index;
	u32 n;
	u32 bytes_max;
	struct record *records[];
};

/**
 * struct node - a node
 * @id: from 1; w->nodes[id - 1]
 * @newcomer: no member at first
 * @witness: a member without what entries say
 * @up: it runs
 * @disk_broken: it was made to fail; lasts until the next start
 * @feature_level: of its version
 * @wiped: it has another disk than the one that the configuration knows
 * @spare: the disk that it had before, if @has_spare: the one that is known, or the
 *	one that was put in its place meanwhile
 * @had_twin: another machine had its id, and may be the one that was heard from last
 * @spare_rotted: as @rotted, of that disk
 * @spare_promised_term: as @promised_term, of that disk
 * @swapped: whose disk it has got, NULL: its own
 * @refused: it has been started with that disk, in vain
 * @n_rots: how often its disk was damaged
 * @rotted: it was, and all that is committed may not be there again
 * @boot: counts starts; events of older ones are stale
 * @rng: decides when it runs and how much it does at once
 * @raft: the core, in @memory
 * @raft_rng: the core's
 * @session: of this start
 * @counter: datagrams of @session
 * @keys: what it encrypts with
 * @clock_base: its clock at @clock_start
 * @clock_start: world's clock when it started
 * @clock_rate: of its clock, in thousandths
 * @jumped: its clock has leapt ahead since it started
 * @paused_until: the owner does not run
 * @wake_at: when it will; 0: nobody woke it
 * @timer_at: when the earliest timer event comes, U64_MAX: none
 * @deadline: by its own clock, of the last update
 * @log: as the core knows it, as seen in its updates
 * @commit_index: of the last update
 * @application: what came of the entries up to there, if not of more
 * @incoming_index: of the last update
 * @current_term: of the last update
 * @role: of the last transition
 * @persisted_seq: newest hard_state_seq given to the core
 * @promised: newest term in a message that left; a lower bound of the hard
 *	state to be found after a crash
 * @lease_until_ns: world's clock: latest that it published
 * @lease_term: the term that it then led
 * @by_transfer: it is a candidate because a leader wanted it
 * @transferee: of the last update
 * @n_transfers: of the last update
 * @stop_at: it is being stopped in order, and that is when at the latest; else 0
 * @elected: it became leader in the update that is being carried out
 */
struct node {
	u32 id;
	bool newcomer;
	bool witness;
	bool up;
	u8 feature_level;
	bool disk_broken;
	bool rotted;
	bool wiped;
	bool has_spare;
	bool had_twin;
	bool spare_rotted;
	struct node *swapped;
	bool refused;
	u32 n_rots;
	u32 boot;
	struct rng rng;

	struct raft *raft;
	void *memory;
	struct raft_rng raft_rng;
	struct raft_term_run *runs;
	struct raft_settings settings;
	struct raft_update update;
	struct raft_entry *entries;
	struct raft_send *sends;
	u64 session;
	u64 counter;
	struct node_keys keys;

	u64 clock_base;
	u64 clock_start;
	u32 clock_rate;
	bool jumped;
	u64 paused_until;
	u64 wake_at;
	u64 timer_at;
	u64 deadline;

	struct item *inbox;
	struct item **inbox_tail;
	u32 n_inbox;
	struct parked *parked;
	struct parked **parked_tail;

	struct store store;
	struct store spare;
	u64 spare_promised_term;

	struct log log;
	u64 commit_index;
	struct application application;
	u64 incoming_index;
	u64 current_term;
	u8 role;
	u64 persisted_seq;
	u64 promised_term;
	u64 lease_until_ns;
	u64 lease_term;
	bool by_transfer;
	u32 transferee;
	u64 n_transfers;
	u64 stop_at;
	bool elected;
};

/* What it holds of a client's entry is its place alone, if it is a witness. */
static inline u32 node_bytes(const struct node *node,
			     const struct record *record)
{
	return node->witness && record->type == RAFT_ENTRY_DATA ?
		       0 :
		       record->bytes;
}

/* node.c: life */
void node_init(struct world *w, struct node *node, u32 id);
void node_destroy(struct node *node);
void node_start(struct world *w, struct node *node);
void node_crash(struct world *w, struct node *node);
/**
 * node_recover() - the part of a recovery from lost quorum that the log is
 * @w: world
 * @node: down, its superblock says what it is to be
 * @cut: the power fails meanwhile
 *
 * Return: false: it did, or what it was begun with is not all here.
 */
bool node_recover(struct world *w, struct node *node, bool cut);
/** node_exchange() - put the spare disk of a node that is down in */
void node_exchange(struct world *w, struct node *node);
/** node_make_twin() - down, with an empty disk, and the id of @other */
void node_make_twin(struct world *w, struct node *twin, const struct node *other);
void node_transfer(struct world *w, struct node *node, u32 target, u8 cause);
void node_leave(struct world *w, struct node *node);
void node_shutdown(struct world *w, struct node *node);
void node_swap(struct world *w, struct node *node, struct node *other);
/* Other timeouts at run time, the heartbeat in proportion. */
void node_set(struct world *w, struct node *node, u64 election_timeout_ns);
void node_jump(struct world *w, struct node *node, u64 ns);
u64 node_clock(const struct world *w, const struct node *node);

/* owner.c: the owner thread */
void owner_push(struct world *w, struct node *node, const struct item *item);
void owner_wake(struct world *w, struct node *node);
void owner_run(struct world *w, struct node *node);
void owner_timer(struct world *w, struct node *node);
void owner_pause(struct world *w, struct node *node, u64 ns);
void owner_carry_out(struct world *w, struct node *node);
int owner_step(struct world *w, struct node *node, struct raft_event *event);
void owner_step_time(struct world *w, struct node *node);
void owner_stop(struct node *node);
bool owner_provide_memory(struct world *w, struct node *node);

/* sender.c: from struct raft_send to datagrams */
void sender_send(struct world *w, struct node *node,
		 const struct raft_send *send);
/** sender_install() - InstallSnapshot, with some of the data or without */
void sender_install(struct world *w, struct node *node,
		    const struct raft_send *send, const struct raft_entry *data);
void sender_release(struct world *w, struct node *node);
void sender_read_done(struct world *w, struct node *node, struct read_job *job);
void sender_stop(struct node *node);

#endif /* RAFTLOG_SIM_NODE_H */
