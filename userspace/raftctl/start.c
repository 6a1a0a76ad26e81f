// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "addr.h"
#include "device.h"
#include "format.h"
#include "json.h"
#include "key.h"
#include "names.h"
#include "raftctl.h"
#include "start_members.h"
#include "wal.h"

/**
 * struct starting - what the options say
 * @start: what the kernel is asked
 * @members: the members
 * @dir: --dir
 * @wal: --wal, or the file in @dir
 * @snapshots: --snapshots, or @dir; NULL: there are to be none
 */
struct starting {
	struct raftlog_start start;
	struct start_members members;
	const char *dir;
	struct wal_request wal;
	const char *snapshots;
};

enum {
	OPTION_ID = OPTION_OF_VERB,
	OPTION_LISTEN,
	OPTION_ADVERTISE,
	OPTION_PEER,
	OPTION_CLUSTER,
	OPTION_JOIN,
	OPTION_CLUSTER_ID,
	OPTION_DIR,
	OPTION_WAL,
	OPTION_SIZE,
	OPTION_FORMAT,
	OPTION_FORCE,
	OPTION_SALVAGE,
	OPTION_ELECTION_TIMEOUT,
	OPTION_HEARTBEAT,
	OPTION_APPEND_TIMEOUT,
	OPTION_MAX_ENTRY,
	OPTION_DATAGRAM,
	OPTION_CACHE,
	OPTION_INFLIGHT,
	OPTION_INFLIGHT_MESSAGES,
	OPTION_PRIORITY,
	OPTION_WITNESS,
	OPTION_RETAIN_BYTES,
	OPTION_RETAIN_ENTRIES,
	OPTION_SNAPSHOTS,
	OPTION_SNAPSHOT_TRAILING,
	OPTION_SNAPSHOT_RATE,
	OPTION_KEY,
	OPTION_INSECURE,
};

static const struct option start_options[] = {
	{ "id", required_argument, NULL, OPTION_ID },
	{ "listen", required_argument, NULL, OPTION_LISTEN },
	{ "advertise", required_argument, NULL, OPTION_ADVERTISE },
	{ "peer", required_argument, NULL, OPTION_PEER },
	{ "cluster", required_argument, NULL, OPTION_CLUSTER },
	{ "join", no_argument, NULL, OPTION_JOIN },
	{ "cluster-id", required_argument, NULL, OPTION_CLUSTER_ID },
	{ "dir", required_argument, NULL, OPTION_DIR },
	{ "wal", required_argument, NULL, OPTION_WAL },
	{ "size", required_argument, NULL, OPTION_SIZE },
	{ "format", no_argument, NULL, OPTION_FORMAT },
	{ "force", no_argument, NULL, OPTION_FORCE },
	{ "salvage", no_argument, NULL, OPTION_SALVAGE },
	{ "election-timeout", required_argument, NULL,
	  OPTION_ELECTION_TIMEOUT },
	{ "heartbeat", required_argument, NULL, OPTION_HEARTBEAT },
	{ "append-timeout", required_argument, NULL, OPTION_APPEND_TIMEOUT },
	{ "max-entry", required_argument, NULL, OPTION_MAX_ENTRY },
	{ "datagram", required_argument, NULL, OPTION_DATAGRAM },
	{ "cache", required_argument, NULL, OPTION_CACHE },
	{ "inflight", required_argument, NULL, OPTION_INFLIGHT },
	{ "inflight-messages", required_argument, NULL,
	  OPTION_INFLIGHT_MESSAGES },
	{ "priority", required_argument, NULL, OPTION_PRIORITY },
	{ "witness", required_argument, NULL, OPTION_WITNESS },
	{ "retain-bytes", required_argument, NULL, OPTION_RETAIN_BYTES },
	{ "retain-entries", required_argument, NULL, OPTION_RETAIN_ENTRIES },
	{ "snapshots", required_argument, NULL, OPTION_SNAPSHOTS },
	{ "snapshot-trailing", required_argument, NULL,
	  OPTION_SNAPSHOT_TRAILING },
	{ "snapshot-rate", required_argument, NULL, OPTION_SNAPSHOT_RATE },
	{ "key", required_argument, NULL, OPTION_KEY },
	{ "insecure", no_argument, NULL, OPTION_INSECURE },
	{ NULL, 0, NULL, 0 },
};

static bool set_cluster(struct raftlog_start *start, const char *name)
{
	size_t bytes = strlen(name);

	if (bytes && bytes <= sizeof(start->cluster_name)) {
		memcpy(start->cluster_name, name, bytes);
		return true;
	}
	complain(NULL, "--cluster %s: 1 to %zu bytes", name,
		 sizeof(start->cluster_name));
	return false;
}

static bool set_cluster_id(struct raftlog_start *start, const char *text)
{
	char *end;

	errno = 0;
	start->cluster_id = strtoull(text, &end, 16);
	if (!*end && !errno && start->cluster_id &&
	    strspn(text, "0123456789abcdefABCDEF") == strlen(text))
		return true;
	complain("raftctl status on a member shows it",
		 "--cluster-id %s: not the number of a cluster", text);
	return false;
}

static bool set_bytes_u32(const char *option, const char *text, u32 min,
			  u32 max, __u32 *value)
{
	u64 wide;

	if (!option_bytes(option, text, min, max, &wide))
		return false;
	*value = wide;
	return true;
}

static bool set_bytes_u64(const char *option, const char *text, u64 min,
			  __u64 *value)
{
	u64 wide;

	if (!option_bytes(option, text, min, UINT64_MAX, &wide))
		return false;
	*value = wide;
	return true;
}

static bool set_number_u64(const char *option, const char *text, __u64 *value)
{
	u64 number;

	if (!option_u64(option, text, 1, UINT64_MAX, &number))
		return false;
	*value = number;
	return true;
}

static bool set_key(struct raftlog_start *start, const char *name)
{
	if (!key_name_ok("--key", name))
		return false;
	strcpy(start->key, name);
	return true;
}

/* Timers and limits. */
static bool tune(struct raftlog_start *start, int option)
{
	switch (option) {
	case OPTION_ELECTION_TIMEOUT:
		return option_u32("--election-timeout", optarg, 20, 600000,
				  &start->election_timeout_ms);
	case OPTION_HEARTBEAT:
		return option_u32("--heartbeat", optarg, 1, 300000,
				  &start->heartbeat_interval_ms);
	case OPTION_APPEND_TIMEOUT:
		return option_u32("--append-timeout", optarg, 1, UINT32_MAX,
				  &start->append_timeout_ms);
	case OPTION_MAX_ENTRY:
		return set_bytes_u32("--max-entry", optarg, 1,
				     RAFTLOG_ENTRY_BYTES_MAX,
				     &start->max_entry_bytes);
	case OPTION_DATAGRAM:
		return set_bytes_u32("--datagram", optarg, 512, 65000,
				     &start->datagram_bytes);
	case OPTION_CACHE:
		return set_bytes_u64("--cache", optarg, 1, &start->cache_bytes);
	case OPTION_INFLIGHT:
		return set_bytes_u64("--inflight", optarg, 1,
				     &start->inflight_bytes);
	case OPTION_RETAIN_BYTES:
		return set_bytes_u64("--retain-bytes", optarg, 1,
				     &start->retain_bytes);
	case OPTION_RETAIN_ENTRIES:
		return set_number_u64("--retain-entries", optarg,
				      &start->retain_entries);
	case OPTION_SNAPSHOT_TRAILING:
		return set_number_u64("--snapshot-trailing", optarg,
				      &start->snapshot_trailing);
	case OPTION_SNAPSHOT_RATE:
		return set_bytes_u64("--snapshot-rate", optarg, 1,
				     &start->snapshot_bytes_per_s);
	default:
		return option_u32("--inflight-messages", optarg, 1, 1024,
				  &start->inflight_messages);
	}
}

static bool take_start_option(void *context, int option)
{
	struct starting *starting = context;
	struct start_members *members = &starting->members;

	switch (option) {
	case OPTION_ID:
		return option_u32("--id", optarg, 1, UINT32_MAX,
				  &members->node_id);
	case OPTION_LISTEN:
		return start_members_address("--listen", optarg,
					     &members->listen);
	case OPTION_ADVERTISE:
		return start_members_address("--advertise", optarg,
					     &members->advertise);
	case OPTION_WITNESS:
		return start_members_witness(members, optarg);
	case OPTION_PEER:
		return start_members_add(members, optarg);
	case OPTION_CLUSTER:
		return set_cluster(&starting->start, optarg);
	case OPTION_JOIN:
		starting->start.flags |= RAFTLOG_START_F_JOIN;
		return true;
	case OPTION_CLUSTER_ID:
		return set_cluster_id(&starting->start, optarg);
	case OPTION_DIR:
		starting->dir = optarg;
		return true;
	case OPTION_SNAPSHOTS:
		starting->snapshots = optarg;
		return true;
	case OPTION_WAL:
		starting->wal.path = optarg;
		return true;
	case OPTION_SIZE:
		return option_bytes("--size", optarg, 1 << 20, INT64_MAX,
				    &starting->wal.bytes);
	case OPTION_FORMAT:
		starting->wal.format = true;
		return true;
	case OPTION_FORCE:
		starting->wal.force = true;
		return true;
	case OPTION_PRIORITY:
		return option_u32("--priority", optarg, 0, 255,
				  &starting->start.priority);
	case OPTION_KEY:
		return set_key(&starting->start, optarg);
	case OPTION_INSECURE:
		starting->start.flags |= RAFTLOG_START_F_INSECURE;
		return true;
	case OPTION_SALVAGE:
		starting->start.flags |= RAFTLOG_START_F_SALVAGE;
		return true;
	default:
		return tune(&starting->start, option);
	}
}

/* A node that joins learns the members from the leader that added it. */
static bool check_join(const struct starting *starting)
{
	const struct start_members *members = &starting->members;
	const struct raftlog_start *start = &starting->start;

	if (!(start->flags & RAFTLOG_START_F_JOIN)) {
		if (start->cluster_id)
			complain(help_advice(),
				 "--cluster-id means nothing without --join");
		return !start->cluster_id;
	}
	if (!start->cluster_id)
		complain("raftctl members add has said which",
			 "--join: --cluster-id is missing");
	else if (!members->listen.family)
		complain("--listen ADDRESS:PORT, where it takes datagrams",
			 "--join: --listen is missing");
	else if (members->n || members->n_witnesses ||
		 members->advertise.family ||
		 start->cluster_name[0])
		complain(
			help_advice(),
			"--join excludes --peer, --witness, --advertise and --cluster: the leader says who the members are");
	else
		return true;
	return false;
}

/* Never without a key by mistake. */
static bool check_key(const struct raftlog_start *start)
{
	bool insecure = start->flags & RAFTLOG_START_F_INSECURE;

	if (start->key[0] && insecure)
		complain(help_advice(), "--key and --insecure exclude each other");
	else if (!start->key[0] && !insecure)
		complain("raftctl key generate and raftctl key install make one; --insecure does without",
			 "--key is missing");
	else
		return true;
	return false;
}

static bool check(struct starting *starting)
{
	const struct start_members *members = &starting->members;
	const struct raftlog_start *start = &starting->start;
	u32 election_timeout_ms = ELECTION_TIMEOUT_MS_DEFAULT;

	if (start->election_timeout_ms)
		election_timeout_ms = start->election_timeout_ms;
	if (!members->node_id) {
		complain("--id N, the number of this node, different on each",
			 "--id is missing");
		return false;
	}
	if (!starting->dir == !starting->wal.path) {
		complain("--dir DIRECTORY, or --wal FILE-OR-BLOCK-DEVICE",
			 starting->dir ? "--dir and --wal exclude each other" :
					 "it is not said where the log is");
		return false;
	}
	if (starting->wal.force && !starting->wal.format) {
		complain(help_advice(),
			 "--force means nothing without --format");
		return false;
	}
	if (start->heartbeat_interval_ms > election_timeout_ms / 2) {
		complain(
			help_advice(),
			"--heartbeat %u: more than half of the election timeout, %u",
			start->heartbeat_interval_ms, election_timeout_ms);
		return false;
	}
	if (!check_join(starting) || !check_key(start))
		return false;
	/* Whole blocks of every disk. */
	starting->wal.bytes &= ~4095ULL;
	return true;
}

static bool use_directory(struct starting *starting)
{
	static char path[PATH_MAX];

	if (starting->snapshots && wal_make_directory(starting->snapshots))
		return false;
	if (!starting->dir)
		return true;
	if (!starting->snapshots)
		starting->snapshots = starting->dir;
	if (snprintf(path, sizeof(path), "%s/wal", starting->dir) >=
	    (int)sizeof(path)) {
		complain(NULL, "%s: too long a path", starting->dir);
		return false;
	}
	starting->wal.path = path;
	return !wal_make_directory(starting->dir);
}

/*
 * Without --peer an existing log says who the members are. A new one waits for those
 * of its cluster, or begins a cluster, of this node alone without --peer.
 */
static bool set_members(struct starting *starting)
{
	bool is_new = starting->wal.format || !wal_exists(&starting->wal);
	struct start_members *members = &starting->members;
	struct raftlog_start *start = &starting->start;

	start->node_id = members->node_id;
	if (start->flags & RAFTLOG_START_F_JOIN || (!members->n && !is_new)) {
		start->listen = members->listen;
		return true;
	}
	/* Where logs were lost it would begin the cluster anew, without what it has. */
	if (is_new && !starting->wal.format) {
		complain("--format makes one, at the first start of a cluster; where one was: is its disk there? If it is lost, --join waits for what the others have",
			 "%s: there is no log", starting->wal.path);
		return false;
	}
	if (!members->listen.family && !members->advertise.family &&
	    !members->n) {
		complain("--listen ADDRESS:PORT, where it takes datagrams",
			 "--listen is missing");
		return false;
	}
	if (!start_members_finish(members))
		return false;
	start->listen = members->listen;
	start->n_members = members->n;
	start->members = (uintptr_t)members->members;
	return true;
}

static void explain_busy(int fd)
{
	struct raftlog_status status = { 0 };

	if (!device_get_status(fd, &status) &&
	    status.state == RAFTLOG_STATE_FAILED)
		complain("raftctl status says why; raftctl stop clears it",
			 "the group of %s failed", raftctl.device);
	else if (status.state != RAFTLOG_STATE_STOPPED)
		complain("raftctl status shows it; raftctl stop ends it",
			 "the group of %s runs already, as node %u",
			 raftctl.device, status.node_id);
	else
		complain("another group may run on it", "the log is in use");
}

/* What is wrong with the log. */
static const struct {
	int error;
	const char *what;
	const char *advice;
} log_errors[] = {
	{ EEXIST, "is the log of another node or cluster",
	  "--id, --cluster and the members must be those of its first start; after raftctl recover leave out --peer and --cluster" },
	{ ENODATA, "holds no log",
	  "--format makes one; where a member's log was, together with --join, to wait for what the others have" },
	{ EUCLEAN, "is damaged, or something else than a log",
	  "dmesg says where; keep it for a repair" },
	{ EIO, "cannot be read",
	  "dmesg says where; if that is lost and not only out of reach, --salvage goes on without, and gets it from the other members" },
	{ EPROTONOSUPPORT, "is of a version of raftlog that has more than this one",
	  "load a newer module; dmesg says what is missing" },
	{ EMEDIUMTYPE, "is where no direct I/O is done, or a file for snapshots is, or holds something else",
	  "dmesg says which; snap.0 and snap.1 of a log that is gone are to be removed; journaled data and encrypted directories are no place for a log" },
	{ ENOSPC, "is too small", "--size asks for a larger one" },
};

static void explain(const struct starting *starting, int fd, int error)
{
	const struct raftlog_addr *listen = &starting->start.listen;
	char buf[ADDR_CHARS];

	for (size_t i = 0; i < ARRAY_SIZE(log_errors); i++) {
		if (log_errors[i].error != error)
			continue;
		complain(log_errors[i].advice, "%s %s", starting->wal.path,
			 log_errors[i].what);
		return;
	}
	switch (error) {
	case EBUSY:
		explain_busy(fd);
		break;
	case ENOKEY:
	case EKEYEXPIRED:
	case EKEYREVOKED:
		key_complain(error, starting->start.key);
		break;
	case EADDRINUSE:
		complain("ss -ulnp shows who has it",
			 "the address is in use: %s", addr_format(buf, listen));
		break;
	case EADDRNOTAVAIL:
		complain("ip address shows what --listen can be",
			 "not an address of this machine: %s",
			 addr_format(buf, listen));
		break;
	case EINVAL:
		complain(help_advice(),
			 "the kernel refused timers, sizes or members");
		break;
	default:
		complain_errno(error, "start the group");
	}
}

static void report(const struct starting *starting, const struct wal *wal)
{
	const struct raftlog_start *start = &starting->start;
	char bytes[FORMAT_CHARS];

	if (raftctl.json) {
		json_object(NULL);
		json_number("node_id", start->node_id);
		json_string("wal", starting->wal.path);
		json_number("wal_bytes", wal->bytes);
		json_bool("formatted", wal->format);
		json_end();
		return;
	}
	printf("node %u started", start->node_id);
	if (start->n_members)
		printf(", %u %s", start->n_members,
		       start->n_members == 1 ? "member" : "members");
	if (start->flags & RAFTLOG_START_F_JOIN && wal->format)
		printf(", waits to be added to cluster %016llx",
		       start->cluster_id);
	printf(", %s log %s (%s)\n", wal->format ? "new" : "existing",
	       starting->wal.path, format_bytes(bytes, wal->bytes));
}

static bool open_snapshots(struct starting *starting)
{
	int fds[2] = { -1, -1 };

	if (starting->snapshots &&
	    wal_open_snapshots(starting->snapshots, true, fds))
		return false;
	starting->start.snapshot_fd[0] = fds[0];
	starting->start.snapshot_fd[1] = fds[1];
	return true;
}

static int start_group(struct starting *starting, int fd)
{
	struct wal wal;
	int ret;

	if (!set_members(starting) || wal_open(&starting->wal, &wal))
		return EXIT_ERROR;
	if (!open_snapshots(starting)) {
		wal_discard(&starting->wal, &wal);
		return EXIT_ERROR;
	}
	starting->start.wal_fd = wal.fd;
	if (wal.format)
		starting->start.flags |= RAFTLOG_START_F_FORMAT;
	ret = device_start(fd, &starting->start);
	if (!ret) {
		report(starting, &wal);
		return EXIT_OK;
	}
	explain(starting, fd, -ret);
	wal_discard(&starting->wal, &wal);
	return EXIT_ERROR;
}

/* Before 256 MiB of zeros are written for nothing. */
static bool is_free(int fd)
{
	struct raftlog_status status = { 0 };
	int ret = device_get_status(fd, &status);

	if (ret)
		complain_errno(-ret, "start the group");
	else if (status.state != RAFTLOG_STATE_STOPPED)
		explain_busy(fd);
	return !ret && status.state == RAFTLOG_STATE_STOPPED;
}

static int run_start(int argc, char **argv)
{
	static const struct verb_options options = { "", start_options,
						     take_start_option };
	struct starting starting = { .wal.bytes = WAL_BYTES_DEFAULT };
	int code, fd;

	code = parse_all(argc, argv, &options, &starting);
	if (code >= 0)
		return code;
	if (!check(&starting))
		return EXIT_ERROR;
	fd = connect_device(O_RDWR);
	if (fd < 0)
		return EXIT_ERROR;
	catch_signals();
	code = EXIT_ERROR;
	if (is_free(fd) && use_directory(&starting))
		code = start_group(&starting, fd);
	device_close(fd);
	return code;
}

const struct verb start_verb = {
	.name = "start",
	.run = run_start,
	.synopsis =
		"--id N --listen ADDRESS:PORT --dir DIRECTORY --key NAME [--format] [--peer ID=ADDRESS:PORT... | --join --cluster-id HEX]",
	.summary = "join a cluster",
	.help = "      --id N                    this node, a number from 1 on\n"
		"      --listen ADDRESS:PORT     where it takes datagrams\n"
		"      --advertise ADDRESS:PORT  where the others reach it, if that differs\n"
		"      --peer ID=ADDRESS:PORT    another member, once for each; the list may name\n"
		"                                this node too. All members are given at the first\n"
		"                                start, the same on every node\n"
		"      --witness ID              that member keeps places of entries, not what they\n"
		"                                say: it votes, cannot lead or be read, and needs\n"
		"                                little room. Once for each, on every node\n"
		"      --cluster NAME            makes clusters of the same members distinct\n"
		"      --join                    a new node of a cluster that runs, where raftctl\n"
		"                                members add has announced it: no --peer\n"
		"      --cluster-id HEX          of that cluster, as its raftctl status says\n"
		"      --key NAME                what members send each other is encrypted with this\n"
		"                                key, see raftctl key; the same on every node\n"
		"      --insecure                or not at all: for experiments\n"
		"      --dir DIRECTORY           the log is DIRECTORY/wal; snapshots are there, too,\n"
		"                                snap.0 and snap.1\n"
		"      --wal PATH                the log is this file or block device\n"
		"      --size BYTES              of a log that is made (256M)\n"
		"      --format                  the first start of a cluster: make a log, on what\n"
		"                                is empty. No later start, or it would begin\n"
		"                                anew where its disk was lost. --join only needs\n"
		"                                it for a device\n"
		"      --force                   and on what is not empty\n"
		"      --salvage                 go on without what cannot be read\n"
		"      --election-timeout MS     20 to 600000 (500)\n"
		"      --heartbeat MS            (a tenth of that)\n"
		"      --append-timeout MS       how long a write waits (10000)\n"
		"      --max-entry BYTES         up to 4M, the same on every node (1M)\n"
		"      --datagram BYTES          UDP payload, 512 to 65000 (1400)\n"
		"      --cache BYTES             memory for recent entries (64M)\n"
		"      --inflight BYTES          sent to a peer and not acknowledged (8M)\n"
		"      --inflight-messages N     the same in messages (64)\n"
		"      --priority N              as a leader, 0 to 255 (0)\n"
		"      --retain-bytes BYTES      of the log keep about so much, and let older\n"
		"                                entries go (all)\n"
		"      --retain-entries N        the same in entries (all)\n"
		"      --snapshots DIRECTORY     where snap.0 and snap.1 are, if not in --dir\n"
		"      --snapshot-trailing N     of the entries that a snapshot makes up for keep\n"
		"                                so many while there is room (4096)\n"
		"      --snapshot-rate BYTES     a second, at most, that are sent of snapshots (32M)\n",
};
