/* SPDX-License-Identifier: MIT */
/* A queue's life: set up by the driver, started, kicked, taken back. */
#include "virtio/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int riser__vq_init(struct riser_vq *vq, struct riser__virtio *virtio,
		   const struct riser_vq_desc *desc, unsigned index)
{
	uint32_t size = virtio->state->options.queue_size;

	vq->virtio = virtio;
	vq->desc = desc;
	vq->index = index;
	vq->max_size = size ? (uint16_t)size : desc->size;
	vq->flying_last = &vq->flying;
	vq->done_last = &vq->done;
	vq->work.run = riser__vq_work;
	riser__vq_forget(vq);
	return -pthread_mutex_init(&vq->lock, NULL);
}

void riser__vq_fini(struct riser_vq *vq)
{
	while (vq->all) {
		struct riser_chain *chain = vq->all;

		vq->all = chain->all_next;
		riser__chain_free(chain);
	}
	pthread_mutex_destroy(&vq->lock);
}

unsigned riser_vq_index(const struct riser_vq *vq)
{
	return vq->index;
}

unsigned riser_vq_size(const struct riser_vq *vq)
{
	return vq->max_size;
}

bool riser_vq_live(const struct riser_vq *vq)
{
	return atomic_load_explicit(&vq->live, memory_order_relaxed) && !vq->virtio->broken;
}

int riser__vq_corrupt(struct riser_vq *vq, const char *format, ...)
{
	char line[192];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	riser_virtio_needs_reset(vq->virtio->dev, "queue %u (%s): %s", vq->index,
				 vq->desc->name, line);
	return -EPROTO;
}

/* ---- What the driver has set ---- */

static void name_areas(struct riser_vq *vq)
{
	const uint64_t iovas[] = { vq->desc_iova, vq->driver_iova, vq->device_iova };
	uint32_t lengths[RISER__AREAS];

	vq->packed = riser_virtio_has(vq->virtio->dev, RISER__F_RING_PACKED);
	riser__vq_ring(vq)->sizes(vq->size, lengths);
	for (unsigned i = 0; i < RISER__AREAS; i++)
		vq->areas[i] = (struct riser__area){ iovas[i], lengths[i], { 0 } };
}

static bool meet(const struct riser__area *a, const struct riser__area *b)
{
	return a->iova < b->iova + b->length && b->iova < a->iova + a->length;
}

/* Parts of a ring, or of two, may not share memory (virtio 2.6, 2.8). */
static bool check_apart(struct riser_vq *vq)
{
	const struct riser__virtio *virtio = vq->virtio;

	for (unsigned i = 0; i < RISER__AREAS; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (meet(&vq->areas[i], &vq->areas[j]))
				return !riser__vq_corrupt(vq, "parts of its ring overlap");
		}
	}
	for (unsigned q = 0; q < virtio->vq_count; q++) {
		const struct riser_vq *other = &virtio->vqs[q];

		for (unsigned n = 0; other->enabled && n < RISER__AREAS * RISER__AREAS; n++) {
			if (meet(&vq->areas[n / RISER__AREAS], &other->areas[n % RISER__AREAS]))
				return !riser__vq_corrupt(vq, "its ring overlaps queue %u's",
							  q);
		}
	}
	return true;
}

static bool check_areas(struct riser_vq *vq)
{
	const unsigned align[] = { 16, vq->packed ? 4 : 2, 4 };

	for (unsigned i = 0; i < RISER__AREAS; i++) {
		const struct riser__area *area = &vq->areas[i];

		if (area->iova % align[i])
			return !riser__vq_corrupt(
				vq, "ring address %#" PRIx64 " is not a multiple of %u",
				area->iova, align[i]);
		if (area->iova > UINT64_MAX - area->length)
			return !riser__vq_corrupt(vq, "ring address %#" PRIx64 " wraps",
						  area->iova);
	}
	return check_apart(vq);
}

bool riser__vq_enable(struct riser_vq *vq)
{
	bool packed = riser_virtio_has(vq->virtio->dev, RISER__F_RING_PACKED);

	if (!vq->size || vq->size > vq->max_size || (!packed && vq->size & (vq->size - 1)))
		return !riser__vq_corrupt(vq, "a size of %u; the most is %u%s", vq->size,
					  vq->max_size, packed ? "" : ", a power of two");
	name_areas(vq);
	if (!check_areas(vq))
		return false;
	vq->enabled = true;
	return true;
}

void riser__vq_forget(struct riser_vq *vq)
{
	vq->enabled = vq->resetting = false;
	vq->size = vq->max_size;
	vq->vector = RISER__NO_VECTOR;
	vq->desc_iova = vq->driver_iova = vq->device_iova = 0;
	vq->next_avail = vq->next_used = 0;
	vq->avail_wrap = vq->used_wrap = true;
}

void riser__vq_set_vector(struct riser_vq *vq, uint16_t vector)
{
	pthread_mutex_lock(&vq->lock);
	vq->vector = vector;
	pthread_mutex_unlock(&vq->lock);
}

/* ---- At work ---- */

void riser__vq_start(struct riser_vq *vq)
{
	const struct riser_dev *dev = vq->virtio->dev;

	pthread_mutex_lock(&vq->lock);
	vq->event_idx = riser_virtio_has(dev, RISER__F_EVENT_IDX);
	vq->indirect = riser_virtio_has(dev, RISER__F_INDIRECT_DESC);
	vq->in_order = riser_virtio_has(dev, RISER__F_IN_ORDER);
	vq->seen_avail = vq->next_avail;
	vq->signalled_valid = false;
	vq->armed_at = RISER__NOT_ARMED;
	riser__vq_map(vq);
	atomic_store(&vq->live, true);
	pthread_mutex_unlock(&vq->lock);
}

/* Chains that the device has pushed, and that are not in the ring yet. */
static void drop_pushed(struct riser_vq *vq)
{
	while (vq->done) {
		struct riser_chain *chain = vq->done;

		vq->done = chain->later;
		vq->held--;
		riser__chain_spare(chain);
	}
	vq->done_last = &vq->done;
	while (vq->flying) {
		struct riser_chain *chain = vq->flying;

		vq->flying = chain->next;
		if (!chain->done)
			continue;
		vq->held--;
		riser__chain_spare(chain);
	}
	vq->flying_last = &vq->flying;
}

void riser__vq_take_back(struct riser_vq *vq)
{
	if (!vq->live)
		return;
	vq->taken = true;
	pthread_mutex_lock(&vq->lock);
	atomic_store(&vq->live, false);
	vq->epoch++;
	drop_pushed(vq);
	vq->late += vq->held;
	vq->in_flight = vq->held = 0;
	vq->unpublished = false;
	vq->kick = false;
	riser__vq_unmap(vq);
	pthread_mutex_unlock(&vq->lock);
}

/* Chains that the device still has are not waited for any more. */
static void forget_late(struct riser_vq *vq)
{
	pthread_mutex_lock(&vq->lock);
	vq->late = 0;
	vq->settled = vq->epoch;
	pthread_mutex_unlock(&vq->lock);
}

bool riser__vq_stop(struct riser_vq *vq, bool waits)
{
	struct riser_dev *dev = vq->virtio->dev;
	const struct riser_virtio_device *desc = &vq->virtio->model->desc;
	bool taken;

	riser__vq_take_back(vq);
	taken = vq->taken;
	vq->taken = false;
	if (!taken && !riser__vq_late(vq))
		return true;
	if (!waits || !desc->drain) {
		if (vq->desc->stop)
			vq->desc->stop(dev, vq);
		forget_late(vq);
		return true;
	}
	if (taken)
		desc->drain(dev, vq);
	return !riser__vq_late(vq);
}

void riser__vq_drained(struct riser_vq *vq)
{
	if (!vq->resetting || riser__vq_late(vq))
		return;
	riser__vq_forget(vq);
	riser__virtio_show_queue(vq->virtio);
}

void riser__vq_reset(struct riser_vq *vq)
{
	if (riser__vq_stop(vq, true))
		riser__vq_forget(vq);
	else
		vq->resetting = true;
}

/* While it is at work the driver need not notify. */
static void disarm(struct riser_vq *vq)
{
	pthread_mutex_lock(&vq->lock);
	riser__vq_refresh(vq);
	vq->armed_at = RISER__NOT_ARMED;
	riser__vq_ring(vq)->notify(vq, false);
	pthread_mutex_unlock(&vq->lock);
}

void riser__vq_kick(struct riser_vq *vq)
{
	if (!vq->desc->kick || !riser_vq_live(vq) || !riser__vq_reachable(vq))
		return;
	disarm(vq);
	riser_vq_begin(vq);
	vq->desc->kick(vq->virtio->dev, vq);
	riser_vq_end(vq);
}

void riser__vq_kick_later(struct riser_vq *vq)
{
	vq->kick = true;
	riser_post(vq->virtio->dev, &vq->work);
}
