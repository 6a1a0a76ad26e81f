/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bytes that may be anything, shown on a terminal or in JSON.
 */
#ifndef RAFTCTL_TEXT_H
#define RAFTCTL_TEXT_H

#include <stdio.h>

#include "types.h"

/**
 * utf8_length() - length of the UTF-8 character at @text
 * @text: any bytes
 * @bytes: how many, at least 1
 *
 * Return: 1 to 4, or 0 if there is none.
 */
unsigned int utf8_length(const unsigned char *text, size_t bytes);

bool is_utf8(const void *text, size_t bytes);

/**
 * put_escaped() - write bytes so that they fit a line and harm no terminal
 *
 * Printable UTF-8 stays as it is; a backslash is doubled, the rest becomes \n,
 * \r, \t or \xHH.
 */
void put_escaped(FILE *file, const void *text, size_t bytes);

void put_base64(FILE *file, const void *data, size_t bytes);

#endif /* RAFTCTL_TEXT_H */
