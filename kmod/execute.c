// SPDX-License-Identifier: GPL-2.0
/*
 * Carrying out an update. The order is a safety rule (raft.h):
 *
 *	1. entries and hard state to the storage thread, in one request
 *	2. messages; those that speak of a hard state that is not durable are
 *	   parked until it is
 *	3. what is committed becomes readable
 *	4. role and leader changes become events
 *	5. writers learn how their proposals ended, readers up to where to read
 *
 * An update is carried out whole. When memory is short this waits for it, never
 * for the disk: the thread is in a noio scope, and allocations may use reserves.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "entry.h"
#include "failpoint.h"
#include "group.h"
#include "life.h"
#include "proposal.h"
#include "read_index.h"
#include "trace.h"

#define GFP_OWNER (GFP_KERNEL | __GFP_HIGH | __GFP_NOFAIL)

/**
 * struct raftlog_parked - a message that waits for a hard state
 * @node: in raftlog_life.parked
 * @send: the message
 * @entry: RAFT_PROPOSE: what to attach, with a reference
 */
struct raftlog_parked {
	struct list_head node;
	struct raft_send send;
	struct raftlog_entry *entry;
};

/* 1. Storage */

static int resize_kinds(struct raftlog_life *life, u64 n_bits, gfp_t gfp)
{
	u64 *bits = kvcalloc(n_bits / RAFTLOG_KINDS_WORD_BITS, sizeof(*bits),
			     gfp);

	if (!bits)
		return -ENOMEM;
	kvfree(raftlog_kinds_move(&life->kinds, bits, n_bits));
	return 0;
}

static int grow_runs(struct raftlog_life *life, gfp_t gfp)
{
	struct raftlog_runs *runs = &life->runs;
	u32 max_runs = max(2 * runs->max_runs, 1u);
	struct raftlog_run *new, *old = runs->runs;

	new = kvmalloc_array(max_runs, sizeof(*new), gfp);
	if (!new)
		return -ENOMEM;
	if (old)
		memcpy(new, old, runs->n_runs * sizeof(*new));
	spin_lock(&life->runs_lock);
	runs->runs = new;
	runs->max_runs = max_runs;
	spin_unlock(&life->runs_lock);
	kvfree(old);
	return 0;
}

int raftlog_runs_reserve(struct raftlog_life *life, u64 index, gfp_t gfp)
{
	u64 n_bits = raftlog_kinds_bits(&life->kinds, index);
	int error = 0;

	if (n_bits > life->kinds.n_bits)
		error = resize_kinds(life, n_bits, gfp);
	if (!error && life->runs.n_runs == life->runs.max_runs)
		error = grow_runs(life, gfp);
	return error;
}

void raftlog_request_free(struct raftlog_storage_request *request)
{
	u32 i;

	for (i = 0; i < request->n_entries; i++)
		raftlog_entry_put(request->entries[i]);
	if (request->configuration)
		raftlog_entry_put(request->configuration);
	kvfree(request);
}

/* Received for this very place in the log, or not in a log yet. */
static bool fits_place(const struct raftlog_entry *entry,
		       const struct raft_entry *from, u64 index)
{
	return !entry->index ||
	       (entry->index == index && entry->term == from->term);
}

/*
 * The payload of an entry of the log, with a reference. A configuration that the
 * core made has none yet, and is copied. One that was in the log
 * before, at another index or in another term, may still be on its way to the
 * disk as such: it is copied.
 */
static struct raftlog_entry *entry_of(struct raftlog_life *life,
				      const struct raft_entry *from, u64 index)
{
	struct raftlog_entry *old = from->payload;
	struct raftlog_entry *entry;

	raftlog_assert(life, !old || from->bytes == old->bytes);
	if (old && fits_place(old, from, index)) {
		entry = raftlog_entry_get(old);
	} else {
		entry = raftlog_entry_alloc(from->bytes, GFP_OWNER);
		if (from->bytes)
			memcpy(entry->data, old ? old->data : from->data,
			       from->bytes);
	}
	entry->index = index;
	entry->term = from->term;
	entry->session = from->session;
	entry->sequence = from->sequence;
	entry->type = from->type;
	return entry;
}

static void add_entry(struct raftlog_life *life, struct raftlog_entry *entry,
		      u64 evictable_index)
{
	raftlog_cache_insert(&life->cache, entry, evictable_index);
	/* Above 2 GiB of them there is no memory in one piece, however long it waits. */
	if (raftlog_runs_reserve(life, entry->index, GFP_OWNER)) {
		raftlog_life_fail(life, -ENOMEM,
				  "too many terms, or entries that are not committed");
		return;
	}
	raftlog_kinds_append(&life->kinds, entry->index,
			     entry->type == RAFT_ENTRY_DATA);
	spin_lock(&life->runs_lock);
	raftlog_runs_append(&life->runs, entry->index, entry->term);
	spin_unlock(&life->runs_lock);
}

/* Entries of the update from the @i'th on that make one request. */
static u32 request_entries(const struct raft_update *update, u32 i)
{
	u64 bytes = 0;
	u32 n;

	for (n = 0; i + n < update->n_entries; n++) {
		bytes += update->entries[i + n].bytes;
		if (n && bytes > RAFTLOG_REQUEST_BYTES_MAX)
			break;
	}
	return n;
}

/*
 * Entries from the @i'th on, as many as make a request. Before the last one of an
 * update its number is not reached: that is for the core to see the disk move.
 */
static u32 persist_part(struct raftlog_life *life,
			const struct raft_status *status, u32 i)
{
	const struct raft_update *update = &life->update;
	/* A leader is about to send what is not committed. */
	u64 evictable = status->role == RAFT_LEADER ?
				min(status->durable_index, life->commit_index) :
				status->durable_index;
	u32 n = request_entries(update, i);
	bool last = i + n == update->n_entries;
	struct raftlog_storage_request *request;

	request = kvzalloc(struct_size(request, entries, n), GFP_OWNER);
	request->hard_state = update->hard_state;
	request->hard_state_changed = !i && update->hard_state_changed;
	request->hard_state_seq = update->hard_state_seq - !last;
	request->first_index = update->first_index + i;
	request->last_index = last ? status->last_index :
				     request->first_index + n - 1;
	request->last_term = last ? status->last_term :
				    update->entries[i + n - 1].term;
	request->submitted_ns = ktime_get_ns();
	while (request->n_entries < n) {
		u32 k = i + request->n_entries;
		struct raftlog_entry *entry =
			entry_of(life, &update->entries[k],
				 update->first_index + k);

		add_entry(life, entry, evictable);
		request->entries[request->n_entries++] = entry;
	}
	trace_raftlog_append(raftlog_group_name(life->group), request);
	raftlog_storage_submit(life->storage, request);
	return n;
}

struct raftlog_entry *raftlog_base_configuration(struct raftlog_life *life)
{
	struct raftlog_entry *entry =
		raftlog_entry_alloc(RAFT_CONFIGURATION_BYTES_MAX, GFP_OWNER);
	const struct raft_configuration *configuration =
		raft_committed_configuration(life->raft, &entry->index);
	int bytes = raft_configuration_encode(configuration, entry->data,
					      entry->bytes);

	raftlog_assert(life, bytes > 0);
	entry->bytes = max(bytes, 0);
	entry->type = RAFT_ENTRY_CONFIGURATION;
	return entry;
}

static void note_base(struct raftlog_life *life)
{
	const struct raft_update *update = &life->update;
	const char *name = raftlog_group_name(life->group);

	trace_raftlog_base(name, update);
	if (life->info.recovering) {
		pr_notice("%s: the log begins anew behind entry %llu: what came of what was before that is in the snapshot\n",
			  name, update->base_index);
	} else if (update->base_installed) {
		raftlog_count(life, installs, 1);
		pr_notice("%s: too far behind the leader: the log begins anew behind entry %llu, what came of what was before that is in the snapshot\n",
			  name, update->base_index);
	} else if (update->base_discards) {
		pr_notice("%s: too far behind the leader: the log begins anew behind entry %llu, what was before that is not to be had here\n",
			  name, update->base_index);
	}
}

/* Entries that go: before those that come, and in a request of its own. */
static void persist_base(struct raftlog_life *life,
			 const struct raft_status *status)
{
	const struct raft_update *update = &life->update;
	bool last = !update->n_entries;
	struct raftlog_storage_request *request;

	request = kvzalloc(sizeof(*request), GFP_OWNER);
	request->hard_state = update->hard_state;
	request->hard_state_changed = update->hard_state_changed;
	request->hard_state_seq = update->hard_state_seq - !last;
	request->base_index = update->base_index;
	request->base_term = update->base_term;
	request->base_discards = update->base_discards;
	request->configuration = raftlog_base_configuration(life);
	request->last_index = last ? status->last_index :
				     update->first_index - 1;
	request->last_term = raft_term_at(life->raft, request->last_index);
	request->submitted_ns = ktime_get_ns();
	if (update->base_discards) {
		raftlog_cache_reset(&life->cache);
		raftlog_kinds_reset(&life->kinds, update->base_index);
	}
	spin_lock(&life->runs_lock);
	if (update->base_discards)
		raftlog_runs_reset(&life->runs, update->base_index);
	else
		raftlog_runs_base(&life->runs, update->base_index);
	spin_unlock(&life->runs_lock);
	note_base(life);
	raftlog_storage_submit(life->storage, request);
}

static void persist(struct raftlog_life *life, const struct raft_status *status)
{
	const struct raft_update *update = &life->update;
	u32 i = 0;

	if (!update->hard_state_seq || status->role == RAFT_FAILED)
		return;
	if (update->base_changed)
		persist_base(life, status);
	if (update->base_changed && !update->n_entries)
		return;
	do {
		i += persist_part(life, status, i);
	} while (i < update->n_entries);
	if (update->n_entries)
		raftlog_assert(life, life->runs.end_index == status->last_index + 1);
}

void raftlog_execute_storage(struct raftlog_life *life)
{
	struct raft_status status;

	raft_status(life->raft, &status);
	persist(life, &status);
}

/* 2. Messages */

static void put_attached(struct raftlog_life *life, u32 n)
{
	while (n)
		raftlog_entry_put(life->attached[--n]);
}

/*
 * Entries of an AppendEntries from the cache. Return: how many, 0 if the first is
 * not there.
 */
static u32 attach(struct raftlog_life *life, const struct raft_send *send)
{
	u64 bytes = 0;
	u32 n = 0;

	while (send->first_index + n <= send->last_index &&
	       n < ARRAY_SIZE(life->attached)) {
		struct raftlog_entry *entry =
			raftlog_cache_get(&life->cache, send->first_index + n);

		if (!entry)
			break;
		bytes += entry->bytes;
		if (n && bytes > send->bytes_max) {
			raftlog_entry_put(entry);
			break;
		}
		life->attached[n++] = entry;
	}
	return n;
}

static void transmit(struct raftlog_life *life, const struct raft_send *send,
		     struct raftlog_entry *proposed, u64 now_ns)
{
	const struct raft_message *message = &send->message;
	struct raft_message with_base;
	u32 n = 0;

	/* 3.8: never before what the message relies on is durable. */
	if (!raftlog_assert(life, send->after_hard_state_seq <=
					  life->persisted_seq))
		return;
	if (message->type == RAFT_PROPOSE) {
		life->attached[n++] = raftlog_entry_get(proposed);
	} else if (send->chunk) {
		raftlog_snapshot_send(life, send);
		return;
	} else if (message->type == RAFT_INSTALL_SNAPSHOT) {
		with_base = *message;
		message = &with_base;
		life->attached[n] =
			message->install_snapshot.bytes ?
				raftlog_snapshot_configuration(life, message) :
				raftlog_base_configuration(life);
		if (!life->attached[n])
			return;
		with_base.install_snapshot.configuration_index =
			life->attached[n++]->index;
	} else if (message->type == RAFT_APPEND_ENTRIES &&
		   send->first_index <= send->last_index) {
		n = attach(life, send);
		if (!n) {
			raftlog_catch_up(life, send);
			return;
		}
	}
	trace_raftlog_message_send(raftlog_group_name(life->group), message, n);
	raftlog_transport_send(life->transport, message, life->attached, n,
			       send->witness, now_ns);
	put_attached(life, n);
}

static struct raftlog_entry *entry_proposed(const struct raft_send *send)
{
	return send->proposal ? send->proposal->payload : NULL;
}

static void park(struct raftlog_life *life, const struct raft_send *send)
{
	struct raftlog_parked *parked = NULL;

	/* What is dropped is as good as lost on the way: Raft sends again. */
	if (life->n_parked < RAFTLOG_PARKED_MAX &&
	    !RAFTLOG_FAILPOINT(EXECUTE_NO_PARKING))
		parked = kmalloc(sizeof(*parked), GFP_NOWAIT | __GFP_NOWARN);
	if (!parked) {
		raftlog_count(life, parked_drops, 1);
		return;
	}
	parked->send = *send;
	parked->send.proposal = NULL;
	parked->entry = entry_proposed(send);
	if (parked->entry)
		raftlog_entry_get(parked->entry);
	list_add_tail(&parked->node, &life->parked);
	life->n_parked++;
}

static void unpark(struct raftlog_life *life, struct raftlog_parked *parked)
{
	list_del(&parked->node);
	life->n_parked--;
	if (parked->entry)
		raftlog_entry_put(parked->entry);
	kfree(parked);
}

void raftlog_execute_persisted(struct raftlog_life *life, u64 seq, u64 now_ns)
{
	struct raftlog_parked *parked, *next;

	raftlog_assert(life, seq >= life->persisted_seq);
	life->persisted_seq = seq;
	list_for_each_entry_safe(parked, next, &life->parked, node) {
		if (parked->send.after_hard_state_seq > seq)
			break;
		/* Nobody waits for what an older term had to say. */
		if (parked->send.message.term >=
		    life->status.hard_state.current_term)
			transmit(life, &parked->send, parked->entry, now_ns);
		unpark(life, parked);
	}
}

void raftlog_parked_free(struct raftlog_life *life)
{
	struct raftlog_parked *parked, *next;

	list_for_each_entry_safe(parked, next, &life->parked, node)
		unpark(life, parked);
}

static void send_messages(struct raftlog_life *life, u64 now_ns)
{
	const struct raft_update *update = &life->update;
	u32 i;

	for (i = 0; i < update->n_sends; i++) {
		const struct raft_send *send = &update->sends[i];

		if (send->after_hard_state_seq > life->persisted_seq)
			park(life, send);
		else
			transmit(life, send, entry_proposed(send), now_ns);
	}
}

/* 3. Status and commit */

static void publish(struct raftlog_life *life, const struct raft_status *status)
{
	bool changed;
	struct raft_status before = life->status;
	u32 i;

	if (status->foreign && !life->status.foreign)
		pr_warn("%s: the cluster knows node %u with another disk: it takes entries here, but counts as down\n",
			raftlog_group_name(life->group), status->node_id);
	raftlog_members_follow(life, status);
	changed = status->changing != life->status.changing ||
		  status->configuration_index !=
			  life->status.configuration_index;
	WRITE_ONCE(life->counters.read_rounds, status->n_read_rounds);
	spin_lock(&life->status_lock);
	life->status = *status;
	for (i = 0; i < life->configuration.n_members; i++)
		raft_peer_status(life->raft, life->configuration.members[i].id,
				 &life->peers[i]);
	spin_unlock(&life->status_lock);
	raftlog_transfer_note(life, &before, status);
	/* For whoever had them changed. */
	if (changed)
		wake_up_all(&life->group->read_wait);
}

/* After a start there may be the kinds of all the log: what is under way takes less. */
static void shrink_kinds(struct raftlog_life *life)
{
	struct raftlog_kinds *kinds = &life->kinds;
	u64 n_bits = max_t(u64, RAFTLOG_WINDOW_ENTRIES,
			   raftlog_kinds_bits(kinds, kinds->end_index));

	if (kinds->n_bits / 2 > n_bits)
		resize_kinds(life, n_bits, GFP_OWNER);
}

static void commit(struct raftlog_life *life, u64 index)
{
	u64 before = life->commit_index, user;

	if (index <= before)
		return;
	if (!raftlog_assert(life, index < life->runs.end_index))
		return;
	user = raftlog_kinds_commit(&life->kinds, index);
	spin_lock(&life->runs_lock);
	life->commit_index = index;
	if (user)
		life->user_index = user;
	spin_unlock(&life->runs_lock);
	shrink_kinds(life);
	raftlog_count(life, committed, index - before);
	trace_raftlog_commit(raftlog_group_name(life->group), index);
	raftlog_group_wake(life->group, &life->group->read_wait,
			   user ? EPOLLIN | EPOLLRDNORM : 0);
}

/* 4. Events */

static void note_failure(struct raftlog_life *life,
			 const struct raft_status *status)
{
	struct raftlog_event event = {
		.type = RAFTLOG_EVENT_STATE,
		.current_term = status->hard_state.current_term,
		.commit_index = status->commit_index,
		.from_role = status->role,
		.to_role = status->role,
		.reason = status->reason,
	};
	struct raftlog_group *group = life->group;

	spin_lock(&life->intake_lock);
	WRITE_ONCE(life->failed, true);
	spin_unlock(&life->intake_lock);

	spin_lock(&group->lock);
	if (!group->failure[0])
		strscpy(group->failure, status->failure,
			sizeof(group->failure));
	if (group->state == RAFTLOG_STATE_RUNNING)
		group->state = RAFTLOG_STATE_FAILED;
	spin_unlock(&group->lock);
	pr_err("%s: failed: %s; stop it to start it again\n",
	       raftlog_group_name(group), group->failure);
	raftlog_group_wake(group, &group->read_wait, 0);
	raftlog_event_add(group, &event);
}

static void log_role(struct raftlog_life *life, const struct raft_transition *t)
{
	const char *name = raftlog_group_name(life->group);

	if (t->to == RAFT_LEADER)
		pr_info("%s: leader of term %llu\n", name, t->term);
	else if (t->from == RAFT_LEADER)
		pr_info("%s: no longer leader, now in term %llu: %s\n", name,
			t->term, raft_reason_name(t->reason));
}

static void note_transition(struct raftlog_life *life,
			    const struct raft_transition *t)
{
	struct raftlog_event event = {
		.type = t->leader_only ? RAFTLOG_EVENT_LEADER :
					 RAFTLOG_EVENT_ROLE,
		.current_term = t->term,
		.commit_index = life->commit_index,
		.edge = t->edge,
		.from_role = t->from,
		.to_role = t->to,
		.leader_id = t->leader_id,
		.reason = t->reason,
	};

	if (t->leader_only) {
		trace_raftlog_leader(raftlog_group_name(life->group), t);
	} else {
		trace_raftlog_role(raftlog_group_name(life->group), t);
		log_role(life, t);
		if (t->to == RAFT_CANDIDATE)
			raftlog_count(life, elections, 1);
	}
	raftlog_event_add(life->group, &event);
}

static void note_transitions(struct raftlog_life *life,
			     const struct raft_status *status)
{
	const struct raft_update *update = &life->update;
	u32 i;

	if (!update->n_transitions)
		return;
	if (status->role == RAFT_FAILED)
		note_failure(life, status);
	for (i = 0; i < update->n_transitions; i++)
		note_transition(life, &update->transitions[i]);
	raftlog_group_wake(life->group, &life->group->write_wait,
			   raftlog_write_has_room(life) ?
				   EPOLLOUT | EPOLLWRNORM : 0);
}

/* 5. Proposals and reads */

void raftlog_execute_done(struct raftlog_life *life,
			  struct raftlog_proposal *proposal)
{
	if (!RB_EMPTY_NODE(&proposal->expiry.node))
		timerqueue_del(&life->expiries, &proposal->expiry);
	/* Whoever sleeps learns why, even if the entry never left this node. */
	if (life->shutting_down && proposal->core.result == -EHOSTUNREACH)
		proposal->core.result = -ESHUTDOWN;
	list_move_tail(&proposal->node, &life->retired);
	raftlog_proposal_complete(life, proposal);
}

static void complete_proposals(struct raftlog_life *life)
{
	struct raft_proposal *core, *next;

	list_for_each_entry_safe(core, next, &life->update.proposals_done,
				 node) {
		list_del(&core->node);
		raftlog_execute_done(life,
				     container_of(core, struct raftlog_proposal,
						  core));
	}
}

static void complete_reads(struct raftlog_life *life)
{
	u64 visible = life->commit_index;
	struct raft_read *core, *next;

	list_for_each_entry_safe(core, next, &life->update.reads_done, node) {
		list_del(&core->node);
		/* What it says can be read by now. */
		raftlog_assert(life, core->result || core->index <= visible);
		raftlog_read_done(life, container_of(core, struct raftlog_read,
						     core));
	}
}

void raftlog_execute(struct raftlog_life *life, u64 now_ns)
{
	struct raft_status status;

	raft_status(life->raft, &status);
	persist(life, &status);
	send_messages(life, now_ns);
	if (life->update.chunk.snapshot.index)
		raftlog_snapshot_store(life, &life->update.chunk);
	publish(life, &status);
	commit(life, life->update.commit_index);
	note_transitions(life, &status);
	complete_proposals(life);
	complete_reads(life);
	raft_update_reset(&life->update);
}
