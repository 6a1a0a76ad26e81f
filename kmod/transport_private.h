/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What transport.c (life), transport_send.c, transport_receive.c and transport_gate.c
 * share.
 *
 * Locking: all fields belong to the owner thread (O:), are set once at open (I:),
 * or are counters it alone writes (S:, under @syncp for readers elsewhere).
 */
#ifndef RAFTLOG_TRANSPORT_PRIVATE_H
#define RAFTLOG_TRANSPORT_PRIVATE_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/list.h>
#include <linux/net.h>
#include <linux/ratelimit.h>
#include <linux/u64_stats_sync.h>

#include "trace.h"
#include "transport.h"
#include "wire/bulk.h"
#include "wire/channel.h"

enum raftlog_transport_limits {
	/* What may wait for one peer. Raft sends again what is turned away. */
	RAFTLOG_LANE_MESSAGES_MAX = 1024,
	RAFTLOG_LANE_BYTES_MAX = 16 << 20,
	/* Messages that wait together travel together, up to about this much. */
	RAFTLOG_BUNDLE_BYTES = 64 << 10,
	/* Pieces sent to one peer before the owner looks at the others again. */
	RAFTLOG_LANE_PIECES_PER_TURN = 32,
	/* Messages that wait for a key: newer ones are of more use. */
	RAFTLOG_LANE_UNKEYED_MAX = 32,
	/* Messages of few entries live in blocks of this many, made at open. */
	RAFTLOG_RECEIVED_ENTRIES_SMALL = 16,
	RAFTLOG_RECEIVED_SPARE = 4,
	/* Entries of a message that the tables have room for at first. */
	RAFTLOG_TABLE_ENTRIES_FIRST = 4,
	/* Senders that the members of this node do not name (yet). */
	RAFTLOG_STRANGERS_MAX = 4,
	/* A window of full-sized datagrams from a few peers at once. */
	RAFTLOG_SOCKET_RECEIVE_BYTES = 8 << 20,
	RAFTLOG_SOCKET_SEND_BYTES = 4 << 20,
};

/* After the socket refused a datagram for want of room. */
#define RAFTLOG_SOCKET_RETRY_NS NSEC_PER_MSEC

union raftlog_sockaddr {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/**
 * struct raftlog_transport_peer - another member
 * @id: I: node id
 * @address: O: as configured: where datagrams go, and must come from
 * @session: O: of its last datagram, 0 before the first
 * @sender: O: the bundle under way
 * @bundle: O: its bytes
 * @n_bundled: O: messages in it, which are the first of @lane; 0: none under way
 * @lane: O: struct raftlog_outgoing, in order
 * @n_lane: O: how many
 * @lane_bytes: O: encoded
 * @term: O: newest term of a message to it
 * @resume_ns: O: @lane can go on then; U64_MAX: not for want of a turn
 * @version_told: O: it was said that it speaks another version
 * @receiver: O: the bundle it is sending
 * @key_told: O: it was said that it has another key
 * @channel: O: keys to send and to receive with
 * @gated: O: sessions that the gate knows of it
 */
struct raftlog_transport_peer {
	u32 id;
	union raftlog_sockaddr address;
	u64 session;
	struct wire_sender sender;
	u8 *bundle;
	u32 n_bundled;
	struct list_head lane;
	u32 n_lane;
	u32 lane_bytes;
	u64 term;
	u64 resume_ns;
	bool version_told;
	struct wire_receiver receiver;
	bool key_told;
	struct wire_channel channel;
	struct wire_sessions gated;
};

/**
 * struct raftlog_incoming - a received message and the table of its entries
 * @received: what the caller sees
 * @node: O: in raftlog_transport.spare
 * @table: received.entries
 */
struct raftlog_incoming {
	struct raftlog_received received;
	struct list_head node;
	struct raft_entry table[];
};

/**
 * struct raftlog_table - entries of a message, room for as many as there ever were
 * @entries: the entries
 * @n_max: room, at most WIRE_ENTRIES_MAX
 */
struct raftlog_table {
	struct raft_entry *entries;
	u32 n_max;
};

/**
 * struct raftlog_transport - a socket and its peers
 * @params: I: as given, without the key
 * @is_secure: I: there is one
 * @keyring: O: keys of the cluster
 * @drop_previous_ns: O: when the one before the current is dropped, U64_MAX: when told
 * @limiter: O: of handshakes
 * @hash_seed: I: random, of what @limiter calls a source
 * @unknown: O: a channel with whom nothing is known of, until he proves right
 * @now_ns: O: monotonic, when the owner came in
 * @limits: I: what is accepted
 * @bundle_bytes_max: I: likewise
 * @socket: I: bound
 * @data_ready: I: the socket's own
 * @gate: I: what passes datagrams on
 * @peers: O: by id
 * @n_peers: O: how many
 * @strangers: O: who else speaks for this cluster, the one heard last first
 * @n_strangers: O: how many
 * @counter: O: datagrams sent
 * @tx: O: datagram being made, params.datagram_bytes
 * @tx_table: O: entries of the message being sent
 * @rx: O: datagram being read
 * @rx_bytes: O: room there
 * @rx_table: O: entries of the message being read
 * @bundle_from: O: whose receiver holds a bundle that is being taken apart
 * @bundle_offset: O: how far that got
 * @spare: O: unused struct raftlog_incoming with RAFTLOG_RECEIVED_ENTRIES_SMALL
 * @n_received: O: given out and not released
 * @complaints: O: limits log lines that strangers can cause
 * @syncp: S: of @stats
 * @stats: S: counters
 */
struct raftlog_transport {
	struct raftlog_transport_params params;
	bool is_secure;
	struct wire_keyring keyring;
	u64 drop_previous_ns;
	struct wire_limiter limiter;
	u32 hash_seed;
	struct wire_channel unknown;
	u64 now_ns;
	struct wire_limits limits;
	u32 bundle_bytes_max;
	struct socket *socket;
	void (*data_ready)(struct sock *sk);
	struct raftlog_gate *gate;
	struct raftlog_transport_peer *peers[RAFT_MEMBERS_MAX];
	u32 n_peers;
	struct raftlog_transport_peer *strangers[RAFTLOG_STRANGERS_MAX];
	u32 n_strangers;
	u64 counter;
	u8 *tx;
	struct raftlog_table tx_table;
	u8 *rx;
	u32 rx_bytes;
	struct raftlog_table rx_table;
	struct raftlog_transport_peer *bundle_from;
	u32 bundle_offset;
	struct list_head spare;
	u32 n_received;
	struct ratelimit_state complaints;
	struct u64_stats_sync syncp;
	struct raftlog_transport_stats stats;
};

static inline void raftlog_transport_count(struct raftlog_transport *transport,
					   u64 *counter, u64 n)
{
	/* On machines of 32 bits whoever reads waits for it. */
	preempt_disable();
	u64_stats_update_begin(&transport->syncp);
	*counter += n;
	u64_stats_update_end(&transport->syncp);
	preempt_enable();
}

static inline void raftlog_transport_drops(struct raftlog_transport *transport,
					   enum raftlog_drop reason, u64 n)
{
	raftlog_transport_count(transport, &transport->stats.drops[reason], n);
	trace_raftlog_drop(transport->params.node_id, reason, n);
}

static inline void raftlog_transport_drop(struct raftlog_transport *transport,
					  enum raftlog_drop reason)
{
	raftlog_transport_drops(transport, reason, 1);
}

struct raftlog_transport_peer *
raftlog_transport_peer(const struct raftlog_transport *transport, u32 id);

/** raftlog_table_reserve() - room for @n entries. Return: 0, -EMSGSIZE or -ENOMEM */
int raftlog_table_reserve(struct raftlog_table *table, u32 n);

/** raftlog_transport_stranger() - that of @id at @address, made if need be; or NULL */
struct raftlog_transport_peer *
raftlog_transport_stranger(struct raftlog_transport *transport, u32 id,
			   const union raftlog_sockaddr *address);

/** raftlog_transport_handshake() - send @datagram, WIRE_HANDSHAKE_BYTES */
void raftlog_transport_handshake(struct raftlog_transport *transport,
				 const union raftlog_sockaddr *to, void *datagram);

/** raftlog_transport_is_stranger() - is it no member? */
bool raftlog_transport_is_stranger(const struct raftlog_transport *transport,
				   const struct raftlog_transport_peer *peer);

/** raftlog_transport_acknowledge() - tell @peer which pieces are there */
void raftlog_transport_acknowledge(struct raftlog_transport *transport,
				   struct raftlog_transport_peer *peer);

/** raftlog_transport_pump() - send of @peer's lane what may be sent now */
void raftlog_transport_pump(struct raftlog_transport *transport,
			    struct raftlog_transport_peer *peer, u64 now_ns);

/** raftlog_transport_clear_lane() - drop all that waits for @peer */
void raftlog_transport_clear_lane(struct raftlog_transport_peer *peer);

/** raftlog_gate_open() - between socket and owner. Return: 0 or -ENOMEM */
int raftlog_gate_open(struct raftlog_transport *transport);

/** raftlog_gate_close() - nothing calls the transport any more; process context */
void raftlog_gate_close(struct raftlog_transport *transport);

/** raftlog_gate_update() - peers came, went or moved */
void raftlog_gate_update(struct raftlog_transport *transport);

/** raftlog_gate_note() - something of @peer was authentic: it may have a new session */
void raftlog_gate_note(struct raftlog_transport *transport,
		       struct raftlog_transport_peer *peer);

/** raftlog_gate_dropped() - datagrams that were not passed on; any context */
u64 raftlog_gate_dropped(const struct raftlog_transport *transport);

#endif /* RAFTLOG_TRANSPORT_PRIVATE_H */
