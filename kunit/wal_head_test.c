// SPDX-License-Identifier: GPL-2.0
/* Where the log begins: entries that go, and logs that begin anew. */
#include "wal_fixture.h"

enum { AREA_BYTES = 64 << 10 };

/* Batches of two entries, the last one index 2 * n + 1. */
static struct wal_fixture *filled(struct kunit *test, u32 n, u32 bytes)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u32 i;

	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(
			test, wal_fixture_append(f, 2 + 2 * i, 1, 2, bytes), 0);
	return f;
}

static void nothing_goes_of_an_empty_log(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_init(test, 512, AREA_BYTES);

	wal_fixture_format(f, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_EQ(test, wal_head_find(&f->w, &f->map, 0), 0);
	KUNIT_EXPECT_EQ(test, wal_head_find(&f->w, &f->map, 100), 0);
}

/* What is needed stays, and what goes does not come back. */
static void head_moves_to_where_a_batch_begins(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 12, 2000);
	u64 index;

	index = wal_fixture_trim(f, 12);
	KUNIT_EXPECT_GT(test, index, 0);
	KUNIT_EXPECT_LE(test, index, 12);
	KUNIT_EXPECT_EQ(test, index & 1, 1);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, index, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, index + 1, 1), 0);
	wal_fixture_expect_kept(f);
	wal_fixture_expect_head(f, index, 1);
	/* Not twice, and not back. */
	KUNIT_EXPECT_EQ(test, wal_head_find(&f->w, &f->map, index), 0);
	KUNIT_EXPECT_EQ(test, wal_head_find(&f->w, &f->map, 3), 0);
}

static void all_of_the_log_can_go(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 5, 600);

	KUNIT_EXPECT_EQ(test, wal_fixture_trim(f, 11), 11);
	KUNIT_EXPECT_EQ(test, f->w.head.offset, f->w.tail);
	wal_fixture_expect_kept(f);
	wal_fixture_expect_head(f, 11, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	wal_fixture_expect_head(f, 11, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 12, 3, 2, 100), 0);
	wal_fixture_expect_kept(f);
	wal_fixture_expect_head(f, 11, 1);
}

/* The newest stay, as much as is asked for, and not much more. */
static void newest_of_the_log_is_kept(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 12, 2000);
	const u64 bytes = 20000;
	u64 index = wal_head_behind(&f->w, &f->map, bytes);

	KUNIT_ASSERT_GT(test, index, 0);
	KUNIT_EXPECT_EQ(test, wal_fixture_trim(f, index), index);
	KUNIT_EXPECT_GE(test, f->w.tail - f->w.head.offset, bytes);
	KUNIT_EXPECT_LT(test, f->w.tail - f->w.head.offset, bytes + 10000);
	/* It is no more than that now. */
	KUNIT_EXPECT_EQ(test, wal_head_behind(&f->w, &f->map, bytes), 0);
	KUNIT_EXPECT_EQ(test, wal_head_behind(&f->w, &f->map, 1 << 20), 0);
	wal_fixture_expect_kept(f);
}

/* What was lost takes more room than there is for it to come again. */
static void damage_gives_its_room_back(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 13, 2000);
	const u64 bytes = AREA_BYTES / 4 * 3, space = wal_space_bytes(&f->w);
	u64 index, last_index = f->w.last_index;

	KUNIT_EXPECT_EQ(test, wal_gap_bytes(&f->w), 0);
	wal_fixture_vote(f, 2, 1);
	f->image[WAL_AREA_POSITION + f->batches[2].offset + 9] ^= 1;
	f->take_damage = true;
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.last_index, 3);
	KUNIT_EXPECT_EQ(test, wal_space_bytes(&f->w), space);
	KUNIT_EXPECT_GT(test, wal_gap_bytes(&f->w), space);
	/* All of what is left goes with it, or what came again stays. */
	KUNIT_EXPECT_EQ(test, wal_head_past_gap(&f->w, &f->map, bytes), 3);
	for (index = 4;; index++)
		if (wal_fixture_append(f, index, 2, 1, 2000))
			break;
	KUNIT_EXPECT_LT(test, index, last_index);
	KUNIT_EXPECT_EQ(test, wal_head_past_gap(&f->w, &f->map, bytes), 3);
	KUNIT_EXPECT_EQ(test, wal_head_past_gap(&f->w, &f->map, 1 << 20), 0);
	KUNIT_EXPECT_EQ(test, wal_head_past_gap(&f->w, &f->map, 512), 0);
	KUNIT_EXPECT_EQ(test, wal_fixture_trim(f, 3), 3);
	KUNIT_EXPECT_EQ(test, wal_gap_bytes(&f->w), 0);
	for (; index <= last_index; index++)
		KUNIT_ASSERT_EQ(test, wal_fixture_append(f, index, 2, 1, 2000),
				0);
	f->take_damage = false;
	wal_fixture_expect_kept(f);
}

static void full_log_has_room_again(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 0, 0);
	u64 index, space;
	u32 laps, i;

	for (laps = 0; laps < 20; laps++) {
		for (i = 0; !wal_fixture_append(f, f->w.last_index + 1, 1, 1,
						700 + 100 * (i % 7));
		     i++)
			;
		space = wal_space_bytes(&f->w);
		index = wal_fixture_trim(f, f->w.last_index - laps % 5);
		KUNIT_ASSERT_GT(test, index, 0);
		KUNIT_ASSERT_GT(test, wal_space_bytes(&f->w), space);
		wal_fixture_expect_kept(f);
		for (index++; index <= f->w.last_index; index++)
			KUNIT_ASSERT_EQ(test, wal_fixture_lookup(f, index, 1),
					0);
	}
}

/* Room is given when the slot is durable, not before. */
static void room_waits_for_the_slot(struct kunit *test)
{
	const struct wal_configuration configuration = { .data = "" };
	struct wal_fixture *f = filled(test, 12, 2000);
	u64 space = wal_space_bytes(&f->w);
	u64 index = wal_head_find(&f->w, &f->map, 20);

	KUNIT_ASSERT_EQ(test,
			wal_head_move(&f->w, &f->map, index, 1, &configuration),
			0);
	KUNIT_EXPECT_EQ(test, wal_space_bytes(&f->w), space);
	wal_fixture_vote(f, 2, 1);
	KUNIT_EXPECT_GT(test, wal_space_bytes(&f->w), space + 20000);
}

static void batch_that_is_forgotten_is_no_head(struct kunit *test)
{
	const struct wal_configuration configuration = { .data = "" };
	struct wal_fixture *f = filled(test, 12, 2000);
	const struct wal_head head = f->w.new_head;
	u64 index = wal_head_find(&f->w, &f->map, 12);

	KUNIT_ASSERT_GT(test, index, 0);
	KUNIT_EXPECT_EQ(test,
			wal_head_move(&f->w, &f->map, index + 1, 1,
				      &configuration),
			-ENOENT);
	KUNIT_EXPECT_EQ(test,
			wal_head_move(&f->w, &f->map, f->w.last_index + 1, 1,
				      &configuration),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, memcmp(&head, &f->w.new_head, sizeof(head)), 0);
}

static void configuration_has_a_limit(struct kunit *test)
{
	const struct wal_configuration configuration = {
		.index = 1,
		.data = "",
		.bytes = WAL_CONFIGURATION_BYTES_MAX + 1,
	};
	struct wal_fixture *f = filled(test, 3, 100);

	KUNIT_EXPECT_EQ(test,
			wal_head_move(&f->w, &f->map, 7, 1, &configuration),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, wal_writer_discard(&f->w, 9, 1, &configuration),
			-EINVAL);
	wal_fixture_expect_kept(f);
}

/*
 * Entries of an older term, replaced since, lie behind the batch that an index was in
 * first: the log must not begin there, or what comes next is older than the head.
 */
static void head_passes_what_was_replaced(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 6, 900);
	u64 index;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 6, 2, 2, 900), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 8, 2, 8, 900), 0);
	index = wal_fixture_trim(f, 9);
	KUNIT_EXPECT_GE(test, index, 5);
	wal_fixture_expect_kept(f);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 16, 2, 1, 10), 0);
	wal_fixture_expect_kept(f);
}

static void log_begins_anew(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 5, 600);

	wal_fixture_vote(f, 4, 2);
	wal_fixture_discard(f, 100, 3);
	wal_fixture_expect_kept(f);
	wal_fixture_expect_head(f, 100, 3);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, 5, 1), -ENOENT);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 101, 4, 3, 200), 0);
	wal_fixture_expect_kept(f);
	KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, 102, 4), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	wal_fixture_expect_head(f, 100, 3);
	KUNIT_EXPECT_EQ(test, f->log.last_index, 103);
}

/* As happens to a server whose own log is longer, and of no use. */
static void log_begins_anew_before_its_end(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 5, 600);

	wal_fixture_vote(f, 4, 2);
	wal_fixture_discard(f, 6, 3);
	wal_fixture_expect_kept(f);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 7, 4, 3, 200), 0);
	wal_fixture_expect_kept(f);
	wal_fixture_expect_head(f, 6, 3);
}

/* Nothing may come in between: the log on disk still is the old one. */
static void no_batch_before_the_slot_of_a_new_log(struct kunit *test)
{
	const struct wal_configuration configuration = { .data = "" };
	struct wal_fixture *f = filled(test, 5, 600);
	struct wal_batch batch;

	KUNIT_ASSERT_EQ(test, wal_writer_discard(&f->w, 100, 1, &configuration),
			0);
	KUNIT_EXPECT_EQ(test, wal_batch_begin(&batch, &f->w, 101), -EINVAL);
}

static bool among(void *context, u32 sector)
{
	return *(u32 *)context >> sector & 1;
}

static void expect_old_or_new(struct kunit *test, struct wal_fixture *f,
			      bool whole)
{
	bool is_new;

	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	is_new = wal_fixture_same(&f->found, &f->log);
	if (whole)
		KUNIT_EXPECT_TRUE(test, is_new);
	else if (!is_new)
		KUNIT_EXPECT_TRUE(test,
				  wal_fixture_same(&f->found, &f->log_before));
	if (is_new)
		wal_fixture_expect_head(f, f->log.prev_index, 1);
	else
		KUNIT_EXPECT_EQ(test, f->rec.slot.configuration.index, 0);
}

/* Every subset of the sectors that a configuration spreads over. */
static void expect_atomic(struct kunit *test, struct wal_fixture *f)
{
	u32 mask;

	for (mask = 0; mask < 1 << wal_fixture_sectors(f);
	     mask += FIXTURE_SUBSETS_STEP)
		expect_old_or_new(test, f, wal_fixture_tear(f, among, &mask));
}

static void moved_head_is_torn(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 12, 2000);

	KUNIT_ASSERT_GT(test, wal_fixture_trim(f, 20), 0);
	expect_atomic(test, f);
}

static void new_log_is_torn(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 12, 2000);

	wal_fixture_discard(f, 70, 1);
	expect_atomic(test, f);
}

/* Either copy of a slot has the configuration. */
static void configuration_survives_a_bad_copy(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 5, 600);
	u32 copy, at;

	wal_fixture_discard(f, 70, 1);
	for (copy = 0; copy < WAL_SLOT_COPIES; copy++) {
		for (at = 0; at < 2900; at += 100) {
			u8 *byte = f->image + f->write.position +
				   copy * WAL_SLOT_COPY_BYTES + at;

			*byte ^= 0x10;
			KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
			wal_fixture_expect_head(f, 70, 1);
			KUNIT_EXPECT_TRUE(test, f->rec.slot_torn);
			*byte ^= 0x10;
		}
	}
}

/* What damage took is made up for by a log that begins behind it. */
static void new_log_makes_up_for_damage(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 12, 2000);
	u64 position;

	f->take_damage = true;
	wal_fixture_vote(f, 2, 0);
	position = WAL_AREA_POSITION + f->batches[4].offset;
	memset(f->image + position, 0, 512);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.lost.index, 25);
	KUNIT_EXPECT_EQ(test, f->w.last_index, f->batches[4].prev_index);

	wal_fixture_discard(f, 20, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.lost.index, 25);
	wal_fixture_discard(f, 25, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.lost.index, 0);
	KUNIT_EXPECT_FALSE(test, f->rec.slot.gaps[0].to);
}

/* Damage right behind the head: the log ends where it begins. */
static void damage_at_a_moved_head(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 12, 2000);
	u64 index = wal_fixture_trim(f, 12);

	KUNIT_ASSERT_GT(test, index, 0);
	f->take_damage = true;
	memset(f->image + WAL_AREA_POSITION + f->w.head.offset, 0, 512);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	wal_fixture_expect_head(f, index, 1);
	KUNIT_EXPECT_EQ(test, f->w.last_index, index);
	KUNIT_EXPECT_EQ(test, f->w.last_term, 1);
	KUNIT_EXPECT_EQ(test, f->w.lost.index, 25);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, index + 1, 2, 2, 100), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_TRUE(test, wal_fixture_same(&f->found, &f->log));
	wal_fixture_expect_head(f, index, 1);
}

static struct kunit_case wal_head_cases[] = {
	KUNIT_CASE(nothing_goes_of_an_empty_log),
	KUNIT_CASE(head_moves_to_where_a_batch_begins),
	KUNIT_CASE(all_of_the_log_can_go),
	KUNIT_CASE(newest_of_the_log_is_kept),
	KUNIT_CASE(damage_gives_its_room_back),
	KUNIT_CASE(full_log_has_room_again),
	KUNIT_CASE(room_waits_for_the_slot),
	KUNIT_CASE(batch_that_is_forgotten_is_no_head),
	KUNIT_CASE(configuration_has_a_limit),
	KUNIT_CASE(head_passes_what_was_replaced),
	KUNIT_CASE(log_begins_anew),
	KUNIT_CASE(log_begins_anew_before_its_end),
	KUNIT_CASE(no_batch_before_the_slot_of_a_new_log),
	KUNIT_CASE(moved_head_is_torn),
	KUNIT_CASE(new_log_is_torn),
	KUNIT_CASE(configuration_survives_a_bad_copy),
	KUNIT_CASE(new_log_makes_up_for_damage),
	KUNIT_CASE(damage_at_a_moved_head),
	{}
};

struct kunit_suite raftlog_wal_head_suite = {
	.name = "raftlog_wal_head",
	.exit = wal_fixture_exit,
	.test_cases = wal_head_cases,
};
