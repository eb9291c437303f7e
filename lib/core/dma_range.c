/* SPDX-License-Identifier: MIT */
#include "core/dma_range.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE = 4096 };

static int map(struct riser__dma_range *range, int fd, uint64_t offset)
{
	uint64_t length = range->last - range->iova + 1;
	int prot = (range->access & RISER_DMA_READ ? PROT_READ : 0) |
		   (range->access & RISER_DMA_WRITE ? PROT_WRITE : 0);
	struct stat st;

	if (offset % PAGE || offset > INT64_MAX - length || length > SIZE_MAX)
		return -EINVAL;
	if (fstat(fd, &st))
		return -errno;
	/* Beyond a file's end there is nothing but SIGBUS. Devices (DAX, GPU) have no size. */
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < offset + length)
		return -EINVAL;
	range->base = mmap(NULL, length, prot, MAP_SHARED | MAP_NORESERVE, fd, (off_t)offset);
	if (range->base == MAP_FAILED)
		return -errno;
	range->base_size = length;
	range->memory = range->base;
	return 0;
}

int riser__dma_range_create(uint64_t iova, uint64_t length, int fd, uint64_t offset,
			    unsigned access, struct riser__dma_range **range)
{
	struct riser__dma_range *made;
	int ret = 0;

	*range = NULL;
	if (!length || iova % PAGE || length % PAGE || iova + length - 1 < iova || !access)
		return -EINVAL;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->iova = iova;
	made->last = iova + length - 1;
	made->access = access;
	atomic_init(&made->references, 1);
	pthread_mutex_init(&made->lock, NULL);
	if (fd >= 0)
		ret = map(made, fd, offset);
	if (ret) {
		pthread_mutex_destroy(&made->lock);
		free(made);
		return ret;
	}
	*range = made;
	return 0;
}

void riser__dma_range_put(struct riser__dma_range *range)
{
	if (atomic_fetch_sub(&range->references, 1) != 1)
		return;
	if (range->memory)
		munmap(range->base, range->base_size);
	pthread_mutex_destroy(&range->lock);
	free(range->dirty);
	free(range);
}

void riser__dma_range_revoke(struct riser__dma_range *range)
{
	atomic_store(&range->revoked, true);
	/*
	 * One call changes the pages under whoever holds them; no access can fall between. If
	 * there is no memory for it the guest's pages stay, and the holder is told all the
	 * same.
	 */
	if (range->memory && atomic_load(&range->references) > 1)
		mmap(range->base, range->base_size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	riser__dma_range_put(range);
}

/* The members of a held mapping's private_: its range, and its neighbours in the list. */
enum { RANGE, NEXT, PREVIOUS };

static void link_writer(struct riser__dma_range *range, struct riser_dma *dma)
{
	pthread_mutex_lock(&range->lock);
	dma->private_[NEXT] = range->writers;
	if (range->writers)
		range->writers->private_[PREVIOUS] = dma;
	range->writers = dma;
	pthread_mutex_unlock(&range->lock);
}

static void unlink_writer(struct riser__dma_range *range, struct riser_dma *dma)
{
	struct riser_dma *next, *previous;

	pthread_mutex_lock(&range->lock);
	next = dma->private_[NEXT];
	previous = dma->private_[PREVIOUS];
	if (next)
		next->private_[PREVIOUS] = previous;
	if (previous)
		previous->private_[NEXT] = next;
	else
		range->writers = next;
	pthread_mutex_unlock(&range->lock);
}

void riser__dma_range_hold(struct riser__dma_range *range, uint64_t iova, size_t length,
			   unsigned access, struct riser_dma *dma)
{
	atomic_fetch_add(&range->references, 1);
	*dma = (struct riser_dma){
		.data = range->memory + (iova - range->iova),
		.length = length,
		.iova = iova,
		.access = access,
		.private_ = { range },
	};
	if (access & RISER_DMA_WRITE)
		link_writer(range, dma);
}

int riser__dma_unmap(struct riser_dma *dma)
{
	struct riser__dma_range *range = dma->private_[RANGE];
	int ret;

	if (dma->access & RISER_DMA_WRITE) {
		riser__dma_range_mark(range, dma->iova - range->iova, dma->length);
		unlink_writer(range, dma);
	}
	ret = atomic_load(&range->revoked) ? -ESTALE : 0;
	riser__dma_range_put(range);
	*dma = (struct riser_dma){ 0 };
	return ret;
}

static uint64_t words(const struct riser__dma_range *range)
{
	return (range->last - range->iova) / range->page / 64 + 1;
}

int riser__dma_range_log(struct riser__dma_range *range, uint64_t page)
{
	free(range->dirty);
	range->dirty = NULL;
	range->page = page;
	if (!page)
		return 0;
	range->dirty = calloc(words(range), sizeof(*range->dirty));
	return range->dirty ? 0 : -ENOMEM;
}

void riser__dma_range_mark(struct riser__dma_range *range, uint64_t into, uint64_t length)
{
	if (!range->dirty || !length)
		return;
	for (uint64_t n = into / range->page; n <= (into + length - 1) / range->page; n++)
		atomic_fetch_or(&range->dirty[n / 64], UINT64_C(1) << n % 64);
}

/* What of [at, at + length) lies in [iova, last] becomes bits of the caller's pages. */
static void set_bits(uint64_t at, uint64_t length, uint64_t iova, uint64_t last,
		     uint64_t page_size, uint8_t *bitmap)
{
	uint64_t end = at + length - 1;

	if (end < iova || at > last)
		return;
	at = at > iova ? at : iova;
	end = end < last ? end : last;
	for (uint64_t n = (at - iova) / page_size; n <= (end - iova) / page_size; n++)
		bitmap[n / 8] |= (uint8_t)(1u << n % 8);
}

void riser__dma_range_report(struct riser__dma_range *range, uint64_t iova, uint64_t last,
			     uint64_t page_size, uint8_t *bitmap)
{
	for (uint64_t w = 0; range->dirty && w < words(range); w++) {
		uint64_t first = range->iova + w * 64 * range->page;
		uint64_t bits;

		if (first > last || first + 64 * range->page - 1 < iova)
			continue;
		bits = atomic_exchange(&range->dirty[w], 0);
		for (; bits; bits &= bits - 1)
			set_bits(first + (uint64_t)__builtin_ctzll(bits) * range->page,
				 range->page, iova, last, page_size, bitmap);
	}
	pthread_mutex_lock(&range->lock);
	for (struct riser_dma *dma = range->writers; dma; dma = dma->private_[NEXT])
		set_bits(dma->iova, dma->length, iova, last, page_size, bitmap);
	pthread_mutex_unlock(&range->lock);
}
