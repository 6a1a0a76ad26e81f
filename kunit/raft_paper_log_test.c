// SPDX-License-Identifier: GPL-2.0
/* As raft_paper_test.c: what the paper says of replication. See PEERS.rst. */
#include "raft_fixture.h"
#include "suites.h"

#define EACH_PEER(id, n_voters) \
	for ((id) = 2; (id) <= (n_voters); (id)++)

/* Elected by @voter, who is not server 2 where the log of that may be newer. */
static void win(struct server *s, u32 voter)
{
	u64 term = s->r->hard_state.current_term + 1;

	server_timeout(s);
	server_vote(s, voter, term, true, true);
	server_persist(s);
	server_vote(s, voter, term, false, true);
	KUNIT_ASSERT_EQ(s->test, s->r->role, (u8)RAFT_LEADER);
}

/* All hold what the leader has, and know it. */
static void catch_up(struct server *s, u32 n_voters)
{
	u32 id;

	EACH_PEER(id, n_voters) {
		server_ack_probe(s, id);
		server_time(s, 0);
		server_ack(s, id, s->r->log.last_index);
		server_time(s, 0);
	}
	KUNIT_ASSERT_EQ(s->test, s->r->commit_index, s->r->log.last_index);
	server_done(s);
}

struct size_case {
	u32 n_voters;
};

static const struct size_case size_cases[] = { { 2 }, { 3 }, { 4 }, { 5 }, { 7 } };

static void describe_size(const struct size_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u voters", c->n_voters);
}

KUNIT_ARRAY_PARAM(size, size_cases, describe_size);

/* 5.3: new entries go to all, with what precedes them; 5.2: so do heartbeats. */
static void entries_and_heartbeats_go_to_all(struct kunit *test)
{
	const struct size_case *c = test->param_value;
	struct server *s = server_leader(test, c->n_voters);
	struct raft_proposal p = { .bytes = 10 };
	const struct raft_send *send;
	u32 id;

	catch_up(s, c->n_voters);
	KUNIT_ASSERT_EQ(test, server_propose(s, &p), 0);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->update.n_entries, 1u);
	KUNIT_EXPECT_EQ(test, s->update.first_index, 3ull);
	KUNIT_EXPECT_EQ(test, s->entries[0].term, 2ull);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES),
			c->n_voters - 1);
	EACH_PEER(id, c->n_voters) {
		send = server_sent(s, RAFT_APPEND_ENTRIES, id);
		KUNIT_ASSERT_NOT_NULL(test, send);
		KUNIT_EXPECT_EQ(test, send->message.term, 2ull);
		KUNIT_EXPECT_EQ(test,
				send->message.append_entries.prev_log_index,
				2ull);
		KUNIT_EXPECT_EQ(test,
				send->message.append_entries.prev_log_term,
				2ull);
		KUNIT_EXPECT_EQ(test,
				send->message.append_entries.leader_commit,
				2ull);
		KUNIT_EXPECT_EQ(test, send->first_index, 3ull);
		KUNIT_EXPECT_EQ(test, send->last_index, 3ull);
	}
	server_done(s);
	server_time(s, FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES),
			c->n_voters - 1);
	EACH_PEER(id, c->n_voters) {
		send = server_sent(s, RAFT_APPEND_ENTRIES, id);
		KUNIT_ASSERT_NOT_NULL(test, send);
		KUNIT_EXPECT_EQ(test, send->message.term, 2ull);
		KUNIT_EXPECT_LT(test, send->last_index, send->first_index);
	}
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 2ull);
}

/* 5.3: an entry is committed once a majority has it, the leader among them. */
struct acceptor_case {
	u32 n_voters, n_acceptors;
	bool committed;
};

static const struct acceptor_case acceptor_cases[] = {
	{ 1, 0, true },	 { 2, 0, false }, { 2, 1, true },  { 3, 0, false },
	{ 3, 1, true },	 { 3, 2, true },  { 4, 1, false }, { 4, 2, true },
	{ 5, 0, false }, { 5, 1, false }, { 5, 2, true },  { 5, 3, true },
	{ 5, 4, true },
};

static void describe_acceptor(const struct acceptor_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u of %u others", c->n_acceptors,
		 c->n_voters - 1);
}

KUNIT_ARRAY_PARAM(acceptor, acceptor_cases, describe_acceptor);

static void majority_commits(struct kunit *test)
{
	const struct acceptor_case *c = test->param_value;
	struct server *s = server_leader(test, c->n_voters);
	struct raft_proposal p = { .bytes = 10 };
	u32 i;

	catch_up(s, c->n_voters);
	KUNIT_ASSERT_EQ(test, server_propose(s, &p), 0);
	server_time(s, 0);
	server_persist(s);
	/* The last ones: who it is makes no difference. */
	for (i = 0; i < c->n_acceptors; i++)
		server_ack(s, c->n_voters - i, 3);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, c->committed ? 3ull : 2ull);
	KUNIT_EXPECT_EQ(test, server_finished(s, &p), c->committed);
	if (c->committed) {
		KUNIT_EXPECT_EQ(test, s->update.commit_index, 3ull);
		KUNIT_EXPECT_EQ(test, p.index, 3ull);
	}
}

/* What a leader wrote becomes durable when it is none any more. */
static void own_write_comes_too_late(struct kunit *test)
{
	static const u64 terms[] = { 3 };
	struct server *s = server_leader(test, 3);
	struct raft_proposal p = { .bytes = 10 };

	catch_up(s, 3);
	KUNIT_ASSERT_EQ(test, server_propose(s, &p), 0);
	server_time(s, 0);
	server_done(s);
	server_append(s, 3, 3, 2, 2, NULL, 0, 2);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 2ull);
	/* The next leader has something else there. */
	server_append(s, 3, 3, 2, 2, terms, 1, 3);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 3ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 3), 3ull);
	KUNIT_EXPECT_FALSE(test, server_finished(s, &p) && !p.result);
}

/*
 * To one whose log is not known yet goes one message, and then one with each
 * heartbeat, none of them with entries, until it answers: each for itself.
 */
static void probe_is_one_message(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal p[4] = { { .bytes = 10 },
				      { .bytes = 10 },
				      { .bytes = 10 },
				      { .bytes = 10 } };
	const struct raft_send *send;
	u32 i;

	/* The one is of when it became leader: server_leader(). */
	server_done(s);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, server_propose(s, &p[i]), 0);
		server_time(s, 0);
		KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
		server_persist(s);
		server_done(s);
	}
	for (i = 0; i < 3; i++) {
		server_time(s, FIXTURE_HEARTBEAT_NS);
		KUNIT_EXPECT_EQ(test, s->update.n_sends, 2u);
		send = server_sent(s, RAFT_APPEND_ENTRIES, 2);
		KUNIT_ASSERT_NOT_NULL(test, send);
		KUNIT_EXPECT_EQ(test,
				send->message.append_entries.prev_log_index,
				1ull);
		KUNIT_EXPECT_LT(test, send->last_index, send->first_index);
		server_done(s);
	}
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->progress,
			(u8)RAFT_PROGRESS_PROBE);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->next_index, 2ull);
	server_ack_probe(s, 2);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 1u);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->first_index, 2ull);
	KUNIT_EXPECT_EQ(test, send->last_index, 5ull);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->next_index, 6ull);
	/* What is new goes to that one alone, until the other answers too. */
	server_done(s);
	KUNIT_ASSERT_EQ(test, server_propose(s, &p[3]), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 1u);
	KUNIT_EXPECT_NOT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 2));
	server_done(s);
	server_ack_probe(s, 3);
	server_time(s, 0);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->first_index, 2ull);
	KUNIT_EXPECT_EQ(test, send->last_index, 6ull);
}

/* Terms of a log from entry 2 on: entry 1 is the configuration, of term 1. */
struct terms_case {
	const char *name;
	u64 terms[12];
	u32 n;
};

static void describe_terms(const struct terms_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

static const struct terms_case preceding_cases[] = {
	{ "nothing", {}, 0 },
	{ "term 2", { 2 }, 1 },
	{ "terms 1 and 2", { 1, 2 }, 2 },
	{ "term 1", { 1 }, 1 },
	{ "many of term 1", { 1, 1, 1, 1, 1 }, 5 },
};

KUNIT_ARRAY_PARAM(preceding, preceding_cases, describe_terms);

/* 5.3: what precedes it is committed with it, whichever leader it is from. */
static void preceding_entries_commit_with_it(struct kunit *test)
{
	const struct terms_case *c = test->param_value;
	struct server *s = server_restored(test, 3, 2, c->terms, c->n);
	struct raft_proposal p = { .bytes = 10 };
	u64 last = c->n + 3;
	u32 i;

	win(s, 2);
	server_time(s, 0);
	server_persist(s);
	KUNIT_ASSERT_EQ(test, server_propose(s, &p), 0);
	server_time(s, 0);
	server_persist(s);
	/* 5.4.2: on a majority they are, but not of this leader's term. */
	server_ack(s, 2, c->n + 1);
	KUNIT_EXPECT_LE(test, s->r->commit_index, 1ull);
	server_done(s);
	server_ack(s, 3, last);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, last);
	KUNIT_EXPECT_EQ(test, s->update.commit_index, last);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, last), 3ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, last - 1), 3ull);
	for (i = 0; i < c->n; i++)
		KUNIT_EXPECT_EQ(test, raft_term_at(s->r, i + 2), c->terms[i]);
}

/* 5.3: a follower commits what the leader says, if it has it. */
struct told_case {
	u32 n; /* entries sent: 2 … */
	u64 leader_commit, committed;
};

static const struct told_case told_cases[] = {
	{ 1, 2, 2 }, { 2, 3, 3 }, { 2, 2, 2 }, { 2, 1, 1 }, { 2, 9, 3 },
};

static void describe_told(const struct told_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u entries, told %u", c->n,
		 (u32)c->leader_commit);
}

KUNIT_ARRAY_PARAM(told, told_cases, describe_told);

static void follower_commits_what_it_is_told(struct kunit *test)
{
	static const u64 terms[] = { 2, 2 };
	const struct told_case *c = test->param_value;
	struct server *s = server_started(test, 3);

	server_done(s);
	server_append(s, 2, 2, 1, 1, terms, c->n, c->leader_commit);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, c->committed);
	KUNIT_EXPECT_EQ(test, s->update.commit_index,
			c->committed > 1 ? c->committed : 0);
	/* A message that was overtaken takes nothing back. */
	server_append(s, 2, 2, 1, 1, NULL, 0, 1);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, c->committed);
}

/* 5.3: what precedes the new entries must be there; 5.3 again: what differs goes. */
struct append_case {
	const char *name;
	u64 prev, prev_term;
	u64 terms[3];
	u32 n;
	bool rejected;
	u64 match; /* or the hint */
	u64 first_written;
	u64 log[6]; /* afterwards */
	u64 last;
};

/* To a log of terms 1 1 2. */
static const struct append_case append_cases[] = {
	{ "before all", 0, 0, {}, 0, false, 0, 0, { 1, 1, 2 }, 3 },
	{ "match, committed", 1, 1, {}, 0, false, 1, 0, { 1, 1, 2 }, 3 },
	{ "match", 2, 1, {}, 0, false, 2, 0, { 1, 1, 2 }, 3 },
	{ "match, last", 3, 2, {}, 0, false, 3, 0, { 1, 1, 2 }, 3 },
	{ "older term there", 2, 3, {}, 0, true, 2, 0, { 1, 1, 2 }, 3 },
	{ "newer term there", 3, 1, {}, 0, true, 2, 0, { 1, 1, 2 }, 3 },
	{ "missing", 4, 3, {}, 0, true, 3, 0, { 1, 1, 2 }, 3 },
	{ "missing, with one", 4, 3, { 3 }, 1, true, 3, 0, { 1, 1, 2 }, 3 },
	{ "at the end", 3, 2, { 3 }, 1, false, 4, 4, { 1, 1, 2, 3 }, 4 },
	{ "instead of the last", 2, 1, { 3, 4 }, 2, false, 4, 3,
	  { 1, 1, 3, 4 }, 4 },
	{ "known", 1, 1, { 1 }, 1, false, 2, 0, { 1, 1, 2 }, 3 },
	{ "all known", 1, 1, { 1, 2 }, 2, false, 3, 0, { 1, 1, 2 }, 3 },
	{ "known and new", 1, 1, { 1, 2, 4 }, 3, false, 4, 4,
	  { 1, 1, 2, 4 }, 4 },
	{ "shorter than before", 1, 1, { 3 }, 1, false, 2, 2, { 1, 3 }, 2 },
};

static void describe_append(const struct append_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(append, append_cases, describe_append);

static void follower_checks_and_appends(struct kunit *test)
{
	static const u64 terms[] = { 1, 2 };
	const struct append_case *c = test->param_value;
	struct server *s = server_restored(test, 3, 2, terms, 2);
	const struct raft_send *send;
	u32 i;

	server_done(s);
	server_append(s, 2, 4, c->prev, c->prev_term, c->terms, c->n, 1);
	KUNIT_EXPECT_EQ(test, s->update.n_entries,
			c->first_written ? c->last - c->first_written + 1 : 0);
	if (c->first_written)
		KUNIT_EXPECT_EQ(test, s->update.first_index, c->first_written);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, c->last);
	for (i = 0; i < c->last; i++)
		KUNIT_EXPECT_EQ(test, raft_term_at(s->r, i + 1), c->log[i]);
	if (c->first_written) {
		KUNIT_EXPECT_NULL(test,
				  server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE,
					      2));
		server_persist(s);
	}
	send = server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.append_entries_response.rejected,
			c->rejected);
	KUNIT_EXPECT_EQ(test,
			c->rejected ?
				send->message.append_entries_response.hint_index :
				send->message.append_entries_response.match_index,
			c->match);
}

/* 5.3, figure 7: logs of followers when the leader of term 8 comes to power. */
static const struct terms_case figure_7_cases[] = {
	{ "a: one missing", { 1, 1, 4, 4, 5, 5, 6, 6 }, 8 },
	{ "b: many missing", { 1, 1, 4 }, 3 },
	{ "c: one too many", { 1, 1, 4, 4, 5, 5, 6, 6, 6, 6 }, 10 },
	{ "d: a term too many", { 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7 }, 11 },
	{ "e: both", { 1, 1, 4, 4, 4, 4 }, 6 },
	{ "f: both, long ago", { 1, 1, 2, 2, 2, 3, 3, 3, 3, 3 }, 10 },
	{ "nothing there", {}, 0 },
};

KUNIT_ARRAY_PARAM(figure_7, figure_7_cases, describe_terms);

enum { CARRIED_ENTRIES = 16 };

/* Both are server 1 to themselves, and the other one is server 2. */
static void carry(struct server *from, struct server *to, u8 type)
{
	struct raft_entry *entries = kunit_kzalloc(
		to->test, CARRIED_ENTRIES * sizeof(*entries), GFP_KERNEL);
	u32 i;
	u64 index;

	KUNIT_ASSERT_NOT_NULL(to->test, entries);
	for (i = 0; i < from->update.n_sends; i++) {
		const struct raft_send *send = &from->sends[i];
		struct raft_message message = send->message;

		if (message.type != type || message.to != 2)
			continue;
		message.from = 2;
		message.to = 1;
		message.incarnation = 0;
		if (type == RAFT_APPEND_ENTRIES) {
			message.entries = entries;
			message.n_entries = 0;
			for (index = send->first_index;
			     index <= send->last_index &&
			     message.n_entries < CARRIED_ENTRIES; index++)
				entries[message.n_entries++] =
					(struct raft_entry){
						.term = raft_term_at(from->r,
								     index),
						.bytes = 10,
					};
		}
		KUNIT_ASSERT_EQ(to->test, server_receive(to, &message), 0);
	}
	server_done(from);
}

static void leader_makes_its_log_theirs(struct kunit *test)
{
	static const u64 terms[] = { 1, 1, 4, 4, 5, 5, 6, 6, 6 };
	const struct terms_case *c = test->param_value;
	struct server *leader = server_restored(test, 3, 7, terms, 9);
	struct server *s = server_restored(test, 3, 7, c->terms, c->n);
	struct raft_proposal p = { .bytes = 10 };
	u64 last = ARRAY_SIZE(terms) + 3, index;
	u32 round;

	server_done(s);
	win(leader, 3);
	KUNIT_ASSERT_EQ(test, server_propose(leader, &p), 0);
	server_time(leader, 0);
	for (round = 0; round < 32; round++) {
		carry(leader, s, RAFT_APPEND_ENTRIES);
		carry(s, leader, RAFT_APPEND_ENTRIES_RESPONSE);
		server_persist(s);
		carry(s, leader, RAFT_APPEND_ENTRIES_RESPONSE);
		server_time(leader, NSEC_PER_MSEC);
	}
	KUNIT_EXPECT_EQ(test, leader->r->log.last_index, last);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, last);
	for (index = 1; index <= last; index++)
		KUNIT_EXPECT_EQ(test, raft_term_at(s->r, index),
				raft_term_at(leader->r, index));
	KUNIT_EXPECT_EQ(test, raft_find_peer(leader->r, 2)->match_index, last);
	server_persist(leader);
	KUNIT_EXPECT_EQ(test, leader->r->commit_index, last);
	carry(leader, s, RAFT_APPEND_ENTRIES);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, last);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(entries_and_heartbeats_go_to_all, size_gen_params),
	KUNIT_CASE_PARAM(majority_commits, acceptor_gen_params),
	KUNIT_CASE(own_write_comes_too_late),
	KUNIT_CASE(probe_is_one_message),
	KUNIT_CASE_PARAM(preceding_entries_commit_with_it,
			 preceding_gen_params),
	KUNIT_CASE_PARAM(follower_commits_what_it_is_told, told_gen_params),
	KUNIT_CASE_PARAM(follower_checks_and_appends, append_gen_params),
	KUNIT_CASE_PARAM(leader_makes_its_log_theirs, figure_7_gen_params),
	{}
};

struct kunit_suite raftlog_raft_paper_log_suite = {
	.name = "raftlog_raft_paper_log",
	.test_cases = cases,
};
