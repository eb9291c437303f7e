/* SPDX-License-Identifier: MIT */
/* A device in a QEMU machine without CPUs: what its accesses and its start share. */
#ifndef RISER_HOST_MACHINE_H
#define RISER_HOST_MACHINE_H

#include "host/host.h"
#include "host/qmp.h"

struct machine {
	struct riser_host host;
	struct qmp qmp;
	uint64_t messages[HOST_VECTORS_MAX]; /* arrived, not collected */
};

/* machine.c */
extern const struct riser__host_impl machine_impl;
/* The whole expansion ROM register. */
int machine_set_rom(struct machine *m, uint32_t value);
void machine_destroy(struct riser_host *host);

#endif
