// SPDX-License-Identifier: GPL-2.0
/*
 * Trimming by policy: entries go that the start said need not be kept, as soon as
 * they are committed and on the disk here. Each node trims its own log. A leader
 * waits for members that answer to get theirs, as long as there is room. A peer that
 * needs what went all the same gets to know where the log begins (raft/snapshot.c);
 * readers who do are told ENODATA.
 *
 * Without a policy entries go when there is a snapshot that makes up for them, but for
 * snapshot_trailing ones, which members need that lag a little. Those go as well, but
 * nothing behind the snapshot, when the log is full.
 *
 * Each time costs a write. So it is not done for every entry, but when an eighth more
 * is there than is to be kept. A log that trims is never full for want of trimming:
 * whatever the policy says, a quarter of it is for what is to come: for what comes again
 * as well, where damage takes the room, and what is before that goes, too.
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
	return status->commit_index - retain;
}

/* Because the newer ones take enough room. */
static u64 by_bytes(const struct raftlog_life *life, u64 retain)
{
	return raftlog_storage_head_behind(life->storage,
					   retain - retain / SLACK,
					   retain / SLACK);
}

/*
 * Of what a member that answers does not have yet, nothing goes; nor of what is behind
 * a snapshot that it is being sent.
 */
static u64 had_by_peers(const struct raftlog_life *life,
			const struct raft_status *status)
{
	const struct raft_configuration *configuration =
		raft_configuration(life->raft);
	struct raft_peer_status peer;
	u64 index = U64_MAX;
	u32 i;

	if (status->role != RAFT_LEADER)
		return index;
	for (i = 0; i < configuration->n_members; i++) {
		u32 id = configuration->members[i].id;

		if (id == status->node_id ||
		    raft_peer_status(life->raft, id, &peer) ||
		    !peer.recent_active)
			continue;
		if (peer.progress != RAFT_PROGRESS_SNAPSHOT)
			index = min(index, peer.match_index);
		else if (peer.snapshot.index)
			index = min(index, peer.snapshot.index);
	}
	return index;
}

/* What it says can be read, as far as that is known. */
static u64 snapshot_index(const struct raft_status *status)
{
	return status->snapshot_gone ? 0 : status->snapshot.index;
}

/* Because there is a snapshot that says what came of them, but for the last ones. */
static u64 by_snapshot(const struct raftlog_life *life,
		       const struct raft_status *status)
{
	u64 index = snapshot_index(status);

	return index > life->start.snapshot_trailing ?
		       index - life->start.snapshot_trailing :
		       0;
}

u64 raftlog_trim_index(struct raftlog_life *life)
{
	const struct raftlog_start *start = &life->start;
	bool by_policy = start->retain_entries || start->retain_bytes;
	struct raft_status status;
	u64 room = life->info.log_bytes / 4 * 3;
	u64 index, full;

	raft_status(life->raft, &status);
	if (status.role == RAFT_FAILED ||
	    (!by_policy && !snapshot_index(&status)))
		return 0;
	index = max(by_entries(life, &status), by_snapshot(life, &status));
	if (start->retain_bytes)
		index = max(index, by_bytes(life, start->retain_bytes));
	index = min(index, had_by_peers(life, &status));
	full = max(by_bytes(life, room),
		   raftlog_storage_head_past_gap(life->storage, room));
	if (!by_policy)
		full = min(full, snapshot_index(&status));
	index = max(index, full);
	/* Nothing that this node itself needs. */
	index = min(index, status.compactable_index);
	if (index < status.first_index)
		return 0;
	index = raftlog_storage_head(life->storage, index);
	return index < status.first_index ? 0 : index;
}
