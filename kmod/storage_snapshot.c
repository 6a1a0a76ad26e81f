// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots on two files, see storage_snapshot.h and wal/format.h.
 *
 * Locking: I: set at open. L: @lock, held while something is written. Data is read
 * without it, and belongs to the snapshot that was asked for or to none: its chunks
 * carry the id.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "entry.h"
#include "storage_private.h"
#include "storage_snapshot.h"

/**
 * struct raftlog_slot - one of the two files
 * @file: L: NULL once the group has stopped
 * @claim: I: nobody else has the file
 * @snapshot: L: what is there, index 0 for nothing; its configuration's data is
 * @configuration: L: this
 * @n_pins: L: who reads it
 * @is_aside: L: what is there is of no use, and is the first to go
 */
struct raftlog_slot {
	struct file *file;
	struct raftlog_claim claim;
	struct wal_snapshot snapshot;
	u8 configuration[WAL_CONFIGURATION_BYTES_MAX];
	u32 n_pins;
	bool is_aside;
};

/**
 * struct raftlog_snapshots - see storage_snapshot.h
 * @users: references
 * @name: I: for log lines
 * @super: I: of the WAL; a recovery from lost quorum may be completed after that
 * @salvage: I: what cannot be read is lost
 * @lock: see above
 * @slots: the files
 * @is_made: L: one is being made,
 * @maker: L: by whom,
 * @target: L: in which slot
 * @made: L: what it is to be
 * @offset: L: how much of its data is written
 * @checksum: L: of that
 * @configuration: L: goes with it
 * @staging: L: of what is written
 */
struct raftlog_snapshots {
	refcount_t users;
	char name[16];
	struct wal_superblock super;
	bool salvage;
	struct mutex lock; /* what is where, and writing it */
	struct raftlog_slot slots[2];
	bool is_made;
	const void *maker;
	struct raftlog_slot *target;
	struct wal_snapshot made;
	u64 offset;
	u32 checksum;
	u8 configuration[WAL_CONFIGURATION_BYTES_MAX];
	struct raftlog_buffer staging;
};

static bool is_newer(const struct raftlog_slot *a, const struct raftlog_slot *b)
{
	if (a->is_aside != b->is_aside)
		return b->is_aside;
	return wal_snapshot_is_newer(&a->snapshot, &b->snapshot);
}

static struct raftlog_slot *newest(struct raftlog_snapshots *snapshots)
{
	struct raftlog_slot *slots = snapshots->slots;

	return &slots[is_newer(&slots[1], &slots[0])];
}

static struct raftlog_slot *other_than(struct raftlog_snapshots *snapshots,
				       const struct raftlog_slot *slot)
{
	return &snapshots->slots[slot == &snapshots->slots[0]];
}

static struct raftlog_slot *spare(struct raftlog_snapshots *snapshots)
{
	return other_than(snapshots, newest(snapshots));
}

static void describe(const struct wal_snapshot *snapshot,
		     struct raftlog_sealed *sealed)
{
	*sealed = (struct raftlog_sealed){
		.id = snapshot->id,
		.chunk_bytes = wal_chunk_room(snapshot),
		.snapshot = {
			.index = snapshot->index,
			.term = snapshot->term,
			.bytes = snapshot->bytes,
			.checksum = snapshot->checksum,
		},
	};
}

static int write_staged(struct raftlog_snapshots *snapshots,
			struct raftlog_slot *slot, const struct wal_write *write,
			bool durable)
{
	return raftlog_file_write(slot->file, &snapshots->staging, 0,
				  write->bytes, write->position, durable);
}

/* A copy that cannot be read is zeros. Return: why not, what is not lost first. */
static int read_copies(struct raftlog_snapshots *snapshots,
		       const struct raftlog_slot *slot)
{
	const struct raftlog_buffer *buffer = &snapshots->staging;
	int ret = 0, error;
	u32 i, at;

	for (i = 0; i < WAL_SNAPSHOT_COPIES; i++) {
		at = i * WAL_SNAPSHOT_COPY_BYTES;
		error = raftlog_file_read(slot->file, buffer, at,
					  WAL_SNAPSHOT_COPY_BYTES, at);
		if (!error)
			continue;
		pr_err("%s: a copy of what names a snapshot cannot be read (error %d)\n",
		       snapshots->name, error);
		memset((u8 *)buffer->data + at, 0, WAL_SNAPSHOT_COPY_BYTES);
		if (!ret || raftlog_error_is_lost(ret, true))
			ret = error;
	}
	return ret;
}

/* Is what is in a slot, and is no snapshot of this log, somebody else's? */
static bool is_foreign(const struct raftlog_snapshots *snapshots, int ret)
{
	return !snapshots->salvage &&
	       (ret == -EEXIST ||
		!wal_snapshot_was_made(snapshots->staging.data));
}

/*
 * Where there is none, the log says whether one is missed. But not if it was ahead of
 * that: what cannot be read may name one, and is not given up without being told to.
 */
static int read_slot(struct raftlog_snapshots *snapshots,
		     struct raftlog_slot *slot)
{
	int ret, error;

	if (i_size_read(slot->file->f_mapping->host) < WAL_SNAPSHOT_HEADER_BYTES)
		return 0;
	ret = raftlog_file_sync(slot->file);
	if (ret) {
		pr_err("%s: a snapshot cannot be read (error %d)\n",
		       snapshots->name, ret);
		return ret;
	}
	error = read_copies(snapshots, slot);
	ret = wal_snapshot_decode(&snapshots->super, snapshots->staging.data,
				  &slot->snapshot);
	if (ret == -ENODATA || ret == -EEXIST) {
		slot->snapshot.index = 0;
		if (!error && is_foreign(snapshots, ret)) {
			pr_err("%s: a file for snapshots holds something else, or a snapshot of another log: if that is gone, remove it\n",
			       snapshots->name);
			return -EMEDIUMTYPE;
		}
		/* Not ENODATA, which is that there is no log. */
		if (raftlog_error_is_lost(error, true))
			error = snapshots->salvage ? 0 : -EIO;
		return error;
	}
	if (ret) {
		pr_err("%s: a snapshot is of another version than %d\n",
		       snapshots->name, WAL_SNAPSHOT_VERSION);
		return ret;
	}
	memcpy(slot->configuration, slot->snapshot.configuration.data,
	       slot->snapshot.configuration.bytes);
	slot->snapshot.configuration.data = slot->configuration;
	pr_info("%s: snapshot of entry %llu, term %llu, %llu bytes\n",
		snapshots->name, slot->snapshot.index, slot->snapshot.term,
		slot->snapshot.bytes);
	return 0;
}

static int open_slot(struct raftlog_snapshots *snapshots,
		     struct raftlog_slot *slot, struct file *file)
{
	int ret = raftlog_file_check(file);

	if (!ret && !S_ISREG(file_inode(file)->i_mode))
		ret = -EINVAL;
	if (!ret)
		ret = raftlog_file_claim(&slot->claim, file);
	if (ret) {
		pr_err("%s: a snapshot must be a regular file of its own, opened as the log is (error %d)\n",
		       snapshots->name, ret);
		return ret;
	}
	slot->file = get_file(file);
	return read_slot(snapshots, slot);
}

struct raftlog_snapshots *
raftlog_snapshots_open(struct file *const files[2],
		       const struct raftlog_storage *storage, const char *name)
{
	struct raftlog_snapshots *snapshots;
	int ret = -ENOMEM;
	u32 i;

	snapshots = kzalloc(sizeof(*snapshots), GFP_KERNEL);
	if (!snapshots)
		return ERR_PTR(-ENOMEM);
	refcount_set(&snapshots->users, 1);
	mutex_init(&snapshots->lock);
	strscpy(snapshots->name, name, sizeof(snapshots->name));
	snapshots->super = storage->super;
	snapshots->salvage = storage->salvage;
	if (raftlog_buffer_init(&snapshots->staging, WAL_CHUNK_BYTES_MAX,
				GFP_KERNEL))
		goto close;
	for (i = 0; i < ARRAY_SIZE(snapshots->slots); i++) {
		ret = open_slot(snapshots, &snapshots->slots[i], files[i]);
		if (ret)
			goto close;
	}
	return snapshots;

close:
	raftlog_snapshots_close(snapshots);
	return ERR_PTR(ret);
}

void raftlog_snapshots_close(struct raftlog_snapshots *snapshots)
{
	u32 i;

	mutex_lock(&snapshots->lock);
	for (i = 0; i < ARRAY_SIZE(snapshots->slots); i++) {
		struct raftlog_slot *slot = &snapshots->slots[i];

		if (!slot->file)
			continue;
		raftlog_file_release(&slot->claim);
		fput(slot->file);
		slot->file = NULL;
	}
	snapshots->is_made = false;
	mutex_unlock(&snapshots->lock);
	raftlog_snapshots_put(snapshots);
}

void raftlog_snapshots_get(struct raftlog_snapshots *snapshots)
{
	refcount_inc(&snapshots->users);
}

void raftlog_snapshots_put(struct raftlog_snapshots *snapshots)
{
	if (!refcount_dec_and_test(&snapshots->users))
		return;
	raftlog_buffer_destroy(&snapshots->staging);
	mutex_destroy(&snapshots->lock);
	kfree(snapshots);
}

void raftlog_snapshots_newest(struct raftlog_snapshots *snapshots,
			      struct raftlog_sealed *sealed)
{
	mutex_lock(&snapshots->lock);
	describe(&newest(snapshots)->snapshot, sealed);
	mutex_unlock(&snapshots->lock);
}

static struct raftlog_slot *find(struct raftlog_snapshots *snapshots,
				 const struct raftlog_sealed *sealed)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(snapshots->slots); i++)
		if (snapshots->slots[i].snapshot.index &&
		    snapshots->slots[i].snapshot.id == sealed->id)
			return &snapshots->slots[i];
	return NULL;
}

bool raftlog_snapshots_is_of(struct raftlog_snapshots *snapshots,
			     const struct raftlog_sealed *sealed, u64 term)
{
	struct raftlog_slot *slot;
	bool is;

	mutex_lock(&snapshots->lock);
	slot = find(snapshots, sealed);
	is = slot && wal_snapshot_is_of(&snapshots->super, &slot->snapshot, term);
	mutex_unlock(&snapshots->lock);
	return is;
}

struct raftlog_entry *
raftlog_snapshots_configuration(struct raftlog_snapshots *snapshots,
				const struct raftlog_sealed *sealed)
{
	struct raftlog_entry *entry = NULL;
	struct raftlog_slot *slot;

	mutex_lock(&snapshots->lock);
	slot = find(snapshots, sealed);
	if (slot)
		entry = raftlog_entry_alloc(slot->snapshot.configuration.bytes,
					    GFP_NOIO);
	if (entry) {
		entry->index = slot->snapshot.configuration.index;
		entry->type = RAFT_ENTRY_CONFIGURATION;
		memcpy(entry->data, slot->snapshot.configuration.data,
		       entry->bytes);
	}
	mutex_unlock(&snapshots->lock);
	return entry;
}

u32 raftlog_snapshots_chunk_bytes(const struct raftlog_snapshots *snapshots)
{
	return WAL_CHUNK_BYTES_MAX - WAL_CHUNK_HEADER_BYTES;
}

/* The file with a reference, and the header without the configuration. */
static struct file *get_slot(struct raftlog_snapshots *snapshots,
			     const struct raftlog_sealed *sealed,
			     struct wal_snapshot *snapshot)
{
	struct file *file = ERR_PTR(-ENOENT);
	struct raftlog_slot *slot;

	mutex_lock(&snapshots->lock);
	slot = find(snapshots, sealed);
	if (slot && !slot->file) {
		file = ERR_PTR(-ESHUTDOWN);
	} else if (slot) {
		*snapshot = slot->snapshot;
		file = get_file(slot->file);
	}
	mutex_unlock(&snapshots->lock);
	return file;
}

static int read_chunk(struct raftlog_snapshots *snapshots, struct file *file,
		      const struct wal_snapshot *snapshot, u64 number,
		      const struct raftlog_buffer *buffer, u32 *bytes)
{
	int ret;

	ret = raftlog_file_read(file, buffer, 0,
				wal_chunk_read_bytes(snapshot, number),
				wal_chunk_position(snapshot, number));
	ret = raftlog_file_error(ret);
	if (!ret)
		ret = wal_chunk_decode(&snapshots->super, snapshot, number,
				       buffer->data, bytes);
	return ret;
}

/* Is it damaged, or was it written over meanwhile? */
static int why_not(struct raftlog_snapshots *snapshots,
		   const struct raftlog_sealed *sealed, u64 number, int error)
{
	struct wal_snapshot snapshot;
	struct file *file = get_slot(snapshots, sealed, &snapshot);

	if (IS_ERR(file))
		return PTR_ERR(file);
	fput(file);
	pr_err_ratelimited("%s: chunk %llu of the snapshot of entry %llu cannot be read (error %d)\n",
			   snapshots->name, number, snapshot.index, error);
	return error;
}

int raftlog_snapshots_read(struct raftlog_snapshots *snapshots,
			   const struct raftlog_sealed *sealed, u64 offset,
			   void *data)
{
	struct raftlog_buffer buffer;
	struct wal_snapshot snapshot;
	struct file *file;
	u32 skip, bytes;
	u64 number;
	int ret;

	if (offset >= sealed->snapshot.bytes)
		return 0;
	file = get_slot(snapshots, sealed, &snapshot);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = raftlog_buffer_init(&buffer, snapshot.chunk_bytes, GFP_NOIO);
	if (ret) {
		fput(file);
		return ret;
	}
	number = div_u64_rem(offset, wal_chunk_room(&snapshot), &skip);
	ret = read_chunk(snapshots, file, &snapshot, number, &buffer, &bytes);
	fput(file);
	/* Another one that was given the same id. */
	if (!ret && skip >= bytes)
		ret = -EUCLEAN;
	if (ret) {
		ret = why_not(snapshots, sealed, number, ret);
	} else {
		ret = bytes - skip;
		memcpy(data, buffer.data + WAL_CHUNK_HEADER_BYTES + skip, ret);
	}
	raftlog_buffer_destroy(&buffer);
	return ret;
}

int raftlog_snapshots_verify(struct raftlog_snapshots *snapshots,
			     const struct raftlog_sealed *sealed)
{
	void *data = kvmalloc(raftlog_snapshots_chunk_bytes(snapshots),
			      GFP_KERNEL);
	u32 checksum = ~0u;
	u64 offset = 0;
	int ret = data ? 1 : -ENOMEM;

	while (ret > 0 && offset < sealed->snapshot.bytes) {
		ret = raftlog_snapshots_read(snapshots, sealed, offset, data);
		if (ret > 0) {
			checksum = wal_snapshot_checksum(checksum, data, ret);
			offset += ret;
		}
		if (fatal_signal_pending(current))
			ret = -EINTR;
	}
	kvfree(data);
	if (ret > 0 && checksum != sealed->snapshot.checksum)
		ret = -EUCLEAN;
	return min(ret, 0);
}

int raftlog_snapshots_pin(struct raftlog_snapshots *snapshots,
			  struct raftlog_sealed *sealed)
{
	struct raftlog_slot *slot;
	int ret = 0;

	mutex_lock(&snapshots->lock);
	slot = newest(snapshots);
	if (!slot->file)
		ret = -ESHUTDOWN;
	else if (!slot->snapshot.index)
		ret = -ENOENT;
	else
		slot->n_pins++;
	describe(&slot->snapshot, sealed);
	mutex_unlock(&snapshots->lock);
	return ret;
}

void raftlog_snapshots_unpin(struct raftlog_snapshots *snapshots,
			     const struct raftlog_sealed *sealed)
{
	struct raftlog_slot *slot;

	mutex_lock(&snapshots->lock);
	slot = find(snapshots, sealed);
	/* Unless a leader sent another one in its place. */
	if (slot)
		slot->n_pins--;
	mutex_unlock(&snapshots->lock);
}

/* Can a process make one? */
static int check_spare(struct raftlog_snapshots *snapshots)
{
	const struct raftlog_slot *slot = spare(snapshots);

	if (!slot->file)
		return -ESHUTDOWN;
	return slot->n_pins || (snapshots->is_made && snapshots->maker) ?
		       -EBUSY :
		       0;
}

int raftlog_snapshots_spare(struct raftlog_snapshots *snapshots,
			    struct raftlog_sealed *there)
{
	int ret;

	mutex_lock(&snapshots->lock);
	ret = check_spare(snapshots);
	describe(&spare(snapshots)->snapshot, there);
	mutex_unlock(&snapshots->lock);
	return ret;
}

/* The header goes before anything of what it names is written over. */
static int clear(struct raftlog_snapshots *snapshots, struct raftlog_slot *slot)
{
	struct wal_write write;

	slot->snapshot.index = 0;
	slot->n_pins = 0;
	slot->is_aside = false;
	wal_snapshot_clear(snapshots->staging.data, &write);
	return write_staged(snapshots, slot, &write, true);
}

void raftlog_snapshots_set_aside(struct raftlog_snapshots *snapshots,
				 const struct raftlog_sealed *sealed)
{
	struct raftlog_slot *slot;

	mutex_lock(&snapshots->lock);
	slot = find(snapshots, sealed);
	if (slot) {
		slot->snapshot.index = 0;
		slot->is_aside = true;
	}
	mutex_unlock(&snapshots->lock);
}

/* Greater than that of whatever is on disk, be it set aside or not. */
static u64 draw_id(const struct raftlog_snapshots *snapshots)
{
	u64 id = max(snapshots->slots[0].snapshot.id,
		     snapshots->slots[1].snapshot.id);

	return 1 + (id ? id + get_random_u32() : get_random_u64() >> 1);
}

int raftlog_snapshots_begin(struct raftlog_snapshots *snapshots,
			    const void *maker, u64 there_id,
			    const struct raft_snapshot *snapshot,
			    const struct raftlog_entry *configuration)
{
	struct wal_snapshot *made = &snapshots->made;
	int ret = 0;

	mutex_lock(&snapshots->lock);
	if (maker)
		ret = check_spare(snapshots);
	else if (!spare(snapshots)->file)
		ret = -ESHUTDOWN;
	if (maker && !ret && spare(snapshots)->snapshot.id != there_id)
		ret = -EBUSY;
	if (ret)
		goto unlock;
	snapshots->is_made = false;
	snapshots->target = spare(snapshots);
	ret = clear(snapshots, snapshots->target);
	if (ret)
		goto unlock;
	*made = (struct wal_snapshot){
		.id = draw_id(snapshots),
		.index = snapshot->index,
		.term = snapshot->term,
		.chunk_bytes = WAL_CHUNK_BYTES_MAX,
		.configuration = {
			.index = configuration->index,
			.data = snapshots->configuration,
			.bytes = min_t(u32, configuration->bytes,
				       WAL_CONFIGURATION_BYTES_MAX),
		},
	};
	memcpy(snapshots->configuration, configuration->data,
	       made->configuration.bytes);
	snapshots->maker = maker;
	snapshots->offset = 0;
	snapshots->checksum = ~0u;
	snapshots->is_made = true;
unlock:
	mutex_unlock(&snapshots->lock);
	return ret;
}

static int check_maker(const struct raftlog_snapshots *snapshots,
		       const void *maker)
{
	if (!snapshots->slots[0].file)
		return -ESHUTDOWN;
	return snapshots->is_made && snapshots->maker == maker ? 0 : -ESTALE;
}

int raftlog_snapshots_write(struct raftlog_snapshots *snapshots,
			    const void *maker, u64 offset, const void *data,
			    u32 bytes)
{
	u32 room = raftlog_snapshots_chunk_bytes(snapshots), rest;
	u64 number = div_u64_rem(offset, room, &rest);
	struct wal_write write;
	int ret;

	mutex_lock(&snapshots->lock);
	ret = check_maker(snapshots, maker);
	if (!ret && (offset != snapshots->offset || bytes > room || rest))
		ret = -ESTALE;
	if (ret)
		goto unlock;
	memcpy(snapshots->staging.data + WAL_CHUNK_HEADER_BYTES, data, bytes);
	wal_chunk_encode(&snapshots->super, &snapshots->made, number, bytes,
			 snapshots->staging.data, &write);
	ret = write_staged(snapshots, snapshots->target, &write, false);
	if (ret) {
		snapshots->is_made = false;
		goto unlock;
	}
	snapshots->offset += bytes;
	snapshots->checksum =
		wal_snapshot_checksum(snapshots->checksum, data, bytes);
unlock:
	mutex_unlock(&snapshots->lock);
	return ret;
}

/*
 * What of it is not yet durable becomes so first; then the header, which says so. One
 * that was set aside goes: its index may be as high, or higher, and the next start would
 * take it for the newest.
 */
static int make_durable(struct raftlog_snapshots *snapshots)
{
	struct raftlog_slot *slot = snapshots->target;
	struct raftlog_slot *other = other_than(snapshots, slot);
	struct wal_write write;
	int ret;

	snapshots->made.bytes = snapshots->offset;
	snapshots->made.checksum = snapshots->checksum;
	ret = raftlog_file_sync(slot->file);
	if (!ret)
		ret = wal_snapshot_encode(&snapshots->super, &snapshots->made,
					  snapshots->staging.data, &write);
	if (!ret)
		ret = write_staged(snapshots, slot, &write, true);
	if (ret)
		return ret;
	memcpy(slot->configuration, snapshots->configuration,
	       sizeof(slot->configuration));
	slot->snapshot = snapshots->made;
	slot->snapshot.configuration.data = slot->configuration;
	return other->is_aside || other->snapshot.index == slot->snapshot.index ?
		       clear(snapshots, other) :
		       0;
}

int raftlog_snapshots_seal(struct raftlog_snapshots *snapshots,
			   const void *maker, struct raftlog_sealed *sealed)
{
	const struct raft_snapshot *expected = &sealed->snapshot;
	int ret;

	mutex_lock(&snapshots->lock);
	ret = check_maker(snapshots, maker);
	if (ret)
		goto unlock;
	if (!snapshots->offset)
		ret = -EINVAL;
	else if (expected->bytes && (expected->bytes != snapshots->offset ||
				     expected->checksum != snapshots->checksum))
		ret = -EUCLEAN;
	else
		ret = make_durable(snapshots);
	snapshots->is_made = false;
	if (!ret)
		describe(&snapshots->made, sealed);
unlock:
	mutex_unlock(&snapshots->lock);
	return ret;
}

void raftlog_snapshots_abandon(struct raftlog_snapshots *snapshots,
			       const void *maker)
{
	mutex_lock(&snapshots->lock);
	if (!check_maker(snapshots, maker))
		snapshots->is_made = false;
	mutex_unlock(&snapshots->lock);
}
