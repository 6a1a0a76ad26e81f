// SPDX-License-Identifier: GPL-2.0
/* raftlog-crash: every image that a crash can leave of a WAL, recovered. */
#include <getopt.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash.h"

enum { JOBS_MAX = 64, EXIT_USAGE = 2 };

struct command {
	struct options options;
	u64 first;
	u64 count;
	u32 jobs;
	bool reach_all;
};

/* Shared with a worker. */
struct report {
	struct counters counters;
	u64 seed;
	u64 n_failed;
	pid_t pid;
};

static const char usage[] =
	"Usage: raftlog-crash [OPTION]...\n"
	"Cut each write of recorded runs of the WAL in every way, and recover.\n"
	"\n"
	"  --seed N             just this seed\n"
	"  --seeds FIRST:COUNT  these seeds\n"
	"  --images N           stop after N images (100000 if no seeds are given)\n"
	"  --block BYTES        512, 1024 or 4096; each seed chooses its own\n"
	"  --write N            just the N-th write of each seed\n"
	"  --pieces HEX         of it, just the image with these pieces\n"
	"  --caller no-dsync    by one who writes while the last write is not durable\n"
	"  --caller no-flush    by one who reads before all that is there is durable\n"
	"  --jobs N             processes\n"
	"  --reach-all          fail if something was never reached\n"
	"  --help               this\n";

static void show_failure(const struct run *r)
{
	const struct cut *cut = &r->cut;
	u32 i;

	printf("not ok - seed %llu: %s\n", r->seed, r->what);
	printf("# write %llu: %s, blocks of %u, in pieces of %u\n# on disk:",
	       r->n_writes, r->write_name, r->super.block_bytes,
	       cut->piece_bytes);
	for (i = 0; i < cut->n_pieces; i++)
		if (cut->present >> i & 1)
			printf(" %u", cut->position[i]);
	printf("\n# missing:");
	for (i = 0; i < cut->n_pieces; i++)
		if (!(cut->present >> i & 1))
			printf(" %u", cut->position[i]);
	printf("\n# again: raftlog-crash --seed %llu", r->seed);
	if (r->options->block_bytes)
		printf(" --block %u", r->options->block_bytes);
	if (r->options->caller)
		printf(" --caller %s",
		       r->options->caller == CALLER_NO_DSYNC ? "no-dsync" :
							       "no-flush");
	printf(" --write %llu --pieces %llx\n", r->n_writes, cut->present);
	fflush(stdout);
}

static void work(const struct command *command, u32 job, struct report *report)
{
	struct options options = command->options;
	struct run *r = calloc(1, sizeof(*r));
	u64 i;

	if (!r)
		exit(EXIT_FAILURE);
	if (options.images_max != U64_MAX)
		options.images_max = options.images_max / command->jobs +
				     (job < options.images_max % command->jobs);
	for (i = job; i < command->count; i += command->jobs) {
		if (report->n_failed ||
		    report->counters.images >= options.images_max)
			break;
		report->seed = command->first + i;
		run(r, report->seed, &options, &report->counters);
		if (r->failed) {
			report->n_failed++;
			show_failure(r);
		}
	}
	free(r);
}

static u64 collect(const struct command *command, struct report *reports)
{
	u64 n_failed = 0;
	int status;
	pid_t pid;
	u32 i;

	while ((pid = wait(&status)) > 0) {
		for (i = 0; i < command->jobs; i++)
			if (reports[i].pid == pid)
				break;
		if (i == command->jobs)
			continue;
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			continue;
		printf("not ok - seed %llu: the worker died of signal %d\n",
		       reports[i].seed,
		       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		n_failed++;
	}
	for (i = 0; i < command->jobs; i++)
		n_failed += reports[i].n_failed;
	return n_failed;
}

static u32 show_counters(const struct command *command,
			 const struct report *reports)
{
	struct counters total = { 0 };
	u32 i, n_missing = 0;

#define X(name, text, demanded) total.name += reports[i].counters.name;
	for (i = 0; i < command->jobs; i++) {
		CRASH_COUNTERS(X)
	}
#undef X
#define X(name, text, demanded)						\
	printf("# %12llu %s\n", total.name, text);			\
	if (demanded && !total.name)					\
		n_missing++;
	CRASH_COUNTERS(X)
#undef X
	return n_missing;
}

static bool number(const char *text, int base, u64 *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, base);
	return *text >= '0' && *text <= 'f' && !*end && !errno;
}

static bool parse_seeds(const char *text, struct command *command)
{
	char first[32], *colon;

	snprintf(first, sizeof(first), "%s", text);
	colon = strchr(first, ':');
	if (!colon)
		return false;
	*colon = 0;
	return number(first, 10, &command->first) &&
	       number(colon + 1, 10, &command->count) && command->count;
}

static bool parse_caller(const char *text, struct options *options)
{
	if (!strcmp(text, "no-dsync"))
		options->caller = CALLER_NO_DSYNC;
	else if (!strcmp(text, "no-flush"))
		options->caller = CALLER_NO_FLUSH;
	return options->caller != CALLER_SOUND;
}

static bool parse_option(int option, struct command *command)
{
	struct options *options = &command->options;
	u64 value = 0;

	if (option == 'c')
		return parse_caller(optarg, options);
	if (option == 'S')
		return parse_seeds(optarg, command);
	if (option == 'a') {
		command->reach_all = true;
		return true;
	}
	if (option == '?' || !number(optarg, option == 'p' ? 16 : 10, &value))
		return false;
	switch (option) {
	case 's':
		command->first = value;
		command->count = 1;
		return true;
	case 'i':
		options->images_max = value;
		return value;
	case 'b':
		options->block_bytes = value;
		return value == 512 || value == 1024 || value == 4096;
	case 'w':
		options->write = value;
		return value;
	case 'p':
		options->pieces = value;
		return true;
	case 'j':
		command->jobs = value;
		return value && value <= JOBS_MAX;
	default:
		return false;
	}
}

static bool parse(int argc, char **argv, struct command *command)
{
	static const struct option long_options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'S' },
		{ "images", required_argument, NULL, 'i' },
		{ "block", required_argument, NULL, 'b' },
		{ "write", required_argument, NULL, 'w' },
		{ "pieces", required_argument, NULL, 'p' },
		{ "caller", required_argument, NULL, 'c' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "reach-all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) >=
	       0) {
		if (option == 'h') {
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		}
		if (!parse_option(option, command))
			return false;
	}
	if (command->count == U64_MAX &&
	    command->options.images_max == U64_MAX)
		command->options.images_max = 100000;
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct command command = {
		.options = {
			.write = U64_MAX,
			.pieces = U64_MAX,
			.images_max = U64_MAX,
		},
		.first = 1,
		.count = U64_MAX,
		.jobs = 1,
	};
	struct report *reports;
	u64 n_failed;
	u32 i, n_missing;

	if (!parse(argc, argv, &command)) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	reports = mmap(NULL, command.jobs * sizeof(*reports),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	if (reports == MAP_FAILED)
		return EXIT_FAILURE;
	for (i = 0; i < command.jobs; i++) {
		pid_t pid = fork();

		if (!pid) {
			work(&command, i, &reports[i]);
			exit(EXIT_SUCCESS);
		}
		if (pid < 0)
			return EXIT_FAILURE;
		reports[i].pid = pid;
	}
	n_failed = collect(&command, reports);
	n_missing = show_counters(&command, reports);
	if (n_missing && command.reach_all)
		printf("not ok - %u kinds were never reached\n", n_missing);
	return n_failed || (n_missing && command.reach_all) ? EXIT_FAILURE :
							      EXIT_SUCCESS;
}
