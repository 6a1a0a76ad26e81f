// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "format.h"
#include "json.h"
#include "names.h"
#include "peers.h"
#include "raftctl.h"

static void print_leader(const struct raftlog_status *status)
{
	char buf[FORMAT_CHARS];

	if (!status->leader_id) {
		printf("  leader   none known\n");
		return;
	}
	printf("  leader   node %u", status->leader_id);
	if (status->leader_id == status->node_id)
		printf(", this one");
	if (status->lease_remaining_ns)
		printf(", surely for another %s",
		       format_ns(buf, status->lease_remaining_ns));
	putchar('\n');
}

static void print_running(const struct raftlog_status *status)
{
	char free_bytes[FORMAT_CHARS], bytes[FORMAT_CHARS], up[FORMAT_CHARS];
	const char *reason = reason_text(status->reason);

	print_leader(status);
	printf("  role     %s%s%s\n", role_name(status->role),
	       *reason ? ": " : "", reason);
	printf("  term     %llu", status->current_term);
	if (status->voted_for)
		printf(", voted for node %u\n", status->voted_for);
	else
		printf(", no vote given\n");
	printf("  log      %llu to %llu, ", status->first_index,
	       status->last_index);
	printf("durable %llu, committed %llu, applied %llu\n",
	       status->durable_index, status->commit_index,
	       status->last_applied);
	if (status->lost_index)
		printf("  damage   the log reached entry %llu; waits for a leader to send what is lost\n",
		       status->lost_index);
	printf("  space    %s of %s free\n",
	       format_bytes(free_bytes, status->log_bytes_free),
	       format_bytes(bytes, status->log_bytes));
	printf("  pending  %u %s here\n", status->n_pending,
	       status->n_pending == 1 ? "write" : "writes");
	printf("  up       %s\n", format_duration(up, status->uptime_ms));
}

static void print_status(const struct raftlog_status *status,
			 const struct peers *peers)
{
	printf("%s", raftctl.device);
	if (status->node_id)
		printf(": node %u", status->node_id);
	printf(": %s\n", state_name(status->state));
	if (status->failure[0])
		printf("  failure  %s\n", status->failure);
	if (status->state != RAFTLOG_STATE_RUNNING)
		return;
	print_running(status);
	putchar('\n');
	peers_print(peers, status);
}

static void print_status_json(const struct raftlog_status *status,
			      const struct peers *peers)
{
	json_object(NULL);
	json_string("device", raftctl.device);
	json_string("state", state_name(status->state));
	json_string("role", role_name(status->role));
	json_string("reason", reason_name(status->reason));
	json_number("node_id", status->node_id);
	json_number("leader_id", status->leader_id);
	json_hex("cluster_id", status->cluster_id);
	json_number("current_term", status->current_term);
	json_number("voted_for", status->voted_for);
	json_number("first_index", status->first_index);
	json_number("last_index", status->last_index);
	json_number("last_term", status->last_term);
	json_number("durable_index", status->durable_index);
	json_number("lost_index", status->lost_index);
	json_number("commit_index", status->commit_index);
	json_number("last_applied", status->last_applied);
	json_number("lease_remaining_ns", status->lease_remaining_ns);
	json_number("log_bytes", status->log_bytes);
	json_number("log_bytes_free", status->log_bytes_free);
	json_number("cache_bytes", status->cache_bytes);
	json_number("n_pending", status->n_pending);
	json_number("n_members", status->n_members);
	json_number("event_seq", status->event_seq);
	json_number("uptime_ms", status->uptime_ms);
	json_string("failure", status->failure);
	peers_json("peers", peers, status);
	json_end();
}

/* A group that stopped between the two calls has no members; that is no error. */
static int get_view(struct raftlog_status *status, struct peers *peers)
{
	int fd, ret;

	memset(status, 0, sizeof(*status));
	memset(peers, 0, sizeof(*peers));
	fd = connect_device(O_RDONLY);
	if (fd < 0)
		return -1;
	ret = device_get_status(fd, status);
	if (!ret && status->state == RAFTLOG_STATE_RUNNING) {
		ret = peers_get(fd, peers);
		if (ret == -ENOTCONN)
			ret = device_get_status(fd, status);
	}
	device_close(fd);
	status->failure[sizeof(status->failure) - 1] = '\0';
	if (ret)
		complain_errno(-ret, "get the status");
	return ret;
}

static int run_status(int argc, char **argv)
{
	struct raftlog_status status;
	struct peers peers;
	int code;

	code = parse_all(argc, argv, NULL, NULL);
	if (code >= 0)
		return code;
	if (get_view(&status, &peers))
		return EXIT_ERROR;
	if (raftctl.json)
		print_status_json(&status, &peers);
	else
		print_status(&status, &peers);
	return status.state == RAFTLOG_STATE_RUNNING && status.leader_id ?
		       EXIT_OK :
		       EXIT_NO_LEADER;
}

static int run_members(int argc, char **argv)
{
	struct raftlog_status status;
	struct peers peers;
	int code;

	code = parse_all(argc, argv, NULL, NULL);
	if (code >= 0)
		return code;
	if (get_view(&status, &peers))
		return EXIT_ERROR;
	if (group_error(&status)) {
		complain_errno(-group_error(&status), "get the members");
		return EXIT_ERROR;
	}
	if (raftctl.json) {
		json_object(NULL);
		json_hex("cluster_id", status.cluster_id);
		json_number("leader_id", status.leader_id);
		peers_json("members", &peers, &status);
		json_end();
	} else {
		peers_print(&peers, &status);
	}
	return EXIT_OK;
}

const struct verb status_verb = {
	.name = "status",
	.run = run_status,
	.synopsis = "",
	.summary =
		"who leads, what this node holds, how far behind the others are",
	.help = "Exits with 0 if a leader is known, 2 if none is, 1 on an error.\n"
		"A member is active if it was heard from within an election timeout;\n"
		"its lag is how many entries it lacks. A leader hears from all, the\n"
		"others from their leader alone.\n",
};

const struct verb members_verb = {
	.name = "members",
	.run = run_members,
	.synopsis = "",
	.summary = "the members of the cluster",
	.help = "",
};
