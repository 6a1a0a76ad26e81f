// SPDX-License-Identifier: GPL-2.0
/*
 * The owner thread: gathers what came in, steps the core, sleeps until there is
 * more or the next deadline.
 *
 * A round:
 *	1. completions of the storage thread, so that what waits for them leaves
 *	2. messages from the socket
 *	3. transfers, proposals and reads, then those to give up (signals, expiries)
 *	4. messages whose entries, or chunks, were read from the disk; snapshots
 *	5. entries that are not to be kept
 *	6. RAFT_EVENT_TIME, and the update is carried out
 *
 * It runs at real-time priority: it must never spin. Every round is limited,
 * follows a wake-up or a deadline, and however much there is to do the group leaves a
 * part of the time to whoever shares its processor.
 */
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "entry.h"
#include "failpoint.h"
#include "group.h"
#include "life.h"
#include "proposal.h"
#include "read_index.h"
#include "session.h"
#include "trace.h"

enum {
	/* Datagrams looked at for one message. */
	RECEIVE_BUDGET = 64,
	/*
	 * Of what it worked this part is slept, or else made up for in a pause: more
	 * than what the scheduler takes from real-time threads, 50 ms at a time.
	 */
	REST_SHARE = 16,
	WORK_NS_MAX = 10 * NSEC_PER_MSEC,
	/* A deadline that is due again and again without work is a mistake. */
	IDLE_ROUNDS_MAX = 16,
	IDLE_PAUSE_NS = NSEC_PER_MSEC,
};

/* What others put in, taken at once. */
struct intake {
	struct list_head persisted;
	struct llist_node *cancels;
	struct list_head reads;
	struct list_head read_cancels;
	struct list_head caught_up;
	struct list_head chunks_read;
	struct list_head snapshot_requests;
	struct list_head changes;
	struct list_head transfers;
	struct list_head session_lists;
	struct raftlog_settings_change *settings_change;
	struct raftlog_key_change *key_change;
	int storage_error;
	bool chunk_stored;
	bool any;
};

/* However long the queue is, each of them ends in time. */
static void queue_proposals(struct raftlog_life *life, struct list_head *taken)
{
	struct raftlog_proposal *proposal;

	list_for_each_entry(proposal, taken, node)
		timerqueue_add(&life->expiries, &proposal->expiry);
	list_splice_tail(taken, &life->queued);
}

static void take_intake(struct raftlog_life *life, struct intake *in)
{
	LIST_HEAD(proposals);

	INIT_LIST_HEAD(&in->persisted);
	INIT_LIST_HEAD(&in->reads);
	INIT_LIST_HEAD(&in->read_cancels);
	INIT_LIST_HEAD(&in->caught_up);
	INIT_LIST_HEAD(&in->chunks_read);
	INIT_LIST_HEAD(&in->snapshot_requests);
	INIT_LIST_HEAD(&in->changes);
	INIT_LIST_HEAD(&in->transfers);
	INIT_LIST_HEAD(&in->session_lists);

	spin_lock(&life->intake_lock);
	list_splice_init(&life->persisted, &in->persisted);
	list_splice_init(&life->reads, &in->reads);
	list_splice_init(&life->read_cancels, &in->read_cancels);
	list_splice_init(&life->caught_up, &in->caught_up);
	list_splice_init(&life->chunks_read, &in->chunks_read);
	list_splice_init(&life->snapshot_requests, &in->snapshot_requests);
	in->chunk_stored = life->chunk_stored;
	life->chunk_stored = false;
	list_splice_init(&life->changes, &in->changes);
	list_splice_init(&life->transfers, &in->transfers);
	list_splice_init(&life->session_lists, &in->session_lists);
	list_splice_init(&life->proposals, &proposals);
	/* Here: a cancel comes behind what it cancels. */
	in->cancels = llist_del_all(&life->cancels);
	in->settings_change = life->settings_change;
	life->settings_change = NULL;
	in->key_change = life->key_change;
	life->key_change = NULL;
	in->storage_error = life->storage_error;
	life->storage_error = 0;
	spin_unlock(&life->intake_lock);

	queue_proposals(life, &proposals);
	in->any = !list_empty(&in->persisted) || in->cancels ||
		  !list_empty(&in->caught_up) || !list_empty(&in->changes) ||
		  !list_empty(&life->queued) ||
		  !list_empty(&in->reads) || !list_empty(&in->read_cancels) ||
		  !list_empty(&in->transfers) ||
		  !list_empty(&in->session_lists) ||
		  !list_empty(&in->chunks_read) ||
		  !list_empty(&in->snapshot_requests) || in->chunk_stored ||
		  in->settings_change || in->key_change || in->storage_error;
}

static void flush(struct raftlog_life *life);

/* The core ran out of room for something. */
static void provide_memory(struct raftlog_life *life)
{
	size_t bytes = raft_growth_bytes(life->raft);
	u32 n = raft_terms_capacity(life->raft) * 2;
	struct raft_term_run *terms;

	if (bytes) {
		kvfree(raft_grow(life->raft,
				 kvzalloc(bytes, GFP_KERNEL | __GFP_NOFAIL)));
		return;
	}
	terms = kvcalloc(n, sizeof(*terms), GFP_KERNEL | __GFP_NOFAIL);
	kvfree(raft_provide_terms(life->raft, terms, n));
	life->terms = terms;
}

/*
 * An update has room for what groups usually do at a time. A group that does more
 * gets more, once and for all, so that its batches are as large as they can be.
 */
static bool enlarge_update(struct raftlog_life *life)
{
	struct raft_update *update = &life->update;
	u32 entries_max = min_t(u32, 2 * update->entries_max,
				RAFTLOG_UPDATE_ENTRIES_MAX);
	u32 sends_max = min_t(u32, 2 * update->sends_max,
			      RAFTLOG_UPDATE_SENDS_MAX);
	struct raft_entry *entries;
	struct raft_send *sends;

	if (entries_max == update->entries_max &&
	    sends_max == update->sends_max)
		return false;
	entries = kvcalloc(entries_max, sizeof(*entries),
			   GFP_KERNEL | __GFP_NOFAIL);
	sends = kvcalloc(sends_max, sizeof(*sends), GFP_KERNEL | __GFP_NOFAIL);
	memcpy(entries, update->entries,
	       update->n_entries * sizeof(*entries));
	memcpy(sends, update->sends, update->n_sends * sizeof(*sends));
	kvfree(update->entries);
	kvfree(update->sends);
	update->entries = entries;
	update->entries_max = entries_max;
	update->sends = sends;
	update->sends_max = sends_max;
	return true;
}

/* RAFT_EVENT_TIME left something for the next batch, for want of room. */
static bool is_full(const struct raft_update *update)
{
	return update->n_entries + 1 >= update->entries_max ||
	       update->sends_max - update->n_sends <= RAFT_STEP_SENDS_MAX;
}

static int step_once(struct raftlog_life *life, struct raft_event *event)
{
	int error;

	do {
		event->now_ns = ktime_get_ns();
		error = raft_step(life->raft, event, &life->update);
		if (error == -ENOMEM)
			provide_memory(life);
	} while (error == -ENOMEM ||
		 (error == -EAGAIN && enlarge_update(life)));
	return error;
}

static int step(struct raftlog_life *life, struct raft_event *event)
{
	int error = step_once(life, event);

	while (event->type == RAFT_EVENT_TIME && is_full(&life->update) &&
	       !error && enlarge_update(life))
		error = step_once(life, event);
	if (error == -EAGAIN) {
		flush(life);
		error = step_once(life, event);
		raftlog_assert(life, error != -EAGAIN);
	}
	return error;
}

/* End the batch: time passes, and the update is carried out. */
static void flush(struct raftlog_life *life)
{
	struct raft_event event = { .type = RAFT_EVENT_TIME };

	step(life, &event);
	raftlog_execute(life, event.now_ns);
}

static void step_persisted(struct raftlog_life *life, struct list_head *done)
{
	const char *name = raftlog_group_name(life->group);
	struct raftlog_storage_request *request, *next;

	list_for_each_entry_safe(request, next, done, node) {
		struct raft_event event = {
			.type = RAFT_EVENT_PERSISTED,
			.persisted.hard_state_seq = request->hard_state_seq,
			.persisted.index = request->last_index,
			.persisted.term = request->last_term,
			.persisted.space_bytes = request->space_bytes,
		};
		bool ok = !request->error;

		list_del(&request->node);
		if (ok) {
			step(life, &event);
			raftlog_count(life, flushes, 1);
			trace_raftlog_persisted(name, request);
			raftlog_execute_persisted(life,
						  event.persisted.hard_state_seq,
						  event.now_ns);
		}
		raftlog_request_free(request);
	}
}

static void step_storage_failed(struct raftlog_life *life, int error)
{
	struct raft_event event = {
		.type = RAFT_EVENT_STORAGE_FAILED,
		.error = error,
	};

	step(life, &event);
}

static void release_received(struct raftlog_life *life)
{
	while (life->n_received)
		raftlog_transport_release(life->transport,
					  life->received[--life->n_received]);
}

static void step_message(struct raftlog_life *life,
			 struct raftlog_received *received)
{
	struct raft_event event = {
		.type = RAFT_EVENT_MESSAGE,
		.message = &received->message,
	};

	trace_raftlog_message_receive(raftlog_group_name(life->group),
				      &received->message,
				      received->message.n_entries);
	if (step(life, &event) == -EINVAL)
		raftlog_count(life, invalid_messages, 1);
}

/* Return: whether more may be waiting. */
static bool receive(struct raftlog_life *life)
{
	struct raftlog_received *received;

	while (life->n_received < RAFTLOG_BATCH_MESSAGES_MAX) {
		int rc = raftlog_transport_receive(life->transport, &received,
						   RECEIVE_BUDGET,
						   ktime_get_ns());

		if (rc < 0)
			return false;
		if (rc == 0)
			return true;
		life->received[life->n_received++] = received;
		step_message(life, received);
	}
	return true;
}

static void end_proposal(struct raftlog_life *life,
			 struct raftlog_proposal *proposal, int result)
{
	proposal->core.result = result;
	raftlog_execute_done(life, proposal);
}

/* Return: whether some are left for the next batch. */
static bool propose(struct raftlog_life *life)
{
	struct raftlog_proposal *proposal, *next;
	u32 n = 0;

	list_for_each_entry_safe(proposal, next, &life->queued, node) {
		struct raft_event event = {
			.type = RAFT_EVENT_PROPOSE,
			.proposal = &proposal->core,
		};
		int error;

		if (n++ == RAFTLOG_BATCH_PROPOSALS_MAX)
			return true;
		error = step(life, &event);
		if (error == -EBUSY)
			return false; /* one that ends makes room */
		if (error) {
			end_proposal(life, proposal,
				     error == -ENOTRECOVERABLE ? -EIO : error);
			continue;
		}
		proposal->entry->session = proposal->core.session ?
						   proposal->core.session :
						   life->settings.session;
		proposal->entry->sequence = proposal->core.sequence;
		proposal->state = RAFTLOG_PROPOSAL_STEPPED;
		list_move_tail(&proposal->node, &life->live);
	}
	return false;
}

static void give_up(struct raftlog_life *life,
		    struct raftlog_proposal *proposal)
{
	struct raft_event event = {
		.type = RAFT_EVENT_CANCEL,
		.proposal = &proposal->core,
	};

	switch (proposal->state) {
	case RAFTLOG_PROPOSAL_QUEUED:
		end_proposal(life, proposal, -EHOSTUNREACH);
		break;
	case RAFTLOG_PROPOSAL_STEPPED:
		/* Comes back in the update, unless it is in it already. */
		step(life, &event);
		break;
	}
}

static void step_cancels(struct raftlog_life *life, struct llist_node *cancels)
{
	struct raftlog_proposal *proposal, *next;

	llist_for_each_entry_safe(proposal, next, cancels, cancel_node) {
		give_up(life, proposal);
		raftlog_proposal_put(proposal);
	}
}

/* Those that are left come in the next round. Return: whether there were any. */
static bool step_expiries(struct raftlog_life *life)
{
	ktime_t now = ktime_get();
	struct timerqueue_node *node;
	u32 n = 0;

	while (n < RAFTLOG_BATCH_PROPOSALS_MAX &&
	       (node = timerqueue_getnext(&life->expiries)) &&
	       ktime_compare(node->expires, now) <= 0) {
		struct raftlog_proposal *proposal =
			container_of(node, struct raftlog_proposal, expiry);

		timerqueue_del(&life->expiries, node);
		give_up(life, proposal);
		n++;
	}
	return n;
}

static void step_changes(struct raftlog_life *life, struct list_head *changes)
{
	struct raftlog_member_change *change, *next;
	struct raft_status status;

	list_for_each_entry_safe(change, next, changes, node) {
		struct raft_event event = {
			.type = RAFT_EVENT_CHANGE,
			.change = &change->request,
		};
		int error = step(life, &event);

		raft_status(life->raft, &status);
		change->term = status.hard_state.current_term;
		raftlog_members_done(change,
				     error ? -EIO : change->request.result);
	}
}

static void end_read(struct raftlog_life *life, struct raftlog_read *read,
		     int error)
{
	read->core.result = error;
	read->core.done = true;
	raftlog_read_done(life, read);
}

static void step_reads(struct raftlog_life *life, struct list_head *reads)
{
	struct raftlog_read *read, *next;

	list_for_each_entry_safe(read, next, reads, node) {
		struct raft_event event = {
			.type = RAFT_EVENT_READ_INDEX,
			.read = &read->core,
		};
		int error;

		timerqueue_add(&life->read_expiries, &read->expiry);
		list_move_tail(&read->node, &life->live_reads);
		error = step(life, &event);
		if (error)
			end_read(life, read,
				 error == -ENOTRECOVERABLE ? -EIO : error);
	}
}

/* Comes back in the update, unless it did already. */
static void give_up_read(struct raftlog_life *life, struct raftlog_read *read)
{
	struct raft_event event = {
		.type = RAFT_EVENT_CANCEL_READ,
		.read = &read->core,
	};

	if (!read->core.done)
		step(life, &event);
}

static void step_read_cancels(struct raftlog_life *life,
			      struct list_head *cancels)
{
	struct raftlog_read *read, *next;

	list_for_each_entry_safe(read, next, cancels, cancel_node) {
		list_del_init(&read->cancel_node);
		give_up_read(life, read);
		raftlog_read_put(read);
	}
}

static bool step_read_expiries(struct raftlog_life *life)
{
	ktime_t now = ktime_get();
	struct timerqueue_node *node;
	struct raftlog_read *read;
	u32 n = 0;

	while (n < RAFTLOG_BATCH_PROPOSALS_MAX &&
	       (node = timerqueue_getnext(&life->read_expiries)) &&
	       ktime_compare(node->expires, now) <= 0) {
		read = container_of(node, struct raftlog_read, expiry);
		timerqueue_del(&life->read_expiries, node);
		/* It may come to its end on the way there. */
		refcount_inc(&read->refs);
		give_up_read(life, read);
		raftlog_read_put(read);
		n++;
	}
	return n;
}

static u64 next_expiry(const struct timerqueue_head *expiries)
{
	struct timerqueue_node *node =
		timerqueue_getnext((struct timerqueue_head *)expiries);

	return node ? (u64)ktime_to_ns(node->expires) : U64_MAX;
}

static void send_caught_up(struct raftlog_life *life, struct list_head *list)
{
	struct raftlog_catch_up *catch_up, *next;

	list_for_each_entry_safe(catch_up, next, list, node) {
		list_del(&catch_up->node);
		raftlog_catch_up_done(life, catch_up, ktime_get_ns());
	}
}

static void send_chunks(struct raftlog_life *life, struct list_head *list)
{
	struct raftlog_chunk_read *read, *next;

	list_for_each_entry_safe(read, next, list, node) {
		list_del(&read->node);
		raftlog_snapshot_read_done(life, read, ktime_get_ns(), step);
	}
}

static void step_trim(struct raftlog_life *life)
{
	struct raft_event event = {
		.type = RAFT_EVENT_COMPACT,
		.index = raftlog_trim_index(life),
	};

	if (event.index)
		step(life, &event);
}

/* The core may refer to what ended until the update after that is done. */
static void drop_retired(struct raftlog_life *life, struct list_head *retired)
{
	struct raftlog_proposal *proposal, *next;

	list_for_each_entry_safe(proposal, next, retired, node) {
		list_del_init(&proposal->node);
		raftlog_proposal_put(proposal);
	}
}

/*
 * One round. Sets when the next is due.
 *
 * Return: whether anything was done but to let time pass.
 */
static bool run_round(struct raftlog_life *life, u64 *due_ns)
{
	struct raft_event time = { .type = RAFT_EVENT_TIME };
	struct intake in;
	LIST_HEAD(retired);
	bool more;
	u64 deadline;

	list_splice_init(&life->retired, &retired);
	take_intake(life, &in);

	if (in.settings_change)
		raftlog_life_change(life, in.settings_change);
	if (in.key_change)
		raftlog_key_step(life, in.key_change);
	step_persisted(life, &in.persisted);
	if (in.storage_error)
		step_storage_failed(life, in.storage_error);
	more = receive(life);
	/* Also if all of it was dropped: there is more where it came from. */
	in.any |= life->n_received || more;
	raftlog_transfer_step(life, &in.transfers, step);
	more |= propose(life);
	step_cancels(life, in.cancels);
	in.any |= step_expiries(life);
	step_changes(life, &in.changes);
	step_reads(life, &in.reads);
	step_read_cancels(life, &in.read_cancels);
	in.any |= step_read_expiries(life);
	send_caught_up(life, &in.caught_up);
	raftlog_snapshot_step(life, &in.snapshot_requests, step);
	if (in.chunk_stored)
		raftlog_snapshot_stored(life, step);
	send_chunks(life, &in.chunks_read);
	step_trim(life);

	step(life, &time);
	deadline = life->update.deadline_ns;
	raftlog_execute(life, time.now_ns);
	raftlog_session_answer(life, &in.session_lists, 0);
	/* What ended made room in the core for what waits for its turn. */
	more |= !list_empty(&life->queued) && !list_empty(&life->retired);
	release_received(life);
	drop_retired(life, &retired);

	deadline = min(deadline, raftlog_transport_timer(life->transport,
							 ktime_get_ns()));
	raftlog_keys_note(life);
	deadline = min(deadline, next_expiry(&life->expiries));
	deadline = min(deadline, next_expiry(&life->read_expiries));
	*due_ns = more ? 0 : deadline;
	return in.any;
}

static void nap(u64 ns)
{
	ktime_t delay = ns_to_ktime(ns);

	__set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_hrtimeout(&delay, HRTIMER_MODE_REL);
}

/* @worked_ns: since it rested enough. Return: that, after a pause if one is due. */
static u64 rest(u64 worked_ns)
{
	if (worked_ns < WORK_NS_MAX)
		return worked_ns;
	/* A machine that stood still did not work all that time. */
	nap(min_t(u64, worked_ns, 2 * WORK_NS_MAX) / REST_SHARE);
	return 0;
}

/* Until kicked, stopped or @due_ns. */
static void sleep_until(struct raftlog_life *life, u64 due_ns)
{
	ktime_t due = ns_to_ktime(min_t(u64, due_ns, KTIME_MAX));

	set_current_state(TASK_IDLE);
	if (!atomic_read(&life->kicked) && !kthread_should_stop())
		schedule_hrtimeout_range(due_ns == U64_MAX ? NULL : &due, 0,
					 HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
}

/* End what is pending; nothing is taken in any more. */
static void shut_down(struct raftlog_life *life)
{
	struct raft_event event = { .type = RAFT_EVENT_SHUTDOWN };
	struct raftlog_member_change *change, *more;
	struct raftlog_proposal *proposal, *next;
	struct raftlog_read *read, *next_read;
	struct intake in;
	LIST_HEAD(retired);

	life->shutting_down = true;
	take_intake(life, &in);
	raftlog_transfer_step(life, &in.transfers, NULL);
	raftlog_session_answer(life, &in.session_lists, -ESHUTDOWN);
	raftlog_snapshot_step(life, &in.snapshot_requests, NULL);
	list_for_each_entry_safe(proposal, next, &life->queued, node)
		end_proposal(life, proposal, -ESHUTDOWN);
	list_for_each_entry_safe(read, next_read, &in.reads, node)
		end_read(life, read, -ESHUTDOWN);
	step(life, &event);
	flush(life);
	step_cancels(life, in.cancels);
	list_for_each_entry_safe(change, more, &in.changes, node)
		raftlog_members_done(change, -ESHUTDOWN);
	step_read_cancels(life, &in.read_cancels);
	raftlog_assert(life, list_empty(&life->live));
	raftlog_assert(life, list_empty(&life->live_reads));
	list_splice_init(&life->retired, &retired);
	drop_retired(life, &retired);

	/* The rest is freed with the life. */
	spin_lock(&life->intake_lock);
	list_splice(&in.persisted, &life->persisted);
	list_splice(&in.caught_up, &life->caught_up);
	spin_unlock(&life->intake_lock);
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0) && !defined(CONFIG_PREEMPT_RT)
/*
 * Once softirqs were many, these kernels leave them to ksoftirqd until it had its
 * turn: a normal task, which hogs starve, and with it the datagrams of this group.
 * They make way for a tasklet, though, and with one goes whatever is pending.
 */
static void nothing(struct tasklet_struct *tasklet)
{
}

static void set_up_softirqs(struct raftlog_life *life)
{
	tasklet_setup(&life->errand, nothing);
}

static void run_softirqs(struct raftlog_life *life)
{
	local_bh_disable();
	if (local_softirq_pending() & BIT(NET_RX_SOFTIRQ))
		tasklet_hi_schedule(&life->errand);
	local_bh_enable();
}

static void end_softirqs(struct raftlog_life *life)
{
	tasklet_kill(&life->errand);
}
#else
static void set_up_softirqs(struct raftlog_life *life)
{
}

static void run_softirqs(struct raftlog_life *life)
{
}

static void end_softirqs(struct raftlog_life *life)
{
}
#endif

int raftlog_owner(void *data)
{
	struct raftlog_life *life = data;
	unsigned int noio = memalloc_noio_save();
	u64 due_ns = 0, worked_ns = 0;
	u32 idle = 0;

	set_up_softirqs(life);
	if (raft_start(life->raft, ktime_get_ns(), &life->update))
		raftlog_life_fail(life, -EINVAL, "the core does not start");
	raftlog_execute(life, ktime_get_ns());
	complete(&life->running);

	while (!kthread_should_stop()) {
		u64 now_ns = ktime_get_ns();

		if (!atomic_xchg(&life->kicked, 0) && now_ns < due_ns) {
			idle = 0;
			sleep_until(life, due_ns);
			worked_ns -= min(worked_ns, REST_SHARE *
						    (ktime_get_ns() - now_ns));
			continue;
		}
		raftlog_failpoint_pause(RAFTLOG_FAILPOINT_OWNER_PAUSE);
		run_softirqs(life);
		idle = run_round(life, &due_ns) ? 0 : idle + 1;
		worked_ns = rest(worked_ns + ktime_get_ns() - now_ns);
		if (idle > IDLE_ROUNDS_MAX)
			nap(IDLE_PAUSE_NS);
		cond_resched();
	}

	end_softirqs(life);
	shut_down(life);
	memalloc_noio_restore(noio);
	return 0;
}
