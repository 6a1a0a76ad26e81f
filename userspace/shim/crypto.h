/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the pure layers use of the kernel's lib/crypto, with its names and meaning:
 * BLAKE2s (RFC 7693) and ChaCha20-Poly1305 (RFC 8439) with a nonce of 64 bits, which
 * stand behind four bytes of 0.
 */
#ifndef RAFTLOG_SHIM_CRYPTO_H
#define RAFTLOG_SHIM_CRYPTO_H

#include "pure_shim.h"

enum {
	BLAKE2S_BLOCK_SIZE = 64,
	BLAKE2S_HASH_SIZE = 32,
	BLAKE2S_KEY_SIZE = 32,
	BLAKE2S_128_HASH_SIZE = 16,
	CHACHA20POLY1305_KEY_SIZE = 32,
	CHACHA20POLY1305_AUTHTAG_SIZE = 16,
};

struct blake2s_state {
	u32 hash[8];
	u64 n_bytes;
	u8 block[BLAKE2S_BLOCK_SIZE];
	u32 block_bytes;
	u32 out_bytes;
};

void blake2s_init(struct blake2s_state *state, size_t out_bytes);
void blake2s_init_key(struct blake2s_state *state, size_t out_bytes,
		      const void *key, size_t key_bytes);
void blake2s_update(struct blake2s_state *state, const u8 *in, size_t bytes);
void blake2s_final(struct blake2s_state *state, u8 *out);

void chacha20poly1305_encrypt(u8 *to, const u8 *from, size_t bytes, const u8 *ad,
			      size_t ad_bytes, u64 nonce,
			      const u8 key[CHACHA20POLY1305_KEY_SIZE]);
bool __must_check chacha20poly1305_decrypt(u8 *to, const u8 *from, size_t bytes,
					   const u8 *ad, size_t ad_bytes, u64 nonce,
					   const u8 key[CHACHA20POLY1305_KEY_SIZE]);

/* 0 if equal, in a time that does not depend on where they differ. */
unsigned long crypto_memneq(const void *a, const void *b, size_t bytes);
void memzero_explicit(void *p, size_t bytes);

#endif /* RAFTLOG_SHIM_CRYPTO_H */
