// SPDX-License-Identifier: GPL-2.0
/*
 * A server among others that follow no rule. The input is a program: messages, each of
 * which a peer could have encoded, and all else that happens to a server. Whatever it
 * is told, the core keeps its word: nothing that it called committed goes, it votes
 * once in a term, what it sends can be encoded, and it stops itself only where a leader
 * contradicts what is committed, or it has become what it cannot be.
 */
#include <stdio.h>

#include "../../kmod/wire/wire.h"
#include "core.h"
#include "fuzz.h"

enum {
	NODE_ID = 1,
	N_MEMBERS = 3,
	OPERATIONS_MAX = 400,
	ENTRIES_PER_MESSAGE = 4,
	LOG_ENTRIES = 2048,
	WRITES = 64,
	PROPOSALS = 64,
	READS = 16,
	BUFFER_BYTES = 16 << 10,
	RETRIES_MAX = 20,
	/* Batches without time going by, until the core has nothing more to do. */
	BATCHES_MAX = 100,
};

static const struct wire_limits limits = {
	.n_entries_max = 16,
	.entry_bytes_max = 4096,
	.message_bytes_max = BUFFER_BYTES,
};

struct slot {
	u64 term;
	u8 type;
	u32 bytes;
};

struct written {
	u64 seq;
	u64 index;
	u64 term;
};

struct world {
	struct input input;
	struct core core;
	u64 now_ns;
	struct raft_hard_state hard_state;
	u64 commit_index;

	/* The log as the executor has it, behind @base. */
	u64 base;
	u32 n_log;
	struct slot log[LOG_ENTRIES];

	struct written writes[WRITES];
	u32 n_writes;
	struct raft_chunk chunk;
	struct raft_proposal *proposals[PROPOSALS];
	struct raft_read *reads[READS];
	u8 message[BUFFER_BYTES];
	u8 payload[BUFFER_BYTES];
	u32 n_payload;
};

static u64 take(struct world *w, unsigned int bytes)
{
	return input_take(&w->input, bytes);
}

/* Near what means something to the core, or anything. */
static u64 near(struct world *w, u64 value)
{
	return value + (s8)take(w, 1);
}

static u64 take_index(struct world *w)
{
	struct raft_status status;

	raft_status(w->core.r, &status);
	switch (take(w, 1) % 8) {
	case 0:
		return 0;
	case 1:
		return status.last_index;
	case 2:
		return status.commit_index;
	case 3:
		return near(w, status.last_index);
	case 4:
		return near(w, status.commit_index);
	case 5:
		return near(w, status.first_index);
	case 6:
		return take(w, 1);
	default:
		return take(w, 8) & (2 * RAFT_COUNT_MAX - 1);
	}
}

static u64 take_term(struct world *w)
{
	struct raft_status status;

	raft_status(w->core.r, &status);
	switch (take(w, 1) % 8) {
	case 0:
	case 1:
	case 2:
		return status.hard_state.current_term;
	case 3:
		return status.hard_state.current_term + 1;
	case 4:
		return near(w, status.hard_state.current_term);
	case 5:
		return status.last_term;
	case 6:
		return take(w, 1);
	default:
		return take(w, 8) & (2 * RAFT_COUNT_MAX - 1);
	}
}

static u64 take_ns(struct world *w)
{
	switch (take(w, 1) % 4) {
	case 0:
		return w->now_ns;
	case 1:
		return w->now_ns - (take(w, 2) << 16);
	case 2:
		return w->now_ns + (take(w, 2) << 16);
	default:
		return take(w, 8);
	}
}

/* Bytes of an entry's payload, until the message is encoded. */
static u8 *payload(struct world *w, u32 bytes)
{
	u8 *at = w->payload + w->n_payload;

	if (bytes > BUFFER_BYTES - w->n_payload)
		return NULL;
	w->n_payload += bytes;
	memset(at, 'x', bytes);
	return at;
}

static void put_configuration(struct world *w, struct raft_entry *entry)
{
	struct raft_configuration configuration = {
		.joint = !(take(w, 1) & 7),
		.feature_level = take(w, 1) % (RAFT_FEATURE_LEVEL_LAST + 2),
	};
	u32 i, n = 1 + take(w, 1) % 5;
	u8 *at = payload(w, RAFT_CONFIGURATION_BYTES_MAX);
	int bytes;

	if (!at)
		return;
	for (i = 0; i < n; i++)
		configuration.members[i] = (struct raft_member){
			.id = i + 1,
			.kind = take(w, 1) % 16 ? RAFT_VOTER : take(w, 1) % 4,
			.flags = take(w, 1) % 8 ? 0 : take(w, 1),
			.address = { .family = 4, .port = 1, .ip = { i + 1 } },
			.incarnation = take(w, 1) & 7 ? i + 1 : take(w, 1),
		};
	configuration.n_members = n;
	bytes = raft_configuration_encode(&configuration, at,
					  RAFT_CONFIGURATION_BYTES_MAX);
	if (bytes < 0)
		return;
	entry->data = at;
	entry->bytes = bytes;
	while (!(take(w, 1) & 15) && w->input.bytes)
		at[take(w, 1) % bytes] ^= take(w, 1);
}

static void put_sessions(struct world *w, struct raft_entry *entry)
{
	u32 n = take(w, 1) % 3, i, bytes;
	u8 *at, *p;

	entry->sequence = take_index(w);
	bytes = RAFT_SESSIONS_HEADER_BYTES +
		n * (RAFT_SESSIONS_SESSION_BYTES + RAFT_SESSIONS_SLOT_BYTES);
	at = payload(w, bytes);
	if (!entry->sequence || !at)
		return;
	memset(at, 0, bytes);
	put_unaligned_le32(1, at);
	put_unaligned_le32(n, at + 4);
	p = at + RAFT_SESSIONS_HEADER_BYTES;
	for (i = 0; i < n; i++) {
		put_unaligned_le64(RAFT_SESSION_KEY + i + 1, p);
		put_unaligned_le64(1, p + 8);
		put_unaligned_le64(2 + i, p + 16);
		put_unaligned_le64(take_index(w), p + 24);
		put_unaligned_le32(1, p + 40);
		p += RAFT_SESSIONS_SESSION_BYTES;
		put_unaligned_le64(1 + take(w, 1), p);
		put_unaligned_le64(1, p + 8);
		put_unaligned_le64(take_term(w), p + 16);
		p += RAFT_SESSIONS_SLOT_BYTES;
	}
	while (!(take(w, 1) & 15) && w->input.bytes)
		at[take(w, 2) % bytes] ^= take(w, 1);
	entry->data = at;
	entry->bytes = bytes;
}

static u64 take_session(struct world *w)
{
	switch (take(w, 1) % 4) {
	case 0:
		return w->core.settings.session;
	case 1:
		return RAFT_SESSION_KEY | take(w, 1);
	case 2:
		return RAFT_SESSION_NAMED | take_index(w);
	default:
		return take(w, 1);
	}
}

static void put_entry(struct world *w, struct raft_entry *entry)
{
	*entry = (struct raft_entry){ .type = RAFT_ENTRY_DATA };
	entry->term = take_term(w);
	switch (take(w, 1) % 8) {
	case 0:
		entry->type = RAFT_ENTRY_CONFIGURATION;
		put_configuration(w, entry);
		break;
	case 1:
		entry->type = RAFT_ENTRY_SESSIONS;
		put_sessions(w, entry);
		break;
	case 2:
		entry->type = RAFT_ENTRY_SESSION;
		entry->session = RAFT_SESSION_KEY | take(w, 1);
		entry->sequence = 1 + take(w, 1);
		entry->bytes = 8;
		entry->data = payload(w, 8);
		break;
	case 3:
		entry->type = RAFT_ENTRY_NOOP;
		break;
	default:
		entry->session = take_session(w);
		entry->sequence = take(w, 1);
		entry->bytes = take(w, 1);
		entry->data = payload(w, entry->bytes);
		break;
	}
	if (!entry->data)
		entry->bytes = 0;
}

static void fill_append(struct world *w, struct raft_message *m,
			struct raft_entry *entries)
{
	u32 i;

	m->append_entries.prev_log_index = take_index(w);
	m->append_entries.prev_log_term =
		take(w, 1) & 3 ? raft_term_at(w->core.r,
					      m->append_entries.prev_log_index) :
				 take_term(w);
	m->append_entries.leader_commit = take_index(w);
	m->append_entries.sent_ns = take_ns(w);
	m->append_entries.best_priority = take(w, 1);
	m->n_entries = take(w, 1) % (ENTRIES_PER_MESSAGE + 1);
	for (i = 0; i < m->n_entries; i++)
		put_entry(w, &entries[i]);
}

static void fill_append_response(struct world *w, struct raft_message *m)
{
	m->append_entries_response.rejected = take(w, 1) & 1;
	m->append_entries_response.match_index = take_index(w);
	if (m->append_entries_response.rejected)
		m->append_entries_response.match_index = 0;
	m->append_entries_response.prev_log_index = take_index(w);
	m->append_entries_response.hint_index = take_index(w);
	m->append_entries_response.hint_term = take_term(w);
	m->append_entries_response.sent_ns = take_ns(w);
	m->append_entries_response.promised_ns = take(w, 8);
	m->append_entries_response.priority = take(w, 1);
}

static void fill_install(struct world *w, struct raft_message *m,
			 struct raft_entry *entries)
{
	m->install_snapshot.snapshot_index = take_index(w);
	m->install_snapshot.snapshot_term = take_term(w);
	m->install_snapshot.configuration_index = take_index(w);
	m->install_snapshot.sent_ns = take_ns(w);
	m->n_entries = 1;
	entries[0] = (struct raft_entry){ .type = RAFT_ENTRY_CONFIGURATION };
	put_configuration(w, &entries[0]);
	if (take(w, 1) & 1)
		return;
	m->install_snapshot.bytes =
		take(w, 1) & 7 ? take(w, 2) : take_index(w);
	m->install_snapshot.checksum = take(w, 1) & 1;
	m->install_snapshot.offset = take(w, 1) & 3 ? 0 : take(w, 2);
	entries[1] = (struct raft_entry){
		.type = RAFT_ENTRY_DATA,
		.bytes = 1 + take(w, 1),
	};
	entries[1].data = payload(w, entries[1].bytes);
	if (entries[1].data && take(w, 1) & 3)
		m->n_entries = 2;
}

static void fill_install_response(struct world *w, struct raft_message *m)
{
	struct raft_status status;

	raft_status(w->core.r, &status);
	m->install_snapshot_response.snapshot_index =
		take(w, 1) & 3 ? status.snapshot.index : take_index(w);
	m->install_snapshot_response.snapshot_term =
		take(w, 1) & 3 ? status.snapshot.term : take_term(w);
	m->install_snapshot_response.checksum = status.snapshot.checksum;
	m->install_snapshot_response.offset =
		take(w, 1) & 3 ? take(w, 2) : take_index(w);
}

static void fill_propose_response(struct world *w, struct raft_message *m)
{
	static const int errors[] = { 0, -EAGAIN, -ENOSPC, -ESTALE, -ERANGE };

	m->propose_response.session = take_session(w);
	m->propose_response.sequence = take(w, 1);
	m->propose_response.error = errors[take(w, 1) % ARRAY_SIZE(errors)];
	if (m->propose_response.error)
		return;
	m->propose_response.index = take_index(w);
	m->propose_response.entry_term = take_term(w);
}

static void fill(struct world *w, struct raft_message *m,
		 struct raft_entry *entries)
{
	switch (m->type) {
	case RAFT_REQUEST_VOTE:
		m->request_vote.last_log_index = take_index(w);
		m->request_vote.last_log_term = take_term(w);
		m->request_vote.leadership_transfer_ns =
			take(w, 1) & 3 ? 0 : take_ns(w);
		m->request_vote.pre_vote = take(w, 1) & 1;
		break;
	case RAFT_REQUEST_VOTE_RESPONSE:
		m->request_vote_response.granted = take(w, 1) & 3;
		m->request_vote_response.pre_vote = take(w, 1) & 1;
		m->request_vote_response.candidate_incarnation =
			take(w, 1) & 7 ? NODE_ID : take(w, 1);
		break;
	case RAFT_APPEND_ENTRIES:
		fill_append(w, m, entries);
		break;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		fill_append_response(w, m);
		break;
	case RAFT_PROPOSE:
		m->propose.proposed_at = take_index(w);
		m->n_entries = 1;
		put_entry(w, &entries[0]);
		break;
	case RAFT_PROPOSE_RESPONSE:
		fill_propose_response(w, m);
		break;
	case RAFT_TIMEOUT_NOW:
		m->timeout_now.last_log_index = take_index(w);
		m->timeout_now.until_ns = take_ns(w);
		m->timeout_now.requested = take(w, 1) & 1;
		break;
	case RAFT_READ_INDEX:
		m->read_index.session = 1 + take(w, 1);
		m->read_index.sequence = take(w, 1) & 7 ? take(w, 1) : take(w, 8);
		m->read_index.lease = take(w, 1) & 1;
		break;
	case RAFT_READ_INDEX_RESPONSE:
		m->read_index_response.session = w->core.settings.session;
		m->read_index_response.sequence = take(w, 1);
		m->read_index_response.index = take_index(w);
		break;
	case RAFT_INSTALL_SNAPSHOT:
		fill_install(w, m, entries);
		break;
	case RAFT_INSTALL_SNAPSHOT_RESPONSE:
		fill_install_response(w, m);
		break;
	case RAFT_FEATURE_LEVEL:
		m->feature_level.level = 1 + take(w, 1) % 3;
		break;
	}
}

/* Carrying out what the core wants */

static struct slot *slot_at(struct world *w, u64 index)
{
	CHECK(index > w->base && index <= w->base + w->n_log);
	return &w->log[index - w->base - 1];
}

static void carry_out_base(struct world *w)
{
	const struct raft_update *update = &w->core.update;
	u64 n = update->base_index - w->base;

	CHECK(update->base_index > w->base);
	if (update->base_discards) {
		CHECK(update->base_index > w->commit_index);
		w->n_log = 0;
	} else {
		CHECK(update->base_index <= w->commit_index);
		CHECK(slot_at(w, update->base_index)->term ==
		      update->base_term);
		w->n_log -= n;
		memmove(w->log, w->log + n, w->n_log * sizeof(*w->log));
	}
	w->base = update->base_index;
}

static void carry_out_entries(struct world *w)
{
	const struct raft_update *update = &w->core.update;
	u32 i;

	if (!update->n_entries)
		return;
	CHECK(update->n_entries <= update->entries_max);
	CHECK(update->first_index > w->base &&
	      update->first_index <= w->base + w->n_log + 1);
	/* 3.5: what is committed stays, whoever says what. */
	CHECK(update->first_index > w->commit_index);
	w->n_log = update->first_index - w->base - 1;
	for (i = 0; i < update->n_entries; i++) {
		const struct raft_entry *entry = &update->entries[i];

		CHECK(w->n_log < LOG_ENTRIES);
		CHECK(entry->term && entry->type <= RAFT_ENTRY_TYPE_LAST);
		CHECK(!w->n_log ||
		      entry->term >= w->log[w->n_log - 1].term);
		CHECK(entry->term <= update->hard_state.current_term);
		w->log[w->n_log++] = (struct slot){
			.term = entry->term,
			.type = entry->type,
			.bytes = entry->bytes,
		};
	}
}

static void carry_out_hard_state(struct world *w)
{
	const struct raft_hard_state *next = &w->core.update.hard_state;

	if (!w->core.update.hard_state_changed)
		return;
	CHECK(next->current_term >= w->hard_state.current_term);
	if (next->current_term == w->hard_state.current_term)
		CHECK(!w->hard_state.voted_for ||
		      w->hard_state.voted_for == next->voted_for);
	w->hard_state = *next;
}

static void check_send(struct world *w, const struct raft_send *send)
{
	struct raft_message message = send->message;

	CHECK(message.to != NODE_ID && message.from == NODE_ID);
	CHECK(message.type >= RAFT_REQUEST_VOTE &&
	      message.type <= RAFT_MESSAGE_TYPE_LAST);
	CHECK(send->after_hard_state_seq <=
	      w->writes[w->n_writes ? w->n_writes - 1 : 0].seq ||
	      !w->n_writes);
	if (message.type == RAFT_APPEND_ENTRIES && message.n_entries)
		CHECK(send->last_index - send->first_index + 1 ==
		      message.n_entries);
	if (message.type == RAFT_APPEND_ENTRIES &&
	    send->first_index <= send->last_index)
		CHECK(send->first_index > w->base &&
		      send->last_index <= w->base + w->n_log);
	/* Of what a server says in a term beyond all counts nobody hears. */
	if (message.term > RAFT_COUNT_MAX ||
	    message.type == RAFT_PROPOSE || message.type == RAFT_INSTALL_SNAPSHOT)
		return;
	/* They come from the cache or the disk. */
	if (message.type == RAFT_APPEND_ENTRIES)
		message.n_entries = 0;
	CHECK(wire_message_encode(&message, w->message, BUFFER_BYTES) > 0);
}

static void note_write(struct world *w)
{
	struct raft_status status;

	if (!w->core.update.hard_state_seq)
		return;
	raft_status(w->core.r, &status);
	/* The newest makes up for those before it. */
	if (w->n_writes == WRITES)
		w->n_writes--;
	w->writes[w->n_writes++] = (struct written){
		.seq = w->core.update.hard_state_seq,
		.index = status.last_index,
		.term = status.last_term,
	};
}

static void end_proposal(struct world *w, struct raft_proposal *proposal)
{
	u32 i;

	for (i = 0; i < PROPOSALS; i++)
		if (w->proposals[i] == proposal)
			break;
	CHECK(i < PROPOSALS);
	w->proposals[i] = NULL;
	free(proposal->payload);
	free(proposal);
}

static void end_read(struct world *w, struct raft_read *read)
{
	u32 i;

	for (i = 0; i < READS; i++)
		if (w->reads[i] == read)
			break;
	CHECK(i < READS);
	CHECK(read->done);
	CHECK(read->result || read->index <= w->commit_index);
	w->reads[i] = NULL;
	free(read);
}

/* In the order that the fields of the update have. */
static void carry_out(struct world *w)
{
	struct raft_update *update = &w->core.update;
	struct raft_proposal *proposal, *next_proposal;
	struct raft_read *read, *next_read;
	u32 i;

	carry_out_hard_state(w);
	if (update->base_changed)
		carry_out_base(w);
	carry_out_entries(w);
	note_write(w);
	for (i = 0; i < update->n_sends; i++)
		check_send(w, &update->sends[i]);
	if (update->chunk.snapshot.index) {
		CHECK(!w->chunk.snapshot.index);
		w->chunk = update->chunk;
	}
	if (update->commit_index) {
		CHECK(update->commit_index <= w->base + w->n_log);
		w->commit_index = max(w->commit_index, update->commit_index);
	}
	list_for_each_entry_safe(proposal, next_proposal,
				 &update->proposals_done, node)
		end_proposal(w, proposal);
	list_for_each_entry_safe(read, next_read, &update->reads_done, node)
		end_read(w, read);
	INIT_LIST_HEAD(&update->proposals_done);
	INIT_LIST_HEAD(&update->reads_done);
	raft_update_reset(update);
}

static void time_passes(struct world *w)
{
	struct raft_event event = { .type = RAFT_EVENT_TIME };
	u32 retries = 0, batches = 0;
	u64 deadline_ns;
	int error;

	do {
		event.now_ns = w->now_ns;
		while ((error = raft_step(w->core.r, &event,
					  &w->core.update)) == -ENOMEM) {
			CHECK(retries++ < RETRIES_MAX);
			core_provide_memory(&w->core);
		}
		CHECK(!error || error == -ENOTRECOVERABLE);
		deadline_ns = w->core.update.deadline_ns;
		carry_out(w);
		/* A core that is never done makes the owner thread spin. */
		CHECK(batches++ < BATCHES_MAX);
	} while (!error && deadline_ns <= w->now_ns);
}

static int step(struct world *w, struct raft_event *event)
{
	u32 retries = 0;
	int error;

	event->now_ns = w->now_ns;
	for (;;) {
		error = raft_step(w->core.r, event, &w->core.update);
		if (error == -ENOMEM)
			core_provide_memory(&w->core);
		else if (error == -EAGAIN &&
			 event->type != RAFT_EVENT_TRANSFER)
			time_passes(w);
		else
			return error;
		CHECK(retries++ < RETRIES_MAX);
	}
}

static void receive(struct world *w)
{
	struct raft_entry entries[ENTRIES_PER_MESSAGE] = {}, decoded[16];
	struct raft_message message = {
		.type = 1 + take(w, 1) % RAFT_MESSAGE_TYPE_LAST,
		.from = 2 + take(w, 1) % N_MEMBERS,
		.to = NODE_ID,
		.entries = entries,
	}, again;
	struct raft_event event = { .type = RAFT_EVENT_MESSAGE };
	int bytes;

	w->n_payload = 0;
	message.incarnation = take(w, 1) & 15 ? message.from : 1 + take(w, 1);
	message.term = take_term(w);
	fill(w, &message, entries);
	bytes = wire_message_encode(&message, w->message, BUFFER_BYTES);
	if (bytes < 0)
		return;
	CHECK(!wire_message_decode(&again, decoded, &limits, message.from,
				   NODE_ID, w->message, bytes));
	event.message = &again;
	step(w, &event);
	/* What the entries point to goes with the next message. */
	time_passes(w);
}

static void persisted(struct world *w)
{
	struct raft_event event = { .type = RAFT_EVENT_PERSISTED };

	if (!w->n_writes)
		return;
	event.persisted.hard_state_seq = w->writes[0].seq;
	event.persisted.index = w->writes[0].index;
	event.persisted.term = w->writes[0].term;
	event.persisted.space_bytes = take(w, 1) & 7 ? CORE_SPACE_BYTES : 0;
	w->n_writes--;
	memmove(w->writes, w->writes + 1, w->n_writes * sizeof(*w->writes));
	step(w, &event);
}

static void propose(struct world *w)
{
	struct raft_event event = { .type = RAFT_EVENT_PROPOSE };
	struct raft_proposal *proposal;
	u32 i = take(w, 1) % PROPOSALS;

	if (w->proposals[i]) {
		event.type = RAFT_EVENT_CANCEL;
		event.proposal = w->proposals[i];
		step(w, &event);
		return;
	}
	proposal = calloc(1, sizeof(*proposal));
	CHECK(proposal);
	proposal->bytes = 1 + take(w, 1);
	proposal->payload = calloc(1, proposal->bytes);
	if (take(w, 1) & 1)
		proposal->session = take_session(w);
	proposal->sequence = take(w, 1);
	event.proposal = proposal;
	w->proposals[i] = proposal;
	if (!step(w, &event))
		return;
	w->proposals[i] = NULL;
	free(proposal->payload);
	free(proposal);
}

static void ask(struct world *w)
{
	struct raft_event event = { .type = RAFT_EVENT_READ_INDEX };
	u32 i = take(w, 1) % READS;

	if (w->reads[i]) {
		event.type = RAFT_EVENT_CANCEL_READ;
		event.read = w->reads[i];
		step(w, &event);
		return;
	}
	event.read = calloc(1, sizeof(*event.read));
	CHECK(event.read);
	event.read->lease = take(w, 1) & 1;
	w->reads[i] = event.read;
	if (step(w, &event)) {
		free(event.read);
		w->reads[i] = NULL;
	}
}

static void change(struct world *w)
{
	struct raft_change changes[2] = {};
	struct raft_change_request request = {
		.changes = changes,
		.n_changes = 1 + take(w, 1) % 2,
	};
	struct raft_event event = {
		.type = RAFT_EVENT_CHANGE,
		.change = &request,
	};
	u32 i;

	for (i = 0; i < request.n_changes; i++) {
		changes[i].type = take(w, 1) % (RAFT_CHANGE_TYPE_LAST + 2);
		changes[i].flags = take(w, 1) & 3 ? 0 : take(w, 1);
		changes[i].id = 1 + take(w, 1) % 5;
		changes[i].new_id = take(w, 1) % 8;
		changes[i].address = (struct raft_address){
			.family = 4,
			.port = 1 + take(w, 1) % 2,
			.ip = { changes[i].id },
		};
	}
	step(w, &event);
}

/* A configuration that a leader writes has no memory but the core's. */
static void compact(struct world *w)
{
	struct raft_event event = { .type = RAFT_EVENT_COMPACT };
	struct raft_status status;
	u64 index;

	raft_status(w->core.r, &status);
	index = min(min(status.compactable_index, status.durable_index),
		    status.commit_index);
	index -= min_t(u64, take(w, 1) & 7, index);
	if (index < status.first_index)
		return;
	event.index = index;
	step(w, &event);
}

static void snapshot(struct world *w)
{
	struct raft_event event = { .type = RAFT_EVENT_SNAPSHOT };

	event.snapshot.index = take(w, 1) & 3 ? w->commit_index : take_index(w);
	event.snapshot.term = raft_term_at(w->core.r, event.snapshot.index);
	event.snapshot.bytes = take(w, 2);
	event.snapshot.checksum = take(w, 1) & 1;
	step(w, &event);
}

static void gone(struct world *w)
{
	struct raft_event event = { .type = RAFT_EVENT_SNAPSHOT_GONE };

	event.index = take_index(w);
	step(w, &event);
}

static void stored(struct world *w)
{
	struct raft_event event = { .type = RAFT_EVENT_CHUNK_STORED };

	if (!w->chunk.snapshot.index)
		return;
	event.stored.snapshot = w->chunk.snapshot;
	if (take(w, 1) & 7)
		event.stored.offset = w->chunk.offset + w->chunk.data.bytes;
	w->chunk.snapshot.index = 0;
	step(w, &event);
}

static void transfer(struct world *w)
{
	struct raft_event event = { .type = RAFT_EVENT_TRANSFER };

	event.transfer.target = take(w, 1) % 5;
	event.transfer.cause = take(w, 1) % 2;
	step(w, &event);
}

/* What a hostile leader may bring about, and nothing else. */
static bool may_fail_by(const char *failure)
{
	static const char *const allowed[] = {
		"prev + 1 + i > r->commit_index",
		"index > r->commit_index",
		"this was a witness",
		"the cluster uses",
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(allowed); i++)
		if (strstr(failure, allowed[i]))
			return true;
	fprintf(stderr, "failed: %s\n", failure);
	return false;
}

static bool runs(struct world *w)
{
	struct raft_status status;

	raft_status(w->core.r, &status);
	CHECK(status.first_index >= 1);
	CHECK(status.last_index >= status.first_index - 1);
	if (status.role == RAFT_FAILED) {
		CHECK(may_fail_by(status.failure));
		return false;
	}
	CHECK(status.commit_index <= status.last_index);
	CHECK(status.durable_index <= status.last_index);
	CHECK(status.last_term <= status.hard_state.current_term);
	return true;
}

static void operate(struct world *w)
{
	switch (take(w, 1) % 24) {
	default:
		receive(w);
		break;
	case 12:
	case 13:
	case 14:
		persisted(w);
		break;
	case 15:
		w->now_ns += take(w, 2) << 14;
		break;
	case 16:
		w->now_ns += w->core.settings.election_timeout_ns * 2;
		break;
	case 17:
		propose(w);
		break;
	case 18:
		ask(w);
		break;
	case 19:
		change(w);
		break;
	case 20:
		compact(w);
		break;
	case 21:
		snapshot(w);
		break;
	case 22:
		stored(w);
		break;
	case 23:
		if (take(w, 1) & 1)
			transfer(w);
		else
			gone(w);
		break;
	}
}

static void bootstrap(struct world *w)
{
	struct raft_configuration configuration = {
		.n_members = N_MEMBERS,
		.feature_level = take(w, 1) % 2,
	};
	u8 data[RAFT_CONFIGURATION_BYTES_MAX];
	bool sealed = take(w, 1) & 3;
	int bytes;
	u32 i;

	for (i = 0; i < N_MEMBERS; i++)
		configuration.members[i] = (struct raft_member){
			.id = i + 1,
			.address = { .family = 4, .port = 1, .ip = { i + 1 } },
			.incarnation = sealed ? i + 1 : 0,
		};
	bytes = raft_configuration_encode(&configuration, data, sizeof(data));
	CHECK(bytes > 0);
	raft_set_incarnation(w->core.r, NODE_ID);
	/* Or it waits to be added, with an empty log. */
	if (take(w, 1) & 7)
		CHECK(!raft_bootstrap(w->core.r, NULL, data, bytes,
				      CORE_SPACE_BYTES, &w->core.update));
	CHECK(!raft_start(w->core.r, w->now_ns, &w->core.update));
	time_passes(w);
}

static void end(struct world *w)
{
	struct raft_event event = { .type = RAFT_EVENT_SHUTDOWN };
	u32 i;

	step(w, &event);
	carry_out(w);
	/* Whoever waited was told. */
	for (i = 0; i < PROPOSALS; i++)
		CHECK(!w->proposals[i]);
	for (i = 0; i < READS; i++)
		CHECK(!w->reads[i]);
	core_free(&w->core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct world *w = calloc(1, sizeof(*w));
	u32 n = 0;

	CHECK(w);
	w->input = (struct input){ data, bytes };
	w->now_ns = NSEC_PER_SEC;
	core_init(&w->core, NODE_ID);
	bootstrap(w);
	while (w->input.bytes && n++ < OPERATIONS_MAX && runs(w) &&
	       w->n_log < LOG_ENTRIES - 2 * CORE_ENTRIES) {
		operate(w);
		time_passes(w);
	}
	runs(w);
	end(w);
	free(w);
	return 0;
}
