// SPDX-License-Identifier: GPL-2.0
/*
 * Pins the ABI: size and offset of every field, request and number in
 * uapi/linux/raftlog.h. If this does not compile, programs built before would not
 * run any more: append fields, take reserved ones, never move one.
 */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#include <linux/raftlog.h>

#define SIZE(type, bytes) \
	static_assert(sizeof(struct type) == (bytes), "size of " #type)
#define OFFSET(type, field, offset, bytes)                                \
	static_assert(offsetof(struct type, field) == (offset) &&          \
			      sizeof(((struct type *)0)->field) == (bytes), \
		      #type "." #field)
#define REQUEST(name, number) \
	static_assert(RAFTLOG_IOC_##name == (number), #name)
#define VALUE(name, number) static_assert((name) == (number), #name)

SIZE(raftlog_addr, 24);
OFFSET(raftlog_addr, family, 0, 2);
OFFSET(raftlog_addr, port, 2, 2);
OFFSET(raftlog_addr, scope_id, 4, 4);
OFFSET(raftlog_addr, ip, 8, 16);

SIZE(raftlog_member, 32);
OFFSET(raftlog_member, id, 0, 4);
OFFSET(raftlog_member, kind, 4, 2);
OFFSET(raftlog_member, flags, 6, 2);
OFFSET(raftlog_member, addr, 8, 24);

SIZE(raftlog_version, 48);
OFFSET(raftlog_version, abi, 0, 4);
OFFSET(raftlog_version, wal_format, 4, 4);
OFFSET(raftlog_version, wire_version, 8, 4);
OFFSET(raftlog_version, feature_level, 12, 4);
OFFSET(raftlog_version, release, 16, 32);

SIZE(raftlog_start, 256);
OFFSET(raftlog_start, flags, 0, 4);
OFFSET(raftlog_start, node_id, 4, 4);
OFFSET(raftlog_start, wal_fd, 8, 4);
OFFSET(raftlog_start, snapshot_fd, 12, 8);
OFFSET(raftlog_start, n_members, 20, 4);
OFFSET(raftlog_start, members, 24, 8);
OFFSET(raftlog_start, cluster_name, 32, 32);
OFFSET(raftlog_start, listen, 64, 24);
OFFSET(raftlog_start, election_timeout_ms, 88, 4);
OFFSET(raftlog_start, heartbeat_interval_ms, 92, 4);
OFFSET(raftlog_start, append_timeout_ms, 96, 4);
OFFSET(raftlog_start, max_entry_bytes, 100, 4);
OFFSET(raftlog_start, datagram_bytes, 104, 4);
OFFSET(raftlog_start, inflight_messages, 108, 4);
OFFSET(raftlog_start, cache_bytes, 112, 8);
OFFSET(raftlog_start, inflight_bytes, 120, 8);
OFFSET(raftlog_start, cluster_id, 128, 8);
OFFSET(raftlog_start, priority, 136, 4);
OFFSET(raftlog_start, __reserved_priority, 140, 4);
OFFSET(raftlog_start, retain_entries, 144, 8);
OFFSET(raftlog_start, retain_bytes, 152, 8);
OFFSET(raftlog_start, snapshot_trailing, 160, 8);
OFFSET(raftlog_start, snapshot_bytes_per_s, 168, 8);
OFFSET(raftlog_start, __reserved, 176, 16);
OFFSET(raftlog_start, key, 192, 64);

SIZE(raftlog_set_key, 96);
OFFSET(raftlog_set_key, flags, 0, 4);
OFFSET(raftlog_set_key, step, 4, 4);
OFFSET(raftlog_set_key, grace_ms, 8, 4);
OFFSET(raftlog_set_key, __reserved_grace, 12, 4);
OFFSET(raftlog_set_key, name, 16, 64);
OFFSET(raftlog_set_key, __reserved, 80, 16);

SIZE(raftlog_stop, 8);
OFFSET(raftlog_stop, flags, 0, 4);
OFFSET(raftlog_stop, __reserved, 4, 4);

SIZE(raftlog_status, 320);
OFFSET(raftlog_status, state, 0, 4);
OFFSET(raftlog_status, role, 4, 4);
OFFSET(raftlog_status, node_id, 8, 4);
OFFSET(raftlog_status, leader_id, 12, 4);
OFFSET(raftlog_status, cluster_id, 16, 8);
OFFSET(raftlog_status, current_term, 24, 8);
OFFSET(raftlog_status, voted_for, 32, 4);
OFFSET(raftlog_status, reason, 36, 4);
OFFSET(raftlog_status, first_index, 40, 8);
OFFSET(raftlog_status, last_index, 48, 8);
OFFSET(raftlog_status, last_term, 56, 8);
OFFSET(raftlog_status, durable_index, 64, 8);
OFFSET(raftlog_status, commit_index, 72, 8);
OFFSET(raftlog_status, last_applied, 80, 8);
OFFSET(raftlog_status, lease_remaining_ns, 88, 8);
OFFSET(raftlog_status, log_bytes, 96, 8);
OFFSET(raftlog_status, log_bytes_free, 104, 8);
OFFSET(raftlog_status, cache_bytes, 112, 8);
OFFSET(raftlog_status, n_pending, 120, 4);
OFFSET(raftlog_status, n_members, 124, 4);
OFFSET(raftlog_status, event_seq, 128, 8);
OFFSET(raftlog_status, uptime_ms, 136, 8);
OFFSET(raftlog_status, failure, 144, 96);
OFFSET(raftlog_status, lost_index, 240, 8);
OFFSET(raftlog_status, configuration_index, 248, 8);
OFFSET(raftlog_status, changing, 256, 4);
OFFSET(raftlog_status, transferee, 260, 4);
OFFSET(raftlog_status, priority, 264, 4);
OFFSET(raftlog_status, n_sessions, 268, 4);
OFFSET(raftlog_status, snapshot_index, 272, 8);
OFFSET(raftlog_status, snapshot_bytes, 280, 8);
OFFSET(raftlog_status, incoming_index, 288, 8);
OFFSET(raftlog_status, incoming_bytes, 296, 8);
OFFSET(raftlog_status, incoming_offset, 304, 8);
OFFSET(raftlog_status, feature_level, 312, 2);
OFFSET(raftlog_status, feature_level_max, 314, 2);
OFFSET(raftlog_status, __reserved, 316, 4);

SIZE(raftlog_peer, 96);
OFFSET(raftlog_peer, member, 0, 32);
OFFSET(raftlog_peer, flags, 32, 4);
OFFSET(raftlog_peer, progress, 36, 4);
OFFSET(raftlog_peer, next_index, 40, 8);
OFFSET(raftlog_peer, match_index, 48, 8);
OFFSET(raftlog_peer, inflight_messages, 56, 4);
OFFSET(raftlog_peer, replaces, 60, 4);
OFFSET(raftlog_peer, inflight_bytes, 64, 8);
OFFSET(raftlog_peer, last_contact_ms, 72, 8);
OFFSET(raftlog_peer, rtt_ns, 80, 8);
OFFSET(raftlog_peer, priority, 88, 4);
OFFSET(raftlog_peer, feature_level, 92, 4);

SIZE(raftlog_members, 24);
OFFSET(raftlog_members, flags, 0, 4);
OFFSET(raftlog_members, n_peers, 4, 4);
OFFSET(raftlog_members, peers, 8, 8);
OFFSET(raftlog_members, peer_bytes, 16, 4);
OFFSET(raftlog_members, __reserved, 20, 4);

SIZE(raftlog_change, 40);
OFFSET(raftlog_change, type, 0, 4);
OFFSET(raftlog_change, flags, 4, 4);
OFFSET(raftlog_change, id, 8, 4);
OFFSET(raftlog_change, new_id, 12, 4);
OFFSET(raftlog_change, addr, 16, 24);

SIZE(raftlog_change_members, 32);
OFFSET(raftlog_change_members, flags, 0, 4);
OFFSET(raftlog_change_members, n_changes, 4, 4);
OFFSET(raftlog_change_members, changes, 8, 8);
OFFSET(raftlog_change_members, change_bytes, 16, 4);
OFFSET(raftlog_change_members, timeout_ms, 20, 4);
OFFSET(raftlog_change_members, index, 24, 8);

SIZE(raftlog_append, 48);
OFFSET(raftlog_append, data, 0, 8);
OFFSET(raftlog_append, bytes, 8, 4);
OFFSET(raftlog_append, flags, 12, 4);
OFFSET(raftlog_append, timeout_ms, 16, 4);
OFFSET(raftlog_append, __reserved, 20, 4);
OFFSET(raftlog_append, index, 24, 8);
OFFSET(raftlog_append, term, 32, 8);
OFFSET(raftlog_append, sequence, 40, 8);
SIZE(raftlog_session, 104);
OFFSET(raftlog_session, name, 0, 64);
OFFSET(raftlog_session, flags, 64, 4);
OFFSET(raftlog_session, timeout_ms, 68, 4);
OFFSET(raftlog_session, created, 72, 8);
OFFSET(raftlog_session, opened, 80, 8);
OFFSET(raftlog_session, last_sequence, 88, 8);
OFFSET(raftlog_session, last_index, 96, 8);
SIZE(raftlog_session_info, 48);
OFFSET(raftlog_session_info, key, 0, 8);
OFFSET(raftlog_session_info, created, 8, 8);
OFFSET(raftlog_session_info, opened, 16, 8);
OFFSET(raftlog_session_info, used, 24, 8);
OFFSET(raftlog_session_info, last_sequence, 32, 8);
OFFSET(raftlog_session_info, last_index, 40, 8);
SIZE(raftlog_sessions, 32);
OFFSET(raftlog_sessions, flags, 0, 4);
OFFSET(raftlog_sessions, n_sessions, 4, 4);
OFFSET(raftlog_sessions, sessions, 8, 8);
OFFSET(raftlog_sessions, session_bytes, 16, 4);
OFFSET(raftlog_sessions, __reserved, 20, 4);
OFFSET(raftlog_sessions, index, 24, 8);

SIZE(raftlog_set_framed, 8);
OFFSET(raftlog_set_framed, enable, 0, 4);
OFFSET(raftlog_set_framed, flags, 4, 4);

SIZE(raftlog_frame, 40);
OFFSET(raftlog_frame, index, 0, 8);
OFFSET(raftlog_frame, term, 8, 8);
OFFSET(raftlog_frame, session, 16, 8);
OFFSET(raftlog_frame, sequence, 24, 8);
OFFSET(raftlog_frame, bytes, 32, 4);
OFFSET(raftlog_frame, type, 36, 4);

SIZE(raftlog_event, 64);
OFFSET(raftlog_event, seq, 0, 8);
OFFSET(raftlog_event, time_ns, 8, 8);
OFFSET(raftlog_event, current_term, 16, 8);
OFFSET(raftlog_event, commit_index, 24, 8);
OFFSET(raftlog_event, type, 32, 4);
OFFSET(raftlog_event, edge, 36, 4);
OFFSET(raftlog_event, from_role, 40, 4);
OFFSET(raftlog_event, to_role, 44, 4);
OFFSET(raftlog_event, leader_id, 48, 4);
OFFSET(raftlog_event, state, 52, 4);
OFFSET(raftlog_event, reason, 56, 4);
OFFSET(raftlog_event, __reserved, 60, 4);

SIZE(raftlog_events, 40);
OFFSET(raftlog_events, after_seq, 0, 8);
OFFSET(raftlog_events, n_events, 8, 4);
OFFSET(raftlog_events, event_bytes, 12, 4);
OFFSET(raftlog_events, events, 16, 8);
OFFSET(raftlog_events, n_lost, 24, 8);
OFFSET(raftlog_events, flags, 32, 4);
OFFSET(raftlog_events, __reserved, 36, 4);

SIZE(raftlog_read_index, 24);
OFFSET(raftlog_read_index, flags, 0, 4);
OFFSET(raftlog_read_index, timeout_ms, 4, 4);
OFFSET(raftlog_read_index, index, 8, 8);
OFFSET(raftlog_read_index, term, 16, 8);
SIZE(raftlog_transfer, 16);
OFFSET(raftlog_transfer, flags, 0, 4);
OFFSET(raftlog_transfer, target, 4, 4);
OFFSET(raftlog_transfer, leader_id, 8, 4);
OFFSET(raftlog_transfer, __reserved, 12, 4);
SIZE(raftlog_set, 96);
OFFSET(raftlog_set, flags, 0, 4);
OFFSET(raftlog_set, fields, 4, 4);
OFFSET(raftlog_set, election_timeout_ms, 8, 4);
OFFSET(raftlog_set, heartbeat_interval_ms, 12, 4);
OFFSET(raftlog_set, append_timeout_ms, 16, 4);
OFFSET(raftlog_set, inflight_messages, 20, 4);
OFFSET(raftlog_set, inflight_bytes, 24, 8);
OFFSET(raftlog_set, cache_bytes, 32, 8);
OFFSET(raftlog_set, retain_entries, 40, 8);
OFFSET(raftlog_set, retain_bytes, 48, 8);
OFFSET(raftlog_set, snapshot_trailing, 56, 8);
OFFSET(raftlog_set, snapshot_bytes_per_s, 64, 8);
OFFSET(raftlog_set, __reserved, 72, 24);
SIZE(raftlog_snapshot_create, 32);
OFFSET(raftlog_snapshot_create, flags, 0, 4);
OFFSET(raftlog_snapshot_create, fd, 4, 4);
OFFSET(raftlog_snapshot_create, index, 8, 8);
OFFSET(raftlog_snapshot_create, term, 16, 8);
OFFSET(raftlog_snapshot_create, __reserved, 24, 8);
SIZE(raftlog_snapshot_seal, 24);
OFFSET(raftlog_snapshot_seal, flags, 0, 4);
OFFSET(raftlog_snapshot_seal, __reserved, 4, 4);
OFFSET(raftlog_snapshot_seal, index, 8, 8);
OFFSET(raftlog_snapshot_seal, bytes, 16, 8);
SIZE(raftlog_snapshot_open, 40);
OFFSET(raftlog_snapshot_open, flags, 0, 4);
OFFSET(raftlog_snapshot_open, fd, 4, 4);
OFFSET(raftlog_snapshot_open, index, 8, 8);
OFFSET(raftlog_snapshot_open, term, 16, 8);
OFFSET(raftlog_snapshot_open, bytes, 24, 8);
OFFSET(raftlog_snapshot_open, __reserved, 32, 8);

SIZE(raftlog_recover, 136);
OFFSET(raftlog_recover, flags, 0, 4);
OFFSET(raftlog_recover, node_id, 4, 4);
OFFSET(raftlog_recover, wal_fd, 8, 4);
OFFSET(raftlog_recover, n_members, 12, 4);
OFFSET(raftlog_recover, members, 16, 8);
OFFSET(raftlog_recover, member_bytes, 24, 4);
OFFSET(raftlog_recover, error, 28, 4);
OFFSET(raftlog_recover, snapshot_fd, 32, 8);
OFFSET(raftlog_recover, cluster_id, 40, 8);
OFFSET(raftlog_recover, new_cluster_id, 48, 8);
OFFSET(raftlog_recover, current_term, 56, 8);
OFFSET(raftlog_recover, first_index, 64, 8);
OFFSET(raftlog_recover, last_index, 72, 8);
OFFSET(raftlog_recover, last_term, 80, 8);
OFFSET(raftlog_recover, commit_index, 88, 8);
OFFSET(raftlog_recover, configuration_index, 96, 8);
OFFSET(raftlog_recover, lost_index, 104, 8);
OFFSET(raftlog_recover, snapshot_index, 112, 8);
OFFSET(raftlog_recover, snapshot_term, 120, 8);
OFFSET(raftlog_recover, unfinished, 128, 4);
OFFSET(raftlog_recover, __reserved, 132, 4);

REQUEST(GET_VERSION, 0x8030bc00);
REQUEST(START, 0x4100bc01);
REQUEST(STOP, 0x4008bc02);
REQUEST(GET_STATUS, 0x8140bc03);
REQUEST(GET_MEMBERS, 0xc018bc04);
REQUEST(APPEND, 0xc030bc05);
REQUEST(SET_FRAMED, 0x4008bc06);
REQUEST(GET_EVENTS, 0xc028bc07);
REQUEST(READ_INDEX, 0xc018bc0a);
REQUEST(CHANGE_MEMBERS, 0xc020bc08);
REQUEST(TRANSFER, 0xc010bc09);
REQUEST(SET, 0xc060bc0b);
REQUEST(RECOVER, 0xc088bc0c);
REQUEST(SET_SESSION, 0xc068bc10);
REQUEST(GET_SESSIONS, 0xc020bc11);
REQUEST(SET_KEY, 0x4060bc12);
REQUEST(SNAPSHOT_CREATE, 0xc020bc0d);
REQUEST(SNAPSHOT_OPEN, 0xc028bc0e);
REQUEST(SNAPSHOT_SEAL, 0xc018bc0f);

VALUE(RAFTLOG_ABI_VERSION, 1);
VALUE(RAFTLOG_MEMBERS_MAX, 32);
VALUE(RAFTLOG_ENTRY_BYTES_MAX, 4194304);
VALUE(RAFTLOG_ENTRY_BYTES_DEFAULT, 1048576);
VALUE(RAFTLOG_START_F_FORMAT, 1);
VALUE(RAFTLOG_START_F_SALVAGE, 2);
VALUE(RAFTLOG_START_F_JOIN, 4);
VALUE(RAFTLOG_START_F_INSECURE, 8);
VALUE(RAFTLOG_SET_KEY_NEXT, 0);
VALUE(RAFTLOG_SET_KEY_SWITCH, 1);
VALUE(RAFTLOG_SET_KEY_DROP, 2);
VALUE(RAFTLOG_PEER_F_SELF, 1);
VALUE(RAFTLOG_PEER_F_LEADER, 2);
VALUE(RAFTLOG_PEER_F_FOREIGN, 8);
VALUE(RAFTLOG_PEER_F_ACTIVE, 4);
VALUE(RAFTLOG_PEER_F_AUTO_PROMOTE, 16);
VALUE(RAFTLOG_PEER_F_CAUGHT_UP, 32);
VALUE(RAFTLOG_PEER_F_OLD_VOTER, 64);
VALUE(RAFTLOG_CHANGE_F_AUTO_PROMOTE, 1);
VALUE(RAFTLOG_CHANGE_F_WITNESS, 2);
VALUE(RAFTLOG_MEMBER_F_WITNESS, 1);
VALUE(RAFTLOG_FRAMED_F_INTERNAL, 1);
VALUE(RAFTLOG_READ_INDEX_F_LEASE, 1);
VALUE(RAFTLOG_SET_ELECTION_TIMEOUT, 1);
VALUE(RAFTLOG_SET_HEARTBEAT_INTERVAL, 2);
VALUE(RAFTLOG_SET_APPEND_TIMEOUT, 4);
VALUE(RAFTLOG_SET_INFLIGHT_MESSAGES, 8);
VALUE(RAFTLOG_SET_INFLIGHT_BYTES, 16);
VALUE(RAFTLOG_SET_CACHE_BYTES, 32);
VALUE(RAFTLOG_RECOVER_F_FORCE, 1);
VALUE(RAFTLOG_RECOVER_F_SALVAGE, 2);

VALUE(RAFTLOG_ROLE_FOLLOWER, 0);
VALUE(RAFTLOG_ROLE_PRE_CANDIDATE, 1);
VALUE(RAFTLOG_ROLE_CANDIDATE, 2);
VALUE(RAFTLOG_ROLE_LEADER, 3);
VALUE(RAFTLOG_ROLE_LEARNER, 4);
VALUE(RAFTLOG_ROLE_FAILED, 5);
VALUE(RAFTLOG_STATE_STOPPED, 0);
VALUE(RAFTLOG_STATE_STARTING, 1);
VALUE(RAFTLOG_STATE_RUNNING, 2);
VALUE(RAFTLOG_STATE_STOPPING, 3);
VALUE(RAFTLOG_STATE_FAILED, 4);
VALUE(RAFTLOG_PROGRESS_PROBE, 0);
VALUE(RAFTLOG_PROGRESS_REPLICATE, 1);
VALUE(RAFTLOG_PROGRESS_SNAPSHOT, 2);
VALUE(RAFTLOG_VOTER, 0);
VALUE(RAFTLOG_NON_VOTER, 1);
VALUE(RAFTLOG_ABSENT, 2);
VALUE(RAFTLOG_CHANGE_ADD, 1);
VALUE(RAFTLOG_CHANGE_PROMOTE, 2);
VALUE(RAFTLOG_CHANGE_DEMOTE, 3);
VALUE(RAFTLOG_CHANGE_REMOVE, 4);
VALUE(RAFTLOG_CHANGE_SET_ADDRESS, 5);
VALUE(RAFTLOG_CHANGE_REPLACE, 6);
VALUE(RAFTLOG_ENTRY_DATA, 0);
VALUE(RAFTLOG_ENTRY_NOOP, 1);
VALUE(RAFTLOG_ENTRY_CONFIGURATION, 2);
VALUE(RAFTLOG_ENTRY_SESSION, 3);
VALUE(RAFTLOG_ENTRY_SESSIONS, 4);
VALUE(RAFTLOG_APPEND_F_SEQUENCE, 1);
VALUE(RAFTLOG_SESSION_NAME_CHARS, 64);
VALUE(RAFTLOG_SESSIONS_MAX, 256);
VALUE(RAFTLOG_SESSION_WINDOW, 16);
VALUE(RAFTLOG_EVENT_ROLE, 1);
VALUE(RAFTLOG_EVENT_LEADER, 2);
VALUE(RAFTLOG_EVENT_MEMBERSHIP, 3);
VALUE(RAFTLOG_EVENT_STATE, 4);

int main(void)
{
	printf("ok - abi: sizes, offsets, requests and numbers\n");
	return 0;
}
