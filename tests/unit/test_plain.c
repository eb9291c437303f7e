/* SPDX-License-Identifier: MIT */
/* No control codes reach a terminal, and whole text does. */
#include "fake_host.h"

#include <stdio.h>
#include <string.h>

#include "core/plain.h"

static const struct {
	const char *from, *line, *stream;
} texts[] = {
	{ "plain text ~", "plain text ~", "plain text ~" },
	{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0", NULL, NULL }, /* as it is */
	{ "a\tb\r\nc\n", "a?b??c?", "a\tb\nc\n" },
	{ "\x1b[31m \x07 \x7f \x01", "?[31m ? ? ?", "?[31m ? ? ?" },
	/* C1, as UTF-8 and as bytes. */
	{ "\xc2\x9b"
	  "31m \xc2\x80 \xc2\x9d",
	  "?31m ? ?", "?31m ? ?" },
	{ "\x9b"
	  "31m \x80 \x9d",
	  "?31m ? ?", "?31m ? ?" },
	/* Longer than it has to be, surrogates, beyond Unicode: decoders differ. */
	{ "\xc0\x9b \xc1\x9b", "?? ??", "?? ??" },
	{ "\xe0\x82\x9b \xf0\x80\x82\x9b", "? ?", "? ?" },
	{ "\xed\xa0\x80 \xf4\x90\x80\x80 \xff\xfe", "? ? ??", "? ? ??" },
	/* Cut, and begun again. */
	{ "\xe2\x82 \xe2\x9b"
	  "31m \xe2\xc2\x9b",
	  "? ?31m ??", "? ?31m ??" },
};
enum { TEXTS = sizeof(texts) / sizeof(*texts) };

static void lines(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		char line[64];

		snprintf(line, sizeof(line), "%s", texts[i].from);
		riser__plain_line(line);
		assert_string_equal(line, texts[i].line ? texts[i].line : texts[i].from);
	}
}

/* However it comes in pieces. */
static void streams(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		for (size_t step = 1; step < 6; step++) {
			struct riser__plain plain = { .count = 0 };
			size_t size = strlen(texts[i].from), made = 0;
			char to[64];

			for (size_t at = 0; at < size; at += step)
				made += riser__plain_take(&plain, texts[i].from + at,
							  size - at < step ? size - at : step,
							  to + made);
			to[made] = '\0';
			assert_string_equal(to,
					    texts[i].stream ? texts[i].stream : texts[i].from);
		}
	}
}

static void cut_at_the_end(void **state)
{
	char line[] = "text \xe2\x82";

	(void)state;
	riser__plain_line(line);
	assert_string_equal(line, "text ?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(streams),
		cmocka_unit_test(cut_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
