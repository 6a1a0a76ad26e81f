// SPDX-License-Identifier: GPL-2.0
/* Failpoints on the kernel's fault injection: see failpoint.h. */
#include "failpoint.h"

#ifdef RAFTLOG_FAILPOINTS
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fault-inject.h>
#include <linux/module.h>

#ifndef CONFIG_FAULT_INJECTION_DEBUG_FS
#error RAFTLOG_FAILPOINTS needs CONFIG_FAULT_INJECTION_DEBUG_FS
#endif

/**
 * struct failpoint - one of them
 * @attr: when it fires; never until told so
 * @fired: how often it did
 * @delay_ms: how long those that wait do
 */
struct failpoint {
	struct fault_attr attr;
	atomic_t fired;
	u32 delay_ms;
};

static struct failpoint failpoints[RAFTLOG_FAILPOINTS_N];
static struct dentry *root;

static const char *const names[] = {
#define X(name, folder) folder,
	RAFTLOG_FAILPOINTS_LIST(X)
#undef X
};

bool raftlog_failpoint(enum raftlog_failpoint place)
{
	struct failpoint *point = &failpoints[place];

	if (!should_fail(&point->attr, 1))
		return false;
	atomic_inc(&point->fired);
	return true;
}

void raftlog_failpoint_pause(enum raftlog_failpoint place)
{
	if (raftlog_failpoint(place))
		msleep(READ_ONCE(failpoints[place].delay_ms));
}

int raftlog_failpoints_init(void)
{
	struct dentry *all, *dir;
	u32 i;

	/* Not KBUILD_MODNAME: this file is part of two modules. */
	root = debugfs_create_dir("raftlog", NULL);
	all = debugfs_create_dir("failpoints", root);
	for (i = 0; i < RAFTLOG_FAILPOINTS_N; i++) {
		struct failpoint *point = &failpoints[i];

		point->attr = (struct fault_attr)FAULT_ATTR_INITIALIZER;
		point->attr.verbose = 0;
		dir = fault_create_debugfs_attr(names[i], all, &point->attr);
		if (IS_ERR(dir)) {
			raftlog_failpoints_exit();
			return PTR_ERR(dir);
		}
		debugfs_create_atomic_t("fired", 0600, dir, &point->fired);
		debugfs_create_u32("delay_ms", 0600, dir, &point->delay_ms);
	}
	return 0;
}

void raftlog_failpoints_exit(void)
{
	debugfs_remove(root);
}
#endif /* RAFTLOG_FAILPOINTS */
