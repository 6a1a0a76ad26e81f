/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A life: what runs between START and STOP of a group.
 *
 *	writers --intake--> owner thread --requests--> storage thread
 *	readers <--commit--      |  ^                         |
 *	                         |  '--------completions------'
 *	                         v  ^
 *	                      transport (softirq wakes, owner thread sends and receives)
 *
 * The owner thread is the only one to touch the core. It gathers what came in,
 * steps the core, and carries out the update in order (execute.c). Others hand it
 * work through the intake and wake it; it hands results back through completions,
 * commit_index and the published status.
 *
 * Waking the owner. Put the work where it looks, then raftlog_life_kick(): sets
 * @kicked and wakes the thread if it was not set. The owner clears @kicked before
 * it looks. Nothing that was put is missed.
 *
 * Locking: I: set before the owner thread runs. O: the owner thread's, and of
 * whoever starts it before and stops it after. K: @intake_lock. S: @status_lock.
 * All are leaves, but for raftlog_open.lock, which is taken inside @intake_lock.
 * Cancels come without a lock: some under one that interrupts take as well.
 */
#ifndef RAFTLOG_LIFE_H
#define RAFTLOG_LIFE_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/llist.h>
#include <linux/raftlog.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "cache.h"
#include "kinds.h"
#include "raft/raft.h"
#include "runs.h"
#include "snapshot.h"
#include "storage.h"
#include "transport.h"

struct raftlog_group;
struct raftlog_proposal;
struct task_struct;

enum raftlog_life_limits {
	/* Proposals of this node that are not done, and their bytes. */
	RAFTLOG_PENDING_MAX = 1 << 14,
	RAFTLOG_PENDING_BYTES_MAX = 64 << 20,

	/* Of those the core has at a time; the others wait for their turn. */
	RAFTLOG_PROPOSALS_MAX = 4096,

	/* Linearizable reads of this node that are not done. */
	RAFTLOG_READS_MAX = 4096,

	/* One AppendEntries. */
	RAFTLOG_APPEND_BYTES_MAX = 256 << 10,
	RAFTLOG_APPEND_ENTRIES_MAX = 256,

	/* What the core remembers of recent entries; half of it uncommitted. */
	RAFTLOG_WINDOW_ENTRIES = 1 << 16,

	/* One update: the largest message the wire carries, twice, and more. */
	RAFTLOG_UPDATE_ENTRIES_MAX = 2304,
	RAFTLOG_UPDATE_SENDS_MAX = 256,

	/* And what it begins with. */
	RAFTLOG_UPDATE_ENTRIES_FIRST = 16,
	RAFTLOG_UPDATE_SENDS_FIRST = 2 * RAFT_STEP_SENDS_MAX,

	/* One batch of the owner thread. */
	RAFTLOG_BATCH_MESSAGES_MAX = 64,
	RAFTLOG_BATCH_PROPOSALS_MAX = 512,

	/* Of a storage request, but at least one entry: the disk is seen to move. */
	RAFTLOG_REQUEST_BYTES_MAX = 1 << 20,

	/* Votes and answers that wait for the disk. */
	RAFTLOG_PARKED_MAX = 1024,
};

/**
 * struct raftlog_catch_up - entries for a peer, on their way from the disk
 * @life: whose
 * @id: O: the peer
 * @work: reads them
 * @node: intake: it did
 * @busy: O: under way
 * @send: O: the message
 * @durable_index: entries up to here may be read from the disk
 * @n: entries wanted, then read
 * @terms: term of each
 * @entries: references
 */
struct raftlog_catch_up {
	struct raftlog_life *life;
	u32 id;
	struct work_struct work;
	struct list_head node;
	bool busy;
	struct raft_send send;
	u64 durable_index;
	u32 n;
	u64 terms[RAFTLOG_APPEND_ENTRIES_MAX];
	struct raftlog_entry *entries[RAFTLOG_APPEND_ENTRIES_MAX];
};

/**
 * struct raftlog_member_change - a change of the members, on its way to the core
 * @node: intake
 * @request: what is asked, and the core's answer
 * @term: of the entry that it became
 * @done: it is there
 * @changes: of @request
 */
struct raftlog_member_change {
	struct list_head node;
	struct raft_change_request request;
	u64 term;
	struct completion done;
	struct raft_change changes[];
};

/**
 * struct raftlog_settings_change - settings on their way to the owner thread
 * @start: as they are to be
 * @error: why they are not
 * @done: they are, or are not
 */
struct raftlog_settings_change {
	struct raftlog_start start;
	int error;
	struct completion done;
};

/**
 * struct raftlog_key_change - a step of an exchange of keys, for the owner thread
 * @step: which
 * @name: of the key
 * @secret: the key itself
 * @grace_ns: until the one before is dropped
 * @error: why it was not done
 * @done: it was, or was not
 */
struct raftlog_key_change {
	enum raftlog_key_step step;
	const char *name;
	u8 secret[RAFTLOG_KEY_BYTES];
	u64 grace_ns;
	int error;
	struct completion done;
};

/**
 * struct raftlog_counters - since the start; written by the owner thread
 * @appends: writes of this node that were committed
 * @append_bytes: their payload
 * @append_errors: writes of this node that ended otherwise
 * @reads: linearizable reads of this node that were answered
 * @read_errors: those that ended otherwise
 * @read_rounds: rounds of heartbeats that this node, as leader, sent for reads
 * @committed: entries committed
 * @elections: times this node offered itself
 * @flushes: storage requests that became durable
 * @catch_ups: messages whose entries came from the disk
 * @chunks_sent: pieces of snapshots that were sent
 * @chunks_stored: pieces of snapshots that came, and were stored
 * @installs: logs that began anew behind a snapshot
 * @parked_drops: messages given up while they waited for the disk
 * @invalid_messages: messages the core refused
 */
struct raftlog_counters {
	u64 appends;
	u64 append_bytes;
	u64 append_errors;
	u64 reads;
	u64 read_errors;
	u64 read_rounds;
	u64 committed;
	u64 elections;
	u64 flushes;
	u64 catch_ups;
	u64 chunks_sent;
	u64 chunks_stored;
	u64 installs;
	u64 parked_drops;
	u64 invalid_messages;
};

/**
 * struct raftlog_life - see the top of this file
 * @group: I: whose
 * @errand: O: makes pending softirqs run, see owner.c
 * @users: references; see raftlog_group_life()
 * @unused: the last reference is gone
 * @start: what was asked for, defaults filled in; what RAFTLOG_IOC_SET changes is
 *	the owner thread's, others read it with READ_ONCE()
 * @settings: O: what the core was told
 * @inflight_messages_max: I: of @start when it was started
 * @lease_ms_max: I: likewise its election timeout: no lease is longer
 * @listen: I: bound to
 * @cluster_id: I: of the WAL
 * @started_ns: I: monotonic
 * @generation: I: raftlog_power_generation() before anything was drawn
 * @storage: I: the WAL
 * @info: I: what was found there
 * @transport: I: the socket
 * @catch_up_queue: I: reads for peers that lag
 * @owner: I: the owner thread
 * @running: it joined the cluster
 * @kicked: there may be work for the owner thread
 * @core_memory: I: what @raft lives in
 * @raft: O: the core
 * @rng: O: the core's
 * @terms: O: the core's runs of terms
 * @update: O: what the core wants done
 * @persisted_seq: O: hard_state_seq of the newest durable request
 * @parked: O: struct raftlog_parked, waiting for a hard_state_seq, in order
 * @n_parked: O: how many
 * @received: O: messages of this batch, given back once it is carried out
 * @n_received: O: how many
 * @queued: O: proposals the core has not seen yet
 * @live: O: proposals the core has
 * @retired: O: proposals that ended, for one batch more
 * @expiries: O: of all proposals in @queued and @live
 * @catch_ups: O: one for each peer, made when it is first needed
 * @snapshots: I: the files, NULL if there are none
 * @known_snapshots: O: what is in them
 * @chunk_store: O: a chunk on its way to the disk
 * @chunk_reads: O: one for each peer, made when it is first needed
 * @live_reads: O: linearizable reads the core has
 * @read_expiries: O: of all of them
 * @shutting_down: O: whatever ends now ends by the shutdown
 * @attached: O: entries of the message that is being sent
 * @cancels: to give up; any context adds
 * @intake_lock: see below
 * @stopping: K: nothing more is taken in; everybody leaves
 * @failed: K: likewise, but committed entries can be read
 * @proposals: K: to propose
 * @reads: K: linearizable reads for the core
 * @read_cancels: K: those to give up
 * @n_reads: K: those that are not done
 * @persisted: K: storage requests that are done
 * @storage_error: K: negative errno
 * @caught_up: K: struct raftlog_catch_up, read
 * @chunks_read: K: struct raftlog_chunk_read, read
 * @chunk_stored: K: @chunk_store is done
 * @snapshot_requests: K: struct raftlog_snapshot_request
 * @changes: K: struct raftlog_member_change
 * @transfers: K: struct raftlog_transfer_request
 * @session_lists: K: struct raftlog_session_list
 * @n_pending: K: proposals that are not done
 * @pending_bytes: K: their memory
 * @turned_away: K: somebody waits for room
 * @settings_change: K: settings to change, or NULL
 * @key_change: K: a step of an exchange of keys, or NULL
 * @cache: recent entries, with its own lock
 * @runs_lock: the next three, which the owner thread alone changes
 * @runs: terms of all entries
 * @commit_index: entries up to here can be read
 * @user_index: the last of these that is a user's, be it that it went since; 0: none is
 * @kinds: O: of the entries behind @commit_index
 * @status_lock: what follows
 * @status: S: of the core
 * @n_peers: S: members of @configuration
 * @peers: S: of the core, as in @configuration; that of this node is zero
 * @configuration: S: newest in the log; the owner thread alone writes it
 * @configuration_seq: O: of the core, for @configuration
 * @changing: O: of the core, when it was told last
 * @key_names: S: by enum wire_key_slot, empty: there is none; the owner thread alone
 *	writes them
 * @transfer_wait: a transfer began or ended, role or leader changed, or all stops
 * @counters: written by the owner thread with WRITE_ONCE()
 */
struct raftlog_life {
	struct raftlog_group *group;
	struct tasklet_struct errand;
	refcount_t users;
	struct completion unused;

	struct raftlog_start start;
	struct raft_settings settings;
	u32 inflight_messages_max;
	u32 lease_ms_max;
	struct raft_address listen;
	u64 cluster_id;
	u64 started_ns;
	int generation;
	struct raftlog_storage *storage;
	struct raftlog_storage_info info;
	struct raftlog_transport *transport;
	struct workqueue_struct *catch_up_queue;
	struct task_struct *owner;
	struct completion running;
	atomic_t kicked;

	void *core_memory;
	struct raft *raft;
	struct raft_rng rng;
	struct raft_term_run *terms;
	struct raft_update update;
	u64 persisted_seq;
	struct list_head parked;
	u32 n_parked;
	struct raftlog_received *received[RAFTLOG_BATCH_MESSAGES_MAX];
	u32 n_received;
	struct list_head queued;
	struct list_head live;
	struct list_head retired;
	struct timerqueue_head expiries;
	struct list_head live_reads;
	struct timerqueue_head read_expiries;
	struct raftlog_catch_up *catch_ups[RAFT_MEMBERS_MAX];
	struct raftlog_snapshots *snapshots;
	struct raftlog_known_snapshot known_snapshots[2];
	struct raftlog_chunk_store chunk_store;
	struct raftlog_chunk_read *chunk_reads[RAFT_MEMBERS_MAX];
	bool shutting_down;
	struct raftlog_entry *attached[RAFTLOG_APPEND_ENTRIES_MAX];

	struct llist_head cancels;
	spinlock_t intake_lock; /* K: what others put in */
	bool stopping;
	bool failed;
	struct list_head proposals;
	struct list_head reads;
	struct list_head read_cancels;
	u32 n_reads;
	struct list_head persisted;
	int storage_error;
	struct list_head caught_up;
	struct list_head chunks_read;
	bool chunk_stored;
	struct list_head snapshot_requests;
	struct list_head changes;
	struct list_head transfers;
	struct list_head session_lists;
	u32 n_pending;
	u64 pending_bytes;
	bool turned_away;
	struct raftlog_settings_change *settings_change;
	struct raftlog_key_change *key_change;

	struct raftlog_cache cache;
	spinlock_t runs_lock; /* runs, commit_index, user_index */
	struct raftlog_runs runs;
	u64 commit_index;
	u64 user_index;
	struct raftlog_kinds kinds;

	spinlock_t status_lock; /* S: what others may see */
	struct raft_status status;
	u32 n_peers;
	struct raft_peer_status peers[RAFT_MEMBERS_MAX];
	struct raft_configuration configuration;
	u64 configuration_seq;
	bool changing;
	char key_names[RAFTLOG_KEYS][RAFTLOG_KEY_NAME_CHARS];
	wait_queue_head_t transfer_wait;

	struct raftlog_counters counters;
};

#define raftlog_count(life, counter, n) \
	WRITE_ONCE((life)->counters.counter, (life)->counters.counter + (n))

/**
 * raftlog_life_start() - open the log, bind the socket, join the cluster
 * @group: whose, stopped; its lifecycle mutex held
 * @start: checked by raftlog_start_check(), @members not looked at
 * @key: that of the cluster, RAFTLOG_KEY_BYTES, or NULL: without
 * @wal: regular file or block device, open for reading and writing; the life
 *	takes its own reference
 * @snapshots: regular files for the snapshots, opened likewise; both or none
 * @configuration: of @start's members; n_members 0: as in the log
 *
 * The group's @life is set on success.
 *
 * Return: 0 or an errno as the uapi header says; then nothing is left behind.
 */
int raftlog_life_start(struct raftlog_group *group,
		       const struct raftlog_start *start, const u8 *key,
		       struct file *wal, struct file *const snapshots[2],
		       const struct raft_configuration *configuration);

/**
 * raftlog_life_stop() - leave in order, wake everybody, release everything
 * @group: whose; its lifecycle mutex held
 *
 * Return: 0, or -ENOTCONN if it was not started.
 */
int raftlog_life_stop(struct raftlog_group *group);

/**
 * raftlog_life_recover() - RAFTLOG_IOC_RECOVER
 * @group: whose, stopped; its lifecycle mutex held
 * @recover: checked by raftlog_recover_check(); filled in
 * @wal: as for raftlog_life_start()
 * @snapshots: likewise
 * @configuration: filled in with what the log has
 *
 * Return: 0 or an errno as the uapi header says.
 */
int raftlog_life_recover(struct raftlog_group *group,
			 struct raftlog_recover *recover, struct file *wal,
			 struct file *const snapshots[2],
			 struct raft_configuration *configuration);

/** raftlog_life_provide_memory() - the core was short of it. Return: 0 or -ENOMEM */
int raftlog_life_provide_memory(struct raftlog_life *life);

/**
 * raftlog_life_write() - persist what the core wants, before the owner thread runs
 * @life: with a core that was not started
 *
 * Waits until it is durable. The owner thread will tell the core. Return: 0 or what
 * the device said.
 */
int raftlog_life_write(struct raftlog_life *life);

/**
 * raftlog_life_set() - RAFTLOG_IOC_SET
 * @group: whose; its lifecycle mutex held
 * @set: as the user gave it; filled in with what is now
 *
 * Return: 0, -ENOTCONN, -EINVAL or -EIO.
 */
int raftlog_life_set(struct raftlog_group *group, struct raftlog_set *set);

/** raftlog_life_change() - the owner thread's part of it */
void raftlog_life_change(struct raftlog_life *life,
			 struct raftlog_settings_change *change);

/** raftlog_life_put() - the counterpart of raftlog_group_life() */
void raftlog_life_put(struct raftlog_life *life);

/** raftlog_life_kick() - there is work for the owner thread; any context */
void raftlog_life_kick(struct raftlog_life *life);

/** raftlog_life_is_stopping() - should a sleeper leave? */
static inline bool raftlog_life_is_stopping(const struct raftlog_life *life)
{
	return READ_ONCE(life->stopping);
}

/** raftlog_life_is_failed() - did it stop itself? */
static inline bool raftlog_life_is_failed(const struct raftlog_life *life)
{
	return READ_ONCE(life->failed);
}

/** raftlog_life_fail() - an own invariant broke: the group stops, not the host */
void raftlog_life_fail(struct raftlog_life *life, int error, const char *why);

/**
 * raftlog_life_peers() - the members, as this node sees them
 * @life: whose
 * @peers: RAFT_MEMBERS_MAX of them
 *
 * Return: how many there are.
 */
u32 raftlog_life_peers(struct raftlog_life *life, struct raftlog_peer *peers);

#define raftlog_assert(life, condition)                                  \
	({                                                               \
		bool __holds = (condition);                              \
									 \
		if (unlikely(!__holds))                                  \
			raftlog_life_fail(life, -EIO, #condition);       \
		__holds;                                                 \
	})

/* keys.c */

/**
 * raftlog_key_load() - the key of the cluster, from a keyring of the caller's
 * @name: NUL-terminated, shorter than RAFTLOG_KEY_NAME_CHARS
 * @secret: RAFTLOG_KEY_BYTES, to be zeroed after use
 *
 * May sleep. Return: 0, -ENOKEY, -EKEYREVOKED, -EKEYEXPIRED, or -EINVAL (it has another
 * length).
 */
int raftlog_key_load(const char *name, u8 *secret);

/** raftlog_keys_init() - with that of @life's start */
void raftlog_keys_init(struct raftlog_life *life);

/**
 * raftlog_life_set_key() - RAFTLOG_IOC_SET_KEY
 * @group: whose; its lifecycle mutex held
 * @set: checked by raftlog_set_key_check()
 *
 * Return: 0 or an errno as the uapi header says.
 */
int raftlog_life_set_key(struct raftlog_group *group, const struct raftlog_set_key *set);

/** raftlog_key_step() - the owner thread's part of it */
void raftlog_key_step(struct raftlog_life *life, struct raftlog_key_change *change);

/** raftlog_keys_note() - the transport may have dropped one; owner thread */
void raftlog_keys_note(struct raftlog_life *life);

/* owner.c */

/** raftlog_owner() - the owner thread: @data is the life */
int raftlog_owner(void *data);

/* execute.c; owner thread */

/** raftlog_execute() - carry out the update, in its order, and empty it */
void raftlog_execute(struct raftlog_life *life, u64 now_ns);

/** raftlog_execute_storage() - only what the update wants persisted */
void raftlog_execute_storage(struct raftlog_life *life);

/** raftlog_execute_persisted() - send what waited for hard state @seq */
void raftlog_execute_persisted(struct raftlog_life *life, u64 seq, u64 now_ns);

/** raftlog_base_configuration() - what goes with the base of the log, a reference */
struct raftlog_entry *raftlog_base_configuration(struct raftlog_life *life);

/** raftlog_execute_done() - a proposal ended as its core.result says */
void raftlog_execute_done(struct raftlog_life *life,
			  struct raftlog_proposal *proposal);

/** raftlog_parked_free() - drop what waits for the disk */
void raftlog_parked_free(struct raftlog_life *life);

/** raftlog_request_free() - drop a storage request and its references */
void raftlog_request_free(struct raftlog_storage_request *request);

/** raftlog_runs_reserve() - make room for entry @index in runs and kinds; may sleep */
int raftlog_runs_reserve(struct raftlog_life *life, u64 index, gfp_t gfp);

/* trim.c; owner thread */

/** raftlog_trim_index() - entries up to here can go by policy; 0: none */
u64 raftlog_trim_index(struct raftlog_life *life);

/* members.c */

/**
 * raftlog_change_members() - have the members changed, and wait until they are
 * @life: started
 * @changes: checked for what does not depend on the members
 * @n_changes: 1 … RAFT_MEMBERS_MAX
 * @timeout_ms: 0: as a write
 * @index: of the configuration, on success
 *
 * Any thread that may sleep. Return: 0 or an errno as the uapi header says.
 */
int raftlog_change_members(struct raftlog_life *life,
			   const struct raft_change *changes, u32 n_changes,
			   u32 timeout_ms, u64 *index);

/** raftlog_members_done() - the core has answered; owner thread */
void raftlog_members_done(struct raftlog_member_change *change, int result);

/** raftlog_members_follow() - go by the members that the core goes by; owner thread */
void raftlog_members_follow(struct raftlog_life *life,
			    const struct raft_status *status);

/* recover.c; before the owner thread runs */

/**
 * raftlog_recover_look() - what a recovery finds, and would say to force
 * @life: its log is read, and its snapshots
 * @recover: filled in
 * @damaged_index: as of raftlog_snapshot_restore()
 */
void raftlog_recover_look(struct raftlog_life *life,
			  struct raftlog_recover *recover, u64 damaged_index);

/** raftlog_recover_force() - begin it, if need be anew, and complete it */
int raftlog_recover_force(struct raftlog_life *life,
			  struct raftlog_recover *recover);

/**
 * raftlog_recover_finish() - complete one that was begun
 * @life: its log is read, and says so, and its snapshots
 *
 * Return: 0; -EUCLEAN: what it was begun with is not all here; or another errno. Then
 * the next start does it.
 */
int raftlog_recover_finish(struct raftlog_life *life);

/* catch_up.c; owner thread */

/** raftlog_catch_up() - send a message whose entries must be read first */
void raftlog_catch_up(struct raftlog_life *life, const struct raft_send *send);

/** raftlog_catch_up_done() - they were read: send it */
void raftlog_catch_up_done(struct raftlog_life *life,
			   struct raftlog_catch_up *catch_up, u64 now_ns);

/** raftlog_catch_up_free() - none is under way any more */
void raftlog_catch_up_free(struct raftlog_life *life);

/* transfer.c; the first two are the owner thread's */

/**
 * raftlog_transfer_step() - step what was wished for
 * @life: whose
 * @requests: of the intake, emptied
 * @step: steps the core; NULL: all end with -ESHUTDOWN
 */
void raftlog_transfer_step(struct raftlog_life *life, struct list_head *requests,
			   int (*step)(struct raftlog_life *life,
				       struct raft_event *event));

/** raftlog_transfer_note() - the published status changed: does anybody wait? */
void raftlog_transfer_note(struct raftlog_life *life,
			   const struct raft_status *before,
			   const struct raft_status *after);

/**
 * raftlog_transfer() - hand the leadership over; sleeps until that is over
 * @life: the caller has a reference
 * @target: to whom, 0: to the best one
 * @leader_id: who leads then
 *
 * Return: 0 or an errno as the uapi header says.
 */
int raftlog_transfer(struct raftlog_life *life, u32 target, u32 *leader_id);

/**
 * raftlog_transfer_before_stop() - a leader that is stopped in order hands over
 * @life: whose; sleeps an election timeout at most
 */
void raftlog_transfer_before_stop(struct raftlog_life *life);

/* reader.c; any thread that may sleep */

/**
 * raftlog_read_next() - the next committed entry
 * @life: started
 * @index: from here on
 * @internal: also entries of the group's own
 * @nowait: do not sleep for the disk
 * @entry: with a reference for the caller
 *
 * Entries of the group's own in front of it are passed over, and read for that: in
 * memory one by one, on disk as fast as it is read. Poll, raftlog_read_waits(), knows
 * without.
 *
 * Return: 0, -EAGAIN at the end (or, with @nowait, if it is not in memory),
 * -ENODATA if the entry at @index is not kept any more, -EOPNOTSUPP on a witness,
 * -ESHUTDOWN or -EINTR if the group stops, or the thread is killed, on the way, or
 * what reading the log said.
 */
int raftlog_read_next(struct raftlog_life *life, u64 index, bool internal,
		      bool nowait, struct raftlog_entry **entry);

/** raftlog_read_waits() - would that say anything but -EAGAIN? Never sleeps */
bool raftlog_read_waits(struct raftlog_life *life, u64 index, bool internal);

#endif /* RAFTLOG_LIFE_H */
