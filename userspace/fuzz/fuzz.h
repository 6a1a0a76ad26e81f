/* SPDX-License-Identifier: GPL-2.0 */
/* What every fuzzer needs. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdlib.h>

#include "../../kmod/pure.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* What it made up, taken from its front. */
struct input {
	const u8 *data;
	size_t bytes;
};

/* The next number of @bytes, the highest first; what is missing reads as nothing. */
static inline u64 input_take(struct input *input, unsigned int bytes)
{
	u64 value = 0;

	for (; bytes && input->bytes; bytes--, input->bytes--)
		value = value << 8 | *input->data++;
	return value;
}

#endif /* FUZZ_FUZZ_H */
