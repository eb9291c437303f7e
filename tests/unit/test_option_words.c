/* SPDX-License-Identifier: MIT */
/* The tool's words between commas: cut, quoted, joined, and whether they name a path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli.h"

static void are_cut(void **state)
{
	static const struct {
		const char *from;
		const char *words[4];
	} cases[] = {
		{ "", { "" } },
		{ "a", { "a" } },
		{ "a=1,b", { "a=1", "b" } },
		{ "a,,b,c", { "a,b", "c" } },
		{ "a,,,b", { "a,", "b" } },
		{ "a,", { "a", "" } },
		{ ",,", { "," } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *copy = strdup(cases[i].from), *rest = copy, *word;
		unsigned n = 0;

		while ((word = options_next(&rest))) {
			assert_non_null(cases[i].words[n]);
			assert_string_equal(word, cases[i].words[n++]);
		}
		assert_null(cases[i].words[n]);
		free(copy);
	}
}

static void are_joined(void **state)
{
	char *quoted = options_quote("a,b,,"), *joined = options_join("first", quoted), *first;
	const char *options;

	(void)state;
	assert_string_equal(quoted, "a,,b,,,,");
	assert_string_equal(joined, "first,a,,b,,,,");
	first = options_behind(joined, &options);
	assert_string_equal(first, "first");
	assert_string_equal(options, quoted);
	free(first);
	first = options_behind("alone", &options);
	assert_string_equal(first, "alone");
	assert_null(options);
	free(first);
	first = options_behind("comma,", &options);
	assert_string_equal(options, "");
	free(first);
	free(joined);
	free(quoted);
}

static void name_paths(void **state)
{
	static const struct {
		const char *option, *path;
		int at;
	} cases[] = {
		{ "file=/a/b", "/a/b", 5 }, { "file=/a/b", "/b", -1 }, { "file=x:/a", "/a", 7 },
		{ "file=/a\n", "/a", -1 },  { "/a", "/a", -1 },	       { "file=", "", -1 },
		{ "file=/a,b", "/a,b", 5 }, { "f=/a", "long=/a", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *copy = strdup(cases[i].option), *at = option_path(copy, cases[i].path);

		assert_int_equal(at ? at - copy : -1, cases[i].at);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_cut),
		cmocka_unit_test(are_joined),
		cmocka_unit_test(name_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
