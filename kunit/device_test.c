// SPDX-License-Identifier: GPL-2.0
/*
 * The pure parts of the device: what START accepts, the cluster's number, and
 * what is known of entries: their terms, and the kinds of those under way.
 */
#include <kunit/test.h>
#include <linux/raftlog.h>

#include "../kmod/cluster_id.h"
#include "../kmod/kinds.h"
#include "../kmod/runs.h"
#include "../kmod/settings.h"
#include "suites.h"

/* START */

static struct raftlog_start valid_start(void)
{
	return (struct raftlog_start){
		.node_id = 1,
		.wal_fd = 3,
		.snapshot_fd = { -1, -1 },
		.n_members = 1,
		.members = 0x1000,
		.key = "test",
	};
}

static void start_fills_in_defaults(struct kunit *test)
{
	struct raftlog_start start = valid_start();

	KUNIT_ASSERT_EQ(test, raftlog_start_check(&start), 0);
	KUNIT_EXPECT_EQ(test, start.election_timeout_ms, 500u);
	KUNIT_EXPECT_EQ(test, start.heartbeat_interval_ms, 50u);
	KUNIT_EXPECT_EQ(test, start.append_timeout_ms, 10000u);
	KUNIT_EXPECT_EQ(test, start.max_entry_bytes,
			RAFTLOG_ENTRY_BYTES_DEFAULT);
	KUNIT_EXPECT_EQ(test, start.datagram_bytes, 1400u);
	KUNIT_EXPECT_EQ(test, start.inflight_messages, 64u);
	KUNIT_EXPECT_EQ(test, start.cache_bytes, 64ull << 20);
	KUNIT_EXPECT_EQ(test, start.inflight_bytes, 8ull << 20);
}

static void start_derives_the_heartbeat(struct kunit *test)
{
	struct raftlog_start start = valid_start();

	start.election_timeout_ms = 20;
	KUNIT_ASSERT_EQ(test, raftlog_start_check(&start), 0);
	KUNIT_EXPECT_EQ(test, start.heartbeat_interval_ms, 2u);
}

static void start_keeps_what_is_given(struct kunit *test)
{
	struct raftlog_start start = valid_start();

	start.election_timeout_ms = 600000;
	start.heartbeat_interval_ms = 300000;
	start.max_entry_bytes = RAFTLOG_ENTRY_BYTES_MAX;
	start.datagram_bytes = 512;
	start.inflight_messages = 1024;
	start.cache_bytes = 1;
	KUNIT_ASSERT_EQ(test, raftlog_start_check(&start), 0);
	KUNIT_EXPECT_EQ(test, start.heartbeat_interval_ms, 300000u);
	KUNIT_EXPECT_EQ(test, start.max_entry_bytes, RAFTLOG_ENTRY_BYTES_MAX);
	KUNIT_EXPECT_EQ(test, start.cache_bytes, 1ull);
}

static struct raftlog_addr endpoint(u8 last, u16 port)
{
	struct raftlog_addr addr = {
		.family = RAFTLOG_AF_INET,
		.ip = { 10, 0, 0, last },
	};
	u8 *bytes = (u8 *)&addr.port;

	bytes[0] = port >> 8;
	bytes[1] = port & 0xff;
	return addr;
}

/* What a node that joins a running cluster asks for. */
static void join(struct raftlog_start *start)
{
	start->flags = RAFTLOG_START_F_JOIN;
	start->cluster_id = 0x0123456789abcdefull;
	start->n_members = 0;
	start->members = 0;
	start->listen = endpoint(7, 7400);
}

static void start_joins(struct kunit *test)
{
	struct raftlog_start start = valid_start();

	join(&start);
	KUNIT_EXPECT_EQ(test, raftlog_start_check(&start), 0);
	/* Its first start, and any after that. */
	join(&start);
	start.flags |= RAFTLOG_START_F_FORMAT;
	KUNIT_EXPECT_EQ(test, raftlog_start_check(&start), 0);
	KUNIT_EXPECT_EQ(test, start.cluster_id, 0x0123456789abcdefull);
}

static void start_insecure(struct kunit *test)
{
	struct raftlog_start start = valid_start();

	memset(start.key, 0, sizeof(start.key));
	start.flags = RAFTLOG_START_F_INSECURE;
	KUNIT_EXPECT_EQ(test, raftlog_start_check(&start), 0);
}

static void set_key_checked(struct kunit *test)
{
	static const struct {
		struct raftlog_set_key set;
		int error;
	} rows[] = {
		{ { .step = RAFTLOG_SET_KEY_NEXT, .name = "a" }, 0 },
		{ { .step = RAFTLOG_SET_KEY_NEXT }, -EINVAL },
		{ { .step = RAFTLOG_SET_KEY_NEXT, .name = "a", .grace_ms = 1 },
		  -EINVAL },
		{ { .step = RAFTLOG_SET_KEY_NEXT, .name = "a b" }, -EINVAL },
		{ { .step = RAFTLOG_SET_KEY_SWITCH }, 0 },
		{ { .step = RAFTLOG_SET_KEY_SWITCH, .grace_ms = 1 }, 0 },
		{ { .step = RAFTLOG_SET_KEY_SWITCH, .name = "a" }, -EINVAL },
		{ { .step = RAFTLOG_SET_KEY_DROP }, 0 },
		{ { .step = RAFTLOG_SET_KEY_DROP, .grace_ms = 1 }, -EINVAL },
		{ { .step = RAFTLOG_SET_KEY_DROP, .name = "a" }, -EINVAL },
		{ { .step = 3 }, -EINVAL },
		{ { .step = RAFTLOG_SET_KEY_DROP, .flags = 1 }, -EINVAL },
		{ { .step = RAFTLOG_SET_KEY_DROP, .__reserved_grace = 1 },
		  -EINVAL },
		{ { .step = RAFTLOG_SET_KEY_DROP, .__reserved = { 0, 1 } },
		  -EINVAL },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, raftlog_set_key_check(&rows[i].set),
				    rows[i].error, "row %u", i);
}

struct refusal {
	const char *name;
	void (*spoil)(struct raftlog_start *start);
};

#define REFUSAL(name, statement)                            \
	static void spoil_##name(struct raftlog_start *s)   \
	{                                                   \
		statement;                                  \
	}

REFUSAL(flags, s->flags = RAFTLOG_START_F_ALL + 1)
REFUSAL(node_id, s->node_id = 0)
REFUSAL(wal_fd, s->wal_fd = -1)
REFUSAL(snapshot_fd_0, s->snapshot_fd[0] = 4)
REFUSAL(snapshot_fd_1, s->snapshot_fd[1] = 0)
REFUSAL(n_members, s->n_members = RAFTLOG_MEMBERS_MAX + 1)
REFUSAL(members_without_count, s->n_members = 0)
REFUSAL(format_without_members,
	s->n_members = 0; s->members = 0; s->flags = RAFTLOG_START_F_FORMAT)
REFUSAL(cluster_name_padding, s->cluster_name[31] = 'x')
REFUSAL(listen_without_family, s->listen.port = 1)
REFUSAL(election_timeout_low, s->election_timeout_ms = 19)
REFUSAL(election_timeout_high, s->election_timeout_ms = 600001)
REFUSAL(heartbeat_high,
	s->election_timeout_ms = 100; s->heartbeat_interval_ms = 51)
REFUSAL(max_entry_bytes, s->max_entry_bytes = RAFTLOG_ENTRY_BYTES_MAX + 1)
REFUSAL(datagram_bytes_low, s->datagram_bytes = 511)
REFUSAL(datagram_bytes_high, s->datagram_bytes = 65001)
REFUSAL(inflight_messages, s->inflight_messages = 1025)
REFUSAL(cluster_id_without_join, s->cluster_id = 1)
REFUSAL(join_with_members,
	s->flags = RAFTLOG_START_F_JOIN; s->cluster_id = 1;
	s->listen = endpoint(7, 7400))
REFUSAL(join_without_cluster_id,
	join(s); s->cluster_id = 0)
REFUSAL(join_without_listen,
	join(s); memset(&s->listen, 0, sizeof(s->listen)))
REFUSAL(priority, s->priority = 256)
REFUSAL(reserved_priority, s->__reserved_priority = 1)
REFUSAL(reserved, s->__reserved[1] = 1)
REFUSAL(no_key, memset(s->key, 0, sizeof(s->key)))
REFUSAL(key_and_insecure, s->flags = RAFTLOG_START_F_INSECURE)
REFUSAL(key_without_end, memset(s->key, 'k', sizeof(s->key)))
REFUSAL(key_padding, s->key[63 - 1] = 'x')
REFUSAL(key_with_a_space, s->key[1] = ' ')
REFUSAL(key_with_a_line, s->key[1] = '\n')

#define CASE(name) { #name, spoil_##name }

static const struct refusal refusals[] = {
	CASE(flags),
	CASE(node_id),
	CASE(wal_fd),
	CASE(snapshot_fd_0),
	CASE(snapshot_fd_1),
	CASE(n_members),
	CASE(members_without_count),
	CASE(format_without_members),
	CASE(cluster_name_padding),
	CASE(listen_without_family),
	CASE(election_timeout_low),
	CASE(election_timeout_high),
	CASE(heartbeat_high),
	CASE(max_entry_bytes),
	CASE(datagram_bytes_low),
	CASE(datagram_bytes_high),
	CASE(inflight_messages),
	CASE(cluster_id_without_join),
	CASE(join_with_members),
	CASE(join_without_cluster_id),
	CASE(join_without_listen),
	CASE(priority),
	CASE(reserved_priority),
	CASE(reserved),
	CASE(no_key),
	CASE(key_and_insecure),
	CASE(key_without_end),
	CASE(key_padding),
	CASE(key_with_a_space),
	CASE(key_with_a_line),
};

static void describe_refusal(const struct refusal *refusal, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", refusal->name);
}

KUNIT_ARRAY_PARAM(refusal, refusals, describe_refusal);

static void start_refuses(struct kunit *test)
{
	const struct refusal *refusal = test->param_value;
	struct raftlog_start start = valid_start();

	refusal->spoil(&start);
	KUNIT_EXPECT_EQ(test, raftlog_start_check(&start), -EINVAL);
}

/* Addresses and members */

static struct raftlog_member member(u32 id, u8 last, u16 port)
{
	return (struct raftlog_member){
		.id = id,
		.addr = endpoint(last, port),
	};
}

static void address_goes_there_and_back(struct kunit *test)
{
	struct raftlog_member m = member(1, 7, 7400);
	struct raft_address address;
	struct raftlog_addr back;

	KUNIT_ASSERT_EQ(test, raftlog_address_from_user(&address, &m.addr), 0);
	KUNIT_EXPECT_EQ(test, address.family, 4);
	KUNIT_EXPECT_EQ(test, address.port, 7400);
	KUNIT_EXPECT_EQ(test, address.ip[3], 7);
	raftlog_address_to_user(&back, &address);
	KUNIT_EXPECT_EQ(test, memcmp(&back, &m.addr, sizeof(back)), 0);

	m.addr.family = RAFTLOG_AF_INET6;
	m.addr.scope_id = 2;
	m.addr.ip[15] = 1;
	KUNIT_ASSERT_EQ(test, raftlog_address_from_user(&address, &m.addr), 0);
	KUNIT_EXPECT_EQ(test, address.family, 6);
	raftlog_address_to_user(&back, &address);
	KUNIT_EXPECT_EQ(test, memcmp(&back, &m.addr, sizeof(back)), 0);
}

static void address_refuses(struct kunit *test)
{
	struct raftlog_addr good = member(1, 7, 7400).addr;
	struct raft_address address;
	struct raftlog_addr bad;

	bad = good;
	bad.family = 1;
	KUNIT_EXPECT_EQ(test, raftlog_address_from_user(&address, &bad),
			-EINVAL);
	bad = good;
	bad.port = 0;
	KUNIT_EXPECT_EQ(test, raftlog_address_from_user(&address, &bad),
			-EINVAL);
	bad = good;
	bad.ip[4] = 1;
	KUNIT_EXPECT_EQ(test, raftlog_address_from_user(&address, &bad),
			-EINVAL);
	bad = good;
	bad.scope_id = 1;
	KUNIT_EXPECT_EQ(test, raftlog_address_from_user(&address, &bad),
			-EINVAL);
}

static struct raft_configuration *new_configuration(struct kunit *test)
{
	struct raft_configuration *configuration =
		kunit_kzalloc(test, sizeof(*configuration), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, configuration);
	return configuration;
}

static void members_are_sorted(struct kunit *test)
{
	struct raft_configuration *c = new_configuration(test);
	struct raftlog_member members[] = {
		member(30, 3, 7400),
		member(10, 1, 7400),
		member(20, 2, 7400),
	};

	KUNIT_ASSERT_EQ(test, raftlog_configuration_from_user(c, members, 3), 0);
	KUNIT_EXPECT_EQ(test, c->n_members, 3u);
	KUNIT_EXPECT_EQ(test, c->members[0].id, 10u);
	KUNIT_EXPECT_EQ(test, c->members[1].id, 20u);
	KUNIT_EXPECT_EQ(test, c->members[2].id, 30u);
	KUNIT_EXPECT_EQ(test, c->members[1].address.ip[3], 2);
	KUNIT_EXPECT_PTR_EQ(test, raftlog_configuration_find(c, 20),
			    (const struct raft_member *)&c->members[1]);
	KUNIT_EXPECT_TRUE(test, !raftlog_configuration_find(c, 21));
}

static void members_refuse(struct kunit *test)
{
	struct raft_configuration *c = new_configuration(test);
	struct raftlog_member m[2] = { member(1, 1, 7400), member(2, 2, 7400) };

	KUNIT_EXPECT_EQ(test, raftlog_configuration_from_user(c, m, 0),
			-EINVAL);
	m[1].id = 1; /* the same id */
	KUNIT_EXPECT_EQ(test, raftlog_configuration_from_user(c, m, 2),
			-EINVAL);
	m[1] = member(2, 1, 7400); /* the same address */
	KUNIT_EXPECT_EQ(test, raftlog_configuration_from_user(c, m, 2),
			-EINVAL);
	m[1] = member(0, 2, 7400); /* no id */
	KUNIT_EXPECT_EQ(test, raftlog_configuration_from_user(c, m, 2),
			-EINVAL);
	m[1] = member(2, 2, 7400);
	m[1].addr.ip[0] = 224; /* multicast */
	KUNIT_EXPECT_EQ(test, raftlog_configuration_from_user(c, m, 2),
			-EINVAL);
	m[1] = member(2, 2, 7400);
	memset(m[1].addr.ip, 0, sizeof(m[1].addr.ip)); /* any */
	KUNIT_EXPECT_EQ(test, raftlog_configuration_from_user(c, m, 2),
			-EINVAL);
	m[1] = member(2, 2, 7400);
	m[1].kind = 2;
	KUNIT_EXPECT_EQ(test, raftlog_configuration_from_user(c, m, 2),
			-EINVAL);
	m[1].kind = 0;
	m[1].flags = 2;
	KUNIT_EXPECT_EQ(test, raftlog_configuration_from_user(c, m, 2),
			-EINVAL);
	m[0].kind = RAFTLOG_NON_VOTER; /* no voter */
	KUNIT_EXPECT_EQ(test, raftlog_configuration_from_user(c, m, 1),
			-EINVAL);
}

/* Changes of the members */

enum { CHANGE_TYPES = RAFTLOG_CHANGE_REPLACE };

/* In good form, for each type. */
static struct raftlog_change valid_change(u32 type)
{
	struct raftlog_change change = { .type = type, .id = 4 };

	if (type == RAFTLOG_CHANGE_REPLACE)
		change.new_id = 5;
	if (type == RAFTLOG_CHANGE_ADD || type == RAFTLOG_CHANGE_REPLACE ||
	    type == RAFTLOG_CHANGE_SET_ADDRESS)
		change.addr = endpoint(9, 7401);
	return change;
}

static void changes_are_translated(struct kunit *test)
{
	static const u8 types[] = {
		[RAFTLOG_CHANGE_ADD] = RAFT_CHANGE_ADD,
		[RAFTLOG_CHANGE_PROMOTE] = RAFT_CHANGE_PROMOTE,
		[RAFTLOG_CHANGE_DEMOTE] = RAFT_CHANGE_DEMOTE,
		[RAFTLOG_CHANGE_REMOVE] = RAFT_CHANGE_REMOVE,
		[RAFTLOG_CHANGE_SET_ADDRESS] = RAFT_CHANGE_SET_ADDRESS,
		[RAFTLOG_CHANGE_REPLACE] = RAFT_CHANGE_REPLACE,
	};
	struct raft_change change;
	u32 type;

	for (type = RAFTLOG_CHANGE_ADD; type <= CHANGE_TYPES; type++) {
		struct raftlog_change user = valid_change(type);

		memset(&change, 0xff, sizeof(change));
		KUNIT_ASSERT_EQ(test, raftlog_change_from_user(&change, &user),
				0);
		KUNIT_EXPECT_EQ(test, change.type, types[type]);
		KUNIT_EXPECT_EQ(test, change.flags, 0);
		KUNIT_EXPECT_EQ(test, change.id, 4u);
		KUNIT_EXPECT_EQ(test, change.new_id, user.new_id);
		KUNIT_EXPECT_EQ(test, change.address.family,
				user.addr.family ? 4 : 0);
		KUNIT_EXPECT_EQ(test, change.address.port,
				user.addr.family ? 7401 : 0);
		KUNIT_EXPECT_EQ(test, change.address.ip[3], user.addr.ip[3]);
	}
}

static void changes_may_promote(struct kunit *test)
{
	struct raft_change change;
	u32 type;

	for (type = RAFTLOG_CHANGE_ADD; type <= CHANGE_TYPES; type++) {
		struct raftlog_change user = valid_change(type);
		bool may = type == RAFTLOG_CHANGE_ADD ||
			   type == RAFTLOG_CHANGE_DEMOTE;

		user.flags = RAFTLOG_CHANGE_F_AUTO_PROMOTE;
		KUNIT_EXPECT_EQ(test, raftlog_change_from_user(&change, &user),
				may ? 0 : -EINVAL);
		if (may)
			KUNIT_EXPECT_EQ(test, change.flags,
					RAFT_MEMBER_F_AUTO_PROMOTE);
	}
}

static void change_refuses(struct kunit *test, const struct raftlog_change *user)
{
	struct raft_change change;

	KUNIT_EXPECT_EQ(test, raftlog_change_from_user(&change, user), -EINVAL);
}

static void changes_refuse(struct kunit *test)
{
	struct raftlog_change user;
	u32 type;

	user = valid_change(RAFTLOG_CHANGE_ADD);
	user.type = 0;
	change_refuses(test, &user);
	user.type = CHANGE_TYPES + 1;
	change_refuses(test, &user);
	for (type = RAFTLOG_CHANGE_ADD; type <= CHANGE_TYPES; type++) {
		bool addressed;

		user = valid_change(type);
		addressed = user.addr.family;
		user.id = 0;
		change_refuses(test, &user);
		user = valid_change(type);
		user.flags = RAFTLOG_CHANGE_F_ALL + 1;
		change_refuses(test, &user);
		/* A second member only where one takes the other's place. */
		user = valid_change(type);
		user.new_id = user.new_id ? 0 : 5;
		change_refuses(test, &user);
		/* An address only where one is set, and there a real one. */
		user = valid_change(type);
		user.addr = addressed ? (struct raftlog_addr){ 0 } :
					endpoint(9, 7401);
		change_refuses(test, &user);
		if (!addressed)
			continue;
		user = valid_change(type);
		user.addr.port = 0;
		change_refuses(test, &user);
		user = valid_change(type);
		user.addr.ip[0] = 224; /* multicast */
		change_refuses(test, &user);
		user = valid_change(type);
		memset(user.addr.ip, 0, sizeof(user.addr.ip)); /* any */
		change_refuses(test, &user);
	}
}

/* Cluster number */

static void cluster_id_tells_clusters_apart(struct kunit *test)
{
	static const char a[32] = "a", b[32] = "b";
	static const u8 members[3] = { 1, 2, 3 }, others[3] = { 1, 2, 4 };
	u64 id = raftlog_cluster_id(a, sizeof(a), members, sizeof(members));

	KUNIT_EXPECT_TRUE(test, id != 0);
	KUNIT_EXPECT_EQ(test, id,
			raftlog_cluster_id(a, sizeof(a), members,
					   sizeof(members)));
	KUNIT_EXPECT_TRUE(test, id != raftlog_cluster_id(b, sizeof(b), members,
							 sizeof(members)));
	KUNIT_EXPECT_TRUE(test, id != raftlog_cluster_id(a, sizeof(a), others,
							 sizeof(others)));
	KUNIT_EXPECT_TRUE(test, id != raftlog_cluster_id(a, sizeof(a), members,
							 2));
}

/* The value is on disks and in datagrams: FNV-1a, and it stays that. */
static void cluster_id_is_fnv_1a(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, raftlog_cluster_id("", 0, "", 0),
			0xcbf29ce484222325ull);
	KUNIT_EXPECT_EQ(test, raftlog_cluster_id("foo", 3, "bar", 3),
			0x85944171f73967e8ull);
}

/* Runs */

enum {
	MAX_RUNS = 8,
};

static void init_runs(struct raftlog_runs *runs, struct raftlog_run *table)
{
	memset(runs, 0, sizeof(*runs));
	runs->runs = table;
	runs->max_runs = MAX_RUNS;
}

/*
 * index  1  2  3  4  5  6  7
 * term   1  2  2  2  3  3  3
 */
static void fill_runs(struct raftlog_runs *runs, struct raftlog_run *table)
{
	static const u64 terms[] = { 1, 2, 2, 2, 3, 3, 3 };
	u32 i;

	init_runs(runs, table);
	for (i = 0; i < ARRAY_SIZE(terms); i++)
		raftlog_runs_append(runs, i + 1, terms[i]);
}

static void runs_know_terms(struct kunit *test)
{
	static const u64 terms[] = { 0, 1, 2, 2, 2, 3, 3, 3, 0 };
	static const u64 lasts[] = { 0, 1, 4, 4, 4, 7, 7, 7, 0 };
	struct raftlog_run table[MAX_RUNS];
	struct raftlog_runs runs;
	u32 i;

	fill_runs(&runs, table);
	KUNIT_EXPECT_EQ(test, runs.n_runs, 3u);
	for (i = 0; i < ARRAY_SIZE(terms); i++) {
		KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, i), terms[i]);
		KUNIT_EXPECT_EQ(test, raftlog_runs_last(&runs, i), lasts[i]);
	}
}

static void runs_replace_a_suffix(struct kunit *test)
{
	struct raftlog_run table[MAX_RUNS];
	struct raftlog_runs runs;

	fill_runs(&runs, table);
	/* In the middle of a run: what is before it stays. */
	raftlog_runs_append(&runs, 4, 4);
	KUNIT_EXPECT_EQ(test, runs.end_index, 5ull);
	KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, 3), 2ull);
	KUNIT_EXPECT_EQ(test, raftlog_runs_last(&runs, 2), 3ull);
	KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, 4), 4ull);
	KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, 5), 0ull);
	/* At the start of a run, by the term of the one before. */
	raftlog_runs_append(&runs, 4, 2);
	KUNIT_EXPECT_EQ(test, runs.n_runs, 2u);
	KUNIT_EXPECT_EQ(test, raftlog_runs_last(&runs, 2), 4ull);
}

static void runs_may_be_empty(struct kunit *test)
{
	struct raftlog_run table[MAX_RUNS];
	struct raftlog_runs runs;

	init_runs(&runs, table);
	KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, 1), 0ull);
	KUNIT_EXPECT_EQ(test, raftlog_runs_last(&runs, 1), 0ull);
	/* A log whose beginning is gone. */
	raftlog_runs_append(&runs, 100, 9);
	KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, 99), 0ull);
	KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, 100), 9ull);
}

/* Kinds */

enum {
	MAX_KINDS = 4096,
	MAX_KIND_WORDS = MAX_KINDS / RAFTLOG_KINDS_WORD_BITS,
	MIN_KIND_WORDS = RAFTLOG_KINDS_BITS_MIN / RAFTLOG_KINDS_WORD_BITS,
};

static void init_kinds(struct kunit *test, struct raftlog_kinds *kinds,
		       u64 *bits, u8 before)
{
	memset(kinds, 0, sizeof(*kinds));
	/* Whatever was there before. */
	memset(bits, before, MIN_KIND_WORDS * sizeof(*bits));
	KUNIT_EXPECT_TRUE(test, !raftlog_kinds_move(kinds, bits,
						    RAFTLOG_KINDS_BITS_MIN));
}

static void kinds_tell_the_last_of_a_user(struct kunit *test)
{
	/* Sessions that are opened, and one of them used. */
	static const bool users[] = { 0, 1, 0, 0, 1, 0, 0, 0 };
	/* Once so many are committed. */
	static const u64 lasts[] = { 0, 0, 2, 2, 2, 5, 5, 5, 5 };
	u64 bits[MIN_KIND_WORDS];
	struct raftlog_kinds kinds;
	u64 from, to, i;

	for (from = 0; from <= ARRAY_SIZE(users); from++) {
		for (to = from; to <= ARRAY_SIZE(users); to++) {
			u64 last = lasts[to] > from ? lasts[to] : 0;

			init_kinds(test, &kinds, bits, from % 2 ? 0xff : 0);
			for (i = 0; i < ARRAY_SIZE(users); i++)
				raftlog_kinds_append(&kinds, i + 1, users[i]);
			raftlog_kinds_commit(&kinds, from);
			KUNIT_EXPECT_EQ(test, raftlog_kinds_commit(&kinds, to),
					last);
		}
	}
}

static void kinds_of_what_replaces(struct kunit *test)
{
	u64 bits[MIN_KIND_WORDS];
	struct raftlog_kinds kinds;
	u64 i;

	init_kinds(test, &kinds, bits, 0xff);
	for (i = 1; i <= 200; i++)
		raftlog_kinds_append(&kinds, i, i == 3 || i > 100);
	KUNIT_EXPECT_EQ(test, raftlog_kinds_commit(&kinds, 50), 3ull);
	/* Another leader has nothing of a user there. */
	for (i = 51; i <= 150; i++)
		raftlog_kinds_append(&kinds, i, false);
	KUNIT_EXPECT_EQ(test, kinds.end_index, 151ull);
	KUNIT_EXPECT_EQ(test, raftlog_kinds_commit(&kinds, 149), 0ull);
	raftlog_kinds_append(&kinds, 150, true);
	KUNIT_EXPECT_EQ(test, raftlog_kinds_commit(&kinds, 150), 150ull);
	/* The log begins anew behind what a leader has. */
	raftlog_kinds_append(&kinds, 151, true);
	raftlog_kinds_reset(&kinds, 1000);
	KUNIT_EXPECT_EQ(test, raftlog_kinds_commit(&kinds, 1000), 0ull);
	raftlog_kinds_append(&kinds, 1001, false);
	KUNIT_EXPECT_EQ(test, raftlog_kinds_commit(&kinds, 1001), 0ull);
}

/* None in some words. */
static bool is_user(u64 index)
{
	return index % 7 == 3 && index % 640 < 400;
}

static u64 last_user(u64 first, u64 last)
{
	while (last >= first && !is_user(last))
		last--;
	return last >= first ? last : 0;
}

/* However long a log is: no more room than what is under way takes. */
static void kinds_take_no_room_for_what_is_committed(struct kunit *test)
{
	u64 bits[MIN_KIND_WORDS];
	struct raftlog_kinds kinds;
	u64 i, j;

	init_kinds(test, &kinds, bits, 0xff);
	for (i = 1; i <= 50000; i += RAFTLOG_KINDS_BITS_MIN - 64) {
		u64 end = i + RAFTLOG_KINDS_BITS_MIN - 64;

		KUNIT_ASSERT_EQ(test, raftlog_kinds_bits(&kinds, end - 1),
				(u64)RAFTLOG_KINDS_BITS_MIN);
		for (j = i; j < end; j++)
			raftlog_kinds_append(&kinds, j, is_user(j));
		KUNIT_ASSERT_EQ(test, raftlog_kinds_commit(&kinds, end - 1),
				last_user(i, end - 1));
	}
}

/* A restart: nothing is known to be committed, and then, somewhere in it, something. */
static void kinds_grow_and_shrink(struct kunit *test)
{
	static u64 bits[2][MAX_KIND_WORDS];
	struct raftlog_kinds kinds = { 0 };
	u64 n_bits, i;
	u32 n = 0;

	raftlog_kinds_reset(&kinds, 1000);
	for (i = 1001; i <= 3975; i++) {
		n_bits = raftlog_kinds_bits(&kinds, i);
		if (n_bits > kinds.n_bits) {
			KUNIT_ASSERT_TRUE(test, n_bits <= MAX_KINDS);
			memset(bits[n], 0, sizeof(bits[n]));
			raftlog_kinds_move(&kinds, bits[n], n_bits);
			n = !n;
		}
		raftlog_kinds_append(&kinds, i, is_user(i));
	}
	for (i = 1100; i < 3975; i += 100) {
		KUNIT_EXPECT_EQ(test, raftlog_kinds_commit(&kinds, i),
				last_user(i - 99, i));
		n_bits = raftlog_kinds_bits(&kinds, kinds.end_index);
		if (n_bits < kinds.n_bits) {
			memset(bits[n], 0, sizeof(bits[n]));
			raftlog_kinds_move(&kinds, bits[n], n_bits);
			n = !n;
		}
	}
	KUNIT_EXPECT_EQ(test, raftlog_kinds_commit(&kinds, 3975),
			last_user(3970, 3975));
	KUNIT_EXPECT_EQ(test, kinds.n_bits, (u64)RAFTLOG_KINDS_BITS_MIN);
}

/* SET */

static struct raftlog_start running(struct kunit *test)
{
	struct raftlog_start start = valid_start();

	KUNIT_ASSERT_EQ(test, raftlog_start_check(&start), 0);
	return start;
}

static void set_changes_what_is_named(struct kunit *test)
{
	struct raftlog_start start = running(test), before = start;
	struct raftlog_set set = {
		.fields = RAFTLOG_SET_ELECTION_TIMEOUT |
			  RAFTLOG_SET_CACHE_BYTES |
			  RAFTLOG_SET_HEARTBEAT_INTERVAL |
			  RAFTLOG_SET_RETAIN_BYTES |
			  RAFTLOG_SET_SNAPSHOT_TRAILING,
		.election_timeout_ms = 2000,
		.cache_bytes = 4096,
		.retain_bytes = 1 << 20,
		.snapshot_trailing = 7,
		/* The default: a tenth of the timeout as it is to be. */
		.heartbeat_interval_ms = 0,
	};

	KUNIT_ASSERT_EQ(test, raftlog_set_check(&start, &set, 64), 0);
	KUNIT_EXPECT_EQ(test, start.election_timeout_ms, 2000u);
	KUNIT_EXPECT_EQ(test, start.heartbeat_interval_ms, 200u);
	KUNIT_EXPECT_EQ(test, start.cache_bytes, 4096ull);
	KUNIT_EXPECT_EQ(test, start.retain_bytes, 1ull << 20);
	KUNIT_EXPECT_EQ(test, start.retain_entries, 0ull);
	KUNIT_EXPECT_EQ(test, start.snapshot_trailing, 7ull);
	KUNIT_EXPECT_EQ(test, start.snapshot_bytes_per_s,
			before.snapshot_bytes_per_s);
	KUNIT_EXPECT_EQ(test, start.append_timeout_ms,
			before.append_timeout_ms);
	KUNIT_EXPECT_EQ(test, start.inflight_bytes, before.inflight_bytes);
	raftlog_set_report(&set, &start);
	KUNIT_EXPECT_EQ(test, set.heartbeat_interval_ms, 200u);
	KUNIT_EXPECT_EQ(test, set.inflight_messages, 64u);
	KUNIT_EXPECT_EQ(test, set.append_timeout_ms, 10000u);
	KUNIT_EXPECT_EQ(test, set.retain_bytes, 1ull << 20);

	/* Back to the defaults. */
	set = (struct raftlog_set){ .fields = RAFTLOG_SET_ALL };
	set.inflight_messages = 64;
	KUNIT_ASSERT_EQ(test, raftlog_set_check(&start, &set, 64), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&start, &before, sizeof(start)), 0);
}

static void recovery_is_asked_for_exactly(struct kunit *test)
{
	const struct raftlog_recover valid = {
		.node_id = 1, .wal_fd = 3, .n_members = 32, .members = 0x1000,
		.member_bytes = sizeof(struct raftlog_member),
		.snapshot_fd = { -1, -1 },
	};
	struct raftlog_recover recover = valid;

	KUNIT_EXPECT_EQ(test, raftlog_recover_check(&recover), 0);
	recover.flags = RAFTLOG_RECOVER_F_ALL;
	KUNIT_EXPECT_EQ(test, raftlog_recover_check(&recover), 0);
	recover.flags = RAFTLOG_RECOVER_F_ALL + 1;
	KUNIT_EXPECT_EQ(test, raftlog_recover_check(&recover), -EINVAL);
	recover = valid;
	recover.node_id = 0;
	KUNIT_EXPECT_EQ(test, raftlog_recover_check(&recover), -EINVAL);
	recover = valid;
	recover.wal_fd = -1;
	KUNIT_EXPECT_EQ(test, raftlog_recover_check(&recover), -EINVAL);
	recover = valid;
	recover.snapshot_fd[0] = 4;
	KUNIT_EXPECT_EQ(test, raftlog_recover_check(&recover), -EINVAL);
	recover.snapshot_fd[1] = 4;
	KUNIT_EXPECT_EQ(test, raftlog_recover_check(&recover), -EINVAL);
	recover.snapshot_fd[1] = 5;
	KUNIT_EXPECT_EQ(test, raftlog_recover_check(&recover), 0);
	/* What is there for an answer. */
	recover = valid;
	recover.new_cluster_id = 1;
	KUNIT_EXPECT_EQ(test, raftlog_recover_check(&recover), -EINVAL);
	recover = valid;
	recover.__reserved = 1;
	KUNIT_EXPECT_EQ(test, raftlog_recover_check(&recover), -EINVAL);
}

static void set_is_refused_as_a_whole(struct kunit *test)
{
	static const struct raftlog_set bad[] = {
		/* Half of the timeout that stays, and more. */
		{ .fields = RAFTLOG_SET_HEARTBEAT_INTERVAL,
		  .heartbeat_interval_ms = 251 },
		/* The heartbeat that stays is more than half of this. */
		{ .fields = RAFTLOG_SET_ELECTION_TIMEOUT,
		  .election_timeout_ms = 99 },
		{ .fields = RAFTLOG_SET_ELECTION_TIMEOUT,
		  .election_timeout_ms = 600001 },
		{ .fields = RAFTLOG_SET_INFLIGHT_MESSAGES,
		  .inflight_messages = 65 },
		/* The first is good, the second is not. */
		{ .fields = RAFTLOG_SET_APPEND_TIMEOUT |
			    RAFTLOG_SET_HEARTBEAT_INTERVAL,
		  .append_timeout_ms = 1, .heartbeat_interval_ms = 300 },
		{ .fields = RAFTLOG_SET_ALL + 1 },
		{ .flags = 1 },
		{ .heartbeat_interval_ms = 40 },
		{ .cache_bytes = 1 },
		{ .retain_entries = 1 },
		{ .snapshot_bytes_per_s = 1 },
		{ .__reserved = { 0, 0, 1 } },
	};
	struct raftlog_start start = running(test), before = start;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ(test, raftlog_set_check(&start, &bad[i], 64),
				-EINVAL);
		KUNIT_EXPECT_EQ(test, memcmp(&start, &before, sizeof(start)), 0);
	}
}

static void runs_begin_behind_what_went(struct kunit *test)
{
	struct raftlog_run table[MAX_RUNS];
	struct raftlog_runs runs;
	u64 i;

	init_runs(&runs, table);
	KUNIT_EXPECT_EQ(test, raftlog_runs_first(&runs), 1ull);
	for (i = 1; i <= 9; i++)
		raftlog_runs_append(&runs, i, 1 + i / 4);
	/* Within a run. */
	raftlog_runs_base(&runs, 5);
	KUNIT_EXPECT_EQ(test, raftlog_runs_first(&runs), 6ull);
	KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, 5), 0ull);
	KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, 6), 2ull);
	KUNIT_EXPECT_EQ(test, raftlog_runs_last(&runs, 6), 7ull);
	/* All of them, and then some more come. */
	raftlog_runs_base(&runs, 9);
	KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, 9), 0ull);
	KUNIT_EXPECT_EQ(test, runs.end_index, 10ull);
	raftlog_runs_append(&runs, 10, 7);
	KUNIT_EXPECT_EQ(test, raftlog_runs_term(&runs, 10), 7ull);
	/* Far behind all that there is. */
	raftlog_runs_base(&runs, 99);
	KUNIT_EXPECT_EQ(test, raftlog_runs_first(&runs), 100ull);
	KUNIT_EXPECT_EQ(test, runs.end_index, 100ull);
}

/* As many as there were elections, whatever is in the log. */
static void runs_are_as_many_as_terms(struct kunit *test)
{
	struct raftlog_run table[MAX_RUNS];
	struct raftlog_runs runs;
	u64 i;

	init_runs(&runs, table);
	for (i = 1; i <= 100000; i++) {
		raftlog_runs_append(&runs, i, 1 + i / 20000);
		KUNIT_ASSERT_TRUE(test, runs.n_runs <= 1 + i / 20000);
	}
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(start_fills_in_defaults),
	KUNIT_CASE(start_derives_the_heartbeat),
	KUNIT_CASE(set_changes_what_is_named),
	KUNIT_CASE(set_is_refused_as_a_whole),
	KUNIT_CASE(recovery_is_asked_for_exactly),
	KUNIT_CASE(start_keeps_what_is_given),
	KUNIT_CASE(start_joins),
	KUNIT_CASE(start_insecure),
	KUNIT_CASE(set_key_checked),
	KUNIT_CASE_PARAM(start_refuses, refusal_gen_params),
	KUNIT_CASE(address_goes_there_and_back),
	KUNIT_CASE(address_refuses),
	KUNIT_CASE(members_are_sorted),
	KUNIT_CASE(members_refuse),
	KUNIT_CASE(changes_are_translated),
	KUNIT_CASE(changes_may_promote),
	KUNIT_CASE(changes_refuse),
	KUNIT_CASE(cluster_id_tells_clusters_apart),
	KUNIT_CASE(cluster_id_is_fnv_1a),
	KUNIT_CASE(kinds_tell_the_last_of_a_user),
	KUNIT_CASE(kinds_of_what_replaces),
	KUNIT_CASE(kinds_take_no_room_for_what_is_committed),
	KUNIT_CASE(kinds_grow_and_shrink),
	KUNIT_CASE(runs_are_as_many_as_terms),
	KUNIT_CASE(runs_know_terms),
	KUNIT_CASE(runs_replace_a_suffix),
	KUNIT_CASE(runs_may_be_empty),
	KUNIT_CASE(runs_begin_behind_what_went),
	{}
};

struct kunit_suite raftlog_device_suite = {
	.name = "raftlog_device",
	.test_cases = device_cases,
};
