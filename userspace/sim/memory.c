// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

void memory_panic(const char *file, int line, const char *what)
{
	fprintf(stderr, "raftlog-sim: %s:%d: %s\n", file, line, what);
	abort();
}

void *memory_zeroed(size_t bytes)
{
	void *memory = calloc(1, bytes);

	memory_assert(memory);
	return memory;
}

void *memory_grow(void *array, u64 n, u64 *n_max, size_t size)
{
	u64 room = *n_max ? 2 * *n_max : 64;

	if (n < *n_max)
		return array;
	array = realloc(array, room * size);
	memory_assert(array);
	memset((u8 *)array + *n_max * size, 0, (room - *n_max) * size);
	*n_max = room;
	return array;
}
