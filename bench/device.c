/* SPDX-License-Identifier: MIT-0 */
#include "device.h"

#include <riser/riser.h>

#include "common.h"

struct few {
	uint8_t memory[256];
	uint32_t regs[FEW];
};

struct many {
	uint32_t regs[MANY];
};

static struct riser_dev *made;

static int init(struct riser_dev *dev)
{
	made = dev;
	return 0;
}

struct riser_dev *bench_device(void)
{
	return made;
}

static const struct riser_window windows[] = {
	{ RISER_WINDOW(0, struct few, memory) },
};
static const struct riser_reg few_regs[] = {
	{ RISER_REG_ARRAY(0, struct few, regs), .rw = RISER_ALL },
};
static const struct riser_bar few_bars[] = {
	{ .index = 0, .size = 256, .windows = RISER_WINDOWS(windows) },
	{ .index = REG_BAR, .size = 4096, .regs = RISER_REGS(few_regs) },
};
static const struct riser_pci_cap caps[] = { RISER_MSI(1) };

static const struct riser_pci_device few = {
	.size = sizeof(few),
	.name = "few",
	.id = { .vendor = 0x1234, .device = 1, .class_code = 0x00ff00 },
	.state_size = sizeof(struct few),
	.bars = RISER_BARS(few_bars),
	.caps = RISER_CAPS(caps),
	.init = init,
};

static const struct riser_reg many_regs[] = {
	{ RISER_REG_ARRAY(0, struct many, regs), .rw = RISER_ALL },
};
static const struct riser_bar many_bars[] = {
	{ .index = REG_BAR, .size = 65536, .regs = RISER_REGS(many_regs) },
};

static const struct riser_pci_device many = {
	.size = sizeof(many),
	.name = "many",
	.id = { .vendor = 0x1234, .device = 2, .class_code = 0x00ff00 },
	.state_size = sizeof(struct many),
	.bars = RISER_BARS(many_bars),
};

static struct riser_model *open_model(const struct riser_pci_device *device)
{
	struct riser_export exported = { RISER_ABI, RISER_PCI, device };
	struct riser_model *model;
	struct riser_error error;

	if (riser_model_from_export(exported, &model, &error))
		die(error.text);
	return model;
}

struct riser_model *bench_model(void)
{
	return open_model(&few);
}

struct riser_model *bench_wide_model(void)
{
	return open_model(&many);
}
