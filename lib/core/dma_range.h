/* SPDX-License-Identifier: MIT */
/* One range of guest memory: mapped, held by the device, revoked by the host, written to. */
#ifndef RISER_CORE_DMA_RANGE_H
#define RISER_CORE_DMA_RANGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/dma_table.h"
#include "core/guard.h"

enum { RISER__DMA_PAGE = 4096 }; /* what ranges and dirty bitmaps are made of, at the least */

/* What is written through a held mapping, and when, is the holder's: each report has it all. */
struct riser__dma_hold {
	uint64_t iova, length;
	struct riser__dma_hold *next, **link;
};

struct riser__dma_range {
	uint64_t iova, last; /* inclusive */
	unsigned access;
	char *memory; /* NULL: reached by message only */
	struct riser__guarded mapping;
	atomic_uint references; /* the table's, and one for each holder */
	atomic_bool revoked;

	unsigned page_shift;	      /* of the dirty bitmap's pages */
	atomic_uint_least64_t *dirty; /* NULL: writes are not recorded */
	/* Guards the list, and the bitmap against a holder that ends without the table. */
	pthread_mutex_t lock;
	struct riser__dma_hold *writers; /* held for writing */
};

int riser__dma_range_create(uint64_t iova, uint64_t length, int fd, uint64_t offset,
			    unsigned access, struct riser__dma_range **range);
/* One reference more. */
static inline void riser__dma_range_get(struct riser__dma_range *range)
{
	atomic_fetch_add(&range->references, 1);
}
/* Drops a reference; the last one unmaps. */
void riser__dma_range_put(struct riser__dma_range *range);
/*
 * The table lets go: a holder keeps valid memory that the guest does not see, marked as broken
 * first, so that a thread that reads that memory sees the mark.
 */
void riser__dma_range_revoke(struct riser__dma_range *range);
static inline bool riser__dma_range_is_held(const struct riser__dma_range *range)
{
	return atomic_load(&range->references) > 1;
}
/*
 * One more of the same memory, by a mapping of its own, which goes on with the dirty pages that
 * were recorded (dma_renew.c). -errno: the memory cannot be mapped again, or is not there.
 */
int riser__dma_range_renew(struct riser__dma_range *range, struct riser__dma_range **fresh);
/* -ENOMEM */
int riser__dma_range_hold(struct riser__dma_range *range, uint64_t iova, size_t length,
			  unsigned access, struct riser_dma *dma);

/* Dirty pages: begins with a clean bitmap of pages of `page`; 0 ends. -ENOMEM. */
int riser__dma_range_log(struct riser__dma_range *range, uint64_t page);
/* Marks what has been written: after it was, so that no report can come in between. */
void riser__dma_range_mark(struct riser__dma_range *range, uint64_t iova, uint64_t length);
/*
 * Ors what lies in [iova, last], whole pages, into `bitmap`, in pages of `page_size` from iova,
 * and clears it.
 */
void riser__dma_range_report(struct riser__dma_range *range, uint64_t iova, uint64_t last,
			     uint64_t page_size, uint8_t *bitmap);

#endif
