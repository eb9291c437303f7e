// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static int *volatile nowhere;

static int __init oops_init(void)
{
	return *nowhere;
}
module_init(oops_init);
MODULE_DESCRIPTION("A driver that reads from NULL");
MODULE_LICENSE("GPL");
