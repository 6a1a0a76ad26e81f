// SPDX-License-Identifier: GPL-2.0
/*
 * Clients in the kernel: other modules that append, and are handed what is
 * committed.
 *
 * An append is a proposal like that of any writer, told by a call when it ends.
 * Delivery has a thread for each client: whoever is slow there delays only itself.
 *
 * Locking: @lock is a leaf, taken inside the intake lock of the group's life.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "client.h"
#include "entry.h"
#include "group.h"
#include "life.h"
#include "proposal.h"

/* After an entry that could not be read. */
#define RETRY_JIFFIES (HZ / 10)

/**
 * struct raftlog_client - one that was opened
 * @group: whose
 * @committed: takes entries, or NULL
 * @context: for it
 * @position: thread's: next index
 * @gap: thread's: entries before that went, unseen
 * @thread: hands them over
 * @lock: what follows
 * @pending: proposals under way
 * @n_pending: those, and those whose callback runs
 * @idle: there is none
 */
struct raftlog_client {
	struct raftlog_group *group;
	raftlog_committed_t committed;
	void *context;
	u64 position;
	bool gap;
	struct task_struct *thread;

	spinlock_t lock; /* pending, n_pending */
	struct list_head pending;
	u32 n_pending;
	wait_queue_head_t idle;
};

/* Appends */

void raftlog_client_accept(struct raftlog_proposal *proposal)
{
	struct raftlog_client *client = proposal->client;

	spin_lock(&client->lock);
	list_add_tail(&proposal->open_node, &client->pending);
	client->n_pending++;
	spin_unlock(&client->lock);
}

static void tell_session(struct raftlog_proposal *proposal, int error)
{
	const struct raft_session_info *info = &proposal->core.opened;
	const struct raftlog_client_session session = {
		.session = info->session,
		.incarnation = proposal->life->info.incarnation,
		.created = info->created,
		.opened = proposal->core.index,
		.last_sequence = info->last_sequence,
		.last_index = info->last_index,
	};

	proposal->session_opened(proposal->context, error,
				 error ? NULL : &session);
}

void raftlog_client_done(struct raftlog_proposal *proposal, int result)
{
	struct raftlog_client *client = proposal->client;

	/* From here on it is not cancelled any more. */
	spin_lock(&client->lock);
	list_del_init(&proposal->open_node);
	spin_unlock(&client->lock);

	if (proposal->session_opened)
		tell_session(proposal, result);
	else
		proposal->appended(proposal->context, result,
				   proposal->core.index, proposal->core.term);

	/* With the lock, so that a close that sees it is behind this. */
	spin_lock(&client->lock);
	if (!--client->n_pending)
		wake_up(&client->idle);
	spin_unlock(&client->lock);
}

int raftlog_client_append(struct raftlog_client *client, const void *data,
			  u32 bytes, u32 timeout_ms,
			  raftlog_appended_t appended, void *context)
{
	const struct raftlog_client_write write = {
		.data = data,
		.bytes = bytes,
		.timeout_ms = timeout_ms,
		.appended = appended,
		.context = context,
	};

	return raftlog_write_client(client->group, client, &write);
}
EXPORT_SYMBOL_GPL(raftlog_client_append);

int raftlog_client_open_session(struct raftlog_client *client,
				const char *name, u32 timeout_ms,
				raftlog_session_opened_t opened, void *context)
{
	size_t bytes = strnlen(name, RAFT_SESSION_NAME_BYTES_MAX + 1);
	const struct raftlog_client_write write = {
		.data = name,
		.bytes = bytes,
		.timeout_ms = timeout_ms,
		.origin.session = raft_session_key(name, bytes),
		.session_opened = opened,
		.context = context,
	};

	return raftlog_write_client(client->group, client, &write);
}
EXPORT_SYMBOL_GPL(raftlog_client_open_session);

int raftlog_client_append_once(struct raftlog_client *client,
			       const struct raftlog_client_session *session,
			       u64 sequence, const void *data, u32 bytes,
			       u32 timeout_ms, raftlog_appended_t appended,
			       void *context)
{
	const struct raftlog_client_write write = {
		.data = data,
		.bytes = bytes,
		.timeout_ms = timeout_ms,
		.origin = {
			.session = session->session,
			.sequence = sequence,
			.incarnation = session->incarnation,
		},
		.appended = appended,
		.context = context,
	};

	if (!raft_session_is_named(session->session) || !sequence)
		return -EINVAL;
	return raftlog_write_client(client->group, client, &write);
}
EXPORT_SYMBOL_GPL(raftlog_client_append_once);

/* Delivery */

static bool is_started(struct raftlog_group *group, u64 n_stops)
{
	bool started;

	spin_lock(&group->lock);
	started = group->life && group->n_stops >= n_stops;
	spin_unlock(&group->lock);
	return started;
}

static void wait_started(struct raftlog_client *client, u64 n_stops)
{
	wait_event_interruptible(client->group->event_wait,
				 kthread_should_stop() ||
				 is_started(client->group, n_stops));
}

static void wait_committed(struct raftlog_client *client,
			   struct raftlog_life *life)
{
	wait_event_interruptible(client->group->read_wait,
				 kthread_should_stop() ||
				 raftlog_life_is_stopping(life) ||
				 raftlog_life_is_failed(life) ||
				 raftlog_read_waits(life, client->position,
						    false));
}

static void hand_over(struct raftlog_client *client, struct raftlog_entry *entry)
{
	const struct raftlog_committed committed = {
		.index = entry->index,
		.term = entry->term,
		.data = entry->data,
		.bytes = entry->bytes,
		.gap = client->gap,
	};

	client->committed(client->context, &committed);
	client->position = entry->index + 1;
	client->gap = false;
	raftlog_entry_put(entry);
}

/* What was next is not kept any more: on with what is, and say so. */
static void skip_gap(struct raftlog_client *client, struct raftlog_life *life)
{
	spin_lock(&life->runs_lock);
	client->position = max(client->position,
			       raftlog_runs_first(&life->runs));
	spin_unlock(&life->runs_lock);
	client->gap = true;
}

/* Number of the stop that ends the present life, or ended the last. */
static u64 next_stop(struct raftlog_group *group)
{
	u64 n_stops;

	spin_lock(&group->lock);
	n_stops = group->n_stops + !!group->life;
	spin_unlock(&group->lock);
	return n_stops;
}

/* The next entry, or whatever is to be waited for. No life is held in a callback. */
static void deliver_next(struct raftlog_client *client)
{
	u64 n_stops = next_stop(client->group);
	struct raftlog_life *life = raftlog_group_life(client->group);
	struct raftlog_entry *entry;
	bool failed;
	int error;

	if (!life) {
		wait_started(client, 0);
		return;
	}
	/* Before it is looked what there is: by then there may be more. */
	failed = raftlog_life_is_failed(life);
	error = raftlog_read_next(life, client->position, false, false, &entry);
	if (error == -EAGAIN && !failed)
		wait_committed(client, life);
	if (error == -ENODATA)
		skip_gap(client, life);
	raftlog_life_put(life);
	if (!error)
		hand_over(client, entry);
	else if ((failed && error == -EAGAIN) || error == -EOPNOTSUPP)
		/* There is no more in this life, nor on a witness ever. */
		wait_started(client, n_stops);
	else if (error != -EAGAIN && error != -ENODATA && error != -EINTR)
		/* No memory now, or a read that may go well the next time. */
		schedule_timeout_interruptible(RETRY_JIFFIES);
}

static int deliver(void *data)
{
	struct raftlog_client *client = data;

	while (!kthread_should_stop()) {
		deliver_next(client);
		cond_resched();
	}
	return 0;
}

/* Open and close */

static int start_delivery(struct raftlog_client *client)
{
	struct task_struct *thread;

	if (!client->committed)
		return 0;
	thread = kthread_run(deliver, client, "%s-client",
			     raftlog_group_name(client->group));
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	client->thread = thread;
	return 0;
}

struct raftlog_client *raftlog_client_open(unsigned int group, u64 from_index,
					   raftlog_committed_t committed,
					   void *context)
{
	struct raftlog_client *client;
	int error;

	if (committed && !from_index)
		return ERR_PTR(-EINVAL);
	client = kzalloc(sizeof(*client), GFP_KERNEL);
	if (!client)
		return ERR_PTR(-ENOMEM);
	client->committed = committed;
	client->context = context;
	client->position = from_index;
	spin_lock_init(&client->lock);
	INIT_LIST_HEAD(&client->pending);
	init_waitqueue_head(&client->idle);

	error = -ENODEV;
	client->group = raftlog_group_find(group);
	if (!client->group)
		goto free_client;
	/* And with it the group. */
	if (!try_module_get(THIS_MODULE))
		goto free_client;
	error = start_delivery(client);
	if (error)
		goto put_module;
	return client;

put_module:
	module_put(THIS_MODULE);
free_client:
	kfree(client);
	return ERR_PTR(error);
}
EXPORT_SYMBOL_GPL(raftlog_client_open);

void raftlog_client_close(struct raftlog_client *client)
{
	struct raftlog_proposal *proposal;

	if (client->thread)
		kthread_stop(client->thread);
	spin_lock(&client->lock);
	list_for_each_entry(proposal, &client->pending, open_node)
		raftlog_proposal_cancel(proposal);
	spin_unlock(&client->lock);
	wait_event(client->idle, !READ_ONCE(client->n_pending));
	/* Whoever made it so may still hold the lock. */
	spin_lock(&client->lock);
	spin_unlock(&client->lock);
	kfree(client);
	module_put(THIS_MODULE);
}
EXPORT_SYMBOL_GPL(raftlog_client_close);
