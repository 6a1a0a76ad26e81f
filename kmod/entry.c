// SPDX-License-Identifier: GPL-2.0
/* Payloads of entries, shared by reference. */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "entry.h"

struct raftlog_entry *raftlog_entry_alloc(u32 bytes, gfp_t gfp)
{
	struct raftlog_entry *entry;

	entry = kvmalloc(struct_size(entry, data, bytes), gfp);
	if (!entry)
		return NULL;
	memset(entry, 0, sizeof(*entry));
	refcount_set(&entry->refs, 1);
	entry->bytes = bytes;
	return entry;
}

struct raftlog_entry *raftlog_entry_get(struct raftlog_entry *entry)
{
	refcount_inc(&entry->refs);
	return entry;
}

void raftlog_entry_put(struct raftlog_entry *entry)
{
	if (refcount_dec_and_test(&entry->refs))
		kvfree(entry);
}
