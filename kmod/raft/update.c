// SPDX-License-Identifier: GPL-2.0
/* What a step adds to its update. Nothing else writes struct raft_update. */
#include "core.h"

void raft_update_init(struct raft_update *update, struct raft_entry *entries,
		      u32 entries_max, struct raft_send *sends, u32 sends_max)
{
	memset(update, 0, sizeof(*update));
	update->entries = entries;
	update->entries_max = entries_max;
	update->sends = sends;
	update->sends_max = sends_max;
	INIT_LIST_HEAD(&update->proposals_done);
	INIT_LIST_HEAD(&update->reads_done);
	update->deadline_ns = U64_MAX;
}

void raft_update_reset(struct raft_update *update)
{
	update->hard_state_seq = 0;
	update->hard_state_changed = false;
	update->first_index = 0;
	update->base_changed = false;
	update->base_discards = false;
	update->base_installed = false;
	update->n_entries = 0;
	update->n_sends = 0;
	update->chunk.snapshot.index = 0;
	update->commit_index = 0;
	update->n_transitions = 0;
	update->deadline_ns = U64_MAX;
}

/* Every update that persists something is one numbered write. */
void raft_note_persist(struct raft *r, struct raft_update *update)
{
	if (update->hard_state_seq)
		return;
	if (r->persist_seq == r->persisted_seq)
		r->oldest_persist_ns = r->now_ns;
	update->hard_state_seq = ++r->persist_seq;
	update->hard_state = r->hard_state;
}

void raft_set_hard_state(struct raft *r, struct raft_update *update, u64 term,
			 u32 voted_for)
{
	r->hard_state.current_term = term;
	r->hard_state.voted_for = voted_for;
	raft_note_persist(r, update);
	r->hard_state_persist_seq = update->hard_state_seq;
	update->hard_state = r->hard_state;
	update->hard_state_changed = true;
}

/* The caller made sure of room in the update and in the log's runs. */
void raft_append_entry(struct raft *r, struct raft_update *update,
		       const struct raft_entry *entry)
{
	if (r->role == RAFT_LEADER &&
	    !raft_invariant(r, update, raft_entry_level(entry->type) <=
					       raft_feature_level(r)))
		return;
	raft_note_persist(r, update);
	raft_log_append(&r->log, entry);
	if (update->n_entries == 0)
		update->first_index = r->log.last_index;
	update->entries[update->n_entries++] = *entry;
	raft_invariant(r, update,
		       update->first_index + update->n_entries - 1 ==
			       r->log.last_index);

	if (raft_invariant(r, update,
			   !raft_check_sessions(r, entry, r->log.last_index)))
		raft_sessions_appended(r, entry);
	if (entry->type == RAFT_ENTRY_CONFIGURATION &&
	    raft_invariant(r, update,
			   !raft_configuration_decode(&r->decoded,
						      entry->data,
						      entry->bytes)) &&
	    raft_has_level_of(r, update, &r->decoded))
		raft_next_configuration(r, &r->decoded, r->log.last_index);
}

/* What is replaced may be on its way to the disk and takes room there. */
static void note_replaced(struct raft *r, u64 from)
{
	u64 low = max(from - 1, r->space_index);

	if (r->log.last_index <= r->space_index)
		return;
	r->space_debt_bytes +=
		(r->log.last_index - low) * r->settings.entry_overhead_bytes +
		raft_log_bytes_through(&r->log, r->log.last_index) -
		raft_log_bytes_through(&r->log, low);
}

/* Only on a real conflict, and only by a follower (3.5). */
void raft_truncate(struct raft *r, struct raft_update *update, u64 from)
{
	raft_note_persist(r, update);
	r->truncate_seq = update->hard_state_seq;
	note_replaced(r, from);
	raft_log_truncate(&r->log, from);
	raft_revert_configuration(r, from - 1);
	raft_sessions_truncated(r, from - 1);
	r->durable_index = min(r->durable_index, from - 1);
	r->verified_index = min(r->verified_index, from - 1);
	r->uncounted_index = min(r->uncounted_index, from - 1);
	r->space_index = min(r->space_index, from - 1);
	if (update->n_entries && from >= update->first_index)
		update->n_entries = from - update->first_index;
	else
		update->n_entries = 0;
}

/* All of the log goes, and it begins anew: only by a follower (5.1). */
void raft_discard(struct raft *r, struct raft_update *update, u64 index,
		  u64 term)
{
	u64 committed;

	raft_note_persist(r, update);
	r->truncate_seq = update->hard_state_seq;
	note_replaced(r, r->log.first_index);
	raft_log_reset(&r->log, index, term);
	raft_committed_configuration(r, &committed);
	raft_revert_configuration(r, committed);
	raft_sessions_discarded(r);
	r->durable_index = 0;
	r->verified_index = index;
	r->uncounted_index = index;
	r->space_index = index;
	update->base_changed = true;
	update->base_discards = true;
	update->base_index = index;
	update->base_term = term;
	update->n_entries = 0;
}

u32 raft_sends_room(const struct raft_update *update)
{
	return update->sends_max - update->n_sends;
}

/*
 * NULL when there is no room, or not every member could parse it: what is not sent is
 * as good as lost.
 */
struct raft_send *raft_add_send(struct raft *r, struct raft_update *update,
				u8 type, u32 to)
{
	struct raft_send *send;

	if (!raft_sends_room(update) || !raft_may_send(r, type))
		return NULL;
	send = &update->sends[update->n_sends++];
	memset(send, 0, sizeof(*send));
	send->message.type = type;
	send->message.from = r->settings.node_id;
	send->message.to = to;
	send->message.term = r->hard_state.current_term;
	send->message.incarnation = r->incarnation;
	return send;
}

/* Hold @send until the term and vote it speaks of are durable (3.8). */
void raft_send_durable(struct raft *r, struct raft_send *send)
{
	if (r->hard_state_persist_seq > r->persisted_seq)
		send->after_hard_state_seq = r->hard_state_persist_seq;
}
