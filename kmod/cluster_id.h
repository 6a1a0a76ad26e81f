/* SPDX-License-Identifier: GPL-2.0 */
/* Which cluster a node belongs to: pure. */
#ifndef RAFTLOG_CLUSTER_ID_H
#define RAFTLOG_CLUSTER_ID_H

#include "pure.h"

/**
 * raftlog_cluster_id() - name a cluster by a number
 * @name: cluster_name, zero-padded
 * @name_bytes: its length with the padding
 * @configuration: canonical encoding of the first configuration
 * @configuration_bytes: its length
 *
 * Nodes whose name or whose list of members differ get different numbers, so
 * that they do not talk. It tells mistakes apart, not attackers.
 *
 * Return: FNV-1a of both, never 0.
 */
u64 raftlog_cluster_id(const char *name, size_t name_bytes,
		       const void *configuration, size_t configuration_bytes);

#endif /* RAFTLOG_CLUSTER_ID_H */
