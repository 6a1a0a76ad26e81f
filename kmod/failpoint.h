/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Failpoints: places where the code can be told to fail, or to go a way that it
 * rarely goes. All that they do is allowed to happen by itself.
 *
 * Without RAFTLOG_FAILPOINTS they are nothing. With it, the module has a folder
 * for each below /sys/kernel/debug/raftlog/failpoints, with the files of the
 * kernel's fault injection (Documentation/fault-injection), the number of times
 * that it fired, and for those that wait, how long; and the simulator draws from
 * its seed which of them fire how often.
 */
#ifndef RAFTLOG_FAILPOINT_H
#define RAFTLOG_FAILPOINT_H

#include "pure.h"

/* X(name, folder): what is before the point in the folder's name is the file. */
#define RAFTLOG_FAILPOINTS_LIST(X)                                   \
	/* The leader has no room for another entry. */              \
	X(RAFT_NO_ROOM, "raft.no_room")                              \
	/* A leader puts less into a message than fits. */           \
	X(RAFT_SEND_LESS, "raft.send_less")                          \
	/* The update must be carried out first. */                  \
	X(RAFT_STEP_AGAIN, "raft.step_again")                        \
	/* A follower has room for a part of the entries only. */    \
	X(RAFT_TAKE_LESS, "raft.take_less")                          \
	/* The next entry goes into a batch of its own. */           \
	X(WAL_BATCH_FULL, "wal.batch_full")                          \
	/* The pieces of a bundle that arrived are forgotten. */     \
	X(WIRE_REASSEMBLY_LOST, "wire.reassembly_lost")              \
	/* A slot is written before it is due. */                    \
	X(STORAGE_SLOT, "storage.slot")                              \
	/* Nothing is written. */                                    \
	X(STORAGE_WRITE_ERROR, "storage.write_error")                \
	/* Half is written. */                                       \
	X(STORAGE_WRITE_TORN, "storage.write_torn")                  \
	/* A write takes delay_ms longer. */                         \
	X(STORAGE_WRITE_SLOW, "storage.write_slow")                  \
	/* Nothing is read. */                                       \
	X(STORAGE_READ_ERROR, "storage.read_error")                  \
	/* The device lost what is to be read. */                    \
	X(STORAGE_READ_LOST, "storage.read_lost")                    \
	/* A bit of what is read is wrong. */                        \
	X(STORAGE_READ_ROT, "storage.read_rot")                      \
	/* The socket has no room. */                                \
	X(TRANSPORT_SEND_AGAIN, "transport.send_again")              \
	/* A datagram is lost. */                                    \
	X(TRANSPORT_SEND_LOST, "transport.send_lost")                \
	/* A bit of a datagram that came is wrong. */                \
	X(TRANSPORT_RECEIVE_ROT, "transport.receive_rot")            \
	/* There is no room for a message that must wait. */         \
	X(EXECUTE_NO_PARKING, "execute.no_parking")                  \
	/* What may leave the cache does. */                         \
	X(CACHE_FULL, "cache.full")                                  \
	/* The owner thread sleeps for delay_ms. */                  \
	X(OWNER_PAUSE, "owner.pause")

/** enum raftlog_failpoint - the places */
enum raftlog_failpoint {
#define X(name, folder) RAFTLOG_FAILPOINT_##name,
	RAFTLOG_FAILPOINTS_LIST(X)
#undef X
	RAFTLOG_FAILPOINTS_N
};

#ifdef RAFTLOG_FAILPOINTS
/**
 * raftlog_failpoint() - shall it happen at @place now?
 * @place: where the caller is
 *
 * Context: any.
 */
bool raftlog_failpoint(enum raftlog_failpoint place);

/**
 * raftlog_failpoint_pause() - sleep for delay_ms if @place fires
 * @place: where the caller is
 *
 * Context: may sleep. Not in the simulator, whose clock is not the machine's.
 */
void raftlog_failpoint_pause(enum raftlog_failpoint place);

int raftlog_failpoints_init(void);
void raftlog_failpoints_exit(void);
#else
static inline bool raftlog_failpoint(enum raftlog_failpoint place)
{
	return false;
}

static inline void raftlog_failpoint_pause(enum raftlog_failpoint place)
{
}

static inline int raftlog_failpoints_init(void)
{
	return 0;
}

static inline void raftlog_failpoints_exit(void)
{
}
#endif

/** RAFTLOG_FAILPOINT() - shall it happen at this place now? */
#define RAFTLOG_FAILPOINT(name) raftlog_failpoint(RAFTLOG_FAILPOINT_##name)

#endif /* RAFTLOG_FAILPOINT_H */
