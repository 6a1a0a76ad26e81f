/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON, one value a line. A key of NULL is for elements of an array and for the
 * outermost value.
 */
#ifndef RAFTCTL_JSON_H
#define RAFTCTL_JSON_H

#include "types.h"

void json_object(const char *key);
void json_array(const char *key);
/* Closes what was opened last; behind the outermost a newline follows. */
void json_end(void);

void json_number(const char *key, u64 value);
void json_real(const char *key, double value);
void json_bool(const char *key, bool value);
void json_null(const char *key);
void json_string(const char *key, const char *value);
/* A cluster id: more than the numbers of most readers hold. */
void json_hex(const char *key, u64 value);

/**
 * json_payload() - "payload" if it is UTF-8, else "payload_base64"
 */
void json_payload(const void *data, size_t bytes);

#endif /* RAFTCTL_JSON_H */
