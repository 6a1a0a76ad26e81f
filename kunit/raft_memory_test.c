// SPDX-License-Identifier: GPL-2.0
/* What grows with use: the window of recent entries, and the table of proposals. */
#include "raft_fixture.h"
#include "suites.h"

enum {
	WINDOW_MAX = 4 * RAFT_WINDOW_ENTRIES_FIRST,
	PROPOSALS_MAX = 4 * RAFT_PROPOSALS_FIRST,
	N_PROPOSALS = RAFT_WINDOW_ENTRIES_FIRST + 20,
};

static void *zeroed(struct kunit *test, size_t bytes)
{
	void *memory = kunit_kzalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	return memory;
}

/* A server alone, as server_new() makes it, but with room to grow. */
static struct server *growing_server(struct kunit *test)
{
	struct server *s = server_new(test, 1);

	s->settings.window_entries = WINDOW_MAX;
	s->settings.proposals_max = PROPOSALS_MAX;
	s->settings.uncommitted_bytes_max = 1 << 20;
	s->r = raft_init(zeroed(test, raft_footprint(&s->settings)),
			 &s->settings, &s->rng);
	KUNIT_ASSERT_NOT_NULL(test, s->r);
	raft_set_incarnation(s->r, FIXTURE_INCARNATION + 1);
	raft_provide_terms(s->r, s->runs, FIXTURE_RUNS);
	return s;
}

static void grow(struct server *s)
{
	size_t bytes = raft_growth_bytes(s->r);

	KUNIT_ASSERT_GT(s->test, bytes, (size_t)0);
	raft_grow(s->r, zeroed(s->test, bytes));
}

static void append(struct raft_log *log, u64 sequence)
{
	struct raft_entry entry = {
		.term = 1,
		.session = 5,
		.sequence = sequence,
		.bytes = 10 + sequence,
	};

	raft_log_append(log, &entry);
}

static void expect_window(struct kunit *test, const struct raft_log *log,
			  u64 first, u64 last)
{
	u64 i;

	KUNIT_EXPECT_EQ(test, log->window_first, first);
	for (i = 1; i <= last; i++) {
		KUNIT_EXPECT_EQ(test, raft_log_find(log, 5, i),
				i < first ? 0 : i);
		if (i > first)
			KUNIT_EXPECT_EQ(test,
					raft_log_bytes_through(log, i) -
						raft_log_bytes_through(log,
								       i - 1),
					10 + i);
	}
	KUNIT_EXPECT_EQ(test, raft_log_find(log, 5, last + 1), 0ull);
}

static void larger_window_knows_what_the_smaller_did(struct kunit *test)
{
	struct raft_log *log = zeroed(test, sizeof(*log));
	u64 i;

	log->runs = zeroed(test, 32 * sizeof(*log->runs));
	log->max_runs = 32;
	raft_log_init(log, zeroed(test, raft_log_window_bytes(8)), 8, 32);
	for (i = 1; i <= 8; i++) {
		KUNIT_EXPECT_FALSE(test, raft_log_wants_window(log, 1));
		append(log, i);
	}
	KUNIT_EXPECT_TRUE(test, raft_log_wants_window(log, 1));
	/* Not in time: it forgets one. The others move to the larger window. */
	append(log, 9);
	raft_log_grow_window(log, zeroed(test, raft_log_window_bytes(16)), 16);
	expect_window(test, log, 2, 9);

	raft_log_truncate(log, 7);
	for (i = 7; i <= 17; i++)
		append(log, i);
	expect_window(test, log, 2, 17);
	KUNIT_EXPECT_TRUE(test, raft_log_wants_window(log, 1));
	raft_log_grow_window(log, zeroed(test, raft_log_window_bytes(32)), 32);
	/* As large as it may be: from here on it forgets. */
	for (i = 18; i <= 50; i++)
		append(log, i);
	KUNIT_EXPECT_FALSE(test, raft_log_wants_window(log, 100));
	expect_window(test, log, 19, 50);
}

static void nothing_is_forgotten_that_could_be_known(struct kunit *test)
{
	struct server *s = growing_server(test);
	struct raft_entry entry = { .term = 1,
				    .data = s->configuration,
				    .bytes = s->configuration_bytes,
				    .type = RAFT_ENTRY_CONFIGURATION };
	u64 index;
	u32 n_grown = 0;

	for (index = 1; index <= WINDOW_MAX + 10; index++) {
		int error = raft_restore_entry(s->r, index, &entry);

		if (error) {
			KUNIT_ASSERT_EQ(test, error, -ENOMEM);
			KUNIT_EXPECT_EQ(test, s->r->log.last_index, index - 1);
			KUNIT_EXPECT_EQ(test, s->r->log.window_first, 1ull);
			grow(s);
			n_grown++;
			error = raft_restore_entry(s->r, index, &entry);
		}
		KUNIT_ASSERT_EQ(test, error, 0);
		entry = (struct raft_entry){ .term = 1, .bytes = 10 };
	}
	KUNIT_EXPECT_EQ(test, n_grown, 2u);
	KUNIT_EXPECT_EQ(test, s->r->log.window_first, 11ull);
}

static void leads_with_an_empty_log(struct server *s)
{
	server_bootstrap(s);
	server_timeout(s);
	server_persist(s);
	server_persist(s);
	KUNIT_ASSERT_EQ(s->test, (u32)s->r->role, (u32)RAFT_LEADER);
	server_done(s);
}

/* A leader appends what waits as far as the window reaches, then asks for more. */
static void leader_waits_for_a_larger_window(struct kunit *test)
{
	struct server *s = growing_server(test);
	struct raft_proposal *p = zeroed(test, WINDOW_MAX * sizeof(*p));
	struct raft_event time = { .type = RAFT_EVENT_TIME };
	u32 i, n = 0;

	leads_with_an_empty_log(s);
	for (i = 0; i < N_PROPOSALS; i++) {
		int error;

		p[i].bytes = 10;
		p[i].payload = &p[i];
		error = server_propose(s, &p[i]);
		if (error == -ENOMEM) {
			grow(s);
			error = server_propose(s, &p[i]);
		}
		KUNIT_ASSERT_EQ(test, error, 0);
	}
	while (s->r->log.last_index < N_PROPOSALS) {
		time.now_ns = s->now_ns;
		if (raft_step(s->r, &time, &s->update) == -ENOMEM) {
			KUNIT_EXPECT_GE(test, s->r->log.last_index,
					(u64)RAFT_WINDOW_ENTRIES_FIRST - 1);
			grow(s);
			n++;
		} else if (s->r->log.last_index == RAFT_WINDOW_ENTRIES_FIRST) {
			/* It wants to go on at once. */
			KUNIT_ASSERT_EQ(test, s->update.deadline_ns, s->now_ns);
		}
		/* Carried out, but for the disk. */
		server_done(s);
		s->update.n_entries = 0;
	}
	KUNIT_EXPECT_EQ(test, n, 1u);
	KUNIT_EXPECT_EQ(test, s->r->log.window_first, 1ull);
}

static void more_proposals_get_a_larger_table(struct kunit *test)
{
	struct server *s = growing_server(test);
	struct raft_proposal *p = zeroed(test, PROPOSALS_MAX * sizeof(*p));
	struct raft_proposal one_more = { .bytes = 10, .payload = p };
	u32 i;

	server_bootstrap(s);
	server_done(s);
	for (i = 0; i < PROPOSALS_MAX; i++) {
		int error;

		p[i].bytes = 10;
		p[i].payload = &p[i];
		error = server_propose(s, &p[i]);
		if (error == -ENOMEM) {
			KUNIT_EXPECT_EQ(test, s->r->n_proposals, i);
			grow(s);
			error = server_propose(s, &p[i]);
		}
		KUNIT_ASSERT_EQ(test, error, 0);
	}
	KUNIT_EXPECT_EQ(test, s->r->n_proposal_slots, (u32)PROPOSALS_MAX);
	KUNIT_EXPECT_EQ(test, server_propose(s, &one_more), -EBUSY);
	/* Each of them is where it is looked for. */
	for (i = 0; i < PROPOSALS_MAX; i++) {
		server_cancel(s, &p[i]);
		KUNIT_EXPECT_TRUE(test, server_finished(s, &p[i]));
		KUNIT_EXPECT_EQ(test, p[i].result, -EHOSTUNREACH);
	}
	KUNIT_EXPECT_EQ(test, s->r->n_proposals, 0u);
}

static void what_was_given_comes_back(struct kunit *test)
{
	struct server *s = growing_server(test);
	struct raft_entry entry = { .term = 1, .bytes = 10 };
	void *window;
	u64 index;

	KUNIT_EXPECT_NULL(test, raft_take_back(s->r));
	for (index = 1; !raft_restore_entry(s->r, index, &entry); index++)
		;
	window = zeroed(test, raft_growth_bytes(s->r));
	KUNIT_EXPECT_NULL(test, raft_grow(s->r, window));
	KUNIT_EXPECT_EQ(test, raft_restore_entry(s->r, index, &entry), 0);
	KUNIT_EXPECT_PTR_EQ(test, raft_take_back(s->r), window);
	KUNIT_EXPECT_NULL(test, raft_take_back(s->r));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(larger_window_knows_what_the_smaller_did),
	KUNIT_CASE(nothing_is_forgotten_that_could_be_known),
	KUNIT_CASE(leader_waits_for_a_larger_window),
	KUNIT_CASE(more_proposals_get_a_larger_table),
	KUNIT_CASE(what_was_given_comes_back),
	{}
};

struct kunit_suite raftlog_raft_memory_suite = {
	.name = "raftlog_raft_memory",
	.test_cases = cases,
};
