// SPDX-License-Identifier: GPL-2.0
/* What must hold once all faults are over. */
#include "membership.h"
#include "memory.h"
#include "world.h"

enum {
	/* No-ops that still fit where a log is not quite full. */
	NOOPS = 8,
	LATE_LOOKS = 3,
};

static u64 room_of(const struct node *node)
{
	struct raft_status status;

	raft_status(node->raft, &status);
	return status.space_bytes;
}

/*
 * Is there room on all for what is still to come? If not, nothing frees any, and
 * logs need not become equal.
 */
static bool is_full(struct world *w)
{
	u64 overhead = wal_entry_overhead_bytes(w->plan.block_bytes);
	u64 least = (NOOPS + NODE_RESERVE_ENTRIES) * overhead +
		    w->n_nodes * (w->plan.payload_max + overhead);
	bool full = false;
	u32 i;

	for (i = 0; i < w->n_nodes; i++)
		full |= members_include(members_final(w), i + 1) &&
			room_of(&w->nodes[i]) < least;
	return full;
}

/* Would @voter find the log of a candidate up to date? (3.6.1) */
static bool is_up_to_date(const struct raft_status *candidate,
			  const struct node *voter)
{
	const struct store *store = &voter->store;
	struct raft_status status;
	u64 index, term;

	raft_status(voter->raft, &status);
	index = status.last_index;
	term = status.last_term;
	/* With damage it votes as if it had all that it ever had. */
	if (status.lost_index && store->lost.term >= term) {
		index = store->lost.term > term ?
				store->lost.index :
				max(index, store->lost.index);
		term = store->lost.term;
	}
	return candidate->last_term > term ||
	       (candidate->last_term == term && candidate->last_index >= index);
}

static bool can_lead(struct world *w, const struct node *node)
{
	u64 least = NOOPS * wal_entry_overhead_bytes(w->plan.block_bytes);
	struct raft_status status;
	u32 i, set = 0;

	raft_status(node->raft, &status);
	if (status.space_bytes < least || status.lost_index ||
	    status.foreign || status.witness)
		return false;
	for (i = 0; i < w->n_nodes; i++) {
		const struct node *voter = &w->nodes[i];

		if (room_of(voter) >= least && !voter->wiped &&
		    is_up_to_date(&status, voter))
			set |= 1u << voter->id;
	}
	return members_agree(members_of(node), set);
}

/*
 * One with room for no-ops, and what is committed, is elected by others that have
 * room for them too. If all that have everything are full, nobody leads.
 */
static bool can_elect(struct world *w)
{
	u32 i;

	for (i = 0; i < w->n_nodes; i++)
		if (members_know(members_of(&w->nodes[i]), &w->nodes[i]) &&
		    can_lead(w, &w->nodes[i]))
			return true;
	return false;
}

static void no_progress(struct world *w, const struct node *node)
{
	struct raft_status status;

	raft_status(node->raft, &status);
	violation(w, "progress",
		  "node %u is %s in term %llu, leader %u, last_index %llu (%llu), durable_index %llu, commit_index %llu of %llu",
		  node->id, raft_role_name(status.role),
		  status.hard_state.current_term, status.leader_id,
		  status.last_index, status.last_term, status.durable_index,
		  status.commit_index, w->check.committed.n);
}

/* Then whoever is to lead may be about to. A leader does that once or twice. */
static bool is_handed_over(struct world *w)
{
	return w->handed_over_ns &&
	       w->now_ns - w->handed_over_ns < 2 * w->plan.election_timeout_ns &&
	       w->check.n_late++ < LATE_LOOKS;
}

/* Within the time there was: one leader, whom all follow from then on. */
static bool is_led(struct world *w)
{
	const struct raft_configuration *members = members_final(w);
	struct raft_status status;
	u32 i, leader_id = 0;
	u64 n_elections;

	for (i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].role == RAFT_LEADER)
			leader_id = w->nodes[i].id;
	for (i = 0; i < w->n_nodes; i++) {
		if (!members_include(members, i + 1))
			continue;
		raft_status(w->nodes[i].raft, &status);
		if (leader_id && status.leader_id == leader_id)
			continue;
		if (!is_handed_over(w))
			no_progress(w, &w->nodes[i]);
		return false;
	}
	/* Those that a leader wanted are none that anybody had to wait for. */
	n_elections = w->counters.edge_3 - w->counters.transferred -
		      w->counters.leaders_removed;
	if (w->check.n_elections && w->check.n_elections < n_elections) {
		violation(w, "progress",
			  "an election although nothing is wrong, now node %u leads",
			  leader_id);
		return false;
	}
	w->check.n_elections = n_elections;
	return true;
}

/* First node whose log is not what all have agreed on. */
static struct node *find_behind(struct world *w, u64 *progress)
{
	u64 end = w->check.committed.n;
	struct node *behind = NULL;
	struct raft_status status;
	u32 i;

	*progress = end;
	for (i = 0; i < w->n_nodes; i++) {
		if (!members_include(members_final(w), i + 1))
			continue;
		raft_status(w->nodes[i].raft, &status);
		*progress += status.durable_index + status.commit_index;
		if (!behind && (status.commit_index != end ||
				status.last_index != end ||
				status.durable_index != end))
			behind = &w->nodes[i];
	}
	return behind;
}

enum progress progress_converge(struct world *w)
{
	struct node *behind;
	u64 progress;

	if (is_full(w)) {
		w->counters.full_seeds++;
		if (can_elect(w))
			is_led(w);
		return PROGRESS_FULL;
	}
	if (!is_led(w))
		return PROGRESS_SOME;
	behind = find_behind(w, &progress);
	if (!behind)
		return PROGRESS_DONE;
	/* With a change of the members, others are counted. */
	if (progress <= w->check.progress &&
	    w->check.converging == w->check.committed.n)
		no_progress(w, behind);
	w->check.progress = progress;
	w->check.converging = w->check.committed.n;
	return PROGRESS_SOME;
}

enum progress progress_probe(struct world *w)
{
	const struct op *pending = NULL;
	u64 i, n_done = 0, n_reading;

	if (is_full(w))
		return PROGRESS_FULL;
	if (!is_led(w))
		return PROGRESS_SOME;
	for (i = 0; i < w->clients.n_ops; i++) {
		const struct op *op = w->clients.ops[i];

		n_done += op->state != OP_PENDING;
		if (op->state == OP_PENDING)
			pending = op;
		/* Once it was refused for want of room, a term goes on so. */
		if (op->probe && op->proposal.result == -ENOSPC)
			return PROGRESS_FULL;
		/* Of a session opened again before this node knew of any: ask again. */
		if (op->program && !op->generation &&
		    op->proposal.result == -ETIMEDOUT)
			continue;
		if (op->probe && op->state > OP_OK)
			violation(w, "progress", "op %llu on node %u ends with %d",
				  op->number, op->node + 1, op->proposal.result);
	}
	n_reading = readers_n_pending(w);
	n_done += w->readers.n - n_reading;
	if (!pending && !n_reading)
		return PROGRESS_DONE;
	if (n_done <= w->check.progress && pending)
		violation(w, "progress", "op %llu on node %u is never done",
			  pending->number, pending->node + 1);
	else if (n_done <= w->check.progress)
		violation(w, "progress", "%llu reads are never done",
			  n_reading);
	w->check.progress = n_done;
	return PROGRESS_SOME;
}

static void check_acknowledged(struct world *w, const struct op *op)
{
	const struct raft_configuration *members = members_final(w);
	u32 set;

	/* A full log cannot be repaired. */
	set = op->of->committed ?
		      check_holders(w, members, op->of->committed) :
		      0;
	if (!members_agree(members, set))
		violation(w, "durability",
			  "op %llu was acknowledged at %llu and is on the disks of %#x",
			  op->number, op->proposal.index, set);
}

static void look_at_disk(struct world *w, struct node *node)
{
	struct raft_hard_state hard_state;
	struct log found = { 0 };
	u64 space_bytes;

	if (store_recover(w, node, &found, &hard_state, &space_bytes))
		check_recovered(w, node, &found, &hard_state);
	log_free(&found);
}

/* Power off: what is on the disks is all there is. */
void progress_final(struct world *w)
{
	u64 i;

	for (i = 0; i < w->n_nodes && !w->violated; i++) {
		struct node *node = &w->nodes[i];

		node_crash(w, node);
		look_at_disk(w, node);
		if (node->has_spare && !w->violated) {
			node_exchange(w, node);
			look_at_disk(w, node);
		}
	}
	for (i = 0; i < w->clients.n_ops && !w->violated; i++)
		if (w->clients.ops[i]->state == OP_OK)
			check_acknowledged(w, w->clients.ops[i]);
}
