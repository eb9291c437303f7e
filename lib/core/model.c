/* SPDX-License-Identifier: MIT */
/* A model's memory, and its tables in this library's element sizes. */
#include "core/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct riser__chunk {
	struct riser__chunk *next;
	max_align_t data[];
};

void *riser__model_alloc(struct riser_model *model, size_t size)
{
	struct riser__chunk *chunk;

	if (size > PTRDIFF_MAX / 2)
		return NULL;
	chunk = calloc(1, sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->next = model->chunks;
	model->chunks = chunk;
	return chunk->data;
}

void *riser__rows_copy(struct riser_model *model, struct riser__rows rows, size_t size)
{
	size_t known = rows.stride < size ? rows.stride : size;
	const char *from = rows.base;
	char *to = rows.count ? riser__model_alloc(model, rows.count * size) : NULL;

	for (uint32_t i = 0; to && i < rows.count; i++)
		memcpy(to + i * size, from + (size_t)i * rows.stride, known);
	return to;
}

static void reg_fill(struct riser_reg *reg)
{
	if (!reg->count)
		reg->count = 1;
	if (!reg->stride)
		reg->stride = reg->width;
	if (!reg->at_stride)
		reg->at_stride = reg->width;
}

int riser__regs_normalise(struct riser_model *model, struct riser_regs *table)
{
	struct riser_reg *regs = riser__table_copy(model, table);
	int ret = table->count && !regs ? -ENOMEM : 0;

	for (uint32_t i = 0; !ret && i < table->count; i++) {
		reg_fill(&regs[i]);
		ret = riser__table_normalise(model, &regs[i].fields);
	}
	return ret;
}

int riser__options_normalise(struct riser_model *model, struct riser_options *table)
{
	struct riser_option *options = riser__table_copy(model, table);
	int ret = table->count && !options ? -ENOMEM : 0;

	for (uint32_t i = 0; !ret && i < table->count; i++)
		ret = riser__table_normalise(model, &options[i].reaches);
	return ret;
}

void riser__model_free(struct riser_model *model)
{
	while (model->chunks) {
		struct riser__chunk *chunk = model->chunks;

		model->chunks = chunk->next;
		free(chunk);
	}
	free(model);
}

int riser__model_check_size(size_t size, size_t least, size_t most, struct riser_error *error)
{
	if (size >= least && size <= most)
		return 0;
	return riser__fail(
		error, -EINVAL,
		"the descriptor's .size is %zu, not %zu: set .size = sizeof(it), and "
		"build it for this library",
		size, most);
}
