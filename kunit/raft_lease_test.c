// SPDX-License-Identifier: GPL-2.0
/*
 * What a leader told of its lease holds, whoever is to lead in its place and
 * whatever comes late: the rules on top of kmod/raft/transfer.c, one by one.
 */
#include "raft_network.h"
#include "suites.h"

#define LEASE_NS (FIXTURE_ELECTION_NS - FIXTURE_ELECTION_NS / 8)

/* Of the leader's clock in what a follower gets; server_append() says 77. */
enum { SENT_NS = 77 };

static u64 lease_of(const struct server *s)
{
	struct raft_status status;

	raft_status(s->r, &status);
	return status.lease_until_ns;
}

/* A leader whose lease reaches as far as it can. */
static struct server *leased(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	server_ack_probe(s, 2);
	server_ack_probe(s, 3);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, lease_of(s), s->now_ns + LEASE_NS);
	return s;
}

static void answer(struct server *s, u32 from, u64 sent_ns)
{
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE, .from = from, .to = 1,
		.term = s->r->hard_state.current_term,
		.append_entries_response = {
			.match_index = s->r->log.last_index,
			.sent_ns = sent_ns,
			.promised_ns = FIXTURE_ELECTION_NS,
		},
	};

	KUNIT_ASSERT_EQ(s->test, server_receive(s, &message), 0);
}

static void answers(struct server *s, u64 sent_ns)
{
	answer(s, 2, sent_ns);
	answer(s, 3, sent_ns);
}

/* (1) None is published any more, and what was runs out before TimeoutNow. */
static void ends_before_timeout_now(struct kunit *test)
{
	struct server *s = leased(test);
	u64 lease = lease_of(s);

	KUNIT_ASSERT_EQ(test, server_transfer(s, 2, RAFT_TRANSFER_REQUESTED), 0);
	KUNIT_EXPECT_EQ(test, lease_of(s), 0ull);
	while (s->now_ns < lease) {
		server_done(s);
		server_time(s, min_t(u64, lease - s->now_ns,
				     FIXTURE_HEARTBEAT_NS));
		answers(s, s->now_ns);
		KUNIT_EXPECT_EQ(test, lease_of(s), 0ull);
		KUNIT_ASSERT_EQ(test, server_count(s, RAFT_TIMEOUT_NOW),
				s->now_ns >= lease ? 1u : 0u);
	}
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_TIMEOUT_NOW, 2)
				->message.timeout_now.until_ns,
			lease + FIXTURE_ELECTION_NS);
}

/* A peer came back with another disk: what was told before was told. */
static void is_kept_when_a_peer_is_forgotten(struct kunit *test)
{
	struct server *s = leased(test);
	u64 lease = lease_of(s);
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE, .to = 1, .term = 2,
		.incarnation = 0x9999,
	};

	message.from = 3;
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	message.from = 2;
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	KUNIT_EXPECT_EQ(test, lease_of(s), 0ull);
	message.incarnation = 0;
	message.append_entries_response.prev_log_index =
		raft_find_peer(s->r, 2)->next_index - 1;
	message.append_entries_response.match_index =
		message.append_entries_response.prev_log_index;
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	KUNIT_EXPECT_EQ(test, lease_of(s), 0ull);
	KUNIT_ASSERT_EQ(test, server_transfer(s, 2, RAFT_TRANSFER_REQUESTED), 0);
	KUNIT_EXPECT_EQ(test, s->r->transfer_from_ns, lease);
}

/* (3) After an abort it comes back from what was asked after the abort. */
static void comes_back_from_later_answers(struct kunit *test)
{
	struct server *s = leased(test);
	u64 until_ns;

	KUNIT_ASSERT_EQ(test, server_transfer(s, 2, RAFT_TRANSFER_REQUESTED), 0);
	until_ns = s->r->transfer_until_ns;
	while (s->now_ns < until_ns) {
		answers(s, s->now_ns);
		server_done(s);
		server_time(s, min_t(u64, until_ns - s->now_ns,
				     FIXTURE_HEARTBEAT_NS));
	}
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	KUNIT_ASSERT_EQ(test, s->r->transferee, 0u);
	KUNIT_EXPECT_EQ(test, lease_of(s), 0ull);
	answers(s, until_ns - 1);
	KUNIT_EXPECT_EQ(test, lease_of(s), 0ull);
	answer(s, 3, until_ns);
	KUNIT_EXPECT_EQ(test, lease_of(s), until_ns + LEASE_NS);
}

/* The same where it was given up early: TimeoutNow may be under way until then. */
static void stays_away_after_an_early_abort(struct kunit *test)
{
	struct server *s = leased(test);
	u64 until_ns;

	KUNIT_ASSERT_EQ(test, server_transfer(s, 2, RAFT_TRANSFER_REQUESTED), 0);
	until_ns = s->r->transfer_until_ns;
	server_time(s, LEASE_NS);
	answers(s, s->now_ns);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, server_count(s, RAFT_TIMEOUT_NOW), 1u);
	KUNIT_ASSERT_EQ(test, server_transfer(s, 1, RAFT_TRANSFER_REQUESTED), 0);
	KUNIT_ASSERT_EQ(test, s->r->transferee, 0u);
	server_done(s);
	server_time(s, FIXTURE_HEARTBEAT_NS);
	answers(s, s->now_ns);
	KUNIT_EXPECT_EQ(test, lease_of(s), 0ull);
	while (s->now_ns < until_ns) {
		server_done(s);
		server_time(s, FIXTURE_HEARTBEAT_NS);
		answers(s, s->now_ns);
	}
	KUNIT_EXPECT_EQ(test, lease_of(s), s->now_ns + LEASE_NS);
}

/* (2), (4) TimeoutNow that comes late does nothing. */
struct late_case {
	const char *name;
	u64 term;
	u64 last_log_index;
	u64 until_ns;
	u32 from;
	bool restarted;
	bool campaigns;
};

static const struct late_case late_cases[] = {
	{ "in time", 5, 2, SENT_NS + 1, 2, false, true },
	{ "aborted since", 5, 2, SENT_NS, 2, false, false },
	{ "long aborted", 5, 2, 1, 2, false, false },
	{ "of an older term", 4, 2, SENT_NS + 1, 2, false, false },
	{ "of a newer term", 6, 2, SENT_NS + 1, 2, false, false },
	{ "another leads", 5, 2, SENT_NS + 1, 3, false, false },
	{ "entries since", 5, 1, SENT_NS + 1, 2, false, false },
	{ "entries missing", 5, 3, SENT_NS + 1, 2, false, false },
	{ "started again since", 5, 2, SENT_NS + 1, 2, true, false },
};

static void describe_late(const struct late_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(late, late_cases, describe_late);

/* Follower of server 2 in term 5, its log [1, 5]; @restarted: only just started. */
static struct server *follower(struct kunit *test, bool restarted)
{
	static const u64 terms[] = { 5 };
	struct server *s = server_new(test, 3);

	server_restore(s, 5, RAFT_ID_NONE, terms, 1);
	if (!restarted)
		server_time(s, FIXTURE_ELECTION_NS);
	server_append(s, 2, 5, 2, 5, NULL, 0, 2);
	server_done(s);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	KUNIT_ASSERT_EQ(test, s->r->leader_id, 2u);
	return s;
}

static void late_timeout_now_does_nothing(struct kunit *test)
{
	const struct late_case *c = test->param_value;
	struct server *s = follower(test, c->restarted);
	struct raft_message message = {
		.type = RAFT_TIMEOUT_NOW, .from = c->from, .to = 1,
		.term = c->term,
		.timeout_now = { .last_log_index = c->last_log_index,
				 .until_ns = c->until_ns },
	};

	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	KUNIT_EXPECT_EQ(test, s->r->role == RAFT_CANDIDATE, c->campaigns);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term,
			c->campaigns ? 6ull : 5ull);
	KUNIT_EXPECT_EQ(test, s->r->leader_id, c->campaigns ? 0u : 2u);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_REQUEST_VOTE),
			c->campaigns ? 2u : 0u);
}

/* (2), (4) Nor does a RequestVote that it brought about. */
struct override_case {
	const char *name;
	u64 term;
	u64 until_ns;
	bool pre_vote;
	bool restarted;
	bool granted;
};

static const struct override_case override_cases[] = {
	{ "in time", 6, SENT_NS + 1, false, false, true },
	{ "of no transfer", 6, 0, false, false, false },
	{ "aborted since", 6, SENT_NS, false, false, false },
	{ "of a later term", 7, SENT_NS + 1, false, false, false },
	{ "started again since", 6, SENT_NS + 1, false, true, false },
	{ "PreVote", 6, SENT_NS + 1, true, false, false },
};

static void describe_override(const struct override_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(override, override_cases, describe_override);

static struct raft_message ask_of_transfer(u64 term, u64 until_ns)
{
	return (struct raft_message){
		.type = RAFT_REQUEST_VOTE, .from = 3, .to = 1, .term = term,
		.request_vote = { .last_log_index = 9, .last_log_term = 5,
				  .leadership_transfer_ns = until_ns },
	};
}

static void transfer_overrides_stickiness(struct kunit *test)
{
	const struct override_case *c = test->param_value;
	struct server *s = follower(test, c->restarted);
	struct raft_message message = ask_of_transfer(c->term, c->until_ns);
	const struct raft_send *send;

	message.request_vote.pre_vote = c->pre_vote;
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3);
	KUNIT_EXPECT_EQ(test,
			send && send->message.request_vote_response.granted,
			c->granted);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term,
			c->granted ? 6ull : 5ull);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.voted_for,
			c->granted ? 3u : 0u);
}

/* What overrides stickiness does not override who is up to date. */
static void transfer_needs_a_complete_log(struct kunit *test)
{
	struct server *s = follower(test, false);
	struct raft_message message = ask_of_transfer(6, SENT_NS + 1);
	const struct raft_send *send;

	message.request_vote.last_log_index = 1;
	message.request_vote.last_log_term = 1;
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_FALSE(test, send->message.request_vote_response.granted);
}

/* The leader itself goes by its own clock. */
static void leader_votes_until_it_has_aborted(struct kunit *test)
{
	struct server *s = leased(test);
	struct raft_message message = ask_of_transfer(3, s->now_ns);

	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	message = ask_of_transfer(3, s->now_ns + 1);
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.voted_for, 3u);
}

/* It leads no more, but what it told holds, and it votes for nobody until then. */
static void is_kept_by_who_stepped_down(struct kunit *test)
{
	struct server *s = leased(test);
	u64 lease = lease_of(s);
	struct raft_message newer = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE, .from = 3, .to = 1,
		.term = 9,
		.append_entries_response = { .rejected = true },
	};

	KUNIT_ASSERT_EQ(test, server_receive(s, &newer), 0);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	server_done(s);
	s->now_ns = lease - 1;
	server_ask(s, 3, 10, false, 99, 9);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 9ull);
	s->now_ns = lease;
	server_ask(s, 3, 10, false, 99, 9);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.voted_for, 3u);
}

/* A write that hangs makes it give up: it does not promise more than that. */
static void does_not_outlive_a_stalled_write(struct kunit *test)
{
	struct server *s = leased(test);
	struct raft_proposal p = { .bytes = 10 };
	u64 written_ns = s->now_ns;

	KUNIT_ASSERT_EQ(test, server_propose(s, &p), 0);
	server_time(s, 0);
	server_time(s, FIXTURE_ELECTION_NS / 2);
	answers(s, s->now_ns);
	KUNIT_EXPECT_EQ(test, lease_of(s), written_ns + FIXTURE_ELECTION_NS);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, lease_of(s), s->now_ns + LEASE_NS);
}

/* Among several that talk: what was sent arrives when a lease is there again. */
struct caught {
	struct raft_message message;
	bool any;
	u8 type;
	u32 to;
};

static bool catches(struct network *net, const struct raft_message *message)
{
	struct caught *caught = net->script;

	if (message->type != caught->type ||
	    (caught->to && message->to != caught->to))
		return false;
	caught->message = *message;
	caught->any = true;
	return true;
}

static struct network *aborted(struct kunit *test, struct caught *caught)
{
	struct network *net = network_new(test, 5, 0);
	u32 i;

	network_elect(net, 1);
	network_pass(net, 4 * FIXTURE_HEARTBEAT_NS);
	net->loses = catches;
	net->script = caught;
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 3), 0);
	for (i = 0; i < 40 && network_server(net, 1)->r->transferee; i++)
		network_pass(net, FIXTURE_HEARTBEAT_NS);
	KUNIT_ASSERT_TRUE(test, caught->any);
	network_heal(net);
	return net;
}

static void late_timeout_now_finds_the_leader_in_place(struct kunit *test)
{
	struct caught caught = { .type = RAFT_TIMEOUT_NOW };
	struct network *net = aborted(test, &caught);

	network_pass(net, 2 * FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_GT(test, lease_of(network_server(net, 1)), net->now_ns);
	network_deliver(net, &caught.message);
	network_pass(net, 2 * FIXTURE_ELECTION_NS);
	network_expect_leader(net, 1, 2);
}

/* Server 3 is not heard once it has campaigned; what it asked server 2 is kept. */
static bool catches_campaign_of_3(struct network *net,
				  const struct raft_message *message)
{
	if (message->from != 3 || message->term < 3)
		return false;
	catches(net, message);
	return true;
}

/* The target campaigned in time; that gets about when the leader has a lease. */
static void late_request_vote_finds_the_leader_in_place(struct kunit *test)
{
	struct caught caught = { .type = RAFT_REQUEST_VOTE, .to = 2 };
	struct network *net = network_new(test, 3, 0);
	struct server *leader = network_server(net, 1);
	struct raft_message late;
	u32 i;

	network_elect(net, 1);
	network_pass(net, 4 * FIXTURE_HEARTBEAT_NS);
	net->loses = catches_campaign_of_3;
	net->script = &caught;
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 3), 0);
	for (i = 0; i < 40 && !caught.any; i++)
		network_pass(net, FIXTURE_HEARTBEAT_NS / 4);
	KUNIT_ASSERT_TRUE(test, caught.any);
	late = caught.message;
	KUNIT_ASSERT_FALSE(test, late.request_vote.pre_vote);
	KUNIT_ASSERT_GT(test, late.request_vote.leadership_transfer_ns,
			net->now_ns);
	for (i = 0; i < 40 && lease_of(leader) <= net->now_ns; i++)
		network_pass(net, FIXTURE_HEARTBEAT_NS);
	KUNIT_ASSERT_GT(test, lease_of(leader), net->now_ns);

	network_deliver(net, &late);
	network_settle(net);
	KUNIT_EXPECT_EQ(test, leader->r->role, (u8)RAFT_LEADER);
	KUNIT_EXPECT_EQ(test, network_server(net, 2)->r->leader_id, 1u);
	KUNIT_EXPECT_EQ(test, network_server(net, 2)->r->hard_state.current_term,
			2ull);
}

/* Where each of the members that are to decide now promises less than those before. */
static void holds_when_others_decide(struct kunit *test)
{
	static const struct raft_change changes[] = {
		{ .type = RAFT_CHANGE_REMOVE, .id = 1 },
		{ .type = RAFT_CHANGE_REMOVE, .id = 3 },
		{ .type = RAFT_CHANGE_REMOVE, .id = 4 },
	};
	struct network *net = network_new(test, 4, 0);
	struct server *leader = network_server(net, 1);
	struct server *heir = network_server(net, 2);
	struct raft_settings settings = heir->r->settings;
	u64 told;

	network_elect(net, 1);
	settings.election_timeout_ns /= 4;
	KUNIT_ASSERT_EQ(test,
			raft_set_settings(heir->r, &settings, net->now_ns), 0);
	network_pass(net, 2 * FIXTURE_ELECTION_NS);
	told = lease_of(leader);
	KUNIT_ASSERT_GT(test, told,
			net->now_ns + 2 * settings.election_timeout_ns);
	KUNIT_ASSERT_EQ(test,
			network_change(net, 1, changes, ARRAY_SIZE(changes)), 0);
	network_pass(net, FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_TRUE(test, raft_configuration(heir->r)->joint);
	/* It would lead by itself long before the lease ends. */
	network_isolate(net, 1);
	while (net->now_ns < told) {
		network_pass(net, FIXTURE_HEARTBEAT_NS);
		if (net->now_ns < told)
			KUNIT_EXPECT_NE(test, heir->r->role, (u8)RAFT_LEADER);
	}
	network_heal(net);
	network_pass(net, 4 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_FALSE(test, raft_configuration(heir->r)->joint);
	KUNIT_EXPECT_EQ(test, raft_configuration(heir->r)->n_members, 1u);
}

/* With the same timeouts everywhere nobody waits: the joint majorities promise it. */
static void does_not_hold_up_a_change(struct kunit *test)
{
	static const struct raft_change removal = { .type = RAFT_CHANGE_REMOVE,
						    .id = 4 };
	struct network *net = network_new(test, 4, 0);
	struct server *leader = network_server(net, 1);
	u64 told;

	network_elect(net, 1);
	network_pass(net, 4 * FIXTURE_HEARTBEAT_NS);
	told = lease_of(leader);
	KUNIT_ASSERT_EQ(test, network_change(net, 1, &removal, 1), 0);
	network_pass(net, 2 * FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_LT(test, net->now_ns, told);
	KUNIT_EXPECT_FALSE(test, raft_configuration(leader->r)->joint);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(holds_when_others_decide),
	KUNIT_CASE(does_not_hold_up_a_change),
	KUNIT_CASE(ends_before_timeout_now),
	KUNIT_CASE(is_kept_when_a_peer_is_forgotten),
	KUNIT_CASE(comes_back_from_later_answers),
	KUNIT_CASE(stays_away_after_an_early_abort),
	KUNIT_CASE_PARAM(late_timeout_now_does_nothing, late_gen_params),
	KUNIT_CASE_PARAM(transfer_overrides_stickiness, override_gen_params),
	KUNIT_CASE(transfer_needs_a_complete_log),
	KUNIT_CASE(leader_votes_until_it_has_aborted),
	KUNIT_CASE(is_kept_by_who_stepped_down),
	KUNIT_CASE(does_not_outlive_a_stalled_write),
	KUNIT_CASE(late_timeout_now_finds_the_leader_in_place),
	KUNIT_CASE(late_request_vote_finds_the_leader_in_place),
	{}
};

struct kunit_suite raftlog_raft_lease_suite = {
	.name = "raftlog_raft_lease",
	.test_cases = cases,
};
