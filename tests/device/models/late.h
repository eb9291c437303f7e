/* SPDX-License-Identifier: MIT */
/* late's registers, and what its job writes where. */
#ifndef LATE_H
#define LATE_H

#define LATE_JOB 0x00  /* submits the job; reads as its errno */
#define LATE_GO 0x04   /* lets so many runs of it go on */
#define LATE_POST 0x08 /* posts */
#define LATE_CANCEL 0x0c
#define LATE_WAIT 0x10
#define LATE_PERIOD 0x18 /* ns, of a timer that arms itself */
#define LATE_FIRES 0x1c
#define LATE_COUNT(n) (0x20 + 4 * (n))

enum {
	LATE_BEGUN,
	LATE_ENDED,
	LATE_TOLD,
	LATE_POSTED,
	LATE_DMA_ERROR,
	LATE_IRQ_ERROR,
	LATE_COUNTS
};

#define LATE_IOVA 0x1000
#define LATE_WORD 0x1a7e1a7e

#endif
