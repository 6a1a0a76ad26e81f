// SPDX-License-Identifier: GPL-2.0
/*
 * Getting one bundle through to a peer, see bulk.h.
 */
#include "bulk.h"

void wire_sender_init(struct wire_sender *sender,
		      struct wire_sent_piece *pieces, u32 n_pieces_max,
		      u64 session)
{
	memset(sender, 0, sizeof(*sender));
	sender->pieces = pieces;
	sender->n_pieces_max = n_pieces_max;
	sender->session = session;
	sender->loss_due_ns = U64_MAX;
	sender->path.window = WIRE_WINDOW_PIECES_START;
	sender->path.slow_start_threshold = WIRE_WINDOW_PIECES_MAX;
	sender->path.patience = WIRE_PATIENCE_MIN;
	sender->path.queue_ns = WIRE_QUEUE_NS;
}

/* All that was ever sent of the bundle is lost; transmissions keep counting. */
static void begin(struct wire_sender *sender, u64 now_ns)
{
	u32 i;

	for (i = 0; i < sender->next_unsent; i++)
		sender->pieces[i].state = WIRE_PIECE_LOST;
	sender->n_lost = sender->next_unsent;
	sender->n_under_way = 0;
	sender->first_missing = 0;
	sender->recovered_at = sender->transmission;
	sender->n_timeouts = 0;
	sender->timeout_from_ns = now_ns;
	sender->loss_due_ns = U64_MAX;
	sender->probing = false;
	sender->n_duplicates = 0;
}

int wire_sender_start(struct wire_sender *sender, u32 bundle_bytes,
		      u32 piece_bytes, u64 now_ns)
{
	if (sender->state != WIRE_SENDER_IDLE)
		return -EBUSY;
	if (piece_bytes < WIRE_PIECE_BYTES_MIN || bundle_bytes <= piece_bytes ||
	    bundle_bytes > WIRE_BUNDLE_BYTES_MAX)
		return -EINVAL;
	if (wire_piece_count(bundle_bytes, piece_bytes) > sender->n_pieces_max)
		return -EMSGSIZE;

	sender->state = WIRE_SENDER_SENDING;
	sender->bundle_id++;
	sender->bundle_bytes = bundle_bytes;
	sender->piece_bytes = piece_bytes;
	sender->n_pieces = wire_piece_count(bundle_bytes, piece_bytes);
	sender->next_unsent = 0;
	sender->transmission = 0;
	sender->newest_arrived = 0;
	sender->receiver_known = false;
	memset(sender->pieces, 0, sender->n_pieces * sizeof(*sender->pieces));
	begin(sender, now_ns);
	return 0;
}

void wire_sender_stop(struct wire_sender *sender)
{
	sender->state = WIRE_SENDER_IDLE;
}

/* An ack can tell of pieces this far behind the first missing one, no further. */
static u32 window_end(const struct wire_sender *sender)
{
	return min(sender->n_pieces,
		   sender->first_missing + WIRE_WINDOW_PIECES_MAX);
}

/* Return: what to send next, window_end() if there is nothing. */
static u32 next_piece(const struct wire_sender *sender)
{
	u32 end = window_end(sender);
	u32 i;

	if (!sender->n_lost)
		return min(sender->next_unsent, end);
	for (i = sender->first_missing; i < end; i++)
		if (sender->pieces[i].state == WIRE_PIECE_LOST)
			break;
	return i;
}

bool wire_sender_peek(struct wire_sender *sender, struct wire_piece *piece,
		      const void *bundle)
{
	u32 i, end, more;

	if (sender->state != WIRE_SENDER_SENDING ||
	    (sender->n_under_way >= sender->path.window && !sender->probing))
		return false;
	end = window_end(sender);
	i = next_piece(sender);
	if (i >= end)
		return false;

	more = sender->n_lost;
	if (sender->next_unsent < end)
		more += end - sender->next_unsent;

	piece->bundle_id = sender->bundle_id;
	piece->bundle_bytes = sender->bundle_bytes;
	piece->piece_bytes = sender->piece_bytes;
	piece->piece = i;
	piece->transmission = sender->transmission + 1;
	/* Whoever cannot go on without an ack says so. */
	piece->ack_at_once = more == 1 ||
			     sender->n_under_way + 1 >= sender->path.window;
	piece->data = (const u8 *)bundle + (size_t)i * sender->piece_bytes;
	piece->bytes = min(sender->piece_bytes,
			   sender->bundle_bytes - i * sender->piece_bytes);
	return true;
}

void wire_sender_sent(struct wire_sender *sender, const struct wire_piece *piece,
		      u64 now_ns)
{
	struct wire_sent_piece *sent = &sender->pieces[piece->piece];

	if (sent->state == WIRE_PIECE_LOST) {
		sender->n_lost--;
		sender->n_retransmits++;
	} else {
		sender->next_unsent++;
	}
	if (!sender->n_under_way)
		sender->timeout_from_ns = now_ns;
	sender->n_under_way++;
	sender->transmission = piece->transmission;
	sent->state = WIRE_PIECE_UNDER_WAY;
	sent->transmission = piece->transmission;
	sent->sent_ns = now_ns;
	sender->probing = false;
	/* Only a receiver that forgets again and again takes this many. */
	if (sender->transmission >= WIRE_TRANSMISSIONS_PER_PIECE_MAX *
				    (sender->n_pieces + WIRE_WINDOW_PIECES_MIN))
		sender->state = WIRE_SENDER_GIVEN_UP;
}

/* Once per window's worth of pieces: what gets lost together counts once. */
static void cut_window(struct wire_sender *sender, u32 transmission)
{
	struct wire_path *path = &sender->path;

	if (transmission <= sender->recovered_at)
		return;
	sender->recovered_at = sender->transmission;
	path->window = max_t(u32, path->window - path->window / 4,
			     WIRE_WINDOW_PIECES_MIN);
	path->slow_start_threshold = path->window;
	path->window_credit = 0;
}

/* Jacobson's estimator, gains 1/8 and 1/4. */
static void smooth(struct wire_path *path, u64 rtt_ns)
{
	u64 error;

	if (!path->rtt_ns) {
		path->rtt_ns = max_t(u64, rtt_ns, 1);
		path->rtt_deviation_ns = rtt_ns / 2;
		return;
	}
	error = rtt_ns > path->rtt_ns ? rtt_ns - path->rtt_ns :
					path->rtt_ns - rtt_ns;
	path->rtt_deviation_ns -= path->rtt_deviation_ns / 4;
	path->rtt_deviation_ns += error / 4;
	path->rtt_ns -= path->rtt_ns / 8;
	path->rtt_ns += rtt_ns / 8;
}

static void measure(struct wire_sender *sender,
		    const struct wire_sent_piece *sent, u64 now_ns)
{
	struct wire_path *path = &sender->path;
	u64 rtt_ns = now_ns - sent->sent_ns;

	smooth(path, rtt_ns);
	/* The first pieces of a bundle find the way empty. */
	if (!path->rtt_least_at_ns || rtt_ns <= path->rtt_least_ns ||
	    now_ns - path->rtt_least_at_ns > WIRE_RTT_LEAST_VALID_NS) {
		path->rtt_least_ns = rtt_ns;
		path->rtt_least_at_ns = now_ns;
	}
	if (rtt_ns - path->rtt_least_ns > path->queue_ns)
		cut_window(sender, sent->transmission);
}

static u64 timeout_ns(const struct wire_sender *sender)
{
	const struct wire_path *path = &sender->path;
	u64 ns = WIRE_TIMEOUT_START_NS;

	if (path->rtt_ns)
		ns = clamp(path->rtt_ns + 4 * path->rtt_deviation_ns +
			   WIRE_ACK_DELAY_NS, WIRE_TIMEOUT_MIN_NS,
			   WIRE_TIMEOUT_MAX_NS);
	return min(ns << sender->n_timeouts, WIRE_TIMEOUT_MAX_NS);
}

/* How long after it was sent a piece behind which others arrived is lost. */
static u64 overdue_ns(const struct wire_path *path)
{
	return path->rtt_ns + path->rtt_deviation_ns +
	       max(path->patience * (path->rtt_ns / 4), WIRE_REORDERING_MIN_NS);
}

static void grow_window(struct wire_path *path, u32 n_arrived)
{
	if (path->window < path->slow_start_threshold) {
		path->window += n_arrived;
	} else {
		path->window_credit += n_arrived;
		while (path->window_credit >= path->window) {
			path->window_credit -= path->window;
			path->window++;
		}
	}
	path->window = min_t(u32, path->window, WIRE_WINDOW_PIECES_MAX);
}

static void lose(struct wire_sender *sender, struct wire_sent_piece *sent)
{
	sent->state = WIRE_PIECE_LOST;
	sender->n_under_way--;
	sender->n_lost++;
}

static void detect_losses(struct wire_sender *sender, u64 now_ns)
{
	u64 overdue = overdue_ns(&sender->path);
	u32 i;

	sender->loss_due_ns = U64_MAX;
	for (i = sender->first_missing; i < sender->next_unsent; i++) {
		struct wire_sent_piece *sent = &sender->pieces[i];

		if (sent->state != WIRE_PIECE_UNDER_WAY ||
		    sent->transmission >= sender->newest_arrived)
			continue;
		if (sent->sent_ns + overdue <= now_ns) {
			cut_window(sender, sent->transmission);
			lose(sender, sent);
		} else {
			sender->loss_due_ns = min(sender->loss_due_ns,
						  sent->sent_ns + overdue);
		}
	}
}

/* Return: whether it was news. */
static bool arrive(struct wire_sender *sender, u32 piece, u32 transmission,
		   u64 now_ns)
{
	struct wire_sent_piece *sent = &sender->pieces[piece];

	switch (sent->state) {
	case WIRE_PIECE_UNDER_WAY:
		sender->n_under_way--;
		/* Numbers are never used twice: this is a true round trip. */
		if (sent->transmission == transmission)
			measure(sender, sent, now_ns);
		break;
	case WIRE_PIECE_LOST:
		sender->n_lost--;
		break;
	default:
		return false;
	}
	sent->state = WIRE_PIECE_ARRIVED;
	return true;
}

static bool ack_bit(const struct wire_piece_ack *ack, u32 bit)
{
	return ack->bitmap[bit / 8] >> (bit % 8) & 1;
}

/* Does @ack speak of pieces and transmissions that were sent, and only those? */
static bool ack_possible(const struct wire_sender *sender,
			 const struct wire_piece_ack *ack)
{
	u32 n_bits = ack->bitmap_bytes * 8;

	if (ack->first_missing > sender->next_unsent ||
	    ack->transmission > sender->transmission)
		return false;
	/* The last byte is not 0: its highest bit is the last piece named. */
	while (n_bits && !ack_bit(ack, n_bits - 1))
		n_bits--;
	return n_bits < sender->next_unsent - ack->first_missing ||
	       (!n_bits && ack->first_missing == sender->next_unsent);
}

/*
 * Make the state of the pieces one about the reassembly that @ack speaks of.
 * Return: false if @ack is of an older one.
 */
static bool match_reassembly(struct wire_sender *sender, u64 receiver_session,
			     const struct wire_piece_ack *ack, u64 now_ns)
{
	if (!sender->receiver_known) {
		sender->receiver_known = true;
	} else if (receiver_session != sender->receiver_session) {
		/*
		 * Sessions have no order, but what a receiver gets after it
		 * started again was sent later than what it got before.
		 */
		if (ack->transmission <= sender->newest_arrived)
			return false;
		begin(sender, now_ns);
	} else if (ack->reassembly != sender->reassembly) {
		if ((s32)(ack->reassembly - sender->reassembly) < 0)
			return false;
		begin(sender, now_ns);
	}
	sender->receiver_session = receiver_session;
	sender->reassembly = ack->reassembly;
	return true;
}

/* Pieces that arrive twice in vain were taken for lost too early. */
static void adapt_patience(struct wire_sender *sender,
			   const struct wire_piece_ack *ack)
{
	struct wire_path *path = &sender->path;

	if (ack->n_duplicates > sender->n_duplicates)
		path->patience = min_t(u32, path->patience + 1, WIRE_PATIENCE_MAX);
	sender->n_duplicates = max(sender->n_duplicates, ack->n_duplicates);
}

int wire_sender_ack(struct wire_sender *sender, u64 receiver_session,
		    const struct wire_piece_ack *ack, u64 now_ns)
{
	u32 i, n_arrived = 0;

	if (sender->state != WIRE_SENDER_SENDING ||
	    ack->session != sender->session ||
	    ack->bundle_id != sender->bundle_id)
		return -ESTALE;
	if (!ack_possible(sender, ack))
		return -EBADMSG;
	if (!match_reassembly(sender, receiver_session, ack, now_ns))
		return -ESTALE;

	for (i = sender->first_missing; i < ack->first_missing; i++)
		n_arrived += arrive(sender, i, ack->transmission, now_ns);
	for (i = 0; i < ack->bitmap_bytes * 8; i++)
		if (ack_bit(ack, i))
			n_arrived += arrive(sender, ack->first_missing + 1 + i,
					    ack->transmission, now_ns);
	while (sender->first_missing < sender->n_pieces &&
	       sender->pieces[sender->first_missing].state == WIRE_PIECE_ARRIVED)
		sender->first_missing++;
	sender->newest_arrived = max(sender->newest_arrived, ack->transmission);
	adapt_patience(sender, ack);

	if (n_arrived) {
		sender->n_timeouts = 0;
		sender->timeout_from_ns = now_ns;
		grow_window(&sender->path, n_arrived);
	}
	if (sender->first_missing == sender->n_pieces) {
		sender->state = WIRE_SENDER_DONE;
		if (!sender->n_duplicates && sender->path.patience > WIRE_PATIENCE_MIN)
			sender->path.patience--;
		return 0;
	}
	detect_losses(sender, now_ns);
	return 0;
}

/* The newest piece is the best probe: its ack tells of all the others. */
static void probe_newest(struct wire_sender *sender)
{
	struct wire_sent_piece *newest = NULL;
	u32 i;

	for (i = sender->first_missing; i < sender->next_unsent; i++) {
		struct wire_sent_piece *sent = &sender->pieces[i];

		if (sent->state == WIRE_PIECE_UNDER_WAY &&
		    (!newest || sent->transmission > newest->transmission))
			newest = sent;
	}
	if (newest)
		lose(sender, newest);
	sender->probing = true;
}

void wire_sender_probe(struct wire_sender *sender, u64 now_ns)
{
	if (sender->state != WIRE_SENDER_SENDING)
		return;
	probe_newest(sender);
	sender->n_timeouts = 0;
	sender->timeout_from_ns = now_ns;
}

static void lose_all(struct wire_sender *sender)
{
	u32 i;

	for (i = sender->first_missing; i < sender->next_unsent; i++)
		if (sender->pieces[i].state == WIRE_PIECE_UNDER_WAY)
			lose(sender, &sender->pieces[i]);
	sender->path.window = WIRE_WINDOW_PIECES_MIN;
	sender->path.window_credit = 0;
	sender->recovered_at = sender->transmission;
	sender->loss_due_ns = U64_MAX;
}

static void time_out(struct wire_sender *sender, u64 now_ns)
{
	if (sender->n_timeouts == WIRE_TIMEOUTS_MAX) {
		sender->state = WIRE_SENDER_GIVEN_UP;
		return;
	}
	if (sender->n_timeouts++)
		lose_all(sender);
	else
		probe_newest(sender);
	sender->timeout_from_ns = now_ns;
}

void wire_sender_timer(struct wire_sender *sender, u64 now_ns)
{
	if (sender->state != WIRE_SENDER_SENDING)
		return;
	if (sender->loss_due_ns <= now_ns)
		detect_losses(sender, now_ns);
	if (sender->n_under_way &&
	    sender->timeout_from_ns + timeout_ns(sender) <= now_ns)
		time_out(sender, now_ns);
}

u64 wire_sender_deadline(const struct wire_sender *sender)
{
	if (sender->state != WIRE_SENDER_SENDING)
		return U64_MAX;
	/* With nothing under way it is the caller's turn to send. */
	if (!sender->n_under_way)
		return U64_MAX;
	return min(sender->loss_due_ns,
		   sender->timeout_from_ns + timeout_ns(sender));
}
