// SPDX-License-Identifier: GPL-2.0
/*
 * What changed, for whoever wants to know: a ring read by RAFTLOG_IOC_GET_EVENTS,
 * poll(2), uevents, and sysfs_notify() of the files that say it. The owner thread
 * only fills the ring; a work item tells user space.
 */
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/poll.h>
#include <linux/sysfs.h>

#include "group.h"
#include "raft/raft.h"

static struct raftlog_event *slot_of(struct raftlog_group *group, u64 seq)
{
	return &group->events[seq % RAFTLOG_EVENTS_KEPT];
}

static bool says_the_same(const struct raftlog_event *a,
			  const struct raftlog_event *b)
{
	return a->type == b->type && a->edge == b->edge &&
	       a->from_role == b->from_role && a->to_role == b->to_role &&
	       a->reason == b->reason && a->leader_id == b->leader_id &&
	       a->current_term == b->current_term;
}

/*
 * Alone, a server offers itself (1) and finds no majority (5) every election
 * timeout. Once is news; the ring is for what came before.
 */
static bool is_repetition(struct raftlog_group *group,
			  const struct raftlog_event *event)
{
	const struct raftlog_event *last = slot_of(group, group->event_seq);
	const struct raftlog_event *before =
		slot_of(group, group->event_seq - 1);

	return group->event_seq >= 2 && event->type == RAFTLOG_EVENT_ROLE &&
	       before->from_role == last->to_role &&
	       before->to_role == last->from_role &&
	       !before->leader_id && !last->leader_id &&
	       (says_the_same(event, before) || says_the_same(event, last));
}

static void add(struct raftlog_group *group, struct raftlog_event *event)
{
	lockdep_assert_held(&group->lock);
	event->time_ns = ktime_get_real_ns();
	event->seq = ++group->event_seq;
	event->state = group->state;
	*slot_of(group, event->seq) = *event;
}

static void wake(struct raftlog_group *group)
{
	/* io_uring passes over EPOLLPRI alone. */
	raftlog_group_wake(group, &group->event_wait, 0);
	schedule_work(&group->notify);
}

void raftlog_event_add(struct raftlog_group *group, struct raftlog_event *event)
{
	bool news;

	spin_lock(&group->lock);
	news = !is_repetition(group, event);
	if (news)
		add(group, event);
	spin_unlock(&group->lock);
	if (news)
		wake(group);
}

void raftlog_event_state(struct raftlog_group *group, u32 state)
{
	struct raftlog_event event = { .type = RAFTLOG_EVENT_STATE };

	spin_lock(&group->lock);
	group->state = state;
	add(group, &event);
	spin_unlock(&group->lock);
	wake(group);
}

bool raftlog_event_get(struct raftlog_group *group, u64 after_seq,
		       struct raftlog_event *event)
{
	bool found = false;
	u64 seq;

	spin_lock(&group->lock);
	if (after_seq < group->event_seq) {
		seq = after_seq + 1;
		if (group->event_seq - after_seq > RAFTLOG_EVENTS_KEPT)
			seq = group->event_seq - RAFTLOG_EVENTS_KEPT + 1;
		*event = *slot_of(group, seq);
		found = true;
	}
	spin_unlock(&group->lock);
	return found;
}

u64 raftlog_event_seq(struct raftlog_group *group)
{
	u64 seq;

	spin_lock(&group->lock);
	seq = group->event_seq;
	spin_unlock(&group->lock);
	return seq;
}

static const char *const state_names[] = {
	[RAFTLOG_STATE_STOPPED] = "stopped",
	[RAFTLOG_STATE_STARTING] = "starting",
	[RAFTLOG_STATE_RUNNING] = "running",
	[RAFTLOG_STATE_STOPPING] = "stopping",
	[RAFTLOG_STATE_FAILED] = "failed",
};

const char *raftlog_state_name(u32 state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : "unknown";
}

static void tell(struct raftlog_group *group, const struct raftlog_event *event)
{
	char state[32], role[32], leader_id[32], current_term[48], edge[16];
	char *environment[6] = { state };

	snprintf(state, sizeof(state), "STATE=%s",
		 raftlog_state_name(event->state));
	snprintf(role, sizeof(role), "ROLE=%s", raft_role_name(event->to_role));
	snprintf(leader_id, sizeof(leader_id), "LEADER_ID=%u",
		 event->leader_id);
	snprintf(current_term, sizeof(current_term), "CURRENT_TERM=%llu",
		 event->current_term);
	snprintf(edge, sizeof(edge), "EDGE=%u", event->edge);
	/* A change of state says nothing of the role. */
	if (event->type != RAFTLOG_EVENT_STATE) {
		environment[1] = role;
		environment[2] = leader_id;
		environment[3] = current_term;
		if (event->type != RAFTLOG_EVENT_MEMBERSHIP)
			environment[4] = edge;
	}
	kobject_uevent_env(&group->dev.kobj, KOBJ_CHANGE, environment);

	if (event->type == RAFTLOG_EVENT_STATE)
		sysfs_notify(&group->dev.kobj, NULL, "state");
	if (event->type == RAFTLOG_EVENT_MEMBERSHIP)
		sysfs_notify(&group->dev.kobj, NULL, "configuration_index");
	sysfs_notify(&group->dev.kobj, NULL, "role");
	sysfs_notify(&group->dev.kobj, NULL, "leader_id");
}

void raftlog_events_notify(struct work_struct *work)
{
	struct raftlog_group *group =
		container_of(work, struct raftlog_group, notify);
	struct raftlog_event event;

	while (raftlog_event_get(group, group->notified_seq, &event)) {
		group->notified_seq = event.seq;
		tell(group, &event);
	}
}
