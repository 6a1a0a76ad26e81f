// SPDX-License-Identifier: GPL-2.0
/*
 * Reading entries back. Each call has its own memory and its own copy of where
 * to look, taken under map_lock; the log in front of the tail does not change.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "entry.h"
#include "storage_private.h"

/**
 * struct reader - one call of raftlog_storage_read*()
 * @storage: where from
 * @pass_until: entries before this one are passed over unless they are users'
 * @cursor: finds entries; owns the first half of @buffer
 * @buffer: windows of the cursor, then large payloads piece by piece
 * @window_bytes: size of either half
 */
struct reader {
	struct raftlog_storage *storage;
	u64 pass_until;
	u32 window_bytes;
	struct wal_cursor cursor;
	struct raftlog_buffer buffer;
};

static struct reader *reader_open(struct raftlog_storage *storage,
				  u32 window_bytes)
{
	struct reader *reader = kzalloc(sizeof(*reader), GFP_KERNEL_ACCOUNT);

	if (!reader)
		return NULL;
	reader->storage = storage;
	reader->window_bytes = window_bytes;
	if (raftlog_buffer_init(&reader->buffer, 2 * window_bytes,
				GFP_KERNEL_ACCOUNT)) {
		kfree(reader);
		return NULL;
	}
	wal_cursor_init(&reader->cursor, &storage->super, reader->buffer.data,
			window_bytes);
	return reader;
}

static void reader_close(struct reader *reader)
{
	raftlog_buffer_destroy(&reader->buffer);
	kfree(reader);
}

static int read_blocks(struct reader *reader, u32 at, u32 bytes, u64 position)
{
	return raftlog_file_error(raftlog_file_read(reader->storage->file,
						    &reader->buffer, at, bytes,
						    position));
}

static int find_entry(struct reader *reader, const struct wal_range *range,
		      u64 index, u64 term, struct wal_step *step)
{
	int ret;

	wal_cursor_seek(&reader->cursor, range, index, term);
	for (;;) {
		ret = wal_cursor_next(&reader->cursor, step);
		if (ret || step->type != WAL_STEP_READ)
			return ret;
		ret = read_blocks(reader,
				  (u8 *)step->data - (u8 *)reader->buffer.data,
				  step->bytes, step->position);
		if (ret)
			return ret;
	}
}

/* A payload that is too large for the cursor's windows, piece by piece. */
static int read_payload(struct reader *reader, const struct wal_step *step,
			u8 *data)
{
	const u32 block_bytes = reader->storage->super.block_bytes;
	const u32 at = reader->window_bytes;
	u64 position = round_down(step->payload_position, (u64)block_bytes);
	u32 skip = step->payload_position - position;
	u32 done = 0;

	while (done < step->entry.bytes) {
		u32 left = step->entry.bytes - done;
		u32 bytes = min_t(u32, round_up(skip + left, block_bytes),
				  reader->window_bytes);
		u32 n = min(left, bytes - skip);
		int ret = read_blocks(reader, at, bytes, position);

		if (ret)
			return ret;
		memcpy(data + done, (u8 *)reader->buffer.data + at + skip, n);
		done += n;
		position += bytes;
		skip = 0;
	}
	return wal_payload_check(step, data);
}

static struct raftlog_entry *make_entry(struct reader *reader,
					const struct wal_step *step)
{
	struct raftlog_entry *entry;
	int ret;

	entry = raftlog_entry_alloc(step->entry.bytes, GFP_KERNEL_ACCOUNT);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	entry->index = step->entry.index;
	entry->term = step->entry.term;
	entry->session = step->entry.session;
	entry->sequence = step->entry.sequence;
	entry->type = step->entry.type;
	if (step->entry.data) {
		memcpy(entry->data, step->entry.data, step->entry.bytes);
		return entry;
	}
	ret = read_payload(reader, step, entry->data);
	if (ret) {
		raftlog_entry_put(entry);
		return ERR_PTR(ret);
	}
	return entry;
}

static u64 head_offset(struct raftlog_storage *storage)
{
	u64 offset;

	spin_lock(&storage->map_lock);
	offset = storage->writer.head.offset;
	spin_unlock(&storage->map_lock);
	return offset;
}

static int find_range(struct raftlog_storage *storage, u64 index,
		      struct wal_range *range)
{
	int ret;

	spin_lock(&storage->map_lock);
	if (index <= storage->writer.head.prev_index)
		ret = -ENODATA;
	else
		ret = wal_map_find(&storage->map, &storage->writer, index,
				   range);
	spin_unlock(&storage->map_lock);
	return ret;
}

static int read_entries(struct reader *reader, u64 first, const u64 *terms,
			struct raftlog_entry **entries, u32 n, u64 bytes_max)
{
	struct wal_range range;
	struct wal_step step;
	u64 bytes = 0;
	int ret;
	u32 i;

	ret = find_range(reader->storage, first, &range);
	if (ret)
		return ret;

	for (i = 0; i < n; i++) {
		ret = find_entry(reader, i ? NULL : &range, first + i, terms[i],
				 &step);
		while (!ret && step.entry.type != RAFT_ENTRY_DATA &&
		       first + i < reader->pass_until)
			ret = find_entry(reader, NULL, ++first + i, terms[i],
					 &step);
		if (ret)
			break;
		if (i && step.entry.bytes > bytes_max - bytes)
			break;
		entries[i] = make_entry(reader, &step);
		if (IS_ERR(entries[i])) {
			ret = PTR_ERR(entries[i]);
			break;
		}
		bytes = min(bytes + step.entry.bytes, bytes_max);
	}
	return i ? i : ret;
}

/*
 * The head passes a reader who is slow: what it reads is written over, which its
 * checksum tells. It begins again with what is left.
 */
static int read_what_is_left(struct reader *reader, u64 first,
			     const u64 *terms, struct raftlog_entry **entries,
			     u32 n, u64 bytes_max)
{
	u64 head, passed;
	int ret;

	do {
		head = head_offset(reader->storage);
		ret = read_entries(reader, first, terms, entries, n, bytes_max);
		passed = head_offset(reader->storage);
	} while ((ret == -EUCLEAN || ret == -ENOENT) && passed != head);
	return ret;
}

static int read_range(struct raftlog_storage *storage, u64 first,
		      u64 pass_until, const u64 *terms,
		      struct raftlog_entry **entries, u32 n, u64 bytes_max)
{
	unsigned int noio = memalloc_noio_save();
	struct reader *reader;
	int ret = -ENOMEM;

	reader = reader_open(storage, n == 1 ?
					      RAFTLOG_STORAGE_WINDOW_BYTES_MIN :
					      RAFTLOG_STORAGE_WINDOW_BYTES_MAX);
	if (reader) {
		reader->pass_until = pass_until;
		ret = read_what_is_left(reader, first, terms, entries, n,
					bytes_max);
		if (ret == -EUCLEAN)
			first = reader->cursor.index;
		reader_close(reader);
	}
	memalloc_noio_restore(noio);
	if (ret == -EUCLEAN)
		pr_err_ratelimited("%s: entry %llu is damaged in the log\n",
				   storage->name, first);
	return ret;
}

int raftlog_storage_read_range(struct raftlog_storage *storage, u64 first,
			       const u64 *terms, struct raftlog_entry **entries,
			       u32 n, u64 bytes_max)
{
	return read_range(storage, first, 0, terms, entries, n, bytes_max);
}

struct raftlog_entry *raftlog_storage_read(struct raftlog_storage *storage,
					   u64 index, u64 last, u64 term)
{
	struct raftlog_entry *entry;
	int ret;

	ret = read_range(storage, index, last, &term, &entry, 1, 0);
	return ret < 0 ? ERR_PTR(ret) : entry;
}
