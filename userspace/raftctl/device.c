// SPDX-License-Identifier: GPL-2.0
/*
 * The only file that talks to the kernel module.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"

int device_open(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC);
}

void device_close(int fd)
{
	close(fd);
}

static int call(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? -errno : 0;
}

int device_get_version(int fd, struct raftlog_version *version)
{
	return call(fd, RAFTLOG_IOC_GET_VERSION, version);
}

int device_start(int fd, const struct raftlog_start *start)
{
	return call(fd, RAFTLOG_IOC_START, (void *)start);
}

int device_stop(int fd)
{
	struct raftlog_stop stop = { 0 };

	return call(fd, RAFTLOG_IOC_STOP, &stop);
}

int device_get_status(int fd, struct raftlog_status *status)
{
	return call(fd, RAFTLOG_IOC_GET_STATUS, status);
}

int device_get_members(int fd, struct raftlog_members *members)
{
	return call(fd, RAFTLOG_IOC_GET_MEMBERS, members);
}

int device_change_members(int fd, struct raftlog_change_members *change)
{
	return call(fd, RAFTLOG_IOC_CHANGE_MEMBERS, change);
}

int device_append(int fd, struct raftlog_append *append)
{
	return call(fd, RAFTLOG_IOC_APPEND, append);
}

int device_set_framed(int fd, u32 flags)
{
	struct raftlog_set_framed framed = { .enable = 1, .flags = flags };

	return call(fd, RAFTLOG_IOC_SET_FRAMED, &framed);
}

int device_read_index(int fd, struct raftlog_read_index *read)
{
	return call(fd, RAFTLOG_IOC_READ_INDEX, read);
}

int device_get_events(int fd, struct raftlog_events *events)
{
	return call(fd, RAFTLOG_IOC_GET_EVENTS, events);
}

u32 device_setting(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	char file[PATH_MAX];
	u32 value = 0;
	FILE *in;

	snprintf(file, sizeof(file), "/sys/class/raftlog/%s/%s",
		 slash ? slash + 1 : path, name);
	in = fopen(file, "re");
	if (!in)
		return 0;
	if (fscanf(in, "%u", &value) != 1)
		value = 0;
	fclose(in);
	return value;
}

int device_transfer(int fd, struct raftlog_transfer *transfer)
{
	return call(fd, RAFTLOG_IOC_TRANSFER, transfer);
}

int device_seek(int fd, u64 index)
{
	return lseek(fd, index, SEEK_SET) < 0 ? -errno : 0;
}

ssize_t device_read(int fd, void *buf, size_t bytes)
{
	ssize_t n = read(fd, buf, bytes);

	return n < 0 ? -errno : n;
}

int device_poll(int fd, short events, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	int n = poll(&pollfd, 1, timeout_ms);

	if (n < 0)
		return -errno;
	return n ? pollfd.revents : 0;
}
