// SPDX-License-Identifier: GPL-2.0
/* Writer: where the next slot or batch goes, what is in it, and how much fits. */
#include "codec.h"

/*
 * A gap that the log begins with is not worth its room: what was lost may need it
 * to come again. The log begins where the gap ends, with the same entry. The slot
 * that says so is written before any batch.
 */
static void pass_first_gap(struct wal_writer *w)
{
	const struct wal_gap *gap = &w->gaps[0];

	if (gap->to && gap->from == w->head.offset) {
		w->head.offset = gap->to;
		w->head.number = gap->number;
	}
	w->new_head = w->head;
}

void wal_writer_init(struct wal_writer *w, const struct wal_recovery *rec)
{
	*w = (struct wal_writer){
		.super = rec->super,
		.hard_state = rec->hard_state,
		.head = rec->slot.head,
		.tail = rec->tail,
		.number = rec->number,
		.slot_sequence = rec->slot.sequence,
		.slot_tail = WAL_SLOT_TAIL_NONE,
		.slot_stale = !rec->damage.reason &&
			      (rec->slot_torn ||
			       rec->tail != rec->slot.tail_offset),
		.last_index = rec->last_index,
		.last_term = rec->last_term,
		.lost = rec->lost,
		.seed = wal_seed(&rec->super),
	};
	memcpy(w->gaps, rec->slot.gaps, sizeof(w->gaps));
	wal_configuration_set(w, &rec->slot.configuration);
	pass_first_gap(w);
}

static u64 area_end(const struct wal_writer *w)
{
	return w->head.offset + w->super.area_bytes;
}

/* Bytes of a batch of one entry. */
static u32 batch_bytes(const struct wal_writer *w, u32 bytes)
{
	return round_up(WAL_BATCH_HEADER_BYTES + WAL_ENTRY_HEADER_BYTES +
				round_up(bytes, (u32)WAL_PAYLOAD_ALIGN),
			w->super.block_bytes);
}

/*
 * What is skipped is less than the batch that did not fit there. Either that is the
 * largest there can be; or it is one of those that fill half of the room; or they all
 * fit in front of the end of the lap.
 */
u64 wal_space_bytes(const struct wal_writer *w)
{
	u64 room = area_end(w) - w->tail;
	u64 left = wal_lap_end(&w->super, w->tail) - w->tail;
	u64 skip_bytes =
		min_t(u64, left, batch_bytes(w, WAL_ENTRY_BYTES_MAX));

	if (left >= room)
		return room;
	return max(max(left, room - skip_bytes), room / 2);
}

u64 wal_gap_bytes(const struct wal_writer *w)
{
	u64 bytes = 0;
	u32 i;

	for (i = 0; i < WAL_GAPS_MAX; i++)
		if (w->gaps[i].to > w->head.offset)
			bytes += w->gaps[i].to - w->gaps[i].from;
	return bytes;
}

u32 wal_entry_overhead_bytes(u32 block_bytes)
{
	return WAL_BATCH_HEADER_BYTES + WAL_ENTRY_HEADER_BYTES +
	       WAL_PAYLOAD_ALIGN + block_bytes;
}

bool wal_slot_due(const struct wal_writer *w)
{
	/* A skip and a batch may come before the next chance to write one. */
	return w->slot_tail == WAL_SLOT_TAIL_NONE ||
	       w->tail - w->slot_tail >
		       WAL_SLOT_INTERVAL_BYTES - 2 * WAL_BATCH_BYTES_MAX;
}

bool wal_seal(struct wal_writer *w)
{
	w->sealed = true;
	return w->slot_tail != WAL_SLOT_TAIL_NONE;
}

bool wal_slot_behind(const struct wal_writer *w)
{
	return w->slot_tail != WAL_SLOT_TAIL_NONE && w->tail != w->slot_tail;
}

bool wal_slot_stale(const struct wal_writer *w)
{
	return w->slot_stale;
}

/* Those that the new head has not passed. */
static void slot_gaps(const struct wal_writer *w, struct wal_gap *gaps)
{
	u32 i, n = 0;

	for (i = 0; i < WAL_GAPS_MAX; i++)
		if (w->gaps[i].to > w->new_head.offset)
			gaps[n++] = w->gaps[i];
}

int wal_slot_encode(const struct wal_writer *w,
		    const struct wal_hard_state *hard_state, void *buf,
		    struct wal_write *write)
{
	struct wal_slot slot = {
		.sequence = w->slot_sequence + 1,
		.hard_state = *hard_state,
		.sealed = w->sealed,
		.head = w->new_head,
		.tail_offset = w->tail,
		.tail_number = w->number,
		.last_index = w->last_index,
		.last_term = w->last_term,
		.lost = w->lost,
		.configuration = w->configuration,
	};

	if (!wal_hard_state_follows(&w->hard_state, hard_state))
		return -EINVAL;
	slot_gaps(w, slot.gaps);

	wal_slot_put(&w->super, &slot, buf);
	write->position = wal_slot_position(slot.sequence);
	write->data = buf;
	write->bytes = WAL_SLOT_WRITE_BYTES;
	return 0;
}

void wal_slot_done(struct wal_writer *w,
		   const struct wal_hard_state *hard_state)
{
	w->hard_state = *hard_state;
	w->head = w->new_head;
	w->slot_sequence++;
	w->slot_tail = w->tail;
	w->slot_stale = false;
}

int wal_batch_begin(struct wal_batch *batch, const struct wal_writer *w,
		    u64 first_index)
{
	if (wal_slot_due(w) || w->sealed || first_index <= w->new_head.prev_index ||
	    first_index > w->last_index + 1)
		return -EINVAL;

	*batch = (struct wal_batch){
		.w = w,
		.bytes = WAL_BATCH_HEADER_BYTES,
		.info = {
			.offset = w->tail,
			.prev_end = w->tail,
			.number = w->number,
			.slot_sequence = w->slot_sequence,
			.first_index = first_index,
			.prev_log_term = first_index > w->last_index ?
						 w->last_term : 0,
		},
	};
	return 0;
}

/* Where a batch of @bytes goes; a skip is for the first entry to decide. */
static int batch_place(struct wal_batch *batch, u32 bytes)
{
	const struct wal_writer *w = batch->w;
	u64 lap_end = wal_lap_end(&w->super, w->tail);
	u64 end = area_end(w);

	if (bytes > lap_end - w->tail && lap_end < end)
		batch->info.offset = lap_end;
	return bytes > end - batch->info.offset ? -ENOSPC : 0;
}

int wal_batch_reserve(struct wal_batch *batch, u32 bytes)
{
	const struct wal_writer *w = batch->w;
	u64 offset = batch->info.offset;
	u32 total, length;
	u64 room;
	int ret;

	if (bytes > WAL_ENTRY_BYTES_MAX || batch->buf)
		return -EINVAL;
	total = batch->bytes + WAL_ENTRY_HEADER_BYTES +
		round_up(bytes, (u32)WAL_PAYLOAD_ALIGN);
	length = round_up(total, w->super.block_bytes);

	if (!batch->info.n_entries) {
		ret = batch_place(batch, length);
		if (ret)
			return ret;
	} else {
		room = min(wal_lap_end(&w->super, offset), area_end(w)) -
		       offset;
		if (length > min_t(u64, room, WAL_BATCH_BYTES_MAX) ||
		    RAFTLOG_FAILPOINT(WAL_BATCH_FULL))
			return -EMSGSIZE;
	}
	batch->info.n_entries++;
	batch->info.length = length;
	batch->bytes = total;
	return 0;
}

int wal_batch_seal(struct wal_batch *batch,
		   const struct wal_hard_state *hard_state, void *buf)
{
	struct wal_batch_info *info = &batch->info;

	if (!info->n_entries || batch->buf ||
	    !wal_hard_state_follows(&batch->w->hard_state, hard_state) ||
	    info->prev_log_term > hard_state->current_term)
		return -EINVAL;

	info->hard_state = *hard_state;
	batch->buf = buf;
	batch->last_term = info->prev_log_term;
	batch->payload_offset = wal_entry_header_offset(info->n_entries);
	wal_batch_put(batch->w->seed, info, buf);
	return 0;
}

int wal_batch_add(struct wal_batch *batch, const struct wal_entry *entry)
{
	struct wal_batch_info *info = &batch->info;
	u32 offset = batch->payload_offset;
	u32 end = offset + round_up(entry->bytes, (u32)WAL_PAYLOAD_ALIGN);

	if (!batch->buf || batch->n_added >= info->n_entries ||
	    entry->index != info->first_index + batch->n_added ||
	    entry->term < max_t(u64, batch->last_term, 1) ||
	    entry->term > info->hard_state.current_term ||
	    entry->bytes > WAL_ENTRY_BYTES_MAX || end > batch->bytes)
		return -EINVAL;

	if (entry->bytes)
		memcpy(batch->buf + offset, entry->data, entry->bytes);
	memset(batch->buf + offset + entry->bytes, 0,
	       end - offset - entry->bytes);
	wal_entry_put(info->crc, entry, offset,
		      batch->buf + wal_entry_header_offset(batch->n_added));
	batch->payload_offset = end;
	batch->last_term = entry->term;
	batch->n_added++;
	return 0;
}

int wal_batch_finish(struct wal_batch *batch, struct wal_write *write)
{
	const struct wal_batch_info *info = &batch->info;

	if (!batch->buf || batch->n_added != info->n_entries ||
	    batch->payload_offset != batch->bytes)
		return -EINVAL;

	memset(batch->buf + batch->bytes, 0, info->length - batch->bytes);
	write->position = wal_position(&batch->w->super, info->offset);
	write->data = batch->buf;
	write->bytes = info->length;
	return 0;
}

void wal_batch_done(struct wal_writer *w, const struct wal_batch *batch)
{
	const struct wal_batch_info *info = &batch->info;

	w->hard_state = info->hard_state;
	w->tail = info->offset + info->length;
	w->number++;
	w->last_index = info->first_index + info->n_entries - 1;
	w->last_term = batch->last_term;
	if (wal_lost_is_made_up(&w->lost, w->last_index, w->last_term))
		w->lost = (struct wal_lost){ 0 };
}
