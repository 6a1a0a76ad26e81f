// SPDX-License-Identifier: GPL-2.0
/*
 * raftlog-sim: the core, the WAL and the wire of raftlog in one process, on a
 * virtual clock, network and disk. One seed decides everything.
 */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "world.h"

enum {
	JOBS_MAX = 64,
	SHOW_RECORDS = 60,
	VIOLATIONS_SHOWN = 5,
	/* Of real time, for one seed: it hangs. */
	SEED_SECONDS_MAX = 120,
};

struct options {
	struct world_options world;
	u64 first;
	u64 count;
	u32 jobs;
	bool hash;
	bool until_found;
	bool reach_all;
};

/* Shared with a worker: what it did so far. */
struct report {
	struct counters counters;
	u64 seed;
	u64 n_violations;
	u64 first_violation;
	int pid;
	char property[32];
};

static void show_violation(const struct world *w, const struct options *options)
{
	if (w->trace.print) {
		printf("violation: %s: %s\n", w->property, w->what);
		return;
	}
	printf("not ok - seed %llu: %s: %s\n", w->seed, w->property, w->what);
	trace_print_last(&w->trace, SHOW_RECORDS, stdout);
	printf("# again: raftlog-sim --seed %llu", w->seed);
	if (options->world.n_nodes)
		printf(" --nodes %u", options->world.n_nodes);
	if (options->world.steps_max != WORLD_STEPS_DEFAULT)
		printf(" --steps %llu", options->world.steps_max);
	printf(" --trace\n");
	fflush(stdout);
}

static void add_counters(struct counters *to, const struct counters *from)
{
#define X(name, text) to->name += from->name;
	SIM_COUNTERS(X)
#undef X
}

static void note_violation(struct report *report, const struct world *w)
{
	if (report->n_violations++ && report->first_violation < w->seed)
		return;
	report->first_violation = w->seed;
	snprintf(report->property, sizeof(report->property), "%s", w->property);
}

static bool is_found(const struct options *options,
		     const struct report *reports)
{
	u32 i;

	for (i = 0; i < options->jobs; i++)
		if (reports[i].n_violations)
			return true;
	return false;
}

static void work(const struct options *options, u32 job,
		 struct report *reports)
{
	struct report *report = &reports[job];
	struct world *w = memory_zeroed(sizeof(*w));
	u64 i;

	for (i = job; i < options->count; i += options->jobs) {
		if (options->until_found && is_found(options, reports))
			break;
		report->seed = options->first + i;
		alarm(SEED_SECONDS_MAX);
		world_run(w, report->seed, &options->world);
		add_counters(&report->counters, &w->counters);
		if (options->hash)
			printf("%llu %016llx\n", w->seed, w->trace.hash);
		if (!w->violated)
			continue;
		if (report->n_violations < VIOLATIONS_SHOWN)
			show_violation(w, options);
		note_violation(report, w);
	}
	alarm(0);
	fflush(stdout);
	free(w);
}

/* A worker that died took a seed with it: that is a finding as well. */
static void collect(const struct options *options, struct report *reports)
{
	int status;
	pid_t pid;
	u32 i;

	while ((pid = wait(&status)) > 0) {
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			continue;
		for (i = 0; i < options->jobs; i++)
			if (reports[i].pid == pid)
				break;
		if (i == options->jobs)
			continue;
		printf("not ok - seed %llu: the worker died of signal %d\n",
		       reports[i].seed, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		reports[i].n_violations++;
		reports[i].first_violation = reports[i].seed;
		snprintf(reports[i].property, sizeof(reports[i].property),
			 "crash");
	}
}

static u32 print_counters(const struct counters *total)
{
	u32 column = 0, n_zero = 0;

#define X(name, text)                                                    \
	printf("%-20s %12llu%s", text, total->name,                      \
	       ++column % 3 ? "    " : "\n");                            \
	n_zero += !total->name;
	SIM_COUNTERS(X)
#undef X
	if (column % 3)
		printf("\n");
	return n_zero;
}

static int run_seeds(const struct options *options)
{
	size_t bytes = options->jobs * sizeof(struct report);
	struct report *reports = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct report sum = { .first_violation = U64_MAX };
	u32 i, n_zero;

	memory_assert(reports != MAP_FAILED);
	fflush(stdout);
	for (i = 0; i < options->jobs; i++) {
		pid_t pid = fork();

		memory_assert(pid >= 0);
		if (!pid) {
			work(options, i, reports);
			_exit(0);
		}
		reports[i].pid = pid;
	}
	collect(options, reports);
	for (i = 0; i < options->jobs; i++) {
		add_counters(&sum.counters, &reports[i].counters);
		sum.n_violations += reports[i].n_violations;
		if (!reports[i].n_violations ||
		    reports[i].first_violation > sum.first_violation)
			continue;
		sum.first_violation = reports[i].first_violation;
		memcpy(sum.property, reports[i].property, sizeof(sum.property));
	}
	if (options->hash)
		return sum.n_violations ? EXIT_FAILURE : EXIT_SUCCESS;
	n_zero = print_counters(&sum.counters);
	if (sum.n_violations)
		printf("violations %llu, first seed %llu: %s\n",
		       sum.n_violations, sum.first_violation, sum.property);
	else
		printf("%llu seeds, no violation\n", sum.counters.seeds);
	if (options->reach_all && n_zero)
		printf("not ok - %u of the counters are 0: the faults do not reach everything\n",
		       n_zero);
	return sum.n_violations || (options->reach_all && n_zero) ?
		       EXIT_FAILURE :
		       EXIT_SUCCESS;
}

static int run_one(const struct options *options)
{
	struct world *w = memory_zeroed(sizeof(*w));
	bool violated;

	world_run(w, options->first, &options->world);
	violated = w->violated;
	if (violated)
		show_violation(w, options);
	else
		printf("seed %llu: no violation, %llu events, %llu committed\n",
		       w->seed, w->n_steps, w->counters.committed);
	printf("hash %016llx\n", w->trace.hash);
	free(w);
	return violated ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(FILE *out, int status)
{
	fputs("usage: raftlog-sim --seed N [--trace]\n"
	      "       raftlog-sim --seeds FIRST:COUNT [--jobs N] [--hash]\n"
	      "                   [--until-found] [--reach-all]\n"
	      "\n"
	      "  --seed N          run one seed\n"
	      "  --trace           print each step\n"
	      "  --seeds F:C       run C seeds from F on\n"
	      "  --jobs N          in N processes\n"
	      "  --hash            print the hash of each seed's trace\n"
	      "  --until-found     stop at the first violation\n"
	      "  --reach-all       fail if a counter of the summary stays 0\n"
	      "  --nodes N         nodes, 1 to 7; else drawn from the seed\n"
	      "  --steps N         events until the faults end early\n"
	      "\n"
	      "Exit status: 0, 1 after a violation, 2 for bad usage.\n",
	      out);
	return status;
}

static bool number(const char *text, u64 *value, char end)
{
	char *rest;

	errno = 0;
	*value = strtoull(text, &rest, 0);
	return rest != text && *rest == end && !errno;
}

static bool parse_seeds(const char *text, struct options *options)
{
	const char *colon = strchr(text, ':');

	return colon && number(text, &options->first, ':') &&
	       number(colon + 1, &options->count, '\0') && options->count;
}

static bool parse_option(int c, const char *text, struct options *options)
{
	u64 value = 0;

	switch (c) {
	case 's':
		return number(text, &options->first, '\0');
	case 'S':
		return parse_seeds(text, options);
	case 't':
		options->world.print = true;
		return true;
	case 'j':
		if (!number(text, &value, '\0') || !value || value > JOBS_MAX)
			return false;
		options->jobs = value;
		return true;
	case 'H':
		options->hash = true;
		return true;
	case 'u':
		options->until_found = true;
		return true;
	case 'r':
		options->reach_all = true;
		return true;
	case 'n':
		if (!number(text, &value, '\0') || value > NODES_MAX)
			return false;
		options->world.n_nodes = value;
		return true;
	case 'x':
		return number(text, &options->world.steps_max, '\0') &&
		       options->world.steps_max;
	default:
		return false;
	}
}

static const struct option longopts[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "seeds", required_argument, NULL, 'S' },
	{ "trace", no_argument, NULL, 't' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "hash", no_argument, NULL, 'H' },
	{ "until-found", no_argument, NULL, 'u' },
	{ "reach-all", no_argument, NULL, 'r' },
	{ "nodes", required_argument, NULL, 'n' },
	{ "steps", required_argument, NULL, 'x' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
	struct options options = {
		.world = { .steps_max = WORLD_STEPS_DEFAULT },
		.jobs = 1,
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (c == 'h')
			return usage(stdout, EXIT_SUCCESS);
		if (!parse_option(c, optarg, &options))
			return usage(stderr, 2);
	}
	if (optind != argc)
		return usage(stderr, 2);
	/* What one seed frees, the next one takes: no need to ask the kernel. */
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	return options.count ? run_seeds(&options) : run_one(&options);
}
