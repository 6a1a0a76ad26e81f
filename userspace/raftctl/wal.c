// SPDX-License-Identifier: GPL-2.0
/*
 * A new file is written in full under the name PATH.new and then renamed, so that
 * PATH, if it exists, is complete. It is written with zeros, not merely allocated:
 * an unwritten extent costs the file system a journal commit at each append.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "raftctl.h"
#include "wal.h"

enum {
	CHUNK_BYTES = 1 << 20,
	HEAD_BYTES = 64 << 10,
	ALIGN_BYTES = 4096,
	LOCK_TRIES = 40,
	LOCK_PAUSE_US = 50000,
};

static void *aligned_zeros(size_t bytes)
{
	void *memory = aligned_alloc(ALIGN_BYTES, bytes);

	if (!memory) {
		complain(NULL, "out of memory");
		exit(EXIT_ERROR);
	}
	return memset(memory, 0, bytes);
}

static void complain_open(const char *path, int error)
{
	switch (error) {
	case EINVAL:
		complain("put the log on a disk, for example ext4 or xfs",
			 "%s: its file system cannot do direct I/O", path);
		break;
	case EBUSY:
		complain("it may be mounted, or be another group's log",
			 "%s is in use", path);
		break;
	case EACCES:
	case EPERM:
		complain("run it as root", "may not open %s for writing", path);
		break;
	default:
		complain(NULL, "cannot open %s: %s", path, strerror(error));
	}
}

/*
 * The lock belongs to the open file: it lasts as long as the kernel keeps that.
 * udev takes a shared one for a moment when a device was written to.
 */
static int lock_file(int fd, const char *path, bool is_device)
{
	int tries = is_device ? LOCK_TRIES : 1;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK && --tries) {
			usleep(LOCK_PAUSE_US);
			continue;
		}
		if (errno == EWOULDBLOCK)
			complain("another group runs on it", "%s is in use",
				 path);
		else
			complain(NULL, "cannot lock %s: %s", path,
				 strerror(errno));
		return -1;
	}
	return 0;
}

static void show_progress(const char *path, u64 done, u64 bytes)
{
	char total[FORMAT_CHARS];

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\rwriting zeros to %s: %3u%% of %s%s", path,
		(unsigned int)(done * 100 / bytes), format_bytes(total, bytes),
		done == bytes ? "\n" : "");
}

static int write_zeros(int fd, const char *path, u64 bytes)
{
	void *zeros = aligned_zeros(CHUNK_BYTES);
	u64 done = 0;
	ssize_t n;

	while (done < bytes && !interrupted) {
		n = pwrite(fd, zeros,
			   bytes - done < CHUNK_BYTES ? bytes - done :
							CHUNK_BYTES,
			   done);
		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? n : 0;
		show_progress(path, done, bytes);
	}
	free(zeros);
	if (interrupted) {
		complain(NULL, "interrupted");
		return -1;
	}
	if (done == bytes && !fsync(fd))
		return 0;
	complain(errno == ENOSPC ?
			 "free some space, or ask for less with --size" :
			 NULL,
		 "cannot write %s: %s", path, strerror(errno));
	return -1;
}

static int sync_directory_of(const char *path)
{
	char copy[PATH_MAX];
	int fd, ret;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = fsync(fd);
	close(fd);
	return ret;
}

/* Return: 1 if made, 0 if somebody else made it meanwhile, -1 on an error. */
static int make_file(const struct wal_request *request)
{
	char path[PATH_MAX];
	int fd, ret = -1;

	if (snprintf(path, sizeof(path), "%s.new", request->path) >=
	    (int)sizeof(path)) {
		complain(NULL, "%s: too long a path", request->path);
		return -1;
	}
	fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (fd < 0) {
		if (errno == ENOENT)
			complain("make the directory first",
				 "there is no directory for %s", path);
		else
			complain_open(path, errno);
		/* Without direct I/O it may have been made all the same. */
		if (errno == EINVAL)
			unlink(path);
		return -1;
	}
	if (lock_file(fd, path, false)) {
		close(fd);
		return -1;
	}
	/* Under the lock: what exists now was finished by another start. */
	if (wal_exists(request)) {
		ret = 0;
	} else if (ftruncate(fd, 0) || write_zeros(fd, path, request->bytes)) {
		unlink(path);
	} else if (rename(path, request->path) ||
		   sync_directory_of(request->path)) {
		complain(NULL, "cannot rename %s: %s", path, strerror(errno));
		unlink(path);
	} else {
		ret = 1;
	}
	close(fd);
	return ret;
}

static int measure(int fd, const char *path, const struct stat *st, u64 *bytes)
{
	if (S_ISREG(st->st_mode)) {
		*bytes = st->st_size;
		if ((u64)st->st_blocks * 512 < *bytes) {
			complain("remove it; raftctl start --format or --join makes a full one",
				 "%s has holes", path);
			return -1;
		}
		return 0;
	}
	if (!ioctl(fd, BLKGETSIZE64, bytes))
		return 0;
	complain(NULL, "cannot get the size of %s: %s", path, strerror(errno));
	return -1;
}

/* Return: 1 if the first bytes are zeros, 0 if not, -1 on an error. */
static int is_blank(int fd, const char *path, u64 bytes)
{
	size_t head = bytes < HEAD_BYTES ? bytes & -ALIGN_BYTES : HEAD_BYTES;
	unsigned char *buf = aligned_zeros(HEAD_BYTES);
	ssize_t n = pread(fd, buf, head, 0);
	bool blank = true;

	if (n < 0)
		complain(NULL, "cannot read %s: %s", path, strerror(errno));
	for (ssize_t i = 0; i < n && blank; i++)
		blank = !buf[i];
	free(buf);
	return n < 0 ? -1 : blank;
}

static int may_format(int fd, const struct wal_request *request, u64 bytes)
{
	int blank;

	if (request->force)
		return 0;
	blank = is_blank(fd, request->path, bytes);
	if (blank < 0)
		return -1;
	if (blank)
		return 0;
	complain("without --format it starts from a log; --force destroys it",
		 "%s is not empty", request->path);
	return -1;
}

static int open_existing(const struct wal_request *request, struct wal *wal)
{
	struct stat st;
	int flags = O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC;

	if (stat(request->path, &st)) {
		complain_open(request->path, errno);
		return -1;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		complain(help_advice(),
			 "%s is neither a file nor a block device",
			 request->path);
		return -1;
	}
	/* On a device: not while it is mounted or another's. */
	if (S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	wal->fd = open(request->path, flags);
	if (wal->fd < 0) {
		complain_open(request->path, errno);
		return -1;
	}
	if (lock_file(wal->fd, request->path, S_ISBLK(st.st_mode)) ||
	    measure(wal->fd, request->path, &st, &wal->bytes) ||
	    (wal->format && !wal->made &&
	     may_format(wal->fd, request, wal->bytes))) {
		close(wal->fd);
		return -1;
	}
	return 0;
}

int wal_make_directory(const char *path)
{
	if (!mkdir(path, 0700)) {
		/* Its name must not be lost if what is in it is not. */
		if (!sync_directory_of(path))
			return 0;
	} else if (errno == EEXIST) {
		return 0;
	}
	complain(errno == ENOENT ? "make the directory above it" : NULL,
		 "cannot make %s: %s", path, strerror(errno));
	return -1;
}

bool wal_exists(const struct wal_request *request)
{
	return !access(request->path, F_OK);
}

/* A device that is missing is not to be replaced by a file. */
static bool names_device(const char *path)
{
	return !strncmp(path, "/dev/", 5) && strncmp(path, "/dev/shm/", 9);
}

int wal_open(const struct wal_request *request, struct wal *wal)
{
	int ret = 0;

	memset(wal, 0, sizeof(*wal));
	if (!wal_exists(request)) {
		if (names_device(request->path)) {
			complain_open(request->path, errno);
			return -1;
		}
		ret = make_file(request);
		if (ret < 0)
			return -1;
	}
	wal->made = ret > 0;
	wal->format = wal->made || request->format;
	ret = open_existing(request, wal);
	if (ret && wal->made)
		unlink(request->path);
	return ret;
}

static int open_snapshot(const char *dir, int number, bool make)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/snap.%d", dir, number) >=
	    (int)sizeof(path)) {
		complain(NULL, "%s: too long a path", dir);
		return -1;
	}
	fd = open(path,
		  O_RDWR | (make ? O_CREAT : 0) | O_DIRECT | O_DSYNC | O_CLOEXEC,
		  0600);
	if (fd < 0 && errno == ENOENT && !make)
		return -ENOENT;
	if (fd < 0) {
		complain_open(path, errno);
		return -1;
	}
	if (!lock_file(fd, path, false) && !sync_directory_of(path))
		return fd;
	close(fd);
	return -1;
}

int wal_open_snapshots(const char *dir, bool make, int fds[2])
{
	fds[0] = open_snapshot(dir, 0, make);
	fds[1] = fds[0] == -1 ? -1 : open_snapshot(dir, 1, make);
	if (fds[0] >= 0 && fds[1] >= 0)
		return 0;
	if (fds[0] == -ENOENT && fds[1] == -ENOENT) {
		fds[0] = -1;
		fds[1] = -1;
		return 1;
	}
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
	if (fds[0] == -ENOENT || fds[1] == -ENOENT)
		complain("with an empty file in its place it can do without, but not both",
			 "of the snapshots in %s one is missing: snap.%d", dir,
			 fds[0] == -ENOENT ? 0 : 1);
	return -1;
}

void wal_discard(const struct wal_request *request, struct wal *wal)
{
	if (wal->made)
		unlink(request->path);
	close(wal->fd);
}
