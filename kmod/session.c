// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/uio.h>

#include "group.h"
#include "life.h"
#include "proposal.h"
#include "request.h"
#include "session.h"

int raftlog_session_open(struct raftlog_open *open, const char *name,
			 u32 timeout_ms, struct raft_session_info *info)
{
	size_t bytes = raftlog_session_name_bytes(name);
	struct kvec vec = { .iov_base = (void *)name, .iov_len = bytes };
	struct raftlog_origin origin = {
		.session = raft_session_key(name, bytes),
	};
	struct iov_iter from;
	ssize_t ret;

	if (!bytes)
		return -EINVAL;
	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, bytes);
	ret = raftlog_write(open, &from, NULL, false, timeout_ms, &origin);
	if (ret < 0)
		return ret;
	*info = origin.opened;
	spin_lock(&open->lock);
	open->session = info->session;
	open->session_incarnation = origin.incarnation;
	spin_unlock(&open->lock);
	return 0;
}

void raftlog_session_get(struct raftlog_open *open,
			 struct raftlog_origin *origin)
{
	spin_lock(&open->lock);
	origin->session = open->session;
	origin->incarnation = open->session_incarnation;
	spin_unlock(&open->lock);
}

int raftlog_session_ask(struct raftlog_life *life,
			struct raftlog_session_list *list)
{
	int error = 0;

	init_completion(&list->done);
	spin_lock(&life->intake_lock);
	if (life->stopping)
		error = -ESHUTDOWN;
	else if (life->failed)
		error = -EIO;
	else
		list_add_tail(&list->node, &life->session_lists);
	spin_unlock(&life->intake_lock);
	if (error)
		return error;
	raftlog_life_kick(life);
	/* The owner answers within a round, or when it ends. */
	wait_for_completion(&list->done);
	return list->error;
}

static void fill_in(struct raftlog_life *life,
		    struct raftlog_session_list *list)
{
	struct raft_status status;

	raft_status(life->raft, &status);
	list->index = status.sessions_index;
	while (list->n < ARRAY_SIZE(list->sessions) &&
	       !raft_session_at(life->raft, list->n, &list->sessions[list->n]))
		list->n++;
}

void raftlog_session_answer(struct raftlog_life *life, struct list_head *lists,
			    int error)
{
	struct raftlog_session_list *list, *next;

	list_for_each_entry_safe(list, next, lists, node) {
		list_del(&list->node);
		list->error = error;
		if (!error)
			fill_in(life, list);
		complete(&list->done);
	}
}
