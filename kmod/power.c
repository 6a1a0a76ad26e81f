// SPDX-License-Identifier: GPL-2.0
/*
 * Machines whose memory goes back in time. What a member has promised, and the
 * counters of its keys, must not: a vote would be given twice, a nonce used twice.
 *
 *	hibernation	threads of the kernel go on while the image is written, and
 *			after that the machine resumes with what was before: groups
 *			are stopped first, in order
 *	a snapshot of	told by the hypervisor, if it can (vmgenid), and only after
 *	a guest		the guest runs again: groups fail at once
 *
 * Suspend to RAM and a paused guest only lose time, which any member may.
 */
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/suspend.h>

#include "group.h"
#include "life.h"
#include "power.h"

static bool is_hibernating;

bool raftlog_power_is_hibernating(void)
{
	return READ_ONCE(is_hibernating);
}

static void stop(struct raftlog_group *group)
{
	pr_notice("%s: the machine hibernates, and it ends\n",
		  raftlog_group_name(group));
	raftlog_life_stop(group);
}

static void fail(struct raftlog_group *group)
{
	raftlog_life_fail(group->life, -ESTALE,
			  "the machine went on from a snapshot of its memory");
}

static void end_all(void (*end)(struct raftlog_group *group))
{
	struct raftlog_group *group;
	unsigned int minor;

	for (minor = 0; (group = raftlog_group_find(minor)); minor++) {
		mutex_lock(&group->lifecycle);
		if (group->life)
			end(group);
		mutex_unlock(&group->lifecycle);
	}
}

static int power_event(struct notifier_block *block, unsigned long event, void *unused)
{
	switch (event) {
	case PM_HIBERNATION_PREPARE:
		/* Whoever is starting one has it stopped, whoever comes later sees it. */
		WRITE_ONCE(is_hibernating, true);
		end_all(stop);
		break;
	case PM_POST_HIBERNATION:
		WRITE_ONCE(is_hibernating, false);
		break;
	}
	return NOTIFY_DONE;
}

static int fork_event(struct notifier_block *block, unsigned long event, void *unused)
{
	end_all(fail);
	return NOTIFY_DONE;
}

static struct notifier_block power_block = { .notifier_call = power_event };
static struct notifier_block fork_block = { .notifier_call = fork_event };

int raftlog_power_init(void)
{
	int error = register_pm_notifier(&power_block);

	if (error)
		return error;
	error = register_random_vmfork_notifier(&fork_block);
	if (error)
		unregister_pm_notifier(&power_block);
	return error;
}

void raftlog_power_exit(void)
{
	unregister_random_vmfork_notifier(&fork_block);
	unregister_pm_notifier(&power_block);
}
