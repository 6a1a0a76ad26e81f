// SPDX-License-Identifier: GPL-2.0
/* What the module's owner thread does around the core, and the disk. */
#include <assert.h>

#include "check.h"

enum {
	SENDS_MAX = 4 * RAFT_STEP_SENDS_MAX,
	ENTRIES_MAX = 2 * WRITE_ENTRIES_MAX,
	PAYLOAD_BYTES = 1,
	/* More batches that are due at once than can have a reason. */
	BATCHES_MAX = 16,
	/* Never the reason for anything: a full log is not searched. */
	SPACE_BYTES = 1 << 30,
};

/* Empty between events, so no part of the state. */
static struct raft_update update;
static struct raft_entry update_entries[ENTRIES_MAX];
static struct raft_send update_sends[SENDS_MAX];

/* By their sequence in struct entry. */
static u8 configurations[1 << 8][RAFT_CONFIGURATION_HEADER_BYTES +
				 NODES_MAX * RAFT_CONFIGURATION_MEMBER_BYTES];
static u32 configuration_bytes;

static u64 incarnation(u32 id, u8 disk_number)
{
	return id * DISKS_MAX + disk_number;
}

static u8 disk_in(u8 sequence, u32 i)
{
	return i < WIPING_NODES_MAX ? sequence >> 2 * i & (DISKS_MAX - 1) : 0;
}

static void make_configuration(u8 sequence)
{
	struct raft_configuration members = { .n_members = bounds.nodes };
	u32 i;

	for (i = 0; i < bounds.nodes; i++) {
		members.members[i].id = i + 1;
		members.members[i].kind = RAFT_VOTER;
		members.members[i].address.family = 4;
		if (sequence & SEALED)
			members.members[i].incarnation =
				incarnation(i + 1, disk_in(sequence, i));
	}
	configuration_bytes = raft_configuration_encode(
		&members, configurations[sequence],
		sizeof(configurations[sequence]));
}

u8 node_configuration(const struct raft_entry *entry)
{
	static struct raft_configuration members;
	u8 sequence = SEALED;
	u32 i;

	if (raft_configuration_decode(&members, entry->data, entry->bytes) ||
	    !raft_configuration_is_sealed(&members))
		return 0;
	for (i = 0; i < bounds.nodes && i < WIPING_NODES_MAX; i++)
		sequence |= members.members[i].incarnation % DISKS_MAX << 2 * i;
	return sequence;
}

/* The newest configuration that it knows to be committed. */
u8 node_committed(const struct node *node, u64 *index)
{
	u8 data[RAFT_CONFIGURATION_BYTES_MAX];
	struct raft_entry entry = {
		.data = data,
		.type = RAFT_ENTRY_CONFIGURATION,
	};

	entry.bytes = raft_configuration_encode(
		raft_committed_configuration(core_of(node), index), data,
		sizeof(data));
	return node_configuration(&entry);
}

static const u8 *first_configuration(void)
{
	return configurations[bounds.open ? 0 : SEALED];
}

void node_entry(struct raft_entry *to, const struct entry *from)
{
	*to = (struct raft_entry){
		.term = from->term,
		.session = from->session,
		.sequence = from->sequence,
		.type = from->type,
		.bytes = from->type == RAFT_ENTRY_DATA ? PAYLOAD_BYTES : 0,
	};
	if (from->type == RAFT_ENTRY_CONFIGURATION) {
		to->sequence = 0;
		to->data = configurations[from->sequence];
		to->bytes = configuration_bytes;
	}
}

static void rebase(struct log *log, const struct write *write)
{
	const struct log *committed = &world.common.committed;

	if (write->anew) {
		memcpy(log->entries, committed->entries,
		       write->base * sizeof(log->entries[0]));
		memset(log->entries + write->base, 0,
		       (LOG_MAX - write->base) * sizeof(log->entries[0]));
		log->n = write->base;
	}
	log->base = write->base;
	log->configuration_index = write->configuration_index;
	log->configuration = write->configuration;
}

/* What goes was committed; what begins anew had nothing that is. */
static void check_base(const struct node *node, const struct write *write)
{
	const struct log *committed = &world.common.committed;
	u64 i;

	if (log_term(committed, write->base) != update.base_term)
		violation("compaction",
			  "node %u begins behind (%u, %llu), committed is term %u",
			  node->id, write->base, update.base_term,
			  log_term(committed, write->base));
	if (!write->anew)
		return;
	counters.installs++;
	if (log_holds(&node->log, write->base, update.base_term))
		violation("compaction", "node %u begins anew behind %u, which it had",
			  node->id, write->base);
	for (i = write->base + 1; i <= node->log.n; i++)
		if (log_holds(committed, i, log_term(&node->log, i)))
			violation("leader completeness",
				  "node %u discards entry %llu, which is committed",
				  node->id, i);
}

static void write_base(struct node *node, struct write *write)
{
	u64 index;

	write->base = update.base_index;
	write->anew = update.base_discards;
	write->configuration = node_committed(node, &index);
	write->configuration_index = index;
	check_base(node, write);
	rebase(&node->log, write);
}

static void persist(struct node *node)
{
	struct write *write = &node->writes[node->n_writes];
	u32 i;

	if (!update.hard_state_changed && !update.n_entries &&
	    !update.base_changed)
		return;
	if (node->n_writes == WRITES_MAX ||
	    update.n_entries > WRITE_ENTRIES_MAX) {
		verdict.beyond = true;
		return;
	}
	memset(write, 0, sizeof(*write));
	write->hard_state = update.hard_state;
	write->seq = update.hard_state_seq;
	if (update.base_changed)
		write_base(node, write);
	if (update.n_entries) {
		write->first_index = update.first_index;
		check_replace(node, update.first_index);
	}
	for (i = 0; i < update.n_entries; i++) {
		if (!check_entry(node, update.first_index + i,
				 &update.entries[i]))
			return;
		write->entries[write->n++] = *log_at(&node->log, node->log.n);
	}
	write->last_index = node->log.n;
	write->last_term = log_term(&node->log, node->log.n);
	node->n_writes++;
}

static void end_proposals(struct node *node)
{
	struct raft_proposal *proposal, *next;

	list_for_each_entry_safe(proposal, next, &update.proposals_done, node) {
		list_del_init(&proposal->node);
		check_done(node, container_of(proposal, struct op, proposal));
	}
}

static void end_reads(struct node *node)
{
	struct raft_read *read, *next;

	list_for_each_entry_safe(read, next, &update.reads_done, node) {
		list_del_init(&read->node);
		check_read(node, container_of(read, struct lookup, read));
	}
}

/* In the order of the fields of struct raft_update. */
static void carry_out(struct node *node)
{
	u32 i;

	for (i = 0; i < update.n_transitions; i++)
		check_transition(node, &update.transitions[i]);
	node->current_term = core_of(node)->hard_state.current_term;
	persist(node);
	check_elected(node);
	for (i = 0; i < update.n_sends && !verdict.violated; i++)
		network_send(node, &update.sends[i]);
	if (update.commit_index)
		check_commit(node, update.commit_index);
	end_proposals(node);
	end_reads(node);
	node->deadline_ns = update.deadline_ns;
	raft_update_reset(&update);
}

static void step(struct node *node, struct raft_event *event)
{
	int error;

	event->now_ns = node->now_ns;
	error = raft_step(core_of(node), event, &update);
	if (error && error != -ENOTRECOVERABLE)
		violation("core", "node %u refuses an event: %d", node->id,
			  error);
}

static bool can_go_on(void)
{
	return !verdict.violated && !verdict.beyond;
}

/* Also what is due at once after it. */
static void batch(struct node *node, struct raft_event *event)
{
	struct raft_event time = { .type = RAFT_EVENT_TIME };
	u32 i;

	if (event)
		step(node, event);
	for (i = 0; can_go_on(); i++) {
		step(node, &time);
		carry_out(node);
		if (node->deadline_ns > node->now_ns)
			return;
		if (i == BATCHES_MAX)
			violation("core", "node %u is never done", node->id);
	}
}

/* The first of the writes under way is on the disk. */
static struct write complete(struct node *node)
{
	struct write write = node->writes[0];

	if (write.base) {
		rebase(&node->disk, &write);
		if (write.anew)
			memset(&node->replaced, 0, sizeof(node->replaced));
	}
	if (write.n) {
		if (write.first_index <= node->disk.n)
			node->replaced = node->disk;
		node->disk.n = write.first_index - 1;
		memcpy(&node->disk.entries[node->disk.n], write.entries,
		       write.n * sizeof(write.entries[0]));
		node->disk.n += write.n;
	}
	if (!is_behind(node->disk.n, log_term(&node->disk, node->disk.n),
		       node->lost.index, node->lost.term))
		memset(&node->lost, 0, sizeof(node->lost));
	check_disk(node, &write.hard_state);
	node->disk_hard_state = write.hard_state;
	node->n_writes--;
	memmove(node->writes, node->writes + 1,
		node->n_writes * sizeof(write));
	memset(&node->writes[node->n_writes], 0, sizeof(write));
	counters.writes++;
	return write;
}

static void report(struct node *node, const struct write *write)
{
	struct raft_event event = {
		.type = RAFT_EVENT_PERSISTED,
		.persisted.hard_state_seq = write->seq,
		.persisted.index = write->last_index,
		.persisted.term = write->last_term,
		.persisted.space_bytes = SPACE_BYTES,
	};

	node->persisted_seq = write->seq;
	step(node, &event);
	network_release(node);
	batch(node, NULL);
}

/* The first @n of them in one go: the core is told of the last. */
static void write_done(struct node *node, u32 n)
{
	struct write write;

	while (n--)
		write = complete(node);
	report(node, &write);
}

/* Writes that nothing is in the way of are done within the event. */
static void settle(struct node *node, bool idle, bool slow)
{
	verdict.wrote |= idle && node->n_writes;
	if (!idle)
		return;
	if (slow) {
		counters.delays++;
		return;
	}
	while (node->n_writes && can_go_on())
		write_done(node, 1);
}

void node_step(struct node *node, struct raft_event *event, bool slow)
{
	bool idle = !node->n_writes;

	batch(node, event);
	settle(node, idle, slow);
}

void node_disk(struct node *node, u32 n_written, bool slow)
{
	bool all = node->n_writes == n_written;

	write_done(node, n_written);
	settle(node, all, slow);
}

static void make_core(struct node *node)
{
	const struct raft_settings settings = {
		.node_id = node->id,
		.session = node->id * BOOTS_MAX + node->boot,
		/* Heartbeats and losses never add up to an election timeout. */
		.election_timeout_ns = 1000000 * NSEC_PER_SEC,
		.heartbeat_interval_ns = 10 * NSEC_PER_MSEC,
		.append_bytes_max = 1 << 20,
		.append_entries_max = bounds.append,
		.inflight_bytes_max = 1 << 20,
		.inflight_messages_max = bounds.inflight,
		.uncommitted_bytes_max = 1 << 20,
		.window_entries = 32,
		.proposals_max = PROPOSALS_MAX,
		.sessions_max = 1,
	};
	struct raft *r;

	assert(raft_footprint(&settings) &&
	       raft_footprint(&settings) <= sizeof(node->core));
	memset(node->core, 0, sizeof(node->core));
	r = raft_init(node->core, &settings, &node->rng);
	raft_provide_terms(r, node->runs, TERM_RUNS);
	raft_set_incarnation(r, incarnation(node->id, node->disk_number));
	raft_update_init(&update, update_entries, ENTRIES_MAX, update_sends,
			 SENDS_MAX);
}

static void start(struct node *node)
{
	if (raft_start(core_of(node), node->now_ns, &update))
		violation("start", "node %u does not start", node->id);
	else
		node_step(node, NULL, false);
}

void node_boot(struct node *node, u32 id)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(configurations); i++)
		make_configuration(i);
	node->id = id;
	node->rng.state = id;
	node->now_ns = NSEC_PER_SEC;
	make_core(node);
	if (raft_bootstrap(core_of(node), NULL, first_configuration(),
			   configuration_bytes, SPACE_BYTES, &update))
		violation("start", "node %u cannot be bootstrapped", id);
	else
		start(node);
}

static void forget(struct node *node)
{
	u32 i;

	node->boot++;
	node->role = RAFT_FOLLOWER;
	node->commit_index = 0;
	node->persisted_seq = 0;
	memset(node->writes, 0, sizeof(node->writes));
	node->n_writes = 0;
	node->n_parked = 0;
	for (i = 0; i < world.common.n_ops; i++)
		if (world.common.ops[i].node == node->id &&
		    world.common.ops[i].state == OP_PENDING)
			world.common.ops[i].state = OP_UNKNOWN;
	for (i = 0; i < world.common.n_lookups; i++)
		if (world.common.lookups[i].node == node->id &&
		    world.common.lookups[i].state == OP_PENDING)
			world.common.lookups[i].state = OP_UNKNOWN;
}

/* In the order in which the module does it. */
static int restore(struct node *node)
{
	struct raft *r = core_of(node);
	struct raft_entry entry;
	const struct log *disk = &node->disk;
	int error = 0;
	u64 i;

	if (disk->base)
		error = raft_restore_base(r, disk->base,
					  log_term(disk, disk->base),
					  configurations[disk->configuration],
					  configuration_bytes,
					  disk->configuration_index);
	if (error)
		return error;
	for (i = disk->base + 1; i <= disk->n; i++) {
		node_entry(&entry, log_at(&node->disk, i));
		error = raft_restore_entry(r, i, &entry);
		if (error)
			return error;
	}
	if (node->disk_hard_state.current_term)
		error = raft_restore_hard_state(r, &node->disk_hard_state,
						SPACE_BYTES);
	if (!error && !node->disk.n)
		error = raft_bootstrap(r, NULL, first_configuration(),
				       configuration_bytes, SPACE_BYTES,
				       &update);
	return error ? error :
		       raft_restore_lost(r, node->lost.index, node->lost.term);
}

/* Down and up again; of the writes under way the first @n_written were done. */
void node_crash(struct node *node, u32 n_written)
{
	int error;

	while (n_written--) {
		counters.writes_unreported++;
		complete(node);
	}
	counters.writes_lost += node->n_writes;
	forget(node);
	make_core(node);
	node->log = node->disk;
	node->commit_index = node->disk.base;
	node->current_term = node->disk_hard_state.current_term;
	error = restore(node);
	if (error)
		violation("start", "node %u: what it finds is refused: %d",
			  node->id, error);
	else
		start(node);
}

/* What is committed stays on a majority, or nothing could bring it back. */
static bool may_be_harmed(const struct node *node)
{
	u32 i, n = 0;

	for (i = 0; i < bounds.nodes; i++) {
		const struct node *other = &world.nodes[i];

		n += (other->rotted || other->disk_number) && other != node;
	}
	return n < (bounds.nodes - 1) / 2;
}

/*
 * The log ends before the first batch that is damaged: it is what it was some time
 * before, which may be what was replaced since.
 */
bool node_may_be_damaged(const struct node *node, u32 n_left)
{
	const struct log *disk = &node->disk, *replaced = &node->replaced;

	if (!may_be_harmed(node))
		return false;
	/* What went before the log is not on it to be damaged. */
	if ((n_left & ~DAMAGE_REPLACED) < disk->base)
		return false;
	if (!(n_left & DAMAGE_REPLACED))
		return n_left < disk->n;
	n_left &= ~DAMAGE_REPLACED;
	return n_left > disk->base && n_left <= replaced->n &&
	       !log_holds(disk, n_left, log_term(replaced, n_left));
}

/* Power fails, and of the log on the disk only the first entries are left. */
void node_damage(struct node *node, u32 n_left)
{
	struct log *disk = &node->disk;
	u8 term = log_term(disk, disk->n);

	if (is_behind(node->lost.index, node->lost.term, disk->n, term)) {
		node->lost.index = disk->n;
		node->lost.term = term;
	}
	if (n_left & DAMAGE_REPLACED)
		memcpy(disk->entries, node->replaced.entries,
		       sizeof(disk->entries));
	disk->n = n_left & ~DAMAGE_REPLACED;
	node->rotted = true;
	node->was_rotted = true;
	node_crash(node, 0);
}

/* Until the first configuration with all disks is committed, each is needed. */
bool node_may_be_wiped(const struct node *node)
{
	return node->disk_number + 1 < DISKS_MAX &&
	       world.common.committed.n > 1 && may_be_harmed(node);
}

/* Down, and up again with an empty disk. */
void node_wipe(struct node *node)
{
	node->disk_number++;
	node->rotted = false;
	memset(&node->disk_hard_state, 0, sizeof(node->disk_hard_state));
	memset(&node->disk, 0, sizeof(node->disk));
	memset(&node->replaced, 0, sizeof(node->replaced));
	memset(&node->lost, 0, sizeof(node->lost));
	node_crash(node, 0);
}
