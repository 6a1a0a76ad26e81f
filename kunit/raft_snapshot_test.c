// SPDX-License-Identifier: GPL-2.0
/* Peers that need entries which are gone (5.1, 5.1.3), on both sides. */
#include "raft_fixture.h"
#include "suites.h"

/* InstallSnapshot of server @from with a configuration of @n members. */
static int install(struct server *s, u32 from, u64 term, u64 index,
		   u64 snapshot_term, u64 configuration_index, u32 n)
{
	const struct server *other = server_new(s->test, n);
	struct raft_entry entry = {
		.data = other->configuration,
		.bytes = other->configuration_bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
	struct raft_message message = {
		.type = RAFT_INSTALL_SNAPSHOT,
		.from = from,
		.to = s->settings.node_id,
		.term = term,
		.install_snapshot = {
			.snapshot_index = index,
			.snapshot_term = snapshot_term,
			.configuration_index = configuration_index,
			.sent_ns = 77,
		},
		.entries = &entry,
		.n_entries = 1,
	};

	return server_receive(s, &message);
}

static const struct raft_message *answer(const struct server *s)
{
	const struct raft_send *send =
		server_sent(s, RAFT_APPEND_ENTRIES_RESPONSE, 0);

	KUNIT_ASSERT_NOT_NULL(s->test, send);
	return &send->message;
}

/* Follower in term 3 with entries 2 … 6, of which @commit are committed. */
static struct server *follower(struct kunit *test, u64 commit)
{
	static const u64 terms[] = { 1, 2, 2, 3, 3 };
	struct server *s = server_restored(test, 3, 3, terms, 5);

	KUNIT_ASSERT_EQ(test, server_append(s, 2, 3, 6, 3, NULL, 0, commit), 0);
	server_persist(s);
	server_done(s);
	return s;
}

static void expect_based(struct server *s, u64 index, u64 term)
{
	KUNIT_EXPECT_TRUE(s->test, s->update.base_changed);
	KUNIT_EXPECT_TRUE(s->test, s->update.base_discards);
	KUNIT_EXPECT_EQ(s->test, s->update.base_index, index);
	KUNIT_EXPECT_EQ(s->test, s->update.base_term, term);
	KUNIT_EXPECT_EQ(s->test, s->r->log.first_index, index + 1);
	KUNIT_EXPECT_EQ(s->test, s->r->log.last_index, index);
	KUNIT_EXPECT_EQ(s->test, raft_term_at(s->r, index), term);
	KUNIT_EXPECT_EQ(s->test, raft_term_at(s->r, index - 1), 0ull);
	KUNIT_EXPECT_EQ(s->test, s->r->commit_index, index);
}

static void log_that_is_too_short_begins_anew(struct kunit *test)
{
	struct server *s = follower(test, 6);

	KUNIT_ASSERT_EQ(test, install(s, 2, 4, 20, 4, 1, 3), 0);
	expect_based(s, 20, 4);
	/* Nothing of it is acknowledged before it is durable. */
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.match_index,
			0ull);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.match_index,
			20ull);
	KUNIT_EXPECT_EQ(test, s->r->durable_index, 20ull);
}

/* The disk fails before anybody could have begun it anew: nothing is behind entry 6. */
static void failed_disk_has_nothing_of_it(struct kunit *test)
{
	struct raft_event failed = { .type = RAFT_EVENT_STORAGE_FAILED };
	struct server *s = follower(test, 6);

	KUNIT_ASSERT_EQ(test, install(s, 2, 4, 20, 4, 1, 3), 0);
	KUNIT_ASSERT_EQ(test, s->update.commit_index, 20ull);
	server_event(s, &failed);
	KUNIT_EXPECT_FALSE(test, s->update.base_changed);
	KUNIT_EXPECT_LE(test, s->update.commit_index, 6ull);
}

static void entries_follow_what_was_installed(struct kunit *test)
{
	static const u64 terms[] = { 4, 4 };
	struct server *s = follower(test, 6);

	install(s, 2, 4, 20, 4, 1, 3);
	KUNIT_ASSERT_EQ(test, server_append(s, 2, 4, 20, 4, terms, 2, 21), 0);
	KUNIT_EXPECT_TRUE(test, s->update.base_discards);
	KUNIT_EXPECT_EQ(test, s->update.first_index, 21ull);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 2u);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.match_index,
			22ull);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 21ull);
}

/* Entries that came in the same batch go, and are not written behind it. */
static void entries_before_it_in_the_batch_go(struct kunit *test)
{
	static const u64 terms[] = { 3, 3 };
	struct server *s = follower(test, 6);

	server_append(s, 2, 3, 6, 3, terms, 2, 6);
	KUNIT_ASSERT_EQ(test, s->update.n_entries, 2u);
	install(s, 2, 3, 20, 3, 1, 3);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 20ull);
}

/*
 * The boundary: its entry is there, and only what is behind it is unknown. All of the
 * log stays, also what the leader may have replaced: that is for entries to tell.
 */
static void log_that_has_the_entry_is_kept(struct kunit *test)
{
	struct server *s = follower(test, 2);

	KUNIT_ASSERT_EQ(test, install(s, 2, 4, 4, 2, 1, 3), 0);
	KUNIT_EXPECT_FALSE(test, s->update.base_changed);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 6ull);
	server_persist(s);
	/* What it covers is committed. */
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 4ull);
	KUNIT_EXPECT_EQ(test, s->r->verified_index, 4ull);
}

/* The boundary: another entry is there. What is behind that is no better. */
static void log_that_conflicts_there_goes(struct kunit *test)
{
	struct server *s = follower(test, 2);

	KUNIT_ASSERT_EQ(test, install(s, 2, 5, 4, 3, 1, 3), 0);
	expect_based(s, 4, 3);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.match_index,
			4ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 5), 0ull);
}

/* Who leads a term has all that is committed: this one lies. */
static void conflict_below_commit_stops_the_group(struct kunit *test)
{
	struct server *s = follower(test, 6);

	KUNIT_EXPECT_EQ(test, install(s, 2, 5, 4, 3, 1, 3), -ENOTRECOVERABLE);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_FAILED);
	KUNIT_EXPECT_FALSE(test, s->update.base_changed);
}

static void snapshot_that_comes_late_changes_nothing(struct kunit *test)
{
	struct server *s = follower(test, 6);

	install(s, 2, 4, 20, 4, 1, 3);
	server_persist(s);
	server_done(s);
	KUNIT_ASSERT_EQ(test, install(s, 2, 4, 20, 4, 1, 3), 0);
	KUNIT_EXPECT_FALSE(test, s->update.base_changed);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.match_index,
			20ull);
	server_done(s);
	/* One from before that. */
	KUNIT_ASSERT_EQ(test, install(s, 2, 4, 10, 4, 1, 3), 0);
	KUNIT_EXPECT_FALSE(test, s->update.base_changed);
	KUNIT_EXPECT_EQ(test, s->r->log.first_index, 21ull);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.match_index,
			20ull);
}

static void snapshot_of_an_old_leader_is_refused(struct kunit *test)
{
	struct server *s = follower(test, 6);

	server_append(s, 2, 7, 6, 3, NULL, 0, 6);
	server_persist(s);
	server_done(s);
	KUNIT_ASSERT_EQ(test, install(s, 3, 5, 20, 5, 1, 3), 0);
	KUNIT_EXPECT_FALSE(test, s->update.base_changed);
	KUNIT_EXPECT_TRUE(test, answer(s)->append_entries_response.rejected);
	KUNIT_EXPECT_EQ(test, answer(s)->term, 7ull);
}

static void snapshot_of_a_second_leader_is_ignored(struct kunit *test)
{
	struct server *s = follower(test, 6);

	KUNIT_ASSERT_EQ(test, install(s, 3, 3, 20, 3, 1, 3), 0);
	KUNIT_EXPECT_FALSE(test, s->update.base_changed);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
}

/*
 * A leader does not know whether its peer will take it: a follower that has voted
 * meanwhile, or stands for election itself, has another term.
 */
static void election_during_install(struct kunit *test)
{
	static const u64 terms[] = { 6 };
	struct server *s = follower(test, 6);

	/* Its log begins anew, and is not durable yet. */
	install(s, 2, 4, 20, 4, 1, 3);
	server_time(s, 2 * FIXTURE_ELECTION_NS);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_PRE_CANDIDATE);
	/* It stands by what it installed, and not by what it had. */
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_REQUEST_VOTE, 3)
				->message.request_vote.last_log_index,
			20ull);
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_REQUEST_VOTE, 3)
				->message.request_vote.last_log_term,
			4ull);
	server_done(s);
	server_ask(s, 3, 6, false, 19, 4);
	KUNIT_EXPECT_FALSE(test,
			   server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3)
				   ->message.request_vote_response.granted);
	server_done(s);
	server_ask(s, 3, 6, false, 20, 4);
	KUNIT_EXPECT_TRUE(test,
			  server_sent(s, RAFT_REQUEST_VOTE_RESPONSE, 3)
				  ->message.request_vote_response.granted);
	server_persist(s);
	/* The leader before is late with the same. */
	server_done(s);
	install(s, 2, 4, 20, 4, 1, 3);
	KUNIT_EXPECT_TRUE(test, answer(s)->append_entries_response.rejected);
	server_done(s);
	KUNIT_ASSERT_EQ(test, server_append(s, 3, 6, 20, 4, terms, 1, 20), 0);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, answer(s)->append_entries_response.match_index,
			21ull);
}

static void expect_committed(struct server *s, u64 index, u32 n_members)
{
	const struct raft_configuration *configuration;
	u64 found;

	configuration = raft_committed_configuration(s->r, &found);
	KUNIT_EXPECT_EQ(s->test, found, index);
	KUNIT_EXPECT_EQ(s->test, configuration->n_members, n_members);
}

/* The members are those of the snapshot, and so are the majorities. */
static void configuration_comes_with_the_snapshot(struct kunit *test)
{
	struct server *s = follower(test, 6);

	install(s, 2, 4, 20, 4, 15, 5);
	KUNIT_EXPECT_EQ(test, raft_configuration(s->r)->n_members, 5u);
	KUNIT_EXPECT_FALSE(test, raft_is_quorum(s->r, 0x3));
	KUNIT_EXPECT_TRUE(test, raft_is_quorum(s->r, 0x7));
	expect_committed(s, 15, 5);
}

/*
 * Disjoint quorums: whoever goes by an older configuration after an install counts a
 * majority of members that are none any more. One that is behind the snapshot comes
 * with it, and entries that hold an older one come after it.
 */
static void no_disjoint_quorums_after_install(struct kunit *test)
{
	const struct server *three = server_new(test, 3);
	struct raft_entry older = {
		.term = 4,
		.data = three->configuration,
		.bytes = three->configuration_bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES,
		.from = 2,
		.to = 1,
		.term = 4,
		.append_entries = {
			.prev_log_index = 20,
			.prev_log_term = 4,
		},
		.entries = &older,
		.n_entries = 1,
	};
	struct server *s = follower(test, 6);
	u32 id;

	install(s, 2, 4, 20, 4, 25, 5);
	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	server_persist(s);
	KUNIT_ASSERT_EQ(test, s->r->log.last_index, 21ull);
	KUNIT_EXPECT_EQ(test, raft_configuration(s->r)->n_members, 5u);
	/* Two of five elect nobody, though they are two of the old three. */
	server_timeout(s);
	for (id = 2; id <= 2; id++)
		server_vote(s, id, 5, true, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_PRE_CANDIDATE);
	server_vote(s, 4, 5, true, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_CANDIDATE);
}

/* A leader that is elected early may know of less than its follower does. */
static void newer_configuration_of_the_follower_stays(struct kunit *test)
{
	struct server *s = follower(test, 6);

	install(s, 2, 4, 20, 4, 30, 5);
	server_persist(s);
	install(s, 3, 6, 25, 5, 15, 3);
	KUNIT_EXPECT_EQ(test, s->r->log.first_index, 26ull);
	KUNIT_EXPECT_EQ(test, raft_configuration(s->r)->n_members, 5u);
	expect_committed(s, 30, 5);
}

/* Entry 21 of leader 2, a configuration of @configuration. */
static int append_configuration(struct server *s,
				const struct raft_configuration *configuration)
{
	u8 data[RAFT_CONFIGURATION_BYTES_MAX];
	struct raft_entry entry = {
		.term = 4,
		.data = data,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES,
		.from = 2,
		.to = 1,
		.term = 4,
		.append_entries = {
			.prev_log_index = 20,
			.prev_log_term = 4,
			.leader_commit = 20,
		},
		.entries = &entry,
		.n_entries = 1,
	};

	entry.bytes = raft_configuration_encode(configuration, data,
						sizeof(data));
	return server_receive(s, &message);
}

/* Voters 1, 2, 3 on their way to 1, 4, 5. */
static int install_joint(struct server *s, struct raft_configuration *c)
{
	const struct server *five = server_new(s->test, 5);
	u8 data[RAFT_CONFIGURATION_BYTES_MAX];
	struct raft_entry entry = {
		.data = data,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
	struct raft_message message = {
		.type = RAFT_INSTALL_SNAPSHOT,
		.from = 2,
		.to = 1,
		.term = 4,
		.install_snapshot = {
			.snapshot_index = 20,
			.snapshot_term = 4,
			.configuration_index = 15,
			.sent_ns = 77,
		},
		.entries = &entry,
		.n_entries = 1,
	};
	u32 i;

	KUNIT_ASSERT_EQ(s->test,
			raft_configuration_decode(c, five->configuration,
						  five->configuration_bytes),
			0);
	c->joint = true;
	for (i = 0; i < c->n_members; i++) {
		c->members[i].kind = i == 0 || i > 2 ? RAFT_VOTER : RAFT_ABSENT;
		c->members[i].old_kind = i < 3 ? RAFT_VOTER : RAFT_ABSENT;
	}
	entry.bytes = raft_configuration_encode(c, data, sizeof(data));
	return server_receive(s, &message);
}

/* 4.3: until C_new is in its log, it takes both majorities; also once it is not. */
static void joint_configuration_comes_with_the_snapshot(struct kunit *test)
{
	static const u64 terms[] = { 5 };
	struct server *s = follower(test, 6);
	struct raft_configuration c;

	KUNIT_ASSERT_EQ(test, install_joint(s, &c), 0);
	KUNIT_EXPECT_FALSE(test, raft_is_quorum(s->r, 0x07));
	KUNIT_EXPECT_FALSE(test, raft_is_quorum(s->r, 0x19));
	KUNIT_EXPECT_TRUE(test, raft_is_quorum(s->r, 0x0b));
	expect_committed(s, 15, 5);
	server_persist(s);
	server_done(s);
	c.joint = false;
	c.members[1] = c.members[3];
	c.members[2] = c.members[4];
	c.n_members = 3;
	c.members[0].old_kind = 0;
	c.members[1].old_kind = 0;
	c.members[2].old_kind = 0;
	KUNIT_ASSERT_EQ(test, append_configuration(s, &c), 0);
	KUNIT_EXPECT_FALSE(test, raft_configuration(s->r)->joint);
	expect_committed(s, 15, 5);
	server_persist(s);
	server_done(s);
	/* Another leader puts something else in its place. */
	KUNIT_ASSERT_EQ(test, server_append(s, 3, 5, 20, 4, terms, 1, 20), 0);
	KUNIT_EXPECT_TRUE(test, raft_configuration(s->r)->joint);
	KUNIT_EXPECT_FALSE(test, raft_is_quorum(s->r, 0x07));
	KUNIT_EXPECT_TRUE(test, raft_is_quorum(s->r, 0x0b));
}

/* One that was not committed goes with the log that it was in. */
static void uncommitted_configuration_goes(struct kunit *test)
{
	const struct server *five = server_new(test, 5);
	struct raft_entry entry = {
		.term = 3,
		.data = five->configuration,
		.bytes = five->configuration_bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES,
		.from = 2,
		.to = 1,
		.term = 3,
		.append_entries = {
			.prev_log_index = 6,
			.prev_log_term = 3,
			.leader_commit = 6,
		},
		.entries = &entry,
		.n_entries = 1,
	};
	struct server *s = follower(test, 6);

	KUNIT_ASSERT_EQ(test, server_receive(s, &message), 0);
	KUNIT_ASSERT_EQ(test, raft_configuration(s->r)->n_members, 5u);
	server_persist(s);
	KUNIT_ASSERT_EQ(test, install(s, 3, 4, 20, 4, 1, 3), 0);
	KUNIT_EXPECT_EQ(test, raft_configuration(s->r)->n_members, 3u);
	expect_committed(s, 1, 3);
}

/* Where its entry is, if it is committed, this server will never see. */
static void proposal_that_was_skipped_is_unknown(struct kunit *test)
{
	struct raft_proposal sent = { .bytes = 10 };
	struct raft_proposal waiting = { .bytes = 10 };
	struct server *s = follower(test, 6);

	server_propose(s, &sent);
	server_time(s, 0);
	KUNIT_ASSERT_NOT_NULL(test, server_sent(s, RAFT_PROPOSE, 2));
	server_done(s);
	server_propose(s, &waiting);
	install(s, 2, 3, 20, 3, 1, 3);
	KUNIT_EXPECT_TRUE(test, server_finished(s, &sent));
	KUNIT_EXPECT_EQ(test, sent.result, -ETIMEDOUT);
	/* This one never left, and goes on. */
	KUNIT_EXPECT_FALSE(test, server_finished(s, &waiting));
	server_done(s);
	server_time(s, 0);
	KUNIT_EXPECT_NOT_NULL(test, server_sent(s, RAFT_PROPOSE, 2));
}

/* Nothing but room that is sure to be there is counted on. */
static void room_is_known_once_it_is_durable(struct kunit *test)
{
	struct server *s = follower(test, 6);

	s->r->space_bytes = 3000;
	install(s, 2, 3, 20, 3, 1, 3);
	KUNIT_EXPECT_LE(test, raft_space(s->r), 3000ull);
	server_persist(s);
	KUNIT_EXPECT_GT(test, raft_space(s->r), 3000ull);
}

/* It was damaged beyond what it gets: it knows that it had more. */
static void damage_is_remembered_through_an_install(struct kunit *test)
{
	static const u64 terms[] = { 6, 6, 6, 6 };
	struct server *s = server_new(test, 3);
	struct raft_hard_state hard_state = { .current_term = 6 };
	struct raft_entry entry = {
		.term = 1,
		.data = s->configuration,
		.bytes = s->configuration_bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};

	raft_restore_entry(s->r, 1, &entry);
	KUNIT_ASSERT_EQ(
		test, raft_restore_hard_state(s->r, &hard_state, FIXTURE_SPACE),
		0);
	KUNIT_ASSERT_EQ(test, raft_restore_lost(s->r, 24, 6), 0);
	KUNIT_ASSERT_EQ(test, raft_start(s->r, s->now_ns, &s->update), 0);
	server_done(s);
	install(s, 2, 6, 20, 6, 1, 3);
	server_persist(s);
	KUNIT_EXPECT_TRUE(test, raft_is_damaged(s->r));
	server_append(s, 2, 6, 20, 6, terms, 4, 20);
	server_persist(s);
	KUNIT_EXPECT_FALSE(test, raft_is_damaged(s->r));
	KUNIT_EXPECT_EQ(test, s->r->lost_index, 0ull);
}

static void nonsense_is_refused(struct kunit *test)
{
	struct server *s = follower(test, 6);
	struct raft_message message = {
		.type = RAFT_INSTALL_SNAPSHOT,
		.from = 2,
		.to = 1,
		.term = 4,
		.install_snapshot = {
			.snapshot_index = 20,
			.snapshot_term = 4,
			.configuration_index = 1,
		},
	};

	KUNIT_EXPECT_EQ(test, server_receive(s, &message), -EINVAL);
	KUNIT_EXPECT_EQ(test, install(s, 2, 4, 0, 4, 1, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, install(s, 2, 4, 20, 0, 1, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, install(s, 2, 4, 20, 5, 1, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, install(s, 2, 4, 20, 4, 0, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 3ull);
}

/* A leader says where its log begins with each heartbeat, until it is heard. */
static void leader_sends_it_until_it_is_there(struct kunit *test)
{
	struct raft_event event = { .type = RAFT_EVENT_COMPACT };
	struct server *s = server_leader(test, 3);
	const struct raft_send *send;
	u64 last = s->r->log.last_index;
	u32 i;

	server_ack_probe(s, 2);
	server_ack(s, 2, last);
	event.index = last;
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	server_persist(s);
	server_refuse(s, 3, 0, 0);
	server_done(s);
	for (i = 0; i < 3; i++) {
		server_ack(s, 2, last);
		server_time(s, FIXTURE_HEARTBEAT_NS);
		send = server_sent(s, RAFT_INSTALL_SNAPSHOT, 3);
		KUNIT_ASSERT_NOT_NULL(test, send);
		KUNIT_EXPECT_EQ(test,
				send->message.install_snapshot.snapshot_index,
				last);
		KUNIT_EXPECT_EQ(test,
				send->message.install_snapshot.snapshot_term,
				s->r->hard_state.current_term);
		/* And that it leads. */
		KUNIT_EXPECT_NOT_NULL(test,
				      server_sent(s, RAFT_APPEND_ENTRIES, 3));
		KUNIT_EXPECT_NULL(test,
				  server_sent(s, RAFT_INSTALL_SNAPSHOT, 2));
		server_done(s);
	}
	server_ack(s, 3, last);
	server_ack(s, 2, last);
	server_time(s, FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_NULL(test, server_sent(s, RAFT_INSTALL_SNAPSHOT, 0));
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 3)->match_index, last);
}

static struct kunit_case snapshot_cases[] = {
	KUNIT_CASE(log_that_is_too_short_begins_anew),
	KUNIT_CASE(failed_disk_has_nothing_of_it),
	KUNIT_CASE(entries_follow_what_was_installed),
	KUNIT_CASE(entries_before_it_in_the_batch_go),
	KUNIT_CASE(log_that_has_the_entry_is_kept),
	KUNIT_CASE(log_that_conflicts_there_goes),
	KUNIT_CASE(conflict_below_commit_stops_the_group),
	KUNIT_CASE(snapshot_that_comes_late_changes_nothing),
	KUNIT_CASE(snapshot_of_an_old_leader_is_refused),
	KUNIT_CASE(snapshot_of_a_second_leader_is_ignored),
	KUNIT_CASE(election_during_install),
	KUNIT_CASE(configuration_comes_with_the_snapshot),
	KUNIT_CASE(no_disjoint_quorums_after_install),
	KUNIT_CASE(newer_configuration_of_the_follower_stays),
	KUNIT_CASE(joint_configuration_comes_with_the_snapshot),
	KUNIT_CASE(uncommitted_configuration_goes),
	KUNIT_CASE(proposal_that_was_skipped_is_unknown),
	KUNIT_CASE(room_is_known_once_it_is_durable),
	KUNIT_CASE(damage_is_remembered_through_an_install),
	KUNIT_CASE(nonsense_is_refused),
	KUNIT_CASE(leader_sends_it_until_it_is_there),
	{}
};

struct kunit_suite raftlog_raft_snapshot_suite = {
	.name = "raftlog_raft_snapshot",
	.test_cases = snapshot_cases,
};
