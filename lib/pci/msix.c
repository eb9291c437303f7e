/* SPDX-License-Identifier: MIT */
/* The MSI-X table and pending bits as the guest reaches them in a BAR (PCI 6.8.2). */
#include <linux/pci_regs.h>

#include "pci/function.h"

/* Both are made of dwords, and taken as dwords or quadwords. */
static bool bad_access(struct riser_dev *dev, const char *verb, uint64_t offset, unsigned size)
{
	if (size >= 4)
		return false;
	riser__dev_mistake(dev, RISER__WIDTH, "%s of %u bytes in the MSI-X table, at %#llx",
			   verb, size, (unsigned long long)offset);
	return true;
}

static bool within(uint64_t offset, uint64_t start, uint64_t size)
{
	return offset >= start && offset - start < size;
}

static uint32_t read_dword(const struct riser__irq *irq, const struct riser_pci_cap *cap,
			   uint64_t offset)
{
	uint64_t n;

	if (within(offset, cap->table, riser__msix_table_size(cap))) {
		n = (offset - cap->table) / 4;
		return irq->msix_table[n / 4][n % 4];
	}
	n = (offset - cap->pba) / 4;
	return irq->mode == RISER_IRQ_MSI ? 0
					  : (uint32_t)(irq->waiting[n / 2] >> (32 * (n % 2)));
}

bool riser__msix_read(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	const struct riser_pci_cap *cap = dev->pci->msix_cap;
	struct riser__irq *irq = &dev->pci->irq;

	if (!within(offset, cap->table, riser__msix_table_size(cap)) &&
	    !within(offset, cap->pba, riser__msix_pba_size(cap)))
		return false;
	*value = riser__ones(size);
	if (bad_access(dev, "read", offset, size))
		return true;
	riser__irq_lock(dev);
	*value = read_dword(irq, cap, offset);
	if (size == 8)
		*value |= (uint64_t)read_dword(irq, cap, offset + 4) << 32;
	riser__irq_unlock(dev);
	return true;
}

static void write_dword(struct riser_dev *dev, uint64_t index, uint32_t value)
{
	unsigned vector = (unsigned)(index / 4);

	if (index % 4 == 3) {
		riser__msix_set_masked(dev, vector, value & PCI_MSIX_ENTRY_CTRL_MASKBIT);
		return;
	}
	riser__irq_lock(dev);
	dev->pci->irq.msix_table[vector][index % 4] = index % 4 ? value : value & ~3u;
	riser__irq_unlock(dev);
}

bool riser__msix_write(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	const struct riser_pci_cap *cap = dev->pci->msix_cap;
	uint64_t index;

	if (within(offset, cap->pba, riser__msix_pba_size(cap))) {
		riser__dev_mistake(dev, RISER__READ_ONLY, "write to the MSI-X pending bits");
		return true;
	}
	if (!within(offset, cap->table, riser__msix_table_size(cap)))
		return false;
	if (bad_access(dev, "write", offset, size))
		return true;
	index = (offset - cap->table) / 4;
	write_dword(dev, index, (uint32_t)value);
	if (size == 8)
		write_dword(dev, index + 1, (uint32_t)(value >> 32));
	return true;
}
