/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A WAL on a disk in memory, and a model of what it must hold. The newest write
 * can be torn: any subset of its sectors is put back to what was there before.
 */
#ifndef RAFTLOG_KUNIT_WAL_FIXTURE_H
#define RAFTLOG_KUNIT_WAL_FIXTURE_H

#include <kunit/test.h>

#include "wal/wal.h"

enum {
	FIXTURE_LOG_ENTRIES = 512,
	FIXTURE_MAP_SLOTS = 8,
	FIXTURE_SECTOR_BYTES = 512,
	/*
	 * From one subset of the sectors of a slot to the next. Where each takes
	 * milliseconds some must do: with none and with all of them.
	 */
#ifdef CONFIG_KASAN
	FIXTURE_SUBSETS_STEP = 17,
#else
	FIXTURE_SUBSETS_STEP = 1,
#endif
	FIXTURE_BATCHES = 1024,
};

/**
 * struct fixture_log - what a WAL holds, without the payloads: those follow
 * from index, term and sequence
 */
struct fixture_log {
	struct wal_hard_state hard_state;
	u64 prev_index;
	u64 last_index;
	u64 last_term;
	struct {
		u64 term;
		u64 sequence;
		u32 bytes;
	} entries[FIXTURE_LOG_ENTRIES];
};

/**
 * struct wal_fixture - see above
 * @image: the disk
 * @bytes: its size
 * @before: what was on it where the newest write went
 * @written: what that write wrote
 * @write: where that was
 * @batches: where each batch since the format is, and what precedes it
 * @log: what is durable with that write
 * @log_before: what is durable without it
 * @found: what the last recovery found
 * @rec: the last recovery
 * @lost: what the device has lost: from here
 * @lost_bytes: so much, whole blocks
 * @take_damage: go on from damage; else wal_fixture_recover() says -EUCLEAN
 */
struct wal_fixture {
	struct kunit *test;
	struct wal_superblock super;
	u8 *image;
	u64 bytes;
	u8 *before;
	u8 *written;
	struct wal_write write;
	u8 *staging;
	u32 staging_bytes;
	u8 *buf;
	u32 buf_bytes;

	struct wal_writer w;
	struct wal_map map;
	struct wal_map_slot map_slots[FIXTURE_MAP_SLOTS];
	struct wal_recovery rec;
	u64 lost;
	u64 lost_bytes;
	bool take_damage;

	struct wal_head batches[FIXTURE_BATCHES];
	u32 n_batches;

	u64 sequence;
	struct fixture_log log;
	struct fixture_log log_before;
	struct fixture_log found;
};

/** wal_fixture_init() - a disk of zeros; freed by wal_fixture_exit() */
struct wal_fixture *wal_fixture_init(struct kunit *test, u32 block_bytes,
				     u64 area_bytes);
/** wal_fixture_exit() - exit of a suite whose test->priv is a fixture, or NULL */
void wal_fixture_exit(struct kunit *test);

/** wal_fixture_format() - make a WAL on it, with a uuid made from @seed */
void wal_fixture_format(struct wal_fixture *f, u8 seed);

/** wal_fixture_recover() - read it; what it holds goes to f->found */
int wal_fixture_recover(struct wal_fixture *f);

/** wal_fixture_open() - recover, and write the slot that is due then */
int wal_fixture_open(struct wal_fixture *f);

/** wal_fixture_vote() - write a slot */
void wal_fixture_vote(struct wal_fixture *f, u64 term, u32 voted_for);

/**
 * wal_fixture_append() - write a batch of @n_entries payloads of @bytes each
 *
 * Return: 0 or what wal_batch_*() says.
 */
int wal_fixture_append(struct wal_fixture *f, u64 first_index, u64 term,
		       u32 n_entries, u32 bytes);

/** wal_fixture_append_all() - the same, in several batches if one has no room */
int wal_fixture_append_all(struct wal_fixture *f, u64 first_index, u64 term,
			   u32 n_entries, u32 bytes);

/**
 * wal_fixture_drop() - make the @i'th batch the head, and write a slot
 * @f: fixture
 * @i: counted from the format
 * @n_entries: entries of that batch that are gone as well
 */
void wal_fixture_drop(struct wal_fixture *f, u32 i, u32 n_entries);

/**
 * wal_fixture_trim() - let go of what is not needed up to @index, write a slot
 *
 * The configuration of the head is what follows from its index.
 *
 * Return: the last entry that went, or 0.
 */
u64 wal_fixture_trim(struct wal_fixture *f, u64 index);

/** wal_fixture_discard() - the log begins anew behind @index, of @term */
void wal_fixture_discard(struct wal_fixture *f, u64 index, u64 term);

/** wal_fixture_expect_head() - the last recovery found this one */
void wal_fixture_expect_head(struct wal_fixture *f, u64 index, u64 term);

/** wal_fixture_started() - a fresh WAL with a first batch: entry 1 of term 1 */
struct wal_fixture *wal_fixture_started(struct kunit *test, u32 block_bytes,
					u64 area_bytes);

/** wal_fixture_expect_kept() - recovery finds all that is durable */
void wal_fixture_expect_kept(struct wal_fixture *f);

/** wal_fixture_sectors() - of the newest write */
u32 wal_fixture_sectors(const struct wal_fixture *f);

/**
 * wal_fixture_tear() - only some sectors of the newest write came through
 * @f: fixture
 * @came: true for those that did; indexed by sector
 * @context: its first argument
 *
 * Return: true if all of them hold what was written.
 */
bool wal_fixture_tear(struct wal_fixture *f,
		      bool (*came)(void *context, u32 sector), void *context);

/** wal_fixture_untear() - all of the newest write came through after all */
void wal_fixture_untear(struct wal_fixture *f);

/** wal_fixture_same() - do two logs hold the same? */
bool wal_fixture_same(const struct fixture_log *a, const struct fixture_log *b);

/** wal_fixture_lookup() - find an entry through map and cursor, check it */
int wal_fixture_lookup(struct wal_fixture *f, u64 index, u64 term);

#endif /* RAFTLOG_KUNIT_WAL_FIXTURE_H */
