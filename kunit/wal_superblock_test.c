// SPDX-License-Identifier: GPL-2.0
/* Superblocks of other versions, and those that take the place of another. */
#include <kunit/test.h>

#include "suites.h"
#include "wal/codec.h"
#include "wal_fixture.h"

#define AREA_BYTES (64ull << 10)

enum {
	CLUSTER = 0xc1, /* of the fixture */
	NEW_CLUSTER = 0xc2,
	NEW_INCARNATION = 0x2c,
	KEPT_INDEX = 9,
	KEPT_TERM = 4,
	KEPT_SNAPSHOT = 0x5a,
	SPLINTER_BYTES = 32,
	SPLINTERS = WAL_SUPERBLOCK_BYTES / SPLINTER_BYTES,
};

static int decode(const struct wal_fixture *f, struct wal_superblock *super)
{
	return wal_superblock_decode(super,
				     f->image + WAL_SUPERBLOCK_POSITION_0,
				     f->image + WAL_SUPERBLOCK_POSITION_1);
}

static void put(struct wal_fixture *f, const struct wal_superblock *super,
		unsigned int i)
{
	struct wal_write write;

	wal_superblock_encode(super, i, f->staging, &write);
	KUNIT_EXPECT_EQ(f->test, write.bytes, f->super.block_bytes);
	memcpy(f->image + write.position, write.data, write.bytes);
}

static struct wal_fixture *formatted(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_init(test, 512, AREA_BYTES);

	wal_fixture_format(f, 1);
	return f;
}

/* Both copies as if written by version @version, with these fields set; 1 @at there. */
static void rewrite(struct wal_fixture *f, u32 version, u64 generation,
		    u32 flags, size_t at)
{
	static const u64 positions[] = { WAL_SUPERBLOCK_POSITION_0,
					 WAL_SUPERBLOCK_POSITION_1 };
	struct wal_disk_superblock disk;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(positions); i++) {
		memcpy(&disk, f->image + positions[i], sizeof(disk));
		disk.version = cpu_to_le32(version);
		disk.generation = cpu_to_le64(generation);
		disk.flags = cpu_to_le32(flags);
		if (at)
			*((u8 *)&disk + at) = 1;
		disk.crc = 0;
		disk.crc = cpu_to_le32(crc32c(~0u, &disk, sizeof(disk)));
		memcpy(f->image + positions[i], &disk, sizeof(disk));
	}
}

struct version_case {
	const char *name;
	u32 version;
	u64 generation;
	u32 flags;
	int ret;
	size_t at;
};

#define FIELD(name) offsetof(struct wal_disk_superblock, name)

static const struct version_case version_cases[] = {
	{ "none", 0, 0, 0, -EPROTONOSUPPORT },
	{ "too old", WAL_FORMAT_VERSION_MIN - 1, 0, 0, -EPROTONOSUPPORT },
	{ "oldest", WAL_FORMAT_VERSION_MIN, 0, 0, 0 },
	{ "oldest with a field it has not", WAL_FORMAT_VERSION_MIN, 1, 0,
	  -EUCLEAN },
	{ "oldest with a flag it has not", WAL_FORMAT_VERSION_MIN, 0, 1,
	  -EUCLEAN },
	{ "oldest with an entry kept", WAL_FORMAT_VERSION_MIN, 0, 0, -EUCLEAN,
	  FIELD(kept_index) },
	{ "oldest with a term kept", WAL_FORMAT_VERSION_MIN, 0, 0, -EUCLEAN,
	  FIELD(kept_term) },
	{ "oldest with a snapshot kept", WAL_FORMAT_VERSION_MIN, 0, 0, -EUCLEAN,
	  FIELD(kept_snapshot) },
	{ "oldest with a recovery", WAL_FORMAT_VERSION_MIN, 0, 0, -EUCLEAN,
	  FIELD(kept_generation) },
	{ "this", WAL_FORMAT_VERSION, 0, 0, 0 },
	{ "this, replaced", WAL_FORMAT_VERSION, 7, 0, 0 },
	{ "this, recovering", WAL_FORMAT_VERSION, 7,
	  WAL_SUPERBLOCK_F_RECOVERING, 0 },
	{ "this, with an entry kept", WAL_FORMAT_VERSION, 7, 0, 0,
	  FIELD(kept_index) },
	{ "this, joined", WAL_FORMAT_VERSION, 0, WAL_SUPERBLOCK_F_JOINED, 0 },
	{ "this, joined, recovering", WAL_FORMAT_VERSION, 7,
	  WAL_SUPERBLOCK_F_JOINED | WAL_SUPERBLOCK_F_RECOVERING, 0 },
	{ "unknown flag", WAL_FORMAT_VERSION, 7, 1u << 2, -EUCLEAN },
	{ "newer", WAL_FORMAT_VERSION + 1, 0, 0, -EPROTONOSUPPORT },
	{ "newer with what is not known", WAL_FORMAT_VERSION + 1, 0, 1u << 7,
	  -EPROTONOSUPPORT },
};

#undef FIELD

static void describe_version(const struct version_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(version, version_cases, describe_version);

static void version_is_read_or_refused(struct kunit *test)
{
	const struct version_case *c = test->param_value;
	struct wal_fixture *f = formatted(test);
	struct wal_superblock super;

	rewrite(f, c->version, c->generation, c->flags, c->at);
	KUNIT_ASSERT_EQ(test, decode(f, &super), c->ret);
	if (c->ret)
		return;
	KUNIT_EXPECT_EQ(test, super.generation, c->generation);
	KUNIT_EXPECT_EQ(test, super.recovering,
			(c->flags & WAL_SUPERBLOCK_F_RECOVERING) != 0);
	KUNIT_EXPECT_EQ(test, super.joined,
			(c->flags & WAL_SUPERBLOCK_F_JOINED) != 0);
	KUNIT_EXPECT_FALSE(test, super.stale);
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), 0);
}

/* As an upgrade meets it: with a log, which goes on, and stays what it is. */
static void older_log_is_read_and_written(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 8, 30), 0);
	rewrite(f, WAL_FORMAT_VERSION_MIN, 0, 0, 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 10, 2, 2, 30), 0);
	wal_fixture_expect_kept(f);
	KUNIT_EXPECT_EQ(test, f->image[offsetof(struct wal_disk_superblock, version)],
			WAL_FORMAT_VERSION_MIN);
}

/* One copy of a newer version is enough: the other is what it was before. */
static void newer_copy_is_not_passed_over(struct kunit *test)
{
	struct wal_fixture *f = formatted(test);
	u8 *copy = f->image + WAL_SUPERBLOCK_POSITION_1;
	struct wal_superblock super;

	memcpy(f->staging, copy, WAL_SUPERBLOCK_BYTES);
	rewrite(f, WAL_FORMAT_VERSION + 1, 0, 0, 0);
	memcpy(copy, f->staging, WAL_SUPERBLOCK_BYTES);
	KUNIT_EXPECT_EQ(test, decode(f, &super), -EPROTONOSUPPORT);
}

/* What each write of a recovery turns into what. */
struct step {
	bool recovering;
	unsigned int i;
};

static const struct step steps[] = {
	{ true, 0 }, { true, 1 }, { false, 0 }, { false, 1 },
};

static void expect_whose(struct kunit *test, const struct wal_superblock *super,
			 u64 cluster_id, bool recovering)
{
	bool new = cluster_id != CLUSTER;

	KUNIT_EXPECT_EQ(test, super->cluster_id, cluster_id);
	KUNIT_EXPECT_EQ(test, super->recovering, recovering);
	/* These go with the cluster, always. */
	KUNIT_EXPECT_EQ(test, super->incarnation,
			new ? (u64)NEW_INCARNATION : 0x1cull);
	KUNIT_EXPECT_EQ(test, super->kept.index, new ? (u64)KEPT_INDEX : 0);
	KUNIT_EXPECT_EQ(test, super->kept.term, new ? (u64)KEPT_TERM : 0);
	KUNIT_EXPECT_EQ(test, super->kept.snapshot,
			new ? (u64)KEPT_SNAPSHOT : 0);
	KUNIT_EXPECT_EQ(test, super->kept.generation, new ? 1ull : 0);
}

static void begin(struct wal_superblock *super)
{
	super->kept = (struct wal_kept){
		.index = KEPT_INDEX,
		.term = KEPT_TERM,
		.snapshot = KEPT_SNAPSHOT,
	};
	wal_superblock_replace(super, NEW_CLUSTER, NEW_INCARNATION, true);
}

static void next(struct wal_superblock *super, const struct step *step)
{
	if (step->i)
		return;
	if (step->recovering)
		begin(super);
	else
		wal_superblock_replace(super, NEW_CLUSTER, NEW_INCARNATION,
				       false);
}

/*
 * Cut each of the four writes: it is of the old cluster, or recovers, or is of the
 * new cluster, and never goes back.
 */
static void cut_at(struct wal_fixture *f, u32 n_steps, u32 splinters)
{
	struct kunit *test = f->test;
	struct wal_superblock super, found;
	u8 *image = f->staging + 4096;
	u32 i, k;

	KUNIT_ASSERT_EQ(test, decode(f, &super), 0);
	for (i = 0; i < n_steps; i++) {
		next(&super, &steps[i]);
		put(f, &super, steps[i].i);
	}
	next(&super, &steps[i]);
	memcpy(image, f->image, WAL_SUPERBLOCK_POSITION_1 + 512);
	put(f, &super, steps[i].i);
	for (k = splinters; k < SPLINTERS; k++) {
		const u64 position = steps[i].i ? WAL_SUPERBLOCK_POSITION_1 :
						  WAL_SUPERBLOCK_POSITION_0;
		u32 at = position + k * SPLINTER_BYTES;

		memcpy(f->image + at, image + at, SPLINTER_BYTES);
	}
	KUNIT_ASSERT_EQ(test, decode(f, &found), 0);
	if (!n_steps && found.cluster_id == CLUSTER)
		expect_whose(test, &found, CLUSTER, false);
	else if (n_steps < 2 || (n_steps == 2 && found.recovering))
		expect_whose(test, &found, NEW_CLUSTER, true);
	else
		expect_whose(test, &found, NEW_CLUSTER, false);
	KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), 0);
	/* Made good, it stays, whichever copy goes bad. */
	if (found.stale)
		put(f, &found, 0);
	for (k = 0; k < 2; k++) {
		u8 *copy = f->image + (k ? WAL_SUPERBLOCK_POSITION_1 :
					   WAL_SUPERBLOCK_POSITION_0);

		copy[100] ^= 1;
		if (!decode(f, &super))
			expect_whose(test, &super, found.cluster_id,
				     found.recovering);
		copy[100] ^= 1;
	}
}

static void cut_replacement_is_either(struct kunit *test)
{
	struct wal_fixture *f = formatted(test);
	u32 n_steps, splinters;

	for (n_steps = 0; n_steps < ARRAY_SIZE(steps); n_steps++) {
		for (splinters = 0; splinters <= SPLINTERS; splinters++) {
			wal_fixture_format(f, 1);
			cut_at(f, n_steps, splinters);
		}
	}
}

static void older_copy_is_stale(struct kunit *test)
{
	struct wal_fixture *f = formatted(test);
	struct wal_superblock super, found;

	KUNIT_ASSERT_EQ(test, decode(f, &super), 0);
	KUNIT_EXPECT_FALSE(test, super.stale);
	wal_superblock_replace(&super, NEW_CLUSTER, NEW_INCARNATION, true);
	put(f, &super, 0);
	KUNIT_ASSERT_EQ(test, decode(f, &found), 0);
	KUNIT_EXPECT_TRUE(test, found.stale);
	put(f, &found, 0);
	KUNIT_ASSERT_EQ(test, decode(f, &found), 0);
	KUNIT_EXPECT_FALSE(test, found.stale);
	KUNIT_EXPECT_EQ(test,
			memcmp(f->image + WAL_SUPERBLOCK_POSITION_0,
			       f->image + WAL_SUPERBLOCK_POSITION_1, 512),
			0);
}

/* How a disk began is not forgotten by what becomes of it. */
static void joined_disk_stays_one(struct kunit *test)
{
	struct wal_fixture *f = formatted(test);
	struct wal_superblock super, found;
	u32 i;

	KUNIT_ASSERT_EQ(test, decode(f, &super), 0);
	KUNIT_EXPECT_FALSE(test, super.joined);
	super.joined = true;
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		next(&super, &steps[i]);
		put(f, &super, steps[i].i);
		KUNIT_ASSERT_EQ(test, decode(f, &found), 0);
		KUNIT_EXPECT_TRUE(test, found.joined);
		KUNIT_EXPECT_EQ(test, found.recovering, steps[i].recovering);
	}
}

/* By when it was begun it is told what was made since, also by one that is done. */
static void recovery_is_of_the_generation_that_began_it(struct kunit *test)
{
	struct wal_fixture *f = formatted(test);
	struct wal_superblock super;
	u64 generation;

	KUNIT_ASSERT_EQ(test, decode(f, &super), 0);
	for (generation = 1; generation < 6; generation += 2) {
		begin(&super);
		KUNIT_EXPECT_EQ(test, super.kept.generation, generation);
		wal_superblock_replace(&super, NEW_CLUSTER, NEW_INCARNATION,
				       false);
		KUNIT_EXPECT_EQ(test, super.kept.generation, generation);
		KUNIT_EXPECT_EQ(test, super.generation, generation + 1);
	}
}

/* The only good copy is not the one that can be torn. */
static void bad_copy_is_written_first(struct kunit *test)
{
	static const u64 positions[] = { WAL_SUPERBLOCK_POSITION_0,
					 WAL_SUPERBLOCK_POSITION_1 };
	struct wal_fixture *f = formatted(test);
	struct wal_superblock super;
	struct wal_write write;
	u32 bad;

	for (bad = 0; bad < 2; bad++) {
		f->image[positions[bad] + 99] ^= 1;
		KUNIT_ASSERT_EQ(test, decode(f, &super), 0);
		wal_superblock_encode(&super, 0, f->staging, &write);
		KUNIT_EXPECT_EQ(test, write.position, positions[bad]);
		f->image[positions[bad] + 99] ^= 1;
	}
}

static void log_stays_when_the_owner_changes(struct kunit *test)
{
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	struct wal_superblock super;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 2, 2, 8, 30), 0);
	KUNIT_ASSERT_EQ(test, decode(f, &super), 0);
	wal_superblock_replace(&super, NEW_CLUSTER, NEW_INCARNATION, true);
	for (i = 0; i < WAL_SUPERBLOCK_COPIES; i++)
		put(f, &super, i);
	wal_fixture_expect_kept(f);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_ASSERT_EQ(test, wal_fixture_append(f, 10, 3, 1, 30), 0);
	KUNIT_EXPECT_FALSE(test, wal_superblock_is_of(&super, CLUSTER, 3));
	KUNIT_EXPECT_TRUE(test, wal_superblock_is_of(&super, NEW_CLUSTER, 3));
}

static struct kunit_case superblock_cases[] = {
	KUNIT_CASE_PARAM(version_is_read_or_refused, version_gen_params),
	KUNIT_CASE(older_log_is_read_and_written),
	KUNIT_CASE(newer_copy_is_not_passed_over),
	KUNIT_CASE(cut_replacement_is_either),
	KUNIT_CASE(older_copy_is_stale),
	KUNIT_CASE(recovery_is_of_the_generation_that_began_it),
	KUNIT_CASE(bad_copy_is_written_first),
	KUNIT_CASE(log_stays_when_the_owner_changes),
	KUNIT_CASE(joined_disk_stays_one),
	{}
};

struct kunit_suite raftlog_wal_superblock_suite = {
	.name = "raftlog_wal_superblock",
	.exit = wal_fixture_exit,
	.test_cases = superblock_cases,
};
