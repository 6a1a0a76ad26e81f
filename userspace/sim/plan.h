/* SPDX-License-Identifier: GPL-2.0 */
/* What a seed decides before anything happens: cluster, limits, fault mix. */
#ifndef RAFTLOG_SIM_PLAN_H
#define RAFTLOG_SIM_PLAN_H

#include "failpoint.h"
#include "pure.h"

enum { NODES_MAX = 7 };

/**
 * enum fault - what goes wrong, by weight in struct plan
 * @FAULT_CRASH: a node loses power
 * @FAULT_CRASH_LEADER: the leader does
 * @FAULT_CRASH_ALL: all do at once
 * @FAULT_SHUTDOWN: a node is stopped in order
 * @FAULT_PARTITION_UNIFORM: two sides drawn at random
 * @FAULT_PARTITION_ISOLATE: one node alone
 * @FAULT_PARTITION_LEADER: the leader alone
 * @FAULT_PARTITION_ONE_WAY: one node is heard but hears nothing, or the reverse
 * @FAULT_PARTITION_BRIDGE: two sides that one node sees both of
 * @FAULT_PARTITION_CHAIN: each node sees the one before and the one behind it
 * @FAULT_HEAL: the network is whole again
 * @FAULT_PAUSE: a node's owner thread does not run for a while
 * @FAULT_STALL: a node's next writes take long
 * @FAULT_DISK: a node's next write fails
 * @FAULT_JUMP: a node's clock leaps ahead
 * @FAULT_SET: a node is given other timeouts
 * @FAULT_SWAP: the disks of two nodes that are down change places
 * @FAULT_TWIN: a second machine with the id and the address of a node, and a disk
 *	of its own, is started by mistake, or stopped
 * @FAULT_TRANSFER: somebody wants another leader
 * @FAULTS: how many
 */
enum fault {
	FAULT_CRASH,
	FAULT_CRASH_LEADER,
	FAULT_CRASH_ALL,
	FAULT_SHUTDOWN,
	FAULT_PARTITION_UNIFORM,
	FAULT_PARTITION_ISOLATE,
	FAULT_PARTITION_LEADER,
	FAULT_PARTITION_ONE_WAY,
	FAULT_PARTITION_BRIDGE,
	FAULT_PARTITION_CHAIN,
	FAULT_HEAL,
	FAULT_PAUSE,
	FAULT_STALL,
	FAULT_DISK,
	FAULT_JUMP,
	FAULT_SET,
	FAULT_SWAP,
	FAULT_TWIN,
	FAULT_TRANSFER,
	FAULTS,
};

/**
 * struct plan - drawn from the seed
 * @n_nodes: members at first; 1 … NODES_MAX
 * @n_learners: of these, the last ones have no vote
 * @n_newcomers: more nodes, that are no members at first
 * @witnesses: bit: id; nodes that are, or will be, members as witnesses
 * @change_interval_ns: mean time between changes of the members, 0: none
 * @election_timeout_ns: see struct raft_settings, as what follows
 * @heartbeat_interval_ns: likewise
 * @append_bytes_max: likewise
 * @append_entries_max: likewise
 * @inflight_bytes_max: likewise
 * @inflight_messages_max: likewise
 * @uncommitted_bytes_max: likewise
 * @window_entries: likewise
 * @proposals_max: likewise
 * @priorities: likewise, of each node
 * @update_entries: room for entries in an update
 * @update_sends: room for messages in an update
 * @term_runs: room for runs of terms at start
 * @cache_entries: newest entries that are in memory
 * @batch_events: most events of one batch
 * @inbox_items: most datagrams waiting
 * @wake_ns: longest until the owner runs
 * @drift: clocks are off by up to this many thousandths
 * @area_bytes: log area
 * @block_bytes: block of the disk
 * @map_slots: of struct wal_map
 * @write_ns_min: shortest write
 * @write_ns_max: longest write when nothing is wrong
 * @group_requests: most requests of one write
 * @rot: chance that the disk is damaged while a node is down
 * @wipe: chance that it is replaced by an empty one
 * @put_back: chance that the disk that was there before is put back
 * @compact: chance that entries go when the owner runs
 * @snapshot: chance that the application takes a snapshot then; 0: it never does,
 *	and entries go without
 * @snapshot_variants: no two nodes write the same state with the same bytes
 * @snapshot_bytes_max: longest
 * @snapshot_bytes_per_s: see struct raft_settings
 * @snapshot_lost: chance that one turns out to be unreadable when it is sent
 * @chunk_bytes: see struct wal_snapshot
 * @delay_ns_min: of a datagram
 * @delay_ns_max: of a datagram when nothing is wrong
 * @slow_ns: of a datagram that is late
 * @slow: chance of that
 * @lanes: what carries entries stays in order from one node to another
 * @loss: chance that a datagram is lost, as what follows
 * @duplicate: comes twice
 * @late_duplicates: the second time late
 * @corrupt: comes with some bits wrong
 * @keyed: all is encrypted
 * @epoch_datagrams: see struct wire_keyring, 0: as the module does
 * @epoch_ns: likewise
 * @rotate_interval_ns: most between two steps of an exchange of keys, 0: there is none
 * @forget: chance that a channel is forgotten when something comes
 * @attack: chance that somebody forges or replays a datagram when one is sent
 * @failpoints: chance that it fires, each time
 * @fault_interval_ns: mean time between faults
 * @faults: weight of each
 * @repair_ns_max: longest until a crashed node is back
 * @fault_phase_ns: when all faults end
 * @power_cycle: they end with all nodes crashing
 * @upgrade: nodes begin with the version before, and get this one at a restart with
 *	this chance; 0: all have it from the beginning
 * @lose_quorum: and with but one of them left, see survivor.h
 * @propose_interval_ns: mean time between proposals
 * @burst: most at once
 * @payload_max: longest payload
 * @op_timeout_ns: longest a client waits
 * @n_programs: with sessions of their own
 * @sessions_max: see struct raft_settings
 * @program_restart: chance that a program is started again when it does something
 * @read_interval_ns: mean time between reads
 * @read_burst: most at once
 * @read_lease: chance that one is by lease
 * @read_timeout_ns: longest a reader waits
 */
struct plan {
	u32 n_nodes;
	u32 n_learners;
	u32 n_newcomers;
	u32 witnesses;
	u64 change_interval_ns;
	u64 election_timeout_ns;
	u64 heartbeat_interval_ns;
	u32 append_bytes_max;
	u32 append_entries_max;
	u32 inflight_bytes_max;
	u32 inflight_messages_max;
	u32 uncommitted_bytes_max;
	u32 window_entries;
	u32 proposals_max;
	u8 priorities[NODES_MAX];
	u32 update_entries;
	u32 update_sends;
	u32 term_runs;
	u32 cache_entries;
	u32 batch_events;
	u32 inbox_items;
	u64 wake_ns;
	u32 drift;

	u64 area_bytes;
	u32 block_bytes;
	u32 map_slots;
	u64 write_ns_min;
	u64 write_ns_max;
	u32 group_requests;
	u32 rot;
	u32 wipe;
	u32 put_back;
	u32 compact;
	u32 snapshot;
	bool snapshot_variants;
	u32 snapshot_bytes_max;
	u64 snapshot_bytes_per_s;
	u32 snapshot_lost;
	u32 chunk_bytes;

	u64 delay_ns_min;
	u64 delay_ns_max;
	u64 slow_ns;
	u32 slow;
	bool lanes;
	u32 loss;
	u32 duplicate;
	bool late_duplicates;
	u32 corrupt;
	bool keyed;
	u64 epoch_datagrams;
	u64 epoch_ns;
	u64 rotate_interval_ns;
	u32 forget;
	u32 attack;

	u32 failpoints[RAFTLOG_FAILPOINTS_N];

	u64 fault_interval_ns;
	u32 faults[FAULTS];
	u64 repair_ns_max;
	u64 fault_phase_ns;
	bool power_cycle;
	u32 upgrade;
	bool lose_quorum;

	u64 propose_interval_ns;
	u32 burst;
	u32 payload_max;
	u64 op_timeout_ns;

	u32 n_programs;
	u32 sessions_max;
	u32 program_restart;
	u64 read_interval_ns;
	u32 read_burst;
	u32 read_lease;
	u64 read_timeout_ns;
};

/**
 * plan_draw() - make a plan
 * @plan: filled in
 * @seed: decides it
 * @n_nodes: 0: drawn as well
 */
void plan_draw(struct plan *plan, u64 seed, u32 n_nodes);

#endif /* RAFTLOG_SIM_PLAN_H */
