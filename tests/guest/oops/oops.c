/* SPDX-License-Identifier: MIT-0 */
/* oops - a device whose driver is broken. */
#include <riser/riser.h>

static const struct riser_pci_device oops = {
	.size = sizeof(oops),
	.name = "oops",
	.id = { .vendor = 0x1234, .device = 0x00b5, .class_code = 0x00ff00 },
};

RISER_EXPORT(oops);
