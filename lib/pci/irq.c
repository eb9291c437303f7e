/* SPDX-License-Identifier: MIT */
/* INTx, MSI and MSI-X: what is raised, what is masked, what is told to the host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "pci/function.h"

enum { ENTRY_CONTROL = 3 }; /* the fourth dword of an MSI-X table entry */

int riser__irq_create(struct riser_dev *dev)
{
	const struct riser_pci_cap *cap = riser__cap_find(dev->desc, RISER_CAP_MSIX);
	struct riser__irq *irq = &dev->pci->irq;

	pthread_mutex_init(&irq->lock, NULL);
	if (!cap)
		return 0;
	irq->msix_count = cap->vectors;
	irq->msix_table = calloc(cap->vectors, sizeof(*irq->msix_table));
	irq->msix_pending = calloc(1, (size_t)riser__msix_pba_size(cap));
	if (!irq->msix_table || !irq->msix_pending)
		return -ENOMEM;
	for (unsigned i = 0; i < irq->msix_count; i++)
		irq->msix_table[i][ENTRY_CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	return 0;
}

void riser__irq_destroy(struct riser_dev *dev)
{
	struct riser__irq *irq = &dev->pci->irq;

	free(irq->msix_table);
	free(irq->msix_pending);
	pthread_mutex_destroy(&irq->lock);
}

void riser__irq_lock(struct riser_dev *dev)
{
	pthread_mutex_lock(&dev->pci->irq.lock);
}

void riser__irq_unlock(struct riser_dev *dev)
{
	pthread_mutex_unlock(&dev->pci->irq.lock);
}

bool riser__intx_level(const struct riser_dev *dev)
{
	const struct riser__irq *irq = &dev->pci->irq;

	return irq->raised_count && irq->mode == RISER_IRQ_INTX && !irq->intx_disabled &&
	       dev->desc->interrupt_pin;
}

static void update_level(struct riser_dev *dev)
{
	struct riser__irq *irq = &dev->pci->irq;
	bool level = riser__intx_level(dev);

	if (level == irq->level)
		return;
	irq->level = level;
	dev->ops->intx(dev->host, level);
}

static void send_msi(struct riser_dev *dev, unsigned vector)
{
	struct riser__irq *irq = &dev->pci->irq;
	uint32_t bit = UINT32_C(1) << vector;

	if (irq->msi_mask & bit) {
		irq->msi_pending |= bit;
		return;
	}
	irq->msi_pending &= ~bit;
	dev->ops->message(dev->host, RISER_IRQ_MSI, vector, irq->msi_address,
			  irq->msi_data | vector);
}

static void send_msix(struct riser_dev *dev, unsigned vector)
{
	struct riser__irq *irq = &dev->pci->irq;
	const uint32_t *entry = irq->msix_table[vector];
	uint64_t bit = UINT64_C(1) << vector % 64;

	if (irq->msix_masked || entry[ENTRY_CONTROL] & PCI_MSIX_ENTRY_CTRL_MASKBIT) {
		irq->msix_pending[vector / 64] |= bit;
		return;
	}
	irq->msix_pending[vector / 64] &= ~bit;
	dev->ops->message(dev->host, RISER_IRQ_MSIX, vector,
			  (uint64_t)entry[1] << 32 | entry[0], entry[2]);
}

static void set_raised(struct riser__irq *irq, unsigned vector, bool raised)
{
	uint64_t bit = UINT64_C(1) << vector % 64;
	uint64_t *word = &irq->raised[vector / 64];

	if (raised == !!(*word & bit))
		return;
	*word ^= bit;
	if (raised)
		irq->raised_count++;
	else
		irq->raised_count--;
}

int riser_irq_raise(struct riser_dev *dev, unsigned vector)
{
	struct riser__irq *irq = &dev->pci->irq;

	if (vector >= dev->desc->vectors) {
		riser_log(dev, RISER_WARN, "interrupt %u raised, but the device has only %u",
			  vector, dev->desc->vectors);
		return -EINVAL;
	}
	riser__irq_lock(dev);
	switch (irq->mode) {
	case RISER_IRQ_MSIX:
		send_msix(dev, vector);
		break;
	case RISER_IRQ_MSI:
		send_msi(dev, vector & (irq->msi_count - 1));
		break;
	case RISER_IRQ_INTX:
		set_raised(irq, vector, true);
		update_level(dev);
		break;
	}
	riser__irq_unlock(dev);
	return 0;
}

int riser_irq_lower(struct riser_dev *dev, unsigned vector)
{
	if (vector >= dev->desc->vectors)
		return -EINVAL;
	riser__irq_lock(dev);
	set_raised(&dev->pci->irq, vector, false);
	update_level(dev);
	riser__irq_unlock(dev);
	return 0;
}

void riser__irq_set_line(struct riser_dev *dev, bool raised)
{
	riser__irq_lock(dev);
	set_raised(&dev->pci->irq, 0, raised);
	update_level(dev);
	riser__irq_unlock(dev);
}

enum riser_irq_mode riser_irq_mode(const struct riser_dev *dev)
{
	enum riser_irq_mode mode;

	riser__irq_lock((struct riser_dev *)dev);
	mode = dev->pci->irq.mode;
	riser__irq_unlock((struct riser_dev *)dev);
	return mode;
}

unsigned riser__irq_vectors(const struct riser_dev *dev, enum riser_irq_mode mode)
{
	const struct riser_pci_cap *cap;

	if (mode == RISER_IRQ_INTX)
		return dev->desc->interrupt_pin ? 1 : 0;
	cap = riser__cap_find(dev->desc,
			      mode == RISER_IRQ_MSI ? RISER_CAP_MSI : RISER_CAP_MSIX);
	return cap ? cap->vectors : 0;
}

static void read_msi(struct riser__pci *pci)
{
	const uint8_t *cap = pci->config + pci->msi;
	unsigned flags = riser__get(cap + PCI_MSI_FLAGS, 2);
	unsigned log2 = (flags & PCI_MSI_FLAGS_QSIZE) >> 4,
		 most = (flags & PCI_MSI_FLAGS_QMASK) >> 1;
	struct riser__irq *irq = &pci->irq;

	irq->mode = RISER_IRQ_MSI;
	irq->msi_count = 1u << (log2 < most ? log2 : most);
	irq->msi_address = riser__get(cap + PCI_MSI_ADDRESS_LO, 4) |
			   (uint64_t)riser__get(cap + PCI_MSI_ADDRESS_HI, 4) << 32;
	irq->msi_data = riser__get(cap + PCI_MSI_DATA_64, 2) & ~(irq->msi_count - 1);
	irq->msi_mask =
		flags & PCI_MSI_FLAGS_MASKBIT ? riser__get(cap + PCI_MSI_MASK_64, 4) : 0;
}

static bool enabled(const struct riser__pci *pci, unsigned cap, unsigned flags, unsigned bit)
{
	return cap && riser__get(pci->config + cap + flags, 2) & bit;
}

static void send_pending(struct riser_dev *dev)
{
	struct riser__irq *irq = &dev->pci->irq;
	uint32_t msi = irq->msi_pending & ~irq->msi_mask;

	if (irq->mode == RISER_IRQ_MSI) {
		for (; msi; msi &= msi - 1)
			send_msi(dev, (unsigned)__builtin_ctz(msi));
	}
	if (irq->mode != RISER_IRQ_MSIX || irq->msix_masked)
		return;
	for (unsigned word = 0; word < (irq->msix_count + 63) / 64; word++) {
		for (uint64_t bits = irq->msix_pending[word]; bits; bits &= bits - 1)
			send_msix(dev, word * 64 + (unsigned)__builtin_ctzll(bits));
	}
}

void riser__irq_update(struct riser_dev *dev)
{
	struct riser__pci *pci = dev->pci;
	struct riser__irq *irq = &pci->irq;

	riser__irq_lock(dev);
	irq->mode = RISER_IRQ_INTX;
	irq->intx_disabled =
		riser__get(pci->config + PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE;
	if (enabled(pci, pci->msi, PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE))
		read_msi(pci);
	if (enabled(pci, pci->msix, PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE))
		irq->mode = RISER_IRQ_MSIX;
	irq->msix_masked = enabled(pci, pci->msix, PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_MASKALL);
	update_level(dev);
	send_pending(dev);
	riser__irq_unlock(dev);
}

void riser__irq_reset(struct riser_dev *dev)
{
	static const uint32_t masked[4] = { [ENTRY_CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT };
	struct riser__irq *irq = &dev->pci->irq;

	riser__irq_lock(dev);
	memset(irq->raised, 0, sizeof(irq->raised));
	irq->raised_count = 0;
	irq->msi_pending = 0;
	for (unsigned i = 0; i < irq->msix_count && !dev->ops->keeps_msix_table; i++)
		memcpy(irq->msix_table[i], masked, sizeof(masked));
	if (irq->msix_count)
		memset(irq->msix_pending, 0, (irq->msix_count + 63u) / 64 * 8);
	update_level(dev);
	riser__irq_unlock(dev);
}

void riser__msix_set_masked(struct riser_dev *dev, unsigned vector, bool masked)
{
	struct riser__irq *irq = &dev->pci->irq;

	if (vector >= irq->msix_count)
		return;
	riser__irq_lock(dev);
	if (masked)
		irq->msix_table[vector][ENTRY_CONTROL] |= PCI_MSIX_ENTRY_CTRL_MASKBIT;
	else
		irq->msix_table[vector][ENTRY_CONTROL] &=
			~(uint32_t)PCI_MSIX_ENTRY_CTRL_MASKBIT;
	send_pending(dev);
	riser__irq_unlock(dev);
}
