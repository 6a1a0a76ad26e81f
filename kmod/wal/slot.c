// SPDX-License-Identifier: GPL-2.0
/* Slots: hard state, head and a lower bound of the tail, in alternating places. */
#include "codec.h"

static u32 slot_crc(u32 seed, const struct wal_disk_slot *disk,
		    const void *configuration)
{
	const size_t skip = offsetofend(struct wal_disk_slot, crc);
	u32 crc = crc32c(seed, (const u8 *)disk + skip, sizeof(*disk) - skip);

	return crc32c(crc, configuration,
		      le32_to_cpu(disk->configuration_bytes));
}

u64 wal_slot_position(u64 sequence)
{
	return sequence & 1 ? WAL_SLOT_POSITION_0 : WAL_SLOT_POSITION_1;
}

bool wal_hard_state_follows(const struct wal_hard_state *prev,
			    const struct wal_hard_state *next)
{
	if (next->current_term != prev->current_term)
		return next->current_term > prev->current_term;
	return !prev->voted_for || next->voted_for == prev->voted_for;
}

u64 wal_gap_jump(const struct wal_gap *gaps, u64 offset)
{
	u32 i;

	for (i = 0; i < WAL_GAPS_MAX && gaps[i].to; i++)
		if (offset == gaps[i].from)
			offset = gaps[i].to;
	return offset;
}

bool wal_lost_is_made_up(const struct wal_lost *lost, u64 last_index,
			 u64 last_term)
{
	return last_term > lost->term ||
	       (last_term == lost->term && last_index >= lost->index);
}

void wal_slot_put(const struct wal_superblock *super,
		  const struct wal_slot *slot, void *buf)
{
	struct wal_disk_slot disk = {
		.magic = cpu_to_le32(WAL_SLOT_MAGIC),
		.sequence = cpu_to_le64(slot->sequence),
		.current_term = cpu_to_le64(slot->hard_state.current_term),
		.voted_for = cpu_to_le32(slot->hard_state.voted_for),
		.flags = cpu_to_le32(slot->sealed ? WAL_SLOT_F_SEALED : 0),
		.head_offset = cpu_to_le64(slot->head.offset),
		.head_number = cpu_to_le64(slot->head.number),
		.prev_index = cpu_to_le64(slot->head.prev_index),
		.prev_term = cpu_to_le64(slot->head.prev_term),
		.tail_offset = cpu_to_le64(slot->tail_offset),
		.tail_number = cpu_to_le64(slot->tail_number),
		.last_index = cpu_to_le64(slot->last_index),
		.last_term = cpu_to_le64(slot->last_term),
		.lost_index = cpu_to_le64(slot->lost.index),
		.lost_term = cpu_to_le64(slot->lost.term),
		.configuration_index = cpu_to_le64(slot->configuration.index),
		.configuration_bytes = cpu_to_le32(slot->configuration.bytes),
	};
	const void *configuration = slot->configuration.data;
	u32 bytes = slot->configuration.bytes;
	u8 *copies = buf, *copy;
	u32 i;

	for (i = 0; i < WAL_GAPS_MAX; i++) {
		disk.gaps[i].from = cpu_to_le64(slot->gaps[i].from);
		disk.gaps[i].to = cpu_to_le64(slot->gaps[i].to);
		disk.gaps[i].number = cpu_to_le64(slot->gaps[i].number);
	}

	BUILD_BUG_ON(sizeof(disk) != 224);
	BUILD_BUG_ON(sizeof(disk) + WAL_CONFIGURATION_BYTES_MAX >
		     WAL_SLOT_COPY_BYTES);
	BUILD_BUG_ON(WAL_SLOT_COPY_BYTES < WAL_BLOCK_BYTES_MAX);

	disk.crc = cpu_to_le32(slot_crc(wal_seed(super), &disk, configuration));
	memset(copies, 0, WAL_SLOT_WRITE_BYTES);
	for (i = 0; i < WAL_SLOT_COPIES; i++) {
		copy = copies + i * WAL_SLOT_COPY_BYTES;
		memcpy(copy, &disk, sizeof(disk));
		if (bytes)
			memcpy(copy + sizeof(disk), configuration, bytes);
	}
}

static bool gaps_sane(const struct wal_superblock *super,
		      const struct wal_slot *slot)
{
	u64 offset = slot->head.offset;
	u64 number = slot->head.number;
	u32 i;

	for (i = 0; i < WAL_GAPS_MAX && slot->gaps[i].to; i++) {
		const struct wal_gap *gap = &slot->gaps[i];

		if (gap->from < offset || gap->to <= gap->from ||
		    gap->to > slot->tail_offset || gap->number < number ||
		    gap->number > slot->tail_number ||
		    !IS_ALIGNED(gap->from, super->block_bytes) ||
		    !IS_ALIGNED(gap->to, super->block_bytes))
			return false;
		offset = gap->to;
		number = gap->number;
	}
	for (; i < WAL_GAPS_MAX; i++)
		if (slot->gaps[i].from || slot->gaps[i].to ||
		    slot->gaps[i].number)
			return false;
	return true;
}

static bool slot_sane(const struct wal_superblock *super,
		      const struct wal_slot *slot)
{
	const struct wal_head *head = &slot->head;
	u64 bytes = slot->tail_offset - head->offset;
	u64 n_batches = slot->tail_number - head->number;

	if (slot->tail_offset > WAL_OFFSET_MAX ||
	    head->offset > slot->tail_offset || bytes > super->area_bytes ||
	    !IS_ALIGNED(head->offset, super->block_bytes) ||
	    !IS_ALIGNED(bytes, super->block_bytes))
		return false;
	if (!head->number || head->number > slot->tail_number ||
	    n_batches > div64_u64(bytes, super->block_bytes) ||
	    !n_batches != !bytes)
		return false;
	if (head->prev_index > slot->last_index ||
	    head->prev_term > slot->last_term ||
	    slot->last_term > slot->hard_state.current_term ||
	    slot->lost.term > slot->hard_state.current_term ||
	    !slot->lost.term != !slot->lost.index || !gaps_sane(super, slot) ||
	    !slot->configuration.index != !slot->configuration.bytes)
		return false;
	/* Counters near the end of 64 bits were never counted up to. */
	return slot->sequence && slot->sequence < WAL_OFFSET_MAX &&
	       slot->tail_number < WAL_OFFSET_MAX &&
	       slot->last_index < WAL_OFFSET_MAX &&
	       slot->hard_state.current_term < WAL_OFFSET_MAX &&
	       slot->lost.index < WAL_OFFSET_MAX &&
	       slot->configuration.index < WAL_OFFSET_MAX;
}

int wal_slot_get(const struct wal_superblock *super, const void *buf,
		 struct wal_slot *slot)
{
	const void *configuration = (const u8 *)buf + sizeof(struct wal_disk_slot);
	struct wal_disk_slot disk;
	u32 i;

	memcpy(&disk, buf, sizeof(disk));
	if (disk.magic != cpu_to_le32(WAL_SLOT_MAGIC) ||
	    le32_to_cpu(disk.configuration_bytes) >
		    WAL_CONFIGURATION_BYTES_MAX ||
	    disk.crc != cpu_to_le32(slot_crc(wal_seed(super), &disk,
					     configuration)) ||
	    disk.flags & cpu_to_le32(~WAL_SLOT_F_SEALED) || disk.reserved_end)
		return -EUCLEAN;

	slot->sequence = le64_to_cpu(disk.sequence);
	slot->hard_state.current_term = le64_to_cpu(disk.current_term);
	slot->hard_state.voted_for = le32_to_cpu(disk.voted_for);
	slot->sealed = disk.flags & cpu_to_le32(WAL_SLOT_F_SEALED);
	slot->head.offset = le64_to_cpu(disk.head_offset);
	slot->head.number = le64_to_cpu(disk.head_number);
	slot->head.prev_index = le64_to_cpu(disk.prev_index);
	slot->head.prev_term = le64_to_cpu(disk.prev_term);
	slot->tail_offset = le64_to_cpu(disk.tail_offset);
	slot->tail_number = le64_to_cpu(disk.tail_number);
	slot->last_index = le64_to_cpu(disk.last_index);
	slot->last_term = le64_to_cpu(disk.last_term);
	slot->lost.index = le64_to_cpu(disk.lost_index);
	slot->lost.term = le64_to_cpu(disk.lost_term);
	for (i = 0; i < WAL_GAPS_MAX; i++) {
		slot->gaps[i].from = le64_to_cpu(disk.gaps[i].from);
		slot->gaps[i].to = le64_to_cpu(disk.gaps[i].to);
		slot->gaps[i].number = le64_to_cpu(disk.gaps[i].number);
	}
	slot->configuration = (struct wal_configuration){
		.index = le64_to_cpu(disk.configuration_index),
		.bytes = le32_to_cpu(disk.configuration_bytes),
		.data = configuration,
	};
	return slot_sane(super, slot) ? 0 : -EUCLEAN;
}
