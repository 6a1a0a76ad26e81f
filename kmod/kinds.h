/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which of the entries that are not known to be committed are users'. Once they are,
 * whoever reads one sees what it is; but whether there is one to read has to be told
 * before. They may be on disk only, if they were there when the group was started.
 * Pure; memory and locking are the caller's.
 */
#ifndef RAFTLOG_KINDS_H
#define RAFTLOG_KINDS_H

#include "pure.h"

enum {
	RAFTLOG_KINDS_WORD_BITS = 64,
	RAFTLOG_KINDS_BITS_MIN = 8 * RAFTLOG_KINDS_WORD_BITS,
};

/**
 * struct raftlog_kinds - a ring of bits, one for each entry behind the commit index
 * @bits: set: a user's. That of entry i is bit i % @n_bits
 * @n_bits: room, a power of two, or 0
 * @commit_index: entries up to here are committed, and forgotten
 * @end_index: behind the last entry
 *
 * While a group runs these are the entries that are under way. After a start that is all
 * of the log, until a leader says how much of it is committed. For each of them it takes
 * 1/8 byte, rounded up to a power of two; on disk an entry takes 56 bytes at least. So it
 * is less than 1/224 of the log, and that is given back.
 */
struct raftlog_kinds {
	u64 *bits;
	u64 n_bits;
	u64 commit_index;
	u64 end_index;
};

/**
 * raftlog_kinds_bits() - room that it takes
 * @kinds: where
 * @index: the last entry that there is to be
 *
 * Return: bits, a power of two, RAFTLOG_KINDS_BITS_MIN or more.
 */
u64 raftlog_kinds_bits(const struct raftlog_kinds *kinds, u64 index);

/**
 * raftlog_kinds_move() - use other memory
 * @kinds: where
 * @bits: with room for @n_bits
 * @n_bits: as of raftlog_kinds_bits(), for what there is at least
 *
 * Return: the memory used before, or NULL.
 */
u64 *raftlog_kinds_move(struct raftlog_kinds *kinds, u64 *bits, u64 n_bits);

/**
 * raftlog_kinds_append() - entry @index is, or is not, a user's
 * @kinds: with room: raftlog_kinds_bits() of @index is not above n_bits
 * @index: behind commit_index, and not behind end_index unless nothing is behind
 *	commit_index; all from there on is replaced
 * @user: its kind
 */
void raftlog_kinds_append(struct raftlog_kinds *kinds, u64 index, bool user);

/** raftlog_kinds_reset() - there is nothing behind @index, and all before is committed */
void raftlog_kinds_reset(struct raftlog_kinds *kinds, u64 index);

/**
 * raftlog_kinds_commit() - entries up to @index are committed
 * @kinds: where
 * @index: before end_index
 *
 * Takes time for what is new of these alone.
 *
 * Return: the last one of a user of those that were not before, or 0 if none is.
 */
u64 raftlog_kinds_commit(struct raftlog_kinds *kinds, u64 index);

#endif /* RAFTLOG_KINDS_H */
