// SPDX-License-Identifier: GPL-2.0
/*
 * Swarm: each seed turns on some of the faults and some of the narrow limits, so
 * that rare combinations come up and nothing drowns the rest.
 */
#include "plan.h"
#include "raft/raft.h"
#include "rng.h"

#define PICK(rng, array) ((array)[rng_below(rng, ARRAY_SIZE(array))])

static void draw_cluster(struct plan *plan, struct rng *rng, u32 n_nodes)
{
	static const u32 sizes[] = { 1, 2, 3, 3, 3, 3, 3, 3, 4, 4,
				     5, 5, 5, 5, 5, 5, 6, 7, 7, 3 };
	static const u64 timeouts_ms[] = { 40, 150, 500 };
	static const u32 per_timeout[] = { 2, 3, 4, 8 };
	u64 timeout;

	plan->n_nodes = PICK(rng, sizes);
	if (n_nodes)
		plan->n_nodes = n_nodes;
	if (rng_chance(rng, 80000) && plan->n_nodes > 3)
		plan->n_learners = 1;
	timeout = PICK(rng, timeouts_ms) * NSEC_PER_MSEC;
	plan->election_timeout_ns = timeout;
	plan->heartbeat_interval_ns = timeout / PICK(rng, per_timeout);
}

static void draw_limits(struct plan *plan, struct rng *rng)
{
	static const u32 windows[] = { 8, 16, 32, 64, 256, 256 };
	static const u32 appends[] = { 1, 3, 8, 32 };
	bool narrow = rng_chance(rng, 300000);

	plan->window_entries = PICK(rng, windows);
	plan->append_entries_max = PICK(rng, appends);
	plan->append_bytes_max = rng_between(rng, 64, 16384);
	plan->inflight_messages_max = rng_between(rng, 1, narrow ? 2 : 32);
	plan->inflight_bytes_max = rng_between(rng, 1024, 65536);
	plan->uncommitted_bytes_max = rng_between(rng, 2048, narrow ? 4096 : 262144);
	plan->proposals_max = narrow ? 4 : 256;
	plan->update_entries = plan->append_entries_max + 2 +
			       (narrow ? 0 : rng_below(rng, 64));
	plan->update_sends = 2 * RAFT_STEP_SENDS_MAX +
			     (narrow ? rng_below(rng, 4) : 128);
	plan->term_runs = narrow ? 16 : 64;
	plan->cache_entries = narrow ? 4 : 128;
	plan->batch_events = rng_between(rng, 1, 32);
	plan->inbox_items = narrow ? 16 : 512;
	plan->wake_ns = rng_between(rng, 1, plan->election_timeout_ns / 400);
	plan->drift = rng_below(rng, 3) * 10;
	if (rng_chance(rng, 200000))
		plan->drift = 200;
}

static void draw_disk(struct plan *plan, struct rng *rng)
{
	static const u32 blocks[] = { 512, 512, 1024, 4096 };
	u64 timeout = plan->election_timeout_ns;

	plan->block_bytes = PICK(rng, blocks);
	plan->area_bytes = plan->block_bytes == 4096 ? 2 << 20 : 512 << 10;
	if (rng_chance(rng, 60000)) {
		plan->block_bytes = 512;
		plan->area_bytes = rng_between(rng, 128, 256) * 512;
	}
	plan->map_slots = rng_between(rng, 2, 16);
	plan->write_ns_min = timeout / 1000;
	plan->write_ns_max = rng_between(rng, timeout / 500, timeout / 20);
	plan->group_requests = rng_between(rng, 1, 16);
	if (plan->n_nodes > 2 && rng_chance(rng, 250000))
		plan->rot = rng_between(rng, 50000, 500000);
	if (plan->n_nodes > 2 && rng_chance(rng, 150000))
		plan->wipe = rng_between(rng, 20000, 200000);
}

static void draw_network(struct plan *plan, struct rng *rng)
{
	static const u32 chances[] = { 0, 0, 10000, 50000, 200000 };
	u64 timeout = plan->election_timeout_ns;

	plan->delay_ns_min = timeout / 2000;
	plan->delay_ns_max = rng_between(rng, timeout / 1000, timeout / 25);
	plan->slow_ns = rng_between(rng, timeout / 10, timeout * 3);
	plan->slow = PICK(rng, chances);
	plan->lanes = rng_chance(rng, RNG_ONE / 2);
	plan->loss = PICK(rng, chances);
	plan->duplicate = PICK(rng, chances);
	plan->corrupt = PICK(rng, chances) / 4;
}

static void draw_faults(struct plan *plan, struct rng *rng)
{
	static const u32 weights[FAULTS] = {
		[FAULT_CRASH] = 8,	       [FAULT_CRASH_LEADER] = 8,
		[FAULT_CRASH_ALL] = 2,	       [FAULT_SHUTDOWN] = 3,
		[FAULT_PARTITION_UNIFORM] = 4, [FAULT_PARTITION_ISOLATE] = 3,
		[FAULT_PARTITION_LEADER] = 8,  [FAULT_PARTITION_ONE_WAY] = 3,
		[FAULT_PARTITION_BRIDGE] = 3,  [FAULT_HEAL] = 8,
		[FAULT_PAUSE] = 4,	       [FAULT_STALL] = 4,
		[FAULT_DISK] = 1,	       [FAULT_JUMP] = 1,
		[FAULT_PARTITION_CHAIN] = 2,
	};
	u64 timeout = plan->election_timeout_ns;
	u32 i;

	for (i = 0; i < FAULTS; i++)
		if (i == FAULT_HEAL || rng_chance(rng, 550000))
			plan->faults[i] = weights[i];
	plan->fault_interval_ns = timeout * rng_between(rng, 1, 6) / 2;
	plan->repair_ns_max = timeout * rng_between(rng, 1, 6);
	plan->fault_phase_ns = timeout * rng_between(rng, 6, 26);
	plan->power_cycle = rng_chance(rng, 250000);
}

/* Many terms in one log, and datagrams that go from one into another. */
static void draw_unrest(struct plan *plan, struct rng *rng)
{
	u64 timeout = plan->election_timeout_ns;

	if (plan->n_nodes < 5 || !rng_chance(rng, 250000))
		return;
	plan->faults[FAULT_PARTITION_UNIFORM] = 10;
	plan->faults[FAULT_CRASH_LEADER] = 10;
	plan->faults[FAULT_PARTITION_LEADER] = 20;
	plan->fault_interval_ns = 2 * timeout;
	plan->repair_ns_max = 2 * timeout;
	plan->fault_phase_ns = 70 * timeout;
	plan->slow_ns = 8 * timeout;
	plan->slow = rng_between(rng, 10000, 200000);
	plan->duplicate = 300000;
	plan->late_duplicates = true;
}

/* Disks that go bad again and again: more gaps than a log can name. */
static void draw_decay(struct plan *plan, struct rng *rng)
{
	u64 timeout = plan->election_timeout_ns;

	if (!plan->rot || !rng_chance(rng, 150000))
		return;
	plan->rot = RNG_ONE;
	plan->faults[FAULT_CRASH] = 40;
	plan->fault_interval_ns = 2 * timeout;
	plan->repair_ns_max = timeout / 2;
	plan->fault_phase_ns = 80 * timeout;
}

/* Those that fail for good are the disk's and the network's to draw. */
static void draw_failpoints(struct plan *plan, struct rng *rng)
{
	static const u32 places[] = {
		RAFTLOG_FAILPOINT_RAFT_NO_ROOM,	  RAFTLOG_FAILPOINT_RAFT_SEND_LESS,
		RAFTLOG_FAILPOINT_RAFT_STEP_AGAIN, RAFTLOG_FAILPOINT_RAFT_TAKE_LESS,
		RAFTLOG_FAILPOINT_WAL_BATCH_FULL, RAFTLOG_FAILPOINT_STORAGE_SLOT,
		RAFTLOG_FAILPOINT_EXECUTE_NO_PARKING,
		RAFTLOG_FAILPOINT_CACHE_FULL,
	};
	u32 i;

	if (!rng_chance(rng, 300000))
		return;
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (rng_chance(rng, RNG_ONE / 2))
			plan->failpoints[places[i]] =
				rng_between(rng, 1000, 300000);
}

/* Leaders that hand over, also while what an earlier one sent is under way. */
static void draw_transfers(struct plan *plan, struct rng *rng)
{
	u64 timeout = plan->election_timeout_ns;
	u32 i;

	if (rng_chance(rng, 350000))
		for (i = 0; i < plan->n_nodes; i++)
			plan->priorities[i] = rng_below(rng, 3);
	if (rng_chance(rng, 400000))
		plan->faults[FAULT_TRANSFER] = 8;
	if (plan->n_nodes < 3 || !rng_chance(rng, 80000))
		return;
	plan->faults[FAULT_TRANSFER] = 60;
	plan->fault_interval_ns = timeout;
	plan->repair_ns_max = timeout;
	plan->fault_phase_ns = 50 * timeout;
	plan->slow_ns = 4 * timeout;
	plan->slow = rng_between(rng, 10000, 300000);
	plan->duplicate = 300000;
	plan->late_duplicates = true;
}

/* Drawn by itself: seeds from before it stay what they were otherwise. */
static void draw_settings(struct plan *plan, struct rng *rng)
{
	if (rng_chance(rng, 300000))
		plan->faults[FAULT_SET] = 5;
}

/* Drawn by itself, and seldom: two nodes at once are down for long. */
static void draw_swaps(struct plan *plan, struct rng *rng)
{
	if (plan->n_nodes > 1 && rng_chance(rng, 150000))
		plan->faults[FAULT_SWAP] = 3;
}

/* Drawn by themselves as well: disks that come back, and a second node of one id. */
static void draw_identity(struct plan *plan, struct rng *rng)
{
	if (plan->wipe && rng_chance(rng, 600000))
		plan->put_back = rng_between(rng, 50000, 500000);
	if (plan->n_nodes > 1 && rng_chance(rng, 100000))
		plan->faults[FAULT_TWIN] = rng_between(rng, 1, 8);
}

static void draw_clients(struct plan *plan, struct rng *rng)
{
	static const u32 payloads[] = { 8, 64, 300, 2000 };
	u64 timeout = plan->election_timeout_ns;

	plan->propose_interval_ns = timeout / rng_between(rng, 1, 12);
	plan->burst = rng_chance(rng, 300000) ? rng_between(rng, 2, 12) : 1;
	plan->payload_max = PICK(rng, payloads);
	plan->op_timeout_ns = timeout * rng_between(rng, 1, 8);
}

/* Not with a second node of one id: it could be the one that gets the vote. */
static void draw_changes(struct plan *plan, struct rng *rng)
{
	u64 timeout = plan->election_timeout_ns;

	if (plan->faults[FAULT_TWIN] || !rng_chance(rng, 400000))
		return;
	plan->n_newcomers = rng_below(rng, NODES_MAX - plan->n_nodes + 1);
	plan->change_interval_ns = timeout * rng_between(rng, 1, 12) / 2;
	plan->fault_phase_ns += timeout * rng_below(rng, 20);
}

/* Not node 1: somebody is to lead. */
static void draw_witnesses(struct plan *plan, struct rng *rng)
{
	u32 n = plan->n_nodes + plan->n_newcomers;

	if (plan->n_nodes < 3 || plan->faults[FAULT_TWIN] ||
	    !rng_chance(rng, 200000))
		return;
	plan->witnesses |= 1u << rng_between(rng, 2, n);
	if (n > plan->n_nodes)
		plan->witnesses |= 1u << rng_between(rng, plan->n_nodes + 1, n);
}

static void draw_readers(struct plan *plan, struct rng *rng)
{
	static const u32 leases[] = { 0, 300000, 700000 };
	u64 timeout = plan->election_timeout_ns;

	plan->read_interval_ns = timeout / rng_between(rng, 1, 20);
	plan->read_burst = rng_chance(rng, 300000) ? rng_between(rng, 2, 12) : 1;
	plan->read_lease = PICK(rng, leases);
	plan->read_timeout_ns = timeout * rng_between(rng, 1, 8);
}

static void draw_compaction(struct plan *plan, struct rng *rng)
{
	if (!rng_chance(rng, RNG_ONE / 2))
		return;
	plan->compact = rng_between(rng, 1000, 100000);
}

static void draw_survivor(struct plan *plan, struct rng *rng)
{
	plan->lose_quorum = rng_chance(rng, RNG_ONE / 4);
}

/* Also more names than there is room for. */
static void draw_programs(struct plan *plan, struct rng *rng)
{
	plan->sessions_max = rng_between(rng, 1, 6);
	if (!rng_chance(rng, 350000))
		return;
	plan->n_programs = rng_between(rng, 1, 8);
	plan->program_restart = rng_between(rng, 10000, 200000);
	/* Seldom one that forgets before the next checkpoint comes. */
	plan->window_entries = max(plan->window_entries,
				   rng_chance(rng, 700000) ? 256u : 32u);
}

/*
 * Applications that take snapshots, and logs that let go what these make up for at
 * once: whoever was away for a while needs one, and with small chunks it takes so
 * long that something comes between.
 */
static void draw_snapshots(struct plan *plan, struct rng *rng)
{
	static const u32 chunks[] = { 512, 512, 1024, 4096 };
	u32 n_chunks;

	if (plan->n_nodes < 2 || !rng_chance(rng, 550000))
		return;
	plan->compact = rng_between(rng, 20000, 300000);
	plan->snapshot = rng_between(rng, 2000, 100000);
	plan->snapshot_variants = rng_chance(rng, RNG_ONE / 2);
	plan->chunk_bytes = max(PICK(rng, chunks), plan->block_bytes);
	n_chunks = rng_between(rng, 1, 24);
	plan->snapshot_bytes_max = n_chunks * plan->chunk_bytes;
	if (rng_chance(rng, 300000))
		plan->snapshot_bytes_per_s =
			div64_u64(plan->snapshot_bytes_max * NSEC_PER_SEC,
				  plan->election_timeout_ns);
	if (rng_chance(rng, 200000))
		plan->snapshot_lost = rng_between(rng, 1000, 100000);
}

static void draw_upgrade(struct plan *plan, struct rng *rng)
{
	if (rng_chance(rng, RNG_ONE / 2))
		plan->upgrade = rng_between(rng, RNG_ONE / 20, RNG_ONE);
}

/*
 * Mostly with a key. Not where what comes twice, and late, is the point: a window
 * takes nothing twice.
 */
static void draw_keys(struct plan *plan, struct rng *rng)
{
	static const u32 chances[] = { 0, 10000, 50000, 200000 };
	u64 timeout = plan->election_timeout_ns;

	if (plan->late_duplicates || !rng_chance(rng, 750000))
		return;
	plan->keyed = true;
	plan->attack = PICK(rng, chances);
	if (rng_chance(rng, 300000))
		plan->epoch_datagrams = rng_between(rng, 1, 300);
	if (rng_chance(rng, 300000))
		plan->epoch_ns = rng_between(rng, timeout / 4, timeout * 8);
	if (rng_chance(rng, 500000))
		plan->rotate_interval_ns =
			rng_between(rng, timeout / 8, timeout * 2);
	if (rng_chance(rng, 150000))
		plan->forget = rng_between(rng, 100, 5000);
}

void plan_draw(struct plan *plan, u64 seed, u32 n_nodes)
{
	struct rng rng;

	rng_seed(&rng, seed, 1);
	memset(plan, 0, sizeof(*plan));
	draw_cluster(plan, &rng, n_nodes);
	draw_limits(plan, &rng);
	draw_disk(plan, &rng);
	draw_network(plan, &rng);
	draw_faults(plan, &rng);
	draw_unrest(plan, &rng);
	draw_clients(plan, &rng);
	draw_failpoints(plan, &rng);
	draw_swaps(plan, &rng);
	draw_decay(plan, &rng);
	draw_identity(plan, &rng);
	draw_changes(plan, &rng);
	draw_witnesses(plan, &rng);
	draw_readers(plan, &rng);
	draw_transfers(plan, &rng);
	draw_settings(plan, &rng);
	draw_compaction(plan, &rng);
	draw_survivor(plan, &rng);
	draw_programs(plan, &rng);
	draw_snapshots(plan, &rng);
	draw_upgrade(plan, &rng);
	draw_keys(plan, &rng);
}
