/* SPDX-License-Identifier: GPL-2.0 */
/* How often what happened: shows whether the fault mix reaches everything. */
#ifndef RAFTLOG_SIM_COUNTERS_H
#define RAFTLOG_SIM_COUNTERS_H

#include "pure.h"

/* In groups of one line each, as they are printed. */
#define SIM_COUNTERS(X)                          \
	X(seeds, "seeds")                        \
	X(events, "events")                      \
	X(batches, "batches")                    \
	X(virtual_ms, "virtual ms")              \
	X(edge_0, "edge 0 join")                 \
	X(edge_1, "edge 1 timeout")              \
	X(edge_2, "edge 2 split vote")           \
	X(edge_3, "edge 3 majority")             \
	X(edge_4, "edge 4 step down")            \
	X(edge_5, "edge 5 no majority")          \
	X(votes_granted, "votes granted")        \
	X(quorum_lost, "quorum lost")            \
	X(disk_stalled, "disk stalled")          \
	X(appended, "entries appended")          \
	X(committed, "entries committed")        \
	X(truncations, "truncations")            \
	X(acks_checked, "acks checked")          \
	X(proposed, "proposals")                 \
	X(op_ok, "ok")                           \
	X(op_never, "never in the log")          \
	X(op_unknown, "unknown")                 \
	X(op_no_space, "ENOSPC")                 \
	X(op_busy, "EBUSY")                      \
	X(deduplicated, "duplicate proposals")   \
	X(no_room, "no room for forwarded")      \
	X(sessions_opened, "sessions opened")    \
	X(sessions_reopened, "opened again")     \
	X(sessions_expired, "expired")           \
	X(sessions_reset, "all expired")         \
	X(sessions_checked, "sessions checked")  \
	X(checkpoints, "checkpoints")            \
	X(retries, "retries")                    \
	X(retries_ok, "retries ok")              \
	X(sessions_stale, "not open")            \
	X(sequences_stale, "sequence too old")   \
	X(full_logs, "full logs")                \
	X(full_seeds, "seeds ending full")       \
	X(catch_ups, "catch-up reads")           \
	X(step_again, "EAGAIN")                  \
	X(step_no_memory, "ENOMEM")              \
	X(growths, "cores grown")                \
	X(parked, "messages parked")             \
	X(writes, "disk writes")                 \
	X(group_commits, "group commits")        \
	X(slot_writes, "slot writes")            \
	X(slots_renewed, "slots renewed")        \
	X(compactions, "compactions")            \
	X(heads_moved, "heads moved")            \
	X(based, "restarts from a base")         \
	X(snapshots_sent, "snapshots sent")      \
	X(snapshots_taken, "snapshots taken")    \
	X(conflicts_discarded, "conflicts discarded") \
	X(installs_torn, "installs torn")	 \
	X(snapshots_made, "states written")      \
	X(chunks_sent, "chunks sent")            \
	X(chunks_stored, "chunks stored")        \
	X(snapshots_installed, "states installed") \
	X(snapshots_torn, "seals torn")          \
	X(snapshots_gone, "states unreadable")   \
	X(transfers_interrupted, "installs interrupted") \
	X(seeds_interrupted, "seeds with that")  \
	X(trims_torn, "head moves torn")         \
	X(crashes, "crashes")                    \
	X(shutdowns, "orderly stops")            \
	X(restarts, "restarts")                  \
	X(torn_writes, "torn writes")            \
	X(torn_recovered, "torn tails cut")      \
	X(disk_failures, "disk failures")        \
	X(wishes, "changes asked for")           \
	X(changes, "changes begun")              \
	X(change_busy, "one at a time")          \
	X(change_too_early, "too early")         \
	X(configurations, "configurations")      \
	X(joint, "joint configurations")         \
	X(changes_apart, "while partitioned")    \
	X(seeds_apart, "seeds with such")        \
	X(witnessed, "entries to a witness")     \
	X(leaders_removed, "leaders removed")    \
	X(readmitted, "disks readmitted")        \
	X(rotted, "places rotted")                 \
	X(copies_rotted, "copies rotted")        \
	X(damaged, "logs damaged")               \
	X(gaps_passed, "heads past damage")      \
	X(gaps_merged, "gaps merged")            \
	X(wiped, "disks wiped")                  \
	X(put_back, "old disks back")            \
	X(swapped, "disks swapped")              \
	X(refused, "swapped disks refused")      \
	X(repaired, "logs repaired")             \
	X(quorums_lost, "quorums lost")          \
	X(recoveries_ahead, "begun with a state") \
	X(recoveries_blind, "begun without states") \
	X(recoveries_cut, "recoveries cut")      \
	X(recoveries_refused, "refused without states") \
	X(snapshots_stale, "states of what it gave up") \
	X(foreign, "of another cluster")         \
	X(upgraded, "nodes upgraded")            \
	X(levels_raised, "levels raised")        \
	X(left_behind, "too old to join")        \
	X(disk_stalls, "slow writes")            \
	X(pauses, "owner pauses")                \
	X(jumps, "clock jumps")                  \
	X(settings, "settings changed")          \
	X(partitions, "partitions")              \
	X(twins, "twins")                        \
	X(misled, "heard by a twin")             \
	X(sent, "datagrams sent")                \
	X(lost, "lost")                          \
	X(cut, "cut off")                        \
	X(duplicated, "duplicated")              \
	X(corrupted, "corrupted")                \
	X(overflowed, "queue full")              \
	X(keys_asked, "keys asked for")          \
	X(keys_agreed, "keys agreed on")         \
	X(keys_waited, "waiting for a key")      \
	X(keys_stale, "of an unknown key")       \
	X(keys_rejected, "and told so")          \
	X(rotations, "keys exchanged")           \
	X(channels_forgotten, "channels forgotten") \
	X(attacks, "forged or replayed")         \
	X(replays_refused, "replays refused")    \
	X(failpoints, "failpoints fired")	 \
	X(leases_checked, "leases checked")      \
	X(reads, "reads")                        \
	X(reads_by_round, "read by round")       \
	X(reads_by_lease, "read by lease")       \
	X(leases_unsound, "leases unsound")      \
	X(reads_failed, "reads failed")          \
	X(read_requests, "reads forwarded")     \
	X(transfers_requested, "transfers requested") \
	X(transfers_shutdown, "at a stop")	 \
	X(transfers_priority, "for priority")	 \
	X(transfers_stalled, "of slow disks")	 \
	X(transfers_removed, "of removed ones")	 \
	X(transfers_refused, "transfers refused") \
	X(transfers_aborted, "aborted")		 \
	X(transferred, "leaders by transfer")	 \
	X(timeout_now_ignored, "TimeoutNow too late")

struct counters {
#define X(name, text) u64 name;
	SIM_COUNTERS(X)
#undef X
};

#endif /* RAFTLOG_SIM_COUNTERS_H */
