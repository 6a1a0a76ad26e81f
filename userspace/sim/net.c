// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "memory.h"
#include "wire/wire.h"
#include "world.h"

struct packet *net_encode(struct world *w, struct node *from,
			  const struct raft_message *message)
{
	size_t bytes = wire_message_bytes(message);
	struct packet *packet;
	int written;

	if (!bytes || bytes > NET_DATAGRAM_BYTES - WIRE_OVERHEAD_BYTES) {
		violation(w, "wire", "node %u: a %s of %zu bytes", from->id,
			  raft_message_type_name(message->type), bytes);
		return NULL;
	}
	packet = memory_zeroed(sizeof(*packet) + bytes + WIRE_OVERHEAD_BYTES);
	written = wire_message_encode(message, packet->data + WIRE_HEADER_BYTES,
				      bytes);
	if (written != (int)bytes) {
		violation(w, "wire", "node %u: cannot encode a %s: %d",
			  from->id, raft_message_type_name(message->type),
			  written);
		free(packet);
		return NULL;
	}
	packet->bytes = bytes + WIRE_OVERHEAD_BYTES;
	packet->message = *message;
	packet->message.entries = NULL;
	packet->cluster_id = w->cluster_id;
	return packet;
}

void net_leave(struct world *w, struct node *from, struct packet *packet)
{
	const struct wire_header header = {
		.type = WIRE_MESSAGE,
		.sender = from->id,
		.receiver = packet->message.to,
		.session = from->session,
		.counter = ++from->counter,
	};

	if (w->plan.keyed) {
		keys_send(w, from, packet);
		return;
	}
	wire_seal(packet->data, packet->bytes - WIRE_OVERHEAD_BYTES, &header,
		  w->cluster_id);
	net_send(w, packet);
}

static void damage(struct world *w, struct packet *packet)
{
	u64 n = rng_between(&w->net.rng, 1, 3);
	u64 bit = 0, first = U64_MAX;

	/* What an attacker changed could be put right again. */
	if (packet->corrupt)
		return;
	packet->corrupt = true;
	w->counters.corrupted++;
	while (n--) {
		bit = rng_below(&w->net.rng, packet->bytes * 8ull);
		/* The same bit twice is no damage. */
		if (bit == first)
			continue;
		first = min(first, bit);
		packet->data[bit / 8] ^= 1u << (bit % 8);
	}
	if (rng_chance(&w->net.rng, RNG_ONE / 4))
		packet->bytes = rng_below(&w->net.rng, packet->bytes);
}

static void deliver_later(struct world *w, struct packet *packet, bool late)
{
	const struct plan *plan = &w->plan;
	struct net *net = &w->net;
	u64 *lane_ns = &net->lane_ns[packet->message.from][packet->message.to];
	u64 at = w->now_ns +
		 rng_between(&net->rng, plan->delay_ns_min, plan->delay_ns_max);

	late |= rng_chance(&net->rng, plan->slow);
	if (!net->quiet && late)
		at += rng_below(&net->rng, plan->slow_ns);
	if (!net->quiet && rng_chance(&net->rng, plan->corrupt))
		damage(w, packet);
	if (packet->message.n_entries && (plan->lanes || net->quiet)) {
		at = max(at, *lane_ns + 1);
		*lane_ns = at;
	}
	world_at(w, at, EVENT_ARRIVE, NULL, packet);
}

void net_send(struct world *w, struct packet *packet)
{
	struct net *net = &w->net;
	const struct raft_message *message = &packet->message;

	w->counters.sent++;
	keys_overhear(w, packet);
	if (net->cut[message->from][message->to]) {
		w->counters.cut++;
		free(packet);
		return;
	}
	if (!net->quiet && rng_chance(&net->rng, w->plan.loss)) {
		w->counters.lost++;
		free(packet);
		return;
	}
	if (!net->quiet && rng_chance(&net->rng, w->plan.duplicate)) {
		struct packet *copy =
			memory_zeroed(sizeof(*copy) + packet->bytes);

		memcpy(copy, packet, sizeof(*copy) + packet->bytes);
		w->counters.duplicated++;
		deliver_later(w, copy, w->plan.late_duplicates);
	}
	deliver_later(w, packet, false);
}

void net_inject(struct world *w, struct packet *packet)
{
	deliver_later(w, packet, w->plan.slow);
}

/* Two machines answer to one address: for a while this one, then that one. */
static struct node *find_receiver(struct world *w, u32 id)
{
	struct node *twin = world_twin(w);

	if (!twin->up || twin->id != id)
		return &w->nodes[id - 1];
	if (rng_chance(&w->net.rng, RNG_ONE / 8))
		w->net.to_twin = !w->net.to_twin;
	if (!w->net.to_twin)
		return &w->nodes[id - 1];
	w->counters.misled++;
	return twin;
}

void net_arrive(struct world *w, struct packet *packet)
{
	struct node *node = find_receiver(w, packet->message.to);
	struct item item = {
		.kind = ITEM_PACKET,
		.packet = packet,
	};

	if (!node->up || node->n_inbox >= w->plan.inbox_items) {
		if (node->up)
			w->counters.overflowed++;
		free(packet);
		return;
	}
	owner_push(w, node, &item);
}

static bool refuse(struct world *w, struct node *node,
		   const struct packet *packet, int error)
{
	trace(w, TRACE_REFUSE, node->id, packet->message.from, packet->bytes, 0,
	      0);
	if (packet->cluster_id != w->cluster_id)
		w->counters.foreign++;
	/*
	 * With a key, what comes too late, again, or before it is agreed on; and
	 * handshakes under a key that is gone, which headers may call as another one.
	 */
	else if (!packet->corrupt && !packet->handshake &&
		 (!w->plan.keyed ||
		  (error != -ESTALE && error != -EALREADY && error != -ENOKEY)))
		violation(w, "wire", "node %u: a good %s is refused: %d",
			  node->id,
			  raft_message_type_name(packet->message.type), error);
	return false;
}

/* Return: length of the body, 0 for a handshake, or an error. */
static int authenticate(struct world *w, struct node *node,
			struct packet *packet, const struct wire_header *header)
{
	u64 foreign;

	if (header->receiver != node->id || w->plan.keyed != !!header->key_id)
		return -EBADMSG;
	if (w->plan.keyed)
		return keys_open(w, node, packet, header);
	return wire_open(packet->data, packet->bytes, w->cluster_id, &foreign);
}

static int open_packet(struct world *w, struct node *node, struct packet *packet,
		       struct raft_message *message, struct raft_entry *entries)
{
	const struct wire_limits limits = {
		.n_entries_max = NET_ENTRIES_MAX,
		.entry_bytes_max = w->plan.payload_max,
		.message_bytes_max = NET_DATAGRAM_BYTES,
	};
	struct wire_header header;
	int bytes;

	bytes = wire_header_decode(&header, packet->data, packet->bytes);
	if (bytes)
		return bytes;
	bytes = authenticate(w, node, packet, &header);
	if (bytes <= 0)
		return bytes;
	if (header.type != WIRE_MESSAGE)
		return -ENOMSG;
	return wire_message_decode(message, entries, &limits, header.sender,
				   header.receiver,
				   packet->data + WIRE_HEADER_BYTES, bytes);
}

/* Which client's entry is it, and is it what that client wrote? */
static bool identify(struct world *w, struct node *node,
		     struct raft_entry *entry)
{
	struct op *op;
	u64 i;

	if (entry->type == RAFT_ENTRY_NOOP)
		return true;
	if (entry->type == RAFT_ENTRY_CONFIGURATION) {
		for (i = 0; i < w->check.n_configurations; i++) {
			const struct record *record =
				w->check.configurations[i];

			if (record->bytes == entry->bytes &&
			    !memcmp(record->data, entry->data, entry->bytes))
				return true;
		}
	} else if (entry->type == RAFT_ENTRY_SESSIONS) {
		for (i = 0; i < w->check.n_checkpoints; i++) {
			const struct record *record = w->check.checkpoints[i];

			if (record->sequence == entry->sequence &&
			    record->bytes == entry->bytes &&
			    !memcmp(record->data, entry->data, entry->bytes))
				return true;
		}
	} else {
		op = clients_find(w, entry->session, entry->sequence);
		entry->payload = op;
		if (op && node->witness && !entry->bytes)
			return true;
		if (op && op->bytes == entry->bytes &&
		    !memcmp(op->data, entry->data, op->bytes))
			return true;
	}
	violation(w, "integrity", "node %u: an entry that nobody wrote",
		  node->id);
	return false;
}

/* Of a snapshot; the application knows its own when it is whole. */
static bool is_chunk(const struct raft_message *message, u32 i)
{
	return message->type == RAFT_INSTALL_SNAPSHOT && i == 1;
}

bool net_decode(struct world *w, struct node *node, struct packet *packet,
		struct raft_message *message, struct raft_entry *entries)
{
	int error = open_packet(w, node, packet, message, entries);
	u32 i;

	if (error)
		return refuse(w, node, packet, error);
	if (packet->handshake)
		return false;
	if (packet->corrupt)
		violation(w, "wire", "node %u: a damaged datagram is believed",
			  node->id);
	if (packet->cluster_id != w->cluster_id)
		violation(w, "identity", "node %u hears another cluster",
			  node->id);
	for (i = 0; i < message->n_entries; i++)
		if (!is_chunk(message, i) && !identify(w, node, &entries[i]))
			return false;
	return !w->violated;
}

void net_heal(struct world *w)
{
	memset(w->net.cut, 0, sizeof(w->net.cut));
	trace(w, TRACE_HEAL, 0, 0, 0, 0, 0);
}

bool net_is_partitioned(const struct world *w)
{
	return memchr(w->net.cut, true, sizeof(w->net.cut));
}

static void cut_sides(struct world *w, u32 side, u32 bridge)
{
	u32 from, to;

	for (from = 1; from <= w->n_nodes; from++)
		for (to = 1; to <= w->n_nodes; to++)
			if ((side >> from & 1) != (side >> to & 1) &&
			    from != bridge && to != bridge)
				w->net.cut[from][to] = true;
}

/* From whoever leads it, as far as it knows. */
static bool is_cut_off(const struct world *w, const struct node *node)
{
	struct raft_status status;

	if (!node->up || !node->raft)
		return false;
	raft_status(node->raft, &status);
	return w->net.cut[status.leader_id][node->id] ||
	       w->net.cut[node->id][status.leader_id];
}

void net_partition(struct world *w, enum fault kind, u32 leader_id)
{
	struct net *net = &w->net;
	u32 node = 1 + rng_below(&net->rng, w->n_nodes);
	u32 side = rng_next(&net->rng) & ((2u << w->n_nodes) - 2);
	bool hears = rng_chance(&net->rng, RNG_ONE / 2);
	u32 i;

	net_heal(w);
	w->counters.partitions++;
	trace(w, TRACE_PARTITION, 0, kind, side, node, 0);
	switch (kind) {
	case FAULT_PARTITION_ISOLATE:
		cut_sides(w, 1u << node, 0);
		break;
	case FAULT_PARTITION_LEADER:
		cut_sides(w, 1u << leader_id, 0);
		break;
	case FAULT_PARTITION_ONE_WAY:
		for (i = 1; i <= w->n_nodes; i++)
			if (hears)
				net->cut[node][i] = true;
			else
				net->cut[i][node] = true;
		break;
	case FAULT_PARTITION_CHAIN:
		for (i = 1; i <= w->n_nodes; i++)
			for (node = 1; node <= w->n_nodes; node++)
				net->cut[i][node] = i + 1 < node || node + 1 < i;
		break;
	case FAULT_PARTITION_BRIDGE:
		cut_sides(w, side, node);
		break;
	default:
		cut_sides(w, side, 0);
		break;
	}
	for (i = 0; i < w->n_nodes; i++)
		if (is_cut_off(w, &w->nodes[i]))
			check_interrupted(w, &w->nodes[i]);
}
