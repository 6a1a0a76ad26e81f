// SPDX-License-Identifier: GPL-2.0
/*
 * Takes the place of raftctl's device.c in its tests: a group that was made up.
 *
 * Environment:
 *	FAKE_SCENE	leader (default), follower, candidate, stopped, failed;
 *			changing: a leader whose members change; joining: a node
 *			without members; absent: no device; denied: no permission
 *	FAKE_APPEND	errno of appends, from the FAKE_APPEND_AFTERth on
 *	FAKE_SESSION	errno of opening a session
 *	FAKE_START	errno of a start; FAKE_START_OUT: file its struct goes to
 *	FAKE_CHANGE	errno of changes of the members, for the first
 *			FAKE_CHANGE_TIMES of them; FAKE_CHANGE_OUT: file they go to
 *	FAKE_ELECTION	a leader appears at the first poll
 *	FAKE_READ_INDEX	errno of read indexes
 *	FAKE_TRANSFER	errno of a transfer
 *	FAKE_TRIMMED	set: the log that is recovered begins with entry 7
 *	FAKE_RECOVER	errno that --force of a recovery is refused with
 *	FAKE_SNAPSHOT	file that a snapshot goes to, and comes from;
 *			FAKE_SNAPSHOT_ERROR: errno of making one
 *	FAKE_CALL	errno of every other ioctl
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../raftctl/device.h"

static const struct fake_entry {
	unsigned int type;
	unsigned int bytes;
	unsigned long long term;
	const char *payload;
} entries[] = {
	{ RAFTLOG_ENTRY_CONFIGURATION, 4, 1, "\1\0\0\0" },
	{ RAFTLOG_ENTRY_NOOP, 0, 2, "" },
	{ RAFTLOG_ENTRY_DATA, 5, 2, "hello" },
	{ RAFTLOG_ENTRY_DATA, 11, 2, "tab\there\n\\\"" },
	{ RAFTLOG_ENTRY_DATA, 4, 2, "\0\1\377\33" },
	{ RAFTLOG_ENTRY_NOOP, 0, 3, "" },
	{ RAFTLOG_ENTRY_DATA, 6, 3, "gr\303\274\303\237" },
	{ RAFTLOG_ENTRY_NOOP, 0, 4, "" },
};

enum { N_ENTRIES = ARRAY_SIZE(entries), FAKE_FD = 1000 };

static u64 position = 1;
static unsigned int appends, changes;
static u64 sealed_index;
static bool elected;

static bool scene(const char *name)
{
	const char *now = getenv("FAKE_SCENE");

	return !strcmp(now ? now : "leader", name);
}

static int errno_of(const char *variable)
{
	static const struct {
		const char *name;
		int number;
	} names[] = {
		{ "EAGAIN", EAGAIN },
		{ "EMSGSIZE", EMSGSIZE },
		{ "ENOSPC", ENOSPC },
		{ "ENOTCONN", ENOTCONN },
		{ "EPERM", EPERM },
		{ "EINVAL", EINVAL },
		{ "EHOSTUNREACH", EHOSTUNREACH },
		{ "ETIMEDOUT", ETIMEDOUT },
		{ "EINTR", EINTR },
		{ "ESHUTDOWN", ESHUTDOWN },
		{ "EIO", EIO },
		{ "ERANGE", ERANGE },
		{ "ESTALE", ESTALE },
		{ "ENOTTY", ENOTTY },
		{ "EBUSY", EBUSY },
		{ "EREMOTE", EREMOTE },
		{ "ENOENT", ENOENT },
		{ "ENOKEY", ENOKEY },
		{ "EOPNOTSUPP", EOPNOTSUPP },
		{ "EEXIST", EEXIST },
		{ "ENODATA", ENODATA },
		{ "EUCLEAN", EUCLEAN },
		{ "EPROTONOSUPPORT", EPROTONOSUPPORT },
		{ "EADDRINUSE", EADDRINUSE },
		{ "EADDRNOTAVAIL", EADDRNOTAVAIL },
		{ "ENOMEM", ENOMEM },
		{ "EREMOTE", EREMOTE },
		{ "ENOENT", ENOENT },
		{ "ENOKEY", ENOKEY },
		{ "EALREADY", EALREADY },
		{ "E2BIG", E2BIG },
		{ "EINPROGRESS", EINPROGRESS },
		{ "ECANCELED", ECANCELED },
	};
	const char *name = getenv(variable);

	if (!name)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].name, name))
			return names[i].number;
	abort();
}

int device_open(const char *path, int flags)
{
	(void)path;
	(void)flags;
	if (scene("absent"))
		errno = ENOENT;
	else if (scene("denied"))
		errno = EACCES;
	else
		return FAKE_FD;
	return -1;
}

void device_close(int fd)
{
	(void)fd;
}

int device_get_version(int fd, struct raftlog_version *version)
{
	(void)fd;
	version->abi = RAFTLOG_ABI_VERSION;
	version->wal_format = 1;
	version->wire_version = 1;
	strcpy(version->release, "9.9");
	return -errno_of("FAKE_CALL");
}

static void print_start(const struct raftlog_start *start)
{
	const struct raftlog_member *members =
		(const void *)(uintptr_t)start->members;
	char ip[INET6_ADDRSTRLEN];
	FILE *out = fopen(getenv("FAKE_START_OUT"), "w");

	if (!out)
		abort();
	fprintf(out, "flags %u node %u snapshots %d %d cluster %.32s\n",
		start->flags, start->node_id, start->snapshot_fd[0] >= 0,
		start->snapshot_fd[1] >= 0, start->cluster_name);
	if (start->listen.family)
		inet_ntop(start->listen.family, start->listen.ip, ip,
			  sizeof(ip));
	else
		strcpy(ip, "none");
	fprintf(out, "listen %s %u\n", ip, ntohs(start->listen.port));
	for (unsigned int i = 0; i < start->n_members; i++) {
		inet_ntop(members[i].addr.family, members[i].addr.ip, ip,
			  sizeof(ip));
		fprintf(out, "member %u kind %u %s %u\n", members[i].id,
			members[i].kind, ip, ntohs(members[i].addr.port));
	}
	if (start->cluster_id)
		fprintf(out, "joins %016llx\n", start->cluster_id);
	fprintf(out, "timers %u %u %u entry %u datagram %u\n",
		start->election_timeout_ms, start->heartbeat_interval_ms,
		start->append_timeout_ms, start->max_entry_bytes,
		start->datagram_bytes);
	fprintf(out, "cache %llu inflight %llu %u\n",
		(unsigned long long)start->cache_bytes,
		(unsigned long long)start->inflight_bytes,
		start->inflight_messages);
	fprintf(out, "retain %llu %llu\n",
		(unsigned long long)start->retain_bytes,
		(unsigned long long)start->retain_entries);
	fprintf(out, "snapshot %llu %llu\n",
		(unsigned long long)start->snapshot_trailing,
		(unsigned long long)start->snapshot_bytes_per_s);
	fprintf(out, "key %s\n", start->key);
	fclose(out);
}

/* What is installed goes to FAKE_KEY. */
int device_add_key(const char *name, const u8 *secret)
{
	FILE *out;

	if (errno_of("FAKE_CALL"))
		return -errno_of("FAKE_CALL");
	out = fopen(getenv("FAKE_KEY"), "w");
	if (!out)
		abort();
	fprintf(out, "%s ", name);
	for (size_t i = 0; i < DEVICE_KEY_BYTES; i++)
		fprintf(out, "%02x", secret[i]);
	fputc('\n', out);
	fclose(out);
	return 0;
}

int device_set_key(int fd, const struct raftlog_set_key *set)
{
	FILE *out;

	(void)fd;
	if (set->flags || set->__reserved_grace || set->__reserved[0])
		abort();
	if (scene("stopped"))
		return -ENOTCONN;
	if (errno_of("FAKE_CALL"))
		return -errno_of("FAKE_CALL");
	out = fopen(getenv("FAKE_KEY"), "w");
	if (!out)
		abort();
	fprintf(out, "step %u grace %u name %s\n", set->step, set->grace_ms,
		set->name);
	fclose(out);
	return 0;
}

void device_word(const char *path, const char *name, char *word, size_t chars)
{
	(void)path;
	(void)name;
	(void)chars;
	word[0] = '\0';
	if (scene("keyed") && !strcmp(name, "security"))
		strcpy(word, "encrypted");
	if (scene("keyed") && !strcmp(name, "key"))
		strcpy(word, "a");
	if (scene("keyed") && !strcmp(name, "key_previous"))
		strcpy(word, "b");
	if (scene("keyed") && !strcmp(name, "stats/drop_replay"))
		strcpy(word, "7");
}

int device_start(int fd, const struct raftlog_start *start)
{
	(void)fd;
	if (getenv("FAKE_START_OUT"))
		print_start(start);
	return -errno_of("FAKE_START");
}

int device_stop(int fd)
{
	(void)fd;
	return scene("stopped") ? -ENOTCONN : -errno_of("FAKE_CALL");
}

/* What is made goes to FAKE_SNAPSHOT, and comes from there. */
int device_snapshot_create(int fd, struct raftlog_snapshot_create *create)
{
	(void)fd;
	if (create->flags || create->fd || create->term || create->__reserved)
		abort();
	if (scene("stopped"))
		return -ENOTCONN;
	if (errno_of("FAKE_SNAPSHOT_ERROR"))
		return -errno_of("FAKE_SNAPSHOT_ERROR");
	create->fd = open(getenv("FAKE_SNAPSHOT"),
			  O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (create->fd < 0)
		abort();
	create->index = create->index ? create->index : 1234;
	sealed_index = create->index;
	return 0;
}

int device_snapshot_open(int fd, struct raftlog_snapshot_open *snapshot)
{
	(void)fd;
	if (snapshot->flags || snapshot->__reserved)
		abort();
	if (scene("stopped"))
		return -ENOTCONN;
	snapshot->fd = open(getenv("FAKE_SNAPSHOT"), O_RDONLY);
	snapshot->index = 1234;
	return snapshot->fd < 0 ? -ENOENT : 0;
}

int device_snapshot_seal(int fd, struct raftlog_snapshot_seal *seal)
{
	if (seal->flags || seal->__reserved)
		abort();
	seal->index = sealed_index;
	seal->bytes = lseek(fd, 0, SEEK_END);
	return seal->bytes ? 0 : -EINVAL;
}

int device_transfer(int fd, struct raftlog_transfer *transfer)
{
	(void)fd;
	if (transfer->flags || transfer->__reserved)
		abort();
	if (scene("stopped"))
		return -ENOTCONN;
	transfer->leader_id = transfer->target ? transfer->target : 3;
	return -errno_of("FAKE_TRANSFER");
}

int device_recover(int fd, struct raftlog_recover *recover)
{
	struct raftlog_member *members = (void *)(uintptr_t)recover->members;
	int error = errno_of("FAKE_RECOVER");

	(void)fd;
	if (recover->n_members != RAFTLOG_MEMBERS_MAX || recover->wal_fd < 0 ||
	    recover->member_bytes != sizeof(*members))
		abort();
	if (errno_of("FAKE_CALL"))
		return -errno_of("FAKE_CALL");
	memset(members, 0, 3 * sizeof(*members));
	for (int i = 0; i < 3; i++) {
		members[i].id = i + 1;
		members[i].addr.family = AF_INET;
		members[i].addr.port = htons(7400);
		inet_pton(AF_INET, "10.0.0.1", members[i].addr.ip);
		members[i].addr.ip[3] = i + 1;
	}
	members[2].flags = RAFTLOG_MEMBER_F_WITNESS;
	recover->n_members = 3;
	recover->cluster_id = 0x0123456789abcdef;
	recover->current_term = 5;
	recover->first_index = getenv("FAKE_TRIMMED") ? 7 : 1;
	recover->last_index = 10;
	recover->last_term = 4;
	recover->commit_index = 1;
	recover->configuration_index = 1;
	if (recover->snapshot_fd[0] >= 0 && recover->snapshot_fd[1] >= 0) {
		recover->snapshot_index = 12;
		recover->snapshot_term = 5;
		recover->first_index = 13;
		recover->last_index = 12;
		recover->last_term = 5;
		recover->commit_index = 12;
	}
	recover->error = error;
	recover->unfinished = scene("changing");
	if (error == EUCLEAN)
		recover->lost_index = 12;
	if (!(recover->flags & RAFTLOG_RECOVER_F_FORCE))
		return 0;
	if (error)
		return -error;
	recover->new_cluster_id = 0xfedcba9876543210;
	return 0;
}

static void set_role(struct raftlog_status *status)
{
	if (scene("follower") || elected) {
		status->role = RAFTLOG_ROLE_FOLLOWER;
		status->leader_id = 1;
		status->reason = 6;
	} else if (scene("joining")) {
		status->role = RAFTLOG_ROLE_LEARNER;
		status->reason = 1;
	} else if (scene("candidate")) {
		status->role = RAFTLOG_ROLE_PRE_CANDIDATE;
		status->reason = 2;
	} else {
		status->role = RAFTLOG_ROLE_LEADER;
		status->leader_id = 2;
		status->reason = 4;
		status->lease_remaining_ns = 432100000;
	}
}

int device_get_status(int fd, struct raftlog_status *status)
{
	(void)fd;
	memset(status, 0, sizeof(*status));
	if (scene("stopped"))
		return -errno_of("FAKE_CALL");
	if (scene("failed")) {
		status->state = RAFTLOG_STATE_FAILED;
		status->node_id = 2;
		strcpy(status->failure, "write of the log: -5");
		return 0;
	}
	status->state = RAFTLOG_STATE_RUNNING;
	status->node_id = 2;
	status->cluster_id = 0x0123456789abcdef;
	status->current_term = 4;
	status->voted_for = 2;
	set_role(status);
	status->first_index = 1;
	status->last_index = 10;
	status->last_term = 4;
	status->durable_index = 9;
	status->commit_index = N_ENTRIES;
	status->last_applied = N_ENTRIES;
	status->log_bytes = 256 << 20;
	status->log_bytes_free = 200 << 20;
	status->cache_bytes = 1234;
	status->n_pending = 2;
	status->n_members = scene("joining") ? 0 : 3;
	status->configuration_index = scene("joining") ? 0 : 1;
	status->changing = scene("changing");
	status->feature_level = 1;
	status->feature_level_max = scene("changing") ? 2 : 1;
	status->event_seq = 7;
	status->uptime_ms = 7384000;
	return -errno_of("FAKE_CALL");
}

static void set_peer(struct raftlog_peer *peer, unsigned int id)
{
	memset(peer, 0, sizeof(*peer));
	peer->member.id = id;
	peer->member.addr.family = id == 3 ? AF_INET6 : AF_INET;
	peer->member.addr.port = htons(7400);
	inet_pton(peer->member.addr.family,
		  id == 3 ? "2001:db8::3" :
		  id == 2 ? "10.0.0.2" :
			    "10.0.0.1",
		  peer->member.addr.ip);
}

int device_get_members(int fd, struct raftlog_members *members)
{
	struct raftlog_peer *peers = (void *)(uintptr_t)members->peers;

	(void)fd;
	if (members->n_peers < 3 || members->peer_bytes != sizeof(*peers))
		abort();
	if (scene("joining")) {
		members->n_peers = 0;
		return 0;
	}
	members->n_peers = 3;
	for (int i = 0; i < 3; i++) {
		set_peer(&peers[i], i + 1);
		peers[i].feature_level = 1 + (scene("changing") && i < 2);
	}
	peers[1].flags = RAFTLOG_PEER_F_SELF | RAFTLOG_PEER_F_ACTIVE;
	peers[0].flags = RAFTLOG_PEER_F_ACTIVE;
	peers[0].last_contact_ms = 12;
	peers[2].last_contact_ms = UINT64_MAX;
	if (scene("follower")) {
		peers[0].flags |= RAFTLOG_PEER_F_LEADER;
	} else if (scene("leader")) {
		peers[1].flags |= RAFTLOG_PEER_F_LEADER;
		peers[0].progress = RAFTLOG_PROGRESS_REPLICATE;
		peers[0].next_index = 11;
		peers[0].match_index = 9;
		peers[0].inflight_messages = 1;
		peers[0].inflight_bytes = 1500;
		peers[0].rtt_ns = 412345;
		peers[2].next_index = 11;
	} else if (scene("changing")) {
		peers[0].member.kind = RAFTLOG_ABSENT;
		peers[0].flags |= RAFTLOG_PEER_F_OLD_VOTER;
		peers[1].flags |= RAFTLOG_PEER_F_LEADER |
				  RAFTLOG_PEER_F_OLD_VOTER;
		peers[2].member.kind = RAFTLOG_NON_VOTER;
		peers[2].flags |= RAFTLOG_PEER_F_AUTO_PROMOTE;
		peers[2].replaces = 2;
	}
	return -errno_of("FAKE_CALL");
}

static void print_change(const struct raftlog_change_members *request)
{
	const struct raftlog_change *change =
		(const void *)(uintptr_t)request->changes;
	FILE *out = fopen(getenv("FAKE_CHANGE_OUT"), "w");
	char ip[INET6_ADDRSTRLEN];

	if (!out || request->flags || request->index ||
	    request->change_bytes != sizeof(*change) || !request->timeout_ms)
		abort();
	for (unsigned int i = 0; i < request->n_changes; i++) {
		fprintf(out, "type %u flags %u id %u new %u", change[i].type,
			change[i].flags, change[i].id, change[i].new_id);
		if (change[i].addr.family)
			fprintf(out, " %s %u",
				inet_ntop(change[i].addr.family,
					  change[i].addr.ip, ip, sizeof(ip)),
				ntohs(change[i].addr.port));
		fputc('\n', out);
	}
	fclose(out);
}

int device_change_members(int fd, struct raftlog_change_members *request)
{
	const char *times = getenv("FAKE_CHANGE_TIMES");
	int error = errno_of("FAKE_CHANGE");

	(void)fd;
	if (getenv("FAKE_CHANGE_OUT"))
		print_change(request);
	if (scene("stopped"))
		return -ENOTCONN;
	if (error && changes++ < (unsigned int)(times ? atoi(times) : INT_MAX))
		return -error;
	request->index = N_ENTRIES + 1;
	return 0;
}

u32 device_setting(const char *path, const char *name)
{
	(void)path;
	return !strcmp(name, "max_entry_bytes") ? 2 << 20 : 0;
}

int device_append(int fd, struct raftlog_append *append)
{
	const char *after = getenv("FAKE_APPEND_AFTER");
	int error = errno_of("FAKE_APPEND");

	(void)fd;
	if (scene("stopped"))
		return -ENOTCONN;
	if (error && appends >= (unsigned int)(after ? atoi(after) : 0))
		return -error;
	append->index = N_ENTRIES + ++appends;
	append->term = 4;
	return 0;
}

/* One that has sequences up to 4. */
int device_set_session(int fd, struct raftlog_session *session)
{
	(void)fd;
	session->created = 2;
	session->opened = 9;
	session->last_sequence = 4;
	session->last_index = 7;
	return -errno_of("FAKE_SESSION");
}

int device_get_sessions(int fd, struct raftlog_sessions *sessions)
{
	struct raftlog_session_info info = {
		.key = 0xc2c0bdbf4d955b86,
		.created = 2,
		.opened = 9,
		.used = 9,
		.last_sequence = 4,
		.last_index = 7,
	};

	(void)fd;
	if (scene("stopped"))
		return -ENOTCONN;
	memcpy((void *)(unsigned long)sessions->sessions, &info, sizeof(info));
	sessions->n_sessions = 1;
	sessions->index = 9;
	return 0;
}

/* Each ends as soon as somebody looks. */
struct device_async {
	u32 n;
	struct device_async_end ends[];
};

struct device_async *device_async_open(u32 depth)
{
	return calloc(1, sizeof(struct device_async) +
				 depth * sizeof(struct device_async_end));
}

int device_async_append(struct device_async *async, int fd, const u32 *numbers,
			u32 n, void *data, u32 bytes)
{
	(void)fd;
	(void)data;
	for (u32 i = 0; i < n; i++) {
		struct raftlog_append append = { 0 };
		int ret = device_append(FAKE_FD, &append);

		async->ends[async->n++] = (struct device_async_end){
			.number = numbers[n - 1 - i],
			.result = ret ? ret : (int)bytes,
		};
	}
	return n;
}

int device_async_wait(struct device_async *async, struct device_async_end *ends,
		      u32 n_max, int timeout_ms)
{
	u32 n = 0;

	(void)timeout_ms;
	while (n < n_max && async->n)
		ends[n++] = async->ends[--async->n];
	return n;
}

void device_async_close(struct device_async *async)
{
	free(async);
}

int device_set_framed(int fd, u32 flags)
{
	(void)fd;
	(void)flags;
	return -errno_of("FAKE_CALL");
}

/* The last entry but one: others may have committed more by the time it is read. */
int device_read_index(int fd, struct raftlog_read_index *read)
{
	(void)fd;
	if (scene("stopped"))
		return -ENOTCONN;
	if (scene("candidate"))
		return -EHOSTUNREACH;
	read->index = N_ENTRIES - 1;
	read->term = read->flags & RAFTLOG_READ_INDEX_F_LEASE ? 5 : 4;
	return -errno_of("FAKE_READ_INDEX");
}

/* What was given comes back, and an inflight of 8 MiB. */
int device_set(int fd, struct raftlog_set *set)
{
	(void)fd;
	if (scene("stopped"))
		return -ENOTCONN;
	if (!(set->fields & RAFTLOG_SET_INFLIGHT_BYTES))
		set->inflight_bytes = 8 << 20;
	return -errno_of("FAKE_CALL");
}

int device_get_events(int fd, struct raftlog_events *events)
{
	static const struct raftlog_event all[] = {
		{ 1, 1700000000123456789, 1, 1, RAFTLOG_EVENT_ROLE, 0, 0, 0, 0,
		  RAFTLOG_STATE_RUNNING, 1, 0 },
		{ 2, 1700000001000000000, 1, 1, RAFTLOG_EVENT_ROLE, 1, 0, 1, 0,
		  RAFTLOG_STATE_RUNNING, 2, 0 },
		{ 3, 1700000002000000000, 2, 1, RAFTLOG_EVENT_ROLE, 3, 2, 3, 2,
		  RAFTLOG_STATE_RUNNING, 4, 0 },
		{ 4, 1700000003000000000, 3, 2, RAFTLOG_EVENT_LEADER, 0, 0, 0,
		  1, RAFTLOG_STATE_RUNNING, 0, 0 },
		{ 5, 1700000004000000000, 3, 2, RAFTLOG_EVENT_STATE, 0, 0, 0, 0,
		  RAFTLOG_STATE_STOPPED, 0, 0 },
	};
	struct raftlog_event *out = (void *)(uintptr_t)events->events;
	unsigned int n = 0;

	(void)fd;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].seq > events->after_seq && n < events->n_events)
			out[n++] = all[i];
	events->n_events = n;
	if (n)
		events->after_seq = out[n - 1].seq;
	return -errno_of("FAKE_CALL");
}

int device_seek(int fd, u64 index)
{
	(void)fd;
	position = index;
	return 0;
}

/* One or two entries at a time, so that batches have borders. */
ssize_t device_read(int fd, void *buf, size_t bytes)
{
	unsigned char *at = buf;

	(void)fd;
	if (position > N_ENTRIES)
		return -ESHUTDOWN;
	for (int i = 0; i < 2 && position <= N_ENTRIES; i++) {
		const struct fake_entry *entry = &entries[position - 1];
		struct raftlog_frame frame = {
			.index = position,
			.term = entry->term,
			.bytes = entry->bytes,
			.type = entry->type,
		};
		size_t padded = (entry->bytes + 7) & ~7;

		if (bytes < sizeof(frame) + padded)
			return -EMSGSIZE;
		memcpy(at, &frame, sizeof(frame));
		memset(at + sizeof(frame), 0, padded);
		memcpy(at + sizeof(frame), entry->payload, entry->bytes);
		at += sizeof(frame) + padded;
		bytes -= sizeof(frame) + padded;
		position++;
	}
	return at - (unsigned char *)buf;
}

int device_poll(int fd, short events, int timeout_ms)
{
	(void)fd;
	if (getenv("FAKE_ELECTION")) {
		elected = true;
		return events & POLLPRI;
	}
	/* The wait ends in the test as it would after that time. */
	if (timeout_ms >= 0)
		return poll(NULL, 0, timeout_ms);
	return POLLHUP;
}
