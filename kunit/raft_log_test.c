// SPDX-License-Identifier: GPL-2.0
/* The log of terms, the window of recent entries, configurations, quorums. */
#include "raft_fixture.h"
#include "suites.h"

enum { WINDOW = 8 };

static struct raft_log *make_log(struct kunit *test)
{
	struct raft_log *log = kunit_kzalloc(test, sizeof(*log), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, log);
	log->runs = kunit_kzalloc(test, 32 * sizeof(*log->runs), GFP_KERNEL);
	log->max_runs = 32;
	raft_log_init(log,
		      kunit_kzalloc(test, raft_log_window_bytes(WINDOW),
				    GFP_KERNEL),
		      WINDOW, WINDOW);
	return log;
}

/* Sequences that differ in any bits, near or far, do not meet in the same bucket. */
static void buckets_are_not_for_users_to_choose(struct kunit *test)
{
	const u32 n = 1024;
	u8 *used = kunit_kzalloc(test, n, GFP_KERNEL);
	u32 shift, i, n_used;

	KUNIT_ASSERT_NOT_NULL(test, used);
	for (shift = 0; shift <= 54; shift++) {
		memset(used, 0, n);
		n_used = 0;
		for (i = 0; i < n; i++)
			used[raft_hash(7, 5, ((u64)i << shift) ^ 1) & (n - 1)] = 1;
		for (i = 0; i < n; i++)
			n_used += used[i];
		/* By chance it is 63%. */
		KUNIT_EXPECT_GT(test, n_used, n / 2);
	}
	KUNIT_EXPECT_NE(test, raft_hash(7, 5, 1), raft_hash(8, 5, 1));
}

static void append(struct raft_log *log, u64 term, u64 sequence)
{
	struct raft_entry entry = {
		.term = term,
		.session = sequence ? 5 : 0,
		.sequence = sequence,
		.bytes = 10,
	};

	raft_log_append(log, &entry);
}

static void terms_are_found(struct kunit *test)
{
	static const u64 terms[] = { 1, 1, 1, 4, 4, 5, 5, 6, 6, 6 };
	struct raft_log *log = make_log(test);
	u32 i;

	KUNIT_EXPECT_EQ(test, raft_log_term(log, 0), 0ull);
	KUNIT_EXPECT_EQ(test, raft_log_term(log, 1), 0ull);
	for (i = 0; i < ARRAY_SIZE(terms); i++)
		append(log, terms[i], 0);
	for (i = 0; i < ARRAY_SIZE(terms); i++)
		KUNIT_EXPECT_EQ(test, raft_log_term(log, i + 1), terms[i]);
	KUNIT_EXPECT_EQ(test, raft_log_term(log, 11), 0ull);
	KUNIT_EXPECT_EQ(test, log->n_runs, 4u);
	raft_log_truncate(log, 5);
	KUNIT_EXPECT_EQ(test, log->last_index, 4ull);
	KUNIT_EXPECT_EQ(test, raft_log_last_term(log), 4ull);
	KUNIT_EXPECT_EQ(test, log->n_runs, 2u);
	raft_log_truncate(log, 1);
	KUNIT_EXPECT_EQ(test, log->n_runs, 0u);
	KUNIT_EXPECT_EQ(test, raft_log_last_term(log), 0ull);
}

struct floor_case {
	u64 index;
	u64 term;
	u64 found;
};

/* Index 1…10 of terms 1 1 1 4 4 5 5 6 6 6, as in figure 7 of the paper. */
static const struct floor_case floor_cases[] = {
	{ 10, 6, 10 }, { 10, 5, 7 }, { 10, 4, 5 }, { 10, 3, 3 },
	{ 10, 0, 0 },  { 5, 6, 5 },  { 5, 2, 3 },  { 99, 6, 10 },
	{ 0, 6, 0 },   { 3, 1, 3 },  { 7, 5, 7 },
};

KUNIT_ARRAY_PARAM(floor, floor_cases, NULL);

static void hint_skips_what_cannot_match(struct kunit *test)
{
	static const u64 terms[] = { 1, 1, 1, 4, 4, 5, 5, 6, 6, 6 };
	const struct floor_case *c = test->param_value;
	struct raft_log *log = make_log(test);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(terms); i++)
		append(log, terms[i], 0);
	KUNIT_EXPECT_EQ(test, raft_log_floor_term(log, c->index, c->term),
			c->found);
}

static void window_knows_the_newest(struct kunit *test)
{
	struct raft_log *log = make_log(test);
	u64 i;

	for (i = 1; i <= 20; i++)
		append(log, 1, i);
	KUNIT_EXPECT_EQ(test, log->window_first, 13ull);
	for (i = 1; i <= 20; i++) {
		KUNIT_EXPECT_EQ(test, raft_log_find(log, 5, i),
				i < 13 ? 0 : i);
		KUNIT_EXPECT_EQ(test, !raft_log_meta(log, i), i < 13);
	}
	KUNIT_EXPECT_EQ(test, raft_log_find(log, 6, 20), 0ull);
	KUNIT_EXPECT_EQ(test,
			raft_log_bytes_through(log, 20) -
				raft_log_bytes_through(log, 14),
			60ull);
}

/* Clients count by themselves: the same number is another entry. */
static void window_tells_sessions_apart(struct kunit *test)
{
	struct raft_log *log = make_log(test);
	struct raft_entry entry = { .term = 1, .sequence = 3, .bytes = 10 };

	for (entry.session = 1; entry.session <= WINDOW; entry.session++)
		raft_log_append(log, &entry);
	for (entry.session = 1; entry.session <= WINDOW; entry.session++)
		KUNIT_EXPECT_EQ(test, raft_log_find(log, entry.session, 3),
				entry.session);
	KUNIT_EXPECT_EQ(test, raft_log_find(log, WINDOW + 1, 3), 0ull);
}

static void window_follows_truncation(struct kunit *test)
{
	struct raft_log *log = make_log(test);
	u64 i;

	for (i = 1; i <= 20; i++)
		append(log, 1, i);
	raft_log_truncate(log, 17);
	KUNIT_EXPECT_EQ(test, raft_log_find(log, 5, 16), 16ull);
	KUNIT_EXPECT_EQ(test, raft_log_find(log, 5, 17), 0ull);
	append(log, 2, 17);
	KUNIT_EXPECT_EQ(test, raft_log_find(log, 5, 17), 17ull);
	/* Behind the window nothing is known, and nothing is made up. */
	raft_log_truncate(log, 5);
	for (i = 1; i <= 20; i++)
		KUNIT_EXPECT_EQ(test, raft_log_find(log, 5, i), 0ull);
	KUNIT_EXPECT_NULL(test, raft_log_meta(log, 4));
	for (i = 5; i <= 30; i++)
		append(log, 3, 100 + i);
	for (i = 23; i <= 30; i++)
		KUNIT_EXPECT_EQ(test, raft_log_find(log, 5, 100 + i), i);
}

static void configuration_round_trip(struct kunit *test)
{
	struct raft_configuration *in =
		kunit_kzalloc(test, sizeof(*in), GFP_KERNEL);
	struct raft_configuration *out =
		kunit_kzalloc(test, sizeof(*out), GFP_KERNEL);
	u8 *buf = kunit_kzalloc(test, RAFT_CONFIGURATION_BYTES_MAX, GFP_KERNEL);
	int bytes, i;

	in->n_members = RAFT_MEMBERS_MAX;
	for (i = 0; i < RAFT_MEMBERS_MAX; i++) {
		in->members[i].id = 3 * i + 1;
		in->members[i].kind = i & 1;
		in->members[i].address.family = i & 1 ? 6 : 4;
		in->members[i].address.port = 7400 + i;
		in->members[i].address.scope_id = i & 1 ? i : 0;
		memset(in->members[i].address.ip, i, i & 1 ? 16 : 4);
	}
	bytes = raft_configuration_encode(in, buf,
					  RAFT_CONFIGURATION_BYTES_MAX);
	KUNIT_ASSERT_EQ(test, bytes, (int)RAFT_CONFIGURATION_BYTES_MAX);
	KUNIT_ASSERT_EQ(test, raft_configuration_decode(out, buf, bytes), 0);
	KUNIT_EXPECT_EQ(test, memcmp(in, out, sizeof(*in)), 0);
	for (i = 0; i < bytes; i++)
		KUNIT_EXPECT_EQ(test, raft_configuration_decode(out, buf, i),
				-EINVAL);
	KUNIT_EXPECT_EQ(test, raft_configuration_encode(in, buf, bytes - 1),
			-EMSGSIZE);
}

static void bad_configurations_are_refused(struct kunit *test)
{
	struct raft_configuration *c =
		kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_EXPECT_EQ(test, raft_configuration_check(c), -EINVAL);
	c->n_members = 2;
	c->members[0].id = 1;
	c->members[0].address.family = 4;
	c->members[1].id = 2;
	c->members[1].address.family = 6;
	KUNIT_EXPECT_EQ(test, raft_configuration_check(c), 0);
	c->members[1].id = 1;
	KUNIT_EXPECT_EQ(test, raft_configuration_check(c), -EINVAL);
	c->members[1].id = 2;
	c->members[0].id = 3;
	KUNIT_EXPECT_EQ(test, raft_configuration_check(c), -EINVAL);
	c->members[0].id = 0;
	KUNIT_EXPECT_EQ(test, raft_configuration_check(c), -EINVAL);
	c->members[0].id = 1;
	c->members[0].address.ip[5] = 1;
	KUNIT_EXPECT_EQ(test, raft_configuration_check(c), -EINVAL);
	c->members[0].address.ip[5] = 0;
	c->members[0].kind = RAFT_NON_VOTER;
	KUNIT_EXPECT_EQ(test, raft_configuration_check(c), 0);
	c->members[1].kind = RAFT_NON_VOTER;
	KUNIT_EXPECT_EQ(test, raft_configuration_check(c), -EINVAL);
}

struct quorum_case {
	u32 n_voters;
	u64 values[7];
	u64 quorum;
};

static const struct quorum_case quorum_cases[] = {
	{ 1, { 7 }, 7 },
	{ 2, { 7, 3 }, 3 },
	{ 3, { 7, 3, 5 }, 5 },
	{ 3, { 0, 0, 9 }, 0 },
	{ 4, { 1, 2, 3, 4 }, 2 },
	{ 5, { 5, 1, 4, 2, 3 }, 3 },
	{ 5, { 9, 9, 9, 0, 0 }, 9 },
	{ 7, { 1, 2, 3, 4, 5, 6, 7 }, 4 },
};

KUNIT_ARRAY_PARAM(quorum, quorum_cases, NULL);

static void quorum_value(struct kunit *test)
{
	const struct quorum_case *c = test->param_value;
	struct server *s = server_started(test, c->n_voters);
	u64 values[RAFT_MEMBERS_MAX] = {};

	memcpy(values, c->values, sizeof(c->values));
	KUNIT_EXPECT_EQ(test, raft_quorum_value(s->r, values), c->quorum);
}

static void quorum_of_a_set(struct kunit *test)
{
	struct server *s = server_started(test, 5);
	u32 set;

	for (set = 0; set < 32; set++)
		KUNIT_EXPECT_EQ(test, raft_is_quorum(s->r, set),
				hweight32(set) >= 3);
}

static void restore_refuses_gaps(struct kunit *test)
{
	struct server *s = server_new(test, 3);
	struct raft_entry entry = { .term = 1,
				    .data = s->configuration,
				    .bytes = s->configuration_bytes,
				    .type = RAFT_ENTRY_CONFIGURATION };
	struct raft_hard_state old = { .current_term = 1 };

	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 2, &entry), -EINVAL);
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 0, &entry), -EINVAL);
	entry.bytes--;
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 1, &entry), -EINVAL);
	entry.bytes++;
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 1, &entry), 0);
	entry.type = RAFT_ENTRY_DATA;
	entry.term = 5;
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 2, &entry), 0);
	entry.term = 4;
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 3, &entry), -EINVAL);
	KUNIT_EXPECT_EQ(test,
			raft_restore_hard_state(s->r, &old, FIXTURE_SPACE),
			-EINVAL);
	/* What the log replaced, it replaced. */
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, 2, &entry), 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 2ull);
	KUNIT_EXPECT_EQ(test, raft_log_last_term(&s->r->log), 4ull);
}

static void terms_ask_for_room(struct kunit *test)
{
	struct server *s = server_new(test, 3);
	struct raft_term_run *more = kunit_kzalloc(
		test, 2 * FIXTURE_RUNS * sizeof(*more), GFP_KERNEL);
	struct raft_entry entry = { .term = 1,
				    .data = s->configuration,
				    .bytes = s->configuration_bytes,
				    .type = RAFT_ENTRY_CONFIGURATION };
	u64 index;
	int error = 0;

	for (index = 1; !error && index < 1000; index++) {
		entry.term = index;
		error = raft_restore_entry(s->r, index, &entry);
		entry.type = RAFT_ENTRY_DATA;
	}
	KUNIT_ASSERT_EQ(test, error, -ENOMEM);
	index--;
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, index - 1);
	KUNIT_EXPECT_PTR_EQ(test,
			    raft_provide_terms(s->r, more, 2 * FIXTURE_RUNS),
			    (struct raft_term_run *)s->runs);
	KUNIT_EXPECT_EQ(test, raft_terms_capacity(s->r), 2u * FIXTURE_RUNS);
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, index, &entry), 0);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 3), 3ull);
}

static void settings_are_checked(struct kunit *test)
{
	struct server *s = server_new(test, 3);
	struct raft_settings bad = s->settings;

	KUNIT_EXPECT_GT(test, raft_footprint(&bad), sizeof(struct raft));
	bad.window_entries = 24;
	KUNIT_EXPECT_EQ(test, raft_footprint(&bad), (size_t)0);
	bad = s->settings;
	bad.heartbeat_interval_ns = bad.election_timeout_ns / 2 + 1;
	KUNIT_EXPECT_EQ(test, raft_footprint(&bad), (size_t)0);
	bad = s->settings;
	bad.node_id = 0;
	KUNIT_EXPECT_EQ(test, raft_footprint(&bad), (size_t)0);
	bad = s->settings;
	bad.session = 0;
	KUNIT_EXPECT_NULL(test, raft_init(s, &bad, &s->rng));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(buckets_are_not_for_users_to_choose),
	KUNIT_CASE(terms_are_found),
	KUNIT_CASE_PARAM(hint_skips_what_cannot_match, floor_gen_params),
	KUNIT_CASE(window_knows_the_newest),
	KUNIT_CASE(window_tells_sessions_apart),
	KUNIT_CASE(window_follows_truncation),
	KUNIT_CASE(configuration_round_trip),
	KUNIT_CASE(bad_configurations_are_refused),
	KUNIT_CASE_PARAM(quorum_value, quorum_gen_params),
	KUNIT_CASE(quorum_of_a_set),
	KUNIT_CASE(restore_refuses_gaps),
	KUNIT_CASE(terms_ask_for_room),
	KUNIT_CASE(settings_are_checked),
	{}
};

struct kunit_suite raftlog_raft_log_suite = {
	.name = "raftlog_raft_log",
	.test_cases = cases,
};
