// SPDX-License-Identifier: GPL-2.0
/*
 * Prints how many kHz the time stamp counter of this machine runs at. An
 * emulated guest sees that counter, and on a busy machine it cannot measure it
 * well itself: its clock would run several times too fast or too slow.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

enum {
	SAMPLES = 16,
	APART_NS = 200000000,
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Counter and clock of one moment: of several pairs, the one read fastest. */
static void sample(uint64_t *tsc, uint64_t *ns)
{
	uint64_t fastest = UINT64_MAX;
	int i;

	for (i = 0; i < SAMPLES; i++) {
		uint64_t before = __rdtsc();
		uint64_t time = now_ns();
		uint64_t took = __rdtsc() - before;

		if (took < fastest) {
			fastest = took;
			*tsc = before + took / 2;
			*ns = time;
		}
	}
}

int main(void)
{
	const struct timespec apart = { .tv_nsec = APART_NS };
	uint64_t tsc[2], ns[2];

	sample(&tsc[0], &ns[0]);
	nanosleep(&apart, NULL);
	sample(&tsc[1], &ns[1]);
	printf("%" PRIu64 "\n",
	       (tsc[1] - tsc[0]) * 1000000 / (ns[1] - ns[0]));
	return 0;
}
