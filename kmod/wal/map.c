// SPDX-License-Identifier: GPL-2.0
/* Map: where to begin to look for an entry, in bounded memory. */
#include "wal.h"

/* Log between two slots as long as there is room for more. */
#define WAL_MAP_STRIDE_MIN (4ull << 10)

void wal_map_init(struct wal_map *map, struct wal_map_slot *slots,
		  u32 n_slots_max)
{
	*map = (struct wal_map){
		.slots = slots,
		.n_slots_max = n_slots_max,
		.stride = WAL_MAP_STRIDE_MIN,
	};
}

void wal_map_clear(struct wal_map *map)
{
	wal_map_init(map, map->slots, map->n_slots_max);
}

static void map_thin(struct wal_map *map)
{
	while (map->n_slots == map->n_slots_max) {
		u32 from, to = 1;

		map->stride *= 2;
		for (from = 1; from < map->n_slots; from++)
			if (map->slots[from].offset -
				    map->slots[to - 1].offset >=
			    map->stride)
				map->slots[to++] = map->slots[from];
		map->n_slots = to;
	}
}

void wal_map_insert(struct wal_map *map, const struct wal_batch_info *info)
{
	if (info->prev_end != info->offset) {
		map->skip_from = info->prev_end;
		map->skip_to = info->offset;
	}

	while (map->n_slots &&
	       map->slots[map->n_slots - 1].first_index >= info->first_index)
		map->n_slots--;
	if (map->n_slots &&
	    info->offset - map->slots[map->n_slots - 1].offset < map->stride)
		return;
	map_thin(map);
	map->slots[map->n_slots++] = (struct wal_map_slot){
		.first_index = info->first_index,
		.offset = info->offset,
		.number = info->number,
	};
}

void wal_map_trim(struct wal_map *map, const struct wal_writer *w)
{
	u32 n = 0;

	while (n < map->n_slots && map->slots[n].offset < w->head.offset)
		n++;
	map->n_slots -= n;
	memmove(map->slots, map->slots + n, map->n_slots * sizeof(*map->slots));
	if (!map->n_slots)
		map->stride = WAL_MAP_STRIDE_MIN;
}

/* Last slot that does not begin behind @index, or -1. */
static int map_search(const struct wal_map *map, u64 index)
{
	u32 low = 0, high = map->n_slots;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (map->slots[middle].first_index <= index)
			low = middle + 1;
		else
			high = middle;
	}
	return (int)low - 1;
}

int wal_map_find(const struct wal_map *map, const struct wal_writer *w,
		 u64 index, struct wal_range *range)
{
	int i;

	if (index <= w->head.prev_index || index > w->last_index)
		return -ENOENT;
	i = map_search(map, index);
	*range = (struct wal_range){
		.offset = i < 0 ? w->head.offset : map->slots[i].offset,
		.skip_from = map->skip_from,
		.skip_to = map->skip_to,
		.end = w->tail,
	};
	memcpy(range->gaps, w->gaps, sizeof(range->gaps));
	return 0;
}
