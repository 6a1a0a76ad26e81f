// SPDX-License-Identifier: GPL-2.0
/* Settings that change while a server runs: kmod/raft/settings.c says the rules. */
#include "raft_fixture.h"
#include "suites.h"

#define SHORT_NS (100 * NSEC_PER_MSEC)
#define LONG_NS (2000 * NSEC_PER_MSEC)

static int set_timeout(struct server *s, u64 election_timeout_ns)
{
	struct raft_settings settings = s->r->settings;

	settings.election_timeout_ns = election_timeout_ns;
	settings.heartbeat_interval_ns = election_timeout_ns / 10;
	return raft_set_settings(s->r, &settings, s->now_ns);
}

/* Server 1, which hears from leader 2 at this moment. */
static struct server *follower_of_2(struct kunit *test)
{
	struct server *s = server_started(test, 3);

	server_append(s, 2, 2, 1, 1, NULL, 0, 1);
	server_persist(s);
	server_done(s);
	return s;
}

static void hear_leader(struct server *s)
{
	server_done(s);
	server_append(s, 2, 2, 1, 1, NULL, 0, 1);
}

static u64 promised(const struct server *s)
{
	const struct raft_send *send =
		server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE, 2);

	KUNIT_ASSERT_NOT_NULL(s->test, send);
	return send->message.append_entries_response.promised_ns;
}

/* Would it promise server 3 its vote, so long after now? */
static bool promises_vote_after(struct server *s, u64 after_ns)
{
	const struct raft_send *send;

	s->now_ns += after_ns;
	server_done(s);
	server_ask(s, 3, s->r->hard_state.current_term + 1, true, 1, 1);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3);
	KUNIT_ASSERT_NOT_NULL(s->test, send);
	return send->message.request_vote_response.granted;
}

static void shorter_timeout_keeps_what_was_promised(struct kunit *test)
{
	struct server *s = follower_of_2(test);

	hear_leader(s);
	KUNIT_EXPECT_EQ(test, promised(s), (u64)FIXTURE_ELECTION_NS);
	KUNIT_ASSERT_EQ(test, set_timeout(s, SHORT_NS), 0);
	KUNIT_EXPECT_FALSE(test, promises_vote_after(s, SHORT_NS + 1));
	KUNIT_EXPECT_FALSE(test, promises_vote_after(s, FIXTURE_ELECTION_NS -
								SHORT_NS - 2));
	KUNIT_EXPECT_TRUE(test, promises_vote_after(s, 1));
}

static void shorter_timeout_counts_from_the_next_answer(struct kunit *test)
{
	struct server *s = follower_of_2(test);

	KUNIT_ASSERT_EQ(test, set_timeout(s, SHORT_NS), 0);
	s->now_ns += FIXTURE_ELECTION_NS;
	hear_leader(s);
	KUNIT_EXPECT_EQ(test, promised(s), (u64)SHORT_NS);
	KUNIT_EXPECT_FALSE(test, promises_vote_after(s, SHORT_NS - 1));
	KUNIT_EXPECT_TRUE(test, promises_vote_after(s, 1));
}

/* What it would not know of when it is started again, it does not promise. */
static void longer_timeout_promises_no_more(struct kunit *test)
{
	struct server *s = follower_of_2(test);

	KUNIT_ASSERT_EQ(test, set_timeout(s, LONG_NS), 0);
	hear_leader(s);
	KUNIT_EXPECT_EQ(test, promised(s), (u64)FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_FALSE(test, promises_vote_after(s, LONG_NS - 1));
	KUNIT_EXPECT_TRUE(test, promises_vote_after(s, 1));
}

/* Server 2 answers the leader's newest request, and promises so much. */
static void answer(struct server *s, u64 promised_ns)
{
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = 2,
		.to = 1,
		.term = s->r->hard_state.current_term,
		.append_entries_response = {
			.match_index = s->r->log.last_index,
			.sent_ns = s->now_ns,
			.promised_ns = promised_ns,
		},
	};

	server_receive(s, &message);
}

static u64 lease_ns(const struct server *s)
{
	struct raft_status status;

	raft_status(s->r, &status);
	return status.lease_until_ns > s->now_ns ?
		       status.lease_until_ns - s->now_ns :
		       0;
}

static u64 kept_back(u64 ns)
{
	return ns - ns / 8;
}

static void lease_is_what_voters_promise(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	s->now_ns += NSEC_PER_MSEC;
	answer(s, SHORT_NS);
	KUNIT_EXPECT_EQ(test, lease_ns(s), kept_back(SHORT_NS));
	s->now_ns += NSEC_PER_MSEC;
	answer(s, LONG_NS);
	KUNIT_EXPECT_EQ(test, lease_ns(s), kept_back(FIXTURE_ELECTION_NS));
	KUNIT_ASSERT_EQ(test, set_timeout(s, SHORT_NS), 0);
	KUNIT_EXPECT_EQ(test, lease_ns(s), kept_back(SHORT_NS));
}

/* Started again it would vote for another sooner: so it counts on no more. */
static void leader_counts_on_no_more_of_itself(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	KUNIT_ASSERT_EQ(test, set_timeout(s, 2 * LONG_NS), 0);
	s->now_ns += NSEC_PER_MSEC;
	answer(s, LONG_NS);
	KUNIT_EXPECT_EQ(test, lease_ns(s), kept_back(FIXTURE_ELECTION_NS));
}

/* It told others that nobody else leads before then: itself included. */
static void leader_keeps_to_the_lease_it_told(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	u64 until;

	s->now_ns += NSEC_PER_MSEC;
	answer(s, FIXTURE_ELECTION_NS);
	until = s->now_ns + lease_ns(s);
	KUNIT_ASSERT_EQ(test, set_timeout(s, SHORT_NS), 0);
	while (s->r->role == RAFT_LEADER && s->now_ns < until) {
		server_done(s);
		server_time(s, SHORT_NS / 10);
	}
	KUNIT_ASSERT_LT(test, s->now_ns, until);
	KUNIT_EXPECT_FALSE(test,
			   promises_vote_after(s, until - s->now_ns - 1));
}

/* It promised not to vote for another server: nor for itself. */
static void shorter_timeout_does_not_stand_sooner(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	u64 until;

	hear_leader(s);
	until = s->now_ns + FIXTURE_ELECTION_NS;
	KUNIT_ASSERT_EQ(test, set_timeout(s, SHORT_NS), 0);
	while (s->now_ns + SHORT_NS / 10 < until) {
		server_done(s);
		server_time(s, SHORT_NS / 10);
		KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	}
	/* Then it does, as with the timeout that it has now. */
	while (s->r->role == RAFT_FOLLOWER && s->now_ns < until + 2 * SHORT_NS) {
		server_done(s);
		server_time(s, SHORT_NS / 10);
	}
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_PRE_CANDIDATE);
}

/* Nor does a leader make it: who it promised that to may be another one. */
static void kept_promise_is_not_overridden(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_message message = {
		.type = RAFT_TIMEOUT_NOW, .from = 2, .to = 1, .term = 2,
		.timeout_now = { .until_ns = U64_MAX },
	};

	hear_leader(s);
	message.timeout_now.last_log_index = s->r->log.last_index;
	KUNIT_ASSERT_EQ(test, set_timeout(s, SHORT_NS), 0);
	s->now_ns += FIXTURE_ELECTION_NS - 1;
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	s->now_ns++;
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
}

/* Of three, with a lease that it tells of. */
static struct server *leader_with_lease(struct kunit *test, u64 *until_ns)
{
	struct server *s = server_leader(test, 3);

	server_ack_probe(s, 2);
	server_time(s, 0);
	*until_ns = s->now_ns + lease_ns(s);
	KUNIT_ASSERT_EQ(test, lease_ns(s), kept_back(FIXTURE_ELECTION_NS));
	return s;
}

/* Whatever made the lease shorter: TimeoutNow waits for the one that was told. */
static void transfer_waits_for_what_was_told(struct server *s, u64 told_ns)
{
	struct kunit *test = s->test;

	KUNIT_ASSERT_LT(test, s->now_ns + lease_ns(s), told_ns);
	KUNIT_ASSERT_EQ(test, server_transfer(s, 2, RAFT_TRANSFER_REQUESTED), 0);
	while (s->now_ns < told_ns) {
		KUNIT_ASSERT_EQ(test, server_count(s, RAFT_TIMEOUT_NOW), 0u);
		server_done(s);
		server_time(s, min_t(u64, told_ns - s->now_ns, SHORT_NS / 10));
		answer(s, SHORT_NS);
	}
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_TIMEOUT_NOW), 1u);
}

static void transfer_waits_after_a_shorter_timeout(struct kunit *test)
{
	u64 told_ns;
	struct server *s = leader_with_lease(test, &told_ns);

	KUNIT_ASSERT_EQ(test, set_timeout(s, SHORT_NS), 0);
	transfer_waits_for_what_was_told(s, told_ns);
}

static void transfer_waits_after_a_shorter_promise(struct kunit *test)
{
	u64 told_ns;
	struct server *s = leader_with_lease(test, &told_ns);

	s->now_ns += NSEC_PER_MSEC;
	answer(s, SHORT_NS);
	transfer_waits_for_what_was_told(s, told_ns);
}

static void what_cannot_be_is_refused(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	const struct raft_settings now = s->r->settings;
	struct raft_settings bad;

#define REFUSED(change)                                                    \
	do {                                                               \
		bad = now;                                                 \
		bad.election_timeout_ns *= 2;                              \
		change;                                                    \
		KUNIT_EXPECT_EQ(test,                                      \
				raft_set_settings(s->r, &bad, s->now_ns),  \
				-EINVAL);                                  \
		KUNIT_EXPECT_EQ(test,                                      \
				memcmp(&now, &s->r->settings, sizeof(now)), \
				0);                                        \
	} while (0)

	REFUSED(bad.heartbeat_interval_ns = bad.election_timeout_ns / 2 + 1);
	REFUSED(bad.heartbeat_interval_ns = 0);
	REFUSED(bad.node_id = 2);
	REFUSED(bad.session++);
	REFUSED(bad.window_entries *= 2);
	REFUSED(bad.proposals_max *= 2);
	REFUSED(bad.append_bytes_max++);
	REFUSED(bad.append_entries_max++);
	REFUSED(bad.inflight_messages_max = s->r->inflight_slots + 1);
	REFUSED(bad.inflight_messages_max = 0);
	REFUSED(bad.inflight_bytes_max = 0);
	bad = now;
	KUNIT_EXPECT_EQ(test, raft_set_settings(s->r, &bad, s->r->now_ns - 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, raft_set_settings(s->r, &bad, s->now_ns), 0);
}

static void fewer_messages_in_flight(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_settings settings = s->r->settings;
	struct raft_proposal p[8] = { 0 };
	u32 i;

	server_ack_probe(s, 2);
	settings.inflight_messages_max = 1;
	KUNIT_ASSERT_EQ(test, raft_set_settings(s->r, &settings, s->now_ns), 0);
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i].bytes = 900;
		p[i].payload = &p[i];
		KUNIT_ASSERT_EQ(test, server_propose(s, &p[i]), 0);
		server_time(s, 0);
	}
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->n_inflight, 1u);
	settings.inflight_messages_max = s->r->inflight_slots;
	KUNIT_ASSERT_EQ(test, raft_set_settings(s->r, &settings, s->now_ns), 0);
	server_time(s, 0);
	KUNIT_EXPECT_GT(test, raft_find_peer(s->r, 2)->n_inflight, 1u);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(shorter_timeout_keeps_what_was_promised),
	KUNIT_CASE(shorter_timeout_counts_from_the_next_answer),
	KUNIT_CASE(longer_timeout_promises_no_more),
	KUNIT_CASE(lease_is_what_voters_promise),
	KUNIT_CASE(leader_counts_on_no_more_of_itself),
	KUNIT_CASE(leader_keeps_to_the_lease_it_told),
	KUNIT_CASE(shorter_timeout_does_not_stand_sooner),
	KUNIT_CASE(kept_promise_is_not_overridden),
	KUNIT_CASE(transfer_waits_after_a_shorter_timeout),
	KUNIT_CASE(transfer_waits_after_a_shorter_promise),
	KUNIT_CASE(what_cannot_be_is_refused),
	KUNIT_CASE(fewer_messages_in_flight),
	{}
};

struct kunit_suite raftlog_raft_settings_suite = {
	.name = "raftlog_raft_settings",
	.test_cases = cases,
};
