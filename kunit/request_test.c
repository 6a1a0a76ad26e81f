// SPDX-License-Identifier: GPL-2.0
/* What the ioctls take, as far as that can be told without a group. */
#include <kunit/test.h>

#include "../kmod/request.h"
#include "../kmod/settings.h"
#include "suites.h"

/* A request in good form: its words that are not 0. */
struct form {
	const char *name;
	unsigned int cmd;
	/* Offset of a reserved field, or of flags. */
	int reserved_at;
	struct {
		u32 at;
		u32 value;
	} words[4];
	/* Of an array's member, where the size of that is said; 0: nowhere. */
	u32 slot_bytes_at;
	u32 slot_bytes;
};

#define AT(type, field) offsetof(struct raftlog_##type, field)

static const struct form forms[] = {
	{ "STOP", RAFTLOG_IOC_STOP, AT(stop, __reserved) },
	{ "GET_MEMBERS", RAFTLOG_IOC_GET_MEMBERS, AT(members, __reserved),
	  .slot_bytes_at = AT(members, peer_bytes),
	  .slot_bytes = sizeof(struct raftlog_peer) },
	{ "APPEND", RAFTLOG_IOC_APPEND, AT(append, __reserved),
	  { { AT(append, bytes), 1 } } },
	{ "APPEND of a sequence", RAFTLOG_IOC_APPEND, AT(append, __reserved),
	  { { AT(append, flags), RAFTLOG_APPEND_F_SEQUENCE },
	    { AT(append, sequence), 1 } } },
	{ "SET_FRAMED", RAFTLOG_IOC_SET_FRAMED, AT(set_framed, enable),
	  { { AT(set_framed, enable), 1 } } },
	{ "GET_EVENTS", RAFTLOG_IOC_GET_EVENTS, AT(events, __reserved),
	  .slot_bytes_at = AT(events, event_bytes),
	  .slot_bytes = sizeof(struct raftlog_event) },
	{ "CHANGE_MEMBERS", RAFTLOG_IOC_CHANGE_MEMBERS,
	  AT(change_members, index), { { AT(change_members, n_changes), 32 } },
	  .slot_bytes_at = AT(change_members, change_bytes),
	  .slot_bytes = sizeof(struct raftlog_change) },
	{ "TRANSFER", RAFTLOG_IOC_TRANSFER, AT(transfer, __reserved),
	  { { AT(transfer, target), 7 } } },
	{ "READ_INDEX", RAFTLOG_IOC_READ_INDEX, AT(read_index, flags),
	  { { AT(read_index, timeout_ms), 7 } } },
	{ "RECOVER", RAFTLOG_IOC_RECOVER, AT(recover, __reserved),
	  { { AT(recover, node_id), 1 }, { AT(recover, snapshot_fd[0]), -1 },
	    { AT(recover, snapshot_fd[1]), -1 } },
	  .slot_bytes_at = AT(recover, member_bytes),
	  .slot_bytes = sizeof(struct raftlog_member) },
	{ "SET_KEY", RAFTLOG_IOC_SET_KEY, AT(set_key, __reserved_grace),
	  { { AT(set_key, step), RAFTLOG_SET_KEY_SWITCH },
	    { AT(set_key, grace_ms), 7 } } },
	{ "SET_SESSION", RAFTLOG_IOC_SET_SESSION, AT(session, flags),
	  { { AT(session, name), 's' } } },
	{ "GET_SESSIONS", RAFTLOG_IOC_GET_SESSIONS, AT(sessions, __reserved),
	  .slot_bytes_at = AT(sessions, session_bytes),
	  .slot_bytes = sizeof(struct raftlog_session_info) },
	{ "SNAPSHOT_CREATE", RAFTLOG_IOC_SNAPSHOT_CREATE,
	  AT(snapshot_create, __reserved),
	  { { AT(snapshot_create, index), 7 } } },
	{ "SNAPSHOT_OPEN", RAFTLOG_IOC_SNAPSHOT_OPEN,
	  AT(snapshot_open, __reserved) },
	{ "SNAPSHOT_SEAL", RAFTLOG_IOC_SNAPSHOT_SEAL,
	  AT(snapshot_seal, __reserved) },
};

static void form_name(const struct form *form, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", form->name);
}

KUNIT_ARRAY_PARAM(form, forms, form_name);

enum { REQUEST_BYTES_MAX = 512 };

static u8 *in_good_form(struct kunit *test, const struct form *form)
{
	u8 *request = kunit_kzalloc(test, REQUEST_BYTES_MAX, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, request);
	KUNIT_ASSERT_LE(test, _IOC_SIZE(form->cmd), (u32)REQUEST_BYTES_MAX);
	for (i = 0; i < ARRAY_SIZE(form->words); i++)
		if (form->words[i].value)
			memcpy(request + form->words[i].at,
			       &form->words[i].value, sizeof(u32));
	if (form->slot_bytes_at)
		memcpy(request + form->slot_bytes_at, &form->slot_bytes,
		       sizeof(u32));
	return request;
}

static void good_form_is_taken(struct kunit *test)
{
	const struct form *form = test->param_value;
	u8 *request = in_good_form(test, form);

	KUNIT_EXPECT_EQ(test,
			raftlog_request_check(_IOC_NR(form->cmd), request), 0);
}

static void reserved_is_zero(struct kunit *test)
{
	const struct form *form = test->param_value;
	u8 *request = in_good_form(test, form);

	memset(request + form->reserved_at, 0xff, sizeof(u32));
	KUNIT_EXPECT_EQ(test,
			raftlog_request_check(_IOC_NR(form->cmd), request),
			-EINVAL);
}

/* As large as the kernel's own, whole words, and not beyond all measure. */
static void slots_have_a_size(struct kunit *test)
{
	const struct form *form = test->param_value;
	const struct {
		u32 bytes;
		int ret;
	} sizes[] = {
		{ form->slot_bytes + 8, 0 },
		{ RAFTLOG_SLOT_BYTES_MAX, 0 },
		{ 0, -EINVAL },
		{ form->slot_bytes - 8, -EINVAL },
		{ form->slot_bytes + 4, -EINVAL },
		{ RAFTLOG_SLOT_BYTES_MAX + 8, -EINVAL },
		{ U32_MAX - 7, -EINVAL },
	};
	u8 *request = in_good_form(test, form);
	u32 i;

	for (i = 0; form->slot_bytes_at && i < ARRAY_SIZE(sizes); i++) {
		memcpy(request + form->slot_bytes_at, &sizes[i].bytes,
		       sizeof(u32));
		KUNIT_EXPECT_EQ(test,
				raftlog_request_check(_IOC_NR(form->cmd),
						      request),
				sizes[i].ret);
	}
}

static void no_such_request(struct kunit *test)
{
	u8 *request = kunit_kzalloc(test, REQUEST_BYTES_MAX, GFP_KERNEL);
	u32 nr;

	KUNIT_ASSERT_NOT_NULL(test, request);
	for (nr = _IOC_NR(RAFTLOG_IOC_SET_KEY) + 1; nr < 256; nr++)
		KUNIT_EXPECT_EQ(test, raftlog_request_check(nr, request),
				-ENOTTY);
}

static void a_start_is_filled_in(struct kunit *test)
{
	struct raftlog_start start = {
		.node_id = 1,
		.snapshot_fd = { -1, -1 },
		.key = "key",
	};

	KUNIT_EXPECT_EQ(test,
			raftlog_request_check(_IOC_NR(RAFTLOG_IOC_START),
					      &start),
			0);
	KUNIT_EXPECT_EQ(test, start.datagram_bytes,
			(u32)RAFTLOG_DATAGRAM_BYTES_DEFAULT);
	start.listen.family = 99;
	KUNIT_EXPECT_EQ(test,
			raftlog_request_check(_IOC_NR(RAFTLOG_IOC_START),
					      &start),
			-EINVAL);
}

static void a_name_is_padded(struct kunit *test)
{
	char name[RAFTLOG_SESSION_NAME_CHARS] = "name";

	KUNIT_EXPECT_EQ(test, raftlog_session_name_bytes(name), (size_t)4);
	name[RAFTLOG_SESSION_NAME_CHARS - 1] = 'x';
	KUNIT_EXPECT_EQ(test, raftlog_session_name_bytes(name), (size_t)0);
	memset(name, 'x', sizeof(name));
	KUNIT_EXPECT_EQ(test, raftlog_session_name_bytes(name), sizeof(name));
	memset(name, 0, sizeof(name));
	KUNIT_EXPECT_EQ(test, raftlog_session_name_bytes(name), (size_t)0);
}

static struct kunit_case request_cases[] = {
	KUNIT_CASE_PARAM(good_form_is_taken, form_gen_params),
	KUNIT_CASE_PARAM(reserved_is_zero, form_gen_params),
	KUNIT_CASE_PARAM(slots_have_a_size, form_gen_params),
	KUNIT_CASE(no_such_request),
	KUNIT_CASE(a_start_is_filled_in),
	KUNIT_CASE(a_name_is_padded),
	{}
};

struct kunit_suite raftlog_request_suite = {
	.name = "raftlog_request",
	.test_cases = request_cases,
};
