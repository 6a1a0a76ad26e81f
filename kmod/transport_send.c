// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to datagrams. What carries no entries goes out at once. What carries
 * some waits in the peer's lane while something larger than a datagram is ahead
 * of it, so that AppendEntries arrive in the order the leader sent them. One
 * bundle per peer is under way; what gathered meanwhile goes with the next.
 *
 * Everything is best effort: Raft sends again what is dropped here.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "entry.h"
#include "failpoint.h"
#include "power.h"
#include "transport_private.h"

/**
 * struct raftlog_outgoing - an encoded message waiting in a lane
 * @node: in raftlog_transport_peer.lane
 * @type: enum raft_message_type
 * @term: of the message
 * @first_index: RAFT_APPEND_ENTRIES: index of its first entry;
 *	RAFT_INSTALL_SNAPSHOT: snapshot_index
 * @session: RAFT_PROPOSE: which proposal
 * @sequence: RAFT_PROPOSE: which proposal; RAFT_INSTALL_SNAPSHOT: see chunk_of()
 * @bytes: length of the message
 * @data: the message as it stands in a bundle: behind its length
 */
struct raftlog_outgoing {
	struct list_head node;
	u8 type;
	u64 term;
	u64 first_index;
	u64 session;
	u64 sequence;
	u32 bytes;
	u8 data[];
};

static u8 *tx_body(const struct raftlog_transport *transport)
{
	return transport->tx + WIRE_HEADER_BYTES;
}

static u32 tx_body_bytes_max(const struct raftlog_transport *transport)
{
	return transport->params.datagram_bytes - WIRE_OVERHEAD_BYTES;
}

/* Return: length of the datagram in tx, 0 without a key. */
static size_t seal(struct raftlog_transport *transport,
		   struct raftlog_transport_peer *peer, u8 type,
		   size_t body_bytes)
{
	const struct wire_header header = {
		.type = type,
		.sender = transport->params.node_id,
		.receiver = peer->id,
		.session = transport->params.session,
		.counter = ++transport->counter,
	};

	if (transport->is_secure)
		return wire_channel_seal(&transport->keyring, &peer->channel,
					 type, transport->tx, body_bytes,
					 transport->now_ns);
	return wire_seal(transport->tx, body_bytes, &header,
			 transport->params.cluster_id);
}

static int send_bytes(struct raftlog_transport *transport,
		      const union raftlog_sockaddr *to, void *datagram,
		      size_t bytes)
{
	union raftlog_sockaddr name = *to;
	struct msghdr msg = {
		.msg_name = &name,
		.msg_namelen = name.any.sa_family == AF_INET6 ?
				       sizeof(name.in6) :
				       sizeof(name.in),
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
	};
	struct kvec vec = { .iov_base = datagram, .iov_len = bytes };

	/* A twin may use the same nonces, for something else. */
	if (transport->params.generation != raftlog_power_generation())
		return -ESTALE;
	return kernel_sendmsg(transport->socket, &msg, &vec, 1, bytes);
}

void raftlog_transport_handshake(struct raftlog_transport *transport,
				 const union raftlog_sockaddr *to, void *datagram)
{
	int sent;

	if (RAFTLOG_FAILPOINT(TRANSPORT_SEND_LOST))
		return;
	sent = send_bytes(transport, to, datagram, WIRE_HANDSHAKE_BYTES);
	if (sent < 0) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_SEND);
		return;
	}
	raftlog_transport_count(transport, &transport->stats.tx_datagrams, 1);
	raftlog_transport_count(transport, &transport->stats.tx_bytes, sent);
}

/*
 * Send the body that is in tx_body().
 *
 * Return: 0 if it went, or is as good as lost on its way; -EAGAIN if the socket
 * has no room for it now; -ENOKEY if there is no key to send it with yet.
 */
static int send_datagram(struct raftlog_transport *transport,
			 struct raftlog_transport_peer *peer, u8 type,
			 size_t body_bytes)
{
	size_t bytes = seal(transport, peer, type, body_bytes);
	int sent;

	if (!bytes)
		return -ENOKEY;
	if (RAFTLOG_FAILPOINT(TRANSPORT_SEND_AGAIN))
		return -EAGAIN;
	if (RAFTLOG_FAILPOINT(TRANSPORT_SEND_LOST))
		return 0;
	sent = send_bytes(transport, &peer->address, transport->tx, bytes);
	if (sent == -EAGAIN || sent == -ENOBUFS || sent == -ENOMEM)
		return -EAGAIN;
	if (sent < 0) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_SEND);
		return 0;
	}
	raftlog_transport_count(transport, &transport->stats.tx_datagrams, 1);
	raftlog_transport_count(transport, &transport->stats.tx_bytes, sent);
	return 0;
}

static enum raftlog_drop send_drop(int err)
{
	return err == -ENOKEY ? RAFTLOG_DROP_UNKEYED : RAFTLOG_DROP_SEND;
}

void raftlog_transport_acknowledge(struct raftlog_transport *transport,
				   struct raftlog_transport_peer *peer)
{
	struct wire_piece_ack ack;
	int bytes, err;

	wire_receiver_ack(&peer->receiver, &ack);
	bytes = wire_piece_ack_encode(&ack, tx_body(transport),
				      tx_body_bytes_max(transport));
	if (WARN_ON_ONCE(bytes < 0))
		return;
	err = send_datagram(transport, peer, WIRE_PIECE_ACK, bytes);
	if (err)
		raftlog_transport_drop(transport, send_drop(err));
}

static u32 bundled_bytes(const struct raftlog_outgoing *outgoing)
{
	return WIRE_BUNDLE_HEADER_BYTES + outgoing->bytes;
}

static void drop_outgoing(struct raftlog_transport_peer *peer,
			  struct raftlog_outgoing *outgoing)
{
	list_del(&outgoing->node);
	peer->n_lane--;
	peer->lane_bytes -= outgoing->bytes;
	kvfree(outgoing);
}

/* Nothing is under way any more; the lane stays. */
static void end_bundle(struct raftlog_transport_peer *peer)
{
	wire_sender_stop(&peer->sender);
	if (peer->n_bundled > 1)
		kvfree(peer->bundle);
	peer->bundle = NULL;
	peer->n_bundled = 0;
}

void raftlog_transport_clear_lane(struct raftlog_transport_peer *peer)
{
	struct raftlog_outgoing *outgoing, *next;

	end_bundle(peer);
	list_for_each_entry_safe(outgoing, next, &peer->lane, node)
		drop_outgoing(peer, outgoing);
}

static struct raftlog_outgoing *lane_head(struct raftlog_transport_peer *peer)
{
	return list_first_entry_or_null(&peer->lane, struct raftlog_outgoing, node);
}

/*
 * Put the first @n messages of the lane together. A single one stands in its
 * own buffer as it would in a bundle.
 */
static u8 *make_bundle(struct raftlog_transport_peer *peer, u32 n, u32 bytes)
{
	struct raftlog_outgoing *outgoing;
	u8 *bundle, *p;

	if (n == 1)
		return lane_head(peer)->data;
	bundle = kvmalloc(bytes, GFP_NOIO | __GFP_NOWARN);
	if (!bundle)
		return NULL;
	p = bundle;
	list_for_each_entry(outgoing, &peer->lane, node) {
		if (!n--)
			break;
		memcpy(p, outgoing->data, bundled_bytes(outgoing));
		p += bundled_bytes(outgoing);
	}
	return bundle;
}

/* Choose what goes together: the head, and what fits beside it. */
static u32 gather(const struct raftlog_transport *transport,
		  const struct raftlog_transport_peer *peer, u32 *n)
{
	u32 bytes_max = min_t(u32, RAFTLOG_BUNDLE_BYTES,
			      transport->bundle_bytes_max);
	const struct raftlog_outgoing *outgoing;
	u32 bytes = 0;

	*n = 0;
	list_for_each_entry(outgoing, &peer->lane, node) {
		if (*n && bytes + bundled_bytes(outgoing) > bytes_max)
			break;
		bytes += bundled_bytes(outgoing);
		++*n;
	}
	return bytes;
}

static int start_bundle(struct raftlog_transport *transport,
			struct raftlog_transport_peer *peer, u64 now_ns)
{
	u32 piece_bytes = tx_body_bytes_max(transport) - WIRE_PIECE_HEADER_BYTES;
	struct wire_sender *sender = &peer->sender;
	u32 n, bytes;
	int err;

	if (!sender->pieces) {
		n = wire_piece_count(transport->bundle_bytes_max, piece_bytes);
		sender->pieces = kvmalloc_array(n, sizeof(*sender->pieces),
						GFP_NOIO | __GFP_NOWARN);
		if (!sender->pieces)
			return -ENOMEM;
		sender->n_pieces_max = n;
	}
	bytes = gather(transport, peer, &n);
	peer->bundle = make_bundle(peer, n, bytes);
	if (!peer->bundle) {
		n = 1;
		bytes = bundled_bytes(lane_head(peer));
		peer->bundle = make_bundle(peer, n, bytes);
	}
	peer->n_bundled = n;
	err = wire_sender_start(sender, bytes, piece_bytes, now_ns);
	if (err)
		end_bundle(peer);
	return err;
}

/*
 * Return: 0, -EAGAIN if there is more to send when the socket has room, or -ENOKEY
 * when there is a key.
 */
static int send_pieces(struct raftlog_transport *transport,
		       struct raftlog_transport_peer *peer, u64 now_ns)
{
	u64 n_retransmits = peer->sender.n_retransmits;
	struct wire_piece piece;
	int bytes, err = 0;
	u32 n = 0;

	while (wire_sender_peek(&peer->sender, &piece, peer->bundle)) {
		if (n++ == RAFTLOG_LANE_PIECES_PER_TURN) {
			peer->resume_ns = now_ns;
			break;
		}
		bytes = wire_piece_encode(&piece, tx_body(transport),
					  tx_body_bytes_max(transport));
		if (WARN_ON_ONCE(bytes < 0)) {
			wire_sender_stop(&peer->sender);
			break;
		}
		err = send_datagram(transport, peer, WIRE_PIECE, bytes);
		if (err)
			break;
		wire_sender_sent(&peer->sender, &piece, now_ns);
	}
	raftlog_transport_count(transport, &transport->stats.retransmits,
				peer->sender.n_retransmits - n_retransmits);
	return err;
}

static int send_small(struct raftlog_transport *transport,
		      struct raftlog_transport_peer *peer, size_t bytes)
{
	int err = send_datagram(transport, peer, WIRE_MESSAGE, bytes);

	if (!err)
		raftlog_transport_count(transport, &transport->stats.tx_messages, 1);
	return err;
}

/*
 * The head of the lane did not get through. What waits behind it is of no use
 * without it, and would only be old when the peer is back.
 */
static void give_up(struct raftlog_transport *transport,
		    struct raftlog_transport_peer *peer,
		    enum raftlog_drop reason)
{
	raftlog_transport_drops(transport, reason, peer->n_lane);
	raftlog_transport_clear_lane(peer);
}

/* The bundle arrived. */
static void finish_bundle(struct raftlog_transport *transport,
			  struct raftlog_transport_peer *peer)
{
	u32 n = peer->n_bundled;

	raftlog_transport_count(transport, &transport->stats.tx_messages, n);
	end_bundle(peer);
	while (n--)
		drop_outgoing(peer, lane_head(peer));
}

/* Send the head of the lane, which fits a datagram. Return: 0, -EAGAIN or -ENOKEY. */
static int send_small_head(struct raftlog_transport *transport,
			   struct raftlog_transport_peer *peer)
{
	struct raftlog_outgoing *outgoing = lane_head(peer);
	int err;

	memcpy(tx_body(transport), outgoing->data + WIRE_BUNDLE_HEADER_BYTES,
	       outgoing->bytes);
	err = send_small(transport, peer, outgoing->bytes);
	if (!err)
		drop_outgoing(peer, outgoing);
	return err;
}

/*
 * Take the lane one step further.
 *
 * Return: 0 if its head left it, -EINPROGRESS if that waits for acknowledgments,
 * -EAGAIN if it waits for the socket, -ENOKEY if for a key.
 */
static int send_head(struct raftlog_transport *transport,
		     struct raftlog_transport_peer *peer, u64 now_ns)
{
	struct wire_sender *sender = &peer->sender;
	int err;

	if (!peer->n_bundled) {
		if (lane_head(peer)->bytes <= tx_body_bytes_max(transport))
			return send_small_head(transport, peer);
		err = start_bundle(transport, peer, now_ns);
		if (err) {
			give_up(transport, peer, err == -ENOMEM ?
						RAFTLOG_DROP_NO_MEMORY :
						RAFTLOG_DROP_SEND);
			return 0;
		}
	}
	if (sender->state == WIRE_SENDER_SENDING) {
		err = send_pieces(transport, peer, now_ns);
		if (sender->state == WIRE_SENDER_SENDING)
			return err ? err : -EINPROGRESS;
	}
	if (sender->state == WIRE_SENDER_DONE)
		finish_bundle(transport, peer);
	else
		give_up(transport, peer, RAFTLOG_DROP_SEND);
	return 0;
}

void raftlog_transport_pump(struct raftlog_transport *transport,
			    struct raftlog_transport_peer *peer, u64 now_ns)
{
	int err = 0;

	peer->resume_ns = U64_MAX;
	/* It goes on when there is a key. */
	if (transport->is_secure && !wire_channel_ready(&peer->channel)) {
		peer->channel.wanted = true;
		return;
	}
	while (!err && !list_empty(&peer->lane))
		err = send_head(transport, peer, now_ns);
	if (err == -EAGAIN)
		peer->resume_ns = now_ns + RAFTLOG_SOCKET_RETRY_NS;
}

/*
 * A leader of an older term has nothing to say any more (3.3). Of a bundle that
 * is under way no part can be taken back; one of many messages is small.
 */
static void drop_stale(struct raftlog_transport_peer *peer)
{
	u32 n_bundled = peer->n_bundled;
	struct raftlog_outgoing *outgoing, *next;
	u32 i = 0;

	list_for_each_entry_safe(outgoing, next, &peer->lane, node) {
		bool is_bundled = i++ < n_bundled;

		if ((outgoing->type != RAFT_APPEND_ENTRIES &&
		     outgoing->type != RAFT_INSTALL_SNAPSHOT) ||
		    outgoing->term >= peer->term ||
		    (is_bundled && n_bundled > 1))
			continue;
		if (is_bundled)
			end_bundle(peer);
		drop_outgoing(peer, outgoing);
	}
}

/* What a message is about, for those that are sent again. */
static u64 index_of(const struct raft_message *message)
{
	switch (message->type) {
	case RAFT_APPEND_ENTRIES:
		return message->append_entries.prev_log_index + 1;
	case RAFT_INSTALL_SNAPSHOT:
		return message->install_snapshot.snapshot_index;
	default:
		return 0;
	}
}

/* Of a snapshot: the offer, or which piece of the data. */
static u64 chunk_of(const struct raft_message *message)
{
	return message->n_entries > 1 ?
		       message->install_snapshot.offset + 1 :
		       0;
}

static bool same_purpose(const struct raftlog_outgoing *outgoing,
			 const struct raft_message *message)
{
	if (outgoing->type != message->type)
		return false;
	if (message->type == RAFT_PROPOSE)
		return outgoing->session == message->entries[0].session &&
		       outgoing->sequence == message->entries[0].sequence;
	if (message->type == RAFT_INSTALL_SNAPSHOT &&
	    outgoing->sequence != chunk_of(message))
		return false;
	return outgoing->term == message->term &&
	       outgoing->first_index == index_of(message);
}

static bool is_queued(const struct raftlog_transport_peer *peer,
		      const struct raft_message *message)
{
	const struct raftlog_outgoing *outgoing;

	list_for_each_entry(outgoing, &peer->lane, node)
		if (same_purpose(outgoing, message))
			return true;
	return false;
}

static void queue_message(struct raftlog_transport *transport,
			  struct raftlog_transport_peer *peer,
			  const struct raft_message *message, size_t bytes)
{
	struct raftlog_outgoing *outgoing;

	if (peer->n_lane == RAFTLOG_LANE_MESSAGES_MAX ||
	    bytes > RAFTLOG_LANE_BYTES_MAX - peer->lane_bytes) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_QUEUE_FULL);
		return;
	}
	outgoing = kvmalloc(struct_size(outgoing, data,
					WIRE_BUNDLE_HEADER_BYTES + bytes),
			    GFP_NOIO | __GFP_NOWARN);
	if (!outgoing) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_NO_MEMORY);
		return;
	}
	outgoing->type = message->type;
	outgoing->term = message->term;
	outgoing->first_index = index_of(message);
	outgoing->session = message->entries[0].session;
	outgoing->sequence = message->type == RAFT_INSTALL_SNAPSHOT ?
				     chunk_of(message) :
				     message->entries[0].sequence;
	outgoing->bytes = bytes;
	wire_bundle_put(outgoing->data, bytes);
	if (wire_message_encode(message,
				outgoing->data + WIRE_BUNDLE_HEADER_BYTES,
				bytes) < 0) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_MALFORMED);
		kvfree(outgoing);
		return;
	}
	list_add_tail(&outgoing->node, &peer->lane);
	peer->n_lane++;
	peer->lane_bytes += bytes;
}

/*
 * There is no key to send with, for long perhaps: what comes later is of more use, and
 * to try is to ask for one.
 */
static void await_key(struct raftlog_transport *transport,
		      struct raftlog_transport_peer *peer,
		      const struct raft_message *message, size_t bytes,
		      u64 now_ns)
{
	if (!peer->n_bundled && peer->n_lane >= RAFTLOG_LANE_UNKEYED_MAX) {
		drop_outgoing(peer, lane_head(peer));
		raftlog_transport_drop(transport, RAFTLOG_DROP_UNKEYED);
	}
	queue_message(transport, peer, message, bytes);
	raftlog_transport_pump(transport, peer, now_ns);
}

/* The message as wire/ wants it: with its entries. */
static int attach_entries(struct raftlog_transport *transport,
			  struct raft_message *message,
			  struct raftlog_entry *const *entries, u32 n,
			  bool witness)
{
	u32 i;

	if (raftlog_table_reserve(&transport->tx_table, n))
		return -EMSGSIZE;
	for (i = 0; i < n; i++) {
		struct raft_entry *entry = &transport->tx_table.entries[i];

		entry->term = entries[i]->term;
		entry->session = entries[i]->session;
		entry->sequence = entries[i]->sequence;
		entry->bytes = entries[i]->bytes;
		entry->type = entries[i]->type;
		entry->data = entries[i]->data;
		if (witness && entry->type == RAFT_ENTRY_DATA)
			entry->bytes = 0;
	}
	message->entries = transport->tx_table.entries;
	message->n_entries = n;
	return 0;
}

void raftlog_transport_send(struct raftlog_transport *transport,
			    const struct raft_message *message,
			    struct raftlog_entry *const *entries, u32 n,
			    bool witness, u64 now_ns)
{
	struct raftlog_transport_peer *peer;
	struct raft_message full = *message;
	size_t bytes;
	int encoded, err;

	transport->now_ns = now_ns;
	peer = raftlog_transport_peer(transport, message->to);
	if (!peer) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_SEND);
		return;
	}
	bytes = attach_entries(transport, &full, entries, n, witness) ?
			0 : wire_message_bytes(&full);
	if (!bytes || bytes > transport->limits.message_bytes_max) {
		raftlog_transport_drop(transport, RAFTLOG_DROP_MALFORMED);
		return;
	}
	if (message->term > peer->term) {
		peer->term = message->term;
		drop_stale(peer);
		raftlog_transport_pump(transport, peer, now_ns);
	}

	if (n && is_queued(peer, &full))
		return;
	if (transport->is_secure && !wire_channel_ready(&peer->channel)) {
		await_key(transport, peer, &full, bytes, now_ns);
		return;
	}
	if (bytes <= tx_body_bytes_max(transport) && (!n || !peer->n_lane)) {
		encoded = wire_message_encode(&full, tx_body(transport),
					      tx_body_bytes_max(transport));
		if (encoded < 0) {
			raftlog_transport_drop(transport, RAFTLOG_DROP_MALFORMED);
			return;
		}
		err = send_small(transport, peer, encoded);
		if (err)
			raftlog_transport_drop(transport, send_drop(err));
		return;
	}
	queue_message(transport, peer, &full, bytes);
	/* Whatever is under way goes on when acknowledgments arrive. */
	if (peer->sender.state == WIRE_SENDER_IDLE)
		raftlog_transport_pump(transport, peer, now_ns);
}

/* Return: when there is something to ask for next. */
static u64 ask(struct raftlog_transport *transport,
	       struct raftlog_transport_peer *peer, u64 now_ns)
{
	u8 request[WIRE_HANDSHAKE_BYTES];

	if (wire_channel_ask(&transport->keyring, &peer->channel, request,
			     now_ns))
		raftlog_transport_handshake(transport, &peer->address, request);
	return wire_channel_deadline(&peer->channel);
}

u64 raftlog_transport_timer(struct raftlog_transport *transport, u64 now_ns)
{
	u64 deadline_ns;
	u32 i;

	transport->now_ns = now_ns;
	if (transport->drop_previous_ns <= now_ns) {
		raftlog_transport_set_key(transport, RAFTLOG_KEY_STEP_DROP, NULL,
					  0, now_ns);
		pr_info("%s: the previous key is not taken any more\n",
			transport->params.name);
	}
	deadline_ns = transport->drop_previous_ns;
	for (i = 0; i < transport->n_peers + transport->n_strangers; i++) {
		struct raftlog_transport_peer *peer =
			i < transport->n_peers ?
				transport->peers[i] :
				transport->strangers[i - transport->n_peers];

		if (wire_receiver_deadline(&peer->receiver) <= now_ns)
			raftlog_transport_acknowledge(transport, peer);
		if (wire_sender_deadline(&peer->sender) <= now_ns) {
			wire_sender_timer(&peer->sender, now_ns);
			raftlog_transport_pump(transport, peer, now_ns);
		} else if (peer->resume_ns <= now_ns) {
			raftlog_transport_pump(transport, peer, now_ns);
		}
		deadline_ns = min3(deadline_ns, peer->resume_ns,
				   wire_receiver_deadline(&peer->receiver));
		deadline_ns = min3(deadline_ns,
				   wire_sender_deadline(&peer->sender),
				   ask(transport, peer, now_ns));
	}
	return deadline_ns;
}
