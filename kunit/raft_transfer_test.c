// SPDX-License-Identifier: GPL-2.0
/*
 * Leadership transfer (3.10) and priority, among several cores that talk. See
 * PEERS.rst. What transfers do to leases is in raft_lease_test.c, and checked by
 * the network throughout.
 */
#include "raft_network.h"
#include "suites.h"

/* Until the leases that were published have run out, and another leads. */
#define TRANSFER_NS FIXTURE_ELECTION_NS

/* A leader, server 1, that has heard from all, in term 2. */
static struct network *led(struct kunit *test, u32 n_voters, u32 n_learners)
{
	struct network *net = network_new(test, n_voters, n_learners);

	network_elect(net, 1);
	network_pass(net, 4 * FIXTURE_HEARTBEAT_NS);
	return net;
}

static u32 transferee(struct network *net, u32 id)
{
	return network_server(net, id)->r->transferee;
}

static bool loses_to_3(struct network *net, const struct raft_message *message)
{
	return message->to == 3;
}

static bool loses_entries_to_3(struct network *net,
			       const struct raft_message *message)
{
	return message->to == 3 && message->n_entries;
}

static bool loses_timeout_now(struct network *net,
			      const struct raft_message *message)
{
	return message->type == RAFT_TIMEOUT_NOW;
}

static bool loses_votes(struct network *net,
			const struct raft_message *message)
{
	return message->type == RAFT_REQUEST_VOTE_RESPONSE;
}

/* To and fro, to a given one and to the best one. */
static void goes_to_a_complete_node(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	struct raft_proposal p = { .bytes = 10 };

	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 2), 0);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 2u);
	network_pass(net, TRANSFER_NS);
	network_expect_leader(net, 2, 3);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->reason,
			(u8)RAFT_REASON_TRANSFERRED);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 0u);

	network_propose(net, 2, &p);
	network_pass(net, 4 * FIXTURE_HEARTBEAT_NS);
	KUNIT_ASSERT_EQ(test, network_transfer(net, 2, 1), 0);
	network_pass(net, TRANSFER_NS);
	network_expect_leader(net, 1, 4);
	network_pass(net, 4 * FIXTURE_HEARTBEAT_NS);
	network_expect_agreed(net);

	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 0), 0);
	network_pass(net, TRANSFER_NS);
	KUNIT_EXPECT_NE(test, network_server(net, 1)->r->leader_id, 1u);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->hard_state.current_term,
			5ull);
}

/* Nobody asks whether it could win: the leader knows. */
static void target_skips_pre_vote(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	struct raft_message now = {
		.type = RAFT_TIMEOUT_NOW, .from = 2, .to = 1, .term = 1,
		.timeout_now = { .last_log_index = 1, .until_ns = 78 },
	};
	const struct raft_send *send;

	server_append(s, 2, 1, 1, 1, NULL, 0, 1);
	server_done(s);
	KUNIT_ASSERT_EQ(test, server_receive(s, &now), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 2ull);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_REQUEST_VOTE), 2u);
	send = server_sent(s, RAFT_REQUEST_VOTE, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_FALSE(test, send->message.request_vote.pre_vote);
	KUNIT_EXPECT_EQ(test, send->message.request_vote.leadership_transfer_ns,
			78ull);
	/* Its vote is durable before it asks for others, as always. */
	KUNIT_EXPECT_GT(test, send->after_hard_state_seq, 0ull);

	/* The next round is one like any other. */
	server_timeout(s);
	send = server_sent(s, RAFT_REQUEST_VOTE, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_TRUE(test, send->message.request_vote.pre_vote);
	KUNIT_EXPECT_EQ(test, send->message.request_vote.leadership_transfer_ns,
			0ull);
}

/*
 * A voter that has heard from the leader just now votes for nobody else, but that the
 * leader asks for it. It says so again if that was lost: once it knows the new term,
 * the request does not override anything any more.
 */
static void vote_that_is_lost_is_given_again(struct kunit *test)
{
	struct network *net = led(test, 5, 0);
	const struct raft *target = network_server(net, 3)->r;
	u32 i;

	net->loses = loses_votes;
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 3), 0);
	for (i = 0; i < 20 && target->role != RAFT_CANDIDATE; i++)
		network_pass(net, FIXTURE_HEARTBEAT_NS / 2);
	KUNIT_ASSERT_EQ(test, target->role, (u8)RAFT_CANDIDATE);
	network_heal(net);
	network_pass(net, FIXTURE_HEARTBEAT_NS);
	network_expect_leader(net, 3, 3);
}

static void waits_for_a_slow_follower(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	struct raft_proposal p = { .bytes = 10 };

	net->loses = loses_entries_to_3;
	network_propose(net, 1, &p);
	network_settle(net);
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 3), 0);
	network_pass(net, TRANSFER_NS);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->role, (u8)RAFT_LEADER);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 3u);
	KUNIT_EXPECT_FALSE(test, network_server(net, 1)->r->transfer_told);
	network_heal(net);
	network_pass(net, 6 * FIXTURE_HEARTBEAT_NS);
	network_expect_leader(net, 3, 3);
	network_pass(net, 4 * FIXTURE_HEARTBEAT_NS);
	network_expect_agreed(net);
	KUNIT_EXPECT_EQ(test, p.result, 0);
	KUNIT_EXPECT_EQ(test, p.index, 3ull);
}

/* Refused at once, and nothing begins. */
static void refuses(struct kunit *test)
{
	struct network *net = led(test, 3, 1);
	struct network *alone = led(test, 1, 0);
	struct raft_event event = { .type = RAFT_EVENT_TRANSFER };

	KUNIT_EXPECT_EQ(test, network_transfer(net, 2, 3), -EREMOTE);
	KUNIT_EXPECT_EQ(test, network_transfer(net, 2, 2), -EREMOTE);
	KUNIT_EXPECT_EQ(test, network_transfer(net, 1, 9), -ENOENT);
	KUNIT_EXPECT_EQ(test, network_transfer(net, 1, 4), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, network_transfer(alone, 1, 0), -ENOENT);
	event.transfer.cause = RAFT_TRANSFER_PRIORITY;
	KUNIT_EXPECT_EQ(test, server_event(network_server(net, 1), &event),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, network_transfer(net, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 0u);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->n_transfers, 0ull);
}

static void refuses_who_is_dead(struct kunit *test)
{
	struct network *net = led(test, 3, 0);

	network_isolate(net, 3);
	network_pass(net, FIXTURE_ELECTION_NS + FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, network_transfer(net, 1, 3), -EHOSTUNREACH);
	/* The best one is another, then. */
	KUNIT_EXPECT_EQ(test, network_transfer(net, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 2u);
}

/* Of this it is not even known where its log matches. */
static void refuses_who_is_behind(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	KUNIT_EXPECT_EQ(test, server_transfer(s, 3, RAFT_TRANSFER_REQUESTED),
			-ESTALE);
	KUNIT_EXPECT_EQ(test, server_transfer(s, 0, RAFT_TRANSFER_REQUESTED),
			-ESTALE);
	server_ack_probe(s, 2);
	KUNIT_EXPECT_EQ(test, server_transfer(s, 3, RAFT_TRANSFER_REQUESTED),
			-ESTALE);
	KUNIT_EXPECT_EQ(test, server_transfer(s, 0, RAFT_TRANSFER_REQUESTED), 0);
	KUNIT_EXPECT_EQ(test, s->r->transferee, 2u);
}

static void refuses_another_disk(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_message answer = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = 2,
		.to = 1,
		.term = 2,
		.incarnation = 0x9999,
		.append_entries_response = { .prev_log_index = 1,
					     .match_index = 1 },
	};

	KUNIT_ASSERT_EQ(test, server_receive(s, &answer), 0);
	KUNIT_EXPECT_EQ(test, server_transfer(s, 2, RAFT_TRANSFER_REQUESTED),
			-EOPNOTSUPP);
}

/* Its learner does not become a candidate, whoever wants that. */
static void learner_ignores_timeout_now(struct kunit *test)
{
	struct server *s = server_member(test, 3, 2, 1);
	struct raft_message now = {
		.type = RAFT_TIMEOUT_NOW, .from = 2, .to = 3, .term = 1,
		.timeout_now = { .last_log_index = 1, .until_ns = 78 },
	};
	struct raft_message heartbeat = {
		.type = RAFT_APPEND_ENTRIES, .from = 2, .to = 3, .term = 1,
		.append_entries = { .prev_log_index = 1, .prev_log_term = 1,
				    .sent_ns = 77 },
	};

	server_bootstrap(s);
	KUNIT_ASSERT_EQ(test, server_receive(s, &heartbeat), 0);
	server_done(s);
	KUNIT_ASSERT_EQ(test, server_receive(s, &now), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEARNER);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
}

/* Proposals wait while it is under way, wherever they are made; none fails. */
static void holds_proposals_until_it_is_aborted(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	struct raft_proposal before = { .bytes = 10 }, here = { .bytes = 10 },
			     there = { .bytes = 10 };
	struct raft *r = network_server(net, 1)->r;
	u64 last_index;

	net->loses = loses_timeout_now;
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 3), 0);
	/* Leases run out: nothing has to wait for that. */
	network_propose(net, 1, &before);
	network_settle(net);
	KUNIT_EXPECT_GT(test, before.index, 0ull);

	network_pass(net, TRANSFER_NS - FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 3u);
	last_index = r->log.last_index;
	network_propose(net, 1, &here);
	network_propose(net, 2, &there);
	network_pass(net, 4 * FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 3u);
	KUNIT_EXPECT_EQ(test, r->log.last_index, last_index);
	KUNIT_EXPECT_EQ(test, r->n_proposals, 1u);

	/* An election timeout after it could be done, it is over. */
	network_pass(net, FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 0u);
	network_expect_leader(net, 1, 2);
	KUNIT_EXPECT_GT(test, here.index, last_index);
	KUNIT_EXPECT_GT(test, there.index, last_index);
	KUNIT_EXPECT_EQ(test, here.result | there.result | before.result, 0);
	network_expect_agreed(net);
}

/* They are not lost when it succeeds, either. */
static void proposals_go_to_the_new_leader(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	struct raft_proposal here = { .bytes = 10 }, there = { .bytes = 10 };

	net->loses = loses_timeout_now;
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 3), 0);
	network_pass(net, TRANSFER_NS);
	network_propose(net, 1, &here);
	network_propose(net, 2, &there);
	network_settle(net);
	network_heal(net);
	network_pass(net, 2 * FIXTURE_HEARTBEAT_NS);
	network_expect_leader(net, 3, 3);
	network_pass(net, 2 * FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, here.term, 3ull);
	KUNIT_EXPECT_EQ(test, there.term, 3ull);
	network_expect_agreed(net);
}

/* Who does not answer any more is not waited for. */
static void target_that_dies_ends_it(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	struct raft_proposal p = { .bytes = 10 };

	net->loses = loses_to_3;
	network_propose(net, 1, &p);
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 3), 0);
	network_pass(net, FIXTURE_ELECTION_NS + FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 0u);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->role, (u8)RAFT_LEADER);
}

static void newer_term_ends_it(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_message answer = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE, .from = 3, .to = 1,
		.term = 9,
		.append_entries_response = { .rejected = true },
	};

	server_ack_probe(s, 2);
	KUNIT_ASSERT_EQ(test, server_transfer(s, 2, RAFT_TRANSFER_REQUESTED), 0);
	KUNIT_ASSERT_EQ(test, server_receive(s, &answer), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, s->r->transferee, 0u);
	/* Nobody was told to take over: this is something else. */
	KUNIT_EXPECT_EQ(test, s->r->reason, (u8)RAFT_REASON_HIGHER_TERM);
}

/* Back to the leader itself means: stay. */
static void back_to_itself_ends_it(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	struct raft_proposal p = { .bytes = 10 };

	net->loses = loses_timeout_now;
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 3), 0);
	network_pass(net, TRANSFER_NS);
	network_propose(net, 1, &p);
	KUNIT_EXPECT_EQ(test, p.index, 0ull);
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 0u);
	network_settle(net);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
	network_expect_leader(net, 1, 2);
}

static void one_at_a_time(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	struct raft *r = network_server(net, 1)->r;
	u64 until_ns;

	net->loses = loses_timeout_now;
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 3), 0);
	until_ns = r->transfer_until_ns;
	network_pass(net, 2 * FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, network_transfer(net, 1, 2), -EBUSY);
	/* Nor is it prolonged by wishing for it again. */
	KUNIT_EXPECT_EQ(test, network_transfer(net, 1, 3), -EBUSY);
	KUNIT_EXPECT_EQ(test, r->transfer_until_ns, until_ns);
	network_pass(net, 2 * FIXTURE_ELECTION_NS);
	KUNIT_ASSERT_EQ(test, transferee(net, 1), 0u);
	network_heal(net);
	KUNIT_EXPECT_EQ(test, network_transfer(net, 1, 2), 0);
	network_pass(net, TRANSFER_NS);
	network_expect_leader(net, 2, 3);
}

/* It is sent again and again: one arrives. */
static bool loses_first_timeout_now(struct network *net,
				    const struct raft_message *message)
{
	u32 *n = net->script;

	return message->type == RAFT_TIMEOUT_NOW && ++*n < 3;
}

static void timeout_now_is_repeated(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	u32 n = 0;

	net->loses = loses_first_timeout_now;
	net->script = &n;
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 3), 0);
	network_pass(net, TRANSFER_NS + FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, n, 3u);
	network_expect_leader(net, 3, 3);
}

static void stalled_leader(struct server *s)
{
	struct raft_proposal *p =
		kunit_kzalloc(s->test, sizeof(*p), GFP_KERNEL);
	u64 waited;

	KUNIT_ASSERT_NOT_NULL(s->test, p);
	p->bytes = 10;
	server_ack_probe(s, 2);
	server_ack_probe(s, 3);
	KUNIT_ASSERT_EQ(s->test, server_propose(s, p), 0);
	server_time(s, 0);
	for (waited = 0; waited < FIXTURE_ELECTION_NS;
	     waited += FIXTURE_HEARTBEAT_NS) {
		KUNIT_ASSERT_EQ(s->test, s->r->role, (u8)RAFT_LEADER);
		server_done(s);
		server_ack(s, 2, 3);
		server_ack(s, 3, 2);
		server_time(s, FIXTURE_HEARTBEAT_NS);
	}
}

/* Its log is elsewhere, so nobody has to wait for an election timeout. */
static void stalled_disk_hands_over(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_message ask = {
		.type = RAFT_REQUEST_VOTE, .from = 2, .to = 1, .term = 3,
		.request_vote = { .last_log_index = 3, .last_log_term = 2 },
	};
	const struct raft_send *send;

	stalled_leader(s);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	KUNIT_ASSERT_EQ(test, s->r->transferee, 2u);
	KUNIT_ASSERT_LE(test, s->update.deadline_ns, s->now_ns);
	server_time(s, 0);
	send = server_sent(s, RAFT_TIMEOUT_NOW, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, raft_lease_until(s->r), 0ull);
	ask.request_vote.leadership_transfer_ns =
		send->message.timeout_now.until_ns;
	KUNIT_ASSERT_EQ(test, server_receive(s, &ask), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, s->r->reason, (u8)RAFT_REASON_DISK_STALLED);
}

/* Nobody takes over: it steps down all the same, and soon. */
static void stalled_disk_steps_down_in_the_end(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	stalled_leader(s);
	server_time(s, FIXTURE_ELECTION_NS / 2);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, s->r->reason, (u8)RAFT_REASON_DISK_STALLED);
}

/* The disk goes on before anybody took over: so does the leader. */
static void disk_that_goes_on_keeps_its_leader(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	stalled_leader(s);
	server_persist(s);
	server_ack(s, 2, 3);
	server_time(s, FIXTURE_ELECTION_NS / 2);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	KUNIT_EXPECT_EQ(test, s->r->transferee, 0u);
}

/* Priority */

static void set_priority(struct network *net, u32 id, u8 priority)
{
	network_server(net, id)->r->settings.priority = priority;
}

static void leader_hands_over_to_higher_priority(struct kunit *test)
{
	struct network *net = led(test, 3, 0);

	set_priority(net, 2, 1);
	set_priority(net, 3, 2);
	network_pass(net, 3 * FIXTURE_ELECTION_NS);
	/* Not as soon as it leads: others may still be on their way. */
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->role, (u8)RAFT_LEADER);
	network_pass(net, 3 * FIXTURE_ELECTION_NS);
	network_expect_leader(net, 3, 3);
	network_pass(net, 20 * FIXTURE_ELECTION_NS);
	network_expect_leader(net, 3, 3);
}

static void leader_does_not_insist(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	struct raft *r = network_server(net, 1)->r;

	set_priority(net, 3, 1);
	net->loses = loses_timeout_now;
	network_pass(net, 10 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, r->n_transfers, 1ull);
	KUNIT_EXPECT_EQ(test, r->transferee, 0u);
	network_pass(net, 10 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, r->n_transfers, 2ull);
}

/* A peer that is better and cannot keep up gets nothing. */
static void higher_priority_must_have_caught_up(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	struct raft_proposal p = { .bytes = 10 };

	set_priority(net, 3, 1);
	net->loses = loses_entries_to_3;
	network_propose(net, 1, &p);
	network_pass(net, 8 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->n_transfers, 0ull);
	network_expect_leader(net, 1, 2);
	network_heal(net);
	network_pass(net, 2 * FIXTURE_ELECTION_NS);
	network_expect_leader(net, 3, 3);
}

/* Who was wanted leads, whatever the priorities. */
static void request_outweighs_priority(struct kunit *test)
{
	struct network *net = led(test, 3, 0);

	set_priority(net, 1, 2);
	set_priority(net, 3, 1);
	network_pass(net, FIXTURE_ELECTION_NS);
	KUNIT_ASSERT_EQ(test, network_transfer(net, 1, 2), 0);
	network_pass(net, 20 * FIXTURE_ELECTION_NS);
	network_expect_leader(net, 2, 3);
	/* Until the next election. */
	network_stop(net, 2);
	network_pass(net, 20 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->role, (u8)RAFT_LEADER);
}

/* A request takes the place of what the leader began by itself. */
static void request_comes_before_priority(struct kunit *test)
{
	struct network *net = led(test, 3, 0);
	u32 i;

	set_priority(net, 3, 1);
	net->loses = loses_timeout_now;
	for (i = 0; i < 100 && !transferee(net, 1); i++)
		network_pass(net, FIXTURE_HEARTBEAT_NS);
	KUNIT_ASSERT_EQ(test, transferee(net, 1), 3u);
	KUNIT_EXPECT_EQ(test, network_transfer(net, 1, 2), 0);
	KUNIT_EXPECT_EQ(test, transferee(net, 1), 2u);
}

static u64 timeout_of(struct server *s, u8 own, u8 best)
{
	struct raft_message heartbeat = {
		.type = RAFT_APPEND_ENTRIES, .from = 2, .to = 1, .term = 1,
		.append_entries = { .prev_log_index = 1, .prev_log_term = 1,
				    .best_priority = best },
	};

	s->rng.state = 5;
	s->r->settings.priority = own;
	server_done(s);
	KUNIT_ASSERT_EQ(s->test, server_receive(s, &heartbeat), 0);
	return s->r->election_deadline_ns - s->now_ns;
}

/* The first time it waits; after that it is like any other, so that one leads. */
static void lower_priority_waits_longer(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	u64 plain = timeout_of(s, 0, 0);

	KUNIT_EXPECT_EQ(test, timeout_of(s, 1, 1), plain);
	KUNIT_EXPECT_EQ(test, timeout_of(s, 2, 1), plain);
	KUNIT_EXPECT_EQ(test, timeout_of(s, 0, 1),
			plain + FIXTURE_ELECTION_NS / 2);
	s->now_ns = s->r->election_deadline_ns;
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_PRE_CANDIDATE);
	KUNIT_EXPECT_LT(test, s->r->election_deadline_ns - s->now_ns,
			2 * FIXTURE_ELECTION_NS);
}

/* The leader tells the best of those that answer: itself it may be gone. */
static void leader_tells_the_best_priority(struct kunit *test)
{
	struct network *net = led(test, 3, 0);

	set_priority(net, 1, 9);
	set_priority(net, 2, 4);
	set_priority(net, 3, 6);
	network_pass(net, 4 * FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, network_server(net, 2)->r->best_priority, (u8)6);
	network_isolate(net, 3);
	network_pass(net, FIXTURE_ELECTION_NS + 2 * FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, network_server(net, 2)->r->best_priority, (u8)4);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(goes_to_a_complete_node),
	KUNIT_CASE(target_skips_pre_vote),
	KUNIT_CASE(vote_that_is_lost_is_given_again),
	KUNIT_CASE(waits_for_a_slow_follower),
	KUNIT_CASE(refuses),
	KUNIT_CASE(refuses_who_is_dead),
	KUNIT_CASE(refuses_who_is_behind),
	KUNIT_CASE(refuses_another_disk),
	KUNIT_CASE(learner_ignores_timeout_now),
	KUNIT_CASE(holds_proposals_until_it_is_aborted),
	KUNIT_CASE(proposals_go_to_the_new_leader),
	KUNIT_CASE(target_that_dies_ends_it),
	KUNIT_CASE(newer_term_ends_it),
	KUNIT_CASE(back_to_itself_ends_it),
	KUNIT_CASE(one_at_a_time),
	KUNIT_CASE(timeout_now_is_repeated),
	KUNIT_CASE(stalled_disk_hands_over),
	KUNIT_CASE(stalled_disk_steps_down_in_the_end),
	KUNIT_CASE(disk_that_goes_on_keeps_its_leader),
	KUNIT_CASE(leader_hands_over_to_higher_priority),
	KUNIT_CASE(leader_does_not_insist),
	KUNIT_CASE(higher_priority_must_have_caught_up),
	KUNIT_CASE(request_outweighs_priority),
	KUNIT_CASE(request_comes_before_priority),
	KUNIT_CASE(lower_priority_waits_longer),
	KUNIT_CASE(leader_tells_the_best_priority),
	{}
};

struct kunit_suite raftlog_raft_transfer_suite = {
	.name = "raftlog_raft_transfer",
	.test_cases = cases,
};
