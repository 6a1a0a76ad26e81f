// SPDX-License-Identifier: GPL-2.0
/* Terms of all entries; size, type and origin of recent ones. */
#include "core.h"

static u32 slot_of(const struct raft_log *log, u64 index)
{
	return (u32)index & (log->window_entries - 1);
}

static u32 bucket_of(const struct raft_log *log, u64 session, u64 sequence)
{
	return raft_hash(log->hash_seed, session, sequence) &
	       (log->window_entries - 1);
}

static void unlink_slot(struct raft_log *log, u32 slot)
{
	const struct raft_meta *meta = &log->window[slot];
	u32 *link;

	if (!meta->session)
		return;
	link = &log->buckets[bucket_of(log, meta->session, meta->sequence)];
	while (*link != slot + 1)
		link = &log->window[*link - 1].next;
	*link = meta->next;
}

static void link_slot(struct raft_log *log, u32 slot)
{
	struct raft_meta *meta = &log->window[slot];
	u32 *bucket;

	meta->next = 0;
	if (!meta->session)
		return;
	bucket = &log->buckets[bucket_of(log, meta->session, meta->sequence)];
	meta->next = *bucket;
	*bucket = slot + 1;
}

/* Of a window of that many entries, and of its buckets. */
size_t raft_log_window_bytes(u32 n_entries)
{
	return n_entries * (sizeof(struct raft_meta) + sizeof(u32));
}

static void set_window(struct raft_log *log, void *memory, u32 n_entries)
{
	log->window = memory;
	log->buckets = (u32 *)(log->window + n_entries);
	log->window_entries = n_entries;
}

void raft_log_init(struct raft_log *log, void *memory, u32 n_entries,
		   u32 n_entries_max)
{
	log->window_entries_max = n_entries_max;
	set_window(log, memory, n_entries);
	raft_log_reset(log, 0, 0);
}

/* Would it forget an entry that a larger window still knew? */
bool raft_log_wants_window(const struct raft_log *log, u32 entries)
{
	u64 n = log->last_index + 1 - log->window_first + entries;

	return n > log->window_entries &&
	       log->window_entries < log->window_entries_max;
}

/* @memory is zeroed, and larger than what it replaces. */
void raft_log_grow_window(struct raft_log *log, void *memory, u32 n_entries)
{
	const struct raft_log old = *log;
	u64 index;

	set_window(log, memory, n_entries);
	for (index = log->window_first; index <= log->last_index; index++) {
		u32 slot = slot_of(log, index);

		log->window[slot] = old.window[slot_of(&old, index)];
		link_slot(log, slot);
	}
}

/* Index of the entry before the first one: committed, and its term is known. */
u64 raft_log_base(const struct raft_log *log)
{
	return log->first_index - 1;
}

/* An empty log behind this. */
void raft_log_reset(struct raft_log *log, u64 base_index, u64 base_term)
{
	log->first_index = base_index + 1;
	log->base_term = base_term;
	log->last_index = base_index;
	log->bare = false;
	log->n_runs = 0;
	log->window_first = base_index + 1;
	log->window_base_bytes = 0;
	memset(log->buckets, 0, log->window_entries * sizeof(*log->buckets));
}

/* Position of the run that holds @index, which must be in the log. */
static u32 run_of(const struct raft_log *log, u64 index)
{
	u32 low = 0, high = log->n_runs - 1;

	if (log->runs[high].first_index <= index)
		return high;
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (log->runs[middle].first_index <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

u64 raft_log_term(const struct raft_log *log, u64 index)
{
	if (index == raft_log_base(log))
		return log->base_term;
	if (index < log->first_index || index > log->last_index)
		return 0;
	return log->runs[run_of(log, index)].term;
}

u64 raft_log_last_term(const struct raft_log *log)
{
	return raft_log_term(log, log->last_index);
}

bool raft_log_has_room(const struct raft_log *log, u32 runs)
{
	return log->n_runs + (u64)runs <= log->max_runs;
}

/* The caller made sure of room for a run: raft_log_has_room(). */
void raft_log_append(struct raft_log *log, const struct raft_entry *entry)
{
	u64 index = log->last_index + 1;
	u64 through = raft_log_bytes_through(log, log->last_index);
	u32 slot = slot_of(log, index);
	struct raft_meta *meta = &log->window[slot];

	if (log->n_runs == 0 ||
	    log->runs[log->n_runs - 1].term != entry->term) {
		log->runs[log->n_runs].first_index = index;
		log->runs[log->n_runs].term = entry->term;
		log->n_runs++;
	}

	if (index - log->window_first == log->window_entries) {
		unlink_slot(log, slot);
		log->window_base_bytes = meta->bytes_through;
		log->window_first++;
	}
	log->bare |= entry->type == RAFT_ENTRY_DATA && !entry->bytes;
	meta->session = entry->session;
	meta->sequence = entry->sequence;
	meta->bytes = entry->bytes;
	meta->type = entry->type;
	meta->bytes_through = through + entry->bytes;
	link_slot(log, slot);
	log->last_index = index;
}

void raft_log_truncate(struct raft_log *log, u64 from)
{
	while (log->last_index >= from) {
		if (log->last_index >= log->window_first)
			unlink_slot(log, slot_of(log, log->last_index));
		log->last_index--;
	}
	while (log->n_runs && log->runs[log->n_runs - 1].first_index >= from)
		log->n_runs--;
	if (log->window_first > log->last_index + 1)
		log->window_first = log->last_index + 1;
}

/* Entries up to @base_index, which is in the log, go; the window stays. */
void raft_log_compact(struct raft_log *log, u64 base_index)
{
	u32 n;

	log->base_term = raft_log_term(log, base_index);
	log->first_index = base_index + 1;
	if (base_index == log->last_index)
		n = log->n_runs;
	else
		n = run_of(log, base_index + 1);
	log->n_runs -= n;
	memmove(log->runs, log->runs + n, log->n_runs * sizeof(*log->runs));
	if (log->n_runs)
		log->runs[0].first_index =
			max(log->runs[0].first_index, log->first_index);
}

/* NULL for an entry that is not in the window. */
const struct raft_meta *raft_log_meta(const struct raft_log *log, u64 index)
{
	if (index < log->window_first || index > log->last_index)
		return NULL;
	return &log->window[slot_of(log, index)];
}

/* Index of the entry (session, sequence), 0 if it is not in the window. */
u64 raft_log_find(const struct raft_log *log, u64 session, u64 sequence)
{
	u32 slot = log->buckets[bucket_of(log, session, sequence)];

	for (; slot; slot = log->window[slot - 1].next) {
		const struct raft_meta *meta = &log->window[slot - 1];

		if (meta->session == session && meta->sequence == sequence)
			return log->last_index -
			       ((slot_of(log, log->last_index) - (slot - 1)) &
				(log->window_entries - 1));
	}
	return 0;
}

/*
 * Payload bytes up to and including @index, counted from an arbitrary base: only
 * differences mean something. Entries before the window count as 0.
 */
u64 raft_log_bytes_through(const struct raft_log *log, u64 index)
{
	index = min(index, log->last_index);
	if (index < log->window_first)
		return log->window_base_bytes;
	return log->window[slot_of(log, index)].bytes_through;
}

/*
 * Largest index not behind @index whose term is not above @term, down to the base of
 * the log; 0 if none. Lets one answer skip all entries of a term that cannot match
 * (3.5, and its reverse).
 */
u64 raft_log_floor_term(const struct raft_log *log, u64 index, u64 term)
{
	u64 base = raft_log_base(log);
	u32 run;

	index = min(index, log->last_index);
	if (index > base) {
		run = run_of(log, index);
		while (log->runs[run].term > term) {
			index = log->runs[run].first_index - 1;
			if (run-- == 0)
				break;
		}
	}
	if (index == base && log->base_term > term)
		return 0;
	return index < base ? 0 : index;
}
