// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "log.h"
#include "memory.h"

void log_append(struct log *log, struct record *record)
{
	log->records = memory_grow(log->records, log->n, &log->n_max,
				   sizeof(*log->records));
	log->records[log->n++] = record;
}

void log_truncate(struct log *log, u64 from)
{
	if (from <= log->n)
		log->n = from - 1;
}

void log_rebase(struct log *log, const struct log *committed, u64 base)
{
	u64 i;

	log->n = 0;
	log->base = base;
	for (i = 0; i < base; i++)
		log_append(log, committed->records[i]);
}

void log_copy(struct log *to, const struct log *from)
{
	u64 i;

	to->n = 0;
	to->base = from->base;
	for (i = 0; i < from->n; i++)
		log_append(to, from->records[i]);
}

void log_free(struct log *log)
{
	free(log->records);
	memset(log, 0, sizeof(*log));
}

void records_init(struct records *records)
{
	records->n_buckets = 4096;
	records->buckets =
		memory_zeroed(records->n_buckets * sizeof(*records->buckets));
}

void records_forget(struct records *records, u64 term)
{
	u32 i;

	for (i = 0; i < records->n_buckets; i++) {
		struct record **link = &records->buckets[i];

		while (*link) {
			struct record *record = *link;

			if (record->term <= term) {
				link = &record->next;
				continue;
			}
			*link = record->next;
			free(record->data);
			free(record->configuration);
			free(record);
		}
	}
}

void records_free(struct records *records)
{
	records_forget(records, 0);
	free(records->buckets);
	records->buckets = NULL;
}

static struct record **bucket_of(const struct records *records, u64 index,
				 u64 term)
{
	u64 x = index * 0x9e3779b97f4a7c15ull + term * 0xd1342543de82ef95ull;

	return &records->buckets[(x >> 32) & (records->n_buckets - 1)];
}

struct record *records_find(const struct records *records, u64 index, u64 term)
{
	struct record *record = *bucket_of(records, index, term);

	while (record && (record->index != index || record->term != term))
		record = record->next;
	return record;
}

struct record *records_add(struct records *records, u64 index, u64 term)
{
	struct record **bucket = bucket_of(records, index, term);
	struct record *record = memory_zeroed(sizeof(*record));

	record->index = index;
	record->term = term;
	record->next = *bucket;
	*bucket = record;
	return record;
}
