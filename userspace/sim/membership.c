// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "membership.h"
#include "memory.h"
#include "world.h"

const struct raft_configuration *members_at(const struct record *record)
{
	return record && record->in_force ? record->in_force->configuration :
					    NULL;
}

/* One that came with a base may be behind the end of the log. */
const struct raft_configuration *members_of(const struct node *node)
{
	struct raft_status status = { 0 };

	if (node->raft)
		raft_status(node->raft, &status);
	if (status.configuration_index > node->log.n)
		return raft_configuration(node->raft);
	return members_at(log_at(&node->log, node->log.n));
}

const struct raft_configuration *members_final(const struct world *w)
{
	const struct log *committed = &w->check.committed;
	const struct node *leader = NULL;
	u32 i;

	for (i = 0; i < w->n_nodes; i++) {
		const struct node *node = &w->nodes[i];

		if (node->up && node->role == RAFT_LEADER &&
		    (!leader || node->current_term > leader->current_term))
			leader = node;
	}
	if (leader)
		return members_of(leader);
	return members_at(log_at(committed, committed->n));
}

static const struct raft_member *find(const struct raft_configuration *c,
				      u32 id)
{
	u32 i;

	for (i = 0; c && i < c->n_members; i++)
		if (c->members[i].id == id)
			return &c->members[i];
	return NULL;
}

bool members_know(const struct raft_configuration *c, const struct node *node)
{
	const struct raft_member *member = find(c, node->id);

	return member &&
	       member->incarnation == node->store.super.incarnation;
}

bool members_deny(const struct raft_configuration *c, const struct node *node)
{
	const struct raft_member *member = find(c, node->id);

	return !members_know(c, node) && member &&
	       (member->kind == RAFT_VOTER ||
		(c->joint && member->old_kind == RAFT_VOTER));
}

bool members_include(const struct raft_configuration *c, u32 id)
{
	return find(c, id);
}

/* Of one of the two: voters, and how many of them are in @set. */
static void count(const struct raft_configuration *c, bool old, u32 set,
		  u32 *n_voters, u32 *n)
{
	u32 i;

	*n_voters = 0;
	*n = 0;
	for (i = 0; i < c->n_members; i++) {
		u8 kind = old ? c->members[i].old_kind : c->members[i].kind;

		if (kind != RAFT_VOTER)
			continue;
		*n_voters += 1;
		*n += set >> c->members[i].id & 1;
	}
}

bool members_agree(const struct raft_configuration *c, u32 set)
{
	u32 n_voters, n, old;

	for (old = 0; c && old <= c->joint; old++) {
		count(c, old, set, &n_voters, &n);
		if (2 * n <= n_voters)
			return false;
	}
	return c;
}

static u32 witnesses_in(const struct raft_configuration *c)
{
	u32 i, set = 0;

	for (i = 0; i < c->n_members; i++)
		if (c->members[i].flags & RAFT_MEMBER_F_WITNESS)
			set |= 1u << c->members[i].id;
	return set;
}

/*
 * Besides a witness one disk may be the only one with an entry: with a witness
 * among the voters, no other disk may be lost.
 */
static bool stays_able(const struct raft_configuration *c, u32 set, u32 spare)
{
	u32 witnesses = witnesses_in(c);
	u32 n_voters, n, old;

	for (old = 0; old <= c->joint; old++) {
		count(c, old, set, &n_voters, &n);
		if (2 * (n + spare) >= n_voters)
			return false;
		count(c, old, set & ~witnesses, &n_voters, &n);
		if (witnesses && n)
			return false;
	}
	return true;
}

static bool knows_disks(const struct node *node)
{
	const struct log *log = &node->store.durable;
	const struct raft_configuration *c = members_at(log_at(log, log->n));

	return c && raft_configuration_is_sealed(c);
}

bool members_know_disks(const struct world *w)
{
	u32 i;

	for (i = 0; i < w->n_nodes; i++)
		if (!w->nodes[i].wiped && !knows_disks(&w->nodes[i]))
			return false;
	return true;
}

/*
 * Disks that are not to be relied on, but for that of @node. Whoever knows the disks
 * tells a new one from the one before: as long as somebody does not, a twin that is
 * heard counts as another new one.
 */
static u32 harmed_besides(struct world *w, const struct node *node)
{
	const struct node *twin = world_twin(w);
	u32 i, set = 0;

	for (i = 0; i < w->n_nodes; i++) {
		const struct node *other = &w->nodes[i];

		if (other != node && (other->rotted || other->wiped))
			set |= 1u << other->id;
	}
	if (twin->up && twin->id != node->id && !members_know_disks(w))
		set |= 1u << twin->id;
	return set;
}

/*
 * What is committed stays on a majority of disks, or nothing could bring it back:
 * of the newest committed configuration, and of any that may come to be.
 */
bool members_may_harm(struct world *w, const struct node *node)
{
	const struct check *check = &w->check;
	u32 set = harmed_besides(w, node);
	const struct record *newest =
		log_at(&check->committed, check->committed.n);
	u64 i;

	if (!newest)
		return false;
	for (i = 0; i < check->n_configurations; i++) {
		const struct record *record = check->configurations[i];

		if (record->index < newest->in_force->index)
			continue;
		if (!stays_able(record->configuration, set, 1) ||
		    (witnesses_in(record->configuration) && !node->witness))
			return false;
	}
	return true;
}

/* What it is about to commit in this batch is checked right after. */
static u64 commit_index_of(const struct node *node)
{
	return max(node->commit_index, node->update.commit_index);
}

static bool same_members(const struct raft_configuration *a,
			 const struct raft_configuration *b, bool old)
{
	u32 i, n = 0, m = 0;

	for (i = 0; i < a->n_members; i++) {
		const struct raft_member *member = find(b, a->members[i].id);
		u8 kind = member ? old ? member->old_kind : member->kind :
				   RAFT_ABSENT;

		if (a->members[i].kind != kind)
			return false;
		n++;
	}
	for (i = 0; i < b->n_members; i++)
		m += (old ? b->members[i].old_kind : b->members[i].kind) !=
		     RAFT_ABSENT;
	return n == m;
}

static bool same_voters(const struct raft_configuration *a,
			const struct raft_configuration *b)
{
	u32 id;

	for (id = 1; id <= NODES_MAX; id++) {
		const struct raft_member *x = find(a, id);
		const struct raft_member *y = find(b, id);
		bool votes = x && x->kind == RAFT_VOTER;

		if (votes != (y && y->kind == RAFT_VOTER) ||
		    (votes && x->incarnation != y->incarnation))
			return false;
	}
	return true;
}

/* Every leader that seals the configuration knows the same disks. */
static void check_sealed(struct world *w, const struct node *node,
			 const struct record *record)
{
	if (!w->sealed)
		w->sealed = record;
	if (w->sealed->bytes != record->bytes ||
	    memcmp(w->sealed->data, record->data, record->bytes))
		violation(w, "configuration",
			  "node %u seals another configuration", node->id);
}

/* 4.3: old, both, new; each when the one before is committed. */
static void check_succession(struct world *w, const struct node *node,
			     const struct record *old,
			     const struct record *record)
{
	const struct raft_configuration *from = old->configuration;
	const struct raft_configuration *to = record->configuration;
	const char *what = NULL;

	if (old->index > commit_index_of(node))
		what = "while the one before is not committed";
	else if (log_term(&node->log, commit_index_of(node)) != record->term)
		what = "before an entry of its own term is committed";
	else if (from->joint && (to->joint || !same_members(to, from, false)))
		what = "that is not the new one of the joint one before";
	else if (to->joint && !same_members(from, to, true))
		what = "that does not join the one before";
	else if (!from->joint && !to->joint && !same_voters(from, to))
		what = "with other voters than the one before";
	if (what)
		violation(w, "configuration",
			  "node %u makes configuration (%llu, %llu) %s",
			  node->id, record->index, record->term, what);
	w->counters.configurations++;
	w->counters.joint += to->joint;
}

/* A change of the members, made by whoever leads one side. */
static void note_apart(struct world *w, const struct raft_configuration *from,
		       const struct raft_configuration *to)
{
	if (from->feature_level != to->feature_level || !net_is_partitioned(w))
		return;
	w->counters.changes_apart++;
	w->changed_apart = true;
}

/* It is used by all, so all must have it: whoever has not may misread what comes. */
static void check_level(struct world *w, const struct node *node,
			const struct raft_configuration *from,
			const struct raft_configuration *to)
{
	u32 i;

	if (to->feature_level < from->feature_level)
		violation(w, "upgrade", "node %u lowers the level from %u to %u",
			  node->id, from->feature_level, to->feature_level);
	if (to->feature_level <= from->feature_level)
		return;
	w->counters.levels_raised++;
	for (i = 0; i < to->n_members; i++) {
		const struct node *member = &w->nodes[to->members[i].id - 1];

		if (member->feature_level < to->feature_level)
			violation(w, "upgrade",
				  "node %u raises the level to %u, node %u has %u",
				  node->id, to->feature_level, member->id,
				  member->feature_level);
	}
}

void members_appended(struct world *w, struct node *node,
		      struct record *record, const void *data)
{
	struct check *check = &w->check;
	const struct record *before = log_at(&node->log, record->index - 1);

	record->data = memory_zeroed(record->bytes);
	memcpy(record->data, data, record->bytes);
	record->configuration = memory_zeroed(sizeof(*record->configuration));
	if (raft_configuration_decode(record->configuration, data,
				      record->bytes)) {
		violation(w, "configuration",
			  "node %u: entry (%llu, %llu) is none", node->id,
			  record->index, record->term);
		return;
	}
	check->configurations = memory_grow(check->configurations,
					    check->n_configurations,
					    &check->n_configurations_max,
					    sizeof(*check->configurations));
	check->configurations[check->n_configurations++] = record;
	if (!before || w->recovering)
		return;
	check_level(w, node, before->in_force->configuration,
		    record->configuration);
	note_apart(w, before->in_force->configuration, record->configuration);
	if (raft_configuration_is_sealed(before->in_force->configuration))
		check_succession(w, node, before->in_force, record);
	else
		check_sealed(w, node, record);
}

/* A disk that came later, and is known now, is as good as any. */
void members_committed(struct world *w, const struct record *record)
{
	const struct raft_configuration *c = record->configuration;
	u32 i;

	for (i = 0; i < w->n_nodes && !c->joint; i++) {
		struct node *node = &w->nodes[i];
		const struct raft_member *member = find(c, node->id);
		bool wiped = member && member->kind == RAFT_VOTER &&
			     member->incarnation &&
			     member->incarnation !=
				     node->store.super.incarnation;

		w->counters.readmitted += node->wiped && !wiped && member;
		node->wiped = wiped;
	}
}

static struct raft_address draw_address(struct world *w, u32 id)
{
	return (struct raft_address){
		.family = 4,
		.port = 7400 + rng_below(&w->rng, 100),
		.ip = { 10, 0, 0, id },
	};
}

static u32 draw_id(struct world *w)
{
	return 1 + rng_below(&w->rng, w->n_nodes);
}

static void draw_change(struct world *w, const struct raft_configuration *c,
			struct raft_change *change)
{
	const struct raft_member *member;
	u32 other = draw_id(w);
	u32 i;

	change->id = draw_id(w);
	/* Somebody sees to the one whose disk is new. */
	for (i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].wiped && rng_chance(&w->rng, RNG_ONE / 2))
			change->id = i + 1;
	change->flags = rng_chance(&w->rng, RNG_ONE / 2) ?
				RAFT_MEMBER_F_AUTO_PROMOTE :
				0;
	member = find(c, change->id);
	if (!member) {
		change->type = RAFT_CHANGE_ADD;
		change->address = draw_address(w, change->id);
	} else if (rng_chance(&w->rng, RNG_ONE / 8)) {
		change->type = RAFT_CHANGE_SET_ADDRESS;
		change->address = draw_address(w, change->id);
	} else if (!find(c, other) && rng_chance(&w->rng, RNG_ONE / 2)) {
		change->type = RAFT_CHANGE_REPLACE;
		change->new_id = other;
		change->address = draw_address(w, other);
	} else if (member->kind == RAFT_NON_VOTER &&
		   rng_chance(&w->rng, RNG_ONE * 2 / 3)) {
		change->type = RAFT_CHANGE_PROMOTE;
	} else if (member->kind == RAFT_VOTER &&
		   (w->nodes[change->id - 1].wiped ||
		    rng_chance(&w->rng, RNG_ONE / 2))) {
		change->type = RAFT_CHANGE_DEMOTE;
		if (w->nodes[change->id - 1].wiped)
			change->flags = RAFT_MEMBER_F_AUTO_PROMOTE;
	} else {
		change->type = RAFT_CHANGE_REMOVE;
	}
	if (change->type != RAFT_CHANGE_ADD &&
	    change->type != RAFT_CHANGE_DEMOTE)
		change->flags = 0;
	if ((change->type == RAFT_CHANGE_ADD &&
	     w->nodes[change->id - 1].witness) ||
	    (change->type == RAFT_CHANGE_REPLACE &&
	     w->nodes[change->new_id - 1].witness))
		change->flags |= RAFT_MEMBER_F_WITNESS;
}

/* Whoever asks does not take good disks away until what is left cannot go on. */
static bool is_wise(const struct world *w, const struct raft_configuration *c,
		    const struct wish *wish)
{
	struct raft_configuration after = *c;
	u32 i, harmed = 0;

	after.joint = false;
	for (i = 0; i < after.n_members; i++) {
		struct raft_member *member = &after.members[i];
		u32 k;

		if (w->nodes[member->id - 1].wiped ||
		    w->nodes[member->id - 1].rotted)
			harmed |= 1u << member->id;
		for (k = 0; k < wish->n; k++) {
			const struct raft_change *change = &wish->changes[k];

			if (change->id != member->id)
				continue;
			/* One that is replaced has its vote until then. */
			if (change->type == RAFT_CHANGE_DEMOTE ||
			    change->type == RAFT_CHANGE_REMOVE)
				member->kind = RAFT_NON_VOTER;
			if (change->type == RAFT_CHANGE_PROMOTE)
				member->kind = RAFT_VOTER;
		}
	}
	return stays_able(&after, harmed, 0);
}

bool members_may_wish(const struct world *w, const struct node *node,
		      const struct wish *wish)
{
	const struct raft_configuration *c = members_of(node);

	return c && is_wise(w, c, wish);
}

void members_wish(struct world *w)
{
	u64 after = rng_between(&w->rng, 1, 2 * w->plan.change_interval_ns);
	struct node *node = &w->nodes[draw_id(w) - 1];
	const struct raft_configuration *c;
	struct item item = { .kind = ITEM_CHANGE };
	struct wish *wish;
	u32 i, n;

	world_at(w, w->now_ns + after, EVENT_CHANGE, NULL, NULL);
	for (i = 0; i < w->n_nodes && rng_chance(&w->rng, RNG_ONE * 9 / 10);
	     i++)
		if (w->nodes[i].up && w->nodes[i].role == RAFT_LEADER)
			node = &w->nodes[i];
	if (!node->up)
		return;
	c = members_of(node);
	if (!c)
		return;
	wish = memory_zeroed(sizeof(*wish));
	n = rng_chance(&w->rng, RNG_ONE / 2) ? 1 :
					       rng_between(&w->rng, 1, CHANGES_MAX);
	for (i = 0; i < n; i++) {
		u32 k;

		draw_change(w, c, &wish->changes[wish->n]);
		for (k = 0; k < wish->n; k++)
			if (wish->changes[k].id == wish->changes[wish->n].id)
				break;
		if (k == wish->n)
			wish->n++;
		else
			memset(&wish->changes[wish->n], 0,
			       sizeof(wish->changes[0]));
	}
	if (!members_may_wish(w, node, wish)) {
		free(wish);
		return;
	}
	item.wish = wish;
	owner_push(w, node, &item);
}

void members_asked(struct world *w, struct node *node,
		   const struct raft_change_request *request)
{
	trace(w, TRACE_CHANGE, node->id, request->changes->type,
	      request->changes->id, request->n_changes, -request->result);
	w->counters.wishes++;
	switch (request->result) {
	case 0:
		w->counters.changes++;
		break;
	case -EBUSY:
		w->counters.change_busy++;
		break;
	case -EINPROGRESS:
	case -EHOSTUNREACH:
		w->counters.change_too_early++;
		break;
	case -EREMOTE:
	case -ENOENT:
	case -EEXIST:
	case -EALREADY:
	case -EINVAL:
	case -ENOSPC:
		break;
	default:
		violation(w, "core", "node %u: refused a change: %d", node->id,
			  request->result);
		break;
	}
}
