/* SPDX-License-Identifier: GPL-2.0 */
/* Checksums put right, of what fuzzers have written to a disk. */
#ifndef FUZZ_DISK_H
#define FUZZ_DISK_H

#include "../../kmod/wal/wal.h"

static inline void disk_fix_superblock(u8 *at)
{
	struct wal_disk_superblock *super = (void *)at;

	super->crc = 0;
	super->crc = cpu_to_le32(crc32c(~0u, super, sizeof(*super)));
}

/* A batch with its entries, as far as they are within @room from its start. */
static inline void disk_fix_batch(u32 seed, u8 *at, u32 room)
{
	struct wal_disk_batch *batch = (void *)at;
	u32 i, crc = crc32c(seed, at + 8, sizeof(*batch) - 8);

	batch->crc = cpu_to_le32(crc);
	for (i = 0; i < le32_to_cpu(batch->n_entries); i++) {
		u32 offset = sizeof(*batch) + i * sizeof(struct wal_disk_entry);
		struct wal_disk_entry *entry = (void *)(at + offset);
		u32 payload, bytes;

		if (offset > room - sizeof(*entry))
			return;
		payload = le32_to_cpu(entry->payload_offset);
		bytes = le32_to_cpu(entry->bytes);
		if (payload <= room && bytes <= room - payload)
			entry->payload_crc = cpu_to_le32(
				crc32c(crc, at + payload, bytes));
		entry->crc = cpu_to_le32(crc32c(
			crc, entry, sizeof(*entry) - sizeof(entry->crc)));
	}
}

#endif /* FUZZ_DISK_H */
