// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery from lost quorum. More members are lost for good than a majority can do
 * without, and no rule of Raft's gets the others on: whoever is left has to be told
 * that nobody else is. One server becomes a cluster of its own. All of its log
 * is kept, and counts as committed from then on, be it that or not; what others
 * committed and never sent here is lost. Should it have a snapshot that its log does
 * not reach, that is more than the log, and committed: it begins with that.
 *
 * Its last entry then is the configuration of that server alone, in a term of its own
 * and with a disk that is called otherwise than before. In the new cluster nobody has
 * voted or can vote for anybody else in that term. In the old cluster it is never
 * heard of: see wal_superblock_replace() for how the two are kept apart.
 */
#include "core.h"

/*
 * Entries to write so that the configuration is newer than the newest that is known
 * to be committed. In a log that began anew behind what a leader had, and has not
 * caught up since, that one is behind its end; and so may be what goes with a
 * snapshot.
 */
static u64 missing(const struct raft *r)
{
	u64 committed, last = r->log.last_index;

	raft_committed_configuration(r, &committed);
	committed = max(committed, r->restored_configuration_index);
	if (raft_snapshot_is_ahead(r))
		last = r->snapshot.index;
	return committed > last ? committed - last : 0;
}

bool raft_reaches(const struct raft *r, u64 index, u64 term)
{
	return raft_log_term(&r->log, index) == term ||
	       (r->snapshot.index == index && r->snapshot.term == term);
}

static bool names_self(const struct raft *r, const struct raft_configuration *c)
{
	return raft_configuration_find(c, r->settings.node_id) <
	       RAFT_MEMBERS_MAX;
}

/* With a snapshot that is ahead, what is not known to be committed may be void. */
const struct raft_configuration *
raft_recovery_configuration(const struct raft *r, u64 *index)
{
	const struct raft_configuration *committed;

	if (raft_snapshot_is_ahead(r)) {
		committed = raft_committed_configuration(r, index);
		if (r->restored_configuration_index > *index &&
		    names_self(r, &r->restored_configuration)) {
			*index = r->restored_configuration_index;
			return &r->restored_configuration;
		}
		if (names_self(r, committed))
			return committed;
	}
	*index = r->configuration_index;
	return &r->configuration;
}

static bool is_witness(const struct raft *r, const struct raft_configuration *c)
{
	u32 self = raft_configuration_find(c, r->settings.node_id);

	return c->members[self].flags & RAFT_MEMBER_F_WITNESS;
}

int raft_check_recovery(const struct raft *r)
{
	const u32 bytes = RAFT_CONFIGURATION_HEADER_BYTES +
			  RAFT_CONFIGURATION_MEMBER_BYTES;
	const struct raft_configuration *c;
	u64 index;

	c = raft_recovery_configuration(r, &index);
	if (!c->n_members && !raft_snapshot_is_ahead(r))
		return -ENODATA;
	if (!names_self(r, c))
		return -ENOENT;
	if (raft_snapshot_is_ahead(r) &&
	    r->restored_configuration.feature_level > r->settings.feature_level)
		return -EPROTONOSUPPORT;
	/* What users wrote is nowhere then. */
	if (is_witness(r, c) || r->log.bare)
		return -EOPNOTSUPP;
	/* And for the first entry of its first term. */
	if (!raft_snapshot_is_ahead(r) &&
	    raft_space(r) < raft_entry_cost(r, bytes) +
				    (missing(r) + 1) * raft_entry_cost(r, 0))
		return -ENOSPC;
	return 0;
}

/* A recovery got so far, and then the power failed. */
static bool is_alone(const struct raft *r)
{
	const struct raft_configuration *c = &r->configuration;

	return c->n_members == 1 && !c->joint &&
	       c->members[0].id == r->settings.node_id &&
	       c->members[0].incarnation == r->incarnation;
}

static void append_configuration(struct raft *r, struct raft_update *update)
{
	struct raft_entry entry = {
		.term = r->hard_state.current_term,
		.type = RAFT_ENTRY_CONFIGURATION,
		.data = r->encoded,
	};

	r->decoded = (struct raft_configuration){
		.n_members = 1,
		.feature_level = r->configuration.feature_level,
		.members[0] = {
			.id = r->settings.node_id,
			.kind = RAFT_VOTER,
			.address = r->configuration.members[r->self].address,
			.incarnation = r->incarnation,
		},
	};
	entry.bytes = raft_configuration_encode(&r->decoded, r->encoded,
						sizeof(r->encoded));
	raft_append_entry(r, update, &entry);
}

/* With a configuration that names this server, should the power fail behind this. */
static void begin_with_snapshot(struct raft *r, struct raft_update *update)
{
	u64 index;

	r->decoded = *raft_recovery_configuration(r, &index);
	raft_set_committed_configuration(r, &r->decoded, index);
	raft_discard(r, update, r->snapshot.index, r->snapshot.term);
}

int raft_recover(struct raft *r, struct raft_update *update)
{
	struct raft_entry noop = { .type = RAFT_ENTRY_NOOP };
	int error;

	if (r->started || !r->incarnation)
		return -EINVAL;
	if (is_alone(r))
		return 0;
	error = raft_check_recovery(r);
	if (error)
		return error;
	if (!update->hard_state_changed)
		raft_set_hard_state(r, update,
				    max(r->hard_state.current_term,
					r->snapshot.term) + 1,
				    r->settings.node_id);
	if (raft_snapshot_is_ahead(r))
		begin_with_snapshot(r, update);
	noop.term = r->hard_state.current_term;
	for (;;) {
		if (update->n_entries == update->entries_max)
			return -EAGAIN;
		if (raft_is_short(r, 1, false, false) || !raft_log_has_room(&r->log, 2))
			return -ENOMEM;
		if (!missing(r))
			break;
		raft_append_entry(r, update, &noop);
	}
	append_configuration(r, update);
	return 0;
}
