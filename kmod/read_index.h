/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A linearizable read, from whoever asks to the owner thread and back. As with a
 * proposal, the owner thread alone decides how it ends; a timeout and a signal
 * only ask it to.
 */
#ifndef RAFTLOG_READ_INDEX_H
#define RAFTLOG_READ_INDEX_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/timerqueue.h>

#include "raft/raft.h"

struct raftlog_group;
struct raftlog_life;

/**
 * struct raftlog_read - one read
 * @core: what the core links; result, index and term are valid once done
 * @refs: the owner thread's, the waiter's, and one for a cancel under way
 * @node: intake, then owner thread: those the core has
 * @cancel_node: intake: list of those to cancel
 * @expiry: when to give up; linked by the owner thread
 * @done: it ended
 */
struct raftlog_read {
	struct raft_read core;
	refcount_t refs;
	struct list_head node;
	struct list_head cancel_node;
	struct timerqueue_node expiry;
	struct completion done;
};

/**
 * raftlog_read_index_get() - up to where to read, to see all that is committed
 * @group: of which
 * @lease: the leader's lease is good enough
 * @timeout_ms: 0: the group's
 * @index: up to here, and it can be read
 * @term: of the leader that said so
 *
 * Return: 0, or an errno as the uapi header says.
 */
int raftlog_read_index_get(struct raftlog_group *group, bool lease,
			   u32 timeout_ms, u64 *index, u64 *term);

/**
 * raftlog_read_done() - it ended as its core.result says
 * @life: whose
 * @read: the owner thread gives up its reference
 *
 * Owner thread, once for each read it took.
 */
void raftlog_read_done(struct raftlog_life *life, struct raftlog_read *read);
void raftlog_read_put(struct raftlog_read *read);

#endif /* RAFTLOG_READ_INDEX_H */
