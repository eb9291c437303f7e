/* SPDX-License-Identifier: MIT */
/* Packed virtqueues (virtio 2.8). */
#include <endian.h>

#include "virtio/queue.h"

enum {
	AVAIL = 1 << VRING_PACKED_DESC_F_AVAIL,
	USED = 1 << VRING_PACKED_DESC_F_USED,
	WRAP = 1 << VRING_PACKED_EVENT_F_WRAP_CTR,
	ENTRY = sizeof(struct vring_packed_desc),
	ENTRY_FLAGS = offsetof(struct vring_packed_desc, flags),
	EVENT_PLACE = offsetof(struct vring_packed_desc_event, off_wrap),
	EVENT_FLAGS = offsetof(struct vring_packed_desc_event, flags),
};

static void sizes(uint16_t size, uint32_t lengths[RISER__AREAS])
{
	lengths[RISER__DESC] = (uint32_t)ENTRY * size;
	lengths[RISER__DRIVER] = sizeof(struct vring_packed_desc_event);
	lengths[RISER__DEVICE] = sizeof(struct vring_packed_desc_event);
}

static bool available(struct riser_vq *vq)
{
	uint16_t flags = riser__area_load16(vq, RISER__DESC,
					    ENTRY * (uint32_t)vq->next_avail + ENTRY_FLAGS);

	return !!(flags & AVAIL) == vq->avail_wrap && !!(flags & USED) != vq->avail_wrap;
}

static void read_desc(struct riser_vq *vq, uint16_t slot, struct vring_packed_desc *packed,
		      struct vring_desc *desc)
{
	riser__area_read(vq, RISER__DESC, ENTRY * (uint32_t)slot, packed, sizeof(*packed));
	*desc = (struct vring_desc){ .addr = le64toh(packed->addr),
				     .len = le32toh(packed->len),
				     .flags = le16toh(packed->flags) };
}

/* Its descriptors stand in a row; the last one has the buffer's id. */
static int take(struct riser_vq *vq, struct riser_chain *chain)
{
	struct vring_packed_desc packed;
	struct vring_desc desc;
	uint16_t slot = vq->next_avail, slots = 0;
	int ret;

	do {
		if (vq->in_flight + slots >= vq->size)
			return riser__vq_corrupt(vq,
						 "a chain of more descriptors than are free");
		read_desc(vq, slot, &packed, &desc);
		ret = desc.flags & VRING_DESC_F_INDIRECT ? riser__gather_indirect(chain, &desc)
							 : riser__gather_add(chain, &desc);
		if (ret)
			return ret;
		slots++;
		slot = (uint16_t)(slot + 1 == vq->size ? 0 : slot + 1);
	} while (desc.flags & VRING_DESC_F_NEXT);
	chain->id = le16toh(packed.id);
	chain->slots = slots;
	vq->in_flight += slots;
	if (slot <= vq->next_avail)
		vq->avail_wrap = !vq->avail_wrap;
	vq->next_avail = slot;
	return 0;
}

/* The flags come last: with them the driver sees the rest. */
static void put(struct riser_vq *vq, struct riser_chain *chain)
{
	const struct {
		uint32_t len;
		uint16_t id;
	} used = { htole32(chain->written), htole16(chain->id) };
	uint32_t at = ENTRY * (uint32_t)vq->next_used;
	uint32_t next = (uint32_t)vq->next_used + chain->slots;
	int flags = vq->used_wrap ? AVAIL | USED : 0;

	riser__area_write(vq, RISER__DESC, at + offsetof(struct vring_packed_desc, len), &used,
			  sizeof(used.len) + sizeof(used.id));
	flags |= chain->written ? VRING_DESC_F_WRITE : 0;
	riser__area_store16(vq, RISER__DESC, at + ENTRY_FLAGS, (uint16_t)flags);
	vq->in_flight -= chain->slots;
	if (next >= vq->size) {
		next -= vq->size;
		vq->used_wrap = !vq->used_wrap;
		vq->signalled = (uint16_t)(vq->signalled - vq->size);
	}
	vq->next_used = (uint16_t)next;
}

static bool publish(struct riser_vq *vq)
{
	uint16_t was = vq->signalled, flags, place, event;
	bool valid = vq->signalled_valid;

	atomic_thread_fence(memory_order_seq_cst);
	vq->signalled = vq->next_used;
	vq->signalled_valid = true;
	flags = riser__area_load16(vq, RISER__DRIVER, EVENT_FLAGS);
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !vq->event_idx || !valid)
		return true;
	place = riser__area_load16(vq, RISER__DRIVER, EVENT_PLACE);
	event = place & (uint16_t)~WRAP;
	if (!!(place & WRAP) != vq->used_wrap)
		event = (uint16_t)(event - vq->size);
	return vring_need_event(event, vq->next_used, was);
}

static void notify(struct riser_vq *vq, bool wanted)
{
	uint16_t flags = VRING_PACKED_EVENT_FLAG_DISABLE;

	if (wanted && vq->event_idx) {
		riser__area_store16(vq, RISER__DEVICE, EVENT_PLACE,
				    (uint16_t)(vq->next_avail | (vq->avail_wrap ? WRAP : 0)));
		flags = VRING_PACKED_EVENT_FLAG_DESC;
	} else if (wanted) {
		flags = VRING_PACKED_EVENT_FLAG_ENABLE;
	}
	riser__area_store16(vq, RISER__DEVICE, EVENT_FLAGS, flags);
}

const struct riser__ring_ops riser__packed = { sizes, available, take, put, publish, notify };
