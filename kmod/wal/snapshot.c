// SPDX-License-Identifier: GPL-2.0
/* Snapshots: header and chunks. What is written when, says format.h. */
#include "codec.h"

bool wal_snapshot_is_newer(const struct wal_snapshot *a,
			   const struct wal_snapshot *b)
{
	return a->index > b->index || (a->index == b->index && a->id > b->id);
}

bool wal_snapshot_is_of(const struct wal_superblock *super,
			const struct wal_snapshot *snapshot, u64 term)
{
	const struct wal_kept *kept = &super->kept;

	/* One that is made while @super still recovers comes behind that as well. */
	return snapshot->generation >= (u32)kept->generation ||
	       snapshot->id == kept->snapshot ||
	       (snapshot->index <= kept->index && snapshot->term == term);
}

u32 wal_snapshot_checksum(u32 checksum, const void *data, u32 bytes)
{
	return crc32c(checksum, data, bytes);
}

static u32 snapshot_crc(const struct wal_disk_snapshot *disk,
			const void *configuration)
{
	const size_t skip = offsetofend(struct wal_disk_snapshot, crc);
	u32 crc = crc32c(~0u, (const u8 *)disk + skip, sizeof(*disk) - skip);

	return crc32c(crc, configuration,
		      le32_to_cpu(disk->configuration_bytes));
}

static bool snapshot_sane(const struct wal_snapshot *snapshot)
{
	return snapshot->index && snapshot->index < WAL_OFFSET_MAX &&
	       snapshot->term && snapshot->term < WAL_OFFSET_MAX &&
	       snapshot->bytes &&
	       snapshot->bytes < WAL_OFFSET_MAX &&
	       is_power_of_2(snapshot->chunk_bytes) &&
	       snapshot->chunk_bytes >= WAL_BLOCK_BYTES_MIN &&
	       snapshot->chunk_bytes <= WAL_CHUNK_BYTES_MAX &&
	       snapshot->configuration.index &&
	       snapshot->configuration.index < WAL_OFFSET_MAX &&
	       snapshot->configuration.bytes &&
	       snapshot->configuration.bytes <= WAL_CONFIGURATION_BYTES_MAX;
}

static void header_write(void *buf, struct wal_write *write)
{
	*write = (struct wal_write){
		.data = buf,
		.bytes = WAL_SNAPSHOT_HEADER_BYTES,
	};
}

void wal_snapshot_clear(void *buf, struct wal_write *write)
{
	memset(buf, 0, WAL_SNAPSHOT_HEADER_BYTES);
	header_write(buf, write);
}

int wal_snapshot_encode(const struct wal_superblock *super,
			const struct wal_snapshot *snapshot, void *buf,
			struct wal_write *write)
{
	struct wal_disk_snapshot disk = {
		.magic = cpu_to_le64(WAL_SNAPSHOT_MAGIC),
		.version = cpu_to_le32(WAL_SNAPSHOT_VERSION),
		.id = cpu_to_le64(snapshot->id),
		.index = cpu_to_le64(snapshot->index),
		.term = cpu_to_le64(snapshot->term),
		.bytes = cpu_to_le64(snapshot->bytes),
		.checksum = cpu_to_le32(snapshot->checksum),
		.chunk_bytes = cpu_to_le32(snapshot->chunk_bytes),
		.configuration_index =
			cpu_to_le64(snapshot->configuration.index),
		.configuration_bytes =
			cpu_to_le32(snapshot->configuration.bytes),
		.generation = cpu_to_le32(super->generation),
	};
	u8 *copy = buf;
	u32 i;

	BUILD_BUG_ON(sizeof(disk) != 88);
	BUILD_BUG_ON(sizeof(disk) + WAL_CONFIGURATION_BYTES_MAX >
		     WAL_SNAPSHOT_COPY_BYTES);
	BUILD_BUG_ON(WAL_SNAPSHOT_COPY_BYTES < WAL_BLOCK_BYTES_MAX);

	if (!snapshot_sane(snapshot))
		return -EINVAL;
	memcpy(disk.uuid, super->uuid, sizeof(disk.uuid));
	disk.crc = cpu_to_le32(snapshot_crc(&disk,
					    snapshot->configuration.data));
	wal_snapshot_clear(buf, write);
	for (i = 0; i < WAL_SNAPSHOT_COPIES; i++) {
		memcpy(copy, &disk, sizeof(disk));
		memcpy(copy + sizeof(disk), snapshot->configuration.data,
		       snapshot->configuration.bytes);
		copy += WAL_SNAPSHOT_COPY_BYTES;
	}
	return 0;
}

static int snapshot_get(const struct wal_superblock *super, const u8 *copy,
			struct wal_snapshot *snapshot)
{
	const void *configuration = copy + sizeof(struct wal_disk_snapshot);
	struct wal_disk_snapshot disk;

	memcpy(&disk, copy, sizeof(disk));
	if (disk.magic != cpu_to_le64(WAL_SNAPSHOT_MAGIC))
		return -ENODATA;
	/* Its checksum was another one. */
	if (disk.version == cpu_to_le32(1))
		return -EPROTONOSUPPORT;
	if (le32_to_cpu(disk.configuration_bytes) >
		    WAL_CONFIGURATION_BYTES_MAX ||
	    disk.crc != cpu_to_le32(snapshot_crc(&disk, configuration)))
		return -ENODATA;
	if (disk.version != cpu_to_le32(WAL_SNAPSHOT_VERSION))
		return -EPROTONOSUPPORT;
	if (memcmp(disk.uuid, super->uuid, sizeof(disk.uuid)))
		return -EEXIST;
	*snapshot = (struct wal_snapshot){
		.id = le64_to_cpu(disk.id),
		.index = le64_to_cpu(disk.index),
		.term = le64_to_cpu(disk.term),
		.bytes = le64_to_cpu(disk.bytes),
		.checksum = le32_to_cpu(disk.checksum),
		.chunk_bytes = le32_to_cpu(disk.chunk_bytes),
		.generation = le32_to_cpu(disk.generation),
		.configuration = {
			.index = le64_to_cpu(disk.configuration_index),
			.data = configuration,
			.bytes = le32_to_cpu(disk.configuration_bytes),
		},
	};
	return snapshot_sane(snapshot) ? 0 : -ENODATA;
}

bool wal_snapshot_was_made(const void *buf)
{
	const u8 *copy = buf;
	__le64 magic;
	u32 i;

	for (i = 0; i < WAL_SNAPSHOT_COPIES; i++) {
		memcpy(&magic, copy, sizeof(magic));
		if (magic && magic != cpu_to_le64(WAL_SNAPSHOT_MAGIC))
			return false;
		copy += WAL_SNAPSHOT_COPY_BYTES;
	}
	return true;
}

int wal_snapshot_decode(const struct wal_superblock *super, const void *buf,
			struct wal_snapshot *snapshot)
{
	const u8 *copy = buf;
	int ret = -ENODATA;
	u32 i;

	for (i = 0; i < WAL_SNAPSHOT_COPIES && ret == -ENODATA; i++) {
		ret = snapshot_get(super, copy, snapshot);
		copy += WAL_SNAPSHOT_COPY_BYTES;
	}
	return ret;
}

static u32 chunk_crc(const struct wal_superblock *super,
		     const struct wal_disk_chunk *disk, const void *data)
{
	const size_t skip = offsetofend(struct wal_disk_chunk, crc);
	u32 crc = crc32c(wal_seed(super), (const u8 *)disk + skip,
			 sizeof(*disk) - skip);

	return crc32c(crc, data, le32_to_cpu(disk->bytes));
}

/* Of the data; the last chunk has the rest. */
static u32 chunk_bytes_of(const struct wal_snapshot *snapshot, u64 number)
{
	u32 room = wal_chunk_room(snapshot);

	return min_t(u64, room, snapshot->bytes - number * room);
}

/* Whole blocks of any device. */
static u32 padded(const struct wal_snapshot *snapshot, u32 bytes)
{
	return round_up(WAL_CHUNK_HEADER_BYTES + bytes,
			min_t(u32, snapshot->chunk_bytes, WAL_BLOCK_BYTES_MAX));
}

u32 wal_chunk_read_bytes(const struct wal_snapshot *snapshot, u64 number)
{
	return padded(snapshot, chunk_bytes_of(snapshot, number));
}

void wal_chunk_encode(const struct wal_superblock *super,
		      const struct wal_snapshot *snapshot, u64 number,
		      u32 bytes, void *buf, struct wal_write *write)
{
	struct wal_disk_chunk disk = {
		.magic = cpu_to_le32(WAL_CHUNK_MAGIC),
		.id = cpu_to_le64(snapshot->id),
		.number = cpu_to_le64(number),
		.bytes = cpu_to_le32(bytes),
	};
	u32 end = WAL_CHUNK_HEADER_BYTES + bytes;
	u8 *data = (u8 *)buf + WAL_CHUNK_HEADER_BYTES;

	BUILD_BUG_ON(sizeof(disk) != 32);

	disk.crc = cpu_to_le32(chunk_crc(super, &disk, data));
	memcpy(buf, &disk, sizeof(disk));
	*write = (struct wal_write){
		.position = wal_chunk_position(snapshot, number),
		.data = buf,
		.bytes = padded(snapshot, bytes),
	};
	memset((u8 *)buf + end, 0, write->bytes - end);
}

int wal_chunk_decode(const struct wal_superblock *super,
		     const struct wal_snapshot *snapshot, u64 number,
		     const void *buf, u32 *bytes)
{
	const u8 *data = (const u8 *)buf + WAL_CHUNK_HEADER_BYTES;
	struct wal_disk_chunk disk;

	*bytes = chunk_bytes_of(snapshot, number);
	memcpy(&disk, buf, sizeof(disk));
	if (disk.magic != cpu_to_le32(WAL_CHUNK_MAGIC) ||
	    disk.id != cpu_to_le64(snapshot->id) ||
	    disk.number != cpu_to_le64(number) ||
	    disk.bytes != cpu_to_le32(*bytes) ||
	    disk.crc != cpu_to_le32(chunk_crc(super, &disk, data)))
		return -EUCLEAN;
	return 0;
}
