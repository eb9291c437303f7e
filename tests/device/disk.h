/* SPDX-License-Identifier: MIT */
/*
 * Requests of a disk, no more than tests and benchmarks of virtio_blk need: a fixed place for
 * each one's header and status, so that what is measured is the device.
 */
#ifndef TESTS_DEVICE_DISK_H
#define TESTS_DEVICE_DISK_H

#include <linux/virtio_blk.h>

#include <riser/host.h>

enum {
	DISK_QUEUES = 4,
	DISK_RING = 256, /* descriptors */
	DISK_SLOTS = 32, /* requests of a queue, each with up to 8 parts */
};

struct disk {
	struct riser_host *host;
	struct riser_driver *driver;
	uint8_t *memory; /* of the guest, */
	uint64_t iova;	 /* where it is for the device, */
	uint32_t data;	 /* and where in it the tests' own begins */
	uint64_t size;
	unsigned queues;
	struct disk_queue {
		struct riser_driver_queue *ring;
		uint32_t requests;	      /* where in memory headers and statuses are */
		uint32_t lengths[DISK_SLOTS]; /* that the device said it wrote */
	} queue[DISK_QUEUES];
};

struct disk_part {
	uint32_t at; /* in the guest's memory */
	uint32_t length;
	bool in; /* the device writes it */
};

/*
 * From a reset to DRIVER_OK, with queue i interrupting by vector i + 1 if `interrupts`, polling
 * if not. A disk that is open is opened anew; a new one is all zeroes. 0, or -EPROTO:
 * FEATURES_OK was refused.
 */
int disk_open(struct disk *disk, struct riser_host *host, uint64_t features, unsigned queues,
	      bool interrupts);
void disk_close(struct disk *disk);
uint64_t disk_features(const struct disk *disk); /* what is offered */
uint8_t disk_status(struct disk *disk);
uint64_t disk_config(struct disk *disk, unsigned offset, unsigned size);

/* Puts a request into a slot that is free; its header and status have their own place. */
void disk_add(struct disk *disk, unsigned queue, unsigned slot, uint32_t type, uint64_t sector,
	      uint32_t at, uint32_t length);
/* The same of any parts, header and status among them. */
void disk_add_parts(struct disk *disk, unsigned queue, unsigned slot,
		    const struct disk_part *parts, unsigned count);
uint32_t disk_header_at(const struct disk *disk, unsigned queue, unsigned slot);
uint32_t disk_status_at(const struct disk *disk, unsigned queue, unsigned slot);
/* Notifies the device of what was added, if it wants that. */
void disk_kick(struct disk *disk, unsigned queue);
/* The slot of a request that was answered, or -1; the other waits for one, up to 5 s. */
int disk_take(struct disk *disk, unsigned queue);
int disk_wait(struct disk *disk, unsigned queue);
uint8_t disk_answer(const struct disk *disk, unsigned queue, unsigned slot);

#endif
