/* SPDX-License-Identifier: MIT */
/* A device that does not come back from what it is asked for: register 0 takes for ever. */
#include <unistd.h>

#include <riser/riser.h>

struct stuck {
	uint32_t wait;
};

static void wait_for_ever(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)dev, (void)now, (void)was;
	for (;;)
		pause();
}

static const struct riser_reg regs[] = {
	{ RISER_REG(0, struct stuck, wait), .rw = UINT32_MAX, .on_write = wait_for_ever },
};
static const struct riser_bar bars[] = {
	{ .index = 0, .size = 4096, .regs = RISER_REGS(regs) },
};

static const struct riser_pci_device stuck = {
	.size = sizeof(stuck),
	.name = "stuck",
	.id = { .vendor = 0x1234, .device = 0x00b7, .class_code = 0x00ff00 },
	.state_size = sizeof(struct stuck),
	.bars = RISER_BARS(bars),
};

RISER_EXPORT(stuck);
