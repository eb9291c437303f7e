/* SPDX-License-Identifier: MIT */
/* Guest memory: ranges come and go, and are copied, mapped, revoked and recorded. */
#include "core/dma_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/dma_fast.h"
#include "core/dma_index.h"

struct riser__dma_table {
	pthread_rwlock_t lock;
	struct riser__dma_index index;
	struct riser__dma_fast fast;
	size_t limit;
	uint64_t log_page; /* 0: dirty pages are not recorded */
	bool off;	   /* no access: see riser__dma_table_enable() */
};

/* Threads that copy all the time must not keep a host waiting that takes memory away. */
static int init_lock(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;
	int ret;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	ret = pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return -ret;
}

int riser__dma_table_create(size_t limit, struct riser__dma_table **table)
{
	struct riser__dma_table *made = calloc(1, sizeof(*made));
	int ret = made ? init_lock(&made->lock) : -ENOMEM;

	*table = NULL;
	if (ret) {
		free(made);
		return ret;
	}
	made->limit = limit;
	riser__dma_fast_init(&made->fast);
	*table = made;
	return 0;
}

void riser__dma_table_destroy(struct riser__dma_table *table)
{
	if (!table)
		return;
	riser__dma_table_clear(table);
	riser__dma_fast_end(&table->fast);
	pthread_rwlock_destroy(&table->lock);
	free(table);
}

int riser__dma_table_add(struct riser__dma_table *table, uint64_t iova, uint64_t length, int fd,
			 uint64_t offset, unsigned access)
{
	struct riser__dma_range *range;
	int ret = riser__dma_range_create(iova, length, fd, offset, access, &range);

	if (ret)
		return ret;
	pthread_rwlock_wrlock(&table->lock);
	if (table->log_page)
		ret = riser__dma_range_log(range, table->log_page);
	if (!ret && table->index.count == table->limit)
		ret = -ENOSPC;
	if (!ret)
		ret = riser__dma_index_insert(&table->index, range);
	pthread_rwlock_unlock(&table->lock);
	if (ret)
		riser__dma_range_put(range);
	return ret;
}

/* How many ranges [iova, last] holds, from `first` on, and none that an end of it cuts. */
static int count_whole(const struct riser__dma_table *table, uint64_t iova, uint64_t last,
		       struct riser__dma_place *first, size_t *count)
{
	struct riser__dma_place at = riser__dma_index_find(&table->index, iova);
	const struct riser__dma_range *range;

	*first = at;
	*count = 0;

	for (; (range = riser__dma_index_get(&table->index, at)) && range->iova <= last;
	     riser__dma_index_next(&table->index, &at)) {
		if (range->iova < iova || range->last > last)
			return -EINVAL;
		++*count;
	}
	return 0;
}

static uint64_t range_take_away(struct riser__dma_range *range)
{
	uint64_t size = range->last - range->iova + 1;

	riser__dma_range_revoke(range);
	return size;
}

int riser__dma_table_remove(struct riser__dma_table *table, uint64_t iova, uint64_t length,
			    uint64_t *removed)
{
	uint64_t last = iova + length - 1, sum = 0;
	struct riser__dma_range *range;
	struct riser__dma_place at;
	size_t count;
	int ret;

	if (!length || last < iova || (iova | length) % RISER__DMA_PAGE)
		return -EINVAL;
	pthread_rwlock_wrlock(&table->lock);
	ret = count_whole(table, iova, last, &at, &count);
	if (!ret && count)
		riser__dma_fast_forget(&table->fast);
	while (!ret && count--) {
		range = riser__dma_index_get(&table->index, at);
		riser__dma_index_erase(&table->index, at);
		sum += range_take_away(range);
		if (count)
			at = riser__dma_index_find(&table->index, iova);
	}
	pthread_rwlock_unlock(&table->lock);
	if (removed)
		*removed = sum;
	return ret;
}

uint64_t riser__dma_table_clear(struct riser__dma_table *table)
{
	struct riser__dma_place at = { 0, 0 };
	struct riser__dma_range *range;
	uint64_t sum = 0;

	pthread_rwlock_wrlock(&table->lock);
	riser__dma_fast_forget(&table->fast);
	while ((range = riser__dma_index_get(&table->index, at))) {
		sum += range_take_away(range);
		riser__dma_index_next(&table->index, &at);
	}
	riser__dma_index_free(&table->index);
	pthread_rwlock_unlock(&table->lock);
	return sum;
}

/* Whether all of [iova, iova + length) may be accessed so, and has memory. */
static int check(const struct riser__dma_table *table, struct riser__dma_place at,
		 uint64_t iova, size_t length, unsigned access)
{
	uint64_t last = iova + length - 1;
	bool absent = false, broken = false;

	if (table->off)
		return -EACCES;
	if (last < iova)
		return -EFAULT;
	for (;; riser__dma_index_next(&table->index, &at)) {
		const struct riser__dma_range *range = riser__dma_index_get(&table->index, at);

		if (!range || range->iova > iova || (range->access & access) != access)
			return -EFAULT;
		absent |= !range->memory;
		broken |= atomic_load_explicit(&range->mapping.broken, memory_order_relaxed);
		if (range->last >= last)
			return broken ? -EIO : absent ? -EREMOTE : 0;
		iova = range->last + 1;
	}
}

/* One aligned access is one load or store, so that it is never torn. */
#define MOVE(type)                                                                             \
	do {                                                                                   \
		type value;                                                                    \
		if (write) {                                                                   \
			memcpy(&value, from, sizeof(value));                                   \
			__atomic_store_n((type *)to, value, __ATOMIC_RELEASE);                 \
		} else {                                                                       \
			value = __atomic_load_n((const type *)from, __ATOMIC_ACQUIRE);         \
			memcpy(to, &value, sizeof(value));                                     \
		}                                                                              \
	} while (0)

/* The fences order us against the guest, which no sanitizer sees. */
#ifdef __SANITIZE_THREAD__
#pragma GCC diagnostic ignored "-Wtsan"
#endif

static void move(void *to, const void *from, size_t length, bool write)
{
	uintptr_t guest = (uintptr_t)(write ? to : from);

	switch (length > 8 || guest & (length - 1) ? 0 : length) {
	case 1:
		MOVE(uint8_t);
		break;
	case 2:
		MOVE(uint16_t);
		break;
	case 4:
		MOVE(uint32_t);
		break;
	case 8:
		MOVE(uint64_t);
		break;
	default:
		if (write)
			__atomic_thread_fence(__ATOMIC_RELEASE);
		memcpy(to, from, length);
		if (!write)
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
	}
}

static inline void copy(const struct riser__dma_range *range, uint64_t iova, void *buffer,
			size_t length, bool write)
{
	char *memory = range->memory + (iova - range->iova);

	if (write)
		move(memory, buffer, length, true);
	else
		move(buffer, memory, length, false);
}

/* After a copy: 0, or why the memory was not the guest's while it was made. */
static inline int range_error(const struct riser__dma_range *range)
{
	if (!atomic_load_explicit(&range->mapping.broken, memory_order_relaxed))
		return 0;
	return atomic_load(&range->revoked) ? -EFAULT : -EIO;
}

/* With the lock held. */
static int copy_all(struct riser__dma_table *table, uint64_t iova, char *next, size_t length,
		    bool write)
{
	struct riser__dma_place at = riser__dma_index_find(&table->index, iova);
	int ret = check(table, at, iova, length, write ? RISER_DMA_WRITE : RISER_DMA_READ);

	while (!ret && length) {
		struct riser__dma_range *range = riser__dma_index_get(&table->index, at);
		uint64_t room = range->last - iova + 1;
		size_t piece = length <= room ? length : (size_t)room;

		copy(range, iova, next, piece, write);
		if (write)
			riser__dma_range_mark(range, iova, piece);
		ret = range_error(range);
		if (!ret)
			riser__dma_fast_remember(&table->fast, range);
		iova += piece;
		next += piece;
		length -= piece;
		riser__dma_index_next(&table->index, &at);
	}
	return ret;
}

/* Not inlined: its registers would be saved on the fast way too. */
__attribute__((noinline)) static int copy_locked(struct riser__dma_table *table, uint64_t iova,
						 void *buffer, size_t length, bool write)
{
	int ret;

	pthread_rwlock_rdlock(&table->lock);
	riser__dma_fast_pass(&table->fast);
	ret = length ? copy_all(table, iova, buffer, length, write) : 0;
	pthread_rwlock_unlock(&table->lock);
	return ret;
}

int riser__dma_table_copy(struct riser__dma_table *table, uint64_t iova, void *buffer,
			  size_t length, bool write)
{
	struct riser__dma_range *range = riser__dma_fast_enter(
		&table->fast, iova, length, write ? RISER_DMA_WRITE : RISER_DMA_READ);
	int ret;

	if (!range)
		return copy_locked(table, iova, buffer, length, write);
	copy(range, iova, buffer, length, write);
	ret = range_error(range);
	riser__dma_fast_leave(&table->fast);
	return ret;
}

int riser__dma_table_map(struct riser__dma_table *table, uint64_t iova, size_t length,
			 unsigned access, struct riser_dma *dma)
{
	struct riser__dma_range *range;
	struct riser__dma_place at;
	int ret;

	*dma = (struct riser_dma){ 0 };
	if (!length || !access || access & ~(unsigned)(RISER_DMA_READ | RISER_DMA_WRITE))
		return -EINVAL;
	pthread_rwlock_rdlock(&table->lock);
	at = riser__dma_index_find(&table->index, iova);
	ret = check(table, at, iova, length, access);
	range = riser__dma_index_get(&table->index, at);
	if (!ret && iova + length - 1 > range->last)
		ret = -EFAULT;
	if (!ret)
		ret = riser__dma_range_hold(range, iova, length, access, dma);
	pthread_rwlock_unlock(&table->lock);
	return ret == -EREMOTE ? -EFAULT : ret;
}

/* A holder keeps the range, revoked; the table goes on with another one of the same memory. */
static bool take_back(struct riser__dma_table *table, struct riser__dma_place at)
{
	struct riser__dma_range *range = riser__dma_index_get(&table->index, at), *fresh;

	if (!riser__dma_range_is_held(range) || riser__dma_range_renew(range, &fresh))
		return false;
	riser__dma_index_set(&table->index, at, fresh);
	riser__dma_range_revoke(range);
	return true;
}

size_t riser__dma_table_enable(struct riser__dma_table *table, bool on)
{
	struct riser__dma_place at = { 0, 0 };
	size_t held = 0;

	pthread_rwlock_wrlock(&table->lock);
	riser__dma_fast_forget(&table->fast);
	table->off = !on;
	while (!on && riser__dma_index_get(&table->index, at)) {
		held += take_back(table, at);
		riser__dma_index_next(&table->index, &at);
	}
	pthread_rwlock_unlock(&table->lock);
	return held;
}

static int log_all(struct riser__dma_table *table, uint64_t page)
{
	struct riser__dma_place at = { 0, 0 };
	struct riser__dma_range *range;
	int ret = 0;

	while (!ret && (range = riser__dma_index_get(&table->index, at))) {
		ret = riser__dma_range_log(range, page);
		riser__dma_index_next(&table->index, &at);
	}
	return ret;
}

int riser__dma_table_log(struct riser__dma_table *table, bool on, uint64_t page_size)
{
	int ret;

	if (on && (page_size < RISER__DMA_PAGE || page_size & (page_size - 1)))
		return -EINVAL;
	pthread_rwlock_wrlock(&table->lock);
	/* A copy that is under way would not be recorded. */
	ret = !riser__dma_fast_forget(&table->fast) && on ? -EBUSY : 0;
	if (!ret)
		ret = log_all(table, on ? page_size : 0);
	if (ret)
		log_all(table, 0);
	table->log_page = !ret && on ? page_size : 0;
	pthread_rwlock_unlock(&table->lock);
	return ret;
}

int riser__dma_table_dirty(struct riser__dma_table *table, uint64_t iova, uint64_t length,
			   uint64_t page_size, void *bitmap, size_t bitmap_size)
{
	uint64_t last = iova + length - 1;
	struct riser__dma_range *range;
	struct riser__dma_place at;
	int ret = 0;

	if (!length || last < iova || page_size < RISER__DMA_PAGE ||
	    page_size & (page_size - 1) || bitmap_size < (length - 1) / page_size / 8 + 1)
		return -EINVAL;
	memset(bitmap, 0, bitmap_size);
	pthread_rwlock_rdlock(&table->lock);
	if (!table->log_page || (page_size | iova | length) % table->log_page)
		ret = -EINVAL;
	at = riser__dma_index_find(&table->index, iova);
	while (!ret && (range = riser__dma_index_get(&table->index, at)) &&
	       range->iova <= last) {
		riser__dma_range_report(range, iova, last, page_size, bitmap);
		riser__dma_index_next(&table->index, &at);
	}
	pthread_rwlock_unlock(&table->lock);
	return ret;
}
