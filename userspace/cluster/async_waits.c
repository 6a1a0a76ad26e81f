// SPDX-License-Identifier: GPL-2.0
/* Waiting for entries and for events without a thread: polls and reads in flight. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async.h"

enum {
	READS = 16,
	FIRST_NUMBER = 1000,
	/* Long enough for what would not wait to be back. */
	A_WHILE_MS = 200,
	PAUSE_US = 10000,
	TRIES = 2000,
};

static uint64_t got[READS + 1];

static int open_at(off_t offset, int whence, int flags)
{
	int fd = open("/dev/raftlog", O_RDWR | O_CLOEXEC | flags);

	lseek(fd, offset, whence);
	return fd;
}

static int write_entry(uint64_t number)
{
	return write(device, &number, sizeof(number)) == sizeof(number) ? 0 :
									   errno;
}

static void write_entries(uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		int error = write_entry(FIRST_NUMBER + i);

		if (error)
			verdict(false, "write an entry", "errno %ld", error);
	}
}

/* Says so, and is false, if one ended. */
static bool all_wait(const struct method *method, const char *what)
{
	struct end end = { 0 };
	bool waits = method->wait(&end, 1, A_WHILE_MS) == 0;

	verdict(waits, name(method, what), "result %ld", end.result);
	return waits;
}

static void one_ends(const struct method *method, const char *what, int mask)
{
	bool came = reap(method, 1);

	verdict(came && result[1] > 0 && result[1] & mask, name(method, what),
		"result %ld", result[1]);
}

static void begin_poll(const struct method *method, int fd, short events)
{
	reset();
	method->poll(1, fd, events);
	method->submit();
}

/* Member 2, a learner that nobody runs. */
static int change_members(uint32_t type)
{
	struct raftlog_change change = {
		.type = type,
		.id = 2,
	};
	struct raftlog_change_members request = {
		.changes = (uintptr_t)&change,
		.n_changes = 1,
		.change_bytes = sizeof(change),
	};

	if (type == RAFTLOG_CHANGE_ADD)
		change.addr = loopback(PORT + 1);
	return ioctl(device, RAFTLOG_IOC_CHANGE_MEMBERS, &request) ? errno : 0;
}

static void polls(const struct method *method)
{
	int fd = open_at(0, SEEK_END, 0), error;

	begin_poll(method, fd, POLLIN);
	if (!all_wait(method, "a poll waits at the end of the log"))
		return;
	write_entries(1);
	one_ends(method, "and is told of the next entry", POLLIN);
	begin_poll(method, fd, POLLOUT);
	one_ends(method, "a poll says at once that a write would be taken",
		 POLLOUT);
	begin_poll(method, fd, POLLPRI);
	if (!all_wait(method, "a poll waits for an event"))
		return;
	/* The poll's end is no signal: whoever waits for the change waits on. */
	error = change_members(RAFTLOG_CHANGE_ADD);
	verdict(!error, name(method, "a change of the members is done"),
		"errno %ld", error);
	if (!error)
		one_ends(method, "and it is told of it", POLLPRI);
	error = change_members(RAFTLOG_CHANGE_REMOVE);
	verdict(!error, name(method, "and the next one, too"), "errno %ld",
		error);
	close(fd);
}

/* Each of what write_entries() wrote is in @got once. */
static uint32_t n_got(uint32_t n)
{
	uint32_t i, j, found = 0;

	for (i = 0; i < n; i++)
		for (j = 1; j <= n; j++)
			found += got[j] == FIRST_NUMBER + i &&
				 result[j] == sizeof(got[j]);
	return found;
}

static void begin_reads(const struct method *method, int fd, uint32_t n,
			int64_t offset)
{
	uint32_t i;

	reset();
	memset(got, 0, sizeof(got));
	for (i = 1; i <= n; i++)
		method->read(i, fd, &got[i], sizeof(got[i]), offset);
	method->submit();
}

static void reads_end(const struct method *method, uint32_t n, const char *what)
{
	bool came;

	write_entries(n);
	came = reap(method, n);
	verdict(came && n_got(n) == n, name(method, what), "%ld of them",
		n_got(n));
}

static void reads(const struct method *method, int flags, const char *what)
{
	int fd = open_at(0, SEEK_END, flags);

	wait_alone();
	begin_reads(method, fd, READS, -1);
	if (!all_wait(method, what))
		return;
	reads_end(method, READS, "each of them gets an entry of its own");
	verdict(n_threads() <= ALONE, name(method, "without a thread"),
		"%ld threads", n_threads());
	close(fd);
}

/* What poll(2) says of the file is about its position, which is elsewhere. */
static void reads_by_offset(const struct method *method)
{
	int fd = open_at(READS, SEEK_END, 0);
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	begin_reads(method, fd, 1, last_index() + 1);
	if (!all_wait(method, "a read by offset waits at the end of the log"))
		return;
	reads_end(method, 1, "and gets the next entry");
	verdict(poll(&pollfd, 1, 0) == 0,
		name(method, "what poll says is of the position"), "revents %ld",
		pollfd.revents);
	close(fd);
}

/* After a start there is nothing in memory of what was written before. */
static void reads_from_disk(const struct method *method)
{
	int fd = open_at(0, SEEK_END, 0);
	bool came;

	begin_reads(method, fd, READS, 1);
	came = reap(method, READS);
	verdict(came && result[1] == sizeof(got[1]),
		name(method, "reads by offset get what is on disk"),
		"result %ld", result[1]);
	lseek(fd, 0, SEEK_SET);
	begin_reads(method, fd, READS, -1);
	came = reap(method, READS);
	verdict(came && result[1] == sizeof(got[1]),
		name(method, "so do reads from the beginning"), "result %ld",
		result[1]);
	close(fd);
}

/* Events that nobody read make each poll return; a read still is for entries. */
static void reads_beside_events(const struct method *method, int stale)
{
	struct pollfd pollfd = { .fd = stale, .events = POLLPRI };

	lseek(stale, 0, SEEK_END);
	verdict(poll(&pollfd, 1, 0) == 1 && pollfd.revents & POLLPRI,
		name(method, "there are events that were not read"), "revents %ld",
		pollfd.revents);
	begin_reads(method, stale, 1, -1);
	if (!all_wait(method, "a read under O_NONBLOCK waits nevertheless"))
		return;
	reads_end(method, 1, "and gets the next entry");
}

static void thaw_at(uint32_t n)
{
	if (fork() == 0) {
		wait_pending(n);
		thaw();
		_exit(0);
	}
}

/*
 * A read that ends interrupts what its thread sleeps in: a write that waits on. It has
 * to be of an entry that is committed before that write's.
 */
static void writes_beside_reads(const struct method *method)
{
	int fd = open_at(0, SEEK_END, 0), error;
	bool came;

	begin_reads(method, fd, 1, -1);
	freeze();
	if (fork() == 0)
		_exit(write_entry(FIRST_NUMBER) != 0);
	wait_pending(1);
	thaw_at(2);
	error = write_entry(FIRST_NUMBER + 1);
	came = reap(method, 1);
	verdict(came && n_got(1) == 1 && !error,
		name(method, "a read that ends does not end its thread's write"),
		"errno %ld", error);
	while (wait(NULL) > 0)
		;
	close(fd);
}

void waits(const struct method *method, int stale)
{
	int i;

	/* What was under way when the group stopped may only be committed now. */
	for (i = 0; i < TRIES && last_index() + 1 !=
					 (uint64_t)lseek(stale, 0, SEEK_END);
	     i++)
		usleep(PAUSE_US);
	polls(method);
	if (!method->read)
		return;
	reads(method, 0, "reads wait at the end of the log");
	reads(method, O_NONBLOCK, "reads under O_NONBLOCK wait, too");
	reads_by_offset(method);
	reads_from_disk(method);
	reads_beside_events(method, stale);
	writes_beside_reads(method);
}
