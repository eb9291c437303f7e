// SPDX-License-Identifier: GPL-2.0-only
/*
 * my_rng - driver of the random number generator: /dev/my_rng for the first device,
 * /dev/my_rng1, /dev/my_rng2 … for the next ones, and a source of the kernel's hw_random core.
 */
#include <linux/fs.h>
#include <linux/hw_random.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include "my_rng_ioctl.h"
#include "my_rng_regs.h"

/*
 * Open files hold a reference, so that this outlives the device's removal; `regs` is NULL from
 * then on. `lock` guards it and keeps a draw and a seed apart.
 */
struct my_rng {
	struct kref kref;
	struct mutex lock; /* see above */
	void __iomem *regs;
	int number;
	char name[16];
	struct miscdevice misc;
	struct hwrng hwrng;
};

static DEFINE_IDA(numbers);

static void my_rng_release(struct kref *kref)
{
	kfree(container_of(kref, struct my_rng, kref));
}

static int my_rng_draw(struct my_rng *rng, u32 *number)
{
	int ret = -ENODEV;

	mutex_lock(&rng->lock);
	if (rng->regs) {
		*number = ioread32(rng->regs + MY_RNG_RNG);
		/* Numbers have 31 bits: all ones is what a device reads as that went away. */
		ret = PCI_POSSIBLE_ERROR(*number) ? -ENODEV : 0;
	}
	mutex_unlock(&rng->lock);
	return ret;
}

static int my_rng_seed(struct my_rng *rng, u32 seed)
{
	int ret = -ENODEV;

	mutex_lock(&rng->lock);
	if (rng->regs) {
		iowrite32(seed, rng->regs + MY_RNG_SEED);
		ret = 0;
	}
	mutex_unlock(&rng->lock);
	return ret;
}

/* A number has 31 bits: three whole bytes of each are random. */
#define BYTES 3
#define CHUNK (21 * BYTES)

/* How many bytes could be drawn; an error if none. */
static int my_rng_fill(struct my_rng *rng, u8 *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t part = min_t(size_t, size - done, BYTES);
		__le32 bytes;
		u32 number;
		int ret = my_rng_draw(rng, &number);

		if (ret)
			return done ? done : ret;
		bytes = cpu_to_le32(number);
		memcpy(to + done, &bytes, part);
		done += part;
	}
	return done;
}

/*
 * The misc core holds its own lock from finding the device to the end of open(), and a removal
 * takes that lock to deregister it: the device is there.
 */
static int my_rng_open(struct inode *inode, struct file *file)
{
	struct my_rng *rng = container_of(file->private_data, struct my_rng, misc);

	kref_get(&rng->kref);
	file->private_data = rng;
	return stream_open(inode, file);
}

static int my_rng_close(struct inode *inode, struct file *file)
{
	struct my_rng *rng = file->private_data;

	kref_put(&rng->kref, my_rng_release);
	return 0;
}

static ssize_t my_rng_read(struct file *file, char __user *to, size_t size, loff_t *offset)
{
	struct my_rng *rng = file->private_data;
	size_t done = 0;
	u8 chunk[CHUNK];

	while (done < size) {
		int got;

		if (signal_pending(current))
			return done ? done : -ERESTARTSYS;
		got = my_rng_fill(rng, chunk, min_t(size_t, size - done, CHUNK));
		if (got < 0)
			return done ? done : got;
		if (copy_to_user(to + done, chunk, got))
			return done ? done : -EFAULT;
		done += got;
		cond_resched();
	}
	return done;
}

static long my_rng_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	struct my_rng *rng = file->private_data;
	u32 __user *user = (u32 __user *)arg;
	u32 number;
	int ret;

	switch (command) {
	case MY_RNG_IOCTL_RAND:
		ret = my_rng_draw(rng, &number);
		return ret ? ret : put_user(number, user);
	case MY_RNG_IOCTL_SEED:
		if (get_user(number, user))
			return -EFAULT;
		return my_rng_seed(rng, number);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations my_rng_fops = {
	.owner = THIS_MODULE,
	.open = my_rng_open,
	.release = my_rng_close,
	.read = my_rng_read,
	.unlocked_ioctl = my_rng_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static int my_rng_hwrng_read(struct hwrng *hwrng, void *to, size_t max, bool wait)
{
	return my_rng_fill(container_of(hwrng, struct my_rng, hwrng), to, max);
}

static int my_rng_register(struct my_rng *rng, struct device *dev)
{
	int ret;

	if (rng->number)
		snprintf(rng->name, sizeof(rng->name), "my_rng%d", rng->number);
	else
		strscpy(rng->name, "my_rng", sizeof(rng->name));
	rng->misc.minor = MISC_DYNAMIC_MINOR;
	rng->misc.name = rng->name;
	rng->misc.fops = &my_rng_fops;
	rng->misc.parent = dev;
	rng->hwrng.name = rng->name;
	rng->hwrng.read = my_rng_hwrng_read;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	/* rand() holds next to no entropy. 0 said "none" before, and says "all" now. */
	rng->hwrng.quality = 1;
#endif
	ret = hwrng_register(&rng->hwrng);
	if (ret)
		return ret;
	ret = misc_register(&rng->misc);
	if (ret)
		hwrng_unregister(&rng->hwrng);
	return ret;
}

static int my_rng_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct my_rng *rng;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (ret)
		return ret;
	rng = kzalloc(sizeof(*rng), GFP_KERNEL);
	if (!rng)
		return -ENOMEM;
	kref_init(&rng->kref);
	mutex_init(&rng->lock);
	rng->regs = pcim_iomap_table(pdev)[0];
	rng->number = ida_alloc(&numbers, GFP_KERNEL);
	if (rng->number < 0) {
		ret = rng->number;
		goto put;
	}
	pci_set_drvdata(pdev, rng);
	ret = my_rng_register(rng, &pdev->dev);
	if (ret)
		goto free_number;
	dev_info(&pdev->dev, "random numbers at /dev/%s\n", rng->name);
	return 0;

free_number:
	ida_free(&numbers, rng->number);
put:
	kref_put(&rng->kref, my_rng_release);
	return ret;
}

static void my_rng_remove(struct pci_dev *pdev)
{
	struct my_rng *rng = pci_get_drvdata(pdev);

	misc_deregister(&rng->misc);
	hwrng_unregister(&rng->hwrng);
	mutex_lock(&rng->lock);
	rng->regs = NULL;
	mutex_unlock(&rng->lock);
	ida_free(&numbers, rng->number);
	kref_put(&rng->kref, my_rng_release);
}

static const struct pci_device_id my_rng_ids[] = {
	{ PCI_DEVICE(MY_RNG_PCI_VENDOR, MY_RNG_PCI_DEVICE) }, {}
};
MODULE_DEVICE_TABLE(pci, my_rng_ids);

static struct pci_driver my_rng_driver = {
	.name = KBUILD_MODNAME,
	.id_table = my_rng_ids,
	.probe = my_rng_probe,
	.remove = my_rng_remove,
};
module_pci_driver(my_rng_driver);

MODULE_DESCRIPTION("my_rng random number generator");
MODULE_LICENSE("GPL");
