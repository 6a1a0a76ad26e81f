// SPDX-License-Identifier: GPL-2.0
/* The read path: which entry is next, and where it is. */
#include <linux/err.h>

#include "entry.h"
#include "life.h"

/* The next committed entry: 0, -EAGAIN if there is none, -ENODATA if it went. */
static int next_index(struct raftlog_life *life, u64 from, bool internal,
		      u64 *index, u64 *term)
{
	int error = 0;

	spin_lock(&life->runs_lock);
	*index = raftlog_runs_next(&life->runs, from, internal);
	if (from < raftlog_runs_first(&life->runs))
		error = -ENODATA;
	else if (!*index || *index > life->commit_index)
		error = -EAGAIN;
	else
		*term = raftlog_runs_find(&life->runs, *index)->term;
	spin_unlock(&life->runs_lock);
	return error;
}

bool raftlog_read_waits(struct raftlog_life *life, u64 index, bool internal)
{
	u64 next, term;

	return next_index(life, index, internal, &next, &term) != -EAGAIN;
}

/* A witness has the places of users' entries, and not what they say. */
static int readable(struct raftlog_entry **entry)
{
	if ((*entry)->type != RAFT_ENTRY_DATA || (*entry)->bytes)
		return 0;
	raftlog_entry_put(*entry);
	return -EOPNOTSUPP;
}

int raftlog_read_next(struct raftlog_life *life, u64 index, bool internal,
		      bool nowait, struct raftlog_entry **entry)
{
	u64 term;
	int error;

	error = next_index(life, index, internal, &index, &term);
	if (error)
		return error;
	*entry = raftlog_cache_get(&life->cache, index);
	if (*entry)
		return readable(entry);
	if (nowait)
		return -EAGAIN;
	/* What is committed and not in the cache is on disk: see execute.c. */
	*entry = raftlog_storage_read(life->storage, index, term);
	if (IS_ERR(*entry))
		return PTR_ERR(*entry) == -ENOENT ? -EIO : PTR_ERR(*entry);
	return readable(entry);
}
