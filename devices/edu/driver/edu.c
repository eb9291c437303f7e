// SPDX-License-Identifier: GPL-2.0-only
/*
 * edu - driver of QEMU's teaching device. In the device's sysfs folder:
 *   liveness    what is written comes back inverted
 *   factorial   write a number, read its factorial; waits for the interrupt
 *   storm       write a count: so many interrupts, one after the other
 *   interrupts  how many came
 *   dma         write "OFFSET SIZE": a pattern goes through the device's buffer and back
 */
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "edu_regs.h"

#define EDU_ID_EXPECTED 0x010000ed
#define EDU_BUFFER 0x40000
#define EDU_BUFFER_SIZE 4096
#define EDU_IRQ_FACTORIAL 0x001
#define EDU_IRQ_DMA 0x100
#define EDU_IRQ_STORM 0x002

static bool intx;
module_param(intx, bool, 0444);
MODULE_PARM_DESC(intx, "use INTx even if the device has MSI");

struct edu {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct mutex lock; /* one user of the device at a time */
	struct completion done;
	u32 causes; /* of the last interrupt */
	atomic_t interrupts;
};

static irqreturn_t edu_irq(int irq, void *data)
{
	struct edu *edu = data;
	u32 causes = ioread32(edu->regs + EDU_IRQ_STATUS);

	if (!causes)
		return IRQ_NONE;
	iowrite32(causes, edu->regs + EDU_IRQ_ACK);
	edu->causes = causes;
	atomic_inc(&edu->interrupts);
	complete(&edu->done);
	return IRQ_HANDLED;
}

/* Waits for the interrupt that was asked for after reinit_completion(). */
static int edu_wait(struct edu *edu, u32 cause)
{
	if (!wait_for_completion_timeout(&edu->done, 5 * HZ))
		return -ETIMEDOUT;
	return edu->causes == cause ? 0 : -EIO;
}

static ssize_t liveness_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct edu *edu = dev_get_drvdata(dev);

	return sysfs_emit(text, "0x%08x\n", ioread32(edu->regs + EDU_LIVENESS));
}

static ssize_t liveness_store(struct device *dev, struct device_attribute *attr,
			      const char *text, size_t size)
{
	struct edu *edu = dev_get_drvdata(dev);
	u32 value;

	if (kstrtou32(text, 0, &value))
		return -EINVAL;
	iowrite32(value, edu->regs + EDU_LIVENESS);
	return size;
}
static DEVICE_ATTR_RW(liveness);

static ssize_t factorial_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct edu *edu = dev_get_drvdata(dev);

	return sysfs_emit(text, "%u\n", ioread32(edu->regs + EDU_FACTORIAL));
}

static ssize_t factorial_store(struct device *dev, struct device_attribute *attr,
			       const char *text, size_t size)
{
	struct edu *edu = dev_get_drvdata(dev);
	u32 number;
	int ret;

	if (kstrtou32(text, 0, &number))
		return -EINVAL;
	mutex_lock(&edu->lock);
	reinit_completion(&edu->done);
	iowrite32(EDU_STATUS_IRQ_ENABLE, edu->regs + EDU_STATUS);
	iowrite32(number, edu->regs + EDU_FACTORIAL);
	ret = edu_wait(edu, EDU_IRQ_FACTORIAL);
	if (!ret && ioread32(edu->regs + EDU_STATUS) & EDU_STATUS_COMPUTING)
		ret = -EBUSY;
	iowrite32(0, edu->regs + EDU_STATUS);
	mutex_unlock(&edu->lock);
	return ret ? ret : size;
}
static DEVICE_ATTR_RW(factorial);

static ssize_t storm_store(struct device *dev, struct device_attribute *attr, const char *text,
			   size_t size)
{
	struct edu *edu = dev_get_drvdata(dev);
	unsigned int count, i;
	int ret = 0;

	if (kstrtouint(text, 0, &count))
		return -EINVAL;
	mutex_lock(&edu->lock);
	for (i = 0; i < count && !ret; i++) {
		reinit_completion(&edu->done);
		iowrite32(EDU_IRQ_STORM, edu->regs + EDU_IRQ_RAISE);
		ret = edu_wait(edu, EDU_IRQ_STORM);
	}
	mutex_unlock(&edu->lock);
	return ret ? ret : size;
}
static DEVICE_ATTR_WO(storm);

static ssize_t interrupts_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct edu *edu = dev_get_drvdata(dev);

	return sysfs_emit(text, "%d\n", atomic_read(&edu->interrupts));
}
static DEVICE_ATTR_RO(interrupts);

static int edu_copy(struct edu *edu, u64 from, u64 to, u32 count, u32 direction)
{
	reinit_completion(&edu->done);
	writeq(from, edu->regs + EDU_DMA_SRC);
	writeq(to, edu->regs + EDU_DMA_DST);
	writeq(count, edu->regs + EDU_DMA_COUNT);
	writeq(EDU_DMA_CMD_RUN | EDU_DMA_CMD_IRQ | direction, edu->regs + EDU_DMA_CMD);
	return edu_wait(edu, EDU_IRQ_DMA);
}

/* Out to the device's buffer, back to another place, compared; what is beside it stays. */
static int edu_round_trip(struct edu *edu, u32 offset, u32 count)
{
	struct device *dev = &edu->pdev->dev;
	dma_addr_t bus;
	u8 *memory = dma_alloc_coherent(dev, 2 * EDU_BUFFER_SIZE + 8, &bus, GFP_KERNEL);
	u8 *back = memory + EDU_BUFFER_SIZE;
	u32 i;
	int ret;

	if (!memory)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		memory[i] = (u8)(i * 7 + offset + count);
	memset(back, 0xee, EDU_BUFFER_SIZE + 8);
	ret = edu_copy(edu, bus, EDU_BUFFER + offset, count, 0);
	if (!ret)
		ret = edu_copy(edu, EDU_BUFFER + offset, bus + EDU_BUFFER_SIZE, count,
			       EDU_DMA_CMD_TO_MEMORY);
	if (!ret && (memcmp(memory, back, count) || back[count] != 0xee))
		ret = -EIO;
	dma_free_coherent(dev, 2 * EDU_BUFFER_SIZE + 8, memory, bus);
	return ret;
}

static ssize_t dma_store(struct device *dev, struct device_attribute *attr, const char *text,
			 size_t size)
{
	struct edu *edu = dev_get_drvdata(dev);
	u32 offset, count;
	int ret;

	if (sscanf(text, "%u %u", &offset, &count) != 2 || offset > EDU_BUFFER_SIZE ||
	    count > EDU_BUFFER_SIZE - offset)
		return -EINVAL;
	mutex_lock(&edu->lock);
	ret = edu_round_trip(edu, offset, count);
	mutex_unlock(&edu->lock);
	return ret ? ret : size;
}
static DEVICE_ATTR_WO(dma);

static struct attribute *edu_attrs[] = {
	&dev_attr_liveness.attr,   &dev_attr_factorial.attr, &dev_attr_storm.attr,
	&dev_attr_interrupts.attr, &dev_attr_dma.attr,	     NULL,
};
ATTRIBUTE_GROUPS(edu);

static int edu_start(struct edu *edu)
{
	struct pci_dev *pdev = edu->pdev;
	unsigned int kinds = intx ? PCI_IRQ_LEGACY : PCI_IRQ_MSI | PCI_IRQ_LEGACY;
	int ret;

	if (ioread32(edu->regs + EDU_ID) != EDU_ID_EXPECTED)
		return -ENODEV;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(28));
	if (ret)
		return ret;
	pci_set_master(pdev);
	ret = pci_alloc_irq_vectors(pdev, 1, 1, kinds);
	if (ret < 0)
		return ret;
	ret = request_irq(pci_irq_vector(pdev, 0), edu_irq, IRQF_SHARED, KBUILD_MODNAME, edu);
	if (ret) {
		pci_free_irq_vectors(pdev);
		return ret;
	}
	pci_info(pdev, "edu with %s\n", pdev->msi_enabled ? "MSI" : "INTx");
	return 0;
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu *edu;
	int ret;

	edu = devm_kzalloc(&pdev->dev, sizeof(*edu), GFP_KERNEL);
	if (!edu)
		return -ENOMEM;
	edu->pdev = pdev;
	mutex_init(&edu->lock);
	init_completion(&edu->done);
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (ret)
		return ret;
	edu->regs = pcim_iomap_table(pdev)[0];
	pci_set_drvdata(pdev, edu);
	return edu_start(edu);
}

static void edu_remove(struct pci_dev *pdev)
{
	struct edu *edu = pci_get_drvdata(pdev);

	free_irq(pci_irq_vector(pdev, 0), edu);
	pci_free_irq_vectors(pdev);
	pci_clear_master(pdev);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(EDU_PCI_VENDOR, EDU_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = edu_ids,
	.probe = edu_probe,
	.remove = edu_remove,
	.dev_groups = edu_groups,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("QEMU's teaching device");
MODULE_LICENSE("GPL");
