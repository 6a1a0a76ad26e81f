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
 * In a named session (sessions.c) it is told from the state of that: the leader says
 * where it is committed, and the origin has it when it has come as far itself. Asked
 * again, by whomever, it says so again.
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

/*
 * What is behind this waits for the disk or for others, and takes memory: a leader
 * whose disk is slower than those of a majority must not commit ahead of it for ever.
 */
u64 raft_settled_index(const struct raft *r)
{
	return max(min(r->commit_index, r->durable_index), r->uncounted_index);
}

static u64 unsettled_bytes(const struct raft *r)
{
	return raft_log_bytes_through(&r->log, r->log.last_index) -
	       raft_log_bytes_through(&r->log, raft_settled_index(r));
}

u64 raft_uncommitted_bytes(const struct raft *r)
{
	u64 base = max(r->commit_index, r->uncounted_index);

	if (r->log.last_index <= base)
		return 0;
	return raft_log_bytes_through(&r->log, r->log.last_index) -
	       raft_log_bytes_through(&r->log, base);
}

static struct raft_proposal **slot_of(struct raft *r, u64 ticket)
{
	return &r->proposals[ticket & (r->n_proposal_slots - 1)];
}

/* Of named sessions there may be several that are the same. */
static struct raft_proposal **bucket_of(struct raft *r, u64 session,
					u64 sequence)
{
	u32 hash = raft_hash(r->log.hash_seed, session, sequence);

	return &r->named[hash & (r->n_proposal_slots - 1)];
}

void raft_place_proposal(struct raft *r, struct raft_proposal *proposal)
{
	struct raft_proposal **bucket;

	*slot_of(r, proposal->ticket) = proposal;
	if (!proposal->session)
		return;
	bucket = bucket_of(r, proposal->session, proposal->sequence);
	proposal->next_named = *bucket;
	proposal->named_link = bucket;
	if (*bucket)
		(*bucket)->named_link = &proposal->next_named;
	*bucket = proposal;
}

static void remove_proposal(struct raft *r, struct raft_proposal *proposal)
{
	*slot_of(r, proposal->ticket) = NULL;
	if (!proposal->session)
		return;
	*proposal->named_link = proposal->next_named;
	if (proposal->next_named)
		proposal->next_named->named_link = proposal->named_link;
}

/* The one behind @from (NULL: the first) that is (@session, @sequence), or NULL. */
static struct raft_proposal *next_pending(struct raft *r,
					  const struct raft_proposal *from,
					  u64 session, u64 sequence)
{
	struct raft_proposal *proposal;

	if (session == r->settings.session) {
		proposal = from ? NULL : *slot_of(r, sequence);
		return proposal && !proposal->session &&
				       proposal->sequence == sequence ?
			       proposal :
			       NULL;
	}
	proposal = from ? from->next_named : *bucket_of(r, session, sequence);
	while (proposal && (proposal->session != session ||
			    proposal->sequence != sequence))
		proposal = proposal->next_named;
	return proposal;
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
	remove_proposal(r, proposal);
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
	bool named = raft_session_is_named(proposal->session);

	if (proposal->bytes == 0 || (named && !proposal->sequence) ||
	    (proposal->session && !named &&
	     !raft_session_is_key(proposal->session)))
		return -EINVAL;
	if (*slot_of(r, r->next_ticket))
		return -EBUSY;
	proposal->result = 0;
	proposal->index = 0;
	proposal->term = 0;
	proposal->ticket = r->next_ticket++;
	if (!named)
		proposal->sequence = proposal->ticket;
	/* Two that open a session are two, whoever opens it. */
	if (raft_session_is_key(proposal->session))
		proposal->sequence += r->settings.session;
	proposal->proposed_at = max(r->commit_index, r->leader_commit_seen);
	proposal->sent_ns = 0;
	proposal->exposed = false;
	raft_place_proposal(r, proposal);
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
	if (*slot_of(r, proposal->ticket) == proposal)
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
 * that some leader has got, cannot be told. But of one of a named session, whoever
 * leads can tell when it is sent to him again.
 */
void raft_end_unseen_proposals(struct raft *r, struct raft_update *update,
			       u64 index)
{
	struct list_head *lists[] = { &r->sent, &r->waiting };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		struct raft_proposal *proposal, *next;

		list_for_each_entry_safe(proposal, next, lists[i], node)
			if (proposal->exposed &&
			    proposal->proposed_at < index &&
			    !raft_session_is_named(proposal->session))
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

/* Room in the log that is not for proposals. */
static u64 space_reserve(const struct raft *r)
{
	return r->settings.space_reserve_bytes + raft_sessions_reserve(r);
}

/* Is it in the log, and if it is committed, where? Else 0 if it may be appended. */
static int look_up(struct raft *r, const struct raft_entry *entry,
		   u64 proposed_at, bool *there, struct raft_session_slot *found)
{
	u64 index = raft_log_find(&r->log, entry->session, entry->sequence);
	int error = 0;

	/* What the window still has that the session forgot, others do not know. */
	*there = index > r->commit_index;
	if (*there)
		return 0;
	if (raft_is_of_sessions(entry))
		error = raft_sessions_admit(r, entry, found);
	*there = found->index;
	if (error || raft_session_is_named(entry->session))
		return error;
	*there = index;
	return *there || window_covers(r, proposed_at) ? 0 : -ESTALE;
}

/**
 * struct room - of what is not settled
 * @entries: most of them
 * @bytes: most of their payloads, but for one that is alone
 */
struct room {
	u32 entries;
	u64 bytes;
};

/*
 * A quarter of it is for other servers' proposals alone, and for checkpoints: they come
 * whenever they come, while those of this server (@own) wait here to fill whatever a
 * commit frees.
 */
static struct room room_of(const struct raft *r, bool own)
{
	struct room room = {
		.entries = r->settings.window_entries / 2,
		.bytes = r->settings.uncommitted_bytes_max,
	};

	if (own) {
		room.entries -= room.entries / 4;
		room.bytes = room.bytes / 4 * 3;
	}
	return room;
}

/*
 * Leader: append unless it is there. 0: it is in the log, committed if @found is set.
 * -EAGAIN: no room now (@room). -EBUSY: not by this leader, as far as it can tell.
 * -ENOSPC: the log is full. -ESTALE, -ERANGE: nobody can tell.
 */
static int append_once(struct raft *r, struct raft_update *update,
		       const struct raft_entry *entry, u64 proposed_at,
		       const struct room *room, struct raft_session_slot *found)
{
	u64 cost = raft_entry_cost(r, entry->bytes);
	u64 bytes = unsettled_bytes(r);
	bool there;
	int error;

	memset(found, 0, sizeof(*found));
	error = look_up(r, entry, proposed_at, &there, found);
	if (error || there)
		return error;
	if (cost >= r->refused_cost_min && proposed_at < r->refused_before) {
		if (r->refused_before == U64_MAX)
			r->refused_room_min = min(r->refused_room_min, cost);
		return -ENOSPC;
	}
	if (raft_space(r) < cost + space_reserve(r)) {
		r->refused_cost_min = min(r->refused_cost_min, cost);
		r->refused_room_min = r->refused_before == U64_MAX ?
					      min(r->refused_room_min, cost) :
					      cost;
		r->refused_before = U64_MAX;
		return -ENOSPC;
	}
	if (raft_transfer_holds_proposals(r) ||
	    r->log.last_index >= raft_settled_index(r) + room->entries ||
	    (bytes && (bytes + entry->bytes > room->bytes ||
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
	if (r->refused_before != U64_MAX || raft_transfer_holds_proposals(r) ||
	    raft_space(r) < r->refused_room_min + raft_entry_cost(r, 0) +
				    space_reserve(r) ||
	    r->log.last_index >=
		    raft_settled_index(r) + r->settings.window_entries / 2)
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
		.session = proposal->session ? proposal->session :
					       r->settings.session,
		.sequence = proposal->sequence,
		.payload = proposal->payload,
		.bytes = proposal->bytes,
		.type = raft_session_is_key(proposal->session) ?
				RAFT_ENTRY_SESSION :
				RAFT_ENTRY_DATA,
	};
}

static void finish_at(struct raft *r, struct raft_update *update,
		      struct raft_proposal *proposal, u64 index, u64 term)
{
	proposal->index = index;
	proposal->term = term;
	finish(r, update, proposal, 0);
}

/* Nobody can tell. Of a named session it is said why. */
static void finish_untold(struct raft *r, struct raft_update *update,
			  struct raft_proposal *proposal, int error)
{
	finish(r, update, proposal,
	       raft_session_is_named(proposal->session) ? error : -ETIMEDOUT);
}

static void append_waiting(struct raft *r, struct raft_update *update)
{
	const struct room room = room_of(r, true);
	struct raft_proposal *proposal, *next;

	list_for_each_entry_safe(proposal, next, &r->waiting, node) {
		struct raft_entry entry = entry_of(r, proposal);
		struct raft_session_slot found;
		int error;
		u64 at = proposal->exposed ? proposal->proposed_at :
					     r->log.last_index;

		error = append_once(r, update, &entry, at, &room, &found);
		switch (error) {
		case 0:
			if (found.index)
				finish_at(r, update, proposal, found.index,
					  found.term);
			else
				mark_sent(r, proposal);
			break;
		case -EAGAIN:
			r->more |= (update->n_entries > 0 &&
				    update->n_entries + 1 >=
					    update->entries_max) ||
				   raft_log_wants_window(&r->log, 1);
			return;
		case -EBUSY:
			break;
		case -ENOSPC:
			finish(r, update, proposal,
			       unknown_or(proposal, -ENOSPC));
			break;
		default:
			finish_untold(r, update, proposal, error);
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

/* @error: 0: it is committed, and that is where. */
static void respond(struct raft *r, struct raft_update *update,
		    const struct raft_message *message, int error,
		    const struct raft_session_slot *found)
{
	struct raft_send *send = raft_add_send(
		r, update, RAFT_PROPOSE_RESPONSE, message->from);

	if (!send)
		return;
	send->message.propose_response.session = message->entries->session;
	send->message.propose_response.sequence = message->entries->sequence;
	send->message.propose_response.error = error;
	if (error)
		return;
	send->message.propose_response.index = found->index;
	send->message.propose_response.entry_term = found->term;
}

/* A forwarded proposal. */
void raft_receive_propose(struct raft *r, struct raft_update *update,
			  const struct raft_message *message)
{
	const struct room room = room_of(r, false);
	struct raft_entry entry = message->entries[0];
	struct raft_session_slot found;
	int error;

	entry.term = r->hard_state.current_term;
	error = append_once(r, update, &entry, message->propose.proposed_at,
			    &room, &found);
	/* It comes again, here or to whoever leads by then. */
	if (error == -EBUSY)
		return;
	if (error || found.index)
		respond(r, update, message, error, &found);
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
		if (list_entry(next, struct raft_proposal, node)->ticket >
		    proposal->ticket)
			break;
	list_add_tail(&proposal->node, next);
	r->forward_after_ns = r->now_ns + r->settings.heartbeat_interval_ns;
}

static void take_response(struct raft *r, struct raft_update *update,
			  const struct raft_message *message,
			  struct raft_proposal *proposal)
{
	u64 index = message->propose_response.index;
	int error = message->propose_response.error;

	switch (error) {
	case 0:
		/* What is further than this server, it will come to. */
		if (index <= r->commit_index)
			finish_at(r, update, proposal, index,
				  message->propose_response.entry_term);
		break;
	case -ENOSPC:
		if (proposal->exposed_term == message->term)
			finish(r, update, proposal, -ENOSPC);
		break;
	case -EAGAIN:
		if (proposal->sent_ns)
			try_later(r, proposal);
		break;
	default:
		finish_untold(r, update, proposal, error);
		break;
	}
}

void raft_receive_propose_response(struct raft *r, struct raft_update *update,
				   const struct raft_message *message)
{
	u64 session = message->propose_response.session;
	u64 sequence = message->propose_response.sequence;
	struct raft_proposal *proposal, *next;

	for (proposal = next_pending(r, NULL, session, sequence); proposal;
	     proposal = next) {
		next = next_pending(r, proposal, session, sequence);
		/* It may be an answer to another that is the same. */
		if (proposal->exposed)
			take_response(r, update, message, proposal);
	}
}

static void complete(struct raft *r, struct raft_update *update,
		     struct raft_proposal *proposal, u64 index)
{
	bool known = true;

	if (raft_session_is_key(proposal->session)) {
		raft_sessions_commit(r, index);
		known = raft_sessions_opened(r, proposal->session, index,
					     &proposal->opened);
	}
	/* Whoever asks again will learn it. */
	if (known)
		finish_at(r, update, proposal, index,
			  raft_log_term(&r->log, index));
	else
		finish(r, update, proposal, -ETIMEDOUT);
}

/* Entries behind commit_index up to @index are committed: whose were they? */
void raft_complete_committed(struct raft *r, struct raft_update *update,
			     u64 index)
{
	u64 i = max(r->commit_index + 1, r->log.window_first);

	for (; i <= index && r->n_proposals; i++) {
		const struct raft_meta *meta = raft_log_meta(&r->log, i);
		struct raft_proposal *proposal, *next;

		if (!meta->session)
			continue;
		for (proposal = next_pending(r, NULL, meta->session,
					     meta->sequence);
		     proposal; proposal = next) {
			next = next_pending(r, proposal, meta->session,
					    meta->sequence);
			complete(r, update, proposal, i);
		}
	}
}
