// SPDX-License-Identifier: GPL-2.0
/*
 * Leadership transfer from outside: RAFTLOG_IOC_TRANSFER, and a leader that is
 * stopped. Whoever wants one puts a request in the intake; the owner thread steps
 * it, and the published status says what comes of it.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "group.h"
#include "life.h"
#include "trace.h"
#include "wait.h"

/* Election timeouts until a transfer is over: leases, catching up, an election. */
enum { TRANSFER_TIMEOUTS = 4 };

/**
 * struct raftlog_transfer_request - a wish, on the stack of whoever has it
 * @node: in raftlog_life.transfers
 * @target: node id, 0: the best one
 * @cause: enum raft_transfer_cause
 * @error: what the core said to it
 * @number: raft_status.n_transfers of this one
 * @stepped: the core has it
 */
struct raftlog_transfer_request {
	struct list_head node;
	u32 target;
	u8 cause;
	int error;
	u64 number;
	struct completion stepped;
};

/* What was told of a lease with an earlier, longer timeout runs out first. */
static unsigned long timeouts(const struct raftlog_life *life, u32 n)
{
	u32 ms = READ_ONCE(life->start.election_timeout_ms);

	return msecs_to_jiffies(n * max(ms, life->lease_ms_max));
}

static int error_to_user(int error)
{
	switch (error) {
	case -ESTALE:
		return -EAGAIN;
	case -ENOTRECOVERABLE:
		return -EIO;
	default:
		return error;
	}
}

void raftlog_transfer_step(struct raftlog_life *life, struct list_head *requests,
			   int (*step)(struct raftlog_life *life,
				       struct raft_event *event))
{
	struct raftlog_transfer_request *request, *next;
	struct raft_status status;

	list_for_each_entry_safe(request, next, requests, node) {
		struct raft_event event = {
			.type = RAFT_EVENT_TRANSFER,
			.transfer = { .target = request->target,
				      .cause = request->cause },
		};

		list_del(&request->node);
		request->error = -ESHUTDOWN;
		if (step)
			request->error = error_to_user(step(life, &event));
		raft_status(life->raft, &status);
		request->number = status.n_transfers;
		/* It is gone when its owner wakes. */
		complete(&request->stepped);
	}
}

void raftlog_transfer_note(struct raftlog_life *life,
			   const struct raft_status *before,
			   const struct raft_status *after)
{
	if (before->transferee == after->transferee &&
	    before->n_transfers == after->n_transfers &&
	    before->leader_id == after->leader_id &&
	    before->role == after->role)
		return;
	if (before->transferee != after->transferee ||
	    before->n_transfers != after->n_transfers)
		trace_raftlog_transfer(raftlog_group_name(life->group), after);
	wake_up_all(&life->transfer_wait);
}

static int put_request(struct raftlog_life *life,
		       struct raftlog_transfer_request *request)
{
	bool stopping;

	init_completion(&request->stepped);
	spin_lock(&life->intake_lock);
	stopping = life->stopping;
	if (!stopping)
		list_add_tail(&request->node, &life->transfers);
	spin_unlock(&life->intake_lock);
	if (stopping)
		return -ESHUTDOWN;
	raftlog_life_kick(life);
	wait_for_completion(&request->stepped);
	return request->error;
}

/* Is it over? Then @error says how it ended, and @leader_id who leads. */
static bool is_over(struct raftlog_life *life,
		    const struct raftlog_transfer_request *request,
		    u32 *leader_id, int *error)
{
	struct raft_status status;

	spin_lock(&life->status_lock);
	status = life->status;
	spin_unlock(&life->status_lock);

	*error = 0;
	*leader_id = status.leader_id;
	if (raftlog_life_is_stopping(life))
		*error = -ESHUTDOWN;
	else if (status.role == RAFT_FAILED)
		*error = -EIO;
	else if (status.n_transfers < request->number)
		return false; /* what is told is older than that */
	else if (status.leader_id && status.leader_id != status.node_id)
		*error = 0;
	else if (status.role == RAFT_LEADER &&
		 (!status.transferee || status.n_transfers != request->number))
		*error = -ETIMEDOUT;
	else
		return false;
	return true;
}

int raftlog_transfer(struct raftlog_life *life, u32 target, u32 *leader_id)
{
	struct raftlog_transfer_request request = {
		.target = target,
		.cause = RAFT_TRANSFER_REQUESTED,
	};
	int error = put_request(life, &request);
	long left;

	*leader_id = life->settings.node_id;
	if (error || target == life->settings.node_id)
		return error;
	left = raftlog_wait_event_timeout(life->transfer_wait,
					  is_over(life, &request, leader_id,
						  &error),
					  timeouts(life, TRANSFER_TIMEOUTS));
	if (left == -ERESTARTSYS)
		return -EINTR;
	return left ? error : -ETIMEDOUT;
}

void raftlog_transfer_before_stop(struct raftlog_life *life)
{
	struct raftlog_transfer_request request = {
		.cause = RAFT_TRANSFER_SHUTDOWN,
	};
	u32 leader_id;
	int error;

	if (put_request(life, &request))
		return;
	wait_event_killable_timeout(life->transfer_wait,
				    is_over(life, &request, &leader_id, &error),
				    timeouts(life, 1));
}
