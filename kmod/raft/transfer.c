// SPDX-License-Identifier: GPL-2.0
/*
 * Leadership transfer (3.10), and who had better lead.
 *
 *	begin ----> leases run out ----> catch up ----> TimeoutNow ----> another leads
 *	            proposals go on      proposals wait, at most an
 *	                                 election timeout, else: abort
 *
 * Leases. A leader publishes until when it surely leads, and who has read that
 * counts on it. It rests on the stickiness of a majority (raft_lease_until()), and
 * the RequestVote of a transfer overrides just that. A TimeoutNow, and a
 * RequestVote that it brought about, may come arbitrarily late. So:
 *
 * (1) From the begin of a transfer on no lease is published, and TimeoutNow is not
 *     sent before what was published has run out: transfer_from_ns. What was
 *     published is more than the lease there is then, if that became shorter since:
 *     lease_promised_ns.
 * (2) TimeoutNow and RequestVote carry until_ns, when the leader aborts, by its
 *     clock. Each AppendEntries carries by the same clock when it was sent. A voter
 *     that has received one of this term sent at until_ns or later lets neither
 *     override anything, and the leader does not from then on.
 * (3) After an abort only answers to requests sent at until_ns or later make a
 *     lease: transfer_void_ns.
 * (4) A server that was started again has forgotten what it received. For an
 *     election timeout nothing overrides its stickiness, nor makes it a candidate.
 *     Nor for as long as it keeps what it promised with a longer timeout than the
 *     one it has now (settings.c).
 * (5) A joint configuration is not left before what was told in the one before has
 *     run out, or the majorities of both have promised as much: raft_membership_time().
 *
 * Then no other server begins to lead a later term while a lease holds. Suppose that leader L of
 * term T published at t that it leads until V, and X is the first to win an election
 * of a later term before V. Some server Y answered a request of L that was sent at
 * S and makes this lease (or is L), and voted for X (or is X): whatever became of the
 * members since, X won a majority of those by which the lease was made, or of others
 * that have promised as much, (5). Y did so after it
 * answered, or its answer would have told L of a newer term, and therefore while it
 * was sticky, by its own clock: S + what it promised with that answer is later than
 * V, whatever became of anybody's timeout since (settings.c). So X campaigned by a
 * transfer, of the leader of the term before; as X is the first, this is L, and the
 * vote is of term T + 1 exactly (which is required below; who leads a term between T
 * and that of X would have been elected before X). If L began that transfer before t
 * it had been aborted by then, (1), and Y heard of that, (3), and did not forget,
 * (4): it let nothing override its stickiness, (2), and was no candidate by it
 * either. If L began it after t, then X was told after V, (1).
 *
 * A leader that steps down otherwise keeps its own word as well: what it published
 * it is sticky for (raft_become_follower()).
 *
 * Priority. Servers tell theirs with each answer to AppendEntries, and the leader
 * with its next ones the highest of those that answer it. So it is a setting of each
 * server that takes effect at once and needs no entry in the log; a server that is
 * down or cut off has no part in it, and what is heard of it decides when somebody
 * campaigns, never who may be elected.
 */
#include "core.h"

enum {
	/* Election timeouts from its election until a leader hands over by itself. */
	SETTLE_TIMEOUTS = 4,
	/* And from one time until the next. */
	REPEAT_TIMEOUTS = 10,
};

/*
 * What was published of leases before they are to change other than by time: members,
 * a disk, a timeout, or a voter that promises less.
 */
void raft_keep_lease_promise(struct raft *r)
{
	r->lease_promised_ns = max(r->lease_promised_ns, raft_lease_until(r));
}

void raft_reset_transfer(struct raft *r)
{
	r->transferee = RAFT_ID_NONE;
	r->transfer_told = false;
	r->transfer_void_ns = 0;
	r->lease_promised_ns = 0;
	r->stall_handled = false;
	r->removal_handled = false;
	r->handover_after_ns =
		r->now_ns + SETTLE_TIMEOUTS * r->settings.election_timeout_ns;
}

static bool is_active(const struct raft *r, const struct raft_peer *peer)
{
	return r->now_ns <
	       peer->last_answer_ns + r->settings.election_timeout_ns;
}

/* May leadership go to the member at @position? Return: 0, or why not. */
static int check_target(const struct raft *r, u32 position)
{
	const struct raft_peer *peer = &r->peers[position];

	if (!raft_is_voter(r, position) || raft_is_witness(r, position) ||
	    !raft_is_known(r, position))
		return -EOPNOTSUPP;
	if (!is_active(r, peer))
		return -EHOSTUNREACH;
	return peer->progress == RAFT_PROGRESS_REPLICATE ? 0 : -ESTALE;
}

static bool is_better(const struct raft_peer *peer, const struct raft_peer *than)
{
	if (!than)
		return true;
	if (peer->priority != than->priority)
		return peer->priority > than->priority;
	return peer->match_index > than->match_index;
}

/* @why: if there is none, 0 where @why is not needed: the mildest reason. */
static struct raft_peer *find_target(struct raft *r, int *why)
{
	struct raft_peer *best = NULL;
	u32 i;

	*why = -ENOENT;
	for (i = 0; i < r->configuration.n_members; i++) {
		int error;

		if (raft_is_self(r, i) || !raft_is_voter(r, i) ||
		    raft_is_witness(r, i))
			continue;
		error = check_target(r, i);
		if (!error && is_better(&r->peers[i], best))
			best = &r->peers[i];
		else if (error == -ESTALE || *why != -ESTALE)
			*why = error;
	}
	return best;
}

static void begin(struct raft *r, u32 transferee, u8 cause)
{
	u64 timeout = r->settings.election_timeout_ns;

	raft_keep_lease_promise(r);
	r->transferee = transferee;
	r->transfer_cause = cause;
	r->transfer_told = false;
	r->n_transfers++;
	r->transfer_from_ns = max(r->now_ns, r->lease_promised_ns);
	r->transfer_until_ns = r->transfer_from_ns + timeout;
	/* The sooner it steps down the better, if nobody is there to take over. */
	if (cause == RAFT_TRANSFER_DISK_STALLED)
		r->transfer_until_ns -= timeout / 2;
	r->timeout_now_due_ns = r->transfer_from_ns;
	r->handover_after_ns =
		r->now_ns + REPEAT_TIMEOUTS * timeout;
}

/* Without harm: proposals go on, and a lease comes back as (3) says. */
static void abort_transfer(struct raft *r)
{
	r->transfer_void_ns = max(r->transfer_void_ns,
				  r->transfer_told ? r->transfer_until_ns :
						     r->now_ns);
	r->transferee = RAFT_ID_NONE;
	r->transfer_told = false;
}

/* Is a transfer under way that the leader can do without? */
static bool is_optional(const struct raft *r)
{
	return r->transferee && (r->transfer_cause == RAFT_TRANSFER_REQUESTED ||
				 r->transfer_cause == RAFT_TRANSFER_PRIORITY);
}

int raft_transfer(struct raft *r, u32 target, u8 cause)
{
	struct raft_peer *peer;
	int error;

	if (r->role != RAFT_LEADER)
		return -EREMOTE;
	if (target == r->settings.node_id) {
		/* It leads already, and is to go on with that. */
		if (is_optional(r))
			abort_transfer(r);
		return 0;
	}
	if (target) {
		peer = raft_find_peer(r, target);
		error = peer ? check_target(r, peer - r->peers) : -ENOENT;
	} else {
		peer = find_target(r, &error);
		error = peer ? 0 : error;
	}
	if (error)
		return error;
	if (r->transferee && r->transfer_cause != RAFT_TRANSFER_PRIORITY)
		return -EBUSY;
	if (r->transferee)
		abort_transfer(r);
	begin(r, peer->id, cause);
	return 0;
}

/* New proposals would keep the other's log from being complete. */
bool raft_transfer_holds_proposals(const struct raft *r)
{
	return r->transferee && r->now_ns >= r->transfer_from_ns;
}

/*
 * A leader whose disk stalls must not stay one, but its log may be elsewhere in
 * full: then nobody has to wait for an election timeout. A lease does not reach
 * beyond the stall (raft_lease_until()), so there is nothing to wait for, unless it
 * was told with a longer timeout.
 *
 * Return: whether it is handing over.
 */
bool raft_transfer_stalled(struct raft *r)
{
	struct raft_peer *peer;
	int why;

	if (r->transferee)
		return true;
	if (r->stall_handled)
		return false;
	r->stall_handled = true;
	peer = find_target(r, &why);
	if (peer)
		begin(r, peer->id, RAFT_TRANSFER_DISK_STALLED);
	return peer;
}

/*
 * A leader that is no voter any more hands over, or steps down if nobody takes over
 * (4.2.2).
 *
 * Return: whether it is handing over.
 */
bool raft_transfer_removed(struct raft *r)
{
	struct raft_peer *peer;
	int why;

	if (r->transferee)
		return true;
	if (r->removal_handled)
		return false;
	r->removal_handled = true;
	peer = find_target(r, &why);
	if (peer)
		begin(r, peer->id, RAFT_TRANSFER_REMOVED);
	return peer;
}

/* A peer of higher priority that has caught up had better lead. */
static void consider_priority(struct raft *r)
{
	struct raft_peer *peer;
	int why;

	if (r->best_priority <= r->settings.priority || r->kept_by_request ||
	    r->now_ns < r->handover_after_ns ||
	    raft_log_term(&r->log, r->commit_index) !=
		    r->hard_state.current_term)
		return;
	peer = find_target(r, &why);
	if (peer && peer->priority > r->settings.priority &&
	    peer->match_index >= r->commit_index)
		begin(r, peer->id, RAFT_TRANSFER_PRIORITY);
}

/* The highest priority among the others that could lead. */
static void find_best_priority(struct raft *r)
{
	u32 i;

	r->best_priority = 0;
	for (i = 0; i < r->configuration.n_members; i++)
		if (!raft_is_self(r, i) && raft_is_voter(r, i) &&
		    !raft_is_witness(r, i) && raft_is_known(r, i) &&
		    is_active(r, &r->peers[i]))
			r->best_priority = max(r->best_priority,
					       r->peers[i].priority);
}

static void send_timeout_now(struct raft *r, struct raft_update *update)
{
	struct raft_send *send;

	/* Mandatory sends of the next step must keep their room. */
	if (raft_sends_room(update) <= RAFT_STEP_SENDS_MAX) {
		r->more = true;
		return;
	}
	send = raft_add_send(r, update, RAFT_TIMEOUT_NOW, r->transferee);
	send->message.timeout_now.last_log_index = r->log.last_index;
	send->message.timeout_now.until_ns = r->transfer_until_ns;
	send->message.timeout_now.requested =
		r->transfer_cause == RAFT_TRANSFER_REQUESTED;
	raft_send_durable(r, send);
	r->transfer_told = true;
	/* It may be lost; who got it already is in a newer term. */
	r->timeout_now_due_ns =
		r->now_ns + r->settings.heartbeat_interval_ns / 2;
}

static bool is_complete(const struct raft *r, const struct raft_peer *peer)
{
	return peer->match_index == r->log.last_index;
}

void raft_transfer_time(struct raft *r, struct raft_update *update)
{
	struct raft_peer *peer;

	find_best_priority(r);
	if (!r->transferee)
		consider_priority(r);
	if (!r->transferee)
		return;
	peer = raft_find_peer(r, r->transferee);
	if (!peer || r->now_ns >= r->transfer_until_ns ||
	    (!r->transfer_told && (!raft_is_voter(r, peer - r->peers) ||
				   !raft_is_known(r, peer - r->peers) ||
				   !is_active(r, peer)))) {
		abort_transfer(r);
		return;
	}
	if (r->now_ns >= r->timeout_now_due_ns && is_complete(r, peer))
		send_timeout_now(r, update);
}

u64 raft_transfer_deadline(const struct raft *r)
{
	const struct raft_peer *peer;

	if (!r->transferee)
		return U64_MAX;
	peer = raft_find_peer((struct raft *)r, r->transferee);
	if (peer && (r->now_ns < r->transfer_from_ns || is_complete(r, peer)))
		return min(r->timeout_now_due_ns, r->transfer_until_ns);
	return r->transfer_until_ns;
}

/* Why the leader gives way to a newer term. */
u8 raft_transfer_reason(const struct raft *r, u8 reason)
{
	if (!r->transfer_told)
		return reason;
	return r->transfer_cause == RAFT_TRANSFER_DISK_STALLED ?
		       RAFT_REASON_DISK_STALLED :
		       RAFT_REASON_TRANSFERRED;
}

/*
 * Is it too late for what the leader of this term wanted to be over at @until_ns?
 * After a restart this server cannot tell.
 */
static bool is_void(const struct raft *r, u64 until_ns)
{
	u64 leader_ns = r->role == RAFT_LEADER ? r->now_ns : r->leader_sent_ns;

	return r->now_ns < r->sticky_until_ns || leader_ns >= until_ns;
}

/* Does this RequestVote come from whom the leader itself wants to lead? */
bool raft_is_handed_over(const struct raft *r,
			 const struct raft_message *message)
{
	u64 until_ns = message->request_vote.leadership_transfer_ns;

	return until_ns && !message->request_vote.pre_vote &&
	       message->term == r->hard_state.current_term + 1 &&
	       !is_void(r, until_ns);
}

/* What comes late finds another term, another leader, other entries, or is void. */
void raft_receive_timeout_now(struct raft *r, struct raft_update *update,
			      const struct raft_message *message)
{
	u64 until_ns = message->timeout_now.until_ns;

	if (message->timeout_now.last_log_index != r->log.last_index ||
	    is_void(r, until_ns))
		return;
	raft_campaign_now(r, update, until_ns, message->timeout_now.requested);
}
