// SPDX-License-Identifier: GPL-2.0
/*
 * Settings: what is valid, and how they change while a server runs.
 *
 * Timeouts and leases. A leader's lease is made of promises: a voter that answers
 * votes for nobody else for so long after it heard the request (6.4.1). With
 * timeouts that change on one server after the other, what each of them promises
 * must not be what another takes for granted. So an answer says how long that
 * voter's promise is, and the leader counts on that or on what it promises itself,
 * whichever is less (raft_lease_until()). Two things are left: that a voter keeps
 * what it promised, and a leader what it told.
 *
 * - A timeout made shorter. What was promised with earlier answers stands: until the
 *   old timeout has passed since the last contact the server is sticky, and does not
 *   stand for election either (sticky_until_ns). As after a restart, nothing
 *   overrides that: a transfer takes so much longer at most. Answers from then on
 *   promise the new one.
 * - A leader's timeout made shorter, or a voter's, which then promises less. The
 *   lease becomes shorter at once. What the leader told of the longer one stays
 *   true, because those who answered keep to it; and so does the leader itself
 *   (raft_keep_lease_promise()): it hands over not before that time, and should it
 *   step down, it is sticky until then.
 * - A timeout made longer. The server is sticky for longer than it promised. A
 *   leader's lease does not become longer than what the voters promise.
 * - Started again, a server does not know what it promised before, and is sticky for
 *   the timeout it was started with. So it never promises more than that, whatever
 *   it was set to since, as a voter or as the leader whose lease it is. Started again
 *   with a shorter timeout than the one before, it must have been down for that long:
 *   that is for the administrator to see to.
 *
 * So who answered a request that was sent at S with a promise of P votes for nobody
 * else, itself included, before S + P, unless the leader of that term wants it to;
 * the leader likewise until whatever it told. That is all that transfer.c asks of
 * timeouts: how long those are that it waits for itself is decided when a transfer
 * begins, and TimeoutNow and RequestVote carry it.
 *
 * None of it matters to safety: terms and logs hold without any clock.
 */
#include "core.h"

bool raft_settings_are_valid(const struct raft_settings *s)
{
	return s->node_id != RAFT_ID_NONE && s->session &&
	       !(s->session & RAFT_SESSION_KEY) && s->sessions_max &&
	       s->sessions_max <= RAFT_SESSIONS_MAX &&
	       s->heartbeat_interval_ns &&
	       s->heartbeat_interval_ns <= s->election_timeout_ns / 2 &&
	       s->append_bytes_max && s->append_entries_max &&
	       s->inflight_bytes_max && s->inflight_messages_max &&
	       s->uncommitted_bytes_max && s->window_entries >= 4 &&
	       is_power_of_2(s->window_entries) && s->proposals_max &&
	       is_power_of_2(s->proposals_max) &&
	       s->feature_level <= RAFT_FEATURE_LEVEL_LAST;
}

/* How long this server votes for nobody else after what it answers now. */
u64 raft_promise(const struct raft *r)
{
	return min(r->settings.election_timeout_ns, r->promise_ns_max);
}

/* What may change keeps to what was laid out by raft_init(). */
static bool may_become(const struct raft *r, const struct raft_settings *s)
{
	const struct raft_settings *now = &r->settings;

	return raft_settings_are_valid(s) && s->node_id == now->node_id &&
	       s->session == now->session &&
	       s->window_entries == now->window_entries &&
	       s->proposals_max == now->proposals_max &&
	       s->sessions_max == now->sessions_max &&
	       s->append_bytes_max == now->append_bytes_max &&
	       s->append_entries_max == now->append_entries_max &&
	       s->feature_level == now->feature_level &&
	       s->inflight_messages_max <= r->inflight_slots;
}

/* Before the timeout becomes shorter: see the top of this file. */
static void keep_promises(struct raft *r)
{
	raft_keep_lease_promise(r);
	if (r->leader_contact_ns)
		r->sticky_until_ns = max(r->sticky_until_ns,
					 r->leader_contact_ns +
						 r->settings.election_timeout_ns);
}

int raft_set_settings(struct raft *r, const struct raft_settings *settings,
		      u64 now_ns)
{
	if (!r->started || r->role == RAFT_FAILED || now_ns < r->now_ns ||
	    !may_become(r, settings))
		return -EINVAL;
	r->now_ns = now_ns;
	if (settings->election_timeout_ns < r->settings.election_timeout_ns)
		keep_promises(r);
	if (settings->snapshot_bytes_per_s != r->settings.snapshot_bytes_per_s)
		r->chunk_due_ns = 0;
	r->settings = *settings;
	if (r->role == RAFT_LEADER) {
		r->heartbeat_due_ns =
			min(r->heartbeat_due_ns,
			    now_ns + settings->heartbeat_interval_ns);
		return 0;
	}
	raft_reset_election_timer(r);
	raft_defer_to_priority(r);
	return 0;
}
