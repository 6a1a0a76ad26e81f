// SPDX-License-Identifier: GPL-2.0
/*
 * One write, the way the storage thread makes it: encoded, cut in every way, and
 * then either durable and acknowledged, or torn for good: the run goes on from
 * what the next opening finds.
 */
#include <stdlib.h>

#include "crash.h"

u32 write_record(struct run *r, u64 index, u64 term, u32 bytes,
		 struct rng *rng)
{
	if (r->n_records == RECORDS_MAX)
		abort();
	r->records[r->n_records++] = (struct record){
		.index = index,
		.term = term,
		.payload = rng_below(rng, PAYLOADS_BYTES - bytes),
		.bytes = bytes,
		.alone = r->alone,
	};
	return r->n_records;
}

void write_name(struct run *r, const char *kind, const struct wal_write *write)
{
	r->n_writes++;
	snprintf(r->write_name, sizeof(r->write_name),
		 "%s of %u bytes at %llu", kind, write->bytes, write->position);
}

/* Over the log of the life before, if there was one. */
void write_format(struct run *r)
{
	struct wal_superblock *super = &r->new_super;
	struct wal_write write;
	u32 i;

	*super = r->super;
	for (i = 0; i < sizeof(super->uuid); i++)
		super->uuid[i] = rng_next(&r->rng);
	super->incarnation = rng_next(&r->rng) | 1;
	super->generation = 0;
	super->kept = (struct wal_kept){ 0 };
	super->first_copy = 0;
	r->formatting = true;
	r->n_outstanding = 0;
	for (i = 0; i < WAL_FORMAT_WRITES && !r->failed; i++) {
		wal_format_encode(super, i, r->staging, &write);
		write_name(r, "format", &write);
		snprintf(r->write_name, sizeof(r->write_name), "format %u", i);
		cut_begin(r, &r->cut, &write, true);
		cut_check(r, false);
		if (!r->failed)
			cut_set(r, &r->cut, cut_all(&r->cut));
	}
	r->formatting = false;
	r->super = *super;
	r->next_super = *super;
	r->alone_index = 0;
	r->life++;
	r->n_records = 0;
	r->committed = 0;
	memset(&r->acknowledged, 0, sizeof(r->acknowledged));
	r->intended = r->acknowledged;
}

/* In the middle of the write: the power failed, or the machine just restarted. */
void write_crash(struct run *r)
{
	cut_set(r, &r->cut, cut_sample(&r->cut, &r->rng));
	r->powered = rng_chance(&r->rng, RNG_ONE / 2);
	if (r->powered)
		cut_forget_missing(&r->cut);
}

/* Until it is done the power can take what the restart has left. */
static void flush(struct run *r)
{
	if (!r->powered)
		return;
	r->powered = false;
	r->counters->powered_restarts++;
	r->n_writes++;
	snprintf(r->write_name, sizeof(r->write_name), "flush of an opening");
	if (r->options->caller != CALLER_NO_FLUSH) {
		cut_check(r, false);
		r->n_outstanding = 0;
	} else {
		r->n_outstanding = 1;
	}
	if (!r->failed)
		cut_set(r, &r->cut, cut_all(&r->cut));
}

/*
 * As the module does it: flush, and recover. A slot is due then, and is the next
 * write.
 */
void write_open(struct run *r)
{
	r->counters->restarts++;
	if (!cut_is_whole(&r->cut))
		r->counters->torn_restarts++;
	flush(r);
	if (r->failed || run_enough(r))
		return;
	wal_map_init(&r->map, r->map_slots, MAP_SLOTS);
	r->opening = true;
	if (!recover_check(r, &r->rec, &r->acknowledged, &r->intended,
			   &r->cut))
		return;
	r->opening = false;
	r->acknowledged = r->found;
	r->intended = r->found;
	r->committed = max(r->committed, r->found.prev_index);
	wal_writer_init(&r->w, &r->rec);
	alone_open(r);
}

/* False: it was the last one before a crash. */
static bool make(struct run *r, const struct wal_write *write, bool batch)
{
	cut_begin(r, &r->cut, write, !batch);
	cut_check(r, batch);
	if (r->failed || run_enough(r))
		return false;
	if (r->n_ghosts < GHOSTS_MAX && rng_chance(&r->rng, RNG_ONE / 10)) {
		write_crash(r);
		r->repeat = batch;
		if (!batch)
			r->ghosts[r->n_ghosts++] = r->intended;
		write_open(r);
		return false;
	}
	cut_set(r, &r->cut, cut_all(&r->cut));
	r->acknowledged = r->intended;
	if (!batch) {
		r->n_ghosts = 0;
		if (r->options->caller == CALLER_SOUND)
			copies_check(r, write);
	}
	if (r->options->caller == CALLER_NO_DSYNC)
		r->n_outstanding = !r->n_outstanding;
	else
		r->n_outstanding = 0;
	return true;
}

/* It follows from the index, so that what is found can be told. */
struct wal_configuration configuration_of(const struct run *r, u64 index)
{
	return (struct wal_configuration){
		.index = index,
		.data = r->payloads + index,
		.bytes = 1 + index * 37 % CONFIGURATION_BYTES_MAX,
	};
}

bool write_slot(struct run *r, const struct wal_hard_state *hard_state)
{
	struct wal_write write;

	r->intended = r->acknowledged;
	r->intended.hard_state = *hard_state;
	r->intended.prev_index = r->w.new_head.prev_index;
	r->intended.prev_term = r->w.new_head.prev_term;
	r->intended.last_index = r->w.last_index;
	r->intended.configuration_index = r->w.configuration.index;
	if (wal_slot_encode(&r->w, hard_state, r->staging, &write)) {
		fail(r, "a slot is refused");
		return false;
	}
	write_name(r, "slot", &write);
	if (!make(r, &write, false))
		return false;
	wal_slot_done(&r->w, hard_state);
	wal_map_trim(&r->map, &r->w);
	return true;
}

/* In one batch, what fits. Terms do not fall, the last one is the newest. */
static int reserve(struct run *r, struct wal_batch *batch, u64 first_index,
		   u32 n_entries, u32 bytes_max, u64 term_min, u64 term_max)
{
	u32 overhead = wal_entry_overhead_bytes(r->super.block_bytes);
	u64 term = term_min;
	u32 i, bytes;
	int ret;

	if (!r->repeat)
		r->n_shape = 0;
	for (i = 0; i < n_entries; i++) {
		bytes = rng_below(&r->rng, bytes_max + 1);
		if (r->repeat && i < r->n_shape)
			bytes = r->shape[i];
		if (i && batch->info.length + bytes + overhead >
				 BATCH_BYTES_ENOUGH)
			return -EMSGSIZE;
		ret = wal_batch_reserve(batch, bytes);
		if (ret)
			return ret;
		if (rng_chance(&r->rng, RNG_ONE / 2) || i + 1 == n_entries)
			term = term_max;
		write_record(r, first_index + i, term, bytes, &r->rng);
		if (!r->repeat && r->n_shape < SHAPE_MAX)
			r->shape[r->n_shape++] = bytes;
	}
	return 0;
}

static int fill(struct run *r, struct wal_batch *batch, u32 first_record,
		const struct wal_hard_state *hard_state,
		struct wal_write *write)
{
	int ret = wal_batch_seal(batch, hard_state, r->staging);
	u32 i;

	for (i = first_record; !ret && i < r->n_records; i++) {
		const struct record *record = &r->records[i];
		const struct wal_entry entry = {
			.index = record->index,
			.term = record->term,
			.session = r->life,
			.sequence = i + 1,
			.data = r->payloads + record->payload,
			.bytes = record->bytes,
			.type = (i + 1) % 5,
		};

		ret = wal_batch_add(batch, &entry);
		r->intended.records[entry.index] = i + 1;
		r->intended.last_index = entry.index;
	}
	return ret ? ret : wal_batch_finish(batch, write);
}

u64 term_at(const struct run *r, u64 index)
{
	if (index == r->acknowledged.prev_index)
		return r->acknowledged.prev_term;
	return r->records[r->acknowledged.records[index] - 1].term;
}

/* Returns how many entries were written, 0 after a crash, or an error. */
static int write_some(struct run *r, u64 first_index,
		      const struct wal_hard_state *hard_state, u32 n_entries,
		      u32 bytes_max)
{
	u32 first_record = r->n_records;
	u64 prev_term = term_at(r, first_index - 1);
	struct wal_batch batch;
	struct wal_write write;
	int ret;

	r->intended = r->acknowledged;
	r->intended.hard_state = *hard_state;
	ret = wal_batch_begin(&batch, &r->w, first_index);
	if (ret) {
		fail(r, "a batch is refused: %d", ret);
		return ret;
	}
	ret = reserve(r, &batch, first_index, n_entries, bytes_max,
		      max_t(u64, prev_term, 1), hard_state->current_term);
	r->over_leftovers = r->repeat;
	r->repeat = false;
	if (!batch.info.n_entries)
		return ret;
	if (ret == -EMSGSIZE)
		r->counters->splits++;
	if (batch.info.offset != batch.info.prev_end)
		r->counters->skips++;
	ret = fill(r, &batch, first_record, hard_state, &write);
	if (ret) {
		fail(r, "an entry is refused: %d", ret);
		return ret;
	}
	write_name(r, "batch", &write);
	if (!make(r, &write, true))
		return 0;
	wal_batch_done(&r->w, &batch);
	wal_map_insert(&r->map, &batch.info);
	r->counters->entries_acknowledged += batch.info.n_entries;
	return batch.info.n_entries;
}

int write_batch(struct run *r, u64 first_index,
		const struct wal_hard_state *hard_state, u32 n_entries,
		u32 bytes_max)
{
	int ret;

	while (n_entries) {
		ret = write_some(r, first_index, hard_state, n_entries,
				 bytes_max);
		if (ret <= 0)
			return ret;
		first_index += ret;
		n_entries -= ret;
	}
	return 0;
}
