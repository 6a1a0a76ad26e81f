// SPDX-License-Identifier: GPL-2.0
/*
 * Elections among several cores that talk: who leads after what, with PreVote,
 * CheckQuorum and stickiness at work together. See PEERS.rst.
 */
#include "raft_network.h"
#include "suites.h"

enum { HEARTBEATS = 2 }; /* after which all have heard of their leader */

static void expect_roles(struct network *net, const char *roles)
{
	KUNIT_EXPECT_STREQ(net->test, network_roles(net), roles);
}

static void pass_heartbeats(struct network *net)
{
	network_pass(net, HEARTBEATS * FIXTURE_HEARTBEAT_NS);
}

static u32 count_leaders(struct network *net)
{
	u32 id, n = 0;

	EACH_SERVER(id, net)
		n += network_server(net, id)->r->role == RAFT_LEADER;
	return n;
}

/* What stands for an election arrives, what is asked for in it does not. */
static bool loses_votes(struct network *net, const struct raft_message *message)
{
	return message->type == RAFT_REQUEST_VOTE &&
	       !message->request_vote.pre_vote;
}

static bool loses_votes_for_1(struct network *net,
			      const struct raft_message *message)
{
	return message->from == 1 && loses_votes(net, message);
}

/* 5.2: a majority of all makes a leader, not of those that are there. */
struct down_case {
	u32 n_voters;
	u32 down; /* bit: id */
	const char *roles;
};

static const struct down_case down_cases[] = {
	{ 1, 0, "L2" },
	{ 2, 0, "L2 F2" },
	{ 2, 1u << 2, "P1 -" },
	{ 3, 0, "L2 F2 F2" },
	{ 3, 1u << 3, "L2 F2 -" },
	{ 3, 1u << 2 | 1u << 3, "P1 - -" },
	{ 4, 1u << 2, "L2 - F2 F2" },
	{ 4, 1u << 2 | 1u << 3, "P1 - - F1" },
	{ 5, 1u << 2 | 1u << 3, "L2 - - F2 F2" },
	{ 5, 1u << 2 | 1u << 3 | 1u << 4, "P1 - - - F1" },
};

static void describe_down(const struct down_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u voters, %s", c->n_voters,
		 c->roles);
}

KUNIT_ARRAY_PARAM(down, down_cases, describe_down);

static void majority_of_all_elects(struct kunit *test)
{
	const struct down_case *c = test->param_value;
	struct network *net = network_new(test, c->n_voters, 0);
	u32 id;

	EACH_SERVER(id, net)
		if (c->down & 1u << id)
			network_stop(net, id);
	network_time_out(net, 1);
	network_settle(net);
	expect_roles(net, c->roles);
}

/* 5.4.1: the one that has less than a majority loses, and hears of their term. */
static void candidate_behind_the_majority_loses(struct kunit *test)
{
	static const struct network_disk disks[] = {
		{ .term = 1 },
		{ .term = 2, .terms = { 2 }, .n_terms = 1 },
		{ .term = 2, .terms = { 2 }, .n_terms = 1 },
		{ .term = 2, .terms = { 2, 2 }, .n_terms = 2 },
		{ .term = 1 },
	};
	struct network *net = network_restored(test, disks, ARRAY_SIZE(disks));

	network_silence(net, FIXTURE_ELECTION_NS);
	network_time_out(net, 1);
	network_settle(net);
	expect_roles(net, "F2 F2 F2 F2 F1");
	network_time_out(net, 1);
	network_settle(net);
	expect_roles(net, "F2 F2 F2 F2 F1");
}

struct cycle_case {
	const char *name;
	u32 n_voters;
	void (*lose)(struct network *net, u32 id);
};

static const struct cycle_case cycle_cases[] = {
	{ "isolated", 3, network_isolate },
	{ "mute", 3, network_mute },
	{ "stopped", 3, network_stop },
	{ "isolated", 5, network_isolate },
	{ "mute", 5, network_mute },
	{ "stopped", 5, network_stop },
};

static void describe_cycle(const struct cycle_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u voters, the last is %s",
		 c->n_voters, c->name);
}

KUNIT_ARRAY_PARAM(cycle, cycle_cases, describe_cycle);

/* Elections also work when they are not the first one. */
static void each_server_leads_in_turn(struct kunit *test)
{
	const struct cycle_case *c = test->param_value;
	struct network *net = network_new(test, c->n_voters, 0);
	struct raft_proposal p = { .bytes = 10 };
	u32 round, id, last = 0;

	for (round = 0; round < c->n_voters + 3; round++) {
		id = round % c->n_voters + 1;
		if (last)
			c->lose(net, last);
		network_elect(net, id);
		network_propose(net, id, &p);
		network_settle(net);
		KUNIT_ASSERT_EQ(test, p.index, 2ull * round + 3);
		KUNIT_EXPECT_EQ(test, p.term, round + 2ull);
		network_heal(net);
		pass_heartbeats(net);
		network_expect_leader(net, id, round + 2);
		network_expect_agreed(net);
		last = id;
	}
}

/* Nobody stands where all is well, and nothing is written. */
static const struct down_case well_cases[] = {
	{ 1, 0, "L2" },
	{ 3, 0, "L2 F2 F2" },
	{ 3, 1u << 3, "L2 F2 -" },
	{ 5, 0, "L2 F2 F2 F2 F2" },
};

KUNIT_ARRAY_PARAM(well, well_cases, describe_down);

static void leader_that_is_heard_stays(struct kunit *test)
{
	const struct down_case *c = test->param_value;
	struct network *net = network_new(test, c->n_voters, 0);
	u32 id;

	EACH_SERVER(id, net)
		if (c->down & 1u << id)
			network_stop(net, id);
	network_elect(net, 1);
	network_pass(net, 20 * FIXTURE_ELECTION_NS);
	expect_roles(net, c->roles);
	KUNIT_EXPECT_EQ(test, net->n_committed, 2ull);
	network_expect_agreed(net);
}

/* 6.2, in a network: who is cut off from the leader, and whether it goes. */
struct quorum_case {
	const char *name;
	u32 n_voters;
	u32 cut_off; /* bit: id */
	bool stays;
};

static const struct quorum_case quorum_cases[] = {
	{ "one of three", 3, 1u << 3, true },
	{ "two of three", 3, 1u << 2 | 1u << 3, false },
	{ "two of five", 5, 1u << 4 | 1u << 5, true },
	{ "three of five", 5, 1u << 3 | 1u << 4 | 1u << 5, false },
};

static void describe_quorum(const struct quorum_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(quorum, quorum_cases, describe_quorum);

static void leader_without_quorum_is_replaced(struct kunit *test)
{
	const struct quorum_case *c = test->param_value;
	struct network *net = network_new(test, c->n_voters, 0);
	struct server *s = network_server(net, 1);
	u32 id;

	network_elect(net, 1);
	EACH_SERVER(id, net)
		if (c->cut_off & 1u << id)
			network_cut(net, 1, id);
	network_silence(net, FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, s->r->role,
			(u8)(c->stays ? RAFT_LEADER : RAFT_FOLLOWER));
	if (!c->stays)
		KUNIT_EXPECT_EQ(test, s->r->reason,
				(u8)RAFT_REASON_QUORUM_LOST);
	/* Time for some rounds of votes, should they be split. */
	network_pass(net, 10 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, count_leaders(net), 1u);
	KUNIT_EXPECT_EQ(test, s->r->role == RAFT_LEADER, c->stays);
	if (c->stays)
		KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 2ull);
	network_heal(net);
	network_pass(net, 10 * FIXTURE_ELECTION_NS);
	network_expect_agreed(net);
}

/*
 * Servers 1 and 3 do not hear each other, and both ask server 2: at once, so that
 * it can promise both its vote, or server 3 when 2 has a leader.
 */
struct duel_case {
	const char *name;
	bool at_once;
	const char *roles;
};

static const struct duel_case duel_cases[] = {
	{ "at once", true, "L2 F2 C2" },
	{ "one later", false, "L2 F2 F2" },
};

static void describe_duel(const struct duel_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(duel, duel_cases, describe_duel);

static void one_of_two_rivals_leads(struct kunit *test)
{
	const struct duel_case *c = test->param_value;
	struct network *net = network_new(test, 3, 0);

	network_cut(net, 1, 3);
	network_time_out(net, 1);
	if (!c->at_once)
		network_settle(net);
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, c->roles);
	KUNIT_EXPECT_STREQ(test, network_logs(net), "12| 12| 1|");
	/* 9.6: asking once more, behind as it is, the loser disturbs nobody. */
	network_heal(net);
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, "L2 F2 F2");
	KUNIT_EXPECT_STREQ(test, network_logs(net), "12| 12| 1|");
	pass_heartbeats(net);
	network_expect_leader(net, 1, 2);
	KUNIT_EXPECT_STREQ(test, network_logs(net), "12| 12| 12|");
}

static void split_vote_ends_in_the_next_term(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);

	network_elect(net, 1);
	network_isolate(net, 1);
	network_silence(net, FIXTURE_ELECTION_NS);
	network_time_out(net, 2);
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, "F2 C3 C3");
	network_time_out(net, 2);
	network_settle(net);
	expect_roles(net, "F2 L4 F4");
	network_heal(net);
	pass_heartbeats(net);
	network_expect_leader(net, 2, 4);
	network_expect_agreed(net);
}

/* 4.2.3, 9.6: for how long the leader was not heard, and what becomes of a rival. */
struct sticky_case {
	const char *name;
	u64 silence_ns;
	const char *roles;
	u32 leader; /* afterwards, 0: whichever */
};

static const struct sticky_case sticky_cases[] = {
	{ "just heard", 0, "L2 F2 P2", 1 },
	/* Heard again, but not within the last nanosecond. */
	{ "nearly silent", FIXTURE_ELECTION_NS - 1, "L2 F2 P2", 0 },
	{ "silent", FIXTURE_ELECTION_NS, "F2 F3 L3", 3 },
};

static void describe_sticky(const struct sticky_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(sticky, sticky_cases, describe_sticky);

static void rival_waits_for_silence(struct kunit *test)
{
	const struct sticky_case *c = test->param_value;
	struct network *net = network_new(test, 3, 0);

	network_elect(net, 1);
	/* With the leader there it has no chance at all. */
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, "L2 F2 F2");
	network_isolate(net, 1);
	network_silence(net, c->silence_ns);
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, c->roles);
	network_heal(net);
	if (c->leader) {
		pass_heartbeats(net);
		network_expect_leader(net, c->leader, c->leader == 1 ? 2 : 3);
	} else {
		network_pass(net, 10 * FIXTURE_ELECTION_NS);
		KUNIT_EXPECT_EQ(test, count_leaders(net), 1u);
	}
	network_expect_agreed(net);
}

/* Two that both heard the leader just now do not elect each other. */
static void rivals_wait_for_silence(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);

	network_elect(net, 1);
	network_isolate(net, 1);
	network_time_out(net, 3);
	network_settle(net);
	network_time_out(net, 2);
	network_settle(net);
	expect_roles(net, "L2 P2 P2");
	network_silence(net, FIXTURE_ELECTION_NS);
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, "F2 F3 L3");
}

/* Server 1 leads in term 2, and server 3 is a candidate of a newer one. */
static struct network *with_stuck_candidate(struct kunit *test, u64 term)
{
	struct network *net = network_new(test, 3, 0);

	network_elect(net, 1);
	network_stop(net, 1);
	network_silence(net, FIXTURE_ELECTION_NS);
	net->loses = loses_votes;
	while (network_server(net, 3)->r->hard_state.current_term < term) {
		network_time_out(net, 3);
		network_settle(net);
		KUNIT_ASSERT_EQ(test, network_server(net, 3)->r->role,
				(u8)RAFT_CANDIDATE);
	}
	network_heal(net);
	return net;
}

struct stuck_case {
	u64 term;
	const char *roles, *freed;
};

static const struct stuck_case stuck_cases[] = {
	{ 3, "L2 F2 C3", "F3 F2 C3" },
	{ 4, "L2 F2 C4", "F4 F2 C4" },
};

static void describe_stuck(const struct stuck_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "term %u", (u32)c->term);
}

KUNIT_ARRAY_PARAM(stuck, stuck_cases, describe_stuck);

/*
 * A candidate of a newer term takes nothing from its leader and gets no vote: its
 * answer to the heartbeat makes the leader give way.
 */
static void stuck_candidate_is_freed(struct kunit *test)
{
	const struct stuck_case *c = test->param_value;
	struct network *net = with_stuck_candidate(test, c->term);

	expect_roles(net, c->roles);
	network_pass(net, 0);
	expect_roles(net, c->freed);
	/* Until the lease that server 1 published has run out it votes for nobody. */
	network_silence(net, FIXTURE_ELECTION_NS);
	network_time_out(net, 3);
	network_settle(net);
	network_expect_leader(net, 3, c->term + 1);
	pass_heartbeats(net);
	network_expect_agreed(net);
}

/* The same one misses entries: it must not lead, and must not stay stuck. */
struct behind_case {
	const char *name;
	bool leader_gone;
};

static const struct behind_case behind_cases[] = {
	{ "leader there", false },
	{ "leader gone", true },
};

static void describe_behind(const struct behind_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(behind, behind_cases, describe_behind);

static void stuck_candidate_that_is_behind_is_freed(struct kunit *test)
{
	const struct behind_case *c = test->param_value;
	struct network *net = with_stuck_candidate(test, 4);
	struct raft_proposal p = { .bytes = 10 };

	network_isolate(net, 3);
	network_propose(net, 1, &p);
	network_pass(net, 0);
	expect_roles(net, "L2 F2 C4");
	KUNIT_ASSERT_STREQ(test, network_logs(net), "122| 122| 12|");
	network_heal(net);
	if (c->leader_gone) {
		network_stop(net, 1);
		network_silence(net, FIXTURE_ELECTION_NS);
	}
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, c->leader_gone ? "- F2 P4" : "L2 F2 F4");
	if (c->leader_gone) {
		/* It hears of the newer term, and then wins one. */
		network_time_out(net, 2);
		network_settle(net);
		expect_roles(net, "- F4 P4");
		network_time_out(net, 2);
		network_settle(net);
		expect_roles(net, "- L5 F5");
	} else {
		pass_heartbeats(net);
		expect_roles(net, "F4 F2 F4");
		network_pass(net, 10 * FIXTURE_ELECTION_NS);
		KUNIT_EXPECT_EQ(test, count_leaders(net), 1u);
		KUNIT_EXPECT_NE(test, network_server(net, 3)->r->leader_id,
				3u);
	}
	pass_heartbeats(net);
	network_expect_agreed(net);
	KUNIT_EXPECT_EQ(test, p.index, 3ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(network_server(net, 3)->r, 3),
			2ull);
}

/* 9.6: what is cut off does not raise its term, and disturbs nobody afterwards. */
static void cut_off_follower_does_not_disturb(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);
	struct raft_proposal p[3] = { { .bytes = 10 },
				      { .bytes = 10 },
				      { .bytes = 10 } };
	u32 i;

	network_elect(net, 1);
	network_isolate(net, 3);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		network_propose(net, 1, &p[i]);
	network_pass(net, 10 * FIXTURE_ELECTION_NS);
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, "L2 F2 P2");
	network_heal(net);
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, "L2 F2 F2");
	KUNIT_EXPECT_STREQ(test, network_logs(net), "12222| 12222| 12|");
	pass_heartbeats(net);
	network_expect_leader(net, 1, 2);
	network_expect_agreed(net);
}

/* Another one was elected, in its term or later, while nobody heard it. */
struct concede_case {
	const char *name;
	u32 later; /* terms */
	bool entries;
};

static const struct concede_case concede_cases[] = {
	{ "same term, heartbeat", 0, false },
	{ "same term, entries", 0, true },
	{ "later term, heartbeat", 2, false },
	{ "later term, entries", 2, true },
};

static void describe_concede(const struct concede_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(concede, concede_cases, describe_concede);

static void candidate_concedes(struct kunit *test)
{
	const struct concede_case *c = test->param_value;
	struct network *net = network_new(test, 3, 0);
	struct raft_proposal p = { .bytes = 10 };
	u32 i;

	net->loses = loses_votes_for_1;
	network_time_out(net, 1);
	network_settle(net);
	expect_roles(net, "C2 F1 F1");
	network_isolate(net, 1);
	network_elect(net, 3);
	expect_roles(net, "C2 F2 L2");
	for (i = 0; i < c->later; i++) {
		network_cut(net, 2, 3);
		network_silence(net, FIXTURE_ELECTION_NS);
		network_heal(net);
		network_isolate(net, 1);
		network_time_out(net, i % 2 ? 3 : 2);
		network_settle(net);
	}
	expect_roles(net, c->later ? "C2 F4 L4" : "C2 F2 L2");
	if (c->entries) {
		network_propose(net, 3, &p);
		network_settle(net);
		KUNIT_EXPECT_NE(test, p.index, 0ull);
	}
	network_heal(net);
	pass_heartbeats(net);
	network_expect_leader(net, 3, 2 + c->later);
	network_expect_agreed(net);
}

/*
 * One that was cut off through elections has an older term, and with the leader
 * gone the others need its vote.
 */
static void older_term_can_complete_an_election(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);

	network_isolate(net, 3);
	network_elect(net, 1);
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, "L2 F2 P1");
	network_isolate(net, 1);
	network_silence(net, FIXTURE_ELECTION_NS);
	network_heal(net);
	network_isolate(net, 3);
	network_time_out(net, 2);
	network_settle(net);
	expect_roles(net, "F3 L3 P1");
	/* It is back, and the leader is gone. */
	network_heal(net);
	network_stop(net, 2);
	network_silence(net, FIXTURE_ELECTION_NS);
	network_time_out(net, 3);
	network_settle(net);
	expect_roles(net, "F3 - F3");
	network_time_out(net, 1);
	network_settle(net);
	network_expect_leader(net, 1, 4);
	KUNIT_EXPECT_STREQ(test, network_logs(net), "1234| - 1234|");
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(majority_of_all_elects, down_gen_params),
	KUNIT_CASE(candidate_behind_the_majority_loses),
	KUNIT_CASE_PARAM(each_server_leads_in_turn, cycle_gen_params),
	KUNIT_CASE_PARAM(leader_that_is_heard_stays, well_gen_params),
	KUNIT_CASE_PARAM(leader_without_quorum_is_replaced, quorum_gen_params),
	KUNIT_CASE_PARAM(one_of_two_rivals_leads, duel_gen_params),
	KUNIT_CASE(split_vote_ends_in_the_next_term),
	KUNIT_CASE_PARAM(rival_waits_for_silence, sticky_gen_params),
	KUNIT_CASE(rivals_wait_for_silence),
	KUNIT_CASE_PARAM(stuck_candidate_is_freed, stuck_gen_params),
	KUNIT_CASE_PARAM(stuck_candidate_that_is_behind_is_freed,
			 behind_gen_params),
	KUNIT_CASE(cut_off_follower_does_not_disturb),
	KUNIT_CASE_PARAM(candidate_concedes, concede_gen_params),
	KUNIT_CASE(older_term_can_complete_an_election),
	{}
};

struct kunit_suite raftlog_raft_network_suite = {
	.name = "raftlog_raft_network",
	.test_cases = cases,
};
