// SPDX-License-Identifier: GPL-2.0
/* The follower's side of replication: AppendEntries (3.5). */
#include "core.h"

/* To a witness entries of users come without payload, to all others with it. */
static bool is_for_other_kind(const struct raft *r,
			      const struct raft_entry *entry)
{
	return r->self < RAFT_MEMBERS_MAX && entry->type == RAFT_ENTRY_DATA &&
	       raft_is_witness(r, r->self) != !entry->bytes;
}

static bool is_no_configuration(struct raft *r, const struct raft_entry *entry)
{
	return entry->type == RAFT_ENTRY_CONFIGURATION &&
	       raft_configuration_decode(&r->decoded, entry->data,
					 entry->bytes);
}

/*
 * Can this message be taken at all? -EINVAL for what no leader sends, -ENOMEM if
 * its terms might not fit.
 */
int raft_check_append(struct raft *r, const struct raft_message *message)
{
	u64 prev = message->append_entries.prev_log_index;
	u64 term = message->append_entries.prev_log_term;
	u32 i, runs = 0;

	if (!prev != !term || term > message->term || prev > U64_MAX - U32_MAX)
		return -EINVAL;
	for (i = 0; i < message->n_entries; i++) {
		const struct raft_entry *entry = &message->entries[i];

		if (entry->term < term || entry->term == 0 ||
		    entry->term > message->term ||
		    entry->type > RAFT_ENTRY_TYPE_LAST ||
		    raft_check_sessions(r, entry, prev + 1 + i) ||
		    is_no_configuration(r, entry) ||
		    is_for_other_kind(r, entry))
			return -EINVAL;
		runs += entry->term != term;
		term = entry->term;
	}
	return raft_log_has_room(&r->log, runs + 2) ? 0 : -ENOMEM;
}

static void answer(struct raft *r, struct raft_update *update,
		   const struct raft_message *message, bool rejected)
{
	u64 prev = message->append_entries.prev_log_index;
	struct raft_send *send = raft_add_send(
		r, update, RAFT_APPEND_ENTRIES_RESPONSE, message->from);

	if (!send)
		return;
	send->message.append_entries_response.priority = r->settings.priority;
	send->message.append_entries_response.prev_log_index = prev;
	/* An earlier term's request, perhaps by an earlier clock, proves nothing. */
	if (message->term == r->hard_state.current_term) {
		send->message.append_entries_response.sent_ns =
			message->append_entries.sent_ns;
		send->message.append_entries_response.promised_ns =
			raft_promise(r);
	}
	send->message.append_entries_response.rejected = rejected;
	if (rejected) {
		/* The leader skips what cannot match in one step. */
		u64 hint = raft_log_floor_term(
			&r->log, min(prev, r->log.last_index),
			message->append_entries.prev_log_term);

		send->message.append_entries_response.hint_index = hint;
		send->message.append_entries_response.hint_term =
			raft_log_term(&r->log, hint);
	} else {
		send->message.append_entries_response.match_index =
			min(r->verified_index, r->durable_index);
	}
	raft_send_durable(r, send);
}

/* What was appended became durable: tell the leader, once for all of it. */
void raft_send_owed_ack(struct raft *r, struct raft_update *update)
{
	struct raft_send *send;

	if (!r->ack_owed || !r->leader_id || r->role == RAFT_LEADER)
		return;
	send = raft_add_send(r, update, RAFT_APPEND_ENTRIES_RESPONSE,
			     r->leader_id);
	if (!send)
		return;
	send->message.append_entries_response.priority = r->settings.priority;
	send->message.append_entries_response.match_index =
		min(r->verified_index, r->durable_index);
	raft_send_durable(r, send);
	r->ack_owed = r->durable_index < r->verified_index;
}

/*
 * How many entries of @message there is room for, the first @skip of which are in
 * the log. Memory and disk are bounded here as on the leader, with room for its
 * batch. What is durable takes no memory: it must not count, or a group that lost
 * power with more uncommitted entries than fit could never replicate what commits
 * them. What does not fit comes again: all or nothing could be nothing for ever.
 */
static u32 room_for(const struct raft *r, const struct raft_message *message,
		    u32 skip)
{
	u64 commit = max(r->commit_index, message->append_entries.leader_commit);
	u64 index = message->append_entries.prev_log_index + skip;
	u64 base = max(max(r->commit_index, r->uncounted_index),
		       r->durable_index);
	u64 bytes = raft_log_bytes_through(&r->log, r->log.last_index) -
		    raft_log_bytes_through(&r->log, base);
	u64 bytes_max = 2 * r->settings.uncommitted_bytes_max +
			r->settings.append_bytes_max;
	u64 index_max = max(base, commit) + r->settings.window_entries;
	u64 space = raft_space(r);
	u64 cost = 0;
	u32 i;

	for (i = skip; i < message->n_entries; i++) {
		cost += raft_entry_cost(r, message->entries[i].bytes);
		if (++index > commit)
			bytes += message->entries[i].bytes;
		if (cost > space || bytes > bytes_max || index > index_max)
			break;
		if (i > skip && RAFTLOG_FAILPOINT(RAFT_TAKE_LESS))
			break;
	}
	return i;
}

/* Returns how many entries of @message are now in the log. */
static u32 append_new(struct raft *r, struct raft_update *update,
		      const struct raft_message *message)
{
	u64 prev = message->append_entries.prev_log_index;
	u32 i = 0, n;

	/* What is there already stays: a delayed message must not shorten. */
	while (i < message->n_entries &&
	       raft_log_term(&r->log, prev + 1 + i) == message->entries[i].term)
		i++;
	n = room_for(r, message, i);
	if (i < n && prev + 1 + i <= r->log.last_index) {
		if (!raft_invariant(r, update, prev + 1 + i > r->commit_index))
			return 0;
		raft_truncate(r, update, prev + 1 + i);
	}
	for (; i < n && r->role != RAFT_FAILED; i++)
		raft_append_entry(r, update, &message->entries[i]);
	return n;
}

void raft_receive_append(struct raft *r, struct raft_update *update,
			 const struct raft_message *message)
{
	struct raft_message rest = *message;
	u64 verified;

	if (message->term < r->hard_state.current_term) {
		answer(r, update, message, true);
		return;
	}
	/* 3.4: one leader a term. Another one is a lie; do not act on it. */
	if (message->term == r->hard_state.current_term && r->leader_id &&
	    r->leader_id != message->from)
		return;
	raft_become_follower(r, update, message->term, message->from,
			     RAFT_REASON_LEADER_SEEN);
	r->leader_contact_ns = r->now_ns;
	if (r->needed) {
		r->needed = false;
		raft_role_by_membership(r, update);
	}
	r->leader_sent_ns = max(r->leader_sent_ns,
				message->append_entries.sent_ns);
	r->best_priority = message->append_entries.best_priority;
	raft_reset_election_timer(r);
	raft_defer_to_priority(r);
	r->leader_commit_seen = max(r->leader_commit_seen,
				    message->append_entries.leader_commit);

	raft_skip_compacted(r, &rest);
	if (raft_log_term(&r->log, rest.append_entries.prev_log_index) !=
	    rest.append_entries.prev_log_term) {
		answer(r, update, message, true);
		return;
	}
	verified = rest.append_entries.prev_log_index +
		   append_new(r, update, &rest);
	if (r->role == RAFT_FAILED)
		return;
	r->verified_index = max(r->verified_index, verified);
	raft_set_commit(r, update,
			min(message->append_entries.leader_commit, verified));
	raft_role_by_membership(r, update);
	/* Nobody would know that it cannot tell what entries say. */
	if (r->self < RAFT_MEMBERS_MAX && r->log.bare &&
	    !raft_is_witness(r, r->self))
		raft_fail(r, update, RAFT_REASON_MEMBERSHIP,
			  "this was a witness: it needs an empty log to be more");
	if (r->durable_index < r->verified_index)
		r->ack_owed = true;
	if (message->n_entries == 0 || r->durable_index >= verified)
		answer(r, update, message, false);
	if (message->n_entries == 0)
		raft_tell_feature_level(r, update);
}
