// SPDX-License-Identifier: GPL-2.0
/*
 * START and STOP. Whatever was opened is released by tear_down(), in one order,
 * be it that the group stops or that it never came to run.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait_bit.h>

#include "cluster_id.h"
#include "entry.h"
#include "group.h"
#include "life.h"
#include "netns.h"
#include "power.h"
#include "proposal.h"
#include "read_index.h"
#include "settings.h"

enum {
	/* What a batch of one entry takes on disk beside its payload. */
	ENTRY_OVERHEAD_BYTES = 4096 + 256,
	/* A no-op for each of a few terms. */
	SPACE_RESERVE_BYTES = 32 << 10,
	UNCOMMITTED_BYTES_MIN = 8 << 20,
	UNCOMMITTED_BYTES_MAX = 256 << 20,
	INFLIGHT_BYTES_MAX = 1 << 30,
	TERM_RUNS_FIRST = 16,
	ASK_MS_MIN = 5,
	ASK_MS_MAX = 100,
};

void raftlog_life_kick(struct raftlog_life *life)
{
	struct task_struct *owner;

	if (atomic_xchg(&life->kicked, 1))
		return;
	owner = READ_ONCE(life->owner);
	if (owner)
		wake_up_process(owner);
}

void raftlog_life_put(struct raftlog_life *life)
{
	if (refcount_dec_and_test(&life->users))
		complete(&life->unused);
}

void raftlog_life_fail(struct raftlog_life *life, int error, const char *why)
{
	struct raftlog_group *group = life->group;

	spin_lock(&group->lock);
	if (!group->failure[0])
		scnprintf(group->failure, sizeof(group->failure),
			  "%s (error %d)", why, error);
	spin_unlock(&group->lock);

	spin_lock(&life->intake_lock);
	if (!life->storage_error)
		life->storage_error = error;
	spin_unlock(&life->intake_lock);
	wake_up_var(&life->persisted);
	raftlog_life_kick(life);
}

/* What storage and transport tell, each from its own context. */

static void persisted(void *context, struct raftlog_storage_request *request)
{
	struct raftlog_life *life = context;

	spin_lock(&life->intake_lock);
	list_add_tail(&request->node, &life->persisted);
	spin_unlock(&life->intake_lock);
	wake_up_var(&life->persisted);
	raftlog_life_kick(life);
}

static void storage_failed(void *context, int error)
{
	raftlog_life_fail(context, error, "a write to the log failed");
}

static int provide_terms(struct raftlog_life *life, u32 n)
{
	struct raft_term_run *terms = kvcalloc(n, sizeof(*terms), GFP_KERNEL);

	if (!terms)
		return -ENOMEM;
	kvfree(raft_provide_terms(life->raft, terms, n));
	life->terms = terms;
	return 0;
}

int raftlog_life_provide_memory(struct raftlog_life *life)
{
	size_t bytes = raft_growth_bytes(life->raft);
	void *memory;

	if (!bytes)
		return provide_terms(life,
				     raft_terms_capacity(life->raft) * 2);
	memory = kvzalloc(bytes, GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	kvfree(raft_grow(life->raft, memory));
	return 0;
}

static int based(void *context, u64 index, u64 term, u64 configuration_index,
		 const void *configuration, u32 bytes)
{
	struct raftlog_life *life = context;

	int error = raft_restore_base(life->raft, index, term, configuration,
				      bytes, configuration_index);

	if (error)
		return error == -EINVAL ? -EUCLEAN : error;
	raftlog_runs_base(&life->runs, index);
	raftlog_kinds_reset(&life->kinds, index);
	return 0;
}

static int recovered(void *context, u64 index, const struct raft_entry *entry)
{
	struct raftlog_life *life = context;
	int error;

	do {
		error = raft_restore_entry(life->raft, index, entry);
	} while (error == -ENOMEM && !raftlog_life_provide_memory(life));
	if (!error)
		error = raftlog_runs_reserve(life, index, GFP_KERNEL);
	if (error)
		return error == -EINVAL ? -EUCLEAN : error;
	raftlog_runs_append(&life->runs, index, entry->term);
	raftlog_kinds_append(&life->kinds, index,
			     entry->type == RAFT_ENTRY_DATA);
	return 0;
}

static const struct raftlog_storage_ops storage_ops = {
	.persisted = persisted,
	.failed = storage_failed,
	.based = based,
	.recovered = recovered,
};

static void wake(void *context)
{
	raftlog_life_kick(context);
}

/* START, step by step */

static u64 random_nonzero(void)
{
	u64 value;

	do {
		value = get_random_u64();
	} while (!value);
	return value;
}

/* Not to be taken for a named one. */
static u64 random_session(void)
{
	u64 session;

	do {
		session = random_nonzero() & ~RAFT_SESSION_KEY;
	} while (!session);
	return session;
}

static struct raft_settings settings_of(const struct raftlog_start *start,
					u64 session)
{
	return (struct raft_settings){
		.node_id = start->node_id,
		.session = session,
		.election_timeout_ns =
			(u64)start->election_timeout_ms * NSEC_PER_MSEC,
		.heartbeat_interval_ns =
			(u64)start->heartbeat_interval_ms * NSEC_PER_MSEC,
		.append_bytes_max = RAFTLOG_APPEND_BYTES_MAX,
		.append_entries_max = RAFTLOG_APPEND_ENTRIES_MAX,
		.inflight_bytes_max = min_t(u64, start->inflight_bytes,
					    INFLIGHT_BYTES_MAX),
		.inflight_messages_max = start->inflight_messages,
		.uncommitted_bytes_max = clamp_t(u64, start->cache_bytes / 2,
						 UNCOMMITTED_BYTES_MIN,
						 UNCOMMITTED_BYTES_MAX),
		.entry_overhead_bytes = ENTRY_OVERHEAD_BYTES,
		.space_reserve_bytes = SPACE_RESERVE_BYTES,
		.hash_seed = get_random_u64(),
		.window_entries = RAFTLOG_WINDOW_ENTRIES,
		.proposals_max = RAFTLOG_PROPOSALS_MAX,
		.sessions_max = RAFT_SESSIONS_MAX,
		.priority = start->priority,
		.snapshot_bytes_per_s = start->snapshot_bytes_per_s,
		.feature_level = raftlog_feature_level,
	};
}

static int make_core(struct raftlog_life *life)
{
	struct raft_entry *entries;
	struct raft_send *sends;
	size_t bytes;

	life->settings = settings_of(&life->start, random_session());
	life->inflight_messages_max = life->start.inflight_messages;
	life->lease_ms_max = life->start.election_timeout_ms;
	bytes = raft_footprint(&life->settings);
	if (!bytes)
		return -EINVAL;
	life->core_memory = kvzalloc(bytes, GFP_KERNEL_ACCOUNT);
	entries = kvcalloc(RAFTLOG_UPDATE_ENTRIES_FIRST, sizeof(*entries),
			   GFP_KERNEL_ACCOUNT);
	sends = kvcalloc(RAFTLOG_UPDATE_SENDS_FIRST, sizeof(*sends),
			 GFP_KERNEL_ACCOUNT);
	raft_update_init(&life->update, entries, RAFTLOG_UPDATE_ENTRIES_FIRST,
			 sends, RAFTLOG_UPDATE_SENDS_FIRST);
	if (!life->core_memory || !entries || !sends)
		return -ENOMEM;
	life->rng.state = get_random_u64();
	life->raft = raft_init(life->core_memory, &life->settings, &life->rng);
	if (!life->raft)
		return -EINVAL;
	return provide_terms(life, TERM_RUNS_FIRST);
}

static struct raftlog_life *
life_alloc(struct raftlog_group *group, const struct raftlog_start *start)
{
	struct raftlog_life *life = kvzalloc(sizeof(*life), GFP_KERNEL_ACCOUNT);

	if (!life)
		return NULL;
	life->group = group;
	life->start = *start;
	life->started_ns = ktime_get_ns();
	life->generation = raftlog_power_generation();
	refcount_set(&life->users, 1);
	init_completion(&life->unused);
	init_completion(&life->running);
	INIT_LIST_HEAD(&life->parked);
	INIT_LIST_HEAD(&life->queued);
	INIT_LIST_HEAD(&life->live);
	INIT_LIST_HEAD(&life->retired);
	timerqueue_init_head(&life->expiries);
	INIT_LIST_HEAD(&life->live_reads);
	timerqueue_init_head(&life->read_expiries);
	spin_lock_init(&life->intake_lock);
	INIT_LIST_HEAD(&life->proposals);
	init_llist_head(&life->cancels);
	INIT_LIST_HEAD(&life->reads);
	INIT_LIST_HEAD(&life->read_cancels);
	INIT_LIST_HEAD(&life->persisted);
	INIT_LIST_HEAD(&life->caught_up);
	INIT_LIST_HEAD(&life->chunks_read);
	INIT_LIST_HEAD(&life->snapshot_requests);
	INIT_LIST_HEAD(&life->changes);
	INIT_LIST_HEAD(&life->transfers);
	INIT_LIST_HEAD(&life->session_lists);
	init_waitqueue_head(&life->transfer_wait);
	spin_lock_init(&life->runs_lock);
	spin_lock_init(&life->status_lock);
	return life;
}

/* The first entry of a new log, or NULL if no members were given. */
static struct raftlog_entry *
encode_members(const struct raft_configuration *configuration)
{
	struct raftlog_entry *entry;
	int bytes;

	if (!configuration->n_members)
		return NULL;
	entry = raftlog_entry_alloc(RAFT_CONFIGURATION_BYTES_MAX, GFP_KERNEL);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	bytes = raft_configuration_encode(configuration, entry->data,
					  entry->bytes);
	if (bytes < 0) {
		raftlog_entry_put(entry);
		return ERR_PTR(bytes);
	}
	entry->bytes = bytes;
	return entry;
}

static int open_storage(struct raftlog_life *life, struct file *file,
			const struct raftlog_entry *first, bool look)
{
	const struct raftlog_start *start = &life->start;
	struct raftlog_storage_params params = {
		.file = file,
		.node_id = start->node_id,
		.format = start->flags & RAFTLOG_START_F_FORMAT,
		.salvage = start->flags & RAFTLOG_START_F_SALVAGE,
		.look = look,
		.joins = start->flags & RAFTLOG_START_F_JOIN,
		.name = raftlog_group_name(life->group),
	};
	struct raftlog_storage *storage;

	if (first)
		params.cluster_id =
			raftlog_cluster_id(start->cluster_name,
					   sizeof(start->cluster_name),
					   first->data, first->bytes);
	else if (start->flags & RAFTLOG_START_F_JOIN)
		params.cluster_id = start->cluster_id;
	storage = raftlog_storage_open(&params, &storage_ops, life,
				       &life->info);
	if (IS_ERR(storage))
		return PTR_ERR(storage);
	life->storage = storage;
	life->cluster_id = life->info.cluster_id;
	return 0;
}

static int open_snapshots(struct raftlog_life *life, struct file *const files[2],
			  u64 *damaged_index)
{
	struct raftlog_snapshots *snapshots;

	if (!files[0]) {
		raftlog_snapshot_check_base(life, 0);
		return 0;
	}
	snapshots = raftlog_snapshots_open(files, life->storage,
					   raftlog_group_name(life->group));
	if (IS_ERR(snapshots))
		return PTR_ERR(snapshots);
	life->snapshots = snapshots;
	return raftlog_snapshot_restore(life, damaged_index);
}

/* -EINPROGRESS until the write of hard state @seq, and so all before it, is done. */
static int early_write_error(struct raftlog_life *life, u64 seq)
{
	struct raftlog_storage_request *request;
	int error = -EINPROGRESS;

	spin_lock(&life->intake_lock);
	list_for_each_entry(request, &life->persisted, node) {
		if (request->error || request->hard_state_seq >= seq)
			error = request->error;
	}
	if (life->storage_error)
		error = life->storage_error;
	spin_unlock(&life->intake_lock);
	return error;
}

static int bootstrap(struct raftlog_life *life, struct raftlog_entry *first)
{
	if (life->info.joined && life->info.lost_index) {
		pr_err("%s: all that is left of the log is damaged: let the node join\n",
		       raftlog_group_name(life->group));
		return -EUCLEAN;
	}
	if (life->info.joined) {
		pr_err("%s: the log was made to join a cluster, and nothing of that is in it: let the node join, or make a new log\n",
		       raftlog_group_name(life->group));
		return -ENODATA;
	}
	if (!first && !life->info.fresh) {
		pr_err("%s: there is no list of members, or it is damaged as well: give it again, or let the node join\n",
		       raftlog_group_name(life->group));
		return -EUCLEAN;
	}
	if (!first)
		return -ENODATA;
	return raft_bootstrap(life->raft, first, first->data, first->bytes,
			      life->info.log_bytes_free, &life->update);
}

int raftlog_life_write(struct raftlog_life *life)
{
	u64 seq = life->update.hard_state_seq;
	int error;

	raftlog_execute_storage(life);
	raft_update_reset(&life->update);
	wait_var_event(&life->persisted,
		       (error = early_write_error(life, seq)) != -EINPROGRESS);
	return error;
}

static int restore(struct raftlog_life *life, struct raftlog_entry *first)
{
	bool joins = life->start.flags & RAFTLOG_START_F_JOIN;
	struct raft_status status;
	bool bootstrapped;
	int error;

	if ((joins || life->info.recovering || !life->info.fresh) &&
	    raft_restore_hard_state(life->raft, &life->info.hard_state,
				    life->info.log_bytes_free))
		return -EUCLEAN;
	/* Or damage took everything, the first entry included. */
	bootstrapped = !joins && !life->info.recovering &&
		       (life->info.fresh ||
			!raft_configuration(life->raft)->n_members);
	if (bootstrapped) {
		error = bootstrap(life, first);
		if (error)
			return error;
	}
	raft_set_incarnation(life->raft, life->info.incarnation);
	raft_set_joined(life->raft, life->info.joined);
	if (life->info.recovering) {
		error = raftlog_recover_finish(life);
		if (error)
			return error;
	}
	life->configuration = *raft_configuration(life->raft);
	raft_status(life->raft, &status);
	life->configuration_seq = status.configuration_seq;
	life->changing = status.changing;
	if (!life->configuration.n_members && !joins)
		return -EUCLEAN;
	/* A lone server has nobody to get the entries from: not a byte is written. */
	if (raft_restore_lost(life->raft, life->info.lost_index,
			      life->info.lost_term))
		return -EUCLEAN;
	return bootstrapped ? raftlog_life_write(life) : 0;
}

/* Large messages may delay heartbeats by so much. */
static u64 queue_ns(const struct raftlog_start *start)
{
	return (u64)start->election_timeout_ms * (NSEC_PER_MSEC / 5);
}

static int choose_address(struct raftlog_life *life)
{
	const struct raft_member *self;

	if (life->start.listen.family)
		return raftlog_address_from_user(&life->listen,
						 &life->start.listen);
	self = raftlog_configuration_find(&life->configuration,
					  life->start.node_id);
	if (!self)
		return -EINVAL;
	life->listen = self->address;
	return 0;
}

/* A handshake is over long before anybody misses a heartbeat. */
static u64 ask_ns(const struct raftlog_start *start)
{
	return clamp_t(u64, start->election_timeout_ms / 8, ASK_MS_MIN,
		       ASK_MS_MAX) * NSEC_PER_MSEC;
}

static int open_transport(struct raftlog_life *life, const u8 *key)
{
	struct raftlog_transport_params params = {
		.net = life->group->net,
		.cluster_id = life->cluster_id,
		.node_id = life->start.node_id,
		/* Not that of its proposals, which everybody reads in the log. */
		.session = random_nonzero(),
		.generation = life->generation,
		.key = key,
		.ask_ns = ask_ns(&life->start),
		.name = raftlog_group_name(life->group),
		.datagram_bytes = life->start.datagram_bytes,
		.max_entry_bytes = life->start.max_entry_bytes,
		.append_bytes_max = RAFTLOG_APPEND_BYTES_MAX,
		.queue_ns = queue_ns(&life->start),
		.wake = wake,
		.context = life,
	};
	struct raftlog_transport *transport;
	int error = choose_address(life);

	if (error)
		return error;
	params.listen = life->listen;
	transport = raftlog_transport_open(&params);
	if (IS_ERR(transport))
		return PTR_ERR(transport);
	life->transport = transport;
	return raftlog_transport_set_members(transport, &life->configuration);
}

static int start_threads(struct raftlog_life *life)
{
	const char *name = raftlog_group_name(life->group);
	struct task_struct *owner;

	life->catch_up_queue =
		alloc_workqueue("%s-catch-up",
				WQ_MEM_RECLAIM | WQ_HIGHPRI | WQ_UNBOUND, 0,
				name);
	if (!life->catch_up_queue)
		return -ENOMEM;
	owner = kthread_create(raftlog_owner, life, "%s-owner", name);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	/*
	 * Above everything in user space, but below the storage thread, which
	 * needs little time and without which a busy leader has a stalled disk.
	 */
	sched_set_fifo_low(owner);
	WRITE_ONCE(life->owner, get_task_struct(owner));
	wake_up_process(owner);
	/* A thread that is stopped before it ran never runs. */
	wait_for_completion(&life->running);
	return 0;
}

/* Uncommitted, or committed by others before they are durable here. */
static u32 n_pinned_max(const struct raftlog_life *life)
{
	return RAFTLOG_WINDOW_ENTRIES +
	       life->start.inflight_messages * RAFTLOG_APPEND_ENTRIES_MAX;
}

static int bring_up(struct raftlog_life *life, const u8 *key, struct file *file,
		    struct file *const snapshots[2],
		    const struct raft_configuration *configuration)
{
	struct raftlog_entry *first = encode_members(configuration);
	u64 damaged_index;
	int error;

	if (IS_ERR(first))
		return PTR_ERR(first);
	error = make_core(life);
	if (!error)
		error = raftlog_cache_init(&life->cache,
					   life->start.cache_bytes,
					   n_pinned_max(life));
	if (!error)
		error = open_storage(life, file, first, false);
	if (!error)
		error = open_snapshots(life, snapshots, &damaged_index);
	if (!error)
		error = restore(life, first);
	if (!error)
		error = open_transport(life, key);
	if (!error)
		error = start_threads(life);
	if (!error)
		error = raftlog_storage_use(life->storage);
	if (first)
		raftlog_entry_put(first);
	return error;
}

/* STOP, and what a START that failed left */

static void free_requests(struct raftlog_life *life)
{
	struct raftlog_storage_request *request, *next;

	list_for_each_entry_safe(request, next, &life->persisted, node)
		raftlog_request_free(request);
}

static void free_cancels(struct raftlog_life *life)
{
	struct raftlog_proposal *proposal, *next;
	struct raftlog_read *read, *next_read;

	llist_for_each_entry_safe(proposal, next,
				  llist_del_all(&life->cancels), cancel_node)
		raftlog_proposal_put(proposal);
	list_for_each_entry_safe(read, next_read, &life->read_cancels,
				 cancel_node) {
		list_del_init(&read->cancel_node);
		raftlog_read_put(read);
	}
}

static void tear_down(struct raftlog_life *life)
{
	void *grown;

	/* Nothing is taken in any more. The owner ends what is pending. */
	spin_lock(&life->intake_lock);
	WRITE_ONCE(life->stopping, true);
	spin_unlock(&life->intake_lock);
	raftlog_group_wake(life->group, &life->group->read_wait, 0);
	raftlog_group_wake(life->group, &life->group->write_wait, 0);
	wake_up_all(&life->transfer_wait);
	if (life->owner)
		kthread_stop(life->owner);

	/* Sleepers and readers leave. */
	raftlog_life_put(life);
	wait_for_completion(&life->unused);

	/* Nobody but us is left to use what follows. */
	if (life->catch_up_queue)
		destroy_workqueue(life->catch_up_queue);
	if (life->transport)
		raftlog_transport_close(life->transport);
	if (life->snapshots)
		raftlog_snapshots_close(life->snapshots);
	if (life->storage) {
		raftlog_storage_stop(life->storage);
		raftlog_storage_close(life->storage);
	}
	if (life->owner)
		put_task_struct(life->owner);

	free_requests(life);
	free_cancels(life);
	raftlog_parked_free(life);
	raftlog_catch_up_free(life);
	raftlog_snapshot_free(life);
	raftlog_cache_destroy(&life->cache);
	while (life->raft && (grown = raft_take_back(life->raft)))
		kvfree(grown);
	kvfree(life->runs.runs);
	kvfree(life->kinds.bits);
	kvfree(life->terms);
	kvfree(life->update.sends);
	kvfree(life->update.entries);
	kvfree(life->core_memory);
	kvfree(life);
}

static void explain(const struct raftlog_group *group, int error)
{
	const char *why;

	switch (error) {
	case -EEXIST:
		why = "the log belongs to another node or cluster";
		break;
	case -ENODATA:
		why = "there is no log; format it with the members, or join where there was one";
		break;
	case -EUCLEAN:
		why = "the log is damaged";
		break;
	case -EPROTONOSUPPORT:
		why = "the log is of a version that has more, or another format";
		break;
	case -EADDRINUSE:
		why = "the address is in use";
		break;
	case -EADDRNOTAVAIL:
		why = "the address is not one of this machine";
		break;
	case -EBUSY:
		why = "the log is in use";
		break;
	case -ENOSPC:
		why = "the log is too small";
		break;
	case -EIO:
		why = "the log cannot be read or written";
		break;
	case -EMEDIUMTYPE:
		why = "no direct I/O is done there, or a file for snapshots holds something else";
		break;
	case -ENOMEM:
		why = "no memory";
		break;
	default:
		why = "see the error number";
		break;
	}
	pr_err("%s: not started: %s (error %d)\n", raftlog_group_name(group),
	       why, error);
}

static void set_failure(struct raftlog_group *group, const char *failure)
{
	spin_lock(&group->lock);
	strscpy(group->failure, failure, sizeof(group->failure));
	spin_unlock(&group->lock);
}

static void publish_life(struct raftlog_group *group, struct raftlog_life *life)
{
	struct raftlog_event event = { .type = RAFTLOG_EVENT_STATE };

	spin_lock(&life->status_lock);
	event.current_term = life->status.hard_state.current_term;
	event.commit_index = life->status.commit_index;
	event.from_role = life->status.role;
	event.to_role = life->status.role;
	event.leader_id = life->status.leader_id;
	event.reason = life->status.reason;
	spin_unlock(&life->status_lock);

	spin_lock(&group->lock);
	group->life = life;
	/* It may have failed in the meantime. */
	group->state = raftlog_life_is_failed(life) ? RAFTLOG_STATE_FAILED :
						      RAFTLOG_STATE_RUNNING;
	spin_unlock(&group->lock);
	raftlog_event_add(group, &event);
	raftlog_group_wake(group, &group->write_wait, 0);
}

static void tell_started(struct raftlog_life *life)
{
	const char *name = raftlog_group_name(life->group);
	bool sealed;
	u32 n_members;
	u64 last_index;

	/* The owner thread runs. */
	spin_lock(&life->status_lock);
	last_index = life->status.last_index;
	n_members = life->configuration.n_members;
	sealed = raft_configuration_is_sealed(&life->configuration);
	spin_unlock(&life->status_lock);

	pr_info("%s: started: node %u of cluster %016llx, %u members, entries %llu to %llu\n",
		name, life->start.node_id, life->cluster_id, n_members,
		life->info.first_index, last_index);
	if (life->start.flags & RAFTLOG_START_F_INSECURE)
		pr_warn("%s: insecure: what it sends is not encrypted, and whoever can send to it can act as a member\n",
			name);
	if (!n_members)
		pr_info("%s: waits to be added to the cluster\n", name);
	else if (!sealed)
		pr_info("%s: new cluster: all voters must be there for the first leader\n",
			name);
}

int raftlog_life_start(struct raftlog_group *group,
		       const struct raftlog_start *start, const u8 *key,
		       struct file *wal, struct file *const snapshots[2],
		       const struct raft_configuration *configuration)
{
	struct raftlog_life *life;
	int error;

	lockdep_assert_held(&group->lifecycle);
	if (raftlog_power_is_hibernating())
		return -EAGAIN;
	life = life_alloc(group, start);
	if (!life)
		return -ENOMEM;
	set_failure(group, "");
	raftlog_netns_enter(group);
	raftlog_event_state(group, RAFTLOG_STATE_STARTING);
	raftlog_keys_init(life);
	error = bring_up(life, key, wal, snapshots, configuration);
	if (!error)
		error = raftlog_peers_add(group, life);
	if (error) {
		tear_down(life);
		raftlog_netns_leave(group);
		raftlog_peers_remove(group);
		set_failure(group, "");
		raftlog_event_state(group, RAFTLOG_STATE_STOPPED);
		explain(group, error);
		return error;
	}
	publish_life(group, life);
	/* Whoever looked for lives before has counted before. */
	raftlog_power_check(life);
	/* They may have changed in the meantime. */
	schedule_work(&group->members);
	tell_started(life);
	return 0;
}

/* As far as a start goes without being heard of. */
static int look(struct raftlog_life *life, struct file *wal,
		struct file *const snapshots[2], u64 *damaged_index)
{
	int error = make_core(life);

	if (!error)
		error = raftlog_cache_init(&life->cache,
					   life->start.cache_bytes,
					   n_pinned_max(life));
	if (!error)
		error = open_storage(life, wal, NULL, true);
	if (!error && raft_restore_hard_state(life->raft,
					      &life->info.hard_state,
					      life->info.log_bytes_free))
		error = -EUCLEAN;
	return error ? error : open_snapshots(life, snapshots, damaged_index);
}

int raftlog_life_recover(struct raftlog_group *group,
			 struct raftlog_recover *recover, struct file *wal,
			 struct file *const snapshots[2],
			 struct raft_configuration *configuration)
{
	struct raftlog_start start = {
		.flags = RAFTLOG_START_F_INSECURE, /* and unheard of */
		.node_id = recover->node_id,
		.snapshot_fd = { recover->snapshot_fd[0],
				 recover->snapshot_fd[1] },
	};
	u32 room = recover->n_members;
	struct raftlog_life *life;
	u64 index, damaged_index = 0;
	int error;

	lockdep_assert_held(&group->lifecycle);
	if (recover->flags & RAFTLOG_RECOVER_F_SALVAGE)
		start.flags |= RAFTLOG_START_F_SALVAGE;
	error = raftlog_start_check(&start);
	if (error)
		return error;
	life = life_alloc(group, &start);
	if (!life)
		return -ENOMEM;
	error = look(life, wal, snapshots, &damaged_index);
	if (!error) {
		*configuration = *raft_recovery_configuration(life->raft,
							      &index);
		raftlog_recover_look(life, recover, damaged_index);
		if (recover->n_members > room)
			error = -EMSGSIZE;
	}
	if (!error && recover->flags & RAFTLOG_RECOVER_F_FORCE)
		error = raftlog_recover_force(life, recover);
	tear_down(life);
	/* What was looked at only is as it was. */
	if (recover->flags & RAFTLOG_RECOVER_F_FORCE)
		set_failure(group, "");
	return error;
}

void raftlog_life_change(struct raftlog_life *life,
			 struct raftlog_settings_change *change)
{
	const struct raftlog_start *to = &change->start;
	struct raft_settings settings =
		settings_of(to, life->settings.session);

	change->error = raft_set_settings(life->raft, &settings,
					  ktime_get_ns());
	if (!change->error) {
		life->settings = settings;
		WRITE_ONCE(life->start.election_timeout_ms,
			   to->election_timeout_ms);
		WRITE_ONCE(life->start.heartbeat_interval_ms,
			   to->heartbeat_interval_ms);
		WRITE_ONCE(life->start.append_timeout_ms, to->append_timeout_ms);
		WRITE_ONCE(life->start.inflight_messages, to->inflight_messages);
		WRITE_ONCE(life->start.inflight_bytes, to->inflight_bytes);
		WRITE_ONCE(life->start.cache_bytes, to->cache_bytes);
		WRITE_ONCE(life->start.retain_entries, to->retain_entries);
		WRITE_ONCE(life->start.retain_bytes, to->retain_bytes);
		WRITE_ONCE(life->start.snapshot_trailing, to->snapshot_trailing);
		WRITE_ONCE(life->start.snapshot_bytes_per_s,
			   to->snapshot_bytes_per_s);
		raftlog_cache_limit(&life->cache, to->cache_bytes);
		raftlog_transport_set_times(life->transport, ask_ns(to),
					    queue_ns(to));
	}
	complete(&change->done);
}

int raftlog_life_set(struct raftlog_group *group, struct raftlog_set *set)
{
	struct raftlog_life *life = group->life;
	struct raftlog_settings_change change = { .error = 0 };

	/* Neither a stop nor another change comes between. */
	lockdep_assert_held(&group->lifecycle);
	if (!life)
		return -ENOTCONN;
	change.start = life->start;
	if (raftlog_set_check(&change.start, set, life->inflight_messages_max))
		return -EINVAL;
	init_completion(&change.done);
	if (set->fields) {
		if (raftlog_life_is_failed(life))
			return -EIO;
		spin_lock(&life->intake_lock);
		life->settings_change = &change;
		spin_unlock(&life->intake_lock);
		raftlog_life_kick(life);
		wait_for_completion(&change.done);
	}
	if (change.error)
		return raftlog_life_is_failed(life) ? -EIO : change.error;
	raftlog_set_report(set, &change.start);
	return 0;
}

int raftlog_life_stop(struct raftlog_group *group)
{
	struct raftlog_life *life;

	lockdep_assert_held(&group->lifecycle);
	life = group->life;
	if (life)
		raftlog_transfer_before_stop(life);
	spin_lock(&group->lock);
	group->life = NULL;
	if (life)
		group->n_stops++;
	spin_unlock(&group->lock);
	if (!life)
		return -ENOTCONN;

	raftlog_event_state(group, RAFTLOG_STATE_STOPPING);
	raftlog_peers_remove(group);
	tear_down(life);
	raftlog_netns_leave(group);
	raftlog_event_state(group, RAFTLOG_STATE_STOPPED);
	pr_info("%s: stopped\n", raftlog_group_name(group));
	return 0;
}
