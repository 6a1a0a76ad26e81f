// SPDX-License-Identifier: GPL-2.0
/*
 * Large messages over a bad network on a virtual clock, all of it from one seed:
 *
 *	sender --pieces--> | lose, delay, double | --> receiver
 *	       <--acks---- |                     | <--
 */
#include <kunit/test.h>

#include "../kmod/wire/bulk.h"
#include "suites.h"

enum {
	MESSAGE_BYTES_MAX = 1 << 20,
	PIECE_BYTES = 1400 - WIRE_OVERHEAD_BYTES - WIRE_PIECE_HEADER_BYTES,
	PIECES_MAX = MESSAGE_BYTES_MAX / WIRE_PIECE_BYTES_MIN + 1,
	SLOTS = 4096,
	DELAY_NS = 500 * 1000,
};

#define SENDER_SESSION 0xa1ull
#define RECEIVER_SESSION 0xb1ull

/* What the network does to a datagram, in percent. */
struct weather {
	const char *name;
	u32 loss;
	u32 duplication;
	u32 reordering; /* delayed by up to four times as much as the others */
	u32 piece_bytes;
	u32 datagrams_max; /* pieces and acks, in percent of the pieces */
};

struct slot {
	u64 due_ns; /* 0: free */
	bool is_ack;
	u64 session; /* of whoever sent it */
	struct wire_piece piece;
	struct wire_piece_ack ack;
};

struct world {
	struct weather weather;
	u64 random;
	u64 now_ns;
	u64 n_pieces_sent;
	u64 n_acks_sent;
	u32 n_delivered;
	u32 n_replaced;
	u64 receiver_session;
	u64 piece_ns; /* the way to the receiver takes one piece in this time */
	u64 busy_until_ns;
	u64 queue_most_ns;
	bool acks_lost;
	bool cut;
	struct slot *slots;
	struct wire_sender sender;
	struct wire_receiver receiver;
	u8 *message;
	u32 bundle_bytes;
};

static u64 random_next(struct world *world)
{
	u64 z = world->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* The low bits of a product are as good as a remainder, and need no division. */
static u32 random_below(struct world *world, u32 n)
{
	return (random_next(world) >> 32) * n >> 32;
}

static void *zalloc(struct kunit *test, size_t bytes)
{
	void *memory = kunit_kzalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, memory);
	return memory;
}

static void fill(struct world *world)
{
	u32 i;

	for (i = 0; i < MESSAGE_BYTES_MAX; i++)
		world->message[i] = random_next(world);
}

static struct world *world_new(struct kunit *test, const struct weather *weather)
{
	struct world *world = zalloc(test, sizeof(*world));

	world->weather = *weather;
	world->random = 1;
	world->now_ns = NSEC_PER_SEC;
	world->receiver_session = RECEIVER_SESSION;
	world->slots = zalloc(test, SLOTS * sizeof(*world->slots));
	world->message = zalloc(test, MESSAGE_BYTES_MAX);
	fill(world);
	wire_sender_init(&world->sender,
			 zalloc(test, PIECES_MAX * sizeof(struct wire_sent_piece)),
			 PIECES_MAX, SENDER_SESSION);
	wire_receiver_init(&world->receiver,
			   zalloc(test, wire_receiver_memory_bytes(MESSAGE_BYTES_MAX)),
			   MESSAGE_BYTES_MAX);
	return world;
}

/* How long a piece waits for those before it. */
static u64 queue_ns(struct world *world, const struct slot *datagram)
{
	u64 wait_ns;

	if (!world->piece_ns || datagram->is_ack)
		return 0;
	world->busy_until_ns = max(world->busy_until_ns, world->now_ns) +
			       world->piece_ns;
	wait_ns = world->busy_until_ns - world->now_ns;
	world->queue_most_ns = max(world->queue_most_ns, wait_ns);
	return wait_ns;
}

static void carry_once(struct world *world, const struct slot *datagram)
{
	u64 delay_ns = DELAY_NS + random_below(world, DELAY_NS / 10) +
		       queue_ns(world, datagram);
	u32 i;

	if (random_below(world, 100) < world->weather.reordering)
		delay_ns += random_below(world, 3 * DELAY_NS);
	for (i = 0; i < SLOTS; i++)
		if (!world->slots[i].due_ns)
			break;
	if (i == SLOTS)
		return;
	world->slots[i] = *datagram;
	world->slots[i].due_ns = world->now_ns + delay_ns;
}

static void carry(struct world *world, const struct slot *datagram)
{
	if (world->cut || (datagram->is_ack && world->acks_lost) ||
	    random_below(world, 100) < world->weather.loss)
		return;
	carry_once(world, datagram);
	if (random_below(world, 100) < world->weather.duplication)
		carry_once(world, datagram);
}

static void pump(struct world *world)
{
	struct slot datagram = { .session = world->sender.session };

	while (wire_sender_peek(&world->sender, &datagram.piece, world->message)) {
		carry(world, &datagram);
		wire_sender_sent(&world->sender, &datagram.piece, world->now_ns);
		world->n_pieces_sent++;
	}
}

static void acknowledge(struct world *world)
{
	struct slot datagram = {
		.is_ack = true, .session = world->receiver_session,
	};

	wire_receiver_ack(&world->receiver, &datagram.ack);
	carry(world, &datagram);
	world->n_acks_sent++;
}

static void deliver(struct kunit *test, struct world *world)
{
	world->n_delivered++;
	KUNIT_EXPECT_EQ(test, world->receiver.bundle_bytes, world->bundle_bytes);
	KUNIT_EXPECT_EQ(test,
			memcmp(wire_receiver_bundle(&world->receiver),
			       world->message, world->bundle_bytes), 0);
}

static void arrive(struct kunit *test, struct world *world,
		   const struct slot *datagram)
{
	int receipt;

	if (datagram->is_ack) {
		int err = wire_sender_ack(&world->sender, datagram->session,
					  &datagram->ack, world->now_ns);

		KUNIT_EXPECT_NE(test, err, -EBADMSG);
		return;
	}
	receipt = wire_receiver_piece(&world->receiver, datagram->session,
				      &datagram->piece, world->now_ns);
	if (receipt < 0) {
		KUNIT_EXPECT_EQ(test, receipt, -ESTALE);
		return;
	}
	if (receipt & WIRE_RECEIPT_REPLACED)
		world->n_replaced++;
	if (receipt & WIRE_RECEIPT_WHOLE)
		deliver(test, world);
	if (receipt & WIRE_RECEIPT_ACK)
		acknowledge(world);
}

static struct slot *next_slot(struct world *world)
{
	struct slot *next = NULL;
	u32 i;

	for (i = 0; i < SLOTS; i++) {
		struct slot *slot = &world->slots[i];

		if (slot->due_ns && (!next || slot->due_ns < next->due_ns))
			next = slot;
	}
	return next;
}

/* Return: false if nothing will ever happen again. */
static bool turn(struct kunit *test, struct world *world)
{
	u64 ack_ns = wire_receiver_deadline(&world->receiver);
	u64 timer_ns = wire_sender_deadline(&world->sender);
	struct slot *slot = next_slot(world);
	u64 slot_ns = slot ? slot->due_ns : U64_MAX;
	struct slot datagram;

	world->now_ns = max(world->now_ns, min(slot_ns, min(ack_ns, timer_ns)));
	if (world->now_ns == U64_MAX)
		return false;
	if (slot_ns <= world->now_ns) {
		datagram = *slot;
		slot->due_ns = 0;
		arrive(test, world, &datagram);
	} else if (ack_ns <= world->now_ns) {
		acknowledge(world);
	} else {
		wire_sender_timer(&world->sender, world->now_ns);
	}
	pump(world);
	return true;
}

static void start(struct kunit *test, struct world *world, u32 bytes)
{
	world->bundle_bytes = bytes;
	KUNIT_ASSERT_EQ(test,
			wire_sender_start(&world->sender, bytes,
					  world->weather.piece_bytes,
					  world->now_ns), 0);
	pump(world);
}

/* Until the sender is through with its message, one way or the other. */
static void finish(struct kunit *test, struct world *world)
{
	u32 turns = 0;

	while (world->sender.state == WIRE_SENDER_SENDING)
		KUNIT_ASSERT_TRUE(test, turns++ < 1000000 && turn(test, world));
}

static void settle(struct kunit *test, struct world *world)
{
	world->now_ns--;
	do
		world->now_ns++;
	while (next_slot(world) && turn(test, world));
}

static const struct weather weathers[] = {
	{ "calm", 0, 0, 0, PIECE_BYTES, 120 },
	{ "calm, small pieces", 0, 0, 0, WIRE_PIECE_BYTES_MIN, 120 },
	{ "1% loss", 1, 0, 0, PIECE_BYTES, 130 },
	{ "5% loss", 5, 0, 0, PIECE_BYTES, 160 },
	{ "5% loss, small pieces", 5, 0, 0, WIRE_PIECE_BYTES_MIN, 160 },
	{ "10% loss", 10, 0, 0, PIECE_BYTES, 180 },
	{ "20% loss", 20, 0, 0, PIECE_BYTES, 220 },
	{ "30% loss", 30, 0, 0, PIECE_BYTES, 260 },
	{ "5% twice", 0, 5, 0, PIECE_BYTES, 160 },
	{ "25% late", 0, 0, 25, PIECE_BYTES, 160 },
	{ "all late", 0, 0, 100, PIECE_BYTES, 180 },
	{ "5% loss, 5% twice, 25% late", 5, 5, 25, PIECE_BYTES, 200 },
	{ "30% loss, 30% twice, all late", 30, 30, 100, PIECE_BYTES, 400 },
};

static void weather_name(const struct weather *weather, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s", weather->name);
}

KUNIT_ARRAY_PARAM(weather, weathers, weather_name);

static const struct weather calm = {
	.name = "calm", .piece_bytes = PIECE_BYTES,
};

static void bulk_one_message(struct kunit *test)
{
	const struct weather *weather = test->param_value;
	struct world *world = world_new(test, weather);
	u32 n_pieces = wire_piece_count(MESSAGE_BYTES_MAX, weather->piece_bytes);
	u64 datagrams;

	start(test, world, MESSAGE_BYTES_MAX);
	finish(test, world);
	KUNIT_EXPECT_EQ(test, (u32)world->sender.state, (u32)WIRE_SENDER_DONE);
	settle(test, world);
	KUNIT_EXPECT_EQ(test, world->n_delivered, 1u);
	datagrams = world->n_pieces_sent + world->n_acks_sent;
	KUNIT_EXPECT_LE(test, datagrams * 100, (u64)n_pieces * weather->datagrams_max);
}

/* What is learned of the path carries over; nothing else does. */
static void bulk_many_messages(struct kunit *test)
{
	const struct weather *weather = test->param_value;
	struct world *world = world_new(test, weather);
	u32 i, bytes;

	for (i = 1; i <= 100; i++) {
		bytes = weather->piece_bytes + 1 + random_below(world, 40000);
		/* The old pieces that are still on their way point into it. */
		start(test, world, bytes);
		finish(test, world);
		KUNIT_ASSERT_EQ(test, (u32)world->sender.state,
				(u32)WIRE_SENDER_DONE);
		KUNIT_ASSERT_EQ(test, world->n_delivered, i);
		wire_sender_stop(&world->sender);
	}
	settle(test, world);
	KUNIT_EXPECT_EQ(test, world->n_delivered, 100u);
	KUNIT_EXPECT_EQ(test, world->n_replaced, 0u);
}

static void bulk_edge_sizes(struct kunit *test)
{
	static const u32 sizes[] = {
		PIECE_BYTES + 1, 2 * PIECE_BYTES - 1, 2 * PIECE_BYTES,
		2 * PIECE_BYTES + 1, 64 * PIECE_BYTES, 64 * PIECE_BYTES + 1,
		MESSAGE_BYTES_MAX - 1, MESSAGE_BYTES_MAX,
	};
	struct world *world = world_new(test, &calm);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		start(test, world, sizes[i]);
		finish(test, world);
		KUNIT_EXPECT_EQ(test, (u32)world->sender.state,
				(u32)WIRE_SENDER_DONE);
		KUNIT_EXPECT_EQ(test, world->n_delivered, i + 1);
		wire_sender_stop(&world->sender);
	}
	KUNIT_EXPECT_EQ(test, wire_sender_start(&world->sender, PIECE_BYTES,
						PIECE_BYTES, world->now_ns),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, wire_sender_start(&world->sender, MESSAGE_BYTES_MAX,
						WIRE_PIECE_BYTES_MIN - 1,
						world->now_ns), -EINVAL);
	KUNIT_EXPECT_EQ(test, wire_sender_start(&world->sender,
						2 * MESSAGE_BYTES_MAX,
						WIRE_PIECE_BYTES_MIN,
						world->now_ns), -EMSGSIZE);
	start(test, world, MESSAGE_BYTES_MAX);
	KUNIT_EXPECT_EQ(test, wire_sender_start(&world->sender, MESSAGE_BYTES_MAX,
						PIECE_BYTES, world->now_ns),
			-EBUSY);
}

/* The receiver is through before the sender knows: told again, delivered once. */
static void bulk_acks_lost(struct kunit *test)
{
	struct world *world = world_new(test, &calm);

	world->acks_lost = true;
	start(test, world, 10 * PIECE_BYTES);
	while (!world->n_delivered)
		KUNIT_ASSERT_TRUE(test, turn(test, world));
	KUNIT_EXPECT_EQ(test, (u32)world->sender.state, (u32)WIRE_SENDER_SENDING);
	world->acks_lost = false;
	finish(test, world);
	KUNIT_EXPECT_EQ(test, (u32)world->sender.state, (u32)WIRE_SENDER_DONE);
	KUNIT_EXPECT_EQ(test, world->n_delivered, 1u);
	/* One probe was enough to find out. */
	KUNIT_EXPECT_LE(test, world->n_pieces_sent, 11ull);
}

/* A silent peer is given up within seconds, and reached again later. */
static void bulk_given_up(struct kunit *test)
{
	struct world *world = world_new(test, &calm);
	u64 began_ns = world->now_ns;

	world->cut = true;
	start(test, world, MESSAGE_BYTES_MAX);
	finish(test, world);
	KUNIT_EXPECT_EQ(test, (u32)world->sender.state, (u32)WIRE_SENDER_GIVEN_UP);
	KUNIT_EXPECT_LE(test, world->now_ns - began_ns, 10ull * NSEC_PER_SEC);
	KUNIT_EXPECT_LE(test, world->n_pieces_sent, 400ull);
	wire_sender_stop(&world->sender);

	world->cut = false;
	start(test, world, MESSAGE_BYTES_MAX);
	finish(test, world);
	KUNIT_EXPECT_EQ(test, (u32)world->sender.state, (u32)WIRE_SENDER_DONE);
	KUNIT_EXPECT_EQ(test, world->n_delivered, 1u);
}

/* The link comes back during back-off. */
static void bulk_interrupted(struct kunit *test)
{
	struct world *world = world_new(test, &calm);
	u64 healed_ns;

	start(test, world, MESSAGE_BYTES_MAX);
	while (world->receiver.n_arrived < 300)
		KUNIT_ASSERT_TRUE(test, turn(test, world));
	world->cut = true;
	while (world->sender.n_timeouts < 4)
		KUNIT_ASSERT_TRUE(test, turn(test, world));
	world->cut = false;
	healed_ns = world->now_ns;
	finish(test, world);
	KUNIT_EXPECT_EQ(test, (u32)world->sender.state, (u32)WIRE_SENDER_DONE);
	KUNIT_EXPECT_EQ(test, world->n_delivered, 1u);
	KUNIT_EXPECT_LE(test, world->now_ns - healed_ns, 1ull * NSEC_PER_SEC);
}

/* A heartbeat behind it would not be late: the queue stays short. */
static void bulk_narrow_way(struct kunit *test)
{
	struct world *world = world_new(test, &calm);
	u32 i;

	world->piece_ns = NSEC_PER_MSEC / 2;
	for (i = 0; i < 10; i++) {
		start(test, world, MESSAGE_BYTES_MAX);
		finish(test, world);
		KUNIT_EXPECT_EQ(test, (u32)world->sender.state,
				(u32)WIRE_SENDER_DONE);
		wire_sender_stop(&world->sender);
	}
	KUNIT_EXPECT_EQ(test, world->n_delivered, 10u);
	KUNIT_EXPECT_LE(test, world->queue_most_ns, 3 * WIRE_QUEUE_NS);
	/* And yet the way is never idle for long. */
	KUNIT_EXPECT_LE(test, world->now_ns - NSEC_PER_SEC,
			10 * world->sender.n_pieces * world->piece_ns * 5 / 4);
}

static void forget_receiver(struct world *world, u64 session)
{
	void *memory = world->receiver.memory;

	world->receiver_session = session;
	wire_receiver_init(&world->receiver, memory, MESSAGE_BYTES_MAX);
}

/* What it acknowledged is gone with it. */
static void bulk_receiver_restarts(struct kunit *test)
{
	const struct weather *weather = test->param_value;
	struct world *world = world_new(test, weather);
	u32 i;

	start(test, world, MESSAGE_BYTES_MAX);
	for (i = 1; i <= 3; i++) {
		while (world->receiver.n_arrived < i * 100 && !world->n_delivered)
			KUNIT_ASSERT_TRUE(test, turn(test, world));
		forget_receiver(world, RECEIVER_SESSION + i);
	}
	finish(test, world);
	KUNIT_EXPECT_EQ(test, (u32)world->sender.state, (u32)WIRE_SENDER_DONE);
	KUNIT_EXPECT_EQ(test, world->n_delivered, 1u);
	/* Acks of before that arrive late start nothing again. */
	KUNIT_EXPECT_LE(test, world->n_pieces_sent, 6ull * world->sender.n_pieces);
}

/* Its new message replaces the old one, whose pieces are still on their way. */
static void bulk_sender_restarts(struct kunit *test)
{
	const struct weather *weather = test->param_value;
	struct world *world = world_new(test, weather);
	struct wire_sent_piece *pieces = world->sender.pieces;

	start(test, world, MESSAGE_BYTES_MAX);
	while (world->receiver.n_arrived < 300)
		KUNIT_ASSERT_TRUE(test, turn(test, world));
	wire_sender_init(&world->sender, pieces, PIECES_MAX, SENDER_SESSION + 1);
	start(test, world, MESSAGE_BYTES_MAX / 2);
	finish(test, world);
	KUNIT_EXPECT_EQ(test, (u32)world->sender.state, (u32)WIRE_SENDER_DONE);
	KUNIT_EXPECT_EQ(test, world->n_delivered, 1u);
	KUNIT_EXPECT_GT(test, world->n_replaced, 0u);
}

static void bulk_message_replaced(struct kunit *test)
{
	struct world *world = world_new(test, &calm);

	start(test, world, MESSAGE_BYTES_MAX);
	while (world->receiver.n_arrived < 300)
		KUNIT_ASSERT_TRUE(test, turn(test, world));
	wire_sender_stop(&world->sender);
	start(test, world, MESSAGE_BYTES_MAX / 2);
	finish(test, world);
	settle(test, world);
	KUNIT_EXPECT_EQ(test, (u32)world->sender.state, (u32)WIRE_SENDER_DONE);
	KUNIT_EXPECT_EQ(test, world->n_delivered, 1u);
	KUNIT_EXPECT_EQ(test, world->n_replaced, 1u);
}

/* A receiver that forgets after every piece does not keep a sender for ever. */
static void bulk_receiver_forgets_always(struct kunit *test)
{
	struct world *world = world_new(test, &calm);
	u64 session = RECEIVER_SESSION;
	u32 turns = 0;

	start(test, world, 30 * PIECE_BYTES);
	while (world->sender.state == WIRE_SENDER_SENDING) {
		KUNIT_ASSERT_TRUE(test, turns++ < 100000 && turn(test, world));
		if (world->receiver.n_arrived == 9)
			forget_receiver(world, ++session);
	}
	KUNIT_EXPECT_EQ(test, (u32)world->sender.state, (u32)WIRE_SENDER_GIVEN_UP);
	KUNIT_EXPECT_EQ(test, world->n_delivered, 0u);
}

/* What an ack says of the first pieces: all but the first @n_lost are there. */
static struct wire_piece_ack ack_of(u32 n_lost, u32 n_pieces, u32 transmission)
{
	struct wire_piece_ack ack = {
		.session = SENDER_SESSION, .bundle_id = 1,
		.transmission = transmission,
		.bitmap_bytes = DIV_ROUND_UP(n_pieces - 1, 8),
	};
	u32 i;

	for (i = n_lost; i < n_pieces; i++)
		ack.bitmap[(i - 1) / 8] |= 1 << ((i - 1) % 8);
	return ack;
}

/* What is beyond the bitmap of an ack would seem to be lost. */
static void window_is_what_an_ack_can_tell(struct kunit *test)
{
	struct weather weather = calm;
	struct wire_piece_ack ack;
	struct wire_sender *sender;
	struct world *world;

	weather.piece_bytes = WIRE_PIECE_BYTES_MIN;
	world = world_new(test, &weather);
	sender = &world->sender;
	sender->path.window = WIRE_WINDOW_PIECES_MAX;
	world->cut = true;
	start(test, world, MESSAGE_BYTES_MAX);
	KUNIT_ASSERT_EQ(test, sender->next_unsent, (u32)WIRE_WINDOW_PIECES_MAX);
	ack = ack_of(1, WIRE_WINDOW_PIECES_MAX, WIRE_WINDOW_PIECES_MAX);
	KUNIT_ASSERT_EQ(test, wire_sender_ack(sender, 1, &ack, world->now_ns), 0);
	KUNIT_EXPECT_EQ(test, sender->n_under_way, 1u);
	pump(world);
	KUNIT_EXPECT_EQ(test, sender->next_unsent, (u32)WIRE_WINDOW_PIECES_MAX);
	/* With the first one there the window moves on. */
	ack = ack_of(1, 1, WIRE_WINDOW_PIECES_MAX);
	ack.first_missing = WIRE_WINDOW_PIECES_MAX;
	KUNIT_ASSERT_EQ(test, wire_sender_ack(sender, 1, &ack, world->now_ns), 0);
	pump(world);
	KUNIT_EXPECT_GT(test, sender->next_unsent, (u32)WIRE_WINDOW_PIECES_MAX);
}

/* Pieces that get lost together say once that the way is too narrow. */
static void window_shrinks_once_per_loss(struct kunit *test)
{
	const u32 window = 4 * WIRE_WINDOW_PIECES_MIN;
	struct world *world = world_new(test, &calm);
	struct wire_sender *sender = &world->sender;
	struct wire_piece_ack ack = ack_of(3, window, window);
	u32 grown = window + window - 3;

	sender->path.window = window;
	world->cut = true;
	start(test, world, 2 * window * PIECE_BYTES);
	KUNIT_ASSERT_EQ(test, sender->next_unsent, window);
	world->now_ns += NSEC_PER_MSEC;
	KUNIT_ASSERT_EQ(test, wire_sender_ack(sender, 1, &ack, world->now_ns), 0);
	KUNIT_ASSERT_EQ(test, sender->path.window, grown);
	world->now_ns = wire_sender_deadline(sender);
	wire_sender_timer(sender, world->now_ns);
	KUNIT_EXPECT_EQ(test, sender->n_lost, 3u);
	KUNIT_EXPECT_EQ(test, sender->path.window, grown - grown / 4);
}

/* Ever more slowly: a peer that is down is not flooded. */
static void timeouts_double(struct kunit *test)
{
	struct world *world = world_new(test, &calm);
	u64 expected_ns = WIRE_TIMEOUT_START_NS;
	u32 i;

	world->cut = true;
	start(test, world, MESSAGE_BYTES_MAX);
	for (i = 0; i < WIRE_TIMEOUTS_MAX; i++) {
		KUNIT_EXPECT_EQ(test, wire_sender_deadline(&world->sender),
				world->now_ns + expected_ns);
		world->now_ns += expected_ns;
		wire_sender_timer(&world->sender, world->now_ns);
		pump(world);
		expected_ns = min(2 * expected_ns, WIRE_TIMEOUT_MAX_NS);
	}
}

/* Karn: an ack of the first copy says nothing about the second. */
static void round_trip_is_of_the_copy_that_arrived(struct kunit *test)
{
	const u32 window = WIRE_WINDOW_PIECES_START;
	struct world *world = world_new(test, &calm);
	struct wire_sender *sender = &world->sender;
	struct wire_piece_ack ack = ack_of(1, window, window);

	world->cut = true;
	start(test, world, 2 * window * PIECE_BYTES);
	world->now_ns += 70 * NSEC_PER_MSEC;
	/* Sends the last piece again. */
	wire_sender_probe(sender, world->now_ns);
	pump(world);
	KUNIT_ASSERT_EQ(test, sender->transmission, window + 1);
	world->now_ns += NSEC_PER_MSEC;
	KUNIT_ASSERT_EQ(test, wire_sender_ack(sender, 1, &ack, world->now_ns), 0);
	KUNIT_EXPECT_EQ(test, sender->path.rtt_ns, 0ull);
	wire_sender_stop(sender);
	/* Of these there is but one. */
	start(test, world, 2 * window * PIECE_BYTES);
	world->now_ns += 5 * NSEC_PER_MSEC;
	ack.bundle_id = 2;
	ack.transmission = window;
	KUNIT_ASSERT_EQ(test, wire_sender_ack(sender, 1, &ack, world->now_ns), 0);
	KUNIT_EXPECT_EQ(test, sender->path.rtt_ns, 5ull * NSEC_PER_MSEC);
}

static void receiver_refuses(struct kunit *test)
{
	struct world *world = world_new(test, &calm);
	struct wire_receiver *receiver = &world->receiver;
	struct wire_piece piece = {
		.bundle_id = 5, .bundle_bytes = 3 * PIECE_BYTES,
		.piece_bytes = PIECE_BYTES, .piece = 0, .transmission = 1,
		.data = world->message, .bytes = PIECE_BYTES,
	};
	struct wire_piece other;

	KUNIT_EXPECT_EQ(test, wire_receiver_piece(receiver, 1, &piece, 1), 0);
	KUNIT_EXPECT_EQ(test, wire_receiver_deadline(receiver),
			1 + WIRE_ACK_DELAY_NS);

	other = piece;
	other.bundle_id = 4;
	KUNIT_EXPECT_EQ(test, wire_receiver_piece(receiver, 1, &other, 1), -ESTALE);
	other = piece;
	other.bundle_bytes--;
	KUNIT_EXPECT_EQ(test, wire_receiver_piece(receiver, 1, &other, 1), -EBADMSG);
	other = piece;
	other.piece_bytes--;
	KUNIT_EXPECT_EQ(test, wire_receiver_piece(receiver, 1, &other, 1), -EBADMSG);
	other = piece;
	other.bundle_bytes = MESSAGE_BYTES_MAX + 1;
	KUNIT_EXPECT_EQ(test, wire_receiver_piece(receiver, 1, &other, 1), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, receiver->n_arrived, 1u);

	KUNIT_EXPECT_EQ(test, wire_receiver_piece(receiver, 1, &piece, 1),
			(int)WIRE_RECEIPT_ACK);
	KUNIT_EXPECT_EQ(test, receiver->n_duplicates, 1u);
	piece.piece = 1;
	piece.ack_at_once = true;
	KUNIT_EXPECT_EQ(test, wire_receiver_piece(receiver, 1, &piece, 1),
			(int)WIRE_RECEIPT_ACK);
	/* The same ids of another session are another message. */
	KUNIT_EXPECT_EQ(test, wire_receiver_piece(receiver, 2, &piece, 1),
			(int)(WIRE_RECEIPT_ACK | WIRE_RECEIPT_REPLACED));
	KUNIT_EXPECT_EQ(test, receiver->n_arrived, 1u);
}

static void sender_refuses(struct kunit *test)
{
	struct world *world = world_new(test, &calm);
	struct wire_sender *sender = &world->sender;
	struct wire_piece_ack ack = {
		.session = SENDER_SESSION, .bundle_id = 1, .reassembly = 7,
		.transmission = 16,
	};
	struct wire_piece_ack other;

	world->cut = true;
	start(test, world, 80 * PIECE_BYTES);
	KUNIT_ASSERT_EQ(test, sender->next_unsent, (u32)WIRE_WINDOW_PIECES_START);

#define REFUSED(error, change)                                                \
	do {                                                                  \
		other = ack;                                                  \
		change;                                                       \
		KUNIT_EXPECT_EQ(test, wire_sender_ack(sender, 1, &other,      \
						      world->now_ns), error); \
	} while (0)
	REFUSED(-ESTALE, other.session++);
	REFUSED(-ESTALE, other.bundle_id++);
	REFUSED(-EBADMSG, other.transmission = 33);
	REFUSED(-EBADMSG, other.first_missing = 33);
	REFUSED(-EBADMSG, other.first_missing = U32_MAX);
	REFUSED(-EBADMSG, (other.first_missing = 32, other.bitmap_bytes = 1,
			   other.bitmap[0] = 1));
	/* Bit 31 would be piece 32, the first that was never sent. */
	REFUSED(-EBADMSG, (other.bitmap_bytes = 4, other.bitmap[3] = 0x80));
	KUNIT_EXPECT_EQ(test, sender->n_under_way, (u32)WIRE_WINDOW_PIECES_START);
	REFUSED(0, (other.bitmap_bytes = 4, other.bitmap[3] = 0x40));
	KUNIT_EXPECT_EQ(test, sender->n_under_way,
			(u32)WIRE_WINDOW_PIECES_START - 1);
	REFUSED(-ESTALE, other.reassembly = 6);
	KUNIT_EXPECT_EQ(test, sender->first_missing, 0u);
	/* A newer reassembly has none of it. */
	REFUSED(0, (other.reassembly = 8, other.first_missing = 2));
	KUNIT_EXPECT_EQ(test, sender->first_missing, 2u);
	KUNIT_EXPECT_EQ(test, sender->n_lost, 30u);
	KUNIT_EXPECT_EQ(test, sender->n_under_way, 0u);
#undef REFUSED
}

static struct kunit_case wire_bulk_cases[] = {
	KUNIT_CASE_PARAM(bulk_one_message, weather_gen_params),
	KUNIT_CASE_PARAM(bulk_many_messages, weather_gen_params),
	KUNIT_CASE(bulk_edge_sizes),
	KUNIT_CASE(bulk_acks_lost),
	KUNIT_CASE(bulk_given_up),
	KUNIT_CASE(bulk_interrupted),
	KUNIT_CASE(bulk_narrow_way),
	KUNIT_CASE_PARAM(bulk_receiver_restarts, weather_gen_params),
	KUNIT_CASE_PARAM(bulk_sender_restarts, weather_gen_params),
	KUNIT_CASE(bulk_message_replaced),
	KUNIT_CASE(bulk_receiver_forgets_always),
	KUNIT_CASE(window_is_what_an_ack_can_tell),
	KUNIT_CASE(window_shrinks_once_per_loss),
	KUNIT_CASE(timeouts_double),
	KUNIT_CASE(round_trip_is_of_the_copy_that_arrived),
	KUNIT_CASE(receiver_refuses),
	KUNIT_CASE(sender_refuses),
	{}
};

struct kunit_suite raftlog_wire_bulk_suite = {
	.name = "raftlog_wire_bulk",
	.test_cases = wire_bulk_cases,
};
