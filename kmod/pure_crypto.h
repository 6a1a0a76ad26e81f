/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What wire/ encrypts with, in addition to pure.h and by the same rules:
 *
 *	blake2s_init_key() blake2s_update() blake2s_final(), struct blake2s_state
 *	chacha20poly1305_encrypt() chacha20poly1305_decrypt()
 *	crypto_memneq() memzero_explicit()
 */
#ifndef RAFTLOG_PURE_CRYPTO_H
#define RAFTLOG_PURE_CRYPTO_H

#ifdef __KERNEL__
#include <crypto/algapi.h>
#include <crypto/blake2s.h>
#include <crypto/chacha20poly1305.h>
#include <linux/string.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define blake2s_state blake2s_ctx
#endif
#else
#include "crypto.h" /* userspace/shim/ */
#endif

#endif /* RAFTLOG_PURE_CRYPTO_H */
