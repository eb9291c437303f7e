/* SPDX-License-Identifier: MIT */
/* The PCI configuration access capability: BARs reached without mapping them (virtio 4.1.4.9).
 */
#include "pci/function.h"
#include "virtio/virtio.h"

/* Whether the driver has named something that may be accessed so. */
static bool named(const struct riser__virtio_regs *regs)
{
	uint32_t length = regs->access_length;

	return regs->access_bar < 6 && (length == 1 || length == 2 || length == 4) &&
	       !(regs->access_offset % length);
}

static uint64_t data_read(struct riser_dev *dev, uint64_t stored)
{
	const struct riser__virtio_regs *regs = &riser__virtio_of(dev)->state->regs;
	uint8_t bytes[4] = { 0 };

	(void)stored;
	if (!named(regs) || riser__function_read(dev, regs->access_bar, regs->access_offset,
						 bytes, regs->access_length))
		return UINT32_MAX;
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static void data_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	const struct riser__virtio_regs *regs = &riser__virtio_of(dev)->state->regs;
	uint8_t bytes[4];

	(void)was;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(now >> (8 * i));
	if (named(regs))
		riser__function_write(dev, regs->access_bar, regs->access_offset, bytes,
				      regs->access_length);
}

#define REG(off, member) RISER_REG(off, struct riser__virtio_regs, member), .rw = RISER_ALL

static const struct riser_reg regs[] = {
	{ REG(4, access_bar) },
	{ REG(8, access_offset) },
	{ REG(12, access_length) },
	{ REG(16, access_data), .on_read = data_read, .on_write = data_written },
};

struct riser_regs riser__virtio_access_regs(void)
{
	return (struct riser_regs)RISER_REGS(regs);
}
