// SPDX-License-Identifier: GPL-2.0
/*
 * What stands in for ciphers in the simulator, which would spend a third of its time
 * in them. Nobody in there breaks any: keys, nonces and tags decide what opens, every
 * bit of them and of what they protect, and no more is needed to find mistakes of the
 * protocol. The real ones are in the unit tests and in the fuzzers.
 */
#include <string.h>

#include "crypto.h"

enum { WORD = sizeof(u64) };

static u64 mix(u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* Two sums, each of everything so far. */
struct sponge {
	u64 a;
	u64 b;
};

static void absorb(struct sponge *sponge, u64 word)
{
	sponge->a = mix(sponge->a ^ word) + 0x9e3779b97f4a7c15ull;
	sponge->b = (sponge->b ^ word) * 0xd6e8feb86659fd93ull + sponge->a;
}

static u64 squeeze(const struct sponge *sponge, u64 i)
{
	return mix(sponge->a + i * 0x9e3779b97f4a7c15ull) ^ mix(sponge->b - i);
}

static u64 load(const u8 *p, size_t bytes)
{
	u64 word = 0;

	memcpy(&word, p, bytes < WORD ? bytes : WORD);
	return word;
}

static void absorb_bytes(struct sponge *sponge, const u8 *p, size_t bytes)
{
	size_t at;

	for (at = 0; at < bytes; at += WORD)
		absorb(sponge, load(p + at, bytes - at));
	absorb(sponge, bytes);
}

static void absorb_into(struct blake2s_state *state, const u8 *p, size_t bytes)
{
	struct sponge sponge;

	memcpy(&sponge, state->block, sizeof(sponge));
	absorb_bytes(&sponge, p, bytes);
	memcpy(state->block, &sponge, sizeof(sponge));
}

void blake2s_init(struct blake2s_state *state, size_t out_bytes)
{
	memset(state, 0, sizeof(*state));
	state->out_bytes = out_bytes;
}

void blake2s_init_key(struct blake2s_state *state, size_t out_bytes,
		      const void *key, size_t key_bytes)
{
	blake2s_init(state, out_bytes);
	absorb_into(state, key, key_bytes);
}

/* Unlike the real one it depends on how the input is cut, which callers do alike. */
void blake2s_update(struct blake2s_state *state, const u8 *in, size_t bytes)
{
	absorb_into(state, in, bytes);
}

void blake2s_final(struct blake2s_state *state, u8 *out)
{
	u64 words[BLAKE2S_HASH_SIZE / WORD];
	struct sponge sponge;
	u32 i;

	memcpy(&sponge, state->block, sizeof(sponge));
	for (i = 0; i < BLAKE2S_HASH_SIZE / WORD; i++)
		words[i] = squeeze(&sponge, i);
	memcpy(out, words, state->out_bytes);
}

static struct sponge keyed(const u8 *key, u64 nonce)
{
	struct sponge sponge = {};

	absorb_bytes(&sponge, key, CHACHA20POLY1305_KEY_SIZE);
	absorb(&sponge, nonce);
	return sponge;
}

static void cipher(u8 *to, const u8 *from, size_t bytes,
		   const struct sponge *key)
{
	size_t at, n;
	u64 word;

	for (at = 0; at < bytes; at += WORD) {
		n = bytes - at < WORD ? bytes - at : WORD;
		word = load(from + at, n) ^ squeeze(key, 2 + at);
		memcpy(to + at, &word, n);
	}
}

static void tag_of(struct sponge sponge, const u8 *data, size_t bytes,
		   const u8 *ad, size_t ad_bytes, u64 tag[2])
{
	absorb_bytes(&sponge, ad, ad_bytes);
	absorb_bytes(&sponge, data, bytes);
	tag[0] = squeeze(&sponge, 0);
	tag[1] = squeeze(&sponge, 1);
}

void chacha20poly1305_encrypt(u8 *to, const u8 *from, size_t bytes,
			      const u8 *ad, size_t ad_bytes, u64 nonce,
			      const u8 key[CHACHA20POLY1305_KEY_SIZE])
{
	const struct sponge sponge = keyed(key, nonce);
	u64 tag[2];

	cipher(to, from, bytes, &sponge);
	tag_of(sponge, to, bytes, ad, ad_bytes, tag);
	memcpy(to + bytes, tag, sizeof(tag));
}

bool chacha20poly1305_decrypt(u8 *to, const u8 *from, size_t bytes,
			      const u8 *ad, size_t ad_bytes, u64 nonce,
			      const u8 key[CHACHA20POLY1305_KEY_SIZE])
{
	const struct sponge sponge = keyed(key, nonce);
	u64 tag[2];

	if (bytes < sizeof(tag))
		return false;
	bytes -= sizeof(tag);
	tag_of(sponge, from, bytes, ad, ad_bytes, tag);
	if (memcmp(from + bytes, tag, sizeof(tag)))
		return false;
	cipher(to, from, bytes, &sponge);
	return true;
}

unsigned long crypto_memneq(const void *a, const void *b, size_t bytes)
{
	return memcmp(a, b, bytes) != 0;
}

void memzero_explicit(void *p, size_t bytes)
{
	memset(p, 0, bytes);
}
