/* SPDX-License-Identifier: GPL-2.0 */
/* All suites, in the order they run: kunit/main_test.c. */
#ifndef RAFTLOG_KUNIT_SUITES_H
#define RAFTLOG_KUNIT_SUITES_H

#include <kunit/test.h>

extern struct kunit_suite raftlog_raft_log_suite;
extern struct kunit_suite raftlog_raft_memory_suite;
extern struct kunit_suite raftlog_raft_quorum_suite;
extern struct kunit_suite raftlog_raft_election_suite;
extern struct kunit_suite raftlog_raft_replication_suite;
extern struct kunit_suite raftlog_raft_proposal_suite;
extern struct kunit_suite raftlog_raft_read_suite;
extern struct kunit_suite raftlog_raft_expected_suite;
extern struct kunit_suite raftlog_raft_paper_suite;
extern struct kunit_suite raftlog_raft_paper_log_suite;
extern struct kunit_suite raftlog_raft_network_suite;
extern struct kunit_suite raftlog_raft_network_log_suite;
extern struct kunit_suite raftlog_raft_learner_suite;
extern struct kunit_suite raftlog_raft_membership_suite;
extern struct kunit_suite raftlog_raft_transfer_suite;
extern struct kunit_suite raftlog_raft_lease_suite;
extern struct kunit_suite raftlog_raft_settings_suite;
extern struct kunit_suite raftlog_raft_compaction_suite;
extern struct kunit_suite raftlog_raft_sessions_suite;
extern struct kunit_suite raftlog_raft_snapshot_suite;
extern struct kunit_suite raftlog_raft_chunk_suite;
extern struct kunit_suite raftlog_raft_network_snapshot_suite;
extern struct kunit_suite raftlog_raft_known_suite;
extern struct kunit_suite raftlog_raft_recovery_suite;
extern struct kunit_suite raftlog_raft_feature_suite;
extern struct kunit_suite raftlog_wal_suite;
extern struct kunit_suite raftlog_wal_superblock_suite;
extern struct kunit_suite raftlog_wal_head_suite;
extern struct kunit_suite raftlog_wal_damage_suite;
extern struct kunit_suite raftlog_wal_torn_suite;
extern struct kunit_suite raftlog_wal_peers_suite;
extern struct kunit_suite raftlog_wal_snapshot_suite;
extern struct kunit_suite raftlog_wire_suite;
extern struct kunit_suite raftlog_wire_bulk_suite;
extern struct kunit_suite raftlog_wire_crypto_suite;
extern struct kunit_suite raftlog_wire_channel_suite;
extern struct kunit_suite raftlog_device_suite;
extern struct kunit_suite raftlog_request_suite;

#endif /* RAFTLOG_KUNIT_SUITES_H */
