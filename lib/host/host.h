/* SPDX-License-Identifier: MIT */
/* What all host sides share: host.c and others do the common part by these few functions. */
#ifndef RISER_HOST_INTERNAL_H
#define RISER_HOST_INTERNAL_H

#include <riser/host.h>

enum { HOST_BARS = 6, HOST_REGION_ROM = 6, HOST_REGION_CONFIG = 7, HOST_REGIONS = 8 };
enum { HOST_VECTORS_MAX = 2048, HOST_NO_VECTOR = HOST_VECTORS_MAX };

/* Where messages go, as on any PC; the data tells the vector. */
#define HOST_MESSAGE_ADDRESS UINT32_C(0xfee00000)

struct riser__host_impl {
	bool simulated; /* its clock moves by riser_host_advance() and waits only */
	int (*read)(struct riser_host *host, unsigned region, uint64_t offset, void *to,
		    size_t size);
	int (*write)(struct riser_host *host, unsigned region, uint64_t offset,
		     const void *from, size_t size);
	int (*map)(struct riser_host *host, unsigned bar, uint64_t offset, uint64_t length,
		   void **address);
	/*
	 * Takes the vectors [0, count) of a mode in, before they are enabled, and nothing of
	 * another. When it fails, what was bound still is.
	 */
	int (*irq_bind)(struct riser_host *host, enum riser_irq_mode mode, unsigned count);
	int (*msix_mask)(struct riser_host *host, unsigned vector, bool masked);
	/*
	 * Takes in what has arrived of a vector, into host->arrived; INTx: 0 or 1. `settle`:
	 * all of what comes of the accesses made so far.
	 */
	int (*irq_collect)(struct riser_host *host, unsigned vector, bool settle);
	/* Ends early when something may have arrived for the vector or HOST_NO_VECTOR. */
	int (*pass)(struct riser_host *host, uint64_t ns, unsigned vector);
	uint64_t (*now)(struct riser_host *host);
	int (*memory_map)(struct riser_host *host, uint64_t iova, uint64_t length);
	int (*memory_unmap)(struct riser_host *host, uint64_t iova, uint64_t length);
	int (*reset)(struct riser_host *host, enum riser_reset kind);
	int (*save)(struct riser_host *host, void **data, size_t *size);
	/* Has riser__host_learn() called once the state is there. */
	int (*load)(struct riser_host *host, const void *data, size_t size);
	void (*destroy)(struct riser_host *host);
};

struct riser__extent {
	uint64_t iova, length;
};

struct riser_host {
	const struct riser__host_impl *impl;
	struct riser_error error;
	uint64_t region_size[HOST_REGIONS];
	struct riser_host_bar bars[HOST_BARS];
	uint16_t command;   /* the function's: what it decodes, */
	bool command_known; /* unless it may have changed since */

	int memory_fd;
	char *memory;
	uint64_t memory_size, memory_at;
	struct riser__extent *extents; /* what the device may reach of it */
	size_t extent_count;

	enum riser_irq_mode mode;
	unsigned vectors;  /* enabled in this mode */
	uint64_t *arrived; /* a count each; INTx: its level */
};

/* Memory, fields and extents of a host, before its transport is there. 0 or -errno. */
int riser__host_init(struct riser_host *host, const struct riser__host_impl *impl,
		     const struct riser_host_config *config);
/* The rest, once the transport is there: gives the device the memory. */
int riser__host_start(struct riser_host *host);
void riser__host_fini(struct riser_host *host);
/* Sets the error's text; returns `code`. */
int riser__host_fail(struct riser_host *host, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * For a host whose MSI-X table is the device's: a driver fills it before it enables it, and
 * masks in it.
 */
int riser__host_msix_fill(struct riser_host *host, unsigned count);
int riser__host_msix_mask(struct riser_host *host, unsigned vector, bool masked);
/*
 * After a state was loaded: how many of the table's entries a driver has filled; all, if none.
 * One that is unmasked and leads nowhere is of a host that keeps the table: it is filled here.
 */
int riser__host_msix_adopt(struct riser_host *host, unsigned entries, unsigned *count);
/*
 * After a state was loaded: the command register, the BARs' places and the interrupts are what
 * configuration space says, and none has arrived.
 */
int riser__host_learn(struct riser_host *host);
int riser__host_learn_bars(struct riser_host *host);
/* -EACCES: the function does not decode this BAR, no access reaches it (PCI 6.2.2). */
int riser__host_check_decoded(struct riser_host *host, unsigned bar);
int riser__host_learn_irqs(struct riser_host *host);
/* -EINVAL, in words: the caller gave NULL. */
int riser__host_nowhere(struct riser_host *host);
/* As riser_host_find_cap(), but tells a failure from *found == 0: there is none. */
int riser__host_find_cap(struct riser_host *host, unsigned id, bool extended, unsigned *found);

/* A config of whatever size, with defaults. */
struct riser_host_config riser__host_config(const struct riser_host_config *config);

#endif
