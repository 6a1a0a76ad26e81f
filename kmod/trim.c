// SPDX-License-Identifier: GPL-2.0
/*
 * Trimming by policy: entries go that the start said need not be kept, as soon as
 * they are committed and on the disk here. Each node trims its own log. A peer that
 * needs what went gets to know where the log begins (raft/snapshot.c); readers who do
 * are told ENODATA.
 *
 * Each time costs a write. So it is not done for every entry, but when an eighth more
 * is there than is to be kept. A log that trims is never full for want of trimming:
 * whatever the policy says, a quarter of it is for what is to come.
 */
#include "life.h"

enum { SLACK = 8 };

/* Entries up to here can go because there are enough newer ones. */
static u64 by_entries(const struct raftlog_life *life,
		      const struct raft_status *status)
{
	u64 retain = life->start.retain_entries;
	u64 n = status->commit_index + 1 - status->first_index;

	if (!retain || n <= retain || n - retain <= retain / SLACK)
		return 0;
	return raftlog_storage_head(life->storage,
				    status->commit_index - retain);
}

/* Because the newer ones take enough room. */
static u64 by_bytes(const struct raftlog_life *life)
{
	u64 retain = life->info.log_bytes / 4 * 3;

	if (life->start.retain_bytes)
		retain = min(retain, life->start.retain_bytes);
	return raftlog_storage_head_behind(life->storage, retain / SLACK * 7,
					   retain / SLACK);
}

u64 raftlog_trim_index(struct raftlog_life *life)
{
	struct raft_status status;
	u64 index;

	if (!life->start.retain_entries && !life->start.retain_bytes)
		return 0;
	raft_status(life->raft, &status);
	if (status.role == RAFT_FAILED)
		return 0;
	index = max(by_entries(life, &status), by_bytes(life));
	/* Of what is not committed, or not on the disk, nothing can go. */
	if (index > min(status.commit_index, status.durable_index))
		index = raftlog_storage_head(life->storage,
					     min(status.commit_index,
						 status.durable_index));
	return index < status.first_index ? 0 : index;
}
