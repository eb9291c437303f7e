/* SPDX-License-Identifier: MIT-0 OR GPL-2.0-only */
/* Made by `riser regs a3dev`; do not edit. */
/* clang-format off */
#ifndef A3DEV_REGS_H
#define A3DEV_REGS_H

#define A3DEV_PCI_VENDOR 0x1234
#define A3DEV_PCI_DEVICE 0x1919

#endif
