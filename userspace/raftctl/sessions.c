// SPDX-License-Identifier: GPL-2.0
/* sessions: the named sessions that are open. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "json.h"
#include "raftctl.h"

static void print_table(const struct raftlog_session_info *infos, u32 n)
{
	printf("%-16s %10s %10s %10s %13s %10s\n", "key", "created", "opened",
	       "used", "last_sequence", "last_index");
	for (u32 i = 0; i < n; i++)
		printf("%016llx %10llu %10llu %10llu %13llu %10llu\n",
		       infos[i].key, infos[i].created, infos[i].opened,
		       infos[i].used, infos[i].last_sequence,
		       infos[i].last_index);
}

static void print_json(const struct raftlog_session_info *infos, u32 n,
		       u64 index)
{
	json_object(NULL);
	json_number("index", index);
	json_array("sessions");
	for (u32 i = 0; i < n; i++) {
		json_object(NULL);
		json_hex("key", infos[i].key);
		json_number("created", infos[i].created);
		json_number("opened", infos[i].opened);
		json_number("used", infos[i].used);
		json_number("last_sequence", infos[i].last_sequence);
		json_number("last_index", infos[i].last_index);
		json_end();
	}
	json_end();
	json_end();
}

static int run_sessions(int argc, char **argv)
{
	struct raftlog_session_info *infos;
	struct raftlog_sessions sessions = {
		.n_sessions = RAFTLOG_SESSIONS_MAX,
		.session_bytes = sizeof(*infos),
	};
	int code, fd, ret;

	code = parse_all(argc, argv, NULL, NULL);
	if (code >= 0)
		return code;
	fd = connect_device(O_RDONLY);
	if (fd < 0)
		return EXIT_ERROR;
	infos = allocate(RAFTLOG_SESSIONS_MAX, sizeof(*infos));
	sessions.sessions = (uintptr_t)infos;
	ret = device_get_sessions(fd, &sessions);
	if (ret)
		complain_errno(-ret, "list the sessions");
	else if (raftctl.json)
		print_json(infos, sessions.n_sessions, sessions.index);
	else
		print_table(infos, sessions.n_sessions);
	free(infos);
	device_close(fd);
	return ret ? EXIT_ERROR : EXIT_OK;
}

const struct verb sessions_verb = {
	.name = "sessions",
	.run = run_sessions,
	.synopsis = "",
	.summary = "list the named sessions that are open",
	.help = "  For each: what its name is to the log, the index of the entry that made it,\n"
		"  of the one that opened it last, and of the newest that used it, and the\n"
		"  highest sequence in the log and where that is; as far as this node has come.\n",
};
