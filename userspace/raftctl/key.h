/* SPDX-License-Identifier: GPL-2.0 */
/* Keys of a cluster, as those verbs see them that name one. */
#ifndef RAFTCTL_KEY_H
#define RAFTCTL_KEY_H

#include "types.h"

/** key_name_ok() - what a key can be called, or complain */
bool key_name_ok(const char *option, const char *name);

/** key_complain() - the kernel refused key @name (empty: none) with @error */
void key_complain(int error, const char *name);

#endif /* RAFTCTL_KEY_H */
