/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's integer types, the same as in the ABI. u64 is printed with %llu;
 * __SANE_USERSPACE_TYPES__ makes that true everywhere.
 */
#ifndef RAFTCTL_TYPES_H
#define RAFTCTL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

typedef __u64 u64;
typedef __u32 u32;
typedef __u8 u8;

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define __printf(string, first) \
	__attribute__((__format__(printf, string, first)))

#endif /* RAFTCTL_TYPES_H */
