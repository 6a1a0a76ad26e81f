// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "device.h"
#include "json.h"
#include "member_change.h"
#include "peers.h"
#include "raftctl.h"
#include "wal.h"

enum {
	/* Between two looks whether another change is complete. */
	BUSY_PAUSE_MS = 50,
	COMMAND_CHARS = 512,
	/* What a log has beside its entries. */
	WAL_HEAD_BYTES = 64 << 10,
};

static u64 remaining_ms(u64 deadline_ns)
{
	u64 now_ns = monotonic_ns();

	return now_ns < deadline_ns ? (deadline_ns - now_ns) / 1000000 : 0;
}

/* Nothing was done while another change is under way: that passes. */
static int change_when_possible(int fd, const struct member_change *change,
				u64 *index)
{
	u64 deadline_ns = monotonic_ns() + change->timeout_ms * 1000000;
	struct raftlog_change_members request = {
		.n_changes = change->n,
		.changes = (uintptr_t)change->changes,
		.change_bytes = sizeof(change->changes[0]),
	};
	struct raftlog_status status;
	u64 left_ms;
	int ret;

	for (;;) {
		left_ms = remaining_ms(deadline_ns);
		/* 0 would be the default of the group. */
		request.timeout_ms = left_ms ? left_ms : 1;
		ret = device_change_members(fd, &request);
		if (ret != -EBUSY || !left_ms || interrupted)
			break;
		/* What is new to this file does not wake it again. */
		device_get_status(fd, &status);
		device_poll(fd, POLLPRI,
			    left_ms < BUSY_PAUSE_MS ? left_ms : BUSY_PAUSE_MS);
	}
	*index = request.index;
	return ret;
}

/* What to run on the machine of a member that is new. */

static u32 id_that_comes(const struct raftlog_change *change)
{
	if (change->type == RAFTLOG_CHANGE_ADD)
		return change->id;
	return change->type == RAFTLOG_CHANGE_REPLACE ? change->new_id : 0;
}

static void add_option(char *command, const char *option, u64 value,
		       u64 fallback)
{
	size_t at = strlen(command);

	if (value && value != fallback)
		snprintf(command + at, COMMAND_CHARS - at, " %s %llu", option,
			 value);
}

/* As this node has it: the new one needs the same. */
static void add_key(char *command)
{
	char word[RAFTLOG_KEY_NAME_CHARS + 1];
	size_t at = strlen(command);

	device_word(raftctl.device, "key", word, sizeof(word));
	if (word[0]) {
		snprintf(command + at, COMMAND_CHARS - at, " --key %s", word);
		return;
	}
	device_word(raftctl.device, "security", word, sizeof(word));
	if (!strcmp(word, "insecure"))
		snprintf(command + at, COMMAND_CHARS - at, " --insecure");
}

/* With the settings of this node, as far as they are not the usual ones. */
static void make_command(char *command, const struct raftlog_change *change,
			 const struct raftlog_status *status)
{
	u32 election = device_setting(raftctl.device, "election_timeout_ms");
	u32 heartbeat = device_setting(raftctl.device, "heartbeat_interval_ms");
	u32 max_entry = device_setting(raftctl.device, "max_entry_bytes");
	char buf[ADDR_CHARS];

	snprintf(command, COMMAND_CHARS,
		 "raftctl start --join --cluster-id %016llx --id %u --listen %s --dir /var/lib/raftlog",
		 status->cluster_id, id_that_comes(change),
		 addr_format(buf, &change->addr));
	add_key(command);
	add_option(command, "--size", status->log_bytes + WAL_HEAD_BYTES,
		   WAL_BYTES_DEFAULT);
	add_option(command, "--election-timeout", election,
		   ELECTION_TIMEOUT_MS_DEFAULT);
	add_option(command, "--heartbeat", heartbeat, election / 10);
	add_option(command, "--max-entry", max_entry,
		   RAFTLOG_ENTRY_BYTES_DEFAULT);
}

static void report_json(const struct member_change *change, u64 index,
			const struct raftlog_status *status)
{
	char command[COMMAND_CHARS];

	json_object(NULL);
	json_number("index", index);
	json_hex("cluster_id", status->cluster_id);
	json_array("start");
	for (unsigned int i = 0; i < change->n; i++) {
		if (!id_that_comes(&change->changes[i]))
			continue;
		make_command(command, &change->changes[i], status);
		json_object(NULL);
		json_number("id", id_that_comes(&change->changes[i]));
		json_string("command", command);
		json_end();
	}
	json_end();
	json_end();
}

static const char *outcome(const struct raftlog_change *change)
{
	bool promoted = change->flags & RAFTLOG_CHANGE_F_AUTO_PROMOTE;

	switch (change->type) {
	case RAFTLOG_CHANGE_ADD:
		if (change->flags & RAFTLOG_CHANGE_F_WITNESS)
			return promoted ?
				       "added as a witness, gets a vote once it has caught up" :
				       "added as a witness, as a learner";
		return promoted ? "added, gets a vote once it has caught up" :
				  "added, as a learner";
	case RAFTLOG_CHANGE_PROMOTE:
		return "promoted, has a vote";
	case RAFTLOG_CHANGE_DEMOTE:
		return promoted ?
			       "demoted, gets its vote back once it has caught up" :
			       "demoted, is a learner";
	case RAFTLOG_CHANGE_REMOVE:
		return "removed";
	case RAFTLOG_CHANGE_SET_ADDRESS:
		return "has a new address";
	default:
		return "leaves once the other has caught up";
	}
}

static void report(const struct member_change *change, u64 index,
		   const struct raftlog_status *status)
{
	char command[COMMAND_CHARS];

	for (unsigned int i = 0; i < change->n; i++)
		printf("node %u: %s\n", change->changes[i].id,
		       outcome(&change->changes[i]));
	printf("the members as of index %llu\n", index);
	for (unsigned int i = 0; i < change->n; i++) {
		u32 id = id_that_comes(&change->changes[i]);

		if (!id)
			continue;
		make_command(command, &change->changes[i], status);
		printf("\non the machine of node %u:\n  %s\n", id, command);
	}
}

/* Who to turn to. */
static void complain_not_leader(int fd)
{
	struct raftlog_status status = { 0 };
	static struct peers peers;
	char buf[ADDR_CHARS], advice[160];

	if (device_get_status(fd, &status) || peers_get(fd, &peers) ||
	    !status.leader_id) {
		complain("raftctl wait --leader waits for one; run it there",
			 "this node does not lead, and knows no leader");
		return;
	}
	snprintf(advice, sizeof(advice), "run it on node %u", status.leader_id);
	for (unsigned int i = 0; i < peers.n; i++)
		if (peers.peers[i].member.id == status.leader_id)
			snprintf(advice, sizeof(advice), "run it on node %u, %s",
				 status.leader_id,
				 addr_format(buf, &peers.peers[i].member.addr));
	complain(advice, "node %u leads, not this one", status.leader_id);
}

/* What the group itself refuses, and what may yet be. */
static const struct {
	int error;
	const char *what;
	const char *advice;
} change_errors[] = {
	{ EBUSY, "another change is under way, or the leader is too new",
	  "raftctl members shows it; --timeout S waits longer" },
	{ ENOENT, "there is no such member", "raftctl members lists them" },
	{ EEXIST, "a member with this id or address is there already",
	  "raftctl members lists them" },
	{ EALREADY, "nothing would change", "raftctl members lists them" },
	{ E2BIG, "more than 32 members, those counted that are on their way out",
	  "remove some first" },
	{ EHOSTUNREACH,
	  "a majority of the voters that there would be does not answer",
	  "raftctl members shows which are active" },
	{ EINPROGRESS, "a learner to be promoted has not caught up",
	  "raftctl members shows its lag; add --auto-promote waits by itself" },
	{ ENOSPC, "the log is full", NULL },
	{ EINVAL, "the kernel refused it: a voter must remain",
	  "raftctl version shows whether module and tool fit" },
	{ ECANCELED, "another leader took over, and it was undone",
	  "raftctl status shows the leader; try again there" },
	{ ETIMEDOUT, "timed out: it may yet come",
	  "raftctl members shows whether it has; --timeout S waits longer" },
	{ EINTR, "interrupted: it may yet come",
	  "raftctl members shows whether it has" },
	{ ESHUTDOWN, "the group was stopped: it may yet come",
	  "raftctl members on another node shows whether it has" },
	{ EIO, "the group failed: it may yet come",
	  "raftctl members on another node shows whether it has" },
};

static void explain(const struct member_change *change, int fd, int error)
{
	const char *name = change->action->name;

	if (error == EREMOTE) {
		complain_not_leader(fd);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(change_errors); i++) {
		if (change_errors[i].error != error)
			continue;
		complain(change_errors[i].advice, "%s: %s", name,
			 change_errors[i].what);
		return;
	}
	complain_errno(error, "change the members");
}

static bool is_unknown(int error)
{
	return error == ETIMEDOUT || error == EINTR || error == ESHUTDOWN ||
	       error == EIO;
}

int member_change_run(const struct member_change *change)
{
	struct raftlog_status status = { 0 };
	int fd, ret;
	u64 index;

	fd = connect_device(O_RDWR);
	if (fd < 0)
		return EXIT_ERROR;
	catch_signals();
	ret = change_when_possible(fd, change, &index);
	if (ret)
		explain(change, fd, -ret);
	else
		ret = device_get_status(fd, &status);
	device_close(fd);
	if (ret)
		return is_unknown(-ret) ? EXIT_UNKNOWN : EXIT_ERROR;
	if (raftctl.json)
		report_json(change, index, &status);
	else
		report(change, index, &status);
	return EXIT_OK;
}
