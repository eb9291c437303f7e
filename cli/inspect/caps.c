/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "inspect/inspect.h"

static uint32_t get(struct riser_host *host, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	riser_host_config_read(host, offset, size, &value);
	return value;
}

static char sign(uint32_t bits)
{
	return bits ? '+' : '-';
}

static char *pm(struct riser_host *host, unsigned at)
{
	uint32_t control = get(host, at + PCI_PM_CTRL, 2);

	return text("Power Management version %u, D%u, NoSoftRst%c",
		    get(host, at + PCI_PM_PMC, 2) & PCI_PM_CAP_VER_MASK,
		    control & PCI_PM_CTRL_STATE_MASK,
		    sign(control & PCI_PM_CTRL_NO_SOFT_RESET));
}

static char *msi(struct riser_host *host, unsigned at)
{
	uint32_t flags = get(host, at + PCI_MSI_FLAGS, 2);

	return text("MSI: Enable%c Count=%u/%u Maskable%c 64bit%c",
		    sign(flags & PCI_MSI_FLAGS_ENABLE),
		    1u << ((flags & PCI_MSI_FLAGS_QSIZE) >> 4),
		    1u << ((flags & PCI_MSI_FLAGS_QMASK) >> 1),
		    sign(flags & PCI_MSI_FLAGS_MASKBIT), sign(flags & PCI_MSI_FLAGS_64BIT));
}

static char *msix(struct riser_host *host, unsigned at)
{
	uint32_t flags = get(host, at + PCI_MSIX_FLAGS, 2);
	uint32_t table = get(host, at + PCI_MSIX_TABLE, 4),
		 pba = get(host, at + PCI_MSIX_PBA, 4);

	return text(
		"MSI-X: Enable%c Count=%u Masked%c, table BAR%u+0x%x, pending bits BAR%u+0x%x",
		sign(flags & PCI_MSIX_FLAGS_ENABLE), (flags & PCI_MSIX_FLAGS_QSIZE) + 1,
		sign(flags & PCI_MSIX_FLAGS_MASKALL), table & 7, table & ~7u, pba & 7,
		pba & ~7u);
}

static char *express(struct riser_host *host, unsigned at)
{
	uint32_t flags = get(host, at + PCI_EXP_FLAGS, 2),
		 cap = get(host, at + PCI_EXP_DEVCAP, 4);
	unsigned type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;

	return text(
		"Express (v%u) %s, FLReset%c, MaxPayload %u bytes", flags & PCI_EXP_FLAGS_VERS,
		type == PCI_EXP_TYPE_RC_END ? "Root Complex Integrated Endpoint" : "Endpoint",
		sign(cap & PCI_EXP_DEVCAP_FLR), 128u << (cap & PCI_EXP_DEVCAP_PAYLOAD));
}

/* Virtio's own (virtio 4.1.4) are told from the device's ID. */
static char *virtio(struct riser_host *host, unsigned at)
{
	static const char *const types[] = {
		[VIRTIO_PCI_CAP_COMMON_CFG] = "CommonCfg",
		[VIRTIO_PCI_CAP_NOTIFY_CFG] = "Notify",
		[VIRTIO_PCI_CAP_ISR_CFG] = "ISR",
		[VIRTIO_PCI_CAP_DEVICE_CFG] = "DeviceCfg",
		[VIRTIO_PCI_CAP_PCI_CFG] = "PciCfg",
	};
	uint32_t type = get(host, at + VIRTIO_PCI_CAP_CFG_TYPE, 1);
	const char *name = type < sizeof(types) / sizeof(*types) ? types[type] : NULL;

	return text("Virtio %s: BAR%u+0x%x, %u bytes", name ? name : "of an unknown type",
		    get(host, at + VIRTIO_PCI_CAP_BAR, 1),
		    get(host, at + VIRTIO_PCI_CAP_OFFSET, 4),
		    get(host, at + VIRTIO_PCI_CAP_LENGTH, 4));
}

static char *vendor(struct riser_host *host, unsigned at)
{
	if (virtio_id(host))
		return virtio(host, at);
	return text("Vendor Specific Information: Len=%02x", get(host, at + 2, 1));
}

static char *serial(struct riser_host *host, unsigned at)
{
	return text("Device Serial Number %08x%08x", get(host, at + 8, 4),
		    get(host, at + 4, 4));
}

static char *aer(struct riser_host *host, unsigned at)
{
	return text("Advanced Error Reporting: UESta %08x, CESta %08x",
		    get(host, at + PCI_ERR_UNCOR_STATUS, 4),
		    get(host, at + PCI_ERR_COR_STATUS, 4));
}

static char *ats(struct riser_host *host, unsigned at)
{
	return text("Address Translation Service: Enable%c",
		    sign(get(host, at + PCI_ATS_CTRL, 2) & PCI_ATS_CTRL_ENABLE));
}

static char *pasid(struct riser_host *host, unsigned at)
{
	return text("Process Address Space ID: width %u, Enable%c",
		    get(host, at + PCI_PASID_CAP, 2) >> 8 & 0x1f,
		    sign(get(host, at + PCI_PASID_CTRL, 2) & PCI_PASID_CTRL_ENABLE));
}

static const struct {
	unsigned id;
	bool extended;
	char *(*words)(struct riser_host *host, unsigned at);
} known[] = {
	{ PCI_CAP_ID_PM, false, pm },	       { PCI_CAP_ID_MSI, false, msi },
	{ PCI_CAP_ID_MSIX, false, msix },      { PCI_CAP_ID_EXP, false, express },
	{ PCI_CAP_ID_VNDR, false, vendor },    { PCI_EXT_CAP_ID_DSN, true, serial },
	{ PCI_EXT_CAP_ID_ERR, true, aer },     { PCI_EXT_CAP_ID_ATS, true, ats },
	{ PCI_EXT_CAP_ID_PASID, true, pasid },
};

static void tell(struct riser_host *host, unsigned at, unsigned id, bool extended,
		 void (*each)(void *arg, unsigned offset, const char *words), void *arg)
{
	char *words = NULL;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known) && !words; i++) {
		if (known[i].id == id && known[i].extended == extended)
			words = known[i].words(host, at);
	}
	if (!words)
		words = text("%sapability with id %#x", extended ? "Extended c" : "C", id);
	each(arg, at, words);
	free(words);
}

void caps_each(struct riser_host *host,
	       void (*each)(void *arg, unsigned offset, const char *words), void *arg)
{
	unsigned at = get(host, PCI_CAPABILITY_LIST, 1) & 0xfc;

	for (unsigned i = 0; at >= 0x40 && i < 48; i++, at = get(host, at + 1, 1) & 0xfc)
		tell(host, at, get(host, at, 1), false, each, arg);
	if (riser_host_config_size(host) <= 256)
		return;
	at = 0x100;
	for (unsigned i = 0; at >= 0x100 && i < 960; i++, at = get(host, at, 4) >> 20 & 0xffc) {
		if (get(host, at, 4))
			tell(host, at, get(host, at, 4) & 0xffff, true, each, arg);
	}
}
