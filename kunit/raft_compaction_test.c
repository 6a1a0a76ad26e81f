// SPDX-License-Identifier: GPL-2.0
/* A log that does not begin with entry 1 (5), on both sides of replication. */
#include "raft_fixture.h"
#include "suites.h"

static int compact(struct server *s, u64 index)
{
	struct raft_event event = {
		.type = RAFT_EVENT_COMPACT,
		.index = index,
	};

	return server_event(s, &event);
}

/* Follower of server 2 with entries 2 … 6, committed and durable. */
static struct server *follower(struct kunit *test)
{
	static const u64 terms[] = { 1, 2, 2, 3, 3 };
	struct server *s = server_restored(test, 3, 3, terms, 5);

	KUNIT_ASSERT_EQ(test, server_append(s, 2, 3, 6, 3, NULL, 0, 6), 0);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, 6ull);
	server_done(s);
	return s;
}

static const struct raft_message *answer(const struct server *s)
{
	const struct raft_send *send =
		server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE, 0);

	KUNIT_ASSERT_NOT_NULL(s->test, send);
	return &send->message;
}

static void expect_match(struct server *s, u64 match_index)
{
	KUNIT_EXPECT_FALSE(s->test,
			   answer(s)->append_entries_response.rejected);
	KUNIT_EXPECT_EQ(s->test, answer(s)->append_entries_response.match_index,
			match_index);
}

static void what_is_committed_and_durable_can_go(struct kunit *test)
{
	struct server *s = follower(test);
	struct raft_status status;

	KUNIT_ASSERT_EQ(test, compact(s, 4), 0);
	KUNIT_EXPECT_TRUE(test, s->update.base_changed);
	KUNIT_EXPECT_EQ(test, s->update.base_index, 4ull);
	KUNIT_EXPECT_EQ(test, s->update.base_term, 2ull);
	/* It is a write, and tells how much room there is then. */
	KUNIT_EXPECT_GT(test, s->update.hard_state_seq, 0ull);
	raft_status(s->r, &status);
	KUNIT_EXPECT_EQ(test, status.first_index, 5ull);
	KUNIT_EXPECT_EQ(test, status.last_index, 6ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 3), 0ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 4), 2ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 5), 3ull);
}

static void what_went_does_not_go_again(struct kunit *test)
{
	struct server *s = follower(test);

	compact(s, 4);
	server_persist(s);
	server_done(s);
	KUNIT_EXPECT_EQ(test, compact(s, 4), 0);
	KUNIT_EXPECT_EQ(test, compact(s, 2), 0);
	KUNIT_EXPECT_FALSE(test, s->update.base_changed);
	KUNIT_EXPECT_EQ(test, s->update.hard_state_seq, 0ull);
	KUNIT_EXPECT_EQ(test, s->r->log.first_index, 5ull);
}

static void what_is_not_committed_stays(struct kunit *test)
{
	static const u64 terms[] = { 3, 3 };
	struct server *s = follower(test);

	server_append(s, 2, 3, 6, 3, terms, 2, 6);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, compact(s, 7), -EINVAL);
	KUNIT_EXPECT_EQ(test, compact(s, 6), 0);
	KUNIT_EXPECT_EQ(test, s->r->log.first_index, 7ull);
}

static void what_is_not_durable_stays(struct kunit *test)
{
	static const u64 terms[] = { 3, 3 };
	struct server *s = follower(test);

	server_append(s, 2, 3, 6, 3, terms, 2, 8);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, 8ull);
	KUNIT_EXPECT_EQ(test, compact(s, 7), -EINVAL);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, compact(s, 8), 0);
	KUNIT_EXPECT_EQ(test, s->r->log.first_index, 9ull);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 8ull);
}

static void all_of_it_can_go_and_more_can_come(struct kunit *test)
{
	static const u64 terms[] = { 3, 4 };
	struct server *s = follower(test);

	KUNIT_ASSERT_EQ(test, compact(s, 6), 0);
	server_persist(s);
	server_done(s);
	KUNIT_ASSERT_EQ(test, server_append(s, 2, 4, 6, 3, terms, 2, 6), 0);
	server_persist(s);
	expect_match(s, 8);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 6), 3ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 7), 3ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 8), 4ull);
}

static void append_that_begins_before_the_log(struct kunit *test)
{
	static const u64 terms[] = { 2, 2, 3, 3, 3 };
	struct server *s = follower(test);

	compact(s, 5);
	server_persist(s);
	server_done(s);
	KUNIT_ASSERT_EQ(test, server_append(s, 2, 3, 2, 1, terms, 5, 6), 0);
	KUNIT_EXPECT_EQ(test, s->update.first_index, 7ull);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 1u);
	server_persist(s);
	expect_match(s, 7);
}

/* A message that was late: all of it is committed, and was here. */
static void append_that_ends_before_the_log(struct kunit *test)
{
	static const u64 terms[] = { 1, 2 };
	struct server *s = follower(test);

	compact(s, 5);
	server_persist(s);
	server_append(s, 2, 4, 1, 1, NULL, 0, 1);
	server_persist(s);
	server_done(s);
	KUNIT_ASSERT_EQ(test, server_append(s, 2, 4, 1, 1, terms, 2, 1), 0);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 6ull);
	expect_match(s, 5);
}

static void heartbeat_that_tells_of_no_entry_is_answered(struct kunit *test)
{
	struct server *s = follower(test);

	compact(s, 5);
	server_persist(s);
	server_append(s, 2, 4, 0, 0, NULL, 0, 6);
	server_persist(s);
	server_done(s);
	KUNIT_ASSERT_EQ(test, server_append(s, 2, 4, 0, 0, NULL, 0, 6), 0);
	expect_match(s, 5);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.sent_ns,
			77ull);
	/* What the leader has of the log behind that is not known. */
	KUNIT_EXPECT_EQ(test, s->r->verified_index, 5ull);
}

static void hint_is_not_before_the_log(struct kunit *test)
{
	static const u64 more[] = { 3, 3, 3 };
	struct server *s = follower(test);

	server_append(s, 2, 3, 6, 3, more, 3, 6);
	server_persist(s);
	compact(s, 5);
	server_persist(s);
	server_done(s);
	/* Of another leader, whose log goes on differently. */
	server_append(s, 3, 5, 9, 4, NULL, 0, 6);
	KUNIT_EXPECT_TRUE(test, answer(s)->append_entries_response.rejected);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.hint_index,
			9ull);
	server_done(s);
	server_append(s, 3, 5, 8, 4, NULL, 0, 6);
	KUNIT_EXPECT_GE(test, answer(s)->append_entries_response.hint_index,
			5ull);
}

/* The end of a log of which nothing is left is the entry before it. */
static void vote_goes_by_what_went(struct kunit *test)
{
	struct server *s = follower(test);

	compact(s, 6);
	server_persist(s);
	server_time(s, FIXTURE_ELECTION_NS);
	server_done(s);
	server_ask(s, 3, 9, false, 5, 3);
	KUNIT_EXPECT_FALSE(test,
			   server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3)
				   ->message.request_vote_response.granted);
	server_done(s);
	server_ask(s, 3, 9, false, 6, 3);
	KUNIT_EXPECT_TRUE(test,
			  server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3)
				  ->message.request_vote_response.granted);
	server_timeout(s);
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_REQUEST_VOTE, 3)
				->message.request_vote.last_log_index,
			6ull);
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_REQUEST_VOTE, 3)
				->message.request_vote.last_log_term,
			3ull);
}

/* Leader of three in term 2 with entries to @last, all committed by server 2. */
static struct server *leader(struct kunit *test, u64 last)
{
	static struct raft_proposal proposals[16];
	struct server *s = server_leader(test, 3);
	u64 i;

	for (i = s->r->log.last_index + 1; i <= last; i++) {
		proposals[i] = (struct raft_proposal){ .bytes = 10 };
		KUNIT_ASSERT_EQ(test, server_propose(s, &proposals[i]), 0);
	}
	server_time(s, 0);
	server_persist(s);
	server_ack_probe(s, 2);
	server_ack(s, 2, last);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, last);
	server_done(s);
	return s;
}

static u8 progress_of(struct server *s, u32 id)
{
	return raft_find_peer(s->r, id)->progress;
}

/* The peer has less than what is left: it is told that there is a leader. */
static void peer_that_needs_what_went(struct kunit *test)
{
	struct server *s = leader(test, 9);
	const struct raft_send *send;

	KUNIT_ASSERT_EQ(test, compact(s, 7), 0);
	server_persist(s);
	server_refuse(s, 3, 4, 2);
	server_done(s);
	KUNIT_EXPECT_EQ(test, progress_of(s, 3), (u8)RAFT_PROGRESS_SNAPSHOT);
	server_time(s, FIXTURE_HEARTBEAT_NS);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.append_entries.prev_log_index,
			0ull);
	KUNIT_EXPECT_EQ(test, send->message.append_entries.prev_log_term, 0ull);
	KUNIT_EXPECT_LT(test, send->last_index, send->first_index);
	server_done(s);
	/* It counts as alive by answering that. */
	server_ack(s, 3, 4);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, progress_of(s, 3), (u8)RAFT_PROGRESS_SNAPSHOT);
	KUNIT_EXPECT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 3));
	/* Somehow it got there. */
	server_ack(s, 3, 7);
	KUNIT_EXPECT_EQ(test, progress_of(s, 3), (u8)RAFT_PROGRESS_PROBE);
	server_ack_probe(s, 3);
	server_time(s, 0);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->first_index, 8ull);
	KUNIT_EXPECT_EQ(test, send->last_index, 9ull);
}

/* The term of the base is known: whoever has that entry can go on from there. */
static void peer_that_ends_where_the_log_begins(struct kunit *test)
{
	struct server *s = leader(test, 9);

	compact(s, 7);
	server_persist(s);
	server_done(s);
	server_time(s, FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES, 3)
				->message.append_entries.prev_log_term,
			2ull);
	/* It has another one there. */
	server_refuse(s, 3, 7, 1);
	KUNIT_EXPECT_EQ(test, progress_of(s, 3), (u8)RAFT_PROGRESS_SNAPSHOT);
}

/* Not lost, but late: what it has is asked for before it is given up. */
static void peer_that_is_overtaken_is_asked(struct kunit *test)
{
	struct server *s = leader(test, 9);
	const struct raft_send *send;

	server_ack_probe(s, 3);
	server_refuse(s, 3, 0, 0);
	server_ack_probe(s, 3);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, progress_of(s, 3), (u8)RAFT_PROGRESS_REPLICATE);
	server_ack(s, 3, 2);
	compact(s, 9);
	server_persist(s);
	server_done(s);
	/* A heartbeat in between says nothing of entries that went. */
	server_time(s, FIXTURE_HEARTBEAT_NS);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.append_entries.prev_log_index,
			0ull);
	server_done(s);
	server_ack(s, 2, 9);
	server_time(s, 8 * FIXTURE_HEARTBEAT_NS);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, progress_of(s, 3), (u8)RAFT_PROGRESS_PROBE);
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES, 3)
				->message.append_entries.prev_log_index,
			9ull);
	server_ack_probe(s, 3);
	KUNIT_EXPECT_EQ(test, progress_of(s, 3), (u8)RAFT_PROGRESS_REPLICATE);
}

/* What would be sent next went, while what was sent is still under way. */
static void peer_whose_next_entry_went_is_asked(struct kunit *test)
{
	struct server *s = leader(test, 12);

	s->r->settings.append_entries_max = 1;
	server_ack_probe(s, 3);
	server_refuse(s, 3, 0, 0);
	server_ack_probe(s, 3);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, progress_of(s, 3), (u8)RAFT_PROGRESS_REPLICATE);
	KUNIT_ASSERT_LT(test, raft_find_peer(s->r, 3)->next_index, 9ull);
	compact(s, 10);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, progress_of(s, 3), (u8)RAFT_PROGRESS_PROBE);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 3)->next_index, 11ull);
}

/*
 * It has got further than it knows to be committed, but not as far as the log begins:
 * it cannot be told, and is not sent something for each answer to that.
 */
static void peer_that_is_overtaken_is_left_alone(struct kunit *test)
{
	static struct raft_proposal proposals[16];
	struct server *s = server_leader(test, 3);
	u32 i;

	server_ack_probe(s, 2);
	server_ack_probe(s, 3);
	for (i = s->r->log.last_index + 1; i <= 9; i++) {
		proposals[i] = (struct raft_proposal){ .bytes = 10 };
		KUNIT_ASSERT_EQ(test, server_propose(s, &proposals[i]), 0);
	}
	server_time(s, 0);
	server_persist(s);
	server_ack(s, 2, 9);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, 9ull);
	compact(s, 7);
	server_persist(s);
	server_done(s);
	for (i = 0; i < 3; i++) {
		server_ack(s, 3, 4);
		server_time(s, 0);
		KUNIT_ASSERT_EQ(test, progress_of(s, 3),
				(u8)RAFT_PROGRESS_REPLICATE);
		KUNIT_EXPECT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 3));
		server_done(s);
	}
	server_ack(s, 3, 9);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES, 3)
				->message.append_entries.leader_commit,
			9ull);
}

/* Server 1 with what is left behind (@index, @term); not started. */
static struct server *based(struct kunit *test, u64 index, u64 term,
			    u64 configuration_index)
{
	struct server *s = server_new(test, 3);

	KUNIT_ASSERT_EQ(test,
			raft_restore_base(s->r, index, term, s->configuration,
					  s->configuration_bytes,
					  configuration_index),
			0);
	return s;
}

static void begin(struct server *s, u64 term)
{
	struct raft_hard_state hard_state = { .current_term = term };

	KUNIT_ASSERT_EQ(
		s->test,
		raft_restore_hard_state(s->r, &hard_state, FIXTURE_SPACE), 0);
	KUNIT_ASSERT_EQ(s->test, raft_start(s->r, s->now_ns, &s->update), 0);
	server_time(s, FIXTURE_ELECTION_NS);
	server_done(s);
}

static void log_is_restored_from_its_base_on(struct kunit *test)
{
	struct raft_entry entry = { .term = 4, .bytes = 10 };
	struct server *s = based(test, 20, 4, 3);

	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 20, &entry), -EINVAL);
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 22, &entry), -EINVAL);
	entry.term = 3;
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 21, &entry), -EINVAL);
	entry.term = 4;
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 21, &entry), 0);
	begin(s, 4);
	/* What went was committed. */
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 20ull);
	KUNIT_EXPECT_EQ(test, s->r->durable_index, 21ull);
	KUNIT_EXPECT_EQ(test, raft_configuration(s->r)->n_members, 3u);
	KUNIT_ASSERT_EQ(test, server_append(s, 2, 4, 20, 4, NULL, 0, 20), 0);
	expect_match(s, 20);
}

static void base_does_not_come_late(struct kunit *test)
{
	struct raft_entry entry = { .term = 4, .bytes = 10 };
	struct server *s = based(test, 20, 4, 3);

	raft_restore_entry(s->r, 21, &entry);
	KUNIT_EXPECT_EQ(test,
			raft_restore_base(s->r, 30, 4, s->configuration,
					  s->configuration_bytes, 3),
			-EINVAL);
	begin(s, 4);
	KUNIT_EXPECT_EQ(test,
			raft_restore_base(s->r, 30, 4, s->configuration,
					  s->configuration_bytes, 3),
			-EINVAL);
}

static void base_needs_a_configuration(struct kunit *test)
{
	struct server *s = server_new(test, 3);

	KUNIT_EXPECT_EQ(test,
			raft_restore_base(s->r, 30, 4, s->configuration, 0, 3),
			-EINVAL);
	KUNIT_EXPECT_EQ(test,
			raft_restore_base(s->r, 30, 4, s->configuration,
					  s->configuration_bytes, 0),
			-EINVAL);
}

/* An entry with a configuration of @n members. */
static struct raft_entry configuration_entry(struct kunit *test, u64 term,
					     u32 n)
{
	const struct server *other = server_new(test, n);

	return (struct raft_entry){
		.term = term,
		.data = other->configuration,
		.bytes = other->configuration_bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
}

static void expect_committed(struct server *s, u64 index, u32 n_members)
{
	const struct raft_configuration *configuration;
	u64 found;

	configuration = raft_committed_configuration(s->r, &found);
	KUNIT_EXPECT_EQ(s->test, found, index);
	KUNIT_EXPECT_EQ(s->test, configuration->n_members, n_members);
}

/*
 * The base came with a configuration that was committed behind it. Entries in between
 * must not bring back an older one, whose majorities need not overlap with its.
 */
static void older_configuration_does_not_come_back(struct kunit *test)
{
	struct raft_entry entry = configuration_entry(test, 4, 5);
	struct raft_entry data = { .term = 4, .bytes = 10 };
	struct server *s = based(test, 20, 4, 22);

	KUNIT_ASSERT_EQ(test, raft_restore_entry(s->r, 21, &entry), 0);
	KUNIT_EXPECT_EQ(test, raft_configuration(s->r)->n_members, 3u);
	KUNIT_ASSERT_EQ(test, raft_restore_entry(s->r, 22, &data), 0);
	entry = configuration_entry(test, 4, 4);
	KUNIT_ASSERT_EQ(test, raft_restore_entry(s->r, 23, &entry), 0);
	KUNIT_EXPECT_EQ(test, raft_configuration(s->r)->n_members, 4u);
	expect_committed(s, 22, 3);
}

/* And so when it comes from a leader. */
static void older_configuration_is_not_taken_from_a_leader(struct kunit *test)
{
	struct raft_entry entry = configuration_entry(test, 4, 5);
	struct server *s = based(test, 20, 4, 22);
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES,
		.from = 2,
		.to = 1,
		.term = 4,
		.append_entries = {
			.prev_log_index = 20,
			.prev_log_term = 4,
		},
		.entries = &entry,
		.n_entries = 1,
	};

	begin(s, 4);
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 21ull);
	KUNIT_EXPECT_EQ(test, raft_configuration(s->r)->n_members, 3u);
}

static void
suffix_behind_the_base_takes_its_configuration_along(struct kunit *test)
{
	static const u64 terms[] = { 5 };
	struct raft_entry entry = configuration_entry(test, 4, 5);
	struct server *s = based(test, 20, 4, 3);

	KUNIT_ASSERT_EQ(test, raft_restore_entry(s->r, 21, &entry), 0);
	begin(s, 4);
	KUNIT_ASSERT_EQ(test, raft_configuration(s->r)->n_members, 5u);
	KUNIT_ASSERT_EQ(test, server_append(s, 2, 5, 20, 4, terms, 1, 20), 0);
	KUNIT_EXPECT_EQ(test, raft_configuration(s->r)->n_members, 3u);
	expect_committed(s, 3, 3);
}

/*
 * A second change reaches a follower before it hears that the first is committed; but
 * a leader would not have made it if it were not. What goes with a base is the first,
 * and not the one before that.
 */
static void configuration_before_the_newest_is_committed(struct kunit *test)
{
	struct raft_entry entries[3];
	struct server *s = based(test, 20, 4, 3);
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES,
		.from = 2,
		.to = 1,
		.term = 4,
		.append_entries = {
			.prev_log_index = 20,
			.prev_log_term = 4,
			.leader_commit = 22,
		},
		.entries = entries,
		.n_entries = 3,
	};

	entries[0] = configuration_entry(test, 4, 4);
	entries[1] = (struct raft_entry){ .term = 4, .bytes = 10 };
	entries[2] = configuration_entry(test, 4, 5);
	begin(s, 4);
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	server_persist(s);
	expect_committed(s, 21, 4);
	KUNIT_ASSERT_EQ(test, compact(s, 22), 0);
	expect_committed(s, 21, 4);
	KUNIT_EXPECT_EQ(test, raft_configuration(s->r)->n_members, 5u);
}

/* Whoever lost entries down to the base votes by the end that it had. */
static void damage_down_to_the_base(struct kunit *test)
{
	struct server *s = based(test, 20, 4, 3);
	struct raft_hard_state hard_state = { .current_term = 6 };

	KUNIT_ASSERT_EQ(
		test, raft_restore_hard_state(s->r, &hard_state, FIXTURE_SPACE),
		0);
	KUNIT_ASSERT_EQ(test, raft_restore_lost(s->r, 24, 5), 0);
	KUNIT_ASSERT_EQ(test, raft_start(s->r, s->now_ns, &s->update), 0);
	server_time(s, FIXTURE_ELECTION_NS);
	server_done(s);
	server_ask(s, 3, 9, false, 23, 5);
	KUNIT_EXPECT_FALSE(test,
			   server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3)
				   ->message.request_vote_response.granted);
	server_done(s);
	server_ask(s, 3, 10, false, 24, 5);
	KUNIT_EXPECT_TRUE(test,
			  server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3)
				  ->message.request_vote_response.granted);
}

static struct kunit_case compaction_cases[] = {
	KUNIT_CASE(what_is_committed_and_durable_can_go),
	KUNIT_CASE(what_went_does_not_go_again),
	KUNIT_CASE(what_is_not_committed_stays),
	KUNIT_CASE(what_is_not_durable_stays),
	KUNIT_CASE(all_of_it_can_go_and_more_can_come),
	KUNIT_CASE(append_that_begins_before_the_log),
	KUNIT_CASE(append_that_ends_before_the_log),
	KUNIT_CASE(heartbeat_that_tells_of_no_entry_is_answered),
	KUNIT_CASE(hint_is_not_before_the_log),
	KUNIT_CASE(vote_goes_by_what_went),
	KUNIT_CASE(peer_that_needs_what_went),
	KUNIT_CASE(peer_that_ends_where_the_log_begins),
	KUNIT_CASE(peer_that_is_overtaken_is_asked),
	KUNIT_CASE(peer_whose_next_entry_went_is_asked),
	KUNIT_CASE(peer_that_is_overtaken_is_left_alone),
	KUNIT_CASE(log_is_restored_from_its_base_on),
	KUNIT_CASE(base_does_not_come_late),
	KUNIT_CASE(base_needs_a_configuration),
	KUNIT_CASE(older_configuration_does_not_come_back),
	KUNIT_CASE(older_configuration_is_not_taken_from_a_leader),
	KUNIT_CASE(suffix_behind_the_base_takes_its_configuration_along),
	KUNIT_CASE(configuration_before_the_newest_is_committed),
	KUNIT_CASE(damage_down_to_the_base),
	{}
};

struct kunit_suite raftlog_raft_compaction_suite = {
	.name = "raftlog_raft_compaction",
	.test_cases = compaction_cases,
};
