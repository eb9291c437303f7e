/* SPDX-License-Identifier: MIT-0 OR GPL-2.0-only */
/* Made by `riser regs testdev`; do not edit. */
/* clang-format off */
#ifndef TESTDEV_REGS_H
#define TESTDEV_REGS_H

#define TESTDEV_PCI_VENDOR 0x1234
#define TESTDEV_PCI_DEVICE 0x7e57

/* BAR0 */
#define TESTDEV_ID 0x0 /* 32 bits, read only */
#define TESTDEV_SCRATCH 0x4 /* 32 bits, read-write */
#define TESTDEV_CLEAR 0x8 /* 32 bits, write 1 to clear */
#define TESTDEV_SET 0xc /* 32 bits, write 1 to set */
#define TESTDEV_READ_CLEARS 0x10 /* 32 bits, mixed */
#define TESTDEV_ONCE 0x14 /* 32 bits, write once */
#define TESTDEV_KEY 0x18 /* 32 bits, write only */
#define TESTDEV_BYTES(n) (0x1c + (n) * 0x1) /* n < 4; 8 bits, read-write */
#define TESTDEV_HALF 0x20 /* 16 bits, read-write */
#define TESTDEV_WIDE 0x28 /* 64 bits, read-write */
#define TESTDEV_TABLE(n) (0x40 + (n) * 0x10) /* n < 8; 32 bits, read-write */
#define TESTDEV_IRQ_RAISE 0x100 /* 32 bits, read-write */
#define TESTDEV_IRQ_LOWER 0x104 /* 32 bits, read-write */
#define TESTDEV_TIMER_US 0x110 /* 32 bits, read-write */
#define TESTDEV_TIMER_COUNT 0x114 /* 32 bits, read only */
#define TESTDEV_TIMER_ORDER 0x118 /* 32 bits, read only */
#define TESTDEV_POST 0x120 /* 32 bits, read-write */
#define TESTDEV_POST_COUNT 0x124 /* 32 bits, read only */
#define TESTDEV_JOB 0x128 /* 32 bits, read-write */
#define TESTDEV_JOB_RESULT 0x12c /* 32 bits, read only */
#define TESTDEV_WATCH 0x130 /* 32 bits, read-write */
#define TESTDEV_WATCH_COUNT 0x134 /* 32 bits, read only */
#define TESTDEV_DMA_SRC 0x140 /* 64 bits, read-write */
#define TESTDEV_DMA_DST 0x148 /* 64 bits, read-write */
#define TESTDEV_DMA_LENGTH 0x150 /* 32 bits, read-write */
#define TESTDEV_DMA_COMMAND 0x154 /* 32 bits, read-write */
#define TESTDEV_DMA_RESULT 0x158 /* 32 bits, read only */
#define TESTDEV_RESETS(n) (0x160 + (n) * 0x4) /* n < 4; 32 bits, read only */

#endif
