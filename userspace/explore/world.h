/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state that is searched: the cores, their disks, the network, and what the
 * checker has to remember. It all lies in one static object, so that a copy of
 * its bytes, put back to the same place, is the state again: the cores are full
 * of pointers into themselves and to their proposals.
 *
 * One event at a time happens, and ends with everything carried out. An event is
 * a batch of the module's: the event itself, RAFT_EVENT_TIME, the update.
 *
 *	event.c		which events are possible; carries one out
 *	node.c		what the owner thread does around the core, and the disk
 *	network.c	messages under way
 *	check.c		the properties
 *	projection.c	what of the state counts, and its hash
 *	search.c	visits each state once
 */
#ifndef RAFTLOG_EXPLORE_WORLD_H
#define RAFTLOG_EXPLORE_WORLD_H

#include "raft/core.h"

enum {
	/* Of EVENT_DAMAGE: what is left are entries that were replaced. */
	DAMAGE_REPLACED = 1 << 7,
	/* A configuration that knows the disks; two bits each say which. */
	SEALED = 1 << 7,
	DISKS_MAX = 4,
	WIPING_NODES_MAX = 3,
	NODES_MAX = 5,
	TERMS_MAX = 8,
	PROPOSALS_MAX = 4,
	READS_MAX = 3,
	BOOTS_MAX = 8,
	/* The configuration, a no-op a term, the proposals. */
	LOG_MAX = 1 + TERMS_MAX + PROPOSALS_MAX,
	APPEND_MAX = 4, /* entries of a message */
	CHANNEL_MAX = 4,
	WRITES_MAX = 6,
	WRITE_ENTRIES_MAX = 2 + PROPOSALS_MAX,
	PARKED_MAX = 8,
	TERM_RUNS = 32,
	CORE_BYTES = 24 << 10,
};

/**
 * struct entry - of a log
 * @session: the node's id * BOOTS_MAX + its boot
 * @sequence: of a configuration: 0 for the open one, or SEALED and the disks
 */
struct entry {
	u8 term;
	u8 type;
	u8 session;
	u8 sequence;
};

/**
 * struct log - all entries that there ever were in it
 * @n: last index
 * @base: entries up to here have gone
 * @configuration_index: of what goes with that
 * @configuration: as in struct entry
 * @entries: those that have gone as they were committed
 */
struct log {
	u32 n;
	u8 base;
	u8 configuration_index;
	u8 configuration;
	struct entry entries[LOG_MAX];
};

/** struct packet - a message with its entries; @message.entries is NULL */
struct packet {
	struct raft_message message;
	struct entry entries[APPEND_MAX];
};

/** struct channel - from one node to another, in the order of sending */
struct channel {
	u32 n;
	struct packet packets[CHANNEL_MAX];
};

/**
 * struct write - an update on its way to the disk
 * @hard_state: of the update
 * @seq: its number
 * @last_index: of RAFT_EVENT_PERSISTED
 * @last_term: of RAFT_EVENT_PERSISTED
 * @base: before that, the log begins behind this; 0: as it was
 * @anew: and nothing is left of it
 * @configuration_index: goes with @base
 * @configuration: likewise
 * @first_index: of the first of @entries
 * @n: how many
 * @entries: to be written
 */
struct write {
	struct raft_hard_state hard_state;
	u64 seq;
	u8 last_index;
	u8 last_term;
	u8 base;
	bool anew;
	u8 configuration_index;
	u8 configuration;
	u8 first_index;
	u8 n;
	struct entry entries[WRITE_ENTRIES_MAX];
};

struct parked {
	u64 seq;
	struct packet packet;
};

/**
 * struct node - a node; it is always up: to be down is to be sent nothing
 * @id: from 1; world.nodes[id - 1]
 * @boot: counts its starts
 * @role: of the last transition
 * @elected: it became leader in the update that is being carried out
 * @now_ns: its own clock; only its own timers move it
 * @deadline_ns: of the last update
 * @current_term: as last seen
 * @commit_index: of the last update
 * @persisted_seq: newest write the core was told of
 * @log: as the core knows it, from its updates
 * @disk_hard_state: what it would come back with
 * @disk: the log it would come back with
 * @disk_number: how many disks it had before this one
 * @replaced: what that log was before entries of it were last replaced
 * @lost: where that log once ended, if damage took some of it
 * @rotted: the disk may lack what it once had
 * @was_rotted: it did once
 * @n_writes: writes under way, the oldest first
 * @n_parked: messages that wait for a hard state to be durable
 * @runs: the core's
 * @rng: the core's
 * @core: struct raft and what is behind it
 */
struct node {
	u32 id;
	u32 boot;
	u8 role;
	bool elected;
	u64 now_ns;
	u64 deadline_ns;
	u64 current_term;
	u64 commit_index;
	u64 persisted_seq;
	struct log log;
	struct raft_hard_state disk_hard_state;
	u8 disk_number;
	struct log disk;
	struct log replaced;
	struct {
		u8 index;
		u8 term;
	} lost;
	bool rotted;
	bool was_rotted;
	u32 n_writes;
	struct write writes[WRITES_MAX];
	u32 n_parked;
	struct parked parked[PARKED_MAX];
	struct raft_term_run runs[TERM_RUNS];
	struct raft_rng rng;
	u8 core[CORE_BYTES] __aligned(8);
};

enum op_state {
	OP_NONE,
	OP_PENDING,
	OP_OK,
	OP_NEVER, /* its writer was told that it is in no log */
	OP_UNKNOWN,
};

/** struct op - a proposal, in the order in which they are made */
struct op {
	u8 node;
	u8 session;
	u8 sequence;
	u8 state;
	struct raft_proposal proposal;
};

/**
 * struct lookup - a linearizable read, in the order in which they are made
 * @node: whom it was asked of
 * @state: enum op_state
 * @floor_index: what was committed anywhere when it was made
 * @read: the core's
 */
struct lookup {
	u8 node;
	u8 state;
	u8 floor_index;
	struct raft_read read;
};

/**
 * struct common - what is not of one node
 * @drops: messages lost so far
 * @duplicates: messages delivered and kept
 * @crashes: of any node
 * @damages: crashes that took entries from the disk
 * @wipes: crashes after which the disk was another one
 * @compactions: of any node
 * @delays: writes that did not complete at once
 * @timeouts: election timers that ran out
 * @transfers: leaders that wanted another one to lead
 * @n_ops: proposals made
 * @ops: the proposals
 * @n_lookups: linearizable reads made
 * @lookups: the reads
 * @committed: the log of committed entries
 * @committed_term: current_term of the node that first committed each of them
 * @leaders: [term]: who led it
 */
struct common {
	u8 drops;
	u8 duplicates;
	u8 crashes;
	u8 damages;
	u8 wipes;
	u8 compactions;
	u8 delays;
	u8 timeouts;
	u8 transfers;
	u8 n_ops;
	struct op ops[PROPOSALS_MAX];
	u8 n_lookups;
	struct lookup lookups[READS_MAX];
	struct log committed;
	u8 committed_term[LOG_MAX];
	u8 leaders[TERMS_MAX + 1];
};

struct world {
	struct common common;
	struct channel channels[NODES_MAX * NODES_MAX];
	struct node nodes[NODES_MAX];
};

/**
 * struct bounds - how far the search goes
 * @nodes: voters
 * @terms: largest current_term; the first is that of the bootstrap entry
 * @entries: proposals
 * @reads: linearizable reads
 * @drops: lost messages
 * @duplicates: messages delivered more than once
 * @crashes: of any nodes
 * @damages: of a minority of the disks at a time
 * @wipes: disks that are replaced by empty ones
 * @compactions: how often entries go
 * @open: begin with a configuration that does not know the disks
 * @delays: writes that take longer than the event they belong to
 * @timeouts: election timers that run out
 * @transfers: leaders that want another one to lead
 * @channel: messages from one node to another; more, and the oldest is lost
 * @append: entries of one AppendEntries
 * @inflight: of them to one peer at a time
 */
struct bounds {
	u32 nodes;
	u32 terms;
	u32 entries;
	u32 reads;
	u32 drops;
	u32 duplicates;
	u32 crashes;
	u32 damages;
	u32 wipes;
	u32 compactions;
	u32 open;
	u32 delays;
	u32 timeouts;
	u32 transfers;
	u32 channel;
	u32 append;
	u32 inflight;
};

/* In groups of three, as they are printed. ./test wants all to be reached. */
#define EXPLORE_COUNTERS(X)                      \
	X(deliveries, "deliveries")              \
	X(drops, "drops")                        \
	X(duplicates, "duplicates")              \
	X(overtaken, "overtaken")                \
	X(overflows, "lost in a full channel")   \
	X(late_requests, "after stickiness")     \
	X(election_timeouts, "election timeouts") \
	X(take_overs, "take-overs")              \
	X(heartbeats, "heartbeats")              \
	X(loss_timeouts, "loss timeouts")        \
	X(quorums_lost, "quorums lost")          \
	X(resends, "proposals sent again")       \
	X(proposals, "proposals")                \
	X(delays, "delayed writes")              \
	X(writes, "completed writes")            \
	X(crashes, "crashes")                    \
	X(writes_lost, "writes lost in crash")   \
	X(writes_unreported, "writes unreported") \
	X(damages, "disks damaged")              \
	X(repaired, "disks repaired")            \
	X(wipes, "disks wiped")                  \
	X(compactions, "compactions")            \
	X(installs, "logs begun anew")           \
	X(sealed, "configurations sealed")       \
	X(parked, "messages held back")          \
	X(leaders, "leaders")                    \
	X(rivals, "rival leaders")               \
	X(stepped_down, "leaders replaced")      \
	X(votes_refused, "votes refused")        \
	X(appends_refused, "AppendEntries refused") \
	X(acks_checked, "acks checked")          \
	X(appended, "entries appended")          \
	X(truncations, "truncations")            \
	X(committed, "entries committed")        \
	X(committed_old, "older terms committed") \
	X(forwarded, "proposals forwarded")      \
	X(op_ok, "proposals done")               \
	X(reads, "reads")                        \
	X(reads_due, "rounds and requests due")  \
	X(reads_ok, "reads done")

struct counters {
#define X(name, text) u64 name;
	EXPLORE_COUNTERS(X)
#undef X
};

/**
 * struct verdict - what came of the event that is being carried out
 * @violated: a property does not hold
 * @beyond: it needs more than there is room for; the search cannot follow it
 * @wrote: it began a write on an idle disk
 * @property: which
 * @what: in words
 */
struct verdict {
	bool violated;
	bool beyond;
	bool wrote;
	const char *property;
	char what[240];
};

/* There is one world, at one place: see the top. */
extern struct world world;
extern struct bounds bounds;
extern struct counters counters;
extern struct verdict verdict;

static inline struct raft *core_of(const struct node *node)
{
	return (struct raft *)node->core;
}

static inline struct channel *channel_between(u32 from, u32 to)
{
	return &world.channels[(from - 1) * bounds.nodes + to - 1];
}

static inline const struct entry *log_at(const struct log *log, u64 index)
{
	return index && index <= log->n ? &log->entries[index - 1] : NULL;
}

static inline u8 log_term(const struct log *log, u64 index)
{
	return index && index <= log->n ? log->entries[index - 1].term : 0;
}

/* (index, term) names an entry; that it is the same one is log matching. */
static inline bool log_holds(const struct log *log, u64 index, u8 term)
{
	return term && log_term(log, index) == term;
}

static inline bool is_behind(u64 index, u64 term, u64 last_index, u64 last_term)
{
	return term < last_term || (term == last_term && index < last_index);
}

/* node.c */
void node_boot(struct node *node, u32 id);
void node_step(struct node *node, struct raft_event *event, bool slow);
void node_disk(struct node *node, u32 n_written, bool slow);
void node_crash(struct node *node, u32 n_written);
void node_damage(struct node *node, u32 n_left);
bool node_may_be_damaged(const struct node *node, u32 n_left);
void node_wipe(struct node *node);
bool node_may_be_wiped(const struct node *node);
u8 node_configuration(const struct raft_entry *entry);
u8 node_committed(const struct node *node, u64 *index);
void node_entry(struct raft_entry *to, const struct entry *from);

/* network.c */
void network_send(struct node *node, const struct raft_send *send);
void network_release(struct node *node);
void network_take(u32 from, u32 to, u32 slot, bool keep, struct packet *packet);
u8 network_told_late(const struct packet *packet);
u64 network_sent_ns(const struct packet *packet, u32 *leader_id);

#endif /* RAFTLOG_EXPLORE_WORLD_H */
