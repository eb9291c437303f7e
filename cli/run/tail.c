/* SPDX-License-Identifier: MIT */
/* The last lines that somebody said. */
#include <stdio.h>
#include <string.h>

#include "run/run.h"

void tail_add(struct tail *tail, const char *bytes, size_t size,
	      void (*line)(void *arg, const char *text), void *arg)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != '\n') {
			if (bytes[i] != '\r' && tail->used < TAIL_WIDTH - 1)
				tail->partial[tail->used++] = bytes[i];
			continue;
		}
		tail->partial[tail->used] = '\0';
		riser__plain_line(tail->partial);
		memcpy(tail->lines[tail->count++ % TAIL_LINES], tail->partial,
		       strlen(tail->partial) + 1);
		tail->used = 0;
		if (line)
			line(arg, tail->partial);
	}
}

void tail_print(const struct tail *tail, const char *who)
{
	unsigned from = tail->count > TAIL_LINES ? tail->count - TAIL_LINES : 0;

	if (!tail->count)
		return;
	say("the last lines of %s:", who);
	for (unsigned i = from; i < tail->count; i++)
		fprintf(stderr, "    %s\n", tail->lines[i % TAIL_LINES]);
}

bool tail_says(const struct tail *tail, const char *words)
{
	for (unsigned i = 0; i < TAIL_LINES && i < tail->count; i++) {
		if (strstr(tail->lines[i], words))
			return true;
	}
	return false;
}
