// SPDX-License-Identifier: GPL-2.0
/* Opening a WAL: whose is it, what is in it; and making one. */
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "power.h"
#include "storage_private.h"

static u64 file_bytes(const struct raftlog_storage *storage)
{
	return i_size_read(storage->file->f_mapping->host);
}

/* 0 is: none known. */
static u64 draw_incarnation(void)
{
	u64 incarnation;

	do
		incarnation = get_random_u64();
	while (!incarnation);
	return incarnation;
}

static int format(struct raftlog_storage *storage,
		  const struct raftlog_storage_params *params, u32 block_bytes)
{
	struct wal_superblock super = {
		.cluster_id = params->cluster_id,
		.incarnation = draw_incarnation(),
		.node_id = params->node_id,
		.block_bytes = block_bytes,
		.area_bytes = wal_area_bytes(file_bytes(storage), block_bytes),
		.joined = params->joins,
	};
	struct wal_write write;
	unsigned int i;
	int ret;

	if (!super.area_bytes) {
		pr_err("%s: %llu bytes are too few for a log\n", storage->name,
		       file_bytes(storage));
		return -ENOSPC;
	}
	get_random_bytes(super.uuid, sizeof(super.uuid));
	for (i = 0; i < WAL_FORMAT_WRITES; i++) {
		wal_format_encode(&super, i, storage->staging.data, &write);
		ret = raftlog_file_write(storage->file, &storage->staging, 0,
					 write.bytes, write.position, true);
		if (ret) {
			pr_err("%s: making a log failed with error %d\n",
			       storage->name, ret);
			return ret;
		}
	}
	pr_info("%s: made a log of %llu bytes in blocks of %u for node %u of cluster %016llx\n",
		storage->name, super.area_bytes, super.block_bytes,
		super.node_id, super.cluster_id);
	return 0;
}

/* Blocks that the device lost are zeros, which are no part of any log. */
static int read_what_is_left(struct raftlog_storage *storage,
			     const struct raftlog_buffer *buffer, u32 at,
			     u32 bytes, u64 position)
{
	u32 block_bytes = raftlog_file_block_bytes(storage->file);
	int ret = raftlog_file_read(storage->file, buffer, at, bytes, position);
	u32 i;

	if (!raftlog_error_is_lost(ret, storage->salvage))
		return raftlog_file_error(ret);
	for (i = 0; i < bytes; i += block_bytes) {
		ret = raftlog_file_read(storage->file, buffer, at + i,
					block_bytes, position + i);
		if (!ret)
			continue;
		if (!raftlog_error_is_lost(ret, storage->salvage))
			return raftlog_file_error(ret);
		storage->n_lost_blocks++;
		pr_err_ratelimited("%s: byte %llu of the log cannot be read (error %d)\n",
				   storage->name, position + i, ret);
		memset((u8 *)buffer->data + at + i, 0, block_bytes);
	}
	return 0;
}

/* A copy that lies behind the end of a file is read as zeros. */
static int read_superblock(struct raftlog_storage *storage, u64 position,
			   u8 copy[WAL_SUPERBLOCK_BYTES])
{
	int ret;

	memset(copy, 0, WAL_SUPERBLOCK_BYTES);
	if (file_bytes(storage) < position + WAL_BLOCK_BYTES_MAX)
		return 0;
	ret = read_what_is_left(storage, &storage->staging, 0,
				WAL_BLOCK_BYTES_MAX, position);
	if (!ret)
		memcpy(copy, storage->staging.data, WAL_SUPERBLOCK_BYTES);
	return ret;
}

static int identify(struct raftlog_storage *storage)
{
	u8 *copies;
	int ret;

	copies = kcalloc(2, WAL_SUPERBLOCK_BYTES, GFP_KERNEL);
	if (!copies)
		return -ENOMEM;
	ret = read_superblock(storage, WAL_SUPERBLOCK_POSITION_0, copies);
	if (!ret)
		ret = read_superblock(storage, WAL_SUPERBLOCK_POSITION_1,
				      copies + WAL_SUPERBLOCK_BYTES);
	if (!ret)
		ret = wal_superblock_decode(&storage->super, copies,
					    copies + WAL_SUPERBLOCK_BYTES);
	kfree(copies);
	/* What cannot be read may be one. */
	if (ret == -ENODATA && storage->n_lost_blocks)
		ret = -EIO;
	return ret;
}

/* Not in the storage thread's memory, which it may be writing from. */
static int write_superblock(struct raftlog_storage *storage,
			    const struct wal_superblock *super, u32 n_copies)
{
	struct raftlog_buffer buffer;
	struct wal_write write;
	int ret = raftlog_buffer_init(&buffer, WAL_BLOCK_BYTES_MAX, GFP_KERNEL);
	u32 i;

	for (i = 0; i < n_copies && !ret; i++) {
		wal_superblock_encode(super, i, buffer.data, &write);
		ret = raftlog_file_write(storage->file, &buffer, 0, write.bytes,
					 write.position, true);
	}
	if (ret)
		pr_err("%s: writing the superblock failed with error %d\n",
		       storage->name, ret);
	raftlog_buffer_destroy(&buffer);
	return ret;
}

/* The older copy must not come to count if the newer one goes bad later. */
int raftlog_storage_renew(struct raftlog_storage *storage)
{
	int ret = 0;

	if (storage->super.stale)
		ret = write_superblock(storage, &storage->super, 1);
	if (!ret)
		storage->super.stale = false;
	return ret;
}

int raftlog_storage_use(struct raftlog_storage *storage)
{
	int ret = 0;

	if (storage->super.bad)
		ret = write_superblock(storage, &storage->super, 1);
	if (ret)
		return ret;
	storage->super.bad = false;
	WRITE_ONCE(storage->in_use, true);
	wake_up(&storage->wait);
	return 0;
}

static int replace_superblock(struct raftlog_storage *storage, u64 cluster_id,
			      u64 incarnation, bool recovering,
			      struct raftlog_storage_info *info)
{
	struct wal_superblock super;
	int ret = raftlog_storage_renew(storage);

	if (ret)
		return ret;
	super = storage->super;
	if (recovering)
		super.kept = (struct wal_kept){
			.index = info->kept_index,
			.term = info->kept_term,
			.snapshot = info->kept_snapshot,
		};
	wal_superblock_replace(&super, cluster_id, incarnation, recovering);
	ret = write_superblock(storage, &super, WAL_SUPERBLOCK_COPIES);
	if (ret)
		return ret;
	storage->super = super;
	info->cluster_id = cluster_id;
	info->incarnation = incarnation;
	info->recovering = recovering;
	return 0;
}

int raftlog_storage_begin_recovery(struct raftlog_storage *storage,
				   u64 cluster_id,
				   struct raftlog_storage_info *info)
{
	return replace_superblock(storage, cluster_id, draw_incarnation(), true,
				  info);
}

int raftlog_storage_end_recovery(struct raftlog_storage *storage,
				 struct raftlog_storage_info *info)
{
	return replace_superblock(storage, info->cluster_id, info->incarnation,
				  false, info);
}

/*
 * Made for a node that was to bootstrap, and did not come to it. Before anything of
 * others is in it: what is there by then tells nothing of how it came.
 */
static int mark_joined(struct raftlog_storage *storage)
{
	struct wal_superblock super = storage->super;
	int ret;

	if (super.joined || super.recovering || storage->writer.last_index ||
	    storage->writer.lost.index)
		return 0;
	super.joined = true;
	wal_superblock_replace(&super, super.cluster_id, super.incarnation,
			       false);
	ret = write_superblock(storage, &super, WAL_SUPERBLOCK_COPIES);
	if (!ret)
		storage->super = super;
	return ret;
}

static int check_owner(const struct raftlog_storage *storage,
		       const struct raftlog_storage_params *params)
{
	const struct wal_superblock *super = &storage->super;

	if (wal_superblock_is_of(super, params->cluster_id, params->node_id))
		return 0;
	pr_err("%s: the log belongs to node %u of cluster %016llx, not to node %u of cluster %016llx\n",
	       storage->name, super->node_id, super->cluster_id,
	       params->node_id, params->cluster_id);
	return -EEXIST;
}

static void report_refusal(const struct raftlog_storage *storage, int error)
{
	switch (error) {
	case -ENODATA:
		pr_err("%s: there is no log on this file\n", storage->name);
		break;
	case -EUCLEAN:
		pr_err("%s: superblock damaged, or not a log at all\n",
		       storage->name);
		break;
	case -EPROTONOSUPPORT:
		pr_err("%s: the log is of another version than %d to %d\n",
		       storage->name, WAL_FORMAT_VERSION_MIN,
		       WAL_FORMAT_VERSION);
		break;
	case -EIO:
		pr_err("%s: the log cannot be read\n", storage->name);
		break;
	}
}

static void report_damage(const struct raftlog_storage *storage,
			  const struct wal_recovery *rec)
{
	const struct wal_damage *damage = &rec->damage;

	pr_err("%s: log refused: %s, at byte %llu; entries %llu to %llu may be damaged, nothing was changed\n",
	       storage->name, damage->reason, damage->position,
	       damage->first_index, damage->last_index);
}

static void report_lost(const struct raftlog_storage *storage,
			const struct wal_recovery *rec)
{
	const struct wal_damage *damage = &rec->damage;
	u64 gap_bytes = wal_gap_bytes(&storage->writer);
	u64 free_bytes = wal_space_bytes(&storage->writer);

	if (damage->reason)
		pr_err("%s: log damaged: %s, at byte %llu; entries %llu to %llu are lost here\n",
		       storage->name, damage->reason, damage->position,
		       damage->first_index, damage->last_index);
	if (rec->lost.index)
		pr_warn("%s: waits for a leader with entry %llu of term %llu or newer, and does not stand for election until its log is repaired\n",
			storage->name, rec->lost.index, rec->lost.term);
	if (rec->lost.index && gap_bytes > free_bytes)
		pr_warn("%s: what was lost took %llu bytes, and %llu are free: it may not all come again unless a snapshot, or a policy that lets entries go, makes room\n",
			storage->name, gap_bytes, free_bytes);
}

static void report_recovered(const struct raftlog_storage *storage,
			     const struct wal_recovery *rec)
{
	if (rec->torn_bytes)
		pr_notice(
			"%s: cut a torn write of %llu bytes behind index %llu\n",
			storage->name, rec->torn_bytes, rec->last_index);
	report_lost(storage, rec);
	if (storage->super.bad)
		pr_notice("%s: a copy of the superblock is torn or damaged, used the other\n",
			  storage->name);
	if (rec->slot_torn)
		pr_notice("%s: a copy of a slot is torn or damaged, used another\n",
			  storage->name);
	pr_info("%s: opened a log of %llu entries, last_index %llu, last_term %llu, current_term %llu, voted_for %u, %llu of %llu bytes free\n",
		storage->name, rec->last_index - rec->slot.head.prev_index,
		rec->last_index, rec->last_term, rec->hard_state.current_term,
		rec->hard_state.voted_for, wal_space_bytes(&storage->writer),
		storage->super.area_bytes);
}

static int hand_out(struct raftlog_storage *storage,
		    const struct wal_entry *found)
{
	const struct raft_entry entry = {
		.term = found->term,
		.session = found->session,
		.sequence = found->sequence,
		.data = found->data,
		.bytes = found->bytes,
		.type = found->type,
	};

	return storage->ops->recovered(storage->context, found->index, &entry);
}

/* Known as soon as there is a first entry, or none. */
static int tell_base(struct raftlog_storage *storage,
		     const struct wal_slot *slot)
{
	if (!slot->head.prev_index)
		return 0;
	return storage->ops->based(storage->context, slot->head.prev_index,
				   slot->head.prev_term,
				   slot->configuration.index,
				   slot->configuration.data,
				   slot->configuration.bytes);
}

/* A recovery from lost quorum may go on with what is left. */
static int read_step(struct raftlog_storage *storage, bool look,
		     struct wal_recovery *rec,
		     const struct raftlog_buffer *buffer,
		     const struct wal_step *step)
{
	u32 at = (u8 *)step->data - (u8 *)buffer->data;
	u32 n_lost = storage->n_lost_blocks;
	int ret = read_what_is_left(storage, buffer, at, step->bytes,
				    step->position);

	if (ret)
		pr_err("%s: reading the log at byte %llu failed with error %d\n",
		       storage->name, step->position, ret);
	if (storage->n_lost_blocks != n_lost && !(look && storage->salvage))
		wal_recovery_unreadable(rec);
	return ret;
}

static int recover_entries(struct raftlog_storage *storage, bool look,
			   struct wal_recovery *rec,
			   const struct raftlog_buffer *buffer)
{
	struct wal_step step;
	bool told = false;
	int ret;

	for (;;) {
		ret = wal_recovery_next(rec, &step);
		if (ret) {
			report_damage(storage, rec);
			return ret;
		}
		if (step.type != WAL_STEP_READ && !told) {
			told = true;
			ret = tell_base(storage, &rec->slot);
			if (ret)
				return ret;
		}
		switch (step.type) {
		case WAL_STEP_READ:
			ret = read_step(storage, look, rec, buffer, &step);
			break;
		case WAL_STEP_ENTRY:
			ret = hand_out(storage, &step.entry);
			break;
		default:
			return 0;
		}
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		if (ret)
			return ret;
		cond_resched();
	}
}

/* Of a log that may be long; it grows again if there is more. */
static void trim_map(struct raftlog_storage *storage)
{
	u32 n = roundup_pow_of_two(max_t(u32, storage->map.n_slots + 1,
					 RAFTLOG_STORAGE_MAP_SLOTS_FIRST));

	if (n < storage->map.n_slots_max)
		raftlog_storage_size_map(storage, n, GFP_KERNEL);
}

static int recover(struct raftlog_storage *storage, bool look, u32 block_bytes)
{
	struct raftlog_buffer buffer;
	struct wal_recovery *rec;
	int ret = -ENOMEM;

	rec = kzalloc(sizeof(*rec), GFP_KERNEL);
	if (!rec)
		return -ENOMEM;
	if (raftlog_buffer_init(&buffer,
				min_t(u64, WAL_RECOVERY_BUFFER_BYTES,
				      storage->super.area_bytes),
				GFP_KERNEL))
		goto free_rec;
	ret = wal_recovery_init(rec, &storage->super, file_bytes(storage),
				block_bytes, &storage->map, buffer.data,
				buffer.bytes);
	if (ret == -EUCLEAN)
		report_damage(storage, rec);
	if (ret == -EINVAL)
		pr_err("%s: the log has blocks of %u bytes, too small for this device\n",
		       storage->name, storage->super.block_bytes);
	if (!ret)
		ret = recover_entries(storage, look, rec, &buffer);
	if (!ret) {
		wal_writer_init(&storage->writer, rec);
		trim_map(storage);
		report_recovered(storage, rec);
	}
	raftlog_buffer_destroy(&buffer);
free_rec:
	kfree(rec);
	return ret;
}

static int read_log(struct raftlog_storage *storage,
		    const struct raftlog_storage_params *params)
{
	u32 block_bytes = raftlog_file_block_bytes(storage->file);
	u32 device_bytes = raftlog_file_device_bytes(storage->file);
	int ret;

	if (!block_bytes)
		return -EINVAL;
	if (device_bytes > WAL_BLOCK_BYTES_MAX)
		pr_warn("%s: the device writes %u bytes at once: a power failure may damage what is beside an entry that is written\n",
			storage->name, device_bytes);
	/* What is read below must still be there after a power failure. */
	ret = raftlog_file_sync(storage->file);
	if (!ret && params->format)
		ret = format(storage, params, block_bytes);
	if (ret)
		return ret;

	ret = identify(storage);
	if (ret) {
		report_refusal(storage, ret);
		return ret;
	}
	ret = check_owner(storage, params);
	if (!ret && !params->look)
		ret = raftlog_storage_renew(storage);
	if (ret)
		return ret;
	/*
	 * Writes nothing to the log: the group may be refused yet, and damage may be a read
	 * that fails but once. What was cut, the slot before the next batch makes
	 * unreachable.
	 */
	ret = recover(storage, params->look, block_bytes);
	return !ret && params->joins ? mark_joined(storage) : ret;
}

static void fill_info(const struct raftlog_storage *storage,
		      struct raftlog_storage_info *info)
{
	const struct wal_writer *w = &storage->writer;

	*info = (struct raftlog_storage_info){
		.cluster_id = storage->super.cluster_id,
		.incarnation = storage->super.incarnation,
		.hard_state.current_term = w->hard_state.current_term,
		.hard_state.voted_for = w->hard_state.voted_for,
		.first_index = w->head.prev_index + 1,
		.log_bytes = storage->super.area_bytes,
		.log_bytes_free = wal_space_bytes(w),
		.block_bytes = storage->super.block_bytes,
		.lost_index = w->lost.index,
		.lost_term = w->lost.term,
		.fresh = !w->last_index && !w->hard_state.current_term,
		.recovering = storage->super.recovering,
		.joined = storage->super.joined,
		.kept_index = storage->super.kept.index,
		.kept_term = storage->super.kept.term,
		.kept_snapshot = storage->super.kept.snapshot,
	};
}

static void free_storage(struct raftlog_storage *storage)
{
	raftlog_buffer_destroy(&storage->staging);
	kvfree(storage->map_slots);
	fput(storage->file);
	kfree(storage);
}

static struct raftlog_storage *
alloc_storage(const struct raftlog_storage_params *params,
	      const struct raftlog_storage_ops *ops, void *context)
{
	struct raftlog_storage *storage;

	storage = kzalloc(sizeof(*storage), GFP_KERNEL);
	if (!storage)
		return NULL;
	storage->file = get_file(params->file);
	strscpy(storage->name, params->name, sizeof(storage->name));
	storage->salvage = params->salvage;
	storage->ops = ops;
	storage->context = context;
	spin_lock_init(&storage->map_lock);
	spin_lock_init(&storage->queue_lock);
	INIT_LIST_HEAD(&storage->queue);
	INIT_LIST_HEAD(&storage->pending);
	init_waitqueue_head(&storage->wait);

	storage->map_slots = kvcalloc(RAFTLOG_STORAGE_MAP_SLOTS,
				      sizeof(*storage->map_slots), GFP_KERNEL);
	if (!storage->map_slots ||
	    raftlog_buffer_init(&storage->staging,
				RAFTLOG_STORAGE_STAGING_BYTES, GFP_KERNEL)) {
		free_storage(storage);
		return NULL;
	}
	wal_map_init(&storage->map, storage->map_slots,
		     RAFTLOG_STORAGE_MAP_SLOTS);
	return storage;
}

struct raftlog_storage *
raftlog_storage_open(const struct raftlog_storage_params *params,
		     const struct raftlog_storage_ops *ops, void *context,
		     struct raftlog_storage_info *info)
{
	struct raftlog_storage *storage;
	struct task_struct *thread;
	int ret;

	ret = raftlog_file_check(params->file);
	if (ret) {
		pr_err("%s: the log must be a block device, or a file on a file system with direct I/O, opened O_RDWR, O_DIRECT and O_DSYNC\n",
		       params->name);
		return ERR_PTR(ret);
	}
	storage = alloc_storage(params, ops, context);
	if (!storage)
		return ERR_PTR(-ENOMEM);
	storage->generation = raftlog_power_generation();
	ret = raftlog_file_claim(&storage->claim, storage->file);
	if (ret)
		goto free;
	ret = read_log(storage, params);
	if (ret)
		goto release;
	fill_info(storage, info);

	thread = kthread_run(raftlog_storage_thread, storage, "%s-wal",
			     storage->name);
	if (IS_ERR(thread)) {
		ret = PTR_ERR(thread);
		goto release;
	}
	storage->thread = thread;
	return storage;

release:
	raftlog_file_release(&storage->claim);
free:
	free_storage(storage);
	return ERR_PTR(ret);
}

void raftlog_storage_close(struct raftlog_storage *storage)
{
	raftlog_file_release(&storage->claim);
	free_storage(storage);
}
