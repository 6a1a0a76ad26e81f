/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The network namespace of a group: that of whoever started it. A group does not keep
 * it alive; when it ends, the group is stopped first, in order.
 */
#ifndef RAFTLOG_NETNS_H
#define RAFTLOG_NETNS_H

struct raftlog_group;

/** raftlog_netns_init() - hear of namespaces that end. Return: 0 or an errno */
int raftlog_netns_init(void);

/** raftlog_netns_exit() - the counterpart; no group is started any more */
void raftlog_netns_exit(void);

/**
 * raftlog_netns_enter() - be stopped when the caller's namespace ends
 * @group: that is about to be started, its lifecycle mutex held
 *
 * Sets the group's @net, which is there until raftlog_netns_leave().
 */
void raftlog_netns_enter(struct raftlog_group *group);

/** raftlog_netns_leave() - nothing of the group uses it any more */
void raftlog_netns_leave(struct raftlog_group *group);

#endif /* RAFTLOG_NETNS_H */
