// SPDX-License-Identifier: GPL-2.0
/*
 * set: change settings of a group that runs, all that is given or nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "json.h"
#include "raftctl.h"

enum kind {
	KIND_NUMBER,
	KIND_BYTES,
};

/* Ranges are the kernel's to check: it alone knows what stays as it is. */
static const struct key {
	const char *name;
	const char *json;
	u32 field;
	enum kind kind;
	size_t offset;
	size_t bytes;
} keys[] = {
#define KEY(name, field, kind, member)                       \
	{ name, #member, RAFTLOG_SET_##field, KIND_##kind,   \
	  offsetof(struct raftlog_set, member),              \
	  sizeof(((struct raftlog_set *)0)->member) }
	KEY("election-timeout", ELECTION_TIMEOUT, NUMBER, election_timeout_ms),
	KEY("heartbeat", HEARTBEAT_INTERVAL, NUMBER, heartbeat_interval_ms),
	KEY("append-timeout", APPEND_TIMEOUT, NUMBER, append_timeout_ms),
	KEY("inflight-messages", INFLIGHT_MESSAGES, NUMBER, inflight_messages),
	KEY("inflight", INFLIGHT_BYTES, BYTES, inflight_bytes),
	KEY("cache", CACHE_BYTES, BYTES, cache_bytes),
	KEY("retain-entries", RETAIN_ENTRIES, NUMBER, retain_entries),
	KEY("retain-bytes", RETAIN_BYTES, BYTES, retain_bytes),
	KEY("snapshot-trailing", SNAPSHOT_TRAILING, NUMBER, snapshot_trailing),
	KEY("snapshot-rate", SNAPSHOT_BYTES_PER_S, BYTES, snapshot_bytes_per_s),
#undef KEY
};

static const struct key *find_key(const char *word, size_t chars)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].name) == chars &&
		    !memcmp(keys[i].name, word, chars))
			return &keys[i];
	return NULL;
}

static bool parse_value(const struct key *key, const char *text, u64 *value)
{
	if (key->kind == KIND_BYTES)
		return option_bytes(key->name, text, 0, UINT64_MAX, value);
	return option_u64(key->name, text, 0,
			  key->bytes == sizeof(u32) ? UINT32_MAX : UINT64_MAX,
			  value);
}

static u64 get(const struct raftlog_set *set, const struct key *key)
{
	const char *at = (const char *)set + key->offset;

	return key->bytes == sizeof(u32) ? *(const u32 *)at : *(const u64 *)at;
}

static void put(struct raftlog_set *set, const struct key *key, u64 value)
{
	char *at = (char *)set + key->offset;

	if (key->bytes == sizeof(u32))
		*(u32 *)at = value;
	else
		*(u64 *)at = value;
	set->fields |= key->field;
}

static bool take_word(struct raftlog_set *set, const char *word)
{
	const char *equals = strchr(word, '=');
	const struct key *key;
	u64 value;

	if (!equals) {
		complain(help_advice(), "'%s': not KEY=VALUE", word);
		return false;
	}
	key = find_key(word, equals - word);
	if (!key) {
		complain(help_advice(), "there is no setting '%.*s'",
			 (int)(equals - word), word);
		return false;
	}
	if (set->fields & key->field) {
		complain(NULL, "%s is given twice", key->name);
		return false;
	}
	if (!parse_value(key, equals + 1, &value))
		return false;
	put(set, key, value);
	return true;
}

static void print(const struct raftlog_set *set)
{
	if (raftctl.json)
		json_object(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (raftctl.json)
			json_number(keys[i].json, get(set, &keys[i]));
		else
			printf("%s=%llu\n", keys[i].name, get(set, &keys[i]));
	}
	if (raftctl.json)
		json_end();
}

static int run_set(int argc, char **argv)
{
	struct raftlog_set set = { 0 };
	int code, fd, ret;

	code = parse_options(argc, argv, NULL, NULL);
	if (code >= 0)
		return code;
	for (int i = optind; i < argc; i++)
		if (!take_word(&set, argv[i]))
			return EXIT_ERROR;
	fd = connect_device(O_RDWR);
	if (fd < 0)
		return EXIT_ERROR;
	ret = device_set(fd, &set);
	device_close(fd);
	if (!ret) {
		print(&set);
		return EXIT_OK;
	}
	if (ret == -EINVAL)
		complain("the heartbeat is at most half of the election timeout; see raftctl help set",
			 "these do not go together, or are out of range: nothing was changed");
	else
		complain_errno(-ret, "change settings");
	return EXIT_ERROR;
}

const struct verb set_verb = {
	.name = "set",
	.run = run_set,
	.synopsis = "[KEY=VALUE ...]",
	.summary = "change settings of a group that runs, and print them",
	.help = "      election-timeout=MS   20 to 600000\n"
		"      heartbeat=MS          at most half of that\n"
		"      append-timeout=MS     of writes from now on\n"
		"      inflight=BYTES        sent to a peer and not acknowledged\n"
		"      inflight-messages=N   at most what it was started with\n"
		"      cache=BYTES           memory for recent entries\n"
		"      retain-entries=N      keep about so many, 0: all\n"
		"      retain-bytes=BYTES    keep about so much, 0: all\n"
		"      snapshot-trailing=N   entries kept behind a snapshot\n"
		"      snapshot-rate=BYTES   a second, of snapshots, as leader\n"
		"All of them or none; 0 is the default. Of this node alone, until it stops.\n",
};
