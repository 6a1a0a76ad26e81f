/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entries from the device, one by one, through framed reads. Entries the group
 * made for itself are among them, so that an index up to the last committed one
 * is always reached.
 */
#ifndef RAFTCTL_READER_H
#define RAFTCTL_READER_H

#include <linux/raftlog.h>

#include "types.h"

/**
 * struct reader - where a reader is
 * @fd: the device
 * @buf: frames read and not yet returned
 * @room: bytes in @buf
 * @end: bytes of @buf filled
 * @at: bytes of @buf returned
 */
struct reader {
	int fd;
	unsigned char *buf;
	size_t room;
	size_t end;
	size_t at;
};

/** reader_open() - on an opened device. Return: 0, or a negative errno. */
int reader_open(struct reader *reader, int fd);
void reader_close(struct reader *reader);

/** reader_seek() - go on at @index. Return: 0, or a negative errno. */
int reader_seek(struct reader *reader, u64 index);

/** reader_has_entry() - will reader_next() return without asking the device? */
bool reader_has_entry(const struct reader *reader);

/**
 * reader_next() - the next entry
 * @reader: opened
 * @frame: filled in
 * @payload: where its payload is, until the next call
 *
 * Sleeps until there is one.
 *
 * Return: 0, or a negative errno.
 */
int reader_next(struct reader *reader, struct raftlog_frame *frame,
		const void **payload);

#endif /* RAFTCTL_READER_H */
