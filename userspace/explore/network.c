// SPDX-License-Identifier: GPL-2.0
/*
 * Messages under way. What is in a channel may arrive at any time, in any order,
 * or never. A message that is under way already is not sent again: that copy is
 * the one the network loses; that it comes twice is a duplicate, which has a
 * bound of its own. So heartbeats without end need no room without end. A channel
 * that is full loses the oldest. All this leaves out what can happen, and adds
 * nothing that cannot.
 */
#include "check.h"

static bool is_append(const struct raft_message *message)
{
	return message->type == RAFT_APPEND_ENTRIES ||
	       message->type == RAFT_APPEND_ENTRIES_RESPONSE;
}

static u64 *sent_ns(struct raft_message *message)
{
	if (message->type == RAFT_INSTALL_SNAPSHOT)
		return &message->install_snapshot.sent_ns;
	return message->type == RAFT_APPEND_ENTRIES ?
		       &message->append_entries.sent_ns :
		       &message->append_entries_response.sent_ns;
}

/* What goes with when it was sent. Timeouts are the same everywhere. */
static u64 *promised_ns(struct raft_message *message)
{
	return &message->append_entries_response.promised_ns;
}

/* Packets are zero where nothing is. Equal in all but when it was sent. */
static bool is_same(const struct packet *a, const struct packet *b)
{
	struct packet x = *a, y = *b;

	if ((is_append(&x.message) ||
	     x.message.type == RAFT_INSTALL_SNAPSHOT) &&
	    x.message.type == y.message.type) {
		*sent_ns(&x.message) = 0;
		*sent_ns(&y.message) = 0;
	}
	if (x.message.type == RAFT_APPEND_ENTRIES_RESPONSE &&
	    y.message.type == RAFT_APPEND_ENTRIES_RESPONSE) {
		*promised_ns(&x.message) = 0;
		*promised_ns(&y.message) = 0;
	}
	return !memcmp(&x, &y, sizeof(x));
}

static void remove_slot(struct channel *channel, u32 slot)
{
	channel->n--;
	memmove(channel->packets + slot, channel->packets + slot + 1,
		(channel->n - slot) * sizeof(channel->packets[0]));
}

static void leave(struct node *node, const struct packet *packet)
{
	struct channel *channel =
		channel_between(node->id, packet->message.to);
	u32 i;

	check_leaves(node, &packet->message);
	for (i = 0; i < channel->n; i++) {
		if (!is_same(&channel->packets[i], packet))
			continue;
		channel->packets[i] = *packet; /* the newer sent_ns */
		return;
	}
	if (channel->n == bounds.channel) {
		counters.overflows++;
		remove_slot(channel, 0);
	}
	channel->packets[channel->n++] = *packet;
}

void network_send(struct node *node, const struct raft_send *send)
{
	struct packet packet;
	u32 i, n = send->message.n_entries;

	/* Copies are compared byte by byte. */
	memset(&packet, 0, sizeof(packet));
	memcpy(&packet.message, &send->message, sizeof(packet.message));
	check_said(node, &packet.message);
	if (n > APPEND_MAX || send->catch_up ||
	    (send->message.type == RAFT_APPEND_ENTRIES &&
	     send->first_index + n > node->log.n + 1)) {
		violation("core", "node %u sends %u entries from %llu on",
			  node->id, n, send->first_index);
		return;
	}
	if (send->message.type == RAFT_PROPOSE) {
		packet.entries[0] = (struct entry){
			.term = send->entry.term,
			.type = send->entry.type,
			.session = send->entry.session,
			.sequence = send->entry.sequence,
		};
		counters.forwarded++;
	} else if (send->message.type == RAFT_INSTALL_SNAPSHOT) {
		packet.entries[0].type = RAFT_ENTRY_CONFIGURATION;
		packet.entries[0].sequence = node_committed(
			node, &packet.message.install_snapshot
				       .configuration_index);
	} else {
		for (i = 0; i < n; i++)
			packet.entries[i] =
				*log_at(&node->log, send->first_index + i);
	}
	if (send->after_hard_state_seq <= node->persisted_seq) {
		leave(node, &packet);
		return;
	}
	if (node->n_parked == PARKED_MAX) {
		verdict.beyond = true;
		return;
	}
	counters.parked++;
	node->parked[node->n_parked].seq = send->after_hard_state_seq;
	node->parked[node->n_parked].packet = packet;
	node->n_parked++;
}

/* What waited for writes that are done now. */
void network_release(struct node *node)
{
	u32 i, n = 0;

	for (i = 0; i < node->n_parked; i++) {
		if (node->parked[i].seq <= node->persisted_seq)
			leave(node, &node->parked[i].packet);
		else
			node->parked[n++] = node->parked[i];
	}
	node->n_parked = n;
}

void network_take(u32 from, u32 to, u32 slot, bool keep, struct packet *packet)
{
	struct channel *channel = channel_between(from, to);

	*packet = channel->packets[slot];
	counters.overtaken += slot > 0;
	if (!keep)
		remove_slot(channel, slot);
}

/*
 * Would a refusal of this message, or this refusal, tell its leader that what it
 * sent before is lost, or (2) that the disk forgot what it acknowledged? All that
 * the core asks of the time a message was sent at, beside figures for others. As
 * refused() in kmod/raft/replication.c does it.
 */
u8 network_told_late(const struct packet *packet)
{
	struct raft_message message = packet->message;
	u32 leader = message.type == RAFT_APPEND_ENTRIES ? message.from :
							   message.to;
	u32 follower = message.from + message.to - leader;
	const struct raft *r = core_of(&world.nodes[leader - 1]);
	const struct raft_peer *peer = &r->peers[follower - 1];
	const struct raft_inflight *oldest =
		&peer->inflight[peer->inflight_head];

	bool lost, forgot;

	if (!is_append(&message) || r->role != RAFT_LEADER ||
	    r->hard_state.current_term != message.term)
		return 0;
	lost = peer->n_inflight &&
	       oldest->sent_ns + peer->rtt_ns / 4 + NSEC_PER_MSEC <
		       *sent_ns(&message);
	/* Nothing is refused that was known to match, but after damage. */
	forgot = bounds.damages && peer->match_ns < *sent_ns(&message);
	return forgot << 1 | lost;
}

/* When what it is, or answers, was sent, by the clock of that leader; 0: by none. */
u64 network_sent_ns(const struct packet *packet, u32 *leader_id)
{
	struct raft_message message = packet->message;
	const struct raft *r;

	if (!is_append(&message) && message.type != RAFT_INSTALL_SNAPSHOT)
		return 0;
	*leader_id = message.type == RAFT_APPEND_ENTRIES_RESPONSE ?
			     message.to :
			     message.from;
	r = core_of(&world.nodes[*leader_id - 1]);
	if (r->role != RAFT_LEADER ||
	    r->hard_state.current_term != message.term)
		return 0;
	return *sent_ns(&message);
}
