/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The checker sees everything and trusts nothing: the five properties of Raft
 * (figure 3.2), and what the module promises beyond them. Each check is made
 * where the fact it is about comes into being, so that each costs little.
 */
#ifndef RAFTLOG_SIM_CHECK_H
#define RAFTLOG_SIM_CHECK_H

#include "log.h"
#include "node.h"

struct world;
struct op;

/**
 * struct vote - of a disk
 * @incarnation: of the disk
 * @candidate: id of the node that it voted for, 0 if none
 */
struct vote {
	u64 incarnation;
	u32 candidate;
};

/**
 * struct check - what the checker remembers
 * @records: every entry that ever was
 * @committed: the log of committed entries
 * @leaders: [term]: node id of its leader, 0 if none
 * @votes: [term * (NODES_MAX + 1) + voter]: whom it voted for
 * @configurations: every one that ever was in a log
 * @n_configurations: how many
 * @n_configurations_max: room
 * @checkpoints: every one of the sessions that ever was in a log
 * @n_checkpoints: how many
 * @n_checkpoints_max: room
 * @progress: a sum that grows as long as nodes catch up
 * @converging: entries that were committed when that was added up
 * @n_late: looks at which a leader had handed over just before
 * @n_elections: at the last look, those for a leader that was removed aside
 */
struct check {
	struct records records;
	struct log committed;
	u32 *leaders;
	struct vote *votes;
	struct record **configurations;
	u64 n_configurations;
	u64 n_configurations_max;
	struct record **checkpoints;
	u64 n_checkpoints;
	u64 n_checkpoints_max;
	u64 progress;
	u64 converging;
	u64 n_elections;
	u32 n_late;
};

void check_init(struct check *check);
void check_free(struct check *check);

/**
 * check_forget() - who led, and entries that do not count any more
 * @check: what the checker remembers
 * @log: what does count
 * @term: entries of later terms may come anew, as others
 */
void check_forget(struct check *check, const struct log *log, u64 term);

/**
 * violation() - a property does not hold
 * @w: world; only the first one is kept
 * @property: which
 * @format: what happened
 */
void violation(struct world *w, const char *property, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** check_alone() - from now on @node is a cluster, by an entry that it makes in @term */
void check_alone(struct world *w, const struct node *node, u64 term);

void check_transition(struct world *w, struct node *node,
		      const struct raft_transition *transition);

/** check_elected() - after its entries: what a new leader must have */
void check_elected(struct world *w, struct node *node);

/** check_entry() - a node's log gets this entry. Return: its record, or NULL. */
struct record *check_entry(struct world *w, struct node *node, u64 index,
			   const struct raft_entry *entry);

/** check_replace() - a node's log is cut off before @from */
void check_replace(struct world *w, struct node *node, u64 from);

void check_commit(struct world *w, struct node *node, u64 commit_index);

/** check_base() - only what is committed goes, and what is left of it is right */
void check_base(struct world *w, const struct node *node,
		const struct raft_update *update);

/** check_discard() - a log that begins anew loses nothing that is committed */
void check_discard(struct world *w, struct node *node,
		   const struct raft_update *update);

/** check_configuration() - what goes with a log that begins behind @base */
void check_configuration(struct world *w, const struct node *node, u64 base,
			 u64 index, const void *data, u32 bytes);

/** check_interrupted() - what a leader is sending it, if it is, does not go on */
void check_interrupted(struct world *w, const struct node *node);

/** check_batch() - the core between two batches */
void check_batch(struct world *w, struct node *node);

/** check_timeout_now() - after the core took one */
void check_timeout_now(struct world *w, struct node *node,
		       const struct raft_message *message);

/** check_said() - what a message says is true when the core says it */
void check_said(struct world *w, struct node *node,
		const struct raft_message *message);

/** check_leaves() - what a message implies is durable when it leaves */
void check_leaves(struct world *w, struct node *node,
		  const struct raft_message *message);

/** check_damaged() - damage was found at a start: the rest must be as if not */
void check_damaged(struct world *w, struct node *node, const struct log *found,
		   const struct raft_hard_state *hard_state);

/** check_recovered() - what is found after a start is what must be there */
void check_recovered(struct world *w, struct node *node,
		     const struct log *found,
		     const struct raft_hard_state *hard_state);

/**
 * check_holders() - who has it
 * @w: world
 * @c: configuration
 * @record: an entry
 *
 * Return: the members of @c, bit: id, whose disk, as @c knows it, has @record; be
 * it in the node or on the shelf.
 */
u32 check_holders(const struct world *w, const struct raft_configuration *c,
		  const struct record *record);

/** check_leader_of() - node id of who led @term, 0 if nobody did */
u32 check_leader_of(const struct world *w, u64 term);

/** check_clocks_agree() - as well as leases need it */
bool check_clocks_agree(const struct world *w);

void check_done(struct world *w, struct node *node, struct op *op);

/* After the faults: progress.c */

enum progress {
	PROGRESS_DONE,
	PROGRESS_SOME, /* not done, but more than at the last look */
	PROGRESS_FULL, /* there cannot be any */
};

/** progress_converge() - one leader, equal logs */
enum progress progress_converge(struct world *w);
/** progress_probe() - what was proposed since is committed */
enum progress progress_probe(struct world *w);
/** progress_final() - all that was acknowledged is on the disks */
void progress_final(struct world *w);

#endif /* RAFTLOG_SIM_CHECK_H */
