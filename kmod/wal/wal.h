/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The WAL: encode, recover, look up. Pure functions over blocks; the caller does
 * the I/O. format.h says what is on disk and why.
 *
 * Making one:	for each i < WAL_FORMAT_WRITES: wal_format_encode(i), write.
 *
 * Opening:	read both superblocks, wal_superblock_decode(). If it is stale, write
 *		wal_superblock_encode(0) before anything else is written. Then
 *		wal_recovery_init(), wal_recovery_next() until WAL_STEP_DONE, with
 *		everything that was ever written flushed before the first read;
 *		then wal_writer_init(). A slot is due then, before any batch, and if
 *		wal_slot_stale() also without one.
 *
 * Writing:	one write at a time, durable before the next begins.
 *		Slot:	wal_slot_encode(), write, wal_slot_done().
 *		Batch:	if wal_slot_due(), a slot first. wal_batch_begin();
 *			wal_batch_reserve() for each entry; wal_batch_seal();
 *			wal_batch_add() for each entry; wal_batch_finish(), write,
 *			wal_batch_done(), wal_map_insert().
 *		A write that failed is the last one.
 *
 * Trimming:	wal_head_find(), wal_head_move(), a slot, wal_map_trim().
 *
 * Recovering from lost quorum:
 *		wal_superblock_replace(), wal_superblock_encode(0) and (1); a slot and
 *		a batch with the new configuration; wal_superblock_replace() and both
 *		writes again.
 *
 * Reading:	wal_map_find(), then wal_cursor_next() until the entry is found.
 *
 * Snapshots:	wal_snapshot_clear(), write; wal_chunk_encode() for each chunk, write;
 *		all durable; wal_snapshot_encode(), write, durable.
 *		wal_snapshot_decode(), then wal_chunk_decode() for each chunk.
 *
 * Locking: none. The caller serializes each struct.
 */
#ifndef RAFTLOG_WAL_H
#define RAFTLOG_WAL_H

#include "format.h"

/**
 * struct wal_kept - what the last recovery from lost quorum went on with
 * @index: last entry; 0: there was no recovery
 * @term: its term
 * @snapshot: id of the snapshot in use, 0: none
 * @generation: of the superblock, as which it was begun
 */
struct wal_kept {
	u64 index;
	u64 term;
	u64 snapshot;
	u64 generation;
};

/**
 * struct wal_superblock - what this WAL is, native
 * @cluster_id: cluster it belongs to
 * @incarnation: random, one per format and recovery from lost quorum, not 0
 * @node_id: node it belongs to
 * @block_bytes: what a write is rounded up to
 * @uuid: random, one per format
 * @area_bytes: size of the log area, whole blocks, at least WAL_AREA_BYTES_MIN
 * @generation: see struct wal_disk_superblock
 * @recovering: a recovery from lost quorum was begun, and is to be completed before
 *	the node takes part in anything
 * @joined: its node was to be added to a cluster that was there: it did not bootstrap
 * @kept: by the last recovery, done or not
 * @stale: one of its copies is of an older generation: wal_superblock_encode(0)
 * @bad: one of its copies is not good: likewise, when the log is in use
 * @first_copy: the one that is to be written first: stale, or bad, if one is
 */
struct wal_superblock {
	u64 cluster_id;
	u64 incarnation;
	u32 node_id;
	u32 block_bytes;
	u8 uuid[16];
	u64 area_bytes;
	u64 generation;
	bool recovering;
	bool joined;
	struct wal_kept kept;
	bool stale;
	bool bad;
	u8 first_copy;
};

/** struct wal_hard_state - Raft's durable state beside the log */
struct wal_hard_state {
	u64 current_term;
	u32 voted_for;
};

/**
 * struct wal_entry - an entry, native
 * @index: log index, from 1
 * @term: its term
 * @session: origin
 * @sequence: its number there
 * @data: payload
 * @bytes: its length, at most WAL_ENTRY_BYTES_MAX
 * @type: the core's
 */
struct wal_entry {
	u64 index;
	u64 term;
	u64 session;
	u64 sequence;
	const void *data;
	u32 bytes;
	u8 type;
};

/**
 * struct wal_head - where the log begins
 * @offset: logical offset of its first batch
 * @number: number of that batch
 * @prev_index: index before its first entry
 * @prev_term: its term
 */
struct wal_head {
	u64 offset;
	u64 number;
	u64 prev_index;
	u64 prev_term;
};

/**
 * struct wal_configuration - the configuration that goes with a head
 * @index: of the entry that held it, 0 if there is none
 * @data: not the WAL's business
 * @bytes: its length, at most WAL_CONFIGURATION_BYTES_MAX
 */
struct wal_configuration {
	u64 index;
	const void *data;
	u32 bytes;
};

/**
 * struct wal_gap - damage that the log passes over; see struct wal_disk_gap
 * @from: logical end of the last batch before it
 * @to: where the log goes on; 0: no gap
 * @number: number of the batch that comes there
 */
struct wal_gap {
	u64 from;
	u64 to;
	u64 number;
};

/**
 * struct wal_lost - the last entry of the log before damage; orders like a log
 * @index: its index, 0 if nothing is lost
 * @term: its term
 */
struct wal_lost {
	u64 index;
	u64 term;
};

/**
 * struct wal_write - a write for the caller to make
 * @position: bytes from the start of file or device, whole blocks
 * @data: within the buffer the caller gave
 * @bytes: whole blocks
 */
struct wal_write {
	u64 position;
	const void *data;
	u32 bytes;
};

/**
 * enum wal_step_type - what a recovery or a cursor wants next
 * @WAL_STEP_READ: read @bytes at @position to @data, whole blocks, then go on
 * @WAL_STEP_ENTRY: @entry is there
 * @WAL_STEP_DONE: finished
 */
enum wal_step_type {
	WAL_STEP_READ = 1,
	WAL_STEP_ENTRY = 2,
	WAL_STEP_DONE = 3,
};

/**
 * struct wal_step - what a recovery or a cursor wants next
 * @type: enum wal_step_type
 * @position: READ: from where
 * @data: READ: to where, within the buffer the caller gave
 * @bytes: READ: how many
 * @entry: ENTRY: valid until the next call, as is @entry.data
 * @payload_position: ENTRY of a cursor: where the payload is, not aligned
 * @payload_crc: ENTRY of a cursor: see wal_payload_check()
 * @payload_seed: ENTRY of a cursor: see wal_payload_check()
 */
struct wal_step {
	u8 type;
	u64 position;
	void *data;
	u32 bytes;
	struct wal_entry entry;
	u64 payload_position;
	u32 payload_crc;
	u32 payload_seed;
};

/* Superblock and making a WAL (superblock.c) */

enum {
	WAL_FORMAT_WRITES = 6,
	WAL_SUPERBLOCK_COPIES = 2,
	WAL_SUPERBLOCK_BYTES = 512,
};

/**
 * wal_superblock_decode() - what is this?
 * @super: filled in
 * @copy_0: WAL_SUPERBLOCK_BYTES from WAL_SUPERBLOCK_POSITION_0
 * @copy_1: WAL_SUPERBLOCK_BYTES from WAL_SUPERBLOCK_POSITION_1
 *
 * One good copy is enough; of two the newer one counts. Whose it is, says
 * wal_superblock_is_of().
 *
 * Return:
 * * 0 - a WAL
 * * -ENODATA - both are zero: no WAL
 * * -EUCLEAN - damaged, or not a WAL at all
 * * -EPROTONOSUPPORT - one of them is of another version than can be read here
 */
int wal_superblock_decode(struct wal_superblock *super, const void *copy_0,
			  const void *copy_1);

/**
 * wal_superblock_is_of() - does this WAL belong here?
 * @super: decoded
 * @cluster_id: of the cluster, 0 if it is not known
 * @node_id: of the node
 *
 * With the log of another node a node would vote and acknowledge as if it were
 * that one: one vote counts twice, and what this one promised is forgotten.
 *
 * Return: true if a node may open it.
 */
bool wal_superblock_is_of(const struct wal_superblock *super, u64 cluster_id,
			  u32 node_id);

/**
 * wal_superblock_replace() - the next generation, as it will be once it is written
 * @super: decoded, and not stale any more; if a recovery begins, all of @kept but its
 *	generation set
 * @cluster_id: of the cluster that the node is to be alone in
 * @incarnation: random, not 0
 * @recovering: its log does not say so yet
 *
 * How a node becomes a cluster of its own, when it has lost the others for good. The
 * power may fail between any two writes, and in each of them:
 *
 *	1. first copy: new ids, recovering	torn, it is bad: the other one counts,
 *						and nothing has happened
 *	2. second copy likewise			the newer one counts, torn or not
 *	3. slot and batch: the configuration	recovering: it is done again
 *	   of this node alone
 *	4. first copy: not recovering any more	torn, the other one still is: 3. again
 *	5. second copy likewise			the newer one counts
 *
 * Up to 1. it is a member of the old cluster, and its log has not changed. From then
 * on it is that of the new one. While it recovers, whoever opens it does what is
 * missing first, and takes part in nothing before: so neither does a node with the
 * old cluster's id have the configuration of one alone, nor does one with the new id
 * wait for the votes of members that are gone. An opening writes the older copy over
 * before 3., or before it goes on after 5.: a copy that goes bad later does not bring
 * the past back.
 *
 * The seeds stay, and so does the log.
 */
void wal_superblock_replace(struct wal_superblock *super, u64 cluster_id,
			    u64 incarnation, bool recovering);

/**
 * wal_superblock_encode() - one of the writes that replace a superblock
 * @super: what it is to be
 * @i: 0 … WAL_SUPERBLOCK_COPIES - 1, in this order, each durable before the next
 * @buf: room for super->block_bytes
 * @write: filled in
 */
void wal_superblock_encode(const struct wal_superblock *super, unsigned int i,
			   void *buf, struct wal_write *write);

/**
 * wal_area_bytes() - how large a log area fits
 * @file_bytes: size of file or device
 * @block_bytes: its block size
 *
 * Return: bytes, or 0 if it is too small for a WAL.
 */
u64 wal_area_bytes(u64 file_bytes, u32 block_bytes);

/**
 * wal_format_encode() - one of the writes that make a WAL
 * @super: what to make
 * @i: 0 … WAL_FORMAT_WRITES - 1, in this order, each durable before the next:
 *	the superblocks of another WAL go before anything of it is written over,
 *	and the first new one comes when all else is there
 * @buf: room for WAL_SLOT_WRITE_BYTES
 * @write: filled in
 *
 * The log area needs no writing for correctness; leftovers do not parse.
 */
void wal_format_encode(const struct wal_superblock *super, unsigned int i,
		       void *buf, struct wal_write *write);

/* Recovery (recover.c) */

/**
 * struct wal_slot - a slot, native; see struct wal_disk_slot
 */
struct wal_slot {
	/* private: as there */
	u64 sequence;
	struct wal_hard_state hard_state;
	bool sealed;
	struct wal_head head;
	u64 tail_offset;
	u64 tail_number;
	u64 last_index;
	u64 last_term;
	struct wal_lost lost;
	struct wal_gap gaps[WAL_GAPS_MAX];
	struct wal_configuration configuration;
};

/**
 * struct wal_batch_info - header of a batch, native; see struct wal_disk_batch
 * @crc: header_crc, the seed of entry headers and payloads
 */
struct wal_batch_info {
	/* private: as there, but for */
	u64 offset;
	u64 prev_end;
	u64 number;
	u64 slot_sequence;
	struct wal_hard_state hard_state;
	u64 first_index;
	u64 prev_log_term;
	u32 length;
	u32 n_entries;
	/* public: */
	u32 crc;
};

/**
 * struct wal_damage - what cannot be read back
 * @offset: logical offset of the first bad batch; U64_MAX: not in the log area
 * @position: its position; of the bad slot if not in the log area
 * @first_index: first entry that is lost here, 0 if not known
 * @last_index: last one, 0 if not known
 * @reason: a few words for the administrator; NULL: no damage
 */
struct wal_damage {
	u64 offset;
	u64 position;
	u64 first_index;
	u64 last_index;
	const char *reason;
};

struct wal_map;

enum wal_recovery_limits {
	WAL_RECOVERY_READ_BYTES = 1 << 20,
	/* A batch, and a read that ended within it. */
	WAL_RECOVERY_BUFFER_BYTES =
		WAL_BATCH_BYTES_MAX + WAL_RECOVERY_READ_BYTES,
};

/**
 * struct wal_recovery - reading a WAL from head to tail
 *
 * Results, valid after WAL_STEP_DONE:
 * @hard_state: the newest
 * @slot: the newest slot; @slot.head is the log's head, @slot.configuration goes with
 *	it. Known as soon as the first entry is handed out
 * @tail: logical offset behind the last whole batch
 * @number: number of the batch that comes there
 * @last_index: last entry, @slot.head.prev_index if none
 * @last_term: its term
 * @n_entries: entries yielded
 * @torn_bytes: length of what was cut at the tail, as far as it is known; 0: clean
 * @slot_torn: a copy of a slot was not good, or older than the other
 * @merged: there was no room for one more gap: more is lost than is damaged
 * @lost: where the log ended before damage that is not made up for. This server must
 *	vote as if it still did, and cannot stand for election itself
 * @damage: valid after -EUCLEAN, and after WAL_STEP_DONE where damage was found
 *	that no slot knew of. Alone, a server must not go on from there
 *
 * The rest is private.
 */
struct wal_recovery {
	struct wal_hard_state hard_state;
	struct wal_slot slot;
	u64 tail;
	u64 number;
	u64 last_index;
	u64 last_term;
	u64 n_entries;
	u64 torn_bytes;
	bool slot_torn;
	bool merged;
	struct wal_lost lost;
	struct wal_damage damage;

	/* private: */
	struct wal_superblock super;
	struct wal_map *map;
	u8 *buf;
	u32 buf_bytes;
	u32 seed;
	u8 state;
	u8 n_slot_copies;
	bool slot_good[2];
	u64 stray_sequence;
	struct wal_slot slots[2];
	u8 configurations[2][WAL_CONFIGURATION_BYTES_MAX];
	u64 window;
	u32 window_bytes;
	u32 asked_bytes;
	u64 next;
	u64 batch_sequence;
	bool tail_seen;
	bool unreadable;
	bool read_lost;
	u64 skip_from;
	u64 skip_to;
	struct wal_batch_info batch;
	u64 batch_last_term;
	u32 n_yielded;
	u32 n_gaps;
	bool rehearsal;
	struct wal_lost end;
	u64 scan;
	int error;
};

/**
 * wal_recovery_init() - begin to read a WAL
 * @rec: to set up
 * @super: decoded
 * @file_bytes: size of file or device now
 * @block_bytes: block size of the device now
 * @map: initialized; filled in on the way; or NULL
 * @buf: aligned as the device wants it; read to in whole blocks
 * @buf_bytes: at least WAL_RECOVERY_BUFFER_BYTES, or super->area_bytes if that
 *	is less
 *
 * Return: 0; -EUCLEAN: the file was cut short; -EINVAL: the buffer is too small,
 * or the device's blocks are larger than those of the WAL.
 */
int wal_recovery_init(struct wal_recovery *rec,
		      const struct wal_superblock *super, u64 file_bytes,
		      u32 block_bytes, struct wal_map *map, void *buf,
		      u32 buf_bytes);

/**
 * wal_recovery_next() - what next?
 * @rec: set up
 * @step: filled in
 *
 * Entries come in the order written: an index that was seen before replaces it
 * and all behind it. Writes nothing: a recovery that was interrupted is
 * repeated. Bounded: reads the log once, twice if the slot has no room for one more
 * gap, and behind its end at most WAL_SLOT_INTERVAL_BYTES.
 *
 * A batch that is damaged, but had been durable, is not cut: it and all behind it
 * become a gap, see @rec->damage and @rec->lost.
 *
 * Return: 0; -EUCLEAN: the newest hard state is not known, or what was there when the
 * log was read first was not the second time: see @rec->damage; -EPROTONOSUPPORT: a
 * batch of another version. Final.
 */
int wal_recovery_next(struct wal_recovery *rec, struct wal_step *step);

/**
 * wal_recovery_unreadable() - the device has lost some of what was asked for
 * @rec: its last step was WAL_STEP_READ
 *
 * Those blocks came as zeros. Where a batch may have been that nothing proves to be
 * torn, the newest hard state is not known then. Whoever can do without does not call
 * this.
 */
void wal_recovery_unreadable(struct wal_recovery *rec);

/* Writer (writer.c, head.c) */

/**
 * struct wal_writer - where the next write goes
 * @super: what this WAL is
 * @hard_state: newest durable one
 * @head: first batch of the log by the newest durable slot, or by the one that is
 *	due after a recovery: what is before it may be written over
 * @new_head: head that the next slot records: the batch that now, after all that
 *	was replaced, holds entry prev_index + 1, or the tail if no entry is left
 * @tail: logical offset behind the last durable batch
 * @number: number of the next batch
 * @slot_sequence: newest durable slot
 * @slot_tail: tail it names; U64_MAX: none was written since this was opened
 * @slot_stale: nor does one that was found name @tail, in two good copies of each
 * @sealed: no batch will be written any more; the next slot says so
 * @last_index: last durable entry, @head.prev_index if none
 * @last_term: its term
 * @lost: as recovered: see struct wal_recovery
 * @gaps: as recovered
 * @configuration: goes with @new_head
 * @configuration_data: its bytes
 * @seed: private
 */
struct wal_writer {
	struct wal_superblock super;
	struct wal_hard_state hard_state;
	struct wal_head head;
	struct wal_head new_head;
	u64 tail;
	u64 number;
	u64 slot_sequence;
	u64 slot_tail;
	bool slot_stale;
	bool sealed;
	u64 last_index;
	u64 last_term;
	struct wal_lost lost;
	struct wal_gap gaps[WAL_GAPS_MAX];
	struct wal_configuration configuration;
	u8 configuration_data[WAL_CONFIGURATION_BYTES_MAX];
	u32 seed;
};

/**
 * wal_writer_init() - go on where a recovery ended
 * @w: to set up
 * @rec: recovery that is done
 */
void wal_writer_init(struct wal_writer *w, const struct wal_recovery *rec);

/**
 * wal_space_bytes() - room for entries
 * @w: writer
 *
 * Entries whose payloads, each plus wal_entry_overhead_bytes(), sum up to no
 * more than this can be written, in any grouping that fills each batch with as
 * many as wal_batch_reserve() takes.
 */
u64 wal_space_bytes(const struct wal_writer *w);

/** wal_gap_bytes() - room that damage takes, until the head has passed it */
u64 wal_gap_bytes(const struct wal_writer *w);

/** wal_entry_overhead_bytes() - most an entry takes beside its payload */
u32 wal_entry_overhead_bytes(u32 block_bytes);

/** wal_slot_due() - must a slot be written before the next batch? */
bool wal_slot_due(const struct wal_writer *w);

/**
 * wal_seal() - the WAL is stopped in order
 * @w: writer: takes no more batches, and the next slot is the last
 *
 * What cannot be read at the tail then never was a batch.
 *
 * Return: false if none was written since it was opened: then it need not be.
 */
bool wal_seal(struct wal_writer *w);

/** wal_slot_behind() - was a batch written behind the newest slot? */
bool wal_slot_behind(const struct wal_writer *w);

/**
 * wal_slot_stale() - does the newest slot say less than was found at the opening?
 * @w: writer
 *
 * What goes bad behind its tail will be taken for a torn write. As soon as the log is
 * in use, a slot is to be written. Not where damage was found: that may be a read that
 * fails but once, and is not made to last for this.
 *
 * Return: true until a slot is written.
 */
bool wal_slot_stale(const struct wal_writer *w);

/**
 * wal_slot_encode() - write hard state, head and tail without entries
 * @w: writer, unchanged
 * @hard_state: to record
 * @buf: room for WAL_SLOT_WRITE_BYTES
 * @write: filled in: never where the newest slot is
 *
 * Return: 0; -EINVAL: a hard state older than the newest.
 */
int wal_slot_encode(const struct wal_writer *w,
		    const struct wal_hard_state *hard_state, void *buf,
		    struct wal_write *write);

/**
 * wal_slot_done() - that write is durable
 * @w: writer
 * @hard_state: as encoded
 */
void wal_slot_done(struct wal_writer *w,
		   const struct wal_hard_state *hard_state);

/**
 * wal_writer_discard() - all entries go: the log begins anew behind @index
 * @w: writer
 * @index: last entry before the log
 * @term: its term, not above the hard state's
 * @configuration: goes with that
 *
 * A slot is due then, and is all it takes: before it is durable the log is what it
 * was. The map of the log is to be emptied, see wal_map_clear().
 *
 * Return: 0 or -EINVAL.
 */
int wal_writer_discard(struct wal_writer *w, u64 index, u64 term,
		       const struct wal_configuration *configuration);

/**
 * struct wal_batch - a batch in the making
 * @info: as it will be written; n_entries and length grow with each reserve
 */
struct wal_batch {
	struct wal_batch_info info;

	/* private: */
	const struct wal_writer *w;
	u8 *buf;
	u32 bytes;
	u32 n_added;
	u32 payload_offset;
	u64 last_term;
};

/**
 * wal_batch_begin() - a new batch behind the tail
 * @batch: to set up
 * @w: writer without a slot due; must not change until wal_batch_done()
 * @first_index: index of its first entry, at most last_index + 1; whatever the
 *	log holds from there on is replaced
 *
 * Return: 0; -EINVAL: a gap, or a slot is due.
 */
int wal_batch_begin(struct wal_batch *batch, const struct wal_writer *w,
		    u64 first_index);

/**
 * wal_batch_reserve() - make room for one more entry, before any is added
 * @batch: begun
 * @bytes: length of its payload
 *
 * Return: 0; -EMSGSIZE: not in this batch, but in one after it; -ENOSPC: the log
 * is full; -EINVAL: larger than WAL_ENTRY_BYTES_MAX.
 */
int wal_batch_reserve(struct wal_batch *batch, u32 bytes);

/**
 * wal_batch_seal() - everything is reserved: write the header
 * @batch: with at least one entry reserved
 * @hard_state: to record with it
 * @buf: room for info.length, as aligned as the device wants it; the batch's
 *	until its write is done
 *
 * Return: 0; -EINVAL: no entries, or a hard state older than the newest.
 */
int wal_batch_seal(struct wal_batch *batch,
		   const struct wal_hard_state *hard_state, void *buf);

/**
 * wal_batch_add() - copy an entry for which room was reserved
 * @batch: sealed
 * @entry: the next one, its term not above the hard state's
 *
 * Return: 0; -EINVAL: not the next one, or not as reserved.
 */
int wal_batch_add(struct wal_batch *batch, const struct wal_entry *entry);

/**
 * wal_batch_finish() - complete the batch
 * @batch: every reserved entry added
 * @write: filled in
 *
 * Return: 0; -EINVAL: entries are missing.
 */
int wal_batch_finish(struct wal_batch *batch, struct wal_write *write);

/**
 * wal_batch_done() - that write is durable
 * @w: writer
 * @batch: finished
 */
void wal_batch_done(struct wal_writer *w, const struct wal_batch *batch);

/* Where entries are (map.c) */

/**
 * struct wal_map_slot - a batch the map remembers
 * @first_index: its first index, which no later batch has replaced
 * @offset: its logical offset
 * @number: its number
 */
struct wal_map_slot {
	u64 first_index;
	u64 offset;
	u64 number;
};

/**
 * struct wal_map - some of the batches, evenly spread; memory is bounded
 * @slots: the caller's array; all fields grow from slot to slot
 * @n_slots: used
 * @n_slots_max: size of the array, at least 2
 * @stride: least distance in bytes of log between slots; doubles when full
 * @skip_from: the log jumps from this offset …
 * @skip_to: … to this one; both 0 if it does not
 */
struct wal_map {
	struct wal_map_slot *slots;
	u32 n_slots;
	u32 n_slots_max;
	u64 stride;
	u64 skip_from;
	u64 skip_to;
};

void wal_map_init(struct wal_map *map, struct wal_map_slot *slots,
		  u32 n_slots_max);

/**
 * wal_map_clear() - empties a map, which is as large as it was before
 * @map: map
 */
void wal_map_clear(struct wal_map *map);

/**
 * wal_map_insert() - a batch was made durable
 * @map: map
 * @info: its header; slots its entries replace are dropped
 */
void wal_map_insert(struct wal_map *map, const struct wal_batch_info *info);

/**
 * struct wal_range - where to look for an entry; a copy, valid for as long as
 * the head does not pass it
 * @offset: of the batch to begin with
 * @skip_from: see struct wal_map
 * @skip_to: see struct wal_map
 * @gaps: see struct wal_writer
 * @end: the tail when asked
 */
struct wal_range {
	u64 offset;
	u64 skip_from;
	u64 skip_to;
	struct wal_gap gaps[WAL_GAPS_MAX];
	u64 end;
};

/**
 * wal_map_find() - where to begin to look for an entry
 * @map: map
 * @w: writer it belongs to
 * @index: of the entry
 * @range: filled in
 *
 * Return: 0 or -ENOENT.
 */
int wal_map_find(const struct wal_map *map, const struct wal_writer *w,
		 u64 index, struct wal_range *range);

/* Letting entries go that are not needed any more (head.c) */

/**
 * wal_head_find() - how much of the log can go?
 * @w: writer
 * @map: its map
 * @index: entries up to here are not needed any more
 *
 * The log can begin only where a batch does that the map remembers.
 *
 * Return: the last entry that can go, or 0 for none.
 */
u64 wal_head_find(const struct wal_writer *w, const struct wal_map *map,
		  u64 index);

/**
 * wal_head_behind() - how much of the log can go if the newest is to be kept?
 * @w: writer
 * @map: its map
 * @bytes: so much of the log is kept, at least
 *
 * Return: the last entry that can go, or 0 for none.
 */
u64 wal_head_behind(const struct wal_writer *w, const struct wal_map *map,
		    u64 bytes);

/**
 * wal_head_past_gap() - must the log begin behind a gap, to have room?
 * @w: writer
 * @map: its map
 * @bytes: so much of the log area it may take
 *
 * A gap takes room and holds nothing, but it goes only with all that is before it.
 *
 * Return: the last entry before the gap, or 0 if the log need not begin behind one.
 */
u64 wal_head_past_gap(const struct wal_writer *w, const struct wal_map *map,
		      u64 bytes);

/**
 * wal_head_move() - the log begins later
 * @w: writer
 * @map: its map
 * @index: from wal_head_find(): entries up to here go. They are never replaced
 * @term: its term
 * @configuration: goes with that
 *
 * The next slot says so, and must come before a batch that replaces entry @index + 1.
 * What was before the head is room again once that slot is durable: see
 * wal_map_trim().
 *
 * Return: 0; -ENOENT: the map does not remember that batch any more, and nothing
 * changed; -EINVAL: the configuration is too long.
 */
int wal_head_move(struct wal_writer *w, const struct wal_map *map, u64 index,
		  u64 term, const struct wal_configuration *configuration);

/**
 * wal_map_trim() - forget what is before the head
 * @map: map
 * @w: writer, its slot just durable
 */
void wal_map_trim(struct wal_map *map, const struct wal_writer *w);

/* Finding an entry on disk (cursor.c) */

enum wal_cursor_limits {
	WAL_CURSOR_BUFFER_BYTES_MIN = 8 * WAL_BLOCK_BYTES_MAX,
};

/**
 * struct wal_window - a piece of the log in memory; private
 * @buf: the caller's
 * @buf_bytes: its size
 * @offset: logical offset of its first byte
 * @bytes: how much is there
 * @asked_bytes: how much more the caller was asked to read
 */
struct wal_window {
	u8 *buf;
	u32 buf_bytes;
	u64 offset;
	u32 bytes;
	u32 asked_bytes;
};

/**
 * struct wal_cursor - walks the batches of a range; all private
 *
 * Headers and payloads have a window each: in a large batch they are far from
 * each other, and entries are mostly read one after the other.
 */
struct wal_cursor {
	/* private: */
	struct wal_superblock super;
	u32 seed;
	struct wal_window headers;
	struct wal_window payloads;
	struct wal_range range;
	u64 index;
	u64 term;
	u8 state;
	u64 offset;
	struct wal_batch_info batch;
	u64 payload;
	struct wal_step found;
};

/**
 * wal_cursor_init() - set up without a range
 * @cursor: to set up
 * @super: of the WAL
 * @buf: aligned as the device wants it; what was read is kept from seek to seek
 * @buf_bytes: at least WAL_CURSOR_BUFFER_BYTES_MIN, and a multiple of twice
 *	WAL_BLOCK_BYTES_MAX
 */
void wal_cursor_init(struct wal_cursor *cursor,
		     const struct wal_superblock *super, void *buf,
		     u32 buf_bytes);

/**
 * wal_cursor_seek() - look for this entry
 * @cursor: set up
 * @range: from wal_map_find() for @index, or NULL: go on from the last entry
 *	found, whose index was one less
 * @index: of the entry
 * @term: its term: tells it from one that was replaced
 */
void wal_cursor_seek(struct wal_cursor *cursor, const struct wal_range *range,
		     u64 index, u64 term);

/**
 * wal_cursor_next() - what next?
 * @cursor: after a seek
 * @step: READ, or ENTRY when found: entry.data is NULL if the payload is not
 *	whole in the buffer (then read it at payload_position and check it); if it
 *	is, it has been checked
 *
 * Return: 0; -ENOENT: not there; -EUCLEAN: damaged.
 */
int wal_cursor_next(struct wal_cursor *cursor, struct wal_step *step);

/**
 * wal_payload_check() - is this the payload?
 * @step: ENTRY of a cursor
 * @data: step->entry.bytes bytes read from step->payload_position
 *
 * Return: 0 or -EUCLEAN.
 */
int wal_payload_check(const struct wal_step *step, const void *data);

/* Snapshots (snapshot.c) */

enum { WAL_CHUNK_HEADER_BYTES = sizeof(struct wal_disk_chunk) };

/**
 * struct wal_snapshot - a snapshot, native; see struct wal_disk_snapshot
 * @id: random, not 0, and greater than that of the one in the other file
 * @index: last entry that it holds what came of
 * @term: its term
 * @bytes: of the data
 * @checksum: of the data
 * @chunk_bytes: of a chunk with its header; of blocks up to that size the device may be
 * @generation: of the superblock, as wal_snapshot_encode() saw it
 * @configuration: goes with it
 */
struct wal_snapshot {
	u64 id;
	u64 index;
	u64 term;
	u64 bytes;
	u32 checksum;
	u32 chunk_bytes;
	u32 generation;
	struct wal_configuration configuration;
};

/**
 * wal_snapshot_is_newer() - of the two that there can be, is it @a?
 * @a: index 0 for none
 * @b: likewise
 *
 * One that is damaged may be taken again, as of the same entry; until it goes, there
 * are both.
 */
bool wal_snapshot_is_newer(const struct wal_snapshot *a,
			   const struct wal_snapshot *b);

/**
 * wal_snapshot_is_of() - does it say what this log came to?
 * @super: of the WAL
 * @snapshot: decoded, with @super
 * @term: by the log, of the entry that it is of, or of its base; 0: not known
 *
 * What a recovery from lost quorum did not find, it gave up, and other entries came
 * in its place. A snapshot that turns up later may be of what was given up: terms do
 * not tell. It is of this log if it was made since, or was in use then, or is of an
 * entry that was kept.
 */
bool wal_snapshot_is_of(const struct wal_superblock *super,
			const struct wal_snapshot *snapshot, u64 term);

/** wal_snapshot_checksum() - go on with a checksum that begins with ~0 */
u32 wal_snapshot_checksum(u32 checksum, const void *data, u32 bytes);

/**
 * wal_snapshot_clear() - no snapshot any more
 * @buf: room for WAL_SNAPSHOT_HEADER_BYTES
 * @write: filled in
 */
void wal_snapshot_clear(void *buf, struct wal_write *write);

/**
 * wal_snapshot_encode() - all of it is there
 * @super: of the WAL it goes with, not of a generation from before that was opened
 * @snapshot: which; its chunks are durable; its generation is that of @super
 * @buf: room for WAL_SNAPSHOT_HEADER_BYTES
 * @write: filled in
 *
 * Return: 0, or -EINVAL if wal_snapshot_decode() would not take it.
 */
int wal_snapshot_encode(const struct wal_superblock *super,
			const struct wal_snapshot *snapshot, void *buf,
			struct wal_write *write);

/**
 * wal_snapshot_decode() - is there a snapshot?
 * @super: of the WAL it must go with
 * @buf: WAL_SNAPSHOT_HEADER_BYTES from the start of the file
 * @snapshot: filled in; its configuration points into @buf
 *
 * One good copy is enough.
 *
 * Return: 0; -ENODATA: none; -EEXIST: of another WAL; -EPROTONOSUPPORT: of another
 * version.
 */
int wal_snapshot_decode(const struct wal_superblock *super, const void *buf,
			struct wal_snapshot *snapshot);

/**
 * wal_snapshot_was_made() - may a snapshot have been there, or one begun?
 * @buf: WAL_SNAPSHOT_HEADER_BYTES from the start of the file, in which there is none
 *
 * However a header was torn, each copy begins as one does, or with zeros.
 */
bool wal_snapshot_was_made(const void *buf);

/** wal_chunk_room() - bytes of data in every chunk but the last */
static inline u32 wal_chunk_room(const struct wal_snapshot *snapshot)
{
	return snapshot->chunk_bytes - WAL_CHUNK_HEADER_BYTES;
}

/** wal_chunk_position() - where chunk @number is */
static inline u64 wal_chunk_position(const struct wal_snapshot *snapshot,
				     u64 number)
{
	return WAL_SNAPSHOT_DATA_POSITION + number * snapshot->chunk_bytes;
}

/**
 * wal_chunk_read_bytes() - how much to read of it
 * @snapshot: decoded
 * @number: of a chunk it has
 *
 * Return: whole blocks.
 */
u32 wal_chunk_read_bytes(const struct wal_snapshot *snapshot, u64 number);

/**
 * wal_chunk_encode() - one more chunk
 * @super: of the WAL
 * @snapshot: id and chunk_bytes are looked at
 * @number: one more than that of the chunk before it
 * @bytes: of data, wal_chunk_room() or, of the last one, at most that
 * @buf: of chunk_bytes, the data at WAL_CHUNK_HEADER_BYTES; padded
 * @write: filled in
 */
void wal_chunk_encode(const struct wal_superblock *super,
		      const struct wal_snapshot *snapshot, u64 number,
		      u32 bytes, void *buf, struct wal_write *write);

/**
 * wal_chunk_decode() - is this the chunk?
 * @super: of the WAL
 * @snapshot: decoded
 * @number: of a chunk it has
 * @buf: wal_chunk_read_bytes() from wal_chunk_position()
 * @bytes: set to that of its data, which is at WAL_CHUNK_HEADER_BYTES
 *
 * Return: 0 or -EUCLEAN.
 */
int wal_chunk_decode(const struct wal_superblock *super,
		     const struct wal_snapshot *snapshot, u64 number,
		     const void *buf, u32 *bytes);

#endif /* RAFTLOG_WAL_H */
