/* SPDX-License-Identifier: GPL-2.0 */
/* Memory of the simulator: there always is some, or the process ends. */
#ifndef RAFTLOG_SIM_MEMORY_H
#define RAFTLOG_SIM_MEMORY_H

#include "pure.h"

void *memory_zeroed(size_t bytes);

/**
 * memory_grow() - make room for one more element
 * @array: the array or NULL
 * @n: elements in use
 * @n_max: room; updated
 * @size: of an element
 *
 * Return: the array with room for more than @n; new room is zero.
 */
void *memory_grow(void *array, u64 n, u64 *n_max, size_t size);

/* The simulator itself is wrong: no verdict on what it simulates. */
#define memory_assert(condition)                                           \
	do {                                                               \
		if (unlikely(!(condition)))                                \
			memory_panic(__FILE__, __LINE__, #condition);      \
	} while (0)
void memory_panic(const char *file, int line, const char *what);

#endif /* RAFTLOG_SIM_MEMORY_H */
