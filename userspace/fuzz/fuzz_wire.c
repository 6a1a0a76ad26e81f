// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes to the UDP port. The first byte of the input chooses what they are:
 *
 *	0  a message, or a bundle of them: what decodes encodes to the same bytes
 *	1  a datagram without a key: likewise, with a tag put behind it that is good
 *	2  a series of pieces and acks from a peer that follows no rule, with time
 *	   passing in between, to a receiver and to a sender that is at work
 */
#include "../../kmod/wire/bulk.h"
#include "fuzz.h"

enum {
	ENTRIES_MAX = 16,
	PAYLOAD_MAX = 4096,
	MESSAGE_MAX = 8192,
	LARGE_BYTES = 6000,
};

static const struct wire_limits limits = {
	.n_entries_max = ENTRIES_MAX,
	.entry_bytes_max = PAYLOAD_MAX,
	.message_bytes_max = MESSAGE_MAX,
};

/* A copy that ends where its allocation ends: the sanitizer sees one byte more. */
static u8 *exact(const u8 *data, size_t bytes)
{
	u8 *copy = malloc(bytes ? bytes : 1);

	CHECK(copy);
	memcpy(copy, data, bytes);
	return copy;
}

static void fuzz_message(const u8 *data, size_t bytes)
{
	struct raft_entry entries[ENTRIES_MAX];
	struct raft_message message;
	u8 *again;
	u32 i;

	if (wire_message_decode(&message, entries, &limits, 1, 2, data, bytes))
		return;
	CHECK(message.from == 1 && message.to == 2 && message.term);
	CHECK(message.n_entries <= ENTRIES_MAX);
	for (i = 0; i < message.n_entries; i++) {
		const u8 *payload = entries[i].data;

		CHECK(payload >= data && payload <= data + bytes);
		CHECK(entries[i].bytes <= (size_t)(data + bytes - payload));
	}
	CHECK(wire_message_bytes(&message) == bytes);
	again = malloc(bytes);
	CHECK(again);
	CHECK(wire_message_encode(&message, again, bytes) == (int)bytes);
	CHECK(!memcmp(again, data, bytes));
	free(again);
}

static void fuzz_bundle(const u8 *data, size_t bytes)
{
	const void *message;
	u32 offset = 0, n = 0, end;

	while (end = offset,
	       wire_bundle_next(data, bytes, &offset, &message, &n) == 1) {
		CHECK(offset > end && offset <= bytes);
		CHECK((const u8 *)message + n == data + offset);
		fuzz_message(message, n);
	}
}

static void fuzz_body(u8 type, const u8 *data, size_t bytes)
{
	struct wire_piece_ack ack;
	struct wire_piece piece;
	u8 *again = malloc(bytes ? bytes : 1);

	CHECK(again);
	switch (type) {
	case WIRE_MESSAGE:
		fuzz_message(data, bytes);
		break;
	case WIRE_PIECE:
		if (wire_piece_decode(&piece, data, bytes))
			break;
		CHECK(wire_piece_encode(&piece, again, bytes) == (int)bytes);
		CHECK(!memcmp(again, data, bytes));
		break;
	case WIRE_PIECE_ACK:
		if (wire_piece_ack_decode(&ack, data, bytes))
			break;
		CHECK(wire_piece_ack_encode(&ack, again, bytes) == (int)bytes);
		CHECK(!memcmp(again, data, bytes));
		break;
	}
	free(again);
}

static void fuzz_datagram(const u8 *data, size_t bytes)
{
	u8 encoded[WIRE_HEADER_BYTES];
	struct wire_header header;
	u64 foreign;
	u8 *sealed;
	int n;

	if (wire_header_decode(&header, data, bytes))
		return;
	wire_header_encode(&header, encoded);
	CHECK(!memcmp(encoded, data, sizeof(encoded)));
	if (header.key_id)
		return;
	sealed = exact(data, bytes);
	/* Nobody guesses a tag in a fuzzer's life. */
	n = wire_open(sealed, bytes, 1, &foreign);
	CHECK(n < 0 || n == (int)bytes - WIRE_OVERHEAD_BYTES);
	CHECK(wire_seal(sealed, bytes - WIRE_OVERHEAD_BYTES, &header, 7) == bytes);
	CHECK(!memcmp(sealed, data, bytes - WIRE_TAG_BYTES));
	CHECK(wire_open(sealed, bytes, 8, &foreign) == -EXDEV && foreign == 7);
	n = wire_open(sealed, bytes, 7, &foreign);
	CHECK(n == (int)bytes - WIRE_OVERHEAD_BYTES);
	fuzz_body(header.type, sealed + WIRE_HEADER_BYTES, n);
	free(sealed);
}

struct peer {
	u64 now_ns;
	u8 bundle[LARGE_BYTES];
	struct wire_sent_piece pieces[MESSAGE_MAX / WIRE_PIECE_BYTES_MIN + 1];
	struct wire_sender sender;
	struct wire_receiver receiver;
};

static void check_sender(const struct wire_sender *sender)
{
	u32 i, n_under_way = 0, n_lost = 0;

	CHECK(sender->path.window >= WIRE_WINDOW_PIECES_MIN &&
	      sender->path.window <= WIRE_WINDOW_PIECES_MAX);
	CHECK(sender->path.patience >= WIRE_PATIENCE_MIN &&
	      sender->path.patience <= WIRE_PATIENCE_MAX);
	if (sender->state != WIRE_SENDER_SENDING)
		return;
	CHECK(sender->first_missing < sender->n_pieces);
	CHECK(sender->first_missing <= sender->next_unsent);
	CHECK(sender->next_unsent <= sender->n_pieces);
	for (i = 0; i < sender->n_pieces; i++) {
		n_under_way += sender->pieces[i].state == WIRE_PIECE_UNDER_WAY;
		n_lost += sender->pieces[i].state == WIRE_PIECE_LOST;
		CHECK((i < sender->next_unsent) ==
		      (sender->pieces[i].state != WIRE_PIECE_UNSENT));
	}
	CHECK(n_under_way == sender->n_under_way && n_lost == sender->n_lost);
}

static void check_receiver(struct wire_receiver *receiver, int receipt)
{
	struct wire_piece_ack ack, again;
	u8 buf[256];
	int n;

	CHECK(receiver->n_arrived <= receiver->n_pieces);
	CHECK(receiver->bundle_bytes <= receiver->bundle_bytes_max);
	CHECK((receiver->first_missing == receiver->n_pieces) ==
	      (receiver->n_arrived == receiver->n_pieces));
	if (receipt & WIRE_RECEIPT_WHOLE)
		fuzz_bundle(wire_receiver_bundle(receiver), receiver->bundle_bytes);
	if (!(receipt & WIRE_RECEIPT_ACK))
		return;
	wire_receiver_ack(receiver, &ack);
	n = wire_piece_ack_encode(&ack, buf, sizeof(buf));
	CHECK(n > 0 && !wire_piece_ack_decode(&again, buf, n));
}

static void pump(struct peer *peer)
{
	struct wire_piece piece, decoded;
	u8 buf[WIRE_DATAGRAM_BYTES_MIN];
	int n;

	while (wire_sender_peek(&peer->sender, &piece, peer->bundle)) {
		n = wire_piece_encode(&piece, buf, sizeof(buf));
		CHECK(n > 0 && !wire_piece_decode(&decoded, buf, n));
		wire_sender_sent(&peer->sender, &piece, peer->now_ns);
		check_sender(&peer->sender);
	}
	if (peer->sender.state != WIRE_SENDER_SENDING) {
		wire_sender_stop(&peer->sender);
		CHECK(!wire_sender_start(&peer->sender, LARGE_BYTES,
					 WIRE_PIECE_BYTES_MIN, peer->now_ns));
	}
}

static void take_piece(struct peer *peer, u64 session,
		       const struct wire_piece *piece)
{
	int receipt = wire_receiver_piece(&peer->receiver, session, piece,
					  peer->now_ns);

	if (receipt >= 0)
		check_receiver(&peer->receiver, receipt);
}

/* A piece that decodes, out of a few bytes. */
static void made_piece(struct peer *peer, const u8 *p)
{
	struct wire_piece piece = {
		.bundle_id = 1 + (p[1] >> 4),
		.bundle_bytes = LARGE_BYTES + (p[1] & 15) * 300,
		.piece_bytes = WIRE_PIECE_BYTES_MIN + (p[2] >> 6) * 500,
		.piece = p[2] & 31,
		.transmission = 1 + p[3],
		.ack_at_once = p[3] & 1,
	};
	u8 body[WIRE_PIECE_HEADER_BYTES + WIRE_PIECE_BYTES_MIN + 1500] = {};
	u32 n = wire_piece_count(piece.bundle_bytes, piece.piece_bytes);

	if (piece.piece >= n)
		return;
	piece.bytes = piece.piece_bytes;
	if (piece.piece == n - 1)
		piece.bytes = piece.bundle_bytes - (n - 1) * piece.piece_bytes;
	piece.data = peer->bundle;
	n = wire_piece_encode(&piece, body, sizeof(body));
	CHECK((int)n > 0 && !wire_piece_decode(&piece, body, n));
	take_piece(peer, 1 + (p[0] >> 7), &piece);
}

/* An ack of the message under way, out of a few bytes, true or not. */
static void made_ack(struct peer *peer, const u8 *p)
{
	struct wire_piece_ack ack = {
		.session = 1,
		.bundle_id = peer->sender.bundle_id,
		.reassembly = p[1] >> 6,
		.first_missing = p[1] & 15,
		.transmission = p[2],
		.n_duplicates = p[0] >> 5,
		.bitmap_bytes = !!p[3],
		.bitmap = { p[3] },
	};

	if (ack.first_missing > peer->sender.next_unsent ||
	    ack.transmission > peer->sender.transmission)
		CHECK(wire_sender_ack(&peer->sender, 1, &ack, peer->now_ns) < 0);
	wire_sender_ack(&peer->sender, 1 + (p[1] >> 4 & 3), &ack, peer->now_ns);
}

/* One event: its kind, details, and for bodies their length. */
static size_t event(struct peer *peer, const u8 *data, size_t bytes)
{
	size_t n = min_t(size_t, get_unaligned_le16(data + 2), bytes - 4);
	u8 *body = exact(data + 4, n);
	struct wire_piece_ack ack;
	struct wire_piece piece;

	switch (data[0] % 6) {
	case 0:
		if (!wire_piece_decode(&piece, body, n))
			take_piece(peer, data[1] + 1, &piece);
		break;
	case 1:
		if (!wire_piece_ack_decode(&ack, body, n))
			wire_sender_ack(&peer->sender, data[1], &ack,
					peer->now_ns);
		break;
	case 2:
		made_piece(peer, data);
		n = 0;
		break;
	case 3:
		made_ack(peer, data);
		n = 0;
		break;
	case 4:
		peer->now_ns += (u64)data[1] << 20;
		n = 0;
		break;
	case 5:
		wire_sender_probe(&peer->sender, peer->now_ns);
		n = 0;
		break;
	}
	free(body);
	check_sender(&peer->sender);
	if (wire_sender_deadline(&peer->sender) <= peer->now_ns)
		wire_sender_timer(&peer->sender, peer->now_ns);
	pump(peer);
	return 4 + n;
}

static void fuzz_peer(const u8 *data, size_t bytes)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	size_t n;

	CHECK(peer);
	peer->now_ns = NSEC_PER_SEC;
	wire_sender_init(&peer->sender, peer->pieces, ARRAY_SIZE(peer->pieces), 1);
	wire_receiver_init(&peer->receiver,
			   calloc(1, wire_receiver_memory_bytes(MESSAGE_MAX)),
			   MESSAGE_MAX);
	CHECK(peer->receiver.memory);
	pump(peer);
	pump(peer);
	for (; bytes >= 4; data += n, bytes -= n)
		n = event(peer, data, bytes);
	free(peer->receiver.memory);
	free(peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	u8 *copy;

	if (!bytes)
		return 0;
	copy = exact(data + 1, bytes - 1);
	switch (data[0] % 3) {
	case 0:
		fuzz_message(copy, bytes - 1);
		fuzz_bundle(copy, bytes - 1);
		break;
	case 1:
		fuzz_datagram(copy, bytes - 1);
		break;
	case 2:
		fuzz_peer(copy, bytes - 1);
		break;
	}
	free(copy);
	return 0;
}
