// SPDX-License-Identifier: GPL-2.0
/* Which pieces of a write reach the medium, and what becomes of each image. */
#include "crash.h"

static u32 count_changes(const struct run *r, const struct wal_write *write,
			 u32 piece_bytes)
{
	const u8 *data = write->data;
	u32 at, n = 0;

	for (at = 0; at < write->bytes; at += piece_bytes)
		n += !!memcmp(r->image + write->position + at, data + at,
			      piece_bytes);
	return n;
}

static u32 choose_piece_bytes(const struct run *r, const struct wal_write *write,
			      bool slot)
{
	if (r->options->caller != CALLER_SOUND)
		return SECTOR_BYTES;
	if (slot)
		return SPLINTER_BYTES;
	/* Its checksums do not depend on sectors. */
	return !(r->n_writes % (r->over_leftovers ? 2 : 8)) &&
			       count_changes(r, write, SPLINTER_BYTES) <= PIECES_MAX ?
		       SPLINTER_BYTES : SECTOR_BYTES;
}

/* What is durable at @position, if a piece of this place is not: else NULL. */
static const u8 *durable_at(const struct cut *cut, u32 position)
{
	u32 i;

	for (i = 0; i < cut->n_pieces; i++)
		if (cut->position[i] == position)
			return cut->before + i * cut->piece_bytes;
	return NULL;
}

static void add_piece(struct run *r, struct cut *cut, u32 position,
		      const u8 *data)
{
	const u8 *durable = durable_at(cut, position);
	u32 n = cut->n_pieces;

	if (!durable && !memcmp(r->image + position, data, cut->piece_bytes))
		return;
	if (n == PIECES_MAX) {
		fail(r, "write of too many pieces");
		return;
	}
	cut->overlaps |= !!durable;
	cut->position[n] = position;
	memcpy(cut->before + n * cut->piece_bytes,
	       durable ?: r->image + position, cut->piece_bytes);
	memcpy(cut->after + n * cut->piece_bytes, data, cut->piece_bytes);
	cut->n_pieces++;
}

void cut_begin(struct run *r, struct cut *cut, const struct wal_write *write,
	       bool slot)
{
	const u8 *data = write->data;
	u32 at;

	if (write->position + write->bytes > r->image_bytes) {
		cut->n_pieces = 0;
		fail(r, "write behind the end, at %llu", write->position);
		return;
	}
	/* A cache that gets too full writes back. */
	if (cut != &r->cut || !r->n_outstanding ||
	    cut->n_pieces + write->bytes / SECTOR_BYTES > PIECES_MAX) {
		cut->n_pieces = 0;
		cut->present = 0;
		cut->overlaps = false;
		cut->piece_bytes = choose_piece_bytes(r, write, slot);
	}
	cut->slot = slot;
	cut->partial = false;
	for (at = 0; at < write->bytes && !r->failed; at += cut->piece_bytes)
		add_piece(r, cut, write->position + at, data + at);
}

u64 cut_all(const struct cut *cut)
{
	return cut->n_pieces ? U64_MAX >> (64 - cut->n_pieces) : 0;
}

bool cut_is_whole(const struct cut *cut)
{
	return !cut->partial && cut->present == cut_all(cut);
}

static void put_pieces(struct run *r, const struct cut *cut, u64 pieces,
		       const u8 *from)
{
	for (; pieces; pieces &= pieces - 1) {
		u32 i = __builtin_ctzll(pieces);

		memcpy(r->image + cut->position[i],
		       from + i * cut->piece_bytes, cut->piece_bytes);
	}
}

/* Just these pieces; copies only what differs from the image before. */
void cut_set(struct run *r, struct cut *cut, u64 pieces)
{
	u64 differ = cut->overlaps ? cut_all(cut) : cut->present ^ pieces;

	put_pieces(r, cut, differ & (cut->overlaps ? differ : ~pieces),
		   cut->before);
	put_pieces(r, cut, differ & pieces, cut->after);
	cut->present = pieces;
}

/* The device never got the others: all that it has are those present. */
void cut_forget_missing(struct cut *cut)
{
	u32 i, n = 0, bytes = cut->piece_bytes;

	for (i = 0; i < cut->n_pieces; i++) {
		if (!(cut->present >> i & 1))
			continue;
		cut->position[n] = cut->position[i];
		memmove(cut->before + n * bytes, cut->before + i * bytes, bytes);
		memmove(cut->after + n * bytes, cut->after + i * bytes, bytes);
		n++;
	}
	cut->partial |= n < cut->n_pieces;
	cut->n_pieces = n;
	cut->present = cut_all(cut);
}

/* One of the subsets, the likely ones more often. */
u64 cut_sample(const struct cut *cut, struct rng *rng)
{
	u64 all = cut_all(cut), bits = rng_next(rng), how = rng_below(rng, 8);
	u32 at;

	if (!cut->n_pieces)
		return 0;
	at = bits % cut->n_pieces;
	switch (how) {
	case 0:
		return 0;
	case 1:
		return all;
	case 2:
		return BIT_ULL(at) - 1;
	case 3:
		return all & ~(BIT_ULL(at) - 1);
	case 4:
		return all & ~BIT_ULL(at);
	default:
		return all & bits;
	}
}

static void next_record(struct run *r, const struct wal_writer *w,
			struct wal_entry *entry, struct rng *rng)
{
	u64 term = max_t(u64, w->hard_state.current_term, 1);
	u32 bytes = rng_below(rng, rng_chance(rng, RNG_ONE / 2) ? 300 : 3000);
	u32 id = write_record(r, w->last_index + 1, term, bytes, rng);

	*entry = (struct wal_entry){
		.index = w->last_index + 1,
		.term = term,
		.session = r->life,
		.sequence = id,
		.data = r->payloads + r->records[id - 1].payload,
		.bytes = bytes,
		.type = id % 5,
	};
}

/* A batch in the place of what was cut, over its leftovers, cut as well. */
static void go_on(struct run *r, struct wal_writer *w, struct rng *rng)
{
	struct wal_hard_state hard_state = w->hard_state;
	struct wal_recovery rec;
	struct wal_batch batch;
	struct wal_entry entry;
	struct wal_write write;
	struct state *before = &r->opened;
	static struct state after;
	u32 i;

	if (r->n_records == RECORDS_MAX)
		return;
	next_record(r, w, &entry, rng);
	hard_state.current_term = max(hard_state.current_term, entry.term);
	if (wal_batch_begin(&batch, w, entry.index) ||
	    wal_batch_reserve(&batch, entry.bytes) ||
	    wal_batch_seal(&batch, &hard_state, r->staging) ||
	    wal_batch_add(&batch, &entry) ||
	    wal_batch_finish(&batch, &write)) {
		r->n_records--;
		return;
	}
	after = *before;
	after.hard_state = hard_state;
	after.last_index = entry.index;
	after.records[entry.index] = entry.sequence;
	cut_begin(r, &r->cut_next, &write, false);
	for (i = 0; i < 4 && !r->failed; i++) {
		u64 pieces = i ? cut_sample(&r->cut_next, rng) :
				 cut_all(&r->cut_next);

		cut_set(r, &r->cut_next, pieces);
		recover_check(r, &rec, before, &after, &r->cut_next);
		r->counters->continued++;
	}
	if (r->failed)
		return;
	cut_set(r, &r->cut_next, 0);
	r->n_records--;
}

/* Then a slot is due: cut that, too; whatever comes of it holds the same. */
static void reopen(struct run *r, const struct wal_recovery *rec,
		   struct rng *rng)
{
	u8 buf[WAL_SLOT_WRITE_BYTES];
	struct wal_hard_state hard_state = rec->hard_state;
	struct wal_recovery again;
	struct wal_write write;
	struct wal_writer w;
	u32 i;

	r->opened = r->found;
	wal_writer_init(&w, rec);
	if (wal_slot_encode(&w, &hard_state, buf, &write)) {
		fail(r, "the slot that is due is refused");
		return;
	}
	cut_begin(r, &r->cut_open, &write, true);
	for (i = 0; i < 3 && !r->failed; i++) {
		u64 pieces = i == 2 ? cut_all(&r->cut_open) :
			     i ? cut_sample(&r->cut_open, rng) : 0;

		cut_set(r, &r->cut_open, pieces);
		recover_check(r, &again, &r->opened, &r->opened, &r->cut_open);
		r->counters->reopened++;
	}
	wal_slot_done(&w, &hard_state);
	if (!r->failed && rng_chance(rng, RNG_ONE / 4))
		go_on(r, &w, rng);
	if (!r->failed)
		cut_set(r, &r->cut_open, 0);
}

/* Of two copies one goes bad, whichever: the other one will do. */
void copies_check(struct run *r, const struct wal_write *write)
{
	static u8 block[WAL_SLOT_COPY_BYTES];
	struct wal_recovery rec;
	u32 at;

	for (at = 0; at < write->bytes && !r->failed; at += sizeof(block)) {
		u8 *copy = r->image + write->position + at;

		memcpy(block, copy, sizeof(block));
		memset(copy, 0x5a, sizeof(block));
		recover_check(r, &rec, &r->acknowledged, &r->acknowledged,
			      &r->cut);
		memcpy(copy, block, sizeof(block));
		r->counters->bad_copies++;
	}
}

static void check_image(struct run *r, u64 pieces)
{
	struct rng rng;

	if (r->failed || run_enough(r))
		return;
	/* By itself, so that it is the same when it is the only one. */
	rng_seed(&rng, r->seed ^ r->n_writes << 32, pieces);
	cut_set(r, &r->cut, pieces);
	if (recover_check(r, &r->rec, &r->acknowledged, &r->intended, &r->cut) &&
	    !r->formatting && !r->replacing && rng_chance(&rng, RNG_ONE / 16))
		reopen(r, &r->rec, &rng);
}

static void check_sample(struct run *r)
{
	u64 all = cut_all(&r->cut);
	u32 i;

	check_image(r, 0);
	check_image(r, all);
	for (i = 0; i < r->cut.n_pieces; i++) {
		check_image(r, BIT_ULL(i));
		check_image(r, all & ~BIT_ULL(i));
		check_image(r, BIT_ULL(i) - 1);
		check_image(r, all & ~(BIT_ULL(i) - 1));
	}
	for (i = 0; i < 32; i++)
		check_image(r, all & rng_next(&r->sampler));
}

/* Every image that a cut of r->cut can leave, or many of them. */
void cut_check(struct run *r, bool batch)
{
	const struct options *options = r->options;
	u64 pieces;

	if (r->failed)
		return;
	if (options->write != U64_MAX && r->n_writes != options->write)
		return;
	r->counters->writes++;
	r->counters->boundaries += r->cut.n_pieces + 1;
	rng_seed(&r->sampler, r->seed, r->n_writes);
	if (options->pieces != U64_MAX) {
		check_image(r, options->pieces & cut_all(&r->cut));
	} else if (r->cut.n_pieces <= EXHAUSTIVE_PIECES_MAX) {
		r->counters->exhaustive++;
		for (pieces = 0; pieces <= cut_all(&r->cut); pieces++)
			check_image(r, pieces);
	} else {
		r->counters->sampled++;
		check_sample(r);
	}
	if (batch && r->cut.n_pieces > 1)
		r->counters->torn_batches++;
	if (batch && r->cut.piece_bytes == SPLINTER_BYTES)
		r->counters->splintered++;
}
