/* SPDX-License-Identifier: GPL-2.0 */
/* Snapshots of a life: snapshot.c; as files of a process: snapshot_file.c. */
#ifndef RAFTLOG_SNAPSHOT_H
#define RAFTLOG_SNAPSHOT_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/workqueue.h>

#include "raft/raft.h"
#include "storage_snapshot.h"

struct file;
struct raftlog_entry;
struct raftlog_group;
struct raftlog_life;
struct raftlog_snapshot_create;
struct raftlog_snapshot_open;

/** raftlog_step_fn - step the core, with whatever that takes; owner thread */
typedef int raftlog_step_fn(struct raftlog_life *life, struct raft_event *event);

/**
 * struct raftlog_known_snapshot - one of the two that the owner thread knows
 * @sealed: which
 * @configuration: goes with it, a reference; NULL: there is none
 */
struct raftlog_known_snapshot {
	struct raftlog_sealed sealed;
	struct raftlog_entry *configuration;
};

/**
 * struct raftlog_chunk_store - a chunk on its way to the disk
 * @life: whose
 * @work: stores it
 * @sealed: O: of which snapshot; its id is known once it is
 * @offset: O: of the data
 * @data: O: the chunk, a reference; NULL: none is under way
 * @configuration: O: goes with the snapshot, a reference
 * @stored: up to where it is there, 0: it is not
 */
struct raftlog_chunk_store {
	struct raftlog_life *life;
	struct work_struct work;
	struct raftlog_sealed sealed;
	u64 offset;
	struct raftlog_entry *data;
	struct raftlog_entry *configuration;
	u64 stored;
};

/**
 * struct raftlog_chunk_read - a chunk for a peer, on its way from the disk
 * @life: whose
 * @id: O: the peer
 * @work: reads it
 * @node: intake: it did
 * @busy: O: under way
 * @send: O: the message
 * @sealed: O: of which snapshot
 * @data: the chunk, a reference, or NULL
 * @error: why not
 */
struct raftlog_chunk_read {
	struct raftlog_life *life;
	u32 id;
	struct work_struct work;
	struct list_head node;
	bool busy;
	struct raft_send send;
	struct raftlog_sealed sealed;
	struct raftlog_entry *data;
	int error;
};

/**
 * enum raftlog_snapshot_request_kind - what a process has to do with snapshots
 * @RAFTLOG_SNAPSHOT_PREPARE: it is about to begin one
 * @RAFTLOG_SNAPSHOT_TAKEN: it has sealed that
 * @RAFTLOG_SNAPSHOT_GONE: it cannot read the one that there is
 */
enum raftlog_snapshot_request_kind {
	RAFTLOG_SNAPSHOT_PREPARE,
	RAFTLOG_SNAPSHOT_TAKEN,
	RAFTLOG_SNAPSHOT_GONE,
};

/**
 * struct raftlog_snapshot_request - a process makes or reads one; on its stack
 * @node: intake
 * @kind: enum raftlog_snapshot_request_kind
 * @sealed: of which entry, 0: the newest; and then what became of it
 * @spare: the snapshot in whose place it comes, index 0 for none
 * @configuration: set when it is begun, a reference for the caller
 * @error: what came of it
 * @done: that is known
 */
struct raftlog_snapshot_request {
	struct list_head node;
	u8 kind;
	struct raftlog_sealed sealed;
	struct raftlog_sealed spare;
	struct raftlog_entry *configuration;
	int error;
	struct completion done;
};

/** raftlog_snapshot_prepare() - may it be made? Any thread that may sleep */
int raftlog_snapshot_prepare(struct raftlog_life *life,
			     struct raftlog_snapshot_request *request);
/** raftlog_snapshot_taken() - it was; likewise */
int raftlog_snapshot_taken(struct raftlog_life *life,
			   struct raftlog_snapshot_request *request);

/** raftlog_snapshot_gone() - it cannot be read: let it be taken again; likewise */
void raftlog_snapshot_gone(struct raftlog_life *life,
			   const struct raftlog_sealed *sealed);

/* Owner thread, or nobody but the caller is there. */

/**
 * raftlog_snapshot_restore() - tell the core what was found
 * @life: its log is read, its snapshots are open
 * @damaged_index: set to the newest that is ahead of the log and damaged, 0: none is
 *
 * Writes nothing: what is not of use stays on the disk until another comes.
 *
 * Return: 0, -ENOMEM, -EINTR.
 */
int raftlog_snapshot_restore(struct raftlog_life *life, u64 *damaged_index);

/** raftlog_snapshot_check_base() - @index is the newest, 0: none. Is one missing? */
void raftlog_snapshot_check_base(struct raftlog_life *life, u64 index);

/** raftlog_snapshot_id() - raftlog_sealed.id of the newest of use, 0: none is */
u64 raftlog_snapshot_id(struct raftlog_life *life);

/** raftlog_snapshot_configuration() - what @message must carry, with a reference */
struct raftlog_entry *
raftlog_snapshot_configuration(struct raftlog_life *life,
			       const struct raft_message *message);

/** raftlog_snapshot_step() - requests from the intake; @step NULL: -ESHUTDOWN */
void raftlog_snapshot_step(struct raftlog_life *life, struct list_head *requests,
			   raftlog_step_fn *step);

/** raftlog_snapshot_store() - carry out raft_update.chunk */
void raftlog_snapshot_store(struct raftlog_life *life,
			    const struct raft_chunk *chunk);

/** raftlog_snapshot_stored() - it is done */
void raftlog_snapshot_stored(struct raftlog_life *life, raftlog_step_fn *step);

/** raftlog_snapshot_send() - read a chunk, to be sent */
void raftlog_snapshot_send(struct raftlog_life *life,
			   const struct raft_send *send);

/** raftlog_snapshot_read_done() - send what was read, if it still leads */
void raftlog_snapshot_read_done(struct raftlog_life *life,
				struct raftlog_chunk_read *read, u64 now_ns,
				raftlog_step_fn *step);

/** raftlog_snapshot_free() - drop all of it; works are done */
void raftlog_snapshot_free(struct raftlog_life *life);

/*
 * snapshot_file.c: RAFTLOG_IOC_SNAPSHOT_CREATE, RAFTLOG_IOC_SNAPSHOT_OPEN. The number
 * that they fill in is reserved, and @made the caller's to install there or to put.
 */
int raftlog_snapshot_create(struct raftlog_group *group,
			    struct raftlog_snapshot_create *create,
			    struct file **made);
int raftlog_snapshot_open(struct raftlog_group *group,
			  struct raftlog_snapshot_open *open, struct file **made);

#endif /* RAFTLOG_SNAPSHOT_H */
