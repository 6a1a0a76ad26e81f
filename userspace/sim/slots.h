/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A node's snapshots: two files, over the real format. One of them is written at a
 * time, by the application or as a leader sends it.
 */
#ifndef RAFTLOG_SIM_SLOTS_H
#define RAFTLOG_SIM_SLOTS_H

#include "disk.h"
#include "raft/raft.h"
#include "wal/wal.h"

struct log;
struct node;
struct world;

enum slots_stage {
	SLOTS_IDLE,
	SLOTS_CLEARING,
	SLOTS_CHUNK,
	SLOTS_SEALING,
};

/**
 * struct slot - a file
 * @disk: survives crashes
 * @snapshot: what is there, index 0 for nothing; without the configuration's data,
 * @configuration: which is here
 */
struct slot {
	struct disk disk;
	struct wal_snapshot snapshot;
	u8 configuration[RAFT_CONFIGURATION_BYTES_MAX];
};

/**
 * struct slots - both, and what is being written
 * @slot: the files
 * @durable_index: newest snapshot that is surely there
 * @stage: enum slots_stage: the write under way, if there is one
 * @write: its number; others that end are stale
 * @target: which of the two is written
 * @remote: a leader sends it
 * @making: what it is to be
 * @configuration: goes with it
 * @data: SLOTS_CLEARING, SLOTS_CHUNK: what comes next; the application's is whole
 * @data_bytes: how much that is
 * @offset: of @making's data that is on the disk, or under way to it
 * @checksum: of that
 * @incoming: what the core calls it, if @remote
 * @gone: the newest one cannot be read
 * @buf: of the write under way
 */
struct slots {
	struct slot slot[2];
	u64 durable_index;
	u8 stage;
	u64 write;
	u32 target;
	bool remote;
	struct wal_snapshot making;
	u8 configuration[RAFT_CONFIGURATION_BYTES_MAX];
	u8 *data;
	u64 data_bytes;
	u64 offset;
	u32 checksum;
	struct raft_snapshot incoming;
	bool gone;
	u8 buf[WAL_SNAPSHOT_HEADER_BYTES];
};

/** struct chunk_job - data of a snapshot to read for a peer */
struct chunk_job {
	struct raft_send send;
};

/** slots_newest() - the newest one, index 0 if there is none */
const struct wal_snapshot *slots_newest(const struct node *node);

/** slots_find() - the file with the snapshot that @message speaks of, or NULL */
const struct slot *slots_find(const struct node *node,
			      const struct raft_message *message);

/** slots_reach() - is one of them of an entry that @log has, or of its base? */
bool slots_reach(const struct node *node, const struct log *log);

void slots_init(struct slots *slots);
void slots_free(struct slots *slots);

/** slots_recover() - what of it is of @found, for the core that is about to start */
void slots_recover(struct world *w, struct node *node, const struct log *found);

/** slots_crash() - the write under way is torn, what is not whole is forgotten */
void slots_crash(struct world *w, struct node *node);

/** slots_take() - perhaps the application takes a snapshot */
void slots_take(struct world *w, struct node *node);

/** slots_store() - carry out raft_update.chunk */
void slots_store(struct world *w, struct node *node,
		 const struct raft_chunk *chunk);

/** slots_event() - write number @write has ended */
void slots_event(struct world *w, struct node *node, u64 write);

/** slots_send() - read a chunk, and send it */
void slots_send(struct world *w, struct node *node, const struct raft_send *send);

/** slots_read_done() - it was read */
void slots_read_done(struct world *w, struct node *node, struct chunk_job *job);

/**
 * slots_read_newest() - the data of the newest snapshot
 * @w: world
 * @node: whose
 * @index: set to what it is as of
 * @bytes: set to how much it is
 *
 * Return: memory for the caller to free, NULL if there is none.
 */
u8 *slots_read_newest(struct world *w, struct node *node, u64 *index,
		      u64 *bytes);

#endif /* RAFTLOG_SIM_SLOTS_H */
