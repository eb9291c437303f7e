/* SPDX-License-Identifier: MIT */
#include "core/dma_fast.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static bool call_membarrier(int command)
{
	return !syscall(SYS_membarrier, command, 0, 0);
}

void riser__dma_fast_init(struct riser__dma_fast *fast)
{
	fast->able = call_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
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

void riser__dma_fast_forget(struct riser__dma_fast *fast)
{
	static const struct timespec while_stores_drain = { .tv_nsec = 1000000 };

	if (!atomic_load(&fast->range))
		return;
	atomic_store(&fast->range, NULL);
	if (atomic_load(&fast->owner) == riser__dma_fast_self())
		return;
	/*
	 * A fence on all cores that run us now: the owner sees that there is nothing, or is
	 * seen to be busy. A filter of system calls that came later may refuse it; then time
	 * does the same.
	 */
	if (!call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		nanosleep(&while_stores_drain, NULL);
	while (atomic_load_explicit(&fast->busy, memory_order_acquire))
		sched_yield();
}
