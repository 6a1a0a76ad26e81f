// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of the members (4.3, joint consensus). The leader takes
 *
 *	C_old  -->  C_old,new (joint)  -->  C_new
 *
 * each as an entry that counts from when it is in the log, the next only once the
 * one before is committed. While the joint one is in force nothing is decided
 * without a majority of C_old and one of C_new, so that the two never decide apart,
 * however many members change. Without a change of voters C_new follows at once.
 *
 * No change is taken before an entry of the leader's own term is committed: until
 * then the newest configuration in its log may be one that another leader replaced
 * without its knowledge, and the two would make majorities that do not meet
 * (D. Ongaro, "bug in single-server membership changes", raft-dev, 2015).
 *
 * A voter's disk must be known, so a member comes as a learner, and gets its vote
 * once its disk was heard of.
 */
#include "core.h"

/* Something is still to come before the members are settled. */
bool raft_is_changing(const struct raft *r)
{
	return r->configuration.joint || r->configuration_index > r->commit_index;
}

static bool may_change(const struct raft *r)
{
	return !raft_is_changing(r) &&
	       raft_log_term(&r->log, r->commit_index) ==
		       r->hard_state.current_term;
}

static bool same_address(const struct raft_address *a,
			 const struct raft_address *b)
{
	return a->family == b->family && a->port == b->port &&
	       a->scope_id == b->scope_id && !memcmp(a->ip, b->ip, 16);
}

static bool address_is_taken(const struct raft_configuration *c, u32 id,
			     const struct raft_address *address)
{
	u32 i;

	for (i = 0; i < c->n_members; i++)
		if (c->members[i].id != id &&
		    same_address(&c->members[i].address, address))
			return true;
	return false;
}

static int add(struct raft_configuration *c, u32 id, u8 flags, u32 replaces,
	       const struct raft_address *address)
{
	u32 i = c->n_members;

	if (id == RAFT_ID_NONE)
		return -EINVAL;
	if (raft_configuration_find(c, id) < RAFT_MEMBERS_MAX ||
	    address_is_taken(c, id, address))
		return -EEXIST;
	if (i == RAFT_MEMBERS_MAX)
		return -E2BIG;
	for (; i && c->members[i - 1].id > id; i--)
		c->members[i] = c->members[i - 1];
	c->n_members++;
	c->members[i] = (struct raft_member){
		.id = id,
		.kind = RAFT_NON_VOTER,
		.flags = flags,
		.replaces = replaces,
		.address = *address,
	};
	return 0;
}

static void learn(struct raft_member *member, u8 flags)
{
	member->kind = RAFT_NON_VOTER;
	member->flags &= RAFT_MEMBER_F_WITNESS;
	member->flags |= flags;
	/* It takes nobody's place without a vote to come. */
	if (!(flags & RAFT_MEMBER_F_AUTO_PROMOTE))
		member->replaces = 0;
	member->incarnation = 0;
}

static void give_vote(struct raft_member *member)
{
	member->kind = RAFT_VOTER;
	member->flags &= RAFT_MEMBER_F_WITNESS;
	member->replaces = 0;
}

static void remove_member(struct raft_configuration *c, u32 position)
{
	u32 id = c->members[position].id;
	u32 i;

	c->n_members--;
	for (i = position; i < c->n_members; i++)
		c->members[i] = c->members[i + 1];
	for (i = 0; i < c->n_members; i++)
		if (c->members[i].replaces == id)
			c->members[i].replaces = 0;
}

static u8 flags_of(u8 type)
{
	switch (type) {
	case RAFT_CHANGE_ADD:
		return RAFT_MEMBER_F_ALL;
	case RAFT_CHANGE_DEMOTE:
		return RAFT_MEMBER_F_AUTO_PROMOTE;
	case RAFT_CHANGE_REPLACE:
		return RAFT_MEMBER_F_WITNESS;
	default:
		return 0;
	}
}

static int apply(struct raft_configuration *c, const struct raft_change *change)
{
	u32 position = raft_configuration_find(c, change->id);
	struct raft_member *member = &c->members[position];

	if (change->flags & ~flags_of(change->type))
		return -EINVAL;
	if (change->type == RAFT_CHANGE_ADD)
		return add(c, change->id, change->flags, 0, &change->address);
	if (position == RAFT_MEMBERS_MAX)
		return -ENOENT;
	switch (change->type) {
	case RAFT_CHANGE_PROMOTE:
		give_vote(member);
		return 0;
	case RAFT_CHANGE_DEMOTE:
		learn(member, change->flags);
		return 0;
	case RAFT_CHANGE_REMOVE:
		remove_member(c, position);
		return 0;
	case RAFT_CHANGE_SET_ADDRESS:
		if (address_is_taken(c, change->id, &change->address))
			return -EEXIST;
		member->address = change->address;
		return 0;
	case RAFT_CHANGE_REPLACE:
		return add(c, change->new_id,
			   change->flags | RAFT_MEMBER_F_AUTO_PROMOTE,
			   change->id, &change->address);
	default:
		return -EINVAL;
	}
}

/* Has the leader heard from it since an election timeout ago? */
static bool is_active(const struct raft *r, const struct raft_peer *peer)
{
	return raft_is_self(r, peer - r->peers) ||
	       (peer->incarnation &&
		r->now_ns < peer->last_answer_ns +
				    r->settings.election_timeout_ns);
}

static bool is_ready(const struct raft *r, const struct raft_peer *peer)
{
	return is_active(r, peer) && peer->caught_up &&
	       peer->progress == RAFT_PROGRESS_REPLICATE;
}

/*
 * Gives the voters of @c that are none yet the disk that they come with. Refuses
 * what would leave the group without a majority that answers.
 */
static int admit_voters(struct raft *r, struct raft_configuration *c)
{
	u32 i, n_voters = 0, n_active = 0;
	u32 n_leaders = 0, n_active_leaders = 0; /* who could be one */

	for (i = 0; i < c->n_members; i++) {
		struct raft_member *member = &c->members[i];
		struct raft_peer *peer = raft_find_peer(r, member->id);

		if (member->kind != RAFT_VOTER)
			continue;
		if (!peer)
			return -EINPROGRESS;
		if (raft_is_voter(r, peer - r->peers)) {
			/* Never with another disk than before: see demote. */
			member->incarnation =
				r->configuration.members[peer - r->peers]
					.incarnation;
		} else {
			if (!is_ready(r, peer))
				return -EINPROGRESS;
			member->incarnation = peer->incarnation;
		}
		n_voters++;
		n_leaders += !(member->flags & RAFT_MEMBER_F_WITNESS);
		if (!is_active(r, peer) || !raft_is_known(r, peer - r->peers))
			continue;
		n_active++;
		n_active_leaders += !(member->flags & RAFT_MEMBER_F_WITNESS);
	}
	if (!n_leaders)
		return -EINVAL;
	return n_active_leaders && n_active > n_voters / 2 ? 0 : -EHOSTUNREACH;
}

/* Makes the joint configuration of the one in force and @c, which is sorted too. */
static int join(const struct raft_configuration *old,
		struct raft_configuration *c)
{
	u32 i;

	for (i = 0; i < c->n_members; i++) {
		u32 position = raft_configuration_find(old, c->members[i].id);

		c->members[i].old_kind = position < RAFT_MEMBERS_MAX ?
						 old->members[position].kind :
						 RAFT_ABSENT;
		/* A voter that loses its vote is known by its disk until then. */
		if (c->members[i].old_kind == RAFT_VOTER)
			c->members[i].incarnation =
				old->members[position].incarnation;
	}
	c->joint = true;
	for (i = 0; i < old->n_members; i++) {
		const struct raft_member *member = &old->members[i];
		u32 at = c->n_members;

		if (raft_configuration_find(c, member->id) < RAFT_MEMBERS_MAX)
			continue;
		if (at == RAFT_MEMBERS_MAX)
			return -E2BIG;
		for (; at && c->members[at - 1].id > member->id; at--)
			c->members[at] = c->members[at - 1];
		c->n_members++;
		c->members[at] = *member;
		c->members[at].kind = RAFT_ABSENT;
		c->members[at].old_kind = member->kind;
		c->members[at].flags &= RAFT_MEMBER_F_WITNESS;
		c->members[at].replaces = 0;
	}
	return 0;
}

/* C_new of a joint configuration. */
static void leave(struct raft_configuration *c)
{
	u32 i, n = 0;

	for (i = 0; i < c->n_members; i++) {
		struct raft_member *member = &c->members[n];

		if (c->members[i].kind == RAFT_ABSENT)
			continue;
		*member = c->members[i];
		member->old_kind = 0;
		if (member->kind != RAFT_VOTER)
			member->incarnation = 0;
		n++;
	}
	c->n_members = n;
	c->joint = false;
}

static bool same_voters(const struct raft_configuration *a,
			const struct raft_configuration *b)
{
	u32 i, n = 0, m = 0;

	for (i = 0; i < a->n_members; i++) {
		u32 position;

		if (a->members[i].kind != RAFT_VOTER)
			continue;
		position = raft_configuration_find(b, a->members[i].id);
		if (position == RAFT_MEMBERS_MAX ||
		    b->members[position].kind != RAFT_VOTER)
			return false;
		n++;
	}
	for (i = 0; i < b->n_members; i++)
		m += b->members[i].kind == RAFT_VOTER;
	return n == m;
}

static bool same_configuration(const struct raft_configuration *a,
			       const struct raft_configuration *b)
{
	u32 i;

	if (a->n_members != b->n_members)
		return false;
	for (i = 0; i < a->n_members; i++) {
		const struct raft_member *x = &a->members[i];
		const struct raft_member *y = &b->members[i];

		if (x->id != y->id || x->kind != y->kind ||
		    x->flags != y->flags || x->replaces != y->replaces ||
		    !same_address(&x->address, &y->address))
			return false;
	}
	return true;
}

/* Appends r->decoded, which raft_configuration_check() likes. */
static void append(struct raft *r, struct raft_update *update)
{
	struct raft_entry entry = {
		.term = r->hard_state.current_term,
		.type = RAFT_ENTRY_CONFIGURATION,
		.data = r->encoded,
	};

	entry.bytes = raft_configuration_encode(&r->decoded, r->encoded,
						sizeof(r->encoded));
	raft_append_entry(r, update, &entry);
	r->heartbeat_due_ns = r->now_ns;
}

/* Is there room for an entry, and on the disk for all that a change takes? */
static bool has_room(const struct raft *r, const struct raft_update *update,
		     u32 n_entries)
{
	return update->n_entries < update->entries_max &&
	       raft_log_has_room(&r->log, 1) &&
	       raft_space(r) >=
		       n_entries *
			       raft_entry_cost(r, RAFT_CONFIGURATION_BYTES_MAX);
}

/* Makes r->decoded, changed from the configuration in force, the next one. */
static int change_to_decoded(struct raft *r, struct raft_update *update)
{
	int error;

	if (same_configuration(&r->configuration, &r->decoded))
		return -EALREADY;
	error = admit_voters(r, &r->decoded);
	if (!error && !same_voters(&r->configuration, &r->decoded))
		error = join(&r->configuration, &r->decoded);
	if (!error)
		error = raft_configuration_check(&r->decoded);
	if (!error && !has_room(r, update, 2))
		error = -ENOSPC;
	if (!error)
		append(r, update);
	return error;
}

void raft_change_members(struct raft *r, struct raft_update *update,
			 struct raft_change_request *request)
{
	int error = 0;
	u32 i;

	request->index = 0;
	if (r->role != RAFT_LEADER)
		error = -EREMOTE;
	else if (!may_change(r) || raft_transfer_holds_proposals(r))
		error = -EBUSY;
	r->decoded = r->configuration;
	for (i = 0; i < request->n_changes && !error; i++)
		error = apply(&r->decoded, &request->changes[i]);
	if (!error)
		error = change_to_decoded(r, update);
	if (!error)
		request->index = r->configuration_index;
	request->result = error;
}

static int promote(struct raft *r, struct raft_update *update,
		   const struct raft_member *member)
{
	u32 replaced;

	r->decoded = r->configuration;
	replaced = raft_configuration_find(&r->decoded, member->replaces);
	give_vote(&r->decoded.members[member - r->configuration.members]);
	if (replaced < RAFT_MEMBERS_MAX)
		remove_member(&r->decoded, replaced);
	return change_to_decoded(r, update);
}

/*
 * A learner that was to get its vote once it has caught up, and has. What does not go
 * now is tried again when time passes, and holds up nobody else. Return: whether one does.
 */
static bool promote_one(struct raft *r, struct raft_update *update)
{
	u32 i;

	for (i = 0; i < r->configuration.n_members; i++) {
		const struct raft_member *member = &r->configuration.members[i];

		if (member->flags & RAFT_MEMBER_F_AUTO_PROMOTE &&
		    is_ready(r, &r->peers[i]) && !promote(r, update, member))
			return true;
	}
	return false;
}

/*
 * What was told of a lease before the joint configuration rests on C_old, and in C_new
 * others decide: they have promised as much, or it has run out. See transfer.c.
 */
static bool keeps_leases(const struct raft *r)
{
	return r->lease_promised_ns <= max(r->now_ns, raft_lease_until(r));
}

/* All members have more than is used. */
static void raise_feature_level(struct raft *r, struct raft_update *update)
{
	u8 level = raft_lowest_feature_level(r);

	if (level <= r->configuration.feature_level || !r->sealed ||
	    !has_room(r, update, 1))
		return;
	r->decoded = r->configuration;
	r->decoded.feature_level = level;
	append(r, update);
}

/* What a leader does by itself about its members. */
void raft_membership_time(struct raft *r, struct raft_update *update)
{
	if (r->configuration_index > r->commit_index ||
	    raft_log_term(&r->log, r->commit_index) !=
		    r->hard_state.current_term)
		return;
	if (!r->configuration.joint && !raft_is_voter(r, r->self)) {
		if (!raft_transfer_removed(r))
			raft_become_follower(r, update,
					     r->hard_state.current_term,
					     RAFT_ID_NONE,
					     RAFT_REASON_MEMBERSHIP);
		return;
	}
	if (raft_transfer_holds_proposals(r))
		return;
	if (r->configuration.joint) {
		if (!keeps_leases(r))
			return;
		if (!has_room(r, update, 1)) {
			r->more |= update->n_entries > 0;
			return;
		}
		r->decoded = r->configuration;
		leave(&r->decoded);
		append(r, update);
		return;
	}
	if (!promote_one(r, update))
		raise_feature_level(r, update);
}
