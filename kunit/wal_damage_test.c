// SPDX-License-Identifier: GPL-2.0
/* What is damaged, foreign or made up is refused, or cut if it was never durable. */
#include <kunit/test.h>

#include "suites.h"
#include "wal/codec.h"
#include "wal_fixture.h"

#define AREA_BYTES (64ull << 10)

enum harm {
	HARM_NOTHING,
	HARM_ZEROS, /* all of it */
	HARM_NOISE, /* a byte of it */
	HARM_VERSION, /* a newer one, checksum right */
	HARM_INCARNATION, /* none, checksum right */
};

struct superblock_case {
	const char *name;
	enum harm harm[2];
	int ret;
};

static const struct superblock_case superblock_cases[] = {
	{ "both good", { HARM_NOTHING, HARM_NOTHING }, 0 },
	{ "first bad", { HARM_NOISE, HARM_NOTHING }, 0 },
	{ "second bad", { HARM_NOTHING, HARM_NOISE }, 0 },
	{ "first zero", { HARM_ZEROS, HARM_NOTHING }, 0 },
	{ "second zero", { HARM_NOTHING, HARM_ZEROS }, 0 },
	{ "both bad", { HARM_NOISE, HARM_NOISE }, -EUCLEAN },
	{ "bad and zero", { HARM_NOISE, HARM_ZEROS }, -EUCLEAN },
	{ "both zero", { HARM_ZEROS, HARM_ZEROS }, -ENODATA },
	{ "newer", { HARM_VERSION, HARM_VERSION }, -EPROTONOSUPPORT },
	{ "newer, second bad", { HARM_VERSION, HARM_NOISE }, -EPROTONOSUPPORT },
	{ "no incarnation", { HARM_INCARNATION, HARM_INCARNATION }, -EUCLEAN },
	{ "first has none", { HARM_INCARNATION, HARM_NOTHING }, 0 },
	{ "newer, first bad", { HARM_NOISE, HARM_VERSION }, -EPROTONOSUPPORT },
};

static void describe_superblock(const struct superblock_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(superblock, superblock_cases, describe_superblock);

static void harm_superblock(u8 *copy, enum harm harm)
{
	struct wal_disk_superblock disk;

	memcpy(&disk, copy, sizeof(disk));
	switch (harm) {
	case HARM_NOTHING:
		return;
	case HARM_ZEROS:
		memset(&disk, 0, sizeof(disk));
		break;
	case HARM_NOISE:
		disk.reserved[77] ^= 1;
		break;
	case HARM_VERSION:
		disk.version = cpu_to_le32(WAL_FORMAT_VERSION + 1);
		break;
	case HARM_INCARNATION:
		disk.incarnation = 0;
		break;
	}
	if (harm == HARM_VERSION || harm == HARM_INCARNATION) {
		disk.crc = 0;
		disk.crc = cpu_to_le32(crc32c(~0u, &disk, sizeof(disk)));
	}
	memcpy(copy, &disk, sizeof(disk));
}

static void superblock_is_refused_or_used(struct kunit *test)
{
	const struct superblock_case *c = test->param_value;
	struct wal_fixture *f = wal_fixture_init(test, 512, AREA_BYTES);
	struct wal_superblock super;
	struct wal_write write;
	int ret;

	wal_fixture_format(f, 1);
	harm_superblock(f->image + WAL_SUPERBLOCK_POSITION_0, c->harm[0]);
	harm_superblock(f->image + WAL_SUPERBLOCK_POSITION_1, c->harm[1]);
	ret = wal_superblock_decode(&super,
				    f->image + WAL_SUPERBLOCK_POSITION_0,
				    f->image + WAL_SUPERBLOCK_POSITION_1);
	KUNIT_EXPECT_EQ(test, ret, c->ret);
	if (ret)
		return;
	KUNIT_EXPECT_EQ(test, super.area_bytes, AREA_BYTES);
	KUNIT_EXPECT_EQ(test, super.bad, c->harm[0] || c->harm[1]);
	/* Written anew it is as good as the other. */
	wal_superblock_encode(&super, 0, f->staging, &write);
	if (super.bad)
		memcpy(f->image + write.position, write.data, write.bytes);
	KUNIT_EXPECT_EQ(test,
			wal_superblock_decode(
				&super, f->image + WAL_SUPERBLOCK_POSITION_0,
				f->image + WAL_SUPERBLOCK_POSITION_1),
			0);
	KUNIT_EXPECT_FALSE(test, super.bad);
}

/* A crash while it is made leaves no WAL, or a good one. */
static void half_made_is_none(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_init(test, 512, AREA_BYTES);
	struct wal_write write;
	unsigned int i;

	for (i = 0; i < WAL_FORMAT_WRITES; i++) {
		KUNIT_EXPECT_EQ(test, wal_fixture_recover(f),
				i < 5 ? -ENODATA : 0);
		wal_format_encode(&f->super, i, f->staging, &write);
		memcpy(f->image + write.position, write.data, write.bytes);
	}
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), 0);
}

/* What was there is whole, with its newest vote, or it is gone. */
static void half_made_over_another_is_either(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	struct wal_superblock super = f->super;
	struct wal_write write;
	unsigned int i, n_votes;
	u8 *old = kunit_kzalloc(test, WAL_AREA_POSITION, GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, old);
	super.incarnation++;
	memset(super.uuid, 2, sizeof(super.uuid));
	/* The newest slot is in either place. */
	for (n_votes = 1; n_votes <= 2; n_votes++) {
		u64 n_old = 0;

		wal_fixture_vote(f, 4 + n_votes, n_votes);
		memcpy(old, f->image, WAL_AREA_POSITION);
		for (i = 0; i < WAL_FORMAT_WRITES; i++) {
			wal_format_encode(&super, i, f->staging, &write);
			memcpy(f->image + write.position, write.data,
			       write.bytes);
			if (wal_fixture_recover(f))
				continue;
			if (f->rec.super.incarnation == super.incarnation) {
				KUNIT_EXPECT_EQ(test, f->rec.last_index, 0);
				continue;
			}
			n_old++;
			KUNIT_EXPECT_TRUE(test, wal_fixture_same(&f->found,
								 &f->log));
		}
		KUNIT_EXPECT_EQ(test, n_old, 1);
		KUNIT_EXPECT_EQ(test, f->rec.super.incarnation,
				super.incarnation);
		memcpy(f->image, old, WAL_AREA_POSITION);
	}
}

static void unusable_file_is_refused(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	f->bytes--;
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), -EUCLEAN);
	f->bytes++;
	KUNIT_EXPECT_EQ(test,
			wal_recovery_init(&f->rec, &f->super, f->bytes, 4096,
					  NULL, f->buf, f->buf_bytes),
			-EINVAL);
	KUNIT_EXPECT_EQ(test,
			wal_recovery_init(&f->rec, &f->super, f->bytes, 512,
					  NULL, f->buf, f->buf_bytes - 1),
			-EINVAL);
}

/* Not the newest: the slot that is being written can tear. */
static void torn_slot_leaves_the_other(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 term;

	for (term = 2; term < 8; term++) {
		u8 *slot;

		wal_fixture_vote(f, term, 2);
		slot = f->image + f->write.position;
		memset(slot, 0x5a, WAL_SLOT_WRITE_BYTES);
		KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
		KUNIT_EXPECT_TRUE(test, f->rec.slot_torn);
		KUNIT_EXPECT_TRUE(test,
				  wal_fixture_same(&f->found, &f->log_before));
		memset(slot, 0, WAL_SLOT_WRITE_BYTES);
		KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
		KUNIT_EXPECT_TRUE(test,
				  wal_fixture_same(&f->found, &f->log_before));

		/* Opened with one slot, it has two again. */
		if (term & 1)
			KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
		else
			wal_fixture_untear(f);
		KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
		KUNIT_EXPECT_FALSE(test, f->rec.slot_torn);
	}
}

/* Whichever block of the newest slot goes bad, nothing is lost. */
static void bad_block_of_a_slot_is_harmless(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 4096, AREA_BYTES);
	u64 slot, at;
	u32 i;

	/* The newest write is a slot, and then a batch; in either place. */
	for (i = 0; i < 4; i++) {
		wal_fixture_vote(f, 2 + i, 2);
		slot = f->write.position;
		if (i & 2)
			KUNIT_ASSERT_EQ(test,
					wal_fixture_append(f, i, 2 + i, 1, 9),
					0);
		for (at = 0; at < WAL_SLOT_WRITE_BYTES; at += 4096) {
			memset(f->image + slot + at, 0x5a, 4096);
			wal_fixture_expect_kept(f);
			KUNIT_EXPECT_TRUE(test, f->rec.slot_torn);
			memset(f->image + slot + at, 0, 4096);
			wal_fixture_expect_kept(f);
			memcpy(f->image + slot + at,
			       f->image + slot + (at ? 0 : 4096), 4096);
		}
		wal_fixture_expect_kept(f);
		KUNIT_EXPECT_FALSE(test, f->rec.slot_torn);
	}
}

static void lost_slot_is_noticed(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 position;

	wal_fixture_vote(f, 2, 2);
	position = f->write.position;
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 1, 9), 0);
	f->image[position + 9] ^= 1;
	f->image[position + WAL_SLOT_COPY_BYTES + 9] ^= 1;
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), -EUCLEAN);
	memset(f->image + WAL_SLOT_POSITION_0, 0x5a, WAL_SLOT_WRITE_BYTES);
	memset(f->image + WAL_SLOT_POSITION_1, 0x5a, WAL_SLOT_WRITE_BYTES);
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), -EUCLEAN);
	KUNIT_EXPECT_EQ(test, f->rec.damage.offset, U64_MAX);
	/* An error is final. */
	KUNIT_EXPECT_EQ(test, wal_recovery_next(&f->rec, &(struct wal_step){}),
			-EUCLEAN);
}

/* Of batches of one block: how much is left where, when the head moves. */
struct end_case {
	const char *name;
	u32 n_blocks; /* left of the ring, too few for the next batch */
	u32 head; /* first batch of the log */
};

static const struct end_case end_cases[] = {
	{ "skips the rest of the lap", 2, 0 },
	{ "fills the lap", 0, 0 },
	{ "fills the ring", 0, 10 },
};

static void describe_end(const struct end_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(end, end_cases, describe_end);

/* The head moved, and the only batch since then is where it had been. */
static void lost_slot_of_a_full_log_is_noticed(struct kunit *test)
{
	const struct end_case *c = test->param_value;
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 end = AREA_BYTES + c->head * 512, slot;

	wal_fixture_vote(f, 1, 1);
	while (f->w.tail < end - c->n_blocks * 512) {
		if (f->w.tail == AREA_BYTES)
			wal_fixture_drop(f, c->head, 0);
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, f->w.last_index + 1, 1, 1,
						   300),
				0);
	}
	wal_fixture_drop(f, 60, 0);
	slot = f->write.position;
	KUNIT_ASSERT_EQ(test,
			wal_fixture_append(f, f->w.last_index + 1, 1, 1, 1300),
			0);
	KUNIT_ASSERT_EQ(test, f->batches[f->n_batches - 1].offset, end);
	wal_fixture_expect_kept(f);
	memset(f->image + slot, 0x5a, WAL_SLOT_WRITE_BYTES);
	f->take_damage = true;
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), -EUCLEAN);
	KUNIT_EXPECT_STREQ(test, f->rec.damage.reason, "a slot was lost");
}

static void swapped_slots_are_noticed(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	memcpy(f->staging, f->image + WAL_SLOT_POSITION_0,
	       WAL_SLOT_WRITE_BYTES);
	memcpy(f->image + WAL_SLOT_POSITION_0, f->image + WAL_SLOT_POSITION_1,
	       WAL_SLOT_WRITE_BYTES);
	memcpy(f->image + WAL_SLOT_POSITION_1, f->staging,
	       WAL_SLOT_WRITE_BYTES);
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), -EUCLEAN);
}

/* A write of a slot that went to the other place: the vote before it is gone. */
static void misdirected_slot_is_noticed(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 newest, other;

	wal_fixture_vote(f, 2, 2);
	newest = f->write.position;
	other = WAL_SLOT_POSITION_0 + WAL_SLOT_POSITION_1 - newest;
	/* Of a slot that is older one copy does no harm. */
	memcpy(f->image + newest, f->image + other, WAL_SLOT_COPY_BYTES);
	wal_fixture_expect_kept(f);
	KUNIT_EXPECT_TRUE(test, f->rec.slot_torn);
	wal_fixture_untear(f);
	wal_fixture_vote(f, 3, 1);
	memcpy(f->image + newest, f->image + other, WAL_SLOT_COPY_BYTES);
	memcpy(f->image + other, f->before, WAL_SLOT_WRITE_BYTES);
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), -EUCLEAN);
	memcpy(f->image + newest, f->written, WAL_SLOT_WRITE_BYTES);
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), -EUCLEAN);
	KUNIT_EXPECT_EQ(test, f->rec.damage.offset, U64_MAX);
}

/* What was durable is known to be lost, and where the log ended. */
static void expect_lost(struct wal_fixture *f, u64 last_index, u64 lost_index,
			u64 lost_term)
{
	KUNIT_ASSERT_EQ(f->test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_EQ(f->test, f->rec.last_index, last_index);
	KUNIT_EXPECT_EQ(f->test, f->rec.lost.index, lost_index);
	KUNIT_EXPECT_EQ(f->test, f->rec.lost.term, lost_term);
	KUNIT_EXPECT_EQ(f->test, f->rec.tail, f->w.tail);
	KUNIT_EXPECT_EQ(f->test, f->rec.number, f->w.number);
	KUNIT_EXPECT_EQ(f->test, f->rec.hard_state.current_term,
			f->w.hard_state.current_term);
	KUNIT_EXPECT_EQ(f->test, f->rec.hard_state.voted_for,
			f->w.hard_state.voted_for);
}

/* Every byte of the log that means something, and every batch but the last. */
static void damage_in_the_log_is_a_gap(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 at, end;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 400), 0);
	end = f->w.tail;
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 5, 2, 1, 10), 0);
	f->take_damage = true;
	for (at = 0; at < end; at++) {
		u8 *byte = f->image + WAL_AREA_POSITION + at;
		bool padding = (at >= 80 + 56 + 40 && at < 512) ||
			       at >= 512 + 80 + 3 * 56 + 3 * 400;

		*byte ^= 0x10;
		if (!padding) {
			expect_lost(f, at < 512 ? 0 : 1, 5, 2);
			KUNIT_EXPECT_NOT_NULL(test, f->rec.damage.reason);
			KUNIT_EXPECT_EQ(test, f->rec.damage.position,
					WAL_AREA_POSITION +
						(at < 512 ? 0 : 512));
		}
		*byte ^= 0x10;
	}
	f->take_damage = false;
	wal_fixture_expect_kept(f);
}

static void damage_names_entries(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 400), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 5, 2, 1, 10), 0);
	f->take_damage = true;
	/* Header good. */
	f->image[WAL_AREA_POSITION + 512 + 1000] ^= 1;
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.damage.offset, 512);
	KUNIT_EXPECT_EQ(test, f->rec.damage.first_index, 2);
	KUNIT_EXPECT_EQ(test, f->rec.damage.last_index, 5);
	/* Header bad, too. */
	f->image[WAL_AREA_POSITION + 512] ^= 1;
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.damage.first_index, 2);
	KUNIT_EXPECT_EQ(test, f->rec.damage.last_index, 5);
}

static void damage_batch(struct wal_fixture *f, u32 i)
{
	f->image[WAL_AREA_POSITION +
		 f->batches[i].offset % f->super.area_bytes + 9] ^= 1;
}

/* It is remembered until the log reaches as far again, and then forgotten. */
static void gap_is_passed_over_from_then_on(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 index;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 400), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 5, 2, 2, 10), 0);
	wal_fixture_vote(f, 3, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 7, 3, 1, 10), 0);
	damage_batch(f, 1);
	f->take_damage = true;
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	expect_lost(f, 1, 7, 3);
	KUNIT_EXPECT_NULL(test, f->rec.damage.reason);
	/* What comes again from the leader. */
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 5, 10), 0);
	expect_lost(f, 6, 7, 3);
	KUNIT_EXPECT_NULL(test, f->rec.damage.reason);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	expect_lost(f, 6, 7, 3);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 7, 3, 1, 10), 0);
	f->take_damage = false;
	wal_fixture_expect_kept(f);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	wal_fixture_expect_kept(f);
	for (index = 1; index <= 7; index++)
		KUNIT_EXPECT_EQ(test,
				wal_fixture_lookup(f, index,
						   f->log.entries[index].term),
				0);
}

/* What cannot be read once costs nothing until something is written. */
static void recovery_changes_nothing(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	struct wal_batch batch;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 400), 0);
	wal_fixture_vote(f, 3, 1);
	KUNIT_EXPECT_FALSE(test, wal_slot_behind(&f->w));
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 5, 3, 1, 10), 0);
	KUNIT_EXPECT_TRUE(test, wal_slot_behind(&f->w));
	damage_batch(f, 1);
	f->take_damage = true;
	expect_lost(f, 1, 5, 3);
	wal_writer_init(&f->w, &f->rec);
	/* Nor by a stop in order, and the first batch has to wait. */
	KUNIT_EXPECT_FALSE(test, wal_slot_behind(&f->w));
	KUNIT_EXPECT_EQ(test, wal_batch_begin(&batch, &f->w, 2), -EINVAL);
	damage_batch(f, 1);
	f->take_damage = false;
	wal_fixture_expect_kept(f);
}

/* Nobody appends after a power cut: what was acknowledged is known to be there. */
static void opened_log_says_where_it_ends(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 at, damaged;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 400), 0);
	damaged = f->write.position + 1000;
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	wal_writer_init(&f->w, &f->rec);
	KUNIT_EXPECT_TRUE(test, wal_slot_stale(&f->w));
	/* Until then it is cut like a torn one. */
	f->image[damaged] ^= 1;
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.last_index, 1);
	KUNIT_EXPECT_GT(test, f->rec.torn_bytes, 0);
	f->image[damaged] ^= 1;

	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_FALSE(test, wal_slot_stale(&f->w));
	KUNIT_EXPECT_FALSE(test, wal_slot_behind(&f->w));
	/* Opened once more, that is so already. */
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	wal_writer_init(&f->w, &f->rec);
	KUNIT_EXPECT_FALSE(test, wal_slot_stale(&f->w));
	/* Unless a copy of it is bad, or of the one before it. */
	for (at = WAL_SLOT_POSITION_0;
	     at < WAL_SLOT_POSITION_1 + WAL_SLOT_WRITE_BYTES;
	     at += WAL_SLOT_COPY_BYTES) {
		f->image[at + 9] ^= 1;
		KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
		wal_writer_init(&f->w, &f->rec);
		KUNIT_EXPECT_TRUE(test, wal_slot_stale(&f->w));
		f->image[at + 9] ^= 1;
	}
	f->image[damaged] ^= 1;
	f->take_damage = true;
	expect_lost(f, 1, 4, 2);
	KUNIT_EXPECT_NOT_NULL(test, f->rec.damage.reason);
	KUNIT_EXPECT_EQ(test, f->rec.torn_bytes, 0);
	/* A gap is not made to last for this. */
	wal_writer_init(&f->w, &f->rec);
	KUNIT_EXPECT_FALSE(test, wal_slot_stale(&f->w));
}

/* One block, n_large times three and n_small times one, of 128 in a lap. */
struct head_case {
	const char *name;
	u32 n_large, n_small;
};

static const struct head_case head_cases[] = {
	{ "within a lap", 38, 0 },
	{ "the next batch skips the rest of the lap", 41, 2 },
	{ "at the end of the lap", 41, 4 },
};

static void describe_head(const struct head_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(head, head_cases, describe_head);

/* Nothing is left in front of it, and what was lost would not fit behind it. */
static void gap_at_the_head_gives_its_room_back(struct kunit *test)
{
	const struct head_case *c = test->param_value;
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 n_small = 1 + c->n_small, last_index = n_small + c->n_large;
	u64 index, tail;

	for (index = 2; index <= last_index; index++)
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, index, 1, 1,
						   index <= n_small ? 40 : 900),
				0);
	tail = f->w.tail;
	KUNIT_ASSERT_EQ(test, tail, (n_small + 3 * c->n_large) * 512);
	wal_fixture_vote(f, 2, 1);
	damage_batch(f, 0);
	f->take_damage = true;
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.last_index, 0);
	KUNIT_EXPECT_EQ(test, f->w.head.offset, tail);
	expect_lost(f, 0, last_index, 1);
	KUNIT_EXPECT_NULL(test, f->rec.damage.reason);
	KUNIT_EXPECT_EQ(test, f->rec.slot.gaps[0].to, 0);
	/* All of it comes again, the large ones first. */
	for (index = 1; index <= last_index; index++) {
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, index, 1, 1,
						   index <= c->n_large ? 900 :
									 40),
				0);
		if (index < last_index)
			expect_lost(f, index, last_index, 1);
		if (index == last_index / 2)
			KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	}
	f->take_damage = false;
	wal_fixture_expect_kept(f);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	for (index = 1; index <= last_index; index++)
		KUNIT_EXPECT_EQ(test, wal_fixture_lookup(f, index, 1), 0);
}

/* Damage in front of a gap. */
static void head_passes_a_gap_that_took_others(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	struct wal_head head;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 1, 1, 40), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 3, 1, 1, 40), 0);
	damage_batch(f, 1);
	f->take_damage = true;
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_EQ(test, f->w.head.offset, 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 1, 2, 40), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 4, 1, 1, 40), 0);
	head = f->batches[4];
	damage_batch(f, 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_EQ(test, f->w.head.offset, head.offset + 512);
	KUNIT_EXPECT_EQ(test, f->w.head.number, head.number + 1);
	expect_lost(f, 0, 4, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 1, 1, 4, 40), 0);
	f->take_damage = false;
	wal_fixture_expect_kept(f);
}

/* The middle one of three batches. */
static void append_and_damage(struct wal_fixture *f)
{
	u32 n = f->n_batches;

	KUNIT_ASSERT_EQ(f->test, wal_fixture_append(f, f->w.last_index + 1, 2,
						    1, 10), 0);
	KUNIT_ASSERT_EQ(f->test, wal_fixture_append(f, f->w.last_index + 1, 2,
						    1, 10), 0);
	KUNIT_ASSERT_EQ(f->test, wal_fixture_append(f, f->w.last_index + 1, 2,
						    1, 10), 0);
	damage_batch(f, n + 1);
	KUNIT_ASSERT_EQ(f->test, wal_fixture_open(f), 0);
}

/* A later gap swallows those behind it; those in front of it stay. */
static void gaps_add_up(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 last_from;
	u32 i, n;

	f->take_damage = true;
	for (i = 0; i < WAL_GAPS_MAX; i++) {
		append_and_damage(f);
		KUNIT_EXPECT_EQ(test, f->rec.last_index, 2ull + i);
		KUNIT_EXPECT_EQ(test, f->rec.slot.gaps[i].to, f->rec.tail);
	}
	expect_lost(f, 1ull + i, 3ull + i, 2);
	last_from = f->rec.slot.gaps[i - 1].from;
	/* Right behind the last one. */
	n = f->n_batches;
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2 + i, 2, 1, 10), 0);
	wal_fixture_vote(f, 4, 0);
	damage_batch(f, n);
	expect_lost(f, 1ull + i, 3ull + i, 2);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_EQ(test, f->w.gaps[i - 1].from, last_from);
	/* One too many: what is between it and the last one is lost, too. */
	n = f->n_batches;
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2 + i, 2, 3, 10), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 5 + i, 4, 1, 10), 0);
	wal_fixture_vote(f, 5, 0);
	f->take_damage = false;
	wal_fixture_expect_kept(f);
	f->take_damage = true;
	damage_batch(f, n + 1);
	expect_lost(f, 1ull + i, 5ull + i, 4);
	KUNIT_EXPECT_TRUE(test, f->rec.merged);
	KUNIT_EXPECT_EQ(test, f->rec.n_entries, 1ull + i);
	KUNIT_EXPECT_EQ(test, f->rec.damage.first_index, 2ull + i);
	KUNIT_EXPECT_EQ(test, f->rec.slot.gaps[i - 1].from, last_from);
	/* In front of all others. */
	damage_batch(f, 0);
	expect_lost(f, 0, 5ull + i, 4);
	KUNIT_EXPECT_EQ(test, f->rec.slot.gaps[1].to, 0ull);
}

/* However often: what is left is a log, and what is lost comes again. */
static void damage_never_ends(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, 4 * AREA_BYTES);
	u64 last_index = 1, index;
	u32 i, n, n_merged = 0;

	for (i = 1; i <= 5 * WAL_GAPS_MAX; i++) {
		n = f->n_batches;
		for (index = last_index + 1; index <= last_index + 3; index++)
			KUNIT_ASSERT_EQ(test,
					wal_fixture_append(f, index, i, 1, 90),
					0);
		last_index += 3;
		wal_fixture_vote(f, i, 1);
		damage_batch(f, n + i % 3);
		f->take_damage = true;
		KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
		KUNIT_EXPECT_EQ(test, f->rec.lost.index, last_index);
		KUNIT_EXPECT_EQ(test, f->rec.lost.term, i);
		KUNIT_EXPECT_EQ(test, f->rec.hard_state.voted_for, 1);
		n_merged += f->rec.merged;
		for (index = f->rec.last_index + 1; index <= last_index;
		     index++)
			KUNIT_ASSERT_EQ(test,
					wal_fixture_append(f, index, i, 1, 90),
					0);
		f->take_damage = false;
		wal_fixture_expect_kept(f);
		KUNIT_EXPECT_EQ(test, f->found.last_index, last_index);
	}
	KUNIT_EXPECT_GT(test, n_merged, 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	for (index = 1; index <= last_index; index++)
		KUNIT_EXPECT_EQ(test,
				wal_fixture_lookup(f, index,
						   f->log.entries[index].term),
				0);
}

/* A batch that was torn proves that those before it were durable. */
static void damage_before_a_torn_batch_is_a_gap(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 400), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 5, 2, 3, 400), 0);
	damage_batch(f, 1);
	f->image[f->write.position + 1000] ^= 1;
	f->take_damage = true;
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.last_index, 1ull);
	KUNIT_EXPECT_EQ(test, f->rec.lost.index, 4ull);
	KUNIT_EXPECT_EQ(test, f->rec.lost.term, 2ull);
	KUNIT_EXPECT_EQ(test, f->rec.tail, f->batches[2].offset);
}

/*
 * Of four batches the first ones are bad: lost is where the last write left the log,
 * even where one in front of it, or none, tells how it came there.
 */
struct lost_case {
	const char *name;
	struct {
		u64 first_index, term;
		u32 n_entries;
	} batches[4];
	u32 bad_headers, bad_payloads; /* a bit for each */
	u64 lost_index, lost_term;
};

static const struct lost_case lost_cases[] = {
	{ "appended", { { 2, 2, 3 }, { 5, 2, 1 }, { 6, 2, 1 }, { 7, 3, 2 } },
	  0x1, 0, 8, 3 },
	{ "replaced, bad, more behind it",
	  { { 2, 2, 3 }, { 4, 3, 1 }, { 5, 3, 1 }, { 6, 3, 1 } },
	  0x1, 0x2, 6, 3 },
	{ "replaced, bad, a bad one behind it",
	  { { 2, 2, 3 }, { 4, 3, 1 }, { 5, 3, 1 }, { 6, 3, 1 } },
	  0x1, 0xa, 5, 3 },
	{ "last one replaces and is bad",
	  { { 2, 2, 3 }, { 5, 2, 1 }, { 6, 2, 3 }, { 4, 3, 2 } },
	  0x1, 0x8, 5, 3 },
	{ "last one appends and is bad",
	  { { 2, 2, 3 }, { 5, 2, 1 }, { 6, 2, 3 }, { 9, 3, 2 } },
	  0x1, 0x8, 8, 2 },
	{ "shorter than it was",
	  { { 2, 2, 3 }, { 5, 2, 4 }, { 9, 2, 3 }, { 3, 2, 1 } },
	  0x1, 0, 3, 2 },
	{ "shorter than it was, all others bad",
	  { { 2, 2, 3 }, { 5, 2, 4 }, { 9, 2, 3 }, { 3, 2, 2 } },
	  0x7, 0, 4, 2 },
};

static void describe_lost(const struct lost_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(lost, lost_cases, describe_lost);

static void lost_is_the_end_after_the_last_write(struct kunit *test)
{
	const struct lost_case *c = test->param_value;
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 index;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(c->batches); i++)
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, c->batches[i].first_index,
						   c->batches[i].term,
						   c->batches[i].n_entries,
						   500),
				0);
	for (i = 0; i < ARRAY_SIZE(c->batches); i++) {
		if (c->bad_headers >> i & 1)
			damage_batch(f, 1 + i);
		if (c->bad_payloads >> i & 1)
			f->image[WAL_AREA_POSITION +
				 f->batches[1 + i].offset + 500] ^= 1;
	}
	f->take_damage = true;
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.last_index, 1);
	KUNIT_EXPECT_EQ(test, f->rec.lost.index, c->lost_index);
	KUNIT_EXPECT_EQ(test, f->rec.lost.term, c->lost_term);
	/* A log that goes as far in that term makes up for it. */
	for (index = 2; index < c->lost_index; index++) {
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, index, 2, 1, 100), 0);
		KUNIT_EXPECT_EQ(test, f->w.lost.index, c->lost_index);
	}
	KUNIT_ASSERT_EQ(test,
			wal_fixture_append(f, index, c->lost_term, 1, 100), 0);
	KUNIT_EXPECT_EQ(test, f->w.lost.index, 0);
	f->take_damage = false;
	wal_fixture_expect_kept(f);
}

/* Damage again, before what was lost came back: that is not forgotten. */
static void lost_twice_is_the_most(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 8, 100), 0);
	wal_fixture_vote(f, 3, 1);
	damage_batch(f, 1);
	f->take_damage = true;
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	expect_lost(f, 1, 9, 2);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 1, 100), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 3, 2, 1, 100), 0);
	damage_batch(f, 2);
	expect_lost(f, 1, 9, 2);
	/* Unless it had come, and the log became shorter since. */
	damage_batch(f, 2);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 4, 2, 6, 100), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 4, 2, 1, 100), 0);
	f->take_damage = false;
	wal_fixture_expect_kept(f);
	f->take_damage = true;
	damage_batch(f, 2);
	expect_lost(f, 1, 4, 2);
}

enum batch_field {
	BATCH_VERSION,
	BATCH_FLAGS,
	BATCH_NUMBER,
	BATCH_PREV_END,
	BATCH_SLOT_SEQUENCE,
	BATCH_TERM,
	BATCH_VOTE,
	BATCH_FIRST_INDEX,
	BATCH_PREV_LOG_TERM,
};

struct batch_case {
	const char *name;
	enum batch_field field;
	u64 value;
	int ret;
};

/* The last of three batches: number 3, entry 5 of term 2, no vote but for 1. */
static const struct batch_case batch_cases[] = {
	{ "newer version", BATCH_VERSION, WAL_BATCH_VERSION + 1, -EPROTONOSUPPORT },
	{ "unknown flag", BATCH_FLAGS, 1, -EPROTONOSUPPORT },
	{ "number again", BATCH_NUMBER, 2, -EUCLEAN },
	{ "number left out", BATCH_NUMBER, 4, -EUCLEAN },
	{ "another end", BATCH_PREV_END, 512, 0 },
	{ "older slot", BATCH_SLOT_SEQUENCE, 1, 0 },
	{ "newer slot", BATCH_SLOT_SEQUENCE, 99, -EUCLEAN },
	{ "term of the past", BATCH_TERM, 1, 0 },
	{ "term beyond all bounds", BATCH_TERM, 1ull << 62, 0 },
	{ "another vote", BATCH_VOTE, 2, -EUCLEAN },
	{ "gap", BATCH_FIRST_INDEX, 6, -EUCLEAN },
	{ "no index", BATCH_FIRST_INDEX, 0, 0 },
	{ "another term before", BATCH_PREV_LOG_TERM, 1, -EUCLEAN },
};

static void describe_batch(const struct batch_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(batch, batch_cases, describe_batch);

static void change_batch(struct wal_disk_batch *disk,
			 const struct batch_case *c)
{
	switch (c->field) {
	case BATCH_VERSION:
		disk->version = cpu_to_le16(c->value);
		break;
	case BATCH_FLAGS:
		disk->flags = cpu_to_le16(c->value);
		break;
	case BATCH_NUMBER:
		disk->number = cpu_to_le64(c->value);
		break;
	case BATCH_PREV_END:
		disk->prev_end = cpu_to_le64(c->value);
		break;
	case BATCH_SLOT_SEQUENCE:
		disk->slot_sequence = cpu_to_le64(c->value);
		break;
	case BATCH_TERM:
		disk->current_term = cpu_to_le64(c->value);
		break;
	case BATCH_VOTE:
		disk->voted_for = cpu_to_le32(c->value);
		break;
	case BATCH_FIRST_INDEX:
		disk->first_index = cpu_to_le64(c->value);
		break;
	case BATCH_PREV_LOG_TERM:
		disk->prev_log_term = cpu_to_le64(c->value);
		break;
	}
}

/* Checksums right, contents not: cut as never written, or refused. */
static void batch_that_does_not_fit_is_not_taken(struct kunit *test)
{
	const struct batch_case *c = test->param_value;
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	struct wal_disk_batch disk;
	u8 *at;
	int ret;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 40), 0);
	wal_fixture_vote(f, 2, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 5, 2, 1, 10), 0);
	at = f->image + f->write.position;
	memcpy(&disk, at, sizeof(disk));
	KUNIT_ASSERT_EQ(test, le64_to_cpu(disk.number), 3);
	change_batch(&disk, c);
	disk.crc = cpu_to_le32(
		crc32c(wal_seed(&f->super), (u8 *)&disk + 8, sizeof(disk) - 8));
	memcpy(at, &disk, sizeof(disk));
	ret = wal_fixture_recover(f);
	KUNIT_EXPECT_EQ(test, ret, c->ret);
	if (!ret)
		KUNIT_EXPECT_TRUE(test,
				  wal_fixture_same(&f->found, &f->log_before));
}

enum slot_field {
	SLOT_SEQUENCE,
	SLOT_TERM,
	SLOT_HEAD_OFFSET,
	SLOT_HEAD_NUMBER,
	SLOT_PREV_INDEX,
	SLOT_TAIL_OFFSET,
	SLOT_TAIL_NUMBER,
	SLOT_LAST_INDEX,
	SLOT_LAST_TERM,
	SLOT_GAP_FROM,
	SLOT_GAP_TO,
	SLOT_GAP_NUMBER,
};

struct slot_case {
	const char *name;
	enum slot_field field;
	u64 value;
	bool slot_bad; /* by itself: the other one is taken */
};

/*
 * Of the newest: sequence 5, term 2, vote 1, batches 1 and 2, entries 1 to 4. The
 * first batch is a gap where a case changes that.
 */
static const struct slot_case slot_cases[] = {
	{ "sequence of the other place", SLOT_SEQUENCE, 6, false },
	{ "sequence left out", SLOT_SEQUENCE, 7, false },
	{ "older term", SLOT_TERM, 1, true },
	{ "term beyond all bounds", SLOT_TERM, 1ull << 62, true },
	{ "head off a block", SLOT_HEAD_OFFSET, 100, true },
	{ "head behind the tail", SLOT_HEAD_OFFSET, 1 << 20, true },
	{ "head elsewhere", SLOT_HEAD_OFFSET, 512, true },
	{ "no head", SLOT_HEAD_NUMBER, 0, true },
	{ "more batches than room", SLOT_TAIL_NUMBER, 1 << 20, true },
	{ "fewer batches", SLOT_TAIL_NUMBER, 2, false },
	{ "tail beyond the area", SLOT_TAIL_OFFSET, 128 << 10, true },
	{ "tail beyond all bounds", SLOT_TAIL_OFFSET, 1ull << 63, true },
	{ "tail elsewhere", SLOT_TAIL_OFFSET, 512, true },
	{ "ends before it begins", SLOT_PREV_INDEX, 5, true },
	{ "other last index", SLOT_LAST_INDEX, 3, false },
	{ "other last term", SLOT_LAST_TERM, 1, false },
	{ "last term of the future", SLOT_LAST_TERM, 3, true },
	{ "gap from within a block", SLOT_GAP_FROM, 8, true },
	{ "gap to within a block", SLOT_GAP_TO, 520, true },
	{ "gap beyond the tail", SLOT_GAP_TO, 2048, true },
	{ "gap that ends before it begins", SLOT_GAP_FROM, 512, true },
	{ "gap of more batches than were written", SLOT_GAP_NUMBER, 4, true },
};

static void describe_slot(const struct slot_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(slot, slot_cases, describe_slot);

static void change_slot(struct wal_slot *slot, const struct slot_case *c)
{
	u64 *const fields[] = {
		[SLOT_SEQUENCE] = &slot->sequence,
		[SLOT_TERM] = &slot->hard_state.current_term,
		[SLOT_HEAD_OFFSET] = &slot->head.offset,
		[SLOT_HEAD_NUMBER] = &slot->head.number,
		[SLOT_PREV_INDEX] = &slot->head.prev_index,
		[SLOT_TAIL_OFFSET] = &slot->tail_offset,
		[SLOT_TAIL_NUMBER] = &slot->tail_number,
		[SLOT_LAST_INDEX] = &slot->last_index,
		[SLOT_LAST_TERM] = &slot->last_term,
		[SLOT_GAP_FROM] = &slot->gaps[0].from,
		[SLOT_GAP_TO] = &slot->gaps[0].to,
		[SLOT_GAP_NUMBER] = &slot->gaps[0].number,
	};

	if (c->field >= SLOT_GAP_FROM)
		slot->gaps[0] = (struct wal_gap){ 0, 512, 2 };

	*fields[c->field] = c->value;
}

static void slot_that_does_not_fit_is_not_taken(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	struct wal_slot slot;
	u8 *at;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 40), 0);
	wal_fixture_vote(f, 2, 0);
	wal_fixture_vote(f, 2, 1);
	at = f->image + f->write.position;
	KUNIT_ASSERT_EQ(test, wal_slot_get(&f->super, at, &slot), 0);
	KUNIT_ASSERT_EQ(test, slot.sequence, 5);
	change_slot(&slot, c);
	wal_slot_put(&f->super, &slot, at);
	if (c->slot_bad) {
		KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
		KUNIT_EXPECT_TRUE(test, f->rec.slot_torn);
		KUNIT_EXPECT_TRUE(test,
				  wal_fixture_same(&f->found, &f->log_before));
	} else {
		KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), -EUCLEAN);
	}
}

/* Once a slot names the tail, nothing in front of it can be a torn write. */
struct gap_case {
	const char *name;
	struct wal_gap gaps[2];
};

/* Of the newest slot: batches 1 and 2, one block each; the tail is at 1024. */
static const struct gap_case gap_cases[] = {
	{ "empty", { { 512, 512, 3 } } },
	{ "backwards", { { 1024, 512, 3 } } },
	{ "beyond the tail", { { 512, 1536, 3 } } },
	{ "beyond all bounds", { { 512, 1ull << 63, 3 } } },
	{ "to a batch of later", { { 512, 1024, 4 } } },
	{ "to a batch of before the head", { { 512, 1024, 0 } } },
	{ "into the one before", { { 0, 1024, 3 }, { 512, 1024, 3 } } },
	{ "second without a first", { { }, { 512, 1024, 3 } } },
};

static void describe_gap(const struct gap_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(gap, gap_cases, describe_gap);

static void gap_that_does_not_fit_is_not_taken(struct kunit *test)
{
	const struct gap_case *c = test->param_value;
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	struct wal_slot slot;
	u8 *at;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 40), 0);
	wal_fixture_vote(f, 2, 1);
	at = f->image + f->write.position;
	KUNIT_ASSERT_EQ(test, wal_slot_get(&f->super, at, &slot), 0);
	KUNIT_ASSERT_EQ(test, slot.tail_offset, 1024ull);
	KUNIT_ASSERT_EQ(test, slot.tail_number, 3ull);
	memcpy(slot.gaps, c->gaps, sizeof(c->gaps));
	wal_slot_put(&f->super, &slot, at);
	KUNIT_EXPECT_EQ(test, wal_slot_get(&f->super, at, &slot), -EUCLEAN);
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_TRUE(test, f->rec.slot_torn);
	KUNIT_EXPECT_TRUE(test, wal_fixture_same(&f->found, &f->log_before));
}

static void damage_before_the_slot_is_a_gap(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 400), 0);
	f->image[WAL_AREA_POSITION + 512 + 1000] ^= 1;
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), 0);
	f->image[WAL_AREA_POSITION + 512 + 1000] ^= 1;
	wal_fixture_vote(f, 2, 1);
	wal_fixture_expect_kept(f);
	f->image[WAL_AREA_POSITION + 512 + 1000] ^= 1;
	f->take_damage = true;
	expect_lost(f, 1, 4, 2);
	memset(f->image + WAL_AREA_POSITION, 0, AREA_BYTES);
	expect_lost(f, 0, 4, 2);
}

/* The device loses blocks at @offset. @refused: for that one, or 0. */
static void lose(struct wal_fixture *f, u64 offset, u64 bytes, u64 refused)
{
	f->lost = WAL_AREA_POSITION + offset % f->super.area_bytes;
	f->lost_bytes = bytes;
	f->take_damage = true;
	KUNIT_EXPECT_EQ(f->test, wal_fixture_recover(f),
			refused ? -EUCLEAN : 0);
	if (refused)
		KUNIT_EXPECT_EQ(f->test, f->rec.damage.offset, refused);
}

/* The last batch may have been acknowledged, and what it says be the newest vote. */
static void unreadable_tail_is_not_torn(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 at, end;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 400), 0);
	end = f->w.tail;
	/* Any block of it; where the next one would be; but not what is behind that. */
	for (at = 512; at < end; at += 512)
		lose(f, at, 512, 512);
	lose(f, end, 512, end);
	lose(f, end + 512, 512, 0);
	KUNIT_EXPECT_TRUE(test, wal_fixture_same(&f->found, &f->log));
	/* A batch behind it proves that it was whole, or a slot: that is damage. */
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 5, 2, 1, 10), 0);
	lose(f, 512, 512, 0);
	KUNIT_EXPECT_EQ(test, f->rec.lost.index, 5);
	wal_fixture_vote(f, 2, 1);
	lose(f, end, 512, 0);
	KUNIT_EXPECT_EQ(test, f->rec.lost.index, 5);
	lose(f, end, 1024, f->w.tail);
}

/* There is nothing behind the tail of a log that was stopped in order. */
static void unreadable_tail_of_a_sealed_log(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 end;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 400), 0);
	end = f->w.tail;
	KUNIT_EXPECT_TRUE(test, wal_seal(&f->w));
	KUNIT_EXPECT_NE(test, wal_fixture_append(f, 5, 2, 1, 10), 0);
	wal_fixture_vote(f, 2, 1);
	lose(f, end, 512, 0);
	KUNIT_EXPECT_TRUE(test, wal_fixture_same(&f->found, &f->log));
	lose(f, 512, 512, 0);
	KUNIT_EXPECT_EQ(test, f->rec.lost.index, 4);
	/* Opened again it goes on, and what it says last counts. */
	f->lost_bytes = 0;
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	lose(f, end, 512, end);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 5, 2, 1, 10), 0);
	/* Also if only the batch knows that, and cannot be read. */
	f->lost_bytes = 0;
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	memset(f->image + wal_slot_position(f->rec.slot.sequence), 0,
	       WAL_SLOT_WRITE_BYTES);
	lose(f, end, 512, end);
}

/* It may have skipped the rest of the lap. */
static void unreadable_start_of_a_lap_is_not_torn(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 index = 2;

	while (f->w.tail < AREA_BYTES - 1024)
		KUNIT_ASSERT_EQ(test, wal_fixture_append(f, index++, 1, 1, 300),
				0);
	/* Not where the log would begin. */
	lose(f, 0, 512, 0);
	KUNIT_EXPECT_EQ(test, f->rec.lost.index, index - 1);
	wal_fixture_drop(f, 60, 0);
	lose(f, AREA_BYTES, 512, AREA_BYTES);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, index, 1, 1, 1300), 0);
	KUNIT_ASSERT_EQ(test, f->write.position, WAL_AREA_POSITION);
	lose(f, AREA_BYTES, 512, AREA_BYTES);
	lose(f, AREA_BYTES + 512, 512, AREA_BYTES);
	wal_fixture_vote(f, 2, 1);
	lose(f, AREA_BYTES, 512, 0);
	KUNIT_EXPECT_EQ(test, f->rec.lost.index, index);
}

static void leftovers_of_another_wal_do_not_parse(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 3, 400), 0);
	wal_fixture_format(f, 2);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_EXPECT_EQ(test, f->rec.last_index, 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 1, 1, 1, 40), 0);
	wal_fixture_expect_kept(f);
}

static struct kunit_case wal_damage_cases[] = {
	KUNIT_CASE_PARAM(superblock_is_refused_or_used, superblock_gen_params),
	KUNIT_CASE(half_made_is_none),
	KUNIT_CASE(half_made_over_another_is_either),
	KUNIT_CASE(unusable_file_is_refused),
	KUNIT_CASE(torn_slot_leaves_the_other),
	KUNIT_CASE(bad_block_of_a_slot_is_harmless),
	KUNIT_CASE(lost_slot_is_noticed),
	KUNIT_CASE_PARAM(lost_slot_of_a_full_log_is_noticed, end_gen_params),
	KUNIT_CASE(swapped_slots_are_noticed),
	KUNIT_CASE(misdirected_slot_is_noticed),
	KUNIT_CASE(damage_in_the_log_is_a_gap),
	KUNIT_CASE(damage_names_entries),
	KUNIT_CASE(gap_is_passed_over_from_then_on),
	KUNIT_CASE(recovery_changes_nothing),
	KUNIT_CASE(opened_log_says_where_it_ends),
	KUNIT_CASE_PARAM(gap_at_the_head_gives_its_room_back, head_gen_params),
	KUNIT_CASE(head_passes_a_gap_that_took_others),
	KUNIT_CASE(gaps_add_up),
	KUNIT_CASE(damage_never_ends),
	KUNIT_CASE(damage_before_a_torn_batch_is_a_gap),
	KUNIT_CASE_PARAM(lost_is_the_end_after_the_last_write, lost_gen_params),
	KUNIT_CASE(lost_twice_is_the_most),
	KUNIT_CASE_PARAM(batch_that_does_not_fit_is_not_taken,
			 batch_gen_params),
	KUNIT_CASE_PARAM(slot_that_does_not_fit_is_not_taken, slot_gen_params),
	KUNIT_CASE_PARAM(gap_that_does_not_fit_is_not_taken, gap_gen_params),
	KUNIT_CASE(damage_before_the_slot_is_a_gap),
	KUNIT_CASE(unreadable_tail_is_not_torn),
	KUNIT_CASE(unreadable_tail_of_a_sealed_log),
	KUNIT_CASE(unreadable_start_of_a_lap_is_not_torn),
	KUNIT_CASE(leftovers_of_another_wal_do_not_parse),
	{}
};

struct kunit_suite raftlog_wal_damage_suite = {
	.name = "raftlog_wal_damage",
	.exit = wal_fixture_exit,
	.test_cases = wal_damage_cases,
};
