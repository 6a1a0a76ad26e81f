// SPDX-License-Identifier: GPL-2.0
/*
 * raftlog-explore: all that a few servers can do to each other within bounds.
 */
#include <err.h>
#include <getopt.h>
#include <stdlib.h>
#include <time.h>

#include "search.h"
#include "trace.h"

struct options {
	struct search_options search;
	const char *from;
	const char *replay;
};

static int usage(FILE *out, int status)
{
	fputs("usage: raftlog-explore [OPTION...]\n"
	      "       raftlog-explore [BOUND...] --replay FILE\n"
	      "\n"
	      "How far:\n"
	      "  --nodes N         voters, 1 to 5 (3)\n"
	      "  --terms N         largest current_term, 1 to 8; 1 has no leader (3)\n"
	      "  --entries N       proposals, 0 to 4 (1)\n"
	      "  --reads N         linearizable reads, 0 to 3 (0)\n"
	      "  --drops N         messages that the network loses (0: each may\n"
	      "                    stay under way for ever, which is the same)\n"
	      "  --duplicates N    messages that arrive twice (0)\n"
	      "  --crashes N       crashes (1)\n"
	      "  --damages N       crashes that take entries from the disk (0)\n"
	      "  --wipes N         disks replaced by empty ones, at most 3 nodes (0)\n"
	      "  --compactions N   times that entries go (0)\n"
	      "  --open 1          begin with a configuration that does not know the\n"
	      "                    disks (0); else none can be replaced\n"
	      "  --delays N        writes that are not done at once (1)\n"
	      "  --timeouts N      election timers that run out, 255: any (2)\n"
	      "  --transfers N     leaders that want another one to lead (0)\n"
	      "  --channel N       messages under way from one node to another,\n"
	      "                    1 to 4; more, and the oldest is lost (1)\n"
	      "  --append N        entries of one AppendEntries, 1 to 4 (2)\n"
	      "  --inflight N      of them to one peer at a time, 1 to 4 (1)\n"
	      "\n"
	      "How:\n"
	      "  --states N        stop after N distinct states (1000000)\n"
	      "  --depth N         no more than N events from the beginning\n"
	      "  --order ORDER     breadth: shortest traces; depth; random\n"
	      "  --seed N          of the random order\n"
	      "  --from FILE       begin after the events of FILE\n"
	      "  --replay FILE     no search: show what the events of FILE do\n"
	      "\n"
	      "Exit status: 0, 1 after a violation, 2 for bad usage.\n",
	      out);
	return status;
}

static bool number(const char *text, u64 low, u64 high, u64 *value)
{
	char *rest;

	errno = 0;
	*value = strtoull(text, &rest, 0);
	return rest != text && !*rest && !errno && *value >= low &&
	       *value <= high;
}

static const struct bound {
	const char *name;
	u32 *value;
	u32 low;
	u32 high;
	u32 standard;
} bound_table[] = {
	{ "nodes", &bounds.nodes, 1, NODES_MAX, 3 },
	{ "terms", &bounds.terms, 1, TERMS_MAX, 3 },
	{ "entries", &bounds.entries, 0, PROPOSALS_MAX, 1 },
	{ "reads", &bounds.reads, 0, READS_MAX, 0 },
	{ "drops", &bounds.drops, 0, U8_MAX, 0 },
	{ "duplicates", &bounds.duplicates, 0, U8_MAX, 0 },
	{ "crashes", &bounds.crashes, 0, 3, 1 },
	{ "damages", &bounds.damages, 0, 2, 0 },
	{ "wipes", &bounds.wipes, 0, 2, 0 },
	{ "compactions", &bounds.compactions, 0, U8_MAX, 0 },
	{ "open", &bounds.open, 0, 1, 0 },
	{ "delays", &bounds.delays, 0, U8_MAX, 1 },
	{ "timeouts", &bounds.timeouts, 0, U8_MAX, 2 },
	{ "transfers", &bounds.transfers, 0, 3, 0 },
	{ "channel", &bounds.channel, 1, CHANNEL_MAX, 1 },
	{ "append", &bounds.append, 1, APPEND_MAX, 2 },
	{ "inflight", &bounds.inflight, 1, 4, 1 },
};

static bool parse_order(const char *text, u8 *order)
{
	static const char *const names[] = {
		[ORDER_BREADTH] = "breadth",
		[ORDER_DEPTH] = "depth",
		[ORDER_RANDOM] = "random",
	};

	for (*order = 0; *order < ARRAY_SIZE(names); (*order)++)
		if (!strcmp(text, names[*order]))
			return true;
	return false;
}

static bool parse_option(int c, const char *text, struct options *options)
{
	u64 value = 0;

	switch (c) {
	case 's':
		return number(text, 1, U32_MAX, &options->search.states_max);
	case 'd':
		if (!number(text, 0, U32_MAX, &value))
			return false;
		options->search.depth_max = value;
		return true;
	case 'o':
		return parse_order(text, &options->search.order);
	case 'S':
		return number(text, 0, U64_MAX, &options->search.seed);
	case 'f':
		options->from = text;
		return true;
	case 'r':
		options->replay = text;
		return true;
	default:
		return false;
	}
}

static bool parse_bound(const char *name, const char *text)
{
	u64 value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bound_table); i++) {
		const struct bound *bound = &bound_table[i];

		if (strcmp(bound->name, name))
			continue;
		if (!number(text, bound->low, bound->high, &value))
			return false;
		*bound->value = value;
		return true;
	}
	return false;
}

static void print_bounds(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bound_table); i++)
		printf(" --%s %u", bound_table[i].name, *bound_table[i].value);
}

/* Return: the events of a trace, as printed. */
static struct event *read_trace(const char *path, u32 *n)
{
	FILE *file = fopen(path, "r");
	struct event *events = NULL;
	struct event event;
	char *line = NULL;
	size_t room = 0;
	u32 n_line = 0;

	if (!file)
		err(2, "%s", path);
	for (*n = 0; getline(&line, &room, file) >= 0;) {
		int is_event = trace_parse(line, &event);

		n_line++;
		if (is_event < 0)
			errx(2, "%s:%u: not an event", path, n_line);
		if (!is_event)
			continue;
		events = reallocarray(events, *n + 1, sizeof(*events));
		if (!events)
			err(2, "%s", path);
		events[(*n)++] = event;
	}
	free(line);
	fclose(file);
	return events;
}

/* Return: the properties held. */
static bool show(const struct event *events, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (!event_is_possible(&events[i]))
			errx(2, "event %u is not possible", i + 1);
		trace_event(&events[i]);
		if (verdict.violated) {
			printf("violation: %s: %s\n", verdict.property,
			       verdict.what);
			return false;
		}
		if (verdict.beyond)
			errx(2, "event %u is beyond what there is room for",
			     i + 1);
	}
	return true;
}

static int replay(const char *path)
{
	u32 n;
	struct event *events = read_trace(path, &n);
	bool held;

	world_begin();
	held = show(events, n);
	free(events);
	if (held)
		printf("%u events, no violation\n", n);
	return held ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void print_counters(void)
{
#define X(name, text) { text, &counters.name },
	static const struct {
		const char *text;
		const u64 *value;
	} table[] = { EXPLORE_COUNTERS(X) };
#undef X
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		printf("%-22s %12llu%s", table[i].text, *table[i].value,
		       (i + 1) % 3 && i + 1 < ARRAY_SIZE(table) ? "    " :
								  "\n");
	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (!*table[i].value)
			printf("# never: %s\n", table[i].text);
}

static double seconds_since(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - begin->tv_sec +
	       (now.tv_nsec - begin->tv_nsec) / 1e9;
}

static void print_summary(const struct search_result *result, double seconds)
{
	printf("distinct states        %12llu    transitions            %12llu\n"
	       "looked at              %12llu    depth                  %12u\n"
	       "beyond the bounds      %12llu    states a second        %12.0f\n",
	       result->states, result->transitions, result->expanded,
	       result->depth, result->cut, result->states / seconds);
	printf("exhausted              %12s\n",
	       !result->exhausted ? "no" : result->cut ? "but for bounds" :
							 "yes");
}

static int search(const struct options *options)
{
	struct search_result result;
	struct timespec begin;
	struct event *from = NULL;
	u32 n_from = 0;

	if (options->from)
		from = read_trace(options->from, &n_from);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	search_run(&options->search, from, n_from, &result);
	print_counters();
	print_summary(&result, seconds_since(&begin));
	if (result.n_trace) {
		printf("not ok - a property is violated after %u events\n",
		       n_from + result.n_trace);
		world_begin();
		if (show(from, n_from))
			show(result.trace, result.n_trace);
		printf("# again: raftlog-explore");
		print_bounds();
		printf(" --replay THIS\n");
	} else {
		printf("%llu states, no violation\n", result.states);
	}
	free(from);
	free(result.trace);
	return result.n_trace ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct option longopts[] = {
	{ "nodes", required_argument, NULL, 'b' },
	{ "terms", required_argument, NULL, 'b' },
	{ "entries", required_argument, NULL, 'b' },
	{ "reads", required_argument, NULL, 'b' },
	{ "drops", required_argument, NULL, 'b' },
	{ "duplicates", required_argument, NULL, 'b' },
	{ "crashes", required_argument, NULL, 'b' },
	{ "damages", required_argument, NULL, 'b' },
	{ "wipes", required_argument, NULL, 'b' },
	{ "compactions", required_argument, NULL, 'b' },
	{ "open", required_argument, NULL, 'b' },
	{ "delays", required_argument, NULL, 'b' },
	{ "timeouts", required_argument, NULL, 'b' },
	{ "transfers", required_argument, NULL, 'b' },
	{ "channel", required_argument, NULL, 'b' },
	{ "append", required_argument, NULL, 'b' },
	{ "inflight", required_argument, NULL, 'b' },
	{ "states", required_argument, NULL, 's' },
	{ "depth", required_argument, NULL, 'd' },
	{ "order", required_argument, NULL, 'o' },
	{ "seed", required_argument, NULL, 'S' },
	{ "from", required_argument, NULL, 'f' },
	{ "replay", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
	struct options options = {
		.search = { .states_max = 1000000, .depth_max = U32_MAX },
	};
	int c, index;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bound_table); i++)
		*bound_table[i].value = bound_table[i].standard;
	while ((c = getopt_long(argc, argv, "", longopts, &index)) != -1) {
		if (c == 'h')
			return usage(stdout, EXIT_SUCCESS);
		if (c == 'b' ? !parse_bound(longopts[index].name, optarg) :
			       !parse_option(c, optarg, &options))
			return usage(stderr, 2);
	}
	if (optind != argc ||
	    (bounds.wipes && (!bounds.open || bounds.nodes > WIPING_NODES_MAX)))
		return usage(stderr, 2);
	return options.replay ? replay(options.replay) : search(&options);
}
