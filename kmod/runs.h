/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The log as runs of entries of one term: what a reader needs to know of an entry
 * that is only on disk. Pure; memory and locking are the caller's.
 */
#ifndef RAFTLOG_RUNS_H
#define RAFTLOG_RUNS_H

#include "pure.h"

/**
 * struct raftlog_run - consecutive entries
 * @first_index: the first of them; they end where the next run begins
 * @term: their term, not 0
 */
struct raftlog_run {
	u64 first_index;
	u64 term;
};

/**
 * struct raftlog_runs - all entries of the log
 * @runs: by first_index
 * @n_runs: how many: no more than there are terms in the log
 * @max_runs: room
 * @base_index: before the first entry
 * @end_index: behind the last entry
 */
struct raftlog_runs {
	struct raftlog_run *runs;
	u32 n_runs;
	u32 max_runs;
	u64 base_index;
	u64 end_index;
};

/**
 * raftlog_runs_append() - entry @index is of @term
 * @runs: with room for a run: n_runs < max_runs
 * @index: not behind end_index, unless empty; all from there on is replaced
 * @term: its term
 */
void raftlog_runs_append(struct raftlog_runs *runs, u64 index, u64 term);

/**
 * raftlog_runs_base() - the log begins behind @index
 * @runs: where
 * @index: entries up to here go
 */
void raftlog_runs_base(struct raftlog_runs *runs, u64 index);

/** raftlog_runs_reset() - the log is empty, and begins behind @index */
void raftlog_runs_reset(struct raftlog_runs *runs, u64 index);

/** raftlog_runs_first() - first index of the log */
static inline u64 raftlog_runs_first(const struct raftlog_runs *runs)
{
	return runs->base_index + 1;
}

/**
 * raftlog_runs_term() - term of an entry
 * @runs: where
 * @index: its index
 *
 * Return: the term, or 0 if @index is not in the log.
 */
u64 raftlog_runs_term(const struct raftlog_runs *runs, u64 index);

/**
 * raftlog_runs_last() - last entry of the same term
 * @runs: where
 * @index: of an entry
 *
 * Return: its index, or 0 if @index is not in the log.
 */
u64 raftlog_runs_last(const struct raftlog_runs *runs, u64 index);

#endif /* RAFTLOG_RUNS_H */
