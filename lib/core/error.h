/* SPDX-License-Identifier: MIT */
/* Errors as text: how all of the library fills a riser_error. */
#ifndef RISER_CORE_ERROR_H
#define RISER_CORE_ERROR_H

#include <riser/serve.h>

/* Writes the text (where `error` is not NULL) and returns `code`. */
int riser__fail(struct riser_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
