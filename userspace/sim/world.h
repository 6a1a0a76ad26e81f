/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world of one seed: a virtual clock, a heap of events, nodes, network,
 * clients and the checker.
 *
 *	main.c		options, workers, report
 *	world.c		clock, events, faults; runs a seed
 *	plan.c		what a seed decides beforehand
 *	node.c		start, crash, stop of a node
 *	owner.c		its owner thread: batches, updates
 *	sender.c	its way out: attach entries, park, catch up
 *	slots.c		its snapshots over the real format
 *	application.c	what takes them, and goes on from them
 *	store.c		its storage thread over the real WAL code
 *	recovery.c	reading that WAL
 *	disk.c		sectors, torn writes
 *	survivor.c	what is left when the quorum is lost for good
 *	net.c		datagrams over the real wire code
 *	keys.c		their encryption, and who tries to get round it
 *	membership.c	the members, and who asks for others
 *	client.c	proposals and what clients were told
 *	program.c	programs that name their session, and what is right for them
 *	reader.c	linearizable reads
 *	check.c		safety
 *	progress.c	what must hold once all faults are over
 *	trace.c		the trace
 */
#ifndef RAFTLOG_SIM_WORLD_H
#define RAFTLOG_SIM_WORLD_H

#include "check.h"
#include "client.h"
#include "counters.h"
#include "keys.h"
#include "net.h"
#include "node.h"
#include "plan.h"
#include "program.h"
#include "reader.h"
#include "rng.h"
#include "trace.h"

enum event_kind {
	EVENT_ARRIVE, /* object: packet */
	EVENT_WAKE, /* node's owner runs */
	EVENT_TIMER, /* node's deadline */
	EVENT_ASK, /* node's channels */
	EVENT_STORE, /* node's storage thread */
	EVENT_POWER, /* node's power fails */
	EVENT_READ, /* node, object: read_job */
	EVENT_SLOT, /* node, object: number of a write to a snapshot */
	EVENT_CHUNK, /* node, object: chunk_job */
	EVENT_PROPOSE,
	EVENT_CANCEL, /* object: op */
	EVENT_CHANGE,
	EVENT_READERS,
	EVENT_GIVE_UP, /* object: lookup */
	EVENT_FAULT,
	EVENT_ROTATE, /* another node gets another key */
	EVENT_START, /* node is repaired */
	EVENT_STOP, /* node may have handed over by now */
	EVENT_QUIET, /* faults end */
	EVENT_CONVERGE, /* there must be a leader by now */
	EVENT_PROBE, /* new proposals must be done by now */
};

/**
 * struct event - something that will happen
 * @at_ns: when
 * @order: breaks ties: as it was added
 * @kind: enum event_kind
 * @node: index of the node, if it is one's
 * @boot: stale if the node was started again since
 * @object: see enum event_kind
 */
struct event {
	u64 at_ns;
	u64 order;
	u32 kind;
	u16 node;
	u16 boot;
	void *object;
};

enum {
	VIOLATION_CHARS = 400,
	/* Events until the faults end early; and, times 4, until it is a storm. */
	WORLD_STEPS_DEFAULT = 60000,
};

struct world {
	u64 seed;
	u64 now_ns;
	u64 n_steps;
	u64 steps_max;
	u64 order;
	bool quiet;
	u64 quiet_ns; /* when it will be */
	bool over;
	bool recovering; /* a node is about to be a cluster: survivor.c */
	bool blind; /* whoever opens a disk has no snapshots: survivor.c */
	bool recovered; /* one is: its id is drawn, and nobody can begin that anew */
	struct plan plan;
	struct rng rng;
	struct rng failpoint_rng;
	struct event *events;
	u64 n_events;
	u64 n_events_max;

	struct node nodes[NODES_MAX + 1]; /* the last: world_twin() */
	u32 n_nodes;
	struct net net;
	struct keys keys;
	struct clients clients;
	struct programs programs;
	struct readers readers;
	u64 jumped_ns; /* when a clock last leapt, 0: never */
	u64 handed_over_ns; /* when a leader last asked another to lead */
	struct check check;
	struct states states;
	bool install_interrupted;
	bool changed_apart;
	struct trace trace;
	struct counters counters;

	u8 *recovery_buf;
	u64 cluster_id;
	u8 configuration[RAFT_CONFIGURATION_BYTES_MAX];
	u32 configuration_bytes;
	const struct record *sealed;

	bool violated;
	const char *property;
	char what[VIOLATION_CHARS];
};

struct world_options {
	u64 steps_max;
	u32 n_nodes;
	bool print;
};

/**
 * world_run() - run a seed to its end or its first violation
 * @w: any content; results are in violated, trace, counters
 * @seed: decides everything
 * @options: what it may not decide
 *
 * Frees all memory but @w itself.
 */
void world_run(struct world *w, u64 seed, const struct world_options *options);

/** failpoints_enter() - what raftlog_failpoint() says is of @w from now on */
void failpoints_enter(struct world *w);
/** failpoints_leave() - none fires any more */
void failpoints_leave(struct world *w);

/** world_payload() - what @record holds, NULL if nothing */
const void *world_payload(const struct record *record);

/** world_twin() - the machine that has the id of another one, if it is up */
struct node *world_twin(struct world *w);

/** world_end_faults() - they end then, and no more when they were to end */
void world_end_faults(struct world *w, u64 at_ns);
void world_repair_later(struct world *w, struct node *node);
void world_at(struct world *w, u64 at_ns, enum event_kind kind,
	      struct node *node, void *object);

#endif /* RAFTLOG_SIM_WORLD_H */
