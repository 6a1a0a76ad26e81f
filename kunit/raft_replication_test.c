// SPDX-License-Identifier: GPL-2.0
/* AppendEntries on both sides, commit, durability, flow control. */
#include "raft_fixture.h"
#include "suites.h"

static const struct raft_message *answer(const struct server *s)
{
	const struct raft_send *send =
		server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE, 0);

	KUNIT_ASSERT_NOT_NULL(s->test, send);
	return &send->message;
}

static void follower_appends_and_acknowledges_once_durable(struct kunit *test)
{
	static const u64 terms[] = { 2, 2 };
	struct server *s = server_started(test, 3);

	server_done(s);
	KUNIT_ASSERT_EQ(test, server_append(s, 2, 2, 1, 1, terms, 2, 1), 0);
	KUNIT_EXPECT_EQ(test, s->update.first_index, 2ull);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 2u);
	KUNIT_EXPECT_NULL(test,
			  server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE, 0));
	server_persist(s);
	KUNIT_EXPECT_EQ(test,
			answer(s)->append_entries_response.match_index, 3ull);
	KUNIT_EXPECT_EQ(test, s->r->durable_index, 3ull);
}

static void heartbeat_is_answered_while_the_disk_works(struct kunit *test)
{
	static const u64 terms[] = { 2, 2 };
	struct server *s = server_started(test, 3);

	server_append(s, 2, 2, 1, 1, NULL, 0, 1);
	server_persist(s);
	server_append(s, 2, 2, 1, 1, terms, 2, 1);
	server_done(s);
	server_append(s, 2, 2, 3, 2, NULL, 0, 1);
	KUNIT_EXPECT_FALSE(test, answer(s)->append_entries_response.rejected);
	/* What is not durable is not acknowledged. */
	KUNIT_EXPECT_EQ(test,
			answer(s)->append_entries_response.match_index, 1ull);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.sent_ns,
			77ull);
}

static void new_term_is_durable_before_the_answer(struct kunit *test)
{
	struct server *s = server_started(test, 3);

	server_done(s);
	server_append(s, 2, 9, 1, 1, NULL, 0, 1);
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE, 2)
				->after_hard_state_seq,
			s->update.hard_state_seq);
	KUNIT_EXPECT_GT(test, s->update.hard_state_seq, 0ull);
}

static void delayed_message_does_not_shorten_the_log(struct kunit *test)
{
	static const u64 terms[] = { 2, 2, 2 };
	struct server *s = server_started(test, 3);

	server_append(s, 2, 2, 1, 1, terms, 3, 1);
	server_persist(s);
	server_done(s);
	server_append(s, 2, 2, 1, 1, terms, 1, 1);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 4ull);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
	KUNIT_EXPECT_EQ(test,
			answer(s)->append_entries_response.match_index, 4ull);
}

static void conflict_replaces_the_suffix(struct kunit *test)
{
	static const u64 old[] = { 1, 2, 2, 2 };
	static const u64 new[] = { 3, 3 };
	struct server *s = server_restored(test, 3, 2, old, 4);

	server_done(s);
	server_append(s, 2, 3, 3, 2, new, 2, 1);
	KUNIT_EXPECT_EQ(test, s->update.first_index, 4ull);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 2u);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 5ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 4), 3ull);
	/* What was durable there is not what is there now. */
	KUNIT_EXPECT_EQ(test, s->r->durable_index, 3ull);
	server_persist(s);
	KUNIT_EXPECT_EQ(test,
			answer(s)->append_entries_response.match_index, 5ull);
}

static void conflict_below_commit_stops_the_group(struct kunit *test)
{
	static const u64 old[] = { 1, 2, 2 };
	static const u64 new[] = { 3 };
	struct server *s = server_restored(test, 3, 2, old, 3);

	server_append(s, 2, 3, 4, 2, NULL, 0, 4);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, 4ull);
	server_persist(s);
	server_done(s);
	KUNIT_EXPECT_EQ(test, server_append(s, 2, 3, 2, 1, new, 1, 4),
			-ENOTRECOVERABLE);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FAILED);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
	KUNIT_EXPECT_NE(test, s->r->failure[0], '\0');
}

/*
 * A write of entries that were replaced, and replaced back, completes late: it
 * says nothing of the entries that are there now.
 */
static void old_write_of_replaced_entries_does_not_count(struct kunit *test)
{
	static const u64 second[] = { 2, 2 };
	static const u64 third[] = { 3 };
	static const u64 fourth[] = { 2, 2, 4 };
	struct server *s = server_started(test, 3);
	struct raft_event late = { .type = RAFT_EVENT_PERSISTED };

	server_append(s, 2, 2, 1, 1, second, 2, 1);
	late.persisted.hard_state_seq = s->write_seq;
	late.persisted.index = 3;
	late.persisted.term = 2;
	server_done(s);
	server_append(s, 3, 3, 1, 1, third, 1, 1);
	server_done(s);
	server_append(s, 2, 4, 1, 1, fourth, 3, 1);
	server_done(s);
	KUNIT_ASSERT_EQ(test, raft_term_at(s->r, 3), 2ull);
	KUNIT_ASSERT_EQ(test, server_event(s, &late), 0);
	KUNIT_EXPECT_EQ(test, s->r->durable_index, 1ull);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, s->r->durable_index, 4ull);
}

struct refusal_case {
	const char *name;
	u64 prev;
	u64 prev_term;
	u64 hint_index;
	u64 hint_term;
};

/* Against index 1…5 of terms 1 1 2 2 2. */
static const struct refusal_case refusal_cases[] = {
	{ "beyond the end", 9, 2, 5, 2 },
	{ "beyond the end, older term", 9, 1, 2, 1 },
	{ "conflict, newer term", 5, 3, 5, 2 },
	{ "conflict, older term", 4, 1, 2, 1 },
};

KUNIT_ARRAY_PARAM(refusal, refusal_cases, NULL);

static void refusal_hints_where_to_go_on(struct kunit *test)
{
	static const u64 terms[] = { 1, 2, 2, 2 };
	const struct refusal_case *c = test->param_value;
	struct server *s = server_restored(test, 3, 4, terms, 4);

	server_done(s);
	server_append(s, 2, 5, c->prev, c->prev_term, NULL, 0, 1);
	KUNIT_EXPECT_TRUE(test, answer(s)->append_entries_response.rejected);
	KUNIT_EXPECT_EQ_MSG(test,
			    answer(s)->append_entries_response.hint_index,
			    c->hint_index, "%s", c->name);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.hint_term,
			c->hint_term);
	KUNIT_EXPECT_EQ(test,
			answer(s)->append_entries_response.match_index, 0ull);
}

static void commit_only_what_is_known_to_match(struct kunit *test)
{
	static const u64 terms[] = { 1, 2, 2 };
	struct server *s = server_restored(test, 3, 2, terms, 3);

	/* The leader committed 4, but only up to 2 the logs are known equal. */
	server_append(s, 2, 3, 2, 1, NULL, 0, 4);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 2ull);
	server_append(s, 2, 3, 3, 2, NULL, 0, 4);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 3ull);
}

/* That its log equals the one of this leader is to be found out again. */
static void match_with_an_earlier_leader_is_none_with_the_next(struct kunit *test)
{
	static const u64 terms[] = { 2, 2, 2 };
	struct server *s = server_started(test, 3);

	server_append(s, 2, 2, 1, 1, terms, 3, 1);
	server_persist(s);
	KUNIT_ASSERT_EQ(test,
			answer(s)->append_entries_response.match_index, 4ull);
	server_append(s, 3, 3, 2, 2, NULL, 0, 4);
	server_persist(s);
	server_done(s);
	server_append(s, 3, 3, 2, 2, NULL, 0, 4);
	KUNIT_EXPECT_EQ(test,
			answer(s)->append_entries_response.match_index, 2ull);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 2ull);
	server_append(s, 3, 3, 4, 2, NULL, 0, 4);
	KUNIT_EXPECT_EQ(test,
			answer(s)->append_entries_response.match_index, 4ull);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 4ull);
}

struct impossible_case {
	const char *name;
	u64 term, prev, prev_term, terms[2];
	u32 n;
};

static const struct impossible_case impossible_cases[] = {
	{ "entry of a later term", 2, 1, 1, { 3 }, 1 },
	{ "terms go back", 3, 1, 1, { 2, 1 }, 2 },
	{ "term below prev_log_term", 3, 1, 2, { 1 }, 1 },
	{ "prev without a term", 3, 1, 0, {}, 0 },
	{ "term without a prev", 3, 0, 1, {}, 0 },
	{ "term 0", 3, 1, 1, { 0 }, 1 },
	{ "message of term 0", 0, 0, 0, {}, 0 },
};

KUNIT_ARRAY_PARAM(impossible, impossible_cases, NULL);

static void impossible_messages_change_nothing(struct kunit *test)
{
	const struct impossible_case *c = test->param_value;
	struct server *s = server_started(test, 3);

	server_done(s);
	KUNIT_EXPECT_EQ_MSG(test,
			    server_append(s, 2, c->term, c->prev, c->prev_term,
					  c->terms, c->n, 0),
			    -EINVAL, "%s", c->name);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 1ull);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
}

/* A leader that lies about the members does not stop the group. */
static void what_is_no_configuration_is_refused(struct kunit *test)
{
	static const u8 rubbish[RAFT_CONFIGURATION_HEADER_BYTES +
				RAFT_CONFIGURATION_MEMBER_BYTES] = { 1 };
	struct server *s = server_started(test, 3);
	struct raft_entry entry = {
		.term = 3,
		.data = rubbish,
		.bytes = sizeof(rubbish),
		.type = RAFT_ENTRY_CONFIGURATION,
	};
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES,
		.from = 2,
		.to = 1,
		.term = 3,
		.append_entries = { .prev_log_index = 1, .prev_log_term = 1 },
		.entries = &entry,
		.n_entries = 1,
	};

	KUNIT_EXPECT_EQ(test, server_receive(s, &message), -EINVAL);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 1ull);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FOLLOWER);
	entry.data = s->configuration;
	entry.bytes = s->configuration_bytes;
	KUNIT_EXPECT_EQ(test, server_receive(s, &message), 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 2ull);
}

/* 4.2.2: only one that may lead, or does, need not be known. */
static void strangers_are_not_heard(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	u64 term = s->r->hard_state.current_term;

	KUNIT_EXPECT_EQ(test, server_ack(s, 4, 2), 0);
	KUNIT_EXPECT_EQ(test, server_ack(s, 5, 2), 0);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 1ull);
	KUNIT_EXPECT_EQ(test, server_vote(s, 4, 9, false, true), 0);
	/* What it says itself, and what nobody says. */
	KUNIT_EXPECT_EQ(test, server_append(s, 1, 9, 1, 1, NULL, 0, 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, server_append(s, 0, 9, 1, 1, NULL, 0, 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, server_ask(s, 0, 9, false, 9, 9), -EINVAL);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, term);
}

static void a_second_leader_of_a_term_is_not_believed(struct kunit *test)
{
	static const u64 terms[] = { 2 };
	struct server *s = server_started(test, 3);

	server_append(s, 2, 2, 1, 1, NULL, 0, 1);
	server_persist(s);
	server_done(s);
	KUNIT_EXPECT_EQ(test, server_append(s, 3, 2, 1, 1, terms, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 1ull);
	KUNIT_EXPECT_EQ(test, s->r->leader_id, 2u);
}

static void leader_pipelines_within_its_limits(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal *p =
		kunit_kzalloc(test, 8 * sizeof(*p), GFP_KERNEL);
	u32 i;

	server_ack_probe(s, 2);
	server_time(s, 0);
	server_ack(s, 2, 2);
	server_done(s);
	for (i = 0; i < 8; i++) {
		p[i].bytes = 900; /* one fits a message, four are in flight */
		KUNIT_ASSERT_EQ(test, server_propose(s, &p[i]), 0);
		server_time(s, 0);
	}
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->n_inflight, 4u);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->next_index, 7ull);
	/* Each is sent before the one before it is acknowledged. */
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES, 2)->first_index,
			6ull);
	server_done(s);
	server_ack(s, 2, 4);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->next_index, 9ull);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->match_index, 4ull);
}

/* Of messages and bytes under way, whichever limit comes first: see server_member(). */
struct limit_case {
	const char *name;
	u32 bytes; /* of each entry */
	u32 n_messages;
	u64 last_index; /* of what is under way */
};

static const struct limit_case limit_cases[] = {
	{ "two a message, four messages", 450, 4, 10 },
	{ "one a message, four messages", 900, 4, 6 },
	{ "larger than a message, until the bytes are reached", 1100, 4, 6 },
	{ "larger than a message, three messages", 1400, 3, 5 },
	{ "larger than a message, two messages", 2000, 2, 4 },
};

static void describe_limit(const struct limit_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(limit, limit_cases, describe_limit);

static void messages_and_bytes_under_way_are_limited(struct kunit *test)
{
	const struct limit_case *c = test->param_value;
	struct server *s = server_leader(test, 3);
	struct raft_proposal *p =
		kunit_kzalloc(test, 10 * sizeof(*p), GFP_KERNEL);
	const struct raft_peer *peer;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	/* There is more than is sent. */
	s->r->settings.uncommitted_bytes_max = 10 * c->bytes * 4 / 3 + 4;
	for (i = 0; i < 10; i++) {
		p[i].bytes = c->bytes;
		KUNIT_ASSERT_EQ(test, server_propose(s, &p[i]), 0);
	}
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->r->log.last_index, 12ull);
	server_persist(s);
	server_done(s);
	server_ack_probe(s, 2);
	/* The first message has the no-op, which takes no room. */
	server_ack(s, 2, 2);
	server_time(s, 0);
	peer = raft_find_peer(s->r, 2);
	KUNIT_EXPECT_EQ(test, peer->n_inflight, c->n_messages);
	KUNIT_EXPECT_EQ(test, peer->next_index, c->last_index + 1);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES),
			c->n_messages);
	KUNIT_EXPECT_EQ(test, peer->inflight_bytes,
			(c->last_index - 2) * c->bytes);
	/* Nothing more, whatever comes, but heartbeats without entries. */
	server_done(s);
	server_time(s, FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, peer->next_index, c->last_index + 1);
	/* An old acknowledgment makes no room, a new one that of its messages. */
	server_ack(s, 2, 2);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, peer->n_inflight, c->n_messages);
	server_ack(s, 2, c->last_index);
	KUNIT_EXPECT_EQ(test, peer->n_inflight, 0u);
	KUNIT_EXPECT_EQ(test, peer->inflight_bytes, 0ull);
	server_done(s);
	server_time(s, 0);
	KUNIT_EXPECT_NOT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 2));
	KUNIT_EXPECT_GT(test, peer->next_index, c->last_index + 1);
}

/* Late for whatever comes, it has one look at what came meanwhile, and no more. */
static void leader_that_is_always_late_steps_down(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	u32 i;

	for (i = 0; i < 100; i++) {
		server_time(s, 3 * FIXTURE_HEARTBEAT_NS);
		server_done(s);
	}
	KUNIT_EXPECT_NE(test, s->r->role, (u8)RAFT_LEADER);
}

static void leader_batches_what_fits(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal p[3] = { { .bytes = 400 },
				      { .bytes = 400 },
				      { .bytes = 400 } };
	const struct raft_send *send;
	u32 i;

	server_ack_probe(s, 2);
	server_time(s, 0);
	server_ack(s, 2, 2);
	server_done(s);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, server_propose(s, &p[i]), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES), 2u);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 2);
	KUNIT_EXPECT_EQ(test, send->first_index, 5ull);
	KUNIT_EXPECT_EQ(test, send->last_index, 5ull);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 3u);
}

/* 10.2.1: its own write and those of its followers overlap. */
static void leader_sends_before_its_disk_is_done(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal p = { .bytes = 10 };
	const struct raft_send *send;

	server_ack_probe(s, 2);
	server_time(s, 0);
	server_ack(s, 2, 2);
	server_done(s);
	server_propose(s, &p);
	server_time(s, 0);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->after_hard_state_seq, 0ull);
	/* A majority without the leader is one too; then its disk is late. */
	server_ack(s, 2, 3);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 2ull);
	server_ack(s, 3, 3);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 3ull);
	KUNIT_EXPECT_TRUE(test, server_finished(s, &p));
	KUNIT_EXPECT_EQ(test, p.result, 0);
	KUNIT_EXPECT_EQ(test, p.index, 3ull);
	KUNIT_EXPECT_EQ(test, p.term, 2ull);
}

/* 3.6.2, figure 3.7: an old term's entry on a majority is not committed. */
static void old_terms_do_not_commit_by_counting(struct kunit *test)
{
	static const u64 terms[] = { 2 };
	struct server *s = server_restored(test, 3, 3, terms, 1);

	server_timeout(s);
	server_vote(s, 2, 4, true, true);
	server_persist(s);
	server_vote(s, 2, 4, false, true);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	server_ack(s, 2, 2);
	server_ack(s, 3, 2);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 1ull);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 1ull);
	server_ack(s, 2, 3);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 3ull);
}

static void commit_is_told_at_once(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	server_ack_probe(s, 2);
	server_time(s, 0);
	server_done(s);
	server_ack(s, 2, 2);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, 2ull);
	KUNIT_ASSERT_NOT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 2));
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES, 2)
				->message.append_entries.leader_commit,
			2ull);
}

static void answers_of_other_terms_do_not_count(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = 2,
		.to = 1,
		.term = 1,
		.append_entries_response = { .match_index = 2 },
	};

	server_receive(s, &message);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->match_index, 0ull);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 1ull);
	/* Nor does one that claims more than there is. */
	message.term = 2;
	message.append_entries_response.match_index = 99;
	server_receive(s, &message);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->match_index, 0ull);
}

/* What its peers had when it led before may have been replaced since. */
static void leader_begins_without_matches(struct kunit *test)
{
	static const u64 terms[] = { 3 };
	struct server *s = server_leader(test, 3);

	server_ack_probe(s, 2);
	server_time(s, 0);
	server_ack(s, 2, 2);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, 2ull);
	KUNIT_ASSERT_EQ(test, raft_find_peer(s->r, 2)->match_index, 2ull);
	server_append(s, 3, 3, 2, 2, terms, 1, 2);
	server_persist(s);
	server_timeout(s);
	server_vote(s, 2, 4, true, true);
	server_persist(s);
	server_vote(s, 2, 4, false, true);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->match_index, 0ull);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->n_inflight, 0u);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->progress,
			(u8)RAFT_PROGRESS_PROBE);
}

/* The probe goes back over a whole term with each refusal. */
static void backtracking_skips_terms(struct kunit *test)
{
	static const u64 terms[] = { 2, 2, 2, 5, 5, 5 };
	struct server *s = server_restored(test, 3, 5, terms, 6);
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = 2,
		.to = 1,
		.term = 6,
	};

	server_timeout(s);
	server_vote(s, 2, 6, true, true);
	server_persist(s);
	server_vote(s, 2, 6, false, true);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES, 2)
				->message.append_entries.prev_log_index,
			7ull);
	message.append_entries_response.rejected = true;
	message.append_entries_response.prev_log_index = 7;
	message.append_entries_response.hint_index = 6;
	message.append_entries_response.hint_term = 3;
	server_done(s);
	server_receive(s, &message);
	server_time(s, 0);
	KUNIT_ASSERT_NOT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 2));
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES, 2)
				->message.append_entries.prev_log_index,
			4ull);
	/* The same refusal again, delayed, changes nothing. */
	server_receive(s, &message);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->next_index, 5ull);
}

static void lost_entries_are_found_by_time(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal p = { .bytes = 10 };
	u32 i;

	server_ack_probe(s, 2);
	server_time(s, 0);
	server_ack(s, 2, 2);
	server_propose(s, &p);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, raft_find_peer(s->r, 2)->n_inflight, 1u);
	for (i = 0; i < 4 && raft_find_peer(s->r, 2)->n_inflight; i++) {
		server_done(s);
		server_time(s, FIXTURE_HEARTBEAT_NS);
	}
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->progress,
			(u8)RAFT_PROGRESS_PROBE);
	server_done(s);
	server_ack_probe(s, 2);
	server_time(s, 0);
	KUNIT_ASSERT_NOT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 2));
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES, 2)->first_index,
			3ull);
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES, 2)->last_index,
			3ull);
}

/* What is acknowledged is not sent again, whatever is heard of it afterwards. */
static void acknowledged_entries_are_not_sent_again(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	const struct raft_send *send;
	u32 i;

	server_ack_probe(s, 2);
	server_time(s, 0);
	server_ack(s, 2, 2);
	server_time(s, 0);
	for (i = 0; i < 20; i++) {
		server_done(s);
		server_time(s, FIXTURE_HEARTBEAT_NS);
		send = server_sent(s, RAFT_APPEND_ENTRIES, 2);
		KUNIT_ASSERT_NOT_NULL(test, send);
		KUNIT_EXPECT_LT(test, send->last_index, send->first_index);
		KUNIT_EXPECT_EQ(test,
				send->message.append_entries.prev_log_index,
				2ull);
		server_done(s);
		server_ack_probe(s, 2);
		server_ack(s, 2, i % 2 + 1);
		server_time(s, 0);
		KUNIT_EXPECT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 2));
	}
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->match_index, 2ull);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->progress,
			(u8)RAFT_PROGRESS_REPLICATE);
}

/*
 * Two messages overtake each other, so that the second one is refused, and the
 * refusal comes when the first one is acknowledged and the leader probes again.
 */
static void late_refusal_does_not_go_below_the_match(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal p[2] = { { .bytes = 10 }, { .bytes = 10 } };
	struct raft_message refusal = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = 2,
		.to = 1,
		.term = s->r->hard_state.current_term,
		.append_entries_response = {
			.rejected = true,
			.prev_log_index = 3,
			.hint_index = 2,
			.hint_term = 2,
		},
	};
	const struct raft_send *send;
	u32 i;

	server_ack_probe(s, 2);
	server_time(s, 0);
	server_ack(s, 2, 2);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, server_propose(s, &p[i]), 0);
		server_done(s);
		server_time(s, 0);
		send = server_sent(s, RAFT_APPEND_ENTRIES, 2);
		KUNIT_ASSERT_NOT_NULL(test, send);
		KUNIT_ASSERT_EQ(test, send->last_index, i + 3ull);
	}
	refusal.append_entries_response.sent_ns = s->now_ns;
	s->now_ns += NSEC_PER_MSEC;
	server_ack(s, 2, 3);
	for (i = 0; i < 4 && raft_find_peer(s->r, 2)->n_inflight; i++) {
		server_persist(s);
		server_time(s, FIXTURE_HEARTBEAT_NS);
	}
	KUNIT_ASSERT_EQ(test, raft_find_peer(s->r, 2)->progress,
			(u8)RAFT_PROGRESS_PROBE);
	KUNIT_ASSERT_EQ(test, raft_find_peer(s->r, 2)->next_index, 4ull);
	server_done(s);
	server_receive(s, &refusal);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->match_index, 3ull);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->next_index, 4ull);
	server_time(s, 0);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.append_entries.prev_log_index,
			3ull);
}

static void old_entries_are_caught_up_one_at_a_time(struct kunit *test)
{
	u64 *terms = kunit_kzalloc(test, 100 * sizeof(*terms), GFP_KERNEL);
	struct server *s;
	const struct raft_send *send;
	u32 i;

	for (i = 0; i < 100; i++)
		terms[i] = 2;
	s = server_restored(test, 3, 2, terms, 100);
	server_timeout(s);
	server_vote(s, 2, 3, true, true);
	server_persist(s);
	server_vote(s, 2, 3, false, true);
	server_time(s, 0);
	server_persist(s);
	raft_find_peer(s->r, 3)->next_index = 2;
	server_done(s);
	server_ack_probe(s, 3);
	server_time(s, 0);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_TRUE(test, send->catch_up);
	KUNIT_EXPECT_EQ(test, send->first_index, 2ull);
	KUNIT_EXPECT_LT(test, send->last_index, s->r->log.window_first);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 3)->n_inflight, 1u);
	/* However much it held, the answer says where to go on. */
	server_done(s);
	server_ack(s, 3, 9);
	server_time(s, 0);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->first_index, 10ull);
}

/* A peer that was started again on a damaged disk gets it all again. */
static void leader_sends_again_what_a_peer_lost(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_message refusal = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = 2,
		.to = 1,
		.term = s->r->hard_state.current_term,
		.append_entries_response = {
			.rejected = true,
			.prev_log_index = 2,
			.hint_index = 1,
			.hint_term = 1,
		},
	};
	const struct raft_send *send;

	server_ack_probe(s, 2);
	server_ack(s, 2, 2);
	server_persist(s);
	server_done(s);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, 2ull);
	/* An answer that was late says nothing. */
	refusal.append_entries_response.sent_ns = s->now_ns;
	server_receive(s, &refusal);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->match_index, 2ull);
	s->now_ns++;
	refusal.append_entries_response.sent_ns = s->now_ns;
	server_receive(s, &refusal);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 2)->match_index, 0ull);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 2ull);
	server_done(s);
	server_time(s, 0);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.append_entries.prev_log_index,
			1ull);
}

static void full_update_changes_nothing(struct kunit *test)
{
	static const u64 terms[] = { 2, 2 };
	struct server *s = server_started(test, 3);
	struct raft_event time = { .type = RAFT_EVENT_TIME };

	server_done(s);
	s->update.n_entries = FIXTURE_ENTRIES - 3;
	KUNIT_EXPECT_EQ(test, server_append(s, 2, 2, 1, 1, terms, 2, 1),
			-EAGAIN);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 1ull);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 1ull);
	s->update.n_entries = 0;
	s->update.n_sends = FIXTURE_SENDS - 2 * RAFT_STEP_SENDS_MAX + 1;
	KUNIT_EXPECT_EQ(test, server_append(s, 2, 2, 1, 1, terms, 2, 1),
			-EAGAIN);
	/* Time can always pass. */
	KUNIT_EXPECT_EQ(test, server_event(s, &time), 0);
	server_done(s);
	KUNIT_EXPECT_EQ(test, server_append(s, 2, 2, 1, 1, terms, 2, 1), 0);
}

static void full_disk_takes_nothing_but_answers(struct kunit *test)
{
	static const u64 terms[] = { 2, 2 };
	struct server *s = server_started(test, 3);

	s->r->space_bytes = FIXTURE_OVERHEAD - 1;
	server_done(s);
	server_append(s, 2, 2, 1, 1, terms, 2, 9);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 1ull);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 1ull);
	server_append(s, 2, 2, 1, 1, NULL, 0, 9);
	KUNIT_EXPECT_FALSE(test, answer(s)->append_entries_response.rejected);
	KUNIT_EXPECT_EQ(test,
			answer(s)->append_entries_response.match_index, 1ull);
}

/* What fits is taken, or a message too large would come again for ever. */
static void nearly_full_disk_takes_what_fits(struct kunit *test)
{
	static const u64 terms[] = { 2, 2, 2, 2 };
	struct server *s = server_started(test, 3);

	s->r->space_bytes = 3 * FIXTURE_OVERHEAD;
	server_done(s);
	server_append(s, 2, 2, 1, 1, terms, 4, 9);
	KUNIT_EXPECT_GT(test, s->r->log.last_index, 1ull);
	KUNIT_EXPECT_LT(test, s->r->log.last_index, 5ull);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, s->r->log.last_index);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.match_index,
			s->r->log.last_index);
}

static void failed_storage_stops_the_group(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_event failed = { .type = RAFT_EVENT_STORAGE_FAILED,
				     .error = -EIO };
	struct raft_proposal p = { .bytes = 10 };

	server_propose(s, &p);
	server_done(s);
	KUNIT_EXPECT_EQ(test, server_event(s, &failed), -ENOTRECOVERABLE);
	KUNIT_EXPECT_TRUE(test, server_finished(s, &p));
	KUNIT_EXPECT_EQ(test, p.result, -EIO);
	KUNIT_EXPECT_NOT_NULL(test, server_edge(s, RAFT_EDGE_FAILED));
	KUNIT_EXPECT_EQ(test, server_ack(s, 2, 2), -ENOTRECOVERABLE);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(follower_appends_and_acknowledges_once_durable),
	KUNIT_CASE(heartbeat_is_answered_while_the_disk_works),
	KUNIT_CASE(new_term_is_durable_before_the_answer),
	KUNIT_CASE(delayed_message_does_not_shorten_the_log),
	KUNIT_CASE(conflict_replaces_the_suffix),
	KUNIT_CASE(conflict_below_commit_stops_the_group),
	KUNIT_CASE(old_write_of_replaced_entries_does_not_count),
	KUNIT_CASE_PARAM(refusal_hints_where_to_go_on, refusal_gen_params),
	KUNIT_CASE(commit_only_what_is_known_to_match),
	KUNIT_CASE(match_with_an_earlier_leader_is_none_with_the_next),
	KUNIT_CASE_PARAM(impossible_messages_change_nothing,
			 impossible_gen_params),
	KUNIT_CASE(what_is_no_configuration_is_refused),
	KUNIT_CASE(strangers_are_not_heard),
	KUNIT_CASE(a_second_leader_of_a_term_is_not_believed),
	KUNIT_CASE(leader_pipelines_within_its_limits),
	KUNIT_CASE_PARAM(messages_and_bytes_under_way_are_limited,
			 limit_gen_params),
	KUNIT_CASE(leader_that_is_always_late_steps_down),
	KUNIT_CASE(leader_batches_what_fits),
	KUNIT_CASE(leader_sends_before_its_disk_is_done),
	KUNIT_CASE(old_terms_do_not_commit_by_counting),
	KUNIT_CASE(commit_is_told_at_once),
	KUNIT_CASE(answers_of_other_terms_do_not_count),
	KUNIT_CASE(leader_begins_without_matches),
	KUNIT_CASE(backtracking_skips_terms),
	KUNIT_CASE(lost_entries_are_found_by_time),
	KUNIT_CASE(acknowledged_entries_are_not_sent_again),
	KUNIT_CASE(late_refusal_does_not_go_below_the_match),
	KUNIT_CASE(old_entries_are_caught_up_one_at_a_time),
	KUNIT_CASE(leader_sends_again_what_a_peer_lost),
	KUNIT_CASE(full_update_changes_nothing),
	KUNIT_CASE(full_disk_takes_nothing_but_answers),
	KUNIT_CASE(nearly_full_disk_takes_what_fits),
	KUNIT_CASE(failed_storage_stops_the_group),
	{}
};

struct kunit_suite raftlog_raft_replication_suite = {
	.name = "raftlog_raft_replication",
	.test_cases = cases,
};
