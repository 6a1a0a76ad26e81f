// SPDX-License-Identifier: GPL-2.0
/* Leader election: timers, PreVote, RequestVote, vote stickiness. */
#include "core.h"

/*
 * 3.4: randomized, so that split votes are rare and resolved quickly. What it promised
 * to others not to vote for (settings.c) includes itself.
 */
void raft_reset_election_timer(struct raft *r)
{
	u64 timeout = r->settings.election_timeout_ns;
	u64 extra = raft_rng_next(r->rng) % timeout;

	r->election_deadline_ns =
		max(r->now_ns + timeout, r->sticky_until_ns) + extra;
}

/*
 * A server of lower priority than another that could campaign lets that begin. What
 * it knows of it is as old as the leader: only the first time after that was heard.
 */
void raft_defer_to_priority(struct raft *r)
{
	if (r->settings.priority < r->best_priority)
		r->election_deadline_ns += r->settings.election_timeout_ns / 2;
}

/*
 * 4.2.3: a server that hears from a leader, or is one, takes no part in an
 * election. After a restart it may have heard from one just before: see
 * raft_start().
 */
bool raft_is_sticky(const struct raft *r)
{
	if (r->role == RAFT_LEADER || r->now_ns < r->sticky_until_ns)
		return true;
	/* leader_id says less: a newer term from anywhere clears it. */
	return r->leader_contact_ns &&
	       r->now_ns < r->leader_contact_ns +
				   r->settings.election_timeout_ns;
}

static bool is_behind(u64 index, u64 term, u64 last_index, u64 last_term)
{
	return term < last_term || (term == last_term && index < last_index);
}

/* Does the log end before where it ended once? */
bool raft_is_damaged(const struct raft *r)
{
	return is_behind(r->log.last_index, raft_log_last_term(&r->log),
			 r->lost_index, r->lost_term);
}

/*
 * 3.6.1, figure 3.2: the candidate's log is at least as up-to-date as this
 * server's was before damage. What it acknowledged counted towards majorities,
 * and elections must go on as if it were there.
 */
static bool is_up_to_date(const struct raft *r, u64 last_log_index,
			  u64 last_log_term)
{
	return !is_behind(last_log_index, last_log_term, r->log.last_index,
			  raft_log_last_term(&r->log)) &&
	       !is_behind(last_log_index, last_log_term, r->lost_index,
			  r->lost_term);
}

/*
 * Is the candidate's configuration the open one? What follows on the first entry is
 * the one that seals it. A server whose disk joined got that from a cluster that had
 * left it behind, and may have acknowledged more than it remembers: its vote would
 * make another cluster of those who have forgotten with it.
 */
static bool is_left_behind(const struct raft *r, u64 last_log_index)
{
	return r->joined && last_log_index <= 1;
}

static void ask_for_votes(struct raft *r, struct raft_update *update,
			  bool pre_vote)
{
	u32 i;

	r->ask_again_ns = r->now_ns + r->settings.heartbeat_interval_ns;
	for (i = 0; i < r->configuration.n_members; i++) {
		struct raft_send *send;

		if (raft_is_self(r, i) || !raft_is_voter(r, i) ||
		    (r->votes.granted | r->votes.refused) >> i & 1)
			continue;
		send = raft_add_send(r, update, RAFT_REQUEST_VOTE,
				     r->peers[i].id);
		if (!send)
			return;
		send->message.request_vote.last_log_index = r->log.last_index;
		send->message.request_vote.last_log_term =
			raft_log_last_term(&r->log);
		send->message.request_vote.pre_vote = pre_vote;
		if (pre_vote) {
			send->message.term++;
			continue;
		}
		send->message.request_vote.leadership_transfer_ns =
			r->campaign_until_ns;
		raft_send_durable(r, send);
	}
}

/* It counts only where it is a member. */
static void vote_for_self(struct raft *r)
{
	if (r->self < RAFT_MEMBERS_MAX)
		r->votes.granted |= 1u << r->self;
}

static void start_election(struct raft *r, struct raft_update *update,
			   u8 reason)
{
	raft_become_candidate(r, update, reason);
	raft_reset_election_timer(r);
	/* Its own vote counts once it is durable: raft_count_own_vote(). */
	ask_for_votes(r, update, false);
}

static void start_pre_vote(struct raft *r, struct raft_update *update, u8 edge)
{
	raft_become_pre_candidate(r, update, edge);
	raft_reset_election_timer(r);
	r->campaign_until_ns = 0;
	r->campaign_requested = false;
	vote_for_self(r);
	if (raft_is_quorum(r, r->votes.granted)) {
		start_election(r, update, RAFT_REASON_PRE_VOTE_WON);
		return;
	}
	ask_for_votes(r, update, true);
}

/* Also one that the newest configuration leaves out, or has as something else. */
static bool was_witness(const struct raft *r)
{
	const struct raft_configuration *before = &r->previous_configuration;
	u32 position = raft_configuration_find(before, r->settings.node_id);

	return r->log.bare ||
	       (r->self >= RAFT_MEMBERS_MAX && position < before->n_members &&
		before->members[position].flags & RAFT_MEMBER_F_WITNESS);
}

/*
 * A leader must be able to write the first entry of its term, or that is good for
 * nothing, and to say what entries hold. With less than it once had a server would
 * not vote for itself.
 */
static bool can_campaign(const struct raft *r)
{
	u32 bytes = r->sealed ? 0 : RAFT_CONFIGURATION_BYTES_MAX;

	return raft_has_vote(r) && !raft_is_witness(r, r->self) &&
	       !was_witness(r) && !raft_is_damaged(r) &&
	       raft_space(r) >= raft_entry_cost(r, bytes);
}

/* 3.10: as if its timer had run out, and without asking whether it could win. */
void raft_campaign_now(struct raft *r, struct raft_update *update,
		       u64 until_ns, bool requested)
{
	if (!can_campaign(r))
		return;
	r->leader_id = RAFT_ID_NONE;
	r->round_edge = RAFT_EDGE_TIMEOUT;
	r->campaign_until_ns = until_ns;
	r->campaign_requested = requested;
	start_election(r, update, RAFT_REASON_TRANSFERRED);
	raft_requeue_proposals(r);
}

static bool is_candidate(const struct raft *r)
{
	return r->role == RAFT_PRE_CANDIDATE || r->role == RAFT_CANDIDATE;
}

/* 5.1: requests are repeated; a vote may be lost, or the key that it was sent with. */
static void ask_again(struct raft *r, struct raft_update *update)
{
	if (!is_candidate(r) || r->now_ns < r->ask_again_ns)
		return;
	/* Nobody was asked yet, and nothing is gained by another one that waits. */
	if (r->role == RAFT_CANDIDATE &&
	    r->persisted_seq < r->hard_state_persist_seq) {
		r->ask_again_ns = r->now_ns + r->settings.heartbeat_interval_ns;
		return;
	}
	ask_for_votes(r, update, r->role == RAFT_PRE_CANDIDATE);
}

u64 raft_election_deadline(const struct raft *r)
{
	return is_candidate(r) ? min(r->ask_again_ns, r->election_deadline_ns) :
				 r->election_deadline_ns;
}

void raft_election_time(struct raft *r, struct raft_update *update)
{
	if (r->role == RAFT_LEADER)
		return;
	if (r->now_ns < r->election_deadline_ns) {
		ask_again(r, update);
		return;
	}
	if (!can_campaign(r)) {
		raft_become_follower(r, update, r->hard_state.current_term,
				     RAFT_ID_NONE,
				     RAFT_REASON_ELECTION_TIMEOUT);
		raft_reset_election_timer(r);
		return;
	}
	switch (r->role) {
	case RAFT_CANDIDATE:
		start_pre_vote(r, update, RAFT_EDGE_SPLIT_VOTE);
		break;
	case RAFT_PRE_CANDIDATE:
		raft_become_follower(r, update, r->hard_state.current_term,
				     RAFT_ID_NONE, RAFT_REASON_VOTE_LOST);
		fallthrough;
	default:
		start_pre_vote(r, update, RAFT_EDGE_TIMEOUT);
		break;
	}
}

static void decide(struct raft *r, struct raft_update *update)
{
	u32 all = (u32)((1ull << r->configuration.n_members) - 1);

	if (raft_is_quorum(r, r->votes.granted)) {
		if (r->role == RAFT_PRE_CANDIDATE)
			start_election(r, update, RAFT_REASON_PRE_VOTE_WON);
		else
			raft_become_leader(r, update);
	} else if (!raft_is_quorum(r, all & ~r->votes.refused)) {
		raft_become_follower(r, update, r->hard_state.current_term,
				     RAFT_ID_NONE, RAFT_REASON_VOTE_LOST);
	}
}

/* The hard state that holds this candidate's vote for itself became durable. */
void raft_count_own_vote(struct raft *r, struct raft_update *update)
{
	if (r->role != RAFT_CANDIDATE ||
	    r->persisted_seq < r->hard_state_persist_seq)
		return;
	vote_for_self(r);
	decide(r, update);
}

static void answer_vote(struct raft *r, struct raft_update *update,
			const struct raft_message *request, bool granted)
{
	struct raft_send *send = raft_add_send(
		r, update, RAFT_REQUEST_VOTE_RESPONSE, request->from);

	if (!send)
		return;
	send->message.request_vote_response.granted = granted;
	send->message.request_vote_response.pre_vote =
		request->request_vote.pre_vote;
	send->message.request_vote_response.candidate_incarnation =
		request->incarnation;
	if (granted && request->request_vote.pre_vote)
		send->message.term = request->term;
	raft_send_durable(r, send);
}

/*
 * A vote is for a server with its disk. With another one it does not know that it
 * may lead this term already, and would make other entries in the same places.
 * After a restart nobody knows which it was: the candidate tries the next term.
 */
static bool has_voted_for(const struct raft *r,
			  const struct raft_message *message)
{
	return r->hard_state.voted_for == message->from &&
	       r->voted_for_incarnation == message->incarnation;
}

/* Somebody counts on the vote of this server, and cannot have it. */
static void note_need(struct raft *r, struct raft_update *update,
		      const struct raft_message *message)
{
	if (!is_behind(message->request_vote.last_log_index,
		       message->request_vote.last_log_term, r->log.last_index,
		       raft_log_last_term(&r->log)))
		return;
	r->needed = true;
	raft_role_by_membership(r, update);
}

/*
 * One rule for PreVote and vote; they differ in what a grant changes: nothing,
 * or the durable voted_for. Whether the configuration knows the disk of one or the
 * other is for the candidate to judge: its configuration may be the newer one.
 */
void raft_receive_request_vote(struct raft *r, struct raft_update *update,
			       const struct raft_message *message)
{
	bool pre_vote = message->request_vote.pre_vote;
	bool grant;

	if (raft_is_sticky(r) && !raft_is_handed_over(r, message)) {
		/*
		 * A refusal tells a pre_candidate of an older term about the
		 * newer one; a vote is not answered and its term not taken.
		 * But for one that it has: it was handed over, and the answer lost.
		 */
		if (pre_vote || message->term < r->hard_state.current_term)
			answer_vote(r, update, message, false);
		else if (message->term == r->hard_state.current_term &&
			 has_voted_for(r, message))
			answer_vote(r, update, message, true);
		return;
	}
	if (!pre_vote && message->term > r->hard_state.current_term)
		raft_become_follower(r, update, message->term, RAFT_ID_NONE,
				     RAFT_REASON_HIGHER_TERM);

	note_need(r, update, message);
	grant = is_up_to_date(r, message->request_vote.last_log_index,
			      message->request_vote.last_log_term) &&
		!is_left_behind(r, message->request_vote.last_log_index);
	if (pre_vote)
		grant = grant && message->term > r->hard_state.current_term;
	else
		grant = grant && message->term == r->hard_state.current_term &&
			(has_voted_for(r, message) ||
			 (r->hard_state.voted_for == RAFT_ID_NONE &&
			  r->leader_id == RAFT_ID_NONE));

	if (grant && !pre_vote) {
		if (r->hard_state.voted_for != message->from)
			raft_set_hard_state(r, update,
					    r->hard_state.current_term,
					    message->from);
		r->voted_for_incarnation = message->incarnation;
		raft_reset_election_timer(r);
	}
	answer_vote(r, update, message, grant);
}

void raft_receive_vote(struct raft *r, struct raft_update *update,
		       const struct raft_message *message)
{
	bool pre_vote = message->request_vote_response.pre_vote;
	bool granted = message->request_vote_response.granted;
	u64 current = r->hard_state.current_term;
	u32 position;

	/* For another server of this id, or this one with an earlier disk. */
	if (message->request_vote_response.candidate_incarnation !=
	    r->incarnation)
		return;
	if (granted && pre_vote) {
		if (message->term != current + 1)
			return;
	} else if (message->term > current) {
		raft_become_follower(r, update, message->term, RAFT_ID_NONE,
				     RAFT_REASON_HIGHER_TERM);
		return;
	} else if (message->term < current && !pre_vote) {
		return;
	}
	if (r->role != (pre_vote ? RAFT_PRE_CANDIDATE : RAFT_CANDIDATE))
		return;

	position = raft_find_peer(r, message->from) - r->peers;
	if (granted) {
		r->peers[position].voted_incarnation = message->incarnation;
		r->votes.granted |= 1u << position;
	} else {
		r->votes.refused |= 1u << position;
	}
	decide(r, update);
}
