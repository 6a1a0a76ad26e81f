// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of every shape, made of a group that is not started.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "badinput.h"

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
	{ "READ_INDEX", 10, _IOC_READ | _IOC_WRITE,
	  sizeof(struct raftlog_read_index), ENOTCONN, 0 },
	{ "CHANGE_MEMBERS", 8, _IOC_READ | _IOC_WRITE,
	  sizeof(struct raftlog_change_members), ENOTCONN, 0 },
	{ "TRANSFER", 9, _IOC_READ | _IOC_WRITE,
	  sizeof(struct raftlog_transfer), ENOTCONN, 12 },
	{ "SET", 11, _IOC_READ | _IOC_WRITE, sizeof(struct raftlog_set),
	  ENOTCONN, -1 },
	{ "RECOVER", 12, _IOC_READ | _IOC_WRITE, sizeof(struct raftlog_recover),
	  EBADF, 132 },
	{ "SET_SESSION", 16, _IOC_READ | _IOC_WRITE,
	  sizeof(struct raftlog_session), ENOTCONN, 64 },
	{ "GET_SESSIONS", 17, _IOC_READ | _IOC_WRITE,
	  sizeof(struct raftlog_sessions), ENOTCONN, 20 },
	{ "SET_KEY", 18, _IOC_WRITE, sizeof(struct raftlog_set_key), ENOTCONN,
	  12 },
	{ "SNAPSHOT_CREATE", 13, _IOC_READ | _IOC_WRITE,
	  sizeof(struct raftlog_snapshot_create), ENOTCONN, 24 },
	{ "SNAPSHOT_OPEN", 14, _IOC_READ | _IOC_WRITE,
	  sizeof(struct raftlog_snapshot_open), ENOTCONN, 32 },
};

static struct raftlog_event some_events[4];
static struct raftlog_peer some_peers[RAFTLOG_MEMBERS_MAX];
static struct raftlog_change some_change = {
	.type = RAFTLOG_CHANGE_REMOVE,
	.id = 2,
};
static struct raftlog_session_info some_sessions[RAFTLOG_SESSIONS_MAX];
static struct raftlog_member some_members[RAFTLOG_MEMBERS_MAX];
static char some_data[16] = "some data";

_Static_assert(offsetof(struct raftlog_recover, __reserved) == 132,
	       "where the table says");

static void good_form(const struct request *r, void *arg)
{
	struct raftlog_members *get_members = arg;
	struct raftlog_append *append = arg;
	struct raftlog_events *events = arg;
	struct raftlog_change_members *change = arg;
	struct raftlog_session *session = arg;
	struct raftlog_sessions *sessions = arg;
	struct raftlog_recover *recover = arg;
	struct raftlog_set_key *set_key = arg;

	memset(arg, 0, r->bytes);
	if (!strcmp(r->name, "GET_MEMBERS")) {
		get_members->n_peers = RAFTLOG_MEMBERS_MAX;
		get_members->peers = (uintptr_t)some_peers;
		get_members->peer_bytes = sizeof(some_peers[0]);
	} else if (!strcmp(r->name, "SET_KEY")) {
		set_key->step = RAFTLOG_SET_KEY_DROP;
	} else if (!strcmp(r->name, "APPEND")) {
		append->data = (uintptr_t)some_data;
		append->bytes = sizeof(some_data);
	} else if (!strcmp(r->name, "GET_EVENTS")) {
		events->events = (uintptr_t)some_events;
		events->n_events = 4;
		events->event_bytes = sizeof(some_events[0]);
	} else if (!strcmp(r->name, "CHANGE_MEMBERS")) {
		change->changes = (uintptr_t)&some_change;
		change->n_changes = 1;
		change->change_bytes = sizeof(some_change);
	} else if (!strcmp(r->name, "RECOVER")) {
		recover->node_id = 1;
		/* Nobody's. */
		recover->wal_fd = 999;
		recover->snapshot_fd[0] = -1;
		recover->snapshot_fd[1] = -1;
		recover->members = (uintptr_t)some_members;
		recover->n_members = RAFTLOG_MEMBERS_MAX;
		recover->member_bytes = sizeof(some_members[0]);
	} else if (!strcmp(r->name, "SET_SESSION")) {
		session->name[0] = 's';
	} else if (!strcmp(r->name, "GET_SESSIONS")) {
		sessions->sessions = (uintptr_t)some_sessions;
		sessions->n_sessions = RAFTLOG_SESSIONS_MAX;
		sessions->session_bytes = sizeof(some_sessions[0]);
	}
}

static long request(const struct request *r, unsigned int bytes, void *arg)
{
	return ioctl(device,
		     _IOC(r->direction, RAFTLOG_IOC_MAGIC, r->nr, bytes), arg);
}

/* What the module does not know of a struct that it only fills in becomes 0. */
static void expect_zeros_behind(const struct request *r)
{
	_Alignas(8) char arg[1024];
	char what[80];
	size_t i;

	memset(arg, 0xff, sizeof(arg));
	if (request(r, r->bytes + 64, arg)) {
		verdict(false, r->name, strerror(errno));
		return;
	}
	for (i = r->bytes; i < r->bytes + 64 && !arg[i]; i++)
		;
	snprintf(what, sizeof(what), "%s clears what it does not know",
		 r->name);
	verdict(i == r->bytes + 64, what, "it does not");
}

/* The same of the members of an array. */
void array_slots(void)
{
	struct {
		struct raftlog_event event;
		uint64_t more;
	} slots[2];
	struct raftlog_events get = { .events = (uintptr_t)slots,
				      .n_events = 2,
				      .event_bytes = sizeof(slots[0]) };

	memset(slots, 0xff, sizeof(slots));
	expect("events of a size to come",
	       ioctl(device, RAFTLOG_IOC_GET_EVENTS, &get), 0);
	verdict(get.n_events == 2 &&
			slots[1].event.seq == slots[0].event.seq + 1,
		"are where the caller looks for them", "they are not");
	verdict(!slots[0].more && !slots[1].more,
		"GET_EVENTS clears what it does not know", "it does not");
	get = (struct raftlog_events){ .events = (uintptr_t)slots,
				       .n_events = 2,
				       .event_bytes =
					       sizeof(slots[0].event) - 8 };
	expect("events that are too small",
	       ioctl(device, RAFTLOG_IOC_GET_EVENTS, &get), EINVAL);
	get.event_bytes = 1 << 20;
	expect("events that are too large",
	       ioctl(device, RAFTLOG_IOC_GET_EVENTS, &get), EINVAL);
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

	if (r->direction == _IOC_READ)
		expect_zeros_behind(r);

	good_form(r, arg);
	snprintf(what, sizeof(what), "%s smaller", r->name);
	expect(what, request(r, r->bytes - 4, arg), EINVAL);

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

void stopped_group(void)
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
	expect("an ioctl without direction",
	       ioctl(device, _IO(RAFTLOG_IOC_MAGIC, 0x08), arg), ENOTTY);
	expect("an ioctl of another driver", ioctl(device, _IO('T', 1), arg),
	       ENOTTY);
	expect("write to a stopped group", write(device, "x", 1), ENOTCONN);
	expect("writev to a stopped group", writev(device, iov, 2), ENOTCONN);
	expect("read from a stopped group", read(device, &byte, 1), ENOTCONN);
	verdict(poll(&pollfd, 1, 0) == 0,
		"poll of a group that never started has nothing to say",
		"it has");
}
