// SPDX-License-Identifier: GPL-2.0
/*
 * Failpoints of the simulated code: which fire how often is drawn from the seed.
 * Nothing of them is left when the faults are over.
 */
#include "world.h"

/* The code under test does not know in which world it runs; there is one. */
static struct world *current;

void failpoints_enter(struct world *w)
{
	current = w;
	rng_seed(&w->failpoint_rng, w->seed, 5);
}

void failpoints_leave(struct world *w)
{
	memset(w->plan.failpoints, 0, sizeof(w->plan.failpoints));
}

bool raftlog_failpoint(enum raftlog_failpoint place)
{
	struct world *w = current;

	/* No draw where none is wanted: seeds without keep their traces. */
	if (!w->plan.failpoints[place] ||
	    !rng_chance(&w->failpoint_rng, w->plan.failpoints[place]))
		return false;
	w->counters.failpoints++;
	return true;
}
