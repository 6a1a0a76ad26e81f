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
#include "settings.h"
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

/* From the cache or the disk. Return: how many, 0 if there is none, or errno. */
static int read_some(struct raftlog_catch_up *c, u32 n, u64 bytes_max)
{
	struct raftlog_life *life = c->life;
	u64 index = c->send.first_index + n;
	struct raftlog_entry *cached = raftlog_cache_get(&life->cache, index);
	u64 n_max;

	if (cached && cached->term != c->terms[n]) {
		raftlog_entry_put(cached);
		return 0;
	}
	if (cached) {
		c->entries[n] = cached;
		return 1;
	}
	if (index > c->durable_index)
		return 0;
	n_max = min_t(u64, c->n - n, c->durable_index - index + 1);
	return raftlog_storage_read_range(life->storage, index, c->terms + n,
					  c->entries + n, n_max, bytes_max);
}

/* A leader that was deposed lets go of entries while they are read. */
static bool is_there(struct raftlog_life *life, u64 index, u64 term)
{
	bool there;

	spin_lock(&life->runs_lock);
	there = raftlog_runs_term(&life->runs, index) == term;
	spin_unlock(&life->runs_lock);
	return there;
}

static void read_entries(struct work_struct *work)
{
	struct raftlog_catch_up *c =
		container_of(work, struct raftlog_catch_up, work);
	struct raftlog_life *life = c->life;
	u64 bytes = 0;
	u32 n = 0;
	int n_read;

	do {
		n_read = read_some(c, n, c->send.bytes_max - bytes);
		cond_resched();
	} while (n_read > 0 && keep(c, &n, n_read, &bytes) && n < c->n &&
		 bytes < c->send.bytes_max && !raftlog_life_is_stopping(life));
	/* Gone meanwhile: the peer needs something else. */
	if (n_read == -ENODATA ||
	    (n_read < 0 && !is_there(life, c->send.first_index + n, c->terms[n])))
		n_read = 0;
	if (n_read < 0)
		pr_err_ratelimited("%s: cannot read entry %llu back (error %d)\n",
				   raftlog_group_name(life->group),
				   c->send.first_index + n, n_read);
	/*
	 * The others may have it, and one of them is to lead. Started again, this
	 * node learns what is damaged and gets it from them.
	 */
	if (n_read < 0 && n_read != -ENOMEM)
		raftlog_life_fail(life, n_read, "an entry cannot be read back");
	c->n = n;

	spin_lock(&life->intake_lock);
	list_add_tail(&c->node, &life->caught_up);
	spin_unlock(&life->intake_lock);
	raftlog_life_kick(life);
}

/* Without memory the message is as good as lost on its way: the core asks again. */
static struct raftlog_catch_up *catch_up_alloc(struct raftlog_life *life)
{
	struct raftlog_catch_up *c =
		kvzalloc(sizeof(*c), GFP_NOIO | __GFP_NOWARN);

	if (!c)
		return NULL;
	c->life = life;
	INIT_WORK(&c->work, read_entries);
	return c;
}

/* That of @id. What was made for a member that is gone is used again. */
static struct raftlog_catch_up *catch_up_of(struct raftlog_life *life, u32 id)
{
	struct raftlog_catch_up *c, *unused = NULL;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(life->catch_ups); i++) {
		c = life->catch_ups[i];
		if (!c)
			break;
		if (c->id == id)
			return c;
		if (!c->busy &&
		    !raftlog_configuration_find(&life->configuration, c->id))
			unused = c;
	}
	if (!unused && i < ARRAY_SIZE(life->catch_ups)) {
		unused = catch_up_alloc(life);
		life->catch_ups[i] = unused;
	}
	if (unused)
		unused->id = id;
	return unused;
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
	for (index = send->first_index; index <= send->last_index; index++) {
		u64 term = raft_term_at(life->raft, index);

		if (!term || c->n == ARRAY_SIZE(c->terms))
			break;
		c->terms[c->n++] = term;
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
				       c->n, c->send.witness, now_ns);
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
