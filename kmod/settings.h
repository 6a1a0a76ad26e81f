/* SPDX-License-Identifier: GPL-2.0 */
/* What RAFTLOG_IOC_START asks for, checked and translated: pure. */
#ifndef RAFTLOG_SETTINGS_H
#define RAFTLOG_SETTINGS_H

#include <linux/raftlog.h>

#include "pure.h"
#include "raft/raft.h"

/* AF_INET and AF_INET6, the same on every architecture. */
enum {
	RAFTLOG_AF_INET = 2,
	RAFTLOG_AF_INET6 = 10,
};

enum {
	RAFTLOG_ELECTION_TIMEOUT_MS_MIN = 20,
	RAFTLOG_ELECTION_TIMEOUT_MS_MAX = 600000,
	RAFTLOG_ELECTION_TIMEOUT_MS_DEFAULT = 500,
	RAFTLOG_APPEND_TIMEOUT_MS_DEFAULT = 10000,
	RAFTLOG_DATAGRAM_BYTES_MIN = 512,
	RAFTLOG_DATAGRAM_BYTES_MAX = 65000,
	RAFTLOG_DATAGRAM_BYTES_DEFAULT = 1400,
	RAFTLOG_INFLIGHT_MESSAGES_MAX = 1024,
	RAFTLOG_PRIORITY_MAX = 255,
	RAFTLOG_INFLIGHT_MESSAGES_DEFAULT = 64,
	RAFTLOG_INFLIGHT_BYTES_DEFAULT = 8 << 20,
	RAFTLOG_CACHE_BYTES_DEFAULT = 64 << 20,
	RAFTLOG_SNAPSHOT_TRAILING_DEFAULT = 4096,
	RAFTLOG_SNAPSHOT_BYTES_PER_S_DEFAULT = 32 << 20,
};

/**
 * raftlog_start_check() - refuse what is not allowed, fill in what was left out
 * @start: as the user gave it; on success without a 0 that means a default,
 *	except @listen and @members
 *
 * Return: 0 or -EINVAL.
 */
int raftlog_start_check(struct raftlog_start *start);

/**
 * raftlog_set_check() - refuse what is not allowed, and change the rest
 * @start: as raftlog_start_check() or this left it; changed as a whole
 * @set: as the user gave it
 * @inflight_messages_max: as many as there is room for
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int raftlog_set_check(struct raftlog_start *start, const struct raftlog_set *set,
		      u32 inflight_messages_max);

/** raftlog_set_key_check() - refuse what is not allowed. Return: 0 or -EINVAL */
int raftlog_set_key_check(const struct raftlog_set_key *set);

/** raftlog_set_report() - fill in every setting */
void raftlog_set_report(struct raftlog_set *set,
			const struct raftlog_start *start);

/**
 * raftlog_address_from_user() - a user's endpoint for the core
 * @address: filled in
 * @addr: any value
 *
 * Return: 0, or -EINVAL: unknown family, port 0, bytes that must be 0 are not.
 */
int raftlog_address_from_user(struct raft_address *address,
			      const struct raftlog_addr *addr);

/** raftlog_address_to_user() - and back */
void raftlog_address_to_user(struct raftlog_addr *addr,
			     const struct raft_address *address);

/** raftlog_member_to_user() - a member of a configuration for a user */
void raftlog_member_to_user(struct raftlog_member *user,
			    const struct raft_member *member);

/**
 * raftlog_recover_check() - refuse what is not allowed
 * @recover: as the user gave it
 *
 * Return: 0 or -EINVAL.
 */
int raftlog_recover_check(const struct raftlog_recover *recover);

/**
 * raftlog_configuration_from_user() - a user's members for the core
 * @configuration: filled in, sorted by id
 * @members: in any order
 * @n_members: how many
 *
 * Return: 0, or -EINVAL: none, too many, twice the same id or address, an address
 * that nobody can be reached at, no voter.
 */
int raftlog_configuration_from_user(struct raft_configuration *configuration,
				    const struct raftlog_member *members,
				    u32 n_members);

/**
 * raftlog_change_from_user() - check one change, as far as it stands by itself
 * @change: filled in
 * @user: what came through the ioctl
 *
 * Return: 0 or -EINVAL.
 */
int raftlog_change_from_user(struct raft_change *change,
			     const struct raftlog_change *user);

/**
 * raftlog_configuration_find() - a member by id
 * @configuration: whose
 * @id: which
 *
 * Return: the member or NULL.
 */
const struct raft_member *
raftlog_configuration_find(const struct raft_configuration *configuration,
			   u32 id);

#endif /* RAFTLOG_SETTINGS_H */
