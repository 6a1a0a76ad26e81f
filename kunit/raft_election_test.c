// SPDX-License-Identifier: GPL-2.0
/* Leader election: the role diagram edge by edge, votes, stickiness. */
#include "raft_fixture.h"
#include "suites.h"

static void edge_0_joins_as_follower(struct kunit *test)
{
	struct server *s = server_new(test, 3);
	const struct raft_transition *t;

	KUNIT_ASSERT_EQ(test,
			raft_bootstrap(s->r, NULL, s->configuration,
				       s->configuration_bytes, FIXTURE_SPACE,
				       &s->update),
			0);
	KUNIT_ASSERT_EQ(test, raft_start(s->r, s->now_ns, &s->update), 0);
	t = server_edge(s, RAFT_EDGE_JOIN);
	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_EQ(test, t->to, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, t->term, 1ull);
	KUNIT_EXPECT_EQ(test, s->update.commit_index, 1ull);
}

static void edge_1_timer_offers_itself(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	const struct raft_transition *t;

	server_done(s);
	server_time(s, FIXTURE_ELECTION_NS - 1);
	KUNIT_EXPECT_NULL(test, server_edge(s, RAFT_EDGE_TIMEOUT));
	server_timeout(s);
	t = server_edge(s, RAFT_EDGE_TIMEOUT);
	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_EQ(test, t->from, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, t->to, (u8)RAFT_PRE_CANDIDATE);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_REQUEST_VOTE), 2u);
	/* 9.6: asking changes nothing. */
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 1ull);
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_REQUEST_VOTE, 2)->message.term,
			2ull);
}

static void edge_2_split_vote_starts_a_new_term(struct kunit *test)
{
	struct server *s = server_started(test, 3);

	server_timeout(s);
	server_vote(s, 2, 2, true, true);
	server_persist(s);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	server_timeout(s);
	KUNIT_ASSERT_NOT_NULL(test, server_edge(s, RAFT_EDGE_SPLIT_VOTE));
	server_done(s);
	server_vote(s, 3, 3, true, true);
	KUNIT_ASSERT_NOT_NULL(test, server_edge(s, RAFT_EDGE_SPLIT_VOTE));
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 3ull);
}

static void edge_3_majority_makes_it_leader(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	const struct raft_send *send;

	server_timeout(s);
	server_vote(s, 2, 2, true, true);
	server_persist(s);
	server_done(s);
	server_vote(s, 2, 2, false, true);
	KUNIT_ASSERT_NOT_NULL(test, server_edge(s, RAFT_EDGE_MAJORITY));
	/* 6.4: its term begins with a no-op. */
	KUNIT_ASSERT_EQ(test, s->update.n_entries, 1u);
	KUNIT_EXPECT_EQ(test, s->entries[0].type, (u8)RAFT_ENTRY_NOOP);
	KUNIT_EXPECT_EQ(test, s->entries[0].term, 2ull);
	server_time(s, 0);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.term, 2ull);
	KUNIT_EXPECT_EQ(test, send->message.append_entries.prev_log_index,
			1ull);
}

static void edge_4_leader_sees_a_newer_term(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	const struct raft_transition *t;

	server_done(s);
	server_append(s, 3, 7, 1, 1, NULL, 0, 0);
	t = server_edge(s, RAFT_EDGE_STEP_DOWN);
	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_EQ(test, t->to, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, t->leader_id, 3u);
	KUNIT_EXPECT_EQ(test, s->update.hard_state.current_term, 7ull);
	KUNIT_EXPECT_TRUE(test, s->update.hard_state_changed);
}

static void edge_4_leader_without_quorum_steps_down(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	u64 waited = 0;

	server_done(s);
	while (waited < FIXTURE_ELECTION_NS) {
		KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
		server_done(s);
		server_time(s, FIXTURE_HEARTBEAT_NS);
		waited += FIXTURE_HEARTBEAT_NS;
	}
	KUNIT_ASSERT_NOT_NULL(test, server_edge(s, RAFT_EDGE_STEP_DOWN));
	KUNIT_EXPECT_EQ(test, s->r->reason, (u8)RAFT_REASON_QUORUM_LOST);
	/* It goes fully silent. */
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
}

static void edge_4_leader_with_a_stalled_disk_steps_down(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal proposal = { .bytes = 1 };
	u64 waited = 0;

	KUNIT_ASSERT_EQ(test, server_propose(s, &proposal), 0);
	server_time(s, 0);
	while (waited < FIXTURE_ELECTION_NS) {
		KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
		server_done(s);
		server_ack(s, 2, 1);
		server_time(s, FIXTURE_HEARTBEAT_NS);
		waited += FIXTURE_HEARTBEAT_NS;
	}
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, s->r->reason, (u8)RAFT_REASON_DISK_STALLED);
}

static void edge_5_candidate_without_majority(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	const struct raft_transition *t;

	server_timeout(s);
	server_vote(s, 2, 2, true, true);
	server_persist(s);
	server_done(s);
	server_vote(s, 2, 2, false, false);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	server_vote(s, 3, 2, false, false);
	t = server_edge(s, RAFT_EDGE_NO_MAJORITY);
	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_EQ(test, t->from, (u8)RAFT_CANDIDATE);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 2ull);
}

static void edge_5_candidate_sees_the_leader(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	const struct raft_transition *t;

	server_timeout(s);
	server_vote(s, 2, 2, true, true);
	server_persist(s);
	server_done(s);
	server_append(s, 3, 2, 1, 1, NULL, 0, 0);
	t = server_edge(s, RAFT_EDGE_NO_MAJORITY);
	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_EQ(test, t->leader_id, 3u);
	KUNIT_EXPECT_EQ(test, t->reason, (u8)RAFT_REASON_LEADER_SEEN);
}

static void a_vote_counts_once(struct kunit *test)
{
	struct server *s = server_started(test, 5);
	u32 i;

	server_timeout(s);
	for (i = 0; i < 5; i++)
		server_vote(s, 2, 2, true, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_PRE_CANDIDATE);
	server_vote(s, 3, 2, true, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	/* An answer to a PreVote is no vote, nor is one of another term. */
	server_persist(s);
	server_vote(s, 4, 2, true, true);
	server_vote(s, 5, 1, false, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
}

static void own_vote_counts_once_durable(struct kunit *test)
{
	struct server *s = server_started(test, 3);

	server_timeout(s);
	server_vote(s, 2, 2, true, true);
	server_vote(s, 2, 2, false, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEADER);
}

static void alone_it_waits_for_its_disk(struct kunit *test)
{
	struct server *s = server_started(test, 1);

	server_timeout(s);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	server_persist(s);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 1ull);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 2ull);
	KUNIT_EXPECT_EQ(test, s->update.deadline_ns > s->now_ns, true);
}

static void vote_waits_for_the_disk(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	const struct raft_send *send;

	server_done(s);
	server_ask(s, 2, 2, false, 1, 1);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_TRUE(test, send->message.request_vote_response.granted);
	KUNIT_EXPECT_TRUE(test, s->update.hard_state_changed);
	KUNIT_EXPECT_EQ(test, s->update.hard_state.voted_for, 2u);
	KUNIT_EXPECT_EQ(test, send->after_hard_state_seq,
			s->update.hard_state_seq);
}

static void one_vote_a_term(struct kunit *test)
{
	struct server *s = server_started(test, 3);

	server_ask(s, 2, 2, false, 1, 1);
	server_persist(s);
	server_done(s);
	server_ask(s, 3, 2, false, 9, 1);
	KUNIT_EXPECT_FALSE(test, server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3)
					 ->message.request_vote_response
					 .granted);
	/* The same candidate asking again gets the same answer, unwritten. */
	server_done(s);
	server_ask(s, 2, 2, false, 1, 1);
	KUNIT_EXPECT_TRUE(test, server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 2)
					->message.request_vote_response
					.granted);
	KUNIT_EXPECT_FALSE(test, s->update.hard_state_changed);
}

struct log_case {
	const char *name;
	u64 last_index;
	u64 last_term;
	bool up_to_date;
};

/* Against a log that ends with (4, 3). */
static const struct log_case log_cases[] = {
	{ "newer term, shorter", 2, 4, true },
	{ "newer term, longer", 9, 4, true },
	{ "same term, shorter", 3, 3, false },
	{ "same term, same length", 4, 3, true },
	{ "same term, longer", 5, 3, true },
	{ "older term, longer", 9, 2, false },
	{ "older term, same length", 4, 2, false },
	{ "empty", 0, 0, false },
};

KUNIT_ARRAY_PARAM(log, log_cases, NULL);

/* 3.6.1, figure 3.2: one rule for PreVote and vote. */
static void votes_only_for_an_up_to_date_log(struct kunit *test)
{
	static const u64 terms[] = { 1, 2, 3 };
	const struct log_case *c = test->param_value;
	struct server *s = server_restored(test, 3, 3, terms, 3);
	const struct raft_send *send;

	server_done(s);
	server_ask(s, 2, 9, true, c->last_index, c->last_term);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ_MSG(test, send->message.request_vote_response.granted,
			    c->up_to_date, "%s", c->name);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 3ull);
	server_done(s);
	server_ask(s, 2, 9, false, c->last_index, c->last_term);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ_MSG(test, send->message.request_vote_response.granted,
			    c->up_to_date, "%s", c->name);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 9ull);
}

/* 4.2.3: who hears a leader neither votes nor takes the newer term. */
static void sticky_while_it_hears_a_leader(struct kunit *test)
{
	struct server *s = server_started(test, 3);

	server_append(s, 2, 2, 1, 1, NULL, 0, 1);
	server_persist(s);
	server_done(s);
	server_ask(s, 3, 9, false, 9, 2);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 2ull);
	server_ask(s, 3, 9, true, 9, 2);
	KUNIT_EXPECT_FALSE(test, server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3)
					 ->message.request_vote_response
					 .granted);
	/* The leader is silent for an election timeout: no longer. */
	s->now_ns += FIXTURE_ELECTION_NS;
	server_done(s);
	server_ask(s, 3, 9, false, 9, 2);
	KUNIT_ASSERT_NOT_NULL(test,
			      server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3));
	KUNIT_EXPECT_EQ(test, s->r->hard_state.voted_for, 3u);
}

/*
 * 6.4.1: the leader counts on its followers for an election timeout, whatever they
 * hear of newer terms meanwhile.
 */
static void sticky_though_a_newer_term_is_known(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	struct raft_message answer = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = 3,
		.to = 1,
		.term = 8,
		.append_entries_response = { .rejected = true },
	};

	server_append(s, 2, 2, 1, 1, NULL, 0, 1);
	server_persist(s);
	server_done(s);
	server_receive(s, &answer);
	KUNIT_ASSERT_EQ(test, s->r->hard_state.current_term, 8ull);
	KUNIT_ASSERT_EQ(test, s->r->leader_id, (u32)RAFT_ID_NONE);
	server_persist(s);
	s->now_ns += FIXTURE_ELECTION_NS - 1;
	server_done(s);
	server_ask(s, 3, 9, false, 9, 2);
	KUNIT_EXPECT_NULL(test,
			  server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3));
	s->now_ns++;
	server_done(s);
	server_ask(s, 3, 9, false, 9, 2);
	KUNIT_EXPECT_NOT_NULL(test,
			      server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3));
	KUNIT_EXPECT_EQ(test, s->r->hard_state.voted_for, 3u);
}

/* A server that lost entries (3, 2) and (4, 3) to damage; term 3, votes for none. */
static struct server *server_damaged(struct kunit *test)
{
	struct server *s = server_new(test, 3);
	struct raft_entry entry = { .term = 1,
				    .data = s->configuration,
				    .bytes = s->configuration_bytes,
				    .type = RAFT_ENTRY_CONFIGURATION };
	struct raft_hard_state hard_state = { .current_term = 3 };

	KUNIT_ASSERT_EQ(test, raft_restore_entry(s->r, 1, &entry), 0);
	entry = (struct raft_entry){ .term = 2, .bytes = 10 };
	KUNIT_ASSERT_EQ(test, raft_restore_entry(s->r, 2, &entry), 0);
	KUNIT_ASSERT_EQ(test, raft_restore_hard_state(s->r, &hard_state,
						      FIXTURE_SPACE), 0);
	KUNIT_ASSERT_EQ(test, raft_restore_lost(s->r, 4, 3), 0);
	KUNIT_ASSERT_EQ(test, raft_start(s->r, s->now_ns, &s->update), 0);
	server_done(s);
	/* It does not vote at once: see restarted_it_does_not_vote_at_once(). */
	s->now_ns += FIXTURE_ELECTION_NS;
	return s;
}

/* What it acknowledged counted; elections go on as if it were there. */
static void damaged_it_votes_by_what_it_had(struct kunit *test)
{
	const struct up_to_date_case {
		u64 index, term;
		bool granted;
	} cases[] = {
		{ 3, 3, false }, { 9, 2, false }, { 4, 3, true }, { 1, 4, true },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct server *s = server_damaged(test);
		const struct raft_send *send;

		server_ask(s, 2, 5, false, cases[i].index, cases[i].term);
		send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 2);
		KUNIT_ASSERT_NOT_NULL(test, send);
		KUNIT_EXPECT_EQ(test,
				send->message.request_vote_response.granted,
				cases[i].granted);
	}
}

static void damaged_it_does_not_stand_for_election(struct kunit *test)
{
	static const u64 terms[] = { 3, 3 };
	struct server *s = server_damaged(test);
	struct raft_status status;

	server_time(s, 2 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_REQUEST_VOTE), 0u);
	raft_status(s->r, &status);
	KUNIT_EXPECT_EQ(test, status.lost_index, 4ull);
	/* The leader sends again what is lost. */
	server_append(s, 2, 3, 2, 2, terms, 1, 1);
	server_persist(s);
	raft_status(s->r, &status);
	KUNIT_EXPECT_EQ(test, status.lost_index, 4ull);
	server_append(s, 2, 3, 3, 3, terms, 1, 1);
	server_persist(s);
	raft_status(s->r, &status);
	KUNIT_EXPECT_EQ(test, status.lost_index, 0ull);
	server_timeout(s);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_REQUEST_VOTE), 2u);
}

static void alone_it_does_not_start_damaged(struct kunit *test)
{
	struct server *s = server_new(test, 1);
	struct raft_entry entry = { .term = 1,
				    .data = s->configuration,
				    .bytes = s->configuration_bytes,
				    .type = RAFT_ENTRY_CONFIGURATION };
	struct raft_hard_state hard_state = { .current_term = 3 };

	KUNIT_ASSERT_EQ(test, raft_restore_entry(s->r, 1, &entry), 0);
	KUNIT_ASSERT_EQ(test, raft_restore_hard_state(s->r, &hard_state,
						      FIXTURE_SPACE), 0);
	KUNIT_EXPECT_EQ(test, raft_restore_lost(s->r, 4, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, raft_restore_lost(s->r, 0, 0), 0);
}

/* The configuration with which each node of a new cluster begins. */
static struct server *server_unstarted(struct kunit *test, u32 n_voters)
{
	struct server *s = server_new(test, n_voters);
	struct raft_configuration *configuration =
		kunit_kzalloc(test, sizeof(*configuration), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, configuration);
	KUNIT_ASSERT_EQ(test, raft_configuration_decode(configuration,
							s->configuration,
							s->configuration_bytes),
			0);
	for (i = 0; i < configuration->n_members; i++)
		configuration->members[i].incarnation = 0;
	raft_configuration_encode(configuration, s->configuration,
				  sizeof(s->configuration));
	return s;
}

static struct server *server_open(struct kunit *test)
{
	struct server *s = server_unstarted(test, 3);

	KUNIT_ASSERT_EQ(test,
			raft_bootstrap(s->r, NULL, s->configuration,
				       s->configuration_bytes, FIXTURE_SPACE,
				       &s->update),
			0);
	KUNIT_ASSERT_EQ(test, raft_start(s->r, s->now_ns, &s->update), 0);
	server_done(s);
	server_persist(s);
	server_done(s);
	return s;
}

/* Nobody can tell a disk that was wiped from one that is new, but all others. */
static void first_leader_needs_all_and_seals(struct kunit *test)
{
	struct server *s = server_open(test);
	const struct raft_configuration *configuration;
	u32 i;

	server_timeout(s);
	server_vote(s, 2, 2, true, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_PRE_CANDIDATE);
	server_vote(s, 3, 2, true, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	server_persist(s);
	server_vote(s, 3, 2, false, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	server_vote(s, 2, 2, false, true);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	configuration = raft_configuration(s->r);
	KUNIT_EXPECT_TRUE(test, raft_configuration_is_sealed(configuration));
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 2ull);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, configuration->members[i].incarnation,
				FIXTURE_INCARNATION + i + 1ull);
	/* It is its first entry, and commits as such. */
	server_persist(s);
	server_ack_probe(s, 2);
	server_ack(s, 2, 2);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 2ull);
}

/* It may have led this term, and made entries where it would make others now. */
static void a_vote_is_for_a_disk(struct kunit *test)
{
	struct server *s = server_open(test);
	struct raft_message ask = {
		.type = RAFT_REQUEST_VOTE,
		.from = 2,
		.to = 1,
		.term = 2,
		.request_vote = { .last_log_index = 1, .last_log_term = 1 },
	};
	static const struct {
		u64 incarnation;
		bool granted;
	} asks[] = {
		{ FIXTURE_INCARNATION + 2, true },
		{ 0x9999, false },
		{ FIXTURE_INCARNATION + 2, true },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(asks); i++) {
		ask.incarnation = asks[i].incarnation;
		server_receive(s, &ask);
		KUNIT_EXPECT_EQ(test, server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 2)
					      ->message.request_vote_response.granted,
				asks[i].granted);
		server_persist(s);
		server_done(s);
	}
	/* In the next term it is a server like any other. */
	ask.incarnation = 0x9999;
	ask.term = 3;
	server_receive(s, &ask);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.voted_for, 2u);
	KUNIT_EXPECT_TRUE(test, server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 2)
					->message.request_vote_response.granted);
}

static void foreign(struct server *s, struct raft_message *message)
{
	message->incarnation = 0x9999;
	message->term = s->r->hard_state.current_term;
	message->from = 2;
	message->to = 1;
	server_receive(s, message);
}

/* It came back without what it voted and acknowledged. */
static void votes_of_a_wiped_disk_do_not_count(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	struct raft_message vote = {
		.type = RAFT_REQUEST_VOTE_RESPONSE,
		.request_vote_response = { .granted = true },
	};
	struct raft_message ack = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.append_entries_response = { .match_index = 2 },
	};
	struct raft_peer_status status;

	server_timeout(s);
	server_vote(s, 3, 2, true, true);
	server_persist(s);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	foreign(s, &vote);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	/* Nor one that was given to an earlier disk of its own. */
	vote.from = 3;
	vote.to = 1;
	vote.incarnation = FIXTURE_INCARNATION + 3;
	vote.request_vote_response.candidate_incarnation = 0x9999;
	server_receive(s, &vote);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	server_vote(s, 3, 2, false, true);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	server_persist(s);
	foreign(s, &ack);
	KUNIT_EXPECT_EQ(test, raft_peer_status(s->r, 2, &status), 0);
	KUNIT_EXPECT_TRUE(test, status.foreign);
	/* Its disk may be the one whose vote another candidate is about to get. */
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 1ull);
	server_ack_probe(s, 3);
	server_ack(s, 3, 2);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 2ull);
}

/* Nor do they hold up a leader that nobody else answers, or prolong its lease. */
static void answers_of_a_wiped_disk_do_not_count(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_message answer = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
	};
	struct raft_status status;
	u64 lease;
	u32 i;

	server_ack_probe(s, 3);
	raft_status(s->r, &status);
	lease = status.lease_until_ns;
	for (i = 0; i < 10 && s->r->role == RAFT_LEADER; i++) {
		server_time(s, FIXTURE_ELECTION_NS / 5);
		answer.append_entries_response.sent_ns = s->now_ns;
		answer.append_entries_response.promised_ns =
			FIXTURE_ELECTION_NS;
		foreign(s, &answer);
		raft_status(s->r, &status);
		if (status.role == RAFT_LEADER)
			KUNIT_EXPECT_EQ(test, status.lease_until_ns, lease);
	}
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, s->r->reason, (u8)RAFT_REASON_QUORUM_LOST);
}

/* The old disk comes back: what was acknowledged since is not on it. */
static void what_another_disk_acknowledged_is_forgotten(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_message ack = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.append_entries_response = { .match_index = 2 },
	};
	struct raft_peer_status status;

	foreign(s, &ack);
	KUNIT_EXPECT_EQ(test, raft_peer_status(s->r, 2, &status), 0);
	KUNIT_EXPECT_EQ(test, status.match_index, 2ull);
	server_ack(s, 2, 1);
	KUNIT_EXPECT_EQ(test, raft_peer_status(s->r, 2, &status), 0);
	KUNIT_EXPECT_FALSE(test, status.foreign);
	KUNIT_EXPECT_EQ(test, status.match_index, 1ull);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 1ull);
}

/*
 * The configuration that it has may be older than that of a candidate, which knows
 * its disk and needs its vote (found by the simulator, seed 575).
 */
static void wiped_it_votes_and_does_not_stand(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	const struct raft_send *send;
	struct raft_status status;

	raft_set_incarnation(s->r, 0x9999);
	s->now_ns += FIXTURE_ELECTION_NS;
	server_ask(s, 2, 5, false, 9, 4);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_TRUE(test, send->message.request_vote_response.granted);
	KUNIT_EXPECT_EQ(test, send->message.incarnation, 0x9999ull);
	server_time(s, 2 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_REQUEST_VOTE), 0u);
	raft_status(s->r, &status);
	KUNIT_EXPECT_TRUE(test, status.foreign);
}

/* Started again with the first entry on a disk that joined, or bootstrapped. */
static struct server *with_disk(struct kunit *test, u32 n_voters, bool joined)
{
	struct server *s = server_unstarted(test, n_voters);

	raft_set_joined(s->r, joined);
	server_restore(s, 1, RAFT_ID_NONE, NULL, 0);
	server_time(s, FIXTURE_ELECTION_NS);
	server_done(s);
	return s;
}

/*
 * A cluster that began with one server has grown. That one's disk is lost, it is added
 * again, and goes down with no more than the first entry: in which it is alone (found
 * by the simulator, seed 95784).
 */
static void joined_it_is_not_alone_with_the_first_entry(struct kunit *test)
{
	u32 joined, i;

	for (joined = 0; joined < 2; joined++) {
		struct server *s = with_disk(test, 1, joined);

		for (i = 0; i < 5; i++) {
			server_timeout(s);
			server_persist(s);
		}
		KUNIT_EXPECT_EQ(test, s->r->role,
				(u8)(joined ? RAFT_FOLLOWER : RAFT_LEADER));
		if (joined)
			KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term,
					1ull);
	}
}

static void joined_it_does_not_stand_with_the_first_entry(struct kunit *test)
{
	u32 joined;

	for (joined = 0; joined < 2; joined++) {
		struct server *s = with_disk(test, 3, joined);

		server_timeout(s);
		KUNIT_EXPECT_EQ(test, server_count(s, RAFT_REQUEST_VOTE),
				joined ? 0u : 2u);
	}
}

struct left_behind_case {
	const char *name;
	bool joined;
	bool pre_vote;
	u64 last_index; /* of the candidate */
	bool granted;
};

static const struct left_behind_case left_behind_cases[] = {
	{ "bootstrapped, vote, first entry", false, false, 1, true },
	{ "bootstrapped, pre-vote, first entry", false, true, 1, true },
	{ "joined, vote, nothing", true, false, 0, false },
	{ "joined, vote, first entry", true, false, 1, false },
	{ "joined, pre-vote, first entry", true, true, 1, false },
	{ "joined, vote, the entry that seals", true, false, 2, true },
	{ "joined, pre-vote, the entry that seals", true, true, 2, true },
};

static void describe_left_behind(const struct left_behind_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(left_behind, left_behind_cases, describe_left_behind);

/*
 * All voters with open configurations make a cluster, if none of them has forgotten
 * that there is one. It has.
 */
static void joined_it_does_not_vote_for_the_first_entry(struct kunit *test)
{
	const struct left_behind_case *c = test->param_value;
	struct server *s = with_disk(test, 3, c->joined);
	const struct raft_send *send;

	server_ask(s, 2, 2, c->pre_vote, c->last_index, c->last_index ? 1 : 0);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.request_vote_response.granted,
			c->granted);
}

/* One heartbeat interval from now it asks @ids (bit: id), and not a moment earlier. */
static void expect_asked(struct server *s, bool pre_vote, u32 ids)
{
	struct kunit *test = s->test;
	u32 id;

	server_done(s);
	server_time(s, FIXTURE_HEARTBEAT_NS - 1);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_REQUEST_VOTE), 0u);
	KUNIT_EXPECT_EQ(test, s->update.deadline_ns, s->now_ns + 1);
	server_time(s, 1);
	for (id = 2; id <= 5; id++) {
		const struct raft_send *send =
			server_sent(s, RAFT_REQUEST_VOTE, id);

		KUNIT_EXPECT_EQ(test, send != NULL, (ids & 1u << id) != 0);
		if (!send)
			continue;
		KUNIT_EXPECT_EQ(test, send->message.term, 2ull);
		KUNIT_EXPECT_EQ(test, send->message.request_vote.pre_vote,
				pre_vote);
	}
}

/* 5.1: whoever has not answered, in either round; of votes not before they can be sent. */
static void candidate_asks_again(struct kunit *test)
{
	struct server *s = server_started(test, 5);

	server_timeout(s);
	server_vote(s, 2, 2, true, true);
	server_vote(s, 3, 1, true, false);
	expect_asked(s, true, 1u << 4 | 1u << 5);
	server_vote(s, 4, 2, true, true);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	expect_asked(s, false, 0);
	server_persist(s);
	server_vote(s, 2, 2, false, true);
	expect_asked(s, false, 1u << 3 | 1u << 4 | 1u << 5);
}

static void leader_ignores_candidates(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	server_done(s);
	server_ask(s, 3, 9, false, 99, 9);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEADER);
}

/* 6.4.1: a lease it gave just before it went down still holds. */
static void restarted_it_does_not_vote_at_once(struct kunit *test)
{
	struct server *s = server_new(test, 3);
	struct raft_entry entry = { .term = 1,
				    .data = s->configuration,
				    .bytes = s->configuration_bytes,
				    .type = RAFT_ENTRY_CONFIGURATION };
	struct raft_hard_state hard_state = { .current_term = 1 };

	KUNIT_ASSERT_EQ(test, raft_restore_entry(s->r, 1, &entry), 0);
	KUNIT_ASSERT_EQ(test,
			raft_restore_hard_state(s->r, &hard_state,
						FIXTURE_SPACE),
			0);
	KUNIT_ASSERT_EQ(test, raft_start(s->r, s->now_ns, &s->update), 0);
	server_ask(s, 2, 2, false, 1, 1);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
	s->now_ns += FIXTURE_ELECTION_NS;
	server_ask(s, 2, 2, false, 1, 1);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 1u);
}

static void older_terms_are_answered_with_the_newer(struct kunit *test)
{
	static const u64 terms[] = { 5 };
	struct server *s = server_restored(test, 3, 5, terms, 1);
	const struct raft_send *send;

	server_done(s);
	server_append(s, 2, 3, 1, 1, NULL, 0, 0);
	send = server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.term, 5ull);
	KUNIT_EXPECT_TRUE(test,
			  send->message.append_entries_response.rejected);
	server_ask(s, 2, 3, false, 9, 3);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.term, 5ull);
	KUNIT_EXPECT_FALSE(test, send->message.request_vote_response.granted);
	KUNIT_EXPECT_EQ(test, s->r->leader_id, 0u);
}

static void timeouts_are_random_within_bounds(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	u64 lowest = U64_MAX, highest = 0;
	u32 i;

	for (i = 0; i < 1000; i++) {
		u64 timeout;

		raft_reset_election_timer(s->r);
		timeout = s->r->election_deadline_ns - s->r->now_ns;
		lowest = min(lowest, timeout);
		highest = max(highest, timeout);
	}
	KUNIT_EXPECT_GE(test, lowest, (u64)FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_LT(test, highest, (u64)(2 * FIXTURE_ELECTION_NS));
	/* Spread over nearly all of it. */
	KUNIT_EXPECT_GT(test, highest - lowest,
			(u64)(FIXTURE_ELECTION_NS * 9 / 10));
}

static void no_room_for_a_no_op_no_campaign(struct kunit *test)
{
	struct server *s = server_started(test, 3);

	s->r->space_bytes = FIXTURE_OVERHEAD - 1;
	server_timeout(s);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
	KUNIT_EXPECT_GT(test, s->update.deadline_ns, s->now_ns);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(edge_0_joins_as_follower),
	KUNIT_CASE(edge_1_timer_offers_itself),
	KUNIT_CASE(edge_2_split_vote_starts_a_new_term),
	KUNIT_CASE(edge_3_majority_makes_it_leader),
	KUNIT_CASE(edge_4_leader_sees_a_newer_term),
	KUNIT_CASE(edge_4_leader_without_quorum_steps_down),
	KUNIT_CASE(edge_4_leader_with_a_stalled_disk_steps_down),
	KUNIT_CASE(edge_5_candidate_without_majority),
	KUNIT_CASE(edge_5_candidate_sees_the_leader),
	KUNIT_CASE(a_vote_counts_once),
	KUNIT_CASE(own_vote_counts_once_durable),
	KUNIT_CASE(alone_it_waits_for_its_disk),
	KUNIT_CASE(vote_waits_for_the_disk),
	KUNIT_CASE(one_vote_a_term),
	KUNIT_CASE_PARAM(votes_only_for_an_up_to_date_log, log_gen_params),
	KUNIT_CASE(sticky_while_it_hears_a_leader),
	KUNIT_CASE(sticky_though_a_newer_term_is_known),
	KUNIT_CASE(damaged_it_votes_by_what_it_had),
	KUNIT_CASE(damaged_it_does_not_stand_for_election),
	KUNIT_CASE(alone_it_does_not_start_damaged),
	KUNIT_CASE(first_leader_needs_all_and_seals),
	KUNIT_CASE(a_vote_is_for_a_disk),
	KUNIT_CASE(votes_of_a_wiped_disk_do_not_count),
	KUNIT_CASE(answers_of_a_wiped_disk_do_not_count),
	KUNIT_CASE(what_another_disk_acknowledged_is_forgotten),
	KUNIT_CASE(wiped_it_votes_and_does_not_stand),
	KUNIT_CASE(joined_it_is_not_alone_with_the_first_entry),
	KUNIT_CASE(joined_it_does_not_stand_with_the_first_entry),
	KUNIT_CASE_PARAM(joined_it_does_not_vote_for_the_first_entry,
			 left_behind_gen_params),
	KUNIT_CASE(candidate_asks_again),
	KUNIT_CASE(leader_ignores_candidates),
	KUNIT_CASE(restarted_it_does_not_vote_at_once),
	KUNIT_CASE(older_terms_are_answered_with_the_newer),
	KUNIT_CASE(timeouts_are_random_within_bounds),
	KUNIT_CASE(no_room_for_a_no_op_no_campaign),
	{}
};

struct kunit_suite raftlog_raft_election_suite = {
	.name = "raftlog_raft_election",
	.test_cases = cases,
};
