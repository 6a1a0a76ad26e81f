// SPDX-License-Identifier: GPL-2.0
/*
 * Snapshots between the core and the disk. Nothing of this may keep the owner thread
 * waiting, so it works through others:
 *
 *	a process that makes one	asks it through the intake what and where, and
 *					tells it when that is sealed
 *	a chunk that came		is stored by a work item, one at a time
 *	a chunk to send			is read by a work item, one per peer; what is
 *					asked for meanwhile is dropped, the peer asks
 *					again
 *
 * What goes with the two snapshots there can be, the owner thread knows itself.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "entry.h"
#include "group.h"
#include "life.h"
#include "snapshot.h"
#include "trace.h"

/* The owner thread's view */

static struct raftlog_known_snapshot *known_of(struct raftlog_life *life,
					       u64 index, u32 checksum)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(life->known_snapshots); i++) {
		struct raftlog_known_snapshot *known =
			&life->known_snapshots[i];

		if (known->configuration &&
		    known->sealed.snapshot.index == index &&
		    known->sealed.snapshot.checksum == checksum)
			return known;
	}
	return NULL;
}

static struct raftlog_known_snapshot *known_newest(struct raftlog_life *life)
{
	struct raftlog_known_snapshot *known = life->known_snapshots;

	return &known[known[1].sealed.snapshot.index >
		      known[0].sealed.snapshot.index];
}

static void forget(struct raftlog_known_snapshot *known)
{
	if (known->configuration)
		raftlog_entry_put(known->configuration);
	*known = (struct raftlog_known_snapshot){};
}

/*
 * In the place of the older one, as on the disk; and so goes one that was damaged, and
 * was taken again. Takes over @configuration.
 */
static void note_sealed(struct raftlog_life *life,
			const struct raftlog_sealed *sealed,
			struct raftlog_entry *configuration)
{
	struct raftlog_known_snapshot *newest = known_newest(life);
	struct raftlog_known_snapshot *older =
		&life->known_snapshots[newest == &life->known_snapshots[0]];

	forget(older);
	if (newest->sealed.snapshot.index == sealed->snapshot.index)
		forget(newest);
	older->sealed = *sealed;
	older->configuration = configuration;
}

/*
 * What is ahead of the log stands for entries that are not here: it is read first.
 * -ESTALE: a recovery from lost quorum gave it up; -EUCLEAN, -EIO: damaged.
 */
static int restore(struct raftlog_life *life,
		   const struct raftlog_sealed *sealed,
		   const struct raftlog_entry *configuration)
{
	u64 term = raft_term_at(life->raft, sealed->snapshot.index);
	int error;

	if (!raftlog_snapshots_is_of(life->snapshots, sealed, term))
		return -ESTALE;
	error = raft_restore_snapshot(life->raft, &sealed->snapshot,
				      configuration->data, configuration->bytes,
				      configuration->index);
	if (!error && raft_snapshot_is_ahead(life->raft))
		error = raftlog_snapshots_verify(life->snapshots, sealed);
	if (error)
		raft_forget_snapshot(life->raft);
	return error == -EINVAL ? -EUCLEAN : error;
}

static const char *why(int error)
{
	return error == -ESTALE ? "is of what a recovery from lost quorum gave up" :
				  "is damaged, and the log does not reach it";
}

/* The newest that is of use becomes the core's. */
int raftlog_snapshot_restore(struct raftlog_life *life, u64 *damaged_index)
{
	const char *name = raftlog_group_name(life->group);
	struct raftlog_entry *configuration;
	struct raftlog_sealed sealed;
	int error;

	*damaged_index = 0;
	for (;;) {
		raftlog_snapshots_newest(life->snapshots, &sealed);
		if (!sealed.snapshot.index)
			break;
		configuration = raftlog_snapshots_configuration(life->snapshots,
								&sealed);
		if (!configuration)
			return -ENOMEM;
		error = restore(life, &sealed, configuration);
		if (!error) {
			note_sealed(life, &sealed, configuration);
			break;
		}
		raftlog_entry_put(configuration);
		if (error != -ESTALE && error != -EUCLEAN && error != -EIO)
			return error;
		pr_warn("%s: the snapshot of entry %llu, term %llu, %s: it is not used\n",
			name, sealed.snapshot.index, sealed.snapshot.term,
			why(error));
		if (error != -ESTALE)
			*damaged_index = max(*damaged_index,
					     sealed.snapshot.index);
		raftlog_snapshots_set_aside(life->snapshots, &sealed);
	}
	raftlog_snapshot_check_base(life, sealed.snapshot.index);
	return 0;
}

void raftlog_snapshot_check_base(struct raftlog_life *life, u64 index)
{
	bool by_policy = life->start.retain_entries || life->start.retain_bytes;
	u64 base = life->info.first_index - 1;

	if (index < base && !by_policy)
		pr_warn("%s: there is no snapshot of entry %llu or newer, and what is before is not in the log\n",
			raftlog_group_name(life->group), base);
}

u64 raftlog_snapshot_id(struct raftlog_life *life)
{
	return known_newest(life)->sealed.id;
}

struct raftlog_entry *
raftlog_snapshot_configuration(struct raftlog_life *life,
			       const struct raft_message *message)
{
	struct raftlog_known_snapshot *known =
		known_of(life, message->install_snapshot.snapshot_index,
			 message->install_snapshot.checksum);

	return known ? raftlog_entry_get(known->configuration) : NULL;
}

void raftlog_snapshot_free(struct raftlog_life *life)
{
	struct raftlog_chunk_store *store = &life->chunk_store;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(life->known_snapshots); i++)
		forget(&life->known_snapshots[i]);
	for (i = 0; i < ARRAY_SIZE(life->chunk_reads); i++) {
		struct raftlog_chunk_read *read = life->chunk_reads[i];

		if (read && read->data)
			raftlog_entry_put(read->data);
		kfree(read);
	}
	if (store->data)
		raftlog_entry_put(store->data);
	if (store->configuration)
		raftlog_entry_put(store->configuration);
}

/* A process makes one */

/* Is somebody who answers being sent what would be written over? */
static bool is_sent(struct raftlog_life *life, u64 index)
{
	const struct raft_configuration *configuration =
		raft_configuration(life->raft);
	struct raft_peer_status peer;
	struct raft_status status;
	u32 i;

	raft_status(life->raft, &status);
	if (status.role != RAFT_LEADER)
		return false;
	for (i = 0; i < configuration->n_members; i++)
		if (!raft_peer_status(life->raft, configuration->members[i].id,
				      &peer) &&
		    peer.recent_active && peer.snapshot.index == index)
			return true;
	return false;
}

static int check_wish(struct raftlog_life *life,
		      struct raftlog_snapshot_request *request)
{
	struct raft_snapshot *wanted = &request->sealed.snapshot;
	struct raft_status status;

	raft_status(life->raft, &status);
	if (!wanted->index)
		wanted->index = max(life->commit_index, status.snapshot.index);
	if (status.role == RAFT_FAILED)
		return -EIO;
	if (status.witness)
		return -EOPNOTSUPP;
	if (status.incoming.index)
		return -EBUSY;
	if (wanted->index < status.snapshot.index)
		return -ESTALE;
	if (wanted->index == status.snapshot.index) {
		wanted->term = status.snapshot.term;
		return status.snapshot_gone ? 0 : -EEXIST;
	}
	if (wanted->index > life->commit_index)
		return -EINVAL;
	wanted->term = raft_term_at(life->raft, wanted->index);
	return wanted->term ? 0 : -ENODATA;
}

/* The newest that is known to be committed, now or when the last one was made. */
static struct raftlog_entry *newest_configuration(struct raftlog_life *life)
{
	struct raftlog_entry *committed = raftlog_base_configuration(life);
	struct raftlog_known_snapshot *known = known_newest(life);

	if (!known->configuration ||
	    known->configuration->index <= committed->index)
		return committed;
	raftlog_entry_put(committed);
	return raftlog_entry_get(known->configuration);
}

static int prepare(struct raftlog_life *life,
		   struct raftlog_snapshot_request *request,
		   raftlog_step_fn *step)
{
	const struct raftlog_sealed *known = &known_newest(life)->sealed;
	struct raft_event event = {
		.type = RAFT_EVENT_SNAPSHOT_GONE,
		.index = request->spare.snapshot.index,
	};
	int error = check_wish(life, request);

	/* Another process made one meanwhile, and is about to tell. */
	if (!error && event.index && request->spare.id == known->id)
		error = -EBUSY;
	/* There may be two of one entry, after a power cut. */
	if (event.index == known->snapshot.index)
		event.index = 0;
	if (!error && event.index && is_sent(life, event.index))
		error = -EBUSY;
	if (!error && event.index)
		error = step(life, &event) ? -EIO : 0;
	if (!error)
		request->configuration = newest_configuration(life);
	return error;
}

static int taken(struct raftlog_life *life,
		 struct raftlog_snapshot_request *request, raftlog_step_fn *step)
{
	struct raft_event event = {
		.type = RAFT_EVENT_SNAPSHOT,
		.snapshot = request->sealed.snapshot,
	};

	note_sealed(life, &request->sealed,
		    raftlog_entry_get(request->configuration));
	return step(life, &event);
}

/* It cannot be read. Unless there is another by now that says the same. */
static int gone(struct raftlog_life *life, const struct raftlog_sealed *sealed,
		raftlog_step_fn *step)
{
	struct raft_event event = {
		.type = RAFT_EVENT_SNAPSHOT_GONE,
		.index = sealed->snapshot.index,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(life->known_snapshots); i++)
		if (life->known_snapshots[i].configuration &&
		    life->known_snapshots[i].sealed.id == sealed->id)
			return step(life, &event);
	return 0;
}

static int answer(struct raftlog_life *life,
		  struct raftlog_snapshot_request *request,
		  raftlog_step_fn *step)
{
	switch (request->kind) {
	case RAFTLOG_SNAPSHOT_PREPARE:
		return prepare(life, request, step);
	case RAFTLOG_SNAPSHOT_TAKEN:
		return taken(life, request, step);
	default:
		return gone(life, &request->sealed, step);
	}
}

void raftlog_snapshot_step(struct raftlog_life *life, struct list_head *requests,
			   raftlog_step_fn *step)
{
	struct raftlog_snapshot_request *request, *next;

	list_for_each_entry_safe(request, next, requests, node) {
		list_del(&request->node);
		request->error = step ? answer(life, request, step) :
					-ESHUTDOWN;
		if (request->error == -ENOTRECOVERABLE)
			request->error = -EIO;
		/* It is gone when its owner wakes. */
		complete(&request->done);
	}
}

static int ask(struct raftlog_life *life,
	       struct raftlog_snapshot_request *request)
{
	bool stopping;

	init_completion(&request->done);
	spin_lock(&life->intake_lock);
	stopping = life->stopping;
	if (!stopping)
		list_add_tail(&request->node, &life->snapshot_requests);
	spin_unlock(&life->intake_lock);
	if (stopping)
		return -ESHUTDOWN;
	raftlog_life_kick(life);
	wait_for_completion(&request->done);
	return request->error;
}

int raftlog_snapshot_prepare(struct raftlog_life *life,
			     struct raftlog_snapshot_request *request)
{
	int error = raftlog_snapshots_spare(life->snapshots, &request->spare);

	request->kind = RAFTLOG_SNAPSHOT_PREPARE;
	return error ? error : ask(life, request);
}

int raftlog_snapshot_taken(struct raftlog_life *life,
			   struct raftlog_snapshot_request *request)
{
	request->kind = RAFTLOG_SNAPSHOT_TAKEN;
	return ask(life, request);
}

void raftlog_snapshot_gone(struct raftlog_life *life,
			   const struct raftlog_sealed *sealed)
{
	struct raftlog_snapshot_request request = {
		.kind = RAFTLOG_SNAPSHOT_GONE,
		.sealed = *sealed,
	};

	ask(life, &request);
}

/* A leader sends one */

static int store_chunk(struct raftlog_chunk_store *store)
{
	struct raftlog_snapshots *snapshots = store->life->snapshots;
	u64 end = store->offset + store->data->bytes;
	int error = 0;

	if (!snapshots)
		return -EOPNOTSUPP;
	if (!store->offset)
		error = raftlog_snapshots_begin(snapshots, NULL, 0,
						&store->sealed.snapshot,
						store->configuration);
	if (!error)
		error = raftlog_snapshots_write(snapshots, NULL, store->offset,
						store->data->data,
						store->data->bytes);
	if (!error && end == store->sealed.snapshot.bytes)
		error = raftlog_snapshots_seal(snapshots, NULL, &store->sealed);
	if (error)
		raftlog_snapshots_abandon(snapshots, NULL);
	else
		store->stored = end;
	return error;
}

static void store_work(struct work_struct *work)
{
	struct raftlog_chunk_store *store =
		container_of(work, struct raftlog_chunk_store, work);
	struct raftlog_life *life = store->life;
	int error;

	store->stored = 0;
	error = store_chunk(store);
	if (error)
		pr_err_ratelimited("%s: the snapshot of entry %llu that the leader sends cannot be stored (error %d)\n",
				   raftlog_group_name(life->group),
				   store->sealed.snapshot.index, error);
	spin_lock(&life->intake_lock);
	life->chunk_stored = true;
	spin_unlock(&life->intake_lock);
	raftlog_life_kick(life);
}

void raftlog_snapshot_store(struct raftlog_life *life,
			    const struct raft_chunk *chunk)
{
	struct raftlog_chunk_store *store = &life->chunk_store;

	if (!raftlog_assert(life, !store->data))
		return;
	store->life = life;
	store->sealed.snapshot = chunk->snapshot;
	store->offset = chunk->offset;
	store->data = raftlog_entry_get(chunk->data.payload);
	store->configuration = raftlog_entry_get(chunk->configuration.payload);
	/* It came alone, and is nobody else's yet. */
	store->configuration->index = chunk->configuration_index;
	INIT_WORK(&store->work, store_work);
	queue_work(life->catch_up_queue, &store->work);
}

void raftlog_snapshot_stored(struct raftlog_life *life, raftlog_step_fn *step)
{
	struct raftlog_chunk_store *store = &life->chunk_store;
	struct raft_event event = {
		.type = RAFT_EVENT_CHUNK_STORED,
		.stored.snapshot = store->sealed.snapshot,
		.stored.offset = store->stored,
	};

	raftlog_entry_put(store->data);
	store->data = NULL;
	raftlog_count(life, chunks_stored, store->stored > 0);
	if (store->stored == store->sealed.snapshot.bytes)
		note_sealed(life, &store->sealed, store->configuration);
	else
		raftlog_entry_put(store->configuration);
	store->configuration = NULL;
	step(life, &event);
}

/* One is sent to a peer */

static void read_work(struct work_struct *work)
{
	struct raftlog_chunk_read *read =
		container_of(work, struct raftlog_chunk_read, work);
	struct raftlog_life *life = read->life;
	struct raftlog_snapshots *snapshots = life->snapshots;
	struct raftlog_entry *data;
	int bytes = -ENOMEM;

	data = raftlog_entry_alloc(raftlog_snapshots_chunk_bytes(snapshots),
				   GFP_NOIO | __GFP_NOWARN);
	if (data)
		bytes = raftlog_snapshots_read(
			snapshots, &read->sealed,
			read->send.message.install_snapshot.offset, data->data);
	if (bytes > 0) {
		data->bytes = bytes;
		read->data = data;
	} else if (data) {
		raftlog_entry_put(data);
	}
	read->error = min(bytes, 0);
	spin_lock(&life->intake_lock);
	list_add_tail(&read->node, &life->chunks_read);
	spin_unlock(&life->intake_lock);
	raftlog_life_kick(life);
}

/* That of @id. What was made for a member that is gone is used again. */
static struct raftlog_chunk_read *read_of(struct raftlog_life *life, u32 id)
{
	struct raftlog_chunk_read *read, *unused = NULL;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(life->chunk_reads); i++) {
		read = life->chunk_reads[i];
		if (!read)
			break;
		if (read->id == id)
			return read;
		if (!read->busy)
			unused = read;
	}
	if (!unused && i < ARRAY_SIZE(life->chunk_reads)) {
		unused = kzalloc(sizeof(*unused), GFP_NOIO | __GFP_NOWARN);
		life->chunk_reads[i] = unused;
	}
	if (unused) {
		unused->life = life;
		unused->id = id;
		INIT_WORK(&unused->work, read_work);
	}
	return unused;
}

void raftlog_snapshot_send(struct raftlog_life *life,
			   const struct raft_send *send)
{
	const struct raft_message *message = &send->message;
	struct raftlog_known_snapshot *known =
		known_of(life, message->install_snapshot.snapshot_index,
			 message->install_snapshot.checksum);
	struct raftlog_chunk_read *read = read_of(life, message->to);

	if (!known || !read || read->busy)
		return;
	read->send = *send;
	read->sealed = known->sealed;
	read->busy = true;
	queue_work(life->catch_up_queue, &read->work);
}

static void transmit(struct raftlog_life *life, struct raftlog_chunk_read *read,
		     u64 now_ns)
{
	struct raft_message *message = &read->send.message;
	struct raftlog_entry *configuration =
		raftlog_snapshot_configuration(life, message);
	struct raftlog_entry *entries[2] = { configuration, read->data };

	if (!configuration)
		return;
	message->install_snapshot.configuration_index = configuration->index;
	trace_raftlog_message_send(raftlog_group_name(life->group), message, 2);
	raftlog_transport_send(life->transport, message, entries, 2, false,
			       now_ns);
	raftlog_count(life, chunks_sent, 1);
	raftlog_entry_put(configuration);
}

void raftlog_snapshot_read_done(struct raftlog_life *life,
				struct raftlog_chunk_read *read, u64 now_ns,
				raftlog_step_fn *step)
{
	const struct raft_message *message = &read->send.message;
	struct raft_status status;

	read->busy = false;
	raft_status(life->raft, &status);
	if (read->data && status.role == RAFT_LEADER &&
	    status.hard_state.current_term == message->term)
		transmit(life, read, now_ns);
	/* Without memory it is as good as lost on its way. */
	if (read->error && read->error != -ENOMEM) {
		pr_err_ratelimited("%s: the snapshot of entry %llu cannot be sent (error %d): take another one\n",
				   raftlog_group_name(life->group),
				   read->sealed.snapshot.index, read->error);
		gone(life, &read->sealed, step);
	}
	if (read->data)
		raftlog_entry_put(read->data);
	read->data = NULL;
}
