// SPDX-License-Identifier: GPL-2.0
/* The write path, up to the owner thread and back. */
#include <linux/aio.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "entry.h"
#include "group.h"
#include "life.h"
#include "proposal.h"
#include "trace.h"
#include "wait.h"

void raftlog_proposal_put(struct raftlog_proposal *proposal)
{
	if (!refcount_dec_and_test(&proposal->refs))
		return;
	raftlog_entry_put(proposal->entry);
	kfree(proposal);
}

static bool opens_session(const struct raftlog_proposal *proposal)
{
	return raft_session_is_key(proposal->core.session);
}

/* One reference, for the caller. */
static struct raftlog_proposal *proposal_alloc(struct iov_iter *from,
					       u64 session, u64 sequence)
{
	size_t bytes = iov_iter_count(from);
	struct raftlog_proposal *proposal;
	int error = -ENOMEM;

	proposal = kzalloc(sizeof(*proposal), GFP_KERNEL_ACCOUNT);
	if (!proposal)
		return ERR_PTR(-ENOMEM);
	proposal->entry = raftlog_entry_alloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!proposal->entry)
		goto free_proposal;
	error = -EFAULT;
	if (!copy_from_iter_full(proposal->entry->data, bytes, from))
		goto put_entry;

	proposal->core.session = session;
	proposal->core.sequence = sequence;
	proposal->entry->type = opens_session(proposal) ? RAFT_ENTRY_SESSION :
							  RAFT_ENTRY_DATA;
	proposal->core.payload = proposal->entry;
	proposal->core.bytes = bytes;
	refcount_set(&proposal->refs, 1);
	INIT_LIST_HEAD(&proposal->node);
	INIT_LIST_HEAD(&proposal->open_node);
	timerqueue_init(&proposal->expiry);
	init_completion(&proposal->done);
	return proposal;

put_entry:
	raftlog_entry_put(proposal->entry);
free_proposal:
	kfree(proposal);
	return ERR_PTR(error);
}

static u64 memory_for(size_t bytes)
{
	return sizeof(struct raftlog_proposal) + sizeof(struct raftlog_entry) +
	       bytes;
}

static u64 memory_of(const struct raftlog_proposal *proposal)
{
	return memory_for(proposal->entry->bytes);
}

static bool has_room(const struct raftlog_life *life, u64 bytes)
{
	return life->n_pending < RAFTLOG_PENDING_MAX &&
	       (!life->n_pending ||
		life->pending_bytes + bytes <= RAFTLOG_PENDING_BYTES_MAX);
}

/*
 * Whoever was turned away is woken once there is room for many, not for each that
 * ends: all of them would come for that one place.
 */
static bool has_much_room(const struct raftlog_life *life)
{
	return life->n_pending <= RAFTLOG_PENDING_MAX / 4 * 3 &&
	       life->pending_bytes <= RAFTLOG_PENDING_BYTES_MAX / 2;
}

/* Under the intake lock. */
static bool take_room(struct raftlog_life *life, u64 bytes)
{
	bool room = has_room(life, bytes);

	if (!room)
		life->turned_away = true;
	return room;
}

static bool has_leader(struct raftlog_life *life)
{
	bool known;

	spin_lock(&life->status_lock);
	known = life->status.leader_id != RAFT_ID_NONE;
	spin_unlock(&life->status_lock);
	return known;
}

/*
 * Where somebody was turned away there is none until there is much: what is small
 * may find some before, but poll(2) does not know who asks.
 */
bool raftlog_write_has_room(struct raftlog_life *life)
{
	bool room;

	spin_lock(&life->intake_lock);
	room = !life->stopping && !life->failed && !life->turned_away &&
	       take_room(life, memory_for(0));
	spin_unlock(&life->intake_lock);
	return room && has_leader(life);
}

/* Before anything is allocated and copied: many may come, again and again. */
static bool is_full(struct raftlog_life *life, size_t bytes)
{
	bool full;

	spin_lock(&life->intake_lock);
	full = !life->stopping && !life->failed &&
	       !take_room(life, memory_for(bytes));
	spin_unlock(&life->intake_lock);
	return full;
}

static void open_accept(struct raftlog_open *open,
			struct raftlog_proposal *proposal)
{
	kref_get(&open->refs);
	proposal->open = open;
	spin_lock(&open->lock);
	proposal->open_seq = ++open->accepted_seq;
	list_add_tail(&proposal->open_node, &open->pending);
	spin_unlock(&open->lock);
}

static void open_done(struct raftlog_proposal *proposal)
{
	struct raftlog_open *open = proposal->open;

	spin_lock(&open->lock);
	list_del_init(&proposal->open_node);
	if (proposal->core.result && !open->error)
		open->error = proposal->core.result;
	spin_unlock(&open->lock);
	wake_up_all(&open->done_wait);
	kref_put(&open->refs, raftlog_open_release);
}

void raftlog_proposal_cancel(struct raftlog_proposal *proposal)
{
	struct raftlog_life *life = proposal->life;

	if (atomic_xchg(&proposal->cancelled, 1))
		return;
	refcount_inc(&proposal->refs);
	llist_add(&proposal->cancel_node, &life->cancels);
	raftlog_life_kick(life);
}

/*
 * io_cancel(2), io_destroy(2), and the end of a process: under the lock of the
 * AIO context, without interrupts. raftlog_proposal_complete() takes that lock on
 * its way, so until this returns the proposal and its life are there.
 */
static int cancel_iocb(struct kiocb *iocb)
{
	raftlog_proposal_cancel(iocb->private);
	return 0;
}

/*
 * Under the intake lock: neither a cancel nor the owner thread comes before the
 * proposal is where they look for it.
 */
static void make_cancellable(struct raftlog_proposal *proposal)
{
	struct kiocb *iocb = proposal->iocb;

	iocb->private = proposal;
	/*
	 * Kernels that do not mark the kiocbs of AIO would take one of io_uring
	 * for one of those. io_uring itself never asks the file to cancel.
	 */
#ifdef IOCB_AIO_RW
	kiocb_set_cancel_fn(iocb, cancel_iocb);
#endif
}

/* -EAGAIN: no room now. On success the owner thread has its own reference. */
static int try_submit(struct raftlog_life *life,
		      struct raftlog_proposal *proposal,
		      struct raftlog_open *track)
{
	int error = 0;

	spin_lock(&life->intake_lock);
	if (life->stopping) {
		error = -ESHUTDOWN;
	} else if (life->failed) {
		error = -EIO;
	} else if (!take_room(life, memory_of(proposal))) {
		error = -EAGAIN;
	} else {
		life->n_pending++;
		life->pending_bytes += memory_of(proposal);
		refcount_inc(&proposal->refs);
		/* Before the owner can see and end it. */
		if (track)
			open_accept(track, proposal);
		list_add_tail(&proposal->node, &life->proposals);
		if (proposal->iocb)
			make_cancellable(proposal);
		if (proposal->client)
			raftlog_client_accept(proposal);
	}
	spin_unlock(&life->intake_lock);
	if (!error)
		raftlog_life_kick(life);
	return error;
}

static bool submitted(struct raftlog_life *life,
		      struct raftlog_proposal *proposal, int *error)
{
	*error = try_submit(life, proposal, NULL);
	return *error != -EAGAIN;
}

static int submit_wait(struct raftlog_life *life,
		       struct raftlog_proposal *proposal)
{
	ktime_t left;
	long ticks, rc;
	int error = try_submit(life, proposal, NULL);

	if (error != -EAGAIN)
		return error == -ESHUTDOWN ? -ENOTCONN : error;
	left = ktime_sub(proposal->expiry.expires, ktime_get());
	ticks = nsecs_to_jiffies(max_t(s64, ktime_to_ns(left), 0)) + 1;
	rc = raftlog_wait_event_timeout(life->group->write_wait,
					submitted(life, proposal, &error),
					ticks);
	if (error != -EAGAIN)
		return error;
	/* It never left this function, so it may be tried again. */
	return rc == -ERESTARTSYS ? -ERESTARTSYS : -EHOSTUNREACH;
}

static int submit(struct raftlog_life *life, struct raftlog_proposal *proposal,
		  struct raftlog_open *track, bool nonblock)
{
	int error;

	if (!nonblock)
		return submit_wait(life, proposal);
	if (track && !has_leader(life) && !raftlog_life_is_failed(life))
		return -EAGAIN;
	error = try_submit(life, proposal, track);
	return error == -ESHUTDOWN ? -ENOTCONN : error;
}

/*
 * The owner thread ends every proposal it took, in time or at its expiry. A
 * signal only makes it do so now; the answer is prompt, so wait for it: nothing
 * else says whether the entry can be in the log.
 */
static int wait_done(struct raftlog_proposal *proposal)
{
	bool interrupted = raftlog_wait_is_interrupted(&proposal->done);

	if (interrupted) {
		raftlog_proposal_cancel(proposal);
		wait_for_completion(&proposal->done);
	}
	if (interrupted && proposal->core.result == -EHOSTUNREACH)
		return -ERESTARTSYS;
	if (interrupted && proposal->core.result == -ETIMEDOUT)
		return -EINTR;
	return proposal->core.result;
}

/* May an entry of that length be in the log? */
static bool may_be_as_long(const struct raftlog_life *life, size_t bytes,
			   u64 session)
{
	return bytes <= (raft_session_is_key(session) ?
				 RAFT_SESSION_NAME_BYTES_MAX :
				 life->start.max_entry_bytes);
}

/* What the group allows and for how long, without holding up a stop. */
static int check_write(struct raftlog_group *group, size_t bytes, u64 session,
		       bool nonblock, u32 *timeout_ms)
{
	struct raftlog_life *life = raftlog_group_life(group);
	int error = 0;

	if (!life)
		return -ENOTCONN;
	if (bytes == 0)
		error = -EINVAL;
	else if (!may_be_as_long(life, bytes, session))
		error = -EMSGSIZE;
	else if (raftlog_life_is_failed(life))
		error = -EIO;
	else if (nonblock && is_full(life, bytes))
		error = -EAGAIN;
	if (!*timeout_ms)
		*timeout_ms = READ_ONCE(life->start.append_timeout_ms);
	raftlog_life_put(life);
	return error;
}

static void tell_origin(const struct raftlog_proposal *proposal,
			struct raftlog_origin *origin)
{
	origin->index = proposal->core.index;
	origin->term = proposal->core.term;
	origin->opened = proposal->core.opened;
	origin->incarnation = proposal->life->info.incarnation;
}

/* In another log than that of the session its number may be somebody else's. */
static bool is_of_log(const struct raftlog_life *life,
		      const struct raftlog_origin *origin)
{
	return !raft_session_is_named(origin->session) ||
	       origin->incarnation == life->info.incarnation;
}

ssize_t raftlog_write(struct raftlog_open *open, struct iov_iter *from,
		      struct kiocb *iocb, bool nonblock, u32 timeout_ms,
		      struct raftlog_origin *origin)
{
	u64 session = origin ? origin->session : 0;
	bool async = iocb && !is_sync_kiocb(iocb);
	size_t bytes = iov_iter_count(from);
	struct raftlog_proposal *proposal;
	struct raftlog_life *life;
	ktime_t now = ktime_get();
	ssize_t ret;

	ret = check_write(open->group, bytes, session, nonblock, &timeout_ms);
	if (ret)
		return ret;
	/* May fault for as long as it likes: no life is held. */
	proposal = proposal_alloc(from, session, origin ? origin->sequence : 0);
	if (IS_ERR(proposal))
		return PTR_ERR(proposal);
	proposal->expiry.expires = ktime_add_ms(now, timeout_ms);
	life = raftlog_group_life(open->group);
	if (!life) {
		ret = -ENOTCONN;
		goto put_proposal;
	}
	/* The group may have been started anew, with another limit. */
	if (!may_be_as_long(life, bytes, session)) {
		ret = -EMSGSIZE;
		goto put_life;
	}
	if (origin && !is_of_log(life, origin)) {
		ret = -ESTALE;
		goto put_life;
	}
	proposal->life = life;
	if (async)
		proposal->iocb = iocb;
	ret = submit(life, proposal, nonblock && !async ? open : NULL,
		     nonblock);
	if (ret)
		goto put_life;
	if (async) {
		ret = -EIOCBQUEUED;
	} else if (nonblock) {
		ret = bytes;
	} else {
		ret = wait_done(proposal);
		if (!ret && origin)
			tell_origin(proposal, origin);
		if (!ret)
			ret = bytes;
	}
put_life:
	raftlog_life_put(life);
put_proposal:
	raftlog_proposal_put(proposal);
	return ret;
}

int raftlog_write_client(struct raftlog_group *group,
			 struct raftlog_client *client,
			 const struct raftlog_client_write *write)
{
	struct kvec vec = { .iov_base = (void *)write->data,
			    .iov_len = write->bytes };
	u32 timeout_ms = write->timeout_ms;
	struct raftlog_proposal *proposal;
	struct raftlog_life *life;
	struct iov_iter from;
	int error;

	error = check_write(group, write->bytes, write->origin.session, true,
			    &timeout_ms);
	if (error)
		return error;
	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, write->bytes);
	proposal = proposal_alloc(&from, write->origin.session,
				  write->origin.sequence);
	if (IS_ERR(proposal))
		return PTR_ERR(proposal);
	proposal->expiry.expires = ktime_add_ms(ktime_get(), timeout_ms);
	proposal->client = client;
	proposal->appended = write->appended;
	proposal->session_opened = write->session_opened;
	proposal->context = write->context;
	life = raftlog_group_life(group);
	error = life ? 0 : -ENOTCONN;
	if (life && !may_be_as_long(life, write->bytes, write->origin.session))
		error = -EMSGSIZE;
	if (!error && !is_of_log(life, &write->origin))
		error = -ESTALE;
	if (!error) {
		proposal->life = life;
		error = submit(life, proposal, NULL, true);
	}
	if (life)
		raftlog_life_put(life);
	raftlog_proposal_put(proposal);
	return error;
}

static bool all_done(struct raftlog_open *open, u64 seq)
{
	struct raftlog_proposal *oldest;
	bool done;

	spin_lock(&open->lock);
	oldest = list_first_entry_or_null(&open->pending,
					  struct raftlog_proposal, open_node);
	done = !oldest || oldest->open_seq > seq;
	spin_unlock(&open->lock);
	return done;
}

int raftlog_write_sync(struct raftlog_open *open)
{
	u64 seq;
	int error;

	spin_lock(&open->lock);
	seq = open->accepted_seq;
	spin_unlock(&open->lock);
	if (wait_event_interruptible(open->done_wait, all_done(open, seq)))
		return -ERESTARTSYS;
	spin_lock(&open->lock);
	error = open->error;
	open->error = 0;
	spin_unlock(&open->lock);
	return error;
}

static void count(struct raftlog_life *life,
		  const struct raftlog_proposal *proposal)
{
	if (opens_session(proposal))
		return;
	if (proposal->core.result) {
		raftlog_count(life, append_errors, 1);
	} else {
		raftlog_count(life, appends, 1);
		raftlog_count(life, append_bytes, proposal->core.bytes);
	}
}

/* As a signal ends a write: not in the log for certain, or not known. */
static int result_of(const struct raftlog_proposal *proposal)
{
	bool cancelled = atomic_read(&proposal->cancelled);

	switch (proposal->core.result) {
	case -EHOSTUNREACH:
		return cancelled ? -ECANCELED : -EHOSTUNREACH;
	case -ETIMEDOUT:
		return cancelled ? -EINTR : -ETIMEDOUT;
	default:
		return proposal->core.result;
	}
}

void raftlog_proposal_complete(struct raftlog_life *life,
			       struct raftlog_proposal *proposal)
{
	struct kiocb *iocb = proposal->iocb;
	bool wake;

	proposal->state = RAFTLOG_PROPOSAL_DONE;
	count(life, proposal);
	trace_raftlog_proposal_done(raftlog_group_name(life->group),
				    &proposal->core);

	spin_lock(&life->intake_lock);
	life->n_pending--;
	life->pending_bytes -= memory_of(proposal);
	wake = life->turned_away && has_much_room(life);
	if (wake)
		life->turned_away = false;
	spin_unlock(&life->intake_lock);
	if (wake)
		raftlog_group_wake(life->group, &life->group->write_wait,
				   has_leader(life) ? EPOLLOUT | EPOLLWRNORM :
						      0);

	if (proposal->open)
		open_done(proposal);
	if (iocb)
		iocb->ki_complete(iocb, result_of(proposal) ?:
						(long)proposal->core.bytes);
	if (proposal->client)
		raftlog_client_done(proposal, result_of(proposal));
	complete(&proposal->done);
}
