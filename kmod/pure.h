/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the pure layers (raft/, wal/, wire/) may rely on, and the only file that
 * knows whether they are compiled for the kernel or for user space. Both sides
 * give the same names the same meaning; nothing here changes behaviour.
 *
 *	u8 … u64, __le16 … __le64, bool, size_t
 *	cpu_to_le*(), le*_to_cpu(), get_unaligned_le*(), put_unaligned_le*()
 *	memcpy() memmove() memset() memcmp() memchr_inv()
 *	min() max() min_t() max_t() clamp() ARRAY_SIZE() round_up() round_down()
 *	ALIGN() IS_ALIGNED() DIV_ROUND_UP() is_power_of_2() struct_size()
 *	likely() unlikely() __must_check container_of() BUILD_BUG_ON()
 *	struct list_head and list_*() without the RCU ones
 *	crc32c(u32 crc, const void *address, unsigned int length)
 *	errno values, U32_MAX U64_MAX, NSEC_PER_MSEC NSEC_PER_SEC
 *	div64_u64()
 */
#ifndef RAFTLOG_PURE_H
#define RAFTLOG_PURE_H

#ifdef __KERNEL__
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/types.h>
#include <linux/version.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif
#else
#include "pure_shim.h" /* userspace/shim/ */
#endif

#endif /* RAFTLOG_PURE_H */
