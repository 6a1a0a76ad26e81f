// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "membership.h"
#include "memory.h"
#include "world.h"

/* Nobody wrote two equal payloads, as far as their length allows it. */
static void fill(struct op *op)
{
	struct rng rng;
	u32 i;

	rng_seed(&rng, op->number, 5);
	for (i = 0; i < op->bytes; i++)
		op->data[i] = i < 8 ? op->number >> (8 * i) : rng_next(&rng);
}

struct op *clients_make(struct world *w, struct node *node, u64 bytes,
			bool probe)
{
	struct clients *clients = &w->clients;
	struct op *op = memory_zeroed(sizeof(*op) + bytes);

	clients->ops = memory_grow(clients->ops, clients->n_ops,
				   &clients->n_ops_max, sizeof(*clients->ops));
	clients->ops[clients->n_ops++] = op;
	w->counters.proposed++;
	op->number = clients->n_ops;
	op->probe = probe;
	op->node = node - w->nodes;
	op->boot = node->boot;
	op->floor_index = clients->ok_index;
	op->bytes = bytes;
	op->of = op;
	fill(op);
	return op;
}

void clients_push(struct world *w, struct node *node, struct op *op)
{
	struct clients *clients = &w->clients;
	struct item item = {
		.kind = ITEM_PROPOSE,
		.op = op,
	};
	u64 timeout;

	owner_push(w, node, &item);
	if (op->probe)
		return;
	timeout = rng_between(&clients->rng, 1, w->plan.op_timeout_ns);
	world_at(w, w->now_ns + timeout, EVENT_CANCEL, NULL, op);
}

static void propose(struct world *w, struct node *node, bool probe)
{
	u64 bytes = rng_between(&w->clients.rng, 1, w->plan.payload_max);

	clients_push(w, node, clients_make(w, node, bytes, probe));
}

void clients_propose(struct world *w)
{
	struct clients *clients = &w->clients;
	u64 n = rng_between(&clients->rng, 1, w->plan.burst);
	u64 after;

	while (n--) {
		u64 i = rng_below(&clients->rng, w->n_nodes);

		if (!w->nodes[i].up)
			continue;
		if (w->plan.n_programs && rng_chance(&clients->rng, RNG_ONE / 2))
			programs_propose(w, &w->nodes[i]);
		else
			propose(w, &w->nodes[i], false);
	}
	after = rng_between(&clients->rng, 1, 2 * w->plan.propose_interval_ns);
	world_at(w, w->now_ns + after, EVENT_PROPOSE, NULL, NULL);
}

void clients_probe(struct world *w)
{
	u32 i;

	for (i = 0; i < w->n_nodes; i++)
		if (members_include(members_final(w), i + 1)) {
			propose(w, &w->nodes[i], true);
			if (w->plan.n_programs)
				programs_probe(w, &w->nodes[i]);
		}
}

void clients_cancel(struct world *w, struct op *op)
{
	struct node *node = &w->nodes[op->node];
	struct item item = {
		.kind = ITEM_CANCEL,
		.op = op,
	};

	if (op->state == OP_PENDING && node->up && node->boot == op->boot)
		owner_push(w, node, &item);
}

static void settle(struct world *w, struct op *op, enum op_state state)
{
	struct clients *clients = &w->clients;

	op->state = state;
	switch (state) {
	case OP_OK:
		w->counters.op_ok++;
		clients->ok_index = max(clients->ok_index, op->proposal.index);
		break;
	case OP_NEVER:
		w->counters.op_never++;
		break;
	default:
		w->counters.op_unknown++;
		break;
	}
	while (clients->n_settled < clients->n_ops &&
	       clients->ops[clients->n_settled]->state != OP_PENDING)
		clients->n_settled++;
}

void clients_done(struct world *w, struct node *node, struct op *op)
{
	int result = op->proposal.result;

	trace(w, TRACE_DONE, node->id, op->number, -result, op->proposal.index,
	      op->proposal.term);
	if (op->state != OP_PENDING) {
		violation(w, "proposals", "node %u: op %llu ends twice",
			  node->id, op->number);
		return;
	}
	switch (result) {
	case 0:
		check_done(w, node, op);
		settle(w, op, OP_OK);
		break;
	case -ENOSPC:
		w->counters.op_no_space++;
		fallthrough;
	case -EHOSTUNREACH:
	case -EAGAIN:
		settle(w, op, OP_NEVER);
		check_done(w, node, op);
		break;
	case -ESTALE:
	case -ERANGE:
		if (!op->program)
			violation(w, "proposals", "node %u: op %llu ends with %d",
				  node->id, op->number, result);
		fallthrough;
	case -ETIMEDOUT:
	case -ESHUTDOWN:
	case -EIO:
		settle(w, op, OP_UNKNOWN);
		break;
	default:
		violation(w, "proposals", "node %u: op %llu ends with %d",
			  node->id, op->number, result);
		break;
	}
	if (op->program && !w->violated)
		programs_done(w, op);
}

void clients_forget(struct world *w, struct node *node)
{
	struct clients *clients = &w->clients;
	u64 i;

	for (i = clients->n_settled; i < clients->n_ops; i++) {
		struct op *op = clients->ops[i];

		if (op->state == OP_PENDING && op->node == node - w->nodes)
			settle(w, op, OP_UNKNOWN);
	}
}

/* The low bits say which session it is; the rest is as random as it should be. */
u64 clients_open_session(struct world *w)
{
	struct clients *clients = &w->clients;
	struct session *session;

	clients->sessions = memory_grow(clients->sessions, clients->n_sessions,
					&clients->n_sessions_max,
					sizeof(*clients->sessions));
	session = &clients->sessions[clients->n_sessions++];
	memory_assert(clients->n_sessions < 1 << 16);
	session->id = (rng_next(&clients->rng) << 16 | clients->n_sessions) &
		      ~RAFT_SESSION_KEY;
	return session->id;
}

static struct session *find_session(struct clients *clients, u64 id)
{
	u64 i = id & 0xffff;

	if (!i || i > clients->n_sessions || clients->sessions[i - 1].id != id)
		return NULL;
	return &clients->sessions[i - 1];
}

void clients_hand(struct world *w, struct op *op, u64 id)
{
	struct session *session = find_session(&w->clients, id);

	op->handed = true;
	op->session = id;
	if (op->proposal.sequence <= session->n) {
		violation(w, "proposals", "op %llu: sequence %llu after %llu",
			  op->number, op->proposal.sequence, session->n);
		return;
	}
	while (session->n < op->proposal.sequence) {
		session->ops = memory_grow(session->ops, session->n,
					   &session->n_max,
					   sizeof(*session->ops));
		session->ops[session->n++] = NULL;
	}
	session->ops[session->n - 1] = op;
}

struct op *clients_find(struct world *w, u64 id, u64 sequence)
{
	struct session *session = find_session(&w->clients, id);

	if (id & RAFT_SESSION_KEY)
		return programs_find(w, id, sequence);
	if (!session || !sequence || sequence > session->n)
		return NULL;
	return session->ops[sequence - 1];
}

void clients_free(struct clients *clients)
{
	u64 i;

	for (i = 0; i < clients->n_ops; i++)
		free(clients->ops[i]);
	free(clients->ops);
	for (i = 0; i < clients->n_sessions; i++)
		free(clients->sessions[i].ops);
	free(clients->sessions);
}
