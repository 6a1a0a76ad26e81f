/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every verb shares: the table it is listed in, the options all verbs take,
 * exit codes, and the one way to complain.
 */
#ifndef RAFTCTL_H
#define RAFTCTL_H

#include <getopt.h>

#include "types.h"

#ifndef RAFTCTL_RELEASE
#define RAFTCTL_RELEASE "0.1"
#endif

/**
 * enum raftctl_exit - exit codes, for scripts
 * @EXIT_OK: done
 * @EXIT_ERROR: it did not work, and nothing below says it better
 * @EXIT_NO_LEADER: status, wait: no leader, or what was waited for did not come
 * @EXIT_NOT_IN_LOG: append: the entry is not in the log and never will be
 * @EXIT_UNKNOWN: append: the entry may be in the log
 */
enum raftctl_exit {
	EXIT_OK = 0,
	EXIT_ERROR = 1,
	EXIT_NO_LEADER = 2,
	EXIT_NOT_IN_LOG = 3,
	EXIT_UNKNOWN = 4,
};

/**
 * struct verb - one subcommand
 * @name: as typed
 * @run: does it; argv[0] is the verb. Return: enum raftctl_exit
 * @synopsis: its arguments, for the first line of its help
 * @summary: a few words for the list of verbs
 * @help: what the options do
 */
struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *synopsis;
	const char *summary;
	const char *help;
};

extern const struct verb append_verb, bench_verb, events_verb, members_verb,
	read_verb, start_verb, status_verb, stop_verb, tail_verb, version_verb,
	wait_verb;

/**
 * struct raftctl - what the options common to all verbs set
 * @device: path of the group's device
 * @json: write JSON
 * @verb: the verb that runs, NULL before it is known
 */
struct raftctl {
	const char *device;
	bool json;
	const struct verb *verb;
};

extern struct raftctl raftctl;

enum {
	OPTION_DEVICE = 0x1000,
	OPTION_JSON,
	OPTION_OF_VERB, /* the first number a verb can give to an option of its own */
};

/* Ends the struct option[] of each verb; the short ones are ":g:h" and more. */
#define COMMON_OPTIONS                                        \
	{ "device", required_argument, NULL, OPTION_DEVICE }, \
		{ "group", required_argument, NULL, 'g' },    \
		{ "json", no_argument, NULL, OPTION_JSON },   \
		{ "help", no_argument, NULL, 'h' },           \
	{                                                     \
		NULL, 0, NULL, 0                              \
	}

/**
 * common_option() - what getopt_long() returned and the verb does not know
 * @option: that
 * @argv: being parsed
 *
 * Return: -1 to go on, or the exit code to leave with.
 */
int common_option(int option, char **argv);

/**
 * no_operands() - complain about words behind the options
 * Return: -1 if there are none, or the exit code to leave with.
 */
int no_operands(int argc, char **argv);

/**
 * complain() - say what went wrong and what to do, a line each, on stderr
 * @advice: what to do, or NULL
 * @format: what went wrong
 */
void complain(const char *advice, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** help_advice() - advice: where the help of the verb that runs is */
const char *help_advice(void);

/**
 * complain_errno() - for an ioctl or read that failed
 * @error: positive errno
 * @what: what was tried: "read the log"
 */
void complain_errno(int error, const char *what);

/**
 * connect_device() - open the group's device, or complain
 * @flags: O_RDONLY or O_RDWR, and O_NONBLOCK
 *
 * Return: a file descriptor or -1.
 */
int connect_device(int flags);

/** allocate() - zeroed memory; ends the program where there is none */
void *allocate(size_t n, size_t bytes);

/* Numbers from the command line. Each complains and returns false if wrong. */
bool option_u64(const char *option, const char *text, u64 min, u64 max,
		u64 *value);
bool option_u32(const char *option, const char *text, u32 min, u32 max,
		u32 *value);
/* With an optional K, M, G or T, powers of 1024. */
bool option_bytes(const char *option, const char *text, u64 min, u64 max,
		  u64 *value);
/* Decimal seconds, to milliseconds. */
bool option_seconds(const char *option, const char *text, u64 *ms);

/* Set by SIGINT and SIGTERM once catch_signals() was called; a second one kills. */
extern volatile int interrupted;
void catch_signals(void);

u64 monotonic_ns(void);

#endif /* RAFTCTL_H */
