// SPDX-License-Identifier: GPL-2.0
/*
 * What a group that runs refuses, and what wakes those who sleep in it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "badinput.h"

enum {
	/* A stop takes a small part of it. */
	WAKE_TIMEOUT_MS = 10000,
};

static struct raftlog_event some_events[4];
static struct raftlog_peer some_peers[RAFTLOG_MEMBERS_MAX];
static char some_data[16] = "some data";

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
	append.flags = 2;
	expect("append with an unknown flag",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), EINVAL);
	append.flags = 0;
	append.sequence = 1;
	expect("append with a sequence, and no flag for it",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), EINVAL);
	append.flags = RAFTLOG_APPEND_F_SEQUENCE;
	expect("append with the sequence of no session",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), EINVAL);
	append.flags = 0;
	append.sequence = 0;
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
	alarm_every_ms(WAKE_TIMEOUT_MS);
	expect("read at the end, not sleeping", read(device, buf, sizeof(buf)),
	       EAGAIN);
	alarm_every_ms(0);
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

static void read_indexes(void)
{
	struct raftlog_read_index read = { .flags = 1u << 31 };
	int writer = open("/dev/raftlog", O_WRONLY | O_CLOEXEC);

	expect("read index with an unknown flag",
	       ioctl(device, RAFTLOG_IOC_READ_INDEX, &read), EINVAL);
	read.flags = 0;
	expect("read index to a wild pointer",
	       ioctl(device, RAFTLOG_IOC_READ_INDEX, wild), EFAULT);
	expect("read index of a file that may not read",
	       ioctl(writer, RAFTLOG_IOC_READ_INDEX, &read), EBADF);
	close(writer);
	expect("read index", ioctl(device, RAFTLOG_IOC_READ_INDEX, &read), 0);
	verdict((off_t)read.index == lseek(device, 0, SEEK_END) - 1 && read.term,
		"alone, it is the last entry", "it is not");
	read = (struct raftlog_read_index){ .flags = RAFTLOG_READ_INDEX_F_LEASE };
	fcntl(device, F_SETFL, O_NONBLOCK);
	expect("read index by lease",
	       ioctl(device, RAFTLOG_IOC_READ_INDEX, &read), 0);
	fcntl(device, F_SETFL, 0);
	verdict((off_t)read.index == lseek(device, 0, SEEK_END) - 1,
		"and by lease as well", "it is not");
}

static int open_session(struct raftlog_session *session)
{
	return ioctl(device, RAFTLOG_IOC_SET_SESSION, session);
}

/* Alone, what is asked for twice is there once, and an earlier opening is over. */
static void sessions(void)
{
	static struct raftlog_session_info infos[RAFTLOG_SESSIONS_MAX];
	struct raftlog_sessions get = { .sessions = (uintptr_t)infos,
					.session_bytes = sizeof(infos[0]) };
	struct raftlog_append append = { .data = (uintptr_t)some_data,
					 .bytes = sizeof(some_data),
					 .flags = RAFTLOG_APPEND_F_SEQUENCE,
					 .sequence = 3 };
	struct raftlog_session session = { .name = "" };
	int other = open("/dev/raftlog", O_RDWR | O_CLOEXEC);
	int reader = open("/dev/raftlog", O_RDONLY | O_CLOEXEC);
	uint64_t index;

	expect("session without a name", open_session(&session), EINVAL);
	session.name[1] = 'x';
	expect("session whose name begins late", open_session(&session),
	       EINVAL);
	memset(session.name, 'x', sizeof(session.name));
	expect("session of the longest name", open_session(&session), 0);
	memset(&session, 0, sizeof(session));
	session.name[0] = 'a';
	expect("session by a file that may not write",
	       ioctl(reader, RAFTLOG_IOC_SET_SESSION, &session), EBADF);
	expect("session", open_session(&session), 0);
	verdict(session.created == session.opened && session.created &&
			!session.last_sequence,
		"it is new", "it is not");
	expect("append of a sequence",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), 0);
	index = append.index;
	append.index = 0;
	expect("append of a sequence again",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), 0);
	verdict(append.index == index, "it is where it was", "it is not");
	append.sequence = 0;
	expect("append of sequence 0",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), EINVAL);
	append.sequence = 4;
	expect("session that is taken over",
	       ioctl(other, RAFTLOG_IOC_SET_SESSION, &session), 0);
	verdict(session.created < session.opened &&
			session.last_sequence == 3 &&
			session.last_index == index,
		"which says what it has", "it does not");
	expect("append under the earlier opening",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), ESTALE);
	expect("append under the later one",
	       ioctl(other, RAFTLOG_IOC_APPEND, &append), 0);
	expect("sessions without room",
	       ioctl(device, RAFTLOG_IOC_GET_SESSIONS, &get), EMSGSIZE);
	verdict(get.n_sessions == 2, "which says how much room", "it does not");
	get.sessions = 8;
	expect("sessions to a wild pointer",
	       ioctl(device, RAFTLOG_IOC_GET_SESSIONS, &get), EFAULT);
	get.sessions = (uintptr_t)infos;
	expect("sessions", ioctl(reader, RAFTLOG_IOC_GET_SESSIONS, &get), 0);
	verdict(get.n_sessions == 2 && get.index &&
			(infos[0].last_sequence == 4 ||
			 infos[1].last_sequence == 4),
		"are those that were opened", "they are not");
	close(other);
	close(reader);
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
	alarm_every_ms(200);
	expect("a signal ends a read that sleeps",
	       read(device, buf, sizeof(buf)), EINTR);
	alarm_every_ms(0);
}

/* A child sleeps in @sleep() when the group is stopped under it. */
static void stop_under(const char *what, int (*sleep)(void), int error)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		uint64_t began_ms = monotonic_ms();
		long ret;

		n_failed = 0;
		alarm_every_ms(WAKE_TIMEOUT_MS);
		ret = sleep();
		/* The alarm makes it see that the group stopped, too. */
		if (monotonic_ms() - began_ms >= WAKE_TIMEOUT_MS) {
			ret = -1;
			errno = ETIME;
		}
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

static int sleep_in_read_index(void)
{
	struct raftlog_read_index read = { 0 };

	return ioctl(device, RAFTLOG_IOC_READ_INDEX, &read);
}

static int sleep_in_poll(void)
{
	/* Not for entries: what was in the log is committed by a new leader. */
	struct pollfd pollfd = { .fd = device };

	if (poll(&pollfd, 1, -1) == 1 && pollfd.revents & POLLHUP) {
		errno = ESHUTDOWN;
		return -1;
	}
	return 0;
}

void running_group(void)
{
	int wal = make_wal("running", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);

	expect("start alone", start_group(&s), 0);
	verdict(wait_leader(), "it leads", "it does not");
	bad_writes();
	bad_reads();
	read_indexes();
	sessions();
	bad_members();
	expect_interrupt_read();
	stop_under("a read that sleeps when the group stops", sleep_in_read,
		   ESHUTDOWN);
	s.flags = 0;
	expect("start it again", start_group(&s), 0);
	/* With something left to do for the stop, while the other wakes up. */
	verdict(wait_leader(), "it leads again", "it does not");
	stop_under("a poll that sleeps when the group stops", sleep_in_poll,
		   ESHUTDOWN);
	close(wal);
}

/* One of three, whose peers nobody can reach. */
void group_without_leader(void)
{
	int wal = make_wal("leaderless", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 3);
	struct raftlog_append append = { .data = (uintptr_t)some_data,
					 .bytes = sizeof(some_data),
					 .timeout_ms = 300 };
	struct raftlog_read_index read = { .timeout_ms = 300 };
	struct pollfd pollfd = { .fd = device, .events = POLLOUT };
	uint64_t began_ms;

	/* Nothing of its own makes it look at the clock meanwhile. */
	s.election_timeout_ms = 600000;
	expect("start with peers nobody can reach", start_group(&s), 0);
	fcntl(device, F_SETFL, O_NONBLOCK);
	expect("write without a leader that may not sleep",
	       write(device, "x", 1), EAGAIN);
	verdict(poll(&pollfd, 1, 0) == 0, "poll says no POLLOUT", "it does");
	fcntl(device, F_SETFL, 0);
	alarm_every_ms(WAKE_TIMEOUT_MS);
	expect("write without a leader", write(device, "x", 1), EHOSTUNREACH);
	alarm_every_ms(0);
	began_ms = monotonic_ms();
	alarm_every_ms(WAKE_TIMEOUT_MS);
	expect("append without a leader, with a timeout of its own",
	       ioctl(device, RAFTLOG_IOC_APPEND, &append), EHOSTUNREACH);
	alarm_every_ms(0);
	verdict(monotonic_ms() - began_ms < APPEND_TIMEOUT_MS,
		"which is shorter than the group's", "it is not");
	began_ms = monotonic_ms();
	alarm_every_ms(WAKE_TIMEOUT_MS);
	expect("read index without a leader",
	       ioctl(device, RAFTLOG_IOC_READ_INDEX, &read), EHOSTUNREACH);
	alarm_every_ms(0);
	verdict(monotonic_ms() - began_ms < APPEND_TIMEOUT_MS,
		"in its own time", "it is not");
	alarm_every_ms(200);
	expect("a signal ends a read index that sleeps", sleep_in_read_index(),
	       EINTR);
	alarm_every_ms(0);
	alarm_every_ms(200);
	expect("a signal ends a write that sleeps", write(device, "x", 1),
	       EINTR);
	alarm_every_ms(0);
	stop_under("a write that sleeps when the group stops", sleep_in_write,
		   ESHUTDOWN);
	s.flags = 0;
	expect("start it again", start_group(&s), 0);
	stop_under("a read index that sleeps when the group stops",
		   sleep_in_read_index, ESHUTDOWN);
	expect("start it once more", start_group(&s), 0);
	expect("stop", stop_group(), 0);
	close(wal);
}

/* A full log pushes back, and what is there stays. */
void full_log(void)
{
	int wal = make_wal("full", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);
	static char entry[MAX_ENTRY_BYTES];
	struct raftlog_read_index read_index = { 0 };
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
	fcntl(device, F_SETFL, O_NONBLOCK);
	expect("write to a full log that may not sleep",
	       write(device, entry, sizeof(entry)), 0);
	expect("fsync says that it is not in the log", fsync(device), ENOSPC);
	expect("and says so once", fsync(device), 0);
	fcntl(device, F_SETFL, 0);
	expect("stop", stop_group(), 0);
	s.flags = 0;
	expect("start with a full log", start_group(&s), 0);
	verdict(wait_leader(), "it leads with a full log", "it does not");
	/* A leader knows what is committed once its own first entry is. */
	expect("read index of a full log",
	       ioctl(device, RAFTLOG_IOC_READ_INDEX, &read_index), 0);
	lseek(device, 0, SEEK_SET);
	/* They can be read once an entry of the new term is committed. */
	alarm_every_ms(WAKE_TIMEOUT_MS);
	while (n > 0 && read(device, entry, sizeof(entry)) == sizeof(entry))
		n--;
	alarm_every_ms(0);
	verdict(n == 0, "all of it is there", "entries are missing");
	stop_group();
	close(wal);
}
