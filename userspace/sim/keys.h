/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keys of the cluster and of each node, over the real wire code; their exchange
 * for others while all goes on; and somebody on the network who records, replays,
 * changes and redirects what he hears, but has no key.
 */
#ifndef RAFTLOG_SIM_KEYS_H
#define RAFTLOG_SIM_KEYS_H

#include "plan.h"
#include "rng.h"
#include "wire/channel.h"

struct node;
struct packet;
struct world;

enum keys_limits {
	/* Datagrams that wait for a key, of each peer. */
	KEYS_HELD_MAX = 8,
	KEYS_RECORDED = 64,
};

/** enum keys_step - what each node does in turn, in an exchange of keys */
enum keys_step {
	KEYS_STEP_NEXT, /* accept the next key */
	KEYS_STEP_SWITCH, /* send under it */
	KEYS_STEP_DROP, /* forget the one before */
	KEYS_STEPS,
};

/**
 * struct keys - what concerns all nodes
 * @rng: decides what happens
 * @generation: number of the key that is, or is about to be, everybody's
 * @step: of its exchange for the one after it
 * @done: bit: id; nodes that are through with @step
 * @n_sealed: datagrams sealed so far
 * @taken: by number of a datagram: somebody has opened it
 * @n_taken_max: room there
 * @recorded: what the one on the network keeps
 */
struct keys {
	struct rng rng;
	u64 generation;
	u32 step;
	u32 done;
	u64 n_sealed;
	bool *taken;
	u64 n_taken_max;
	struct packet *recorded[KEYS_RECORDED];
};

/**
 * struct node_keys - what concerns one of them, while it is up
 * @keyring: its keys
 * @channels: by id
 * @held: datagrams that wait for a key
 * @n_held: how many
 * @ask_at: when it looks at the channels next, U64_MAX: never
 */
struct node_keys {
	struct wire_keyring keyring;
	struct wire_channel channels[NODES_MAX + 1];
	struct packet *held[NODES_MAX + 1][KEYS_HELD_MAX];
	u32 n_held[NODES_MAX + 1];
	u64 ask_at;
};

void keys_init(struct world *w);
void keys_free(struct world *w);
/** keys_start() - a new session */
void keys_start(struct world *w, struct node *node);
/** keys_stop() - its end; also of a node that was never up */
void keys_stop(struct node *node);
/** keys_send() - seal what net_encode() made, and send it when there is a key */
void keys_send(struct world *w, struct node *node, struct packet *packet);
/** keys_ask() - EVENT_ASK: whatever is due */
void keys_ask(struct world *w, struct node *node);
/** keys_rotate() - EVENT_ROTATE: the next node takes the next step */
void keys_rotate(struct world *w);
/** keys_overhear() - somebody hears @packet, and may do something */
void keys_overhear(struct world *w, const struct packet *packet);

/**
 * keys_open() - what comes to a node
 * @w: world
 * @node: receiver
 * @packet: as it arrived
 * @header: decoded from it
 *
 * Return: length of the body, 0 for a handshake, or an error.
 */
int keys_open(struct world *w, struct node *node, struct packet *packet,
	      const struct wire_header *header);

#endif /* RAFTLOG_SIM_KEYS_H */
