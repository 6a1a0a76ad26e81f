// SPDX-License-Identifier: GPL-2.0
/* What came before, and how often handshakes may. */
#include "channel.h"

/* Of the word that @counter is in, a bit. */
static u64 bit_of(u64 counter)
{
	return 1ull << (counter % 64);
}

/* The words between the newest counter and this one hold nothing any more. */
static void advance(struct wire_window *window, u64 counter)
{
	u64 word = window->newest / 64;
	u64 n = min_t(u64, counter / 64 - word, WIRE_WINDOW_WORDS);

	while (n--)
		window->words[++word % WIRE_WINDOW_WORDS] = 0;
	window->newest = counter;
}

bool wire_window_take(struct wire_window *window, u64 counter)
{
	u64 *word = &window->words[counter / 64 % WIRE_WINDOW_WORDS];

	if (counter > window->newest)
		advance(window, counter);
	else if (window->newest - counter >= WIRE_WINDOW_DATAGRAMS)
		return false;
	if (*word & bit_of(counter))
		return false;
	*word |= bit_of(counter);
	return true;
}

/* Each moves the time of the next by @interval_ns; it may be ahead by a burst. */
static bool is_early(u64 due_ns, u64 now_ns)
{
	return due_ns > now_ns + NSEC_PER_SEC / WIRE_HANDSHAKES_BURST;
}

bool wire_limiter_take(struct wire_limiter *limiter, u32 source, u64 now_ns)
{
	u64 *source_due_ns =
		&limiter->source_due_ns[source % WIRE_LIMITER_SOURCES];

	/* One that sends too many leaves the others their share. */
	if (is_early(*source_due_ns, now_ns) || is_early(limiter->due_ns, now_ns))
		return false;
	*source_due_ns = max(*source_due_ns, now_ns) +
			 NSEC_PER_SEC / WIRE_HANDSHAKES_PER_S_OF_ONE;
	limiter->due_ns = max(limiter->due_ns, now_ns) +
			  NSEC_PER_SEC / WIRE_HANDSHAKES_PER_S;
	return true;
}
