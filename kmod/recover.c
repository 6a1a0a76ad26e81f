// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery from lost quorum: the log of a member that is left becomes the log of a
 * cluster of its own. What is written, and in which order, is for
 * wal_superblock_replace() to say; here it is done.
 *
 * All that can be refused is refused before the first write. From then on there is no
 * way back, and a start of the group that finds it half done goes on from there before
 * it opens a socket. That needs what it was begun with: where the log does not reach,
 * the snapshot.
 */
#include <linux/random.h>

#include "group.h"
#include "life.h"

/* Nodes that do this each for itself become clusters that do not know each other. */
static u64 draw_cluster_id(const struct raftlog_life *life)
{
	u64 id;

	do
		id = get_random_u64();
	while (!id || id == life->info.cluster_id);
	return id;
}

/* Is that here which the recovery that was begun goes on with? */
static bool has_kept(const struct raftlog_life *life)
{
	return raft_reaches(life->raft, life->info.kept_index,
			    life->info.kept_term);
}

/* Does a recovery go on, rather than begin? */
static bool goes_on(const struct raftlog_life *life)
{
	return life->info.recovering && has_kept(life);
}

static int refusal(struct raftlog_life *life,
		   const struct raftlog_recover *recover)
{
	if (goes_on(life))
		return 0;
	if (recover->lost_index && !(recover->flags & RAFTLOG_RECOVER_F_SALVAGE))
		return -EUCLEAN;
	return raft_check_recovery(life->raft);
}

/* The log, as it is or as it will begin behind the snapshot. */
static void tell_log(struct raftlog_life *life, struct raftlog_recover *recover,
		     u64 damaged_index)
{
	struct raft_status status;
	u64 lost_index = life->info.lost_index;

	raft_status(life->raft, &status);
	recover->snapshot_index = status.snapshot.index;
	recover->snapshot_term = status.snapshot.term;
	recover->first_index = status.first_index;
	recover->last_index = status.last_index;
	recover->last_term = status.last_term;
	/* Every log begins with the same entry: it is committed. */
	recover->commit_index = min_t(u64, status.last_index,
				      max_t(u64, status.first_index - 1, 1));
	if (raft_snapshot_is_ahead(life->raft)) {
		recover->first_index = status.snapshot.index + 1;
		recover->last_index = status.snapshot.index;
		recover->last_term = status.snapshot.term;
		recover->commit_index = status.snapshot.index;
		/* All that the damage took, it makes up for? */
		if (lost_index <= status.snapshot.index)
			lost_index = 0;
	}
	lost_index = max(lost_index, damaged_index);
	if (life->info.recovering && !has_kept(life))
		lost_index = max(lost_index, life->info.kept_index);
	recover->lost_index = lost_index;
}

void raftlog_recover_look(struct raftlog_life *life,
			  struct raftlog_recover *recover, u64 damaged_index)
{
	const struct raftlog_storage_info *info = &life->info;

	tell_log(life, recover, damaged_index);
	recover->n_members =
		raft_recovery_configuration(life->raft,
					    &recover->configuration_index)
			->n_members;
	recover->cluster_id = info->cluster_id;
	recover->current_term = info->hard_state.current_term;
	recover->unfinished = info->recovering;
	recover->error = -refusal(life, recover);
}

/* What the recovery goes on with: the next opening must find that. */
static int begin(struct raftlog_life *life,
		 const struct raftlog_recover *recover)
{
	life->info.kept_index = recover->last_index;
	life->info.kept_term = recover->last_term;
	life->info.kept_snapshot = raftlog_snapshot_id(life);
	return raftlog_storage_begin_recovery(life->storage,
					      draw_cluster_id(life),
					      &life->info);
}

int raftlog_recover_force(struct raftlog_life *life,
			  struct raftlog_recover *recover)
{
	const char *name = raftlog_group_name(life->group);
	int error;

	if (recover->error)
		return -(int)recover->error;
	if (goes_on(life))
		error = raftlog_storage_renew(life->storage);
	else
		error = begin(life, recover);
	if (error)
		return error;
	recover->new_cluster_id = life->info.cluster_id;
	pr_warn("%s: node %u leaves cluster %016llx, and is cluster %016llx alone, with entries %llu to %llu\n",
		name, recover->node_id, recover->cluster_id,
		recover->new_cluster_id, recover->first_index,
		recover->last_index);
	raft_set_incarnation(life->raft, life->info.incarnation);
	return raftlog_recover_finish(life);
}

/* What is missing in the log; in several updates, if it is much. */
static int append(struct raftlog_life *life)
{
	bool again;
	int error, error_write = 0;

	do {
		do {
			error = raft_recover(life->raft, &life->update);
		} while (error == -ENOMEM && !raftlog_life_provide_memory(life));
		again = error == -EAGAIN;
		if ((!error || again) && life->update.hard_state_seq)
			error_write = raftlog_life_write(life);
	} while (again && !error_write);
	if (error_write)
		return error_write;
	return error == -ENODATA ? -EUCLEAN : error;
}

int raftlog_recover_finish(struct raftlog_life *life)
{
	struct raft_status status;
	int error;

	if (!has_kept(life)) {
		pr_err("%s: a recovery was begun with entries up to %llu, term %llu, and they are not all here: start it with the snapshots that there were, or go on without: raftctl recover --salvage\n",
		       raftlog_group_name(life->group), life->info.kept_index,
		       life->info.kept_term);
		return -EUCLEAN;
	}
	error = append(life);
	if (!error)
		error = raftlog_storage_end_recovery(life->storage, &life->info);
	if (error)
		return error;
	raft_status(life->raft, &status);
	life->info.first_index = status.first_index;
	/* The entry that was written is newer than all that was lost. */
	life->info.lost_index = 0;
	life->info.lost_term = 0;
	return 0;
}
