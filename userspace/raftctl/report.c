// SPDX-License-Identifier: GPL-2.0
/*
 * Errors: one line that says what went wrong, one that says what to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "raftctl.h"

void complain(const char *advice, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	if (raftctl.verb)
		fprintf(stderr, "raftctl %s: ", raftctl.verb->name);
	else
		fprintf(stderr, "raftctl: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	if (advice)
		fprintf(stderr, "  %s\n", advice);
}

const char *help_advice(void)
{
	static char advice[64];

	if (!raftctl.verb)
		return "raftctl help lists what there is";
	snprintf(advice, sizeof(advice), "raftctl help %s shows how it is used",
		 raftctl.verb->name);
	return advice;
}

void complain_errno(int error, const char *what)
{
	switch (error) {
	case ENOTCONN:
		complain("raftctl start joins it to its cluster",
			 "the group of %s is not started", raftctl.device);
		break;
	case ESHUTDOWN:
		complain("raftctl status says why; raftctl start joins again",
			 "the group of %s stopped", raftctl.device);
		break;
	case EIO:
		complain("raftctl status and dmesg say why; raftctl stop clears a failure",
			 "the group of %s failed, or its log cannot be read",
			 raftctl.device);
		break;
	case ENOTTY:
		complain("give --device the path of a raftlog device",
			 "%s is not a raftlog device", raftctl.device);
		break;
	case EPERM:
		complain("run it as root (it needs CAP_SYS_ADMIN)",
			 "cannot %s: not permitted", what);
		break;
	case EINVAL:
	case E2BIG:
		complain("raftctl version shows whether module and tool fit",
			 "cannot %s: the kernel refused the request: %s", what,
			 strerror(error));
		break;
	default:
		complain("raftctl status and dmesg may say more",
			 "cannot %s: %s", what, strerror(error));
	}
}

int connect_device(int flags)
{
	int fd = device_open(raftctl.device, flags);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		complain("is the module loaded? modprobe raftlog [groups=N]",
			 "there is no %s", raftctl.device);
		break;
	case EACCES:
	case EPERM:
		complain("run it as root, or as a user it admits",
			 "may not open %s", raftctl.device);
		break;
	default:
		complain(NULL, "cannot open %s: %s", raftctl.device,
			 strerror(errno));
	}
	return -1;
}

int group_error(const struct raftlog_status *status)
{
	switch (status->state) {
	case RAFTLOG_STATE_RUNNING:
	case RAFTLOG_STATE_STARTING:
		return 0;
	case RAFTLOG_STATE_FAILED:
		return -EIO;
	default:
		return -ENOTCONN;
	}
}

void *allocate(size_t n, size_t bytes)
{
	void *memory = calloc(n, bytes);

	if (!memory) {
		complain(NULL, "out of memory");
		exit(EXIT_ERROR);
	}
	return memory;
}
