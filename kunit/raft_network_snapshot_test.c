// SPDX-License-Identifier: GPL-2.0
/* Several cores that talk, and do not keep all of their entries. */
#include "raft_network.h"
#include "suites.h"

static void pass_heartbeats(struct network *net)
{
	network_pass(net, 3 * FIXTURE_HEARTBEAT_NS);
}

static u64 last_index(struct network *net, u32 id)
{
	return network_server(net, id)->r->log.last_index;
}

static u64 first_index(struct network *net, u32 id)
{
	return network_server(net, id)->r->log.first_index;
}

static void expect_level(struct network *net)
{
	u32 id;

	EACH_SERVER(id, net)
	{
		KUNIT_EXPECT_EQ(net->test, last_index(net, id),
				last_index(net, 1));
		KUNIT_EXPECT_EQ(net->test,
				network_server(net, id)->r->commit_index,
				last_index(net, 1));
	}
}

static void
member_that_was_down_returns_after_two_compactions(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);

	network_elect(net, 1);
	network_commit(net, 1, 3);
	network_stop(net, 3);
	network_commit(net, 1, 5);
	network_compact(net, 1, last_index(net, 1) - 1);
	network_commit(net, 1, 5);
	network_compact(net, 1, last_index(net, 1) - 2);
	network_heal(net);
	pass_heartbeats(net);
	KUNIT_EXPECT_EQ(test, first_index(net, 3), first_index(net, 1));
	expect_level(net);
	/* It is one of the majority again. */
	network_stop(net, 2);
	network_commit(net, 1, 2);
	KUNIT_EXPECT_EQ(test, last_index(net, 3), last_index(net, 1));
}

/* Who keeps more can lead as well, and gives entries to whom it has them for. */
static void leader_with_a_longer_log_sends_entries(struct kunit *test)
{
	struct network *net = network_new(test, 5, 0);

	network_elect(net, 1);
	network_commit(net, 1, 2);
	network_isolate(net, 5);
	network_commit(net, 1, 6);
	network_compact(net, 1, last_index(net, 1));
	network_stop(net, 1);
	network_elect(net, 2);
	network_heal(net);
	pass_heartbeats(net);
	KUNIT_EXPECT_EQ(test, first_index(net, 5), 1ull);
	expect_level(net);
}

/* Server 1 led alone for a while: what it has there is no use to anybody. */
static void suffix_that_conflicts_goes_with_the_install(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);
	struct raft_proposal lost[3] = {
		{ .bytes = 10 },
		{ .bytes = 10 },
		{ .bytes = 10 },
	};
	u32 i;

	network_elect(net, 1);
	network_commit(net, 1, 2);
	network_isolate(net, 1);
	for (i = 0; i < ARRAY_SIZE(lost); i++)
		network_propose(net, 1, &lost[i]);
	network_settle(net);
	network_elect(net, 2);
	network_commit(net, 2, 6);
	/* The boundary is at an index of which server 1 has another entry. */
	network_compact(net, 2, last_index(net, 1));
	network_heal(net);
	pass_heartbeats(net);
	KUNIT_EXPECT_EQ(test, first_index(net, 1), first_index(net, 2));
	expect_level(net);
	for (i = 0; i < ARRAY_SIZE(lost); i++)
		KUNIT_EXPECT_NE(test, lost[i].result, 0);
}

static bool loses_installs(struct network *net,
			   const struct raft_message *message)
{
	return message->type == RAFT_INSTALL_SNAPSHOT;
}

/* It is told again and again; what does not get through, holds up nothing else. */
static void install_that_is_lost_comes_again(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);
	u64 term;

	network_elect(net, 1);
	network_stop(net, 3);
	network_commit(net, 1, 6);
	network_compact(net, 1, last_index(net, 1));
	network_heal(net);
	net->loses = loses_installs;
	term = network_server(net, 1)->r->hard_state.current_term;
	network_pass(net, 4 * FIXTURE_ELECTION_NS);
	/* It hears that there is a leader, and does not stand for election. */
	network_expect_leader(net, 1, term);
	KUNIT_EXPECT_EQ(test, first_index(net, 3), 1ull);
	network_commit(net, 1, 2);
	network_heal(net);
	pass_heartbeats(net);
	expect_level(net);
}

/* The leader goes while the install is under way: the next one begins elsewhere. */
static void election_while_it_is_under_way(struct kunit *test)
{
	struct network *net = network_new(test, 5, 0);
	u64 base;

	network_elect(net, 1);
	network_commit(net, 1, 2);
	network_stop(net, 5);
	network_commit(net, 1, 6);
	base = last_index(net, 1);
	network_compact(net, 1, base);
	network_compact(net, 2, base);
	network_heal(net);
	net->loses = loses_installs;
	pass_heartbeats(net);
	network_stop(net, 1);
	network_elect(net, 2);
	network_commit(net, 2, 4);
	network_compact(net, 2, base + 3);
	network_heal(net);
	network_stop(net, 1);
	pass_heartbeats(net);
	KUNIT_EXPECT_EQ(test, first_index(net, 5), base + 4);
	/* With two that are down it takes the one that was installed. */
	network_stop(net, 4);
	network_commit(net, 2, 1);
	KUNIT_EXPECT_EQ(test, last_index(net, 5), last_index(net, 2));
	network_heal(net);
	pass_heartbeats(net);
	expect_level(net);
}

/* A learner is told as well. */
static void learner_is_installed(struct kunit *test)
{
	struct network *net = network_new(test, 3, 1);

	network_elect(net, 1);
	network_stop(net, 4);
	network_commit(net, 1, 6);
	network_compact(net, 1, last_index(net, 1) - 1);
	network_heal(net);
	pass_heartbeats(net);
	KUNIT_EXPECT_EQ(test, first_index(net, 4), first_index(net, 1));
	expect_level(net);
}

/* It has neither a log nor members, and never sees the entry that it was added by. */
static void newcomer_is_told_of_the_members_by_an_install(struct kunit *test)
{
	const struct raft_change add = {
		.type = RAFT_CHANGE_ADD,
		.id = 4,
		.address = { .family = 4, .ip = { 0, 0, 0, 4 } },
	};
	const struct raft_change promote = {
		.type = RAFT_CHANGE_PROMOTE,
		.id = 4,
	};
	struct network *net = network_new(test, 3, 0);
	u32 id;

	network_elect(net, 1);
	network_commit(net, 1, 3);
	network_add(net);
	network_isolate(net, 4);
	KUNIT_ASSERT_EQ(test, network_change(net, 1, &add, 1), 0);
	network_settle(net);
	network_commit(net, 1, 2);
	network_compact(net, 1, last_index(net, 1));
	KUNIT_ASSERT_EQ(test, network_server(net, 4)->r->configuration.n_members,
			0u);
	network_heal(net);
	pass_heartbeats(net);
	KUNIT_EXPECT_EQ(test, first_index(net, 4), first_index(net, 1));
	KUNIT_EXPECT_EQ(test, network_server(net, 4)->r->configuration.n_members,
			4u);
	KUNIT_EXPECT_EQ(test, network_server(net, 4)->r->role, (u8)RAFT_LEARNER);
	expect_level(net);
	KUNIT_ASSERT_EQ(test, network_change(net, 1, &promote, 1), 0);
	pass_heartbeats(net);
	EACH_SERVER(id, net)
		KUNIT_EXPECT_TRUE(test,
				  raft_is_voter(network_server(net, id)->r, 3));
	/* Its vote counts. */
	network_stop(net, 2);
	network_commit(net, 1, 2);
	network_heal(net);
	pass_heartbeats(net);
	network_stop(net, 1);
	network_elect(net, 4);
}

static struct kunit_case network_snapshot_cases[] = {
	KUNIT_CASE(member_that_was_down_returns_after_two_compactions),
	KUNIT_CASE(leader_with_a_longer_log_sends_entries),
	KUNIT_CASE(suffix_that_conflicts_goes_with_the_install),
	KUNIT_CASE(install_that_is_lost_comes_again),
	KUNIT_CASE(election_while_it_is_under_way),
	KUNIT_CASE(learner_is_installed),
	KUNIT_CASE(newcomer_is_told_of_the_members_by_an_install),
	{}
};

struct kunit_suite raftlog_raft_network_snapshot_suite = {
	.name = "raftlog_raft_network_snapshot",
	.test_cases = network_snapshot_cases,
};
