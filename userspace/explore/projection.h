/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RAFTLOG_EXPLORE_PROJECTION_H
#define RAFTLOG_EXPLORE_PROJECTION_H

#include "set.h"

/** world_hash() - equal for states that the search takes for the same */
struct hash world_hash(void);

#endif /* RAFTLOG_EXPLORE_PROJECTION_H */
