/* SPDX-License-Identifier: MIT */
/* Split virtqueues (virtio 2.7). */
#include <endian.h>

#include "virtio/queue.h"

enum {
	FLAGS = 0, /* of the available and the used ring */
	INDEX = 2,
	ENTRIES = 4,
	AVAIL_ENTRY = 2,
	USED_ENTRY = 8,
};

/* The driver's wish for interrupts and ours for notifications stand after the entries. */
static uint32_t used_event(const struct riser_vq *vq)
{
	return ENTRIES + AVAIL_ENTRY * (uint32_t)vq->size;
}

static uint32_t avail_event(const struct riser_vq *vq)
{
	return ENTRIES + USED_ENTRY * (uint32_t)vq->size;
}

static void sizes(uint16_t size, uint32_t lengths[RISER__AREAS])
{
	lengths[RISER__DESC] = (uint32_t)sizeof(struct vring_desc) * size;
	lengths[RISER__DRIVER] = ENTRIES + AVAIL_ENTRY * (uint32_t)size + 2;
	lengths[RISER__DEVICE] = ENTRIES + USED_ENTRY * (uint32_t)size + 2;
}

static bool available(struct riser_vq *vq)
{
	if (vq->seen_avail == vq->next_avail)
		vq->seen_avail = riser__area_load16(vq, RISER__DRIVER, INDEX);
	return vq->seen_avail != vq->next_avail;
}

static int take(struct riser_vq *vq, struct riser_chain *chain)
{
	uint16_t ahead = (uint16_t)(vq->seen_avail - vq->next_avail), head;
	int ret;

	if (ahead > vq->size)
		return riser__vq_corrupt(vq, "%u requests are said to be available in %u",
					 ahead, vq->size);
	if (vq->in_flight >= vq->size)
		return riser__vq_corrupt(vq, "more requests than it has descriptors");
	head = riser__area_load16(
		vq, RISER__DRIVER,
		ENTRIES + AVAIL_ENTRY * (uint32_t)(vq->next_avail & (vq->size - 1)));
	ret = riser__gather_split(chain, head);
	if (ret)
		return ret;
	chain->id = head;
	chain->slots = 1;
	vq->in_flight++;
	vq->next_avail++;
	return 0;
}

static void put(struct riser_vq *vq, struct riser_chain *chain)
{
	const struct vring_used_elem used = { htole32(chain->id), htole32(chain->written) };

	riser__area_write(vq, RISER__DEVICE,
			  ENTRIES + USED_ENTRY * (uint32_t)(vq->next_used & (vq->size - 1)),
			  &used, sizeof(used));
	vq->next_used++;
	vq->in_flight--;
}

static bool publish(struct riser_vq *vq)
{
	uint16_t was = vq->signalled;
	bool valid = vq->signalled_valid;

	riser__area_store16(vq, RISER__DEVICE, INDEX, vq->next_used);
	atomic_thread_fence(memory_order_seq_cst);
	vq->signalled = vq->next_used;
	vq->signalled_valid = true;
	if (!vq->event_idx)
		return !(riser__area_load16(vq, RISER__DRIVER, FLAGS) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	return !valid || vring_need_event(riser__area_load16(vq, RISER__DRIVER, used_event(vq)),
					  vq->next_used, was);
}

static void notify(struct riser_vq *vq, bool wanted)
{
	if (!vq->event_idx)
		riser__area_store16(vq, RISER__DEVICE, FLAGS,
				    wanted ? 0 : VRING_USED_F_NO_NOTIFY);
	else if (wanted)
		riser__area_store16(vq, RISER__DEVICE, avail_event(vq), vq->next_avail);
}

const struct riser__ring_ops riser__split = { sizes, available, take, put, publish, notify };
