// SPDX-License-Identifier: GPL-2.0
/* A group of one guest alone: its log, its start. See group.h. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "group.h"

enum {
	LEADER_TRIES = 300,
	PAUSE_US = 20000,
};

const char *directory;
int device = -1;

struct raftlog_addr loopback(uint16_t port)
{
	struct raftlog_addr addr = {
		.family = AF_INET,
		.port = htons(port),
		.ip = { 127, 0, 0, 1 },
	};

	return addr;
}

int make_wal(const char *name, size_t bytes)
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

int open_wal(const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return open(path, flags | O_CLOEXEC);
}

/* Any key will do where nobody else is to be talked to. */
const char *a_key(void)
{
	static const char secret[32] = "of a group that is alone";
	static bool installed;

	if (!installed &&
	    (syscall(__NR_add_key, "logon", "raftlog:alone", secret,
		     sizeof(secret), KEY_SPEC_USER_KEYRING) < 0 ||
	     syscall(__NR_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING,
		     KEY_SPEC_PROCESS_KEYRING) < 0)) {
		perror("a key");
		exit(2);
	}
	installed = true;
	return "alone";
}

struct raftlog_member members[3];

struct raftlog_start a_start(int wal_fd, uint32_t n_members)
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

	strcpy(start.key, a_key());
	for (i = 0; i < 3; i++)
		members[i] =
			(struct raftlog_member){ .id = i + 1,
						 .addr = loopback(PORT + i) };
	return start;
}

int start_group(const struct raftlog_start *start)
{
	return ioctl(device, RAFTLOG_IOC_START, start);
}

int stop_group(void)
{
	struct raftlog_stop stop = { 0 };

	return ioctl(device, RAFTLOG_IOC_STOP, &stop);
}

bool wait_leader(void)
{
	struct raftlog_status status;
	int i;

	for (i = 0; i < LEADER_TRIES; i++) {
		memset(&status, 0, sizeof(status));
		if (!ioctl(device, RAFTLOG_IOC_GET_STATUS, &status) &&
		    status.leader_id && !status.changing &&
		    status.feature_level == status.feature_level_max)
			return true;
		usleep(PAUSE_US);
	}
	return false;
}
