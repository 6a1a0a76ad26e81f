// SPDX-License-Identifier: GPL-2.0
/*
 * read and tail: committed entries in the order of the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "json.h"
#include "names.h"
#include "raftctl.h"
#include "reader.h"
#include "text.h"

enum output {
	OUTPUT_TEXT,
	OUTPUT_RAW,
	OUTPUT_LINES,
	OUTPUT_JSON,
	OUTPUT_SUM,
};

/**
 * struct reading - what to read and how to show it
 * @from: first index
 * @to: last index
 * @count: entries to show at most
 * @follow: wait for what comes; else stop at what is committed by now
 * @internal: show entries the group made for itself, too
 * @linearizable: all that is committed anywhere by now
 * @request: for that
 * @oldest: @from is whatever the oldest entry is
 * @output: how
 */
struct reading {
	u64 from;
	u64 to;
	u64 count;
	bool follow;
	bool internal;
	bool linearizable;
	struct raftlog_read_index request;
	bool oldest;
	enum output output;
};

/**
 * struct sum - for the comparison of logs
 * @hash: FNV-1a over index, length and payload of each entry
 * @first: first index, 0 if none
 * @last: last index
 * @count: entries
 * @bytes: payload bytes
 */
struct sum {
	u64 hash;
	u64 first;
	u64 last;
	u64 count;
	u64 bytes;
};

static u64 fnv1a(u64 hash, const void *data, size_t bytes)
{
	const unsigned char *at = data;

	while (bytes--)
		hash = (hash ^ *at++) * 0x100000001b3ULL;
	return hash;
}

/* Little endian on every machine, for equal sums of equal logs. */
static u64 fnv1a_u64(u64 hash, u64 value)
{
	for (int i = 0; i < 8; i++, value >>= 8)
		hash = (hash ^ (value & 0xff)) * 0x100000001b3ULL;
	return hash;
}

static void sum_add(struct sum *sum, const struct raftlog_frame *frame,
		    const void *payload)
{
	sum->hash = fnv1a_u64(sum->hash, frame->index);
	sum->hash = fnv1a_u64(sum->hash, frame->bytes);
	sum->hash = fnv1a(sum->hash, payload, frame->bytes);
	if (!sum->count)
		sum->first = frame->index;
	sum->last = frame->index;
	sum->count++;
	sum->bytes += frame->bytes;
}

static void sum_print(const struct sum *sum)
{
	if (raftctl.json) {
		json_object(NULL);
		json_hex("sum", sum->hash);
		json_number("first", sum->first);
		json_number("last", sum->last);
		json_number("count", sum->count);
		json_number("bytes", sum->bytes);
		json_end();
		return;
	}
	printf("sum %016llx first %llu last %llu ", sum->hash, sum->first,
	       sum->last);
	printf("count %llu bytes %llu\n", sum->count, sum->bytes);
}

static void print_text(const struct raftlog_frame *frame, const void *payload)
{
	printf("%llu\t%llu\t", frame->index, frame->term);
	/* A configuration is the group's own encoding. */
	if (frame->type == RAFTLOG_ENTRY_DATA)
		put_escaped(stdout, payload, frame->bytes);
	else
		printf("<%s>", entry_type_name(frame->type));
	putchar('\n');
}

static void print_json(const struct raftlog_frame *frame, const void *payload)
{
	json_object(NULL);
	json_number("index", frame->index);
	json_number("term", frame->term);
	json_string("type", entry_type_name(frame->type));
	json_number("bytes", frame->bytes);
	json_payload(payload, frame->bytes);
	json_end();
}

static void show(const struct reading *reading, struct sum *sum,
		 const struct raftlog_frame *frame, const void *payload)
{
	switch (reading->output) {
	case OUTPUT_TEXT:
		print_text(frame, payload);
		break;
	case OUTPUT_RAW:
	case OUTPUT_LINES:
		fwrite(payload, 1, frame->bytes, stdout);
		if (reading->output == OUTPUT_LINES)
			putchar('\n');
		break;
	case OUTPUT_JSON:
		print_json(frame, payload);
		break;
	case OUTPUT_SUM:
		sum_add(sum, frame, payload);
		break;
	}
}

static bool wanted(const struct reading *reading,
		   const struct raftlog_frame *frame)
{
	return reading->internal || frame->type == RAFTLOG_ENTRY_DATA;
}

/* The oldest entry went since it was asked for: another one is that now. */
static int seek_oldest(struct reader *reader)
{
	struct raftlog_status status = { 0 };
	int ret = device_get_status(reader->fd, &status);

	return ret ? ret : reader_seek(reader, status.first_index);
}

static int read_entries(struct reader *reader, const struct reading *reading)
{
	struct sum sum = { .hash = 0xcbf29ce484222325ULL };
	struct raftlog_frame frame = { 0 };
	u64 shown = 0;
	const void *payload;
	int ret = 0;

	if (reading->from <= reading->to)
		ret = reader_seek(reader, reading->from);
	else
		frame.index = reading->to;
	while (!ret && frame.index < reading->to && shown < reading->count &&
	       !interrupted) {
		/* What is known must be seen before this sleeps. */
		if (!reader_has_entry(reader) && fflush(stdout))
			break;
		ret = reader_next(reader, &frame, &payload);
		if (ret == -ENODATA && reading->oldest && !frame.index) {
			ret = seek_oldest(reader);
			continue;
		}
		if (ret || frame.index > reading->to)
			break;
		if (!wanted(reading, &frame))
			continue;
		show(reading, &sum, &frame, payload);
		shown++;
	}
	if (ret == -EINTR && interrupted)
		ret = 0;
	if (!ret && reading->output == OUTPUT_SUM)
		sum_print(&sum);
	return ret;
}

static int get_read_index(int fd, struct reading *reading)
{
	struct raftlog_read_index *request = &reading->request;
	int ret;

	if (!reading->linearizable) {
		if (!request->flags && !request->timeout_ms)
			return 0;
		complain(help_advice(),
			 "--lease and --timeout are for --linearizable");
		return -ECANCELED;
	}
	ret = device_read_index(fd, request);
	switch (ret) {
	case -EHOSTUNREACH:
		complain("raftctl status shows whether a majority of the members is up",
			 "no leader was found in time: what is committed is not known");
		return -ECANCELED;
	case -ETIMEDOUT:
		complain("raftctl status shows whether a majority of the members is up",
			 "the leader did not answer in time: what is committed is not known");
		return -ECANCELED;
	default:
		return ret;
	}
}

/* What is readable now bounds a reading that does not follow. */
static int bound_reading(int fd, struct reading *reading)
{
	struct raftlog_status status = { 0 };
	u64 end;
	int ret;

	ret = device_get_status(fd, &status);
	if (!ret)
		ret = group_error(&status);
	if (!ret)
		ret = get_read_index(fd, reading);
	if (ret)
		return ret;
	end = reading->linearizable ? reading->request.index :
				      status.commit_index;
	if (!reading->follow && reading->to > end)
		reading->to = end;
	reading->oldest = !reading->from;
	if (reading->oldest)
		reading->from = status.first_index ? status.first_index : 1;
	return 0;
}

static int start_reading(struct reader *reader, struct reading *reading)
{
	int fd, ret;

	fd = connect_device(O_RDONLY);
	if (fd < 0)
		return EXIT_ERROR;
	ret = reader_open(reader, fd);
	if (!ret)
		ret = bound_reading(fd, reading);
	if (!ret)
		return -1;
	reader_close(reader);
	device_close(fd);
	if (ret != -ECANCELED)
		complain_errno(-ret, "read the log");
	return EXIT_ERROR;
}

static int end_reading(struct reader *reader, int ret)
{
	reader_close(reader);
	device_close(reader->fd);
	if (!ret)
		return interrupted ? EXIT_ERROR : EXIT_OK;
	if (ret == -ENODATA)
		complain("raftctl status says which entry is the first one",
			 "the next entry is not kept any more");
	else
		complain_errno(-ret, "read the log");
	return EXIT_ERROR;
}

enum {
	OPTION_FROM = OPTION_OF_VERB,
	OPTION_TO,
	OPTION_RAW,
	OPTION_LINES,
	OPTION_SUM,
	OPTION_INTERNAL,
	OPTION_LINEARIZABLE,
	OPTION_LEASE,
	OPTION_TIMEOUT,
};

static bool take_read_option(void *context, int option)
{
	struct reading *reading = context;
	u64 ms;

	switch (option) {
	case OPTION_FROM:
		return option_u64("--from", optarg, 1, INT64_MAX,
				  &reading->from);
	case OPTION_TO:
		return option_u64("--to", optarg, 1, INT64_MAX, &reading->to);
	case 'n':
		return option_u64("--count", optarg, 1, UINT64_MAX,
				  &reading->count);
	case 'f':
		reading->follow = true;
		return true;
	case OPTION_RAW:
		reading->output = OUTPUT_RAW;
		return true;
	case OPTION_LINES:
		reading->output = OUTPUT_LINES;
		return true;
	case OPTION_SUM:
		reading->output = OUTPUT_SUM;
		return true;
	case OPTION_LINEARIZABLE:
		reading->linearizable = true;
		return true;
	case OPTION_LEASE:
		reading->request.flags |= RAFTLOG_READ_INDEX_F_LEASE;
		return true;
	case OPTION_TIMEOUT:
		if (!option_seconds("--timeout", optarg, &ms))
			return false;
		/* To the kernel, 0 is the group's own. */
		reading->request.timeout_ms = ms < 1 ? 1 : ms;
		return true;
	default:
		reading->internal = true;
		return true;
	}
}

static const struct option read_options[] = {
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "to", required_argument, NULL, OPTION_TO },
	{ "count", required_argument, NULL, 'n' },
	{ "follow", no_argument, NULL, 'f' },
	{ "raw", no_argument, NULL, OPTION_RAW },
	{ "lines", no_argument, NULL, OPTION_LINES },
	{ "sum", no_argument, NULL, OPTION_SUM },
	{ "internal", no_argument, NULL, OPTION_INTERNAL },
	{ "linearizable", no_argument, NULL, OPTION_LINEARIZABLE },
	{ "lease", no_argument, NULL, OPTION_LEASE },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ NULL, 0, NULL, 0 },
};

static int parse_reading(int argc, char **argv, struct reading *reading)
{
	static const struct verb_options options = { "fn:", read_options,
						     take_read_option };
	int code = parse_all(argc, argv, &options, reading);

	if (raftctl.json && reading->output == OUTPUT_TEXT)
		reading->output = OUTPUT_JSON;
	return code;
}

static int run_read(int argc, char **argv)
{
	struct reading reading = { .to = UINT64_MAX, .count = UINT64_MAX };
	struct reader reader;
	int code;

	code = parse_reading(argc, argv, &reading);
	if (code >= 0)
		return code;
	code = start_reading(&reader, &reading);
	if (code >= 0)
		return code;
	/* A sum is printed at the end, also when that is a signal. */
	if (reading.output == OUTPUT_SUM)
		catch_signals();
	return end_reading(&reader, read_entries(&reader, &reading));
}

/*
 * Where the last @n entries of users start. Others lie between them, so the
 * window behind @first grows until it holds enough.
 */
static int find_tail(struct reader *reader, u64 n, u64 first, u64 last,
		     u64 *from)
{
	u64 *newest = allocate(n, sizeof(*newest));
	u64 window = n, start, seen;
	struct raftlog_frame frame;
	const void *payload;
	int ret = 0;

	do {
		start = last - first + 1 > window ? last - window + 1 : first;
		seen = 0;
		ret = reader_seek(reader, start);
		for (frame.index = 0; !ret && frame.index < last;) {
			ret = reader_next(reader, &frame, &payload);
			if (!ret && frame.index <= last &&
			    frame.type == RAFTLOG_ENTRY_DATA)
				newest[seen++ % n] = frame.index;
		}
		window *= 4;
	} while (!ret && seen < n && start > first);
	*from = seen < n ? first : newest[seen % n];
	free(newest);
	return ret;
}

static int run_tail(int argc, char **argv)
{
	struct reading reading = { .to = UINT64_MAX, .count = 10 };
	struct raftlog_status status = { 0 };
	struct reader reader;
	u64 last;
	int code, ret;

	code = parse_reading(argc, argv, &reading);
	if (code >= 0)
		return code;
	if (reading.from || reading.to != UINT64_MAX ||
	    reading.count > 1000000) {
		complain(help_advice(),
			 "tail takes -n up to 1000000 and no range");
		return EXIT_ERROR;
	}
	code = start_reading(&reader, &reading);
	if (code >= 0)
		return code;
	ret = device_get_status(reader.fd, &status);
	last = reading.linearizable ? reading.request.index :
				      status.commit_index;
	if (!ret && last >= reading.from)
		ret = find_tail(&reader, reading.count, reading.from, last,
				&reading.from);
	reading.count = UINT64_MAX;
	if (!ret)
		ret = read_entries(&reader, &reading);
	return end_reading(&reader, ret);
}

const struct verb read_verb = {
	.name = "read",
	.run = run_read,
	.synopsis =
		"[--linearizable [--lease]] [--from I] [--to I] [--count N] [--follow] [--raw | --lines | --sum]",
	.summary = "committed entries: index, term, payload",
	.help = "      --from I       first index (the oldest)\n"
		"      --to I         last index (what is committed now)\n"
		"  -n, --count N      at most N entries\n"
		"  -f, --follow       wait for what comes\n"
		"      --linearizable ask the leader first: nothing is missing that was\n"
		"                     committed anywhere before; fails without a majority\n"
		"      --lease        the leader need not ask the others; relies on clocks\n"
		"      --timeout S    seconds the leader has to answer (the group's)\n"
		"      --raw          payloads alone, as they are, one behind the other\n"
		"      --lines        payloads alone, a newline behind each\n"
		"      --sum          one line: checksum, first and last index, count, bytes;\n"
		"                     equal on two nodes that hold the same entries\n"
		"      --internal     also entries the group made for itself\n",
};

const struct verb tail_verb = {
	.name = "tail",
	.run = run_tail,
	.synopsis = "[-n N] [-f] [--raw | --lines]",
	.summary = "the last entries",
	.help = "  -n, --count N      how many (10)\n"
		"  -f, --follow       wait for what comes\n"
		"      --linearizable, --lease, --timeout S, --raw, --lines  as with read\n",
};
