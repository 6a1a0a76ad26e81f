/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The members while they change: who is to have what, and who asks for it. What
 * the core makes of its configurations is computed here once more, from the
 * entries alone.
 */
#ifndef RAFTLOG_SIM_MEMBERSHIP_H
#define RAFTLOG_SIM_MEMBERSHIP_H

#include "log.h"
#include "raft/raft.h"

struct node;
struct world;

enum { CHANGES_MAX = 8 };

/**
 * struct wish - a change that somebody asks a node for
 * @changes: of the members
 * @n: how many
 */
struct wish {
	struct raft_change changes[CHANGES_MAX];
	u32 n;
};

/** members_at() - the configuration in force in a log that ends with @record */
const struct raft_configuration *members_at(const struct record *record);

/** members_of() - the one that @node goes by, NULL if it knows none */
const struct raft_configuration *members_of(const struct node *node);

/** members_final() - the one that all should have got to in the end */
const struct raft_configuration *members_final(const struct world *w);

/** members_know() - is it a voter, with the disk that it has? */
bool members_know(const struct raft_configuration *c, const struct node *node);

/** members_deny() - is it a voter (of either of the two), with another disk? */
bool members_deny(const struct raft_configuration *c, const struct node *node);

/** members_include() - is it a member, or one of either of the two? */
bool members_include(const struct raft_configuration *c, u32 id);

/** members_agree() - is @set (bit: id) enough to decide? */
bool members_agree(const struct raft_configuration *c, u32 set);

/** members_know_disks() - does everybody with a log tell a new disk from the one before? */
bool members_know_disks(const struct world *w);

/** members_may_harm() - can the disk of @node be lost besides those that are? */
bool members_may_harm(struct world *w, const struct node *node);

/** members_appended() - a configuration that no log had before: may it follow? */
void members_appended(struct world *w, struct node *node,
		      struct record *record, const void *data);

/** members_committed() - a configuration is committed for the first time */
void members_committed(struct world *w, const struct record *record);

/** members_wish() - ask some node for some change */
void members_wish(struct world *w);

/** members_may_wish() - is it wise still, when @node comes to it? A disk may be lost since */
bool members_may_wish(const struct world *w, const struct node *node,
		      const struct wish *wish);

/** members_asked() - the core's answer */
void members_asked(struct world *w, struct node *node,
		   const struct raft_change_request *request);

#endif /* RAFTLOG_SIM_MEMBERSHIP_H */
