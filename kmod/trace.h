/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: every message, append, flush, commit and change of role. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM raftlog

#if !defined(RAFTLOG_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define RAFTLOG_TRACE_H

#include <linux/tracepoint.h>

#include "compat.h"
#include "raft/raft.h"
#include "storage.h"
#include "transport.h"

DECLARE_EVENT_CLASS(raftlog_message,
	TP_PROTO(const char *group, const struct raft_message *message,
		 u32 n_entries),
	TP_ARGS(group, message, n_entries),
	TP_STRUCT__entry(
		__string(group, group)
		__field(u8, type)
		__field(u32, from)
		__field(u32, to)
		__field(u64, term)
		__field(u32, n_entries)
		__field(u64, prev_log_index)
		__field(u64, leader_commit)
		__field(u64, match_index)
		__field(bool, granted)
	),
	TP_fast_assign(
		raftlog_assign_str(group, group);
		__entry->type = message->type;
		__entry->from = message->from;
		__entry->to = message->to;
		__entry->term = message->term;
		__entry->n_entries = n_entries;
		__entry->prev_log_index = 0;
		__entry->leader_commit = 0;
		__entry->match_index = 0;
		__entry->granted = false;
		switch (message->type) {
		case RAFT_REQUEST_VOTE_RESPONSE:
			__entry->granted =
				message->request_vote_response.granted;
			break;
		case RAFT_APPEND_ENTRIES:
			__entry->prev_log_index =
				message->append_entries.prev_log_index;
			__entry->leader_commit =
				message->append_entries.leader_commit;
			break;
		case RAFT_APPEND_ENTRIES_RESPONSE:
			__entry->prev_log_index =
				message->append_entries_response.prev_log_index;
			__entry->match_index =
				message->append_entries_response.match_index;
			break;
		}
	),
	TP_printk("%s: %s from=%u to=%u term=%llu n_entries=%u prev_log_index=%llu leader_commit=%llu match_index=%llu granted=%d",
		  __get_str(group), raft_message_type_name(__entry->type),
		  __entry->from, __entry->to, __entry->term,
		  __entry->n_entries, __entry->prev_log_index,
		  __entry->leader_commit, __entry->match_index,
		  __entry->granted)
);

DEFINE_EVENT(raftlog_message, raftlog_message_send,
	TP_PROTO(const char *group, const struct raft_message *message,
		 u32 n_entries),
	TP_ARGS(group, message, n_entries)
);

DEFINE_EVENT(raftlog_message, raftlog_message_receive,
	TP_PROTO(const char *group, const struct raft_message *message,
		 u32 n_entries),
	TP_ARGS(group, message, n_entries)
);

DECLARE_EVENT_CLASS(raftlog_transition,
	TP_PROTO(const char *group, const struct raft_transition *transition),
	TP_ARGS(group, transition),
	TP_STRUCT__entry(
		__string(group, group)
		__field(u8, edge)
		__field(u8, from)
		__field(u8, to)
		__field(u8, reason)
		__field(u64, current_term)
		__field(u32, leader_id)
	),
	TP_fast_assign(
		raftlog_assign_str(group, group);
		__entry->edge = transition->edge;
		__entry->from = transition->from;
		__entry->to = transition->to;
		__entry->reason = transition->reason;
		__entry->current_term = transition->term;
		__entry->leader_id = transition->leader_id;
	),
	TP_printk("%s: edge=%u %s -> %s reason=%s current_term=%llu leader_id=%u",
		  __get_str(group), __entry->edge,
		  raft_role_name(__entry->from), raft_role_name(__entry->to),
		  raft_reason_name(__entry->reason), __entry->current_term,
		  __entry->leader_id)
);

DEFINE_EVENT(raftlog_transition, raftlog_role,
	TP_PROTO(const char *group, const struct raft_transition *transition),
	TP_ARGS(group, transition)
);

DEFINE_EVENT(raftlog_transition, raftlog_leader,
	TP_PROTO(const char *group, const struct raft_transition *transition),
	TP_ARGS(group, transition)
);

TRACE_EVENT(raftlog_transfer,
	TP_PROTO(const char *group, const struct raft_status *status),
	TP_ARGS(group, status),
	TP_STRUCT__entry(
		__string(group, group)
		__field(u32, transferee)
		__field(u8, cause)
		__field(u8, role)
		__field(u64, current_term)
		__field(u64, last_index)
	),
	TP_fast_assign(
		raftlog_assign_str(group, group);
		__entry->transferee = status->transferee;
		__entry->cause = status->transfer_cause;
		__entry->role = status->role;
		__entry->current_term = status->hard_state.current_term;
		__entry->last_index = status->last_index;
	),
	TP_printk("%s: transferee=%u cause=%s role=%s current_term=%llu last_index=%llu",
		  __get_str(group), __entry->transferee,
		  raft_transfer_cause_name(__entry->cause),
		  raft_role_name(__entry->role), __entry->current_term,
		  __entry->last_index)
);

DECLARE_EVENT_CLASS(raftlog_request,
	TP_PROTO(const char *group,
		 const struct raftlog_storage_request *request),
	TP_ARGS(group, request),
	TP_STRUCT__entry(
		__string(group, group)
		__field(u64, hard_state_seq)
		__field(u64, current_term)
		__field(u32, voted_for)
		__field(u64, first_index)
		__field(u32, n_entries)
		__field(u64, last_index)
		__field(u64, last_term)
		__field(u64, submitted_ns)
	),
	TP_fast_assign(
		raftlog_assign_str(group, group);
		__entry->hard_state_seq = request->hard_state_seq;
		__entry->current_term = request->hard_state.current_term;
		__entry->voted_for = request->hard_state.voted_for;
		__entry->first_index = request->first_index;
		__entry->n_entries = request->n_entries;
		__entry->last_index = request->last_index;
		__entry->last_term = request->last_term;
		__entry->submitted_ns = request->submitted_ns;
	),
	TP_printk("%s: hard_state_seq=%llu current_term=%llu voted_for=%u first_index=%llu n_entries=%u last_index=%llu last_term=%llu submitted_ns=%llu",
		  __get_str(group), __entry->hard_state_seq,
		  __entry->current_term, __entry->voted_for,
		  __entry->first_index, __entry->n_entries,
		  __entry->last_index, __entry->last_term,
		  __entry->submitted_ns)
);

DEFINE_EVENT(raftlog_request, raftlog_append,
	TP_PROTO(const char *group,
		 const struct raftlog_storage_request *request),
	TP_ARGS(group, request)
);

DEFINE_EVENT(raftlog_request, raftlog_persisted,
	TP_PROTO(const char *group,
		 const struct raftlog_storage_request *request),
	TP_ARGS(group, request)
);

TRACE_EVENT(raftlog_base,
	TP_PROTO(const char *group, const struct raft_update *update),
	TP_ARGS(group, update),
	TP_STRUCT__entry(
		__string(group, group)
		__field(u64, base_index)
		__field(u64, base_term)
		__field(bool, discards)
	),
	TP_fast_assign(
		raftlog_assign_str(group, group);
		__entry->base_index = update->base_index;
		__entry->base_term = update->base_term;
		__entry->discards = update->base_discards;
	),
	TP_printk("%s: base_index=%llu base_term=%llu discards=%d",
		  __get_str(group), __entry->base_index, __entry->base_term,
		  __entry->discards)
);

TRACE_EVENT(raftlog_commit,
	TP_PROTO(const char *group, u64 commit_index),
	TP_ARGS(group, commit_index),
	TP_STRUCT__entry(
		__string(group, group)
		__field(u64, commit_index)
	),
	TP_fast_assign(
		raftlog_assign_str(group, group);
		__entry->commit_index = commit_index;
	),
	TP_printk("%s: commit_index=%llu", __get_str(group),
		  __entry->commit_index)
);

TRACE_EVENT(raftlog_members,
	TP_PROTO(const char *group, u64 index, u32 n_members, bool joint),
	TP_ARGS(group, index, n_members, joint),
	TP_STRUCT__entry(
		__string(group, group)
		__field(u64, index)
		__field(u32, n_members)
		__field(bool, joint)
	),
	TP_fast_assign(
		raftlog_assign_str(group, group);
		__entry->index = index;
		__entry->n_members = n_members;
		__entry->joint = joint;
	),
	TP_printk("%s: configuration_index=%llu n_members=%u joint=%d",
		  __get_str(group), __entry->index, __entry->n_members,
		  __entry->joint)
);

TRACE_EVENT(raftlog_proposal_done,
	TP_PROTO(const char *group, const struct raft_proposal *proposal),
	TP_ARGS(group, proposal),
	TP_STRUCT__entry(
		__string(group, group)
		__field(u64, sequence)
		__field(u32, bytes)
		__field(int, result)
		__field(u64, index)
		__field(u64, term)
	),
	TP_fast_assign(
		raftlog_assign_str(group, group);
		__entry->sequence = proposal->sequence;
		__entry->bytes = proposal->bytes;
		__entry->result = proposal->result;
		__entry->index = proposal->index;
		__entry->term = proposal->term;
	),
	TP_printk("%s: sequence=%llu bytes=%u result=%d index=%llu term=%llu",
		  __get_str(group), __entry->sequence, __entry->bytes,
		  __entry->result, __entry->index, __entry->term)
);

TRACE_EVENT(raftlog_read_done,
	TP_PROTO(const char *group, const struct raft_read *read),
	TP_ARGS(group, read),
	TP_STRUCT__entry(
		__string(group, group)
		__field(bool, lease)
		__field(int, result)
		__field(u64, index)
		__field(u64, term)
	),
	TP_fast_assign(
		raftlog_assign_str(group, group);
		__entry->lease = read->lease;
		__entry->result = read->result;
		__entry->index = read->index;
		__entry->term = read->term;
	),
	TP_printk("%s: lease=%d result=%d index=%llu term=%llu",
		  __get_str(group), __entry->lease, __entry->result,
		  __entry->index, __entry->term)
);

TRACE_EVENT(raftlog_drop,
	TP_PROTO(u32 node_id, u8 reason, u64 n),
	TP_ARGS(node_id, reason, n),
	TP_STRUCT__entry(
		__field(u32, node_id)
		__field(u8, reason)
		__field(u64, n)
	),
	TP_fast_assign(
		__entry->node_id = node_id;
		__entry->reason = reason;
		__entry->n = n;
	),
	TP_printk("node_id=%u reason=%s n=%llu", __entry->node_id,
		  __print_symbolic(__entry->reason,
			{ RAFTLOG_DROP_SHORT, "short" },
			{ RAFTLOG_DROP_VERSION, "version" },
			{ RAFTLOG_DROP_TYPE, "type" },
			{ RAFTLOG_DROP_CLUSTER, "cluster" },
			{ RAFTLOG_DROP_RECEIVER, "receiver" },
			{ RAFTLOG_DROP_SENDER, "sender" },
			{ RAFTLOG_DROP_CHECKSUM, "checksum" },
			{ RAFTLOG_DROP_KEY, "key" },
			{ RAFTLOG_DROP_RATE, "rate" },
			{ RAFTLOG_DROP_AUTHENTICATION, "authentication" },
			{ RAFTLOG_DROP_EPOCH, "epoch" },
			{ RAFTLOG_DROP_REPLAY, "replay" },
			{ RAFTLOG_DROP_UNKEYED, "unkeyed" },
			{ RAFTLOG_DROP_MALFORMED, "malformed" },
			{ RAFTLOG_DROP_REASSEMBLY, "reassembly" },
			{ RAFTLOG_DROP_NO_MEMORY, "no_memory" },
			{ RAFTLOG_DROP_SEND, "send" },
			{ RAFTLOG_DROP_QUEUE_FULL, "queue_full" }),
		  __entry->n)
);

#endif /* RAFTLOG_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
