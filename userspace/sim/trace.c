// SPDX-License-Identifier: GPL-2.0
#include "raft/raft.h"
#include "trace.h"
#include "world.h"

struct trace_row {
	const char *name;
	const char *labels[4];
};

static const struct trace_row rows[TRACE_KINDS] = {
#define X(kind, name, a, b, c, d) [TRACE_##kind] = { name, { a, b, c, d } },
	SIM_TRACES(X)
#undef X
};

static const char *value_name(const char *label, u64 value)
{
	if (!strcmp(label, "%message"))
		return raft_message_type_name(value);
	if (!strcmp(label, "%role"))
		return raft_role_name(value);
	if (!strcmp(label, "%reason"))
		return raft_reason_name(value);
	if (!strcmp(label, "%cause"))
		return raft_transfer_cause_name(value);
	return raft_edge_name(value);
}

static void print_record(const struct trace_record *record, FILE *out)
{
	const struct trace_row *row = &rows[record->kind];
	u32 i;

	fprintf(out, "%8llu.%06llu  ", record->now_ns / NSEC_PER_MSEC,
		record->now_ns % NSEC_PER_MSEC);
	if (record->node)
		fprintf(out, "node %u  ", record->node);
	else
		fprintf(out, "        ");
	fprintf(out, "%-10s", row->name);
	for (i = 0; i < 4; i++) {
		const char *label = row->labels[i];

		if (label[0] == '%')
			fprintf(out, " %s", value_name(label, record->values[i]));
		else if (label[0])
			fprintf(out, " %s=%llu", label, record->values[i]);
	}
	fprintf(out, "\n");
}

static u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9fb21c651e98df25ull;
	return hash ^ (hash >> 32);
}

void trace(struct world *w, enum trace_kind kind, u32 node, u64 a, u64 b, u64 c,
	   u64 d)
{
	struct trace *t = &w->trace;
	struct trace_record *record = &t->ring[t->n_records++ % TRACE_RING];
	u32 i;

	*record = (struct trace_record){
		.now_ns = w->now_ns,
		.values = { a, b, c, d },
		.kind = kind,
		.node = node,
	};
	t->hash = mix(t->hash, w->now_ns);
	t->hash = mix(t->hash, (u64)kind << 32 | node);
	for (i = 0; i < 4; i++)
		t->hash = mix(t->hash, record->values[i]);
	if (t->print)
		print_record(record, stdout);
}

void trace_print_last(const struct trace *t, u32 n, FILE *out)
{
	u64 i, first;

	first = t->n_records - min_t(u64, n, min_t(u64, t->n_records, TRACE_RING));
	for (i = first; i < t->n_records; i++)
		print_record(&t->ring[i % TRACE_RING], out);
}
