/* SPDX-License-Identifier: MIT */
/* The capabilities' registers at reset, and which of their bits the guest writes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "pci/function.h"

int riser__caps_withhold(struct riser_dev *dev)
{
	const struct riser_pci_cap *cap = dev->desc->caps.base;
	struct riser__pci *pci = dev->pci;
	uint32_t count = 0;

	if (dev->msix || !riser__cap_find(dev->desc, RISER_CAP_MSIX))
		return 0;
	pci->caps = calloc(dev->desc->caps.count, sizeof(*pci->caps));
	if (!pci->caps)
		return -ENOMEM;
	for (uint32_t i = 0; i < dev->desc->caps.count; i++) {
		if (cap[i].kind != RISER_CAP_MSIX)
			pci->caps[count++] = cap[i];
	}
	pci->desc = *dev->desc;
	pci->desc.caps.base = pci->caps;
	pci->desc.caps.count = count;
	dev->desc = &pci->desc;
	return 0;
}

/* A capability being built: its first byte in each of the function's tables. */
struct place {
	uint8_t *reset, *writable, *w1c, *sticky, *link;
};

static void build_pm(const struct place *at, const struct riser_pci_cap *cap)
{
	/* Version 3; D1 and D2 not supported; no PME, so PME_En and PME_Status are 0. */
	riser__put(at->reset + PCI_PM_PMC, 2, 3);
	if (!cap->soft_reset)
		riser__put(at->reset + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET);
	at->writable[PCI_PM_CTRL] = PCI_PM_CTRL_STATE_MASK;
}

static void build_msi(const struct place *at, const struct riser_pci_cap *cap)
{
	unsigned log2 = (unsigned)__builtin_ctz(cap->vectors);
	unsigned flags = PCI_MSI_FLAGS_64BIT | log2 << 1;

	if (!cap->mapped_only)
		flags |= PCI_MSI_FLAGS_MASKBIT;
	riser__put(at->reset + PCI_MSI_FLAGS, 2, flags);
	riser__put(at->writable + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	riser__put(at->writable + PCI_MSI_ADDRESS_LO, 4, 0xfffffffc);
	riser__put(at->writable + PCI_MSI_ADDRESS_HI, 4, 0xffffffff);
	riser__put(at->writable + PCI_MSI_DATA_64, 2, 0xffff);
	if (!cap->mapped_only)
		riser__put(at->writable + PCI_MSI_MASK_64, 4,
			   riser__ones(4) >> (32 - cap->vectors));
}

static void build_msix(const struct place *at, const struct riser_pci_cap *cap)
{
	riser__put(at->reset + PCI_MSIX_FLAGS, 2, cap->vectors - 1u);
	riser__put(at->reset + PCI_MSIX_TABLE, 4, cap->table | cap->bar);
	riser__put(at->reset + PCI_MSIX_PBA, 4, cap->pba | cap->bar);
	riser__put(at->writable + PCI_MSIX_FLAGS, 2,
		   PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
}

static void build_express(const struct place *at, const struct riser_pci_cap *cap)
{
	unsigned type = cap->integrated ? PCI_EXP_TYPE_RC_END : PCI_EXP_TYPE_ENDPOINT;

	riser__put(at->reset + PCI_EXP_FLAGS, 2, 2u | type << 4);
	/* 128-byte payloads, role-based errors, function level reset. */
	riser__put(at->reset + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR);
	riser__put(at->reset + PCI_EXP_DEVCTL, 2,
		   PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN |
			   PCI_EXP_DEVCTL_READRQ_512B);
	/* What is not supported cannot be enabled: large payloads, tags, auxiliary power. */
	riser__put(at->writable + PCI_EXP_DEVCTL, 2,
		   PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
			   PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN |
			   PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ);
	riser__put(at->w1c + PCI_EXP_DEVSTA, 2, 0xf);
	riser__put(at->reset + PCI_EXP_DEVCAP2, 4, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS);
	riser__put(at->writable + PCI_EXP_DEVCTL2, 2, PCI_EXP_DEVCTL2_COMP_TMOUT_DIS);
	if (cap->integrated)
		return;
	/* A 2.5 GT/s x1 link that is up, with data link layer active reporting left out. */
	riser__put(at->reset + PCI_EXP_LNKCAP, 4, PCI_EXP_LNKCAP_SLS_2_5GB | 1u << 4);
	riser__put(at->writable + PCI_EXP_LNKCTL, 2,
		   PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES);
	riser__put(at->link + PCI_EXP_LNKCTL, 2,
		   PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES);
	riser__put(at->reset + PCI_EXP_LNKSTA, 2,
		   PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1);
}

static void build_vendor(const struct place *at, const struct riser_pci_cap *cap)
{
	at->reset[2] = (uint8_t)cap->size;
	if (cap->data)
		memcpy(at->reset + 3, cap->data, cap->size - 3u);
}

/*
 * Which errors are reported how, at reset: PCIe 7.8.4.2 to 7.8.4.7. All of it is sticky. End to
 * end checksums are neither made nor checked.
 */
static void build_aer(const struct place *at)
{
	const uint32_t uncorrectable =
		PCI_ERR_UNC_DLP | PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_FCP |
		PCI_ERR_UNC_COMP_TIME | PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP |
		PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_UNSUP;
	const uint32_t fatal =
		PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP;
	const uint32_t correctable = PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP |
				     PCI_ERR_COR_BAD_DLLP | PCI_ERR_COR_REP_ROLL |
				     PCI_ERR_COR_REP_TIMER | PCI_ERR_COR_ADV_NFAT;

	riser__put(at->w1c + PCI_ERR_UNCOR_STATUS, 4, uncorrectable);
	riser__put(at->writable + PCI_ERR_UNCOR_MASK, 4, uncorrectable);
	riser__put(at->reset + PCI_ERR_UNCOR_SEVER, 4, fatal);
	riser__put(at->writable + PCI_ERR_UNCOR_SEVER, 4, uncorrectable);
	riser__put(at->w1c + PCI_ERR_COR_STATUS, 4, correctable);
	riser__put(at->reset + PCI_ERR_COR_MASK, 4, PCI_ERR_COR_ADV_NFAT);
	riser__put(at->writable + PCI_ERR_COR_MASK, 4, correctable);
	memset(at->sticky + PCI_ERR_UNCOR_STATUS, 0xff, PCI_ERR_CAP - PCI_ERR_UNCOR_STATUS);
}

static void build_ats(const struct place *at)
{
	riser__put(at->reset + PCI_ATS_CAP, 2, PCI_ATS_CAP_PAGE_ALIGNED);
	riser__put(at->writable + PCI_ATS_CTRL, 2, PCI_ATS_CTRL_ENABLE | 0x1f);
}

static void build_pasid(const struct place *at)
{
	riser__put(at->reset + PCI_PASID_CAP, 2, 20u << 8); /* 20 bits wide */
	riser__put(at->writable + PCI_PASID_CTRL, 2, PCI_PASID_CTRL_ENABLE);
}

static void build(struct riser__pci *pci, const struct riser_pci_cap *cap, uint16_t offset)
{
	const struct place at = { pci->reset + offset, pci->writable + offset,
				  pci->w1c + offset, pci->sticky + offset, pci->link + offset };

	switch (cap->kind) {
	case RISER_CAP_PM:
		pci->pm = offset;
		pci->soft_reset = cap->soft_reset;
		build_pm(&at, cap);
		break;
	case RISER_CAP_MSI:
		pci->msi = offset;
		build_msi(&at, cap);
		break;
	case RISER_CAP_MSIX:
		pci->msix = offset;
		pci->msix_cap = cap;
		build_msix(&at, cap);
		break;
	case RISER_CAP_EXPRESS:
		pci->express = offset;
		build_express(&at, cap);
		break;
	case RISER_CAP_VENDOR:
		build_vendor(&at, cap);
		break;
	case RISER_CAP_SERIAL:
		riser__put(at.reset + 4, 8, cap->serial);
		break;
	case RISER_CAP_AER:
		build_aer(&at);
		break;
	case RISER_CAP_ATS:
		build_ats(&at);
		break;
	case RISER_CAP_PASID:
		build_pasid(&at);
		break;
	}
}

/* The ids that open each kind, and the version of the extended ones. */
static const struct {
	uint16_t id;
	uint8_t version; /* 0: a conventional capability */
} ids[] = {
	[RISER_CAP_PM] = { PCI_CAP_ID_PM, 0 },
	[RISER_CAP_MSI] = { PCI_CAP_ID_MSI, 0 },
	[RISER_CAP_MSIX] = { PCI_CAP_ID_MSIX, 0 },
	[RISER_CAP_EXPRESS] = { PCI_CAP_ID_EXP, 0 },
	[RISER_CAP_VENDOR] = { PCI_CAP_ID_VNDR, 0 },
	[RISER_CAP_SERIAL] = { PCI_EXT_CAP_ID_DSN, 1 },
	[RISER_CAP_AER] = { PCI_EXT_CAP_ID_ERR, 2 },
	[RISER_CAP_ATS] = { PCI_EXT_CAP_ID_ATS, 1 },
	[RISER_CAP_PASID] = { PCI_EXT_CAP_ID_PASID, 1 },
};

/* Extended capabilities begin at 100h by definition, so the chain is in order of offsets. */
static uint16_t next_extended(const struct riser_pci_device *desc,
			      const struct riser__layout *layout, uint16_t after)
{
	uint16_t next = 0;

	riser_each(cap, &desc->caps) {
		uint32_t i = riser_index(cap, &desc->caps);

		if (layout->offsets[i] > after && layout->offsets[i] >= 0x100 &&
		    (!next || layout->offsets[i] < next) && ids[cap->kind].version)
			next = layout->offsets[i];
	}
	return next;
}

void riser__caps_build(struct riser__pci *pci, const struct riser_pci_device *desc)
{
	uint8_t *link = pci->reset + PCI_CAPABILITY_LIST;

	riser_each(cap, &desc->caps) {
		uint32_t i = riser_index(cap, &desc->caps);
		uint16_t offset = pci->layout.offsets[i];

		if (ids[cap->kind].version) {
			riser__put(pci->reset + offset, 4,
				   ids[cap->kind].id | (uint32_t)ids[cap->kind].version << 16 |
					   (uint32_t)next_extended(desc, &pci->layout, offset)
						   << 20);
		} else {
			*link = (uint8_t)offset;
			pci->reset[offset] = (uint8_t)ids[cap->kind].id;
			link = pci->reset + offset + 1;
		}
		build(pci, cap, offset);
	}
	/* A chain whose first member was placed elsewhere starts with an empty one. */
	if (!riser__get(pci->reset + 0x100, 4) && pci->express)
		riser__put(pci->reset + 0x100, 4,
			   (uint32_t)next_extended(desc, &pci->layout, 0x100) << 20);
	if (pci->reset[PCI_CAPABILITY_LIST])
		pci->reset[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
}
