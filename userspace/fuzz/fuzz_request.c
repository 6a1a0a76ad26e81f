// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes to an ioctl. The first byte of the input is the number of the request, then
 * comes its struct as a user may give it, cut short or not, and then what a pointer in
 * it may lead to. What is taken keeps to what the ABI says, and to what the rest of the
 * module relies on.
 */
#include "../../kmod/request.h"
#include "../../kmod/settings.h"
#include "fuzz.h"

/* A copy that ends where its allocation ends: the sanitizer sees one byte more. */
static void *exact(const void *data, size_t n, size_t bytes)
{
	u8 *copy = calloc(1, bytes ? bytes : 1);

	CHECK(copy);
	memcpy(copy, data, n < bytes ? n : bytes);
	return copy;
}

static u32 size_of(unsigned int nr)
{
	static const u32 cmds[] = {
		RAFTLOG_IOC_GET_VERSION,     RAFTLOG_IOC_START,
		RAFTLOG_IOC_STOP,	     RAFTLOG_IOC_GET_STATUS,
		RAFTLOG_IOC_GET_MEMBERS,     RAFTLOG_IOC_APPEND,
		RAFTLOG_IOC_SET_FRAMED,	     RAFTLOG_IOC_GET_EVENTS,
		RAFTLOG_IOC_CHANGE_MEMBERS,  RAFTLOG_IOC_TRANSFER,
		RAFTLOG_IOC_READ_INDEX,	     RAFTLOG_IOC_SET,
		RAFTLOG_IOC_RECOVER,	     RAFTLOG_IOC_SET_SESSION,
		RAFTLOG_IOC_GET_SESSIONS,    RAFTLOG_IOC_SNAPSHOT_CREATE,
		RAFTLOG_IOC_SNAPSHOT_OPEN,   RAFTLOG_IOC_SNAPSHOT_SEAL,
		RAFTLOG_IOC_SET_KEY,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		if (_IOC_NR(cmds[i]) == nr)
			return _IOC_SIZE(cmds[i]);
	return 0;
}

/* What the core and the storage take without looking. */
static void check_start(const struct raftlog_start *s)
{
	struct raft_address listen;
	u32 i;

	CHECK(!(s->flags & ~RAFTLOG_START_F_ALL) && s->node_id);
	CHECK(s->wal_fd >= 0 && s->n_members <= RAFTLOG_MEMBERS_MAX);
	CHECK((s->snapshot_fd[0] < 0) == (s->snapshot_fd[1] < 0));
	CHECK(s->election_timeout_ms >= RAFTLOG_ELECTION_TIMEOUT_MS_MIN &&
	      s->election_timeout_ms <= RAFTLOG_ELECTION_TIMEOUT_MS_MAX);
	CHECK(s->heartbeat_interval_ms &&
	      s->heartbeat_interval_ms <= s->election_timeout_ms / 2);
	CHECK(s->append_timeout_ms && s->cache_bytes && s->inflight_bytes);
	CHECK(s->max_entry_bytes &&
	      s->max_entry_bytes <= RAFTLOG_ENTRY_BYTES_MAX);
	CHECK(s->datagram_bytes >= RAFTLOG_DATAGRAM_BYTES_MIN &&
	      s->datagram_bytes <= RAFTLOG_DATAGRAM_BYTES_MAX);
	CHECK(s->inflight_messages &&
	      s->inflight_messages <= RAFTLOG_INFLIGHT_MESSAGES_MAX);
	CHECK(s->priority <= RAFTLOG_PRIORITY_MAX && !s->__reserved_priority);
	for (i = 0; i < ARRAY_SIZE(s->__reserved); i++)
		CHECK(!s->__reserved[i]);
	if (s->listen.family)
		CHECK(!raftlog_address_from_user(&listen, &s->listen));
	if (s->flags & RAFTLOG_START_F_JOIN)
		CHECK(s->cluster_id && s->listen.family && !s->n_members);
}

static void check_address(const struct raft_address *address)
{
	struct raftlog_addr user;
	struct raft_address again;

	CHECK(address->port && (address->family == 4 || address->family == 6));
	raftlog_address_to_user(&user, address);
	CHECK(!raftlog_address_from_user(&again, &user));
	CHECK(!memcmp(&again, address, sizeof(again)));
}

/* The members that come with a start: what is taken the core can encode. */
static void fuzz_members(const u8 *data, size_t bytes, u32 n)
{
	struct raftlog_member *members =
		exact(data, bytes, n * sizeof(*members));
	struct raft_configuration configuration, again;
	u8 buf[RAFT_CONFIGURATION_BYTES_MAX];
	int encoded;
	u32 i;

	if (!raftlog_configuration_from_user(&configuration, members, n)) {
		CHECK(configuration.n_members == n);
		for (i = 0; i < n; i++) {
			struct raftlog_member user;

			check_address(&configuration.members[i].address);
			raftlog_member_to_user(&user,
					       &configuration.members[i]);
			CHECK(user.id && !(user.flags &
					   ~RAFTLOG_MEMBER_F_WITNESS));
		}
		encoded = raft_configuration_encode(&configuration, buf,
						    sizeof(buf));
		CHECK(encoded > 0);
		CHECK(!raft_configuration_decode(&again, buf, encoded));
		CHECK(again.n_members == n);
	}
	free(members);
}

static void fuzz_changes(const u8 *data, size_t bytes, u32 n)
{
	struct raftlog_change *changes = exact(data, bytes, n * sizeof(*changes));
	struct raft_change change;
	u32 i;

	for (i = 0; i < n; i++) {
		if (raftlog_change_from_user(&change, &changes[i]))
			continue;
		CHECK(change.id && change.type >= RAFT_CHANGE_ADD &&
		      change.type <= RAFT_CHANGE_TYPE_LAST);
		CHECK(!(change.flags & ~RAFT_MEMBER_F_ALL));
		CHECK((change.type == RAFT_CHANGE_REPLACE) == !!change.new_id);
		if (change.address.family)
			check_address(&change.address);
	}
	free(changes);
}

/* All or nothing, of a group that was started with what START takes. */
static void fuzz_set(struct raftlog_set *set, const u8 *data, size_t bytes)
{
	struct raftlog_start *start = exact(data, bytes, sizeof(*start));
	struct raftlog_start before;
	u32 messages_max;

	if (!raftlog_request_check(_IOC_NR(RAFTLOG_IOC_START), start)) {
		messages_max = start->inflight_messages;
		before = *start;
		if (raftlog_set_check(start, set, messages_max)) {
			CHECK(!memcmp(start, &before, sizeof(before)));
		} else {
			CHECK(!set->flags && !(set->fields & ~RAFTLOG_SET_ALL));
			CHECK(start->inflight_messages <= messages_max);
			check_start(start);
			raftlog_set_report(set, start);
		}
	}
	free(start);
}

static void check_slot(u32 slot_bytes, u32 bytes)
{
	CHECK(slot_bytes >= bytes && slot_bytes <= RAFTLOG_SLOT_BYTES_MAX &&
	      !(slot_bytes % 8));
}

/* The request was taken: what is in it, and what it leads to. */
static void taken(unsigned int nr, void *request, const u8 *data, size_t bytes)
{
	const struct raftlog_start *start = request;
	const struct raftlog_members *members = request;
	const struct raftlog_change_members *changes = request;
	const struct raftlog_events *events = request;
	const struct raftlog_sessions *sessions = request;
	const struct raftlog_session *session = request;
	const struct raftlog_recover *recover = request;
	const struct raftlog_append *append = request;
	const struct raftlog_set_key *set_key = request;
	size_t n;

	switch (nr) {
	case _IOC_NR(RAFTLOG_IOC_START):
		check_start(start);
		fuzz_members(data, bytes, start->n_members);
		break;
	case _IOC_NR(RAFTLOG_IOC_GET_MEMBERS):
		check_slot(members->peer_bytes, sizeof(struct raftlog_peer));
		break;
	case _IOC_NR(RAFTLOG_IOC_APPEND):
		CHECK(!append->sequence ==
		      !(append->flags & RAFTLOG_APPEND_F_SEQUENCE));
		break;
	case _IOC_NR(RAFTLOG_IOC_GET_EVENTS):
		check_slot(events->event_bytes, sizeof(struct raftlog_event));
		break;
	case _IOC_NR(RAFTLOG_IOC_CHANGE_MEMBERS):
		check_slot(changes->change_bytes, sizeof(struct raftlog_change));
		CHECK(changes->n_changes &&
		      changes->n_changes <= RAFTLOG_MEMBERS_MAX);
		fuzz_changes(data, bytes, changes->n_changes);
		break;
	case _IOC_NR(RAFTLOG_IOC_SET):
		fuzz_set(request, data, bytes);
		break;
	case _IOC_NR(RAFTLOG_IOC_RECOVER):
		check_slot(recover->member_bytes, sizeof(struct raftlog_member));
		CHECK(recover->node_id && recover->wal_fd >= 0);
		CHECK(!(recover->flags & ~RAFTLOG_RECOVER_F_ALL));
		break;
	case _IOC_NR(RAFTLOG_IOC_SET_KEY):
		CHECK(set_key->step <= RAFTLOG_SET_KEY_DROP);
		n = strnlen(set_key->name, RAFTLOG_KEY_NAME_CHARS);
		CHECK((set_key->step == RAFTLOG_SET_KEY_NEXT) == (n != 0));
		CHECK(n < RAFTLOG_KEY_NAME_CHARS);
		break;
	case _IOC_NR(RAFTLOG_IOC_SET_SESSION):
		n = raftlog_session_name_bytes(session->name);
		CHECK(n && n <= RAFTLOG_SESSION_NAME_CHARS);
		CHECK(raft_session_is_key(raft_session_key(session->name, n)));
		break;
	case _IOC_NR(RAFTLOG_IOC_GET_SESSIONS):
		check_slot(sessions->session_bytes,
			   sizeof(struct raftlog_session_info));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	unsigned int nr;
	u32 size;
	u8 *request, *again;

	if (!bytes)
		return 0;
	nr = *data++;
	bytes--;
	size = size_of(nr);
	request = exact(data, bytes, size);
	data += min_t(size_t, size, bytes);
	bytes -= min_t(size_t, size, bytes);
	if (!size) {
		CHECK(raftlog_request_check(nr, request) == -ENOTTY);
	} else if (!raftlog_request_check(nr, request)) {
		/* What was filled in is as good. */
		again = exact(request, size, size);
		CHECK(!raftlog_request_check(nr, again));
		CHECK(!memcmp(request, again, size));
		free(again);
		taken(nr, request, data, bytes);
	}
	free(request);
	return 0;
}
