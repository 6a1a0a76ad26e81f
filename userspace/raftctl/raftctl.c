// SPDX-License-Identifier: GPL-2.0
/*
 * raftctl: start, stop, watch and use a replicated log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raftctl.h"

struct raftctl raftctl = { .device = "/dev/raftlog" };

static int run_help(int argc, char **argv);

static const struct verb help_verb = {
	.name = "help",
	.run = run_help,
	.synopsis = "[VERB]",
	.summary = "this list, or how a verb is used",
	.help = "",
};

static const struct verb *const verbs[] = {
	&start_verb,  &stop_verb,  &status_verb,  &members_verb,
	&append_verb, &read_verb,  &tail_verb,	  &wait_verb,
	&events_verb, &bench_verb, &version_verb, &help_verb,
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	complain("raftctl help lists the verbs", "there is no verb '%s'", name);
	return NULL;
}

static void print_verb_help(const struct verb *verb)
{
	printf("raftctl %s%s%s\n\n%s", verb->name, *verb->synopsis ? " " : "",
	       verb->synopsis, verb->help);
	printf("%s  -g, --group N      the group of /dev/raftlogN; 0 is /dev/raftlog\n"
	       "      --device PATH  the device\n"
	       "      --json         output for programs\n",
	       *verb->help ? "\n" : "");
}

static void print_help(void)
{
	printf("raftctl [-g N | --device PATH] [--json] VERB ...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  %-8s  %s\n", verbs[i]->name, verbs[i]->summary);
	printf("\nraftctl help VERB says more, raftctl(8) everything.\n");
}

static int run_help(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS };
	const struct verb *verb;
	int option, code;

	while ((option = getopt_long(argc, argv, ":g:h", options, NULL)) !=
	       -1) {
		code = common_option(option, argv);
		if (code >= 0)
			return code;
	}
	if (optind == argc) {
		print_help();
		return EXIT_OK;
	}
	verb = find_verb(argv[optind]);
	if (!verb)
		return EXIT_ERROR;
	print_verb_help(verb);
	return EXIT_OK;
}

static bool set_group(const char *text)
{
	static char path[32];
	u32 group;

	if (!option_u32("--group", text, 0, 1023, &group))
		return false;
	if (group)
		snprintf(path, sizeof(path), "/dev/raftlog%u", group);
	else
		snprintf(path, sizeof(path), "/dev/raftlog");
	raftctl.device = path;
	return true;
}

int common_option(int option, char **argv)
{
	switch (option) {
	case OPTION_DEVICE:
		raftctl.device = optarg;
		return -1;
	case OPTION_JSON:
		raftctl.json = true;
		return -1;
	case 'g':
		return set_group(optarg) ? -1 : EXIT_ERROR;
	case 'h':
		if (raftctl.verb)
			print_verb_help(raftctl.verb);
		else
			print_help();
		return EXIT_OK;
	case ':':
		complain(NULL, "%s wants an argument", argv[optind - 1]);
		return EXIT_ERROR;
	default:
		if (optopt > 0 && optopt < OPTION_DEVICE)
			complain(help_advice(), "there is no option -%c",
				 optopt);
		else
			complain(help_advice(), "there is no option %s",
				 argv[optind - 1]);
		return EXIT_ERROR;
	}
}

int no_operands(int argc, char **argv)
{
	if (optind == argc)
		return -1;
	complain(help_advice(), "'%s' means nothing here", argv[optind]);
	return EXIT_ERROR;
}

static int finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	complain(NULL, "cannot write all of the output");
	return code ? code : EXIT_ERROR;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS };
	int option, code;

	opterr = 0;
	/* "+": stop at the verb, which parses what comes behind it. */
	while ((option = getopt_long(argc, argv, "+:g:h", options, NULL)) !=
	       -1) {
		code = common_option(option, argv);
		if (code >= 0)
			return finish_output(code);
	}
	if (optind == argc) {
		complain("raftctl help lists the verbs", "a verb is missing");
		return EXIT_ERROR;
	}
	argc -= optind;
	argv += optind;
	raftctl.verb = find_verb(argv[0]);
	if (!raftctl.verb)
		return EXIT_ERROR;
	optind = 0;
	return finish_output(raftctl.verb->run(argc, argv));
}
