// SPDX-License-Identifier: GPL-2.0
/* The runner behind kunit/test.h. */
#include <stdarg.h>

#include <kunit/test.h>

struct kunit_memory {
	struct kunit_memory *next;
	max_align_t data[];
};

void *kunit_kmalloc(struct kunit *test, size_t bytes, int gfp)
{
	struct kunit_memory *memory = malloc(sizeof(*memory) + bytes);

	(void)gfp;
	if (!memory)
		abort();
	memory->next = test->memory;
	test->memory = memory;
	return memory->data;
}

void *kunit_kzalloc(struct kunit *test, size_t bytes, int gfp)
{
	return memset(kunit_kmalloc(test, bytes, gfp), 0, bytes);
}

void *kunit_kcalloc(struct kunit *test, size_t n, size_t bytes, int gfp)
{
	return kunit_kzalloc(test, size_mul(n, bytes), gfp);
}

void kunit_kfree(struct kunit *test, const void *memory)
{
	struct kunit_memory **link = &test->memory;

	for (; *link; link = &(*link)->next) {
		struct kunit_memory *found = *link;

		if (found->data != memory)
			continue;
		*link = found->next;
		free(found);
		return;
	}
}

void kunit_report(struct kunit *test, const char *file, int line,
		  const char *what, long long left, long long right)
{
	test->failed = true;
	printf("    # %s: FAILED at %s:%d\n    # %s: %lld, %lld\n", test->name,
	       file, line, what, left, right);
}

void kunit_message(const char *format, ...)
{
	va_list arguments;

	if (!format[1])
		return;
	printf("    #");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

void kunit_stop(struct kunit *test)
{
	longjmp(test->abort, 1);
}

static bool run_once(const struct kunit_suite *suite,
		     const struct kunit_case *c, const void *param)
{
	struct kunit test = { .name = c->name, .param_value = param };

	if (!setjmp(test.abort)) {
		if (suite->init && suite->init(&test))
			test.failed = true;
		else
			c->run_case(&test);
	}
	if (suite->exit)
		suite->exit(&test);
	while (test.memory)
		kunit_kfree(&test, test.memory->data);
	return !test.failed;
}

static bool run_case(const struct kunit_suite *suite,
		     const struct kunit_case *c)
{
	char description[KUNIT_PARAM_DESC_SIZE];
	const void *param = NULL;
	bool passed = true;

	if (!c->generate_params)
		return run_once(suite, c, NULL);
	while ((param = c->generate_params(param, description)))
		passed &= run_once(suite, c, param);
	return passed;
}

int kunit_run(struct kunit_suite *const *suites, const char *prefix)
{
	unsigned int number = 0, failed = 0;

	for (; *suites; suites++) {
		struct kunit_suite *suite = *suites;
		const struct kunit_case *c;

		if (strncmp(suite->name, prefix, strlen(prefix)))
			continue;
		if (suite->suite_init && suite->suite_init(suite)) {
			printf("not ok %u - %s suite_init\n", ++number,
			       suite->name);
			failed++;
			continue;
		}
		for (c = suite->test_cases; c->run_case; c++) {
			bool passed = run_case(suite, c);

			printf("%sok %u - %s %s\n", passed ? "" : "not ",
			       ++number, suite->name, c->name);
			fflush(stdout);
			failed += !passed;
		}
		if (suite->suite_exit)
			suite->suite_exit(suite);
	}
	printf("1..%u\n", number);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
