// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery from lost quorum: the log of a member that is left becomes the log of a
 * cluster of its own. What is written, and in which order, is for
 * wal_superblock_replace() to say; here it is done.
 *
 * All that can be refused is refused before the first write. From then on there is no
 * way back, and a start of the group that finds it half done goes on from there before
 * it opens a socket.
 */
#include <linux/random.h>

#include "group.h"
#include "life.h"
#include "snapshot.h"

/* Nodes that do this each for itself become clusters that do not know each other. */
static u64 draw_cluster_id(const struct raftlog_life *life)
{
	u64 id;

	do
		id = get_random_u64();
	while (!id || id == life->info.cluster_id);
	return id;
}

/* The snapshot that the log would begin with. Its index is 0 if the log is kept. */
static struct raftlog_sealed ahead(struct raftlog_life *life)
{
	struct raftlog_sealed sealed = {};

	if (life->snapshots && raft_snapshot_is_ahead(life->raft))
		raftlog_snapshots_newest(life->snapshots, &sealed);
	return sealed;
}

/* -EUCLEAN, -EIO: damage took something of what there was. */
static int verify(struct raftlog_life *life)
{
	struct raftlog_sealed sealed = ahead(life);

	if (life->info.lost_index > sealed.snapshot.index)
		return -EUCLEAN;
	return sealed.snapshot.index ?
		       raftlog_snapshots_verify(life->snapshots, &sealed) :
		       0;
}

static int refusal(struct raftlog_life *life,
		   const struct raftlog_recover *recover)
{
	bool salvage = recover->flags & RAFTLOG_RECOVER_F_SALVAGE;
	int error;

	if (life->info.recovering)
		return 0;
	error = verify(life);
	if (error && (!salvage || (error != -EUCLEAN && error != -EIO)))
		return error;
	return raft_check_recovery(life->raft);
}

/* To be salvaged is what else there is. */
static int drop_damaged(struct raftlog_life *life)
{
	struct raftlog_sealed sealed = ahead(life);
	int error;

	if (!sealed.snapshot.index)
		return 0;
	error = raftlog_snapshots_verify(life->snapshots, &sealed);
	if (error != -EUCLEAN && error != -EIO)
		return error;
	raft_forget_snapshot(life->raft);
	return raftlog_snapshots_drop(life->snapshots, &sealed, true);
}

static void tell_snapshot(struct raftlog_life *life,
			  struct raftlog_recover *recover)
{
	struct raftlog_sealed sealed = {};
	u64 index;

	if (life->snapshots)
		raftlog_snapshots_newest(life->snapshots, &sealed);
	recover->snapshot_index = sealed.snapshot.index;
	recover->snapshot_term = sealed.snapshot.term;
	index = ahead(life).snapshot.index;
	if (!index)
		return;
	recover->first_index = index + 1;
	recover->last_index = index;
	recover->last_term = sealed.snapshot.term;
	recover->commit_index = index;
}

void raftlog_recover_look(struct raftlog_life *life,
			  struct raftlog_recover *recover)
{
	const struct raftlog_storage_info *info = &life->info;
	struct raft_status status;

	raft_status(life->raft, &status);
	recover->n_members = raft_configuration(life->raft)->n_members;
	recover->error = -refusal(life, recover);
	recover->cluster_id = info->cluster_id;
	recover->current_term = info->hard_state.current_term;
	recover->first_index = status.first_index;
	recover->last_index = status.last_index;
	recover->last_term = status.last_term;
	/* Every log begins with the same entry: it is committed. */
	recover->commit_index = min_t(u64, status.last_index,
				      max_t(u64, status.first_index - 1, 1));
	recover->configuration_index = status.configuration_index;
	recover->lost_index = info->lost_index;
	recover->unfinished = info->recovering;
	tell_snapshot(life, recover);
}

int raftlog_recover_force(struct raftlog_life *life,
			  struct raftlog_recover *recover)
{
	const char *name = raftlog_group_name(life->group);
	int error = 0;

	if (recover->error)
		return -(int)recover->error;
	if (!life->info.recovering)
		error = drop_damaged(life);
	if (!error && !life->info.recovering)
		error = raftlog_storage_begin_recovery(life->storage,
						       draw_cluster_id(life),
						       &life->info);
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
