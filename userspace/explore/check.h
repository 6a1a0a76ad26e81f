/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The properties of Raft (figure 3.2), and what the module promises beyond them.
 * Some are checked where the fact they are about comes into being, the others in
 * each state.
 */
#ifndef RAFTLOG_EXPLORE_CHECK_H
#define RAFTLOG_EXPLORE_CHECK_H

#include "world.h"

/** violation() - @property does not hold; only the first of an event is kept */
void violation(const char *property, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void check_transition(struct node *node, const struct raft_transition *t);

/** check_elected() - after its entries: what a new leader must have */
void check_elected(struct node *node);

/** check_replace() - the log is cut off before @from */
void check_replace(struct node *node, u64 from);

/** check_entry() - the log gets this entry. Return: it does. */
bool check_entry(struct node *node, u64 index, const struct raft_entry *entry);

void check_commit(struct node *node, u64 commit_index);
void check_done(struct node *node, struct op *op);

/** check_read() - it says nothing old, and what can be read here */
void check_read(struct node *node, struct lookup *lookup);

/** check_said() - what a message says is true when the core says it */
void check_said(struct node *node, const struct raft_message *message);

/** check_leaves() - what a message implies is durable when it leaves */
void check_leaves(struct node *node, const struct raft_message *message);

/** check_disk() - @hard_state replaces the one on the disk */
void check_disk(struct node *node, const struct raft_hard_state *hard_state);

/** check_state() - what must hold in each state, after an event of @node */
void check_state(struct node *node);

#endif /* RAFTLOG_EXPLORE_CHECK_H */
