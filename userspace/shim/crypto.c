// SPDX-License-Identifier: GPL-2.0
/*
 * BLAKE2s, ChaCha20 and Poly1305 from RFC 7693 and RFC 8439. For tests: quick enough
 * for a simulator, and with no claim about side channels.
 */
#include "crypto.h"

static const u32 blake2s_iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const u8 sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static inline u32 rotate_right(u32 value, u32 n)
{
	return value >> n | value << (32 - n);
}

static inline void mix(u32 v[16], u32 a, u32 b, u32 c, u32 d, u32 x, u32 y)
{
	v[a] += v[b] + x;
	v[d] = rotate_right(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = rotate_right(v[b] ^ v[c], 12);
	v[a] += v[b] + y;
	v[d] = rotate_right(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = rotate_right(v[b] ^ v[c], 7);
}

static void compress(struct blake2s_state *state, bool last)
{
	u32 m[16], v[16], i;

	for (i = 0; i < 16; i++)
		m[i] = get_unaligned_le32(state->block + 4 * i);
	memcpy(v, state->hash, sizeof(state->hash));
	memcpy(v + 8, blake2s_iv, sizeof(blake2s_iv));
	v[12] ^= (u32)state->n_bytes;
	v[13] ^= (u32)(state->n_bytes >> 32);
	if (last)
		v[14] = ~v[14];
	for (i = 0; i < 10; i++) {
		const u8 *s = sigma[i];

		mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
		mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
		mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
		mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
		mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
		mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
		mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
		mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
	}
	for (i = 0; i < 8; i++)
		state->hash[i] ^= v[i] ^ v[i + 8];
}

void blake2s_init_key(struct blake2s_state *state, size_t out_bytes,
		      const void *key, size_t key_bytes)
{
	memset(state, 0, sizeof(*state));
	memcpy(state->hash, blake2s_iv, sizeof(blake2s_iv));
	state->hash[0] ^= 0x01010000 ^ (u32)key_bytes << 8 ^ (u32)out_bytes;
	state->out_bytes = out_bytes;
	if (!key_bytes)
		return;
	memcpy(state->block, key, key_bytes);
	state->block_bytes = BLAKE2S_BLOCK_SIZE;
}

void blake2s_init(struct blake2s_state *state, size_t out_bytes)
{
	blake2s_init_key(state, out_bytes, NULL, 0);
}

void blake2s_update(struct blake2s_state *state, const u8 *in, size_t bytes)
{
	while (bytes) {
		size_t n = BLAKE2S_BLOCK_SIZE - state->block_bytes;

		/* The last block is compressed when it is known to be the last. */
		if (!n) {
			state->n_bytes += BLAKE2S_BLOCK_SIZE;
			compress(state, false);
			state->block_bytes = 0;
			continue;
		}
		n = min(n, bytes);
		memcpy(state->block + state->block_bytes, in, n);
		state->block_bytes += n;
		in += n;
		bytes -= n;
	}
}

void blake2s_final(struct blake2s_state *state, u8 *out)
{
	u8 hash[BLAKE2S_HASH_SIZE];
	u32 i;

	state->n_bytes += state->block_bytes;
	memset(state->block + state->block_bytes, 0,
	       BLAKE2S_BLOCK_SIZE - state->block_bytes);
	compress(state, true);
	for (i = 0; i < 8; i++)
		put_unaligned_le32(state->hash[i], hash + 4 * i);
	memcpy(out, hash, state->out_bytes);
	memzero_explicit(state, sizeof(*state));
}

/* A row of ChaCha's matrix: four columns at once. */
typedef u32 row __attribute__((__vector_size__(16)));

#define ROTATE_LEFT(v, n) ((v) << (n) | (v) >> (32 - (n)))
#define TURN(v, n) \
	__builtin_shufflevector(v, v, (n) % 4, ((n) + 1) % 4, ((n) + 2) % 4, \
				((n) + 3) % 4)
#define QUARTERS(a, b, c, d)                \
	do {                                \
		a += b;                     \
		d ^= a;                     \
		d = ROTATE_LEFT(d, 16);     \
		c += d;                     \
		b ^= c;                     \
		b = ROTATE_LEFT(b, 12);     \
		a += b;                     \
		d ^= a;                     \
		d = ROTATE_LEFT(d, 8);      \
		c += d;                     \
		b ^= c;                     \
		b = ROTATE_LEFT(b, 7);      \
	} while (0)

static void chacha20_block(const u32 key[8], u32 number, u64 nonce, u8 out[64])
{
	const row first[4] = {
		{ 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 },
		{ key[0], key[1], key[2], key[3] },
		{ key[4], key[5], key[6], key[7] },
		{ number, 0, (u32)nonce, (u32)(nonce >> 32) },
	};
	row a = first[0], b = first[1], c = first[2], d = first[3];
	row last[4];
	u32 i;

	for (i = 0; i < 10; i++) {
		QUARTERS(a, b, c, d);
		b = TURN(b, 1);
		c = TURN(c, 2);
		d = TURN(d, 3);
		QUARTERS(a, b, c, d);
		b = TURN(b, 3);
		c = TURN(c, 2);
		d = TURN(d, 1);
	}
	last[0] = a + first[0];
	last[1] = b + first[1];
	last[2] = c + first[2];
	last[3] = d + first[3];
	for (i = 0; i < 16; i++)
		put_unaligned_le32(last[i / 4][i % 4], out + 4 * i);
}

static void load_key(u32 words[8], const u8 *key)
{
	u32 i;

	for (i = 0; i < 8; i++)
		words[i] = get_unaligned_le32(key + 4 * i);
}

/* Block 0 is the authenticator's. */
static void chacha20(u8 *to, const u8 *from, size_t bytes, const u32 key[8],
		     u64 nonce)
{
	u8 stream[64];
	u32 number = 1;
	size_t i, n;

	for (; bytes; bytes -= n, to += n, from += n) {
		n = min(bytes, sizeof(stream));
		chacha20_block(key, number++, nonce, stream);
		for (i = 0; i < n; i++)
			to[i] = from[i] ^ stream[i];
	}
}

#define BITS44 ((1ull << 44) - 1)
#define BITS42 ((1ull << 42) - 1)

/* Numbers modulo 2^130 - 5 in limbs of 44, 44 and 42 bits. */
struct poly1305 {
	u64 h[3];
	u64 r[3];
	u64 pad[2];
};

static void poly1305_init(struct poly1305 *poly, const u8 key[32])
{
	u64 low = get_unaligned_le64(key) & 0x0ffffffc0fffffffull;
	u64 high = get_unaligned_le64(key + 8) & 0x0ffffffc0ffffffcull;

	memset(poly->h, 0, sizeof(poly->h));
	poly->r[0] = low & BITS44;
	poly->r[1] = (low >> 44 | high << 20) & BITS44;
	poly->r[2] = high >> 24;
	poly->pad[0] = get_unaligned_le64(key + 16);
	poly->pad[1] = get_unaligned_le64(key + 24);
}

static void poly1305_block(struct poly1305 *poly, const u8 block[16])
{
	typedef unsigned __int128 u128;
	u64 low = get_unaligned_le64(block), high = get_unaligned_le64(block + 8);
	const u64 *r = poly->r;
	u64 *h = poly->h;
	/* 2^132 is 20 modulo 2^130 - 5. */
	u64 s1 = r[1] * 20, s2 = r[2] * 20;
	u128 d0, d1, d2;

	h[0] += low & BITS44;
	h[1] += (low >> 44 | high << 20) & BITS44;
	h[2] += high >> 24 | 1ull << 40;

	d0 = (u128)h[0] * r[0] + (u128)h[1] * s2 + (u128)h[2] * s1;
	d1 = (u128)h[0] * r[1] + (u128)h[1] * r[0] + (u128)h[2] * s2;
	d2 = (u128)h[0] * r[2] + (u128)h[1] * r[1] + (u128)h[2] * r[0];

	d1 += (u64)(d0 >> 44);
	d2 += (u64)(d1 >> 44);
	h[0] = ((u64)d0 & BITS44) + (u64)(d2 >> 42) * 5;
	h[1] = ((u64)d1 & BITS44) + (h[0] >> 44);
	h[0] &= BITS44;
	h[2] = (u64)d2 & BITS42;
}

/* Padded with zeros to whole blocks, as the construction wants it. */
static void poly1305_update(struct poly1305 *poly, const u8 *in, size_t bytes)
{
	u8 rest[16] = {};

	for (; bytes >= 16; bytes -= 16, in += 16)
		poly1305_block(poly, in);
	if (!bytes)
		return;
	memcpy(rest, in, bytes);
	poly1305_block(poly, rest);
}

static void carry(u64 h[3])
{
	u32 i;

	for (i = 0; i < 2; i++) {
		h[1] += h[0] >> 44;
		h[0] &= BITS44;
		h[2] += h[1] >> 44;
		h[1] &= BITS44;
		h[0] += (h[2] >> 42) * 5;
		h[2] &= BITS42;
	}
	h[1] += h[0] >> 44;
	h[0] &= BITS44;
}

static void poly1305_final(struct poly1305 *poly, u8 tag[16])
{
	u64 *h = poly->h, g[3], low, high;

	carry(h);
	/* h + 5 - 2^130: not negative if h is not below the modulus. */
	g[0] = h[0] + 5;
	g[1] = h[1] + (g[0] >> 44);
	g[0] &= BITS44;
	g[2] = h[2] + (g[1] >> 44);
	g[1] &= BITS44;
	if (g[2] >> 42) {
		g[2] &= BITS42;
		memcpy(h, g, sizeof(g));
	}
	low = h[0] | h[1] << 44;
	high = h[1] >> 20 | h[2] << 24;
	high += poly->pad[1] + __builtin_add_overflow(low, poly->pad[0], &low);
	put_unaligned_le64(low, tag);
	put_unaligned_le64(high, tag + 8);
}

static void authenticate(u8 tag[16], const u8 *in, size_t bytes, const u8 *ad,
			 size_t ad_bytes, const u32 key[8], u64 nonce)
{
	struct poly1305 poly;
	u8 block[64];

	chacha20_block(key, 0, nonce, block);
	poly1305_init(&poly, block);
	poly1305_update(&poly, ad, ad_bytes);
	poly1305_update(&poly, in, bytes);
	put_unaligned_le64(ad_bytes, block);
	put_unaligned_le64(bytes, block + 8);
	poly1305_block(&poly, block);
	poly1305_final(&poly, tag);
}

void chacha20poly1305_encrypt(u8 *to, const u8 *from, size_t bytes, const u8 *ad,
			      size_t ad_bytes, u64 nonce,
			      const u8 key[CHACHA20POLY1305_KEY_SIZE])
{
	u32 words[8];

	load_key(words, key);
	chacha20(to, from, bytes, words, nonce);
	authenticate(to + bytes, to, bytes, ad, ad_bytes, words, nonce);
}

bool chacha20poly1305_decrypt(u8 *to, const u8 *from, size_t bytes, const u8 *ad,
			      size_t ad_bytes, u64 nonce,
			      const u8 key[CHACHA20POLY1305_KEY_SIZE])
{
	u8 tag[CHACHA20POLY1305_AUTHTAG_SIZE];
	u32 words[8];

	if (bytes < sizeof(tag))
		return false;
	bytes -= sizeof(tag);
	load_key(words, key);
	authenticate(tag, from, bytes, ad, ad_bytes, words, nonce);
	if (crypto_memneq(tag, from + bytes, sizeof(tag)))
		return false;
	chacha20(to, from, bytes, words, nonce);
	return true;
}

unsigned long crypto_memneq(const void *a, const void *b, size_t bytes)
{
	const u8 *p = a, *q = b;
	unsigned long differ = 0;

	while (bytes--)
		differ |= *p++ ^ *q++;
	return differ;
}

void memzero_explicit(void *p, size_t bytes)
{
	memset(p, 0, bytes);
	__asm__ volatile("" : : "r"(p) : "memory");
}
