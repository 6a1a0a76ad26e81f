// SPDX-License-Identifier: GPL-2.0
/* What RAFTLOG_IOC_START asks for, checked and translated. */
#include "settings.h"

static void set_default(u32 *value, u32 fallback)
{
	if (!*value)
		*value = fallback;
}

static void set_default_u64(u64 *value, u64 fallback)
{
	if (!*value)
		*value = fallback;
}

static bool is_within(u32 value, u32 min, u32 max)
{
	return value >= min && value <= max;
}

static bool is_zero_padded(const char *name, size_t bytes)
{
	const char *end = memchr(name, 0, bytes);

	return !end || !memchr_inv(end, 0, name + bytes - end);
}

/* A node that joins is told of no members: they come with the log. */
static bool is_join_or_not(const struct raftlog_start *s)
{
	if (s->flags & RAFTLOG_START_F_JOIN)
		return !s->n_members && s->cluster_id && s->listen.family;
	return !s->cluster_id &&
	       (s->n_members || !(s->flags & RAFTLOG_START_F_FORMAT));
}

/* Two, or none. */
static bool are_snapshot_files(const s32 fds[2])
{
	if (fds[0] == -1 && fds[1] == -1)
		return true;
	return fds[0] >= 0 && fds[1] >= 0 && fds[0] != fds[1];
}

/* NUL-terminated, and fit for a log line. */
static bool is_key_name(const char *name)
{
	const char *c;

	if (!name[0] || name[RAFTLOG_KEY_NAME_CHARS - 1] ||
	    !is_zero_padded(name, RAFTLOG_KEY_NAME_CHARS))
		return false;
	for (c = name; *c; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return true;
}

static bool is_empty(const char *name)
{
	return !memchr_inv(name, 0, RAFTLOG_KEY_NAME_CHARS);
}

/* A key is not left out by mistake. */
static bool is_keyed_or_not(const struct raftlog_start *s)
{
	return s->flags & RAFTLOG_START_F_INSECURE ? is_empty(s->key) :
						     is_key_name(s->key);
}

/* What can also change later. */
static int check_changeable(struct raftlog_start *s)
{
	set_default(&s->election_timeout_ms,
		    RAFTLOG_ELECTION_TIMEOUT_MS_DEFAULT);
	set_default(&s->heartbeat_interval_ms,
		    max(1u, s->election_timeout_ms / 10));
	set_default(&s->append_timeout_ms, RAFTLOG_APPEND_TIMEOUT_MS_DEFAULT);
	set_default(&s->inflight_messages, RAFTLOG_INFLIGHT_MESSAGES_DEFAULT);
	set_default_u64(&s->cache_bytes, RAFTLOG_CACHE_BYTES_DEFAULT);
	set_default_u64(&s->inflight_bytes, RAFTLOG_INFLIGHT_BYTES_DEFAULT);
	set_default_u64(&s->snapshot_trailing,
			RAFTLOG_SNAPSHOT_TRAILING_DEFAULT);
	set_default_u64(&s->snapshot_bytes_per_s,
			RAFTLOG_SNAPSHOT_BYTES_PER_S_DEFAULT);

	if (!is_within(s->election_timeout_ms, RAFTLOG_ELECTION_TIMEOUT_MS_MIN,
		       RAFTLOG_ELECTION_TIMEOUT_MS_MAX) ||
	    !is_within(s->heartbeat_interval_ms, 1,
		       s->election_timeout_ms / 2) ||
	    !is_within(s->inflight_messages, 1, RAFTLOG_INFLIGHT_MESSAGES_MAX))
		return -EINVAL;
	return 0;
}

int raftlog_start_check(struct raftlog_start *s)
{
	if (s->flags & ~RAFTLOG_START_F_ALL || !s->node_id || s->wal_fd < 0 ||
	    !are_snapshot_files(s->snapshot_fd) ||
	    s->n_members > RAFTLOG_MEMBERS_MAX ||
	    (!s->n_members && s->members) ||
	    !is_join_or_not(s) || !is_keyed_or_not(s) ||
	    !is_zero_padded(s->cluster_name, sizeof(s->cluster_name)) ||
	    s->priority > RAFTLOG_PRIORITY_MAX || s->__reserved_priority ||
	    memchr_inv(s->__reserved, 0, sizeof(s->__reserved)))
		return -EINVAL;
	if (s->listen.family == 0 &&
	    memchr_inv(&s->listen, 0, sizeof(s->listen)))
		return -EINVAL;

	set_default(&s->max_entry_bytes, RAFTLOG_ENTRY_BYTES_DEFAULT);
	set_default(&s->datagram_bytes, RAFTLOG_DATAGRAM_BYTES_DEFAULT);
	if (!is_within(s->max_entry_bytes, 1, RAFTLOG_ENTRY_BYTES_MAX) ||
	    !is_within(s->datagram_bytes, RAFTLOG_DATAGRAM_BYTES_MIN,
		       RAFTLOG_DATAGRAM_BYTES_MAX))
		return -EINVAL;
	return check_changeable(s);
}

/* One field of @set: what is given if it is to change, else 0. */
#define TAKE(FIELD, start, set, field)                         \
	({                                                     \
		if ((set)->fields & RAFTLOG_SET_##FIELD)       \
			(start)->field = (set)->field;         \
		else if ((set)->field)                         \
			return -EINVAL;                        \
	})

int raftlog_set_check(struct raftlog_start *start, const struct raftlog_set *set,
		      u32 inflight_messages_max)
{
	struct raftlog_start changed = *start;

	if (set->flags || set->fields & ~RAFTLOG_SET_ALL ||
	    memchr_inv(set->__reserved, 0, sizeof(set->__reserved)))
		return -EINVAL;
	TAKE(ELECTION_TIMEOUT, &changed, set, election_timeout_ms);
	TAKE(HEARTBEAT_INTERVAL, &changed, set, heartbeat_interval_ms);
	TAKE(APPEND_TIMEOUT, &changed, set, append_timeout_ms);
	TAKE(INFLIGHT_MESSAGES, &changed, set, inflight_messages);
	TAKE(INFLIGHT_BYTES, &changed, set, inflight_bytes);
	TAKE(CACHE_BYTES, &changed, set, cache_bytes);
	TAKE(RETAIN_ENTRIES, &changed, set, retain_entries);
	TAKE(RETAIN_BYTES, &changed, set, retain_bytes);
	TAKE(SNAPSHOT_TRAILING, &changed, set, snapshot_trailing);
	TAKE(SNAPSHOT_BYTES_PER_S, &changed, set, snapshot_bytes_per_s);
	if (check_changeable(&changed) ||
	    changed.inflight_messages > inflight_messages_max)
		return -EINVAL;
	*start = changed;
	return 0;
}

int raftlog_set_key_check(const struct raftlog_set_key *set)
{
	if (set->flags || set->__reserved_grace ||
	    memchr_inv(set->__reserved, 0, sizeof(set->__reserved)))
		return -EINVAL;
	switch (set->step) {
	case RAFTLOG_SET_KEY_NEXT:
		return !set->grace_ms && is_key_name(set->name) ? 0 : -EINVAL;
	case RAFTLOG_SET_KEY_SWITCH:
		return is_empty(set->name) ? 0 : -EINVAL;
	case RAFTLOG_SET_KEY_DROP:
		return !set->grace_ms && is_empty(set->name) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

void raftlog_set_report(struct raftlog_set *set,
			const struct raftlog_start *start)
{
	set->election_timeout_ms = start->election_timeout_ms;
	set->heartbeat_interval_ms = start->heartbeat_interval_ms;
	set->append_timeout_ms = start->append_timeout_ms;
	set->inflight_messages = start->inflight_messages;
	set->inflight_bytes = start->inflight_bytes;
	set->cache_bytes = start->cache_bytes;
	set->retain_entries = start->retain_entries;
	set->retain_bytes = start->retain_bytes;
	set->snapshot_trailing = start->snapshot_trailing;
	set->snapshot_bytes_per_s = start->snapshot_bytes_per_s;
}

int raftlog_address_from_user(struct raft_address *address,
			      const struct raftlog_addr *addr)
{
	const u8 *port = (const u8 *)&addr->port;

	memset(address, 0, sizeof(*address));
	switch (addr->family) {
	case RAFTLOG_AF_INET:
		if (addr->scope_id ||
		    memchr_inv(addr->ip + 4, 0, sizeof(addr->ip) - 4))
			return -EINVAL;
		address->family = 4;
		break;
	case RAFTLOG_AF_INET6:
		address->family = 6;
		break;
	default:
		return -EINVAL;
	}
	address->port = port[0] << 8 | port[1];
	address->scope_id = addr->scope_id;
	memcpy(address->ip, addr->ip, sizeof(address->ip));
	return address->port ? 0 : -EINVAL;
}

void raftlog_address_to_user(struct raftlog_addr *addr,
			     const struct raft_address *address)
{
	u8 *port = (u8 *)&addr->port;

	memset(addr, 0, sizeof(*addr));
	addr->family = address->family == 4 ? RAFTLOG_AF_INET :
					      RAFTLOG_AF_INET6;
	port[0] = address->port >> 8;
	port[1] = address->port & 0xff;
	addr->scope_id = address->scope_id;
	memcpy(addr->ip, address->ip, sizeof(addr->ip));
}

void raftlog_member_to_user(struct raftlog_member *user,
			    const struct raft_member *member)
{
	memset(user, 0, sizeof(*user));
	user->id = member->id;
	user->kind = member->kind;
	if (member->flags & RAFT_MEMBER_F_WITNESS)
		user->flags = RAFTLOG_MEMBER_F_WITNESS;
	raftlog_address_to_user(&user->addr, &member->address);
}

/* What is there for an answer is 0 until then. */
int raftlog_recover_check(const struct raftlog_recover *recover)
{
	const struct raftlog_recover request = {
		.flags = recover->flags,
		.node_id = recover->node_id,
		.wal_fd = recover->wal_fd,
		.n_members = recover->n_members,
		.members = recover->members,
		.member_bytes = recover->member_bytes,
		.snapshot_fd = { recover->snapshot_fd[0],
				 recover->snapshot_fd[1] },
	};

	if (recover->flags & ~RAFTLOG_RECOVER_F_ALL || !recover->node_id ||
	    recover->wal_fd < 0 || !are_snapshot_files(recover->snapshot_fd) ||
	    memcmp(recover, &request, sizeof(request)))
		return -EINVAL;
	return 0;
}

/* The any and the multicast addresses name no member. */
static bool is_unicast(const struct raft_address *address)
{
	if (!memchr_inv(address->ip, 0, sizeof(address->ip)))
		return false;
	if (address->family == 4)
		return address->ip[0] < 224;
	return address->ip[0] != 0xff;
}

static bool same_address(const struct raft_address *a,
			 const struct raft_address *b)
{
	return a->family == b->family && a->port == b->port &&
	       a->scope_id == b->scope_id &&
	       !memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* Position at which @id keeps the members sorted. */
static u32 position_of(const struct raft_configuration *configuration, u32 id)
{
	u32 i = 0;

	while (i < configuration->n_members &&
	       configuration->members[i].id < id)
		i++;
	return i;
}

static int add_member(struct raft_configuration *configuration,
		      const struct raftlog_member *user)
{
	u32 at = position_of(configuration, user->id);
	struct raft_member member = { .id = user->id, .kind = user->kind };
	u32 i;

	if (user->kind > RAFT_NON_VOTER ||
	    user->flags & ~RAFTLOG_MEMBER_F_WITNESS ||
	    raftlog_address_from_user(&member.address, &user->addr) ||
	    !is_unicast(&member.address))
		return -EINVAL;
	for (i = 0; i < configuration->n_members; i++)
		if (configuration->members[i].id == user->id ||
		    same_address(&configuration->members[i].address,
				 &member.address))
			return -EINVAL;
	if (user->flags & RAFTLOG_MEMBER_F_WITNESS)
		member.flags = RAFT_MEMBER_F_WITNESS;
	memmove(&configuration->members[at + 1], &configuration->members[at],
		(configuration->n_members - at) * sizeof(member));
	configuration->members[at] = member;
	configuration->n_members++;
	return 0;
}

int raftlog_configuration_from_user(struct raft_configuration *configuration,
				    const struct raftlog_member *members,
				    u32 n_members)
{
	u32 i;

	memset(configuration, 0, sizeof(*configuration));
	if (n_members > RAFT_MEMBERS_MAX)
		return -EINVAL;
	for (i = 0; i < n_members; i++)
		if (add_member(configuration, &members[i]))
			return -EINVAL;
	return raft_configuration_check(configuration);
}

static u32 change_flags(u32 type)
{
	switch (type) {
	case RAFTLOG_CHANGE_ADD:
		return RAFTLOG_CHANGE_F_ALL;
	case RAFTLOG_CHANGE_DEMOTE:
		return RAFTLOG_CHANGE_F_AUTO_PROMOTE;
	case RAFTLOG_CHANGE_REPLACE:
		return RAFTLOG_CHANGE_F_WITNESS;
	default:
		return 0;
	}
}

int raftlog_change_from_user(struct raft_change *change,
			     const struct raftlog_change *user)
{
	bool addressed = user->type == RAFTLOG_CHANGE_ADD ||
			 user->type == RAFTLOG_CHANGE_SET_ADDRESS ||
			 user->type == RAFTLOG_CHANGE_REPLACE;

	memset(change, 0, sizeof(*change));
	if (user->type < RAFTLOG_CHANGE_ADD ||
	    user->type > RAFTLOG_CHANGE_REPLACE ||
	    !user->id)
		return -EINVAL;
	if (user->type == RAFTLOG_CHANGE_REPLACE ? !user->new_id : user->new_id)
		return -EINVAL;
	if (user->flags & ~change_flags(user->type))
		return -EINVAL;
	if (!addressed && memchr_inv(&user->addr, 0, sizeof(user->addr)))
		return -EINVAL;
	if (addressed && (raftlog_address_from_user(&change->address,
						    &user->addr) ||
			  !is_unicast(&change->address)))
		return -EINVAL;
	change->type = user->type;
	change->id = user->id;
	change->new_id = user->new_id;
	if (user->flags & RAFTLOG_CHANGE_F_AUTO_PROMOTE)
		change->flags |= RAFT_MEMBER_F_AUTO_PROMOTE;
	if (user->flags & RAFTLOG_CHANGE_F_WITNESS)
		change->flags |= RAFT_MEMBER_F_WITNESS;
	return 0;
}

const struct raft_member *
raftlog_configuration_find(const struct raft_configuration *configuration,
			   u32 id)
{
	u32 i;

	for (i = 0; i < configuration->n_members; i++)
		if (configuration->members[i].id == id)
			return &configuration->members[i];
	return NULL;
}
