/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Readers: ask on any node up to where to read, wait, give up.
 *
 * A read that succeeds says an index. What was committed anywhere when the read
 * was made is not behind it: nothing that anybody could have seen by then, by an
 * acknowledgment, by reading, or by an earlier read. And what is up to it can be
 * read on this node.
 *
 * Reads by lease promise as much where their assumption holds: all clocks run
 * within LEASE_DRIFT_MAX of each other's speed, and none leapt from a while before
 * the read until its end. Where it does not they only must be readable.
 */
#ifndef RAFTLOG_SIM_READER_H
#define RAFTLOG_SIM_READER_H

#include "raft/raft.h"
#include "rng.h"

struct world;
struct node;

/**
 * struct lookup - a read of a client
 * @read: what the core links
 * @number: counts from 1
 * @state: enum lookup_state
 * @probe: must succeed: made when nothing is wrong any more
 * @handed: the core has it
 * @node: index of the node it was made on
 * @boot: which start of that node
 * @floor_index: newest index committed anywhere when it was made
 * @made_ns: when that was
 */
struct lookup {
	struct raft_read read;
	u64 number;
	u8 state;
	bool probe;
	bool handed;
	u32 node;
	u32 boot;
	u64 floor_index;
	u64 made_ns;
};

enum lookup_state {
	LOOKUP_PENDING,
	LOOKUP_OK,
	LOOKUP_FAILED,
};

/**
 * struct readers - all of them
 * @rng: when, where
 * @lookups: all reads
 * @n: how many
 * @n_settled: those before this one are not pending
 */
struct readers {
	struct rng rng;
	struct lookup **lookups;
	u64 n;
	u64 n_max;
	u64 n_settled;
};

/** readers_read() - time for some reads */
void readers_read(struct world *w);
/** readers_probe() - on each node, which must succeed */
void readers_probe(struct world *w);
/** readers_give_up() - somebody waited long enough */
void readers_give_up(struct world *w, struct lookup *lookup);
/** readers_done() - the core is done with it */
void readers_done(struct world *w, struct node *node, struct lookup *lookup);
/** readers_forget() - @node went down with all it knew */
void readers_forget(struct world *w, struct node *node);
/** readers_n_pending() - and a probe that failed is a violation */
u64 readers_n_pending(struct world *w);
void readers_free(struct readers *readers);

#endif /* RAFTLOG_SIM_READER_H */
