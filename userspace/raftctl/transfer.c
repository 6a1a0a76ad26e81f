// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "device.h"
#include "json.h"
#include "raftctl.h"

static void complain_not_leader(int fd)
{
	struct raftlog_status status;

	if (!device_get_status(fd, &status) && status.leader_id)
		complain("run it on that node", "node %u leads, not this one",
			 status.leader_id);
	else
		complain("raftctl wait --leader waits for one",
			 "there is no leader to hand over");
}

static void complain_transfer(int fd, int error, u32 target)
{
	switch (error) {
	case EREMOTE:
		complain_not_leader(fd);
		break;
	case ENOENT:
		complain("raftctl members lists them",
			 target ? "there is no such member" :
				  "there is no other voter");
		break;
	case EOPNOTSUPP:
		complain("raftctl members says what it is",
			 "this member has no vote");
		break;
	case EHOSTUNREACH:
		complain("raftctl members says who is there",
			 target ? "that node does not answer" :
				  "no other voter answers");
		break;
	case EAGAIN:
		complain("raftctl members shows how far; try again later",
			 "its log is too far behind");
		break;
	case EBUSY:
		complain("raftctl status shows to whom; it is over soon",
			 "the leader is handing over already");
		break;
	case ETIMEDOUT:
		complain("raftctl status says who leads; it can be tried again",
			 "the leadership was not taken over in time");
		break;
	default:
		complain_errno(error, "transfer the leadership");
	}
}

static void print_leader(const struct raftlog_transfer *transfer)
{
	if (raftctl.json) {
		json_object(NULL);
		json_number("leader_id", transfer->leader_id);
		json_end();
		return;
	}
	printf("node %u leads\n", transfer->leader_id);
}

static int run_transfer(int argc, char **argv)
{
	struct raftlog_transfer transfer = { 0 };
	int code, fd, ret;
	u32 target = 0;

	code = parse_options(argc, argv, NULL, NULL);
	if (code >= 0)
		return code;
	if (argc - optind > 1) {
		complain(help_advice(), "more than one node");
		return EXIT_ERROR;
	}
	if (optind < argc &&
	    !option_u32("transfer", argv[optind], 1, UINT32_MAX, &target))
		return EXIT_ERROR;
	transfer.target = target;
	fd = connect_device(O_RDWR);
	if (fd < 0)
		return EXIT_ERROR;
	ret = device_transfer(fd, &transfer);
	if (ret)
		complain_transfer(fd, -ret, target);
	else
		print_leader(&transfer);
	device_close(fd);
	return ret ? EXIT_ERROR : EXIT_OK;
}

const struct verb transfer_verb = {
	.name = "transfer",
	.run = run_transfer,
	.synopsis = "[ID]",
	.summary = "hand the leadership over to node ID, or to the best one",
	.help =
		"  Run it on the leader. It returns once another node leads; writes wait\n"
		"  meanwhile, about a round trip, and none fails. Refused for a node that does\n"
		"  not answer or is behind. Without ID: to the one of highest priority.\n",
};
