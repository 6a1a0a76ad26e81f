// SPDX-License-Identifier: GPL-2.0
/*
 * append: the exit code says whether the entry can be in the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "json.h"
#include "names.h"
#include "raftctl.h"

/**
 * struct appending - what goes on
 * @fd: the device
 * @timeout_ms: how long an entry waits to be committed, 0: the group's default
 * @quiet: print nothing
 * @file: that is the entry, or NULL
 * @session: its name, or NULL
 * @sequence: of the next entry in it, 0: not known yet
 * @done: entries committed
 * @empty: empty lines passed over
 */
struct appending {
	int fd;
	u32 timeout_ms;
	bool quiet;
	const char *file;
	const char *session;
	u64 sequence;
	u64 done;
	u64 empty;
};

/* The classes of the ABI: first those that never reach the log. */
static const struct {
	int error;
	int code;
	const char *what;
	const char *advice;
} outcomes[] = {
	{ EAGAIN, EXIT_NOT_IN_LOG, "no room for more writes now", "try again" },
	{ EMSGSIZE, EXIT_NOT_IN_LOG, "larger than an entry may be",
	  "raftctl start --max-entry sets the limit, the same on every node" },
	{ ENOSPC, EXIT_NOT_IN_LOG, "the log is full",
	  "raftctl status shows its space" },
	{ ENOTCONN, EXIT_NOT_IN_LOG, "the group is not started",
	  "raftctl start joins it to its cluster" },
	{ EPERM, EXIT_NOT_IN_LOG, "not permitted", "run it as root" },
	{ EINVAL, EXIT_NOT_IN_LOG, "refused as invalid",
	  "an entry has at least one byte" },
	{ EHOSTUNREACH, EXIT_NOT_IN_LOG, "no leader was found in time",
	  "raftctl status shows whether a majority of the members is up" },
	{ ETIMEDOUT, EXIT_UNKNOWN, "not committed in time",
	  "raftctl status shows whether a majority of the members is up" },
	{ EINTR, EXIT_UNKNOWN, "interrupted",
	  "raftctl tail shows whether it came through" },
	{ ESTALE, EXIT_UNKNOWN, "the session is not open any more",
	  "somebody else opened it, or it expired: try again" },
	{ ERANGE, EXIT_UNKNOWN, "its sequence is too old to tell",
	  "raftctl sessions shows the highest that is in the log" },
	{ ESHUTDOWN, EXIT_UNKNOWN, "the group stopped",
	  "raftctl tail, once it is started, shows whether it came through" },
	{ EIO, EXIT_UNKNOWN, "the group failed", "raftctl status says why" },
	{ ENOTTY, EXIT_ERROR, "not a raftlog device",
	  "give --device the path of a raftlog device" },
};

static int explain(const struct appending *appending, int error)
{
	const char *what = strerror(error), *advice = NULL;
	int code = EXIT_UNKNOWN;
	char before[64] = "";

	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		if (outcomes[i].error != error)
			continue;
		what = outcomes[i].what;
		advice = outcomes[i].advice;
		code = outcomes[i].code;
	}
	if (appending->done)
		snprintf(before, sizeof(before), "; %llu before it %s in",
			 appending->done, appending->done == 1 ? "is" : "are");
	complain(advice, "%s (%s): the entry %s in the log%s", what,
		 errno_name(error), code == EXIT_UNKNOWN ? "may be" : "is not",
		 before);
	return code;
}

static int append_entry(struct appending *appending, const void *data,
			size_t bytes)
{
	struct raftlog_append append = {
		.data = (uintptr_t)data,
		.bytes = bytes,
		.timeout_ms = appending->timeout_ms,
	};
	int ret;

	if (appending->session) {
		append.flags = RAFTLOG_APPEND_F_SEQUENCE;
		append.sequence = appending->sequence;
	}
	if (!bytes)
		return explain(appending, EINVAL);
	if (bytes > RAFTLOG_ENTRY_BYTES_MAX)
		return explain(appending, EMSGSIZE);
	ret = device_append(appending->fd, &append);
	if (ret)
		return explain(appending, -ret);
	appending->done++;
	appending->sequence++;
	if (appending->quiet)
		return EXIT_OK;
	if (raftctl.json) {
		json_object(NULL);
		json_number("index", append.index);
		json_number("term", append.term);
		json_number("bytes", bytes);
		if (append.sequence)
			json_number("sequence", append.sequence);
		json_end();
	} else if (append.sequence) {
		printf("index %llu term %llu sequence %llu\n", append.index,
		       append.term, append.sequence);
	} else {
		printf("index %llu term %llu\n", append.index, append.term);
	}
	/* Whoever reads this must know of each entry before the next is tried. */
	fflush(stdout);
	return EXIT_OK;
}

/*
 * Up to @room bytes of a line without its end.
 * Return: their number, @room + 1 if there are more, or -1 at the end of input.
 */
static ssize_t get_line(char *line, size_t room)
{
	size_t n = 0;
	int byte;

	while ((byte = getc_unlocked(stdin)) != EOF && byte != '\n') {
		if (n == room)
			return room + 1;
		line[n++] = byte;
	}
	return byte == EOF && !n ? -1 : (ssize_t)n;
}

static int append_lines(struct appending *appending)
{
	char *line = allocate(1, RAFTLOG_ENTRY_BYTES_MAX);
	int code = EXIT_OK;
	ssize_t n;

	while (!code && !interrupted) {
		n = get_line(line, RAFTLOG_ENTRY_BYTES_MAX);
		if (n < 0)
			break;
		if (n)
			code = append_entry(appending, line, n);
		else
			appending->empty++;
	}
	if (!code && (interrupted || ferror(stdin))) {
		complain(NULL, "%s; %llu entries are in",
			 interrupted ? "interrupted between entries" :
				       "cannot read standard input",
			 appending->done);
		code = EXIT_ERROR;
	}
	if (appending->empty && !appending->quiet)
		fprintf(stderr, "raftctl append: passed over %llu empty %s\n",
			appending->empty,
			appending->empty == 1 ? "line" : "lines");
	free(line);
	return code;
}

static int append_file(struct appending *appending)
{
	const char *path = appending->file;
	size_t n = 0, room = RAFTLOG_ENTRY_BYTES_MAX + 1;
	char *data;
	int fd, code;
	ssize_t got;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		complain(NULL, "cannot open %s: %s", path, strerror(errno));
		return EXIT_ERROR;
	}
	data = allocate(1, room);
	do {
		got = read(fd, data + n, room - n);
		if (got > 0)
			n += got;
	} while (got > 0);
	if (got < 0) {
		complain(NULL, "cannot read %s: %s", path, strerror(errno));
		code = EXIT_ERROR;
	} else {
		code = append_entry(appending, data, n);
	}
	free(data);
	close(fd);
	return code;
}

static int append_words(struct appending *appending, char **words)
{
	int code = EXIT_OK;

	for (; *words && !code && !interrupted; words++)
		code = append_entry(appending, *words, strlen(*words));
	if (!code && *words) {
		complain(NULL, "interrupted between entries; %llu are in",
			 appending->done);
		code = EXIT_ERROR;
	}
	return code;
}

enum {
	OPTION_FILE = OPTION_OF_VERB,
	OPTION_TIMEOUT,
	OPTION_SESSION,
	OPTION_SEQUENCE,
};

static const struct option append_options[] = {
	{ "session", required_argument, NULL, OPTION_SESSION },
	{ "sequence", required_argument, NULL, OPTION_SEQUENCE },
	{ "file", required_argument, NULL, OPTION_FILE },
	{ "quiet", no_argument, NULL, 'q' },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ NULL, 0, NULL, 0 },
};

static bool take_append_option(void *context, int option)
{
	struct appending *appending = context;
	u64 ms;

	switch (option) {
	case OPTION_FILE:
		appending->file = optarg;
		return true;
	case 'q':
		appending->quiet = true;
		return true;
	case OPTION_SESSION:
		appending->session = optarg;
		return true;
	case OPTION_SEQUENCE:
		return option_u64("--sequence", optarg, 1, UINT64_MAX,
				  &appending->sequence);
	default:
		if (!option_seconds("--timeout", optarg, &ms))
			return false;
		/* To the kernel, 0 is the group's own. */
		appending->timeout_ms = ms < 1 ? 1 : ms;
		return true;
	}
}

static int open_session(struct appending *appending)
{
	struct raftlog_session session = {
		.timeout_ms = appending->timeout_ms,
	};
	size_t bytes = strlen(appending->session);
	int ret;

	if (!bytes || bytes > sizeof(session.name)) {
		complain(help_advice(), "a session's name has 1 to %zu bytes",
			 sizeof(session.name));
		return EXIT_ERROR;
	}
	memcpy(session.name, appending->session, bytes);
	ret = device_set_session(appending->fd, &session);
	if (ret) {
		/* Nothing of it is in the log by then. */
		complain_errno(-ret, "open the session");
		return EXIT_NOT_IN_LOG;
	}
	if (!appending->sequence)
		appending->sequence = session.last_sequence + 1;
	return EXIT_OK;
}

static int append_all(struct appending *appending, char **words)
{
	if (appending->file)
		return append_file(appending);
	if (!strcmp(words[0], "-") && !words[1])
		return append_lines(appending);
	return append_words(appending, words);
}

static int run_append(int argc, char **argv)
{
	static const struct verb_options options = { "q", append_options,
						     take_append_option };
	struct appending appending = { 0 };
	int code;

	code = parse_options(argc, argv, &options, &appending);
	if (code >= 0)
		return code;
	if (!appending.file && optind == argc) {
		complain(help_advice(), "there is nothing to append");
		return EXIT_ERROR;
	}
	if (appending.file && optind < argc) {
		complain(help_advice(), "--file takes no text beside it");
		return EXIT_ERROR;
	}
	if (appending.sequence && !appending.session) {
		complain(help_advice(), "--sequence is of a --session");
		return EXIT_ERROR;
	}
	appending.fd = connect_device(O_RDWR);
	if (appending.fd < 0)
		return EXIT_ERROR;
	catch_signals();
	code = appending.session ? open_session(&appending) : EXIT_OK;
	if (code == EXIT_OK)
		code = append_all(&appending, argv + optind);
	device_close(appending.fd);
	return code;
}

const struct verb append_verb = {
	.name = "append",
	.run = run_append,
	.synopsis = "TEXT... | - | --file F",
	.summary =
		"add entries; says where, once a majority holds them on disk",
	.help = "Each TEXT is an entry; '-' takes each line of standard input as one.\n"
		"It ends at the first error.\n\n"
		"      --file F       the whole file is one entry\n"
		"  -q, --quiet        do not print index and term\n"
		"      --timeout S    seconds an entry waits to be committed\n"
		"      --session NAME  in that session: what is in the log already is not\n"
		"                     appended again, on whatever node it is tried\n"
		"      --sequence N   number of the first entry in it, to try again; one more\n"
		"                     than the highest in the log if not given\n\n"
		"Exits with 3 if the entry that failed is not in the log and never will\n"
		"be, with 4 if it may be.\n",
};
