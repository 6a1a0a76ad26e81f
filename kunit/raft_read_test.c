// SPDX-License-Identifier: GPL-2.0
/* Linearizable reads: rounds, requests of followers, leases. See PEERS.rst. */
#include "raft_network.h"
#include "suites.h"

enum { ORIGIN_SESSION = 0x2222 };

#define EXPECT_READ(s, read, at, in)                            \
	do {                                                    \
		KUNIT_EXPECT_TRUE((s)->test, (read)->done);     \
		KUNIT_EXPECT_EQ((s)->test, (read)->result, 0);  \
		KUNIT_EXPECT_EQ((s)->test, (read)->index, at);  \
		KUNIT_EXPECT_EQ((s)->test, (read)->term, in);   \
	} while (0)

#define EXPECT_ENDED(s, read, error)                               \
	do {                                                       \
		KUNIT_EXPECT_TRUE((s)->test, (read)->done);        \
		KUNIT_EXPECT_EQ((s)->test, (read)->result, error); \
	} while (0)

static void make(struct server *s, struct raft_read *read)
{
	KUNIT_ASSERT_EQ(s->test, server_read(s, read), 0);
}

/* Server @from answers what the leader sent at @sent_ns. */
static void answered(struct server *s, u32 from, u64 sent_ns)
{
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = from,
		.to = 1,
		.term = s->r->hard_state.current_term,
		.append_entries_response = {
			.match_index = raft_find_peer(s->r, from)->match_index,
			.sent_ns = sent_ns,
			.promised_ns = FIXTURE_ELECTION_NS,
		},
	};

	KUNIT_ASSERT_EQ(s->test, server_receive(s, &message), 0);
	server_time(s, 0);
}

/* Its no-op is committed, all know, and the next heartbeat is not due yet. */
static void settle(struct server *s)
{
	u32 id;

	for (id = 2; id <= s->r->configuration.n_members; id++) {
		server_ack_probe(s, id);
		server_ack(s, id, s->r->log.last_index);
	}
	server_time(s, 0);
	server_time(s, NSEC_PER_MSEC);
	server_done(s);
}

static struct server *settled_leader(struct kunit *test, u32 n_voters)
{
	struct server *s = server_leader(test, n_voters);

	settle(s);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, s->r->log.last_index);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, 2ull);
	return s;
}

/* Alone, it need not ask anybody. */
static void lone_voter_answers_at_once(struct kunit *test)
{
	struct server *s = settled_leader(test, 1);
	struct raft_read read = {};

	make(s, &read);
	server_time(s, 0);
	EXPECT_READ(s, &read, 2ull, 2ull);
	KUNIT_EXPECT_EQ(test, s->update.n_sends, 0u);
	KUNIT_EXPECT_PTR_EQ(test, s->update.reads_done.next, &read.node);
}

/* A round begins with the read, and a majority of it is enough. */
static void majority_of_a_round_answers(struct kunit *test)
{
	struct server *s = settled_leader(test, 5);
	struct raft_read read = {};
	u64 sent_ns = s->now_ns;

	make(s, &read);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES), 4u);
	KUNIT_ASSERT_NOT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 5));
	KUNIT_EXPECT_EQ(test,
			server_sent(s, RAFT_APPEND_ENTRIES, 5)
				->message.append_entries.sent_ns,
			sent_ns);
	server_time(s, NSEC_PER_MSEC);
	answered(s, 2, sent_ns);
	answered(s, 2, sent_ns);
	KUNIT_EXPECT_FALSE(test, read.done);
	answered(s, 3, sent_ns);
	EXPECT_READ(s, &read, 2ull, 2ull);
}

/* What was sent before the read proves nothing, however late the answer. */
static void earlier_heartbeats_prove_nothing(struct kunit *test)
{
	struct server *s = settled_leader(test, 3);
	struct raft_read read = {}, at_once = {};
	u64 sent_ns;

	server_time(s, FIXTURE_HEARTBEAT_NS);
	KUNIT_ASSERT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES), 2u);
	sent_ns = s->now_ns;
	server_done(s);
	/* In the moment of sending, and behind it. */
	make(s, &at_once);
	server_time(s, 0);
	answered(s, 2, sent_ns);
	KUNIT_EXPECT_FALSE(test, at_once.done);
	KUNIT_EXPECT_EQ(test, s->update.deadline_ns, s->now_ns + 1);
	make(s, &read);
	server_time(s, NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES), 2u);
	answered(s, 2, sent_ns);
	answered(s, 3, sent_ns);
	KUNIT_EXPECT_FALSE(test, at_once.done);
	KUNIT_EXPECT_FALSE(test, read.done);
	answered(s, 2, s->now_ns);
	EXPECT_READ(s, &at_once, 2ull, 2ull);
	EXPECT_READ(s, &read, 2ull, 2ull);
}

/* Many wait for one round, and who comes while it is under way for the next. */
static void reads_share_rounds(struct kunit *test)
{
	struct server *s = settled_leader(test, 3);
	struct raft_read first[10] = {}, next[10] = {};
	u64 rounds = s->r->n_read_rounds;
	u64 sent_ns = s->now_ns;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(first); i++)
		make(s, &first[i]);
	server_time(s, 0);
	server_time(s, NSEC_PER_MSEC);
	for (i = 0; i < ARRAY_SIZE(next); i++) {
		make(s, &next[i]);
		server_time(s, NSEC_PER_MSEC);
	}
	KUNIT_EXPECT_EQ(test, s->r->n_read_rounds, rounds + 1);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES), 2u);
	answered(s, 2, sent_ns);
	KUNIT_EXPECT_EQ(test, s->r->n_read_rounds, rounds + 2);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES), 4u);
	for (i = 0; i < ARRAY_SIZE(first); i++) {
		EXPECT_READ(s, &first[i], 2ull, 2ull);
		KUNIT_EXPECT_FALSE(test, next[i].done);
	}
	answered(s, 2, s->now_ns);
	for (i = 0; i < ARRAY_SIZE(next); i++)
		EXPECT_READ(s, &next[i], 2ull, 2ull);
	/* Nobody waits: no more rounds. */
	server_time(s, NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES), 4u);
}

/* A lost round is made up for by the next heartbeats. */
static void heartbeats_serve_what_a_lost_round_did_not(struct kunit *test)
{
	struct server *s = settled_leader(test, 3);
	struct raft_read read = {}, late = {};

	make(s, &read);
	server_time(s, 0);
	make(s, &late);
	server_done(s);
	server_time(s, FIXTURE_HEARTBEAT_NS);
	KUNIT_ASSERT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES), 2u);
	answered(s, 3, s->now_ns);
	EXPECT_READ(s, &read, 2ull, 2ull);
	EXPECT_READ(s, &late, 2ull, 2ull);
}

/* Answers of learners and of disks that nobody knows are none. */
static void only_known_voters_confirm(struct kunit *test)
{
	struct server *s = server_member(test, 1, 3, 1);
	struct raft_read read = {};
	struct raft_message foreign;
	u64 sent_ns;

	server_bootstrap(s);
	server_timeout(s);
	server_vote(s, 2, 2, true, true);
	server_persist(s);
	server_vote(s, 2, 2, false, true);
	server_persist(s);
	settle(s);
	sent_ns = s->now_ns;
	make(s, &read);
	server_time(s, 0);
	answered(s, 4, sent_ns);
	KUNIT_EXPECT_FALSE(test, read.done);
	foreign = (struct raft_message){
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = 2,
		.to = 1,
		.term = 2,
		.incarnation = 0xbad,
		.append_entries_response = { .sent_ns = sent_ns },
	};
	server_receive(s, &foreign);
	server_time(s, 0);
	KUNIT_EXPECT_FALSE(test, read.done);
	answered(s, 3, sent_ns);
	EXPECT_READ(s, &read, 2ull, 2ull);
}

/* Server 2 asks the leader, server 1. */
static int request(struct server *s, u64 term, u64 sequence, bool lease)
{
	struct raft_message message = {
		.type = RAFT_READ_INDEX,
		.from = 2,
		.to = 1,
		.term = term,
		.read_index = {
			.session = ORIGIN_SESSION,
			.sequence = sequence,
			.lease = lease,
		},
	};
	int error = server_receive(s, &message);

	server_time(s, 0);
	return error;
}

static void expect_answer(struct server *s, u64 sequence, u64 index)
{
	const struct raft_send *send =
		server_sent(s, RAFT_READ_INDEX_RESPONSE, 2);

	KUNIT_ASSERT_NOT_NULL(s->test, send);
	KUNIT_EXPECT_EQ(s->test, server_count(s, RAFT_READ_INDEX_RESPONSE), 1u);
	KUNIT_EXPECT_EQ(s->test, send->message.term,
			s->r->hard_state.current_term);
	KUNIT_EXPECT_EQ(s->test, send->message.read_index_response.session,
			(u64)ORIGIN_SESSION);
	KUNIT_EXPECT_EQ(s->test, send->message.read_index_response.sequence,
			sequence);
	KUNIT_EXPECT_EQ(s->test, send->message.read_index_response.index,
			index);
}

/* 6.4: what earlier leaders committed is not known before; reads wait. */
static void reads_wait_for_the_first_commit(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_read read = {}, lease = { .lease = true };

	make(s, &read);
	make(s, &lease);
	request(s, 2, 1, false);
	server_time(s, NSEC_PER_MSEC);
	answered(s, 2, s->now_ns);
	answered(s, 3, s->now_ns);
	KUNIT_ASSERT_EQ(test, s->r->commit_index, 1ull);
	KUNIT_EXPECT_FALSE(test, read.done);
	KUNIT_EXPECT_FALSE(test, lease.done);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX_RESPONSE), 0u);
	server_ack(s, 2, 2);
	server_time(s, 0);
	EXPECT_READ(s, &read, 2ull, 2ull);
	EXPECT_READ(s, &lease, 2ull, 2ull);
	expect_answer(s, 1, 2);
}

static void lead_again(struct server *s)
{
	u64 term = s->r->hard_state.current_term + 1;

	server_timeout(s);
	server_vote(s, 2, term, true, true);
	server_persist(s);
	server_vote(s, 2, term, false, true);
	server_persist(s);
	KUNIT_ASSERT_EQ(s->test, s->r->role, (u8)RAFT_LEADER);
}

/* What a leader noted it may have noted when it was one no longer. */
static void noted_index_is_void_in_the_next_term(struct kunit *test)
{
	static const u64 terms[] = { 3, 3 };
	struct server *s = settled_leader(test, 3);
	struct raft_read read = {};

	make(s, &read);
	request(s, 2, 1, false);
	KUNIT_ASSERT_EQ(test, read.index, 2ull);
	server_append(s, 3, 3, 2, 2, terms, 2, 2);
	server_persist(s);
	lead_again(s);
	server_done(s);
	server_ack_probe(s, 2);
	server_ack(s, 2, 5);
	server_time(s, NSEC_PER_MSEC);
	answered(s, 2, s->now_ns);
	EXPECT_READ(s, &read, 5ull, 4ull);
	/* Whoever asked the leader of term 2 asks anew. */
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX_RESPONSE), 0u);
}

static void leader_answers_requests(struct kunit *test)
{
	struct server *s = settled_leader(test, 3);
	u64 sent_ns = s->now_ns;

	request(s, 2, 7, false);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES), 2u);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX_RESPONSE), 0u);
	answered(s, 3, sent_ns);
	expect_answer(s, 7, 2);
	server_done(s);
	answered(s, 2, sent_ns);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX_RESPONSE), 0u);
}

/*
 * One that comes twice is answered once, and again if it comes again; an older
 * one that comes late does not take its place.
 */
static void repeated_requests_are_served_once_each(struct kunit *test)
{
	struct server *s = settled_leader(test, 3);

	request(s, 2, 7, false);
	request(s, 2, 7, false);
	request(s, 2, 6, false);
	answered(s, 3, s->now_ns);
	expect_answer(s, 7, 2);
	server_time(s, NSEC_PER_MSEC);
	server_done(s);
	request(s, 2, 7, false);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX_RESPONSE), 0u);
	answered(s, 3, s->now_ns);
	expect_answer(s, 7, 2);
}

/* A repeated request may not be served by what the first one caused. */
static void repeated_request_needs_its_own_round(struct kunit *test)
{
	struct server *s = settled_leader(test, 3);
	u64 sent_ns = s->now_ns;

	request(s, 2, 7, false);
	answered(s, 3, sent_ns);
	server_time(s, NSEC_PER_MSEC);
	server_done(s);
	request(s, 2, 8, false);
	answered(s, 2, sent_ns);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX_RESPONSE), 0u);
	answered(s, 2, s->now_ns);
	expect_answer(s, 8, 2);
}

static void requests_of_other_terms_are_ignored(struct kunit *test)
{
	struct server *s = settled_leader(test, 3);

	request(s, 1, 1, false);
	request(s, 3, 1, true);
	answered(s, 3, s->now_ns);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX_RESPONSE), 0u);
	KUNIT_EXPECT_EQ(test, s->r->role, (u8)RAFT_LEADER);
}

static struct server *follower_of_2(struct kunit *test)
{
	struct server *s = server_started(test, 3);

	server_append(s, 2, 2, 1, 1, NULL, 0, 1);
	server_persist(s);
	server_done(s);
	return s;
}

static struct raft_message response(struct server *s, u64 sequence, u64 index)
{
	return (struct raft_message){
		.type = RAFT_READ_INDEX_RESPONSE,
		.from = s->r->leader_id,
		.to = 1,
		.term = s->r->hard_state.current_term,
		.read_index_response = {
			.session = s->settings.session,
			.sequence = sequence,
			.index = index,
		},
	};
}

static void respond(struct server *s, const struct raft_message *message)
{
	KUNIT_ASSERT_EQ(s->test, server_receive(s, message), 0);
	server_time(s, 0);
}

static u64 sequence_asked(struct server *s, u32 leader_id)
{
	const struct raft_send *send =
		server_sent(s, RAFT_READ_INDEX, leader_id);

	KUNIT_ASSERT_NOT_NULL(s->test, send);
	KUNIT_EXPECT_EQ(s->test, send->message.read_index.session,
			s->settings.session);
	return send->message.read_index.sequence;
}

/* One request for all that wait, and the next when that is answered. */
static void follower_asks_once_for_all(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_read early[3] = {}, late[3] = {};
	struct raft_message first, second;
	u64 sequence;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(early); i++)
		make(s, &early[i]);
	server_time(s, 0);
	for (i = 0; i < ARRAY_SIZE(late); i++) {
		make(s, &late[i]);
		server_time(s, 0);
	}
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX), 1u);
	sequence = sequence_asked(s, 2);
	first = response(s, sequence, 1);
	server_done(s);
	respond(s, &first);
	for (i = 0; i < ARRAY_SIZE(early); i++) {
		EXPECT_READ(s, &early[i], 1ull, 2ull);
		KUNIT_EXPECT_FALSE(test, late[i].done);
	}
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX), 1u);
	KUNIT_EXPECT_NE(test, sequence_asked(s, 2), sequence);
	/* It knew nothing of those that came later. */
	respond(s, &first);
	for (i = 0; i < ARRAY_SIZE(late); i++)
		KUNIT_EXPECT_FALSE(test, late[i].done);
	second = response(s, sequence_asked(s, 2), 1);
	respond(s, &second);
	for (i = 0; i < ARRAY_SIZE(late); i++)
		EXPECT_READ(s, &late[i], 1ull, 2ull);
}

static void stray_answers_are_ignored(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_read read = {};
	struct raft_message right, stray;

	make(s, &read);
	server_time(s, 0);
	right = response(s, sequence_asked(s, 2), 1);
	stray = right;
	stray.read_index_response.session++;
	respond(s, &stray);
	stray = right;
	stray.read_index_response.sequence++;
	respond(s, &stray);
	stray = right;
	stray.from = 3;
	respond(s, &stray);
	stray = right;
	stray.term = 1;
	respond(s, &stray);
	KUNIT_EXPECT_FALSE(test, read.done);
	stray = right;
	stray.read_index_response.index = 0;
	KUNIT_EXPECT_EQ(test, server_receive(s, &stray), -EINVAL);
	respond(s, &right);
	EXPECT_READ(s, &read, 1ull, 2ull);
}

/* What the leader had committed must be committed here, or it cannot be read. */
static void read_waits_until_it_can_be_read(struct kunit *test)
{
	static const u64 terms[] = { 2, 2 };
	struct server *s = follower_of_2(test);
	struct raft_read read = {};
	struct raft_message message;

	make(s, &read);
	server_time(s, 0);
	message = response(s, sequence_asked(s, 2), 3);
	respond(s, &message);
	server_append(s, 2, 2, 1, 1, terms, 2, 2);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 2ull);
	KUNIT_EXPECT_FALSE(test, read.done);
	server_append(s, 2, 2, 3, 2, NULL, 0, 3);
	server_time(s, 0);
	EXPECT_READ(s, &read, 3ull, 2ull);
}

static void lost_requests_are_sent_again(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_read read = {}, later = {};
	struct raft_message message;
	u64 sequence;

	make(s, &read);
	server_time(s, 0);
	sequence = sequence_asked(s, 2);
	make(s, &later);
	server_done(s);
	server_time(s, 4 * FIXTURE_HEARTBEAT_NS - 1);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX), 0u);
	KUNIT_EXPECT_EQ(test, s->update.deadline_ns, s->now_ns + 1);
	server_time(s, 1);
	/* The same: an answer to the first one is as good. */
	KUNIT_EXPECT_EQ(test, sequence_asked(s, 2), sequence);
	message = response(s, sequence, 1);
	respond(s, &message);
	EXPECT_READ(s, &read, 1ull, 2ull);
	KUNIT_EXPECT_FALSE(test, later.done);
}

/* Another leader, or the same one in another term, is asked at once. */
static void new_leader_is_asked_anew(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_read read = {};
	struct raft_message of_2, of_3;
	u64 sequence;

	make(s, &read);
	server_time(s, 0);
	sequence = sequence_asked(s, 2);
	of_2 = response(s, sequence, 1);
	server_append(s, 2, 3, 1, 1, NULL, 0, 1);
	server_persist(s);
	KUNIT_EXPECT_NE(test, sequence_asked(s, 2), sequence);
	sequence = sequence_asked(s, 2);
	server_append(s, 3, 4, 1, 1, NULL, 0, 1);
	server_persist(s);
	KUNIT_EXPECT_NE(test, sequence_asked(s, 3), sequence);
	respond(s, &of_2);
	KUNIT_EXPECT_FALSE(test, read.done);
	of_3 = response(s, sequence_asked(s, 3), 1);
	respond(s, &of_3);
	EXPECT_READ(s, &read, 1ull, 4ull);
}

/* What was asked of a leader in an earlier term it does not answer in this one. */
static void answers_of_an_older_term_are_ignored(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_read read = {};
	struct raft_message old;

	make(s, &read);
	server_time(s, 0);
	old = response(s, sequence_asked(s, 2), 1);
	server_append(s, 2, 3, 1, 1, NULL, 0, 1);
	server_persist(s);
	respond(s, &old);
	KUNIT_EXPECT_FALSE(test, read.done);
	/* Nor if the numbers were the same. */
	old.read_index_response.sequence = sequence_asked(s, 2);
	respond(s, &old);
	KUNIT_EXPECT_FALSE(test, read.done);
}

static void reads_are_given_up(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_read asked = {}, next = {}, lone = {};
	struct raft_message message;

	make(s, &asked);
	server_time(s, 0);
	message = response(s, sequence_asked(s, 2), 1);
	KUNIT_EXPECT_EQ(test, server_cancel_read(s, &asked), 0);
	EXPECT_ENDED(s, &asked, -ETIMEDOUT);
	/* Again, and answered: it has ended once. */
	server_done(s);
	KUNIT_EXPECT_EQ(test, server_cancel_read(s, &asked), 0);
	respond(s, &message);
	KUNIT_EXPECT_TRUE(test, list_empty(&s->update.reads_done));
	/* Nobody waits for that request: the next one goes at once. */
	make(s, &next);
	server_time(s, 0);
	respond(s, &message);
	KUNIT_EXPECT_FALSE(test, next.done);
	message = response(s, sequence_asked(s, 2), 1);
	respond(s, &message);
	EXPECT_READ(s, &next, 1ull, 2ull);

	server_timeout(s);
	make(s, &lone);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_READ_INDEX), 0u);
	KUNIT_EXPECT_EQ(test, server_cancel_read(s, &lone), 0);
	EXPECT_ENDED(s, &lone, -EHOSTUNREACH);
	KUNIT_EXPECT_EQ(test, s->r->n_reads, 0u);
}

/* Stopped or failed, wherever they are. */
static void end_of_all_reads(struct kunit *test)
{
	static const struct {
		u8 type;
		int error;
	} ends[] = { { RAFT_EVENT_SHUTDOWN, -ESHUTDOWN },
		     { RAFT_EVENT_STORAGE_FAILED, -EIO } };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		struct server *s = follower_of_2(test);
		struct raft_event event = { .type = ends[i].type };
		struct raft_read indexed = {}, asked = {}, waiting = {};
		struct raft_message message;

		make(s, &indexed);
		server_time(s, 0);
		message = response(s, sequence_asked(s, 2), 9);
		respond(s, &message);
		make(s, &asked);
		server_time(s, 0);
		make(s, &waiting);
		server_event(s, &event);
		EXPECT_ENDED(s, &indexed, ends[i].error);
		EXPECT_ENDED(s, &asked, ends[i].error);
		EXPECT_ENDED(s, &waiting, ends[i].error);
		KUNIT_EXPECT_EQ(test, s->r->n_reads, 0u);
	}
}

/* Lease */

static void lease_answers_at_once(struct kunit *test)
{
	struct server *s = settled_leader(test, 3);
	struct raft_read read = { .lease = true };

	KUNIT_ASSERT_GT(test, raft_lease_until(s->r), s->now_ns);
	make(s, &read);
	server_time(s, 0);
	EXPECT_READ(s, &read, 2ull, 2ull);
	request(s, 2, 1, true);
	expect_answer(s, 1, 2);
	KUNIT_EXPECT_EQ(test, server_count(s, RAFT_APPEND_ENTRIES), 0u);
}

/* From sending on, and an eighth less than an election timeout. */
static void lease_ends(struct kunit *test)
{
	struct server *s = settled_leader(test, 3);
	u64 until = raft_lease_until(s->r);
	struct raft_read last = { .lease = true }, late = { .lease = true };

	KUNIT_EXPECT_EQ(test, until,
			s->now_ns - NSEC_PER_MSEC +
				FIXTURE_ELECTION_NS / 8 * 7);
	make(s, &last);
	server_time(s, until - s->now_ns - 1);
	EXPECT_READ(s, &last, 2ull, 2ull);
	server_done(s);
	make(s, &late);
	server_time(s, 1);
	KUNIT_EXPECT_FALSE(test, late.done);
	/* Now as any other, by a round. */
	server_time(s, 1);
	KUNIT_EXPECT_GE(test, server_count(s, RAFT_APPEND_ENTRIES), 2u);
	answered(s, 3, s->now_ns);
	EXPECT_READ(s, &late, 2ull, 2ull);
}

/* Reads by lease need not wait for those by round, nor help them. */
static void lanes_do_not_mix(struct kunit *test)
{
	struct server *s = follower_of_2(test);
	struct raft_read round = {}, lease = { .lease = true };
	struct raft_message message;
	u64 sequence;

	make(s, &round);
	server_time(s, 0);
	sequence = sequence_asked(s, 2);
	make(s, &lease);
	server_done(s);
	server_time(s, 0);
	KUNIT_EXPECT_NE(test, sequence_asked(s, 2), sequence);
	KUNIT_EXPECT_TRUE(test, server_sent(s, RAFT_READ_INDEX, 2)
					->message.read_index.lease);
	message = response(s, sequence_asked(s, 2), 1);
	respond(s, &message);
	EXPECT_READ(s, &lease, 1ull, 2ull);
	KUNIT_EXPECT_FALSE(test, round.done);
}

/* Clusters */

/* Wherever it is made, it sees what was committed before. */
struct where_case {
	u32 n_voters, n_learners;
	bool lease;
};

static const struct where_case where_cases[] = {
	{ 1, 0, false }, { 3, 0, false }, { 5, 0, false },
	{ 1, 1, false }, { 3, 2, false },
	{ 1, 0, true }, { 3, 0, true }, { 5, 0, true },
	{ 1, 1, true },
};

static void describe_where(const struct where_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u voters, %u learners%s",
		 c->n_voters, c->n_learners, c->lease ? ", by lease" : "");
}

KUNIT_ARRAY_PARAM(where, where_cases, describe_where);

static void reads_anywhere_see_what_is_committed(struct kunit *test)
{
	const struct where_case *c = test->param_value;
	struct network *net = network_new(test, c->n_voters, c->n_learners);
	struct raft_proposal p[NETWORK_SERVERS] = {};
	struct raft_read reads[NETWORK_SERVERS] = {};
	u32 id;

	network_elect(net, 1);
	network_pass(net, 1);
	EACH_SERVER(id, net) {
		p[id - 1].bytes = 10;
		network_propose(net, 1, &p[id - 1]);
		network_settle(net);
		KUNIT_ASSERT_EQ(test, p[id - 1].index, id + 2ull);
		reads[id - 1].lease = c->lease;
		network_read(net, id, &reads[id - 1]);
		network_pass(net, 1);
		EXPECT_READ(network_server(net, id), &reads[id - 1],
			    p[id - 1].index, 2ull);
	}
}

/* One that was cut off does not know, and does not say. */
static void leader_that_was_replaced_says_nothing(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);
	struct raft_proposal p = { .bytes = 10 };
	struct raft_read old = {}, newer = {};

	network_elect(net, 1);
	network_isolate(net, 1);
	network_read(net, 1, &old);
	network_elect(net, 2);
	network_propose(net, 2, &p);
	network_settle(net);
	network_read(net, 3, &newer);
	network_pass(net, 1);
	EXPECT_READ(network_server(net, 3), &newer, 4ull, 3ull);
	KUNIT_EXPECT_EQ(test, p.index, 4ull);
	KUNIT_EXPECT_FALSE(test, old.done);
	network_heal(net);
	network_pass(net, 5 * FIXTURE_HEARTBEAT_NS);
	network_expect_leader(net, 2, 3);
	EXPECT_READ(network_server(net, 1), &old, 4ull, 3ull);
}

/* Without a majority nobody is told anything. */
static void minority_says_nothing(struct kunit *test)
{
	struct network *net = network_new(test, 5, 0);
	struct raft_read reads[2] = {};
	u32 id;

	network_elect(net, 1);
	for (id = 3; id <= 5; id++)
		network_stop(net, id);
	network_pass(net, 1);
	network_read(net, 1, &reads[0]);
	network_read(net, 2, &reads[1]);
	network_pass(net, 4 * FIXTURE_ELECTION_NS);
	for (id = 1; id <= 2; id++) {
		struct server *s = network_server(net, id);

		KUNIT_EXPECT_FALSE(test, reads[id - 1].done);
		s->now_ns = net->now_ns;
		server_cancel_read(s, &reads[id - 1]);
		EXPECT_ENDED(s, &reads[id - 1], -EHOSTUNREACH);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(lone_voter_answers_at_once),
	KUNIT_CASE(majority_of_a_round_answers),
	KUNIT_CASE(earlier_heartbeats_prove_nothing),
	KUNIT_CASE(reads_share_rounds),
	KUNIT_CASE(heartbeats_serve_what_a_lost_round_did_not),
	KUNIT_CASE(only_known_voters_confirm),
	KUNIT_CASE(reads_wait_for_the_first_commit),
	KUNIT_CASE(noted_index_is_void_in_the_next_term),
	KUNIT_CASE(leader_answers_requests),
	KUNIT_CASE(repeated_requests_are_served_once_each),
	KUNIT_CASE(repeated_request_needs_its_own_round),
	KUNIT_CASE(requests_of_other_terms_are_ignored),
	KUNIT_CASE(follower_asks_once_for_all),
	KUNIT_CASE(stray_answers_are_ignored),
	KUNIT_CASE(read_waits_until_it_can_be_read),
	KUNIT_CASE(lost_requests_are_sent_again),
	KUNIT_CASE(new_leader_is_asked_anew),
	KUNIT_CASE(answers_of_an_older_term_are_ignored),
	KUNIT_CASE(reads_are_given_up),
	KUNIT_CASE(end_of_all_reads),
	KUNIT_CASE(lease_answers_at_once),
	KUNIT_CASE(lease_ends),
	KUNIT_CASE(lanes_do_not_mix),
	KUNIT_CASE_PARAM(reads_anywhere_see_what_is_committed,
			 where_gen_params),
	KUNIT_CASE(leader_that_was_replaced_says_nothing),
	KUNIT_CASE(minority_says_nothing),
	{}
};

struct kunit_suite raftlog_raft_read_suite = {
	.name = "raftlog_raft_read",
	.test_cases = cases,
};
