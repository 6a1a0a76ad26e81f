/* SPDX-License-Identifier: GPL-2.0 */
/* A core for fuzzers to do their worst to: its memory, and that grows. */
#ifndef FUZZ_CORE_H
#define FUZZ_CORE_H

#include "../../kmod/raft/raft.h"
#include "fuzz.h"

enum {
	CORE_ENTRIES = 64,
	CORE_SENDS = 4 * RAFT_STEP_SENDS_MAX,
	CORE_SPACE_BYTES = 1 << 20,
};

struct core {
	struct raft *r;
	struct raft_rng rng;
	struct raft_settings settings;
	struct raft_update update;
	struct raft_entry entries[CORE_ENTRIES];
	struct raft_send sends[CORE_SENDS];
	void *memory;
	struct raft_term_run *runs;
};

/* Server @node_id, with an empty log and little room for everything. */
void core_init(struct core *core, u32 node_id);
/* What the core said -ENOMEM for. */
void core_provide_memory(struct core *core);
void core_free(struct core *core);

#endif /* FUZZ_CORE_H */
