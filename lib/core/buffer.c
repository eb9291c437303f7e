/* SPDX-License-Identifier: MIT */
#include "core/buffer.h"

#include <stdlib.h>
#include <string.h>

void riser__buffer_add(struct riser__buffer *buffer, const void *data, size_t size)
{
	if (buffer->failed || !size)
		return;
	if (size > buffer->capacity - buffer->size) {
		size_t capacity = buffer->capacity ? buffer->capacity : 256;
		uint8_t *grown;

		while (capacity - buffer->size < size && capacity < SIZE_MAX / 4)
			capacity *= 2;
		grown = realloc(buffer->data, capacity);
		if (!grown || capacity - buffer->size < size) {
			buffer->data = grown ? grown : buffer->data;
			buffer->failed = true;
			return;
		}
		buffer->data = grown;
		buffer->capacity = capacity;
	}
	memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
}

void riser__buffer_free(struct riser__buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct riser__buffer){ 0 };
}
