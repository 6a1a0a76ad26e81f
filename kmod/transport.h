/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One UDP socket per group. Only the owner thread calls these, except
 * raftlog_transport_stats(). Messages that do not fit a datagram are cut, sent
 * under a window, acknowledged piecewise and put together again (wire/). Datagrams
 * are encrypted, unless it was said that they are not to be.
 */
#ifndef RAFTLOG_TRANSPORT_H
#define RAFTLOG_TRANSPORT_H

#include <linux/types.h>

#include "raft/raft.h"

enum {
	/* Entries of one message; the core's append_entries_max must not exceed it. */
	RAFTLOG_MESSAGE_ENTRIES_MAX = 1024,
};

struct net;
struct raftlog_entry;
struct raftlog_transport;

enum {
	/* Keys that are held at a time, as in wire/channel.h. */
	RAFTLOG_KEYS = 3,
	RAFTLOG_KEY_BYTES = 32,
};

/**
 * struct raftlog_transport_params - where and how
 * @name: of the group, for the kernel log; outlives the transport
 * @net: network namespace; outlives the transport, which does not keep it alive
 * @cluster_id: in every datagram
 * @node_id: this node
 * @session: random, new at every start
 * @generation: raftlog_power_generation() before that was drawn: nothing is sent in
 *	another
 * @key: of the cluster, RAFTLOG_KEY_BYTES, not looked at later; NULL: datagrams are
 *	neither encrypted nor authenticated
 * @ask_ns: handshakes are repeated after so long
 * @listen: local address
 * @datagram_bytes: UDP payload at most
 * @max_entry_bytes: largest payload of an entry
 * @queue_ns: how long large messages may delay others, such as heartbeats; well
 *	below the election timeout
 * @append_bytes_max: largest payload of a message of several entries, at most
 *	16 MiB
 * @wake: called when a datagram arrived, from softirq context; wakes the owner
 * @context: argument of @wake
 */
struct raftlog_transport_params {
	const char *name;
	struct net *net;
	u64 cluster_id;
	u32 node_id;
	u64 session;
	int generation;
	const u8 *key;
	u64 ask_ns;
	struct raft_address listen;
	u32 datagram_bytes;
	u32 max_entry_bytes;
	u32 append_bytes_max;
	u64 queue_ns;
	void (*wake)(void *context);
	void *context;
};

/** enum raftlog_drop - why a datagram or message was dropped */
enum raftlog_drop {
	RAFTLOG_DROP_SHORT, /* shorter than a header, or cut off */
	RAFTLOG_DROP_VERSION, /* not a version we speak */
	RAFTLOG_DROP_TYPE, /* not a type we know */
	RAFTLOG_DROP_CLUSTER, /* of another cluster */
	RAFTLOG_DROP_RECEIVER, /* for another node */
	RAFTLOG_DROP_SENDER, /* no member, or from another address than its own */
	RAFTLOG_DROP_CHECKSUM, /* damaged; only without a key */
	RAFTLOG_DROP_KEY, /* under a key that is not held, or without one */
	RAFTLOG_DROP_RATE, /* more than is looked at of what may be of anybody */
	RAFTLOG_DROP_AUTHENTICATION, /* forged or damaged */
	RAFTLOG_DROP_EPOCH, /* of a session or epoch that is over or not known */
	RAFTLOG_DROP_REPLAY, /* came before */
	RAFTLOG_DROP_MALFORMED, /* a message that says impossible things */
	RAFTLOG_DROP_REASSEMBLY, /* pieces that do not fit, or never became whole */
	RAFTLOG_DROP_NO_MEMORY,
	RAFTLOG_DROP_SEND, /* the socket did not take it */
	RAFTLOG_DROP_UNKEYED, /* not sent: no key was agreed on in time */
	RAFTLOG_DROP_QUEUE_FULL, /* too much waiting for this peer */
	RAFTLOG_DROPS,
};

/**
 * struct raftlog_transport_stats - counters since the start
 * @rx_datagrams: received
 * @rx_bytes: likewise, but for those that were dropped unread
 * @rx_messages: whole messages given to the core
 * @tx_datagrams: sent
 * @tx_bytes: likewise
 * @tx_messages: messages sent
 * @retransmits: pieces sent again
 * @handshakes: keys agreed on to send with
 * @drops: by enum raftlog_drop
 */
struct raftlog_transport_stats {
	u64 rx_datagrams;
	u64 rx_bytes;
	u64 rx_messages;
	u64 tx_datagrams;
	u64 tx_bytes;
	u64 tx_messages;
	u64 retransmits;
	u64 handshakes;
	u64 drops[RAFTLOG_DROPS];
};

/**
 * raftlog_transport_open() - bind the socket
 * @params: copied
 *
 * Return: the transport or ERR_PTR: EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT,
 * ENOMEM, EINVAL.
 */
struct raftlog_transport *
raftlog_transport_open(const struct raftlog_transport_params *params);

/** raftlog_transport_set_times() - another ask_ns and queue_ns; owner thread */
void raftlog_transport_set_times(struct raftlog_transport *transport, u64 ask_ns,
				 u64 queue_ns);

/** enum raftlog_key_step - an exchange of keys, on all nodes in turn */
enum raftlog_key_step {
	RAFTLOG_KEY_STEP_NEXT, /* take another one from others, too */
	RAFTLOG_KEY_STEP_SWITCH, /* send under that, take the old one for a while */
	RAFTLOG_KEY_STEP_DROP, /* no more */
};

/**
 * raftlog_transport_set_key() - a step of an exchange of keys
 * @transport: open
 * @step: which
 * @key: RAFTLOG_KEY_STEP_NEXT: it, RAFTLOG_KEY_BYTES
 * @grace_ns: RAFTLOG_KEY_STEP_SWITCH: the old one is dropped after that, 0: when told
 * @now_ns: monotonic
 *
 * Return: 0, -EOPNOTSUPP (there are none), or -ENOKEY (no next one to switch to).
 */
int raftlog_transport_set_key(struct raftlog_transport *transport,
			      enum raftlog_key_step step, const u8 *key,
			      u64 grace_ns, u64 now_ns);

/** raftlog_transport_has_key() - which of enum wire_key_slot there is */
bool raftlog_transport_has_key(const struct raftlog_transport *transport, u32 slot);

/**
 * raftlog_transport_set_members() - whom to talk to
 * @transport: open
 * @configuration: the members; peers that are gone are forgotten
 *
 * Return: 0 or -ENOMEM.
 */
int raftlog_transport_set_members(struct raftlog_transport *transport,
				  const struct raft_configuration *configuration);

/**
 * raftlog_transport_send() - send a message, or queue what does not fit at once
 * @transport: open
 * @message: to encode; @message->entries is not looked at
 * @entries: the entries to attach, n of them; the transport takes its own
 *	references (or copies) of what it keeps
 * @n: how many, at most RAFTLOG_MESSAGE_ENTRIES_MAX; message->n_entries is
 *	ignored
 * @witness: users' entries go without their payload
 * @now_ns: monotonic
 *
 * Never sleeps for the network. What cannot be sent is dropped and counted:
 * Raft sends again. An AppendEntries or Propose that is still under way to the
 * same peer (same term and first entry, or same session and sequence) is not
 * queued twice, and what an older term's leader had queued is given up.
 */
void raftlog_transport_send(struct raftlog_transport *transport,
			    const struct raft_message *message,
			    struct raftlog_entry *const *entries, u32 n,
			    bool witness, u64 now_ns);

/**
 * struct raftlog_received - a message from a member
 * @message: decoded; @message.entries points to @entries, each payload handle is
 *	a struct raftlog_entry with a reference held by this
 * @entries_max: room in @entries and @refs
 * @entries: headers
 */
struct raftlog_received {
	struct raft_message message;
	u32 entries_max;
	struct raft_entry *entries;
};

/**
 * raftlog_transport_receive() - next whole message
 * @transport: open
 * @received: filled; give back with raftlog_transport_release()
 * @budget: datagrams to look at, at most
 * @now_ns: monotonic
 *
 * Never sleeps. Drains datagrams from the socket until a message is whole, or
 * @budget datagrams were looked at. Answers pieces on its own.
 *
 * Return: 1 with a message, 0 if the budget ran out and more may be waiting,
 * -EAGAIN if the socket is empty.
 */
int raftlog_transport_receive(struct raftlog_transport *transport,
			      struct raftlog_received **received, u32 budget,
			      u64 now_ns);

/** raftlog_transport_release() - drop a received message and its references */
void raftlog_transport_release(struct raftlog_transport *transport,
			       struct raftlog_received *received);

/**
 * raftlog_transport_timer() - send again what was not acknowledged, forget what
 * never became whole
 * @transport: open
 * @now_ns: monotonic
 *
 * Sending and receiving move the deadline: call this after them, before sleeping.
 *
 * Return: when to call again, U64_MAX: never.
 */
u64 raftlog_transport_timer(struct raftlog_transport *transport, u64 now_ns);

/** raftlog_transport_stats() - copy of the counters; any context */
void raftlog_transport_stats(const struct raftlog_transport *transport,
			     struct raftlog_transport_stats *stats);

/** raftlog_transport_close() - release the socket and all memory; process context */
void raftlog_transport_close(struct raftlog_transport *transport);

#endif /* RAFTLOG_TRANSPORT_H */
