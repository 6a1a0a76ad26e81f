// SPDX-License-Identifier: GPL-2.0
/*
 * A peer that needs entries which are gone here (5.1). It is told where it can go on:
 * index and term of an entry that is committed, and the configuration. What the
 * entries up to there came to, a snapshot says: the application's data. It goes without
 * where the leader has none that reaches the beginning of its log, and to a witness,
 * which has no use for it.
 *
 * What the peer has, decides what it does:
 *
 *	that very entry		it matches so far: nothing goes
 *	less, or another	once it has all the data, all of its log goes, and it
 *				begins anew behind that entry, which is committed:
 *				nothing that another server needs can be behind an
 *				entry that differs from it
 *
 * The configuration is the newest that its sender knows to be committed, or, with
 * data, that was when the snapshot was taken: a new leader may not know yet how much
 * of that is committed. It is taken by whoever knows none that is newer.
 *
 * The leader offers the snapshot with each heartbeat, and says with it how long the
 * data is and what its checksum. The peer answers up to where it has them, and the
 * leader sends the chunk that begins there, one at a time. So whatever gets lost, be
 * it the connection or the leader, it goes on where it was: another leader with the
 * same bytes offers what the peer has begun. The offer that comes once all is there
 * is the one that installs. A snapshot that has been begun is sent to its end, newer
 * ones or not: otherwise a peer that takes longer than the application from one to
 * the next would never get there. All the while heartbeats go their own way.
 */
#include "core.h"

/* What cannot be stored is put off for so long at most, or for an election timeout. */
#define STORE_WAIT_NS_MAX (60 * NSEC_PER_SEC)

static bool is_same(const struct raft_snapshot *a, const struct raft_snapshot *b)
{
	return a->index == b->index && a->term == b->term &&
	       a->bytes == b->bytes && a->checksum == b->checksum;
}

static bool is_chunk_possible(const struct raft_message *message)
{
	u64 bytes = message->install_snapshot.bytes;
	u64 offset = message->install_snapshot.offset;
	const struct raft_entry *chunk = &message->entries[1];

	if (message->n_entries == 1)
		return offset <= bytes &&
		       (bytes || !message->install_snapshot.checksum);
	return message->n_entries == 2 && chunk->type == RAFT_ENTRY_DATA &&
	       chunk->bytes && offset < bytes &&
	       chunk->bytes <= bytes - offset;
}

int raft_check_install_snapshot(struct raft *r,
				const struct raft_message *message)
{
	const struct raft_entry *entry = message->entries;

	if (!message->install_snapshot.snapshot_index ||
	    !message->install_snapshot.snapshot_term ||
	    message->install_snapshot.snapshot_term > message->term ||
	    message->install_snapshot.snapshot_index > U64_MAX - U32_MAX ||
	    !message->install_snapshot.configuration_index ||
	    !message->n_entries || entry->type != RAFT_ENTRY_CONFIGURATION ||
	    !is_chunk_possible(message))
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
	if (!raft_invariant(r, update, index > r->commit_index) ||
	    !raft_has_level_of(r, update, &r->decoded))
		return;
	raft_discard(r, update, index, message->install_snapshot.snapshot_term);
	update->base_installed = message->install_snapshot.bytes;
	take_configuration(r, message);
	raft_end_unseen_proposals(r, update, index);
	raft_set_commit(r, update, index);
	r->ack_owed = true;
}

/* Given up, as soon as no chunk of it is on its way to the disk. */
void raft_forget_incoming(struct raft *r)
{
	if (r->storing || r->incoming.index > r->commit_index)
		return;
	r->incoming = (struct raft_snapshot){ 0 };
	r->incoming_offset = 0;
}

/* What of it is here; the hard state that this speaks of must be durable (3.8). */
static void answer_chunk(struct raft *r, struct raft_update *update, u32 to)
{
	struct raft_send *send = raft_add_send(
		r, update, RAFT_INSTALL_SNAPSHOT_RESPONSE, to);

	if (!send)
		return;
	send->message.install_snapshot_response.snapshot_index =
		r->incoming.index;
	send->message.install_snapshot_response.snapshot_term = r->incoming.term;
	send->message.install_snapshot_response.checksum = r->incoming.checksum;
	send->message.install_snapshot_response.offset = r->incoming_offset;
	raft_send_durable(r, send);
}

/* An offer, perhaps with a chunk. While one is being stored that has the answer. */
static void receive_offer(struct raft *r, struct raft_update *update,
			  const struct raft_message *message)
{
	const struct raft_snapshot offered = {
		.index = message->install_snapshot.snapshot_index,
		.term = message->install_snapshot.snapshot_term,
		.bytes = message->install_snapshot.bytes,
		.checksum = message->install_snapshot.checksum,
	};

	if (r->storing)
		return;
	if (!is_same(&r->incoming, &offered)) {
		r->incoming = offered;
		r->incoming_offset = 0;
		r->store_again_ns = 0;
		r->store_wait_ns = 0;
	}
	if (r->now_ns < r->store_again_ns)
		return;
	if (message->n_entries < 2 ||
	    message->install_snapshot.offset != r->incoming_offset) {
		answer_chunk(r, update, message->from);
		return;
	}
	r->storing = true;
	update->chunk = (struct raft_chunk){
		.snapshot = offered,
		.offset = r->incoming_offset,
		.data = message->entries[1],
		.configuration = message->entries[0],
		.configuration_index =
			message->install_snapshot.configuration_index,
	};
}

/*
 * Nothing of it is here any more: the disk is full, or bad. All of it comes again once
 * it is asked for, which is put off, and longer each time.
 */
static void put_off(struct raft *r)
{
	u64 timeout_ns = r->settings.election_timeout_ns;

	r->store_wait_ns = max(timeout_ns, min_t(u64, 2 * r->store_wait_ns,
						 STORE_WAIT_NS_MAX));
	r->store_again_ns = r->now_ns + r->store_wait_ns;
}

void raft_chunk_stored(struct raft *r, struct raft_update *update,
		       const struct raft_event *event)
{
	if (!raft_invariant(r, update,
			    r->storing && is_same(&r->incoming,
						  &event->stored.snapshot)) ||
	    !raft_invariant(r, update,
			    event->stored.offset <= r->incoming.bytes))
		return;
	r->storing = false;
	r->incoming_offset = event->stored.offset;
	if (!r->incoming_offset)
		put_off(r);
	else if (r->leader_id && r->role != RAFT_LEADER)
		answer_chunk(r, update, r->leader_id);
	/* It may have had a newer one, and lost the log that went with that. */
	if (r->incoming_offset == r->incoming.bytes &&
	    r->incoming.index >= r->snapshot.index) {
		r->snapshot = r->incoming;
		r->snapshot_gone = false;
	}
	if (r->incoming_offset == r->incoming.bytes)
		r->store_wait_ns = 0;
	raft_forget_incoming(r);
}

/*
 * Whatever a snapshot holds is committed: it stays good if the log is lost that it
 * was taken of, or has not got that far. Two as of one entry say the same.
 */
static bool is_here(const struct raft *r, const struct raft_message *message)
{
	u64 index = message->install_snapshot.snapshot_index;
	u64 term = message->install_snapshot.snapshot_term;

	return (r->snapshot.index == index && r->snapshot.term == term &&
		!r->snapshot_gone) ||
	       (r->incoming.index == index && r->incoming.term == term &&
		r->incoming_offset == r->incoming.bytes);
}

int raft_restore_snapshot(struct raft *r, const struct raft_snapshot *snapshot,
			  const void *data, u32 bytes, u64 configuration_index)
{
	int error = raft_configuration_decode(&r->restored_configuration, data,
					      bytes);

	if (error)
		return error;
	r->snapshot = *snapshot;
	r->restored_configuration_index = configuration_index;
	return 0;
}

void raft_forget_snapshot(struct raft *r)
{
	r->snapshot = (struct raft_snapshot){ 0 };
	r->restored_configuration_index = 0;
}

bool raft_snapshot_is_ahead(const struct raft *r)
{
	u64 index = r->snapshot.index;

	return index > raft_log_base(&r->log) &&
	       raft_log_term(&r->log, index) != r->snapshot.term;
}

/*
 * From where it is installed on, it is an AppendEntries without entries, from that
 * entry on.
 */
void raft_receive_install_snapshot(struct raft *r, struct raft_update *update,
				   const struct raft_message *message)
{
	struct raft_message append = *message;
	u64 index = message->install_snapshot.snapshot_index;
	u64 term = message->install_snapshot.snapshot_term;
	bool current = message->term >= r->hard_state.current_term;

	if (message->term == r->hard_state.current_term && r->leader_id &&
	    r->leader_id != message->from)
		return;
	if (current)
		raft_become_follower(r, update, message->term, message->from,
				     RAFT_REASON_LEADER_SEEN);
	if (current && index > raft_log_base(&r->log) &&
	    raft_log_term(&r->log, index) != term) {
		if (message->install_snapshot.bytes && !is_here(r, message)) {
			receive_offer(r, update, message);
			return;
		}
		install(r, update, message);
	}
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

/* Leader */

void raft_stop_sending(struct raft_peer *peer)
{
	peer->snapshot = (struct raft_snapshot){ 0 };
	peer->snapshot_offset = 0;
	peer->chunk_sent_ns = 0;
	peer->chunk_wanted = false;
}

/*
 * Which snapshot gets @peer to where this log begins: the one that was begun, or the
 * newest. False: there is one, which cannot be read: without it the peer would go on
 * and know nothing of what came before. It waits for the next one, or another leader.
 */
static bool choose(struct raft *r, struct raft_peer *peer)
{
	u64 base = raft_log_base(&r->log);

	if (peer->snapshot.index >= base && peer->snapshot.index)
		return true;
	raft_stop_sending(peer);
	if (raft_is_witness(r, peer - r->peers) || r->snapshot.index < base)
		return true;
	if (r->snapshot_gone)
		return false;
	peer->snapshot = r->snapshot;
	raft_sessions_offered(r, r->snapshot.index);
	return true;
}

static struct raft_send *add_install(struct raft *r, struct raft_update *update,
				     const struct raft_peer *peer)
{
	const struct raft_snapshot *snapshot = &peer->snapshot;
	struct raft_send *send =
		raft_add_send(r, update, RAFT_INSTALL_SNAPSHOT, peer->id);

	if (!send)
		return NULL;
	send->message.install_snapshot.snapshot_index =
		snapshot->index ?: raft_log_base(&r->log);
	send->message.install_snapshot.snapshot_term =
		snapshot->index ? snapshot->term : r->log.base_term;
	send->message.install_snapshot.sent_ns = r->now_ns;
	send->message.install_snapshot.bytes = snapshot->bytes;
	send->message.install_snapshot.checksum = snapshot->checksum;
	send->message.install_snapshot.offset = peer->snapshot_offset;
	send->message.n_entries = 1;
	r->append_sent_ns = r->now_ns;
	return send;
}

/* False: there is no room. */
bool raft_send_install_snapshot(struct raft *r, struct raft_update *update,
				struct raft_peer *peer)
{
	return !choose(r, peer) || add_install(r, update, peer);
}

/* Chunks that were acknowledged pay for the time until the next. */
static void pace(struct raft *r, const struct raft_peer *peer, u64 bytes)
{
	u64 rate = r->settings.snapshot_bytes_per_s;

	if (rate)
		r->chunk_due_ns = max(r->chunk_due_ns, peer->chunk_sent_ns) +
				  div64_u64(min_t(u64, bytes, U32_MAX) *
						    NSEC_PER_SEC,
					    rate);
}

void raft_receive_install_snapshot_response(struct raft *r,
					    struct raft_update *update,
					    const struct raft_message *message)
{
	struct raft_peer *peer = raft_find_peer(r, message->from);
	u64 offset = message->install_snapshot_response.offset;
	u64 lost_ns;

	if (message->term > r->hard_state.current_term) {
		raft_become_follower(r, update, message->term, RAFT_ID_NONE,
				     RAFT_REASON_HIGHER_TERM);
		return;
	}
	if (peer->progress != RAFT_PROGRESS_SNAPSHOT ||
	    message->install_snapshot_response.snapshot_index !=
		    peer->snapshot.index ||
	    message->install_snapshot_response.snapshot_term !=
		    peer->snapshot.term ||
	    message->install_snapshot_response.checksum !=
		    peer->snapshot.checksum ||
	    offset > peer->snapshot.bytes)
		return;
	lost_ns = peer->chunk_sent_ns +
		  raft_loss_timeout(r, peer, r->settings.append_bytes_max);
	if (peer->chunk_sent_ns && offset > peer->snapshot_offset)
		pace(r, peer, offset - peer->snapshot_offset);
	else if (peer->chunk_sent_ns && r->now_ns < lost_ns)
		return; /* the answer to something earlier */
	peer->snapshot_offset = offset;
	peer->chunk_sent_ns = 0;
	peer->chunk_wanted = offset < peer->snapshot.bytes;
	if (!peer->chunk_wanted)
		add_install(r, update, peer);
}

void raft_send_chunks(struct raft *r, struct raft_update *update)
{
	u32 i;

	for (i = 0; i < r->n_peers; i++) {
		struct raft_peer *peer = &r->peers[i];
		struct raft_send *send;

		if (!peer->chunk_wanted || r->now_ns < r->chunk_due_ns)
			continue;
		/* Mandatory sends of the next step must keep their room. */
		if (raft_sends_room(update) <= RAFT_STEP_SENDS_MAX) {
			r->more = true;
			return;
		}
		send = add_install(r, update, peer);
		send->chunk = true;
		peer->chunk_sent_ns = r->now_ns;
		peer->chunk_wanted = false;
	}
}

u64 raft_chunk_deadline(const struct raft *r)
{
	u32 i;

	for (i = 0; i < r->n_peers; i++)
		if (r->peers[i].chunk_wanted)
			return r->chunk_due_ns;
	return U64_MAX;
}

int raft_snapshot_taken(struct raft *r, const struct raft_snapshot *snapshot)
{
	/* The same once more, when that was damaged, or the log does not reach it. */
	bool again = snapshot->index == r->snapshot.index &&
		     snapshot->term == r->snapshot.term;

	/* A leader sent a newer one meanwhile. */
	if (snapshot->index < r->snapshot.index ||
	    snapshot->index < raft_log_base(&r->log))
		return -ESTALE;
	if (!snapshot->index || !snapshot->bytes ||
	    (!again && (snapshot->index > r->commit_index ||
			raft_log_term(&r->log, snapshot->index) !=
				snapshot->term)))
		return -EINVAL;
	r->snapshot = *snapshot;
	r->snapshot_gone = false;
	return 0;
}

void raft_snapshot_gone(struct raft *r, u64 index)
{
	u32 i;

	if (index == r->snapshot.index)
		r->snapshot_gone = true;
	/* What was there of it to be installed. */
	if (index == r->incoming.index && !r->storing) {
		r->incoming = (struct raft_snapshot){ 0 };
		r->incoming_offset = 0;
	}
	for (i = 0; i < r->n_peers; i++)
		if (r->peers[i].snapshot.index == index)
			raft_stop_sending(&r->peers[i]);
}
