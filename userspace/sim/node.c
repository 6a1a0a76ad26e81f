// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "membership.h"
#include "memory.h"
#include "world.h"

/* Each node has a clock of its own, with its own idea of how long a second is. */
u64 node_clock(const struct world *w, const struct node *node)
{
	return node->clock_base +
	       (w->now_ns - node->clock_start) * node->clock_rate / 1000;
}

void node_init(struct world *w, struct node *node, u32 id)
{
	node->id = id;
	node->newcomer = id > w->plan.n_nodes;
	node->witness = w->plan.witnesses >> id & 1;
	node->feature_level = w->plan.upgrade ? 0 : RAFT_FEATURE_LEVEL_LAST;
	node->inbox_tail = &node->inbox;
	node->parked_tail = &node->parked;
	node->timer_at = U64_MAX;
	rng_seed(&node->rng, w->seed, 16 + id + (node->boot << 8));
	store_init(w, node);
}

static void set_clock(struct world *w, struct node *node)
{
	u32 drift = w->plan.drift;

	node->clock_start = w->now_ns;
	node->clock_base = NSEC_PER_SEC + rng_below(&node->rng, 1ull << 40);
	node->jumped = false;
	node->clock_rate = 1000 - drift + rng_below(&node->rng, 2 * drift + 1);
}

void node_jump(struct world *w, struct node *node, u64 ns)
{
	if (!node->up)
		return;
	w->counters.jumps++;
	trace(w, TRACE_JUMP, node->id, ns / 1000, 0, 0, 0);
	node->clock_base += ns;
	node->jumped = true;
	w->jumped_ns = w->now_ns;
	node->lease_until_ns = 0;
	owner_wake(w, node);
}

void node_set(struct world *w, struct node *node, u64 election_timeout_ns)
{
	const struct plan *plan = &w->plan;
	struct raft_settings settings;

	if (!node->up || !node->raft || node->role == RAFT_FAILED ||
	    node->settings.election_timeout_ns == election_timeout_ns)
		return;
	settings = node->settings;
	settings.election_timeout_ns = election_timeout_ns;
	settings.heartbeat_interval_ns = plan->heartbeat_interval_ns *
					 election_timeout_ns /
					 plan->election_timeout_ns;
	settings.inflight_messages_max = plan->inflight_messages_max;
	if (election_timeout_ns < plan->election_timeout_ns)
		settings.inflight_messages_max =
			(plan->inflight_messages_max + 1) / 2;
	if (raft_set_settings(node->raft, &settings, node_clock(w, node)))
		violation(w, "settings", "node %u refuses them", node->id);
	node->settings = settings;
	w->counters.settings++;
	owner_step_time(w, node);
	owner_carry_out(w, node);
}

static void make_core(struct world *w, struct node *node)
{
	const struct plan *plan = &w->plan;
	struct raft_settings settings = {
		.node_id = node->id,
		.session = node->session,
		.election_timeout_ns = plan->election_timeout_ns,
		.heartbeat_interval_ns = plan->heartbeat_interval_ns,
		.append_bytes_max = plan->append_bytes_max,
		.append_entries_max = plan->append_entries_max,
		.inflight_bytes_max = plan->inflight_bytes_max,
		.inflight_messages_max = plan->inflight_messages_max,
		.uncommitted_bytes_max = plan->uncommitted_bytes_max,
		.entry_overhead_bytes =
			wal_entry_overhead_bytes(plan->block_bytes),
		.space_reserve_bytes =
			NODE_RESERVE_ENTRIES *
			wal_entry_overhead_bytes(plan->block_bytes),
		.hash_seed = node->id,
		.window_entries = plan->window_entries,
		.proposals_max = plan->proposals_max,
		.sessions_max = plan->sessions_max,
		.priority = plan->priorities[node->id - 1],
		.snapshot_bytes_per_s = plan->snapshot_bytes_per_s,
		.feature_level = node->feature_level,
	};
	size_t bytes = raft_footprint(&settings);

	memory_assert(bytes);
	node->memory = memory_zeroed(bytes);
	node->raft_rng.state = rng_next(&node->rng);
	node->raft = raft_init(node->memory, &settings, &node->raft_rng);
	memory_assert(node->raft);
	node->settings = settings;
	raft_set_incarnation(node->raft, node->store.super.incarnation);
	raft_set_joined(node->raft, node->store.super.joined);
	node->runs = memory_zeroed(plan->term_runs * sizeof(*node->runs));
	raft_provide_terms(node->raft, node->runs, plan->term_runs);

	node->entries =
		memory_zeroed(plan->update_entries * sizeof(*node->entries));
	node->sends = memory_zeroed(plan->update_sends * sizeof(*node->sends));
	raft_update_init(&node->update, node->entries, plan->update_entries,
			 node->sends, plan->update_sends);
}

static int join(struct world *w, struct node *node, const struct log *found,
		const struct raft_hard_state *hard_state, u64 space_bytes)
{
	int error = raft_restore_hard_state(node->raft, hard_state,
					    space_bytes);

	if (!error && !found->n && !node->store.super.joined)
		error = raft_bootstrap(node->raft, NULL, w->configuration,
				       w->configuration_bytes, space_bytes,
				       &node->update);
	if (!error && raft_restore_lost(node->raft, node->store.lost.index,
					node->store.lost.term))
		return -EUCLEAN;
	if (error)
		return error;
	return raft_start(node->raft, node_clock(w, node), &node->update);
}

void node_exchange(struct world *w, struct node *node)
{
	swap(node->store, node->spare);
	node->store.tail = &node->store.queue;
	node->spare.tail = &node->spare.queue;
	swap(node->rotted, node->spare_rotted);
	swap(node->promised_term, node->spare_promised_term);
	node->wiped = !node->wiped;
	trace(w, TRACE_PUT_BACK, node->id, node->store.durable.n,
	      node->store.durable_hard_state.current_term, node->wiped, 0);
}

/* An empty disk; the one that was there is put aside. */
static void wipe(struct world *w, struct node *node)
{
	if (node->has_spare)
		store_free(&node->spare);
	node->spare = node->store;
	node->spare.tail = &node->spare.queue;
	node->spare_rotted = node->rotted;
	node->spare_promised_term = node->promised_term;
	node->has_spare = true;
	node->wiped = true;
	store_wipe(w, node);
	node->rotted = false;
	node->promised_term = 0;
}

void node_make_twin(struct world *w, struct node *twin, const struct node *other)
{
	if (twin->id)
		store_free(&twin->store);
	memset(&twin->store, 0, sizeof(twin->store));
	twin->wiped = true;
	node_init(w, twin, other->id);
	twin->feature_level = other->feature_level;
	twin->promised_term = 0;
}

static void harm_disk(struct world *w, struct node *node)
{
	bool back;

	if (!w->quiet && rng_chance(&node->rng, w->plan.rot))
		store_rot_copy(w, node);
	/* Until the first entry is committed, each node is needed. */
	if (w->quiet || w->check.committed.n < 2 || !members_may_harm(w, node))
		return;
	back = node->has_spare && rng_chance(&node->rng, w->plan.put_back);
	if (back) {
		w->counters.put_back++;
		node_exchange(w, node);
	} else if (!node->wiped && rng_chance(&node->rng, w->plan.wipe)) {
		wipe(w, node);
	} else if (rng_chance(&node->rng, w->plan.rot)) {
		store_rot(w, node);
	}
}

/* Two disks, each pulled and put where the other one was. */
void node_swap(struct world *w, struct node *node, struct node *other)
{
	swap(node->store.disk, other->store.disk);
	node->swapped = node->swapped ? NULL : other;
	other->swapped = other->swapped ? NULL : node;
	node->refused = false;
	other->refused = false;
	trace(w, TRACE_SWAP, node->id, other->id, 0, 0, 0);
}

/* When both have refused, somebody has a look and puts them back. */
static void refuse(struct world *w, struct node *node, u32 owner_id)
{
	struct node *other = node->swapped;
	u64 after = rng_below(&node->rng, w->plan.repair_ns_max);

	trace(w, TRACE_FOREIGN, node->id, owner_id, 0, 0, 0);
	if (!other || owner_id != other->id) {
		violation(w, "identity", "node %u: the disk is said to be of node %u",
			  node->id, owner_id);
		return;
	}
	if (!node->refused)
		w->counters.refused++;
	node->refused = true;
	if (!other->refused)
		return;
	node_swap(w, node, other);
	world_at(w, w->now_ns + after, EVENT_START, node, NULL);
	world_at(w, w->now_ns + after, EVENT_START, other, NULL);
}

/* Of the running node; what is on the disk stays. */
static void free_core(struct node *node)
{
	void *grown;

	while (node->raft && (grown = raft_take_back(node->raft)))
		free(grown);
	free(node->memory);
	free(node->runs);
	free(node->entries);
	free(node->sends);
	log_free(&node->log);
	node->raft = NULL;
	node->memory = NULL;
	node->runs = NULL;
	node->entries = NULL;
	node->sends = NULL;
}

/* All that is only in memory. */
static void forget(struct world *w, struct node *node)
{
	node->up = false;
	node->boot++;
	node->role = RAFT_FOLLOWER;
	node->commit_index = 0;
	node->incoming_index = 0;
	node->persisted_seq = 0;
	node->by_transfer = false;
	node->transferee = RAFT_ID_NONE;
	node->n_transfers = 0;
	node->application.known = false;
	node->stop_at = 0;
	node->wake_at = 0;
	node->paused_until = 0;
	node->timer_at = U64_MAX;
	owner_stop(node);
	sender_stop(node);
	keys_stop(node);
	free_core(node);
	clients_forget(w, node);
	readers_forget(w, node);
}

/* One after the other, or a few at a time; when all is quiet, whoever is left. */
static void upgrade(struct world *w, struct node *node)
{
	if (node->feature_level == RAFT_FEATURE_LEVEL_LAST ||
	    (!w->quiet && !rng_chance(&node->rng, w->plan.upgrade)))
		return;
	node->feature_level = RAFT_FEATURE_LEVEL_LAST;
	w->counters.upgraded++;
	trace(w, TRACE_UPGRADE, node->id, node->feature_level, 0, 0, 0);
}

void node_start(struct world *w, struct node *node)
{
	struct raft_hard_state hard_state;
	u64 space_bytes;
	u32 owner_id;
	int error;

	if (!store_is_own(w, node, &owner_id)) {
		refuse(w, node, owner_id);
		return;
	}
	if (node->swapped) {
		violation(w, "identity", "node %u opens the disk of node %u",
			  node->id, node->swapped->id);
		return;
	}
	node->boot++;
	if (node->boot > 1)
		w->counters.restarts++;
	node->up = true;
	node->disk_broken = false;
	node->session = clients_open_session(w);
	node->counter = 0;
	set_clock(w, node);
	if (node->boot > 1 && node != world_twin(w)) {
		upgrade(w, node);
		harm_disk(w, node);
	}
	make_core(w, node);
	if (!store_recover(w, node, &node->log, &hard_state, &space_bytes))
		return;
	check_recovered(w, node, &node->log, &hard_state);
	if (w->violated)
		return;
	trace(w, TRACE_START, node->id, node->log.n,
	      log_term(&node->log, node->log.n), hard_state.current_term,
	      hard_state.voted_for);
	node->current_term = hard_state.current_term;
	node->commit_index = node->log.base;
	application_restore(w, node);
	if (w->violated)
		return;
	keys_start(w, node);
	error = join(w, node, &node->log, &hard_state, space_bytes);
	if (error == -EUCLEAN && node->rotted && w->plan.change_interval_ns) {
		/* All that is left tells of a time when it was alone. */
		forget(w, node);
		wipe(w, node);
		node_start(w, node);
		return;
	}
	if (error) {
		violation(w, "start", "node %u: %d", node->id, error);
		return;
	}
	store_use(w, node);
	owner_step_time(w, node);
	owner_carry_out(w, node);
}

static void become_alone(struct world *w, struct node *node,
			 const struct raft_hard_state *hard_state,
			 u64 space_bytes)
{
	int error = raft_restore_hard_state(node->raft, hard_state, space_bytes);

	if (!error) {
		do
			error = raft_recover(node->raft, &node->update);
		while (error == -ENOMEM && owner_provide_memory(w, node));
	}
	if (error)
		violation(w, "recovery", "node %u does not become a cluster: %d",
			  node->id, error);
	check_alone(w, node, node->update.hard_state.current_term);
	if (!w->violated)
		owner_carry_out(w, node);
}

/* What it was begun with is not here: that must be the snapshot's doing. */
static bool is_refused(struct world *w, const struct node *node)
{
	const struct wal_kept *kept = &node->store.super.kept;

	if (raft_reaches(node->raft, kept->index, kept->term))
		return false;
	if (!w->blind)
		violation(w, "recovery", "node %u: (%llu, %llu) was kept, and is gone",
			  node->id, kept->index, kept->term);
	w->counters.recoveries_refused++;
	return true;
}

bool node_recover(struct world *w, struct node *node, bool cut)
{
	u32 i, n_events = rng_below(&node->rng, 5);
	struct raft_hard_state hard_state;
	u64 space_bytes;

	node->boot++;
	node->up = true;
	node->disk_broken = false;
	node->store.crash_next = false;
	node->store.fail_next = false;
	set_clock(w, node);
	make_core(w, node);
	if (!store_recover(w, node, &node->log, &hard_state, &space_bytes))
		return false;
	check_recovered(w, node, &node->log, &hard_state);
	if (is_refused(w, node)) {
		forget(w, node);
		return false;
	}
	node->current_term = hard_state.current_term;
	w->recovering = true;
	if (!w->violated)
		become_alone(w, node, &hard_state, space_bytes);
	w->recovering = false;
	for (i = 0; i < n_events && cut && !w->violated; i++)
		store_event(w, node);
	if (cut) {
		node_crash(w, node);
		return false;
	}
	store_drain(w, node);
	forget(w, node);
	return true;
}

void node_crash(struct world *w, struct node *node)
{
	w->counters.crashes++;
	check_interrupted(w, node);
	store_crash(w, node);
	forget(w, node);
}

void node_transfer(struct world *w, struct node *node, u32 target, u8 cause)
{
	struct raft_event event = {
		.type = RAFT_EVENT_TRANSFER,
		.transfer = { .target = target, .cause = cause },
	};
	int error = owner_step(w, node, &event);

	trace(w, TRACE_TRANSFER, node->id, target, cause, -error, 0);
	switch (error) {
	case 0:
		break;
	case -EREMOTE:
	case -ENOENT:
	case -EOPNOTSUPP:
	case -EHOSTUNREACH:
	case -ESTALE:
	case -EBUSY:
	case -ENOTRECOVERABLE:
		w->counters.transfers_refused++;
		break;
	default:
		violation(w, "core", "node %u: refused a transfer: %d",
			  node->id, error);
		break;
	}
	if (node->role == RAFT_FAILED)
		return;
	owner_step_time(w, node);
	owner_carry_out(w, node);
}

/* In order: a leader hands over first, if that can be done in good time. */
void node_leave(struct world *w, struct node *node)
{
	if (!node->stop_at) {
		node->stop_at = w->now_ns + w->plan.election_timeout_ns;
		if (node->role == RAFT_LEADER)
			node_transfer(w, node, RAFT_ID_NONE,
				      RAFT_TRANSFER_SHUTDOWN);
	}
	if (node->transferee && w->now_ns < node->stop_at) {
		world_at(w, w->now_ns + w->plan.election_timeout_ns / 20,
			 EVENT_STOP, node, NULL);
		return;
	}
	node_shutdown(w, node);
	world_repair_later(w, node);
}

void node_shutdown(struct world *w, struct node *node)
{
	struct raft_event event = { .type = RAFT_EVENT_SHUTDOWN };

	w->counters.shutdowns++;
	trace(w, TRACE_SHUTDOWN, node->id, 0, 0, 0, 0);
	if (node->role != RAFT_FAILED) {
		int error = owner_step(w, node, &event);

		if (error && error != -ENOTRECOVERABLE)
			violation(w, "core", "node %u: shutdown: %d", node->id,
				  error);
		owner_step_time(w, node);
		owner_carry_out(w, node);
	}
	store_drain(w, node);
	forget(w, node);
}

void node_destroy(struct node *node)
{
	owner_stop(node);
	sender_stop(node);
	keys_stop(node);
	free_core(node);
	store_free(&node->store);
	if (node->has_spare)
		store_free(&node->spare);
}
