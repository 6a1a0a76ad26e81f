// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams under the keys of a channel. An epoch begins, for the one who sends, with
 * a response (handshake.c); for the one who receives, with its first datagram.
 */
#include "channel.h"

enum {
	ASSOCIATED_BYTES = WIRE_HEADER_BYTES + 8,
	/* Nothing comes back for so many times ask_ns: perhaps nothing is understood. */
	WIRE_ASKS_OF_SILENCE = 4,
};

/* What is authenticated beside the body. */
static void associate(const struct wire_keyring *keyring, const void *datagram,
		      u8 *associated)
{
	memcpy(associated, datagram, WIRE_HEADER_BYTES);
	put_unaligned_le64(keyring->cluster_id, associated + WIRE_HEADER_BYTES);
}

void wire_channel_init(struct wire_channel *channel, u32 peer, bool wanted)
{
	memset(channel, 0, sizeof(*channel));
	channel->peer = peer;
	channel->wanted = wanted;
}

void wire_channel_forget(struct wire_keyring *keyring, struct wire_channel *channel)
{
	if (channel->which)
		keyring->which_unknown = ++keyring->which;
	memzero_explicit(channel, sizeof(*channel));
}

static bool is_held(const struct wire_keyring *keyring, u32 serial)
{
	u32 i;

	for (i = 0; i < WIRE_KEYS; i++)
		if (keyring->keys[i].serial == serial)
			return true;
	return false;
}

/*
 * What came with tokens of before comes no more. An epoch that is to be known next,
 * and was asked for before, may still have the one of the newest.
 */
static void use_token_up(struct wire_keyring *keyring, struct wire_channel *channel)
{
	channel->which_before = channel->which ? channel->which :
						 keyring->which_unknown;
	channel->which = ++keyring->which;
}

void wire_channel_keys(struct wire_keyring *keyring,
		       struct wire_channel *channel)
{
	struct wire_outgoing *outgoing = &channel->outgoing;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(channel->incoming); i++) {
		struct wire_incoming *incoming = &channel->incoming[i];

		if (!incoming->serial || is_held(keyring, incoming->serial))
			continue;
		memzero_explicit(incoming, sizeof(*incoming));
		/* Not even if that key is held again some time. */
		use_token_up(keyring, channel);
		channel->which_before = 0;
	}
	/* It would be of no use to others for long: ask, with the current one. */
	if (outgoing->serial &&
	    outgoing->serial != keyring->keys[WIRE_KEY_CURRENT].serial)
		channel->wanted = true;
	if (outgoing->serial && !is_held(keyring, outgoing->serial))
		memzero_explicit(outgoing, sizeof(*outgoing));
}

/* Is there no epoch to send in, or not for long? */
static bool is_due(const struct wire_keyring *keyring,
		   const struct wire_channel *channel, u64 now_ns)
{
	const struct wire_outgoing *outgoing = &channel->outgoing;

	return channel->stale || !wire_channel_ready(channel) ||
	       outgoing->serial != keyring->keys[WIRE_KEY_CURRENT].serial ||
	       outgoing->counter >= keyring->epoch_datagrams ||
	       now_ns - outgoing->since_ns >= keyring->epoch_ns ||
	       (channel->unanswered_ns &&
		now_ns - channel->unanswered_ns >=
			WIRE_ASKS_OF_SILENCE * keyring->ask_ns);
}

size_t wire_channel_seal(const struct wire_keyring *keyring,
			 struct wire_channel *channel, u8 type, void *datagram,
			 size_t body_bytes, u64 now_ns)
{
	struct wire_outgoing *outgoing = &channel->outgoing;
	struct wire_header header = {
		.type = type,
		.key_id = outgoing->key_id,
		.sender = keyring->node_id,
		.receiver = channel->peer,
		.epoch = outgoing->epoch,
		.session = keyring->session,
	};
	u8 *body = (u8 *)datagram + WIRE_HEADER_BYTES;
	u8 associated[ASSOCIATED_BYTES];

	if (is_due(keyring, channel, now_ns))
		channel->wanted = true;
	if (!wire_channel_ready(channel))
		return 0;
	if (!channel->unanswered_ns)
		channel->unanswered_ns = now_ns;
	header.counter = ++outgoing->counter;
	wire_header_encode(&header, datagram);
	associate(keyring, datagram, associated);
	chacha20poly1305_encrypt(body, body, body_bytes, associated,
				 sizeof(associated), header.counter,
				 outgoing->key);
	return body_bytes + WIRE_OVERHEAD_BYTES;
}

/* Return: is it authentic under @key? Then the body is plain. */
static bool decrypt(const struct wire_keyring *keyring,
		    const struct wire_header *header, void *datagram,
		    size_t bytes, const u8 *key)
{
	u8 *body = (u8 *)datagram + WIRE_HEADER_BYTES;
	u8 associated[ASSOCIATED_BYTES];

	associate(keyring, datagram, associated);
	return chacha20poly1305_decrypt(body, body, bytes - WIRE_HEADER_BYTES,
					associated, sizeof(associated),
					header->counter, key);
}

static struct wire_incoming *find_epoch(struct wire_channel *channel,
					const struct wire_header *header)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(channel->incoming); i++) {
		struct wire_incoming *incoming = &channel->incoming[i];

		if (incoming->serial && incoming->session == header->session &&
		    incoming->epoch == header->epoch)
			return incoming;
	}
	return NULL;
}

/* A datagram of it is authentic. */
static void begin_epoch(struct wire_keyring *keyring, struct wire_channel *channel,
			const struct wire_header *header, u32 serial,
			const u8 *key)
{
	struct wire_incoming *incoming = &channel->incoming[0];

	channel->incoming[1] = *incoming;
	memset(incoming, 0, sizeof(*incoming));
	incoming->serial = serial;
	incoming->epoch = header->epoch;
	incoming->session = header->session;
	memcpy(incoming->key, key, WIRE_KEY_BYTES);
	wire_window_take(&incoming->window, header->counter);
	use_token_up(keyring, channel);
}

/* As the first of an epoch whose token is that of @which. */
static int open_with(struct wire_keyring *keyring, struct wire_channel *channel,
		     const struct wire_header *header, void *datagram,
		     size_t bytes, u64 which)
{
	u8 token[WIRE_TOKEN_BYTES], direction_key[WIRE_KEY_BYTES];
	struct wire_direction direction = {
		.sender = channel->peer,
		.receiver = keyring->node_id,
		.sender_session = header->session,
		.epoch = header->epoch,
		.receiver_session = keyring->session,
		.token = token,
	};
	const struct wire_key *key = NULL;
	int result = -ENOKEY;

	wire_token(keyring, channel->peer, which, token);
	while ((key = wire_keyring_find(keyring, header->key_id, key))) {
		result = -ESTALE;
		wire_direction_key(key, &direction, direction_key);
		if (!decrypt(keyring, header, datagram, bytes, direction_key))
			continue;
		begin_epoch(keyring, channel, header, key->serial,
			    direction_key);
		result = bytes - WIRE_OVERHEAD_BYTES;
		break;
	}
	memzero_explicit(token, sizeof(token));
	memzero_explicit(direction_key, sizeof(direction_key));
	return result;
}

static int open_first(struct wire_keyring *keyring, struct wire_channel *channel,
		      const struct wire_header *header, void *datagram,
		      size_t bytes)
{
	int result = open_with(keyring, channel, header, datagram, bytes,
			       channel->which ? channel->which :
						keyring->which_unknown);

	if (result == -ESTALE && channel->which_before)
		result = open_with(keyring, channel, header, datagram, bytes,
				   channel->which_before);
	return result;
}

static int open_next(struct wire_incoming *incoming,
		     const struct wire_keyring *keyring,
		     const struct wire_header *header, void *datagram, size_t bytes)
{
	if (!decrypt(keyring, header, datagram, bytes, incoming->key))
		return -EBADMSG;
	if (!wire_window_take(&incoming->window, header->counter))
		return -EALREADY;
	return bytes - WIRE_OVERHEAD_BYTES;
}

int wire_channel_open(struct wire_keyring *keyring, struct wire_channel *channel,
		      const struct wire_header *header, void *datagram,
		      size_t bytes)
{
	struct wire_incoming *incoming = find_epoch(channel, header);
	int result;

	result = incoming ?
			 open_next(incoming, keyring, header, datagram, bytes) :
			 open_first(keyring, channel, header, datagram, bytes);
	if (result >= 0)
		channel->unanswered_ns = 0;
	/* What is late may be of the session before. */
	if (result >= 0 && incoming != &channel->incoming[1])
		channel->session = header->session;
	return result;
}
