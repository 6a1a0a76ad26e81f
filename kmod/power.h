/* SPDX-License-Identifier: GPL-2.0 */
/* Hibernation, and guests that go on from a snapshot of their memory. */
#ifndef RAFTLOG_POWER_H
#define RAFTLOG_POWER_H

#include <linux/types.h>

struct raftlog_life;

/** raftlog_power_init() - hear of them; groups can be found. Return: 0 or an errno */
int raftlog_power_init(void);

/** raftlog_power_exit() - the counterpart */
void raftlog_power_exit(void);

/**
 * raftlog_power_generation() - another one each time that memory went back in time
 *
 * What was drawn or counted under an earlier one may be in use by a twin of this
 * machine. Any context.
 */
int raftlog_power_generation(void);

/** raftlog_power_check() - a group that is of an earlier generation fails */
void raftlog_power_check(struct raftlog_life *life);

/** raftlog_power_is_hibernating() - no group is to start: nobody would stop it */
bool raftlog_power_is_hibernating(void);

#endif /* RAFTLOG_POWER_H */
