/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk of 512-byte sectors. A write is durable when it has completed; what was
 * under way when the power fails is there sector by sector, or not.
 */
#ifndef RAFTLOG_SIM_DISK_H
#define RAFTLOG_SIM_DISK_H

#include "pure.h"
#include "rng.h"
#include "wal/wal.h"

enum { DISK_SECTOR_BYTES = 512 };

/**
 * struct disk - a disk
 * @bytes: what is durable, up to the last byte ever written; zero behind it
 * @n_bytes: how much that is
 * @n_bytes_max: room
 * @size: of the disk
 * @busy: a write is under way
 * @write: that write; its data is the writer's until it completed
 */
struct disk {
	u8 *bytes;
	u64 n_bytes;
	u64 n_bytes_max;
	u64 size;
	bool busy;
	struct wal_write write;
};

void disk_init(struct disk *disk, u64 size);
void disk_free(struct disk *disk);
void disk_read(const struct disk *disk, u64 position, void *buf, u32 bytes);
void disk_begin(struct disk *disk, const struct wal_write *write);
void disk_complete(struct disk *disk);

/**
 * disk_crash() - the power fails
 * @disk: a disk; forgets the write under way
 * @rng: decides which sectors of it are there
 * @n_sectors: set to how many that write has
 *
 * Return: how many of them are there.
 */
u32 disk_crash(struct disk *disk, struct rng *rng, u32 *n_sectors);

#endif /* RAFTLOG_SIM_DISK_H */
