/* SPDX-License-Identifier: MIT */
/* A growing byte buffer. */
#include "core/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct riser__buffer *buffer, size_t needed)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 256;
	uint8_t *grown;

	while (capacity < needed && capacity <= PTRDIFF_MAX / 2)
		capacity *= 2;
	if (capacity < needed)
		return false;
	grown = realloc(buffer->data, capacity);
	if (!grown)
		return false;
	buffer->data = grown;
	buffer->capacity = capacity;
	return true;
}

void riser__buffer_add(struct riser__buffer *buffer, const void *data, size_t size)
{
	if (buffer->failed || !size)
		return;
	if (size > buffer->capacity - buffer->size &&
	    (size > PTRDIFF_MAX - buffer->size || !grow(buffer, buffer->size + size))) {
		buffer->failed = true;
		return;
	}
	memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
}

void riser__buffer_add_line(struct riser__buffer *buffer, const char *format, ...)
{
	char line[160];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	riser__buffer_add(buffer, line, strlen(line));
	riser__buffer_add(buffer, "\n", 1);
}

void riser__buffer_free(struct riser__buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct riser__buffer){ 0 };
}
