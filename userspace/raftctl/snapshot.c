// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "format.h"
#include "json.h"
#include "raftctl.h"

enum { COPY_BYTES = 128 << 10 };

enum {
	OPTION_FILE = OPTION_OF_VERB,
	OPTION_INDEX,
};

static const struct option snapshot_options[] = {
	{ "file", required_argument, NULL, OPTION_FILE },
	{ "index", required_argument, NULL, OPTION_INDEX },
	{ NULL, 0, NULL, 0 },
};

/**
 * struct wanted - what the options say
 * @file: --file, NULL for standard input or output
 * @index: --index
 */
struct wanted {
	const char *file;
	u64 index;
};

static bool take_option(void *context, int option)
{
	struct wanted *wanted = context;

	if (option == OPTION_INDEX)
		return option_u64("--index", optarg, 1, UINT64_MAX,
				  &wanted->index);
	wanted->file = optarg;
	return true;
}

struct refusal {
	int error;
	const char *what;
	const char *advice;
};

static const struct refusal refusals[] = {
	{ EOPNOTSUPP, "this node keeps no snapshots",
	  "start it with --dir or --snapshots; a witness never does" },
	{ EBUSY, "there is no room for another snapshot now",
	  "one is being made, read, or sent; try again later" },
	{ EEXIST, "there is one of that entry already", NULL },
	{ ESTALE, "there is a newer one, or a leader sent one meanwhile",
	  "raftctl snapshot info shows which" },
	{ EINVAL, "that entry is not applied here yet, or there is no data",
	  "raftctl status shows how far this node is" },
	{ ENODATA, "that entry is not in the log any more",
	  "raftctl status shows where the log begins" },
	{ ENOENT, "there is no snapshot", NULL },
	{ EUCLEAN, "the snapshot is damaged",
	  "the kernel log names the place; take another one" },
};

static int complain_snapshot(int error, const char *what)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (refusals[i].error != error)
			continue;
		complain(refusals[i].advice, "%s", refusals[i].what);
		return EXIT_ERROR;
	}
	complain_errno(error, what);
	return EXIT_ERROR;
}

static int write_all(int fd, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t n = write(fd, data, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		bytes -= n;
	}
	return 0;
}

/* All of it. Return: 0, or a negative errno, with @reading set if that failed. */
static int copy(int from, int to, bool *reading)
{
	char *buf = allocate(1, COPY_BYTES);
	ssize_t n;
	int ret = 0;

	*reading = false;
	while (!ret) {
		n = read(from, buf, COPY_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			*reading = true;
			ret = -errno;
		}
		if (n <= 0)
			break;
		ret = write_all(to, buf, n);
	}
	free(buf);
	return ret;
}

static void print_sealed(const struct raftlog_snapshot_seal *seal)
{
	char bytes[FORMAT_CHARS];

	if (raftctl.json) {
		json_object(NULL);
		json_number("snapshot_index", seal->index);
		json_number("snapshot_bytes", seal->bytes);
		json_end();
		return;
	}
	printf("snapshot of entry %llu, %s\n", seal->index,
	       format_bytes(bytes, seal->bytes));
}

static int make(int fd, const struct wanted *wanted, int input)
{
	struct raftlog_snapshot_create create = { .index = wanted->index };
	struct raftlog_snapshot_seal seal = { 0 };
	bool reading;
	int ret;

	ret = device_snapshot_create(fd, &create);
	if (ret)
		return complain_snapshot(-ret, "make a snapshot");
	ret = copy(input, create.fd, &reading);
	if (ret && reading)
		complain(NULL, "cannot read %s: %s",
			 wanted->file ? wanted->file : "the input",
			 strerror(-ret));
	else if (ret)
		complain_snapshot(-ret, "write the snapshot");
	if (!ret) {
		ret = device_snapshot_seal(create.fd, &seal);
		if (ret)
			complain_snapshot(-ret, "seal the snapshot");
	}
	close(create.fd);
	if (ret)
		return EXIT_ERROR;
	print_sealed(&seal);
	return EXIT_OK;
}

static int run_create(const struct wanted *wanted)
{
	int input = STDIN_FILENO, code = EXIT_ERROR, fd;

	if (wanted->file && strcmp(wanted->file, "-")) {
		input = open(wanted->file, O_RDONLY | O_CLOEXEC);
		if (input < 0) {
			complain(NULL, "cannot open %s: %s", wanted->file,
				 strerror(errno));
			return EXIT_ERROR;
		}
	}
	fd = connect_device(O_RDWR);
	if (fd >= 0) {
		code = make(fd, wanted, input);
		device_close(fd);
	}
	if (input != STDIN_FILENO)
		close(input);
	return code;
}

static int fetch(int fd, const struct wanted *wanted)
{
	struct raftlog_snapshot_open snapshot = { 0 };
	int output = STDOUT_FILENO, ret;
	bool reading;

	ret = device_snapshot_open(fd, &snapshot);
	if (ret)
		return complain_snapshot(-ret, "open the snapshot");
	if (wanted->file && strcmp(wanted->file, "-"))
		output = open(wanted->file,
			      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ret = output < 0 ? -errno : copy(snapshot.fd, output, &reading);
	if (ret && output >= 0 && reading)
		complain_snapshot(-ret, "read the snapshot");
	else if (ret)
		complain(NULL, "cannot write %s: %s",
			 wanted->file ? wanted->file : "the output",
			 strerror(-ret));
	if (output > STDOUT_FILENO)
		close(output);
	close(snapshot.fd);
	return ret ? EXIT_ERROR : EXIT_OK;
}

static int run_read(const struct wanted *wanted)
{
	int code, fd = connect_device(O_RDONLY);

	if (fd < 0)
		return EXIT_ERROR;
	code = fetch(fd, wanted);
	device_close(fd);
	return code;
}

static void print_info(const struct raftlog_status *status)
{
	char bytes[FORMAT_CHARS], done[FORMAT_CHARS];

	if (raftctl.json) {
		json_object(NULL);
		json_number("snapshot_index", status->snapshot_index);
		json_number("snapshot_bytes", status->snapshot_bytes);
		json_number("incoming_index", status->incoming_index);
		json_number("incoming_bytes", status->incoming_bytes);
		json_number("incoming_offset", status->incoming_offset);
		json_end();
		return;
	}
	if (status->snapshot_index)
		printf("snapshot of entry %llu, %s\n", status->snapshot_index,
		       format_bytes(bytes, status->snapshot_bytes));
	else
		puts("no snapshot");
	if (status->incoming_index)
		printf("the leader is sending one of entry %llu: %s of %s\n",
		       status->incoming_index,
		       format_bytes(done, status->incoming_offset),
		       format_bytes(bytes, status->incoming_bytes));
}

static int run_info(void)
{
	struct raftlog_status status = { 0 };
	int ret, fd = connect_device(O_RDONLY);

	if (fd < 0)
		return EXIT_ERROR;
	ret = device_get_status(fd, &status);
	if (!ret)
		ret = group_error(&status);
	device_close(fd);
	if (ret) {
		complain_errno(-ret, "look at the snapshot");
		return EXIT_ERROR;
	}
	print_info(&status);
	return EXIT_OK;
}

static int run_snapshot(int argc, char **argv)
{
	static const struct verb_options options = { "", snapshot_options,
						     take_option };
	struct wanted wanted = { 0 };
	const char *what;
	int code;

	code = parse_options(argc, argv, &options, &wanted);
	if (code >= 0)
		return code;
	what = optind + 1 == argc ? argv[optind] : "";
	if (!strcmp(what, "create"))
		return run_create(&wanted);
	if (!strcmp(what, "read") && !wanted.index)
		return run_read(&wanted);
	if (!strcmp(what, "info") && !wanted.index && !wanted.file)
		return run_info();
	complain(help_advice(), "create, read or info");
	return EXIT_ERROR;
}

const struct verb snapshot_verb = {
	.name = "snapshot",
	.run = run_snapshot,
	.synopsis =
		"create [--index N] [--file PATH] | read [--file PATH] | info",
	.summary = "keep, show or look at what entries came to",
	.help =
		"  create takes what the application makes of all entries up to --index, the\n"
		"  last one applied if it is not given, from standard input or --file. Once it\n"
		"  is there the log may let these entries go. read writes the newest one to\n"
		"  standard output or --file; the entries behind it follow in the log.\n"
		"      --index N    last entry that it is of\n"
		"      --file PATH  the data; - is standard input or output\n",
};
