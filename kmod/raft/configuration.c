// SPDX-License-Identifier: GPL-2.0
/* The members: their encoding as an entry, and the quorums they form. */
#include "core.h"

/*
 * Payload of RAFT_ENTRY_CONFIGURATION, little endian:
 *
 *	0  le32 version, 1	4  le16 n_members	6  u8 joint	7  u8 feature_level
 *	8  n_members times:
 *	   0 le32 id	4 u8 kind	5 u8 old_kind	6 le16 family
 *	   8 le16 port	10 u8 flags	11 u8 0		12 le32 scope_id
 *	   16 u8 ip[16]	32 le64 incarnation
 *	   40 le32 replaces		44 le32 0
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

u32 raft_configuration_find(const struct raft_configuration *configuration,
			    u32 id)
{
	u32 i;

	for (i = 0; i < configuration->n_members; i++)
		if (configuration->members[i].id == id)
			return i;
	return RAFT_MEMBERS_MAX;
}

/* Of the new or the old one of a joint configuration, or of the only one. */
static bool votes_in(const struct raft_configuration *configuration,
		     u32 position, bool old)
{
	const struct raft_member *member = &configuration->members[position];

	return (old ? member->old_kind : member->kind) == RAFT_VOTER;
}

static bool votes(const struct raft_configuration *configuration, u32 position)
{
	return votes_in(configuration, position, false) ||
	       (configuration->joint &&
		votes_in(configuration, position, true));
}

/* Of the new or the old one: a voter in every majority that has what entries say. */
static bool has_leaders(const struct raft_configuration *configuration, bool old)
{
	u32 i, n_voters = 0, n_witnesses = 0;

	for (i = 0; i < configuration->n_members; i++) {
		if (!votes_in(configuration, i, old))
			continue;
		n_voters++;
		n_witnesses += !!(configuration->members[i].flags &
				  RAFT_MEMBER_F_WITNESS);
	}
	return n_voters && 2 * n_witnesses <= n_voters;
}

static int check_kind(const struct raft_configuration *configuration,
		      const struct raft_member *member)
{
	if (member->kind > RAFT_MEMBER_KIND_LAST ||
	    member->old_kind > RAFT_MEMBER_KIND_LAST)
		return -EINVAL;
	if (configuration->joint)
		return member->kind == RAFT_ABSENT &&
				       member->old_kind == RAFT_ABSENT ?
			       -EINVAL :
			       0;
	return member->kind == RAFT_ABSENT || member->old_kind ? -EINVAL : 0;
}

static int check_promotion(const struct raft_configuration *configuration,
			   const struct raft_member *member)
{
	bool automatic = member->flags & RAFT_MEMBER_F_AUTO_PROMOTE;

	if (member->flags & ~RAFT_MEMBER_F_ALL)
		return -EINVAL;
	if (automatic && member->kind != RAFT_NON_VOTER)
		return -EINVAL;
	if (member->replaces &&
	    (!automatic || member->replaces == member->id ||
	     raft_configuration_find(configuration, member->replaces) ==
		     RAFT_MEMBERS_MAX))
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
		    check_kind(configuration, member) ||
		    check_promotion(configuration, member) ||
		    check_address(&member->address))
			return -EINVAL;
		n_voters += votes(configuration, i);
		n_known += member->incarnation != 0;
		if (member->incarnation && !votes(configuration, i))
			return -EINVAL;
	}
	if (n_known && n_known != n_voters)
		return -EINVAL;
	if (configuration->joint &&
	    (!n_known || !has_leaders(configuration, true)))
		return -EINVAL;
	return has_leaders(configuration, false) ? 0 : -EINVAL;
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
	put_unaligned_le16(configuration->n_members, p + 4);
	p[6] = configuration->joint;
	p[7] = configuration->feature_level;
	p += RAFT_CONFIGURATION_HEADER_BYTES;
	for (i = 0; i < configuration->n_members; i++) {
		const struct raft_member *member = &configuration->members[i];

		put_unaligned_le32(member->id, p);
		p[4] = member->kind;
		p[5] = member->old_kind;
		put_unaligned_le16(member->address.family, p + 6);
		put_unaligned_le16(member->address.port, p + 8);
		p[10] = member->flags;
		put_unaligned_le32(member->address.scope_id, p + 12);
		memcpy(p + 16, member->address.ip, 16);
		put_unaligned_le64(member->incarnation, p + 32);
		put_unaligned_le32(member->replaces, p + 40);
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
	n = get_unaligned_le16(p + 4);
	if (n > RAFT_MEMBERS_MAX || p[6] > 1 ||
	    bytes != RAFT_CONFIGURATION_HEADER_BYTES +
			     n * (size_t)RAFT_CONFIGURATION_MEMBER_BYTES)
		return -EINVAL;
	memset(configuration, 0, sizeof(*configuration));
	configuration->n_members = n;
	configuration->joint = p[6];
	configuration->feature_level = p[7];
	p += RAFT_CONFIGURATION_HEADER_BYTES;
	for (i = 0; i < n; i++) {
		struct raft_member *member = &configuration->members[i];

		if (p[11] || get_unaligned_le32(p + 44))
			return -EINVAL;
		member->id = get_unaligned_le32(p);
		member->kind = p[4];
		member->old_kind = p[5];
		member->address.family = get_unaligned_le16(p + 6);
		member->address.port = get_unaligned_le16(p + 8);
		member->flags = p[10];
		member->address.scope_id = get_unaligned_le32(p + 12);
		memcpy(member->address.ip, p + 16, 16);
		member->incarnation = get_unaligned_le64(p + 32);
		member->replaces = get_unaligned_le32(p + 40);
		p += RAFT_CONFIGURATION_MEMBER_BYTES;
	}
	return raft_configuration_check(configuration);
}

/* A ring of messages in flight that no peer has. */
static struct raft_inflight *free_ring(const struct raft *r)
{
	u32 window = r->inflight_slots;
	u64 used = 0;
	u32 i;

	for (i = 0; i < r->n_peers; i++)
		if (r->peers[i].inflight)
			used |= 1ull << (r->peers[i].inflight -
					 r->inflight_pool) / window;
	for (i = 0; used >> i & 1; i++)
		;
	return r->inflight_pool + (size_t)i * window;
}

/* Peers as in the configuration; those that stay keep what is known of them. */
static void arrange_peers(struct raft *r)
{
	const struct raft_configuration *c = &r->configuration;
	u32 i, n = 0, stay;

	for (i = 0; i < r->n_peers; i++) {
		if (raft_configuration_find(c, r->peers[i].id) ==
		    RAFT_MEMBERS_MAX)
			continue;
		if (n != i)
			r->peers[n] = r->peers[i];
		n++;
	}
	/* Both are sorted by id: from behind, nothing is overwritten. */
	for (i = c->n_members, stay = n; i--;) {
		struct raft_peer *peer = &r->peers[i];

		if (stay && r->peers[stay - 1].id == c->members[i].id) {
			stay--;
			if (stay != i)
				*peer = r->peers[stay];
		} else {
			memset(peer, 0, sizeof(*peer));
			peer->id = c->members[i].id;
		}
	}
	r->n_peers = c->n_members;
	for (i = 0; i < r->n_peers; i++) {
		struct raft_peer *peer = &r->peers[i];

		if (peer->inflight)
			continue;
		peer->inflight = free_ring(r);
		raft_start_peer(r, peer);
	}
}

void raft_set_configuration(struct raft *r,
			    const struct raft_configuration *configuration,
			    u64 index)
{
	raft_keep_lease_promise(r);
	r->configuration = *configuration;
	r->configuration_index = index;
	r->configuration_seq++;
	r->sealed = raft_configuration_is_sealed(configuration);
	r->self = raft_configuration_find(configuration, r->settings.node_id);
	arrange_peers(r);
}

/*
 * One is in the log. It counts from now on (4.1). One from before the newest that is
 * committed says nothing new: it is in a log whose base came with that.
 */
void raft_next_configuration(struct raft *r,
			     const struct raft_configuration *configuration,
			     u64 index)
{
	u64 committed;

	raft_committed_configuration(r, &committed);
	if (index <= committed)
		return;
	r->previous_configuration = r->configuration;
	r->previous_configuration_index = r->configuration_index;
	raft_set_configuration(r, configuration, index);
}

/* One that is committed, wherever its entry is. */
void raft_set_committed_configuration(struct raft *r,
				      const struct raft_configuration *configuration,
				      u64 index)
{
	raft_set_configuration(r, configuration, index);
	r->previous_configuration = r->configuration;
	r->previous_configuration_index = index;
}

/*
 * The newest in the log, or the one before it, which is committed: no leader makes
 * another while one is not.
 */
const struct raft_configuration *
raft_committed_configuration(const struct raft *r, u64 *index)
{
	if (r->configuration_index <= r->commit_index) {
		*index = r->configuration_index;
		return &r->configuration;
	}
	*index = r->previous_configuration_index;
	return &r->previous_configuration;
}

/* The suffix that held the newest configuration was replaced (4.1). */
void raft_revert_configuration(struct raft *r, u64 last_index)
{
	if (r->configuration_index > last_index &&
	    r->configuration_index != r->previous_configuration_index)
		raft_set_configuration(r, &r->previous_configuration,
				       r->previous_configuration_index);
}

struct raft_peer *raft_find_peer(struct raft *r, u32 id)
{
	u32 position = raft_configuration_find(&r->configuration, id);

	return position < RAFT_MEMBERS_MAX ? &r->peers[position] : NULL;
}

/* Of the new one or the old one of a joint configuration. */
bool raft_is_voter_in(const struct raft *r, u32 position, bool old)
{
	return votes_in(&r->configuration, position, old);
}

/* Of either, if the configuration is joint. */
bool raft_is_voter(const struct raft *r, u32 position)
{
	return position < r->configuration.n_members &&
	       votes(&r->configuration, position);
}

bool raft_is_witness(const struct raft *r, u32 position)
{
	return position < r->configuration.n_members &&
	       r->configuration.members[position].flags &
		       RAFT_MEMBER_F_WITNESS;
}

/*
 * May this server stand for election? 4.2.2: also one that the newest configuration
 * leaves out, until that is committed. Its log may be the only one that is up to
 * date, and then nobody else is elected. For the same reason a learner does that a
 * candidate with an older log counts on, whose configuration gives it a vote: so it
 * was asked, and had to refuse. It leads by the votes of others alone, and only to
 * hand over.
 */
bool raft_has_vote(const struct raft *r)
{
	const struct raft_configuration *before = &r->previous_configuration;
	u32 position;

	if (raft_is_voter(r, r->self))
		return raft_is_known(r, r->self);
	if (r->needed && r->self < r->configuration.n_members)
		return true;
	if (r->configuration_index <= r->commit_index)
		return false;
	position = raft_configuration_find(before, r->settings.node_id);
	return position < before->n_members && votes(before, position) &&
	       before->members[position].incarnation == r->incarnation;
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
	if (!incarnation || !raft_is_voter(r, position))
		return true;
	/* Whose vote a peer with a disk that joined would have to be: election.c. */
	if (!r->sealed)
		return !raft_is_self(r, position) || !r->joined;
	return r->configuration.members[position].incarnation == incarnation;
}

/* All voters while the configuration is open: see struct raft_configuration. */
static u32 majority_of(const struct raft *r, u32 n_voters)
{
	return r->sealed ? n_voters / 2 + 1 : n_voters;
}

static bool is_quorum_in(const struct raft *r, u32 set, bool old)
{
	u32 i, n = 0, n_voters = 0;

	for (i = 0; i < r->configuration.n_members; i++) {
		if (!votes_in(&r->configuration, i, old))
			continue;
		n_voters++;
		n += raft_is_known(r, i) && (set >> i & 1);
	}
	return n_voters && n >= majority_of(r, n_voters);
}

/* 4.3: of each of the two, if the configuration is joint. */
bool raft_is_quorum(const struct raft *r, u32 set)
{
	return is_quorum_in(r, set, false) &&
	       (!r->configuration.joint || is_quorum_in(r, set, true));
}

static u64 quorum_value_in(const struct raft *r, const u64 *values, bool old)
{
	u64 sorted[RAFT_MEMBERS_MAX];
	u32 i, j, n = 0;

	for (i = 0; i < r->configuration.n_members; i++) {
		u64 value = raft_is_known(r, i) ? values[i] : 0;

		if (!votes_in(&r->configuration, i, old))
			continue;
		for (j = n++; j > 0 && sorted[j - 1] < value; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = value;
	}
	return n ? sorted[majority_of(r, n) - 1] : 0;
}

/* The largest value that a majority of the voters reaches; 0 where not known. */
u64 raft_quorum_value(const struct raft *r, const u64 *values)
{
	u64 value = quorum_value_in(r, values, false);

	if (r->configuration.joint)
		value = min(value, quorum_value_in(r, values, true));
	return value;
}
