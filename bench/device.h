/* SPDX-License-Identifier: MIT */
/* The devices that are measured. */
#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include <riser/host.h>

enum {
	FEW = 16,     /* registers of the one */
	MANY = 10000, /* of the other */
	REG_BAR = 2,
};

/* BAR0 is 256 bytes of memory, BAR2 registers; one MSI vector. */
struct riser_model *bench_model(void);
/* BAR2 has MANY registers. */
struct riser_model *bench_wide_model(void);
/* Of what was made last. */
struct riser_dev *bench_device(void);

#endif
