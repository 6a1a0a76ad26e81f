/* SPDX-License-Identifier: GPL-2.0 */
/* Clients: propose on any node, wait, give up, remember what they were told. */
#ifndef RAFTLOG_SIM_CLIENT_H
#define RAFTLOG_SIM_CLIENT_H

#include "log.h"
#include "raft/raft.h"
#include "rng.h"

struct world;
struct node;
struct generation;
struct program;

/**
 * enum op_state - what the client was told
 * @OP_PENDING: nothing yet
 * @OP_OK: it is committed at (index, term)
 * @OP_NEVER: it is not in the log and never will be
 * @OP_UNKNOWN: it may be
 */
enum op_state {
	OP_PENDING,
	OP_OK,
	OP_NEVER,
	OP_UNKNOWN,
};

/**
 * struct op - a proposal of a client
 * @proposal: what the core links
 * @number: counts from 1
 * @state: enum op_state
 * @probe: must succeed: made when nothing is wrong any more
 * @handed: the core has it
 * @node: index of the node it was made on
 * @boot: which start of that node
 * @session: that start's, once @handed; of a program's, its own
 * @program: whose session it opens, or is of, NULL: nobody's
 * @generation: of a program's: of which session, NULL: it opens one
 * @of: the first that asked for the same; itself, if none did before
 * @floor_index: newest index known to be acknowledged when it was made
 * @committed: where it was committed, NULL if it was not
 * @bytes: length of @data
 * @data: unique
 */
struct op {
	struct raft_proposal proposal;
	u64 number;
	u8 state;
	bool probe;
	bool handed;
	u32 node;
	u32 boot;
	u64 session;
	struct program *program;
	struct generation *generation;
	struct op *of;
	u64 floor_index;
	const struct record *committed;
	u32 bytes;
	u8 data[];
};

/** struct session - the ops of one start of a node, by sequence from 1 */
struct session {
	u64 id;
	struct op **ops;
	u64 n;
	u64 n_max;
};

/**
 * struct clients - all of them
 * @rng: when, where, what
 * @ops: all ops
 * @n_ops: how many
 * @n_settled: ops before this one are not pending
 * @sessions: all starts of nodes
 * @n_sessions: how many
 * @ok_index: newest index acknowledged to a client
 */
struct clients {
	struct rng rng;
	struct op **ops;
	u64 n_ops;
	u64 n_ops_max;
	u64 n_settled;
	struct session *sessions;
	u64 n_sessions;
	u64 n_sessions_max;
	u64 ok_index;
};

/** clients_make() - an op on @node, its @bytes filled in as nobody else's */
struct op *clients_make(struct world *w, struct node *node, u64 bytes,
			bool probe);
/** clients_push() - now it is @node's */
void clients_push(struct world *w, struct node *node, struct op *op);
/** clients_propose() - time for some proposals */
void clients_propose(struct world *w);
/** clients_probe() - one on each node, which must succeed */
void clients_probe(struct world *w);
/** clients_cancel() - somebody waited long enough */
void clients_cancel(struct world *w, struct op *op);
/** clients_done() - the core is done with it */
void clients_done(struct world *w, struct node *node, struct op *op);
/** clients_forget() - @node went down with all it knew */
void clients_forget(struct world *w, struct node *node);

u64 clients_open_session(struct world *w);
void clients_hand(struct world *w, struct op *op, u64 session);
/** clients_find() - whose is (session, sequence)? NULL: nobody's */
struct op *clients_find(struct world *w, u64 session, u64 sequence);
void clients_free(struct clients *clients);

#endif /* RAFTLOG_SIM_CLIENT_H */
