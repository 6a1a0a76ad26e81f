// SPDX-License-Identifier: GPL-2.0
/* A snapshot's data, chunk by chunk (5.1, figure 5.3), on both sides. */
#include "raft_fixture.h"
#include "suites.h"

enum { CHUNK = 100, SUM = 0x5eed };

/* Of the snapshot as of entry 20 of term 4, 250 bytes. */
static const struct raft_snapshot offered = {
	.index = 20,
	.term = 4,
	.bytes = 250,
	.checksum = SUM,
};

/* An offer of server 2, with @bytes of the data from @offset on. */
static int offer(struct server *s, const struct raft_snapshot *snapshot,
		 u64 term, u64 offset, u32 bytes)
{
	static const u8 data[CHUNK];
	struct raft_entry entries[2] = {
		{
			.data = s->configuration,
			.bytes = s->configuration_bytes,
			.type = RAFT_ENTRY_CONFIGURATION,
		},
		{
			.data = data,
			.bytes = bytes,
			.type = RAFT_ENTRY_DATA,
		},
	};
	struct raft_message message = {
		.type = RAFT_INSTALL_SNAPSHOT,
		.from = 2,
		.to = s->settings.node_id,
		.term = term,
		.install_snapshot = {
			.snapshot_index = snapshot->index,
			.snapshot_term = snapshot->term,
			.configuration_index = 1,
			.sent_ns = 77,
			.bytes = snapshot->bytes,
			.offset = offset,
			.checksum = snapshot->checksum,
		},
		.entries = entries,
		.n_entries = bytes ? 2 : 1,
	};

	return server_receive(s, &message);
}

static int stored(struct server *s, const struct raft_snapshot *snapshot,
		  u64 offset)
{
	struct raft_event event = {
		.type = RAFT_EVENT_CHUNK_STORED,
		.stored = { .snapshot = *snapshot, .offset = offset },
	};

	return server_event(s, &event);
}

static struct server *follower(struct kunit *test)
{
	static const u64 terms[] = { 1, 2, 2, 3, 3 };
	struct server *s = server_restored(test, 3, 3, terms, 5);

	KUNIT_ASSERT_EQ(test, server_append(s, 2, 4, 6, 3, NULL, 0, 4), 0);
	server_persist(s);
	server_done(s);
	return s;
}

static void expect_answer(struct server *s, u64 offset)
{
	const struct raft_send *send =
		server_sent(s, RAFT_INSTALL_SNAPSHOT_RESPONSE, 2);

	KUNIT_ASSERT_NOT_NULL(s->test, send);
	KUNIT_EXPECT_EQ(s->test,
			send->message.install_snapshot_response.snapshot_index,
			20ull);
	KUNIT_EXPECT_EQ(s->test,
			send->message.install_snapshot_response.snapshot_term,
			4ull);
	KUNIT_EXPECT_EQ(s->test,
			send->message.install_snapshot_response.checksum,
			(u32)SUM);
	KUNIT_EXPECT_EQ(s->test, send->message.install_snapshot_response.offset,
			offset);
}

static void expect_silence(struct server *s)
{
	KUNIT_EXPECT_NULL(s->test,
			  server_sent(s, RAFT_INSTALL_SNAPSHOT_RESPONSE, 0));
	KUNIT_EXPECT_EQ(s->test, s->update.chunk.snapshot.index, 0ull);
}

/* A chunk comes and is stored. */
static void take_chunk(struct server *s, u64 offset, u32 bytes)
{
	server_done(s);
	KUNIT_ASSERT_EQ(s->test, offer(s, &offered, 4, offset, bytes), 0);
	KUNIT_EXPECT_EQ(s->test, s->update.chunk.snapshot.index, 20ull);
	KUNIT_EXPECT_EQ(s->test, s->update.chunk.offset, offset);
	KUNIT_EXPECT_EQ(s->test, s->update.chunk.data.bytes, bytes);
	KUNIT_EXPECT_EQ(s->test, s->update.chunk.configuration.bytes,
			s->configuration_bytes);
	KUNIT_EXPECT_EQ(s->test, s->update.chunk.configuration_index, 1ull);
	server_done(s);
	KUNIT_ASSERT_EQ(s->test, stored(s, &offered, offset + bytes), 0);
	expect_answer(s, offset + bytes);
}

static void take_all(struct server *s)
{
	take_chunk(s, 0, CHUNK);
	take_chunk(s, CHUNK, CHUNK);
	take_chunk(s, 2 * CHUNK, 50);
	server_done(s);
}

/* The log stays what it was until all of the data is there. */
static void chunk_by_chunk_then_the_log_begins_anew(struct kunit *test)
{
	struct server *s = follower(test);

	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 0, 0), 0);
	expect_answer(s, 0);
	take_all(s);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, 6ull);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 4ull);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 250, 0), 0);
	KUNIT_EXPECT_TRUE(test, s->update.base_discards);
	KUNIT_EXPECT_TRUE(test, s->update.base_installed);
	KUNIT_EXPECT_EQ(test, s->update.base_index, 20ull);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 20ull);
	KUNIT_EXPECT_EQ(test, s->r->snapshot.index, 20ull);
	KUNIT_EXPECT_EQ(test, s->r->incoming.index, 0ull);
	server_persist(s);
	KUNIT_EXPECT_EQ(test, s->r->durable_index, 20ull);
}

static void chunk_that_does_not_follow_is_not_stored(struct kunit *test)
{
	struct server *s = follower(test);

	take_chunk(s, 0, CHUNK);
	server_done(s);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 2 * CHUNK, 50), 0);
	KUNIT_EXPECT_EQ(test, s->update.chunk.snapshot.index, 0ull);
	expect_answer(s, CHUNK);
	server_done(s);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 0, CHUNK), 0);
	KUNIT_EXPECT_EQ(test, s->update.chunk.snapshot.index, 0ull);
	expect_answer(s, CHUNK);
}

/* One at a time; the answer comes when it is on the disk. */
static void while_a_chunk_is_stored_nothing_is_said(struct kunit *test)
{
	const struct raft_snapshot newer = {
		.index = 30, .term = 4, .bytes = 10, .checksum = 1,
	};
	struct server *s = follower(test);

	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 0, CHUNK), 0);
	KUNIT_EXPECT_EQ(test, s->update.chunk.snapshot.index, 20ull);
	server_done(s);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 0, CHUNK), 0);
	expect_silence(s);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, CHUNK, CHUNK), 0);
	expect_silence(s);
	KUNIT_ASSERT_EQ(test, offer(s, &newer, 4, 0, 10), 0);
	expect_silence(s);
	KUNIT_ASSERT_EQ(test, stored(s, &offered, CHUNK), 0);
	expect_answer(s, CHUNK);
}

/* A chunk comes, and the disk is full. Return: how long it is not asked for again. */
static u64 fail_to_store(struct server *s)
{
	u64 begin = s->now_ns;

	server_done(s);
	KUNIT_ASSERT_EQ(s->test, offer(s, &offered, 4, 0, CHUNK), 0);
	KUNIT_EXPECT_EQ(s->test, s->update.chunk.snapshot.index, 20ull);
	server_done(s);
	KUNIT_ASSERT_EQ(s->test, stored(s, &offered, 0), 0);
	expect_silence(s);
	do {
		s->now_ns += FIXTURE_HEARTBEAT_NS;
		server_done(s);
		KUNIT_ASSERT_EQ(s->test, offer(s, &offered, 4, 0, 0), 0);
	} while (!server_sent(s, RAFT_INSTALL_SNAPSHOT_RESPONSE, 2) &&
		 s->now_ns < begin + 1000 * FIXTURE_ELECTION_NS);
	expect_answer(s, 0);
	return s->now_ns - begin;
}

/* All of it comes anew, but not at the speed of the network for ever. */
static void what_could_not_be_stored_is_put_off(struct kunit *test)
{
	struct server *s = follower(test);
	u64 wait_ns = 0, next_ns;
	u32 i;

	take_chunk(s, 0, CHUNK);
	server_done(s);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, CHUNK, CHUNK), 0);
	server_done(s);
	KUNIT_ASSERT_EQ(test, stored(s, &offered, 0), 0);
	expect_silence(s);
	s->now_ns += 2 * FIXTURE_ELECTION_NS;
	for (i = 0; i < 5; i++) {
		next_ns = fail_to_store(s);
		KUNIT_EXPECT_GE(test, next_ns, FIXTURE_ELECTION_NS);
		KUNIT_EXPECT_GT(test, next_ns, wait_ns);
		wait_ns = next_ns;
	}
	for (i = 0; i < 5; i++)
		wait_ns = fail_to_store(s);
	KUNIT_EXPECT_EQ(test, fail_to_store(s), wait_ns);
	take_all(s);
	KUNIT_EXPECT_EQ(test, s->r->snapshot.index, 20ull);
	KUNIT_EXPECT_EQ(test, s->r->store_wait_ns, 0ull);
}

/* The same bytes: a new leader goes on where the old one was. */
static void another_leader_goes_on_with_the_same(struct kunit *test)
{
	struct server *s = follower(test);

	take_chunk(s, 0, CHUNK);
	server_done(s);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 7, 0, 0), 0);
	expect_answer(s, CHUNK);
	KUNIT_EXPECT_EQ(test, s->r->hard_state.current_term, 7ull);
	KUNIT_EXPECT_NE(test,
			server_sent(s, RAFT_INSTALL_SNAPSHOT_RESPONSE, 2)
				->after_hard_state_seq,
			0ull);
}

/* Other bytes, and nothing of what is here can be used: pieces of both make none. */
static void other_bytes_begin_anew(struct kunit *test)
{
	struct raft_snapshot other = offered;
	struct server *s = follower(test);

	take_chunk(s, 0, CHUNK);
	server_done(s);
	other.checksum++;
	KUNIT_ASSERT_EQ(test, offer(s, &other, 7, CHUNK, CHUNK), 0);
	KUNIT_EXPECT_EQ(test, s->update.chunk.snapshot.index, 0ull);
	KUNIT_EXPECT_EQ(test, s->r->incoming_offset, 0ull);
	KUNIT_EXPECT_EQ(test, s->r->incoming.checksum, other.checksum);
	server_done(s);
	KUNIT_ASSERT_EQ(test, offer(s, &other, 7, 0, CHUNK), 0);
	KUNIT_EXPECT_EQ(test, s->update.chunk.offset, 0ull);
	KUNIT_EXPECT_EQ(test, s->update.chunk.snapshot.checksum,
			other.checksum);
}

static void old_leader_brings_no_chunk(struct kunit *test)
{
	struct server *s = follower(test);
	struct raft_snapshot old = offered;

	old.term = 3;
	KUNIT_ASSERT_EQ(test, offer(s, &old, 3, 0, CHUNK), 0);
	KUNIT_EXPECT_EQ(test, s->update.chunk.snapshot.index, 0ull);
	KUNIT_EXPECT_EQ(test, s->r->incoming.index, 0ull);
}

/* Entries 7 … 20 come after all. */
static void catch_up(struct server *s)
{
	static const u64 terms[] = { 4, 4, 4, 4, 4, 4, 4 };

	KUNIT_ASSERT_EQ(s->test, server_append(s, 2, 4, 6, 3, terms, 7, 20), 0);
	KUNIT_ASSERT_EQ(s->test, server_append(s, 2, 4, 13, 4, terms, 7, 20),
			0);
}

/* It got the entries another way. */
static void entries_make_it_needless(struct kunit *test)
{
	struct server *s = follower(test);

	take_chunk(s, 0, CHUNK);
	server_done(s);
	catch_up(s);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 20ull);
	KUNIT_EXPECT_EQ(test, s->r->incoming.index, 0ull);
	server_done(s);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, CHUNK, CHUNK), 0);
	expect_silence(s);
	KUNIT_EXPECT_FALSE(test, s->update.base_changed);
}

/* Also while its disk is busy with it: that ends first. */
static void entries_make_it_needless_while_it_is_stored(struct kunit *test)
{
	struct server *s = follower(test);

	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 0, CHUNK), 0);
	server_done(s);
	catch_up(s);
	KUNIT_EXPECT_EQ(test, s->r->incoming.index, 20ull);
	KUNIT_ASSERT_EQ(test, stored(s, &offered, CHUNK), 0);
	KUNIT_EXPECT_EQ(test, s->r->incoming.index, 0ull);
}

static void restore(struct server *s, const struct raft_snapshot *snapshot,
		    int error)
{
	KUNIT_ASSERT_EQ(s->test,
			raft_restore_snapshot(s->r, snapshot, s->configuration,
					      s->configuration_bytes, 1),
			error);
}

/* After a restart in between: it is sealed, and the log knows nothing of it. */
static void snapshot_that_is_there_needs_no_data(struct kunit *test)
{
	struct server *s = follower(test);
	struct raft_snapshot other = offered;

	restore(s, &offered, 0);
	/* Whatever the bytes, it says the same. */
	other.checksum++;
	KUNIT_ASSERT_EQ(test, offer(s, &other, 4, 0, 0), 0);
	KUNIT_EXPECT_TRUE(test, s->update.base_installed);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 20ull);
}

/* What cannot be read is not there, however it was found. */
static void snapshot_that_is_gone_needs_its_data(struct kunit *test)
{
	struct raft_event event = {
		.type = RAFT_EVENT_SNAPSHOT_GONE,
		.index = offered.index,
	};
	struct server *s = follower(test);

	restore(s, &offered, 0);
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 0, 0), 0);
	KUNIT_EXPECT_FALSE(test, s->update.base_installed);
	expect_answer(s, 0);
	take_all(s);
	KUNIT_EXPECT_FALSE(test, s->r->snapshot_gone);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 250, 0), 0);
	KUNIT_EXPECT_TRUE(test, s->update.base_installed);
	/* Nor if it was about to be installed. */
	s = follower(test);
	take_all(s);
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 0, 0), 0);
	KUNIT_EXPECT_FALSE(test, s->update.base_installed);
	expect_answer(s, 0);
}

/* The log went, the snapshot did not: the leader's older one is good enough. */
static void older_snapshot_is_taken_for_the_log(struct kunit *test)
{
	const struct raft_snapshot newer = {
		.index = 24, .term = 4, .bytes = 10, .checksum = 1,
	};
	struct server *s = follower(test);

	restore(s, &newer, 0);
	take_all(s);
	KUNIT_EXPECT_EQ(test, s->r->snapshot.index, 24ull);
	KUNIT_ASSERT_EQ(test, offer(s, &offered, 4, 250, 0), 0);
	KUNIT_EXPECT_TRUE(test, s->update.base_installed);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, 20ull);
	KUNIT_EXPECT_EQ(test, s->r->snapshot.index, 24ull);
}

static void nonsense_is_refused(struct kunit *test)
{
	struct raft_snapshot empty = offered;
	struct server *s = follower(test);

	empty.bytes = 0;
	KUNIT_EXPECT_EQ(test, offer(s, &empty, 4, 0, 0), -EINVAL);
	empty.checksum = 0;
	KUNIT_EXPECT_EQ(test, offer(s, &empty, 4, 0, CHUNK), -EINVAL);
	KUNIT_EXPECT_EQ(test, offer(s, &offered, 4, 251, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, offer(s, &offered, 4, 250, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, offer(s, &offered, 4, 200, 51), -EINVAL);
	KUNIT_EXPECT_EQ(test, offer(s, &offered, 4, U64_MAX, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, s->r->incoming.index, 0ull);
}

/* Leader of entries of which all are gone but for a snapshot; server 3 needs it. */
static struct server *leader(struct kunit *test, u64 rate)
{
	struct raft_event event = { .type = RAFT_EVENT_COMPACT };
	struct server *s = server_leader(test, 3);
	u64 last = s->r->log.last_index;

	s->r->settings.snapshot_bytes_per_s = rate;
	server_ack_probe(s, 2);
	server_ack(s, 2, last);
	event.type = RAFT_EVENT_SNAPSHOT;
	event.snapshot = (struct raft_snapshot){
		.index = last,
		.term = s->r->hard_state.current_term,
		.bytes = 250,
		.checksum = SUM,
	};
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	event.type = RAFT_EVENT_COMPACT;
	event.index = last;
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	server_persist(s);
	server_refuse(s, 3, 0, 0);
	server_done(s);
	return s;
}

static int answer(struct server *s, u64 offset)
{
	struct raft_message message = {
		.type = RAFT_INSTALL_SNAPSHOT_RESPONSE,
		.from = 3,
		.to = 1,
		.term = s->r->hard_state.current_term,
		.install_snapshot_response = {
			.snapshot_index = s->r->log.first_index - 1,
			.snapshot_term = s->r->hard_state.current_term,
			.offset = offset,
			.checksum = SUM,
		},
	};

	server_done(s);
	return server_receive(s, &message);
}

static void beat(struct server *s)
{
	server_done(s);
	server_ack(s, 2, s->r->log.last_index);
	server_time(s, FIXTURE_HEARTBEAT_NS);
}

/* The offset of the chunk that is sent now, U64_MAX for none. */
static u64 chunk_sent(struct server *s)
{
	u32 i;

	for (i = 0; i < s->update.n_sends; i++)
		if (s->update.sends[i].chunk)
			return s->update.sends[i]
				.message.install_snapshot.offset;
	return U64_MAX;
}

static void leader_offers_and_sends_what_is_asked_for(struct kunit *test)
{
	struct server *s = leader(test, 0);
	const struct raft_send *send;

	beat(s);
	send = server_sent(s, RAFT_INSTALL_SNAPSHOT, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_FALSE(test, send->chunk);
	KUNIT_EXPECT_EQ(test, send->message.install_snapshot.bytes, 250ull);
	KUNIT_EXPECT_EQ(test, send->message.install_snapshot.checksum, (u32)SUM);
	KUNIT_EXPECT_NOT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 3));
	KUNIT_ASSERT_EQ(test, answer(s, 0), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), 0ull);
	KUNIT_ASSERT_EQ(test, answer(s, CHUNK), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), (u64)CHUNK);
	/* All is there: once more without data, which installs. */
	KUNIT_ASSERT_EQ(test, answer(s, 250), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), U64_MAX);
	send = server_sent(s, RAFT_INSTALL_SNAPSHOT, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_EQ(test, send->message.install_snapshot.offset, 250ull);
	server_ack(s, 3, s->r->log.last_index);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 3)->snapshot.index, 0ull);
	KUNIT_EXPECT_EQ(test, raft_find_peer(s->r, 3)->match_index,
			s->r->log.last_index);
}

/* Answers to offers cross it on the way; so much later it is lost. */
static void chunk_is_sent_again_when_it_is_lost(struct kunit *test)
{
	struct server *s = leader(test, 0);
	u32 i;

	beat(s);
	KUNIT_ASSERT_EQ(test, answer(s, 0), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), 0ull);
	KUNIT_ASSERT_EQ(test, answer(s, 0), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), U64_MAX);
	for (i = 0; i < 5; i++)
		beat(s);
	KUNIT_ASSERT_EQ(test, answer(s, 0), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), 0ull);
}

/* Nothing is sent to somebody who does not answer. */
static void silent_peer_is_offered_only(struct kunit *test)
{
	struct server *s = leader(test, 0);
	u32 i;

	for (i = 0; i < 10; i++) {
		beat(s);
		KUNIT_EXPECT_EQ(test, chunk_sent(s), U64_MAX);
	}
}

/* 1000 bytes a second: a chunk of 100 takes a tenth of one. */
static void chunks_are_paced(struct kunit *test)
{
	struct server *s = leader(test, 1000);

	beat(s);
	KUNIT_ASSERT_EQ(test, answer(s, 0), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), 0ull);
	KUNIT_ASSERT_EQ(test, answer(s, CHUNK), 0);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), U64_MAX);
	KUNIT_EXPECT_LE(test, s->update.deadline_ns,
			s->now_ns + 100 * NSEC_PER_MSEC);
	server_done(s);
	server_time(s, 99 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), U64_MAX);
	server_done(s);
	server_time(s, NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), (u64)CHUNK);
}

/* What was to be waited for at the old one is not any more. */
static void another_rate_counts_at_once(struct kunit *test)
{
	struct server *s = leader(test, 1);
	struct raft_settings settings = s->r->settings;

	beat(s);
	KUNIT_ASSERT_EQ(test, answer(s, 0), 0);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, answer(s, CHUNK), 0);
	server_time(s, FIXTURE_HEARTBEAT_NS);
	KUNIT_ASSERT_EQ(test, chunk_sent(s), U64_MAX);
	settings.snapshot_bytes_per_s = 0;
	KUNIT_ASSERT_EQ(test, raft_set_settings(s->r, &settings, s->now_ns), 0);
	server_done(s);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, chunk_sent(s), (u64)CHUNK);
}

/* What was begun is ended, whatever the application does meanwhile. */
static void newer_snapshot_waits_for_its_turn(struct kunit *test)
{
	struct raft_event event = { .type = RAFT_EVENT_SNAPSHOT };
	struct server *s = leader(test, 0);
	struct raft_proposal proposal = { .payload = s, .bytes = 10 };
	const struct raft_peer *peer = raft_find_peer(s->r, 3);
	u64 first = s->r->snapshot.index;

	beat(s);
	KUNIT_ASSERT_EQ(test, answer(s, CHUNK), 0);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, server_propose(s, &proposal), 0);
	server_time(s, 0);
	server_persist(s);
	server_ack(s, 2, s->r->log.last_index);
	event.snapshot = s->r->snapshot;
	event.snapshot.index = s->r->commit_index;
	KUNIT_ASSERT_GT(test, event.snapshot.index, first);
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	KUNIT_EXPECT_EQ(test, s->r->snapshot.index, first + 1);
	beat(s);
	KUNIT_EXPECT_EQ(test, peer->snapshot.index, first);
	KUNIT_EXPECT_EQ(test, peer->snapshot_offset, (u64)CHUNK);
	/* It is not there any more. */
	event.type = RAFT_EVENT_SNAPSHOT_GONE;
	event.index = first;
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	beat(s);
	KUNIT_EXPECT_EQ(test, peer->snapshot.index, first + 1);
	KUNIT_EXPECT_EQ(test, peer->snapshot_offset, 0ull);
}

/* A peer that went on without would know nothing of what came before. */
static void damaged_snapshot_is_not_made_up_for_by_none(struct kunit *test)
{
	struct raft_event event = { .type = RAFT_EVENT_SNAPSHOT_GONE };
	struct server *s = leader(test, 0);

	event.index = s->r->snapshot.index;
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	beat(s);
	KUNIT_EXPECT_NULL(test, server_sent(s, RAFT_INSTALL_SNAPSHOT, 3));
	KUNIT_EXPECT_NOT_NULL(test, server_sent(s, RAFT_APPEND_ENTRIES, 3));
	/* Taken again. */
	event.type = RAFT_EVENT_SNAPSHOT;
	event.snapshot = s->r->snapshot;
	event.snapshot.checksum = 1;
	KUNIT_ASSERT_EQ(test, server_event(s, &event), 0);
	beat(s);
	KUNIT_EXPECT_NOT_NULL(test, server_sent(s, RAFT_INSTALL_SNAPSHOT, 3));
}

static void snapshot_must_be_of_what_is_committed(struct kunit *test)
{
	struct server *s = follower(test);
	struct raft_event event = {
		.type = RAFT_EVENT_SNAPSHOT,
		.snapshot = { .index = 5, .term = 3, .bytes = 1 },
	};

	KUNIT_EXPECT_EQ(test, server_event(s, &event), -EINVAL);
	event.snapshot.index = 4;
	KUNIT_EXPECT_EQ(test, server_event(s, &event), -EINVAL);
	event.snapshot.term = 2;
	KUNIT_EXPECT_EQ(test, server_event(s, &event), 0);
	event.snapshot.index = 3;
	KUNIT_EXPECT_EQ(test, server_event(s, &event), -ESTALE);
}

static struct kunit_case chunk_cases[] = {
	KUNIT_CASE(chunk_by_chunk_then_the_log_begins_anew),
	KUNIT_CASE(chunk_that_does_not_follow_is_not_stored),
	KUNIT_CASE(while_a_chunk_is_stored_nothing_is_said),
	KUNIT_CASE(what_could_not_be_stored_is_put_off),
	KUNIT_CASE(another_leader_goes_on_with_the_same),
	KUNIT_CASE(other_bytes_begin_anew),
	KUNIT_CASE(old_leader_brings_no_chunk),
	KUNIT_CASE(entries_make_it_needless),
	KUNIT_CASE(entries_make_it_needless_while_it_is_stored),
	KUNIT_CASE(snapshot_that_is_there_needs_no_data),
	KUNIT_CASE(snapshot_that_is_gone_needs_its_data),
	KUNIT_CASE(older_snapshot_is_taken_for_the_log),
	KUNIT_CASE(nonsense_is_refused),
	KUNIT_CASE(leader_offers_and_sends_what_is_asked_for),
	KUNIT_CASE(chunk_is_sent_again_when_it_is_lost),
	KUNIT_CASE(silent_peer_is_offered_only),
	KUNIT_CASE(chunks_are_paced),
	KUNIT_CASE(another_rate_counts_at_once),
	KUNIT_CASE(newer_snapshot_waits_for_its_turn),
	KUNIT_CASE(damaged_snapshot_is_not_made_up_for_by_none),
	KUNIT_CASE(snapshot_must_be_of_what_is_committed),
	{}
};

struct kunit_suite raftlog_raft_chunk_suite = {
	.name = "raftlog_raft_chunk",
	.test_cases = chunk_cases,
};
