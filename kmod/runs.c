// SPDX-License-Identifier: GPL-2.0
/* Terms of all entries. */
#include "runs.h"

/* Number of runs that begin at or before @index. */
static u32 runs_before(const struct raftlog_runs *runs, u64 index)
{
	u32 low = 0, high = runs->n_runs;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (runs->runs[middle].first_index <= index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void raftlog_runs_append(struct raftlog_runs *runs, u64 index, u64 term)
{
	struct raftlog_run *last;

	while (runs->n_runs &&
	       runs->runs[runs->n_runs - 1].first_index >= index)
		runs->n_runs--;
	last = runs->n_runs ? &runs->runs[runs->n_runs - 1] : NULL;
	if (!last || last->term != term) {
		runs->runs[runs->n_runs].first_index = index;
		runs->runs[runs->n_runs].term = term;
		runs->n_runs++;
	}
	runs->end_index = index + 1;
}

void raftlog_runs_reset(struct raftlog_runs *runs, u64 index)
{
	runs->n_runs = 0;
	runs->base_index = index;
	runs->end_index = index + 1;
}

void raftlog_runs_base(struct raftlog_runs *runs, u64 index)
{
	u32 n = runs_before(runs, index + 1);

	if (index + 1 >= runs->end_index) {
		raftlog_runs_reset(runs, index);
		return;
	}
	runs->base_index = index;
	n--;
	runs->n_runs -= n;
	memmove(runs->runs, runs->runs + n, runs->n_runs * sizeof(*runs->runs));
	runs->runs[0].first_index = index + 1;
}

u64 raftlog_runs_term(const struct raftlog_runs *runs, u64 index)
{
	u32 n = runs_before(runs, index);

	if (!n || index >= runs->end_index)
		return 0;
	return runs->runs[n - 1].term;
}

u64 raftlog_runs_last(const struct raftlog_runs *runs, u64 index)
{
	u32 n = runs_before(runs, index);

	if (!n || index >= runs->end_index)
		return 0;
	return (n < runs->n_runs ? runs->runs[n].first_index :
				   runs->end_index) - 1;
}
