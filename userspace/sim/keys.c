// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "keys.h"
#include "memory.h"
#include "world.h"

void keys_init(struct world *w)
{
	rng_seed(&w->keys.rng, w->seed, 7);
	w->keys.generation = 1;
	if (w->plan.rotate_interval_ns)
		world_at(w, 2 * w->plan.election_timeout_ns, EVENT_ROTATE, NULL,
			 NULL);
}

void keys_free(struct world *w)
{
	u32 i;

	for (i = 0; i < KEYS_RECORDED; i++)
		free(w->keys.recorded[i]);
	free(w->keys.taken);
}

static void secret_of(const struct world *w, u64 generation, u8 *secret)
{
	struct rng rng;
	u32 i;

	rng_seed(&rng, w->seed ^ generation, 8);
	for (i = 0; i < WIRE_KEY_BYTES; i++)
		secret[i] = rng_next(&rng);
}

/* Generations of the keys that @node is to hold now, 0: none. */
static void held_by(const struct world *w, const struct node *node,
		    u64 held[WIRE_KEYS])
{
	const struct keys *keys = &w->keys;
	u64 g = keys->generation;
	u32 stage = keys->step + (keys->done >> node->id & 1);

	held[WIRE_KEY_PREVIOUS] = stage == KEYS_STEP_DROP ? g : 0;
	held[WIRE_KEY_CURRENT] = stage < KEYS_STEP_DROP ? g : g + 1;
	held[WIRE_KEY_NEXT] = stage == KEYS_STEP_SWITCH ? g + 1 : 0;
}

static void install(struct world *w, struct node *node)
{
	struct node_keys *keys = &node->keys;
	u8 secrets[WIRE_KEYS][WIRE_KEY_BYTES];
	const u8 *given[WIRE_KEYS] = {};
	u64 held[WIRE_KEYS];
	u32 i;

	held_by(w, node, held);
	for (i = 0; i < WIRE_KEYS; i++) {
		if (!held[i])
			continue;
		secret_of(w, held[i], secrets[i]);
		given[i] = secrets[i];
	}
	wire_keyring_set(&keys->keyring, given);
	for (i = 1; i <= NODES_MAX; i++)
		wire_channel_keys(&keys->keyring, &keys->channels[i]);
}

void keys_start(struct world *w, struct node *node)
{
	struct node_keys *keys = &node->keys;
	u8 boot_secret[WIRE_KEY_BYTES];
	u32 i;

	if (!w->plan.keyed)
		return;
	for (i = 0; i < WIRE_KEY_BYTES; i++)
		boot_secret[i] = rng_next(&w->keys.rng);
	wire_keyring_init(&keys->keyring, w->cluster_id, node->id,
			  node->session, boot_secret,
			  w->plan.election_timeout_ns / 16);
	if (w->plan.epoch_datagrams)
		keys->keyring.epoch_datagrams = w->plan.epoch_datagrams;
	if (w->plan.epoch_ns)
		keys->keyring.epoch_ns = w->plan.epoch_ns;
	for (i = 1; i <= NODES_MAX; i++)
		wire_channel_init(&keys->channels[i], i,
				  i != node->id && i <= w->n_nodes);
	install(w, node);
	keys->ask_at = U64_MAX;
	keys_ask(w, node);
}

void keys_stop(struct node *node)
{
	struct node_keys *keys = &node->keys;
	u32 i;

	for (i = 1; i <= NODES_MAX; i++) {
		while (keys->n_held[i])
			free(keys->held[i][--keys->n_held[i]]);
		memset(&keys->channels[i], 0, sizeof(keys->channels[i]));
	}
	wire_keyring_clear(&keys->keyring);
}

void keys_rotate(struct world *w)
{
	struct keys *keys = &w->keys;
	u64 after = rng_between(&keys->rng, 1, w->plan.rotate_interval_ns);
	u32 id = 1 + rng_below(&keys->rng, w->n_nodes), i;

	while (keys->done >> id & 1)
		id = id % w->n_nodes + 1;
	keys->done |= 1u << id;
	for (i = 0; i <= NODES_MAX; i++) {
		struct node *node = &w->nodes[i];

		if (!node->up || node->id != id)
			continue;
		install(w, node);
		keys_ask(w, node);
	}
	if (keys->done == (2u << w->n_nodes) - 2) {
		keys->done = 0;
		keys->step++;
	}
	if (keys->step == KEYS_STEPS) {
		keys->step = KEYS_STEP_NEXT;
		keys->generation++;
		w->counters.rotations++;
	}
	trace(w, TRACE_ROTATE, id, keys->generation, keys->step, keys->done, 0);
	world_at(w, w->now_ns + after, EVENT_ROTATE, NULL, NULL);
}

/* Handshakes are packets without a message. */
static struct packet *handshake_packet(const struct world *w,
				       const struct node *from, u32 to)
{
	struct packet *packet = memory_zeroed(sizeof(*packet) +
					      WIRE_HANDSHAKE_BYTES);

	packet->message.from = from->id;
	packet->message.to = to;
	packet->cluster_id = w->cluster_id;
	packet->bytes = WIRE_HANDSHAKE_BYTES;
	packet->handshake = true;
	return packet;
}

void keys_ask(struct world *w, struct node *node)
{
	struct node_keys *keys = &node->keys;
	u64 at = U64_MAX;
	u32 i;

	if (keys->ask_at <= w->now_ns)
		keys->ask_at = U64_MAX;
	for (i = 1; i <= NODES_MAX; i++) {
		struct wire_channel *channel = &keys->channels[i];
		struct packet *packet;

		if (wire_channel_deadline(channel) <= w->now_ns) {
			packet = handshake_packet(w, node, i);
			if (wire_channel_ask(&keys->keyring, channel,
					     packet->data, w->now_ns)) {
				w->counters.keys_asked++;
				net_send(w, packet);
			} else {
				free(packet);
			}
		}
		at = min(at, wire_channel_deadline(channel));
	}
	if (at >= keys->ask_at)
		return;
	keys->ask_at = at;
	world_at(w, at, EVENT_ASK, node, NULL);
}

/* Return: false without a key. */
static bool seal(struct world *w, struct node *node, struct packet *packet)
{
	struct keys *keys = &w->keys;
	u32 to = packet->message.to;
	size_t bytes;

	bytes = wire_channel_seal(&node->keys.keyring, &node->keys.channels[to],
				  WIRE_MESSAGE, packet->data,
				  packet->bytes - WIRE_OVERHEAD_BYTES,
				  w->now_ns);
	if (!bytes)
		return false;
	packet->bytes = bytes;
	packet->number = keys->n_sealed;
	keys->taken = memory_grow(keys->taken, keys->n_sealed,
				  &keys->n_taken_max, sizeof(*keys->taken));
	keys->taken[keys->n_sealed++] = false;
	return true;
}

/* As in the module's lanes: what is oldest goes first, and if need be for nothing. */
static void hold(struct world *w, struct node *node, struct packet *packet)
{
	u32 to = packet->message.to;
	struct packet **held = node->keys.held[to];
	u32 *n = &node->keys.n_held[to];

	w->counters.keys_waited++;
	if (*n == KEYS_HELD_MAX) {
		free(held[0]);
		memmove(held, held + 1, --*n * sizeof(*held));
	}
	held[(*n)++] = packet;
}

void keys_send(struct world *w, struct node *node, struct packet *packet)
{
	if (seal(w, node, packet))
		net_send(w, packet);
	else
		hold(w, node, packet);
	keys_ask(w, node);
}

static void release(struct world *w, struct node *node, u32 to)
{
	struct packet **held = node->keys.held[to];
	u32 i, n = node->keys.n_held[to];

	node->keys.n_held[to] = 0;
	for (i = 0; i < n; i++)
		keys_send(w, node, held[i]);
}

/* It is true what it says, so nobody can have changed it. */
static void believe(struct world *w, const struct node *node,
		    const struct packet *packet, const char *what)
{
	if (packet->corrupt)
		violation(w, "wire", "node %u: a forged %s is believed",
			  node->id, what);
	if (packet->cluster_id != w->cluster_id)
		violation(w, "identity", "node %u: a %s of another cluster",
			  node->id, what);
}

static int take_request(struct world *w, struct node *node,
			struct wire_channel *channel, struct packet *packet,
			const struct wire_header *header)
{
	struct packet *response = handshake_packet(w, node, header->sender);
	u64 foreign;
	int result;

	result = wire_channel_answer(&node->keys.keyring, channel, header,
				     packet->data, response->data, &foreign);
	if (result >= 0)
		believe(w, node, packet, "request");
	if (result > 0)
		net_send(w, response);
	else
		free(response);
	return min(result, 0);
}

static int take_response(struct world *w, struct node *node,
			 struct wire_channel *channel, struct packet *packet,
			 const struct wire_header *header)
{
	int result = wire_channel_response(&node->keys.keyring, channel, header,
					   packet->data, w->now_ns);

	if (result)
		return result;
	believe(w, node, packet, "response");
	w->counters.keys_agreed++;
	release(w, node, header->sender);
	return 0;
}

static void reject(struct world *w, struct node *node,
		   struct wire_channel *channel, const struct packet *packet,
		   const struct wire_header *header)
{
	struct packet *request = handshake_packet(w, node, header->sender);

	if (wire_channel_reject(&node->keys.keyring, channel, header,
				packet->bytes, request->data, w->now_ns)) {
		w->counters.keys_rejected++;
		net_send(w, request);
	} else {
		free(request);
	}
}

/* Nobody opens it twice, nor under a key that he does not hold any more. */
static void check_taken(struct world *w, struct node *node,
			const struct packet *packet)
{
	bool *taken = &w->keys.taken[packet->number];

	believe(w, node, packet, "datagram");
	if (*taken && !w->violated)
		violation(w, "replay", "node %u: a datagram is opened again",
			  node->id);
	*taken = true;
}

static int take_data(struct world *w, struct node *node,
		     struct wire_channel *channel, struct packet *packet,
		     const struct wire_header *header)
{
	int result = wire_channel_open(&node->keys.keyring, channel, header,
				       packet->data, packet->bytes);

	if (result >= 0)
		check_taken(w, node, packet);
	if (result == -ESTALE) {
		w->counters.keys_stale++;
		reject(w, node, channel, packet, header);
	}
	if (result == -EALREADY)
		w->counters.replays_refused++;
	return result;
}

/* As of a stranger that is heard seldom, or a member that went and came back. */
static void forget_somebody(struct world *w, struct node *node)
{
	u32 id = 1 + rng_below(&w->keys.rng, w->n_nodes);

	w->counters.channels_forgotten++;
	wire_channel_forget(&node->keys.keyring, &node->keys.channels[id]);
	wire_channel_init(&node->keys.channels[id], id, id != node->id);
}

int keys_open(struct world *w, struct node *node, struct packet *packet,
	      const struct wire_header *header)
{
	struct wire_channel *channel;
	int result;

	if (header->sender > NODES_MAX || header->sender == node->id)
		return -EBADMSG;
	if (!w->quiet && rng_chance(&w->keys.rng, w->plan.forget))
		forget_somebody(w, node);
	channel = &node->keys.channels[header->sender];
	switch (header->type) {
	case WIRE_REQUEST:
		result = take_request(w, node, channel, packet, header);
		break;
	case WIRE_RESPONSE:
		result = take_response(w, node, channel, packet, header);
		break;
	default:
		result = take_data(w, node, channel, packet, header);
		break;
	}
	keys_ask(w, node);
	return result;
}

static struct packet *copy_of(const struct packet *packet)
{
	struct packet *copy = memory_zeroed(sizeof(*copy) + packet->bytes);

	memcpy(copy, packet, sizeof(*copy) + packet->bytes);
	copy->message.n_entries = 0;
	return copy;
}

static void record(struct world *w, const struct packet *packet)
{
	u32 i = rng_below(&w->keys.rng, KEYS_RECORDED);

	/* Some for ever: they will be of long ago. */
	if (w->keys.recorded[i] && i < KEYS_RECORDED / 4)
		return;
	free(w->keys.recorded[i]);
	w->keys.recorded[i] = copy_of(packet);
}

/* To whom it was not sent, as if it had been; or back, as if it were an answer. */
static void redirect(struct world *w, struct packet *packet)
{
	struct raft_message *message = &packet->message;
	u32 id = 1 + rng_below(&w->keys.rng, w->n_nodes);
	u8 before[WIRE_HEADER_BYTES];
	struct wire_header header;

	if (wire_header_decode(&header, packet->data, packet->bytes))
		return;
	memcpy(before, packet->data, sizeof(before));
	if (rng_chance(&w->keys.rng, RNG_ONE / 2)) {
		swap(header.sender, header.receiver);
		swap(message->from, message->to);
	} else if (rng_chance(&w->keys.rng, RNG_ONE / 2)) {
		header.receiver = id;
		message->to = id;
	} else {
		header.sender = id;
	}
	if (header.type >= WIRE_REQUEST && rng_chance(&w->keys.rng, RNG_ONE / 4))
		header.type = WIRE_REQUEST + WIRE_RESPONSE - header.type;
	wire_header_encode(&header, packet->data);
	/* The id that was drawn may be the one that was there. */
	packet->corrupt = memcmp(before, packet->data, sizeof(before));
}

static void flip(struct world *w, struct packet *packet)
{
	u64 bit = rng_below(&w->keys.rng, packet->bytes * 8ull);

	packet->corrupt = true;
	packet->data[bit / 8] ^= 1u << (bit % 8);
	if (rng_chance(&w->keys.rng, RNG_ONE / 8))
		packet->bytes = rng_between(&w->keys.rng, 1, packet->bytes - 1);
}

void keys_overhear(struct world *w, const struct packet *packet)
{
	struct packet *forged;
	u32 i;

	if (!w->plan.keyed || w->quiet || !w->plan.attack)
		return;
	record(w, packet);
	if (!rng_chance(&w->keys.rng, w->plan.attack))
		return;
	i = rng_below(&w->keys.rng, KEYS_RECORDED);
	if (!w->keys.recorded[i])
		return;
	w->counters.attacks++;
	forged = copy_of(w->keys.recorded[i]);
	switch (rng_below(&w->keys.rng, 3)) {
	case 0:
		flip(w, forged);
		break;
	case 1:
		redirect(w, forged);
		break;
	}
	net_inject(w, forged);
}
