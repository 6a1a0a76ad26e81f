// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery from lost quorum, as kmod/recover.c does it, cut in each of its writes:
 * see wal_superblock_replace().
 */
#include "crash.h"

enum {
	ENTRY_BYTES_MAX = 100,
	/* Room that there must be, also for one that has the shape of the last. */
	ROOM_BYTES = 16 << 10,
};

/* False: the run ends, or there was a crash, and all that follows is done. */
static bool write_superblock(struct run *r, const struct wal_superblock *super,
			     u32 i)
{
	struct wal_write write;

	r->next_super = *super;
	r->replacing = true;
	r->intended = r->acknowledged;
	r->n_outstanding = 0;
	wal_superblock_encode(super, i, r->staging, &write);
	write_name(r, "superblock", &write);
	cut_begin(r, &r->cut, &write, true);
	cut_check(r, false);
	if (r->failed || run_enough(r))
		return false;
	if (rng_chance(&r->rng, RNG_ONE / 4)) {
		write_crash(r);
		write_open(r);
		return false;
	}
	cut_set(r, &r->cut, cut_all(&r->cut));
	r->super = *super;
	r->replacing = false;
	r->n_super_ghosts = 0;
	return true;
}

static bool replace(struct run *r, u64 cluster_id, u64 incarnation,
		    bool recovering)
{
	struct wal_superblock super = r->super;
	u32 i;

	if (recovering)
		super.kept = (struct wal_kept){
			.index = r->w.last_index,
			.term = r->w.last_term,
			.snapshot = rng_next(&r->rng),
		};
	wal_superblock_replace(&super, cluster_id, incarnation, recovering);
	for (i = 0; i < WAL_SUPERBLOCK_COPIES; i++)
		if (!write_superblock(r, &super, i))
			return false;
	return true;
}

static bool is_alone(const struct run *r)
{
	const struct state *state = &r->acknowledged;
	u16 record = state->records[state->last_index];

	return state->last_index > state->prev_index &&
	       r->records[record - 1].alone == r->super.cluster_id;
}

/* Its log says that the node is alone. False: as above. */
static bool write_entry(struct run *r)
{
	struct wal_hard_state hard_state = r->w.hard_state;
	u64 n_restarts = r->counters->restarts;
	int ret;

	if (is_alone(r))
		return true;
	if (wal_slot_due(&r->w) && !write_slot(r, &hard_state))
		return false;
	hard_state.current_term++;
	hard_state.voted_for = r->super.node_id;
	r->alone = r->super.cluster_id;
	r->alone_index = r->acknowledged.last_index + 1;
	ret = write_batch(r, r->alone_index, &hard_state, 1, ENTRY_BYTES_MAX);
	r->alone = 0;
	if (ret)
		fail(r, "no entry says that the node is alone: %d", ret);
	return !r->failed && !run_enough(r) && r->counters->restarts == n_restarts;
}

static void finish(struct run *r)
{
	if (!write_entry(r))
		return;
	r->committed = r->acknowledged.last_index;
	replace(r, r->super.cluster_id, r->super.incarnation, false);
}

void alone_begin(struct run *r)
{
	if (r->acknowledged.last_index == r->acknowledged.prev_index ||
	    wal_space_bytes(&r->w) < ROOM_BYTES)
		return;
	r->counters->recoveries++;
	if (replace(r, r->super.cluster_id + 1, rng_next(&r->rng) | 1, true))
		finish(r);
}

/* What the opening found: make it good before anything else, and go on. */
void alone_open(struct run *r)
{
	if (r->replacing && r->found_super.generation == r->super.generation &&
	    !r->super.recovering) {
		r->counters->undone++;
		if (r->n_super_ghosts < SUPER_GHOSTS_MAX)
			r->super_ghosts[r->n_super_ghosts++] = r->next_super;
	}
	r->alone = 0;
	r->super = r->found_super;
	r->replacing = false;
	if (r->super.stale) {
		r->counters->renewed++;
		if (!write_superblock(r, &r->super, 0))
			return;
		r->super.stale = false;
	}
	if (!r->super.recovering)
		return;
	r->counters->completed++;
	finish(r);
}
