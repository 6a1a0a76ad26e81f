// SPDX-License-Identifier: GPL-2.0
/*
 * What other implementations check of their recovery from a disk, as tables: the
 * end of a log that a crash left, damage in front of it, the two places of the
 * hard state. See PEERS.rst.
 */
#include <kunit/test.h>

#include "suites.h"
#include "wal_fixture.h"

#define AREA_BYTES (64ull << 10)

enum harm {
	HARM_NOTHING,
	HARM_ZEROS,
	HARM_NOISE,
};

/* The log: entry 1; 2, 3 and 4; 5 and 6. */
static const struct {
	u64 first_index, term;
	u32 n_entries, bytes;
} batches[] = {
	{ 1, 1, 1, 40 },
	{ 2, 2, 3, 400 },
	{ 5, 2, 2, 300 },
};

struct end_case {
	const char *name;
	u32 n_batches; /* of them */
	bool slot; /* written behind them: it names the end */
	u32 batch; /* harmed */
	enum harm harm;
	u32 from, to; /* bytes of that batch; to 0: all of it */
	u64 last_index; /* found */
	bool damaged; /* known to have been more */
};

static const struct end_case end_cases[] = {
	{ "pristine", 0 },
	{ "pristine, opened twice", 0, true },
	{ "one batch", 1, .last_index = 1 },
	{ "one batch, closed", 1, true, .last_index = 1 },
	{ "all batches", 3, .last_index = 6 },
	{ "all batches, closed", 3, true, .last_index = 6 },
	/* The write that the crash interrupted is as if it had not begun. */
	{ "first one not begun", 1, false, 0, HARM_ZEROS, 0, 0, 0 },
	{ "first one, start only", 1, false, 0, HARM_ZEROS, 8, 0, 0 },
	{ "first one, header only", 1, false, 0, HARM_ZEROS, 80, 0, 0 },
	{ "first one, noise", 1, false, 0, HARM_NOISE, 100, 101, 0 },
	{ "second one not begun", 2, false, 1, HARM_ZEROS, 0, 0, 1 },
	{ "second one, start only", 2, false, 1, HARM_ZEROS, 8, 0, 1 },
	{ "second one, half a header", 2, false, 1, HARM_ZEROS, 40, 0, 1 },
	{ "second one, header only", 2, false, 1, HARM_ZEROS, 80, 0, 1 },
	{ "second one, an entry only", 2, false, 1, HARM_ZEROS, 540, 0, 1 },
	{ "second one, header missing", 2, false, 1, HARM_ZEROS, 0, 80, 1 },
	{ "second one, noise", 2, false, 1, HARM_NOISE, 600, 601, 1 },
	{ "last one not begun", 3, false, 2, HARM_ZEROS, 0, 0, 4 },
	{ "last one, header only", 3, false, 2, HARM_ZEROS, 80, 0, 4 },
	{ "last one, all noise", 3, false, 2, HARM_NOISE, 0, 0, 4 },
	/* But not what was durable: another batch is behind it, or a slot. */
	{ "first one lost", 3, false, 0, HARM_ZEROS, 0, 0, 0, true },
	{ "first header noise", 3, false, 0, HARM_NOISE, 12, 13, 0, true },
	{ "first data noise", 3, false, 0, HARM_NOISE, 140, 141, 0, true },
	{ "second one lost", 3, false, 1, HARM_ZEROS, 0, 0, 1, true },
	{ "second header noise", 3, false, 1, HARM_NOISE, 12, 13, 1, true },
	{ "second data noise", 3, false, 1, HARM_NOISE, 600, 601, 1, true },
	{ "second one short", 3, false, 1, HARM_ZEROS, 540, 0, 1, true },
	{ "second one lost, closed", 3, true, 1, HARM_ZEROS, 0, 0, 1, true },
	{ "only one lost, closed", 1, true, 0, HARM_ZEROS, 0, 0, 0, true },
	{ "last one lost, closed", 3, true, 2, HARM_ZEROS, 0, 0, 4, true },
	{ "last one short, closed", 3, true, 2, HARM_ZEROS, 80, 0, 4, true },
	{ "last header noise, closed", 3, true, 2, HARM_NOISE, 12, 13, 4,
	  true },
	{ "last data noise, closed", 3, true, 2, HARM_NOISE, 300, 301, 4,
	  true },
};

static void describe_end(const struct end_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(end, end_cases, describe_end);

static void harm(u8 *from, u64 bytes, enum harm harm)
{
	u64 i;

	for (i = 0; i < bytes && harm != HARM_NOTHING; i++)
		from[i] = harm == HARM_ZEROS ? 0 : from[i] ^ 0x5a;
}

static void harm_batch(struct wal_fixture *f, const struct end_case *c)
{
	u64 begin, end;

	if (c->harm == HARM_NOTHING)
		return;
	begin = f->batches[c->batch].offset;
	end = c->batch + 1 < f->n_batches ? f->batches[c->batch + 1].offset :
					    f->w.tail;
	if (c->to)
		end = begin + c->to;
	begin += c->from;
	KUNIT_ASSERT_LT(f->test, begin, end);
	harm(f->image + WAL_AREA_POSITION + begin, end - begin, c->harm);
}

static void log_ends_where_it_was_durable(struct kunit *test)
{
	const struct end_case *c = test->param_value;
	struct wal_fixture *f = wal_fixture_init(test, 512, AREA_BYTES);
	u64 term, i;

	wal_fixture_format(f, 1);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	for (i = 0; i < c->n_batches; i++)
		KUNIT_ASSERT_EQ(test,
				wal_fixture_append(f, batches[i].first_index,
						   batches[i].term,
						   batches[i].n_entries,
						   batches[i].bytes),
				0);
	if (c->slot)
		wal_fixture_vote(f, 3, 2);
	term = f->log.last_term;
	harm_batch(f, c);
	if (c->damaged) {
		KUNIT_EXPECT_EQ(test, wal_fixture_recover(f), -EUCLEAN);
		KUNIT_EXPECT_NOT_NULL(test, f->rec.damage.reason);
		KUNIT_EXPECT_EQ(test, f->rec.lost.index, f->log.last_index);
		KUNIT_EXPECT_EQ(test, f->rec.lost.term, term);
	} else {
		KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
		KUNIT_EXPECT_NULL(test, f->rec.damage.reason);
		KUNIT_EXPECT_TRUE(test,
				  wal_fixture_same(&f->found,
						   c->harm == HARM_NOTHING ?
							   &f->log :
							   &f->log_before));
	}
	KUNIT_EXPECT_EQ(test, f->rec.last_index, c->last_index);
	for (i = 1; i <= c->last_index; i++)
		KUNIT_EXPECT_EQ(test, f->found.entries[i].sequence,
				f->log.entries[i].sequence);
	if (c->slot) {
		KUNIT_EXPECT_EQ(test, f->rec.hard_state.current_term, 3ull);
		KUNIT_EXPECT_EQ(test, f->rec.hard_state.voted_for, 2u);
	}
	/* It goes on from there, and holds what is written then. */
	f->take_damage = true;
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	KUNIT_ASSERT_EQ(test,
			wal_fixture_append(f, c->last_index + 1, 4, 7, 200), 0);
	f->take_damage = false;
	wal_fixture_expect_kept(f);
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	wal_fixture_expect_kept(f);
	for (i = 1; i <= f->log.last_index; i++)
		KUNIT_EXPECT_EQ(test,
				wal_fixture_lookup(f, i,
						   f->log.entries[i].term),
				0);
}

enum place {
	PLACE_NEWER,
	PLACE_OLDER,
};

struct place_case {
	const char *name;
	u32 n_votes; /* before: which place is the newer one follows from it */
	enum place place;
	enum harm harm;
	bool copied; /* instead: the other one is there, too: which was it? */
	bool kept; /* the newest vote */
};

static const struct place_case place_cases[] = {
	{ "first", 1, PLACE_NEWER, HARM_NOTHING, .kept = true },
	{ "second", 2, PLACE_NEWER, HARM_NOTHING, .kept = true },
	{ "third", 3, PLACE_NEWER, HARM_NOTHING, .kept = true },
	{ "fourth", 4, PLACE_NEWER, HARM_NOTHING, .kept = true },
	{ "odd, newer one empty", 3, PLACE_NEWER, HARM_ZEROS },
	{ "even, newer one empty", 4, PLACE_NEWER, HARM_ZEROS },
	{ "odd, newer one noise", 3, PLACE_NEWER, HARM_NOISE },
	{ "even, newer one noise", 4, PLACE_NEWER, HARM_NOISE },
	{ "odd, older one empty", 3, PLACE_OLDER, HARM_ZEROS, .kept = true },
	{ "even, older one empty", 4, PLACE_OLDER, HARM_ZEROS, .kept = true },
	{ "odd, older one noise", 3, PLACE_OLDER, HARM_NOISE, .kept = true },
	{ "even, older one noise", 4, PLACE_OLDER, HARM_NOISE, .kept = true },
	{ "newer one twice", 3, PLACE_OLDER, .copied = true },
	{ "older one twice", 3, PLACE_NEWER, .copied = true },
};

static void describe_place(const struct place_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(place, place_cases, describe_place);

/* One of the two is always whole, and the next one goes to the other place. */
static void hard_state_has_two_places(struct kunit *test)
{
	const struct place_case *c = test->param_value;
	struct wal_fixture *f = wal_fixture_started(test, 512, AREA_BYTES);
	u64 newer = 0, other;
	u8 *to, *from;
	u32 i;

	for (i = 0; i < c->n_votes; i++) {
		wal_fixture_vote(f, 2 + i, 1 + i % 3);
		KUNIT_EXPECT_NE(test, f->write.position, newer);
		newer = f->write.position;
	}
	other = WAL_SLOT_POSITION_0 + WAL_SLOT_POSITION_1 - newer;
	KUNIT_ASSERT_EQ(test, min(newer, other), (u64)WAL_SLOT_POSITION_0);
	to = f->image + (c->place == PLACE_NEWER ? newer : other);
	from = f->image + (c->place == PLACE_NEWER ? other : newer);
	harm(to, WAL_SLOT_WRITE_BYTES, c->harm);
	if (c->copied)
		memcpy(to, from, WAL_SLOT_WRITE_BYTES);
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), c->copied ? -EUCLEAN : 0);
	if (c->copied)
		return;
	KUNIT_EXPECT_TRUE(test,
			  wal_fixture_same(&f->found, c->kept ? &f->log :
								&f->log_before));
	KUNIT_EXPECT_EQ(test, f->rec.slot_torn,
			c->harm != HARM_NOTHING || c->copied);
	/* Whatever was there, two good ones are from then on. */
	KUNIT_ASSERT_EQ(test, wal_fixture_open(f), 0);
	wal_fixture_vote(f, 20, 2);
	wal_fixture_expect_kept(f);
	KUNIT_EXPECT_FALSE(test, f->rec.slot_torn);
	harm(f->image + f->write.position, WAL_SLOT_WRITE_BYTES, HARM_NOISE);
	KUNIT_ASSERT_EQ(test, wal_fixture_recover(f), 0);
	KUNIT_EXPECT_TRUE(test, wal_fixture_same(&f->found, &f->log_before));
}

static struct kunit_case wal_peers_cases[] = {
	KUNIT_CASE_PARAM(log_ends_where_it_was_durable, end_gen_params),
	KUNIT_CASE_PARAM(hard_state_has_two_places, place_gen_params),
	{}
};

struct kunit_suite raftlog_wal_peers_suite = {
	.name = "raftlog_wal_peers",
	.exit = wal_fixture_exit,
	.test_cases = wal_peers_cases,
};
