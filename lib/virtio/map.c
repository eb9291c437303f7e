/* SPDX-License-Identifier: MIT */
/* Parts of a chain as memory: in place, or, where guest memory is not mapped, in a copy. */
#include <errno.h>
#include <stdlib.h>

#include "virtio/queue.h"

/* Copies of one device's chains together; a driver decides how much is asked for. */
#define COPIES_MAX (UINT64_C(64) << 20)

struct riser__held {
	struct riser_dma map; /* no data: `copy` stands for it */
	void *copy;
	struct riser__segment segment;
	bool write;
};

static int grow(struct riser_chain *chain)
{
	uint32_t capacity = chain->iov_capacity ? 2 * chain->iov_capacity : 8;
	struct riser__held *held;
	struct iovec *iov;

	if (chain->held_count < chain->iov_capacity)
		return 0;
	held = realloc(chain->held, capacity * sizeof(*held));
	if (held)
		chain->held = held;
	iov = realloc(chain->iov, capacity * sizeof(*iov));
	if (iov)
		chain->iov = iov;
	if (!held || !iov)
		return -ENOMEM;
	chain->iov_capacity = capacity;
	return 0;
}

static int make_copy(struct riser_chain *chain, struct riser__held *held)
{
	struct riser__virtio *virtio = chain->vq->virtio;
	const struct riser__segment *segment = &held->segment;
	uint64_t copies = atomic_fetch_add(&virtio->copies, segment->length) + segment->length;
	int ret;

	held->copy = copies <= COPIES_MAX ? malloc(segment->length) : NULL;
	if (!held->copy) {
		atomic_fetch_sub(&virtio->copies, segment->length);
		return -ENOMEM;
	}
	/* Also what is to be written is fetched: the device may leave some of it out. */
	ret = riser_dma_read(virtio->dev, segment->iova, held->copy, segment->length);
	if (!ret)
		return 0;
	riser__chain_refused(chain, segment, ret);
	return -EFAULT;
}

static int hold(struct riser_chain *chain, const struct riser__segment *segment, bool write)
{
	struct riser__held *held;
	int ret = grow(chain);

	if (ret)
		return ret;
	held = &chain->held[chain->held_count];
	*held = (struct riser__held){ .segment = *segment, .write = write };
	if (riser_dma_map(chain->vq->virtio->dev, segment->iova, segment->length,
			  write ? RISER_DMA_WRITE : RISER_DMA_READ, &held->map))
		ret = make_copy(chain, held);
	chain->iov[chain->held_count] =
		(struct iovec){ held->copy ? held->copy : held->map.data, segment->length };
	chain->held_count++;
	return ret;
}

int riser_chain_map(struct riser_chain *chain, bool write, size_t length,
		    const struct iovec **iov, int *count)
{
	struct riser__cursor *side = write ? &chain->out : &chain->in;
	uint32_t first = chain->held_count;
	struct riser__segment piece;
	size_t done = 0;
	int ret = 0;

	if (riser__chain_is_over(chain))
		return -ECANCELED;
	if (length > side->left)
		return -ERANGE;
	while (!ret && riser__cursor_next(chain, side, length - done, &piece)) {
		ret = hold(chain, &piece, write);
		done += piece.length;
	}
	if (ret == -ENOMEM)
		riser__dev_dma_failed(chain->vq->virtio->dev, ret, "mapping", piece.iova,
				      piece.length);
	if (write && !ret)
		chain->written += (uint32_t)length;
	*iov = chain->iov ? chain->iov + first : NULL;
	*count = (int)(chain->held_count - first);
	return ret;
}

/* Nothing of a chain that the driver has taken back reaches memory. */
static void put_back(struct riser_chain *chain, struct riser__held *held)
{
	struct riser__virtio *virtio = chain->vq->virtio;
	const struct riser__segment *segment = &held->segment;
	int ret = 0;

	if (held->write && chain->epoch == chain->vq->epoch)
		ret = riser_dma_write(virtio->dev, segment->iova, held->copy, segment->length);
	if (ret)
		riser__chain_refused(chain, segment, ret);
	free(held->copy);
	atomic_fetch_sub(&virtio->copies, segment->length);
}

void riser__chain_unmap(struct riser_chain *chain)
{
	struct riser__virtio *virtio = chain->vq->virtio;

	for (uint32_t i = 0; i < chain->held_count; i++) {
		struct riser__held *held = &chain->held[i];

		/* It was out of reach for a while: bytes may have been lost. */
		if (riser_dma_unmap(virtio->dev, &held->map) == -ESTALE &&
		    chain->cuts != atomic_load(&virtio->cuts))
			atomic_store(&chain->lost, true);
		if (held->copy)
			put_back(chain, held);
	}
	chain->held_count = 0;
}
