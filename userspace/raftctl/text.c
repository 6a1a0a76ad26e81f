// SPDX-License-Identifier: GPL-2.0
#include "text.h"

unsigned int utf8_length(const unsigned char *text, size_t bytes)
{
	/* Smallest character each length may encode. */
	static const unsigned int smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int n, character;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		n = 2;
	else if ((text[0] & 0xf0) == 0xe0)
		n = 3;
	else if (text[0] >= 0xf0 && text[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (bytes < n)
		return 0;
	character = text[0] & (0x7f >> n);
	for (unsigned int i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (text[i] & 0x3f);
	}
	if (character < smallest[n] || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return 0;
	return n;
}

bool is_utf8(const void *text, size_t bytes)
{
	const unsigned char *at = text;
	unsigned int n;

	for (; bytes; at += n, bytes -= n) {
		n = utf8_length(at, bytes);
		if (!n)
			return false;
	}
	return true;
}

static void put_escaped_byte(FILE *file, unsigned char byte)
{
	switch (byte) {
	case '\n':
		fputs("\\n", file);
		break;
	case '\r':
		fputs("\\r", file);
		break;
	case '\t':
		fputs("\\t", file);
		break;
	case '\\':
		fputs("\\\\", file);
		break;
	default:
		fprintf(file, "\\x%02x", byte);
	}
}

static bool is_printable(const unsigned char *character, unsigned int n)
{
	if (n == 1)
		return *character >= ' ' && *character != 0x7f &&
		       *character != '\\';
	/* U+0080 to U+009f control a terminal as well. */
	return n > 2 || character[0] != 0xc2 || character[1] >= 0xa0;
}

void put_escaped(FILE *file, const void *text, size_t bytes)
{
	const unsigned char *at = text;
	unsigned int n;

	for (; bytes; at += n, bytes -= n) {
		n = utf8_length(at, bytes);
		if (n && is_printable(at, n)) {
			fwrite(at, 1, n, file);
			continue;
		}
		n = n ? n : 1;
		for (unsigned int i = 0; i < n; i++)
			put_escaped_byte(file, at[i]);
	}
}

void put_base64(FILE *file, const void *data, size_t bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *at = data;
	unsigned int three;

	for (; bytes >= 3; at += 3, bytes -= 3) {
		three = at[0] << 16 | at[1] << 8 | at[2];
		putc(digits[three >> 18], file);
		putc(digits[three >> 12 & 63], file);
		putc(digits[three >> 6 & 63], file);
		putc(digits[three & 63], file);
	}
	if (!bytes)
		return;
	three = at[0] << 16 | (bytes == 2 ? at[1] << 8 : 0);
	putc(digits[three >> 18], file);
	putc(digits[three >> 12 & 63], file);
	putc(bytes == 2 ? digits[three >> 6 & 63] : '=', file);
	putc('=', file);
}
