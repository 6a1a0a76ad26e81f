// SPDX-License-Identifier: GPL-2.0
/*
 * Recoveries that are refused, and one that only looks.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "badinput.h"

enum { NOBODY = 65534 };

static struct raftlog_member some_members[RAFTLOG_MEMBERS_MAX];

static struct raftlog_recover a_recovery(int wal)
{
	struct raftlog_recover recover = {
		.node_id = 1,
		.wal_fd = wal,
		.n_members = RAFTLOG_MEMBERS_MAX,
		.members = (uintptr_t)some_members,
		.member_bytes = sizeof(some_members[0]),
		.snapshot_fd = { -1, -1 },
	};

	return recover;
}

static long recover(struct raftlog_recover *r)
{
	return ioctl(device, RAFTLOG_IOC_RECOVER, r);
}

static void bad_requests(int wal)
{
	struct raftlog_recover r;

#define REFUSE(what, error, ...)                               \
	do {                                                   \
		r = a_recovery(wal);                           \
		__VA_ARGS__;                                   \
		expect("recovery " what, recover(&r), error);  \
	} while (0)

	REFUSE("with an unknown flag", EINVAL, r.flags = 1u << 31);
	REFUSE("with a reserved field set", EINVAL, r.__reserved = 1);
	REFUSE("with an answer in it", EINVAL, r.last_index = 1);
	REFUSE("as node 0", EINVAL, r.node_id = 0);
	REFUSE("with a closed WAL fd", EBADF, r.wal_fd = 999);
	REFUSE("with a negative WAL fd", EINVAL, r.wal_fd = -1);
	REFUSE("with itself as WAL", EINVAL, r.wal_fd = device);
	REFUSE("with one snapshot", EINVAL, r.snapshot_fd[0] = wal);
	REFUSE("with closed snapshots", EBADF, r.snapshot_fd[0] = 998,
	       r.snapshot_fd[1] = 999);
	REFUSE("with members that are too small", EINVAL, r.member_bytes -= 8);
	REFUSE("with members that are too large", EINVAL,
	       r.member_bytes = 1 << 20);
	REFUSE("with members at a wild pointer", EFAULT, r.members = 8);
	REFUSE("as another node", EEXIST, r.node_id = 2);
	REFUSE("without room for the members", EMSGSIZE, r.n_members = 0);
	verdict(r.n_members == 1, "which says how much room", "it does not");
#undef REFUSE
}

static void recover_unprivileged(int wal)
{
	struct raftlog_recover r = a_recovery(wal);
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(2);
		n_failed = 0;
		expect("recovery without CAP_SYS_ADMIN", recover(&r), EPERM);
		_exit(n_failed != 0);
	}
	waitpid(pid, &status, 0);
	n_failed += status != 0;
}

void recoveries(void)
{
	int wal = make_wal("recoveries", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);
	struct raftlog_recover r = a_recovery(wal);

	expect("recovery of a WAL of zeros", recover(&r), ENODATA);
	expect("start alone", start_group(&s), 0);
	verdict(wait_leader(), "it leads", "it does not");
	expect("write to it", write(device, "x", 1), 0);
	r = a_recovery(wal);
	expect("recovery of a group that runs", recover(&r), EBUSY);
	expect("stop", stop_group(), 0);
	bad_requests(wal);
	recover_unprivileged(wal);
	r = a_recovery(wal);
	expect("recovery that looks", recover(&r), 0);
	verdict(r.n_members == 1 && r.last_index && r.cluster_id &&
			!r.new_cluster_id && some_members[0].id == 1,
		"it tells what there is", "it does not");
	s.flags = 0;
	expect("start as if nothing was", start_group(&s), 0);
	verdict(wait_leader(), "it leads again", "it does not");
	expect("stop", stop_group(), 0);
	close(wal);
}
