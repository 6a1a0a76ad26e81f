// SPDX-License-Identifier: GPL-2.0
/*
 * Thousands of appends in flight from one thread, by io_uring and by AIO: each
 * ends once and is in the log once; cancelled, left behind by a process that ends,
 * and under a group that stops, they end as the uapi header says. So do polls and
 * reads that wait: see async_waits.c, and async_internal.c for what they pass over.
 *
 *	async DIRECTORY [DIVISOR]
 *
 * Run as root in a guest whose raftlog module is loaded and whose group is
 * stopped. Prints "ok - what" or "not ok - what: why" for each case, and exits
 * with 1 if one is not as it should be. DIRECTORY, a mount point, is for its logs.
 * With DIVISOR there are so many times fewer appends, for a kernel that is slow.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>

#include "async.h"

enum {
	NUMBERS = 20000,
	FEW = 16,
	PAUSE_US = 10000,
	TRIES = 2000,
	PROMPT_MS = APPEND_TIMEOUT_MS / 2,
	/* A block for each append, should the disk keep up with them. */
	LOG_BYTES = 192 << 20,
	REAP_MS = 240000,
};

/* More than a group takes at a time; many of one thread; some. */
static uint32_t flood_size = NUMBERS, depth = 8000, many = 1000;

static unsigned int n_failed;

void verdict(bool good, const char *what, const char *format, long value)
{
	char why[80];

	snprintf(why, sizeof(why), format, value);
	if (good)
		printf("ok - %s\n", what);
	else
		printf("not ok - %s: %s\n", what, why);
	n_failed += !good;
	fflush(stdout);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* A disk that stands still */

static int mount_fd;

void freeze(void)
{
	if (ioctl(mount_fd, FIFREEZE, 0)) {
		perror("FIFREEZE");
		exit(2);
	}
}

void thaw(void)
{
	ioctl(mount_fd, FITHAW, 0);
}

/* What the group says */

static uint64_t counter(const char *name)
{
	char path[80], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/raftlog/raftlog/stats/%s", name);
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof(text), file)) {
		perror(path);
		exit(2);
	}
	fclose(file);
	return strtoull(text, NULL, 10);
}

static uint32_t n_pending(void)
{
	struct raftlog_status status = { 0 };

	if (ioctl(device, RAFTLOG_IOC_GET_STATUS, &status))
		perror("RAFTLOG_IOC_GET_STATUS");
	return status.n_pending;
}

static bool may_write(int ms)
{
	struct pollfd pollfd = { .fd = device, .events = POLLOUT };

	return poll(&pollfd, 1, ms) == 1 && pollfd.revents & POLLOUT;
}

/* It elects itself soon, and leads on when the disk stands still for a while. */
bool start_leader(const struct raftlog_start *start)
{
	struct raftlog_set set = {
		.fields = RAFTLOG_SET_ELECTION_TIMEOUT,
		.election_timeout_ms = 10000,
	};

	return !start_group(start) && may_write(60000) &&
	       !ioctl(device, RAFTLOG_IOC_SET, &set);
}

bool wait_pending(uint32_t n)
{
	int i;

	for (i = 0; i < TRIES && n_pending() != n; i++)
		usleep(PAUSE_US);
	return n_pending() == n;
}

unsigned int n_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned int n = 0;

	while (readdir(tasks))
		n++;
	closedir(tasks);
	return n - 2; /* . and .. */
}

/* The kernel's threads for what went before end after a while, but for one. */
void wait_alone(void)
{
	int i;

	for (i = 0; i < TRIES && n_threads() > ALONE; i++)
		usleep(PAUSE_US);
}

/* Appends, numbered from 1: each is its number. */

static uint64_t payload[NUMBERS + 1];
uint32_t ended[NUMBERS + 1];
int result[NUMBERS + 1];

void reset(void)
{
	memset(ended, 0, sizeof(ended));
	memset(result, 0, sizeof(result));
}

static void note(uint64_t number, int res)
{
	if (number < 1 || number > NUMBERS) {
		verdict(false, "an end of nothing that began", "number %ld",
			number);
		return;
	}
	ended[number]++;
	result[number] = res;
}

/* Of 1 to @n: how many ended once, with @res. */
static uint32_t n_ended(uint32_t n, int res)
{
	uint32_t i, found = 0;

	for (i = 1; i <= n; i++)
		found += ended[i] == 1 && result[i] == res;
	return found;
}

bool reap(const struct method *method, uint32_t n)
{
	uint64_t deadline_ms = now_ms() + REAP_MS;

	while (n && now_ms() < deadline_ms) {
		struct end ends[256];
		int i, got = method->wait(ends, 256, 1000);

		for (i = 0; i < got; i++)
			note(ends[i].number, ends[i].result);
		n -= got;
	}
	return !n;
}

static void submit(const struct method *method, uint32_t first, uint32_t n)
{
	uint32_t i;

	for (i = first; i < first + n; i++) {
		payload[i] = i;
		method->append(i, &payload[i], sizeof(payload[i]));
	}
	method->submit();
}

/* How often each number is in the log behind index @after. */
static bool in_log(uint64_t after, uint32_t n, uint32_t at_least)
{
	static uint32_t seen[NUMBERS + 1];
	uint64_t number;
	uint32_t i;
	bool good = true;
	int fd = open("/dev/raftlog", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	memset(seen, 0, sizeof(seen));
	lseek(fd, after + 1, SEEK_SET);
	while (read(fd, &number, sizeof(number)) == sizeof(number))
		if (number <= NUMBERS)
			seen[number]++;
	close(fd);
	for (i = 1; i <= n; i++)
		good &= seen[i] >= at_least && seen[i] <= 1;
	return good;
}

const char *name(const struct method *method, const char *what)
{
	static char text[160];

	snprintf(text, sizeof(text), "%s: %s", method->name, what);
	return text;
}

uint64_t last_index(void)
{
	struct raftlog_status status = { 0 };
	int i;

	for (i = 0; i < TRIES; i++) {
		if (!ioctl(device, RAFTLOG_IOC_GET_STATUS, &status) &&
		    status.commit_index == status.last_index)
			break;
		usleep(PAUSE_US);
	}
	return status.last_index;
}

/* The cases */

static void many_in_flight(const struct method *method, uint32_t n)
{
	uint64_t after = last_index(), appends = counter("appends");
	unsigned int threads;
	char what[80];

	reset();
	wait_alone();
	freeze();
	submit(method, 1, n);
	snprintf(what, sizeof(what), "%u appends of one thread are under way at once",
		 n);
	verdict(wait_pending(n), name(method, what), "%ld", n_pending());
	threads = n_threads();
	verdict(threads <= ALONE, name(method, "and take no thread each"),
		"%ld threads", threads);
	thaw();
	verdict(reap(method, n) && n_ended(n, sizeof(uint64_t)) == n,
		name(method, "each of them ends once, and well"), "%ld of them",
		n_ended(n, sizeof(uint64_t)));
	verdict(in_log(after, n, 1), name(method, "each is in the log once"),
		"not", 0);
	verdict(counter("appends") - appends == n,
		name(method, "each is counted once"), "counted %ld",
		counter("appends") - appends);
}

/* More than there is room for: what finds none waits for it. */
static void flood(const struct method *method)
{
	uint64_t after = last_index();

	reset();
	/* Nobody is to be told EAGAIN for that. */
	fcntl(device, F_SETFL, O_NONBLOCK);
	freeze();
	submit(method, 1, flood_size);
	if (flood_size == NUMBERS)
		verdict(n_pending() < flood_size && !may_write(0),
			name(method, "there is no room for all, and poll says so"),
			"%ld pending", n_pending());
	thaw();
	verdict(reap(method, flood_size) &&
			n_ended(flood_size, sizeof(uint64_t)) == flood_size,
		name(method, "more than there is room for end once each, and well"),
		"%ld of them", n_ended(flood_size, sizeof(uint64_t)));
	fcntl(device, F_SETFL, 0);
	verdict(in_log(after, flood_size, 1), name(method, "those, too, are in the log once"),
		"not", 0);
	verdict(n_pending() == 0, name(method, "nothing stays behind"),
		"%ld pending", n_pending());
}

static void closed(const struct method *method)
{
	uint64_t after = last_index();
	int fd = dup(device);

	reset();
	freeze();
	submit(method, 1, many);
	wait_pending(many);
	/* What the appends were made through: they hold it, nobody else does. */
	close(device);
	device = open("/dev/raftlog", O_RDWR | O_CLOEXEC);
	close(fd);
	thaw();
	verdict(reap(method, many) &&
			n_ended(many, sizeof(uint64_t)) == many,
		name(method, "appends through a file that was closed end well"),
		"%ld of them", n_ended(many, sizeof(uint64_t)));
	verdict(in_log(after, many, 1), name(method, "and are in the log once"),
		"not", 0);
}

/* A process that ends with appends under way leaves nothing behind. */
static void left_behind(const struct method *method)
{
	uint64_t after = last_index(), began_ms;
	int pipe_fds[2], status = 0;
	char byte;
	pid_t pid;

	if (pipe(pipe_fds))
		exit(2);
	reset();
	freeze();
	pid = fork();
	if (pid == 0) {
		method->open(NUMBERS);
		submit(method, 1, many);
		if (write(pipe_fds[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	if (read(pipe_fds[0], &byte, 1) != 1)
		exit(2);
	wait_pending(many);
	began_ms = now_ms();
	kill(pid, SIGKILL);
	if (method->cancels) {
		waitpid(pid, &status, 0);
		verdict(WIFSIGNALED(status) && now_ms() - began_ms < PROMPT_MS,
			name(method, "a process with appends under way ends at once"),
			"after %ld ms", now_ms() - began_ms);
		thaw();
	} else {
		thaw();
		waitpid(pid, &status, 0);
		verdict(WIFSIGNALED(status),
			name(method, "a process ends once its appends did"),
			"status %ld", status);
	}
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	verdict(wait_pending(0), name(method, "nothing of it is under way then"),
		"%ld", n_pending());
	verdict(in_log(after, many, 0), name(method, "none of its appends is in the log twice"),
		"not", 0);
}

static void stopped(const struct method *method, struct raftlog_start *start)
{
	uint32_t shut, done;
	int status = -1;
	pid_t pid;

	reset();
	freeze();
	submit(method, 1, many);
	wait_pending(many);
	pid = fork();
	if (pid == 0)
		_exit(stop_group() ? 1 : 0);
	/* The disk still stands still: it is the stop that ends them. */
	reap(method, many);
	shut = n_ended(many, -ESHUTDOWN);
	done = n_ended(many, sizeof(uint64_t));
	thaw();
	waitpid(pid, &status, 0);
	verdict(shut + done == many && shut > 0,
		name(method, "appends under way end with the group"),
		"%ld with ESHUTDOWN", shut);
	verdict(status == 0, name(method, "and the group stops"), "status %ld",
		status);
	reset();
	submit(method, 1, 1);
	verdict(reap(method, 1) && result[1] == -ENOTCONN,
		name(method, "an append to a group that is stopped is refused"),
		"%ld", result[1]);
	start->flags = 0;
	verdict(start_leader(start), name(method, "the group starts again"),
		"errno %ld", errno);
}

/*
 * What a cancel does: AIO's ends the append at once, and the answer says whether it
 * can be in the log. io_uring does not ask the file: an append that was handed to it
 * goes its way.
 */
static void cancelled(const struct method *method)
{
	uint64_t after = last_index();
	int answer;

	reset();
	freeze();
	submit(method, 1, FEW);
	wait_pending(FEW);
	answer = method->cancel(1);
	if (method->cancels) {
		verdict(answer == -EINPROGRESS, name(method, "a cancel is taken"),
			"errno %ld", -answer);
		verdict(reap(method, 1) && n_ended(1, -EINTR) == 1,
			name(method, "it ends the append, which may be in the log"),
			"result %ld", result[1]);
		thaw();
		reap(method, FEW - 1);
		answer = FEW - 1;
	} else {
		verdict(answer == -ENOENT || answer == -EALREADY,
			name(method, "a cancel finds nothing that it could end"),
			"errno %ld", -answer);
		thaw();
		reap(method, FEW);
		answer = FEW;
	}
	verdict(n_ended(FEW, sizeof(uint64_t)) == (uint32_t)answer,
		name(method, "the others end well"), "%ld of them",
		n_ended(FEW, sizeof(uint64_t)));
	verdict(in_log(after, FEW, 0), name(method, "a cancelled append is in the log once at most"),
		"not", 0);
}

/* Nobody to take the entries: they wait for a leader, as a write does. */
static void without_leader(const struct method *method)
{
	uint32_t n = many;
	uint64_t began_ms;

	wait_alone();
	began_ms = now_ms();
	reset();
	submit(method, 1, many);
	verdict(now_ms() - began_ms < PROMPT_MS,
		name(method, "without a leader appends are taken at once"),
		"after %ld ms", now_ms() - began_ms);
	verdict(wait_pending(many), name(method, "and wait for one"), "%ld of them",
		n_pending());
	verdict(n_threads() <= FEW, name(method, "without a thread"), "%ld threads",
		n_threads());
	if (method->cancels) {
		verdict(method->cancel(1) == -EINPROGRESS && reap(method, 1) &&
				n_ended(1, -ECANCELED) == 1,
			name(method, "one that is cancelled is not in the log"),
			"result %ld", result[1]);
		n--;
	}
	verdict(reap(method, n) && n_ended(many, -EHOSTUNREACH) == n,
		name(method, "they end when their time is over"), "%ld of them",
		n_ended(many, -EHOSTUNREACH));
}

/* More than there is room for: what found none waits for it, then for a leader. */
static void flood_without_leader(const struct method *method)
{
	reset();
	submit(method, 1, flood_size);
	verdict(reap(method, flood_size) &&
			n_ended(flood_size, -EHOSTUNREACH) == flood_size,
		name(method, "those that there is no room for end, too"),
		"%ld of them", n_ended(flood_size, -EHOSTUNREACH));
}

static void nowait(void)
{
	struct iovec vec = { .iov_base = payload, .iov_len = sizeof(payload[0]) };

	payload[0] = 0;
	lseek(device, 0, SEEK_END);
	errno = 0;
	verdict(preadv2(device, &vec, 1, -1, RWF_NOWAIT) < 0 && errno == EAGAIN,
		"a read that may not wait does not at the end", "errno %ld",
		errno);
	errno = 0;
	verdict(pwritev2(device, &vec, 1, -1, RWF_NOWAIT) == sizeof(payload[0]) &&
			!fsync(device),
		"a write that may not wait is taken", "errno %ld", errno);
	errno = 0;
	verdict(preadv2(device, &vec, 1, -1, RWF_NOWAIT) == sizeof(payload[0]),
		"a read that may not wait gets what is in memory", "errno %ld",
		errno);
}

static void cases(const struct method *method, struct raftlog_start *start)
{
	int stale = open("/dev/raftlog", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (method->open(NUMBERS)) {
		verdict(false, method->name, "errno %ld", errno);
		return;
	}
	many_in_flight(method, depth);
	if (method->waits_for_room)
		flood(method);
	closed(method);
	left_behind(method);
	cancelled(method);
	stopped(method, start);
	waits(method, stale);
	internal_entries(method, start);
	close(stale);
	method->close();
}

static void cases_without_leader(const struct method *method)
{
	if (method->open(NUMBERS)) {
		verdict(false, method->name, "errno %ld", errno);
		return;
	}
	without_leader(method);
	if (method->waits_for_room)
		flood_without_leader(method);
	method->close();
}

int main(int argc, char **argv)
{
	struct raftlog_start start;
	int wal;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: async DIRECTORY [DIVISOR]\n");
		return 2;
	}
	directory = argv[1];
	if (argc == 3) {
		flood_size /= atoi(argv[2]);
		depth /= atoi(argv[2]);
		many /= atoi(argv[2]);
	}
	device = open("/dev/raftlog", O_RDWR | O_CLOEXEC);
	mount_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (device < 0 || mount_fd < 0) {
		perror("/dev/raftlog");
		return 2;
	}

	wal = make_wal("async", LOG_BYTES);
	start = a_start(wal, 1);
	/* Nothing is to end by itself while the disk stands still. */
	start.append_timeout_ms = REAP_MS;
	verdict(start_leader(&start), "start alone", "errno %ld", errno);
	nowait();
	cases(&uring_method, &start);
	cases(&aio_method, &start);
	verdict(!stop_group(), "stop", "errno %ld", errno);
	close(wal);

	wal = make_wal("async3", LOG_BYTES / 8);
	start = a_start(wal, 3);
	verdict(!start_group(&start), "start one of three", "errno %ld", errno);
	cases_without_leader(&uring_method);
	cases_without_leader(&aio_method);
	verdict(!stop_group(), "stop", "errno %ld", errno);
	close(wal);
	return n_failed != 0;
}
