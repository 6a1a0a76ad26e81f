// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots as files of a process: one that is being made is written and sealed, one
 * that is there is read. They hold the group, not its life: once that has ended they
 * say ESHUTDOWN.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "entry.h"
#include "group.h"
#include "life.h"
#include "request.h"
#include "snapshot.h"

/**
 * struct raftlog_snapshot_file - an open file
 * @group: I: whose
 * @snapshots: I: where, with a reference
 * @sealed: I: to read: what; to make: L: as of which entry, filled in when sealed
 * @configuration: I: to make: goes with it
 * @lock: what follows
 * @is_sealed: L: to make: it is, or that failed
 * @error: L: to make: why it cannot be any more, 0
 * @offset: L: of @data
 * @bytes: L: in @data
 * @data: L: to make: what is not yet a whole chunk; to read: the chunk read last
 */
struct raftlog_snapshot_file {
	struct raftlog_group *group;
	struct raftlog_snapshots *snapshots;
	struct raftlog_sealed sealed;
	struct raftlog_entry *configuration;
	struct mutex lock; /* is_sealed, error, offset, bytes, data */
	bool is_sealed;
	int error;
	u64 offset;
	u32 bytes;
	u8 *data;
};

static struct raftlog_snapshot_file *
file_alloc(struct raftlog_group *group, struct raftlog_snapshots *snapshots)
{
	struct raftlog_snapshot_file *file;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return NULL;
	file->data = kvmalloc(raftlog_snapshots_chunk_bytes(snapshots),
			      GFP_KERNEL_ACCOUNT);
	if (!file->data) {
		kfree(file);
		return NULL;
	}
	get_device(&group->dev);
	raftlog_snapshots_get(snapshots);
	file->group = group;
	file->snapshots = snapshots;
	mutex_init(&file->lock);
	return file;
}

static void file_free(struct raftlog_snapshot_file *file)
{
	if (file->configuration)
		raftlog_entry_put(file->configuration);
	raftlog_snapshots_put(file->snapshots);
	put_device(&file->group->dev);
	mutex_destroy(&file->lock);
	kvfree(file->data);
	kfree(file);
}

/* Return: a descriptor reserved for it, for the caller to install; or errno. */
static int open_as(struct raftlog_snapshot_file *snapshot_file, const char *name,
		   const struct file_operations *fops, int flags,
		   struct file **made)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct file *file;

	if (fd < 0)
		return fd;
	file = anon_inode_getfile(name, fops, snapshot_file, flags);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	if (flags == O_RDONLY)
		file->f_mode |= FMODE_LSEEK | FMODE_PREAD;
	*made = file;
	return fd;
}

/* Making one */

/* The first error is that of all later calls: write(2) may have told of less. */
static int write_chunk(struct raftlog_snapshot_file *file)
{
	int ret = raftlog_snapshots_write(file->snapshots, file, file->offset,
					  file->data, file->bytes);

	file->error = ret;
	if (ret)
		return ret;
	file->offset += file->bytes;
	file->bytes = 0;
	return 0;
}

static ssize_t create_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct raftlog_snapshot_file *file = iocb->ki_filp->private_data;
	u32 room = raftlog_snapshots_chunk_bytes(file->snapshots);
	ssize_t done = 0;
	size_t n;
	int ret = 0;

	if (mutex_lock_interruptible(&file->lock))
		return -ERESTARTSYS;
	ret = file->is_sealed ? -EINVAL : file->error;
	while (!ret && iov_iter_count(from)) {
		/* The last chunk is written when it is known to be that. */
		if (file->bytes == room)
			ret = write_chunk(file);
		if (ret)
			break;
		n = copy_from_iter(file->data + file->bytes,
				   min_t(size_t, room - file->bytes,
					 iov_iter_count(from)),
				   from);
		if (!n)
			ret = -EFAULT;
		file->bytes += n;
		done += n;
		if (fatal_signal_pending(current))
			ret = -EINTR;
	}
	mutex_unlock(&file->lock);
	return done ? done : ret;
}

/* Under the file's lock. */
static int seal(struct raftlog_snapshot_file *file)
{
	struct raftlog_snapshot_request request = {
		.configuration = file->configuration,
	};
	struct raftlog_life *life;
	int ret = file->error;

	if (file->is_sealed)
		return -EINVAL;
	if (!file->offset && !file->bytes)
		return -EINVAL;
	if (!ret && file->bytes)
		ret = write_chunk(file);
	if (!ret)
		ret = raftlog_snapshots_seal(file->snapshots, file,
					     &file->sealed);
	file->error = ret;
	if (ret)
		return ret;
	file->is_sealed = true;
	request.sealed = file->sealed;
	life = raftlog_group_life(file->group);
	if (!life)
		return -ESHUTDOWN;
	/* It may be another life: that found it when it began. */
	if (life->snapshots == file->snapshots)
		ret = raftlog_snapshot_taken(life, &request);
	raftlog_life_put(life);
	return ret;
}

static int seal_ioctl(struct raftlog_snapshot_file *file, void __user *user,
		      size_t bytes)
{
	struct raftlog_snapshot_seal arg;
	int ret;

	if (bytes < sizeof(arg))
		return -EINVAL;
	ret = copy_struct_from_user(&arg, sizeof(arg), user, bytes);
	if (ret)
		return ret;
	ret = raftlog_request_check(_IOC_NR(RAFTLOG_IOC_SNAPSHOT_SEAL), &arg);
	if (ret)
		return ret;
	if (mutex_lock_interruptible(&file->lock))
		return -ERESTARTSYS;
	ret = seal(file);
	arg.index = file->sealed.snapshot.index;
	arg.bytes = file->sealed.snapshot.bytes;
	mutex_unlock(&file->lock);
	if (!ret && copy_to_user(user, &arg, sizeof(arg)))
		ret = -EFAULT;
	return ret;
}

static long create_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (_IOC_TYPE(cmd) != RAFTLOG_IOC_MAGIC ||
	    _IOC_NR(cmd) != _IOC_NR(RAFTLOG_IOC_SNAPSHOT_SEAL) ||
	    _IOC_DIR(cmd) != _IOC_DIR(RAFTLOG_IOC_SNAPSHOT_SEAL))
		return -ENOTTY;
	return seal_ioctl(file->private_data, (void __user *)arg,
			  _IOC_SIZE(cmd));
}

/* What was not sealed is no snapshot. */
static int create_release(struct inode *inode, struct file *file)
{
	struct raftlog_snapshot_file *snapshot_file = file->private_data;

	raftlog_snapshots_abandon(snapshot_file->snapshots, snapshot_file);
	file_free(snapshot_file);
	return 0;
}

static const struct file_operations create_fops = {
	.owner = THIS_MODULE,
	.release = create_release,
	.write_iter = create_write_iter,
	.unlocked_ioctl = create_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static int begin(struct raftlog_life *life, struct raftlog_snapshot_file *file,
		 u64 index)
{
	struct raftlog_snapshot_request request = {
		.sealed.snapshot.index = index,
	};
	int ret = raftlog_snapshot_prepare(life, &request);

	if (ret)
		return ret;
	file->sealed = request.sealed;
	file->configuration = request.configuration;
	return raftlog_snapshots_begin(life->snapshots, file, request.spare.id,
				       &file->sealed.snapshot,
				       file->configuration);
}

int raftlog_snapshot_create(struct raftlog_group *group,
			    struct raftlog_snapshot_create *create,
			    struct file **made)
{
	struct raftlog_life *life = raftlog_group_life(group);
	struct raftlog_snapshot_file *file = NULL;
	int ret = -ENOTCONN;

	if (!life)
		return ret;
	ret = -EOPNOTSUPP;
	if (life->snapshots) {
		file = file_alloc(group, life->snapshots);
		ret = file ? begin(life, file, create->index) : -ENOMEM;
	}
	raftlog_life_put(life);
	if (ret && file)
		file_free(file);
	if (ret)
		return ret;
	create->index = file->sealed.snapshot.index;
	create->term = file->sealed.snapshot.term;
	ret = open_as(file, "[raftlog-snapshot]", &create_fops, O_WRONLY, made);
	create->fd = ret;
	if (ret >= 0)
		return 0;
	raftlog_snapshots_abandon(file->snapshots, file);
	file_free(file);
	return ret;
}

/* Reading one */

static void tell_gone(struct raftlog_snapshot_file *file)
{
	struct raftlog_life *life = raftlog_group_life(file->group);

	if (!life)
		return;
	if (life->snapshots == file->snapshots)
		raftlog_snapshot_gone(life, &file->sealed);
	raftlog_life_put(life);
}

/* The chunk that holds @offset is in memory then. Return: 1, 0 at the end, errno. */
static int fetch(struct raftlog_snapshot_file *file, u64 offset)
{
	u32 rest;
	int ret;

	if (offset >= file->offset && offset < file->offset + file->bytes)
		return 1;
	if (offset >= file->sealed.snapshot.bytes)
		return 0;
	/* Chunks of one that was not made here may be smaller. */
	div_u64_rem(offset, file->sealed.chunk_bytes, &rest);
	file->bytes = 0;
	file->offset = offset - rest;
	ret = raftlog_snapshots_read(file->snapshots, &file->sealed,
				     file->offset, file->data);
	if (ret == -EUCLEAN || ret == -EIO)
		tell_gone(file);
	if (ret <= 0)
		/* A leader sent another one in its place. */
		return ret == -ENOENT ? -ESTALE : ret;
	if (ret <= rest)
		return -EUCLEAN;
	file->bytes = ret;
	return 1;
}

static ssize_t open_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct raftlog_snapshot_file *file = iocb->ki_filp->private_data;
	ssize_t done = 0;
	size_t n;
	u32 skip;
	int ret;

	if (iocb->ki_pos < 0)
		return -EINVAL;
	if (mutex_lock_interruptible(&file->lock))
		return -ERESTARTSYS;
	do {
		ret = fetch(file, iocb->ki_pos);
		if (ret <= 0)
			break;
		skip = iocb->ki_pos - file->offset;
		n = copy_to_iter(file->data + skip, file->bytes - skip, to);
		if (!n && iov_iter_count(to))
			ret = -EFAULT;
		iocb->ki_pos += n;
		done += n;
		if (fatal_signal_pending(current))
			ret = -EINTR;
	} while (ret > 0 && iov_iter_count(to));
	mutex_unlock(&file->lock);
	return done ? done : min(ret, 0);
}

static loff_t open_llseek(struct file *file, loff_t offset, int whence)
{
	struct raftlog_snapshot_file *snapshot_file = file->private_data;

	return fixed_size_llseek(file, offset, whence,
				 snapshot_file->sealed.snapshot.bytes);
}

static int open_release(struct inode *inode, struct file *file)
{
	struct raftlog_snapshot_file *snapshot_file = file->private_data;

	raftlog_snapshots_unpin(snapshot_file->snapshots,
				&snapshot_file->sealed);
	file_free(snapshot_file);
	return 0;
}

static const struct file_operations open_fops = {
	.owner = THIS_MODULE,
	.release = open_release,
	.read_iter = open_read_iter,
	.llseek = open_llseek,
};

int raftlog_snapshot_open(struct raftlog_group *group,
			  struct raftlog_snapshot_open *open, struct file **made)
{
	struct raftlog_life *life = raftlog_group_life(group);
	struct raftlog_snapshot_file *file = NULL;
	struct raftlog_sealed sealed;
	int ret = -ENOTCONN;

	if (!life)
		return ret;
	ret = -EOPNOTSUPP;
	if (life->snapshots) {
		file = file_alloc(group, life->snapshots);
		ret = file ? raftlog_snapshots_pin(life->snapshots, &sealed) :
			     -ENOMEM;
	}
	raftlog_life_put(life);
	if (ret && file)
		file_free(file);
	if (ret)
		return ret;
	file->sealed = sealed;
	open->index = sealed.snapshot.index;
	open->term = sealed.snapshot.term;
	open->bytes = sealed.snapshot.bytes;
	ret = open_as(file, "[raftlog-snapshot]", &open_fops, O_RDONLY, made);
	open->fd = ret;
	if (ret >= 0)
		return 0;
	raftlog_snapshots_unpin(file->snapshots, &sealed);
	file_free(file);
	return ret;
}
