/* SPDX-License-Identifier: MIT */
/* The virtio driver: what its files share. */
#ifndef RISER_HOST_DRIVER_H
#define RISER_HOST_DRIVER_H

#include <stdatomic.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include <riser/driver.h>

#include "host/host.h"

/* Features that older headers lack (virtio 6). */
enum { DRIVER_F_NOTIFICATION_DATA = 38, DRIVER_F_RING_RESET = 40 };

/* A part of the modern interface (virtio 4.1.4). */
struct driver_place {
	unsigned bar;
	uint64_t offset, length;
};

struct riser_driver {
	struct riser_host *host;
	const struct driver_transport *transport;
	struct driver_place places[VIRTIO_PCI_CAP_PCI_CFG + 1];
	uint32_t notify_step;
	uint64_t offered, features;
	bool opened; /* the interface is there */
	bool legacy, polling;
	enum riser_irq_mode irq;
	unsigned vectors, queue_count;
	bool config_irq; /* seen in the ISR, and not yet waited for */
	uint64_t used_memory;
	struct riser_driver_queue **queues;
};

static inline bool driver_has(const struct riser_driver *driver, unsigned bit)
{
	return driver->features >> bit & 1;
}

/* driver_modern.c, driver_legacy.c: registers. */
struct driver_transport {
	int (*open)(struct riser_driver *driver);
	int (*get_features)(struct riser_driver *driver, uint64_t *features);
	int (*set_features)(struct riser_driver *driver, uint64_t features);
	int (*get_status)(struct riser_driver *driver, uint8_t *status);
	int (*set_status)(struct riser_driver *driver, uint8_t status);
	int (*get_isr)(struct riser_driver *driver, uint8_t *isr);
	int (*count_queues)(struct riser_driver *driver, unsigned *count);
	/* The largest size; 0: no such queue. */
	int (*queue_size)(struct riser_driver *driver, unsigned index, unsigned *size);
	int (*set_vectors)(struct riser_driver *driver, unsigned config);
	int (*enable_queue)(struct riser_driver_queue *queue);
	int (*reset_queue)(struct riser_driver *driver, unsigned index);
	int (*notify)(struct riser_driver_queue *queue, uint32_t data);
	int (*config_place)(struct riser_driver *driver, struct driver_place *place);
	/* NULL: it has none. */
	int (*generation)(struct riser_driver *driver, uint64_t *generation);
};
extern const struct driver_transport driver_modern, driver_legacy;

/* A buffer that the device has: by the head of the split ring, by the packed ring's id. */
struct driver_slot {
	void *cookie;
	bool busy;
	uint16_t count; /* descriptors of the ring */
	uint16_t later; /* the slot that was added after it; in_order */
	/* Its indirect table, made when first wanted. */
	void *table;
	uint64_t table_iova;
	unsigned table_capacity;
};

/* Parts, as they go into descriptors. */
struct driver_part {
	uint64_t iova;
	uint32_t length;
	uint16_t flags; /* WRITE; INDIRECT or NEXT to break a rule on purpose */
};

struct riser_driver_queue {
	struct riser_driver *driver;
	const struct driver_ring_ops *ring;
	unsigned index, max_size;
	uint16_t size, vector;
	uint64_t notify_offset;
	void *memory; /* of the three areas, in a row */
	uint64_t iova[3];
	uint32_t lengths[3];
	bool event_idx, indirect;

	uint16_t free;	/* descriptors */
	uint16_t busy;	/* slots */
	uint16_t added; /* entries of the available ring, or descriptors, since the kick */
	struct driver_slot *slots;
	struct driver_part *parts; /* of the buffer that is added */
	unsigned part_count, part_capacity;
	enum riser_driver_mischief mischief;

	/* Split: the free list's links, and the ring's positions. Packed: free ids, positions.
	 */
	uint16_t *links, free_head;
	uint16_t next_avail, next_used;
	bool avail_wrap, used_wrap;
	/* Packed: the first descriptor, written last: it makes all that was added available. */
	uint16_t first, first_flags;
	/* in_order: the oldest slot the device has, and the one it has used last. */
	uint16_t oldest, newest;
	uint32_t until;
	bool catching_up;
	uint32_t until_written;
};

/* driver_split.c, driver_packed.c. */
struct driver_ring_ops {
	void (*lengths)(uint16_t size, uint32_t lengths[3]);
	/* As after a reset. */
	void (*start)(struct riser_driver_queue *queue);
	/* Takes the slot queue->free_head and puts queue->parts, for which there is room. */
	void (*put)(struct riser_driver_queue *queue);
	/* Fills an indirect table with the parts. */
	void (*fill)(const struct riser_driver_queue *queue, void *table);
	/* Shows the device what was put; whether it wants to be notified. */
	bool (*publish)(struct riser_driver_queue *queue);
	/* What the device has used: a slot, unchecked. */
	bool (*used)(struct riser_driver_queue *queue, uint32_t *slot, uint32_t *written);
	/* Goes past the used entry, of a slot of `count` descriptors. */
	void (*advance)(struct riser_driver_queue *queue, uint16_t count);
	/* Frees a slot's descriptors. */
	void (*release)(struct riser_driver_queue *queue, uint16_t slot);
	/* Whether interrupts are wanted, from the next used entry on. */
	void (*interrupts)(struct riser_driver_queue *queue, bool wanted);
	/* The 32 bits of a notification with data (virtio 4.1.5.2), without the queue. */
	uint32_t (*position)(const struct riser_driver_queue *queue);
};
extern const struct driver_ring_ops driver_split, driver_packed;

static inline void *driver_area(const struct riser_driver_queue *queue, unsigned area)
{
	return (char *)queue->memory + (queue->iova[area] - queue->iova[0]);
}

/* driver_mischief.c: spoils the parts of a buffer, then the descriptor of its table. */
int driver_spoil_parts(struct riser_driver_queue *queue);
void driver_spoil_table(struct riser_driver_queue *queue, struct driver_part *table);
bool driver_wants_table(const struct riser_driver_queue *queue);
/* driver_queue.c */
void driver_queue_free(struct riser_driver_queue *queue);
int driver_part_add(struct riser_driver_queue *queue, uint64_t iova, uint32_t length,
		    uint16_t flags);

/*
 * Whether to look again for the end of a reset, at first at once and then after a rest; `looks`
 * counts from 0.
 */
bool driver_look_again(struct riser_driver *driver, unsigned looks);
/* driver.c */
int driver_no_memory(struct riser_host *host); /* -ENOMEM, with words */
int driver_irq_wait(struct riser_driver *driver, unsigned vector, uint64_t timeout);
int driver_read(struct riser_driver *driver, const struct driver_place *place, unsigned offset,
		unsigned size, uint64_t *value);
int driver_write(struct riser_driver *driver, const struct driver_place *place, unsigned offset,
		 unsigned size, uint64_t value);

#endif
