// SPDX-License-Identifier: GPL-2.0
/*
 * struct raft_message to bytes and back. One check of what a message may say
 * stands behind both directions: what we would refuse, we do not send.
 */
#include "wire.h"

struct type_row {
	u32 fixed_bytes; /* 0: no such type */
	u32 n_entries_max;
	u32 zero; /* offset of four bytes that must be 0, or 0 */
	u8 flags;
	bool priority; /* it tells one */
};

/* Indexed by enum raft_message_type. */
static const struct type_row type_rows[] = {
	[RAFT_REQUEST_VOTE] = {
		.fixed_bytes = WIRE_REQUEST_VOTE_BYTES,
		.flags = WIRE_F_PRE_VOTE,
	},
	[RAFT_REQUEST_VOTE_RESPONSE] = {
		.fixed_bytes = WIRE_REQUEST_VOTE_RESPONSE_BYTES,
		.flags = WIRE_F_PRE_VOTE | WIRE_F_GRANTED,
	},
	[RAFT_APPEND_ENTRIES] = {
		.fixed_bytes = WIRE_APPEND_ENTRIES_BYTES,
		.n_entries_max = WIRE_ENTRIES_MAX,
		.priority = true,
	},
	[RAFT_APPEND_ENTRIES_RESPONSE] = {
		.fixed_bytes = WIRE_APPEND_ENTRIES_RESPONSE_BYTES,
		.flags = WIRE_F_REJECTED,
		.priority = true,
	},
	[RAFT_PROPOSE] = {
		.fixed_bytes = WIRE_PROPOSE_BYTES,
		.n_entries_max = 1,
	},
	[RAFT_PROPOSE_RESPONSE] = {
		.fixed_bytes = WIRE_PROPOSE_RESPONSE_BYTES,
		.zero = 44,
	},
	[RAFT_READ_INDEX] = {
		.fixed_bytes = WIRE_READ_INDEX_BYTES,
		.flags = WIRE_F_LEASE,
	},
	[RAFT_READ_INDEX_RESPONSE] = {
		.fixed_bytes = WIRE_READ_INDEX_RESPONSE_BYTES,
	},
	[RAFT_TIMEOUT_NOW] = {
		.fixed_bytes = WIRE_TIMEOUT_NOW_BYTES,
		.flags = WIRE_F_REQUESTED,
	},
	[RAFT_INSTALL_SNAPSHOT] = {
		.fixed_bytes = WIRE_INSTALL_SNAPSHOT_BYTES,
		.zero = 76,
		.n_entries_max = 2,
	},
	[RAFT_INSTALL_SNAPSHOT_RESPONSE] = {
		.fixed_bytes = WIRE_INSTALL_SNAPSHOT_RESPONSE_BYTES,
		.zero = 52,
	},
	[RAFT_FEATURE_LEVEL] = {
		.fixed_bytes = WIRE_FEATURE_LEVEL_BYTES,
	},
};

struct refusal_row {
	int error;
	u32 refusal;
};

static const struct refusal_row refusal_rows[] = {
	{ -ENOSPC, WIRE_REFUSAL_NO_SPACE },
	{ -EAGAIN, WIRE_REFUSAL_TRY_AGAIN },
	{ -ESTALE, WIRE_REFUSAL_STALE },
	{ -ERANGE, WIRE_REFUSAL_TOO_OLD },
};

static u32 refusal_of_error(int error)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(refusal_rows); i++)
		if (refusal_rows[i].error == error)
			return refusal_rows[i].refusal;
	return 0;
}

static int error_of_refusal(u32 refusal)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(refusal_rows); i++)
		if (refusal_rows[i].refusal == refusal)
			return refusal_rows[i].error;
	return 0;
}

static const struct type_row *type_row(u8 type)
{
	if (type >= ARRAY_SIZE(type_rows) || !type_rows[type].fixed_bytes)
		return NULL;
	return &type_rows[type];
}

/* Is (index, term) a place in a log, or the place before its first entry? */
static bool position_possible(u64 index, u64 term)
{
	return !index == !term && index <= RAFT_COUNT_MAX;
}

static bool entry_length_possible(const struct raft_entry *entry)
{
	switch (entry->type) {
	case RAFT_ENTRY_DATA:
		/* A witness gets it without what it says. */
		return entry->bytes <= WIRE_ENTRY_PAYLOAD_BYTES_MAX;
	case RAFT_ENTRY_NOOP:
		return !entry->bytes;
	case RAFT_ENTRY_CONFIGURATION:
		return entry->bytes &&
		       entry->bytes <= RAFT_CONFIGURATION_BYTES_MAX;
	case RAFT_ENTRY_SESSION:
		return entry->bytes &&
		       entry->bytes <= RAFT_SESSION_NAME_BYTES_MAX;
	case RAFT_ENTRY_SESSIONS:
		return entry->bytes <= RAFT_SESSIONS_BYTES_MAX;
	default:
		return false;
	}
}

/* Log Matching (3.5): terms never fall along a log, nor pass the leader's. */
static bool append_entries_possible(const struct raft_message *message)
{
	u64 prev_log_index = message->append_entries.prev_log_index;
	u64 term = message->append_entries.prev_log_term;
	u32 i;

	if (!position_possible(prev_log_index, term) ||
	    prev_log_index + message->n_entries > RAFT_COUNT_MAX ||
	    message->append_entries.leader_commit > RAFT_COUNT_MAX)
		return false;
	for (i = 0; i < message->n_entries; i++) {
		const struct raft_entry *entry = &message->entries[i];

		if (!entry->term || entry->term < term ||
		    !entry_length_possible(entry))
			return false;
		term = entry->term;
	}
	return term <= message->term;
}

static bool append_response_possible(const struct raft_message *message)
{
	return !(message->append_entries_response.rejected &&
		 message->append_entries_response.match_index) &&
	       message->append_entries_response.match_index <= RAFT_COUNT_MAX &&
	       message->append_entries_response.prev_log_index <=
		       RAFT_COUNT_MAX &&
	       message->append_entries_response.hint_index <= RAFT_COUNT_MAX &&
	       message->append_entries_response.hint_term <= RAFT_COUNT_MAX;
}

static bool propose_possible(const struct raft_message *message)
{
	const struct raft_entry *entry = message->entries;

	return message->n_entries == 1 && entry->session &&
	       entry->bytes && entry_length_possible(entry) &&
	       message->propose.proposed_at <= RAFT_COUNT_MAX;
}

/* Refused, or it is somewhere. */
static bool propose_response_possible(const struct raft_message *message)
{
	bool refused = refusal_of_error(message->propose_response.error);

	return message->propose_response.session &&
	       refused == !!message->propose_response.error &&
	       refused == !message->propose_response.index &&
	       message->propose_response.index <= RAFT_COUNT_MAX &&
	       refused == !message->propose_response.entry_term &&
	       message->propose_response.entry_term <= message->term;
}

static bool chunk_possible(const struct raft_message *message)
{
	u64 bytes = message->install_snapshot.bytes;
	u64 offset = message->install_snapshot.offset;
	const struct raft_entry *chunk = &message->entries[1];

	if (message->n_entries == 1)
		return offset <= bytes &&
		       (bytes || !message->install_snapshot.checksum);
	return message->n_entries == 2 && chunk->type == RAFT_ENTRY_DATA &&
	       !chunk->term && !chunk->session && !chunk->sequence &&
	       chunk->bytes && chunk->bytes <= WIRE_CHUNK_BYTES_MAX &&
	       offset < bytes && chunk->bytes <= bytes - offset;
}

static bool install_snapshot_possible(const struct raft_message *message)
{
	const struct raft_entry *entry = message->entries;
	u64 term = message->install_snapshot.snapshot_term;

	return message->install_snapshot.snapshot_index && term &&
	       position_possible(message->install_snapshot.snapshot_index,
				 term) &&
	       term <= message->term &&
	       message->install_snapshot.configuration_index &&
	       message->install_snapshot.configuration_index <=
		       RAFT_COUNT_MAX &&
	       message->install_snapshot.bytes <= RAFT_COUNT_MAX &&
	       message->n_entries && chunk_possible(message) &&
	       entry->type == RAFT_ENTRY_CONFIGURATION && !entry->term &&
	       !entry->session && !entry->sequence &&
	       entry_length_possible(entry);
}

static bool
install_snapshot_response_possible(const struct raft_message *message)
{
	u64 index = message->install_snapshot_response.snapshot_index;
	u64 term = message->install_snapshot_response.snapshot_term;

	return index && position_possible(index, term) &&
	       term <= message->term &&
	       message->install_snapshot_response.offset <= RAFT_COUNT_MAX;
}

static bool message_possible(const struct raft_message *message)
{
	if (!message->term || message->term > RAFT_COUNT_MAX ||
	    !message->incarnation)
		return false;
	switch (message->type) {
	case RAFT_REQUEST_VOTE:
		return position_possible(message->request_vote.last_log_index,
					 message->request_vote.last_log_term) &&
		       message->request_vote.last_log_term <= message->term &&
		       !(message->request_vote.pre_vote &&
			 message->request_vote.leadership_transfer_ns);
	case RAFT_REQUEST_VOTE_RESPONSE:
		return message->request_vote_response.candidate_incarnation;
	case RAFT_APPEND_ENTRIES:
		return append_entries_possible(message);
	case RAFT_APPEND_ENTRIES_RESPONSE:
		return append_response_possible(message);
	case RAFT_PROPOSE:
		return propose_possible(message);
	case RAFT_PROPOSE_RESPONSE:
		return propose_response_possible(message);
	case RAFT_READ_INDEX:
		return message->read_index.session &&
		       message->read_index.sequence;
	case RAFT_READ_INDEX_RESPONSE:
		return message->read_index_response.session &&
		       message->read_index_response.sequence &&
		       message->read_index_response.index &&
		       message->read_index_response.index <= RAFT_COUNT_MAX;
	case RAFT_TIMEOUT_NOW:
		return message->timeout_now.until_ns &&
		       message->timeout_now.last_log_index <= RAFT_COUNT_MAX;
	case RAFT_INSTALL_SNAPSHOT:
		return install_snapshot_possible(message);
	case RAFT_INSTALL_SNAPSHOT_RESPONSE:
		return install_snapshot_response_possible(message);
	case RAFT_FEATURE_LEVEL:
		return message->feature_level.level;
	default:
		return true;
	}
}

size_t wire_message_bytes(const struct raft_message *message)
{
	const struct type_row *row = type_row(message->type);
	u64 payload_bytes = 0;
	u32 i;

	if (!row || message->n_entries > row->n_entries_max)
		return 0;
	for (i = 0; i < message->n_entries; i++)
		payload_bytes += message->entries[i].bytes;
	if (payload_bytes > WIRE_MESSAGE_PAYLOAD_BYTES_MAX)
		return 0;
	return row->fixed_bytes + message->n_entries * WIRE_ENTRY_BYTES +
	       payload_bytes;
}

static u8 message_flags(const struct raft_message *message)
{
	switch (message->type) {
	case RAFT_REQUEST_VOTE:
		return message->request_vote.pre_vote ? WIRE_F_PRE_VOTE : 0;
	case RAFT_REQUEST_VOTE_RESPONSE:
		return (message->request_vote_response.pre_vote ?
				WIRE_F_PRE_VOTE : 0) |
		       (message->request_vote_response.granted ?
				WIRE_F_GRANTED : 0);
	case RAFT_APPEND_ENTRIES_RESPONSE:
		return message->append_entries_response.rejected ?
			       WIRE_F_REJECTED : 0;
	case RAFT_READ_INDEX:
		return message->read_index.lease ? WIRE_F_LEASE : 0;
	case RAFT_TIMEOUT_NOW:
		return message->timeout_now.requested ? WIRE_F_REQUESTED : 0;
	default:
		return 0;
	}
}

static u8 message_priority(const struct raft_message *message)
{
	switch (message->type) {
	case RAFT_APPEND_ENTRIES:
		return message->append_entries.best_priority;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		return message->append_entries_response.priority;
	default:
		return 0;
	}
}

static void encode_fixed(const struct raft_message *message, u8 *p)
{
	p[0] = message->type;
	p[1] = message_flags(message);
	p[2] = message_priority(message);
	p[3] = 0;
	put_unaligned_le32(message->n_entries, p + 4);
	put_unaligned_le64(message->term, p + 8);
	put_unaligned_le64(message->incarnation, p + 16);

	switch (message->type) {
	case RAFT_REQUEST_VOTE:
		put_unaligned_le64(message->request_vote.last_log_index, p + 24);
		put_unaligned_le64(message->request_vote.last_log_term, p + 32);
		put_unaligned_le64(message->request_vote.leadership_transfer_ns, p + 40);
		break;
	case RAFT_REQUEST_VOTE_RESPONSE:
		put_unaligned_le64(message->request_vote_response.candidate_incarnation,
				   p + 24);
		break;
	case RAFT_APPEND_ENTRIES:
		put_unaligned_le64(message->append_entries.prev_log_index, p + 24);
		put_unaligned_le64(message->append_entries.prev_log_term, p + 32);
		put_unaligned_le64(message->append_entries.leader_commit, p + 40);
		put_unaligned_le64(message->append_entries.sent_ns, p + 48);
		break;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		put_unaligned_le64(message->append_entries_response.match_index, p + 24);
		put_unaligned_le64(message->append_entries_response.prev_log_index, p + 32);
		put_unaligned_le64(message->append_entries_response.hint_index, p + 40);
		put_unaligned_le64(message->append_entries_response.hint_term, p + 48);
		put_unaligned_le64(message->append_entries_response.sent_ns, p + 56);
		put_unaligned_le64(message->append_entries_response.promised_ns, p + 64);
		break;
	case RAFT_PROPOSE:
		put_unaligned_le64(message->propose.proposed_at, p + 24);
		break;
	case RAFT_PROPOSE_RESPONSE:
		put_unaligned_le64(message->propose_response.session, p + 24);
		put_unaligned_le64(message->propose_response.sequence, p + 32);
		put_unaligned_le32(refusal_of_error(message->propose_response.error), p + 40);
		put_unaligned_le32(0, p + 44);
		put_unaligned_le64(message->propose_response.index, p + 48);
		put_unaligned_le64(message->propose_response.entry_term, p + 56);
		break;
	case RAFT_READ_INDEX:
		put_unaligned_le64(message->read_index.session, p + 24);
		put_unaligned_le64(message->read_index.sequence, p + 32);
		break;
	case RAFT_READ_INDEX_RESPONSE:
		put_unaligned_le64(message->read_index_response.session, p + 24);
		put_unaligned_le64(message->read_index_response.sequence, p + 32);
		put_unaligned_le64(message->read_index_response.index, p + 40);
		break;
	case RAFT_TIMEOUT_NOW:
		put_unaligned_le64(message->timeout_now.last_log_index, p + 24);
		put_unaligned_le64(message->timeout_now.until_ns, p + 32);
		break;
	case RAFT_INSTALL_SNAPSHOT:
		put_unaligned_le64(message->install_snapshot.snapshot_index, p + 24);
		put_unaligned_le64(message->install_snapshot.snapshot_term, p + 32);
		put_unaligned_le64(message->install_snapshot.configuration_index, p + 40);
		put_unaligned_le64(message->install_snapshot.sent_ns, p + 48);
		put_unaligned_le64(message->install_snapshot.bytes, p + 56);
		put_unaligned_le64(message->install_snapshot.offset, p + 64);
		put_unaligned_le32(message->install_snapshot.checksum, p + 72);
		put_unaligned_le32(0, p + 76);
		break;
	case RAFT_INSTALL_SNAPSHOT_RESPONSE:
		put_unaligned_le64(message->install_snapshot_response.snapshot_index, p + 24);
		put_unaligned_le64(message->install_snapshot_response.snapshot_term, p + 32);
		put_unaligned_le64(message->install_snapshot_response.offset, p + 40);
		put_unaligned_le32(message->install_snapshot_response.checksum, p + 48);
		put_unaligned_le32(0, p + 52);
		break;
	case RAFT_FEATURE_LEVEL:
		put_unaligned_le64(message->feature_level.level, p + 24);
		break;
	}
}

static void decode_fixed(struct raft_message *message, const u8 *p)
{
	u8 flags = p[1];

	message->n_entries = get_unaligned_le32(p + 4);
	message->term = get_unaligned_le64(p + 8);
	message->incarnation = get_unaligned_le64(p + 16);

	switch (message->type) {
	case RAFT_REQUEST_VOTE:
		message->request_vote.last_log_index = get_unaligned_le64(p + 24);
		message->request_vote.last_log_term = get_unaligned_le64(p + 32);
		message->request_vote.leadership_transfer_ns = get_unaligned_le64(p + 40);
		message->request_vote.pre_vote = flags & WIRE_F_PRE_VOTE;
		break;
	case RAFT_REQUEST_VOTE_RESPONSE:
		message->request_vote_response.pre_vote = flags & WIRE_F_PRE_VOTE;
		message->request_vote_response.granted = flags & WIRE_F_GRANTED;
		message->request_vote_response.candidate_incarnation =
			get_unaligned_le64(p + 24);
		break;
	case RAFT_APPEND_ENTRIES:
		message->append_entries.prev_log_index = get_unaligned_le64(p + 24);
		message->append_entries.prev_log_term = get_unaligned_le64(p + 32);
		message->append_entries.leader_commit = get_unaligned_le64(p + 40);
		message->append_entries.sent_ns = get_unaligned_le64(p + 48);
		message->append_entries.best_priority = p[2];
		break;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		message->append_entries_response.match_index = get_unaligned_le64(p + 24);
		message->append_entries_response.prev_log_index = get_unaligned_le64(p + 32);
		message->append_entries_response.hint_index = get_unaligned_le64(p + 40);
		message->append_entries_response.hint_term = get_unaligned_le64(p + 48);
		message->append_entries_response.sent_ns = get_unaligned_le64(p + 56);
		message->append_entries_response.promised_ns = get_unaligned_le64(p + 64);
		message->append_entries_response.rejected = flags & WIRE_F_REJECTED;
		message->append_entries_response.priority = p[2];
		break;
	case RAFT_PROPOSE:
		message->propose.proposed_at = get_unaligned_le64(p + 24);
		break;
	case RAFT_PROPOSE_RESPONSE:
		message->propose_response.session = get_unaligned_le64(p + 24);
		message->propose_response.sequence = get_unaligned_le64(p + 32);
		message->propose_response.error = error_of_refusal(get_unaligned_le32(p + 40));
		message->propose_response.index = get_unaligned_le64(p + 48);
		message->propose_response.entry_term = get_unaligned_le64(p + 56);
		break;
	case RAFT_READ_INDEX:
		message->read_index.session = get_unaligned_le64(p + 24);
		message->read_index.sequence = get_unaligned_le64(p + 32);
		message->read_index.lease = flags & WIRE_F_LEASE;
		break;
	case RAFT_READ_INDEX_RESPONSE:
		message->read_index_response.session = get_unaligned_le64(p + 24);
		message->read_index_response.sequence = get_unaligned_le64(p + 32);
		message->read_index_response.index = get_unaligned_le64(p + 40);
		break;
	case RAFT_TIMEOUT_NOW:
		message->timeout_now.last_log_index = get_unaligned_le64(p + 24);
		message->timeout_now.until_ns = get_unaligned_le64(p + 32);
		message->timeout_now.requested = flags & WIRE_F_REQUESTED;
		break;
	case RAFT_INSTALL_SNAPSHOT:
		message->install_snapshot.snapshot_index = get_unaligned_le64(p + 24);
		message->install_snapshot.snapshot_term = get_unaligned_le64(p + 32);
		message->install_snapshot.configuration_index = get_unaligned_le64(p + 40);
		message->install_snapshot.sent_ns = get_unaligned_le64(p + 48);
		message->install_snapshot.bytes = get_unaligned_le64(p + 56);
		message->install_snapshot.offset = get_unaligned_le64(p + 64);
		message->install_snapshot.checksum = get_unaligned_le32(p + 72);
		break;
	case RAFT_INSTALL_SNAPSHOT_RESPONSE:
		message->install_snapshot_response.snapshot_index = get_unaligned_le64(p + 24);
		message->install_snapshot_response.snapshot_term = get_unaligned_le64(p + 32);
		message->install_snapshot_response.offset = get_unaligned_le64(p + 40);
		message->install_snapshot_response.checksum = get_unaligned_le32(p + 48);
		break;
	case RAFT_FEATURE_LEVEL:
		message->feature_level.level = p[24];
		break;
	}
}

static void encode_entry(const struct raft_entry *entry, u64 term, u8 *p)
{
	put_unaligned_le64(term, p);
	put_unaligned_le64(entry->session, p + 8);
	put_unaligned_le64(entry->sequence, p + 16);
	put_unaligned_le32(entry->bytes, p + 24);
	p[28] = entry->type;
	memset(p + 29, 0, 3);
}

static void decode_entry(struct raft_entry *entry, const u8 *p)
{
	entry->term = get_unaligned_le64(p);
	entry->session = get_unaligned_le64(p + 8);
	entry->sequence = get_unaligned_le64(p + 16);
	entry->bytes = get_unaligned_le32(p + 24);
	entry->type = p[28];
	entry->payload = NULL;
	entry->data = NULL;
}

int wire_message_encode(const struct raft_message *message, void *buf,
			size_t bytes)
{
	size_t message_bytes = wire_message_bytes(message);
	u8 *header, *payload;
	u32 i;

	if (!message_bytes || !message_possible(message))
		return -EINVAL;
	if (bytes < message_bytes)
		return -EMSGSIZE;

	encode_fixed(message, buf);
	header = (u8 *)buf + type_row(message->type)->fixed_bytes;
	payload = header + message->n_entries * WIRE_ENTRY_BYTES;
	for (i = 0; i < message->n_entries; i++) {
		const struct raft_entry *entry = &message->entries[i];

		/* A proposal has no term before a leader appends it. */
		encode_entry(entry, message->type == RAFT_PROPOSE ? 0 : entry->term,
			     header);
		header += WIRE_ENTRY_BYTES;
		if (entry->bytes)
			memcpy(payload, entry->data, entry->bytes);
		payload += entry->bytes;
	}
	return message_bytes;
}

/* Entry headers, then payloads that end exactly where the message does. */
static int decode_entries(const struct raft_message *message,
			  struct raft_entry *entries,
			  const struct wire_limits *limits, const u8 *p,
			  size_t bytes)
{
	const u8 *payload = p + (size_t)message->n_entries * WIRE_ENTRY_BYTES;
	size_t rest = bytes - (size_t)message->n_entries * WIRE_ENTRY_BYTES;
	u32 i;

	for (i = 0; i < message->n_entries; i++, p += WIRE_ENTRY_BYTES) {
		struct raft_entry *entry = &entries[i];

		decode_entry(entry, p);
		if (p[29] || p[30] || p[31] || entry->bytes > rest)
			return -EBADMSG;
		if (message->type == RAFT_PROPOSE && entry->term)
			return -EBADMSG;
		if (entry->type == RAFT_ENTRY_DATA &&
		    message->type != RAFT_INSTALL_SNAPSHOT &&
		    entry->bytes > limits->entry_bytes_max)
			return -EMSGSIZE;
		entry->data = payload;
		payload += entry->bytes;
		rest -= entry->bytes;
	}
	return rest ? -EBADMSG : 0;
}

int wire_message_decode(struct raft_message *message,
			struct raft_entry *entries,
			const struct wire_limits *limits, u32 from, u32 to,
			const void *buf, size_t bytes)
{
	const struct type_row *row;
	const u8 *p = buf;
	int err;

	if (bytes > limits->message_bytes_max)
		return -EMSGSIZE;
	if (bytes < WIRE_MESSAGE_FIXED_BYTES_MIN)
		return -EBADMSG;
	row = type_row(p[0]);
	if (!row || bytes < row->fixed_bytes)
		return -EBADMSG;
	if ((p[1] & ~row->flags) || (p[2] && !row->priority) || p[3])
		return -EBADMSG;

	memset(message, 0, sizeof(*message));
	message->type = p[0];
	message->from = from;
	message->to = to;
	message->entries = entries;
	decode_fixed(message, p);
	if (row->zero && get_unaligned_le32(p + row->zero))
		return -EBADMSG;
	if (message->type == RAFT_FEATURE_LEVEL && get_unaligned_le64(p + 24) >> 8)
		return -EBADMSG;
	/* One that is not known is no acceptance. */
	if (message->type == RAFT_PROPOSE_RESPONSE && get_unaligned_le32(p + 40) &&
	    !message->propose_response.error)
		return -EBADMSG;

	p += row->fixed_bytes;
	bytes -= row->fixed_bytes;
	if (message->n_entries > row->n_entries_max ||
	    message->n_entries > bytes / WIRE_ENTRY_BYTES)
		return -EBADMSG;
	if (message->n_entries > limits->n_entries_max)
		return -EMSGSIZE;
	err = decode_entries(message, entries, limits, p, bytes);
	if (err)
		return err;
	return message_possible(message) ? 0 : -EBADMSG;
}
