// SPDX-License-Identifier: GPL-2.0
/* Feature levels: what all members have is used, and never more. */
#include "raft_fixture.h"
#include "suites.h"

static int tell(struct server *s, u32 from, u8 level)
{
	struct raft_message message = {
		.type = RAFT_FEATURE_LEVEL,
		.from = from,
		.to = s->settings.node_id,
		.term = s->r->hard_state.current_term,
		.feature_level.level = level,
	};

	return server_receive(s, &message);
}

static void set_level(struct server *s, u8 level)
{
	s->r->settings.feature_level = level;
}

static u8 level_in_use(const struct server *s)
{
	struct raft_status *status =
		kunit_kzalloc(s->test, sizeof(*status), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(s->test, status);
	raft_status(s->r, status);
	return status->feature_level;
}

/* A leader of this level whose first entry all others have. */
static struct server *leader(struct kunit *test, u32 n_voters, u8 level)
{
	struct server *s = server_leader(test, n_voters);
	u32 id;

	set_level(s, level);
	for (id = 2; id <= n_voters; id++) {
		server_ack_probe(s, id);
		server_ack(s, id, s->r->log.last_index);
	}
	server_time(s, 0);
	server_done(s);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, s->r->log.last_index);
	return s;
}

static void expect_level(struct server *s, u8 in_log, u8 in_use)
{
	KUNIT_EXPECT_EQ(s->test, s->r->configuration.feature_level, in_log);
	KUNIT_EXPECT_EQ(s->test, level_in_use(s), in_use);
}

static void raised_once_all_have_told(struct kunit *test)
{
	struct server *s = leader(test, 3, 1);
	u64 last = s->r->log.last_index;

	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, last);
	tell(s, 2, 1);
	server_time(s, 0);
	expect_level(s, 0, 0);
	tell(s, 3, 1);
	server_time(s, 0);
	/* It counts when it is committed, and not before. */
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, last + 1);
	expect_level(s, 1, 0);
	server_persist(s);
	server_ack(s, 2, last + 1);
	server_time(s, 0);
	expect_level(s, 1, 1);
	/* And that was it. */
	server_time(s, FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, last + 1);
}

static void learner_is_counted(struct kunit *test)
{
	struct server *s = server_member(test, 1, 1, 1);

	set_level(s, 1);
	server_bootstrap(s);
	server_timeout(s);
	server_persist(s);
	server_persist(s);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	server_ack_probe(s, 2);
	server_time(s, 0);
	expect_level(s, 0, 0);
	tell(s, 2, 1);
	server_time(s, 0);
	expect_level(s, 1, 0);
}

static void lone_server_raises_by_itself(struct kunit *test)
{
	struct server *s = server_new(test, 1);

	set_level(s, 1);
	server_bootstrap(s);
	server_timeout(s);
	server_persist(s);
	server_persist(s);
	server_persist(s);
	expect_level(s, 1, 1);
}

static void member_that_is_silent_is_waited_for(struct kunit *test)
{
	struct server *s = leader(test, 3, 1);
	u32 id, i;

	tell(s, 3, 1);
	/* It went back to the version before, which answers and tells nothing. */
	for (i = 0; i < 3; i++) {
		server_done(s);
		server_time(s, FIXTURE_ELECTION_NS / 2);
		for (id = 2; id <= 3; id++)
			server_ack(s, id, s->r->log.last_index);
	}
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	tell(s, 2, 1);
	server_time(s, 0);
	expect_level(s, 0, 0);
	tell(s, 3, 1);
	server_time(s, 0);
	expect_level(s, 1, 0);
}

static void another_disk_tells_anew(struct kunit *test)
{
	struct server *s = leader(test, 3, 1);
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE, .from = 3, .to = 1,
		.term = s->r->hard_state.current_term, .incarnation = 0xbad,
	};

	tell(s, 3, 1);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 3)->feature_level, 1);
	server_receive(s, &message);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 3)->feature_level, 0);
}

static void old_leader_raises_nothing(struct kunit *test)
{
	struct server *s = leader(test, 3, 0);

	tell(s, 2, 1);
	tell(s, 3, 1);
	server_time(s, 0);
	expect_level(s, 0, 0);
}

/* Until then what others may have committed is not known. */
static void not_before_an_entry_of_its_term_is_committed(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	set_level(s, 1);
	tell(s, 2, 1);
	tell(s, 3, 1);
	server_time(s, 0);
	expect_level(s, 0, 0);
}

static void more_than_is_known_is_no_harm(struct kunit *test)
{
	struct server *s = leader(test, 2, 1);

	tell(s, 2, 200);
	server_time(s, 0);
	expect_level(s, 1, 0);
}

/* As a follower in term 3 of leader 2 hears it. */
static void heartbeat(struct server *s)
{
	server_done(s);
	KUNIT_ASSERT_EQ(s->test, server_append(s, 2, 3, 1, 1, NULL, 0, 1), 0);
}

static void follower_tells_while_it_has_more(struct kunit *test)
{
	struct server *s = server_restored(test, 3, 3, NULL, 0);
	const struct raft_send *send;

	heartbeat(s);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_FEATURE_LEVEL), 0u);
	set_level(s, 1);
	heartbeat(s);
	send = server_sent(s, RAFT_FEATURE_LEVEL, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.feature_level.level, 1);
	s->r->configuration.feature_level = 1;
	heartbeat(s);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_FEATURE_LEVEL), 0u);
}

/* The configuration of @s with a level of its own, as an entry. */
static struct raft_entry raised(struct server *s, u8 level)
{
	s->configuration[7] = level;
	return (struct raft_entry){
		.term = 1,
		.data = s->configuration,
		.bytes = s->configuration_bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
}

static void level_is_kept_in_the_log(struct kunit *test)
{
	struct server *s = server_new(test, 3);
	struct raft_entry entry = raised(s, 1);

	set_level(s, 1);
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 1, &entry), 0);
	KUNIT_EXPECT_EQ(test, s->r->configuration.feature_level, 1);
}

static void older_version_does_not_start(struct kunit *test)
{
	struct server *s = server_new(test, 3);
	struct raft_entry entry = raised(s, 1);

	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 1, &entry),
			-EPROTONOSUPPORT);
	KUNIT_EXPECT_EQ(test,
			raft_restore_base(s->r, 9, 1, entry.data, entry.bytes,
					  5),
			-EPROTONOSUPPORT);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 0ull);
}

static void expect_stopped(struct server *s)
{
	KUNIT_EXPECT_EQ(s->test, s->r->role, (u8)RAFT_FAILED);
	KUNIT_EXPECT_EQ(s->test, s->r->reason, (u8)RAFT_REASON_FEATURE_LEVEL);
	KUNIT_EXPECT_TRUE(s->test, strstr(s->r->failure, "upgrade"));
	/* Nothing of it is written, said, or given to anybody. */
	KUNIT_EXPECT_EQ(s->test, s->update.n_entries, 0u);
	KUNIT_EXPECT_EQ(s->test, s->update.n_sends, 0u);
	KUNIT_EXPECT_FALSE(s->test, s->update.base_changed);
}

static void older_version_stops_before_it_applies(struct kunit *test)
{
	struct server *s = server_restored(test, 3, 3, NULL, 0);
	struct raft_entry entry = raised(s, 1);
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES, .from = 2, .to = 1, .term = 3,
		.append_entries = { .prev_log_index = 1, .prev_log_term = 1 },
		.entries = &entry,
		.n_entries = 1,
	};

	entry.term = 3;
	server_done(s);
	server_receive(s, &message);
	expect_stopped(s);
}

static void older_version_installs_nothing(struct kunit *test)
{
	struct server *s = server_restored(test, 3, 3, NULL, 0);
	struct raft_entry entry = raised(s, 1);
	struct raft_message message = {
		.type = RAFT_INSTALL_SNAPSHOT, .from = 2, .to = 1, .term = 3,
		.install_snapshot = { .snapshot_index = 20, .snapshot_term = 3,
				      .configuration_index = 18 },
		.entries = &entry,
		.n_entries = 1,
	};

	entry.term = 0;
	server_done(s);
	server_receive(s, &message);
	expect_stopped(s);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 1ull);
}

static void change_of_members_keeps_the_level(struct kunit *test)
{
	struct server *s = leader(test, 3, 1);
	const struct raft_change change = { .type = RAFT_CHANGE_REMOVE, .id = 3 };
	struct raft_change_request request = {
		.changes = &change, .n_changes = 1, .result = 1,
	};
	struct raft_event event = { .type = RAFT_EVENT_CHANGE,
				    .change = &request };

	tell(s, 2, 1);
	tell(s, 3, 1);
	server_time(s, 0);
	server_persist(s);
	server_ack(s, 2, s->r->log.last_index);
	server_time(s, 0);
	expect_level(s, 1, 1);
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	KUNIT_ASSERT_EQ(test, request.result, 0);
	KUNIT_EXPECT_TRUE(test, s->r->configuration.joint);
	KUNIT_EXPECT_EQ(test, s->r->configuration.feature_level, 1);
}

static void recovery_keeps_the_level(struct kunit *test)
{
	const struct raft_hard_state hard_state = { .current_term = 3 };
	struct server *s = server_new(test, 3);
	struct raft_entry entry = raised(s, 1);

	set_level(s, 1);
	KUNIT_ASSERT_EQ(test, raft_restore_entry(s->r, 1, &entry), 0);
	KUNIT_ASSERT_EQ(test,
			raft_restore_hard_state(s->r, &hard_state,
						FIXTURE_SPACE),
			0);
	KUNIT_ASSERT_EQ(test, raft_recover(s->r, &s->update), 0);
	KUNIT_EXPECT_EQ(test, s->r->configuration.n_members, 1u);
	KUNIT_EXPECT_EQ(test, s->r->configuration.feature_level, 1);
}

/* Of before there were levels; and what is in no version yet is one all the same. */
static void levels_are_encoded(struct kunit *test)
{
	struct server *s = server_new(test, 3);
	struct raft_configuration *c =
		kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	u8 *again = kunit_kzalloc(test, RAFT_CONFIGURATION_BYTES_MAX,
				  GFP_KERNEL);
	u32 level;

	KUNIT_ASSERT_TRUE(test, c && again);
	KUNIT_EXPECT_EQ(test, s->configuration[7], 0);
	for (level = 0; level < 256; level += 51) {
		s->configuration[7] = level;
		KUNIT_ASSERT_EQ(test,
				raft_configuration_decode(c, s->configuration,
							  s->configuration_bytes),
				0);
		KUNIT_EXPECT_EQ(test, c->feature_level, level);
		raft_configuration_encode(c, again,
					  RAFT_CONFIGURATION_BYTES_MAX);
		KUNIT_EXPECT_EQ(test,
				memcmp(again, s->configuration,
				       s->configuration_bytes),
				0);
	}
}

/* Nothing that went before levels takes one. */
static void what_was_there_before_is_of_level_0(struct kunit *test)
{
	u8 type;

	for (type = RAFT_REQUEST_VOTE; type <= RAFT_INSTALL_SNAPSHOT; type++)
		KUNIT_EXPECT_EQ(test, raft_message_level(type), 0);
	for (type = RAFT_ENTRY_DATA; type <= RAFT_ENTRY_CONFIGURATION; type++)
		KUNIT_EXPECT_EQ(test, raft_entry_level(type), 0);
	KUNIT_EXPECT_EQ(test, raft_message_level(RAFT_FEATURE_LEVEL), 1);
}

static struct kunit_case feature_cases[] = {
	KUNIT_CASE(raised_once_all_have_told),
	KUNIT_CASE(learner_is_counted),
	KUNIT_CASE(lone_server_raises_by_itself),
	KUNIT_CASE(member_that_is_silent_is_waited_for),
	KUNIT_CASE(another_disk_tells_anew),
	KUNIT_CASE(old_leader_raises_nothing),
	KUNIT_CASE(not_before_an_entry_of_its_term_is_committed),
	KUNIT_CASE(more_than_is_known_is_no_harm),
	KUNIT_CASE(follower_tells_while_it_has_more),
	KUNIT_CASE(level_is_kept_in_the_log),
	KUNIT_CASE(older_version_does_not_start),
	KUNIT_CASE(older_version_stops_before_it_applies),
	KUNIT_CASE(older_version_installs_nothing),
	KUNIT_CASE(change_of_members_keeps_the_level),
	KUNIT_CASE(recovery_keeps_the_level),
	KUNIT_CASE(levels_are_encoded),
	KUNIT_CASE(what_was_there_before_is_of_level_0),
	{}
};

struct kunit_suite raftlog_raft_feature_suite = {
	.name = "raftlog_raft_feature",
	.test_cases = feature_cases,
};
