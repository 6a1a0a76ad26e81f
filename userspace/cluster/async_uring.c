// SPDX-License-Identifier: GPL-2.0
/* Appends by io_uring, without a library. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "async.h"

enum {
	SQ_ENTRIES = 4096,
	/* user_data of a cancel, whose answer is no end of an append. */
	CANCEL = 1 << 30,
};

static int ring = -1;
static struct io_uring_params params;
static char *rings;
static struct io_uring_sqe *sqes;
static size_t ring_bytes;
static uint32_t n_queued;
static int cancel_answer;

static uint32_t *at(uint32_t offset)
{
	return (uint32_t *)(rings + offset);
}

static int uring_open(uint32_t n)
{
	size_t sq_bytes, cq_bytes;

	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_CQSIZE;
	params.cq_entries = n;
	ring = syscall(SYS_io_uring_setup, SQ_ENTRIES, &params);
	if (ring < 0)
		return -1;
	if (!(params.features & IORING_FEAT_SINGLE_MMAP) ||
	    !(params.features & IORING_FEAT_EXT_ARG)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	sq_bytes = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
	cq_bytes = params.cq_off.cqes +
		   params.cq_entries * sizeof(struct io_uring_cqe);
	ring_bytes = sq_bytes > cq_bytes ? sq_bytes : cq_bytes;
	rings = mmap(NULL, ring_bytes, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, params.sq_entries * sizeof(*sqes),
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
		    IORING_OFF_SQES);
	n_queued = 0;
	return rings == MAP_FAILED || sqes == MAP_FAILED ? -1 : 0;
}

static void uring_close(void)
{
	munmap(rings, ring_bytes);
	munmap(sqes, params.sq_entries * sizeof(*sqes));
	close(ring);
}

static void enter(uint32_t n)
{
	while (n) {
		long done = syscall(SYS_io_uring_enter, ring, n, 0, 0, NULL, 0);

		if (done < 0) {
			perror("io_uring_enter");
			exit(2);
		}
		n -= done;
	}
}

static void uring_submit(void)
{
	enter(n_queued);
	n_queued = 0;
}

static void queue(const struct io_uring_sqe *sqe)
{
	uint32_t tail = *at(params.sq_off.tail);
	uint32_t slot = tail & *at(params.sq_off.ring_mask);

	if (n_queued == params.sq_entries)
		uring_submit();
	sqes[slot] = *sqe;
	at(params.sq_off.array)[slot] = slot;
	__atomic_store_n(at(params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	n_queued++;
}

static void uring_append(uint64_t number, const void *data, uint32_t bytes)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_WRITE,
		.fd = device,
		.off = -1,
		.addr = (uintptr_t)data,
		.len = bytes,
		.user_data = number,
	};

	queue(&sqe);
}

static void uring_poll(uint64_t number, int fd, short events)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_POLL_ADD,
		.fd = fd,
		.poll32_events = events,
		.user_data = number,
	};

	queue(&sqe);
}

static void uring_read(uint64_t number, int fd, void *data, uint32_t bytes,
		       int64_t offset)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_READ,
		.fd = fd,
		.off = offset,
		.addr = (uintptr_t)data,
		.len = bytes,
		.user_data = number,
	};

	queue(&sqe);
}

static int uring_wait(struct end *ends, uint32_t max, int ms)
{
	struct __kernel_timespec timeout = { ms / 1000, ms % 1000 * 1000000 };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&timeout };
	uint32_t head = *at(params.cq_off.head), n = 0;
	const struct io_uring_cqe *cqes =
		(const void *)(rings + params.cq_off.cqes);

	/* Also where nothing is to be waited for: it runs what is due. */
	syscall(SYS_io_uring_enter, ring, 0, 1,
		IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
		sizeof(arg));
	while (n < max &&
	       head != __atomic_load_n(at(params.cq_off.tail), __ATOMIC_ACQUIRE)) {
		const struct io_uring_cqe *cqe =
			&cqes[head++ & *at(params.cq_off.ring_mask)];

		if (cqe->user_data == CANCEL)
			cancel_answer = cqe->res;
		else
			ends[n++] = (struct end){ cqe->user_data, cqe->res };
	}
	__atomic_store_n(at(params.cq_off.head), head, __ATOMIC_RELEASE);
	return n;
}

static int uring_cancel(uint64_t number)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_ASYNC_CANCEL,
		.fd = -1,
		.addr = number,
		.user_data = CANCEL,
	};
	struct end none;

	cancel_answer = 1;
	queue(&sqe);
	uring_submit();
	/* A cancel is answered at once, and nothing else ends meanwhile. */
	uring_wait(&none, 1, 1000);
	return cancel_answer;
}

const struct method uring_method = {
	.name = "io_uring",
	.waits_for_room = true,
	.open = uring_open,
	.close = uring_close,
	.append = uring_append,
	.poll = uring_poll,
	.read = uring_read,
	.submit = uring_submit,
	.cancel = uring_cancel,
	.wait = uring_wait,
};
