/* SPDX-License-Identifier: MIT */
/* The kind of device that is a PCI function and nothing else. */
#include "pci/kind.h"

#include <errno.h>
#include <string.h>

#include "core/dev.h"

static int function_open(struct riser_model *model, struct riser_error *error)
{
	const struct riser_pci_device *desc = model->exported;
	struct riser_pci_device whole = { 0 };
	int ret = RISER__CHECK_SIZE(desc, struct riser_pci_device, fini, error);

	if (ret)
		return ret;
	memcpy(&whole, desc, desc->size);
	ret = riser__tables_check_pci(&whole, error);
	if (ret)
		return ret;
	if (riser__pci_normalise(model, desc, &model->pci))
		return riser__fail(error, -ENOMEM, "no memory for the model");
	return riser__pci_check(&model->pci, error);
}

static void function_reset(struct riser_dev *dev, enum riser_reset kind)
{
	if (kind != RISER_RESET_POWER_ON)
		riser__work_cancel(dev);
	riser__pci_reset(dev, kind);
}

const struct riser__kind riser__pci_kind = {
	.id = RISER_PCI,
	.open = function_open,
	.create = riser__pci_create,
	.destroy = riser__pci_destroy,
	.reset = function_reset,
	.silence = riser__pci_silence,
	.add_items = riser__pci_add_items,
	.add_shape = riser__pci_add_shape,
	.save = riser__pci_save,
	.check_record = riser__pci_check_record,
	.load = riser__pci_load,
};
