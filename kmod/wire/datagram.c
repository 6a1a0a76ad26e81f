// SPDX-License-Identifier: GPL-2.0
/*
 * Header and tag around a body, without a key: wire_seal() alone makes such a tag and
 * wire_open() alone believes one. With a key: channel.c and handshake.c.
 */
#include "wire.h"

/* Without a key there are no epochs; a handshake is what they come from. */
static bool header_possible(const struct wire_header *header)
{
	if (!header->sender || !header->receiver ||
	    header->sender == header->receiver || !header->session)
		return false;
	if (!header->key_id)
		return !header->epoch && header->counter &&
		       header->type <= WIRE_PIECE_ACK;
	switch (header->type) {
	case WIRE_REQUEST:
		return !header->counter;
	case WIRE_RESPONSE:
		return !header->counter && header->epoch;
	default:
		return header->counter && header->epoch;
	}
}

int wire_header_decode(struct wire_header *header, const void *datagram,
		       size_t bytes)
{
	const u8 *p = datagram;

	if (bytes < WIRE_OVERHEAD_BYTES || bytes > WIRE_DATAGRAM_BYTES_MAX)
		return -EMSGSIZE;
	if (p[0] != WIRE_VERSION || p[3])
		return -EPROTONOSUPPORT;
	header->type = p[1];
	header->key_id = p[2];
	header->sender = get_unaligned_le32(p + 4);
	header->receiver = get_unaligned_le32(p + 8);
	header->epoch = get_unaligned_le32(p + 12);
	header->session = get_unaligned_le64(p + 16);
	header->counter = get_unaligned_le64(p + 24);

	switch (header->type) {
	case WIRE_MESSAGE:
	case WIRE_PIECE:
	case WIRE_PIECE_ACK:
		break;
	case WIRE_REQUEST:
	case WIRE_RESPONSE:
		if (bytes != WIRE_HANDSHAKE_BYTES)
			return -EMSGSIZE;
		break;
	default:
		return -ENOMSG;
	}
	return header_possible(header) ? 0 : -EBADMSG;
}

void wire_header_encode(const struct wire_header *header, void *datagram)
{
	u8 *p = datagram;

	p[0] = WIRE_VERSION;
	p[1] = header->type;
	p[2] = header->key_id;
	p[3] = 0;
	put_unaligned_le32(header->sender, p + 4);
	put_unaligned_le32(header->receiver, p + 8);
	put_unaligned_le32(header->epoch, p + 12);
	put_unaligned_le64(header->session, p + 16);
	put_unaligned_le64(header->counter, p + 24);
}

/* Over the cluster id too: damage to it must not look like a foreign cluster. */
static u32 checksum(const u8 *datagram, size_t bytes, u64 cluster_id)
{
	u8 seed[8];

	put_unaligned_le64(cluster_id, seed);
	return ~crc32c(crc32c(~0u, seed, sizeof(seed)), datagram, bytes);
}

size_t wire_seal(void *datagram, size_t body_bytes,
		 const struct wire_header *header, u64 cluster_id)
{
	size_t covered = WIRE_HEADER_BYTES + body_bytes;
	u8 *tag = (u8 *)datagram + covered;

	wire_header_encode(header, datagram);
	put_unaligned_le32(checksum(datagram, covered, cluster_id), tag);
	put_unaligned_le32(0, tag + 4);
	put_unaligned_le64(cluster_id, tag + 8);
	return covered + WIRE_TAG_BYTES;
}

int wire_open(void *datagram, size_t bytes, u64 cluster_id,
	      u64 *foreign_cluster_id)
{
	size_t covered = bytes - WIRE_TAG_BYTES;
	const u8 *tag = (u8 *)datagram + covered;
	u64 said = get_unaligned_le64(tag + 8);

	if (get_unaligned_le32(tag + 4) ||
	    get_unaligned_le32(tag) != checksum(datagram, covered, said))
		return -EBADMSG;
	if (said != cluster_id) {
		*foreign_cluster_id = said;
		return -EXDEV;
	}
	return covered - WIRE_HEADER_BYTES;
}
