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
	bool won;
};

static const struct vote_case vote_cases[] = {
	{ "_", false },	      { "n", false },	    { "y", true },
	{ "__", false },      { "n_", false },	    { "y_", false },
	{ "ny", false },      { "yy", true },	    { "___", false },
	{ "n__", false },     { "y__", false },	    { "nn_", false },
	{ "yn_", false },     { "yy_", true },	    { "yyn", true },
	{ "nyn", false },     { "yyny___", false }, { "_yy_nyn", false },
	{ "yyny_ny", true },  { "yy_nynn", false }, { "yynynnn", false },
};

static void vote_describe(const struct vote_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->votes);
}

KUNIT_ARRAY_PARAM(vote, vote_cases, vote_describe);

static void majority_votes(struct kunit *test)
{
	const struct vote_case *c = test->param_value;
	u32 i, n = strlen(c->votes), granted = 0;
	struct server *s = server_started(test, n);

	for (i = 0; i < n; i++)
		if (c->votes[i] == 'y')
			granted |= 1u << i;
	KUNIT_EXPECT_EQ(test, raft_is_quorum(s->r, granted), c->won);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(majority_holds, commit_gen_params),
	KUNIT_CASE_PARAM(majority_votes, vote_gen_params),
	{}
};

struct kunit_suite raftlog_raft_quorum_suite = {
	.name = "raftlog_raft_quorum",
	.test_cases = cases,
};
