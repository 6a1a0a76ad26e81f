// SPDX-License-Identifier: GPL-2.0
/*
 * What must not work, each with the error that the uapi header names.
 *
 *	badinput DIRECTORY
 *
 * Run as root in a guest whose raftlog module is loaded and whose group is
 * stopped. Prints "ok - what" or "not ok - what: why" for each case, and exits
 * with 1 if one is not as it should be. DIRECTORY is for its logs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "badinput.h"

static int kernel_log = -1;
unsigned int n_failed;
char *volatile wild = (char *)8;

/* Reports */

void verdict(bool good, const char *what, const char *why)
{
	if (good) {
		printf("ok - %s\n", what);
	} else {
		printf("not ok - %s: %s\n", what, why);
		n_failed++;
	}
	fflush(stdout);
}

static const char *name_of(int error)
{
	return error ? strerrorname_np(error) : "success";
}

void expect(const char *what, long ret, int error)
{
	int got = ret < 0 ? errno : 0;
	char why[80];

	snprintf(why, sizeof(why), "%s instead of %s", name_of(got),
		 name_of(error));
	verdict(got == error, what, why);
}

void expect_log_line(const char *what)
{
	char line[1024], text[160];
	bool said = false;
	ssize_t n;

	while ((n = read(kernel_log, line, sizeof(line) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		line[n] = 0;
		said |= strstr(line, "raftlog") != NULL;
	}
	snprintf(text, sizeof(text), "the kernel log tells of %s", what);
	verdict(said, text, "no line");
}

void skip_log(void)
{
	char line[1024];

	while (read(kernel_log, line, sizeof(line)) > 0 || errno == EPIPE)
		errno = 0;
}

/* Signals: SIGALRM interrupts and does nothing else. */

static void on_alarm(int number)
{
}

void alarm_every_ms(int ms)
{
	struct timeval after = { ms / 1000, ms % 1000 * 1000 };
	struct itimerval timer = { .it_value = after, .it_interval = after };

	setitimer(ITIMER_REAL, &timer, NULL);
}

uint64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_alarm };

	if (argc != 2) {
		fprintf(stderr, "usage: badinput DIRECTORY\n");
		return 2;
	}
	directory = argv[1];
	sigaction(SIGALRM, &action, NULL);
	device = open("/dev/raftlog", O_RDWR);
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (device < 0 || kernel_log < 0) {
		perror("/dev/raftlog");
		return 2;
	}
	lseek(kernel_log, 0, SEEK_END);

	stopped_group();
	start_parameters();
	start_unprivileged();
	start_port_in_use();
	start_wal();
	array_slots();
	start_damaged();
	sleepers();
	running_group();
	group_without_leader();
	changed_members();
	full_log();
	recoveries();
	snapshots();
	small_chunks();
	namespaces();
	return n_failed != 0;
}
