// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams to messages. What the gate lets pass is looked at in this order, cheapest
 * and least trusting first: length, version, type, receiver, sender and its address,
 * key, for handshakes how many there are, tag (is it authentic, of this cluster),
 * whether it came before, and only then contents. Memory is taken for nothing before
 * that, but once for a larger buffer, if a member's session sends larger datagrams.
 */
#include <linux/jhash.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "entry.h"
#include "failpoint.h"
#include "transport_private.h"

static bool same_address(const union raftlog_sockaddr *a,
			 const union raftlog_sockaddr *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	/* The scope belongs to this machine, and only to link-local addresses. */
	return a->in6.sin6_port == b->in6.sin6_port &&
	       ipv6_addr_equal(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

static enum raftlog_drop header_drop(int err)
{
	switch (err) {
	case -EMSGSIZE:
		return RAFTLOG_DROP_SHORT;
	case -EPROTONOSUPPORT:
		return RAFTLOG_DROP_VERSION;
	case -ENOMSG:
		return RAFTLOG_DROP_TYPE;
	default:
		return RAFTLOG_DROP_MALFORMED;
	}
}

static void complain_address(struct raftlog_transport *transport,
			     const struct raftlog_transport_peer *peer,
			     const union raftlog_sockaddr *source)
{
	if (__ratelimit(&transport->complaints))
		pr_warn("%s: datagram of node %u from %pISpc dropped: its address is %pISpc\n",
			transport->params.name, peer->id, source,
			&peer->address);
}

static void complain_cluster(struct raftlog_transport *transport, u32 id,
			     const union raftlog_sockaddr *source,
			     u64 cluster_id)
{
	if (__ratelimit(&transport->complaints))
		pr_warn("%s: node %u at %pISpc belongs to cluster %016llx, not %016llx: the --peer lists or the cluster names differ\n",
			transport->params.name, id, source, cluster_id,
			transport->params.cluster_id);
}

/* Once for each: it goes on for as long as it takes to upgrade one or the other. */
static void complain_version(struct raftlog_transport *transport,
			     const union raftlog_sockaddr *source)
{
	u32 i;

	for (i = 0; i < transport->n_peers; i++) {
		struct raftlog_transport_peer *peer = transport->peers[i];

		if (peer->version_told ||
		    !same_address(&peer->address, source) ||
		    !__ratelimit(&transport->complaints))
			continue;
		peer->version_told = true;
		pr_warn("%s: datagrams from the address of node %u, %pISpc, are of wire version %u, this one's are %u: it is not heard until one of them is upgraded\n",
			transport->params.name, peer->id, source,
			transport->rx[0], WIRE_VERSION);
	}
}

static void complain_key(struct raftlog_transport *transport,
			 struct raftlog_transport_peer *peer,
			 const union raftlog_sockaddr *source)
{
	if (!peer || peer->key_told || !__ratelimit(&transport->complaints))
		return;
	peer->key_told = true;
	pr_warn("%s: datagrams from the address of node %u, %pISpc, are under no key that this node holds: it is not heard until they are\n",
		transport->params.name, peer->id, source);
}

static void drop_sealed(struct raftlog_transport *transport, int err,
			struct raftlog_transport_peer *peer,
			const union raftlog_sockaddr *source)
{
	switch (err) {
	case -ENOKEY:
		raftlog_transport_drop(transport, RAFTLOG_DROP_KEY);
		complain_key(transport, peer, source);
		break;
	case -ESTALE:
		raftlog_transport_drop(transport, RAFTLOG_DROP_EPOCH);
		break;
	case -EALREADY:
		raftlog_transport_drop(transport, RAFTLOG_DROP_REPLAY);
		break;
	default:
		raftlog_transport_drop(transport, RAFTLOG_DROP_AUTHENTICATION);
		break;
	}
}

/* Slots of the limiter are few, and who shares one nobody can choose. */
static u32 hash_source(const struct raftlog_transport *transport,
		       const union raftlog_sockaddr *source)
{
	if (source->any.sa_family == AF_INET)
		return jhash_1word((__force u32)source->in.sin_addr.s_addr,
				   transport->hash_seed);
	/* Who has one of a network has all. */
	return jhash2((const u32 *)&source->in6.sin6_addr, 2,
		      transport->hash_seed);
}

/* @peer is NULL if nothing is known of the sender. */
static void receive_request(struct raftlog_transport *transport,
			    struct raftlog_transport_peer *peer,
			    const struct wire_header *header,
			    const union raftlog_sockaddr *source)
{
	u8 response[WIRE_HANDSHAKE_BYTES];
	u64 foreign_cluster_id;
	int bytes;

	bytes = wire_channel_answer(&transport->keyring,
				    peer ? &peer->channel : NULL, header,
				    transport->rx, response,
				    &foreign_cluster_id);
	if (bytes == -EXDEV) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_CLUSTER);
		complain_cluster(transport, header->sender, source,
				 foreign_cluster_id);
	} else if (bytes < 0) {
		drop_sealed(transport, bytes, peer, source);
	} else if (bytes) {
		raftlog_transport_handshake(transport, source, response);
	}
}

static void receive_handshake(struct raftlog_transport *transport,
			      struct raftlog_transport_peer *peer,
			      const struct wire_header *header,
			      const union raftlog_sockaddr *source)
{
	int err = -EALREADY;

	if (!wire_channel_limit(&transport->keyring, peer ? &peer->channel : NULL,
				&transport->limiter,
				hash_source(transport, source), header,
				transport->rx, transport->now_ns)) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_RATE);
		return;
	}
	if (header->type == WIRE_REQUEST) {
		receive_request(transport, peer, header, source);
		return;
	}
	if (peer)
		err = wire_channel_response(&transport->keyring, &peer->channel,
					    header, transport->rx,
					    transport->now_ns);
	if (err) {
		drop_sealed(transport, err, peer, source);
		return;
	}
	raftlog_transport_count(transport, &transport->stats.handshakes, 1);
	raftlog_transport_pump(transport, peer, transport->now_ns);
}

/*
 * Decrypt the body in transport->rx.
 *
 * Return: its length, or a negative errno when that has been dealt with. @peer stays
 * NULL if nothing was known of the sender; transport->unknown is its channel then.
 */
static int open_sealed(struct raftlog_transport *transport,
		       struct raftlog_transport_peer *peer,
		       const struct wire_header *header, size_t bytes,
		       const union raftlog_sockaddr *source)
{
	struct wire_channel *channel = &transport->unknown;
	u8 request[WIRE_HANDSHAKE_BYTES];
	int body_bytes;

	if (peer)
		channel = &peer->channel;
	else
		wire_channel_init(channel, header->sender, true);
	body_bytes = wire_channel_open(&transport->keyring, channel, header,
				       transport->rx, bytes);
	if (body_bytes >= 0)
		return body_bytes;
	drop_sealed(transport, body_bytes, peer, source);
	if (body_bytes == -ESTALE && peer &&
	    wire_channel_reject(&transport->keyring, channel, header, bytes,
				request, transport->now_ns))
		raftlog_transport_handshake(transport, source, request);
	return body_bytes;
}

/* As above, without a key. */
static int open_plain(struct raftlog_transport *transport,
		      const struct wire_header *header, size_t bytes,
		      const union raftlog_sockaddr *source)
{
	u64 foreign_cluster_id;
	int body_bytes;

	body_bytes = wire_open(transport->rx, bytes,
			       transport->params.cluster_id,
			       &foreign_cluster_id);
	if (body_bytes == -EXDEV) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_CLUSTER);
		complain_cluster(transport, header->sender, source,
				 foreign_cluster_id);
	} else if (body_bytes < 0) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_CHECKSUM);
	}
	return body_bytes;
}

/* Who is no member has proved that it belongs to the cluster. */
static struct raftlog_transport_peer *
admit_stranger(struct raftlog_transport *transport,
	       struct raftlog_transport_peer *peer, u32 id,
	       const union raftlog_sockaddr *source)
{
	bool known = peer;

	peer = raftlog_transport_stranger(transport, id, source);
	if (!peer)
		raftlog_transport_drop(transport, RAFTLOG_DROP_NO_MEMORY);
	if (known || !transport->is_secure)
		return peer;
	if (peer) {
		peer->channel = transport->unknown;
		memzero_explicit(&transport->unknown,
				 sizeof(transport->unknown));
	} else {
		wire_channel_forget(&transport->keyring, &transport->unknown);
	}
	return peer;
}

/* Who sent the datagram in transport->rx, if it is to be believed; no handshake. */
static struct raftlog_transport_peer *
authenticate(struct raftlog_transport *transport, size_t bytes,
	     const union raftlog_sockaddr *source, struct wire_header *header,
	     int *body_bytes)
{
	struct raftlog_transport_peer *peer;
	bool stranger;
	int err;

	err = wire_header_decode(header, transport->rx, bytes);
	if (err == -EPROTONOSUPPORT)
		complain_version(transport, source);
	if (err) {
		raftlog_transport_drop(transport, header_drop(err));
		return NULL;
	}
	if (header->receiver != transport->params.node_id) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_RECEIVER);
		return NULL;
	}
	peer = raftlog_transport_peer(transport, header->sender);
	stranger = !peer || raftlog_transport_is_stranger(transport, peer);
	if (header->sender == transport->params.node_id ||
	    (!stranger && !same_address(&peer->address, source))) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_SENDER);
		if (!stranger)
			complain_address(transport, peer, source);
		return NULL;
	}
	if (transport->is_secure != !!header->key_id) {
		drop_sealed(transport, -ENOKEY, peer, source);
		return NULL;
	}
	if (header->type == WIRE_REQUEST || header->type == WIRE_RESPONSE) {
		receive_handshake(transport, peer, header, source);
		if (peer)
			raftlog_gate_note(transport, peer);
		return NULL;
	}
	*body_bytes = transport->is_secure ?
			      open_sealed(transport, peer, header, bytes, source) :
			      open_plain(transport, header, bytes, source);
	if (*body_bytes < 0)
		return NULL;
	return stranger ? admit_stranger(transport, peer, header->sender, source) :
			  peer;
}

static struct raftlog_incoming *
take_incoming(struct raftlog_transport *transport, u32 n_entries)
{
	struct raftlog_incoming *incoming;

	if (n_entries <= RAFTLOG_RECEIVED_ENTRIES_SMALL) {
		incoming = list_first_entry_or_null(&transport->spare,
						    struct raftlog_incoming,
						    node);
		if (incoming) {
			list_del(&incoming->node);
			return incoming;
		}
		n_entries = RAFTLOG_RECEIVED_ENTRIES_SMALL;
	}
	incoming = kvmalloc(struct_size(incoming, table, n_entries),
			    GFP_NOIO | __GFP_NOWARN);
	if (!incoming)
		return NULL;
	incoming->received.entries = incoming->table;
	incoming->received.entries_max = n_entries;
	return incoming;
}

static void put_incoming(struct raftlog_transport *transport,
			 struct raftlog_incoming *incoming)
{
	if (incoming->received.entries_max == RAFTLOG_RECEIVED_ENTRIES_SMALL)
		list_add(&incoming->node, &transport->spare);
	else
		kvfree(incoming);
}

static void put_entries(struct raft_entry *entries, u32 n)
{
	while (n)
		raftlog_entry_put(entries[--n].payload);
}

/* The one copy of a payload: from the datagram into the entry that stays. */
static int keep_entry(struct raft_entry *kept, const struct raft_entry *decoded,
		      u64 index)
{
	struct raftlog_entry *entry;

	entry = raftlog_entry_alloc(decoded->bytes, GFP_NOIO | __GFP_NOWARN);
	if (!entry)
		return -ENOMEM;
	entry->index = index;
	entry->term = decoded->term;
	entry->session = decoded->session;
	entry->sequence = decoded->sequence;
	entry->bytes = decoded->bytes;
	entry->type = decoded->type;
	memcpy(entry->data, decoded->data, decoded->bytes);
	*kept = *decoded;
	kept->payload = entry;
	kept->data = entry->data;
	return 0;
}

static struct raftlog_received *
keep_message(struct raftlog_transport *transport,
	     const struct raft_message *message)
{
	struct raftlog_incoming *incoming;
	u64 index = 0;
	u32 i;

	incoming = take_incoming(transport, message->n_entries);
	if (!incoming)
		return NULL;
	for (i = 0; i < message->n_entries; i++) {
		if (message->type == RAFT_APPEND_ENTRIES)
			index = message->append_entries.prev_log_index + 1 + i;
		if (keep_entry(&incoming->table[i], &message->entries[i], index))
			goto put;
	}
	incoming->received.message = *message;
	incoming->received.message.entries = incoming->table;
	transport->n_received++;
	return &incoming->received;

put:
	put_entries(incoming->table, i);
	put_incoming(transport, incoming);
	return NULL;
}

void raftlog_transport_release(struct raftlog_transport *transport,
			       struct raftlog_received *received)
{
	struct raftlog_incoming *incoming =
		container_of(received, struct raftlog_incoming, received);

	put_entries(received->entries, received->message.n_entries);
	put_incoming(transport, incoming);
	transport->n_received--;
}

/* A message with more entries than any before it gets a larger table. */
static int decode_message(struct raftlog_transport *transport,
			  struct raft_message *message, u32 from,
			  const void *buf, size_t bytes)
{
	struct raftlog_table *table = &transport->rx_table;
	struct wire_limits limits = transport->limits;
	int err;

	message->n_entries = 0;
	do {
		limits.n_entries_max = table->n_max;
		err = wire_message_decode(message, table->entries, &limits,
					  from, transport->params.node_id, buf,
					  bytes);
	} while (err == -EMSGSIZE && message->n_entries > table->n_max &&
		 !raftlog_table_reserve(table, message->n_entries));
	return err;
}

static struct raftlog_received *
receive_message(struct raftlog_transport *transport, u32 from, const void *buf,
		size_t bytes)
{
	struct raftlog_received *received;
	struct raft_message message;

	if (decode_message(transport, &message, from, buf, bytes)) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_MALFORMED);
		return NULL;
	}
	received = keep_message(transport, &message);
	if (!received) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_NO_MEMORY);
		return NULL;
	}
	raftlog_transport_count(transport, &transport->stats.rx_messages, 1);
	return received;
}

/*
 * The next message of the bundle that was put together last. It is in its
 * receiver's memory, and must be through before another piece is looked at.
 */
static struct raftlog_received *
receive_bundled(struct raftlog_transport *transport)
{
	struct raftlog_transport_peer *peer = transport->bundle_from;
	struct raftlog_received *received;
	const void *message;
	u32 bytes;
	int more;

	while (peer) {
		more = wire_bundle_next(wire_receiver_bundle(&peer->receiver),
					peer->receiver.bundle_bytes,
					&transport->bundle_offset, &message,
					&bytes);
		if (more < 0)
			raftlog_transport_drop(transport, RAFTLOG_DROP_MALFORMED);
		if (more <= 0)
			break;
		received = receive_message(transport, peer->id, message, bytes);
		if (received)
			return received;
	}
	transport->bundle_from = NULL;
	return NULL;
}

static struct raftlog_received *
receive_piece(struct raftlog_transport *transport,
	      struct raftlog_transport_peer *peer, const void *body,
	      size_t bytes, u64 now_ns)
{
	struct wire_receiver *receiver = &peer->receiver;
	struct wire_piece piece;
	int receipt;

	if (wire_piece_decode(&piece, body, bytes)) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_MALFORMED);
		return NULL;
	}
	if (!receiver->memory)
		receiver->memory =
			kvmalloc(wire_receiver_memory_bytes(receiver->bundle_bytes_max),
				 GFP_NOIO | __GFP_NOWARN);
	if (!receiver->memory) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_NO_MEMORY);
		return NULL;
	}
	receipt = wire_receiver_piece(receiver, peer->session, &piece, now_ns);
	if (receipt < 0 || (receipt & WIRE_RECEIPT_REPLACED))
		raftlog_transport_drop(transport, RAFTLOG_DROP_REASSEMBLY);
	if (receipt < 0)
		return NULL;
	if (receipt & WIRE_RECEIPT_ACK)
		raftlog_transport_acknowledge(transport, peer);
	if (!(receipt & WIRE_RECEIPT_WHOLE))
		return NULL;
	transport->bundle_from = peer;
	transport->bundle_offset = 0;
	return receive_bundled(transport);
}

static void receive_ack(struct raftlog_transport *transport,
			struct raftlog_transport_peer *peer, const void *body,
			size_t bytes, u64 now_ns)
{
	struct wire_piece_ack ack;

	if (wire_piece_ack_decode(&ack, body, bytes) ||
	    wire_sender_ack(&peer->sender, peer->session, &ack, now_ns) == -EBADMSG) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_MALFORMED);
		return;
	}
	raftlog_transport_pump(transport, peer, now_ns);
}

static struct raftlog_received *
receive_datagram(struct raftlog_transport *transport, size_t bytes,
		 const union raftlog_sockaddr *source, u64 now_ns)
{
	const u8 *body = transport->rx + WIRE_HEADER_BYTES;
	struct raftlog_transport_peer *peer;
	struct wire_header header;
	int body_bytes;

	peer = authenticate(transport, bytes, source, &header, &body_bytes);
	if (!peer)
		return NULL;
	/* What was said of it was of somebody else, or is over. */
	peer->version_told = false;
	peer->key_told = false;
	raftlog_gate_note(transport, peer);
	if (header.session != peer->session) {
		peer->session = header.session;
		/* It started again: no reason to wait any longer. */
		wire_sender_probe(&peer->sender, now_ns);
		raftlog_transport_pump(transport, peer, now_ns);
	}

	switch (header.type) {
	case WIRE_MESSAGE:
		return receive_message(transport, peer->id, body, body_bytes);
	case WIRE_PIECE:
		return receive_piece(transport, peer, body, body_bytes, now_ns);
	case WIRE_PIECE_ACK:
		receive_ack(transport, peer, body, body_bytes, now_ns);
		return NULL;
	}
	return NULL;
}

/* Somebody sends larger ones than this node: have room for the next. */
static void enlarge_rx(struct raftlog_transport *transport,
		       const union raftlog_sockaddr *source)
{
	const struct raftlog_transport_peer *peer;
	struct wire_header header;
	u8 *rx;

	if (transport->rx_bytes == WIRE_DATAGRAM_BYTES_MAX ||
	    wire_header_decode(&header, transport->rx, transport->rx_bytes))
		return;
	peer = raftlog_transport_peer(transport, header.sender);
	if (!peer || !same_address(&peer->address, source) ||
	    (transport->is_secure &&
	     !wire_channel_knows(&peer->channel, header.session)))
		return;
	rx = kvmalloc(WIRE_DATAGRAM_BYTES_MAX, GFP_NOIO | __GFP_NOWARN);
	if (!rx)
		return;
	kvfree(transport->rx);
	transport->rx = rx;
	transport->rx_bytes = WIRE_DATAGRAM_BYTES_MAX;
}

/* Return: bytes in transport->rx, -EMSGSIZE if cut off, or -EAGAIN. */
static int read_datagram(struct raftlog_transport *transport,
			 union raftlog_sockaddr *source)
{
	struct kvec vec = {
		.iov_base = transport->rx,
		.iov_len = transport->rx_bytes,
	};
	struct msghdr msg = { .msg_name = source };
	int bytes;

	bytes = kernel_recvmsg(transport->socket, &msg, &vec, 1, vec.iov_len,
			       MSG_DONTWAIT);
	if (bytes >= 0 && (msg.msg_flags & MSG_TRUNC)) {
		enlarge_rx(transport, source);
		return -EMSGSIZE;
	}
	if (bytes > 0 && RAFTLOG_FAILPOINT(TRANSPORT_RECEIVE_ROT))
		transport->rx[bytes / 2] ^= 1;
	return bytes;
}

int raftlog_transport_receive(struct raftlog_transport *transport,
			      struct raftlog_received **received, u32 budget,
			      u64 now_ns)
{
	union raftlog_sockaddr source;
	int bytes;

	transport->now_ns = now_ns;
	*received = receive_bundled(transport);
	if (*received)
		return 1;
	for (; budget; budget--) {
		bytes = read_datagram(transport, &source);
		if (bytes == -EAGAIN)
			return -EAGAIN;
		if (bytes < 0 && bytes != -EMSGSIZE)
			continue; /* an error left over from sending */
		raftlog_transport_count(transport, &transport->stats.rx_datagrams, 1);
		if (bytes < 0) {
			raftlog_transport_drop(transport, RAFTLOG_DROP_SHORT);
			continue;
		}
		raftlog_transport_count(transport, &transport->stats.rx_bytes, bytes);
		*received = receive_datagram(transport, bytes, &source, now_ns);
		if (*received)
			return 1;
	}
	return 0;
}
