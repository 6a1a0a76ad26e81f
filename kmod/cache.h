/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The most recent entries of the log, in memory. A contiguous range that ends at
 * last_index. The owner thread alone changes it; any thread looks entries up.
 */
#ifndef RAFTLOG_CACHE_H
#define RAFTLOG_CACHE_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct raftlog_entry;

/**
 * struct raftlog_cache - a ring of entries by index, as large as it had to be
 * @lock: everything below
 * @slots: entry @index is at @index & @mask
 * @mask: number of slots - 1
 * @slots_max: as many as there may be
 * @first_index: oldest entry held
 * @end_index: behind the newest entry held
 * @bytes: memory of the entries held
 * @bytes_max: more than this only for entries that may not be evicted
 */
struct raftlog_cache {
	spinlock_t lock; /* all below */
	struct raftlog_entry **slots;
	u64 mask;
	u64 slots_max;
	u64 first_index;
	u64 end_index;
	u64 bytes;
	u64 bytes_max;
};

/**
 * raftlog_cache_init() - an empty cache
 * @cache: to set up
 * @bytes_max: memory to use
 * @n_pinned: most entries that may have to stay, by this member's settings
 *
 * Return: 0 or -ENOMEM.
 */
int raftlog_cache_init(struct raftlog_cache *cache, u64 bytes_max, u32 n_pinned);

/** raftlog_cache_destroy() - drop everything; nobody looks entries up any more */
void raftlog_cache_destroy(struct raftlog_cache *cache);

/**
 * raftlog_cache_insert() - entry @entry->index is now this one
 * @cache: whose
 * @entry: at most one behind the newest, unless the cache is empty; what the cache
 *	holds from there on is dropped. The cache takes its own reference
 * @evictable_index: entries up to here are on disk
 *
 * Owner thread; may wait for memory.
 */
void raftlog_cache_insert(struct raftlog_cache *cache,
			  struct raftlog_entry *entry, u64 evictable_index);

/**
 * raftlog_cache_get() - look an entry up
 * @cache: where
 * @index: its index
 *
 * Any context but hard interrupts.
 *
 * Return: the entry with a reference for the caller, or NULL.
 */
struct raftlog_entry *raftlog_cache_get(struct raftlog_cache *cache, u64 index);

/**
 * raftlog_cache_first() - where the log begins to be in memory
 * @cache: where
 *
 * Any context but hard interrupts. What is committed and before that is on disk.
 *
 * Return: index of the oldest entry held, U64_MAX if none is.
 */
u64 raftlog_cache_first(struct raftlog_cache *cache);

/** raftlog_cache_limit() - use so much from now on; owner thread */
void raftlog_cache_limit(struct raftlog_cache *cache, u64 bytes_max);

/** raftlog_cache_reset() - drop all there is; owner thread */
void raftlog_cache_reset(struct raftlog_cache *cache);

/** raftlog_cache_bytes() - memory used by entries */
u64 raftlog_cache_bytes(struct raftlog_cache *cache);

#endif /* RAFTLOG_CACHE_H */
