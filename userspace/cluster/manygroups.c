// SPDX-License-Identifier: GPL-2.0
/*
 * Many groups of one guest.
 *
 *	manygroups DIRECTORY N NODE ELECTION-MS HEARTBEAT-MS ADDRESS...
 *
 * Starts groups 0 to N - 1 as NODE of a cluster each, with one member at each
 * ADDRESS, 1 and up; group I listens at port 8000 + I. Their logs, as small as can
 * be, are in DIRECTORY.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/raftlog.h>

enum {
	BASE_PORT = 8000,
	LOG_BYTES = 128 << 10,
	PAGE = 4096,
};

static int make_log(const char *directory, int group)
{
	void *zeros = NULL;
	char path[256];
	int fd, at;

	snprintf(path, sizeof(path), "%s/wal%d", directory, group);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_DSYNC | O_CLOEXEC,
		  0600);
	if (fd < 0 || posix_memalign(&zeros, PAGE, LOG_BYTES)) {
		perror(path);
		exit(1);
	}
	memset(zeros, 0, LOG_BYTES);
	for (at = 0; at < LOG_BYTES;) {
		ssize_t n = write(fd, zeros, LOG_BYTES - at);

		if (n <= 0) {
			perror(path);
			exit(1);
		}
		at += n;
	}
	free(zeros);
	return fd;
}

/* Those of the other guest have the same. */
#define MANY_KEY "many"

static void install_key(void)
{
	static const char secret[32] = "of many groups";

	if (syscall(__NR_add_key, "logon", "raftlog:" MANY_KEY, secret,
		    sizeof(secret), KEY_SPEC_USER_KEYRING) < 0 ||
	    syscall(__NR_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING,
		    KEY_SPEC_PROCESS_KEYRING) < 0) {
		perror("a key");
		exit(1);
	}
}

static void start(int group, const char *directory, char **argv, uint32_t n)
{
	struct raftlog_member members[RAFTLOG_MEMBERS_MAX] = { 0 };
	struct raftlog_start start = {
		.flags = RAFTLOG_START_F_FORMAT,
		.key = MANY_KEY,
		.node_id = atoi(argv[3]),
		.wal_fd = make_log(directory, group),
		.snapshot_fd = { -1, -1 },
		.n_members = n,
		.members = (uintptr_t)members,
		.election_timeout_ms = atoi(argv[4]),
		.heartbeat_interval_ms = atoi(argv[5]),
	};
	char path[64];
	uint32_t i;
	int fd;

	for (i = 0; i < n; i++) {
		members[i].id = i + 1;
		members[i].addr.family = AF_INET;
		members[i].addr.port = htons(BASE_PORT + group);
		inet_pton(AF_INET, argv[6 + i], members[i].addr.ip);
	}
	if (group)
		snprintf(path, sizeof(path), "/dev/raftlog%d", group);
	else
		snprintf(path, sizeof(path), "/dev/raftlog");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, RAFTLOG_IOC_START, &start)) {
		perror(path);
		exit(1);
	}
	close(fd);
	close(start.wal_fd);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 7 || argc - 6 > RAFTLOG_MEMBERS_MAX) {
		fprintf(stderr,
			"usage: manygroups DIRECTORY N NODE ELECTION-MS HEARTBEAT-MS ADDRESS...\n");
		return 2;
	}
	install_key();
	for (i = 0; i < atoi(argv[2]); i++)
		start(i, argv[1], argv, argc - 6);
	return 0;
}
