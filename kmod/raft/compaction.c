// SPDX-License-Identifier: GPL-2.0
/*
 * Compaction: entries that are committed here are not needed by this server any
 * more (5). What is left of them is the base of the log: index and term of the last
 * one that went, and the newest configuration known to be committed, which may well
 * be behind the base: it is the one to go by, and an older one never is.
 *
 * Named sessions are rebuilt from what is left: sessions.c says how much that must be.
 *
 * All entries up to the base are committed, so that any leader from then on has them
 * as they were here: what it says about them needs no comparing.
 */
#include "core.h"

/* What is committed is not needed for anybody to agree; peers are another matter. */
u64 raft_compactable_index(const struct raft *r)
{
	return min(min(r->commit_index, r->durable_index),
		   raft_sessions_cover(r));
}

int raft_compact(struct raft *r, struct raft_update *update, u64 index)
{
	u32 i;

	if (index > raft_compactable_index(r))
		return -EINVAL;
	if (index <= raft_log_base(&r->log))
		return 0;
	raft_note_persist(r, update);
	raft_log_compact(&r->log, index);
	update->base_changed = true;
	update->base_index = index;
	update->base_term = r->log.base_term;
	/* Perhaps a peer has the entry before the first one: ask for that. */
	for (i = 0; i < r->configuration.n_members; i++)
		if (r->peers[i].progress == RAFT_PROGRESS_PROBE)
			r->peers[i].next_index =
				max(r->peers[i].next_index, r->log.first_index);
	return 0;
}

/* Make an AppendEntries begin no earlier than the log does. */
void raft_skip_compacted(const struct raft *r, struct raft_message *message)
{
	u64 base = raft_log_base(&r->log);
	u64 prev = message->append_entries.prev_log_index;
	u32 n;

	if (prev >= base)
		return;
	n = min_t(u64, message->n_entries, base - prev);
	/* There may be none, and then nowhere that they are. */
	if (n)
		message->entries += n;
	message->n_entries -= n;
	message->append_entries.prev_log_index = base;
	message->append_entries.prev_log_term = r->log.base_term;
}

int raft_restore_base(struct raft *r, u64 index, u64 term, const void *data,
		      u32 bytes, u64 configuration_index)
{
	if (r->started || r->log.last_index || !index || !term ||
	    !configuration_index ||
	    raft_configuration_decode(&r->decoded, data, bytes))
		return -EINVAL;
	if (r->decoded.feature_level > r->settings.feature_level)
		return -EPROTONOSUPPORT;
	raft_log_reset(&r->log, index, term);
	raft_set_committed_configuration(r, &r->decoded, configuration_index);
	return 0;
}
