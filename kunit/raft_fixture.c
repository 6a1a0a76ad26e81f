// SPDX-License-Identifier: GPL-2.0
#include "raft_fixture.h"

static void make_configuration(struct server *s, u32 n_voters, u32 n_learners)
{
	struct raft_configuration *configuration =
		kunit_kzalloc(s->test, sizeof(*configuration), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(s->test, configuration);
	configuration->n_members = n_voters + n_learners;
	for (i = 0; i < configuration->n_members; i++) {
		struct raft_member *member = &configuration->members[i];

		member->id = i + 1;
		member->kind = i < n_voters ? RAFT_VOTER : RAFT_NON_VOTER;
		member->address.family = 4;
		member->address.ip[3] = i + 1;
		if (i < n_voters)
			member->incarnation = FIXTURE_INCARNATION + i + 1;
	}
	s->configuration_bytes = raft_configuration_encode(
		configuration, s->configuration, sizeof(s->configuration));
}

struct server *server_member(struct kunit *test, u32 id, u32 n_voters,
			     u32 n_learners)
{
	struct server *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	void *memory;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->test = test;
	s->now_ns = NSEC_PER_SEC;
	s->rng.state = id - 1;
	s->settings = (struct raft_settings){
		.node_id = id,
		.session = FIXTURE_SESSION + id,
		.election_timeout_ns = FIXTURE_ELECTION_NS,
		.heartbeat_interval_ns = FIXTURE_HEARTBEAT_NS,
		.append_bytes_max = 1000,
		.append_entries_max = FIXTURE_APPEND_ENTRIES,
		.inflight_bytes_max = 4000,
		.inflight_messages_max = 4,
		.uncommitted_bytes_max = 8000,
		.entry_overhead_bytes = FIXTURE_OVERHEAD,
		.space_reserve_bytes = 4 * FIXTURE_OVERHEAD,
		.window_entries = 64,
		.proposals_max = 16,
		.sessions_max = 4,
	};
	memory = kunit_kzalloc(test, raft_footprint(&s->settings), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, memory);
	s->r = raft_init(memory, &s->settings, &s->rng);
	KUNIT_ASSERT_NOT_NULL(test, s->r);
	raft_set_incarnation(s->r, FIXTURE_INCARNATION + id);
	memory = kunit_kzalloc(test, raft_sessions_bytes(s->r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, memory);
	raft_sessions_grow(s->r, memory);
	raft_provide_terms(s->r, s->runs, FIXTURE_RUNS);
	raft_update_init(&s->update, s->entries, FIXTURE_ENTRIES, s->sends,
			 FIXTURE_SENDS);
	make_configuration(s, n_voters, n_learners);
	return s;
}

struct server *server_new(struct kunit *test, u32 n_voters)
{
	return server_member(test, 1, n_voters, 0);
}

/* What the executor does with the storage part of an update. */
static void take_write(struct server *s)
{
	struct raft_status *status =
		kunit_kzalloc(s->test, sizeof(*status), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(s->test, status);
	if (!s->update.hard_state_seq)
		return;
	raft_status(s->r, status);
	s->write_seq = s->update.hard_state_seq;
	s->write_index = status->last_index;
	s->write_term = status->last_term;
	if (s->update.hard_state_changed)
		s->written = s->update.hard_state;
}

void server_done(struct server *s)
{
	take_write(s);
	INIT_LIST_HEAD(&s->update.proposals_done);
	INIT_LIST_HEAD(&s->update.reads_done);
	raft_update_reset(&s->update);
}

int server_event(struct server *s, struct raft_event *event)
{
	event->now_ns = s->now_ns;
	return raft_step(s->r, event, &s->update);
}

void server_time(struct server *s, u64 after_ns)
{
	struct raft_event event = { .type = RAFT_EVENT_TIME };

	s->now_ns += after_ns;
	KUNIT_ASSERT_EQ(s->test, server_event(s, &event), 0);
	take_write(s);
}

void server_timeout(struct server *s)
{
	server_done(s);
	server_time(s, 2 * FIXTURE_ELECTION_NS);
}

void server_persist(struct server *s)
{
	struct raft_event event = { .type = RAFT_EVENT_PERSISTED };

	take_write(s);
	if (!s->write_seq)
		return;
	event.persisted.hard_state_seq = s->write_seq;
	event.persisted.index = s->write_index;
	event.persisted.term = s->write_term;
	event.persisted.space_bytes =
		FIXTURE_SPACE - s->write_index * FIXTURE_OVERHEAD;
	s->write_seq = 0;
	server_done(s);
	s->write_seq = 0;
	KUNIT_ASSERT_EQ(s->test, server_event(s, &event), 0);
	server_time(s, 0);
}

static void start(struct server *s)
{
	KUNIT_ASSERT_EQ(s->test, raft_start(s->r, s->now_ns, &s->update), 0);
	take_write(s);
}

void server_bootstrap(struct server *s)
{
	KUNIT_ASSERT_EQ(s->test,
			raft_bootstrap(s->r, NULL, s->configuration,
				       s->configuration_bytes, FIXTURE_SPACE,
				       &s->update),
			0);
	start(s);
	server_persist(s);
}

struct server *server_started(struct kunit *test, u32 n_voters)
{
	struct server *s = server_new(test, n_voters);

	server_bootstrap(s);
	return s;
}

void server_restore(struct server *s, u64 term, u32 voted_for, const u64 *terms,
		    u32 n_terms)
{
	struct raft_hard_state hard_state = { .current_term = term,
					      .voted_for = voted_for };
	struct raft_entry entry = {
		.term = 1,
		.data = s->configuration,
		.bytes = s->configuration_bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
	u32 i;

	KUNIT_ASSERT_EQ(s->test, raft_restore_entry(s->r, 1, &entry), 0);
	for (i = 0; i < n_terms; i++) {
		entry = (struct raft_entry){ .term = terms[i], .bytes = 10 };
		KUNIT_ASSERT_EQ(s->test,
				raft_restore_entry(s->r, i + 2, &entry), 0);
	}
	KUNIT_ASSERT_EQ(s->test,
			raft_restore_hard_state(s->r, &hard_state,
						FIXTURE_SPACE),
			0);
	start(s);
}

struct server *server_restored(struct kunit *test, u32 n_voters, u64 term,
			       const u64 *terms, u32 n_terms)
{
	struct server *s = server_new(test, n_voters);

	server_restore(s, term, RAFT_ID_NONE, terms, n_terms);
	/* Out of the time in which a restarted server does not vote. */
	server_time(s, FIXTURE_ELECTION_NS);
	return s;
}

struct server *server_leader(struct kunit *test, u32 n_voters)
{
	struct server *s = server_started(test, n_voters);
	u64 term = s->r->hard_state.current_term + 1;
	u32 id;

	server_timeout(s);
	for (id = 2; id <= n_voters / 2 + 1; id++)
		server_vote(s, id, term, true, true);
	server_persist(s);
	for (id = 2; id <= n_voters / 2 + 1; id++)
		server_vote(s, id, term, false, true);
	server_time(s, 0);
	KUNIT_ASSERT_EQ(test, s->r->role, (u8)RAFT_LEADER);
	server_persist(s);
	return s;
}

int server_receive(struct server *s, const struct raft_message *message)
{
	struct raft_event event = { .type = RAFT_EVENT_MESSAGE };
	struct raft_message known = *message;
	int error;

	if (!known.incarnation)
		known.incarnation = FIXTURE_INCARNATION + known.from;
	if (known.type == RAFT_REQUEST_VOTE_RESPONSE &&
	    !known.request_vote_response.candidate_incarnation)
		known.request_vote_response.candidate_incarnation =
			s->r->incarnation;
	event.message = &known;
	error = server_event(s, &event);
	take_write(s);
	return error;
}

int server_propose(struct server *s, struct raft_proposal *proposal)
{
	struct raft_event event = { .type = RAFT_EVENT_PROPOSE };

	event.proposal = proposal;
	return server_event(s, &event);
}

int server_transfer(struct server *s, u32 target, u8 cause)
{
	struct raft_event event = { .type = RAFT_EVENT_TRANSFER };

	event.transfer.target = target;
	event.transfer.cause = cause;
	return server_event(s, &event);
}

int server_cancel(struct server *s, struct raft_proposal *proposal)
{
	struct raft_event event = { .type = RAFT_EVENT_CANCEL };

	event.proposal = proposal;
	return server_event(s, &event);
}

int server_read(struct server *s, struct raft_read *read)
{
	struct raft_event event = { .type = RAFT_EVENT_READ_INDEX };

	event.read = read;
	return server_event(s, &event);
}

int server_cancel_read(struct server *s, struct raft_read *read)
{
	struct raft_event event = { .type = RAFT_EVENT_CANCEL_READ };

	event.read = read;
	return server_event(s, &event);
}

const struct raft_send *server_sent(const struct server *s, u8 type, u32 to)
{
	u32 i;

	for (i = s->update.n_sends; i-- > 0;)
		if (s->sends[i].message.type == type &&
		    (!to || s->sends[i].message.to == to))
			return &s->sends[i];
	return NULL;
}

u32 server_count(const struct server *s, u8 type)
{
	u32 i, n = 0;

	for (i = 0; i < s->update.n_sends; i++)
		n += s->sends[i].message.type == type;
	return n;
}

const struct raft_transition *server_edge(const struct server *s, u8 edge)
{
	u32 i;

	for (i = 0; i < s->update.n_transitions; i++)
		if (s->update.transitions[i].edge == edge &&
		    !s->update.transitions[i].leader_only)
			return &s->update.transitions[i];
	return NULL;
}

bool server_finished(const struct server *s,
		     const struct raft_proposal *proposal)
{
	struct raft_proposal *done;

	list_for_each_entry(done, &s->update.proposals_done, node)
		if (done == proposal)
			return true;
	return false;
}

int server_append(struct server *s, u32 from, u64 term, u64 prev, u64 prev_term,
		  const u64 *terms, u32 n, u64 leader_commit)
{
	struct raft_entry entries[8] = {};
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES,
		.from = from,
		.to = s->settings.node_id,
		.term = term,
		.append_entries = {
			.prev_log_index = prev,
			.prev_log_term = prev_term,
			.leader_commit = leader_commit,
			.sent_ns = 77,
		},
		.entries = entries,
		.n_entries = n,
	};
	u32 i;

	for (i = 0; i < n; i++) {
		entries[i].term = terms[i];
		entries[i].bytes = 10;
	}
	return server_receive(s, &message);
}

int server_ack(struct server *s, u32 from, u64 match_index)
{
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = from,
		.to = s->settings.node_id,
		.term = s->r->hard_state.current_term,
		.append_entries_response = { .match_index = match_index },
	};

	return server_receive(s, &message);
}

int server_ack_probe(struct server *s, u32 from)
{
	struct raft_peer *peer = raft_find_peer(s->r, from);
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = from,
		.to = s->settings.node_id,
		.term = s->r->hard_state.current_term,
		.append_entries_response = {
			.prev_log_index = peer->next_index - 1,
			.match_index = peer->next_index - 1,
			.sent_ns = s->now_ns,
			.promised_ns = FIXTURE_ELECTION_NS,
		},
	};

	return server_receive(s, &message);
}

int server_refuse(struct server *s, u32 from, u64 hint_index, u64 hint_term)
{
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES_RESPONSE,
		.from = from,
		.to = s->settings.node_id,
		.term = s->r->hard_state.current_term,
		.append_entries_response = {
			.prev_log_index =
				raft_find_peer(s->r, from)->next_index - 1,
			.hint_index = hint_index,
			.hint_term = hint_term,
			.sent_ns = s->now_ns,
			.rejected = true,
		},
	};

	return server_receive(s, &message);
}

int server_vote(struct server *s, u32 from, u64 term, bool pre_vote,
		bool granted)
{
	struct raft_message message = {
		.type = RAFT_REQUEST_VOTE_RESPONSE,
		.from = from,
		.to = s->settings.node_id,
		.term = term,
		.request_vote_response = {
			.granted = granted,
			.pre_vote = pre_vote,
		},
	};

	return server_receive(s, &message);
}

int server_ask(struct server *s, u32 from, u64 term, bool pre_vote,
	       u64 last_index, u64 last_term)
{
	struct raft_message message = {
		.type = RAFT_REQUEST_VOTE,
		.from = from,
		.to = s->settings.node_id,
		.term = term,
		.request_vote = {
			.last_log_index = last_index,
			.last_log_term = last_term,
			.pre_vote = pre_vote,
		},
	};

	return server_receive(s, &message);
}
