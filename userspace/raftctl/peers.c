// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "device.h"
#include "format.h"
#include "json.h"
#include "names.h"
#include "peers.h"
#include "raftctl.h"

int peers_get(int fd, struct peers *peers)
{
	struct raftlog_members members = {
		.n_peers = RAFTLOG_MEMBERS_MAX,
		.peers = (uintptr_t)peers->peers,
		.peer_bytes = sizeof(peers->peers[0]),
	};
	int ret;

	memset(peers, 0, sizeof(*peers));
	ret = device_get_members(fd, &members);
	if (!ret)
		peers->n = members.n_peers;
	return ret;
}

int view_get(struct raftlog_status *status, struct peers *peers)
{
	int fd, ret;

	memset(status, 0, sizeof(*status));
	memset(peers, 0, sizeof(*peers));
	fd = connect_device(O_RDONLY);
	if (fd < 0)
		return -1;
	ret = device_get_status(fd, status);
	if (!ret && status->state == RAFTLOG_STATE_RUNNING) {
		ret = peers_get(fd, peers);
		if (ret == -ENOTCONN)
			ret = device_get_status(fd, status);
	}
	device_close(fd);
	status->failure[sizeof(status->failure) - 1] = '\0';
	if (ret)
		complain_errno(-ret, "get the status");
	return ret;
}

static u64 peer_lag(const struct raftlog_peer *peer,
		    const struct raftlog_status *status)
{
	return status->last_index > peer->match_index ?
		       status->last_index - peer->match_index :
		       0;
}

static bool is_witness(const struct raftlog_peer *peer)
{
	return peer->member.flags & RAFTLOG_MEMBER_F_WITNESS;
}

static const char *peer_role(const struct raftlog_peer *peer,
			     const struct raftlog_status *status)
{
	if (peer->flags & RAFTLOG_PEER_F_FOREIGN)
		return "another disk";
	if (peer->flags & RAFTLOG_PEER_F_SELF)
		return role_name(status->role);
	if (peer->flags & RAFTLOG_PEER_F_LEADER)
		return "leader";
	return member_kind_name(peer->member.kind);
}

/* Under a leader, followers hear from it alone: silence of others says nothing. */
static bool is_heard(const struct raftlog_peer *peer,
		     const struct raftlog_status *status)
{
	if (peer->flags & RAFTLOG_PEER_F_SELF)
		return false;
	return status->role == RAFTLOG_ROLE_LEADER || !status->leader_id ||
	       peer->flags & RAFTLOG_PEER_F_LEADER;
}

static void add_contact(struct table *table, const struct raftlog_peer *peer,
			const struct raftlog_status *status)
{
	char buf[FORMAT_CHARS];

	if (is_heard(peer, status))
		table_cell(table, "%s",
			   peer->flags & RAFTLOG_PEER_F_ACTIVE ? "yes" : "no");
	else
		table_cell(table, "-");
	if (peer->flags & RAFTLOG_PEER_F_SELF)
		table_cell(table, "-");
	else if (peer->last_contact_ms != UINT64_MAX)
		table_cell(table, "%s",
			   format_duration(buf, peer->last_contact_ms));
	else
		table_cell(table, "%s", is_heard(peer, status) ? "never" : "-");
}

/* What only a leader knows of the others. */
static void add_progress(struct table *table, const struct raftlog_peer *peer,
			 const struct raftlog_status *status)
{
	char buf[FORMAT_CHARS];

	table_cell(table, "%llu", peer_lag(peer, status));
	table_cell(table, "%llu", peer->match_index);
	table_cell(table, "%s", progress_name(peer->progress));
	if (peer->inflight_messages)
		table_cell(table, "%u, %s", peer->inflight_messages,
			   format_bytes(buf, peer->inflight_bytes));
	else
		table_cell(table, "0");
}

/* What is to become of it. */
static bool has_outlook(const struct raftlog_peer *peer)
{
	bool votes = peer->member.kind == RAFTLOG_VOTER;

	return peer->member.kind == RAFTLOG_ABSENT ||
	       peer->flags & RAFTLOG_PEER_F_AUTO_PROMOTE ||
	       (!votes && peer->flags & (RAFTLOG_PEER_F_CAUGHT_UP |
					 RAFTLOG_PEER_F_OLD_VOTER));
}

static void add_outlook(struct table *table, const struct raftlog_peer *peer)
{
	if (!has_outlook(peer))
		table_cell(table, "%s", "");
	else if (peer->member.kind == RAFTLOG_ABSENT)
		table_cell(table, "leaves");
	else if (peer->flags & RAFTLOG_PEER_F_OLD_VOTER)
		table_cell(table, "loses its vote");
	else if (peer->replaces)
		table_cell(table, "replaces %u once it has caught up",
			   peer->replaces);
	else if (peer->flags & RAFTLOG_PEER_F_AUTO_PROMOTE)
		table_cell(table, "gets a vote once it has caught up");
	else
		table_cell(table, "has caught up");
}

/* While an upgrade is under way. */
static bool levels_differ(const struct peers *peers,
			  const struct raftlog_status *status)
{
	for (unsigned int i = 0; i < peers->n; i++)
		if (peers->peers[i].feature_level != status->feature_level)
			return true;
	return false;
}

static void add_row(struct table *table, const struct raftlog_peer *peer,
		    const struct raftlog_status *status)
{
	bool self = peer->flags & RAFTLOG_PEER_F_SELF;
	bool leads = status->role == RAFTLOG_ROLE_LEADER;
	char buf[ADDR_CHARS];

	table_cell(table, "%u", peer->member.id);
	table_cell(table, "%s%s%s", peer_role(peer, status),
		   is_witness(peer) ? ", witness" : "",
		   self ? " (this node)" : "");
	table_cell(table, "%s", addr_format(buf, &peer->member.addr));
	add_contact(table, peer, status);
	if (!leads)
		return;
	if (self || !peer->rtt_ns)
		table_cell(table, "-");
	else
		table_cell(table, "%s", format_ns(buf, peer->rtt_ns));
	if (!self) {
		add_progress(table, peer, status);
		return;
	}
	for (int i = 0; i < 4; i++)
		table_cell(table, "-");
}

void peers_print(const struct peers *peers, const struct raftlog_status *status)
{
	static const char *const heads[] = {
		"id",  "role", "address",     "active",	  "last contact",
		"rtt", "lag",  "match_index", "progress", "in flight"
	};
	bool leads = status->role == RAFTLOG_ROLE_LEADER;
	unsigned int n_heads = leads ? 10 : 5;
	struct table table = {
		.n_columns = n_heads,
		.right = 1 << 0 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7,
	};

	bool levels = leads && levels_differ(peers, status);
	bool outlook = false;

	for (unsigned int i = 0; i < peers->n; i++)
		outlook |= has_outlook(&peers->peers[i]);
	table.n_columns += levels + outlook;
	for (unsigned int i = 0; i < n_heads; i++)
		table_cell(&table, "%s", heads[i]);
	if (levels)
		table_cell(&table, "level");
	if (outlook)
		table_cell(&table, "to come");
	for (unsigned int i = 0; i < peers->n; i++) {
		add_row(&table, &peers->peers[i], status);
		if (levels)
			table_cell(&table, "%u", peers->peers[i].feature_level);
		if (outlook)
			add_outlook(&table, &peers->peers[i]);
	}
	table_print(&table, "  ");
}

static void peer_json(const struct raftlog_peer *peer,
		      const struct raftlog_status *status)
{
	bool known = status->role == RAFTLOG_ROLE_LEADER &&
		     !(peer->flags & RAFTLOG_PEER_F_SELF);
	char buf[ADDR_CHARS];

	json_object(NULL);
	json_number("id", peer->member.id);
	json_string("kind", member_kind_name(peer->member.kind));
	json_bool("witness", is_witness(peer));
	json_string("address", addr_format(buf, &peer->member.addr));
	json_bool("self", peer->flags & RAFTLOG_PEER_F_SELF);
	json_bool("leader", peer->flags & RAFTLOG_PEER_F_LEADER);
	json_bool("active", peer->flags & RAFTLOG_PEER_F_ACTIVE);
	json_bool("foreign", peer->flags & RAFTLOG_PEER_F_FOREIGN);
	json_bool("old_voter", peer->flags & RAFTLOG_PEER_F_OLD_VOTER);
	json_bool("auto_promote", peer->flags & RAFTLOG_PEER_F_AUTO_PROMOTE);
	json_bool("caught_up", peer->flags & RAFTLOG_PEER_F_CAUGHT_UP);
	json_number("replaces", peer->replaces);
	json_number("feature_level", peer->feature_level);
	if (peer->last_contact_ms == UINT64_MAX)
		json_null("last_contact_ms");
	else
		json_number("last_contact_ms", peer->last_contact_ms);
	if (peer->rtt_ns)
		json_number("rtt_ns", peer->rtt_ns);
	else
		json_null("rtt_ns");
	if (known) {
		json_string("progress", progress_name(peer->progress));
		json_number("next_index", peer->next_index);
		json_number("match_index", peer->match_index);
		json_number("priority", peer->priority);
		json_number("lag", peer_lag(peer, status));
		json_number("inflight_messages", peer->inflight_messages);
		json_number("inflight_bytes", peer->inflight_bytes);
	} else {
		json_null("progress");
		json_null("next_index");
		json_null("match_index");
		json_null("lag");
		json_null("inflight_messages");
		json_null("inflight_bytes");
	}
	json_end();
}

void peers_json(const char *key, const struct peers *peers,
		const struct raftlog_status *status)
{
	json_array(key);
	for (unsigned int i = 0; i < peers->n; i++)
		peer_json(&peers->peers[i], status);
	json_end();
}
