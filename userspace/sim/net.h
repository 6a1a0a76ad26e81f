/* SPDX-License-Identifier: GPL-2.0 */
/* The network: datagrams that are late, lost, doubled, damaged or cut off. */
#ifndef RAFTLOG_SIM_NET_H
#define RAFTLOG_SIM_NET_H

#include "plan.h"
#include "raft/raft.h"
#include "rng.h"

struct world;
struct node;

enum net_limits {
	NET_ENTRIES_MAX = 64,
	NET_DATAGRAM_BYTES = 65000,
};

/**
 * struct packet - a datagram
 * @next: in an inbox
 * @message: what was encoded, without entries; for the checker
 * @corrupt: some bits were changed
 * @handshake: there is no message
 * @cluster_id: that its sender was of
 * @number: of those that were encrypted
 * @bytes: length
 * @data: the datagram
 */
struct packet {
	struct packet *next;
	struct raft_message message;
	u64 cluster_id;
	u64 number;
	bool corrupt;
	bool handshake;
	u32 bytes;
	u8 data[];
};

/**
 * struct net - the network
 * @rng: decides what happens to a datagram
 * @cut: [from][to]: nothing passes
 * @lane_ns: [from][to]: when the last datagram with entries arrives. The
 *	transport keeps these in order, unless a crash or a retry interferes
 * @to_twin: what is sent to the id of two machines goes to the wrong one now
 * @quiet: no faults any more
 */
struct net {
	struct rng rng;
	bool cut[NODES_MAX + 1][NODES_MAX + 1];
	u64 lane_ns[NODES_MAX + 1][NODES_MAX + 1];
	bool to_twin;
	bool quiet;
};

/**
 * net_encode() - a message to a datagram
 * @w: world
 * @from: sender
 * @message: with entries and their data
 *
 * Return: the datagram, without header and tag, or NULL with a violation noted.
 */
struct packet *net_encode(struct world *w, struct node *from,
			  const struct raft_message *message);

/** net_leave() - header and tag around what net_encode() made, and on its way */
void net_leave(struct world *w, struct node *from, struct packet *packet);

/** net_send() - hand a datagram to the network, which frees it */
void net_send(struct world *w, struct packet *packet);

/** net_inject() - somebody else than its sender does, and nobody hears it */
void net_inject(struct world *w, struct packet *packet);

/** net_arrive() - it is there */
void net_arrive(struct world *w, struct packet *packet);

/**
 * net_decode() - a datagram to a message
 * @w: world
 * @node: receiver
 * @packet: as it arrived
 * @message: filled in; points into @packet and @entries
 * @entries: room for NET_ENTRIES_MAX; payloads are set to the clients' ops
 *
 * Return: false if it was refused.
 */
bool net_decode(struct world *w, struct node *node, struct packet *packet,
		struct raft_message *message, struct raft_entry *entries);

void net_partition(struct world *w, enum fault kind, u32 leader_id);
void net_heal(struct world *w);
/** net_is_partitioned() - is there somebody who does not hear another one? */
bool net_is_partitioned(const struct world *w);

#endif /* RAFTLOG_SIM_NET_H */
