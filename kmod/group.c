// SPDX-License-Identifier: GPL-2.0
/* One minor: its device, its state, its present life. */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "group.h"
#include "life.h"

static void release_group(struct device *dev)
{
	kfree(container_of(dev, struct raftlog_group, dev));
}

static void init_group(struct raftlog_group *group)
{
	mutex_init(&group->lifecycle);
	spin_lock_init(&group->lock);
	init_waitqueue_head(&group->read_wait);
	init_waitqueue_head(&group->write_wait);
	init_waitqueue_head(&group->event_wait);
	init_waitqueue_head(&group->poll_wait);
	INIT_WORK(&group->notify, raftlog_events_notify);
	INIT_WORK(&group->members, raftlog_peers_update);
	mutex_init(&group->peers_lock);
	group->state = RAFTLOG_STATE_STOPPED;
}

void raftlog_group_wake(struct raftlog_group *group,
			wait_queue_head_t *sleepers, __poll_t mask)
{
	/* Some sleep where only what is fatal wakes them: see wait.h. */
	wake_up_all(sleepers);
	/* Exclusive ones, too: they are at positions of their own. */
	__wake_up(&group->poll_wait, TASK_NORMAL, 0, poll_to_key(mask));
}

struct raftlog_group *raftlog_group_create(struct class *class, dev_t devt,
					   unsigned int minor)
{
	struct raftlog_group *group = kzalloc(sizeof(*group), GFP_KERNEL);
	int error;

	if (!group)
		return ERR_PTR(-ENOMEM);
	init_group(group);
	device_initialize(&group->dev);
	group->dev.class = class;
	group->dev.devt = devt;
	group->dev.groups = raftlog_attribute_groups;
	group->dev.release = release_group;
	dev_set_drvdata(&group->dev, group);
	if (minor)
		error = dev_set_name(&group->dev, "raftlog%u", minor);
	else
		error = dev_set_name(&group->dev, "raftlog");
	if (error)
		goto put_device;
	cdev_init(&group->cdev, &raftlog_fops);
	group->cdev.owner = THIS_MODULE;
	error = cdev_device_add(&group->cdev, &group->dev);
	if (error)
		goto put_device;
	return group;

put_device:
	put_device(&group->dev);
	return ERR_PTR(error);
}

void raftlog_group_remove(struct raftlog_group *group)
{
	/* No open file is left: they hold the module, and this is its exit. */
	mutex_lock(&group->lifecycle);
	group->removed = true;
	raftlog_life_stop(group);
	mutex_unlock(&group->lifecycle);
	cancel_work_sync(&group->notify);
	cancel_work_sync(&group->members);
	cdev_device_del(&group->cdev, &group->dev);
	put_device(&group->dev);
}

struct raftlog_life *raftlog_group_life(struct raftlog_group *group)
{
	struct raftlog_life *life;

	spin_lock(&group->lock);
	life = group->life;
	if (life)
		refcount_inc(&life->users);
	spin_unlock(&group->lock);
	return life;
}

static void fill_status(struct raftlog_life *life,
			struct raftlog_status *status)
{
	struct raft_status core;
	u64 now_ns;

	spin_lock(&life->status_lock);
	core = life->status;
	status->n_members = life->configuration.n_members;
	spin_unlock(&life->status_lock);

	now_ns = ktime_get_ns();
	status->role = core.role;
	status->node_id = core.node_id;
	status->leader_id = core.leader_id;
	status->cluster_id = life->cluster_id;
	status->current_term = core.hard_state.current_term;
	status->voted_for = core.hard_state.voted_for;
	status->reason = core.reason;
	status->first_index = core.first_index;
	status->last_index = core.last_index;
	status->last_term = core.last_term;
	status->durable_index = core.durable_index;
	status->lost_index = core.lost_index;
	status->configuration_index = core.configuration_index;
	status->changing = core.changing;
	status->transferee = core.transferee;
	status->priority = core.priority;
	status->n_sessions = core.n_sessions;
	status->snapshot_index = core.snapshot.index;
	status->snapshot_bytes = core.snapshot.bytes;
	status->incoming_index = core.incoming.index;
	status->incoming_bytes = core.incoming.bytes;
	status->incoming_offset = core.incoming_offset;
	status->feature_level = core.feature_level;
	status->feature_level_max = life->settings.feature_level;
	status->commit_index = core.commit_index;
	status->lease_remaining_ns =
		core.lease_until_ns > now_ns ? core.lease_until_ns - now_ns : 0;
	status->log_bytes = life->info.log_bytes;
	status->log_bytes_free = core.space_bytes;
	status->cache_bytes = raftlog_cache_bytes(&life->cache);
	status->uptime_ms = div_u64(now_ns - life->started_ns, NSEC_PER_MSEC);

	spin_lock(&life->runs_lock);
	status->last_applied = life->commit_index;
	spin_unlock(&life->runs_lock);
	spin_lock(&life->intake_lock);
	status->n_pending = life->n_pending;
	spin_unlock(&life->intake_lock);
}

void raftlog_group_status(struct raftlog_group *group,
			  struct raftlog_status *status)
{
	struct raftlog_life *life = raftlog_group_life(group);

	memset(status, 0, sizeof(*status));
	if (life) {
		fill_status(life, status);
		raftlog_life_put(life);
	}
	spin_lock(&group->lock);
	status->state = group->state;
	status->event_seq = group->event_seq;
	strscpy(status->failure, group->failure, sizeof(status->failure));
	spin_unlock(&group->lock);
}
