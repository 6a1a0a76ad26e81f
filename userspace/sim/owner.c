// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "membership.h"
#include "memory.h"
#include "world.h"

/* More retries of one event than can have a reason. */
enum { RETRIES_MAX = 100 };

void owner_wake(struct world *w, struct node *node)
{
	u64 at;

	if (!node->up || node->wake_at)
		return;
	at = w->now_ns + 1 + rng_below(&node->rng, w->plan.wake_ns);
	node->wake_at = max(at, node->paused_until);
	world_at(w, node->wake_at, EVENT_WAKE, node, NULL);
}

void owner_pause(struct world *w, struct node *node, u64 ns)
{
	w->counters.pauses++;
	trace(w, TRACE_PAUSE, node->id, ns / 1000, 0, 0, 0);
	node->paused_until = w->now_ns + ns;
}

static void free_item(struct item *item)
{
	free(item->packet);
	free(item->wish);
	free(item);
}

void owner_push(struct world *w, struct node *node, const struct item *item)
{
	struct item *copy = memory_zeroed(sizeof(*copy));

	*copy = *item;
	copy->next = NULL;
	*node->inbox_tail = copy;
	node->inbox_tail = &copy->next;
	node->n_inbox++;
	owner_wake(w, node);
}

static struct item *pop(struct node *node)
{
	struct item *item = node->inbox;

	node->inbox = item->next;
	if (!node->inbox)
		node->inbox_tail = &node->inbox;
	node->n_inbox--;
	return item;
}

void owner_stop(struct node *node)
{
	while (node->inbox)
		free_item(pop(node));
}

bool owner_provide_memory(struct world *w, struct node *node)
{
	u32 n = 2 * raft_terms_capacity(node->raft);
	size_t bytes = raft_growth_bytes(node->raft);
	struct raft_term_run *runs;

	w->counters.step_no_memory++;
	if (bytes) {
		free(raft_grow(node->raft, memory_zeroed(bytes)));
		w->counters.growths++;
		return true;
	}
	runs = memory_zeroed(n * sizeof(*runs));
	free(raft_provide_terms(node->raft, runs, n));
	node->runs = runs;
	return true;
}

/* Entries that go: a request by itself, before those that come. */
static void persist_base(struct world *w, struct node *node)
{
	const struct raft_update *update = &node->update;
	const struct raft_configuration *configuration;
	struct request *request = memory_zeroed(sizeof(*request));
	void *data = memory_zeroed(RAFT_CONFIGURATION_BYTES_MAX);
	int bytes;

	w->counters.compactions++;
	trace(w, TRACE_COMPACT, node->id, update->base_index,
	      update->base_term, 0, 0);
	if (update->base_discards)
		check_discard(w, node, update);
	else
		check_base(w, node, update);
	request->hard_state = update->hard_state;
	request->hard_state_changed = update->hard_state_changed;
	request->seq = update->hard_state_seq - !!update->n_entries;
	request->base_index = update->base_index;
	request->base_term = update->base_term;
	request->base_discards = update->base_discards;
	configuration = raft_committed_configuration(
		node->raft, &request->configuration.index);
	bytes = raft_configuration_encode(configuration, data,
					  RAFT_CONFIGURATION_BYTES_MAX);
	memory_assert(bytes > 0);
	request->configuration.data = data;
	request->configuration.bytes = bytes;
	node->log.base = update->base_index;
	request->last_index = update->n_entries ? update->first_index - 1 :
						  node->log.n;
	request->last_term = log_term(&node->log, request->last_index);
	store_submit(w, node, request);
}

static void persist(struct world *w, struct node *node)
{
	const struct raft_update *update = &node->update;
	struct request *request;
	u32 i;

	if (update->base_changed)
		persist_base(w, node);
	if (update->base_changed && !update->n_entries)
		return;
	if (!update->hard_state_changed && !update->n_entries)
		return;
	request =
		memory_zeroed(struct_size(request, records, update->n_entries));
	request->hard_state = update->hard_state;
	request->hard_state_changed = update->hard_state_changed;
	request->seq = update->hard_state_seq;
	if (update->hard_state_changed)
		trace(w, TRACE_HARD_STATE, node->id, update->hard_state_seq,
		      update->hard_state.current_term,
		      update->hard_state.voted_for, 0);
	if (update->n_entries) {
		request->first_index = update->first_index;
		check_replace(w, node, update->first_index);
	}
	for (i = 0; i < update->n_entries && !w->violated; i++) {
		struct record *record = check_entry(
			w, node, update->first_index + i, &update->entries[i]);

		if (record) {
			request->records[request->n_records++] = record;
			log_append(&node->log, record);
		}
	}
	request->last_index = node->log.n;
	request->last_term = log_term(&node->log, node->log.n);
	store_submit(w, node, request);
}

static void set_timer(struct world *w, struct node *node)
{
	u64 deadline = node->update.deadline_ns;
	u64 at, clock = node_clock(w, node);

	if (deadline == U64_MAX)
		return;
	node->deadline = deadline;
	if (deadline <= clock) {
		owner_wake(w, node);
		return;
	}
	at = w->now_ns +
	     DIV_ROUND_UP((deadline - clock) * 1000, node->clock_rate);
	if (at >= node->timer_at)
		return;
	node->timer_at = at;
	world_at(w, at, EVENT_TIMER, node, NULL);
}

void owner_timer(struct world *w, struct node *node)
{
	if (w->now_ns != node->timer_at)
		return; /* an earlier one took its place */
	node->timer_at = U64_MAX;
	owner_wake(w, node);
}

static void end_proposals(struct world *w, struct node *node)
{
	struct raft_proposal *proposal, *next;

	list_for_each_entry_safe(proposal, next, &node->update.proposals_done,
				 node) {
		list_del(&proposal->node);
		clients_done(w, node,
			     container_of(proposal, struct op, proposal));
	}
}

static void end_reads(struct world *w, struct node *node)
{
	struct raft_read *read, *next;

	list_for_each_entry_safe(read, next, &node->update.reads_done, node) {
		list_del(&read->node);
		readers_done(w, node, container_of(read, struct lookup, read));
	}
}

/* In the order of the fields of struct raft_update. */
void owner_carry_out(struct world *w, struct node *node)
{
	const struct raft_update *update = &node->update;
	u32 i;

	w->counters.batches++;
	for (i = 0; i < update->n_transitions; i++)
		check_transition(w, node, &update->transitions[i]);
	persist(w, node);
	check_elected(w, node);
	for (i = 0; i < update->n_sends && !w->violated; i++)
		sender_send(w, node, &update->sends[i]);
	if (update->chunk.snapshot.index)
		slots_store(w, node, &update->chunk);
	if (update->commit_index)
		check_commit(w, node, update->commit_index);
	application_apply(w, node);
	end_proposals(w, node);
	end_reads(w, node);
	set_timer(w, node);
	check_batch(w, node);
	raft_update_reset(&node->update);
}

void owner_step_time(struct world *w, struct node *node)
{
	struct raft_event event = {
		.type = RAFT_EVENT_TIME,
		.now_ns = node_clock(w, node),
	};
	int error;

	do {
		error = raft_step(node->raft, &event, &node->update);
	} while (error == -ENOMEM && owner_provide_memory(w, node));
	if (error && error != -ENOTRECOVERABLE)
		violation(w, "core", "node %u: time does not pass: %d",
			  node->id, error);
}

int owner_step(struct world *w, struct node *node, struct raft_event *event)
{
	u32 i;

	event->now_ns = node_clock(w, node);
	for (i = 0; i < RETRIES_MAX && !w->violated; i++) {
		int error = raft_step(node->raft, event, &node->update);

		switch (error) {
		case -ENOMEM:
			owner_provide_memory(w, node);
			break;
		case -EAGAIN:
			w->counters.step_again++;
			owner_step_time(w, node);
			owner_carry_out(w, node);
			break;
		default:
			return error;
		}
	}
	if (!w->violated)
		violation(w, "core", "node %u: an event that is never taken",
			  node->id);
	return -EAGAIN;
}

/*
 * What came with a later version than the node's, it cannot parse: it is not to get
 * that, except for what is meant to be dropped by it.
 */
static bool can_parse(struct world *w, const struct node *node,
		      const struct raft_message *message)
{
	u32 i;

	if (message->type == RAFT_FEATURE_LEVEL)
		return node->feature_level >= raft_message_level(message->type);
	if (raft_message_level(message->type) > node->feature_level)
		violation(w, "upgrade", "node %u of level %u gets a %s",
			  node->id, node->feature_level,
			  raft_message_type_name(message->type));
	for (i = 0; i < message->n_entries; i++)
		if (raft_entry_level(message->entries[i].type) >
		    node->feature_level)
			violation(w, "upgrade",
				  "node %u of level %u gets an entry of type %u",
				  node->id, node->feature_level,
				  message->entries[i].type);
	return !w->violated;
}

static void step_packet(struct world *w, struct node *node, struct item *item)
{
	struct raft_entry entries[NET_ENTRIES_MAX];
	struct raft_message message;
	struct raft_event event = {
		.type = RAFT_EVENT_MESSAGE,
		.message = &message,
	};
	int error;

	if (!net_decode(w, node, item->packet, &message, entries) ||
	    !can_parse(w, node, &message))
		return;
	trace(w, TRACE_RECEIVE, node->id, message.from, message.type,
	      message.term, message.n_entries);
	if (message.type == RAFT_PROPOSE && node->role == RAFT_LEADER) {
		const struct op *op = entries[0].payload;
		u64 i;

		for (i = node->log.n; i && i + 64 > node->log.n; i--)
			if (node->log.records[i - 1]->op == op)
				w->counters.deduplicated++;
	}
	error = owner_step(w, node, &event);
	if (message.type == RAFT_TIMEOUT_NOW) {
		w->handed_over_ns = w->now_ns;
		check_timeout_now(w, node, &message);
	}
	if (error && error != -ENOTRECOVERABLE)
		violation(w, "core", "node %u: refused a %s: %d", node->id,
			  raft_message_type_name(message.type), error);
}

static void step_propose(struct world *w, struct node *node, struct op *op)
{
	struct raft_event event = {
		.type = RAFT_EVENT_PROPOSE,
		.proposal = &op->proposal,
	};
	int error;

	op->proposal.payload = op;
	op->proposal.bytes = op->bytes;
	error = owner_step(w, node, &event);
	if (!error) {
		if (op->program)
			programs_hand(w, op);
		else
			clients_hand(w, op, node->session);
		trace(w, TRACE_PROPOSE, node->id, op->number, op->bytes,
		      op->session & 0xffff, op->proposal.sequence);
		return;
	}
	if (error != -EBUSY && error != -ENOTRECOVERABLE)
		violation(w, "core", "node %u: refused a proposal: %d",
			  node->id, error);
	if (error == -EBUSY)
		w->counters.op_busy++;
	op->proposal.result = -EAGAIN;
	clients_done(w, node, op);
}

static void step_change(struct world *w, struct node *node,
			const struct wish *wish)
{
	struct raft_change_request request = {
		.changes = wish->changes,
		.n_changes = wish->n,
	};
	struct raft_event event = {
		.type = RAFT_EVENT_CHANGE,
		.change = &request,
	};
	int error;

	if (!members_may_wish(w, node, wish))
		return;
	error = owner_step(w, node, &event);
	if (!error)
		members_asked(w, node, &request);
	else if (error != -ENOTRECOVERABLE)
		violation(w, "core", "node %u: refused a change: %d", node->id,
			  error);
}

static void step_read(struct world *w, struct node *node,
		      struct lookup *lookup)
{
	struct raft_event event = {
		.type = RAFT_EVENT_READ_INDEX,
		.read = &lookup->read,
	};
	int error = owner_step(w, node, &event);

	trace(w, TRACE_READ, node->id, lookup->number, lookup->read.lease,
	      lookup->floor_index, 0);
	if (!error) {
		lookup->handed = true;
		return;
	}
	if (error != -ENOTRECOVERABLE)
		violation(w, "core", "node %u: refused a read: %d", node->id,
			  error);
	lookup->read.result = -EIO;
	readers_done(w, node, lookup);
}

/* -ESTALE: meanwhile a leader sent one that is newer. */
static void step_snapshot(struct world *w, struct node *node,
			  struct raft_event *event)
{
	int error = owner_step(w, node, event);

	if (error && error != -ESTALE && error != -ENOTRECOVERABLE)
		violation(w, "core", "node %u: snapshot %llu is refused: %d",
			  node->id, event->snapshot.index, error);
}

static void step_item(struct world *w, struct node *node, struct item *item)
{
	struct raft_event event;

	memset(&event, 0, sizeof(event));
	switch (item->kind) {
	case ITEM_PACKET:
		step_packet(w, node, item);
		break;
	case ITEM_PROPOSE:
		step_propose(w, node, item->op);
		break;
	case ITEM_CANCEL:
		if (item->op->state != OP_PENDING || !item->op->handed)
			break;
		trace(w, TRACE_CANCEL, node->id, item->op->number, 0, 0, 0);
		event.type = RAFT_EVENT_CANCEL;
		event.proposal = &item->op->proposal;
		owner_step(w, node, &event);
		break;
	case ITEM_READ_INDEX:
		step_read(w, node, item->lookup);
		break;
	case ITEM_CANCEL_READ:
		if (item->lookup->state != LOOKUP_PENDING ||
		    !item->lookup->handed)
			break;
		event.type = RAFT_EVENT_CANCEL_READ;
		event.read = &item->lookup->read;
		owner_step(w, node, &event);
		break;
	case ITEM_PERSISTED:
		trace(w, TRACE_PERSISTED, node->id, item->persisted.seq,
		      item->persisted.index, item->persisted.term, 0);
		event.type = RAFT_EVENT_PERSISTED;
		event.persisted.hard_state_seq = item->persisted.seq;
		event.persisted.index = item->persisted.index;
		event.persisted.term = item->persisted.term;
		event.persisted.space_bytes = item->persisted.space_bytes;
		owner_step(w, node, &event);
		node->persisted_seq = item->persisted.seq;
		sender_release(w, node);
		break;
	case ITEM_CHANGE:
		step_change(w, node, item->wish);
		break;
	case ITEM_SNAPSHOT:
		event.type = RAFT_EVENT_SNAPSHOT;
		event.snapshot = item->snapshot;
		step_snapshot(w, node, &event);
		break;
	case ITEM_SNAPSHOT_GONE:
		event.type = RAFT_EVENT_SNAPSHOT_GONE;
		event.index = item->snapshot.index;
		step_snapshot(w, node, &event);
		break;
	case ITEM_STORED:
		event.type = RAFT_EVENT_CHUNK_STORED;
		event.stored.snapshot = item->snapshot;
		event.stored.offset = item->offset;
		step_snapshot(w, node, &event);
		break;
	case ITEM_FAILED:
		event.type = RAFT_EVENT_STORAGE_FAILED;
		event.error = -EIO;
		owner_step(w, node, &event);
		break;
	}
}

/*
 * Now and then entries that are not needed any more go, whoever may need them. Not
 * once all is quiet: what comes of the proposals of a node that is overtaken, it
 * cannot tell.
 */
static void compact(struct world *w, struct node *node)
{
	struct raft_event event = { .type = RAFT_EVENT_COMPACT };
	struct store *store = &node->store;
	struct raft_status status;
	int error;

	if (!rng_chance(&node->rng, w->plan.compact) || w->quiet)
		return;
	raft_status(node->raft, &status);
	event.index = status.compactable_index;
	if (w->plan.snapshot && !node->witness)
		event.index = min(event.index, status.snapshot.index);
	event.index -= rng_below(&node->rng, event.index + 1) / 2;
	event.index = wal_head_find(&store->writer, &store->map, event.index);
	if (!event.index || event.index > status.compactable_index)
		return;
	error = owner_step(w, node, &event);
	raft_status(node->raft, &status);
	/* What had to be carried out first may have needed it. */
	if (error && error != -ENOTRECOVERABLE &&
	    event.index <= status.compactable_index)
		violation(w, "core", "node %u: does not compact up to %llu: %d",
			  node->id, event.index, error);
}

void owner_run(struct world *w, struct node *node)
{
	struct item *done = NULL;
	u64 budget = rng_between(&node->rng, 1, w->plan.batch_events);

	node->wake_at = 0;
	if (w->now_ns < node->paused_until) {
		owner_wake(w, node);
		return;
	}
	while (budget-- && node->inbox && !w->violated) {
		struct item *item = pop(node);

		step_item(w, node, item);
		/* What it brought is needed until the update is carried out. */
		item->next = done;
		done = item;
	}
	slots_take(w, node);
	compact(w, node);
	owner_step_time(w, node);
	owner_carry_out(w, node);
	while (done) {
		struct item *item = done;

		done = item->next;
		free_item(item);
	}
	if (node->inbox)
		owner_wake(w, node);
}
