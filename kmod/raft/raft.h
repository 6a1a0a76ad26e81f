/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Raft core: one step function, no clock, no lock, no I/O, no allocation.
 *
 * The caller (the group's owner thread, the simulator, a test) feeds events to
 * raft_step() and carries out the struct raft_update it fills. The core keeps
 * only what it needs to decide: the term of every entry (as runs), and size,
 * type and origin of the most recent ones. Payloads stay with the caller.
 *
 * A batch is: any number of raft_step() calls over one struct raft_update, the
 * last of them RAFT_EVENT_TIME, then the update is carried out in the order of
 * its fields and reset with raft_update_reset().
 *
 * Section numbers: D. Ongaro, "Consensus: Bridging Theory and Practice", 2014.
 *
 * Locking: none. One caller at a time; the caller's single writer is the rule.
 */
#ifndef RAFTLOG_RAFT_H
#define RAFTLOG_RAFT_H

#include "../pure.h"

enum raft_limits {
	/* Old and new voters and the learners of a joint configuration. */
	RAFT_MEMBERS_MAX = 32,
	/* Most messages one step other than RAFT_EVENT_TIME can add. */
	RAFT_STEP_SENDS_MAX = RAFT_MEMBERS_MAX + 2,
	RAFT_STEP_TRANSITIONS_MAX = 4,
	/* What a core begins with: see raft_grow(). */
	RAFT_WINDOW_ENTRIES_FIRST = 64,
	RAFT_PROPOSALS_FIRST = 64,
	RAFT_FAILURE_CHARS = 96,
	/* Named sessions that are open at a time, and what of each is known. */
	RAFT_SESSIONS_MAX = 256,
	RAFT_SESSION_WINDOW = 16,
	RAFT_SESSION_NAME_BYTES_MAX = 64,
};

#define RAFT_ID_NONE 0u

/*
 * No message says a term, an index or an offset above this: nobody counts as far, and
 * no sum of one of them and of what there can be of entries or bytes overflows.
 */
#define RAFT_COUNT_MAX (1ull << 61)

/**
 * enum raft_role - what a server is to its group (3.3, 9.6)
 * @RAFT_FOLLOWER: takes entries from a leader
 * @RAFT_PRE_CANDIDATE: asks whether it could win, its term unchanged
 * @RAFT_CANDIDATE: asks for votes in its own new term
 * @RAFT_LEADER: takes proposals and replicates them
 * @RAFT_LEARNER: a follower without a vote (4.2.1)
 * @RAFT_FAILED: an invariant broke or the storage failed; takes no further part
 */
enum raft_role {
	RAFT_FOLLOWER = 0,
	RAFT_PRE_CANDIDATE = 1,
	RAFT_CANDIDATE = 2,
	RAFT_LEADER = 3,
	RAFT_LEARNER = 4,
	RAFT_FAILED = 5,
};

/**
 * enum raft_edge - the edges of the classic role diagram (3.3, figure 3.3)
 * @RAFT_EDGE_JOIN: (0) a server joins as follower
 * @RAFT_EDGE_TIMEOUT: (1) a follower's timer runs out and it offers itself
 * @RAFT_EDGE_SPLIT_VOTE: (2) a candidate's timer runs out: a new term
 * @RAFT_EDGE_MAJORITY: (3) a majority makes it leader
 * @RAFT_EDGE_STEP_DOWN: (4) a leader that failed or saw a newer term follows
 * @RAFT_EDGE_NO_MAJORITY: (5) a candidate without majority follows
 * @RAFT_EDGE_FAILED: no edge of Raft's: the group stopped itself
 */
enum raft_edge {
	RAFT_EDGE_JOIN = 0,
	RAFT_EDGE_TIMEOUT = 1,
	RAFT_EDGE_SPLIT_VOTE = 2,
	RAFT_EDGE_MAJORITY = 3,
	RAFT_EDGE_STEP_DOWN = 4,
	RAFT_EDGE_NO_MAJORITY = 5,
	RAFT_EDGE_FAILED = 6,
};

/**
 * enum raft_reason - why a role changed
 * @RAFT_REASON_NONE: nothing to add to the edge
 * @RAFT_REASON_STARTED: the group was started
 * @RAFT_REASON_ELECTION_TIMEOUT: no leader was heard in time
 * @RAFT_REASON_PRE_VOTE_WON: a majority would vote for this server
 * @RAFT_REASON_VOTE_WON: a majority did
 * @RAFT_REASON_HIGHER_TERM: a message of a newer term arrived
 * @RAFT_REASON_LEADER_SEEN: another server leads this term
 * @RAFT_REASON_VOTE_LOST: a majority refused
 * @RAFT_REASON_QUORUM_LOST: no majority answered for an election timeout (6.2)
 * @RAFT_REASON_DISK_STALLED: the oldest write is older than an election timeout
 * @RAFT_REASON_STORAGE_FAILED: a write failed
 * @RAFT_REASON_INVARIANT: the core found itself inconsistent
 * @RAFT_REASON_MEMBERSHIP: it got or lost its vote (4.2)
 * @RAFT_REASON_TRANSFERRED: the leader handed its leadership to another (3.10)
 * @RAFT_REASON_FEATURE_LEVEL: the cluster uses what this version does not have
 * @RAFT_REASON_LAST: the last value
 */
enum raft_reason {
	RAFT_REASON_NONE = 0,
	RAFT_REASON_STARTED = 1,
	RAFT_REASON_ELECTION_TIMEOUT = 2,
	RAFT_REASON_PRE_VOTE_WON = 3,
	RAFT_REASON_VOTE_WON = 4,
	RAFT_REASON_HIGHER_TERM = 5,
	RAFT_REASON_LEADER_SEEN = 6,
	RAFT_REASON_VOTE_LOST = 7,
	RAFT_REASON_QUORUM_LOST = 8,
	RAFT_REASON_DISK_STALLED = 9,
	RAFT_REASON_STORAGE_FAILED = 10,
	RAFT_REASON_INVARIANT = 11,
	RAFT_REASON_TRANSFERRED = 12,
	RAFT_REASON_MEMBERSHIP = 13,
	RAFT_REASON_FEATURE_LEVEL = 14,
	RAFT_REASON_LAST = RAFT_REASON_FEATURE_LEVEL,
};

/**
 * enum raft_entry_type - what an entry is for
 * @RAFT_ENTRY_DATA: bytes of a user's
 * @RAFT_ENTRY_NOOP: the first entry of a leader's term (3.6.2, 6.4)
 * @RAFT_ENTRY_CONFIGURATION: an encoded struct raft_configuration
 * @RAFT_ENTRY_SESSION: a named session is opened, see sessions.c; says its name
 * @RAFT_ENTRY_SESSIONS: a checkpoint of the sessions that are open
 * @RAFT_ENTRY_TYPE_LAST: the last value
 */
enum raft_entry_type {
	RAFT_ENTRY_DATA = 0,
	RAFT_ENTRY_NOOP = 1,
	RAFT_ENTRY_CONFIGURATION = 2,
	RAFT_ENTRY_SESSION = 3,
	RAFT_ENTRY_SESSIONS = 4,
	RAFT_ENTRY_TYPE_LAST = RAFT_ENTRY_SESSIONS,
};

/**
 * enum raft_feature_levels - what versions have, see feature.c
 * @RAFT_FEATURE_LEVEL_LAST: the highest that this one has
 */
enum raft_feature_levels {
	RAFT_FEATURE_LEVEL_LAST = 1,
};

/**
 * enum raft_member_kind - what a member is in a configuration
 * @RAFT_VOTER: has a vote
 * @RAFT_NON_VOTER: a learner (4.2.1)
 * @RAFT_ABSENT: in a joint configuration: not a member of this one of the two
 * @RAFT_MEMBER_KIND_LAST: the last value
 */
enum raft_member_kind {
	RAFT_VOTER = 0,
	RAFT_NON_VOTER = 1,
	RAFT_ABSENT = 2,
	RAFT_MEMBER_KIND_LAST = RAFT_ABSENT,
};

/* struct raft_member.flags */
#define RAFT_MEMBER_F_AUTO_PROMOTE 1u /* a learner, until it has caught up */
#define RAFT_MEMBER_F_WITNESS 2u /* for good: see struct raft_configuration */
#define RAFT_MEMBER_F_ALL (RAFT_MEMBER_F_AUTO_PROMOTE | RAFT_MEMBER_F_WITNESS)

/**
 * struct raft_address - where a member listens; opaque to the core
 * @family: 4 or 6
 * @port: UDP port, host order
 * @scope_id: IPv6 scope, 0 if none
 * @ip: network order; IPv4 uses the first four bytes, the rest is 0
 */
struct raft_address {
	u16 family;
	u16 port;
	u32 scope_id;
	u8 ip[16];
};

/**
 * struct raft_member - one member of a configuration
 * @id: node id, not 0
 * @kind: enum raft_member_kind
 * @old_kind: in a joint configuration, of the old one of the two; else 0
 * @flags: RAFT_MEMBER_F_*; AUTO_PROMOTE of learners only
 * @replaces: with RAFT_MEMBER_F_AUTO_PROMOTE: the member that goes when this one
 *	gets its vote, 0 for none
 * @address: where it listens
 * @incarnation: of its disk, random, one per format; 0: not known yet, or not a voter
 */
struct raft_member {
	u32 id;
	u8 kind;
	u8 old_kind;
	u8 flags;
	u32 replaces;
	struct raft_address address;
	u64 incarnation;
};

/**
 * struct raft_configuration - the members, sorted by id, without duplicates
 * @n_members: 1 … RAFT_MEMBERS_MAX
 * @joint: two configurations at once, the old and the new (4.3): elections and
 *	commitment take a majority of each
 * @feature_level: all members have that much, and it is used; never falls
 * @members: the members; of both, if it is joint
 *
 * It is sealed if the incarnation of every voter's disk is known, and open if none
 * is. Every node of a new cluster begins with the same open one. In an open
 * configuration it takes the votes of all voters to lead, and whoever leads from
 * one seals it with the first entry of its term. From then on a voter that comes
 * with another disk, and so has forgotten what it voted and acknowledged, takes
 * entries as a learner does, but nothing that it says counts. Nor does it while it
 * has no more than the open configuration: see raft_set_joined().
 *
 * A witness holds the terms and places of entries, but of users' entries not what
 * they say. It votes and acknowledges, and never stands for election. It is there
 * for when another voter is not: a leader sends it what all other voters that
 * answer hold already, or what they are too slow to take. So of two voters and a
 * witness either of the two can be lost, and the other one has all there is. At
 * most half of the voters are witnesses: a majority without another would have
 * committed what nobody can tell.
 */
struct raft_configuration {
	u32 n_members;
	bool joint;
	u8 feature_level;
	struct raft_member members[RAFT_MEMBERS_MAX];
};

enum {
	RAFT_CONFIGURATION_HEADER_BYTES = 8,
	RAFT_CONFIGURATION_MEMBER_BYTES = 48,
	RAFT_CONFIGURATION_BYTES_MAX =
		RAFT_CONFIGURATION_HEADER_BYTES +
		RAFT_MEMBERS_MAX * RAFT_CONFIGURATION_MEMBER_BYTES,
};

/**
 * raft_configuration_encode() - write a configuration as an entry's payload
 * @configuration: valid, see raft_configuration_check()
 * @buf: where to
 * @bytes: room in @buf, RAFT_CONFIGURATION_BYTES_MAX is always enough
 *
 * The encoding is canonical: equal configurations give equal bytes.
 *
 * Return: bytes written, or -EMSGSIZE.
 */
int raft_configuration_encode(const struct raft_configuration *configuration,
			      void *buf, size_t bytes);

/**
 * raft_configuration_decode() - read a configuration from an entry's payload
 * @configuration: filled in
 * @buf: the payload, any bytes
 * @bytes: its length
 *
 * Return: 0, or -EINVAL for anything but the encoding of a valid configuration.
 */
int raft_configuration_decode(struct raft_configuration *configuration,
			      const void *buf, size_t bytes);

/**
 * raft_configuration_check() - is this a configuration?
 * @configuration: to check: members sorted by id, none twice or 0, a voter (in
 *	each of the two, if it is joint)
 *
 * Return: 0 or -EINVAL.
 */
int raft_configuration_check(const struct raft_configuration *configuration);

/*
 * Whose an entry is. The two top bits of raft_entry.session say what it is: neither,
 * of a server since it was started (random); the first alone, of a named session,
 * and the rest is the index of the entry that opened it; both, RAFT_ENTRY_SESSION
 * opens the session of that key.
 */
#define RAFT_SESSION_NAMED (1ull << 63)
#define RAFT_SESSION_KEY (3ull << 62)

/** raft_session_is_named() - is it a named session that was opened? */
static inline bool raft_session_is_named(u64 session)
{
	return (session & RAFT_SESSION_KEY) == RAFT_SESSION_NAMED;
}

/** raft_session_is_key() - is it the key of a name? */
static inline bool raft_session_is_key(u64 session)
{
	return (session & RAFT_SESSION_KEY) == RAFT_SESSION_KEY;
}

/**
 * raft_session_key() - what a name is to the log
 * @name: 1 … RAFT_SESSION_NAME_BYTES_MAX bytes, any
 * @bytes: how many
 *
 * Two of 2^62: nobody meets another's by chance. It keeps nobody out.
 *
 * Return: the key.
 */
u64 raft_session_key(const void *name, size_t bytes);

enum {
	RAFT_SESSIONS_HEADER_BYTES = 8,
	RAFT_SESSIONS_SESSION_BYTES = 48,
	RAFT_SESSIONS_SLOT_BYTES = 24,
	RAFT_SESSIONS_BYTES_MAX =
		RAFT_SESSIONS_HEADER_BYTES +
		RAFT_SESSIONS_MAX *
			(RAFT_SESSIONS_SESSION_BYTES +
			 RAFT_SESSION_WINDOW * RAFT_SESSIONS_SLOT_BYTES),
};

/**
 * struct raft_session_info - a named session, as far as this server has come
 * @key: of its name
 * @session: as raft_entry.session of what is appended in it, until it is opened again
 * @created: index of the entry that made it: whatever was before is forgotten
 * @used: index of the newest entry that opened it or is of it
 * @last_sequence: the highest in the log, 0 if none is
 * @last_index: where that is
 */
struct raft_session_info {
	u64 key;
	u64 session;
	u64 created;
	u64 used;
	u64 last_sequence;
	u64 last_index;
};

/**
 * struct raft_entry - one entry as the core sees it
 * @term: the term of the leader that appended it
 * @session: origin of the proposal, 0 for entries the core makes itself
 * @sequence: number of the proposal within @session; (session, sequence) is in
 *	the log at most once. Of RAFT_ENTRY_SESSIONS: the last entry that it covers
 * @payload: the caller's handle. The core never looks behind it, except that
 *	@data must be readable for RAFT_ENTRY_CONFIGURATION and RAFT_ENTRY_SESSIONS
 * @data: payload bytes, needed only for these
 * @bytes: payload length
 * @type: enum raft_entry_type
 */
struct raft_entry {
	u64 term;
	u64 session;
	u64 sequence;
	void *payload;
	const void *data;
	u32 bytes;
	u8 type;
};

/**
 * enum raft_message_type - what servers say to each other
 * @RAFT_REQUEST_VOTE: RequestVote (3.4), or PreVote (9.6) with its flag
 * @RAFT_REQUEST_VOTE_RESPONSE: the answer
 * @RAFT_APPEND_ENTRIES: AppendEntries (3.5); without entries the heartbeat
 * @RAFT_APPEND_ENTRIES_RESPONSE: the answer
 * @RAFT_PROPOSE: a follower hands a proposal to the leader
 * @RAFT_PROPOSE_RESPONSE: the leader refuses one, or says where one of a named
 *	session is committed already (else acceptance needs no answer: the entry
 *	comes back in the log)
 * @RAFT_READ_INDEX: a follower asks the leader up to where to read (6.4)
 * @RAFT_READ_INDEX_RESPONSE: the answer
 * @RAFT_TIMEOUT_NOW: the leader wants the receiver to lead in its place (3.10)
 * @RAFT_INSTALL_SNAPSHOT: InstallSnapshot (5.1): where the sender's log begins, for
 *	a peer that needs entries from before; or a snapshot that holds what came of
 *	them, offered, and piece by piece. What the receiver can do without data, or
 *	has all the data of, it answers as an AppendEntries
 * @RAFT_INSTALL_SNAPSHOT_RESPONSE: how much of the data it has
 * @RAFT_FEATURE_LEVEL: what its sender has, for a leader: see feature.c
 * @RAFT_MESSAGE_TYPE_LAST: the last value
 */
enum raft_message_type {
	RAFT_REQUEST_VOTE = 1,
	RAFT_REQUEST_VOTE_RESPONSE = 2,
	RAFT_APPEND_ENTRIES = 3,
	RAFT_APPEND_ENTRIES_RESPONSE = 4,
	RAFT_PROPOSE = 5,
	RAFT_PROPOSE_RESPONSE = 6,
	RAFT_TIMEOUT_NOW = 7,
	RAFT_READ_INDEX = 8,
	RAFT_READ_INDEX_RESPONSE = 9,
	RAFT_INSTALL_SNAPSHOT = 10,
	RAFT_INSTALL_SNAPSHOT_RESPONSE = 11,
	RAFT_FEATURE_LEVEL = 12,
	RAFT_MESSAGE_TYPE_LAST = RAFT_FEATURE_LEVEL,
};

/**
 * struct raft_message - a message, native byte order
 * @type: enum raft_message_type
 * @from: sender's node id
 * @to: receiver's node id
 * @term: sender's current_term; for a PreVote and a granted answer to it the
 *	term the sender would campaign in
 * @incarnation: of the sender's disk
 * @request_vote: of RAFT_REQUEST_VOTE
 * @request_vote.last_log_index: index of the candidate's last entry
 * @request_vote.last_log_term: its term
 * @request_vote.leadership_transfer_ns: timeout_now.until_ns of the TimeoutNow that
 *	made the sender a candidate, 0 if none did: see transfer.c
 * @request_vote.pre_vote: this is a PreVote
 * @request_vote_response: of RAFT_REQUEST_VOTE_RESPONSE
 * @request_vote_response.granted: the vote is given
 * @request_vote_response.pre_vote: answers a PreVote
 * @request_vote_response.candidate_incarnation: of the request: of that disk's server
 * @append_entries: of RAFT_APPEND_ENTRIES
 * @append_entries.prev_log_index: index before the first of @entries
 * @append_entries.prev_log_term: its term
 * @append_entries.leader_commit: leader's commit_index
 * @append_entries.sent_ns: leader's clock at sending, echoed by the answer
 * @append_entries.best_priority: highest priority among the other voters that
 *	answer the leader
 * @append_entries_response: of RAFT_APPEND_ENTRIES_RESPONSE
 * @append_entries_response.rejected: @match_index is no match, but the log does
 *	not hold (prev_log_index, prev_log_term)
 * @append_entries_response.match_index: entries up to here are durable on the
 *	sender and equal to the leader's; 0 if @rejected
 * @append_entries_response.prev_log_index: of the request; 0 in an answer that
 *	waited for the disk
 * @append_entries_response.hint_index: if @rejected, where to try next
 * @append_entries_response.hint_term: if @rejected, the sender's term there
 * @append_entries_response.sent_ns: of the request; 0 in an answer that waited
 *	for the disk, or to a request of an earlier term
 * @append_entries_response.promised_ns: how long the sender votes for nobody else
 *	since it heard that request; 0 where @sent_ns is
 * @append_entries_response.priority: the sender's, see struct raft_settings
 * @propose: of RAFT_PROPOSE
 * @propose.proposed_at: commit_index of the origin when the proposal was first
 *	made: the entry, if it is in the log, is behind this index
 * @propose_response: of RAFT_PROPOSE_RESPONSE
 * @propose_response.session: which proposal
 * @propose_response.sequence: which proposal
 * @propose_response.error: negative errno: -EAGAIN (no room until more is
 *	committed), -ENOSPC, or -ESTALE (too old to tell whether it is in the log; its
 *	named session is not open), -ERANGE (its sequence is too old to tell); 0: it
 *	is committed
 * @propose_response.index: if @error is 0: where
 * @propose_response.entry_term: likewise, the term of that entry
 * @read_index: of RAFT_READ_INDEX
 * @read_index.session: of the sender
 * @read_index.sequence: number within @read_index.session of the reads asked for,
 *	one for all that wait together
 * @read_index.lease: the leader's lease is good enough
 * @read_index_response: of RAFT_READ_INDEX_RESPONSE
 * @read_index_response.session: of the request
 * @read_index_response.sequence: of the request
 * @read_index_response.index: what was committed when the request came, or more
 * @timeout_now: of RAFT_TIMEOUT_NOW
 * @timeout_now.last_log_index: index of the leader's last entry
 * @timeout_now.until_ns: leader's clock: from then on it counts on the transfer
 *	not to happen any more
 * @timeout_now.requested: somebody asked for it
 * @install_snapshot: of RAFT_INSTALL_SNAPSHOT
 * @install_snapshot.snapshot_index: last entry that the snapshot is of; without
 *	data, last entry before the log
 * @install_snapshot.snapshot_term: its term
 * @install_snapshot.configuration_index: of the entry that held the configuration
 * @install_snapshot.sent_ns: as of an AppendEntries
 * @install_snapshot.bytes: of all the data; 0: none goes with it
 * @install_snapshot.offset: of the data in this message
 * @install_snapshot.checksum: of all the data
 * @install_snapshot_response: of RAFT_INSTALL_SNAPSHOT_RESPONSE
 * @install_snapshot_response.snapshot_index: of which snapshot
 * @install_snapshot_response.snapshot_term: likewise
 * @install_snapshot_response.offset: the sender has the data up to here
 * @install_snapshot_response.checksum: of which snapshot
 * @feature_level: of RAFT_FEATURE_LEVEL
 * @feature_level.level: highest that the sender has, not 0
 * @entries: n_entries entries (AppendEntries), or one (Propose); of InstallSnapshot
 *	the configuration that goes with it, and perhaps another one: a chunk of the
 *	data, of type RAFT_ENTRY_DATA
 * @n_entries: how many
 */
struct raft_message {
	u8 type;
	u32 from;
	u32 to;
	u64 term;
	u64 incarnation;
	union {
		struct {
			u64 last_log_index;
			u64 last_log_term;
			u64 leadership_transfer_ns;
			bool pre_vote;
		} request_vote;
		struct {
			bool granted;
			bool pre_vote;
			u64 candidate_incarnation;
		} request_vote_response;
		struct {
			u64 prev_log_index;
			u64 prev_log_term;
			u64 leader_commit;
			u64 sent_ns;
			u8 best_priority;
		} append_entries;
		struct {
			u64 match_index;
			u64 prev_log_index;
			u64 hint_index;
			u64 hint_term;
			u64 sent_ns;
			u64 promised_ns;
			bool rejected;
			u8 priority;
		} append_entries_response;
		struct {
			u64 proposed_at;
		} propose;
		struct {
			u64 session;
			u64 sequence;
			u64 index;
			u64 entry_term;
			s32 error;
		} propose_response;
		struct {
			u64 session;
			u64 sequence;
			bool lease;
		} read_index;
		struct {
			u64 session;
			u64 sequence;
			u64 index;
		} read_index_response;
		struct {
			u64 last_log_index;
			u64 until_ns;
			bool requested;
		} timeout_now;
		struct {
			u64 snapshot_index;
			u64 snapshot_term;
			u64 configuration_index;
			u64 sent_ns;
			u64 bytes;
			u64 offset;
			u32 checksum;
		} install_snapshot;
		struct {
			u64 snapshot_index;
			u64 snapshot_term;
			u64 offset;
			u32 checksum;
		} install_snapshot_response;
		struct {
			u8 level;
		} feature_level;
	};
	const struct raft_entry *entries;
	u32 n_entries;
};

/**
 * struct raft_hard_state - what must be durable before it is acted on (3.8)
 * @current_term: latest term seen
 * @voted_for: whom this server voted for in @current_term, 0 for nobody
 */
struct raft_hard_state {
	u64 current_term;
	u32 voted_for;
};

/**
 * struct raft_snapshot - what the entries up to one came to (5)
 * @index: that entry, committed; 0: no snapshot
 * @term: its term
 * @bytes: of the application's data, not 0
 * @checksum: of the data. Two snapshots as of one entry say the same, but not always
 *	with the same bytes: pieces of both make none
 */
struct raft_snapshot {
	u64 index;
	u64 term;
	u64 bytes;
	u32 checksum;
};

/**
 * struct raft_proposal - an entry somebody wants in the log
 * @payload: the caller's handle, given back in raft_update.entries or used to
 *	fill an outgoing RAFT_PROPOSE
 * @bytes: its length, 1 … max_entry_bytes
 * @session: 0: of this server. A key: it opens that
 *	session, @payload is the name. A named session: it is the one of @sequence in
 *	that, however often and wherever it is proposed
 * @sequence: of a named session: not 0, chosen by the caller; else given by the core
 * @result: set by the core when done: 0, or a negative errno. Never in the log:
 *	-ENOSPC, -EHOSTUNREACH, -EAGAIN. Unknown: -ETIMEDOUT, -ESHUTDOWN; in a named
 *	session also -ESTALE (it is not open: it expired, or was opened again since)
 *	and -ERANGE (@sequence is not among the newest of the session)
 * @index: where it was committed, if @result is 0
 * @term: the term of that entry, if @result is 0
 * @opened: the session that was opened, if @result is 0: with the entries in the log
 *	before @index, and no other of what was proposed for it before will ever be
 * @ticket: core's: counts proposals of this server
 * @proposed_at: commit_index when it was made
 * @sent_ns: when it was last handed to a leader
 * @exposed: it may be in somebody's log
 * @exposed_term: the term in which that first became so
 * @node: core's
 * @next_named: core's
 * @named_link: core's: what points to it
 *
 * The memory is the caller's, and the core's to link from
 * RAFT_EVENT_PROPOSE until the proposal appears in raft_update.proposals_done.
 * @payload must stay valid until the update after that has been carried out.
 */
struct raft_proposal {
	void *payload;
	u32 bytes;
	int result;
	u64 index;
	u64 term;
	u64 session;
	u64 sequence;
	struct raft_session_info opened;
	u64 ticket;
	u64 proposed_at;
	u64 sent_ns;
	u64 exposed_term;
	bool exposed;
	struct list_head node;
	struct raft_proposal *next_named;
	struct raft_proposal **named_link;
};

/**
 * enum raft_change_type - what can be done to the members (4.2, 4.3)
 * @RAFT_CHANGE_ADD: a new member, as learner
 * @RAFT_CHANGE_PROMOTE: a learner that has caught up gets a vote
 * @RAFT_CHANGE_DEMOTE: a voter becomes a learner
 * @RAFT_CHANGE_REMOVE: a member leaves
 * @RAFT_CHANGE_SET_ADDRESS: a member listens elsewhere
 * @RAFT_CHANGE_REPLACE: a new member as learner; once it has caught up it gets
 *	the vote, and the member that it replaces leaves, in one step
 * @RAFT_CHANGE_TYPE_LAST: the last value
 */
enum raft_change_type {
	RAFT_CHANGE_ADD = 1,
	RAFT_CHANGE_PROMOTE = 2,
	RAFT_CHANGE_DEMOTE = 3,
	RAFT_CHANGE_REMOVE = 4,
	RAFT_CHANGE_SET_ADDRESS = 5,
	RAFT_CHANGE_REPLACE = 6,
	RAFT_CHANGE_TYPE_LAST = RAFT_CHANGE_REPLACE,
};

/**
 * struct raft_change - one change of one member
 * @type: enum raft_change_type
 * @flags: ADD, DEMOTE: RAFT_MEMBER_F_AUTO_PROMOTE. A demoted voter with it gets its
 *	vote back by itself: the way to admit a node again whose disk is new.
 *	ADD, REPLACE: RAFT_MEMBER_F_WITNESS
 * @id: the member; of REPLACE, the one that goes
 * @new_id: REPLACE: the one that comes
 * @address: ADD, SET_ADDRESS, REPLACE
 */
struct raft_change {
	u8 type;
	u8 flags;
	u32 id;
	u32 new_id;
	struct raft_address address;
};

/**
 * struct raft_change_request - changes that are made together or not at all
 * @changes: applied one after the other
 * @n_changes: how many
 * @result: set by the core: 0, the change is in this leader's log, or
 *	-EREMOTE: this server does not lead;
 *	-EBUSY: another change or a transfer is under way, or this leader has not yet
 *	committed an entry of its own term;
 *	-ENOENT: no such member; -EEXIST: there is one with this id or address;
 *	-EALREADY: nothing would change; -EINVAL: no voter would be left, or not a
 *	valid change; -E2BIG: more than RAFT_MEMBERS_MAX;
 *	-EHOSTUNREACH: a majority of the voters to be does not answer;
 *	-EINPROGRESS: a learner to promote has not caught up;
 *	-ENOSPC: no room in the log
 * @index: set by the core: of the entry, if @result is 0
 */
struct raft_change_request {
	const struct raft_change *changes;
	u32 n_changes;
	int result;
	u64 index;
};

/**
 * struct raft_read - somebody wants to read all that is committed (6.4)
 * @lease: the leader may answer under its lease, which relies on clocks: see
 *	raft_lease_until()
 * @result: set by the core when done: 0; -EHOSTUNREACH or -ETIMEDOUT (given up
 *	without and with a leader known), -ESHUTDOWN, -EIO. A read changes nothing,
 *	so each of these is final
 * @index: what was committed anywhere when the read was made is not behind this,
 *	and what is up to here is committed on this node, if @result is 0
 * @term: of the leader that said so
 * @needed_ns: leader: a majority must answer what was sent from then on
 * @done: it has ended
 * @node: core's
 *
 * The memory is the caller's, and the core's to link from RAFT_EVENT_READ_INDEX
 * until the read appears in raft_update.reads_done.
 */
struct raft_read {
	bool lease;
	int result;
	u64 index;
	u64 term;
	u64 needed_ns;
	bool done;
	struct list_head node;
};

enum raft_event_type {
	RAFT_EVENT_TIME = 1,
	RAFT_EVENT_MESSAGE = 2,
	RAFT_EVENT_PROPOSE = 3,
	RAFT_EVENT_CANCEL = 4,
	RAFT_EVENT_PERSISTED = 5,
	RAFT_EVENT_STORAGE_FAILED = 6,
	RAFT_EVENT_SHUTDOWN = 7,
	RAFT_EVENT_CHANGE = 8,
	RAFT_EVENT_TRANSFER = 9,
	RAFT_EVENT_READ_INDEX = 10,
	RAFT_EVENT_COMPACT = 11,
	RAFT_EVENT_SNAPSHOT = 12,
	RAFT_EVENT_CANCEL_READ = 13,
	RAFT_EVENT_CHUNK_STORED = 14,
	RAFT_EVENT_SNAPSHOT_GONE = 15,
	RAFT_EVENT_TYPE_LAST = RAFT_EVENT_SNAPSHOT_GONE,
};

/**
 * enum raft_transfer_cause - why a leader hands over
 * @RAFT_TRANSFER_REQUESTED: somebody asked for it. The new leader leaves it at
 *	that, whatever the priorities
 * @RAFT_TRANSFER_SHUTDOWN: it is about to be stopped
 * @RAFT_TRANSFER_PRIORITY: a peer of higher priority has caught up
 * @RAFT_TRANSFER_DISK_STALLED: its oldest write is older than an election timeout
 * @RAFT_TRANSFER_REMOVED: it is no voter any more
 * @RAFT_TRANSFER_CAUSE_LAST: the last value
 *
 * RAFT_EVENT_TRANSFER brings one of the first two, the core finds the others.
 */
enum raft_transfer_cause {
	RAFT_TRANSFER_REQUESTED = 0,
	RAFT_TRANSFER_SHUTDOWN = 1,
	RAFT_TRANSFER_PRIORITY = 2,
	RAFT_TRANSFER_DISK_STALLED = 3,
	RAFT_TRANSFER_REMOVED = 4,
	RAFT_TRANSFER_CAUSE_LAST = RAFT_TRANSFER_REMOVED,
};

/**
 * struct raft_event - what happened
 * @type: enum raft_event_type
 * @now_ns: monotonic time of the event; never smaller than that of the last one
 * @message: RAFT_EVENT_MESSAGE: decoded, to this node. Its entries' payload handles
 *	must stay valid until the update is carried out
 * @proposal: RAFT_EVENT_PROPOSE: to append. RAFT_EVENT_CANCEL: a pending one to
 *	give up; comes back in proposals_done with -EHOSTUNREACH if it never left
 *	this node, else -ETIMEDOUT
 * @read: RAFT_EVENT_READ_INDEX: a read. RAFT_EVENT_CANCEL_READ: one to give up;
 *	comes back in reads_done, unless it is there already
 * @persisted: RAFT_EVENT_PERSISTED: the writes of an update are durable
 * @persisted.hard_state_seq: raft_update.hard_state_seq of that update
 * @persisted.index: index of its last entry, or of the last entry before it
 * @persisted.term: term of that entry
 * @persisted.space_bytes: room left in the log behind that write
 * @error: RAFT_EVENT_STORAGE_FAILED: negative errno
 * @change: RAFT_EVENT_CHANGE: done with when the step returns
 * @transfer: RAFT_EVENT_TRANSFER: hand the leadership over; raft_status.transferee
 *	says for how long that is under way
 * @transfer.target: to whom, 0: to the best one. This server itself: it goes on
 *	leading, also if it was about to hand over
 * @transfer.cause: RAFT_TRANSFER_REQUESTED or RAFT_TRANSFER_SHUTDOWN
 * @index: RAFT_EVENT_COMPACT: entries up to here may go; committed, durable here, and
 *	not behind raft_status.compactable_index. What else uses them is the caller's
 *	business RAFT_EVENT_SNAPSHOT_GONE: the snapshot as of that entry cannot be read any
 *	more: nobody is sent it
 * @snapshot: RAFT_EVENT_SNAPSHOT: taken here, of what is committed, and durable; or
 *	the newest one taken again
 * @stored: RAFT_EVENT_CHUNK_STORED: raft_update.chunk was
 * @stored.snapshot: of which snapshot
 * @stored.offset: its data is here up to there; when that is all, it is durable and
 *	its checksum right. 0: it is not, and is to come anew
 *
 * RAFT_EVENT_TIME ends every batch: timers run, and what the batch gathered is
 * turned into AppendEntries. RAFT_EVENT_SHUTDOWN ends all pending proposals
 * with -ESHUTDOWN (-EHOSTUNREACH if never exposed), and all reads.
 */
struct raft_event {
	u8 type;
	u64 now_ns;
	union {
		const struct raft_message *message;
		struct raft_proposal *proposal;
		struct raft_read *read;
		struct {
			u64 hard_state_seq;
			u64 index;
			u64 term;
			u64 space_bytes;
		} persisted;
		int error;
		struct raft_change_request *change;
		struct {
			u32 target;
			u8 cause;
		} transfer;
		u64 index;
		struct raft_snapshot snapshot;
		struct {
			struct raft_snapshot snapshot;
			u64 offset;
		} stored;
	};
};

/**
 * struct raft_send - one message to send
 * @message: as to be encoded; @message.entries is NULL
 * @after_hard_state_seq: not before this hard state is durable; 0: at once
 * @first_index: RAFT_APPEND_ENTRIES: first entry to attach, prev_log_index + 1
 * @last_index: last entry to attach, < @first_index for none
 * @bytes_max: stop attaching before the payloads exceed this, but attach at
 *	least one. Binding only where the entries are older than the core's window
 *	(@catch_up); else [first_index, last_index] already fits
 * @catch_up: the entries may be on disk only; the caller may send this late.
 *	RAFT_INSTALL_SNAPSHOT: a configuration is to be attached, and its index to be
 *	set: with data that of the snapshot, without raft_committed_configuration()
 * @chunk: RAFT_INSTALL_SNAPSHOT: and behind that some of the snapshot's data, from
 *	install_snapshot.offset on; the caller says how much at a time, reads it, and
 *	may send this late
 * @witness: of entries of type RAFT_ENTRY_DATA the payload is left out, their
 *	@bytes are 0
 * @proposal: RAFT_PROPOSE: whose payload to attach
 * @entry: RAFT_PROPOSE: its header (session, sequence, bytes, type)
 */
struct raft_send {
	struct raft_message message;
	u64 after_hard_state_seq;
	u64 first_index;
	u64 last_index;
	u32 bytes_max;
	bool catch_up;
	bool chunk;
	bool witness;
	struct raft_proposal *proposal;
	struct raft_entry entry;
};

/**
 * struct raft_chunk - some of the data of a snapshot that a leader sends
 * @snapshot: which; @snapshot.index is 0 if there is none
 * @offset: of @data; at 0 a new snapshot begins, and what was there of another goes
 * @data: as it came
 * @configuration: goes with the snapshot, as it came
 * @configuration_index: of the entry that held it
 */
struct raft_chunk {
	struct raft_snapshot snapshot;
	u64 offset;
	struct raft_entry data;
	struct raft_entry configuration;
	u64 configuration_index;
};

/**
 * struct raft_transition - role or leader changed
 * @edge: enum raft_edge
 * @from: enum raft_role before
 * @to: enum raft_role after
 * @reason: enum raft_reason
 * @term: current_term after
 * @leader_id: leader known after, 0 if none
 * @leader_only: @from equals @to, only the leader became known or lost
 */
struct raft_transition {
	u8 edge;
	u8 from;
	u8 to;
	u8 reason;
	bool leader_only;
	u32 leader_id;
	u64 term;
};

/**
 * struct raft_update - what to do, in the order of the fields
 * @hard_state: persist if @hard_state_changed, together with @entries in one
 *	write, or earlier
 * @hard_state_seq: to be given back in RAFT_EVENT_PERSISTED (the newest value
 *	also when only entries are written)
 * @hard_state_changed: @hard_state is to be written
 * @base_changed: entries up to @base_index go; persist that together with
 *	raft_committed_configuration(), in one write, before @entries
 * @base_discards: and so do all behind it that are not in @entries: the log begins
 *	anew
 * @base_installed: and the snapshot as of @base_index, which is durable, is what
 *	came of all that
 * @base_index: last entry before the log
 * @base_term: its term
 * @first_index: index of entries[0]: whatever the log held from there on is
 *	replaced
 * @entries: entries to persist; array of the caller's, cap entries_max
 * @n_entries: how many; 0: nothing to write
 * @entries_max: room
 * @sends: messages, in order; array of the caller's, cap sends_max
 * @n_sends: how many
 * @sends_max: room, at least 2 * RAFT_STEP_SENDS_MAX
 * @chunk: to be stored, and RAFT_EVENT_CHUNK_STORED to be stepped then; until then
 *	there is no other
 * @commit_index: entries up to here are committed; may repeat
 * @transitions: role and leader changes in order, for events and tracepoints
 * @n_transitions: how many
 * @proposals_done: proposals that ended, @result set; list by their @node
 * @reads_done: reads that ended, likewise; once @commit_index is carried out
 * @deadline_ns: call RAFT_EVENT_TIME again no later than this; U64_MAX: never.
 *	Set by RAFT_EVENT_TIME only
 *
 * Order is a safety rule: a vote or an acknowledgment that leaves before the
 * hard state it depends on can elect two leaders (3.8).
 */
struct raft_update {
	struct raft_hard_state hard_state;
	u64 hard_state_seq;
	bool hard_state_changed;

	bool base_changed;
	bool base_discards;
	bool base_installed;
	u64 base_index;
	u64 base_term;

	u64 first_index;
	struct raft_entry *entries;
	u32 n_entries;
	u32 entries_max;

	struct raft_send *sends;
	u32 n_sends;
	u32 sends_max;

	struct raft_chunk chunk;

	u64 commit_index;

	struct raft_transition transitions[4 * RAFT_STEP_TRANSITIONS_MAX];
	u32 n_transitions;

	struct list_head proposals_done;
	struct list_head reads_done;

	u64 deadline_ns;
};

/**
 * raft_update_init() - make an update of the caller's arrays
 * @update: to set up, empty
 * @entries: room for entries; at least the largest n_entries of a message + 2
 * @entries_max: how many
 * @sends: room for messages
 * @sends_max: how many, at least 2 * RAFT_STEP_SENDS_MAX
 */
void raft_update_init(struct raft_update *update, struct raft_entry *entries,
		      u32 entries_max, struct raft_send *sends, u32 sends_max);

/**
 * raft_update_reset() - forget what was carried out
 * @update: to empty; proposals_done and reads_done must have been emptied by the
 *	caller
 */
void raft_update_reset(struct raft_update *update);

/**
 * struct raft_rng - splitmix64, owned and seeded by the caller
 * @state: any value
 */
struct raft_rng {
	u64 state;
};

/**
 * struct raft_settings - limits and times, given to raft_init(); some of them can
 * change later, see raft_set_settings()
 * @node_id: this server, not 0
 * @session: random, not 0, its two top bits 0, new at every start: names this
 *	node's proposals and reads
 * @election_timeout_ns: lower bound; each is drawn from [1, 2) times this
 * @heartbeat_interval_ns: less than half of @election_timeout_ns
 * @append_bytes_max: payload bytes of one AppendEntries, but at least one entry
 * @append_entries_max: entries of one AppendEntries
 * @inflight_bytes_max: unacknowledged payload bytes per peer
 * @inflight_messages_max: unacknowledged AppendEntries per peer
 * @uncommitted_bytes_max: payload bytes behind commit_index, or that are not yet on
 *	disk, leader and follower
 * @entry_overhead_bytes: upper bound of what one entry takes on disk beside its
 *	payload, padding included
 * @space_reserve_bytes: kept free for no-ops and configurations
 * @hash_seed: random, and told to nobody; that of raft_init() counts
 * @window_entries: power of two; the most recent entries whose size and origin
 *	are known; also the most uncommitted ones
 * @proposals_max: power of two; pending proposals of this node
 * @sessions_max: named sessions that are open, 1 … RAFT_SESSIONS_MAX; when one more is
 *	opened, the one expires that has not been used for longest. The same on all
 *	servers
 * @priority: of this server as a leader; 0: as good as any. With less than
 *	another voter that the last leader heard from it stands for election later,
 *	and it hands over to a voter with more
 * @snapshot_bytes_per_s: most that a leader sends of snapshots; 0: no limit but that
 *	a peer is sent one chunk at a time
 * @feature_level: what this server has, at most RAFT_FEATURE_LEVEL_LAST
 *
 * Memory for @window_entries, @proposals_max and @sessions_max grows as they are used.
 */
struct raft_settings {
	u32 node_id;
	u64 session;
	u64 election_timeout_ns;
	u64 heartbeat_interval_ns;
	u32 append_bytes_max;
	u32 append_entries_max;
	u32 inflight_bytes_max;
	u32 inflight_messages_max;
	u64 uncommitted_bytes_max;
	u32 entry_overhead_bytes;
	u32 space_reserve_bytes;
	u64 hash_seed;
	u32 window_entries;
	u32 proposals_max;
	u32 sessions_max;
	u8 priority;
	u64 snapshot_bytes_per_s;
	u8 feature_level;
};

struct raft;

/**
 * raft_footprint() - bytes of memory raft_init() needs
 * @settings: valid settings
 *
 * More is asked for as it is needed: raft_growth_bytes().
 *
 * Return: bytes, or 0 if the settings are not valid.
 */
size_t raft_footprint(const struct raft_settings *settings);

/**
 * raft_init() - lay out a core in the caller's memory
 * @memory: zeroed, aligned to 8
 * @settings: copied
 * @rng: used by pointer for as long as the core lives
 *
 * The log is empty. Restore it with raft_restore_*() or raft_bootstrap(), then
 * raft_start().
 *
 * Return: the core, at @memory, or NULL if the settings are not valid.
 */
struct raft *raft_init(void *memory, const struct raft_settings *settings,
		       struct raft_rng *rng);

/**
 * raft_provide_terms() - give the core room to remember terms
 * @r: the core
 * @runs: array of @n_runs, kept until replaced; contents of the old are copied
 * @n_runs: more than before; at least 16
 *
 * raft_step() and raft_restore_entry() return -ENOMEM without a change of state
 * when another run of terms might not fit, and raft_growth_bytes() is 0; give a
 * larger array and call again.
 *
 * Return: the old array, for the caller to free, or NULL.
 */
struct raft_term_run *raft_provide_terms(struct raft *r,
					 struct raft_term_run *runs,
					 u32 n_runs);

/**
 * struct raft_term_run - the entries from @first_index on have @term
 * @first_index: first entry of the run
 * @term: its term
 */
struct raft_term_run {
	u64 first_index;
	u64 term;
};

/**
 * raft_growth_bytes() - what the core wants to grow by
 * @r: a core that returned -ENOMEM
 *
 * Return: bytes for raft_grow(), or 0: it is runs of terms that it is short of.
 */
size_t raft_growth_bytes(const struct raft *r);

/**
 * raft_grow() - let it grow
 * @r: a core with raft_growth_bytes() not 0
 * @memory: of so many bytes, zeroed, aligned to 8; the core's until given back.
 *	It may be short of more after that
 *
 * Return: memory that it does not use any more, for the caller to free, or NULL.
 */
void *raft_grow(struct raft *r, void *memory);

/**
 * raft_take_back() - what raft_grow() was given, at the end
 * @r: a core that nothing is asked of any more
 *
 * Return: memory for the caller to free; NULL when there is no more.
 */
void *raft_take_back(struct raft *r);

/** raft_terms_capacity() - runs of terms the core has room for */
u32 raft_terms_capacity(const struct raft *r);

/**
 * raft_bootstrap() - the first entry of a new cluster's log
 * @r: a core with an empty log
 * @payload: the caller's handle of the entry
 * @data: encoded configuration, equal on every node that bootstraps
 * @bytes: its length
 * @space_bytes: room in the log
 * @update: filled with entry 1 of term 1 and hard state (1, none) unless one was
 *	restored, to persist and to report by RAFT_EVENT_PERSISTED once started
 *
 * Every node bootstraps the same entry, which counts as committed.
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int raft_bootstrap(struct raft *r, void *payload, const void *data, u32 bytes,
		   u64 space_bytes, struct raft_update *update);

/**
 * raft_restore_base() - a log that does not begin with entry 1
 * @r: a core with an empty log
 * @index: last entry before the log
 * @term: its term
 * @data: the encoded configuration that was persisted with that
 * @bytes: its length
 * @configuration_index: index of the entry that held it
 *
 * Entries are restored after this.
 *
 * Return: 0, -EINVAL, or -EPROTONOSUPPORT: of a higher feature level than this server
 * has.
 */
int raft_restore_base(struct raft *r, u64 index, u64 term, const void *data,
		      u32 bytes, u64 configuration_index);

/**
 * raft_restore_snapshot() - the newest snapshot found in storage
 * @r: a core that was not started, its log restored
 * @snapshot: whole and durable, and of this history: see wal_snapshot_is_of(). The log
 *	may end before it, or have another entry there, of an older term or a newer one:
 *	then it came from a leader, or the entry was durable elsewhere only
 * @data: the encoded configuration that goes with it
 * @bytes: its length
 * @configuration_index: index of the entry that held it
 *
 * What it holds is committed, so it is the log that is wrong then.
 *
 * Return: 0 or -EINVAL.
 */
int raft_restore_snapshot(struct raft *r, const struct raft_snapshot *snapshot,
			  const void *data, u32 bytes, u64 configuration_index);

/** raft_forget_snapshot() - the one that was restored cannot be read */
void raft_forget_snapshot(struct raft *r);

/**
 * raft_snapshot_is_ahead() - does the log not reach the snapshot that was restored?
 * @r: a core that was not started, its log restored
 *
 * A leader sent it, and did not get to say that it is to be installed; or entries
 * were lost here. All that it holds is committed.
 */
bool raft_snapshot_is_ahead(const struct raft *r);

/**
 * raft_restore_entry() - an entry found in storage, oldest first
 * @r: a core that was not started
 * @index: not behind last_index + 1; an index that exists replaces it and all
 *	behind it, as the log recorded it
 * @entry: the entry
 *
 * Return: 0, -EINVAL (gap, or no valid configuration), -ENOMEM, -EPROTONOSUPPORT (a
 * configuration of a higher feature level than this server has).
 */
int raft_restore_entry(struct raft *r, u64 index,
		       const struct raft_entry *entry);

/**
 * raft_restore_hard_state() - the hard state found in storage
 * @r: a core that was not started
 * @hard_state: the newest one
 * @space_bytes: room left in the log
 *
 * Return: 0, or -EINVAL if it is older than the log.
 */
int raft_restore_hard_state(struct raft *r,
			    const struct raft_hard_state *hard_state,
			    u64 space_bytes);

/**
 * raft_restore_lost() - entries that this server had, and lost to damage
 * @r: a core that was not started, its hard state restored
 * @index: last entry that its log ever ended with
 * @term: its term
 *
 * Until its log reaches as far again, this server votes as if it still did (no
 * entry is lost by an election that it takes part in) and does not stand for
 * election itself. See "Protocol-Aware Recovery for Consensus-Based Storage",
 * FAST '18.
 *
 * Return: 0, or -EINVAL if a lone server has nobody to get them from.
 */
int raft_restore_lost(struct raft *r, u64 index, u64 term);

/**
 * raft_reaches() - is this entry in the log, or what the snapshot is of?
 * @r: a core that was not started, its log restored and its snapshot
 * @index: of the entry
 * @term: its term
 */
bool raft_reaches(const struct raft *r, u64 index, u64 term);

/**
 * raft_recovery_configuration() - whose members a recovery leaves out
 * @r: a core that was not started, its log restored and its snapshot
 * @index: set to that of its entry
 *
 * The log's; or, where the log does not reach the snapshot, what goes with that, if it
 * is newer and names this server. One that was about to join has nothing else.
 */
const struct raft_configuration *
raft_recovery_configuration(const struct raft *r, u64 *index);

/**
 * raft_check_recovery() - can this server become a cluster of its own?
 * @r: a core that was not started, its hard state restored
 *
 * Return: 0; -ENODATA: its log is empty, and there is no snapshot; -ENOENT: it is no
 * member; -EOPNOTSUPP: it is a witness, and does not have what entries say; -ENOSPC: no
 * room in the log; -EPROTONOSUPPORT: the snapshot is of a higher feature level than this
 * server has.
 */
int raft_check_recovery(const struct raft *r);

/**
 * raft_recover() - become a cluster of its own, when the others are lost for good
 * @r: a core that was not started, its hard state restored, its incarnation set: a
 *	new one
 * @update: filled with a configuration of this server alone, in a new term, to
 *	persist and to report by RAFT_EVENT_PERSISTED once started; empty if that is in
 *	the log already
 *
 * The log is kept, and counts as committed once this server leads. What damage took
 * from it is lost. See recovery.c.
 *
 * Return: 0, -EINVAL, what raft_check_recovery() says; or to be called again: -ENOMEM
 * (see raft_step(); the update stays), -EAGAIN (once the update is persisted, and
 * reset).
 */
int raft_recover(struct raft *r, struct raft_update *update);

/**
 * raft_set_incarnation() - which disk this is
 * @r: a core that was not started
 * @incarnation: random, not 0, new whenever the disk forgets what was on it
 */
void raft_set_incarnation(struct raft *r, u64 incarnation);

/**
 * raft_set_joined() - all that is on this disk came from others
 * @r: a core that was not started
 * @joined: its server was not bootstrapped with it, but waited to be added to a cluster
 *
 * So that cluster has a leader, or had one, and a sealed configuration. An open one
 * on such a disk is of the past: the configuration of the first entry, which did not
 * know this disk. It may be that of a server whose disk was lost, and that has got
 * back no more than that. In an open configuration it does not count itself, and
 * nobody gets its vote who has no more than the first entry either.
 */
void raft_set_joined(struct raft *r, bool joined);

/**
 * raft_start() - join as follower (edge 0)
 * @r: restored, bootstrapped or empty; its incarnation set
 * @now_ns: monotonic time
 * @update: gets the transition, and a first hard state to persist if there was none
 *
 * With an empty log (and a hard state restored, for the room that there is) it
 * waits, without a vote, for a leader whose configuration it was added to (4.2.1).
 *
 * Return: 0, or -EINVAL if its incarnation is not set, or its log holds entries but
 * no configuration.
 */
int raft_start(struct raft *r, u64 now_ns, struct raft_update *update);

/**
 * raft_step() - the only thing that changes a started core
 * @r: the core
 * @event: what happened
 * @update: gets what to do about it
 *
 * Never sleeps, never allocates. Time O(entries in @event + members).
 *
 * Return:
 * * 0 - done; the update may be empty
 * * -EAGAIN - the update has no room for this event's outcome, nothing changed:
 *   step RAFT_EVENT_TIME, carry the update out, reset it, step the event again
 * * -EBUSY - RAFT_EVENT_PROPOSE with proposals_max pending, nothing changed
 * * -ENOMEM - see raft_growth_bytes() and raft_provide_terms(), nothing changed
 * * -EINVAL - not a possible event (a message not to this node, a proposal of 0
 *   bytes), nothing changed
 * * -ENOTRECOVERABLE - the core has failed, see raft_status.failure
 *
 * RAFT_EVENT_TRANSFER is refused at once, and nothing changed, with
 *
 * * -EREMOTE - another server leads, or none
 * * -ENOENT - the configuration has no such member, or no other voter
 * * -EOPNOTSUPP - a learner, or a disk that the configuration does not know
 * * -EHOSTUNREACH - it has not answered for an election timeout
 * * -EBUSY - another transfer is under way
 * * -ESTALE - it is too far behind: where its log matches is not known
 */
int raft_step(struct raft *r, const struct raft_event *event,
	      struct raft_update *update);

/**
 * raft_set_settings() - change what may change of a server that runs
 * @r: started
 * @settings: as a whole. Times, inflight_bytes_max, inflight_messages_max (not
 *	above that of raft_init()), uncommitted_bytes_max, entry_overhead_bytes,
 *	space_reserve_bytes, priority and snapshot_bytes_per_s may differ from before
 * @now_ns: monotonic time
 *
 * Between two batches. RAFT_EVENT_TIME must follow.
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int raft_set_settings(struct raft *r, const struct raft_settings *settings,
		      u64 now_ns);

/**
 * enum raft_progress - how a leader sends to a peer
 * @RAFT_PROGRESS_PROBE: where its log matches is not known: one at a time
 * @RAFT_PROGRESS_REPLICATE: pipelined
 * @RAFT_PROGRESS_SNAPSHOT: needs entries that are gone
 */
enum raft_progress {
	RAFT_PROGRESS_PROBE = 0,
	RAFT_PROGRESS_REPLICATE = 1,
	RAFT_PROGRESS_SNAPSHOT = 2,
};

/**
 * struct raft_status - a copy of what others may know of a core
 * @hard_state: current_term and voted_for
 * @role: enum raft_role
 * @reason: enum raft_reason of the last transition
 * @node_id: this server
 * @leader_id: known leader, 0 if none
 * @first_index: oldest entry in the log
 * @last_index: newest entry, 0 if none
 * @last_term: its term
 * @durable_index: entries up to here are on this node's disk
 * @foreign: the configuration knows another disk under this id: no vote
 * @witness: it is one: users' entries are here without their payload
 * @lost_index: last entry of those that damage took and no leader has made up for
 *	yet, 0 if none
 * @commit_index: entries up to here are committed
 * @lease_until_ns: leader: a majority answered requests sent at most an election
 *	timeout before this; leadership holds until then. 0 on others
 * @election_deadline_ns: when this server's timer runs out; 0 on a leader
 * @configuration_index: of the newest configuration in the log, 0 if none
 * @configuration_seq: grows whenever raft_configuration() becomes another
 * @feature_level: what the cluster may use: of the newest configuration known to be
 *	committed
 * @changing: a membership change is not complete
 * @transferee: leader: whom it is handing over to, 0 if nobody
 * @transfer_cause: enum raft_transfer_cause, of the last transfer
 * @n_transfers: how many this server has begun
 * @priority: of this server
 * @n_proposals: pending proposals of this node
 * @n_reads: pending reads of this node
 * @n_read_rounds: rounds of heartbeats that reads alone were the reason for
 * @uncommitted_bytes: payload bytes behind commit_index
 * @space_bytes: room left in the log, entries in flight subtracted
 * @compactable_index: entries up to here may go as far as this server's own needs are
 *	concerned
 * @n_sessions: named sessions that are open as of @sessions_index
 * @sessions_index: an entry that is committed, perhaps not as far as this server
 *	knows; 0: it does not know which sessions are open
 * @snapshot: the newest one here
 * @snapshot_gone: and it cannot be read
 * @incoming: the one that a leader is sending, its index 0 if none is
 * @incoming_offset: what is here of it
 * @failure: why it failed, empty if it did not
 */
struct raft_status {
	struct raft_hard_state hard_state;
	u8 role;
	u8 reason;
	u32 node_id;
	u32 leader_id;
	u64 first_index;
	u64 last_index;
	u64 last_term;
	u64 durable_index;
	u64 lost_index;
	bool foreign;
	bool witness;
	u64 commit_index;
	u64 lease_until_ns;
	u64 election_deadline_ns;
	u64 configuration_index;
	u64 configuration_seq;
	bool changing;
	u8 feature_level;
	u32 transferee;
	u8 transfer_cause;
	u8 priority;
	u64 n_transfers;
	u32 n_proposals;
	u32 n_reads;
	u64 n_read_rounds;
	u64 uncommitted_bytes;
	u64 space_bytes;
	u64 compactable_index;
	u64 sessions_index;
	u32 n_sessions;
	struct raft_snapshot snapshot;
	bool snapshot_gone;
	struct raft_snapshot incoming;
	u64 incoming_offset;
	char failure[RAFT_FAILURE_CHARS];
};

/**
 * struct raft_peer_status - a leader's view of a member
 * @id: the member
 * @progress: enum raft_progress
 * @next_index: next entry to send
 * @match_index: entries up to here are durable there
 * @inflight_messages: unacknowledged AppendEntries
 * @inflight_bytes: their payload
 * @last_contact_ns: when an answer was last received; 0: never
 * @rtt_ns: smoothed round-trip time of AppendEntries, 0 if not known
 * @recent_active: answered within an election timeout
 * @foreign: last heard from with another disk than the configuration knows
 * @caught_up: a leader that would promote it need not wait for it (4.2.1)
 * @priority: as it told, 0 if it did not
 * @snapshot: that it is being sent, its index 0 if none is
 * @snapshot_offset: it has so much of that
 * @feature_level: what it has, as far as it is known
 *
 * On a server that does not lead, only @id and @last_contact_ns (of any message)
 * mean something.
 */
struct raft_peer_status {
	u32 id;
	u8 progress;
	bool recent_active;
	bool foreign;
	bool caught_up;
	u8 priority;
	u8 feature_level;
	u64 next_index;
	u64 match_index;
	u32 inflight_messages;
	u64 inflight_bytes;
	u64 last_contact_ns;
	u64 rtt_ns;
	struct raft_snapshot snapshot;
	u64 snapshot_offset;
};

void raft_status(const struct raft *r, struct raft_status *status);

/**
 * raft_session_at() - one of the named sessions that are open
 * @r: the core
 * @i: from 0, in the order of their keys
 * @info: filled in
 *
 * Return: 0, or -ENOENT: there are no more.
 */
int raft_session_at(const struct raft *r, u32 i,
		    struct raft_session_info *info);

/** raft_peer_status() - view of peer @id. Return: 0, or -ENOENT. */
int raft_peer_status(const struct raft *r, u32 id,
		     struct raft_peer_status *status);

/**
 * raft_configuration_find() - a member by its id
 * @configuration: of its members
 * @id: which
 *
 * Return: its position, or RAFT_MEMBERS_MAX.
 */
u32 raft_configuration_find(const struct raft_configuration *configuration,
			    u32 id);

/** raft_configuration_is_sealed() - are the disks of all voters known? */
bool raft_configuration_is_sealed(const struct raft_configuration *configuration);

/** raft_configuration() - the newest configuration in the log */
const struct raft_configuration *raft_configuration(const struct raft *r);

/**
 * raft_committed_configuration() - the newest configuration known to be committed
 * @r: the core
 * @index: set to the index of its entry
 *
 * What goes with a log that does not begin with entry 1. It may be behind the entry
 * before the log.
 */
const struct raft_configuration *
raft_committed_configuration(const struct raft *r, u64 *index);

/**
 * raft_term_at() - term of an entry
 * @r: the core
 * @index: any
 *
 * Return: its term, or 0 if the log does not hold @index. Of the entry before the
 * first one the term is known as well.
 */
u64 raft_term_at(const struct raft *r, u64 index);

/* What it takes to parse a message, or an entry, of this type: see feature.c. */
u8 raft_message_level(u8 type);
u8 raft_entry_level(u8 type);

const char *raft_role_name(u8 role);
const char *raft_reason_name(u8 reason);
const char *raft_edge_name(u8 edge);
const char *raft_message_type_name(u8 type);
const char *raft_progress_name(u8 progress);
const char *raft_transfer_cause_name(u8 cause);

#endif /* RAFTLOG_RAFT_H */
