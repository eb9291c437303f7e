/* SPDX-License-Identifier: MIT */
/* The descriptor of a PCI function, taken over into this library's element sizes. */
#include <errno.h>
#include <string.h>

#include "pci/kind.h"
#include "pci/layout.h"

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

int riser__pci_normalise(struct riser_model *model, const struct riser_pci_device *desc,
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
