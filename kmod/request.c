// SPDX-License-Identifier: GPL-2.0
#include "request.h"
#include "settings.h"

/* A struct of ours fits a slot of the caller's. */
static bool is_slot(u32 slot_bytes, u32 bytes)
{
	return slot_bytes >= bytes && slot_bytes <= RAFTLOG_SLOT_BYTES_MAX &&
	       IS_ALIGNED(slot_bytes, 8);
}

static bool start_ok(struct raftlog_start *start)
{
	struct raft_address listen;

	return !raftlog_start_check(start) &&
	       (!start->listen.family ||
		!raftlog_address_from_user(&listen, &start->listen));
}

static bool stop_ok(const struct raftlog_stop *stop)
{
	return !stop->flags && !stop->__reserved;
}

static bool members_ok(const struct raftlog_members *members)
{
	return !members->flags && !members->__reserved &&
	       is_slot(members->peer_bytes, sizeof(struct raftlog_peer));
}

static bool append_ok(const struct raftlog_append *append)
{
	bool has_sequence = append->flags & RAFTLOG_APPEND_F_SEQUENCE;

	return !(append->flags & ~RAFTLOG_APPEND_F_ALL) &&
	       !append->__reserved && has_sequence == !!append->sequence;
}

static bool set_framed_ok(const struct raftlog_set_framed *framed)
{
	return framed->enable <= 1 &&
	       !(framed->flags & ~RAFTLOG_FRAMED_F_ALL) &&
	       (framed->enable || !framed->flags);
}

static bool events_ok(const struct raftlog_events *events)
{
	return !events->flags && !events->__reserved &&
	       is_slot(events->event_bytes, sizeof(struct raftlog_event));
}

static bool change_members_ok(const struct raftlog_change_members *members)
{
	return !members->flags && !members->index && members->n_changes &&
	       members->n_changes <= RAFTLOG_MEMBERS_MAX &&
	       is_slot(members->change_bytes, sizeof(struct raftlog_change));
}

static bool transfer_ok(const struct raftlog_transfer *transfer)
{
	return !transfer->flags && !transfer->__reserved;
}

static bool recover_ok(const struct raftlog_recover *recover)
{
	return !raftlog_recover_check(recover) &&
	       is_slot(recover->member_bytes, sizeof(struct raftlog_member));
}

static bool session_ok(const struct raftlog_session *session)
{
	return !session->flags && raftlog_session_name_bytes(session->name);
}

static bool sessions_ok(const struct raftlog_sessions *sessions)
{
	return !sessions->flags && !sessions->__reserved &&
	       is_slot(sessions->session_bytes,
		       sizeof(struct raftlog_session_info));
}

static bool read_index_ok(const struct raftlog_read_index *read)
{
	return !(read->flags & ~RAFTLOG_READ_INDEX_F_ALL);
}

static bool snapshot_create_ok(const struct raftlog_snapshot_create *create)
{
	return !create->flags && !create->__reserved;
}

static bool snapshot_open_ok(const struct raftlog_snapshot_open *open)
{
	return !open->flags && !open->__reserved;
}

static bool snapshot_seal_ok(const struct raftlog_snapshot_seal *seal)
{
	return !seal->flags && !seal->__reserved;
}

int raftlog_request_check(unsigned int nr, void *request)
{
	bool ok;

	switch (nr) {
	case _IOC_NR(RAFTLOG_IOC_GET_VERSION):
	case _IOC_NR(RAFTLOG_IOC_GET_STATUS):
	case _IOC_NR(RAFTLOG_IOC_SET):
		return 0;
	case _IOC_NR(RAFTLOG_IOC_START):
		ok = start_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_STOP):
		ok = stop_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_GET_MEMBERS):
		ok = members_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_APPEND):
		ok = append_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_SET_FRAMED):
		ok = set_framed_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_GET_EVENTS):
		ok = events_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_CHANGE_MEMBERS):
		ok = change_members_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_TRANSFER):
		ok = transfer_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_READ_INDEX):
		ok = read_index_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_RECOVER):
		ok = recover_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_SET_SESSION):
		ok = session_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_GET_SESSIONS):
		ok = sessions_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_SNAPSHOT_CREATE):
		ok = snapshot_create_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_SNAPSHOT_OPEN):
		ok = snapshot_open_ok(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_SET_KEY):
		ok = !raftlog_set_key_check(request);
		break;
	case _IOC_NR(RAFTLOG_IOC_SNAPSHOT_SEAL):
		ok = snapshot_seal_ok(request);
		break;
	default:
		return -ENOTTY;
	}
	return ok ? 0 : -EINVAL;
}

size_t raftlog_session_name_bytes(const char *name)
{
	size_t bytes = strnlen(name, RAFTLOG_SESSION_NAME_CHARS);

	if (memchr_inv(name + bytes, 0, RAFTLOG_SESSION_NAME_CHARS - bytes))
		return 0;
	return bytes;
}
