/* SPDX-License-Identifier: MIT */
/* The rules of a line of .caps for itself, and how many interrupts a function may have. */
#include <errno.h>

#include "pci/layout.h"

enum { VENDOR_HEADER = 3 }; /* id, next and length (PCI 6.7) */

#define refuse(...) riser__fail(error, -EINVAL, __VA_ARGS__)

/* The first member that says something and is not this kind's, or NULL. */
static const char *stray_member(const struct riser_pci_cap *cap)
{
	bool msi = cap->kind == RISER_CAP_MSI, msix = cap->kind == RISER_CAP_MSIX;
	bool vendor = cap->kind == RISER_CAP_VENDOR;
	const struct {
		const char *name;
		bool set, belongs;
	} members[] = {
		{ ".vectors", cap->vectors, msi || msix },
		{ ".bar", cap->bar, msix },
		{ ".integrated", cap->integrated, cap->kind == RISER_CAP_EXPRESS },
		{ ".mapped_only", cap->mapped_only, msi },
		{ ".soft_reset", cap->soft_reset, cap->kind == RISER_CAP_PM },
		{ ".size", cap->size, vendor },
		{ ".table", cap->table, msix },
		{ ".pba", cap->pba, msix },
		{ ".serial", cap->serial, cap->kind == RISER_CAP_SERIAL },
		{ ".data", cap->data, vendor },
		{ ".regs", cap->regs.count, vendor },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (members[i].set && !members[i].belongs)
			return members[i].name;
	}
	return NULL;
}

static int check_header(const struct riser_pci_device *desc, uint32_t line,
			struct riser_error *error)
{
	const struct riser_pci_cap *cap = &desc->caps.base[line];

	riser_each(reg, &cap->regs) {
		if (reg->offset < VENDOR_HEADER)
			return refuse("%s: capability %u register '%s' is in the capability's "
				      "header, its first %d bytes",
				      desc->name, line, reg->name, VENDOR_HEADER);
	}
	return 0;
}

static int check_offset(const struct riser_pci_device *desc, uint32_t line,
			struct riser_error *error)
{
	const struct riser_pci_cap *cap = &desc->caps.base[line];

	if (cap->offset % 4)
		return refuse("%s: capability %u: .offset %#x is not a multiple of 4",
			      desc->name, line, cap->offset);
	return 0;
}

int riser__caps_check(const struct riser_pci_device *desc, struct riser_error *error)
{
	const struct riser_pci_cap *cap = desc->caps.base;
	int ret = 0;

	for (uint32_t i = 0; i < desc->caps.count && !ret; i++) {
		const char *stray = stray_member(&cap[i]);

		if (stray)
			return refuse("%s: capability %u: %s says nothing of %s", desc->name, i,
				      stray, riser__cap_name(cap[i].kind));
		ret = check_offset(desc, i, error);
		if (!ret)
			ret = check_header(desc, i, error);
	}
	return ret;
}

/*
 * Each has a message of its own, or shares INTx as the only one. Messages of MSI are shared
 * where there are fewer (PCI 6.8.3.4); a vector of MSI-X without an entry would have none.
 */
int riser__vectors_check(const struct riser_pci_device *desc, struct riser_error *error)
{
	const struct riser_pci_cap *msi = riser__cap_find(desc, RISER_CAP_MSI);
	const struct riser_pci_cap *msix = riser__cap_find(desc, RISER_CAP_MSIX);
	unsigned most = riser__layout_message_vectors(desc);

	if (desc->vectors <= most)
		return 0;
	return refuse("%s: .vectors is %u, but it has %u at most: %s", desc->name,
		      desc->vectors, most,
		      msix  ? "those of its MSI-X"
		      : msi ? "those of its MSI"
			    : "INTx is one");
}
