/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One core under test, played by a script: what the other servers say goes in
 * as messages, what this one says is looked up in its update.
 */
#ifndef RAFTLOG_KUNIT_RAFT_FIXTURE_H
#define RAFTLOG_KUNIT_RAFT_FIXTURE_H

#include <kunit/test.h>

#include "raft/core.h"

enum {
	FIXTURE_ENTRIES = 64,
	FIXTURE_SENDS = 4 * RAFT_STEP_SENDS_MAX,
	FIXTURE_RUNS = 64,
	FIXTURE_SPACE = 1 << 20,
	FIXTURE_OVERHEAD = 512,
	FIXTURE_APPEND_ENTRIES = 16,
	/* Of server i: this and i. */
	FIXTURE_SESSION = 0x1110,
	/* Of server i's disk: this and i. */
	FIXTURE_INCARNATION = 0x1000,
};

#define FIXTURE_ELECTION_NS (500 * NSEC_PER_MSEC)
#define FIXTURE_HEARTBEAT_NS (50 * NSEC_PER_MSEC)

struct server {
	struct kunit *test;
	struct raft *r;
	struct raft_rng rng;
	struct raft_settings settings;
	struct raft_update update;
	struct raft_entry entries[FIXTURE_ENTRIES];
	struct raft_send sends[FIXTURE_SENDS];
	struct raft_term_run runs[FIXTURE_RUNS];
	u8 configuration[RAFT_CONFIGURATION_BYTES_MAX];
	u32 configuration_bytes;
	u64 now_ns;
	/* What the disk was last asked for; seq 0 when it has done it all. */
	u64 write_seq;
	u64 write_index;
	u64 write_term;
	struct raft_hard_state written;
};

/*
 * Server @id of a cluster whose members 1 … are @n_voters voters and then
 * @n_learners learners, not started, with an empty log.
 */
struct server *server_member(struct kunit *test, u32 id, u32 n_voters,
			     u32 n_learners);
/* Start it with a new log, its disk then idle. */
void server_bootstrap(struct server *s);
/* Start it with entries 2 … of these terms and this hard state, durable. */
void server_restore(struct server *s, u64 term, u32 voted_for, const u64 *terms,
		    u32 n_terms);
/* Server 1 of a cluster of @n_voters, not started, with an empty log. */
struct server *server_new(struct kunit *test, u32 n_voters);
/* The same, bootstrapped, started and with its disk idle. */
struct server *server_started(struct kunit *test, u32 n_voters);
/* The same, follower in @term with entries 2 … of these terms, durable. */
struct server *server_restored(struct kunit *test, u32 n_voters, u64 term,
			       const u64 *terms, u32 n_terms);
/* The same, elected by server 2 in its next term, no-op durable. */
struct server *server_leader(struct kunit *test, u32 n_voters);

/* Forget the sends, completions and transitions of the last batch. */
void server_done(struct server *s);
int server_event(struct server *s, struct raft_event *event);
void server_time(struct server *s, u64 after_ns);
/* Time goes on until the server calls for an election. */
void server_timeout(struct server *s);
/* The disk does all it was asked for. */
void server_persist(struct server *s);
int server_receive(struct server *s, const struct raft_message *message);
int server_propose(struct server *s, struct raft_proposal *proposal);
int server_transfer(struct server *s, u32 target, u8 cause);
int server_cancel(struct server *s, struct raft_proposal *proposal);
int server_read(struct server *s, struct raft_read *read);
int server_cancel_read(struct server *s, struct raft_read *read);

/* The newest message of @type to @to (0: anybody) in this batch, or NULL. */
const struct raft_send *server_sent(const struct server *s, u8 type, u32 to);
u32 server_count(const struct server *s, u8 type);
/* The transition along @edge in this batch, or NULL. */
const struct raft_transition *server_edge(const struct server *s, u8 edge);
bool server_finished(const struct server *s,
		     const struct raft_proposal *proposal);

/* AppendEntries from @from with entries of @terms behind (prev, prev_term). */
int server_append(struct server *s, u32 from, u64 term, u64 prev, u64 prev_term,
		  const u64 *terms, u32 n, u64 leader_commit);
/* A peer acknowledges everything up to @match_index to a leader. */
int server_ack(struct server *s, u32 from, u64 match_index);
/* A peer answers the probe of a leader. */
int server_ack_probe(struct server *s, u32 from);
/* A peer refuses the next entries of a leader, and says where its log may match. */
int server_refuse(struct server *s, u32 from, u64 hint_index, u64 hint_term);
int server_vote(struct server *s, u32 from, u64 term, bool pre_vote,
		bool granted);
int server_ask(struct server *s, u32 from, u64 term, bool pre_vote,
	       u64 last_index, u64 last_term);

#endif /* RAFTLOG_KUNIT_RAFT_FIXTURE_H */
