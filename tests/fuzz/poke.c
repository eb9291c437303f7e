/* SPDX-License-Identifier: MIT */
/* Scripts for riser poke: anything may stand in a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "poke/poke.h"

/* What names files is not run; what waits may wait for years: its words are only parsed. */
static bool is_run(const char *line)
{
	static const char *const words[] = { "save", "load", "wait", "advance" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strstr(line, words[i]))
			return false;
	}
	return true;
}

static void parse(const char *line)
{
	char *copy = strdup(line), *rest = copy, *word, why[256];
	uint64_t value;

	while ((word = strsep(&rest, " "))) {
		poke_time(word, &value, why);
		poke_number(word, &value, why);
	}
	free(copy);
}

static void run(struct session *session, char *script)
{
	char *line, why[256];

	while ((line = strsep(&script, "\n"))) {
		if (is_run(line))
			poke_line(session, line, why);
		else
			parse(line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct input input = { data, size };
	struct session session = { .model = fuzz_model((unsigned)take(&input, 1), false) };
	char *script = strndup((const char *)input.at, input.left);
	FILE *was = stdout;

	if (!nowhere)
		nowhere = fopen("/dev/null", "we");
	session.pci = riser_model_pci(session.model);
	session.host = fuzz_bench(session.model);
	stdout = nowhere;
	run(&session, script);
	stdout = was;
	riser_host_destroy(session.host);
	free(script);
	return 0;
}
