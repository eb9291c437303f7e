/* SPDX-License-Identifier: MIT */
/* Reads that may be answered in the middle of a device's callback. */
#include <errno.h>
#include <linux/pci_regs.h>

#include "pci/access.h"

static bool peek_piece(struct riser_dev *dev, const struct riser__bar *bar, uint64_t offset,
		       unsigned size, uint64_t *value)
{
	const struct riser__slot *slot = bar->map ? riser__regmap_find(bar->map, offset) : NULL;
	const uint8_t *memory;

	if (slot && slot->offset + slot->reg->width < offset + size)
		return false;
	if (slot)
		return riser__reg_peek(dev, slot, offset, size, value);
	memory = riser__bar_memory(bar, offset, size);
	if (memory) {
		*value = 0;
		riser__copy(value, memory, size);
		return true;
	}
	return bar->msix && riser__msix_read(dev, offset, size, value);
}

/* One access of a register's size: what else there is can wait. */
static int peek_bar(struct riser_dev *dev, const struct riser__bar *bar, uint64_t offset,
		    void *buffer, size_t length)
{
	uint64_t value;

	if (length > sizeof(value) || length & (length - 1) || offset % length ||
	    length > bar->desc->split ||
	    !peek_piece(dev, bar, offset, (unsigned)length, &value))
		return -EAGAIN;
	riser__copy(buffer, &value, length);
	return 0;
}

int riser__pci_peek(struct riser_dev *dev, unsigned region, uint64_t offset, void *buffer,
		    size_t length)
{
	if (!riser__pci_has(dev, region, offset, length) || dev->pci->asleep)
		return -EAGAIN;
	if (region < 6)
		return peek_bar(dev, &dev->pci->bars[region], offset, buffer, length);
	if (region != RISER__REGION_CONFIG || offset + length > PCI_STD_HEADER_SIZEOF)
		return -EAGAIN;
	riser__config_read(dev, offset, buffer, length);
	return 0;
}
