// SPDX-License-Identifier: GPL-2.0
/*
 * Starts that are refused.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "badinput.h"

enum {
	NOBODY = 65534,
	/* Where kmod/wal/format.h puts the log. */
	WAL_AREA_POSITION = 64 << 10,
};

static char some_data[16] = "some data";

static void refuse(const char *what, const struct raftlog_start *start,
		   int error)
{
	long ret = start_group(start);

	expect(what, ret, error);
	if (!ret)
		stop_group();
}

static void remount(const char *options)
{
	expect("mount again", mount(NULL, directory, NULL, MS_REMOUNT, options),
	       0);
}

/*
 * On ext4, where that is without delayed allocation: what is written to it goes through
 * the page cache, O_DIRECT or not.
 */
static int make_journaled_wal(void)
{
	int flags = 0;
	int fd;

	remount("nodelalloc");
	fd = make_wal("journaled", WAL_BYTES);
	expect("flags of a file", ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
	flags |= FS_JOURNAL_DATA_FL;
	expect("a file whose data is journaled",
	       ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
	return fd;
}

void start_parameters(void)
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
	REFUSE("with a reserved field set", EINVAL, s.__reserved[1] = 1);
	REFUSE("without a key", EINVAL, memset(s.key, 0, sizeof(s.key)));
	REFUSE("with a key and without", EINVAL,
	       s.flags |= RAFTLOG_START_F_INSECURE);
	REFUSE("with a key whose name does not end", EINVAL,
	       memset(s.key, 'k', sizeof(s.key)));
	REFUSE("with a key that is not there", ENOKEY, strcpy(s.key, "nowhere"));
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
	       members[0].flags = 2);
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
	REFUSE("to join, with members", EINVAL,
	       s.flags |= RAFTLOG_START_F_JOIN, s.cluster_id = 1,
	       s.listen = loopback(PORT));
	REFUSE("to join no cluster", EINVAL, s.flags |= RAFTLOG_START_F_JOIN,
	       s.n_members = 0, s.members = 0, s.listen = loopback(PORT));
	REFUSE("to join where nobody can reach it", EINVAL,
	       s.flags |= RAFTLOG_START_F_JOIN, s.n_members = 0, s.members = 0,
	       s.cluster_id = 1);
	REFUSE("with the number of a cluster it does not join", EINVAL,
	       s.cluster_id = 1);
	REFUSE("with a closed WAL fd", EBADF, s.wal_fd = 999);
	REFUSE("with a WAL open for reading only", EBADF,
	       s.wal_fd =
		       open_wal("parameters", O_RDONLY | O_DIRECT | O_DSYNC));
	REFUSE("with a WAL not open for direct writes", EINVAL,
	       s.wal_fd = open_wal("parameters", O_RDWR));
	REFUSE("with a WAL that is written through the page cache", EMEDIUMTYPE,
	       s.wal_fd = make_journaled_wal());
	close(s.wal_fd);
	remount("delalloc");
	if (!socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		REFUSE("with a socket as WAL", EINVAL, s.wal_fd = fds[1]);
	REFUSE("with a directory as WAL", EBADF,
	       s.wal_fd = open(directory, O_RDONLY | O_DIRECTORY));
	REFUSE("with itself as WAL", EINVAL, s.wal_fd = device);
	REFUSE("on an address of another machine", EADDRNOTAVAIL,
	       members[0].addr.ip[0] = 192, members[0].addr.ip[2] = 2);
#undef REFUSE
	close(wal);
}

void start_unprivileged(void)
{
	int wal = make_wal("unprivileged", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);
	struct raftlog_transfer transfer = { 0 };
	struct raftlog_set set = { 0 };
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
		expect("transfer without CAP_SYS_ADMIN",
		       ioctl(device, RAFTLOG_IOC_TRANSFER, &transfer), EPERM);
		expect("set without CAP_SYS_ADMIN",
		       ioctl(device, RAFTLOG_IOC_SET, &set), EPERM);
		_exit(n_failed != 0);
	}
	waitpid(pid, &status, 0);
	n_failed += status != 0;
	close(wal);
}

void start_port_in_use(void)
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

/* Another group of this machine, on the log of the first. */
static void start_another_group(int wal)
{
	struct raftlog_start s = a_start(wal, 1);
	struct raftlog_stop stop = { 0 };
	int another = open("/dev/raftlog1", O_RDWR | O_CLOEXEC);
	long ret;

	if (another < 0) {
		verdict(false, "/dev/raftlog1", strerror(errno));
		return;
	}
	s.flags = 0;
	s.listen = loopback(PORT + 7);
	ret = ioctl(another, RAFTLOG_IOC_START, &s);
	expect("start of another group on the same WAL", ret, EBUSY);
	if (!ret)
		ioctl(another, RAFTLOG_IOC_STOP, &stop);
	close(another);
}

void start_wal(void)
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
	start_another_group(wal);
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

/* A log with a few entries, stopped in order; @end: behind the last of them. */
static int used_wal(const char *name, off_t *end)
{
	struct raftlog_status status = { 0 };
	int wal = make_wal(name, WAL_BYTES), i;
	struct raftlog_start s = a_start(wal, 1);
	static char entry[8192];

	if (start_group(&s) || !wait_leader())
		verdict(false, "a log to damage", strerror(errno));
	for (i = 0; i < 8; i++)
		if (write(device, entry, sizeof(entry)) < 0)
			verdict(false, "a log to damage", strerror(errno));
	if (ioctl(device, RAFTLOG_IOC_GET_STATUS, &status))
		verdict(false, "a log to damage", strerror(errno));
	*end = WAL_AREA_POSITION + status.log_bytes - status.log_bytes_free;
	stop_group();
	return wal;
}

void start_damaged(void)
{
	struct raftlog_start s;
	off_t end;
	int wal;

	wal = used_wal("short", &end);
	s = a_start(wal, 1);
	s.flags = 0;
	if (ftruncate(wal, WAL_BYTES / 2))
		verdict(false, "cut a WAL short", strerror(errno));
	skip_log();
	refuse("start on a WAL cut short", &s, EUCLEAN);
	expect_log_line("a WAL cut short");
	close(wal);

	wal = used_wal("superblock", &end);
	s = a_start(wal, 1);
	s.flags = 0;
	damage("superblock", 0, WAL_AREA_POSITION);
	skip_log();
	refuse("start on a WAL without a whole superblock", &s, EUCLEAN);
	expect_log_line("a damaged superblock");
	close(wal);

	wal = used_wal("middle", &end);
	s = a_start(wal, 1);
	s.flags = 0;
	/* As long as an entry and its batch: not only what fills up a block. */
	damage("middle", (WAL_AREA_POSITION + end) / 2, 3 * 4096);
	skip_log();
	refuse("start, alone, on a WAL damaged in the middle", &s, EUCLEAN);
	expect_log_line("damage in the middle");
	close(wal);

	wal = used_wal("end", &end);
	s = a_start(wal, 1);
	s.flags = 0;
	damage("end", end - 4096, 16);
	skip_log();
	refuse("start, alone, on a WAL damaged at its end", &s, EUCLEAN);
	expect_log_line("damage at the end");
	close(wal);

	wal = used_wal("copy", &end);
	s = a_start(wal, 1);
	s.flags = 0;
	damage("copy", 0, 512);
	expect("start on a WAL with one superblock of two", start_group(&s), 0);
	stop_group();
	close(wal);
}
