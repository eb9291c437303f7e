/* SPDX-License-Identifier: MIT */
/* Packed rings as the driver writes them (virtio 2.8). */
#include <endian.h>
#include <string.h>

#include "host/driver.h"

enum {
	AVAIL = 1 << VRING_PACKED_DESC_F_AVAIL,
	USED = 1 << VRING_PACKED_DESC_F_USED,
	WRAP = 1 << VRING_PACKED_EVENT_F_WRAP_CTR,
};

static struct vring_packed_desc *packed_descs(const struct riser_driver_queue *queue)
{
	return driver_area(queue, 0);
}

static struct vring_packed_desc_event *packed_event(const struct riser_driver_queue *queue,
						    unsigned area)
{
	return driver_area(queue, area);
}

static void packed_lengths(uint16_t size, uint32_t lengths[3])
{
	lengths[0] = (uint32_t)sizeof(struct vring_packed_desc) * size;
	lengths[1] = lengths[2] = sizeof(struct vring_packed_desc_event);
}

/* Goes on by a number of descriptors, at most the ring's. */
static void go_on(const struct riser_driver_queue *queue, uint16_t *at, bool *wrap,
		  unsigned count)
{
	unsigned to = *at + count;

	if (to >= queue->size) {
		to -= queue->size;
		*wrap = !*wrap;
	}
	*at = (uint16_t)to;
}

/* All descriptors but the first get their flags at once: the device does not pass the first. */
static void packed_put_one(struct riser_driver_queue *queue, const struct driver_part *part,
			   unsigned flags, uint16_t id)
{
	struct vring_packed_desc *desc = &packed_descs(queue)[queue->next_avail];

	flags |= part->flags | (queue->avail_wrap ? AVAIL : USED);
	desc->addr = htole64(part->iova);
	desc->len = htole32(part->length);
	desc->id = htole16(id);
	if (!queue->added) {
		queue->first = queue->next_avail;
		queue->first_flags = (uint16_t)flags;
	} else {
		__atomic_store_n(&desc->flags, htole16((uint16_t)flags), __ATOMIC_RELEASE);
	}
	queue->added++;
	go_on(queue, &queue->next_avail, &queue->avail_wrap, 1);
}

static void packed_put(struct riser_driver_queue *queue)
{
	bool loop = queue->mischief == RISER_MIS_LOOP;
	unsigned count = loop ? queue->free : queue->part_count;
	uint16_t id = queue->free_head;

	for (unsigned i = 0; i < count; i++) {
		bool last = i + 1 == count;

		packed_put_one(queue, &queue->parts[loop ? 0 : i],
			       last && !loop ? 0 : VRING_DESC_F_NEXT, id);
	}
	queue->free_head = queue->links[id];
	queue->part_count = count;
	queue->mischief = RISER_MIS_NONE;
}

static void packed_fill(const struct riser_driver_queue *queue, void *table)
{
	struct vring_packed_desc *desc = table;

	for (unsigned i = 0; i < queue->part_count; i++) {
		const struct driver_part *part = &queue->parts[i];

		desc[i] = (struct vring_packed_desc){ .addr = htole64(part->iova),
						      .len = htole32(part->length),
						      .flags = htole16(part->flags) };
	}
}

/* Whether the device's event lies among what was just added. */
static bool event_passed(const struct riser_driver_queue *queue, uint16_t place, unsigned added)
{
	uint16_t at = place & (uint16_t)~WRAP;

	if (!!(place & WRAP) != queue->avail_wrap)
		at = (uint16_t)(at - queue->size);
	return vring_need_event(at, queue->next_avail, (uint16_t)(queue->next_avail - added));
}

static bool packed_publish(struct riser_driver_queue *queue)
{
	const struct vring_packed_desc_event *wish = packed_event(queue, 2);
	unsigned added = queue->added;
	uint16_t flags;

	queue->mischief = RISER_MIS_NONE;
	if (added)
		__atomic_store_n(&packed_descs(queue)[queue->first].flags,
				 htole16(queue->first_flags), __ATOMIC_RELEASE);
	queue->added = 0;
	atomic_thread_fence(memory_order_seq_cst);
	flags = le16toh(__atomic_load_n(&wish->flags, __ATOMIC_ACQUIRE));
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return true;
	return event_passed(queue, le16toh(__atomic_load_n(&wish->off_wrap, __ATOMIC_RELAXED)),
			    added);
}

static bool packed_used(struct riser_driver_queue *queue, uint32_t *slot, uint32_t *written)
{
	const struct vring_packed_desc *desc = &packed_descs(queue)[queue->next_used];
	uint16_t flags = le16toh(__atomic_load_n(&desc->flags, __ATOMIC_ACQUIRE));

	if (!!(flags & USED) != queue->used_wrap || !!(flags & AVAIL) != queue->used_wrap)
		return false;
	*slot = le16toh(desc->id);
	*written = flags & VRING_DESC_F_WRITE ? le32toh(desc->len) : 0;
	return true;
}

static void packed_advance(struct riser_driver_queue *queue, uint16_t count)
{
	go_on(queue, &queue->next_used, &queue->used_wrap, count);
}

static void packed_release(struct riser_driver_queue *queue, uint16_t slot)
{
	queue->links[slot] = queue->free_head;
	queue->free_head = slot;
}

static void packed_interrupts(struct riser_driver_queue *queue, bool wanted)
{
	struct vring_packed_desc_event *wish = packed_event(queue, 1);
	unsigned place = queue->next_used | (queue->used_wrap ? WRAP : 0);
	uint16_t flags = VRING_PACKED_EVENT_FLAG_DISABLE;

	if (wanted)
		flags = queue->event_idx ? VRING_PACKED_EVENT_FLAG_DESC
					 : VRING_PACKED_EVENT_FLAG_ENABLE;
	__atomic_store_n(&wish->off_wrap, htole16((uint16_t)place), __ATOMIC_RELAXED);
	__atomic_store_n(&wish->flags, htole16(flags), __ATOMIC_RELEASE);
	atomic_thread_fence(memory_order_seq_cst);
}

static uint32_t packed_position(const struct riser_driver_queue *queue)
{
	return queue->next_avail | (queue->avail_wrap ? WRAP : 0u);
}

const struct driver_ring_ops driver_packed = {
	.lengths = packed_lengths,
	.put = packed_put,
	.fill = packed_fill,
	.publish = packed_publish,
	.used = packed_used,
	.advance = packed_advance,
	.release = packed_release,
	.interrupts = packed_interrupts,
	.position = packed_position,
};
