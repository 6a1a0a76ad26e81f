/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages and datagrams to bytes and back (format.h). Pure functions: any bytes
 * in, a valid value or an error out, no read past the end, no length trusted.
 * What decodes encodes to the same bytes again, and what encodes decodes.
 *
 * Receiving goes wire_header_decode() → is the sender known, is it at its
 * address → wire_channel_open() (channel.h), or without a key wire_open() →
 * wire_message_decode(), wire_piece_decode() or wire_piece_ack_decode(). Sending
 * goes the other way and ends in wire_channel_seal() or wire_seal(). Messages
 * larger than a datagram: bulk.h.
 */
#ifndef RAFTLOG_WIRE_H
#define RAFTLOG_WIRE_H

#include "../pure.h"
#include "../raft/raft.h"
#include "format.h"

/**
 * struct wire_limits - what a receiver is willing to take
 * @n_entries_max: entries of one message, at most WIRE_ENTRIES_MAX
 * @entry_bytes_max: payload of one RAFT_ENTRY_DATA, at most
 *	WIRE_ENTRY_PAYLOAD_BYTES_MAX; a configuration may always have
 *	RAFT_CONFIGURATION_BYTES_MAX
 * @message_bytes_max: encoded message, at most WIRE_MESSAGE_BYTES_MAX
 */
struct wire_limits {
	u32 n_entries_max;
	u32 entry_bytes_max;
	u32 message_bytes_max;
};

/**
 * wire_message_bytes() - length of an encoded message
 * @message: type, n_entries and each entry's bytes are looked at
 *
 * Return: its length, or 0 if it cannot be encoded: type, n_entries or a length
 * is out of bounds.
 */
size_t wire_message_bytes(const struct raft_message *message);

/**
 * wire_message_encode() - a message to bytes
 * @message: entries[].data are the payloads. Not encoded: from and to, which
 *	are the datagram's, and the term of the entry of a RAFT_PROPOSE, which
 *	has none yet
 * @buf: where to
 * @bytes: room in @buf, at least wire_message_bytes()
 *
 * Return: bytes written, -EMSGSIZE (too little room), or -EINVAL if it says
 * something that wire_message_decode() would refuse.
 */
int wire_message_encode(const struct raft_message *message, void *buf,
			size_t bytes);

/**
 * wire_message_decode() - bytes to a message
 * @message: filled in; unspecified on error
 * @entries: room for @limits->n_entries_max entries; @message->entries points to
 *	them, their data into @buf, their payload is NULL
 * @limits: what to accept
 * @from: sender of the datagram
 * @to: its receiver
 * @buf: any bytes
 * @bytes: how many
 *
 * Contents that no correct server sends are refused, so that the core needs to
 * fear stale messages only, not absurd ones: term 0, entry terms that fall or
 * exceed the message's, indexes that overflow, unknown types and flags, bytes
 * left over.
 *
 * Return: 0, -EBADMSG (no message), or -EMSGSIZE (one beyond @limits).
 */
int wire_message_decode(struct raft_message *message,
			struct raft_entry *entries,
			const struct wire_limits *limits, u32 from, u32 to,
			const void *buf, size_t bytes);

/**
 * struct wire_header - what a datagram says before its body
 * @type: enum wire_type
 * @key_id: which key of the cluster, 0: none
 * @sender: node id
 * @receiver: node id
 * @epoch: keying of @session, 0 without a key
 * @session: of this start of the sender
 * @counter: datagrams sent in @epoch, or without a key in @session, so far; 0 in a
 *	handshake
 */
struct wire_header {
	u8 type;
	u8 key_id;
	u32 sender;
	u32 receiver;
	u32 epoch;
	u64 session;
	u64 counter;
};

/**
 * wire_header_decode() - read a header; nothing of it is to be believed yet
 * @header: filled in; unspecified on error
 * @datagram: any bytes
 * @bytes: how many
 *
 * Return:
 * * 0 - worth looking up the sender
 * * -EMSGSIZE - too short or too long for a datagram of any type
 * * -EPROTONOSUPPORT - another version, or flags of a newer one
 * * -ENOMSG - unknown type
 * * -EBADMSG - no possible header
 */
int wire_header_decode(struct wire_header *header, const void *datagram,
		       size_t bytes);

/** wire_header_encode() - write a header, WIRE_HEADER_BYTES */
void wire_header_encode(const struct wire_header *header, void *datagram);

/**
 * wire_seal() - put header and tag around a body, without a key
 * @datagram: the body is at WIRE_HEADER_BYTES, WIRE_TAG_BYTES are free behind it
 * @body_bytes: its length
 * @header: key_id and epoch must be 0
 * @cluster_id: the cluster both belong to
 *
 * Return: length of the datagram.
 */
size_t wire_seal(void *datagram, size_t body_bytes,
		 const struct wire_header *header, u64 cluster_id);

/**
 * wire_open() - check the tag of a datagram without a key
 * @datagram: wire_header_decode() accepted it, with key_id 0
 * @bytes: its length
 * @cluster_id: the cluster it must come from
 * @foreign_cluster_id: set with -EXDEV
 *
 * Return: length of the body, which is at WIRE_HEADER_BYTES; -EBADMSG (damaged),
 * or -EXDEV (whole, but of another cluster).
 */
int wire_open(void *datagram, size_t bytes, u64 cluster_id,
	      u64 *foreign_cluster_id);

/**
 * wire_bundle_put() - write the length that stands before a message in a bundle
 * @buf: where to; the message belongs at WIRE_BUNDLE_HEADER_BYTES
 * @message_bytes: its length
 *
 * Return: bytes that both take.
 */
size_t wire_bundle_put(void *buf, u32 message_bytes);

/**
 * wire_bundle_next() - take a bundle apart
 * @bundle: any bytes
 * @bytes: how many
 * @offset: 0 before the first call, then as it was left
 * @message: set to the next message
 * @message_bytes: set to its length, not 0
 *
 * Return: 1 with a message, 0 at the end, -EBADMSG (no bundle from here on).
 */
int wire_bundle_next(const void *bundle, u32 bytes, u32 *offset,
		     const void **message, u32 *message_bytes);

/**
 * struct wire_piece - a part of a bundle
 * @bundle_id: ascending in a session
 * @bundle_bytes: of the whole bundle
 * @piece_bytes: of every piece but the last
 * @piece: number of this one
 * @transmission: pieces of this bundle sent so far, from 1
 * @ack_at_once: the sender waits for an acknowledgment
 * @data: the bytes
 * @bytes: how many; follows from the others
 */
struct wire_piece {
	u64 bundle_id;
	u32 bundle_bytes;
	u32 piece_bytes;
	u32 piece;
	u32 transmission;
	bool ack_at_once;
	const void *data;
	u32 bytes;
};

/** wire_piece_count() - pieces that a bundle is cut into */
static inline u32 wire_piece_count(u32 bundle_bytes, u32 piece_bytes)
{
	return bundle_bytes / piece_bytes + !!(bundle_bytes % piece_bytes);
}

/**
 * wire_piece_encode() - a piece to a body
 * @piece: valid, data in reach
 * @buf: where to
 * @bytes: room in @buf
 *
 * Return: bytes written, -EMSGSIZE or -EINVAL.
 */
int wire_piece_encode(const struct wire_piece *piece, void *buf, size_t bytes);

/**
 * wire_piece_decode() - a body to a piece
 * @piece: filled in, data points into @buf; unspecified on error
 * @buf: any bytes
 * @bytes: how many
 *
 * Return: 0 or -EBADMSG.
 */
int wire_piece_decode(struct wire_piece *piece, const void *buf, size_t bytes);

/**
 * struct wire_piece_ack - which pieces of a bundle are there
 * @session: of the sender of the bundle
 * @bundle_id: which one
 * @reassembly: of the receiver; ascending in a session of its
 * @first_missing: pieces before this are there
 * @transmission: newest one received
 * @n_duplicates: pieces received more than once
 * @bitmap_bytes: used of @bitmap; the last one is not 0
 * @bitmap: bit b % 8 of byte b / 8: piece @first_missing + 1 + b is there
 */
struct wire_piece_ack {
	u64 session;
	u64 bundle_id;
	u32 reassembly;
	u32 first_missing;
	u32 transmission;
	u32 n_duplicates;
	u32 bitmap_bytes;
	u8 bitmap[WIRE_PIECE_ACK_BITMAP_BYTES];
};

/** wire_piece_ack_encode() - Return: bytes written, -EMSGSIZE or -EINVAL. */
int wire_piece_ack_encode(const struct wire_piece_ack *ack, void *buf,
			  size_t bytes);

/** wire_piece_ack_decode() - Return: 0 or -EBADMSG. */
int wire_piece_ack_decode(struct wire_piece_ack *ack, const void *buf,
			  size_t bytes);

#endif /* RAFTLOG_WIRE_H */
