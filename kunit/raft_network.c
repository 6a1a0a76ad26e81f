// SPDX-License-Identifier: GPL-2.0
#include "raft_network.h"

/* Steps of one network_pass() or network_settle(): more is a loop. */
enum { STEPS_MAX = 10000 };

static struct network_node *node_of(struct network *net, u32 id)
{
	KUNIT_ASSERT_GE(net->test, id, 1u);
	KUNIT_ASSERT_LE(net->test, id, net->n);
	return &net->nodes[id - 1];
}

struct server *network_server(struct network *net, u32 id)
{
	return node_of(net, id)->server;
}

static const struct edge {
	u8 from, to, edge;
} edges[] = {
	{ RAFT_FOLLOWER, RAFT_FOLLOWER, RAFT_EDGE_JOIN },
	{ RAFT_LEARNER, RAFT_LEARNER, RAFT_EDGE_JOIN },
	{ RAFT_FOLLOWER, RAFT_PRE_CANDIDATE, RAFT_EDGE_TIMEOUT },
	{ RAFT_FOLLOWER, RAFT_CANDIDATE, RAFT_EDGE_TIMEOUT },
	{ RAFT_PRE_CANDIDATE, RAFT_CANDIDATE, RAFT_EDGE_TIMEOUT },
	{ RAFT_CANDIDATE, RAFT_PRE_CANDIDATE, RAFT_EDGE_SPLIT_VOTE },
	{ RAFT_PRE_CANDIDATE, RAFT_CANDIDATE, RAFT_EDGE_SPLIT_VOTE },
	{ RAFT_CANDIDATE, RAFT_LEADER, RAFT_EDGE_MAJORITY },
	{ RAFT_LEADER, RAFT_FOLLOWER, RAFT_EDGE_STEP_DOWN },
	{ RAFT_PRE_CANDIDATE, RAFT_FOLLOWER, RAFT_EDGE_NO_MAJORITY },
	{ RAFT_CANDIDATE, RAFT_FOLLOWER, RAFT_EDGE_NO_MAJORITY },
	/* The configuration gives a vote, and takes it. */
	{ RAFT_LEARNER, RAFT_FOLLOWER, RAFT_EDGE_JOIN },
	{ RAFT_FOLLOWER, RAFT_LEARNER, RAFT_EDGE_JOIN },
	{ RAFT_LEADER, RAFT_LEARNER, RAFT_EDGE_STEP_DOWN },
};

/* 6.4.1: who led before has told nobody that it still does, now or earlier. */
static void check_leases(struct network *net, u32 id)
{
	u32 i;

	for (i = 0; i < net->n; i++) {
		if (i + 1 != id)
			KUNIT_ASSERT_LE(net->test, net->nodes[i].lease_until_ns,
					net->now_ns);
	}
}

static void check_transition(struct network *net, u32 id,
			     const struct raft_transition *t)
{
	bool known = false;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(edges); i++)
		known |= edges[i].from == t->from && edges[i].to == t->to &&
			 edges[i].edge == t->edge;
	KUNIT_ASSERT_TRUE_MSG(net->test, known, "server %u: %s to %s by %s", id,
			      raft_role_name(t->from), raft_role_name(t->to),
			      raft_edge_name(t->edge));
	if (t->to != RAFT_LEADER)
		return;
	KUNIT_ASSERT_LT(net->test, t->term, (u64)NETWORK_TERMS);
	KUNIT_ASSERT_EQ(net->test, net->leaders[t->term], (u32)RAFT_ID_NONE);
	net->leaders[t->term] = id;
	check_leases(net, id);
}

static void check_commit(struct network *net, struct network_node *node)
{
	u64 commit = node->server->r->commit_index;

	KUNIT_ASSERT_GE(net->test, commit, node->checked_index);
	KUNIT_ASSERT_LE(net->test, commit, node->last_index);
	while (node->checked_index < commit) {
		u64 i = node->checked_index++;

		if (i == net->n_committed)
			net->committed[net->n_committed++] = node->log[i];
		KUNIT_ASSERT_EQ(net->test, node->log[i].term,
				net->committed[i].term);
		KUNIT_ASSERT_EQ(net->test, node->log[i].session,
				net->committed[i].session);
		KUNIT_ASSERT_EQ(net->test, node->log[i].sequence,
				net->committed[i].sequence);
	}
}

/* What it skips is what the others agreed on, and all that it had goes. */
static void begin_anew(struct network *net, struct network_node *node)
{
	const struct raft_update *update = &node->server->update;

	KUNIT_ASSERT_GT(net->test, update->base_index, node->checked_index);
	KUNIT_ASSERT_LE(net->test, update->base_index, net->n_committed);
	KUNIT_ASSERT_EQ(net->test, update->base_term,
			net->committed[update->base_index - 1].term);
	memcpy(node->log, net->committed,
	       update->base_index * sizeof(*node->log));
	node->last_index = update->base_index;
}

static void write_log(struct network *net, struct network_node *node)
{
	const struct raft_update *update = &node->server->update;
	u32 i;

	if (update->base_changed && update->base_discards)
		begin_anew(net, node);
	if (!update->n_entries)
		return;
	KUNIT_ASSERT_GT(net->test, update->first_index, node->checked_index);
	KUNIT_ASSERT_LE(net->test, update->first_index, node->last_index + 1);
	node->last_index = update->first_index + update->n_entries - 1;
	KUNIT_ASSERT_LE(net->test, node->last_index, (u64)NETWORK_ENTRIES);
	for (i = 0; i < update->n_entries; i++) {
		struct raft_entry *entry =
			&node->log[update->first_index - 1 + i];
		void *copy;

		*entry = update->entries[i];
		if ((entry->type != RAFT_ENTRY_CONFIGURATION &&
		     entry->type != RAFT_ENTRY_SESSIONS) ||
		    !entry->bytes)
			continue;
		copy = kunit_kzalloc(net->test, entry->bytes, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(net->test, copy);
		memcpy(copy, entry->data, entry->bytes);
		entry->data = copy;
	}
}

static void attach_configuration(struct network *net,
				 struct network_node *node,
				 struct network_letter *letter)
{
	struct raft_message *message = &letter->message;
	int bytes = raft_configuration_encode(
		raft_committed_configuration(
			node->server->r,
			&message->install_snapshot.configuration_index),
		letter->configuration, sizeof(letter->configuration));

	KUNIT_ASSERT_GT(net->test, bytes, 0);
	KUNIT_ASSERT_EQ(net->test, net->leaders[message->term], message->from);
	letter->entries[0] = (struct raft_entry){
		.data = letter->configuration,
		.bytes = bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
}

static void post(struct network *net, struct network_node *node,
		 const struct raft_send *send)
{
	struct network_letter *letter;
	u64 index;
	u32 n = 0;

	KUNIT_ASSERT_LT(net->test, net->n_letters, (u32)NETWORK_LETTERS);
	letter = &net->letters[(net->first_letter + net->n_letters++) %
			       NETWORK_LETTERS];
	letter->message = send->message;
	switch (send->message.type) {
	case RAFT_APPEND_ENTRIES:
		KUNIT_ASSERT_EQ(net->test, net->leaders[send->message.term],
				send->message.from);
		for (index = send->first_index; index <= send->last_index;
		     index++) {
			KUNIT_ASSERT_LT(net->test, n,
					(u32)FIXTURE_APPEND_ENTRIES);
			letter->entries[n] = node->log[index - 1];
			if (send->witness &&
			    letter->entries[n].type == RAFT_ENTRY_DATA)
				letter->entries[n].bytes = 0;
			n++;
		}
		break;
	case RAFT_PROPOSE:
		letter->entries[n++] = send->entry;
		break;
	case RAFT_INSTALL_SNAPSHOT:
		attach_configuration(net, node, letter);
		n = 1;
		break;
	}
	letter->message.n_entries = n;
	letter->message.entries = n ? letter->entries : NULL;
}

/* As the executor does it, with a disk that takes no time. */
static void carry_out(struct network *net, u32 id)
{
	struct network_node *node = node_of(net, id);
	struct server *s = node->server;
	bool wrote;
	u32 i;

	do {
		for (i = 0; i < s->update.n_transitions; i++)
			check_transition(net, id, &s->update.transitions[i]);
		write_log(net, node);
		for (i = 0; i < s->update.n_sends; i++)
			post(net, node, &s->sends[i]);
		check_commit(net, node);
		node->lease_until_ns = max(node->lease_until_ns,
					   raft_lease_until(s->r));
		node->deadline_ns = s->update.deadline_ns;
		server_done(s);
		wrote = s->write_seq;
		server_persist(s);
	} while (wrote);
}

static void wake(struct network *net, u32 id)
{
	struct server *s = network_server(net, id);

	s->now_ns = net->now_ns;
	server_time(s, 0);
	carry_out(net, id);
}

void network_deliver(struct network *net, const struct raft_message *message)
{
	struct network_node *from = node_of(net, message->from);
	struct network_node *to = node_of(net, message->to);
	int error;

	if (to->stopped || from->unheard_by & (1u << message->to) ||
	    (net->loses && net->loses(net, message)))
		return;
	to->server->now_ns = net->now_ns;
	error = server_receive(to->server, message);
	if (error == -ENOTRECOVERABLE) {
		/* It has stopped itself. */
		network_stop(net, message->to);
		return;
	}
	KUNIT_ASSERT_EQ(net->test, error, 0);
	wake(net, message->to);
}

void network_settle(struct network *net)
{
	u32 steps = 0;

	while (net->n_letters) {
		KUNIT_ASSERT_LT(net->test, steps++, (u32)STEPS_MAX);
		network_deliver(net, &net->letters[net->first_letter].message);
		net->first_letter = (net->first_letter + 1) % NETWORK_LETTERS;
		net->n_letters--;
	}
}

static u64 next_deadline(const struct network *net)
{
	u64 deadline_ns = U64_MAX;
	u32 i;

	for (i = 0; i < net->n; i++)
		if (!net->nodes[i].stopped)
			deadline_ns =
				min(deadline_ns, net->nodes[i].deadline_ns);
	return deadline_ns;
}

void network_pass(struct network *net, u64 ns)
{
	u64 end_ns = net->now_ns + ns;
	u32 id, steps = 0;

	network_settle(net);
	while (next_deadline(net) <= end_ns) {
		KUNIT_ASSERT_LT(net->test, steps++, (u32)STEPS_MAX);
		net->now_ns = max(net->now_ns, next_deadline(net));
		EACH_SERVER(id, net)
			if (!net->nodes[id - 1].stopped &&
			    net->nodes[id - 1].deadline_ns <= net->now_ns)
				wake(net, id);
		network_settle(net);
	}
	net->now_ns = end_ns;
}

/* A candidate does not ask again either. */
static void set_timer(struct network *net, u32 id, u64 deadline_ns)
{
	network_server(net, id)->r->election_deadline_ns = deadline_ns;
	network_server(net, id)->r->ask_again_ns = deadline_ns;
	wake(net, id);
}

void network_silence(struct network *net, u64 ns)
{
	u32 id;

	KUNIT_ASSERT_LE(net->test, ns, (u64)FIXTURE_ELECTION_NS);
	network_settle(net);
	EACH_SERVER(id, net)
		if (!net->nodes[id - 1].stopped &&
		    net->nodes[id - 1].server->r->role != RAFT_LEADER)
			set_timer(net, id,
				  net->now_ns + 2 * FIXTURE_ELECTION_NS - 1);
	network_pass(net, ns);
}

void network_time_out(struct network *net, u32 id)
{
	KUNIT_ASSERT_NE(net->test, network_server(net, id)->r->role,
			(u8)RAFT_LEADER);
	set_timer(net, id, net->now_ns);
}

void network_elect(struct network *net, u32 id)
{
	network_silence(net, FIXTURE_ELECTION_NS);
	network_time_out(net, id);
	network_settle(net);
	KUNIT_ASSERT_EQ(net->test, network_server(net, id)->r->role,
			(u8)RAFT_LEADER);
}

void network_propose(struct network *net, u32 id,
		     struct raft_proposal *proposal)
{
	struct server *s = network_server(net, id);

	s->now_ns = net->now_ns;
	KUNIT_ASSERT_EQ(net->test, server_propose(s, proposal), 0);
	wake(net, id);
}

void network_read(struct network *net, u32 id, struct raft_read *read)
{
	struct server *s = network_server(net, id);

	s->now_ns = net->now_ns;
	KUNIT_ASSERT_EQ(net->test, server_read(s, read), 0);
	wake(net, id);
}

int network_transfer(struct network *net, u32 id, u32 target)
{
	struct server *s = network_server(net, id);
	int error;

	s->now_ns = net->now_ns;
	error = server_transfer(s, target, RAFT_TRANSFER_REQUESTED);
	wake(net, id);
	return error;
}

void network_commit(struct network *net, u32 id, u32 n)
{
	struct raft_proposal *proposal;

	while (n--) {
		proposal = kunit_kzalloc(net->test, sizeof(*proposal),
					 GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(net->test, proposal);
		proposal->bytes = 10;
		network_propose(net, id, proposal);
		network_settle(net);
		KUNIT_ASSERT_GT(net->test, proposal->index, 0ull);
	}
}

void network_compact(struct network *net, u32 id, u64 index)
{
	struct raft_event event = {
		.type = RAFT_EVENT_COMPACT,
		.index = index,
	};
	struct server *s = network_server(net, id);

	s->now_ns = net->now_ns;
	KUNIT_ASSERT_EQ(net->test, server_event(s, &event), 0);
	wake(net, id);
}

static void cut_one_way(struct network *net, u32 from, u32 to)
{
	if (from != to)
		node_of(net, from)->unheard_by |= 1u << to;
}

void network_cut(struct network *net, u32 one, u32 other)
{
	cut_one_way(net, one, other);
	cut_one_way(net, other, one);
}

void network_isolate(struct network *net, u32 id)
{
	u32 other;

	EACH_SERVER(other, net)
		network_cut(net, id, other);
}

void network_mute(struct network *net, u32 id)
{
	u32 other;

	EACH_SERVER(other, net)
		cut_one_way(net, id, other);
}

void network_stop(struct network *net, u32 id)
{
	node_of(net, id)->stopped = true;
}

void network_heal(struct network *net)
{
	u32 id;

	EACH_SERVER(id, net) {
		node_of(net, id)->unheard_by = 0;
		node_of(net, id)->stopped = false;
	}
	net->loses = NULL;
}

static struct network *make(struct kunit *test, u32 n)
{
	struct network *net = kunit_kzalloc(test, sizeof(*net), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, net);
	KUNIT_ASSERT_LE(test, n, (u32)NETWORK_SERVERS);
	net->test = test;
	net->n = n;
	net->now_ns = NSEC_PER_SEC;
	return net;
}

/* Entry 1 is on every disk before the network looks. */
static void join(struct network *net, u32 id)
{
	struct network_node *node = node_of(net, id);

	node->log[0] = (struct raft_entry){
		.term = 1,
		.data = node->server->configuration,
		.bytes = node->server->configuration_bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
	node->last_index = max(node->last_index, 1ull);
	server_done(node->server);
	wake(net, id);
}

struct network *network_new(struct kunit *test, u32 n_voters, u32 n_learners)
{
	struct network *net = make(test, n_voters + n_learners);
	u32 id;

	EACH_SERVER(id, net) {
		net->nodes[id - 1].server =
			server_member(test, id, n_voters, n_learners);
		server_bootstrap(net->nodes[id - 1].server);
		join(net, id);
	}
	return net;
}

struct network *network_restored(struct kunit *test,
				 const struct network_disk *disks, u32 n)
{
	struct network *net = make(test, n);
	u32 id, i;

	EACH_SERVER(id, net) {
		const struct network_disk *disk = &disks[id - 1];
		struct network_node *node = node_of(net, id);

		node->server = server_member(test, id, n, 0);
		server_restore(node->server, disk->term, disk->voted_for,
			       disk->terms, disk->n_terms);
		for (i = 0; i < disk->n_terms; i++)
			node->log[i + 1] = (struct raft_entry){
				.term = disk->terms[i],
				.bytes = 10,
			};
		node->last_index = disk->n_terms + 1;
		join(net, id);
	}
	return net;
}

void network_add(struct network *net)
{
	static const struct raft_hard_state none;
	u32 id = ++net->n;
	struct server *s;

	KUNIT_ASSERT_LE(net->test, id, (u32)NETWORK_SERVERS);
	s = server_member(net->test, id, 1, 0);
	s->now_ns = net->now_ns;
	KUNIT_ASSERT_EQ(net->test,
			raft_restore_hard_state(s->r, &none, FIXTURE_SPACE), 0);
	KUNIT_ASSERT_EQ(net->test, raft_start(s->r, s->now_ns, &s->update), 0);
	node_of(net, id)->server = s;
	server_done(s);
	wake(net, id);
}

int network_change(struct network *net, u32 id,
		   const struct raft_change *changes, u32 n_changes)
{
	struct raft_change_request request = {
		.changes = changes,
		.n_changes = n_changes,
	};
	struct raft_event event = {
		.type = RAFT_EVENT_CHANGE,
		.change = &request,
	};
	struct server *s = network_server(net, id);

	s->now_ns = net->now_ns;
	KUNIT_ASSERT_EQ(net->test, server_event(s, &event), 0);
	wake(net, id);
	return request.result;
}

static void add(struct network *net, char c)
{
	size_t n = strlen(net->text);

	KUNIT_ASSERT_LT(net->test, n + 1, sizeof(net->text));
	net->text[n] = c;
	net->text[n + 1] = '\0';
}

static void add_term(struct network *net, u64 term)
{
	KUNIT_ASSERT_LT(net->test, term, 10ull);
	add(net, '0' + (char)term);
}

const char *network_roles(struct network *net)
{
	static const char letters[] = "FPCLlX";
	u32 i;

	net->text[0] = '\0';
	for (i = 0; i < net->n; i++) {
		const struct raft *r = net->nodes[i].server->r;

		if (i)
			add(net, ' ');
		if (net->nodes[i].stopped) {
			add(net, '-');
			continue;
		}
		add(net, letters[r->role]);
		add_term(net, r->hard_state.current_term);
	}
	return net->text;
}

const char *network_logs(struct network *net)
{
	u64 index;
	u32 i;

	net->text[0] = '\0';
	for (i = 0; i < net->n; i++) {
		const struct raft *r = net->nodes[i].server->r;

		if (i)
			add(net, ' ');
		if (net->nodes[i].stopped) {
			add(net, '-');
			continue;
		}
		for (index = 1; index <= r->log.last_index; index++) {
			add_term(net, raft_term_at(r, index));
			if (index == r->commit_index)
				add(net, '|');
		}
	}
	return net->text;
}

void network_expect_leader(struct network *net, u32 id, u64 term)
{
	u32 other;

	EACH_SERVER(other, net) {
		const struct raft *r = network_server(net, other)->r;

		if (net->nodes[other - 1].stopped)
			continue;
		KUNIT_EXPECT_EQ(net->test, r->role == RAFT_LEADER, other == id);
		KUNIT_EXPECT_EQ(net->test, r->leader_id, id);
		KUNIT_EXPECT_EQ(net->test, r->hard_state.current_term, term);
	}
}

void network_expect_agreed(struct network *net)
{
	u32 id;

	EACH_SERVER(id, net) {
		if (net->nodes[id - 1].stopped)
			continue;
		KUNIT_EXPECT_EQ(net->test, net->nodes[id - 1].last_index,
				net->n_committed);
		KUNIT_EXPECT_EQ(net->test, net->nodes[id - 1].checked_index,
				net->n_committed);
	}
}
