// SPDX-License-Identifier: GPL-2.0
/*
 * Named sessions (6.3): what makes a program's retries safe across its restarts, on
 * any server. The state of a session is part of the replicated state: a function of
 * the committed log alone, so that all servers have the same of it at the same index.
 *
 *	SESSION		an entry that opens the session of a key, or opens it again.
 *			From then on entries of it carry the index of that entry; what
 *			was proposed under an earlier one is refused. So once it is
 *			committed, whoever opened the session knows all there is of it
 *	DATA		of a session: recorded as (sequence, index, term). The highest
 *			RAFT_SESSION_WINDOW sequences are known, of what is below them
 *			and not among them nothing can be said (@floor)
 *	SESSIONS	a checkpoint, below
 *
 * At most sessions_max are open. When one more is opened, the one expires that has not
 * been used for longest, by log index. A name that is opened after that is a new
 * session (@created says so), and the index in what belonged to the old one keeps that
 * from ever being taken for the new one's.
 *
 * Once only. A leader decides when an entry of its own term is committed: then what is
 * committed here is all that ever was of earlier terms (leader completeness, 3.6.3),
 * and what it has behind commit_index it appended itself. An entry that is neither in
 * the table nor behind commit_index and not below the floor is in no log, or in one
 * that will be replaced, and may be appended. Behind an entry that opens its session,
 * and is not committed yet, nothing is appended under the earlier one.
 *
 * Checkpoints. Logs let entries go, and after a restart nothing is known to be
 * committed. So once there are sessions a leader writes the table into the log from
 * time to time, as of its commit_index, which the entry names. That is a fact: whoever
 * gets the entry, committed or not, has a log that is equal up to it (Log Matching),
 * and entries that are committed up to what it covers. So he can take the table from
 * it, and apply what is behind. A server lets entries go only up to what the newest
 * committed checkpoint covers, so every log that begins later holds one from which to
 * begin. Whoever has not come to it does not know the table, and says so. A snapshot
 * may be of a later entry than that: when one is sent a checkpoint follows, so that
 * whose log begins with it does not have to wait for the next.
 *
 * A leader that does not know the table when it is asked for it, and one in whose log
 * nobody has opened a session yet, writes a checkpoint that covers nothing: when it is
 * committed no session is open, on any server. So whatever became of the table,
 * sessions may expire early, and nothing is ever taken twice or acknowledged wrongly.
 *
 * A witness has all of this: it does without the payload of DATA alone.
 */
#include "core.h"

/*
 * Payload of RAFT_ENTRY_SESSIONS, little endian; none at all if it covers nothing:
 *
 *	0  le32 version, 1	4  le32 n
 *	8  n times, by key:
 *	   0 le64 key		8 le64 created	16 le64 opened	24 le64 used
 *	   32 le64 floor	40 le32 n_slots	44 le32 0
 *	   n_slots times, by sequence:
 *	      0 le64 sequence	8 le64 index	16 le64 term
 */
enum {
	SESSIONS_VERSION = 1,
	/* A checkpoint for so many times its own length of log. */
	CHECKPOINT_FACTOR = 16,
	/* And for each such part of the window. */
	CHECKPOINT_WINDOWS = 4,
	/* What one entry can add to the table. */
	GROWTH_BYTES = RAFT_SESSIONS_SESSION_BYTES + RAFT_SESSIONS_SLOT_BYTES,
};

static u32 bytes_max(u32 sessions_max)
{
	return RAFT_SESSIONS_HEADER_BYTES +
	       sessions_max *
		       (RAFT_SESSIONS_SESSION_BYTES +
			RAFT_SESSION_WINDOW * RAFT_SESSIONS_SLOT_BYTES);
}

u64 raft_session_key(const void *name, size_t bytes)
{
	/* FNV-1a, and the last step of splitmix64. */
	u64 x = 0xcbf29ce484222325ull;
	const u8 *p = name;

	while (bytes--)
		x = (x ^ *p++) * 0x100000001b3ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x | RAFT_SESSION_KEY;
}

/* Memory */

/* Two tables in one: what is looked for is in the way of little else. */
size_t raft_sessions_bytes(const struct raft *r)
{
	u32 n = r->settings.sessions_max;

	return n * (sizeof(u64) + sizeof(struct raft_session)) +
	       ALIGN(bytes_max(n), 8);
}

void raft_sessions_grow(struct raft *r, void *memory)
{
	struct raft_sessions *s = &r->sessions;
	u32 n = r->settings.sessions_max;

	s->opened = memory;
	s->sessions = (struct raft_session *)(s->opened + n);
	s->encoded = (u8 *)(s->sessions + n);
}

/* Does it take the table to append this? */
bool raft_is_of_sessions(const struct raft_entry *entry)
{
	return entry->type == RAFT_ENTRY_SESSION ||
	       entry->type == RAFT_ENTRY_SESSIONS ||
	       raft_session_is_named(entry->session);
}

/* The table: by key */

/* Position of @key, or where it would be. */
static u32 position_of(const struct raft_sessions *s, u64 key)
{
	u32 low = 0, high = s->n;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (s->sessions[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct raft_session *find_key(const struct raft_sessions *s, u64 key)
{
	u32 i = position_of(s, key);

	return i < s->n && s->sessions[i].key == key ? &s->sessions[i] : NULL;
}

static struct raft_session *find_session(const struct raft_sessions *s,
					 u64 session)
{
	u64 opened = session & ~RAFT_SESSION_KEY;
	u32 i;

	for (i = 0; i < s->n; i++)
		if (s->opened[i] == opened)
			return &s->sessions[i];
	return NULL;
}

static void move_sessions(struct raft_sessions *s, u32 to, u32 from, u32 n)
{
	memmove(s->opened + to, s->opened + from, n * sizeof(*s->opened));
	memmove(s->sessions + to, s->sessions + from,
		n * sizeof(*s->sessions));
}

/* 6.3: by log index, so that it is the same one everywhere. */
static void expire_one(struct raft_sessions *s)
{
	u32 i, oldest = 0;

	for (i = 1; i < s->n; i++)
		if (s->sessions[i].used < s->sessions[oldest].used)
			oldest = i;
	s->n--;
	move_sessions(s, oldest, oldest + 1, s->n - oldest);
}

static void open_session(struct raft *r, u64 key, u64 index)
{
	struct raft_sessions *s = &r->sessions;
	struct raft_session *session = find_key(s, key);
	u32 i;

	if (!session) {
		if (s->n == r->settings.sessions_max)
			expire_one(s);
		i = position_of(s, key);
		move_sessions(s, i + 1, i, s->n - i);
		s->n++;
		session = &s->sessions[i];
		memset(session, 0, sizeof(*session));
		session->key = key;
		session->created = index;
	}
	session->used = index;
	s->opened[session - s->sessions] = index;
}

/* Slot of @sequence, or where it would be. */
static u32 slot_of(const struct raft_session *session, u64 sequence)
{
	u32 i = session->n_slots;

	while (i && session->slots[i - 1].sequence >= sequence)
		i--;
	return i;
}

static void record(struct raft_session *session, u64 sequence, u64 index,
		   u64 term)
{
	u32 i = slot_of(session, sequence);

	session->used = index;
	/*
	 * Full: the lowest goes, be it this one. It may be lower than what went before:
	 * what was asked for in time can come late.
	 */
	if (session->n_slots == RAFT_SESSION_WINDOW) {
		session->floor = max(session->floor,
				     i ? session->slots[0].sequence : sequence);
		if (!i)
			return;
		i--;
		memmove(session->slots, session->slots + 1,
			i * sizeof(*session->slots));
	} else {
		memmove(session->slots + i + 1, session->slots + i,
			(session->n_slots - i) * sizeof(*session->slots));
		session->n_slots++;
	}
	session->slots[i].sequence = sequence;
	session->slots[i].index = index;
	session->slots[i].term = term;
}

/* What is committed */

static void apply(struct raft *r, u64 index)
{
	const struct raft_meta *meta = raft_log_meta(&r->log, index);
	struct raft_sessions *s = &r->sessions;
	struct raft_session *session;

	/* One checkpoint is no reason for the next. */
	if (meta->type != RAFT_ENTRY_SESSIONS)
		s->cost += raft_entry_cost(r, meta->bytes);
	if (meta->type == RAFT_ENTRY_SESSIONS && !meta->sequence) {
		s->n = 0;
		s->known = true;
	}
	if (!s->known)
		return;
	s->applied = index;
	if (meta->type == RAFT_ENTRY_SESSION) {
		open_session(r, meta->session, index);
	} else if (raft_session_is_named(meta->session)) {
		session = find_session(s, meta->session);
		/* It may have expired since a leader appended that. */
		if (session)
			record(session, meta->sequence, index,
			       raft_log_term(&r->log, index));
	}
}

/* Entries up to @index are committed, and were so far up to commit_index. */
void raft_sessions_commit(struct raft *r, u64 index)
{
	struct raft_sessions *s = &r->sessions;
	u64 i = s->known ? s->applied + 1 : r->commit_index + 1;

	if (!s->sessions)
		return;
	if (i < r->log.window_first) {
		s->known = false;
		i = r->log.window_first;
	}
	for (; i <= index; i++)
		apply(r, i);
}

/* Checkpoints */

static void encode(struct raft_sessions *s)
{
	u8 *p = s->encoded;
	u32 i, j;

	put_unaligned_le32(SESSIONS_VERSION, p);
	put_unaligned_le32(s->n, p + 4);
	p += RAFT_SESSIONS_HEADER_BYTES;
	for (i = 0; i < s->n; i++) {
		const struct raft_session *session = &s->sessions[i];

		put_unaligned_le64(session->key, p);
		put_unaligned_le64(session->created, p + 8);
		put_unaligned_le64(s->opened[i], p + 16);
		put_unaligned_le64(session->used, p + 24);
		put_unaligned_le64(session->floor, p + 32);
		put_unaligned_le32(session->n_slots, p + 40);
		put_unaligned_le32(0, p + 44);
		p += RAFT_SESSIONS_SESSION_BYTES;
		for (j = 0; j < session->n_slots; j++) {
			put_unaligned_le64(session->slots[j].sequence, p);
			put_unaligned_le64(session->slots[j].index, p + 8);
			put_unaligned_le64(session->slots[j].term, p + 16);
			p += RAFT_SESSIONS_SLOT_BYTES;
		}
	}
}

static u32 encoded_bytes(const struct raft_sessions *s)
{
	u32 i, n_slots = 0;

	for (i = 0; i < s->n; i++)
		n_slots += s->sessions[i].n_slots;
	return RAFT_SESSIONS_HEADER_BYTES +
	       s->n * RAFT_SESSIONS_SESSION_BYTES +
	       n_slots * RAFT_SESSIONS_SLOT_BYTES;
}

/* One session at @p; returns its length, 0 if it is none. */
static size_t session_bytes(const u8 *p, size_t bytes, u64 key, u64 covers)
{
	u64 opened, used, floor, sequence;
	u32 i, n;

	if (bytes < RAFT_SESSIONS_SESSION_BYTES)
		return 0;
	opened = get_unaligned_le64(p + 16);
	used = get_unaligned_le64(p + 24);
	floor = get_unaligned_le64(p + 32);
	n = get_unaligned_le32(p + 40);
	if (get_unaligned_le64(p) <= key ||
	    !raft_session_is_key(get_unaligned_le64(p)) ||
	    !get_unaligned_le64(p + 8) || get_unaligned_le64(p + 8) > opened ||
	    opened > used || used > covers || n > RAFT_SESSION_WINDOW ||
	    (floor && n < RAFT_SESSION_WINDOW) || get_unaligned_le32(p + 44) ||
	    bytes < RAFT_SESSIONS_SESSION_BYTES + n * RAFT_SESSIONS_SLOT_BYTES)
		return 0;
	p += RAFT_SESSIONS_SESSION_BYTES;
	for (i = 0; i < n; i++, p += RAFT_SESSIONS_SLOT_BYTES) {
		sequence = get_unaligned_le64(p);
		if (sequence <= floor || !get_unaligned_le64(p + 8) ||
		    get_unaligned_le64(p + 8) > used ||
		    !get_unaligned_le64(p + 16))
			return 0;
		floor = sequence;
	}
	return RAFT_SESSIONS_SESSION_BYTES + n * RAFT_SESSIONS_SLOT_BYTES;
}

static int check_checkpoint(const struct raft *r,
			    const struct raft_entry *entry, u64 index)
{
	const u8 *p = entry->data;
	size_t n, bytes = entry->bytes;
	u64 key = 0;
	u32 count;

	if (entry->session || entry->sequence >= index)
		return -EINVAL;
	if (!entry->sequence)
		return bytes ? -EINVAL : 0;
	if (bytes < RAFT_SESSIONS_HEADER_BYTES ||
	    get_unaligned_le32(p) != SESSIONS_VERSION)
		return -EINVAL;
	count = get_unaligned_le32(p + 4);
	if (count > r->settings.sessions_max)
		return -EINVAL;
	p += RAFT_SESSIONS_HEADER_BYTES;
	bytes -= RAFT_SESSIONS_HEADER_BYTES;
	while (count--) {
		n = session_bytes(p, bytes, key, entry->sequence);
		if (!n)
			return -EINVAL;
		key = get_unaligned_le64(p);
		p += n;
		bytes -= n;
	}
	return bytes ? -EINVAL : 0;
}

/* Is this, as the entry at @index, what a leader may have written? */
int raft_check_sessions(const struct raft *r, const struct raft_entry *entry,
			u64 index)
{
	bool opens = entry->type == RAFT_ENTRY_SESSION;

	if (entry->type == RAFT_ENTRY_SESSIONS)
		return check_checkpoint(r, entry, index);
	if (raft_session_is_key(entry->session) != opens)
		return -EINVAL;
	return raft_session_is_named(entry->session) && !entry->sequence ?
		       -EINVAL :
		       0;
}

static void decode(struct raft_sessions *s, const u8 *p)
{
	u32 i, j;

	s->n = get_unaligned_le32(p + 4);
	p += RAFT_SESSIONS_HEADER_BYTES;
	for (i = 0; i < s->n; i++) {
		struct raft_session *session = &s->sessions[i];

		session->key = get_unaligned_le64(p);
		session->created = get_unaligned_le64(p + 8);
		s->opened[i] = get_unaligned_le64(p + 16);
		session->used = get_unaligned_le64(p + 24);
		session->floor = get_unaligned_le64(p + 32);
		session->n_slots = get_unaligned_le32(p + 40);
		p += RAFT_SESSIONS_SESSION_BYTES;
		for (j = 0; j < session->n_slots; j++) {
			session->slots[j].sequence = get_unaligned_le64(p);
			session->slots[j].index = get_unaligned_le64(p + 8);
			session->slots[j].term = get_unaligned_le64(p + 16);
			p += RAFT_SESSIONS_SLOT_BYTES;
		}
	}
}

/* Half the window is left for what is not committed yet, as far as is known here. */
static bool needs_checkpoint(const struct raft *r)
{
	const struct raft_sessions *s = &r->sessions;

	return !r->started || !s->known ||
	       s->applied + r->settings.window_entries / 2 < r->log.last_index;
}

/*
 * Take the table from a checkpoint, unless this server has come further, or does not
 * have in its window what is behind that.
 */
static void adopt(struct raft *r, const struct raft_entry *entry)
{
	struct raft_sessions *s = &r->sessions;
	u64 covers = entry->sequence;

	if (!needs_checkpoint(r) || !covers ||
	    (s->known && covers <= s->applied) ||
	    covers < raft_log_base(&r->log) ||
	    covers + 1 < r->log.window_first)
		return;
	decode(s, entry->data);
	s->known = true;
	s->applied = covers;
	raft_sessions_commit(r, r->commit_index);
}

/* An entry is in the log, the last one; valid. */
void raft_sessions_appended(struct raft *r, const struct raft_entry *entry)
{
	struct raft_sessions *s = &r->sessions;
	u64 index = r->log.last_index;

	if (entry->type == RAFT_ENTRY_SESSION)
		s->opening_index = index;
	if (entry->type != RAFT_ENTRY_SESSIONS)
		return;
	/* A leader has committed those of others, and one of its own at a time. */
	s->settled = s->newest;
	s->newest.index = index;
	s->newest.covers = entry->sequence ? entry->sequence : index - 1;
	s->cost = 0;
	adopt(r, entry);
}

/* The log ends with @last_index. */
void raft_sessions_truncated(struct raft *r, u64 last_index)
{
	struct raft_sessions *s = &r->sessions;

	if (s->newest.index > last_index)
		s->newest = s->settled;
}

/* The log begins anew, behind entries that were not seen here. */
void raft_sessions_discarded(struct raft *r)
{
	struct raft_sessions *s = &r->sessions;

	s->n = 0;
	s->known = false;
	s->offered = 0;
	memset(&s->newest, 0, sizeof(s->newest));
	memset(&s->settled, 0, sizeof(s->settled));
}

/* Entries up to there can go without the table. */
u64 raft_sessions_cover(const struct raft *r)
{
	const struct raft_sessions *s = &r->sessions;

	if (!s->newest.index)
		return U64_MAX;
	return s->newest.index <= r->commit_index ? s->newest.covers :
						    s->settled.covers;
}

/* A log will begin behind @index: with what the table is there. */
void raft_sessions_offered(struct raft *r, u64 index)
{
	r->sessions.offered = max(r->sessions.offered, index);
}

/* Room in the log that the next checkpoint may take. */
u64 raft_sessions_reserve(const struct raft *r)
{
	const struct raft_sessions *s = &r->sessions;
	u64 growth = (r->log.last_index - r->commit_index) * GROWTH_BYTES;

	if (!s->newest.index)
		return 0;
	return raft_entry_cost(r, min_t(u64, encoded_bytes(s) + growth,
					bytes_max(r->settings.sessions_max)));
}

/* Leader */

/* 6.4: then it knows what is committed of earlier terms. */
static bool is_settled(const struct raft *r)
{
	return raft_log_term(&r->log, r->commit_index) ==
	       r->hard_state.current_term;
}

static bool is_usable(const struct raft *r)
{
	return r->sessions.known && r->sessions.newest.index;
}

static bool is_due(const struct raft *r)
{
	const struct raft_sessions *s = &r->sessions;
	u64 cost = raft_entry_cost(r, encoded_bytes(s));
	u64 n = r->commit_index - s->newest.index;

	if (s->wanted && !is_usable(r))
		return true;
	if (s->known && s->newest.index && s->newest.covers < s->offered &&
	    s->offered <= s->applied)
		return true;
	if (!s->newest.index || s->cost < cost)
		return false;
	/* What is short of room can let go of more behind the next one. */
	return s->cost >= CHECKPOINT_FACTOR * cost ||
	       n >= r->settings.window_entries / CHECKPOINT_WINDOWS ||
	       raft_space(r) < 4 * (cost + r->settings.space_reserve_bytes);
}

/*
 * What is kept for no-ops and configurations it leaves to them; but not the one without
 * which nobody could tell whether there is room for what is proposed.
 */
static bool has_room(const struct raft *r, const struct raft_update *update,
		     u64 cost)
{
	u64 reserve = is_usable(r) ? r->settings.space_reserve_bytes : 0;

	return raft_space(r) >= cost + reserve &&
	       r->log.last_index < raft_settled_index(r) +
					   r->settings.window_entries / 2 &&
	       update->n_entries + 1 < update->entries_max &&
	       raft_log_has_room(&r->log, 2);
}

/* Time for a checkpoint? False: there is no room for it in this update. */
bool raft_sessions_time(struct raft *r, struct raft_update *update)
{
	struct raft_sessions *s = &r->sessions;
	struct raft_entry entry = {
		.term = r->hard_state.current_term,
		.type = RAFT_ENTRY_SESSIONS,
	};

	if (is_usable(r))
		s->wanted = false;
	if (!s->sessions || !is_settled(r) ||
	    s->newest.index > r->commit_index || !is_due(r) ||
	    raft_transfer_holds_proposals(r))
		return true;
	if (s->known) {
		entry.sequence = s->applied;
		entry.data = s->encoded;
		entry.bytes = encoded_bytes(s);
	}
	if (!has_room(r, update, raft_entry_cost(r, entry.bytes)))
		return !update->n_entries;
	if (raft_log_wants_window(&r->log, 1))
		return false;
	if (s->known)
		encode(s);
	s->wanted = false;
	raft_append_entry(r, update, &entry);
	return true;
}

/* Was an entry that opens the session of @key appended, and is not committed? */
static bool is_being_opened(const struct raft *r, u64 key)
{
	u64 i = max(r->commit_index + 1, r->log.window_first);

	for (; i <= r->sessions.opening_index; i++) {
		const struct raft_meta *meta = raft_log_meta(&r->log, i);

		if (meta && meta->type == RAFT_ENTRY_SESSION &&
		    meta->session == key)
			return true;
	}
	return false;
}

/*
 * A proposal that opens a session or is of one, and is not behind commit_index. 0: it
 * may be appended, unless @found is set: there it is committed. -EAGAIN: not now.
 * -EBUSY: perhaps never by this leader; what comes behind it need not wait. -ESTALE:
 * its session is not open. -ERANGE: nobody can tell.
 *
 * No entry that only servers know which have named sessions gets into a log without
 * having passed here first.
 */
int raft_sessions_admit(struct raft *r, const struct raft_entry *entry,
			struct raft_session_slot *found)
{
	struct raft_sessions *s = &r->sessions;
	const struct raft_session *session;
	u32 i;

	if (!is_settled(r))
		return -EAGAIN;
	if (!is_usable(r)) {
		s->wanted = true;
		return -EAGAIN;
	}
	if (entry->type == RAFT_ENTRY_SESSION)
		return 0;
	/* Opened by a newer leader, of whom this one does not know, or by nobody. */
	if ((entry->session & ~RAFT_SESSION_KEY) > s->applied)
		return -EBUSY;
	session = find_session(s, entry->session);
	if (!session)
		return -ESTALE;
	i = slot_of(session, entry->sequence);
	if (i < session->n_slots &&
	    session->slots[i].sequence == entry->sequence) {
		*found = session->slots[i];
		return 0;
	}
	if (entry->sequence <= session->floor)
		return -ERANGE;
	return is_being_opened(r, session->key) ? -EAGAIN : 0;
}

/* What others may know */

static void describe(const struct raft_sessions *s, u32 i,
		     struct raft_session_info *info)
{
	const struct raft_session *session = &s->sessions[i];

	memset(info, 0, sizeof(*info));
	info->key = session->key;
	info->session = RAFT_SESSION_NAMED | s->opened[i];
	info->created = session->created;
	info->used = session->used;
	if (!session->n_slots)
		return;
	info->last_sequence = session->slots[session->n_slots - 1].sequence;
	info->last_index = session->slots[session->n_slots - 1].index;
}

/*
 * The session that the entry at @index opened, which was just committed. False: this
 * server does not know.
 */
bool raft_sessions_opened(const struct raft *r, u64 key, u64 index,
			  struct raft_session_info *info)
{
	const struct raft_sessions *s = &r->sessions;
	const struct raft_session *session = find_key(s, key);

	if (!s->known || !session)
		return false;
	describe(s, session - s->sessions, info);
	return info->session == (RAFT_SESSION_NAMED | index);
}

int raft_session_at(const struct raft *r, u32 i, struct raft_session_info *info)
{
	const struct raft_sessions *s = &r->sessions;

	if (!s->known || i >= s->n)
		return -ENOENT;
	describe(s, i, info);
	return 0;
}
