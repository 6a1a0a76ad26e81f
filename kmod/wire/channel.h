/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may read and write datagrams (format.h): the keys of the cluster, and of each
 * peer a channel with a key for either direction. Pure state machines; bytes and time
 * come in, bytes go out.
 *
 *	sending		wire_channel_seal(); without a key that, and whatever
 *			else is due, is asked for by wire_channel_ask()
 *	receiving	wire_header_decode(), then by type
 *			WIRE_REQUEST	wire_channel_limit(), wire_channel_answer()
 *			WIRE_RESPONSE	wire_channel_limit(), wire_channel_response()
 *			others		wire_channel_open(); what cannot be opened
 *					for want of a key wire_channel_reject() tells
 *
 * Rules that bind here: no nonce is used twice under one key (epochs of a session only
 * grow, whoever they are for), and no datagram is taken twice (a window for each epoch,
 * and an epoch that was given up never comes back).
 */
#ifndef RAFTLOG_WIRE_CHANNEL_H
#define RAFTLOG_WIRE_CHANNEL_H

#include "../pure_crypto.h"
#include "wire.h"

/** enum wire_key_slot - keys that are held at a time */
enum wire_key_slot {
	WIRE_KEY_PREVIOUS, /* others may still send under it */
	WIRE_KEY_CURRENT, /* this node sends under it */
	WIRE_KEY_NEXT, /* others may send under it already */
	WIRE_KEYS,
};

/**
 * struct wire_key - a key of the cluster
 * @serial: another one for each that was installed; 0: none
 * @id: what headers call it, not unique
 * @secret: the key itself
 * @handshake: authenticates handshakes
 * @session: those of directions come from it
 */
struct wire_key {
	u32 serial;
	u8 id;
	u8 secret[WIRE_KEY_BYTES];
	u8 handshake[WIRE_KEY_BYTES];
	u8 session[WIRE_KEY_BYTES];
};

/**
 * struct wire_keyring - what this node is and holds
 * @node_id: this node
 * @cluster_id: its cluster
 * @session: random, of this start
 * @boot_secret: random, of this start, never told
 * @epoch: newest of @session, whoever it was for
 * @which: newest token of any peer
 * @which_unknown: token of those of whom nothing is remembered
 * @serial: of the key installed last
 * @keys: by enum wire_key_slot
 * @epoch_datagrams: a new epoch is due after so many
 * @epoch_ns: or after so long
 * @ask_ns: a request is repeated after so long
 */
struct wire_keyring {
	u32 node_id;
	u64 cluster_id;
	u64 session;
	u8 boot_secret[WIRE_KEY_BYTES];
	u32 epoch;
	u64 which;
	u64 which_unknown;
	u32 serial;
	struct wire_key keys[WIRE_KEYS];
	u64 epoch_datagrams;
	u64 epoch_ns;
	u64 ask_ns;
};

/**
 * wire_keyring_init() - begin a session, without keys yet
 * @keyring: filled in
 * @cluster_id: of the cluster
 * @node_id: this node
 * @session: random, not 0
 * @boot_secret: random, WIRE_KEY_BYTES
 * @ask_ns: how long to wait for an answer
 */
void wire_keyring_init(struct wire_keyring *keyring, u64 cluster_id, u32 node_id,
		       u64 session, const u8 *boot_secret, u64 ask_ns);

/**
 * wire_keyring_set() - the keys that are held from now on
 * @keyring: of this node
 * @secrets: by enum wire_key_slot, WIRE_KEY_BYTES each, or NULL; the current one is
 *	there
 *
 * To be followed by wire_channel_keys() for each channel.
 */
void wire_keyring_set(struct wire_keyring *keyring,
		      const u8 *const secrets[WIRE_KEYS]);

/** wire_keyring_clear() - no trace of any key */
void wire_keyring_clear(struct wire_keyring *keyring);

/** wire_keyring_find() - a key that headers call @id, after @after; or NULL */
const struct wire_key *wire_keyring_find(const struct wire_keyring *keyring, u8 id,
					 const struct wire_key *after);

enum wire_window_limits {
	WIRE_WINDOW_WORDS = 64,
	/* One word is on its way out. */
	WIRE_WINDOW_DATAGRAMS = (WIRE_WINDOW_WORDS - 1) * 64,
};

/**
 * struct wire_window - which counters came (RFC 6479)
 * @newest: highest one, 0: none yet
 * @words: bit c % 64 of word c / 64, taken round
 */
struct wire_window {
	u64 newest;
	u64 words[WIRE_WINDOW_WORDS];
};

/**
 * wire_window_take() - once each, and none that is too old to tell
 * @window: zeroed at first
 * @counter: of a datagram that is authentic, not 0
 *
 * Return: false if it came before, or may have.
 */
bool wire_window_take(struct wire_window *window, u64 counter);

/**
 * struct wire_incoming - an epoch of a peer
 * @serial: of the key of the cluster that it comes from; 0: none
 * @epoch: of @session
 * @session: of the peer
 * @key: of this direction
 * @window: what came
 */
struct wire_incoming {
	u32 serial;
	u32 epoch;
	u64 session;
	u8 key[WIRE_KEY_BYTES];
	struct wire_window window;
};

/**
 * struct wire_outgoing - an epoch of this node
 * @serial: of the key of the cluster that it comes from; 0: none
 * @key_id: likewise, for headers
 * @epoch: of this node's session
 * @peer_session: that it was agreed with
 * @key: of this direction
 * @counter: datagrams so far
 * @since_ns: when it began
 */
struct wire_outgoing {
	u32 serial;
	u8 key_id;
	u32 epoch;
	u64 peer_session;
	u8 key[WIRE_KEY_BYTES];
	u64 counter;
	u64 since_ns;
};

/**
 * struct wire_channel - with one peer
 * @peer: node id
 * @which: token of the peer's next epoch; 0: nothing is remembered of it
 * @which_before: that of the newest epoch, which one asked for at the same time may
 *	have as well; 0: none. Of all epochs that came with one of the two none but
 *	@incoming[0] has been known, and so none can begin again
 * @incoming: epochs of the peer: the newest, and the one before, of which some may
 *	be under way
 * @outgoing: this node's
 * @wanted: a new one is to be asked for
 * @stale: the peer cannot open what is sent
 * @asked_epoch: under way, 0: none
 * @asked_serial: of the key of the cluster that it was asked with
 * @ask_at_ns: when at the earliest to ask again
 * @n_asked: in vain, in a row
 * @reject_at_ns: when at the earliest to tell that something cannot be opened
 * @unopened_bytes: that came since that was told last, at most a handshake's
 * @session: of the peer, in what came last of it and was authentic; 0: nothing did
 * @unanswered_ns: when the first datagram was sent since then; 0: none was
 * @handshake_due_ns: when the next handshake of that session is looked at, at an even
 *	pace
 */
struct wire_channel {
	u32 peer;
	u64 which;
	u64 which_before;
	struct wire_incoming incoming[2];
	struct wire_outgoing outgoing;
	bool wanted;
	bool stale;
	u32 asked_epoch;
	u32 asked_serial;
	u64 ask_at_ns;
	u32 n_asked;
	u64 reject_at_ns;
	u32 unopened_bytes;
	u64 session;
	u64 unanswered_ns;
	u64 handshake_due_ns;
};

/** wire_channel_init() - nothing is known, and a key wanted if @wanted */
void wire_channel_init(struct wire_channel *channel, u32 peer, bool wanted);

/**
 * wire_channel_forget() - it will not be used again
 * @keyring: of this node
 * @channel: to leave no trace of
 *
 * Tokens of all of whom nothing is remembered change, or what came through the channel
 * could come again.
 */
void wire_channel_forget(struct wire_keyring *keyring, struct wire_channel *channel);

/** wire_channel_keys() - wire_keyring_set() was called */
void wire_channel_keys(struct wire_keyring *keyring,
		       struct wire_channel *channel);

/**
 * struct wire_sessions - those of a peer that something authentic came of
 * @of: 0: of none
 *
 * Sessions are random and told to nobody without a key: who names one holds a key, or
 * sees what the two of them send.
 */
struct wire_sessions {
	u64 of[2];
};

/** wire_channel_sessions() - what is known of the peer now */
static inline struct wire_sessions
wire_channel_sessions(const struct wire_channel *channel)
{
	return (struct wire_sessions){
		.of = { channel->session, channel->incoming[0].session },
	};
}

/** wire_sessions_hold() - is @session, which is not authenticated yet, one of them? */
static inline bool wire_sessions_hold(const struct wire_sessions *sessions, u64 session)
{
	return session &&
	       (session == sessions->of[0] || session == sessions->of[1]);
}

/** wire_channel_knows() - the same of what is known of the peer now */
static inline bool wire_channel_knows(const struct wire_channel *channel, u64 session)
{
	const struct wire_sessions sessions = wire_channel_sessions(channel);

	return wire_sessions_hold(&sessions, session);
}

/** wire_channel_ready() - can anything be sent? */
static inline bool wire_channel_ready(const struct wire_channel *channel)
{
	return channel->outgoing.serial &&
	       channel->outgoing.counter < WIRE_COUNTER_LAST;
}

/**
 * wire_channel_seal() - encrypt a body, and put header and tag around it
 * @keyring: of this node
 * @channel: with the receiver
 * @type: enum wire_type, no handshake
 * @datagram: the body is at WIRE_HEADER_BYTES, WIRE_TAG_BYTES are free behind it
 * @body_bytes: its length
 * @now_ns: monotonic
 *
 * Return: length of the datagram, or 0 as long as there is no key. Either way a new
 * one may be wanted: wire_channel_ask().
 */
size_t wire_channel_seal(const struct wire_keyring *keyring,
			 struct wire_channel *channel, u8 type, void *datagram,
			 size_t body_bytes, u64 now_ns);

/**
 * wire_channel_open() - authenticate a datagram and decrypt its body, in place
 * @keyring: of this node
 * @channel: with the sender, whose first datagram it may be
 * @header: decoded from it, no handshake, for this node, with a key
 * @datagram: its bytes; as they were on error
 * @bytes: how many
 *
 * Return: length of the body, which is at WIRE_HEADER_BYTES, or
 * * -EBADMSG - forged or damaged
 * * -EALREADY - it came before, or is too old to tell
 * * -ENOKEY - under a key of the cluster that this node does not hold
 * * -ESTALE - of an epoch that this node knows nothing of, or forged:
 *   wire_channel_reject()
 */
int wire_channel_open(struct wire_keyring *keyring, struct wire_channel *channel,
		      const struct wire_header *header, void *datagram,
		      size_t bytes);

/**
 * wire_channel_deadline() - when wire_channel_ask() has something to send
 * @channel: with a peer
 *
 * Return: monotonic time, U64_MAX: never.
 */
u64 wire_channel_deadline(const struct wire_channel *channel);

/**
 * wire_channel_ask() - make a request, if one is due
 * @keyring: of this node
 * @channel: with the peer
 * @datagram: where to, WIRE_HANDSHAKE_BYTES
 * @now_ns: monotonic
 *
 * Return: length of the datagram, or 0.
 */
size_t wire_channel_ask(struct wire_keyring *keyring, struct wire_channel *channel,
			void *datagram, u64 now_ns);

/**
 * wire_channel_reject() - make a request that says what could not be opened
 * @keyring: of this node
 * @channel: that wire_channel_open() returned -ESTALE for
 * @header: what it was called with
 * @bytes: likewise; nothing is answered with more than came, but two that are short
 *	may be with one
 * @datagram: where to, WIRE_HANDSHAKE_BYTES
 * @now_ns: monotonic
 *
 * Only for a peer that is known: others are to learn nothing of this node. They find
 * out by themselves, for nothing comes back.
 *
 * Return: length of the datagram, or 0: not so soon after another one, too little
 * came so far, or it is not of the peer's session.
 */
size_t wire_channel_reject(const struct wire_keyring *keyring,
			   struct wire_channel *channel,
			   const struct wire_header *header, size_t bytes,
			   void *datagram, u64 now_ns);

/**
 * wire_channel_answer() - a request to a response
 * @keyring: of this node
 * @channel: with the sender, NULL: nothing is known of it
 * @header: decoded from @request
 * @request: WIRE_HANDSHAKE_BYTES
 * @response: where to, likewise
 * @foreign_cluster_id: set with -EXDEV
 *
 * Return: length of the response, 0 (authentic, and wants none), or
 * * -EBADMSG - forged or damaged
 * * -ENOKEY - under a key of the cluster that this node does not hold
 * * -EXDEV - authentic, but of another cluster
 */
int wire_channel_answer(const struct wire_keyring *keyring,
			struct wire_channel *channel,
			const struct wire_header *header, const void *request,
			void *response, u64 *foreign_cluster_id);

/**
 * wire_channel_response() - take what was asked for
 * @keyring: of this node
 * @channel: with the sender
 * @header: decoded from @response
 * @response: WIRE_HANDSHAKE_BYTES
 * @now_ns: monotonic
 *
 * Return: 0 (there is a key to send with), or
 * * -EBADMSG - forged or damaged
 * * -ENOKEY - under a key of the cluster that this node does not hold
 * * -EALREADY - nobody waits for it, any more
 */
int wire_channel_response(const struct wire_keyring *keyring,
			  struct wire_channel *channel,
			  const struct wire_header *header, const void *response,
			  u64 now_ns);

enum wire_limiter_limits {
	WIRE_LIMITER_SOURCES = 256,
	/*
	 * Handshakes a second: of all, of those whose addresses meet in a slot, and of
	 * a peer that names its session.
	 */
	WIRE_HANDSHAKES_PER_S = 10000,
	WIRE_HANDSHAKES_PER_S_OF_ONE = 200,
	WIRE_HANDSHAKES_PER_S_OF_KNOWN = 1000,
	/* That may come at once: this part of a second's. */
	WIRE_HANDSHAKES_BURST = 10,
};

/**
 * struct wire_limiter - how many handshakes are looked at
 * @due_ns: when the next one is, at an even pace
 * @source_due_ns: likewise, of one source
 */
struct wire_limiter {
	u64 due_ns;
	u64 source_due_ns[WIRE_LIMITER_SOURCES];
};

/**
 * wire_limiter_take() - may a handshake of who may be anybody be looked at?
 * @limiter: zeroed at first
 * @source: hash of where it comes from
 * @now_ns: monotonic
 */
bool wire_limiter_take(struct wire_limiter *limiter, u32 source, u64 now_ns);

/**
 * wire_channel_limit() - may a handshake be looked at?
 * @keyring: of this node
 * @channel: with the sender; NULL: nothing is known of it
 * @limiter: for those of whom it cannot be told whether they are peers
 * @source: hash of where it comes from
 * @header: decoded from it
 * @handshake: its bytes
 * @now_ns: monotonic
 *
 * Whoever floods a node under a peer's address and does not see what the two send must
 * not starve that peer: its handshakes are told apart by sessions.
 */
bool wire_channel_limit(const struct wire_keyring *keyring,
			struct wire_channel *channel, struct wire_limiter *limiter,
			u32 source, const struct wire_header *header,
			const void *handshake, u64 now_ns);

/* For those who make keys, and for tests. key.c */

/** wire_tag() - BLAKE2s-128 of a handshake up to its tag, @tag WIRE_TAG_BYTES */
void wire_tag(const u8 *handshake_key, const void *datagram, u8 *tag);

/** wire_handshake_key() - of @cluster_id, from a key of the cluster */
void wire_handshake_key(const u8 *secret, u64 cluster_id, u8 *key);

/** wire_token() - the one of @which of the epochs of @sender */
void wire_token(const struct wire_keyring *keyring, u32 sender, u64 which,
		u8 *token);

/**
 * struct wire_direction - what the key of a direction depends on
 * @sender: node id
 * @receiver: node id
 * @sender_session: of the sender
 * @epoch: of that session
 * @receiver_session: of the receiver
 * @token: of the receiver
 */
struct wire_direction {
	u32 sender;
	u32 receiver;
	u64 sender_session;
	u32 epoch;
	u64 receiver_session;
	const u8 *token;
};

/** wire_direction_key() - Return: in @key */
void wire_direction_key(const struct wire_key *from,
			const struct wire_direction *direction, u8 *key);

#endif /* RAFTLOG_WIRE_CHANNEL_H */
