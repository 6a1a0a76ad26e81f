// SPDX-License-Identifier: GPL-2.0
#include "wal_fixture.h"

#ifdef __KERNEL__
#include <linux/mm.h>
#include <linux/slab.h>
#define fixture_alloc(bytes) kvzalloc(bytes, GFP_KERNEL)
#define fixture_free(memory) kvfree(memory)
#else
#define fixture_alloc(bytes) calloc(1, bytes)
#define fixture_free(memory) free(memory)
#endif

struct wal_fixture *wal_fixture_init(struct kunit *test, u32 block_bytes,
				     u64 area_bytes)
{
	struct wal_fixture *f = fixture_alloc(sizeof(*f));

	KUNIT_ASSERT_TRUE(test, f);
	test->priv = f;
	f->test = test;
	f->super = (struct wal_superblock){
		.cluster_id = 0xc1,
		.incarnation = 0x1c,
		.node_id = 3,
		.block_bytes = block_bytes,
		.area_bytes = area_bytes,
	};
	f->bytes = WAL_AREA_POSITION + area_bytes;
	f->staging_bytes = min_t(u64, area_bytes, WAL_BATCH_BYTES_MAX);
	f->buf_bytes = min_t(u64, area_bytes, WAL_RECOVERY_BUFFER_BYTES);
	f->image = fixture_alloc(f->bytes);
	f->before = fixture_alloc(f->staging_bytes);
	f->written = fixture_alloc(f->staging_bytes);
	f->staging = fixture_alloc(f->staging_bytes);
	f->buf = fixture_alloc(f->buf_bytes);
	KUNIT_ASSERT_TRUE(test, f->image && f->before && f->written);
	KUNIT_ASSERT_TRUE(test, f->staging && f->buf);
	return f;
}

void wal_fixture_exit(struct kunit *test)
{
	struct wal_fixture *f = test->priv;

	if (!f)
		return;
	fixture_free(f->image);
	fixture_free(f->before);
	fixture_free(f->written);
	fixture_free(f->staging);
	fixture_free(f->buf);
	fixture_free(f);
}

static void fill_payload(u8 *data, u64 index, u64 term, u64 sequence, u32 bytes)
{
	u32 i;

	for (i = 0; i < bytes; i++)
		data[i] = index * 31 + term * 17 + sequence * 7 + i;
}

static bool payload_is(const u8 *data, u64 index, u64 term, u64 sequence,
		       u32 bytes)
{
	u32 i;

	for (i = 0; i < bytes; i++)
		if (data[i] != (u8)(index * 31 + term * 17 + sequence * 7 + i))
			return false;
	return true;
}

static void disk_write(struct wal_fixture *f, const struct wal_write *write)
{
	KUNIT_ASSERT_LE(f->test, write->position + write->bytes, f->bytes);
	KUNIT_ASSERT_TRUE(f->test,
			  IS_ALIGNED(write->position, f->super.block_bytes));
	KUNIT_ASSERT_TRUE(f->test,
			  IS_ALIGNED(write->bytes, f->super.block_bytes));
	f->write = *write;
	memcpy(f->before, f->image + write->position, write->bytes);
	memcpy(f->written, write->data, write->bytes);
	memcpy(f->image + write->position, write->data, write->bytes);
}

void wal_fixture_format(struct wal_fixture *f, u8 seed)
{
	struct wal_write write;
	unsigned int i;

	memset(f->super.uuid, seed, sizeof(f->super.uuid));
	for (i = 0; i < WAL_FORMAT_WRITES; i++) {
		wal_format_encode(&f->super, i, f->staging, &write);
		disk_write(f, &write);
	}
	memset(&f->log, 0, sizeof(f->log));
	f->log_before = f->log;
	f->n_batches = 0;
}

static void log_put(struct fixture_log *log, u64 index, u64 term, u64 sequence,
		    u32 bytes)
{
	log->entries[index % FIXTURE_LOG_ENTRIES].term = term;
	log->entries[index % FIXTURE_LOG_ENTRIES].sequence = sequence;
	log->entries[index % FIXTURE_LOG_ENTRIES].bytes = bytes;
	log->last_index = index;
	log->last_term = term;
}

/* Of the entry before @index, in what was found so far. */
static u64 found_term_before(const struct wal_fixture *f, u64 index)
{
	if (index - 1 == f->found.prev_index)
		return f->rec.slot.head.prev_term;
	return f->found.entries[(index - 1) % FIXTURE_LOG_ENTRIES].term;
}

static void found_entry(struct wal_fixture *f, const struct wal_entry *entry)
{
	KUNIT_EXPECT_GE(f->test, entry->term,
			found_term_before(f, entry->index));
	KUNIT_EXPECT_GT(f->test, entry->index, f->found.prev_index);
	KUNIT_EXPECT_LE(f->test, entry->index, f->found.last_index + 1);
	KUNIT_EXPECT_TRUE(f->test,
			  payload_is(entry->data, entry->index, entry->term,
				     entry->sequence, entry->bytes));
	KUNIT_EXPECT_EQ(f->test, entry->session, ~entry->sequence);
	log_put(&f->found, entry->index, entry->term, entry->sequence,
		entry->bytes);
}

static void begin_found(struct wal_fixture *f)
{
	const struct wal_head *head = &f->rec.slot.head;

	f->found.prev_index = head->prev_index;
	f->found.last_index = head->prev_index;
	f->found.last_term = head->prev_term;
}

static int identify(struct wal_fixture *f, struct wal_superblock *super)
{
	return wal_superblock_decode(super,
				     f->image + WAL_SUPERBLOCK_POSITION_0,
				     f->image + WAL_SUPERBLOCK_POSITION_1);
}

static void disk_read(struct wal_fixture *f, const struct wal_step *step)
{
	u64 from = max(step->position, f->lost);
	u64 to = min(step->position + step->bytes, f->lost + f->lost_bytes);

	memcpy(step->data, f->image + step->position, step->bytes);
	if (from >= to)
		return;
	memset((u8 *)step->data + (from - step->position), 0, to - from);
	wal_recovery_unreadable(&f->rec);
}

int wal_fixture_recover(struct wal_fixture *f)
{
	struct wal_superblock super;
	struct wal_step step;
	u64 read_bytes = 0;
	int ret;

	ret = identify(f, &super);
	if (ret)
		return ret;
	wal_map_init(&f->map, f->map_slots, FIXTURE_MAP_SLOTS);
	ret = wal_recovery_init(&f->rec, &super, f->bytes, super.block_bytes,
				&f->map, f->buf, f->buf_bytes);
	if (ret)
		return ret;
	memset(&f->found, 0, sizeof(f->found));
	for (;;) {
		ret = wal_recovery_next(&f->rec, &step);
		if (ret)
			return ret;
		if (step.type == WAL_STEP_DONE)
			break;
		if (step.type == WAL_STEP_ENTRY) {
			if (!f->found.last_index)
				begin_found(f);
			found_entry(f, &step.entry);
			continue;
		}
		KUNIT_ASSERT_GT(f->test, step.bytes, 0);
		KUNIT_ASSERT_LE(f->test, step.position + step.bytes, f->bytes);
		KUNIT_ASSERT_TRUE(f->test,
				  (u8 *)step.data >= f->buf &&
					  (u8 *)step.data + step.bytes <=
						  f->buf + f->buf_bytes);
		disk_read(f, &step);
		read_bytes += step.bytes;
		KUNIT_ASSERT_LT(f->test, read_bytes,
				4 * super.area_bytes + (64 << 10));
	}
	f->found.hard_state = f->rec.hard_state;
	if (!f->found.last_index)
		begin_found(f);
	KUNIT_EXPECT_EQ(f->test, f->found.last_index, f->rec.last_index);
	if (!f->take_damage && (f->rec.damage.reason || f->rec.lost.index))
		return -EUCLEAN;
	return 0;
}

static void write_slot(struct wal_fixture *f,
		       const struct wal_hard_state *hard_state)
{
	struct wal_write write;

	KUNIT_ASSERT_EQ(f->test,
			wal_slot_encode(&f->w, hard_state, f->staging, &write),
			0);
	disk_write(f, &write);
	wal_slot_done(&f->w, hard_state);
	f->log_before = f->log;
	f->log.hard_state = *hard_state;
}

int wal_fixture_open(struct wal_fixture *f)
{
	int ret = wal_fixture_recover(f);

	if (ret)
		return ret;
	f->log = f->found;
	wal_writer_init(&f->w, &f->rec);
	write_slot(f, &f->w.hard_state);
	return 0;
}

void wal_fixture_vote(struct wal_fixture *f, u64 term, u32 voted_for)
{
	const struct wal_hard_state hard_state = {
		.current_term = term,
		.voted_for = voted_for,
	};

	write_slot(f, &hard_state);
}

void wal_fixture_drop(struct wal_fixture *f, u32 i, u32 n_entries)
{
	const struct wal_hard_state hard_state = f->w.hard_state;
	struct wal_head head;

	KUNIT_ASSERT_LT(f->test, i, f->n_batches);
	head = f->batches[i % FIXTURE_BATCHES];
	head.prev_index += n_entries;
	head.prev_term =
		head.prev_index == f->w.head.prev_index ?
			f->w.head.prev_term :
			f->log.entries[head.prev_index % FIXTURE_LOG_ENTRIES]
				.term;
	f->w.new_head = head;
	write_slot(f, &hard_state);
	f->log.prev_index = head.prev_index;
}

/* Some are longer than a sector. */
static struct wal_configuration configuration_of(struct wal_fixture *f,
						 u64 index)
{
	struct wal_configuration configuration = {
		.index = index,
		.data = f->buf,
		.bytes = 1 + index * 40 % WAL_CONFIGURATION_BYTES_MAX,
	};

	fill_payload(f->buf, index, 0, 0, configuration.bytes);
	return configuration;
}

u64 wal_fixture_trim(struct wal_fixture *f, u64 index)
{
	const struct wal_hard_state hard_state = f->w.hard_state;
	struct wal_configuration configuration;
	u64 term;

	index = wal_head_find(&f->w, &f->map, index);
	if (!index)
		return 0;
	term = f->log.entries[index % FIXTURE_LOG_ENTRIES].term;
	configuration = configuration_of(f, index);
	KUNIT_ASSERT_EQ(f->test,
			wal_head_move(&f->w, &f->map, index, term,
				      &configuration),
			0);
	write_slot(f, &hard_state);
	wal_map_trim(&f->map, &f->w);
	f->log.prev_index = index;
	return index;
}

void wal_fixture_discard(struct wal_fixture *f, u64 index, u64 term)
{
	const struct wal_configuration configuration =
		configuration_of(f, index);
	const struct wal_hard_state hard_state = f->w.hard_state;

	KUNIT_ASSERT_EQ(f->test,
			wal_writer_discard(&f->w, index, term, &configuration),
			0);
	KUNIT_EXPECT_TRUE(f->test, wal_slot_due(&f->w));
	wal_map_clear(&f->map);
	write_slot(f, &hard_state);
	f->log.prev_index = index;
	f->log.last_index = index;
	f->log.last_term = term;
}

void wal_fixture_expect_head(struct wal_fixture *f, u64 index, u64 term)
{
	const struct wal_slot *slot = &f->rec.slot;

	KUNIT_EXPECT_EQ(f->test, slot->head.prev_index, index);
	KUNIT_EXPECT_EQ(f->test, slot->head.prev_term, term);
	KUNIT_EXPECT_EQ(f->test, slot->configuration.index, index);
	KUNIT_EXPECT_EQ(f->test, slot->configuration.bytes,
			1 + index * 40 % WAL_CONFIGURATION_BYTES_MAX);
	KUNIT_EXPECT_TRUE(f->test,
			  payload_is(slot->configuration.data, index, 0, 0,
				     slot->configuration.bytes));
}

int wal_fixture_append(struct wal_fixture *f, u64 first_index, u64 term,
		       u32 n_entries, u32 bytes)
{
	struct wal_hard_state hard_state = f->w.hard_state;
	struct wal_batch batch;
	struct wal_write write;
	u8 *payload;
	u32 i;
	int ret;

	if (hard_state.current_term < term)
		hard_state = (struct wal_hard_state){ .current_term = term };
	ret = wal_batch_begin(&batch, &f->w, first_index);
	for (i = 0; i < n_entries && !ret; i++)
		ret = wal_batch_reserve(&batch, bytes);
	if (ret)
		return ret;
	KUNIT_ASSERT_LE(f->test, batch.info.length, f->staging_bytes);
	memset(f->staging, 0xa5, f->staging_bytes);
	KUNIT_ASSERT_EQ(f->test,
			wal_batch_seal(&batch, &hard_state, f->staging), 0);
	payload = f->buf;
	f->log_before = f->log;
	for (i = 0; i < n_entries; i++) {
		struct wal_entry entry = {
			.index = first_index + i,
			.term = term,
			.session = ~++f->sequence,
			.sequence = f->sequence,
			.data = payload,
			.bytes = bytes,
		};

		fill_payload(payload, entry.index, term, entry.sequence, bytes);
		KUNIT_ASSERT_EQ(f->test, wal_batch_add(&batch, &entry), 0);
		log_put(&f->log, entry.index, term, entry.sequence, bytes);
	}
	KUNIT_ASSERT_EQ(f->test, wal_batch_finish(&batch, &write), 0);
	disk_write(f, &write);
	f->batches[f->n_batches++ % FIXTURE_BATCHES] = (struct wal_head){
		.offset = batch.info.offset,
		.number = batch.info.number,
		.prev_index = first_index - 1,
		.prev_term = batch.info.prev_log_term,
	};
	wal_batch_done(&f->w, &batch);
	wal_map_insert(&f->map, &batch.info);
	f->log.hard_state = hard_state;
	return 0;
}

int wal_fixture_append_all(struct wal_fixture *f, u64 first_index, u64 term,
			   u32 n_entries, u32 bytes)
{
	int ret = wal_fixture_append(f, first_index, term, n_entries, bytes);

	if (ret != -EMSGSIZE)
		return ret;
	ret = wal_fixture_append_all(f, first_index, term, n_entries - 1,
				     bytes);
	if (ret)
		return ret;
	return wal_fixture_append(f, first_index + n_entries - 1, term, 1,
				  bytes);
}

u32 wal_fixture_sectors(const struct wal_fixture *f)
{
	return f->write.bytes / FIXTURE_SECTOR_BYTES;
}

bool wal_fixture_tear(struct wal_fixture *f,
		      bool (*came)(void *context, u32 sector), void *context)
{
	u32 sector, n_sectors = wal_fixture_sectors(f);

	for (sector = 0; sector < n_sectors; sector++) {
		u32 at = sector * FIXTURE_SECTOR_BYTES;

		memcpy(f->image + f->write.position + at,
		       (came(context, sector) ? f->written : f->before) + at,
		       FIXTURE_SECTOR_BYTES);
	}
	return !memcmp(f->image + f->write.position, f->written,
		       f->write.bytes);
}

void wal_fixture_untear(struct wal_fixture *f)
{
	memcpy(f->image + f->write.position, f->written, f->write.bytes);
}

bool wal_fixture_same(const struct fixture_log *a, const struct fixture_log *b)
{
	u64 index;

	if (a->hard_state.current_term != b->hard_state.current_term ||
	    a->hard_state.voted_for != b->hard_state.voted_for ||
	    a->prev_index != b->prev_index || a->last_index != b->last_index)
		return false;
	for (index = a->prev_index + 1; index <= a->last_index; index++) {
		const u64 i = index % FIXTURE_LOG_ENTRIES;

		if (a->entries[i].term != b->entries[i].term ||
		    a->entries[i].sequence != b->entries[i].sequence ||
		    a->entries[i].bytes != b->entries[i].bytes)
			return false;
	}
	return true;
}

int wal_fixture_lookup(struct wal_fixture *f, u64 index, u64 term)
{
	struct wal_cursor cursor;
	struct wal_range range;
	struct wal_step step;
	const u8 *data;
	int ret;

	ret = wal_map_find(&f->map, &f->w, index, &range);
	if (ret)
		return ret;
	wal_cursor_init(&cursor, &f->super, f->staging,
			WAL_CURSOR_BUFFER_BYTES_MIN);
	wal_cursor_seek(&cursor, &range, index, term);
	for (;;) {
		ret = wal_cursor_next(&cursor, &step);
		if (ret)
			return ret;
		if (step.type == WAL_STEP_ENTRY)
			break;
		KUNIT_ASSERT_GT(f->test, step.bytes, 0);
		KUNIT_ASSERT_LE(f->test, step.position + step.bytes, f->bytes);
		memcpy(step.data, f->image + step.position, step.bytes);
	}
	data = step.entry.data ?: f->image + step.payload_position;
	KUNIT_EXPECT_EQ(f->test, step.entry.index, index);
	KUNIT_EXPECT_EQ(f->test, step.entry.term, term);
	KUNIT_EXPECT_EQ(f->test, wal_payload_check(&step, data), 0);
	KUNIT_EXPECT_TRUE(f->test,
			  payload_is(data, index, term, step.entry.sequence,
				     step.entry.bytes));
	return 0;
}

struct wal_fixture *wal_fixture_started(struct kunit *test, u32 block_bytes,
					u64 area_bytes)
{
	struct wal_fixture *f = wal_fixture_init(test, block_bytes, area_bytes);

	wal_fixture_format(f, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 1, 1, 1, 40), 0);
	return f;
}

void wal_fixture_expect_kept(struct wal_fixture *f)
{
	KUNIT_ASSERT_EQ(f->test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_TRUE(f->test, wal_fixture_same(&f->found, &f->log));
	KUNIT_EXPECT_EQ(f->test, f->rec.torn_bytes, 0);
	KUNIT_EXPECT_EQ(f->test, f->rec.tail, f->w.tail);
	KUNIT_EXPECT_EQ(f->test, f->rec.number, f->w.number);
}
