/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The WAL on disk. Everything is little endian and crc32c. Positions are bytes
 * from the start of the file or device:
 *
 *	     0	superblock, first copy		one block; a block is what the
 *	  8 KiB	slot 0, and a copy 4 KiB on	device writes at once, 512 to 4096
 *	 16 KiB	slot 1, and a copy 4 KiB on	bytes, fixed when formatted
 *	 32 KiB	superblock, second copy
 *	 64 KiB	log area, a ring of area_bytes
 *
 * A place in the log is a logical offset, which only grows; its position is
 * area_offset + offset % area_bytes. The log is a chain of batches from the head
 * to the tail. A batch starts on a block and never crosses the end of the ring:
 * one that would is put at the start of the next lap, and the rest of this lap
 * is skipped (the batch says so in @prev_end).
 *
 *	| batch header | entry header × n_entries | payload, padded to 8 | … | pad |
 *	<------------------------ length, whole blocks ------------------------->
 *
 * Order of writes. One write at a time, each durable before the next begins,
 * so that only the newest write can be torn. Slot writes are numbered; a batch
 * carries the number of the slot write before it. (slot_sequence, number) thus
 * orders all writes, and the hard state of the newest whole one is the newest.
 *
 * A slot says where the tail was when it was written. What lies before that was
 * whole: damage there is never a torn write. Behind it only batches with this
 * slot's own sequence count; all others are leftovers of a write that was torn
 * before. That is why opening a WAL writes a slot before it writes a batch.
 *
 * Both copies of a slot come with one write. They are as far apart as the largest
 * block, so that no sector that goes bad takes both: either is as good as the
 * other, and a copy that is older than the other is what a torn write left.
 *
 * Damage. What cannot be read back though it was durable leaves a gap: from the end
 * of the last good batch to a later place from which the log goes on, with entries
 * that come from other members. A slot names the gaps; nothing in them is ever
 * written over before the head has passed, which it does at once where the log
 * begins with one. A slot also remembers up to where the log reached (lost_index,
 * lost_term) until it reaches as far again: the votes of this server count on that.
 *
 * The head. A log that begins later than it did, or anew behind a snapshot, is one
 * slot write: either slot is whole, and what the older one names is not written over
 * before the newer is durable. A slot carries what the entries before the head came
 * to as far as the log needs it: term of the last one, and the configuration.
 *
 * Another owner. What was made for one cluster can go on as the log of another: see
 * wal_superblock_replace(). Of two whole copies of the superblock the one of the
 * newer generation counts. Where they differ, the older one is written over before
 * anything else is written, so that whatever is in the log was written under the
 * superblock that both copies hold, and either is as good as the other again.
 *
 * Snapshots. What the entries up to one came to is in one of two other files, each
 * with a snapshot or none:
 *
 *	     0	header, and a copy 4 KiB on; one write
 *	  8 KiB	chunk 0, chunk 1 …, chunk_bytes each, the last one as much as it takes
 *
 *	| chunk header | data, chunk_bytes less the header; the last the rest | pad |
 *
 * A file that holds the newest snapshot is not written to. In the other one the
 * header goes first, durably; then come the chunks; once they are durable the header
 * that names them, which makes it the newest. Only when that is durable may the log
 * go that it makes up for, or may the log begin anew behind it: the slot write that
 * says so is the switch. Wherever the power fails, there is a snapshot that goes with
 * the log, and at most one more, which is newer: whatever a snapshot holds is
 * committed, so that does not depend on what else was lost. Each snapshot has a
 * random id, so that chunks of one are never taken for chunks of another.
 *
 * But a recovery from lost quorum goes on with what it found, which may have been
 * less than there was, and what comes behind that is another history. So the
 * superblock says how far what was kept reaches, and each snapshot as of which
 * generation it was made: see wal_snapshot_is_of().
 *
 * Seeds. Superblock: ~0. Slot, batch header, snapshot header and chunk: crc32c(~0,
 * uuid). Entry header and payload: the header_crc of their batch, so that no piece of
 * one batch is ever taken for a piece of another.
 */
#ifndef RAFTLOG_WAL_FORMAT_H
#define RAFTLOG_WAL_FORMAT_H

#include "../pure.h"

#define WAL_SUPERBLOCK_MAGIC 0x4c41574c54464152ull /* "RAFTLWAL" */
#define WAL_SLOT_MAGIC 0x544f4c53u /* "SLOT" */
/* The WAL was stopped in order: no batch was written behind the tail. */
#define WAL_SLOT_F_SEALED 1u
#define WAL_BATCH_MAGIC 0x48435442u /* "BTCH" */
#define WAL_SNAPSHOT_MAGIC 0x50414e5354464152ull /* "RAFTSNAP" */
#define WAL_CHUNK_MAGIC 0x4b4e4843u /* "CHNK" */

enum {
	/*
	 * Of the superblock. In version 2 it has neither generation nor flags, nor
	 * what was kept; these are 0 there. A WAL keeps its version until its
	 * superblock is replaced.
	 */
	WAL_FORMAT_VERSION = 3,
	WAL_FORMAT_VERSION_MIN = 2,
	WAL_BATCH_VERSION = 2,

	WAL_SUPERBLOCK_POSITION_0 = 0,
	WAL_SLOT_POSITION_0 = 8 << 10,
	WAL_SLOT_POSITION_1 = 16 << 10,
	WAL_SUPERBLOCK_POSITION_1 = 32 << 10,
	WAL_AREA_POSITION = 64 << 10,

	WAL_SLOT_COPIES = 2,
	WAL_SLOT_COPY_BYTES = 4 << 10,
	WAL_SLOT_WRITE_BYTES = WAL_SLOT_COPIES * WAL_SLOT_COPY_BYTES,

	WAL_BLOCK_BYTES_MIN = 512,
	WAL_BLOCK_BYTES_MAX = 4096,
	WAL_PAYLOAD_ALIGN = 8,
	WAL_ENTRY_BYTES_MAX = 4 << 20,
	WAL_BATCH_BYTES_MAX = 8 << 20,
	WAL_AREA_BYTES_MIN = 64 << 10,

	/*
	 * No batch ends further than this behind the tail that the newest slot
	 * names: bounds the search for batches behind a damaged one.
	 */
	WAL_SLOT_INTERVAL_BYTES = 32 << 20,

	WAL_GAPS_MAX = 4,

	/* Behind a slot or the header of a snapshot, in the same copy. */
	WAL_CONFIGURATION_BYTES_MAX = 3 << 10,

	WAL_SNAPSHOT_VERSION = 2,
	WAL_SNAPSHOT_COPIES = 2,
	WAL_SNAPSHOT_COPY_BYTES = 4 << 10,
	WAL_SNAPSHOT_HEADER_BYTES = WAL_SNAPSHOT_COPIES * WAL_SNAPSHOT_COPY_BYTES,
	WAL_SNAPSHOT_DATA_POSITION = WAL_SNAPSHOT_HEADER_BYTES,
	WAL_CHUNK_BYTES_MAX = 128 << 10,
};

/**
 * struct wal_disk_superblock - what this WAL is; 512 bytes in every version
 * @magic: WAL_SUPERBLOCK_MAGIC, in every version
 * @crc: of all 512 bytes with this field 0, in every version
 * @version: WAL_FORMAT_VERSION_MIN … WAL_FORMAT_VERSION, in every version
 * @cluster_id: cluster it belongs to
 * @incarnation: random, not 0
 * @node_id: node it belongs to
 * @block_bytes: power of two, WAL_BLOCK_BYTES_MIN … WAL_BLOCK_BYTES_MAX
 * @uuid: random; seeds the checksums of all else
 * @area_offset: position of the log area, WAL_AREA_POSITION
 * @area_bytes: its size, whole blocks
 * @generation: one more each time that it is replaced; of two copies the newer counts
 * @flags: WAL_SUPERBLOCK_F_*
 * @reserved_flags: 0
 * @kept_index: last entry that the last recovery from lost quorum kept, 0: there was
 *	none
 * @kept_term: its term
 * @kept_snapshot: id of the snapshot in use then, 0: none
 * @kept_generation: as which it was begun
 * @reserved: 0
 */
struct wal_disk_superblock {
	__le64 magic;
	__le32 crc;
	__le32 version;
	__le64 cluster_id;
	__le64 incarnation;
	__le32 node_id;
	__le32 block_bytes;
	u8 uuid[16];
	__le64 area_offset;
	__le64 area_bytes;
	__le64 generation;
	__le32 flags;
	__le32 reserved_flags;
	__le64 kept_index;
	__le64 kept_term;
	__le64 kept_snapshot;
	__le64 kept_generation;
	u8 reserved[392];
};

/* Its node is about to be alone in a new cluster; what the log says may be older. */
#define WAL_SUPERBLOCK_F_RECOVERING (1u << 0)
/* All that is in it came from others: see raft_set_joined(). */
#define WAL_SUPERBLOCK_F_JOINED (1u << 1)
#define WAL_SUPERBLOCK_F_ALL \
	(WAL_SUPERBLOCK_F_RECOVERING | WAL_SUPERBLOCK_F_JOINED)

/**
 * struct wal_disk_gap - damage that the log passes over
 * @from: logical end of the last batch before it
 * @to: logical offset where the log goes on, or where the gap ended when it was
 *	found if the next batch skips the rest of a lap; 0: no gap
 * @number: number of the batch that comes there
 */
struct wal_disk_gap {
	__le64 from;
	__le64 to;
	__le64 number;
};

/**
 * struct wal_disk_slot - hard state, head and a lower bound of the tail
 * @magic: WAL_SLOT_MAGIC
 * @crc: of what follows in this struct, and of the configuration behind it
 * @sequence: one more with each slot write; odd ones in slot 0
 * @current_term: hard state
 * @voted_for: hard state, 0 for nobody
 * @flags: WAL_SLOT_F_SEALED or 0
 * @head_offset: logical offset of the first batch of the log; or less, if that
 *	skipped the rest of a lap
 * @head_number: its number
 * @prev_index: index before the first entry of the log
 * @prev_term: its term
 * @tail_offset: logical end of the last batch when this was written
 * @tail_number: number of the batch that comes there
 * @last_index: last entry then, @prev_index if none
 * @last_term: its term
 * @lost_index: last entry before damage, 0 if none was lost or all is made up for
 * @lost_term: its term
 * @gaps: in the order of their offsets, none after the others
 * @configuration_index: of the entry that held the configuration; 0: none
 * @configuration_bytes: its length, at most WAL_CONFIGURATION_BYTES_MAX; it follows
 *	this struct, and what is in it is not the WAL's business
 * @reserved_end: 0
 */
struct wal_disk_slot {
	__le32 magic;
	__le32 crc;
	__le64 sequence;
	__le64 current_term;
	__le32 voted_for;
	__le32 flags;
	__le64 head_offset;
	__le64 head_number;
	__le64 prev_index;
	__le64 prev_term;
	__le64 tail_offset;
	__le64 tail_number;
	__le64 last_index;
	__le64 last_term;
	__le64 lost_index;
	__le64 lost_term;
	struct wal_disk_gap gaps[WAL_GAPS_MAX];
	__le64 configuration_index;
	__le32 configuration_bytes;
	__le32 reserved_end;
};

/**
 * struct wal_disk_batch - header of a batch
 * @magic: WAL_BATCH_MAGIC
 * @crc: of what follows in this struct
 * @version: WAL_BATCH_VERSION
 * @flags: 0
 * @length: bytes of the whole batch, whole blocks
 * @offset: its own logical offset
 * @prev_end: where the batch before it ended: @offset, or less after a skip
 * @number: one more than that of the batch before it
 * @slot_sequence: of the newest slot when this was written
 * @current_term: hard state
 * @voted_for: hard state, 0 for nobody
 * @n_entries: at least 1
 * @first_index: index of its first entry; replaces all the log held from there
 * @prev_log_term: term of the entry before that, if @first_index appends; 0 if
 *	it replaces
 */
struct wal_disk_batch {
	__le32 magic;
	__le32 crc;
	__le16 version;
	__le16 flags;
	__le32 length;
	__le64 offset;
	__le64 prev_end;
	__le64 number;
	__le64 slot_sequence;
	__le64 current_term;
	__le32 voted_for;
	__le32 n_entries;
	__le64 first_index;
	__le64 prev_log_term;
};

/**
 * struct wal_disk_entry - header of an entry
 * @index: log index
 * @term: term
 * @session: origin
 * @sequence: its number there
 * @bytes: payload length
 * @payload_offset: payload, from the start of the batch
 * @payload_crc: of the payload
 * @type: type of entry, not the WAL's business
 * @reserved: 0
 * @crc: of what precedes in this struct: the identity survives a bad payload
 */
struct wal_disk_entry {
	__le64 index;
	__le64 term;
	__le64 session;
	__le64 sequence;
	__le32 bytes;
	__le32 payload_offset;
	__le32 payload_crc;
	u8 type;
	u8 reserved[7];
	__le32 crc;
};

/**
 * struct wal_disk_snapshot - header of a snapshot
 * @magic: WAL_SNAPSHOT_MAGIC
 * @crc: of what follows in this struct, and of the configuration behind it, from ~0: of
 *	whichever log it is, it can be told from damage
 * @version: WAL_SNAPSHOT_VERSION
 * @id: random, not 0, and greater than that of the one in the other file; in every
 *	chunk
 * @index: last entry that it holds what came of
 * @term: its term
 * @bytes: of the data, not 0
 * @checksum: crc32c of the data from ~0, without a seed: the same on every node
 * @chunk_bytes: of a chunk with its header, power of two
 * @configuration_index: of the entry that held the configuration, not 0
 * @configuration_bytes: its length; it follows this struct
 * @generation: of the superblock when this was begun, its lower half
 * @uuid: of the superblock: the log that it goes with
 */
struct wal_disk_snapshot {
	__le64 magic;
	__le32 crc;
	__le32 version;
	__le64 id;
	__le64 index;
	__le64 term;
	__le64 bytes;
	__le32 checksum;
	__le32 chunk_bytes;
	__le64 configuration_index;
	__le32 configuration_bytes;
	__le32 generation;
	u8 uuid[16];
};

/**
 * struct wal_disk_chunk - header of a chunk
 * @magic: WAL_CHUNK_MAGIC
 * @crc: of what follows in this struct, and of the data behind it
 * @id: of the snapshot
 * @number: of the chunk, from 0
 * @bytes: of the data
 * @reserved: 0
 */
struct wal_disk_chunk {
	__le32 magic;
	__le32 crc;
	__le64 id;
	__le64 number;
	__le32 bytes;
	__le32 reserved;
};

#endif /* RAFTLOG_WAL_FORMAT_H */
