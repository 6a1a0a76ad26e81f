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
	&start_verb,	&stop_verb,   &set_verb,  &key_verb,	 &status_verb,	&members_verb,
	&transfer_verb, &append_verb, &read_verb, &tail_verb,	 &sessions_verb,
	&snapshot_verb, &wait_verb,   &events_verb, &recover_verb, &bench_verb,
	&version_verb,	&help_verb,
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	complain("raftctl help lists the verbs", "there is no verb '%s'", name);
	return NULL;
}

void print_verb_help(const struct verb *verb)
{
	printf("raftctl %s%s%s\n\n%s", verb->name, *verb->synopsis ? " " : "",
	       verb->synopsis, verb->help);
	printf("%s  -g, --group N      the group of /dev/raftlogN; 0 is /dev/raftlog\n"
	       "      --device PATH  the device\n"
	       "      --json         output for programs\n",
	       *verb->help ? "\n" : "");
}

void print_help(void)
{
	printf("raftctl [-g N | --device PATH] [--json] VERB ...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  %-8s  %s\n", verbs[i]->name, verbs[i]->summary);
	printf("\nraftctl help VERB says more, raftctl(8) everything.\n");
}

static int run_help(int argc, char **argv)
{
	const struct verb *verb;
	int code;

	code = parse_options(argc, argv, NULL, NULL);
	if (code >= 0)
		return code;
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

static int finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	complain(NULL, "cannot write all of the output");
	return code ? code : EXIT_ERROR;
}

int main(int argc, char **argv)
{
	int code;

	code = parse_options(argc, argv, NULL, NULL);
	if (code >= 0)
		return finish_output(code);
	if (optind == argc) {
		complain(help_advice(), "a verb is missing");
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
