// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "text.h"

enum { DEPTH_MAX = 8 };

static char closers[DEPTH_MAX];
static bool follows[DEPTH_MAX]; /* an element was written at that depth */
static unsigned int depth;

static void put_string(const unsigned char *text, size_t bytes)
{
	putchar('"');
	for (; bytes; text++, bytes--) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if (*text == '\n')
			fputs("\\n", stdout);
		else if (*text < ' ' || *text == 0x7f)
			printf("\\u%04x", *text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void put_key(const char *key)
{
	if (depth) {
		if (follows[depth - 1])
			putchar(',');
		follows[depth - 1] = true;
	}
	if (key)
		printf("\"%s\":", key);
}

static void open_value(const char *key, char opener, char closer)
{
	assert(depth < DEPTH_MAX);
	put_key(key);
	putchar(opener);
	closers[depth] = closer;
	follows[depth++] = false;
}

void json_object(const char *key)
{
	open_value(key, '{', '}');
}

void json_array(const char *key)
{
	open_value(key, '[', ']');
}

void json_end(void)
{
	assert(depth > 0);
	putchar(closers[--depth]);
	if (!depth)
		putchar('\n');
}

void json_number(const char *key, u64 value)
{
	put_key(key);
	printf("%llu", value);
}

void json_real(const char *key, double value)
{
	put_key(key);
	printf("%.3f", value);
}

void json_bool(const char *key, bool value)
{
	put_key(key);
	fputs(value ? "true" : "false", stdout);
}

void json_null(const char *key)
{
	put_key(key);
	fputs("null", stdout);
}

void json_string(const char *key, const char *value)
{
	put_key(key);
	put_string((const unsigned char *)value, strlen(value));
}

void json_hex(const char *key, u64 value)
{
	put_key(key);
	printf("\"%016llx\"", value);
}

void json_payload(const void *data, size_t bytes)
{
	if (is_utf8(data, bytes)) {
		put_key("payload");
		put_string(data, bytes);
		return;
	}
	put_key("payload_base64");
	putchar('"');
	put_base64(stdout, data, bytes);
	putchar('"');
}
