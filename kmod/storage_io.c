// SPDX-License-Identifier: GPL-2.0
/* Direct, synchronous I/O on the file that holds the WAL. */
#include <linux/blkdev.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>

#include "failpoint.h"
#include "storage_private.h"

static DEFINE_MUTEX(claims_lock);
static LIST_HEAD(claims);

int raftlog_file_claim(struct raftlog_claim *claim, struct file *file)
{
	struct raftlog_claim *other;
	int ret = 0;

	claim->mapping = file->f_mapping;
	mutex_lock(&claims_lock);
	list_for_each_entry(other, &claims, node) {
		if (other->mapping == claim->mapping)
			ret = -EBUSY;
	}
	if (!ret)
		list_add(&claim->node, &claims);
	mutex_unlock(&claims_lock);
	return ret;
}

void raftlog_file_release(struct raftlog_claim *claim)
{
	mutex_lock(&claims_lock);
	list_del(&claim->node);
	mutex_unlock(&claims_lock);
}

int raftlog_buffer_init(struct raftlog_buffer *buffer, u32 bytes, gfp_t gfp)
{
	u32 i, n_pages;

	bytes = PAGE_ALIGN(bytes);
	n_pages = bytes >> PAGE_SHIFT;
	/* Zeroed: no stale kernel memory can reach the disk or be parsed. */
	buffer->data = __vmalloc(bytes, gfp | __GFP_ZERO);
	buffer->bvecs = kvcalloc(n_pages, sizeof(*buffer->bvecs), gfp);
	buffer->bytes = bytes;
	if (!buffer->data || !buffer->bvecs) {
		raftlog_buffer_destroy(buffer);
		return -ENOMEM;
	}
	for (i = 0; i < n_pages; i++)
		buffer->bvecs[i] = (struct bio_vec){
			.bv_page = vmalloc_to_page(buffer->data +
						   (size_t)i * PAGE_SIZE),
			.bv_len = PAGE_SIZE,
		};
	return 0;
}

void raftlog_buffer_destroy(struct raftlog_buffer *buffer)
{
	kvfree(buffer->bvecs);
	vfree(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}

/*
 * What a file system takes for O_DIRECT and then puts into the page cache (encrypted
 * files, journaled data) is read from there after a write that failed, as if it had not.
 */
static bool is_buffered(struct file *file)
{
	struct kstat stat;

	return !vfs_getattr(&file->f_path, &stat, STATX_DIOALIGN,
			    AT_STATX_DONT_SYNC) &&
	       (stat.result_mask & STATX_DIOALIGN) && !stat.dio_offset_align;
}

int raftlog_file_check(struct file *file)
{
	const struct inode *inode = file->f_mapping->host;

	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) !=
	    (FMODE_READ | FMODE_WRITE))
		return -EBADF;
	if (!S_ISREG(inode->i_mode) && !S_ISBLK(inode->i_mode))
		return -EINVAL;
	if (!(file->f_flags & O_DIRECT) || !(file->f_flags & O_DSYNC) ||
	    (file->f_flags & (O_APPEND | O_NONBLOCK)))
		return -EINVAL;
	if (!file->f_op->read_iter || !file->f_op->write_iter)
		return -EINVAL;
	if (is_buffered(file))
		return -EMEDIUMTYPE;
	return 0;
}

static struct block_device *device_of(struct file *file)
{
	struct inode *inode = file->f_mapping->host;

	return S_ISBLK(inode->i_mode) ? I_BDEV(inode) : inode->i_sb->s_bdev;
}

u32 raftlog_file_device_bytes(struct file *file)
{
	struct block_device *bdev = device_of(file);

	return bdev ? bdev_physical_block_size(bdev) : 0;
}

/*
 * A write that is smaller than what the device or the file system handles at
 * once would have to rewrite what is beside it, durable long since; so the
 * largest of these is a block.
 */
u32 raftlog_file_block_bytes(struct file *file)
{
	const struct inode *inode = file->f_mapping->host;
	struct block_device *bdev = device_of(file);
	u32 bytes = WAL_BLOCK_BYTES_MIN;

	if (!bdev)
		return WAL_BLOCK_BYTES_MAX;
	if (!S_ISBLK(inode->i_mode))
		bytes = min_t(u32, inode->i_sb->s_blocksize,
			      WAL_BLOCK_BYTES_MAX);
	if (bdev_logical_block_size(bdev) > WAL_BLOCK_BYTES_MAX)
		return 0;
	bytes = max_t(u32, bytes, bdev_logical_block_size(bdev));
	return max_t(u32, bytes,
		     min_t(u32, bdev_physical_block_size(bdev),
			   WAL_BLOCK_BYTES_MAX));
}

static void buffer_iter(struct iov_iter *iter, unsigned int direction,
			const struct raftlog_buffer *buffer, u32 at, u32 bytes)
{
	iov_iter_bvec(iter, direction, buffer->bvecs,
		      DIV_ROUND_UP(at + bytes, PAGE_SIZE), at + bytes);
	iov_iter_advance(iter, at);
}

bool raftlog_error_is_lost(int error, bool salvage)
{
	switch (error) {
	case -ENODATA:
	case -EILSEQ:
		return true;
	case -EIO:
	case -EREMOTEIO:
		return salvage;
	default:
		return false;
	}
}

int raftlog_file_error(int error)
{
	switch (error) {
	case 0:
	case -ENOMEM:
	case -ENOSPC:
	case -EDQUOT:
	case -EFBIG:
	case -EINTR:
		return error;
	default:
		return -EIO;
	}
}

int raftlog_file_sync(struct file *file)
{
	return raftlog_file_error(vfs_fsync(file, 0));
}

/* What of a write is there when it was cut short. */
static u32 half(struct file *file, u32 bytes)
{
	return round_down(bytes / 2, raftlog_file_block_bytes(file));
}

int raftlog_file_write(struct file *file, const struct raftlog_buffer *buffer,
		       u32 at, u32 bytes, u64 position, bool durable)
{
	struct iov_iter iter;
	struct kiocb iocb;
	ssize_t n;

	buffer_iter(&iter, ITER_SOURCE, buffer, at, bytes);
	init_sync_kiocb(&iocb, file);
	iocb.ki_pos = position;
	/* The flags are the user's to change; where it goes, and that it lasts, is not. */
	iocb.ki_flags |= IOCB_DIRECT | IOCB_WRITE;
	iocb.ki_flags &= ~IOCB_APPEND;
	if (durable)
		iocb.ki_flags |= IOCB_DSYNC;
	else
		iocb.ki_flags &= ~(IOCB_DSYNC | IOCB_SYNC);

	raftlog_failpoint_pause(RAFTLOG_FAILPOINT_STORAGE_WRITE_SLOW);
	if (RAFTLOG_FAILPOINT(STORAGE_WRITE_ERROR))
		return raftlog_file_error(-ENODATA);
	if (RAFTLOG_FAILPOINT(STORAGE_WRITE_TORN))
		iov_iter_truncate(&iter, half(file, bytes));

	file_start_write(file);
	n = vfs_iocb_iter_write(file, &iocb, &iter);
	file_end_write(file);
	if (n < 0)
		return raftlog_file_error(n);
	/* Of a file on another one, that one may have been told to append. */
	return n == bytes && iocb.ki_pos == position + bytes ? 0 : -EIO;
}

int raftlog_file_read(struct file *file, const struct raftlog_buffer *buffer,
		      u32 at, u32 bytes, u64 position)
{
	struct iov_iter iter;
	struct kiocb iocb;
	ssize_t n;

	buffer_iter(&iter, ITER_DEST, buffer, at, bytes);
	init_sync_kiocb(&iocb, file);
	iocb.ki_pos = position;
	iocb.ki_flags |= IOCB_DIRECT;

	if (RAFTLOG_FAILPOINT(STORAGE_READ_ERROR))
		return -EIO;
	if (RAFTLOG_FAILPOINT(STORAGE_READ_LOST))
		return -ENODATA;
	n = vfs_iocb_iter_read(file, &iocb, &iter);
	if (n == bytes && RAFTLOG_FAILPOINT(STORAGE_READ_ROT))
		((u8 *)buffer->data)[at + bytes / 2] ^= 1;
	if (n < 0)
		return raftlog_error_is_lost(n, true) ? n : raftlog_file_error(n);
	return n == bytes ? 0 : -EIO;
}
