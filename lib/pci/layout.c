/* SPDX-License-Identifier: MIT */
/* Places capabilities in configuration space, and checks MSI and MSI-X against the BARs. */
#include "pci/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <linux/pci_regs.h>

static const struct {
	const char *name;
	uint16_t size; /* 0: depends on the line */
	bool extended;
} kinds[] = {
	[RISER_CAP_PM] = { "PM", PCI_PM_SIZEOF, false },
	[RISER_CAP_MSI] = { "MSI", 0, false },
	[RISER_CAP_MSIX] = { "MSIX", PCI_CAP_MSIX_SIZEOF, false },
	[RISER_CAP_EXPRESS] = { "EXPRESS", PCI_CAP_EXP_ENDPOINT_SIZEOF_V2, false },
	[RISER_CAP_VENDOR] = { "VENDOR", 0, false },
	[RISER_CAP_SERIAL] = { "SERIAL", PCI_EXT_CAP_DSN_SIZEOF, true },
	[RISER_CAP_AER] = { "AER", PCI_ERR_ROOT_COMMAND, true },
	[RISER_CAP_ATS] = { "ATS", PCI_EXT_CAP_ATS_SIZEOF, true },
	[RISER_CAP_PASID] = { "PASID", PCI_EXT_CAP_PASID_SIZEOF, true },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

const char *riser__cap_name(enum riser_cap_kind kind)
{
	return kind && (size_t)kind < KINDS ? kinds[kind].name : "unknown";
}

const struct riser_pci_cap *riser__cap_find(const struct riser_pci_device *desc,
					    enum riser_cap_kind kind)
{
	riser_each(cap, &desc->caps) {
		if (cap->kind == kind)
			return cap;
	}
	return NULL;
}

uint16_t riser__layout_message_vectors(const struct riser_pci_device *desc)
{
	const struct riser_pci_cap *cap = riser__cap_find(desc, RISER_CAP_MSIX);

	if (!cap)
		cap = riser__cap_find(desc, RISER_CAP_MSI);
	return cap && cap->vectors ? cap->vectors : 1;
}

static uint16_t cap_size(const struct riser_pci_cap *cap)
{
	if (cap->kind == RISER_CAP_VENDOR)
		return cap->size;
	if (cap->kind == RISER_CAP_MSI)
		return cap->mapped_only ? 0x10 : 0x18;
	return kinds[cap->kind].size;
}

/* Marks the dwords of [offset, offset + size); false if one is taken. */
static bool claim(uint8_t *taken, unsigned offset, unsigned size)
{
	for (unsigned i = offset / 4; i < (offset + size + 3) / 4; i++) {
		if (taken[i])
			return false;
	}
	for (unsigned i = offset / 4; i < (offset + size + 3) / 4; i++)
		taken[i] = 1;
	return true;
}

/* The place of one capability, or 0. Lines with an offset of their own are placed first. */
static unsigned place(uint8_t *taken, const struct riser_pci_cap *cap, bool express)
{
	bool extended = kinds[cap->kind].extended;
	unsigned first = extended ? 0x100 : 0x40, end = extended ? 0x1000 : 0x100;
	unsigned size = cap_size(cap);

	if (extended && !express)
		return 0;
	if (cap->offset) {
		if (cap->offset % 4 || cap->offset < first || cap->offset + size > end)
			return 0;
		return claim(taken, cap->offset, size) ? cap->offset : 0;
	}
	for (unsigned at = first; at + size <= end; at += 4) {
		if (claim(taken, at, size))
			return at;
	}
	return 0;
}

static int check_kinds(const struct riser_pci_device *desc, struct riser_error *error)
{
	if (desc->caps.count > RISER__CAPS_MAX)
		return riser__fail(error, -EINVAL, "%s: %u capabilities; at most %d are taken",
				   desc->name, desc->caps.count, RISER__CAPS_MAX);
	riser_each(cap, &desc->caps) {
		uint32_t i = riser_index(cap, &desc->caps);

		if (!cap->kind || (size_t)cap->kind >= KINDS)
			return riser__fail(error, -EINVAL,
					   "%s: capability %u is of no known kind (%d)",
					   desc->name, i, (int)cap->kind);
		if (cap->kind != RISER_CAP_VENDOR && riser__cap_find(desc, cap->kind) != cap)
			return riser__fail(error, -EINVAL, "%s: capability %u: a second %s",
					   desc->name, i, riser__cap_name(cap->kind));
		if (cap->kind == RISER_CAP_VENDOR && (cap->size < 4 || cap->size > 0xc0))
			return riser__fail(
				error, -EINVAL,
				"%s: capability %u: a VENDOR one is 4 to 192 bytes, not %u",
				desc->name, i, cap->size);
	}
	return 0;
}

int riser__layout_place(const struct riser_pci_device *desc, struct riser__layout *layout,
			struct riser_error *error)
{
	bool express = riser__cap_find(desc, RISER_CAP_EXPRESS);
	uint8_t taken[RISER__CONFIG_MAX / 4] = { 0 };
	int ret = check_kinds(desc, error);

	if (ret)
		return ret;
	layout->config_size = express ? RISER__CONFIG_MAX : 256;
	for (int fixed = 1; fixed >= 0; fixed--) {
		riser_each(cap, &desc->caps) {
			uint32_t i = riser_index(cap, &desc->caps);

			if ((cap->offset != 0) != fixed)
				continue;
			layout->offsets[i] = (uint16_t)place(taken, cap, express);
			if (!layout->offsets[i])
				return riser__fail(
					error, -EINVAL,
					"%s: capability %u (%s, %u bytes) does not fit%s%s",
					desc->name, i, riser__cap_name(cap->kind),
					cap_size(cap),
					cap->offset ? " at its offset" : " any more",
					kinds[cap->kind].extended && !express
						? ": extended ones need RISER_EXPRESS"
						: "");
		}
	}
	return 0;
}

static const struct riser_bar *bar_of(const struct riser_pci_device *desc, unsigned index)
{
	riser_each(bar, &desc->bars) {
		if (bar->index == index)
			return bar;
	}
	return NULL;
}

struct range {
	uint64_t at, size;
	const char *name;
};

static bool meet(const struct range *a, uint64_t at, uint64_t size)
{
	return a->at < at ? at - a->at < a->size : a->at - at < size;
}

static int check_msix_range(const struct riser_pci_device *desc, const struct riser_bar *bar,
			    const struct range *range, struct riser_error *error)
{
	if (range->at % 8)
		return riser__fail(error, -EINVAL,
				   "%s: the MSI-X %s at %#" PRIx64
				   " must lie at a multiple of 8",
				   desc->name, range->name, range->at);
	if (range->at > bar->size || range->size > bar->size - range->at)
		return riser__fail(error, -EINVAL,
				   "%s: the MSI-X %s (%" PRIu64 " bytes at %#" PRIx64
				   ") must lie inside BAR%u",
				   desc->name, range->name, range->size, range->at, bar->index);
	riser_each(reg, &bar->regs) {
		uint64_t span = (uint64_t)(reg->count - 1) * reg->stride + reg->width;

		if (meet(range, reg->offset, span))
			return riser__fail(error, -EINVAL,
					   "%s: the MSI-X %s overlaps register '%s'",
					   desc->name, range->name, reg->name);
	}
	riser_each(window, &bar->windows) {
		if (meet(range, window->offset, window->size))
			return riser__fail(error, -EINVAL,
					   "%s: the MSI-X %s overlaps window '%s'", desc->name,
					   range->name, window->name);
	}
	return 0;
}

static int check_msix(const struct riser_pci_device *desc, struct riser_error *error)
{
	const struct riser_pci_cap *cap = riser__cap_find(desc, RISER_CAP_MSIX);
	const struct riser_bar *bar;
	struct range table, pba;
	int ret;

	if (!cap)
		return 0;
	bar = bar_of(desc, cap->bar);
	if (!bar || bar->kind == RISER_IO)
		return riser__fail(error, -EINVAL,
				   "%s: MSI-X names BAR%u, which is no memory BAR", desc->name,
				   cap->bar);
	if (!cap->vectors || cap->vectors > 2048)
		return riser__fail(error, -EINVAL, "%s: MSI-X has 1 to 2048 vectors, not %u",
				   desc->name, cap->vectors);
	if ((cap->table | cap->pba) >> 32)
		return riser__fail(error, -EINVAL,
				   "%s: MSI-X: .table and .pba have at most 32 bits",
				   desc->name);
	table = (struct range){ cap->table, riser__msix_table_size(cap), "table" };
	pba = (struct range){ cap->pba, riser__msix_pba_size(cap), "pending bits" };
	ret = check_msix_range(desc, bar, &table, error);
	if (!ret)
		ret = check_msix_range(desc, bar, &pba, error);
	if (!ret && meet(&table, pba.at, pba.size))
		ret = riser__fail(error, -EINVAL,
				  "%s: the MSI-X table and pending bits overlap", desc->name);
	return ret;
}

static int check_msi(const struct riser_pci_device *desc, struct riser_error *error)
{
	const struct riser_pci_cap *cap = riser__cap_find(desc, RISER_CAP_MSI);

	if (cap && (!cap->vectors || cap->vectors & (cap->vectors - 1) || cap->vectors > 32))
		return riser__fail(error, -EINVAL,
				   "%s: MSI has 1, 2, 4, 8, 16 or 32 vectors, not %u",
				   desc->name, cap->vectors);
	return 0;
}

int riser__layout_check(const struct riser_pci_device *desc, struct riser_error *error)
{
	struct riser__layout layout;
	int ret = riser__layout_place(desc, &layout, error);

	if (!ret)
		ret = check_msi(desc, error);
	if (!ret)
		ret = check_msix(desc, error);
	return ret ? ret : riser__vectors_check(desc, error);
}
