/* SPDX-License-Identifier: MIT */
/*
 * A range of guest memory once more: when a device may not reach memory for a while, what it
 * holds is revoked, but the range is the guest's as before.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/dma_range.h"

/* The same pages at another place: a shared mapping is doubled by moving none of it. */
static int map_again(const struct riser__dma_range *range, struct riser__dma_range *fresh)
{
	const struct riser__guarded *old = &range->mapping;
	struct riser__guarded *mapping = &fresh->mapping;

	if (!range->memory || atomic_load(&old->replaced))
		return -ENXIO;
	mapping->size = old->size;
	mapping->base = mremap(old->base, 0, old->size, MREMAP_MAYMOVE);
	if (mapping->base == MAP_FAILED)
		return -errno;
	fresh->memory = (char *)mapping->base + (range->memory - (char *)old->base);
	riser__guard_add(mapping);
	return 0;
}

/* What holders may have written is dirty now; what they write later is not the guest's. */
static void move_dirty(struct riser__dma_range *range, struct riser__dma_range *fresh)
{
	pthread_mutex_lock(&range->lock);
	for (struct riser__dma_hold *hold = range->writers; hold; hold = hold->next)
		riser__dma_range_mark(range, hold->iova, hold->length);
	fresh->dirty = range->dirty;
	range->dirty = NULL;
	pthread_mutex_unlock(&range->lock);
}

int riser__dma_range_renew(struct riser__dma_range *range, struct riser__dma_range **fresh)
{
	struct riser__dma_range *made = malloc(sizeof(*made));
	int ret;

	*fresh = NULL;
	if (!made)
		return -ENOMEM;
	*made = (struct riser__dma_range){ .iova = range->iova,
					   .last = range->last,
					   .access = range->access,
					   .references = 1,
					   .page_shift = range->page_shift,
					   .lock = PTHREAD_MUTEX_INITIALIZER };
	ret = map_again(range, made);
	if (ret) {
		free(made);
		return ret;
	}
	move_dirty(range, made);
	*fresh = made;
	return 0;
}
