// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of the members that are refused, and a node that waits for its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "badinput.h"

enum {
	NOBODY = 65534,
	CLUSTER_ID = 4711,
};

static const struct raftlog_change nothing;

static struct raftlog_change a_change(uint32_t type, uint32_t id)
{
	struct raftlog_change change = { .type = type, .id = id };

	if (type == RAFTLOG_CHANGE_ADD || type == RAFTLOG_CHANGE_REPLACE ||
	    type == RAFTLOG_CHANGE_SET_ADDRESS)
		change.addr = loopback(PORT + 100 + id);
	return change;
}

static long change_members(struct raftlog_change_members *request,
			   const void *changes, uint32_t n)
{
	*request = (struct raftlog_change_members){
		.n_changes = n,
		.changes = (uintptr_t)changes,
		.change_bytes = sizeof(struct raftlog_change),
	};
	return ioctl(device, RAFTLOG_IOC_CHANGE_MEMBERS, request);
}

static void try_change(const char *what, struct raftlog_change change,
		       int error)
{
	struct raftlog_change_members request;

	expect(what, change_members(&request, &change, 1), error);
	if (!error)
		verdict(request.index != 0, "which says at which index",
			"it does not");
}

static struct raftlog_status get_status(void)
{
	struct raftlog_status status = { 0 };

	if (ioctl(device, RAFTLOG_IOC_GET_STATUS, &status))
		verdict(false, "status", strerror(errno));
	return status;
}

static void bad_requests(void)
{
	struct raftlog_change changes[RAFTLOG_MEMBERS_MAX + 1];
	struct {
		struct raftlog_change change;
		uint64_t more;
	} larger = { .change = a_change(RAFTLOG_CHANGE_ADD, 2), .more = 1 };
	struct raftlog_change_members request;
	uint32_t i;

	for (i = 0; i <= RAFTLOG_MEMBERS_MAX; i++)
		changes[i] = a_change(RAFTLOG_CHANGE_ADD, 2 + i);
	expect("no changes", change_members(&request, changes, 0), EINVAL);
	expect("too many changes",
	       change_members(&request, changes, RAFTLOG_MEMBERS_MAX + 1),
	       EINVAL);
	expect("too many members",
	       change_members(&request, changes, RAFTLOG_MEMBERS_MAX), E2BIG);
	expect("changes at a wild pointer", change_members(&request, wild, 1),
	       EFAULT);
	change_members(&request, changes, 0);
	request.n_changes = 1;
	request.index = 1;
	expect("a change with its index set",
	       ioctl(device, RAFTLOG_IOC_CHANGE_MEMBERS, &request), EINVAL);
	request.index = 0;
	request.change_bytes = sizeof(changes[0]) - 8;
	expect("changes that are too small",
	       ioctl(device, RAFTLOG_IOC_CHANGE_MEMBERS, &request), EINVAL);
	request.change_bytes = 1 << 20;
	expect("changes that are too large",
	       ioctl(device, RAFTLOG_IOC_CHANGE_MEMBERS, &request), EINVAL);
	request.change_bytes = sizeof(larger);
	request.changes = (uintptr_t)&larger;
	expect("a change larger, not zeros behind",
	       ioctl(device, RAFTLOG_IOC_CHANGE_MEMBERS, &request), E2BIG);
}

static void bad_changes(void)
{
	struct raftlog_change change = nothing;
	struct raftlog_change both[2];
	struct raftlog_change_members request;

	try_change("a change that is none", nothing, EINVAL);
	change = a_change(RAFTLOG_CHANGE_REPLACE + 1, 1);
	try_change("a change of an unknown type", change, EINVAL);
	change = a_change(RAFTLOG_CHANGE_ADD, 2);
	change.flags = RAFTLOG_CHANGE_F_ALL + 1;
	try_change("a change with an unknown flag", change, EINVAL);
	try_change("add a member that is there",
		   a_change(RAFTLOG_CHANGE_ADD, 1), EEXIST);
	change = a_change(RAFTLOG_CHANGE_ADD, 2);
	change.addr = loopback(PORT);
	try_change("add a member at another's address", change, EEXIST);
	change.addr = loopback(0);
	try_change("add a member at port 0", change, EINVAL);
	try_change("promote nobody", a_change(RAFTLOG_CHANGE_PROMOTE, 9),
		   ENOENT);
	try_change("promote a voter", a_change(RAFTLOG_CHANGE_PROMOTE, 1),
		   EALREADY);
	try_change("demote the only voter", a_change(RAFTLOG_CHANGE_DEMOTE, 1),
		   EINVAL);
	try_change("remove the only voter", a_change(RAFTLOG_CHANGE_REMOVE, 1),
		   EINVAL);
	both[0] = a_change(RAFTLOG_CHANGE_ADD, 2);
	both[1] = both[0];
	expect("add a member twice", change_members(&request, both, 2), EEXIST);
	verdict(get_status().n_members == 1, "nothing of this was done",
		"something was");
}

/* Alone, and a learner nobody runs. */
static void good_changes(void)
{
	struct pollfd pollfd = { .fd = device, .events = POLLPRI };
	struct raftlog_status status = get_status();

	verdict(poll(&pollfd, 1, 0) == 0, "nothing is new", "something is");
	try_change("add a learner", a_change(RAFTLOG_CHANGE_ADD, 2), 0);
	verdict(poll(&pollfd, 1, 0) == 1 && pollfd.revents & POLLPRI,
		"a change of the members is news", "it is not");
	verdict(get_status().n_members == 2 &&
			get_status().configuration_index >
				status.configuration_index &&
			!get_status().changing,
		"the status knows of it", "it does not");
	try_change("promote a learner that is not there",
		   a_change(RAFTLOG_CHANGE_PROMOTE, 2), EINPROGRESS);
	try_change("move a learner", a_change(RAFTLOG_CHANGE_SET_ADDRESS, 2),
		   EALREADY);
	try_change("remove a learner", a_change(RAFTLOG_CHANGE_REMOVE, 2), 0);
	try_change("remove it again", a_change(RAFTLOG_CHANGE_REMOVE, 2),
		   ENOENT);
	verdict(get_status().n_members == 1, "it is gone", "it is there");
}

static void change_unprivileged(void)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(2);
		n_failed = 0;
		try_change("a change without CAP_SYS_ADMIN",
			   a_change(RAFTLOG_CHANGE_ADD, 2), EPERM);
		_exit(n_failed != 0);
	}
	waitpid(pid, &status, 0);
	n_failed += status != 0;
}

/* What it added outlives a start. */
static void kept_members(struct raftlog_start *start)
{
	try_change("add a learner to keep", a_change(RAFTLOG_CHANGE_ADD, 2), 0);
	expect("stop", stop_group(), 0);
	start->flags = 0;
	start->n_members = 0;
	start->members = 0;
	expect("start with the members of the log", start_group(start), 0);
	verdict(wait_leader() && get_status().n_members == 2,
		"the learner is still one of them", "it is not");
	expect("stop", stop_group(), 0);
}

static void follower_changes(void)
{
	int wal = make_wal("followers", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 3);

	expect("start with peers nobody can reach", start_group(&s), 0);
	try_change("a change where nobody leads",
		   a_change(RAFTLOG_CHANGE_ADD, 4), EREMOTE);
	expect("stop", stop_group(), 0);
	close(wal);
}

static struct raftlog_start joining(int wal)
{
	struct raftlog_start s = a_start(wal, 0);

	s.flags |= RAFTLOG_START_F_JOIN;
	s.members = 0;
	s.listen = loopback(PORT);
	s.cluster_id = CLUSTER_ID;
	return s;
}

static void joining_starts(void)
{
	int wal = make_wal("joining", WAL_BYTES);
	struct raftlog_start s = joining(wal);
	struct raftlog_status status;

	expect("start of a node that joins", start_group(&s), 0);
	status = get_status();
	verdict(status.cluster_id == CLUSTER_ID && !status.n_members &&
			status.role == RAFTLOG_ROLE_LEARNER &&
			!status.leader_id,
		"it is a learner without members", "it is not");
	try_change("a change on a node that joins",
		   a_change(RAFTLOG_CHANGE_ADD, 4), EREMOTE);
	fcntl(device, F_SETFL, O_NONBLOCK);
	expect("write to it that may not sleep", write(device, "x", 1),
	       EAGAIN);
	fcntl(device, F_SETFL, 0);
	expect("stop", stop_group(), 0);
	s.flags = RAFTLOG_START_F_JOIN;
	expect("start it again", start_group(&s), 0);
	expect("stop", stop_group(), 0);
	s.cluster_id++;
	expect("start it for another cluster", start_group(&s), EEXIST);
	s = joining(wal);
	s.flags = 0;
	s.cluster_id = 0;
	skip_log();
	expect("start it, and not to join", start_group(&s), ENODATA);
	expect_log_line("an empty log that is to join");
	close(wal);
}

void changed_members(void)
{
	int wal = make_wal("members", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);

	expect("start alone", start_group(&s), 0);
	verdict(wait_leader(), "it leads", "it does not");
	bad_requests();
	bad_changes();
	change_unprivileged();
	good_changes();
	kept_members(&s);
	close(wal);
	follower_changes();
	joining_starts();
}
