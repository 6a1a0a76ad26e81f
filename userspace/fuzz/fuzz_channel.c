// SPDX-License-Identifier: GPL-2.0
/*
 * Two nodes that hold the key, and between them a network that follows the input:
 * it loses, repeats, reorders, changes and makes up what it likes; nodes start again
 * and exchange their keys meanwhile. What must hold:
 *
 *	a datagram is opened at most once, and only as it was sealed
 *	no key of a direction is ever used again from its first counter on
 *	a handshake that was changed is not believed
 *
 * An input is a series of events of two bytes: what, and which.
 */
#include "../../kmod/wire/channel.h"
#include "fuzz.h"

enum {
	A,
	B,
	ENDS,
	KEPT_MAX = 32,
	BODY_BYTES = 40,
	DATAGRAM_BYTES = BODY_BYTES + WIRE_OVERHEAD_BYTES,
	KEYS_MAX = 4096,
};

/* What was sent, as it was. */
struct kept {
	u32 bytes;
	bool changed;
	bool opened;
	u8 data[DATAGRAM_BYTES];
};

struct end {
	struct wire_keyring keyring;
	struct wire_channel channel;
	u8 current;
	u8 key[WIRE_KEY_BYTES];
	u64 counter;
	u32 n_starts;
};

struct world {
	u64 now_ns;
	struct end ends[ENDS];
	struct kept kept[KEPT_MAX];
	u32 n_kept;
	u8 keys[KEYS_MAX][WIRE_KEY_BYTES];
	u32 n_keys;
};

static void secret_of(u8 *secret, u8 number)
{
	memset(secret, number, WIRE_KEY_BYTES);
}

static void set_keys(struct end *end, u8 previous, u8 next)
{
	u8 secrets[WIRE_KEYS][WIRE_KEY_BYTES];
	const u8 *const given[WIRE_KEYS] = {
		previous ? secrets[0] : NULL, secrets[1],
		next ? secrets[2] : NULL,
	};

	secret_of(secrets[0], previous);
	secret_of(secrets[1], end->current);
	secret_of(secrets[2], next);
	wire_keyring_set(&end->keyring, given);
	wire_channel_keys(&end->keyring, &end->channel);
}

static void start(struct world *w, u32 i)
{
	struct end *end = &w->ends[i];
	u8 boot_secret[WIRE_KEY_BYTES];

	memset(boot_secret, ++end->n_starts, sizeof(boot_secret));
	wire_keyring_init(&end->keyring, 7, 1 + i, i + 2 * end->n_starts,
			  boot_secret, NSEC_PER_MSEC);
	end->keyring.epoch_datagrams = 20;
	wire_channel_init(&end->channel, 2 - i, true);
	set_keys(end, 0, 0);
}

static struct kept *keep(struct world *w, const u8 *data, size_t bytes)
{
	struct kept *kept = &w->kept[w->n_kept++ % KEPT_MAX];

	memset(kept, 0, sizeof(*kept));
	kept->bytes = bytes;
	memcpy(kept->data, data, bytes);
	return kept;
}

/* One that is sent with must be new. */
static void check_key(struct world *w, struct end *end)
{
	const u8 *key = end->channel.outgoing.key;
	u64 counter = end->channel.outgoing.counter;
	u32 i;

	if (!end->channel.outgoing.serial)
		return;
	CHECK(memcmp(key, end->key, WIRE_KEY_BYTES) || counter >= end->counter);
	end->counter = counter;
	if (!memcmp(key, end->key, WIRE_KEY_BYTES))
		return;
	memcpy(end->key, key, WIRE_KEY_BYTES);
	CHECK(counter <= 1);
	for (i = 0; i < w->n_keys; i++)
		CHECK(memcmp(w->keys[i], key, WIRE_KEY_BYTES));
	if (w->n_keys < KEYS_MAX)
		memcpy(w->keys[w->n_keys++], key, WIRE_KEY_BYTES);
}

static void send(struct world *w, u32 i)
{
	struct end *end = &w->ends[i];
	u8 data[DATAGRAM_BYTES];
	size_t bytes;

	memset(data + WIRE_HEADER_BYTES, 0x55, BODY_BYTES);
	bytes = wire_channel_seal(&end->keyring, &end->channel, WIRE_MESSAGE, data,
				  BODY_BYTES, w->now_ns);
	CHECK(!bytes || bytes == DATAGRAM_BYTES);
	if (bytes)
		keep(w, data, bytes);
	check_key(w, end);
}

static void ask(struct world *w, u32 i)
{
	struct end *end = &w->ends[i];
	u8 data[WIRE_HANDSHAKE_BYTES];
	size_t bytes = wire_channel_ask(&end->keyring, &end->channel, data,
					w->now_ns);

	CHECK(!bytes || bytes == WIRE_HANDSHAKE_BYTES);
	if (bytes)
		keep(w, data, bytes);
}

static void take_data(struct world *w, struct end *end, struct kept *kept,
		      const struct wire_header *header)
{
	u8 data[DATAGRAM_BYTES], request[WIRE_HANDSHAKE_BYTES];
	int n;

	memcpy(data, kept->data, kept->bytes);
	n = wire_channel_open(&end->keyring, &end->channel, header, data,
			      kept->bytes);
	if (n >= 0) {
		CHECK(n == BODY_BYTES && !kept->changed && !kept->opened);
		CHECK(!memchr_inv(data + WIRE_HEADER_BYTES, 0x55, n));
		kept->opened = true;
		return;
	}
	CHECK(!memcmp(data, kept->data, kept->bytes) || n == -EALREADY);
	if (n == -ESTALE &&
	    wire_channel_reject(&end->keyring, &end->channel, header, kept->bytes,
				request, w->now_ns))
		keep(w, request, sizeof(request));
}

static void deliver(struct world *w, u32 i, struct kept *kept)
{
	struct end *end = &w->ends[i];
	u8 response[WIRE_HANDSHAKE_BYTES];
	struct wire_header header;
	u64 foreign;
	int n;

	if (wire_header_decode(&header, kept->data, kept->bytes) ||
	    header.receiver != end->keyring.node_id ||
	    header.sender != end->channel.peer || !header.key_id)
		return;
	switch (header.type) {
	case WIRE_REQUEST:
		n = wire_channel_answer(&end->keyring, &end->channel, &header,
					kept->data, response, &foreign);
		CHECK(n < 0 || !kept->changed);
		if (n > 0)
			keep(w, response, n);
		break;
	case WIRE_RESPONSE:
		n = wire_channel_response(&end->keyring, &end->channel, &header,
					  kept->data, w->now_ns);
		CHECK(n || !kept->changed);
		check_key(w, end);
		break;
	default:
		take_data(w, end, kept, &header);
		break;
	}
}

/* Something that was sent, with a bit changed, or the ids. */
static void change(struct world *w, const struct kept *kept, u8 which)
{
	struct kept *changed = keep(w, kept->data, kept->bytes);
	u32 bit = which * 7 % (kept->bytes * 8);

	changed->changed = true;
	if (which & 1) {
		changed->data[bit / 8] ^= 1 << bit % 8;
		return;
	}
	swap(changed->data[4], changed->data[8]);
}

/* @bytes of the input itself. */
static void make_up(struct world *w, const u8 *data, size_t bytes)
{
	struct kept *kept = keep(w, data, min_t(size_t, bytes, DATAGRAM_BYTES));

	kept->changed = true;
	deliver(w, A, kept);
	deliver(w, B, kept);
}

static void event(struct world *w, u8 what, u8 which, const u8 *rest,
		  size_t rest_bytes)
{
	struct kept *kept = &w->kept[(w->n_kept + KEPT_MAX - 1 - which % KEPT_MAX) %
				     KEPT_MAX];
	struct end *end = &w->ends[what & 1];

	switch (what >> 1 & 15) {
	case 0 ... 3:
		send(w, what & 1);
		break;
	case 4 ... 5:
		ask(w, what & 1);
		break;
	case 6 ... 10:
		deliver(w, what & 1, kept);
		break;
	case 11:
		/* Twice may be not at all. */
		if (kept->bytes && !kept->changed)
			change(w, kept, which);
		break;
	case 12:
		make_up(w, rest, rest_bytes);
		break;
	case 13:
		if (which < 32)
			start(w, what & 1);
		break;
	case 14:
		/* The next, or the step to it; the other one may be behind. */
		if (which & 1)
			set_keys(end, 0, end->current % 200 + 1);
		else
			set_keys(end, end->current, 0);
		if (which & 2) {
			end->current = end->current % 200 + 1;
			set_keys(end, end->current > 1 ? end->current - 1 : 0, 0);
		}
		break;
	default:
		w->now_ns += (u64)which * NSEC_PER_MSEC / 4;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct world *w = calloc(1, sizeof(*w));
	size_t i;

	CHECK(w);
	w->now_ns = NSEC_PER_SEC;
	for (i = 0; i < ENDS; i++) {
		w->ends[i].current = 1;
		start(w, i);
	}
	for (i = 0; i + 2 <= bytes && i < 2000; i += 2)
		event(w, data[i], data[i + 1], data + i + 2, bytes - i - 2);
	free(w);
	return 0;
}
