// SPDX-License-Identifier: GPL-2.0
/* What a server does to its WAL: one seed decides everything. */
#include "crash.h"

enum {
	STEPS_PER_LIFE = 60,
	LIVES = 2,
	ENTRIES_PER_STEP = 10,
	/* Their headers are cut as well. */
	SMALL_ENTRIES_PER_STEP = 60,
	RECORDS_PER_STEP_MAX = 2 * SMALL_ENTRIES_PER_STEP,
};

bool run_enough(const struct run *r)
{
	return r->counters->images >= r->options->images_max;
}

static u64 area_position(const struct run *r, u64 offset)
{
	return WAL_AREA_POSITION + offset % r->super.area_bytes;
}

/*
 * Blocks of older laps, of suffixes that were replaced, of the log that was here
 * before, where they were or somewhere else, behind the tail.
 */
static void plant(struct run *r)
{
	u32 block_bytes = r->super.block_bytes, i;
	u64 free_bytes = r->w.head.offset + r->super.area_bytes - r->w.tail;
	u64 to, from;

	if (free_bytes < block_bytes)
		return;
	for (i = 0; i < 8; i++) {
		to = r->w.tail +
		     rng_below(&r->rng, free_bytes / block_bytes) * block_bytes;
		from = to;
		if (rng_chance(&r->rng, RNG_ONE / 2))
			from = rng_below(&r->rng, r->super.area_bytes /
						  block_bytes) * block_bytes;
		memcpy(r->image + area_position(r, to),
		       r->old + area_position(r, from), block_bytes);
		r->counters->planted++;
	}
	memcpy(r->old, r->image, r->image_bytes);
}

/* Some of what is committed goes. */
static void drop(struct run *r)
{
	struct wal_hard_state hard_state = r->w.hard_state;
	struct wal_configuration configuration;
	u64 index = rng_between(&r->rng, r->w.new_head.prev_index,
				r->committed);
	int ret;

	index = wal_head_find(&r->w, &r->map, index);
	if (!index)
		return;
	configuration = configuration_of(r, index);
	ret = wal_head_move(&r->w, &r->map, index, term_at(r, index),
			    &configuration);
	if (ret) {
		fail(r, "the head does not move: %d", ret);
		return;
	}
	r->counters->drops++;
	/* Its first entry stays where it is: the next slot is soon enough. */
	if (index < r->committed && rng_chance(&r->rng, RNG_ONE / 2)) {
		r->counters->pending_heads++;
		return;
	}
	write_slot(r, &hard_state);
}

/* Others are so far ahead that the log of this server is of no use. */
static void begin_anew(struct run *r)
{
	struct wal_hard_state hard_state = r->w.hard_state;
	u64 index = rng_between(&r->rng, r->committed + 1,
				r->acknowledged.last_index + 20);
	struct wal_configuration configuration;
	int ret;

	if (!hard_state.current_term || index + 1 > RECORDS_MAX / 2)
		return;
	configuration = configuration_of(r, index);
	ret = wal_writer_discard(&r->w, index, hard_state.current_term,
				 &configuration);
	if (ret) {
		fail(r, "the log does not begin anew: %d", ret);
		return;
	}
	wal_map_init(&r->map, r->map_slots, MAP_SLOTS);
	r->counters->anew++;
	if (write_slot(r, &hard_state))
		r->committed = index;
}

static struct wal_hard_state next_hard_state(struct run *r, bool new_term)
{
	struct wal_hard_state hard_state = r->w.hard_state;

	if (new_term || !hard_state.current_term) {
		hard_state.current_term += 1 + rng_below(&r->rng, 3);
		hard_state.voted_for = rng_below(&r->rng, 4);
	} else if (!hard_state.voted_for) {
		hard_state.voted_for = rng_below(&r->rng, 4);
	}
	return hard_state;
}

static void append(struct run *r)
{
	static const u32 sizes[] = { 0, 40, 200, 400, 400, 1200, 3000, 7000 };
	u64 last_index = r->acknowledged.last_index;
	u64 first_index = last_index + 1;
	u32 n_entries = 1 + rng_below(&r->rng, 3);
	struct wal_hard_state hard_state;
	bool replaces, new_term;
	u32 bytes_max;

	if (rng_chance(&r->rng, RNG_ONE / 5))
		n_entries = 1 + rng_below(&r->rng, ENTRIES_PER_STEP);
	bytes_max = sizes[rng_below(&r->rng, ARRAY_SIZE(sizes))];
	if (rng_chance(&r->rng, RNG_ONE / 12)) {
		n_entries = 1 + rng_below(&r->rng, SMALL_ENTRIES_PER_STEP);
		bytes_max = 0;
	}
	replaces = last_index > r->committed &&
		   rng_chance(&r->rng, RNG_ONE / 4);
	new_term = rng_chance(&r->rng, RNG_ONE / 5);
	if (replaces) {
		first_index = rng_between(&r->rng, r->committed + 1,
					  last_index);
		r->counters->suffixes++;
	}
	if (r->repeat && r->n_shape) {
		n_entries = r->n_shape;
		r->counters->repeated++;
	}
	hard_state = next_hard_state(r, replaces || new_term);
	if (write_batch(r, first_index, &hard_state, n_entries, bytes_max) !=
	    -ENOSPC)
		return;
	/* It stays full for a while; votes go on. */
	r->counters->full++;
	if (rng_chance(&r->rng, RNG_ONE / 2)) {
		hard_state = next_hard_state(r, true);
		write_slot(r, &hard_state);
	}
	r->committed = r->acknowledged.last_index;
	if (!r->failed && !run_enough(r) && rng_chance(&r->rng, RNG_ONE / 2))
		drop(r);
}

static void stop(struct run *r)
{
	struct wal_hard_state hard_state = r->w.hard_state;

	/* In order, or the process just goes. */
	if (rng_chance(&r->rng, RNG_ONE / 2) && !write_slot(r, &hard_state))
		return;
	r->intended = r->acknowledged;
	write_open(r);
}

static void step(struct run *r)
{
	struct wal_hard_state hard_state;
	u64 how = rng_below(&r->rng, 100);

	if (wal_slot_due(&r->w)) {
		hard_state = r->w.hard_state;
		write_slot(r, &hard_state);
		return;
	}
	if (rng_chance(&r->rng, RNG_ONE / 3) &&
	    r->committed < r->acknowledged.last_index)
		r->committed = rng_between(&r->rng, r->committed,
					   r->acknowledged.last_index);
	if (how < 10) {
		hard_state = next_hard_state(r, true);
		r->counters->hard_states++;
		write_slot(r, &hard_state);
	} else if (how < 15) {
		stop(r);
	} else if (how < 20) {
		drop(r);
	} else if (how < 26) {
		plant(r);
	} else if (how < 28) {
		begin_anew(r);
	} else if (how < 31) {
		alone_begin(r);
	} else {
		append(r);
	}
}

static void live(struct run *r)
{
	const u32 enough = RECORDS_MAX - RECORDS_PER_STEP_MAX;
	u32 i;

	if (r->life)
		r->counters->formats++;
	write_format(r);
	if (r->failed || run_enough(r))
		return;
	write_open(r);
	for (i = 0; i < STEPS_PER_LIFE && r->n_records < enough; i++) {
		if (r->failed || run_enough(r))
			return;
		step(r);
	}
}

void run(struct run *r, u64 seed, const struct options *options,
	 struct counters *counters)
{
	static const u32 blocks[] = { 512, 512, 1024, 4096 };
	u32 i;

	memset(r, 0, sizeof(*r));
	r->seed = seed;
	r->options = options;
	r->counters = counters;
	rng_seed(&r->rng, seed, 1);
	for (i = 0; i < PAYLOADS_BYTES; i++)
		r->payloads[i] = rng_next(&r->rng);
	r->super.node_id = 1;
	r->super.cluster_id = 1;
	r->super.block_bytes = blocks[rng_below(&r->rng, ARRAY_SIZE(blocks))];
	if (options->block_bytes)
		r->super.block_bytes = options->block_bytes;
	r->super.area_bytes = WAL_AREA_BYTES_MIN +
			      rng_below(&r->rng, 3) * 4 * WAL_BLOCK_BYTES_MAX;
	r->image_bytes = WAL_AREA_POSITION + r->super.area_bytes;
	wal_map_init(&r->map, r->map_slots, MAP_SLOTS);
	counters->seeds++;
	for (i = 0; i < LIVES && !r->failed && !run_enough(r); i++)
		live(r);
}
