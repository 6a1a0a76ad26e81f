// SPDX-License-Identifier: GPL-2.0
/*
 * open, read, write, poll, lseek, fsync of /dev/raftlog*.
 *
 * Position. read(2) goes by the open file's own position, under a lock that is
 * not held while it sleeps: threads that share an open file get different
 * entries, and a reader that waits holds up nobody's write. f_pos cannot do that
 * for a character device, so it only tells pread(2) from read(2): it always is
 * POSITION_OF_FILE, which is no index anybody could ask for.
 */
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "entry.h"
#include "group.h"
#include "life.h"
#include "proposal.h"

#define POSITION_OF_FILE (1ll << 62)

enum {
	FRAME_ALIGN = 8,
};

static struct raftlog_open *open_of(const struct file *file)
{
	return file->private_data;
}

static int device_open(struct inode *inode, struct file *file)
{
	struct raftlog_group *group =
		container_of(inode->i_cdev, struct raftlog_group, cdev);
	struct raftlog_open *open = kzalloc(sizeof(*open), GFP_KERNEL_ACCOUNT);

	if (!open)
		return -ENOMEM;
	open->group = group;
	kref_init(&open->refs);
	mutex_init(&open->read_lock);
	open->position = 1;
	open->lowest_offset = POSITION_OF_FILE;
	spin_lock_init(&open->lock);
	INIT_LIST_HEAD(&open->pending);
	init_waitqueue_head(&open->done_wait);
	spin_lock(&group->lock);
	open->n_stops = group->n_stops;
	open->seen_seq = group->event_seq;
	spin_unlock(&group->lock);
	file->private_data = open;
	file->f_pos = POSITION_OF_FILE;
	/* io_uring hands in what it can without a thread of its own. */
	file->f_mode |= FMODE_NOWAIT;
	return 0;
}

void raftlog_open_release(struct kref *refs)
{
	kfree(container_of(refs, struct raftlog_open, refs));
}

/* What was accepted goes on; it holds its own references. */
static int device_release(struct inode *inode, struct file *file)
{
	kref_put(&open_of(file)->refs, raftlog_open_release);
	return 0;
}

static bool wants_internal(const struct raftlog_open *open)
{
	return READ_ONCE(open->framed) &&
	       READ_ONCE(open->framed_flags) & RAFTLOG_FRAMED_F_INTERNAL;
}

static u64 first_index(loff_t position)
{
	return position > 0 ? position : 1;
}

static bool entry_waits(struct raftlog_life *life, struct raftlog_open *open,
			loff_t position)
{
	return raftlog_read_waits(life, first_index(position),
				  wants_internal(open));
}

/*
 * Without sleeping for one: -EAGAIN at the end, and with @nowait for what must be
 * read from the disk.
 */
static int get_entry(struct raftlog_open *open, loff_t position, bool nowait,
		     struct raftlog_entry **entry)
{
	struct raftlog_life *life = raftlog_group_life(open->group);
	int error;

	if (!life)
		return -ENOTCONN;
	error = raftlog_read_next(life, first_index(position),
				  wants_internal(open), nowait, entry);
	/* What is committed can still be read. */
	if (error == -EAGAIN && raftlog_life_is_failed(life) &&
	    !entry_waits(life, open, position))
		error = -EIO;
	raftlog_life_put(life);
	return error;
}

static int wait_entry(struct raftlog_open *open, loff_t position)
{
	struct raftlog_life *life = raftlog_group_life(open->group);
	int error;

	if (!life)
		return -ENOTCONN;
	error = wait_event_interruptible(open->group->read_wait,
					 raftlog_life_is_stopping(life) ||
					 raftlog_life_is_failed(life) ||
					 entry_waits(life, open, position));
	if (!error && raftlog_life_is_stopping(life))
		error = -ESHUTDOWN;
	raftlog_life_put(life);
	return error;
}

static ssize_t copy_bare(const struct raftlog_entry *entry, struct iov_iter *to)
{
	if (entry->bytes > iov_iter_count(to))
		return -EMSGSIZE;
	if (copy_to_iter(entry->data, entry->bytes, to) != entry->bytes)
		return -EFAULT;
	return entry->bytes;
}

static ssize_t copy_frame(const struct raftlog_entry *entry,
			  struct iov_iter *to)
{
	struct raftlog_frame frame = {
		.index = entry->index,
		.term = entry->term,
		.session = entry->session,
		.sequence = entry->sequence,
		.bytes = entry->bytes,
		.type = entry->type,
	};
	size_t padding = ALIGN(entry->bytes, FRAME_ALIGN) - entry->bytes;
	size_t total = sizeof(frame) + entry->bytes + padding;

	if (total > iov_iter_count(to))
		return -EMSGSIZE;
	if (copy_to_iter(&frame, sizeof(frame), to) != sizeof(frame) ||
	    copy_to_iter(entry->data, entry->bytes, to) != entry->bytes ||
	    iov_iter_zero(padding, to) != padding)
		return -EFAULT;
	return total;
}

/* As many entries as there are and fit, if framed; else one. */
static ssize_t read_at(struct raftlog_open *open, struct iov_iter *to,
		       loff_t *position, bool nowait)
{
	bool framed = READ_ONCE(open->framed);
	ssize_t total = 0;

	do {
		struct raftlog_entry *entry;
		ssize_t ret = get_entry(open, *position, nowait, &entry);

		if (!ret) {
			ret = framed ? copy_frame(entry, to) :
				       copy_bare(entry, to);
			if (ret > 0)
				*position = entry->index + 1;
			raftlog_entry_put(entry);
		}
		if (ret < 0)
			return total ? total : ret;
		total += ret;
		cond_resched();
	} while (framed && !signal_pending(current));
	return total;
}

/*
 * Reading by offset. What asks for an edge, as io_uring does for a read that has to
 * wait, is told of the lowest offset of such reads: what can be read behind that can
 * be read from there, so none waits in vain. One that looks in vain is given to a
 * thread of io_uring's.
 */
static ssize_t read_offset(struct raftlog_open *open, struct iov_iter *to,
			   loff_t position, bool nowait, bool is_waited_for)
{
	loff_t offset = position;
	ssize_t ret = read_at(open, to, &position, nowait);

	if (ret == -EAGAIN && is_waited_for) {
		spin_lock(&open->lock);
		if (offset < open->lowest_offset)
			WRITE_ONCE(open->lowest_offset, offset);
		spin_unlock(&open->lock);
	}
	return ret;
}

static int lock_position(struct raftlog_open *open, bool nowait)
{
	if (nowait)
		return mutex_trylock(&open->read_lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&open->read_lock) ? -ERESTARTSYS : 0;
}

static ssize_t read_file(struct raftlog_open *open, struct iov_iter *to,
			 loff_t *position, bool nowait)
{
	ssize_t ret = lock_position(open, nowait);

	if (ret)
		return ret;
	*position = open->position;
	ret = read_at(open, to, position, nowait);
	if (ret > 0)
		WRITE_ONCE(open->position, *position);
	mutex_unlock(&open->read_lock);
	return ret;
}

/*
 * O_NONBLOCK is not for a thread of io_uring's own: it is there to sleep. Kernels
 * that do not mark the kiocbs of AIO would take one of those for it.
 */
static bool may_sleep(struct kiocb *iocb)
{
	if (iocb->ki_flags & IOCB_NOWAIT)
		return false;
	if (!(iocb->ki_filp->f_flags & O_NONBLOCK))
		return true;
#ifdef IOCB_AIO_RW
	return !is_sync_kiocb(iocb) && !(iocb->ki_flags & IOCB_AIO_RW);
#else
	return false;
#endif
}

static ssize_t device_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct raftlog_open *open = open_of(iocb->ki_filp);
	bool nowait = iocb->ki_flags & IOCB_NOWAIT;

	if (!iov_iter_count(to))
		return 0;
	for (;;) {
		loff_t position = iocb->ki_pos;
		ssize_t ret;

		if (position == POSITION_OF_FILE)
			ret = read_file(open, to, &position, nowait);
		else
			ret = read_offset(open, to, position, nowait,
					  nowait && !is_sync_kiocb(iocb));
		if (ret != -EAGAIN || !may_sleep(iocb))
			return ret;
		ret = wait_entry(open, position);
		if (ret)
			return ret;
	}
}

static ssize_t device_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return raftlog_write(open_of(iocb->ki_filp), from, iocb,
			     !may_sleep(iocb), 0, NULL);
}

static int device_fsync(struct file *file, loff_t start, loff_t end,
			int datasync)
{
	return raftlog_write_sync(open_of(file));
}

/* Index behind the last committed entry, or -ENOTCONN. */
static loff_t end_index(struct raftlog_group *group)
{
	struct raftlog_life *life = raftlog_group_life(group);
	loff_t index;

	if (!life)
		return -ENOTCONN;
	spin_lock(&life->runs_lock);
	index = life->commit_index + 1;
	spin_unlock(&life->runs_lock);
	raftlog_life_put(life);
	return index;
}

static loff_t device_llseek(struct file *file, loff_t offset, int whence)
{
	struct raftlog_open *open = open_of(file);
	bool moves = false;
	loff_t base = 0;

	if (whence == SEEK_END)
		base = end_index(open->group);
	if (base < 0)
		return base;
	if (mutex_lock_interruptible(&open->read_lock))
		return -ERESTARTSYS;
	if (whence == SEEK_CUR)
		base = open->position;
	else if (whence != SEEK_SET && whence != SEEK_END)
		base = -EINVAL;
	if (base < 0 || check_add_overflow(base, offset, &base) || base < 0 ||
	    base >= POSITION_OF_FILE)
		base = -EINVAL;
	else
		moves = base != open->position;
	if (moves)
		WRITE_ONCE(open->position, base);
	mutex_unlock(&open->read_lock);
	/* Who found the lock taken, or nothing at the position of before. */
	if (moves)
		raftlog_group_wake(open->group, &open->group->read_wait, 0);
	return base;
}

static __poll_t poll_life(struct raftlog_life *life, struct raftlog_open *open,
			  bool edge)
{
	loff_t position = READ_ONCE(open->position);
	__poll_t mask = 0;

	if (edge)
		position = min(position, READ_ONCE(open->lowest_offset));
	if (raftlog_life_is_failed(life))
		mask |= EPOLLERR;
	if (entry_waits(life, open, position))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (raftlog_write_has_room(life))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static __poll_t device_poll(struct file *file, poll_table *wait)
{
	struct raftlog_open *open = open_of(file);
	struct raftlog_group *group = open->group;
	struct raftlog_life *life;
	__poll_t mask = 0;

	poll_wait(file, &group->poll_wait, wait);

	life = raftlog_group_life(group);
	if (life) {
		mask = poll_life(life, open,
				 poll_requested_events(wait) & EPOLLET);
		raftlog_life_put(life);
	}
	spin_lock(&group->lock);
	/* Not before the event that says so: who follows events reads it yet. */
	if (group->state == RAFTLOG_STATE_STOPPED &&
	    group->n_stops != open->n_stops)
		mask |= EPOLLHUP;
	if (group->event_seq > READ_ONCE(open->seen_seq))
		mask |= EPOLLPRI;
	spin_unlock(&group->lock);
	return mask;
}

static void device_show_fdinfo(struct seq_file *m, struct file *file)
{
	seq_printf(m, "raftlog-index:\t%lld\n",
		   READ_ONCE(open_of(file)->position));
}

const struct file_operations raftlog_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.read_iter = device_read_iter,
	.write_iter = device_write_iter,
	.fsync = device_fsync,
	.llseek = device_llseek,
	.poll = device_poll,
	.unlocked_ioctl = raftlog_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = device_show_fdinfo,
};
