// SPDX-License-Identifier: GPL-2.0
/* Cursor: walks batches on disk until it finds an entry. */
#include "codec.h"

enum cursor_state {
	CURSOR_BATCH,
	CURSOR_ENTRY,
	CURSOR_PAYLOAD,
};

void wal_cursor_init(struct wal_cursor *cursor,
		     const struct wal_superblock *super, void *buf,
		     u32 buf_bytes)
{
	*cursor = (struct wal_cursor){
		.super = *super,
		.seed = wal_seed(super),
		.headers = {
			.buf = buf,
			.buf_bytes = buf_bytes / 2,
		},
		.payloads = {
			.buf = (u8 *)buf + buf_bytes / 2,
			.buf_bytes = buf_bytes / 2,
		},
	};
}

void wal_cursor_seek(struct wal_cursor *cursor, const struct wal_range *range,
		     u64 index, u64 term)
{
	if (range) {
		cursor->range = *range;
		cursor->offset = range->offset;
	}
	cursor->state = CURSOR_BATCH;
	/* A read that failed brought nothing. */
	cursor->headers.asked_bytes = 0;
	cursor->payloads.asked_bytes = 0;
	cursor->index = index;
	cursor->term = term;
}

static const u8 *window_find(struct wal_window *window, u64 offset, u32 bytes)
{
	/* The caller comes back when it has read what it was asked to. */
	window->bytes += window->asked_bytes;
	window->asked_bytes = 0;
	if (offset < window->offset ||
	    offset + bytes > window->offset + window->bytes)
		return NULL;
	return window->buf + (offset - window->offset);
}

/* Never reads behind the range's end: what is there is not durable yet. */
static void window_ask(struct wal_window *window,
		       const struct wal_cursor *cursor, u64 offset,
		       struct wal_step *step)
{
	u64 end = min(wal_lap_end(&cursor->super, offset), cursor->range.end);

	window->offset = round_down(offset, (u64)cursor->super.block_bytes);
	window->bytes = 0;
	window->asked_bytes =
		min_t(u64, end - window->offset, window->buf_bytes);
	*step = (struct wal_step){
		.type = WAL_STEP_READ,
		.position = wal_position(&cursor->super, window->offset),
		.data = window->buf,
		.bytes = window->asked_bytes,
	};
}

/* Headers at @offset, or NULL if they must be read first: @step says how. */
static const u8 *cursor_header(struct wal_cursor *cursor, u64 offset, u32 bytes,
			       struct wal_step *step)
{
	const u8 *buf = window_find(&cursor->headers, offset, bytes);

	if (!buf)
		window_ask(&cursor->headers, cursor, offset, step);
	return buf;
}

/* The next batch that has the index. 1: @step asks for a read first. */
static int cursor_batch(struct wal_cursor *cursor, struct wal_step *step)
{
	const struct wal_range *range = &cursor->range;
	struct wal_batch_info *info = &cursor->batch;
	const u8 *buf;
	int ret;

	for (;;) {
		cursor->offset = wal_gap_jump(range->gaps, cursor->offset);
		if (cursor->offset == range->skip_from)
			cursor->offset = range->skip_to;
		if (cursor->offset >= range->end)
			return -ENOENT;
		buf = cursor_header(cursor, cursor->offset,
				    WAL_BATCH_HEADER_BYTES, step);
		if (!buf)
			return 1;
		ret = wal_batch_get(&cursor->super, cursor->seed,
				    cursor->offset, buf, info);
		if (ret)
			return ret;
		if (info->length > range->end - cursor->offset)
			return -EUCLEAN;
		if (cursor->index >= info->first_index &&
		    cursor->index - info->first_index < info->n_entries)
			return 0;
		cursor->offset += info->length;
	}
}

/* The header of the entry. 1: @step asks for a read first. */
static int cursor_entry(struct wal_cursor *cursor, struct wal_step *step)
{
	const struct wal_batch_info *info = &cursor->batch;
	struct wal_step *found = &cursor->found;
	u32 i = cursor->index - info->first_index;
	u32 payload_offset;
	const u8 *buf;
	int ret;

	buf = cursor_header(cursor, cursor->offset + wal_entry_header_offset(i),
			    WAL_ENTRY_HEADER_BYTES, step);
	if (!buf)
		return 1;
	*found = (struct wal_step){
		.type = WAL_STEP_ENTRY,
		.payload_seed = info->crc,
	};
	ret = wal_entry_get(info, i, buf, &found->entry, &payload_offset,
			    &found->payload_crc);
	cursor->payload = cursor->offset + payload_offset;
	found->payload_position = wal_position(&cursor->super, cursor->payload);
	return ret;
}

/* Small payloads are read with what surrounds them, large ones by the caller. */
static int cursor_payload(struct wal_cursor *cursor, struct wal_step *step)
{
	struct wal_window *window = &cursor->payloads;
	u32 bytes = cursor->found.entry.bytes;
	const u8 *data;

	data = window_find(&cursor->headers, cursor->payload, bytes);
	if (!data)
		data = window_find(window, cursor->payload, bytes);
	if (!data && bytes <= window->buf_bytes - cursor->super.block_bytes) {
		window_ask(window, cursor, cursor->payload, step);
		return 0;
	}
	*step = cursor->found;
	step->entry.data = data;
	return data ? wal_payload_check(step, data) : 0;
}

int wal_cursor_next(struct wal_cursor *cursor, struct wal_step *step)
{
	int ret;

	for (;;) {
		switch (cursor->state) {
		case CURSOR_BATCH:
			ret = cursor_batch(cursor, step);
			if (ret)
				return ret < 0 ? ret : 0;
			cursor->state = CURSOR_ENTRY;
			fallthrough;
		case CURSOR_ENTRY:
			ret = cursor_entry(cursor, step);
			if (ret)
				return ret < 0 ? ret : 0;
			if (cursor->found.entry.term != cursor->term) {
				/* Replaced by a later batch. */
				cursor->offset += cursor->batch.length;
				cursor->state = CURSOR_BATCH;
				continue;
			}
			cursor->state = CURSOR_PAYLOAD;
			fallthrough;
		default:
			return cursor_payload(cursor, step);
		}
	}
}

int wal_payload_check(const struct wal_step *step, const void *data)
{
	return crc32c(step->payload_seed, data, step->entry.bytes) ==
			       step->payload_crc ?
		       0 :
		       -EUCLEAN;
}
