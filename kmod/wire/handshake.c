// SPDX-License-Identifier: GPL-2.0
/*
 * Requests and responses: how the one who sends comes by the key of a new epoch. Who
 * answers remembers nothing; who asks repeats himself until there is an answer to the
 * epoch that he named last.
 */
#include "channel.h"

enum {
	/* Then only something to send makes it go on. */
	ASKED_MAX = 10,
};

static void put_tag(const struct wire_key *key, void *datagram)
{
	wire_tag(key->handshake, datagram,
		 (u8 *)datagram + WIRE_HANDSHAKE_BYTES - WIRE_TAG_BYTES);
}

static bool is_tagged(const u8 *handshake_key, const void *datagram)
{
	u8 tag[WIRE_TAG_BYTES];

	wire_tag(handshake_key, datagram, tag);
	return !crypto_memneq(tag, (const u8 *)datagram + WIRE_HANDSHAKE_BYTES -
				   WIRE_TAG_BYTES, sizeof(tag));
}

/* Which of the keys that its header may mean @datagram was made with, or NULL. */
static const struct wire_key *authenticate(const struct wire_keyring *keyring,
					   const struct wire_header *header,
					   const void *datagram)
{
	const struct wire_key *key = NULL;

	do {
		key = wire_keyring_find(keyring, header->key_id, key);
	} while (key && !is_tagged(key->handshake, datagram));
	return key;
}

u64 wire_channel_deadline(const struct wire_channel *channel)
{
	return channel->wanted ? channel->ask_at_ns : U64_MAX;
}

static void make_request(const struct wire_keyring *keyring, u32 to,
			 const struct wire_key *key, u32 epoch,
			 u64 rejected_session, u32 rejected_epoch,
			 u8 *datagram)
{
	const struct wire_header header = {
		.type = WIRE_REQUEST,
		.key_id = key->id,
		.sender = keyring->node_id,
		.receiver = to,
		.epoch = epoch,
		.session = keyring->session,
	};
	u8 *body = datagram + WIRE_HEADER_BYTES;

	memset(body, 0, WIRE_HANDSHAKE_BODY_BYTES);
	wire_header_encode(&header, datagram);
	put_unaligned_le64(rejected_session, body);
	put_unaligned_le32(rejected_epoch, body + 8);
	put_unaligned_le64(keyring->cluster_id, body + 16);
	put_tag(key, datagram);
}

size_t wire_channel_ask(struct wire_keyring *keyring, struct wire_channel *channel,
			void *datagram, u64 now_ns)
{
	const struct wire_key *key = &keyring->keys[WIRE_KEY_CURRENT];

	if (!key->serial || wire_channel_deadline(channel) > now_ns)
		return 0;
	if (!channel->asked_epoch || channel->asked_serial != key->serial) {
		/* The last one there is: no number is used twice. */
		if (keyring->epoch == U32_MAX) {
			channel->wanted = false;
			return 0;
		}
		channel->asked_epoch = ++keyring->epoch;
		channel->asked_serial = key->serial;
		channel->n_asked = 0;
	}
	channel->ask_at_ns = now_ns + keyring->ask_ns;
	if (++channel->n_asked >= ASKED_MAX) {
		channel->n_asked = 0;
		channel->wanted = false;
	}
	make_request(keyring, channel->peer, key, channel->asked_epoch, 0, 0,
		     datagram);
	return WIRE_HANDSHAKE_BYTES;
}

size_t wire_channel_reject(const struct wire_keyring *keyring,
			   struct wire_channel *channel,
			   const struct wire_header *header, size_t bytes,
			   void *datagram, u64 now_ns)
{
	const struct wire_key *key =
		wire_keyring_find(keyring, header->key_id, NULL);

	if (!key)
		return 0;
	/* Of another, it would be in the way of the peer's own. */
	if (channel->session && !wire_channel_knows(channel, header->session))
		return 0;
	/* Who has only short things to say is to be told as well. */
	channel->unopened_bytes = min_t(size_t, WIRE_HANDSHAKE_BYTES,
					channel->unopened_bytes + bytes);
	if (channel->unopened_bytes < WIRE_HANDSHAKE_BYTES ||
	    now_ns < channel->reject_at_ns)
		return 0;
	channel->unopened_bytes = 0;
	channel->reject_at_ns = now_ns + keyring->ask_ns;
	make_request(keyring, header->sender, key, 0, header->session,
		     header->epoch, datagram);
	return WIRE_HANDSHAKE_BYTES;
}

/* It is not of this cluster; is it of one that has the same key? */
static int look_abroad(const struct wire_keyring *keyring,
		       const struct wire_header *header, const void *request,
		       u64 cluster_id)
{
	const struct wire_key *key = NULL;
	u8 handshake_key[WIRE_KEY_BYTES];
	int result = -ENOKEY;

	while ((key = wire_keyring_find(keyring, header->key_id, key))) {
		if (result == -ENOKEY)
			result = -EBADMSG;
		wire_handshake_key(key->secret, cluster_id, handshake_key);
		if (is_tagged(handshake_key, request))
			result = -EXDEV;
	}
	memzero_explicit(handshake_key, sizeof(handshake_key));
	return result;
}

/* What an authentic request says of this node's own epochs. */
static void heed(const struct wire_keyring *keyring, struct wire_channel *channel,
		 const struct wire_header *header, const u8 *body)
{
	const struct wire_outgoing *outgoing = &channel->outgoing;

	channel->session = header->session;
	if (!outgoing->serial) {
		/* It is there. */
		channel->wanted = true;
		return;
	}
	/*
	 * It cannot open the newest epoch, or was started again since. What is
	 * recorded and comes again names neither, or costs a handshake.
	 */
	if ((get_unaligned_le64(body) == keyring->session &&
	     get_unaligned_le32(body + 8) == outgoing->epoch) ||
	    header->session != outgoing->peer_session) {
		channel->stale = true;
		channel->wanted = true;
	}
}

static void make_response(const struct wire_keyring *keyring,
			  const struct wire_channel *channel,
			  const struct wire_header *request,
			  const struct wire_key *key, u8 *datagram)
{
	const struct wire_header header = {
		.type = WIRE_RESPONSE,
		.key_id = key->id,
		.sender = keyring->node_id,
		.receiver = request->sender,
		.epoch = request->epoch,
		.session = keyring->session,
	};
	u8 *body = datagram + WIRE_HEADER_BYTES;
	u64 which = channel ? channel->which : 0;

	wire_header_encode(&header, datagram);
	put_unaligned_le64(request->session, body);
	wire_token(keyring, request->sender,
		   which ? which : keyring->which_unknown, body + 8);
	put_tag(key, datagram);
}

int wire_channel_answer(const struct wire_keyring *keyring,
			struct wire_channel *channel,
			const struct wire_header *header, const void *request,
			void *response, u64 *foreign_cluster_id)
{
	const u8 *body = (const u8 *)request + WIRE_HEADER_BYTES;
	u64 cluster_id = get_unaligned_le64(body + 16);
	const struct wire_key *key;

	if (cluster_id != keyring->cluster_id) {
		*foreign_cluster_id = cluster_id;
		return look_abroad(keyring, header, request, cluster_id);
	}
	if (!wire_keyring_find(keyring, header->key_id, NULL))
		return -ENOKEY;
	key = authenticate(keyring, header, request);
	if (!key)
		return -EBADMSG;
	if (channel)
		heed(keyring, channel, header, body);
	if (!header->epoch)
		return 0;
	make_response(keyring, channel, header, key, response);
	return WIRE_HANDSHAKE_BYTES;
}

int wire_channel_response(const struct wire_keyring *keyring,
			  struct wire_channel *channel,
			  const struct wire_header *header, const void *response,
			  u64 now_ns)
{
	const u8 *body = (const u8 *)response + WIRE_HEADER_BYTES;
	struct wire_outgoing *outgoing = &channel->outgoing;
	const struct wire_direction direction = {
		.sender = keyring->node_id,
		.receiver = channel->peer,
		.sender_session = keyring->session,
		.epoch = header->epoch,
		.receiver_session = header->session,
		.token = body + 8,
	};
	const struct wire_key *key;

	if (!wire_keyring_find(keyring, header->key_id, NULL))
		return -ENOKEY;
	key = authenticate(keyring, header, response);
	if (!key)
		return -EBADMSG;
	if (!channel->asked_epoch || header->epoch != channel->asked_epoch ||
	    key->serial != channel->asked_serial ||
	    get_unaligned_le64(body) != keyring->session)
		return -EALREADY;
	memset(outgoing, 0, sizeof(*outgoing));
	outgoing->serial = key->serial;
	outgoing->key_id = key->id;
	outgoing->epoch = header->epoch;
	outgoing->peer_session = header->session;
	outgoing->since_ns = now_ns;
	wire_direction_key(key, &direction, outgoing->key);
	channel->session = header->session;
	channel->unanswered_ns = 0;
	channel->asked_epoch = 0;
	channel->n_asked = 0;
	channel->wanted = false;
	channel->stale = false;
	return 0;
}
