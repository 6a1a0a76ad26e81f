// SPDX-License-Identifier: GPL-2.0
/* bench --async: one thread with many appends under way. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "bench.h"
#include "device.h"
#include "names.h"
#include "raftctl.h"

enum {
	BATCH = 256,
};

/**
 * struct flight - what is under way
 * @worker: whose
 * @fd: the device
 * @async: to submit through and to wait at
 * @data: what is appended
 * @start_ns: when each began
 * @spare: those that are not under way
 * @n_spare: how many
 * @going: more are to begin
 */
struct flight {
	struct worker *worker;
	int fd;
	struct device_async *async;
	void *data;
	u64 *start_ns;
	u32 *spare;
	u32 n_spare;
	bool going;
};

/* Begin as many as are to be under way. */
static void begin(struct flight *flight)
{
	const struct bench *bench = flight->worker->bench;
	u32 n = flight->n_spare < BATCH ? flight->n_spare : BATCH;
	u64 now_ns = monotonic_ns();
	int ret;

	for (u32 i = 0; i < n; i++)
		flight->start_ns[flight->spare[flight->n_spare - 1 - i]] =
			now_ns;
	ret = device_async_append(flight->async, flight->fd,
				  flight->spare + flight->n_spare - n, n,
				  flight->data, bench->bytes);
	if (ret > 0)
		flight->n_spare -= ret;
	else if (!bench_fail(flight->worker, -ret))
		flight->going = false;
}

/* Those that ended; at least one, if one is under way. */
static void end(struct flight *flight)
{
	struct device_async_end ends[BATCH];
	int n = device_async_wait(flight->async, ends, BATCH, RETRY_MS);
	bool room = true;

	for (int i = 0; i < n; i++) {
		u32 number = ends[i].number;

		flight->spare[flight->n_spare++] = number;
		if (ends[i].result >= 0) {
			bench_count(flight->worker, flight->start_ns[number]);
			continue;
		}
		room = false;
		if (!bench_fail(flight->worker, -ends[i].result))
			flight->going = false;
	}
	if (!room && flight->going)
		device_poll(flight->fd, POLLOUT, RETRY_MS);
}

void bench_append_async(struct worker *worker, int fd, void *data)
{
	u32 depth = worker->bench->depth;
	struct flight flight = {
		.worker = worker,
		.fd = fd,
		.data = data,
		.n_spare = depth,
		.going = true,
	};

	flight.async = device_async_open(depth);
	if (!flight.async) {
		bench_fail(worker, errno);
		return;
	}
	flight.start_ns = allocate(depth, sizeof(*flight.start_ns));
	flight.spare = allocate(depth, sizeof(*flight.spare));
	for (u32 i = 0; i < depth; i++)
		flight.spare[i] = i;
	while (flight.going && !bench_is_over(worker->bench)) {
		if (flight.n_spare)
			begin(&flight);
		if (flight.n_spare < depth && flight.n_spare < BATCH)
			end(&flight);
	}
	/* What is under way now is cancelled. */
	device_async_close(flight.async);
	free(flight.spare);
	free(flight.start_ns);
}
