// SPDX-License-Identifier: GPL-2.0
/* Proposals: forwarded, appended once, completed, given up. */
#include "raft_fixture.h"
#include "suites.h"

enum { ORIGIN_SESSION = 0x2222 };

/* Server 2 forwards its proposal @sequence to server 1. */
static int forwarded_bytes(struct server *s, u64 sequence, u64 proposed_at,
			   u32 bytes)
{
	struct raft_entry entry = {
		.session = ORIGIN_SESSION,
		.sequence = sequence,
		.bytes = bytes,
	};
	struct raft_message message = {
		.type = RAFT_PROPOSE,
		.from = 2,
		.to = 1,
		.term = s->r->hard_state.current_term,
		.propose = { .proposed_at = proposed_at },
		.entries = &entry,
		.n_entries = 1,
	};

	return server_receive(s, &message);
}

static int forwarded(struct server *s, u64 sequence, u64 proposed_at)
{
	return forwarded_bytes(s, sequence, proposed_at, 10);
}

/* The leader, server 2, refuses @proposal. */
static void refused(struct server *s, const struct raft_proposal *proposal,
		    int error)
{
	struct raft_message message = {
		.type = RAFT_PROPOSE_RESPONSE,
		.from = 2,
		.to = 1,
		.term = s->r->hard_state.current_term,
		.propose_response = {
			.session = s->settings.session,
			.sequence = proposal->sequence,
			.error = error,
		},
	};

	server_receive(s, &message);
}

static struct server *follower_of_2(struct kunit *test)
{
	struct server *s = server_started(test, 3);

	server_append(s, 2, 2, 1, 1, NULL, 0, 1);
	server_persist(s);
	server_done(s);
	return s;
}

static void forwarded_proposal_is_appended_once(struct kunit *test)
{
	struct server *s = server_leader(test, 3);

	server_done(s);
	forwarded(s, 1, 1);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 1u);
	KUNIT_EXPECT_EQ(test, s->entries[0].session, (u64)ORIGIN_SESSION);
	KUNIT_EXPECT_EQ(test, s->entries[0].term, 2ull);
	forwarded(s, 1, 1);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 1u);
	forwarded(s, 2, 1);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 2u);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_PROPOSE_RESPONSE), 0u);
}

static void too_old_to_tell_is_refused(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	u64 i;

	for (i = 1; i <= 70; i++) {
		forwarded(s, i, s->r->log.last_index);
		server_persist(s);
		server_ack_probe(s, 2);
		server_ack(s, 2, s->r->log.last_index);
		server_done(s);
	}
	KUNIT_ASSERT_GT(test, s->r->log.window_first, 2ull);
	forwarded(s, 1, 1);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
	KUNIT_ASSERT_NOT_NULL(test, server_sent(s, RAFT_PROPOSE_RESPONSE, 2));
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_PROPOSE_RESPONSE, 2)
				->message.propose_response.error,
			-ESTALE);
}

static void follower_forwards_and_sees_it_committed(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_proposal p = { .bytes = 10, .payload = &p };
	struct raft_entry entry = { .term = 2, .bytes = 10 };
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES,
		.from = 2,
		.to = 1,
		.term = 2,
		.append_entries = { .prev_log_index = 1,
				    .prev_log_term = 1,
				    .leader_commit = 1 },
		.entries = &entry,
		.n_entries = 1,
	};
	const struct raft_send *send;

	KUNIT_ASSERT_EQ(test, server_propose(s, &p), 0);
	server_time(s, 0);
	send = server_sent(s, RAFT_PROPOSE, 2);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_PTR_EQ(test, send->proposal, &p);
	KUNIT_EXPECT_EQ(test, send->entry.session, s->settings.session);
	KUNIT_EXPECT_EQ(test, send->message.propose.proposed_at, 1ull);
	entry.session = send->entry.session;
	entry.sequence = send->entry.sequence;
	server_done(s);
	server_receive(s, &message);
	KUNIT_EXPECT_FALSE(test, server_finished(s, &p));
	server_append(s, 2, 2, 2, 2, NULL, 0, 2);
	KUNIT_EXPECT_TRUE(test, server_finished(s, &p));
	KUNIT_EXPECT_EQ(test, p.result, 0);
	KUNIT_EXPECT_EQ(test, p.index, 2ull);
	KUNIT_EXPECT_EQ(test, p.term, 2ull);
	KUNIT_EXPECT_EQ(test, s->r->n_proposals, 0u);
}

static void lost_forward_is_sent_again(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_proposal p = { .bytes = 10 };
	u32 sent = 0, i;

	server_propose(s, &p);
	for (i = 0; i < 10; i++) {
		server_append(s, 2, 2, 1, 1, NULL, 0, 1);
		server_time(s, FIXTURE_HEARTBEAT_NS);
		sent += server_count(s, RAFT_PROPOSE);
		server_done(s);
	}
	KUNIT_EXPECT_GE(test, sent, 2u);
	KUNIT_EXPECT_LE(test, sent, 4u);
}

static void next_leader_is_asked_again(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_proposal p = { .bytes = 10 };

	server_propose(s, &p);
	server_time(s, 0);
	KUNIT_ASSERT_NOT_NULL(test, server_sent(s, RAFT_PROPOSE, 2));
	server_done(s);
	server_append(s, 3, 3, 1, 1, NULL, 0, 1);
	server_persist(s);
	KUNIT_ASSERT_NOT_NULL(test, server_sent(s, RAFT_PROPOSE, 3));
	KUNIT_EXPECT_EQ(test, server_sent(s, RAFT_PROPOSE, 3)->message.term,
			3ull);
}

static void forward_waits_for_the_term(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	struct raft_proposal p = { .bytes = 10 };

	server_done(s);
	server_propose(s, &p);
	server_append(s, 3, 3, 1, 1, NULL, 0, 1);
	server_time(s, 0);
	KUNIT_ASSERT_NOT_NULL(test, server_sent(s, RAFT_PROPOSE, 3));
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_PROPOSE, 3)->after_hard_state_seq,
			s->update.hard_state_seq);
}

static void only_the_term_it_was_sent_in_takes_it(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_entry entry = { .session = ORIGIN_SESSION,
				    .sequence = 1,
				    .bytes = 10 };
	struct raft_message message = {
		.type = RAFT_PROPOSE,
		.from = 2,
		.to = 1,
		.term = 1,
		.entries = &entry,
		.n_entries = 1,
	};

	server_done(s);
	KUNIT_EXPECT_EQ(test, server_receive(s, &message), 0);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
}

static void without_leader_it_never_left(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	struct raft_proposal p = { .bytes = 10 };

	server_done(s);
	server_propose(s, &p);
	server_timeout(s);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_PROPOSE), 0u);
	server_cancel(s, &p);
	KUNIT_EXPECT_TRUE(test, server_finished(s, &p));
	KUNIT_EXPECT_EQ(test, p.result, -EHOSTUNREACH);
}

static void given_up_after_it_was_sent_is_unknown(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_proposal p = { .bytes = 10 };

	server_propose(s, &p);
	server_time(s, 0);
	server_cancel(s, &p);
	KUNIT_EXPECT_EQ(test, p.result, -ETIMEDOUT);
	/* It is over: cancelling again, or its refusal, changes nothing. */
	server_done(s);
	server_cancel(s, &p);
	refused(s, &p, -ENOSPC);
	KUNIT_EXPECT_TRUE(test, list_empty(&s->update.proposals_done));
	KUNIT_EXPECT_EQ(test, p.result, -ETIMEDOUT);
}

static void full_log_pushes_back(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal large = { .bytes = 5000 };
	struct raft_proposal small = { .bytes = 10 };

	server_done(s);
	s->r->space_bytes = 4000;
	s->r->space_index = s->r->log.last_index;
	server_propose(s, &large);
	server_propose(s, &small);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, large.result, -ENOSPC);
	KUNIT_EXPECT_FALSE(test, server_finished(s, &small));
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 1u);
}

static int refusal(struct server *s)
{
	const struct raft_send *send =
		server_sent(s, RAFT_PROPOSE_RESPONSE, 2);

	return send ? send->message.propose_response.error : 0;
}

/* What was refused stays refused, also if room turns up: a copy may be under way. */
static void refused_for_want_of_room_is_refused_for_the_term(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	u64 at = s->r->log.last_index;

	server_done(s);
	s->r->space_bytes = 4000;
	s->r->space_index = s->r->log.last_index;
	forwarded_bytes(s, 1, at, 5000);
	KUNIT_ASSERT_EQ(test, refusal(s), -ENOSPC);
	s->r->space_bytes = FIXTURE_SPACE;
	server_done(s);
	forwarded_bytes(s, 1, at, 5000);
	KUNIT_EXPECT_EQ(test, refusal(s), -ENOSPC);
	/* The leader notices that there is room. */
	server_done(s);
	server_time(s, 0);
	server_persist(s);
	server_done(s);
	forwarded_bytes(s, 1, at, 5000);
	KUNIT_EXPECT_EQ(test, refusal(s), -ENOSPC);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
}

/* What is made after that is told by what was committed when it was made. */
static void full_log_takes_again_what_was_not_refused(struct kunit *test)
{
	struct raft_proposal large = { .bytes = 2600 };
	struct server *s = server_leader(test, 3);
	u64 at = s->r->log.last_index;

	server_done(s);
	s->r->space_bytes = 4000;
	s->r->space_index = s->r->log.last_index;
	forwarded_bytes(s, 1, at, 2600);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->r->log.last_index, at);
	s->r->space_bytes = FIXTURE_SPACE;
	server_time(s, 0);
	/* A no-op, so that something new is committed. */
	KUNIT_ASSERT_EQ(test, s->r->log.last_index, at + 1);
	server_persist(s);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->r->log.last_index, at + 1);
	server_done(s);
	forwarded_bytes(s, 2, at + 1, 2600);
	KUNIT_EXPECT_EQ(test, refusal(s), 0);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 1u);
	server_propose(s, &large);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, at + 3);
	/* Full once more, and once more there is room. */
	server_persist(s);
	server_done(s);
	s->r->space_bytes = 4000;
	s->r->space_index = s->r->log.last_index;
	forwarded_bytes(s, 3, at + 1, 2600);
	KUNIT_ASSERT_EQ(test, refusal(s), -ENOSPC);
	s->r->space_bytes = FIXTURE_SPACE;
	server_time(s, 0);
	server_persist(s);
	server_done(s);
	KUNIT_ASSERT_EQ(test, s->r->log.last_index, at + 4);
	forwarded_bytes(s, 3, at + 1, 2600);
	KUNIT_EXPECT_EQ(test, refusal(s), -ENOSPC);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
}

/* Nor is a no-op, for whom there is no room, because a smaller one had been refused. */
static void what_does_not_fit_makes_no_noops(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	u64 at = s->r->log.last_index;
	u32 i;

	server_done(s);
	s->r->space_bytes = 4 * FIXTURE_OVERHEAD;
	s->r->space_index = s->r->log.last_index;
	forwarded_bytes(s, 1, at, 10);
	KUNIT_ASSERT_EQ(test, refusal(s), -ENOSPC);
	s->r->space_bytes = FIXTURE_SPACE;
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->r->log.last_index, at + 1);
	server_persist(s);
	s->r->space_bytes = 8 * FIXTURE_OVERHEAD;
	s->r->space_index = s->r->log.last_index;
	for (i = 0; i < 4; i++) {
		server_done(s);
		forwarded_bytes(s, 2 + i, at + 1, 5000);
		KUNIT_ASSERT_EQ(test, refusal(s), -ENOSPC);
		server_time(s, 0);
	}
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, at + 1);
	/* For a small one there is, and it is told so by one. */
	server_done(s);
	forwarded_bytes(s, 10, at + 1, 10);
	KUNIT_ASSERT_EQ(test, refusal(s), -ENOSPC);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, at + 2);
}

/* As long as there is none, nothing of the kind is appended. */
static void full_log_is_not_filled_by_its_leader(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	u64 at = s->r->log.last_index;

	server_done(s);
	s->r->space_bytes = 4000;
	s->r->space_index = s->r->log.last_index;
	forwarded_bytes(s, 1, at, 5000);
	s->r->space_bytes = 5000 + 4 * FIXTURE_OVERHEAD;
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, at);
}

/* What is appended takes its room at once, and not when it is written. */
static void entries_under_way_take_room(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal p[2] = { { .bytes = 10 }, { .bytes = 10 } };

	s->r->space_bytes = s->settings.space_reserve_bytes +
			    2 * raft_entry_cost(s->r, 10) - 1;
	s->r->space_index = s->r->log.last_index;
	KUNIT_ASSERT_EQ(test, server_propose(s, &p[0]), 0);
	KUNIT_ASSERT_EQ(test, server_propose(s, &p[1]), 0);
	server_time(s, 0);
	KUNIT_EXPECT_FALSE(test, server_finished(s, &p[0]));
	KUNIT_EXPECT_TRUE(test, server_finished(s, &p[1]));
	KUNIT_EXPECT_EQ(test, p[1].result, -ENOSPC);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 3ull);
}

static void refusal_of_the_leader_is_final(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_proposal p = { .bytes = 10 };

	server_propose(s, &p);
	server_time(s, 0);
	refused(s, &p, -ENOSPC);
	KUNIT_EXPECT_TRUE(test, server_finished(s, &p));
	KUNIT_EXPECT_EQ(test, p.result, -ENOSPC);
}

/* A leader before this one may have taken it. */
static void refusal_after_another_leader_is_not(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_proposal p = { .bytes = 10 };

	server_propose(s, &p);
	server_time(s, 0);
	server_append(s, 2, 3, 1, 1, NULL, 0, 1);
	server_persist(s);
	refused(s, &p, -ENOSPC);
	KUNIT_EXPECT_FALSE(test, server_finished(s, &p));
	refused(s, &p, -ESTALE);
	KUNIT_EXPECT_TRUE(test, server_finished(s, &p));
	KUNIT_EXPECT_EQ(test, p.result, -ETIMEDOUT);
}

/* It goes again after a heartbeat, before what was proposed after it. */
static void no_room_now_is_tried_again(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_proposal p[3] = { { .bytes = 10 },
				      { .bytes = 10 },
				      { .bytes = 10 } };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(p); i++)
		server_propose(s, &p[i]);
	server_time(s, 0);
	server_done(s);
	refused(s, &p[2], -EAGAIN);
	refused(s, &p[0], -EAGAIN);
	KUNIT_EXPECT_EQ(test, raft_proposal_deadline(s->r),
			s->now_ns + FIXTURE_HEARTBEAT_NS);
	server_time(s, FIXTURE_HEARTBEAT_NS - 1);
	KUNIT_EXPECT_NULL(test, server_sent(s, RAFT_PROPOSE, 2));
	server_time(s, 1);
	KUNIT_ASSERT_EQ(test, s->update.n_sends, 2u);
	KUNIT_EXPECT_PTR_EQ(test, s->update.sends[0].proposal, &p[0]);
	KUNIT_EXPECT_PTR_EQ(test, s->update.sends[1].proposal, &p[2]);
}

/* The next leader may have room at once. */
static void no_room_is_of_one_leader(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_proposal p = { .bytes = 10 };

	server_propose(s, &p);
	server_time(s, 0);
	server_done(s);
	refused(s, &p, -EAGAIN);
	server_append(s, 3, 3, 1, 1, NULL, 0, 1);
	server_persist(s);
	server_time(s, 0);
	KUNIT_EXPECT_NOT_NULL(test, server_sent(s, RAFT_PROPOSE, 3));
}

/* Own proposals that wait leave others room; over the cap, others are told. */
static void others_find_room(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal *p =
		kunit_kzalloc(test, 16 * sizeof(*p), GFP_KERNEL);
	const struct raft_send *send = NULL;
	u64 own_bytes, sequence;
	u32 i;

	for (i = 0; i < 16; i++) {
		p[i].bytes = 900;
		KUNIT_ASSERT_EQ(test, server_propose(s, &p[i]), 0);
	}
	server_time(s, 0);
	own_bytes = raft_uncommitted_bytes(s->r);
	KUNIT_EXPECT_LT(test, s->r->log.last_index, 2ull + 16);
	server_done(s);
	for (sequence = 1; sequence < 100 && !send; sequence++) {
		forwarded_bytes(s, sequence, s->r->commit_index, 300);
		send = server_sent(s, RAFT_PROPOSE_RESPONSE, 2);
		if (send)
			KUNIT_EXPECT_EQ(test,
					send->message.propose_response.error,
					-EAGAIN);
		server_done(s);
	}
	KUNIT_EXPECT_NOT_NULL(test, send);
	KUNIT_EXPECT_GE(test, raft_uncommitted_bytes(s->r),
			own_bytes + s->settings.uncommitted_bytes_max / 4 -
				300);
	KUNIT_EXPECT_LE(test, raft_uncommitted_bytes(s->r),
			s->settings.uncommitted_bytes_max);
}

static void uncommitted_bytes_are_capped(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal *p =
		kunit_kzalloc(test, 16 * sizeof(*p), GFP_KERNEL);
	u64 last;
	u32 i;

	for (i = 0; i < 12; i++) {
		p[i].bytes = 900;
		KUNIT_ASSERT_EQ(test, server_propose(s, &p[i]), 0);
	}
	server_time(s, 0);
	last = s->r->log.last_index;
	KUNIT_EXPECT_LE(test, raft_uncommitted_bytes(s->r),
			s->settings.uncommitted_bytes_max);
	KUNIT_EXPECT_LT(test, last, 2ull + 12);
	/* Commit makes room, and the rest follows in order. */
	server_ack_probe(s, 2);
	server_ack(s, 2, 2);
	server_persist(s);
	server_ack(s, 2, last);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, last);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 2ull + 12);
}

/* Return: how many of @n the leader appended at once. */
static u32 propose_all(struct server *s, struct raft_proposal *p, u32 n,
		       u32 bytes)
{
	u64 first = s->r->log.last_index + 1;
	u32 i;

	for (i = 0; i < n; i++) {
		p[i].bytes = bytes;
		KUNIT_ASSERT_EQ(s->test, server_propose(s, &p[i]), 0);
	}
	server_time(s, 0);
	return s->r->log.last_index + 1 - first;
}

/* The others are faster: what commits without this disk takes memory all the same. */
static void leader_does_not_run_ahead_of_its_disk(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal *p =
		kunit_kzalloc(test, 16 * sizeof(*p), GFP_KERNEL);
	u64 last, durable = s->r->durable_index;
	u32 n;

	KUNIT_ASSERT_NOT_NULL(test, p);
	server_ack_probe(s, 2);
	server_ack(s, 2, s->r->log.last_index);
	server_ack_probe(s, 3);
	server_ack(s, 3, s->r->log.last_index);
	n = propose_all(s, p, 16, 900);
	KUNIT_ASSERT_GT(test, n, 0u);
	KUNIT_ASSERT_LT(test, n, 16u);
	last = s->r->log.last_index;
	server_ack(s, 2, last);
	server_ack(s, 3, last);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, last);
	KUNIT_EXPECT_EQ(test, s->r->durable_index, durable);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, last);
	KUNIT_EXPECT_EQ(test, raft_uncommitted_bytes(s->r), 0ull);
	/* The disk makes room for as many again. */
	server_persist(s);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, last + min(n, 16 - n));
}

/* The same where it is not bytes that there are many of. */
static void leader_does_not_run_ahead_in_entries(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	u32 half = s->r->settings.window_entries / 2;
	struct raft_proposal *p =
		kunit_kzalloc(test, 2 * half * sizeof(*p), GFP_KERNEL);
	u64 last, durable = s->r->durable_index;
	u32 n, done = 0;

	KUNIT_ASSERT_NOT_NULL(test, p);
	server_ack_probe(s, 2);
	server_ack_probe(s, 3);
	do {
		n = propose_all(s, p + done, min(2 * half - done, 8u), 1);
		done += n;
		last = s->r->log.last_index;
		server_ack(s, 2, last);
		server_ack(s, 3, last);
		server_time(s, 0);
		KUNIT_ASSERT_EQ(test, s->r->commit_index, last);
		server_done(s);
	} while (n == 8 && done < 2 * half);
	KUNIT_EXPECT_EQ(test, s->r->durable_index, durable);
	KUNIT_EXPECT_EQ(test, last, durable + half - half / 4);
}

/* One that is larger than the cap is taken, but nothing else with it. */
static void larger_than_the_cap_goes_alone(struct kunit *test)
{
	struct server *s = server_leader(test, 1);
	struct raft_proposal large = { .bytes = 9000 }, small = { .bytes = 1 };

	KUNIT_ASSERT_GT(test, (u64)large.bytes,
			s->settings.uncommitted_bytes_max);
	KUNIT_ASSERT_EQ(test, server_propose(s, &large), 0);
	KUNIT_ASSERT_EQ(test, server_propose(s, &small), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 3ull);
	KUNIT_EXPECT_EQ(test, raft_uncommitted_bytes(s->r), 9000ull);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, large.index, 3ull);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 4ull);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, small.index, 4ull);
	KUNIT_EXPECT_EQ(test, raft_uncommitted_bytes(s->r), 0ull);
}

/* What a leader itself has to append is not counted. */
static void no_op_fits_over_the_cap(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal large = { .bytes = 9000 };

	KUNIT_ASSERT_EQ(test, server_propose(s, &large), 0);
	server_time(s, 0);
	server_persist(s);
	KUNIT_ASSERT_EQ(test, s->r->log.last_index, 3ull);
	server_append(s, 3, 3, 3, 2, NULL, 0, 1);
	server_persist(s);
	server_timeout(s);
	server_vote(s, 2, 4, true, true);
	server_persist(s);
	server_vote(s, 2, 4, false, true);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 4ull);
	KUNIT_EXPECT_EQ(test, raft_term_at(s->r, 4), 4ull);
	KUNIT_EXPECT_EQ(test, raft_uncommitted_bytes(s->r), 9000ull);
}

static void table_of_proposals_is_bounded(struct kunit *test)
{
	struct server *s = server_started(test, 3);
	struct raft_proposal *p =
		kunit_kzalloc(test, 17 * sizeof(*p), GFP_KERNEL);
	struct raft_proposal none = {};
	u32 i;

	KUNIT_EXPECT_EQ(test, server_propose(s, &none), -EINVAL);
	for (i = 0; i < 17; i++) {
		p[i].bytes = 1;
		KUNIT_EXPECT_EQ(test, server_propose(s, &p[i]),
				i < 16 ? 0 : -EBUSY);
	}
	server_cancel(s, &p[0]);
	KUNIT_EXPECT_EQ(test, server_propose(s, &p[16]), 0);
}

static void shutdown_ends_them_all(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_event shutdown = { .type = RAFT_EVENT_SHUTDOWN };
	struct raft_proposal sent = { .bytes = 1 }, waiting = { .bytes = 1 };

	server_propose(s, &sent);
	server_time(s, 0);
	server_propose(s, &waiting);
	KUNIT_EXPECT_EQ(test, server_event(s, &shutdown), 0);
	KUNIT_EXPECT_EQ(test, sent.result, -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, waiting.result, -EHOSTUNREACH);
	KUNIT_EXPECT_EQ(test, s->r->n_proposals, 0u);
}

/* A deposed leader's proposal lives on with the next leader, at one index. */
static void deposed_leader_forwards_what_it_appended(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal p = { .bytes = 10 };

	server_propose(s, &p);
	server_time(s, 0);
	server_persist(s);
	KUNIT_ASSERT_EQ(test, s->r->log.last_index, 3ull);
	server_done(s);
	server_append(s, 2, 5, 1, 1, NULL, 0, 1);
	server_persist(s);
	KUNIT_ASSERT_NOT_NULL(test, server_sent(s, RAFT_PROPOSE, 2));
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_PROPOSE, 2)->entry.sequence,
			p.sequence);
	KUNIT_EXPECT_FALSE(test, server_finished(s, &p));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(forwarded_proposal_is_appended_once),
	KUNIT_CASE(too_old_to_tell_is_refused),
	KUNIT_CASE(follower_forwards_and_sees_it_committed),
	KUNIT_CASE(lost_forward_is_sent_again),
	KUNIT_CASE(next_leader_is_asked_again),
	KUNIT_CASE(forward_waits_for_the_term),
	KUNIT_CASE(only_the_term_it_was_sent_in_takes_it),
	KUNIT_CASE(without_leader_it_never_left),
	KUNIT_CASE(given_up_after_it_was_sent_is_unknown),
	KUNIT_CASE(full_log_pushes_back),
	KUNIT_CASE(refused_for_want_of_room_is_refused_for_the_term),
	KUNIT_CASE(full_log_takes_again_what_was_not_refused),
	KUNIT_CASE(what_does_not_fit_makes_no_noops),
	KUNIT_CASE(full_log_is_not_filled_by_its_leader),
	KUNIT_CASE(entries_under_way_take_room),
	KUNIT_CASE(refusal_of_the_leader_is_final),
	KUNIT_CASE(refusal_after_another_leader_is_not),
	KUNIT_CASE(no_room_now_is_tried_again),
	KUNIT_CASE(no_room_is_of_one_leader),
	KUNIT_CASE(others_find_room),
	KUNIT_CASE(uncommitted_bytes_are_capped),
	KUNIT_CASE(leader_does_not_run_ahead_of_its_disk),
	KUNIT_CASE(leader_does_not_run_ahead_in_entries),
	KUNIT_CASE(larger_than_the_cap_goes_alone),
	KUNIT_CASE(no_op_fits_over_the_cap),
	KUNIT_CASE(table_of_proposals_is_bounded),
	KUNIT_CASE(shutdown_ends_them_all),
	KUNIT_CASE(deposed_leader_forwards_what_it_appended),
	{}
};

struct kunit_suite raftlog_raft_proposal_suite = {
	.name = "raftlog_raft_proposal",
	.test_cases = cases,
};
