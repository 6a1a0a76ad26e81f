/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The trace: every step as a few numbers, hashed, kept in a ring and printed on
 * demand. Numbers only, so that it is the same whatever compiled it.
 */
#ifndef RAFTLOG_SIM_TRACE_H
#define RAFTLOG_SIM_TRACE_H

#include <stdio.h>

#include "pure.h"

/* Names of up to four values; a leading '%' of a label names an enum. */
#define SIM_TRACES(X)                                                         \
	X(CLUSTER, "cluster", "nodes", "learners", "timeout_us", "heartbeat_us") \
	X(START, "start", "last_index", "last_term", "term", "voted_for")     \
	X(CRASH, "crash", "", "", "", "")                                     \
	X(TEAR, "tear", "sectors_kept", "sectors", "", "")                    \
	X(ROT, "rot", "offset", "position", "", "")                           \
	X(WIPE, "wipe", "", "", "", "")                                       \
	X(SEALED, "sealed", "index", "bytes", "remote", "")                   \
	X(PUT_BACK, "put_back", "last_index", "term", "wiped", "")            \
	X(TWIN, "twin", "last_index", "", "", "")                             \
	X(COMPACT, "compact", "index", "term", "", "")                        \
	X(SWAP, "swap", "with", "", "", "")                                   \
	X(FOREIGN, "foreign_disk", "of", "", "", "")                          \
	X(SHUTDOWN, "shutdown", "", "", "", "")                               \
	X(UPGRADE, "upgrade", "level", "", "", "")                            \
	X(TRANSFER, "transfer", "to", "%cause", "errno", "")                  \
	X(FAIL, "failed", "disk", "", "", "")                                 \
	X(TRANSITION, "transition", "%edge", "%role", "term", "leader")       \
	X(REASON, "because", "%reason", "", "", "")                           \
	X(HARD_STATE, "hard_state", "seq", "term", "voted_for", "")           \
	X(APPEND, "append", "index", "term", "session", "sequence")           \
	X(TRUNCATE, "truncate", "from", "last_index", "", "")                 \
	X(COMMIT, "commit", "index", "term", "", "")                          \
	X(SEND, "send", "to", "%message", "term", "index")                    \
	X(SEND_APPEND, "  with", "first", "last", "prev_term", "commit")      \
	X(SEND_ANSWER, "  with", "rejected", "prev", "hint", "hint_term")     \
	X(SEND_VOTE, "  with", "pre_vote", "last_term", "", "")               \
	X(PARK, "park", "to", "%message", "seq", "")                          \
	X(RECEIVE, "receive", "from", "%message", "term", "entries")          \
	X(REFUSE, "refuse", "from", "bytes", "", "")                          \
	X(CATCH_UP, "catch_up", "to", "first", "last", "")                    \
	X(WRITE, "write", "position", "bytes", "entries", "last_index")       \
	X(WRITTEN, "written", "seq", "last_index", "space", "")               \
	X(PERSISTED, "persisted", "seq", "index", "term", "")                 \
	X(PROPOSE, "propose", "op", "bytes", "session", "sequence")           \
	X(CANCEL, "cancel", "op", "", "", "")                                 \
	X(DONE, "done", "op", "errno", "index", "term")                       \
	X(READ, "read", "number", "lease", "committed", "")                   \
	X(READ_DONE, "read_done", "number", "errno", "index", "term")         \
	X(PAUSE, "pause", "us", "", "", "")                                   \
	X(STALL, "stall", "us", "", "", "")                                   \
	X(CHANGE, "change", "type", "id", "n", "errno")                       \
	X(JUMP, "jump", "us", "", "", "")                                     \
	X(PARTITION, "partition", "kind", "side", "node", "")                 \
	X(HEAL, "heal", "", "", "", "")                                       \
	X(ROTATE, "rotate", "generation", "step", "done", "")                 \
	X(QUIET, "quiet", "", "", "", "")                                     \
	X(END, "end", "commit_index", "ops", "", "")

enum trace_kind {
#define X(kind, ...) TRACE_##kind,
	SIM_TRACES(X)
#undef X
	TRACE_KINDS,
};

struct trace_record {
	u64 now_ns;
	u64 values[4];
	u32 kind;
	u32 node;
};

enum { TRACE_RING = 256 };

struct trace {
	u64 hash;
	u64 n_records;
	bool print;
	struct trace_record ring[TRACE_RING];
};

struct world;

void trace(struct world *w, enum trace_kind kind, u32 node, u64 a, u64 b, u64 c,
	   u64 d);
void trace_print_last(const struct trace *t, u32 n, FILE *out);

#endif /* RAFTLOG_SIM_TRACE_H */
