/* SPDX-License-Identifier: MIT */
/* BARs: which of windows, registers, MSI-X table and the device's own ops takes an access. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci/access.h"

static bool has_shared(const struct riser_bar *desc)
{
	riser_each(window, &desc->windows) {
		if (window->shared)
			return true;
	}
	return false;
}

/* One file a BAR, as large as it but empty except for the windows: hosts take only one. */
static int make_memory(struct riser_dev *dev, struct riser__bar *bar)
{
	bar->fd = memfd_create(dev->desc->name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (bar->fd < 0 || ftruncate(bar->fd, (off_t)bar->desc->size))
		return -errno;
	/* A client that has it must not truncate it: accesses would fault. */
	if (fcntl(bar->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	return 0;
}

static int map_windows(struct riser_dev *dev, struct riser__bar *bar)
{
	riser_each(window, &bar->desc->windows) {
		uint32_t i = riser_index(window, &bar->desc->windows);
		void *at = (char *)dev->state + window->at;

		if (window->shared)
			at = mmap(NULL, window->size, PROT_READ | PROT_WRITE, MAP_SHARED,
				  bar->fd, (off_t)window->offset);
		if (at == MAP_FAILED)
			return -errno;
		bar->windows[i] = (struct riser__span){ window->offset, window->size, at };
	}
	return 0;
}

static int create_bar(struct riser_dev *dev, const struct riser_bar *desc)
{
	const struct riser_pci_cap *msix = riser__cap_find(dev->desc, RISER_CAP_MSIX);
	struct riser__bar *bar = &dev->pci->bars[desc->index];
	int ret = 0;

	bar->desc = desc;
	dev->pci->sizes[desc->index] = desc->size;
	bar->msix = msix && msix->bar == desc->index;
	if (desc->regs.count)
		ret = riser__regmap_create(&desc->regs, &bar->map);
	if (ret || !desc->windows.count)
		return ret;
	bar->windows = calloc(desc->windows.count, sizeof(*bar->windows));
	if (!bar->windows)
		return -ENOMEM;
	bar->window_count = desc->windows.count;
	if (has_shared(desc))
		ret = make_memory(dev, bar);
	return ret ? ret : map_windows(dev, bar);
}

int riser__bars_create(struct riser_dev *dev, struct riser_error *error)
{
	for (unsigned i = 0; i < 6; i++)
		dev->pci->bars[i].fd = -1;
	riser_each(desc, &dev->desc->bars) {
		int ret = create_bar(dev, desc);

		if (ret)
			return riser__fail(error, ret, "%s: BAR%u: no memory: %s",
					   dev->desc->name, desc->index, strerror(-ret));
	}
	return 0;
}

void riser__bars_destroy(struct riser_dev *dev)
{
	for (unsigned i = 0; i < 6; i++) {
		struct riser__bar *bar = &dev->pci->bars[i];
		const struct riser_window *window;

		riser__regmap_destroy(bar->map);
		if (!bar->windows)
			continue;
		window = bar->desc->windows.base;
		for (uint32_t w = 0; w < bar->desc->windows.count; w++) {
			if (window[w].shared && bar->windows[w].memory)
				munmap(bar->windows[w].memory, window[w].size);
		}
		free(bar->windows);
		if (bar->fd >= 0)
			close(bar->fd);
	}
}

void *riser_window(struct riser_dev *dev, unsigned bar, unsigned window)
{
	const struct riser__bar *b = bar < 6 ? &dev->pci->bars[bar] : NULL;

	if (!b || !b->windows || window >= b->desc->windows.count)
		return NULL;
	return b->windows[window].memory;
}

static inline const struct riser__slot *bar_slot(const struct riser__bar *bar, uint64_t offset)
{
	return bar->map ? riser__regmap_find(bar->map, offset) : NULL;
}

/* For the author of ops that refused an access which a 32-bit bus would not have made. */
static const char *bar_way_out(const struct riser__bar *bar, unsigned size)
{
	return bar->desc->ops && size == 8 ? " (.split = 4 makes two of 4 bytes of it)" : "";
}

/* Whether a register or a window begins or ends amid [offset, offset + size); no register
 * there. */
static bool bar_changes_within(const struct riser__bar *bar, uint64_t offset, unsigned size)
{
	for (unsigned i = 1; bar->map && i < size; i++) {
		if (riser__regmap_find(bar->map, offset + i))
			return true;
	}
	for (uint32_t i = 0; i < bar->window_count; i++) {
		const struct riser__span *window = &bar->windows[i];

		if (window->offset < offset + size && offset < window->offset + window->size &&
		    !riser__bar_memory(bar, offset, size))
			return true;
	}
	return false;
}

/*
 * How an access is taken apart: the largest naturally aligned piece that starts at `offset`, is
 * not split, and is all of one register, or all of the same of what else there is.
 */
static inline unsigned piece(const struct riser__bar *bar, const struct riser__slot *slot,
			     uint64_t offset, size_t length)
{
	unsigned size = bar->desc->split;

	if (slot && length > slot->offset + slot->reg->width - offset)
		length = slot->offset + slot->reg->width - offset;
	while (size > length || offset & (size - 1))
		size /= 2;
	while (!slot && size > 1 && bar_changes_within(bar, offset, size))
		size /= 2;
	return size;
}

/* What the bytes of an access read as that nothing claims. */
static uint64_t read_hole(struct riser_dev *dev, const struct riser__bar *bar, uint64_t offset,
			  unsigned size)
{
	riser__dev_mistake(dev, RISER__UNCLAIMED, "read of %u bytes at BAR%u+%#" PRIx64 "%s",
			   size, bar->desc->index, offset, bar_way_out(bar, size));
	return bar->desc->zero_holes ? 0 : riser__ones(size);
}

static uint64_t read_piece(struct riser_dev *dev, struct riser__bar *bar,
			   const struct riser__slot *slot, uint64_t offset, unsigned size)
{
	const uint8_t *memory;
	uint64_t value = 0;

	if (slot)
		return riser__reg_read(dev, slot, offset, size);
	memory = riser__bar_memory(bar, offset, size);
	if (memory) {
		riser__copy(&value, memory, size);
		return value;
	}
	if (bar->msix && riser__msix_read(dev, offset, size, &value))
		return value;
	if (bar->desc->ops && bar->desc->ops->read &&
	    bar->desc->ops->read(dev, offset, size, &value) >= 0)
		return value & riser__ones(size);
	return read_hole(dev, bar, offset, size);
}

static void write_piece(struct riser_dev *dev, struct riser__bar *bar,
			const struct riser__slot *slot, uint64_t offset, unsigned size,
			uint64_t value)
{
	uint8_t *memory;

	if (slot) {
		riser__reg_write(dev, bar->map, slot, offset, size, value);
		return;
	}
	memory = riser__bar_memory(bar, offset, size);
	if (memory) {
		riser__copy(memory, &value, size);
		return;
	}
	if (bar->msix && riser__msix_write(dev, offset, size, value))
		return;
	if (bar->desc->ops && bar->desc->ops->write &&
	    bar->desc->ops->write(dev, offset, size, value) >= 0)
		return;
	riser__dev_mistake(dev, RISER__UNCLAIMED, "write of %u bytes at BAR%u+%#" PRIx64 "%s",
			   size, bar->desc->index, offset, bar_way_out(bar, size));
}

void riser__bar_read(struct riser_dev *dev, struct riser__bar *bar, uint64_t offset,
		     uint8_t *to, size_t length)
{
	const uint8_t *memory = riser__bar_memory(bar, offset, length);

	if (memory) {
		riser__copy(to, memory, length);
		return;
	}
	while (length) {
		const struct riser__slot *slot = bar_slot(bar, offset);
		unsigned size = piece(bar, slot, offset, length);
		uint64_t value = read_piece(dev, bar, slot, offset, size);

		riser__copy(to, &value, size);
		offset += size;
		to += size;
		length -= size;
	}
}

void riser__bar_write(struct riser_dev *dev, struct riser__bar *bar, uint64_t offset,
		      const uint8_t *from, size_t length)
{
	uint8_t *memory = riser__bar_memory(bar, offset, length);

	if (memory) {
		riser__copy(memory, from, length);
		return;
	}
	while (length) {
		const struct riser__slot *slot = bar_slot(bar, offset);
		unsigned size = piece(bar, slot, offset, length);
		uint64_t value = 0;

		riser__copy(&value, from, size);
		write_piece(dev, bar, slot, offset, size, value);
		offset += size;
		from += size;
		length -= size;
	}
}
