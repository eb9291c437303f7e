/* SPDX-License-Identifier: MIT */
/* A PCI function's life, and its regions as hosts access them. */
#include "pci/function.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int create_vendor_regs(struct riser_dev *dev)
{
	riser_each(cap, &dev->desc->caps) {
		uint32_t i = riser_index(cap, &dev->desc->caps);
		int ret = cap->regs.count
				  ? riser__regmap_create(&cap->regs, &dev->pci->vendor[i])
				  : 0;

		if (ret)
			return ret;
	}
	return 0;
}

int riser__pci_create(struct riser_dev *dev, struct riser_error *error)
{
	struct riser__pci *pci = calloc(1, sizeof(*pci));
	int ret;

	if (!pci)
		return riser__fail(error, -ENOMEM, "%s: no memory for the device",
				   dev->desc->name);
	dev->pci = pci;
	ret = riser__caps_withhold(dev);
	if (!ret)
		ret = riser__irq_create(dev);
	if (!ret)
		ret = create_vendor_regs(dev);
	if (ret)
		riser__fail(error, ret, "%s: no memory for the device", dev->desc->name);
	if (!ret)
		ret = riser__bars_create(dev, error);
	if (!ret)
		ret = riser__layout_place(dev->desc, &pci->layout, error);
	if (!ret)
		ret = riser__rom_load(dev, error);
	if (ret)
		return ret;
	pci->config_size = pci->layout.config_size;
	pci->sizes[RISER__REGION_ROM] = pci->rom_size;
	pci->sizes[RISER__REGION_CONFIG] = pci->config_size;
	riser__config_build(dev);
	memcpy(pci->config, pci->reset, sizeof(pci->config));
	return 0;
}

void riser__pci_destroy(struct riser_dev *dev)
{
	struct riser__pci *pci = dev->pci;

	if (!pci)
		return;
	for (unsigned i = 0; i < RISER__CAPS_MAX; i++)
		riser__regmap_destroy(pci->vendor[i]);
	riser__bars_destroy(dev);
	riser__irq_destroy(dev);
	free(pci->rom);
	free(pci->caps);
	free(pci);
	dev->pci = NULL;
}

void riser__pci_reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct riser__pci *pci = dev->pci;

	for (unsigned i = 0; i < 6; i++) {
		if (pci->bars[i].map)
			riser__regmap_reset(pci->bars[i].map, dev->state);
	}
	for (unsigned i = 0; i < RISER__CAPS_MAX; i++) {
		if (pci->vendor[i])
			riser__regmap_reset(pci->vendor[i], dev->state);
	}
	riser__irq_reset(dev);
	riser__config_reset(dev, kind);
	riser__config_changed(dev);
}

void riser__pci_forget(struct riser_dev *dev)
{
	riser__config_reset(dev, RISER_RESET_POWER_ON);
}

void riser__pci_region_info(struct riser_dev *dev, unsigned region,
			    struct riser__region_info *info)
{
	const struct riser__pci *pci = dev->pci;

	*info = (struct riser__region_info){ .fd = -1, .writable = true };
	if (region >= RISER__REGIONS)
		return;
	info->size = pci->sizes[region];
	info->writable = region != RISER__REGION_ROM;
	if (region < 6 && pci->bars[region].desc) {
		const struct riser__bar *bar = &pci->bars[region];

		info->fd = bar->fd;
		info->windows = bar->desc->windows.base;
		info->window_count = bar->desc->windows.count;
	}
}

bool riser__pci_has(const struct riser_dev *dev, unsigned region, uint64_t offset,
		    size_t length)
{
	uint64_t size = region < RISER__REGIONS ? dev->pci->sizes[region] : 0;

	return length && offset < size && length <= size - offset;
}

static const char *const region_names[RISER__REGIONS] = { "BAR0", "BAR1", "BAR2", "BAR3",
							  "BAR4", "BAR5", "ROM",  "config" };

static void trace(struct riser_dev *dev, const char *verb, unsigned region, uint64_t offset,
		  const uint8_t *bytes, size_t length)
{
	uint64_t value = 0;

	memcpy(&value, bytes, length < sizeof(value) ? length : sizeof(value));
	riser_log(dev, RISER_DEBUG, "%s %s+%#" PRIx64 " %zu bytes: %#" PRIx64 "%s", verb,
		  region_names[region], offset, length, value,
		  length > sizeof(value) ? "..." : "");
}

/* Whether the function answers; in D3hot only configuration space does. */
static bool answers(struct riser_dev *dev, unsigned region, uint64_t offset)
{
	if (!dev->pci->asleep || region == RISER__REGION_CONFIG)
		return true;
	riser__dev_mistake(dev, RISER__DISABLED, "access to BAR%u+%#" PRIx64 " in D3hot",
			   region, offset);
	return false;
}

int riser__function_read(struct riser_dev *dev, unsigned region, uint64_t offset, void *buffer,
			 size_t length)
{
	if (!riser__pci_has(dev, region, offset, length))
		return -EINVAL;
	if (!answers(dev, region, offset))
		memset(buffer, 0xff, length);
	else if (region < 6)
		riser__bar_read(dev, &dev->pci->bars[region], offset, buffer, length);
	else if (region == RISER__REGION_ROM)
		memcpy(buffer, dev->pci->rom + offset, length);
	else
		riser__config_read(dev, offset, buffer, length);
	if (__builtin_expect(dev->trace, 0))
		trace(dev, "read", region, offset, buffer, length);
	return 0;
}

int riser__function_write(struct riser_dev *dev, unsigned region, uint64_t offset,
			  const void *buffer, size_t length)
{
	if (!riser__pci_has(dev, region, offset, length))
		return -EINVAL;
	if (__builtin_expect(dev->trace, 0))
		trace(dev, "write", region, offset, buffer, length);
	if (!answers(dev, region, offset))
		return 0;
	if (region < 6)
		riser__bar_write(dev, &dev->pci->bars[region], offset, buffer, length);
	else if (region == RISER__REGION_ROM)
		riser__dev_mistake(dev, RISER__READ_ONLY, "write to the ROM at %#" PRIx64,
				   offset);
	else
		riser__config_write(dev, offset, buffer, length);
	return 0;
}

static void refuse_reentry(struct riser_dev *dev, const char *verb, unsigned region,
			   uint64_t offset)
{
	riser__dev_mistake(dev, RISER__REENTERED, "%s at %s+%#" PRIx64, verb,
			   region_names[region], offset);
}

int riser__pci_read(struct riser_dev *dev, unsigned region, uint64_t offset, void *buffer,
		    size_t length)
{
	int ret;

	if (!riser__pci_has(dev, region, offset, length))
		return -EINVAL;
	if (!riser__dev_enter(dev)) {
		memset(buffer, 0xff, length);
		refuse_reentry(dev, "read", region, offset);
		return 0;
	}
	ret = riser__function_read(dev, region, offset, buffer, length);
	riser__dev_leave(dev);
	return ret;
}

int riser__pci_write(struct riser_dev *dev, unsigned region, uint64_t offset,
		     const void *buffer, size_t length)
{
	int ret;

	if (!riser__pci_has(dev, region, offset, length))
		return -EINVAL;
	if (!riser__dev_enter(dev)) {
		refuse_reentry(dev, "write", region, offset);
		return 0;
	}
	ret = riser__function_write(dev, region, offset, buffer, length);
	riser__dev_leave(dev);
	return ret;
}
