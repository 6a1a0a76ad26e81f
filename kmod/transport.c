// SPDX-License-Identifier: GPL-2.0
/*
 * Life of the UDP socket and of what is known of each peer. Sending is in
 * transport_send.c, receiving in transport_receive.c.
 *
 * All of it belongs to the owner thread. Only the gate (transport_gate.c) runs
 * elsewhere, in softirq context.
 */
#include <linux/random.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "entry.h"
#include "transport_private.h"

static int to_sockaddr(const struct raft_address *address,
		       union raftlog_sockaddr *to)
{
	memset(to, 0, sizeof(*to));
	switch (address->family) {
	case 4:
		to->in.sin_family = AF_INET;
		to->in.sin_port = htons(address->port);
		memcpy(&to->in.sin_addr, address->ip, sizeof(to->in.sin_addr));
		return 0;
	case 6:
		to->in6.sin6_family = AF_INET6;
		to->in6.sin6_port = htons(address->port);
		to->in6.sin6_scope_id = address->scope_id;
		memcpy(&to->in6.sin6_addr, address->ip, sizeof(to->in6.sin6_addr));
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

/* Buffers that hold a whole window, whatever the sysctls for user space say. */
static void tune_socket(struct raftlog_transport *transport)
{
	struct sock *sk = transport->socket->sk;

	sock_set_rcvbuf(sk, RAFTLOG_SOCKET_RECEIVE_BYTES);

	lock_sock(sk);
	sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	WRITE_ONCE(sk->sk_sndbuf, 2 * RAFTLOG_SOCKET_SEND_BYTES);
	/* Heartbeats must leave while the machine is short of memory. */
	sk->sk_allocation = GFP_ATOMIC | __GFP_NOWARN;
	release_sock(sk);
}

static int open_socket(struct raftlog_transport *transport)
{
	union raftlog_sockaddr listen;
	int family, err;

	err = to_sockaddr(&transport->params.listen, &listen);
	if (err)
		return err;
	family = listen.any.sa_family;
	err = sock_create_kern(transport->params.net, family, SOCK_DGRAM,
			       IPPROTO_UDP, &transport->socket);
	if (err)
		return err;
	tune_socket(transport);
	/* Members have one address each; an IPv4 one is not spelled as IPv6. */
	if (family == AF_INET6)
		ip6_sock_set_v6only(transport->socket->sk);
	/* What a pointer to an address is differs between kernels. */
	err = kernel_bind(transport->socket, (void *)&listen,
			  family == AF_INET6 ? sizeof(listen.in6) :
					       sizeof(listen.in));
	if (!err)
		err = raftlog_gate_open(transport);
	if (err) {
		sock_release(transport->socket);
		transport->socket = NULL;
	}
	return err;
}

static void close_socket(struct raftlog_transport *transport)
{
	raftlog_gate_close(transport);
	kernel_sock_shutdown(transport->socket, SHUT_RDWR);
	sock_release(transport->socket);
}

static void free_spares(struct raftlog_transport *transport)
{
	struct raftlog_incoming *incoming, *next;

	list_for_each_entry_safe(incoming, next, &transport->spare, node)
		kvfree(incoming);
}

static int make_spares(struct raftlog_transport *transport)
{
	struct raftlog_incoming *incoming;
	u32 i;

	for (i = 0; i < RAFTLOG_RECEIVED_SPARE; i++) {
		incoming = kzalloc(struct_size(incoming, table,
					       RAFTLOG_RECEIVED_ENTRIES_SMALL),
				   GFP_KERNEL);
		if (!incoming)
			return -ENOMEM;
		incoming->received.entries = incoming->table;
		incoming->received.entries_max = RAFTLOG_RECEIVED_ENTRIES_SMALL;
		list_add(&incoming->node, &transport->spare);
	}
	return 0;
}

static void free_buffers(struct raftlog_transport *transport)
{
	free_spares(transport);
	kvfree(transport->rx_table.entries);
	kvfree(transport->rx);
	kvfree(transport->tx_table.entries);
	kvfree(transport->tx);
}

int raftlog_table_reserve(struct raftlog_table *table, u32 n)
{
	struct raft_entry *entries;
	u32 n_max;

	if (n <= table->n_max)
		return 0;
	if (n > WIRE_ENTRIES_MAX)
		return -EMSGSIZE;
	n_max = roundup_pow_of_two(max_t(u32, n, RAFTLOG_TABLE_ENTRIES_FIRST));
	entries = kvcalloc(n_max, sizeof(*entries), GFP_NOIO | __GFP_NOWARN);
	if (!entries)
		return -ENOMEM;
	kvfree(table->entries);
	table->entries = entries;
	table->n_max = n_max;
	return 0;
}

/* What is received should be as large as what is sent, until it is not. */
static int make_buffers(struct raftlog_transport *transport)
{
	transport->rx_bytes = transport->params.datagram_bytes;
	transport->tx = kvmalloc(transport->params.datagram_bytes, GFP_KERNEL);
	transport->rx = kvmalloc(transport->rx_bytes, GFP_KERNEL);
	if (!transport->tx || !transport->rx ||
	    raftlog_table_reserve(&transport->tx_table, 1) ||
	    raftlog_table_reserve(&transport->rx_table, 1))
		return -ENOMEM;
	return make_spares(transport);
}

static int set_limits(struct raftlog_transport *transport)
{
	const struct raftlog_transport_params *params = &transport->params;
	u32 payload_bytes = max3(params->append_bytes_max, params->max_entry_bytes,
				 max_t(u32, RAFT_CONFIGURATION_BYTES_MAX,
				       RAFT_SESSIONS_BYTES_MAX));

	if (params->datagram_bytes < WIRE_DATAGRAM_BYTES_MIN ||
	    params->datagram_bytes > WIRE_DATAGRAM_BYTES_MAX ||
	    params->max_entry_bytes > WIRE_ENTRY_PAYLOAD_BYTES_MAX ||
	    payload_bytes > WIRE_MESSAGE_PAYLOAD_BYTES_MAX ||
	    !params->node_id || !params->session)
		return -EINVAL;
	transport->limits.n_entries_max = WIRE_ENTRIES_MAX;
	transport->limits.entry_bytes_max = params->max_entry_bytes;
	transport->limits.message_bytes_max = WIRE_MESSAGE_FIXED_BYTES_MAX +
					      WIRE_ENTRIES_MAX * WIRE_ENTRY_BYTES +
					      payload_bytes;
	transport->bundle_bytes_max = transport->limits.message_bytes_max +
				      WIRE_BUNDLE_HEADER_BYTES;
	return 0;
}

static void set_up_keys(struct raftlog_transport *transport)
{
	const struct raftlog_transport_params *params = &transport->params;
	const u8 *const secrets[WIRE_KEYS] = {
		[WIRE_KEY_CURRENT] = params->key,
	};
	u8 boot_secret[WIRE_KEY_BYTES];

	BUILD_BUG_ON((int)RAFTLOG_KEYS != (int)WIRE_KEYS);
	BUILD_BUG_ON((int)RAFTLOG_KEY_BYTES != (int)WIRE_KEY_BYTES);
	transport->is_secure = params->key;
	transport->drop_previous_ns = U64_MAX;
	if (!transport->is_secure)
		return;
	transport->hash_seed = get_random_u32();
	get_random_bytes(boot_secret, sizeof(boot_secret));
	wire_keyring_init(&transport->keyring, params->cluster_id,
			  params->node_id, params->session, boot_secret,
			  params->ask_ns);
	memzero_explicit(boot_secret, sizeof(boot_secret));
	wire_keyring_set(&transport->keyring, secrets);
	transport->params.key = NULL;
}

struct raftlog_transport *
raftlog_transport_open(const struct raftlog_transport_params *params)
{
	struct raftlog_transport *transport;
	int err;

	transport = kzalloc(sizeof(*transport), GFP_KERNEL);
	if (!transport)
		return ERR_PTR(-ENOMEM);
	transport->params = *params;
	INIT_LIST_HEAD(&transport->spare);
	u64_stats_init(&transport->syncp);
	ratelimit_state_init(&transport->complaints, 30 * HZ, 3);

	err = set_limits(transport);
	if (err)
		goto free;
	set_up_keys(transport);
	err = make_buffers(transport);
	if (err)
		goto free_buffers;
	err = open_socket(transport);
	if (err)
		goto free_buffers;
	return transport;

free_buffers:
	free_buffers(transport);
free:
	kfree_sensitive(transport);
	return ERR_PTR(err);
}

static void free_peer(struct raftlog_transport *transport,
		      struct raftlog_transport_peer *peer)
{
	raftlog_transport_clear_lane(peer);
	kvfree(peer->sender.pieces);
	if (transport->bundle_from == peer)
		transport->bundle_from = NULL;
	kvfree(peer->receiver.memory);
	wire_channel_forget(&transport->keyring, &peer->channel);
	kfree(peer);
}

void raftlog_transport_close(struct raftlog_transport *transport)
{
	u32 i;

	close_socket(transport);
	for (i = 0; i < transport->n_peers; i++)
		free_peer(transport, transport->peers[i]);
	for (i = 0; i < transport->n_strangers; i++)
		free_peer(transport, transport->strangers[i]);
	WARN_ON_ONCE(transport->n_received);
	free_buffers(transport);
	kfree_sensitive(transport);
}

static struct raftlog_transport_peer *
member_of(const struct raftlog_transport *transport, u32 id)
{
	u32 i;

	for (i = 0; i < transport->n_peers; i++)
		if (transport->peers[i]->id == id)
			return transport->peers[i];
	return NULL;
}

struct raftlog_transport_peer *
raftlog_transport_peer(const struct raftlog_transport *transport, u32 id)
{
	struct raftlog_transport_peer *peer = member_of(transport, id);
	u32 i;

	for (i = 0; !peer && i < transport->n_strangers; i++)
		if (transport->strangers[i]->id == id)
			peer = transport->strangers[i];
	return peer;
}

static struct raftlog_transport_peer *
make_peer(const struct raftlog_transport *transport, u32 id)
{
	struct raftlog_transport_peer *peer;

	peer = kzalloc(sizeof(*peer), GFP_NOIO);
	if (!peer)
		return NULL;
	peer->id = id;
	peer->resume_ns = U64_MAX;
	INIT_LIST_HEAD(&peer->lane);
	/* Memory for large messages comes with the first of them. */
	wire_sender_init(&peer->sender, NULL, 0, transport->params.session);
	peer->sender.path.queue_ns = transport->params.queue_ns;
	/* Not from 0: this session may have talked to an earlier peer of that id. */
	peer->sender.bundle_id = transport->counter;
	wire_receiver_init(&peer->receiver, NULL,
			   transport->bundle_bytes_max);
	/* Before there is anything to say: then it can be said at once. */
	wire_channel_init(&peer->channel, id, transport->is_secure);
	return peer;
}

void raftlog_transport_set_times(struct raftlog_transport *transport, u64 ask_ns,
				 u64 queue_ns)
{
	u32 i;

	transport->keyring.ask_ns = ask_ns;
	transport->params.queue_ns = queue_ns;
	for (i = 0; i < transport->n_peers; i++)
		transport->peers[i]->sender.path.queue_ns = queue_ns;
	for (i = 0; i < transport->n_strangers; i++)
		transport->strangers[i]->sender.path.queue_ns = queue_ns;
}

static struct raftlog_transport_peer *
peer_at(const struct raftlog_transport *transport, u32 i)
{
	return i < transport->n_peers ?
		       transport->peers[i] :
		       transport->strangers[i - transport->n_peers];
}

static void hold_keys(struct raftlog_transport *transport, const u8 *previous,
		      const u8 *current_key, const u8 *next)
{
	const u8 *const secrets[WIRE_KEYS] = {
		[WIRE_KEY_PREVIOUS] = previous,
		[WIRE_KEY_CURRENT] = current_key,
		[WIRE_KEY_NEXT] = next,
	};
	u32 i;

	wire_keyring_set(&transport->keyring, secrets);
	for (i = 0; i < transport->n_peers + transport->n_strangers; i++)
		wire_channel_keys(&transport->keyring,
				  &peer_at(transport, i)->channel);
}

static const u8 *secret_of(const struct raftlog_transport *transport,
			   enum wire_key_slot slot)
{
	const struct wire_key *key = &transport->keyring.keys[slot];

	return key->serial ? key->secret : NULL;
}

int raftlog_transport_set_key(struct raftlog_transport *transport,
			      enum raftlog_key_step step, const u8 *key,
			      u64 grace_ns, u64 now_ns)
{
	const u8 *previous = secret_of(transport, WIRE_KEY_PREVIOUS);
	const u8 *current_key = secret_of(transport, WIRE_KEY_CURRENT);
	const u8 *next = secret_of(transport, WIRE_KEY_NEXT);

	if (!transport->is_secure)
		return -EOPNOTSUPP;
	switch (step) {
	case RAFTLOG_KEY_STEP_NEXT:
		hold_keys(transport, previous, current_key, key);
		break;
	case RAFTLOG_KEY_STEP_SWITCH:
		if (!next)
			return -ENOKEY;
		hold_keys(transport, current_key, next, NULL);
		transport->drop_previous_ns =
			grace_ns ? now_ns + grace_ns : U64_MAX;
		break;
	case RAFTLOG_KEY_STEP_DROP:
		hold_keys(transport, NULL, current_key, next);
		transport->drop_previous_ns = U64_MAX;
		break;
	}
	return 0;
}

bool raftlog_transport_has_key(const struct raftlog_transport *transport, u32 slot)
{
	return secret_of(transport, slot);
}

static u32 stranger_position(const struct raftlog_transport *transport, u32 id)
{
	u32 i = 0;

	while (i < transport->n_strangers && transport->strangers[i]->id != id)
		i++;
	return i;
}

/* Take the one at @position out, without freeing it. */
static void forget_stranger(struct raftlog_transport *transport, u32 position)
{
	transport->n_strangers--;
	memmove(&transport->strangers[position],
		&transport->strangers[position + 1],
		(transport->n_strangers - position) *
			sizeof(*transport->strangers));
}

bool raftlog_transport_is_stranger(const struct raftlog_transport *transport,
				   const struct raftlog_transport_peer *peer)
{
	return member_of(transport, peer->id) != peer;
}

/*
 * A leader whose configuration is newer than this node's may be nobody this node
 * knows, and so may a candidate (4.2.2). Where the answer goes, the datagram says.
 */
struct raftlog_transport_peer *
raftlog_transport_stranger(struct raftlog_transport *transport, u32 id,
			   const union raftlog_sockaddr *address)
{
	u32 position = stranger_position(transport, id);
	struct raftlog_transport_peer *peer;

	if (position < transport->n_strangers) {
		peer = transport->strangers[position];
		forget_stranger(transport, position);
	} else {
		peer = make_peer(transport, id);
		if (!peer)
			return NULL;
		if (transport->n_strangers == RAFTLOG_STRANGERS_MAX)
			free_peer(transport,
				  transport->strangers[--transport->n_strangers]);
	}
	peer->address = *address;
	memmove(&transport->strangers[1], &transport->strangers[0],
		transport->n_strangers * sizeof(*transport->strangers));
	transport->strangers[0] = peer;
	transport->n_strangers++;
	raftlog_gate_update(transport);
	return peer;
}

/*
 * A member goes on with what it is sending as a stranger. What is on its way to it as to
 * one comes again.
 */
static void take_over(struct raftlog_transport *transport,
		      struct raftlog_transport_peer *member,
		      struct raftlog_transport_peer *stranger)
{
	member->channel = stranger->channel;
	memset(&stranger->channel, 0, sizeof(stranger->channel));
	member->session = stranger->session;
	member->receiver = stranger->receiver;
	wire_receiver_init(&stranger->receiver, NULL,
			   transport->bundle_bytes_max);
	if (transport->bundle_from == stranger)
		transport->bundle_from = member;
}

int raftlog_transport_set_members(struct raftlog_transport *transport,
				  const struct raft_configuration *configuration)
{
	struct raftlog_transport_peer *peers[RAFT_MEMBERS_MAX];
	struct raftlog_transport_peer *made[RAFT_MEMBERS_MAX];
	u32 i, n_peers = 0, n_made = 0;

	BUILD_BUG_ON((int)RAFTLOG_MESSAGE_ENTRIES_MAX != (int)WIRE_ENTRIES_MAX);
	for (i = 0; i < configuration->n_members; i++) {
		u32 id = configuration->members[i].id;
		struct raftlog_transport_peer *peer;

		if (id == transport->params.node_id)
			continue;
		peer = member_of(transport, id);
		if (!peer) {
			peer = make_peer(transport, id);
			if (!peer)
				goto free_made;
			made[n_made++] = peer;
		}
		peers[n_peers++] = peer;
	}

	for (i = 0; i < transport->n_peers; i++) {
		struct raftlog_transport_peer *peer = transport->peers[i];
		u32 k = 0;

		while (k < n_peers && peers[k] != peer)
			k++;
		if (k == n_peers)
			free_peer(transport, peer);
	}
	for (i = 0; i < n_made; i++) {
		u32 position = stranger_position(transport, made[i]->id);

		if (position == transport->n_strangers)
			continue;
		take_over(transport, made[i], transport->strangers[position]);
		free_peer(transport, transport->strangers[position]);
		forget_stranger(transport, position);
	}
	memcpy(transport->peers, peers, n_peers * sizeof(*peers));
	transport->n_peers = n_peers;

	for (i = 0; i < configuration->n_members; i++) {
		const struct raft_member *member = &configuration->members[i];
		struct raftlog_transport_peer *peer;

		peer = raftlog_transport_peer(transport, member->id);
		if (peer && to_sockaddr(&member->address, &peer->address))
			pr_warn("%s: node %u has an address of an unknown kind\n",
				transport->params.name, member->id);
	}
	raftlog_gate_update(transport);
	return 0;

free_made:
	while (n_made)
		free_peer(transport, made[--n_made]);
	return -ENOMEM;
}

void raftlog_transport_stats(const struct raftlog_transport *transport,
			     struct raftlog_transport_stats *stats)
{
	u64 gated = raftlog_gate_dropped(transport);
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&transport->syncp);
		*stats = transport->stats;
	} while (u64_stats_fetch_retry(&transport->syncp, start));
	stats->rx_datagrams += gated;
	stats->drops[RAFTLOG_DROP_RATE] += gated;
}
