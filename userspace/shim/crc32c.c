// SPDX-License-Identifier: GPL-2.0
/*
 * CRC-32C (Castagnoli), reflected, eight bytes at a time: by the processor's instruction
 * where it has one.
 */
#include "pure_shim.h"

#define POLYNOMIAL 0x82f63b78u

static u32 table[8][256];

static void __attribute__((constructor)) make_table(void)
{
	u32 i, k;

	for (i = 0; i < 256; i++) {
		u32 crc = i;

		for (k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[0][i] = crc;
	}
	for (i = 0; i < 256; i++)
		for (k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^
				      table[0][table[k - 1][i] & 0xff];
}

#ifdef __x86_64__
static bool has_instruction;

static void __attribute__((constructor)) look_for_instruction(void)
{
	__builtin_cpu_init();
	has_instruction = __builtin_cpu_supports("sse4.2");
}

static u32 __attribute__((target("sse4.2")))
by_instruction(u32 crc, const u8 *p, unsigned int length)
{
	u64 wide = crc;

	for (; length >= 8; length -= 8, p += 8) {
		u64 bytes;

		memcpy(&bytes, p, sizeof(bytes));
		wide = __builtin_ia32_crc32di(wide, bytes);
	}
	crc = wide;
	while (length--)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}
#endif

u32 crc32c(u32 crc, const void *address, unsigned int length)
{
	const u8 *p = address;

#ifdef __x86_64__
	if (has_instruction)
		return by_instruction(crc, p, length);
#endif

	for (; length >= 8; length -= 8, p += 8) {
		u32 low = get_unaligned_le32(p) ^ crc;
		u32 high = get_unaligned_le32(p + 4);

		crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
		      table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
		      table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
		      table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
	}
	while (length--)
		crc = crc >> 8 ^ table[0][(crc ^ *p++) & 0xff];
	return crc;
}
