/* SPDX-License-Identifier: GPL-2.0 */
/* Named sessions: opening one, and which are open. The rules are raft/sessions.c. */
#ifndef RAFTLOG_SESSION_H
#define RAFTLOG_SESSION_H

#include <linux/completion.h>
#include <linux/list.h>

#include "raft/raft.h"

struct raftlog_life;
struct raftlog_open;
struct raftlog_origin;

/**
 * struct raftlog_session_list - somebody wants to know which are open
 * @node: intake
 * @done: the owner thread has answered
 * @error: negative errno, or 0
 * @index: they are those as of this entry, 0: it is not known which
 * @n: how many
 * @sessions: the first @n
 */
struct raftlog_session_list {
	struct list_head node;
	struct completion done;
	int error;
	u64 index;
	u32 n;
	struct raft_session_info sessions[RAFT_SESSIONS_MAX];
};

/**
 * raftlog_session_open() - open the session of a name, and sleep until it is
 * @open: through which open file; what is appended through it from then on may be of
 *	that session
 * @name: RAFT_SESSION_NAME_BYTES_MAX bytes, padded with zeros
 * @timeout_ms: 0: the group's
 * @info: filled in
 *
 * Return: 0 or an errno as the uapi header says.
 */
int raftlog_session_open(struct raftlog_open *open, const char *name,
			 u32 timeout_ms, struct raft_session_info *info);

/** raftlog_session_get() - the session of an open file; 0 if it has none */
void raftlog_session_get(struct raftlog_open *open,
			 struct raftlog_origin *origin);

/** raftlog_session_ask() - have @list filled in. Return: 0 or negative errno. */
int raftlog_session_ask(struct raftlog_life *life,
			struct raftlog_session_list *list);

/** raftlog_session_answer() - fill in @lists, or end them with @error; owner thread */
void raftlog_session_answer(struct raftlog_life *life, struct list_head *lists,
			    int error);

#endif /* RAFTLOG_SESSION_H */
