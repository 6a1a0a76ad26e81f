// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <linux/raftlog.h>

#include "names.h"

static const char *name_of(const char *const *names, u32 n_names, u32 number)
{
	return number < n_names && names[number] ? names[number] : "unknown";
}

static const char *const roles[] = {
	[RAFTLOG_ROLE_FOLLOWER] = "follower",
	[RAFTLOG_ROLE_PRE_CANDIDATE] = "pre_candidate",
	[RAFTLOG_ROLE_CANDIDATE] = "candidate",
	[RAFTLOG_ROLE_LEADER] = "leader",
	[RAFTLOG_ROLE_LEARNER] = "learner",
	[RAFTLOG_ROLE_FAILED] = "failed",
};

static const char *const states[] = {
	[RAFTLOG_STATE_STOPPED] = "stopped",
	[RAFTLOG_STATE_STARTING] = "starting",
	[RAFTLOG_STATE_RUNNING] = "running",
	[RAFTLOG_STATE_STOPPING] = "stopping",
	[RAFTLOG_STATE_FAILED] = "failed",
};

static const char *const progresses[] = {
	[RAFTLOG_PROGRESS_PROBE] = "probe",
	[RAFTLOG_PROGRESS_REPLICATE] = "replicate",
	[RAFTLOG_PROGRESS_SNAPSHOT] = "snapshot",
};

static const char *const member_kinds[] = {
	[RAFTLOG_VOTER] = "voter",
	[RAFTLOG_NON_VOTER] = "learner",
	[RAFTLOG_ABSENT] = "leaving",
};

static const char *const entry_types[] = {
	[RAFTLOG_ENTRY_DATA] = "data",
	[RAFTLOG_ENTRY_NOOP] = "noop",
	[RAFTLOG_ENTRY_CONFIGURATION] = "configuration",
	[RAFTLOG_ENTRY_SESSION] = "session",
	[RAFTLOG_ENTRY_SESSIONS] = "sessions",
};

static const char *const event_types[] = {
	[RAFTLOG_EVENT_ROLE] = "role",
	[RAFTLOG_EVENT_LEADER] = "leader",
	[RAFTLOG_EVENT_MEMBERSHIP] = "membership",
	[RAFTLOG_EVENT_STATE] = "state",
};

/* The numbers of the core's role diagram and of its reasons. */
static const char *const edges[] = {
	"join",	     "timeout",	    "split_vote", "majority",
	"step_down", "no_majority", "failed",
};

static const struct {
	const char *name;
	const char *text;
} reasons[] = {
	{ "none", "" },
	{ "started", "started" },
	{ "election_timeout", "election timeout" },
	{ "pre_vote_won", "a majority would vote for it" },
	{ "vote_won", "a majority voted for it" },
	{ "higher_term", "a newer term was seen" },
	{ "leader_seen", "another server leads" },
	{ "vote_lost", "no majority" },
	{ "quorum_lost", "no majority answers" },
	{ "disk_stalled", "the disk stalled" },
	{ "storage_failed", "the disk failed" },
	{ "invariant", "an invariant is broken" },
	{ "transferred", "leadership was transferred" },
	{ "membership", "it got or lost its vote" },
	{ "feature_level", "the cluster uses what this version does not have" },
};

static const struct {
	int number;
	const char *name;
} errors[] = {
	{ E2BIG, "E2BIG" },
	{ EAGAIN, "EAGAIN" },
	{ EBUSY, "EBUSY" },
	{ ECANCELED, "ECANCELED" },
	{ EFAULT, "EFAULT" },
	{ EHOSTUNREACH, "EHOSTUNREACH" },
	{ EINTR, "EINTR" },
	{ EINVAL, "EINVAL" },
	{ EIO, "EIO" },
	{ EMEDIUMTYPE, "EMEDIUMTYPE" },
	{ EMSGSIZE, "EMSGSIZE" },
	{ ENOENT, "ENOENT" },
	{ ENOMEM, "ENOMEM" },
	{ ENOSPC, "ENOSPC" },
	{ ENOTCONN, "ENOTCONN" },
	{ ENOTTY, "ENOTTY" },
	{ EOPNOTSUPP, "EOPNOTSUPP" },
	{ EPERM, "EPERM" },
	{ ERANGE, "ERANGE" },
	{ EREMOTE, "EREMOTE" },
	{ ESHUTDOWN, "ESHUTDOWN" },
	{ ESTALE, "ESTALE" },
	{ ETIMEDOUT, "ETIMEDOUT" },
};

const char *role_name(u32 role)
{
	return name_of(roles, ARRAY_SIZE(roles), role);
}

const char *state_name(u32 state)
{
	return name_of(states, ARRAY_SIZE(states), state);
}

const char *progress_name(u32 progress)
{
	return name_of(progresses, ARRAY_SIZE(progresses), progress);
}

const char *member_kind_name(u32 kind)
{
	return name_of(member_kinds, ARRAY_SIZE(member_kinds), kind);
}

const char *entry_type_name(u32 type)
{
	return name_of(entry_types, ARRAY_SIZE(entry_types), type);
}

const char *event_type_name(u32 type)
{
	return name_of(event_types, ARRAY_SIZE(event_types), type);
}

const char *edge_name(u32 edge)
{
	return name_of(edges, ARRAY_SIZE(edges), edge);
}

const char *reason_name(u32 reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].name : "unknown";
}

const char *reason_text(u32 reason)
{
	return reason < ARRAY_SIZE(reasons) ?
		       reasons[reason].text :
		       "for a reason this tool does not know";
}

int role_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (!strcmp(roles[i], name))
			return i;
	return -1;
}

const char *errno_name(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].number == error)
			return errors[i].name;
	return strerror(error);
}
