// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes on the disk. The input is a program, one operation after the other:
 * a WAL is written to and torn as it can happen, which recovery must survive
 * without loss; then it is damaged in every way, with checksums put right again,
 * which recovery must survive without a crash, a read out of bounds or an endless
 * loop. What it accepts can be written to and recovers again.
 */
#include "../../kmod/wal/wal.h"
#include "disk.h"
#include "fuzz.h"

enum {
	BLOCK_BYTES = 512,
	AREA_BYTES = 64 << 10,
	IMAGE_BYTES = WAL_AREA_POSITION + AREA_BYTES,
	MAP_SLOTS = 4,
	OPERATIONS_MAX = 64,
};

enum operation {
	APPEND,
	REPLACE,
	VOTE,
	REOPEN,
	TEAR,
	MOVE_HEAD,
	BEGIN_ANEW,
	POKE,
	PASTE,
	FIX,
	TWIST,
	N_OPERATIONS,
};

struct world {
	struct input input;
	u8 *image;
	u8 *buf;
	u8 *staging;
	u8 *before;
	struct wal_write write;
	struct wal_superblock super;
	struct wal_writer w;
	struct wal_map map;
	struct wal_map_slot map_slots[MAP_SLOTS];
	struct wal_recovery rec;
	bool damaged;
	bool torn;
};

static u64 take(struct world *world, unsigned int bytes)
{
	return input_take(&world->input, bytes);
}

static void disk_write(struct world *world, const struct wal_write *write)
{
	CHECK(write->position + write->bytes <= IMAGE_BYTES);
	CHECK(IS_ALIGNED(write->position, BLOCK_BYTES));
	world->write = *write;
	memcpy(world->before, world->image + write->position, write->bytes);
	memcpy(world->image + write->position, write->data, write->bytes);
}

static void disk_read(struct world *world, const struct wal_step *step,
		      const u8 *buf, u32 buf_bytes)
{
	const u8 *data = step->data;

	CHECK(step->bytes && step->position + step->bytes <= IMAGE_BYTES);
	CHECK(data >= buf && data + step->bytes <= buf + buf_bytes);
	memcpy(step->data, world->image + step->position, step->bytes);
}

static void check_entry(const struct world *world,
			const struct wal_entry *entry)
{
	const u8 *data = entry->data;

	CHECK(entry->index && entry->term);
	CHECK(data >= world->buf &&
	      data + entry->bytes <= world->buf + AREA_BYTES);
}

static int recover(struct world *world)
{
	struct wal_superblock super;
	u64 read_bytes = 0;
	struct wal_step step;
	int ret;

	ret = wal_superblock_decode(&super,
				    world->image + WAL_SUPERBLOCK_POSITION_0,
				    world->image + WAL_SUPERBLOCK_POSITION_1);
	if (ret)
		return ret;
	if (super.area_bytes > AREA_BYTES)
		return -EUCLEAN;
	wal_map_init(&world->map, world->map_slots, MAP_SLOTS);
	ret = wal_recovery_init(&world->rec, &super, IMAGE_BYTES, BLOCK_BYTES,
				&world->map, world->buf, AREA_BYTES);
	if (ret)
		return ret;
	for (;;) {
		ret = wal_recovery_next(&world->rec, &step);
		if (ret)
			return ret;
		if (step.type == WAL_STEP_DONE)
			return 0;
		if (step.type == WAL_STEP_ENTRY) {
			check_entry(world, &step.entry);
			continue;
		}
		disk_read(world, &step, world->buf, AREA_BYTES);
		read_bytes += step.bytes;
		CHECK(read_bytes <= 4 * AREA_BYTES + 6 * WAL_BLOCK_BYTES_MAX);
	}
}

static void write_slot(struct world *world,
		       const struct wal_hard_state *hard_state)
{
	struct wal_write write;

	if (wal_slot_encode(&world->w, hard_state, world->staging, &write))
		return;
	disk_write(world, &write);
	wal_slot_done(&world->w, hard_state);
	wal_map_trim(&world->map, &world->w);
}

static struct wal_configuration configuration(struct world *world)
{
	return (struct wal_configuration){
		.index = 1 + take(world, 1),
		.data = world->image,
		.bytes = 1 + take(world, 2) % WAL_CONFIGURATION_BYTES_MAX,
	};
}

/* The term of the last entry is known; one that is wrong is damage. */
static void move_head(struct world *world)
{
	struct wal_configuration with = configuration(world);
	u64 back = world->damaged ? take(world, 1) : 0;
	u64 index = wal_head_find(&world->w, &world->map,
				  world->w.last_index - back);

	if (!index || wal_head_move(&world->w, &world->map, index,
				    world->w.last_term, &with))
		return;
	write_slot(world, &world->w.hard_state);
}

static void begin_anew(struct world *world)
{
	struct wal_configuration with = configuration(world);
	u64 index = world->w.head.prev_index + take(world, 2);
	u64 term = take(world, 1);

	if (!index || term > world->w.hard_state.current_term)
		return;
	CHECK(!wal_writer_discard(&world->w, index, term, &with));
	wal_map_clear(&world->map);
	write_slot(world, &world->w.hard_state);
}

/* Counters this large were made up; the writer does not count beyond them. */
static bool plausible(const struct wal_writer *w)
{
	const u64 limit = 1ull << 60;

	return w->tail < limit && w->number < limit && w->last_index < limit &&
	       w->slot_sequence < limit && w->hard_state.current_term < limit;
}

static bool reopen(struct world *world)
{
	int ret = recover(world);

	CHECK(!ret || world->damaged);
	if (ret)
		return false;
	CHECK(!world->rec.damage.reason || world->damaged);
	wal_writer_init(&world->w, &world->rec);
	if (!plausible(&world->w))
		return false;
	write_slot(world, &world->w.hard_state);
	world->torn = false;
	return true;
}

static void append(struct world *world, u64 first_index)
{
	struct wal_hard_state hard_state = world->w.hard_state;
	struct wal_batch batch;
	struct wal_write write;
	u32 bytes[8];
	u32 i, n = 1 + take(world, 1) % ARRAY_SIZE(bytes);
	struct wal_entry entry = { .index = first_index };

	if (take(world, 1) & 1 || !hard_state.current_term)
		hard_state = (struct wal_hard_state){
			.current_term = hard_state.current_term + 1,
		};
	if (wal_batch_begin(&batch, &world->w, first_index))
		return;
	for (i = 0; i < n; i++) {
		bytes[i] = take(world, 2) % 1500;
		if (wal_batch_reserve(&batch, bytes[i]))
			break;
	}
	if (!i)
		return;
	CHECK(!wal_batch_seal(&batch, &hard_state, world->staging));
	entry.term = hard_state.current_term;
	entry.data = world->image;
	for (n = i, i = 0; i < n; i++, entry.index++) {
		entry.bytes = bytes[i];
		CHECK(!wal_batch_add(&batch, &entry));
	}
	CHECK(!wal_batch_finish(&batch, &write));
	disk_write(world, &write);
	wal_batch_done(&world->w, &batch);
	wal_map_insert(&world->map, &batch.info);
}

/* The newest write, any subset of its sectors. */
static void tear(struct world *world)
{
	u64 mask = take(world, 8);
	u32 at;

	for (at = 0; at < world->write.bytes; at += 512)
		if (mask >> (at / 512 % 64) & 1)
			memcpy(world->image + world->write.position + at,
			       world->before + at, 512);
	world->torn = true;
}

/* Put the checksums of a block right. */
static void fix(struct world *world, u8 *block)
{
	struct wal_disk_superblock *super = (void *)block;
	struct wal_disk_slot *slot = (void *)block;
	u32 seed = crc32c(~0u, world->super.uuid, sizeof(world->super.uuid));
	u32 room = world->image + IMAGE_BYTES - block;

	if (slot->magic == cpu_to_le32(WAL_SLOT_MAGIC) &&
	    room >= WAL_SLOT_COPY_BYTES) {
		slot->configuration_bytes %= WAL_CONFIGURATION_BYTES_MAX;
		slot->crc = cpu_to_le32(crc32c(
			seed, block + 8,
			sizeof(*slot) - 8 + slot->configuration_bytes));
	} else if (slot->magic == cpu_to_le32(WAL_BATCH_MAGIC)) {
		disk_fix_batch(seed, block, room);
	} else if (super->magic == cpu_to_le64(WAL_SUPERBLOCK_MAGIC)) {
		disk_fix_superblock(block);
	}
	world->damaged = true;
}

/* One word of the newest write, with checksums that are right. */
static void twist(struct world *world)
{
	u8 *block = world->image + world->write.position;
	u8 *word = block + take(world, 1) * 4 % world->write.bytes;

	put_unaligned_le32(get_unaligned_le32(word) ^ take(world, 4), word);
	fix(world, block);
}

static void poke(struct world *world, u32 n)
{
	u32 at = take(world, 3) % IMAGE_BYTES;

	for (; n && at < IMAGE_BYTES; n--, at++)
		world->image[at] ^= take(world, 1);
	world->damaged = true;
}

/* Every entry that the log says it has can be found, or is damaged. */
static void look_up(struct world *world)
{
	u8 *buf = malloc(WAL_CURSOR_BUFFER_BYTES_MIN);
	u64 index = world->w.head.prev_index + 1 + take(world, 1);
	struct wal_cursor cursor;
	struct wal_range range;
	struct wal_step step;
	u32 n_reads = 0;

	CHECK(buf);
	wal_cursor_init(&cursor, &world->super, buf,
			WAL_CURSOR_BUFFER_BYTES_MIN);
	if (!wal_map_find(&world->map, &world->w, index, &range)) {
		wal_cursor_seek(&cursor, &range, index, take(world, 1));
		while (!wal_cursor_next(&cursor, &step) &&
		       step.type == WAL_STEP_READ) {
			disk_read(world, &step, buf,
				  WAL_CURSOR_BUFFER_BYTES_MIN);
			CHECK(n_reads++ <= 4 * AREA_BYTES / BLOCK_BYTES);
		}
	}
	free(buf);
}

static void format(struct world *world)
{
	struct wal_write write;
	unsigned int i;

	world->super = (struct wal_superblock){
		.cluster_id = 1,
		.incarnation = 1,
		.node_id = 1,
		.block_bytes = BLOCK_BYTES,
		.uuid = { 1, 2, 3 },
		.area_bytes = AREA_BYTES,
	};
	for (i = 0; i < WAL_FORMAT_WRITES; i++) {
		wal_format_encode(&world->super, i, world->staging, &write);
		disk_write(world, &write);
	}
}

/* Return: false if the log is no longer to be written to. */
static bool operate(struct world *world)
{
	struct wal_hard_state hard_state = world->w.hard_state;
	enum operation operation = take(world, 1) % N_OPERATIONS;

	/* A torn write is the last one before the next start. */
	if (world->torn && operation < POKE)
		operation = REOPEN;
	switch (operation) {
	case APPEND:
		append(world, world->w.last_index + 1);
		return true;
	case REPLACE:
		append(world, world->w.last_index - take(world, 1) % 8);
		return true;
	case VOTE:
		hard_state.current_term += take(world, 1) % 4;
		hard_state.voted_for = take(world, 1) % 3;
		write_slot(world, &hard_state);
		return true;
	case REOPEN:
		return reopen(world);
	case TEAR:
		tear(world);
		return true;
	case MOVE_HEAD:
		move_head(world);
		return true;
	case BEGIN_ANEW:
		begin_anew(world);
		return true;
	case POKE:
		poke(world, 1);
		return true;
	case PASTE:
		poke(world, take(world, 1));
		return true;
	case TWIST:
		twist(world);
		return true;
	default:
		fix(world, world->image +
				   take(world, 2) % (IMAGE_BYTES / 512) * 512);
		return true;
	}
}

int LLVMFuzzerTestOneInput(const u8 *input, size_t n_input)
{
	static u8 *image, *buf, *staging, *before;
	static struct world memory;
	struct world *world = &memory;
	u32 n_operations = 0;

	if (!image) {
		image = malloc(IMAGE_BYTES);
		buf = malloc(AREA_BYTES);
		staging = malloc(AREA_BYTES);
		before = malloc(AREA_BYTES);
		CHECK(image && buf && staging && before);
	}
	memset(image, 0, IMAGE_BYTES);
	*world = (struct world){
		.input = { input, n_input },
		.image = image,
		.buf = buf,
		.staging = staging,
		.before = before,
	};
	format(world);
	reopen(world);
	while (world->input.bytes && n_operations++ < OPERATIONS_MAX)
		if (!operate(world))
			break;
	if (reopen(world)) {
		look_up(world);
		append(world, world->w.last_index + 1);
		CHECK(!recover(world) || world->damaged);
	}
	return 0;
}
