/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between disk and native structs; private to wal/. Decoders take any bytes:
 * they return 0 only for what an encoder wrote under the same seed, as far as a
 * 32-bit checksum can tell, and check everything that needs no context.
 */
#ifndef RAFTLOG_WAL_CODEC_H
#define RAFTLOG_WAL_CODEC_H

#include "../failpoint.h"
#include "wal.h"

enum {
	WAL_BATCH_HEADER_BYTES = sizeof(struct wal_disk_batch),
	WAL_ENTRY_HEADER_BYTES = sizeof(struct wal_disk_entry),
};

/*
 * No log grows as large; keeps sums of offsets and lengths from overflowing. Nor does
 * anybody count as many terms or entries: a peer may say half of it at most, and what a
 * server adds to that itself it can read again.
 */
#define WAL_OFFSET_MAX (1ull << 62)

/* No slot was written since the WAL was opened: one is due. */
#define WAL_SLOT_TAIL_NONE U64_MAX

/** wal_seed() - seed of slots and batch headers */
u32 wal_seed(const struct wal_superblock *super);

/** wal_position() - where on the device a logical offset is */
u64 wal_position(const struct wal_superblock *super, u64 offset);

/** wal_lap_end() - first offset of the lap after the one @offset is in */
u64 wal_lap_end(const struct wal_superblock *super, u64 offset);

/** wal_gap_jump() - @offset, or where the log goes on if a gap begins there */
u64 wal_gap_jump(const struct wal_gap *gaps, u64 offset);

/** wal_lost_is_made_up() - does a log that ends like this reach as far again? */
bool wal_lost_is_made_up(const struct wal_lost *lost, u64 last_index,
			 u64 last_term);

/** wal_hard_state_follows() - can @next come after @prev? (Raft 3.4, 3.8) */
bool wal_hard_state_follows(const struct wal_hard_state *prev,
			    const struct wal_hard_state *next);

/** wal_configuration_set() - it goes with @w->new_head */
void wal_configuration_set(struct wal_writer *w,
			   const struct wal_configuration *configuration);

/** wal_slot_position() - where the slot write of this sequence goes */
u64 wal_slot_position(u64 sequence);

/** wal_slot_put() - encode into @buf, WAL_SLOT_WRITE_BYTES, all copies */
void wal_slot_put(const struct wal_superblock *super,
		  const struct wal_slot *slot, void *buf);

/**
 * wal_slot_get() - decode a copy
 * @super: of the WAL
 * @buf: WAL_SLOT_COPY_BYTES; slot->configuration points into it
 * @slot: filled in
 *
 * Return: 0 or -EUCLEAN.
 */
int wal_slot_get(const struct wal_superblock *super, const void *buf,
		 struct wal_slot *slot);

/** wal_batch_put() - encode a header into WAL_BATCH_HEADER_BYTES; sets info->crc */
void wal_batch_put(u32 seed, struct wal_batch_info *info, void *buf);

/**
 * wal_batch_get() - decode a header
 * @super: of the WAL
 * @seed: wal_seed() of it
 * @offset: where it was read: a batch knows its own
 * @buf: WAL_BATCH_HEADER_BYTES
 * @info: filled in
 *
 * Return: 0; -EUCLEAN; -EPROTONOSUPPORT: of another version.
 */
int wal_batch_get(const struct wal_superblock *super, u32 seed, u64 offset,
		  const void *buf, struct wal_batch_info *info);

/** wal_entry_header_offset() - of entry @i, from the start of the batch */
u32 wal_entry_header_offset(u32 i);

/** wal_entry_put() - encode an entry's header; its payload is at @payload_offset */
void wal_entry_put(u32 seed, const struct wal_entry *entry, u32 payload_offset,
		   void *buf);

/**
 * wal_entry_get() - decode the header of entry @i
 * @info: header of its batch
 * @i: below info->n_entries
 * @buf: WAL_ENTRY_HEADER_BYTES
 * @entry: filled in but for @data
 * @payload_offset: from the start of the batch; payload is within the batch
 * @payload_crc: seeded by info->crc
 *
 * Return: 0 or -EUCLEAN.
 */
int wal_entry_get(const struct wal_batch_info *info, u32 i, const void *buf,
		  struct wal_entry *entry, u32 *payload_offset,
		  u32 *payload_crc);

/**
 * wal_batch_verify() - is the whole batch as it was written?
 * @info: decoded from @buf
 * @buf: info->length bytes
 * @last_term: term of its last entry
 *
 * Return: 0 or -EUCLEAN.
 */
int wal_batch_verify(const struct wal_batch_info *info, const u8 *buf,
		     u64 *last_term);

#endif /* RAFTLOG_WAL_CODEC_H */
