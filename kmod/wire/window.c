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

/* Does it name what only peers know, and those who see what they send? */
static bool is_of_peer(const struct wire_keyring *keyring,
		       const struct wire_channel *channel,
		       const struct wire_header *header, const u8 *handshake)
{
	if (header->type == WIRE_RESPONSE)
		return channel->asked_epoch == header->epoch &&
		       get_unaligned_le64(handshake + WIRE_HEADER_BYTES) ==
			       keyring->session;
	return wire_channel_knows(channel, header->session);
}

bool wire_channel_limit(const struct wire_keyring *keyring,
			struct wire_channel *channel, struct wire_limiter *limiter,
			u32 source, const struct wire_header *header,
			const void *handshake, u64 now_ns)
{
	if (!channel || !is_of_peer(keyring, channel, header, handshake))
		return wire_limiter_take(limiter, source, now_ns);
	if (is_early(channel->handshake_due_ns, now_ns))
		return false;
	channel->handshake_due_ns = max(channel->handshake_due_ns, now_ns) +
				    NSEC_PER_SEC / WIRE_HANDSHAKES_PER_S_OF_KNOWN;
	return true;
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
