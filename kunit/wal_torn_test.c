// SPDX-License-Identifier: GPL-2.0
/*
 * A write that was under way when the power failed, any subset of its sectors:
 * what was durable before is kept, the write is there whole or not at all, and
 * what it left behind is never mistaken for anything later.
 */
#include <kunit/test.h>

#include "suites.h"
#include "wal/codec.h"
#include "wal_fixture.h"

#define AREA_BYTES (64ull << 10)

static bool by_mask(void *context, u32 sector)
{
	return *(u64 *)context >> sector & 1;
}

static bool before_limit(void *context, u32 sector)
{
	return sector < *(u32 *)context;
}

static bool from_limit(void *context, u32 sector)
{
	return sector >= *(u32 *)context;
}

static bool not_one(void *context, u32 sector)
{
	return sector != *(u32 *)context;
}

static bool by_chance(void *context, u32 sector)
{
	u64 *state = context;

	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 60 & 1;
}

/*
 * Recover the torn log. @whole: all of the write is there. If only padding is
 * missing it counts as whole, too.
 */
static void expect_before_or_after(struct kunit *test, struct wal_fixture *f,
				   bool whole)
{
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	if (whole)
		KUNIT_ASSERT_TRUE(test, wal_fixture_same(&f->found, &f->log));
	else
		KUNIT_ASSERT_TRUE(test,
				  wal_fixture_same(&f->found, &f->log_before) ||
					  wal_fixture_same(&f->found, &f->log));
}

struct shape {
	const char *name;
	u32 block_bytes;
	u32 n_entries;
	u32 bytes;
	u32 lap; /* how often the ring was filled before */
};

static const struct shape shapes[] = {
	{ "one small entry", 512, 1, 10, 0 },
	{ "two sectors", 512, 1, 600, 0 },
	{ "headers and payload apart", 512, 3, 500, 0 },
	{ "many small entries", 512, 30, 16, 0 },
	{ "headers over sectors", 512, 40, 0, 0 },
	{ "one large entry", 512, 1, 5000, 0 },
	{ "large blocks", 4096, 2, 1500, 0 },
	{ "large blocks, large entry", 4096, 1, 9000, 0 },
	{ "over the first lap", 512, 3, 500, 1 },
	{ "over the third lap", 512, 5, 900, 3 },
	{ "large blocks over a lap", 4096, 3, 2000, 2 },
};

static void describe_shape(const struct shape *shape, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", shape->name);
}

KUNIT_ARRAY_PARAM(shape, shapes, describe_shape);

/* A log of some batches that went round the ring @lap times. */
static struct wal_fixture *filled(struct kunit *test, u32 block_bytes, u32 lap)
{
	struct wal_fixture *f = wal_fixture_init(test, block_bytes, AREA_BYTES);
	u32 i, dropped = 0;
	u64 index = 1;

	wal_fixture_format(f, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	for (i = 0; i < 3 || f->w.tail < lap * AREA_BYTES; i++) {
		while (f->w.tail - f->w.head.offset > AREA_BYTES / 2)
			wal_fixture_drop(f, ++dropped, 0);
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append_all(f, index, 1, 2,
						       100 + i * 331 % 2000),
				0);
		index += 2;
	}
	return f;
}

static void append_shape(struct kunit *test, struct wal_fixture *f,
			 const struct shape *shape)
{
	KUNIT_ASSERT_EQ(test,
			wal_fixture_append(f, f->w.last_index + 1, 2,
					   shape->n_entries, shape->bytes),
			0);
}

/* Cut at every sector, missing every sector, and every subset if there are few. */
static void batch_is_torn(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct wal_fixture *f = filled(test, shape->block_bytes, shape->lap);
	u32 i, n_sectors;
	u64 mask;

	append_shape(test, f, shape);
	n_sectors = wal_fixture_sectors(f);
	for (i = 0; i <= n_sectors; i++) {
		expect_before_or_after(test, f,
				       wal_fixture_tear(f, before_limit, &i));
		expect_before_or_after(test, f,
				       wal_fixture_tear(f, from_limit, &i));
		expect_before_or_after(test, f,
				       wal_fixture_tear(f, not_one, &i));
	}
	if (n_sectors <= 8)
		for (mask = 0; mask < 1ull << n_sectors; mask++)
			expect_before_or_after(
				test, f, wal_fixture_tear(f, by_mask, &mask));
	mask = 1;
	for (i = 0; i < 200; i++)
		expect_before_or_after(test, f,
				       wal_fixture_tear(f, by_chance, &mask));
}

/* Each subset of its sectors, over what was in that place before. */
static void slot_is_torn(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 512, 0);
	u32 n_sectors, i;
	u64 mask;

	for (i = 0; i < 6; i++) {
		if (i & 1)
			KUNIT_ASSERT_EQ(test,
					wal_fixture_append(f,
							   f->w.last_index + 1,
							   2 + i, 1, 100),
					0);
		wal_fixture_vote(f, 3 + i, 1 + i % 3);
		n_sectors = wal_fixture_sectors(f);
		KUNIT_ASSERT_LE(test, n_sectors, 16);
		for (mask = 0; mask < 1ull << n_sectors;
		     mask += FIXTURE_SUBSETS_STEP)
			expect_before_or_after(
				test, f, wal_fixture_tear(f, by_mask, &mask));
		wal_fixture_untear(f);
		expect_before_or_after(test, f, true);
		KUNIT_EXPECT_FALSE(test, f->rec.slot_torn);
	}
}

/* A torn write that pieces of a later one make whole, when the log has gone on. */
static void older_slot_may_say_more(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	struct wal_slot slot;
	u8 *older;

	wal_fixture_vote(f, 3, 1);
	older = f->image + f->write.position;
	wal_fixture_vote(f, 4, 2);
	KUNIT_ASSERT_EQ(test, wal_slot_get(&f->super, older, &slot), 0);
	slot.hard_state = (struct wal_hard_state){ 5, 3 };
	wal_slot_put(&f->super, &slot, older);
	wal_fixture_expect_kept(f);
}

/* Everything of a case that the second crash needs again. */
struct saved {
	u8 *image;
	struct wal_writer w;
	struct fixture_log log;
};

static void save(struct saved *saved, const struct wal_fixture *f)
{
	memcpy(saved->image, f->image, f->bytes);
	saved->w = f->w;
	saved->log = f->log;
}

static void load(const struct saved *saved, struct wal_fixture *f)
{
	memcpy(f->image, saved->image, f->bytes);
	f->w = saved->w;
	f->log = saved->log;
}

/*
 * Torn; recovered and opened; a shorter, an equal or a longer batch in its place,
 * torn as well; recovered. Neither the remains of the first nor any mixture of
 * both may be believed or called damage.
 */
static void second_crash(struct kunit *test, struct wal_fixture *f,
			 const struct saved *opened, u32 n_entries, u32 bytes)
{
	u64 chance = n_entries * 1000 + bytes;
	u32 i;

	for (i = 0; i < 12; i++) {
		load(opened, f);
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, f->w.last_index + 1, 3,
						   n_entries, bytes),
				0);
		expect_before_or_after(test, f, true);
		if (i < 4)
			expect_before_or_after(
				test, f, wal_fixture_tear(f, before_limit, &i));
		else if (i < 8)
			expect_before_or_after(
				test, f, wal_fixture_tear(f, from_limit, &i));
		else
			expect_before_or_after(test, f,
					       wal_fixture_tear(f, by_chance,
								&chance));
		/* And goes on, over what both left. */
		KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, f->w.last_index + 1, 4, 1,
						   30),
				0);
		expect_before_or_after(test, f, true);
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, f->w.last_index + 1, 4, 1,
						   30),
				0);
		expect_before_or_after(test, f, true);
	}
}

static struct saved *saved_alloc(struct kunit *test,
				 const struct wal_fixture *f)
{
	struct saved *saved = kunit_kzalloc(test, sizeof(*saved), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, saved);
	saved->image = kunit_kzalloc(test, f->bytes, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, saved->image);
	return saved;
}

static void torn_batch_is_written_over(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	struct wal_fixture *f = filled(test, shape->block_bytes, shape->lap);
	struct saved *base = saved_alloc(test, f);
	struct saved *opened = saved_alloc(test, f);
	u64 chance = 7;
	u32 i;

	save(base, f);
	for (i = 0; i < 8; i++) {
		load(base, f);
		append_shape(test, f, shape);
		if (i < 2)
			wal_fixture_tear(f, before_limit, &(u32){ i + 1 });
		else if (i < 4)
			wal_fixture_tear(f, from_limit, &(u32){ i - 1 });
		else
			wal_fixture_tear(f, by_chance, &chance);
		KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
		save(opened, f);
		second_crash(test, f, opened, 1, 10);
		second_crash(test, f, opened, 1, shape->bytes);
		second_crash(test, f, opened, shape->n_entries, shape->bytes);
		second_crash(test, f, opened, shape->n_entries + 2,
			     shape->bytes);
	}
}

/* Blocks between the tail and the end of the lap. */
static struct wal_fixture *near_lap_end(struct kunit *test, u32 n_blocks)
{
	struct wal_fixture *f = wal_fixture_init(test, 512, AREA_BYTES);
	u64 index = 1;

	wal_fixture_format(f, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	while (f->w.tail < AREA_BYTES - n_blocks * 512)
		KUNIT_ASSERT_EQ(test, wal_fixture_append(f, index++, 1, 1, 300),
				0);
	wal_fixture_drop(f, 60, 0);
	return f;
}

static void append_blocks(struct kunit *test, struct wal_fixture *f, u64 term,
			  u32 n_blocks)
{
	KUNIT_ASSERT_EQ(test,
			wal_fixture_append(f, f->w.last_index + 1, term, 1,
					   n_blocks * 512 - 200),
			0);
	KUNIT_ASSERT_EQ(test, f->write.bytes, n_blocks * 512);
}

/* Its first block parses and says that the rest of the lap was skipped. */
static void torn_skip_is_not_taken(struct kunit *test)
{
	struct wal_fixture *f = near_lap_end(test, 3);

	append_blocks(test, f, 2, 5);
	KUNIT_ASSERT_EQ(test, f->write.position, WAL_AREA_POSITION);
	wal_fixture_tear(f, before_limit, &(u32){ 2 });
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	append_blocks(test, f, 3, 1);
	KUNIT_ASSERT_NE(test, f->write.position, WAL_AREA_POSITION);
	expect_before_or_after(test, f, true);
	append_blocks(test, f, 3, 2);
	expect_before_or_after(test, f, true);
	append_blocks(test, f, 3, 4);
	expect_before_or_after(test, f, true);
}

/* Its first block parses and is where the next batch was skipped from. */
static void torn_batch_is_skipped(struct kunit *test)
{
	struct wal_fixture *f = near_lap_end(test, 4);
	u32 i;

	append_blocks(test, f, 2, 3);
	wal_fixture_tear(f, before_limit, &(u32){ 2 });
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	append_blocks(test, f, 3, 6);
	KUNIT_ASSERT_EQ(test, f->write.position, WAL_AREA_POSITION);
	expect_before_or_after(test, f, true);
	for (i = 0; i <= 6; i++)
		expect_before_or_after(test, f,
				       wal_fixture_tear(f, before_limit, &i));
	append_blocks(test, f, 3, 1);
	expect_before_or_after(test, f, true);
}

/* The same entries again bring just the sector that was missing the first time. */
static void torn_batch_does_not_rise_again(struct kunit *test)
{
	struct wal_fixture *f = filled(test, 512, 0);
	u64 sequence = f->sequence;

	KUNIT_ASSERT_EQ(
		test, wal_fixture_append(f, f->w.last_index + 1, 2, 1, 800), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_sectors(f), 2);
	wal_fixture_tear(f, before_limit, &(u32){ 1 });
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	wal_fixture_vote(f, 2, 1);
	f->sequence = sequence;
	KUNIT_ASSERT_EQ(
		test, wal_fixture_append(f, f->w.last_index + 1, 2, 1, 800), 0);
	wal_fixture_tear(f, from_limit, &(u32){ 1 });
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_TRUE(test, wal_fixture_same(&f->found, &f->log_before));
}

/**
 * struct life - what a node does to its WAL between its crashes
 * @f: the WAL
 * @chance: state of the generator
 * @committed: entries up to here are not replaced
 * @appended: the newest write is a batch
 */
struct life {
	struct wal_fixture *f;
	u64 chance;
	u64 committed;
	bool appended;
};

static u32 pick(struct life *life, u32 n)
{
	by_chance(&life->chance, 0);
	return (life->chance >> 33) % n;
}

static int life_append(struct life *life, u64 first_index)
{
	struct wal_fixture *f = life->f;
	u64 term = max_t(u64, f->w.hard_state.current_term, 1);
	int ret = wal_fixture_append(f, first_index, term + !pick(life, 3),
				     1 + pick(life, 3), pick(life, 1400));

	life->appended |= !ret;
	return ret;
}

static void life_free(struct life *life)
{
	u64 index = life->f->log.prev_index + 1 + pick(life, 20);

	if (wal_fixture_trim(life->f, min(index, life->committed)))
		life->appended = false;
}

static void life_act(struct life *life)
{
	struct wal_fixture *f = life->f;
	u64 term = f->w.hard_state.current_term;
	u64 last_index = f->w.last_index;

	switch (pick(life, 10)) {
	case 0:
		wal_fixture_vote(f, term + 1, pick(life, 3));
		life->appended = false;
		break;
	case 1:
		if (last_index > life->committed)
			life_append(life, last_index);
		break;
	case 2:
		life_free(life);
		break;
	default:
		if (life_append(life, last_index + 1))
			life_free(life);
		break;
	}
	if (f->w.last_index > life->committed + 4)
		life->committed = f->w.last_index - 4;
}

/* The write under way may be the slot that opening writes, too. */
static void life_crash(struct kunit *test, struct life *life)
{
	struct wal_fixture *f = life->f;
	bool whole = wal_fixture_tear(f, by_chance, &life->chance);

	expect_before_or_after(test, f, whole);
	if (life->appended && f->rec.tail != f->w.tail)
		f->n_batches--;
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	life->appended = false;
}

static void long_life(struct kunit *test)
{
	struct life life = {
		.f = filled(test, 512, 0),
		.chance = 1,
	};
	u32 i;

	for (i = 0; i < 6000; i++) {
		life_act(&life);
		while (!pick(&life, 4))
			life_crash(test, &life);
	}
	KUNIT_EXPECT_GT(test, life.f->w.tail, 20 * AREA_BYTES);
}

static struct kunit_case wal_torn_cases[] = {
	KUNIT_CASE_PARAM(batch_is_torn, shape_gen_params),
	KUNIT_CASE(slot_is_torn),
	KUNIT_CASE(older_slot_may_say_more),
	KUNIT_CASE_PARAM(torn_batch_is_written_over, shape_gen_params),
	KUNIT_CASE(torn_skip_is_not_taken),
	KUNIT_CASE(torn_batch_is_skipped),
	KUNIT_CASE(torn_batch_does_not_rise_again),
	KUNIT_CASE(long_life),
	{}
};

struct kunit_suite raftlog_wal_torn_suite = {
	.name = "raftlog_wal_torn",
	.exit = wal_fixture_exit,
	.test_cases = wal_torn_cases,
};
