// SPDX-License-Identifier: GPL-2.0
/* A snapshot on disk: what is written is read, and nothing else is taken for it. */
#include "suites.h"
#include "wal/wal.h"

enum { CHUNK_BYTES = 1024 };

static const char configuration[] = "configuration";

static const struct wal_superblock super = {
	.cluster_id = 1,
	.incarnation = 2,
	.node_id = 3,
	.block_bytes = 512,
	.uuid = { 4, 5, 6 },
	.area_bytes = 1 << 20,
	.generation = 6,
};

static struct wal_snapshot snapshot_of(u64 index, u64 bytes)
{
	return (struct wal_snapshot){
		.id = 7,
		.index = index,
		.term = 8,
		.bytes = bytes,
		.checksum = 9,
		.chunk_bytes = CHUNK_BYTES,
		.configuration = {
			.index = 10,
			.data = configuration,
			.bytes = sizeof(configuration),
		},
	};
}

static u8 *header_of(struct kunit *test, const struct wal_snapshot *snapshot)
{
	u8 *buf = kunit_kzalloc(test, WAL_SNAPSHOT_HEADER_BYTES, GFP_KERNEL);
	struct wal_write write;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_EQ(test,
			wal_snapshot_encode(&super, snapshot, buf, &write), 0);
	KUNIT_EXPECT_EQ(test, write.position, 0ull);
	KUNIT_EXPECT_EQ(test, write.bytes, (u32)WAL_SNAPSHOT_HEADER_BYTES);
	return buf;
}

static void expect_found(struct kunit *test, const u8 *buf)
{
	struct wal_snapshot found;

	KUNIT_ASSERT_EQ(test, wal_snapshot_decode(&super, buf, &found), 0);
	KUNIT_EXPECT_EQ(test, found.id, 7ull);
	KUNIT_EXPECT_EQ(test, found.index, 20ull);
	KUNIT_EXPECT_EQ(test, found.term, 8ull);
	KUNIT_EXPECT_EQ(test, found.bytes, 3000ull);
	KUNIT_EXPECT_EQ(test, found.checksum, 9u);
	KUNIT_EXPECT_EQ(test, found.chunk_bytes, (u32)CHUNK_BYTES);
	/* As of which it was made. */
	KUNIT_EXPECT_EQ(test, found.generation, 6u);
	KUNIT_EXPECT_EQ(test, found.configuration.index, 10ull);
	KUNIT_ASSERT_EQ(test, found.configuration.bytes,
			(u32)sizeof(configuration));
	KUNIT_EXPECT_EQ(test,
			memcmp(found.configuration.data, configuration,
			       sizeof(configuration)),
			0);
}

static void what_is_sealed_is_found(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 3000);

	expect_found(test, header_of(test, &snapshot));
}

static void either_copy_is_enough(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 3000);
	struct wal_snapshot found;
	u8 *buf = header_of(test, &snapshot);

	memset(buf, 0, WAL_SNAPSHOT_COPY_BYTES);
	expect_found(test, buf);
	memset(buf, 0, WAL_SNAPSHOT_HEADER_BYTES);
	KUNIT_EXPECT_EQ(test, wal_snapshot_decode(&super, buf, &found),
			-ENODATA);
}

/* Each byte that means something, in both copies. */
static void damaged_header_is_none(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 3000);
	u8 *buf = header_of(test, &snapshot);
	u32 end = sizeof(struct wal_disk_snapshot) + sizeof(configuration);
	struct wal_snapshot found;
	u32 i;

	for (i = 0; i < end; i++) {
		buf[i] ^= 0x10;
		buf[i + WAL_SNAPSHOT_COPY_BYTES] ^= 0x10;
		KUNIT_EXPECT_EQ(test, wal_snapshot_decode(&super, buf, &found),
				-ENODATA);
		buf[i] ^= 0x10;
		buf[i + WAL_SNAPSHOT_COPY_BYTES] ^= 0x10;
	}
	expect_found(test, buf);
}

/* Of one entry there are two while one that was damaged makes way for its successor. */
static void newest_is_the_last_one_made(struct kunit *test)
{
	struct wal_snapshot old = snapshot_of(20, 3000);
	struct wal_snapshot new = snapshot_of(20, 3000);

	new.id = old.id + 1;
	KUNIT_EXPECT_TRUE(test, wal_snapshot_is_newer(&new, &old));
	KUNIT_EXPECT_FALSE(test, wal_snapshot_is_newer(&old, &new));
	old.index++;
	KUNIT_EXPECT_TRUE(test, wal_snapshot_is_newer(&old, &new));
	KUNIT_EXPECT_FALSE(test, wal_snapshot_is_newer(&new, &old));
}

static void cleared_header_is_none(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 3000);
	u8 *buf = header_of(test, &snapshot);
	struct wal_snapshot found;
	struct wal_write write;

	wal_snapshot_clear(buf, &write);
	KUNIT_EXPECT_EQ(test, write.position, 0ull);
	KUNIT_EXPECT_EQ(test, write.bytes, (u32)WAL_SNAPSHOT_HEADER_BYTES);
	KUNIT_EXPECT_EQ(test, wal_snapshot_decode(&super, buf, &found),
			-ENODATA);
}

/* It is told, and not taken for one that can be written over. */
static void snapshot_of_another_log_is_told(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 3000);
	u8 *buf = header_of(test, &snapshot);
	struct wal_superblock other = super;
	struct wal_snapshot found;

	other.uuid[15] = 1;
	KUNIT_EXPECT_EQ(test, wal_snapshot_decode(&other, buf, &found),
			-EEXIST);
}

/* Whatever of it gets to the disk, sector by sector. */
static void torn_header_is_of_a_snapshot(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 3000);
	u8 *new = header_of(test, &snapshot);
	u8 *buf = kunit_kzalloc(test, WAL_SNAPSHOT_HEADER_BYTES, GFP_KERNEL);
	const u32 n = WAL_SNAPSHOT_COPY_BYTES / 512;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_TRUE(test, wal_snapshot_was_made(buf));
	for (i = 0; i < 1u << (2 * 2); i++) {
		memset(buf, 0, WAL_SNAPSHOT_HEADER_BYTES);
		if (i & 1)
			memcpy(buf, new, 512);
		if (i & 2)
			memcpy(buf + 512, new + 512, 512);
		if (i & 4)
			memcpy(buf + n * 512, new + n * 512, 512);
		if (i & 8)
			memcpy(buf + (n + 1) * 512, new + (n + 1) * 512, 512);
		KUNIT_EXPECT_TRUE(test, wal_snapshot_was_made(buf));
	}
}

static void something_else_is_no_header(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 3000);
	u8 *buf = header_of(test, &snapshot);

	KUNIT_EXPECT_TRUE(test, wal_snapshot_was_made(buf));
	memset(buf, 'x', WAL_SNAPSHOT_COPY_BYTES);
	KUNIT_EXPECT_FALSE(test, wal_snapshot_was_made(buf));
	memset(buf, 0, WAL_SNAPSHOT_COPY_BYTES);
	KUNIT_EXPECT_TRUE(test, wal_snapshot_was_made(buf));
	memset(buf + WAL_SNAPSHOT_COPY_BYTES, 'x', WAL_SNAPSHOT_COPY_BYTES);
	KUNIT_EXPECT_FALSE(test, wal_snapshot_was_made(buf));
}

/* Its checksum is none of this version, and yet it is not nothing. */
static void header_of_version_1_is_told(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 3000);
	u8 *buf = header_of(test, &snapshot);
	struct wal_disk_snapshot *disk = (void *)buf;
	struct wal_snapshot found;

	disk->version = cpu_to_le32(1);
	KUNIT_EXPECT_EQ(test, wal_snapshot_decode(&super, buf, &found),
			-EPROTONOSUPPORT);
}

/*
 * A recovery from lost quorum went on with snapshot 7, and entries up to 20, of term
 * 8; that began generation 2.
 */
struct kept_case {
	const char *name;
	u32 generation;
	u64 id;
	u64 index;
	u64 term;
	u64 term_of_log; /* at @index */
	bool is_of;
};

static const struct kept_case kept_cases[] = {
	{ "made since", 2, 9, 30, 8, 0, true },
	{ "made since, and the log has another", 3, 9, 20, 8, 7, true },
	{ "in use then", 0, 7, 30, 8, 0, true },
	{ "in use then, gone from the log", 1, 7, 10, 5, 0, true },
	{ "of what was kept", 0, 9, 20, 8, 8, true },
	{ "of an older entry that was kept", 1, 9, 10, 5, 5, true },
	{ "of one that was replaced", 0, 9, 20, 8, 7, false },
	{ "of an older term than the log has", 1, 9, 20, 7, 8, false },
	{ "behind what was kept", 0, 9, 21, 8, 8, false },
	{ "behind the log", 0, 9, 30, 8, 0, false },
	{ "of an entry that is gone", 1, 9, 10, 5, 0, false },
};

static void describe_kept(const struct kept_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(kept, kept_cases, describe_kept);

static void what_was_given_up_is_told_by_when(struct kunit *test)
{
	const struct kept_case *c = test->param_value;
	struct wal_snapshot snapshot = snapshot_of(c->index, 3000);
	struct wal_superblock recovered = super;

	recovered.kept = (struct wal_kept){ 20, 8, 7, 2 };
	snapshot.id = c->id;
	snapshot.term = c->term;
	snapshot.generation = c->generation;
	KUNIT_EXPECT_EQ(test,
			wal_snapshot_is_of(&recovered, &snapshot, c->term_of_log),
			c->is_of);
	/* Where there was no recovery, nothing was given up. */
	KUNIT_EXPECT_TRUE(test, wal_snapshot_is_of(&super, &snapshot,
						   c->term_of_log));
}

static void nonsense_is_not_sealed(struct kunit *test)
{
	struct wal_snapshot good = snapshot_of(20, 3000), bad;
	u8 *buf = header_of(test, &good);
	struct wal_write write;

#define REFUSED(field, value)                                             \
	do {                                                              \
		bad = good;                                               \
		bad.field = (value);                                      \
		KUNIT_EXPECT_EQ(test,                                     \
				wal_snapshot_encode(&super, &bad, buf,    \
						    &write),              \
				-EINVAL);                                 \
	} while (0)

	REFUSED(index, 0);
	REFUSED(index, 1ull << 62);
	REFUSED(term, 0);
	REFUSED(term, 1ull << 62);
	REFUSED(bytes, 0);
	REFUSED(bytes, U64_MAX);
	REFUSED(chunk_bytes, 0);
	REFUSED(chunk_bytes, 256);
	REFUSED(chunk_bytes, 1025);
	REFUSED(chunk_bytes, 2 * WAL_CHUNK_BYTES_MAX);
	REFUSED(configuration.index, 0);
	REFUSED(configuration.index, 1ull << 62);
	REFUSED(configuration.bytes, 0);
	REFUSED(configuration.bytes, WAL_CONFIGURATION_BYTES_MAX + 1);
#undef REFUSED
}

static u8 *chunk_of(struct kunit *test, const struct wal_snapshot *snapshot,
		    u64 number, u32 bytes, struct wal_write *write)
{
	u8 *buf = kunit_kzalloc(test, CHUNK_BYTES, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	memset(buf, 0xee, CHUNK_BYTES);
	for (i = 0; i < bytes; i++)
		buf[WAL_CHUNK_HEADER_BYTES + i] = i + number;
	wal_chunk_encode(&super, snapshot, number, bytes, buf, write);
	return buf;
}

static void chunks_follow_each_other(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 3000);
	u32 room = wal_chunk_room(&snapshot);
	u64 end = WAL_SNAPSHOT_DATA_POSITION;
	struct wal_write write;
	u32 bytes, i;
	u8 *buf;

	for (i = 0; i < 4; i++) {
		bytes = i < 3 ? room : 3000 - 3 * room;
		buf = chunk_of(test, &snapshot, i, bytes, &write);
		KUNIT_EXPECT_EQ(test, write.position, end);
		KUNIT_EXPECT_EQ(test, write.position,
				wal_chunk_position(&snapshot, i));
		KUNIT_EXPECT_EQ(test, write.bytes, (u32)CHUNK_BYTES);
		KUNIT_EXPECT_EQ(test, write.bytes,
				wal_chunk_read_bytes(&snapshot, i));
		end += write.bytes;
		KUNIT_EXPECT_EQ(test,
				wal_chunk_decode(&super, &snapshot, i, buf,
						 &bytes),
				0);
		KUNIT_EXPECT_EQ(test, bytes, i < 3 ? room : 3000 - 3 * room);
		KUNIT_EXPECT_EQ(test, (u32)buf[WAL_CHUNK_HEADER_BYTES + 5],
				i + 5);
	}
}

/* Nothing of what was in memory before gets to the disk. */
static void chunk_is_padded_with_zeros(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 100);
	struct wal_write write;
	u8 *buf = chunk_of(test, &snapshot, 0, 100, &write);
	u32 end = WAL_CHUNK_HEADER_BYTES + 100;

	KUNIT_ASSERT_EQ(test, write.bytes, (u32)CHUNK_BYTES);
	KUNIT_EXPECT_NULL(test, memchr_inv(buf + end, 0, write.bytes - end));
}

static void damaged_chunk_is_named(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 100);
	struct wal_write write;
	u8 *buf = chunk_of(test, &snapshot, 0, 100, &write);
	u32 bytes, i;

	for (i = 0; i < WAL_CHUNK_HEADER_BYTES + 100; i++) {
		buf[i] ^= 1;
		KUNIT_EXPECT_EQ(test,
				wal_chunk_decode(&super, &snapshot, 0, buf,
						 &bytes),
				-EUCLEAN);
		buf[i] ^= 1;
	}
	KUNIT_EXPECT_EQ(test,
			wal_chunk_decode(&super, &snapshot, 0, buf, &bytes), 0);
}

/* Left there by an earlier snapshot in this file, by a write gone astray. */
static void chunk_of_another_is_damage(struct kunit *test)
{
	const struct wal_snapshot snapshot = snapshot_of(20, 3000);
	struct wal_snapshot other = snapshot;
	u32 room = wal_chunk_room(&snapshot);
	struct wal_superblock another_log = super;
	struct wal_write write;
	u8 *buf = chunk_of(test, &snapshot, 1, room, &write);
	u32 bytes;

	other.id++;
	another_log.uuid[0]++;
	KUNIT_EXPECT_EQ(test, wal_chunk_decode(&super, &other, 1, buf, &bytes),
			-EUCLEAN);
	KUNIT_EXPECT_EQ(test,
			wal_chunk_decode(&super, &snapshot, 2, buf, &bytes),
			-EUCLEAN);
	KUNIT_EXPECT_EQ(test,
			wal_chunk_decode(&super, &snapshot, 3, buf, &bytes),
			-EUCLEAN);
	KUNIT_EXPECT_EQ(test,
			wal_chunk_decode(&another_log, &snapshot, 1, buf,
					 &bytes),
			-EUCLEAN);
}

/* The same bytes have the same one on every node, in whatever pieces they came. */
static void checksum_is_of_the_data_alone(struct kunit *test)
{
	static const u8 data[] = "the state of an application";
	u32 whole = wal_snapshot_checksum(~0u, data, sizeof(data));
	u32 parts = wal_snapshot_checksum(~0u, data, 5);

	KUNIT_EXPECT_EQ(test,
			wal_snapshot_checksum(parts, data + 5, sizeof(data) - 5),
			whole);
	KUNIT_EXPECT_NE(test, wal_snapshot_checksum(~0u, data, 5), whole);
}

/* A file of memory, and what each write to it leaves if the power fails in it. */

enum { SECTOR_BYTES = 512, N_CHUNKS = 3, FILE_BYTES = 16 << 10 };

static u64 all_bytes(void)
{
	return N_CHUNKS * (CHUNK_BYTES - WAL_CHUNK_HEADER_BYTES) - 50;
}

/* Sectors of @write for which @kept has a bit: of those behind the 64th, the last. */
static void apply(u8 *file, const struct wal_write *write, u64 kept)
{
	u32 i;

	for (i = 0; i < write->bytes / SECTOR_BYTES; i++)
		if (kept >> min(i, 63u) & 1)
			memcpy(file + write->position + i * SECTOR_BYTES,
			       (const u8 *)write->data + i * SECTOR_BYTES,
			       SECTOR_BYTES);
}

/* The steps of making one: header away, chunks, header. Each into @buf. */
static void make_step(struct kunit *test, const struct wal_snapshot *snapshot,
		      u32 step, u8 *buf, struct wal_write *write)
{
	u32 room = wal_chunk_room(snapshot), number = step - 1;

	if (step == 0) {
		wal_snapshot_clear(buf, write);
	} else if (step <= N_CHUNKS) {
		memset(buf + WAL_CHUNK_HEADER_BYTES, snapshot->id + number, room);
		wal_chunk_encode(&super, snapshot, number,
				 min_t(u64, room,
				       snapshot->bytes - number * room),
				 buf, write);
	} else {
		KUNIT_ASSERT_EQ(test,
				wal_snapshot_encode(&super, snapshot, buf,
						    write),
				0);
	}
}

/* Whatever is found is whole. Return: its index, 0 for none. */
static u64 find_whole(struct kunit *test, const u8 *file)
{
	struct wal_snapshot found;
	u32 i, bytes;

	if (wal_snapshot_decode(&super, file, &found))
		return 0;
	for (i = 0; i < N_CHUNKS; i++) {
		const u8 *chunk = file + wal_chunk_position(&found, i);

		KUNIT_ASSERT_EQ(test,
				wal_chunk_decode(&super, &found, i, chunk,
						 &bytes),
				0);
		KUNIT_ASSERT_EQ(test, (u64)chunk[WAL_CHUNK_HEADER_BYTES],
				found.id + i);
	}
	return found.index;
}

/*
 * In the place of an older one a newer is made, and the power fails in each of the
 * steps: of that write any sectors are there, or of all chunks, which become durable
 * together. The old one is not there any more, and the new one is or is not.
 */
static void power_cut_leaves_a_whole_one_or_none(struct kunit *test)
{
	static const u64 torn[] = {
		0, ~0ull, 1, 0xfffe, 0xff, 0xff00, 0x5555, 0xaaaa, 0x7fff, 0x8000,
	};
	struct wal_snapshot old = snapshot_of(20, all_bytes());
	struct wal_snapshot new = snapshot_of(30, all_bytes());
	u8 *file = kunit_kzalloc(test, FILE_BYTES, GFP_KERNEL);
	u8 *cut = kunit_kzalloc(test, FILE_BYTES, GFP_KERNEL);
	u8 *buf = kunit_kzalloc(test, WAL_SNAPSHOT_HEADER_BYTES, GFP_KERNEL);
	struct wal_write write;
	u32 step, i, n_new = 0;
	u64 found;

	KUNIT_ASSERT_TRUE(test, file && cut && buf);
	old.id = 0x20;
	new.id = 0x30;
	for (step = 0; step <= N_CHUNKS + 1; step++) {
		make_step(test, &old, step, buf, &write);
		apply(file, &write, ~0ull);
	}
	KUNIT_ASSERT_EQ(test, find_whole(test, file), 20ull);
	for (step = 0; step <= N_CHUNKS + 1; step++) {
		make_step(test, &new, step, buf, &write);
		for (i = 0; i < ARRAY_SIZE(torn); i++) {
			memcpy(cut, file, FILE_BYTES);
			apply(cut, &write, torn[i]);
			found = find_whole(test, cut);
			KUNIT_EXPECT_TRUE(test, found == 0 ||
					  (found == 20 && step == 0) ||
					  (found == 30 && step == N_CHUNKS + 1));
			n_new += found == 30;
		}
		apply(file, &write, ~0ull);
		KUNIT_EXPECT_EQ(test, find_whole(test, file),
				step == N_CHUNKS + 1 ? 30ull : 0ull);
	}
	/* One copy of the header is enough. */
	KUNIT_EXPECT_GE(test, n_new, 3u);
}

static struct kunit_case wal_snapshot_cases[] = {
	KUNIT_CASE(power_cut_leaves_a_whole_one_or_none),
	KUNIT_CASE(what_is_sealed_is_found),
	KUNIT_CASE(either_copy_is_enough),
	KUNIT_CASE(damaged_header_is_none),
	KUNIT_CASE(newest_is_the_last_one_made),
	KUNIT_CASE(cleared_header_is_none),
	KUNIT_CASE(snapshot_of_another_log_is_told),
	KUNIT_CASE(torn_header_is_of_a_snapshot),
	KUNIT_CASE(something_else_is_no_header),
	KUNIT_CASE(header_of_version_1_is_told),
	KUNIT_CASE_PARAM(what_was_given_up_is_told_by_when, kept_gen_params),
	KUNIT_CASE(nonsense_is_not_sealed),
	KUNIT_CASE(chunks_follow_each_other),
	KUNIT_CASE(chunk_is_padded_with_zeros),
	KUNIT_CASE(damaged_chunk_is_named),
	KUNIT_CASE(chunk_of_another_is_damage),
	KUNIT_CASE(checksum_is_of_the_data_alone),
	{}
};

struct kunit_suite raftlog_wal_snapshot_suite = {
	.name = "raftlog_wal_snapshot",
	.test_cases = wal_snapshot_cases,
};
