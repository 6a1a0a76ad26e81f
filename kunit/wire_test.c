// SPDX-License-Identifier: GPL-2.0
/*
 * The datagram format is what it is said to be, decodes nothing else, and large
 * messages get through a bad network once and whole.
 */
#include <kunit/test.h>

#include "../kmod/wire/bulk.h"
#include "suites.h"

enum {
	BUFFER_BYTES = 8192,
};

#define CLUSTER_ID 0x1817161514131211ull
#define SESSION 0x2827262524232221ull

static const struct wire_limits limits = {
	.n_entries_max = 8,
	.entry_bytes_max = 2048,
	.message_bytes_max = 4096,
};

static const u8 payload[2048] = { 'p', 'a', 'y', 'l', 'o', 'a', 'd' };

static const struct raft_entry append_table[] = {
	{ .term = 3, .type = RAFT_ENTRY_NOOP },
	{ .term = 4, .session = 0x51, .sequence = 0x61, .data = payload,
	  .bytes = 7, .type = RAFT_ENTRY_DATA },
};

static const struct raft_entry install_table[] = {
	{ .data = "conf", .bytes = 4, .type = RAFT_ENTRY_CONFIGURATION },
	{ .data = "chunk", .bytes = 5, .type = RAFT_ENTRY_DATA },
};

static const struct raft_entry propose_table[] = {
	{ .session = 0x51, .sequence = 0x61, .data = payload, .bytes = 3,
	  .type = RAFT_ENTRY_DATA },
};

struct golden {
	const char *name;
	struct raft_message message;
	u32 n_bytes;
	u8 bytes[160];
};

#define LE32(x) (x), 0, 0, 0
#define LE64(x) (x), 0, 0, 0, 0, 0, 0, 0

static const struct golden goldens[] = {
	{
		.name = "PreVote",
		.message = {
			.type = RAFT_REQUEST_VOTE, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.request_vote = { .last_log_index = 0x11,
					  .last_log_term = 4, .pre_vote = true },
		},
		.n_bytes = 48,
		.bytes = { 1, 1, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x11),
			   LE64(4) },
	}, {
		.name = "RequestVote of an empty log",
		.message = {
			.type = RAFT_REQUEST_VOTE, .from = 1, .to = 2,
			.term = 1, .incarnation = 0x71,
		},
		.n_bytes = 48,
		.bytes = { 1, 0, 0, 0, LE32(0), LE64(1), LE64(0x71) },
	}, {
		.name = "RequestVote response",
		.message = {
			.type = RAFT_REQUEST_VOTE_RESPONSE, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.request_vote_response = {
				.granted = true,
				.candidate_incarnation = 0x72,
			},
		},
		.n_bytes = 32,
		.bytes = { 2, 2, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x72) },
	}, {
		.name = "PreVote response",
		.message = {
			.type = RAFT_REQUEST_VOTE_RESPONSE, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.request_vote_response = {
				.granted = true,
				.pre_vote = true,
				.candidate_incarnation = 0x72,
			},
		},
		.n_bytes = 32,
		.bytes = { 2, 3, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x72) },
	}, {
		.name = "heartbeat",
		.message = {
			.type = RAFT_APPEND_ENTRIES, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.append_entries = { .prev_log_index = 0x21,
					    .prev_log_term = 3,
					    .leader_commit = 0x22,
					    .sent_ns = 0x8070605040302010ull,
					    .best_priority = 9 },
		},
		.n_bytes = 56,
		.bytes = { 3, 0, 9, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x21),
			   LE64(3),
			   LE64(0x22), 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70,
			   0x80 },
	}, {
		.name = "AppendEntries",
		.message = {
			.type = RAFT_APPEND_ENTRIES, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.append_entries = { .prev_log_index = 0x21,
					    .prev_log_term = 3,
					    .leader_commit = 0x22,
					    .sent_ns = 0x23 },
			.entries = append_table,
			.n_entries = 2,
		},
		.n_bytes = 56 + 2 * 32 + 7,
		.bytes = { 3, 0, 0, 0, LE32(2), LE64(5), LE64(0x71), LE64(0x21),
			   LE64(3),
			   LE64(0x22), LE64(0x23),
			   LE64(3), LE64(0), LE64(0), LE32(0), LE32(1),
			   LE64(4), LE64(0x51), LE64(0x61), LE32(7), LE32(0),
			   'p', 'a', 'y', 'l', 'o', 'a', 'd' },
	}, {
		.name = "AppendEntries response",
		.message = {
			.type = RAFT_APPEND_ENTRIES_RESPONSE, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.append_entries_response = { .match_index = 0x31,
						     .sent_ns = 0x35,
						     .promised_ns = 0x36,
						     .priority = 255 },
		},
		.n_bytes = 72,
		.bytes = { 4, 0, 255, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x31),
			   LE64(0),
			   LE64(0), LE64(0), LE64(0x35), LE64(0x36) },
	}, {
		.name = "AppendEntries rejected",
		.message = {
			.type = RAFT_APPEND_ENTRIES_RESPONSE, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.append_entries_response = { .rejected = true,
						     .prev_log_index = 0x32,
						     .hint_index = 0x33,
						     .hint_term = 0x34,
						     .sent_ns = 0x35,
						     .promised_ns = 0x36 },
		},
		.n_bytes = 72,
		.bytes = { 4, 4, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0),
			   LE64(0x32),
			   LE64(0x33), LE64(0x34), LE64(0x35), LE64(0x36) },
	}, {
		.name = "Propose",
		.message = {
			.type = RAFT_PROPOSE, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.propose = { .proposed_at = 0x41 },
			.entries = propose_table,
			.n_entries = 1,
		},
		.n_bytes = 32 + 32 + 3,
		.bytes = { 5, 0, 0, 0, LE32(1), LE64(5), LE64(0x71), LE64(0x41),
			   LE64(0), LE64(0x51), LE64(0x61), LE32(3), LE32(0),
			   'p', 'a', 'y' },
	}, {
		.name = "Propose response",
		.message = {
			.type = RAFT_PROPOSE_RESPONSE, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.propose_response = { .session = 0x51, .sequence = 0x61,
					      .error = -ESTALE },
		},
		.n_bytes = 64,
		.bytes = { 6, 0, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x51),
			   LE64(0x61),
			   LE32(3), LE32(0), LE64(0), LE64(0) },
	}, {
		.name = "ReadIndex",
		.message = {
			.type = RAFT_READ_INDEX, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.read_index = { .session = 0x51, .sequence = 0x61 },
		},
		.n_bytes = 40,
		.bytes = { 8, 0, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x51),
			   LE64(0x61) },
	}, {
		.name = "ReadIndex by lease",
		.message = {
			.type = RAFT_READ_INDEX, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.read_index = { .session = 0x51, .sequence = 0x61,
					.lease = true },
		},
		.n_bytes = 40,
		.bytes = { 8, 8, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x51),
			   LE64(0x61) },
	}, {
		.name = "ReadIndex response",
		.message = {
			.type = RAFT_READ_INDEX_RESPONSE, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.read_index_response = { .session = 0x51,
						 .sequence = 0x61,
						 .index = 0x63 },
		},
		.n_bytes = 48,
		.bytes = { 9, 0, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x51),
			   LE64(0x61), LE64(0x63) },
	}, {
		.name = "TimeoutNow",
		.message = {
			.type = RAFT_TIMEOUT_NOW, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.timeout_now = { .last_log_index = 0x11,
					 .until_ns = 0x12,
					 .requested = true },
		},
		.n_bytes = 40,
		.bytes = { 7, 8, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x11),
			   LE64(0x12) },
	}, {
		.name = "RequestVote of a transfer",
		.message = {
			.type = RAFT_REQUEST_VOTE, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.request_vote = { .last_log_index = 0x11,
					  .last_log_term = 4,
					  .leadership_transfer_ns = 0x12 },
		},
		.n_bytes = 48,
		.bytes = { 1, 0, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x11),
			   LE64(4), LE64(0x12) },
	}, {
		.name = "InstallSnapshot",
		.message = {
			.type = RAFT_INSTALL_SNAPSHOT, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.install_snapshot = { .snapshot_index = 0x81,
					      .snapshot_term = 4,
					      .configuration_index = 0x82,
					      .sent_ns = 0x83 },
			.entries = install_table,
			.n_entries = 1,
		},
		.n_bytes = 80 + 32 + 4,
		.bytes = { 10, 0, 0, 0, LE32(1), LE64(5), LE64(0x71),
			   LE64(0x81), LE64(4), LE64(0x82), LE64(0x83),
			   LE64(0), LE64(0), LE32(0), LE32(0),
			   LE64(0), LE64(0), LE64(0), LE32(4), LE32(2),
			   'c', 'o', 'n', 'f' },
	}, {
		.name = "Propose response: committed",
		.message = {
			.type = RAFT_PROPOSE_RESPONSE, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.propose_response = { .session = 0x51, .sequence = 0x61,
					      .index = 0x11, .entry_term = 4 },
		},
		.n_bytes = 64,
		.bytes = { 6, 0, 0, 0, LE32(0), LE64(5), LE64(0x71), LE64(0x51),
			   LE64(0x61), LE32(0), LE32(0), LE64(0x11), LE64(4) },
	}, {
		.name = "InstallSnapshot with data",
		.message = {
			.type = RAFT_INSTALL_SNAPSHOT, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.install_snapshot = { .snapshot_index = 0x81,
					      .snapshot_term = 4,
					      .configuration_index = 0x82,
					      .sent_ns = 0x83,
					      .bytes = 0x84,
					      .offset = 0x7e,
					      .checksum = 0x85 },
			.entries = install_table,
			.n_entries = 2,
		},
		.n_bytes = 80 + 2 * 32 + 4 + 5,
		.bytes = { 10, 0, 0, 0, LE32(2), LE64(5), LE64(0x71),
			   LE64(0x81), LE64(4), LE64(0x82), LE64(0x83),
			   LE64(0x84), LE64(0x7e), LE32(0x85), LE32(0),
			   LE64(0), LE64(0), LE64(0), LE32(4), LE32(2),
			   LE64(0), LE64(0), LE64(0), LE32(5), LE32(0),
			   'c', 'o', 'n', 'f', 'c', 'h', 'u', 'n', 'k' },
	}, {
		.name = "InstallSnapshot response",
		.message = {
			.type = RAFT_INSTALL_SNAPSHOT_RESPONSE, .from = 1,
			.to = 2, .term = 5, .incarnation = 0x71,
			.install_snapshot_response = { .snapshot_index = 0x81,
						       .snapshot_term = 4,
						       .offset = 0x7e,
						       .checksum = 0x85 },
		},
		.n_bytes = 56,
		.bytes = { 11, 0, 0, 0, LE32(0), LE64(5), LE64(0x71),
			   LE64(0x81), LE64(4), LE64(0x7e), LE32(0x85),
			   LE32(0) },
	}, {
		.name = "FeatureLevel",
		.message = {
			.type = RAFT_FEATURE_LEVEL, .from = 1, .to = 2,
			.term = 5, .incarnation = 0x71,
			.feature_level = { .level = 0x91 },
		},
		.n_bytes = 32,
		.bytes = { 12, 0, 0, 0, LE32(0), LE64(5), LE64(0x71),
			   LE64(0x91) },
	},
};

static void golden_name(const struct golden *golden, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", golden->name);
}

KUNIT_ARRAY_PARAM(golden, goldens, golden_name);

/* The bytes in format.h, in both directions. */
static void message_golden(struct kunit *test)
{
	const struct golden *golden = test->param_value;
	struct raft_entry entries[8];
	struct raft_message message;
	u8 buf[256];

	KUNIT_ASSERT_EQ(test, wire_message_bytes(&golden->message),
			(size_t)golden->n_bytes);
	KUNIT_ASSERT_EQ(test, wire_message_encode(&golden->message, buf, sizeof(buf)),
			(int)golden->n_bytes);
	KUNIT_EXPECT_EQ(test, memcmp(buf, golden->bytes, golden->n_bytes), 0);
	KUNIT_EXPECT_EQ(test,
			wire_message_encode(&golden->message, buf,
					    golden->n_bytes - 1), -EMSGSIZE);

	KUNIT_ASSERT_EQ(test,
			wire_message_decode(&message, entries, &limits, 1, 2,
					    golden->bytes, golden->n_bytes), 0);
	KUNIT_EXPECT_EQ(test, (u32)message.from, 1u);
	KUNIT_EXPECT_EQ(test, (u32)message.to, 2u);
	KUNIT_EXPECT_EQ(test, (u32)message.type, (u32)golden->message.type);
	KUNIT_EXPECT_EQ(test, message.term, golden->message.term);
	KUNIT_EXPECT_EQ(test, message.n_entries, golden->message.n_entries);
	/* All that a type holds comes back: it encodes to the same bytes. */
	memset(buf, 0xff, sizeof(buf));
	KUNIT_ASSERT_EQ(test, wire_message_encode(&message, buf, sizeof(buf)),
			(int)golden->n_bytes);
	KUNIT_EXPECT_EQ(test, memcmp(buf, golden->bytes, golden->n_bytes), 0);
}

static void message_fields(struct kunit *test)
{
	struct raft_entry entries[8];
	struct raft_message message;
	const struct golden *golden = &goldens[5];

	KUNIT_ASSERT_EQ(test,
			wire_message_decode(&message, entries, &limits, 7, 8,
					    golden->bytes, golden->n_bytes), 0);
	KUNIT_EXPECT_EQ(test, message.append_entries.prev_log_index, 0x21ull);
	KUNIT_EXPECT_EQ(test, message.append_entries.prev_log_term, 3ull);
	KUNIT_EXPECT_EQ(test, message.append_entries.leader_commit, 0x22ull);
	KUNIT_EXPECT_EQ(test, message.append_entries.sent_ns, 0x23ull);
	KUNIT_EXPECT_TRUE(test, message.entries == entries);
	KUNIT_EXPECT_EQ(test, (u32)entries[0].type, (u32)RAFT_ENTRY_NOOP);
	KUNIT_EXPECT_EQ(test, entries[1].term, 4ull);
	KUNIT_EXPECT_EQ(test, entries[1].session, 0x51ull);
	KUNIT_EXPECT_EQ(test, entries[1].sequence, 0x61ull);
	KUNIT_EXPECT_EQ(test, entries[1].bytes, 7u);
	KUNIT_EXPECT_EQ(test, memcmp(entries[1].data, "payload", 7), 0);
	KUNIT_EXPECT_TRUE(test, !entries[1].payload);
}

/* Cut anywhere or with a byte left over, it is no message. */
static void message_truncated(struct kunit *test)
{
	const struct golden *golden = test->param_value;
	struct raft_entry entries[8];
	struct raft_message message;
	u8 *buf;
	u32 n;

	for (n = 0; n < golden->n_bytes; n++) {
		/* Its own allocation, so that reading past the end is noticed. */
		buf = kunit_kzalloc(test, n + 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
		memcpy(buf + 1, golden->bytes, n);
		KUNIT_EXPECT_EQ(test,
				wire_message_decode(&message, entries, &limits,
						    1, 2, buf + 1, n),
				-EBADMSG);
	}
	KUNIT_EXPECT_EQ(test,
			wire_message_decode(&message, entries, &limits, 1, 2,
					    golden->bytes, golden->n_bytes + 1),
			-EBADMSG);
}

/* One byte of a good message changed: @offset becomes @value. */
struct absurdity {
	const char *name;
	u32 golden;
	u32 offset;
	u8 value;
	int error;
};

static const struct absurdity absurdities[] = {
	{ "type 0", 0, 0, 0, -EBADMSG },
	{ "type behind the last", 0, 0, 99, -EBADMSG },
	{ "a flag of another type", 0, 1, WIRE_F_GRANTED, -EBADMSG },
	{ "an unknown flag", 3, 1, 8, -EBADMSG },
	{ "reserved bytes", 3, 3, 1, -EBADMSG },
	{ "priority in a vote", 3, 2, 1, -EBADMSG },
	{ "flag of a request in a heartbeat", 4, 1, WIRE_F_REQUESTED, -EBADMSG },
	{ "TimeoutNow without end", 13, 32, 0, -EBADMSG },
	{ "entries in a TimeoutNow", 13, 4, 1, -EBADMSG },
	{ "PreVote of a transfer", 14, 1, WIRE_F_PRE_VOTE, -EBADMSG },
	{ "entries in a vote", 3, 4, 1, -EBADMSG },
	{ "term 0", 3, 8, 0, -EBADMSG },
	{ "no incarnation", 3, 16, 0, -EBADMSG },
	{ "index without term", 0, 32, 0, -EBADMSG },
	{ "term without index", 0, 24, 0, -EBADMSG },
	{ "log newer than the candidate", 0, 32, 6, -EBADMSG },
	{ "heartbeat of a term before its log", 4, 32, 6, -EBADMSG },
	{ "entry of term 0", 5, 56, 0, -EBADMSG },
	{ "entry older than the one before", 5, 88, 2, -EBADMSG },
	{ "entry older than prev_log_term", 5, 32, 4, -EBADMSG },
	{ "entry newer than its leader", 5, 88, 6, -EBADMSG },
	{ "more entries than there are", 5, 4, 3, -EBADMSG },
	{ "fewer entries than there are", 5, 4, 1, -EBADMSG },
	{ "n_entries beyond any message", 5, 7, 0xff, -EBADMSG },
	{ "payload longer than the message", 5, 88 + 24, 8, -EBADMSG },
	{ "payload shorter than the message", 5, 88 + 24, 6, -EBADMSG },
	{ "payload length near 4 GiB", 5, 88 + 27, 0xff, -EBADMSG },
	{ "unknown entry type", 5, 88 + 28, 5, -EBADMSG },
	{ "payload of a no-op", 5, 88 + 28, 1, -EBADMSG },
	{ "configuration without bytes", 5, 56 + 28, 2, -EBADMSG },
	{ "reserved bytes of an entry", 5, 88 + 29, 1, -EBADMSG },
	{ "last reserved byte of an entry", 5, 88 + 31, 1, -EBADMSG },
	{ "rejected with a match", 6, 1, WIRE_F_REJECTED, -EBADMSG },
	{ "proposal with a term", 8, 32, 1, -EBADMSG },
	{ "proposal without session", 8, 40, 0, -EBADMSG },
	{ "proposal of a no-op", 8, 32 + 28, 1, -EBADMSG },
	{ "no proposal", 8, 4, 0, -EBADMSG },
	{ "two proposals", 8, 4, 2, -EBADMSG },
	{ "no refusal", 9, 40, 0, -EBADMSG },
	{ "unknown refusal", 9, 40, 5, -EBADMSG },
	{ "refused, and somewhere", 9, 48, 1, -EBADMSG },
	{ "refused, in a term", 9, 56, 1, -EBADMSG },
	{ "unknown refusal, and somewhere", 16, 40, 5, -EBADMSG },
	{ "nowhere, and not refused", 16, 48, 0, -EBADMSG },
	{ "somewhere, in no term", 16, 56, 0, -EBADMSG },
	{ "of a later term than the leader's", 16, 56, 6, -EBADMSG },
	{ "reserved bytes of a refusal", 9, 44, 1, -EBADMSG },
	{ "refusal of nobody's proposal", 9, 24, 0, -EBADMSG },
	{ "read of nobody's", 10, 24, 0, -EBADMSG },
	{ "read without number", 10, 32, 0, -EBADMSG },
	{ "entries in a read", 10, 4, 1, -EBADMSG },
	{ "another's flag in a read", 10, 1, WIRE_F_REJECTED, -EBADMSG },
	{ "index for nobody", 12, 24, 0, -EBADMSG },
	{ "index for no read", 12, 32, 0, -EBADMSG },
	{ "no index", 12, 40, 0, -EBADMSG },
	{ "flag of a read in its answer", 12, 1, WIRE_F_LEASE, -EBADMSG },
	{ "snapshot of nothing", 15, 24, 0, -EBADMSG },
	{ "snapshot of term 0", 15, 32, 0, -EBADMSG },
	{ "snapshot newer than its leader", 15, 32, 6, -EBADMSG },
	{ "snapshot without a configuration", 15, 40, 0, -EBADMSG },
	{ "snapshot of an entry", 15, 80, 1, -EBADMSG },
	{ "snapshot of data alone", 15, 80 + 28, 0, -EBADMSG },
	{ "configuration of a session", 15, 80 + 8, 1, -EBADMSG },
	{ "configuration with a sequence", 15, 80 + 16, 1, -EBADMSG },
	{ "offset of no data", 15, 64, 1, -EBADMSG },
	{ "checksum of no data", 15, 72, 1, -EBADMSG },
	{ "reserved bytes of a snapshot", 15, 76, 1, -EBADMSG },
	{ "chunk of no data", 17, 56, 0, -EBADMSG },
	{ "chunk behind the end", 17, 64, 0x84, -EBADMSG },
	{ "chunk over the end", 17, 64, 0x80, -EBADMSG },
	{ "chunk of a term", 17, 112, 1, -EBADMSG },
	{ "chunk of a session", 17, 112 + 8, 1, -EBADMSG },
	{ "chunk with a sequence", 17, 112 + 16, 1, -EBADMSG },
	{ "chunk of another type", 17, 112 + 28, 2, -EBADMSG },
	{ "answer to no snapshot", 18, 24, 0, -EBADMSG },
	{ "answer to a snapshot of term 0", 18, 32, 0, -EBADMSG },
	{ "answer to a newer snapshot", 18, 32, 6, -EBADMSG },
	{ "reserved bytes of that answer", 18, 52, 1, -EBADMSG },
	{ "entries in that answer", 18, 4, 1, -EBADMSG },
	/* The highest byte: 2^61 and what was there. */
	{ "term beyond all counts", 4, 8 + 7, 0x20, -EBADMSG },
	{ "last log index beyond all counts", 0, 24 + 7, 0x20, -EBADMSG },
	{ "prev_log_index beyond all counts", 4, 24 + 7, 0x20, -EBADMSG },
	{ "leader_commit beyond all counts", 4, 40 + 7, 0x20, -EBADMSG },
	{ "match_index beyond all counts", 6, 24 + 7, 0x20, -EBADMSG },
	{ "prev_log_index of an answer beyond all counts", 7, 32 + 7, 0x20, -EBADMSG },
	{ "hint_index beyond all counts", 7, 40 + 7, 0x20, -EBADMSG },
	{ "hint_term beyond all counts", 7, 48 + 7, 0x20, -EBADMSG },
	{ "proposed_at beyond all counts", 8, 24 + 7, 0x20, -EBADMSG },
	{ "index of a proposal beyond all counts", 16, 48 + 7, 0x20, -EBADMSG },
	{ "index to read up to beyond all counts", 12, 40 + 7, 0x20, -EBADMSG },
	{ "last log index of a leader beyond all counts", 13, 24 + 7, 0x20, -EBADMSG },
	{ "snapshot_index beyond all counts", 15, 24 + 7, 0x20, -EBADMSG },
	{ "configuration_index beyond all counts", 15, 40 + 7, 0x20, -EBADMSG },
	{ "bytes of a snapshot beyond all counts", 17, 56 + 7, 0x20, -EBADMSG },
	{ "snapshot_index of an answer beyond all counts", 18, 24 + 7, 0x20, -EBADMSG },
	{ "offset of an answer beyond all counts", 18, 40 + 7, 0x20, -EBADMSG },
};

static void absurdity_name(const struct absurdity *absurdity, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", absurdity->name);
}

KUNIT_ARRAY_PARAM(absurdity, absurdities, absurdity_name);

static void message_absurd(struct kunit *test)
{
	const struct absurdity *absurdity = test->param_value;
	const struct golden *golden = &goldens[absurdity->golden];
	struct raft_entry entries[8];
	struct raft_message message;
	u8 buf[160];

	memcpy(buf, golden->bytes, sizeof(buf));
	KUNIT_ASSERT_TRUE(test, buf[absurdity->offset] != absurdity->value);
	buf[absurdity->offset] = absurdity->value;
	KUNIT_EXPECT_EQ(test,
			wire_message_decode(&message, entries, &limits, 1, 2,
					    buf, golden->n_bytes),
			absurdity->error);
}

static void message_index_overflow(struct kunit *test)
{
	struct raft_entry entries[8];
	struct raft_message message = goldens[5].message;
	u8 buf[128];

	message.append_entries.prev_log_index = RAFT_COUNT_MAX - 2;
	KUNIT_ASSERT_GT(test, wire_message_encode(&message, buf, sizeof(buf)), 0);
	KUNIT_EXPECT_EQ(test,
			wire_message_decode(&message, entries, &limits, 1, 2,
					    buf, goldens[5].n_bytes), 0);
	buf[24] = 0xff;
	KUNIT_EXPECT_EQ(test,
			wire_message_decode(&message, entries, &limits, 1, 2,
					    buf, goldens[5].n_bytes), -EBADMSG);
	message = goldens[5].message;
	message.append_entries.prev_log_index = RAFT_COUNT_MAX - 1;
	KUNIT_EXPECT_EQ(test, wire_message_encode(&message, buf, sizeof(buf)),
			-EINVAL);
}

static struct raft_message append_of(struct raft_entry *entries, u32 n, u32 bytes)
{
	struct raft_message message = {
		.type = RAFT_APPEND_ENTRIES,
		.from = 1, .to = 2, .term = 1, .incarnation = 0x71,
		.entries = entries,
		.n_entries = n,
	};
	u32 i;

	for (i = 0; i < n; i++)
		entries[i] = (struct raft_entry){
			.term = 1, .session = 1, .sequence = i,
			.bytes = bytes, .data = payload,
			.type = RAFT_ENTRY_DATA,
		};
	return message;
}

/* At a limit it passes, one beyond it does not. */
static void message_limits(struct kunit *test)
{
	struct raft_entry *entries, decoded[8];
	struct raft_message message;
	u8 *buf;
	int n;

	entries = kunit_kzalloc(test, (WIRE_ENTRIES_MAX + 1) * sizeof(*entries),
				GFP_KERNEL);
	buf = kunit_kzalloc(test, BUFFER_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, entries);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);

	message = append_of(entries, 8, 1);
	n = wire_message_encode(&message, buf, BUFFER_BYTES);
	KUNIT_EXPECT_EQ(test, wire_message_decode(&message, decoded, &limits, 1,
						  2, buf, n), 0);
	message = append_of(entries, 9, 1);
	n = wire_message_encode(&message, buf, BUFFER_BYTES);
	KUNIT_EXPECT_EQ(test, wire_message_decode(&message, decoded, &limits, 1,
						  2, buf, n), -EMSGSIZE);

	message = append_of(entries, 1, 2048);
	n = wire_message_encode(&message, buf, BUFFER_BYTES);
	KUNIT_EXPECT_EQ(test, wire_message_decode(&message, decoded, &limits, 1,
						  2, buf, n), 0);
	message = append_of(entries, 2, 1024);
	entries[0].bytes = 2048;
	entries[1].bytes = 4096 - WIRE_APPEND_ENTRIES_BYTES - 64 - 2048;
	n = wire_message_encode(&message, buf, BUFFER_BYTES);
	KUNIT_ASSERT_EQ(test, n, 4096);
	KUNIT_EXPECT_EQ(test, wire_message_decode(&message, decoded, &limits, 1,
						  2, buf, n), 0);
	message = append_of(entries, 3, 1);
	entries[0].bytes = 2048;
	entries[1].bytes = 4096 - WIRE_APPEND_ENTRIES_BYTES - 96 - 2048;
	n = wire_message_encode(&message, buf, BUFFER_BYTES);
	KUNIT_ASSERT_EQ(test, n, 4097);
	KUNIT_EXPECT_EQ(test, wire_message_decode(&message, decoded, &limits, 1,
						  2, buf, n), -EMSGSIZE);

	message = append_of(entries, WIRE_ENTRIES_MAX + 1, 1);
	KUNIT_EXPECT_EQ(test, wire_message_bytes(&message), (size_t)0);
	message = append_of(entries, WIRE_ENTRIES_MAX, WIRE_ENTRY_PAYLOAD_BYTES_MAX);
	KUNIT_EXPECT_EQ(test, wire_message_bytes(&message), (size_t)0);
	message = append_of(entries, 1, WIRE_ENTRY_PAYLOAD_BYTES_MAX + 1);
	KUNIT_EXPECT_EQ(test, wire_message_encode(&message, buf, BUFFER_BYTES),
			-EINVAL);
}

static void message_entry_too_large(struct kunit *test)
{
	const struct wire_limits small = {
		.n_entries_max = 8, .entry_bytes_max = 6, .message_bytes_max = 4096,
	};
	struct raft_entry entries[8];
	struct raft_message message;
	struct raft_entry configuration = {
		.term = 1, .bytes = 7, .data = payload,
		.type = RAFT_ENTRY_CONFIGURATION,
	};
	u8 buf[128];
	int n;

	KUNIT_EXPECT_EQ(test,
			wire_message_decode(&message, entries, &small, 1, 2,
					    goldens[5].bytes, goldens[5].n_bytes),
			-EMSGSIZE);
	/* A configuration is not a user's entry, and bound by its own limit. */
	message = append_of(entries, 1, 7);
	message.entries = &configuration;
	n = wire_message_encode(&message, buf, sizeof(buf));
	KUNIT_ASSERT_GT(test, n, 0);
	KUNIT_EXPECT_EQ(test, wire_message_decode(&message, entries, &small, 1,
						  2, buf, n), 0);
	configuration.bytes = RAFT_CONFIGURATION_BYTES_MAX + 1;
	message = append_of(entries, 1, 7);
	message.entries = &configuration;
	KUNIT_EXPECT_EQ(test, wire_message_encode(&message, buf, sizeof(buf)),
			-EINVAL);
}

static const struct wire_header header = {
	.type = WIRE_MESSAGE, .sender = 0x31, .receiver = 0x32,
	.session = SESSION, .counter = 0x41,
};

static void datagram_golden(struct kunit *test)
{
	static const u8 expected[] = {
		1, 1, 0, 0, LE32(0x31), LE32(0x32), LE32(0),
		0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, LE64(0x41),
		'b', 'o', 'd', 'y',
		0x09, 0x9b, 0xa4, 0x92, LE32(0),
		0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
	};
	struct wire_header decoded;
	u64 foreign = 0;
	u8 buf[64];

	memcpy(buf + WIRE_HEADER_BYTES, "body", 4);
	KUNIT_ASSERT_EQ(test, wire_seal(buf, 4, &header, CLUSTER_ID),
			sizeof(expected));
	KUNIT_EXPECT_EQ(test, memcmp(buf, expected, sizeof(expected)), 0);

	KUNIT_ASSERT_EQ(test, wire_header_decode(&decoded, buf, sizeof(expected)), 0);
	KUNIT_EXPECT_EQ(test, (u32)decoded.type, (u32)WIRE_MESSAGE);
	KUNIT_EXPECT_EQ(test, decoded.sender, 0x31u);
	KUNIT_EXPECT_EQ(test, decoded.receiver, 0x32u);
	KUNIT_EXPECT_EQ(test, decoded.session, SESSION);
	KUNIT_EXPECT_EQ(test, decoded.counter, 0x41ull);
	KUNIT_EXPECT_EQ(test, wire_open(buf, sizeof(expected), CLUSTER_ID,
					&foreign), 4);
	KUNIT_EXPECT_EQ(test, wire_open(buf, sizeof(expected), CLUSTER_ID + 1,
					&foreign), -EXDEV);
	KUNIT_EXPECT_EQ(test, foreign, CLUSTER_ID);
}

/* Any bit, the cluster id's too: damaged, never somebody else's. */
static void datagram_flipped(struct kunit *test)
{
	struct wire_header decoded;
	u32 bit, bytes;
	u64 foreign;
	u8 buf[128];

	memcpy(buf + WIRE_HEADER_BYTES, goldens[4].bytes, goldens[4].n_bytes);
	bytes = wire_seal(buf, goldens[4].n_bytes, &header, CLUSTER_ID);
	for (bit = 0; bit < bytes * 8; bit++) {
		buf[bit / 8] ^= 1 << (bit % 8);
		if (!wire_header_decode(&decoded, buf, bytes))
			KUNIT_EXPECT_EQ(test, wire_open(buf, bytes, CLUSTER_ID,
							&foreign), -EBADMSG);
		buf[bit / 8] ^= 1 << (bit % 8);
	}
	KUNIT_EXPECT_EQ(test, wire_open(buf, bytes, CLUSTER_ID, &foreign),
			(int)goldens[4].n_bytes);
}

static void datagram_header_refused(struct kunit *test)
{
	static const struct {
		u32 offset;
		u8 value;
		int error;
	} rows[] = {
		{ 0, 0, -EPROTONOSUPPORT },
		{ 0, 2, -EPROTONOSUPPORT },
		{ 1, 0, -ENOMSG },
		{ 1, 6, -ENOMSG },
		{ 1, WIRE_REQUEST, -EMSGSIZE },
		{ 2, 1, -EBADMSG },
		{ 3, 1, -EPROTONOSUPPORT },
		{ 4, 0, -EBADMSG },
		{ 4, 0x32, -EBADMSG },
		{ 8, 0, -EBADMSG },
		{ 12, 1, -EBADMSG },
		{ 24, 0, -EBADMSG },
	};
	struct wire_header decoded;
	u8 buf[64] = {};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		wire_seal(buf, 4, &header, CLUSTER_ID);
		buf[rows[i].offset] = rows[i].value;
		KUNIT_EXPECT_EQ(test, wire_header_decode(&decoded, buf, 52),
				rows[i].error);
	}
	wire_seal(buf, 0, &header, CLUSTER_ID);
	KUNIT_EXPECT_EQ(test, wire_header_decode(&decoded, buf, 48), 0);
	KUNIT_EXPECT_EQ(test, wire_header_decode(&decoded, buf, 47), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, wire_header_decode(&decoded, buf, 0), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, wire_header_decode(&decoded, buf,
						 WIRE_DATAGRAM_BYTES_MAX + 1),
			-EMSGSIZE);
}

static struct wire_piece piece_of(u32 number)
{
	return (struct wire_piece){
		.bundle_id = 0x51,
		.bundle_bytes = 2 * 440 + 3,
		.piece_bytes = 440,
		.piece = number,
		.transmission = 0x61,
		.ack_at_once = true,
		.data = payload,
		.bytes = number == 2 ? 3 : 440,
	};
}

static void piece_golden(struct kunit *test)
{
	static const u8 expected[] = {
		LE64(0x51), 0x73, 3, 0, 0, 0xb8, 1, 0, 0, LE32(2),
		0x61, 0, 0, 0x80, 'p', 'a', 'y',
	};
	struct wire_piece piece = piece_of(2), decoded;
	u8 buf[64];
	u32 n;

	KUNIT_ASSERT_EQ(test, wire_piece_encode(&piece, buf, sizeof(buf)),
			(int)sizeof(expected));
	KUNIT_EXPECT_EQ(test, memcmp(buf, expected, sizeof(expected)), 0);
	KUNIT_EXPECT_EQ(test, wire_piece_encode(&piece, buf, sizeof(expected) - 1),
			-EMSGSIZE);
	KUNIT_ASSERT_EQ(test, wire_piece_decode(&decoded, expected,
						sizeof(expected)), 0);
	KUNIT_EXPECT_EQ(test, decoded.bundle_id, piece.bundle_id);
	KUNIT_EXPECT_EQ(test, decoded.bundle_bytes, piece.bundle_bytes);
	KUNIT_EXPECT_EQ(test, decoded.piece_bytes, piece.piece_bytes);
	KUNIT_EXPECT_EQ(test, decoded.piece, piece.piece);
	KUNIT_EXPECT_EQ(test, decoded.transmission, piece.transmission);
	KUNIT_EXPECT_TRUE(test, decoded.ack_at_once);
	KUNIT_EXPECT_EQ(test, decoded.bytes, 3u);
	for (n = 0; n < sizeof(expected); n++)
		KUNIT_EXPECT_EQ(test, wire_piece_decode(&decoded, expected, n),
				-EBADMSG);
}

static void piece_refused(struct kunit *test)
{
	struct wire_piece piece;
	u8 *buf = kunit_kzalloc(test, BUFFER_BYTES, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, buf);
#define REFUSED(field, value)                                                 \
	do {                                                                  \
		piece = piece_of(0);                                          \
		KUNIT_EXPECT_EQ(test, wire_piece_encode(&piece, buf,          \
							BUFFER_BYTES), 464);  \
		piece.field = (value);                                        \
		KUNIT_EXPECT_EQ(test, wire_piece_encode(&piece, buf,          \
							BUFFER_BYTES),        \
				-EINVAL);                                     \
	} while (0)
	REFUSED(bundle_id, 0);
	REFUSED(bundle_bytes, 0);
	REFUSED(bundle_bytes, 440);
	REFUSED(bundle_bytes, WIRE_BUNDLE_BYTES_MAX + 1);
	REFUSED(bundle_bytes, U32_MAX);
	REFUSED(piece_bytes, 0);
	REFUSED(piece_bytes, 439);
	REFUSED(piece_bytes, U32_MAX);
	REFUSED(piece, 3);
	REFUSED(piece, U32_MAX);
	REFUSED(transmission, 0);
	REFUSED(transmission, 1u << 31);
	REFUSED(bytes, 439);
	REFUSED(bytes, 441);
#undef REFUSED
}

static void bundle_taken_apart(struct kunit *test)
{
	static const u8 bundle[] = { LE32(3), 'a', 'b', 'c', LE32(1), 'd' };
	const void *message;
	u32 bytes, offset, n;
	u8 header[4];

	KUNIT_EXPECT_EQ(test, wire_bundle_put(header, 3), (size_t)7);
	KUNIT_EXPECT_EQ(test, memcmp(header, bundle, 4), 0);

	offset = 0;
	KUNIT_ASSERT_EQ(test, wire_bundle_next(bundle, sizeof(bundle), &offset,
					       &message, &bytes), 1);
	KUNIT_EXPECT_TRUE(test, message == bundle + 4);
	KUNIT_EXPECT_EQ(test, bytes, 3u);
	KUNIT_ASSERT_EQ(test, wire_bundle_next(bundle, sizeof(bundle), &offset,
					       &message, &bytes), 1);
	KUNIT_EXPECT_TRUE(test, message == bundle + 11);
	KUNIT_EXPECT_EQ(test, bytes, 1u);
	KUNIT_EXPECT_EQ(test, wire_bundle_next(bundle, sizeof(bundle), &offset,
					       &message, &bytes), 0);
	/* Cut anywhere behind the first message. */
	for (n = 8; n < sizeof(bundle); n++) {
		offset = 7;
		KUNIT_EXPECT_EQ(test, wire_bundle_next(bundle, n, &offset,
						       &message, &bytes),
				-EBADMSG);
		KUNIT_EXPECT_EQ(test, offset, 7u);
	}
	/* A length of 0 would never end. */
	offset = 0;
	KUNIT_EXPECT_EQ(test, wire_bundle_next("\0\0\0\0\0", 5, &offset,
					       &message, &bytes), -EBADMSG);
	KUNIT_EXPECT_EQ(test, wire_bundle_next("\xff\xff\xff\xff\0", 5, &offset,
					       &message, &bytes), -EBADMSG);
}

static void ack_golden(struct kunit *test)
{
	static const u8 expected[] = {
		0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, LE64(0x51),
		LE32(0x71), LE32(0x72), LE32(0x73), LE32(0x74), 0, 0x80,
	};
	const struct wire_piece_ack ack = {
		.session = SESSION, .bundle_id = 0x51, .reassembly = 0x71,
		.first_missing = 0x72, .transmission = 0x73,
		.n_duplicates = 0x74, .bitmap_bytes = 2, .bitmap = { 0, 0x80 },
	};
	struct wire_piece_ack decoded;
	u8 buf[256] = {};
	u32 n;

	KUNIT_ASSERT_EQ(test, wire_piece_ack_encode(&ack, buf, sizeof(buf)),
			(int)sizeof(expected));
	KUNIT_EXPECT_EQ(test, memcmp(buf, expected, sizeof(expected)), 0);
	KUNIT_ASSERT_EQ(test, wire_piece_ack_decode(&decoded, expected,
						    sizeof(expected)), 0);
	KUNIT_EXPECT_EQ(test, decoded.session, ack.session);
	KUNIT_EXPECT_EQ(test, decoded.bundle_id, ack.bundle_id);
	KUNIT_EXPECT_EQ(test, decoded.reassembly, ack.reassembly);
	KUNIT_EXPECT_EQ(test, decoded.first_missing, ack.first_missing);
	KUNIT_EXPECT_EQ(test, decoded.transmission, ack.transmission);
	KUNIT_EXPECT_EQ(test, decoded.n_duplicates, ack.n_duplicates);
	KUNIT_EXPECT_EQ(test, decoded.bitmap_bytes, ack.bitmap_bytes);
	KUNIT_EXPECT_EQ(test, memcmp(decoded.bitmap, ack.bitmap, 128), 0);
	KUNIT_EXPECT_EQ(test, wire_piece_ack_encode(&ack, buf,
						    sizeof(expected) - 1),
			-EMSGSIZE);
	/* Without its last byte the bitmap ends in a 0, which is not canonical. */
	KUNIT_EXPECT_EQ(test, wire_piece_ack_decode(&decoded, expected,
						    sizeof(expected) - 1),
			-EBADMSG);
	for (n = 0; n < WIRE_PIECE_ACK_HEADER_BYTES; n++)
		KUNIT_EXPECT_EQ(test, wire_piece_ack_decode(&decoded, expected, n),
				-EBADMSG);
	memset(buf + WIRE_PIECE_ACK_HEADER_BYTES, 0xff, 129);
	KUNIT_EXPECT_EQ(test, wire_piece_ack_decode(&decoded, buf, 32 + 128), 0);
	KUNIT_EXPECT_EQ(test, wire_piece_ack_decode(&decoded, buf, 32 + 129),
			-EBADMSG);
}

static struct kunit_case wire_cases[] = {
	KUNIT_CASE_PARAM(message_golden, golden_gen_params),
	KUNIT_CASE(message_fields),
	KUNIT_CASE_PARAM(message_truncated, golden_gen_params),
	KUNIT_CASE_PARAM(message_absurd, absurdity_gen_params),
	KUNIT_CASE(message_index_overflow),
	KUNIT_CASE(message_limits),
	KUNIT_CASE(message_entry_too_large),
	KUNIT_CASE(datagram_golden),
	KUNIT_CASE(datagram_flipped),
	KUNIT_CASE(datagram_header_refused),
	KUNIT_CASE(piece_golden),
	KUNIT_CASE(piece_refused),
	KUNIT_CASE(bundle_taken_apart),
	KUNIT_CASE(ack_golden),
	{}
};

struct kunit_suite raftlog_wire_suite = {
	.name = "raftlog_wire",
	.test_cases = wire_cases,
};
