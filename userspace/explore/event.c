// SPDX-License-Identifier: GPL-2.0
/*
 * Which events are possible, and what each does.
 *
 * Time is abstract: a clock stands still until one of its own node's timers is
 * chosen to run out, and then is set to when that is due. Any timer may be next,
 * whatever the others are set to, as if clocks ran at any speed; how the election
 * timeout is drawn therefore has no effect. Only what a leader sent to its peers is
 * taken for lost for all of them at once.
 *
 * Not among the events: several in one batch, proposals that are cancelled, a node
 * that is stopped in order, a write that fails, a log that is full, entries that a
 * leader must read back, reads that are given up or by lease. What is on the disk
 * is modelled here: nothing is said of wal/ and wire/. All of that is the
 * simulator's.
 *
 * A node that is down is one that is sent nothing, so a crash ends with the start,
 * and a message that is lost is one that never arrives: EVENT_DROP adds nothing but
 * room in a channel.
 */
#include "check.h"
#include "event.h"

struct world world;
struct bounds bounds;
struct counters counters;

static bool is_leader(const struct node *node)
{
	return node->role == RAFT_LEADER;
}

/* When this follower's last leader no longer keeps it from voting. */
static u64 sticky_until(const struct node *node)
{
	const struct raft *r = core_of(node);
	u64 contact = 0;

	if (r->leader_contact_ns)
		contact = r->leader_contact_ns + r->settings.election_timeout_ns;
	return max(contact, r->sticky_until_ns);
}

/* Late enough for whatever is in flight. */
static u64 loss_at(const struct node *node)
{
	const struct raft *r = core_of(node);
	u64 at = node->now_ns, rtt = 0;
	u32 i;

	for (i = 0; i < bounds.nodes; i++)
		rtt = max(rtt, r->peers[i].rtt_ns);
	return at + 4 * (r->settings.heartbeat_interval_ns + rtt);
}

static bool has_in_flight(const struct node *node)
{
	const struct raft *r = core_of(node);
	u32 i;

	for (i = 0; i < bounds.nodes; i++)
		if (r->peers[i].n_inflight)
			return true;
	return false;
}

static struct packet *packet_at(const struct event *event)
{
	struct channel *channel = channel_between(event->from, event->node);

	return event->slot < channel->n ? &channel->packets[event->slot] : NULL;
}

static bool may_be_late(const struct event *event)
{
	const struct node *node = &world.nodes[event->node - 1];
	const struct packet *packet = packet_at(event);

	return packet && packet->message.type == RAFT_REQUEST_VOTE &&
	       !is_leader(node) && raft_is_sticky(core_of(node));
}

static u64 compactable(const struct node *node)
{
	const struct raft *r = core_of(node);

	return min(r->commit_index, r->durable_index);
}

bool event_is_possible(const struct event *event)
{
	const struct node *node = &world.nodes[event->node - 1];
	const struct common *common = &world.common;

	if (event->slow && common->delays >= bounds.delays)
		return false;
	switch (event->kind) {
	case EVENT_DELIVER:
		return packet_at(event);
	case EVENT_DELIVER_LATE:
		return may_be_late(event);
	case EVENT_DUPLICATE:
		return packet_at(event) && common->duplicates < bounds.duplicates;
	case EVENT_DROP:
		return packet_at(event) && common->drops < bounds.drops;
	case EVENT_ELECTION:
		return !is_leader(node) && node->current_term < bounds.terms &&
		       common->timeouts < bounds.timeouts;
	case EVENT_TAKE_OVER:
		return node->role == RAFT_FOLLOWER &&
		       core_of(node)->leader_id &&
		       node->current_term < bounds.terms &&
		       common->transfers < bounds.transfers;
	case EVENT_HEARTBEAT:
	case EVENT_QUORUM:
		return is_leader(node);
	case EVENT_LOSS:
		return is_leader(node) && has_in_flight(node);
	case EVENT_RESEND:
		return !is_leader(node) &&
		       raft_proposal_deadline(core_of(node)) != U64_MAX;
	case EVENT_PROPOSE:
		return common->n_ops < bounds.entries;
	case EVENT_READ:
		return common->n_lookups < bounds.reads;
	case EVENT_READ_DUE:
		return raft_read_deadline(core_of(node)) != U64_MAX;
	case EVENT_COMPACT:
		return common->compactions < bounds.compactions &&
		       compactable(node) > node->log.base;
	case EVENT_DISK:
		return event->slot && event->slot <= node->n_writes;
	case EVENT_CRASH:
		return common->crashes < bounds.crashes &&
		       event->slot <= node->n_writes;
	case EVENT_DAMAGE:
		return common->damages < bounds.damages &&
		       node_may_be_damaged(node, event->slot);
	case EVENT_WIPE:
		return common->wipes < bounds.wipes && node_may_be_wiped(node);
	default:
		return false;
	}
}

static u32 add(struct event *events, u32 n, u8 kind, u8 node, u8 from, u8 slot)
{
	const struct event event = {
		.kind = kind,
		.node = node,
		.from = from,
		.slot = slot,
	};

	events[n] = event;
	return event_is_possible(&event) ? n + 1 : n;
}

u32 events_possible(struct event *events)
{
	u32 n = 0;
	u8 node, from, slot, kind;

	for (node = 1; node <= bounds.nodes; node++) {
		for (from = 1; from <= bounds.nodes; from++)
			for (slot = 0; slot < channel_between(from, node)->n;
			     slot++)
				for (kind = EVENT_DELIVER; kind <= EVENT_DROP;
				     kind++)
					n = add(events, n, kind, node, from,
						slot);
		for (kind = EVENT_ELECTION; kind < EVENT_DISK; kind++)
			n = add(events, n, kind, node, 0, 0);
		for (slot = 0; slot <= world.nodes[node - 1].n_writes; slot++) {
			n = add(events, n, EVENT_DISK, node, 0, slot);
			n = add(events, n, EVENT_CRASH, node, 0, slot);
		}
		n = add(events, n, EVENT_WIPE, node, 0, 0);
		for (slot = 0; slot < LOG_MAX; slot++) {
			n = add(events, n, EVENT_DAMAGE, node, 0, slot);
			n = add(events, n, EVENT_DAMAGE, node, 0,
				slot | DAMAGE_REPLACED);
		}
	}
	return n;
}

static void deliver(struct node *node, const struct event *event)
{
	struct raft_entry entries[APPEND_MAX];
	struct raft_message message;
	struct raft_event arrives = {
		.type = RAFT_EVENT_MESSAGE,
		.message = &message,
	};
	struct packet packet;
	u32 i;

	network_take(event->from, event->node, event->slot,
		     event->kind == EVENT_DUPLICATE, &packet);
	message = packet.message;
	for (i = 0; i < message.n_entries; i++)
		node_entry(&entries[i], &packet.entries[i]);
	message.entries = entries;
	node_step(node, &arrives, event->slow);
}

static void propose(struct node *node, bool slow)
{
	struct op *op = &world.common.ops[world.common.n_ops++];
	struct raft_event event = {
		.type = RAFT_EVENT_PROPOSE,
		.proposal = &op->proposal,
	};

	op->node = node->id;
	op->session = node->id * BOOTS_MAX + node->boot;
	op->sequence = core_of(node)->next_ticket;
	op->state = OP_PENDING;
	op->proposal.bytes = 1;
	node_step(node, &event, slow);
}

static void read_index(struct node *node, bool slow)
{
	struct lookup *lookup = &world.common.lookups[world.common.n_lookups++];
	struct raft_event event = {
		.type = RAFT_EVENT_READ_INDEX,
		.read = &lookup->read,
	};

	lookup->node = node->id;
	lookup->state = OP_PENDING;
	lookup->floor_index = world.common.committed.n;
	node_step(node, &event, slow);
}

/*
 * At the worst moment: whatever its log lacks, and in time for all voters, as
 * stickiness is no matter of safety here.
 */
static void take_over(struct node *node, bool slow)
{
	const struct raft *r = core_of(node);
	struct raft_message message = {
		.type = RAFT_TIMEOUT_NOW,
		.from = r->leader_id,
		.to = node->id,
		.term = r->hard_state.current_term,
		.incarnation = r->peers[r->leader_id - 1].incarnation,
		.timeout_now = { .last_log_index = r->log.last_index,
				 .until_ns = U64_MAX },
	};
	struct raft_event arrives = {
		.type = RAFT_EVENT_MESSAGE,
		.message = &message,
	};

	node->now_ns = max(node->now_ns, r->sticky_until_ns);
	node_step(node, &arrives, slow);
}

static void compact(struct node *node, bool slow)
{
	struct raft_event event = {
		.type = RAFT_EVENT_COMPACT,
		.index = compactable(node),
	};

	node_step(node, &event, slow);
}

/* It notices that it did not run for long, looks for answers, and steps down. */
static void lose_quorum(struct node *node, bool slow)
{
	const struct raft *r = core_of(node);

	node->now_ns += r->settings.election_timeout_ns;
	node_step(node, NULL, slow);
	node->now_ns = max(node->now_ns, r->quorum_grace_ns);
	node_step(node, NULL, slow);
	if (is_leader(node))
		violation("core", "node %u leads for ever", node->id);
}

void event_happens(const struct event *event)
{
	struct node *node = &world.nodes[event->node - 1];
	struct raft *r = core_of(node);

	verdict.violated = false;
	verdict.beyond = false;
	verdict.wrote = false;
	world.common.delays += event->slow;
	switch (event->kind) {
	case EVENT_DELIVER_LATE:
		node->now_ns = max(node->now_ns, sticky_until(node));
		counters.late_requests++;
		deliver(node, event);
		break;
	case EVENT_DUPLICATE:
		world.common.duplicates++;
		counters.duplicates++;
		deliver(node, event);
		break;
	case EVENT_DELIVER:
		counters.deliveries++;
		deliver(node, event);
		break;
	case EVENT_DROP: {
		struct packet packet;

		world.common.drops++;
		counters.drops++;
		network_take(event->from, event->node, event->slot, false,
			     &packet);
		break;
	}
	case EVENT_ELECTION:
		world.common.timeouts += bounds.timeouts != U8_MAX;
		counters.election_timeouts++;
		node->now_ns = max(node->now_ns, r->election_deadline_ns);
		node_step(node, NULL, event->slow);
		break;
	case EVENT_TAKE_OVER:
		world.common.transfers++;
		counters.take_overs++;
		take_over(node, event->slow);
		break;
	case EVENT_HEARTBEAT:
		counters.heartbeats++;
		node->now_ns = max(node->now_ns, r->heartbeat_due_ns);
		node_step(node, NULL, event->slow);
		break;
	case EVENT_LOSS:
		counters.loss_timeouts++;
		node->now_ns = loss_at(node);
		node_step(node, NULL, event->slow);
		break;
	case EVENT_QUORUM:
		lose_quorum(node, event->slow);
		break;
	case EVENT_RESEND:
		counters.resends++;
		node->now_ns = max(node->now_ns, raft_proposal_deadline(r));
		node_step(node, NULL, event->slow);
		break;
	case EVENT_PROPOSE:
		counters.proposals++;
		propose(node, event->slow);
		break;
	case EVENT_READ:
		counters.reads++;
		read_index(node, event->slow);
		break;
	case EVENT_READ_DUE:
		counters.reads_due++;
		node->now_ns = max(node->now_ns, raft_read_deadline(r));
		node_step(node, NULL, event->slow);
		break;
	case EVENT_COMPACT:
		world.common.compactions++;
		counters.compactions++;
		compact(node, event->slow);
		break;
	case EVENT_DISK:
		node_disk(node, event->slot, event->slow);
		break;
	case EVENT_CRASH:
		world.common.crashes++;
		counters.crashes++;
		node_crash(node, event->slot);
		break;
	case EVENT_DAMAGE:
		world.common.damages++;
		counters.damages++;
		node_damage(node, event->slot);
		break;
	case EVENT_WIPE:
		world.common.wipes++;
		counters.wipes++;
		node_wipe(node);
		break;
	}
	if (!verdict.violated && !verdict.beyond)
		check_state(node);
}

void world_begin(void)
{
	u32 i;

	memset(&world, 0, sizeof(world));
	memset(&verdict, 0, sizeof(verdict));
	/* Every node bootstraps the same first entry: it is committed. */
	world.common.committed.n = 1;
	world.common.committed.entries[0].term = 1;
	world.common.committed.entries[0].type = RAFT_ENTRY_CONFIGURATION;
	world.common.committed.entries[0].sequence = bounds.open ? 0 : SEALED;
	world.common.committed_term[0] = 1;
	for (i = 0; i < bounds.nodes; i++)
		node_boot(&world.nodes[i], i + 1);
}
