// SPDX-License-Identifier: GPL-2.0
/* CRC-32C (Castagnoli), reflected, eight bytes at a time. */
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

u32 crc32c(u32 crc, const void *address, unsigned int length)
{
	const u8 *p = address;

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
