/* SPDX-License-Identifier: MIT */
/* Looks in the kernel's log for a report of its own failure, and keeps it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"

/* A report with its call trace is shorter than this. */
enum { REPORT_LINES = 80 };

void console_init(struct console *console)
{
	*console = (struct console){ 0 };
	console->report = open_memstream(&console->report_text, &console->report_size);
}

void console_fini(struct console *console)
{
	if (console->report)
		fclose(console->report);
	free(console->report_text);
}

/* How the kernel begins a report after which nothing it does can be trusted. */
static bool begins_report(const char *line)
{
	static const char *const signs[] = { "BUG: ",	      "Oops: ",
					     "Kernel panic",  "general protection fault",
					     "kernel BUG at", "divide error: " };

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		if (strstr(line, signs[i]))
			return true;
	}
	return false;
}

static void look(void *arg, const char *line)
{
	struct console *console = arg;

	if (strstr(line, "I/O error, dev vd") && strstr(line, "(WRITE)"))
		console->disk_failed = true;
	if (!console->panicked && *line == '[' && begins_report(line))
		console->panicked = true;
	if (console->panicked && console->report && console->report_lines++ < REPORT_LINES)
		fprintf(console->report, "    %s\n", line);
}

void console_add(struct console *console, const char *bytes, size_t size)
{
	char plain[1024 + 3];

	for (size_t part; size; bytes += part, size -= part) {
		part = size < 1024 ? size : 1024;
		fwrite(plain, 1, riser__plain_take(&console->plain, bytes, part, plain),
		       stdout);
		tail_add(&console->tail, bytes, part, look, console);
	}
	fflush(stdout);
}
