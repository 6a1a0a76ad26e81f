// SPDX-License-Identifier: GPL-2.0
/*
 * What of a state counts. Two states with the same projection are taken for one,
 * and what can follow is looked for from the one that was seen first.
 *
 * In it, of each node:
 *	role, leader_id, current_term, voted_for, votes of a candidate
 *	the log with origin of each entry, commit_index, durable_index,
 *	verified_index, ack_owed, leader_commit_seen
 *	whether it is sticky
 *	numbers of writes, as distance from what is persisted
 *	the peers' disks, as far as it knows, if one may be replaced
 *	match_index of each peer, also on those that do not lead: a leader that
 *	relied on what it knew from an earlier term must not go unnoticed
 *	of a leader's peers progress, next_index, commit_told, what is in flight
 *	proposals in their order, with exposed, exposed_term, proposed_at
 *	reads in their order, with the index and what it was when they were made;
 *	numbers of requests; of all times that reads depend on and of when what
 *	is under way was sent, which are before which
 *	the disk, what damage took and could bring back, writes under way, messages held back, how often it started
 * of the network: each channel's messages in the order of sending
 * of the checker: what is committed and since which term, who led which term,
 *	which proposals were refused for good
 * and what is used up of the bounds.
 *
 * Not in it, and what that may hide:
 *	All times. Of when a message was sent only what its refusal would tell the
 *	leader (network_told_late()), and what its answer tells of reads; of the timers nothing, any may
 *	be the next to run out. States that differ in which of several timers of
 *	one leader is due first are one; so what needs a round-trip time, a lease
 *	(6.4.1) or CheckQuorum at a certain moment is left to the simulator.
 *	The generator: all that is drawn is how long an election timeout is.
 *	Room: bytes, windows and free space are larger than all that happens here.
 *	A follower's votes, and but for match_index what it knew of its peers when
 *	it led: written before they are read, as a look at the code tells.
 *	reason and round_edge: told to others, never asked.
 *
 * Servers are interchangeable: all begin alike, and the core asks of ids only
 * whether they are equal; the order of members decides only the order in which
 * it sends, to different channels. So states that differ in names alone are one:
 * of all ways to name the nodes the one with the least hash counts. To look at
 * few of them, nodes are first sorted by what has no names in it.
 */
#include <assert.h>

#include "projection.h"
#include "world.h"

enum { BYTES_MAX = 8 << 10 };

struct text {
	u32 n;
	u8 bytes[BYTES_MAX];
};

/* The new name of each node, and the node with each new name. */
struct naming {
	u8 name[NODES_MAX + 1];
	u8 node[NODES_MAX + 1];
};

static void put(struct text *text, u64 value)
{
	text->bytes[text->n++] = value;
}

static u64 mix(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

static struct hash hash_text(struct text *text)
{
	struct hash hash = { 0x243f6a8885a308d3ull, 0x13198a2e03707344ull };
	u32 i;

	assert(text->n + 8 <= BYTES_MAX);
	memset(text->bytes + text->n, 0, 8);
	for (i = 0; i < text->n; i += 8) {
		u64 word;

		memcpy(&word, text->bytes + i, 8);
		hash.low = mix(hash.low ^ word, 0x9e3779b97f4a7c15ull + i);
		hash.high = mix(hash.high + word, 0xd1342543de82ef95ull - i);
	}
	hash.low = mix(hash.low ^ text->n, 0xbf58476d1ce4e5b9ull);
	hash.high = mix(hash.high ^ hash.low, 0x94d049bb133111ebull);
	return hash;
}

static u8 named_session(const struct naming *naming, u8 session)
{
	return naming->name[session / BOOTS_MAX] * BOOTS_MAX +
	       session % BOOTS_MAX;
}

/* The disks that a configuration knows, by the new names. */
static u8 named_configuration(const struct naming *naming, u8 sequence)
{
	u8 named = sequence & SEALED;
	u32 i;

	for (i = 0; i < bounds.nodes && i < WIPING_NODES_MAX; i++)
		named |= (sequence >> 2 * i & (DISKS_MAX - 1))
			 << 2 * ((naming->name[i + 1] - 1) % DISKS_MAX);
	return named;
}

static void put_entries(struct text *text, const struct naming *naming,
			const struct entry *entries, u32 n)
{
	u32 i;

	put(text, n);
	for (i = 0; i < n; i++) {
		put(text, entries[i].term << 4 | entries[i].type);
		if (entries[i].type == RAFT_ENTRY_CONFIGURATION)
			put(text, named_configuration(naming,
						      entries[i].sequence));
		if (!entries[i].session)
			continue;
		put(text, named_session(naming, entries[i].session));
		put(text, entries[i].sequence);
	}
}

/*
 * Times that reads of a leader wait for, in its lists and of its peers; and for the
 * next round, that of the last one. More than there are reads are never pending.
 */
struct marks {
	u32 n;
	u64 ns[2 + READS_MAX + NODES_MAX];
};

static void mark(struct marks *marks, u64 ns)
{
	if (ns)
		marks->ns[marks->n++] = ns;
}

static struct marks marks_of(const struct raft *r)
{
	const struct raft_read *read;
	struct marks marks = { .n = 0 };
	u32 i;

	if (!bounds.reads || r->role != RAFT_LEADER)
		return marks;
	list_for_each_entry(read, &r->reads[0].asked, node)
		mark(&marks, read->needed_ns);
	for (i = 0; i < bounds.nodes; i++)
		if (r->peers[i].reads[0].pending)
			mark(&marks, r->peers[i].reads[0].needed_ns);
	if (marks.n)
		mark(&marks, r->read_round_sent_ns);
	return marks;
}

/* How many of them are not behind @ns. */
static u8 rank(const struct raft *r, u64 ns)
{
	struct marks marks = marks_of(r);
	u32 i, n = 0;

	for (i = 0; i < marks.n; i++)
		n += marks.ns[i] <= ns;
	return n;
}

static void put_read_times(struct text *text, const struct naming *naming,
			   const struct raft *r)
{
	struct marks marks = marks_of(r);
	u32 i;

	if (!marks.n)
		return;
	for (i = 0; i < marks.n; i++)
		put(text, rank(r, marks.ns[i]));
	put(text, rank(r, r->round_sent_ns));
	for (i = 1; i <= bounds.nodes; i++)
		put(text, rank(r, r->peers[naming->node[i] - 1].answered_sent_ns));
}

static void put_reads(struct text *text, const struct list_head *list)
{
	const struct raft_read *read;
	const struct lookup *lookup;

	list_for_each_entry(read, list, node) {
		lookup = container_of(read, struct lookup, read);
		put(text, 1 + (lookup - world.common.lookups));
		put(text, read->index);
	}
	put(text, 0);
}

/* Of one lane: leases are all about time. */
static void put_core_reads(struct text *text, const struct naming *naming,
			   const struct raft *r)
{
	u32 i;

	put_reads(text, &r->reads[0].waiting);
	put_reads(text, &r->reads[0].asked);
	put_reads(text, &r->indexed_reads);
	put(text, r->reads[0].sequence << 4 | r->next_read_sequence);
	put_read_times(text, naming, r);
	if (r->role != RAFT_LEADER)
		return;
	put(text, r->append_sent_ns >= r->now_ns);
	for (i = 1; i <= bounds.nodes; i++) {
		const struct raft_read_request *request =
			&r->peers[naming->node[i] - 1].reads[0];

		put(text, request->pending << 4 | request->sequence);
		put(text, request->session % BOOTS_MAX);
		put(text, request->pending ? request->index : 0);
	}
}

static void put_sent(struct text *text, const struct packet *packet)
{
	u32 leader_id = 0;
	u64 ns = network_sent_ns(packet, &leader_id);

	if (bounds.reads)
		put(text, ns ? rank(core_of(&world.nodes[leader_id - 1]), ns) : 0);
}

static void put_log(struct text *text, const struct naming *naming,
		    const struct log *log)
{
	if (bounds.compactions) {
		put(text, log->base);
		put(text, log->configuration_index);
		put(text, named_configuration(naming, log->configuration));
	}
	put_entries(text, naming, log->entries, log->n);
}

static void put_packet(struct text *text, const struct naming *naming,
		       const struct packet *packet)
{
	const struct raft_message *m = &packet->message;

	put(text, m->type);
	put(text, m->term);
	if (bounds.wipes)
		put(text, m->incarnation % DISKS_MAX);
	switch (m->type) {
	case RAFT_REQUEST_VOTE:
		put(text, m->request_vote.last_log_index);
		put(text, m->request_vote.last_log_term);
		put(text, m->request_vote.pre_vote);
		put(text, !!m->request_vote.leadership_transfer_ns);
		break;
	case RAFT_REQUEST_VOTE_RESPONSE:
		put(text, m->request_vote_response.granted);
		put(text, m->request_vote_response.pre_vote);
		break;
	case RAFT_APPEND_ENTRIES:
		put(text, m->append_entries.prev_log_index);
		put(text, m->append_entries.prev_log_term);
		put(text, m->append_entries.leader_commit);
		put(text, network_told_late(packet));
		put_sent(text, packet);
		put_entries(text, naming, packet->entries, m->n_entries);
		break;
	case RAFT_APPEND_ENTRIES_RESPONSE:
		put(text, m->append_entries_response.match_index);
		put(text, m->append_entries_response.prev_log_index);
		put(text, m->append_entries_response.hint_index);
		put(text, m->append_entries_response.hint_term);
		put(text, m->append_entries_response.rejected);
		put(text, network_told_late(packet));
		put_sent(text, packet);
		break;
	case RAFT_READ_INDEX:
		put(text, named_session(naming, m->read_index.session));
		put(text, m->read_index.sequence);
		break;
	case RAFT_READ_INDEX_RESPONSE:
		put(text,
		    named_session(naming, m->read_index_response.session));
		put(text, m->read_index_response.sequence);
		put(text, m->read_index_response.index);
		break;
	case RAFT_INSTALL_SNAPSHOT:
		put(text, m->install_snapshot.snapshot_index);
		put(text, m->install_snapshot.snapshot_term);
		put(text, m->install_snapshot.configuration_index);
		put_sent(text, packet);
		put_entries(text, naming, packet->entries, 1);
		break;
	case RAFT_PROPOSE:
		put(text, m->propose.proposed_at);
		put_entries(text, naming, packet->entries, 1);
		break;
	case RAFT_PROPOSE_RESPONSE:
		put(text, named_session(naming, m->propose_response.session));
		put(text, m->propose_response.sequence);
		put(text, m->propose_response.error);
		break;
	}
}

static u8 distance(u64 seq, u64 from)
{
	return seq > from ? seq - from : 0;
}

/* Members are in the order of their ids: peers[id - 1]. */
static void put_peer(struct text *text, const struct raft *r,
		     const struct raft_peer *peer)
{
	u32 i, ring = r->settings.inflight_messages_max;

	put(text, peer->match_index);
	if (bounds.wipes)
		put(text, peer->incarnation ?
				  1 + peer->incarnation % DISKS_MAX : 0);
	if (r->role != RAFT_LEADER)
		return;
	put(text, peer->next_index);
	put(text, peer->commit_told);
	put(text, peer->n_inflight << 4 | peer->progress << 1 | peer->catch_up);
	for (i = 0; i < peer->n_inflight; i++)
		put(text, peer->inflight[(peer->inflight_head + i) % ring]
				  .last_index);
}

static void put_proposals(struct text *text, const struct list_head *list)
{
	const struct raft_proposal *proposal;

	list_for_each_entry(proposal, list, node) {
		put(text, proposal->sequence);
		put(text, proposal->exposed);
		put(text, proposal->exposed ? proposal->exposed_term : 0);
		put(text, proposal->proposed_at);
	}
	put(text, 0);
}

static u32 named_set(const struct naming *naming, u32 set)
{
	u32 id, named = 0;

	for (id = 1; id <= bounds.nodes; id++)
		if (set >> (id - 1) & 1)
			named |= 1u << naming->name[id];
	return named;
}

static void put_core(struct text *text, const struct naming *naming,
		     const struct node *node)
{
	const struct raft *r = core_of(node);
	u32 i;

	put(text, r->role << 2 | r->ack_owed << 1 | raft_is_sticky(r));
	put(text, r->hard_state.current_term);
	put(text, naming->name[r->leader_id] << 4 |
			  naming->name[r->hard_state.voted_for]);
	if (bounds.wipes && !r->sealed)
		put(text, r->voted_for_incarnation ?
				  1 + r->voted_for_incarnation % DISKS_MAX : 0);
	if (r->role == RAFT_PRE_CANDIDATE || r->role == RAFT_CANDIDATE) {
		put(text, named_set(naming, r->votes.granted));
		put(text, named_set(naming, r->votes.refused));
	}
	put(text, r->commit_index);
	put(text, r->durable_index);
	put(text, r->verified_index);
	put(text, r->leader_commit_seen);
	put(text, r->lost_index << 4 | r->lost_term);
	put(text, r->next_ticket);
	put(text, distance(r->persist_seq, r->persisted_seq));
	put(text, distance(r->hard_state_persist_seq, r->persisted_seq));
	put(text, distance(r->truncate_seq, r->persisted_seq));
	for (i = 1; i <= bounds.nodes; i++)
		if (naming->node[i] != node->id)
			put_peer(text, r, &r->peers[naming->node[i] - 1]);
	put_proposals(text, &r->waiting);
	put_proposals(text, &r->sent);
	if (bounds.reads)
		put_core_reads(text, naming, r);
	if (bounds.compactions) {
		u64 committed;

		raft_committed_configuration(r, &committed);
		put(text, committed);
	}
	put_log(text, naming, &node->log);
}

static void put_node(struct text *text, const struct naming *naming,
		     const struct node *node)
{
	u32 i;

	put_core(text, naming, node);
	put(text, node->boot << 2 | node->rotted << 1 | node->was_rotted);
	put(text, node->disk_number);
	put(text, node->lost.index << 4 | node->lost.term);
	put(text, node->disk_hard_state.current_term);
	put(text, naming->name[node->disk_hard_state.voted_for]);
	put_log(text, naming, &node->disk);
	if (bounds.damages)
		put_entries(text, naming, node->replaced.entries,
			    node->replaced.n);
	put(text, node->n_writes << 4 | node->n_parked);
	for (i = 0; i < node->n_writes; i++) {
		const struct write *write = &node->writes[i];

		put(text, write->hard_state.current_term);
		put(text, naming->name[write->hard_state.voted_for]);
		put(text, write->seq - node->persisted_seq);
		put(text, write->last_index);
		put(text, write->last_term);
		put(text, write->first_index);
		if (bounds.compactions) {
			put(text, write->base << 1 | write->anew);
			put(text, write->configuration_index);
		}
		put_entries(text, naming, write->entries, write->n);
	}
	for (i = 0; i < node->n_parked; i++) {
		const struct packet *packet = &node->parked[i].packet;

		put(text, node->parked[i].seq - node->persisted_seq);
		put(text, naming->name[packet->message.to]);
		put_packet(text, naming, packet);
	}
}

static void put_common(struct text *text, const struct naming *naming)
{
	const struct common *c = &world.common;
	u32 i;

	put(text, c->drops);
	put(text, c->duplicates);
	put(text, c->crashes);
	put(text, c->damages);
	put(text, c->wipes);
	put(text, c->compactions);
	put(text, c->delays);
	put(text, c->timeouts);
	put(text, c->transfers);
	put(text, c->n_ops);
	for (i = 0; i < c->n_ops; i++) {
		if (c->ops[i].state != OP_NEVER)
			continue;
		put(text, named_session(naming, c->ops[i].session));
		put(text, c->ops[i].sequence);
	}
	for (i = 0; i < c->n_lookups; i++) {
		put(text, c->lookups[i].state);
		put(text, c->lookups[i].state == OP_PENDING ?
				  c->lookups[i].floor_index : 0);
	}
	put_entries(text, naming, c->committed.entries, c->committed.n);
	for (i = 0; i < c->committed.n; i++)
		put(text, c->committed_term[i]);
	for (i = 2; i <= bounds.terms; i++)
		put(text, naming->name[c->leaders[i]]);
}

static struct hash hash_named(const struct naming *naming)
{
	static struct text text;
	u32 from, to, i;

	text.n = 0;
	put_common(&text, naming);
	for (i = 1; i <= bounds.nodes; i++)
		put_node(&text, naming, &world.nodes[naming->node[i] - 1]);
	for (from = 1; from <= bounds.nodes; from++)
		for (to = 1; to <= bounds.nodes; to++) {
			const struct channel *channel = channel_between(
				naming->node[from], naming->node[to]);

			if (from == to)
				continue;
			put(&text, channel->n);
			for (i = 0; i < channel->n; i++)
				put_packet(&text, naming, &channel->packets[i]);
		}
	return hash_text(&text);
}

/* Of a node, without any name: equal for nodes that only names tell apart. */
static u64 signature(const struct node *node)
{
	const struct raft *r = core_of(node);
	u64 sum = 0;
	u32 i;

	for (i = 0; i < node->log.n; i++)
		sum = sum * 8 + node->log.entries[i].term;
	sum = mix(sum + 0x9e3779b97f4a7c15ull, 0xbf58476d1ce4e5b9ull);
	sum += r->role | r->hard_state.current_term << 4 |
	       r->commit_index << 8 | r->durable_index << 12 |
	       r->verified_index << 16 | r->next_ticket << 20 |
	       (u64)node->n_writes << 24 | (u64)node->boot << 28 |
	       (u64)(r->hard_state.voted_for == node->id) << 32 |
	       (u64)!r->hard_state.voted_for << 33 |
	       (u64)!r->leader_id << 34 | (u64)raft_is_sticky(r) << 35 |
	       (u64)node->disk.n << 36;
	for (i = 1; i <= bounds.nodes; i++)
		sum += mix(channel_between(i, node->id)->n + 17 +
				   4 * channel_between(node->id, i)->n,
			   0xd1342543de82ef95ull);
	return sum;
}

static bool is_less(struct hash a, struct hash b)
{
	return a.low < b.low || (a.low == b.low && a.high < b.high);
}

/* All orders of nodes [first, n] that keep their signatures sorted. */
static void least_hash(struct naming *naming, const u64 *signatures, u32 first,
		       struct hash *least)
{
	struct hash hash;
	u32 i;

	if (first > bounds.nodes) {
		for (i = 1; i <= bounds.nodes; i++)
			naming->name[naming->node[i]] = i;
		hash = hash_named(naming);
		if (is_less(hash, *least))
			*least = hash;
		return;
	}
	for (i = first; i <= bounds.nodes; i++) {
		if (signatures[naming->node[i]] !=
		    signatures[naming->node[first]])
			break;
		swap(naming->node[i], naming->node[first]);
		least_hash(naming, signatures, first + 1, least);
		swap(naming->node[i], naming->node[first]);
	}
}

struct hash world_hash(void)
{
	struct hash least = { U64_MAX, U64_MAX };
	struct naming naming = { .name = { 0 } };
	u64 signatures[NODES_MAX + 1];
	u32 i, j;

	for (i = 1; i <= bounds.nodes; i++) {
		signatures[i] = signature(&world.nodes[i - 1]);
		for (j = i; j > 1 && signatures[naming.node[j - 1]] >
					     signatures[i]; j--)
			naming.node[j] = naming.node[j - 1];
		naming.node[j] = i;
	}
	least_hash(&naming, signatures, 1, &least);
	return least;
}
