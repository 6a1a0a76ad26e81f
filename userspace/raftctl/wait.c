// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>

#include "device.h"
#include "json.h"
#include "names.h"
#include "raftctl.h"
#include "reader.h"

/**
 * struct condition - what is waited for, all of it
 * @leader: a leader is known
 * @commit: commit_index is at least this
 * @role: this node has the role; -1: any
 * @deadline_ns: until then; UINT64_MAX: for ever
 */
struct condition {
	bool leader;
	u64 commit;
	int role;
	u64 deadline_ns;
};

static bool holds(const struct condition *condition,
		  const struct raftlog_status *status)
{
	if (status->state != RAFTLOG_STATE_RUNNING)
		return false;
	if (condition->leader && !status->leader_id)
		return false;
	if (condition->role >= 0 && status->role != (u32)condition->role)
		return false;
	return status->commit_index >= condition->commit;
}

static int remaining_ms(u64 deadline_ns)
{
	u64 now_ns = monotonic_ns(), ms;

	if (deadline_ns == UINT64_MAX)
		return -1;
	if (now_ns >= deadline_ns)
		return 0;
	ms = (deadline_ns - now_ns + 999999) / 1000000;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Return: 0 if it holds, -ETIMEDOUT, or another negative errno. */
static int wait_for(int fd, const struct condition *condition,
		    struct raftlog_status *status)
{
	short events = POLLPRI;
	int ret, timeout_ms;

	ret = device_set_framed(fd, RAFTLOG_FRAMED_F_INTERNAL);
	while (!ret) {
		ret = device_get_status(fd, status);
		if (ret || holds(condition, status))
			return ret;
		ret = group_error(status);
		if (ret)
			return ret;
		/* An entry behind what is committed now is news, too. */
		if (condition->commit > status->commit_index) {
			events |= POLLIN;
			ret = device_seek(fd, status->commit_index + 1);
			if (ret)
				break;
		} else {
			events = POLLPRI;
		}
		timeout_ms = remaining_ms(condition->deadline_ns);
		if (!timeout_ms)
			return -ETIMEDOUT;
		ret = device_poll(fd, events, timeout_ms);
		if (ret >= 0)
			ret = 0;
	}
	return ret;
}

static void report(const struct raftlog_status *status)
{
	if (raftctl.json) {
		json_object(NULL);
		json_number("leader_id", status->leader_id);
		json_string("role", role_name(status->role));
		json_number("current_term", status->current_term);
		json_number("commit_index", status->commit_index);
		json_end();
		return;
	}
	if (status->leader_id)
		printf("leader %u", status->leader_id);
	else
		printf("leader none");
	printf(" role %s term %llu commit_index %llu\n",
	       role_name(status->role), status->current_term,
	       status->commit_index);
}

static int conclude(int ret, const struct raftlog_status *status)
{
	switch (-ret) {
	case 0:
		report(status);
		return EXIT_OK;
	case ETIMEDOUT:
		complain("raftctl status shows which members are up",
			 "timed out: %s, role %s, commit_index %llu",
			 status->leader_id ? "a leader is known" : "no leader",
			 role_name(status->role), status->commit_index);
		return EXIT_NO_LEADER;
	case EINTR:
		complain(NULL, "interrupted");
		return EXIT_ERROR;
	default:
		complain_errno(-ret, "wait");
		return EXIT_ERROR;
	}
}

enum {
	OPTION_LEADER = OPTION_OF_VERB,
	OPTION_COMMIT,
	OPTION_ROLE,
	OPTION_TIMEOUT,
};

static const struct option wait_options[] = {
	{ "leader", no_argument, NULL, OPTION_LEADER },
	{ "commit", required_argument, NULL, OPTION_COMMIT },
	{ "role", required_argument, NULL, OPTION_ROLE },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ NULL, 0, NULL, 0 },
};

static bool take_wait_option(void *context, int option)
{
	struct condition *condition = context;
	u64 ms;

	switch (option) {
	case OPTION_LEADER:
		condition->leader = true;
		return true;
	case OPTION_COMMIT:
		return option_u64("--commit", optarg, 1, INT64_MAX,
				  &condition->commit);
	case OPTION_ROLE:
		condition->role = role_number(optarg);
		if (condition->role >= 0)
			return true;
		complain("follower, pre_candidate, candidate, leader, learner",
			 "there is no role '%s'", optarg);
		return false;
	default:
		if (!option_seconds("--timeout", optarg, &ms))
			return false;
		condition->deadline_ns = monotonic_ns() + ms * 1000000;
		return true;
	}
}

static int run_wait(int argc, char **argv)
{
	static const struct verb_options options = { "", wait_options,
						     take_wait_option };
	struct condition condition = { .role = -1, .deadline_ns = UINT64_MAX };
	struct raftlog_status status = { 0 };
	int code, fd, ret;

	code = parse_all(argc, argv, &options, &condition);
	if (code >= 0)
		return code;
	if (!condition.commit && condition.role < 0)
		condition.leader = true;
	fd = connect_device(O_RDONLY);
	if (fd < 0)
		return EXIT_ERROR;
	catch_signals();
	ret = wait_for(fd, &condition, &status);
	device_close(fd);
	return conclude(ret, &status);
}

const struct verb wait_verb = {
	.name = "wait",
	.run = run_wait,
	.synopsis = "[--leader] [--commit I] [--role R] [--timeout S]",
	.summary =
		"until a leader is known, an entry is committed, a role is taken",
	.help = "      --leader       until a leader is known (if nothing else is asked)\n"
		"      --commit I     until the entry at index I is committed, as known here\n"
		"      --role R       until this node is follower, candidate, leader ...\n"
		"      --timeout S    at most S seconds; without it, for ever\n\n"
		"Exits with 2 if the time ran out.\n",
};
