// SPDX-License-Identifier: GPL-2.0
/*
 * Bundles of messages, their pieces and the acknowledgments of those, to bytes
 * and back.
 */
#include "wire.h"

size_t wire_bundle_put(void *buf, u32 message_bytes)
{
	put_unaligned_le32(message_bytes, buf);
	return WIRE_BUNDLE_HEADER_BYTES + (size_t)message_bytes;
}

int wire_bundle_next(const void *bundle, u32 bytes, u32 *offset,
		     const void **message, u32 *message_bytes)
{
	const u8 *p = (const u8 *)bundle + *offset;
	u32 rest = bytes - *offset;

	if (!rest)
		return 0;
	if (rest < WIRE_BUNDLE_HEADER_BYTES)
		return -EBADMSG;
	*message_bytes = get_unaligned_le32(p);
	rest -= WIRE_BUNDLE_HEADER_BYTES;
	if (!*message_bytes || *message_bytes > rest)
		return -EBADMSG;
	*message = p + WIRE_BUNDLE_HEADER_BYTES;
	*offset += WIRE_BUNDLE_HEADER_BYTES + *message_bytes;
	return 1;
}

/* Checks everything but @data, and sets @bytes, which follows from the rest. */
static bool piece_possible(struct wire_piece *piece)
{
	u32 n_pieces;

	if (!piece->bundle_id || !piece->transmission ||
	    piece->transmission >= WIRE_PIECE_ACK_AT_ONCE ||
	    piece->bundle_bytes > WIRE_BUNDLE_BYTES_MAX ||
	    piece->piece_bytes < WIRE_PIECE_BYTES_MIN ||
	    piece->piece_bytes >= piece->bundle_bytes)
		return false;
	n_pieces = wire_piece_count(piece->bundle_bytes, piece->piece_bytes);
	if (piece->piece >= n_pieces)
		return false;
	piece->bytes = min(piece->piece_bytes,
			   piece->bundle_bytes - piece->piece * piece->piece_bytes);
	return true;
}

int wire_piece_encode(const struct wire_piece *piece, void *buf, size_t bytes)
{
	struct wire_piece checked = *piece;
	u8 *p = buf;

	if (!piece_possible(&checked) || checked.bytes != piece->bytes)
		return -EINVAL;
	if (bytes < WIRE_PIECE_HEADER_BYTES ||
	    bytes - WIRE_PIECE_HEADER_BYTES < piece->bytes)
		return -EMSGSIZE;
	put_unaligned_le64(piece->bundle_id, p);
	put_unaligned_le32(piece->bundle_bytes, p + 8);
	put_unaligned_le32(piece->piece_bytes, p + 12);
	put_unaligned_le32(piece->piece, p + 16);
	put_unaligned_le32(piece->transmission |
			   (piece->ack_at_once ? WIRE_PIECE_ACK_AT_ONCE : 0),
			   p + 20);
	memcpy(p + WIRE_PIECE_HEADER_BYTES, piece->data, piece->bytes);
	return WIRE_PIECE_HEADER_BYTES + piece->bytes;
}

int wire_piece_decode(struct wire_piece *piece, const void *buf, size_t bytes)
{
	const u8 *p = buf;
	u32 transmission;

	if (bytes < WIRE_PIECE_HEADER_BYTES)
		return -EBADMSG;
	transmission = get_unaligned_le32(p + 20);
	piece->bundle_id = get_unaligned_le64(p);
	piece->bundle_bytes = get_unaligned_le32(p + 8);
	piece->piece_bytes = get_unaligned_le32(p + 12);
	piece->piece = get_unaligned_le32(p + 16);
	piece->transmission = transmission & ~WIRE_PIECE_ACK_AT_ONCE;
	piece->ack_at_once = transmission & WIRE_PIECE_ACK_AT_ONCE;
	piece->data = p + WIRE_PIECE_HEADER_BYTES;
	if (!piece_possible(piece) ||
	    piece->bytes != bytes - WIRE_PIECE_HEADER_BYTES)
		return -EBADMSG;
	return 0;
}

static bool ack_possible(const struct wire_piece_ack *ack)
{
	return ack->session && ack->bundle_id && ack->transmission &&
	       ack->transmission < WIRE_PIECE_ACK_AT_ONCE &&
	       ack->bitmap_bytes <= WIRE_PIECE_ACK_BITMAP_BYTES &&
	       (!ack->bitmap_bytes || ack->bitmap[ack->bitmap_bytes - 1]);
}

int wire_piece_ack_encode(const struct wire_piece_ack *ack, void *buf,
			  size_t bytes)
{
	u8 *p = buf;

	if (!ack_possible(ack))
		return -EINVAL;
	if (bytes < WIRE_PIECE_ACK_HEADER_BYTES + (size_t)ack->bitmap_bytes)
		return -EMSGSIZE;
	put_unaligned_le64(ack->session, p);
	put_unaligned_le64(ack->bundle_id, p + 8);
	put_unaligned_le32(ack->reassembly, p + 16);
	put_unaligned_le32(ack->first_missing, p + 20);
	put_unaligned_le32(ack->transmission, p + 24);
	put_unaligned_le32(ack->n_duplicates, p + 28);
	memcpy(p + WIRE_PIECE_ACK_HEADER_BYTES, ack->bitmap, ack->bitmap_bytes);
	return WIRE_PIECE_ACK_HEADER_BYTES + ack->bitmap_bytes;
}

int wire_piece_ack_decode(struct wire_piece_ack *ack, const void *buf,
			  size_t bytes)
{
	const u8 *p = buf;

	if (bytes < WIRE_PIECE_ACK_HEADER_BYTES ||
	    bytes > WIRE_PIECE_ACK_HEADER_BYTES + WIRE_PIECE_ACK_BITMAP_BYTES)
		return -EBADMSG;
	ack->session = get_unaligned_le64(p);
	ack->bundle_id = get_unaligned_le64(p + 8);
	ack->reassembly = get_unaligned_le32(p + 16);
	ack->first_missing = get_unaligned_le32(p + 20);
	ack->transmission = get_unaligned_le32(p + 24);
	ack->n_duplicates = get_unaligned_le32(p + 28);
	ack->bitmap_bytes = bytes - WIRE_PIECE_ACK_HEADER_BYTES;
	memset(ack->bitmap, 0, sizeof(ack->bitmap));
	memcpy(ack->bitmap, p + WIRE_PIECE_ACK_HEADER_BYTES, ack->bitmap_bytes);
	return ack_possible(ack) ? 0 : -EBADMSG;
}
