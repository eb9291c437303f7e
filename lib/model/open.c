/* SPDX-License-Identifier: MIT */
/* Opens device models: from a file or from a program's own export, of every kind there is. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/kind.h"
#include "core/model.h"
#include "pci/kind.h"
#include "virtio/virtio.h"

static const struct riser__kind *find_kind(enum riser_kind id)
{
	static const struct riser__kind *const kinds[] = { &riser__pci_kind,
							   &riser__virtio_kind };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i]->id == id)
			return kinds[i];
	}
	return NULL;
}

static int take_over(struct riser_model *model, struct riser_export exported,
		     struct riser_error *error)
{
	if (exported.abi != RISER_ABI)
		return riser__fail(
			error, -ENOEXEC,
			"the model is built for riser ABI %u, this library has %u: rebuild it",
			exported.abi, RISER_ABI);
	model->kind = find_kind(exported.kind);
	model->exported = exported.descriptor;
	if (model->kind && model->exported)
		return model->kind->open(model, error);
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
	ret = take_over(made, exported, error);
	if (ret)
		riser_model_close(made);
	else
		*model = made;
	return ret;
}

static int open_file(const char *path, struct riser_model **model, struct riser_error *error)
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
	return open_file(path, model, error);
}

void riser_model_close(struct riser_model *model)
{
	void *handle;

	if (!model)
		return;
	handle = model->handle;
	riser__model_free(model);
	if (handle)
		dlclose(handle);
}

enum riser_kind riser_model_kind(const struct riser_model *model)
{
	return model->kind->id;
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
