// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "raftctl.h"
#include "reader.h"

enum {
	ROOM_FIRST = 256 << 10,
	/* The largest entry behind its frame. */
	ROOM_MAX = RAFTLOG_ENTRY_BYTES_MAX + 4096,
};

int reader_open(struct reader *reader, int fd)
{
	memset(reader, 0, sizeof(*reader));
	reader->fd = fd;
	reader->room = ROOM_FIRST;
	reader->buf = allocate(1, reader->room);
	return device_set_framed(fd, RAFTLOG_FRAMED_F_INTERNAL);
}

void reader_close(struct reader *reader)
{
	free(reader->buf);
	reader->buf = NULL;
}

int reader_seek(struct reader *reader, u64 index)
{
	reader->at = 0;
	reader->end = 0;
	return device_seek(reader->fd, index);
}

bool reader_has_entry(const struct reader *reader)
{
	return reader->at < reader->end;
}

static int refill(struct reader *reader)
{
	ssize_t n;

	for (;;) {
		n = device_read(reader->fd, reader->buf, reader->room);
		if (n != -EMSGSIZE || reader->room >= ROOM_MAX)
			break;
		/* The next entry is larger; most never are. */
		free(reader->buf);
		reader->room = ROOM_MAX;
		reader->buf = allocate(1, reader->room);
	}
	if (n <= 0)
		return n ? n : -ESHUTDOWN;
	reader->at = 0;
	reader->end = n;
	return 0;
}

int reader_next(struct reader *reader, struct raftlog_frame *frame,
		const void **payload)
{
	size_t left, padded;
	int ret;

	if (!reader_has_entry(reader)) {
		ret = refill(reader);
		if (ret)
			return ret;
	}
	left = reader->end - reader->at;
	if (left < sizeof(*frame))
		return -EPROTO;
	memcpy(frame, reader->buf + reader->at, sizeof(*frame));
	left -= sizeof(*frame);
	padded = ((size_t)frame->bytes + 7) & ~(size_t)7;
	if (left < padded)
		return -EPROTO;
	*payload = reader->buf + reader->at + sizeof(*frame);
	reader->at += sizeof(*frame) + padded;
	return 0;
}
