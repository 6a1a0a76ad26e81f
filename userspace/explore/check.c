// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "check.h"

struct verdict verdict;

void violation(const char *property, const char *format, ...)
{
	va_list args;

	if (verdict.violated)
		return;
	verdict.violated = true;
	verdict.property = property;
	va_start(args, format);
	vsnprintf(verdict.what, sizeof(verdict.what), format, args);
	va_end(args);
}

static u32 majority(void)
{
	return bounds.nodes / 2 + 1;
}

static bool is_same(const struct entry *a, const struct entry *b)
{
	return a && b && !memcmp(a, b, sizeof(*a));
}

/* The leader of a later term has every entry committed in an earlier one. */
static void check_completeness(const struct node *leader, u64 first)
{
	const struct log *committed = &world.common.committed;
	u64 i;

	for (i = first; i <= committed->n; i++)
		if (world.common.committed_term[i - 1] < leader->current_term &&
		    !is_same(log_at(&leader->log, i), log_at(committed, i)))
			violation("leader completeness",
				  "node %u leads term %llu without entry (%llu, %u), which is committed",
				  leader->id, leader->current_term, i,
				  log_term(committed, i));
}

void check_transition(struct node *node, const struct raft_transition *t)
{
	u8 *leader = &world.common.leaders[t->term];
	u32 i;

	counters.stepped_down += node->role == RAFT_LEADER &&
				 t->to != RAFT_LEADER &&
				 t->reason == RAFT_REASON_HIGHER_TERM;
	counters.quorums_lost += t->reason == RAFT_REASON_QUORUM_LOST;
	node->role = t->to;
	node->current_term = t->term;
	if (t->to != RAFT_LEADER || t->leader_only)
		return;
	counters.leaders++;
	for (i = 0; i < bounds.nodes; i++)
		counters.rivals += &world.nodes[i] != node &&
				   world.nodes[i].role == RAFT_LEADER;
	if (*leader && *leader != node->id)
		violation("election safety", "nodes %u and %u both lead term %llu",
			  *leader, node->id, t->term);
	*leader = node->id;
	node->elected = true;
}

void check_elected(struct node *node)
{
	if (node->elected && node->role == RAFT_LEADER)
		check_completeness(node, 1);
	node->elected = false;
}

void check_replace(struct node *node, u64 from)
{
	const struct log *committed = &world.common.committed;
	u64 i;

	if (from > node->log.n)
		return;
	counters.truncations++;
	if (node->role == RAFT_LEADER)
		violation("leader append-only",
			  "node %u leads term %llu and replaces entry %llu",
			  node->id, node->current_term, from);
	if (from <= node->commit_index)
		violation("state machine safety",
			  "node %u replaces entry %llu, commit_index %llu",
			  node->id, from, node->commit_index);
	/* A leader of an earlier term may, until the node learns of the later. */
	for (i = from; i <= committed->n; i++)
		if (is_same(log_at(&node->log, i), log_at(committed, i)) &&
		    world.common.committed_term[i - 1] <= node->current_term)
			violation("leader completeness",
				  "node %u replaces entry (%llu, %u), which is committed",
				  node->id, i, log_term(committed, i));
	node->log.n = from - 1;
}

static const struct op *find_op(const struct entry *entry)
{
	u32 i;

	for (i = 0; i < world.common.n_ops; i++)
		if (world.common.ops[i].session == entry->session &&
		    world.common.ops[i].sequence == entry->sequence)
			return &world.common.ops[i];
	return NULL;
}

bool check_entry(struct node *node, u64 index, const struct raft_entry *entry)
{
	struct log *log = &node->log;
	struct entry new = {
		.term = entry->term,
		.type = entry->type,
		.session = entry->session,
		.sequence = entry->sequence,
	};
	u64 i;

	counters.appended++;
	if (entry->type == RAFT_ENTRY_CONFIGURATION)
		new.sequence = node_configuration(entry);
	counters.sealed += index > 1 && new.sequence & SEALED;
	if (index != log->n + 1 || entry->term < log_term(log, index - 1) ||
	    entry->term > node->current_term) {
		violation("log matching",
			  "node %u: entry (%llu, %llu) behind (%u, %u) in term %llu",
			  node->id, index, entry->term, log->n,
			  log_term(log, log->n), node->current_term);
		return false;
	}
	if (entry->type == RAFT_ENTRY_DATA && !find_op(&new))
		violation("proposals", "node %u: nobody proposed entry (%llu, %u)",
			  node->id, index, new.term);
	for (i = 1; new.session && i <= log->n; i++)
		if (log_at(log, i)->session == new.session &&
		    log_at(log, i)->sequence == new.sequence)
			violation("exactly once",
				  "node %u: one proposal is in its log at %llu and at %llu",
				  node->id, i, index);
	if (log->n == LOG_MAX) {
		violation("core", "node %u: more entries than there are",
			  node->id);
		return false;
	}
	log->entries[log->n++] = new;
	return true;
}

/* An index is committed for the first time anywhere. */
static void commit_first(struct node *node, u64 index,
			 const struct entry *entry)
{
	struct log *committed = &world.common.committed;
	const struct op *op = entry->session ? find_op(entry) : NULL;
	u64 i;

	counters.committed++;
	counters.committed_old += entry->term < node->current_term;
	for (i = 1; entry->session && i <= committed->n; i++)
		if (log_at(committed, i)->session == entry->session &&
		    log_at(committed, i)->sequence == entry->sequence)
			violation("exactly once",
				  "one proposal is committed at %llu and at %llu",
				  i, index);
	if (op && op->state == OP_NEVER)
		violation("errors",
			  "entry (%llu, %u) is committed and was refused with %d",
			  index, entry->term, op->proposal.result);
	committed->entries[committed->n++] = *entry;
	world.common.committed_term[index - 1] = node->current_term;
	for (i = 0; i < bounds.nodes; i++)
		if (world.nodes[i].role == RAFT_LEADER &&
		    world.nodes[i].current_term > node->current_term)
			check_completeness(&world.nodes[i], index);
}

void check_commit(struct node *node, u64 commit_index)
{
	const struct log *committed = &world.common.committed;
	u64 i;

	if (commit_index < node->commit_index || commit_index > node->log.n) {
		violation("state machine safety",
			  "node %u: commit_index %llu after %llu, last_index %u",
			  node->id, commit_index, node->commit_index,
			  node->log.n);
		return;
	}
	for (i = node->commit_index + 1; i <= commit_index; i++) {
		const struct entry *entry = log_at(&node->log, i);

		if (i > committed->n)
			commit_first(node, i, entry);
		else if (!is_same(entry, log_at(committed, i)))
			violation("state machine safety",
				  "node %u commits (%llu, %u), committed is term %u",
				  node->id, i, entry->term,
				  log_term(committed, i));
	}
	node->commit_index = commit_index;
}

/* What the writer is told, and that it is true now. */
void check_done(struct node *node, struct op *op)
{
	const struct raft_proposal *proposal = &op->proposal;
	const struct entry *entry =
		log_at(&world.common.committed, proposal->index);

	if (op->state != OP_PENDING) {
		violation("proposals", "node %u: a proposal ends twice", node->id);
		return;
	}
	switch (proposal->result) {
	case 0:
		op->state = OP_OK;
		counters.op_ok++;
		if (!entry || entry->term != proposal->term ||
		    entry->session != op->session ||
		    entry->sequence != op->sequence)
			violation("proposals",
				  "node %u: a proposal ends at (%llu, %llu), where it is not committed",
				  node->id, proposal->index, proposal->term);
		break;
	case -ETIMEDOUT:
	case -ESHUTDOWN:
	case -EIO:
		op->state = OP_UNKNOWN;
		break;
	default:
		op->state = OP_NEVER;
		break;
	}
}

void check_read(struct node *node, struct lookup *lookup)
{
	const struct raft_read *read = &lookup->read;

	if (lookup->state != OP_PENDING) {
		violation("reads", "node %u: a read ends twice", node->id);
		return;
	}
	lookup->state = read->result ? OP_UNKNOWN : OP_OK;
	if (read->result)
		return;
	counters.reads_ok++;
	if (read->index < lookup->floor_index)
		violation("linearizable reads",
			  "node %u: a read says %llu when %u was committed",
			  node->id, read->index, lookup->floor_index);
	if (read->index > node->commit_index)
		violation("reads",
			  "node %u: a read says %llu, commit_index is %llu",
			  node->id, read->index, node->commit_index);
}

static void check_ack(struct node *node, const struct raft_message *message)
{
	u64 match = message->append_entries_response.match_index;
	u8 term = log_term(&node->disk, match);
	const struct node *leader = &world.nodes[message->to - 1];

	counters.acks_checked++;
	if (match && !term)
		violation("durability",
			  "node %u acknowledges %llu, its disk ends at %u",
			  node->id, match, node->disk.n);
	else if (match && leader->role == RAFT_LEADER &&
		 leader->current_term == message->term &&
		 log_term(&leader->log, match) != term)
		violation("log matching",
			  "node %u acknowledges (%llu, %u), leader %u has term %u there",
			  node->id, match, term, leader->id,
			  log_term(&leader->log, match));
}

void check_said(struct node *node, const struct raft_message *message)
{
	switch (message->type) {
	case RAFT_APPEND_ENTRIES:
	case RAFT_INSTALL_SNAPSHOT:
		if (world.common.leaders[message->term] != node->id)
			violation("election safety",
				  "node %u sends %s of term %llu, which it does not lead",
				  node->id,
				  raft_message_type_name(message->type),
				  message->term);
		break;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		if (message->append_entries_response.rejected)
			counters.appends_refused++;
		else
			check_ack(node, message);
		break;
	case RAFT_REQUEST_VOTE_RESPONSE:
		counters.votes_refused +=
			!message->request_vote_response.granted;
		break;
	}
}

void check_leaves(struct node *node, const struct raft_message *message)
{
	const struct raft_hard_state *disk = &node->disk_hard_state;
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
	if (disk->current_term < message->term ||
	    (vote && disk->current_term == message->term &&
	     disk->voted_for != vote))
		violation("hard state",
			  "node %u sends a %s of term %llu, on its disk are term %llu and vote %u",
			  node->id, raft_message_type_name(message->type),
			  message->term, disk->current_term, disk->voted_for);
}

/* With check_leaves() this also means: one vote a term, a restart or not. */
void check_disk(struct node *node, const struct raft_hard_state *hard_state)
{
	const struct raft_hard_state *old = &node->disk_hard_state;

	if (hard_state->current_term < old->current_term ||
	    (hard_state->current_term == old->current_term && old->voted_for &&
	     hard_state->voted_for != old->voted_for))
		violation("vote",
			  "node %u: term %llu and vote %u replace term %llu and vote %u",
			  node->id, hard_state->current_term,
			  hard_state->voted_for, old->current_term,
			  old->voted_for);
}

static void check_matching(const struct log *a, const struct log *b,
			   const struct node *node, const struct node *other)
{
	u64 i = min(a->n, b->n);

	while (i && a->entries[i - 1].term != b->entries[i - 1].term)
		i--;
	if (memcmp(a->entries, b->entries, i * sizeof(a->entries[0])))
		violation("log matching",
			  "nodes %u and %u agree on (%llu, %u) and differ before it",
			  node->id, other->id, i, log_term(a, i));
}

static void check_logs(const struct node *node)
{
	u32 i;

	check_matching(&node->log, &node->disk, node, node);
	for (i = 0; i < bounds.nodes; i++) {
		const struct node *other = &world.nodes[i];

		if (other == node)
			continue;
		check_matching(&node->log, &other->log, node, other);
		check_matching(&node->log, &other->disk, node, other);
		check_matching(&node->disk, &other->log, node, other);
		check_matching(&node->disk, &other->disk, node, other);
	}
}

/* What is committed is on a majority of the disks, from then on. */
static void check_durable(void)
{
	const struct log *committed = &world.common.committed;
	u64 index;
	u32 i, n;

	for (index = 2; index <= committed->n; index++) {
		u8 term = log_term(committed, index);

		/* What a disk forgot, or another disk had, was counted then. */
		for (i = 0, n = 0; i < bounds.nodes; i++)
			n += world.nodes[i].rotted ||
			     world.nodes[i].disk_number ||
			     log_holds(&world.nodes[i].disk, index, term);
		if (n < majority())
			violation("durability",
				  "entry (%llu, %u) is committed and on %u of %u disks",
				  index, term, n, bounds.nodes);
	}
}

static bool is_up_to_date(const struct log *log, const struct node *node)
{
	const struct log *disk = &node->disk;
	u8 term = log_term(log, log->n);

	return !is_behind(log->n, term, disk->n, log_term(disk, disk->n)) &&
	       !is_behind(log->n, term, node->lost.index, node->lost.term);
}

/*
 * Leader completeness, seen ahead: no majority would elect a server that lacks
 * what is committed. Any of those that made it committed has it on its disk and
 * refuses, and always will: an entry of its own term or a later one came last.
 */
static void check_electable(void)
{
	const struct log *committed = &world.common.committed;
	u8 term = log_term(committed, committed->n);
	u32 i, j, n;

	for (i = 0; committed->n > 1 && i < bounds.nodes; i++) {
		const struct log *log = &world.nodes[i].log;

		/* With less than it once had it does not stand for election. */
		if (log_holds(log, committed->n, term) ||
		    world.nodes[i].disk_number ||
		    is_behind(log->n, log_term(log, log->n),
			      world.nodes[i].lost.index,
			      world.nodes[i].lost.term))
			continue;
		for (j = 0, n = 0; j < bounds.nodes; j++)
			n += i == j || (!world.nodes[j].disk_number &&
					is_up_to_date(log, &world.nodes[j]));
		if (n >= majority())
			violation("leader completeness",
				  "node %u could be elected without entry (%u, %u), which is committed",
				  i + 1, committed->n, term);
	}
}

/* What a leader believes a peer's disk to hold is there. */
static void check_match(const struct node *leader)
{
	const struct raft *r = core_of(leader);
	u32 i;

	for (i = 0; i < bounds.nodes; i++) {
		const struct node *node = &world.nodes[i];
		u64 match = r->peers[i].match_index;

		/* A peer in a newer term may have followed another since. */
		if (node == leader || node->was_rotted || node->disk_number ||
		    node->current_term > leader->current_term)
			continue;
		if (log_term(&node->disk, match) != log_term(&leader->log, match))
			violation("log matching",
				  "node %u leads term %llu and believes node %u to have (%llu, %u)",
				  leader->id, leader->current_term, node->id,
				  match, log_term(&leader->log, match));
	}
}

static void check_core(struct node *node)
{
	const struct raft *r = core_of(node);
	u64 i;

	if (r->role == RAFT_FAILED) {
		violation("invariant", "node %u: %s", node->id, r->failure);
		return;
	}
	if (r->role != node->role ||
	    r->hard_state.current_term < node->current_term ||
	    r->hard_state.current_term > bounds.terms ||
	    r->hard_state.current_term < node->disk_hard_state.current_term ||
	    r->commit_index != node->commit_index ||
	    r->log.last_index != node->log.n ||
	    r->log.first_index != node->log.base + 1u)
		violation("core",
			  "node %u: role %s, term %llu, commit_index %llu, last_index %llu are not as told",
			  node->id, raft_role_name(r->role),
			  r->hard_state.current_term, r->commit_index,
			  r->log.last_index);
	node->current_term = r->hard_state.current_term;
	for (i = max_t(u64, node->log.base, 1); i <= node->log.n; i++)
		if (raft_term_at(r, i) != log_term(&node->log, i))
			violation("core", "node %u: term %llu at %llu, told %u",
				  node->id, raft_term_at(r, i), i,
				  log_term(&node->log, i));
	if (r->durable_index > node->log.n ||
	    log_term(&node->disk, r->durable_index) !=
		    log_term(&node->log, r->durable_index))
		violation("durability",
			  "node %u: durable_index %llu, but that entry is not on the disk",
			  node->id, r->durable_index);
}

static void check_repaired(struct node *node)
{
	const struct log *committed = &world.common.committed;

	if (!node->rotted || node->lost.index ||
	    !log_holds(&node->disk, committed->n,
		       log_term(committed, committed->n)))
		return;
	node->rotted = false;
	counters.repaired++;
}

void check_state(struct node *node)
{
	u32 i;

	check_repaired(node);
	check_core(node);
	check_logs(node);
	check_durable();
	check_electable();
	for (i = 0; i < bounds.nodes; i++)
		if (world.nodes[i].role == RAFT_LEADER)
			check_match(&world.nodes[i]);
}
