// SPDX-License-Identifier: GPL-2.0
/* Kinds of the entries that are not known to be committed. */
#include "kinds.h"

/* First of those that share a word with @index. */
static u64 word_start(u64 index)
{
	return round_down(index, (u64)RAFTLOG_KINDS_WORD_BITS);
}

static u64 *word_of(u64 *bits, u64 n_bits, u64 index)
{
	return &bits[(index & (n_bits - 1)) / RAFTLOG_KINDS_WORD_BITS];
}

static u64 bit_of(u64 index)
{
	return 1ull << (index % RAFTLOG_KINDS_WORD_BITS);
}

/* No word holds both ends. */
u64 raftlog_kinds_bits(const struct raftlog_kinds *kinds, u64 index)
{
	u64 start = word_start(kinds->commit_index + 1);
	u64 bits = RAFTLOG_KINDS_BITS_MIN;

	while (index >= start && index - start >= bits)
		bits *= 2;
	return bits;
}

u64 *raftlog_kinds_move(struct raftlog_kinds *kinds, u64 *bits, u64 n_bits)
{
	u64 *old = kinds->bits;
	u64 index;

	for (index = kinds->commit_index + 1; index < kinds->end_index;
	     index = word_start(index) + RAFTLOG_KINDS_WORD_BITS)
		*word_of(bits, n_bits, index) =
			*word_of(old, kinds->n_bits, index);
	kinds->bits = bits;
	kinds->n_bits = n_bits;
	return old;
}

void raftlog_kinds_append(struct raftlog_kinds *kinds, u64 index, bool user)
{
	u64 *word = word_of(kinds->bits, kinds->n_bits, index);

	if (user)
		*word |= bit_of(index);
	else
		*word &= ~bit_of(index);
	kinds->end_index = index + 1;
}

void raftlog_kinds_reset(struct raftlog_kinds *kinds, u64 index)
{
	kinds->commit_index = index;
	kinds->end_index = index + 1;
}

/* From the last one on back, but for words that have none. */
u64 raftlog_kinds_commit(struct raftlog_kinds *kinds, u64 index)
{
	u64 first = kinds->commit_index + 1;
	u64 end = index + 1;

	kinds->commit_index = max(kinds->commit_index, index);
	while (end > first) {
		u64 last = end - 1;
		u64 word = *word_of(kinds->bits, kinds->n_bits, last);

		if (word & bit_of(last))
			return last;
		end = word ? last : word_start(last);
	}
	return 0;
}
