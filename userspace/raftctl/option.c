// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers on the command line, and signals.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "raftctl.h"

atomic_int interrupted;

/* strtoull() takes signs and blanks; an option does not. */
static bool parse_digits(const char *text, u64 *value, char **end)
{
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, end, 10);
	return !errno;
}

static bool in_range(const char *option, const char *text, u64 value, u64 min,
		     u64 max)
{
	if (value >= min && value <= max)
		return true;
	if (max == UINT64_MAX)
		complain(NULL, "%s %s: at least %llu", option, text, min);
	else
		complain(NULL, "%s %s: %llu to %llu", option, text, min, max);
	return false;
}

bool option_u64(const char *option, const char *text, u64 min, u64 max,
		u64 *value)
{
	char *end;

	if (!parse_digits(text, value, &end) || *end) {
		complain(NULL, "%s %s: not a number", option, text);
		return false;
	}
	return in_range(option, text, *value, min, max);
}

bool option_u32(const char *option, const char *text, u32 min, u32 max,
		u32 *value)
{
	u64 wide;

	if (!option_u64(option, text, min, max, &wide))
		return false;
	*value = wide;
	return true;
}

bool option_bytes(const char *option, const char *text, u64 min, u64 max,
		  u64 *value)
{
	static const char units[] = "KMGT";
	unsigned int shift = 0;
	const char *unit;
	char *end;

	if (!parse_digits(text, value, &end))
		goto bad;
	if (*end) {
		unit = strchr(units, *end & ~0x20);
		if (!unit || !*unit)
			goto bad;
		shift = 10 * (unit - units + 1);
		end++;
		if (!strcmp(end, "iB"))
			end += 2;
		if (*end || *value > UINT64_MAX >> shift)
			goto bad;
	}
	*value <<= shift;
	return in_range(option, text, *value, min, max);
bad:
	complain("for example 4096, 64K, 256M or 1G",
		 "%s %s: not a number of bytes", option, text);
	return false;
}

bool option_seconds(const char *option, const char *text, u64 *ms)
{
	double seconds;
	char *end;

	errno = 0;
	seconds = strtod(text, &end);
	if (end == text || *end || errno || !(seconds >= 0 && seconds <= 4e6)) {
		complain(NULL, "%s %s: not a number of seconds", option, text);
		return false;
	}
	*ms = seconds * 1000 + 0.5;
	return true;
}

static void note_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void catch_signals(void)
{
	/* Without SA_RESTART, so that a sleep in the kernel ends with EINTR. */
	struct sigaction action = {
		.sa_handler = note_signal,
		.sa_flags = SA_RESETHAND,
	};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}
