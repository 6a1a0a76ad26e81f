/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Crash images: a run of the WAL's writer, each of its writes cut in every way,
 * each image recovered by the same code that the module ships.
 *
 *	run.c		what a server does to its WAL between its crashes
 *	write.c		one write: encoded, cut, then durable or torn for good
 *	image.c		which pieces of a write reach the medium
 *	recover.c	read an image, compare it with what it must hold
 *
 * What can be outstanding. The storage thread has one write under way, with DSYNC,
 * and makes the next one when it is durable (kmod/storage.c, kmod/storage_io.c): of
 * all that a cache may lose, reorder and tear, there is never more than one write
 * of kmod/wal. It outlives a restart at which the power stays: then an opening
 * reads what is only in the cache, which is why it flushes first
 * (kmod/storage_open.c). Then a slot is due, which is cut like any other write.
 *
 * Covered: each write of a run, each flush of an opening, and what goes on behind
 * them, cut at every boundary: every combination of the sectors that are not
 * durable, or a sample if there are more than EXHAUSTIVE_PIECES_MAX; slots,
 * superblocks and some of the batches torn in pieces much smaller than a sector.
 * Callers that do not keep their side (--caller) have several writes outstanding:
 * they must be found, or this would show nothing.
 *
 * Not covered: batches of more than PIECES_MAX sectors, areas larger than
 * AREA_BYTES_MAX; a device that forgets what it said was durable, or damages what
 * it was not asked to write (the simulator has such disks); what a file system
 * does to its own structures; and kmod/storage*.c itself, whose order of writes
 * and flushes is repeated here (write.c), and run on guests whose power fails.
 */
#ifndef RAFTLOG_CRASH_H
#define RAFTLOG_CRASH_H

#include <stdio.h>

#include "rng.h"
#include "wal/wal.h"

enum {
	SECTOR_BYTES = 512,
	/*
	 * A slot and a superblock have but one sector that changes; as if the
	 * device were so careless as to tear that.
	 */
	SPLINTER_BYTES = 32,
	PIECES_MAX = 64,
	GHOSTS_MAX = 4,
	SUPER_GHOSTS_MAX = 16,
	EXHAUSTIVE_PIECES_MAX = 10,

	AREA_BYTES_MAX = 96 << 10,
	IMAGE_BYTES_MAX = WAL_AREA_POSITION + AREA_BYTES_MAX,
	BATCH_BYTES_ENOUGH = SECTOR_BYTES * PIECES_MAX,
	RECORDS_MAX = 4096,
	MAP_SLOTS = 16,
	/* More than a sector, so that it is torn. */
	CONFIGURATION_BYTES_MAX = 600,
	SHAPE_MAX = 64,
	PAYLOADS_BYTES = 1 << 16,
};

/* What was done, and what a test demands to see: X(name, text, demanded) */
#define CRASH_COUNTERS(X)						\
	X(seeds, "seeds", true)						\
	X(writes, "writes recorded", true)				\
	X(boundaries, "boundaries", true)				\
	X(images, "images", true)					\
	X(exhaustive, "writes cut in every combination", true)		\
	X(sampled, "writes cut in a sample of combinations", true)	\
	X(entries_acknowledged, "entries acknowledged", true)		\
	X(entries_checked, "entries checked", true)			\
	X(torn_batches, "torn batches", true)				\
	X(torn_tails, "torn tails cut", true)				\
	X(torn_slots, "torn slots passed over", true)			\
	X(whole, "unacknowledged writes found whole", true)		\
	X(suffixes, "suffixes replaced", true)				\
	X(hard_states, "hard states without entries", true)		\
	X(splits, "requests spread over batches", true)			\
	X(skips, "laps whose rest was skipped", true)			\
	X(drops, "heads moved", true)					\
	X(anew, "logs begun anew", true)				\
	X(full, "full logs", true)					\
	X(restarts, "restarts", true)					\
	X(torn_restarts, "restarts from a torn write", true)		\
	X(powered_restarts, "restarts at which the power stayed", true)	\
	X(splintered, "batches torn within sectors", true)		\
	X(pending_heads, "heads that waited for a slot", true)		\
	X(reopened, "crashes during recovery", true)			\
	X(continued, "writes over leftovers", true)			\
	X(repeated, "torn batches written again", true)			\
	X(planted, "stale blocks planted", true)			\
	X(formats, "formats over another log", true)			\
	X(bad_copies, "slots with one good copy", true)		\
	X(kept, "cut formats that left the other log", true)		\
	X(recoveries, "recoveries from lost quorum", true)		\
	X(undone, "of them cut before anything had happened", true)	\
	X(completed, "of them completed by an opening", true)		\
	X(renewed, "older superblocks written over", true)

struct counters {
#define X(name, text, demanded) u64 name;
	CRASH_COUNTERS(X)
#undef X
};

/**
 * struct record - an entry that was given to the writer; its sequence is where
 * it is in the array, plus 1
 * @alone: it makes the node that cluster, alone; 0: it does not
 */
struct record {
	u64 index;
	u64 term;
	u64 alone;
	u32 payload;
	u32 bytes;
};

/**
 * struct state - what a WAL holds
 * @configuration_index: what goes with prev_index; 0: none
 * @records: by index; valid from prev_index + 1 to last_index
 */
struct state {
	struct wal_hard_state hard_state;
	u64 prev_index;
	u64 prev_term;
	u64 configuration_index;
	u64 last_index;
	u16 records[RECORDS_MAX];
};

/**
 * struct cut - what is not durable, in pieces, those that change nothing left out:
 * a write under way
 * @slot: it is one, or a superblock
 * @partial: the device never got some of its pieces
 * @overlaps: some pieces are of the same place: of those the last one counts
 * @position: where each piece is
 * @before: what is durable there
 * @after: the image there after it
 * @present: pieces that are in the image now
 */
struct cut {
	u32 n_pieces;
	u32 piece_bytes;
	bool slot;
	bool partial;
	bool overlaps;
	u32 position[PIECES_MAX];
	u8 before[PIECES_MAX * SECTOR_BYTES];
	u8 after[PIECES_MAX * SECTOR_BYTES];
	u64 present;
};

/**
 * enum caller - who writes what the WAL's writer says
 * @CALLER_SOUND: as kmod/storage.c and kmod/storage_open.c do
 * @CALLER_NO_DSYNC: makes a write before the one before it is durable
 * @CALLER_NO_FLUSH: does not flush before it reads
 */
enum caller {
	CALLER_SOUND,
	CALLER_NO_DSYNC,
	CALLER_NO_FLUSH,
};

/** struct options - of the command line; U64_MAX and 0: not given */
struct options {
	enum caller caller;
	u64 seed;
	u64 write;
	u64 pieces;
	u64 images_max;
	u32 block_bytes;
};

/**
 * struct run - a WAL, what it must hold, and how it came there
 * @super: of the WAL
 * @new_super: while it is formatted, of the one that takes its place
 * @next_super: while it is replaced, the one that takes its place; else as @super
 * @super_ghosts: likewise of the first copy, of recoveries that were undone: pieces of
 *	one that was torn, and of the next one, which differs in as much, make it whole
 * @n_super_ghosts: how many
 * @replacing: it is being replaced
 * @found_super: by the last recovery
 * @alone: cluster that the next record makes the node alone; 0: none
 * @alone_index: where the newest such record is, 0: there was none
 * @rng: decides what the run does
 * @sampler: decides which images are looked at; never what the run does
 * @image: the medium
 * @old: the medium some time ago, to take stale blocks from
 * @acknowledged: what is durable and was said to be
 * @intended: the same with the write under way
 * @found: by the last recovery
 * @life: counts formats; the session of every entry
 * @committed: entries up to here are not replaced
 * @map: batches that the head can be moved to, in @map_slots
 * @opening: this recovery is not of an image that is only looked at
 * @powered: the power stayed at the crash: what is in @cut is in a cache
 * @n_outstanding: writes in @cut that the next one comes on top of
 * @ghosts: of slot writes that were torn: until one is durable, each next one goes to
 *	the same place, has the same number, and may bring just the splinters that were
 *	missing
 * @n_ghosts: how many
 * @repeat: the last batch was torn; the next one has the same @shape, as when the
 *	same entries come again
 * @over_leftovers: this one comes after a torn one
 * @shape: sizes of the entries of the last batch
 * @failed: see @what
 */
struct run {
	const struct options *options;
	struct counters *counters;
	u64 seed;
	struct rng rng;
	struct rng sampler;
	struct wal_superblock super;
	struct wal_superblock new_super;
	struct wal_superblock next_super;
	struct wal_superblock super_ghosts[SUPER_GHOSTS_MAX];
	u32 n_super_ghosts;
	struct wal_superblock found_super;
	bool replacing;
	u64 alone;
	u64 alone_index;
	struct wal_writer w;
	struct wal_recovery rec;
	u32 image_bytes;
	u64 n_writes;
	u64 life;
	u64 committed;
	struct wal_map map;
	struct wal_map_slot map_slots[MAP_SLOTS];
	u32 n_records;
	bool formatting;
	bool opening;
	bool powered;
	u32 n_outstanding;
	u32 n_ghosts;
	bool repeat;
	bool over_leftovers;
	u32 n_shape;
	u32 shape[SHAPE_MAX];
	bool failed;
	char what[256];
	char write_name[64];
	struct record records[RECORDS_MAX];
	struct state acknowledged;
	struct state intended;
	struct state found;
	struct state ghosts[GHOSTS_MAX];
	struct state opened;
	struct cut cut;
	struct cut cut_open;
	struct cut cut_next;
	u8 image[IMAGE_BYTES_MAX];
	u8 old[IMAGE_BYTES_MAX];
	u8 staging[BATCH_BYTES_ENOUGH];
	u8 buf[AREA_BYTES_MAX];
	u8 payloads[PAYLOADS_BYTES];
};

/* run.c */
void run(struct run *r, u64 seed, const struct options *options,
	 struct counters *counters);
bool run_enough(const struct run *r);

/* write.c */
u32 write_record(struct run *r, u64 index, u64 term, u32 bytes,
		 struct rng *rng);
void write_name(struct run *r, const char *kind,
		const struct wal_write *write);
void write_crash(struct run *r);
void write_format(struct run *r);
bool write_slot(struct run *r, const struct wal_hard_state *hard_state);
struct wal_configuration configuration_of(const struct run *r, u64 index);
u64 term_at(const struct run *r, u64 index);
int write_batch(struct run *r, u64 first_index,
		const struct wal_hard_state *hard_state, u32 n_entries,
		u32 bytes_max);
void write_open(struct run *r);

/* alone.c */
void alone_begin(struct run *r);
void alone_open(struct run *r);

/* image.c */
void cut_begin(struct run *r, struct cut *cut, const struct wal_write *write,
	       bool slot);
void cut_set(struct run *r, struct cut *cut, u64 pieces);
u64 cut_all(const struct cut *cut);
bool cut_is_whole(const struct cut *cut);
void cut_forget_missing(struct cut *cut);
u64 cut_sample(const struct cut *cut, struct rng *rng);
void cut_check(struct run *r, bool batch);
void copies_check(struct run *r, const struct wal_write *write);

/* recover.c */
int recover(struct run *r, struct wal_recovery *rec);
bool recover_check(struct run *r, struct wal_recovery *rec,
		   const struct state *before, const struct state *after,
		   const struct cut *cut);
bool state_same(const struct state *a, const struct state *b);
void fail(struct run *r, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

#endif /* RAFTLOG_CRASH_H */
