// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that grows with use: the window of recent entries, and the table of
 * pending proposals. A group that does little is to need little, and one that is
 * busy is not to notice: nothing is forgotten or refused for want of what can
 * still grow. Both begin with what is part of raft_footprint().
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

size_t raft_memory_bytes(const struct raft_settings *settings)
{
	return raft_log_window_bytes(window_first_entries(settings)) +
	       proposals_first(settings) * sizeof(struct raft_proposal *);
}

void raft_memory_init(struct raft *r, void *memory)
{
	u32 n_entries = window_first_entries(&r->settings);

	raft_log_init(&r->log, memory, n_entries, r->settings.window_entries);
	r->proposals = memory + raft_log_window_bytes(n_entries);
	r->n_proposal_slots = proposals_first(&r->settings);
}

/* Would the next of this server's proposals find its slot taken? */
static bool is_short_of_slots(const struct raft *r)
{
	return r->n_proposal_slots < r->settings.proposals_max &&
	       r->proposals[r->next_sequence & (r->n_proposal_slots - 1)];
}

static size_t slots_bytes(u32 n)
{
	return n * sizeof(struct raft_proposal *);
}

/*
 * Is there less than an event needs that appends @entries, and proposes one of
 * this server's if @proposes? What of it, raft_growth_bytes() tells.
 */
bool raft_is_short(struct raft *r, u32 entries, bool proposes)
{
	r->short_of_window = raft_log_wants_window(&r->log, entries);
	r->short_of_slots = proposes && is_short_of_slots(r);
	return r->short_of_window || r->short_of_slots;
}

size_t raft_growth_bytes(const struct raft *r)
{
	if (r->short_of_window)
		return raft_log_window_bytes(2 * r->log.window_entries);
	if (r->short_of_slots)
		return slots_bytes(2 * r->n_proposal_slots);
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
	u32 i, n = 2 * r->n_proposal_slots;
	struct raft_proposal **slots = memory;

	for (i = 0; i < r->n_proposal_slots; i++)
		if (r->proposals[i])
			slots[r->proposals[i]->sequence & (n - 1)] =
				r->proposals[i];
	r->proposals = slots;
	r->n_proposal_slots = n;
	r->short_of_slots = false;
	return replace(&r->grown_slots, memory);
}

void *raft_grow(struct raft *r, void *memory)
{
	if (!r->short_of_window)
		return grow_slots(r, memory);
	raft_log_grow_window(&r->log, memory, 2 * r->log.window_entries);
	r->short_of_window = false;
	return replace(&r->grown_window, memory);
}

void *raft_take_back(struct raft *r)
{
	if (r->grown_window)
		return replace(&r->grown_window, NULL);
	return replace(&r->grown_slots, NULL);
}
