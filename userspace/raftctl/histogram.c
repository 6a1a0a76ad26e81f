// SPDX-License-Identifier: GPL-2.0
#include "histogram.h"

/* Values below 32 have a slot of their own; above, the five bits behind the first. */
static unsigned int slot_of(u64 value)
{
	unsigned int shift;

	if (value < HISTOGRAM_STEPS)
		return value;
	shift = 63 - __builtin_clzll(value) - HISTOGRAM_STEP_BITS;
	return shift * HISTOGRAM_STEPS + (value >> shift);
}

static u64 highest_in(unsigned int slot)
{
	unsigned int shift;

	if (slot < 2 * HISTOGRAM_STEPS)
		return slot;
	shift = slot / HISTOGRAM_STEPS - 1;
	return ((u64)(slot % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1) << shift) -
	       1;
}

void histogram_add(struct histogram *histogram, u64 value)
{
	histogram->slots[slot_of(value)]++;
	histogram->count++;
	if (value > histogram->max)
		histogram->max = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (unsigned int i = 0; i < HISTOGRAM_SLOTS; i++)
		into->slots[i] += from->slots[i];
	into->count += from->count;
	if (from->max > into->max)
		into->max = from->max;
}

u64 histogram_quantile(const struct histogram *histogram, double quantile)
{
	double rank = quantile * histogram->count;
	u64 seen = 0, value;

	for (unsigned int i = 0; i < HISTOGRAM_SLOTS; i++) {
		seen += histogram->slots[i];
		if (!seen || seen < rank)
			continue;
		value = highest_in(i);
		return value < histogram->max ? value : histogram->max;
	}
	return histogram->max;
}
