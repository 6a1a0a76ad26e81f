// SPDX-License-Identifier: GPL-2.0
/* Servers without a vote, among others that have one. See PEERS.rst. */
#include "raft_network.h"
#include "suites.h"

/* 4.2.1: a learner does not stand, whatever it does not hear. */
struct learner_case {
	u32 n_voters, n_learners;
	const char *alone, *led;
};

static const struct learner_case learner_cases[] = {
	{ 1, 1, "- l1", "L2 l2" },
	{ 3, 2, "- - - l1 l1", "L2 F2 F2 l2 l2" },
};

static void describe_learner(const struct learner_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u voters, %u learners",
		 c->n_voters, c->n_learners);
}

KUNIT_ARRAY_PARAM(learner, learner_cases, describe_learner);

static void learner_does_not_stand(struct kunit *test)
{
	const struct learner_case *c = test->param_value;
	struct network *net = network_new(test, c->n_voters, c->n_learners);
	u32 id;

	for (id = 1; id <= c->n_voters; id++)
		network_stop(net, id);
	network_pass(net, 10 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_STREQ(test, network_roles(net), c->alone);
	network_time_out(net, c->n_voters + 1);
	KUNIT_EXPECT_EQ(test, net->n_letters, 0u);
	KUNIT_EXPECT_STREQ(test, network_roles(net), c->alone);
	network_heal(net);
	network_elect(net, 1);
	KUNIT_EXPECT_STREQ(test, network_roles(net), c->led);
	network_isolate(net, c->n_voters + 1);
	network_pass(net, 10 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_STREQ(test, network_roles(net), c->led);
}

/* It gets the log like any other, and counts for nothing. */
static void learner_has_the_log_and_no_say(struct kunit *test)
{
	struct network *net = network_new(test, 3, 2);
	struct raft_proposal p[2] = { { .bytes = 10 }, { .bytes = 10 } };

	network_elect(net, 1);
	network_propose(net, 4, &p[0]);
	network_settle(net);
	KUNIT_EXPECT_EQ(test, p[0].index, 3ull);
	network_expect_agreed(net);
	network_stop(net, 2);
	network_stop(net, 3);
	network_propose(net, 1, &p[1]);
	network_settle(net);
	KUNIT_EXPECT_STREQ(test, network_logs(net), "122|2 - - 122|2 122|2");
	KUNIT_EXPECT_EQ(test, p[1].index, 0ull);
	network_silence(net, FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_STREQ(test, network_roles(net), "F2 - - l2 l2");
	network_time_out(net, 1);
	network_settle(net);
	KUNIT_EXPECT_STREQ(test, network_roles(net), "P2 - - l2 l2");
}

/* What it is it may not know yet: it votes when asked (4.2.2). */
static void learner_votes_when_asked(struct kunit *test)
{
	struct server *s = server_member(test, 2, 1, 1);
	struct raft_message ask = {
		.type = RAFT_REQUEST_VOTE,
		.from = 1,
		.to = 2,
		.term = 2,
		.request_vote = { .last_log_index = 11, .last_log_term = 2 },
	};
	const struct raft_send *send;

	server_bootstrap(s);
	server_done(s);
	KUNIT_ASSERT_EQ(test, server_receive(s, &ask), 0);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 1);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_TRUE(test, send->message.request_vote_response.granted);
	KUNIT_EXPECT_EQ(test, s->update.hard_state.voted_for, 1u);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEARNER);
}

/* Nor does one stand that the configuration does not name, with votes or without. */
static void stranger_does_not_stand(struct kunit *test)
{
	struct server *s = server_member(test, 4, 3, 0);
	struct raft_message vote = {
		.type = RAFT_REQUEST_VOTE_RESPONSE,
		.to = 4,
		.request_vote_response = { .granted = true },
	};
	u32 i;

	server_bootstrap(s);
	server_timeout(s);
	for (i = 0; i < 4; i++) {
		vote.from = i / 2 + 1;
		vote.request_vote_response.pre_vote = i % 2;
		vote.term = 1 + i % 2;
		KUNIT_ASSERT_EQ(test, server_receive(s, &vote), 0);
	}
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
	KUNIT_EXPECT_EQ(test, s->update.hard_state_seq, 0ull);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEARNER);
}

/* A learner with entries of term 5, which nobody heard from for long. */
static struct server *newest_learner(struct kunit *test)
{
	static const u64 terms[] = { 2, 5 };
	struct server *s = server_member(test, 4, 3, 1);

	server_restore(s, 5, RAFT_ID_NONE, terms, ARRAY_SIZE(terms));
	server_time(s, 3 * FIXTURE_ELECTION_NS);
	server_done(s);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEARNER);
	return s;
}

/*
 * The leader of term 5 is gone, and none but this learner got its entries. Server 1
 * has an older configuration that was never committed, by which it needs this one.
 */
static void learner_stands_where_it_is_needed(struct kunit *test)
{
	struct server *s = newest_learner(test);
	const struct raft_send *send;

	KUNIT_ASSERT_EQ(test, server_ask(s, 1, 6, true, 7, 4), 0);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 1);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_FALSE(test, send->message.request_vote_response.granted);
	server_timeout(s);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_PRE_CANDIDATE);
	KUNIT_ASSERT_EQ(test, server_vote(s, 1, 6, true, true), 0);
	/* Its own does not count: it takes two of the three. */
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_PRE_CANDIDATE);
	KUNIT_ASSERT_EQ(test, server_vote(s, 2, 6, true, true), 0);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	KUNIT_ASSERT_EQ(test, server_vote(s, 1, 6, false, true), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	KUNIT_ASSERT_EQ(test, server_vote(s, 2, 6, false, true), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEADER);
}

/* With a leader there, or with a candidate whose log is as new, it is not needed. */
static void learner_does_not_stand_otherwise(struct kunit *test)
{
	static const u64 terms[] = { 5 };
	struct server *s = newest_learner(test);

	KUNIT_ASSERT_EQ(test, server_ask(s, 1, 6, true, 3, 5), 0);
	server_time(s, 3 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEARNER);

	KUNIT_ASSERT_EQ(test, server_ask(s, 1, 6, true, 7, 4), 0);
	KUNIT_ASSERT_EQ(test, server_append(s, 2, 5, 3, 5, terms, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEARNER);
	server_persist(s);
	server_time(s, 3 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEARNER);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(learner_stands_where_it_is_needed),
	KUNIT_CASE(learner_does_not_stand_otherwise),
	KUNIT_CASE_PARAM(learner_does_not_stand, learner_gen_params),
	KUNIT_CASE(learner_has_the_log_and_no_say),
	KUNIT_CASE(learner_votes_when_asked),
	KUNIT_CASE(stranger_does_not_stand),
	{}
};

struct kunit_suite raftlog_raft_learner_suite = {
	.name = "raftlog_raft_learner",
	.test_cases = cases,
};
