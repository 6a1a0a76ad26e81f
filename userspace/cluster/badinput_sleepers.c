// SPDX-License-Identifier: GPL-2.0
/*
 * Who sleeps until something happens is woken when it does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "badinput.h"

enum {
	/* Nothing here takes as long, unless it is never told. */
	PATIENCE_MS = 10000,
	SLEEPING_TRIES = 1000,
	PAUSE_US = 10000,
	N_ASYNCHRONOUS = 4,
};

static const char entry[] = "wake up";

/* The state of a process: a letter as in ps(1). */
static char state_of(pid_t pid)
{
	char path[32], stat[256] = "";
	const char *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (!fgets(stat, sizeof(stat), file))
		stat[0] = 0;
	fclose(file);
	at = strrchr(stat, ')');
	return at && at[1] ? at[2] : 0;
}

static void wait_asleep(pid_t pid)
{
	int i;

	for (i = 0; i < SLEEPING_TRIES && state_of(pid) == 'R'; i++)
		usleep(PAUSE_US);
}

/*
 * A child in @sleep(), which says whether it got what it waited for. When a
 * signal or a timeout ends its sleep it finds that, too: it has to be in time.
 */
static pid_t sleeper(bool (*sleep)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		uint64_t began_ms = monotonic_ms();

		alarm_every_ms(PATIENCE_MS);
		_exit(sleep() && monotonic_ms() - began_ms < PATIENCE_MS ? 0 : 1);
	}
	wait_asleep(pid);
	return pid;
}

static void expect_woken(const char *what, pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	verdict(status == 0, what, "it slept on");
}

static bool sleep_in_read(void)
{
	char buf[64];

	return read(device, buf, sizeof(buf)) == sizeof(entry) &&
	       !memcmp(buf, entry, sizeof(entry));
}

static bool poll_for(int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	uint64_t began_ms = monotonic_ms();

	return poll(&pollfd, 1, PATIENCE_MS) == 1 &&
	       pollfd.revents & events &&
	       monotonic_ms() - began_ms < PATIENCE_MS;
}

static bool sleep_for_entry(void)
{
	return poll_for(device, POLLIN);
}

/* Readers, and what polls for them. */
static void entries(void)
{
	pid_t reader, poller;

	lseek(device, 0, SEEK_END);
	reader = sleeper(sleep_in_read);
	expect("write under a reader", write(device, entry, sizeof(entry)),
	       0);
	expect_woken("a read that sleeps gets the next entry", reader);

	lseek(device, 0, SEEK_END);
	poller = sleeper(sleep_for_entry);
	expect("write under a poll", write(device, entry, sizeof(entry)), 0);
	expect_woken("a poll that sleeps gets POLLIN", poller);
}

/* While no disk takes the entry fsync sleeps; then it returns. */
static bool sleep_in_fsync(void)
{
	return fsync(device) == 0;
}

static void syncs(void)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool asleep;
	pid_t pid;

	if (fd < 0 || ioctl(fd, FIFREEZE, 0)) {
		verdict(false, "freeze the disk", strerror(errno));
		return;
	}
	fcntl(device, F_SETFL, O_NONBLOCK);
	expect("write that may not sleep, to a disk that stands still",
	       write(device, entry, sizeof(entry)), 0);
	fcntl(device, F_SETFL, 0);
	pid = sleeper(sleep_in_fsync);
	asleep = state_of(pid) == 'S';
	ioctl(fd, FITHAW, 0);
	close(fd);
	verdict(asleep, "fsync waits for what is not committed", "it does not");
	expect_woken("fsync ends when it is", pid);
}

/* Asynchronous writes */

static void asynchronous(void)
{
	struct timespec patience = { .tv_sec = PATIENCE_MS / 1000 };
	struct iocb iocbs[N_ASYNCHRONOUS], *list[N_ASYNCHRONOUS];
	struct io_event events[N_ASYNCHRONOUS];
	aio_context_t context = 0;
	long done, whole = 0;
	int i;

	if (syscall(SYS_io_setup, N_ASYNCHRONOUS, &context)) {
		verdict(false, "asynchronous writes", strerror(errno));
		return;
	}
	for (i = 0; i < N_ASYNCHRONOUS; i++) {
		iocbs[i] = (struct iocb){
			.aio_lio_opcode = IOCB_CMD_PWRITE,
			.aio_fildes = device,
			.aio_buf = (uintptr_t)entry,
			.aio_nbytes = sizeof(entry),
		};
		list[i] = &iocbs[i];
	}
	verdict(syscall(SYS_io_submit, context, N_ASYNCHRONOUS, list) ==
			N_ASYNCHRONOUS,
		"asynchronous writes are taken", strerror(errno));
	done = syscall(SYS_io_getevents, context, N_ASYNCHRONOUS,
		       N_ASYNCHRONOUS, events, &patience);
	for (i = 0; i < done; i++)
		whole += events[i].res == sizeof(entry);
	verdict(whole == N_ASYNCHRONOUS, "asynchronous writes end",
		"they do not");
	/* Waits for what is under way. */
	if (done == N_ASYNCHRONOUS)
		syscall(SYS_io_destroy, context);
}

/* Changes of state, role and leader */

static int group_fd;

static bool sleep_for_event(void)
{
	return poll_for(group_fd, POLLPRI);
}

static int attribute_fd;

static bool sleep_in_attribute(void)
{
	return poll_for(attribute_fd, POLLPRI);
}

/* Who wants to know of changes of a file of sysfs has to read it first. */
static pid_t attribute_sleeper(const char *name)
{
	char path[64], value[64];
	pid_t pid;

	snprintf(path, sizeof(path), "/sys/class/raftlog/raftlog/%s", name);
	attribute_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (attribute_fd < 0 || read(attribute_fd, value, sizeof(value)) < 0)
		verdict(false, path, strerror(errno));
	pid = sleeper(sleep_in_attribute);
	close(attribute_fd);
	return pid;
}

static int uevent_socket(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
			NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		verdict(false, "uevents", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* A uevent of the group's with a line @wanted. */
static bool uevent_says(int fd, const char *wanted)
{
	char message[4096];
	ssize_t n;

	while ((n = recv(fd, message, sizeof(message) - 1, 0)) > 0) {
		const char *line = message;

		message[n] = 0;
		if (!strstr(message, "/raftlog/raftlog"))
			continue;
		for (; line < message + n; line += strlen(line) + 1)
			if (!strcmp(line, wanted))
				return true;
	}
	return false;
}

static void changes(const struct raftlog_start *start)
{
	static const char *const names[] = { "state", "role", "leader_id" };
	pid_t attributes[3], poller;
	struct raftlog_status status;
	char what[80];
	int uevents, i;

	/* That the group was stopped under the other one is told there for ever. */
	group_fd = open("/dev/raftlog", O_RDONLY | O_CLOEXEC);
	expect("status", ioctl(group_fd, RAFTLOG_IOC_GET_STATUS, &status), 0);
	poller = sleeper(sleep_for_event);
	for (i = 0; i < 3; i++)
		attributes[i] = attribute_sleeper(names[i]);
	uevents = uevent_socket();

	expect("start under those who wait for it", start_group(start), 0);
	expect_woken("a poll that sleeps gets POLLPRI", poller);
	for (i = 0; i < 3; i++) {
		snprintf(what, sizeof(what), "a poll of %s in sysfs ends",
			 names[i]);
		expect_woken(what, attributes[i]);
	}
	/* Its role changes without anything else for this one to wake up for. */
	expect("status of a follower",
	       ioctl(group_fd, RAFTLOG_IOC_GET_STATUS, &status), 0);
	verdict(status.leader_id || poll_for(group_fd, POLLPRI),
		"a poll that sleeps gets POLLPRI with the next role",
		"it slept on");
	verdict(uevent_says(uevents, "STATE=running"),
		"a uevent tells that the group runs", "none does");
	verdict(uevent_says(uevents, "ROLE=leader"),
		"a uevent tells that it leads", "none does");
	close(uevents);
	close(group_fd);
}

void sleepers(void)
{
	int wal = make_wal("sleepers", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);

	expect("start alone", start_group(&s), 0);
	/* It has to hold an election first. */
	verdict(poll_for(device, POLLOUT),
		"a poll that sleeps gets POLLOUT with the first leader",
		"it slept on");
	verdict(wait_leader(), "it leads", "it does not");
	entries();
	syncs();
	asynchronous();
	expect("stop", stop_group(), 0);

	s.flags = 0;
	/* Long enough to go to sleep before the election. */
	s.election_timeout_ms = 1500;
	changes(&s);
	expect("stop", stop_group(), 0);
	close(wal);
}
