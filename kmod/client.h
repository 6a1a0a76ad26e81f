/* SPDX-License-Identifier: GPL-2.0 */
/* Clients in the kernel, as the rest of the module sees them: see linux/raftlog_client.h. */
#ifndef RAFTLOG_CLIENT_H
#define RAFTLOG_CLIENT_H

#include <linux/raftlog_client.h>

struct raftlog_proposal;

/** raftlog_client_accept() - @proposal is under way; under the intake lock */
void raftlog_client_accept(struct raftlog_proposal *proposal);

/** raftlog_client_done() - and it ended; owner thread, no lock held */
void raftlog_client_done(struct raftlog_proposal *proposal, int result);

#endif /* RAFTLOG_CLIENT_H */
