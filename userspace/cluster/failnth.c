// SPDX-License-Identifier: GPL-2.0
/*
 * Every entry point of the module, with its first, second, third … allocation,
 * copy or failpoint failing, until none is left to fail.
 *
 *	failnth DIRECTORY MODULE
 *
 * Run as root in a guest whose kernel has fault injection, with MODULE loaded and
 * its group stopped. A call may fail with ENOMEM, or with what its failpoints and
 * copies stand for; it must not do anything half. Prints "ok - call: n failures"
 * or "not ok - call: why" for each, and exits with 1 if one is not as it should
 * be. DIRECTORY is for logs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "group.h"

enum {
	FAILURES_MAX = 4000,
	NEVER = 1 << 30,
	/* Loading takes a second, and most of what it allocates is debugfs's. */
	LOADS_MAX = 150,
	/* The smallest there is: what is not new is read from the disk. */
	CACHE_BYTES = 64 << 10,
	LARGE_BYTES = 48 << 10,
	SMALL_WAL_BYTES = 4 << 20,
};

static const char *module_path;
static int fail_nth_fd, wal, new_wal = -1, module_fd;
static char data[LARGE_BYTES];
static unsigned int n_failed;
/* Entries that are in the log for sure. */
static uint64_t n_acknowledged;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static const char *name_of(int error)
{
	return error ? strerrorname_np(error) : "success";
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void arm(unsigned int n)
{
	char text[16];
	int bytes = snprintf(text, sizeof(text), "%u", n);

	/* What is armed may well hit this. */
	while (pwrite(fail_nth_fd, text, bytes, 0) != bytes)
		if (errno != EFAULT)
			die("fail-nth");
}

/*
 * Return: how many more would have had to come; 0: it failed. To ask copies as
 * well, which may be what fails.
 */
static unsigned int disarm(void)
{
	char text[16] = "";
	ssize_t n = pread(fail_nth_fd, text, sizeof(text) - 1, 0);

	if (n < 0 && errno == EFAULT)
		return 1;
	if (n <= 0)
		die("fail-nth");
	arm(0);
	return atoi(text);
}

/* The group, without failures */

static void must(const char *what, long ret)
{
	if (ret < 0)
		die(what);
}

/* Of what is in it: nothing is to be lost by starting again. */
static struct raftlog_start of_the_log(void)
{
	struct raftlog_start start = a_start(wal, 1);

	start.flags &= ~RAFTLOG_START_F_FORMAT;
	start.cache_bytes = CACHE_BYTES;
	return start;
}

static void must_run(void)
{
	struct raftlog_start start = of_the_log();
	struct raftlog_status status = { 0 };

	if (ioctl(device, RAFTLOG_IOC_GET_STATUS, &status))
		die("status");
	if (status.state != RAFTLOG_STATE_RUNNING) {
		must("start", start_group(&start));
		if (!wait_leader())
			die("no leader");
	}
}

static void must_be_stopped(void)
{
	struct raftlog_status status = { 0 };

	if (ioctl(device, RAFTLOG_IOC_GET_STATUS, &status))
		die("status");
	if (status.state != RAFTLOG_STATE_STOPPED)
		must("stop", stop_group());
}

static void must_append(void)
{
	must("append", write(device, data, LARGE_BYTES));
	n_acknowledged++;
}

/* Calls: each is prepared and cleared up without failures. */

static void prepare_stopped(void)
{
	must_be_stopped();
}

static long call_start(void)
{
	struct raftlog_start start = of_the_log();

	return start_group(&start);
}

static void prepare_format(void)
{
	must_be_stopped();
	if (new_wal < 0)
		new_wal = make_wal("new", SMALL_WAL_BYTES);
	if (new_wal < 0)
		die("new log");
}

static long call_format(void)
{
	struct raftlog_start start = a_start(new_wal, 1);

	return start_group(&start);
}

static void clear_stop(void)
{
	must_be_stopped();
}

static long call_stop(void)
{
	return stop_group();
}

static long call_open(void)
{
	int fd = open("/dev/raftlog", O_RDWR);

	return fd < 0 ? fd : close(fd);
}

static long acknowledged(long ret)
{
	if (ret >= 0)
		n_acknowledged++;
	return ret;
}

static long call_write(void)
{
	return acknowledged(write(device, data, 10));
}

static long call_write_large(void)
{
	return acknowledged(write(device, data, LARGE_BYTES));
}

static long call_writev(void)
{
	struct iovec parts[] = { { data, 100 }, { data, 1 }, { data, 5000 } };

	return acknowledged(writev(device, parts, 3));
}

static long call_append(void)
{
	struct raftlog_append append = {
		.data = (uintptr_t)data,
		.bytes = 1000,
	};

	return acknowledged(ioctl(device, RAFTLOG_IOC_APPEND, &append));
}

static void set_framed(bool on)
{
	struct raftlog_set_framed framed = { .enable = on };

	must("set framed", ioctl(device, RAFTLOG_IOC_SET_FRAMED, &framed));
}

/* The oldest entry: no cache has it. */
static void prepare_read(void)
{
	must_run();
	set_framed(false);
	must("lseek", lseek(device, 1, SEEK_SET));
}

static void prepare_read_framed(void)
{
	prepare_read();
	set_framed(true);
}

static char room[1 << 20];

static long call_read(void)
{
	return read(device, room, sizeof(room));
}

static void clear_read(void)
{
	set_framed(false);
}

static long call_lseek(void)
{
	return lseek(device, 0, SEEK_END);
}

static long call_poll(void)
{
	struct pollfd fd = { .fd = device, .events = POLLIN | POLLOUT | POLLPRI };

	return poll(&fd, 1, 0);
}

static long call_set_framed(void)
{
	struct raftlog_set_framed framed = { 0 };

	return ioctl(device, RAFTLOG_IOC_SET_FRAMED, &framed);
}

static long call_read_index(void)
{
	struct raftlog_read_index read = { 0 };

	return ioctl(device, RAFTLOG_IOC_READ_INDEX, &read);
}

static long call_version(void)
{
	struct raftlog_version version = { 0 };

	return ioctl(device, RAFTLOG_IOC_GET_VERSION, &version);
}

static long call_status(void)
{
	struct raftlog_status status = { 0 };

	return ioctl(device, RAFTLOG_IOC_GET_STATUS, &status);
}

static long call_members(void)
{
	struct raftlog_peer peers[3];
	struct raftlog_members get = {
		.n_peers = 3,
		.peers = (uintptr_t)peers,
		.peer_bytes = sizeof(peers[0]),
	};

	return ioctl(device, RAFTLOG_IOC_GET_MEMBERS, &get);
}

/* A learner nobody runs comes and goes. */
static long change_member(uint32_t type)
{
	struct raftlog_change change = { .type = type, .id = 2 };
	struct raftlog_change_members request = {
		.n_changes = 1,
		.changes = (uintptr_t)&change,
		.change_bytes = sizeof(change),
	};

	if (type == RAFTLOG_CHANGE_ADD)
		change.addr = loopback(PORT + 1);
	return ioctl(device, RAFTLOG_IOC_CHANGE_MEMBERS, &request);
}

static void prepare_change(void)
{
	must_run();
	if (change_member(RAFTLOG_CHANGE_REMOVE) && errno != ENOENT)
		die("remove the learner");
}

static long call_change(void)
{
	return change_member(RAFTLOG_CHANGE_ADD);
}

static long call_events(void)
{
	struct raftlog_event events[64];
	struct raftlog_events get = {
		.events = (uintptr_t)events,
		.n_events = 64,
		.event_bytes = sizeof(events[0]),
	};

	return ioctl(device, RAFTLOG_IOC_GET_EVENTS, &get);
}

/* Of the only member to itself: it goes the whole way, and nothing comes of it. */
static long call_transfer(void)
{
	struct raftlog_transfer transfer = { .target = 1 };

	return ioctl(device, RAFTLOG_IOC_TRANSFER, &transfer);
}

static glob_t attributes;

static void prepare_sysfs(void)
{
	must_run();
	if (!attributes.gl_pathc &&
	    (glob("/sys/class/raftlog/raftlog/*", 0, NULL, &attributes) ||
	     glob("/sys/class/raftlog/raftlog/*/*", GLOB_APPEND, NULL, &attributes) ||
	     glob("/sys/class/raftlog/raftlog/peers/*/*", GLOB_APPEND, NULL,
		  &attributes)))
		die("sysfs");
}

static long call_sysfs(void)
{
	size_t i;

	for (i = 0; i < attributes.gl_pathc; i++) {
		int fd = open(attributes.gl_pathv[i], O_RDONLY);
		ssize_t n;

		if (fd < 0 && errno != EACCES)
			return -1;
		n = read(fd, room, sizeof(room));
		close(fd);
		if (n < 0 && errno != EISDIR && errno != EBADF && errno != EIO)
			return -1;
	}
	return 0;
}

static void unload(void)
{
	if (syscall(SYS_delete_module, "raftlog", O_NONBLOCK) && errno != ENOENT)
		die("delete_module");
}

static void prepare_load(void)
{
	if (device < 0)
		return;
	must_be_stopped();
	close(device);
	device = -1;
	unload();
}

static long call_load(void)
{
	return syscall(SYS_finit_module, module_fd, "", 0);
}

static unsigned int count_load(const char *parameters)
{
	arm(NEVER);
	syscall(SYS_finit_module, module_fd, parameters, 0);
	return NEVER - disarm();
}

/*
 * A module that refuses its parameters has been loaded but for its own part: what
 * the kernel takes for that is not what this is about.
 */
static void span_load(unsigned int *first, unsigned int *step)
{
	unsigned int n = count_load("groups=0");

	*step = 1 + (count_load("") - n) / LOADS_MAX;
	*first = n + 1 + getpid() % *step;
	unload();
}

/* There after a failure that did no harm, or without its node, or not there. */
static void clear_load(void)
{
	device = open("/dev/raftlog", O_RDWR);
	if (device < 0)
		unload();
}

static void must_be_loaded(void)
{
	int i;

	if (device >= 0)
		return;
	must("load", call_load());
	for (i = 0; device < 0 && i < 100; i++)
		device = open("/dev/raftlog", O_RDWR);
	must("/dev/raftlog", device);
}

struct call {
	const char *name;
	void (*prepare)(void);
	long (*call)(void);
	void (*clear)(void);
	/* Which is the first to fail and which the next; NULL: each. */
	void (*span)(unsigned int *first, unsigned int *step);
	/* What it may fail with beside ENOMEM, 0-terminated. */
	int errors[4];
};

static const struct call calls[] = {
	{ "load", prepare_load, call_load, clear_load, span_load,
	  { ENOMEM } },
	/* A socket for which there is no memory is one too many. */
	{ "format and start", prepare_format, call_format, clear_stop, NULL,
	  { EFAULT, EIO, ENFILE } },
	/* Bad luck in reading a log that is alone is for its owner to judge. */
	{ "start", prepare_stopped, call_start, clear_stop, NULL,
	  { EFAULT, EIO, EUCLEAN, ENFILE } },
	{ "stop", must_run, call_stop, NULL, NULL,
	  { EFAULT } },
	{ "open and close", must_run, call_open, NULL, NULL,
	  { EFAULT } },
	{ "write", must_run, call_write, NULL, NULL,
	  { EFAULT } },
	{ "large write", must_run, call_write_large, NULL, NULL,
	  { EFAULT } },
	{ "writev", must_run, call_writev, NULL, NULL,
	  { EFAULT } },
	{ "append", must_run, call_append, NULL, NULL,
	  { EFAULT } },
	{ "read", prepare_read, call_read, NULL, NULL,
	  { EFAULT, EIO, EUCLEAN } },
	{ "framed read", prepare_read_framed, call_read, clear_read, NULL,
	  { EFAULT, EIO, EUCLEAN } },
	{ "lseek", must_run, call_lseek, NULL, NULL,
	  { ENOMEM } },
	{ "poll", must_run, call_poll, NULL, NULL,
	  { EFAULT } },
	{ "set framed", must_run, call_set_framed, NULL, NULL,
	  { EFAULT } },
	{ "read index", must_run, call_read_index, NULL, NULL,
	  { EFAULT } },
	{ "version", must_run, call_version, NULL, NULL,
	  { EFAULT } },
	{ "status", must_run, call_status, NULL, NULL,
	  { EFAULT } },
	{ "members", must_run, call_members, NULL, NULL,
	  { EFAULT } },
	{ "change members", prepare_change, call_change, prepare_change, NULL,
	  { EFAULT } },
	{ "events", must_run, call_events, NULL, NULL,
	  { EFAULT } },
	{ "transfer", must_run, call_transfer, NULL, NULL,
	  { EFAULT } },
	{ "sysfs", prepare_sysfs, call_sysfs, NULL, NULL,
	  { EFAULT } },
};

static bool may_fail_with(const struct call *call, int error)
{
	size_t i;

	if (!error || error == ENOMEM)
		return true;
	for (i = 0; i < sizeof(call->errors) / sizeof(call->errors[0]); i++)
		if (call->errors[i] == error)
			return true;
	return false;
}

static void try_call(const struct call *call)
{
	const char *why = NULL;
	unsigned int n, first = 1, step = 1, tries = 0, left;
	int error = 0;

	call->prepare();
	if (call->span)
		call->span(&first, &step);
	for (n = first; tries < FAILURES_MAX; n += step, tries++) {
		call->prepare();
		arm(n);
		error = call->call() < 0 ? errno : 0;
		left = disarm();
		if (call->clear)
			call->clear();
		if (left)
			break;
		if (!may_fail_with(call, error)) {
			why = "failed with";
			break;
		}
	}
	if (!why && tries == FAILURES_MAX)
		why = "does not come to an end";
	if (!why && error)
		why = "without a failure it fails with";
	must_be_loaded();
	if (why) {
		printf("not ok - %s: %s %s, failure %u\n", call->name, why,
		       name_of(error), n);
		n_failed++;
	} else {
		printf("ok - %s: %u failures\n", call->name, tries);
	}
	fflush(stdout);
}

/* Entries that are there, counted one by one. */
static uint64_t count_entries(void)
{
	uint64_t n = 0;

	must_run();
	set_framed(false);
	must("O_NONBLOCK", fcntl(device, F_SETFL, O_RDWR | O_NONBLOCK));
	must("lseek", lseek(device, 1, SEEK_SET));
	while (read(device, room, sizeof(room)) > 0)
		n++;
	must("O_NONBLOCK", fcntl(device, F_SETFL, O_RDWR));
	return n;
}

static void allow_all_failures(void)
{
	write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/failslab/verbose", "0");
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	write_file("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	write_file("/sys/kernel/debug/fail_usercopy/verbose", "0");
}

int main(int argc, char **argv)
{
	struct raftlog_start start;
	uint64_t n;
	size_t i;

	if (argc != 3) {
		fprintf(stderr, "usage: failnth DIRECTORY MODULE\n");
		return 2;
	}
	directory = argv[1];
	module_path = argv[2];
	device = open("/dev/raftlog", O_RDWR);
	module_fd = open(module_path, O_RDONLY);
	fail_nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	if (device < 0 || module_fd < 0 || fail_nth_fd < 0)
		die("/dev/raftlog, the module or fail-nth");
	allow_all_failures();
	memset(data, 'x', sizeof(data));
	wal = make_wal("failnth", WAL_BYTES);
	start = a_start(wal, 1);
	start.cache_bytes = CACHE_BYTES;
	must("start", start_group(&start));
	if (!wait_leader())
		die("no leader");
	for (i = 0; i < 4; i++)
		must_append();

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		try_call(&calls[i]);

	n = count_entries();
	if (n < n_acknowledged) {
		printf("not ok - %llu entries acknowledged, %llu there\n",
		       (unsigned long long)n_acknowledged, (unsigned long long)n);
		n_failed++;
	}
	must_be_stopped();
	return n_failed != 0;
}
