/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* What user space and the driver agree on. */
#ifndef MY_RNG_IOCTL_H
#define MY_RNG_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Draws one number. */
#define MY_RNG_IOCTL_RAND _IOR('R', 1, __u32)
/* Seeds the generator. */
#define MY_RNG_IOCTL_SEED _IOW('R', 2, __u32)

#endif
