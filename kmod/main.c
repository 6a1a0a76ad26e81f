// SPDX-License-Identifier: GPL-2.0
/*
 * The module: a table of groups, one minor each, and nothing else that is global.
 *
 * A started group does not pin the module. Open files do, so that rmmod with one
 * is refused; without, it stops the groups in order.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "compat.h"
#include "failpoint.h"
#include "group.h"
#include "netns.h"
#include "power.h"

static unsigned int groups = 1;
module_param(groups, uint, 0444);
MODULE_PARM_DESC(groups, "number of groups, each a device (1 … 1024, default 1)");

unsigned int raftlog_feature_level = RAFT_FEATURE_LEVEL_LAST;
module_param_named(feature_level, raftlog_feature_level, uint, 0444);
MODULE_PARM_DESC(feature_level, "highest feature level that is offered, to be able to go back to a version that has no more");

static struct raftlog_group **group_table;
static struct class *group_class;
static dev_t first_devt;

static char *devnode(RAFTLOG_CONST_DEVICE *dev, umode_t *mode)
{
	if (mode)
		*mode = 0660;
	return NULL;
}

static void remove_groups(void)
{
	unsigned int minor = groups;

	while (minor--) {
		if (group_table[minor])
			raftlog_group_remove(group_table[minor]);
	}
}

/* From the first on somebody may run what this module is made of: then there is no way back. */
static int create_groups(void)
{
	unsigned int minor;

	for (minor = 0; minor < groups; minor++) {
		struct raftlog_group *group = raftlog_group_create(
			group_class, first_devt + minor, minor);

		if (IS_ERR(group)) {
			pr_err("only %u of %u groups could be made (error %ld)\n",
			       minor, groups, PTR_ERR(group));
			return minor ? 0 : PTR_ERR(group);
		}
		/* Pairs with raftlog_group_find(): whoever finds it, finds it made. */
		smp_store_release(&group_table[minor], group);
	}
	return 0;
}

struct raftlog_group *raftlog_group_find(unsigned int minor)
{
	/* Pairs with create_groups(). */
	return minor < groups ? smp_load_acquire(&group_table[minor]) : NULL;
}

static int __init raftlog_init(void)
{
	int error;

	if (groups < 1 || groups > RAFTLOG_GROUPS_MAX) {
		pr_err("groups=%u: must be 1 to %d\n", groups,
		       RAFTLOG_GROUPS_MAX);
		return -EINVAL;
	}
	if (raftlog_feature_level > RAFT_FEATURE_LEVEL_LAST) {
		pr_err("feature_level=%u: this version has 0 to %d\n",
		       raftlog_feature_level, RAFT_FEATURE_LEVEL_LAST);
		return -EINVAL;
	}
	group_table = kcalloc(groups, sizeof(*group_table), GFP_KERNEL);
	if (!group_table)
		return -ENOMEM;
	error = alloc_chrdev_region(&first_devt, 0, groups, KBUILD_MODNAME);
	if (error)
		goto free_table;
	group_class = raftlog_class_create(KBUILD_MODNAME);
	if (IS_ERR(group_class)) {
		error = PTR_ERR(group_class);
		goto unregister_region;
	}
	group_class->devnode = devnode;
	error = raftlog_failpoints_init();
	if (error)
		goto destroy_class;
	error = raftlog_netns_init();
	if (error)
		goto exit_failpoints;
	error = raftlog_power_init();
	if (error)
		goto exit_netns;
	/* Last: what is there can be opened. */
	error = create_groups();
	if (error)
		goto remove_groups;
	return 0;

remove_groups:
	raftlog_power_exit();
	remove_groups();
exit_netns:
	raftlog_netns_exit();
exit_failpoints:
	raftlog_failpoints_exit();
destroy_class:
	class_destroy(group_class);
unregister_region:
	unregister_chrdev_region(first_devt, groups);
free_table:
	kfree(group_table);
	return error;
}

static void __exit raftlog_exit(void)
{
	raftlog_power_exit();
	remove_groups();
	raftlog_netns_exit();
	raftlog_failpoints_exit();
	class_destroy(group_class);
	unregister_chrdev_region(first_devt, groups);
	kfree(group_table);
}

module_init(raftlog_init);
module_exit(raftlog_exit);

MODULE_DESCRIPTION("Replicated log (Raft) as a character device");
MODULE_AUTHOR("The raftlog authors");
MODULE_VERSION(RAFTLOG_RELEASE);
MODULE_SOFTDEP("pre: crc32c");
MODULE_LICENSE("GPL");
