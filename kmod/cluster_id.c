// SPDX-License-Identifier: GPL-2.0
/* Which cluster a node belongs to. */
#include "cluster_id.h"

#define FNV_OFFSET_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

static u64 fnv_1a(u64 hash, const void *data, size_t bytes)
{
	const u8 *p = data;

	while (bytes--) {
		hash ^= *p++;
		hash *= FNV_PRIME;
	}
	return hash;
}

u64 raftlog_cluster_id(const char *name, size_t name_bytes,
		       const void *configuration, size_t configuration_bytes)
{
	u64 hash = fnv_1a(FNV_OFFSET_BASIS, name, name_bytes);

	hash = fnv_1a(hash, configuration, configuration_bytes);
	return hash ? hash : FNV_OFFSET_BASIS;
}
