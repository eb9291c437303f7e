/* SPDX-License-Identifier: MIT */
/*
 * driver.h - a virtio driver on the host side: negotiates with any virtio device that a
 * riser_host has, fills its queues, waits for its answers; and breaks the rules where told to.
 * Included by <riser/host.h>.
 *
 * Sections named are those of the Virtual I/O Device specification, version 1.3 ("virtio").
 * Threads: one at a time per host. Calls return 0 or -errno, riser_host_error() has the words.
 */
#ifndef RISER_DRIVER_H
#define RISER_DRIVER_H

#include <riser/host.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct riser_driver;
struct riser_driver_queue;

struct riser_driver_config {
	size_t size; /* sizeof(struct riser_driver_config) */
	bool legacy; /* by the legacy interface (virtio 4.1.4.10) */
	/*
	 * Features that it takes where they are offered, bits as in virtio 2.2 and 6; VERSION_1
	 * is taken anyway, except by the legacy interface. `force` takes them as they are.
	 */
	uint64_t features;
	bool force;
	/*
	 * INTX or MSIX, vector 0 for the configuration and i + 1 for queue i; fewer are shared.
	 * With `polling` the device is told that no interrupt is wanted.
	 */
	enum riser_irq_mode irq;
	bool polling;
};

/*
 * From the reset to FEATURES_OK (virtio 3.1.1). The host is enabled. -EPROTO: the device
 * refused the features; -ENODEV: it is no virtio device; -ENOTSUP: no such interface.
 */
int riser_driver_create(struct riser_host *host, const struct riser_driver_config *config,
			struct riser_driver **driver);
/* Resets the device. Takes NULL. */
void riser_driver_destroy(struct riser_driver *driver);

/* What both agreed on. */
uint64_t riser_driver_features(const struct riser_driver *driver);
/* What the device offers. */
uint64_t riser_driver_offered(const struct riser_driver *driver);
unsigned riser_driver_queues(const struct riser_driver *driver);
int riser_driver_status(struct riser_driver *driver, uint8_t *status);
/* DRIVER_OK: once the queues are set up. */
int riser_driver_ready(struct riser_driver *driver);

/*
 * The device's configuration (virtio 2.5), in its bytes' order, consistent over all of `size`
 * where the interface has a generation. -ERANGE: it does not end that far.
 */
int riser_driver_config_read(struct riser_driver *driver, unsigned offset, void *to,
			     size_t size);
int riser_driver_config_write(struct riser_driver *driver, unsigned offset, const void *from,
			      size_t size);
/* Waits for the interrupt of a change, or of DEVICE_NEEDS_RESET. -ETIMEDOUT. ns. */
int riser_driver_config_wait(struct riser_driver *driver, uint64_t timeout);

/*
 * Guest memory that nothing else uses, zeroed, for the driver's life; `align` a power of two.
 * NULL: there is none left.
 */
void *riser_driver_alloc(struct riser_driver *driver, size_t size, size_t align,
			 uint64_t *iova);

/* ---- Queues ------------------------------------------------------------------------------ */

/* Sets up a queue; size 0: the device's largest. The driver's, until it is destroyed. */
int riser_driver_queue(struct riser_driver *driver, unsigned index, unsigned size,
		       struct riser_driver_queue **queue);
unsigned riser_driver_queue_size(const struct riser_driver_queue *queue);
/*
 * Resets it alone and sets it up again (virtio 2.6.1); what was in it is forgotten. -ENOTSUP:
 * not agreed on.
 */
int riser_driver_queue_reset(struct riser_driver_queue *queue);

struct riser_driver_sg {
	uint64_t iova;
	uint32_t length;
};

/*
 * Makes a buffer available: `outs` parts for the device to read, then `ins` for it to write. By
 * an indirect table where that was agreed on and there is more than one part. The device knows
 * of it with riser_driver_kick(). -ENOSPC: no room.
 */
int riser_driver_add(struct riser_driver_queue *queue, const struct riser_driver_sg *out,
		     unsigned outs, const struct riser_driver_sg *in, unsigned ins,
		     void *cookie);
/* Shows the device what was added and notifies it, if it wants that. */
int riser_driver_kick(struct riser_driver_queue *queue);
/*
 * A buffer that the device has used, and how many bytes it says it wrote. Either may be NULL.
 * Is there none: -EAGAIN; -EPROTO: the device gave back what it did not have.
 */
int riser_driver_get(struct riser_driver_queue *queue, void **cookie, uint32_t *written);
/* The same, waited for; timeout in ns of the host's clock. -ETIMEDOUT. */
int riser_driver_wait(struct riser_driver_queue *queue, void **cookie, uint32_t *written,
		      uint64_t timeout);
/* Writes to the queue's notification address, wanted or not. */
int riser_driver_notify(struct riser_driver_queue *queue);

/* ---- Breaking the rules ------------------------------------------------------------------ */

/* What the next riser_driver_add() does wrong; MIS_INDEX: the next kick. */
enum riser_driver_mischief {
	RISER_MIS_NONE,
	RISER_MIS_LOOP,		    /* the chain goes round; packed: fills the ring */
	RISER_MIS_LONG,		    /* an indirect table of more than the device takes */
	RISER_MIS_NEXT,		    /* the next descriptor is past the table; split */
	RISER_MIS_HEAD,		    /* a head past the table; split */
	RISER_MIS_INDEX,	    /* the index jumps past the ring's size; split */
	RISER_MIS_ADDRESS,	    /* a part outside memory */
	RISER_MIS_WRAP,		    /* a part that goes past 2^64 */
	RISER_MIS_ORDER,	    /* a part to be read after one to be written */
	RISER_MIS_EMPTY,	    /* a part of no bytes */
	RISER_MIS_INDIRECT_SIZE,    /* a table that is no multiple of 16 bytes */
	RISER_MIS_INDIRECT_EMPTY,   /* a table of no bytes */
	RISER_MIS_INDIRECT_ADDRESS, /* a table outside memory */
	RISER_MIS_INDIRECT_NEXT,    /* an indirect descriptor with NEXT */
	RISER_MIS_INDIRECT_NESTED,  /* an indirect descriptor in a table */
	RISER_MIS_COUNT
};
/* Indirect ones are done whether indirect descriptors were agreed on or not. */
void riser_driver_misbehave(struct riser_driver_queue *queue,
			    enum riser_driver_mischief mischief);
/* Whether a ring of this layout can. */
bool riser_driver_can_misbehave(const struct riser_driver_queue *queue,
				enum riser_driver_mischief mischief);
const char *riser_driver_mischief_name(enum riser_driver_mischief mischief);

/* For whatever is not in the list: the ring's three parts (virtio 2.6) in memory, … */
struct riser_driver_ring {
	void *desc, *driver, *device;
	uint64_t desc_iova, driver_iova, device_iova;
	size_t desc_length, driver_length, device_length;
};
void riser_driver_ring(const struct riser_driver_queue *queue, struct riser_driver_ring *ring);
/* … set up anew with addresses and a size that are not checked, … */
int riser_driver_queue_raw(struct riser_driver *driver, unsigned index, unsigned size,
			   uint64_t desc_iova, uint64_t driver_iova, uint64_t device_iova);
/* … and where the interface's parts are: VIRTIO_PCI_CAP_*; bar and offset. -ENOENT. */
int riser_driver_place(const struct riser_driver *driver, unsigned type, unsigned *bar,
		       uint64_t *offset, uint64_t *length);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
