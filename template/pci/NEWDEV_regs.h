/* SPDX-License-Identifier: MIT-0 OR GPL-2.0-only */
/* Made by `riser regs NEWDEV`; do not edit. */
/* clang-format off */
#ifndef NEWDEV_REGS_H
#define NEWDEV_REGS_H

#define NEWDEV_PCI_VENDOR 0x1234
#define NEWDEV_PCI_DEVICE 0x0001

/* BAR0 */
#define NEWDEV_ID 0x0 /* 32 bits, read only: version */
#define NEWDEV_INPUT 0x4 /* 32 bits, read-write */
#define NEWDEV_OUTPUT 0x8 /* 32 bits, read only: the input, inverted */
#define NEWDEV_STATUS 0xc /* 32 bits, write 1 to clear */
#define NEWDEV_STATUS_DONE 0x1 /* the output is there; write 1 to acknowledge */

#endif
