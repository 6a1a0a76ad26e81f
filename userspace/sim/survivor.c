// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "membership.h"
#include "memory.h"
#include "survivor.h"
#include "world.h"

enum {
	/* Then the power stays. */
	CUTS_MAX = 12,
	/* Entries that there must be room for. */
	ROOM_ENTRIES = 32,
};

/* The power is off: what is on its disk, it would find. */
static bool settle(struct world *w, struct node *node)
{
	struct raft_hard_state hard_state;
	struct log found = { 0 };
	u64 space_bytes = 0;
	bool good;

	good = store_recover(w, node, &found, &hard_state, &space_bytes);
	if (good)
		check_recovered(w, node, &found, &hard_state);
	log_free(&found);
	return good && !w->violated &&
	       space_bytes > ROOM_ENTRIES * wal_entry_overhead_bytes(
						    w->plan.block_bytes);
}

static bool is_ahead(const struct node *node)
{
	const struct wal_snapshot *snapshot = slots_newest(node);
	const struct log *log = &node->store.durable;

	return snapshot->index > log->base &&
	       log_term(log, snapshot->index) != snapshot->term;
}

/* What it goes on with: its log, or one that begins behind its snapshot. */
static void copy_kept(const struct world *w, const struct node *node,
		      struct log *kept)
{
	const struct wal_snapshot *snapshot = slots_newest(node);

	if (!is_ahead(node)) {
		log_copy(kept, &node->store.durable);
		return;
	}
	log_copy(kept, &w->check.committed);
	log_truncate(kept, snapshot->index + 1);
	kept->base = snapshot->index;
}

/* What it has names it, and reaches as far as the configuration that it knows of. */
static bool can_go_on(struct world *w, struct node *node)
{
	const struct store *store = &node->store;
	const struct log *log = &store->durable;
	const struct raft_configuration *with_snapshot;
	struct log kept = { 0 };
	bool can;

	if (node->witness || node->wiped || node->rotted || !settle(w, node) ||
	    store->lost.index || (!log->n && !is_ahead(node)) ||
	    (log->n &&
	     !members_include(members_at(log_at(log, log->n)), node->id)))
		return false;
	/* All that its log begins behind may be a snapshot that is ahead. */
	if (w->blind && w->plan.snapshot && log->base &&
	    !slots_reach(node, log))
		return false;
	copy_kept(w, node, &kept);
	with_snapshot = members_at(
		log_at(&kept, slots_newest(node)->configuration.index));
	can = slots_newest(node)->configuration.index <= kept.n &&
	      (!with_snapshot ||
	       with_snapshot->feature_level <= node->feature_level) &&
	      store->writer.configuration.index <= kept.n &&
	      members_include(members_at(log_at(&kept, kept.n)), node->id);
	log_free(&kept);
	return can;
}

/* Any, but one with a snapshot that its log does not reach before others. */
static struct node *choose(struct world *w)
{
	u32 i, first = rng_below(&w->rng, w->n_nodes);
	struct node *chosen = NULL;

	for (i = 0; i < w->n_nodes && !w->violated; i++) {
		struct node *node = &w->nodes[(first + i) % w->n_nodes];

		if (can_go_on(w, node) && (!chosen || is_ahead(node)))
			chosen = node;
	}
	return chosen;
}

/*
 * What the checker knows of is what is left, which counts as committed from now on.
 * What clients were told before counts no more: neither that it is there nor that it is
 * not.
 */
static void forget_the_others(struct world *w, struct node *node)
{
	u64 i, term = max(node->store.durable_hard_state.current_term,
			  slots_newest(node)->term);
	struct log *committed = &w->check.committed;
	struct log kept = { 0 };

	copy_kept(w, node, &kept);
	w->counters.recoveries_ahead += is_ahead(node);
	for (i = committed->n + 1; i <= kept.n; i++)
		log_at(&kept, i)->committed_term = term;
	log_copy(committed, &kept);
	committed->base = 0;
	log_free(&kept);
	w->states.n = 0;
	for (i = 1; i <= committed->n; i++)
		application_committed(w, log_at(committed, i));
	check_forget(&w->check, committed, term);
	programs_forget(w, term);
	w->sealed = NULL;
	for (i = 0; i < w->clients.n_ops; i++) {
		struct op *op = w->clients.ops[i];

		op->committed = NULL;
		op->floor_index = 0;
		op->state = OP_UNKNOWN;
	}
	w->clients.ok_index = 0;
}

static void reborn(struct world *w, struct node *node)
{
	store_free(&node->store);
	memset(&node->store, 0, sizeof(node->store));
	node_init(w, node, node->id);
	node->feature_level = RAFT_FEATURE_LEVEL_LAST;
	node->newcomer = true;
	node->wiped = false;
	node->rotted = false;
	node->n_rots = 0;
	node->promised_term = 0;
	world_repair_later(w, node);
}

static void lose(struct world *w, struct node *survivor)
{
	u32 i;

	for (i = 0; i < w->n_nodes; i++) {
		struct node *node = &w->nodes[i];

		if (node->has_spare)
			store_free(&node->spare);
		node->has_spare = false;
		node->lease_until_ns = 0;
		if (node != survivor)
			reborn(w, node);
	}
	if (world_twin(w)->id)
		store_free(&world_twin(w)->store);
	memset(&world_twin(w)->store, 0, sizeof(world_twin(w)->store));
	world_twin(w)->id = 0;
}

/* In the middle of a write, or when it is done? */
static bool is_cut(struct world *w, struct node *node, u32 n_cuts)
{
	if (n_cuts >= CUTS_MAX || !rng_chance(&w->rng, RNG_ONE / 4))
		return false;
	w->counters.recoveries_cut++;
	trace(w, TRACE_TEAR, node->id, 0, 0, 0, 0);
	return true;
}

/* False: the power failed. */
static bool write_superblock(struct world *w, struct node *node, u32 i,
			     u32 n_cuts)
{
	struct store *store = &node->store;
	u8 *buf = memory_zeroed(WAL_BLOCK_BYTES_MAX);
	struct wal_write write;
	u32 n_sectors;
	bool cut = is_cut(w, node, n_cuts);

	wal_superblock_encode(&store->super, i, buf, &write);
	disk_begin(&store->disk, &write);
	if (cut)
		disk_crash(&store->disk, &node->rng, &n_sectors);
	else
		disk_complete(&store->disk);
	free(buf);
	return !cut;
}

static struct wal_kept what_is_kept(const struct node *node)
{
	const struct wal_snapshot *snapshot = slots_newest(node);
	const struct log *log = &node->store.durable;
	bool ahead = is_ahead(node);

	return (struct wal_kept){
		.index = ahead ? snapshot->index : log->n,
		.term = ahead ? snapshot->term : log_term(log, log->n),
		.snapshot = snapshot->id,
	};
}

static bool replace(struct world *w, struct node *node, u64 cluster_id,
		    u64 incarnation, bool recovering, u32 n_cuts)
{
	u32 i;

	if (recovering)
		node->store.super.kept = what_is_kept(node);
	wal_superblock_replace(&node->store.super, cluster_id, incarnation,
			       recovering);
	for (i = 0; i < WAL_SUPERBLOCK_COPIES; i++)
		if (!write_superblock(w, node, i, n_cuts))
			return false;
	return true;
}

/*
 * One opening, as in kmod/recover.c: all that is still to be done, until the power
 * fails. What the superblock says now is what counts.
 */
static bool recover(struct world *w, struct node *node, u64 old_id, u32 n_cuts)
{
	struct wal_superblock *super = &node->store.super;
	int error = store_identify(&node->store, super);

	if (error || (super->cluster_id != old_id &&
		      super->cluster_id != w->cluster_id)) {
		violation(w, "recovery", "node %u: whose it is, is gone: %d",
			  node->id, error);
		return true;
	}
	if (super->stale && !write_superblock(w, node, 0, n_cuts))
		return false;
	super->stale = false;
	if (super->cluster_id == old_id) {
		if (!settle(w, node))
			violation(w, "recovery",
				  "node %u: the log of the old cluster is gone",
				  node->id);
		if (w->violated ||
		    !replace(w, node, w->cluster_id,
			     rng_next(&node->rng) | 1, true, n_cuts))
			return w->violated;
	}
	if (!super->recovering)
		return true;
	return node_recover(w, node, is_cut(w, node, n_cuts)) &&
	       replace(w, node, super->cluster_id, super->incarnation, false,
		       n_cuts);
}

/* As above; when it was begun already, it may be without snapshots. */
static bool open_disk(struct world *w, struct node *node, u64 old_id,
		      u32 n_cuts)
{
	bool done, blind = w->blind;
	struct wal_superblock super;

	if (!store_identify(&node->store, &super) && super.recovering &&
	    n_cuts < CUTS_MAX)
		w->blind |= rng_chance(&w->rng, RNG_ONE / 4);
	done = recover(w, node, old_id, n_cuts);
	w->blind = blind;
	return done;
}

static bool go_on(struct world *w)
{
	u64 old_id = w->cluster_id;
	struct node *node;
	u32 i, n_cuts = 0;

	for (i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].up)
			node_crash(w, &w->nodes[i]);
	if (world_twin(w)->up)
		node_crash(w, world_twin(w));
	node = choose(w);
	if (!node || w->violated)
		return false;
	w->counters.quorums_lost++;
	w->counters.recoveries_blind += w->blind;
	if (w->blind)
		node->store.slots.durable_index = 0;
	w->cluster_id = rng_next(&w->rng);
	w->recovered = true;
	forget_the_others(w, node);
	lose(w, node);
	while (!open_disk(w, node, old_id, n_cuts) && !w->violated)
		if (n_cuts++ > CUTS_MAX)
			violation(w, "recovery", "node %u: it does not end",
				  node->id);
	world_repair_later(w, node);
	return true;
}

/* Perhaps nobody says where the snapshots are. */
bool survivor_goes_on(struct world *w)
{
	bool done;
	u32 i;

	for (i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].swapped)
			return false;
	w->blind = rng_chance(&w->rng, RNG_ONE / 4);
	done = go_on(w);
	w->blind = false;
	return done;
}
