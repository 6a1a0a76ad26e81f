// SPDX-License-Identifier: GPL-2.0
/*
 * Machines whose memory goes back in time. What a member has promised, and the
 * counters of its keys, must not: a vote would be given twice, a nonce used twice.
 *
 *	hibernation	threads of the kernel go on while the image is written, and
 *			after that the machine resumes with what was before: groups
 *			are stopped first, in order
 *	a snapshot of	told by the hypervisor, if it can (vmgenid), and only after
 *	a guest		the guest runs again: nothing is sent any more that was keyed
 *			before, whatever else goes on, and groups fail
 *
 * Suspend to RAM and a paused guest only lose time, which any member may; but a leader
 * does not notice, and believes in its lease for as long as it lasted (ABI-sysfs).
 */
#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/suspend.h>

#include "group.h"
#include "life.h"
#include "power.h"

static bool is_hibernating;
static atomic_t generation;

int raftlog_power_generation(void)
{
	return atomic_read(&generation);
}

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

static void stop_all(void)
{
	struct raftlog_group *group;
	unsigned int minor;

	for (minor = 0; (group = raftlog_group_find(minor)); minor++) {
		mutex_lock(&group->lifecycle);
		if (group->life)
			stop(group);
		mutex_unlock(&group->lifecycle);
	}
}

/* Waits for nobody who starts or stops one. Whoever starts looks once it is there. */
static void fail_all(void)
{
	struct raftlog_group *group;
	unsigned int minor;

	for (minor = 0; (group = raftlog_group_find(minor)); minor++) {
		struct raftlog_life *life = raftlog_group_life(group);

		if (!life)
			continue;
		raftlog_power_check(life);
		raftlog_life_put(life);
	}
}

void raftlog_power_check(struct raftlog_life *life)
{
	if (life->generation != raftlog_power_generation())
		raftlog_life_fail(life, -ESTALE,
				  "the machine went on from a snapshot of its memory");
}

static int power_event(struct notifier_block *block, unsigned long event, void *unused)
{
	switch (event) {
	case PM_HIBERNATION_PREPARE:
		/* Whoever is starting one has it stopped, whoever comes later sees it. */
		WRITE_ONCE(is_hibernating, true);
		stop_all();
		break;
	case PM_POST_HIBERNATION:
		WRITE_ONCE(is_hibernating, false);
		break;
	}
	return NOTIFY_DONE;
}

static int fork_event(struct notifier_block *block, unsigned long event, void *unused)
{
	atomic_inc(&generation);
	fail_all();
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
