/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The quorum is lost for good: one node is left, with what was on its disk when the
 * power failed everywhere, and goes on as a cluster of its own. The others come back
 * with empty disks, as new members, if anybody asks for them.
 */
#ifndef RAFTLOG_SIM_SURVIVOR_H
#define RAFTLOG_SIM_SURVIVOR_H

#include "pure.h"

struct world;

/** survivor_goes_on() - Return: false, if there is none that could */
bool survivor_goes_on(struct world *w);

#endif /* RAFTLOG_SIM_SURVIVOR_H */
