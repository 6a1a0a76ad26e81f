/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The application on each node: a state that every committed entry changes. It takes
 * snapshots, and goes on from one where entries are gone. All of them must come to
 * the same, by whatever way.
 */
#ifndef RAFTLOG_SIM_APPLICATION_H
#define RAFTLOG_SIM_APPLICATION_H

#include "pure.h"
#include "rng.h"

struct node;
struct record;
struct world;

/**
 * struct application - what came of the entries, in memory
 * @known: it does know; not once entries were gone and there was no snapshot
 * @index: last entry that it was given
 * @state: what all of them came to
 */
struct application {
	bool known;
	u64 index;
	u64 state;
};

/**
 * struct states - what it must be
 * @at: at[i]: behind entry i + 1
 * @n: how many
 */
struct states {
	u64 *at;
	u64 n;
	u64 n_max;
};

/** application_committed() - the next entry that is committed anywhere */
void application_committed(struct world *w, const struct record *record);

/** application_apply() - all that is committed on @node */
void application_apply(struct world *w, struct node *node);

/** application_restore() - of @node, from its newest snapshot, or from entry 1 */
void application_restore(struct world *w, struct node *node);

/**
 * application_write() - the data of a snapshot
 * @w: world
 * @index: as of this entry
 * @variant: the same state may be written in several ways
 * @bytes: set to how much it is
 *
 * Return: memory for the caller to free.
 */
u8 *application_write(struct world *w, u64 index, u32 variant, u64 *bytes);

#endif /* RAFTLOG_SIM_APPLICATION_H */
