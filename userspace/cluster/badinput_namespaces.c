// SPDX-License-Identifier: GPL-2.0
/*
 * Groups and namespaces: a group lives in the network namespace it was started in and
 * ends with it, and who is root of a user namespace only is nobody here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "badinput.h"

enum {
	/* The kernel ends namespaces one after the other, when it comes to it. */
	PATIENCE_MS = 20000,
	PAUSE_US = 20000,
};

/* A network namespace is made with its loopback down. */
static bool loopback_up(void)
{
	struct ifreq ifreq = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &ifreq);

	close(fd);
	return up;
}

static void enter(int namespaces)
{
	if (unshare(namespaces) || !loopback_up())
		verdict(false, "a namespace of its own", strerror(errno));
}

/* Runs @act in a child, and waits for its end: what it has entered ends then. */
static void in_child(void (*act)(const struct raftlog_start *start),
		     const struct raftlog_start *start)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		n_failed = 0;
		act(start);
		_exit(n_failed != 0);
	}
	waitpid(pid, &status, 0);
	n_failed += status != 0;
}

static void start_in_another(const struct raftlog_start *start)
{
	enter(CLONE_NEWNET);
	expect("start in a network namespace", start_group(start), 0);
	verdict(wait_leader(), "it leads there", "it does not");
	expect("write to it", write(device, "x", 1), 0);
}

static void as_root_of_a_user_namespace(const struct raftlog_start *start)
{
	struct raftlog_transfer transfer = { 0 };

	enter(CLONE_NEWUSER | CLONE_NEWNET);
	expect("start as root of a user namespace alone", start_group(start),
	       EPERM);
	expect("stop as that", stop_group(), EPERM);
	expect("transfer as that",
	       ioctl(device, RAFTLOG_IOC_TRANSFER, &transfer), EPERM);
}

static uint32_t state(void)
{
	struct raftlog_status status = { 0 };

	if (ioctl(device, RAFTLOG_IOC_GET_STATUS, &status))
		verdict(false, "status", strerror(errno));
	return status.state;
}

static bool wait_stopped(void)
{
	uint64_t until_ms = monotonic_ms() + PATIENCE_MS;

	while (state() != RAFTLOG_STATE_STOPPED) {
		if (monotonic_ms() > until_ms)
			return false;
		usleep(PAUSE_US);
	}
	return true;
}

static void start_and_stop(const struct raftlog_start *start)
{
	enter(CLONE_NEWNET);
	expect("start in another one", start_group(start), 0);
	expect("stop there", stop_group(), 0);
}

/* The group is started elsewhere, and stopped from here, where it is not. */
static void stop_from_outside(const struct raftlog_start *start)
{
	int told[2], done[2], status = -1;
	char byte;
	pid_t pid;

	if (pipe(told) || pipe(done)) {
		verdict(false, "pipes", strerror(errno));
		return;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		n_failed = 0;
		enter(CLONE_NEWNET);
		expect("start in a third one", start_group(start), 0);
		fflush(stdout);
		if (write(told[1], "x", 1) != 1 || read(done[0], &byte, 1) != 1)
			n_failed++;
		_exit(n_failed != 0);
	}
	if (read(told[0], &byte, 1) != 1)
		verdict(false, "a group in a third one", strerror(errno));
	expect("stop from outside", stop_group(), 0);
	if (write(done[1], "x", 1) != 1)
		verdict(false, "the third one ends", strerror(errno));
	waitpid(pid, &status, 0);
	n_failed += status != 0;
	close(told[0]);
	close(told[1]);
	close(done[0]);
	close(done[1]);
}

void namespaces(void)
{
	int wal = make_wal("namespaces", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);

	in_child(as_root_of_a_user_namespace, &s);
	skip_log();
	in_child(start_in_another, &s);
	verdict(wait_stopped(), "a group ends with its network namespace",
		"it goes on");
	expect_log_line("a namespace that ends");
	s.flags = 0;
	in_child(start_and_stop, &s);
	stop_from_outside(&s);
	expect("start where it was not before", start_group(&s), 0);
	verdict(wait_leader(), "it leads here", "it does not");
	in_child(as_root_of_a_user_namespace, &s);
	verdict(state() == RAFTLOG_STATE_RUNNING, "it runs on", "it does not");
	expect("stop", stop_group(), 0);
	close(wal);
}
