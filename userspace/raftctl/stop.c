// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>

#include "device.h"
#include "raftctl.h"

static int run_stop(int argc, char **argv)
{
	int code, fd, ret;

	code = parse_all(argc, argv, NULL, NULL);
	if (code >= 0)
		return code;
	fd = connect_device(O_RDWR);
	if (fd < 0)
		return EXIT_ERROR;
	ret = device_stop(fd);
	device_close(fd);
	if (!ret)
		return EXIT_OK;
	complain_errno(-ret, "stop the group");
	return EXIT_ERROR;
}

const struct verb stop_verb = {
	.name = "stop",
	.run = run_stop,
	.synopsis = "",
	.summary = "leave in order; writers and readers get ESHUTDOWN",
	.help = "",
};
