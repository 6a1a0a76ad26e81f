// SPDX-License-Identifier: GPL-2.0
/* The WAL keeps what it was given, as long as there is room, and finds it again. */
#include <kunit/test.h>

#include "suites.h"
#include "wal_fixture.h"

#define AREA_BYTES (64ull << 10)

static void disk_structs_have_their_sizes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct wal_disk_superblock), 512);
	KUNIT_EXPECT_EQ(test, sizeof(struct wal_disk_slot), 224);
	KUNIT_EXPECT_EQ(test, sizeof(struct wal_disk_batch), 80);
	KUNIT_EXPECT_EQ(test, sizeof(struct wal_disk_entry), 56);
}

/* Byte order and places: what a hex dump shows. */
static void superblock_on_disk(struct kunit *test)
{
	static const u8 begin[] = {
		'R',  'A',  'F', 'T', 'L',  'W', 'A',  'L', 0xff, 0xff,
		0xff, 0xff, 3,	 0,   0,    0,	 0xc1, 0,   0,	  0,
		0,    0,    0,	 0,   0x1c, 0,	 0,    0,   0,	  0,
		0,    0,    3,	 0,   0,    0,	 0,    2,   0,	  0,
	};
	struct wal_fixture *f = wal_fixture_init(test, 512, AREA_BYTES);
	u32 i;

	wal_fixture_format(f, 1);
	for (i = 0; i < sizeof(begin); i++)
		if (begin[i] != 0xff)
			KUNIT_EXPECT_EQ(test, f->image[i], begin[i]);
	KUNIT_EXPECT_EQ(
		test,
		memcmp(f->image, f->image + WAL_SUPERBLOCK_POSITION_1, 512), 0);
}

static void log_belongs_to_one_node(struct kunit *test)
{
	static const struct wal_superblock super = {
		.cluster_id = 7, .node_id = 3,
	};

	KUNIT_EXPECT_TRUE(test, wal_superblock_is_of(&super, 7, 3));
	KUNIT_EXPECT_FALSE(test, wal_superblock_is_of(&super, 7, 2));
	KUNIT_EXPECT_FALSE(test, wal_superblock_is_of(&super, 8, 3));
	/* Who does not know the cluster learns it from the log. */
	KUNIT_EXPECT_TRUE(test, wal_superblock_is_of(&super, 0, 3));
	KUNIT_EXPECT_FALSE(test, wal_superblock_is_of(&super, 0, 2));
}

static void area_fits_file(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, wal_area_bytes(0, 512), 0);
	KUNIT_EXPECT_EQ(test, wal_area_bytes((128 << 10) - 1, 512), 0);
	KUNIT_EXPECT_EQ(test, wal_area_bytes(128 << 10, 4096), 64 << 10);
	KUNIT_EXPECT_EQ(test, wal_area_bytes((132 << 10) - 1, 4096), 64 << 10);
	KUNIT_EXPECT_EQ(test, wal_area_bytes((132 << 10) - 1, 512),
			(68 << 10) - 512);
}

static void empty_log_is_empty(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_init(test, 4096, AREA_BYTES);

	wal_fixture_format(f, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.last_index, 0);
	KUNIT_EXPECT_EQ(test, f->rec.hard_state.current_term, 0);
	KUNIT_EXPECT_EQ(test, wal_space_bytes(&f->w), AREA_BYTES);
	wal_fixture_expect_kept(f);
}

static void entries_are_kept(struct kunit *test)
{
	static const u32 bytes[] = { 0, 1, 7, 8, 9, 511, 512, 513, 5000 };
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 term = 2, index = 2;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++, term += i & 1, index += 3) {
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, index, term, 3, bytes[i]),
				0);
		wal_fixture_expect_kept(f);
	}
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, index, term, 1, 1), 0);
	wal_fixture_expect_kept(f);
}

static void suffix_is_replaced(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 8, 30), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 5, 3, 2, 60), 0);
	KUNIT_EXPECT_EQ(test, f->w.last_index, 6);
	wal_fixture_expect_kept(f);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 4, 1, 10), 0);
	wal_fixture_expect_kept(f);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 3, 4, 2, 10), 0);
	wal_fixture_expect_kept(f);

	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, 2, 4), 0);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, 2, 3), -ENOENT);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, 4, 4), 0);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, 5, 4), -ENOENT);
}

static void writer_refuses_nonsense(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	const struct wal_hard_state older = { .current_term = 0 };
	struct wal_batch batch;
	struct wal_write write;

	KUNIT_EXPECT_EQ(test, wal_batch_begin(&batch, &f->w, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, wal_batch_begin(&batch, &f->w, 3), -EINVAL);
	KUNIT_ASSERT_EQ(test, wal_batch_begin(&batch, &f->w, 2), 0);
	KUNIT_EXPECT_EQ(test, wal_batch_seal(&batch, &older, f->staging),
			-EINVAL);
	KUNIT_EXPECT_EQ(test,
			wal_batch_reserve(&batch, WAL_ENTRY_BYTES_MAX + 1),
			-EINVAL);
	KUNIT_ASSERT_EQ(test, wal_batch_reserve(&batch, 10), 0);
	KUNIT_EXPECT_EQ(test, wal_batch_seal(&batch, &older, f->staging),
			-EINVAL);
	KUNIT_ASSERT_EQ(
		test, wal_batch_seal(&batch, &f->w.hard_state, f->staging), 0);
	KUNIT_EXPECT_EQ(test, wal_batch_reserve(&batch, 10), -EINVAL);
	KUNIT_EXPECT_EQ(test, wal_batch_finish(&batch, &write), -EINVAL);
	KUNIT_EXPECT_EQ(test,
			wal_slot_encode(&f->w, &older, f->staging, &write),
			-EINVAL);
	wal_writer_init(&f->w, &f->rec);
	KUNIT_EXPECT_TRUE(test, wal_slot_due(&f->w));
	KUNIT_EXPECT_EQ(test, wal_batch_begin(&batch, &f->w, 1), -EINVAL);
}

static void hard_state_is_kept(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 position, last = 0;
	u64 term;

	for (term = 2; term < 9; term++) {
		wal_fixture_vote(f, term, 0);
		position = f->write.position;
		KUNIT_EXPECT_NE(test, position, last);
		wal_fixture_expect_kept(f);
		wal_fixture_vote(f, term, term % 3 + 1);
		KUNIT_EXPECT_NE(test, f->write.position, position);
		last = f->write.position;
		wal_fixture_expect_kept(f);
		if (term & 1) {
			KUNIT_ASSERT_EQ(test,
					wal_fixture_append(f,
							   f->w.last_index + 1,
							   term, 1, 9),
					0);
			wal_fixture_expect_kept(f);
		}
	}
	/* With entries it rides in the batch: no slot is written. */
	KUNIT_ASSERT_EQ(
		test, wal_fixture_append(f, f->w.last_index + 1, 20, 1, 9), 0);
	KUNIT_EXPECT_EQ(test, f->log.hard_state.current_term, 20);
	wal_fixture_expect_kept(f);
}

static void full_log_is_full(struct kunit *test)
{
	const u32 overhead = wal_entry_overhead_bytes(512);
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 index = 2;
	u32 bytes;

	/* What fits by wal_space_bytes() does fit. */
	while (wal_space_bytes(&f->w) >= overhead) {
		bytes = min_t(u64, wal_space_bytes(&f->w) - overhead,
			      index * 97 % 3000);
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, index++, 1, 1, bytes), 0);
	}
	while (!wal_fixture_append(f, index, 1, 1, 1))
		index++;
	KUNIT_EXPECT_EQ(test, wal_fixture_append(f, index, 1, 1, 1), -ENOSPC);
	KUNIT_EXPECT_LT(test, wal_space_bytes(&f->w), 512);
	wal_fixture_expect_kept(f);
	/* A vote needs no room. */
	wal_fixture_vote(f, 7, 1);
	wal_fixture_expect_kept(f);
}

static void head_may_be_within_a_batch(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 5, 100), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 7, 2, 5, 100), 0);
	wal_fixture_drop(f, 1, 3);
	KUNIT_EXPECT_EQ(test, f->log.prev_index, 4);
	wal_fixture_expect_kept(f);
	KUNIT_EXPECT_EQ(test, f->rec.n_entries, 7);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 10, 3, 1, 100), 0);
	wal_fixture_expect_kept(f);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, 4, 2), -ENOENT);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, 5, 2), 0);
}

/* Around the ring with a head that follows, every size of skip. */
static void log_wraps(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u32 i, dropped = 0, n_skips = 0;
	u64 index = 2;

	for (i = 0; i < 600; i++) {
		u32 bytes = i * 211 % 6000;
		u64 tail = f->w.tail;

		while (wal_space_bytes(&f->w) < 3 * (6000 + 1024))
			wal_fixture_drop(f, ++dropped, 0);
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append_all(f, index, 1 + i / 50,
						       1 + i % 3, bytes),
				0);
		index += 1 + i % 3;
		n_skips += f->write.position == WAL_AREA_POSITION &&
			   tail % AREA_BYTES;
		wal_fixture_expect_kept(f);
		if (i % 7 == 0)
			KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
		KUNIT_EXPECT_EQ(test,
				wal_fixture_lookup(
					f, f->log.prev_index + 1,
					f->log.entries[(f->log.prev_index + 1) %
						       FIXTURE_LOG_ENTRIES]
						.term),
				0);
		KUNIT_EXPECT_EQ(test,
				wal_fixture_lookup(f, f->w.last_index,
						   f->w.last_term),
				0);
		KUNIT_EXPECT_EQ(test,
				wal_fixture_lookup(f, f->log.prev_index, 1),
				-ENOENT);
	}
	KUNIT_EXPECT_GT(test, n_skips, 5);
	KUNIT_EXPECT_GT(test, f->w.tail, 10 * AREA_BYTES);
}

static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 20;
}

/* Sizes of every order, the largest quite often. */
static u32 random_bytes(u64 *state)
{
	u32 bytes = WAL_ENTRY_BYTES_MAX >> next_random(state) % 23;

	return next_random(state) & 1 ? bytes :
					next_random(state) % (bytes + 1);
}

/* Write up to @n entries in one batch; 0 or the errno of the first. */
static int reserve_some(struct wal_writer *w, const u32 *bytes, u32 *n)
{
	struct wal_batch batch;
	int ret = wal_batch_begin(&batch, w, w->last_index + 1);
	u32 i;

	for (i = 0; i < *n && !ret; i++)
		ret = wal_batch_reserve(&batch, bytes[i]);
	*n = batch.info.n_entries;
	if (!*n)
		return ret;
	w->slot_tail = batch.info.offset + batch.info.length;
	wal_batch_done(w, &batch);
	return 0;
}

/* Whatever is accepted by wal_space_bytes() fits, wherever head and tail are. */
static void space_that_is_promised_is_there(struct kunit *test)
{
	const u32 overhead = wal_entry_overhead_bytes(512);
	struct wal_writer *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	u64 state = 1, space;
	u32 bytes[64], i, n, n_some, round;

	KUNIT_ASSERT_TRUE(test, w);
	w->super.block_bytes = 512;
	w->super.area_bytes = 20 << 20;
	for (round = 0; round < 3000; round++) {
		w->head.offset =
			round_down(next_random(&state) % (60 << 20), 512);
		w->tail = w->head.offset +
			 round_down(next_random(&state) % w->super.area_bytes,
				    512);
		w->slot_tail = w->tail;
		space = wal_space_bytes(w);
		for (n = 0; n < ARRAY_SIZE(bytes); n++) {
			bytes[n] = random_bytes(&state);
			if (bytes[n] + overhead > space)
				break;
			space -= bytes[n] + overhead;
		}
		for (i = 0; i < n; i += n_some) {
			n_some = min_t(u32, n - i, 1 + next_random(&state) % 9);
			KUNIT_ASSERT_EQ(
				test, reserve_some(w, bytes + i, &n_some), 0);
		}
	}
}

static void largest_entry_is_kept(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 4096, 16ull << 20);

	KUNIT_ASSERT_EQ(test,
			wal_fixture_append(f, 2, 1, 1, WAL_ENTRY_BYTES_MAX), 0);
	KUNIT_EXPECT_EQ(test,
			wal_fixture_append(f, 3, 1, 2, WAL_ENTRY_BYTES_MAX),
			-EMSGSIZE);
	KUNIT_ASSERT_EQ(test,
			wal_fixture_append(f, 3, 1, 1, WAL_ENTRY_BYTES_MAX), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 4, 1, 1, 1), 0);
	wal_fixture_expect_kept(f);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, 3, 1), 0);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, 4, 1), 0);
}

static void slot_is_due_in_time(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	KUNIT_EXPECT_FALSE(test, wal_slot_due(&f->w));
	f->w.tail = f->w.slot_tail + WAL_SLOT_INTERVAL_BYTES -
		    2 * WAL_BATCH_BYTES_MAX;
	KUNIT_EXPECT_FALSE(test, wal_slot_due(&f->w));
	f->w.tail += 512;
	KUNIT_EXPECT_TRUE(test, wal_slot_due(&f->w));
}

static void map_stays_small_and_finds(struct kunit *test)
{
	const u64 stride = 64ull << 10;
	struct wal_map_slot slots[4];
	struct wal_writer *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct wal_map map;
	struct wal_range range;
	u64 i;

	KUNIT_ASSERT_TRUE(test, w);
	w->super.area_bytes = 1ull << 40;
	wal_map_init(&map, slots, ARRAY_SIZE(slots));
	for (i = 0; i < 1000; i++) {
		struct wal_batch_info info = {
			.first_index = 1 + 10 * i,
			.n_entries = 10,
			.offset = i * stride,
			.prev_end = i * stride,
			.length = stride,
		};

		wal_map_insert(&map, &info);
		w->tail = info.offset + info.length;
		w->last_index = 10 * i + 10;
		KUNIT_ASSERT_LE(test, map.n_slots, 4);
		KUNIT_ASSERT_EQ(test, wal_map_find(&map, w, 1 + 5 * i, &range),
				0);
		/* In front of it, but not by more than two strides. */
		KUNIT_EXPECT_LE(test, range.offset, i / 2 * stride);
		KUNIT_EXPECT_LE(test, i / 2 * stride - range.offset,
				2 * map.stride);
	}
	KUNIT_EXPECT_EQ(test, wal_map_find(&map, w, 10001, &range), -ENOENT);
	KUNIT_EXPECT_EQ(test, wal_map_find(&map, w, 0, &range), -ENOENT);

	/* A replaced suffix takes its slots along. */
	wal_map_insert(&map, &(struct wal_batch_info){
				     .first_index = 2,
				     .n_entries = 1,
				     .offset = 1000 * stride,
				     .prev_end = 1000 * stride,
				     .length = 512,
			     });
	KUNIT_EXPECT_EQ(test, map.n_slots, 2);
	KUNIT_EXPECT_EQ(test, map.slots[1].first_index, 2);

	wal_map_clear(&map);
	KUNIT_EXPECT_EQ(test, map.n_slots, 0);
	KUNIT_EXPECT_EQ(test, map.n_slots_max, ARRAY_SIZE(slots));
	KUNIT_EXPECT_PTR_EQ(test, map.slots, &slots[0]);
}

static struct kunit_case wal_cases[] = {
	KUNIT_CASE(disk_structs_have_their_sizes),
	KUNIT_CASE(superblock_on_disk),
	KUNIT_CASE(log_belongs_to_one_node),
	KUNIT_CASE(area_fits_file),
	KUNIT_CASE(empty_log_is_empty),
	KUNIT_CASE(entries_are_kept),
	KUNIT_CASE(suffix_is_replaced),
	KUNIT_CASE(writer_refuses_nonsense),
	KUNIT_CASE(hard_state_is_kept),
	KUNIT_CASE(full_log_is_full),
	KUNIT_CASE(head_may_be_within_a_batch),
	KUNIT_CASE(log_wraps),
	KUNIT_CASE(space_that_is_promised_is_there),
	KUNIT_CASE(largest_entry_is_kept),
	KUNIT_CASE(slot_is_due_in_time),
	KUNIT_CASE(map_stays_small_and_finds),
	{}
};

struct kunit_suite raftlog_wal_suite = {
	.name = "raftlog_wal",
	.exit = wal_fixture_exit,
	.test_cases = wal_cases,
};
