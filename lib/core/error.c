/* SPDX-License-Identifier: MIT */
/* Errors as text. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

int riser__fail(struct riser_error *error, int code, const char *format, ...)
{
	va_list args;

	if (error) {
		va_start(args, format);
		vsnprintf(error->text, sizeof(error->text), format, args);
		va_end(args);
		/* What came from outside must not reach a terminal as control codes. */
		for (char *p = error->text; *p; p++) {
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				*p = '?';
		}
	}
	return code;
}
