// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever a process can do to the device, from many threads at once.
 *
 *	torture DIRECTORY SECONDS SEED
 *
 * Run as root in a guest whose raftlog module is loaded and whose group is stopped.
 * While one thread starts and stops the group, others make requests of it, with
 * arguments that are good, nearly good or nothing at all, and another sends what it
 * likes to its port. What the kernel says to all that is for its console to tell; at
 * the end a group starts, takes an entry and stops as ever. Prints what was done, and
 * exits with 1 if that last group did not work. DIRECTORY is for its logs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "group.h"

enum {
	N_CALLERS = 12,
	N_SENDERS = 2,
	N_FILES = 8,
	BUFFER_BYTES = 1 << 16,
	/* As many members of an array as there can be, each as large as it can be. */
	MEMORY_BYTES = 2 << 20,
	ARGUMENT_BYTES = 4096,
	/* No call sleeps for longer: a signal ends it. */
	NUDGE_US = 50000,
	/* A life of the group. */
	LIFE_MS_MAX = 4000,
	/* Few of those that stop it are let through: it is to live for a while. */
	STOPS_KEPT_BACK = 200,
	PACKET_BYTES_MAX = 2000,
	UDP_HEADER_BYTES = 8,
	WIRE_HEADER_BYTES = 32,
};

static atomic_bool over;
static atomic_ulong n_calls, n_taken, n_packets, n_lives;
static uint64_t first_seed;

struct caller {
	pthread_t thread;
	atomic_bool ended;
	uint64_t state;
	int files[N_FILES];
	char *buffer;
	/* Behind the argument nothing is mapped. */
	char *argument_end;
};

static struct caller callers[N_CALLERS], senders[N_SENDERS], controller;

static uint64_t next(struct caller *c)
{
	uint64_t z = (c->state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint32_t below(struct caller *c, uint32_t n)
{
	return next(c) % n;
}

static bool one_in(struct caller *c, uint32_t n)
{
	return !below(c, n);
}

static void fill(struct caller *c, void *to, size_t bytes)
{
	unsigned char *p = to;

	while (bytes--)
		*p++ = next(c);
}

static void count(long ret)
{
	atomic_fetch_add(&n_calls, 1);
	atomic_fetch_add(&n_taken, ret >= 0);
}

/* Arguments */

static uint64_t a_pointer(struct caller *c)
{
	switch (below(c, 8)) {
	case 0:
		return 0;
	case 1:
		return 8;
	case 2:
		return 0xffff888000000000ull;
	case 3:
		/* Its end is the end of what is mapped. */
		return (uintptr_t)c->argument_end - below(c, 64);
	default:
		return (uintptr_t)c->buffer;
	}
}

static uint32_t a_number(struct caller *c)
{
	static const uint32_t numbers[] = {
		0, 1, 2, 3, 8, 32, 33, 255, 4096, 65535, 1u << 31, UINT32_MAX,
	};

	if (one_in(c, 8))
		return next(c);
	return numbers[below(c, sizeof(numbers) / sizeof(numbers[0]))];
}

static const struct shape {
	unsigned int cmd;
	/* Offset of a pointer, and of the size of what it points to; -1: none. */
	int pointer_at;
	int size_at;
	uint32_t slot_bytes;
} shapes[] = {
	{ RAFTLOG_IOC_GET_VERSION, -1, -1, 0 },
	{ RAFTLOG_IOC_START, offsetof(struct raftlog_start, members), -1, 0 },
	{ RAFTLOG_IOC_STOP, -1, -1, 0 },
	{ RAFTLOG_IOC_GET_STATUS, -1, -1, 0 },
	{ RAFTLOG_IOC_GET_MEMBERS, offsetof(struct raftlog_members, peers),
	  offsetof(struct raftlog_members, peer_bytes),
	  sizeof(struct raftlog_peer) },
	{ RAFTLOG_IOC_APPEND, offsetof(struct raftlog_append, data),
	  offsetof(struct raftlog_append, bytes), 100 },
	{ RAFTLOG_IOC_SET_FRAMED, -1, -1, 0 },
	{ RAFTLOG_IOC_GET_EVENTS, offsetof(struct raftlog_events, events),
	  offsetof(struct raftlog_events, event_bytes),
	  sizeof(struct raftlog_event) },
	{ RAFTLOG_IOC_CHANGE_MEMBERS,
	  offsetof(struct raftlog_change_members, changes),
	  offsetof(struct raftlog_change_members, change_bytes),
	  sizeof(struct raftlog_change) },
	{ RAFTLOG_IOC_TRANSFER, -1, -1, 0 },
	{ RAFTLOG_IOC_READ_INDEX, -1, -1, 0 },
	{ RAFTLOG_IOC_SET, -1, -1, 0 },
	{ RAFTLOG_IOC_RECOVER, offsetof(struct raftlog_recover, members),
	  offsetof(struct raftlog_recover, member_bytes),
	  sizeof(struct raftlog_member) },
	{ RAFTLOG_IOC_SET_SESSION, -1, -1, 0 },
	{ RAFTLOG_IOC_GET_SESSIONS, offsetof(struct raftlog_sessions, sessions),
	  offsetof(struct raftlog_sessions, session_bytes),
	  sizeof(struct raftlog_session_info) },
	{ RAFTLOG_IOC_SNAPSHOT_CREATE, -1, -1, 0 },
	{ RAFTLOG_IOC_SNAPSHOT_OPEN, -1, -1, 0 },
	{ RAFTLOG_IOC_SNAPSHOT_SEAL, -1, -1, 0 },
};

/* Zeros, which is what most fields are to be, and a few that are not. */
static void shape(struct caller *c, const struct shape *s, char *argument,
		  size_t bytes)
{
	size_t words = bytes / 4, i, n = below(c, 4);
	uint32_t slot_bytes = one_in(c, 4) ? a_number(c) : s->slot_bytes;
	uint64_t pointer = a_pointer(c);

	memset(argument, 0, bytes);
	for (i = 0; i < n && words; i++) {
		uint32_t number = a_number(c);

		memcpy(argument + 4 * below(c, words), &number, 4);
	}
	if (s->pointer_at >= 0 && bytes >= (size_t)s->pointer_at + 8)
		memcpy(argument + s->pointer_at, &pointer, 8);
	if (s->size_at >= 0 && bytes >= (size_t)s->size_at + 4)
		memcpy(argument + s->size_at, &slot_bytes, 4);
	if (s->cmd == RAFTLOG_IOC_SET_SESSION && bytes)
		argument[0] = 'a' + below(c, 26);
}

/* Calls */

static int *a_file(struct caller *c)
{
	return &c->files[below(c, N_FILES)];
}

static void reopen(struct caller *c, int *file)
{
	static const int modes[] = { O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	int flags = modes[below(c, 4)] | O_CLOEXEC;

	close(*file);
	if (one_in(c, 2))
		flags |= O_NONBLOCK;
	*file = open("/dev/raftlog", flags);
	count(*file);
}

static void request(struct caller *c)
{
	const struct shape *s =
		&shapes[below(c, sizeof(shapes) / sizeof(shapes[0]))];
	unsigned int cmd = s->cmd;
	size_t bytes = _IOC_SIZE(cmd);
	char *argument;
	long ret;

	if (cmd == RAFTLOG_IOC_STOP && !one_in(c, STOPS_KEPT_BACK))
		return;
	if (one_in(c, 8))
		bytes = below(c, 512);
	if (one_in(c, 32))
		cmd = next(c);
	else
		cmd = _IOC(one_in(c, 32) ? below(c, 4) : _IOC_DIR(cmd),
			   RAFTLOG_IOC_MAGIC, _IOC_NR(cmd), bytes);
	/* The last byte of it is the last one that is there. */
	argument = c->argument_end - _IOC_SIZE(cmd) % ARGUMENT_BYTES;
	shape(c, s, argument, c->argument_end - argument);
	if (one_in(c, 32))
		argument = (char *)(uintptr_t)a_pointer(c);
	ret = ioctl(*a_file(c), cmd, argument);
	count(ret);
}

static void make_snapshot(struct caller *c)
{
	struct raftlog_snapshot_create create = { 0 };
	struct raftlog_snapshot_seal seal = { 0 };
	long ret = ioctl(*a_file(c), RAFTLOG_IOC_SNAPSHOT_CREATE, &create);
	uint32_t n = below(c, 8);

	count(ret);
	if (ret)
		return;
	while (n--)
		count(write(create.fd, c->buffer, below(c, BUFFER_BYTES)));
	if (!one_in(c, 4))
		count(ioctl(create.fd, RAFTLOG_IOC_SNAPSHOT_SEAL, &seal));
	count(read(create.fd, c->buffer, 100));
	close(create.fd);
}

static void read_snapshot(struct caller *c)
{
	struct raftlog_snapshot_open open = { 0 };
	long ret = ioctl(*a_file(c), RAFTLOG_IOC_SNAPSHOT_OPEN, &open);
	uint32_t n = below(c, 8);

	count(ret);
	if (ret)
		return;
	while (n--) {
		count(lseek(open.fd, next(c) % (open.bytes + 10), SEEK_SET));
		count(read(open.fd, (void *)(uintptr_t)a_pointer(c),
			   below(c, BUFFER_BYTES)));
	}
	close(open.fd);
}

static void seek(struct caller *c)
{
	off_t at = one_in(c, 4) ? (off_t)next(c) : (off_t)below(c, 100);

	count(lseek(*a_file(c), at, below(c, 5)));
}

static void write_some(struct caller *c)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)a_pointer(c), below(c, 300) },
		{ (void *)(uintptr_t)a_pointer(c), below(c, 300) },
	};

	if (one_in(c, 4))
		count(writev(*a_file(c), iov, 2));
	else
		count(write(*a_file(c), (void *)(uintptr_t)a_pointer(c),
			    one_in(c, 16) ? a_number(c) : below(c, 500)));
}

static void read_some(struct caller *c)
{
	size_t bytes = one_in(c, 4) ? a_number(c) : BUFFER_BYTES;
	void *to = (void *)(uintptr_t)a_pointer(c);

	if (bytes > BUFFER_BYTES && to == c->buffer)
		bytes = BUFFER_BYTES;
	if (one_in(c, 4))
		count(pread(*a_file(c), to, bytes, next(c) >> below(c, 64)));
	else
		count(read(*a_file(c), to, bytes));
}

static void map(struct caller *c)
{
	void *at = mmap(NULL, ARGUMENT_BYTES, PROT_READ | PROT_WRITE,
			one_in(c, 2) ? MAP_SHARED : MAP_PRIVATE, *a_file(c), 0);

	count(at == MAP_FAILED ? -1 : 0);
	if (at != MAP_FAILED)
		munmap(at, ARGUMENT_BYTES);
}

static void wait_some(struct caller *c)
{
	struct pollfd pollfd[2] = {
		{ .fd = *a_file(c), .events = next(c) },
		{ .fd = *a_file(c), .events = next(c) },
	};

	count(poll(pollfd, 2, below(c, 30)));
}

static void act(struct caller *c)
{
	switch (below(c, 16)) {
	default:
		request(c);
		break;
	case 0:
	case 1:
		write_some(c);
		break;
	case 2:
	case 3:
		read_some(c);
		break;
	case 4:
		wait_some(c);
		break;
	case 5:
		map(c);
		break;
	case 6:
		seek(c);
		break;
	case 7:
		reopen(c, a_file(c));
		break;
	case 8:
		make_snapshot(c);
		break;
	case 9:
		read_snapshot(c);
		break;
	case 10:
		count(fsync(*a_file(c)));
		break;
	}
}

static void *calls(void *arg)
{
	struct caller *c = arg;
	int i;

	for (i = 0; i < N_FILES; i++) {
		c->files[i] = -1;
		reopen(c, &c->files[i]);
	}
	while (!atomic_load(&over))
		act(c);
	for (i = 0; i < N_FILES; i++)
		close(c->files[i]);
	atomic_store(&c->ended, true);
	return NULL;
}

/* Packets */

/* Like a datagram of ours as far as it goes. */
static size_t a_datagram(struct caller *c, unsigned char *to)
{
	size_t bytes = below(c, PACKET_BYTES_MAX);

	fill(c, to, bytes);
	if (bytes < WIRE_HEADER_BYTES || one_in(c, 4))
		return bytes;
	to[0] = below(c, 4);
	to[1] = below(c, 8);
	to[2] = one_in(c, 4) ? to[2] : 0;
	to[3] = one_in(c, 4) ? to[3] : 0;
	memset(to + 4, 0, 12);
	to[4] = below(c, 4);
	to[8] = one_in(c, 8) ? to[8] : 1;
	return bytes;
}

/* A UDP header that may lie about the length and the checksum. */
static size_t a_raw_packet(struct caller *c, unsigned char *to)
{
	size_t bytes = UDP_HEADER_BYTES + a_datagram(c, to + UDP_HEADER_BYTES);
	uint16_t header[4] = { htons(1024 + below(c, 100)), htons(PORT),
			       htons(one_in(c, 4) ? next(c) : bytes), 0 };

	if (one_in(c, 4))
		header[3] = next(c);
	memcpy(to, header, sizeof(header));
	return one_in(c, 16) ? below(c, UDP_HEADER_BYTES) : bytes;
}

static void *sends(void *arg)
{
	static const struct sockaddr_in port = {
		.sin_family = AF_INET,
	};
	struct sockaddr_in to = port;
	struct caller *c = arg;
	unsigned char packet[PACKET_BYTES_MAX + UDP_HEADER_BYTES];
	int plain = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while (!atomic_load(&over)) {
		bool is_raw = one_in(c, 4);
		size_t bytes = is_raw ? a_raw_packet(c, packet) :
					a_datagram(c, packet);

		to.sin_port = is_raw ? 0 : htons(PORT);
		sendto(is_raw ? raw : plain, packet, bytes, MSG_DONTWAIT,
		       (struct sockaddr *)&to, sizeof(to));
		atomic_fetch_add(&n_packets, 1);
		/* The others are to have some of the processor, too. */
		if (one_in(c, 32))
			usleep(1000);
	}
	close(plain);
	close(raw);
	return NULL;
}

/* The group */

static int wal, snapshots[2];

static void *starts(void *arg)
{
	struct caller *c = arg;

	/* Of this thread. The others leave it no time else. */
	setpriority(PRIO_PROCESS, 0, -10);
	while (!atomic_load(&over)) {
		struct raftlog_start start = a_start(wal, one_in(c, 4) ? 3 : 1);

		/* Of other members it is another log: that is refused. */
		if (one_in(c, 2))
			start.flags = 0;
		start.cache_bytes = 1 << below(c, 24);
		start.retain_entries = one_in(c, 2) ? 100 : 0;
		start.append_timeout_ms = 1 + below(c, 1000);
		start.snapshot_fd[0] = snapshots[0];
		start.snapshot_fd[1] = snapshots[1];
		if (!start_group(&start))
			atomic_fetch_add(&n_lives, 1);
		usleep(1000 * below(c, LIFE_MS_MAX));
		stop_group();
	}
	return NULL;
}

static int last_group(void)
{
	struct raftlog_start start;

	stop_group();
	close(wal);
	wal = make_wal("torture-last", WAL_BYTES);
	start = a_start(wal, 1);
	if (start_group(&start) || !wait_leader() ||
	    write(device, "x", 1) != 1 || stop_group()) {
		perror("a group after all that");
		return 1;
	}
	return 0;
}

static void on_nudge(int number)
{
}

static void begin(struct caller *c, void *(*body)(void *arg))
{
	static uint64_t n;
	char *memory = mmap(NULL, 2 * ARGUMENT_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	c->state = first_seed * 1000 + n++;
	c->buffer = calloc(1, MEMORY_BYTES);
	c->argument_end = memory + ARGUMENT_BYTES;
	if (!c->buffer || memory == MAP_FAILED ||
	    munmap(memory + ARGUMENT_BYTES, ARGUMENT_BYTES) ||
	    pthread_create(&c->thread, NULL, body, c)) {
		perror("torture");
		exit(2);
	}
}

/* Who sleeps in a call goes on. Return: whether somebody does not end. */
static bool nudge(void)
{
	bool runs = false;
	int i;

	for (i = 0; i < N_CALLERS; i++) {
		if (atomic_load(&callers[i].ended))
			continue;
		runs = true;
		pthread_kill(callers[i].thread, SIGUSR1);
	}
	usleep(NUDGE_US);
	return runs;
}

static void end(struct caller *callers, int n)
{
	while (n--)
		pthread_join(callers[n].thread, NULL);
}

int main(int argc, char **argv)
{
	/* Without SA_RESTART: what sleeps ends. */
	struct sigaction action = { .sa_handler = on_nudge };
	time_t until;
	int i;

	if (argc != 4) {
		fprintf(stderr, "usage: torture DIRECTORY SECONDS SEED\n");
		return 2;
	}
	directory = argv[1];
	first_seed = strtoull(argv[3], NULL, 0);
	sigaction(SIGUSR1, &action, NULL);
	device = open("/dev/raftlog", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		perror("/dev/raftlog");
		return 2;
	}
	wal = make_wal("torture", WAL_BYTES);
	snapshots[0] = make_wal("torture.0", 0);
	snapshots[1] = make_wal("torture.1", 0);
	begin(&controller, starts);
	for (i = 0; i < N_CALLERS; i++)
		begin(&callers[i], calls);
	for (i = 0; i < N_SENDERS; i++)
		begin(&senders[i], sends);
	until = time(NULL) + strtol(argv[2], NULL, 0);
	while (time(NULL) < until)
		nudge();
	atomic_store(&over, true);
	while (nudge())
		;
	end(callers, N_CALLERS);
	end(senders, N_SENDERS);
	end(&controller, 1);
	printf("%lu calls, %lu taken, %lu packets, %lu starts\n",
	       atomic_load(&n_calls), atomic_load(&n_taken),
	       atomic_load(&n_packets), atomic_load(&n_lives));
	if (!atomic_load(&n_lives)) {
		fprintf(stderr, "the group was never started\n");
		return 1;
	}
	return last_group();
}
