// SPDX-License-Identifier: GPL-2.0
/*
 * bench: K threads append one entry after the other for T seconds, or ask one time
 * after the other up to where to read. Each has an open file of its own, as K
 * programs would. Or one thread keeps as many appends under way (bench_async.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "device.h"
#include "json.h"
#include "names.h"
#include "raftctl.h"

enum {
	THREADS_MAX = 1024,
	THREAD_STACK_BYTES = 128 << 10,
};

bool bench_is_final(int error)
{
	switch (error) {
	case EAGAIN:
	case ENOSPC:
	case EHOSTUNREACH:
	case ETIMEDOUT:
	case EINTR:
		return false;
	default:
		return true;
	}
}

bool bench_is_over(const struct bench *bench)
{
	return interrupted || monotonic_ns() >= bench->end_ns;
}

void bench_count(struct worker *worker, u64 start_ns)
{
	const struct bench *bench = worker->bench;
	u64 end_ns = monotonic_ns();

	if (end_ns >= bench->warmup_end_ns && end_ns < bench->end_ns)
		histogram_add(&worker->latency, end_ns - start_ns);
}

bool bench_fail(struct worker *worker, int error)
{
	/* What ends the run may end an append of it. */
	if ((error == EINTR || error == ECANCELED) &&
	    bench_is_over(worker->bench))
		return false;
	worker->errors[error < ERRNO_MAX ? error : 0]++;
	return !bench_is_final(error);
}

static int call_once(const struct bench *bench, int fd, void *data)
{
	struct raftlog_append append = {
		.data = (uintptr_t)data,
		.bytes = bench->bytes,
	};
	struct raftlog_read_index read = {
		.flags = bench->lease ? RAFTLOG_READ_INDEX_F_LEASE : 0,
	};

	return bench->reads ? device_read_index(fd, &read) :
			      device_append(fd, &append);
}

/* Return: false if it makes no sense to go on. */
static bool work_once(struct worker *worker, int fd, void *data)
{
	u64 start_ns = monotonic_ns();
	int ret;

	ret = call_once(worker->bench, fd, data);
	if (!ret) {
		bench_count(worker, start_ns);
		return true;
	}
	if (!bench_fail(worker, -ret))
		return false;
	device_poll(fd, POLLOUT, RETRY_MS);
	return true;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	const struct bench *bench = worker->bench;
	unsigned char *data = allocate(1, bench->bytes);
	u64 random = worker->number + 1;
	int fd;

	/* Bytes no layer below can compress or skip. */
	for (u64 i = 0; i < bench->bytes; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407;
		data[i] = random >> 56;
	}
	fd = device_open(raftctl.device, O_RDWR);
	if (fd < 0) {
		worker->errors[errno]++;
	} else {
		if (bench->depth)
			bench_append_async(worker, fd, data);
		else
			while (!bench_is_over(bench) &&
			       work_once(worker, fd, data))
				;
		device_close(fd);
	}
	free(data);
	return NULL;
}

static void ignore(int number)
{
	(void)number;
}

/* SIGINT is for the main thread; SIGUSR1 only ends a worker's sleep. */
static void direct_signals(int how)
{
	struct sigaction action = { .sa_handler = ignore };
	sigset_t set;

	sigemptyset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(how, &set, NULL);
}

static unsigned int start_workers(struct bench *bench, struct worker *workers)
{
	pthread_attr_t attr;
	unsigned int n;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	for (n = 0; n < bench->threads; n++) {
		workers[n].bench = bench;
		workers[n].number = n;
		error = pthread_create(&workers[n].thread, &attr, work,
				       &workers[n]);
		if (!error)
			continue;
		complain("ask for fewer with --inflight",
			 "cannot start thread %u: %s", n + 1, strerror(error));
		break;
	}
	pthread_attr_destroy(&attr);
	return n;
}

/* One that sleeps in the kernel is woken, again if it was on its way there. */
static void join_worker(const struct bench *bench, struct worker *worker)
{
	struct timespec deadline;

	for (;;) {
		clock_gettime(CLOCK_REALTIME, &deadline);
		deadline.tv_nsec += RETRY_MS * 1000000;
		deadline.tv_sec += deadline.tv_nsec / 1000000000;
		deadline.tv_nsec %= 1000000000;
		if (!pthread_timedjoin_np(worker->thread, NULL, &deadline))
			return;
		if (bench_is_over(bench))
			pthread_kill(worker->thread, SIGUSR1);
	}
}

static bool run_workers(struct bench *bench, struct worker *workers)
{
	unsigned int n;

	direct_signals(SIG_BLOCK);
	n = start_workers(bench, workers);
	direct_signals(SIG_UNBLOCK);
	if (n < bench->threads)
		interrupted = 1;
	for (unsigned int i = 0; i < n; i++)
		join_worker(bench, &workers[i]);
	return n == bench->threads;
}

/**
 * struct result - sums over all threads
 * @seconds: measured
 * @rate: appends or reads a second
 * @latency: in ns
 * @errors: how often each errno was seen
 */
struct result {
	double seconds;
	double rate;
	struct histogram latency;
	u64 errors[ERRNO_MAX];
};

static void gather(const struct bench *bench, const struct worker *workers,
		   struct result *result)
{
	u64 end_ns = monotonic_ns();

	if (end_ns > bench->end_ns)
		end_ns = bench->end_ns;
	for (unsigned int i = 0; i < bench->threads; i++) {
		histogram_merge(&result->latency, &workers[i].latency);
		for (unsigned int e = 0; e < ERRNO_MAX; e++)
			result->errors[e] += workers[i].errors[e];
	}
	if (end_ns > bench->warmup_end_ns) {
		result->seconds = (end_ns - bench->warmup_end_ns) / 1e9;
		result->rate = result->latency.count / result->seconds;
	}
}

static u32 inflight(const struct bench *bench)
{
	return bench->depth ? bench->depth : bench->threads;
}

static double quantile_us(const struct result *result, double quantile)
{
	return histogram_quantile(&result->latency, quantile) / 1e3;
}

static void print_rate(const struct bench *bench, const struct result *result)
{
	if (bench->reads)
		printf("rate     %.0f reads/s\n", result->rate);
	else
		printf("rate     %.0f appends/s, %.2f MiB/s\n", result->rate,
		       result->rate * bench->bytes / (1 << 20));
	printf("latency  p50 %.0f  p90 %.0f  p99 %.0f  p99.9 %.0f  max %.0f us\n",
	       quantile_us(result, 0.5), quantile_us(result, 0.9),
	       quantile_us(result, 0.99), quantile_us(result, 0.999),
	       result->latency.max / 1e3);
}

static void print_result(const struct bench *bench, const struct result *result)
{
	if (bench->reads)
		printf("%s, %u in flight, %.1f s\n",
		       bench->lease ? "by lease" : "by round", bench->threads,
		       result->seconds);
	else
		printf("%llu bytes, %u in flight%s, %.1f s\n", bench->bytes,
		       inflight(bench), bench->depth ? " of one thread" : "",
		       result->seconds);
	printf("%-8s %llu\n", bench->reads ? "reads" : "appends",
	       result->latency.count);
	if (result->latency.count)
		print_rate(bench, result);
	for (int e = 0; e < ERRNO_MAX; e++)
		if (result->errors[e])
			printf("error    %s %llu\n", errno_name(e),
			       result->errors[e]);
}

static void print_result_json(const struct bench *bench,
			      const struct result *result)
{
	json_object(NULL);
	json_number("inflight", inflight(bench));
	json_bool("async", bench->depth);
	json_real("seconds", result->seconds);
	if (bench->reads) {
		json_number("reads", result->latency.count);
		json_real("reads_per_second", result->rate);
	} else {
		json_number("bytes", bench->bytes);
		json_number("appends", result->latency.count);
		json_real("appends_per_second", result->rate);
		json_real("mib_per_second",
			  result->rate * bench->bytes / (1 << 20));
	}
	json_object("latency_us");
	json_real("p50", quantile_us(result, 0.5));
	json_real("p90", quantile_us(result, 0.9));
	json_real("p99", quantile_us(result, 0.99));
	json_real("p99_9", quantile_us(result, 0.999));
	json_real("max", result->latency.max / 1e3);
	json_end();
	json_object("errors");
	for (int e = 0; e < ERRNO_MAX; e++)
		if (result->errors[e])
			json_number(errno_name(e), result->errors[e]);
	json_end();
	json_end();
}

/* Before threads start: what would fail in all of them fails once, with advice. */
static bool is_running(void)
{
	struct raftlog_status status = { 0 };
	int fd, ret;

	fd = connect_device(O_RDWR);
	if (fd < 0)
		return false;
	ret = device_get_status(fd, &status);
	device_close(fd);
	if (!ret)
		ret = group_error(&status);
	if (ret)
		complain_errno(-ret, "append");
	return !ret;
}

static int run(struct bench *bench)
{
	struct worker *workers;
	struct result *result;
	int code = EXIT_ERROR;

	if (!is_running())
		return EXIT_ERROR;
	workers = allocate(bench->threads, sizeof(*workers));
	result = allocate(1, sizeof(*result));
	catch_signals();
	bench->warmup_end_ns = monotonic_ns() + bench->warmup_ms * 1000000;
	bench->end_ns = bench->warmup_end_ns + bench->ms * 1000000;
	if (run_workers(bench, workers)) {
		gather(bench, workers, result);
		if (raftctl.json)
			print_result_json(bench, result);
		else
			print_result(bench, result);
		code = result->latency.count ? EXIT_OK : EXIT_ERROR;
	}
	free(result);
	free(workers);
	return code;
}

enum {
	OPTION_SIZE = OPTION_OF_VERB,
	OPTION_READS,
	OPTION_LEASE,
	OPTION_INFLIGHT,
	OPTION_SECONDS,
	OPTION_WARMUP,
	OPTION_ASYNC,
};

static const struct option bench_options[] = {
	{ "size", required_argument, NULL, OPTION_SIZE },
	{ "reads", no_argument, NULL, OPTION_READS },
	{ "lease", no_argument, NULL, OPTION_LEASE },
	{ "inflight", required_argument, NULL, OPTION_INFLIGHT },
	{ "seconds", required_argument, NULL, OPTION_SECONDS },
	{ "warmup", required_argument, NULL, OPTION_WARMUP },
	{ "async", required_argument, NULL, OPTION_ASYNC },
	{ NULL, 0, NULL, 0 },
};

static bool take_bench_option(void *context, int option)
{
	struct bench *bench = context;

	switch (option) {
	case OPTION_SIZE:
		return option_bytes("--size", optarg, 1,
				    RAFTLOG_ENTRY_BYTES_MAX, &bench->bytes);
	case OPTION_READS:
		bench->reads = true;
		return true;
	case OPTION_LEASE:
		bench->lease = true;
		return true;
	case OPTION_INFLIGHT:
		return option_u32("--inflight", optarg, 1, THREADS_MAX,
				  &bench->threads);
	case OPTION_SECONDS:
		return option_seconds("--seconds", optarg, &bench->ms);
	case OPTION_ASYNC:
		return option_u32("--async", optarg, 1, DEPTH_MAX,
				  &bench->depth);
	default:
		return option_seconds("--warmup", optarg, &bench->warmup_ms);
	}
}

static int run_bench(int argc, char **argv)
{
	static const struct verb_options options = { "", bench_options,
						     take_bench_option };
	struct bench bench = {
		.bytes = 128,
		.threads = 1,
		.warmup_ms = 1000,
		.ms = 10000,
	};
	int code;

	code = parse_all(argc, argv, &options, &bench);
	if (code >= 0)
		return code;
	if (bench.depth && bench.threads > 1) {
		complain("give one of them",
			 "--async is instead of --inflight");
		return EXIT_ERROR;
	}
	if (bench.depth && bench.reads) {
		complain("appends alone are submitted like that",
			 "--async goes without --reads");
		return EXIT_ERROR;
	}
	return run(&bench);
}

const struct verb bench_verb = {
	.name = "bench",
	.run = run_bench,
	.synopsis =
		"[--size BYTES | --reads [--lease]] [--inflight K | --async K] [--seconds T]",
	.summary = "rate and latency of appends; fills the log with them",
	.help = "      --size BYTES   of an entry (128)\n"
		"      --reads        linearizable reads instead; the log stays as it is\n"
		"      --lease        those by lease\n"
		"      --inflight K   appends or reads under way at any time, a thread each (1)\n"
		"      --async K      appends under way at any time, all of one thread (AIO)\n"
		"      --seconds T    how long (10)\n"
		"      --warmup T     seconds before, which do not count (1)\n",
};
