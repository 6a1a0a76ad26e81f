// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "memory.h"
#include "world.h"

/*
 * Whoever has lost a disk may know that the node is to be added again, or may begin
 * as all began. But not where the members change: those who began may be few by now,
 * and could begin another cluster.
 */
static bool joins(struct world *w, struct node *node)
{
	if (node->newcomer || w->recovered)
		return true;
	return node->wiped && (w->plan.change_interval_ns ||
			       rng_chance(&node->rng, RNG_ONE / 2));
}

void store_init(struct world *w, struct node *node)
{
	struct store *store = &node->store;
	struct wal_write write;
	u8 *buf = memory_zeroed(WAL_SLOT_WRITE_BYTES);
	unsigned int i;

	disk_init(&store->disk, WAL_AREA_POSITION + w->plan.area_bytes);
	store->super = (struct wal_superblock){
		.cluster_id = w->cluster_id,
		.incarnation = rng_next(&node->rng) | 1,
		.node_id = node->id,
		.block_bytes = w->plan.block_bytes,
		.area_bytes = wal_area_bytes(store->disk.size,
					     w->plan.block_bytes),
		.joined = joins(w, node),
	};
	for (i = 0; i < sizeof(store->super.uuid); i++)
		store->super.uuid[i] = rng_next(&node->rng);
	for (i = 0; i < WAL_FORMAT_WRITES; i++) {
		wal_format_encode(&store->super, i, buf, &write);
		disk_begin(&store->disk, &write);
		disk_complete(&store->disk);
	}
	free(buf);
	slots_init(&store->slots);
	store->slot_position = WAL_SLOT_POSITION_1;
	store->tail = &store->queue;
}

static void free_request(struct request *request)
{
	free((void *)request->configuration.data);
	free(request);
}

static void free_queue(struct store *store)
{
	while (store->queue) {
		struct request *request = store->queue;

		store->queue = request->next;
		free_request(request);
	}
	store->tail = &store->queue;
}

void store_free(struct store *store)
{
	free_queue(store);
	free(store->batch_records);
	free(store->buf);
	log_free(&store->durable);
	log_free(&store->maybe);
	disk_free(&store->disk);
	slots_free(&store->slots);
}

void store_wipe(struct world *w, struct node *node)
{
	memset(&node->store, 0, sizeof(node->store));
	store_init(w, node);
	w->counters.wiped++;
	trace(w, TRACE_WIPE, node->id, 0, 0, 0, 0);
}

static void begin_write(struct world *w, struct node *node,
			const struct wal_write *write, u64 last_index)
{
	struct store *store = &node->store;
	u64 ns = rng_between(&node->rng, w->plan.write_ns_min,
			     w->plan.write_ns_max);

	if (store->stall_ns) {
		w->counters.disk_stalls++;
		trace(w, TRACE_STALL, node->id, store->stall_ns / 1000, 0, 0, 0);
		ns += store->stall_ns;
		store->stall_ns = 0;
	}
	w->counters.writes++;
	if (store->n_done > 1)
		w->counters.group_commits++;
	trace(w, TRACE_WRITE, node->id, write->position, write->bytes,
	      store->n_batch_records, last_index);
	disk_begin(&store->disk, write);
	store->busy = true;
	world_at(w, w->now_ns + ns, EVENT_STORE, node, NULL);
	if (store->crash_next && !store->slot) {
		store->crash_next = false;
		world_at(w, w->now_ns + rng_below(&node->rng, ns), EVENT_POWER,
			 node, NULL);
	}
}

static void make_room(struct store *store, u32 bytes)
{
	if (store->buf_bytes >= bytes)
		return;
	free(store->buf);
	store->buf = memory_zeroed(bytes);
	store->buf_bytes = bytes;
}

static void write_slot(struct world *w, struct node *node)
{
	struct store *store = &node->store;
	const struct wal_hard_state hard_state = {
		.current_term = store->write_hard_state.current_term,
		.voted_for = store->write_hard_state.voted_for,
	};
	struct wal_write write;
	int error;

	w->counters.slot_writes++;
	store->slot = true;
	store->n_batch_records = 0;
	make_room(store, WAL_SLOT_WRITE_BYTES);
	error = wal_slot_encode(&store->writer, &hard_state, store->buf, &write);
	if (error)
		violation(w, "hard state",
			  "node %u: the WAL refuses term %llu, vote %u: %d",
			  node->id, hard_state.current_term,
			  hard_state.voted_for, error);
	else
		begin_write(w, node, &write, store->durable.n);
}

/* Reserve what of @request fits. False: not all of it. */
static bool gather(struct world *w, struct node *node, struct request *request)
{
	struct store *store = &node->store;

	while (request->n_written < request->n_records) {
		struct record *record = request->records[request->n_written];
		int error = wal_batch_reserve(&store->batch,
					      node_bytes(node, record));

		if (error == -EMSGSIZE)
			return false;
		if (error) {
			violation(w, "full log",
				  "node %u: no room for an entry it took: %d",
				  node->id, error);
			return false;
		}
		store->batch_records = memory_grow(store->batch_records,
						   store->n_batch_records,
						   &store->n_batch_records_max,
						   sizeof(*store->batch_records));
		store->batch_records[store->n_batch_records++] = record;
		request->n_written++;
		store->write_hard_state = request->hard_state;
	}
	store->write_hard_state = request->hard_state;
	return true;
}

static int encode_batch(struct world *w, struct node *node,
			struct wal_write *write)
{
	struct store *store = &node->store;
	const struct wal_hard_state hard_state = {
		.current_term = store->write_hard_state.current_term,
		.voted_for = store->write_hard_state.voted_for,
	};
	int error;
	u32 i;

	make_room(store, store->batch.info.length);
	error = wal_batch_seal(&store->batch, &hard_state, store->buf);
	for (i = 0; !error && i < store->n_batch_records; i++) {
		const struct record *record = store->batch_records[i];
		const struct wal_entry entry = {
			.index = record->index,
			.term = record->term,
			.session = record->session,
			.sequence = record->sequence,
			.data = world_payload(record),
			.bytes = node_bytes(node, record),
			.type = record->type,
		};

		error = wal_batch_add(&store->batch, &entry);
	}
	return error ? error : wal_batch_finish(&store->batch, write);
}

static void write_batch(struct world *w, struct node *node)
{
	struct store *store = &node->store;
	struct request *request = store->queue;
	u64 next = request->first_index + request->n_written;
	struct wal_write write;
	u32 n = 0;
	int error;

	store->slot = false;
	store->n_batch_records = 0;
	error = wal_batch_begin(&store->batch, &store->writer, next);
	for (; !error && request && n < w->plan.group_requests;
	     request = request->next, n++) {
		/* The head moves by a slot. */
		if (request->base_index)
			break;
		if (request->n_records) {
			/* A suffix is replaced by a batch of its own. */
			if (n && request->first_index != next)
				break;
			next = request->first_index + request->n_records;
		}
		if (!gather(w, node, request))
			break;
		store->n_done++;
	}
	if (!error && !w->violated)
		error = encode_batch(w, node, &write);
	if (error)
		violation(w, "wal", "node %u: cannot write a batch: %d",
			  node->id, error);
	if (!w->violated)
		begin_write(w, node, &write, next - 1);
}

/* The next slot says so. What the map does not remember any more stays for now. */
static void move_head(struct world *w, struct node *node,
		      const struct request *request)
{
	struct store *store = &node->store;
	int error;

	if (!request->base_index)
		return;
	if (request->base_discards) {
		error = wal_writer_discard(&store->writer, request->base_index,
					   request->base_term,
					   &request->configuration);
		if (error)
			violation(w, "wal",
				  "node %u: no new log behind %llu: %d",
				  node->id, request->base_index, error);
		wal_map_clear(&store->map);
		store->anew = true;
		return;
	}
	error = wal_head_move(&store->writer, &store->map, request->base_index,
			      request->base_term, &request->configuration);
	if (error && error != -ENOENT)
		violation(w, "wal", "node %u: the head does not move to %llu: %d",
			  node->id, request->base_index, error);
	w->counters.heads_moved += !error;
}

/* What was found at the opening, and no slot says yet. */
static bool slot_wanted(const struct store *store)
{
	return store->in_use && wal_slot_stale(&store->writer);
}

/* No request is part of it yet. */
static void begin_round(struct store *store)
{
	store->n_done = 0;
	store->anew = false;
	store->write_hard_state.current_term =
		store->writer.hard_state.current_term;
	store->write_hard_state.voted_for = store->writer.hard_state.voted_for;
}

static void next_write(struct world *w, struct node *node)
{
	struct store *store = &node->store;
	struct request *request = store->queue;

	if (store->failed || (!request && !slot_wanted(store)))
		return;
	begin_round(store);
	for (; request && !request->n_records &&
	       store->n_done < w->plan.group_requests;
	     request = request->next) {
		move_head(w, node, request);
		store->write_hard_state = request->hard_state;
		store->n_done++;
	}
	if (store->n_done || wal_slot_due(&store->writer) ||
	    RAFTLOG_FAILPOINT(STORAGE_SLOT))
		write_slot(w, node);
	else
		write_batch(w, node);
}

/* What the write under way does to the log, if it is there. */
static void apply_write(struct world *w, struct store *store, struct log *log,
			struct raft_hard_state *hard_state)
{
	u64 i;

	*hard_state = store->write_hard_state;
	if (store->slot) {
		log->base = store->writer.new_head.prev_index;
		if (store->anew)
			log_rebase(log, &w->check.committed, log->base);
		return;
	}
	log_truncate(log, store->batch.info.first_index);
	for (i = 0; i < store->n_batch_records; i++)
		log_append(log, store->batch_records[i]);
}

static void note_torn_slot(struct store *store)
{
	u64 position = store->disk.write.position;

	if (store->torn_position != position)
		store->n_torn = 0;
	store->torn_position = position;
	store->torn_hard_states[store->n_torn++ % TORN_SLOTS] =
		store->write_hard_state;
}

/* The write under way may be there in part; nobody was told that it is. */
static void tear(struct world *w, struct node *node)
{
	struct store *store = &node->store;
	u32 n_sectors, kept;

	if (!store->busy)
		return;
	store->busy = false;
	log_copy(&store->maybe, &store->durable);
	store->maybe_hard_state = store->durable_hard_state;
	apply_write(w, store, &store->maybe, &store->maybe_hard_state);
	store->longest = max(store->longest, store->maybe.n);
	store->torn = true;
	w->counters.installs_torn += store->slot && store->anew;
	w->counters.trims_torn += store->slot && !store->anew &&
				  store->maybe.base != store->durable.base;
	/* Of its two copies one may be older than the other. */
	if (store->slot) {
		store->slot_position = 0;
		note_torn_slot(store);
	}
	kept = disk_crash(&store->disk, &node->rng, &n_sectors);
	if (kept && kept < n_sectors)
		w->counters.torn_writes++;
	trace(w, TRACE_TEAR, node->id, kept, n_sectors, 0, 0);
}

static void fail(struct world *w, struct node *node)
{
	struct store *store = &node->store;
	const struct item item = { .kind = ITEM_FAILED };

	w->counters.disk_failures++;
	trace(w, TRACE_FAIL, node->id, 1, 0, 0, 0);
	store->fail_next = false;
	store->failed = true;
	node->disk_broken = true;
	tear(w, node);
	owner_push(w, node, &item);
}

static void complete_write(struct world *w, struct node *node)
{
	struct store *store = &node->store;
	const struct wal_hard_state hard_state = {
		.current_term = store->write_hard_state.current_term,
		.voted_for = store->write_hard_state.voted_for,
	};

	disk_complete(&store->disk);
	store->busy = false;
	if (store->slot) {
		store->slot_position = store->disk.write.position;
		if (store->torn_position == store->slot_position)
			store->torn_position = 0;
		wal_slot_done(&store->writer, &hard_state);
		wal_map_trim(&store->map, &store->writer);
		store->proved_end = store->writer.tail;
	} else {
		store->proved_end = store->batch.info.offset;
		wal_batch_done(&store->writer, &store->batch);
		wal_map_insert(&store->map, &store->batch.info);
	}
	apply_write(w, store, &store->durable, &store->durable_hard_state);
	store->longest = max(store->longest, store->durable.n);
}

static void tell(struct world *w, struct node *node)
{
	struct store *store = &node->store;

	while (store->n_done--) {
		struct request *request = store->queue;
		const struct item item = {
			.kind = ITEM_PERSISTED,
			.persisted = {
				.seq = request->seq,
				.index = request->last_index,
				.term = request->last_term,
				.space_bytes = wal_space_bytes(&store->writer),
			},
		};

		trace(w, TRACE_WRITTEN, node->id, request->seq,
		      request->last_index, item.persisted.space_bytes, 0);
		store->queue = request->next;
		if (!store->queue)
			store->tail = &store->queue;
		free_request(request);
		owner_push(w, node, &item);
	}
	store->n_done = 0;
}

void store_event(struct world *w, struct node *node)
{
	struct store *store = &node->store;

	store->kicked = false;
	if (store->failed)
		return;
	if (store->busy) {
		if (store->fail_next) {
			fail(w, node);
			return;
		}
		complete_write(w, node);
		tell(w, node);
	}
	next_write(w, node);
}

static void kick(struct world *w, struct node *node)
{
	struct store *store = &node->store;

	if (store->busy || store->kicked)
		return;
	store->kicked = true;
	world_at(w, w->now_ns + 1 + rng_below(&node->rng, w->plan.wake_ns),
		 EVENT_STORE, node, NULL);
}

void store_submit(struct world *w, struct node *node, struct request *request)
{
	struct store *store = &node->store;

	*store->tail = request;
	store->tail = &request->next;
	kick(w, node);
}

void store_use(struct world *w, struct node *node)
{
	struct store *store = &node->store;

	store->in_use = true;
	if (!slot_wanted(store))
		return;
	w->counters.slots_renewed++;
	kick(w, node);
}

static void stop(struct store *store)
{
	free_queue(store);
	store->busy = false;
	store->kicked = false;
	store->failed = false;
	store->in_use = false;
}

void store_crash(struct world *w, struct node *node)
{
	trace(w, TRACE_CRASH, node->id, 0, 0, 0, 0);
	tear(w, node);
	slots_crash(w, node);
	stop(&node->store);
}

void store_drain(struct world *w, struct node *node)
{
	struct store *store = &node->store;

	while ((store->busy || store->queue) && !store->failed && !w->violated) {
		if (store->busy) {
			complete_write(w, node);
			tell(w, node);
		}
		next_write(w, node);
	}
	if (!store->failed && !w->violated && wal_seal(&store->writer)) {
		begin_round(store);
		write_slot(w, node);
		complete_write(w, node);
	}
	slots_crash(w, node);
	stop(store);
}
