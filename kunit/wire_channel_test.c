// SPDX-License-Identifier: GPL-2.0
/*
 * Who has the key can talk, whatever is lost or started again meanwhile, and nobody
 * else: not with what was recorded, turned round, or meant for others.
 */
#include <kunit/test.h>

#include "../kmod/wire/channel.h"
#include "suites.h"

#define CLUSTER_ID 0x1817161514131211ull
#define SESSION_A 0x2827262524232221ull
#define SESSION_B 0x4847464544434241ull
#define ASK_NS (50 * NSEC_PER_MSEC)

enum {
	A = 0x31,
	B = 0x32,
	BODY_BYTES = 56,
	DATAGRAM_BYTES = BODY_BYTES + WIRE_OVERHEAD_BYTES,
};

#define LE32(x) (x), 0, 0, 0
#define LE64(x) (x), 0, 0, 0, 0, 0, 0, 0

/* 1, 2 … 32, or from another number on. */
static void secret_of(u8 *secret, u8 first)
{
	u32 i;

	for (i = 0; i < WIRE_KEY_BYTES; i++)
		secret[i] = first + i;
}

static void set_keys(struct wire_keyring *keyring, u8 previous, u8 present, u8 next)
{
	u8 previous_secret[WIRE_KEY_BYTES], current_secret[WIRE_KEY_BYTES];
	u8 next_secret[WIRE_KEY_BYTES];
	const u8 *const secrets[WIRE_KEYS] = {
		previous ? previous_secret : NULL,
		current_secret,
		next ? next_secret : NULL,
	};

	secret_of(previous_secret, previous);
	secret_of(current_secret, present);
	secret_of(next_secret, next);
	wire_keyring_set(keyring, secrets);
}

/* A node and its channel with the other one. */
struct end {
	struct wire_keyring keyring;
	struct wire_channel channel;
};

/* Two nodes, and what the network last carried between them. */
struct pair {
	struct end a;
	struct end b;
	u64 now_ns;
	u8 datagram[DATAGRAM_BYTES];
	u8 request[WIRE_HANDSHAKE_BYTES];
	u8 response[WIRE_HANDSHAKE_BYTES];
};

static void begin(struct end *end, u64 cluster_id, u32 id, u32 peer, u64 session)
{
	u8 boot_secret[WIRE_KEY_BYTES];

	secret_of(boot_secret, 0x50 + id);
	boot_secret[0] = session;
	wire_keyring_init(&end->keyring, cluster_id, id, session, boot_secret,
			  ASK_NS);
	set_keys(&end->keyring, 0, 1, 0);
	wire_channel_init(&end->channel, peer, true);
}

static struct pair *make_pair(struct kunit *test)
{
	struct pair *pair = kunit_kzalloc(test, sizeof(*pair), GFP_KERNEL);

	if (!pair)
		return NULL;
	begin(&pair->a, CLUSTER_ID, A, B, SESSION_A);
	begin(&pair->b, CLUSTER_ID, B, A, SESSION_B);
	pair->now_ns = NSEC_PER_SEC;
	return pair;
}

static int answer(struct end *end, const u8 *request, u8 *response)
{
	struct wire_header header;
	u64 foreign;
	int error = wire_header_decode(&header, request, WIRE_HANDSHAKE_BYTES);

	return error ? error :
		       wire_channel_answer(&end->keyring, &end->channel, &header,
					   request, response, &foreign);
}

static int take(struct end *end, const u8 *response, u64 now_ns)
{
	struct wire_header header;
	int error = wire_header_decode(&header, response, WIRE_HANDSHAKE_BYTES);

	return error ? error :
		       wire_channel_response(&end->keyring, &end->channel,
					     &header, response, now_ns);
}

/* Return: length, 0 without a key. */
static size_t seal(struct end *end, u8 *datagram, u64 now_ns)
{
	memset(datagram + WIRE_HEADER_BYTES, 0x77, BODY_BYTES);
	return wire_channel_seal(&end->keyring, &end->channel, WIRE_MESSAGE,
				 datagram, BODY_BYTES, now_ns);
}

static int open_bytes(struct end *end, const u8 *datagram, size_t bytes)
{
	u8 copy[DATAGRAM_BYTES];
	struct wire_header header;
	int error;

	memcpy(copy, datagram, bytes);
	error = wire_header_decode(&header, copy, bytes);
	if (error)
		return error;
	error = wire_channel_open(&end->keyring, &end->channel, &header, copy,
				  bytes);
	if (error < 0)
		return error;
	return memchr_inv(copy + WIRE_HEADER_BYTES, 0x77, error) ? -EILSEQ :
								   error;
}

static int open_it(struct end *end, const u8 *datagram)
{
	return open_bytes(end, datagram, DATAGRAM_BYTES);
}

/* From the one to the other: a key, and the first datagram under it. */
static int agree(struct pair *pair, struct end *from, struct end *to)
{
	pair->now_ns = max(pair->now_ns, from->channel.ask_at_ns);
	from->channel.wanted = true;
	if (wire_channel_ask(&from->keyring, &from->channel, pair->request,
			     pair->now_ns) != WIRE_HANDSHAKE_BYTES ||
	    answer(to, pair->request, pair->response) != WIRE_HANDSHAKE_BYTES ||
	    take(from, pair->response, pair->now_ns))
		return -ENOKEY;
	if (seal(from, pair->datagram, pair->now_ns) != DATAGRAM_BYTES)
		return -ENOKEY;
	return open_it(to, pair->datagram);
}

/* Tables of format.h, worked out elsewhere. */
static void keys_derived(struct kunit *test)
{
	static const u8 handshake_key[WIRE_KEY_BYTES] = {
		0x55, 0x2f, 0x0b, 0x22, 0xc2, 0x23, 0x43, 0xc7,
		0xb0, 0xf5, 0x70, 0xda, 0x4a, 0xee, 0x42, 0xd0,
		0xc2, 0xa7, 0x11, 0x06, 0xe2, 0xa5, 0xfc, 0x44,
		0xd1, 0x92, 0x2b, 0xdf, 0xef, 0x7e, 0x2c, 0x9d,
	};
	static const u8 session_key[WIRE_KEY_BYTES] = {
		0xae, 0xbb, 0x57, 0x6f, 0xfd, 0xc9, 0x83, 0xc4,
		0x89, 0x79, 0x01, 0xeb, 0xfa, 0x43, 0x82, 0x0d,
		0xd8, 0x84, 0xe2, 0xe4, 0xe7, 0xe0, 0x88, 0x6d,
		0x19, 0x23, 0x4c, 0x1c, 0x6f, 0x78, 0xb6, 0x03,
	};
	static const u8 token[WIRE_TOKEN_BYTES] = {
		0x53, 0x72, 0x59, 0x15, 0xed, 0x63, 0xe8, 0x4d,
		0xd6, 0xd6, 0xa9, 0x0c, 0xcb, 0x25, 0xa6, 0xbe,
		0x63, 0x0f, 0x96, 0xdb, 0x53, 0xe7, 0x71, 0x6f,
		0xb3, 0x88, 0x0b, 0x5d, 0x2c, 0x99, 0x63, 0x76,
	};
	static const u8 direction_key[WIRE_KEY_BYTES] = {
		0x88, 0x24, 0x34, 0x64, 0xc6, 0x08, 0x5b, 0x09,
		0xbb, 0x6a, 0x1c, 0xf0, 0xaf, 0xdc, 0xfd, 0xe1,
		0xf5, 0xa9, 0x2f, 0x50, 0xc4, 0xe6, 0xe1, 0xed,
		0xc6, 0x3e, 0x47, 0xc0, 0x5e, 0x60, 0x0a, 0x01,
	};
	struct wire_direction direction = {
		.sender = A, .receiver = B, .sender_session = SESSION_A,
		.epoch = 0x51, .receiver_session = SESSION_B,
	};
	u8 boot_secret[WIRE_KEY_BYTES], made[WIRE_KEY_BYTES];
	struct wire_keyring keyring;
	const struct wire_key *key = &keyring.keys[WIRE_KEY_CURRENT];

	secret_of(boot_secret, 0x81);
	wire_keyring_init(&keyring, CLUSTER_ID, B, SESSION_B, boot_secret, 1);
	set_keys(&keyring, 0, 1, 0);
	KUNIT_EXPECT_EQ(test, (u32)key->id, 0xc4u);
	KUNIT_EXPECT_EQ(test, memcmp(key->handshake, handshake_key, 32), 0);
	KUNIT_EXPECT_EQ(test, memcmp(key->session, session_key, 32), 0);
	wire_token(&keyring, A, 1, made);
	KUNIT_EXPECT_EQ(test, memcmp(made, token, 32), 0);
	direction.token = token;
	wire_direction_key(key, &direction, made);
	KUNIT_EXPECT_EQ(test, memcmp(made, direction_key, 32), 0);
}

static const u8 golden_request[] = {
	1, 4, 0xc4, 0, LE32(A), LE32(B), LE32(0x51),
	0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, LE64(0),
	LE64(0), LE32(0), LE32(0),
	0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, LE64(0), LE64(0),
	0x98, 0xdf, 0x66, 0xd9, 0xe3, 0xdc, 0x72, 0x99,
	0xf3, 0xcb, 0x84, 0x6d, 0x33, 0x5a, 0xb2, 0x7d,
};

static const u8 golden_response[] = {
	1, 5, 0xc4, 0, LE32(B), LE32(A), LE32(0x51),
	0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, LE64(0),
	0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,
	0x53, 0x72, 0x59, 0x15, 0xed, 0x63, 0xe8, 0x4d,
	0xd6, 0xd6, 0xa9, 0x0c, 0xcb, 0x25, 0xa6, 0xbe,
	0x63, 0x0f, 0x96, 0xdb, 0x53, 0xe7, 0x71, 0x6f,
	0xb3, 0x88, 0x0b, 0x5d, 0x2c, 0x99, 0x63, 0x76,
	0x6d, 0x5f, 0xa8, 0xb3, 0x8e, 0x78, 0xe1, 0x63,
	0x58, 0xcb, 0xfb, 0x20, 0x72, 0xea, 0x1d, 0x60,
};

/* Counter 1 as the nonce; header and cluster id as associated data. */
static const u8 golden_datagram[] = {
	1, 1, 0xc4, 0, LE32(A), LE32(B), LE32(0x51),
	0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, LE64(1),
	0x3b, 0x3c, 0x0b, 0xac, 0x64, 0x9d, 0x9a, 0x84,
	0xb5, 0x8c, 0x1b, 0xb8, 0xbd, 0x64, 0x0a, 0xe5,
	0x7f, 0xbc, 0x34, 0xf0,
};

/* A whole dialogue, byte by byte. */
static void dialogue_golden(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct wire_header header;
	u8 boot_secret[WIRE_KEY_BYTES];

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	secret_of(boot_secret, 0x81);
	wire_keyring_init(&pair->b.keyring, CLUSTER_ID, B, SESSION_B,
			  boot_secret, ASK_NS);
	set_keys(&pair->b.keyring, 0, 1, 0);
	pair->a.keyring.epoch = 0x50;

	KUNIT_EXPECT_EQ(test, (size_t)WIRE_HANDSHAKE_BYTES, sizeof(golden_request));
	KUNIT_EXPECT_EQ(test, (size_t)WIRE_HANDSHAKE_BYTES, sizeof(golden_response));
	KUNIT_ASSERT_EQ(test, wire_channel_ask(&pair->a.keyring, &pair->a.channel,
					       pair->request, pair->now_ns),
			sizeof(golden_request));
	KUNIT_EXPECT_EQ(test, memcmp(pair->request, golden_request,
				     sizeof(golden_request)), 0);
	KUNIT_ASSERT_EQ(test, answer(&pair->b, pair->request, pair->response),
			(int)sizeof(golden_response));
	KUNIT_EXPECT_EQ(test, memcmp(pair->response, golden_response,
				     sizeof(golden_response)), 0);
	KUNIT_ASSERT_EQ(test, take(&pair->a, pair->response, pair->now_ns), 0);
	memcpy(pair->datagram + WIRE_HEADER_BYTES, "body", 4);
	KUNIT_ASSERT_EQ(test, wire_channel_seal(&pair->a.keyring, &pair->a.channel,
						WIRE_MESSAGE, pair->datagram, 4,
						pair->now_ns),
			sizeof(golden_datagram));
	KUNIT_EXPECT_EQ(test, memcmp(pair->datagram, golden_datagram,
				     sizeof(golden_datagram)), 0);
	KUNIT_ASSERT_EQ(test, wire_header_decode(&header, pair->datagram,
						 sizeof(golden_datagram)), 0);
	KUNIT_EXPECT_EQ(test, header.epoch, 0x51u);
	KUNIT_EXPECT_EQ(test, (u32)header.key_id, 0xc4u);
	KUNIT_ASSERT_EQ(test, wire_channel_open(&pair->b.keyring, &pair->b.channel,
						&header, pair->datagram,
						sizeof(golden_datagram)), 4);
	KUNIT_EXPECT_EQ(test, memcmp(pair->datagram + WIRE_HEADER_BYTES, "body", 4),
			0);
}

/* With the header of a handshake or of an epoch, one byte changed. */
static void headers_refused(struct kunit *test)
{
	static const struct {
		const u8 *bytes;
		u32 n;
		u32 offset;
		u8 value;
		int error;
	} rows[] = {
#define ROW(of, offset, value, error) { of, sizeof(of), offset, value, error }
		ROW(golden_request, 2, 0, -EBADMSG),
		ROW(golden_request, 24, 1, -EBADMSG),
		ROW(golden_request, 1, 6, -ENOMSG),
		ROW(golden_response, 2, 0, -EBADMSG),
		ROW(golden_response, 12, 0, -EBADMSG),
		ROW(golden_response, 31, 1, -EBADMSG),
		ROW(golden_datagram, 2, 0, -EBADMSG),
		ROW(golden_datagram, 12, 0, -EBADMSG),
		ROW(golden_datagram, 24, 0, -EBADMSG),
		ROW(golden_datagram, 8, A, -EBADMSG),
		ROW(golden_datagram, 1, WIRE_REQUEST, -EMSGSIZE),
		ROW(golden_request, 12, 0, 0),
		ROW(golden_datagram, 2, 1, 0),
#undef ROW
	};
	struct wire_header header;
	u8 buf[WIRE_HANDSHAKE_BYTES];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(buf, rows[i].bytes, rows[i].n);
		KUNIT_EXPECT_EQ(test, wire_header_decode(&header, buf, rows[i].n), 0);
		buf[rows[i].offset] = rows[i].value;
		KUNIT_EXPECT_EQ_MSG(test, wire_header_decode(&header, buf, rows[i].n),
				    rows[i].error, "row %u", i);
	}
	memcpy(buf, golden_request, sizeof(buf));
	KUNIT_EXPECT_EQ(test, wire_header_decode(&header, buf, sizeof(buf) - 1),
			-EMSGSIZE);
}

/* Nothing goes out before there is a key, and a request is as long as its answer. */
static void both_directions(struct kunit *test)
{
	struct pair *pair = make_pair(test);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_EXPECT_FALSE(test, wire_channel_ready(&pair->a.channel));
	KUNIT_EXPECT_EQ(test, seal(&pair->a, pair->datagram, pair->now_ns), (size_t)0);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_TRUE(test, wire_channel_ready(&pair->a.channel));
	/* A direction has a key of its own. */
	KUNIT_EXPECT_FALSE(test, wire_channel_ready(&pair->b.channel));
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->b, &pair->a), (int)BODY_BYTES);
	KUNIT_EXPECT_NE(test, memcmp(pair->a.channel.outgoing.key,
				     pair->b.channel.outgoing.key, 32), 0);
	KUNIT_EXPECT_EQ(test, wire_channel_deadline(&pair->a.channel), U64_MAX);
}

static void any_bit_flipped(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u32 bit;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	seal(&pair->a, pair->datagram, pair->now_ns);
	for (bit = 0; bit < DATAGRAM_BYTES * 8; bit++) {
		pair->datagram[bit / 8] ^= 1 << (bit % 8);
		KUNIT_EXPECT_LT_MSG(test, open_it(&pair->b, pair->datagram), 0,
				    "bit %u", bit);
		pair->datagram[bit / 8] ^= 1 << (bit % 8);
	}
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, pair->datagram), (int)BODY_BYTES);
	for (bit = 0; bit < WIRE_HANDSHAKE_BYTES * 8; bit++) {
		pair->request[bit / 8] ^= 1 << (bit % 8);
		KUNIT_EXPECT_LT_MSG(test, answer(&pair->b, pair->request,
						 pair->response), 0,
				    "bit %u of a request", bit);
		pair->request[bit / 8] ^= 1 << (bit % 8);
	}
}

static void response_flipped(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u32 bit;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	wire_channel_ask(&pair->a.keyring, &pair->a.channel, pair->request,
			 pair->now_ns);
	answer(&pair->b, pair->request, pair->response);
	for (bit = 0; bit < WIRE_HANDSHAKE_BYTES * 8; bit++) {
		pair->response[bit / 8] ^= 1 << (bit % 8);
		KUNIT_EXPECT_LT_MSG(test, take(&pair->a, pair->response,
					       pair->now_ns), 0, "bit %u", bit);
		pair->response[bit / 8] ^= 1 << (bit % 8);
	}
	KUNIT_EXPECT_FALSE(test, wire_channel_ready(&pair->a.channel));
	KUNIT_EXPECT_EQ(test, take(&pair->a, pair->response, pair->now_ns), 0);
}

static void datagram_truncated(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u32 n;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	seal(&pair->a, pair->datagram, pair->now_ns);
	for (n = 0; n < DATAGRAM_BYTES; n++)
		KUNIT_EXPECT_LT(test, open_bytes(&pair->b, pair->datagram, n), 0);
}

static void replayed_once_refused(struct kunit *test)
{
	struct pair *pair = make_pair(test);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	/* The one that began the epoch, and one that did not. */
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, pair->datagram), -EALREADY);
	seal(&pair->a, pair->datagram, pair->now_ns);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, pair->datagram), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, pair->datagram), -EALREADY);
}

/* The epoch before is open for what is under way, any older one is closed for good. */
static void epochs_end(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u8 late[DATAGRAM_BYTES], later[DATAGRAM_BYTES], first[DATAGRAM_BYTES];

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	memcpy(first, pair->datagram, sizeof(first));
	seal(&pair->a, late, pair->now_ns);
	seal(&pair->a, later, pair->now_ns);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, late), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, late), -EALREADY);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, later), -ESTALE);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, first), -ESTALE);
}

/*
 * An epoch whose datagrams are overtaken by those of one that was asked for at the same
 * time is still known; one of two before is not.
 */
static void overtaken_epoch(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u8 lost[DATAGRAM_BYTES];

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	agree(pair, &pair->a, &pair->b);
	pair->a.channel.wanted = true;
	pair->now_ns += ASK_NS;
	wire_channel_ask(&pair->a.keyring, &pair->a.channel, pair->request,
			 pair->now_ns);
	answer(&pair->b, pair->request, pair->response);
	KUNIT_ASSERT_EQ(test, take(&pair->a, pair->response, pair->now_ns), 0);
	seal(&pair->a, lost, pair->now_ns);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, lost), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, lost), -EALREADY);
	seal(&pair->a, pair->datagram, pair->now_ns);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, pair->datagram), (int)BODY_BYTES);
	/* The tokens of these go with two more epochs. */
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, lost), -EALREADY);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, lost), -ESTALE);
}

/* Two that nothing came of: the token of both is gone when that comes at last. */
static void lost_epochs(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u8 lost[DATAGRAM_BYTES];

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	wire_channel_ask(&pair->a.keyring, &pair->a.channel, pair->request,
			 pair->now_ns);
	answer(&pair->b, pair->request, pair->response);
	KUNIT_ASSERT_EQ(test, take(&pair->a, pair->response, pair->now_ns), 0);
	seal(&pair->a, lost, pair->now_ns);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, lost), -ESTALE);
}

/* Requests go on at their pace, name one epoch, and stop if nothing is to be sent. */
static void request_repeated(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct wire_channel *channel;
	u32 n = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	channel = &pair->a.channel;
	while (wire_channel_deadline(channel) != U64_MAX && n < 100) {
		pair->now_ns = max(pair->now_ns, wire_channel_deadline(channel));
		KUNIT_ASSERT_EQ(test, wire_channel_ask(&pair->a.keyring, channel,
						       pair->request,
						       pair->now_ns),
				(size_t)WIRE_HANDSHAKE_BYTES);
		KUNIT_EXPECT_EQ(test, wire_channel_ask(&pair->a.keyring, channel,
						       pair->request,
						       pair->now_ns), (size_t)0);
		KUNIT_EXPECT_EQ(test, get_unaligned_le32(pair->request + 12), 1u);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, 10u);
	KUNIT_EXPECT_EQ(test, seal(&pair->a, pair->datagram, pair->now_ns), (size_t)0);
	KUNIT_EXPECT_EQ(test, wire_channel_deadline(channel), pair->now_ns + ASK_NS);
	/* Whichever of them is answered. */
	answer(&pair->b, pair->request, pair->response);
	KUNIT_EXPECT_EQ(test, take(&pair->a, pair->response, pair->now_ns), 0);
	KUNIT_EXPECT_EQ(test, seal(&pair->a, pair->datagram, pair->now_ns),
			(size_t)DATAGRAM_BYTES);
}

/* A response is taken once: the same key twice would be the same nonces again. */
static void response_replayed(struct kunit *test)
{
	struct pair *pair = make_pair(test);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, take(&pair->a, pair->response, pair->now_ns), -EALREADY);
	KUNIT_EXPECT_EQ(test, pair->a.channel.outgoing.counter, 1ull);
	/* Nor while another one is waited for. */
	pair->a.channel.wanted = true;
	pair->now_ns += ASK_NS;
	wire_channel_ask(&pair->a.keyring, &pair->a.channel, pair->request,
			 pair->now_ns);
	KUNIT_EXPECT_EQ(test, take(&pair->a, pair->response, pair->now_ns), -EALREADY);
	/* Nor by the next session, which counts its epochs from the beginning. */
	begin(&pair->a, CLUSTER_ID, A, B, SESSION_A + 1);
	wire_channel_ask(&pair->a.keyring, &pair->a.channel, pair->request,
			 pair->now_ns);
	KUNIT_EXPECT_EQ(test, take(&pair->a, pair->response, pair->now_ns), -EALREADY);
}

/* A request that comes again changes nothing of what is known, and is of no use. */
static void request_replayed(struct kunit *test)
{
	struct pair *pair = make_pair(test);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->b, &pair->a), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, answer(&pair->a, pair->request, pair->response),
			(int)WIRE_HANDSHAKE_BYTES);
	KUNIT_EXPECT_EQ(test, wire_channel_deadline(&pair->a.channel), U64_MAX);
	seal(&pair->b, pair->datagram, pair->now_ns);
	KUNIT_EXPECT_EQ(test, open_it(&pair->a, pair->datagram), (int)BODY_BYTES);
}

/* The receiver was started again: it says so, and what was recorded stays dead. */
static void receiver_reboots(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u8 recorded[DATAGRAM_BYTES], names[WIRE_HANDSHAKE_BYTES];
	struct wire_header header;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	memcpy(recorded, pair->datagram, sizeof(recorded));
	begin(&pair->b, CLUSTER_ID, B, A, SESSION_B + 1);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, recorded), -ESTALE);
	seal(&pair->a, pair->datagram, pair->now_ns);
	KUNIT_ASSERT_EQ(test, open_it(&pair->b, pair->datagram), -ESTALE);

	wire_header_decode(&header, pair->datagram, DATAGRAM_BYTES);
	/* Not with more than came, and not again so soon. */
	KUNIT_EXPECT_EQ(test, wire_channel_reject(&pair->b.keyring, &pair->b.channel,
						  &header,
						  WIRE_HANDSHAKE_BYTES - 1, names,
						  pair->now_ns), (size_t)0);
	/* Of a peer that says no more than this at a time. */
	KUNIT_ASSERT_EQ(test, wire_channel_reject(&pair->b.keyring, &pair->b.channel,
						  &header, 1, names,
						  pair->now_ns),
			(size_t)WIRE_HANDSHAKE_BYTES);
	KUNIT_EXPECT_EQ(test, wire_channel_reject(&pair->b.keyring, &pair->b.channel,
						  &header, DATAGRAM_BYTES, names,
						  pair->now_ns + ASK_NS - 1),
			(size_t)0);
	/* What came in the meantime has been counted. */
	KUNIT_EXPECT_EQ(test, pair->b.channel.unopened_bytes,
			(u32)WIRE_HANDSHAKE_BYTES);
	/* It wants no answer. */
	KUNIT_EXPECT_EQ(test, answer(&pair->a, names, pair->response), 0);
	KUNIT_EXPECT_EQ(test, wire_channel_deadline(&pair->a.channel),
			pair->a.channel.ask_at_ns);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, recorded), -ESTALE);
	/* What it said before is about an epoch of before. */
	KUNIT_EXPECT_EQ(test, answer(&pair->a, names, pair->response), 0);
	KUNIT_EXPECT_EQ(test, wire_channel_deadline(&pair->a.channel), U64_MAX);
}

/* The sender was started again: its request says so to whom sent to it. */
static void sender_reboots(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u8 recorded[DATAGRAM_BYTES], old_request[WIRE_HANDSHAKE_BYTES];

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->b, &pair->a), (int)BODY_BYTES);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	memcpy(recorded, pair->datagram, sizeof(recorded));
	memcpy(old_request, pair->request, sizeof(old_request));
	KUNIT_EXPECT_EQ(test, wire_channel_deadline(&pair->b.channel), U64_MAX);

	begin(&pair->a, CLUSTER_ID, A, B, SESSION_A + 1);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_NE(test, wire_channel_deadline(&pair->b.channel), U64_MAX);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->b, &pair->a), (int)BODY_BYTES);
	/* Of the session before: it came, and does not come again. */
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, recorded), -EALREADY);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, recorded), -ESTALE);
	/* A request of that session can still be answered, and leads nowhere. */
	KUNIT_EXPECT_EQ(test, answer(&pair->b, old_request, pair->response),
			(int)WIRE_HANDSHAKE_BYTES);
	KUNIT_EXPECT_EQ(test, take(&pair->a, pair->response, pair->now_ns), -EALREADY);
}

static void reflected(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct wire_header header;
	u8 turned[DATAGRAM_BYTES];

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	/* For another receiver, its own sender; with the ids changed it is forged. */
	memcpy(turned, pair->datagram, sizeof(turned));
	wire_header_decode(&header, turned, sizeof(turned));
	KUNIT_EXPECT_EQ(test, header.receiver, (u32)B);
	swap(header.sender, header.receiver);
	wire_header_encode(&header, turned);
	KUNIT_EXPECT_EQ(test, open_it(&pair->a, turned), -ESTALE);

	memcpy(turned, pair->request, WIRE_HANDSHAKE_BYTES);
	wire_header_decode(&header, turned, WIRE_HANDSHAKE_BYTES);
	swap(header.sender, header.receiver);
	wire_header_encode(&header, turned);
	KUNIT_EXPECT_EQ(test, answer(&pair->a, turned, pair->response), -EBADMSG);
	header.type = WIRE_RESPONSE;
	wire_header_encode(&header, turned);
	KUNIT_EXPECT_EQ(test, take(&pair->a, turned, pair->now_ns), -EBADMSG);
}

/* The same key and ids, and another cluster: it is told so, and nothing opens. */
static void of_another_cluster(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct wire_header header;
	u64 foreign = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	seal(&pair->a, pair->datagram, pair->now_ns);
	/* Even one that has come by the same sessions, secrets and epochs. */
	pair->b.keyring.cluster_id++;
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, pair->datagram), -EBADMSG);

	begin(&pair->b, CLUSTER_ID + 1, B, A, SESSION_B);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, pair->datagram), -ESTALE);
	wire_header_decode(&header, pair->request, WIRE_HANDSHAKE_BYTES);
	KUNIT_EXPECT_EQ(test, wire_channel_answer(&pair->b.keyring, &pair->b.channel,
						  &header, pair->request,
						  pair->response, &foreign),
			-EXDEV);
	KUNIT_EXPECT_EQ(test, foreign, CLUSTER_ID);
	/* Whoever has not the key does not get as far. */
	pair->request[WIRE_HANDSHAKE_BYTES - 1] ^= 1;
	KUNIT_EXPECT_EQ(test, answer(&pair->b, pair->request, pair->response),
			-EBADMSG);
}

static void of_another_sender(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct wire_channel other;
	struct wire_header header;
	u64 foreign;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	/* Who holds the key of the cluster may take any id: not who records. */
	wire_channel_init(&other, 0x33, true);
	seal(&pair->a, pair->datagram, pair->now_ns);
	wire_header_decode(&header, pair->datagram, DATAGRAM_BYTES);
	header.sender = 0x33;
	wire_header_encode(&header, pair->datagram);
	KUNIT_EXPECT_EQ(test, wire_channel_open(&pair->b.keyring, &other, &header,
						pair->datagram, DATAGRAM_BYTES),
			-ESTALE);
	wire_header_decode(&header, pair->request, WIRE_HANDSHAKE_BYTES);
	header.sender = 0x33;
	wire_header_encode(&header, pair->request);
	KUNIT_EXPECT_EQ(test, wire_channel_answer(&pair->b.keyring, &other, &header,
						  pair->request, pair->response,
						  &foreign), -EBADMSG);
}

/* Nothing is remembered of a stranger, and what it sent does not come again either. */
static void strangers(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct wire_header header;
	u8 recorded[DATAGRAM_BYTES];
	u64 foreign;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	wire_channel_ask(&pair->a.keyring, &pair->a.channel, pair->request,
			 pair->now_ns);
	wire_header_decode(&header, pair->request, WIRE_HANDSHAKE_BYTES);
	KUNIT_ASSERT_EQ(test, wire_channel_answer(&pair->b.keyring, NULL, &header,
						  pair->request, pair->response,
						  &foreign),
			(int)WIRE_HANDSHAKE_BYTES);
	KUNIT_ASSERT_EQ(test, take(&pair->a, pair->response, pair->now_ns), 0);
	seal(&pair->a, recorded, pair->now_ns);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, recorded), (int)BODY_BYTES);
	wire_channel_forget(&pair->b.keyring, &pair->b.channel);
	wire_channel_init(&pair->b.channel, A, true);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, recorded), -ESTALE);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
}

/* One that is forgotten and comes back has no epoch of before. */
static void epochs_of_a_session_grow(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u8 key[WIRE_KEY_BYTES];
	u32 epoch;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	/* The answer is there, and nothing was sent: the token stays. */
	wire_channel_ask(&pair->a.keyring, &pair->a.channel, pair->request,
			 pair->now_ns);
	answer(&pair->b, pair->request, pair->response);
	KUNIT_ASSERT_EQ(test, take(&pair->a, pair->response, pair->now_ns), 0);
	epoch = pair->a.channel.outgoing.epoch;
	memcpy(key, pair->a.channel.outgoing.key, sizeof(key));
	wire_channel_forget(&pair->a.keyring, &pair->a.channel);
	wire_channel_init(&pair->a.channel, B, true);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_GT(test, pair->a.channel.outgoing.epoch, epoch);
	KUNIT_EXPECT_NE(test, memcmp(key, pair->a.channel.outgoing.key, 32), 0);
	/* And there is a last one. */
	pair->a.keyring.epoch = U32_MAX;
	pair->a.channel.wanted = true;
	pair->now_ns += ASK_NS;
	KUNIT_EXPECT_EQ(test, wire_channel_ask(&pair->a.keyring, &pair->a.channel,
					       pair->request, pair->now_ns),
			(size_t)0);
	KUNIT_EXPECT_EQ(test, wire_channel_deadline(&pair->a.channel), U64_MAX);
}

static void epoch_ends_by_itself(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	struct wire_channel *channel;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	channel = &pair->a.channel;
	pair->a.keyring.epoch_datagrams = 3;
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	seal(&pair->a, pair->datagram, pair->now_ns);
	seal(&pair->a, pair->datagram, pair->now_ns);
	KUNIT_EXPECT_EQ(test, wire_channel_deadline(channel), U64_MAX);
	/* Due, but it goes on until there is another. */
	KUNIT_EXPECT_EQ(test, seal(&pair->a, pair->datagram, pair->now_ns),
			(size_t)DATAGRAM_BYTES);
	KUNIT_EXPECT_NE(test, wire_channel_deadline(channel), U64_MAX);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	/* It was answered. */
	channel->unanswered_ns = 0;
	pair->now_ns += pair->a.keyring.epoch_ns - 1;
	seal(&pair->a, pair->datagram, pair->now_ns);
	KUNIT_EXPECT_EQ(test, wire_channel_deadline(channel), U64_MAX);
	seal(&pair->a, pair->datagram, ++pair->now_ns);
	KUNIT_EXPECT_NE(test, wire_channel_deadline(channel), U64_MAX);
	/* Beyond the last counter nothing goes. */
	channel->outgoing.counter = WIRE_COUNTER_LAST - 1;
	KUNIT_EXPECT_EQ(test, seal(&pair->a, pair->datagram, pair->now_ns),
			(size_t)DATAGRAM_BYTES);
	KUNIT_EXPECT_EQ(test, seal(&pair->a, pair->datagram, pair->now_ns), (size_t)0);
}

/* Next on both, current on both, previous gone: at no step is anything refused. */
static void keys_rotated(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u8 old[DATAGRAM_BYTES], older[DATAGRAM_BYTES];

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
#define CHANGE(end, previous, present, next)                                  \
	do {                                                                  \
		set_keys(&pair->end.keyring, previous, present, next);        \
		wire_channel_keys(&pair->end.keyring, &pair->end.channel);    \
		KUNIT_EXPECT_EQ(test, seal(&pair->a, pair->datagram,          \
					   pair->now_ns),                     \
				(size_t)DATAGRAM_BYTES);                      \
		KUNIT_EXPECT_EQ(test, open_it(&pair->b, pair->datagram),      \
				(int)BODY_BYTES);                             \
	} while (0)
	CHANGE(a, 0, 1, 2);
	KUNIT_EXPECT_EQ(test, wire_channel_deadline(&pair->a.channel), U64_MAX);
	/* The other one does not have it yet: it goes on under the old one. */
	CHANGE(a, 1, 2, 0);
	KUNIT_EXPECT_NE(test, wire_channel_deadline(&pair->a.channel), U64_MAX);
	KUNIT_EXPECT_EQ(test, agree(pair, &pair->a, &pair->b), -ENOKEY);
	CHANGE(b, 0, 1, 2);
	KUNIT_EXPECT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_EQ(test, pair->a.channel.outgoing.serial,
			pair->a.keyring.keys[WIRE_KEY_CURRENT].serial);
	CHANGE(b, 1, 2, 0);
	CHANGE(a, 0, 2, 0);
	CHANGE(b, 0, 2, 0);
#undef CHANGE
	KUNIT_EXPECT_EQ(test, agree(pair, &pair->b, &pair->a), (int)BODY_BYTES);

	/* Under a key that is gone nothing is taken: no datagram and no handshake. */
	begin(&pair->a, CLUSTER_ID, A, B, SESSION_A + 1);
	begin(&pair->b, CLUSTER_ID, B, A, SESSION_B + 1);
	set_keys(&pair->b.keyring, 1, 2, 0);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	seal(&pair->a, old, pair->now_ns);
	seal(&pair->a, older, pair->now_ns);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, old), (int)BODY_BYTES);
	set_keys(&pair->b.keyring, 0, 2, 0);
	wire_channel_keys(&pair->b.keyring, &pair->b.channel);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, older), -ENOKEY);
	KUNIT_EXPECT_EQ(test, answer(&pair->b, pair->request, pair->response), -ENOKEY);
	/* Nor, of what was recorded, if it is held again. */
	set_keys(&pair->b.keyring, 1, 2, 0);
	wire_channel_keys(&pair->b.keyring, &pair->b.channel);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, old), -ESTALE);
}

/* What this node sends ends with its key as well, if there is no other one yet. */
static void outgoing_ends_with_its_key(struct kunit *test)
{
	struct pair *pair = make_pair(test);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	set_keys(&pair->a.keyring, 0, 2, 0);
	wire_channel_keys(&pair->a.keyring, &pair->a.channel);
	KUNIT_EXPECT_EQ(test, seal(&pair->a, pair->datagram, pair->now_ns), (size_t)0);
	KUNIT_EXPECT_NE(test, wire_channel_deadline(&pair->a.channel), U64_MAX);
}

/* Two keys that headers call alike: each is tried. */
static void keys_of_one_id(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u32 first, second = 0;
	u8 ids[256] = {};

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	for (first = 1; first < 256; first++) {
		set_keys(&pair->a.keyring, 0, first, 0);
		second = ids[pair->a.keyring.keys[WIRE_KEY_CURRENT].id];
		if (second)
			break;
		ids[pair->a.keyring.keys[WIRE_KEY_CURRENT].id] = first;
	}
	KUNIT_ASSERT_NE(test, second, 0u);
	set_keys(&pair->b.keyring, second, first, 0);
	KUNIT_EXPECT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	begin(&pair->a, CLUSTER_ID, A, B, SESSION_A + 1);
	set_keys(&pair->a.keyring, 0, second, 0);
	KUNIT_EXPECT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
}

/* Vectors for a window as RFC 6479 describes it; each row is one datagram. */
static void window_vectors(struct kunit *test)
{
	static const struct {
		u64 counter;
		bool taken;
	} rows[] = {
#define N WIRE_WINDOW_DATAGRAMS
		{ 1, true }, { 1, false }, { 2, true }, { 10, true },
		{ 9, true }, { 8, true }, { 9, false }, { 3, true },
		{ N, true }, { N, false }, { N - 1, true },
		{ 4, true }, { 2, false },
		{ N + 1, true }, { 5, true },
		{ N + 4, true }, { 5, false }, { 6, true },
		{ N + 6, true }, { 6, false }, { 7, true }, { 8, false },
		/* Whole words at a time, and exactly one. */
		{ N + 64, true }, { 63, false }, { 64, false }, { 65, true },
		{ N + 65, true }, { N + 65, false },
		{ 3 * N, true }, { 2 * N, false }, { 2 * N + 1, true },
		{ 2 * N + 1, false }, { 3 * N - 1, true }, { N + 6, false },
		/* Beyond all that there are words for. */
		{ 100 * N, true }, { 99 * N, false }, { 99 * N + 1, true },
		{ 100 * N - 64, true }, { 100 * N - 64, false },
		{ 3 * N, false },
		{ 1ull << 48, true }, { 1ull << 48, false },
		{ (1ull << 48) - 1, true }, { (1ull << 48) - N, false },
		{ (1ull << 48) - N + 1, true },
		{ U64_MAX, true }, { U64_MAX, false }, { U64_MAX - 1, true },
		{ 1, false }, { 1ull << 48, false },
#undef N
	};
	struct wire_window *window =
		kunit_kzalloc(test, sizeof(*window), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, window);
	KUNIT_EXPECT_GE(test, (u32)WIRE_WINDOW_DATAGRAMS, 2048u);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    wire_window_take(window, rows[i].counter),
				    rows[i].taken, "row %u", i);
}

/* Forwards, backwards and from the middle: everything once. */
static void window_orders(struct kunit *test)
{
	struct wire_window *window =
		kunit_kzalloc(test, sizeof(*window), GFP_KERNEL);
	u64 n = WIRE_WINDOW_DATAGRAMS, c;
	u32 n_taken = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, window);
	for (c = n; c; c--)
		n_taken += wire_window_take(window, c);
	KUNIT_EXPECT_EQ(test, n_taken, (u32)n);
	for (c = 1; c <= 2 * n; c++)
		n_taken += wire_window_take(window, c);
	KUNIT_EXPECT_EQ(test, n_taken, 2 * (u32)n);
	/* Every other one, then those between. */
	for (c = 2 * n + 2; c <= 3 * n; c += 2)
		n_taken += wire_window_take(window, c);
	for (c = 2 * n + 1; c <= 3 * n; c++)
		n_taken += wire_window_take(window, c);
	KUNIT_EXPECT_EQ(test, n_taken, 3 * (u32)n);
}

/* Those that can come at once, then an even pace; nobody takes from the others. */
static void handshakes_limited(struct kunit *test)
{
	struct wire_limiter *limiter =
		kunit_kzalloc(test, sizeof(*limiter), GFP_KERNEL);
	u64 now_ns = NSEC_PER_SEC;
	u32 n = 0, n_all = 0, i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, limiter);
	for (i = 0; i < 1000; i++)
		n += wire_limiter_take(limiter, 7, now_ns);
	KUNIT_EXPECT_EQ(test, n, WIRE_HANDSHAKES_PER_S_OF_ONE /
					 WIRE_HANDSHAKES_BURST + 1u);
	KUNIT_EXPECT_TRUE(test, wire_limiter_take(limiter, 8, now_ns));
	for (i = 0, n = 0; i < 10000; i++) {
		now_ns += NSEC_PER_SEC / 10000;
		n += wire_limiter_take(limiter, 7, now_ns);
	}
	KUNIT_EXPECT_EQ(test, n, (u32)WIRE_HANDSHAKES_PER_S_OF_ONE);
	/* From everywhere. */
	for (i = 0; i < 100000; i++) {
		now_ns += NSEC_PER_SEC / 100000;
		n_all += wire_limiter_take(limiter, i, now_ns);
	}
	KUNIT_EXPECT_LE(test, n_all, WIRE_HANDSHAKES_PER_S +
					     WIRE_HANDSHAKES_PER_S /
					     WIRE_HANDSHAKES_BURST + 1u);
	KUNIT_EXPECT_GE(test, n_all, (u32)WIRE_HANDSHAKES_PER_S);
}

/* Those of a peer go on, whoever sends what under its address. */
static void handshakes_of_peers(struct kunit *test)
{
	struct wire_limiter *limiter =
		kunit_kzalloc(test, sizeof(*limiter), GFP_KERNEL);
	struct pair *pair = make_pair(test);
	struct wire_header request, response, forged;
	u32 n = 0, i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, limiter);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	pair->now_ns += ASK_NS;
	pair->a.channel.wanted = true;
	wire_channel_ask(&pair->a.keyring, &pair->a.channel, pair->request,
			 pair->now_ns);
	KUNIT_ASSERT_EQ(test, answer(&pair->b, pair->request, pair->response),
			(int)WIRE_HANDSHAKE_BYTES);
	wire_header_decode(&request, pair->request, WIRE_HANDSHAKE_BYTES);
	wire_header_decode(&response, pair->response, WIRE_HANDSHAKE_BYTES);
	forged = request;
	forged.session++;

	for (i = 0; i < 1000; i++)
		n += wire_channel_limit(&pair->b.keyring, &pair->b.channel, limiter,
					7, &forged, pair->request, pair->now_ns);
	KUNIT_EXPECT_EQ(test, n, WIRE_HANDSHAKES_PER_S_OF_ONE /
					 WIRE_HANDSHAKES_BURST + 1u);
	KUNIT_EXPECT_FALSE(test, wire_channel_limit(&pair->b.keyring, NULL, limiter,
						    7, &request, pair->request,
						    pair->now_ns));
	/* Of a peer that is known: a pace of its own, and a limit. */
	for (i = 0, n = 0; i < 1000; i++)
		n += wire_channel_limit(&pair->b.keyring, &pair->b.channel, limiter,
					7, &request, pair->request, pair->now_ns);
	KUNIT_EXPECT_EQ(test, n, WIRE_HANDSHAKES_PER_S_OF_KNOWN /
					 WIRE_HANDSHAKES_BURST + 1u);
	/* A response: the one that is waited for, to this session. */
	KUNIT_EXPECT_TRUE(test, wire_channel_limit(&pair->a.keyring,
						   &pair->a.channel, limiter, 7,
						   &response, pair->response,
						   pair->now_ns));
	response.epoch++;
	KUNIT_EXPECT_FALSE(test, wire_channel_limit(&pair->a.keyring,
						    &pair->a.channel, limiter, 7,
						    &response, pair->response,
						    pair->now_ns));
	response.epoch--;
	pair->response[WIRE_HEADER_BYTES] ^= 1;
	KUNIT_EXPECT_FALSE(test, wire_channel_limit(&pair->a.keyring,
						    &pair->a.channel, limiter, 7,
						    &response, pair->response,
						    pair->now_ns));
}

/* The peer has forgotten everything and says nothing: a new epoch heals that. */
static void silence_is_noticed(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u64 began;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->b, &pair->a), (int)BODY_BYTES);
	/* Quiet for long, but nothing was sent either. */
	pair->now_ns += 100 * ASK_NS;
	began = pair->now_ns;
	seal(&pair->a, pair->datagram, began);
	KUNIT_EXPECT_FALSE(test, pair->a.channel.wanted);
	seal(&pair->a, pair->datagram, began + 4 * ASK_NS - 1);
	KUNIT_EXPECT_FALSE(test, pair->a.channel.wanted);
	/* An answer: it begins anew. */
	seal(&pair->b, pair->datagram, pair->now_ns);
	KUNIT_ASSERT_EQ(test, open_it(&pair->a, pair->datagram), (int)BODY_BYTES);
	seal(&pair->a, pair->datagram, began + 4 * ASK_NS);
	KUNIT_EXPECT_FALSE(test, pair->a.channel.wanted);

	begin(&pair->b, CLUSTER_ID, B, A, SESSION_B + 1);
	KUNIT_EXPECT_EQ(test, seal(&pair->a, pair->datagram, began + 8 * ASK_NS),
			(size_t)DATAGRAM_BYTES);
	KUNIT_EXPECT_EQ(test, open_it(&pair->b, pair->datagram), -ESTALE);
	KUNIT_ASSERT_TRUE(test, pair->a.channel.wanted);
	pair->now_ns = began + 8 * ASK_NS;
	KUNIT_EXPECT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	KUNIT_EXPECT_FALSE(test, pair->a.channel.wanted);
}

/* Junk under a peer's address must not take the turn of what the peer sends. */
static void junk_is_not_rejected(struct kunit *test)
{
	struct pair *pair = make_pair(test);
	u8 names[WIRE_HANDSHAKE_BYTES];
	struct wire_header header;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pair);
	KUNIT_ASSERT_EQ(test, agree(pair, &pair->a, &pair->b), (int)BODY_BYTES);
	wire_header_decode(&header, pair->datagram, DATAGRAM_BYTES);
	header.epoch++;
	header.session++;
	KUNIT_EXPECT_EQ(test, wire_channel_reject(&pair->b.keyring, &pair->b.channel,
						  &header, DATAGRAM_BYTES, names,
						  pair->now_ns), (size_t)0);
	header.session--;
	KUNIT_EXPECT_EQ(test, wire_channel_reject(&pair->b.keyring, &pair->b.channel,
						  &header, DATAGRAM_BYTES, names,
						  pair->now_ns),
			(size_t)WIRE_HANDSHAKE_BYTES);
}

static struct kunit_case channel_cases[] = {
	KUNIT_CASE(keys_derived),
	KUNIT_CASE(dialogue_golden),
	KUNIT_CASE(headers_refused),
	KUNIT_CASE(both_directions),
	KUNIT_CASE(any_bit_flipped),
	KUNIT_CASE(response_flipped),
	KUNIT_CASE(datagram_truncated),
	KUNIT_CASE(replayed_once_refused),
	KUNIT_CASE(epochs_end),
	KUNIT_CASE(overtaken_epoch),
	KUNIT_CASE(lost_epochs),
	KUNIT_CASE(request_repeated),
	KUNIT_CASE(response_replayed),
	KUNIT_CASE(request_replayed),
	KUNIT_CASE(receiver_reboots),
	KUNIT_CASE(sender_reboots),
	KUNIT_CASE(reflected),
	KUNIT_CASE(of_another_cluster),
	KUNIT_CASE(of_another_sender),
	KUNIT_CASE(strangers),
	KUNIT_CASE(epochs_of_a_session_grow),
	KUNIT_CASE(epoch_ends_by_itself),
	KUNIT_CASE(keys_rotated),
	KUNIT_CASE(outgoing_ends_with_its_key),
	KUNIT_CASE(keys_of_one_id),
	KUNIT_CASE(window_vectors),
	KUNIT_CASE(window_orders),
	KUNIT_CASE(handshakes_limited),
	KUNIT_CASE(handshakes_of_peers),
	KUNIT_CASE(silence_is_noticed),
	KUNIT_CASE(junk_is_not_rejected),
	{}
};

struct kunit_suite raftlog_wire_channel_suite = {
	.name = "raftlog_wire_channel",
	.test_cases = channel_cases,
};
