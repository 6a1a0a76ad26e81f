// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>

#include "device.h"
#include "json.h"
#include "raftctl.h"

static void print_version(const struct raftlog_version *version)
{
	printf("raftctl %s, ABI %d\n", RAFTCTL_RELEASE, RAFTLOG_ABI_VERSION);
	printf("module  %.*s, ABI %u, WAL format %u, wire version %u, feature level %u\n",
	       (int)sizeof(version->release), version->release, version->abi,
	       version->wal_format, version->wire_version,
	       version->feature_level);
}

static void print_version_json(const struct raftlog_version *version)
{
	json_object(NULL);
	json_string("raftctl", RAFTCTL_RELEASE);
	json_number("raftctl_abi", RAFTLOG_ABI_VERSION);
	json_string("module", version->release);
	json_number("abi", version->abi);
	json_number("wal_format", version->wal_format);
	json_number("wire_version", version->wire_version);
	json_number("feature_level", version->feature_level);
	json_end();
}

static int run_version(int argc, char **argv)
{
	struct raftlog_version version = { 0 };
	int code, fd, ret;

	code = parse_all(argc, argv, NULL, NULL);
	if (code >= 0)
		return code;
	fd = connect_device(O_RDONLY);
	if (fd < 0) {
		if (!raftctl.json)
			printf("raftctl %s, ABI %d\n", RAFTCTL_RELEASE,
			       RAFTLOG_ABI_VERSION);
		return EXIT_ERROR;
	}
	ret = device_get_version(fd, &version);
	device_close(fd);
	if (ret) {
		complain_errno(-ret, "get the version");
		return EXIT_ERROR;
	}
	version.release[sizeof(version.release) - 1] = '\0';
	if (raftctl.json)
		print_version_json(&version);
	else
		print_version(&version);
	return EXIT_OK;
}

const struct verb version_verb = {
	.name = "version",
	.run = run_version,
	.synopsis = "",
	.summary = "versions of this tool and of the module",
	.help = "",
};
