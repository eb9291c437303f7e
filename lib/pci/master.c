/* SPDX-License-Identifier: MIT */
/* Bus Master Enable, and D3hot: whether the function reaches guest memory. */
#include "pci/function.h"

const char *riser__pci_silence(const struct riser_dev *dev)
{
	return dev->pci->asleep ? "in D3hot" : "while Bus Master Enable is off";
}

static void tell_kind(struct riser_dev *dev, bool on)
{
	const struct riser__kind *kind = dev->model->kind;

	if (kind->set_reach)
		kind->set_reach(dev, on);
}

void riser__pci_set_master(struct riser_dev *dev, bool on)
{
	size_t revoked = 0;

	/* Rings are let go of before, so that nothing is written to what is revoked. */
	if (!on)
		tell_kind(dev, false);
	if (dev->ops->dma_enable)
		revoked = dev->ops->dma_enable(dev->host, on);
	if (on)
		tell_kind(dev, true);
	if (revoked)
		riser__dev_mistake(dev, RISER__DISABLED,
				   "memory that the device holds mapped is taken away %s",
				   riser__pci_silence(dev));
}
