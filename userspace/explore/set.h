/* SPDX-License-Identifier: GPL-2.0 */
/* A set of hashes of 128 bits: which states were seen. */
#ifndef RAFTLOG_EXPLORE_SET_H
#define RAFTLOG_EXPLORE_SET_H

#include "pure.h"

struct hash {
	u64 low;
	u64 high;
};

/**
 * struct set - open addressing, at most half full
 * @slots: hashes; all 0 where there is none
 * @n_slots: a power of two
 * @n: hashes in it
 */
struct set {
	struct hash *slots;
	u64 n_slots;
	u64 n;
};

void set_init(struct set *set);
void set_free(struct set *set);

/** set_add() - Return: @hash was not in it */
bool set_add(struct set *set, struct hash hash);

#endif /* RAFTLOG_EXPLORE_SET_H */
