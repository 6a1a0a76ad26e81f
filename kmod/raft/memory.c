// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that grows with use: the window of recent entries, the table of pending
 * proposals, and the one of named sessions, which is not there at first. A group
 * that does little is to need little, and one that is busy is not to notice: nothing
 * is forgotten or refused for want of what can still grow. They begin with what is
 * part of raft_footprint().
 */
#include "core.h"

static u32 window_first_entries(const struct raft_settings *settings)
{
	return min_t(u32, settings->window_entries, RAFT_WINDOW_ENTRIES_FIRST);
}

static u32 proposals_first(const struct raft_settings *settings)
{
	return min_t(u32, settings->proposals_max, RAFT_PROPOSALS_FIRST);
}

/* Of the pending proposals, and of the buckets of those of named sessions. */
static size_t slots_bytes(u32 n)
{
	return 2 * n * sizeof(struct raft_proposal *);
}

size_t raft_memory_bytes(const struct raft_settings *settings)
{
	return raft_log_window_bytes(window_first_entries(settings)) +
	       slots_bytes(proposals_first(settings));
}

static void set_slots(struct raft *r, void *memory, u32 n)
{
	r->proposals = memory;
	r->named = r->proposals + n;
	r->n_proposal_slots = n;
}

void raft_memory_init(struct raft *r, void *memory)
{
	u32 n_entries = window_first_entries(&r->settings);

	raft_log_init(&r->log, memory, n_entries, r->settings.window_entries);
	set_slots(r, memory + raft_log_window_bytes(n_entries),
		  proposals_first(&r->settings));
}

/* Would the next of this server's proposals find its slot taken? */
static bool is_short_of_slots(const struct raft *r)
{
	return r->n_proposal_slots < r->settings.proposals_max &&
	       r->proposals[r->next_ticket & (r->n_proposal_slots - 1)];
}

/*
 * Is there less than an event needs that appends @entries, proposes one of this
 * server's if @proposes, and is about named sessions if @sessions? What of it,
 * raft_growth_bytes() tells.
 */
bool raft_is_short(struct raft *r, u32 entries, bool proposes, bool sessions)
{
	r->short_of_window = raft_log_wants_window(&r->log, entries);
	r->short_of_slots = proposes && is_short_of_slots(r);
	r->short_of_sessions = sessions && !r->sessions.sessions;
	return r->short_of_window || r->short_of_slots || r->short_of_sessions;
}

size_t raft_growth_bytes(const struct raft *r)
{
	if (r->short_of_window)
		return raft_log_window_bytes(2 * r->log.window_entries);
	if (r->short_of_slots)
		return slots_bytes(2 * r->n_proposal_slots);
	if (r->short_of_sessions)
		return raft_sessions_bytes(r);
	return 0;
}

/* What was there before, if it was the caller's. */
static void *replace(void **grown, void *memory)
{
	void *old = *grown;

	*grown = memory;
	return old;
}

static void *grow_slots(struct raft *r, void *memory)
{
	struct raft_proposal **old = r->proposals;
	u32 i, n = r->n_proposal_slots;

	set_slots(r, memory, 2 * n);
	for (i = 0; i < n; i++)
		if (old[i])
			raft_place_proposal(r, old[i]);
	r->short_of_slots = false;
	return replace(&r->grown_slots, memory);
}

void *raft_grow(struct raft *r, void *memory)
{
	if (!r->short_of_window && r->short_of_slots)
		return grow_slots(r, memory);
	if (!r->short_of_window) {
		raft_sessions_grow(r, memory);
		r->short_of_sessions = false;
		return replace(&r->grown_sessions, memory);
	}
	raft_log_grow_window(&r->log, memory, 2 * r->log.window_entries);
	r->short_of_window = false;
	return replace(&r->grown_window, memory);
}

void *raft_take_back(struct raft *r)
{
	if (r->grown_window)
		return replace(&r->grown_window, NULL);
	if (r->grown_slots)
		return replace(&r->grown_slots, NULL);
	return replace(&r->grown_sessions, NULL);
}
