/* SPDX-License-Identifier: MIT */
/* Split rings as the driver writes them (virtio 2.7). */
#include <endian.h>
#include <string.h>

#include "host/driver.h"

static struct vring_desc *split_descs(const struct riser_driver_queue *queue)
{
	return driver_area(queue, 0);
}

static struct vring_avail *split_avail_ring(const struct riser_driver_queue *queue)
{
	return driver_area(queue, 1);
}

static struct vring_used *split_used_ring(const struct riser_driver_queue *queue)
{
	return driver_area(queue, 2);
}

/* The events stand after the entries (virtio 2.7.6, 2.7.8). */
static __virtio16 *split_used_event(const struct riser_driver_queue *queue)
{
	return &split_avail_ring(queue)->ring[queue->size];
}

static __virtio16 *split_avail_event(const struct riser_driver_queue *queue)
{
	return (__virtio16 *)&split_used_ring(queue)->ring[queue->size];
}

static void split_lengths(uint16_t size, uint32_t lengths[3])
{
	lengths[0] = (uint32_t)sizeof(struct vring_desc) * size;
	lengths[1] = 6 + 2 * (uint32_t)size;
	lengths[2] = 6 + 8 * (uint32_t)size;
}

/* A `next` that breaks a rule: for the last descriptor of a chain. */
static uint16_t next_astray(const struct riser_driver_queue *queue, uint16_t head)
{
	return queue->mischief == RISER_MIS_LOOP ? head : queue->size;
}

/* Writes the parts to descriptors and the head to the available ring, not its index yet. */
static void split_put(struct riser_driver_queue *queue)
{
	uint16_t head = queue->free_head, at = head;
	uint16_t entry = (uint16_t)(queue->next_avail + queue->added) & (queue->size - 1);

	for (unsigned i = 0; i < queue->part_count; i++) {
		const struct driver_part *part = &queue->parts[i];
		bool last = i + 1 == queue->part_count;
		uint16_t next = last ? next_astray(queue, head) : queue->links[at];
		unsigned flags = part->flags | (last ? 0 : VRING_DESC_F_NEXT);

		split_descs(queue)[at] =
			(struct vring_desc){ htole64(part->iova), htole32(part->length),
					     htole16((uint16_t)flags), htole16(next) };
		at = queue->links[at];
	}
	queue->free_head = at;
	split_avail_ring(queue)->ring[entry] =
		htole16(queue->mischief == RISER_MIS_HEAD ? queue->size : head);
	queue->added++;
	if (queue->mischief != RISER_MIS_INDEX)
		queue->mischief = RISER_MIS_NONE;
}

/* An indirect table: descriptors in a row, each linked to the next. */
static void split_fill(const struct riser_driver_queue *queue, void *table)
{
	struct vring_desc *desc = table;

	for (unsigned i = 0; i < queue->part_count; i++) {
		const struct driver_part *part = &queue->parts[i];
		unsigned flags =
			part->flags | (i + 1 < queue->part_count ? VRING_DESC_F_NEXT : 0);

		desc[i] = (struct vring_desc){ htole64(part->iova), htole32(part->length),
					       htole16((uint16_t)flags),
					       htole16((uint16_t)(i + 1)) };
	}
}

/* Moves the index on. The fence orders it before the look at what the device wants to hear. */
static bool split_publish(struct riser_driver_queue *queue)
{
	uint16_t was = queue->next_avail, event;

	if (queue->mischief == RISER_MIS_INDEX)
		queue->added = (uint16_t)(queue->added + queue->size + 1);
	queue->mischief = RISER_MIS_NONE;
	queue->next_avail = (uint16_t)(was + queue->added);
	queue->added = 0;
	__atomic_store_n(&split_avail_ring(queue)->idx, htole16(queue->next_avail),
			 __ATOMIC_RELEASE);
	atomic_thread_fence(memory_order_seq_cst);
	if (!queue->event_idx)
		return !(le16toh(__atomic_load_n(&split_used_ring(queue)->flags,
						 __ATOMIC_RELAXED)) &
			 VRING_USED_F_NO_NOTIFY);
	event = le16toh(__atomic_load_n(split_avail_event(queue), __ATOMIC_RELAXED));
	return vring_need_event(event, queue->next_avail, was);
}

/* The next entry of the used ring, if the device's index has gone past it. */
static bool split_used(struct riser_driver_queue *queue, uint32_t *slot, uint32_t *written)
{
	const struct vring_used_elem *entry =
		&split_used_ring(queue)->ring[queue->next_used & (queue->size - 1)];

	if (le16toh(__atomic_load_n(&split_used_ring(queue)->idx, __ATOMIC_ACQUIRE)) ==
	    queue->next_used)
		return false;
	*slot = le32toh(entry->id);
	*written = le32toh(entry->len);
	return true;
}

static void split_advance(struct riser_driver_queue *queue, uint16_t count)
{
	(void)count;
	queue->next_used++;
}

/* Back to the front of the list, in their order. */
static void split_release(struct riser_driver_queue *queue, uint16_t slot)
{
	uint16_t last = slot;

	for (unsigned i = 1; i < queue->slots[slot].count; i++)
		last = queue->links[last];
	queue->links[last] = queue->free_head;
	queue->free_head = slot;
}

/* By the used event where EVENT_IDX was agreed on, else by the flag. */
static void split_interrupts(struct riser_driver_queue *queue, bool wanted)
{
	uint16_t event = (uint16_t)(queue->next_used - (wanted ? 0 : 1));
	uint16_t flags = wanted ? 0 : VRING_AVAIL_F_NO_INTERRUPT;

	if (queue->event_idx)
		__atomic_store_n(split_used_event(queue), htole16(event), __ATOMIC_RELAXED);
	else
		__atomic_store_n(&split_avail_ring(queue)->flags, htole16(flags),
				 __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_seq_cst);
}

static uint32_t split_position(const struct riser_driver_queue *queue)
{
	return queue->next_avail;
}

const struct driver_ring_ops driver_split = {
	.lengths = split_lengths,
	.put = split_put,
	.fill = split_fill,
	.publish = split_publish,
	.used = split_used,
	.advance = split_advance,
	.release = split_release,
	.interrupts = split_interrupts,
	.position = split_position,
};
