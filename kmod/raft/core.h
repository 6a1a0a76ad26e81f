/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the Raft core: its state, and what its files offer each other.
 *
 *	raft.c		set-up, step dispatch, status
 *	update.c	what a step adds to its update, in one place
 *	role.c		the role diagram: who becomes what, and why
 *	election.c	timers, PreVote, RequestVote, vote stickiness
 *	replication.c	AppendEntries on the leader, commit, CheckQuorum
 *	append.c	AppendEntries on the follower
 *	proposal.c	proposals: queue, forward, append once, complete
 *	sessions.c	named sessions: what of them is in the log
 *	read.c		linearizable reads: ReadIndex, leases
 *	transfer.c	leadership transfer, priority of servers
 *	log.c		terms, sizes and origins of entries
 *	memory.c	what of it grows with use
 *	settings.c	settings, and what happens when they change
 *	compaction.c	entries that go, and what is left of them
 *	snapshot.c	logs of others that begin behind the end of this one, and the
 *			snapshots that make up for what is before
 *	configuration.c	members, their encoding, and the quorums they form
 *	membership.c	changes of the members
 *	feature.c	what all members' versions have, and so may be used
 *	recovery.c	a cluster that lost its quorum for good, and what is left of it
 */
#ifndef RAFTLOG_RAFT_CORE_H
#define RAFTLOG_RAFT_CORE_H

#include "../failpoint.h"
#include "raft.h"

/* What the core remembers of a recent entry. */
struct raft_meta {
	u64 session;
	u64 sequence;
	u64 bytes_through; /* payload bytes of this entry and all before it */
	u32 bytes;
	u32 next; /* slot + 1 of the next one in its bucket, 0: none */
	u8 type;
};

/*
 * The log as the core knows it. Terms are known for all entries, as runs; size,
 * type and origin for those in the window [window_first, last_index], which may
 * begin before first_index.
 */
struct raft_log {
	u64 first_index;
	u64 base_term; /* of the entry before it */
	u64 last_index; /* first_index - 1 when empty */
	bool bare; /* it had entries of users without payload: a witness's */
	struct raft_term_run *runs; /* by first_index, terms increase */
	u32 n_runs;
	u32 max_runs;
	u64 window_first;
	u64 window_base_bytes; /* bytes_through of window_first - 1 */
	u32 window_entries;
	u32 window_entries_max;
	struct raft_meta *window;
	u32 *buckets; /* (session, sequence) to slot + 1 */
	u64 hash_seed; /* of those, and of proposals */
};

struct raft_inflight {
	u64 last_index;
	u64 sent_ns;
	u32 bytes;
};

/* Reads by the same rule, see read.c: with a round of heartbeats, or by lease. */
enum { RAFT_READ_LANES = 2 };

/* Of this server. */
struct raft_read_lane {
	struct list_head waiting; /* nobody was asked yet */
	/* Leader: by needed_ns. Else: of one request, under way to the leader. */
	struct list_head asked;
	u64 sequence; /* of that request, 0: none is under way */
	u64 asked_ns; /* when it was last sent */
};

/* Leader: the newest one of a follower. */
struct raft_read_request {
	u64 session;
	u64 sequence;
	u64 needed_ns; /* 0: not known yet */
	u64 index; /* 0: not known yet */
	bool pending;
};

/* A member other than this server, as a leader (and partly anyone) sees it. */
struct raft_peer {
	u32 id;
	u8 progress;
	u8 priority;
	u8 feature_level; /* as it told last, */
	bool catch_up; /* the one message in flight has unknown length */
	bool caught_up; /* 4.2.1: the last round took less than a timeout */
	u64 next_index;
	u64 match_index; /* decreases only if the peer's disk forgot: refused() */
	u64 match_ns; /* when it was last raised */
	u64 incarnation; /* of its disk, as of the newest message; 0: none came */
	u64 voted_incarnation; /* of the disk that voted for this server last */
	u64 feature_level_ns; /* when it did */
	u64 commit_told; /* what it can know of commit_index if nothing is lost */
	u64 last_contact_ns; /* any valid message from it */
	u64 last_answer_ns; /* leader: an answer of this term */
	u64 answered_sent_ns; /* leader: newest request known to be answered */
	u64 promised_ns; /* leader: with that answer; see settings.c */
	u64 progress_ns; /* leader: acknowledged or (re)started sending */
	u64 rtt_ns;
	u64 round_index; /* leader: last entry of this round of catching up */
	u64 round_ns; /* when it began */
	struct raft_read_request reads[RAFT_READ_LANES];
	/* RAFT_PROGRESS_SNAPSHOT: which one, and up to where the peer has it. */
	struct raft_snapshot snapshot;
	u64 snapshot_offset;
	u64 chunk_sent_ns; /* of the chunk at snapshot_offset; 0: it was not sent */
	bool chunk_wanted;
	u64 inflight_bytes;
	u32 inflight_head;
	u32 n_inflight;
	struct raft_inflight *inflight; /* ring of inflight_slots */
};

/* An entry of a named session that is committed. */
struct raft_session_slot {
	u64 sequence;
	u64 index;
	u64 term;
};

struct raft_session {
	u64 key;
	u64 created;
	u64 used;
	u64 floor; /* of what is not above it and not in a slot nothing is known */
	u32 n_slots;
	struct raft_session_slot slots[RAFT_SESSION_WINDOW]; /* by sequence */
};

/* An entry RAFT_ENTRY_SESSIONS, and up to where the log can go with it. */
struct raft_checkpoint {
	u64 index; /* 0: there is none */
	u64 covers;
};

/* Named sessions as of the entry @applied, if they are @known: sessions.c. */
struct raft_sessions {
	u64 *opened; /* index of the entry that opened it last */
	struct raft_session *sessions; /* by key; NULL: never needed so far */
	u8 *encoded; /* that this server made as a leader */
	u32 n;
	bool known;
	bool wanted; /* leader: and they are not known */
	u64 applied;
	struct raft_checkpoint newest; /* in the log */
	struct raft_checkpoint settled; /* the one before, which is committed */
	u64 cost; /* of entries committed since the newest */
	u64 opening_index; /* newest entry that opens one */
	u64 offered; /* leader: newest snapshot that was offered to a peer */
};

/* Votes are a set keyed by node, for one term and kind at a time (3.4). */
struct raft_votes {
	u32 granted; /* bit: position in the configuration */
	u32 refused;
};

struct raft {
	struct raft_settings settings;
	struct raft_rng *rng;
	u64 now_ns;
	bool started;
	char failure[RAFT_FAILURE_CHARS];

	u8 role;
	u8 reason;
	u8 round_edge; /* the edge that began this election round: 1 or 2 */
	u32 leader_id;
	struct raft_hard_state hard_state;
	struct raft_votes votes;

	struct raft_log log;
	u64 commit_index;
	u64 durable_index;
	/* Follower: the log equals that of this term's leader up to here. */
	u64 verified_index;
	/* Follower: an acknowledgment is owed once durable_index gets there. */
	bool ack_owed;
	u64 leader_commit_seen;

	struct raft_snapshot snapshot; /* the newest one here; durable */
	struct raft_configuration restored_configuration; /* with it, as found */
	u64 restored_configuration_index;
	bool snapshot_gone; /* but it cannot be read */
	struct raft_snapshot incoming; /* what is here of one that is being sent, */
	u64 incoming_offset; /* up to there, */
	bool storing; /* and a chunk is on its way to the disk */
	u64 store_again_ns; /* not before, after one that could not be stored */
	u64 store_wait_ns; /* and so long the last time */
	u64 chunk_due_ns; /* leader: no chunk for anybody before that */

	/* Writes: updates that persist something are numbered from 1. */
	u64 persist_seq;
	u64 persisted_seq;
	u64 hard_state_persist_seq; /* of the newest hard state */
	u64 truncate_seq; /* of the newest replacement of a suffix */
	u64 oldest_persist_ns;
	u64 space_bytes; /* as of the entry at space_index */
	u64 space_index;
	u64 space_debt_bytes; /* replaced entries that may still be written */
	u64 refused_cost_min; /* ENOSPC is final for a term: see proposal.c */
	u64 refused_room_min; /* the least since there was room the last time */
	u64 refused_before; /* for what was proposed before this, U64_MAX: all */

	struct raft_configuration configuration; /* newest in the log */
	u64 configuration_index;
	u64 configuration_seq; /* changes whenever configuration does */
	struct raft_configuration previous_configuration; /* is committed */
	u64 previous_configuration_index;
	struct raft_configuration decoded; /* scratch, too large for a stack */
	bool sealed; /* configuration knows the voters' disks */
	u64 incarnation; /* of this server's disk */
	bool joined; /* which did not bootstrap */
	u64 voted_for_incarnation; /* of voted_for's disk; 0: not since the start */
	bool needed; /* to stand, without a vote: see raft_has_vote() */
	u8 encoded[RAFT_CONFIGURATION_BYTES_MAX]; /* that it made as a leader */
	u32 self; /* position in configuration, or RAFT_MEMBERS_MAX */
	struct raft_peer peers[RAFT_MEMBERS_MAX]; /* as in configuration */
	u32 n_peers;
	struct raft_inflight *inflight_pool;
	u32 inflight_slots; /* of each peer: inflight_messages_max at raft_init() */

	/* Where the log ended before damage; (0, 0) once it is made up for. */
	u64 lost_index;
	u64 lost_term;

	u64 election_deadline_ns;
	u64 ask_again_ns; /* of a candidate, those who have not answered */
	u64 leader_contact_ns; /* last AppendEntries of a valid leader */
	/* After a restart, leadership, or a change of settings: see transfer.c. */
	u64 sticky_until_ns;
	u64 promise_ns_max; /* election timeout at raft_init(): see settings.c */
	u64 leader_sent_ns; /* newest AppendEntries of this term, by its clock */
	u64 heartbeat_due_ns;
	u64 leader_since_ns;
	u64 quorum_grace_ns; /* CheckQuorum waits until then at least */
	u64 graced_answer_ns; /* quorum_answer_ns() when it was told to */
	u64 last_time_ns; /* of RAFT_EVENT_TIME */
	/* Entries up to here were in the log at start: not counted uncommitted. */
	u64 uncounted_index;

	struct raft_proposal **proposals; /* by ticket */
	struct raft_proposal **named; /* buckets of those of named sessions */
	u32 n_proposal_slots; /* power of two, up to proposals_max */
	/* What -ENOMEM was about, and what the caller gave for it: memory.c. */
	bool short_of_window;
	bool short_of_slots;
	bool short_of_sessions;
	void *grown_window;
	void *grown_slots;
	void *grown_sessions;
	u64 next_ticket;
	u32 n_proposals;
	struct list_head waiting; /* not with a leader */
	struct list_head sent; /* with a leader, by sent_ns */
	u64 sent_bytes;
	u32 n_sent;
	u64 forward_after_ns; /* the leader had no room */
	struct raft_sessions sessions;

	struct raft_read_lane reads[RAFT_READ_LANES];
	struct list_head indexed_reads; /* for commit_index to get there */
	u32 n_reads;
	u64 next_read_sequence;
	/* Leader: when AppendEntries were last sent: to anybody, and to all. */
	u64 append_sent_ns;
	u64 round_sent_ns;
	u64 read_round_sent_ns; /* because of reads */
	u64 n_read_rounds;
	bool more; /* RAFT_EVENT_TIME ran out of room */

	/* Candidate: of the TimeoutNow that made it one; 0: none did. */
	u64 campaign_until_ns;
	bool campaign_requested;
	/* Highest priority of the leader's other voters, here or as it told. */
	u8 best_priority;

	/* Leader: see transfer.c. */
	u32 transferee;
	u8 transfer_cause;
	bool transfer_told; /* TimeoutNow was sent */
	bool stall_handled; /* it tried to hand over when its disk stalled */
	bool removal_handled; /* likewise, when it was no voter any more */
	bool kept_by_request; /* it leads because somebody asked for it */
	u64 n_transfers;
	u64 transfer_from_ns;
	u64 transfer_until_ns;
	u64 timeout_now_due_ns;
	u64 transfer_void_ns;
	u64 lease_promised_ns;
	u64 handover_after_ns;
};

/*
 * Own invariants: a broken one stops the group, never the host. Evaluates to
 * whether the condition holds.
 */
#define raft_invariant(r, update, condition) \
	raft_holds(r, update, condition, #condition)

bool raft_fail(struct raft *r, struct raft_update *update, u8 reason,
	       const char *why);

static inline bool raft_holds(struct raft *r, struct raft_update *update,
			      bool condition, const char *what)
{
	return likely(condition) ||
	       raft_fail(r, update, RAFT_REASON_INVARIANT, what);
}

/* update.c */
void raft_note_persist(struct raft *r, struct raft_update *update);
void raft_set_hard_state(struct raft *r, struct raft_update *update, u64 term,
			 u32 voted_for);
void raft_append_entry(struct raft *r, struct raft_update *update,
		       const struct raft_entry *entry);
void raft_truncate(struct raft *r, struct raft_update *update, u64 from);
void raft_discard(struct raft *r, struct raft_update *update, u64 index,
		  u64 term);
struct raft_send *raft_add_send(struct raft *r, struct raft_update *update,
				u8 type, u32 to);
void raft_send_durable(struct raft *r, struct raft_send *send);
u32 raft_sends_room(const struct raft_update *update);

/* role.c */
void raft_become_follower(struct raft *r, struct raft_update *update, u64 term,
			  u32 leader_id, u8 reason);
void raft_become_pre_candidate(struct raft *r, struct raft_update *update,
			       u8 edge);
void raft_become_candidate(struct raft *r, struct raft_update *update,
			   u8 reason);
void raft_become_leader(struct raft *r, struct raft_update *update);
void raft_join(struct raft *r, struct raft_update *update);
void raft_role_by_membership(struct raft *r, struct raft_update *update);

/* election.c */
void raft_reset_election_timer(struct raft *r);
void raft_defer_to_priority(struct raft *r);
void raft_election_time(struct raft *r, struct raft_update *update);
u64 raft_election_deadline(const struct raft *r);
void raft_count_own_vote(struct raft *r, struct raft_update *update);
void raft_receive_request_vote(struct raft *r, struct raft_update *update,
			       const struct raft_message *message);
void raft_receive_vote(struct raft *r, struct raft_update *update,
		       const struct raft_message *message);
void raft_campaign_now(struct raft *r, struct raft_update *update,
		       u64 until_ns, bool requested);
bool raft_is_sticky(const struct raft *r);
bool raft_is_damaged(const struct raft *r);

/* replication.c */
void raft_start_replication(struct raft *r);
void raft_start_peer(struct raft *r, struct raft_peer *peer);
void raft_forget_peer(struct raft *r, struct raft_peer *peer);
void raft_leader_time(struct raft *r, struct raft_update *update);
void raft_receive_append_response(struct raft *r, struct raft_update *update,
				  const struct raft_message *message);
void raft_leader_commit(struct raft *r, struct raft_update *update);
void raft_set_commit(struct raft *r, struct raft_update *update, u64 index);
u64 raft_lease_until(const struct raft *r);
u64 raft_leader_deadline(const struct raft *r);
u64 raft_loss_timeout(const struct raft *r, const struct raft_peer *peer,
		      u64 bytes);

/* transfer.c */
int raft_transfer(struct raft *r, u32 target, u8 cause);
void raft_transfer_time(struct raft *r, struct raft_update *update);
u64 raft_transfer_deadline(const struct raft *r);
bool raft_transfer_holds_proposals(const struct raft *r);
bool raft_transfer_stalled(struct raft *r);
bool raft_transfer_removed(struct raft *r);
u8 raft_transfer_reason(const struct raft *r, u8 reason);
void raft_reset_transfer(struct raft *r);
void raft_keep_lease_promise(struct raft *r);
bool raft_is_handed_over(const struct raft *r,
			 const struct raft_message *message);
void raft_receive_timeout_now(struct raft *r, struct raft_update *update,
			      const struct raft_message *message);

/* append.c */
int raft_check_append(struct raft *r, const struct raft_message *message);
void raft_receive_append(struct raft *r, struct raft_update *update,
			 const struct raft_message *message);
void raft_send_owed_ack(struct raft *r, struct raft_update *update);

/* proposal.c */
void raft_place_proposal(struct raft *r, struct raft_proposal *proposal);
int raft_propose(struct raft *r, struct raft_update *update,
		 struct raft_proposal *proposal);
void raft_cancel(struct raft *r, struct raft_update *update,
		 struct raft_proposal *proposal);
void raft_receive_propose(struct raft *r, struct raft_update *update,
			  const struct raft_message *message);
void raft_receive_propose_response(struct raft *r, struct raft_update *update,
				   const struct raft_message *message);
void raft_pump_proposals(struct raft *r, struct raft_update *update);
void raft_requeue_proposals(struct raft *r);
void raft_complete_committed(struct raft *r, struct raft_update *update,
			     u64 index);
void raft_end_proposals(struct raft *r, struct raft_update *update, int error);
void raft_end_unseen_proposals(struct raft *r, struct raft_update *update,
			       u64 index);
bool raft_make_room_known(struct raft *r, struct raft_update *update);
u64 raft_proposal_deadline(const struct raft *r);
u64 raft_space(const struct raft *r);
u64 raft_entry_cost(const struct raft *r, u32 bytes);
u64 raft_settled_index(const struct raft *r);
u64 raft_uncommitted_bytes(const struct raft *r);

/* sessions.c */
size_t raft_sessions_bytes(const struct raft *r);
void raft_sessions_grow(struct raft *r, void *memory);
bool raft_is_of_sessions(const struct raft_entry *entry);
int raft_check_sessions(const struct raft *r, const struct raft_entry *entry,
			u64 index);
void raft_sessions_appended(struct raft *r, const struct raft_entry *entry);
void raft_sessions_truncated(struct raft *r, u64 last_index);
void raft_sessions_discarded(struct raft *r);
void raft_sessions_offered(struct raft *r, u64 index);
void raft_sessions_commit(struct raft *r, u64 index);
u64 raft_sessions_cover(const struct raft *r);
u64 raft_sessions_reserve(const struct raft *r);
bool raft_sessions_time(struct raft *r, struct raft_update *update);
int raft_sessions_admit(struct raft *r, const struct raft_entry *entry,
			struct raft_session_slot *found);
bool raft_sessions_opened(const struct raft *r, u64 key, u64 index,
			  struct raft_session_info *info);

/* read.c */
void raft_read(struct raft *r, struct raft_read *read);
void raft_cancel_read(struct raft *r, struct raft_update *update,
		      struct raft_read *read);
void raft_receive_read_index(struct raft *r,
			     const struct raft_message *message);
void raft_receive_read_index_response(struct raft *r,
				      const struct raft_message *message);
void raft_pump_reads(struct raft *r, struct raft_update *update);
bool raft_reads_want_round(const struct raft *r);
void raft_requeue_reads(struct raft *r);
void raft_end_reads(struct raft *r, struct raft_update *update, int error);
u64 raft_read_deadline(const struct raft *r);

/* log.c */
size_t raft_log_window_bytes(u32 n_entries);
void raft_log_init(struct raft_log *log, void *memory, u32 n_entries,
		   u32 n_entries_max);
bool raft_log_wants_window(const struct raft_log *log, u32 entries);
void raft_log_grow_window(struct raft_log *log, void *memory, u32 n_entries);
u64 raft_log_term(const struct raft_log *log, u64 index);
u64 raft_log_last_term(const struct raft_log *log);
void raft_log_append(struct raft_log *log, const struct raft_entry *entry);
void raft_log_truncate(struct raft_log *log, u64 from);
u64 raft_log_base(const struct raft_log *log);
void raft_log_reset(struct raft_log *log, u64 base_index, u64 base_term);
void raft_log_compact(struct raft_log *log, u64 base_index);
const struct raft_meta *raft_log_meta(const struct raft_log *log, u64 index);
u64 raft_log_find(const struct raft_log *log, u64 session, u64 sequence);
u64 raft_log_bytes_through(const struct raft_log *log, u64 index);
u64 raft_log_floor_term(const struct raft_log *log, u64 index, u64 term);
bool raft_log_has_room(const struct raft_log *log, u32 runs);

/* settings.c */
bool raft_settings_are_valid(const struct raft_settings *settings);
u64 raft_promise(const struct raft *r);

/* memory.c */
size_t raft_memory_bytes(const struct raft_settings *settings);
void raft_memory_init(struct raft *r, void *memory);
bool raft_is_short(struct raft *r, u32 entries, bool proposes, bool sessions);

/* compaction.c */
u64 raft_compactable_index(const struct raft *r);
int raft_compact(struct raft *r, struct raft_update *update, u64 index);
void raft_skip_compacted(const struct raft *r, struct raft_message *message);

/* snapshot.c */
int raft_check_install_snapshot(struct raft *r,
				const struct raft_message *message);
void raft_receive_install_snapshot(struct raft *r, struct raft_update *update,
				   const struct raft_message *message);
void raft_receive_install_snapshot_response(struct raft *r,
					    struct raft_update *update,
					    const struct raft_message *message);
bool raft_send_install_snapshot(struct raft *r, struct raft_update *update,
				struct raft_peer *peer);
void raft_send_chunks(struct raft *r, struct raft_update *update);
u64 raft_chunk_deadline(const struct raft *r);
void raft_stop_sending(struct raft_peer *peer);
int raft_snapshot_taken(struct raft *r, const struct raft_snapshot *snapshot);
void raft_snapshot_gone(struct raft *r, u64 index);
void raft_chunk_stored(struct raft *r, struct raft_update *update,
		       const struct raft_event *event);
void raft_forget_incoming(struct raft *r);

/* configuration.c */
void raft_set_configuration(struct raft *r,
			    const struct raft_configuration *configuration,
			    u64 index);
void raft_next_configuration(struct raft *r,
			     const struct raft_configuration *configuration,
			     u64 index);
void raft_set_committed_configuration(struct raft *r,
				      const struct raft_configuration *configuration,
				      u64 index);
void raft_revert_configuration(struct raft *r, u64 last_index);
struct raft_peer *raft_find_peer(struct raft *r, u32 id);
bool raft_is_known(const struct raft *r, u32 position);
bool raft_is_voter(const struct raft *r, u32 position);
bool raft_is_voter_in(const struct raft *r, u32 position, bool old);
bool raft_has_vote(const struct raft *r);
bool raft_is_witness(const struct raft *r, u32 position);
bool raft_is_quorum(const struct raft *r, u32 set);
u64 raft_quorum_value(const struct raft *r, const u64 *values);

/* membership.c */
void raft_change_members(struct raft *r, struct raft_update *update,
			 struct raft_change_request *request);
void raft_membership_time(struct raft *r, struct raft_update *update);
bool raft_is_changing(const struct raft *r);

/* feature.c */
u8 raft_feature_level(const struct raft *r);
u8 raft_lowest_feature_level(const struct raft *r);
bool raft_may_send(const struct raft *r, u8 type);
void raft_tell_feature_level(struct raft *r, struct raft_update *update);
void raft_receive_feature_level(struct raft *r,
				const struct raft_message *message);
bool raft_has_level_of(struct raft *r, struct raft_update *update,
		       const struct raft_configuration *configuration);

static inline bool raft_is_self(const struct raft *r, u32 position)
{
	return position == r->self;
}

u64 raft_rng_next(struct raft_rng *rng);
/* Sequences are chosen by users: who does not know @seed makes none that collide. */
u32 raft_hash(u64 seed, u64 session, u64 sequence);

#endif /* RAFTLOG_RAFT_CORE_H */
