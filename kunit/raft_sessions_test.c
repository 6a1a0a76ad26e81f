// SPDX-License-Identifier: GPL-2.0
/* Named sessions: entries that are in the log once, however often they are asked for. */
#include "raft_network.h"
#include "suites.h"

enum {
	SESSIONS_MAX = 4, /* as in the fixture */
	LEADER = 1,
	OTHER = 2,
};

static struct raft_proposal *propose(struct network *net, u32 id, u64 session,
				     u64 sequence)
{
	struct raft_proposal *proposal =
		kunit_kzalloc(net->test, sizeof(*proposal), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(net->test, proposal);
	proposal->session = session;
	proposal->sequence = sequence;
	proposal->bytes = 10;
	network_propose(net, id, proposal);
	network_pass(net, 10 * FIXTURE_HEARTBEAT_NS);
	return proposal;
}

static u64 key_of(const char *name)
{
	return raft_session_key(name, strlen(name));
}

/* What whoever opens it is told. */
static struct raft_session_info open_session(struct network *net, u32 id,
					     const char *name)
{
	struct raft_proposal *proposal = propose(net, id, key_of(name), 0);

	KUNIT_ASSERT_EQ(net->test, proposal->result, 0);
	KUNIT_EXPECT_EQ(net->test, proposal->opened.key, key_of(name));
	KUNIT_EXPECT_EQ(net->test, proposal->opened.session,
			RAFT_SESSION_NAMED | proposal->index);
	return proposal->opened;
}

static u64 append(struct network *net, u32 id, u64 session, u64 sequence)
{
	struct raft_proposal *proposal = propose(net, id, session, sequence);

	KUNIT_ASSERT_EQ(net->test, proposal->result, 0);
	/* It has ended. */
	KUNIT_ASSERT_NE(net->test, proposal->index, 0ull);
	return proposal->index;
}

static void expect_error(struct network *net, u32 id, u64 session, u64 sequence,
			 int error)
{
	struct raft_proposal *proposal = propose(net, id, session, sequence);

	KUNIT_EXPECT_EQ(net->test, proposal->result, error);
}

static struct network *network_led(struct kunit *test, u32 n)
{
	struct network *net = network_new(test, n, 0);

	network_elect(net, LEADER);
	network_pass(net, FIXTURE_HEARTBEAT_NS);
	return net;
}

/* Another leads from now on. */
static void lead(struct network *net, u32 id, u32 instead_of)
{
	network_isolate(net, instead_of);
	network_elect(net, id);
	network_heal(net);
	network_pass(net, FIXTURE_HEARTBEAT_NS);
}

/* All servers have the same of all sessions. */
static void expect_equal_sessions(struct network *net, u32 n)
{
	struct raft_session_info info, other;
	u32 id, i;

	EACH_SERVER(id, net) {
		for (i = 0; i < n; i++) {
			KUNIT_ASSERT_EQ(net->test,
					raft_session_at(network_server(net, 1)->r,
							i, &info),
					0);
			KUNIT_ASSERT_EQ(net->test,
					raft_session_at(network_server(net, id)->r,
							i, &other),
					0);
			KUNIT_EXPECT_EQ(net->test,
					memcmp(&info, &other, sizeof(info)), 0);
		}
		KUNIT_EXPECT_EQ(net->test,
				raft_session_at(network_server(net, id)->r, n,
						&other),
				-ENOENT);
	}
}

static void retries_are_in_the_log_once(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	struct raft_session_info info = open_session(net, OTHER, "a");
	u64 index, n;

	KUNIT_EXPECT_EQ(test, info.last_sequence, 0ull);
	index = append(net, LEADER, info.session, 7);
	n = net->n_committed;
	KUNIT_EXPECT_EQ(test, append(net, LEADER, info.session, 7), index);
	KUNIT_EXPECT_EQ(test, append(net, OTHER, info.session, 7), index);
	KUNIT_EXPECT_EQ(test, append(net, 3, info.session, 7), index);
	KUNIT_EXPECT_EQ(test, net->n_committed, n);
	/* A new leader only adds the first entry of its term. */
	lead(net, OTHER, LEADER);
	KUNIT_EXPECT_EQ(test, append(net, LEADER, info.session, 7), index);
	KUNIT_EXPECT_EQ(test, append(net, OTHER, info.session, 7), index);
	KUNIT_EXPECT_EQ(test, net->n_committed, n + 1);
	expect_equal_sessions(net, 1);
}

static void retry_says_the_term_of_the_entry(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	u64 session = open_session(net, LEADER, "a").session;
	u64 index = append(net, LEADER, session, 1);
	u64 term = net->committed[index - 1].term;

	lead(net, OTHER, LEADER);
	KUNIT_EXPECT_EQ(test, propose(net, LEADER, session, 1)->term, term);
	KUNIT_EXPECT_EQ(test, propose(net, OTHER, session, 1)->term, term);
}

/* As retries of a program and of the one that took its place. */
static void several_wait_for_one_entry(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	u64 session = open_session(net, OTHER, "a").session;
	struct raft_proposal p[3] = {};
	u64 n = net->n_committed;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i].session = session;
		p[i].sequence = 1;
		p[i].bytes = 10;
		network_propose(net, i < 2 ? OTHER : 3, &p[i]);
	}
	network_pass(net, 10 * FIXTURE_HEARTBEAT_NS);
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		KUNIT_EXPECT_EQ(test, p[i].result, 0);
		KUNIT_EXPECT_EQ(test, p[i].index, n + 1);
	}
	KUNIT_EXPECT_EQ(test, net->n_committed, n + 1);
}

static void sequences_come_in_any_order(struct kunit *test)
{
	static const u64 order[] = { 5, 1, 9, 3, 2 };
	struct network *net = network_led(test, 3);
	u64 session = open_session(net, LEADER, "a").session;
	struct raft_session_info info;
	u64 at[ARRAY_SIZE(order)];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		at[i] = append(net, 1 + i % 3, session, order[i]);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, append(net, 3 - i % 3, session, order[i]),
				at[i]);
	info = open_session(net, OTHER, "a");
	KUNIT_EXPECT_EQ(test, info.last_sequence, 9ull);
	KUNIT_EXPECT_EQ(test, info.last_index, at[2]);
}

/* Neither acknowledged nor appended: nobody can tell what became of it. */
static void old_sequences_are_refused(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	u64 session = open_session(net, LEADER, "a").session;
	u64 i, n;

	for (i = 2; i <= RAFT_SESSION_WINDOW + 2; i++)
		append(net, LEADER, session, i);
	n = net->n_committed;
	expect_error(net, LEADER, session, 2, -ERANGE);
	expect_error(net, OTHER, session, 2, -ERANGE);
	expect_error(net, OTHER, session, 1, -ERANGE);
	KUNIT_EXPECT_EQ(test, net->n_committed, n);
	append(net, OTHER, session, 3);
	KUNIT_EXPECT_EQ(test, net->n_committed, n);
}

static void opened_again_the_earlier_is_over(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	struct raft_session_info first = open_session(net, OTHER, "a");
	u64 index = append(net, OTHER, first.session, 1);
	struct raft_session_info second = open_session(net, 3, "a");

	KUNIT_EXPECT_EQ(test, second.created, first.created);
	KUNIT_EXPECT_EQ(test, second.last_sequence, 1ull);
	KUNIT_EXPECT_EQ(test, second.last_index, index);
	expect_error(net, LEADER, first.session, 2, -ESTALE);
	expect_error(net, OTHER, first.session, 1, -ESTALE);
	KUNIT_EXPECT_EQ(test, append(net, OTHER, second.session, 1), index);
}

/* What is committed of earlier terms it only knows then. */
static void new_leader_waits_for_its_own_commit(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal opens = { .bytes = 1, .session = key_of("a") };

	server_done(s);
	server_propose(s, &opens);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->update.n_entries, 0u);
	server_ack(s, 2, s->r->log.last_index);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->update.n_entries, 1u);
	KUNIT_EXPECT_EQ(test, s->entries[0].type, (u8)RAFT_ENTRY_SESSIONS);
}

/* What opens it is in the log, and behind it nothing of the earlier one follows. */
static void nothing_follows_what_opens_it(struct kunit *test)
{
	struct server *s = server_leader(test, 3);
	struct raft_proposal opens = { .bytes = 1, .session = key_of("a") };
	struct raft_proposal again = opens, data = { .bytes = 1, .sequence = 1 };

	server_ack(s, 2, s->r->log.last_index);
	server_propose(s, &opens);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->entries[0].type, (u8)RAFT_ENTRY_SESSIONS);
	server_persist(s);
	server_ack(s, 2, s->r->log.last_index);
	server_time(s, 0);
	server_persist(s);
	server_ack(s, 2, s->r->log.last_index);
	KUNIT_ASSERT_EQ(test, opens.result, 0);
	KUNIT_ASSERT_EQ(test, opens.opened.created, opens.index);

	server_done(s);
	data.session = opens.opened.session;
	server_propose(s, &again);
	server_propose(s, &data);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->update.n_entries, 1u);
	KUNIT_EXPECT_EQ(test, s->entries[0].type, (u8)RAFT_ENTRY_SESSION);
	server_persist(s);
	server_ack(s, 2, s->r->log.last_index);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, again.result, 0);
	KUNIT_EXPECT_EQ(test, data.result, -ESTALE);
}

static void least_recently_used_expires(struct kunit *test)
{
	static const char *const names[SESSIONS_MAX] = { "a", "b", "c", "d" };
	struct network *net = network_led(test, 3);
	struct raft_session_info infos[SESSIONS_MAX];
	u32 i;

	for (i = 0; i < SESSIONS_MAX; i++)
		infos[i] = open_session(net, 1 + i % 3, names[i]);
	append(net, LEADER, infos[0].session, 1);
	/* "b" is it. */
	open_session(net, OTHER, "e");
	expect_equal_sessions(net, SESSIONS_MAX);
	expect_error(net, OTHER, infos[1].session, 1, -ESTALE);
	append(net, OTHER, infos[0].session, 2);
	append(net, OTHER, infos[2].session, 1);
	/* Then "d". Nobody takes what comes for what was. */
	KUNIT_EXPECT_GT(test, open_session(net, OTHER, "b").created,
			infos[1].created);
	expect_error(net, OTHER, infos[1].session, 1, -ESTALE);
	expect_error(net, OTHER, infos[3].session, 1, -ESTALE);
}

/* It may be open at a leader that this one has not heard of. */
static void old_leader_does_not_say_it_is_not_open(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	struct raft_proposal p = { .bytes = 1, .sequence = 1 };

	open_session(net, LEADER, "a");
	p.session = RAFT_SESSION_NAMED |
		    (network_server(net, LEADER)->r->commit_index + 1);
	network_propose(net, LEADER, &p);
	network_pass(net, 10 * FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_EQ(test, p.result, 0);
	KUNIT_EXPECT_EQ(test, p.index, 0ull);
	/* Nobody else waits for that. */
	KUNIT_EXPECT_NE(test, propose(net, LEADER, 0, 0)->index, 0ull);
	KUNIT_EXPECT_NE(test, propose(net, OTHER, 0, 0)->index, 0ull);
}

static u64 fill(struct network *net, u64 session, u64 first, u64 n)
{
	u64 index = 0;

	while (n--)
		index = append(net, LEADER, session, first++);
	return index;
}

static void log_may_go_as_far_as_the_checkpoint(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	struct server *s = network_server(net, LEADER);
	struct raft_event event = { .type = RAFT_EVENT_COMPACT, .index = 2 };
	struct raft_status *status =
		kunit_kzalloc(test, sizeof(*status), GFP_KERNEL);
	u64 session;

	KUNIT_ASSERT_NOT_NULL(test, status);
	raft_status(s->r, status);
	KUNIT_EXPECT_EQ(test, status->compactable_index, status->commit_index);
	session = open_session(net, LEADER, "a").session;
	raft_status(s->r, status);
	/* Up to before the one that says that none is open. */
	KUNIT_EXPECT_EQ(test, status->compactable_index, 2ull);
	event.index = 3;
	KUNIT_EXPECT_EQ(test, server_event(s, &event), -EINVAL);
	fill(net, session, 1, 20);
	raft_status(s->r, status);
	KUNIT_EXPECT_GT(test, status->compactable_index, 8ull);
	KUNIT_EXPECT_LT(test, status->compactable_index, status->commit_index);
}

/* It gets what is left of the log, and knows the sessions as all others do. */
static void table_survives_an_install(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	u64 session = open_session(net, LEADER, "a").session;
	u64 index;

	network_isolate(net, 3);
	index = fill(net, session, 1, 20);
	network_compact(net, LEADER,
			raft_sessions_cover(network_server(net, LEADER)->r));
	network_heal(net);
	network_pass(net, 20 * FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_GT(test, network_server(net, 3)->r->log.first_index, 1ull);
	expect_equal_sessions(net, 1);
	network_isolate(net, LEADER);
	network_elect(net, 3);
	KUNIT_EXPECT_EQ(test, append(net, OTHER, session, 20), index);
}

static bool loses_installs(struct network *net,
			   const struct raft_message *message)
{
	return message->type == RAFT_INSTALL_SNAPSHOT;
}

/* Whoever takes it, may lead before the next checkpoint would have come. */
static void checkpoint_goes_with_a_snapshot(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	struct raft *r = network_server(net, LEADER)->r;
	u64 session = open_session(net, LEADER, "a").session;
	struct raft_event event = {
		.type = RAFT_EVENT_SNAPSHOT,
		.snapshot = { .bytes = 100 },
	};

	network_isolate(net, 3);
	fill(net, session, 1, 20);
	network_compact(net, LEADER, raft_sessions_cover(r));
	event.snapshot.index = fill(net, session, 21, 2);
	event.snapshot.term = raft_term_at(r, event.snapshot.index);
	KUNIT_ASSERT_EQ(test, server_event(network_server(net, LEADER), &event),
			0);
	network_pass(net, FIXTURE_HEARTBEAT_NS);
	KUNIT_ASSERT_LT(test, raft_sessions_cover(r), event.snapshot.index);
	network_heal(net);
	net->loses = loses_installs;
	network_pass(net, 10 * FIXTURE_HEARTBEAT_NS);
	KUNIT_EXPECT_GE(test, raft_sessions_cover(r), event.snapshot.index);
	KUNIT_EXPECT_EQ(test, r->role, (u8)RAFT_LEADER);
}

/* A second @id, started with what the first has in its log, all of it durable. */
static struct server *restart(struct network *net, u32 id)
{
	struct network_node *node = &net->nodes[id - 1];
	struct server *s = server_member(net->test, id, 3, 0);
	const struct raft_hard_state *hard_state =
		&node->server->r->hard_state;
	u64 base = raft_log_base(&node->server->r->log);
	u64 i;

	if (base)
		KUNIT_ASSERT_EQ(net->test,
				raft_restore_base(s->r, base,
						  node->server->r->log.base_term,
						  s->configuration,
						  s->configuration_bytes, 1),
				0);
	for (i = base + 1; i <= node->last_index; i++)
		KUNIT_ASSERT_EQ(net->test,
				raft_restore_entry(s->r, i, &node->log[i - 1]),
				0);
	KUNIT_ASSERT_EQ(net->test,
			raft_restore_hard_state(s->r, hard_state,
						FIXTURE_SPACE),
			0);
	KUNIT_ASSERT_EQ(net->test, raft_start(s->r, s->now_ns, &s->update), 0);
	return s;
}

static void table_survives_a_restart(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	u64 session = open_session(net, LEADER, "a").session;
	struct raft_session_info info, other;
	struct server *s;
	u64 index;

	fill(net, session, 1, 20);
	network_compact(net, LEADER,
			raft_sessions_cover(network_server(net, LEADER)->r));
	s = restart(net, LEADER);
	KUNIT_EXPECT_TRUE(test, s->r->sessions.known);
	index = s->r->log.last_index;
	KUNIT_ASSERT_EQ(test,
			server_append(s, 3, s->r->hard_state.current_term,
				      index, raft_log_term(&s->r->log, index),
				      NULL, 0, net->n_committed),
			0);
	KUNIT_ASSERT_EQ(test, raft_session_at(s->r, 0, &info), 0);
	KUNIT_ASSERT_EQ(test,
			raft_session_at(network_server(net, LEADER)->r, 0,
					&other),
			0);
	KUNIT_EXPECT_EQ(test, memcmp(&info, &other, sizeof(info)), 0);
}

static void checkpoint_is_what_a_leader_writes(struct kunit *test)
{
	/* The highest byte of each: version, n, and what is there of a session. */
	static const u32 numbers[] = { 3, 7, 15, 23, 31, 39, 47, 51, 55 };
	struct network *net = network_led(test, 3);
	u64 session = open_session(net, LEADER, "a").session;
	struct raft *r = network_server(net, LEADER)->r;
	struct raft_entry entry;
	u64 index;
	u8 *bytes;
	u32 i;

	open_session(net, LEADER, "b");
	fill(net, session, 1, 20);
	index = r->sessions.newest.index;
	entry = net->nodes[LEADER - 1].log[index - 1];
	KUNIT_EXPECT_EQ(test, raft_check_sessions(r, &entry, index), 0);
	KUNIT_EXPECT_EQ(test, raft_check_sessions(r, &entry, entry.sequence),
			-EINVAL);
	bytes = (u8 *)entry.data;
	for (i = 0; i < entry.bytes; i++) {
		entry.bytes = i;
		KUNIT_EXPECT_EQ(test, raft_check_sessions(r, &entry, index),
				-EINVAL);
		entry = net->nodes[LEADER - 1].log[index - 1];
	}
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		u8 was = bytes[numbers[i]];

		bytes[numbers[i]] = 0x40;
		KUNIT_EXPECT_EQ(test, raft_check_sessions(r, &entry, index),
				-EINVAL);
		bytes[numbers[i]] = was;
	}
	KUNIT_EXPECT_EQ(test, raft_check_sessions(r, &entry, index), 0);
}

/* 18 and 1 are asked for before either is there: 1 comes when 2 has gone. */
static void what_comes_late_opens_no_gap(struct kunit *test)
{
	struct network *net = network_led(test, 3);
	u64 session = open_session(net, LEADER, "a").session;
	struct raft_proposal proposals[2] = { };
	u64 i, n;

	for (i = 2; i <= RAFT_SESSION_WINDOW + 1; i++)
		append(net, LEADER, session, i);
	proposals[0].sequence = RAFT_SESSION_WINDOW + 2;
	proposals[1].sequence = 1;
	for (i = 0; i < ARRAY_SIZE(proposals); i++) {
		proposals[i].session = session;
		proposals[i].bytes = 10;
		network_propose(net, LEADER, &proposals[i]);
	}
	network_pass(net, 10 * FIXTURE_HEARTBEAT_NS);
	KUNIT_ASSERT_GT(test, proposals[1].index, proposals[0].index);
	n = net->n_committed;
	KUNIT_EXPECT_EQ(test, propose(net, OTHER, session, 2)->result, -ERANGE);
	KUNIT_EXPECT_EQ(test, net->n_committed, n);
}

/* A leader of one, with a session, in whose log there is room for @room bytes more. */
static struct server *short_of_room(struct kunit *test, u64 room)
{
	struct raft_proposal *open =
		kunit_kzalloc(test, sizeof(*open), GFP_KERNEL);
	struct server *s = server_leader(test, 1);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, open);
	open->session = key_of("a");
	open->bytes = 1;
	KUNIT_ASSERT_EQ(test, server_propose(s, open), 0);
	for (i = 0; i < 4; i++) {
		server_time(s, 0);
		server_persist(s);
	}
	KUNIT_ASSERT_NE(test, open->index, 0ull);
	s->r->space_bytes = room;
	s->r->space_index = s->r->log.last_index;
	return s;
}

/* The disk did what it was told to, and there is as little room as before. */
static void persist_in_little_room(struct server *s, u64 room)
{
	struct raft_event event = {
		.type = RAFT_EVENT_PERSISTED,
		.persisted = {
			.hard_state_seq = s->r->persist_seq,
			.index = s->r->log.last_index,
			.term = raft_log_last_term(&s->r->log),
			.space_bytes = room,
		},
	};

	KUNIT_ASSERT_EQ(s->test, server_event(s, &event), 0);
	s->write_seq = 0;
}

/* Where room is short they are due sooner, and still not for their own sake. */
static void checkpoint_is_no_reason_for_the_next(struct kunit *test)
{
	const u64 room = 4 * 4 * FIXTURE_OVERHEAD;
	struct server *s = short_of_room(test, room);
	u64 last;
	u32 i;

	server_time(s, 0);
	persist_in_little_room(s, room);
	last = s->r->log.last_index;
	for (i = 0; i < 8; i++) {
		server_time(s, 0);
		persist_in_little_room(s, room);
	}
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, last);
}

/* What is kept for no-ops and configurations, is not for them. */
static void checkpoint_leaves_the_reserve(struct kunit *test)
{
	const u64 room = 4 * FIXTURE_OVERHEAD + FIXTURE_OVERHEAD;
	struct server *s = short_of_room(test, FIXTURE_SPACE);
	struct raft_proposal *p =
		kunit_kzalloc(test, 4 * sizeof(*p), GFP_KERNEL);
	u64 last;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (i = 0; i < 4; i++) {
		p[i].bytes = 500;
		KUNIT_ASSERT_EQ(test, server_propose(s, &p[i]), 0);
	}
	server_time(s, 0);
	last = s->r->log.last_index;
	persist_in_little_room(s, room);
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->commit_index, last);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, last);
	/* One overhead is not enough for it, two are. */
	s->r->space_bytes = room + FIXTURE_OVERHEAD;
	server_time(s, 0);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, last + 1);
}

/* The first of all, without which nobody could be told that there is no room. */
static void table_is_known_where_there_is_no_room(struct kunit *test)
{
	struct raft_proposal *open =
		kunit_kzalloc(test, sizeof(*open), GFP_KERNEL);
	struct server *s = server_leader(test, 1);
	const u64 room = 2 * FIXTURE_OVERHEAD;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, open);
	s->r->space_bytes = room;
	s->r->space_index = s->r->log.last_index;
	open->session = key_of("a");
	open->bytes = 1;
	KUNIT_ASSERT_EQ(test, server_propose(s, open), 0);
	for (i = 0; i < 4; i++) {
		server_time(s, 0);
		persist_in_little_room(s, room);
	}
	KUNIT_EXPECT_EQ(test, open->result, -ENOSPC);
}

static void names_have_keys(struct kunit *test)
{
	/* On disks and in programs: it must not become another. */
	KUNIT_EXPECT_EQ(test, raft_session_key("a", 1),
			0xc2c0bdbf4d955b86ull);
	KUNIT_EXPECT_NE(test, key_of("a"), key_of("b"));
	KUNIT_EXPECT_NE(test, key_of("ab"), key_of("ba"));
	KUNIT_EXPECT_TRUE(test, raft_session_is_key(key_of("a")));
	KUNIT_EXPECT_FALSE(test, raft_session_is_named(key_of("a")));
	KUNIT_EXPECT_TRUE(test, raft_session_is_named(RAFT_SESSION_NAMED | 5));
	KUNIT_EXPECT_FALSE(test, raft_session_is_key(RAFT_SESSION_NAMED | 5));
}

static void absurd_proposals_are_refused(struct kunit *test)
{
	struct server *s = server_leader(test, 1);
	struct raft_proposal p = { .bytes = 1 };

	p.session = RAFT_SESSION_NAMED | 5;
	KUNIT_EXPECT_EQ(test, server_propose(s, &p), -EINVAL);
	p.session = s->settings.session;
	KUNIT_EXPECT_EQ(test, server_propose(s, &p), -EINVAL);
	p.session = key_of("a");
	p.bytes = 0;
	KUNIT_EXPECT_EQ(test, server_propose(s, &p), -EINVAL);
	s->settings.session |= RAFT_SESSION_NAMED;
	KUNIT_EXPECT_EQ(test, raft_footprint(&s->settings), (size_t)0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(retries_are_in_the_log_once),
	KUNIT_CASE(retry_says_the_term_of_the_entry),
	KUNIT_CASE(several_wait_for_one_entry),
	KUNIT_CASE(sequences_come_in_any_order),
	KUNIT_CASE(old_sequences_are_refused),
	KUNIT_CASE(opened_again_the_earlier_is_over),
	KUNIT_CASE(new_leader_waits_for_its_own_commit),
	KUNIT_CASE(nothing_follows_what_opens_it),
	KUNIT_CASE(least_recently_used_expires),
	KUNIT_CASE(old_leader_does_not_say_it_is_not_open),
	KUNIT_CASE(log_may_go_as_far_as_the_checkpoint),
	KUNIT_CASE(table_survives_an_install),
	KUNIT_CASE(checkpoint_goes_with_a_snapshot),
	KUNIT_CASE(table_survives_a_restart),
	KUNIT_CASE(checkpoint_is_what_a_leader_writes),
	KUNIT_CASE(what_comes_late_opens_no_gap),
	KUNIT_CASE(checkpoint_is_no_reason_for_the_next),
	KUNIT_CASE(checkpoint_leaves_the_reserve),
	KUNIT_CASE(table_is_known_where_there_is_no_room),
	KUNIT_CASE(names_have_keys),
	KUNIT_CASE(absurd_proposals_are_refused),
	{}
};

struct kunit_suite raftlog_raft_sessions_suite = {
	.name = "raftlog_raft_sessions",
	.test_cases = cases,
};
