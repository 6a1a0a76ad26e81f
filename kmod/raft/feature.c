// SPDX-License-Identifier: GPL-2.0
/*
 * Feature levels: how a cluster is upgraded one server after the other.
 *
 * A version has all levels up to one, and each level is what the versions before it
 * cannot parse. What the cluster may use is a level in the configuration, which is
 * replicated and kept as all of it is. It only ever grows:
 *
 *	a server whose version has more than that tells the leader, with the answer
 *	to each heartbeat (to an older leader that is a message of an unknown type,
 *	which it drops)
 *	the leader appends a configuration with the lowest level of all members, once
 *	each of them, voter or not, has told one within an election timeout: one that
 *	went back to the version before tells nothing, and answers all the same
 *	what is of that level is used once the configuration is committed
 *
 * So a server can be what it was before again only until the last one is upgraded.
 * One that finds a higher level in its log than it has, refuses to start; one that
 * is sent it, because it was not there to be counted, stops itself. Neither does
 * what it would get wrong.
 *
 * Configurations of before there were levels are of level 0.
 */
#include "core.h"

/* What each is of: a line for whatever comes with a new level. */
static const u8 message_levels[RAFT_MESSAGE_TYPE_LAST + 1] = {
	[RAFT_FEATURE_LEVEL] = 1,
};

static const u8 entry_levels[RAFT_ENTRY_TYPE_LAST + 1] = {
	[RAFT_ENTRY_CONFIGURATION] = 0,
};

u8 raft_message_level(u8 type)
{
	return message_levels[type];
}

u8 raft_entry_level(u8 type)
{
	return entry_levels[type];
}

u8 raft_feature_level(const struct raft *r)
{
	u64 index;

	return raft_committed_configuration(r, &index)->feature_level;
}

/* Of the versions before it, which drop it, it asks nothing. */
bool raft_may_send(const struct raft *r, u8 type)
{
	return type == RAFT_FEATURE_LEVEL ||
	       message_levels[type] <= raft_feature_level(r);
}

/* With the answer to a heartbeat of the leader. */
void raft_tell_feature_level(struct raft *r, struct raft_update *update)
{
	struct raft_send *send;

	if (r->settings.feature_level <= r->configuration.feature_level)
		return;
	send = raft_add_send(r, update, RAFT_FEATURE_LEVEL, r->leader_id);
	if (!send)
		return;
	send->message.feature_level.level = r->settings.feature_level;
	raft_send_durable(r, send);
}

void raft_receive_feature_level(struct raft *r,
				const struct raft_message *message)
{
	struct raft_peer *peer = raft_find_peer(r, message->from);

	if (!peer)
		return;
	peer->feature_level = message->feature_level.level;
	peer->feature_level_ns = r->now_ns;
}

/* Can this server go by such a configuration? If not, it takes no further part. */
bool raft_has_level_of(struct raft *r, struct raft_update *update,
		       const struct raft_configuration *configuration)
{
	return configuration->feature_level <= r->settings.feature_level ||
	       raft_fail(r, update, RAFT_REASON_FEATURE_LEVEL,
			 "the cluster uses what this version does not have: upgrade it");
}

static u8 told_level(const struct raft *r, const struct raft_peer *peer)
{
	return r->now_ns < peer->feature_level_ns +
				   r->settings.election_timeout_ns ?
		       peer->feature_level : 0;
}

u8 raft_lowest_feature_level(const struct raft *r)
{
	u8 level = r->settings.feature_level;
	u32 i;

	for (i = 0; i < r->n_peers; i++)
		if (!raft_is_self(r, i))
			level = min(level, told_level(r, &r->peers[i]));
	return level;
}
