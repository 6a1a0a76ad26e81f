// SPDX-License-Identifier: GPL-2.0
/* Tables of quorums: what a majority holds, and who has won. See PEERS.rst. */
#include "raft_fixture.h"
#include "suites.h"

enum { QUORUM_VOTERS = 7 };

/* Acknowledged index of each voter, 0 where none is known. */
struct commit_case {
	const char *name;
	u32 n_voters;
	u64 match[QUORUM_VOTERS];
	u64 committed;
};

static const struct commit_case commit_cases[] = {
	{ "one, silent", 1, { 0 }, 0 },
	{ "one", 1, { 12 }, 12 },
	{ "two, both silent", 2, { 0, 0 }, 0 },
	{ "two, one silent", 2, { 12, 0 }, 0 },
	{ "two", 2, { 12, 5 }, 5 },
	{ "three, all silent", 3, { 0, 0, 0 }, 0 },
	{ "three, two silent", 3, { 12, 0, 0 }, 0 },
	{ "three, one silent", 3, { 12, 5, 0 }, 5 },
	{ "three, the last one raises it", 3, { 12, 5, 6 }, 6 },
	{ "three, the last one is behind", 3, { 12, 5, 4 }, 5 },
	{ "three, two agree", 3, { 5, 5, 0 }, 5 },
	{ "three, two agree, one is ahead", 3, { 5, 5, 12 }, 5 },
	{ "three, ascending", 3, { 100, 101, 103 }, 101 },
	{ "three, unordered", 3, { 100, 101, 99 }, 100 },
	{ "five, one silent", 5, { 101, 104, 103, 103, 0 }, 103 },
	{ "five, one silent, lower", 5, { 101, 102, 103, 103, 0 }, 102 },
};

static void commit_describe(const struct commit_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(commit, commit_cases, commit_describe);

static void majority_holds(struct kunit *test)
{
	const struct commit_case *c = test->param_value;
	struct server *s = server_started(test, c->n_voters);
	u64 match[RAFT_MEMBERS_MAX] = { 0 };
	u32 i, shift;

	/* Who holds what makes no difference: rotate. */
	for (shift = 0; shift < c->n_voters; shift++) {
		for (i = 0; i < c->n_voters; i++)
			match[(i + shift) % c->n_voters] = c->match[i];
		KUNIT_EXPECT_EQ(test, raft_quorum_value(s->r, match),
				c->committed);
	}
}

/* One letter per voter: y, n, or _ for one that has not answered. */
struct vote_case {
	const char *votes;
	bool won, lost; /* neither: it is open */
};

static const struct vote_case vote_cases[] = {
	{ "_" },
	{ "n", .lost = true },
	{ "y", .won = true },
	{ "__" },
	{ "n_", .lost = true },
	{ "y_" },
	{ "ny", .lost = true },
	{ "yy", .won = true },
	{ "___" },
	{ "n__" },
	{ "y__" },
	{ "nn_", .lost = true },
	{ "yn_" },
	{ "yy_", .won = true },
	{ "yyn", .won = true },
	{ "nyn", .lost = true },
	{ "yyny___" },
	{ "_yy_nyn" },
	{ "yyny_ny", .won = true },
	{ "yy_nynn" },
	{ "yynynnn", .lost = true },
};

static void vote_describe(const struct vote_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->votes);
}

KUNIT_ARRAY_PARAM(vote, vote_cases, vote_describe);

static void majority_votes(struct kunit *test)
{
	const struct vote_case *c = test->param_value;
	u32 i, n = strlen(c->votes), granted = 0, possible = 0;
	struct server *s = server_started(test, n);

	for (i = 0; i < n; i++) {
		if (c->votes[i] == 'y')
			granted |= 1u << i;
		if (c->votes[i] != 'n')
			possible |= 1u << i;
	}
	KUNIT_EXPECT_EQ(test, raft_is_quorum(s->r, granted), c->won);
	KUNIT_EXPECT_EQ(test, !raft_is_quorum(s->r, possible), c->lost);
}

/*
 * 5.4.2: what a leader has of each voter, itself first, in a log of two entries
 * behind the configuration, and what of it that commits.
 */
struct leader_case {
	const char *name;
	u32 n_voters;
	u64 match[QUORUM_VOTERS];
	u64 terms[2];
	u64 term;
	u64 committed;
};

static const struct leader_case leader_cases[] = {
	{ "one, this term below", 1, { 2 }, { 2, 2 }, 2, 2 },
	{ "one, older", 1, { 2 }, { 1, 1 }, 2, 1 },
	{ "one, this term at the end", 1, { 3 }, { 1, 2 }, 2, 3 },
	{ "one, older below", 1, { 2 }, { 1, 2 }, 2, 1 },
	{ "three, this term", 3, { 3, 2, 2 }, { 2, 2 }, 2, 2 },
	{ "three, older", 3, { 3, 2, 2 }, { 1, 1 }, 2, 1 },
	{ "three, older, this term on one", 3, { 3, 2, 2 }, { 1, 2 }, 2, 1 },
	{ "three, older below this term", 3, { 3, 2, 3 }, { 1, 2 }, 2, 3 },
	{ "three, older on two", 3, { 3, 2, 3 }, { 1, 1 }, 2, 1 },
	{ "four, this term", 4, { 3, 2, 2, 2 }, { 2, 2 }, 2, 2 },
	{ "four, older", 4, { 3, 2, 2, 2 }, { 1, 1 }, 2, 1 },
	{ "four, last on two", 4, { 3, 2, 2, 3 }, { 2, 2 }, 2, 2 },
	{ "four, last on two, older", 4, { 3, 2, 2, 3 }, { 1, 2 }, 2, 1 },
	{ "four, last on three", 4, { 3, 2, 3, 3 }, { 1, 2 }, 2, 3 },
	{ "four, last on three, older", 4, { 3, 2, 3, 3 }, { 1, 1 }, 2, 1 },
};

static void leader_describe(const struct leader_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(leader, leader_cases, leader_describe);

static void majority_commits_its_own_term(struct kunit *test)
{
	const struct leader_case *c = test->param_value;
	struct server *s =
		server_restored(test, c->n_voters, c->term, c->terms, 2);
	u32 i;

	s->r->role = RAFT_LEADER;
	s->r->durable_index = c->match[0];
	for (i = 1; i < c->n_voters; i++)
		s->r->peers[i].match_index = c->match[i];
	raft_leader_commit(s->r, &s->update);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, c->committed);
}

/* Members of a joint configuration: the old voters come first, the new ones last. */
struct joint {
	u32 n_old, n_new, n;
};

enum { JOINT_VOTERS = 3, JOINT_VALUES = 4 };

static bool is_old(const struct joint *joint, u32 i)
{
	return i < joint->n_old;
}

static bool is_new(const struct joint *joint, u32 i)
{
	return i >= joint->n - joint->n_new;
}

static void configure(struct server *s, const struct joint *joint)
{
	struct raft_configuration *c = &s->r->configuration;
	u32 i;

	c->joint = true;
	c->n_members = joint->n;
	for (i = 0; i < joint->n; i++) {
		c->members[i].old_kind = is_old(joint, i) ? RAFT_VOTER :
							    RAFT_ABSENT;
		c->members[i].kind = is_new(joint, i) ? RAFT_VOTER :
							RAFT_ABSENT;
	}
}

/* 4.3: more than half of the old voters, and of the new, have @value. */
static bool both_have(const struct joint *joint, const u64 *match, u64 value)
{
	u32 i, n_old = 0, n_new = 0;

	for (i = 0; i < joint->n; i++) {
		n_old += is_old(joint, i) && match[i] >= value;
		n_new += is_new(joint, i) && match[i] >= value;
	}
	return 2 * n_old > joint->n_old && 2 * n_new > joint->n_new;
}

/* All that so many members can have, counted through in digits. */
static void expect_all(struct server *s, const struct joint *joint)
{
	u32 i, digits, set, number, end = 1;
	u64 match[RAFT_MEMBERS_MAX] = { 0 }, value;

	for (i = 0; i < joint->n; i++)
		end *= JOINT_VALUES;
	for (number = 0; number < end; number++) {
		digits = number;
		set = 0;
		for (i = 0; i < joint->n; i++, digits /= JOINT_VALUES) {
			match[i] = digits % JOINT_VALUES;
			set |= match[i] ? 1u << i : 0;
		}
		for (value = JOINT_VALUES - 1; value; value--)
			if (both_have(joint, match, value))
				break;
		KUNIT_EXPECT_EQ(s->test, raft_quorum_value(s->r, match), value);
		KUNIT_EXPECT_EQ(s->test, raft_is_quorum(s->r, set), value > 0);
	}
}

static void both_majorities_hold(struct kunit *test)
{
	struct server *s = server_started(test, 1);
	struct joint joint;
	u32 both;

	for (joint.n_old = 1; joint.n_old <= JOINT_VOTERS; joint.n_old++)
		for (joint.n_new = 1; joint.n_new <= JOINT_VOTERS;
		     joint.n_new++)
			for (both = 0; both <= min(joint.n_old, joint.n_new);
			     both++) {
				joint.n = joint.n_old + joint.n_new - both;
				configure(s, &joint);
				expect_all(s, &joint);
			}
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(majority_holds, commit_gen_params),
	KUNIT_CASE_PARAM(majority_votes, vote_gen_params),
	KUNIT_CASE_PARAM(majority_commits_its_own_term, leader_gen_params),
	KUNIT_CASE(both_majorities_hold),
	{}
};

struct kunit_suite raftlog_raft_quorum_suite = {
	.name = "raftlog_raft_quorum",
	.test_cases = cases,
};
