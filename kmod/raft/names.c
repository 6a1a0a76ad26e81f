// SPDX-License-Identifier: GPL-2.0
/* One spelling of each name for logs, traces and sysfs. */
#include "raft.h"

#define NAME_OF(table, value)                                          \
	((value) < ARRAY_SIZE(table) && (table)[value] ? (table)[value] : \
							 "unknown")

const char *raft_role_name(u8 role)
{
	static const char *const names[] = {
		[RAFT_FOLLOWER] = "follower",
		[RAFT_PRE_CANDIDATE] = "pre_candidate",
		[RAFT_CANDIDATE] = "candidate",
		[RAFT_LEADER] = "leader",
		[RAFT_LEARNER] = "learner",
		[RAFT_FAILED] = "failed",
	};

	return NAME_OF(names, role);
}

const char *raft_reason_name(u8 reason)
{
	static const char *const names[] = {
		[RAFT_REASON_NONE] = "none",
		[RAFT_REASON_STARTED] = "started",
		[RAFT_REASON_ELECTION_TIMEOUT] = "election_timeout",
		[RAFT_REASON_PRE_VOTE_WON] = "pre_vote_won",
		[RAFT_REASON_VOTE_WON] = "vote_won",
		[RAFT_REASON_HIGHER_TERM] = "higher_term",
		[RAFT_REASON_LEADER_SEEN] = "leader_seen",
		[RAFT_REASON_VOTE_LOST] = "vote_lost",
		[RAFT_REASON_QUORUM_LOST] = "quorum_lost",
		[RAFT_REASON_DISK_STALLED] = "disk_stalled",
		[RAFT_REASON_STORAGE_FAILED] = "storage_failed",
		[RAFT_REASON_INVARIANT] = "invariant",
		[RAFT_REASON_MEMBERSHIP] = "membership",
		[RAFT_REASON_TRANSFERRED] = "transferred",
		[RAFT_REASON_FEATURE_LEVEL] = "feature_level",
	};

	return NAME_OF(names, reason);
}

const char *raft_edge_name(u8 edge)
{
	static const char *const names[] = {
		[RAFT_EDGE_JOIN] = "join",
		[RAFT_EDGE_TIMEOUT] = "timeout",
		[RAFT_EDGE_SPLIT_VOTE] = "split_vote",
		[RAFT_EDGE_MAJORITY] = "majority",
		[RAFT_EDGE_STEP_DOWN] = "step_down",
		[RAFT_EDGE_NO_MAJORITY] = "no_majority",
		[RAFT_EDGE_FAILED] = "failed",
	};

	return NAME_OF(names, edge);
}

const char *raft_message_type_name(u8 type)
{
	static const char *const names[] = {
		[RAFT_REQUEST_VOTE] = "RequestVote",
		[RAFT_REQUEST_VOTE_RESPONSE] = "RequestVoteResponse",
		[RAFT_APPEND_ENTRIES] = "AppendEntries",
		[RAFT_APPEND_ENTRIES_RESPONSE] = "AppendEntriesResponse",
		[RAFT_PROPOSE] = "Propose",
		[RAFT_PROPOSE_RESPONSE] = "ProposeResponse",
		[RAFT_READ_INDEX] = "ReadIndex",
		[RAFT_READ_INDEX_RESPONSE] = "ReadIndexResponse",
		[RAFT_TIMEOUT_NOW] = "TimeoutNow",
		[RAFT_INSTALL_SNAPSHOT] = "InstallSnapshot",
		[RAFT_INSTALL_SNAPSHOT_RESPONSE] = "InstallSnapshotResponse",
		[RAFT_FEATURE_LEVEL] = "FeatureLevel",
	};

	return NAME_OF(names, type);
}

const char *raft_progress_name(u8 progress)
{
	static const char *const names[] = {
		[RAFT_PROGRESS_PROBE] = "probe",
		[RAFT_PROGRESS_REPLICATE] = "replicate",
		[RAFT_PROGRESS_SNAPSHOT] = "snapshot",
	};

	return NAME_OF(names, progress);
}

const char *raft_transfer_cause_name(u8 cause)
{
	static const char *const names[] = {
		[RAFT_TRANSFER_REQUESTED] = "requested",
		[RAFT_TRANSFER_SHUTDOWN] = "shutdown",
		[RAFT_TRANSFER_PRIORITY] = "priority",
		[RAFT_TRANSFER_DISK_STALLED] = "disk_stalled",
		[RAFT_TRANSFER_REMOVED] = "removed",
	};

	return NAME_OF(names, cause);
}
