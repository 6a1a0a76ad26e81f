/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Several cores that talk, on one clock. A message arrives in the moment it is
 * sent, in the order of sending, unless the script has it lost; a write is done
 * before anything else happens. Time goes on only when the script says so.
 *
 * What must hold in every script is checked throughout: one leader a term, none
 * within the lease of another, roles that change along the edges of the diagram,
 * entries and heartbeats from leaders alone, and one committed entry at an index.
 */
#ifndef RAFTLOG_KUNIT_RAFT_NETWORK_H
#define RAFTLOG_KUNIT_RAFT_NETWORK_H

#include "raft_fixture.h"

enum {
	NETWORK_SERVERS = 7,
	NETWORK_ENTRIES = 64,
	NETWORK_LETTERS = 128,
	NETWORK_TERMS = 64,
	NETWORK_TEXT = 256,
};

struct network_node {
	struct server *server;
	struct raft_entry log[NETWORK_ENTRIES]; /* entry i at i - 1 */
	u64 last_index;
	u64 checked_index; /* committed, and compared with the others */
	u64 deadline_ns;
	u64 lease_until_ns; /* latest that it published */
	bool stopped;
	u32 unheard_by; /* bit: id */
};

struct network_letter {
	struct raft_message message;
	struct raft_entry entries[FIXTURE_APPEND_ENTRIES];
	u8 configuration[RAFT_CONFIGURATION_BYTES_MAX];
};

struct network {
	struct kunit *test;
	struct network_node nodes[NETWORK_SERVERS]; /* server i at i - 1 */
	u32 n;
	u64 now_ns;
	/* The script's own rule of what is lost, or NULL, and what it needs. */
	bool (*loses)(struct network *net, const struct raft_message *message);
	void *script;
	struct network_letter letters[NETWORK_LETTERS];
	u32 first_letter, n_letters;
	u32 leaders[NETWORK_TERMS];
	struct raft_entry committed[NETWORK_ENTRIES];
	u64 n_committed;
	char text[NETWORK_TEXT];
};

/* What a server's disk holds: entries 2 … of these terms. */
struct network_disk {
	u64 term;
	u32 voted_for;
	u64 terms[12];
	u32 n_terms;
};

#define EACH_SERVER(id, net) for ((id) = 1; (id) <= (net)->n; (id)++)

/* A new cluster, all of it up. */
struct network *network_new(struct kunit *test, u32 n_voters, u32 n_learners);
/* One that was down, and comes up with this on its disks. */
struct network *network_restored(struct kunit *test,
				 const struct network_disk *disks, u32 n);

/* One more server, with an empty log; no configuration names it yet. */
void network_add(struct network *net);
/* What @id says to these changes: raft_change_request.result. */
int network_change(struct network *net, u32 id,
		   const struct raft_change *changes, u32 n_changes);

struct server *network_server(struct network *net, u32 id);

/* Neither hears nor is heard by anybody. */
void network_isolate(struct network *net, u32 id);
/* Hears, and is not heard. */
void network_mute(struct network *net, u32 id);
/* Does not run; what is sent to it is lost. */
void network_stop(struct network *net, u32 id);
void network_cut(struct network *net, u32 one, u32 other);
/* All of that ends, also loses(). */
void network_heal(struct network *net);

/* It arrives now, unless it is lost. */
void network_deliver(struct network *net, const struct raft_message *message);
/* Until nothing is under way. */
void network_settle(struct network *net);
/* Timers that run out do, and what comes of it. */
void network_pass(struct network *net, u64 ns);
/* The same, at most an election timeout, but no election timer runs out. */
void network_silence(struct network *net, u64 ns);
/* The election timer of @id runs out now; settle to see what comes of it. */
void network_time_out(struct network *net, u32 id);
/* That, after an election timeout of silence, and then it leads. */
void network_elect(struct network *net, u32 id);
void network_propose(struct network *net, u32 id,
		     struct raft_proposal *proposal);
void network_read(struct network *net, u32 id, struct raft_read *read);

/* As in server_transfer(); what it begins goes on as time does. */
int network_transfer(struct network *net, u32 id, u32 target);

/* @n entries, proposed one after the other, are committed. */
void network_commit(struct network *net, u32 id, u32 n);
/* Entries up to @index go at @id. */
void network_compact(struct network *net, u32 id, u64 index);

/*
 * For each server F, P, C, L (in the order of the roles), l for a learner, and
 * its term, or - for one that is stopped: "L2 F2 F1".
 */
const char *network_roles(struct network *net);
/* For each server the terms of its log, | behind what is committed: "12| 1|1". */
const char *network_logs(struct network *net);
/* @id leads in @term, and all others that run follow it. */
void network_expect_leader(struct network *net, u32 id, u64 term);
/* All that run hold the same log, all of it committed. */
void network_expect_agreed(struct network *net);

#endif /* RAFTLOG_KUNIT_RAFT_NETWORK_H */
