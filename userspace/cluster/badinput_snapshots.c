// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots, made and read in every way that they are not meant to be.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "badinput.h"

enum {
	SNAPSHOT_HEADER_BYTES = 8 << 10,
};

static char some_data[200 << 10];

static int create(uint64_t index, int error, const char *what)
{
	struct raftlog_snapshot_create create = { .index = index };

	expect(what, ioctl(device, RAFTLOG_IOC_SNAPSHOT_CREATE, &create),
	       error);
	return error ? -1 : create.fd;
}

static int open_newest(int error, const char *what)
{
	struct raftlog_snapshot_open open = { 0 };

	expect(what, ioctl(device, RAFTLOG_IOC_SNAPSHOT_OPEN, &open), error);
	return error ? -1 : open.fd;
}

static long seal(int fd)
{
	struct raftlog_snapshot_seal seal = { 0 };

	return ioctl(fd, RAFTLOG_IOC_SNAPSHOT_SEAL, &seal);
}

static void append(void)
{
	expect("write", write(device, "x", 1), 0);
}

/* Of a snapshot that is being made. */
static void bad_making(int fd)
{
	struct raftlog_snapshot_seal bad = { .flags = 1 };
	char byte;

	create(0, EBUSY, "a second snapshot while one is made");
	expect("seal of nothing", seal(fd), EINVAL);
	expect("read of a snapshot that is made", read(fd, &byte, 1), EBADF);
	expect("write of a snapshot from a wild pointer", write(fd, wild, 10),
	       EFAULT);
	expect("pwrite of a snapshot", pwrite(fd, "x", 1, 5), ESPIPE);
	expect("an ioctl of the device on a snapshot",
	       ioctl(fd, RAFTLOG_IOC_STOP, &bad), ENOTTY);
	expect("seal with a wild pointer",
	       ioctl(fd, RAFTLOG_IOC_SNAPSHOT_SEAL, wild), EFAULT);
	expect("seal with an unknown flag",
	       ioctl(fd, RAFTLOG_IOC_SNAPSHOT_SEAL, &bad), EINVAL);
	expect("write of nothing to a snapshot", write(fd, "", 0), 0);
}

static void bad_indexes(uint64_t last_applied)
{
	create(last_applied + 1, EINVAL, "a snapshot of what is not applied");
	create(UINT64_MAX, EINVAL, "a snapshot of the last index there is");
}

static int free_fd(void)
{
	int fd = dup(device);

	close(fd);
	return fd;
}

/* Who cannot be told the number of a new file does not get one. */
static void untold(unsigned long cmd, const char *what)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	int before = free_fd();

	if (page == MAP_FAILED) {
		verdict(false, what, strerror(errno));
		return;
	}
	expect(what, ioctl(device, cmd, page), EFAULT);
	verdict(free_fd() == before, "leaves no file behind", "it does");
	munmap(page, 4096);
}

static void make_one(const char *what)
{
	int fd = create(0, 0, what);

	expect("write of a snapshot", write(fd, some_data, sizeof(some_data)),
	       0);
	expect("seal", seal(fd), 0);
	expect("seal again", seal(fd), EINVAL);
	expect("write of a snapshot that is sealed", write(fd, "x", 1), EINVAL);
	close(fd);
}

/* A file that may not grow, as one on a disk that is full. */
static void no_room(void)
{
	struct rlimit before, limit;
	int fd;

	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){ SNAPSHOT_HEADER_BYTES, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	fd = create(0, 0, "a snapshot that there is no room for");
	setrlimit(RLIMIT_FSIZE, &limit);
	verdict(write(fd, some_data, sizeof(some_data)) < (long)sizeof(some_data),
		"not all of it is written", "it is");
	expect("more of it", write(fd, "x", 1), EFBIG);
	expect("seal of what was not written", seal(fd), EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	close(fd);
}

static void bad_reading(int fd)
{
	char buf[16];

	expect("write to a snapshot that is read", write(fd, "x", 1), EBADF);
	expect("read of a snapshot to a wild pointer", read(fd, wild, 10),
	       EFAULT);
	verdict(lseek(fd, 0, SEEK_END) == sizeof(some_data),
		"a snapshot is as long as what was written", "it is not");
	verdict(read(fd, buf, sizeof(buf)) == 0, "there is nothing behind it",
		"there is");
	verdict(pread(fd, buf, sizeof(buf), sizeof(some_data) - 4) == 4 &&
			!memcmp(buf, some_data + sizeof(some_data) - 4, 4),
		"its end reads back", "it does not");
	expect("seek before a snapshot", lseek(fd, -1, SEEK_SET), EINVAL);
}

/* While the older of two is read, there is no place for a third. */
static void pinned(void)
{
	int fd = open_newest(0, "open a snapshot");

	bad_reading(fd);
	append();
	make_one("a snapshot while the one before is read");
	append();
	create(0, EBUSY, "a third one while the first is read");
	close(fd);
	make_one("a third one when it is not");
}

void snapshots(void)
{
	int wal = make_wal("snapshots", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);
	struct raftlog_status status = { 0 };
	int making, reading;
	char byte;

	memset(some_data, 'x', sizeof(some_data) - 4);
	s.snapshot_fd[0] = wal;
	s.snapshot_fd[1] = make_wal("snap.1", 0);
	expect("start with the log as a snapshot", start_group(&s), EBUSY);
	s.snapshot_fd[0] = open("/dev/null", O_RDWR);
	expect("start with a device as a snapshot", start_group(&s), EINVAL);
	close(s.snapshot_fd[0]);
	s.snapshot_fd[0] = make_wal("snap.0", 0);
	expect("start with snapshots", start_group(&s), 0);
	verdict(wait_leader(), "it leads", "it does not");
	open_newest(ENOENT, "open a snapshot when there is none");
	append();
	ioctl(device, RAFTLOG_IOC_GET_STATUS, &status);
	bad_indexes(status.last_applied);
	untold(RAFTLOG_IOC_SNAPSHOT_CREATE,
	       "make a snapshot where its file cannot be told");
	making = create(0, 0, "make a snapshot");
	bad_making(making);
	close(making);
	open_newest(ENOENT, "open one that was not sealed");
	make_one("make one");
	untold(RAFTLOG_IOC_SNAPSHOT_OPEN,
	       "open one where its file cannot be told");
	create(0, EEXIST, "a snapshot of the same entry");
	create(1, ESTALE, "a snapshot of an earlier entry");
	pinned();
	append();
	no_room();

	append();
	making = create(0, 0, "one that is made when the group stops");
	reading = open_newest(0, "one that is read when the group stops");
	expect("stop", stop_group(), 0);
	/* What is not a whole chunk waits in memory. */
	expect("write of a snapshot of a stopped group",
	       write(making, some_data, sizeof(some_data)), 0);
	expect("write of more of it", write(making, some_data, 1), ESHUTDOWN);
	expect("seal of a snapshot of a stopped group", seal(making),
	       ESHUTDOWN);
	expect("read of a snapshot of a stopped group",
	       read(reading, &byte, 1), ESHUTDOWN);
	s.flags = 0;
	expect("start again", start_group(&s), 0);
	close(making);
	close(reading);
	close(open_newest(0, "the newest one is there"));
	expect("stop", stop_group(), 0);
	close(s.snapshot_fd[0]);
	close(s.snapshot_fd[1]);
	close(wal);
}
