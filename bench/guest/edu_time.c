// SPDX-License-Identifier: GPL-2.0-only
/*
 * edu_time - how long a guest's accesses to an edu take: to QEMU's own, or to Riser's. A line a
 * round in the kernel's log: ns of a read, of a posted write, of an interrupt from the write
 * that asks for it until its handler has acknowledged it.
 */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "edu_regs.h"

#define ROUNDS 5
#define ACCESSES 5000
#define INTERRUPTS 1000
#define PATIENCE_NS NSEC_PER_SEC

struct timing {
	void __iomem *regs;
	bool arrived;
};

static irqreturn_t edu_time_irq(int irq, void *data)
{
	struct timing *timing = data;
	u32 causes = ioread32(timing->regs + EDU_IRQ_STATUS);

	if (!causes)
		return IRQ_NONE;
	iowrite32(causes, timing->regs + EDU_IRQ_ACK);
	WRITE_ONCE(timing->arrived, true);
	return IRQ_HANDLED;
}

static u64 time_reads(struct timing *timing)
{
	u64 start = ktime_get_ns();

	for (int i = 0; i < ACCESSES; i++)
		ioread32(timing->regs + EDU_ID);
	return div_u64(ktime_get_ns() - start, ACCESSES);
}

/* The read at the end has all of them arrive. */
static u64 time_writes(struct timing *timing)
{
	u64 start = ktime_get_ns();

	for (int i = 0; i < ACCESSES; i++)
		iowrite32(i, timing->regs + EDU_LIVENESS);
	ioread32(timing->regs + EDU_ID);
	return div_u64(ktime_get_ns() - start, ACCESSES);
}

/* 0: one stayed away. */
static u64 time_interrupts(struct timing *timing)
{
	u64 start = ktime_get_ns();

	for (int i = 0; i < INTERRUPTS; i++) {
		u64 asked = ktime_get_ns();

		WRITE_ONCE(timing->arrived, false);
		iowrite32(1, timing->regs + EDU_IRQ_RAISE);
		while (!READ_ONCE(timing->arrived)) {
			if (ktime_get_ns() - asked > PATIENCE_NS)
				return 0;
			cpu_relax();
		}
	}
	return div_u64(ktime_get_ns() - start, INTERRUPTS);
}

static int edu_time_run(struct pci_dev *pdev, struct timing *timing)
{
	for (int i = 0; i < ROUNDS; i++) {
		u64 reads = time_reads(timing), writes = time_writes(timing);
		u64 interrupts = time_interrupts(timing);

		if (!interrupts)
			return dev_err_probe(&pdev->dev, -ETIMEDOUT,
					     "an interrupt stayed away\n");
		pci_info(pdev, "times: %llu %llu %llu\n", reads, writes, interrupts);
	}
	return 0;
}

static int edu_time_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct timing *timing = devm_kzalloc(&pdev->dev, sizeof(*timing), GFP_KERNEL);
	int ret;

	if (!timing)
		return -ENOMEM;
	ret = pcim_enable_device(pdev);
	if (!ret)
		ret = pcim_iomap_regions(pdev, BIT(0), "edu_time");
	if (ret)
		return ret;
	timing->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);
	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI);
	if (ret < 0)
		return ret;
	ret = request_irq(pci_irq_vector(pdev, 0), edu_time_irq, 0, "edu_time", timing);
	if (!ret) {
		ret = edu_time_run(pdev, timing);
		free_irq(pci_irq_vector(pdev, 0), timing);
	}
	pci_free_irq_vectors(pdev);
	return ret;
}

static const struct pci_device_id edu_time_ids[] = {
	{ PCI_DEVICE(EDU_PCI_VENDOR, EDU_PCI_DEVICE) }, {}
};
MODULE_DEVICE_TABLE(pci, edu_time_ids);

static struct pci_driver edu_time_driver = {
	.name = "edu_time",
	.id_table = edu_time_ids,
	.probe = edu_time_probe,
};
module_pci_driver(edu_time_driver);

MODULE_DESCRIPTION("Times accesses to an edu");
MODULE_LICENSE("GPL");
