/* SPDX-License-Identifier: MIT-0 */
/* a3dev - one buffer of 256 bytes behind two windows: memory and port I/O. */
#include <riser/riser.h>

struct a3dev {
	uint8_t buffer[256];
};

static const struct riser_window windows[] = {
	{ RISER_WINDOW(0, struct a3dev, buffer) },
};

static const struct riser_bar bars[] = {
	{ .index = 0, .size = 256, .windows = RISER_WINDOWS(windows) },
	{ .index = 1, .kind = RISER_IO, .size = 256, .windows = RISER_WINDOWS(windows) },
};

static const struct riser_pci_device a3dev = {
	.size = sizeof(a3dev),
	.name = "a3dev",
	.summary = "arttnba3 test PCI device",
	.id = { .vendor = 0x1234, .device = 0x1919, .revision = 0x81, .class_code = 0x00ff00 },
	.state_size = sizeof(struct a3dev),
	.bars = RISER_BARS(bars),
};

RISER_EXPORT(a3dev);
