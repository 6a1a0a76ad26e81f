/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two ways to have many appends in flight from one thread: the guests' async.
 */
#ifndef ASYNC_H
#define ASYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "group.h"

/**
 * struct end - an append that ended
 * @number: which
 * @result: bytes, or a negative errno
 */
struct end {
	uint64_t number;
	int result;
};

/**
 * struct method - a way to append through the descriptor device
 * @name: for people
 * @cancels: a cancel reaches the group
 * @waits_for_room: what the group has no room for does not block who submits it
 * @open: with room for @n under way. Return: 0, or -1 with errno
 * @close: nothing is under way
 * @append: of @bytes at @data, from the next submit() on
 * @poll: of @fd, for @events; as @append
 * @read: of an entry of @bytes at @offset, -1: the position of @fd; as @append.
 *	NULL: it would sleep in submit()
 * @submit: all of them
 * @cancel: append @number. Return: 0 or a negative errno
 * @wait: for at least one end, or @ms. Return: how many of @ends were filled
 */
struct method {
	const char *name;
	bool cancels;
	bool waits_for_room;
	int (*open)(uint32_t n);
	void (*close)(void);
	void (*append)(uint64_t number, const void *data, uint32_t bytes);
	void (*poll)(uint64_t number, int fd, short events);
	void (*read)(uint64_t number, int fd, void *data, uint32_t bytes,
		     int64_t offset);
	void (*submit)(void);
	int (*cancel)(uint64_t number);
	int (*wait)(struct end *ends, uint32_t max, int ms);
};

extern const struct method uring_method;
extern const struct method aio_method;

/* Of the appends and the like that are numbered from 1: how often each ended, and how. */
extern uint32_t ended[];
extern int result[];

void reset(void);
/* Wait for the ends of @n. Return: whether they came in time. */
bool reap(const struct method *method, uint32_t n);
/* @what of @method, until the next call. */
const char *name(const struct method *method, const char *what);
void verdict(bool good, const char *what, const char *format, long value);
/* The program's own thread, and one that io_uring keeps. */
enum {
	ALONE = 2,
};

unsigned int n_threads(void);
void wait_alone(void);
/* The disk under the log stands still. */
void freeze(void);
void thaw(void);
/* Return: whether so many appends came to be under way in time. */
bool wait_pending(uint32_t n);
/* A group of one. Return: whether it leads, and a write would be taken. */
bool start_leader(const struct raftlog_start *start);
/* Newest index, once there is nothing that can still be committed behind it. */
uint64_t last_index(void);

/* async_waits.c. @stale: an open file with O_NONBLOCK and events it was not told. */
void waits(const struct method *method, int stale);

/* async_internal.c. The group is stopped and started in between. */
void internal_entries(const struct method *method, struct raftlog_start *start);

#endif /* ASYNC_H */
