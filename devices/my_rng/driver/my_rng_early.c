// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test inside the kernel, at the end of its boot: needs no driver and no user space. Seeds
 * every my_rng there is and draws five numbers, twice; they have to be what rand() gives for
 * the seed.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "my_rng_regs.h"

#define RULE "--------------------------------------------------------------"
#define SEED 0x42
#define ROUNDS 2

static const u32 expected[] = { 286129175, 1594929109, 971802288, 222134722, 1335014133 };

static int test_rounds(void __iomem *regs)
{
	int round, i, wrong = 0;

	for (round = 0; round < ROUNDS; round++) {
		iowrite32(SEED, regs + MY_RNG_SEED);
		for (i = 0; i < ARRAY_SIZE(expected); i++) {
			u32 number = ioread32(regs + MY_RNG_RNG);

			pr_info("Round %d number %d: %u\n", round, i, number);
			if (number == expected[i])
				continue;
			pr_err("my_rng: expected %u, got %u\n", expected[i], number);
			wrong++;
		}
	}
	return wrong ? -EIO : 0;
}

static int test_device(struct pci_dev *pdev)
{
	void __iomem *regs;
	int ret;

	ret = pci_enable_device(pdev);
	if (ret)
		return ret;
	regs = pci_iomap(pdev, 0, 0);
	if (regs) {
		pr_info(RULE "\n");
		pr_info("BEGIN MY-RNG TEST\n");
		pr_info(RULE "\n");
		ret = test_rounds(regs);
		pr_info(RULE "\n");
		pr_info("END MY-RNG TEST\n");
		pr_info(RULE "\n");
		pci_iounmap(pdev, regs);
	} else {
		ret = -ENOMEM;
	}
	pci_disable_device(pdev);
	return ret;
}

static int __init my_rng_early_init(void)
{
	struct pci_dev *pdev = NULL;
	int tested = 0, failed = 0;

	while ((pdev = pci_get_device(MY_RNG_PCI_VENDOR, MY_RNG_PCI_DEVICE, pdev))) {
		int ret = test_device(pdev);

		if (ret) {
			pci_err(pdev, "the test inside the kernel fails: %pe\n", ERR_PTR(ret));
			failed = ret;
		}
		tested++;
	}
	return tested ? failed : -ENODEV;
}

static void __exit my_rng_early_exit(void)
{
}

module_init(my_rng_early_init);
module_exit(my_rng_early_exit);
MODULE_DESCRIPTION("Test of my_rng inside the kernel");
MODULE_LICENSE("GPL");
