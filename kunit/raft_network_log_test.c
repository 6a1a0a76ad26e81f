// SPDX-License-Identifier: GPL-2.0
/* Replication among several cores that talk. See PEERS.rst. */
#include "raft_network.h"
#include "suites.h"

static void pass_heartbeats(struct network *net)
{
	network_pass(net, 2 * FIXTURE_HEARTBEAT_NS);
}

/* An entry proposed anywhere is everywhere, if a majority of all is there. */
struct reach_case {
	u32 n_voters, from;
	u32 down; /* bit: id */
	bool committed;
	const char *logs;
};

static const struct reach_case reach_cases[] = {
	{ 1, 1, 0, true, "122|" },
	{ 2, 2, 0, true, "122| 122|" },
	{ 3, 1, 0, true, "122| 122| 122|" },
	{ 3, 2, 0, true, "122| 122| 122|" },
	{ 3, 1, 1u << 3, true, "122| 122| -" },
	{ 3, 2, 1u << 3, true, "122| 122| -" },
	{ 3, 1, 1u << 2 | 1u << 3, false, "12|2 - -" },
	{ 4, 1, 1u << 2 | 1u << 3, false, "12|2 - - 12|2" },
	{ 4, 4, 1u << 2 | 1u << 3, false, "12|2 - - 12|2" },
	{ 5, 1, 1u << 2 | 1u << 3, true, "122| - - 122| 122|" },
	{ 5, 4, 1u << 2 | 1u << 3, true, "122| - - 122| 122|" },
};

static void describe_reach(const struct reach_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "by %u of %u: %s", c->from,
		 c->n_voters, c->logs);
}

KUNIT_ARRAY_PARAM(reach, reach_cases, describe_reach);

static void entry_reaches_all(struct kunit *test)
{
	const struct reach_case *c = test->param_value;
	struct network *net = network_new(test, c->n_voters, 0);
	struct raft_proposal p = { .bytes = 10 };
	u64 at_ns;
	u32 id;

	network_elect(net, 1);
	EACH_SERVER(id, net)
		if (c->down & 1u << id)
			network_stop(net, id);
	at_ns = net->now_ns;
	network_propose(net, c->from, &p);
	network_settle(net);
	/* Commit is told at once, not with the next heartbeat. */
	KUNIT_EXPECT_EQ(test, net->now_ns, at_ns);
	KUNIT_EXPECT_STREQ(test, network_logs(net), c->logs);
	KUNIT_EXPECT_EQ(test, p.index, c->committed ? 3ull : 0ull);
	KUNIT_EXPECT_EQ(test, p.term, c->committed ? 2ull : 0ull);
}

/* One after the other, by whichever server, in one order on all. */
static void entries_keep_their_order(struct kunit *test)
{
	struct network *net = network_new(test, 5, 0);
	struct raft_proposal p = { .bytes = 10 };
	u32 i;

	network_elect(net, 1);
	for (i = 0; i < 10; i++) {
		network_propose(net, i % 5 + 1, &p);
		network_settle(net);
		KUNIT_ASSERT_EQ(test, p.index, i + 3ull);
		KUNIT_EXPECT_EQ(test, net->committed[i + 2].session,
				FIXTURE_SESSION + i % 5 + 1ull);
		KUNIT_EXPECT_EQ(test, net->committed[i + 2].sequence,
				p.sequence);
	}
	network_expect_agreed(net);
}

/* All propose at once, each its first one: nobody takes another's for its own. */
static void each_hears_of_its_own(struct kunit *test)
{
	struct network *net = network_new(test, 5, 0);
	struct raft_proposal p[5] = { { .bytes = 10 },
				      { .bytes = 10 },
				      { .bytes = 10 },
				      { .bytes = 10 },
				      { .bytes = 10 } };
	u32 id;

	network_elect(net, 1);
	EACH_SERVER(id, net)
		network_propose(net, id, &p[id - 1]);
	network_settle(net);
	network_expect_agreed(net);
	KUNIT_EXPECT_EQ(test, net->n_committed, 7ull);
	EACH_SERVER(id, net) {
		KUNIT_EXPECT_EQ(test, p[id - 1].sequence, p[0].sequence);
		KUNIT_ASSERT_GE(test, p[id - 1].index, 3ull);
		KUNIT_EXPECT_EQ(test,
				net->committed[p[id - 1].index - 1].session,
				(u64)FIXTURE_SESSION + id);
	}
}

/* Of 5.4.2: entries of an old term wait for one of the new term. */
struct old_case {
	const char *name;
	bool lost; /* what the new leader sends */
	const char *logs;
};

static const struct old_case old_cases[] = {
	{ "with it", false, "12223| 12223| 12223| 12223| 12223|" },
	{ "not without", true, "12|22 12|223 12| 12| 12|" },
};

static void describe_old(const struct old_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(old, old_cases, describe_old);

static bool loses_entries(struct network *net,
			  const struct raft_message *message)
{
	return message->type == RAFT_APPEND_ENTRIES;
}

static void old_entries_commit_with_a_new_one(struct kunit *test)
{
	const struct old_case *c = test->param_value;
	struct network *net = network_new(test, 5, 0);
	struct raft_proposal p[2] = { { .bytes = 10 }, { .bytes = 10 } };
	u32 i;

	network_elect(net, 1);
	for (i = 3; i <= 5; i++)
		network_cut(net, 1, i);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		network_propose(net, 1, &p[i]);
	network_settle(net);
	KUNIT_EXPECT_STREQ(test, network_logs(net), "12|22 12|22 12| 12| 12|");
	/* With one answer of four it leads no longer. */
	network_silence(net, FIXTURE_ELECTION_NS);
	network_heal(net);
	if (c->lost)
		net->loses = loses_entries;
	network_time_out(net, 2);
	network_settle(net);
	KUNIT_EXPECT_EQ(test, network_server(net, 2)->r->role, (u8)RAFT_LEADER);
	KUNIT_EXPECT_STREQ(test, network_logs(net), c->logs);
	network_heal(net);
	pass_heartbeats(net);
	network_expect_leader(net, 2, 3);
	network_expect_agreed(net);
	/* Who proposed them hears of it, whoever leads. */
	KUNIT_EXPECT_EQ(test, p[0].index, 3ull);
	KUNIT_EXPECT_EQ(test, p[1].index, 4ull);
}

/* What an earlier leader said arrives late, at the leader and at a follower. */
static void old_messages_change_nothing(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);
	struct raft_proposal p = { .bytes = 10 };
	struct raft_entry entry = { .term = 3, .bytes = 10 };
	struct raft_message late = {
		.type = RAFT_APPEND_ENTRIES,
		.from = 2,
		.term = 3,
		.append_entries = { .prev_log_index = 3, .prev_log_term = 3 },
		.entries = &entry,
		.n_entries = 1,
	};

	network_elect(net, 1);
	network_isolate(net, 1);
	network_elect(net, 2);
	network_heal(net);
	pass_heartbeats(net);
	network_isolate(net, 2);
	network_elect(net, 1);
	network_heal(net);
	pass_heartbeats(net);
	KUNIT_ASSERT_STREQ(test, network_logs(net), "1234| 1234| 1234|");
	late.to = 1;
	network_deliver(net, &late);
	late.to = 3;
	network_deliver(net, &late);
	network_settle(net);
	network_expect_leader(net, 1, 4);
	KUNIT_EXPECT_STREQ(test, network_logs(net), "1234| 1234| 1234|");
	network_propose(net, 1, &p);
	network_settle(net);
	KUNIT_EXPECT_STREQ(test, network_logs(net), "12344| 12344| 12344|");
}

/*
 * 5.4.1: server 3 led term 3 with the votes of 4 and 5, and wrote an entry that
 * nobody else has. Who has an older one can win, and then replaces the newer.
 */
static void newer_entries_are_replaced(struct kunit *test)
{
	static const struct network_disk disks[] = {
		{ .term = 2, .voted_for = 1, .terms = { 2 }, .n_terms = 1 },
		{ .term = 2, .voted_for = 1, .terms = { 2 }, .n_terms = 1 },
		{ .term = 3, .voted_for = 3, .terms = { 3 }, .n_terms = 1 },
		{ .term = 3, .voted_for = 3 },
		{ .term = 3, .voted_for = 3 },
	};
	struct network *net = network_restored(test, disks, ARRAY_SIZE(disks));

	network_silence(net, FIXTURE_ELECTION_NS);
	network_time_out(net, 1);
	network_settle(net);
	KUNIT_EXPECT_STREQ(test, network_roles(net), "F3 F2 F3 F3 F3");
	network_time_out(net, 1);
	network_settle(net);
	network_expect_leader(net, 1, 4);
	pass_heartbeats(net);
	KUNIT_EXPECT_STREQ(test, network_logs(net), "124| 124| 124| 124| 124|");
}

/* Terms from entry 2 on; one refusal says where the logs can match. */
struct refusal_case {
	const char *name;
	u64 leader[12], follower[12];
	u32 n_leader, n_follower;
	u64 hint_index, hint_term;
	u64 next_index, next_term; /* before what is sent then */
};

static const struct refusal_case refusal_cases[] = {
	{ "leader skips a term", { 1, 2, 2, 4, 4, 4, 4 },
	  { 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3 }, 7, 11, 8, 3, 4, 2 },
	{ "leader skips to its last of the term", { 1, 2, 2, 3, 4, 4, 4, 5 },
	  { 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3 }, 8, 11, 9, 3, 5, 3 },
	{ "follower skips terms", { 1, 1, 1, 1 }, { 1, 2, 2, 4 }, 4, 4,
	  2, 1, 2, 1 },
	{ "follower skips terms, is shorter", { 1, 1, 1, 1, 1, 1 },
	  { 1, 2, 2, 4 }, 6, 4, 2, 1, 2, 1 },
	{ "follower skips terms, is longer", { 1, 1, 1, 1 },
	  { 1, 2, 2, 4, 4, 4 }, 4, 6, 2, 1, 2, 1 },
	{ "no conflict", { 1, 1, 1, 4, 5 }, { 1, 1, 1, 4 }, 5, 4, 5, 4, 5, 4 },
	{ "leader skips all of a newer term", { 2, 5, 5, 5, 5, 5, 5, 5, 5 },
	  { 2, 4, 4, 4, 4, 4 }, 9, 6, 7, 4, 2, 2 },
	{ "follower skips all of a newer term", { 2, 2, 2, 2, 2 },
	  { 2, 4, 4, 4, 4, 4, 4, 4 }, 5, 8, 2, 2, 2, 2 },
};

static void describe_refusal(const struct refusal_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(refusal, refusal_cases, describe_refusal);

struct refusal_seen {
	struct raft_message refusal, next;
	u32 n_refusals;
};

/* Loses nothing, and notes what servers 1 and 2 say of the match of their logs. */
static bool sees_refusals(struct network *net,
			  const struct raft_message *message)
{
	struct refusal_seen *seen = net->script;

	if (message->type == RAFT_APPEND_ENTRIES_RESPONSE &&
	    message->from == 2 && message->append_entries_response.rejected &&
	    !seen->n_refusals++)
		seen->refusal = *message;
	if (message->type == RAFT_APPEND_ENTRIES && message->to == 2 &&
	    seen->n_refusals && !seen->next.type)
		seen->next = *message;
	return false;
}

static void one_refusal_finds_the_match(struct kunit *test)
{
	const struct refusal_case *c = test->param_value;
	struct network_disk *disks =
		kunit_kzalloc(test, 3 * sizeof(*disks), GFP_KERNEL);
	struct refusal_seen *seen =
		kunit_kzalloc(test, sizeof(*seen), GFP_KERNEL);
	struct network *net;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, disks);
	KUNIT_ASSERT_NOT_NULL(test, seen);
	for (i = 0; i < 3; i++)
		disks[i].term = 5;
	memcpy(disks[0].terms, c->leader, sizeof(c->leader));
	disks[0].n_terms = c->n_leader;
	memcpy(disks[1].terms, c->follower, sizeof(c->follower));
	disks[1].n_terms = c->n_follower;
	/* Server 3 has nothing, and votes for server 1. */
	net = network_restored(test, disks, 3);
	net->script = seen;
	net->loses = sees_refusals;
	network_elect(net, 1);
	KUNIT_EXPECT_EQ(test, seen->n_refusals, 1u);
	KUNIT_EXPECT_EQ(test,
			seen->refusal.append_entries_response.prev_log_index,
			c->n_leader + 1ull);
	KUNIT_EXPECT_EQ(test, seen->refusal.append_entries_response.hint_index,
			c->hint_index);
	KUNIT_EXPECT_EQ(test, seen->refusal.append_entries_response.hint_term,
			c->hint_term);
	KUNIT_EXPECT_EQ(test, seen->next.append_entries.prev_log_index,
			c->next_index);
	KUNIT_EXPECT_EQ(test, seen->next.append_entries.prev_log_term,
			c->next_term);
	pass_heartbeats(net);
	network_expect_leader(net, 1, 6);
	network_expect_agreed(net);
	KUNIT_EXPECT_EQ(test, net->n_committed, c->n_leader + 2ull);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(entry_reaches_all, reach_gen_params),
	KUNIT_CASE(entries_keep_their_order),
	KUNIT_CASE(each_hears_of_its_own),
	KUNIT_CASE_PARAM(old_entries_commit_with_a_new_one, old_gen_params),
	KUNIT_CASE(old_messages_change_nothing),
	KUNIT_CASE(newer_entries_are_replaced),
	KUNIT_CASE_PARAM(one_refusal_finds_the_match, refusal_gen_params),
	{}
};

struct kunit_suite raftlog_raft_network_log_suite = {
	.name = "raftlog_raft_network_log",
	.test_cases = cases,
};
