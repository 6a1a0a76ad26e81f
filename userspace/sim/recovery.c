// SPDX-License-Identifier: GPL-2.0
/* Reading the WAL: all of it at a start, single entries for those behind. */
#include "memory.h"
#include "world.h"

static bool is_same(const struct node *node, const struct record *record,
		    const struct wal_entry *entry)
{
	const void *data = world_payload(record);

	return record->index == entry->index && record->term == entry->term &&
	       record->session == entry->session &&
	       record->sequence == entry->sequence &&
	       record->type == entry->type && node_bytes(node, record) == entry->bytes &&
	       (!entry->bytes || !memcmp(data, entry->data, entry->bytes));
}

static bool restore(struct world *w, struct node *node, struct log *found,
		    const struct wal_entry *entry)
{
	const struct raft_entry raft_entry = {
		.term = entry->term,
		.session = entry->session,
		.sequence = entry->sequence,
		.data = entry->data,
		.bytes = entry->bytes,
		.type = entry->type,
	};
	struct record *record =
		records_find(&w->check.records, entry->index, entry->term);
	int error;

	if (!record || !is_same(node, record, entry) ||
	    entry->index > found->n + 1) {
		violation(w, "recovery",
			  "node %u: entry (%llu, %llu) is not what was written",
			  node->id, entry->index, entry->term);
		return false;
	}
	log_truncate(found, entry->index);
	log_append(found, record);
	if (!node->raft)
		return true;
	do {
		error = raft_restore_entry(node->raft, entry->index,
					   &raft_entry);
	} while (error == -ENOMEM && owner_provide_memory(w, node));
	if (error)
		violation(w, "recovery", "node %u: entry %llu: %d", node->id,
			  entry->index, error);
	return !error;
}

/* Entries before the log were committed: there is but one that they can be. */
static bool restore_base(struct world *w, struct node *node,
			 const struct wal_slot *slot, struct log *found)
{
	const struct wal_configuration *configuration = &slot->configuration;
	const struct log *committed = &w->check.committed;
	u64 base = slot->head.prev_index;
	int error = 0;

	if (found->base || !base)
		return true;
	if (slot->head.prev_term != log_term(committed, base)) {
		violation(w, "recovery",
			  "node %u: its log begins behind (%llu, %llu), committed is term %llu",
			  node->id, base, slot->head.prev_term,
			  log_term(committed, base));
		return false;
	}
	check_configuration(w, node, base, configuration->index,
			    configuration->data, configuration->bytes);
	while (found->n < base)
		log_append(found, log_at(committed, found->n + 1));
	found->base = base;
	if (node->raft)
		error = raft_restore_base(node->raft, base,
					  slot->head.prev_term,
					  configuration->data,
					  configuration->bytes,
					  configuration->index);
	if (error)
		violation(w, "recovery", "node %u: base %llu: %d", node->id,
			  base, error);
	w->counters.based += !!node->raft;
	return !w->violated;
}

static bool read_all(struct world *w, struct node *node,
		     struct wal_recovery *rec, struct log *found)
{
	struct store *store = &node->store;
	struct wal_step step;
	int error;

	for (;;) {
		error = wal_recovery_next(rec, &step);
		if (error) {
			violation(w, "recovery", "node %u: %d, %s at %llu",
				  node->id, error, rec->damage.reason,
				  rec->damage.position);
			return false;
		}
		switch (step.type) {
		case WAL_STEP_READ:
			disk_read(&store->disk, step.position, step.data,
				  step.bytes);
			break;
		case WAL_STEP_ENTRY:
			if (!restore_base(w, node, &rec->slot, found) ||
			    !restore(w, node, found, &step.entry))
				return false;
			break;
		default:
			return restore_base(w, node, &rec->slot, found);
		}
	}
}

int store_identify(const struct store *store, struct wal_superblock *super)
{
	u8 copies[2][WAL_SUPERBLOCK_BYTES];

	disk_read(&store->disk, WAL_SUPERBLOCK_POSITION_0, copies[0],
		  WAL_SUPERBLOCK_BYTES);
	disk_read(&store->disk, WAL_SUPERBLOCK_POSITION_1, copies[1],
		  WAL_SUPERBLOCK_BYTES);
	return wal_superblock_decode(super, copies[0], copies[1]);
}

bool store_is_own(const struct world *w, const struct node *node, u32 *owner_id)
{
	struct wal_superblock super;

	/* Whether it opens at all, is for store_recover() to find out. */
	if (store_identify(&node->store, &super) ||
	    wal_superblock_is_of(&super, w->cluster_id, node->id))
		return true;
	*owner_id = super.node_id;
	return false;
}

static int begin(struct store *store, struct wal_recovery *rec, u8 *buf,
		 u32 buf_bytes)
{
	struct wal_superblock super;
	int error = store_identify(store, &super);

	if (error)
		return error;
	return wal_recovery_init(rec, &super, store->disk.size,
				 super.block_bytes, &store->map, buf,
				 buf_bytes);
}

/*
 * A bit flips; a write never got to the disk; sectors can no longer be read, which
 * comes as zeros; a write meant for another place went here.
 */
static void harm(struct store *store, struct rng *rng, u64 position,
		 u64 bytes_max)
{
	u64 sector = round_down(position, (u64)DISK_SECTOR_BYTES);
	u64 bytes = DISK_SECTOR_BYTES * rng_between(rng, 1, 8);
	u64 other;

	bytes = min(bytes, min(store->disk.n_bytes - sector, bytes_max));
	switch (rng_below(rng, 4)) {
	case 0:
		store->disk.bytes[position] ^= 1 << rng_below(rng, 8);
		break;
	case 1:
	case 2:
		memset(store->disk.bytes + sector, 0, bytes);
		break;
	default:
		other = rng_below(rng, sector + 1);
		memmove(store->disk.bytes + sector,
			store->disk.bytes +
				round_down(other, (u64)DISK_SECTOR_BYTES),
			bytes);
		break;
	}
}

/* Damage in front of gaps takes them in; behind them it is one more. */
static u64 rot_from(const struct store *store, struct rng *rng)
{
	const struct wal_gap *gaps = store->writer.gaps;
	u64 from = store->writer.head.offset;
	u32 i;

	if (rng_chance(rng, RNG_ONE / 2))
		return from;
	for (i = 0; i < WAL_GAPS_MAX; i++)
		from = max(from, gaps[i].to);
	return from;
}

static bool rot_place(struct world *w, struct node *node, u64 from)
{
	struct store *store = &node->store;
	u64 offset, position;

	if (store->proved_end <= from)
		return false;
	offset = rng_between(&node->rng, from, store->proved_end - 1);
	position = WAL_AREA_POSITION + offset % store->super.area_bytes;
	if (position >= store->disk.n_bytes)
		return false;
	harm(store, &node->rng, position,
	     store->proved_end - round_down(offset, (u64)DISK_SECTOR_BYTES));
	w->counters.rotted++;
	trace(w, TRACE_ROT, node->id, offset, position, 0, 0);
	return true;
}

void store_rot(struct world *w, struct node *node)
{
	u64 from = rot_from(&node->store, &node->rng);
	u64 n = rng_between(&node->rng, 1, 4);
	bool rotted = false;

	/* What is behind the first place counts as well: where did the log end? */
	while (n--)
		rotted |= rot_place(w, node, from);
	if (!rotted)
		return;
	node->rotted = true;
	node->n_rots++;
}

void store_rot_copy(struct world *w, struct node *node)
{
	static const u64 superblocks[] = {
		WAL_SUPERBLOCK_POSITION_0,
		WAL_SUPERBLOCK_POSITION_1,
	};
	struct store *store = &node->store;
	struct rng *rng = &node->rng;
	u64 position;

	if (rng_chance(rng, RNG_ONE / 4)) {
		if (store->superblock_harmed)
			return;
		store->superblock_harmed = true;
		position = superblocks[rng_below(rng, ARRAY_SIZE(superblocks))];
	} else {
		if (!store->slot_position)
			return;
		position = store->slot_position +
			   rng_below(rng, WAL_SLOT_COPIES) *
				   WAL_SLOT_COPY_BYTES;
		store->slot_position = 0;
	}
	/* Somewhere in its first sector: behind that it is padding. */
	position += rng_below(rng, DISK_SECTOR_BYTES);
	harm(store, rng, position, WAL_SLOT_COPY_BYTES);
	w->counters.copies_rotted++;
	trace(w, TRACE_ROT, node->id, 0, position, 0, 0);
}

bool store_recover(struct world *w, struct node *node, struct log *found,
		   struct raft_hard_state *hard_state, u64 *space_bytes)
{
	struct store *store = &node->store;
	u32 buf_bytes = min_t(u64, WAL_RECOVERY_BUFFER_BYTES,
			      store->super.area_bytes);
	struct wal_recovery rec;
	int error;
	bool done;

	if (!w->recovery_buf)
		w->recovery_buf = memory_zeroed(buf_bytes);
	wal_map_init(&store->map, store->map_slots, w->plan.map_slots);
	error = begin(store, &rec, w->recovery_buf, buf_bytes);
	if (error)
		violation(w, "recovery", "node %u: the WAL does not open: %d",
			  node->id, error);
	done = !error && read_all(w, node, &rec, found);
	if (!done)
		return false;
	if (rec.torn_bytes)
		w->counters.torn_recovered++;
	hard_state->current_term = rec.hard_state.current_term;
	hard_state->voted_for = rec.hard_state.voted_for;
	wal_writer_init(&store->writer, &rec);
	store->lost = rec.lost;
	if (store->writer.head.offset != rec.slot.head.offset)
		w->counters.gaps_passed++;
	w->counters.gaps_merged += rec.merged;
	if (rec.damage.reason)
		w->counters.damaged++;
	if (rec.damage.reason)
		check_damaged(w, node, found, hard_state);
	*space_bytes = wal_space_bytes(&store->writer);
	slots_recover(w, node, found);
	return !w->violated;
}

bool store_read(struct world *w, struct node *node, const struct record *record)
{
	struct store *store = &node->store;
	u8 buf[WAL_CURSOR_BUFFER_BYTES_MIN];
	u8 payload[4096];
	struct wal_cursor cursor;
	struct wal_range range;
	struct wal_step step;
	int error;

	if (wal_map_find(&store->map, &store->writer, record->index, &range))
		return false;
	wal_cursor_init(&cursor, &store->super, buf, sizeof(buf));
	wal_cursor_seek(&cursor, &range, record->index, record->term);
	for (;;) {
		error = wal_cursor_next(&cursor, &step);
		if (error || step.type != WAL_STEP_READ)
			break;
		disk_read(&store->disk, step.position, step.data, step.bytes);
	}
	if (error == -ENOENT)
		return false;
	if (!error && !step.entry.data && step.entry.bytes) {
		memory_assert(step.entry.bytes <= sizeof(payload));
		disk_read(&store->disk, step.payload_position, payload,
			  step.entry.bytes);
		step.entry.data = payload;
		error = wal_payload_check(&step, payload);
	}
	if (error || !is_same(node, record, &step.entry)) {
		violation(w, "recovery",
			  "node %u: entry (%llu, %llu) does not read back: %d",
			  node->id, record->index, record->term, error);
		return false;
	}
	return true;
}
