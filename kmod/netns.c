// SPDX-License-Identifier: GPL-2.0
/*
 * Groups and network namespaces. A kernel socket does not count as a user of its
 * namespace, and must not: nobody could end a namespace that a group was left in.
 * So each namespace knows the groups in it, and stops them as the first thing when it
 * ends, while its devices are still there for a leader to hand over.
 *
 * A group is in the list from before its socket is opened, when the process that
 * starts it holds the namespace, until after its socket is closed. Whoever takes it
 * from the list to end it waits for a stop that is under way.
 *
 * Locking: the group's lifecycle mutex > @lock.
 */
#include <linux/device.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "group.h"
#include "life.h"
#include "netns.h"

/**
 * struct raftlog_netns - what a namespace knows of groups
 * @lock: @groups
 * @groups: that are started in it, by their @net_node
 */
struct raftlog_netns {
	spinlock_t lock; /* groups */
	struct list_head groups;
};

static unsigned int netns_id;

void raftlog_netns_enter(struct raftlog_group *group)
{
	struct net *net = current->nsproxy->net_ns;
	struct raftlog_netns *netns = net_generic(net, netns_id);

	lockdep_assert_held(&group->lifecycle);
	group->net = net;
	spin_lock(&netns->lock);
	list_add_tail(&group->net_node, &netns->groups);
	spin_unlock(&netns->lock);
}

void raftlog_netns_leave(struct raftlog_group *group)
{
	struct raftlog_netns *netns = net_generic(group->net, netns_id);

	lockdep_assert_held(&group->lifecycle);
	spin_lock(&netns->lock);
	list_del(&group->net_node);
	spin_unlock(&netns->lock);
	group->net = NULL;
}

/* With a reference, or NULL. */
static struct raftlog_group *first_group(struct raftlog_netns *netns)
{
	struct raftlog_group *group;

	spin_lock(&netns->lock);
	group = list_first_entry_or_null(&netns->groups, struct raftlog_group,
					 net_node);
	if (group)
		get_device(&group->dev);
	spin_unlock(&netns->lock);
	return group;
}

static int __net_init netns_init(struct net *net)
{
	struct raftlog_netns *netns = net_generic(net, netns_id);

	spin_lock_init(&netns->lock);
	INIT_LIST_HEAD(&netns->groups);
	return 0;
}

static void __net_exit netns_pre_exit(struct net *net)
{
	struct raftlog_netns *netns = net_generic(net, netns_id);
	struct raftlog_group *group;

	while ((group = first_group(netns))) {
		mutex_lock(&group->lifecycle);
		/* Unless somebody else has stopped it meanwhile. */
		if (group->net == net) {
			pr_notice("%s: its network namespace ends, and so does it\n",
				  raftlog_group_name(group));
			raftlog_life_stop(group);
		}
		mutex_unlock(&group->lifecycle);
		put_device(&group->dev);
	}
}

static struct pernet_operations netns_ops = {
	.init = netns_init,
	.pre_exit = netns_pre_exit,
	.id = &netns_id,
	.size = sizeof(struct raftlog_netns),
};

/* As a device: what is registered last ends first, before all of the network. */
int raftlog_netns_init(void)
{
	return register_pernet_device(&netns_ops);
}

void raftlog_netns_exit(void)
{
	unregister_pernet_device(&netns_ops);
}
