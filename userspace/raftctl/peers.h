/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The members of a group as this node sees them, for status and members.
 */
#ifndef RAFTCTL_PEERS_H
#define RAFTCTL_PEERS_H

#include <linux/raftlog.h>

/**
 * struct peers - the members
 * @n: how many
 * @peers: each
 */
struct peers {
	unsigned int n;
	struct raftlog_peer peers[RAFTLOG_MEMBERS_MAX];
};

/** peers_get() - Return: 0, or a negative errno. */
int peers_get(int fd, struct peers *peers);

/**
 * view_get() - the status of the group, and its members if it runs
 *
 * A group that stopped in between has no members; that is no error.
 *
 * Return: 0, or not, having complained.
 */
int view_get(struct raftlog_status *status, struct peers *peers);

/**
 * peers_print() - table of the members
 * @peers: from peers_get()
 * @status: of the same group; a leader's has more columns
 */
void peers_print(const struct peers *peers,
		 const struct raftlog_status *status);

/** peers_json() - the same as an array */
void peers_json(const char *key, const struct peers *peers,
		const struct raftlog_status *status);

#endif /* RAFTCTL_PEERS_H */
