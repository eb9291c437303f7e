/* SPDX-License-Identifier: MIT */
/* The ring's memory: in place where it is mapped, by copies where it is not. */
#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "core/guard.h"
#include "virtio/queue.h"

void riser__vq_map(struct riser_vq *vq)
{
	struct riser_dev *dev = vq->virtio->dev;
	unsigned access = RISER_DMA_READ | RISER_DMA_WRITE;

	vq->generation = atomic_load(&dev->dma_generation);
	vq->breaks = atomic_load(&riser__guard_breaks);
	vq->mapped = riser__vq_reachable(vq);
	if (!vq->mapped)
		return;
	for (unsigned i = 0; i < RISER__AREAS; i++) {
		struct riser__area *area = &vq->areas[i];
		bool written = i == RISER__DEVICE || (i == RISER__DESC && vq->packed);

		if (riser_dma_map(dev, area->iova, area->length,
				  written ? access : RISER_DMA_READ, &area->map))
			vq->mapped = false;
	}
}

void riser__vq_unmap(struct riser_vq *vq)
{
	vq->mapped = false;
	for (unsigned i = 0; i < RISER__AREAS; i++)
		riser_dma_unmap(vq->virtio->dev, &vq->areas[i].map);
}

static bool stale(const struct riser_vq *vq)
{
	return vq->generation != atomic_load_explicit(&vq->virtio->dev->dma_generation,
						      memory_order_acquire) ||
	       vq->breaks != atomic_load_explicit(&riser__guard_breaks, memory_order_relaxed);
}

void riser__vq_refresh(struct riser_vq *vq)
{
	if (!stale(vq) || !vq->live || !riser__vq_reachable(vq))
		return;
	riser__vq_unmap(vq);
	riser__vq_map(vq);
}

bool riser__vq_direct(const struct riser_vq *vq)
{
	return vq->mapped && !stale(vq) && riser__vq_reachable(vq);
}

void riser__area_read(struct riser_vq *vq, unsigned area, uint32_t offset, void *to,
		      uint32_t length)
{
	const struct riser__area *a = &vq->areas[area];

	if (a->map.data) {
		memcpy(to, (const char *)a->map.data + offset, length);
	} else if (riser_dma_read(vq->virtio->dev, a->iova + offset, to, length)) {
		memset(to, 0, length);
		riser__vq_corrupt(vq, "its ring at %#" PRIx64 " cannot be read",
				  a->iova + offset);
	}
}

void riser__area_write(struct riser_vq *vq, unsigned area, uint32_t offset, const void *from,
		       uint32_t length)
{
	const struct riser__area *a = &vq->areas[area];

	if (a->map.data)
		memcpy((char *)a->map.data + offset, from, length);
	else if (riser_dma_write(vq->virtio->dev, a->iova + offset, from, length))
		riser__vq_corrupt(vq, "its ring at %#" PRIx64 " cannot be written",
				  a->iova + offset);
}

uint16_t riser__area_load16(struct riser_vq *vq, unsigned area, uint32_t offset)
{
	const struct riser__area *a = &vq->areas[area];
	uint16_t value;

	if (a->map.data)
		value = __atomic_load_n((const uint16_t *)((char *)a->map.data + offset),
					__ATOMIC_ACQUIRE);
	else
		riser__area_read(vq, area, offset, &value, sizeof(value));
	return le16toh(value);
}

void riser__area_store16(struct riser_vq *vq, unsigned area, uint32_t offset, uint16_t value)
{
	const struct riser__area *a = &vq->areas[area];

	value = htole16(value);
	if (a->map.data)
		__atomic_store_n((uint16_t *)((char *)a->map.data + offset), value,
				 __ATOMIC_RELEASE);
	else
		riser__area_write(vq, area, offset, &value, sizeof(value));
}
