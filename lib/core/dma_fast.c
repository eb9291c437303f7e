/* SPDX-License-Identifier: MIT */
/* The range used last, and how another thread takes it away from the one that copies. */
#include "core/dma_fast.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool call_membarrier(int command)
{
	return !syscall(SYS_membarrier, command, 0, 0);
}

void riser__dma_fast_init(struct riser__dma_fast *fast)
{
	fast->able = call_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

static bool fast_is_own(struct riser__dma_fast *fast)
{
	return atomic_load(&fast->owner) == riser__dma_fast_self();
}

static void fast_put_left(struct riser__dma_fast *fast)
{
	struct riser__dma_range *left = atomic_exchange(&fast->left, NULL);

	if (left)
		riser__dma_range_put(left);
}

void riser__dma_fast_end(struct riser__dma_fast *fast)
{
	fast_put_left(fast);
}

void riser__dma_fast_remember(struct riser__dma_fast *fast, struct riser__dma_range *range)
{
	uintptr_t self = riser__dma_fast_self(), none = 0;

	if (!fast->able || !range->memory || range->dirty)
		return;
	if (atomic_load_explicit(&fast->owner, memory_order_relaxed) == self ||
	    atomic_compare_exchange_strong(&fast->owner, &none, self))
		atomic_store_explicit(&fast->range, range, memory_order_release);
}

void riser__dma_fast_return(struct riser__dma_fast *fast)
{
	if (fast_is_own(fast))
		fast_put_left(fast);
}

/*
 * A fence on all cores that run this process: the owner sees that there is nothing, or is seen
 * to be busy. False: the kernel refuses, for instance by a filter of system calls.
 */
static bool fast_wait_for_owner(struct riser__dma_fast *fast)
{
	if (!call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return false;
	while (atomic_load_explicit(&fast->busy, memory_order_acquire))
		sched_yield();
	return true;
}

bool riser__dma_fast_forget(struct riser__dma_fast *fast)
{
	struct riser__dma_range *range = atomic_exchange(&fast->range, NULL);

	if (range && !fast_is_own(fast) && !fast_wait_for_owner(fast)) {
		fast->able = false;
		riser__dma_range_get(range);
		atomic_store(&fast->left, range);
	}
	return !atomic_load(&fast->left);
}
