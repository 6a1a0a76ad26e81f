/* SPDX-License-Identifier: GPL-2.0 */
/* Events as text, to read and to replay. */
#ifndef RAFTLOG_EXPLORE_TRACE_H
#define RAFTLOG_EXPLORE_TRACE_H

#include <stdio.h>

#include "event.h"

/** trace_event() - @event happens: print it, and how it leaves its node */
void trace_event(const struct event *event);

/** trace_parse() - Return: 1, 0 for a line that is no event, or -EINVAL */
int trace_parse(const char *line, struct event *event);

#endif /* RAFTLOG_EXPLORE_TRACE_H */
