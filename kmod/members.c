// SPDX-License-Identifier: GPL-2.0
/*
 * Members that change while the group runs: RAFTLOG_IOC_CHANGE_MEMBERS on its way
 * to the core, and what the core decided on its way to the socket, sysfs and
 * user space.
 */
#include <linux/jiffies.h>
#include <linux/overflow.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "group.h"
#include "life.h"
#include "trace.h"
#include "wait.h"

static struct raftlog_member_change *
make_change(const struct raft_change *changes, u32 n_changes)
{
	struct raftlog_member_change *change;

	change = kzalloc(struct_size(change, changes, n_changes), GFP_KERNEL);
	if (!change)
		return NULL;
	memcpy(change->changes, changes, n_changes * sizeof(*changes));
	change->request.changes = change->changes;
	change->request.n_changes = n_changes;
	init_completion(&change->done);
	return change;
}

static int hand_over(struct raftlog_life *life,
		     struct raftlog_member_change *change)
{
	int error = 0;

	spin_lock(&life->intake_lock);
	if (life->stopping)
		error = -ESHUTDOWN;
	else if (life->failed)
		error = -EIO;
	else
		list_add_tail(&change->node, &life->changes);
	spin_unlock(&life->intake_lock);
	if (!error)
		raftlog_life_kick(life);
	return error;
}

void raftlog_members_done(struct raftlog_member_change *change, int result)
{
	list_del(&change->node);
	change->request.result = result;
	complete(&change->done);
}

static u64 term_at(struct raftlog_life *life, u64 index)
{
	u64 term;

	spin_lock(&life->runs_lock);
	term = raftlog_runs_term(&life->runs, index);
	spin_unlock(&life->runs_lock);
	return term;
}

/*
 * What became of the configuration of @term at @index; -EINPROGRESS: nothing yet.
 * Another leader may have put something else in its place, and even other changes
 * behind that.
 */
static int outcome(struct raftlog_life *life, u64 index, u64 term)
{
	bool committed, changing;
	u64 found;

	if (raftlog_life_is_stopping(life))
		return -ESHUTDOWN;
	if (raftlog_life_is_failed(life))
		return -EIO;
	spin_lock(&life->status_lock);
	committed = life->status.commit_index >= index;
	changing = life->status.changing;
	spin_unlock(&life->status_lock);
	if (!committed)
		return -EINPROGRESS;
	found = term_at(life, index);
	if (!found)
		return -ETIMEDOUT; /* it went, whatever it was */
	if (found != term)
		return -ECANCELED;
	return changing ? -EINPROGRESS : 0;
}

int raftlog_change_members(struct raftlog_life *life,
			   const struct raft_change *changes, u32 n_changes,
			   u32 timeout_ms, u64 *index)
{
	struct raftlog_member_change *change = make_change(changes, n_changes);
	int error, result = -EINPROGRESS;
	u64 term = 0;
	long left;

	if (!change)
		return -ENOMEM;
	error = hand_over(life, change);
	if (!error) {
		/* The owner answers within a round, or when it ends. */
		wait_for_completion(&change->done);
		error = change->request.result;
		*index = change->request.index;
		term = change->term;
	}
	kfree(change);
	if (error)
		return error;
	if (!timeout_ms)
		timeout_ms = READ_ONCE(life->start.append_timeout_ms);
	left = raftlog_wait_event_timeout(
		life->group->read_wait,
		(result = outcome(life, *index, term)) != -EINPROGRESS,
		msecs_to_jiffies(timeout_ms));
	if (left < 0)
		return -EINTR;
	return result == -EINPROGRESS ? -ETIMEDOUT : result;
}

static void tell(struct raftlog_life *life, const struct raft_status *status)
{
	struct raftlog_event event = {
		.type = RAFTLOG_EVENT_MEMBERSHIP,
		.current_term = status->hard_state.current_term,
		.commit_index = status->commit_index,
		.from_role = status->role,
		.to_role = status->role,
		.leader_id = status->leader_id,
		.reason = status->reason,
	};

	raftlog_event_add(life->group, &event);
	trace_raftlog_members(raftlog_group_name(life->group),
			      status->configuration_index,
			      life->configuration.n_members,
			      life->configuration.joint);
	schedule_work(&life->group->members);
}

/*
 * Each configuration is told of when it is in force, and the end of a change once
 * more. Without memory for a new peer now, the next round tries again.
 */
void raftlog_members_follow(struct raftlog_life *life,
			    const struct raft_status *status)
{
	const struct raft_configuration *now = raft_configuration(life->raft);
	bool ended = life->changing && !status->changing;

	if (life->configuration_seq == status->configuration_seq) {
		life->changing = status->changing;
		if (ended)
			tell(life, status);
		return;
	}
	if (raftlog_transport_set_members(life->transport, now))
		return;
	spin_lock(&life->status_lock);
	life->configuration = *now;
	memset(life->peers, 0, sizeof(life->peers));
	spin_unlock(&life->status_lock);
	life->configuration_seq = status->configuration_seq;
	life->changing = status->changing;
	tell(life, status);
}
