/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of the numbers of the ABI: the paper's terms, as in sysfs and JSON.
 * A number without a name gives "unknown".
 */
#ifndef RAFTCTL_NAMES_H
#define RAFTCTL_NAMES_H

#include <stdint.h>

const char *role_name(uint32_t role);
const char *state_name(uint32_t state);
const char *progress_name(uint32_t progress);
const char *member_kind_name(uint32_t kind);
const char *entry_type_name(uint32_t type);
const char *event_type_name(uint32_t type);
const char *edge_name(uint32_t edge);

/* Identifier, and words for a person. */
const char *reason_name(uint32_t reason);
const char *reason_text(uint32_t reason);

/** role_number() - Return: enum raftlog_role, or -1. */
int role_number(const char *name);

/** errno_name() - "ENOSPC"; the description where it has no name here */
const char *errno_name(int error);

#endif /* RAFTCTL_NAMES_H */
