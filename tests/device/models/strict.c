/* SPDX-License-Identifier: MIT */
/*
 * strict - a PCI function for the library's tests that does what its driver tells it to, also
 * when it may not: DMA by copies and by a mapping that it holds, interrupts, at once and later.
 */
#include <string.h>

#include <riser/riser.h>

enum { LATER };

struct strict {
	uint64_t address;
	uint32_t copy, map, use, unmap, raise, lower, later;
	uint32_t result; /* errno of what was done last */
	struct riser_dma held;
};

static void copy(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct strict *s = riser_state(dev);
	uint32_t word = (uint32_t)now;

	(void)was;
	s->result = (uint32_t)-riser_dma_write(dev, s->address, &word, sizeof(word));
}

static void map(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct strict *s = riser_state(dev);

	(void)now, (void)was;
	s->result = (uint32_t)-riser_dma_map(dev, s->address, sizeof(uint32_t),
					     RISER_DMA_READ | RISER_DMA_WRITE, &s->held);
}

static void use(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct strict *s = riser_state(dev);
	uint32_t word = (uint32_t)now;

	(void)was;
	memcpy(s->held.data, &word, sizeof(word));
}

static void unmap(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct strict *s = riser_state(dev);

	(void)now, (void)was;
	s->result = (uint32_t)-riser_dma_unmap(dev, &s->held);
}

static void raise_one(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	riser_irq_raise(dev, (unsigned)now);
}

static void lower_one(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	riser_irq_lower(dev, (unsigned)now);
}

static void arm(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	riser_timer_arm(dev, LATER, now * 1000);
}

/* A timer that does both. */
static void later(struct riser_dev *dev)
{
	copy(dev, 0x1a7e4, 0);
	riser_irq_raise(dev, 0);
}

static void fini(struct riser_dev *dev)
{
	riser_dma_unmap(dev, &((struct strict *)riser_state(dev))->held);
}

#define REG(off, member) RISER_REG(off, struct strict, member), .rw = RISER_ALL

static const struct riser_reg regs[] = {
	{ REG(0x00, address), .part = 4 },
	{ REG(0x08, copy), .on_write = copy },
	{ REG(0x0c, map), .on_write = map },
	{ REG(0x10, use), .on_write = use },
	{ REG(0x14, unmap), .on_write = unmap },
	{ REG(0x18, raise), .on_write = raise_one },
	{ REG(0x1c, lower), .on_write = lower_one },
	{ REG(0x20, later), .on_write = arm },
	{ RISER_REG(0x24, struct strict, result) },
};
static const struct riser_window windows[] = {
	{ .name = "shared", .size = 4096, .shared = true },
};
static const struct riser_bar bars[] = {
	{ .index = 0, .size = 8192, .regs = RISER_REGS(regs) },
	{ .index = 1, .size = 4096, .windows = RISER_WINDOWS(windows) },
};
static const struct riser_pci_cap caps[] = {
	RISER_PM,
	RISER_MSI(4),
	RISER_MSIX(4, 0, 0x1000, 0x1800),
	RISER_EXPRESS,
};
static const struct riser_timer timers[] = { [LATER] = { "later", later } };

static const struct riser_pci_device strict = {
	.size = sizeof(strict),
	.name = "strict",
	.summary = "does what it is told, allowed or not",
	.id = { .vendor = 0x1234, .device = 0x0001 },
	.interrupt_pin = 1,
	.state_size = sizeof(struct strict),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
	.timers = RISER_TIMERS(timers),
	.fini = fini,
};

RISER_EXPORT(strict);
