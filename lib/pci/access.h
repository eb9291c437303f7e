/* SPDX-License-Identifier: MIT */
/* The shortest way to registers that are nothing but memory. */
#ifndef RISER_PCI_ACCESS_H
#define RISER_PCI_ACCESS_H

#include <string.h>

#include "pci/function.h"

/* Nearly all accesses are one word, which is one load and one store then. */
static inline void riser__copy(void *to, const void *from, size_t length)
{
	switch (length) {
	case 1:
		memcpy(to, from, 1);
		break;
	case 2:
		memcpy(to, from, 2);
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	case 8:
		memcpy(to, from, 8);
		break;
	default:
		memcpy(to, from, length);
	}
}

/* The memory behind [offset, offset + length) if it is wholly in one window, else NULL. */
static inline uint8_t *riser__bar_memory(const struct riser__bar *bar, uint64_t offset,
					 size_t length)
{
	for (uint32_t i = 0; i < bar->window_count; i++) {
		const struct riser__span *window = &bar->windows[i];
		uint64_t into = offset - window->offset;

		if (into < window->size && length <= window->size - into)
			return window->memory + into;
	}
	return NULL;
}

/*
 * What riser__pci_read() would copy from and riser__pci_write() to, if that is all that they
 * would do; else NULL.
 */
static inline uint8_t *riser__pci_memory(const struct riser_dev *dev, unsigned region,
					 uint64_t offset, size_t length)
{
	const struct riser__pci *pci = dev->pci;

	if (region >= 6 || !length || pci->asleep || dev->trace)
		return NULL;
	return riser__bar_memory(&pci->bars[region], offset, length);
}

#endif
