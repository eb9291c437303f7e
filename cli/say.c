/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "core/plain.h"

static void line(const char *format, va_list args)
{
	struct riser__plain plain = { .count = 0 };
	char buffer[2048];
	size_t length;

	/* Names and words of devices and clients are in it. */
	vsnprintf(buffer, sizeof(buffer), format, args);
	length = riser__plain_take(&plain, buffer, strlen(buffer), buffer);
	buffer[length] = '\0';
	fflush(stdout);
	fprintf(stderr, "riser: %s\n", buffer);
}

int complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line(format, args);
	va_end(args);
	return CLI_FAIL;
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line(format, args);
	va_end(args);
}

char *text(const char *format, ...)
{
	va_list args;
	char *made;

	va_start(args, format);
	if (vasprintf(&made, format, args) < 0) {
		complain("out of memory");
		exit(CLI_FAIL);
	}
	va_end(args);
	return made;
}

/* How many letters have to be changed, added or dropped. */
static unsigned distance(const char *a, const char *b)
{
	enum { MOST = 32 };
	unsigned row[MOST + 1], length = (unsigned)strlen(b);

	if (length > MOST)
		return MOST;
	for (unsigned j = 0; j <= length; j++)
		row[j] = j;
	for (unsigned i = 1; *a; a++, i++) {
		unsigned corner = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= length; j++) {
			unsigned best = corner + (*a != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[length];
}

const char *nearest(const char *word, const char *const *words)
{
	const char *best = NULL;
	unsigned least = 3;

	for (; *words; words++) {
		unsigned d = distance(word, *words);

		if (d < least) {
			least = d;
			best = *words;
		}
	}
	return best;
}
