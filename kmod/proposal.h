/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A proposal on its way from a writer to the log and back:
 *
 *	writer: alloc, submit ---> owner thread: core ---> complete
 *	   |                            ^
 *	   '---- signal: cancel --------'
 *
 * The writer waits, or is told through its kiocb, or (O_NONBLOCK) looks later by
 * fsync(2). Whoever waits, the owner thread alone decides how a proposal ends: a
 * timeout, a signal and io_cancel(2) only ask it to.
 */
#ifndef RAFTLOG_PROPOSAL_H
#define RAFTLOG_PROPOSAL_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/refcount.h>
#include <linux/timerqueue.h>
#include <linux/uio.h>

#include "client.h"
#include "raft/raft.h"

struct raftlog_client;
struct raftlog_entry;
struct raftlog_group;
struct raftlog_life;
struct raftlog_open;

/**
 * enum raftlog_proposal_state - where the owner thread has it
 * @RAFTLOG_PROPOSAL_QUEUED: not seen by the core yet
 * @RAFTLOG_PROPOSAL_STEPPED: the core's
 * @RAFTLOG_PROPOSAL_DONE: ended
 */
enum raftlog_proposal_state {
	RAFTLOG_PROPOSAL_QUEUED,
	RAFTLOG_PROPOSAL_STEPPED,
	RAFTLOG_PROPOSAL_DONE,
};

/**
 * struct raftlog_origin - whose a write is, and where it went
 * @session: 0: this node's; else as of struct raft_proposal
 * @sequence: likewise
 * @incarnation: of the log that it is a session of; set on success if it opens one
 * @index: on success: where it went
 * @term: on success: the term of that entry
 * @opened: on success, if it opens a session: that
 */
struct raftlog_origin {
	u64 session;
	u64 sequence;
	u64 incarnation;
	u64 index;
	u64 term;
	struct raft_session_info opened;
};

/**
 * struct raftlog_proposal - one write
 * @core: what the core links; result, index and term are valid once done
 * @refs: the owner thread's, the waiter's, and one for a cancel under way
 * @life: where it was submitted; valid until it is done
 * @cancelled: somebody asked for its end
 * @entry: the bytes
 * @state: owner thread: enum raftlog_proposal_state
 * @node: intake, then owner thread: queue or live list
 * @cancel_node: intake: list of those to cancel
 * @expiry: when to give up; linked by the owner thread
 * @done: it ended
 * @open: O_NONBLOCK: told when it ends, else NULL
 * @open_node: in @open's or @client's pending list
 * @open_seq: its number there
 * @iocb: asynchronous: completed when it ends, else NULL
 * @client: of a client in the kernel: told when it ends, else NULL
 * @appended: of @client: how to tell, NULL if it opens a session
 * @session_opened: then that
 * @context: of @client: for @appended
 */
struct raftlog_proposal {
	struct raft_proposal core;
	refcount_t refs;
	struct raftlog_life *life;
	atomic_t cancelled;
	struct raftlog_entry *entry;

	u8 state;
	struct list_head node;
	struct llist_node cancel_node;
	struct timerqueue_node expiry;

	struct completion done;
	struct raftlog_open *open;
	struct list_head open_node;
	u64 open_seq;
	struct kiocb *iocb;
	struct raftlog_client *client;
	raftlog_appended_t appended;
	raftlog_session_opened_t session_opened;
	void *context;
};

/**
 * raftlog_write() - append what an iterator holds as one entry
 * @open: through which open file
 * @from: the bytes
 * @iocb: asynchronous if not synchronous by is_sync_kiocb(); NULL: synchronous
 * @nonblock: never sleep for room. Without a leader nothing is taken either,
 *	unless it is asynchronous: the answer can wait then
 * @timeout_ms: 0: the group's
 * @origin: NULL: this node's, and nobody asks where it went
 *
 * Return: bytes, -EIOCBQUEUED, or an errno as the uapi header says.
 */
ssize_t raftlog_write(struct raftlog_open *open, struct iov_iter *from,
		      struct kiocb *iocb, bool nonblock, u32 timeout_ms,
		      struct raftlog_origin *origin);

/**
 * struct raftlog_client_write - a write of a client in the kernel
 * @data: the bytes
 * @bytes: how many
 * @timeout_ms: 0: the group's
 * @origin: its session, if it has one
 * @appended: told when it ended, or
 * @session_opened: if it opens a session
 * @context: for either
 */
struct raftlog_client_write {
	const void *data;
	u32 bytes;
	u32 timeout_ms;
	struct raftlog_origin origin;
	raftlog_appended_t appended;
	raftlog_session_opened_t session_opened;
	void *context;
};

/** raftlog_write_client() - what raftlog_client_append() and the like do */
int raftlog_write_client(struct raftlog_group *group,
			 struct raftlog_client *client,
			 const struct raftlog_client_write *write);

/**
 * raftlog_proposal_cancel() - ask for its end
 * @proposal: submitted; whoever calls keeps raftlog_proposal_complete() from
 *	getting through, or has a reference and holds the life
 *
 * Context: any.
 */
void raftlog_proposal_cancel(struct raftlog_proposal *proposal);

/**
 * raftlog_write_sync() - wait until everything accepted is done
 * @open: accepted through which open file
 *
 * Return: 0, -ERESTARTSYS, or the first failure not reported yet.
 */
int raftlog_write_sync(struct raftlog_open *open);

/** raftlog_write_has_room() - would a write be taken now? For poll. */
bool raftlog_write_has_room(struct raftlog_life *life);

/**
 * raftlog_proposal_complete() - it ended
 * @life: whose
 * @proposal: its core.result says how; the caller keeps its reference
 *
 * Owner thread, once for each proposal; or before it ever ran.
 */
void raftlog_proposal_complete(struct raftlog_life *life,
			       struct raftlog_proposal *proposal);
void raftlog_proposal_put(struct raftlog_proposal *proposal);

#endif /* RAFTLOG_PROPOSAL_H */
