// SPDX-License-Identifier: GPL-2.0-only
/*
 * edu - driver of QEMU's teaching device. In the device's sysfs folder:
 *   liveness    what is written comes back inverted
 *   factorial   write a number, read its factorial; waits for the interrupt
 *   raise       write a mask: an interrupt with these causes, and no others
 *   storm       write a count: so many interrupts, one after the other
 *   chain       write a count: so many, each raised before the one before it is acknowledged
 *   interrupts  how many came
 *   dma         write "OFFSET SIZE": a pattern goes there in the device's buffer and back
 *
 * A write fails if the device does not do it right: with ETIMEDOUT if an interrupt stays away.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "edu_regs.h"

#define EDU_ID_EXPECTED 0x010000ed
#define EDU_BUFFER 0x40000
#define EDU_BUFFER_SIZE 4096
#define EDU_IRQ_FACTORIAL 0x001
#define EDU_IRQ_DMA 0x100
#define EDU_IRQ_ODD 0x002
#define EDU_IRQ_EVEN 0x004
#define EDU_IRQ_LAST 0x008

/* Memory for DMA: what is sent, and what came back, between guards; both at odd addresses. */
#define EDU_SHIFT 16
#define EDU_GUARD 64
#define EDU_SENT 0
#define EDU_BACK (2 * EDU_BUFFER_SIZE)
#define EDU_BACK_SIZE (EDU_BUFFER_SIZE + EDU_SHIFT + 2 * EDU_GUARD)
#define EDU_MEMORY (EDU_BACK + EDU_BACK_SIZE)

/* Its name before 6.8. */
#ifndef PCI_IRQ_INTX
#define PCI_IRQ_INTX PCI_IRQ_LEGACY
#endif

static bool intx;
module_param(intx, bool, 0444);
MODULE_PARM_DESC(intx, "use INTx even if the device has MSI");

struct edu {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct mutex lock; /* one user of the device at a time */
	wait_queue_head_t wait;
	atomic_t causes; /* of the interrupts since edu_begin() */
	atomic_t chain;	 /* interrupts that the handler has still to raise */
	atomic_t interrupts;
	u32 result; /* of the last factorial */
	u8 *memory; /* stays with the device: a transfer may outlive its user's patience */
	dma_addr_t bus;
};

/* Raises the next one while this one stands: the device must not lose it, nor acknowledge both.
 */
static void edu_raise_next(struct edu *edu, u32 causes)
{
	u32 next = causes & EDU_IRQ_ODD ? EDU_IRQ_EVEN : EDU_IRQ_ODD;
	int left = atomic_dec_if_positive(&edu->chain);

	if (left >= 0)
		iowrite32(left ? next : EDU_IRQ_LAST, edu->regs + EDU_IRQ_RAISE);
}

static irqreturn_t edu_irq(int irq, void *data)
{
	struct edu *edu = data;
	u32 causes = ioread32(edu->regs + EDU_IRQ_STATUS);

	if (!causes || PCI_POSSIBLE_ERROR(causes))
		return IRQ_NONE;
	edu_raise_next(edu, causes);
	iowrite32(causes, edu->regs + EDU_IRQ_ACK);
	/* Writes are posted: read, so that INTx is down before the handler ends. */
	ioread32(edu->regs + EDU_IRQ_STATUS);
	atomic_inc(&edu->interrupts);
	atomic_or(causes, &edu->causes);
	wake_up(&edu->wait);
	return IRQ_HANDLED;
}

static void edu_begin(struct edu *edu)
{
	atomic_set(&edu->causes, 0);
}

/* Waits until all these causes have come, and sees to it that no other did. */
static int edu_expect(struct edu *edu, u32 causes)
{
	if (!wait_event_timeout(edu->wait, (atomic_read(&edu->causes) & causes) == causes,
				60 * HZ))
		return -ETIMEDOUT;
	if (fatal_signal_pending(current))
		return -EINTR;
	return atomic_read(&edu->causes) == causes ? 0 : -EIO;
}

/* Has the device to itself for work with the number that was written. */
static ssize_t edu_work(struct device *dev, const char *text, size_t size,
			int (*work)(struct edu *edu, u32 number))
{
	struct edu *edu = dev_get_drvdata(dev);
	u32 number;
	int ret;

	if (kstrtou32(text, 0, &number))
		return -EINVAL;
	mutex_lock(&edu->lock);
	ret = work(edu, number);
	mutex_unlock(&edu->lock);
	return ret ? ret : size;
}

static ssize_t liveness_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct edu *edu = dev_get_drvdata(dev);

	return sysfs_emit(text, "0x%08x\n", ioread32(edu->regs + EDU_LIVENESS));
}

static int edu_set_liveness(struct edu *edu, u32 value)
{
	iowrite32(value, edu->regs + EDU_LIVENESS);
	return 0;
}

static ssize_t liveness_store(struct device *dev, struct device_attribute *attr,
			      const char *text, size_t size)
{
	return edu_work(dev, text, size, edu_set_liveness);
}
static DEVICE_ATTR_RW(liveness);

static int edu_factorial(struct edu *edu, u32 number)
{
	int ret;

	edu_begin(edu);
	iowrite32(EDU_STATUS_IRQ_ENABLE, edu->regs + EDU_STATUS);
	iowrite32(number, edu->regs + EDU_FACTORIAL);
	ret = edu_expect(edu, EDU_IRQ_FACTORIAL);
	if (!ret && ioread32(edu->regs + EDU_STATUS) & EDU_STATUS_COMPUTING)
		ret = -EIO;
	iowrite32(0, edu->regs + EDU_STATUS);
	if (!ret)
		edu->result = ioread32(edu->regs + EDU_FACTORIAL);
	return ret;
}

static ssize_t factorial_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct edu *edu = dev_get_drvdata(dev);

	return sysfs_emit(text, "%u\n", READ_ONCE(edu->result));
}

static ssize_t factorial_store(struct device *dev, struct device_attribute *attr,
			       const char *text, size_t size)
{
	return edu_work(dev, text, size, edu_factorial);
}
static DEVICE_ATTR_RW(factorial);

static int edu_raise(struct edu *edu, u32 causes)
{
	/* All ones is what the handler takes for a device that went away. */
	if (!causes || PCI_POSSIBLE_ERROR(causes))
		return -EINVAL;
	edu_begin(edu);
	iowrite32(causes, edu->regs + EDU_IRQ_RAISE);
	return edu_expect(edu, causes);
}

static ssize_t raise_store(struct device *dev, struct device_attribute *attr, const char *text,
			   size_t size)
{
	return edu_work(dev, text, size, edu_raise);
}
static DEVICE_ATTR_WO(raise);

static int edu_storm(struct edu *edu, u32 count)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < count && !ret; i++)
		ret = edu_raise(edu, BIT(i % 32));
	return ret;
}

static ssize_t storm_store(struct device *dev, struct device_attribute *attr, const char *text,
			   size_t size)
{
	return edu_work(dev, text, size, edu_storm);
}
static DEVICE_ATTR_WO(storm);

static int edu_chain(struct edu *edu, u32 count)
{
	int ret;

	if (count < 3 || count > INT_MAX)
		return -EINVAL;
	edu_begin(edu);
	atomic_set(&edu->chain, count - 1);
	iowrite32(EDU_IRQ_ODD, edu->regs + EDU_IRQ_RAISE);
	ret = edu_expect(edu, EDU_IRQ_ODD | EDU_IRQ_EVEN | EDU_IRQ_LAST);
	atomic_set(&edu->chain, 0);
	return ret;
}

static ssize_t chain_store(struct device *dev, struct device_attribute *attr, const char *text,
			   size_t size)
{
	return edu_work(dev, text, size, edu_chain);
}
static DEVICE_ATTR_WO(chain);

static ssize_t interrupts_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct edu *edu = dev_get_drvdata(dev);

	return sysfs_emit(text, "%d\n", atomic_read(&edu->interrupts));
}
static DEVICE_ATTR_RO(interrupts);

static int edu_copy(struct edu *edu, u64 from, u64 to, u32 count, u32 direction)
{
	int ret;

	edu_begin(edu);
	writeq(from, edu->regs + EDU_DMA_SRC);
	writeq(to, edu->regs + EDU_DMA_DST);
	writeq(count, edu->regs + EDU_DMA_COUNT);
	writeq(EDU_DMA_CMD_RUN | EDU_DMA_CMD_IRQ | direction, edu->regs + EDU_DMA_CMD);
	ret = edu_expect(edu, EDU_IRQ_DMA);
	if (!ret && readq(edu->regs + EDU_DMA_CMD) & EDU_DMA_CMD_RUN)
		ret = -EIO;
	return ret;
}

static int edu_send(struct edu *edu, u32 memory, u32 offset, u32 count)
{
	return edu_copy(edu, edu->bus + memory, EDU_BUFFER + offset, count, 0);
}

static int edu_fetch(struct edu *edu, u32 offset, u32 memory, u32 count)
{
	return edu_copy(edu, EDU_BUFFER + offset, edu->bus + memory, count,
			EDU_DMA_CMD_TO_MEMORY);
}

/* The pattern alone comes back, and nothing beside its place in memory is written. */
static int edu_check_part(struct edu *edu, const u8 *pattern, u32 offset, u32 count)
{
	u8 *back = edu->memory + EDU_BACK;
	u32 at = EDU_GUARD + offset % EDU_SHIFT;
	int ret;

	memset(back, 0xee, EDU_BACK_SIZE);
	ret = edu_fetch(edu, offset, EDU_BACK + at, count);
	if (ret)
		return ret;
	if (memchr_inv(back, 0xee, at) || memcmp(back + at, pattern, count) ||
	    memchr_inv(back + at + count, 0xee, EDU_BACK_SIZE - at - count))
		return -EIO;
	return 0;
}

/* In the device's whole buffer the pattern stands in its place, and all else is as it was. */
static int edu_check_whole(struct edu *edu, const u8 *pattern, u32 offset, u32 count)
{
	u8 *back = edu->memory + EDU_BACK;
	int ret = edu_fetch(edu, 0, EDU_BACK, EDU_BUFFER_SIZE);

	if (ret)
		return ret;
	if (memchr_inv(back, 0xa5, offset) || memcmp(back + offset, pattern, count) ||
	    memchr_inv(back + offset + count, 0xa5, EDU_BUFFER_SIZE - offset - count))
		return -EIO;
	return 0;
}

static int edu_round_trip(struct edu *edu, u32 offset, u32 count)
{
	u32 at = EDU_SENT + offset % EDU_SHIFT, i;
	u8 *pattern = edu->memory + at;
	int ret;

	memset(edu->memory + EDU_SENT, 0xa5, EDU_BUFFER_SIZE);
	ret = edu_send(edu, EDU_SENT, 0, EDU_BUFFER_SIZE);
	for (i = 0; i < count; i++)
		pattern[i] = (u8)(i * 7 + (i >> 8) + offset + count);
	if (!ret)
		ret = edu_send(edu, at, offset, count);
	if (!ret)
		ret = edu_check_part(edu, pattern, offset, count);
	return ret ? ret : edu_check_whole(edu, pattern, offset, count);
}

static ssize_t dma_store(struct device *dev, struct device_attribute *attr, const char *text,
			 size_t size)
{
	struct edu *edu = dev_get_drvdata(dev);
	u32 offset, count;
	int ret;

	if (sscanf(text, "%u %u", &offset, &count) != 2 || !count || offset > EDU_BUFFER_SIZE ||
	    count > EDU_BUFFER_SIZE - offset)
		return -EINVAL;
	mutex_lock(&edu->lock);
	ret = edu_round_trip(edu, offset, count);
	mutex_unlock(&edu->lock);
	return ret ? ret : size;
}
static DEVICE_ATTR_WO(dma);

static struct attribute *edu_attrs[] = {
	&dev_attr_liveness.attr, &dev_attr_factorial.attr,
	&dev_attr_raise.attr,	 &dev_attr_storm.attr,
	&dev_attr_chain.attr,	 &dev_attr_interrupts.attr,
	&dev_attr_dma.attr,	 NULL,
};
ATTRIBUTE_GROUPS(edu);

static int edu_start_irq(struct edu *edu)
{
	struct pci_dev *pdev = edu->pdev;
	int ret;

	ret = pci_alloc_irq_vectors(pdev, 1, 1,
				    intx ? PCI_IRQ_INTX : PCI_IRQ_MSI | PCI_IRQ_INTX);
	if (ret < 0)
		return ret;
	/* What a driver before this one has left must not come as the first interrupt. */
	iowrite32(0, edu->regs + EDU_STATUS);
	iowrite32(~0, edu->regs + EDU_IRQ_ACK);
	ret = request_irq(pci_irq_vector(pdev, 0), edu_irq, IRQF_SHARED, KBUILD_MODNAME, edu);
	if (ret)
		pci_free_irq_vectors(pdev);
	return ret;
}

static int edu_start(struct edu *edu)
{
	struct pci_dev *pdev = edu->pdev;
	int ret;

	if (ioread32(edu->regs + EDU_ID) != EDU_ID_EXPECTED)
		return -ENODEV;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(28));
	if (ret)
		return ret;
	edu->memory = dmam_alloc_coherent(&pdev->dev, EDU_MEMORY, &edu->bus, GFP_KERNEL);
	if (!edu->memory)
		return -ENOMEM;
	pci_set_master(pdev);
	ret = edu_start_irq(edu);
	if (ret) {
		pci_clear_master(pdev);
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
	init_waitqueue_head(&edu->wait);
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

	iowrite32(0, edu->regs + EDU_STATUS);
	free_irq(pci_irq_vector(pdev, 0), edu);
	pci_free_irq_vectors(pdev);
	pci_clear_master(pdev);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(EDU_PCI_VENDOR, EDU_PCI_DEVICE) },
	{}
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
