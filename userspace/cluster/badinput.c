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
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/raftlog.h>

enum {
	PORT = 7500,
	WAL_BYTES = 8 << 20,
	MAX_ENTRY_BYTES = 64 << 10,
	APPEND_TIMEOUT_MS = 1500,
	LEADER_TRIES = 300,
	PAUSE_US = 20000,
	NOBODY = 65534,
	/* Where kmod/wal/format.h puts the log. */
	WAL_AREA_POSITION = 64 << 10,
};

static const char *directory;
static int device = -1;
static int kernel_log = -1;
static unsigned int n_failed;

/* An address nothing is mapped at; volatile, or the compiler warns of it. */
static char *volatile wild = (char *)8;

/* Reports */

static void verdict(bool good, const char *what, const char *why)
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

/* @ret is what a system call returned, errno is still its own. */
static void expect(const char *what, long ret, int error)
{
	int got = ret < 0 ? errno : 0;
	char why[80];

	snprintf(why, sizeof(why), "%s instead of %s", name_of(got),
		 name_of(error));
	verdict(got == error, what, why);
}

/* The kernel's log since the last call holds a line of raftlog's. */
static void expect_log_line(const char *what)
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

static void skip_log(void)
{
	char line[1024];

	while (read(kernel_log, line, sizeof(line)) > 0 || errno == EPIPE)
		errno = 0;
}

/* Signals: SIGALRM interrupts and does nothing else. */

static void on_alarm(int number)
{
}

static void alarm_in_ms(int ms)
{
	struct itimerval timer = {
		.it_value = { ms / 1000, ms % 1000 * 1000 },
		.it_interval = { 0, 0 },
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Groups */

static struct raftlog_addr loopback(uint16_t port)
{
	struct raftlog_addr addr = {
		.family = AF_INET,
		.port = htons(port),
		.ip = { 127, 0, 0, 1 },
	};

	return addr;
}

static int make_wal(const char *name, size_t bytes)
{
	static char zeros[1 << 16];
	char path[256];
	size_t at;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		perror(path);
		exit(2);
	}
	for (at = 0; at < bytes; at += sizeof(zeros))
		if (write(fd, zeros, sizeof(zeros)) != sizeof(zeros)) {
			perror(path);
			exit(2);
		}
	fsync(fd);
	close(fd);
	return open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
}

static int open_wal(const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return open(path, flags | O_CLOEXEC);
}

static struct raftlog_member members[3];

/* One member alone, or one of three whose others nobody runs. */
static struct raftlog_start a_start(int wal_fd, uint32_t n_members)
{
	struct raftlog_start start = {
		.flags = RAFTLOG_START_F_FORMAT,
		.node_id = 1,
		.wal_fd = wal_fd,
		.snapshot_fd = { -1, -1 },
		.n_members = n_members,
		.members = (uintptr_t)members,
		.append_timeout_ms = APPEND_TIMEOUT_MS,
		.max_entry_bytes = MAX_ENTRY_BYTES,
	};
	uint32_t i;

	for (i = 0; i < 3; i++)
		members[i] =
			(struct raftlog_member){ .id = i + 1,
						 .addr = loopback(PORT + i) };
	return start;
}

static int start_group(const struct raftlog_start *start)
{
	return ioctl(device, RAFTLOG_IOC_START, start);
}

static int stop_group(void)
{
	struct raftlog_stop stop = { 0 };

	return ioctl(device, RAFTLOG_IOC_STOP, &stop);
}

static bool wait_leader(void)
{
	struct raftlog_status status;
	int i;

	for (i = 0; i < LEADER_TRIES; i++) {
		memset(&status, 0, sizeof(status));
		if (!ioctl(device, RAFTLOG_IOC_GET_STATUS, &status) &&
		    status.leader_id)
			return true;
		usleep(PAUSE_US);
	}
	return false;
}

/* Requests of every shape */

static const struct request {
	const char *name;
	unsigned int nr;
	unsigned int direction;
	unsigned int bytes;
	/* Of a group that is not started, asked in good form. */
	int error_when_stopped;
	/* Where a reserved field or flags are that must be 0; -1: none. */
	int reserved_at;
} requests[] = {
	{ "GET_VERSION", 0, _IOC_READ, sizeof(struct raftlog_version), 0, -1 },
	{ "STOP", 2, _IOC_WRITE, sizeof(struct raftlog_stop), ENOTCONN, 4 },
	{ "GET_STATUS", 3, _IOC_READ, sizeof(struct raftlog_status), 0, -1 },
	{ "GET_MEMBERS", 4, _IOC_READ | _IOC_WRITE,
	  sizeof(struct raftlog_members), ENOTCONN, 20 },
	{ "APPEND", 5, _IOC_READ | _IOC_WRITE, sizeof(struct raftlog_append),
	  ENOTCONN, 20 },
	{ "SET_FRAMED", 6, _IOC_WRITE, sizeof(struct raftlog_set_framed), 0,
	  4 },
	{ "GET_EVENTS", 7, _IOC_READ | _IOC_WRITE,
	  sizeof(struct raftlog_events), 0, 36 },
};

static struct raftlog_event some_events[4];
static struct raftlog_peer some_peers[RAFTLOG_MEMBERS_MAX];
static char some_data[16] = "some data";

static void good_form(const struct request *r, void *arg)
{
	struct raftlog_members *get_members = arg;
	struct raftlog_append *append = arg;
	struct raftlog_events *events = arg;

	memset(arg, 0, r->bytes);
	if (!strcmp(r->name, "GET_MEMBERS")) {
		get_members->n_peers = RAFTLOG_MEMBERS_MAX;
		get_members->peers = (uintptr_t)some_peers;
		get_members->peer_bytes = sizeof(some_peers[0]);
	} else if (!strcmp(r->name, "APPEND")) {
		append->data = (uintptr_t)some_data;
		append->bytes = sizeof(some_data);
	} else if (!strcmp(r->name, "GET_EVENTS")) {
		events->events = (uintptr_t)some_events;
		events->n_events = 4;
		events->event_bytes = sizeof(some_events[0]);
	}
}

static long request(const struct request *r, unsigned int bytes, void *arg)
{
	return ioctl(device,
		     _IOC(r->direction, RAFTLOG_IOC_MAGIC, r->nr, bytes), arg);
}

static void request_shapes(const struct request *r)
{
	_Alignas(8) char arg[1024];
	char what[80];

	good_form(r, arg);
	snprintf(what, sizeof(what), "%s of a stopped group", r->name);
	expect(what, request(r, r->bytes, arg), r->error_when_stopped);

	snprintf(what, sizeof(what), "%s with a null pointer", r->name);
	expect(what, request(r, r->bytes, NULL), EFAULT);

	snprintf(what, sizeof(what), "%s with a wild pointer", r->name);
	expect(what,
	       request(r, r->bytes, (void *)(uintptr_t)0xffff888000000000ull),
	       EFAULT);

	memset(arg, 0, sizeof(arg));
	good_form(r, arg);
	snprintf(what, sizeof(what), "%s larger, zeros behind", r->name);
	expect(what, request(r, r->bytes + 64, arg), r->error_when_stopped);

	if (r->direction & _IOC_WRITE) {
		good_form(r, arg);
		arg[r->bytes + 8] = 1;
		snprintf(what, sizeof(what), "%s larger, not zeros behind",
			 r->name);
		expect(what, request(r, r->bytes + 64, arg), E2BIG);
	}
	if (r->reserved_at >= 0) {
		good_form(r, arg);
		memset(arg + r->reserved_at, 0xff, 4);
		snprintf(what, sizeof(what), "%s with a reserved field set",
			 r->name);
		expect(what, request(r, r->bytes, arg), EINVAL);
	}
}

static void stopped_group(void)
{
	struct pollfd pollfd = { .fd = device, .events = POLLIN | POLLOUT };
	struct iovec iov[2] = { { "a", 1 }, { "b", 1 } };
	_Alignas(8) char arg[1024] = { 0 };
	char byte;
	size_t i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		request_shapes(&requests[i]);
	expect("an ioctl that does not exist",
	       ioctl(device, _IO(RAFTLOG_IOC_MAGIC, 0x7f), arg), ENOTTY);
	expect("an ioctl of another driver", ioctl(device, _IO('T', 1), arg),
	       ENOTTY);
	expect("write to a stopped group", write(device, "x", 1), ENOTCONN);
	expect("writev to a stopped group", writev(device, iov, 2), ENOTCONN);
	expect("read from a stopped group", read(device, &byte, 1), ENOTCONN);
	verdict(poll(&pollfd, 1, 0) == 1 && pollfd.revents & POLLHUP,
		"poll of a stopped group says POLLHUP", "it does not");
}

/* Starts that are refused */

static void refuse(const char *what, const struct raftlog_start *start,
		   int error)
{
	long ret = start_group(start);

	expect(what, ret, error);
	if (!ret)
		stop_group();
}

static void start_parameters(void)
{
	int wal = make_wal("parameters", WAL_BYTES);
	const struct raftlog_start good = a_start(wal, 1);
	struct raftlog_start s;
	int fds[2];

#define REFUSE(what, error, ...)                  \
	do {                                      \
		s = good;                         \
		__VA_ARGS__;                      \
		refuse("start " what, &s, error); \
		a_start(wal, 1);                  \
	} while (0)

	REFUSE("with an unknown flag", EINVAL, s.flags |= 1u << 31);
	REFUSE("with a reserved field set", EINVAL, s.__reserved[3] = 1);
	REFUSE("as node 0", EINVAL, s.node_id = 0);
	REFUSE("as a node that is no member", EINVAL, s.node_id = 9);
	REFUSE("with too many members", EINVAL,
	       s.n_members = RAFTLOG_MEMBERS_MAX + 1);
	REFUSE("with members at a wild pointer", EFAULT, s.members = 8);
	REFUSE("with a member of id 0", EINVAL, members[0].id = 0);
	REFUSE("with a member twice", EINVAL, s.n_members = 2,
	       members[1] = members[0]);
	REFUSE("with a member of an unknown kind", EINVAL, members[0].kind = 7);
	REFUSE("with a member's reserved field set", EINVAL,
	       members[0].__reserved = 1);
	REFUSE("with a member of no address family", EINVAL,
	       members[0].addr.family = AF_UNIX);
	REFUSE("with rubbish behind an IPv4 address", EINVAL,
	       members[0].addr.ip[9] = 1);
	REFUSE("with a member at port 0", EINVAL, members[0].addr.port = 0);
	REFUSE("with a cluster name not padded with zeros", EINVAL,
	       s.cluster_name[5] = 'x');
	REFUSE("with snapshot files", EINVAL, s.snapshot_fd[0] = wal);
	REFUSE("with too short an election timeout", EINVAL,
	       s.election_timeout_ms = 19);
	REFUSE("with heartbeats as rare as elections", EINVAL,
	       s.election_timeout_ms = 100, s.heartbeat_interval_ms = 100);
	REFUSE("with too large entries", EINVAL,
	       s.max_entry_bytes = RAFTLOG_ENTRY_BYTES_MAX + 1);
	REFUSE("with too small datagrams", EINVAL, s.datagram_bytes = 100);
	REFUSE("with too many messages in flight", EINVAL,
	       s.inflight_messages = 1025);
	REFUSE("with a closed WAL fd", EBADF, s.wal_fd = 999);
	REFUSE("with a WAL open for reading only", EBADF,
	       s.wal_fd =
		       open_wal("parameters", O_RDONLY | O_DIRECT | O_DSYNC));
	REFUSE("with a WAL not open for direct writes", EINVAL,
	       s.wal_fd = open_wal("parameters", O_RDWR));
	if (!pipe(fds))
		REFUSE("with a pipe as WAL", EINVAL, s.wal_fd = fds[1]);
	REFUSE("with a directory as WAL", EBADF,
	       s.wal_fd = open(directory, O_RDONLY | O_DIRECTORY));
	REFUSE("with itself as WAL", EINVAL, s.wal_fd = device);
	REFUSE("on an address of another machine", EADDRNOTAVAIL,
	       members[0].addr.ip[0] = 192, members[0].addr.ip[2] = 2);
#undef REFUSE
	close(wal);
}

static void start_unprivileged(void)
{
	int wal = make_wal("unprivileged", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(2);
		n_failed = 0;
		expect("start without CAP_SYS_ADMIN", start_group(&s), EPERM);
		expect("stop without CAP_SYS_ADMIN", stop_group(), EPERM);
		_exit(n_failed != 0);
	}
	waitpid(pid, &status, 0);
	n_failed += status != 0;
	close(wal);
}

static void start_port_in_use(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int wal = make_wal("port", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);

	skip_log();
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		verdict(false, "a port in use", "cannot take it");
	refuse("start on a port in use", &s, EADDRINUSE);
	expect_log_line("a port in use");
	close(fd);
	close(wal);
}

/* Logs that are not what they should be */

static void start_wal(void)
{
	int wal = make_wal("wal", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);
	struct raftlog_start other;
	int tiny;

	skip_log();
	s.flags = 0;
	refuse("start on a WAL of zeros", &s, ENODATA);
	expect_log_line("a WAL of zeros");

	tiny = make_wal("tiny", 1 << 16);
	other = a_start(tiny, 1);
	refuse("start on too small a WAL", &other, ENOSPC);
	close(tiny);

	s = a_start(wal, 1);
	expect("start on a new WAL", start_group(&s), 0);
	refuse("start while started", &s, EBUSY);
	verdict(wait_leader(), "a member alone leads", "it does not");
	expect("write to it", write(device, some_data, sizeof(some_data)), 0);
	expect("write to it again", write(device, some_data, sizeof(some_data)),
	       0);
	expect("stop", stop_group(), 0);
	expect("stop once more", stop_group(), ENOTCONN);

	skip_log();
	other = a_start(wal, 1);
	strcpy(other.cluster_name, "another");
	other.flags = 0;
	refuse("start on the WAL of another cluster", &other, EEXIST);
	expect_log_line("a WAL of another cluster");
	other = a_start(wal, 3);
	other.flags = 0;
	other.node_id = 2;
	refuse("start on the WAL of another node", &other, EEXIST);

	other = a_start(wal, 1);
	other.flags = 0;
	expect("start on the WAL as it was", start_group(&other), 0);
	verdict(wait_leader(), "it leads again", "it does not");
	stop_group();
	close(wal);
}

static void damage(const char *name, off_t at, size_t bytes)
{
	int fd = open_wal(name, O_RDWR);
	char rubbish[4096];

	memset(rubbish, 0xa5, sizeof(rubbish));
	while (bytes) {
		size_t n = bytes < sizeof(rubbish) ? bytes : sizeof(rubbish);

		if (pwrite(fd, rubbish, n, at) != (ssize_t)n)
			verdict(false, "damage a WAL", strerror(errno));
		at += n;
		bytes -= n;
	}
	fsync(fd);
	close(fd);
}

/* A log with a few entries, stopped in order. */
static int used_wal(const char *name)
{
	int wal = make_wal(name, WAL_BYTES), i;
	struct raftlog_start s = a_start(wal, 1);
	static char entry[8192];

	if (start_group(&s) || !wait_leader())
		verdict(false, "a log to damage", strerror(errno));
	for (i = 0; i < 8; i++)
		if (write(device, entry, sizeof(entry)) < 0)
			verdict(false, "a log to damage", strerror(errno));
	stop_group();
	return wal;
}

static void start_damaged(void)
{
	struct raftlog_start s;
	int wal;

	wal = used_wal("short");
	s = a_start(wal, 1);
	s.flags = 0;
	if (ftruncate(wal, WAL_BYTES / 2))
		verdict(false, "cut a WAL short", strerror(errno));
	skip_log();
	refuse("start on a WAL cut short", &s, EUCLEAN);
	expect_log_line("a WAL cut short");
	close(wal);

	wal = used_wal("superblock");
	s = a_start(wal, 1);
	s.flags = 0;
	damage("superblock", 0, WAL_AREA_POSITION);
	skip_log();
	refuse("start on a WAL without a whole superblock", &s, EUCLEAN);
	expect_log_line("a damaged superblock");
	close(wal);

	wal = used_wal("middle");
	s = a_start(wal, 1);
	s.flags = 0;
	damage("middle", WAL_AREA_POSITION + 20000, 16);
	skip_log();
	refuse("start, alone, on a WAL damaged in the middle", &s, EUCLEAN);
	expect_log_line("damage in the middle");
	close(wal);

	wal = used_wal("copy");
	s = a_start(wal, 1);
	s.flags = 0;
	damage("copy", 0, 512);
	expect("start on a WAL with one superblock of two", start_group(&s), 0);
	stop_group();
	close(wal);
}

/* A group that runs */

static void bad_writes(void)
{
	static char big[MAX_ENTRY_BYTES + 1];
	struct raftlog_append append = { .data = (uintptr_t)big };
	struct iovec iov[2] = { { big, MAX_ENTRY_BYTES }, { big, 1 } };

	expect("write too large", write(device, big, sizeof(big)), EMSGSIZE);
	expect("writev too large", writev(device, iov, 2), EMSGSIZE);
	append.bytes = sizeof(big);
	expect("append too large", ioctl(device, RAFTLOG_IOC_APPEND, &append),
	       EMSGSIZE);
	append.bytes = UINT32_MAX;
	expect("append far too large",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), EMSGSIZE);
	append.bytes = 0;
	expect("append of nothing", ioctl(device, RAFTLOG_IOC_APPEND, &append),
	       EINVAL);
	append.bytes = 16;
	append.flags = 1;
	expect("append with an unknown flag",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), EINVAL);
	append.flags = 0;
	append.data = 8;
	expect("append from a wild pointer",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), EFAULT);
	expect("write from a wild pointer", write(device, wild, 16), EFAULT);
	expect("write of the largest", write(device, big, MAX_ENTRY_BYTES), 0);
}

static void bad_reads(void)
{
	struct raftlog_set_framed framed = { .enable = 1, .flags = 1u << 31 };
	static char buf[MAX_ENTRY_BYTES];
	off_t at;

	fcntl(device, F_SETFL, O_NONBLOCK);
	at = lseek(device, 0, SEEK_SET);
	expect("write of ten bytes", write(device, "0123456789", 10), 0);
	expect("fsync", fsync(device), 0);
	at = lseek(device, 0, SEEK_END);
	expect("read at the end, not sleeping", read(device, buf, sizeof(buf)),
	       EAGAIN);
	expect("seek before the first", lseek(device, -5, SEEK_SET), EINVAL);
	expect("seek from an unknown place", lseek(device, 0, 77), EINVAL);
	verdict(lseek(device, at - 1, SEEK_SET) == at - 1, "seek to the last",
		"it did not");
	expect("read into too small a buffer", read(device, buf, 9), EMSGSIZE);
	verdict(lseek(device, 0, SEEK_CUR) == at - 1,
		"the position stays where it was", "it does not");
	expect("read into a wild pointer", read(device, wild, 64), EFAULT);
	verdict(read(device, buf, sizeof(buf)) == 10 &&
			!memcmp(buf, "0123456789", 10),
		"nothing was lost", "it was");
	expect("framed reads with an unknown flag",
	       ioctl(device, RAFTLOG_IOC_SET_FRAMED, &framed), EINVAL);
	framed = (struct raftlog_set_framed){ .enable = 2 };
	expect("framed reads with an unknown mode",
	       ioctl(device, RAFTLOG_IOC_SET_FRAMED, &framed), EINVAL);
	framed.enable = 1;
	expect("framed reads", ioctl(device, RAFTLOG_IOC_SET_FRAMED, &framed),
	       0);
	lseek(device, at - 1, SEEK_SET);
	expect("framed read into too small a buffer",
	       read(device, buf, sizeof(struct raftlog_frame) + 9), EMSGSIZE);
	framed.enable = 0;
	ioctl(device, RAFTLOG_IOC_SET_FRAMED, &framed);
	fcntl(device, F_SETFL, 0);
}

static void bad_members(void)
{
	struct raftlog_members get = { .peers = (uintptr_t)some_peers,
				       .peer_bytes = sizeof(some_peers[0]) };
	struct raftlog_events events = { .events = 8,
					 .n_events = 4,
					 .event_bytes =
						 sizeof(some_events[0]) };

	expect("members without room",
	       ioctl(device, RAFTLOG_IOC_GET_MEMBERS, &get), EMSGSIZE);
	verdict(get.n_peers == 1, "which says how much room", "it does not");
	get.peers = 8;
	expect("members to a wild pointer",
	       ioctl(device, RAFTLOG_IOC_GET_MEMBERS, &get), EFAULT);
	expect("events to a wild pointer",
	       ioctl(device, RAFTLOG_IOC_GET_EVENTS, &events), EFAULT);
}

static void expect_interrupt_read(void)
{
	char buf[64];

	lseek(device, 0, SEEK_END);
	alarm_in_ms(200);
	expect("a signal ends a read that sleeps",
	       read(device, buf, sizeof(buf)), EINTR);
}

/* A child sleeps in @sleep() when the group is stopped under it. */
static void stop_under(const char *what, int (*sleep)(void), int error)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		long ret = sleep();

		n_failed = 0;
		expect(what, ret, error);
		_exit(n_failed != 0);
	}
	usleep(300000);
	expect("stop", stop_group(), 0);
	waitpid(pid, &status, 0);
	n_failed += status != 0;
}

static int sleep_in_read(void)
{
	char buf[64];

	lseek(device, 0, SEEK_END);
	return read(device, buf, sizeof(buf));
}

static int sleep_in_write(void)
{
	return write(device, "x", 1);
}

static int sleep_in_poll(void)
{
	struct pollfd pollfd = { .fd = device, .events = POLLIN };

	lseek(device, 0, SEEK_END);
	if (poll(&pollfd, 1, 10000) == 1 && pollfd.revents & POLLHUP) {
		errno = ESHUTDOWN;
		return -1;
	}
	return 0;
}

static void running_group(void)
{
	int wal = make_wal("running", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);

	expect("start alone", start_group(&s), 0);
	verdict(wait_leader(), "it leads", "it does not");
	bad_writes();
	bad_reads();
	bad_members();
	expect_interrupt_read();
	stop_under("a read that sleeps when the group stops", sleep_in_read,
		   ESHUTDOWN);
	s.flags = 0;
	expect("start it again", start_group(&s), 0);
	stop_under("a poll that sleeps when the group stops", sleep_in_poll,
		   ESHUTDOWN);
	close(wal);
}

/* One of three, whose peers nobody can reach. */
static void group_without_leader(void)
{
	int wal = make_wal("leaderless", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 3);
	struct raftlog_append append = { .data = (uintptr_t)some_data,
					 .bytes = sizeof(some_data),
					 .timeout_ms = 300 };

	expect("start with peers nobody can reach", start_group(&s), 0);
	expect("write without a leader", write(device, "x", 1), EHOSTUNREACH);
	expect("append without a leader, with a timeout of its own",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), EHOSTUNREACH);
	alarm_in_ms(200);
	expect("a signal ends a write that sleeps", write(device, "x", 1),
	       EINTR);
	stop_under("a write that sleeps when the group stops", sleep_in_write,
		   EHOSTUNREACH);
	s.flags = 0;
	expect("start it again", start_group(&s), 0);
	expect("stop", stop_group(), 0);
	close(wal);
}

/* A full log pushes back, and what is there stays. */
static void full_log(void)
{
	int wal = make_wal("full", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);
	static char entry[MAX_ENTRY_BYTES];
	long ret = 0;
	int n;

	expect("start on a small log", start_group(&s), 0);
	verdict(wait_leader(), "it leads", "it does not");
	skip_log();
	for (n = 0; n < WAL_BYTES / MAX_ENTRY_BYTES + 1; n++) {
		ret = write(device, entry, sizeof(entry));
		if (ret < 0)
			break;
	}
	expect("write to a full log", ret, ENOSPC);
	expect("stop", stop_group(), 0);
	s.flags = 0;
	expect("start with a full log", start_group(&s), 0);
	verdict(wait_leader(), "it leads with a full log", "it does not");
	lseek(device, 0, SEEK_SET);
	fcntl(device, F_SETFL, O_NONBLOCK);
	while (n > 0 && read(device, entry, sizeof(entry)) == sizeof(entry))
		n--;
	fcntl(device, F_SETFL, 0);
	verdict(n == 0, "all of it is there", "entries are missing");
	stop_group();
	close(wal);
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
	start_damaged();
	running_group();
	group_without_leader();
	full_log();
	return n_failed != 0;
}
