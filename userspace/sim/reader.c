// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "membership.h"
#include "memory.h"
#include "world.h"

/* Election timeouts after which a leap of a clock has no effect any more. */
enum { LEAP_TIMEOUTS = 4 };

static void make(struct world *w, struct node *node, bool lease, bool probe)
{
	struct readers *readers = &w->readers;
	struct lookup *lookup = memory_zeroed(sizeof(*lookup));
	struct item item = {
		.kind = ITEM_READ_INDEX,
		.lookup = lookup,
	};
	u64 timeout;

	readers->lookups = memory_grow(readers->lookups, readers->n,
				       &readers->n_max,
				       sizeof(*readers->lookups));
	readers->lookups[readers->n++] = lookup;
	w->counters.reads++;
	lookup->read.lease = lease;
	lookup->number = readers->n;
	lookup->probe = probe;
	lookup->node = node - w->nodes;
	lookup->boot = node->boot;
	lookup->floor_index = w->check.committed.n;
	lookup->made_ns = w->now_ns;
	owner_push(w, node, &item);
	if (probe)
		return;
	timeout = rng_between(&readers->rng, 1, w->plan.read_timeout_ns);
	world_at(w, w->now_ns + timeout, EVENT_GIVE_UP, NULL, lookup);
}

void readers_read(struct world *w)
{
	struct readers *readers = &w->readers;
	u64 n = rng_between(&readers->rng, 1, w->plan.read_burst);
	u64 after;

	while (n--) {
		u64 i = rng_below(&readers->rng, w->n_nodes);
		bool lease = rng_chance(&readers->rng, w->plan.read_lease);

		if (w->nodes[i].up)
			make(w, &w->nodes[i], lease, false);
	}
	after = rng_between(&readers->rng, 1, 2 * w->plan.read_interval_ns);
	world_at(w, w->now_ns + after, EVENT_READERS, NULL, NULL);
}

void readers_probe(struct world *w)
{
	u32 i;

	for (i = 0; i < w->n_nodes; i++) {
		if (!members_include(members_final(w), i + 1))
			continue;
		make(w, &w->nodes[i], false, true);
		make(w, &w->nodes[i], true, true);
	}
}

void readers_give_up(struct world *w, struct lookup *lookup)
{
	struct node *node = &w->nodes[lookup->node];
	struct item item = {
		.kind = ITEM_CANCEL_READ,
		.lookup = lookup,
	};

	if (lookup->state == LOOKUP_PENDING && node->up &&
	    node->boot == lookup->boot)
		owner_push(w, node, &item);
}

static void settle(struct world *w, struct lookup *lookup,
		   enum lookup_state state)
{
	struct readers *readers = &w->readers;

	lookup->state = state;
	if (state == LOOKUP_FAILED)
		w->counters.reads_failed++;
	while (readers->n_settled < readers->n &&
	       readers->lookups[readers->n_settled]->state != LOOKUP_PENDING)
		readers->n_settled++;
}

/* Does what the lease relies on hold for all of @lookup's time? */
static bool is_lease_sound(const struct world *w, const struct lookup *lookup)
{
	u64 leap_ns = LEAP_TIMEOUTS * w->plan.election_timeout_ns;

	return check_clocks_agree(w) &&
	       (!w->jumped_ns || w->jumped_ns + leap_ns < lookup->made_ns);
}

static void check_read(struct world *w, const struct node *node,
		       const struct lookup *lookup)
{
	const struct raft_read *read = &lookup->read;

	if (!check_leader_of(w, read->term))
		violation(w, "reads",
			  "node %u: read %llu is of term %llu, which nobody led",
			  node->id, lookup->number, read->term);
	if (read->index > node->commit_index)
		violation(w, "reads",
			  "node %u: read %llu is of %llu, commit_index is %llu",
			  node->id, lookup->number, read->index,
			  node->commit_index);
	if (read->lease && !is_lease_sound(w, lookup)) {
		w->counters.leases_unsound++;
		return;
	}
	if (read->lease)
		w->counters.reads_by_lease++;
	else
		w->counters.reads_by_round++;
	if (read->index < lookup->floor_index)
		violation(w, "linearizable reads",
			  "node %u: read %llu%s says %llu when %llu was committed",
			  node->id, lookup->number,
			  read->lease ? " by lease" : "", read->index,
			  lookup->floor_index);
}

void readers_done(struct world *w, struct node *node, struct lookup *lookup)
{
	const struct raft_read *read = &lookup->read;

	trace(w, TRACE_READ_DONE, node->id, lookup->number, -read->result,
	      read->index, read->term);
	if (lookup->state != LOOKUP_PENDING) {
		violation(w, "reads", "node %u: read %llu ends twice",
			  node->id, lookup->number);
		return;
	}
	switch (read->result) {
	case 0:
		check_read(w, node, lookup);
		settle(w, lookup, LOOKUP_OK);
		break;
	case -EHOSTUNREACH:
	case -ETIMEDOUT:
	case -ESHUTDOWN:
	case -EIO:
		settle(w, lookup, LOOKUP_FAILED);
		break;
	default:
		violation(w, "reads", "node %u: read %llu ends with %d",
			  node->id, lookup->number, read->result);
		break;
	}
}

void readers_forget(struct world *w, struct node *node)
{
	struct readers *readers = &w->readers;
	u64 i;

	for (i = readers->n_settled; i < readers->n; i++) {
		struct lookup *lookup = readers->lookups[i];

		if (lookup->state == LOOKUP_PENDING &&
		    lookup->node == node - w->nodes)
			settle(w, lookup, LOOKUP_FAILED);
	}
}

u64 readers_n_pending(struct world *w)
{
	const struct readers *readers = &w->readers;
	u64 i, n = 0;

	for (i = readers->n_settled; i < readers->n; i++)
		n += readers->lookups[i]->state == LOOKUP_PENDING;
	for (i = 0; i < readers->n; i++)
		if (readers->lookups[i]->probe &&
		    readers->lookups[i]->state == LOOKUP_FAILED)
			violation(w, "progress", "read %llu ends with %d",
				  readers->lookups[i]->number,
				  readers->lookups[i]->read.result);
	return n;
}

void readers_free(struct readers *readers)
{
	u64 i;

	for (i = 0; i < readers->n; i++)
		free(readers->lookups[i]);
	free(readers->lookups);
}
