/* SPDX-License-Identifier: MIT */
/* Models: loaded from a file or an export, their tables copied, checked and freed. */
#include "core/model.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pci/layout.h"
#include "virtio/virtio.h"

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

static int bars_normalise(struct riser_model *model, struct riser_bars *table)
{
	struct riser_bar *bars = riser__table_copy(model, table);
	int ret = table->count && !bars ? -ENOMEM : 0;

	for (uint32_t i = 0; !ret && i < table->count; i++) {
		if (!bars[i].split)
			bars[i].split = 8;
		ret = riser__regs_normalise(model, &bars[i].regs);
		if (!ret)
			ret = riser__table_normalise(model, &bars[i].windows);
	}
	return ret;
}

/* Configuration space has byte enables: every register in it is taken in parts. */
static void regs_take_parts(struct riser_regs *table)
{
	struct riser_reg *regs = (struct riser_reg *)table->base;

	for (uint32_t i = 0; i < table->count; i++)
		regs[i].part = 1;
}

static int caps_normalise(struct riser_model *model, struct riser_caps *table)
{
	struct riser_pci_cap *caps = riser__table_copy(model, table);
	int ret = table->count && !caps ? -ENOMEM : 0;

	for (uint32_t i = 0; !ret && i < table->count; i++) {
		ret = riser__regs_normalise(model, &caps[i].regs);
		if (!ret)
			regs_take_parts(&caps[i].regs);
	}
	return ret;
}

int riser__model_normalise(struct riser_model *model, const struct riser_pci_device *desc,
			   struct riser_pci_device *pci)
{
	int ret;

	memcpy(pci, desc, desc->size < sizeof(*pci) ? desc->size : sizeof(*pci));
	pci->size = sizeof(*pci);
	if (!pci->id.subvendor && !pci->id.subdevice) {
		pci->id.subvendor = 0x1af4;
		pci->id.subdevice = 0x1100;
	}
	if (!pci->dma_mask)
		pci->dma_mask = UINT64_MAX;
	ret = bars_normalise(model, &pci->bars);
	if (!ret)
		ret = caps_normalise(model, &pci->caps);
	if (!ret)
		ret = riser__options_normalise(model, &pci->options);
	if (!ret)
		ret = riser__table_normalise(model, &pci->fields);
	if (!ret)
		ret = riser__table_normalise(model, &pci->timers);
	if (!ret && !pci->vectors)
		pci->vectors = riser__layout_message_vectors(pci);
	return ret;
}

static int check(const struct riser_pci_device *pci, struct riser_error *error)
{
	int ret = riser__model_check(pci, error);

	return ret ? ret : riser__layout_check(pci, error);
}

/*
 * A descriptor may be as short as in the first revision of the ABI. One that is longer than
 * ours says what we do not know.
 */
static int check_size(size_t size, size_t least, size_t most, struct riser_error *error)
{
	if (size >= least && size <= most)
		return 0;
	return riser__fail(
		error, -EINVAL,
		"the descriptor's .size is %zu, not %zu: set .size = sizeof(it), and "
		"build it for this library",
		size, most);
}
#define CHECK_SIZE(desc, type, last, error)                                                    \
	check_size((desc)->size, offsetof(type, last) + sizeof((desc)->last), sizeof(type),    \
		   error)

static int fill_pci(struct riser_model *model, struct riser_error *error)
{
	const struct riser_pci_device *desc = model->exported;
	struct riser_pci_device whole = { 0 };
	int ret = CHECK_SIZE(desc, struct riser_pci_device, fini, error);

	if (ret)
		return ret;
	memcpy(&whole, desc, desc->size);
	ret = riser__tables_check_pci(&whole, error);
	if (ret)
		return ret;
	if (riser__model_normalise(model, desc, &model->pci))
		return riser__fail(error, -ENOMEM, "no memory for the model");
	return check(&model->pci, error);
}

static int fill_virtio(struct riser_model *model, struct riser_error *error)
{
	const struct riser_virtio_device *desc = model->exported;
	struct riser_virtio_device whole = { 0 };
	int ret = CHECK_SIZE(desc, struct riser_virtio_device, fini, error);

	if (ret)
		return ret;
	memcpy(&whole, desc, desc->size);
	ret = riser__tables_check_virtio(&whole, error);
	if (ret)
		return ret;
	if (riser__virtio_normalise(model, desc))
		return riser__fail(error, -ENOMEM, "no memory for the model");
	ret = riser__virtio_check(model->virtio, error);
	if (!ret)
		ret = check(&model->pci, error);
	if (!ret && model->virtio->desc.transitional_id)
		ret = check(&model->virtio->legacy, error);
	return ret;
}

static int fill(struct riser_model *model, struct riser_export exported,
		struct riser_error *error)
{
	if (exported.abi != RISER_ABI)
		return riser__fail(
			error, -ENOEXEC,
			"the model is built for riser ABI %u, this library has %u: rebuild it",
			exported.abi, RISER_ABI);
	model->kind = exported.kind;
	model->exported = exported.descriptor;
	if (exported.kind == RISER_PCI && exported.descriptor)
		return fill_pci(model, error);
	if (exported.kind == RISER_VIRTIO && exported.descriptor)
		return fill_virtio(model, error);
	return riser__fail(error, -ENOEXEC, "the model is of a kind (%d) not known here",
			   (int)exported.kind);
}

int riser_model_from_export(struct riser_export exported, struct riser_model **model,
			    struct riser_error *error)
{
	struct riser_model *made = calloc(1, sizeof(*made));
	int ret;

	*model = NULL;
	if (!made)
		return riser__fail(error, -ENOMEM, "no memory for the model");
	ret = fill(made, exported, error);
	if (ret)
		riser_model_close(made);
	else
		*model = made;
	return ret;
}

static int load(const char *path, struct riser_model **model, struct riser_error *error)
{
	struct riser_export (*get)(void);
	struct riser_error why;
	void *handle, *symbol;
	int ret;

	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return riser__fail(error, -ENOEXEC, "%s", dlerror());
	symbol = dlsym(handle, "riser_export");
	if (!symbol) {
		dlclose(handle);
		return riser__fail(error, -ENOEXEC,
				   "%s: no device model: it lacks RISER_EXPORT(…)", path);
	}
	memcpy(&get, &symbol, sizeof(get));
	ret = riser_model_from_export(get(), model, &why);
	if (ret) {
		riser__fail(error, ret, "%s: %s", path, why.text);
		dlclose(handle);
		return ret;
	}
	(*model)->handle = handle;
	return 0;
}

int riser_model_open(const char *path, struct riser_model **model, struct riser_error *error)
{
	*model = NULL;
	return load(path, model, error);
}

void riser_model_close(struct riser_model *model)
{
	if (!model)
		return;
	while (model->chunks) {
		struct riser__chunk *chunk = model->chunks;

		model->chunks = chunk->next;
		free(chunk);
	}
	if (model->handle)
		dlclose(model->handle);
	free(model);
}

enum riser_kind riser_model_kind(const struct riser_model *model)
{
	return model->kind;
}

const struct riser_pci_device *riser_model_pci(const struct riser_model *model)
{
	const struct riser__virtio_model *virtio = model->virtio;

	return virtio && virtio->desc.legacy_default ? &virtio->legacy : &model->pci;
}

const struct riser_virtio_device *riser_model_virtio(const struct riser_model *model)
{
	return model->virtio ? &model->virtio->desc : NULL;
}
