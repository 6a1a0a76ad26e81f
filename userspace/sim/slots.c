// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "memory.h"
#include "world.h"

enum { SLOTS_DISK_BYTES = 1 << 20 };

void slots_init(struct slots *slots)
{
	u32 i;

	memset(slots, 0, sizeof(*slots));
	for (i = 0; i < ARRAY_SIZE(slots->slot); i++)
		disk_init(&slots->slot[i].disk, SLOTS_DISK_BYTES);
}

void slots_free(struct slots *slots)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(slots->slot); i++)
		disk_free(&slots->slot[i].disk);
	free(slots->data);
	slots->data = NULL;
}

static struct slots *slots_of(struct node *node)
{
	return &node->store.slots;
}

static struct slot *newest(struct slots *slots)
{
	return &slots->slot[wal_snapshot_is_newer(&slots->slot[1].snapshot,
						  &slots->slot[0].snapshot)];
}

const struct wal_snapshot *slots_newest(const struct node *node)
{
	return &newest((struct slots *)&node->store.slots)->snapshot;
}

/* The other one. */
static u32 spare(struct slots *slots)
{
	return newest(slots) == &slots->slot[0];
}

static struct raft_snapshot core_snapshot(const struct wal_snapshot *snapshot)
{
	return (struct raft_snapshot){
		.index = snapshot->index,
		.term = snapshot->term,
		.bytes = snapshot->bytes,
		.checksum = snapshot->checksum,
	};
}

static void read_slot(struct world *w, struct node *node, struct slot *slot,
		      const struct log *found)
{
	const struct wal_superblock *super = &node->store.super;
	u8 buf[WAL_SNAPSHOT_HEADER_BYTES];
	struct wal_snapshot snapshot;
	u64 term;

	slot->snapshot = (struct wal_snapshot){ 0 };
	disk_read(&slot->disk, 0, buf, sizeof(buf));
	if (w->blind || wal_snapshot_decode(super, buf, &snapshot))
		return;
	term = snapshot.index < found->base ? 0 :
					      log_term(found, snapshot.index);
	if (!wal_snapshot_is_of(super, &snapshot, term)) {
		w->counters.snapshots_stale++;
		return;
	}
	if (snapshot.term != log_term(&w->check.committed, snapshot.index))
		violation(w, "snapshot", "node %u: of (%llu, %llu), committed is term %llu",
			  node->id, snapshot.index, snapshot.term,
			  log_term(&w->check.committed, snapshot.index));
	else
		check_configuration(w, node, snapshot.index,
				    snapshot.configuration.index,
				    snapshot.configuration.data,
				    snapshot.configuration.bytes);
	memcpy(slot->configuration, snapshot.configuration.data,
	       snapshot.configuration.bytes);
	slot->snapshot = snapshot;
	slot->snapshot.configuration.data = NULL;
}

bool slots_reach(const struct node *node, const struct log *log)
{
	u8 buf[WAL_SNAPSHOT_HEADER_BYTES];
	struct wal_snapshot snapshot;
	bool reach = false;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(node->store.slots.slot); i++) {
		disk_read(&node->store.slots.slot[i].disk, 0, buf, sizeof(buf));
		if (!wal_snapshot_decode(&node->store.super, buf, &snapshot))
			reach |= snapshot.index >= log->base &&
				 snapshot.term == log_term(log, snapshot.index);
	}
	return reach;
}

static void restore(struct world *w, struct node *node)
{
	const struct slot *slot = newest(slots_of(node));
	const struct raft_snapshot snapshot = core_snapshot(&slot->snapshot);
	int error;

	if (!snapshot.index)
		return;
	error = raft_restore_snapshot(node->raft, &snapshot, slot->configuration,
				      slot->snapshot.configuration.bytes,
				      slot->snapshot.configuration.index);
	if (error)
		violation(w, "snapshot", "node %u: %llu is refused: %d",
			  node->id, snapshot.index, error);
}

void slots_recover(struct world *w, struct node *node, const struct log *found)
{
	struct slots *slots = slots_of(node);
	u64 index;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(slots->slot); i++)
		read_slot(w, node, &slots->slot[i], found);
	index = newest(slots)->snapshot.index;
	if (!w->blind && index < slots->durable_index)
		violation(w, "snapshot",
			  "node %u: the newest is of %llu, and was of %llu",
			  node->id, index, slots->durable_index);
	slots->gone = false;
	if (node->raft && !w->violated)
		restore(w, node);
	if (!w->blind)
		slots->durable_index = index;
}

static void idle(struct slots *slots)
{
	free(slots->data);
	slots->data = NULL;
	slots->data_bytes = 0;
	slots->stage = SLOTS_IDLE;
}

void slots_crash(struct world *w, struct node *node)
{
	struct slots *slots = slots_of(node);
	u32 n_sectors, i;

	w->counters.snapshots_torn += slots->stage == SLOTS_SEALING;
	for (i = 0; i < ARRAY_SIZE(slots->slot); i++)
		disk_crash(&slots->slot[i].disk, &node->rng, &n_sectors);
	slots->making.index = 0;
	idle(slots);
}

static void begin_write(struct world *w, struct node *node, u8 stage,
			const struct wal_write *write)
{
	struct slots *slots = slots_of(node);
	u64 ns = rng_between(&node->rng, w->plan.write_ns_min,
			     w->plan.write_ns_max);

	slots->stage = stage;
	slots->write++;
	disk_begin(&slots->slot[slots->target].disk, write);
	world_at(w, w->now_ns + ns, EVENT_SLOT, node,
		 (void *)(uintptr_t)slots->write);
}

static void write_chunk(struct world *w, struct node *node)
{
	struct slots *slots = slots_of(node);
	struct wal_snapshot *making = &slots->making;
	u32 room = wal_chunk_room(making);
	u64 from = slots->remote ? 0 : slots->offset;
	u32 bytes = min_t(u64, room, slots->data_bytes - from);
	struct wal_write write;

	memory_assert(making->chunk_bytes <= sizeof(slots->buf));
	memcpy(slots->buf + WAL_CHUNK_HEADER_BYTES, slots->data + from, bytes);
	wal_chunk_encode(&node->store.super, making, slots->offset / room,
			 bytes, slots->buf, &write);
	slots->checksum =
		wal_snapshot_checksum(slots->checksum, slots->data + from, bytes);
	slots->offset += bytes;
	begin_write(w, node, SLOTS_CHUNK, &write);
}

/* Into the file that does not hold the newest; what was there goes first. */
static void begin(struct world *w, struct node *node, u64 index, u64 term)
{
	struct slots *slots = slots_of(node);
	struct wal_write write;

	slots->target = spare(slots);
	slots->slot[slots->target].snapshot.index = 0;
	slots->making = (struct wal_snapshot){
		.id = newest(slots)->snapshot.id + 1 +
		      rng_below(&node->rng, UINT32_MAX),
		.index = index,
		.term = term,
		.chunk_bytes = w->plan.chunk_bytes,
	};
	slots->offset = 0;
	slots->checksum = ~0u;
	wal_snapshot_clear(slots->buf, &write);
	begin_write(w, node, SLOTS_CLEARING, &write);
}

static void seal(struct world *w, struct node *node)
{
	struct slots *slots = slots_of(node);
	struct wal_write write;

	slots->making.bytes = slots->offset;
	slots->making.checksum = slots->checksum;
	slots->making.configuration.data = slots->configuration;
	if (wal_snapshot_encode(&node->store.super, &slots->making, slots->buf,
				&write))
		violation(w, "snapshot", "node %u: %llu is not sealed",
			  node->id, slots->making.index);
	else
		begin_write(w, node, SLOTS_SEALING, &write);
}

static void tell_stored(struct world *w, struct node *node, u64 offset)
{
	struct slots *slots = slots_of(node);
	const struct item item = {
		.kind = ITEM_STORED,
		.snapshot = slots->incoming,
		.offset = offset,
	};

	owner_push(w, node, &item);
	idle(slots);
}

static void chunk_written(struct world *w, struct node *node)
{
	struct slots *slots = slots_of(node);

	if (!slots->remote) {
		if (slots->offset < slots->data_bytes)
			write_chunk(w, node);
		else
			seal(w, node);
		return;
	}
	if (slots->offset < slots->incoming.bytes)
		tell_stored(w, node, slots->offset);
	else if (slots->checksum == slots->incoming.checksum)
		seal(w, node);
	else
		violation(w, "snapshot",
			  "node %u: all of %llu is there, and has another checksum",
			  node->id, slots->incoming.index);
}

static void sealed(struct world *w, struct node *node)
{
	struct slots *slots = slots_of(node);
	struct slot *slot = &slots->slot[slots->target];
	struct item item = { .kind = ITEM_SNAPSHOT };

	memcpy(slot->configuration, slots->configuration,
	       sizeof(slot->configuration));
	slot->snapshot = slots->making;
	slot->snapshot.configuration.data = NULL;
	slots->making.index = 0;
	slots->durable_index = max(slots->durable_index, slot->snapshot.index);
	trace(w, TRACE_SEALED, node->id, slot->snapshot.index,
	      slot->snapshot.bytes, slots->remote, 0);
	if (slots->remote) {
		/* Before it is installed, it is all there is of what it holds. */
		if (w->plan.lose_quorum && !w->quiet &&
		    rng_chance(&w->rng, RNG_ONE / 3))
			world_end_faults(w, w->now_ns);
		tell_stored(w, node, slots->incoming.bytes);
		return;
	}
	w->counters.snapshots_made++;
	slots->gone = false;
	item.snapshot = core_snapshot(&slot->snapshot);
	idle(slots);
	owner_push(w, node, &item);
}

void slots_event(struct world *w, struct node *node, u64 write)
{
	struct slots *slots = slots_of(node);

	if (write != slots->write || slots->stage == SLOTS_IDLE)
		return;
	disk_complete(&slots->slot[slots->target].disk);
	switch (slots->stage) {
	case SLOTS_CLEARING:
		write_chunk(w, node);
		break;
	case SLOTS_CHUNK:
		chunk_written(w, node);
		break;
	case SLOTS_SEALING:
		sealed(w, node);
		break;
	}
}

/* What is sent to somebody who answers is not written over. */
static bool is_sent(struct world *w, struct node *node, u64 index)
{
	struct raft_event event = {
		.type = RAFT_EVENT_SNAPSHOT_GONE,
		.index = index,
	};
	struct raft_peer_status peer;
	u32 i;

	for (i = 1; i <= w->n_nodes; i++)
		if (!raft_peer_status(node->raft, i, &peer) &&
		    peer.recent_active && peer.snapshot.index == index)
			return true;
	owner_step(w, node, &event);
	return false;
}

/* The newest that is committed, be it by what was known when the last was taken. */
static void choose_configuration(struct node *node)
{
	struct slots *slots = slots_of(node);
	const struct slot *last = newest(slots);
	struct wal_configuration *to = &slots->making.configuration;
	const struct raft_configuration *committed =
		raft_committed_configuration(node->raft, &to->index);

	to->bytes = raft_configuration_encode(committed, slots->configuration,
					      sizeof(slots->configuration));
	if (!last->snapshot.index ||
	    last->snapshot.configuration.index <= to->index)
		return;
	*to = last->snapshot.configuration;
	memcpy(slots->configuration, last->configuration,
	       sizeof(slots->configuration));
}

void slots_take(struct world *w, struct node *node)
{
	struct slots *slots = slots_of(node);
	struct raft_status status;
	u64 index, low, other;
	u32 variant;

	if (!w->plan.snapshot || node->role == RAFT_FAILED || node->witness ||
	    !node->application.known || slots->stage != SLOTS_IDLE ||
	    (!slots->gone && !rng_chance(&node->rng, w->plan.snapshot)))
		return;
	raft_status(node->raft, &status);
	index = min(node->commit_index, node->application.index);
	low = max(status.first_index, status.snapshot.index + 1);
	if (status.incoming.index || (!slots->gone && index < low))
		return;
	if (index >= low)
		index -= rng_below(&node->rng, index - low + 1) / 2;
	else
		index = status.snapshot.index;
	other = slots->slot[spare(slots)].snapshot.index;
	if (other && is_sent(w, node, other))
		return;
	variant = w->plan.snapshot_variants ? node->id : 0;
	slots->remote = false;
	slots->data = application_write(w, index, variant, &slots->data_bytes);
	begin(w, node, index, log_term(&w->check.committed, index));
	choose_configuration(node);
}

void slots_store(struct world *w, struct node *node,
		 const struct raft_chunk *chunk)
{
	struct slots *slots = slots_of(node);

	/* The application's, which is older: it makes way. */
	if (slots->stage != SLOTS_IDLE) {
		disk_complete(&slots->slot[slots->target].disk);
		idle(slots);
	}
	w->counters.chunks_stored++;
	slots->remote = true;
	slots->incoming = chunk->snapshot;
	slots->data_bytes = chunk->data.bytes;
	slots->data = memory_zeroed(chunk->data.bytes);
	memcpy(slots->data, chunk->data.data, chunk->data.bytes);
	if (!chunk->offset) {
		begin(w, node, chunk->snapshot.index, chunk->snapshot.term);
	} else if (slots->making.index == chunk->snapshot.index &&
		   slots->offset == chunk->offset) {
		write_chunk(w, node);
	} else {
		tell_stored(w, node, 0);
		return;
	}
	memcpy(slots->configuration, chunk->configuration.data,
	       chunk->configuration.bytes);
	slots->making.configuration.index = chunk->configuration_index;
	slots->making.configuration.bytes = chunk->configuration.bytes;
}

static u8 *read_chunk(struct world *w, struct node *node,
		      const struct slot *slot, u64 offset, u32 *bytes)
{
	const struct wal_superblock *super = &node->store.super;
	u64 number = offset / wal_chunk_room(&slot->snapshot);
	u32 read_bytes = wal_chunk_read_bytes(&slot->snapshot, number);
	u8 *buf = memory_zeroed(read_bytes);

	disk_read(&slot->disk, wal_chunk_position(&slot->snapshot, number), buf,
		  read_bytes);
	if (wal_chunk_decode(super, &slot->snapshot, number, buf, bytes))
		violation(w, "snapshot", "node %u: chunk %llu of %llu is damaged",
			  node->id, number, slot->snapshot.index);
	return buf;
}

const struct slot *slots_find(const struct node *node,
			      const struct raft_message *message)
{
	const struct slots *slots = &node->store.slots;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(slots->slot); i++)
		if (slots->slot[i].snapshot.index ==
			    message->install_snapshot.snapshot_index &&
		    slots->slot[i].snapshot.checksum ==
			    message->install_snapshot.checksum)
			return &slots->slot[i];
	return NULL;
}

void slots_send(struct world *w, struct node *node, const struct raft_send *send)
{
	struct chunk_job *job = memory_zeroed(sizeof(*job));
	u64 ns = rng_between(&node->rng, w->plan.write_ns_min,
			     w->plan.write_ns_max);

	job->send = *send;
	world_at(w, w->now_ns + ns, EVENT_CHUNK, node, job);
}

/* It cannot be read: the application is told, and takes another one. */
static void lose(struct world *w, struct node *node, u64 index)
{
	const struct item item = {
		.kind = ITEM_SNAPSHOT_GONE,
		.snapshot.index = index,
	};

	w->counters.snapshots_gone++;
	slots_of(node)->gone = true;
	owner_push(w, node, &item);
}

void slots_read_done(struct world *w, struct node *node, struct chunk_job *job)
{
	const struct raft_message *message = &job->send.message;
	u64 index = message->install_snapshot.snapshot_index;
	struct slots *slots = slots_of(node);
	struct raft_entry data = { .type = RAFT_ENTRY_DATA };
	const struct slot *slot = slots_find(node, message);
	u8 *buf;

	if (slot && !w->quiet && slot == newest(slots) &&
	    rng_chance(&node->rng, w->plan.snapshot_lost)) {
		lose(w, node, index);
	} else if (slot && node->role == RAFT_LEADER) {
		buf = read_chunk(w, node, slot,
				 message->install_snapshot.offset, &data.bytes);
		data.data = buf + WAL_CHUNK_HEADER_BYTES;
		w->counters.chunks_sent++;
		sender_install(w, node, &job->send, &data);
		free(buf);
	}
	free(job);
}

u8 *slots_read_newest(struct world *w, struct node *node, u64 *index,
		      u64 *bytes)
{
	const struct slot *slot = newest(slots_of(node));
	const struct wal_snapshot *snapshot = &slot->snapshot;
	u8 *data;
	u64 at;

	if (!snapshot->index)
		return NULL;
	*index = snapshot->index;
	*bytes = snapshot->bytes;
	data = memory_zeroed(snapshot->bytes);
	for (at = 0; at < snapshot->bytes && !w->violated;) {
		u32 n;
		u8 *buf = read_chunk(w, node, slot, at, &n);

		memcpy(data + at, buf + WAL_CHUNK_HEADER_BYTES, n);
		free(buf);
		at += n;
	}
	return data;
}
