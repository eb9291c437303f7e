/* SPDX-License-Identifier: MIT */
/* A chain as the device sees it: bytes to read, room to write. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/queue.h"

struct riser_chain *riser__chain_take(struct riser_vq *vq)
{
	struct riser_chain *chain = vq->spare;

	if (chain) {
		vq->spare = chain->next;
	} else {
		chain = calloc(1, sizeof(*chain) + vq->desc->request_size);
		if (!chain)
			return NULL;
		chain->vq = vq;
		chain->all_next = vq->all;
		vq->all = chain;
	}
	chain->epoch = vq->epoch;
	chain->done = false;
	chain->lost = false;
	chain->cuts = atomic_load(&vq->virtio->cuts);
	chain->written = 0;
	chain->count = 0;
	chain->in = chain->out = (struct riser__cursor){ 0 };
	memset(chain->request, 0, vq->desc->request_size);
	return chain;
}

/* What is to be read comes first, so the sides are told apart by how much that is. */
void riser__chain_begin(struct riser_chain *chain)
{
	size_t left = chain->in.left;
	uint32_t at = 0;

	while (left)
		left -= chain->segments[at++].length;
	chain->in.end = chain->out.segment = at;
	chain->out.end = chain->count;
}

void riser__chain_spare(struct riser_chain *chain)
{
	chain->next = chain->vq->spare;
	chain->vq->spare = chain;
}

void riser__chain_free(struct riser_chain *chain)
{
	riser__chain_unmap(chain);
	free(chain->segments);
	free(chain->iov);
	free(chain->held);
	free(chain);
}

void *riser_chain_request(struct riser_chain *chain)
{
	return chain->request;
}

size_t riser_chain_left(const struct riser_chain *chain)
{
	return chain->in.left;
}

size_t riser_chain_room(const struct riser_chain *chain)
{
	return chain->out.left;
}

bool riser__cursor_next(const struct riser_chain *chain, struct riser__cursor *at,
			size_t length, struct riser__segment *piece)
{
	const struct riser__segment *segment = &chain->segments[at->segment];

	if (!length || at->segment == at->end)
		return false;
	piece->iova = segment->iova + at->into;
	piece->length = segment->length - at->into;
	if (piece->length > length)
		piece->length = (uint32_t)length;
	at->into += piece->length;
	at->left -= piece->length;
	if (at->into == segment->length) {
		at->into = 0;
		at->segment++;
	}
	return true;
}

size_t riser__chain_refused(struct riser_chain *chain, const struct riser__segment *piece,
			    int error)
{
	if (error == -EACCES)
		atomic_store(&chain->lost, true);
	else
		riser__vq_corrupt(chain->vq,
				  "a buffer of %u bytes at %#" PRIx64 " is not in memory",
				  piece->length, piece->iova);
	return 0;
}

size_t riser_chain_read(struct riser_chain *chain, void *to, size_t length)
{
	struct riser__segment piece;
	size_t done = 0;

	if (riser__chain_is_over(chain))
		return 0;
	while (riser__cursor_next(chain, &chain->in, length - done, &piece)) {
		int ret = riser_dma_read(chain->vq->virtio->dev, piece.iova, (char *)to + done,
					 piece.length);

		if (ret)
			return riser__chain_refused(chain, &piece, ret);
		done += piece.length;
	}
	return done;
}

size_t riser_chain_write(struct riser_chain *chain, const void *from, size_t length)
{
	struct riser__segment piece;
	size_t done = 0;

	if (riser__chain_is_over(chain))
		return 0;
	while (riser__cursor_next(chain, &chain->out, length - done, &piece)) {
		int ret = riser_dma_write(chain->vq->virtio->dev, piece.iova,
					  (const char *)from + done, piece.length);

		if (ret)
			return riser__chain_refused(chain, &piece, ret);
		done += piece.length;
		chain->written += piece.length;
	}
	return done;
}

size_t riser_chain_skip(struct riser_chain *chain, size_t length)
{
	struct riser__segment piece;
	size_t done = 0;

	while (riser__cursor_next(chain, &chain->in, length - done, &piece))
		done += piece.length;
	return done;
}

size_t riser_chain_zero(struct riser_chain *chain, size_t length)
{
	static const char zeroes[4096];
	size_t done = 0;

	while (done < length) {
		size_t part = length - done < sizeof(zeroes) ? length - done : sizeof(zeroes);
		size_t got = riser_chain_write(chain, zeroes, part);

		done += got;
		if (got < part)
			break;
	}
	return done;
}
