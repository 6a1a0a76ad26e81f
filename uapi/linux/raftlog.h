/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * raftlog: a replicated log as a character device.
 *
 * Opening. /dev/raftlog is group 0, /dev/raftlog1 … further groups of the same
 * machine. A group does nothing until RAFTLOG_IOC_START.
 *
 * Writing. One write(2), writev(2) or RAFTLOG_IOC_APPEND is one entry. It returns
 * when the entry is committed: a majority of the members has it on disk. With
 * O_NONBLOCK it returns when the entry is accepted by this machine; fsync(2) then
 * waits until every entry written through the same open file is committed, and
 * says if one may not be.
 *
 * Asynchronous writes. What is submitted by io_uring or io_submit(2) completes when
 * the entry is committed, so one thread keeps thousands under way. It is taken
 * without a thread of its own also while there is no leader, and from then on ends with
 * the same errors as a write that waits. What the group has no room for io_uring keeps
 * until there is room and a leader; io_submit(2) sleeps, or says EAGAIN with RWF_NOWAIT.
 * Closing the file changes nothing for what is under way. io_cancel(2) ends a write at
 * once: ECANCELED if it is not in the log and never will be, EINTR if that is not known;
 * so does the end of the process. io_uring cannot cancel what it has handed in
 * (ENOENT or EALREADY), and a process ends once that did, after append_timeout_ms at
 * most.
 *
 * Asynchronous reads. A read of io_uring waits for an entry without a thread if it is at
 * the file's position (an offset of -1) and the program has read the events of that open
 * file (EPOLLPRI); else, for what is not in memory, and where it looked in vain more than
 * a hundred times as others took the entries, io_uring lets a thread wait.
 * IORING_OP_READ_MULTISHOT never does: it stops at what is not in memory.
 *
 * Reading. read(2) returns the next committed entry, whole; the file position is
 * a log index (the first is 1). Entries the group makes for itself are passed
 * over. At the end it sleeps, or returns EAGAIN under O_NONBLOCK. A buffer that is
 * too small gets EMSGSIZE and the position stays. An entry that is not kept any more
 * (retain_entries, retain_bytes), or that this machine never got, gets ENODATA:
 * lseek(2) to first_index and go on from there; or, where the application takes
 * snapshots, open the newest one and go on behind that. RAFTLOG_IOC_SET_FRAMED makes
 * read(2) return as many whole entries as fit, each behind a struct raftlog_frame.
 * lseek(2) moves by index; SEEK_END is behind the last committed entry. An offset, as
 * of pread(2) and of io_uring, is an index as well, and 0 means the first.
 *
 * Linearizable reads. What read(2) returns is committed, but others may have
 * committed more by then. RAFTLOG_IOC_READ_INDEX says up to where to read in order
 * to see everything that was committed when it was called, anywhere.
 *
 * poll(2). EPOLLIN: read(2) would not sleep. EPOLLOUT: a write would be taken; where
 * one was refused for want of room, there is room for many.
 * EPOLLPRI: role, leader or membership changed since this open file last used
 * RAFTLOG_IOC_GET_STATUS or RAFTLOG_IOC_GET_EVENTS. EPOLLHUP: the group stopped,
 * and the event that says so is there. EPOLLERR: it failed. AIO and a poll of io_uring
 * that began to wait are told EPOLLIN of each commit, also below the file's position;
 * so are EPOLLET and each poll of io_uring of a file on which io_uring's read by offset
 * had to wait. Use O_NONBLOCK, and a file of their own for reads by offset.
 *
 * Errors of a write. Not in the log, and never will be: EAGAIN, EMSGSIZE, ENOSPC,
 * ENOTCONN (not started), EPERM, EINVAL, ECANCELED, EHOSTUNREACH (no leader within
 * append_timeout_ms). Outcome unknown: ETIMEDOUT, EINTR, ESHUTDOWN, EIO; and EFAULT
 * of an ioctl whose answer could not be copied out.
 *
 * Named sessions. A write is in the log at most once, whatever leaders change
 * meanwhile; but after its outcome was unknown, or the program ended, writing it again
 * may put it there twice. A program that opens a session by its name
 * (RAFTLOG_IOC_SET_SESSION) and numbers what it appends (RAFTLOG_APPEND_F_SEQUENCE)
 * may ask for a sequence as often as it likes, also after it was started again and on
 * any node: it is in the log once, and each time it is told where. Of a session the
 * 16 highest sequences in the log are known; keep no more than that unanswered. 256
 * sessions are kept; when one more is opened, the one expires that has not been used
 * for longest, in terms of the log. Opening a session takes it over: what was asked
 * for under an earlier opening, and is not in the log by then, never will be. More
 * errors of a write in a session, its outcome unknown: ESTALE (it is not open any
 * more: taken over, expired, or this machine has got another log), ERANGE (16 higher
 * sequences are in the log). An error that says "not in the log" says so of that call:
 * an earlier one for the same sequence may have put it there.
 *
 * ioctls. Each takes a pointer to a struct whose size is part of the request
 * number. A larger struct than the kernel knows is accepted if what it does not
 * know is zero (else E2BIG); a smaller one is taken as if followed by zeros.
 * Flags that are not known and reserved fields that are not zero get EINVAL.
 * RAFTLOG_IOC_START, RAFTLOG_IOC_STOP, RAFTLOG_IOC_CHANGE_MEMBERS,
 * RAFTLOG_IOC_TRANSFER, RAFTLOG_IOC_SET, RAFTLOG_IOC_SET_KEY and RAFTLOG_IOC_RECOVER
 * need CAP_SYS_ADMIN (EPERM), in the initial user namespace.
 *
 * Namespaces. A group lives in the network namespace of whoever started it, and is
 * stopped when that ends.
 *
 * Keys. What members send each other is encrypted and authenticated with a key of 32
 * bytes that all of them hold. It is a key of type "logon" with the description
 * "raftlog:<name>", in a keyring that the caller of RAFTLOG_IOC_START or
 * RAFTLOG_IOC_SET_KEY searches (keyrings(7)): only its name comes through the ioctl,
 * and the group keeps a copy, so that the keyring may forget it.
 *
 * All integers are in host byte order unless marked otherwise.
 */
#ifndef _UAPI_LINUX_RAFTLOG_H
#define _UAPI_LINUX_RAFTLOG_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RAFTLOG_ABI_VERSION 1

#define RAFTLOG_MEMBERS_MAX 32
#define RAFTLOG_ENTRY_BYTES_MAX (4u << 20)
#define RAFTLOG_ENTRY_BYTES_DEFAULT (1u << 20)
#define RAFTLOG_RELEASE_CHARS 32
#define RAFTLOG_FAILURE_CHARS 96
#define RAFTLOG_CLUSTER_NAME_CHARS 32
#define RAFTLOG_SESSION_NAME_CHARS 64
#define RAFTLOG_KEY_NAME_CHARS 64
#define RAFTLOG_SESSIONS_MAX 256
#define RAFTLOG_SESSION_WINDOW 16

/* Spelled as the paper does; sysfs and raftctl use the names in lower case. */
enum raftlog_role {
	RAFTLOG_ROLE_FOLLOWER = 0,
	RAFTLOG_ROLE_PRE_CANDIDATE = 1,
	RAFTLOG_ROLE_CANDIDATE = 2,
	RAFTLOG_ROLE_LEADER = 3,
	RAFTLOG_ROLE_LEARNER = 4,
	RAFTLOG_ROLE_FAILED = 5,
};

/**
 * enum raftlog_state - life of a group
 * @RAFTLOG_STATE_STOPPED: not started, or stopped
 * @RAFTLOG_STATE_STARTING: reading its log
 * @RAFTLOG_STATE_RUNNING: a member of its cluster
 * @RAFTLOG_STATE_STOPPING: waking everybody up
 * @RAFTLOG_STATE_FAILED: stopped itself, see failure; stop it to start again
 */
enum raftlog_state {
	RAFTLOG_STATE_STOPPED = 0,
	RAFTLOG_STATE_STARTING = 1,
	RAFTLOG_STATE_RUNNING = 2,
	RAFTLOG_STATE_STOPPING = 3,
	RAFTLOG_STATE_FAILED = 4,
};

enum raftlog_progress {
	RAFTLOG_PROGRESS_PROBE = 0,
	RAFTLOG_PROGRESS_REPLICATE = 1,
	RAFTLOG_PROGRESS_SNAPSHOT = 2,
};

enum raftlog_member_kind {
	RAFTLOG_VOTER = 0,
	RAFTLOG_NON_VOTER = 1, /* a learner */
	RAFTLOG_ABSENT = 2, /* on its way out; never at START */
};

/**
 * struct raftlog_addr - a UDP endpoint
 * @family: AF_INET or AF_INET6
 * @port: network byte order
 * @scope_id: interface index of a link-local IPv6 address, else 0
 * @ip: network byte order; IPv4 uses the first four bytes, the rest must be 0
 */
struct raftlog_addr {
	__u16 family;
	__be16 port;
	__u32 scope_id;
	__u8 ip[16];
};

/*
 * A witness: a voter that keeps the terms and places of entries, not what they say.
 * It cannot lead or be read from, and stays one for good. At most half of the voters.
 */
#define RAFTLOG_MEMBER_F_WITNESS (1u << 0)

/**
 * struct raftlog_member - a member of the cluster
 * @id: node id, not 0
 * @kind: enum raftlog_member_kind
 * @flags: RAFTLOG_MEMBER_F_*
 * @addr: where the others reach it
 */
struct raftlog_member {
	__u32 id;
	__u16 kind;
	__u16 flags;
	struct raftlog_addr addr;
};

/**
 * struct raftlog_version - RAFTLOG_IOC_GET_VERSION
 * @abi: RAFTLOG_ABI_VERSION of the module
 * @wal_format: newest on-disk format it writes
 * @wire_version: newest datagram format it speaks
 * @feature_level: highest feature level that it has, see struct raftlog_status
 * @release: version of the module, NUL-terminated
 */
struct raftlog_version {
	__u32 abi;
	__u32 wal_format;
	__u32 wire_version;
	__u32 feature_level;
	char release[RAFTLOG_RELEASE_CHARS];
};

/* Format the WAL: it must be a new file, or a device given up to this. */
#define RAFTLOG_START_F_FORMAT (1u << 0)
/*
 * Go on without what cannot be read of the WAL: it is taken for damaged, as what
 * fails its checksum, and comes again from the other members. What the device
 * itself calls lost (a medium error) is taken for that anyway; any other error may
 * be the way to a disk that is well. Not where the last write may have been, unless
 * the group was stopped in order: what was voted is not known then (EUCLEAN).
 */
#define RAFTLOG_START_F_SALVAGE (1u << 1)
/*
 * Wait, without members of its own, until a leader that has added this node brings
 * the log: @cluster_id and @listen say where. Means nothing once the log has an
 * entry. A log that was empty when it was started so never begins a cluster: until it
 * has an entry it is started so again, and with no more than the first one it has no
 * vote. So is an empty log to be started that takes the place of one that was lost.
 */
#define RAFTLOG_START_F_JOIN (1u << 2)
/*
 * Without a key: whoever can send to @listen can do what a member can, and whoever
 * hears the network reads along. For experiments. All members or none.
 */
#define RAFTLOG_START_F_INSECURE (1u << 3)
#define RAFTLOG_START_F_ALL                                   \
	(RAFTLOG_START_F_FORMAT | RAFTLOG_START_F_SALVAGE | \
	 RAFTLOG_START_F_JOIN | RAFTLOG_START_F_INSECURE)

/**
 * struct raftlog_start - RAFTLOG_IOC_START: join a cluster
 * @flags: RAFTLOG_START_F_*
 * @node_id: this node, not 0; with n_members not 0 one of @members
 * @wal_fd: regular file or block device, open for reading and writing with
 *	O_DIRECT and O_DSYNC. A file must be written (not merely allocated) up to
 *	its size, which is the size of the log
 * @snapshot_fd: two regular files, opened as the WAL, for the snapshots of the
 *	application; empty at first, and they grow. Both -1: it takes none, and none
 *	can be sent to this node
 * @n_members: entries in @members, at most RAFTLOG_MEMBERS_MAX; 0: as in the log
 * @members: pointer to struct raftlog_member[], the same on every node
 * @cluster_name: makes clusters of the same members distinct; zero-padded
 * @listen: local address; family 0: as in @members
 * @election_timeout_ms: 20 … 600000, 0: 500. A node waits once to twice this
 *	before it calls an election
 * @heartbeat_interval_ms: 1 … election_timeout_ms / 2, 0: a tenth of the
 *	election timeout, but at least 1
 * @append_timeout_ms: how long a write waits to be committed, 0: 10000
 * @max_entry_bytes: 1 … RAFTLOG_ENTRY_BYTES_MAX, 0: RAFTLOG_ENTRY_BYTES_DEFAULT.
 *	The same on every node
 * @datagram_bytes: UDP payload, 512 … 65000, 0: 1400
 * @cache_bytes: memory for recent entries, 0: 64 MiB
 * @inflight_bytes: sent to a peer and not acknowledged, 0: 8 MiB
 * @inflight_messages: the same in AppendEntries, 1 … 1024, 0: 64
 * @cluster_id: with RAFTLOG_START_F_JOIN: of the cluster, as its status says; not 0.
 *	Else 0
 * @priority: as a leader, 0 … 255: with less than another voter that is there this
 *	node calls elections later, and as a leader hands over to it
 * @__reserved_priority: 0
 * @retain_entries: keep about so many of the committed entries, 0: all
 * @retain_bytes: keep about so much of the log, 0: all. With either, older entries
 *	go by themselves, and at most three quarters of the log are kept
 * @snapshot_trailing: of the entries that a snapshot makes up for, so many are kept
 *	as long as there is room, for members that lag a little; 0: 4096
 * @snapshot_bytes_per_s: as leader, send no more than this of snapshots, to all
 *	together; 0: 32 MiB
 * @__reserved: 0
 * @key: name of the key of the cluster: printable ASCII without spaces,
 *	NUL-terminated and zero-padded; empty with RAFTLOG_START_F_INSECURE, and only
 *	then
 *
 * Errors: ENOKEY (no key of that name), EKEYREVOKED, EKEYEXPIRED,
 * EBUSY (started already, or the file is in use), EEXIST (the WAL belongs
 * to another node or cluster), ENODATA (no WAL there and no
 * RAFTLOG_START_F_FORMAT, or an empty one that needs RAFTLOG_START_F_JOIN),
 * EUCLEAN (damaged beyond repair, or so that @members are
 * needed again), EIO (cannot be read; see RAFTLOG_START_F_SALVAGE), EPROTONOSUPPORT
 * (of another format, or of a higher feature level than this node has), EADDRINUSE,
 * EADDRNOTAVAIL, EBADF, EINVAL, EMEDIUMTYPE (the file system does no direct I/O there,
 * or a file for snapshots holds something else, or those of another log), ENOSPC (too
 * small), EPERM, EAGAIN (the machine is about to hibernate).
 */
struct raftlog_start {
	__u32 flags;
	__u32 node_id;
	__s32 wal_fd;
	__s32 snapshot_fd[2];
	__u32 n_members;
	__aligned_u64 members;
	char cluster_name[RAFTLOG_CLUSTER_NAME_CHARS];
	struct raftlog_addr listen;
	__u32 election_timeout_ms;
	__u32 heartbeat_interval_ms;
	__u32 append_timeout_ms;
	__u32 max_entry_bytes;
	__u32 datagram_bytes;
	__u32 inflight_messages;
	__u64 cache_bytes;
	__u64 inflight_bytes;
	__u64 cluster_id;
	__u32 priority;
	__u32 __reserved_priority;
	__u64 retain_entries;
	__u64 retain_bytes;
	__u64 snapshot_trailing;
	__u64 snapshot_bytes_per_s;
	__u64 __reserved[2];
	char key[RAFTLOG_KEY_NAME_CHARS];
};

/**
 * struct raftlog_stop - RAFTLOG_IOC_STOP: leave in order
 * @flags: 0
 * @__reserved: 0
 *
 * A leader hands over first, which takes an election timeout at most; a signal that
 * kills cuts it short. Every sleeper wakes with ESHUTDOWN. Errors: ENOTCONN.
 */
struct raftlog_stop {
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct raftlog_status - RAFTLOG_IOC_GET_STATUS
 * @state: enum raftlog_state; all below is 0 if stopped, except @failure
 * @role: enum raftlog_role
 * @node_id: this node
 * @leader_id: the leader it knows, 0 if none
 * @cluster_id: of the members and the name given at the first start
 * @current_term: latest term seen
 * @voted_for: its vote in that term, 0 for nobody
 * @reason: why the role is what it is, a number of enum raft_reason; by name in
 *	sysfs and in raftctl
 * @first_index: oldest entry in the log
 * @last_index: newest
 * @last_term: its term
 * @durable_index: entries up to here are on this node's disk
 * @commit_index: entries up to here are committed
 * @last_applied: entries up to here can be read here
 * @lease_remaining_ns: leader: how long leadership surely holds, else 0
 * @log_bytes: size of the log area
 * @log_bytes_free: room left in it
 * @cache_bytes: memory used by recent entries
 * @n_pending: writes waiting to be committed
 * @n_members: members in the configuration
 * @event_seq: number of the newest event
 * @uptime_ms: since started
 * @failure: why it failed, empty if it did not
 * @lost_index: last entry of those that damage of the disk took from this node and
 *	that have not come again from a leader, 0 if none
 * @configuration_index: log index of the members in force, 0 if none are known
 * @changing: 1 while a change of the members is not complete
 * @transferee: leader: the node it is handing over to, 0 if none
 * @priority: of this node, see struct raftlog_start
 * @n_sessions: named sessions that are open, as far as this node has come
 * @snapshot_index: last entry that the newest snapshot here is of, 0 if there is none
 * @snapshot_bytes: its length
 * @incoming_index: last entry of a snapshot that a leader is sending, 0 if none is
 * @incoming_bytes: its length
 * @incoming_offset: what is here of it
 * @feature_level: what the cluster uses of what versions have: the leader raises it
 *	when every member has more, and it never falls. With a higher one in its log than
 *	it has, a node does not start (EPROTONOSUPPORT)
 * @feature_level_max: what this node has, 0 if stopped
 * @__reserved: 0
 */
struct raftlog_status {
	__u32 state;
	__u32 role;
	__u32 node_id;
	__u32 leader_id;
	__u64 cluster_id;
	__u64 current_term;
	__u32 voted_for;
	__u32 reason;
	__u64 first_index;
	__u64 last_index;
	__u64 last_term;
	__u64 durable_index;
	__u64 commit_index;
	__u64 last_applied;
	__u64 lease_remaining_ns;
	__u64 log_bytes;
	__u64 log_bytes_free;
	__u64 cache_bytes;
	__u32 n_pending;
	__u32 n_members;
	__u64 event_seq;
	__u64 uptime_ms;
	char failure[RAFTLOG_FAILURE_CHARS];
	__u64 lost_index;
	__u64 configuration_index;
	__u32 changing;
	__u32 transferee;
	__u32 priority;
	__u32 n_sessions;
	__u64 snapshot_index;
	__u64 snapshot_bytes;
	__u64 incoming_index;
	__u64 incoming_bytes;
	__u64 incoming_offset;
	__u16 feature_level;
	__u16 feature_level_max;
	__u32 __reserved;
};

/**
 * struct raftlog_peer - one member as this node sees it
 * @member: id, kind and address
 * @flags: RAFTLOG_PEER_F_*
 * @progress: enum raftlog_progress, on the leader
 * @next_index: next entry to send, on the leader
 * @match_index: entries up to here are durable there, on the leader
 * @inflight_messages: AppendEntries without an answer, on the leader
 * @replaces: with RAFTLOG_PEER_F_AUTO_PROMOTE: the member that goes when this one
 *	gets its vote, 0 for none
 * @inflight_bytes: their payload
 * @last_contact_ms: since anything was heard, U64_MAX if never
 * @rtt_ns: smoothed round-trip time, 0 if not known
 * @priority: as it told this node when that was the leader, 0 if it never did
 * @feature_level: what it has, at least: it tells while that is more than is used
 */
struct raftlog_peer {
	struct raftlog_member member;
	__u32 flags;
	__u32 progress;
	__u64 next_index;
	__u64 match_index;
	__u32 inflight_messages;
	__u32 replaces;
	__u64 inflight_bytes;
	__u64 last_contact_ms;
	__u64 rtt_ns;
	__u32 priority;
	__u32 feature_level;
};

#define RAFTLOG_PEER_F_SELF (1u << 0)
#define RAFTLOG_PEER_F_LEADER (1u << 1)
#define RAFTLOG_PEER_F_ACTIVE (1u << 2) /* heard from in an election timeout */
#define RAFTLOG_PEER_F_FOREIGN (1u << 3) /* comes with another disk: no vote */
#define RAFTLOG_PEER_F_AUTO_PROMOTE (1u << 4) /* gets a vote once it caught up */
#define RAFTLOG_PEER_F_CAUGHT_UP (1u << 5) /* and has; known on the leader */
#define RAFTLOG_PEER_F_OLD_VOTER (1u << 6) /* of both, while they change: had a vote */

/**
 * struct raftlog_members - RAFTLOG_IOC_GET_MEMBERS
 * @flags: 0
 * @n_peers: in: room in @peers; out: members, also when that is more
 * @peers: pointer to struct raftlog_peer[]
 * @peer_bytes: sizeof(struct raftlog_peer) of the caller
 * @__reserved: 0
 *
 * Errors: EMSGSIZE (too little room; @n_peers says how much), ENOTCONN.
 */
struct raftlog_members {
	__u32 flags;
	__u32 n_peers;
	__aligned_u64 peers;
	__u32 peer_bytes;
	__u32 __reserved;
};

/**
 * enum raftlog_change_type - what can be done to the members
 * @RAFTLOG_CHANGE_ADD: @id comes, as a learner
 * @RAFTLOG_CHANGE_PROMOTE: learner @id, which has caught up, gets a vote
 * @RAFTLOG_CHANGE_DEMOTE: voter @id becomes a learner
 * @RAFTLOG_CHANGE_REMOVE: @id leaves
 * @RAFTLOG_CHANGE_SET_ADDRESS: @id listens elsewhere
 * @RAFTLOG_CHANGE_REPLACE: @new_id comes as a learner; once it has caught up it gets
 *	a vote and @id leaves, in one step
 */
enum raftlog_change_type {
	RAFTLOG_CHANGE_ADD = 1,
	RAFTLOG_CHANGE_PROMOTE = 2,
	RAFTLOG_CHANGE_DEMOTE = 3,
	RAFTLOG_CHANGE_REMOVE = 4,
	RAFTLOG_CHANGE_SET_ADDRESS = 5,
	RAFTLOG_CHANGE_REPLACE = 6,
};

/* ADD, DEMOTE: it gets a vote (back) by itself, once it has caught up. */
#define RAFTLOG_CHANGE_F_AUTO_PROMOTE (1u << 0)
/* ADD, REPLACE: the one that comes is a witness. */
#define RAFTLOG_CHANGE_F_WITNESS (1u << 1)
#define RAFTLOG_CHANGE_F_ALL \
	(RAFTLOG_CHANGE_F_AUTO_PROMOTE | RAFTLOG_CHANGE_F_WITNESS)

/**
 * struct raftlog_change - one change of one member
 * @type: enum raftlog_change_type
 * @flags: RAFTLOG_CHANGE_F_*
 * @id: the member
 * @new_id: REPLACE: the one that comes; else 0
 * @addr: ADD, SET_ADDRESS, REPLACE: where it listens; else 0
 */
struct raftlog_change {
	__u32 type;
	__u32 flags;
	__u32 id;
	__u32 new_id;
	struct raftlog_addr addr;
};

/**
 * struct raftlog_change_members - RAFTLOG_IOC_CHANGE_MEMBERS, on the leader
 * @flags: 0
 * @n_changes: 1 … RAFTLOG_MEMBERS_MAX: made together, or not at all
 * @changes: pointer to struct raftlog_change[]
 * @change_bytes: sizeof(struct raftlog_change) of the caller
 * @timeout_ms: how long to wait until it is complete, 0: append_timeout_ms of the
 *	group
 * @index: out: log index of the (first) configuration that it made
 *
 * Returns when all of it is committed; a member that is to be promoted by itself
 * may still be a learner then.
 *
 * Errors: EREMOTE (this node does not lead), EBUSY (another change is under way,
 * or the leader is too new: try again), ENOENT (no such member), EEXIST (one with
 * this id or address is there), EALREADY (nothing would change), E2BIG,
 * EHOSTUNREACH (a majority of the voters to be does not answer), EINPROGRESS (a
 * learner to promote has not caught up), ENOSPC, EINVAL, EPERM, ENOTCONN: nothing was
 * done. ECANCELED: another leader undid it. Outcome unknown: ETIMEDOUT, EINTR,
 * ESHUTDOWN, EIO.
 */
struct raftlog_change_members {
	__u32 flags;
	__u32 n_changes;
	__aligned_u64 changes;
	__u32 change_bytes;
	__u32 timeout_ms;
	__u64 index;
};

/* It is @sequence of the session that this open file has set. */
#define RAFTLOG_APPEND_F_SEQUENCE (1u << 0)
#define RAFTLOG_APPEND_F_ALL RAFTLOG_APPEND_F_SEQUENCE

/**
 * struct raftlog_append - RAFTLOG_IOC_APPEND: write(2) that says where
 * @data: pointer to the entry
 * @bytes: its length
 * @flags: RAFTLOG_APPEND_F_*
 * @timeout_ms: 0: append_timeout_ms of the group
 * @__reserved: 0
 * @index: out: log index
 * @term: out: its term
 * @sequence: with RAFTLOG_APPEND_F_SEQUENCE: not 0, and higher for each new entry; one
 *	that is in the log is not appended again, whatever @data is. Else 0
 */
struct raftlog_append {
	__aligned_u64 data;
	__u32 bytes;
	__u32 flags;
	__u32 timeout_ms;
	__u32 __reserved;
	__u64 index;
	__u64 term;
	__u64 sequence;
};

/**
 * struct raftlog_session - RAFTLOG_IOC_SET_SESSION: open a named session
 * @name: 1 … RAFTLOG_SESSION_NAME_CHARS bytes other than 0, padded with zeros
 * @flags: 0
 * @timeout_ms: 0: append_timeout_ms of the group
 * @created: out: log index of the entry that made this session. @opened: it is new.
 *	Another than the program knows: the one it knows has expired
 * @opened: out: log index of the entry that opened it now
 * @last_sequence: out: the highest in the log, 0 if none is
 * @last_index: out: where that is
 *
 * With a file open for writing; a file has one session, the last that was set. Sleeps
 * until the entry is committed, also under O_NONBLOCK.
 *
 * Errors: as of a write. Whatever the error, it may be tried again.
 */
struct raftlog_session {
	char name[RAFTLOG_SESSION_NAME_CHARS];
	__u32 flags;
	__u32 timeout_ms;
	__u64 created;
	__u64 opened;
	__u64 last_sequence;
	__u64 last_index;
};

/**
 * struct raftlog_session_info - a named session that is open
 * @key: made of its name
 * @created: as of struct raftlog_session
 * @opened: likewise
 * @used: log index of the newest entry that opened it, or is of it
 * @last_sequence: as of struct raftlog_session
 * @last_index: likewise
 */
struct raftlog_session_info {
	__u64 key;
	__u64 created;
	__u64 opened;
	__u64 used;
	__u64 last_sequence;
	__u64 last_index;
};

/**
 * struct raftlog_sessions - RAFTLOG_IOC_GET_SESSIONS
 * @flags: 0
 * @n_sessions: in: room in @sessions; out: how many are open, also when that is more
 * @sessions: pointer to struct raftlog_session_info[], by key
 * @session_bytes: sizeof(struct raftlog_session_info) of the caller
 * @__reserved: 0
 * @index: out: those that are open as of this entry; 0: this node does not know (yet),
 *	or no session was ever opened
 *
 * Errors: EMSGSIZE (too little room; @n_sessions says how much), ENOTCONN, ESHUTDOWN,
 * EIO, ENOMEM, EINVAL.
 */
struct raftlog_sessions {
	__u32 flags;
	__u32 n_sessions;
	__aligned_u64 sessions;
	__u32 session_bytes;
	__u32 __reserved;
	__u64 index;
};

/**
 * struct raftlog_set_framed - RAFTLOG_IOC_SET_FRAMED, for this open file
 * @enable: 1: read(2) returns frames; 0: bare entries
 * @flags: RAFTLOG_FRAMED_F_*
 */
struct raftlog_set_framed {
	__u32 enable;
	__u32 flags;
};

/* Also return entries the group made for itself. */
#define RAFTLOG_FRAMED_F_INTERNAL (1u << 0)
#define RAFTLOG_FRAMED_F_ALL RAFTLOG_FRAMED_F_INTERNAL

enum raftlog_entry_type {
	RAFTLOG_ENTRY_DATA = 0,
	RAFTLOG_ENTRY_NOOP = 1,
	RAFTLOG_ENTRY_CONFIGURATION = 2,
	RAFTLOG_ENTRY_SESSION = 3, /* opens a named session; says its name */
	RAFTLOG_ENTRY_SESSIONS = 4, /* what is known of those that are open */
};

/**
 * struct raftlog_frame - before each entry of a framed read
 * @index: log index
 * @term: its term
 * @session: who proposed it; with the top bit set a named session, the rest is the
 *	index of the entry that opened it
 * @sequence: its number among those of @session
 * @bytes: length of the entry, which follows, padded with zeros to 8 bytes
 * @type: enum raftlog_entry_type
 */
struct raftlog_frame {
	__u64 index;
	__u64 term;
	__u64 session;
	__u64 sequence;
	__u32 bytes;
	__u32 type;
};

/**
 * enum raftlog_event_type - what changed
 * @RAFTLOG_EVENT_ROLE: the role; @edge says along which edge of the diagram
 * @RAFTLOG_EVENT_LEADER: another leader, or none, became known
 * @RAFTLOG_EVENT_MEMBERSHIP: the configuration, or a change of it has ended: it is
 *	committed
 * @RAFTLOG_EVENT_STATE: the group started, stopped or failed
 */
enum raftlog_event_type {
	RAFTLOG_EVENT_ROLE = 1,
	RAFTLOG_EVENT_LEADER = 2,
	RAFTLOG_EVENT_MEMBERSHIP = 3,
	RAFTLOG_EVENT_STATE = 4,
};

/**
 * struct raftlog_event - one change
 * @seq: counts from 1 for as long as the module is loaded
 * @time_ns: CLOCK_REALTIME
 * @current_term: after the change
 * @commit_index: after the change
 * @type: enum raftlog_event_type
 * @edge: 0 … 5, edges of the role diagram; 6: failed
 * @from_role: enum raftlog_role
 * @to_role: enum raftlog_role
 * @leader_id: after the change, 0 if none
 * @state: enum raftlog_state
 * @reason: a number of enum raft_reason
 * @__reserved: 0
 *
 * With RAFTLOG_EVENT_STATE, @current_term, @commit_index, the roles, @leader_id and
 * @reason are 0 unless the group runs or has failed. A server that offers itself
 * and finds no majority again and again in one term says so once.
 */
struct raftlog_event {
	__u64 seq;
	__u64 time_ns;
	__u64 current_term;
	__u64 commit_index;
	__u32 type;
	__u32 edge;
	__u32 from_role;
	__u32 to_role;
	__u32 leader_id;
	__u32 state;
	__u32 reason;
	__u32 __reserved;
};

/**
 * struct raftlog_events - RAFTLOG_IOC_GET_EVENTS
 * @after_seq: in: events newer than this; out: seq of the last one returned
 * @n_events: in: room in @events; out: how many were filled, 0 if none is newer
 * @event_bytes: sizeof(struct raftlog_event) of the caller
 * @events: pointer to struct raftlog_event[]
 * @n_lost: out: events newer than after_seq that were overwritten
 * @flags: 0
 * @__reserved: 0
 *
 * The newest 256 are kept. Wait for more with poll(2) and EPOLLPRI.
 */
struct raftlog_events {
	__u64 after_seq;
	__u32 n_events;
	__u32 event_bytes;
	__aligned_u64 events;
	__u64 n_lost;
	__u32 flags;
	__u32 __reserved;
};

/*
 * The leader may answer by its lease, without asking the others: faster, and right
 * as long as no clock of a member gains more than an eighth on another, none leaps,
 * and none stands still while its machine sleeps. See lease_remaining_ns.
 */
#define RAFTLOG_READ_INDEX_F_LEASE (1u << 0)
#define RAFTLOG_READ_INDEX_F_ALL RAFTLOG_READ_INDEX_F_LEASE

/**
 * struct raftlog_read_index - RAFTLOG_IOC_READ_INDEX: up to where to read
 * @flags: RAFTLOG_READ_INDEX_F_*
 * @timeout_ms: 0: append_timeout_ms of the group
 * @index: out: an entry committed anywhere before the call is not behind this; and
 *	read(2) on this node returns the entries up to here without waiting
 * @term: out: of the leader that said so
 *
 * On any node, with a file open for reading. It takes a round trip to the leader
 * and one from there to a majority, which all calls under way share. It sleeps,
 * also under O_NONBLOCK, until then.
 *
 * Errors: ENOTCONN (not started), EHOSTUNREACH (no leader in time), ETIMEDOUT (a
 * leader, and no answer in time), EAGAIN (too many such calls), EINTR, ESHUTDOWN,
 * EIO, EBADF, EINVAL, ENOMEM. It changes nothing, and may always be repeated.
 */
struct raftlog_read_index {
	__u32 flags;
	__u32 timeout_ms;
	__u64 index;
	__u64 term;
};

/**
 * struct raftlog_transfer - RAFTLOG_IOC_TRANSFER: let another node lead
 * @flags: 0
 * @target: which; 0: the one of highest priority, and of these the most complete
 * @leader_id: out: who leads now; usually @target
 * @__reserved: 0
 *
 * Returns once another leader is known. If this node leads and is @target it returns
 * at once, and what it was handing over it keeps. Until
 * then writes wait, for about a round trip between the nodes; none is refused. What
 * the leader published as lease_remaining_ns has run out before anybody else leads.
 * A node that leads by this keeps to it, whatever the priorities.
 *
 * Errors: EREMOTE (this node does not lead: ask leader_id of its status), ENOENT
 * (no such member, or no other voter), EOPNOTSUPP (a learner, or known with another
 * disk), EHOSTUNREACH (silent for an election timeout), EAGAIN (too far behind),
 * EBUSY (another transfer is under way), ETIMEDOUT (aborted: this node still leads,
 * or none is known to), EINTR (it goes on), ENOTCONN, ESHUTDOWN, EIO.
 */
struct raftlog_transfer {
	__u32 flags;
	__u32 target;
	__u32 leader_id;
	__u32 __reserved;
};

/* Which fields of struct raftlog_set are to change. */
#define RAFTLOG_SET_ELECTION_TIMEOUT (1u << 0)
#define RAFTLOG_SET_HEARTBEAT_INTERVAL (1u << 1)
#define RAFTLOG_SET_APPEND_TIMEOUT (1u << 2)
#define RAFTLOG_SET_INFLIGHT_MESSAGES (1u << 3)
#define RAFTLOG_SET_INFLIGHT_BYTES (1u << 4)
#define RAFTLOG_SET_CACHE_BYTES (1u << 5)
#define RAFTLOG_SET_RETAIN_ENTRIES (1u << 6)
#define RAFTLOG_SET_RETAIN_BYTES (1u << 7)
#define RAFTLOG_SET_SNAPSHOT_TRAILING (1u << 8)
#define RAFTLOG_SET_SNAPSHOT_BYTES_PER_S (1u << 9)
#define RAFTLOG_SET_ALL ((1u << 10) - 1)

/**
 * struct raftlog_set - RAFTLOG_IOC_SET: change settings of a group that runs
 * @flags: 0
 * @fields: RAFTLOG_SET_*: fields that are to change; the others must be 0
 * @election_timeout_ms: as in struct raftlog_start, 0 for the default as well
 * @heartbeat_interval_ms: likewise
 * @append_timeout_ms: likewise; of writes that begin from now on
 * @inflight_messages: likewise, but at most what the group was started with
 * @inflight_bytes: likewise
 * @cache_bytes: likewise; memory in use goes as entries come
 * @retain_entries: likewise; what is too much goes as entries come
 * @retain_bytes: likewise
 * @snapshot_trailing: likewise
 * @snapshot_bytes_per_s: likewise
 * @__reserved: 0
 *
 * All or nothing: what is set is valid together with what stays, or nothing
 * changes. Out: every setting as it is now, also with @fields 0. Of this node alone,
 * until the group stops. An election timeout is to be changed on one node after the
 * other: leases (lease_remaining_ns) hold all along. A node that is started again
 * with a shorter one than it had must have been down for the old one.
 *
 * Errors: EINVAL, ENOTCONN, EIO (the group has failed).
 */
struct raftlog_set {
	__u32 flags;
	__u32 fields;
	__u32 election_timeout_ms;
	__u32 heartbeat_interval_ms;
	__u32 append_timeout_ms;
	__u32 inflight_messages;
	__u64 inflight_bytes;
	__u64 cache_bytes;
	__u64 retain_entries;
	__u64 retain_bytes;
	__u64 snapshot_trailing;
	__u64 snapshot_bytes_per_s;
	__u64 __reserved[3];
};

/* Do it. Without, only what would come of it is told, and nothing is written. */
#define RAFTLOG_RECOVER_F_FORCE (1u << 0)
/* Also where damage took entries from the log (see lost_index), or will have. */
#define RAFTLOG_RECOVER_F_SALVAGE (1u << 1)
#define RAFTLOG_RECOVER_F_ALL \
	(RAFTLOG_RECOVER_F_FORCE | RAFTLOG_RECOVER_F_SALVAGE)

/**
 * struct raftlog_recover - RAFTLOG_IOC_RECOVER: go on without the others, for good
 * @flags: RAFTLOG_RECOVER_F_*
 * @node_id: this node
 * @wal_fd: its log, as in struct raftlog_start
 * @n_members: in: room in @members; out: members, also when that is more
 * @members: pointer to struct raftlog_member[]: out: the members as the log has them,
 *	or the snapshot, if the log does not reach it
 * @member_bytes: sizeof(struct raftlog_member) of the caller
 * @error: out: 0, or why RAFTLOG_RECOVER_F_FORCE is refused, as below
 * @snapshot_fd: its snapshots, as in struct raftlog_start; both -1 if it has none
 * @cluster_id: out: the cluster that the log was of
 * @new_cluster_id: out: the one that it is of, once it is forced; else 0
 * @current_term: out: likewise each of the following as it was when it was opened
 * @first_index: out: oldest entry in the log
 * @last_index: out: newest; if the log does not reach the snapshot, what that is of
 * @last_term: out: its term
 * @commit_index: out: entries up to here are known to be committed. Those behind are
 *	committed or not: nobody who is left can tell
 * @configuration_index: out: of the entry that named @members
 * @lost_index: out: last entry of those that damage took, 0 if none: from the log, or
 *	with a snapshot that the log does not reach, or that an unfinished recovery was
 *	begun with
 * @snapshot_index: out: last entry that the newest snapshot of use is of, 0 if there is
 *	none
 * @snapshot_term: out: its term
 * @unfinished: out: 1: this was forced before, and interrupted. The next start, with
 *	its snapshots, completes it, as does this
 * @__reserved: 0
 *
 * For a cluster that has lost more members than it can do without, and will not get
 * them back. The group is not started. What this node has is the log of a new
 * cluster then, of this node alone, with a cluster_id of its own: all its entries
 * are kept, and count as committed once it has started (RAFTLOG_IOC_START without
 * members). What others committed and never sent here is lost. A snapshot that a
 * leader sent, and that the log does not reach, counts as well: the log begins anew
 * behind it then. Members of the old cluster can neither be heard nor join; those that
 * come back go on as they were, if they are enough: the two have nothing to do with
 * each other any more. Of several nodes that are left the one with the highest
 * last_term, and of these the highest last_index, has all that is committed, as far as
 * any of them does.
 *
 * The power may fail at any time: either nothing was done, or the next start, with its
 * snapshots, completes it. Without one that the log does not reach, and that this was
 * begun with, that is refused (EUCLEAN), as is this but with
 * RAFTLOG_RECOVER_F_SALVAGE, which begins anew with what is there.
 *
 * Errors: EBUSY (the group is started, or the file is in use), EEXIST (the log of
 * another node), ENODATA (no log, or an empty one without a snapshot), ENOENT (the node
 * is no member by what it has), EOPNOTSUPP (a witness), EUCLEAN (damaged beyond repair,
 * or entries are lost, or a snapshot is damaged that the log does not reach, and
 * RAFTLOG_RECOVER_F_SALVAGE is not there), ENOSPC (no room for an entry), EMSGSIZE (too
 * little room in @members, nothing was done), EIO, EPROTONOSUPPORT, EBADF, EINVAL,
 * EMEDIUMTYPE, ENOMEM, EPERM.
 */
struct raftlog_recover {
	__u32 flags;
	__u32 node_id;
	__s32 wal_fd;
	__u32 n_members;
	__aligned_u64 members;
	__u32 member_bytes;
	__u32 error;
	__s32 snapshot_fd[2];
	__u64 cluster_id;
	__u64 new_cluster_id;
	__u64 current_term;
	__u64 first_index;
	__u64 last_index;
	__u64 last_term;
	__u64 commit_index;
	__u64 configuration_index;
	__u64 lost_index;
	__u64 snapshot_index;
	__u64 snapshot_term;
	__u32 unfinished;
	__u32 __reserved;
};

/**
 * struct raftlog_snapshot_create - RAFTLOG_IOC_SNAPSHOT_CREATE: let the log go
 * @flags: 0
 * @fd: out: a new file, for writing
 * @index: in: last entry that the data will be what came of, at most last_applied;
 *	0: last_applied. Out: which
 * @term: out: its term
 * @__reserved: 0
 *
 * With a file open for writing. The data is written to @fd in order, as much as it
 * takes, and nothing of it is there before RAFTLOG_IOC_SNAPSHOT_SEAL; closed before
 * that, it is discarded. There is room for two snapshots: the newest and the one
 * that is being made. Once it is sealed the entries up to @index may go, and members
 * that need them get the snapshot instead, piece by piece.
 *
 * Errors: ENOTCONN, EOPNOTSUPP (started without snapshot_fd, or a witness), EBUSY
 * (another one is being made, or the place is needed: somebody reads the one before
 * the newest, or a member is being sent it, or a leader is sending one here), EEXIST
 * (there is one as of @index), ESTALE (there is a newer one), EINVAL (@index is not
 * applied yet), ENODATA (and is not in the log any more), ENOSPC, EIO, ESHUTDOWN.
 *
 * write(2): ESTALE (a leader sent a newer one in its place), ENOSPC, EIO, ESHUTDOWN
 * (the group was stopped): it cannot be sealed then.
 */
struct raftlog_snapshot_create {
	__u32 flags;
	__s32 fd;
	__u64 index;
	__u64 term;
	__u64 __reserved;
};

/**
 * struct raftlog_snapshot_seal - RAFTLOG_IOC_SNAPSHOT_SEAL, on that file
 * @flags: 0
 * @__reserved: 0
 * @index: out: as of which entry
 * @bytes: out: how much was written
 *
 * All of it is durable when this returns, and is the newest snapshot.
 *
 * Errors: EINVAL (nothing was written, or it is sealed), ESTALE, ENOSPC, EIO,
 * ESHUTDOWN, EINTR.
 */
struct raftlog_snapshot_seal {
	__u32 flags;
	__u32 __reserved;
	__u64 index;
	__u64 bytes;
};

/**
 * struct raftlog_snapshot_open - RAFTLOG_IOC_SNAPSHOT_OPEN: the newest snapshot
 * @flags: 0
 * @fd: out: a new file, for reading; lseek(2) works
 * @index: out: last entry that the data is what came of: go on reading behind it
 * @term: out: its term
 * @bytes: out: of the data
 * @__reserved: 0
 *
 * With a file open for reading. While it is open no process makes another snapshot in
 * its place.
 *
 * Errors: ENOTCONN, EOPNOTSUPP (started without snapshot_fd), ENOENT (there is none).
 * read(2): ESTALE (a leader sent another one in its place, or it was damaged, and was
 * taken again: open that), EUCLEAN
 * (damaged) and EIO: it can be taken again, as of the same entry; ESHUTDOWN.
 */
struct raftlog_snapshot_open {
	__u32 flags;
	__s32 fd;
	__u64 index;
	__u64 term;
	__u64 bytes;
	__u64 __reserved;
};

/**
 * enum raftlog_set_key_step - an exchange of keys: each step on all members, before
 *	the next
 * @RAFTLOG_SET_KEY_NEXT: take what comes under another key, too
 * @RAFTLOG_SET_KEY_SWITCH: send under that one, and for a while take what comes under
 *	the one before
 * @RAFTLOG_SET_KEY_DROP: do not any more
 */
enum raftlog_set_key_step {
	RAFTLOG_SET_KEY_NEXT = 0,
	RAFTLOG_SET_KEY_SWITCH = 1,
	RAFTLOG_SET_KEY_DROP = 2,
};

/**
 * struct raftlog_set_key - RAFTLOG_IOC_SET_KEY: exchange the key of the cluster
 * @flags: 0
 * @step: enum raftlog_set_key_step
 * @grace_ms: RAFTLOG_SET_KEY_SWITCH: the key before is dropped by itself after that;
 *	0: with RAFTLOG_SET_KEY_DROP. Else 0
 * @__reserved_grace: 0
 * @name: RAFTLOG_SET_KEY_NEXT: of the next key, as in struct raftlog_start. Else empty
 * @__reserved: 0
 *
 * Nothing that is under way is lost, as long as no member switches before all have the
 * next key, and none drops the old one before all have switched. A member that is
 * down meanwhile is started with the key that the others send under.
 *
 * Errors: ENOKEY (no key of that name, or none to switch to), EKEYREVOKED, EKEYEXPIRED,
 * EINVAL (also: not 32 bytes), EOPNOTSUPP (started without a key), ENOTCONN, EIO (the
 * group has failed).
 */
struct raftlog_set_key {
	__u32 flags;
	__u32 step;
	__u32 grace_ms;
	__u32 __reserved_grace;
	char name[RAFTLOG_KEY_NAME_CHARS];
	__u64 __reserved[2];
};

#define RAFTLOG_IOC_MAGIC 0xBC

#define RAFTLOG_IOC_GET_VERSION \
	_IOR(RAFTLOG_IOC_MAGIC, 0x00, struct raftlog_version)
#define RAFTLOG_IOC_START _IOW(RAFTLOG_IOC_MAGIC, 0x01, struct raftlog_start)
#define RAFTLOG_IOC_STOP _IOW(RAFTLOG_IOC_MAGIC, 0x02, struct raftlog_stop)
#define RAFTLOG_IOC_GET_STATUS \
	_IOR(RAFTLOG_IOC_MAGIC, 0x03, struct raftlog_status)
#define RAFTLOG_IOC_GET_MEMBERS \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x04, struct raftlog_members)
#define RAFTLOG_IOC_APPEND _IOWR(RAFTLOG_IOC_MAGIC, 0x05, struct raftlog_append)
#define RAFTLOG_IOC_SET_FRAMED \
	_IOW(RAFTLOG_IOC_MAGIC, 0x06, struct raftlog_set_framed)
#define RAFTLOG_IOC_GET_EVENTS \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x07, struct raftlog_events)
#define RAFTLOG_IOC_CHANGE_MEMBERS \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x08, struct raftlog_change_members)
#define RAFTLOG_IOC_TRANSFER \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x09, struct raftlog_transfer)
#define RAFTLOG_IOC_READ_INDEX \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x0a, struct raftlog_read_index)
#define RAFTLOG_IOC_SET _IOWR(RAFTLOG_IOC_MAGIC, 0x0b, struct raftlog_set)
#define RAFTLOG_IOC_RECOVER \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x0c, struct raftlog_recover)
#define RAFTLOG_IOC_SNAPSHOT_CREATE \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x0d, struct raftlog_snapshot_create)
#define RAFTLOG_IOC_SNAPSHOT_OPEN \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x0e, struct raftlog_snapshot_open)
/* On the file that RAFTLOG_IOC_SNAPSHOT_CREATE gave. */
#define RAFTLOG_IOC_SNAPSHOT_SEAL \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x0f, struct raftlog_snapshot_seal)
#define RAFTLOG_IOC_SET_SESSION \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x10, struct raftlog_session)
#define RAFTLOG_IOC_GET_SESSIONS \
	_IOWR(RAFTLOG_IOC_MAGIC, 0x11, struct raftlog_sessions)
#define RAFTLOG_IOC_SET_KEY \
	_IOW(RAFTLOG_IOC_MAGIC, 0x12, struct raftlog_set_key)

#endif /* _UAPI_LINUX_RAFTLOG_H */
