// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to peers that lag so far behind that their entries are only on disk.
 * A work item reads them and hands them back to the owner thread, which sends
 * the message if it still leads. One per peer at a time; what is asked for
 * meanwhile is dropped, the core asks again.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "entry.h"
#include "group.h"
#include "life.h"
#include "trace.h"

/* Take what was read, as far as the message has room. Return: whether it has. */
static bool keep(struct raftlog_catch_up *c, u32 *n, u32 n_read, u64 *bytes)
{
	u32 end = *n + n_read;
	u32 i = *n;

	for (; i < end; i++) {
		u32 more = c->entries[i]->bytes;

		if (i && *bytes + more > c->send.bytes_max)
			break;
		*bytes += more;
	}
	*n = i;
	for (; i < end; i++)
		raftlog_entry_put(c->entries[i]);
	return *n == end;
}

static void read_entries(struct work_struct *work)
{
	struct raftlog_catch_up *c =
		container_of(work, struct raftlog_catch_up, work);
	struct raftlog_life *life = c->life;
	u64 first = c->send.first_index;
	u64 bytes = 0;
	u32 n = 0;

	while (n < c->n && !raftlog_life_is_stopping(life)) {
		struct raftlog_entry *cached =
			raftlog_cache_get(&life->cache, first + n);
		int n_read = 1;

		if (cached) {
			c->entries[n] = cached;
			if (cached->term != c->terms[n]) {
				raftlog_entry_put(cached);
				break;
			}
		} else {
			if (first + n > c->durable_index)
				break;
			n_read = raftlog_storage_read_range(
				life->storage, first + n, c->terms + n,
				c->entries + n,
				min_t(u64, c->n,
				      c->durable_index - first + 1) - n,
				c->send.bytes_max - min_t(u64, bytes,
							  c->send.bytes_max));
		}
		if (n_read <= 0 || !keep(c, &n, n_read, &bytes))
			break;
		cond_resched();
	}
	c->n = n;

	spin_lock(&life->intake_lock);
	list_add_tail(&c->node, &life->caught_up);
	spin_unlock(&life->intake_lock);
	raftlog_life_kick(life);
}

int raftlog_catch_up_alloc(struct raftlog_life *life)
{
	u32 i;

	for (i = 0; i < life->configuration.n_members; i++) {
		struct raftlog_catch_up *c = kvzalloc(sizeof(*c), GFP_KERNEL);

		if (!c)
			return -ENOMEM;
		c->life = life;
		INIT_WORK(&c->work, read_entries);
		life->catch_ups[i] = c;
	}
	return 0;
}

static struct raftlog_catch_up *catch_up_of(struct raftlog_life *life, u32 id)
{
	u32 i;

	for (i = 0; i < life->configuration.n_members; i++)
		if (life->configuration.members[i].id == id)
			return life->catch_ups[i];
	return NULL;
}

void raftlog_catch_up(struct raftlog_life *life, const struct raft_send *send)
{
	struct raftlog_catch_up *c = catch_up_of(life, send->message.to);
	struct raft_status status;
	u64 index;

	if (!c || c->busy)
		return;
	raft_status(life->raft, &status);
	c->send = *send;
	c->durable_index = status.durable_index;
	c->n = 0;
	for (index = send->first_index; index <= send->last_index &&
					c->n < ARRAY_SIZE(c->terms);
	     index++) {
		c->terms[c->n] = raft_term_at(life->raft, index);
		if (!c->terms[c->n])
			break;
		c->n++;
	}
	if (!c->n)
		return;
	c->busy = true;
	queue_work(life->catch_up_queue, &c->work);
}

static void put_entries(struct raftlog_catch_up *c)
{
	while (c->n)
		raftlog_entry_put(c->entries[--c->n]);
	c->busy = false;
}

void raftlog_catch_up_done(struct raftlog_life *life,
			   struct raftlog_catch_up *c, u64 now_ns)
{
	const struct raft_message *message = &c->send.message;
	struct raft_status status;

	raft_status(life->raft, &status);
	if (c->n && status.role == RAFT_LEADER &&
	    status.hard_state.current_term == message->term) {
		raftlog_count(life, catch_ups, 1);
		trace_raftlog_message_send(raftlog_group_name(life->group),
					   message, c->n);
		raftlog_transport_send(life->transport, message, c->entries,
				       c->n, now_ns);
	}
	put_entries(c);
}

void raftlog_catch_up_free(struct raftlog_life *life)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(life->catch_ups); i++) {
		if (!life->catch_ups[i])
			continue;
		put_entries(life->catch_ups[i]);
		kvfree(life->catch_ups[i]);
		life->catch_ups[i] = NULL;
	}
}
