/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Output for eyes: aligned tables, and numbers with a unit that fits them.
 */
#ifndef RAFTCTL_FORMAT_H
#define RAFTCTL_FORMAT_H

#include "types.h"

enum {
	TABLE_COLUMNS_MAX = 12,
	TABLE_CELL_CHARS = 64,
};

/**
 * struct table - rows of cells, printed once all are known
 * @n_columns: columns
 * @right: bit n: column n is aligned to the right
 * @n_cells: cells so far, row by row
 * @room: cells there is memory for
 * @cells: the cells
 */
struct table {
	unsigned int n_columns;
	unsigned int right;
	size_t n_cells;
	size_t room;
	char (*cells)[TABLE_CELL_CHARS];
};

/** table_cell() - add the next cell, rows from left to right */
__printf(2, 3) void table_cell(struct table *table, const char *format, ...);

/** table_print() - print it, columns two blanks apart, and free it */
void table_print(struct table *table, const char *indent);

enum { FORMAT_CHARS = 32 };

/* Into a buffer of FORMAT_CHARS, which they return. */
const char *format_bytes(char *buf, u64 bytes); /* "251.2 MiB" */
const char *format_ns(char *buf, u64 ns); /* "0.41 ms" */
const char *format_duration(char *buf, u64 ms); /* "2 h 3 min" */

#endif /* RAFTCTL_FORMAT_H */
