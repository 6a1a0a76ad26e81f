// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

#include "addr.h"
#include "device.h"
#include "json.h"
#include "names.h"
#include "raftctl.h"
#include "wal.h"

/**
 * struct recovering - what the options say, and what the kernel does
 * @recover: what it is asked, and answers
 * @members: of the log
 * @dir: --dir
 * @snapshots: --snapshots, or NULL: in @dir if that is said
 * @wal: --wal, or the file in @dir
 */
struct recovering {
	struct raftlog_recover recover;
	struct raftlog_member members[RAFTLOG_MEMBERS_MAX];
	const char *dir;
	const char *snapshots;
	struct wal_request wal;
};

enum {
	OPTION_ID = OPTION_OF_VERB,
	OPTION_DIR,
	OPTION_WAL,
	OPTION_SNAPSHOTS,
	OPTION_FORCE,
	OPTION_SALVAGE,
};

static const struct option recover_options[] = {
	{ "id", required_argument, NULL, OPTION_ID },
	{ "dir", required_argument, NULL, OPTION_DIR },
	{ "wal", required_argument, NULL, OPTION_WAL },
	{ "snapshots", required_argument, NULL, OPTION_SNAPSHOTS },
	{ "force", no_argument, NULL, OPTION_FORCE },
	{ "salvage", no_argument, NULL, OPTION_SALVAGE },
	{ NULL, 0, NULL, 0 },
};

static bool take_recover_option(void *context, int option)
{
	struct recovering *recovering = context;
	struct raftlog_recover *recover = &recovering->recover;

	switch (option) {
	case OPTION_ID:
		return option_u32("--id", optarg, 1, UINT32_MAX,
				  &recover->node_id);
	case OPTION_DIR:
		recovering->dir = optarg;
		return true;
	case OPTION_WAL:
		recovering->wal.path = optarg;
		return true;
	case OPTION_SNAPSHOTS:
		recovering->snapshots = optarg;
		return true;
	case OPTION_FORCE:
		recover->flags |= RAFTLOG_RECOVER_F_FORCE;
		return true;
	default:
		recover->flags |= RAFTLOG_RECOVER_F_SALVAGE;
		return true;
	}
}

static bool check(struct recovering *recovering)
{
	static char path[PATH_MAX];

	if (!recovering->recover.node_id) {
		complain("--id N, as at its start", "--id is missing");
		return false;
	}
	if (!recovering->dir == !recovering->wal.path) {
		complain("--dir DIRECTORY, or --wal FILE-OR-BLOCK-DEVICE",
			 recovering->dir ?
				 "--dir and --wal exclude each other" :
				 "it is not said where the log is");
		return false;
	}
	if (recovering->dir) {
		if (snprintf(path, sizeof(path), "%s/wal", recovering->dir) >=
		    (int)sizeof(path)) {
			complain(NULL, "%s: too long a path", recovering->dir);
			return false;
		}
		recovering->wal.path = path;
	}
	if (wal_exists(&recovering->wal))
		return true;
	complain("it says where this node's log is", "there is no %s",
		 recovering->wal.path);
	return false;
}

/* What is wrong with the log, or the node. */
static const struct {
	int error;
	const char *what;
	const char *advice;
} refusals[] = {
	{ EBUSY, "the group runs, or the log is in use",
	  "raftctl stop; then see again what is left" },
	{ EEXIST, "it is the log of another node", "--id says which" },
	{ ENODATA, "the log is empty, and there is no snapshot",
	  "another node may have more" },
	{ ENOENT, "by its log this node is no member",
	  "its log is of a time when it was none: another node has more" },
	{ EOPNOTSUPP, "this node is a witness: it does not have what was written",
	  "another node is needed" },
	{ EUCLEAN, "the log is damaged, or the snapshot that is to make up for it is, or is not there: entries are lost here",
	  "another node may have them; --salvage goes on without" },
	{ EIO, "the log cannot be read",
	  "another node may be better; --salvage goes on without what is bad" },
	{ EMEDIUMTYPE, "a file for snapshots holds something else, or those of another log",
	  "--snapshots says where they are; --salvage goes on without" },
	{ ENOSPC, "the log has no room for one more entry", NULL },
	{ EPROTONOSUPPORT, "the log is of another version of raftlog",
	  "load that module" },
};

static void explain(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (refusals[i].error != error)
			continue;
		complain(refusals[i].advice, "%s", refusals[i].what);
		return;
	}
	complain_errno(error, "recover");
}

static bool is_self(const struct recovering *recovering, unsigned int i)
{
	return recovering->members[i].id == recovering->recover.node_id;
}

static void report_json(const struct recovering *recovering)
{
	const struct raftlog_recover *recover = &recovering->recover;
	char addr[ADDR_CHARS];

	json_object(NULL);
	json_number("node_id", recover->node_id);
	json_hex("cluster_id", recover->cluster_id);
	json_number("current_term", recover->current_term);
	json_number("first_index", recover->first_index);
	json_number("last_index", recover->last_index);
	json_number("last_term", recover->last_term);
	json_number("commit_index", recover->commit_index);
	json_number("configuration_index", recover->configuration_index);
	json_number("lost_index", recover->lost_index);
	json_number("snapshot_index", recover->snapshot_index);
	json_number("snapshot_term", recover->snapshot_term);
	json_bool("unfinished", recover->unfinished);
	if (recover->error)
		json_string("error", errno_name(recover->error));
	json_array("left_out");
	for (unsigned int i = 0; i < recover->n_members; i++) {
		const struct raftlog_member *member = &recovering->members[i];

		if (is_self(recovering, i))
			continue;
		json_object(NULL);
		json_number("id", member->id);
		json_string("kind", member_kind_name(member->kind));
		json_string("address", addr_format(addr, &member->addr));
		json_end();
	}
	json_end();
	json_bool("recovered", recover->new_cluster_id != 0);
	if (recover->new_cluster_id)
		json_hex("new_cluster_id", recover->new_cluster_id);
	json_end();
}

static void print_lost(const struct raftlog_recover *recover)
{
	printf("  committed    up to %llu surely; what is behind may be or not, and will be\n",
	       recover->commit_index);
	if (recover->lost_index > recover->last_index)
		printf("  damaged      %llu to %llu are lost\n",
		       recover->last_index + 1, recover->lost_index);
	else if (recover->lost_index)
		printf("  damaged      what was behind %llu in an earlier term is lost\n",
		       recover->last_index);
	printf("  elsewhere    what others committed and never sent here is lost\n");
}

static void print_left_out(const struct recovering *recovering)
{
	const struct raftlog_recover *recover = &recovering->recover;
	const char *word = "left out";
	char addr[ADDR_CHARS];

	for (unsigned int i = 0; i < recover->n_members; i++) {
		const struct raftlog_member *member = &recovering->members[i];

		if (is_self(recovering, i))
			continue;
		printf("  %-11s  node %u, %s, at %s\n", word, member->id,
		       member->flags & RAFTLOG_MEMBER_F_WITNESS ?
			       "witness" : member_kind_name(member->kind),
		       addr_format(addr, &member->addr));
		word = "";
	}
}

static void print_log(const struct recovering *recovering)
{
	const struct raftlog_recover *recover = &recovering->recover;

	if (recover->first_index <= recover->last_index)
		printf("  log          %llu to %llu, the last of term %llu; term %llu\n",
		       recover->first_index, recover->last_index,
		       recover->last_term, recover->current_term);
	else
		printf("  log          begins behind the snapshot, with nothing yet; term %llu\n",
		       recover->current_term);
	if (recover->snapshot_index)
		printf("  snapshot     of entry %llu, term %llu\n",
		       recover->snapshot_index, recover->snapshot_term);
	else if (!recovering->dir && !recovering->snapshots)
		printf("  snapshot     none was looked at: --snapshots says where they are\n");
}

static void print_report(const struct recovering *recovering)
{
	const struct raftlog_recover *recover = &recovering->recover;

	printf("%s: node %u of cluster %016llx\n", recovering->wal.path,
	       recover->node_id, recover->cluster_id);
	if (recover->unfinished)
		printf("  interrupted  this is a cluster of its own already; the next start, or --force, completes it%s\n",
		       recover->lost_index > recover->last_index ?
			       ", with the snapshots that it was begun with" : "");
	print_log(recovering);
	if (!recover->unfinished) {
		print_lost(recover);
		print_left_out(recovering);
	}
	if (recover->new_cluster_id)
		printf("node %u is cluster %016llx now, alone. Start it without --peer: raftctl start --id %u --%s %s%s%s\n",
		       recover->node_id, recover->new_cluster_id,
		       recover->node_id, recovering->dir ? "dir" : "wal",
		       recovering->dir ? recovering->dir : recovering->wal.path,
		       recovering->snapshots ? " --snapshots " : "",
		       recovering->snapshots ? recovering->snapshots : "");
}

/* Nothing was done: without --force, or because of what the log is. */
static void explain_refusal(const struct raftlog_recover *recover)
{
	if (recover->error)
		explain(recover->error);
	else
		complain("see first what each node has that is left: of the highest last term the one with the highest last index is the best; on that one alone: --force",
			 "nothing was changed");
}

/* Without them it can lose what only they have: none are there, or it is said so. */
static bool open_snapshots(struct recovering *recovering, int fds[2])
{
	const char *dir = recovering->snapshots ? recovering->snapshots :
						  recovering->dir;
	int ret = dir ? wal_open_snapshots(dir, false, fds) : 1;

	if (ret > 0 && recovering->snapshots) {
		complain("it has snap.0 and snap.1 in it",
			 "there are no snapshots in %s", dir);
		return false;
	}
	return ret >= 0;
}

/*
 * What a log begins behind is in a snapshot, or was let go by the group's policy, which
 * the log does not say. Whoever was not told of snapshots must not give one up.
 */
static int ask(const struct recovering *recovering, int fd)
{
	struct raftlog_recover look = recovering->recover;
	int ret;

	if (recovering->dir || recovering->snapshots ||
	    !(look.flags & RAFTLOG_RECOVER_F_FORCE) ||
	    look.flags & RAFTLOG_RECOVER_F_SALVAGE)
		return 0;
	look.flags &= ~RAFTLOG_RECOVER_F_FORCE;
	ret = device_recover(fd, &look);
	if (ret || look.first_index <= 1)
		return ret;
	complain("--snapshots says where they are; --salvage goes on without",
		 "the log begins with entry %llu, and no snapshot was looked at for what came before",
		 look.first_index);
	return 1;
}

static int recover_log(struct recovering *recovering, int fd)
{
	struct raftlog_recover *recover = &recovering->recover;
	int ret, snapshots[2] = { -1, -1 };
	struct wal wal;

	if (wal_open(&recovering->wal, &wal))
		return EXIT_ERROR;
	if (!open_snapshots(recovering, snapshots)) {
		wal_discard(&recovering->wal, &wal);
		return EXIT_ERROR;
	}
	recover->wal_fd = wal.fd;
	recover->snapshot_fd[0] = snapshots[0];
	recover->snapshot_fd[1] = snapshots[1];
	recover->n_members = RAFTLOG_MEMBERS_MAX;
	recover->members = (uintptr_t)recovering->members;
	recover->member_bytes = sizeof(recovering->members[0]);
	ret = ask(recovering, fd);
	if (!ret)
		ret = device_recover(fd, recover);
	wal_discard(&recovering->wal, &wal);
	if (ret < 0)
		explain(-ret);
	if (ret)
		return EXIT_ERROR;
	if (raftctl.json)
		report_json(recovering);
	else
		print_report(recovering);
	if (recover->new_cluster_id)
		return EXIT_OK;
	explain_refusal(recover);
	return EXIT_ERROR;
}

static int run_recover(int argc, char **argv)
{
	static const struct verb_options options = { "", recover_options,
						     take_recover_option };
	struct recovering recovering = { 0 };
	int code, fd;

	code = parse_all(argc, argv, &options, &recovering);
	if (code >= 0)
		return code;
	if (!check(&recovering))
		return EXIT_ERROR;
	fd = connect_device(O_RDWR);
	if (fd < 0)
		return EXIT_ERROR;
	code = recover_log(&recovering, fd);
	device_close(fd);
	return code;
}

const struct verb recover_verb = {
	.name = "recover",
	.run = run_recover,
	.synopsis = "--id N --dir DIRECTORY [--force]",
	.summary = "go on alone, when too many members are lost for good",
	.help = "      --id N           this node\n"
		"      --dir DIRECTORY  where its log and its snapshots are; or --wal PATH and\n"
		"                       --snapshots DIRECTORY\n"
		"      --force          do it\n"
		"      --salvage        also with a log that damage took entries from\n"
		"\n"
		"  The group must be stopped. Without --force it says what is in the log and what\n"
		"  will be lost, changes nothing, and exits with 1. With it the node is a cluster\n"
		"  of its own, with all of its log, to be started without --peer; add new members\n"
		"  then. The old members can neither be heard nor join. Never do this while\n"
		"  enough of them can still be brought back.\n",
};
