/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages larger than a datagram, and what has to stay behind them, go as a
 * bundle (format.h): cut into pieces, sent under a window, acknowledged
 * piecewise, sent again where they got lost, put together.
 *
 * Sender and receiver are state machines without clock or socket. A sender has
 * one bundle under way, a receiver (there is one per sender) puts one together:
 *
 *	wire_sender_start()
 *	   |  while (wire_sender_peek())  -- send the piece --  wire_sender_sent()
 *	   |  an ack arrives: wire_sender_ack()
 *	   |  wire_sender_deadline() has passed: wire_sender_timer()
 *	   v
 *	state is WIRE_SENDER_DONE or WIRE_SENDER_GIVEN_UP: wire_sender_stop()
 *
 * Loss is told from reordering by time: a piece is lost if one sent after it has
 * arrived and it is overdue by a share of the round-trip time, which grows while
 * pieces turn out to have been sent twice in vain. If nothing arrives at all, a
 * timer sends the newest piece again, then everything, ever more slowly.
 *
 * The window also stays so small that what is under way does not queue up for
 * long anywhere: heartbeats share the way with it.
 *
 * Each acknowledgment says what its sender is putting together (session and
 * reassembly). If that changes in the middle, the other side has forgotten what
 * it acknowledged, and the bundle starts from its first piece.
 *
 * Locking: none, one caller at a time.
 */
#ifndef RAFTLOG_WIRE_BULK_H
#define RAFTLOG_WIRE_BULK_H

#include "../failpoint.h"
#include "wire.h"

enum wire_bulk_limits {
	/* Pieces under way; the most is WIRE_WINDOW_PIECES_MAX. */
	WIRE_WINDOW_PIECES_START = 32,
	WIRE_WINDOW_PIECES_MIN = 32,
	/* Timeouts in a row before a bundle is given up. */
	WIRE_TIMEOUTS_MAX = 8,
	/* Transmissions per piece, on the average, before it is given up. */
	WIRE_TRANSMISSIONS_PER_PIECE_MAX = 32,
	/* In quarters of the round-trip time, before a gap counts as a loss. */
	WIRE_PATIENCE_MIN = 1,
	WIRE_PATIENCE_MAX = 8,
	/* Pieces before an acknowledgment that nobody asked for. */
	WIRE_ACK_EVERY_PIECES = 8,
};

#define WIRE_TIMEOUT_START_NS (100 * (u64)NSEC_PER_MSEC)
#define WIRE_TIMEOUT_MIN_NS (10 * (u64)NSEC_PER_MSEC)
#define WIRE_TIMEOUT_MAX_NS ((u64)NSEC_PER_SEC)
/* Scheduling of the owner thread looks like reordering of this much. */
#define WIRE_REORDERING_MIN_NS ((u64)NSEC_PER_MSEC)
#define WIRE_ACK_DELAY_NS (2 * (u64)NSEC_PER_MSEC)
#define WIRE_QUEUE_NS (100 * (u64)NSEC_PER_MSEC)
#define WIRE_RTT_LEAST_VALID_NS (10 * (u64)NSEC_PER_SEC)

/**
 * struct wire_path - what is known of the way to a peer; outlives bundles
 * @rtt_ns: smoothed round-trip time, 0 if not known
 * @rtt_deviation_ns: its mean deviation
 * @rtt_least_ns: least round-trip time seen lately
 * @rtt_least_at_ns: when
 * @queue_ns: a round trip longer than the least by more than this is taken for
 *	a queue of our own making; WIRE_QUEUE_NS unless set after
 *	wire_sender_init()
 * @window: pieces that may be under way
 * @window_credit: acknowledged pieces towards the next growth of @window
 * @slow_start_threshold: below this @window grows with every acknowledged piece
 * @patience: quarters of @rtt_ns before a gap counts as a loss
 */
struct wire_path {
	u64 rtt_ns;
	u64 rtt_deviation_ns;
	u64 rtt_least_ns;
	u64 rtt_least_at_ns;
	u64 queue_ns;
	u32 window;
	u32 window_credit;
	u32 slow_start_threshold;
	u32 patience;
};

enum wire_sent_state {
	WIRE_PIECE_UNSENT = 0,
	WIRE_PIECE_UNDER_WAY = 1,
	WIRE_PIECE_LOST = 2,
	WIRE_PIECE_ARRIVED = 3,
};

/**
 * struct wire_sent_piece - what the sender knows of a piece
 * @sent_ns: when it was last sent
 * @transmission: number it was last sent under
 * @state: enum wire_sent_state
 */
struct wire_sent_piece {
	u64 sent_ns;
	u32 transmission;
	u8 state;
};

enum wire_sender_state {
	WIRE_SENDER_IDLE = 0,
	WIRE_SENDER_SENDING = 1,
	WIRE_SENDER_DONE = 2,
	WIRE_SENDER_GIVEN_UP = 3,
};

/**
 * struct wire_sender - one bundle under way to one peer
 * @path: kept between bundles
 * @pieces: array of the caller's
 * @n_pieces_max: room in @pieces
 * @session: of this node
 * @state: enum wire_sender_state
 * @bundle_id: of the last bundle started, ascending
 * @bundle_bytes: its length
 * @piece_bytes: of every piece but the last
 * @n_pieces: pieces it has
 * @first_missing: all pieces before this have arrived
 * @next_unsent: no piece from here on was ever sent
 * @n_under_way: pieces in state WIRE_PIECE_UNDER_WAY
 * @n_lost: pieces in state WIRE_PIECE_LOST
 * @transmission: last number given to a piece
 * @newest_arrived: largest number known to have arrived
 * @recovered_at: losses up to this transmission have cut the window already
 * @n_timeouts: in a row, without anything new arriving
 * @probing: one piece may go beyond the window
 * @timeout_from_ns: the retransmission timer runs from here
 * @loss_due_ns: a gap may count as a loss then; U64_MAX: no gap
 * @receiver_known: the next two are set
 * @receiver_session: of the peer, as of its last ack
 * @reassembly: likewise
 * @n_duplicates: likewise
 * @n_retransmits: pieces sent again, of all bundles
 */
struct wire_sender {
	struct wire_path path;
	struct wire_sent_piece *pieces;
	u32 n_pieces_max;
	u64 session;
	u8 state;
	u64 bundle_id;
	u32 bundle_bytes;
	u32 piece_bytes;
	u32 n_pieces;
	u32 first_missing;
	u32 next_unsent;
	u32 n_under_way;
	u32 n_lost;
	u32 transmission;
	u32 newest_arrived;
	u32 recovered_at;
	u32 n_timeouts;
	bool probing;
	u64 timeout_from_ns;
	u64 loss_due_ns;
	bool receiver_known;
	u64 receiver_session;
	u32 reassembly;
	u32 n_duplicates;
	u64 n_retransmits;
};

/**
 * wire_sender_init() - nothing is known, nothing under way
 * @sender: to set up
 * @pieces: room to remember pieces, kept
 * @n_pieces_max: how many
 * @session: of this node
 */
void wire_sender_init(struct wire_sender *sender,
		      struct wire_sent_piece *pieces, u32 n_pieces_max,
		      u64 session);

/**
 * wire_sender_start() - a new bundle
 * @sender: idle
 * @bundle_bytes: its length, more than @piece_bytes
 * @piece_bytes: WIRE_PIECE_BYTES_MIN or more
 * @now_ns: monotonic
 *
 * Return: 0, -EBUSY, -EINVAL, or -EMSGSIZE (too many pieces).
 */
int wire_sender_start(struct wire_sender *sender, u32 bundle_bytes,
		      u32 piece_bytes, u64 now_ns);

/**
 * wire_sender_peek() - the piece to send next
 * @sender: any state
 * @piece: filled in; data is set to @bundle plus its offset
 * @bundle: the bundle
 *
 * Return: true, or false if nothing may be sent now.
 */
bool wire_sender_peek(struct wire_sender *sender, struct wire_piece *piece,
		      const void *bundle);

/** wire_sender_sent() - the piece that wire_sender_peek() gave is on its way */
void wire_sender_sent(struct wire_sender *sender, const struct wire_piece *piece,
		      u64 now_ns);

/**
 * wire_sender_ack() - an acknowledgment arrived
 * @sender: any state
 * @receiver_session: session of the datagram that brought it
 * @ack: decoded
 * @now_ns: monotonic
 *
 * Return: 0, -ESTALE (of another bundle, session or reassembly; harmless), or
 * -EBADMSG (of pieces that were never sent). Look at @sender->state after it.
 */
int wire_sender_ack(struct wire_sender *sender, u64 receiver_session,
		    const struct wire_piece_ack *ack, u64 now_ns);

/** wire_sender_timer() - time has passed; look at @sender->state after it */
void wire_sender_timer(struct wire_sender *sender, u64 now_ns);

/** wire_sender_deadline() - when to call wire_sender_timer(), U64_MAX: never */
u64 wire_sender_deadline(const struct wire_sender *sender);

/**
 * wire_sender_probe() - the peer seems to have started again: ask it now
 * @sender: any state
 * @now_ns: monotonic
 *
 * Ends a back-off. What the peer still has of the bundle its answer will say.
 */
void wire_sender_probe(struct wire_sender *sender, u64 now_ns);

/** wire_sender_stop() - be idle, whatever was under way */
void wire_sender_stop(struct wire_sender *sender);

/**
 * struct wire_receiver - what one peer is sending
 * @memory: arrived bits, then the bundle
 * @bundle_bytes_max: room for a bundle in @memory
 * @session: of the peer, 0 if none
 * @bundle_id: of the newest bundle
 * @bundle_bytes: its length
 * @piece_bytes: of every piece but the last
 * @n_pieces: pieces it has
 * @n_arrived: how many are there
 * @first_missing: all before this are there; @n_pieces: the bundle is whole
 * @transmission: newest one received of it
 * @n_duplicates: pieces of it received more than once
 * @reassembly: counts the bundles begun
 * @n_unacknowledged: pieces received since the last ack
 * @ack_due_ns: U64_MAX: no ack is due
 */
struct wire_receiver {
	void *memory;
	u32 bundle_bytes_max;
	u64 session;
	u64 bundle_id;
	u32 bundle_bytes;
	u32 piece_bytes;
	u32 n_pieces;
	u32 n_arrived;
	u32 first_missing;
	u32 transmission;
	u32 n_duplicates;
	u32 reassembly;
	u32 n_unacknowledged;
	u64 ack_due_ns;
};

/** wire_receiver_memory_bytes() - memory to put bundles together in */
size_t wire_receiver_memory_bytes(u32 bundle_bytes_max);

/**
 * wire_receiver_init() - nothing was ever received
 * @receiver: to set up
 * @memory: wire_receiver_memory_bytes() bytes, aligned to 8, kept; may be NULL
 *	and be set before the first wire_receiver_piece()
 * @bundle_bytes_max: bundles that are longer are refused
 */
void wire_receiver_init(struct wire_receiver *receiver, void *memory,
			u32 bundle_bytes_max);

/* What wire_receiver_piece() asks for, or'ed together. */
enum wire_receipt {
	WIRE_RECEIPT_ACK = 1 << 0, /* send wire_receiver_ack() now */
	WIRE_RECEIPT_WHOLE = 1 << 1, /* wire_receiver_bundle() is there, once */
	WIRE_RECEIPT_REPLACED = 1 << 2, /* an unfinished bundle was given up */
};

/**
 * wire_receiver_piece() - a piece arrived
 * @receiver: has memory
 * @session: of the datagram
 * @piece: decoded
 * @now_ns: monotonic
 *
 * Return: enum wire_receipt, or -ESTALE (of an older bundle),
 * -EBADMSG (does not fit the pieces before it), -EMSGSIZE (bundle too long).
 */
int wire_receiver_piece(struct wire_receiver *receiver, u64 session,
			const struct wire_piece *piece, u64 now_ns);

/** wire_receiver_bundle() - the whole bundle, until the next piece is taken */
const void *wire_receiver_bundle(const struct wire_receiver *receiver);

/** wire_receiver_ack() - what to acknowledge; counts as done */
void wire_receiver_ack(struct wire_receiver *receiver,
		       struct wire_piece_ack *ack);

/**
 * wire_receiver_deadline() - when wire_receiver_ack() is to be sent unasked
 * @receiver: of one peer
 *
 * Return: monotonic time, U64_MAX: never.
 */
u64 wire_receiver_deadline(const struct wire_receiver *receiver);

#endif /* RAFTLOG_WIRE_BULK_H */
