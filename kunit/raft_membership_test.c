// SPDX-License-Identifier: GPL-2.0
/* Changes of the members while they work: joint consensus. See PEERS.rst. */
#include "raft_network.h"
#include "suites.h"

enum { OTHER_DISK = 0x2000 };

#define ADD(i, f)                                                   \
	{                                                           \
		.type = RAFT_CHANGE_ADD, .id = (i), .flags = (f),   \
		.address = { .family = 4, .ip = { 0, 0, 0, (i) } }, \
	}
#define PROMOTE(i)                                     \
	{                                              \
		.type = RAFT_CHANGE_PROMOTE, .id = (i) \
	}
#define DEMOTE(i, f)                                                 \
	{                                                            \
		.type = RAFT_CHANGE_DEMOTE, .id = (i), .flags = (f), \
	}
#define REMOVE(i)                                     \
	{                                             \
		.type = RAFT_CHANGE_REMOVE, .id = (i) \
	}
#define SET_ADDRESS(i, a)                                           \
	{                                                           \
		.type = RAFT_CHANGE_SET_ADDRESS, .id = (i),         \
		.address = { .family = 4, .ip = { 0, 0, 0, (a) } }, \
	}
#define REPLACE(i, j)                                               \
	{                                                           \
		.type = RAFT_CHANGE_REPLACE, .id = (i), .new_id = (j), \
		.address = { .family = 4, .ip = { 0, 0, 0, (j) } }, \
	}

#define AUTO RAFT_MEMBER_F_AUTO_PROMOTE

static int change_one(struct network *net, u32 id, struct raft_change change)
{
	return network_change(net, id, &change, 1);
}

#define change(net, id, ...) \
	change_one(net, id, (struct raft_change)__VA_ARGS__)

/* The members as @id knows them: "12l3", joint "12l3/12"; a learner is l. */
static const char *members(struct network *net, u32 id)
{
	const struct raft_configuration *c =
		raft_configuration(network_server(net, id)->r);
	char *text = kunit_kzalloc(net->test, NETWORK_TEXT, GFP_KERNEL);
	u32 i, n = 0, half;

	KUNIT_ASSERT_NOT_NULL(net->test, text);
	for (half = 0; half <= c->joint; half++) {
		if (half)
			text[n++] = '/';
		for (i = 0; i < c->n_members; i++) {
			u8 kind = half ? c->members[i].old_kind :
					 c->members[i].kind;

			if (kind == RAFT_ABSENT)
				continue;
			if (kind == RAFT_NON_VOTER)
				text[n++] = 'l';
			text[n++] = '0' + (char)c->members[i].id;
		}
	}
	return text;
}

static void expect_members(struct network *net, const char *expected)
{
	u32 id;

	EACH_SERVER(id, net)
		if (!net->nodes[id - 1].stopped)
			KUNIT_EXPECT_STREQ(net->test, members(net, id),
					   expected);
}

/* A cluster of @n that server 1 leads. */
static struct network *led(struct kunit *test, u32 n)
{
	struct network *net = network_new(test, n, 0);

	network_elect(net, 1);
	network_pass(net, FIXTURE_HEARTBEAT_NS);
	return net;
}

static void pass(struct network *net)
{
	network_pass(net, 3 * FIXTURE_HEARTBEAT_NS);
}

struct joint_case {
	const char *members; /* as members(), ids 1 … */
	const char *holders;
	bool quorum;
};

/* etcd: quorum/testdata/joint_commit.txt, joint_vote.txt */
static const struct joint_case joint_cases[] = {
	{ "123/123", "12", true },
	{ "123/123", "1", false },
	{ "123/345", "12", false }, /* all that C_new takes */
	{ "123/345", "45", false }, /* all that C_old takes */
	{ "123/345", "13", false },
	{ "123/345", "134", true },
	{ "123/345", "1245", true },
	{ "1/2", "1", false },
	{ "1/2", "2", false },
	{ "1/2", "12", true },
	{ "123/45", "1234", false },
	{ "123/45", "1245", true },
	{ "12345/1", "123", true },
	{ "12345/1", "2345", false },
	{ "12345/1", "12", false },
	{ "1234/12", "124", true },
	{ "1234/12", "134", false },
	{ "12/1l2", "1", false }, /* a learner's word does not count */
	{ "1l2/12", "12", true },
	{ "1l2l3/123", "12", true },
	{ "1l2l3/123", "23", false },
	{ "1l2l3/123", "1", false },
};

static void describe_joint(const struct joint_case *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s on %s", c->members,
		 c->holders);
}

KUNIT_ARRAY_PARAM(joint, joint_cases, describe_joint);

static void set_joint(struct kunit *test, struct raft *r, const char *text)
{
	struct raft_configuration *c =
		kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	u8 kind = RAFT_VOTER;
	bool old = false;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->joint = true;
	c->n_members = 5;
	for (i = 0; i < 5; i++) {
		c->members[i].id = i + 1;
		c->members[i].kind = RAFT_ABSENT;
		c->members[i].old_kind = RAFT_ABSENT;
		c->members[i].incarnation = FIXTURE_INCARNATION + i + 1;
	}
	for (; *text; text++) {
		struct raft_member *member = &c->members[*text - '1'];

		if (*text == '/') {
			old = true;
		} else if (*text == 'l') {
			kind = RAFT_NON_VOTER;
		} else {
			if (old)
				member->old_kind = kind;
			else
				member->kind = kind;
			kind = RAFT_VOTER;
		}
	}
	raft_set_configuration(r, c, 1);
}

/* 4.3: agreement takes a majority of the old and one of the new. */
static void joint_takes_both_majorities(struct kunit *test)
{
	const struct joint_case *c = test->param_value;
	struct server *s = server_started(test, 5);
	u64 values[RAFT_MEMBERS_MAX] = {};
	const char *holder;
	u32 set = 0;

	set_joint(test, s->r, c->members);
	for (holder = c->holders; *holder; holder++) {
		set |= 1u << (*holder - '1');
		values[*holder - '1'] = 7;
	}
	KUNIT_EXPECT_EQ(test, raft_is_quorum(s->r, set), c->quorum);
	KUNIT_EXPECT_EQ(test, raft_quorum_value(s->r, values),
			c->quorum ? 7ull : 0ull);
}

static void joint_configuration_round_trip(struct kunit *test)
{
	static const char *const joint[] = { "123/345", "1l2/12", "1/2345",
					     "l1234/1l25" };
	struct server *s = server_started(test, 5);
	struct raft_configuration *out =
		kunit_kzalloc(test, sizeof(*out), GFP_KERNEL);
	u8 *bytes = kunit_kzalloc(test, RAFT_CONFIGURATION_BYTES_MAX,
				  GFP_KERNEL);
	u32 i, k;

	KUNIT_ASSERT_NOT_NULL(test, out);
	KUNIT_ASSERT_NOT_NULL(test, bytes);
	for (i = 0; i < ARRAY_SIZE(joint); i++) {
		struct raft_configuration *c = &s->r->configuration;
		u32 n = 0;
		int written;

		set_joint(test, s->r, joint[i]);
		for (k = 0; k < c->n_members; k++) {
			struct raft_member member = c->members[k];

			if (member.kind == RAFT_ABSENT &&
			    member.old_kind == RAFT_ABSENT)
				continue;
			member.address.family = 4;
			if (!raft_is_voter(s->r, k))
				member.incarnation = 0;
			c->members[n++] = member;
		}
		memset(c->members + n, 0,
		       (c->n_members - n) * sizeof(*c->members));
		c->n_members = n;
		KUNIT_EXPECT_EQ(test, raft_configuration_check(c), 0);
		written = raft_configuration_encode(
			c, bytes, RAFT_CONFIGURATION_BYTES_MAX);
		KUNIT_ASSERT_GT(test, written, 0);
		KUNIT_ASSERT_EQ(test,
				raft_configuration_decode(out, bytes, written),
				0);
		KUNIT_EXPECT_EQ(test, memcmp(out, c, sizeof(*c)), 0);
		/* Nobody is in neither of the two. */
		c->members[0].kind = RAFT_ABSENT;
		c->members[0].old_kind = RAFT_ABSENT;
		KUNIT_EXPECT_EQ(test, raft_configuration_check(c), -EINVAL);
	}
}

/* TestSingleNodeAddLearner ff.: it joins with nothing, and has all of it. */
static void learner_joins_with_an_empty_log(struct kunit *test)
{
	struct network *net = led(test, 3);
	struct raft_proposal p = { .bytes = 10 };

	network_propose(net, 2, &p);
	network_add(net);
	pass(net);
	KUNIT_EXPECT_STREQ(test, network_logs(net), "122| 122| 122| ");
	KUNIT_EXPECT_EQ(test, change(net, 1, ADD(4, 0)), 0);
	pass(net);
	expect_members(net, "123l4");
	KUNIT_EXPECT_STREQ(test, network_roles(net), "L2 F2 F2 l2");
	network_expect_agreed(net);
	/* Until somebody says otherwise. */
	network_pass(net, 3 * FIXTURE_ELECTION_NS);
	expect_members(net, "123l4");
	KUNIT_EXPECT_EQ(test, change(net, 1, PROMOTE(4)), 0);
	KUNIT_EXPECT_STREQ(test, members(net, 1), "1234/123l4");
	pass(net);
	expect_members(net, "1234");
	KUNIT_EXPECT_STREQ(test, network_roles(net), "L2 F2 F2 F2");
	network_expect_agreed(net);
}

static void learner_that_caught_up_is_promoted(struct kunit *test)
{
	struct network *net = led(test, 1);
	struct raft_proposal p = { .bytes = 10 };

	network_add(net);
	network_add(net);
	KUNIT_EXPECT_EQ(test, change(net, 1, ADD(2, AUTO)), 0);
	pass(net);
	pass(net);
	KUNIT_EXPECT_STREQ(test, members(net, 1), "12");
	/* One that does not answer has caught up with nothing. */
	network_isolate(net, 3);
	KUNIT_EXPECT_EQ(test, change(net, 1, ADD(3, AUTO)), 0);
	network_pass(net, 5 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_STREQ(test, members(net, 2), "12l3");
	network_heal(net);
	pass(net);
	pass(net);
	expect_members(net, "123");
	KUNIT_EXPECT_STREQ(test, network_roles(net), "L2 F2 F2");
	/* Its vote counts. */
	network_stop(net, 2);
	network_propose(net, 1, &p);
	pass(net);
	KUNIT_EXPECT_EQ(test, p.result, 0);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
}

struct refusal {
	const char *name;
	struct raft_change changes[3];
	u32 n;
	int result;
};

static const struct refusal refusals[] = {
	{ "id is taken", { ADD(2, 0) }, 1, -EEXIST },
	{ "address is taken", { SET_ADDRESS(2, 3) }, 1, -EEXIST },
	{ "id 0", { ADD(0, 0) }, 1, -EINVAL },
	{ "unknown flag", { ADD(4, 0x80) }, 1, -EINVAL },
	{ "unknown type", { { .type = 77, .id = 2 } }, 1, -EINVAL },
	{ "no such member", { REMOVE(4) }, 1, -ENOENT },
	{ "nothing to replace", { REPLACE(4, 5) }, 1, -ENOENT },
	{ "it has a vote", { PROMOTE(2) }, 1, -EALREADY },
	{ "it listens there", { SET_ADDRESS(2, 2) }, 1, -EALREADY },
	{ "and back", { ADD(4, 0), REMOVE(4) }, 2, -EALREADY },
	{ "nothing", {}, 0, -EALREADY },
	{ "no voter left", { REMOVE(1), REMOVE(2), REMOVE(3) }, 3, -EINVAL },
	{ "only learners", { DEMOTE(1, 0), DEMOTE(2, 0), DEMOTE(3, 0) }, 3,
	  -EINVAL },
	{ "a vote at once", { ADD(4, 0), PROMOTE(4) }, 2, -EINPROGRESS },
	{ "a disk in exchange", { DEMOTE(2, 0), PROMOTE(2) }, 2, -EALREADY },
	{ "the last is wrong", { REMOVE(2), REMOVE(4) }, 2, -ENOENT },
};

static void describe_refusal(const struct refusal *c, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", c->name);
}

KUNIT_ARRAY_PARAM(refusal, refusals, describe_refusal);

static void change_is_refused(struct kunit *test)
{
	const struct refusal *c = test->param_value;
	struct network *net = led(test, 3);

	KUNIT_EXPECT_EQ(test, network_change(net, 1, c->changes, c->n),
			c->result);
	pass(net);
	expect_members(net, "123");
	KUNIT_EXPECT_STREQ(test, network_logs(net), "12| 12| 12|");
}

static bool no_append(struct network *net, const struct raft_message *message)
{
	return message->type == RAFT_APPEND_ENTRIES;
}

/*
 * The field's known failure: a leader that has committed nothing of its own term
 * may have a configuration in its log that another leader has replaced.
 */
static void change_before_own_term_commit_is_refused(struct kunit *test)
{
	struct network *net = network_new(test, 3, 0);

	network_silence(net, FIXTURE_ELECTION_NS);
	net->loses = no_append;
	network_time_out(net, 1);
	network_settle(net);
	KUNIT_EXPECT_STREQ(test, network_roles(net), "L2 F2 F2");
	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(3)), -EBUSY);
	network_heal(net);
	pass(net);
	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(3)), 0);
	/* And one at a time. */
	KUNIT_EXPECT_EQ(test, change(net, 1, SET_ADDRESS(2, 9)), -EBUSY);
	pass(net);
	KUNIT_EXPECT_STREQ(test, members(net, 2), "12");
	KUNIT_EXPECT_EQ(test, change(net, 1, SET_ADDRESS(2, 9)), 0);
	KUNIT_EXPECT_EQ(test, change(net, 2, SET_ADDRESS(2, 8)), -EREMOTE);
}

static void voters_to_be_must_answer(struct kunit *test)
{
	struct network *net = led(test, 5);

	network_stop(net, 4);
	network_stop(net, 5);
	network_pass(net, 2 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_STREQ(test, network_roles(net), "L2 F2 F2 - -");
	/* 1 of three would be left. */
	KUNIT_EXPECT_EQ(test,
			network_change(net, 1,
				       (struct raft_change[]){ REMOVE(2),
							       REMOVE(3) },
				       2),
			-EHOSTUNREACH);
	KUNIT_EXPECT_EQ(test,
			network_change(net, 1,
				       (struct raft_change[]){ REMOVE(4),
							       REMOVE(5) },
				       2),
			0);
	pass(net);
	expect_members(net, "123");
}

static bool timeout_now(struct network *net, const struct raft_message *message)
{
	return message->type == RAFT_TIMEOUT_NOW;
}

/* 4.2.2: it goes on until C_new is committed, without counting itself. */
static void removed_leader_hands_over(struct kunit *test)
{
	struct network *net = led(test, 3);

	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(1)), 0);
	pass(net);
	KUNIT_EXPECT_STREQ(test, members(net, 2), "23");
	/* Once its lease is over, and before anybody's timer is. */
	network_silence(net, FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->role,
			(u8)RAFT_LEARNER);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->reason,
			(u8)RAFT_REASON_TRANSFERRED);
	KUNIT_EXPECT_TRUE(test,
			  network_server(net, 2)->r->role == RAFT_LEADER ||
			  network_server(net, 3)->r->role == RAFT_LEADER);
}

static void removed_leader_steps_down(struct kunit *test)
{
	struct network *net = led(test, 3);
	struct raft_proposal p = { .bytes = 10 };

	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(1)), 0);
	net->loses = timeout_now;
	network_pass(net, 3 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_STREQ(test, members(net, 2), "23");
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->role,
			(u8)RAFT_LEARNER);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->reason,
			(u8)RAFT_REASON_MEMBERSHIP);
	if (network_server(net, 2)->r->role != RAFT_LEADER)
		network_elect(net, 2);
	network_propose(net, 3, &p);
	network_settle(net);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
	KUNIT_EXPECT_STREQ(test, members(net, 3), "23");
	/* What it hears from others it may not even know any more. */
	network_pass(net, 5 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->hard_state.current_term,
			2ull);
}

static bool from_or_to_new(struct network *net,
			   const struct raft_message *message)
{
	return message->to == 2 || message->from == 2;
}

/* It would be able to, without itself; with itself it must not. */
static void removed_leader_does_not_count_itself(struct kunit *test)
{
	struct network *net = led(test, 3);
	u64 commit;

	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(1)), 0);
	commit = network_server(net, 1)->r->commit_index;
	/* C_old,new needs 2 and 3 in C_new. */
	net->loses = from_or_to_new;
	network_settle(net);
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->commit_index, commit);
	KUNIT_EXPECT_STREQ(test, members(net, 1), "23/123");
	network_heal(net);
	pass(net);
	KUNIT_EXPECT_STREQ(test, members(net, 3), "23");
}

/* All at once, which takes joint consensus. */
static void all_members_are_replaced_at_once(struct kunit *test)
{
	static const struct raft_change add[] = { ADD(4, 0), ADD(5, 0),
						  ADD(6, 0) };
	static const struct raft_change swap[] = {
		PROMOTE(4), PROMOTE(5), PROMOTE(6),
		REMOVE(1),  REMOVE(2),	REMOVE(3),
	};
	struct network *net = led(test, 3);
	struct raft_proposal p = { .bytes = 10 };

	network_add(net);
	network_add(net);
	network_add(net);
	KUNIT_EXPECT_EQ(test, network_change(net, 1, add, 3), 0);
	pass(net);
	expect_members(net, "123l4l5l6");
	KUNIT_EXPECT_EQ(test, network_change(net, 1, swap, 6), 0);
	KUNIT_EXPECT_STREQ(test, members(net, 1), "456/123l4l5l6");
	pass(net);
	network_stop(net, 1);
	network_stop(net, 2);
	network_stop(net, 3);
	network_elect(net, 5);
	network_propose(net, 4, &p);
	network_settle(net);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
	expect_members(net, "456");
}

/* While it is joint, C_old alone elects nobody, nor does C_new. */
static void joint_elects_with_both_majorities(struct kunit *test)
{
	static const struct raft_change swap[] = { PROMOTE(4), PROMOTE(5),
						   REMOVE(2), REMOVE(3) };
	static const struct raft_change add[] = { ADD(4, 0), ADD(5, 0) };
	struct network *net = led(test, 3);
	u32 id;

	network_add(net);
	network_add(net);
	KUNIT_EXPECT_EQ(test, network_change(net, 1, add, 2), 0);
	pass(net);
	/* It is everywhere, and its leader goes without hearing so. */
	KUNIT_EXPECT_EQ(test, network_change(net, 1, swap, 4), 0);
	for (id = 2; id <= 5; id++)
		network_mute(net, id);
	network_settle(net);
	expect_members(net, "145/123l4l5");
	network_heal(net);
	network_stop(net, 1);
	network_stop(net, 4);
	network_silence(net, FIXTURE_ELECTION_NS);
	network_time_out(net, 2);
	network_settle(net);
	KUNIT_EXPECT_STREQ(test, network_roles(net), "- P2 F2 - F2");
	network_heal(net);
	network_stop(net, 1);
	network_stop(net, 2);
	network_silence(net, FIXTURE_ELECTION_NS);
	network_time_out(net, 4);
	network_settle(net);
	KUNIT_EXPECT_STREQ(test, network_roles(net), "- - F2 P2 F2");
	network_heal(net);
	network_stop(net, 1);
	network_elect(net, 4);
	pass(net);
	KUNIT_EXPECT_STREQ(test, members(net, 5), "145");
}

/* TestConfChangeV2 ff., 4.3: who leads next with C_old,new in its log goes on. */
static void next_leader_completes_a_change(struct kunit *test)
{
	struct network *net = led(test, 5);

	KUNIT_EXPECT_EQ(test,
			network_change(net, 1,
				       (struct raft_change[]){ REMOVE(4),
							       REMOVE(5) },
				       2),
			0);
	/* It is everywhere, and the leader never hears so. */
	network_mute(net, 2);
	network_mute(net, 3);
	network_mute(net, 4);
	network_mute(net, 5);
	network_settle(net);
	KUNIT_EXPECT_STREQ(test, members(net, 2), "123/12345");
	network_heal(net);
	network_stop(net, 1);
	network_elect(net, 2);
	pass(net);
	KUNIT_EXPECT_STREQ(test, members(net, 2), "123");
	KUNIT_EXPECT_STREQ(test, members(net, 3), "123");
}

/* 4.1: what was replaced in the log never was. */
static void change_that_is_replaced_is_undone(struct kunit *test)
{
	struct network *net = led(test, 5);

	network_isolate(net, 1);
	network_cut(net, 1, 2);
	KUNIT_EXPECT_EQ(test,
			network_change(net, 1,
				       (struct raft_change[]){ REMOVE(4),
							       REMOVE(5) },
				       2),
			0);
	KUNIT_EXPECT_STREQ(test, members(net, 1), "123/12345");
	network_elect(net, 3);
	pass(net);
	network_heal(net);
	pass(net);
	network_pass(net, 2 * FIXTURE_ELECTION_NS);
	expect_members(net, "12345");
	network_expect_agreed(net);
}

/* The field's known failure, 4.2.3: it hears nothing any more, and wants to lead. */
static void removed_node_that_still_campaigns(struct kunit *test)
{
	struct network *net = led(test, 4);
	u32 i;

	/* It never learns that it is out. */
	network_isolate(net, 4);
	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(4)), 0);
	pass(net);
	network_heal(net);
	for (i = 0; i < 20; i++)
		network_pass(net, FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_STREQ(test, members(net, 4), "1234");
	KUNIT_EXPECT_EQ(test, network_server(net, 1)->r->role,
			(u8)RAFT_LEADER);
	KUNIT_EXPECT_EQ(test,
			network_server(net, 1)->r->hard_state.current_term,
			2ull);
}

/* In one step: the new one gets its vote when the old one loses it. */
static void member_is_replaced(struct kunit *test)
{
	struct network *net = led(test, 3);

	network_add(net);
	network_stop(net, 3);
	network_pass(net, 2 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, change(net, 1, REPLACE(3, 4)), 0);
	pass(net);
	pass(net);
	expect_members(net, "124");
	KUNIT_EXPECT_STREQ(test, network_roles(net), "L2 F2 - F2");
}

/* Until then both stay as they are. */
static void member_is_not_replaced_by_one_that_is_not_there(struct kunit *test)
{
	struct network *net = led(test, 3);

	network_add(net);
	network_stop(net, 4);
	KUNIT_EXPECT_EQ(test, change(net, 1, REPLACE(3, 4)), 0);
	network_pass(net, 5 * FIXTURE_ELECTION_NS);
	expect_members(net, "123l4");
	/* Nor is it to, if somebody says so. */
	KUNIT_EXPECT_EQ(test, change(net, 1, DEMOTE(4, 0)), 0);
	pass(net);
	KUNIT_EXPECT_EQ(test,
			raft_configuration(network_server(net, 2)->r)
				->members[3]
				.replaces,
			0u);
	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(4)), 0);
	pass(net);
	KUNIT_EXPECT_EQ(test, change(net, 1, REPLACE(3, 4)), 0);
	pass(net);
	/* It is not to replace any more what is gone. */
	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(3)), 0);
	pass(net);
	KUNIT_EXPECT_STREQ(test, members(net, 2), "12l4");
	KUNIT_EXPECT_EQ(test,
			raft_configuration(network_server(net, 2)->r)
				->members[2]
				.replaces,
			0u);
}

/* @id comes back with a disk that remembers nothing. */
static void wipe(struct network *net, u32 id)
{
	struct network_node *node = &net->nodes[id - 1];
	struct server *s = server_member(net->test, id, 1, 0);
	static const struct raft_hard_state none;

	raft_set_incarnation(s->r, OTHER_DISK);
	s->now_ns = net->now_ns;
	KUNIT_ASSERT_EQ(net->test,
			raft_restore_hard_state(s->r, &none, FIXTURE_SPACE), 0);
	KUNIT_ASSERT_EQ(net->test, raft_start(s->r, s->now_ns, &s->update), 0);
	server_done(s);
	node->server = s;
	node->last_index = 0;
	node->checked_index = 0;
}

static bool loses_entries_for_2(struct network *net,
				const struct raft_message *message)
{
	return message->to == 2 && message->n_entries;
}

/* What its other disk had caught up with says nothing of the one that it has. */
static void wiped_learner_is_not_caught_up(struct kunit *test)
{
	struct network *net = led(test, 3);
	struct raft *r = network_server(net, 1)->r;
	struct raft_peer_status status;

	KUNIT_ASSERT_EQ(test, change(net, 1, DEMOTE(2, 0)), 0);
	pass(net);
	KUNIT_ASSERT_EQ(test, raft_peer_status(r, 2, &status), 0);
	KUNIT_ASSERT_TRUE(test, status.caught_up);
	wipe(net, 2);
	net->loses = loses_entries_for_2;
	pass(net);
	pass(net);
	KUNIT_EXPECT_EQ(test, change(net, 1, PROMOTE(2)), -EINPROGRESS);
	network_heal(net);
	pass(net);
	pass(net);
	KUNIT_EXPECT_EQ(test, change(net, 1, PROMOTE(2)), 0);
	pass(net);
	expect_members(net, "123");
}

/* The field's known failure: an id with a disk that remembers nothing. */
static void wiped_node_with_an_old_id(struct kunit *test)
{
	struct network *net = led(test, 3);
	struct raft_proposal p = { .bytes = 10 };

	wipe(net, 2);
	network_stop(net, 3);
	network_propose(net, 1, &p);
	pass(net);
	/* It has the entry, and nobody counts it. */
	KUNIT_EXPECT_EQ(test, p.index, 0ull);
	network_heal(net);
	pass(net);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
	/* Out, and in again with the disk that it has. */
	KUNIT_EXPECT_EQ(test, change(net, 1, DEMOTE(2, AUTO)), 0);
	pass(net);
	pass(net);
	expect_members(net, "123");
	KUNIT_EXPECT_EQ(test,
			raft_configuration(network_server(net, 3)->r)
				->members[1]
				.incarnation,
			(u64)OTHER_DISK);
	network_stop(net, 3);
	memset(&p, 0, sizeof(p));
	p.bytes = 10;
	network_propose(net, 1, &p);
	pass(net);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
}

/* What is known of the others stays known when positions move. */
static void peers_keep_their_progress(struct kunit *test)
{
	struct network *net = led(test, 3);
	struct raft_peer_status before, after;
	struct raft *r = network_server(net, 1)->r;

	network_add(net);
	pass(net);
	KUNIT_ASSERT_EQ(test, raft_peer_status(r, 3, &before), 0);
	KUNIT_EXPECT_EQ(test, before.match_index, 2ull);
	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(2)), 0);
	KUNIT_ASSERT_EQ(test, raft_peer_status(r, 3, &after), 0);
	KUNIT_EXPECT_EQ(test, after.match_index, before.match_index);
	KUNIT_EXPECT_EQ(test, after.progress, (u8)RAFT_PROGRESS_REPLICATE);
	KUNIT_EXPECT_EQ(test, after.rtt_ns, before.rtt_ns);
	pass(net);
	KUNIT_EXPECT_EQ(test, raft_peer_status(r, 2, &after), -ENOENT);
	KUNIT_EXPECT_EQ(test, change(net, 1, ADD(2, 0)), 0);
	KUNIT_ASSERT_EQ(test, raft_peer_status(r, 3, &after), 0);
	KUNIT_EXPECT_GE(test, after.match_index, 4ull);
	pass(net);
	KUNIT_ASSERT_EQ(test, raft_peer_status(r, 2, &after), 0);
	KUNIT_EXPECT_TRUE(test, after.caught_up);
}

/* 1 and 2 have all of it, 3 is the witness. */
static struct network *with_witness(struct kunit *test)
{
	struct network *net = led(test, 2);

	network_add(net);
	KUNIT_EXPECT_EQ(test,
			change(net, 1, ADD(3, RAFT_MEMBER_F_WITNESS | AUTO)),
			0);
	pass(net);
	pass(net);
	expect_members(net, "123");
	return net;
}

static void settle_write(struct network *net, u32 id, struct raft_proposal *p)
{
	memset(p, 0, sizeof(*p));
	p->bytes = 10;
	network_propose(net, id, p);
	network_settle(net);
}

static bool to_second(struct network *net, const struct raft_message *message)
{
	return message->to == 2 && message->n_entries;
}

/* What goes to a witness is without what entries say, and there already. */
static void witness_gets_what_others_have(struct kunit *test)
{
	struct network *net = with_witness(test);
	struct server *s = network_server(net, 1);
	const struct raft_send *send;
	struct raft_proposal p = { .bytes = 10 };
	u64 last;

	last = s->r->log.last_index;
	network_propose(net, 1, &p);
	KUNIT_EXPECT_EQ(test, s->r->log.last_index, last + 1);
	network_settle(net);
	KUNIT_EXPECT_EQ(test, p.index, last + 1);
	pass(net);
	network_expect_agreed(net);

	/* The second one is slow: nothing for the third until it is too slow. */
	net->loses = to_second;
	settle_write(net, 1, &p);
	KUNIT_EXPECT_EQ(test, network_server(net, 3)->r->log.last_index,
			last + 1);
	s->now_ns = net->now_ns + FIXTURE_ELECTION_NS / 2;
	server_time(s, 0);
	send = server_sent(s, RAFT_APPEND_ENTRIES, 3);
	KUNIT_ASSERT_NOT_NULL(test, send);
	KUNIT_EXPECT_TRUE(test, send->witness);
	KUNIT_EXPECT_EQ(test, send->last_index, last + 2);
}

/* Two and a witness survive the loss of either. */
static void either_of_two_can_be_lost_with_a_witness(struct kunit *test)
{
	struct network *net = with_witness(test);
	struct raft_proposal p;

	settle_write(net, 1, &p);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
	network_stop(net, 1);
	network_elect(net, 2);
	settle_write(net, 2, &p);
	network_pass(net, FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
	network_heal(net);
	pass(net);
	network_expect_agreed(net);
	/* And now the other one, with what the first missed. */
	network_stop(net, 2);
	network_elect(net, 1);
	settle_write(net, 1, &p);
	network_pass(net, FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
	network_heal(net);
	pass(net);
	network_expect_agreed(net);
}

/* What only one has besides the witness, the other one must not overrule. */
static void witness_refuses_one_that_misses_entries(struct kunit *test)
{
	struct network *net = with_witness(test);
	struct raft_proposal p;

	network_stop(net, 2);
	settle_write(net, 1, &p);
	network_pass(net, FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
	network_heal(net);
	network_stop(net, 1);
	network_silence(net, FIXTURE_ELECTION_NS);
	network_time_out(net, 2);
	network_settle(net);
	KUNIT_EXPECT_STREQ(test, network_roles(net), "- P2 F2");
	/* And it does not stand itself, though it is the one that knows. */
	network_pass(net, 10 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_EQ(test, network_server(net, 3)->r->role,
			(u8)RAFT_FOLLOWER);
	KUNIT_EXPECT_EQ(test,
			network_server(net, 3)->r->hard_state.current_term,
			2ull);
	network_heal(net);
	network_pass(net, 5 * FIXTURE_ELECTION_NS);
	KUNIT_EXPECT_GT(test, p.index, 0ull);
	network_expect_agreed(net);
}

static void witnesses_alone_are_no_group(struct kunit *test)
{
	struct network *net = with_witness(test);
	struct raft_configuration *c =
		&network_server(net, 1)->r->previous_configuration;

	/* Nor are they in every majority alone with one other. */
	*c = *raft_configuration(network_server(net, 1)->r);
	KUNIT_EXPECT_EQ(test, raft_configuration_check(c), 0);
	c->members[1].flags = RAFT_MEMBER_F_WITNESS;
	KUNIT_EXPECT_EQ(test, raft_configuration_check(c), -EINVAL);

	KUNIT_EXPECT_EQ(test,
			network_change(net, 1,
				       (struct raft_change[]){ REMOVE(1),
							       REMOVE(2) },
				       2),
			-EINVAL);
	network_stop(net, 2);
	network_pass(net, 2 * FIXTURE_ELECTION_NS);
	/* 2 would be the only one to lead. */
	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(1)), -EHOSTUNREACH);
}

/* Others that have caught up get their votes, whoever cannot. */
static void learner_that_cannot_be_promoted_holds_up_nobody(struct kunit *test)
{
	struct network *net = with_witness(test);
	struct raft_change replace = REPLACE(2, 4);

	replace.flags = RAFT_MEMBER_F_WITNESS;
	network_add(net);
	network_add(net);
	/* Then two of three would be witnesses. */
	KUNIT_EXPECT_EQ(test, network_change(net, 1, &replace, 1), 0);
	pass(net);
	pass(net);
	KUNIT_EXPECT_STREQ(test, members(net, 1), "123l4");
	KUNIT_EXPECT_EQ(test, change(net, 1, ADD(5, AUTO)), 0);
	pass(net);
	pass(net);
	KUNIT_EXPECT_NULL(test, strstr(members(net, 1), "l5"));
}

/* Its log does not have what entries say, and nobody would know. */
static void witness_does_not_become_more(struct kunit *test)
{
	struct network *net = with_witness(test);
	struct raft_proposal p;

	settle_write(net, 1, &p);
	KUNIT_EXPECT_EQ(test, change(net, 1, REMOVE(3)), 0);
	pass(net);
	KUNIT_EXPECT_EQ(test, change(net, 1, ADD(3, AUTO)), 0);
	pass(net);
	KUNIT_EXPECT_EQ(test, network_server(net, 3)->r->role,
			(u8)RAFT_FAILED);
	KUNIT_EXPECT_STREQ(test, members(net, 1), "12l3");
}

/*
 * Others that the newest configuration leaves out stand until that is committed
 * (4.2.2). A witness does not: nobody could tell what its log says. Found by the
 * simulator, seed 6298951.
 */
static void witness_that_is_left_out_does_not_stand(struct kunit *test)
{
	struct network *net = with_witness(test);
	const struct raft *r = network_server(net, 3)->r;
	struct raft_configuration *without_3 =
		kunit_kzalloc(test, sizeof(*without_3), GFP_KERNEL);
	u8 *encoded = kunit_kzalloc(test, RAFT_CONFIGURATION_BYTES_MAX, GFP_KERNEL);
	struct raft_entry entry = {
		.term = r->hard_state.current_term,
		.type = RAFT_ENTRY_CONFIGURATION,
		.data = encoded,
	};
	const struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES,
		.from = 1,
		.to = 3,
		.term = r->hard_state.current_term,
		.append_entries = {
			.prev_log_index = r->log.last_index,
			.prev_log_term = r->hard_state.current_term,
			.sent_ns = net->now_ns,
		},
		.entries = &entry,
		.n_entries = 1,
	};
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, without_3);
	KUNIT_ASSERT_NOT_NULL(test, encoded);
	*without_3 = *raft_configuration(r);
	without_3->n_members = 2;
	entry.bytes = raft_configuration_encode(without_3, encoded,
						RAFT_CONFIGURATION_BYTES_MAX);
	network_deliver(net, &message);
	KUNIT_ASSERT_STREQ(test, members(net, 3), "12");
	network_settle(net);
	network_stop(net, 1);
	network_silence(net, FIXTURE_ELECTION_NS);
	for (i = 0; i < 3; i++) {
		network_time_out(net, 3);
		network_settle(net);
		KUNIT_EXPECT_STREQ(test, network_roles(net), "- F2 F2");
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(joint_takes_both_majorities, joint_gen_params),
	KUNIT_CASE(joint_configuration_round_trip),
	KUNIT_CASE(learner_joins_with_an_empty_log),
	KUNIT_CASE(learner_that_caught_up_is_promoted),
	KUNIT_CASE_PARAM(change_is_refused, refusal_gen_params),
	KUNIT_CASE(change_before_own_term_commit_is_refused),
	KUNIT_CASE(voters_to_be_must_answer),
	KUNIT_CASE(removed_leader_hands_over),
	KUNIT_CASE(removed_leader_steps_down),
	KUNIT_CASE(removed_leader_does_not_count_itself),
	KUNIT_CASE(all_members_are_replaced_at_once),
	KUNIT_CASE(joint_elects_with_both_majorities),
	KUNIT_CASE(next_leader_completes_a_change),
	KUNIT_CASE(change_that_is_replaced_is_undone),
	KUNIT_CASE(removed_node_that_still_campaigns),
	KUNIT_CASE(member_is_replaced),
	KUNIT_CASE(member_is_not_replaced_by_one_that_is_not_there),
	KUNIT_CASE(wiped_learner_is_not_caught_up),
	KUNIT_CASE(wiped_node_with_an_old_id),
	KUNIT_CASE(peers_keep_their_progress),
	KUNIT_CASE(witness_gets_what_others_have),
	KUNIT_CASE(either_of_two_can_be_lost_with_a_witness),
	KUNIT_CASE(witness_refuses_one_that_misses_entries),
	KUNIT_CASE(witnesses_alone_are_no_group),
	KUNIT_CASE(learner_that_cannot_be_promoted_holds_up_nobody),
	KUNIT_CASE(witness_does_not_become_more),
	KUNIT_CASE(witness_that_is_left_out_does_not_stand),
	{}
};

struct kunit_suite raftlog_raft_membership_suite = {
	.name = "raftlog_raft_membership",
	.test_cases = cases,
};
