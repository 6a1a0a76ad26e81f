/* SPDX-License-Identifier: GPL-2.0 */
/*
 * UDP endpoints in text: 10.0.0.1:7400, [2001:db8::1]:7400, [fe80::1%eth0]:7400.
 * Numbers only: members must be the same on every node, whatever its resolver says.
 */
#ifndef RAFTCTL_ADDR_H
#define RAFTCTL_ADDR_H

#include <linux/raftlog.h>

#include "types.h"

enum { ADDR_CHARS = 80 };

/** addr_parse() - Return: NULL, or what is wrong with @text. */
const char *addr_parse(const char *text, struct raftlog_addr *addr);

/** addr_format() - into a buffer of ADDR_CHARS, which is returned */
const char *addr_format(char *buf, const struct raftlog_addr *addr);

bool addr_equal(const struct raftlog_addr *a, const struct raftlog_addr *b);

/** addr_is_any() - 0.0.0.0 or [::], where nobody can be reached */
bool addr_is_any(const struct raftlog_addr *addr);

#endif /* RAFTCTL_ADDR_H */
