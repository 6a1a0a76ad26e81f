/* SPDX-License-Identifier: GPL-2.0 */
/* What the two ways of bench share: threads that wait (bench.c), and one that does not. */
#ifndef RAFTCTL_BENCH_H
#define RAFTCTL_BENCH_H

#include <pthread.h>

#include "histogram.h"
#include "types.h"

enum {
	ERRNO_MAX = 4096,
	/* After an error, until a write would be taken again. */
	RETRY_MS = 100,
	/* Of one thread; a group takes so many at a time. */
	DEPTH_MAX = 16384,
};

/**
 * struct bench - one run
 * @bytes: of an entry
 * @reads: linearizable reads, and no entries
 * @lease: by lease
 * @threads: how many, each with one entry or read under way
 * @depth: entries under way of the one thread there is then, or 0
 * @warmup_ms: time that does not count
 * @ms: time that does
 * @warmup_end_ns: what ends before does not count
 * @end_ns: what ends behind does not count
 */
struct bench {
	u64 bytes;
	bool reads;
	bool lease;
	u32 threads;
	u32 depth;
	u64 warmup_ms;
	u64 ms;
	u64 warmup_end_ns;
	u64 end_ns;
};

/**
 * struct worker - one thread
 * @bench: the run
 * @thread: its handle
 * @number: from 0 on
 * @latency: in ns
 * @errors: how often each errno was seen
 */
struct worker {
	const struct bench *bench;
	pthread_t thread;
	unsigned int number;
	struct histogram latency;
	u32 errors[ERRNO_MAX];
};

bool bench_is_over(const struct bench *bench);

/** bench_is_final() - nothing that gets better by trying again */
bool bench_is_final(int error);

/** bench_count() - an append or a read of @worker's that began at @start_ns ended well */
void bench_count(struct worker *worker, u64 start_ns);

/** bench_fail() - or with @error. Return: whether to go on */
bool bench_fail(struct worker *worker, int error);

/**
 * bench_append_async() - keep bench.depth appends under way until it is over
 * @worker: gets what comes of it
 * @fd: the device
 * @data: what to append
 */
void bench_append_async(struct worker *worker, int fd, void *data);

#endif /* RAFTCTL_BENCH_H */
