/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every verb shares: the table it is listed in, the options all verbs take,
 * exit codes, and the one way to complain.
 */
#ifndef RAFTCTL_H
#define RAFTCTL_H

#include <getopt.h>
#include <stdatomic.h>

#include "types.h"

#ifndef RAFTCTL_RELEASE
#define RAFTCTL_RELEASE "0.1.0"
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

extern const struct verb append_verb, bench_verb, events_verb, key_verb, members_verb,
	read_verb, recover_verb, sessions_verb, set_verb, snapshot_verb, start_verb,
	status_verb, stop_verb, tail_verb,
	transfer_verb, version_verb, wait_verb;

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

/* Of the kernel, see struct raftlog_start. */
enum { ELECTION_TIMEOUT_MS_DEFAULT = 500 };

/* The first number a verb can give to an option that has no letter. */
enum { OPTION_OF_VERB = 0x1000 };

/**
 * struct verb_options - the options of a verb, beside those all verbs take
 * @short_options: as for getopt(3), only letters and colons
 * @options: ends with an empty one
 * @take: gets each with optarg set. Return: false, having complained
 */
struct verb_options {
	const char *short_options;
	const struct option *options;
	bool (*take)(void *context, int option);
};

/* The help of a verb, and the list of verbs. */
void print_verb_help(const struct verb *verb);
void print_help(void);

/**
 * parse_options() - options of the verb that runs, and those all verbs take
 * @argc: of the verb
 * @argv: of the verb; optind is left at the first operand
 * @options: its own, or NULL
 * @context: for @options->take
 *
 * Return: -1 to go on, or the exit code to leave with.
 */
int parse_options(int argc, char **argv, const struct verb_options *options,
		  void *context);

/** parse_all() - parse_options() for a verb that takes no operands */
int parse_all(int argc, char **argv, const struct verb_options *options,
	      void *context);

/**
 * complain() - say what went wrong and what to do, a line each, on stderr
 * @advice: what to do, or NULL
 * @format: what went wrong
 */
__printf(2, 3) void complain(const char *advice, const char *format, ...);

/** help_advice() - advice: where the help of the verb that runs is */
const char *help_advice(void);

/**
 * complain_errno() - for an ioctl or read that failed
 * @error: positive errno
 * @what: what was tried: "read the log"
 */
void complain_errno(int error, const char *what);

struct raftlog_status;

/** group_error() - Return: 0 if the group runs or will, -ENOTCONN or -EIO. */
int group_error(const struct raftlog_status *status);

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
extern atomic_int interrupted;
void catch_signals(void);

u64 monotonic_ns(void);

#endif /* RAFTCTL_H */
