// SPDX-License-Identifier: GPL-2.0
/*
 * Putting the pieces of one peer's bundles together, see bulk.h.
 */
#include "bulk.h"

/* Every piece but the last is at least WIRE_PIECE_BYTES_MIN long. */
static size_t arrived_words(u32 bundle_bytes_max)
{
	return DIV_ROUND_UP(DIV_ROUND_UP(bundle_bytes_max, WIRE_PIECE_BYTES_MIN), 64);
}

size_t wire_receiver_memory_bytes(u32 bundle_bytes_max)
{
	return arrived_words(bundle_bytes_max) * sizeof(u64) + bundle_bytes_max;
}

static u64 *arrived(const struct wire_receiver *receiver)
{
	return receiver->memory;
}

static u8 *bundle(const struct wire_receiver *receiver)
{
	return (u8 *)(arrived(receiver) + arrived_words(receiver->bundle_bytes_max));
}

const void *wire_receiver_bundle(const struct wire_receiver *receiver)
{
	return bundle(receiver);
}

static bool has_arrived(const struct wire_receiver *receiver, u32 piece)
{
	return arrived(receiver)[piece / 64] >> (piece % 64) & 1;
}

void wire_receiver_init(struct wire_receiver *receiver, void *memory,
			u32 bundle_bytes_max)
{
	memset(receiver, 0, sizeof(*receiver));
	receiver->memory = memory;
	receiver->bundle_bytes_max = bundle_bytes_max;
	receiver->ack_due_ns = U64_MAX;
}

static bool whole(const struct wire_receiver *receiver)
{
	return receiver->n_arrived == receiver->n_pieces;
}

/* Return: whether an unfinished bundle was given up. */
static bool begin(struct wire_receiver *receiver, u64 session,
		  const struct wire_piece *piece)
{
	bool replaced = !whole(receiver);

	receiver->session = session;
	receiver->bundle_id = piece->bundle_id;
	receiver->bundle_bytes = piece->bundle_bytes;
	receiver->piece_bytes = piece->piece_bytes;
	receiver->n_pieces = wire_piece_count(piece->bundle_bytes,
					      piece->piece_bytes);
	receiver->n_arrived = 0;
	receiver->first_missing = 0;
	receiver->transmission = 0;
	receiver->n_duplicates = 0;
	receiver->n_unacknowledged = 0;
	receiver->ack_due_ns = U64_MAX;
	receiver->reassembly++;
	memset(arrived(receiver), 0,
	       DIV_ROUND_UP(receiver->n_pieces, 64) * sizeof(u64));
	return replaced;
}

static void place(struct wire_receiver *receiver, const struct wire_piece *piece)
{
	memcpy(bundle(receiver) + (size_t)piece->piece * piece->piece_bytes,
	       piece->data, piece->bytes);
	arrived(receiver)[piece->piece / 64] |= 1ull << (piece->piece % 64);
	receiver->n_arrived++;
	while (receiver->first_missing < receiver->n_pieces &&
	       has_arrived(receiver, receiver->first_missing))
		receiver->first_missing++;
}

int wire_receiver_piece(struct wire_receiver *receiver, u64 session,
			const struct wire_piece *piece, u64 now_ns)
{
	int receipt = 0;

	if (piece->bundle_bytes > receiver->bundle_bytes_max)
		return -EMSGSIZE;
	if (session == receiver->session &&
	    piece->bundle_id < receiver->bundle_id)
		return -ESTALE;
	if (session != receiver->session ||
	    piece->bundle_id != receiver->bundle_id ||
	    RAFTLOG_FAILPOINT(WIRE_REASSEMBLY_LOST)) {
		if (begin(receiver, session, piece))
			receipt |= WIRE_RECEIPT_REPLACED;
	} else if (piece->bundle_bytes != receiver->bundle_bytes ||
		   piece->piece_bytes != receiver->piece_bytes) {
		return -EBADMSG;
	}

	receiver->transmission = max(receiver->transmission, piece->transmission);
	receiver->n_unacknowledged++;
	if (has_arrived(receiver, piece->piece)) {
		/* Our ack was lost, or the sender is impatient: tell it. */
		receiver->n_duplicates++;
		return receipt | WIRE_RECEIPT_ACK;
	}
	place(receiver, piece);
	if (whole(receiver))
		return receipt | WIRE_RECEIPT_ACK | WIRE_RECEIPT_WHOLE;
	if (piece->ack_at_once ||
	    receiver->n_unacknowledged >= WIRE_ACK_EVERY_PIECES)
		return receipt | WIRE_RECEIPT_ACK;
	if (receiver->ack_due_ns == U64_MAX)
		receiver->ack_due_ns = now_ns + WIRE_ACK_DELAY_NS;
	return receipt;
}

void wire_receiver_ack(struct wire_receiver *receiver,
		       struct wire_piece_ack *ack)
{
	u32 first = receiver->first_missing + 1;
	u32 bit;

	memset(ack, 0, sizeof(*ack));
	ack->session = receiver->session;
	ack->bundle_id = receiver->bundle_id;
	ack->reassembly = receiver->reassembly;
	ack->first_missing = receiver->first_missing;
	ack->transmission = receiver->transmission;
	ack->n_duplicates = receiver->n_duplicates;
	for (bit = 0; bit < WIRE_WINDOW_PIECES_MAX; bit++) {
		if (first + bit >= receiver->n_pieces)
			break;
		if (!has_arrived(receiver, first + bit))
			continue;
		ack->bitmap[bit / 8] |= 1 << (bit % 8);
		ack->bitmap_bytes = bit / 8 + 1;
	}
	receiver->n_unacknowledged = 0;
	receiver->ack_due_ns = U64_MAX;
}

u64 wire_receiver_deadline(const struct wire_receiver *receiver)
{
	return receiver->ack_due_ns;
}
