/* SPDX-License-Identifier: MIT */
/* A PCI function as its host sees it: regions, interrupts, resets. What attachments call. */
#ifndef RISER_PCI_INTERNAL_H
#define RISER_PCI_INTERNAL_H

#include "core/dev.h"

/* Regions are numbered as VFIO numbers them. */
enum { RISER__REGION_ROM = 6, RISER__REGION_CONFIG = 7, RISER__REGIONS = 8 };

struct riser__region_info {
	uint64_t size; /* 0: the function has no such region */
	bool writable;
	int fd; /* of the memory behind its shared windows; -1: none */
	const struct riser_window
		*windows; /* all of the BAR's; only `shared` ones are mappable */
	unsigned window_count;
};

void riser__pci_region_info(struct riser_dev *dev, unsigned region,
			    struct riser__region_info *info);

/*
 * An access of any length. -EINVAL if it is not wholly inside the region; otherwise 0, whatever
 * the guest did wrong. BARs answer whether or not the guest has enabled decoding: that is the
 * host's to honour. In D3hot they do not. In the middle of a callback of the device it is
 * refused: all ones, and nothing is written.
 */
int riser__pci_read(struct riser_dev *dev, unsigned region, uint64_t offset, void *buffer,
		    size_t length);
int riser__pci_write(struct riser_dev *dev, unsigned region, uint64_t offset,
		     const void *buffer, size_t length);

/*
 * While a callback of the device waits for its host: a read as above, if it changes nothing and
 * calls nothing of the device but an on_read that says so of itself (RISER_PURE_READ). -EAGAIN
 * if it is none of these.
 */
int riser__pci_peek(struct riser_dev *dev, unsigned region, uint64_t offset, void *buffer,
		    size_t length);
/* Whether a write would not be -EINVAL. */
bool riser__pci_has(const struct riser_dev *dev, unsigned region, uint64_t offset,
		    size_t length);

/* What is kept over resets goes too: another host has come. A reset has to follow. */
void riser__pci_forget(struct riser_dev *dev);

/* ---- Interrupts (pci/irq.c) ---- */

/* How many vectors of a mode the function has; 0: none. INTx: 0 or 1. */
unsigned riser__irq_vectors(const struct riser_dev *dev, enum riser_irq_mode mode);

/*
 * Held around the host's intx() and message(), and to be taken by the host around changes of
 * what those look at.
 */
void riser__irq_lock(struct riser_dev *dev);
void riser__irq_unlock(struct riser_dev *dev);

/*
 * For hosts that keep the MSI-X table themselves (VFIO): sets the vector's mask bit; unmasking
 * sends what is pending. The lock must not be held.
 */
void riser__msix_set_masked(struct riser_dev *dev, unsigned vector, bool masked);

/* The level of INTx as the host should see it (Interrupt Disable honoured). Lock held. */
bool riser__intx_level(const struct riser_dev *dev);

/* How many bytes the windows of the device have: a saved state may be that much larger. */
uint64_t riser__pci_windows_size(const struct riser_dev *dev);

#endif
