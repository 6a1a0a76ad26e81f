// SPDX-License-Identifier: GPL-2.0
/*
 * What the wire takes from lib/crypto is what the RFCs say it is: in a kernel its own
 * code, in user space that of the shim.
 */
#include <kunit/test.h>

#include "../kmod/pure.h"
#include "../kmod/pure_crypto.h"
#include "suites.h"

/* RFC 8439, appendix A.5. */
static const u8 aead_key[CHACHA20POLY1305_KEY_SIZE] = {
	0x1c, 0x92, 0x40, 0xa5, 0xeb, 0x55, 0xd3, 0x8a,
	0xf3, 0x33, 0x88, 0x86, 0x04, 0xf6, 0xb5, 0xf0,
	0x47, 0x39, 0x17, 0xc1, 0x40, 0x2b, 0x80, 0x09,
	0x9d, 0xca, 0x5c, 0xbc, 0x20, 0x70, 0x75, 0xc0,
};

/* Behind four bytes of 0: 01 02 … 08. */
#define AEAD_NONCE 0x0807060504030201ull

static const u8 aead_associated[] = {
	0xf3, 0x33, 0x88, 0x86, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4e, 0x91,
};

/* "Internet-Drafts are draft documents valid for a maximum of six months …" */
static const u8 aead_plain[] = {
	0x49, 0x6e, 0x74, 0x65, 0x72, 0x6e, 0x65, 0x74, 0x2d, 0x44,
	0x72, 0x61, 0x66, 0x74, 0x73, 0x20, 0x61, 0x72, 0x65, 0x20,
	0x64, 0x72, 0x61, 0x66, 0x74, 0x20, 0x64, 0x6f, 0x63, 0x75,
	0x6d, 0x65, 0x6e, 0x74, 0x73, 0x20, 0x76, 0x61, 0x6c, 0x69,
	0x64, 0x20, 0x66, 0x6f, 0x72, 0x20, 0x61, 0x20, 0x6d, 0x61,
	0x78, 0x69, 0x6d, 0x75, 0x6d, 0x20, 0x6f, 0x66, 0x20, 0x73,
	0x69, 0x78, 0x20, 0x6d, 0x6f, 0x6e, 0x74, 0x68, 0x73, 0x20,
	0x61, 0x6e, 0x64, 0x20, 0x6d, 0x61, 0x79, 0x20, 0x62, 0x65,
	0x20, 0x75, 0x70, 0x64, 0x61, 0x74, 0x65, 0x64, 0x2c, 0x20,
	0x72, 0x65, 0x70, 0x6c, 0x61, 0x63, 0x65, 0x64, 0x2c, 0x20,
	0x6f, 0x72, 0x20, 0x6f, 0x62, 0x73, 0x6f, 0x6c, 0x65, 0x74,
	0x65, 0x64, 0x20, 0x62, 0x79, 0x20, 0x6f, 0x74, 0x68, 0x65,
	0x72, 0x20, 0x64, 0x6f, 0x63, 0x75, 0x6d, 0x65, 0x6e, 0x74,
	0x73, 0x20, 0x61, 0x74, 0x20, 0x61, 0x6e, 0x79, 0x20, 0x74,
	0x69, 0x6d, 0x65, 0x2e, 0x20, 0x49, 0x74, 0x20, 0x69, 0x73,
	0x20, 0x69, 0x6e, 0x61, 0x70, 0x70, 0x72, 0x6f, 0x70, 0x72,
	0x69, 0x61, 0x74, 0x65, 0x20, 0x74, 0x6f, 0x20, 0x75, 0x73,
	0x65, 0x20, 0x49, 0x6e, 0x74, 0x65, 0x72, 0x6e, 0x65, 0x74,
	0x2d, 0x44, 0x72, 0x61, 0x66, 0x74, 0x73, 0x20, 0x61, 0x73,
	0x20, 0x72, 0x65, 0x66, 0x65, 0x72, 0x65, 0x6e, 0x63, 0x65,
	0x20, 0x6d, 0x61, 0x74, 0x65, 0x72, 0x69, 0x61, 0x6c, 0x20,
	0x6f, 0x72, 0x20, 0x74, 0x6f, 0x20, 0x63, 0x69, 0x74, 0x65,
	0x20, 0x74, 0x68, 0x65, 0x6d, 0x20, 0x6f, 0x74, 0x68, 0x65,
	0x72, 0x20, 0x74, 0x68, 0x61, 0x6e, 0x20, 0x61, 0x73, 0x20,
	0x2f, 0xe2, 0x80, 0x9c, 0x77, 0x6f, 0x72, 0x6b, 0x20, 0x69,
	0x6e, 0x20, 0x70, 0x72, 0x6f, 0x67, 0x72, 0x65, 0x73, 0x73,
	0x2e, 0x2f, 0xe2, 0x80, 0x9d,
};

static const u8 aead_begin[] = {
	0x64, 0xa0, 0x86, 0x15, 0x75, 0x86, 0x1a, 0xf4,
	0x60, 0xf0, 0x62, 0xc7, 0x9b, 0xe6, 0x43, 0xbd,
};

static const u8 aead_tag[CHACHA20POLY1305_AUTHTAG_SIZE] = {
	0xee, 0xad, 0x9d, 0x67, 0x89, 0x0c, 0xbb, 0x22,
	0x39, 0x23, 0x36, 0xfe, 0xa1, 0x85, 0x1f, 0x38,
};

enum {
	AEAD_BYTES = sizeof(aead_plain),
	AEAD_SEALED_BYTES = AEAD_BYTES + CHACHA20POLY1305_AUTHTAG_SIZE,
};

static void seal(u8 *sealed)
{
	memcpy(sealed, aead_plain, AEAD_BYTES);
	chacha20poly1305_encrypt(sealed, sealed, AEAD_BYTES, aead_associated,
				 sizeof(aead_associated), AEAD_NONCE, aead_key);
}

static bool unseal(u8 *sealed, const u8 *associated)
{
	return chacha20poly1305_decrypt(sealed, sealed, AEAD_SEALED_BYTES,
					associated, sizeof(aead_associated),
					AEAD_NONCE, aead_key);
}

static void aead_of_rfc_8439(struct kunit *test)
{
	u8 sealed[AEAD_SEALED_BYTES];

	seal(sealed);
	KUNIT_EXPECT_EQ(test, memcmp(sealed, aead_begin, sizeof(aead_begin)), 0);
	KUNIT_EXPECT_EQ(test, memcmp(sealed + AEAD_BYTES, aead_tag,
				     sizeof(aead_tag)), 0);
	KUNIT_ASSERT_TRUE(test, unseal(sealed, aead_associated));
	KUNIT_EXPECT_EQ(test, memcmp(sealed, aead_plain, AEAD_BYTES), 0);
}

/* And what is not authentic stays as it came: it can be tried with another key. */
static void aead_flipped(struct kunit *test)
{
	u8 sealed[AEAD_SEALED_BYTES], before[AEAD_SEALED_BYTES];
	u8 associated[sizeof(aead_associated)];
	u32 bit;

	seal(sealed);
	for (bit = 0; bit < sizeof(sealed) * 8; bit++) {
		sealed[bit / 8] ^= 1 << (bit % 8);
		memcpy(before, sealed, sizeof(before));
		KUNIT_EXPECT_FALSE(test, unseal(sealed, aead_associated));
		KUNIT_EXPECT_EQ(test, memcmp(sealed, before, sizeof(before)), 0);
		sealed[bit / 8] ^= 1 << (bit % 8);
	}
	for (bit = 0; bit < sizeof(associated) * 8; bit++) {
		memcpy(associated, aead_associated, sizeof(associated));
		associated[bit / 8] ^= 1 << (bit % 8);
		KUNIT_EXPECT_FALSE(test, unseal(sealed, associated));
	}
	KUNIT_EXPECT_TRUE(test, unseal(sealed, aead_associated));
}

/* Every length around the ends of blocks opens again, and none other does. */
static void aead_lengths(struct kunit *test)
{
	u8 sealed[300 + CHACHA20POLY1305_AUTHTAG_SIZE], plain[300];
	u32 n, i;

	for (i = 0; i < sizeof(plain); i++)
		plain[i] = i * 7;
	for (n = 0; n <= sizeof(plain); n++) {
		chacha20poly1305_encrypt(sealed, plain, n, plain, n % 50, n,
					 aead_key);
		KUNIT_EXPECT_FALSE(test,
				   chacha20poly1305_decrypt(sealed, sealed,
							    n + 15, plain,
							    n % 50, n, aead_key));
		KUNIT_ASSERT_TRUE(test,
				  chacha20poly1305_decrypt(sealed, sealed,
							   n + 16, plain, n % 50,
							   n, aead_key));
		KUNIT_EXPECT_EQ(test, memcmp(sealed, plain, n), 0);
	}
}

static void hash(u8 *out, size_t out_bytes, const void *key, size_t key_bytes,
		 const void *in, size_t bytes)
{
	struct blake2s_state state;

	if (key_bytes)
		blake2s_init_key(&state, out_bytes, key, key_bytes);
	else
		blake2s_init(&state, out_bytes);
	blake2s_update(&state, in, bytes);
	blake2s_final(&state, out);
}

/* RFC 7693, appendix B. */
static void blake2s_of_abc(struct kunit *test)
{
	static const u8 expected[BLAKE2S_HASH_SIZE] = {
		0x50, 0x8c, 0x5e, 0x8c, 0x32, 0x7c, 0x14, 0xe2,
		0xe1, 0xa7, 0x2b, 0xa3, 0x4e, 0xeb, 0x45, 0x2f,
		0x37, 0x45, 0x8b, 0x20, 0x9e, 0xd6, 0x3a, 0x29,
		0x4d, 0x99, 0x9b, 0x4c, 0x86, 0x67, 0x59, 0x82,
	};
	u8 out[BLAKE2S_HASH_SIZE];

	hash(out, sizeof(out), NULL, 0, "abc", 3);
	KUNIT_EXPECT_EQ(test, memcmp(out, expected, sizeof(out)), 0);
}

/* The sequence of RFC 7693, appendix E. */
static void sequence(u8 *out, u32 bytes, u32 seed)
{
	u32 a = 0xdead4bad * seed, b = 1, t;

	while (bytes--) {
		t = a + b;
		a = b;
		b = t;
		*out++ = t >> 24;
	}
}

/* RFC 7693, appendix E: hashes of all kinds, and a hash of these. */
static void blake2s_of_rfc_7693(struct kunit *test)
{
	static const u8 expected[BLAKE2S_HASH_SIZE] = {
		0x6a, 0x41, 0x1f, 0x08, 0xce, 0x25, 0xad, 0xcd,
		0xfb, 0x02, 0xab, 0xa6, 0x41, 0x45, 0x1c, 0xec,
		0x53, 0xc5, 0x98, 0xb2, 0x4f, 0x4f, 0xc7, 0x87,
		0xfb, 0xdc, 0x88, 0x79, 0x7f, 0x4c, 0x1d, 0xfe,
	};
	static const u32 out_bytes[] = { 16, 20, 28, 32 };
	static const u32 in_bytes[] = { 0, 3, 64, 65, 255, 1024 };
	u8 out[BLAKE2S_HASH_SIZE], key[BLAKE2S_KEY_SIZE];
	struct blake2s_state all;
	u8 *in = kunit_kzalloc(test, 1024, GFP_KERNEL);
	u32 i, k;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, in);
	blake2s_init(&all, BLAKE2S_HASH_SIZE);
	for (i = 0; i < ARRAY_SIZE(out_bytes); i++) {
		u32 n = out_bytes[i];

		for (k = 0; k < ARRAY_SIZE(in_bytes); k++) {
			sequence(in, in_bytes[k], in_bytes[k]);
			hash(out, n, NULL, 0, in, in_bytes[k]);
			blake2s_update(&all, out, n);
			sequence(key, n, n);
			hash(out, n, key, n, in, in_bytes[k]);
			blake2s_update(&all, out, n);
		}
	}
	blake2s_final(&all, out);
	KUNIT_EXPECT_EQ(test, memcmp(out, expected, sizeof(out)), 0);
}

/* In how many parts does not matter. */
static void blake2s_in_parts(struct kunit *test)
{
	u8 whole[BLAKE2S_HASH_SIZE], parts[BLAKE2S_HASH_SIZE], in[200];
	struct blake2s_state state;
	u32 cut;

	sequence(in, sizeof(in), 1);
	hash(whole, sizeof(whole), in, 32, in, sizeof(in));
	for (cut = 0; cut <= sizeof(in); cut++) {
		blake2s_init_key(&state, sizeof(parts), in, 32);
		blake2s_update(&state, in, cut);
		blake2s_update(&state, in + cut, sizeof(in) - cut);
		blake2s_final(&state, parts);
		KUNIT_EXPECT_EQ(test, memcmp(whole, parts, sizeof(whole)), 0);
	}
}

static void compared(struct kunit *test)
{
	u8 a[40] = {}, b[40] = {};
	u32 i;

	KUNIT_EXPECT_EQ(test, crypto_memneq(a, b, sizeof(a)), 0ul);
	for (i = 0; i < sizeof(a); i++) {
		a[i] = 1 << (i % 8);
		KUNIT_EXPECT_NE(test, crypto_memneq(a, b, sizeof(a)), 0ul);
		KUNIT_EXPECT_EQ(test, crypto_memneq(a, b, i), 0ul);
		a[i] = 0;
	}
}

static struct kunit_case crypto_cases[] = {
	KUNIT_CASE(aead_of_rfc_8439),
	KUNIT_CASE(aead_flipped),
	KUNIT_CASE(aead_lengths),
	KUNIT_CASE(blake2s_of_abc),
	KUNIT_CASE(blake2s_of_rfc_7693),
	KUNIT_CASE(blake2s_in_parts),
	KUNIT_CASE(compared),
	{}
};

struct kunit_suite raftlog_wire_crypto_suite = {
	.name = "raftlog_wire_crypto",
	.test_cases = crypto_cases,
};
