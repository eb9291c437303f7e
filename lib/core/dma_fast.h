/* SPDX-License-Identifier: MIT */
/*
 * The way to the range that was used last, for the thread that copies most: without the lock,
 * whose instructions would have to wait until all that was copied before is out of the core.
 */
#ifndef RISER_CORE_DMA_FAST_H
#define RISER_CORE_DMA_FAST_H

#include <stdatomic.h>

#include "core/dma_range.h"

struct riser__dma_fast {
	bool able;		/* the kernel helps: see riser__dma_fast_forget() */
	atomic_uintptr_t owner; /* the thread; 0: none yet. Never another one after that. */
	atomic_bool busy;	/* it is in a range now */
	_Atomic(struct riser__dma_range *) range;
	/* Forgotten, but the owner may be in it still: see riser__dma_fast_forget(). */
	_Atomic(struct riser__dma_range *) left;
};

/* Who runs now: cheaper than pthread_self(), which is a call. */
static inline uintptr_t riser__dma_fast_self(void)
{
	return (uintptr_t)__builtin_thread_pointer();
}

void riser__dma_fast_init(struct riser__dma_fast *fast);
/* When no thread copies any more. */
void riser__dma_fast_end(struct riser__dma_fast *fast);
/*
 * With the table's lock held for reading: the range that was just used. Not one whose writes
 * are recorded: those go the other way.
 */
void riser__dma_fast_remember(struct riser__dma_fast *fast, struct riser__dma_range *range);
/*
 * With the table's lock held for writing, before a range is changed or goes. True: the owner is
 * in no range, nor will be before one is remembered again.
 *
 * False: the kernel refuses the fence by which that is known. The owner then holds the range
 * that was remembered, as if it had mapped it: when the table lets go of it, the range is
 * revoked, and a copy that is under way goes to private pages. No range is remembered from then
 * on. The owner lets go when it copies again, which is by the lock (riser__dma_fast_pass()).
 */
bool riser__dma_fast_forget(struct riser__dma_fast *fast);
void riser__dma_fast_return(struct riser__dma_fast *fast);

/* With the table's lock held for reading: the calling thread is in no range without it. */
static inline void riser__dma_fast_pass(struct riser__dma_fast *fast)
{
	if (atomic_load_explicit(&fast->left, memory_order_relaxed))
		riser__dma_fast_return(fast);
}

static inline void riser__dma_fast_leave(struct riser__dma_fast *fast)
{
	atomic_store_explicit(&fast->busy, false, memory_order_release);
}

/* The range, if all of this is in its memory and allowed; to be left. Or NULL. */
static inline struct riser__dma_range *riser__dma_fast_enter(struct riser__dma_fast *fast,
							     uint64_t iova, size_t length,
							     unsigned access)
{
	struct riser__dma_range *range;

	if (atomic_load_explicit(&fast->owner, memory_order_relaxed) != riser__dma_fast_self())
		return NULL;
	atomic_store_explicit(&fast->busy, true, memory_order_relaxed);
	/* riser__dma_fast_forget() has the kernel make this a fence of the processor's. */
	atomic_signal_fence(memory_order_seq_cst);
	range = atomic_load_explicit(&fast->range, memory_order_acquire);
	if (range && iova >= range->iova && iova <= range->last &&
	    length - 1 <= range->last - iova && (range->access & access) == access &&
	    !atomic_load_explicit(&range->mapping.broken, memory_order_relaxed))
		return range;
	riser__dma_fast_leave(fast);
	return NULL;
}

#endif
