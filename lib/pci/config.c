/* SPDX-License-Identifier: MIT */
/* Configuration space of a type 0 function. */
#include <string.h>
#include <linux/pci_regs.h>

#include "pci/function.h"

static void build_identity(struct riser__pci *pci, const struct riser_pci_device *desc)
{
	bool express = riser__cap_find(desc, RISER_CAP_EXPRESS);
	uint8_t *c = pci->reset;

	riser__put(c + PCI_VENDOR_ID, 2, desc->id.vendor);
	riser__put(c + PCI_DEVICE_ID, 2, desc->id.device);
	c[PCI_REVISION_ID] = desc->id.revision;
	riser__put(c + PCI_CLASS_PROG, 3, desc->id.class_code);
	riser__put(c + PCI_SUBSYSTEM_VENDOR_ID, 2, desc->id.subvendor);
	riser__put(c + PCI_SUBSYSTEM_ID, 2, desc->id.subdevice);
	c[PCI_INTERRUPT_PIN] = desc->interrupt_pin;
	riser__put(pci->writable + PCI_COMMAND, 2,
		   PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
			   (desc->interrupt_pin ? PCI_COMMAND_INTX_DISABLE : 0));
	riser__put(pci->w1c + PCI_STATUS, 2,
		   PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT |
			   PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT |
			   PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY);
	pci->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	/* A master's on a bus, in units of 8 clocks; hardwired to 0 on a link (PCIe 7.5.1.1.8).
	 */
	pci->writable[PCI_LATENCY_TIMER] = express ? 0 : 0xf8;
	pci->writable[PCI_INTERRUPT_LINE] = desc->interrupt_pin ? 0xff : 0;
}

/* The bits that hold an address are the ones above the size: writing all ones shows it. */
static void build_bar(struct riser__pci *pci, const struct riser_bar *bar)
{
	unsigned at = PCI_BASE_ADDRESS_0 + 4u * bar->index;
	uint64_t mask = ~(bar->size - 1);
	uint8_t type = bar->kind == RISER_IO ? PCI_BASE_ADDRESS_SPACE_IO : 0;

	if (bar->kind == RISER_MEM64)
		type |= PCI_BASE_ADDRESS_MEM_TYPE_64;
	if (bar->prefetchable)
		type |= PCI_BASE_ADDRESS_MEM_PREFETCH;
	pci->reset[at] = type;
	riser__put(pci->writable + at, bar->kind == RISER_MEM64 ? 8 : 4, mask);
	pci->writable[PCI_COMMAND] |=
		bar->kind == RISER_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
}

void riser__config_build(struct riser_dev *dev)
{
	struct riser__pci *pci = dev->pci;

	build_identity(pci, dev->desc);
	riser_each(bar, &dev->desc->bars)
		build_bar(pci, bar);
	if (pci->rom_size) {
		riser__put(pci->writable + PCI_ROM_ADDRESS, 4,
			   ~(pci->rom_size - 1) | PCI_ROM_ADDRESS_ENABLE);
		pci->writable[PCI_COMMAND] |= PCI_COMMAND_MEMORY;
	}
	riser__caps_build(pci, dev->desc);
}

void riser__config_integrate(struct riser_dev *dev)
{
	static const struct {
		uint8_t at, size;
	} link[] = { { PCI_EXP_LNKCAP, 4 },  { PCI_EXP_LNKCTL, 2 },  { PCI_EXP_LNKSTA, 2 },
		     { PCI_EXP_LNKCAP2, 4 }, { PCI_EXP_LNKCTL2, 2 }, { PCI_EXP_LNKSTA2, 2 } };
	struct riser__pci *pci = dev->pci;
	unsigned at = pci->express;
	uint32_t flags = riser__get(pci->reset + at + PCI_EXP_FLAGS, 2);

	if (!at || (flags & PCI_EXP_FLAGS_TYPE) >> 4 != PCI_EXP_TYPE_ENDPOINT)
		return;
	riser__put(pci->reset + at + PCI_EXP_FLAGS, 2,
		   (flags & ~(uint32_t)PCI_EXP_FLAGS_TYPE) | PCI_EXP_TYPE_RC_END << 4);
	for (unsigned i = 0; i < sizeof(link) / sizeof(*link); i++) {
		memset(pci->reset + at + link[i].at, 0, link[i].size);
		memset(pci->writable + at + link[i].at, 0, link[i].size);
		memset(pci->link + at + link[i].at, 0, link[i].size);
	}
	memcpy(pci->config + at, pci->reset + at, PCI_EXP_LNKSTA2 + 2);
}

/* A function in any state but D0 answers configuration accesses only (PCI-PM 5.4). */
static bool sleeps(const struct riser__pci *pci)
{
	return pci->pm && pci->config[pci->pm + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK;
}

void riser__config_changed(struct riser_dev *dev)
{
	struct riser__pci *pci = dev->pci;
	bool was = riser__dev_reaches_memory(dev), now;

	pci->asleep = sleeps(pci);
	now = pci->config[PCI_COMMAND] & PCI_COMMAND_MASTER && !pci->asleep;
	atomic_store_explicit(&dev->reaches_memory, now, memory_order_relaxed);
	/* What a message speaks of has to be in memory before it: memory comes first. */
	if (now && !was)
		riser__pci_set_master(dev, true);
	riser__irq_update(dev);
	if (was && !now)
		riser__pci_set_master(dev, false);
}

void riser__config_reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct riser__pci *pci = dev->pci;

	for (unsigned i = 0; i < pci->config_size; i++) {
		uint8_t kept = kind == RISER_RESET_POWER_ON ? 0 : pci->sticky[i];

		kept |= kind == RISER_RESET_FUNCTION ? pci->link[i] : 0;
		pci->config[i] = (uint8_t)((pci->reset[i] & ~kept) | (pci->config[i] & kept));
	}
}

/* The register of a vendor-specific capability that holds the byte at `offset`, or NULL. */
static const struct riser__slot *vendor_slot(struct riser_dev *dev, uint64_t offset,
					     struct riser__regmap **map, uint64_t *start)
{
	const struct riser_pci_cap *cap = dev->desc->caps.base;

	for (uint32_t i = 0; i < dev->desc->caps.count; i++) {
		*start = dev->pci->layout.offsets[i];
		*map = dev->pci->vendor[i];
		if (*map && offset >= *start && offset - *start < cap[i].size)
			return riser__regmap_find(*map, offset - *start);
	}
	return NULL;
}

/* The largest naturally aligned access at `offset` that stays in `length` and in the register.
 */
static unsigned piece(const struct riser__slot *slot, uint64_t offset, size_t length)
{
	unsigned size = slot->reg->width;

	while (size > length || offset & (size - 1))
		size /= 2;
	return size;
}

/* Pending bits and Interrupt Status are live; the rest is in the bytes. */
static void refresh(struct riser_dev *dev)
{
	struct riser__pci *pci = dev->pci;
	bool asserted;

	riser__irq_lock(dev);
	asserted = riser__intx_pending(dev);
	if (pci->msi &&
	    pci->config[pci->msi + PCI_MSI_FLAGS + 1] & (PCI_MSI_FLAGS_MASKBIT >> 8))
		riser__put(pci->config + pci->msi + PCI_MSI_PENDING_64, 4,
			   riser__msi_pending(dev));
	riser__irq_unlock(dev);
	pci->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
	if (asserted)
		pci->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
}

void riser__config_read(struct riser_dev *dev, uint64_t offset, uint8_t *to, size_t length)
{
	struct riser__regmap *map;
	uint64_t start;

	refresh(dev);
	while (length) {
		const struct riser__slot *slot = vendor_slot(dev, offset, &map, &start);
		unsigned size = slot ? piece(slot, offset - start, length) : 1;

		if (slot)
			riser__put(to, size, riser__reg_read(dev, slot, offset - start, size));
		else
			*to = dev->pci->config[offset];
		offset += size;
		to += size;
		length -= size;
	}
}

/* A state that the function does not have is not taken (PCI-PM 3.2.4). */
static bool has_power_state(const struct riser__pci *pci, unsigned state)
{
	uint32_t pmc = riser__get(pci->reset + pci->pm + PCI_PM_PMC, 2);

	return (state != 1 || pmc & PCI_PM_CAP_D1) && (state != 2 || pmc & PCI_PM_CAP_D2);
}

static void write_byte(struct riser__pci *pci, uint64_t offset, uint8_t value)
{
	uint8_t writable = pci->writable[offset], now;

	if (pci->pm && offset == (unsigned)pci->pm + PCI_PM_CTRL &&
	    !has_power_state(pci, value & PCI_PM_CTRL_STATE_MASK))
		writable &= (uint8_t)~PCI_PM_CTRL_STATE_MASK;
	now = (uint8_t)((pci->config[offset] & ~writable) | (value & writable));
	pci->config[offset] = (uint8_t)(now & ~(value & pci->w1c[offset]));
}

static uint64_t little_endian(const uint8_t *from, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)from[i] << (8 * i);
	return value;
}

void riser__config_write(struct riser_dev *dev, uint64_t offset, const uint8_t *from,
			 size_t length)
{
	struct riser__pci *pci = dev->pci;
	struct riser__regmap *map;
	unsigned reset_at = (unsigned)pci->express + PCI_EXP_DEVCTL + 1;
	bool reset = false;
	uint64_t start;

	while (length) {
		const struct riser__slot *slot = vendor_slot(dev, offset, &map, &start);
		unsigned size = slot ? piece(slot, offset - start, length) : 1;

		if (slot)
			riser__reg_write(dev, map, slot, offset - start, size,
					 little_endian(from, size));
		else
			write_byte(pci, offset, *from);
		if (pci->express && offset == reset_at)
			reset = *from & (PCI_EXP_DEVCTL_BCR_FLR >> 8);
		offset += size;
		from += size;
		length -= size;
	}
	if (reset || (pci->asleep && pci->soft_reset && !sleeps(pci)))
		riser__dev_reset(dev, RISER_RESET_FUNCTION);
	else
		riser__config_changed(dev);
}
