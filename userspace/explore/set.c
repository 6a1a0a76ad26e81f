// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <stdlib.h>

#include "set.h"

enum { SLOTS_MIN = 1 << 16 };

static struct hash *make_slots(u64 n)
{
	struct hash *slots = calloc(n, sizeof(*slots));

	if (!slots)
		err(2, "%llu MiB for the states seen",
		    n * sizeof(*slots) >> 20);
	return slots;
}

static bool insert(struct set *set, struct hash hash)
{
	u64 i = hash.low & (set->n_slots - 1);

	for (;; i = (i + 1) & (set->n_slots - 1)) {
		struct hash *slot = &set->slots[i];

		if (!slot->low && !slot->high) {
			*slot = hash;
			return true;
		}
		if (slot->low == hash.low && slot->high == hash.high)
			return false;
	}
}

static void grow(struct set *set)
{
	struct hash *old = set->slots;
	u64 i, n_old = set->n_slots;

	set->n_slots *= 2;
	set->slots = make_slots(set->n_slots);
	for (i = 0; i < n_old; i++)
		if (old[i].low || old[i].high)
			insert(set, old[i]);
	free(old);
}

void set_init(struct set *set)
{
	set->n = 0;
	set->n_slots = SLOTS_MIN;
	set->slots = make_slots(SLOTS_MIN);
}

void set_free(struct set *set)
{
	free(set->slots);
	set->slots = NULL;
}

bool set_add(struct set *set, struct hash hash)
{
	if (!hash.low && !hash.high)
		hash.low = 1;
	if (!insert(set, hash))
		return false;
	set->n++;
	if (2 * set->n > set->n_slots)
		grow(set);
	return true;
}
