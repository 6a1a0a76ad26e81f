/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The datagram format, all of it. Little endian; offsets in bytes; what is marked
 * 0 must be 0. One UDP datagram is
 *
 *	header (32) | body | tag (16)
 *
 * header	 0  u8   version	WIRE_VERSION
 *		 1  u8   type		enum wire_type
 *		 2  u8   key_id		of the key of the cluster, see below; 0: none,
 *					neither secret nor authentic
 *		 3  u8   flags		0
 *		 4  le32 sender		node id, not 0
 *		 8  le32 receiver	node id, not 0, not @sender
 *		12  le32 epoch		which keying of @session; 0 without a key
 *		16  le64 session	random, of this start of the sender, not 0
 *		24  le64 counter	datagrams of this epoch so far, or without a key
 *					of this session, from 1; handshake: 0
 *
 * tag without a key
 *		 0  le32 crc32c		of le64 cluster_id | header | body, from ~0,
 *					inverted
 *		 4  le32 0
 *		 8  le64 cluster_id
 *
 * With a key the body is encrypted and the tag authenticates it: ChaCha20-Poly1305
 * (RFC 8439) under the key of the direction, with the nonce
 *
 *		 0  u8   0 (four)
 *		 4  le64 counter	of the header
 *
 * and as associated data header | le64 cluster_id. A handshake is not encrypted;
 * its tag is the BLAKE2s-128 of header | body, keyed with handshake_key.
 *
 * Keys. All nodes of a cluster hold the same secret of 32 bytes, psk, and two more
 * while it is exchanged for another one. What comes of it is BLAKE2s-256 (RFC 7693),
 * keyed with 32 bytes, over a label, padded with zeros to 24 bytes, and more:
 *
 *	name		keyed with	label			followed by
 *	key_id		psk		"raftlog key id"	(its first byte, 1 for 0)
 *	handshake_key	psk		"raftlog handshake"	le64 cluster_id
 *	session_key	psk		"raftlog session"	le64 cluster_id
 *	token		boot secret of	"raftlog token"		le32 sender, le64 which
 *			the receiver
 *	direction_key	session_key	"raftlog direction"	le32 sender,
 *				le32 receiver, le64 session of the sender, le32 epoch,
 *				le64 session of the receiver, token
 *
 * Handshake. A node that is to send to another one asks it for a token, for a new
 * epoch of its own, and from the answer both know the key of this direction. The one
 * that answers remembers nothing: when a datagram of an epoch it does not know comes,
 * it makes the token again, and with it the key. Only a datagram that proves right
 * makes the epoch known, and its token the last of this "which": what was recorded
 * of before never comes right again.
 *
 * body of WIRE_REQUEST: the header's epoch is the new one, 0: none is wanted.
 *
 * request	 0  le64 rejected_session	of the receiver, whose datagram came and
 *						could not be opened: it is to begin a new
 *						epoch, if this is its newest; 0: none
 *		 8  le32 rejected_epoch
 *		12  le32 0
 *		16  le64 cluster_id	of the sender: who has the right key is told
 *					that he is of another cluster
 *		24  u8   0 (sixteen)	to be as long as the answer
 *
 * body of WIRE_RESPONSE: the header's epoch is that of the request.
 *
 * response	 0  le64 requester_session	the session of the request
 *		 8  u8   token (32)
 *
 * body of WIRE_MESSAGE: one message. Sender and receiver are the header's.
 *
 * message	 0  u8   type		enum raft_message_type
 *		 1  u8   flags		enum wire_message_flags
 *		 2  u8   priority	AppendEntries: the highest among the voters that
 *					answer; its response: the sender's; else 0
 *		 3  u8   0
 *		 4  le32 n_entries	0; AppendEntries: any; Propose: 1;
 *					InstallSnapshot: the configuration, and perhaps
 *					some of the data
 *		 8  le64 term		not 0
 *		16  le64 incarnation	of the sender's disk, not 0
 *	RequestVote
 *		24  le64 last_log_index
 *		32  le64 last_log_term
 *		40  le64 leadership_transfer_ns	until_ns of a TimeoutNow, 0: none;
 *					PreVote: 0
 *	RequestVote response
 *		24  le64 candidate_incarnation	of the request, not 0
 *	AppendEntries
 *		24  le64 prev_log_index
 *		32  le64 prev_log_term
 *		40  le64 leader_commit
 *		48  le64 sent_ns
 *	AppendEntries response
 *		24  le64 match_index
 *		32  le64 prev_log_index
 *		40  le64 hint_index
 *		48  le64 hint_term
 *		56  le64 sent_ns
 *		64  le64 promised_ns
 *	Propose
 *		24  le64 proposed_at
 *	Propose response
 *		24  le64 session
 *		32  le64 sequence
 *		40  le32 refusal	enum wire_refusal; 0: it is committed
 *		44  le32 0
 *		48  le64 index		not 0 if @refusal is 0, else 0
 *		56  le64 entry_term	likewise
 *	ReadIndex
 *		24  le64 session	not 0
 *		32  le64 sequence	not 0
 *	ReadIndex response
 *		24  le64 session	not 0
 *		32  le64 sequence	not 0
 *		40  le64 index		not 0
 *	TimeoutNow
 *		24  le64 last_log_index
 *		32  le64 until_ns	not 0
 *	InstallSnapshot
 *		24  le64 snapshot_index
 *		32  le64 snapshot_term
 *		40  le64 configuration_index
 *		48  le64 sent_ns
 *		56  le64 bytes		of all the data, 0: there are none
 *		64  le64 offset		of those in this message
 *		72  le32 checksum	crc32c of all the data from ~0; 0 without
 *		76  le32 0
 *	InstallSnapshot response
 *		24  le64 snapshot_index	not 0
 *		32  le64 snapshot_term	not 0
 *		40  le64 offset		the data are there up to here
 *		48  le32 checksum	of all the data, as offered
 *		52  le32 0
 *	FeatureLevel
 *		24  u8   level		not 0
 *		25  u8   0 (seven)
 *
 * Behind the fixed part follow n_entries entry headers, then their payloads in
 * the same order without padding, then nothing.
 *
 * entry	 0  le64 term		Propose, InstallSnapshot: 0
 *		 8  le64 session	InstallSnapshot: 0; the two top bits say what it
 *					is, see raft/raft.h
 *		16  le64 sequence	InstallSnapshot: 0
 *		24  le32 bytes		payload
 *		28  u8   type		enum raft_entry_type
 *		29  u8   0 (three)
 *
 * No term, index, length or offset of data above is more than 2^61.
 *
 * Messages that are too large for one datagram travel in a bundle: one or more
 * messages in the order they were sent, each behind a le32 length of its own,
 * without padding.
 *
 * body of WIRE_PIECE: part of a bundle. Piece i holds the bytes from
 * i * piece_bytes on, piece_bytes of them, the last piece the rest. At least two
 * pieces.
 *
 * piece	 0  le64 bundle_id	ascending in a session, not 0
 *		 8  le32 bundle_bytes
 *		12  le32 piece_bytes
 *		16  le32 piece		number of this one, from 0
 *		20  le32 transmission	pieces of this bundle sent so far, with
 *					repetitions, from 1; the top bit asks for an
 *					acknowledgment at once
 *		24  bytes
 *
 * body of WIRE_PIECE_ACK: which pieces are there.
 *
 * ack		 0  le64 session	of the bundle's sender: whose bundle_id
 *		 8  le64 bundle_id
 *		16  le32 reassembly	counts what its sender began to put together:
 *					acks of different ones say nothing about
 *					each other
 *		20  le32 first_missing	all pieces before this one are there
 *		24  le32 transmission	newest one received, without the top bit
 *		28  le32 n_duplicates	pieces received more than once
 *		32  bitmap, 0 … 128 bytes: bit b % 8 of byte b / 8 is piece
 *		    first_missing + 1 + b; the last byte is not 0
 */
#ifndef RAFTLOG_WIRE_FORMAT_H
#define RAFTLOG_WIRE_FORMAT_H

enum wire_type {
	WIRE_MESSAGE = 1,
	WIRE_PIECE = 2,
	WIRE_PIECE_ACK = 3,
	WIRE_REQUEST = 4,
	WIRE_RESPONSE = 5,
	WIRE_TYPE_LAST = WIRE_RESPONSE,
};

/* Each is allowed only where its name says. */
enum wire_message_flags {
	WIRE_F_PRE_VOTE = 1 << 0, /* RequestVote and its response */
	WIRE_F_GRANTED = 1 << 1, /* RequestVote response */
	WIRE_F_REJECTED = 1 << 2, /* AppendEntries response */
	WIRE_F_LEASE = 1 << 3, /* ReadIndex */
	WIRE_F_REQUESTED = 1 << 3, /* TimeoutNow */
};

/* Numbers of errno differ between architectures; these do not. */
enum wire_refusal {
	WIRE_REFUSAL_NO_SPACE = 1, /* ENOSPC */
	WIRE_REFUSAL_TRY_AGAIN = 2, /* EAGAIN */
	WIRE_REFUSAL_STALE = 3, /* ESTALE */
	WIRE_REFUSAL_TOO_OLD = 4, /* ERANGE */
};

#define WIRE_PIECE_ACK_AT_ONCE (1u << 31)

/* A new epoch is due after so many datagrams or so long; and none goes beyond. */
#define WIRE_EPOCH_DATAGRAMS (1ull << 40)
#define WIRE_EPOCH_NS (600ull * NSEC_PER_SEC)
#define WIRE_COUNTER_LAST (1ull << 48)

enum wire_limits_fixed {
	WIRE_VERSION = 1,

	WIRE_HEADER_BYTES = 32,
	WIRE_TAG_BYTES = 16,
	WIRE_OVERHEAD_BYTES = WIRE_HEADER_BYTES + WIRE_TAG_BYTES,

	WIRE_KEY_BYTES = 32,
	WIRE_TOKEN_BYTES = 32,
	WIRE_LABEL_BYTES = 24,
	/* Request and response alike: nothing is amplified. */
	WIRE_HANDSHAKE_BODY_BYTES = 8 + WIRE_TOKEN_BYTES,
	WIRE_HANDSHAKE_BYTES = WIRE_OVERHEAD_BYTES + WIRE_HANDSHAKE_BODY_BYTES,

	/* The least every IPv4 host takes, less headers; the most UDP carries. */
	WIRE_DATAGRAM_BYTES_MIN = 512,
	WIRE_DATAGRAM_BYTES_MAX = 65000,

	WIRE_REQUEST_VOTE_BYTES = 48,
	WIRE_REQUEST_VOTE_RESPONSE_BYTES = 32,
	WIRE_APPEND_ENTRIES_BYTES = 56,
	WIRE_APPEND_ENTRIES_RESPONSE_BYTES = 72,
	WIRE_PROPOSE_BYTES = 32,
	WIRE_PROPOSE_RESPONSE_BYTES = 64,
	WIRE_READ_INDEX_BYTES = 40,
	WIRE_READ_INDEX_RESPONSE_BYTES = 48,
	WIRE_TIMEOUT_NOW_BYTES = 40,
	WIRE_INSTALL_SNAPSHOT_BYTES = 80,
	WIRE_INSTALL_SNAPSHOT_RESPONSE_BYTES = 56,
	WIRE_FEATURE_LEVEL_BYTES = 32,
	WIRE_MESSAGE_FIXED_BYTES_MIN = 16,
	WIRE_MESSAGE_FIXED_BYTES_MAX = WIRE_INSTALL_SNAPSHOT_BYTES,
	WIRE_ENTRY_BYTES = 32,

	WIRE_PIECE_HEADER_BYTES = 24,
	/* Payload of a piece in the smallest datagram. */
	WIRE_PIECE_BYTES_MIN = WIRE_DATAGRAM_BYTES_MIN - WIRE_OVERHEAD_BYTES -
			       WIRE_PIECE_HEADER_BYTES,

	WIRE_PIECE_ACK_HEADER_BYTES = 32,
	WIRE_PIECE_ACK_BITMAP_BYTES = 128,
	/* An ack tells of every piece that can be under way at once. */
	WIRE_WINDOW_PIECES_MAX = WIRE_PIECE_ACK_BITMAP_BYTES * 8,

	/* Entries of one message; bounds the table that has to be put up for them. */
	WIRE_ENTRIES_MAX = 1024,
	/* Of a snapshot's data, in one message: no other waits for it for long. */
	WIRE_CHUNK_BYTES_MAX = 128 << 10,
	/* Payload of one entry and of one message, whatever the settings. */
	WIRE_ENTRY_PAYLOAD_BYTES_MAX = 4 << 20,
	WIRE_MESSAGE_PAYLOAD_BYTES_MAX = 16 << 20,
	WIRE_MESSAGE_BYTES_MAX = WIRE_APPEND_ENTRIES_BYTES +
				 WIRE_ENTRIES_MAX * WIRE_ENTRY_BYTES +
				 WIRE_MESSAGE_PAYLOAD_BYTES_MAX,

	WIRE_BUNDLE_HEADER_BYTES = 4, /* per message */
	WIRE_BUNDLE_BYTES_MAX = WIRE_MESSAGE_BYTES_MAX + WIRE_BUNDLE_HEADER_BYTES,
};

#endif /* RAFTLOG_WIRE_FORMAT_H */
