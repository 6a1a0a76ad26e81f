// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "memory.h"
#include "world.h"

static u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9fb21c651e98df25ull;
	return hash ^ (hash >> 32);
}

static u64 next_state(u64 state, const struct record *record)
{
	state = mix(state, record->index);
	state = mix(state, record->type);
	state = mix(state, record->session);
	return mix(state, record->sequence);
}

void application_committed(struct world *w, const struct record *record)
{
	struct states *states = &w->states;
	u64 state = states->n ? states->at[states->n - 1] : 0;

	states->at = memory_grow(states->at, states->n, &states->n_max,
				 sizeof(*states->at));
	states->at[states->n++] = next_state(state, record);
}

static void check(struct world *w, const struct node *node)
{
	const struct application *app = &node->application;
	u64 want = app->index ? w->states.at[app->index - 1] : 0;

	if (app->state != want)
		violation(w, "state machine safety",
			  "node %u: the application has another state behind %llu",
			  node->id, app->index);
}

void application_apply(struct world *w, struct node *node)
{
	struct application *app = &node->application;

	/* Entries that it needs are gone: there is a snapshot, or it never knows. */
	if (app->index < node->log.base)
		application_restore(w, node);
	if (!app->known || node->witness)
		return;
	while (app->index < node->commit_index && !w->violated) {
		app->state = next_state(app->state,
					log_at(&node->log, app->index + 1));
		app->index++;
	}
	if (!w->violated)
		check(w, node);
}

u8 *application_write(struct world *w, u64 index, u32 variant, u64 *bytes)
{
	u64 state = w->states.at[index - 1];
	u64 word;
	struct rng rng;
	u8 *data;
	u64 i;

	rng_seed(&rng, w->seed ^ index << 32, 7);
	*bytes = rng_between(&rng, sizeof(state), w->plan.snapshot_bytes_max);
	data = memory_zeroed(*bytes);
	memcpy(data, &state, sizeof(state));
	rng.state += variant;
	for (i = sizeof(state); i < *bytes; i += sizeof(word)) {
		word = rng_next(&rng);
		memcpy(data + i, &word, min_t(u64, sizeof(word), *bytes - i));
	}
	return data;
}

/* Pieces of two snapshots make none. */
static bool is_written(struct world *w, u64 index, const u8 *data, u64 bytes)
{
	u32 variant;

	for (variant = 0; variant <= NODES_MAX; variant++) {
		u64 want_bytes;
		u8 *want = application_write(w, index, variant, &want_bytes);
		bool same = bytes == want_bytes && !memcmp(data, want, bytes);

		free(want);
		if (same)
			return true;
	}
	return false;
}

void application_restore(struct world *w, struct node *node)
{
	struct application *app = &node->application;
	u64 index, bytes;
	u8 *data;

	*app = (struct application){ .known = !node->log.base };
	if (node->witness)
		return;
	data = slots_read_newest(w, node, &index, &bytes);
	if (data && index >= node->log.base) {
		if (!is_written(w, index, data, bytes))
			violation(w, "snapshot",
				  "node %u: the data of %llu is not what any application wrote",
				  node->id, index);
		app->known = true;
		app->index = index;
		memcpy(&app->state, data, sizeof(app->state));
	}
	free(data);
	if (!app->known && w->plan.snapshot)
		violation(w, "snapshot",
			  "node %u: entries up to %llu are gone, and what they came to",
			  node->id, node->log.base);
	if (!w->violated)
		check(w, node);
}
