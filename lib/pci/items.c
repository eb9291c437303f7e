/* SPDX-License-Identifier: MIT */
/* What of a PCI function is saved by name: registers and windows, of BARs and capabilities. */
#include "core/state.h"
#include "pci/function.h"

static int add_windows(struct riser_dev *dev, const struct riser_bar *bar,
		       struct riser__items *items)
{
	int fd = dev->pci->bars[bar->index].fd, ret = 0;

	riser_each(window, &bar->windows) {
		unsigned i = riser_index(window, &bar->windows);

		if (!ret)
			ret = riser__items_add_window(items, "bar", bar->index, window,
						      riser_window(dev, bar->index, i),
						      window->shared ? fd : -1);
	}
	return ret;
}

int riser__pci_add_items(struct riser_dev *dev, struct riser__items *items)
{
	int ret = 0;

	riser_each(bar, &dev->desc->bars) {
		if (!ret)
			ret = riser__items_add_regs(items, dev, "bar", bar->index, &bar->regs,
						    dev->pci->bars[bar->index].map);
		if (!ret)
			ret = add_windows(dev, bar, items);
	}
	riser_each(cap, &dev->desc->caps) {
		unsigned i = riser_index(cap, &dev->desc->caps);

		if (!ret)
			ret = riser__items_add_regs(items, dev, "cap", i, &cap->regs,
						    dev->pci->vendor[i]);
	}
	return ret;
}

uint64_t riser__pci_windows_size(const struct riser_dev *dev)
{
	uint64_t bytes = 0;

	riser_each(bar, &dev->desc->bars) {
		riser_each(window, &bar->windows)
			bytes += window->size;
	}
	return bytes;
}
