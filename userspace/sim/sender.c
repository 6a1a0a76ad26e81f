// SPDX-License-Identifier: GPL-2.0
/* From struct raft_send to datagrams: attach entries, hold back, catch up. */
#include <stdlib.h>

#include "memory.h"
#include "world.h"

static bool is_cached(const struct world *w, const struct node *node, u64 index)
{
	if (index > node->store.durable.n)
		return true;
	return index + w->plan.cache_entries > node->log.n &&
	       !RAFTLOG_FAILPOINT(CACHE_FULL);
}

static void dispatch(struct world *w, struct node *node, struct packet *packet,
		     u64 after_seq)
{
	struct parked *parked;

	if (after_seq <= node->persisted_seq) {
		check_leaves(w, node, &packet->message);
		net_leave(w, node, packet);
		return;
	}
	if (RAFTLOG_FAILPOINT(EXECUTE_NO_PARKING)) {
		free(packet);
		return;
	}
	w->counters.parked++;
	trace(w, TRACE_PARK, node->id, packet->message.to, packet->message.type,
	      after_seq, 0);
	parked = memory_zeroed(sizeof(*parked));
	parked->seq = after_seq;
	parked->packet = packet;
	*node->parked_tail = parked;
	node->parked_tail = &parked->next;
}

void sender_release(struct world *w, struct node *node)
{
	struct parked **link = &node->parked;

	while (*link) {
		struct parked *parked = *link;

		if (parked->seq > node->persisted_seq) {
			link = &parked->next;
			continue;
		}
		*link = parked->next;
		check_leaves(w, node, &parked->packet->message);
		net_leave(w, node, parked->packet);
		free(parked);
	}
	node->parked_tail = link;
}

void sender_stop(struct node *node)
{
	while (node->parked) {
		struct parked *parked = node->parked;

		node->parked = parked->next;
		free(parked->packet);
		free(parked);
	}
	node->parked_tail = &node->parked;
}

static void send_records(struct world *w, struct node *node,
			 struct raft_message *message, bool witness,
			 struct record *const *records, u32 n, u64 after_seq)
{
	struct raft_entry entries[NET_ENTRIES_MAX];
	struct packet *packet;
	u32 i;

	memory_assert(n <= NET_ENTRIES_MAX);
	for (i = 0; i < n; i++)
		entries[i] = (struct raft_entry){
			.term = records[i]->term,
			.session = records[i]->session,
			.sequence = records[i]->sequence,
			.data = world_payload(records[i]),
			.bytes = witness &&
						 records[i]->type ==
							 RAFT_ENTRY_DATA ?
					 0 :
					 records[i]->bytes,
			.type = records[i]->type,
		};
	w->counters.witnessed += witness ? n : 0;
	message->entries = entries;
	message->n_entries = n;
	packet = net_encode(w, node, message);
	if (packet)
		dispatch(w, node, packet, after_seq);
}

static void read_later(struct world *w, struct node *node,
		       const struct raft_send *send, u32 n)
{
	struct read_job *job = memory_zeroed(struct_size(job, records, n));
	u64 ns = rng_between(&node->rng, w->plan.write_ns_min,
			     w->plan.write_ns_max);
	u32 i;

	w->counters.catch_ups++;
	trace(w, TRACE_CATCH_UP, node->id, send->message.to, send->first_index,
	      send->last_index, 0);
	job->message = send->message;
	job->first_index = send->first_index;
	job->n = n;
	job->bytes_max = send->bytes_max;
	job->witness = send->witness;
	for (i = 0; i < n; i++)
		job->records[i] = log_at(&node->log, send->first_index + i);
	world_at(w, w->now_ns + ns, EVENT_READ, node, job);
}

void sender_read_done(struct world *w, struct node *node, struct read_job *job)
{
	u64 bytes = 0;
	u32 n;

	for (n = 0; n < job->n && !w->violated; n++) {
		bytes += job->records[n]->bytes;
		if (n && bytes > job->bytes_max)
			break;
		if (is_cached(w, node, job->first_index + n))
			continue;
		/* Replaced meanwhile: what there is of it goes. */
		if (!store_read(w, node, job->records[n]))
			break;
	}
	if (n && !w->violated)
		send_records(w, node, &job->message, job->witness,
			     job->records, n, 0);
	free(job);
}

static void send_append(struct world *w, struct node *node,
			const struct raft_send *send)
{
	struct raft_message message = send->message;
	struct record *records[NET_ENTRIES_MAX];
	u32 i, n = send->last_index + 1 - send->first_index;

	if (n > NET_ENTRIES_MAX || send->last_index > node->log.n) {
		violation(w, "core", "node %u: sends entries %llu to %llu",
			  node->id, send->first_index, send->last_index);
		return;
	}
	for (i = 0; i < n; i++)
		records[i] = log_at(&node->log, send->first_index + i);
	if (n && (send->catch_up || !is_cached(w, node, send->first_index)))
		read_later(w, node, send, n);
	else
		send_records(w, node, &message, send->witness, records, n,
			     send->after_hard_state_seq);
}

static void send_propose(struct world *w, struct node *node,
			 const struct raft_send *send)
{
	struct raft_message message = send->message;
	struct raft_entry entry = send->entry;
	const struct op *op = send->proposal->payload;
	struct packet *packet;

	entry.data = op->data;
	message.entries = &entry;
	message.n_entries = 1;
	packet = net_encode(w, node, &message);
	if (packet)
		dispatch(w, node, packet, send->after_hard_state_seq);
}

/* Where the log begins, and the configuration that goes with it. */
void sender_install(struct world *w, struct node *node,
		    const struct raft_send *send, const struct raft_entry *data)
{
	struct raft_message message = send->message;
	u8 configuration[RAFT_CONFIGURATION_BYTES_MAX];
	struct raft_entry entries[2] = { {
		.data = configuration,
		.type = RAFT_ENTRY_CONFIGURATION,
	} };
	const struct slot *slot = NULL;
	struct packet *packet;

	if (message.install_snapshot.bytes) {
		slot = slots_find(node, &message);
		if (!slot)
			return;
		entries[0].data = slot->configuration;
		entries[0].bytes = slot->snapshot.configuration.bytes;
		message.install_snapshot.configuration_index =
			slot->snapshot.configuration.index;
	} else {
		entries[0].bytes = raft_configuration_encode(
			raft_committed_configuration(
				node->raft,
				&message.install_snapshot.configuration_index),
			configuration, sizeof(configuration));
	}
	message.entries = entries;
	message.n_entries = 1;
	if (data)
		entries[message.n_entries++] = *data;
	w->counters.snapshots_sent++;
	packet = net_encode(w, node, &message);
	if (packet)
		dispatch(w, node, packet, send->after_hard_state_seq);
}

static void trace_send(struct world *w, struct node *node,
		       const struct raft_send *send)
{
	const struct raft_message *m = &send->message;
	u64 index = 0;

	switch (m->type) {
	case RAFT_REQUEST_VOTE:
		index = m->request_vote.last_log_index;
		break;
	case RAFT_REQUEST_VOTE_RESPONSE:
		index = m->request_vote_response.granted;
		break;
	case RAFT_APPEND_ENTRIES:
		index = m->append_entries.prev_log_index;
		break;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		index = m->append_entries_response.match_index;
		break;
	case RAFT_PROPOSE:
		index = send->entry.sequence;
		break;
	case RAFT_INSTALL_SNAPSHOT:
		index = m->install_snapshot.snapshot_index;
		break;
	case RAFT_PROPOSE_RESPONSE:
		index = m->propose_response.sequence;
		w->counters.no_room += m->propose_response.error == -EAGAIN;
		break;
	case RAFT_READ_INDEX:
		index = m->read_index.sequence;
		w->counters.read_requests++;
		break;
	case RAFT_READ_INDEX_RESPONSE:
		index = m->read_index_response.index;
		break;
	}
	trace(w, TRACE_SEND, node->id, m->to, m->type, m->term, index);
	if (m->type == RAFT_APPEND_ENTRIES)
		trace(w, TRACE_SEND_APPEND, node->id, send->first_index,
		      send->last_index, m->append_entries.prev_log_term,
		      m->append_entries.leader_commit);
	if (m->type == RAFT_APPEND_ENTRIES_RESPONSE)
		trace(w, TRACE_SEND_ANSWER, node->id,
		      m->append_entries_response.rejected,
		      m->append_entries_response.prev_log_index,
		      m->append_entries_response.hint_index,
		      m->append_entries_response.hint_term);
	if (m->type == RAFT_REQUEST_VOTE)
		trace(w, TRACE_SEND_VOTE, node->id, m->request_vote.pre_vote,
		      m->request_vote.last_log_term, 0, 0);
}

void sender_send(struct world *w, struct node *node,
		 const struct raft_send *send)
{
	struct raft_message message = send->message;

	trace_send(w, node, send);
	check_said(w, node, &message);
	if (message.type == RAFT_APPEND_ENTRIES) {
		send_append(w, node, send);
	} else if (message.type == RAFT_PROPOSE) {
		send_propose(w, node, send);
	} else if (message.type == RAFT_INSTALL_SNAPSHOT) {
		if (send->chunk)
			slots_send(w, node, send);
		else
			sender_install(w, node, send, NULL);
	} else {
		send_records(w, node, &message, false, NULL, 0,
			     send->after_hard_state_seq);
	}
}
