/* SPDX-License-Identifier: GPL-2.0 */
/*
 * crc32c() with the kernel's meaning: the raw register goes in and comes out,
 * nothing is inverted.
 */
#ifndef RAFTLOG_SHIM_CRC32C_H
#define RAFTLOG_SHIM_CRC32C_H

u32 crc32c(u32 crc, const void *address, unsigned int length);

#endif /* RAFTLOG_SHIM_CRC32C_H */
