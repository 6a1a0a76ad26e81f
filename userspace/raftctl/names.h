/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of the numbers of the ABI: the paper's terms, as in sysfs and JSON.
 * A number without a name gives "unknown".
 */
#ifndef RAFTCTL_NAMES_H
#define RAFTCTL_NAMES_H

#include "types.h"

const char *role_name(u32 role);
const char *state_name(u32 state);
const char *progress_name(u32 progress);
const char *member_kind_name(u32 kind);
const char *entry_type_name(u32 type);
const char *event_type_name(u32 type);
const char *edge_name(u32 edge);

/* Identifier, and words for a person. */
const char *reason_name(u32 reason);
const char *reason_text(u32 reason);

/** role_number() - Return: enum raftlog_role, or -1. */
int role_number(const char *name);

/** errno_name() - "ENOSPC"; the description where it has no name here */
const char *errno_name(int error);

#endif /* RAFTCTL_NAMES_H */
