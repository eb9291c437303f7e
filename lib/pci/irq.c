/* SPDX-License-Identifier: MIT */
/* INTx, MSI and MSI-X: what is raised, what is masked, what is told to the host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "core/jobs.h"
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
	if (!irq->msix_table)
		return -ENOMEM;
	for (unsigned i = 0; i < irq->msix_count; i++)
		irq->msix_table[i][ENTRY_CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	return 0;
}

void riser__irq_destroy(struct riser_dev *dev)
{
	struct riser__irq *irq = &dev->pci->irq;

	free(irq->msix_table);
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

bool riser__intx_pending(const struct riser_dev *dev)
{
	const struct riser__irq *irq = &dev->pci->irq;

	return irq->raised_count && irq->mode == RISER_IRQ_INTX && !irq->asleep &&
	       dev->desc->interrupt_pin;
}

bool riser__intx_level(const struct riser_dev *dev)
{
	return riser__intx_pending(dev) && !dev->pci->irq.intx_disabled;
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

/* The vectors of a word that share message `number`; messages are a power of two to 32. */
static uint64_t sharing(const struct riser__irq *irq, unsigned number)
{
	return UINT64_MAX / ((UINT64_C(1) << irq->msi_count) - 1) << number;
}

static unsigned word_count(const struct riser_dev *dev)
{
	return (dev->desc->vectors + 63u) / 64;
}

uint32_t riser__msi_pending(const struct riser_dev *dev)
{
	const struct riser__irq *irq = &dev->pci->irq;
	uint64_t all = 0;

	for (unsigned word = 0; word < word_count(dev); word++)
		all |= irq->waiting[word];
	for (unsigned width = 32; width >= irq->msi_count; width /= 2)
		all |= all >> width;
	return irq->mode == RISER_IRQ_MSIX
		       ? 0
		       : (uint32_t)(all & ((UINT64_C(1) << irq->msi_count) - 1));
}

/* The message of a vector that waits, if it may be sent. All that share it are served by it. */
static void send_msi(struct riser_dev *dev, unsigned vector)
{
	struct riser__irq *irq = &dev->pci->irq;
	unsigned number = vector & (irq->msi_count - 1);

	if (!irq->mastering || irq->msi_mask & UINT32_C(1) << number)
		return;
	for (unsigned word = 0; word < word_count(dev); word++)
		irq->waiting[word] &= ~sharing(irq, number);
	dev->ops->message(dev->host, RISER_IRQ_MSI, number, irq->msi_address,
			  irq->msi_data | number);
}

static void send_msix(struct riser_dev *dev, unsigned vector)
{
	struct riser__irq *irq = &dev->pci->irq;
	const uint32_t *entry = irq->msix_table[vector];

	if (!irq->mastering || irq->msix_masked ||
	    entry[ENTRY_CONTROL] & PCI_MSIX_ENTRY_CTRL_MASKBIT)
		return;
	irq->waiting[vector / 64] &= ~(UINT64_C(1) << vector % 64);
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

/* Whether the function's state keeps it back, rather than the guest's masks. */
static bool raise_locked(struct riser_dev *dev, unsigned vector)
{
	struct riser__irq *irq = &dev->pci->irq;

	if (irq->mode == RISER_IRQ_INTX) {
		set_raised(irq, vector, true);
		update_level(dev);
		return irq->asleep && dev->desc->interrupt_pin;
	}
	irq->waiting[vector / 64] |= UINT64_C(1) << vector % 64;
	if (irq->mode == RISER_IRQ_MSIX)
		send_msix(dev, vector);
	else
		send_msi(dev, vector);
	return !irq->mastering;
}

int riser_irq_raise(struct riser_dev *dev, unsigned vector)
{
	struct riser__worker *me;
	bool kept_back;

	if (vector >= dev->desc->vectors) {
		riser_log(dev, RISER_WARN, "interrupt %u raised, but the device has only %u",
			  vector, dev->desc->vectors);
		return -EINVAL;
	}
	if (riser__job_enter(dev, &me))
		return -ECANCELED;
	riser__irq_lock(dev);
	kept_back = raise_locked(dev, vector);
	riser__irq_unlock(dev);
	riser__job_leave(me);
	if (kept_back)
		riser__dev_mistake(dev, RISER__DISABLED, "interrupt %u %s: it has to wait",
				   vector, riser__pci_silence(dev));
	return 0;
}

int riser_irq_lower(struct riser_dev *dev, unsigned vector)
{
	struct riser__irq *irq = &dev->pci->irq;
	struct riser__worker *me;

	if (vector >= dev->desc->vectors)
		return -EINVAL;
	if (riser__job_enter(dev, &me))
		return -ECANCELED;
	riser__irq_lock(dev);
	set_raised(irq, vector, false);
	irq->waiting[vector / 64] &= ~(UINT64_C(1) << vector % 64);
	update_level(dev);
	riser__irq_unlock(dev);
	riser__job_leave(me);
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

static void send_waiting(struct riser_dev *dev)
{
	struct riser__irq *irq = &dev->pci->irq;

	for (unsigned word = 0; irq->mode != RISER_IRQ_INTX && word < word_count(dev); word++) {
		for (uint64_t bits = irq->waiting[word]; bits; bits &= bits - 1) {
			unsigned vector = word * 64 + (unsigned)__builtin_ctzll(bits);

			if (irq->mode == RISER_IRQ_MSIX)
				send_msix(dev, vector);
			else if (irq->waiting[word] & UINT64_C(1) << vector % 64)
				send_msi(dev, vector);
		}
	}
}

void riser__irq_update(struct riser_dev *dev)
{
	struct riser__pci *pci = dev->pci;
	struct riser__irq *irq = &pci->irq;

	riser__irq_lock(dev);
	irq->mode = RISER_IRQ_INTX;
	irq->asleep = pci->asleep;
	irq->mastering = riser__dev_reaches_memory(dev);
	irq->intx_disabled =
		riser__get(pci->config + PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE;
	if (pci->msi)
		read_msi(pci);
	if (enabled(pci, pci->msi, PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE))
		irq->mode = RISER_IRQ_MSI;
	if (enabled(pci, pci->msix, PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE))
		irq->mode = RISER_IRQ_MSIX;
	irq->msix_masked = enabled(pci, pci->msix, PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_MASKALL);
	update_level(dev);
	send_waiting(dev);
	riser__irq_unlock(dev);
}

static void forget(struct riser__irq *irq)
{
	memset(irq->raised, 0, sizeof(irq->raised));
	memset(irq->waiting, 0, sizeof(irq->waiting));
	irq->raised_count = 0;
}

void riser__irq_forget(struct riser_dev *dev)
{
	riser__irq_lock(dev);
	forget(&dev->pci->irq);
	update_level(dev);
	riser__irq_unlock(dev);
}

void riser__irq_reset(struct riser_dev *dev)
{
	static const uint32_t masked[4] = { [ENTRY_CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT };
	struct riser__irq *irq = &dev->pci->irq;

	riser__irq_lock(dev);
	forget(irq);
	for (unsigned i = 0; i < irq->msix_count && !dev->ops->keeps_msix_table; i++)
		memcpy(irq->msix_table[i], masked, sizeof(masked));
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
	send_waiting(dev);
	riser__irq_unlock(dev);
}
