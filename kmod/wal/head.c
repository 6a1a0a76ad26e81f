// SPDX-License-Identifier: GPL-2.0
/* Where the log begins: later, when entries go, or anew, behind a snapshot. */
#include "codec.h"

void wal_configuration_set(struct wal_writer *w,
			   const struct wal_configuration *configuration)
{
	memcpy(w->configuration_data, configuration->data,
	       configuration->bytes);
	w->configuration = *configuration;
	w->configuration.data = w->configuration_data;
}

/*
 * The last batch that the map remembers to begin at or before @index + 1. No batch
 * behind it replaces its first entry, nor anything before: whoever reads the log from
 * there comes to nothing that was replaced by what is gone.
 */
static const struct wal_map_slot *last_slot(const struct wal_map *map,
					    u64 index)
{
	u32 low = 0, high = map->n_slots;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (map->slots[middle].first_index <= index + 1)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &map->slots[low - 1] : NULL;
}

u64 wal_head_find(const struct wal_writer *w, const struct wal_map *map,
		  u64 index)
{
	const struct wal_map_slot *slot;

	if (index >= w->last_index)
		return w->last_index > w->new_head.prev_index ? w->last_index :
								0;
	slot = last_slot(map, index);
	if (!slot || slot->first_index <= w->new_head.prev_index + 1)
		return 0;
	return slot->first_index - 1;
}

/* Number of slots that begin so many @bytes before the tail, or more. */
static u32 slots_before(const struct wal_writer *w, const struct wal_map *map,
			u64 bytes)
{
	u32 low = 0, high = map->n_slots;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (w->tail - map->slots[middle].offset >= bytes)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

u64 wal_head_behind(const struct wal_writer *w, const struct wal_map *map,
		    u64 bytes)
{
	u32 n = slots_before(w, map, bytes);

	return n ? wal_head_find(w, map, map->slots[n - 1].first_index - 1) : 0;
}

static bool has_gap(const struct wal_writer *w, u64 from, u64 to)
{
	u32 i;

	for (i = 0; i < WAL_GAPS_MAX && w->gaps[i].to; i++)
		if (w->gaps[i].from >= from && w->gaps[i].to <= to)
			return true;
	return false;
}

u64 wal_head_past_gap(const struct wal_writer *w, const struct wal_map *map,
		      u64 bytes)
{
	const struct wal_map_slot *slots = map->slots;
	u64 next = w->tail;
	u32 n;

	if (!w->gaps[0].to)
		return 0;
	/* The first batch that the log may begin with, and the one before it. */
	n = slots_before(w, map, bytes + 1);
	if (n < map->n_slots)
		next = slots[n].offset;
	if (!n || !has_gap(w, slots[n - 1].offset, next))
		return 0;
	return wal_head_find(w, map, n < map->n_slots ?
					     slots[n].first_index - 1 :
					     w->last_index);
}

int wal_head_move(struct wal_writer *w, const struct wal_map *map, u64 index,
		  u64 term, const struct wal_configuration *configuration)
{
	const struct wal_map_slot *slot = last_slot(map, index);

	if (configuration->bytes > WAL_CONFIGURATION_BYTES_MAX)
		return -EINVAL;
	if (index <= w->new_head.prev_index || index > w->last_index)
		return -ENOENT;
	if (index == w->last_index) {
		w->new_head.offset = w->tail;
		w->new_head.number = w->number;
	} else if (slot && slot->first_index == index + 1) {
		w->new_head.offset = slot->offset;
		w->new_head.number = slot->number;
	} else {
		return -ENOENT;
	}
	w->new_head.prev_index = index;
	w->new_head.prev_term = term;
	wal_configuration_set(w, configuration);
	return 0;
}

int wal_writer_discard(struct wal_writer *w, u64 index, u64 term,
		       const struct wal_configuration *configuration)
{
	if (configuration->bytes > WAL_CONFIGURATION_BYTES_MAX)
		return -EINVAL;
	w->new_head = (struct wal_head){
		.offset = w->tail,
		.number = w->number,
		.prev_index = index,
		.prev_term = term,
	};
	w->last_index = index;
	w->last_term = term;
	w->slot_tail = WAL_SLOT_TAIL_NONE;
	if (wal_lost_is_made_up(&w->lost, index, term))
		w->lost = (struct wal_lost){ 0 };
	wal_configuration_set(w, configuration);
	return 0;
}
