// SPDX-License-Identifier: GPL-2.0-only
/* Driver of NEWDEV: write a number to the sysfs file `invert`, read its inverse from it. */
#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "NEWDEV_regs.h"

struct NEWDEV {
	void __iomem *regs;
	struct completion done;
};

static irqreturn_t NEWDEV_irq(int irq, void *data)
{
	struct NEWDEV *dev = data;

	if (!(ioread32(dev->regs + NEWDEV_STATUS) & NEWDEV_STATUS_DONE))
		return IRQ_NONE;
	iowrite32(NEWDEV_STATUS_DONE, dev->regs + NEWDEV_STATUS);
	complete(&dev->done);
	return IRQ_HANDLED;
}

static ssize_t invert_store(struct device *device, struct device_attribute *attr,
			    const char *text, size_t size)
{
	struct NEWDEV *dev = dev_get_drvdata(device);
	u32 value;

	if (kstrtou32(text, 0, &value))
		return -EINVAL;
	reinit_completion(&dev->done);
	iowrite32(value, dev->regs + NEWDEV_INPUT);
	if (!wait_for_completion_timeout(&dev->done, HZ))
		return -ETIMEDOUT;
	return size;
}

static ssize_t invert_show(struct device *device, struct device_attribute *attr, char *text)
{
	struct NEWDEV *dev = dev_get_drvdata(device);

	return sysfs_emit(text, "0x%08x\n", ioread32(dev->regs + NEWDEV_OUTPUT));
}
static DEVICE_ATTR_RW(invert);

static struct attribute *NEWDEV_attrs[] = { &dev_attr_invert.attr, NULL };
ATTRIBUTE_GROUPS(NEWDEV);

static int NEWDEV_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct NEWDEV *dev;
	int ret;

	dev = devm_kzalloc(&pdev->dev, sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (ret)
		return ret;
	dev->regs = pcim_iomap_table(pdev)[0];
	init_completion(&dev->done);
	pci_set_drvdata(pdev, dev);
	pci_set_master(pdev);
	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES);
	if (ret < 0)
		return ret;
	ret = request_irq(pci_irq_vector(pdev, 0), NEWDEV_irq, IRQF_SHARED, KBUILD_MODNAME,
			  dev);
	if (ret)
		pci_free_irq_vectors(pdev);
	return ret;
}

static void NEWDEV_remove(struct pci_dev *pdev)
{
	free_irq(pci_irq_vector(pdev, 0), pci_get_drvdata(pdev));
	pci_free_irq_vectors(pdev);
}

static const struct pci_device_id NEWDEV_ids[] = {
	{ PCI_DEVICE(NEWDEV_PCI_VENDOR, NEWDEV_PCI_DEVICE) }, {}
};
MODULE_DEVICE_TABLE(pci, NEWDEV_ids);

static struct pci_driver NEWDEV_driver = {
	.name = KBUILD_MODNAME,
	.id_table = NEWDEV_ids,
	.probe = NEWDEV_probe,
	.remove = NEWDEV_remove,
	.dev_groups = NEWDEV_groups,
};
module_pci_driver(NEWDEV_driver);

MODULE_DESCRIPTION("Driver of NEWDEV");
MODULE_LICENSE("GPL");
