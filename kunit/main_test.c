// SPDX-License-Identifier: GPL-2.0
/* The suites of raftlog: one list, in a kernel and in user space. */
#ifdef __KERNEL__
#include <linux/module.h>
#endif

#include "suites.h"

kunit_test_suites(&raftlog_raft_log_suite, &raftlog_raft_memory_suite,
		  &raftlog_raft_quorum_suite,
		  &raftlog_raft_election_suite,
		  &raftlog_raft_replication_suite, &raftlog_raft_proposal_suite,
		  &raftlog_raft_read_suite,
		  &raftlog_raft_expected_suite,
		  &raftlog_raft_paper_suite, &raftlog_raft_paper_log_suite,
		  &raftlog_raft_network_suite, &raftlog_raft_network_log_suite,
		  &raftlog_raft_learner_suite,
		  &raftlog_raft_membership_suite,
		  &raftlog_raft_transfer_suite,
		  &raftlog_raft_lease_suite, &raftlog_raft_settings_suite,
		  &raftlog_raft_compaction_suite,
		  &raftlog_raft_sessions_suite,
		  &raftlog_raft_snapshot_suite, &raftlog_raft_chunk_suite,
		  &raftlog_raft_network_snapshot_suite, &raftlog_raft_known_suite,
		  &raftlog_raft_recovery_suite, &raftlog_raft_feature_suite,
		  &raftlog_wal_suite, &raftlog_wal_superblock_suite,
		  &raftlog_wal_head_suite,
		  &raftlog_wal_damage_suite, &raftlog_wal_torn_suite,
		  &raftlog_wal_peers_suite, &raftlog_wal_snapshot_suite,
		  &raftlog_wire_suite, &raftlog_wire_bulk_suite,
		  &raftlog_wire_crypto_suite, &raftlog_wire_channel_suite,
		  &raftlog_device_suite, &raftlog_request_suite);

MODULE_DESCRIPTION("KUnit suites of raftlog");
MODULE_LICENSE("GPL");
