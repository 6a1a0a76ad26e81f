// SPDX-License-Identifier: GPL-2.0
/*
 * A client of raftlog in the kernel:
 *
 *	insmod raftlog_sample.ko group=0 count=1000
 *
 * appends that many entries ("sample 1" …) to the group, some at a time, and looks at all that is
 * committed there from the beginning of the log on. What came of it can be read
 * under /sys/module/raftlog_sample/parameters/. With session=NAME it appends in the
 * session of that name, entry N ("once N") as sequence N: loaded again, here or on
 * another node, it goes on where it was, and each is in the log once.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/raftlog_client.h>

static unsigned int group;
module_param(group, uint, 0444);
MODULE_PARM_DESC(group, "0 is /dev/raftlog, N is /dev/raftlogN");

static unsigned long count;
module_param(count, ulong, 0444);
MODULE_PARM_DESC(count, "entries to append");

static char *session;
module_param(session, charp, 0444);
MODULE_PARM_DESC(session, "name of a session to append in");

static unsigned int depth = 64;
module_param(depth, uint, 0444);
MODULE_PARM_DESC(depth, "entries under way at a time");

/* Results. Each has one writer: the group's owner thread, or the client's. */
static unsigned long appended;
module_param(appended, ulong, 0444);
MODULE_PARM_DESC(appended, "entries that were committed");

static unsigned long refused;
module_param(refused, ulong, 0444);
MODULE_PARM_DESC(refused, "entries that are not in the log");

static unsigned long unknown;
module_param(unknown, ulong, 0444);
MODULE_PARM_DESC(unknown, "entries that may be in the log");

static unsigned long delivered;
module_param(delivered, ulong, 0444);
MODULE_PARM_DESC(delivered, "entries that were handed over");

static unsigned long disorder;
module_param(disorder, ulong, 0444);
MODULE_PARM_DESC(disorder, "entries that were handed over too late, or twice");

static unsigned long gaps;
module_param(gaps, ulong, 0444);
MODULE_PARM_DESC(gaps, "times that entries had gone before they were handed over");

static struct raftlog_client *client;
static struct task_struct *writer;
static u64 newest_index;
static atomic_t n_under_way;

/* Of the session. No more under way than what is known of it for certain. */
enum { SESSION_DEPTH = 16, OPEN_MS = 1000 };

static struct raftlog_client_session opened;
static DECLARE_COMPLETION(opening);
static int opening_error;

static void add(unsigned long *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

/* Must not sleep. */
static void sample_appended(void *context, int error, u64 index, u64 term)
{
	atomic_dec(&n_under_way);
	switch (error) {
	case 0:
		add(&appended);
		break;
	case -ENOSPC:
	case -EHOSTUNREACH:
	case -ECANCELED:
		add(&refused);
		break;
	default:
		add(&unknown);
		break;
	}
}

/* May sleep; the next entry comes when this returns. */
static void sample_committed(void *context,
			     const struct raftlog_committed *entry)
{
	if (entry->index <= newest_index)
		add(&disorder);
	if (entry->gap)
		add(&gaps);
	newest_index = entry->index;
	add(&delivered);
}

/* Must not sleep. */
static void sample_opened(void *context, int error,
			  const struct raftlog_client_session *now)
{
	if (!error)
		opened = *now;
	opening_error = error;
	complete(&opening);
}

/* Until it is open: an error leaves all as it was, and the group may be started yet. */
static int open_session(void)
{
	int error;

	while (!kthread_should_stop()) {
		error = raftlog_client_open_session(client, session, OPEN_MS,
						    sample_opened, NULL);
		if (!error) {
			wait_for_completion(&opening);
			error = opening_error;
		}
		if (!error || error == -EINVAL || error == -EMSGSIZE)
			return error;
		msleep(20);
	}
	return -EINTR;
}

static int append(unsigned long number, const char *text, int bytes)
{
	int error;

	if (atomic_read(&n_under_way) >= depth)
		return -EAGAIN;
	atomic_inc(&n_under_way);
	if (session)
		error = raftlog_client_append_once(client, &opened, number,
						   text, bytes, 0,
						   sample_appended, NULL);
	else
		error = raftlog_client_append(client, text, bytes, 0,
					      sample_appended, NULL);
	/* It is not told of what did not begin. */
	if (error)
		atomic_dec(&n_under_way);
	return error;
}

/* No room, or the group is stopped: again in a moment. */
static int append_one(unsigned long number)
{
	char text[32];
	int bytes = scnprintf(text, sizeof(text), "%s %lu",
			      session ? "once" : "sample", number);
	int error;

	while (!kthread_should_stop()) {
		error = append(number, text, bytes);
		if (error != -EAGAIN && error != -ENOTCONN && error != -EIO)
			return error;
		msleep(20);
	}
	return -EINTR;
}

/* What may be missing of what was under way the last time is asked for again. */
static unsigned long first_number(void)
{
	return opened.last_sequence < SESSION_DEPTH ?
		       1 :
		       opened.last_sequence - SESSION_DEPTH + 1;
}

static int sample_write(void *unused)
{
	unsigned long number;
	int error = 0;

	if (session) {
		depth = min_t(unsigned int, depth, SESSION_DEPTH);
		error = open_session();
	}
	if (error && error != -EINTR)
		pr_err("session %s: error %d\n", session, error);
	for (number = first_number(); !error && number <= count; number++) {
		error = append_one(number);
		if (error && error != -EINTR)
			pr_err("entry %lu: error %d\n", number, error);
	}
	/* Until somebody stops it. */
	set_current_state(TASK_IDLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_IDLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int __init sample_init(void)
{
	client = raftlog_client_open(group, 1, sample_committed, NULL);
	if (IS_ERR(client))
		return PTR_ERR(client);
	writer = kthread_run(sample_write, NULL, "raftlog-sample");
	if (IS_ERR(writer)) {
		raftlog_client_close(client);
		return PTR_ERR(writer);
	}
	return 0;
}

static void __exit sample_exit(void)
{
	kthread_stop(writer);
	/* No callback runs after this: this code may go. */
	raftlog_client_close(client);
}

module_init(sample_init);
module_exit(sample_exit);

MODULE_DESCRIPTION("A client of raftlog in the kernel");
MODULE_AUTHOR("The raftlog authors");
MODULE_LICENSE("GPL");
