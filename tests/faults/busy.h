/* SPDX-License-Identifier: MIT */
/* A device whose own threads and jobs raise interrupts, move memory and post work all the time.
 */
#ifndef TESTS_FAULTS_BUSY_H
#define TESTS_FAULTS_BUSY_H

#include <riser/riser.h>

extern const struct riser_pci_device busy_device;

enum {
	BUSY_RUN = 0x00,    /* 1: threads and jobs work; 0: they stop soon */
	BUSY_LIVE = 0x04,   /* how many still do */
	BUSY_POSTED = 0x08, /* work that was run */
	BUSY_DONE = 0x0c,   /* jobs that were */
	BUSY_WRONG = 0x10,  /* an errno that a thread should not have got */
	BUSY_MOVES = 0x14,  /* DMA that went well */
	BUSY_RAISE = 0x18,  /* raises a vector */
	BUSY_VECTORS = 8,
	BUSY_THREADS = 3,
};

#endif
