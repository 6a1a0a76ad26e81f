// SPDX-License-Identifier: GPL-2.0
/* The core from outside: set-up, the step function, status. */
#include "core.h"

static u64 mix(u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

u64 raft_rng_next(struct raft_rng *rng)
{
	return mix(rng->state += 0x9e3779b97f4a7c15ull);
}

u32 raft_hash(u64 seed, u64 session, u64 sequence)
{
	return (u32)mix(mix(session ^ seed) ^ sequence);
}

/* Arrays behind struct raft, each aligned to 8. */
struct layout {
	size_t growing;
	size_t inflight;
	size_t bytes;
};

static size_t place(size_t *bytes, size_t n, size_t size)
{
	size_t at = *bytes;

	*bytes = ALIGN(at + n * size, 8);
	return at;
}

static struct layout layout_of(const struct raft_settings *s)
{
	struct layout l = { .bytes = ALIGN(sizeof(struct raft), 8) };

	l.growing = place(&l.bytes, 1, raft_memory_bytes(s));
	l.inflight = place(&l.bytes,
			   (size_t)RAFT_MEMBERS_MAX * s->inflight_messages_max,
			   sizeof(struct raft_inflight));
	return l;
}

size_t raft_footprint(const struct raft_settings *settings)
{
	return raft_settings_are_valid(settings) ? layout_of(settings).bytes : 0;
}

struct raft *raft_init(void *memory, const struct raft_settings *settings,
		       struct raft_rng *rng)
{
	struct layout l;
	struct raft *r = memory;
	u8 *base = memory;
	u32 i;

	if (!raft_settings_are_valid(settings))
		return NULL;
	l = layout_of(settings);
	r->settings = *settings;
	r->rng = rng;
	r->role = RAFT_FOLLOWER;
	r->self = RAFT_MEMBERS_MAX;
	r->next_ticket = 1;
	r->refused_cost_min = U64_MAX;
	INIT_LIST_HEAD(&r->waiting);
	INIT_LIST_HEAD(&r->sent);
	for (i = 0; i < RAFT_READ_LANES; i++) {
		INIT_LIST_HEAD(&r->reads[i].waiting);
		INIT_LIST_HEAD(&r->reads[i].asked);
	}
	INIT_LIST_HEAD(&r->indexed_reads);
	r->inflight_pool = (struct raft_inflight *)(base + l.inflight);
	r->inflight_slots = settings->inflight_messages_max;
	r->promise_ns_max = settings->election_timeout_ns;
	r->log.hash_seed = settings->hash_seed;
	raft_memory_init(r, base + l.growing);
	return r;
}

struct raft_term_run *raft_provide_terms(struct raft *r,
					 struct raft_term_run *runs, u32 n_runs)
{
	struct raft_term_run *old = r->log.runs;

	if (r->log.n_runs)
		memcpy(runs, old, r->log.n_runs * sizeof(*runs));
	r->log.runs = runs;
	r->log.max_runs = n_runs;
	return old;
}

u32 raft_terms_capacity(const struct raft *r)
{
	return r->log.max_runs;
}

int raft_bootstrap(struct raft *r, void *payload, const void *data, u32 bytes,
		   u64 space_bytes, struct raft_update *update)
{
	struct raft_entry entry = {
		.term = 1,
		.payload = payload,
		.data = data,
		.bytes = bytes,
		.type = RAFT_ENTRY_CONFIGURATION,
	};

	if (r->started || r->log.last_index ||
	    raft_configuration_decode(&r->decoded, data, bytes))
		return -EINVAL;
	if (!raft_log_has_room(&r->log, 2))
		return -ENOMEM;
	r->space_bytes = space_bytes;
	if (!r->hard_state.current_term)
		raft_set_hard_state(r, update, 1, RAFT_ID_NONE);
	raft_append_entry(r, update, &entry);
	return 0;
}

int raft_restore_entry(struct raft *r, u64 index,
		       const struct raft_entry *entry)
{
	bool configuration = entry->type == RAFT_ENTRY_CONFIGURATION;

	if (r->started || index < r->log.first_index ||
	    index > r->log.last_index + 1 ||
	    entry->term == 0 || entry->type > RAFT_ENTRY_TYPE_LAST ||
	    entry->term < raft_log_term(&r->log, index - 1))
		return -EINVAL;
	if (configuration && raft_configuration_decode(&r->decoded, entry->data,
						       entry->bytes))
		return -EINVAL;
	if (configuration &&
	    r->decoded.feature_level > r->settings.feature_level)
		return -EPROTONOSUPPORT;
	if (raft_check_sessions(r, entry, index))
		return -EINVAL;
	if (raft_is_short(r, 1, false, raft_is_of_sessions(entry)) ||
	    !raft_log_has_room(&r->log, 2))
		return -ENOMEM;
	raft_log_truncate(&r->log, index);
	raft_revert_configuration(r, index - 1);
	raft_sessions_truncated(r, index - 1);
	raft_log_append(&r->log, entry);
	raft_sessions_appended(r, entry);
	if (configuration)
		raft_next_configuration(r, &r->decoded, index);
	return 0;
}

int raft_restore_hard_state(struct raft *r,
			    const struct raft_hard_state *hard_state,
			    u64 space_bytes)
{
	if (r->started ||
	    hard_state->current_term < raft_log_last_term(&r->log))
		return -EINVAL;
	r->hard_state = *hard_state;
	r->space_bytes = space_bytes;
	r->space_index = r->log.last_index;
	r->durable_index = r->log.last_index;
	return 0;
}

int raft_restore_lost(struct raft *r, u64 index, u64 term)
{
	if (r->started || term > r->hard_state.current_term ||
	    (term && r->self < RAFT_MEMBERS_MAX &&
	     raft_is_quorum(r, 1u << r->self)))
		return -EINVAL;
	r->lost_index = index;
	r->lost_term = term;
	return 0;
}

void raft_set_incarnation(struct raft *r, u64 incarnation)
{
	r->incarnation = incarnation;
}

void raft_set_joined(struct raft *r, bool joined)
{
	r->joined = joined;
}

int raft_start(struct raft *r, u64 now_ns, struct raft_update *update)
{
	bool restored = !r->persist_seq || r->lost_term;

	if (r->started || !r->incarnation ||
	    !r->configuration.n_members != !r->log.last_index)
		return -EINVAL;
	r->started = true;
	r->now_ns = now_ns;
	r->last_time_ns = now_ns;
	r->oldest_persist_ns = now_ns;
	r->uncounted_index = r->log.last_index;
	/* Every node bootstraps the same first entry: it is committed. */
	r->commit_index = min(r->log.last_index, max(raft_log_base(&r->log), 1ull));
	update->commit_index = r->commit_index;
	/*
	 * It may have answered a leader just before it went down, who counts on
	 * it not to vote for another for an election timeout (6.4.1).
	 */
	if (restored)
		r->sticky_until_ns = now_ns + r->settings.election_timeout_ns;
	/* All logs begin in term 1, also that of one that is to get it yet. */
	if (!r->hard_state.current_term)
		raft_set_hard_state(r, update, 1, RAFT_ID_NONE);
	raft_reset_election_timer(r);
	raft_join(r, update);
	return 0;
}

/*
 * 4.2.2: somebody with a newer configuration may lead and stand for election
 * before this server knows of it. The rest is between members; who is
 * none any more may not know it yet.
 */
static bool may_say(struct raft *r, const struct raft_message *message)
{
	return message->type == RAFT_REQUEST_VOTE ||
	       message->type == RAFT_APPEND_ENTRIES ||
	       message->type == RAFT_INSTALL_SNAPSHOT ||
	       message->from == r->leader_id ||
	       raft_find_peer(r, message->from);
}

enum {
	FOLLOWER = 1 << RAFT_FOLLOWER,
	PRE_CANDIDATE = 1 << RAFT_PRE_CANDIDATE,
	CANDIDATE = 1 << RAFT_CANDIDATE,
	LEADER = 1 << RAFT_LEADER,
	LEARNER = 1 << RAFT_LEARNER,
	FOLLOWS = FOLLOWER | PRE_CANDIDATE | CANDIDATE | LEARNER,
	ANY_ROLE = FOLLOWS | LEADER,
};

/**
 * struct expectation - when a message is looked at, by its type
 * @roles: in the term that it is of, if that is the current one
 * @of_leader: likewise, and it is of the leader that is known
 * @old_term: also if its term is over: its sender is to hear of the new one
 * @new_term: also if its term is news, whatever the role: it ends then (5.1)
 *
 * What is not expected is late, doubled, or made up, and changes nothing.
 */
struct expectation {
	u8 roles;
	bool of_leader;
	bool old_term;
	bool new_term;
};

static const struct expectation expectations[RAFT_MESSAGE_TYPE_LAST + 1] = {
	[RAFT_REQUEST_VOTE] = { ANY_ROLE, .old_term = true, .new_term = true },
	/* Who has not heard of the term yet can refuse one that is to come. */
	[RAFT_REQUEST_VOTE_RESPONSE] = { PRE_CANDIDATE | CANDIDATE,
					 .old_term = true, .new_term = true },
	/* 3.4: one leader a term. Another one is a lie. */
	[RAFT_APPEND_ENTRIES] = { FOLLOWS, .old_term = true, .new_term = true },
	[RAFT_APPEND_ENTRIES_RESPONSE] = { LEADER, .new_term = true },
	[RAFT_PROPOSE] = { LEADER },
	[RAFT_PROPOSE_RESPONSE] = { FOLLOWS, .of_leader = true },
	[RAFT_READ_INDEX] = { LEADER },
	[RAFT_READ_INDEX_RESPONSE] = { FOLLOWS, .of_leader = true },
	[RAFT_TIMEOUT_NOW] = { FOLLOWER, .of_leader = true },
	[RAFT_INSTALL_SNAPSHOT] = { FOLLOWS, .old_term = true, .new_term = true },
	[RAFT_INSTALL_SNAPSHOT_RESPONSE] = { LEADER, .new_term = true },
	[RAFT_FEATURE_LEVEL] = { ANY_ROLE, .old_term = true, .new_term = true },
};

static bool is_expected(const struct raft *r, const struct raft_message *message)
{
	const struct expectation *expected = &expectations[message->type];

	if (message->term < r->hard_state.current_term)
		return expected->old_term;
	if (message->term > r->hard_state.current_term)
		return expected->new_term;
	return expected->roles & 1u << r->role &&
	       (!expected->of_leader || message->from == r->leader_id);
}

static void receive(struct raft *r, struct raft_update *update,
		    const struct raft_message *message)
{
	struct raft_peer *peer = raft_find_peer(r, message->from);

	if (!may_say(r, message))
		return;
	if (peer) {
		peer->last_contact_ns = r->now_ns;
		/* What another disk holds and promised is not what this does. */
		if (peer->incarnation != message->incarnation)
			raft_forget_peer(r, peer);
		peer->incarnation = message->incarnation;
		/* Nobody counts what a disk says that forgot what it said. */
		if (message->type == RAFT_REQUEST_VOTE_RESPONSE &&
		    !raft_is_known(r, peer - r->peers))
			return;
	}
	if (!is_expected(r, message))
		return;
	switch (message->type) {
	case RAFT_REQUEST_VOTE:
		raft_receive_request_vote(r, update, message);
		break;
	case RAFT_REQUEST_VOTE_RESPONSE:
		raft_receive_vote(r, update, message);
		break;
	case RAFT_APPEND_ENTRIES:
		raft_receive_append(r, update, message);
		break;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		raft_receive_append_response(r, update, message);
		break;
	case RAFT_PROPOSE:
		raft_receive_propose(r, update, message);
		break;
	case RAFT_PROPOSE_RESPONSE:
		raft_receive_propose_response(r, update, message);
		break;
	case RAFT_READ_INDEX:
		raft_receive_read_index(r, message);
		break;
	case RAFT_READ_INDEX_RESPONSE:
		raft_receive_read_index_response(r, message);
		break;
	case RAFT_TIMEOUT_NOW:
		raft_receive_timeout_now(r, update, message);
		break;
	case RAFT_INSTALL_SNAPSHOT:
		raft_receive_install_snapshot(r, update, message);
		break;
	case RAFT_INSTALL_SNAPSHOT_RESPONSE:
		raft_receive_install_snapshot_response(r, update, message);
		break;
	case RAFT_FEATURE_LEVEL:
		raft_receive_feature_level(r, message);
		break;
	}
}

/* Opening a session is of a key, and nothing else is. */
static bool is_proposal(const struct raft_entry *entry)
{
	bool opens = entry->type == RAFT_ENTRY_SESSION;

	return (opens || entry->type == RAFT_ENTRY_DATA) && entry->bytes &&
	       entry->session && entry->sequence &&
	       opens == raft_session_is_key(entry->session);
}

static int check_message(struct raft *r, const struct raft_message *message)
{
	if (message->to != r->settings.node_id ||
	    message->from == r->settings.node_id ||
	    message->from == RAFT_ID_NONE || message->term == 0 ||
	    !message->incarnation ||
	    message->type < RAFT_REQUEST_VOTE ||
	    message->type > RAFT_MESSAGE_TYPE_LAST)
		return -EINVAL;
	switch (message->type) {
	case RAFT_APPEND_ENTRIES:
		return raft_check_append(r, message);
	case RAFT_INSTALL_SNAPSHOT:
		return raft_check_install_snapshot(r, message);
	case RAFT_PROPOSE:
		return message->n_entries == 1 &&
				       is_proposal(message->entries) ?
			       0 :
			       -EINVAL;
	case RAFT_READ_INDEX:
		return message->n_entries || !message->read_index.session ||
				       !message->read_index.sequence ?
			       -EINVAL :
			       0;
	case RAFT_READ_INDEX_RESPONSE:
		return message->n_entries ||
				       !message->read_index_response.index ?
			       -EINVAL :
			       0;
	default:
		return message->n_entries ? -EINVAL : 0;
	}
}

/* Does it bring anything about named sessions? */
static bool is_of_sessions(const struct raft_event *event)
{
	u32 i;

	if (event->type == RAFT_EVENT_PROPOSE)
		return event->proposal->session;
	if (event->type != RAFT_EVENT_MESSAGE)
		return false;
	for (i = 0; i < event->message->n_entries; i++)
		if (raft_is_of_sessions(&event->message->entries[i]))
			return true;
	return false;
}

/* Can @event be taken without running out of anything half way? */
static int check_event(struct raft *r, const struct raft_event *event,
		       const struct raft_update *update)
{
	u32 entries = 2;
	int error;

	if (event->type < RAFT_EVENT_TIME ||
	    event->type > RAFT_EVENT_TYPE_LAST)
		return -EINVAL;
	if (event->type == RAFT_EVENT_TRANSFER &&
	    event->transfer.cause > RAFT_TRANSFER_SHUTDOWN)
		return -EINVAL;
	if (event->type == RAFT_EVENT_MESSAGE) {
		error = check_message(r, event->message);
		if (error)
			return error;
		/* What comes with a snapshot goes nowhere near the log. */
		if (event->message->type != RAFT_INSTALL_SNAPSHOT)
			entries += event->message->n_entries;
	}
	if (raft_is_short(r, entries, event->type == RAFT_EVENT_PROPOSE,
			  is_of_sessions(event)) ||
	    !raft_log_has_room(&r->log, 2))
		return -ENOMEM;
	/* Time must always be able to pass: the others leave it its room. */
	if (event->type == RAFT_EVENT_TIME)
		return 0;
	if (raft_sends_room(update) < 2 * RAFT_STEP_SENDS_MAX ||
	    update->entries_max - update->n_entries < entries ||
	    ARRAY_SIZE(update->transitions) - update->n_transitions <
		    2 * RAFT_STEP_TRANSITIONS_MAX)
		return -EAGAIN;
	if ((update->n_entries || update->n_sends) &&
	    RAFTLOG_FAILPOINT(RAFT_STEP_AGAIN))
		return -EAGAIN;
	return 0;
}

static void persisted(struct raft *r, struct raft_update *update,
		      const struct raft_event *event)
{
	u64 seq = event->persisted.hard_state_seq;
	u64 index = event->persisted.index;

	if (!raft_invariant(r, update,
			    seq <= r->persist_seq && seq >= r->persisted_seq))
		return;
	r->persisted_seq = seq;
	r->oldest_persist_ns = r->now_ns;
	/*
	 * Writes are done in order, so this one made durable all of the log it
	 * was part of; but of a log that was replaced since it says nothing.
	 */
	if (seq >= r->truncate_seq &&
	    raft_log_term(&r->log, index) == event->persisted.term) {
		r->durable_index = max(r->durable_index, index);
		r->space_index = index;
		r->space_bytes = event->persisted.space_bytes;
		r->space_debt_bytes = 0;
	}
	if (!raft_is_damaged(r) && r->durable_index == r->log.last_index) {
		r->lost_index = 0;
		r->lost_term = 0;
	}
	raft_count_own_vote(r, update);
	raft_leader_commit(r, update);
	raft_send_owed_ack(r, update);
}

static void time_passes(struct raft *r, struct raft_update *update)
{
	u64 deadline = U64_MAX;

	r->more = false;
	if (r->role == RAFT_LEADER)
		raft_membership_time(r, update);
	if (r->role == RAFT_LEADER) {
		raft_transfer_time(r, update);
		if (!raft_make_room_known(r, update))
			r->more = true;
		raft_pump_proposals(r, update);
		if (!raft_sessions_time(r, update))
			r->more = true;
		raft_pump_reads(r, update);
		raft_leader_time(r, update);
	} else {
		raft_election_time(r, update);
		raft_pump_proposals(r, update);
		raft_pump_reads(r, update);
	}
	r->last_time_ns = r->now_ns;

	if (r->role == RAFT_LEADER)
		deadline = min(raft_leader_deadline(r), raft_read_deadline(r));
	else if (r->role != RAFT_FAILED)
		deadline = min(raft_election_deadline(r),
			       min(raft_proposal_deadline(r),
				   raft_read_deadline(r)));
	if (r->more)
		deadline = r->now_ns;
	update->deadline_ns = deadline;
}

int raft_step(struct raft *r, const struct raft_event *event,
	      struct raft_update *update)
{
	int error;

	if (r->role == RAFT_FAILED)
		return -ENOTRECOVERABLE;
	if (!r->started || event->now_ns < r->now_ns)
		return -EINVAL;
	error = check_event(r, event, update);
	if (error)
		return error;
	r->now_ns = event->now_ns;
	switch (event->type) {
	case RAFT_EVENT_TIME:
		time_passes(r, update);
		break;
	case RAFT_EVENT_MESSAGE:
		receive(r, update, event->message);
		break;
	case RAFT_EVENT_PROPOSE:
		return raft_propose(r, update, event->proposal);
	case RAFT_EVENT_CANCEL:
		raft_cancel(r, update, event->proposal);
		break;
	case RAFT_EVENT_PERSISTED:
		persisted(r, update, event);
		break;
	case RAFT_EVENT_STORAGE_FAILED:
		raft_fail(r, update, RAFT_REASON_STORAGE_FAILED,
			  "a write to the log failed");
		break;
	case RAFT_EVENT_TRANSFER:
		return raft_transfer(r, event->transfer.target,
				     event->transfer.cause);
	case RAFT_EVENT_COMPACT:
		return raft_compact(r, update, event->index);
	case RAFT_EVENT_SNAPSHOT:
		return raft_snapshot_taken(r, &event->snapshot);
	case RAFT_EVENT_SNAPSHOT_GONE:
		raft_snapshot_gone(r, event->index);
		break;
	case RAFT_EVENT_CHUNK_STORED:
		raft_chunk_stored(r, update, event);
		break;
	case RAFT_EVENT_SHUTDOWN:
		raft_end_proposals(r, update, -ESHUTDOWN);
		raft_end_reads(r, update, -ESHUTDOWN);
		break;
	case RAFT_EVENT_CHANGE:
		raft_change_members(r, update, event->change);
		break;
	case RAFT_EVENT_READ_INDEX:
		raft_read(r, event->read);
		break;
	case RAFT_EVENT_CANCEL_READ:
		raft_cancel_read(r, update, event->read);
		break;
	default:
		return -EINVAL;
	}
	return r->role == RAFT_FAILED ? -ENOTRECOVERABLE : 0;
}

void raft_status(const struct raft *r, struct raft_status *status)
{
	memset(status, 0, sizeof(*status));
	status->hard_state = r->hard_state;
	status->role = r->role;
	status->reason = r->reason;
	status->node_id = r->settings.node_id;
	status->leader_id = r->leader_id;
	status->first_index = r->log.first_index;
	status->last_index = r->log.last_index;
	status->last_term = raft_log_last_term(&r->log);
	status->foreign = r->self < r->configuration.n_members &&
			  !raft_is_known(r, r->self);
	status->witness = raft_is_witness(r, r->self);
	status->lost_index = raft_is_damaged(r) ? r->lost_index : 0;
	status->durable_index = r->durable_index;
	status->commit_index = r->commit_index;
	status->lease_until_ns = raft_lease_until(r);
	if (r->role != RAFT_LEADER)
		status->election_deadline_ns = r->election_deadline_ns;
	status->configuration_index = r->configuration_index;
	status->configuration_seq = r->configuration_seq;
	status->changing = raft_is_changing(r);
	status->transferee = r->role == RAFT_LEADER ? r->transferee : 0;
	status->transfer_cause = r->transfer_cause;
	status->n_transfers = r->n_transfers;
	status->priority = r->settings.priority;
	status->feature_level = raft_feature_level(r);
	status->n_proposals = r->n_proposals;
	status->n_reads = r->n_reads;
	status->n_read_rounds = r->n_read_rounds;
	status->uncommitted_bytes = raft_uncommitted_bytes(r);
	status->space_bytes = raft_space(r);
	status->compactable_index = raft_compactable_index(r);
	if (r->sessions.known) {
		status->sessions_index = r->sessions.applied;
		status->n_sessions = r->sessions.n;
	}
	status->snapshot = r->snapshot;
	status->snapshot_gone = r->snapshot_gone;
	status->incoming = r->incoming;
	status->incoming_offset = r->incoming_offset;
	memcpy(status->failure, r->failure, sizeof(status->failure));
}

int raft_peer_status(const struct raft *r, u32 id,
		     struct raft_peer_status *status)
{
	const struct raft_peer *peer =
		raft_find_peer((struct raft *)r, id);

	if (!peer)
		return -ENOENT;
	memset(status, 0, sizeof(*status));
	status->id = id;
	status->progress = peer->progress;
	status->next_index = peer->next_index;
	status->match_index = peer->match_index;
	status->inflight_messages = peer->n_inflight;
	status->inflight_bytes = peer->inflight_bytes;
	status->last_contact_ns = peer->last_contact_ns;
	status->rtt_ns = peer->rtt_ns;
	status->priority = peer->priority;
	status->snapshot = peer->snapshot;
	status->snapshot_offset = peer->snapshot_offset;
	status->feature_level =
		max(peer->feature_level, raft_feature_level(r));
	status->foreign = !raft_is_known(r, peer - r->peers);
	status->caught_up = r->role == RAFT_LEADER && peer->caught_up;
	status->recent_active =
		peer->last_contact_ns &&
		r->now_ns < peer->last_contact_ns +
				    r->settings.election_timeout_ns;
	return 0;
}

const struct raft_configuration *raft_configuration(const struct raft *r)
{
	return &r->configuration;
}

u64 raft_term_at(const struct raft *r, u64 index)
{
	return raft_log_term(&r->log, index);
}
