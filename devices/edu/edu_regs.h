/* SPDX-License-Identifier: MIT-0 OR GPL-2.0-only */
/* Made by `riser regs edu`; do not edit. */
/* clang-format off */
#ifndef EDU_REGS_H
#define EDU_REGS_H

#define EDU_PCI_VENDOR 0x1234
#define EDU_PCI_DEVICE 0x11e8

/* BAR0 */
#define EDU_ID 0x0 /* 32 bits, read only: version */
#define EDU_LIVENESS 0x4 /* 32 bits, read-write: reads inverted */
#define EDU_FACTORIAL 0x8 /* 32 bits, read-write: a number, replaced by its factorial */
#define EDU_STATUS 0x20 /* 32 bits, read-write */
#define EDU_STATUS_COMPUTING 0x1 /* a factorial is being computed; read only */
#define EDU_STATUS_IRQ_ENABLE 0x80 /* raise an interrupt when it is done */
#define EDU_IRQ_STATUS 0x24 /* 32 bits, read only: why the interrupt was raised */
#define EDU_IRQ_RAISE 0x60 /* 32 bits, write only: sets bits of irq_status */
#define EDU_IRQ_ACK 0x64 /* 32 bits, write only: clears bits of irq_status */
#define EDU_DMA_SRC 0x80 /* 64 bits, read-write: address to copy from */
#define EDU_DMA_DST 0x88 /* 64 bits, read-write: address to copy to */
#define EDU_DMA_COUNT 0x90 /* 64 bits, read-write: bytes */
#define EDU_DMA_CMD 0x98 /* 64 bits, read-write */
#define EDU_DMA_CMD_RUN 0x1 /* start; clear once it is done */
#define EDU_DMA_CMD_TO_MEMORY 0x2 /* from the device's buffer to memory */
#define EDU_DMA_CMD_IRQ 0x4 /* raise interrupt 0x100 when it is done */

#endif
