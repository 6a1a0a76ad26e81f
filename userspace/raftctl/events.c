// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "device.h"
#include "json.h"
#include "names.h"
#include "raftctl.h"

enum { EVENTS_AT_ONCE = 64 };

static void print_leader(u32 leader_id)
{
	if (leader_id)
		printf("leader %u", leader_id);
	else
		printf("no leader");
}

static void print_what(const struct raftlog_event *event)
{
	const char *reason = reason_text(event->reason);

	switch (event->type) {
	case RAFTLOG_EVENT_ROLE:
		/* Edge 6 is none of the diagram's. */
		if (event->edge < 6)
			printf("(%u) ", event->edge);
		printf("%s -> %s: ", role_name(event->from_role),
		       role_name(event->to_role));
		if (*reason)
			printf("%s, ", reason);
		break;
	case RAFTLOG_EVENT_LEADER:
		break;
	case RAFTLOG_EVENT_MEMBERSHIP:
		printf("configuration changed, ");
		break;
	case RAFTLOG_EVENT_STATE:
		printf("group %s\n", state_name(event->state));
		return;
	default:
		printf("event of type %u, ", event->type);
	}
	print_leader(event->leader_id);
	printf(", term %llu, commit_index %llu\n", event->current_term,
	       event->commit_index);
}

static void print_event(const struct raftlog_event *event)
{
	time_t seconds = event->time_ns / 1000000000;
	char text[32];
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s.%06u  %4llu  ", text,
	       (unsigned int)(event->time_ns % 1000000000 / 1000), event->seq);
	print_what(event);
}

static void print_event_json(const struct raftlog_event *event)
{
	json_object(NULL);
	json_number("seq", event->seq);
	json_number("time_ns", event->time_ns);
	json_string("type", event_type_name(event->type));
	if (event->type == RAFTLOG_EVENT_ROLE) {
		json_number("edge", event->edge);
		json_string("edge_name", edge_name(event->edge));
	} else {
		json_null("edge");
		json_null("edge_name");
	}
	json_string("from_role", role_name(event->from_role));
	json_string("to_role", role_name(event->to_role));
	json_string("reason", reason_name(event->reason));
	json_number("current_term", event->current_term);
	json_number("leader_id", event->leader_id);
	json_number("commit_index", event->commit_index);
	json_string("state", state_name(event->state));
	json_end();
}

/* Return: how many were printed, or a negative errno. */
static int print_events(int fd, u64 *after_seq)
{
	struct raftlog_event buf[EVENTS_AT_ONCE];
	struct raftlog_events events = {
		.after_seq = *after_seq,
		.n_events = EVENTS_AT_ONCE,
		.event_bytes = sizeof(buf[0]),
		.events = (uintptr_t)buf,
	};
	int ret = device_get_events(fd, &events);

	if (ret)
		return ret;
	/* Whoever starts at 0 asks for what is kept, and misses nothing. */
	if (events.n_lost && *after_seq)
		complain(NULL,
			 "%llu events were overwritten before they were read",
			 events.n_lost);
	for (unsigned int i = 0; i < events.n_events; i++) {
		if (raftctl.json)
			print_event_json(&buf[i]);
		else
			print_event(&buf[i]);
	}
	if (events.n_events)
		*after_seq = events.after_seq;
	fflush(stdout);
	return events.n_events;
}

static int run(int fd, u64 after_seq, bool follow)
{
	int ret, revents = 0;

	for (;;) {
		do
			ret = print_events(fd, &after_seq);
		while (ret > 0 && !ferror(stdout));
		if (ret || !follow || ferror(stdout))
			return ret;
		/* poll() tells of the end once the last event is there. */
		if (revents & (POLLHUP | POLLERR))
			return -ESHUTDOWN;
		revents = device_poll(fd, POLLPRI, -1);
		if (revents < 0)
			return revents;
	}
}

enum { OPTION_AFTER = OPTION_OF_VERB };

static const struct option event_options[] = {
	{ "follow", no_argument, NULL, 'f' },
	{ "after", required_argument, NULL, OPTION_AFTER },
	{ NULL, 0, NULL, 0 },
};

/**
 * struct following - what to show
 * @after_seq: events newer than this
 * @follow: and those to come
 */
struct following {
	u64 after_seq;
	bool follow;
};

static bool take_event_option(void *context, int option)
{
	struct following *following = context;

	if (option == OPTION_AFTER)
		return option_u64("--after", optarg, 0, UINT64_MAX,
				  &following->after_seq);
	following->follow = true;
	return true;
}

static int run_events(int argc, char **argv)
{
	static const struct verb_options options = { "f", event_options,
						     take_event_option };
	struct following following = { 0 };
	int code, fd, ret;

	code = parse_all(argc, argv, &options, &following);
	if (code >= 0)
		return code;
	fd = connect_device(O_RDONLY);
	if (fd < 0)
		return EXIT_ERROR;
	ret = run(fd, following.after_seq, following.follow);
	device_close(fd);
	if (!ret)
		return EXIT_OK;
	complain_errno(-ret, "get the events");
	return EXIT_ERROR;
}

const struct verb events_verb = {
	.name = "events",
	.run = run_events,
	.synopsis = "[--follow] [--after SEQ]",
	.summary = "changes of role, leader, membership and state",
	.help = "  -f, --follow       wait for what comes, until the group stops\n"
		"      --after SEQ    only events newer than number SEQ\n\n"
		"A number in parentheses is the edge of Raft's role diagram:\n"
		"  (0) a server joins as follower     (1) its timer runs out, it offers itself\n"
		"  (2) a split vote, a new term       (3) a majority makes it leader\n"
		"  (4) a leader becomes follower      (5) a candidate becomes follower\n"
		"The newest 256 events are kept.\n",
};
