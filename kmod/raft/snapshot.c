// SPDX-License-Identifier: GPL-2.0
/*
 * A peer that needs entries which are gone here (5.1). It is told where this log
 * begins: index and term of the entry before the first one, and the configuration.
 * With that it can go on; what the entries came to, it does without.
 *
 * What the peer has, decides what it does:
 *
 *	that very entry		it matches so far: nothing goes
 *	less, or another	all of its log goes, and it begins anew behind that
 *				entry, which is committed: nothing that another server
 *				needs can be behind an entry that differs from it
 *
 * The configuration is the newest that its sender knows to be committed, and is taken
 * by whoever knows none that is newer.
 *
 * It is sent again with each heartbeat until the peer is seen to have got there.
 */
#include "core.h"

int raft_check_install_snapshot(struct raft *r,
				const struct raft_message *message)
{
	const struct raft_entry *entry = message->entries;

	if (!message->install_snapshot.snapshot_index ||
	    !message->install_snapshot.snapshot_term ||
	    message->install_snapshot.snapshot_term > message->term ||
	    message->install_snapshot.snapshot_index > U64_MAX - U32_MAX ||
	    !message->install_snapshot.configuration_index ||
	    message->n_entries != 1 || entry->type != RAFT_ENTRY_CONFIGURATION)
		return -EINVAL;
	return raft_configuration_decode(&r->decoded, entry->data,
					 entry->bytes);
}

/* 4.1, 5.1.3: the newest configuration that is known to be committed. */
static void take_configuration(struct raft *r,
			       const struct raft_message *message)
{
	u64 index = message->install_snapshot.configuration_index;
	u64 committed;

	raft_committed_configuration(r, &committed);
	if (index > committed)
		raft_set_committed_configuration(r, &r->decoded, index);
}

static void install(struct raft *r, struct raft_update *update,
		    const struct raft_message *message)
{
	u64 index = message->install_snapshot.snapshot_index;

	/* What is committed here, a leader has as it is here. */
	if (!raft_invariant(r, update, index > r->commit_index))
		return;
	raft_discard(r, update, index, message->install_snapshot.snapshot_term);
	take_configuration(r, message);
	raft_end_unseen_proposals(r, update, index);
	raft_set_commit(r, update, index);
	r->ack_owed = true;
}

/* From there on it is an AppendEntries without entries, from that entry on. */
void raft_receive_install_snapshot(struct raft *r, struct raft_update *update,
				   const struct raft_message *message)
{
	struct raft_message append = *message;
	u64 index = message->install_snapshot.snapshot_index;
	u64 term = message->install_snapshot.snapshot_term;
	bool current = message->term >= r->hard_state.current_term;

	if (message->term == r->hard_state.current_term &&
	    (r->role == RAFT_LEADER ||
	     (r->leader_id && r->leader_id != message->from)))
		return;
	if (current)
		raft_become_follower(r, update, message->term, message->from,
				     RAFT_REASON_LEADER_SEEN);
	if (current && index > raft_log_base(&r->log) &&
	    raft_log_term(&r->log, index) != term)
		install(r, update, message);
	if (r->role == RAFT_FAILED)
		return;
	append.type = RAFT_APPEND_ENTRIES;
	append.append_entries.sent_ns = message->install_snapshot.sent_ns;
	append.append_entries.prev_log_index = index;
	append.append_entries.prev_log_term = term;
	append.append_entries.leader_commit = index;
	append.append_entries.best_priority = r->best_priority;
	append.entries = NULL;
	append.n_entries = 0;
	raft_receive_append(r, update, &append);
}

/* Leader. False: there is no room. */
bool raft_send_install_snapshot(struct raft *r, struct raft_update *update,
				const struct raft_peer *peer)
{
	struct raft_send *send =
		raft_add_send(r, update, RAFT_INSTALL_SNAPSHOT, peer->id);

	if (!send)
		return false;
	send->message.install_snapshot.snapshot_index = raft_log_base(&r->log);
	send->message.install_snapshot.snapshot_term = r->log.base_term;
	send->message.install_snapshot.sent_ns = r->now_ns;
	r->append_sent_ns = r->now_ns;
	send->message.n_entries = 1;
	return true;
}
