// SPDX-License-Identifier: GPL-2.0
/*
 * Load whose outcome can be proved.
 *
 *	load append --node N --first F [--count C] [--seconds S] [--threads T]
 *		[--max BYTES] [--timeout MS] [--pause MS]
 *	load verify < what the appenders of all nodes printed
 *
 * append writes entries whose size and content follow from (node, number) and
 * prints one line for each:
 *
 *	A node number bytes index term ms	acknowledged, at that guest time
 *	R node number bytes errno ms		refused: must never be in the log
 *	U node number bytes errno ms		outcome unknown
 *
 * --max BYTES bounds the sizes; they are mostly small, up to 1 MiB. Each thread
 * pauses for MS after an entry that was acknowledged. Numbers count
 * from F and are never used again; it ends after C acknowledged entries, after S
 * seconds, or in order on SIGTERM.
 *
 * verify reads the whole log of this machine and proves that every acknowledged
 * entry is at its index with its term and its bytes, that no refused one is
 * there, that none is there twice, and that what else is there is one of the
 * unknown ones, whole. It prints: entries bytes digest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/raftlog.h>

enum {
	ENTRY_BYTES_MAX = 1 << 20,
	/* An entry of at least this size says who made it. */
	LABEL_BYTES = 16,
	READ_BYTES = 4 << 20,
	THREADS_MAX = 64,
	/* Between two tries when nobody takes entries. */
	REFUSED_PAUSE_US = 20000,
	/* Longest that a line waits to be printed. */
	FLUSH_INTERVAL_US = 20000,
	OUTPUT_BYTES = 1 << 16,
};

static const char *const device = "/dev/raftlog";
static volatile sig_atomic_t stop;

__attribute__((noreturn, format(printf, 1, 2))) static void
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ (x >> 33);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* Mostly small, some large, and one in some thousands as large as can be. */
static uint32_t entry_bytes(uint32_t node, uint64_t number, uint32_t max)
{
	static const struct {
		uint32_t per_10000, from, to;
	} sizes[] = {
		{ 8500, 1, 256 },
		{ 1300, 257, 2048 },
		{ 185, 2049, 16384 },
		{ 12, 16385, 131072 },
		{ 2, 131073, ENTRY_BYTES_MAX },
		{ 1, ENTRY_BYTES_MAX, ENTRY_BYTES_MAX },
	};
	uint64_t random = mix(((uint64_t)node << 48) ^ number);
	uint32_t pick = random % 10000, i = 0, bytes;

	random = mix(random);
	while (pick >= sizes[i].per_10000)
		pick -= sizes[i++].per_10000;
	bytes = sizes[i].from + random % (sizes[i].to - sizes[i].from + 1);
	return bytes <= max ? bytes : 1 + random % max;
}

static void entry_fill(uint8_t *data, uint32_t bytes, uint32_t node,
		       uint64_t number)
{
	uint64_t state = mix(number * 0x9e3779b97f4a7c15ull + node);
	uint32_t at;

	for (at = 0; at < bytes; at += sizeof(state)) {
		state = mix(state + 1);
		memcpy(data + at, &state,
		       bytes - at < sizeof(state) ? bytes - at : sizeof(state));
	}
	if (bytes >= LABEL_BYTES) {
		memcpy(data, "rlog", 4);
		memcpy(data + 4, &node, sizeof(node));
		memcpy(data + 8, &number, sizeof(number));
	}
}

/* Append */

static struct {
	uint32_t node;
	uint32_t max;
	uint32_t timeout_ms;
	uint32_t pause_ms;
	uint64_t count;
	uint64_t end_ms;
	pthread_mutex_t lock;
	uint64_t next_number;
	uint64_t n_acknowledged;
} work = { .max = ENTRY_BYTES_MAX, .count = UINT64_MAX, .end_ms = UINT64_MAX };

static bool take_number(uint64_t *number)
{
	bool more;

	pthread_mutex_lock(&work.lock);
	more = !stop && work.n_acknowledged < work.count &&
	       now_ms() < work.end_ms;
	if (more)
		*number = ++work.next_number;
	pthread_mutex_unlock(&work.lock);
	return more;
}

static void report(uint64_t number, uint32_t bytes,
		   const struct raftlog_append *append, int error)
{
	bool unknown = error == ETIMEDOUT || error == EINTR ||
		       error == ESHUTDOWN || error == EIO;

	pthread_mutex_lock(&work.lock);
	if (!error) {
		work.n_acknowledged++;
		printf("A %u %" PRIu64 " %u %llu %llu %" PRIu64 "\n", work.node,
		       number, bytes, append->index, append->term, now_ms());
	} else {
		printf("%c %u %" PRIu64 " %u %d %" PRIu64 "\n",
		       unknown ? 'U' : 'R', work.node, number, bytes, error,
		       now_ms());
	}
	pthread_mutex_unlock(&work.lock);
}

/* A write for each line would cost an emulated guest more than the append. */
static void *flusher(void *unused)
{
	for (;;) {
		usleep(FLUSH_INTERVAL_US);
		pthread_mutex_lock(&work.lock);
		fflush(stdout);
		pthread_mutex_unlock(&work.lock);
	}
	return NULL;
}

static void *appender(void *unused)
{
	uint8_t *data = malloc(ENTRY_BYTES_MAX);
	int fd = open(device, O_RDWR | O_CLOEXEC);
	uint64_t number;

	if (fd < 0 || !data)
		die("%s: %s", device, strerror(errno));
	while (take_number(&number)) {
		struct raftlog_append append = {
			.data = (uintptr_t)data,
			.bytes = entry_bytes(work.node, number, work.max),
			.timeout_ms = work.timeout_ms,
		};
		int error = 0;

		entry_fill(data, append.bytes, work.node, number);
		if (ioctl(fd, RAFTLOG_IOC_APPEND, &append))
			error = errno;
		report(number, append.bytes, &append, error);
		if (error == ENOTCONN || error == ESHUTDOWN || error == EIO)
			break;
		if (error)
			usleep(REFUSED_PAUSE_US);
		else if (work.pause_ms)
			usleep(work.pause_ms * 1000);
	}
	close(fd);
	free(data);
	return NULL;
}

static void on_term(int signal)
{
	stop = 1;
}

static int run_append(unsigned int n_threads)
{
	pthread_t threads[THREADS_MAX], flush_thread;
	unsigned int i;

	signal(SIGTERM, on_term);
	pthread_mutex_init(&work.lock, NULL);
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES);
	if (pthread_create(&flush_thread, NULL, flusher, NULL))
		die("no thread");
	for (i = 0; i < n_threads; i++)
		if (pthread_create(&threads[i], NULL, appender, NULL))
			die("no thread");
	for (i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	/* Held from here on: exit() must find nothing that is being flushed. */
	pthread_mutex_lock(&work.lock);
	fflush(stdout);
	return work.count != UINT64_MAX && work.n_acknowledged < work.count;
}

/* Verify */

struct expected {
	uint64_t index, term, number;
	uint32_t node, bytes;
	char outcome;
	bool seen;
};

static struct expected *expected;
static size_t n_expected;

static int by_index(const void *a, const void *b)
{
	const struct expected *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static void read_expected(void)
{
	size_t room = 0;
	char line[128];

	while (fgets(line, sizeof(line), stdin)) {
		struct expected e = { 0 };
		uint64_t last, error_or_index;
		int n;

		n = sscanf(line,
			   "%c %u %" SCNu64 " %u %" SCNu64 " %" SCNu64
			   " %" SCNu64,
			   &e.outcome, &e.node, &e.number, &e.bytes,
			   &error_or_index, &e.term, &last);
		/* The last line of a machine that was killed may be cut off. */
		if (n != (e.outcome == 'A' ? 7 : 6) || !strchr(line, '\n'))
			continue;
		if (e.outcome == 'A')
			e.index = error_or_index;
		if (n_expected == room) {
			room = room ? 2 * room : 1024;
			expected = realloc(expected, room * sizeof(*expected));
			if (!expected)
				die("no memory");
		}
		expected[n_expected++] = e;
	}
	/* Those without an index come first. */
	qsort(expected, n_expected, sizeof(*expected), by_index);
}

static bool content_is(const struct raftlog_frame *frame, const uint8_t *data,
		       const struct expected *e)
{
	static uint8_t want[ENTRY_BYTES_MAX];

	if (frame->bytes != e->bytes)
		return false;
	entry_fill(want, e->bytes, e->node, e->number);
	return !memcmp(want, data, e->bytes);
}

static struct expected *find_index(uint64_t index)
{
	struct expected key = { .index = index };

	return bsearch(&key, expected, n_expected, sizeof(key), by_index);
}

static struct expected *find_unacknowledged(const struct raftlog_frame *frame,
					    const uint8_t *data)
{
	size_t i;

	for (i = 0; i < n_expected && !expected[i].index; i++)
		if (!expected[i].seen && content_is(frame, data, &expected[i]))
			return &expected[i];
	return NULL;
}

/*
 * An entry that nobody claims may come from a machine that died before it could
 * say so: it must at least be whole, and not one that is accounted for already.
 */
static void check_unclaimed(const struct raftlog_frame *frame,
			    const uint8_t *data)
{
	struct expected e = { .bytes = frame->bytes };
	size_t i;

	if (frame->bytes < LABEL_BYTES)
		return;
	memcpy(&e.node, data + 4, sizeof(e.node));
	memcpy(&e.number, data + 8, sizeof(e.number));
	if (memcmp(data, "rlog", 4) || !content_is(frame, data, &e))
		die("index %llu: not what anybody wrote", frame->index);
	for (i = 0; i < n_expected; i++)
		if (expected[i].node == e.node &&
		    expected[i].number == e.number)
			die("index %llu: node %u number %" PRIu64
			    " is there twice, or has another index",
			    frame->index, e.node, e.number);
}

static void check_entry(const struct raftlog_frame *frame, const uint8_t *data)
{
	struct expected *e = find_index(frame->index);

	if (e) {
		if (e->term != frame->term || !content_is(frame, data, e))
			die("index %llu: not what was acknowledged",
			    frame->index);
	} else {
		e = find_unacknowledged(frame, data);
		if (!e) {
			check_unclaimed(frame, data);
			return;
		}
		/* Of a few bytes, others may look the same. */
		if (e->outcome == 'R' && e->bytes >= LABEL_BYTES)
			die("index %llu: was refused", frame->index);
	}
	e->seen = true;
}

static uint64_t digest_add(uint64_t digest, const void *data, size_t bytes)
{
	const uint8_t *at = data;

	while (bytes--)
		digest = (digest ^ *at++) * 0x100000001b3ull;
	return digest;
}

static int run_verify(void)
{
	uint64_t digest = 0xcbf29ce484222325ull, n_entries = 0, n_bytes = 0;
	struct raftlog_set_framed framed = { .enable = 1 };
	uint8_t *buf = malloc(READ_BYTES);
	int fd = open(device, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;
	size_t i;

	if (fd < 0 || !buf || ioctl(fd, RAFTLOG_IOC_SET_FRAMED, &framed))
		die("%s: %s", device, strerror(errno));
	read_expected();
	while ((n = read(fd, buf, READ_BYTES)) > 0) {
		ssize_t at = 0;

		while (at < n) {
			const struct raftlog_frame *frame = (void *)(buf + at);
			const uint8_t *data = buf + at + sizeof(*frame);

			check_entry(frame, data);
			digest = digest_add(digest, frame, sizeof(*frame));
			digest = digest_add(digest, data, frame->bytes);
			n_entries++;
			n_bytes += frame->bytes;
			at += sizeof(*frame) + ((frame->bytes + 7ull) & ~7ull);
		}
	}
	if (n < 0 && errno != EAGAIN)
		die("read: %s", strerror(errno));
	for (i = 0; i < n_expected; i++)
		if (expected[i].outcome == 'A' && !expected[i].seen)
			die("index %" PRIu64 ": acknowledged, and lost",
			    expected[i].index);
	printf("%" PRIu64 " %" PRIu64 " %016" PRIx64 "\n", n_entries, n_bytes,
	       digest);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "count", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "threads", required_argument, NULL, 't' },
		{ "max", required_argument, NULL, 'm' },
		{ "first", required_argument, NULL, 'f' },
		{ "timeout", required_argument, NULL, 'T' },
		{ "pause", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned int n_threads = 1;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'n':
			work.node = atoi(optarg);
			break;
		case 'c':
			work.count = strtoull(optarg, NULL, 0);
			break;
		case 's':
			work.end_ms =
				now_ms() + strtoull(optarg, NULL, 0) * 1000;
			break;
		case 't':
			n_threads = atoi(optarg);
			break;
		case 'm':
			work.max = strtoul(optarg, NULL, 0);
			break;
		case 'f':
			work.next_number = strtoull(optarg, NULL, 0) - 1;
			break;
		case 'T':
			work.timeout_ms = atoi(optarg);
			break;
		case 'p':
			work.pause_ms = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (n_threads < 1 || n_threads > THREADS_MAX || work.max < 1 ||
	    work.max > ENTRY_BYTES_MAX)
		die("--threads is 1 to %d, --max 1 to %d", THREADS_MAX,
		    ENTRY_BYTES_MAX);
	if (optind + 1 == argc && !strcmp(argv[optind], "append"))
		return run_append(n_threads);
	if (optind + 1 == argc && !strcmp(argv[optind], "verify"))
		return run_verify();
	die("append or verify");
}
