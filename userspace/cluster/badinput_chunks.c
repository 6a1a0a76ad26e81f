// SPDX-License-Identifier: GPL-2.0
/*
 * A snapshot that was not made here: the file is good in every way, but its chunks are
 * smaller than those that this module makes. Whatever is read of it, it is the data.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "badinput.h"

/* As kmod/wal/format.h has it. */
enum {
	UUID_POSITION = 40,
	UUID_BYTES = 16,
	COPY_BYTES = 4096,
	DATA_POSITION = 2 * COPY_BYTES,
	CHUNK_BYTES = 4096,
	CHUNK_MAGIC = 0x4b4e4843,
	CASTAGNOLI = 0x82f63b78,
};

#define SNAPSHOT_MAGIC 0x50414e5354464152ull

struct header {
	uint64_t magic;
	uint32_t crc;
	uint32_t version;
	uint64_t id;
	uint64_t index;
	uint64_t term;
	uint64_t bytes;
	uint32_t checksum;
	uint32_t chunk_bytes;
	uint64_t configuration_index;
	uint32_t configuration_bytes;
	uint32_t reserved;
	uint8_t uuid[UUID_BYTES];
};

struct chunk {
	uint32_t magic;
	uint32_t crc;
	uint64_t id;
	uint64_t number;
	uint32_t bytes;
	uint32_t reserved;
	char data[CHUNK_BYTES - 32];
};

_Static_assert(sizeof(struct header) == 88, "header");
_Static_assert(sizeof(struct chunk) == CHUNK_BYTES, "chunk");

static unsigned char data[300 << 10];

static uint32_t crc32c(uint32_t crc, const void *from, size_t bytes)
{
	const unsigned char *p = from;
	int bit;

	while (bytes--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CASTAGNOLI : 0);
	}
	return crc;
}

static void write_at(int fd, const void *from, size_t bytes, off_t at)
{
	if (pwrite(fd, from, bytes, at) != (ssize_t)bytes)
		verdict(false, "write to a snapshot", strerror(errno));
}

/* The same data in chunks of CHUNK_BYTES. */
static void write_chunks(int fd, uint32_t seed, const struct header *header)
{
	size_t at = 0, n;
	uint64_t number;

	for (number = 0; at < sizeof(data); number++, at += n) {
		struct chunk chunk = {
			.magic = htole32(CHUNK_MAGIC),
			.id = header->id,
			.number = htole64(number),
		};

		n = sizeof(data) - at < sizeof(chunk.data) ?
			    sizeof(data) - at :
			    sizeof(chunk.data);
		chunk.bytes = htole32(n);
		memcpy(chunk.data, data + at, n);
		chunk.crc = htole32(crc32c(seed, &chunk.id,
					   offsetof(struct chunk, data) -
						   offsetof(struct chunk, id) +
						   n));
		write_at(fd, &chunk, sizeof(chunk),
			 DATA_POSITION + number * CHUNK_BYTES);
	}
}

static bool make_small(const char *name, uint32_t seed)
{
	const size_t skip = offsetof(struct header, version);
	char copy[COPY_BYTES];
	struct header *header = (void *)copy;
	int fd = open_wal(name, O_RDWR);
	bool found;

	found = pread(fd, copy, sizeof(copy), 0) == sizeof(copy) &&
		header->magic == htole64(SNAPSHOT_MAGIC);
	if (found) {
		header->chunk_bytes = htole32(CHUNK_BYTES);
		header->crc = htole32(
			crc32c(~0u, copy + skip,
			       sizeof(*header) - skip +
				       le32toh(header->configuration_bytes)));
		write_at(fd, copy, sizeof(copy), 0);
		write_at(fd, copy, sizeof(copy), COPY_BYTES);
		write_chunks(fd, seed, header);
		fsync(fd);
	}
	close(fd);
	return found;
}

static uint32_t seed_of(const char *wal)
{
	unsigned char uuid[UUID_BYTES] = { 0 };
	int fd = open_wal(wal, O_RDONLY);

	if (pread(fd, uuid, sizeof(uuid), UUID_POSITION) != sizeof(uuid))
		verdict(false, "read a superblock", strerror(errno));
	close(fd);
	return crc32c(~0u, uuid, sizeof(uuid));
}

static void take_snapshot(void)
{
	struct raftlog_snapshot_create create = { 0 };
	struct raftlog_snapshot_seal seal = { 0 };

	expect("write", write(device, "x", 1), 0);
	expect("make a snapshot",
	       ioctl(device, RAFTLOG_IOC_SNAPSHOT_CREATE, &create), 0);
	expect("write of it", write(create.fd, data, sizeof(data)), 0);
	expect("seal", ioctl(create.fd, RAFTLOG_IOC_SNAPSHOT_SEAL, &seal), 0);
	close(create.fd);
}

static bool reads_back(int fd, off_t at, size_t bytes)
{
	static unsigned char buf[sizeof(data)];
	size_t rest = sizeof(data) - at;
	ssize_t n;

	memset(buf, 0, sizeof(buf));
	n = pread(fd, buf, bytes, at);
	return n == (ssize_t)(bytes < rest ? bytes : rest) &&
	       !memcmp(buf, data + at, n);
}

/* @of: files for snapshots of another log. They are left as they are. */
static void try_foreign(const struct raftlog_start *of)
{
	int wal = make_wal("foreign", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);
	char before[COPY_BYTES], after[COPY_BYTES];
	int rubbish;

	expect("start another", start_group(&s), 0);
	verdict(wait_leader(), "it leads", "it does not");
	expect("stop", stop_group(), 0);
	s.flags = 0;
	s.snapshot_fd[0] = of->snapshot_fd[0];
	s.snapshot_fd[1] = of->snapshot_fd[1];
	expect("start with snapshots of another log", start_group(&s),
	       EMEDIUMTYPE);
	memset(before, 'x', sizeof(before));
	s.snapshot_fd[0] = make_wal("rubbish", WAL_BYTES);
	rubbish = open_wal("rubbish", O_RDWR);
	write_at(rubbish, before, sizeof(before), 0);
	write_at(rubbish, before, sizeof(before), COPY_BYTES);
	fsync(rubbish);
	s.snapshot_fd[1] = make_wal("empty", 0);
	expect("start with something else as snapshot", start_group(&s),
	       EMEDIUMTYPE);
	verdict(pread(rubbish, after, sizeof(after), 0) == sizeof(after) &&
			!memcmp(after, before, sizeof(after)),
		"it is left as it is", "it is not");
	close(rubbish);
	close(s.snapshot_fd[0]);
	close(s.snapshot_fd[1]);
	close(wal);
}

static void read_all(void)
{
	struct raftlog_snapshot_open open = { 0 };
	bool good = true;
	off_t at;

	expect("open a snapshot of small chunks",
	       ioctl(device, RAFTLOG_IOC_SNAPSHOT_OPEN, &open), 0);
	verdict(reads_back(open.fd, 0, sizeof(data)), "it reads back at once",
		"it does not");
	/* From the end to the beginning, and not by chunks. */
	for (at = sizeof(data) - 1; at > 0; at -= at < 777 ? at : 777)
		good &= reads_back(open.fd, at, 1000);
	verdict(good, "it reads back from any place", "it does not");
	close(open.fd);
}

void small_chunks(void)
{
	int wal = make_wal("chunks", WAL_BYTES);
	struct raftlog_start s = a_start(wal, 1);
	uint32_t seed;
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i ^ i >> 8 ^ i >> 12;
	s.snapshot_fd[0] = make_wal("chunks.0", 0);
	s.snapshot_fd[1] = make_wal("chunks.1", 0);
	expect("start", start_group(&s), 0);
	verdict(wait_leader(), "it leads", "it does not");
	take_snapshot();
	expect("stop", stop_group(), 0);
	seed = seed_of("chunks");
	verdict(make_small("chunks.0", seed) || make_small("chunks.1", seed),
		"a snapshot of small chunks", "there is none");
	s.flags = 0;
	expect("start with it", start_group(&s), 0);
	verdict(wait_leader(), "it leads again", "it does not");
	read_all();
	expect("stop", stop_group(), 0);
	try_foreign(&s);
	close(s.snapshot_fd[0]);
	close(s.snapshot_fd[1]);
	close(wal);
}
