// SPDX-License-Identifier: GPL-2.0
/*
 * A disk that somebody else has made: a log and a snapshot whose checksums are right,
 * and whatever else they say is not. The input is a list of words to put into a good
 * image. What of it is taken is opened as the module opens it, and the server that has
 * this log starts. Nothing crashes, nothing is read that is not there, nothing takes
 * for ever, and the server does not find itself inconsistent.
 */
#include <stdio.h>

#include "../../kmod/wal/wal.h"
#include "core.h"
#include "disk.h"
#include "fuzz.h"

enum {
	BLOCK_BYTES = 512,
	AREA_BYTES = 64 << 10,
	IMAGE_BYTES = WAL_AREA_POSITION + AREA_BYTES,
	CHUNK_BYTES = 1024,
	SNAPSHOT_DATA_BYTES = 3000,
	SNAPSHOT_BYTES = WAL_SNAPSHOT_DATA_POSITION + 8 * CHUNK_BYTES,
	MAP_SLOTS = 16,
	PATCHES_MAX = 64,
	BATCHES_MAX = 200,
	RETRIES_MAX = 20,
	ROUNDS = 12,
	NODE_ID = 1,
	INCARNATION = 7,
};

struct world {
	struct input input;
	u8 *image;
	u8 *snapshot;
	u8 *buf;
	u8 *staging;
	struct wal_superblock super;
	struct wal_map map;
	struct wal_map_slot map_slots[MAP_SLOTS];
	struct wal_recovery rec;
	struct wal_writer w;
	u8 configuration[RAFT_CONFIGURATION_BYTES_MAX];
	u32 configuration_bytes;
	struct core core;
	u64 now_ns;
};

static u64 take(struct world *world, unsigned int bytes)
{
	return input_take(&world->input, bytes);
}

/* A good image */

static void disk_write(struct world *world, const struct wal_write *write)
{
	CHECK(write->position + write->bytes <= IMAGE_BYTES);
	memcpy(world->image + write->position, write->data, write->bytes);
}

static void encode_configuration(struct world *world)
{
	struct raft_configuration configuration = { .n_members = 3 };
	int bytes;
	u32 i;

	for (i = 0; i < configuration.n_members; i++)
		configuration.members[i] = (struct raft_member){
			.id = i + 1,
			.address = { .family = 4, .port = 1, .ip = { i + 1 } },
			.incarnation = i + INCARNATION,
		};
	bytes = raft_configuration_encode(&configuration, world->configuration,
					  sizeof(world->configuration));
	CHECK(bytes > 0);
	world->configuration_bytes = bytes;
}

static void format(struct world *world)
{
	struct wal_write write;
	unsigned int i;

	world->super = (struct wal_superblock){
		.cluster_id = 1,
		.incarnation = INCARNATION,
		.node_id = NODE_ID,
		.block_bytes = BLOCK_BYTES,
		.uuid = { 1, 2, 3 },
		.area_bytes = AREA_BYTES,
	};
	for (i = 0; i < WAL_FORMAT_WRITES; i++) {
		wal_format_encode(&world->super, i, world->staging, &write);
		disk_write(world, &write);
	}
}

static void write_slot(struct world *world, u64 term)
{
	const struct wal_hard_state hard_state = { .current_term = term };
	struct wal_write write;

	CHECK(!wal_slot_encode(&world->w, &hard_state, world->staging, &write));
	disk_write(world, &write);
	wal_slot_done(&world->w, &hard_state);
}

static void write_batch(struct world *world, const struct wal_entry *entries,
			u32 n)
{
	struct wal_hard_state hard_state = world->w.hard_state;
	struct wal_batch batch;
	struct wal_write write;
	u32 i;

	CHECK(!wal_batch_begin(&batch, &world->w, entries[0].index));
	for (i = 0; i < n; i++)
		CHECK(!wal_batch_reserve(&batch, entries[i].bytes));
	CHECK(!wal_batch_seal(&batch, &hard_state, world->staging));
	for (i = 0; i < n; i++)
		CHECK(!wal_batch_add(&batch, &entries[i]));
	CHECK(!wal_batch_finish(&batch, &write));
	disk_write(world, &write);
	wal_batch_done(&world->w, &batch);
	wal_map_insert(&world->map, &batch.info);
}

static void write_log(struct world *world)
{
	static const char some[600] = "some data";
	const struct wal_entry first[] = {
		{ .index = 1, .term = 1, .data = world->configuration,
		  .bytes = world->configuration_bytes,
		  .type = RAFT_ENTRY_CONFIGURATION },
	};
	const struct wal_entry more[] = {
		{ .index = 2, .term = 2, .type = RAFT_ENTRY_NOOP, .data = some },
		{ .index = 3, .term = 2, .session = 9, .sequence = 1,
		  .data = some, .bytes = 20, .type = RAFT_ENTRY_DATA },
		{ .index = 4, .term = 2, .type = RAFT_ENTRY_SESSIONS,
		  .data = some },
		{ .index = 5, .term = 2, .session = RAFT_SESSION_KEY | 5,
		  .sequence = 1, .data = some, .bytes = 4,
		  .type = RAFT_ENTRY_SESSION },
	};
	const struct wal_entry last[] = {
		{ .index = 6, .term = 2, .session = RAFT_SESSION_NAMED | 5,
		  .sequence = 1, .data = some, .bytes = 500,
		  .type = RAFT_ENTRY_DATA },
		{ .index = 7, .term = 2, .data = world->configuration,
		  .bytes = world->configuration_bytes,
		  .type = RAFT_ENTRY_CONFIGURATION },
	};

	write_slot(world, 1);
	write_batch(world, first, ARRAY_SIZE(first));
	write_slot(world, 2);
	write_batch(world, more, ARRAY_SIZE(more));
	write_batch(world, last, ARRAY_SIZE(last));
}

static void write_snapshot(struct world *world)
{
	struct wal_snapshot snapshot = {
		.id = 5,
		.index = 6,
		.term = 2,
		.bytes = SNAPSHOT_DATA_BYTES,
		.checksum = 1,
		.chunk_bytes = CHUNK_BYTES,
		.configuration = {
			.index = 1,
			.data = world->configuration,
			.bytes = world->configuration_bytes,
		},
	};
	u32 room = wal_chunk_room(&snapshot), at, number = 0;
	struct wal_write write;

	CHECK(!wal_snapshot_encode(&world->super, &snapshot, world->staging,
				   &write));
	memcpy(world->snapshot, write.data, write.bytes);
	for (at = 0; at < SNAPSHOT_DATA_BYTES; at += room, number++) {
		memset(world->staging, number, CHUNK_BYTES);
		wal_chunk_encode(&world->super, &snapshot, number,
				 min(room, SNAPSHOT_DATA_BYTES - at),
				 world->staging, &write);
		memcpy(world->snapshot + write.position, write.data,
		       write.bytes);
	}
}

/* Words of it */

static u8 *take_place(struct world *world, u32 *room)
{
	/* Where structs are, and how long what is of interest there is. */
	static const struct {
		u32 position;
		u32 bytes;
	} places[] = {
		{ WAL_SUPERBLOCK_POSITION_0, 120 },
		{ WAL_SUPERBLOCK_POSITION_1, 120 },
		{ WAL_SLOT_POSITION_0, 400 },
		{ WAL_SLOT_POSITION_0 + WAL_SLOT_COPY_BYTES, 400 },
		{ WAL_SLOT_POSITION_1, 400 },
		{ WAL_SLOT_POSITION_1 + WAL_SLOT_COPY_BYTES, 400 },
		{ WAL_AREA_POSITION, 512 },
		{ WAL_AREA_POSITION + 512, 1024 },
		{ WAL_AREA_POSITION + 1024, 1024 },
		{ WAL_AREA_POSITION, AREA_BYTES },
	};
	u32 i = take(world, 1) % (ARRAY_SIZE(places) + 2);

	if (i >= ARRAY_SIZE(places)) {
		*room = i & 1 ? SNAPSHOT_BYTES : 400;
		return world->snapshot;
	}
	*room = places[i].bytes;
	return world->image + places[i].position;
}

/* Both copies of a struct at once, where there are two: one alone is only torn. */
static void patch(struct world *world)
{
	u32 room, width = 1u << take(world, 1) % 4, at;
	u8 *place = take_place(world, &room);
	u64 value;
	u32 i;

	at = take(world, 2) % (room / width) * width;
	value = take(world, width);
	for (i = 0; i < width; i++)
		place[at + i] = value >> 8 * i;
}

static void copy_over(struct world *world)
{
	u8 *image = world->image;

	memcpy(image + WAL_SUPERBLOCK_POSITION_1,
	       image + WAL_SUPERBLOCK_POSITION_0, 512);
	memcpy(image + WAL_SLOT_POSITION_0 + WAL_SLOT_COPY_BYTES,
	       image + WAL_SLOT_POSITION_0, WAL_SLOT_COPY_BYTES);
	memcpy(image + WAL_SLOT_POSITION_1 + WAL_SLOT_COPY_BYTES,
	       image + WAL_SLOT_POSITION_1, WAL_SLOT_COPY_BYTES);
	memcpy(world->snapshot + WAL_SNAPSHOT_COPY_BYTES, world->snapshot,
	       WAL_SNAPSHOT_COPY_BYTES);
}

/* Checksums */

static u32 configuration_bytes_of(__le32 bytes)
{
	return min_t(u32, le32_to_cpu(bytes), WAL_CONFIGURATION_BYTES_MAX);
}

static void fix_slot(u32 seed, u8 *at)
{
	struct wal_disk_slot *slot = (void *)at;

	slot->crc = cpu_to_le32(
		crc32c(seed, at + 8,
		       sizeof(*slot) - 8 +
			       configuration_bytes_of(
				       slot->configuration_bytes)));
}

static void fix_snapshot(u8 *at)
{
	struct wal_disk_snapshot *disk = (void *)at;

	disk->crc = cpu_to_le32(
		crc32c(~0u, at + 12,
		       sizeof(*disk) - 12 +
			       configuration_bytes_of(
				       disk->configuration_bytes)));
}

static void fix_chunk(u32 seed, u8 *at, u32 room)
{
	struct wal_disk_chunk *chunk = (void *)at;
	u32 bytes = le32_to_cpu(chunk->bytes);

	if (bytes <= room - sizeof(*chunk))
		chunk->crc = cpu_to_le32(
			crc32c(seed, at + 8, sizeof(*chunk) - 8 + bytes));
}

static void fix_rest(struct world *world, u32 seed)
{
	u8 *snapshot = world->snapshot;
	u32 at;

	for (at = WAL_SLOT_POSITION_0; at < WAL_SLOT_POSITION_0 + (16 << 10);
	     at += WAL_SLOT_COPY_BYTES)
		fix_slot(seed, world->image + at);
	for (at = WAL_AREA_POSITION; at < IMAGE_BYTES; at += BLOCK_BYTES)
		if (get_unaligned_le32(world->image + at) == WAL_BATCH_MAGIC)
			disk_fix_batch(seed, world->image + at,
				       IMAGE_BYTES - at);
	fix_snapshot(snapshot);
	fix_snapshot(snapshot + WAL_SNAPSHOT_COPY_BYTES);
	for (at = WAL_SNAPSHOT_DATA_POSITION; at < SNAPSHOT_BYTES;
	     at += BLOCK_BYTES)
		if (get_unaligned_le32(snapshot + at) == WAL_CHUNK_MAGIC)
			fix_chunk(seed, snapshot + at, SNAPSHOT_BYTES - at);
}

/* Opening it */

static int restore_base(struct world *world, const struct wal_slot *slot)
{
	if (!slot->head.prev_index)
		return 0;
	return raft_restore_base(world->core.r, slot->head.prev_index,
				 slot->head.prev_term, slot->configuration.data,
				 slot->configuration.bytes,
				 slot->configuration.index);
}

static int restore_entry(struct world *world, const struct wal_entry *found)
{
	const u8 *data = found->data;
	const struct raft_entry entry = {
		.term = found->term,
		.session = found->session,
		.sequence = found->sequence,
		.data = found->data,
		.bytes = found->bytes,
		.type = found->type,
	};
	u32 retries = 0;
	int error;

	CHECK(data >= world->buf &&
	      data + found->bytes <= world->buf + AREA_BYTES);
	while ((error = raft_restore_entry(world->core.r, found->index,
					   &entry)) == -ENOMEM) {
		CHECK(retries++ < RETRIES_MAX);
		core_provide_memory(&world->core);
	}
	return error;
}

static int recover_entries(struct world *world)
{
	struct wal_step step;
	u64 read_bytes = 0;
	bool based = false;
	int error;

	for (;;) {
		error = wal_recovery_next(&world->rec, &step);
		if (!error && step.type != WAL_STEP_READ && !based) {
			based = true;
			error = restore_base(world, &world->rec.slot);
		}
		if (error || step.type == WAL_STEP_DONE)
			return error;
		if (step.type == WAL_STEP_ENTRY) {
			error = restore_entry(world, &step.entry);
			if (error)
				return error;
			continue;
		}
		CHECK(step.bytes && step.position + step.bytes <= IMAGE_BYTES);
		CHECK((u8 *)step.data >= world->buf &&
		      (u8 *)step.data + step.bytes <= world->buf + AREA_BYTES);
		memcpy(step.data, world->image + step.position, step.bytes);
		read_bytes += step.bytes;
		CHECK(read_bytes <= 4 * AREA_BYTES + 6 * WAL_BLOCK_BYTES_MAX);
	}
}

static int read_log(struct world *world)
{
	struct wal_superblock super;
	int error;

	disk_fix_superblock(world->image + WAL_SUPERBLOCK_POSITION_0);
	disk_fix_superblock(world->image + WAL_SUPERBLOCK_POSITION_1);
	error = wal_superblock_decode(&super,
				      world->image + WAL_SUPERBLOCK_POSITION_0,
				      world->image + WAL_SUPERBLOCK_POSITION_1);
	if (error)
		return error;
	fix_rest(world, crc32c(~0u, super.uuid, sizeof(super.uuid)));
	world->super = super;
	wal_map_init(&world->map, world->map_slots, MAP_SLOTS);
	error = wal_recovery_init(&world->rec, &super, IMAGE_BYTES, BLOCK_BYTES,
				  &world->map, world->buf, AREA_BYTES);
	if (!error)
		error = recover_entries(world);
	return error;
}

static int restore(struct world *world)
{
	const struct wal_recovery *rec = &world->rec;
	struct raft *r = world->core.r;
	struct raft_hard_state hard_state = {
		.current_term = rec->hard_state.current_term,
		.voted_for = rec->hard_state.voted_for,
	};

	wal_writer_init(&world->w, rec);
	if (raft_restore_hard_state(r, &hard_state, wal_space_bytes(&world->w)))
		return -EUCLEAN;
	raft_set_incarnation(r, world->super.incarnation);
	if (!raft_configuration(r)->n_members ||
	    raft_restore_lost(r, rec->lost.index, rec->lost.term))
		return -EUCLEAN;
	return 0;
}

/* Some of its data, as who reads or sends it asks for that. */
static void read_snapshot(struct world *world, const struct wal_snapshot *s,
			  u64 offset)
{
	u64 number = offset / wal_chunk_room(s), position;
	u32 skip = offset % wal_chunk_room(s), read_bytes, bytes;
	u8 *buf;

	if (offset >= s->bytes)
		return;
	position = wal_chunk_position(s, number);
	read_bytes = wal_chunk_read_bytes(s, number);
	CHECK(read_bytes <= s->chunk_bytes);
	if (position > SNAPSHOT_BYTES || read_bytes > SNAPSHOT_BYTES - position)
		return;
	buf = malloc(read_bytes);
	CHECK(buf);
	memcpy(buf, world->snapshot + position, read_bytes);
	if (!wal_chunk_decode(&world->super, s, number, buf, &bytes)) {
		CHECK(WAL_CHUNK_HEADER_BYTES + bytes <= read_bytes);
		CHECK(skip < bytes && bytes <= WAL_CHUNK_BYTES_MAX);
	}
	free(buf);
}

static void restore_snapshot(struct world *world)
{
	struct raft_snapshot snapshot;
	struct wal_snapshot s;
	u32 i;

	if (wal_snapshot_decode(&world->super, world->snapshot, &s))
		return;
	for (i = 0; i < 8; i++)
		read_snapshot(world, &s, i * 700);
	read_snapshot(world, &s, s.bytes - 1);
	read_snapshot(world, &s, take(world, 8));
	if (!wal_snapshot_is_of(&world->super, &s,
				raft_term_at(world->core.r, s.index)))
		return;
	snapshot = (struct raft_snapshot){
		.index = s.index,
		.term = s.term,
		.bytes = s.bytes,
		.checksum = s.checksum,
	};
	raft_restore_snapshot(world->core.r, &snapshot, s.configuration.data,
			      s.configuration.bytes, s.configuration.index);
}

/* Starting it */

static void step(struct world *world, struct raft_event *event)
{
	u32 retries = 0;
	int error;

	event->now_ns = world->now_ns;
	while ((error = raft_step(world->core.r, event,
				  &world->core.update)) == -ENOMEM) {
		CHECK(retries++ < RETRIES_MAX);
		core_provide_memory(&world->core);
	}
	CHECK(!error || error == -ENOTRECOVERABLE);
}

static void persisted(struct world *world)
{
	struct raft_event event = { .type = RAFT_EVENT_PERSISTED };
	struct raft_status status;

	if (!world->core.update.hard_state_seq)
		return;
	raft_status(world->core.r, &status);
	event.persisted.hard_state_seq = world->core.update.hard_state_seq;
	event.persisted.index = status.last_index;
	event.persisted.term = status.last_term;
	event.persisted.space_bytes = AREA_BYTES;
	raft_update_reset(&world->core.update);
	step(world, &event);
}

static void time_passes(struct world *world)
{
	struct raft_event event = { .type = RAFT_EVENT_TIME };
	u32 batches = 0;

	do {
		step(world, &event);
		CHECK(batches++ < BATCHES_MAX);
		persisted(world);
		raft_update_reset(&world->core.update);
		step(world, &event);
	} while (world->core.update.deadline_ns <= world->now_ns);
	raft_update_reset(&world->core.update);
}

static void start(struct world *world)
{
	struct raft_status status;
	u32 i;

	if (raft_start(world->core.r, world->now_ns, &world->core.update))
		return;
	for (i = 0; i < ROUNDS; i++) {
		time_passes(world);
		raft_status(world->core.r, &status);
		if (status.role == RAFT_FAILED)
			fprintf(stderr, "failed: %s\n", status.failure);
		CHECK(status.role != RAFT_FAILED);
		CHECK(status.commit_index <= status.last_index);
		CHECK(status.last_term <= status.hard_state.current_term);
		world->now_ns += world->core.settings.election_timeout_ns;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n_input);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n_input)
{
	static u8 *image, *snapshot, *buf, *staging;
	struct world *world = calloc(1, sizeof(*world));
	u32 n = 0, n_patches;
	bool copies;

	if (!image) {
		image = malloc(IMAGE_BYTES);
		snapshot = malloc(SNAPSHOT_BYTES);
		buf = malloc(AREA_BYTES);
		staging = malloc(WAL_BATCH_BYTES_MAX);
		CHECK(image && snapshot && buf && staging);
	}
	CHECK(world);
	memset(image, 0, IMAGE_BYTES);
	memset(snapshot, 0, SNAPSHOT_BYTES);
	world->input = (struct input){ input, n_input };
	world->image = image;
	world->snapshot = snapshot;
	world->buf = buf;
	world->staging = staging;
	world->now_ns = NSEC_PER_SEC;
	core_init(&world->core, NODE_ID);

	encode_configuration(world);
	format(world);
	CHECK(!read_log(world));
	wal_writer_init(&world->w, &world->rec);
	write_log(world);
	write_snapshot(world);

	copies = take(world, 1) & 7;
	n_patches = take(world, 1) % PATCHES_MAX;
	while (world->input.bytes && n++ < n_patches)
		patch(world);
	if (copies)
		copy_over(world);
	if (!read_log(world) && !restore(world)) {
		restore_snapshot(world);
		start(world);
	}
	core_free(&world->core);
	free(world);
	return 0;
}
