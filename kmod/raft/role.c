// SPDX-License-Identifier: GPL-2.0
/*
 * The role diagram (3.3, with PreVote of 9.6):
 *
 *	        (0) joins
 *	            |            .---------(2) timer: split vote---------.
 *	            v            v                                       |
 *	 .---> follower -(1)-> pre_candidate --majority--> candidate ----'
 *	 |        ^  ^  timer        |                        |     |
 *	 |        |  '------(5)------'                        |     | (3) majority
 *	 |        '-----------------(5)-----------------------'     v
 *	 '-----------------------(4)----------------------------- leader
 *
 * (1) leads from follower to candidate at once where the leader asks for it (3.10).
 * (5) a majority refuses, another server leads, or a newer term is seen.
 * (4) a newer term is seen, no quorum answers, or the disk stalls.
 */
#include "core.h"

static u8 passive_role(const struct raft *r)
{
	bool voter = raft_is_voter(r, r->self);

	return voter || raft_has_vote(r) ? RAFT_FOLLOWER : RAFT_LEARNER;
}

static void transition(struct raft *r, struct raft_update *update, u8 to,
		       u8 edge, u8 reason, bool leader_only)
{
	struct raft_transition *t;

	if (r->role == RAFT_FAILED)
		return;
	if (update->n_transitions < ARRAY_SIZE(update->transitions)) {
		t = &update->transitions[update->n_transitions++];
		t->edge = edge;
		t->from = r->role;
		t->to = to;
		t->reason = reason;
		t->leader_only = leader_only;
		t->leader_id = r->leader_id;
		t->term = r->hard_state.current_term;
	}
	r->role = to;
	if (!leader_only)
		r->reason = reason;
}

/*
 * Become or stay a follower of @leader_id (0: not known) in @term, which is not
 * older than current_term.
 */
void raft_become_follower(struct raft *r, struct raft_update *update, u64 term,
			  u32 leader_id, u8 reason)
{
	bool led = r->role == RAFT_LEADER;
	bool other_leader = r->leader_id != leader_id;
	bool other_term = term > r->hard_state.current_term;

	if (led) {
		/* It keeps the word that it gave as a leader: see transfer.c. */
		raft_keep_lease_promise(r);
		r->sticky_until_ns =
			max(r->sticky_until_ns, r->lease_promised_ns);
		if (term > r->hard_state.current_term)
			reason = raft_transfer_reason(r, reason);
		r->transferee = RAFT_ID_NONE;
	}
	if (other_term) {
		raft_set_hard_state(r, update, term, RAFT_ID_NONE);
		r->verified_index = 0;
		r->ack_owed = false;
		r->refused_cost_min = U64_MAX;
		r->leader_sent_ns = 0;
		r->refused_before = 0;
	}
	r->leader_id = leader_id;
	if (r->role == passive_role(r)) {
		if (other_leader)
			transition(r, update, r->role, RAFT_EDGE_JOIN, reason,
				   true);
	} else {
		if (led)
			r->verified_index = 0;
		transition(r, update, passive_role(r),
			   led ? RAFT_EDGE_STEP_DOWN : RAFT_EDGE_NO_MAJORITY,
			   reason, false);
		raft_reset_election_timer(r);
	}
	if (other_leader)
		raft_requeue_proposals(r);
	if (other_leader || other_term)
		raft_requeue_reads(r);
}

void raft_become_pre_candidate(struct raft *r, struct raft_update *update,
			       u8 edge)
{
	r->leader_id = RAFT_ID_NONE;
	r->votes.granted = 0;
	r->votes.refused = 0;
	r->round_edge = edge;
	transition(r, update, RAFT_PRE_CANDIDATE, edge,
		   RAFT_REASON_ELECTION_TIMEOUT, false);
	raft_requeue_proposals(r);
	raft_requeue_reads(r);
}

/* @reason: how it comes that it campaigns. */
void raft_become_candidate(struct raft *r, struct raft_update *update,
			   u8 reason)
{
	r->votes.granted = 0;
	r->votes.refused = 0;
	r->verified_index = 0;
	r->ack_owed = false;
	r->refused_cost_min = U64_MAX;
	r->leader_sent_ns = 0;
	r->refused_before = 0;
	raft_set_hard_state(r, update, r->hard_state.current_term + 1,
			    r->settings.node_id);
	transition(r, update, RAFT_CANDIDATE, r->round_edge, reason, false);
}

/* The configuration with the disks of all voters, each of which has voted. */
static void seal(struct raft *r, struct raft_entry *entry)
{
	u32 i;

	r->decoded = r->configuration;
	for (i = 0; i < r->decoded.n_members; i++) {
		if (!raft_is_voter(r, i))
			continue;
		r->decoded.members[i].incarnation =
			raft_is_self(r, i) ? r->incarnation :
					     r->peers[i].voted_incarnation;
	}
	entry->type = RAFT_ENTRY_CONFIGURATION;
	entry->data = r->encoded;
	entry->bytes = raft_configuration_encode(&r->decoded, r->encoded,
						 sizeof(r->encoded));
}

void raft_become_leader(struct raft *r, struct raft_update *update)
{
	/* 3.6.2, 6.4: what is older commits through an entry of this term. */
	struct raft_entry first = {
		.term = r->hard_state.current_term,
		.type = RAFT_ENTRY_NOOP,
	};

	r->leader_id = r->settings.node_id;
	transition(r, update, RAFT_LEADER, RAFT_EDGE_MAJORITY,
		   RAFT_REASON_VOTE_WON, false);
	raft_start_replication(r);
	raft_reset_transfer(r);
	r->sessions.wanted = false;
	r->kept_by_request = r->campaign_requested;
	if (!r->sealed)
		seal(r, &first);
	raft_append_entry(r, update, &first);
	raft_requeue_proposals(r);
	raft_requeue_reads(r);
}

/* The configuration in force is another one (4.1): has it still the same vote? */
void raft_role_by_membership(struct raft *r, struct raft_update *update)
{
	u8 role = passive_role(r);

	if ((r->role == RAFT_FOLLOWER || r->role == RAFT_LEARNER) &&
	    r->role != role)
		transition(r, update, role, RAFT_EDGE_JOIN,
			   RAFT_REASON_MEMBERSHIP, false);
}

void raft_join(struct raft *r, struct raft_update *update)
{
	r->role = passive_role(r);
	transition(r, update, r->role, RAFT_EDGE_JOIN, RAFT_REASON_STARTED,
		   false);
}

/* Always false, so that raft_invariant() can be used as a condition. */
bool raft_fail(struct raft *r, struct raft_update *update, u8 reason,
	       const char *why)
{
	size_t bytes = min(strlen(why), sizeof(r->failure) - 1);

	if (r->role == RAFT_FAILED)
		return false;
	memcpy(r->failure, why, bytes);
	r->failure[bytes] = '\0';
	r->leader_id = RAFT_ID_NONE;
	transition(r, update, RAFT_FAILED, RAFT_EDGE_FAILED, reason, false);
	raft_end_proposals(r, update, -EIO);
	raft_end_reads(r, update, -EIO);
	/* What this update would have said or written no longer can be trusted. */
	update->n_sends = 0;
	update->hard_state_changed = false;
	/* A log that would have begun behind what was committed here does not. */
	if (update->base_changed)
		update->commit_index = 0;
	update->base_changed = false;
	if (update->n_entries) {
		update->commit_index =
			min(update->commit_index, update->first_index - 1);
		update->n_entries = 0;
	}
	return false;
}
