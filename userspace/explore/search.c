// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <stdlib.h>

#include "projection.h"
#include "search.h"

enum { DEPTH_MAX = 10000 };

/**
 * struct known - a state that was seen
 * @parent: the state before it
 * @event: what led here
 */
struct known {
	u32 parent;
	struct event event;
};

/**
 * struct search - a search under way
 * @options: how
 * @result: so far
 * @seen: hashes of all known states
 * @known: by the order in which they were seen; 0 is where it begins
 * @n_known: how many
 * @n_known_max: room
 * @open: not looked at yet, unless ORDER_BREADTH
 * @n_open: how many
 * @path: the states from the first to where the world is
 * @copies: of the world in each of them
 * @n_path: how many; path[n_path - 1] is looked at
 * @chain: room to find the way to a state
 */
struct search {
	const struct search_options *options;
	struct search_result *result;
	struct set seen;
	struct known *known;
	u64 n_known;
	u64 n_known_max;
	u32 *open;
	u64 n_open;
	struct raft_rng rng;
	u32 path[DEPTH_MAX];
	u8 *copies[DEPTH_MAX];
	u32 n_path;
	u32 chain[DEPTH_MAX];
};

static void *checked(void *memory)
{
	if (!memory)
		err(2, "memory for the search");
	return memory;
}

/* The world as it is used: nodes and channels of larger ones are not. */
static size_t copy_part(u8 *copy, void *part, size_t bytes, bool back)
{
	if (back)
		memcpy(part, copy, bytes);
	else
		memcpy(copy, part, bytes);
	return bytes;
}

static size_t channels_bytes(void)
{
	return bounds.nodes * bounds.nodes * sizeof(struct channel);
}

static u8 *copy_common(u8 *copy, bool back)
{
	copy += copy_part(copy, &world.common, sizeof(world.common), back);
	copy += copy_part(copy, world.channels, channels_bytes(), back);
	return copy;
}

static void copy_world(u8 *copy, bool back)
{
	copy = copy_common(copy, back);
	copy_part(copy, world.nodes, bounds.nodes * sizeof(world.nodes[0]),
		  back);
}

/* An event changes nothing of another node. */
static void undo(u8 *copy, const struct event *event)
{
	u32 i = event->node - 1;

	copy = copy_common(copy, true);
	copy_part(copy + i * sizeof(world.nodes[0]), &world.nodes[i],
		  sizeof(world.nodes[0]), true);
}

static void arrive(struct search *s, u32 state)
{
	if (s->n_path == DEPTH_MAX)
		errx(2, "traces longer than %d events", DEPTH_MAX);
	if (!s->copies[s->n_path])
		s->copies[s->n_path] = checked(malloc(sizeof(world)));
	copy_world(s->copies[s->n_path], false);
	s->path[s->n_path++] = state;
}

/* Makes the world what it was in @state. */
static void go_to(struct search *s, u32 state)
{
	const struct counters before = counters;
	u32 n = 0, common = 0;

	for (; state; state = s->known[state].parent)
		s->chain[n++] = state;
	while (common < n && common + 1 < s->n_path &&
	       s->path[common + 1] == s->chain[n - 1 - common])
		common++;
	s->n_path = common + 1;
	copy_world(s->copies[common], true);
	while (common < n) {
		state = s->chain[n - 1 - common++];
		event_happens(&s->known[state].event);
		arrive(s, state);
	}
	counters = before;
}

static void add_known(struct search *s, u32 parent, const struct event *event)
{
	if (s->n_known == s->n_known_max) {
		s->n_known_max = s->n_known_max ? 2 * s->n_known_max : 1 << 16;
		s->known = checked(realloc(s->known, s->n_known_max *
						     sizeof(*s->known)));
		if (s->options->order != ORDER_BREADTH)
			s->open = checked(realloc(s->open,
						  s->n_known_max *
						  sizeof(*s->open)));
	}
	if (s->options->order != ORDER_BREADTH)
		s->open[s->n_open++] = s->n_known;
	s->known[s->n_known].parent = parent;
	s->known[s->n_known].event = *event;
	s->n_known++;
	s->result->states = s->n_known;
}

static bool next_open(struct search *s, u32 *state)
{
	u64 i;

	if (s->options->order == ORDER_BREADTH) {
		*state = s->result->expanded;
		return s->result->expanded < s->n_known;
	}
	if (!s->n_open)
		return false;
	if (s->options->order == ORDER_RANDOM) {
		i = raft_rng_next(&s->rng) % s->n_open;
		swap(s->open[i], s->open[s->n_open - 1]);
	}
	*state = s->open[--s->n_open];
	return true;
}

static void note_violation(struct search *s, const struct event *event)
{
	struct search_result *result = s->result;
	u32 i;

	result->n_trace = s->n_path;
	result->trace = checked(calloc(s->n_path, sizeof(*result->trace)));
	for (i = 1; i < s->n_path; i++)
		result->trace[i - 1] = s->known[s->path[i]].event;
	result->trace[s->n_path - 1] = *event;
}

/* Return: the search goes on. */
static bool try_event(struct search *s, u32 state, const struct event *event)
{
	event_happens(event);
	s->result->transitions++;
	if (verdict.violated) {
		note_violation(s, event);
		return false;
	}
	if (verdict.beyond)
		s->result->cut++;
	else if (set_add(&s->seen, world_hash()))
		add_known(s, state, event);
	undo(s->copies[s->n_path - 1], event);
	return s->n_known < s->options->states_max;
}

static bool expand(struct search *s, u32 state)
{
	struct event events[EVENTS_MAX];
	u32 i, n, depth;

	go_to(s, state);
	depth = s->n_path - 1;
	s->result->depth = max(s->result->depth, depth);
	s->result->expanded++;
	n = events_possible(events);
	if (depth == s->options->depth_max) {
		s->result->cut += n;
		return true;
	}
	for (i = 0; i < n; i++) {
		if (!try_event(s, state, &events[i]))
			return false;
		events[i].slow = true;
		if (verdict.wrote && event_is_possible(&events[i]) &&
		    !try_event(s, state, &events[i]))
			return false;
	}
	return true;
}

void search_run(const struct search_options *options,
		const struct event *prefix, u32 n_prefix,
		struct search_result *result)
{
	struct search *s = checked(calloc(1, sizeof(*s)));
	const struct event none = { .kind = EVENT_NONE };
	u32 i, state;
	bool more = true;

	memset(result, 0, sizeof(*result));
	s->options = options;
	s->result = result;
	s->rng.state = options->seed;
	set_init(&s->seen);
	world_begin();
	for (i = 0; i < n_prefix; i++)
		event_happens(&prefix[i]);
	set_add(&s->seen, world_hash());
	add_known(s, 0, &none);
	arrive(s, 0);
	while (more && next_open(s, &state))
		more = expand(s, state);
	result->exhausted = more;
	for (i = 0; i < DEPTH_MAX; i++)
		free(s->copies[i]);
	set_free(&s->seen);
	free(s->known);
	free(s->open);
	free(s);
}
