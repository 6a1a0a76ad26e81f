// SPDX-License-Identifier: GPL-2.0
/*
 * The storage thread: takes what was submitted, makes as few writes of it as
 * possible, and says when each request is durable.
 *
 * While a write is under way requests queue up; the next write takes as many of
 * them as fit into a batch (group commit). Requests without entries ride along
 * with the batch of their neighbours, or with each other in one slot. A request
 * that replaces entries begins a new batch; one that is too large is spread over
 * several and is durable with the last.
 *
 * The first write that fails is the last one: what the device then holds is not
 * known, and asking again may get a lie for an answer.
 */
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "entry.h"
#include "failpoint.h"
#include "power.h"
#include "storage_private.h"

enum {
	/*
	 * A write of so much gains nothing from being larger, and one that takes
	 * an election timeout looks like a disk that is stalled.
	 */
	WRITE_BYTES_ENOUGH = 1 << 20,
	/*
	 * What is found bad behind the newest slot may be a torn write. This long
	 * at most is anything that was acknowledged taken for that.
	 */
	SLOT_INTERVAL_MS = 1000,
};

static struct wal_hard_state
wal_hard_state_of(const struct raftlog_storage_request *request)
{
	return (struct wal_hard_state){
		.current_term = request->hard_state.current_term,
		.voted_for = request->hard_state.voted_for,
	};
}

static struct wal_entry wal_entry_of(const struct raftlog_entry *entry)
{
	return (struct wal_entry){
		.index = entry->index,
		.term = entry->term,
		.session = entry->session,
		.sequence = entry->sequence,
		.data = entry->data,
		.bytes = entry->bytes,
		.type = entry->type,
	};
}

static int write_staged(struct raftlog_storage *storage,
			const struct wal_write *write)
{
	return raftlog_file_write(storage->file, &storage->staging, 0,
				  write->bytes, write->position, true);
}

int raftlog_storage_slot(struct raftlog_storage *storage,
			 const struct wal_hard_state *hard_state)
{
	struct wal_write write;
	int ret;

	ret = wal_slot_encode(&storage->writer, hard_state,
			      storage->staging.data, &write);
	if (!ret)
		ret = write_staged(storage, &write);
	if (ret)
		return ret;
	spin_lock(&storage->map_lock);
	wal_slot_done(&storage->writer, hard_state);
	wal_map_trim(&storage->map, &storage->writer);
	spin_unlock(&storage->map_lock);
	storage->slot_at = jiffies;
	return 0;
}

/**
 * struct round - what one write takes from the pending requests
 * @batch: the entries, if there are any
 * @hard_state: of the last request that is part of it
 * @hard_state_changed: it must be written even if there are no entries
 * @has_entries: there are
 * @head_moved: the slot that it writes says where the log begins now
 * @end: first request that is not completely written by it, or the list's head
 * @n_written: entries of @end written when it is done
 */
struct round {
	struct wal_batch batch;
	struct wal_hard_state hard_state;
	bool hard_state_changed;
	bool has_entries;
	bool head_moved;
	struct list_head *end;
	u32 n_written;
};

/* Room for the entries of @request from the @done'th on. 1: the batch is full. */
static int reserve_entries(struct raftlog_storage *storage, struct round *round,
			   const struct raftlog_storage_request *request,
			   u32 *done)
{
	const struct wal_batch_info *info = &round->batch.info;
	u64 index = request->first_index + *done;
	int ret;

	if (round->has_entries) {
		if (index != info->first_index + info->n_entries)
			return 1;
	} else {
		ret = wal_batch_begin(&round->batch, &storage->writer, index);
		if (ret)
			return ret;
	}
	for (; *done < request->n_entries; (*done)++) {
		if (round->has_entries && info->length >= WRITE_BYTES_ENOUGH)
			return 1;
		ret = wal_batch_reserve(&round->batch,
					request->entries[*done]->bytes);
		/* What was taken before it still fits. */
		if (ret == -EMSGSIZE || (ret == -ENOSPC && round->has_entries))
			return 1;
		if (ret)
			return ret;
		round->has_entries = true;
		round->hard_state = wal_hard_state_of(request);
	}
	return 0;
}

/* What the map does not remember any more stays, until the next entries go. */
static int move_head(struct raftlog_storage *storage,
		     const struct raftlog_storage_request *request)
{
	const struct wal_configuration configuration = {
		.index = request->configuration->index,
		.data = request->configuration->data,
		.bytes = request->configuration->bytes,
	};
	int ret;

	spin_lock(&storage->map_lock);
	if (request->base_discards) {
		ret = wal_writer_discard(&storage->writer, request->base_index,
					 request->base_term, &configuration);
		wal_map_clear(&storage->map);
	} else {
		ret = wal_head_move(&storage->writer, &storage->map,
				    request->base_index, request->base_term,
				    &configuration);
	}
	spin_unlock(&storage->map_lock);
	return ret == -ENOENT ? 0 : ret;
}

/* The head moves by a slot, entries come with a batch: not both in one write. */
static bool ends_round(const struct round *round,
		       const struct raftlog_storage_request *request)
{
	return (request->base_index && round->has_entries) ||
	       (request->n_entries && round->head_moved);
}

static int plan_round(struct raftlog_storage *storage, struct round *round)
{
	struct raftlog_storage_request *request;
	u32 done = storage->n_written;
	int ret;

	*round = (struct round){
		.hard_state = storage->writer.hard_state,
		.end = &storage->pending,
	};
	list_for_each_entry(request, &storage->pending, node) {
		if (ends_round(round, request)) {
			round->end = &request->node;
			return 0;
		}
		if (request->base_index) {
			ret = move_head(storage, request);
			if (ret)
				return ret;
			round->head_moved = true;
		}
		if (done < request->n_entries) {
			ret = reserve_entries(storage, round, request, &done);
			if (ret < 0)
				return ret;
			if (ret) {
				round->end = &request->node;
				round->n_written = done;
				return 0;
			}
		}
		round->hard_state = wal_hard_state_of(request);
		round->hard_state_changed |= request->hard_state_changed;
		done = 0;
	}
	return 0;
}

static int fill_batch(struct raftlog_storage *storage, struct round *round)
{
	u32 left = round->batch.info.n_entries, i = storage->n_written;
	struct raftlog_storage_request *request;
	int ret;

	ret = wal_batch_seal(&round->batch, &round->hard_state,
			     storage->staging.data);
	if (ret)
		return ret;
	list_for_each_entry(request, &storage->pending, node) {
		for (; i < request->n_entries && left; i++, left--) {
			const struct wal_entry entry =
				wal_entry_of(request->entries[i]);

			ret = wal_batch_add(&round->batch, &entry);
			if (ret)
				return ret;
		}
		if (!left)
			break;
		i = 0;
	}
	return 0;
}

/* As large as a write of this group ever was. */
static void enlarge_staging(struct raftlog_storage *storage, u64 bytes)
{
	u32 size = min_t(u64, roundup_pow_of_two(bytes), WAL_BATCH_BYTES_MAX);

	if (bytes <= storage->staging.bytes)
		return;
	raftlog_buffer_destroy(&storage->staging);
	raftlog_buffer_init(&storage->staging, size, GFP_NOIO | __GFP_NOFAIL);
}

void raftlog_storage_size_map(struct raftlog_storage *storage, u32 n_slots,
			      gfp_t gfp)
{
	struct wal_map *map = &storage->map;
	struct wal_map_slot *slots, *old = storage->map_slots;

	slots = kvcalloc(n_slots, sizeof(*slots), gfp);
	if (!slots)
		return;
	memcpy(slots, old, map->n_slots * sizeof(*slots));
	spin_lock(&storage->map_lock);
	map->slots = slots;
	map->n_slots_max = n_slots;
	spin_unlock(&storage->map_lock);
	storage->map_slots = slots;
	kvfree(old);
}

/* Without memory for more slots they stand further apart. */
static void enlarge_map(struct raftlog_storage *storage)
{
	const struct wal_map *map = &storage->map;

	if (map->n_slots == map->n_slots_max &&
	    map->n_slots_max < RAFTLOG_STORAGE_MAP_SLOTS)
		raftlog_storage_size_map(storage, 2 * map->n_slots_max,
					 GFP_NOIO | __GFP_NOWARN);
}

static int write_batch(struct raftlog_storage *storage, struct round *round)
{
	struct wal_write write;
	int ret;

	enlarge_staging(storage, round->batch.info.length);
	enlarge_map(storage);
	ret = fill_batch(storage, round);
	if (!ret)
		ret = wal_batch_finish(&round->batch, &write);
	if (!ret)
		ret = write_staged(storage, &write);
	if (ret)
		return ret;
	spin_lock(&storage->map_lock);
	wal_batch_done(&storage->writer, &round->batch);
	wal_map_insert(&storage->map, &round->batch.info);
	spin_unlock(&storage->map_lock);
	return 0;
}

/* What was found at the opening, and no slot says yet. */
static bool slot_wanted(const struct raftlog_storage *storage)
{
	return READ_ONCE(storage->in_use) && !storage->error &&
	       wal_slot_stale(&storage->writer);
}

/* When the next slot tells nothing new: never. */
static unsigned long slot_timeout(const struct raftlog_storage *storage)
{
	const struct wal_writer *w = &storage->writer;
	unsigned long due = storage->slot_at + msecs_to_jiffies(SLOT_INTERVAL_MS);

	if (storage->error || !wal_slot_behind(w))
		return MAX_SCHEDULE_TIMEOUT;
	return time_after(due, jiffies) ? due - jiffies : 0;
}

static int write_round(struct raftlog_storage *storage, struct round *round)
{
	int ret;

	if (wal_slot_due(&storage->writer) || !slot_timeout(storage) ||
	    RAFTLOG_FAILPOINT(STORAGE_SLOT)) {
		ret = raftlog_storage_slot(storage,
					   &storage->writer.hard_state);
		if (ret)
			return ret;
	}
	ret = plan_round(storage, round);
	if (ret)
		return ret;
	if (round->has_entries)
		return write_batch(storage, round);
	if (round->hard_state_changed || round->head_moved)
		return raftlog_storage_slot(storage, &round->hard_state);
	return 0;
}

/* Under queue_lock. */
static void update_oldest(struct raftlog_storage *storage)
{
	struct raftlog_storage_request *oldest;

	lockdep_assert_held(&storage->queue_lock);
	oldest = list_first_entry_or_null(&storage->pending,
					  struct raftlog_storage_request, node);
	if (!oldest)
		oldest = list_first_entry_or_null(
			&storage->queue, struct raftlog_storage_request, node);
	atomic64_set(&storage->oldest_ns, oldest ? oldest->submitted_ns : 0);
}

static void complete_round(struct raftlog_storage *storage,
			   const struct round *round)
{
	struct raftlog_storage_request *request;
	u64 space_bytes = wal_space_bytes(&storage->writer);

	while (storage->pending.next != round->end) {
		request = list_first_entry(&storage->pending,
					   struct raftlog_storage_request,
					   node);
		spin_lock(&storage->queue_lock);
		list_del_init(&request->node);
		update_oldest(storage);
		spin_unlock(&storage->queue_lock);
		request->space_bytes = space_bytes;
		request->error = 0;
		storage->ops->persisted(storage->context, request);
	}
	storage->n_written = round->n_written;
}

static void fail(struct raftlog_storage *storage, int error)
{
	storage->error = error;
	pr_err("%s: writing the log failed with error %d at offset %llu, nothing more is written\n",
	       storage->name, error, storage->writer.tail);
	storage->ops->failed(storage->context, error);
}

static bool work_left(struct raftlog_storage *storage)
{
	bool left;

	spin_lock(&storage->queue_lock);
	list_splice_tail_init(&storage->queue, &storage->pending);
	left = !list_empty(&storage->pending);
	spin_unlock(&storage->queue_lock);
	return left && !storage->error;
}

/*
 * Stopped in order: say where the tail is, so that whatever is found bad before it
 * later is known to be damage and not a torn write, and what cannot be read behind it
 * to be nothing. Not if nothing was written: a group that was refused leaves its log as
 * it was. Nor where memory went back in time: the log may have gone on since.
 */
static void write_last_slot(struct raftlog_storage *storage)
{
	struct wal_writer *w = &storage->writer;
	int ret;

	if (storage->error ||
	    storage->generation != raftlog_power_generation() ||
	    (!wal_seal(w) && !slot_wanted(storage)))
		return;
	ret = raftlog_storage_slot(storage, &w->hard_state);
	if (ret)
		pr_warn("%s: writing the last slot failed with error %d\n",
			storage->name, ret);
}

int raftlog_storage_thread(void *data)
{
	struct raftlog_storage *storage = data;
	unsigned int noio = memalloc_noio_save();
	struct round round;
	int ret;

	sched_set_fifo(current);
	for (;;) {
		wait_event_idle_timeout(storage->wait,
					work_left(storage) ||
						slot_wanted(storage) ||
						kthread_should_stop(),
					slot_timeout(storage));
		/* Stopping is not a reason to leave anything unwritten. */
		if (!work_left(storage) && kthread_should_stop())
			break;
		ret = write_round(storage, &round);
		if (ret)
			fail(storage, ret);
		else
			complete_round(storage, &round);
	}
	write_last_slot(storage);
	memalloc_noio_restore(noio);
	return 0;
}

void raftlog_storage_submit(struct raftlog_storage *storage,
			    struct raftlog_storage_request *request)
{
	spin_lock(&storage->queue_lock);
	list_add_tail(&request->node, &storage->queue);
	if (!atomic64_read(&storage->oldest_ns))
		atomic64_set(&storage->oldest_ns, request->submitted_ns);
	spin_unlock(&storage->queue_lock);
	wake_up(&storage->wait);
}

u64 raftlog_storage_head(struct raftlog_storage *storage, u64 index)
{
	u64 found;

	spin_lock(&storage->map_lock);
	found = wal_head_find(&storage->writer, &storage->map, index);
	spin_unlock(&storage->map_lock);
	return found;
}

u64 raftlog_storage_head_behind(struct raftlog_storage *storage, u64 bytes,
				u64 slack_bytes)
{
	const struct wal_writer *w = &storage->writer;
	u64 found = 0;

	spin_lock(&storage->map_lock);
	if (w->tail - w->head.offset > bytes + slack_bytes)
		found = wal_head_behind(w, &storage->map, bytes);
	spin_unlock(&storage->map_lock);
	return found;
}

u64 raftlog_storage_head_past_gap(struct raftlog_storage *storage, u64 bytes)
{
	u64 found;

	spin_lock(&storage->map_lock);
	found = wal_head_past_gap(&storage->writer, &storage->map, bytes);
	spin_unlock(&storage->map_lock);
	return found;
}

u64 raftlog_storage_oldest_ns(const struct raftlog_storage *storage)
{
	return atomic64_read(&storage->oldest_ns);
}

void raftlog_storage_stop(struct raftlog_storage *storage)
{
	struct raftlog_storage_request *request, *next;
	LIST_HEAD(unwritten);

	if (!storage->thread)
		return;
	kthread_stop(storage->thread);
	storage->thread = NULL;

	spin_lock(&storage->queue_lock);
	list_splice_init(&storage->pending, &unwritten);
	list_splice_tail_init(&storage->queue, &unwritten);
	atomic64_set(&storage->oldest_ns, 0);
	spin_unlock(&storage->queue_lock);
	list_for_each_entry_safe(request, next, &unwritten, node) {
		list_del_init(&request->node);
		request->error = storage->error ?: -ESHUTDOWN;
		storage->ops->persisted(storage->context, request);
	}
}
