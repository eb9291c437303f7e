/* SPDX-License-Identifier: MIT */
/* A host that remembers what a device told it, for tests of the library's inside. */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/dev.h"
#include "core/model.h"
#include "pci/function.h"

struct fake_host {
	struct riser_model *model;
	struct riser_dev *dev;
	uint64_t now, deadline;
	atomic_uint wakes;	   /* by any thread */
	struct riser_watch *watch; /* the last one that was told */
	short watched;
	unsigned watch_calls;
	bool intx;
	unsigned intx_changes, messages, last_vector;
	uint64_t last_address;
	uint32_t last_data;
	unsigned logs;
	char last_log[512];
	/* Called where a message or DMA of the device's arrives. */
	void (*on_send)(struct fake_host *host);
	uint32_t seen;	      /* by it */
	uint8_t memory[4096]; /* guest memory at bus address 1000h */
};

/* Makes a device of `desc`; fails the test if it is refused. */
void fake_host_start(struct fake_host *host, const struct riser_pci_device *desc,
		     const char *options);
void fake_host_stop(struct fake_host *host);

/* The error text of a descriptor that must be refused. */
const char *fake_host_refusal(const struct riser_pci_device *desc, struct riser_error *error);

uint64_t fake_host_read(struct fake_host *host, unsigned region, uint64_t offset,
			unsigned size);
void fake_host_write(struct fake_host *host, unsigned region, uint64_t offset, unsigned size,
		     uint64_t value);

#endif
