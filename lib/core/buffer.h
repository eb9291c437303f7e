/* SPDX-License-Identifier: MIT */
/* A growing byte buffer; once an allocation fails it stays failed and drops what is added. */
#ifndef RISER_CORE_BUFFER_H
#define RISER_CORE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct riser__buffer {
	uint8_t *data;
	size_t size, capacity;
	bool failed;
};

void riser__buffer_add(struct riser__buffer *buffer, const void *data, size_t size);
/* A line of text, cut at 159 bytes, and a newline. */
void riser__buffer_add_line(struct riser__buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void riser__buffer_free(struct riser__buffer *buffer);

#endif
