/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A change of the members, from the words on the command line to its outcome.
 */
#ifndef RAFTCTL_MEMBER_CHANGE_H
#define RAFTCTL_MEMBER_CHANGE_H

#include <linux/raftlog.h>

#include "types.h"

/**
 * struct action - what can be done to members
 * @name: as typed
 * @type: enum raftlog_change_type
 * @wants: its words, for complaints
 * @take: turns @n_words words into a change. Return: false, having complained
 * @n_words: words for each change
 * @may_promote: takes --auto-promote
 * @may_witness: takes --witness
 */
struct action {
	const char *name;
	u32 type;
	const char *wants;
	bool (*take)(const struct action *action, char **words,
		     struct raftlog_change *change);
	int n_words;
	bool may_promote;
	bool may_witness;
};

/**
 * struct member_change - changes that are made together
 * @action: of all of them
 * @n: how many
 * @changes: each
 * @timeout_ms: how long to wait, for others to end and for this
 */
struct member_change {
	const struct action *action;
	unsigned int n;
	struct raftlog_change changes[RAFTLOG_MEMBERS_MAX];
	u64 timeout_ms;
};

/** member_change_run() - Return: enum raftctl_exit. */
int member_change_run(const struct member_change *change);

#endif /* RAFTCTL_MEMBER_CHANGE_H */
