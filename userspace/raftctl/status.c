// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

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
	if (status->transferee)
		printf(", handing over to node %u", status->transferee);
	putchar('\n');
}

static bool is_member(const struct peers *peers, u32 id)
{
	for (unsigned int i = 0; i < peers->n; i++)
		if (peers->peers[i].member.id == id)
			return true;
	return false;
}

static void print_cluster(const struct raftlog_status *status,
			  const struct peers *peers)
{
	printf("  cluster  %016llx, ", status->cluster_id);
	if (!peers->n) {
		puts("waits to be added to it");
		return;
	}
	printf("%u %s", peers->n, peers->n == 1 ? "member" : "members");
	if (!is_member(peers, status->node_id))
		printf(", this node is none of them");
	if (status->changing)
		printf(", which are being changed");
	putchar('\n');
}

static void print_key(const char *label, const char *name)
{
	char word[RAFTLOG_KEY_NAME_CHARS + 1];

	device_word(raftctl.device, name, word, sizeof(word));
	if (word[0])
		printf("%s%s", label, word);
}

static void print_security(void)
{
	char word[32];

	device_word(raftctl.device, "security", word, sizeof(word));
	if (!word[0])
		return;
	printf("  security %s", word);
	print_key(" with key ", "key");
	print_key(", also takes ", "key_next");
	print_key(", still takes ", "key_previous");
	putchar('\n');
}

/* Why datagrams were dropped, in the order of stats/. */
static const char *const drops[] = {
	"short", "version", "type", "cluster", "receiver", "sender", "checksum",
	"key", "rate", "authentication", "epoch", "replay", "malformed",
	"reassembly", "no_memory", "send", "unkeyed", "queue_full",
};

static u64 count_drops(size_t i)
{
	char file[64], word[24];

	snprintf(file, sizeof(file), "stats/drop_%s", drops[i]);
	device_word(raftctl.device, file, word, sizeof(word));
	return strtoull(word, NULL, 10);
}

static void print_drops(void)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(drops); i++) {
		u64 n = count_drops(i);

		if (n)
			printf("%s%s %llu", any ? ", " : "  dropped  ", drops[i], n);
		any |= n;
	}
	if (any)
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
	if (status->snapshot_index)
		printf("  snapshot of entry %llu, %s\n", status->snapshot_index,
		       format_bytes(bytes, status->snapshot_bytes));
	if (status->incoming_index)
		printf("  incoming a snapshot of entry %llu, %s of %s\n",
		       status->incoming_index,
		       format_bytes(free_bytes, status->incoming_offset),
		       format_bytes(bytes, status->incoming_bytes));
	printf("  pending  %u %s here\n", status->n_pending,
	       status->n_pending == 1 ? "write" : "writes");
	if (status->n_sessions)
		printf("  sessions %u open\n", status->n_sessions);
	if (status->priority)
		printf("  priority %u\n", status->priority);
	printf("  level    %u%s\n", status->feature_level,
	       status->feature_level < status->feature_level_max ?
		       ", until every member has more, as this node does" : "");
	print_security();
	print_drops();
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
	print_cluster(status, peers);
	print_running(status);
	if (!peers->n)
		return;
	putchar('\n');
	peers_print(peers, status);
}

static void print_security_json(void)
{
	static const char *const words[] = { "security", "key", "key_next",
					     "key_previous" };
	char word[RAFTLOG_KEY_NAME_CHARS + 1];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		device_word(raftctl.device, words[i], word, sizeof(word));
		json_string(words[i], word);
	}
	json_object("dropped");
	for (size_t i = 0; i < ARRAY_SIZE(drops); i++)
		json_number(drops[i], count_drops(i));
	json_end();
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
	json_number("transferee", status->transferee);
	json_number("priority", status->priority);
	json_number("feature_level", status->feature_level);
	json_number("feature_level_max", status->feature_level_max);
	json_number("log_bytes", status->log_bytes);
	json_number("log_bytes_free", status->log_bytes_free);
	json_number("cache_bytes", status->cache_bytes);
	json_number("snapshot_index", status->snapshot_index);
	json_number("snapshot_bytes", status->snapshot_bytes);
	json_number("incoming_index", status->incoming_index);
	json_number("incoming_bytes", status->incoming_bytes);
	json_number("incoming_offset", status->incoming_offset);
	json_number("n_pending", status->n_pending);
	json_number("n_sessions", status->n_sessions);
	print_security_json();
	json_number("n_members", status->n_members);
	json_number("configuration_index", status->configuration_index);
	json_bool("changing", status->changing);
	json_number("event_seq", status->event_seq);
	json_number("uptime_ms", status->uptime_ms);
	json_string("failure", status->failure);
	peers_json("peers", peers, status);
	json_end();
}

static int run_status(int argc, char **argv)
{
	struct raftlog_status status;
	struct peers peers;
	int code;

	code = parse_all(argc, argv, NULL, NULL);
	if (code >= 0)
		return code;
	if (view_get(&status, &peers))
		return EXIT_ERROR;
	if (raftctl.json)
		print_status_json(&status, &peers);
	else
		print_status(&status, &peers);
	return status.state == RAFTLOG_STATE_RUNNING && status.leader_id ?
		       EXIT_OK :
		       EXIT_NO_LEADER;
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
