// SPDX-License-Identifier: GPL-2.0
/*
 * What the paper says of elections, sentence by sentence, as tables: the cases
 * that other implementations check it with. See PEERS.rst.
 */
#include "raft_fixture.h"
#include "suites.h"

/* Voters 2 … that make a majority with server 1. */
#define EACH_VOTER(id, n_voters) \
	for ((id) = 2; (id) <= (n_voters) / 2 + 1; (id)++)
#define EACH_PEER(id, n_voters) \
	for ((id) = 2; (id) <= (n_voters); (id)++)

#define EACH_SEND(s, send, kind)                           \
	for ((send) = (s)->sends;                          \
	     (send) < (s)->sends + (s)->update.n_sends; (send)++) \
		if ((send)->message.type == (kind))

/* Time goes on, the others would vote for it: now a candidate, vote durable. */
static void stand(struct server *s, u32 n_voters)
{
	u64 term = s->r->hard_state.current_term + 1;
	u32 id;

	server_timeout(s);
	EACH_VOTER(id, n_voters)
		server_vote(s, id, term, true, true);
	server_persist(s);
}

/* Now a leader, the first entry of its term durable. */
static void win(struct server *s, u32 n_voters)
{
	u32 id;

	stand(s, n_voters);
	EACH_VOTER(id, n_voters)
		server_vote(s, id, s->r->hard_state.current_term, false, true);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(s->test, s->r->role, (u8)RAFT_LEADER);
	server_persist(s);
}

static struct server *server_in_role(struct kunit *test, u32 n_voters, u8 role)
{
	struct server *s = server_started(test, n_voters);

	switch (role) {
	case RAFT_FOLLOWER:
		server_append(s, 2, 2, 1, 1, NULL, 0, 1);
		server_persist(s);
		break;
	case RAFT_PRE_CANDIDATE:
		server_timeout(s);
		break;
	case RAFT_CANDIDATE:
		stand(s, n_voters);
		break;
	case RAFT_LEADER:
		win(s, n_voters);
		break;
	}
	KUNIT_ASSERT_EQ(test, s->r->role, role);
	server_done(s);
	return s;
}

struct role_case {
	const char *name;
	u32 n_voters;
	u8 role;
	u64 later; /* terms */
};

static void describe_role(const struct role_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s of %u, %u later", c->name,
		 c->n_voters, (u32)c->later);
}

/* 5.1: whatever it is, in a newer term it follows. */
static const struct role_case newer_cases[] = {
	{ "follower", 3, RAFT_FOLLOWER, 1 },
	{ "pre_candidate", 3, RAFT_PRE_CANDIDATE, 1 },
	{ "candidate", 3, RAFT_CANDIDATE, 1 },
	{ "leader", 3, RAFT_LEADER, 1 },
	{ "follower", 5, RAFT_FOLLOWER, 9 },
	{ "pre_candidate", 5, RAFT_PRE_CANDIDATE, 9 },
	{ "candidate", 5, RAFT_CANDIDATE, 9 },
	{ "leader", 5, RAFT_LEADER, 9 },
	/* 5.2: nor does a candidate need a newer one to see that it lost. */
	{ "pre_candidate", 3, RAFT_PRE_CANDIDATE, 0 },
	{ "candidate", 3, RAFT_CANDIDATE, 0 },
	{ "candidate", 5, RAFT_CANDIDATE, 0 },
};

KUNIT_ARRAY_PARAM(newer, newer_cases, describe_role);

static void it_follows_the_leader_it_hears(struct kunit *test)
{
	const struct role_case *c = test->param_value;
	struct server *s = server_in_role(test, c->n_voters, c->role);
	u64 term = s->r->hard_state.current_term + c->later;

	KUNIT_ASSERT_EQ(test, server_append(s, 3, term, 1, 1, NULL, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, term);
	KUNIT_EXPECT_EQ(test, s->r->leader_id, 3u);
	KUNIT_EXPECT_EQ(test, s->update.hard_state_changed, c->later > 0);
	KUNIT_EXPECT_NOT_NULL(test,
			      server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE, 3));
}

/* 5.2: without a leader, and without a majority, it tries in the next term. */
static const struct role_case silence_cases[] = {
	{ "follower", 3, RAFT_FOLLOWER },
	{ "pre_candidate", 3, RAFT_PRE_CANDIDATE },
	{ "candidate", 3, RAFT_CANDIDATE },
	{ "follower", 5, RAFT_FOLLOWER },
	{ "pre_candidate", 5, RAFT_PRE_CANDIDATE },
	{ "candidate", 5, RAFT_CANDIDATE },
};

KUNIT_ARRAY_PARAM(silence, silence_cases, describe_role);

static void expect_asked(struct server *s, u32 n_voters, u64 term,
			 bool pre_vote, u64 last_index, u64 last_term)
{
	u32 id;

	KUNIT_EXPECT_EQ(s->test, server_count(s, RAFT_REQUEST_VOTE),
			n_voters - 1);
	EACH_PEER(id, n_voters) {
		const struct raft_send *send =
			server_sent(s, RAFT_REQUEST_VOTE, id);

		KUNIT_ASSERT_NOT_NULL(s->test, send);
		KUNIT_EXPECT_EQ(s->test, send->message.term, term);
		KUNIT_EXPECT_EQ(s->test, send->message.request_vote.pre_vote,
				pre_vote);
		KUNIT_EXPECT_EQ(s->test,
				send->message.request_vote.last_log_index,
				last_index);
		KUNIT_EXPECT_EQ(s->test,
				send->message.request_vote.last_log_term,
				last_term);
	}
}

static void silence_starts_an_election(struct kunit *test)
{
	const struct role_case *c = test->param_value;
	struct server *s = server_in_role(test, c->n_voters, c->role);
	u64 term = s->r->hard_state.current_term;
	u32 id;

	server_timeout(s);
	expect_asked(s, c->n_voters, term + 1, true, 1, 1);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, term);
	server_done(s);
	EACH_VOTER(id, c->n_voters)
		server_vote(s, id, term + 1, true, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	KUNIT_EXPECT_EQ(test, s->update.hard_state.current_term, term + 1);
	KUNIT_EXPECT_EQ(test, s->update.hard_state.voted_for, 1u);
	expect_asked(s, c->n_voters, term + 1, false, 1, 1);
	/* Who asks has voted, and does not forget it. */
	KUNIT_EXPECT_GT(test, s->update.hard_state_seq, 0ull);
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_REQUEST_VOTE, 2)
				->after_hard_state_seq,
			s->update.hard_state_seq);
}

/* 5.4.1: what the voters compare is in the request. */
struct request_case {
	u64 terms[3]; /* of entries 2 … */
	u32 n;
};

static const struct request_case request_cases[] = {
	{ { 2 }, 1 },
	{ { 2, 3 }, 2 },
	{ { 2, 2, 5 }, 3 },
};

static void describe_request(const struct request_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u entries", c->n);
}

KUNIT_ARRAY_PARAM(request, request_cases, describe_request);

static void request_tells_of_the_log(struct kunit *test)
{
	const struct request_case *c = test->param_value;
	struct server *s = server_started(test, 3);
	u64 last_term = c->terms[c->n - 1];

	server_append(s, 2, last_term, 1, 1, c->terms, c->n, 1);
	server_persist(s);
	server_timeout(s);
	expect_asked(s, 3, last_term + 1, true, c->n + 1, last_term);
	server_done(s);
	server_vote(s, 3, last_term + 1, true, true);
	expect_asked(s, 3, last_term + 1, false, c->n + 1, last_term);
}

/* 5.2: one round; a letter for each other server: y, n, or _ for no answer. */
struct round_case {
	const char *votes;
	bool won, lost;
};

static const struct round_case round_cases[] = {
	{ "", .won = true },	  { "yy", .won = true },
	{ "y_", .won = true },	  { "_y", .won = true },
	{ "yn", .won = true },	  { "yyyy", .won = true },
	{ "yyy_", .won = true },  { "yy__", .won = true },
	{ "yynn", .won = true },  { "nn", .lost = true },
	{ "nnnn", .lost = true }, { "ynnn", .lost = true },
	{ "_nnn", .lost = true }, { "__" },
	{ "n_" },		  { "y___" },
	{ "nn__" },		  { "ynn_" },
	{ "____" },
};

static void describe_round(const struct round_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "self %s", c->votes);
}

KUNIT_ARRAY_PARAM(round, round_cases, describe_round);

static void answer_round(struct server *s, const char *votes, bool pre_vote)
{
	u64 term = s->r->hard_state.current_term;
	u32 i;

	for (i = 0; i < strlen(votes); i++) {
		bool granted = votes[i] == 'y';

		if (votes[i] == '_')
			continue;
		/* Who refuses a PreVote says its own term. */
		server_vote(s, i + 2, pre_vote && granted ? term + 1 : term,
			    pre_vote, granted);
	}
}

static void round_of_votes(struct kunit *test)
{
	const struct round_case *c = test->param_value;
	u32 n_voters = strlen(c->votes) + 1;
	struct server *s = server_started(test, n_voters);

	server_timeout(s);
	answer_round(s, c->votes, true);
	KUNIT_EXPECT_EQ(test, s->r->role,
			(u8)(c->won  ? RAFT_CANDIDATE :
			     c->lost ? RAFT_FOLLOWER :
				       RAFT_PRE_CANDIDATE));
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term,
			c->won ? 2ull : 1ull);

	s = server_started(test, n_voters);
	stand(s, n_voters);
	answer_round(s, c->votes, false);
	KUNIT_EXPECT_EQ(test, s->r->role,
			(u8)(c->won  ? RAFT_LEADER :
			     c->lost ? RAFT_FOLLOWER :
				       RAFT_CANDIDATE));
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 2ull);
}

/* 5.2: one vote a term, first come, first served. */
struct ask_case {
	const char *name;
	u32 voted_for, from;
	bool granted;
};

static const struct ask_case ask_cases[] = {
	{ "none, 2 asks", 0, 2, true },	 { "none, 3 asks", 0, 3, true },
	/* Of 2 it does not know any more with which disk it was. */
	{ "2, 2 asks", 2, 2, false },	 { "3, 3 asks", 3, 3, false },
	{ "2, 3 asks", 2, 3, false },	 { "3, 2 asks", 3, 2, false },
	{ "itself, 2 asks", 1, 2, false },
};

static void describe_ask(const struct ask_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "voted for %s", c->name);
}

KUNIT_ARRAY_PARAM(ask, ask_cases, describe_ask);

/* The vote it has given is the one on its disk: it was restarted since. */
static void one_vote_for_whom_it_voted(struct kunit *test)
{
	const struct ask_case *c = test->param_value;
	struct server *s = server_new(test, 3);
	struct raft_entry entry = { .term = 1,
				    .data = s->configuration,
				    .bytes = s->configuration_bytes,
				    .type = RAFT_ENTRY_CONFIGURATION };
	struct raft_hard_state hard_state = { .current_term = 2,
					      .voted_for = c->voted_for };
	const struct raft_send *send;

	KUNIT_ASSERT_EQ(test, raft_restore_entry(s->r, 1, &entry), 0);
	KUNIT_ASSERT_EQ(test,
			raft_restore_hard_state(s->r, &hard_state,
						FIXTURE_SPACE),
			0);
	KUNIT_ASSERT_EQ(test, raft_start(s->r, s->now_ns, &s->update), 0);
	server_done(s);
	s->now_ns += FIXTURE_ELECTION_NS;
	server_ask(s, c->from, 2, false, 1, 1);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, c->from);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.request_vote_response.granted,
			c->granted);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.voted_for,
			c->granted ? c->from : c->voted_for);
	KUNIT_EXPECT_EQ(test, s->update.hard_state_changed, !c->voted_for);
}

/* 5.2: without a leader it votes in a newer term, whatever it is; 4.2.3: not so a leader. */
static const struct role_case asked_cases[] = {
	{ "follower", 3, RAFT_FOLLOWER, 1 },
	{ "pre_candidate", 3, RAFT_PRE_CANDIDATE, 1 },
	{ "candidate", 3, RAFT_CANDIDATE, 1 },
	{ "leader", 3, RAFT_LEADER, 1 },
	{ "candidate", 5, RAFT_CANDIDATE, 7 },
};

KUNIT_ARRAY_PARAM(asked, asked_cases, describe_role);

static void votes_in_any_role_but_leader(struct kunit *test)
{
	const struct role_case *c = test->param_value;
	struct server *s = server_in_role(test, c->n_voters, c->role);
	u64 old_term = s->r->hard_state.current_term;
	u64 term = old_term + c->later;
	bool grants = c->role != RAFT_LEADER;
	const struct raft_send *send;

	/* The follower has not heard of its leader for long enough. */
	s->now_ns += FIXTURE_ELECTION_NS;
	server_ask(s, 3, term, true, 9, old_term);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.request_vote_response.granted,
			grants);
	KUNIT_EXPECT_EQ(test, s->r->role, c->role);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, old_term);
	server_done(s);
	server_ask(s, 3, term, false, 9, old_term);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3);
	if (grants) {
		KUNIT_ASSERT_NOT_NULL(test, send);
		KUNIT_EXPECT_TRUE(test,
				  send->message.request_vote_response.granted);
		KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
		KUNIT_EXPECT_EQ(test, s->r->hard_state.voted_for, 3u);
		KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, term);
	} else {
		KUNIT_EXPECT_NULL(test, send);
		KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEADER);
		KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, old_term);
	}
}

/* Of the term it is in itself nobody gets the vote that it has given. */
struct rival_case {
	const char *name;
	u8 role;
	u32 voted_for;
};

static const struct rival_case rival_cases[] = {
	{ "follower", RAFT_FOLLOWER, 2 },
	{ "pre_candidate", RAFT_PRE_CANDIDATE, 2 },
	{ "candidate", RAFT_CANDIDATE, 1 },
	{ "leader", RAFT_LEADER, 1 },
};

static void describe_rival(const struct rival_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(rival, rival_cases, describe_rival);

static void rival_of_its_term_gets_no_vote(struct kunit *test)
{
	const struct rival_case *c = test->param_value;
	struct server *s = server_started(test, 3);
	const struct raft_send *send;
	u64 term;

	if (c->voted_for == 2) {
		server_ask(s, 2, 2, false, 9, 1);
		server_persist(s);
	}
	if (c->role == RAFT_PRE_CANDIDATE)
		server_timeout(s);
	else if (c->role == RAFT_CANDIDATE)
		stand(s, 3);
	else if (c->role == RAFT_LEADER)
		win(s, 3);
	KUNIT_ASSERT_EQ(test, s->r->role, c->role);
	term = s->r->hard_state.current_term;
	server_done(s);
	/* However good its log is; and a PreVote is for the next term. */
	server_ask(s, 3, term, false, 99, term);
	server_ask(s, 3, term, true, 99, term);
	EACH_SEND(s, send, RAFT_REQUEST_VOTE_RESPONSE)
		KUNIT_EXPECT_FALSE(test, send->message.request_vote_response
						 .granted);
	KUNIT_EXPECT_EQ(test, s->r->role, c->role);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, term);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.voted_for, c->voted_for);
	KUNIT_EXPECT_FALSE(test, s->update.hard_state_changed);
}

/* 5.1: what is of an older term is refused, and changes nothing. */
static const struct role_case older_cases[] = {
	{ "follower", 3, RAFT_FOLLOWER },
	{ "pre_candidate", 3, RAFT_PRE_CANDIDATE },
	{ "candidate", 3, RAFT_CANDIDATE },
	{ "leader", 3, RAFT_LEADER },
};

KUNIT_ARRAY_PARAM(older, older_cases, describe_role);

static void older_terms_change_nothing(struct kunit *test)
{
	static const u64 terms[] = { 1 };
	const struct role_case *c = test->param_value;
	struct server *s = server_in_role(test, 3, c->role);
	struct raft_message ack = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = 3,
		.to = 1,
		.term = 1,
		.append_entries_response = { .match_index = 1 },
	};
	struct raft_status *before = kunit_kzalloc(
		test, 2 * sizeof(*before), GFP_KERNEL);
	struct raft_status *after = before + 1;
	const struct raft_send *send;

	KUNIT_ASSERT_NOT_NULL(test, before);
	/* Its own term is newer than that of what is to come. */
	if (s->r->hard_state.current_term == 1) {
		server_ask(s, 2, 2, false, 9, 1);
		server_persist(s);
		server_timeout(s);
		server_done(s);
	}
	KUNIT_ASSERT_EQ(test, s->r->role, c->role);
	raft_status(s->r, before);
	server_append(s, 3, 1, 1, 1, terms, 1, 2);
	server_ask(s, 3, 1, false, 99, 1);
	server_vote(s, 2, 1, false, true);
	server_vote(s, 3, 1, false, true);
	server_receive(s, &ack);
	raft_status(s->r, after);
	KUNIT_EXPECT_EQ(test, memcmp(before, after, sizeof(*before)), 0);
	KUNIT_EXPECT_EQ(test, s->update.hard_state_seq, 0ull);
	KUNIT_EXPECT_EQ(test, s->update.n_transitions, 0u);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 2u);
	send = server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_TRUE(test,
			  send->message.append_entries_response.rejected);
	KUNIT_EXPECT_EQ(test, send->message.term,
			before->hard_state.current_term);
	send = server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_FALSE(test, send->message.request_vote_response.granted);
	KUNIT_EXPECT_EQ(test, send->message.term,
			before->hard_state.current_term);
}

/* What ended a candidacy before the vote for itself was durable. */
struct late_case {
	const char *name;
	bool leader; /* of the same term; else a newer term */
};

static const struct late_case late_cases[] = {
	{ "another leader", true },
	{ "a newer term", false },
};

static void describe_late(const struct late_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(late, late_cases, describe_late);

static void own_vote_comes_too_late(struct kunit *test)
{
	const struct late_case *c = test->param_value;
	struct server *s = server_started(test, 3);

	server_timeout(s);
	server_vote(s, 2, 2, true, true);
	server_vote(s, 2, 2, false, true);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
	if (c->leader)
		server_append(s, 3, 2, 1, 1, NULL, 0, 1);
	else
		server_vote(s, 3, 5, false, false);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test, s->r->leader_id, c->leader ? 3u : 0u);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term,
			c->leader ? 2ull : 5ull);
}

/* 6.2: a leader that a majority answers stays, one that it does not goes. */
struct heard_case {
	u32 n_voters, n_answers;
	bool stays;
};

static const struct heard_case heard_cases[] = {
	{ 1, 0, true },	 { 2, 0, false }, { 2, 1, true }, { 3, 0, false },
	{ 3, 1, true },	 { 3, 2, true },  { 4, 1, false }, { 4, 2, true },
	{ 5, 1, false }, { 5, 2, true },
};

static void describe_heard(const struct heard_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u of %u others", c->n_answers,
		 c->n_voters - 1);
}

KUNIT_ARRAY_PARAM(heard, heard_cases, describe_heard);

static void leader_stays_while_it_is_heard(struct kunit *test)
{
	const struct heard_case *c = test->param_value;
	struct server *s = server_in_role(test, c->n_voters, RAFT_LEADER);
	u64 waited = 0;
	u32 i;

	while (waited < 3 * FIXTURE_ELECTION_NS && s->r->role == RAFT_LEADER) {
		server_done(s);
		for (i = 0; i < c->n_answers; i++)
			server_ack_probe(s, c->n_voters - i);
		server_time(s, FIXTURE_HEARTBEAT_NS);
		waited += FIXTURE_HEARTBEAT_NS;
	}
	KUNIT_EXPECT_EQ(test, s->r->role,
			(u8)(c->stays ? RAFT_LEADER : RAFT_FOLLOWER));
	if (!c->stays)
		KUNIT_EXPECT_EQ(test, s->r->reason,
				(u8)RAFT_REASON_QUORUM_LOST);
}

enum { TIMEOUT_TENTHS = 10 };

static u32 timeout_tenth(const struct server *s)
{
	u64 timeout = s->r->election_deadline_ns - s->r->now_ns;

	KUNIT_ASSERT_GE(s->test, timeout, (u64)FIXTURE_ELECTION_NS);
	KUNIT_ASSERT_LT(s->test, timeout, (u64)(2 * FIXTURE_ELECTION_NS));
	return (u32)(timeout - FIXTURE_ELECTION_NS) /
	       (u32)(FIXTURE_ELECTION_NS / TIMEOUT_TENTHS);
}

/* 5.2: in each role, each time anew. */
static void timeouts_of_all_roles_are_random(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	u32 seen[3] = { 0 }, i;
	u64 term;

	for (i = 0; i < 200; i++) {
		term = s->r->hard_state.current_term + 1;
		server_append(s, 2, term, 1, 1, NULL, 0, 1);
		seen[0] |= 1u << timeout_tenth(s);
		server_timeout(s);
		KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_PRE_CANDIDATE);
		seen[1] |= 1u << timeout_tenth(s);
		server_vote(s, 2, term + 1, true, true);
		KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
		seen[2] |= 1u << timeout_tenth(s);
		server_done(s);
	}
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		KUNIT_EXPECT_EQ(test, seen[i], (1u << TIMEOUT_TENTHS) - 1);
}

/* How many of them have run out by when: evenly between once and twice the bound. */
struct spread_case {
	u32 elapsed, percent; /* of the bound; of all */
};

static const struct spread_case spread_cases[] = {
	{ 50, 0 }, { 100, 0 }, { 110, 10 }, { 130, 30 },
	{ 150, 50 }, { 180, 80 }, { 200, 100 },
};

static void describe_spread(const struct spread_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "after %u%%", c->elapsed);
}

KUNIT_ARRAY_PARAM(spread, spread_cases, describe_spread);

static void timeouts_are_spread_evenly(struct kunit *test)
{
	const struct spread_case *c = test->param_value;
	struct server *s = server_started(test, 3);
	u64 elapsed_ns = FIXTURE_ELECTION_NS / 100 * c->elapsed;
	u32 i, n = 0;

	for (i = 0; i < 10000; i++) {
		raft_reset_election_timer(s->r);
		n += s->r->election_deadline_ns <= s->r->now_ns + elapsed_ns;
	}
	if (c->percent == 0 || c->percent == 100)
		KUNIT_EXPECT_EQ(test, n, c->percent * 100);
	/* Ten thousand draws are within 2 percent, four times their deviation. */
	KUNIT_EXPECT_LE(test, n, c->percent * 100 + 200);
	KUNIT_EXPECT_GE(test, n + 200, c->percent * 100);
}

/* 5.2: that is what it is good for: mostly one comes first. */
static void timeouts_of_servers_differ(struct kunit *test)
{
	struct server *servers[5];
	u32 round, i, conflicts = 0;

	for (i = 0; i < ARRAY_SIZE(servers); i++) {
		servers[i] = server_new(test, ARRAY_SIZE(servers));
		servers[i]->rng.state = i + 1;
	}
	for (round = 0; round < 1000; round++) {
		u32 first = U32_MAX, n_first = 0;

		for (i = 0; i < ARRAY_SIZE(servers); i++) {
			u32 tenth;

			raft_reset_election_timer(servers[i]->r);
			tenth = timeout_tenth(servers[i]);
			if (tenth < first)
				n_first = 0;
			first = min(first, tenth);
			n_first += tenth == first;
		}
		conflicts += n_first > 1;
	}
	KUNIT_EXPECT_LE(test, conflicts, 300u);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(it_follows_the_leader_it_hears, newer_gen_params),
	KUNIT_CASE_PARAM(silence_starts_an_election, silence_gen_params),
	KUNIT_CASE_PARAM(request_tells_of_the_log, request_gen_params),
	KUNIT_CASE_PARAM(round_of_votes, round_gen_params),
	KUNIT_CASE_PARAM(one_vote_for_whom_it_voted, ask_gen_params),
	KUNIT_CASE_PARAM(votes_in_any_role_but_leader, asked_gen_params),
	KUNIT_CASE_PARAM(rival_of_its_term_gets_no_vote, rival_gen_params),
	KUNIT_CASE_PARAM(older_terms_change_nothing, older_gen_params),
	KUNIT_CASE_PARAM(own_vote_comes_too_late, late_gen_params),
	KUNIT_CASE_PARAM(leader_stays_while_it_is_heard, heard_gen_params),
	KUNIT_CASE(timeouts_of_all_roles_are_random),
	KUNIT_CASE_PARAM(timeouts_are_spread_evenly, spread_gen_params),
	KUNIT_CASE(timeouts_of_servers_differ),
	{}
};

struct kunit_suite raftlog_raft_paper_suite = {
	.name = "raftlog_raft_paper",
	.test_cases = cases,
};
