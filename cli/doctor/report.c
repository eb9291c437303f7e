/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "doctor/doctor.h"

static void line(const char *verdict, const char *what, const char *format, va_list args)
{
	printf("%-8s %s: ", verdict, what);
	vprintf(format, args);
	putchar('\n');
}

void report_ok(const char *what, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line("ok", what, format, args);
	va_end(args);
}

void report_warning(struct report *report, const char *what, const char *format, ...)
{
	va_list args;

	report->warnings++;
	va_start(args, format);
	line("warning", what, format, args);
	va_end(args);
}

void report_problem(struct report *report, const char *what, const char *format, ...)
{
	va_list args;

	report->problems++;
	va_start(args, format);
	line("problem", what, format, args);
	va_end(args);
}

struct size_text size_of(uint64_t bytes)
{
	static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	struct size_text size;
	unsigned unit = 0;

	while (value >= 1024 && unit < 4) {
		value /= 1024;
		unit++;
	}
	snprintf(size.text, sizeof(size.text), value < 10 ? "%.3g %s" : "%.4g %s", value,
		 units[unit]);
	return size;
}
