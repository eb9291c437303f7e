/* SPDX-License-Identifier: MIT */
/*
 * Queues while the function may not reach memory: Bus Master Enable is off, or it is in D3hot.
 * Nothing is taken from a ring or shown in it. What the device gives back meanwhile waits, and
 * all queues are looked at when memory is there again.
 */
#include "pci/function.h"
#include "virtio/queue.h"

bool riser__vq_reachable(const struct riser_vq *vq)
{
	return riser__dev_reaches_memory(vq->virtio->dev);
}

/* Takes the lock, so that no other thread is in the ring when its mapping goes. */
static void let_go(struct riser_vq *vq)
{
	pthread_mutex_lock(&vq->lock);
	riser__vq_unmap(vq);
	pthread_mutex_unlock(&vq->lock);
}

void riser__virtio_set_reach(struct riser_dev *dev, bool on)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	if (on)
		riser__dev_memory_changed(dev); /* rings are mapped anew */
	else
		atomic_fetch_add(&virtio->cuts, 1);
	for (unsigned i = 0; i < virtio->vq_count; i++) {
		struct riser_vq *vq = &virtio->vqs[i];

		if (!on)
			let_go(vq);
		else if (vq->live)
			riser__vq_kick_later(vq);
	}
}
