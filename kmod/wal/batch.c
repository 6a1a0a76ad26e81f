// SPDX-License-Identifier: GPL-2.0
/* Batches: header, entry headers, payloads. */
#include "codec.h"

static u32 batch_crc(u32 seed, const struct wal_disk_batch *disk)
{
	const size_t skip = offsetofend(struct wal_disk_batch, crc);

	return crc32c(seed, (const u8 *)disk + skip, sizeof(*disk) - skip);
}

void wal_batch_put(u32 seed, struct wal_batch_info *info, void *buf)
{
	struct wal_disk_batch disk = {
		.magic = cpu_to_le32(WAL_BATCH_MAGIC),
		.version = cpu_to_le16(WAL_BATCH_VERSION),
		.length = cpu_to_le32(info->length),
		.offset = cpu_to_le64(info->offset),
		.prev_end = cpu_to_le64(info->prev_end),
		.number = cpu_to_le64(info->number),
		.slot_sequence = cpu_to_le64(info->slot_sequence),
		.current_term = cpu_to_le64(info->hard_state.current_term),
		.voted_for = cpu_to_le32(info->hard_state.voted_for),
		.n_entries = cpu_to_le32(info->n_entries),
		.first_index = cpu_to_le64(info->first_index),
		.prev_log_term = cpu_to_le64(info->prev_log_term),
	};

	BUILD_BUG_ON(sizeof(disk) != 80);

	info->crc = batch_crc(seed, &disk);
	disk.crc = cpu_to_le32(info->crc);
	memcpy(buf, &disk, sizeof(disk));
}

static bool batch_sane(const struct wal_superblock *super,
		       const struct wal_batch_info *info)
{
	const u32 entries_max = (info->length - WAL_BATCH_HEADER_BYTES) /
				WAL_ENTRY_HEADER_BYTES;

	if (!info->length || info->length > WAL_BATCH_BYTES_MAX ||
	    info->length > super->area_bytes ||
	    !IS_ALIGNED(info->length, super->block_bytes) || !info->n_entries ||
	    info->n_entries > entries_max)
		return false;
	if (!IS_ALIGNED(info->offset, super->block_bytes) ||
	    info->offset > WAL_OFFSET_MAX ||
	    info->offset + info->length > wal_lap_end(super, info->offset))
		return false;
	if (info->prev_end != info->offset &&
	    (wal_position(super, info->offset) != WAL_AREA_POSITION ||
	     info->prev_end > info->offset ||
	     info->offset - info->prev_end >= info->length))
		return false;
	return info->first_index && info->first_index < WAL_OFFSET_MAX &&
	       info->hard_state.current_term < WAL_OFFSET_MAX &&
	       info->number < WAL_OFFSET_MAX &&
	       info->slot_sequence < WAL_OFFSET_MAX &&
	       info->prev_log_term <= info->hard_state.current_term;
}

int wal_batch_get(const struct wal_superblock *super, u32 seed, u64 offset,
		  const void *buf, struct wal_batch_info *info)
{
	struct wal_disk_batch disk;

	memcpy(&disk, buf, sizeof(disk));
	if (disk.magic != cpu_to_le32(WAL_BATCH_MAGIC) ||
	    disk.offset != cpu_to_le64(offset))
		return -EUCLEAN;
	info->crc = le32_to_cpu(disk.crc);
	if (info->crc != batch_crc(seed, &disk))
		return -EUCLEAN;
	if (disk.version != cpu_to_le16(WAL_BATCH_VERSION) || disk.flags)
		return -EPROTONOSUPPORT;

	info->length = le32_to_cpu(disk.length);
	info->offset = le64_to_cpu(disk.offset);
	info->prev_end = le64_to_cpu(disk.prev_end);
	info->number = le64_to_cpu(disk.number);
	info->slot_sequence = le64_to_cpu(disk.slot_sequence);
	info->hard_state.current_term = le64_to_cpu(disk.current_term);
	info->hard_state.voted_for = le32_to_cpu(disk.voted_for);
	info->n_entries = le32_to_cpu(disk.n_entries);
	info->first_index = le64_to_cpu(disk.first_index);
	info->prev_log_term = le64_to_cpu(disk.prev_log_term);
	return batch_sane(super, info) ? 0 : -EUCLEAN;
}

u32 wal_entry_header_offset(u32 i)
{
	return WAL_BATCH_HEADER_BYTES + i * WAL_ENTRY_HEADER_BYTES;
}

static u32 entry_crc(u32 seed, const struct wal_disk_entry *disk)
{
	return crc32c(seed, disk, offsetof(struct wal_disk_entry, crc));
}

void wal_entry_put(u32 seed, const struct wal_entry *entry, u32 payload_offset,
		   void *buf)
{
	struct wal_disk_entry disk = {
		.index = cpu_to_le64(entry->index),
		.term = cpu_to_le64(entry->term),
		.session = cpu_to_le64(entry->session),
		.sequence = cpu_to_le64(entry->sequence),
		.bytes = cpu_to_le32(entry->bytes),
		.payload_offset = cpu_to_le32(payload_offset),
		.payload_crc =
			cpu_to_le32(crc32c(seed, entry->data, entry->bytes)),
		.type = entry->type,
	};

	BUILD_BUG_ON(sizeof(disk) != 56);

	disk.crc = cpu_to_le32(entry_crc(seed, &disk));
	memcpy(buf, &disk, sizeof(disk));
}

int wal_entry_get(const struct wal_batch_info *info, u32 i, const void *buf,
		  struct wal_entry *entry, u32 *payload_offset,
		  u32 *payload_crc)
{
	struct wal_disk_entry disk;

	memcpy(&disk, buf, sizeof(disk));
	if (disk.crc != cpu_to_le32(entry_crc(info->crc, &disk)))
		return -EUCLEAN;

	entry->index = le64_to_cpu(disk.index);
	entry->term = le64_to_cpu(disk.term);
	entry->session = le64_to_cpu(disk.session);
	entry->sequence = le64_to_cpu(disk.sequence);
	entry->data = NULL;
	entry->bytes = le32_to_cpu(disk.bytes);
	entry->type = disk.type;
	*payload_offset = le32_to_cpu(disk.payload_offset);
	*payload_crc = le32_to_cpu(disk.payload_crc);

	if (entry->index != info->first_index + i || !entry->term ||
	    entry->term > info->hard_state.current_term)
		return -EUCLEAN;
	if (entry->bytes > WAL_ENTRY_BYTES_MAX ||
	    !IS_ALIGNED(*payload_offset, WAL_PAYLOAD_ALIGN) ||
	    *payload_offset < wal_entry_header_offset(info->n_entries) ||
	    *payload_offset > info->length ||
	    entry->bytes > info->length - *payload_offset)
		return -EUCLEAN;
	return 0;
}

int wal_batch_verify(const struct wal_batch_info *info, const u8 *buf,
		     u64 *last_term)
{
	u32 expected = wal_entry_header_offset(info->n_entries);
	u64 term = info->prev_log_term;
	u32 i;

	for (i = 0; i < info->n_entries; i++) {
		u32 payload_offset, payload_crc;
		struct wal_entry entry;

		if (wal_entry_get(info, i, buf + wal_entry_header_offset(i),
				  &entry, &payload_offset, &payload_crc))
			return -EUCLEAN;
		if (entry.term < term || payload_offset != expected ||
		    crc32c(info->crc, buf + payload_offset, entry.bytes) !=
			    payload_crc)
			return -EUCLEAN;
		term = entry.term;
		expected = payload_offset +
			   round_up(entry.bytes, (u32)WAL_PAYLOAD_ALIGN);
	}
	*last_term = term;
	return 0;
}
