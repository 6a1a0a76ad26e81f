/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Visits each state once. A state is kept as the event that led to it and the
 * state before it: it is reached again by letting the events happen again. States
 * that are looked at one after the other have most of their events in common, so
 * that few happen more than once.
 */
#ifndef RAFTLOG_EXPLORE_SEARCH_H
#define RAFTLOG_EXPLORE_SEARCH_H

#include "event.h"

/**
 * enum search_order - which of the states seen is looked at next
 * @ORDER_BREADTH: the first one seen: a trace is as short as can be
 * @ORDER_DEPTH: the last one seen
 * @ORDER_RANDOM: any
 */
enum search_order {
	ORDER_BREADTH,
	ORDER_DEPTH,
	ORDER_RANDOM,
};

/**
 * struct search_options - how to search
 * @states_max: stop after as many
 * @depth_max: do not look behind as many events
 * @seed: of ORDER_RANDOM
 * @order: enum search_order
 */
struct search_options {
	u64 states_max;
	u32 depth_max;
	u64 seed;
	u8 order;
};

/**
 * struct search_result - what was found
 * @states: distinct ones
 * @expanded: whose events were all looked at
 * @transitions: events that happened
 * @depth: most events to a state
 * @cut: events beyond what there is room for, or beyond depth_max
 * @exhausted: all states within the bounds were seen, but for @cut
 * @trace: of a violation: the events to it
 * @n_trace: how many, 0 if there is no violation
 */
struct search_result {
	u64 states;
	u64 expanded;
	u64 transitions;
	u32 depth;
	u64 cut;
	bool exhausted;
	struct event *trace;
	u32 n_trace;
};

void search_run(const struct search_options *options,
		const struct event *prefix, u32 n_prefix,
		struct search_result *result);

#endif /* RAFTLOG_EXPLORE_SEARCH_H */
