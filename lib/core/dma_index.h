/* SPDX-License-Identifier: MIT */
/* The ranges of a table, sorted: two levels, so that nothing is ever moved far. */
#ifndef RISER_CORE_DMA_INDEX_H
#define RISER_CORE_DMA_INDEX_H

#include "core/dma_range.h"

struct riser__dma_chunk;

struct riser__dma_index {
	uint64_t *firsts; /* of each chunk the lowest address */
	struct riser__dma_chunk **chunks;
	size_t chunk_count, capacity;
	size_t count; /* ranges */
};

/* A place in it; not valid any more when the index has changed. */
struct riser__dma_place {
	size_t chunk, slot;
};

void riser__dma_index_free(struct riser__dma_index *index);
/* The first range that ends at `iova` or after it. */
struct riser__dma_place riser__dma_index_find(const struct riser__dma_index *index,
					      uint64_t iova);
/* NULL at the end. */
struct riser__dma_range *riser__dma_index_get(const struct riser__dma_index *index,
					      struct riser__dma_place place);
void riser__dma_index_next(const struct riser__dma_index *index,
			   struct riser__dma_place *place);
/* Puts one in the place of another that has the same addresses. */
void riser__dma_index_set(struct riser__dma_index *index, struct riser__dma_place place,
			  struct riser__dma_range *range);
/* -EEXIST: overlaps another one. -ENOMEM. */
int riser__dma_index_insert(struct riser__dma_index *index, struct riser__dma_range *range);
void riser__dma_index_erase(struct riser__dma_index *index, struct riser__dma_place place);

#endif
