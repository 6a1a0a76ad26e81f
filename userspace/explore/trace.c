// SPDX-License-Identifier: GPL-2.0
#include "trace.h"

static const char *const kinds[] = {
	[EVENT_DELIVER] = "deliver",
	[EVENT_DELIVER_LATE] = "deliver-late",
	[EVENT_DUPLICATE] = "duplicate",
	[EVENT_DROP] = "drop",
	[EVENT_ELECTION] = "election",
	[EVENT_TAKE_OVER] = "take-over",
	[EVENT_HEARTBEAT] = "heartbeat",
	[EVENT_LOSS] = "loss",
	[EVENT_QUORUM] = "quorum",
	[EVENT_RESEND] = "resend",
	[EVENT_PROPOSE] = "propose",
	[EVENT_READ] = "read",
	[EVENT_READ_DUE] = "read-due",
	[EVENT_DISK] = "disk",
	[EVENT_CRASH] = "crash",
	[EVENT_DAMAGE] = "damage",
	[EVENT_WIPE] = "wipe",
	[EVENT_COMPACT] = "compact",
};

static bool has_message(const struct event *event)
{
	return event->kind >= EVENT_DELIVER && event->kind <= EVENT_DROP;
}

static void print_entries(const struct entry *entries, u32 n)
{
	static const char types[] = { 'd', 'n', 'c' };
	u32 i;

	printf("[");
	for (i = 0; i < n; i++)
		printf("%s%u%c", i ? " " : "", entries[i].term,
		       types[entries[i].type % sizeof(types)]);
	printf("]");
}

static void print_message(const struct packet *packet)
{
	const struct raft_message *m = &packet->message;

	printf("%s%s term %llu",
	       m->type == RAFT_REQUEST_VOTE && m->request_vote.pre_vote ?
		       "Pre" :
		       "",
	       raft_message_type_name(m->type), m->term);
	switch (m->type) {
	case RAFT_REQUEST_VOTE:
		printf(" last (%llu, %llu)", m->request_vote.last_log_index,
		       m->request_vote.last_log_term);
		break;
	case RAFT_REQUEST_VOTE_RESPONSE:
		printf("%s%s",
		       m->request_vote_response.pre_vote ? " pre-vote" : "",
		       m->request_vote_response.granted ? " granted" :
							  " refused");
		break;
	case RAFT_APPEND_ENTRIES:
		printf(" prev (%llu, %llu) commit %llu ",
		       m->append_entries.prev_log_index,
		       m->append_entries.prev_log_term,
		       m->append_entries.leader_commit);
		print_entries(packet->entries, m->n_entries);
		break;
	case RAFT_INSTALL_SNAPSHOT:
		printf(" behind (%llu, %llu)",
		       m->install_snapshot.snapshot_index,
		       m->install_snapshot.snapshot_term);
		break;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		if (m->append_entries_response.rejected)
			printf(" refused %llu hint (%llu, %llu)",
			       m->append_entries_response.prev_log_index,
			       m->append_entries_response.hint_index,
			       m->append_entries_response.hint_term);
		else
			printf(" match %llu",
			       m->append_entries_response.match_index);
		break;
	}
}

static void print_node(const struct node *node)
{
	const struct raft *r = core_of(node);
	u32 i;

	printf("\t# node %u: %s term %llu vote %u commit %llu ", node->id,
	       raft_role_name(r->role), r->hard_state.current_term,
	       r->hard_state.voted_for, r->commit_index);
	print_entries(node->log.entries, node->log.n);
	if (node->lost.index)
		printf(" lost (%u, %u)", node->lost.index, node->lost.term);
	if (node->n_writes) {
		printf(" disk: term %llu vote %u ",
		       node->disk_hard_state.current_term,
		       node->disk_hard_state.voted_for);
		print_entries(node->disk.entries, node->disk.n);
		printf(" and %u writes", node->n_writes);
	}
	for (i = 0; r->role == RAFT_LEADER && i < bounds.nodes; i++)
		if (i + 1 != node->id)
			printf(" %u:%s match %llu next %llu", i + 1,
			       raft_progress_name(r->peers[i].progress),
			       r->peers[i].match_index,
			       r->peers[i].next_index);
	printf("\n");
}

void trace_event(const struct event *event)
{
	struct channel *channel;

	printf("%s node %u", kinds[event->kind], event->node);
	if (has_message(event))
		printf(" from %u number %u", event->from, event->slot);
	else if (event->kind == EVENT_DISK || event->kind == EVENT_CRASH)
		printf(" written %u", event->slot);
	else if (event->kind == EVENT_DAMAGE)
		printf(" left %u", event->slot);
	if (event->slow)
		printf(" slow");
	if (has_message(event)) {
		channel = channel_between(event->from, event->node);
		printf("\t# ");
		print_message(&channel->packets[event->slot]);
	}
	printf("\n");
	event_happens(event);
	print_node(&world.nodes[event->node - 1]);
}

int trace_parse(const char *line, struct event *event)
{
	char kind[16] = "", slow[8] = "";
	unsigned int node = 0, from = 0, slot = 0;
	int n, end = 0;
	u8 i;

	memset(event, 0, sizeof(*event));
	n = sscanf(line, " %15[a-z-] node %u%n", kind, &node, &end);
	if (n < 2)
		return 0;
	line += end;
	for (i = 1; i < EVENT_KINDS && strcmp(kinds[i], kind); i++)
		;
	if (i == EVENT_KINDS || !node || node > bounds.nodes)
		return -EINVAL;
	event->kind = i;
	n = 2;
	end = 0;
	if (has_message(event)) {
		n = sscanf(line, " from %u number %u%n", &from, &slot, &end);
		if (!from || from > bounds.nodes)
			return -EINVAL;
	} else if (event->kind == EVENT_DISK || event->kind == EVENT_CRASH) {
		n = 1 + sscanf(line, " written %u%n", &slot, &end);
	} else if (event->kind == EVENT_DAMAGE) {
		n = 1 + sscanf(line, " left %u%n", &slot, &end);
	}
	if (n != 2 || slot > U8_MAX)
		return -EINVAL;
	event->node = node;
	event->from = from;
	event->slot = slot;
	event->slow = sscanf(line + end, " %7[a-z]", slow) == 1 &&
		      !strcmp(slow, "slow");
	return 1;
}
