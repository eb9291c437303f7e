/* SPDX-License-Identifier: MIT */
/* What guest/init wrote to the second serial port, a line an event. */
#include <stdio.h>
#include <string.h>

#include "run/run.h"

static void fail(struct results *results, const char *what, const char *name, const char *why)
{
	size_t used = strlen(results->failures);

	results->failed++;
	snprintf(results->failures + used, sizeof(results->failures) - used, "%s%s %s%s%s",
		 used ? "; " : "", what, name, *why ? ": " : "", why);
}

/* "test NAME pass", "test NAME fail STATUS", "module NAME fail WHY" and the like. */
static void take_event(struct results *results, const char *kind, const char *name,
		       const char *how, const char *rest)
{
	char why[160] = "";

	if (!strcmp(kind, "test") && !strcmp(how, "pass"))
		results->passed++;
	else if (!strcmp(how, "skip"))
		results->skipped++;
	else if (!strcmp(how, "fail") && !strcmp(kind, "test"))
		snprintf(why, sizeof(why), "status %.20s", rest);
	else
		snprintf(why, sizeof(why), "%.150s", rest);
	if (!strcmp(how, "fail"))
		fail(results, kind, name, why);
}

static void take_line(struct results *results, const char *line)
{
	char kind[32] = "", name[64] = "", how[32] = "";
	int rest = 0;

	snprintf(results->last, sizeof(results->last), "%s", line);
	sscanf(line, "%31s %63s %31s %n", kind, name, how, &rest);
	if (!strcmp(kind, "boot"))
		results->booted = true;
	else if (!strcmp(kind, "done"))
		results->done = true;
	else if (!strcmp(kind, "machine"))
		results->machine = true;
	else if (!strcmp(kind, "shell"))
		results->shell = true;
	else
		take_event(results, kind, name, how, rest ? line + rest : "");
}

void results_read(const char *path, struct results *results)
{
	char line[TAIL_WIDTH];
	FILE *file = fopen(path, "re");

	*results = (struct results){ 0 };
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\r\n")] = '\0';
		take_line(results, line);
	}
	fclose(file);
}
