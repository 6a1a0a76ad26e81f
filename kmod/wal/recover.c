// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery: from the newest slot along the chain of batches to the tail.
 *
 *	SLOTS		read both, all copies; the newest good one says where the
 *			log begins
 *	END		nothing of a log that went on behind a newer slot?
 *	LAP		does the log go on in the next lap, and from where?
 *	BATCH		read, check and hand out batch after batch, until none
 *			of this chain comes next
 *	SCAN		is there anything behind a bad batch that was written later?
 *	LOST		if so, or if a slot was: where does all of it end?
 *	TAIL		where blocks could not be read: not the next batch?
 *
 * What may be cut. Writes are made one at a time, so that only the newest can
 * be torn, and it was not acknowledged. A place where the chain ends is the end
 * of the log if it can be that write: it is not before the tail the newest slot
 * names, since that slot was written later; and no batch lies behind it with the
 * sequence of the newest slot, since that would have been written later. Any
 * other bad place is damage, and nothing is cut.
 *
 * What becomes of damage. The log ends before the first damaged batch, which is a
 * state it was in before, and everything from there to the end of the last good
 * batch is a gap. Good batches in the gap are not used: the damaged one may have
 * replaced entries in front of it. But the newest of them, or the newest slot, is
 * the newest write, so that the hard state is known, and where the log ended
 * (@lost). A server that votes by the end it had, and not by the one it has left,
 * takes part in elections like one without damage; entries come again from the
 * leader. See protocol-aware recovery (FAST '18). The end it had is the one after
 * the last write: what the log ended with before that counts no more for a server
 * without damage either, and may be what no leader ever has again.
 *
 * A slot has room for a few gaps. If it has no more, the newest gap takes in the
 * one before it, and the good batches between the two: of all gaps that could be
 * made one this costs least, since whatever is behind an entry that is lost is lost
 * with it. Which gap it will be must be known before an entry behind it is handed
 * out. So a log with that many gaps is read twice, the first time in silence.
 *
 * Why leftovers do no harm. The pieces of a torn batch stay on disk until they
 * are overwritten. Only its first block can parse as a batch, and that carries
 * the sequence of the slot that was newest then. A WAL that is opened gets a new
 * slot before its next batch, whose tail is where the torn batch was cut. Thus
 * a leftover is behind the newest slot's tail with an older sequence, and is
 * taken neither for the next batch nor for a later one, whatever has been
 * written to part of it since. Batches of earlier laps know other offsets.
 *
 * What cannot be told: whether the very last batch was torn or was acknowledged
 * and has rotted. A WAL that was stopped in order leaves no such batch, nor does one
 * that was opened and is in use: see wal_slot_stale(). Of a slot either copy will do;
 * whatever is written after it shows if both are missing. What cannot be read where
 * the last batch may be is not said to be torn: its hard state would be the newest.
 */
#include "codec.h"

enum recovery_state {
	RECOVERY_SLOTS,
	RECOVERY_END,
	RECOVERY_LAP,
	RECOVERY_BATCH,
	RECOVERY_ENTRY,
	RECOVERY_SCAN,
	RECOVERY_LOST,
	RECOVERY_TAIL,
	RECOVERY_DONE,
};

/* What the functions here return beside errors and 0, which is: go on. */
enum {
	STEP = 1, /* the caller's turn: the step is filled in */
	NO_BATCH = 2, /* no batch that was written since the newest slot */
};

int wal_recovery_init(struct wal_recovery *rec,
		      const struct wal_superblock *super, u64 file_bytes,
		      u32 block_bytes, struct wal_map *map, void *buf,
		      u32 buf_bytes)
{
	if (block_bytes > super->block_bytes ||
	    buf_bytes <
		    min_t(u64, WAL_RECOVERY_BUFFER_BYTES, super->area_bytes))
		return -EINVAL;

	*rec = (struct wal_recovery){
		.super = *super,
		.map = map,
		.buf = buf,
		.buf_bytes = round_down(buf_bytes, super->block_bytes),
		.seed = wal_seed(super),
	};
	if (file_bytes < WAL_AREA_POSITION ||
	    file_bytes - WAL_AREA_POSITION < super->area_bytes) {
		rec->damage.reason = "file is shorter than it was";
		return -EUCLEAN;
	}
	return 0;
}

static int damaged(struct wal_recovery *rec, u64 offset, const char *reason)
{
	rec->damage.offset = offset;
	rec->damage.position = wal_position(&rec->super, offset);
	rec->damage.reason = reason;
	return -EUCLEAN;
}

void wal_recovery_unreadable(struct wal_recovery *rec)
{
	rec->unreadable = true;
	rec->read_lost = true;
}

static int slots_damaged(struct wal_recovery *rec, const char *reason)
{
	rec->damage.offset = U64_MAX;
	rec->damage.position = WAL_SLOT_POSITION_0;
	rec->damage.reason = reason;
	return -EUCLEAN;
}

static u64 log_end(const struct wal_recovery *rec)
{
	return rec->slot.head.offset + rec->super.area_bytes;
}

/* No batch ends behind this: see WAL_SLOT_INTERVAL_BYTES. */
static u64 scan_end(const struct wal_recovery *rec)
{
	return min(log_end(rec),
		   rec->slot.tail_offset + WAL_SLOT_INTERVAL_BYTES);
}

static void ask(struct wal_recovery *rec, u64 position, u32 at, u32 bytes,
		struct wal_step *step)
{
	rec->asked_bytes = bytes;
	rec->read_lost = false;
	*step = (struct wal_step){
		.type = WAL_STEP_READ,
		.position = position,
		.data = rec->buf + at,
		.bytes = bytes,
	};
}

/* Beside the window. Returns false before and true after the read. */
static bool ask_beside(struct wal_recovery *rec, u64 position, u32 bytes,
		       struct wal_step *step)
{
	if (rec->asked_bytes) {
		rec->asked_bytes = 0;
		return true;
	}
	ask(rec, position, 0, bytes, step);
	return false;
}

/*
 * The bytes at [offset, offset + bytes), which are in one lap, or NULL if they
 * must be read first. What is in the window already is kept, the rest is read
 * in large pieces.
 */
static const u8 *window(struct wal_recovery *rec, u64 offset, u32 bytes,
			struct wal_step *step)
{
	u64 lap_end = wal_lap_end(&rec->super, offset);
	u32 kept = 0;
	u64 more;

	rec->window_bytes += rec->asked_bytes;
	rec->asked_bytes = 0;
	if (offset >= rec->window && offset - rec->window <= rec->window_bytes)
		kept = rec->window_bytes - (offset - rec->window);
	if (kept >= bytes)
		return rec->buf + (offset - rec->window);

	if (kept)
		memmove(rec->buf, rec->buf + (offset - rec->window), kept);
	rec->window = offset;
	rec->window_bytes = kept;
	more = min_t(u64, lap_end - offset - kept,
		     max_t(u32, bytes - kept, WAL_RECOVERY_READ_BYTES));
	ask(rec, wal_position(&rec->super, offset + kept), kept,
	    min_t(u64, more, rec->buf_bytes - kept), step);
	return NULL;
}

/* To the head, as the newest slot has it. */
static void begin_log(struct wal_recovery *rec)
{
	const struct wal_head *head = &rec->slot.head;

	rec->hard_state = (struct wal_hard_state){ 0 };
	rec->lost = rec->slot.lost;
	rec->damage = (struct wal_damage){ 0 };
	rec->tail = head->offset;
	rec->next = head->offset;
	rec->number = head->number;
	rec->last_index = head->prev_index;
	rec->last_term = head->prev_term;
	rec->batch_sequence = 0;
	rec->tail_seen = false;
	rec->torn_bytes = 0;
	rec->window = head->offset;
	rec->window_bytes = 0;
	rec->state = RECOVERY_END;
}

/*
 * Both places were read: which slot is the newer?
 *
 * The older one may say more: pieces of two writes to its place that were cut can make
 * the first of them whole, long after the log went on from another one of the same
 * number. What it says was never durable when the newer one was written, and nobody was
 * told of it.
 */
static int choose_slot(struct wal_recovery *rec)
{
	const struct wal_slot *a = &rec->slots[0], *b = &rec->slots[1];

	if (rec->slot_good[0] && rec->slot_good[1]) {
		if (b->sequence > a->sequence)
			swap(a, b);
		/* Or what made it one more is the copy that is not good. */
		if (!rec->slot_torn && a->sequence != b->sequence + 1)
			return slots_damaged(rec, "slots do not agree");
	} else if (rec->slot_good[1]) {
		a = b;
	} else if (!rec->slot_good[0]) {
		return slots_damaged(rec, "both slots are bad");
	}
	/* No torn write brings it there; what was in its place may be the newest. */
	if (rec->stray_sequence > a->sequence ||
	    (rec->stray_sequence && !(rec->slot_good[0] && rec->slot_good[1])))
		return slots_damaged(rec, "a slot is in the place of another");

	rec->slot = *a;
	rec->rehearsal = a->gaps[WAL_GAPS_MAX - 1].to;
	begin_log(rec);
	return 0;
}

/* What it points to is in the buffer, for the next read to fill. */
static void take_slot(struct wal_recovery *rec, u32 place,
		      const struct wal_slot *slot)
{
	rec->slots[place] = *slot;
	memcpy(rec->configurations[place], slot->configuration.data,
	       slot->configuration.bytes);
	rec->slots[place].configuration.data = rec->configurations[place];
}

static int slot_step(struct wal_recovery *rec, struct wal_step *step)
{
	u32 place = rec->n_slot_copies / WAL_SLOT_COPIES;
	u32 copy = rec->n_slot_copies % WAL_SLOT_COPIES;
	u64 position = wal_slot_position(place + 1);
	struct wal_slot *newest = &rec->slots[place], slot;

	if (!ask_beside(rec, position + copy * WAL_SLOT_COPY_BYTES,
			WAL_SLOT_COPY_BYTES, step))
		return STEP;
	if (wal_slot_get(&rec->super, rec->buf, &slot)) {
		rec->slot_torn = true;
	} else if (wal_slot_position(slot.sequence) != position) {
		rec->slot_torn = true;
		rec->stray_sequence = max(rec->stray_sequence, slot.sequence);
	} else if (!rec->slot_good[place]) {
		rec->slot_good[place] = true;
		take_slot(rec, place, &slot);
	} else if (slot.sequence != newest->sequence) {
		rec->slot_torn = true;
		if (slot.sequence > newest->sequence)
			take_slot(rec, place, &slot);
	}
	rec->n_slot_copies++;
	return rec->n_slot_copies == 2 * WAL_SLOT_COPIES ? choose_slot(rec) : 0;
}

/*
 * Decode the header at @offset, if it was written along with the newest slot
 * (behind the tail it names) or before (in front of it).
 */
static int place_get(struct wal_recovery *rec, u64 offset, const u8 *buf,
		     struct wal_batch_info *info)
{
	int ret = wal_batch_get(&rec->super, rec->seed, offset, buf, info);

	if (ret == -EPROTONOSUPPORT) {
		damaged(rec, offset, "batch of another version");
		return ret;
	}
	if (ret)
		return NO_BATCH;
	if (info->slot_sequence > rec->slot.sequence)
		return damaged(rec, offset, "a slot was lost");
	if (offset >= rec->slot.tail_offset &&
	    info->slot_sequence != rec->slot.sequence)
		return NO_BATCH;
	return 0;
}

/*
 * Where the ring comes back to the head this log has nothing. But a newer slot may have
 * moved the head, and the first batch behind it have come here: the only place that is
 * not read anyway.
 */
static int end_step(struct wal_recovery *rec, struct wal_step *step)
{
	u64 end = log_end(rec);
	struct wal_batch_info info;
	int ret;

	if (!ask_beside(rec, wal_position(&rec->super, end),
			rec->super.block_bytes, step))
		return STEP;
	ret = place_get(rec, end, rec->buf, &info);
	if (ret < 0)
		return ret;
	rec->state = RECOVERY_LAP;
	return 0;
}

/*
 * The position of the first batch of the next lap is known without the chain,
 * and it knows where the lap before it ended. What lies at the skipped place
 * may be the leftover of a torn batch: it must not be looked at.
 */
static int lap_step(struct wal_recovery *rec, struct wal_step *step)
{
	u64 lap = wal_lap_end(&rec->super, rec->slot.head.offset);
	struct wal_batch_info info;
	int ret;

	if (lap < log_end(rec)) {
		if (!ask_beside(rec, wal_position(&rec->super, lap),
				rec->super.block_bytes, step))
			return STEP;
		ret = place_get(rec, lap, rec->buf, &info);
		if (ret < 0)
			return ret;
		if (!ret && info.prev_end >= rec->slot.head.offset) {
			rec->skip_from = info.prev_end;
			rec->skip_to = lap;
		}
	}
	rec->state = RECOVERY_BATCH;
	return 0;
}

/* Past gaps; where the newest slot was written the log must be as it says. */
static int check_tail(struct wal_recovery *rec)
{
	const struct wal_slot *slot = &rec->slot;
	u32 i;

	for (i = 0; i < WAL_GAPS_MAX && slot->gaps[i].to; i++) {
		if (rec->tail == slot->gaps[i].from) {
			rec->tail = slot->gaps[i].to;
			rec->number = slot->gaps[i].number;
		}
	}
	if (rec->tail_seen || rec->tail < slot->tail_offset)
		return 0;
	rec->tail_seen = true;
	if (rec->tail != slot->tail_offset ||
	    rec->number != slot->tail_number ||
	    rec->last_index != slot->last_index ||
	    rec->last_term != slot->last_term ||
	    !wal_hard_state_follows(&rec->hard_state, &slot->hard_state))
		return damaged(rec, rec->tail, "slot and log do not agree");
	rec->hard_state = slot->hard_state;
	return 0;
}

/*
 * The head may be within a batch: entries up to prev_index are gone, and what
 * was before the first batch is not known.
 */
static bool entries_continue(const struct wal_recovery *rec,
			     const struct wal_batch_info *info)
{
	if (info->first_index > rec->last_index + 1)
		return false;
	if (info->first_index <= rec->slot.head.prev_index)
		return !rec->tail_seen;
	/* What the first batch replaced when it was written may be gone, too. */
	if (info->first_index <= rec->last_index ||
	    (rec->next == rec->slot.head.offset && !info->prev_log_term))
		return !info->prev_log_term;
	return info->prev_log_term == rec->last_term;
}

/* A batch that parses and is not a leftover must continue the chain. */
static bool batch_continues(const struct wal_recovery *rec,
			    const struct wal_batch_info *info)
{
	u64 end = rec->tail_seen ? scan_end(rec) : rec->slot.tail_offset;
	bool first = rec->next == rec->slot.head.offset;

	return info->number == rec->number &&
	       (info->prev_end == rec->tail || first) && end > rec->next &&
	       info->length <= end - rec->next &&
	       info->slot_sequence >= rec->batch_sequence &&
	       entries_continue(rec, info) &&
	       wal_hard_state_follows(&rec->hard_state, &info->hard_state);
}

/* Behind damage: this is where the log ended after a later write. */
static void note_end(struct wal_recovery *rec, u64 last_index, u64 last_term)
{
	rec->damage.last_index = max(rec->damage.last_index, last_index);
	rec->end = (struct wal_lost){ last_index, last_term };
	if (wal_lost_is_made_up(&rec->lost, last_index, last_term))
		rec->lost = (struct wal_lost){ 0 };
}

/* Not where, but not behind this. */
static void note_end_bound(struct wal_recovery *rec, u64 last_index,
			   u64 last_term)
{
	rec->damage.last_index = max(rec->damage.last_index, last_index);
	if (wal_lost_is_made_up(&rec->end, last_index, last_term))
		rec->end = (struct wal_lost){ last_index, last_term };
}

/* Damage at rec->next. Everything is lost up to @to at least. */
static int begin_gap(struct wal_recovery *rec, u64 to, const char *reason)
{
	struct wal_gap *gaps = rec->slot.gaps;
	u64 from = rec->tail;
	u32 i;

	/* It swallows those behind it, and goes on with one that ends here. */
	for (i = 0; i < WAL_GAPS_MAX && gaps[i].to; i++)
		if (gaps[i].from >= from)
			break;
	if (i && gaps[i - 1].to == from)
		from = gaps[--i].from;
	damaged(rec, rec->next, reason);
	if (rec->rehearsal) {
		rec->merged = i == WAL_GAPS_MAX;
		rec->rehearsal = false;
		begin_log(rec);
		return 0;
	}
	/* It could be read the first time. */
	if (i == WAL_GAPS_MAX)
		return -EUCLEAN;
	memset(&gaps[i], 0, (WAL_GAPS_MAX - i) * sizeof(*gaps));
	gaps[i].from = from;
	rec->n_gaps = i + 1;
	rec->damage.first_index = rec->last_index + 1;
	rec->end = (struct wal_lost){ rec->last_index, rec->last_term };
	rec->torn_bytes = 0;
	rec->tail = to;
	rec->scan = to;
	rec->state = RECOVERY_LOST;
	return 0;
}

/* No batch of the chain at rec->next: is that the end of the log? */
static int chain_ends(struct wal_recovery *rec, u64 scan_from)
{
	const struct wal_slot *slot = &rec->slot;
	int ret;

	if (!rec->tail_seen) {
		rec->number = slot->tail_number;
		rec->hard_state = slot->hard_state;
		rec->tail_seen = true;
		ret = begin_gap(rec, slot->tail_offset, "bad batch in the log");
		if (rec->state == RECOVERY_LOST)
			note_end(rec, slot->last_index, slot->last_term);
		return ret;
	}
	rec->scan = scan_from;
	rec->state = RECOVERY_SCAN;
	return 0;
}

static int batch_step(struct wal_recovery *rec, struct wal_step *step)
{
	struct wal_batch_info *info = &rec->batch;
	const u8 *buf;
	int ret;

	if (rec->merged &&
	    rec->tail == rec->slot.gaps[WAL_GAPS_MAX - 1].from) {
		rec->next = rec->tail;
		return chain_ends(rec, rec->next);
	}
	ret = check_tail(rec);
	if (ret)
		return ret;
	rec->next = rec->skip_to && rec->tail == rec->skip_from ? rec->skip_to :
								  rec->tail;
	if (rec->next >= scan_end(rec))
		return chain_ends(rec, rec->next);

	buf = window(rec, rec->next, rec->super.block_bytes, step);
	if (!buf)
		return STEP;
	ret = place_get(rec, rec->next, buf, info);
	if (ret < 0)
		return ret;
	if (ret)
		return chain_ends(rec, rec->next + rec->super.block_bytes);
	if (!batch_continues(rec, info))
		return rec->tail_seen ?
			       damaged(rec, rec->next,
				       "batch does not continue the log") :
			       chain_ends(rec, rec->next);

	buf = window(rec, rec->next, info->length, step);
	if (!buf)
		return STEP;
	if (wal_batch_verify(info, buf, &rec->batch_last_term)) {
		rec->torn_bytes = info->length;
		return chain_ends(rec, rec->next + info->length);
	}
	rec->n_yielded = 0;
	rec->state = RECOVERY_ENTRY;
	return 0;
}

static void batch_accept(struct wal_recovery *rec)
{
	const struct wal_batch_info *info = &rec->batch;

	rec->hard_state = info->hard_state;
	rec->tail = rec->next + info->length;
	rec->number++;
	rec->batch_sequence = info->slot_sequence;
	rec->last_index = info->first_index + info->n_entries - 1;
	rec->last_term = rec->batch_last_term;
	/* Of what the newest slot knew to be lost. */
	if (rec->tail_seen &&
	    wal_lost_is_made_up(&rec->lost, rec->last_index, rec->last_term))
		rec->lost = (struct wal_lost){ 0 };
	if (rec->map && !rec->rehearsal)
		wal_map_insert(rec->map, info);
	rec->state = RECOVERY_BATCH;
}

static int entry_step(struct wal_recovery *rec, struct wal_step *step)
{
	const struct wal_batch_info *info = &rec->batch;
	const u8 *buf = rec->buf + (rec->next - rec->window);
	u32 payload_offset, payload_crc, i = rec->n_yielded;
	int ret;

	if (i == info->n_entries) {
		batch_accept(rec);
		return 0;
	}
	rec->n_yielded++;
	if (rec->rehearsal ||
	    info->first_index + i <= rec->slot.head.prev_index)
		return 0;
	*step = (struct wal_step){ .type = WAL_STEP_ENTRY };
	ret = wal_entry_get(info, i, buf + wal_entry_header_offset(i),
			    &step->entry, &payload_offset, &payload_crc);
	if (ret)
		return ret;
	step->entry.data = buf + payload_offset;
	rec->n_entries++;
	return STEP;
}

/*
 * It was stopped in order, and there was nothing behind what is left of it. Unless a slot
 * is missing, which may be a newer one: it was in use again.
 */
static bool is_sealed(const struct wal_recovery *rec)
{
	return rec->slot.sealed && rec->slot_good[0] && rec->slot_good[1] &&
	       rec->tail == rec->slot.tail_offset;
}

static int finish(struct wal_recovery *rec)
{
	if (rec->rehearsal) {
		rec->rehearsal = false;
		begin_log(rec);
		return 0;
	}
	if (rec->n_gaps &&
	    wal_lost_is_made_up(&rec->lost, rec->end.index, rec->end.term))
		rec->lost = rec->end;
	if (wal_lost_is_made_up(&rec->lost, rec->last_index, rec->last_term))
		rec->lost = (struct wal_lost){ 0 };
	rec->scan = rec->torn_bytes ? rec->next : rec->tail;
	rec->state = rec->unreadable && !is_sealed(rec) ? RECOVERY_TAIL :
							  RECOVERY_DONE;
	return 0;
}

static int scan_step(struct wal_recovery *rec, struct wal_step *step)
{
	const u32 block_bytes = rec->super.block_bytes;
	struct wal_batch_info info;
	const u8 *buf;
	int ret;

	for (; rec->scan < scan_end(rec); rec->scan += block_bytes) {
		buf = window(rec, rec->scan, block_bytes, step);
		if (!buf)
			return STEP;
		ret = place_get(rec, rec->scan, buf, &info);
		if (ret < 0)
			return ret;
		/* It proves that the bad one was durable. */
		if (!ret)
			return begin_gap(rec, rec->scan,
					 "bad batch in front of a good one");
	}
	return finish(rec);
}

/*
 * A batch behind the damage: all before it was durable. If it is bad itself it may
 * be damaged or torn. One that appends tells where the log ended before it, as for
 * any last batch that is bad. One that replaces does not: it may have made the log
 * shorter, and so its own end must do, in the newest term it can have.
 */
static void lost_batch(struct wal_recovery *rec, bool whole, u64 last_term)
{
	const struct wal_batch_info *info = &rec->batch;
	u64 last_index = info->first_index + info->n_entries - 1;

	rec->tail = info->offset;
	rec->number = info->number;
	rec->hard_state = info->hard_state;
	if (whole) {
		rec->tail += info->length;
		rec->number++;
		note_end(rec, last_index, last_term);
	} else if (info->prev_log_term) {
		note_end(rec, info->first_index - 1, info->prev_log_term);
	} else {
		note_end_bound(rec, last_index, info->hard_state.current_term);
	}
}

/* Where does what lies behind the damage end? */
static int lost_step(struct wal_recovery *rec, struct wal_step *step)
{
	struct wal_gap *gap = &rec->slot.gaps[rec->n_gaps - 1];
	struct wal_batch_info *info = &rec->batch;
	u64 end = scan_end(rec), last_term = 0;
	const u8 *buf;
	bool whole;
	int ret;

	while (rec->scan < end) {
		buf = window(rec, rec->scan, rec->super.block_bytes, step);
		if (!buf)
			return STEP;
		ret = place_get(rec, rec->scan, buf, info);
		if (ret < 0)
			return ret;
		if (ret || info->length > end - rec->scan) {
			rec->scan += rec->super.block_bytes;
			continue;
		}
		buf = window(rec, rec->scan, info->length, step);
		if (!buf)
			return STEP;
		whole = !wal_batch_verify(info, buf, &last_term);
		lost_batch(rec, whole, last_term);
		rec->scan += whole ? info->length : rec->super.block_bytes;
	}
	gap->to = rec->tail;
	gap->number = rec->number;
	return finish(rec);
}

/*
 * The next batch begins at the tail, or skips the rest of the lap. If either place cannot
 * be read, it may be there, and durable.
 */
static int tail_step(struct wal_recovery *rec, struct wal_step *step)
{
	u64 lap = wal_lap_end(&rec->super, rec->tail);
	u64 end = min(log_end(rec), rec->tail + WAL_BATCH_BYTES_MAX);
	u64 bytes = max_t(u64, rec->torn_bytes, rec->super.block_bytes);

	if (rec->scan < end) {
		if (!ask_beside(rec, wal_position(&rec->super, rec->scan),
				bytes, step))
			return STEP;
		if (rec->read_lost)
			return damaged(rec, rec->scan,
				       "what may be the last batch cannot be read");
		if (rec->scan < lap && !rec->torn_bytes) {
			rec->scan = lap;
			return 0;
		}
	}
	rec->state = RECOVERY_DONE;
	return 0;
}

static int recovery_step(struct wal_recovery *rec, struct wal_step *step)
{
	switch (rec->state) {
	case RECOVERY_SLOTS:
		return slot_step(rec, step);
	case RECOVERY_END:
		return end_step(rec, step);
	case RECOVERY_LAP:
		return lap_step(rec, step);
	case RECOVERY_BATCH:
		return batch_step(rec, step);
	case RECOVERY_ENTRY:
		return entry_step(rec, step);
	case RECOVERY_SCAN:
		return scan_step(rec, step);
	case RECOVERY_LOST:
		return lost_step(rec, step);
	case RECOVERY_TAIL:
		return tail_step(rec, step);
	default:
		*step = (struct wal_step){ .type = WAL_STEP_DONE };
		return STEP;
	}
}

int wal_recovery_next(struct wal_recovery *rec, struct wal_step *step)
{
	int ret;

	if (rec->error)
		return rec->error;
	do
		ret = recovery_step(rec, step);
	while (!ret);
	if (ret > 0)
		return 0;
	rec->error = ret;
	return ret;
}
