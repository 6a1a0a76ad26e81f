// SPDX-License-Identifier: GPL-2.0
/*
 * raftctl's helpers: addresses, text, histogram, numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../raftctl/addr.h"
#include "../raftctl/format.h"
#include "../raftctl/histogram.h"
#include "../raftctl/names.h"
#include "../raftctl/raftctl.h"
#include "../raftctl/start_members.h"
#include "../raftctl/text.h"

struct raftctl raftctl;

static int n_failed;

static void check(bool good, const char *name)
{
	printf("%s - raftctl: %s\n", good ? "ok" : "not ok", name);
	n_failed += !good;
}

static bool round_trip(const char *text)
{
	struct raftlog_addr addr;
	char buf[ADDR_CHARS];

	return !addr_parse(text, &addr) &&
	       !strcmp(addr_format(buf, &addr), text);
}

static void test_addresses(void)
{
	static const char *const good[] = {
		"10.0.0.1:7400",       "0.0.0.0:1",	    "[::1]:7400",
		"[2001:db8::1]:65535", "[fe80::1%lo]:7400",
	};
	static const char *const bad[] = {
		"",
		":",
		"10.0.0.1",
		"10.0.0.1:",
		"10.0.0.1:0",
		"10.0.0.1:65536",
		"10.0.0.1:7400x",
		"10.0.0:7400",
		"::1:7400",
		"[::1]",
		"[::1]7400",
		"[10.0.0.1]:7400",
		"localhost:7400",
		"[]:7400",
		"[:7400",
		"10.0.0.1:-1",
		"10.0.0.1:+1",
		"[fe80::1%nosuch]:7400",
		"[fe80::1%]:7400",
		"10.0.0.1:99999999999999999999",
	};
	char name[128], text[400];
	struct raftlog_addr addr;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(name, sizeof(name), "address %s", good[i]);
		check(round_trip(good[i]), name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(name, sizeof(name), "no address '%s'", bad[i]);
		check(addr_parse(bad[i], &addr), name);
	}
	memset(text, '1', sizeof(text));
	strcpy(text + sizeof(text) - 6, ":7400");
	check(addr_parse(text, &addr), "no address of 400 characters");
}

static bool escapes(const char *data, size_t bytes, const char *expected)
{
	char buf[256] = "";
	FILE *file = fmemopen(buf, sizeof(buf), "w");

	put_escaped(file, data, bytes);
	fclose(file);
	return !strcmp(buf, expected);
}

static bool base64(const char *data, const char *expected)
{
	char buf[256] = "";
	FILE *file = fmemopen(buf, sizeof(buf), "w");

	put_base64(file, data, strlen(data));
	fclose(file);
	return !strcmp(buf, expected);
}

static void test_text(void)
{
	check(escapes("a b", 3, "a b"), "text stays");
	check(escapes("\n\r\t\\", 4, "\\n\\r\\t\\\\"), "control characters");
	check(escapes("\0\33\177\377", 4, "\\x00\\x1b\\x7f\\xff"),
	      "other bytes");
	check(escapes("\303\274", 2, "\303\274"), "UTF-8 stays");
	check(escapes("\303", 1, "\\xc3"), "UTF-8 cut short");
	check(escapes("\302\233", 2, "\\xc2\\x9b"), "C1 control characters");
	check(!is_utf8("\300\200", 2), "overlong UTF-8 of two bytes");
	check(!is_utf8("\340\200\200", 3), "overlong UTF-8 of three bytes");
	check(!is_utf8("\355\240\200", 3), "surrogates are no UTF-8");
	check(!is_utf8("\364\220\200\200", 4), "no UTF-8 behind U+10FFFF");
	check(is_utf8("\364\217\277\277", 4), "U+10FFFF");
	check(is_utf8("", 0), "nothing is UTF-8");
	check(base64("", ""), "base64 of nothing");
	check(base64("f", "Zg=="), "base64 of one byte");
	check(base64("fo", "Zm8="), "base64 of two bytes");
	check(base64("foobar", "Zm9vYmFy"), "base64 of six bytes");
}

static void test_histogram(void)
{
	struct histogram *histogram = calloc(2, sizeof(*histogram));
	u64 value;
	bool good = true;

	if (!histogram)
		abort();
	check(histogram_quantile(histogram, 0.5) == 0, "empty histogram");
	for (value = 1; value <= 1000; value++)
		histogram_add(histogram, value * 1000);
	value = histogram_quantile(histogram, 0.5);
	check(value >= 500000 && value <= 516000, "median within 3%");
	value = histogram_quantile(histogram, 0.99);
	check(value >= 990000 && value <= 1000000, "p99 within 3%");
	check(histogram_quantile(histogram, 1) == 1000000, "maximum is exact");
	for (unsigned int bit = 0; bit < 64; bit++) {
		memset(histogram, 0, sizeof(*histogram));
		value = 1ULL << bit;
		histogram_add(histogram, value);
		histogram_add(histogram, value | (value - 1));
		good &= histogram_quantile(histogram, 0.5) >= value &&
			histogram_quantile(histogram, 0.5) <=
				value + value / 32 &&
			histogram_quantile(histogram, 1) ==
				(value | (value - 1));
	}
	check(good, "every power of two");
	histogram_merge(&histogram[1], &histogram[0]);
	histogram_merge(&histogram[1], &histogram[0]);
	check(histogram[1].count == 4 && histogram[1].max == UINT64_MAX,
	      "merge");
	free(histogram);
}

static bool is_bytes(const char *text, u64 expected)
{
	u64 value;

	return option_bytes("-x", text, 1, UINT64_MAX, &value) &&
	       value == expected;
}

static void test_numbers(void)
{
	u64 value = 0;

	check(is_bytes("4096", 4096), "4096 bytes");
	check(is_bytes("64k", 65536), "64k");
	check(is_bytes("256MiB", 256 << 20), "256MiB");
	check(!option_bytes("-x", "1Q", 1, UINT64_MAX, &value), "1Q");
	check(!option_bytes("-x", "1Kx", 1, UINT64_MAX, &value), "1Kx");
	check(!option_bytes("-x", "99999999999T", 1, UINT64_MAX, &value),
	      "too many bytes");
	check(!option_bytes("-x", "", 1, UINT64_MAX, &value), "no bytes");
	check(!option_u64("-x", "-1", 0, 10, &value), "-1");
	check(!option_u64("-x", " 1", 0, 10, &value), "blank");
	check(!option_u64("-x", "11", 0, 10, &value), "out of range");
	check(!option_u64("-x", "18446744073709551616", 0, UINT64_MAX, &value),
	      "2^64");
	check(option_seconds("-x", "0.25", &value) && value == 250, "0.25 s");
	check(!option_seconds("-x", "nan", &value), "nan s");
	check(!option_seconds("-x", "-1", &value), "-1 s");
}

static void test_format(void)
{
	char buf[FORMAT_CHARS];

	check(!strcmp(format_bytes(buf, 0), "0 B"), "0 B");
	check(!strcmp(format_bytes(buf, 1023), "1023 B"), "1023 B");
	check(!strcmp(format_bytes(buf, 1024), "1.0 KiB"), "1 KiB");
	check(!strcmp(format_bytes(buf, (1 << 20) - 1), "1.0 MiB"),
	      "rounded up to 1 MiB");
	check(!strcmp(format_bytes(buf, UINT64_MAX), "16.0 EiB"), "16 EiB");
	check(!strcmp(format_ns(buf, 412345), "0.41 ms"), "0.41 ms");
	check(!strcmp(format_duration(buf, 59999), "60.0 s"), "60 s");
	check(!strcmp(format_duration(buf, 7384000), "2 h 3 min"), "2 h 3 min");
	check(!strcmp(role_name(99), "unknown"), "role of a newer module");
	check(!strcmp(reason_name(99), "unknown"), "reason of a newer module");
	check(!strcmp(edge_name(99), "unknown"), "edge of a newer module");
}

static bool is_member(const char *text, u32 id, const char *address)
{
	struct raftlog_addr addr;
	char buf[ADDR_CHARS];
	u32 got;

	return start_members_parse("add", text, &got, &addr) && got == id &&
	       !strcmp(addr_format(buf, &addr), address);
}

static void test_members(void)
{
	static const char *const bad[] = {
		"",
		"4",
		"=10.0.0.4:7400",
		"4=",
		"4=10.0.0.4",
		"0=10.0.0.4:7400",
		"-4=10.0.0.4:7400",
		"4294967296=10.0.0.4:7400",
		"99999999999999999999=10.0.0.4:7400",
		"4=0.0.0.0:7400",
		"4=[::]:7400",
	};
	struct raftlog_addr addr;
	char name[64];
	u32 id;

	check(is_member("4=10.0.0.4:7400", 4, "10.0.0.4:7400"), "a member");
	check(is_member("4294967295=[2001:db8::4]:1", UINT32_MAX,
			"[2001:db8::4]:1"),
	      "a member by IPv6");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(name, sizeof(name), "no member '%s'", bad[i]);
		check(!start_members_parse("add", bad[i], &id, &addr), name);
	}
	check(!strcmp(member_kind_name(RAFTLOG_NON_VOTER), "learner"),
	      "a learner is called that, as in sysfs");
	check(!strcmp(member_kind_name(RAFTLOG_ABSENT), "leaving"),
	      "so is who leaves");
	/* Numbers of enum raft_reason, which are part of the ABI. */
	check(!strcmp(reason_name(13), "membership"),
	      "the reason of who got or lost a vote");
}

int main(void)
{
	test_addresses();
	test_text();
	test_histogram();
	test_numbers();
	test_format();
	test_members();
	return n_failed != 0;
}
