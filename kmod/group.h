/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A group: one minor of the device, for as long as the module is loaded. What
 * runs between START and STOP is its life (life.h), which open files, sysfs and
 * sleepers take by reference for as long as they need it and no longer.
 *
 * Lifetime. The group is freed by the release of its struct device. Open files
 * hold it through the cdev, sysfs through kernfs, the notify work is cancelled
 * before the device goes.
 *
 * Locking: I: set before others can see it. M: @lifecycle. L: @lock.
 *	@lifecycle > @lock. @lock is a leaf, taken in process context only.
 */
#ifndef RAFTLOG_GROUP_H
#define RAFTLOG_GROUP_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/raftlog.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "raft/raft.h"

/* Of the module, wherever it is: THIS_MODULE is none where it is built in. */
#define RAFTLOG_RELEASE "0.1.0"

struct net;
struct raftlog_life;

enum {
	RAFTLOG_GROUPS_MAX = 1024,
	RAFTLOG_EVENTS_KEPT = 256,
};

/**
 * struct raftlog_group - one minor
 * @dev: I: the device, and the group's reference count
 * @cdev: I: its character device
 * @lifecycle: serializes START, STOP and removal
 * @removed: M: no START any more
 * @net: M: the network namespace that it is started in, else NULL
 * @net_node: in its list, see netns.c
 * @lock: see below
 * @state: L: enum raftlog_state
 * @life: L: between START and STOP, else NULL
 * @n_stops: L: lives that ended
 * @failure: L: why the last life failed, empty if it did not
 * @event_seq: L: number of the newest event
 * @events: L: ring of the newest events, by seq
 * @read_wait: a commit, an end of life
 * @write_wait: room for a proposal, a leader, an end of life
 * @event_wait: an event
 * @poll_wait: poll(2), for any of these: AIO can wait in one place only
 * @notify: tells user space about events (uevent, sysfs_notify)
 * @notified_seq: @notify's: events it has told
 * @members: makes @peer_dirs follow the members
 * @peers_lock: what follows; inside @lifecycle
 * @peers: sysfs directory of the members, NULL unless started
 * @peer_dirs: and of each
 */
struct raftlog_group {
	struct device dev;
	struct cdev cdev;

	struct mutex lifecycle; /* START, STOP, removal */
	bool removed;
	struct net *net;
	struct list_head net_node;

	spinlock_t lock; /* L: state, life, events */
	u32 state;
	struct raftlog_life *life;
	u64 n_stops;
	char failure[RAFTLOG_FAILURE_CHARS];
	u64 event_seq;
	struct raftlog_event events[RAFTLOG_EVENTS_KEPT];

	wait_queue_head_t read_wait;
	wait_queue_head_t write_wait;
	wait_queue_head_t event_wait;
	wait_queue_head_t poll_wait;

	struct work_struct notify;
	u64 notified_seq;
	struct work_struct members;
	struct mutex peers_lock; /* peers, peer_dirs */
	struct kobject *peers;
	struct kobject *peer_dirs[RAFT_MEMBERS_MAX];
};

/**
 * struct raftlog_open - an open file
 * @group: I: whose
 * @refs: the file, and each entry accepted under O_NONBLOCK
 * @read_lock: @position; two threads never read the same entry
 * @position: next index to read
 * @lowest_offset: the lowest index at which an asynchronous read by offset was told
 *	EAGAIN; changed under @lock, never raised
 * @framed: RAFTLOG_IOC_SET_FRAMED
 * @framed_flags: RAFTLOG_FRAMED_F_*
 * @n_stops: group's at open: a later stop is a hang-up
 * @seen_seq: newest event this file knows of
 * @lock: what follows
 * @pending: accepted entries that are not done, in order
 * @accepted_seq: number of the newest accepted one
 * @error: first failure of an accepted entry that was not reported
 * @session: RAFTLOG_IOC_SET_SESSION: see struct raft_entry, 0: none
 * @session_incarnation: of the log that it is a session of
 * @done_wait: an accepted entry is done
 */
struct raftlog_open {
	struct raftlog_group *group;
	struct kref refs;

	struct mutex read_lock; /* position */
	loff_t position;
	loff_t lowest_offset;
	bool framed;
	u32 framed_flags;
	u64 n_stops;
	u64 seen_seq;

	spinlock_t lock; /* lowest_offset, pending, accepted_seq, error, session */
	struct list_head pending;
	u64 accepted_seq;
	int error;
	u64 session;
	u64 session_incarnation;
	wait_queue_head_t done_wait;
};

static inline const char *raftlog_group_name(const struct raftlog_group *group)
{
	return dev_name(&group->dev);
}

/**
 * raftlog_group_create() - a stopped group and its device
 * @class: of the device
 * @devt: its number
 * @minor: 0 is called "raftlog", N "raftlogN"
 *
 * Return: the group or ERR_PTR.
 */
struct raftlog_group *raftlog_group_create(struct class *class, dev_t devt,
					   unsigned int minor);

/**
 * raftlog_group_wake() - something happened that is waited for
 * @group: where
 * @sleepers: the queue of those who wait for that in the kernel
 * @mask: what poll(2) says of it, for certain; 0: it is to look again
 *
 * Context: any in which locks of wait queues may be taken.
 */
void raftlog_group_wake(struct raftlog_group *group,
			wait_queue_head_t *sleepers, __poll_t mask);

/* main.c: of the module's parameter */
extern unsigned int raftlog_feature_level;

/** raftlog_group_find() - by minor; NULL if there is none. main.c */
struct raftlog_group *raftlog_group_find(unsigned int minor);

/** raftlog_group_remove() - stop it, take its device away, drop the table's hold */
void raftlog_group_remove(struct raftlog_group *group);

/**
 * raftlog_group_life() - what runs now
 * @group: whose
 *
 * Return: the life with a reference for the caller, who gives it back with
 * raftlog_life_put() as soon as it can: a stop waits for it. NULL if the group is
 * not started.
 */
struct raftlog_life *raftlog_group_life(struct raftlog_group *group);

/** raftlog_group_status() - what RAFTLOG_IOC_GET_STATUS says; may sleep */
void raftlog_group_status(struct raftlog_group *group,
			  struct raftlog_status *status);

/* events.c */

/**
 * raftlog_event_add() - keep an event, wake who waits for it, tell user space
 * @group: whose
 * @event: seq, time_ns and state are filled in
 *
 * Any context that may take spinlocks; never sleeps.
 */
void raftlog_event_add(struct raftlog_group *group, struct raftlog_event *event);

/** raftlog_event_state() - set the state and keep the event that says so */
void raftlog_event_state(struct raftlog_group *group, u32 state);

/**
 * raftlog_event_get() - the oldest event that is newer than @after_seq
 * @group: whose
 * @after_seq: seq of the last one known
 * @event: filled in
 *
 * Return: whether there is one.
 */
bool raftlog_event_get(struct raftlog_group *group, u64 after_seq,
		       struct raftlog_event *event);
u64 raftlog_event_seq(struct raftlog_group *group);
const char *raftlog_state_name(u32 state);
void raftlog_events_notify(struct work_struct *work);

/* chardev.c, ioctl.c, sysfs.c */
extern const struct file_operations raftlog_fops;
extern const struct attribute_group *raftlog_attribute_groups[];
long raftlog_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
void raftlog_open_release(struct kref *refs);

/** raftlog_address_emit() - ip:port for a sysfs file. Return: bytes */
int raftlog_address_emit(char *buf, const struct raft_address *address);

/* peers.c; the first and the last under the group's lifecycle mutex */
int raftlog_peers_add(struct raftlog_group *group, struct raftlog_life *life);
void raftlog_peers_update(struct work_struct *work);
void raftlog_peers_remove(struct raftlog_group *group);

#endif /* RAFTLOG_GROUP_H */
