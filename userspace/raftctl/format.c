// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "raftctl.h"

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;

	if (table->n_cells == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->cells = realloc(table->cells,
				       table->room * sizeof(*table->cells));
		if (!table->cells) {
			complain(NULL, "out of memory");
			exit(EXIT_ERROR);
		}
	}
	va_start(args, format);
	vsnprintf(table->cells[table->n_cells++], TABLE_CELL_CHARS, format,
		  args);
	va_end(args);
}

static void print_row(const struct table *table,
		      char (*cells)[TABLE_CELL_CHARS], const int *widths,
		      const char *indent)
{
	unsigned int last = table->n_columns - 1;

	/* No blanks behind the last cell that is not empty. */
	while (last && !cells[last][0])
		last--;
	fputs(indent, stdout);
	for (unsigned int i = 0; i <= last; i++) {
		const char *gap = i ? "  " : "";

		if (table->right & (1u << i))
			printf("%s%*s", gap, widths[i], cells[i]);
		else if (i < last)
			printf("%s%-*s", gap, widths[i], cells[i]);
		else
			printf("%s%s", gap, cells[i]);
	}
	putchar('\n');
}

void table_print(struct table *table, const char *indent)
{
	int widths[TABLE_COLUMNS_MAX] = { 0 };
	size_t i;

	for (i = 0; i < table->n_cells; i++) {
		int *width = &widths[i % table->n_columns];
		int length = strlen(table->cells[i]);

		*width = length > *width ? length : *width;
	}
	for (i = 0; i < table->n_cells; i += table->n_columns)
		print_row(table, &table->cells[i], widths, indent);
	free(table->cells);
	table->cells = NULL;
	table->n_cells = 0;
	table->room = 0;
}

const char *format_bytes(char *buf, u64 bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	double value = bytes;
	int unit = -1;

	if (bytes < 1024) {
		snprintf(buf, FORMAT_CHARS, "%llu B", bytes);
		return buf;
	}
	/* 1023.95 would be printed as 1024.0. */
	while (value >= 1023.95) {
		value /= 1024;
		unit++;
	}
	if (unit < 0) {
		value /= 1024;
		unit = 0;
	}
	snprintf(buf, FORMAT_CHARS, "%.1f %s", value, units[unit]);
	return buf;
}

const char *format_ns(char *buf, u64 ns)
{
	if (ns < 10000000)
		snprintf(buf, FORMAT_CHARS, "%.2f ms", ns / 1e6);
	else if (ns < 1000000000)
		snprintf(buf, FORMAT_CHARS, "%.0f ms", ns / 1e6);
	else
		snprintf(buf, FORMAT_CHARS, "%.1f s", ns / 1e9);
	return buf;
}

const char *format_duration(char *buf, u64 ms)
{
	u64 seconds = ms / 1000, minutes = seconds / 60;
	u64 hours = minutes / 60, days = hours / 24;

	if (ms < 1000)
		snprintf(buf, FORMAT_CHARS, "%llu ms", ms);
	else if (seconds < 60)
		snprintf(buf, FORMAT_CHARS, "%.1f s", ms / 1e3);
	else if (hours < 1)
		snprintf(buf, FORMAT_CHARS, "%llu min %llu s", minutes,
			 seconds % 60);
	else if (days < 1)
		snprintf(buf, FORMAT_CHARS, "%llu h %llu min", hours,
			 minutes % 60);
	else
		snprintf(buf, FORMAT_CHARS, "%llu d %llu h", days, hours % 24);
	return buf;
}
