// SPDX-License-Identifier: GPL-2.0
/* Superblock: what a WAL is and whose; and how one is made. */
#include "codec.h"

enum {
	WAL_FORMAT_CLEAR_0,
	WAL_FORMAT_CLEAR_1,
	WAL_FORMAT_SLOT_0,
	WAL_FORMAT_SLOT_1,
	WAL_FORMAT_SUPERBLOCK_1,
	WAL_FORMAT_SUPERBLOCK_0,
};

static const u64 format_positions[WAL_FORMAT_WRITES] = {
	[WAL_FORMAT_CLEAR_0] = WAL_SUPERBLOCK_POSITION_0,
	[WAL_FORMAT_CLEAR_1] = WAL_SUPERBLOCK_POSITION_1,
	[WAL_FORMAT_SLOT_0] = WAL_SLOT_POSITION_0,
	[WAL_FORMAT_SLOT_1] = WAL_SLOT_POSITION_1,
	[WAL_FORMAT_SUPERBLOCK_1] = WAL_SUPERBLOCK_POSITION_1,
	[WAL_FORMAT_SUPERBLOCK_0] = WAL_SUPERBLOCK_POSITION_0,
};

static u32 superblock_crc(const struct wal_disk_superblock *disk)
{
	struct wal_disk_superblock copy = *disk;

	copy.crc = 0;
	return crc32c(~0u, &copy, sizeof(copy));
}

static void superblock_put(const struct wal_superblock *super, void *buf)
{
	struct wal_disk_superblock disk = {
		.magic = cpu_to_le64(WAL_SUPERBLOCK_MAGIC),
		.version = cpu_to_le32(WAL_FORMAT_VERSION),
		.cluster_id = cpu_to_le64(super->cluster_id),
		.incarnation = cpu_to_le64(super->incarnation),
		.node_id = cpu_to_le32(super->node_id),
		.block_bytes = cpu_to_le32(super->block_bytes),
		.area_offset = cpu_to_le64(WAL_AREA_POSITION),
		.area_bytes = cpu_to_le64(super->area_bytes),
		.generation = cpu_to_le64(super->generation),
		.flags = cpu_to_le32(
			(super->recovering ? WAL_SUPERBLOCK_F_RECOVERING : 0) |
			(super->joined ? WAL_SUPERBLOCK_F_JOINED : 0)),
		.kept_index = cpu_to_le64(super->kept.index),
		.kept_term = cpu_to_le64(super->kept.term),
		.kept_snapshot = cpu_to_le64(super->kept.snapshot),
		.kept_generation = cpu_to_le64(super->kept.generation),
	};

	BUILD_BUG_ON(sizeof(disk) != WAL_SUPERBLOCK_BYTES);

	memcpy(disk.uuid, super->uuid, sizeof(disk.uuid));
	disk.crc = cpu_to_le32(superblock_crc(&disk));
	memset(buf, 0, super->block_bytes);
	memcpy(buf, &disk, sizeof(disk));
}

static bool superblock_sane(const struct wal_superblock *super)
{
	return super->incarnation &&
	       super->block_bytes >= WAL_BLOCK_BYTES_MIN &&
	       super->block_bytes <= WAL_BLOCK_BYTES_MAX &&
	       is_power_of_2(super->block_bytes) &&
	       super->area_bytes >= WAL_AREA_BYTES_MIN &&
	       super->area_bytes < WAL_OFFSET_MAX &&
	       IS_ALIGNED(super->area_bytes, super->block_bytes);
}

/* What an older version has no fields for is 0 there. */
static bool flags_sane(const struct wal_disk_superblock *disk)
{
	u32 flags = le32_to_cpu(disk->flags);

	if (le32_to_cpu(disk->version) < WAL_FORMAT_VERSION)
		return !flags && !disk->generation && !disk->kept_index &&
		       !disk->kept_term && !disk->kept_snapshot &&
		       !disk->kept_generation;
	return !(flags & ~WAL_SUPERBLOCK_F_ALL);
}

static int superblock_get(struct wal_superblock *super, const void *buf)
{
	struct wal_disk_superblock disk;

	memcpy(&disk, buf, sizeof(disk));
	if (disk.magic != cpu_to_le64(WAL_SUPERBLOCK_MAGIC) ||
	    disk.crc != cpu_to_le32(superblock_crc(&disk)))
		return -EUCLEAN;
	if (le32_to_cpu(disk.version) < WAL_FORMAT_VERSION_MIN ||
	    le32_to_cpu(disk.version) > WAL_FORMAT_VERSION)
		return -EPROTONOSUPPORT;

	memset(super, 0, sizeof(*super));
	super->cluster_id = le64_to_cpu(disk.cluster_id);
	super->incarnation = le64_to_cpu(disk.incarnation);
	super->node_id = le32_to_cpu(disk.node_id);
	super->block_bytes = le32_to_cpu(disk.block_bytes);
	memcpy(super->uuid, disk.uuid, sizeof(super->uuid));
	super->area_bytes = le64_to_cpu(disk.area_bytes);
	super->generation = le64_to_cpu(disk.generation);
	super->recovering = disk.flags &
			    cpu_to_le32(WAL_SUPERBLOCK_F_RECOVERING);
	super->joined = disk.flags & cpu_to_le32(WAL_SUPERBLOCK_F_JOINED);
	super->kept = (struct wal_kept){
		.index = le64_to_cpu(disk.kept_index),
		.term = le64_to_cpu(disk.kept_term),
		.snapshot = le64_to_cpu(disk.kept_snapshot),
		.generation = le64_to_cpu(disk.kept_generation),
	};
	if (disk.area_offset != cpu_to_le64(WAL_AREA_POSITION) ||
	    !superblock_sane(super) || !flags_sane(&disk))
		return -EUCLEAN;
	return 0;
}

int wal_superblock_decode(struct wal_superblock *super, const void *copy_0,
			  const void *copy_1)
{
	struct wal_superblock other;
	int ret = superblock_get(super, copy_0);
	int ret_other = superblock_get(&other, copy_1);

	if (ret == -EPROTONOSUPPORT || ret_other == -EPROTONOSUPPORT)
		return -EPROTONOSUPPORT;
	if (ret && ret_other) {
		if (!memchr_inv(copy_0, 0, WAL_SUPERBLOCK_BYTES) &&
		    !memchr_inv(copy_1, 0, WAL_SUPERBLOCK_BYTES))
			return -ENODATA;
		return -EUCLEAN;
	}
	if (ret_other) {
		super->bad = true;
		super->first_copy = 1;
		return 0;
	}
	if (ret) {
		*super = other;
		super->bad = true;
		return 0;
	}
	super->stale = super->generation != other.generation;
	super->first_copy = super->generation > other.generation;
	if (super->generation < other.generation) {
		*super = other;
		super->stale = true;
	}
	return 0;
}

void wal_superblock_replace(struct wal_superblock *super, u64 cluster_id,
			    u64 incarnation, bool recovering)
{
	super->cluster_id = cluster_id;
	super->incarnation = incarnation;
	super->recovering = recovering;
	super->generation++;
	super->bad = false;
	if (recovering)
		super->kept.generation = super->generation;
}

void wal_superblock_encode(const struct wal_superblock *super, unsigned int i,
			   void *buf, struct wal_write *write)
{
	unsigned int copy = super->first_copy ^ i;

	superblock_put(super, buf);
	write->position = copy ? WAL_SUPERBLOCK_POSITION_1 :
				 WAL_SUPERBLOCK_POSITION_0;
	write->data = buf;
	write->bytes = super->block_bytes;
}

bool wal_superblock_is_of(const struct wal_superblock *super, u64 cluster_id,
			  u32 node_id)
{
	return (!cluster_id || super->cluster_id == cluster_id) &&
	       super->node_id == node_id;
}

u64 wal_area_bytes(u64 file_bytes, u32 block_bytes)
{
	u64 bytes;

	if (file_bytes < WAL_AREA_POSITION + WAL_AREA_BYTES_MIN)
		return 0;
	bytes = min_t(u64, file_bytes - WAL_AREA_POSITION, WAL_OFFSET_MAX / 2);
	return round_down(bytes, (u64)block_bytes);
}

/*
 * A WAL that was there before is gone before any of it is written over: its slots
 * with a new one among them would be a hard state of the past.
 */
void wal_format_encode(const struct wal_superblock *super, unsigned int i,
		       void *buf, struct wal_write *write)
{
	/* Slots 1 and 2 agree, so that the first slot write may tear either. */
	struct wal_slot slot = {
		.sequence = i - WAL_FORMAT_SLOT_0 + 1,
		.head.number = 1,
		.tail_number = 1,
	};

	write->bytes = super->block_bytes;
	switch (i) {
	case WAL_FORMAT_CLEAR_0:
	case WAL_FORMAT_CLEAR_1:
		memset(buf, 0, super->block_bytes);
		break;
	case WAL_FORMAT_SLOT_0:
	case WAL_FORMAT_SLOT_1:
		wal_slot_put(super, &slot, buf);
		write->bytes = WAL_SLOT_WRITE_BYTES;
		break;
	default:
		superblock_put(super, buf);
		break;
	}
	write->position = format_positions[i];
	write->data = buf;
}

u32 wal_seed(const struct wal_superblock *super)
{
	return crc32c(~0u, super->uuid, sizeof(super->uuid));
}

u64 wal_position(const struct wal_superblock *super, u64 offset)
{
	u64 laps = div64_u64(offset, super->area_bytes);

	return WAL_AREA_POSITION + offset - laps * super->area_bytes;
}

u64 wal_lap_end(const struct wal_superblock *super, u64 offset)
{
	return (div64_u64(offset, super->area_bytes) + 1) * super->area_bytes;
}
