/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Enough of KUnit to run kunit/ in user space: the same names, the same meaning,
 * output in TAP. Memory of a case is freed after it, so that sanitizers see use
 * after the end and leaks elsewhere.
 */
#ifndef RAFTLOG_SHIM_KUNIT_TEST_H
#define RAFTLOG_SHIM_KUNIT_TEST_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "pure_shim.h"

#define GFP_KERNEL 0
#define KUNIT_PARAM_DESC_SIZE 128

struct kunit {
	const char *name;
	void *priv;
	const void *param_value;
	bool failed;
	bool skipped;
	struct kunit_memory *memory;
	jmp_buf abort;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *previous, char *description);
};

struct kunit_suite {
	const char *name;
	int (*suite_init)(struct kunit_suite *suite);
	void (*suite_exit)(struct kunit_suite *suite);
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(function) { .run_case = function, .name = #function }
#define KUNIT_CASE_SLOW(function) KUNIT_CASE(function)
#define KUNIT_CASE_PARAM(function, generator)       \
	{                                           \
		.run_case = function,               \
		.name = #function,                  \
		.generate_params = generator,       \
	}

#define KUNIT_ARRAY_PARAM(name, array, describe)                              \
	static const void *name##_gen_params(const void *previous,            \
					     char *description)               \
	{                                                                     \
		const __typeof__((array)[0]) *next =                          \
			previous ? (const __typeof__((array)[0]) *)previous + \
					   1 :                                \
				   (array);                                   \
		void (*get)(const __typeof__((array)[0]) *, char *) =         \
			describe;                                             \
                                                                              \
		if (next - (array) >= (long)ARRAY_SIZE(array))                \
			return NULL;                                          \
		if (get)                                                      \
			get(next, description);                               \
		return next;                                                  \
	}                                                                     \
	struct kunit

void *kunit_kzalloc(struct kunit *test, size_t bytes, int gfp);
void *kunit_kmalloc(struct kunit *test, size_t bytes, int gfp);
void *kunit_kcalloc(struct kunit *test, size_t n, size_t bytes, int gfp);
void kunit_kfree(struct kunit *test, const void *memory);
void kunit_report(struct kunit *test, const char *file, int line,
		  const char *what, long long left, long long right);
void kunit_message(const char *format, ...)
	__attribute__((__format__(__printf__, 1, 2)));
void kunit_stop(struct kunit *test) __attribute__((__noreturn__));

#define kunit_info(test, format, ...) \
	printf("    # " format, ##__VA_ARGS__)
#define kunit_skip(test, format, ...)                  \
	do {                                           \
		(test)->skipped = true;                \
		kunit_message(format, ##__VA_ARGS__);  \
		kunit_stop(test);                      \
	} while (0)

#define __KUNIT_CHECK(test, condition, left, right, what, fatal, ...)        \
	do {                                                                 \
		if (!(condition)) {                                          \
			kunit_report(test, __FILE__, __LINE__, what,         \
				     (long long)(left), (long long)(right)); \
			kunit_message(" " __VA_ARGS__);                      \
			if (fatal)                                           \
				kunit_stop(test);                            \
		}                                                            \
	} while (0)

#define __KUNIT_BINARY(test, left, op, right, fatal, ...)                 \
	do {                                                              \
		__typeof__(left) _left = (left);                          \
		__typeof__(right) _right = (right);                       \
		__KUNIT_CHECK(test, _left op _right, _left, _right,       \
			      #left " " #op " " #right, fatal, ##__VA_ARGS__); \
	} while (0)

#define KUNIT_EXPECT_EQ(t, l, r) __KUNIT_BINARY(t, l, ==, r, 0)
#define KUNIT_EXPECT_NE(t, l, r) __KUNIT_BINARY(t, l, !=, r, 0)
#define KUNIT_EXPECT_LT(t, l, r) __KUNIT_BINARY(t, l, <, r, 0)
#define KUNIT_EXPECT_LE(t, l, r) __KUNIT_BINARY(t, l, <=, r, 0)
#define KUNIT_EXPECT_GT(t, l, r) __KUNIT_BINARY(t, l, >, r, 0)
#define KUNIT_EXPECT_GE(t, l, r) __KUNIT_BINARY(t, l, >=, r, 0)
#define KUNIT_EXPECT_PTR_EQ(t, l, r) __KUNIT_PTR(t, l, ==, r, 0)
#define KUNIT_EXPECT_PTR_NE(t, l, r) __KUNIT_PTR(t, l, !=, r, 0)
#define KUNIT_ASSERT_EQ(t, l, r) __KUNIT_BINARY(t, l, ==, r, 1)
#define KUNIT_ASSERT_NE(t, l, r) __KUNIT_BINARY(t, l, !=, r, 1)
#define KUNIT_ASSERT_LT(t, l, r) __KUNIT_BINARY(t, l, <, r, 1)
#define KUNIT_ASSERT_LE(t, l, r) __KUNIT_BINARY(t, l, <=, r, 1)
#define KUNIT_ASSERT_GT(t, l, r) __KUNIT_BINARY(t, l, >, r, 1)
#define KUNIT_ASSERT_GE(t, l, r) __KUNIT_BINARY(t, l, >=, r, 1)
#define KUNIT_ASSERT_PTR_EQ(t, l, r) __KUNIT_PTR(t, l, ==, r, 1)
#define KUNIT_EXPECT_EQ_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, ==, r, 0, __VA_ARGS__)
#define KUNIT_EXPECT_NE_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, !=, r, 0, __VA_ARGS__)
#define KUNIT_EXPECT_LT_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, <, r, 0, __VA_ARGS__)
#define KUNIT_EXPECT_LE_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, <=, r, 0, __VA_ARGS__)
#define KUNIT_EXPECT_GT_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, >, r, 0, __VA_ARGS__)
#define KUNIT_EXPECT_GE_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, >=, r, 0, __VA_ARGS__)
#define KUNIT_ASSERT_EQ_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, ==, r, 1, __VA_ARGS__)
#define KUNIT_ASSERT_LE_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, <=, r, 1, __VA_ARGS__)
#define KUNIT_ASSERT_LT_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, <, r, 1, __VA_ARGS__)
#define KUNIT_ASSERT_GE_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, >=, r, 1, __VA_ARGS__)
#define KUNIT_ASSERT_GT_MSG(t, l, r, ...) \
	__KUNIT_BINARY(t, l, >, r, 1, __VA_ARGS__)

#define __KUNIT_PTR(t, l, op, r, fatal)                                    \
	__KUNIT_CHECK(t, (l)op(r), (intptr_t)(l), (intptr_t)(r),           \
		      #l " " #op " " #r, fatal)
#define __KUNIT_TRUTH(t, c, what, fatal, ...) \
	__KUNIT_CHECK(t, c, 0, 1, what, fatal, ##__VA_ARGS__)

#define KUNIT_EXPECT_TRUE(t, c) __KUNIT_TRUTH(t, c, #c, 0)
#define KUNIT_EXPECT_FALSE(t, c) __KUNIT_TRUTH(t, !(c), "!(" #c ")", 0)
#define KUNIT_ASSERT_TRUE(t, c) __KUNIT_TRUTH(t, c, #c, 1)
#define KUNIT_ASSERT_FALSE(t, c) __KUNIT_TRUTH(t, !(c), "!(" #c ")", 1)
#define KUNIT_EXPECT_TRUE_MSG(t, c, ...) __KUNIT_TRUTH(t, c, #c, 0, __VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(t, c, ...) \
	__KUNIT_TRUTH(t, !(c), "!(" #c ")", 0, __VA_ARGS__)
#define KUNIT_ASSERT_TRUE_MSG(t, c, ...) __KUNIT_TRUTH(t, c, #c, 1, __VA_ARGS__)
#define KUNIT_EXPECT_NULL(t, p) __KUNIT_TRUTH(t, !(p), #p " is NULL", 0)
#define KUNIT_EXPECT_NOT_NULL(t, p) __KUNIT_TRUTH(t, p, #p " is not NULL", 0)
#define KUNIT_ASSERT_NULL(t, p) __KUNIT_TRUTH(t, !(p), #p " is NULL", 1)
#define KUNIT_ASSERT_NOT_NULL(t, p) __KUNIT_TRUTH(t, p, #p " is not NULL", 1)
#define KUNIT_EXPECT_NOT_ERR_OR_NULL(t, p) KUNIT_EXPECT_NOT_NULL(t, p)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL(t, p) KUNIT_ASSERT_NOT_NULL(t, p)
#define KUNIT_EXPECT_STREQ(t, l, r) \
	__KUNIT_TRUTH(t, !strcmp(l, r), #l " equals " #r, 0, "\"%s\"", l)
#define KUNIT_ASSERT_STREQ(t, l, r) \
	__KUNIT_TRUTH(t, !strcmp(l, r), #l " equals " #r, 1, "\"%s\"", l)
#define KUNIT_EXPECT_MEMEQ(t, l, r, n) \
	__KUNIT_TRUTH(t, !memcmp(l, r, n), #l " equals " #r, 0)
#define KUNIT_FAIL(t, ...) __KUNIT_TRUTH(t, false, "fail", 0, __VA_ARGS__)

/*
 * Run those suites of the NULL-terminated list whose names begin with @prefix;
 * exit status of a test program.
 */
int kunit_run(struct kunit_suite *const *suites, const char *prefix);

#define kunit_test_suites(...)                                       \
	int main(int argc, char **argv)                              \
	{                                                            \
		struct kunit_suite *const suites[] = { __VA_ARGS__,  \
						       NULL };       \
                                                                     \
		return kunit_run(suites, argc > 1 ? argv[1] : "");   \
	}                                                            \
	struct kunit

#define MODULE_LICENSE(license) struct kunit
#define MODULE_DESCRIPTION(text) struct kunit
#define MODULE_AUTHOR(text) struct kunit

#endif /* RAFTLOG_SHIM_KUNIT_TEST_H */
