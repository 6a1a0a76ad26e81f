// SPDX-License-Identifier: GPL-2.0
/*
 * Linearizable reads without an entry in the log (6.4).
 *
 * A read learns an index: whatever was committed anywhere when it was made is not
 * behind it. It is done once this server has committed as much.
 *
 *	waiting --leader: note what is committed--> asked --a majority answers--.
 *	   |                                          | what was sent since     |
 *	   '-----follower: one request for all------> |                         v
 *	   ^                                          '---the leader---> indexed
 *	   '--------leader or term changed------------'  answers             |
 *	                                           committed here as well: done
 *
 * What makes the index right:
 *
 *	- The leader has committed an entry of its own term. Before, it does not
 *	  know what earlier leaders committed; reads wait until it does.
 *	- After the read was made, nobody of a majority was in a newer term: each
 *	  answered an AppendEntries of this term that was sent since. What was sent
 *	  before proves nothing, however late the answer. So no newer leader had
 *	  committed anything when the read was made.
 *	- What is noted in one term is forgotten with it.
 *	- An answer is for the reads that were asked for with its sequence, and for
 *	  none that came later.
 *
 * Rounds of heartbeats are shared: all reads that wait when one is sent are served
 * by it, and the next is sent when that one was answered, however many wait.
 *
 * A read by lease is served at once while raft_lease_until() says that nobody else
 * can lead, and as any other when it does not.
 */
#include "core.h"

enum {
	/* Heartbeat intervals without an answer before it is asked again. */
	RESEND_HEARTBEATS = 4,
};

static struct raft_read_lane *lane_of(struct raft *r,
				      const struct raft_read *read)
{
	return &r->reads[read->lease];
}

static void finish(struct raft *r, struct raft_update *update,
		   struct raft_read *read, int result)
{
	read->result = result;
	read->done = true;
	r->n_reads--;
	list_move_tail(&read->node, &update->reads_done);
}

void raft_read(struct raft *r, struct raft_read *read)
{
	read->result = 0;
	read->index = 0;
	read->term = 0;
	read->needed_ns = 0;
	read->done = false;
	r->n_reads++;
	list_add_tail(&read->node, &lane_of(r, read)->waiting);
}

void raft_cancel_read(struct raft *r, struct raft_update *update,
		      struct raft_read *read)
{
	struct raft_read_lane *lane = lane_of(r, read);

	if (read->done)
		return;
	finish(r, update, read, r->leader_id ? -ETIMEDOUT : -EHOSTUNREACH);
	/* Nobody waits for that answer: the next request need not either. */
	if (list_empty(&lane->asked))
		lane->sequence = 0;
}

void raft_end_reads(struct raft *r, struct raft_update *update, int error)
{
	struct raft_read *read, *next;
	u32 i;

	/* What this update would have made readable may not become so. */
	if (error == -EIO)
		list_for_each_entry(read, &update->reads_done, node)
			read->result = read->result ? read->result : error;
	for (i = 0; i < RAFT_READ_LANES; i++) {
		struct raft_read_lane *lane = &r->reads[i];

		list_for_each_entry_safe(read, next, &lane->waiting, node)
			finish(r, update, read, error);
		list_for_each_entry_safe(read, next, &lane->asked, node)
			finish(r, update, read, error);
		lane->sequence = 0;
	}
	list_for_each_entry_safe(read, next, &r->indexed_reads, node)
		finish(r, update, read, error);
}

/*
 * Another leader or term: what was noted and asked in the last one is void, and
 * noted or asked anew. Where the index is known it stays right.
 */
void raft_requeue_reads(struct raft *r)
{
	u32 i, j;

	for (i = 0; i < RAFT_READ_LANES; i++) {
		struct raft_read_lane *lane = &r->reads[i];

		list_splice_init(&lane->asked, &lane->waiting);
		lane->sequence = 0;
		for (j = 0; j < r->configuration.n_members; j++)
			r->peers[j].reads[i].pending = false;
	}
}

/* Leader */

/* 6.4: only then is what earlier terms committed known. */
static bool is_commit_known(const struct raft *r)
{
	return raft_log_term(&r->log, r->commit_index) ==
	       r->hard_state.current_term;
}

/* A majority has answered what was sent then, or later. */
static u64 quorum_answered_ns(const struct raft *r)
{
	u64 values[RAFT_MEMBERS_MAX];
	u32 i;

	for (i = 0; i < r->configuration.n_members; i++)
		values[i] = raft_is_self(r, i) ? U64_MAX :
						 r->peers[i].answered_sent_ns;
	return raft_quorum_value(r, values);
}

/* What was sent at this very time already was sent before. */
static u64 needed_from_now(const struct raft *r)
{
	return max(r->now_ns, r->append_sent_ns + 1);
}

static u64 index_from_now(const struct raft *r)
{
	return is_commit_known(r) ? r->commit_index : 0;
}

static void note_waiting(struct raft *r, struct raft_read_lane *lane)
{
	struct raft_read *read, *next;

	list_for_each_entry_safe(read, next, &lane->waiting, node) {
		read->needed_ns = needed_from_now(r);
		read->index = index_from_now(r);
		list_move_tail(&read->node, &lane->asked);
	}
}

static void serve_asked(struct raft *r, struct raft_update *update,
			struct raft_read_lane *lane, u64 confirmed_ns)
{
	struct raft_read *read, *next;

	list_for_each_entry_safe(read, next, &lane->asked, node) {
		if (read->needed_ns > confirmed_ns)
			break;
		if (!read->index)
			read->index = r->commit_index;
		read->term = r->hard_state.current_term;
		finish(r, update, read, 0);
	}
}

static bool answer(struct raft *r, struct raft_update *update, u32 to,
		   const struct raft_read_request *request)
{
	struct raft_send *send;

	/* Mandatory sends of the next step must keep their room. */
	if (raft_sends_room(update) <= RAFT_STEP_SENDS_MAX) {
		r->more = true;
		return false;
	}
	send = raft_add_send(r, update, RAFT_READ_INDEX_RESPONSE, to);
	send->message.read_index_response.session = request->session;
	send->message.read_index_response.sequence = request->sequence;
	send->message.read_index_response.index =
		request->index ? request->index : r->commit_index;
	return true;
}

/* Reads of followers; @known: they may be answered. */
static void serve_requests(struct raft *r, struct raft_update *update, u32 i,
			   u64 confirmed_ns, bool known)
{
	u32 j;

	for (j = 0; j < r->configuration.n_members; j++) {
		struct raft_read_request *request = &r->peers[j].reads[i];

		if (!request->pending)
			continue;
		if (!request->needed_ns) {
			request->needed_ns = needed_from_now(r);
			request->index = index_from_now(r);
		}
		if (known && request->needed_ns <= confirmed_ns &&
		    answer(r, update, r->peers[j].id, request))
			request->pending = false;
	}
}

static void serve(struct raft *r, struct raft_update *update)
{
	bool known = is_commit_known(r);
	u64 answered_ns = quorum_answered_ns(r);
	u32 i;

	for (i = 0; i < RAFT_READ_LANES; i++) {
		u64 confirmed_ns = answered_ns;

		if (i && raft_lease_until(r) > r->now_ns)
			confirmed_ns = U64_MAX;
		note_waiting(r, &r->reads[i]);
		if (known)
			serve_asked(r, update, &r->reads[i], confirmed_ns);
		serve_requests(r, update, i, confirmed_ns, known);
	}
}

void raft_receive_read_index(struct raft *r, const struct raft_message *message)
{
	struct raft_peer *peer = raft_find_peer(r, message->from);
	u64 sequence = message->read_index.sequence;
	struct raft_read_request *request;

	if (!peer)
		return;
	request = &peer->reads[message->read_index.lease];
	if (request->session == message->read_index.session &&
	    (sequence < request->sequence ||
	     (sequence == request->sequence && request->pending)))
		return;
	request->session = message->read_index.session;
	request->sequence = sequence;
	request->needed_ns = 0;
	request->pending = true;
}

/* Newest time from which on something is to be sent and answered, 0 if none. */
static u64 newest_needed_ns(const struct raft *r)
{
	u64 newest = 0;
	u32 i, j;

	for (i = 0; i < RAFT_READ_LANES; i++) {
		const struct list_head *asked = &r->reads[i].asked;

		if (!list_empty(asked))
			newest = max(newest,
				     list_last_entry(asked, struct raft_read,
						     node)->needed_ns);
		for (j = 0; j < r->configuration.n_members; j++)
			if (r->peers[j].reads[i].pending)
				newest = max(newest,
					     r->peers[j].reads[i].needed_ns);
	}
	return newest;
}

/* When the next round may be sent for reads, U64_MAX if none is called for. */
static u64 round_due_ns(const struct raft *r)
{
	u64 needed = newest_needed_ns(r);

	if (needed <= r->round_sent_ns ||
	    quorum_answered_ns(r) < r->read_round_sent_ns)
		return U64_MAX;
	return needed;
}

bool raft_reads_want_round(const struct raft *r)
{
	return r->now_ns >= round_due_ns(r);
}

/* Follower */

static void ask(struct raft *r, struct raft_update *update,
		struct raft_read_lane *lane)
{
	struct raft_send *send;

	send = raft_add_send(r, update, RAFT_READ_INDEX, r->leader_id);
	send->message.read_index.session = r->settings.session;
	send->message.read_index.sequence = lane->sequence;
	send->message.read_index.lease = lane != &r->reads[0];
	raft_send_durable(r, send);
	lane->asked_ns = r->now_ns;
}

static u64 resend_deadline(const struct raft *r,
			   const struct raft_read_lane *lane)
{
	if (!lane->sequence)
		return U64_MAX;
	return lane->asked_ns +
	       RESEND_HEARTBEATS * r->settings.heartbeat_interval_ns;
}

static void ask_leader(struct raft *r, struct raft_update *update)
{
	u32 i;

	for (i = 0; i < RAFT_READ_LANES; i++) {
		struct raft_read_lane *lane = &r->reads[i];

		if (lane->sequence ? r->now_ns < resend_deadline(r, lane) :
				     list_empty(&lane->waiting))
			continue;
		if (raft_sends_room(update) <= RAFT_STEP_SENDS_MAX) {
			r->more = true;
			return;
		}
		/* Who comes later is not of this request, and waits. */
		if (!lane->sequence) {
			list_splice_init(&lane->waiting, &lane->asked);
			lane->sequence = ++r->next_read_sequence;
		}
		ask(r, update, lane);
	}
}

void raft_receive_read_index_response(struct raft *r,
				      const struct raft_message *message)
{
	u64 sequence = message->read_index_response.sequence;
	struct raft_read *read;
	u32 i;

	if (message->read_index_response.session != r->settings.session ||
	    !sequence)
		return;
	for (i = 0; i < RAFT_READ_LANES; i++) {
		struct raft_read_lane *lane = &r->reads[i];

		if (lane->sequence != sequence)
			continue;
		list_for_each_entry(read, &lane->asked, node) {
			read->index = message->read_index_response.index;
			read->term = message->term;
		}
		list_splice_tail_init(&lane->asked, &r->indexed_reads);
		lane->sequence = 0;
	}
}

static void finish_committed(struct raft *r, struct raft_update *update)
{
	struct raft_read *read, *next;

	list_for_each_entry_safe(read, next, &r->indexed_reads, node) {
		if (read->index > r->commit_index)
			break;
		finish(r, update, read, 0);
	}
}

void raft_pump_reads(struct raft *r, struct raft_update *update)
{
	finish_committed(r, update);
	if (r->role == RAFT_LEADER)
		serve(r, update);
	else if (r->leader_id)
		ask_leader(r, update);
}

/* When something is to be sent for a read without anything else happening. */
u64 raft_read_deadline(const struct raft *r)
{
	u64 deadline = U64_MAX;
	u32 i;

	if (r->role == RAFT_LEADER)
		return round_due_ns(r);
	for (i = 0; i < RAFT_READ_LANES && r->leader_id; i++)
		deadline = min(deadline, resend_deadline(r, &r->reads[i]));
	return deadline;
}
