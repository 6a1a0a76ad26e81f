// SPDX-License-Identifier: GPL-2.0
/* A cluster that lost its quorum for good, and the server that goes on alone. */
#include "raft_fixture.h"
#include "suites.h"

enum {
	DISK = 0xd15c, /* what the disk is called from then on */
	TERM = 5,
};

static void restore_configuration(struct server *s, u64 index, u64 term)
{
	struct raft_entry entry = {
		.term = term,
		.data = s->configuration,
		.bytes = s->configuration_bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};

	KUNIT_ASSERT_EQ(s->test, raft_restore_entry(s->r, index, &entry), 0);
}

static void restore_hard_state(struct server *s, u64 space_bytes)
{
	const struct raft_hard_state hard_state = {
		.current_term = TERM, .voted_for = 2,
	};

	KUNIT_ASSERT_EQ(s->test,
			raft_restore_hard_state(s->r, &hard_state, space_bytes),
			0);
}

/* @s with entries 2 … 5, in term TERM; not started. */
static void restore(struct server *s)
{
	static const u64 terms[] = { 2, 2, 4, 4 };
	u32 i;

	restore_configuration(s, 1, 1);
	for (i = 0; i < ARRAY_SIZE(terms); i++) {
		const struct raft_entry entry = {
			.term = terms[i], .session = 7, .sequence = i + 1,
			.bytes = 10,
		};

		KUNIT_ASSERT_EQ(s->test,
				raft_restore_entry(s->r, i + 2, &entry), 0);
	}
	restore_hard_state(s, FIXTURE_SPACE);
}

static struct server *survivor(struct kunit *test, u32 id, u32 n_voters,
			       u32 n_learners)
{
	struct server *s = server_member(test, id, n_voters, n_learners);

	restore(s);
	return s;
}

static void recover(struct server *s)
{
	KUNIT_ASSERT_EQ(s->test, raft_check_recovery(s->r), 0);
	raft_set_incarnation(s->r, DISK);
	KUNIT_ASSERT_EQ(s->test, raft_recover(s->r, &s->update), 0);
}

static void start(struct server *s)
{
	KUNIT_ASSERT_EQ(s->test, raft_start(s->r, s->now_ns, &s->update), 0);
	server_persist(s);
	server_done(s);
}

static void expect_leads_alone(struct server *s)
{
	server_timeout(s);
	KUNIT_EXPECT_EQ(s->test, server_count(s, RAFT_REQUEST_VOTE), 0u);
	server_persist(s);
	server_persist(s);
	KUNIT_EXPECT_EQ(s->test, s->r->role, (u8)RAFT_LEADER);
	KUNIT_EXPECT_EQ(s->test, s->r->commit_index, s->r->log.last_index);
}

static void last_entry_names_one_member(struct kunit *test)
{
	struct server *s = survivor(test, 3, 3, 0);
	const struct raft_member *self = &s->r->configuration.members[0];
	const struct raft_entry *entry = &s->entries[0];

	recover(s);
	KUNIT_ASSERT_EQ(test, s->update.n_entries, 1u);
	KUNIT_EXPECT_EQ(test, s->update.first_index, 6ull);
	KUNIT_EXPECT_EQ(test, entry->type, (u8)RAFT_ENTRY_CONFIGURATION);
	/* A term in which nobody else can have been voted for. */
	KUNIT_EXPECT_EQ(test, entry->term, TERM + 1ull);
	KUNIT_EXPECT_TRUE(test, s->update.hard_state_changed);
	KUNIT_EXPECT_EQ(test, s->update.hard_state.current_term, TERM + 1ull);
	KUNIT_EXPECT_EQ(test, s->update.hard_state.voted_for, 3u);
	KUNIT_EXPECT_EQ(test, s->r->configuration.n_members, 1u);
	KUNIT_EXPECT_EQ(test, self->id, 3u);
	KUNIT_EXPECT_EQ(test, self->kind, (u8)RAFT_VOTER);
	KUNIT_EXPECT_EQ(test, self->incarnation, (u64)DISK);
	KUNIT_EXPECT_EQ(test, self->address.ip[3], 3);
}

static void survivor_leads_alone(struct kunit *test)
{
	struct server *s = survivor(test, 1, 3, 0);

	recover(s);
	start(s);
	expect_leads_alone(s);
	/* Nothing of its log is gone. */
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 5), 4ull);
	KUNIT_EXPECT_EQ(test, raft_log_find(&s->r->log, 7, 4), 5ull);
}

static void learner_leads_alone(struct kunit *test)
{
	struct server *s = survivor(test, 4, 3, 1);

	recover(s);
	start(s);
	expect_leads_alone(s);
}

static void voter_with_another_disk_leads_alone(struct kunit *test)
{
	struct server *s = survivor(test, 2, 3, 0);

	raft_set_incarnation(s->r, 0xbad);
	recover(s);
	start(s);
	expect_leads_alone(s);
}

static void half_of_a_joint_configuration_leads_alone(struct kunit *test)
{
	struct server *s = survivor(test, 1, 3, 0);
	struct raft_configuration *c =
		kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	*c = s->r->configuration;
	c->joint = true;
	for (i = 0; i < c->n_members; i++)
		c->members[i].old_kind = RAFT_VOTER;
	/* It was about to leave. */
	c->members[0].kind = RAFT_ABSENT;
	s->configuration_bytes = raft_configuration_encode(
		c, s->configuration, sizeof(s->configuration));
	restore_configuration(s, 6, 4);
	restore_hard_state(s, FIXTURE_SPACE);
	recover(s);
	KUNIT_EXPECT_FALSE(test, s->r->configuration.joint);
	start(s);
	expect_leads_alone(s);
}

/* The power failed behind that write: its log says so already. */
static void done_twice_is_done_once(struct kunit *test)
{
	struct server *s = survivor(test, 1, 3, 0);

	recover(s);
	server_done(s);
	KUNIT_ASSERT_EQ(test, raft_recover(s->r, &s->update), 0);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
	KUNIT_EXPECT_EQ(test, s->update.hard_state_seq, 0ull);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 6ull);
	start(s);
	expect_leads_alone(s);
}

static void cluster_of_one_can_be_another(struct kunit *test)
{
	struct server *s = survivor(test, 1, 1, 0);

	recover(s);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 6ull);
	start(s);
	expect_leads_alone(s);
}

/*
 * A log that began anew, and ends before the configuration that came with that: the
 * one of the server alone must be newer, or it would never count.
 */
static void configuration_behind_the_log_is_passed(struct kunit *test)
{
	struct server *s = server_new(test, 3);
	int error, n = 0;

	KUNIT_ASSERT_EQ(test,
			raft_restore_base(s->r, 20, 4, s->configuration,
					  s->configuration_bytes, 30),
			0);
	restore_hard_state(s, FIXTURE_SPACE);
	KUNIT_ASSERT_EQ(test, raft_check_recovery(s->r), 0);
	raft_set_incarnation(s->r, DISK);
	s->update.entries_max = 8;
	while ((error = raft_recover(s->r, &s->update)) == -EAGAIN && !n++)
		server_done(s);
	KUNIT_EXPECT_EQ(test, n, 1);
	KUNIT_ASSERT_EQ(test, error, 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 31ull);
	KUNIT_EXPECT_EQ(test, s->r->configuration_index, 31ull);
	KUNIT_EXPECT_EQ(test, s->r->configuration.n_members, 1u);
	start(s);
	expect_leads_alone(s);
}

/* It may well be able to do without them after all. */
static void others_are_not_heard_any_more(struct kunit *test)
{
	static const u64 terms[] = { 9 };
	struct server *s = survivor(test, 1, 3, 0);

	recover(s);
	start(s);
	expect_leads_alone(s);
	server_done(s);
	server_vote(s, 2, s->r->hard_state.current_term, false, true);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
	/* By its number such a message does not even get here; if it did: */
	server_append(s, 2, TERM, 5, 4, terms, 1, 6);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 7ull);
}

static void new_members_are_added(struct kunit *test)
{
	struct server *s = survivor(test, 1, 3, 0);
	struct raft_change change = {
		.type = RAFT_CHANGE_ADD, .id = 2,
		.address = { .family = 4, .port = 1, .ip = { 10, 0, 0, 9 } },
	};
	struct raft_change_request request = {
		.changes = &change, .n_changes = 1, .result = 1,
	};
	struct raft_event event = { .type = RAFT_EVENT_CHANGE,
				    .change = &request };

	recover(s);
	start(s);
	expect_leads_alone(s);
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	KUNIT_EXPECT_EQ(test, request.result, 0);
	KUNIT_EXPECT_EQ(test, s->r->configuration.n_members, 2u);
}

static void what_damage_took_is_given_up(struct kunit *test)
{
	struct server *s = survivor(test, 1, 3, 0);

	/* The log ended with (9, 5) once: the new entry is newer than that. */
	KUNIT_ASSERT_EQ(test, raft_restore_lost(s->r, 9, TERM), 0);
	KUNIT_EXPECT_TRUE(test, raft_is_damaged(s->r));
	recover(s);
	KUNIT_EXPECT_FALSE(test, raft_is_damaged(s->r));
	start(s);
	expect_leads_alone(s);
}

static int restore_snapshot(struct server *s, u64 index, u64 term,
			    u64 configuration_index)
{
	const struct raft_snapshot snapshot = {
		.index = index, .term = term, .bytes = 10, .checksum = 1,
	};

	return raft_restore_snapshot(s->r, &snapshot, s->configuration,
				     s->configuration_bytes,
				     configuration_index);
}

static void expect_configuration(struct server *s, u64 index, u32 n_members)
{
	const struct raft_configuration *c;
	u64 found = 0;

	c = raft_recovery_configuration(s->r, &found);
	KUNIT_EXPECT_EQ(s->test, found, index);
	KUNIT_EXPECT_EQ(s->test, c->n_members, n_members);
}

static void expect_begins_with_snapshot(struct server *s, u64 index, u64 term,
					u64 last_index)
{
	KUNIT_ASSERT_TRUE(s->test, raft_snapshot_is_ahead(s->r));
	recover(s);
	KUNIT_EXPECT_TRUE(s->test, s->update.base_discards);
	KUNIT_EXPECT_EQ(s->test, s->update.base_index, index);
	KUNIT_EXPECT_EQ(s->test, s->update.base_term, term);
	KUNIT_EXPECT_EQ(s->test, s->r->log.first_index, index + 1);
	KUNIT_EXPECT_EQ(s->test, s->r->configuration_index, last_index);
	KUNIT_EXPECT_EQ(s->test, s->r->log.last_index, last_index);
	KUNIT_EXPECT_EQ(s->test, s->r->configuration.n_members, 1u);
	KUNIT_EXPECT_EQ(s->test, s->r->configuration.members[0].address.ip[3],
			3);
	start(s);
	expect_leads_alone(s);
}

/* A leader sent it, and all went down before that was told to install it. */
static void snapshot_that_is_ahead_is_the_log(struct kunit *test)
{
	struct server *s = survivor(test, 3, 3, 0);

	KUNIT_ASSERT_EQ(test, restore_snapshot(s, 9, TERM, 1), 0);
	expect_begins_with_snapshot(s, 9, TERM, 10);
}

/* And so it is with one that says something else of what is in the log. */
static void snapshot_in_conflict_is_the_log(struct kunit *test)
{
	struct server *s = survivor(test, 3, 3, 0);

	KUNIT_ASSERT_EQ(test, restore_snapshot(s, 4, TERM, 1), 0);
	expect_begins_with_snapshot(s, 4, TERM, 5);
}

/* Figure 8: what its log has there came later, and was never committed. */
static void snapshot_of_an_older_term_is_the_log(struct kunit *test)
{
	struct server *s = survivor(test, 3, 3, 0);

	KUNIT_ASSERT_EQ(test, restore_snapshot(s, 4, 3, 1), 0);
	expect_begins_with_snapshot(s, 4, 3, 5);
}

/* In the term of the snapshot another may have led. */
static void term_is_behind_that_of_the_snapshot(struct kunit *test)
{
	struct server *s = survivor(test, 3, 3, 0);

	KUNIT_ASSERT_EQ(test, restore_snapshot(s, 9, TERM + 4, 1), 0);
	recover(s);
	KUNIT_EXPECT_EQ(test, s->update.hard_state.current_term, TERM + 5ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 10), TERM + 5ull);
}

/* All of it will go. */
static void full_log_behind_a_snapshot_is_none(struct kunit *test)
{
	struct server *s = survivor(test, 3, 3, 0);

	restore_hard_state(s, 0);
	KUNIT_EXPECT_EQ(test, raft_check_recovery(s->r), -ENOSPC);
	KUNIT_ASSERT_EQ(test, restore_snapshot(s, 9, TERM, 1), 0);
	KUNIT_EXPECT_EQ(test, raft_check_recovery(s->r), 0);
}

/* Taken of an earlier entry, it goes with a configuration that came later. */
static void configuration_of_a_snapshot_is_passed(struct kunit *test)
{
	struct server *s = survivor(test, 3, 3, 0);

	KUNIT_ASSERT_EQ(test, restore_snapshot(s, 9, TERM, 12), 0);
	expect_begins_with_snapshot(s, 9, TERM, 13);
	/* Also if the log has all that it says. */
	s = survivor(test, 3, 3, 0);
	KUNIT_ASSERT_EQ(test, restore_snapshot(s, 5, 4, 12), 0);
	KUNIT_EXPECT_FALSE(test, raft_snapshot_is_ahead(s->r));
	recover(s);
	KUNIT_EXPECT_EQ(test, s->r->log.first_index, 1ull);
	KUNIT_EXPECT_EQ(test, s->r->configuration_index, 13ull);
}

/* A recovery that was begun is completed with what it was begun with, or not at all. */
static void what_was_kept_is_reached(struct kunit *test)
{
	static const struct {
		u64 index, term;
		bool log, snapshot; /* by the log alone, and with the snapshot */
	} cases[] = {
		{ 0, 0, true, true }, /* nothing was */
		{ 5, 4, true, true },
		{ 3, 2, true, true },
		{ 5, 3, false, false },
		{ 6, 4, false, false },
		{ 8, TERM, false, false },
		{ 9, 4, false, false },
		{ 9, TERM, false, true },
	};
	struct server *s = survivor(test, 3, 3, 0);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ(test,
				raft_reaches(s->r, cases[i].index,
					     cases[i].term),
				cases[i].log);
	KUNIT_ASSERT_EQ(test, restore_snapshot(s, 9, TERM, 1), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ(test,
				raft_reaches(s->r, cases[i].index,
					     cases[i].term),
				cases[i].snapshot);
	/* Once that was begun with, it is the log's base. */
	recover(s);
	raft_forget_snapshot(s->r);
	KUNIT_EXPECT_TRUE(test, raft_reaches(s->r, 9, TERM));
	KUNIT_EXPECT_FALSE(test, raft_reaches(s->r, 5, 4));
}

static void empty_log_is_refused(struct kunit *test)
{
	struct server *s = server_new(test, 3);

	KUNIT_EXPECT_EQ(test, raft_check_recovery(s->r), -ENODATA);
	KUNIT_EXPECT_EQ(test, raft_recover(s->r, &s->update), -ENODATA);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
}

/* Added, it was sent the snapshot, and all went down before that was installed. */
static void joiner_with_a_snapshot_leads_alone(struct kunit *test)
{
	struct server *s = server_member(test, 3, 3, 0);

	KUNIT_ASSERT_EQ(test, restore_snapshot(s, 9, TERM, 7), 0);
	expect_configuration(s, 7, 3);
	expect_begins_with_snapshot(s, 9, TERM, 10);
}

static void joiner_without_a_place_in_it_is_refused(struct kunit *test)
{
	struct server *s = server_member(test, 4, 3, 0);

	KUNIT_ASSERT_EQ(test, restore_snapshot(s, 9, TERM, 7), 0);
	KUNIT_EXPECT_EQ(test, raft_check_recovery(s->r), -ENOENT);
	KUNIT_EXPECT_EQ(test, raft_recover(s->r, &s->update), -ENOENT);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
}

/* Without the last of the members, from now on. */
static void drop_member(struct server *s)
{
	struct raft_configuration *c =
		kunit_kzalloc(s->test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(s->test, c);
	KUNIT_ASSERT_EQ(s->test,
			raft_configuration_decode(c, s->configuration,
						  s->configuration_bytes),
			0);
	c->n_members--;
	s->configuration_bytes = raft_configuration_encode(
		c, s->configuration, sizeof(s->configuration));
}

/* A log of three members, by entry 4 and perhaps by entry 6; a snapshot of two. */
static void newest_that_is_committed_counts(struct kunit *test)
{
	static const struct {
		u32 self;
		u64 snapshot_index, configuration_index; /* what there is */
		u64 index; /* what counts */
		u32 n_members;
	} cases[] = {
		{ 1, 9, 8, 8, 2 }, /* what the snapshot is of */
		{ 1, 9, 4, 4, 3 }, /* that says nothing new, and entry 6 goes */
		{ 1, 5, 8, 6, 3 }, /* the log reaches it */
		{ 3, 9, 8, 4, 3 }, /* that left this server out */
	};
	struct server *s;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s = server_member(test, cases[i].self, 3, 0);
		KUNIT_ASSERT_EQ(test,
				raft_restore_base(s->r, 5, 4, s->configuration,
						  s->configuration_bytes, 4),
				0);
		restore_configuration(s, 6, 4);
		restore_hard_state(s, FIXTURE_SPACE);
		drop_member(s);
		KUNIT_ASSERT_EQ(test,
				restore_snapshot(s, cases[i].snapshot_index, 4,
						 cases[i].configuration_index),
				0);
		expect_configuration(s, cases[i].index, cases[i].n_members);
		recover(s);
		start(s);
		expect_leads_alone(s);
	}
}

static void who_is_no_member_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, raft_check_recovery(survivor(test, 4, 3, 0)->r),
			-ENOENT);
}

static void witness_is_refused(struct kunit *test)
{
	struct server *s = server_member(test, 3, 3, 0);
	struct raft_configuration *c =
		kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_EQ(test,
			raft_configuration_decode(c, s->configuration,
						  s->configuration_bytes),
			0);
	c->members[2].flags = RAFT_MEMBER_F_WITNESS;
	s->configuration_bytes = raft_configuration_encode(
		c, s->configuration, sizeof(s->configuration));
	restore(s);
	KUNIT_EXPECT_EQ(test, raft_check_recovery(s->r), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, raft_recover(s->r, &s->update), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 5ull);
}

/* Two entries it must have room for: the configuration, and the first of a term. */
static void full_log_is_refused(struct kunit *test)
{
	struct server *s = survivor(test, 1, 3, 0);
	const u64 enough = 2 * FIXTURE_OVERHEAD +
			   RAFT_CONFIGURATION_HEADER_BYTES +
			   RAFT_CONFIGURATION_MEMBER_BYTES;

	restore_hard_state(s, enough - 1);
	KUNIT_EXPECT_EQ(test, raft_check_recovery(s->r), -ENOSPC);
	restore_hard_state(s, enough);
	KUNIT_EXPECT_EQ(test, raft_check_recovery(s->r), 0);
}

static void server_that_runs_is_refused(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	KUNIT_EXPECT_EQ(test, raft_recover(s->r, &s->update), -EINVAL);
}

static struct kunit_case recovery_cases[] = {
	KUNIT_CASE(last_entry_names_one_member),
	KUNIT_CASE(survivor_leads_alone),
	KUNIT_CASE(learner_leads_alone),
	KUNIT_CASE(voter_with_another_disk_leads_alone),
	KUNIT_CASE(half_of_a_joint_configuration_leads_alone),
	KUNIT_CASE(done_twice_is_done_once),
	KUNIT_CASE(cluster_of_one_can_be_another),
	KUNIT_CASE(configuration_behind_the_log_is_passed),
	KUNIT_CASE(others_are_not_heard_any_more),
	KUNIT_CASE(new_members_are_added),
	KUNIT_CASE(what_damage_took_is_given_up),
	KUNIT_CASE(snapshot_that_is_ahead_is_the_log),
	KUNIT_CASE(snapshot_in_conflict_is_the_log),
	KUNIT_CASE(snapshot_of_an_older_term_is_the_log),
	KUNIT_CASE(term_is_behind_that_of_the_snapshot),
	KUNIT_CASE(full_log_behind_a_snapshot_is_none),
	KUNIT_CASE(configuration_of_a_snapshot_is_passed),
	KUNIT_CASE(what_was_kept_is_reached),
	KUNIT_CASE(empty_log_is_refused),
	KUNIT_CASE(joiner_with_a_snapshot_leads_alone),
	KUNIT_CASE(joiner_without_a_place_in_it_is_refused),
	KUNIT_CASE(newest_that_is_committed_counts),
	KUNIT_CASE(who_is_no_member_is_refused),
	KUNIT_CASE(witness_is_refused),
	KUNIT_CASE(full_log_is_refused),
	KUNIT_CASE(server_that_runs_is_refused),
	{}
};

struct kunit_suite raftlog_raft_recovery_suite = {
	.name = "raftlog_raft_recovery",
	.test_cases = recovery_cases,
};
