/* SPDX-License-Identifier: GPL-2.0 */
/*
 * raftlog for other code of the kernel: a client appends to a group's log, and is
 * handed what is committed, in order. kmod/sample/raftlog_sample.c is one.
 *
 * The group is started and stopped through its device. A client outlives that: what
 * it has under way ends with -ESHUTDOWN when the group stops, appends are refused with
 * -ENOTCONN until it is started again, and delivery goes on behind the last entry that
 * was handed over.
 *
 * A client holds the raftlog module. Its calls are for process context: they may sleep
 * for memory, and but for raftlog_client_close() for nothing else. Several threads may
 * append through one client at once; nobody may use it once it is being closed.
 *
 * Locking. No lock of raftlog's is held in a callback. Neither callback may close its
 * client: that waits for callbacks to end.
 */
#ifndef _LINUX_RAFTLOG_CLIENT_H
#define _LINUX_RAFTLOG_CLIENT_H

#include <linux/types.h>

struct raftlog_client;

/**
 * struct raftlog_committed - an entry that is committed
 * @index: log index
 * @term: its term
 * @data: payload; gone when the callback returns
 * @bytes: its length
 * @gap: entries between the one handed over before, or @from_index, and this one are
 *	not kept any more: what they said has to come from elsewhere
 */
struct raftlog_committed {
	u64 index;
	u64 term;
	const void *data;
	u32 bytes;
	bool gap;
};

/**
 * typedef raftlog_committed_t - entries are handed over by this
 * @context: as given to raftlog_client_open()
 * @entry: the next one; those that the group makes for itself are passed over
 *
 * From a thread of the client's own, one entry after the other, each once. It may
 * sleep as long as it likes: that delays this client's next entry and nothing else,
 * and should the log go on without it in the meantime, @entry->gap says so.
 * On a witness, which has no payload, nothing is handed over.
 */
typedef void (*raftlog_committed_t)(void *context,
				    const struct raftlog_committed *entry);

/**
 * typedef raftlog_appended_t - an append ended
 * @context: as given to raftlog_client_append()
 * @error: 0: it is committed. Not in the log, and never will be: -ENOSPC,
 *	-EHOSTUNREACH, -ECANCELED. Not known: -ETIMEDOUT, -EINTR, -ESHUTDOWN, -EIO
 * @index: where it is, if @error is 0
 * @term: the term of that entry, likewise
 *
 * From the group's owner thread, which runs at real-time priority and does nothing
 * else meanwhile: it must not sleep, and be short.
 */
typedef void (*raftlog_appended_t)(void *context, int error, u64 index, u64 term);

/**
 * struct raftlog_client_session - a named session that was opened
 * @session: its number, until somebody opens it again
 * @incarnation: of the log of this node that it is a session of
 * @created: index of the entry that made it. Another than the caller remembers: it
 *	had expired, and this is a new one of that name
 * @opened: index of the entry that opened it now
 * @last_sequence: the highest that is in the log, 0 if none is
 * @last_index: where that is
 */
struct raftlog_client_session {
	u64 session;
	u64 incarnation;
	u64 created;
	u64 opened;
	u64 last_sequence;
	u64 last_index;
};

/**
 * typedef raftlog_session_opened_t - a session was opened, or was not
 * @context: as given to raftlog_client_open_session()
 * @error: as of raftlog_appended_t. It may always be opened again
 * @session: NULL if @error is not 0. Nothing that was asked for under an earlier
 *	opening comes into the log any more
 *
 * Called as raftlog_appended_t is.
 */
typedef void (*raftlog_session_opened_t)(void *context, int error,
					 const struct raftlog_client_session *session);

/**
 * raftlog_client_open() - become a client of a group
 * @group: 0 is /dev/raftlog, N is /dev/raftlogN; need not be started
 * @from_index: hand over from this index on, at least 1; not used without @committed
 * @committed: takes the entries, or NULL
 * @context: for it
 *
 * Return: the client or ERR_PTR: -ENODEV (no such group), -ENOMEM, -EINVAL, -EINTR.
 */
struct raftlog_client *raftlog_client_open(unsigned int group, u64 from_index,
					   raftlog_committed_t committed,
					   void *context);

/**
 * raftlog_client_append() - append an entry, without waiting for it
 * @client: open
 * @data: payload, copied
 * @bytes: its length
 * @timeout_ms: when to give up, 0: append_timeout_ms of the group
 * @appended: told how it ended, once, if this returns 0; perhaps before it does
 * @context: for it
 *
 * Return: 0; or it is not in the log and never will be: -EAGAIN (no room now: whoever
 * has appends under way tries again when one ends, whoever has none after a while),
 * -ENOTCONN, -EMSGSIZE, -EINVAL, -EIO, -ENOMEM.
 */
int raftlog_client_append(struct raftlog_client *client, const void *data,
			  u32 bytes, u32 timeout_ms,
			  raftlog_appended_t appended, void *context);

/**
 * raftlog_client_open_session() - open the session of a name, without waiting for it
 * @client: open
 * @name: 1 … 64 characters; whoever uses it takes the session over
 * @timeout_ms: as of raftlog_client_append()
 * @opened: told how it ended, once, if this returns 0; perhaps before it does
 * @context: for it
 *
 * Return: as raftlog_client_append().
 */
int raftlog_client_open_session(struct raftlog_client *client,
				const char *name, u32 timeout_ms,
				raftlog_session_opened_t opened, void *context);

/**
 * raftlog_client_append_once() - append an entry of a named session
 * @client: open
 * @session: as opened, by whatever client on this node
 * @sequence: not 0. One that is in the log already is not appended again: @appended is
 *	told where it is, whatever @data is now
 * @data: payload, copied
 * @bytes: its length
 * @timeout_ms: when to give up, 0: append_timeout_ms of the group
 * @appended: told how it ended, once, if this returns 0; perhaps before it does. Also
 *	with -ESTALE (the session is not open any more) and -ERANGE (16 higher
 *	sequences are in the log): whether this one is, is not known
 * @context: for it
 *
 * Return: as raftlog_client_append(); -ESTALE: the group has another log now, in
 * which the session's number may be somebody else's.
 */
int raftlog_client_append_once(struct raftlog_client *client,
			       const struct raftlog_client_session *session,
			       u64 sequence, const void *data, u32 bytes,
			       u32 timeout_ms, raftlog_appended_t appended,
			       void *context);

/**
 * raftlog_client_close() - stop delivery, cancel what is under way
 * @client: open; gone afterwards. No callback runs any more when this returns
 *
 * Sleeps until the callbacks that run have ended, and the others were called:
 * promptly, because what is under way is cancelled.
 */
void raftlog_client_close(struct raftlog_client *client);

#endif /* _LINUX_RAFTLOG_CLIENT_H */
