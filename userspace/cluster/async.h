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
	void (*submit)(void);
	int (*cancel)(uint64_t number);
	int (*wait)(struct end *ends, uint32_t max, int ms);
};

extern const struct method uring_method;
extern const struct method aio_method;

#endif /* ASYNC_H */
