// SPDX-License-Identifier: GPL-2.0
/*
 * The only file that talks to the kernel module.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
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

/* The kernel looks where a program of this session would; keys are the user's. */
static void reach_keys(void)
{
	syscall(__NR_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING,
		KEY_SPEC_PROCESS_KEYRING);
}

int device_add_key(const char *name, const u8 *secret)
{
	char description[sizeof("raftlog:") + RAFTLOG_KEY_NAME_CHARS];

	snprintf(description, sizeof(description), "raftlog:%s", name);
	return syscall(__NR_add_key, "logon", description, secret,
		       (size_t)DEVICE_KEY_BYTES, KEY_SPEC_USER_KEYRING) < 0 ?
		       -errno :
		       0;
}

int device_set_key(int fd, const struct raftlog_set_key *set)
{
	reach_keys();
	return call(fd, RAFTLOG_IOC_SET_KEY, (void *)set);
}

int device_start(int fd, const struct raftlog_start *start)
{
	if (start->key[0])
		reach_keys();
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

int device_set_session(int fd, struct raftlog_session *session)
{
	return call(fd, RAFTLOG_IOC_SET_SESSION, session);
}

int device_get_sessions(int fd, struct raftlog_sessions *sessions)
{
	return call(fd, RAFTLOG_IOC_GET_SESSIONS, sessions);
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

int device_set(int fd, struct raftlog_set *set)
{
	return call(fd, RAFTLOG_IOC_SET, set);
}

int device_get_events(int fd, struct raftlog_events *events)
{
	return call(fd, RAFTLOG_IOC_GET_EVENTS, events);
}

void device_word(const char *path, const char *name, char *word, size_t chars)
{
	const char *slash = strrchr(path, '/');
	char file[PATH_MAX];
	FILE *in;

	word[0] = '\0';
	snprintf(file, sizeof(file), "/sys/class/raftlog/%s/%s",
		 slash ? slash + 1 : path, name);
	in = fopen(file, "re");
	if (!in)
		return;
	if (!fgets(word, chars, in))
		word[0] = '\0';
	word[strcspn(word, "\n")] = '\0';
	fclose(in);
}

u32 device_setting(const char *path, const char *name)
{
	char word[16];

	device_word(path, name, word, sizeof(word));
	return strtoul(word, NULL, 10);
}

int device_transfer(int fd, struct raftlog_transfer *transfer)
{
	return call(fd, RAFTLOG_IOC_TRANSFER, transfer);
}

int device_recover(int fd, struct raftlog_recover *recover)
{
	return call(fd, RAFTLOG_IOC_RECOVER, recover);
}

int device_snapshot_create(int fd, struct raftlog_snapshot_create *create)
{
	return call(fd, RAFTLOG_IOC_SNAPSHOT_CREATE, create);
}

int device_snapshot_open(int fd, struct raftlog_snapshot_open *open)
{
	return call(fd, RAFTLOG_IOC_SNAPSHOT_OPEN, open);
}

int device_snapshot_seal(int fd, struct raftlog_snapshot_seal *seal)
{
	return call(fd, RAFTLOG_IOC_SNAPSHOT_SEAL, seal);
}

struct device_async {
	aio_context_t context;
	u32 depth;
	struct iocb *iocbs;
	struct iocb **list;
	struct io_event *events;
};

struct device_async *device_async_open(u32 depth)
{
	struct device_async *async = calloc(1, sizeof(*async));

	if (!async)
		return NULL;
	async->depth = depth;
	async->iocbs = calloc(depth, sizeof(*async->iocbs));
	async->list = calloc(depth, sizeof(*async->list));
	async->events = calloc(depth, sizeof(*async->events));
	if (async->iocbs && async->list && async->events &&
	    !syscall(SYS_io_setup, depth, &async->context))
		return async;
	free(async->events);
	free(async->list);
	free(async->iocbs);
	free(async);
	return NULL;
}

int device_async_append(struct device_async *async, int fd, const u32 *numbers,
			u32 n, void *data, u32 bytes)
{
	long taken;

	for (u32 i = 0; i < n; i++) {
		u32 number = numbers[n - 1 - i];

		async->iocbs[number] = (struct iocb){
			.aio_data = number,
			.aio_lio_opcode = IOCB_CMD_PWRITE,
			.aio_fildes = fd,
			.aio_buf = (uintptr_t)data,
			.aio_nbytes = bytes,
		};
		async->list[i] = &async->iocbs[number];
	}
	taken = syscall(SYS_io_submit, async->context, n, async->list);
	return taken < 0 ? -errno : taken;
}

int device_async_wait(struct device_async *async, struct device_async_end *ends,
		      u32 n_max, int timeout_ms)
{
	struct timespec timeout = { timeout_ms / 1000,
				    timeout_ms % 1000 * 1000000l };
	long n;

	if (n_max > async->depth)
		n_max = async->depth;
	n = syscall(SYS_io_getevents, async->context, 1, n_max, async->events,
		    &timeout);
	for (long i = 0; i < n; i++) {
		ends[i].number = async->events[i].data;
		ends[i].result = async->events[i].res;
	}
	return n < 0 ? 0 : n;
}

void device_async_close(struct device_async *async)
{
	syscall(SYS_io_destroy, async->context);
	free(async->events);
	free(async->list);
	free(async->iocbs);
	free(async);
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
