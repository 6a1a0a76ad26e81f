// SPDX-License-Identifier: GPL-2.0
/* Appends by AIO: io_submit(2). */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/aio_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "async.h"

static aio_context_t context;
static struct iocb *iocbs, **list;
static uint32_t n_queued;

static int aio_open(uint32_t n)
{
	iocbs = calloc(n + 1, sizeof(*iocbs));
	list = calloc(n + 1, sizeof(*list));
	context = 0;
	n_queued = 0;
	return syscall(SYS_io_setup, n, &context);
}

static void aio_close(void)
{
	syscall(SYS_io_destroy, context);
	free(iocbs);
	free(list);
}

static void aio_append(uint64_t number, const void *data, uint32_t bytes)
{
	iocbs[number] = (struct iocb){
		.aio_data = number,
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_fildes = device,
		.aio_buf = (uintptr_t)data,
		.aio_nbytes = bytes,
	};
	list[n_queued++] = &iocbs[number];
}

static void aio_poll(uint64_t number, int fd, short events)
{
	iocbs[number] = (struct iocb){
		.aio_data = number,
		.aio_lio_opcode = IOCB_CMD_POLL,
		.aio_fildes = fd,
		.aio_buf = events,
	};
	list[n_queued++] = &iocbs[number];
}

static void aio_submit(void)
{
	uint32_t at = 0;

	while (at < n_queued) {
		long n = syscall(SYS_io_submit, context, n_queued - at,
				 list + at);

		if (n <= 0) {
			perror("io_submit");
			exit(2);
		}
		at += n;
	}
	n_queued = 0;
}

static int aio_cancel(uint64_t number)
{
	struct io_event unused;

	return syscall(SYS_io_cancel, context, &iocbs[number], &unused) ?
		       -errno :
		       0;
}

static int aio_wait(struct end *ends, uint32_t max, int ms)
{
	struct timespec timeout = { ms / 1000, ms % 1000 * 1000000 };
	struct io_event events[256];
	long n = syscall(SYS_io_getevents, context, 1, max < 256 ? max : 256,
			 events, &timeout);
	long i;

	for (i = 0; i < n; i++)
		ends[i] = (struct end){ .number = events[i].data,
					.result = events[i].res };
	return n < 0 ? 0 : n;
}

const struct method aio_method = {
	.name = "AIO",
	.cancels = true,
	.open = aio_open,
	.close = aio_close,
	.append = aio_append,
	.poll = aio_poll,
	.submit = aio_submit,
	.cancel = aio_cancel,
	.wait = aio_wait,
};
