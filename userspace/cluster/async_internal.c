// SPDX-License-Identifier: GPL-2.0
/*
 * Entries of the group's own between those of users, as programs leave them that come,
 * open a session and go: nobody reads them, and nobody is woken for them or kept busy.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async.h"

enum {
	ROUNDS = 48,
	/* In front of an entry of a user's, in turn. */
	SESSIONS_MAX = 5,
	SESSIONS_BEHIND = 40,
	A_WHILE_MS = 200,
};

static void open_session(unsigned int n)
{
	struct raftlog_session session = { 0 };
	int fd = open("/dev/raftlog", O_RDWR | O_CLOEXEC);

	snprintf((char *)session.name, sizeof(session.name), "program %u", n);
	if (ioctl(fd, RAFTLOG_IOC_SET_SESSION, &session))
		verdict(false, "open a session", "errno %ld", errno);
	close(fd);
}

static void open_sessions(unsigned int n)
{
	static unsigned int opened;

	while (n--)
		open_session(opened++ % RAFTLOG_SESSIONS_MAX);
}

static void write_number(uint64_t number)
{
	if (write(device, &number, sizeof(number)) != sizeof(number))
		verdict(false, "write an entry", "errno %ld", errno);
}

static bool is_readable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1 && pollfd.revents & POLLIN;
}

/* Numbers from 0 up, and poll says of each that it is there, and then that none is. */
static void claim_numbers(const struct method *method, uint64_t after,
			  uint64_t n, const char *what)
{
	int fd = open("/dev/raftlog", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint64_t number, next = 0;
	bool told = true;

	lseek(fd, after + 1, SEEK_SET);
	for (;;) {
		told &= is_readable(fd) == (next < n);
		if (read(fd, &number, sizeof(number)) != sizeof(number) ||
		    number != next)
			break;
		next++;
	}
	verdict(next == n && errno == EAGAIN, name(method, what),
		"%ld of them", next);
	verdict(told, name(method, "poll tells them from the group's own"),
		"not", 0);
	verdict(lseek(fd, 0, SEEK_CUR) + SESSIONS_BEHIND <=
			lseek(fd, 0, SEEK_END),
		name(method, "the position is behind the last of them"),
		"at %ld", lseek(fd, 0, SEEK_CUR));
	close(fd);
}

/* Of a file at the end of the log; @method ends what it begins with the next entry. */
static void poll_waits(const struct method *method)
{
	int fd = open("/dev/raftlog", O_RDONLY | O_CLOEXEC);
	struct end end = { 0 };
	bool waits;

	lseek(fd, 0, SEEK_END);
	reset();
	method->poll(1, fd, POLLIN);
	method->submit();
	open_sessions(SESSIONS_BEHIND);
	waits = method->wait(&end, 1, A_WHILE_MS) == 0;
	verdict(waits && !is_readable(fd),
		name(method, "a poll waits on when sessions are opened"),
		"result %ld", end.result);
	write_number(0);
	if (!waits) {
		close(fd);
		return;
	}
	verdict(reap(method, 1) && result[1] > 0 && result[1] & POLLIN,
		name(method, "and is told of the next entry of a user"),
		"result %ld", result[1]);
	verdict(is_readable(fd), name(method, "which is behind all of them"),
		"not", 0);
	close(fd);
}

static void sleep_in_read(void)
{
	int fd = open("/dev/raftlog", O_RDONLY | O_CLOEXEC);
	uint64_t number = 0;

	lseek(fd, 0, SEEK_END);
	_exit(read(fd, &number, sizeof(number)) != sizeof(number) ||
	      number != 7);
}

static void reader_sleeps(const struct method *method)
{
	struct rusage usage;
	long ms = -1;
	int status = -1;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		sleep_in_read();
	usleep(A_WHILE_MS * 1000);
	open_sessions(SESSIONS_BEHIND);
	usleep(4 * A_WHILE_MS * 1000);
	write_number(7);
	if (wait4(pid, &status, 0, &usage) == pid)
		ms = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
		     (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
	verdict(status == 0,
		name(method, "a reader is given the entry behind sessions"),
		"status %ld", status);
	verdict(ms >= 0 && ms < 2 * A_WHILE_MS,
		name(method, "and slept until then"), "%ld ms of work", ms);
}

void internal_entries(const struct method *method, struct raftlog_start *start)
{
	uint64_t after = last_index(), number = -1;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		open_sessions(i % SESSIONS_MAX);
		write_number(i);
	}
	open_sessions(SESSIONS_BEHIND);
	claim_numbers(method, after, ROUNDS,
		      "of sessions and entries the entries are read");
	/* Behind the second entry there is a session, which is not what is read. */
	verdict(pread(device, &number, sizeof(number), after + 2) ==
				sizeof(number) && number == 1,
		name(method, "by the offset of a session the entry behind it is"),
		"number %ld", number);

	/* All of it is on disk then, and at first not known to be committed. */
	start->flags = 0;
	verdict(!stop_group() && start_leader(start),
		name(method, "the group starts again"), "errno %ld", errno);
	last_index();
	claim_numbers(method, after, ROUNDS, "so they are from disk");
	poll_waits(method);
	reader_sleeps(method);
}
