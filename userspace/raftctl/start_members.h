/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The members of the cluster, from the options of start.
 */
#ifndef RAFTCTL_START_MEMBERS_H
#define RAFTCTL_START_MEMBERS_H

#include <linux/raftlog.h>

#include "types.h"

/**
 * struct start_members - what the options say about members
 * @node_id: this node
 * @listen: its local address; family 0: not given
 * @advertise: where the others reach it; family 0: not given
 * @n_witnesses: in @witnesses
 * @witnesses: ids of --witness
 * @n: members in @members
 * @members: as given with --peer; complete and sorted by start_members_finish()
 */
struct start_members {
	__u32 node_id;
	struct raftlog_addr listen;
	struct raftlog_addr advertise;
	unsigned int n_witnesses;
	__u32 witnesses[RAFTLOG_MEMBERS_MAX];
	unsigned int n;
	struct raftlog_member members[RAFTLOG_MEMBERS_MAX];
};

/** start_members_address() - Return: false, having complained. */
bool start_members_address(const char *option, const char *text,
			   struct raftlog_addr *addr);

/**
 * start_members_parse() - ID=ADDRESS:PORT, where a member can be reached
 * @option: what it was given to, for complaints
 * @text: as given
 * @id: filled in
 * @addr: filled in
 *
 * Return: false, having complained.
 */
bool start_members_parse(const char *option, const char *text, __u32 *id,
			 struct raftlog_addr *addr);

/** start_members_add() - a --peer ID=ADDRESS. Return: false, having complained. */
bool start_members_add(struct start_members *members, const char *text);

/** start_members_witness() - a --witness ID. Return: false, having complained. */
bool start_members_witness(struct start_members *members, const char *text);

/**
 * start_members_finish() - add this node, sort, check
 *
 * The list may name this node as well, so that it can be the same everywhere.
 *
 * Return: false, having complained.
 */
bool start_members_finish(struct start_members *members);

#endif /* RAFTCTL_START_MEMBERS_H */
