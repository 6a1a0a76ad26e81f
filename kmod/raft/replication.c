// SPDX-License-Identifier: GPL-2.0
/*
 * The leader's side of replication, per peer:
 *
 *	probe		where the logs match is not known: an empty AppendEntries a
 *			heartbeat interval, and at once after a refusal
 *	replicate	entries are sent ahead of their acknowledgment, limited in
 *			messages and bytes (10.2.1)
 *
 *	snapshot	it needs entries that are gone: snapshot.c, and heartbeats
 *
 * Heartbeats of a peer in replicate carry prev_log_index = match_index, so that
 * they neither depend on entries still under way nor are refused. Where its term is
 * not known any more, 0 does as well: nothing is before that.
 *
 * What is lost is found by a refusal of something sent later, or by a timer.
 */
#include "core.h"

enum {
	/* A round trip may take this much longer by reordering alone. */
	REORDER_NS = 1 * NSEC_PER_MSEC,
	/* Slowest transfer that is not taken for a loss: 8 MiB/s. */
	TRANSFER_NS_PER_BYTE = 120,
};

static u64 last_in_flight(const struct raft *r, const struct raft_peer *peer)
{
	return (peer->inflight_head + peer->n_inflight) % r->inflight_slots;
}

static void clear_in_flight(struct raft_peer *peer)
{
	peer->inflight_head = 0;
	peer->n_inflight = 0;
	peer->inflight_bytes = 0;
	peer->catch_up = false;
}

static void start_probe(struct raft *r, struct raft_peer *peer, u64 next_index)
{
	clear_in_flight(peer);
	raft_stop_sending(peer);
	peer->progress = RAFT_PROGRESS_PROBE;
	peer->next_index = clamp(next_index, r->log.first_index,
				 r->log.last_index + 1);
}

/* 4.2.1: the first one brings all that is in the log. */
static void begin_rounds(struct raft *r, struct raft_peer *peer)
{
	peer->round_index = r->log.last_index;
	peer->round_ns = r->now_ns;
	peer->caught_up = false;
}

/* It has another disk than before: nothing is known of that. */
void raft_forget_peer(struct raft *r, struct raft_peer *peer)
{
	if (!peer->incarnation)
		return;
	raft_keep_lease_promise(r);
	peer->feature_level = 0;
	peer->match_index = 0;
	peer->match_ns = r->now_ns;
	peer->commit_told = 0;
	peer->last_answer_ns = 0;
	peer->answered_sent_ns = 0;
	peer->promised_ns = 0;
	begin_rounds(r, peer);
	start_probe(r, peer, peer->next_index);
}

static bool is_gone(const struct raft *r, u64 index)
{
	return index < r->log.first_index;
}

/* Whether the peer has the entry before the first one, a probe finds out. */
static void resend_from_match(struct raft *r, struct raft_peer *peer)
{
	if (is_gone(r, peer->match_index + 1)) {
		start_probe(r, peer, peer->match_index + 1);
		return;
	}
	clear_in_flight(peer);
	peer->next_index = peer->match_index + 1;
	peer->progress_ns = r->now_ns;
}

/* As a leader that does not know yet what it holds. */
void raft_start_peer(struct raft *r, struct raft_peer *peer)
{
	start_probe(r, peer, r->log.last_index + 1);
	peer->match_index = 0;
	peer->match_ns = r->now_ns;
	peer->commit_told = 0;
	peer->last_answer_ns = r->now_ns;
	peer->answered_sent_ns = 0;
	peer->promised_ns = 0;
	peer->rtt_ns = 0;
	begin_rounds(r, peer);
}

void raft_start_replication(struct raft *r)
{
	u32 i;

	for (i = 0; i < r->n_peers; i++)
		raft_start_peer(r, &r->peers[i]);
	r->heartbeat_due_ns = r->now_ns;
	r->leader_since_ns = r->now_ns;
	r->read_round_sent_ns = 0;
	r->quorum_grace_ns = 0;
	r->chunk_due_ns = 0;
}

static struct raft_send *add_append(struct raft *r, struct raft_update *update,
				    struct raft_peer *peer, u64 prev_log_index,
				    u64 last_index)
{
	struct raft_send *send =
		raft_add_send(r, update, RAFT_APPEND_ENTRIES, peer->id);

	if (!send)
		return NULL;
	send->message.append_entries.prev_log_index = prev_log_index;
	send->message.append_entries.prev_log_term =
		raft_log_term(&r->log, prev_log_index);
	send->message.append_entries.leader_commit = r->commit_index;
	send->message.append_entries.sent_ns = r->now_ns;
	r->append_sent_ns = r->now_ns;
	send->message.append_entries.best_priority = r->best_priority;
	send->message.n_entries = last_index - prev_log_index;
	send->first_index = prev_log_index + 1;
	send->last_index = last_index;
	send->bytes_max = r->settings.append_bytes_max;
	send->witness = raft_is_witness(r, peer - r->peers);
	peer->commit_told = max(peer->commit_told,
				min(r->commit_index, last_index));
	return send;
}

static bool send_heartbeat(struct raft *r, struct raft_update *update,
			   struct raft_peer *peer)
{
	u64 prev = peer->progress == RAFT_PROGRESS_PROBE ? peer->next_index - 1 :
							   peer->match_index;

	if (peer->progress == RAFT_PROGRESS_SNAPSHOT &&
	    !raft_send_install_snapshot(r, update, peer))
		return false;
	if (peer->progress == RAFT_PROGRESS_SNAPSHOT || is_gone(r, prev + 1))
		prev = 0;
	return add_append(r, update, peer, prev, prev);
}

/*
 * Is entries' way to a majority through this voter, rather than through a witness?
 * As long as it answers, takes what it is sent, and has what was committed; a new
 * leader gives it the time to show that.
 */
static bool is_relied_on(const struct raft *r, const struct raft_peer *peer)
{
	u64 timeout = r->settings.election_timeout_ns;

	return r->now_ns < peer->last_answer_ns + timeout / 2 &&
	       !(peer->n_inflight &&
		 r->now_ns >= peer->progress_ns + timeout / 2) &&
	       (peer->match_index >= r->commit_index ||
		r->now_ns < r->leader_since_ns + timeout);
}

/* Last entry that is whole on the disk of somebody who may lead. */
static u64 whole_end(const struct raft *r, bool old)
{
	u64 end = 0;
	u32 i;

	for (i = 0; i < r->n_peers; i++) {
		u64 durable = raft_is_self(r, i) ? r->durable_index :
						   r->peers[i].match_index;

		if (raft_is_voter_in(r, i, old) && !raft_is_witness(r, i) &&
		    raft_is_known(r, i))
			end = max(end, durable);
	}
	return end;
}

/*
 * Last entry that a witness may have: see struct raft_configuration. Never one that
 * nobody else has who may lead, in each of the two configurations if it is joint:
 * nobody could be elected that the witness would find up to date.
 */
static u64 witness_end(const struct raft *r)
{
	u64 end = whole_end(r, false);
	u32 i;

	if (r->configuration.joint)
		end = min(end, whole_end(r, true));
	for (i = 0; i < r->n_peers; i++) {
		const struct raft_peer *peer = &r->peers[i];

		if (!raft_is_self(r, i) && raft_is_voter(r, i) &&
		    !raft_is_witness(r, i) && is_relied_on(r, peer))
			end = min(end, peer->match_index);
	}
	return end;
}

/* Last entry that @peer may be sent. */
static u64 last_for(const struct raft *r, const struct raft_peer *peer)
{
	return raft_is_witness(r, peer - r->peers) ? witness_end(r) :
						     r->log.last_index;
}

/* Last entry of an AppendEntries that starts at next_index, and its bytes. */
static u64 fill_message(const struct raft *r, const struct raft_peer *peer,
			u64 last, u32 *bytes)
{
	const struct raft_settings *settings = &r->settings;
	u64 index = peer->next_index;
	u64 end = min(last, index + settings->append_entries_max - 1);

	*bytes = raft_log_meta(&r->log, index)->bytes;
	while (index < end) {
		u32 next = raft_log_meta(&r->log, index + 1)->bytes;

		if (*bytes + (u64)next > settings->append_bytes_max ||
		    RAFTLOG_FAILPOINT(RAFT_SEND_LESS))
			break;
		*bytes += next;
		index++;
	}
	return index;
}

static void note_in_flight(struct raft *r, struct raft_peer *peer,
			   u64 last_index, u32 bytes)
{
	struct raft_inflight *inflight =
		&peer->inflight[last_in_flight(r, peer)];

	if (!peer->n_inflight)
		peer->progress_ns = r->now_ns;
	inflight->last_index = last_index;
	inflight->sent_ns = r->now_ns;
	inflight->bytes = bytes;
	peer->n_inflight++;
	peer->inflight_bytes += bytes;
}

/*
 * Entries behind the window: their sizes are not known, so neither is how many
 * the message will hold. One at a time, until the peer is back in the window.
 */
static bool send_catch_up(struct raft *r, struct raft_update *update,
			  struct raft_peer *peer, u64 end)
{
	u64 last = min(min(r->log.window_first - 1, end),
		       peer->next_index + r->settings.append_entries_max - 1);
	u64 told = peer->commit_told;
	struct raft_send *send =
		add_append(r, update, peer, peer->next_index - 1, last);

	if (!send)
		return false;
	send->catch_up = true;
	/* It holds at least one entry; of more it surely tells nothing. */
	peer->commit_told =
		max(told, min(r->commit_index, peer->next_index));
	note_in_flight(r, peer, last, r->settings.append_bytes_max);
	peer->catch_up = true;
	return true;
}

static bool send_entries(struct raft *r, struct raft_update *update,
			 struct raft_peer *peer)
{
	const struct raft_settings *settings = &r->settings;
	u64 end = last_for(r, peer);

	while (peer->next_index <= end && !peer->catch_up &&
	       peer->n_inflight < settings->inflight_messages_max &&
	       peer->inflight_bytes < settings->inflight_bytes_max) {
		u64 last;
		u32 bytes;

		if (peer->next_index < r->log.window_first) {
			if (peer->n_inflight)
				return true;
			return send_catch_up(r, update, peer, end);
		}
		last = fill_message(r, peer, end, &bytes);
		if (!add_append(r, update, peer, peer->next_index - 1, last))
			return false;
		note_in_flight(r, peer, last, bytes);
		peer->next_index = last + 1;
	}
	return true;
}

u64 raft_loss_timeout(const struct raft *r, const struct raft_peer *peer,
		      u64 bytes)
{
	return 2 * (r->settings.heartbeat_interval_ns + peer->rtt_ns) +
	       bytes * TRANSFER_NS_PER_BYTE;
}

static u64 loss_timeout(const struct raft *r, const struct raft_peer *peer)
{
	return raft_loss_timeout(r, peer, peer->inflight_bytes);
}

/* Without room the rest waits for the next RAFT_EVENT_TIME, which is at once. */
static void replicate(struct raft *r, struct raft_update *update,
		      struct raft_peer *peer)
{
	if (peer->progress != RAFT_PROGRESS_REPLICATE)
		return;
	if (is_gone(r, peer->next_index) ||
	    (peer->n_inflight &&
	     r->now_ns >= peer->progress_ns + loss_timeout(r, peer))) {
		/* It may be gone: ask with something small. */
		start_probe(r, peer, peer->match_index + 1);
		r->heartbeat_due_ns = r->now_ns;
		return;
	}
	/* Mandatory sends of the next step must keep their room. */
	if (raft_sends_room(update) <= RAFT_STEP_SENDS_MAX ||
	    !send_entries(r, update, peer)) {
		r->more = true;
		return;
	}
	/*
	 * What says nothing of its entries cannot tell it: it would be said again with
	 * each answer to that.
	 */
	if (min(r->commit_index, peer->match_index) > peer->commit_told &&
	    !is_gone(r, peer->match_index + 1) &&
	    !send_heartbeat(r, update, peer))
		r->more = true;
}

/*
 * 6.2, CheckQuorum: a leader that no majority answers steps down. If this server
 * itself did not run for a while, answers may be waiting: look at them first.
 */
static u64 quorum_answer_ns(const struct raft *r)
{
	u64 values[RAFT_MEMBERS_MAX];
	u32 i;

	for (i = 0; i < r->configuration.n_members; i++)
		values[i] = raft_is_self(r, i) ? U64_MAX :
						 r->peers[i].last_answer_ns;
	return raft_quorum_value(r, values);
}

static u64 quorum_deadline(const struct raft *r)
{
	u64 answer = quorum_answer_ns(r);

	if (answer == U64_MAX)
		return U64_MAX;
	return max(answer + r->settings.election_timeout_ns,
		   r->quorum_grace_ns);
}

static bool disk_is_stalled(const struct raft *r)
{
	return r->persist_seq != r->persisted_seq &&
	       r->now_ns >= r->oldest_persist_ns +
				    r->settings.election_timeout_ns;
}

/*
 * It was not running: answers may wait to be looked at. Once for all that a majority
 * answered: a leader that never gets to run in time must not lead for that reason.
 */
static void give_grace(struct raft *r)
{
	u64 answer_ns = quorum_answer_ns(r);

	if (r->graced_answer_ns == answer_ns)
		return;
	r->graced_answer_ns = answer_ns;
	r->quorum_grace_ns =
		r->now_ns + 2 * r->settings.heartbeat_interval_ns;
}

static bool step_down(struct raft *r, struct raft_update *update)
{
	u64 paused_ns = r->now_ns - r->last_time_ns;
	u8 reason;

	if (paused_ns > 2 * r->settings.heartbeat_interval_ns)
		give_grace(r);
	if (!disk_is_stalled(r))
		r->stall_handled = false;
	else if (raft_transfer_stalled(r))
		return false;
	if (disk_is_stalled(r))
		reason = RAFT_REASON_DISK_STALLED;
	else if (r->now_ns >= quorum_deadline(r))
		reason = RAFT_REASON_QUORUM_LOST;
	else
		return false;
	raft_become_follower(r, update, r->hard_state.current_term,
			     RAFT_ID_NONE, reason);
	return true;
}

void raft_leader_time(struct raft *r, struct raft_update *update)
{
	bool heartbeat = r->now_ns >= r->heartbeat_due_ns;
	u32 i;

	if (step_down(r, update))
		return;
	if (!heartbeat && raft_reads_want_round(r)) {
		r->read_round_sent_ns = r->now_ns;
		r->n_read_rounds++;
		heartbeat = true;
	}
	if (heartbeat) {
		r->round_sent_ns = r->now_ns;
		r->heartbeat_due_ns =
			r->now_ns + r->settings.heartbeat_interval_ns;
	}
	for (i = 0; i < r->configuration.n_members; i++)
		if (!raft_is_self(r, i) && heartbeat &&
		    !send_heartbeat(r, update, &r->peers[i]))
			r->more = true;
	for (i = 0; i < r->configuration.n_members; i++)
		if (!raft_is_self(r, i))
			replicate(r, update, &r->peers[i]);
	raft_send_chunks(r, update);
}

u64 raft_leader_deadline(const struct raft *r)
{
	u64 deadline = min(r->heartbeat_due_ns, quorum_deadline(r));
	u32 i;

	deadline = min(deadline, raft_transfer_deadline(r));
	deadline = min(deadline, raft_chunk_deadline(r));
	if (r->persist_seq != r->persisted_seq && !disk_is_stalled(r))
		deadline = min(deadline,
			       r->oldest_persist_ns +
				       r->settings.election_timeout_ns);
	for (i = 0; i < r->configuration.n_members; i++) {
		const struct raft_peer *peer = &r->peers[i];

		if (peer->n_inflight)
			deadline = min(deadline, peer->progress_ns +
							 loss_timeout(r, peer));
	}
	return deadline;
}

/* An eighth is kept back for clocks that run at different speed. */
static u64 lease_of(const struct raft *r, u64 sent_ns, u64 promised_ns)
{
	u64 timeout = min(raft_promise(r), promised_ns);

	return sent_ns ? sent_ns + timeout - timeout / 8 : 0;
}

/*
 * Leadership holds until what a majority is known to have promised: each of them is
 * sticky for that long after what it answered was sent (6.4.1, settings.c). The own
 * promise counts as well. An eighth is kept back for clocks that run at different
 * speed: none may gain more than that on another, and none may leap, or stand still
 * while the machine sleeps. Reads by lease rely on it, and nothing else does.
 * Whatever lets another one be elected within that time must make this 0 first: so it
 * does not reach beyond when a write that is under way makes this server give up, nor
 * into a transfer. Whatever else makes it less than it was must keep what was told:
 * raft_keep_lease_promise().
 */
u64 raft_lease_until(const struct raft *r)
{
	u64 values[RAFT_MEMBERS_MAX];
	u64 sent, until;
	u32 i;

	if (r->role != RAFT_LEADER || r->transferee)
		return 0;
	for (i = 0; i < r->configuration.n_members; i++) {
		sent = r->peers[i].answered_sent_ns;
		if (raft_is_self(r, i))
			values[i] = lease_of(r, r->now_ns, U64_MAX);
		else if (sent >= r->transfer_void_ns)
			values[i] = lease_of(r, sent, r->peers[i].promised_ns);
		else
			values[i] = 0;
	}
	until = raft_quorum_value(r, values);
	if (r->persist_seq != r->persisted_seq)
		until = min(until, r->oldest_persist_ns +
					   r->settings.election_timeout_ns);
	return until;
}

void raft_set_commit(struct raft *r, struct raft_update *update, u64 index)
{
	if (index <= r->commit_index)
		return;
	if (!raft_invariant(r, update, index <= r->log.last_index))
		return;
	raft_complete_committed(r, update, index);
	raft_sessions_commit(r, index);
	r->commit_index = index;
	raft_forget_incoming(r);
	update->commit_index = index;
}

/* 3.6.2: only entries of the current term commit by counting. */
void raft_leader_commit(struct raft *r, struct raft_update *update)
{
	u64 values[RAFT_MEMBERS_MAX];
	u64 index;
	u32 i;

	if (r->role != RAFT_LEADER)
		return;
	for (i = 0; i < r->configuration.n_members; i++)
		values[i] = raft_is_self(r, i) ? r->durable_index :
						 r->peers[i].match_index;
	index = raft_quorum_value(r, values);
	if (raft_log_term(&r->log, index) == r->hard_state.current_term)
		raft_set_commit(r, update, index);
}

static void acknowledge(struct raft *r, struct raft_peer *peer, u64 match_index)
{
	while (peer->n_inflight) {
		const struct raft_inflight *oldest =
			&peer->inflight[peer->inflight_head];

		if (oldest->last_index > match_index)
			break;
		peer->inflight_bytes -= oldest->bytes;
		peer->inflight_head =
			(peer->inflight_head + 1) % r->inflight_slots;
		peer->n_inflight--;
		peer->progress_ns = r->now_ns;
	}
	if (match_index > peer->match_index) {
		peer->match_index = match_index;
		peer->match_ns = r->now_ns;
		peer->progress_ns = r->now_ns;
		/* However much the one message held, it has arrived. */
		if (peer->catch_up) {
			clear_in_flight(peer);
			peer->next_index = match_index + 1;
		}
	}
	if (!peer->n_inflight)
		peer->catch_up = false;
	peer->next_index = max(peer->next_index, peer->match_index + 1);
}

/*
 * 4.2.1: a round brings what was in the log when it began. One that took less than
 * an election timeout leaves so little that a majority need not wait for it.
 */
static void note_round(struct raft *r, struct raft_peer *peer)
{
	if (peer->match_index < peer->round_index)
		return;
	peer->caught_up = r->now_ns <
			  peer->round_ns + r->settings.election_timeout_ns;
	peer->round_index = r->log.last_index;
	peer->round_ns = r->now_ns;
}

static void refused(struct raft *r, struct raft_peer *peer,
		    const struct raft_message *message)
{
	u64 prev = message->append_entries_response.prev_log_index;
	u64 sent = message->append_entries_response.sent_ns;
	u64 hint;

	/*
	 * Sent when it was known to match, and refused: the peer was started
	 * again on a damaged disk. What was counted stays counted, as its votes
	 * do (raft_restore_lost()), but all is to be sent again.
	 */
	if (prev <= peer->match_index && sent > peer->match_ns) {
		peer->match_index = 0;
		begin_rounds(r, peer);
		start_probe(r, peer, prev + 1);
	}
	if (peer->progress == RAFT_PROGRESS_REPLICATE) {
		const struct raft_inflight *oldest =
			&peer->inflight[peer->inflight_head];

		/*
		 * The peer misses something sent earlier. It is lost if it was
		 * sent so much earlier that reordering does not explain it.
		 */
		if (prev > peer->match_index && peer->n_inflight &&
		    !peer->catch_up &&
		    oldest->sent_ns + peer->rtt_ns / 4 + REORDER_NS < sent)
			resend_from_match(r, peer);
		return;
	}
	if (prev != peer->next_index - 1)
		return; /* an answer to an earlier probe */
	hint = message->append_entries_response.hint_index;
	hint = raft_log_floor_term(&r->log, min(hint, prev - 1),
				   message->append_entries_response.hint_term);
	hint = max(hint, peer->match_index);
	start_probe(r, peer, hint + 1);
	if (is_gone(r, hint + 1))
		peer->progress = RAFT_PROGRESS_SNAPSHOT;
	r->heartbeat_due_ns = r->now_ns;
}

static void note_answer(struct raft *r, struct raft_peer *peer,
			const struct raft_message *message)
{
	u64 sent_ns = message->append_entries_response.sent_ns;
	u64 promised_ns = message->append_entries_response.promised_ns;
	u64 rtt;

	peer->last_answer_ns = r->now_ns;
	/* What comes late or twice says nothing about the round trip. */
	if (sent_ns <= peer->answered_sent_ns || sent_ns > r->now_ns)
		return;
	/* It told of a lease that was made of a longer promise: see settings.c. */
	if (promised_ns < peer->promised_ns)
		raft_keep_lease_promise(r);
	peer->answered_sent_ns = sent_ns;
	peer->promised_ns = promised_ns;
	rtt = r->now_ns - sent_ns;
	peer->rtt_ns = peer->rtt_ns ? (7 * peer->rtt_ns + rtt) / 8 : rtt;
}

void raft_receive_append_response(struct raft *r, struct raft_update *update,
				  const struct raft_message *message)
{
	struct raft_peer *peer = raft_find_peer(r, message->from);
	u64 match = message->append_entries_response.match_index;

	if (message->term > r->hard_state.current_term) {
		raft_become_follower(r, update, message->term, RAFT_ID_NONE,
				     RAFT_REASON_HIGHER_TERM);
		return;
	}
	if (match > r->log.last_index)
		return;

	note_answer(r, peer, message);
	peer->priority = message->append_entries_response.priority;
	if (message->append_entries_response.rejected) {
		refused(r, peer, message);
		return;
	}
	acknowledge(r, peer, match);
	note_round(r, peer);
	if (peer->progress == RAFT_PROGRESS_SNAPSHOT &&
	    !is_gone(r, peer->match_index + 1))
		start_probe(r, peer, peer->match_index + 1);
	if (peer->progress == RAFT_PROGRESS_PROBE &&
	    message->append_entries_response.prev_log_index ==
		    peer->next_index - 1) {
		peer->progress = RAFT_PROGRESS_REPLICATE;
		peer->progress_ns = r->now_ns;
	}
	raft_leader_commit(r, update);
}
