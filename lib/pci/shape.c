/* SPDX-License-Identifier: MIT */
/* What a guest has seen of a function and goes by, as lines of text: for saved states. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/buffer.h"
#include "pci/function.h"

/* FNV-1a: it tells contents apart, it does not guard them. */
static uint32_t sum(const uint8_t *bytes, size_t size)
{
	uint32_t hash = 0x811c9dc5;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x01000193;
	return hash;
}

static void add_identity(struct riser__buffer *out, const struct riser_pci_device *desc)
{
	const struct riser_pci_id *id = &desc->id;

	riser__buffer_add_line(
		out, "identity %04x:%04x, subsystem %04x:%04x, class %06x, revision %02x",
		id->vendor, id->device, id->subvendor, id->subdevice, id->class_code,
		id->revision);
	if (desc->interrupt_pin)
		riser__buffer_add_line(out, "interrupt pin INT%c",
				       'A' + desc->interrupt_pin - 1);
	else
		riser__buffer_add_line(out, "no interrupt pin");
	riser__buffer_add_line(out, "%u interrupts", desc->vectors);
}

static void add_bars(struct riser__buffer *out, const struct riser__pci *pci)
{
	static const char *const kinds[] = { [RISER_MEM32] = "32-bit memory",
					     [RISER_MEM64] = "64-bit memory",
					     [RISER_IO] = "I/O" };

	for (unsigned i = 0; i < 6; i++) {
		const struct riser_bar *bar = pci->bars[i].desc;

		if (bar)
			riser__buffer_add_line(out, "BAR%u of %" PRIu64 " bytes of %s%s", i,
					       bar->size, kinds[bar->kind],
					       bar->prefetchable ? ", prefetchable" : "");
	}
	if (pci->rom_size)
		riser__buffer_add_line(out, "ROM of %" PRIu64 " bytes", pci->rom_size);
}

/* What the kind's members say; the rest of it follows from the kind. */
static void describe_cap(char *to, size_t size, const struct riser_pci_cap *cap)
{
	*to = '\0';
	if (cap->kind == RISER_CAP_MSI)
		snprintf(to, size, ", %u vectors%s", cap->vectors,
			 cap->mapped_only ? " without masks" : "");
	else if (cap->kind == RISER_CAP_MSIX)
		snprintf(to, size,
			 ", %u vectors, table at BAR%u+%#" PRIx64 ", pending bits at %#" PRIx64,
			 cap->vectors, cap->bar, cap->table, cap->pba);
	else if (cap->kind == RISER_CAP_PM && cap->soft_reset)
		snprintf(to, size, ", reset on the way to D0");
	else if (cap->kind == RISER_CAP_EXPRESS && cap->integrated)
		snprintf(to, size, ", integrated");
	else if (cap->kind == RISER_CAP_SERIAL)
		snprintf(to, size, ", number %016" PRIx64, cap->serial);
	else if (cap->kind == RISER_CAP_VENDOR)
		snprintf(to, size, ", %u bytes, content %08x", cap->size,
			 cap->data ? sum(cap->data, cap->size - 3u) : 0);
}

int riser__pci_add_shape(struct riser_dev *dev, struct riser__buffer *out)
{
	char more[100];

	add_identity(out, dev->desc);
	add_bars(out, dev->pci);
	riser_each(cap, &dev->desc->caps) {
		uint32_t i = riser_index(cap, &dev->desc->caps);

		describe_cap(more, sizeof(more), cap);
		riser__buffer_add_line(out, "%s at %#x%s", riser__cap_name(cap->kind),
				       dev->pci->layout.offsets[i], more);
	}
	return out->failed ? -ENOMEM : 0;
}
