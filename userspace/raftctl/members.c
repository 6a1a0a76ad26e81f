// SPDX-License-Identifier: GPL-2.0
/*
 * The members: who they are, and what changes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "json.h"
#include "member_change.h"
#include "peers.h"
#include "raftctl.h"
#include "start_members.h"

enum { TIMEOUT_MS_DEFAULT = 10000 };

static int show(void)
{
	struct raftlog_status status;
	struct peers peers;

	if (view_get(&status, &peers))
		return EXIT_ERROR;
	if (group_error(&status)) {
		complain_errno(-group_error(&status), "get the members");
		return EXIT_ERROR;
	}
	if (raftctl.json) {
		json_object(NULL);
		json_hex("cluster_id", status.cluster_id);
		json_number("leader_id", status.leader_id);
		json_number("configuration_index", status.configuration_index);
		json_bool("changing", status.changing);
		peers_json("members", &peers, &status);
		json_end();
	} else if (!peers.n) {
		puts("  none known: it waits to be added to a cluster");
	} else {
		peers_print(&peers, &status);
	}
	return EXIT_OK;
}

/* Of one word, or two of them; they complain. */

static bool take_id(const struct action *action, char **words,
		    struct raftlog_change *change)
{
	return option_u32(action->name, words[0], 1, UINT32_MAX, &change->id);
}

static bool take_member(const struct action *action, char **words,
			struct raftlog_change *change)
{
	return start_members_parse(action->name, words[0], &change->id,
				   &change->addr);
}

static bool take_pair(const struct action *action, char **words,
		      struct raftlog_change *change)
{
	return option_u32(action->name, words[0], 1, UINT32_MAX, &change->id) &&
	       start_members_parse(action->name, words[1], &change->new_id,
				   &change->addr);
}

static const struct action actions[] = {
	{ "add", RAFTLOG_CHANGE_ADD, "ID=ADDRESS:PORT", take_member, 1, true,
	  true },
	{ "promote", RAFTLOG_CHANGE_PROMOTE, "ID", take_id, 1, false, false },
	{ "demote", RAFTLOG_CHANGE_DEMOTE, "ID", take_id, 1, true, false },
	{ "remove", RAFTLOG_CHANGE_REMOVE, "ID", take_id, 1, false, false },
	{ "set-address", RAFTLOG_CHANGE_SET_ADDRESS, "ID=ADDRESS:PORT",
	  take_member, 1, false, false },
	{ "replace", RAFTLOG_CHANGE_REPLACE, "OLD NEW=ADDRESS:PORT", take_pair,
	  2, false, true },
};

/**
 * struct asked - what the command line asks for
 * @auto_promote: --auto-promote
 * @witness: --witness
 * @timed: --timeout was given
 * @timeout_ms: --timeout
 */
struct asked {
	bool auto_promote;
	bool witness;
	bool timed;
	u64 timeout_ms;
};

enum {
	OPTION_AUTO_PROMOTE = OPTION_OF_VERB,
	OPTION_TIMEOUT,
	OPTION_WITNESS,
};

static const struct option members_options[] = {
	{ "auto-promote", no_argument, NULL, OPTION_AUTO_PROMOTE },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "witness", no_argument, NULL, OPTION_WITNESS },
	{ NULL, 0, NULL, 0 },
};

static bool take_members_option(void *context, int option)
{
	struct asked *asked = context;

	if (option == OPTION_AUTO_PROMOTE) {
		asked->auto_promote = true;
		return true;
	}
	if (option == OPTION_WITNESS) {
		asked->witness = true;
		return true;
	}
	asked->timed = true;
	return option_seconds("--timeout", optarg, &asked->timeout_ms);
}

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(actions[i].name, name))
			return &actions[i];
	complain(help_advice(), "'%s' is nothing that is done to members",
		 name);
	return NULL;
}

/* Words behind that of the action. */
static bool take_words(struct member_change *change, int n_words, char **words)
{
	const struct action *action = change->action;

	if (!n_words || n_words % action->n_words) {
		complain(help_advice(), "%s wants %s", action->name,
			 action->wants);
		return false;
	}
	if (n_words / action->n_words > RAFTLOG_MEMBERS_MAX) {
		complain(NULL, "more than %d members", RAFTLOG_MEMBERS_MAX);
		return false;
	}
	for (; n_words; n_words -= action->n_words, words += action->n_words) {
		struct raftlog_change *one = &change->changes[change->n++];

		one->type = action->type;
		if (!action->take(action, words, one))
			return false;
	}
	return true;
}

static bool take_flags(struct member_change *change, const struct asked *asked)
{
	const struct action *action = change->action;
	const char *wrong = NULL;
	__u32 flags = 0;

	if (asked->auto_promote && !action->may_promote)
		wrong = "--auto-promote";
	else if (asked->witness && !action->may_witness)
		wrong = "--witness";
	if (wrong) {
		complain(help_advice(), "%s: %s means nothing here",
			 action->name, wrong);
		return false;
	}
	if (asked->auto_promote)
		flags |= RAFTLOG_CHANGE_F_AUTO_PROMOTE;
	if (asked->witness)
		flags |= RAFTLOG_CHANGE_F_WITNESS;
	for (unsigned int i = 0; i < change->n; i++)
		change->changes[i].flags = flags;
	return true;
}

static int run_members(int argc, char **argv)
{
	static const struct verb_options options = { "", members_options,
						     take_members_option };
	struct asked asked = { .timeout_ms = TIMEOUT_MS_DEFAULT };
	static struct member_change change;
	int code;

	code = parse_options(argc, argv, &options, &asked);
	if (code >= 0)
		return code;
	if (optind == argc) {
		if (!asked.auto_promote && !asked.witness && !asked.timed)
			return show();
		complain(help_advice(), "options of a change, and no change");
		return EXIT_ERROR;
	}
	change.action = find_action(argv[optind]);
	if (!change.action ||
	    !take_words(&change, argc - optind - 1, argv + optind + 1) ||
	    !take_flags(&change, &asked))
		return EXIT_ERROR;
	change.timeout_ms = asked.timeout_ms;
	return member_change_run(&change);
}

const struct verb members_verb = {
	.name = "members",
	.run = run_members,
	.synopsis = "[ACTION ...] [--timeout S]",
	.summary = "the members of the cluster, and changing them",
	.help = "Without an action: who they are. On the leader, all of one command or nothing:\n\n"
		"  add ID=ADDRESS:PORT...          they come as learners: they get all entries,\n"
		"                                  and have no vote. Says what to run there\n"
		"  promote ID...                   learners that have caught up get a vote\n"
		"  demote ID...                    voters become learners\n"
		"  remove ID...                    they leave\n"
		"  set-address ID=ADDRESS:PORT...  they listen elsewhere: stop them first, and\n"
		"                                  start them there afterwards\n"
		"  replace OLD NEW=ADDRESS:PORT    NEW comes as a learner; once it has caught up it\n"
		"                                  gets a vote and OLD leaves, in one step\n\n"
		"      --auto-promote  add, demote: a vote (back) by itself, once caught up\n"
		"      --witness       add, replace: it keeps places of entries, not what they say:\n"
		"                      it votes, and cannot lead or be read. For good\n"
		"      --timeout S     how long to wait for it, and for another change (10)\n\n"
		"Exits with 0 once it is complete, 1 if nothing was done, 4 if that is not known.\n",
};
