// SPDX-License-Identifier: GPL-2.0
/*
 * What others were hurt by, as scripts of several cores. Which of these failures is
 * tested where else: PEERS.rst.
 */
#include "raft_network.h"
#include "suites.h"

enum { VOTERS = 5, TIMEOUTS = 10 };

/* Who hears whom, in both directions: bit: id. */
struct partial_case {
	const char *name;
	u8 hears[VOTERS];
	u32 leader; /* before */
	u32 leads; /* afterwards, bit: id */
};

#define S(i) (1u << (i))

static const struct partial_case partial_cases[] = {
	{ "two hear only one of the followers",
	  { S(2) | S(3) | S(4) | S(5), S(1) | S(3), S(1) | S(2), S(1) | S(5),
	    S(1) | S(4) },
	  3,
	  S(1) | S(3) },
	{ "chain, led from the middle",
	  { S(2), S(1) | S(3), S(2) | S(4), S(3) | S(5), S(4) },
	  3,
	  S(3) },
	{ "chain, led from the end",
	  { S(2), S(1) | S(3), S(2) | S(4), S(3) | S(5), S(4) },
	  1,
	  S(2) | S(3) | S(4) },
	{ "ring",
	  { S(5) | S(2), S(1) | S(3), S(2) | S(4), S(3) | S(5), S(4) | S(1) },
	  2,
	  S(2) },
	{ "bridge, led from one side",
	  { S(2) | S(3), S(1) | S(3), S(1) | S(2) | S(4) | S(5), S(3) | S(5),
	    S(3) | S(4) },
	  1,
	  S(1) },
	{ "only one hears all, led by another",
	  { S(2) | S(3) | S(4) | S(5), S(1), S(1), S(1), S(1) },
	  3,
	  S(1) },
	{ "only one hears all, and leads",
	  { S(2) | S(3) | S(4) | S(5), S(1), S(1), S(1), S(1) },
	  1,
	  S(1) },
};

static void describe_partial(const struct partial_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(partial, partial_cases, describe_partial);

static void connect(struct network *net, const struct partial_case *c)
{
	u32 i, k;

	for (i = 1; i <= VOTERS; i++)
		for (k = i + 1; k <= VOTERS; k++)
			if (!(c->hears[i - 1] & S(k)))
				network_cut(net, i, k);
}

/* The one that leads in the newest term, 0 if none does. */
static u32 leader_of(struct network *net)
{
	u32 id, leader = 0;
	u64 term = 0;

	EACH_SERVER(id, net)
	{
		const struct raft *r = network_server(net, id)->r;

		if (r->role == RAFT_LEADER &&
		    r->hard_state.current_term > term) {
			leader = id;
			term = r->hard_state.current_term;
		}
	}
	return leader;
}

/*
 * One that a majority hears leads, and stays: those that do not hear it ask for votes
 * again and again, and neither raise the term nor find anybody who listens. That the
 * links are few keeps nothing from being committed.
 */
static void connected_but_not_fully_connected_five_nodes(struct kunit *test)
{
	const struct partial_case *c = test->param_value;
	struct network *net = network_new(test, VOTERS, 0);
	struct raft_proposal p[TIMEOUTS] = {};
	u32 leader, i;
	u64 term;

	network_elect(net, c->leader);
	connect(net, c);
	network_pass(net, TIMEOUTS * FIXTURE_ELECTION_NS);
	leader = leader_of(net);
	KUNIT_ASSERT_TRUE(test, c->leads & S(leader));
	term = network_server(net, leader)->r->hard_state.current_term;
	for (i = 0; i < TIMEOUTS; i++) {
		p[i].bytes = 10;
		network_propose(net, leader, &p[i]);
		network_pass(net, FIXTURE_ELECTION_NS);
		KUNIT_EXPECT_NE(test, p[i].index, 0ull);
	}
	KUNIT_EXPECT_EQ(test, leader_of(net), leader);
	KUNIT_EXPECT_EQ(test,
			network_server(net, leader)->r->hard_state.current_term,
			term);
	network_heal(net);
	network_pass(net, TIMEOUTS * FIXTURE_ELECTION_NS);
	network_expect_agreed(net);
}

static bool loses_answers_of_3(struct network *net,
			       const struct raft_message *message)
{
	return message->from == 3 &&
	       message->type == RAFT_APPEND_ENTRIES_RESPONSE;
}

static bool loses_entries_to_3(struct network *net,
			       const struct raft_message *message)
{
	return message->to == 3 && message->n_entries;
}

struct wedged_case {
	const char *name;
	bool (*loses)(struct network *net, const struct raft_message *message);
};

static const struct wedged_case wedged_cases[] = {
	{ "its answers are lost", loses_answers_of_3 },
	{ "entries are lost, heartbeats are not", loses_entries_to_3 },
};

static void describe_wedged(const struct wedged_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(wedged, wedged_cases, describe_wedged);

/*
 * All that may be under way to a follower is, and nothing of it is ever answered. That
 * is no matter to the others; and the follower has what it missed as soon as it can be
 * told, without another election or entry.
 */
static void pipelining_wedged_by_a_stalled_follower(struct kunit *test)
{
	const struct wedged_case *c = test->param_value;
	struct network *net = network_new(test, 3, 0);
	const struct raft_peer *peer;
	u32 most;

	network_elect(net, 1);
	network_commit(net, 1, 2);
	peer = raft_find_peer(network_server(net, 1)->r, 3);
	most = network_server(net, 1)->settings.inflight_messages_max;
	net->loses = c->loses;
	network_commit(net, 1, 3 * most);
	KUNIT_EXPECT_EQ(test, peer->n_inflight, most);
	network_heal(net);
	/* Heartbeats alone, for less than it takes for an election. */
	network_silence(net, FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, peer->n_inflight, 0u);
	network_expect_leader(net, 1, 2);
	network_expect_agreed(net);
}

/*
 * What a leader could not commit fills its cap. With the next leader that is none of
 * its business, and when it leads again it begins with what there is then: a count
 * that was kept would refuse everything for ever.
 */
static void uncommitted_cap_across_terms(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);
	struct server *s = network_server(net, 1);
	const u32 n = 12, n_more = 4;
	struct raft_proposal *p = kunit_kzalloc(
		test, (n + n_more) * sizeof(*p), GFP_KERNEL);
	struct raft_proposal *more = p + n;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	network_elect(net, 1);
	network_isolate(net, 1);
	for (i = 0; i < n; i++) {
		p[i].bytes = 900;
		network_propose(net, 1, &p[i]);
	}
	/* Entry 2 is its no-op. */
	KUNIT_ASSERT_GT(test, raft_uncommitted_bytes(s->r), 0ull);
	KUNIT_ASSERT_LT(test, s->r->log.last_index, 2ull + n);
	network_silence(net, FIXTURE_ELECTION_NS);
	network_elect(net, 2);
	network_commit(net, 2, 1);
	/* The suffix of server 1 goes, and the writers' entries come by server 2. */
	network_heal(net);
	network_pass(net, 2 * FIXTURE_ELECTION_NS);
	network_expect_agreed(net);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_NE(test, p[i].index, 0ull);
	KUNIT_EXPECT_EQ(test, raft_uncommitted_bytes(s->r), 0ull);

	KUNIT_ASSERT_EQ(test, network_transfer(net, 2, 1), 0);
	/* The lease of server 2 runs out first. */
	network_pass(net, FIXTURE_ELECTION_NS);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	for (i = 0; i < n_more; i++) {
		more[i].bytes = 900;
		network_propose(net, 1, &more[i]);
		network_settle(net);
		KUNIT_EXPECT_NE(test, more[i].index, 0ull);
	}
	KUNIT_EXPECT_EQ(test, raft_uncommitted_bytes(s->r), 0ull);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(connected_but_not_fully_connected_five_nodes,
			 partial_gen_params),
	KUNIT_CASE_PARAM(pipelining_wedged_by_a_stalled_follower,
			 wedged_gen_params),
	KUNIT_CASE(uncommitted_cap_across_terms),
	{}
};

struct kunit_suite raftlog_raft_known_suite = {
	.name = "raftlog_raft_known",
	.test_cases = cases,
};
