// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "disk.h"
#include "memory.h"

void disk_init(struct disk *disk, u64 size)
{
	*disk = (struct disk){ .size = size };
}

void disk_free(struct disk *disk)
{
	free(disk->bytes);
	disk->bytes = NULL;
}

void disk_read(const struct disk *disk, u64 position, void *buf, u32 bytes)
{
	u64 there = 0;

	memory_assert(position <= disk->size && bytes <= disk->size - position);
	if (position < disk->n_bytes) {
		there = min_t(u64, bytes, disk->n_bytes - position);
		memcpy(buf, disk->bytes + position, there);
	}
	memset((u8 *)buf + there, 0, bytes - there);
}

void disk_begin(struct disk *disk, const struct wal_write *write)
{
	memory_assert(!disk->busy &&
		      IS_ALIGNED(write->position, (u64)DISK_SECTOR_BYTES) &&
		      IS_ALIGNED(write->bytes, (u32)DISK_SECTOR_BYTES) &&
		      write->position + write->bytes <= disk->size);
	disk->busy = true;
	disk->write = *write;
}

static void keep(struct disk *disk, u32 first, u32 n)
{
	u64 offset = (u64)first * DISK_SECTOR_BYTES;
	u64 position = disk->write.position + offset;
	u64 bytes = (u64)n * DISK_SECTOR_BYTES;

	while (position + bytes > disk->n_bytes_max)
		disk->bytes = memory_grow(disk->bytes, disk->n_bytes_max,
					  &disk->n_bytes_max, 1);
	disk->n_bytes = max(disk->n_bytes, position + bytes);
	memcpy(disk->bytes + position, (const u8 *)disk->write.data + offset,
	       bytes);
}

void disk_complete(struct disk *disk)
{
	keep(disk, 0, disk->write.bytes / DISK_SECTOR_BYTES);
	disk->busy = false;
}

u32 disk_crash(struct disk *disk, struct rng *rng, u32 *n_sectors)
{
	u32 n, i, kept = 0;
	u64 how;

	*n_sectors = 0;
	if (!disk->busy)
		return 0;
	disk->busy = false;
	n = disk->write.bytes / DISK_SECTOR_BYTES;
	*n_sectors = n;
	how = rng_below(rng, 8);
	for (i = 0; i < n; i++) {
		bool there;

		switch (how) {
		case 0: /* nothing */
			there = false;
			break;
		case 1: /* everything, but nobody was told */
			there = true;
			break;
		case 2: /* all but the last one */
			there = i + 1 < n;
			break;
		case 3: /* all but the first one */
			there = i > 0;
			break;
		default:
			there = rng_chance(rng, RNG_ONE / 2);
			break;
		}
		if (there) {
			keep(disk, i, 1);
			kept++;
		}
	}
	return kept;
}
