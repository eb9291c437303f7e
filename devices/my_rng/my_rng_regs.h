/* SPDX-License-Identifier: MIT-0 OR GPL-2.0-only */
/* Made by `riser regs my_rng`; do not edit. */
/* clang-format off */
#ifndef MY_RNG_REGS_H
#define MY_RNG_REGS_H

#define MY_RNG_PCI_VENDOR 0x1234
#define MY_RNG_PCI_DEVICE 0xcafe

/* BAR0 */
#define MY_RNG_RNG 0x0 /* 32 bits, read only: the next number */
#define MY_RNG_SEED 0x4 /* 32 bits, write only: seeds the generator */

#endif
