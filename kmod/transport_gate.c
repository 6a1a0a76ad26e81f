// SPDX-License-Identifier: GPL-2.0
/*
 * The gate: what of the socket's datagrams is queued for the owner at all. It runs in
 * softirq context, once the socket was found, and before the datagram takes any room
 * in the queue. Without it, whoever sends junk faster than the owner drops it fills
 * the queue, and heartbeats are lost.
 *
 * Nothing is trusted here. A datagram that comes from a peer's address and names its
 * session passes: sessions are random, and told to nobody who does not hold the key. All
 * else passes at a trickle, for the owner to see what it is and to count and report it:
 * handshakes of peers that were started again, nodes that are not members yet, other
 * versions and clusters. A response that comes from a peer's address and names this
 * node's session has a trickle of its own: requests name that to whoever has a member's
 * address, and junk from there is not to be in the way of the member's responses.
 *
 * Whoever sees what two members send can name their sessions. It costs the owner a
 * tag's check for each, as it did before.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/sock.h>
#include <net/udp_tunnel.h>

#include "compat.h"
#include "transport_private.h"

enum {
	/* Of one peer's address, and of all others together; a large one counts more. */
	TRICKLE_PER_S = 2000,
	TRICKLE_BYTES = 2048,
	/* This part of a second's may come at once. */
	TRICKLE_BURST = 10,
	/* A response names the session that it is for behind the header. */
	LOOKED_AT_BYTES = WIRE_HEADER_BYTES + 8,
	STRANGERS = RAFT_MEMBERS_MAX + RAFTLOG_STRANGERS_MAX,
};

/**
 * struct raftlog_gate_peer - a peer as the gate knows it
 * @id: node id
 * @address: where it sends from
 * @sessions: of what was authentic of it
 */
struct raftlog_gate_peer {
	u32 id;
	union raftlog_sockaddr address;
	struct wire_sessions sessions;
};

/**
 * struct raftlog_gate - the socket's user data
 * @rcu: frees it
 * @transport: behind it; NULL: closed. Under the socket's callback lock
 * @node_id: this node
 * @session: likewise
 * @lock: @peers and @n, which the owner writes
 * @n: how many
 * @peers: in any order
 * @due_ns: when the next of a peer's trickle is, at an even pace; [STRANGERS]: of others
 * @response_due_ns: likewise, of its responses to this session
 * @n_dropped: datagrams
 */
struct raftlog_gate {
	struct rcu_head rcu;
	struct raftlog_transport *transport;
	u32 node_id;
	u64 session;
	seqlock_t lock; /* peers */
	u32 n;
	struct raftlog_gate_peer peers[STRANGERS];
	atomic64_t due_ns[STRANGERS + 1];
	atomic64_t response_due_ns[STRANGERS];
	atomic64_t n_dropped;
};

static bool is_from(const struct sk_buff *skb, const struct sock *sk,
		    const union raftlog_sockaddr *address)
{
	__be16 port = udp_hdr(skb)->source;

	if (sk->sk_family != address->any.sa_family)
		return false;
	if (sk->sk_family == AF_INET)
		return port == address->in.sin_port &&
		       ip_hdr(skb)->saddr == address->in.sin_addr.s_addr;
	return port == address->in6.sin6_port &&
	       ipv6_addr_equal(&ipv6_hdr(skb)->saddr, &address->in6.sin6_addr);
}

/* Return: does it pass, or which trickle is it of? */
static bool is_known(struct raftlog_gate *gate, const struct sock *sk,
		     const struct sk_buff *skb, const struct wire_header *header,
		     u32 *trickle)
{
	bool known;
	u32 seq, i;

	do {
		seq = read_seqbegin(&gate->lock);
		known = false;
		*trickle = STRANGERS;
		for (i = 0; i < gate->n; i++) {
			const struct raftlog_gate_peer *peer = &gate->peers[i];

			if (peer->id != header->sender ||
			    !is_from(skb, sk, &peer->address))
				continue;
			*trickle = i;
			known = wire_sessions_hold(&peer->sessions,
						   header->session);
		}
	} while (read_seqretry(&gate->lock, seq));
	return known;
}

/* Whoever loses a race for the same turn has none. */
static bool take_turn(atomic64_t *due_ns, u32 bytes)
{
	u64 turn_ns = (1 + bytes / TRICKLE_BYTES) * (NSEC_PER_SEC / TRICKLE_PER_S);
	u64 now_ns = ktime_get_ns();
	u64 due = atomic64_read(due_ns);

	if (due > now_ns + NSEC_PER_SEC / TRICKLE_BURST)
		return false;
	return atomic64_cmpxchg(due_ns, due, max(due, now_ns) + turn_ns) == due;
}

static bool passes(struct raftlog_gate *gate, struct sock *sk, struct sk_buff *skb)
{
	u32 bytes = skb->len - sizeof(struct udphdr), trickle = STRANGERS;
	struct wire_header header;
	const u8 *datagram;

	if (bytes > WIRE_DATAGRAM_BYTES_MAX)
		return false;
	if (bytes < LOOKED_AT_BYTES ||
	    !pskb_may_pull(skb, sizeof(struct udphdr) + LOOKED_AT_BYTES))
		return take_turn(&gate->due_ns[STRANGERS], bytes);
	datagram = skb->data + sizeof(struct udphdr);
	if (!wire_header_decode(&header, datagram, bytes) &&
	    header.receiver == gate->node_id && header.session) {
		if (is_known(gate, sk, skb, &header, &trickle))
			return true;
		if (trickle != STRANGERS && header.type == WIRE_RESPONSE &&
		    get_unaligned_le64(datagram + WIRE_HEADER_BYTES) ==
			    gate->session)
			return take_turn(&gate->response_due_ns[trickle],
					 bytes);
	}
	return take_turn(&gate->due_ns[trickle], bytes);
}

/* Return: 0: it is gone; 1: it is to be queued. */
static int gate_receive(struct sock *sk, struct sk_buff *skb)
{
	struct raftlog_gate *gate = rcu_dereference_sk_user_data(sk);

	if (gate && !passes(gate, sk, skb)) {
		atomic64_inc(&gate->n_dropped);
		trace_raftlog_drop(gate->node_id, RAFTLOG_DROP_RATE, 1);
		kfree_skb(skb);
		return 0;
	}
	return 1;
}

/* An ICMP error: it is of this socket, and tells the path's MTU. */
static int is_ours(struct sock *sk, struct sk_buff *skb)
{
	return 0;
}

static void data_ready(struct sock *sk)
{
	struct raftlog_gate *gate;

	read_lock_bh(&sk->sk_callback_lock);
	gate = sk->sk_user_data;
	if (gate && gate->transport)
		gate->transport->params.wake(gate->transport->params.context);
	read_unlock_bh(&sk->sk_callback_lock);
}

int raftlog_gate_open(struct raftlog_transport *transport)
{
	struct udp_tunnel_sock_cfg tunnel = {
		.encap_type = 1,
		.encap_rcv = gate_receive,
		.encap_err_lookup = is_ours,
	};
	struct sock *sk = transport->socket->sk;
	struct raftlog_gate *gate;

	gate = kzalloc(sizeof(*gate), GFP_KERNEL);
	if (!gate)
		return -ENOMEM;
	gate->transport = transport;
	gate->node_id = transport->params.node_id;
	gate->session = transport->params.session;
	seqlock_init(&gate->lock);
	transport->gate = gate;
	if (transport->is_secure) {
		tunnel.sk_user_data = gate;
		raftlog_setup_tunnel(transport->socket, &tunnel);
	}
	write_lock_bh(&sk->sk_callback_lock);
	transport->data_ready = sk->sk_data_ready;
	rcu_assign_sk_user_data(sk, gate);
	WRITE_ONCE(sk->sk_data_ready, data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
	return 0;
}

void raftlog_gate_close(struct raftlog_transport *transport)
{
	struct raftlog_gate *gate = transport->gate;
	struct sock *sk = transport->socket->sk;

	write_lock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(sk->sk_data_ready, transport->data_ready);
	rcu_assign_sk_user_data(sk, NULL);
	gate->transport = NULL;
	write_unlock_bh(&sk->sk_callback_lock);
	/* Softirqs may be looking at it. */
	kfree_rcu(gate, rcu);
}

static void describe(struct raftlog_gate_peer *known,
		     const struct raftlog_transport_peer *peer)
{
	known->id = peer->id;
	known->address = peer->address;
	known->sessions = wire_channel_sessions(&peer->channel);
}

void raftlog_gate_update(struct raftlog_transport *transport)
{
	struct raftlog_gate *gate = transport->gate;
	u32 i, n = 0;

	if (!transport->is_secure)
		return;
	write_seqlock_bh(&gate->lock);
	for (i = 0; i < transport->n_peers; i++)
		describe(&gate->peers[n++], transport->peers[i]);
	for (i = 0; i < transport->n_strangers; i++)
		describe(&gate->peers[n++], transport->strangers[i]);
	gate->n = n;
	write_sequnlock_bh(&gate->lock);
}

void raftlog_gate_note(struct raftlog_transport *transport,
		       struct raftlog_transport_peer *peer)
{
	const struct wire_sessions sessions =
		wire_channel_sessions(&peer->channel);

	if (!transport->is_secure ||
	    !memcmp(&sessions, &peer->gated, sizeof(sessions)))
		return;
	peer->gated = sessions;
	raftlog_gate_update(transport);
}

u64 raftlog_gate_dropped(const struct raftlog_transport *transport)
{
	return atomic64_read(&transport->gate->n_dropped);
}
