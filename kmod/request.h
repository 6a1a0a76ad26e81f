/* SPDX-License-Identifier: GPL-2.0 */
/* What the ioctls ask for, checked before anything is done: pure. */
#ifndef RAFTLOG_REQUEST_H
#define RAFTLOG_REQUEST_H

#include <linux/raftlog.h>

#include "pure.h"

enum {
	/* Of an array's member, as a caller who knows more of it has it. */
	RAFTLOG_SLOT_BYTES_MAX = 4096,
};

/**
 * raftlog_request_check() - refuse what no group would do
 * @nr: of an ioctl, any
 * @request: its struct as the user gave it, zeros behind what was given. Of
 *	RAFTLOG_IOC_START what was left out is filled in, see raftlog_start_check()
 *
 * Flags are known, reserved fields 0, sizes of arrays' members such that an index of
 * them fits their address. What depends on the group, or on memory that a pointer in
 * @request leads to, is not looked at; RAFTLOG_IOC_SET as a whole is not, see
 * raftlog_set_check().
 *
 * Return: 0, or -EINVAL. -ENOTTY: there is no such ioctl.
 */
int raftlog_request_check(unsigned int nr, void *request);

/**
 * raftlog_session_name_bytes() - of a name that is padded with zeros
 * @name: RAFTLOG_SESSION_NAME_CHARS of them
 *
 * Return: its length, or 0 if it is none.
 */
size_t raftlog_session_name_bytes(const char *name);

#endif /* RAFTLOG_REQUEST_H */
