// SPDX-License-Identifier: GPL-2.0
#include "core.h"

enum {
	/* As few as there may be: they grow. */
	RUNS_FIRST = 16,
	RUNS_MAX = 1 << 16,
	ENTRY_OVERHEAD_BYTES = 64,
};

static void *zeroed(size_t bytes)
{
	void *memory = calloc(1, bytes);

	CHECK(memory);
	return memory;
}

static void provide_runs(struct core *core, u32 n)
{
	core->runs = zeroed(n * sizeof(*core->runs));
	free(raft_provide_terms(core->r, core->runs, n));
}

void core_init(struct core *core, u32 node_id)
{
	core->settings = (struct raft_settings){
		.node_id = node_id,
		.session = 0x1110 + node_id,
		.election_timeout_ns = 500 * NSEC_PER_MSEC,
		.heartbeat_interval_ns = 50 * NSEC_PER_MSEC,
		.append_bytes_max = 1000,
		.append_entries_max = 8,
		.inflight_bytes_max = 4000,
		.inflight_messages_max = 4,
		.uncommitted_bytes_max = 8000,
		.entry_overhead_bytes = ENTRY_OVERHEAD_BYTES,
		.space_reserve_bytes = 4 * ENTRY_OVERHEAD_BYTES,
		.window_entries = 256,
		.proposals_max = 128,
		.sessions_max = 4,
		.snapshot_bytes_per_s = 1 << 20,
		.feature_level = RAFT_FEATURE_LEVEL_LAST,
	};
	core->memory = zeroed(raft_footprint(&core->settings));
	core->r = raft_init(core->memory, &core->settings, &core->rng);
	CHECK(core->r);
	provide_runs(core, RUNS_FIRST);
	raft_update_init(&core->update, core->entries, CORE_ENTRIES,
			 core->sends, CORE_SENDS);
}

void core_provide_memory(struct core *core)
{
	size_t bytes = raft_growth_bytes(core->r);
	u32 n = 2 * raft_terms_capacity(core->r);

	if (bytes) {
		free(raft_grow(core->r, zeroed(bytes)));
		return;
	}
	CHECK(n <= RUNS_MAX);
	provide_runs(core, n);
}

void core_free(struct core *core)
{
	void *grown;

	while ((grown = raft_take_back(core->r)))
		free(grown);
	free(core->runs);
	free(core->memory);
}
