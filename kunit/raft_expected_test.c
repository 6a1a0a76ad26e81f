// SPDX-License-Identifier: GPL-2.0
/* What a server in each role does not listen to: late, doubled, or made up. */
#include <linux/string.h>

#include "raft_fixture.h"
#include "suites.h"

enum {
	/* The leader of the term where server 1 follows one. */
	KNOWN_LEADER = 3,
	OTHER = 2,
};

static const u64 terms[] = { 1, 1 };

static struct server *follower(struct kunit *test)
{
	struct server *s = server_restored(test, 3, 1, terms, 2);

	server_append(s, KNOWN_LEADER, 2, 3, 1, NULL, 0, 3);
	server_persist(s);
	return s;
}

static struct server *learner(struct kunit *test)
{
	struct server *s = server_member(test, 4, 3, 1);

	server_restore(s, 1, 0, terms, 2);
	server_append(s, KNOWN_LEADER, 2, 3, 1, NULL, 0, 3);
	server_persist(s);
	return s;
}

static struct server *pre_candidate(struct kunit *test)
{
	struct server *s = server_restored(test, 3, 2, terms, 2);

	server_timeout(s);
	return s;
}

static struct server *candidate(struct kunit *test)
{
	struct server *s = pre_candidate(test);

	server_vote(s, OTHER, 3, true, true);
	server_persist(s);
	return s;
}

static struct server *leader(struct kunit *test)
{
	return server_leader(test, 3);
}

static const struct {
	const char *name;
	struct server *(*make)(struct kunit *test);
	u8 role;
} roles[] = {
	{ "follower", follower, RAFT_FOLLOWER },
	{ "learner", learner, RAFT_LEARNER },
	{ "pre-candidate", pre_candidate, RAFT_PRE_CANDIDATE },
	{ "candidate", candidate, RAFT_CANDIDATE },
	{ "leader", leader, RAFT_LEADER },
};

enum {
	FOLLOWER = 1 << RAFT_FOLLOWER,
	PRE_CANDIDATE = 1 << RAFT_PRE_CANDIDATE,
	CANDIDATE = 1 << RAFT_CANDIDATE,
	LEADER = 1 << RAFT_LEADER,
	LEARNER = 1 << RAFT_LEARNER,
	ALL = FOLLOWER | PRE_CANDIDATE | CANDIDATE | LEADER | LEARNER,
};

/*
 * @ignored: roles in which a message of the current term means nothing
 * @others: the same if it is not of the leader that is known
 * @old: of an earlier term, or a later one, it means nothing in any role
 * @later: likewise
 */
static const struct {
	u8 type;
	u8 ignored;
	u8 others;
	bool old;
	bool later;
} rows[] = {
	{ RAFT_REQUEST_VOTE_RESPONSE, ALL & ~(PRE_CANDIDATE | CANDIDATE),
	  ALL & ~(PRE_CANDIDATE | CANDIDATE), true, false },
	{ RAFT_APPEND_ENTRIES, LEADER, LEADER | FOLLOWER | LEARNER, false,
	  false },
	{ RAFT_APPEND_ENTRIES_RESPONSE, ALL & ~LEADER, ALL & ~LEADER, true,
	  false },
	{ RAFT_PROPOSE, ALL & ~LEADER, ALL & ~LEADER, true, true },
	{ RAFT_PROPOSE_RESPONSE, ALL & ~(FOLLOWER | LEARNER), ALL, true, true },
	{ RAFT_READ_INDEX, ALL & ~LEADER, ALL & ~LEADER, true, true },
	{ RAFT_READ_INDEX_RESPONSE, ALL & ~(FOLLOWER | LEARNER), ALL, true,
	  true },
	{ RAFT_TIMEOUT_NOW, ALL & ~FOLLOWER, ALL, true, true },
	{ RAFT_INSTALL_SNAPSHOT, LEADER, LEADER | FOLLOWER | LEARNER, false,
	  false },
	{ RAFT_INSTALL_SNAPSHOT_RESPONSE, ALL & ~LEADER, ALL & ~LEADER, true,
	  false },
};

/* One that would be heeded by whoever listens. */
static void fill(const struct server *s, struct raft_message *message,
		 struct raft_entry *entry)
{
	u64 last = s->r->log.last_index;

	switch (message->type) {
	case RAFT_REQUEST_VOTE_RESPONSE:
		message->request_vote_response.granted = true;
		break;
	case RAFT_APPEND_ENTRIES:
		message->append_entries.prev_log_index = last;
		message->append_entries.prev_log_term =
			raft_log_last_term(&s->r->log);
		message->append_entries.leader_commit = last;
		break;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		message->append_entries_response.match_index = last;
		break;
	case RAFT_PROPOSE:
		*entry = (struct raft_entry){ .type = RAFT_ENTRY_DATA,
					      .bytes = 1,
					      .session = 1,
					      .sequence = 1 };
		message->entries = entry;
		message->n_entries = 1;
		break;
	case RAFT_PROPOSE_RESPONSE:
		message->propose_response.session = s->settings.session;
		message->propose_response.sequence = 1;
		break;
	case RAFT_READ_INDEX:
		message->read_index.session = 1;
		message->read_index.sequence = 1;
		break;
	case RAFT_READ_INDEX_RESPONSE:
		message->read_index_response.session = s->settings.session;
		message->read_index_response.sequence = 1;
		message->read_index_response.index = last;
		break;
	case RAFT_TIMEOUT_NOW:
		message->timeout_now.last_log_index = last;
		message->timeout_now.until_ns = U64_MAX;
		break;
	case RAFT_INSTALL_SNAPSHOT:
		*entry = (struct raft_entry){ .type = RAFT_ENTRY_CONFIGURATION,
					      .data = s->configuration,
					      .bytes = s->configuration_bytes };
		message->install_snapshot.snapshot_index = last + 5;
		message->install_snapshot.snapshot_term = 1;
		message->install_snapshot.configuration_index = 1;
		message->entries = entry;
		message->n_entries = 1;
		break;
	}
}

/* All that a message can change, but for when its sender was heard last. */
static bool nothing_happens(struct server *s,
			    const struct raft_message *message)
{
	struct raft *before =
		kunit_kzalloc(s->test, sizeof(*before), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(s->test, before);
	server_done(s);
	memcpy(before, s->r, sizeof(*before));
	KUNIT_EXPECT_EQ(s->test, server_receive(s, message), 0);
	for (i = 0; i < RAFT_MEMBERS_MAX; i++)
		before->peers[i].last_contact_ns =
			s->r->peers[i].last_contact_ns;
	for (i = 0; i < RAFT_MEMBERS_MAX; i++)
		before->peers[i].incarnation = s->r->peers[i].incarnation;
	before->decoded = s->r->decoded;
	return !memcmp(before, s->r, sizeof(*before)) && !s->update.n_sends &&
	       !s->update.n_transitions && !s->update.n_entries;
}

static void try(struct kunit *test, u32 role, u32 row, u32 from, int later)
{
	struct server *s = roles[role].make(test);
	struct raft_message message = {
		.type = rows[row].type,
		.from = from,
		.to = s->settings.node_id,
	};
	struct raft_entry entry;

	KUNIT_ASSERT_EQ(test, (u32)s->r->role, (u32)roles[role].role);
	message.term = s->r->hard_state.current_term + later;
	fill(s, &message, &entry);
	KUNIT_EXPECT_TRUE_MSG(test, nothing_happens(s, &message),
			      "%s: message %u of %u, term %+d",
			      roles[role].name, message.type, from, later);
}

static void what_means_nothing_changes_nothing(struct kunit *test)
{
	u32 role, row;

	for (role = 0; role < ARRAY_SIZE(roles); role++) {
		u32 bit = 1u << roles[role].role;

		for (row = 0; row < ARRAY_SIZE(rows); row++) {
			if (rows[row].ignored & bit)
				try(test, role, row, KNOWN_LEADER, 0);
			if (rows[row].others & bit)
				try(test, role, row, OTHER, 0);
			if (rows[row].old)
				try(test, role, row, KNOWN_LEADER, -1);
			if (rows[row].later)
				try(test, role, row, KNOWN_LEADER, 1);
		}
	}
}

static struct kunit_case expected_cases[] = {
	KUNIT_CASE(what_means_nothing_changes_nothing),
	{}
};

struct kunit_suite raftlog_raft_expected_suite = {
	.name = "raftlog_raft_expected",
	.test_cases = expected_cases,
};
