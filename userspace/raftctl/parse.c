// SPDX-License-Identifier: GPL-2.0
/*
 * Options: those all verbs take, and those of the verb that runs.
 */
#include <stdio.h>
#include <string.h>

#include "raftctl.h"

enum {
	OPTIONS_MAX = 64,
	SHORT_OPTIONS_CHARS = 32,
	/* Below all numbers of verbs, above all letters. */
	OPTION_DEVICE = 0x800,
	OPTION_JSON,
};

static const struct option common_options[] = {
	{ "device", required_argument, NULL, OPTION_DEVICE },
	{ "group", required_argument, NULL, 'g' },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

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

static int complain_option(int option, char **argv)
{
	if (option == ':')
		complain(help_advice(), "%s wants an argument",
			 argv[optind - 1]);
	else if (optopt > 0 && optopt < OPTION_DEVICE)
		complain(help_advice(), "there is no option -%c", optopt);
	else
		complain(help_advice(), "there is no option %s",
			 argv[optind - 1]);
	return EXIT_ERROR;
}

static int take_common(int option, char **argv)
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
	default:
		return complain_option(option, argv);
	}
}

static bool is_common(int option)
{
	return option == 'g' || option == 'h' || option == '?' ||
	       option == ':' || option == OPTION_DEVICE ||
	       option == OPTION_JSON;
}

static void join_options(struct option *all, const struct verb_options *options)
{
	size_t n = 0;

	for (; options && options->options[n].name; n++)
		all[n] = options->options[n];
	memcpy(&all[n], common_options, sizeof(common_options));
}

int parse_options(int argc, char **argv, const struct verb_options *options,
		  void *context)
{
	char short_options[SHORT_OPTIONS_CHARS];
	struct option all[OPTIONS_MAX];
	int option, code;

	/* "+": before the verb, stop there: it parses what is behind it. */
	snprintf(short_options, sizeof(short_options), "%s:g:h%s",
		 raftctl.verb ? "" : "+",
		 options ? options->short_options : "");
	join_options(all, options);
	opterr = 0;
	while ((option = getopt_long(argc, argv, short_options, all, NULL)) >=
	       0) {
		if (is_common(option))
			code = take_common(option, argv);
		else
			code = options->take(context, option) ? -1 : EXIT_ERROR;
		if (code >= 0)
			return code;
	}
	return -1;
}

int parse_all(int argc, char **argv, const struct verb_options *options,
	      void *context)
{
	int code = parse_options(argc, argv, options, context);

	if (code >= 0 || optind == argc)
		return code;
	complain(help_advice(), "'%s' means nothing here", argv[optind]);
	return EXIT_ERROR;
}
