/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sleeping for what cannot be begun anew. What io_uring has for a thread to do ends
 * its sleep as a signal does (TIF_NOTIFY_SIGNAL), but nobody interrupts it: whoever
 * goes back to user space for that cannot say how it ended. So it sleeps on, and looks
 * for a signal now and then.
 */
#ifndef RAFTLOG_WAIT_H
#define RAFTLOG_WAIT_H

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

/* Between two looks for a signal, where it would not wake. */
#define RAFTLOG_SIGNAL_TICKS (HZ / 10)

/**
 * raftlog_wait_event_timeout() - wait_event_interruptible_timeout(), only for signals
 * @wq: as there
 * @condition: as there
 * @ticks: as there
 *
 * Return: as there.
 */
#define raftlog_wait_event_timeout(wq, condition, ticks)                       \
({                                                                             \
	unsigned long __end = jiffies + (ticks);                               \
	long __left = wait_event_interruptible_timeout(wq, condition, ticks);  \
									       \
	while (__left == -ERESTARTSYS && !task_sigpending(current)) {          \
		long __some = clamp_t(long, __end - jiffies, 0,                \
				      RAFTLOG_SIGNAL_TICKS);                   \
									       \
		__left = wait_event_killable_timeout(wq, condition, __some);   \
		if (!__left && time_before(jiffies, __end))                    \
			__left = -ERESTARTSYS;                                 \
	}                                                                      \
	__left;                                                                \
})

/**
 * raftlog_wait_is_interrupted() - wait_for_completion_interruptible(), only for signals
 * @done: as there
 *
 * Return: whether there is a signal, and it is not complete.
 */
static inline bool raftlog_wait_is_interrupted(struct completion *done)
{
	if (!wait_for_completion_interruptible(done))
		return false;
	while (!task_sigpending(current))
		if (wait_for_completion_killable_timeout(
			    done, RAFTLOG_SIGNAL_TICKS) > 0)
			return false;
	return true;
}

#endif /* RAFTLOG_WAIT_H */
