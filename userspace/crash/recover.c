// SPDX-License-Identifier: GPL-2.0
/* Read an image with the shipped code, and compare it with what it must hold. */
#include <stdarg.h>

#include "crash.h"
#include "wal/codec.h"

void fail(struct run *r, const char *format, ...)
{
	va_list args;

	if (r->failed)
		return;
	r->failed = true;
	va_start(args, format);
	vsnprintf(r->what, sizeof(r->what), format, args);
	va_end(args);
}

bool state_same(const struct state *a, const struct state *b)
{
	u64 n = a->last_index - a->prev_index;

	return a->hard_state.current_term == b->hard_state.current_term &&
	       a->hard_state.voted_for == b->hard_state.voted_for &&
	       a->prev_index == b->prev_index &&
	       a->prev_term == b->prev_term &&
	       a->configuration_index == b->configuration_index &&
	       a->last_index == b->last_index &&
	       !memcmp(&a->records[a->prev_index + 1],
		       &b->records[b->prev_index + 1],
		       n * sizeof(a->records[0]));
}

/* Nothing that was never written, in a place where it was not written. */
static bool found_entry(struct run *r, const struct wal_recovery *rec,
			const struct wal_entry *entry)
{
	const struct record *record = &r->records[entry->sequence - 1];
	u64 first = rec->slot.head.prev_index + 1, term;

	if (entry->session != r->life || !entry->sequence ||
	    entry->sequence > r->n_records || record->index != entry->index ||
	    record->term != entry->term || record->bytes != entry->bytes ||
	    entry->type != (u8)(entry->sequence % 5) ||
	    (entry->bytes && memcmp(r->payloads + record->payload, entry->data,
				    entry->bytes))) {
		fail(r, "entry %llu of term %llu was never written",
		     entry->index, entry->term);
		return false;
	}
	if (r->found.last_index && entry->index > r->found.last_index + 1) {
		fail(r, "entries %llu to %llu are left out",
		     r->found.last_index + 1, entry->index - 1);
		return false;
	}
	if (entry->index < first) {
		fail(r, "entry %llu is before the head", entry->index);
		return false;
	}
	if (record->alone > r->found_super.cluster_id) {
		fail(r, "a node of cluster %llu is alone by entry %llu, as cluster %llu",
		     r->found_super.cluster_id, entry->index, record->alone);
		return false;
	}
	term = entry->index == first ?
		       rec->slot.head.prev_term :
		       r->records[r->found.records[entry->index - 1] - 1].term;
	if (entry->term < term) {
		fail(r, "entry %llu of term %llu behind term %llu",
		     entry->index, entry->term, term);
		return false;
	}
	r->found.records[entry->index] = entry->sequence;
	r->found.last_index = entry->index;
	r->counters->entries_checked++;
	return true;
}

static int read_all(struct run *r, struct wal_recovery *rec)
{
	struct wal_step step;
	int error;

	for (;;) {
		error = wal_recovery_next(rec, &step);
		if (error)
			return error;
		switch (step.type) {
		case WAL_STEP_READ:
			if (step.bytes > r->image_bytes ||
			    step.position > r->image_bytes - step.bytes) {
				fail(r, "read behind the end, at %llu",
				     step.position);
				return -EIO;
			}
			memcpy(step.data, r->image + step.position, step.bytes);
			break;
		case WAL_STEP_ENTRY:
			if (!found_entry(r, rec, &step.entry))
				return -EIO;
			break;
		default:
			return 0;
		}
	}
}

static void check_configuration(struct run *r,
				const struct wal_configuration *found)
{
	const struct wal_configuration expected =
		configuration_of(r, found->index);

	if (found->index && (found->bytes != expected.bytes ||
			     memcmp(found->data, expected.data, found->bytes)))
		fail(r, "configuration %llu is not what was written",
		     found->index);
}

static bool same_super(const struct wal_superblock *a,
		       const struct wal_superblock *b)
{
	return a->cluster_id == b->cluster_id &&
	       a->incarnation == b->incarnation && a->node_id == b->node_id &&
	       a->block_bytes == b->block_bytes &&
	       !memcmp(a->uuid, b->uuid, sizeof(a->uuid)) &&
	       a->area_bytes == b->area_bytes &&
	       a->generation == b->generation &&
	       a->recovering == b->recovering &&
	       !memcmp(&a->kept, &b->kept, sizeof(a->kept));
}

/* Whose the node is about to be, or was about to be before. */
static bool is_next_super(const struct run *r, const struct wal_superblock *super)
{
	bool is = same_super(super, &r->next_super);
	u32 i;

	for (i = 0; i < r->n_super_ghosts; i++)
		is |= same_super(super, &r->super_ghosts[i]);
	return is;
}

/* One of a new cluster waits for nobody: its log says that it is alone. */
static void check_alone(struct run *r)
{
	const struct wal_superblock *super = &r->found_super;
	const struct state *found = &r->found;

	if (!super->generation || super->recovering ||
	    r->alone_index <= found->prev_index)
		return;
	if (r->alone_index > found->last_index ||
	    r->records[found->records[r->alone_index] - 1].alone !=
		    super->cluster_id)
		fail(r, "a node of cluster %llu has the members of another",
		     super->cluster_id);
}

/* Fills in r->found. 1: no WAL, as a format that is under way may leave it. */
int recover(struct run *r, struct wal_recovery *rec)
{
	const struct wal_superblock *expected = &r->super;
	struct wal_superblock super;
	int error;

	r->counters->images++;
	r->found.last_index = 0;
	error = wal_superblock_decode(&super,
				      r->image + WAL_SUPERBLOCK_POSITION_0,
				      r->image + WAL_SUPERBLOCK_POSITION_1);
	if (r->formatting && error)
		return 1;
	if (r->formatting &&
	    !memcmp(super.uuid, r->new_super.uuid, sizeof(super.uuid)))
		expected = &r->new_super;
	if (!error && r->replacing && is_next_super(r, &super))
		expected = &super;
	if (!error && !same_super(&super, expected))
		error = -EEXIST;
	r->found_super = super;
	if (!error)
		error = wal_recovery_init(rec, &super, r->image_bytes,
					  super.block_bytes,
					  r->opening ? &r->map : NULL, r->buf,
					  super.area_bytes);
	if (!error)
		error = read_all(r, rec);
	if (error) {
		fail(r, "refused with error %d: %s", error,
		     rec->damage.reason ? rec->damage.reason : "superblock");
		return error;
	}
	r->found.hard_state = rec->hard_state;
	r->found.prev_index = rec->slot.head.prev_index;
	r->found.prev_term = rec->slot.head.prev_term;
	r->found.configuration_index = rec->slot.configuration.index;
	check_configuration(r, &rec->slot.configuration);
	if (!r->found.last_index)
		r->found.last_index = r->found.prev_index;
	if (r->found.last_index != rec->last_index)
		fail(r, "last_index is %llu, but entries end at %llu",
		     rec->last_index, r->found.last_index);
	check_alone(r);
	/* A crash damages nothing. */
	if (rec->damage.reason || rec->lost.index)
		fail(r, "damage reported: %s, entries %llu to %llu",
		     rec->damage.reason ? rec->damage.reason : "lost entries",
		     rec->damage.first_index, rec->damage.last_index);
	return r->failed ? -EIO : 0;
}

/* The difference, in words. */
static void explain(struct run *r, const struct state *before)
{
	const struct state *found = &r->found;
	u64 index, first = max(before->prev_index, found->prev_index) + 1;

	if (!wal_hard_state_follows(&before->hard_state, &found->hard_state))
		fail(r, "hard state (%llu, %u) is older than (%llu, %u)",
		     found->hard_state.current_term,
		     found->hard_state.voted_for,
		     before->hard_state.current_term,
		     before->hard_state.voted_for);
	for (index = first; index <= before->last_index; index++) {
		if (index > found->last_index)
			fail(r, "acknowledged entries %llu to %llu are missing",
			     index, before->last_index);
		else if (before->records[index] != found->records[index])
			fail(r, "entry %llu is %u, acknowledged was %u", index,
			     found->records[index], before->records[index]);
	}
	fail(r, "neither before nor after the write: entries %llu to %llu, term %llu, vote %u",
	     found->prev_index + 1, found->last_index,
	     found->hard_state.current_term, found->hard_state.voted_for);
}

/* Harmless: it is whole, and is what the server wanted. Needs torn sectors. */
static bool is_ghost(const struct run *r, const struct cut *cut)
{
	bool is = state_same(&r->found, &r->intended);
	u32 i;

	for (i = 0; i < r->n_ghosts; i++)
		is = is || state_same(&r->found, &r->ghosts[i]);
	return cut->slot && cut->present && is;
}

/* A WAL is made: there is none, or what was there is whole, or a new one. */
static bool check_format(struct run *r, struct wal_recovery *rec,
			 const struct cut *cut)
{
	static const struct state empty;
	int ret = recover(r, rec);
	bool is_new;

	if (ret > 0 && cut->present == cut_all(cut) &&
	    !strcmp(r->write_name, "format 5"))
		fail(r, "formatted, but does not open");
	if (ret)
		return false;
	is_new = !memcmp(rec->super.uuid, r->new_super.uuid,
			 sizeof(r->new_super.uuid));
	if (!is_new)
		r->counters->kept++;
	if (!state_same(&r->found, is_new ? &empty : &r->acknowledged))
		explain(r, is_new ? &empty : &r->acknowledged);
	return !r->failed;
}

/* What is in the image must be @before, or @after if all of it is there. */
bool recover_check(struct run *r, struct wal_recovery *rec,
		   const struct state *before, const struct state *after,
		   const struct cut *cut)
{
	bool all = cut_is_whole(cut);
	bool is_before, is_after;

	if (r->formatting)
		return check_format(r, rec, cut);
	if (recover(r, rec))
		return false;
	if (all && r->replacing && cut == &r->cut &&
	    !same_super(&r->found_super, &r->next_super))
		fail(r, "the older superblock counts");
	is_before = state_same(&r->found, before);
	is_after = state_same(&r->found, after);
	if (all && !is_after)
		explain(r, after);
	if (!all && !is_before && !is_ghost(r, cut) &&
	    !(is_after && cut->present))
		explain(r, before);
	if (rec->torn_bytes)
		r->counters->torn_tails++;
	if (rec->slot_torn)
		r->counters->torn_slots++;
	if (is_after && !is_before)
		r->counters->whole++;
	return !r->failed;
}
