/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs that name their session: they retry across their own restarts, on any
 * node. And what the checker knows of sessions: a table of its own, made of what is
 * committed.
 */
#ifndef RAFTLOG_SIM_PROGRAM_H
#define RAFTLOG_SIM_PROGRAM_H

#include "log.h"
#include "raft/raft.h"

struct world;
struct node;
struct op;

/**
 * struct book - a session from the entry that made it until it expires
 * @key: of its name
 * @created: index of that entry
 * @committed: [sequence - 1]: of all that was ever committed in it
 * @n: highest sequence
 */
struct book {
	u64 key;
	u64 created;
	const struct record **committed;
	u64 n;
	u64 n_max;
};

/**
 * struct generation - a session from one entry that opens it to the next
 * @index: of that entry
 * @term: its term, 0: there is no such entry any more
 * @other: of an entry of another term, which only a cluster that is gone had there
 * @book: whose; NULL: nobody's any more
 * @ops: [sequence - 1]: who asked for it first
 * @n: highest sequence
 */
struct generation {
	u64 index;
	u64 term;
	struct generation *other;
	struct book *book;
	struct op **ops;
	u64 n;
	u64 n_max;
};

/**
 * struct program - somebody with a name, which others may have as well
 * @key: of its name
 * @name: that
 * @opening: number of its newest op that opens the session, 0: none
 * @generation: what came of it, NULL: nothing yet
 * @next: next sequence
 * @asked: what it has asked for in this session, whatever came of that
 * @n_asked: how many
 */
struct program {
	u64 key;
	char name[8];
	u64 opening;
	struct generation *generation;
	u64 next;
	struct op **asked;
	u64 n_asked;
	u64 n_asked_max;
};

enum { PROGRAMS_MAX = 8 };

/**
 * struct open_session - the checker's: one that is open at the end of what is committed
 * @book: of which session
 * @opened: index of the entry that opened it last
 * @used: index of the newest entry of it
 */
struct open_session {
	struct book *book;
	u64 opened;
	u64 used;
};

/**
 * struct programs - all of them
 * @programs: as many as the plan says
 * @openings: ops that open sessions
 * @generations: by index of the entry, less 1; NULL where there is none
 * @books: all
 * @open: those that are open, in no order
 * @n_open: how many
 */
struct programs {
	struct program programs[PROGRAMS_MAX];
	struct op **openings;
	u64 n_openings;
	u64 n_openings_max;
	struct generation **generations;
	u64 n_generations;
	u64 n_generations_max;
	struct book **books;
	u64 n_books;
	u64 n_books_max;
	struct open_session open[RAFT_SESSIONS_MAX];
	u32 n_open;
};

void programs_init(struct world *w);
void programs_free(struct programs *programs);

/** programs_propose() - one of them does something on @node */
void programs_propose(struct world *w, struct node *node);
/** programs_probe() - each opens its session, which must succeed */
void programs_probe(struct world *w, struct node *node);
/** programs_hand() - the core has it */
void programs_hand(struct world *w, struct op *op);
/** programs_done() - how it ended */
void programs_done(struct world *w, struct op *op);
/** programs_find() - who asked for (session, sequence) first, NULL: nobody */
struct op *programs_find(struct world *w, u64 session, u64 sequence);

/** programs_commit() - an entry is committed for the first time anywhere */
void programs_commit(struct world *w, struct record *record);
/**
 * programs_forget() - no more is committed than what the checker knows of now
 * @w: world
 * @term: nor is anything left of later ones
 *
 * Of a cluster that lost its quorum; programs begin again in the one that follows.
 */
void programs_forget(struct world *w, u64 term);
/** programs_check() - a node has of the sessions what everybody has */
void programs_check(struct world *w, struct node *node,
		    const struct raft_status *status);

#endif /* RAFTLOG_SIM_PROGRAM_H */
