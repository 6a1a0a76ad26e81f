// SPDX-License-Identifier: GPL-2.0
/*
 * Proposals of this server, and those that followers forward.
 *
 * A proposal is (session, sequence). It may be handed to leaders again and again;
 * a leader appends it unless its log holds it. It ends when the origin sees it
 * committed in its own log, so no answer is needed for success.
 *
 *	waiting	--leader: append--------------> sent --committed--> done
 *		--follower: forward to leader-->  |
 *	   ^--leader changed, no room, or no news-'
 *
 * Exactly once: the entry, if it is in a log, is behind proposed_at (what was
 * committed before the proposal was made). A leader whose window reaches back to
 * proposed_at therefore knows whether its log holds it. Two copies cannot both
 * commit: a later leader that lacks the first has replaced it before the second
 * commits (leader completeness).
 *
 * A refusal for want of room is final for that leader and term: once refused, as
 * much is refused from then on, so that a copy of the proposal that the network
 * delayed is refused as well. Forwarded proposals are only taken in the term they were
 * sent in. If there is room again, the leader appends a no-op. Nobody can have known
 * that as committed who made a proposal before: what was refused is told by its
 * proposed_at from what is made once the no-op is known to be committed, and goes
 * on to be refused, while that is taken.
 */
#include "core.h"

enum {
	/* Heartbeat intervals without news before a proposal is sent again. */
	RESEND_HEARTBEATS = 4,
	/* Forwarded and unanswered proposals, in AppendEntries in flight. */
	FORWARD_FACTOR = 4,
};

u64 raft_entry_cost(const struct raft *r, u32 bytes)
{
	return (u64)bytes + r->settings.entry_overhead_bytes;
}

/* Room left in the log once everything in it is written. */
u64 raft_space(const struct raft *r)
{
	const struct raft_log *log = &r->log;
	u64 pending = r->space_debt_bytes;

	if (log->last_index > r->space_index)
		pending += raft_log_bytes_through(log, log->last_index) -
			   raft_log_bytes_through(log, r->space_index) +
			   (log->last_index - r->space_index) *
				   r->settings.entry_overhead_bytes;
	return pending < r->space_bytes ? r->space_bytes - pending : 0;
}

u64 raft_uncommitted_bytes(const struct raft *r)
{
	u64 base = max(r->commit_index, r->uncounted_index);

	if (r->log.last_index <= base)
		return 0;
	return raft_log_bytes_through(&r->log, r->log.last_index) -
	       raft_log_bytes_through(&r->log, base);
}

static struct raft_proposal **slot_of(struct raft *r, u64 sequence)
{
	return &r->proposals[sequence & (r->n_proposal_slots - 1)];
}

static void unlink_proposal(struct raft *r, struct raft_proposal *proposal)
{
	if (proposal->sent_ns) {
		r->sent_bytes -= proposal->bytes;
		r->n_sent--;
		proposal->sent_ns = 0;
	}
	list_del(&proposal->node);
}

static void finish(struct raft *r, struct raft_update *update,
		   struct raft_proposal *proposal, int result)
{
	unlink_proposal(r, proposal);
	*slot_of(r, proposal->sequence) = NULL;
	r->n_proposals--;
	proposal->result = result;
	list_add_tail(&proposal->node, &update->proposals_done);
}

static void mark_sent(struct raft *r, struct raft_proposal *proposal)
{
	unlink_proposal(r, proposal);
	proposal->sent_ns = max(r->now_ns, 1ull);
	proposal->exposed = true;
	r->sent_bytes += proposal->bytes;
	r->n_sent++;
	list_add_tail(&proposal->node, &r->sent);
}

int raft_propose(struct raft *r, struct raft_update *update,
		 struct raft_proposal *proposal)
{
	if (proposal->bytes == 0)
		return -EINVAL;
	if (*slot_of(r, r->next_sequence))
		return -EBUSY;
	proposal->result = 0;
	proposal->index = 0;
	proposal->term = 0;
	proposal->sequence = r->next_sequence++;
	proposal->proposed_at = max(r->commit_index, r->leader_commit_seen);
	proposal->sent_ns = 0;
	proposal->exposed = false;
	*slot_of(r, proposal->sequence) = proposal;
	r->n_proposals++;
	list_add_tail(&proposal->node, &r->waiting);
	return 0;
}

static int unknown_or(const struct raft_proposal *proposal, int never)
{
	return proposal->exposed ? -ETIMEDOUT : never;
}

void raft_cancel(struct raft *r, struct raft_update *update,
		 struct raft_proposal *proposal)
{
	if (*slot_of(r, proposal->sequence) == proposal)
		finish(r, update, proposal,
		       unknown_or(proposal, -EHOSTUNREACH));
}

/* -EIO as it is; -ESHUTDOWN only for what may be in a log. */
void raft_end_proposals(struct raft *r, struct raft_update *update, int error)
{
	struct list_head *lists[] = { &r->sent, &r->waiting };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		struct raft_proposal *proposal, *next;

		list_for_each_entry_safe(proposal, next, lists[i], node)
			finish(r, update, proposal,
			       proposal->exposed || error == -EIO ?
				       error :
				       -EHOSTUNREACH);
	}
}

/*
 * Entries up to @index never come to be seen here: whether a proposal is among them
 * that some leader has got, cannot be told.
 */
void raft_end_unseen_proposals(struct raft *r, struct raft_update *update,
			       u64 index)
{
	struct list_head *lists[] = { &r->sent, &r->waiting };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		struct raft_proposal *proposal, *next;

		list_for_each_entry_safe(proposal, next, lists[i], node)
			if (proposal->exposed && proposal->proposed_at < index)
				finish(r, update, proposal, -ETIMEDOUT);
	}
}

/* The leader changed: nobody may know of what was sent. Keep the order. */
void raft_requeue_proposals(struct raft *r)
{
	struct raft_proposal *proposal;

	list_for_each_entry(proposal, &r->sent, node)
		proposal->sent_ns = 0;
	r->sent_bytes = 0;
	r->n_sent = 0;
	r->forward_after_ns = 0;
	list_splice_init(&r->sent, &r->waiting);
}

/* Does the window tell whether (session, sequence) is in the log? */
static bool window_covers(const struct raft *r, u64 proposed_at)
{
	return proposed_at + 1 >= r->log.window_first;
}

/*
 * Leader: append unless it is there. 0: it is in the log. -EAGAIN: no room now
 * (@uncommitted_max bytes). -ENOSPC: the log is full. -ESTALE: nobody can tell.
 */
static int append_once(struct raft *r, struct raft_update *update,
		       const struct raft_entry *entry, u64 proposed_at,
		       u64 uncommitted_max)
{
	const struct raft_settings *settings = &r->settings;
	u64 cost = raft_entry_cost(r, entry->bytes);
	u64 base = max(r->commit_index, r->uncounted_index);

	if (raft_log_find(&r->log, entry->session, entry->sequence))
		return 0;
	if (!window_covers(r, proposed_at))
		return -ESTALE;
	if (cost >= r->refused_cost_min && proposed_at < r->refused_before)
		return -ENOSPC;
	if (raft_space(r) < cost + settings->space_reserve_bytes) {
		r->refused_cost_min = min(r->refused_cost_min, cost);
		r->refused_before = U64_MAX;
		return -ENOSPC;
	}
	if (raft_transfer_holds_proposals(r) ||
	    r->log.last_index >= base + settings->window_entries / 2 ||
	    (raft_uncommitted_bytes(r) &&
	     (raft_uncommitted_bytes(r) + entry->bytes > uncommitted_max ||
	      RAFTLOG_FAILPOINT(RAFT_NO_ROOM))) ||
	    update->n_entries + 1 >= update->entries_max ||
	    !raft_log_has_room(&r->log, 2) || raft_log_wants_window(&r->log, 1))
		return -EAGAIN;
	raft_append_entry(r, update, entry);
	return 0;
}

/* Is there room again for what was refused? False: not in this update. */
bool raft_make_room_known(struct raft *r, struct raft_update *update)
{
	const struct raft_entry noop = {
		.term = r->hard_state.current_term,
		.type = RAFT_ENTRY_NOOP,
	};
	u64 base = max(r->commit_index, r->uncounted_index);

	if (r->refused_before != U64_MAX || raft_transfer_holds_proposals(r) ||
	    raft_space(r) < r->refused_cost_min + raft_entry_cost(r, 0) +
				    r->settings.space_reserve_bytes ||
	    r->log.last_index >= base + r->settings.window_entries / 2)
		return true;
	if (update->n_entries + 1 >= update->entries_max ||
	    !raft_log_has_room(&r->log, 2))
		return !update->n_entries;
	raft_append_entry(r, update, &noop);
	r->refused_before = r->log.last_index;
	return true;
}

static struct raft_entry entry_of(const struct raft *r,
				  const struct raft_proposal *proposal)
{
	return (struct raft_entry){
		.term = r->hard_state.current_term,
		.session = r->settings.session,
		.sequence = proposal->sequence,
		.payload = proposal->payload,
		.bytes = proposal->bytes,
		.type = RAFT_ENTRY_DATA,
	};
}

/*
 * A quarter of the room is for other servers' proposals alone: they come whenever
 * they come, while those of this server wait here to fill whatever a commit frees.
 */
static void append_waiting(struct raft *r, struct raft_update *update)
{
	u64 uncommitted_max = r->settings.uncommitted_bytes_max / 4 * 3;
	struct raft_proposal *proposal, *next;

	list_for_each_entry_safe(proposal, next, &r->waiting, node) {
		struct raft_entry entry = entry_of(r, proposal);
		u64 at = proposal->exposed ? proposal->proposed_at :
					     r->log.last_index;

		switch (append_once(r, update, &entry, at, uncommitted_max)) {
		case 0:
			mark_sent(r, proposal);
			break;
		case -EAGAIN:
			r->more |= (update->n_entries > 0 &&
				    update->n_entries + 1 >=
					    update->entries_max) ||
				   raft_log_wants_window(&r->log, 1);
			return;
		case -ENOSPC:
			finish(r, update, proposal,
			       unknown_or(proposal, -ENOSPC));
			break;
		default:
			finish(r, update, proposal, -ETIMEDOUT);
			break;
		}
	}
}

static bool forward(struct raft *r, struct raft_update *update,
		    struct raft_proposal *proposal)
{
	struct raft_send *send;

	if (raft_sends_room(update) <= RAFT_STEP_SENDS_MAX) {
		r->more = true;
		return false;
	}
	send = raft_add_send(r, update, RAFT_PROPOSE, r->leader_id);
	send->message.n_entries = 1;
	send->message.propose.proposed_at = proposal->proposed_at;
	send->proposal = proposal;
	send->entry = entry_of(r, proposal);
	raft_send_durable(r, send);
	if (!proposal->exposed)
		proposal->exposed_term = r->hard_state.current_term;
	mark_sent(r, proposal);
	return true;
}

static bool may_forward(const struct raft *r)
{
	return r->now_ns >= r->forward_after_ns &&
	       r->n_sent < FORWARD_FACTOR * r->settings.inflight_messages_max &&
	       r->sent_bytes < r->settings.inflight_bytes_max;
}

/* When the oldest forwarded proposal is to be sent again. */
static u64 resend_deadline(const struct raft *r)
{
	const struct raft_proposal *oldest;

	if (list_empty(&r->sent))
		return U64_MAX;
	oldest = list_first_entry(&r->sent, struct raft_proposal, node);
	return oldest->sent_ns +
	       RESEND_HEARTBEATS * r->settings.heartbeat_interval_ns;
}

static void forward_waiting(struct raft *r, struct raft_update *update)
{
	struct raft_proposal *proposal;

	while (r->now_ns >= resend_deadline(r)) {
		proposal = list_first_entry(&r->sent, struct raft_proposal,
					    node);
		if (!forward(r, update, proposal))
			return;
	}
	while (!list_empty(&r->waiting) && may_forward(r)) {
		proposal = list_first_entry(&r->waiting, struct raft_proposal,
					    node);
		if (!forward(r, update, proposal))
			return;
	}
}

void raft_pump_proposals(struct raft *r, struct raft_update *update)
{
	if (r->role == RAFT_LEADER)
		append_waiting(r, update);
	else if (r->leader_id)
		forward_waiting(r, update);
}

/* When the next proposal is to be forwarded without anything else happening. */
u64 raft_proposal_deadline(const struct raft *r)
{
	u64 deadline = resend_deadline(r);

	if (r->role == RAFT_LEADER || !r->leader_id)
		return U64_MAX;
	if (!list_empty(&r->waiting) && r->now_ns < r->forward_after_ns)
		deadline = min(deadline, r->forward_after_ns);
	return deadline;
}

static void refuse(struct raft *r, struct raft_update *update,
		   const struct raft_message *message, int error)
{
	struct raft_send *send = raft_add_send(
		r, update, RAFT_PROPOSE_RESPONSE, message->from);

	if (!send)
		return;
	send->message.propose_response.session = message->entries->session;
	send->message.propose_response.sequence = message->entries->sequence;
	send->message.propose_response.error = error;
}

/* A forwarded proposal. */
void raft_receive_propose(struct raft *r, struct raft_update *update,
			  const struct raft_message *message)
{
	struct raft_entry entry = message->entries[0];
	int error;

	if (r->role != RAFT_LEADER ||
	    message->term != r->hard_state.current_term)
		return;
	entry.term = r->hard_state.current_term;
	error = append_once(r, update, &entry, message->propose.proposed_at,
			    r->settings.uncommitted_bytes_max);
	if (error)
		refuse(r, update, message, error);
}

/*
 * The leader has more uncommitted than it may: whatever waits tries again a
 * heartbeat later, in the order in which it was proposed.
 */
static void try_later(struct raft *r, struct raft_proposal *proposal)
{
	struct list_head *next;

	unlink_proposal(r, proposal);
	list_for_each(next, &r->waiting)
		if (list_entry(next, struct raft_proposal, node)->sequence >
		    proposal->sequence)
			break;
	list_add_tail(&proposal->node, next);
	r->forward_after_ns = r->now_ns + r->settings.heartbeat_interval_ns;
}

void raft_receive_propose_response(struct raft *r, struct raft_update *update,
				   const struct raft_message *message)
{
	u64 sequence = message->propose_response.sequence;
	struct raft_proposal *proposal = *slot_of(r, sequence);

	if (message->propose_response.session != r->settings.session ||
	    !proposal || proposal->sequence != sequence ||
	    message->from != r->leader_id ||
	    message->term != r->hard_state.current_term)
		return;
	if (message->propose_response.error == -ENOSPC &&
	    proposal->exposed_term == message->term)
		finish(r, update, proposal, -ENOSPC);
	else if (message->propose_response.error == -ESTALE)
		finish(r, update, proposal, -ETIMEDOUT);
	else if (message->propose_response.error == -EAGAIN &&
		 proposal->sent_ns)
		try_later(r, proposal);
}

/* Entries behind commit_index up to @index are committed: whose were they? */
void raft_complete_committed(struct raft *r, struct raft_update *update,
			     u64 index)
{
	u64 i = max(r->commit_index + 1, r->log.window_first);

	for (; i <= index && r->n_proposals; i++) {
		const struct raft_meta *meta = raft_log_meta(&r->log, i);
		struct raft_proposal *proposal;

		if (meta->session != r->settings.session)
			continue;
		proposal = *slot_of(r, meta->sequence);
		if (!proposal || proposal->sequence != meta->sequence)
			continue;
		proposal->index = i;
		proposal->term = raft_log_term(&r->log, i);
		finish(r, update, proposal, 0);
	}
}
