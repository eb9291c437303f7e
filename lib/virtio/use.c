/* SPDX-License-Identifier: MIT */
/* Requests from the ring to the device, and back. */
#include <errno.h>

#include "virtio/queue.h"

/* ---- Pop ---- */

static uint32_t position(const struct riser_vq *vq)
{
	return vq->next_avail | (uint32_t)vq->avail_wrap << 16;
}

/*
 * Whether there is a request. Before saying no, the driver is asked to notify of the next one,
 * and then looked for once more: it may not have noticed in time.
 */
static bool available(struct riser_vq *vq)
{
	const struct riser__ring_ops *ring = riser__vq_ring(vq);

	for (;;) {
		if (ring->available(vq))
			return !vq->virtio->broken;
		if (!vq->desc->kick || vq->armed_at == position(vq) || vq->virtio->broken)
			return false;
		ring->notify(vq, true);
		vq->armed_at = position(vq);
		atomic_thread_fence(memory_order_seq_cst);
	}
}

static struct riser_chain *take(struct riser_vq *vq)
{
	struct riser_chain *chain = riser__chain_take(vq);

	if (!chain) {
		riser__vq_corrupt(vq, "no memory for a request");
		return NULL;
	}
	if (riser__vq_ring(vq)->take(vq, chain)) {
		riser__chain_spare(chain);
		return NULL;
	}
	riser__chain_begin(chain);
	vq->held++;
	if (vq->in_order) {
		chain->next = NULL;
		*vq->flying_last = chain;
		vq->flying_last = &chain->next;
	}
	return chain;
}

struct riser_chain *riser_vq_pop(struct riser_vq *vq)
{
	struct riser_chain *chain = NULL;

	if (!riser_vq_live(vq))
		return NULL;
	pthread_mutex_lock(&vq->lock);
	riser__vq_refresh(vq);
	if (riser__vq_reachable(vq) && available(vq))
		chain = take(vq);
	pthread_mutex_unlock(&vq->lock);
	return chain;
}

/* ---- Push ---- */

static void put_one(struct riser_vq *vq, struct riser_chain *chain)
{
	riser__vq_ring(vq)->put(vq, chain);
	vq->unpublished = true;
	vq->held--;
	riser__chain_spare(chain);
}

/* In order, if that was agreed on: one that is early waits for those before it. */
static void put(struct riser_vq *vq, struct riser_chain *chain)
{
	if (chain->lost)
		riser__vq_corrupt(vq, "a request was cut short: memory was out of reach");
	if (!vq->in_order) {
		put_one(vq, chain);
		return;
	}
	chain->done = true;
	while (vq->flying && vq->flying->done) {
		chain = vq->flying;
		vq->flying = chain->next;
		if (!vq->flying)
			vq->flying_last = &vq->flying;
		put_one(vq, chain);
	}
}

static void publish(struct riser_vq *vq)
{
	if (!vq->unpublished || vq->virtio->broken || !riser__vq_reachable(vq))
		return;
	vq->unpublished = false;
	if (riser__vq_ring(vq)->publish(vq))
		riser__virtio_notify_queue(vq->virtio, vq->vector);
}

/* Where the ring is not mapped only the device's thread may touch it. */
static void hand_over(struct riser_vq *vq, struct riser_chain *chain)
{
	chain->later = NULL;
	*vq->done_last = chain;
	vq->done_last = &chain->later;
	riser_post(vq->virtio->dev, &vq->work);
}

/* It is not the driver's any more, who may wait for the last one. */
static void take_late(struct riser_vq *vq, struct riser_chain *chain)
{
	bool over = riser__chain_is_over(chain);

	riser__chain_spare(chain);
	if (!over && !--vq->late)
		riser_post(vq->virtio->dev, &vq->work);
}

void riser_vq_push(struct riser_vq *vq, struct riser_chain *chain)
{
	riser__chain_unmap(chain);
	pthread_mutex_lock(&vq->lock);
	if (chain->epoch != vq->epoch) {
		take_late(vq, chain);
	} else if (!riser__vq_direct(vq)) {
		hand_over(vq, chain);
	} else {
		put(vq, chain);
		if (!vq->batch)
			publish(vq);
	}
	pthread_mutex_unlock(&vq->lock);
}

void riser_vq_begin(struct riser_vq *vq)
{
	pthread_mutex_lock(&vq->lock);
	vq->batch++;
	pthread_mutex_unlock(&vq->lock);
}

void riser_vq_end(struct riser_vq *vq)
{
	pthread_mutex_lock(&vq->lock);
	if (!--vq->batch && vq->unpublished) {
		if (riser__vq_direct(vq))
			publish(vq);
		else
			riser_post(vq->virtio->dev, &vq->work);
	}
	pthread_mutex_unlock(&vq->lock);
}

/* ---- On the device's thread ---- */

void riser__vq_settle(struct riser_vq *vq)
{
	pthread_mutex_lock(&vq->lock);
	riser__vq_refresh(vq);
	while (vq->done && riser__vq_reachable(vq)) {
		struct riser_chain *chain = vq->done;

		vq->done = chain->later;
		put(vq, chain);
	}
	if (!vq->done)
		vq->done_last = &vq->done;
	publish(vq);
	pthread_mutex_unlock(&vq->lock);
}

void riser__vq_work(struct riser_dev *dev, struct riser_work *work)
{
	struct riser_vq *vq = (void *)((char *)work - offsetof(struct riser_vq, work));
	bool kick = vq->kick;

	(void)dev;
	vq->kick = false;
	if (riser_vq_live(vq))
		riser__vq_settle(vq);
	else
		riser__virtio_drained(vq->virtio);
	if (kick)
		riser__vq_kick(vq);
}

unsigned riser__vq_late(struct riser_vq *vq)
{
	unsigned late;

	pthread_mutex_lock(&vq->lock);
	late = vq->late;
	pthread_mutex_unlock(&vq->lock);
	return late;
}

unsigned riser__vq_held(struct riser_vq *vq)
{
	unsigned held;

	pthread_mutex_lock(&vq->lock);
	held = vq->held;
	pthread_mutex_unlock(&vq->lock);
	return held;
}
