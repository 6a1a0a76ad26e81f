// SPDX-License-Identifier: GPL-2.0
/* Linearizable reads, up to the owner thread and back. */
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "group.h"
#include "life.h"
#include "read_index.h"
#include "trace.h"
#include "wait.h"

void raftlog_read_put(struct raftlog_read *read)
{
	if (refcount_dec_and_test(&read->refs))
		kfree(read);
}

/* One reference, for the caller. */
static struct raftlog_read *read_alloc(bool lease, u32 timeout_ms)
{
	struct raftlog_read *read = kzalloc(sizeof(*read), GFP_KERNEL_ACCOUNT);

	if (!read)
		return NULL;
	read->core.lease = lease;
	refcount_set(&read->refs, 1);
	INIT_LIST_HEAD(&read->node);
	INIT_LIST_HEAD(&read->cancel_node);
	timerqueue_init(&read->expiry);
	read->expiry.expires = ktime_add_ms(ktime_get(), timeout_ms);
	init_completion(&read->done);
	return read;
}

/* On success the owner thread has its own reference. */
static int submit(struct raftlog_life *life, struct raftlog_read *read)
{
	int error = 0;

	spin_lock(&life->intake_lock);
	if (life->stopping) {
		error = -ENOTCONN;
	} else if (life->failed) {
		error = -EIO;
	} else if (life->n_reads >= RAFTLOG_READS_MAX) {
		error = -EAGAIN;
	} else {
		life->n_reads++;
		refcount_inc(&read->refs);
		list_add_tail(&read->node, &life->reads);
	}
	spin_unlock(&life->intake_lock);
	if (!error)
		raftlog_life_kick(life);
	return error;
}

static void cancel(struct raftlog_life *life, struct raftlog_read *read)
{
	refcount_inc(&read->refs);
	spin_lock(&life->intake_lock);
	list_add_tail(&read->cancel_node, &life->read_cancels);
	spin_unlock(&life->intake_lock);
	raftlog_life_kick(life);
}

static int wait_done(struct raftlog_life *life, struct raftlog_read *read)
{
	int error;

	if (!raftlog_wait_is_interrupted(&read->done))
		return read->core.result;
	cancel(life, read);
	wait_for_completion(&read->done);
	error = read->core.result;
	/* It changed nothing, so it may be tried again. */
	return error == -EHOSTUNREACH || error == -ETIMEDOUT ? -ERESTARTSYS :
							       error;
}

int raftlog_read_index_get(struct raftlog_group *group, bool lease,
			   u32 timeout_ms, u64 *index, u64 *term)
{
	struct raftlog_life *life = raftlog_group_life(group);
	struct raftlog_read *read;
	int error = -ENOMEM;

	if (!life)
		return -ENOTCONN;
	if (!timeout_ms)
		timeout_ms = READ_ONCE(life->start.append_timeout_ms);
	read = read_alloc(lease, timeout_ms);
	if (!read)
		goto put_life;
	error = submit(life, read);
	if (!error)
		error = wait_done(life, read);
	if (!error) {
		*index = read->core.index;
		*term = read->core.term;
	}
	raftlog_read_put(read);
put_life:
	raftlog_life_put(life);
	return error;
}

void raftlog_read_done(struct raftlog_life *life, struct raftlog_read *read)
{
	if (!RB_EMPTY_NODE(&read->expiry.node))
		timerqueue_del(&life->read_expiries, &read->expiry);
	list_del_init(&read->node);
	if (read->core.result)
		raftlog_count(life, read_errors, 1);
	else
		raftlog_count(life, reads, 1);
	trace_raftlog_read_done(raftlog_group_name(life->group), &read->core);

	spin_lock(&life->intake_lock);
	life->n_reads--;
	spin_unlock(&life->intake_lock);
	complete(&read->done);
	raftlog_read_put(read);
}
