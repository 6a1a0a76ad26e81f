/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random numbers of the simulator: splitmix64, one stream per concern, so that a
 * draw more in one leaves the others as they are. Never two draws in one
 * expression: the order of evaluation is the compiler's.
 */
#ifndef RAFTLOG_SIM_RNG_H
#define RAFTLOG_SIM_RNG_H

#include "pure.h"

enum { RNG_ONE = 1000000 }; /* chances are in millionths */

struct rng {
	u64 state;
};

static inline u64 rng_next(struct rng *rng)
{
	u64 z = (rng->state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* A stream of its own for each (seed, stream). */
static inline void rng_seed(struct rng *rng, u64 seed, u64 stream)
{
	rng->state = seed * 0xd1342543de82ef95ull + stream;
	rng->state = rng_next(rng) ^ stream * 0xaf251af3b0f025b5ull;
}

/* 0 … n - 1 */
static inline u64 rng_below(struct rng *rng, u64 n)
{
	return rng_next(rng) % n;
}

/* low … high */
static inline u64 rng_between(struct rng *rng, u64 low, u64 high)
{
	return low + rng_next(rng) % (high - low + 1);
}

static inline bool rng_chance(struct rng *rng, u32 millionths)
{
	return rng_below(rng, RNG_ONE) < millionths;
}

#endif /* RAFTLOG_SIM_RNG_H */
