// SPDX-License-Identifier: GPL-2.0
/* The read path: which entry is next, and where it is. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "entry.h"
#include "life.h"

/* Of the group's own entries, between two looks whether the reader should leave. */
#define PASSED_MAX 4096

/**
 * struct place - where the next entry may be
 * @index: from here on
 * @last: up to here; all of these can be read
 * @term: of all of these
 */
struct place {
	u64 index;
	u64 last;
	u64 term;
};

/* From @place->index on: 0, -EAGAIN if there is none, -ENODATA if that went. */
static int find_place(struct raftlog_life *life, bool internal,
		      struct place *place)
{
	u64 end, index = place->index;
	int error = 0;

	spin_lock(&life->runs_lock);
	end = internal ? life->commit_index : life->user_index;
	if (index < raftlog_runs_first(&life->runs)) {
		error = -ENODATA;
	} else if (index > end) {
		error = -EAGAIN;
	} else {
		place->term = raftlog_runs_term(&life->runs, index);
		place->last = min3(end, index + PASSED_MAX,
				   raftlog_runs_last(&life->runs, index));
		if (internal)
			place->last = index;
	}
	spin_unlock(&life->runs_lock);
	return error;
}

bool raftlog_read_waits(struct raftlog_life *life, u64 index, bool internal)
{
	struct place place = { .index = index };

	return find_place(life, internal, &place) != -EAGAIN;
}

/* A witness has the places of users' entries, and not what they say. */
static int readable(struct raftlog_entry **entry)
{
	if ((*entry)->type != RAFT_ENTRY_DATA || (*entry)->bytes)
		return 0;
	raftlog_entry_put(*entry);
	return -EOPNOTSUPP;
}

/*
 * One of these. What is committed and not in the cache is on disk: see execute.c. What
 * is in the cache may not be.
 */
static struct raftlog_entry *get_one(struct raftlog_life *life, bool nowait,
				     const struct place *place)
{
	struct raftlog_entry *entry =
		raftlog_cache_get(&life->cache, place->index);
	u64 last;

	if (entry)
		return entry;
	if (nowait)
		return ERR_PTR(-EAGAIN);
	last = min(place->last, raftlog_cache_first(&life->cache) - 1);
	return raftlog_storage_read(life->storage, place->index,
				    max(last, place->index), place->term);
}

/* A client's thread, once that is closed. */
static bool is_to_end(void)
{
	return current->flags & PF_KTHREAD && kthread_should_stop();
}

int raftlog_read_next(struct raftlog_life *life, u64 index, bool internal,
		      bool nowait, struct raftlog_entry **entry)
{
	struct place place = { .index = index };
	int error;

	for (;;) {
		error = find_place(life, internal, &place);
		/* Whatever was passed over, it is @index that was asked for. */
		if (error)
			return error;
		*entry = get_one(life, nowait, &place);
		/* It went meanwhile, or what is committed is not there. */
		if (*entry == ERR_PTR(-ENOENT))
			return find_place(life, internal, &place) ?: -EIO;
		if (IS_ERR(*entry))
			return PTR_ERR(*entry);
		if (internal || (*entry)->type == RAFT_ENTRY_DATA)
			return readable(entry);
		place.index = (*entry)->index + 1;
		raftlog_entry_put(*entry);
		if (raftlog_life_is_stopping(life))
			return -ESHUTDOWN;
		if (fatal_signal_pending(current) || is_to_end())
			return -EINTR;
		cond_resched();
	}
}
