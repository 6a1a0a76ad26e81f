/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Latencies in a fixed amount of memory: 32 steps per power of two, so that a
 * quantile is at most 3% too high.
 */
#ifndef RAFTCTL_HISTOGRAM_H
#define RAFTCTL_HISTOGRAM_H

#include "types.h"

enum {
	HISTOGRAM_STEP_BITS = 5,
	HISTOGRAM_STEPS = 1 << HISTOGRAM_STEP_BITS,
	HISTOGRAM_SLOTS = (64 - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS,
};

struct histogram {
	u64 count;
	u64 max;
	u64 slots[HISTOGRAM_SLOTS];
};

void histogram_add(struct histogram *histogram, u64 value);
void histogram_merge(struct histogram *into, const struct histogram *from);

/** histogram_quantile() - @quantile from 0 to 1. Return: 0 if it is empty. */
u64 histogram_quantile(const struct histogram *histogram, double quantile);

#endif /* RAFTCTL_HISTOGRAM_H */
