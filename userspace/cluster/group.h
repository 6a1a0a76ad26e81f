/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A group that a program makes on its own: the guests' badinput and failnth.
 */
#ifndef GROUP_H
#define GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/raftlog.h>

enum {
	PORT = 7500,
	WAL_BYTES = 8 << 20,
	MAX_ENTRY_BYTES = 64 << 10,
	APPEND_TIMEOUT_MS = 4000,
};

/* Where the logs are. */
extern const char *directory;
/* /dev/raftlog. */
extern int device;
/* Of the key that a_start() names: makes sure that it is there. */
const char *a_key(void);
/* Of the groups that a_start() describes; it sets them anew. */
extern struct raftlog_member members[3];

struct raftlog_addr loopback(uint16_t port);
int make_wal(const char *name, size_t bytes);
int open_wal(const char *name, int flags);
/* One member alone, or one of three whose others nobody runs. */
struct raftlog_start a_start(int wal_fd, uint32_t n_members);
int start_group(const struct raftlog_start *start);
int stop_group(void);
/* It leads, and has raised the feature level: that is a change of the members, too. */
bool wait_leader(void);

#endif /* GROUP_H */
