/* SPDX-License-Identifier: GPL-2.0 */
/* What can happen next. */
#ifndef RAFTLOG_EXPLORE_EVENT_H
#define RAFTLOG_EXPLORE_EVENT_H

#include "world.h"

/**
 * enum event_kind - what happens to @node
 * @EVENT_NONE: nothing
 * @EVENT_DELIVER: message @slot of the channel from @from arrives
 * @EVENT_DELIVER_LATE: the same, after the receiver's stickiness ran out
 * @EVENT_DUPLICATE: the same as EVENT_DELIVER, and it is still under way
 * @EVENT_DROP: it is lost
 * @EVENT_ELECTION: the election timer runs out
 * @EVENT_TAKE_OVER: a follower's leader wants it to lead; as if it were complete
 * @EVENT_HEARTBEAT: a leader's heartbeats are due
 * @EVENT_LOSS: a leader takes what it sent for lost
 * @EVENT_QUORUM: a leader heard of no majority for an election timeout
 * @EVENT_RESEND: a forwarded proposal is due again
 * @EVENT_PROPOSE: somebody proposes
 * @EVENT_READ: somebody reads
 * @EVENT_READ_DUE: a round or a request for reads is due (again)
 * @EVENT_COMPACT: what is committed and on its disk goes
 * @EVENT_DISK: the oldest @slot writes are done in one, and the core is told
 * @EVENT_CRASH: power fails and comes back; @slot of the writes were done
 * @EVENT_DAMAGE: the same, none were done, and the log ends behind @slot entries
 *	(DAMAGE_REPLACED: of what it was before some were replaced)
 * @EVENT_WIPE: it comes back with another disk, on which nothing is
 */
enum event_kind {
	EVENT_NONE,
	EVENT_DELIVER,
	EVENT_DELIVER_LATE,
	EVENT_DUPLICATE,
	EVENT_DROP,
	EVENT_ELECTION,
	EVENT_TAKE_OVER,
	EVENT_HEARTBEAT,
	EVENT_LOSS,
	EVENT_QUORUM,
	EVENT_RESEND,
	EVENT_PROPOSE,
	EVENT_READ,
	EVENT_READ_DUE,
	EVENT_COMPACT,
	EVENT_DISK,
	EVENT_CRASH,
	EVENT_DAMAGE,
	EVENT_WIPE,
	EVENT_KINDS,
};

enum {
	/* Each message in each way, and what each node can do by itself. */
	EVENTS_MAX = NODES_MAX * (NODES_MAX * CHANNEL_MAX * 4 + 64),
};

/**
 * struct event - an event
 * @kind: enum event_kind
 * @slow: the write it begins is not done at once
 * @node: whom it happens to
 * @from: of a message
 * @slot: which message, or how many writes
 */
struct event {
	u8 kind;
	bool slow : 1;
	u8 node : 7;
	u8 from;
	u8 slot;
};

/** events_possible() - in this state; each also slow. Return: how many */
u32 events_possible(struct event *events);

/** event_is_possible() - in this state */
bool event_is_possible(const struct event *event);

/** event_happens() - the verdict says what came of it */
void event_happens(const struct event *event);

/** world_begin() - the state before the first event */
void world_begin(void);

#endif /* RAFTLOG_EXPLORE_EVENT_H */
