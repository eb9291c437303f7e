/* SPDX-License-Identifier: MIT */
/* A queue of the driver, whatever the layout of its ring: set up, filled, emptied. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/driver.h"

/* A table has at most as many descriptors as the queue (virtio 2.7.5.3.1). */
enum { LEGACY_ALIGN = 4096, AREA_ALIGN = 64, PARTS_MAX = 65535 };

/* ---- Set-up ---- */

/* The areas in a row; a legacy device's used ring on a page of its own (virtio 2.7.2). */
static int place_areas(struct riser_driver_queue *queue)
{
	uint32_t align = queue->driver->legacy ? LEGACY_ALIGN : AREA_ALIGN, total = 0;
	uint32_t driver_align = queue->driver->legacy ? 1 : AREA_ALIGN;

	uint64_t at[3];

	queue->ring->lengths(queue->size, queue->lengths);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t to = i == 1 ? driver_align : align;

		at[i] = (total + to - 1) / to * to;
		total = (uint32_t)at[i] + queue->lengths[i];
	}
	queue->memory = riser_driver_alloc(queue->driver, total, align, &queue->iova[0]);
	queue->iova[1] = queue->iova[0] + at[1];
	queue->iova[2] = queue->iova[0] + at[2];
	return queue->memory
		       ? 0
		       : riser__host_fail(queue->driver->host, -ENOSPC,
					  "no guest memory is left for queue %u", queue->index);
}

/* Everything as after a reset. */
static void queue_clear(struct riser_driver_queue *queue)
{
	for (unsigned i = 0; i < 3; i++)
		memset(driver_area(queue, i), 0, queue->lengths[i]);
	for (unsigned i = 0; i < queue->size; i++) {
		queue->slots[i].busy = false;
		queue->links[i] = (uint16_t)(i + 1);
	}
	queue->free = queue->size;
	queue->free_head = 0;
	queue->busy = queue->added = 0;
	queue->next_avail = queue->next_used = 0;
	queue->avail_wrap = queue->used_wrap = true;
	queue->catching_up = false;
	queue->mischief = RISER_MIS_NONE;
	queue->ring->interrupts(queue, !queue->driver->polling);
}

static int set_up(struct riser_driver_queue *queue)
{
	struct riser_driver *driver = queue->driver;
	unsigned shared = driver->vectors > 1 ? driver->vectors - 1 : 1;
	int ret;

	queue->ring = driver_has(driver, VIRTIO_F_RING_PACKED) ? &driver_packed : &driver_split;
	queue->event_idx = driver_has(driver, VIRTIO_RING_F_EVENT_IDX);
	queue->indirect = driver_has(driver, VIRTIO_RING_F_INDIRECT_DESC);
	queue->vector = (uint16_t)(driver->vectors > 1 ? 1 + queue->index % shared : 0);
	queue->slots = calloc(queue->size, sizeof(*queue->slots));
	queue->links = calloc(queue->size, sizeof(*queue->links));
	if (!queue->slots || !queue->links)
		return driver_no_memory(driver->host);
	ret = place_areas(queue);
	if (ret)
		return ret;
	queue_clear(queue);
	return driver->transport->enable_queue(queue);
}

static int check_queue(struct riser_driver *driver, unsigned index, unsigned *size)
{
	unsigned most = 0;
	int ret = index < driver->queue_count ? 0 : -ENOENT;

	if (!ret)
		ret = driver->transport->queue_size(driver, index, &most);
	if (ret || !most)
		return riser__host_fail(driver->host, ret ? ret : -ENOENT,
					"the device has no queue %u", index);
	if (driver->queues[index])
		return riser__host_fail(driver->host, -EEXIST, "queue %u is set up already",
					index);
	if (!*size || driver->legacy)
		*size = most;
	if (*size > most)
		return riser__host_fail(driver->host, -EINVAL,
					"queue %u: a size of %u; the device takes %u", index,
					*size, most);
	if (!driver_has(driver, VIRTIO_F_RING_PACKED) && *size & (*size - 1))
		return riser__host_fail(
			driver->host, -EINVAL,
			"queue %u: a split ring's size is a power of two, not %u", index,
			*size);
	return 0;
}

int riser_driver_queue(struct riser_driver *driver, unsigned index, unsigned size,
		       struct riser_driver_queue **queue)
{
	uint64_t used_memory = driver->used_memory;
	struct riser_driver_queue *q;
	int ret;

	if (!queue)
		return riser__host_nowhere(driver->host);
	*queue = NULL;
	ret = check_queue(driver, index, &size);
	if (ret)
		return ret;
	q = calloc(1, sizeof(*q));
	if (!q)
		return driver_no_memory(driver->host);
	*q = (struct riser_driver_queue){ .driver = driver,
					  .index = index,
					  .size = (uint16_t)size };
	ret = set_up(q);
	if (ret) {
		driver_queue_free(q);
		driver->used_memory = used_memory;
		return ret;
	}
	driver->queues[index] = *queue = q;
	return 0;
}

void driver_queue_free(struct riser_driver_queue *queue)
{
	if (!queue)
		return;
	free(queue->slots);
	free(queue->links);
	free(queue->parts);
	free(queue);
}

unsigned riser_driver_queue_size(const struct riser_driver_queue *queue)
{
	return queue->size;
}

int riser_driver_queue_reset(struct riser_driver_queue *queue)
{
	struct riser_driver *driver = queue->driver;
	int ret;

	if (!driver_has(driver, DRIVER_F_RING_RESET))
		return riser__host_fail(driver->host, -ENOTSUP,
					"the reset of a queue was not agreed on");
	ret = driver->transport->reset_queue(driver, queue->index);
	if (ret)
		return ret;
	queue_clear(queue);
	return driver->transport->enable_queue(queue);
}

/* ---- Buffers for the device ---- */

int driver_part_add(struct riser_driver_queue *queue, uint64_t iova, uint32_t length,
		    uint16_t flags)
{
	unsigned capacity = queue->part_capacity ? 2 * queue->part_capacity : 16;
	struct driver_part *grown;

	if (queue->part_count == queue->part_capacity) {
		grown = realloc(queue->parts, capacity * sizeof(*grown));
		if (!grown)
			return driver_no_memory(queue->driver->host);
		queue->parts = grown;
		queue->part_capacity = capacity;
	}
	queue->parts[queue->part_count++] = (struct driver_part){ iova, length, flags };
	return 0;
}

/* Puts the parts into an indirect table, and leaves one part, which names the table. */
static int make_table(struct riser_driver_queue *queue)
{
	struct driver_slot *slot = &queue->slots[queue->free_head];
	size_t length = queue->part_count * sizeof(struct vring_desc);

	if (slot->table_capacity < queue->part_count) {
		slot->table = riser_driver_alloc(queue->driver, length, AREA_ALIGN,
						 &slot->table_iova);
		slot->table_capacity = slot->table ? queue->part_count : 0;
		if (!slot->table)
			return riser__host_fail(queue->driver->host, -ENOSPC,
						"no guest memory is left for a table");
	}
	queue->ring->fill(queue, slot->table);
	queue->parts[0] = (struct driver_part){ slot->table_iova, (uint32_t)length,
						VRING_DESC_F_INDIRECT };
	queue->part_count = 1;
	driver_spoil_table(queue, &queue->parts[0]);
	return 0;
}

static int parts_collect(struct riser_driver_queue *queue, const struct riser_driver_sg *sg,
			 unsigned count, uint16_t flags)
{
	int ret = 0;

	for (unsigned i = 0; i < count && !ret; i++)
		ret = driver_part_add(queue, sg[i].iova, sg[i].length, flags);
	return ret;
}

static int queue_full(struct riser_driver_queue *queue)
{
	return riser__host_fail(queue->driver->host, -ENOSPC, "queue %u is full", queue->index);
}

static void cookie_remember(struct riser_driver_queue *queue, uint16_t index, void *cookie)
{
	struct driver_slot *slot = &queue->slots[index];

	slot->cookie = cookie;
	slot->busy = true;
	slot->count = (uint16_t)queue->part_count;
	if (queue->busy++)
		queue->slots[queue->newest].later = index;
	else
		queue->oldest = index;
	queue->newest = index;
	queue->free = (uint16_t)(queue->free - slot->count);
}

int riser_driver_add(struct riser_driver_queue *queue, const struct riser_driver_sg *out,
		     unsigned outs, const struct riser_driver_sg *in, unsigned ins,
		     void *cookie)
{
	uint16_t slot = queue->free_head;
	int ret;

	if (!outs && !ins)
		return riser__host_fail(queue->driver->host, -EINVAL, "a buffer of no parts");
	if (outs > PARTS_MAX || ins > PARTS_MAX - outs)
		return riser__host_fail(
			queue->driver->host, -EINVAL,
			"a buffer of %u and %u parts; at most %d fit into a table", outs, ins,
			PARTS_MAX);
	if ((outs && !out) || (ins && !in))
		return riser__host_nowhere(queue->driver->host);
	if (!queue->free)
		return queue_full(queue);
	queue->part_count = 0;
	ret = parts_collect(queue, out, outs, 0);
	if (!ret)
		ret = parts_collect(queue, in, ins, VRING_DESC_F_WRITE);
	if (!ret)
		ret = driver_spoil_parts(queue);
	if (!ret && ((queue->indirect && queue->part_count > 1) || driver_wants_table(queue)))
		ret = make_table(queue);
	if (ret)
		return ret;
	if (queue->part_count > queue->free)
		return queue_full(queue);
	queue->ring->put(queue);
	cookie_remember(queue, slot, cookie);
	return 0;
}

int riser_driver_notify(struct riser_driver_queue *queue)
{
	return queue->driver->transport->notify(queue, queue->ring->position(queue));
}

int riser_driver_kick(struct riser_driver_queue *queue)
{
	return queue->ring->publish(queue) ? riser_driver_notify(queue) : 0;
}

/* ---- Buffers from the device ---- */

static int device_lied(struct riser_driver_queue *queue, uint32_t slot)
{
	return riser__host_fail(queue->driver->host, -EPROTO,
				"queue %u: the device gave back buffer %u, which it had not",
				queue->index, slot);
}

/* With in_order one used entry may stand for all up to its own (virtio 2.7.9). */
static int next_used(struct riser_driver_queue *queue, uint32_t *slot, uint32_t *written)
{
	bool in_order = driver_has(queue->driver, VIRTIO_F_IN_ORDER);

	if (!queue->catching_up) {
		if (!queue->ring->used(queue, &queue->until, &queue->until_written))
			return -EAGAIN;
		if (queue->until >= queue->size || !queue->slots[queue->until].busy)
			return device_lied(queue, queue->until);
	}
	*slot = in_order ? queue->oldest : queue->until;
	queue->catching_up = *slot != queue->until;
	*written = queue->catching_up ? 0 : queue->until_written;
	return 0;
}

/* Takes the buffer out of the list of those that the device has, which in_order needs. */
static void cookie_forget(struct riser_driver_queue *queue, uint16_t index)
{
	struct driver_slot *slot = &queue->slots[index];

	if (index == queue->oldest)
		queue->oldest = slot->later;
	slot->busy = false;
	queue->busy--;
	queue->free = (uint16_t)(queue->free + slot->count);
	queue->ring->advance(queue, slot->count);
	queue->ring->release(queue, index);
}

int riser_driver_get(struct riser_driver_queue *queue, void **cookie, uint32_t *written)
{
	uint32_t slot = 0, length = 0;
	int ret = next_used(queue, &slot, &length);

	if (ret)
		return ret;
	if (cookie)
		*cookie = queue->slots[slot].cookie;
	if (written)
		*written = length;
	cookie_forget(queue, (uint16_t)slot);
	return 0;
}

void riser_driver_ring(const struct riser_driver_queue *queue, struct riser_driver_ring *ring)
{
	*ring = (struct riser_driver_ring){
		.desc = driver_area(queue, 0),
		.driver = driver_area(queue, 1),
		.device = driver_area(queue, 2),
		.desc_iova = queue->iova[0],
		.driver_iova = queue->iova[1],
		.device_iova = queue->iova[2],
		.desc_length = queue->lengths[0],
		.driver_length = queue->lengths[1],
		.device_length = queue->lengths[2],
	};
}

int riser_driver_queue_raw(struct riser_driver *driver, unsigned index, unsigned size,
			   uint64_t desc_iova, uint64_t driver_iova, uint64_t device_iova)
{
	struct riser_driver_queue raw = {
		.driver = driver,
		.index = index,
		.size = (uint16_t)size,
		.iova = { desc_iova, driver_iova, device_iova },
	};

	if (index > UINT16_MAX || size > UINT16_MAX)
		return riser__host_fail(driver->host, -EINVAL,
					"queue %u of size %u: both have 16 bits", index, size);
	return driver->transport->enable_queue(&raw);
}

int riser_driver_place(const struct riser_driver *driver, unsigned type, unsigned *bar,
		       uint64_t *offset, uint64_t *length)
{
	const struct driver_place *place = &driver->places[type];

	if (type > VIRTIO_PCI_CAP_PCI_CFG || !place->length)
		return riser__host_fail(driver->host, -ENOENT, "the interface has no part %u",
					type);
	*bar = place->bar;
	*offset = place->offset;
	*length = place->length;
	return 0;
}
