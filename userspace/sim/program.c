// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "world.h"

/* What it says of a session in one number. */
static u64 mix(u64 hash, u64 value)
{
	return (hash ^ value) * 0x9e3779b97f4a7c15ull + (hash >> 29);
}

void programs_init(struct world *w)
{
	u32 i;

	/* Two of them have one name. */
	for (i = 0; i < w->plan.n_programs; i++) {
		struct program *program = &w->programs.programs[i];
		u32 name = i == 1 && w->plan.n_programs > 2 ? 0 : i;

		snprintf(program->name, sizeof(program->name), "p%u", name);
		program->key = raft_session_key(program->name,
						strlen(program->name));
	}
}

static void free_books(struct programs *programs)
{
	u64 i;

	for (i = 0; i < programs->n_books; i++) {
		free(programs->books[i]->committed);
		free(programs->books[i]);
	}
	programs->n_books = 0;
	programs->n_open = 0;
}

void programs_free(struct programs *programs)
{
	u64 i;

	for (i = 0; i < PROGRAMS_MAX; i++)
		free(programs->programs[i].asked);
	for (i = 0; i < programs->n_generations; i++) {
		struct generation *generation = programs->generations[i];

		while (generation) {
			struct generation *other = generation->other;

			free(generation->ops);
			free(generation);
			generation = other;
		}
	}
	free_books(programs);
	free(programs->generations);
	free(programs->books);
	free(programs->openings);
}

/* Committed entries, as the checker sees them */

static struct book *add_book(struct programs *programs, u64 key, u64 created)
{
	struct book *book = memory_zeroed(sizeof(*book));

	book->key = key;
	book->created = created;
	programs->books = memory_grow(programs->books, programs->n_books,
				      &programs->n_books_max,
				      sizeof(*programs->books));
	programs->books[programs->n_books++] = book;
	return book;
}

/* Opened once more by the same entry, in what a survivor has of the log, it is the same. */
static void add_generation(struct programs *programs,
			   const struct record *record, struct book *book)
{
	u64 index = record->index;
	struct generation *generation, **link;

	while (programs->n_generations < index) {
		programs->generations =
			memory_grow(programs->generations,
				    programs->n_generations,
				    &programs->n_generations_max,
				    sizeof(*programs->generations));
		programs->generations[programs->n_generations++] = NULL;
	}
	link = &programs->generations[index - 1];
	while (*link && (*link)->term != record->term)
		link = &(*link)->other;
	generation = *link;
	if (generation) {
		*link = generation->other;
	} else {
		generation = memory_zeroed(sizeof(*generation));
		generation->index = index;
		generation->term = record->term;
	}
	generation->book = book;
	generation->other = programs->generations[index - 1];
	programs->generations[index - 1] = generation;
}

static struct generation *find_generation(const struct programs *programs,
					  u64 session)
{
	u64 index = session & ~RAFT_SESSION_KEY;

	if (!index || index > programs->n_generations)
		return NULL;
	return programs->generations[index - 1];
}

static struct open_session *find_open(struct programs *programs, u64 key)
{
	u32 i;

	for (i = 0; i < programs->n_open; i++)
		if (programs->open[i].book->key == key)
			return &programs->open[i];
	return NULL;
}

static void commit_open(struct world *w, struct record *record)
{
	struct programs *programs = &w->programs;
	struct open_session *open = find_open(programs, record->session);
	u32 i;

	w->counters.sessions_opened++;
	if (!open) {
		open = &programs->open[0];
		for (i = 1; i < programs->n_open; i++)
			if (programs->open[i].used < open->used)
				open = &programs->open[i];
		if (programs->n_open < w->plan.sessions_max)
			open = &programs->open[programs->n_open++];
		else
			w->counters.sessions_expired++;
		open->book = add_book(programs, record->session, record->index);
	} else {
		w->counters.sessions_reopened++;
	}
	open->opened = record->index;
	open->used = record->index;
	add_generation(programs, record, open->book);
	record->created = open->book->created;
	record->last_sequence = open->book->n;
}

static void commit_entry(struct world *w, const struct record *record)
{
	struct generation *generation =
		find_generation(&w->programs, record->session);
	struct book *book = generation ? generation->book : NULL;
	struct open_session *open;

	if (!book) {
		violation(w, "sessions",
			  "entry (%llu, %llu) is of a session that nobody opened",
			  record->index, record->term);
		return;
	}
	open = find_open(&w->programs, book->key);
	/* What expired behind the leader's back is forgotten, and was in time. */
	if (!open || open->book != book)
		return;
	if (open->opened != generation->index)
		violation(w, "sessions",
			  "entry (%llu, %llu) of a session that was opened again at %llu",
			  record->index, record->term, open->opened);
	open->used = record->index;
	while (book->n < record->sequence) {
		book->committed = memory_grow(book->committed, book->n,
					      &book->n_max,
					      sizeof(*book->committed));
		book->committed[book->n++] = NULL;
	}
	if (book->committed[record->sequence - 1])
		violation(w, "exactly once",
			  "sequence %llu is committed at %llu and at %llu",
			  record->sequence,
			  book->committed[record->sequence - 1]->index,
			  record->index);
	book->committed[record->sequence - 1] = record;
}

void programs_forget(struct world *w, u64 term)
{
	const struct counters counters = w->counters;
	struct log *committed = &w->check.committed;
	struct programs *programs = &w->programs;
	struct generation *generation;
	u64 i;

	free_books(programs);
	for (i = 0; i < programs->n_generations; i++)
		for (generation = programs->generations[i]; generation;
		     generation = generation->other) {
			generation->book = NULL;
			if (generation->term > term)
				generation->term = 0;
		}
	for (i = 0; i < PROGRAMS_MAX; i++) {
		programs->programs[i].opening = 0;
		programs->programs[i].generation = NULL;
		programs->programs[i].n_asked = 0;
	}
	for (i = 1; i <= committed->n && !w->violated; i++)
		programs_commit(w, log_at(committed, i));
	/* They were counted when they happened. */
	w->counters = counters;
}

/* In no order: a node tells them in another than they came. */
static u64 hash_of(const struct raft_session_info *info)
{
	u64 hash = mix(0, info->key);

	hash = mix(hash, info->session);
	hash = mix(hash, info->created);
	hash = mix(hash, info->used);
	hash = mix(hash, info->last_sequence);
	return mix(hash, info->last_index);
}

void programs_commit(struct world *w, struct record *record)
{
	struct programs *programs = &w->programs;
	u32 i;

	if (record->type == RAFT_ENTRY_SESSIONS && !record->sequence) {
		w->counters.sessions_reset++;
		programs->n_open = 0;
	}
	/* It may have been committed in a cluster that is gone. */
	record->sessions = 0;
	w->counters.checkpoints += record->type == RAFT_ENTRY_SESSIONS;
	if (record->type == RAFT_ENTRY_SESSION)
		commit_open(w, record);
	else if (raft_session_is_named(record->session))
		commit_entry(w, record);
	for (i = 0; i < programs->n_open && !w->violated; i++) {
		const struct open_session *open = &programs->open[i];
		const struct book *book = open->book;
		const struct raft_session_info info = {
			.key = book->key,
			.session = RAFT_SESSION_NAMED | open->opened,
			.created = book->created,
			.used = open->used,
			.last_sequence = book->n,
			.last_index = book->n ?
					      book->committed[book->n - 1]->index :
					      0,
		};

		record->sessions += hash_of(&info);
	}
}

void programs_check(struct world *w, struct node *node,
		    const struct raft_status *status)
{
	const struct record *record =
		log_at(&w->check.committed, status->sessions_index);
	struct raft_session_info info;
	u64 hash = 0;
	u32 i;

	if (!status->sessions_index)
		return;
	for (i = 0; !raft_session_at(node->raft, i, &info); i++)
		hash += hash_of(&info);
	w->counters.sessions_checked++;
	if (i != status->n_sessions || !record || record->sessions != hash)
		violation(w, "sessions",
			  "node %u has not those that are open at %llu",
			  node->id, status->sessions_index);
}

/* Programs */

struct op *programs_find(struct world *w, u64 session, u64 sequence)
{
	struct programs *programs = &w->programs;
	const struct generation *generation;
	u64 i;

	if (!raft_session_is_key(session)) {
		generation = find_generation(programs, session);
		if (!generation || !sequence || sequence > generation->n)
			return NULL;
		return generation->ops[sequence - 1];
	}
	for (i = programs->n_openings; i--;)
		if (programs->openings[i]->session == session &&
		    programs->openings[i]->proposal.sequence == sequence)
			return programs->openings[i];
	return NULL;
}

/* It opens its session, for the first time or after it was started again. */
static void start(struct world *w, struct node *node, struct program *program,
		  bool probe)
{
	struct op *op = clients_make(w, node, strlen(program->name), probe);

	memcpy(op->data, program->name, op->bytes);
	op->program = program;
	op->proposal.session = program->key;
	program->opening = op->number;
	program->generation = NULL;
	clients_push(w, node, op);
}

/* Something new, or again what was asked for before, whatever came of it. */
static void ask(struct world *w, struct node *node, struct program *program)
{
	struct rng *rng = &w->clients.rng;
	struct generation *generation = program->generation;
	u64 bytes = rng_between(rng, 1, w->plan.payload_max);
	struct op *of = NULL, *op;
	u64 sequence = program->next;

	if (program->n_asked && rng_chance(rng, RNG_ONE / 2)) {
		u64 n = min_t(u64, program->n_asked, RAFT_SESSION_WINDOW + 4);

		of = program->asked[program->n_asked - 1 - rng_below(rng, n)];
		bytes = of->bytes;
		sequence = of->proposal.sequence;
		w->counters.retries++;
	}
	op = clients_make(w, node, bytes, false);
	if (of)
		memcpy(op->data, of->data, bytes);
	op->of = of ? of : op;
	op->program = program;
	op->proposal.session = RAFT_SESSION_NAMED | generation->index;
	op->proposal.sequence = sequence;
	op->generation = generation;
	while (generation->n < sequence) {
		generation->ops = memory_grow(generation->ops, generation->n,
					      &generation->n_max,
					      sizeof(*generation->ops));
		generation->ops[generation->n++] = NULL;
	}
	if (!generation->ops[sequence - 1])
		generation->ops[sequence - 1] = op->of;
	if (!of) {
		/* Now and then one is left out. */
		program->next += 1 + rng_chance(rng, RNG_ONE / 10);
		program->asked = memory_grow(program->asked, program->n_asked,
					     &program->n_asked_max,
					     sizeof(*program->asked));
		program->asked[program->n_asked++] = op;
	}
	clients_push(w, node, op);
}

void programs_propose(struct world *w, struct node *node)
{
	struct rng *rng = &w->clients.rng;
	struct program *program =
		&w->programs.programs[rng_below(rng, w->plan.n_programs)];

	if (program->generation && !rng_chance(rng, w->plan.program_restart))
		ask(w, node, program);
	else
		start(w, node, program, false);
}

void programs_probe(struct world *w, struct node *node)
{
	u32 i = node->id % w->plan.n_programs;

	start(w, node, &w->programs.programs[i], true);
}

void programs_hand(struct world *w, struct op *op)
{
	struct programs *programs = &w->programs;

	op->handed = true;
	op->session = op->proposal.session;
	if (op->generation)
		return;
	programs->openings = memory_grow(programs->openings,
					 programs->n_openings,
					 &programs->n_openings_max,
					 sizeof(*programs->openings));
	programs->openings[programs->n_openings++] = op;
}

/* What it asked for in this session and got: the rest never will be in the log. */
static void keep_asked(struct program *program, const struct book *book)
{
	u64 i, n = 0;

	for (i = 0; i < program->n_asked; i++) {
		struct op *op = program->asked[i];
		u64 sequence = op->proposal.sequence;

		if (op->generation->book == book && sequence <= book->n &&
		    op->committed &&
		    book->committed[sequence - 1] == op->committed)
			program->asked[n++] = op;
	}
	program->n_asked = n;
}

static void opened(struct world *w, struct op *op)
{
	const struct raft_session_info *info = &op->proposal.opened;
	const struct record *record = op->committed;
	struct generation *generation =
		find_generation(&w->programs, info->session);
	struct program *program = op->program;

	if (!record || info->session != (RAFT_SESSION_NAMED | record->index) ||
	    info->created != record->created ||
	    info->last_sequence != record->last_sequence) {
		violation(w, "sessions",
			  "op %llu opens a session and is told of sequence %llu",
			  op->number, info->last_sequence);
		return;
	}
	if (op->number != program->opening)
		return;
	program->generation = generation;
	program->next = info->last_sequence + 1;
	keep_asked(program, generation->book);
}

/* Not open any more, now and for ever? */
static bool is_over(struct world *w, const struct generation *generation)
{
	const struct book *book = generation->book;
	const struct open_session *open =
		book ? find_open(&w->programs, book->key) : NULL;

	return !open || open->opened != generation->index;
}

/* Are there as many behind it as a session knows? */
static bool is_too_old(const struct book *book, u64 sequence)
{
	u32 n = 0;
	u64 i;

	for (i = sequence; i < book->n; i++)
		n += book->committed[i] != NULL;
	return n >= RAFT_SESSION_WINDOW;
}

void programs_done(struct world *w, struct op *op)
{
	struct program *program = op->program;

	switch (op->proposal.result) {
	case 0:
		if (!op->generation)
			opened(w, op);
		else if (op->of != op)
			w->counters.retries_ok++;
		break;
	case -ESTALE:
		w->counters.sessions_stale++;
		if (!op->generation || !is_over(w, op->generation))
			violation(w, "sessions",
				  "op %llu is told that its session is not open",
				  op->number);
		if (program->generation == op->generation)
			program->generation = NULL;
		break;
	case -ERANGE:
		w->counters.sequences_stale++;
		if (!op->generation ||
		    (!is_over(w, op->generation) &&
		     !is_too_old(op->generation->book, op->proposal.sequence)))
			violation(w, "sessions",
				  "op %llu is told that sequence %llu is too old",
				  op->number, op->proposal.sequence);
		break;
	}
}
