// SPDX-License-Identifier: GPL-2.0
/* Recent entries: cache.h says the rules. */
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "cache.h"
#include "entry.h"
#include "failpoint.h"

enum {
	/* Small entries: one slot for so many bytes of memory allowed. */
	CACHE_BYTES_PER_SLOT = 256,
	CACHE_SLOTS_MAX = 1 << 20,
	CACHE_SLOTS_FIRST = 64,
};

static u64 memory_of(const struct raftlog_entry *entry)
{
	return struct_size(entry, data, entry->bytes);
}

static struct raftlog_entry **slot_of(struct raftlog_cache *cache, u64 index)
{
	return &cache->slots[index & cache->mask];
}

static u64 slots_for(u64 bytes_max)
{
	u64 slots = min_t(u64, bytes_max / CACHE_BYTES_PER_SLOT,
			  CACHE_SLOTS_MAX);

	return roundup_pow_of_two(max_t(u64, slots, 1));
}

int raftlog_cache_init(struct raftlog_cache *cache, u64 bytes_max, u32 n_pinned)
{
	u64 slots;

	spin_lock_init(&cache->lock);
	cache->slots_max = max_t(u64, slots_for(bytes_max),
				 roundup_pow_of_two(n_pinned));
	slots = min_t(u64, cache->slots_max, CACHE_SLOTS_FIRST);
	cache->slots = kvcalloc(slots, sizeof(*cache->slots), GFP_KERNEL);
	if (!cache->slots)
		return -ENOMEM;
	cache->mask = slots - 1;
	cache->first_index = 0;
	cache->end_index = 0;
	cache->bytes = 0;
	cache->bytes_max = bytes_max;
	return 0;
}

void raftlog_cache_destroy(struct raftlog_cache *cache)
{
	u64 index;

	if (!cache->slots)
		return;
	for (index = cache->first_index; index < cache->end_index; index++)
		raftlog_entry_put(*slot_of(cache, index));
	kvfree(cache->slots);
	cache->slots = NULL;
}

/* Take an entry out; the caller drops its reference outside the lock. */
static struct raftlog_entry *take(struct raftlog_cache *cache, u64 index)
{
	struct raftlog_entry **slot = slot_of(cache, index);
	struct raftlog_entry *entry = *slot;

	*slot = NULL;
	cache->bytes -= memory_of(entry);
	return entry;
}

static void truncate(struct raftlog_cache *cache, u64 from)
{
	while (cache->end_index > max(from, cache->first_index)) {
		struct raftlog_entry *entry;

		spin_lock(&cache->lock);
		entry = take(cache, --cache->end_index);
		spin_unlock(&cache->lock);
		raftlog_entry_put(entry);
	}
	if (cache->first_index == cache->end_index || from < cache->first_index) {
		spin_lock(&cache->lock);
		cache->first_index = from;
		cache->end_index = from;
		spin_unlock(&cache->lock);
	}
}

static bool has_free_slot(const struct raftlog_cache *cache)
{
	return cache->end_index - cache->first_index <= cache->mask;
}

/* Twice as many slots. */
static void grow(struct raftlog_cache *cache)
{
	u64 index, slots = 2 * (cache->mask + 1);
	struct raftlog_entry **new, **old = cache->slots;

	new = kvcalloc(slots, sizeof(*new), GFP_NOIO | __GFP_NOFAIL);
	spin_lock(&cache->lock);
	for (index = cache->first_index; index < cache->end_index; index++)
		new[index & (slots - 1)] = *slot_of(cache, index);
	cache->slots = new;
	cache->mask = slots - 1;
	spin_unlock(&cache->lock);
	kvfree(old);
}

void raftlog_cache_reset(struct raftlog_cache *cache)
{
	truncate(cache, 0);
}

static bool is_full(const struct raftlog_cache *cache, u64 more_bytes)
{
	return RAFTLOG_FAILPOINT(CACHE_FULL) ||
	       cache->bytes + more_bytes > cache->bytes_max ||
	       !has_free_slot(cache);
}

void raftlog_cache_insert(struct raftlog_cache *cache,
			  struct raftlog_entry *entry, u64 evictable_index)
{
	u64 bytes = memory_of(entry);

	truncate(cache, entry->index);
	if (!has_free_slot(cache) && cache->mask + 1 < cache->slots_max)
		grow(cache);
	while (is_full(cache, bytes) && cache->first_index < cache->end_index &&
	       cache->first_index <= evictable_index) {
		struct raftlog_entry *oldest;

		spin_lock(&cache->lock);
		oldest = take(cache, cache->first_index++);
		spin_unlock(&cache->lock);
		raftlog_entry_put(oldest);
	}
	/* More than this member's own settings allow for: a leader has others. */
	if (!has_free_slot(cache))
		grow(cache);

	raftlog_entry_get(entry);
	spin_lock(&cache->lock);
	if (cache->first_index == cache->end_index)
		cache->first_index = entry->index;
	*slot_of(cache, entry->index) = entry;
	cache->end_index = entry->index + 1;
	cache->bytes += bytes;
	spin_unlock(&cache->lock);
}

struct raftlog_entry *raftlog_cache_get(struct raftlog_cache *cache, u64 index)
{
	struct raftlog_entry *entry = NULL;

	spin_lock(&cache->lock);
	if (index >= cache->first_index && index < cache->end_index)
		entry = raftlog_entry_get(*slot_of(cache, index));
	spin_unlock(&cache->lock);
	return entry;
}

u64 raftlog_cache_first(struct raftlog_cache *cache)
{
	u64 index;

	spin_lock(&cache->lock);
	index = cache->first_index < cache->end_index ? cache->first_index :
							U64_MAX;
	spin_unlock(&cache->lock);
	return index;
}

void raftlog_cache_limit(struct raftlog_cache *cache, u64 bytes_max)
{
	cache->slots_max = max(cache->slots_max, slots_for(bytes_max));
	cache->bytes_max = bytes_max;
}

u64 raftlog_cache_bytes(struct raftlog_cache *cache)
{
	u64 bytes;

	spin_lock(&cache->lock);
	bytes = cache->bytes;
	spin_unlock(&cache->lock);
	return bytes;
}
