/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of badinput share.
 */
#ifndef BADINPUT_H
#define BADINPUT_H

#include <stdbool.h>

#include "group.h"

extern unsigned int n_failed;
/* An address nothing is mapped at; volatile, or the compiler warns of it. */
extern char *volatile wild;

void verdict(bool good, const char *what, const char *why);
/* @ret is what a system call returned, errno is still its own. */
void expect(const char *what, long ret, int error);
/* The kernel's log since skip_log() or the last call holds a line of raftlog's. */
void expect_log_line(const char *what);
void skip_log(void);
/* A signal that does nothing but interrupt, again and again; 0: no more. */
void alarm_every_ms(int ms);

uint64_t monotonic_ms(void);

void stopped_group(void);
/* Of a module that has something to tell of a group. */
void array_slots(void);

void start_parameters(void);
void start_unprivileged(void);
void start_port_in_use(void);
void start_wal(void);
void start_damaged(void);

void sleepers(void);

void running_group(void);
void group_without_leader(void);
void changed_members(void);
void full_log(void);

void recoveries(void);

void snapshots(void);
void small_chunks(void);

void namespaces(void);

#endif /* BADINPUT_H */
