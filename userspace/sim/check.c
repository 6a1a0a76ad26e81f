// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "membership.h"
#include "memory.h"
#include "world.h"

/* In thousandths: two clocks that are off by this in either way, and an eighth. */
enum { LEASE_DRIFT_MAX = 60 };

enum {
	/* More terms than any seed gets through. */
	TERMS_MAX = 1 << 14,
	VOTERS = NODES_MAX + 1,
};

void check_init(struct check *check)
{
	records_init(&check->records);
	check->leaders = memory_zeroed(TERMS_MAX * sizeof(*check->leaders));
	check->votes = memory_zeroed(TERMS_MAX * VOTERS *
				     sizeof(*check->votes));
}

void check_free(struct check *check)
{
	records_free(&check->records);
	log_free(&check->committed);
	free(check->leaders);
	free(check->votes);
	free(check->configurations);
	free(check->checkpoints);
}

void check_forget(struct check *check, const struct log *log, u64 term)
{
	u64 i, n = 0;

	for (i = 0; i < check->n_configurations; i++) {
		struct record *record = check->configurations[i];

		if (log_at(log, record->index) == record)
			check->configurations[n++] = record;
	}
	check->n_configurations = n;
	records_forget(&check->records, term);
	memset(check->leaders, 0, TERMS_MAX * sizeof(*check->leaders));
	memset(check->votes, 0, TERMS_MAX * VOTERS * sizeof(*check->votes));
	check->progress = 0;
	check->n_elections = 0;
}


void violation(struct world *w, const char *property, const char *format, ...)
{
	va_list args;

	if (w->violated)
		return;
	w->violated = true;
	w->property = property;
	va_start(args, format);
	vsnprintf(w->what, sizeof(w->what), format, args);
	va_end(args);
}

static bool term_is_possible(struct world *w, u64 term)
{
	if (term < TERMS_MAX)
		return true;
	violation(w, "progress", "term %llu: elections without end", term);
	return false;
}

/* The leader of a later term has every entry committed in an earlier one. */
static void check_completeness(struct world *w, const struct node *leader,
			       u64 first)
{
	const struct log *committed = &w->check.committed;
	u64 i;

	for (i = first; i <= committed->n; i++)
		if (log_at(committed, i)->committed_term < leader->current_term &&
		    log_at(&leader->log, i) != log_at(committed, i)) {
			violation(w, "leader completeness",
				  "node %u leads term %llu without entry (%llu, %llu), which is committed",
				  leader->id, leader->current_term, i,
				  log_term(committed, i));
			return;
		}
}

/* Leases count on clocks that run at about the same speed, and do not leap. */
bool check_clocks_agree(const struct world *w)
{
	u32 i;

	for (i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].jumped)
			return false;
	return w->plan.drift <= LEASE_DRIFT_MAX;
}

/*
 * While one may answer for the group, nobody else leads it: nor until the latest
 * time that it told anybody, whatever it says now.
 */
static void check_leases(struct world *w, const struct node *leader)
{
	u32 i;

	if (!check_clocks_agree(w))
		return;
	for (i = 0; i < w->n_nodes; i++) {
		const struct node *node = &w->nodes[i];

		/* A late winner of an earlier term finds nobody to follow it. */
		if (node == leader || !node->lease_until_ns ||
		    node->lease_term > leader->current_term)
			continue;
		w->counters.leases_checked++;
		if (node->lease_until_ns > w->now_ns)
			violation(w, "lease",
				  "node %u leads term %llu while node %u holds a lease for another %llu ns",
				  leader->id, leader->current_term, node->id,
				  node->lease_until_ns - w->now_ns);
	}
}

void check_alone(struct world *w, const struct node *node, u64 term)
{
	if (term_is_possible(w, term))
		w->check.leaders[term] = node->id;
}

u32 check_leader_of(const struct world *w, u64 term)
{
	return term < TERMS_MAX ? w->check.leaders[term] : RAFT_ID_NONE;
}

static void note_lease(struct world *w, struct node *node,
		       const struct raft_status *status)
{
	u64 clock = node_clock(w, node);
	u64 ns;

	if (status->lease_until_ns <= clock)
		return;
	ns = (status->lease_until_ns - clock - 1) * 1000 / node->clock_rate;
	node->lease_until_ns = max(node->lease_until_ns, w->now_ns + ns);
	node->lease_term = status->hard_state.current_term;
}

static void note_transfer(struct world *w, struct node *node,
			  const struct raft_status *status)
{
	struct counters *c = &w->counters;
	u64 *const counters[] = {
		[RAFT_TRANSFER_REQUESTED] = &c->transfers_requested,
		[RAFT_TRANSFER_SHUTDOWN] = &c->transfers_shutdown,
		[RAFT_TRANSFER_PRIORITY] = &c->transfers_priority,
		[RAFT_TRANSFER_DISK_STALLED] = &c->transfers_stalled,
		[RAFT_TRANSFER_REMOVED] = &c->transfers_removed,
	};

	if (status->n_transfers != node->n_transfers)
		++*counters[status->transfer_cause];
	if (status->transferee && status->lease_until_ns)
		violation(w, "lease",
			  "node %u publishes a lease while it hands over to %u",
			  node->id, status->transferee);
	if (node->transferee && !status->transferee &&
	    status->role == RAFT_LEADER)
		c->transfers_aborted++;
	node->n_transfers = status->n_transfers;
	node->transferee = status->transferee;
}

void check_timeout_now(struct world *w, struct node *node,
		       const struct raft_message *message)
{
	struct raft_status status;

	raft_status(node->raft, &status);
	if (status.role != RAFT_CANDIDATE ||
	    status.hard_state.current_term != message->term + 1)
		w->counters.timeout_now_ignored++;
}

static void check_leader(struct world *w, struct node *node, u64 term)
{
	struct check *check = &w->check;

	if (!term_is_possible(w, term))
		return;
	/* A configuration that is not committed yet may know it already. */
	if (node->wiped && members_deny(members_of(node), node))
		violation(w, "election safety",
			  "node %u leads term %llu with a disk that nobody knows",
			  node->id, term);
	if (check->leaders[term] && check->leaders[term] != node->id)
		violation(w, "election safety",
			  "nodes %u and %u both lead term %llu",
			  check->leaders[term], node->id, term);
	if (node->witness)
		violation(w, "configuration", "node %u leads, and is a witness",
			  node->id);
	check->leaders[term] = node->id;
	node->elected = true;
}

void check_elected(struct world *w, struct node *node)
{
	if (!node->elected)
		return;
	node->elected = false;
	if (node->role != RAFT_LEADER)
		return;
	check_completeness(w, node, 1);
	check_leases(w, node);
}

void check_transition(struct world *w, struct node *node,
		      const struct raft_transition *transition)
{
	struct counters *c = &w->counters;

	trace(w, TRACE_TRANSITION, node->id, transition->edge, transition->to,
	      transition->term, transition->leader_id);
	trace(w, TRACE_REASON, node->id, transition->reason, 0, 0, 0);
	node->role = transition->to;
	node->current_term = transition->term;
	check_interrupted(w, node);
	if (transition->leader_only)
		return;
	switch (transition->edge) {
	case RAFT_EDGE_JOIN:
		c->edge_0++;
		break;
	case RAFT_EDGE_TIMEOUT:
		c->edge_1++;
		break;
	case RAFT_EDGE_SPLIT_VOTE:
		c->edge_2++;
		break;
	case RAFT_EDGE_MAJORITY:
		c->edge_3++;
		break;
	case RAFT_EDGE_STEP_DOWN:
		c->edge_4++;
		break;
	case RAFT_EDGE_NO_MAJORITY:
		c->edge_5++;
		break;
	}
	c->quorum_lost += transition->reason == RAFT_REASON_QUORUM_LOST;
	c->leaders_removed += transition->from == RAFT_LEADER &&
			      transition->reason == RAFT_REASON_MEMBERSHIP;
	c->disk_stalled += transition->reason == RAFT_REASON_DISK_STALLED;
	if (transition->to == RAFT_CANDIDATE)
		node->by_transfer =
			transition->reason == RAFT_REASON_TRANSFERRED;
	c->transferred += transition->to == RAFT_LEADER && node->by_transfer;
	if (transition->to == RAFT_LEADER)
		check_leader(w, node, transition->term);
}

static bool is_equal(const struct node *node, const struct record *record,
		     const struct raft_entry *entry)
{
	if (record->data &&
	    memcmp(record->data, entry->data, min(record->bytes, entry->bytes)))
		return false;
	return record->session == entry->session &&
	       record->sequence == entry->sequence &&
	       node_bytes(node, record) == entry->bytes && record->type == entry->type;
}

static void check_origin(struct world *w, const struct node *node,
			 const struct record *record)
{
	const struct op *op = record->op;

	/* The bootstrap entry is everybody's. */
	if (record->index == 1 && record->term == 1)
		return;
	if (record->term >= TERMS_MAX ||
	    w->check.leaders[record->term] != node->id)
		violation(w, "log matching",
			  "node %u makes entry (%llu, %llu) and does not lead that term",
			  node->id, record->index, record->term);
	if ((record->type == RAFT_ENTRY_DATA ||
	     record->type == RAFT_ENTRY_SESSION) &&
	    (!op || op->bytes != record->bytes))
		violation(w, "integrity",
			  "node %u: entry (%llu, %llu): nobody wrote it",
			  node->id, record->index, record->term);
}

/* It tells what @record says, or has what came in its place in a later term. */
static bool makes_up_for(const struct node *node, const struct record *record)
{
	const struct log *durable = &node->store.durable;

	return node->rotted || node->wiped ||
	       log_at(durable, record->index) == record ||
	       log_term(durable, durable->n) > record->term;
}

/* Nobody may need of a witness what only that has. */
static void check_witness(struct world *w, const struct node *node,
			  const struct record *record)
{
	u32 leader_id = check_leader_of(w, record->term);
	const struct raft_configuration *c = NULL;
	u32 i;

	/* Whoever made it may have been the last that was to have it. */
	if (leader_id)
		c = members_of(&w->nodes[leader_id - 1]);
	for (i = 0; i < w->n_nodes; i++)
		if (!w->nodes[i].witness &&
		    (!c || members_include(c, i + 1)) &&
		    makes_up_for(&w->nodes[i], record))
			return;
	violation(w, "witness",
		  "node %u gets entry (%llu, %llu), which is on no other disk",
		  node->id, record->index, record->term);
}

static void add_checkpoint(struct check *check, struct record *record,
			   const void *data)
{
	record->data = memory_zeroed(record->bytes + 1);
	if (record->bytes)
		memcpy(record->data, data, record->bytes);
	check->checkpoints = memory_grow(check->checkpoints,
					 check->n_checkpoints,
					 &check->n_checkpoints_max,
					 sizeof(*check->checkpoints));
	check->checkpoints[check->n_checkpoints++] = record;
}

struct record *check_entry(struct world *w, struct node *node, u64 index,
			   const struct raft_entry *entry)
{
	u64 prev_term = log_term(&node->log, index - 1);
	struct record *record =
		records_find(&w->check.records, index, entry->term);

	trace(w, TRACE_APPEND, node->id, index, entry->term,
	      entry->session & 0xffff, entry->sequence);
	w->counters.appended++;
	if (index != node->log.n + 1) {
		violation(w, "log matching",
			  "node %u: entry %llu behind last_index %llu",
			  node->id, index, node->log.n);
		return NULL;
	}
	if (record) {
		if (node->witness && index > 1)
			check_witness(w, node, record);
		if (!is_equal(node, record, entry) || record->prev_term != prev_term)
			violation(w, "log matching",
				  "node %u: entry (%llu, %llu) differs from another's",
				  node->id, index, entry->term);
		if (record->type == RAFT_ENTRY_SESSIONS &&
		    record->sequence > w->check.committed.n)
			violation(w, "sessions",
				  "node %u: a checkpoint that covers %llu, committed is %llu",
				  node->id, record->sequence,
				  w->check.committed.n);
		return record;
	}
	record = records_add(&w->check.records, index, entry->term);
	record->prev_term = prev_term;
	record->session = entry->session;
	record->sequence = entry->sequence;
	record->bytes = entry->bytes;
	record->type = entry->type;
	record->in_force = index > 1 ? log_at(&node->log, index - 1)->in_force :
				       NULL;
	if (entry->type == RAFT_ENTRY_CONFIGURATION) {
		members_appended(w, node, record, entry->data);
		record->in_force = record;
	}
	if (entry->type == RAFT_ENTRY_SESSIONS)
		add_checkpoint(&w->check, record, entry->data);
	if (entry->type == RAFT_ENTRY_DATA || entry->type == RAFT_ENTRY_SESSION)
		record->op = clients_find(w, entry->session, entry->sequence);
	check_origin(w, node, record);
	return record;
}

void check_replace(struct world *w, struct node *node, u64 from)
{
	u64 i;

	if (from > node->log.n)
		return;
	w->counters.truncations++;
	trace(w, TRACE_TRUNCATE, node->id, from, node->log.n, 0, 0);
	if (node->role == RAFT_LEADER)
		violation(w, "leader append-only",
			  "node %u leads term %llu and replaces entry %llu",
			  node->id, node->current_term, from);
	if (from <= node->commit_index)
		violation(w, "state machine safety",
			  "node %u replaces entry %llu, commit_index %llu",
			  node->id, from, node->commit_index);
	/* A leader of an earlier term may, until this node learns of the later. */
	for (i = from; i <= w->check.committed.n && i <= node->log.n; i++)
		if (log_at(&node->log, i) == log_at(&w->check.committed, i) &&
		    log_at(&node->log, i)->committed_term <= node->current_term)
			violation(w, "leader completeness",
				  "node %u replaces entry (%llu, %llu), which is committed",
				  node->id, i, log_term(&node->log, i));
	log_truncate(&node->log, from);
}

/* Those of @c's voters whose disk, as @c knows it, has @record; bit: id. */
u32 check_holders(const struct world *w, const struct raft_configuration *c,
		  const struct record *record)
{
	u32 i, set = 0;

	for (i = 0; i < c->n_members; i++) {
		u64 incarnation = c->members[i].incarnation;
		const struct node *node = &w->nodes[c->members[i].id - 1];
		const struct store *store = &node->store;
		bool rotted = node->rotted;

		/* It may have been pulled, and lie on the shelf. */
		if (incarnation && store->super.incarnation != incarnation) {
			store = &node->spare;
			rotted = node->spare_rotted;
			if (!node->has_spare ||
			    store->super.incarnation != incarnation)
				continue;
		}
		/* What damage took was counted when it was there. */
		if (rotted ||
		    log_at(&store->durable, record->index) == record)
			set |= 1u << node->id;
	}
	return set;
}

static bool is_held(const struct world *w, const struct raft_configuration *c,
		    const struct record *record)
{
	return members_agree(c, check_holders(w, c, record));
}

static void check_majority(struct world *w, const struct node *node,
			   const struct record *record)
{
	const struct record *last = log_at(&node->log, node->log.n);
	const struct record *in_force = last->in_force;
	const struct record *before;

	/* The bootstrap entry is given. */
	if (record->index == 1)
		return;
	if (is_held(w, in_force->configuration, record))
		return;
	/* One that came in the same batch may have come after. */
	before = log_at(&node->log, in_force->index - 1);
	if (node->update.n_entries && before &&
	    in_force->index >= node->update.first_index &&
	    is_held(w, before->in_force->configuration, record))
		return;
	violation(w, "durability",
		  "entry (%llu, %llu) is committed, and on the disks of %#x",
		  record->index, record->term,
		  check_holders(w, in_force->configuration, record));
}

/* An index is committed for the first time anywhere. */
static void commit_first(struct world *w, struct node *node,
			 struct record *record)
{
	struct log *committed = &w->check.committed;
	struct op *op = record->op;
	u32 i;

	w->counters.committed++;
	record->committed_term = node->current_term;
	log_append(committed, record);
	application_committed(w, record);
	check_majority(w, node, record);
	if (record->configuration)
		members_committed(w, record);
	if (op && op->committed)
		violation(w, "exactly once",
			  "op %llu is committed at %llu and at %llu",
			  op->number, op->committed->index, record->index);
	/* A program may have asked for it more than once. */
	if (op && op->state == OP_NEVER && !op->generation)
		violation(w, "errors",
			  "op %llu is committed at %llu and was refused with %d",
			  op->number, record->index, op->proposal.result);
	if (op && record->index <= op->floor_index)
		violation(w, "order",
			  "op %llu is committed at %llu, made when %llu was acknowledged",
			  op->number, record->index, op->floor_index);
	if (op)
		op->committed = record;
	programs_commit(w, record);
	for (i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].up && w->nodes[i].role == RAFT_LEADER &&
		    w->nodes[i].current_term > node->current_term)
			check_completeness(w, &w->nodes[i], committed->n);
}

void check_commit(struct world *w, struct node *node, u64 commit_index)
{
	const struct log *committed = &w->check.committed;
	u64 i;

	if (commit_index < node->commit_index || commit_index > node->log.n) {
		violation(w, "state machine safety",
			  "node %u: commit_index %llu after %llu, last_index %llu",
			  node->id, commit_index, node->commit_index,
			  node->log.n);
		return;
	}
	if (commit_index == node->commit_index)
		return;
	trace(w, TRACE_COMMIT, node->id, commit_index,
	      log_term(&node->log, commit_index), 0, 0);
	for (i = node->commit_index + 1; i <= commit_index && !w->violated; i++) {
		struct record *record = log_at(&node->log, i);

		if (i > committed->n)
			commit_first(w, node, record);
		else if (record != log_at(committed, i))
			violation(w, "state machine safety",
				  "node %u commits (%llu, %llu), committed is term %llu",
				  node->id, i, record->term,
				  log_term(committed, i));
	}
	node->commit_index = commit_index;
}

void check_base(struct world *w, const struct node *node,
		const struct raft_update *update)
{
	u64 base = update->base_index;

	if (base > node->commit_index && base > update->commit_index)
		violation(w, "compaction",
			  "node %u lets go of %llu, commit_index %llu",
			  node->id, base, node->commit_index);
	if (log_at(&node->store.durable, base) != log_at(&node->log, base))
		violation(w, "compaction",
			  "node %u lets go of %llu, which is not on its disk",
			  node->id, base);
	if (update->base_term != log_term(&node->log, base))
		violation(w, "compaction",
			  "node %u: entry %llu had term %llu, and not %llu",
			  node->id, base, log_term(&node->log, base),
			  update->base_term);
}

void check_discard(struct world *w, struct node *node,
		   const struct raft_update *update)
{
	const struct log *committed = &w->check.committed;
	u64 i, base = update->base_index;

	w->counters.snapshots_taken++;
	w->counters.snapshots_installed += update->base_installed;
	if (node->log.n >= base)
		w->counters.conflicts_discarded++;
	if (node->role == RAFT_LEADER)
		violation(w, "leader append-only",
			  "node %u leads term %llu and begins anew behind %llu",
			  node->id, node->current_term, base);
	if (base <= node->commit_index)
		violation(w, "state machine safety",
			  "node %u begins anew behind %llu, commit_index %llu",
			  node->id, base, node->commit_index);
	if (update->base_term != log_term(committed, base))
		violation(w, "state machine safety",
			  "node %u begins anew behind (%llu, %llu), committed is term %llu",
			  node->id, base, update->base_term,
			  log_term(committed, base));
	if (log_at(&node->log, base) && log_at(&node->log, base) ==
					       log_at(committed, base))
		violation(w, "snapshot",
			  "node %u begins anew behind %llu, which it had",
			  node->id, base);
	for (i = base + 1; i <= node->log.n && i <= committed->n; i++)
		if (log_at(&node->log, i) == log_at(committed, i))
			violation(w, "leader completeness",
				  "node %u discards entry (%llu, %llu), which is committed",
				  node->id, i, log_term(&node->log, i));
	if (w->violated)
		return;
	log_rebase(&node->log, committed, base);
}

/*
 * It is a committed one, and none between it and the base is: with an older one a
 * majority could decide that is none any more.
 */
void check_configuration(struct world *w, const struct node *node, u64 base,
			 u64 index, const void *data, u32 bytes)
{
	const struct log *committed = &w->check.committed;
	const struct record *record = log_at(committed, index);
	u64 i;

	if (!record || record->type != RAFT_ENTRY_CONFIGURATION ||
	    record->bytes != bytes ||
	    memcmp(world_payload(record), data, bytes))
		violation(w, "configuration",
			  "node %u: configuration %llu is not what is committed",
			  node->id, index);
	for (i = index + 1; i <= base; i++)
		if (log_at(committed, i)->type == RAFT_ENTRY_CONFIGURATION)
			violation(w, "configuration",
				  "node %u: behind %llu with the configuration of %llu, but there is that of %llu",
				  node->id, base, index, i);
}

/* It came when the others had been upgraded already, or was away. */
static bool is_left_behind(const struct world *w, const struct node *node,
			   const struct raft_status *status)
{
	u64 i;

	if (status->reason != RAFT_REASON_FEATURE_LEVEL)
		return false;
	for (i = 0; i < w->check.n_configurations; i++)
		if (w->check.configurations[i]->configuration->feature_level >
		    node->feature_level)
			return true;
	return false;
}

static void check_failed(struct world *w, struct node *node,
			 const struct raft_status *status)
{
	if (!node->disk_broken && is_left_behind(w, node, status)) {
		w->counters.left_behind++;
		node->disk_broken = true;
	}
	if (!node->disk_broken)
		violation(w, "invariant", "node %u: %s", node->id,
			  status->failure);
}

/*
 * Which of two disks a learner has does not matter, and no configuration says. Nor
 * does one say of a voter that was heard from with the one that it knows.
 */
static bool is_other_disk(const struct node *leader, const struct node *node)
{
	return (node->has_spare || node->had_twin) &&
	       !members_know(members_of(leader), node);
}

/* What a leader believes a peer's disk to hold is there. */
static void check_match(struct world *w, const struct node *leader)
{
	struct raft_peer_status peer;
	u32 i;

	for (i = 0; i < w->n_nodes; i++) {
		const struct node *node = &w->nodes[i];

		/* A peer in a newer term may have followed another since. */
		if (node == leader || node->n_rots || node->wiped ||
		    node->current_term > leader->current_term ||
		    raft_peer_status(leader->raft, node->id, &peer))
			continue;
		/* Of another disk, with which the node was heard from last. */
		if (peer.foreign || is_other_disk(leader, node))
			continue;
		if (log_at(&node->store.durable, peer.match_index) !=
		    log_at(&leader->log, peer.match_index))
			violation(w, "log matching",
				  "node %u leads term %llu and believes node %u to have (%llu, %llu)",
				  leader->id, leader->current_term, node->id,
				  peer.match_index,
				  log_term(&leader->log, peer.match_index));
	}
}

static bool is_before(u64 index, u64 term, u64 last_index, u64 last_term)
{
	return term < last_term || (term == last_term && index < last_index);
}

static void check_repaired(struct world *w, struct node *node)
{
	const struct wal_lost *lost = &node->store.lost;
	const struct log *durable = &node->store.durable;
	const struct log *committed = &w->check.committed;
	struct raft_status status;

	if (!node->rotted || !node->raft)
		return;
	raft_status(node->raft, &status);
	/* What made up for it may go with the power, as long as it is in memory. */
	if (status.lost_index ||
	    is_before(durable->n, log_term(durable, durable->n), lost->index,
		      lost->term) ||
	    log_at(durable, committed->n) != log_at(committed, committed->n))
		return;
	node->rotted = false;
	w->counters.repaired++;
}

void check_interrupted(struct world *w, const struct node *node)
{
	if (!node->incoming_index)
		return;
	w->counters.transfers_interrupted++;
	w->install_interrupted = true;
}

/* By another leader, or another snapshot, if not by crashes and partitions. */
static void check_incoming(struct world *w, struct node *node,
			   const struct raft_status *status)
{
	if (node->incoming_index && status->incoming.index != node->incoming_index &&
	    status->snapshot.index < node->incoming_index)
		check_interrupted(w, node);
	node->incoming_index = status->incoming.index;
}

void check_batch(struct world *w, struct node *node)
{
	const struct store *store = &node->store;
	struct raft_status status;

	check_repaired(w, node);
	raft_status(node->raft, &status);
	if (status.role == RAFT_FAILED) {
		check_failed(w, node, &status);
		return;
	}
	if (status.role != node->role)
		violation(w, "core", "node %u: role %s without a transition",
			  node->id, raft_role_name(status.role));
	if (status.hard_state.current_term < node->current_term)
		violation(w, "term", "node %u: current_term %llu after %llu",
			  node->id, status.hard_state.current_term,
			  node->current_term);
	node->current_term = status.hard_state.current_term;
	check_incoming(w, node, &status);
	note_lease(w, node, &status);
	note_transfer(w, node, &status);
	programs_check(w, node, &status);
	if (status.last_index != node->log.n ||
	    status.last_term != log_term(&node->log, node->log.n) ||
	    status.commit_index != node->commit_index)
		violation(w, "core",
			  "node %u: last_index %llu of %llu, commit_index %llu of %llu",
			  node->id, status.last_index, node->log.n,
			  status.commit_index, node->commit_index);
	if (status.first_index != node->log.base + 1)
		violation(w, "core", "node %u: first_index %llu behind %llu",
			  node->id, status.first_index, node->log.base);
	if (status.durable_index > node->log.n ||
	    log_at(&store->durable, status.durable_index) !=
		    log_at(&node->log, status.durable_index))
		violation(w, "durability",
			  "node %u: durable_index %llu, but that entry is not on the disk",
			  node->id, status.durable_index);
	if (status.role == RAFT_LEADER)
		check_match(w, node);
	if (status.space_bytes < w->plan.block_bytes * 16)
		w->counters.full_logs++;
}

static void check_vote(struct world *w, const struct node *voter, u64 term,
		       u32 candidate)
{
	u64 incarnation = voter->store.super.incarnation;
	struct vote *vote;

	if (!term_is_possible(w, term))
		return;
	vote = &w->check.votes[term * VOTERS + voter->id];
	if (vote->candidate && vote->candidate != candidate &&
	    vote->incarnation == incarnation)
		violation(w, "vote",
			  "node %u votes for %u and %u in term %llu", voter->id,
			  vote->candidate, candidate, term);
	vote->incarnation = incarnation;
	vote->candidate = candidate;
	w->counters.votes_granted++;
}

static void check_ack(struct world *w, struct node *node,
		      const struct raft_message *message)
{
	u64 match = message->append_entries_response.match_index;
	const struct record *record = log_at(&node->store.durable, match);
	const struct node *leader = &w->nodes[message->to - 1];

	w->counters.acks_checked++;
	if (!match)
		return;
	if (!record) {
		violation(w, "durability",
			  "node %u acknowledges %llu, its disk ends at %llu",
			  node->id, match, node->store.durable.n);
		return;
	}
	if (!leader->up || leader->role != RAFT_LEADER ||
	    leader->current_term != message->term)
		return;
	if (log_at(&leader->log, match) != record)
		violation(w, "log matching",
			  "node %u acknowledges (%llu, %llu), leader %u has term %llu there",
			  node->id, match, record->term, leader->id,
			  log_term(&leader->log, match));
}

void check_said(struct world *w, struct node *node,
		const struct raft_message *message)
{
	switch (message->type) {
	case RAFT_APPEND_ENTRIES:
	case RAFT_INSTALL_SNAPSHOT:
		if (message->term < TERMS_MAX &&
		    w->check.leaders[message->term] != node->id)
			violation(w, "election safety",
				  "node %u sends %s of term %llu, which it does not lead",
				  node->id,
				  raft_message_type_name(message->type),
				  message->term);
		break;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		if (!message->append_entries_response.rejected)
			check_ack(w, node, message);
		break;
	case RAFT_READ_INDEX_RESPONSE:
		if (check_leader_of(w, message->term) != node->id)
			violation(w, "reads",
				  "node %u says what to read in term %llu, which it does not lead",
				  node->id, message->term);
		break;
	}
}

void check_leaves(struct world *w, struct node *node,
		  const struct raft_message *message)
{
	const struct raft_hard_state *durable = &node->store.durable_hard_state;
	u32 vote = RAFT_ID_NONE;

	switch (message->type) {
	case RAFT_REQUEST_VOTE:
		if (message->request_vote.pre_vote)
			return;
		vote = node->id;
		break;
	case RAFT_REQUEST_VOTE_RESPONSE:
		if (message->request_vote_response.pre_vote)
			return;
		if (message->request_vote_response.granted)
			vote = message->to;
		break;
	}
	if (durable->current_term < message->term ||
	    (vote && durable->current_term == message->term &&
	     durable->voted_for != vote))
		violation(w, "hard state",
			  "node %u sends a %s of term %llu, on its disk are term %llu and vote %u",
			  node->id, raft_message_type_name(message->type),
			  message->term, durable->current_term,
			  durable->voted_for);
	node->promised_term = max(node->promised_term, message->term);
	if (vote)
		check_vote(w, node, message->term, vote);
}

static bool is_equal_log(const struct log *a, const struct log *b)
{
	return a->n == b->n && a->base == b->base &&
	       (!a->n || !memcmp(a->records, b->records,
				 a->n * sizeof(*a->records)));
}

static bool is_equal_state(const struct raft_hard_state *a,
			   const struct raft_hard_state *b)
{
	return a->current_term == b->current_term &&
	       a->voted_for == b->voted_for;
}

/* Of an earlier write of the slot, which a later one that was torn, too, made whole. */
static bool is_torn_state(const struct store *store,
			  const struct raft_hard_state *hard_state)
{
	u32 i;

	if (!store->torn || !store->torn_position)
		return false;
	for (i = 0; i < min(store->n_torn, (u32)TORN_SLOTS); i++)
		if (is_equal_state(hard_state, &store->torn_hard_states[i]))
			return true;
	return false;
}

void check_recovered(struct world *w, struct node *node,
		     const struct log *found,
		     const struct raft_hard_state *hard_state)
{
	struct store *store = &node->store;
	bool old = is_equal_log(found, &store->durable) &&
		   is_equal_state(hard_state, &store->durable_hard_state);
	bool new = store->torn && is_equal_log(found, &store->maybe) &&
		   is_equal_state(hard_state, &store->maybe_hard_state);

	bool earlier = is_equal_log(found, &store->durable) &&
		       is_torn_state(store, hard_state);

	if (!old && !new && !earlier)
		violation(w, "recovery",
			  "node %u: found %llu entries, term %llu, vote %u; on the disk were %llu, %llu, %u",
			  node->id, found->n, hard_state->current_term,
			  hard_state->voted_for, store->durable.n,
			  store->durable_hard_state.current_term,
			  store->durable_hard_state.voted_for);
	if (hard_state->current_term < node->promised_term)
		violation(w, "hard state",
			  "node %u comes back with term %llu after it spoke of %llu",
			  node->id, hard_state->current_term,
			  node->promised_term);
	if (new && !old) {
		log_copy(&store->durable, &store->maybe);
		store->durable_hard_state = store->maybe_hard_state;
	}
	if (earlier && !old && !new)
		store->durable_hard_state = *hard_state;
	store->torn = false;
}

/* Does a server with damage vote as if its log still ended like this? */
static bool knows_end(const struct store *store, const struct log *found,
		      const struct log *log)
{
	u64 n = log->n, term = log_term(log, n);

	return !is_before(store->lost.index, store->lost.term, n, term) ||
	       !is_before(found->n, log_term(found, found->n), n, term);
}

/* As if it were all there, but for the entries themselves. */
void check_damaged(struct world *w, struct node *node, const struct log *found,
		   const struct raft_hard_state *hard_state)
{
	struct store *store = &node->store;
	u64 n = store->durable.n, term = log_term(&store->durable, n);

	/* What takes nothing away may stay on the disk, to be found once more. */
	if (!node->rotted && (store->lost.index || !node->n_rots))
		violation(w, "recovery", "node %u: damage that nobody did",
			  node->id);
	if (!is_equal_state(hard_state, &store->durable_hard_state) &&
	    !(store->torn &&
	      is_equal_state(hard_state, &store->maybe_hard_state)) &&
	    !is_torn_state(store, hard_state))
		violation(w, "hard state",
			  "node %u: term %llu, vote %u after damage",
			  node->id, hard_state->current_term,
			  hard_state->voted_for);
	/* A torn write that came through may have made the log shorter. */
	if (!knows_end(store, found, &store->durable) &&
	    !(store->torn && knows_end(store, found, &store->maybe)))
		violation(w, "recovery",
			  "node %u: its log ended at (%llu, %llu), and it knows of (%llu, %llu)",
			  node->id, n, term, store->lost.index,
			  store->lost.term);
	if (store->lost.index > store->longest)
		violation(w, "recovery",
			  "node %u: its log never had more than %llu entries, and it knows of %llu",
			  node->id, store->longest, store->lost.index);
	log_copy(&store->durable, found);
	store->durable_hard_state = *hard_state;
	store->torn = false;
}

void check_done(struct world *w, struct node *node, struct op *op)
{
	const struct record *committed = op->of->committed;

	if (op->state == OP_NEVER) {
		if (committed && !op->generation)
			violation(w, "errors",
				  "op %llu ends with %d and is committed at %llu",
				  op->number, op->proposal.result,
				  committed->index);
		return;
	}
	if (!committed || committed->index != op->proposal.index ||
	    committed->term != op->proposal.term)
		violation(w, "proposals",
			  "node %u: op %llu ends at (%llu, %llu), where it is not committed",
			  node->id, op->number, op->proposal.index,
			  op->proposal.term);
}
