// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "membership.h"
#include "memory.h"
#include "survivor.h"
#include "world.h"

enum {
	/* Election timeouts from the end of all faults to a leader. */
	CONVERGE_TIMEOUTS = 10,
	/* What was under way when the faults ended: late datagrams, slow writes. */
	AFTERMATH_TIMEOUTS = 8,
	/* Without anything new for so long, it is stuck. */
	PROGRESS_TIMEOUTS = 4,
	STORM_FACTOR = 4,
};

static bool is_before(const struct event *a, const struct event *b)
{
	return a->at_ns < b->at_ns ||
	       (a->at_ns == b->at_ns && a->order < b->order);
}

void world_at(struct world *w, u64 at_ns, enum event_kind kind,
	      struct node *node, void *object)
{
	struct event event = {
		.at_ns = max(at_ns, w->now_ns),
		.order = w->order++,
		.kind = kind,
		.node = node ? node - w->nodes : 0,
		.boot = node ? node->boot : 0,
		.object = object,
	};
	u64 i = w->n_events;

	w->events = memory_grow(w->events, w->n_events, &w->n_events_max,
				sizeof(*w->events));
	w->n_events++;
	while (i > 0 && is_before(&event, &w->events[(i - 1) / 2])) {
		w->events[i] = w->events[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->events[i] = event;
}

struct node *world_twin(struct world *w)
{
	return &w->nodes[NODES_MAX];
}

static struct event pop(struct world *w)
{
	struct event first = w->events[0];
	struct event last = w->events[--w->n_events];
	u64 i = 0, child;

	while ((child = 2 * i + 1) < w->n_events) {
		if (child + 1 < w->n_events &&
		    is_before(&w->events[child + 1], &w->events[child]))
			child++;
		if (!is_before(&w->events[child], &last))
			break;
		w->events[i] = w->events[child];
		i = child;
	}
	w->events[i] = last;
	return first;
}

static struct node *find_leader(struct world *w)
{
	struct node *leader = NULL;
	u32 i;

	for (i = 0; i < w->n_nodes; i++) {
		struct node *node = &w->nodes[i];

		if (node->up && node->role == RAFT_LEADER &&
		    (!leader || node->current_term > leader->current_term))
			leader = node;
	}
	return leader;
}

void world_repair_later(struct world *w, struct node *node)
{
	u64 after = rng_below(&w->rng, w->plan.repair_ns_max);

	world_at(w, w->now_ns + after, EVENT_START, node, NULL);
}

static void crash(struct world *w, struct node *node)
{
	if (!node->up)
		return;
	node_crash(w, node);
	world_repair_later(w, node);
}

/* Of two nodes that have their own; down they are, or have to be. */
static void swap_disks(struct world *w, struct node *node)
{
	u32 step = 1 + rng_below(&w->rng, w->n_nodes - 1);
	struct node *other = &w->nodes[(node->id - 1 + step) % w->n_nodes];

	if (node->swapped || other->swapped)
		return;
	crash(w, node);
	crash(w, other);
	w->counters.swapped++;
	node_swap(w, node, other);
}

/*
 * Somebody sets a machine up as if it were @node: its id, its address, and a log
 * that was made for it, or the one of the last time. Not before the cluster is:
 * until then the disks of all are what it waits for. Nor, while somebody does not know
 * the disks yet, as one new disk too many.
 */
static void switch_twin(struct world *w, struct node *node)
{
	struct node *twin = world_twin(w);

	if (twin->up) {
		node_crash(w, twin);
		return;
	}
	if (w->check.committed.n < 2 ||
	    (!members_know_disks(w) && !members_may_harm(w, node)))
		return;
	if (twin->id != node->id || rng_chance(&w->rng, RNG_ONE / 2))
		node_make_twin(w, twin, node);
	node->had_twin = true;
	w->counters.twins++;
	trace(w, TRACE_TWIN, twin->id, twin->store.durable.n, 0, 0, 0);
	node_start(w, twin);
}

static enum fault draw_fault(struct world *w)
{
	u32 i, sum = 0;
	u64 draw;

	for (i = 0; i < FAULTS; i++)
		sum += w->plan.faults[i];
	draw = rng_below(&w->rng, sum);
	for (i = 0; draw >= w->plan.faults[i]; i++)
		draw -= w->plan.faults[i];
	return i;
}

static void inflict(struct world *w, enum fault fault)
{
	u64 timeout = w->plan.election_timeout_ns;
	struct node *leader = find_leader(w);
	struct node *node = &w->nodes[rng_below(&w->rng, w->n_nodes)];
	u64 ns = rng_below(&w->rng, 2 * timeout);
	u32 i;

	switch (fault) {
	case FAULT_CRASH:
		/* Now, or when it next writes. */
		if (rng_chance(&w->rng, RNG_ONE / 2))
			node->store.crash_next = true;
		else
			crash(w, node);
		break;
	case FAULT_CRASH_LEADER:
		crash(w, leader ? leader : node);
		break;
	case FAULT_CRASH_ALL:
		for (i = 0; i < w->n_nodes; i++)
			crash(w, &w->nodes[i]);
		break;
	case FAULT_SHUTDOWN:
		if (node->up && !node->stop_at)
			node_leave(w, node);
		break;
	case FAULT_HEAL:
		net_heal(w);
		break;
	case FAULT_PAUSE:
		if (rng_chance(&w->rng, RNG_ONE / 2) && leader)
			node = leader;
		if (node->up)
			owner_pause(w, node, ns);
		break;
	case FAULT_STALL:
		if (rng_chance(&w->rng, RNG_ONE / 2) && leader)
			node = leader;
		node->store.stall_ns = ns;
		break;
	case FAULT_DISK:
		node->store.fail_next = true;
		break;
	case FAULT_JUMP:
		node_jump(w, node, ns);
		break;
	case FAULT_TRANSFER:
		if (rng_chance(&w->rng, RNG_ONE / 8) || !leader)
			leader = node;
		if (leader->up)
			node_transfer(w, leader,
				      rng_below(&w->rng, w->n_nodes + 1),
				      RAFT_TRANSFER_REQUESTED);
		break;
	case FAULT_SET:
		/* Shorter, longer, or back again. */
		node_set(w, node,
			 timeout * rng_between(&w->rng, 1, 4) / 2);
		break;
	case FAULT_SWAP:
		swap_disks(w, node);
		break;
	case FAULT_TWIN:
		switch_twin(w, node);
		break;
	default:
		net_partition(w, fault, leader ? leader->id : node->id);
		break;
	}
}

static void next_fault(struct world *w)
{
	u64 after;

	inflict(w, draw_fault(w));
	/* A node that stopped itself is started again some time. */
	if (rng_chance(&w->rng, RNG_ONE / 4)) {
		u32 i;

		for (i = 0; i < w->n_nodes; i++)
			if (w->nodes[i].role == RAFT_FAILED)
				crash(w, &w->nodes[i]);
	}
	after = rng_between(&w->rng, 1, 2 * w->plan.fault_interval_ns);
	world_at(w, w->now_ns + after, EVENT_FAULT, NULL, NULL);
}

/* From here on nothing goes wrong any more. */
static void quiet(struct world *w)
{
	u64 timeout = w->plan.election_timeout_ns;
	u32 i;

	if (w->quiet)
		return;
	w->quiet = true;
	trace(w, TRACE_QUIET, 0, 0, 0, 0, 0);
	net_heal(w);
	w->net.quiet = true;
	failpoints_leave(w);
	if (world_twin(w)->up)
		node_crash(w, world_twin(w));
	for (i = 0; i < w->n_nodes && !w->violated; i++) {
		struct node *node = &w->nodes[i];

		node->store.fail_next = false;
		node->store.crash_next = false;
		node->store.stall_ns = 0;
		node->paused_until = 0;
		/* Whoever has the version before is upgraded now. */
		if (node->up && (w->plan.power_cycle || node->disk_broken ||
				 node->feature_level < RAFT_FEATURE_LEVEL_LAST))
			node_crash(w, node);
	}
	/* Refused by both, swapped disks go back. */
	for (i = 0; i < w->n_nodes && !w->violated; i++)
		if (w->nodes[i].swapped)
			node_start(w, &w->nodes[i]);
	for (i = 0; i < w->n_nodes && !w->violated; i++) {
		if (!w->nodes[i].up)
			node_start(w, &w->nodes[i]);
		node_set(w, &w->nodes[i], timeout);
		owner_wake(w, &w->nodes[i]);
	}
	world_at(w,
		 w->now_ns + (CONVERGE_TIMEOUTS + AFTERMATH_TIMEOUTS) * timeout,
		 EVENT_CONVERGE, NULL, NULL);
}

void world_end_faults(struct world *w, u64 at_ns)
{
	w->quiet_ns = at_ns;
	world_at(w, at_ns, EVENT_QUIET, NULL, NULL);
}

/* Or another one, which goes on a while. */
static void end_of_faults(struct world *w)
{
	bool lose_quorum = w->plan.lose_quorum && !w->quiet;

	w->plan.lose_quorum = false;
	if (lose_quorum && survivor_goes_on(w)) {
		world_end_faults(w, w->now_ns + w->plan.fault_phase_ns / 2);
		return;
	}
	if (!w->violated)
		quiet(w);
}

/* Slow is not stuck: look again as long as there is more each time. */
static void look_again(struct world *w, enum event_kind kind)
{
	u64 ns = PROGRESS_TIMEOUTS * w->plan.election_timeout_ns;

	world_at(w, w->now_ns + ns, kind, NULL, NULL);
}

static void finish(struct world *w)
{
	if (!w->violated)
		progress_final(w);
	w->over = true;
}

static void converge(struct world *w)
{
	switch (progress_converge(w)) {
	case PROGRESS_SOME:
		look_again(w, EVENT_CONVERGE);
		break;
	case PROGRESS_FULL:
		finish(w);
		break;
	case PROGRESS_DONE:
		w->check.progress = w->clients.n_ops;
		w->check.progress += w->readers.n;
		clients_probe(w);
		readers_probe(w);
		look_again(w, EVENT_PROBE);
		break;
	}
}

static void probe(struct world *w)
{
	if (progress_probe(w) == PROGRESS_SOME)
		look_again(w, EVENT_PROBE);
	else
		finish(w);
}

static void node_event(struct world *w, const struct event *event)
{
	struct node *node = &w->nodes[event->node];
	bool stale = event->boot != (u16)node->boot;

	if (event->kind == EVENT_START) {
		if (!stale && !node->up && !w->quiet)
			node_start(w, node);
		return;
	}
	stale |= !node->up;
	if ((event->kind == EVENT_READ || event->kind == EVENT_CHUNK) && stale)
		free(event->object);
	if (stale)
		return;
	switch (event->kind) {
	case EVENT_WAKE:
		owner_run(w, node);
		break;
	case EVENT_TIMER:
		owner_timer(w, node);
		break;
	case EVENT_ASK:
		keys_ask(w, node);
		break;
	case EVENT_STORE:
		store_event(w, node);
		break;
	case EVENT_STOP:
		if (!w->quiet)
			node_leave(w, node);
		break;
	case EVENT_POWER:
		if (!w->quiet)
			crash(w, node);
		break;
	case EVENT_READ:
		sender_read_done(w, node, event->object);
		break;
	case EVENT_SLOT:
		slots_event(w, node, (uintptr_t)event->object);
		break;
	case EVENT_CHUNK:
		slots_read_done(w, node, event->object);
		break;
	}
}

static void dispatch(struct world *w, const struct event *event)
{
	switch (event->kind) {
	case EVENT_ARRIVE:
		net_arrive(w, event->object);
		break;
	case EVENT_PROPOSE:
		if (!w->quiet)
			clients_propose(w);
		break;
	case EVENT_CANCEL:
		clients_cancel(w, event->object);
		break;
	case EVENT_CHANGE:
		if (!w->quiet)
			members_wish(w);
		break;
	case EVENT_READERS:
		if (!w->quiet)
			readers_read(w);
		break;
	case EVENT_GIVE_UP:
		readers_give_up(w, event->object);
		break;
	case EVENT_FAULT:
		if (!w->quiet)
			next_fault(w);
		break;
	case EVENT_ROTATE:
		if (!w->quiet)
			keys_rotate(w);
		break;
	case EVENT_QUIET:
		if (w->now_ns == w->quiet_ns)
			end_of_faults(w);
		break;
	case EVENT_CONVERGE:
		converge(w);
		break;
	case EVENT_PROBE:
		probe(w);
		break;
	default:
		node_event(w, event);
		break;
	}
}

const void *world_payload(const struct record *record)
{
	if (record->op)
		return record->op->data;
	return record->data;
}

static void make_configuration(struct world *w)
{
	struct raft_configuration configuration = {
		.n_members = w->n_nodes - w->plan.n_newcomers,
	};
	u32 n_voters = configuration.n_members - w->plan.n_learners;
	u32 i;
	int bytes;

	for (i = 0; i < configuration.n_members; i++) {
		struct raft_member *member = &configuration.members[i];

		member->id = i + 1;
		member->kind = i < n_voters ? RAFT_VOTER : RAFT_NON_VOTER;
		if (w->plan.witnesses >> member->id & 1)
			member->flags = RAFT_MEMBER_F_WITNESS;
		member->address.family = 4;
		member->address.port = 7400;
		member->address.ip[3] = i + 1;
	}
	bytes = raft_configuration_encode(&configuration, w->configuration,
					  sizeof(w->configuration));
	memory_assert(bytes > 0);
	w->configuration_bytes = bytes;
}

static void set_up(struct world *w)
{
	const struct plan *plan = &w->plan;
	u64 after;
	u32 i;

	w->n_nodes = plan->n_nodes + plan->n_newcomers;
	trace(w, TRACE_CLUSTER, 0, w->n_nodes, plan->n_learners,
	      plan->election_timeout_ns / 1000,
	      plan->heartbeat_interval_ns / 1000);
	rng_seed(&w->rng, w->seed, 2);
	rng_seed(&w->net.rng, w->seed, 3);
	rng_seed(&w->clients.rng, w->seed, 4);
	rng_seed(&w->readers.rng, w->seed, 6);
	w->cluster_id = rng_next(&w->rng);
	failpoints_enter(w);
	make_configuration(w);
	/* Not the same numbers as the node whose id it takes. */
	world_twin(w)->boot = 1;
	check_init(&w->check);
	programs_init(w);
	keys_init(w);
	for (i = 0; i < w->n_nodes; i++)
		node_init(w, &w->nodes[i], i + 1);
	for (i = 0; i < w->n_nodes; i++) {
		after = rng_below(&w->rng, plan->election_timeout_ns);
		world_at(w, after, EVENT_START, &w->nodes[i], NULL);
	}
	after = 2 * plan->election_timeout_ns;
	world_at(w, after, EVENT_FAULT, NULL, NULL);
	world_at(w, after / 2, EVENT_PROPOSE, NULL, NULL);
	world_at(w, after / 2, EVENT_READERS, NULL, NULL);
	world_end_faults(w, after + plan->fault_phase_ns);
	if (plan->change_interval_ns)
		world_at(w, after, EVENT_CHANGE, NULL, NULL);
}

static void tear_down(struct world *w)
{
	u64 i;

	for (i = 0; i < w->n_events; i++)
		if (w->events[i].kind == EVENT_ARRIVE ||
		    w->events[i].kind == EVENT_CHUNK ||
		    w->events[i].kind == EVENT_READ)
			free(w->events[i].object);
	free(w->events);
	free(w->recovery_buf);
	free(w->states.at);
	for (i = 0; i < w->n_nodes; i++)
		node_destroy(&w->nodes[i]);
	if (world_twin(w)->id)
		node_destroy(world_twin(w));
	programs_free(&w->programs);
	clients_free(&w->clients);
	readers_free(&w->readers);
	keys_free(w);
	check_free(&w->check);
}

void world_run(struct world *w, u64 seed, const struct world_options *options)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->steps_max = options->steps_max;
	w->trace.print = options->print;
	plan_draw(&w->plan, seed, options->n_nodes);
	set_up(w);
	while (!w->over && !w->violated) {
		struct event event = pop(w);

		w->now_ns = event.at_ns;
		w->n_steps++;
		if (w->n_steps == w->steps_max)
			quiet(w);
		if (w->n_steps >= STORM_FACTOR * w->steps_max)
			violation(w, "progress",
				  "a storm: %llu events and no end",
				  w->n_steps);
		dispatch(w, &event);
	}
	trace(w, TRACE_END, 0, w->check.committed.n, w->clients.n_ops, 0, 0);
	w->counters.seeds++;
	w->counters.seeds_interrupted += w->install_interrupted;
	w->counters.seeds_apart += w->changed_apart;
	w->counters.events += w->n_steps;
	w->counters.virtual_ms += w->now_ns / NSEC_PER_MSEC;
	tear_down(w);
}
