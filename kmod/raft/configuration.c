// SPDX-License-Identifier: GPL-2.0
/* The members: their encoding as an entry, and the quorums they form. */
#include "core.h"

/*
 * Payload of RAFT_ENTRY_CONFIGURATION, little endian:
 *
 *	0  le32 version, 1		4  le32 n_members
 *	8  n_members times:
 *	   0 le32 id	4 u8 kind	5 u8 0		6 le16 family
 *	   8 le16 port	10 le16 0	12 le32 scope_id	16 u8 ip[16]
 *	   32 le64 incarnation
 */
enum { CONFIGURATION_VERSION = 1 };

static int check_address(const struct raft_address *address)
{
	if (address->family != 4 && address->family != 6)
		return -EINVAL;
	if (address->family == 4 &&
	    (address->scope_id || memchr_inv(address->ip + 4, 0, 12)))
		return -EINVAL;
	return 0;
}

int raft_configuration_check(const struct raft_configuration *configuration)
{
	u32 i, n_voters = 0, n_known = 0;

	if (configuration->n_members < 1 ||
	    configuration->n_members > RAFT_MEMBERS_MAX)
		return -EINVAL;
	for (i = 0; i < configuration->n_members; i++) {
		const struct raft_member *member = &configuration->members[i];

		if (member->id == RAFT_ID_NONE ||
		    (i && member->id <= configuration->members[i - 1].id) ||
		    member->kind > RAFT_MEMBER_KIND_LAST ||
		    check_address(&member->address))
			return -EINVAL;
		n_voters += member->kind == RAFT_VOTER;
		n_known += member->incarnation != 0;
		if (member->incarnation && member->kind != RAFT_VOTER)
			return -EINVAL;
	}
	if (n_known && n_known != n_voters)
		return -EINVAL;
	return n_voters ? 0 : -EINVAL;
}

bool raft_configuration_is_sealed(const struct raft_configuration *configuration)
{
	u32 i;

	for (i = 0; i < configuration->n_members; i++)
		if (configuration->members[i].incarnation)
			return true;
	return false;
}

int raft_configuration_encode(const struct raft_configuration *configuration,
			      void *buf, size_t bytes)
{
	size_t need = RAFT_CONFIGURATION_HEADER_BYTES +
		      configuration->n_members *
			      (size_t)RAFT_CONFIGURATION_MEMBER_BYTES;
	u8 *p = buf;
	u32 i;

	if (bytes < need)
		return -EMSGSIZE;
	memset(p, 0, need);
	put_unaligned_le32(CONFIGURATION_VERSION, p);
	put_unaligned_le32(configuration->n_members, p + 4);
	p += RAFT_CONFIGURATION_HEADER_BYTES;
	for (i = 0; i < configuration->n_members; i++) {
		const struct raft_member *member = &configuration->members[i];

		put_unaligned_le32(member->id, p);
		p[4] = member->kind;
		put_unaligned_le16(member->address.family, p + 6);
		put_unaligned_le16(member->address.port, p + 8);
		put_unaligned_le32(member->address.scope_id, p + 12);
		memcpy(p + 16, member->address.ip, 16);
		put_unaligned_le64(member->incarnation, p + 32);
		p += RAFT_CONFIGURATION_MEMBER_BYTES;
	}
	return (int)need;
}

int raft_configuration_decode(struct raft_configuration *configuration,
			      const void *buf, size_t bytes)
{
	const u8 *p = buf;
	u32 i, n;

	if (bytes < RAFT_CONFIGURATION_HEADER_BYTES ||
	    get_unaligned_le32(p) != CONFIGURATION_VERSION)
		return -EINVAL;
	n = get_unaligned_le32(p + 4);
	if (n > RAFT_MEMBERS_MAX ||
	    bytes != RAFT_CONFIGURATION_HEADER_BYTES +
			     n * (size_t)RAFT_CONFIGURATION_MEMBER_BYTES)
		return -EINVAL;
	memset(configuration, 0, sizeof(*configuration));
	configuration->n_members = n;
	p += RAFT_CONFIGURATION_HEADER_BYTES;
	for (i = 0; i < n; i++) {
		struct raft_member *member = &configuration->members[i];

		if (p[5] || get_unaligned_le16(p + 10))
			return -EINVAL;
		member->id = get_unaligned_le32(p);
		member->kind = p[4];
		member->address.family = get_unaligned_le16(p + 6);
		member->address.port = get_unaligned_le16(p + 8);
		member->address.scope_id = get_unaligned_le32(p + 12);
		memcpy(member->address.ip, p + 16, 16);
		member->incarnation = get_unaligned_le64(p + 32);
		p += RAFT_CONFIGURATION_MEMBER_BYTES;
	}
	return raft_configuration_check(configuration);
}

/* Progress of members that stay is kept; inflight rings go with the position. */
void raft_set_configuration(struct raft *r,
			    const struct raft_configuration *configuration,
			    u64 index)
{
	u32 window = r->settings.inflight_messages_max;
	u32 i;

	r->configuration = *configuration;
	r->configuration_index = index;
	r->sealed = raft_configuration_is_sealed(configuration);
	r->self = RAFT_MEMBERS_MAX;
	for (i = 0; i < configuration->n_members; i++) {
		const struct raft_member *member = &configuration->members[i];
		struct raft_peer *peer = &r->peers[i];

		if (member->id == r->settings.node_id)
			r->self = i;
		if (peer->id != member->id) {
			memset(peer, 0, sizeof(*peer));
			peer->id = member->id;
			peer->next_index = r->log.last_index + 1;
		}
		peer->kind = member->kind;
		peer->inflight = r->inflight_pool + (size_t)i * window;
	}
}

/* The suffix that held the newest configuration was replaced (4.1). */
void raft_revert_configuration(struct raft *r, u64 last_index)
{
	if (r->configuration_index > last_index)
		raft_set_configuration(r, &r->committed_configuration,
				       r->committed_configuration_index);
}

struct raft_peer *raft_find_peer(struct raft *r, u32 id)
{
	u32 i;

	for (i = 0; i < r->configuration.n_members; i++)
		if (r->configuration.members[i].id == id)
			return &r->peers[i];
	return NULL;
}

bool raft_is_voter(const struct raft *r, u32 position)
{
	return position < r->configuration.n_members &&
	       r->configuration.members[position].kind == RAFT_VOTER;
}

/*
 * Has this member the disk that the configuration knows? A voter with another one
 * does not know what it voted and acknowledged, and the one that does may still
 * be there: a vote of it under way, or the disk itself, brought back. So nothing
 * that it says counts towards a majority.
 */
bool raft_is_known(const struct raft *r, u32 position)
{
	u64 incarnation = r->peers[position].incarnation;

	if (raft_is_self(r, position))
		incarnation = r->incarnation;
	return !r->sealed || !incarnation || !raft_is_voter(r, position) ||
	       r->configuration.members[position].incarnation == incarnation;
}

/* All voters while the configuration is open: see struct raft_configuration. */
u32 raft_majority(const struct raft *r)
{
	u32 n = raft_n_voters(r);

	return r->sealed ? n / 2 + 1 : n;
}

u32 raft_n_voters(const struct raft *r)
{
	u32 i, n = 0;

	for (i = 0; i < r->configuration.n_members; i++)
		n += raft_is_voter(r, i);
	return n;
}

bool raft_is_quorum(const struct raft *r, u32 set)
{
	u32 i, n = 0;

	for (i = 0; i < r->configuration.n_members; i++)
		n += raft_is_voter(r, i) && raft_is_known(r, i) &&
		     (set >> i & 1);
	return n >= raft_majority(r);
}

/* The largest value that a majority of the voters reaches; 0 where not known. */
u64 raft_quorum_value(const struct raft *r, const u64 *values)
{
	u64 sorted[RAFT_MEMBERS_MAX];
	u32 i, j, n = 0;

	for (i = 0; i < r->configuration.n_members; i++) {
		u64 value = raft_is_known(r, i) ? values[i] : 0;

		if (!raft_is_voter(r, i))
			continue;
		for (j = n++; j > 0 && sorted[j - 1] < value; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = value;
	}
	return sorted[raft_majority(r) - 1];
}
