/* SPDX-License-Identifier: MIT */
/*
 * Ranges lie sorted in one array: lookups are a binary search, and hosts announce memory mostly
 * in order, so that adding is an append.
 */
#include "core/dma_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/dma_range.h"

struct riser__dma_table {
	pthread_rwlock_t lock;
	struct riser__dma_range **ranges; /* by iova */
	size_t count, capacity, limit;
	uint64_t log_page; /* 0: dirty pages are not recorded */
};

int riser__dma_table_create(size_t limit, struct riser__dma_table **table)
{
	struct riser__dma_table *made = calloc(1, sizeof(*made));

	*table = made;
	if (!made)
		return -ENOMEM;
	made->limit = limit;
	pthread_rwlock_init(&made->lock, NULL);
	return 0;
}

void riser__dma_table_destroy(struct riser__dma_table *table)
{
	if (!table)
		return;
	riser__dma_table_clear(table);
	pthread_rwlock_destroy(&table->lock);
	free(table->ranges);
	free(table);
}

/* The first range that ends after `iova`. */
static size_t lower_bound(const struct riser__dma_table *table, uint64_t iova)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->ranges[middle]->last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert(struct riser__dma_table *table, struct riser__dma_range *range)
{
	size_t at = lower_bound(table, range->iova);

	if (at < table->count && table->ranges[at]->iova <= range->last)
		return -EEXIST;
	if (table->count == table->limit)
		return -ENOSPC;
	if (table->count == table->capacity) {
		size_t capacity = table->capacity ? 2 * table->capacity : 16;
		void *grown = realloc(table->ranges, capacity * sizeof(*table->ranges));

		if (!grown)
			return -ENOMEM;
		table->ranges = grown;
		table->capacity = capacity;
	}
	memmove(&table->ranges[at + 1], &table->ranges[at],
		(table->count - at) * sizeof(*table->ranges));
	table->ranges[at] = range;
	table->count++;
	return 0;
}

int riser__dma_table_add(struct riser__dma_table *table, uint64_t iova, uint64_t length, int fd,
			 uint64_t offset, unsigned access)
{
	struct riser__dma_range *range;
	int ret = riser__dma_range_create(iova, length, fd, offset, access, &range);

	if (ret)
		return ret;
	pthread_rwlock_wrlock(&table->lock);
	ret = table->log_page ? riser__dma_range_log(range, table->log_page) : 0;
	if (!ret)
		ret = insert(table, range);
	pthread_rwlock_unlock(&table->lock);
	if (ret)
		riser__dma_range_put(range);
	return ret;
}

int riser__dma_table_remove(struct riser__dma_table *table, uint64_t iova, uint64_t length)
{
	uint64_t last = iova + length - 1;
	size_t from, to;
	int ret = 0;

	if (!length || last < iova)
		return -EINVAL;
	pthread_rwlock_wrlock(&table->lock);
	from = lower_bound(table, iova);
	for (to = from; to < table->count && table->ranges[to]->iova <= last; to++) {
		if (table->ranges[to]->iova < iova || table->ranges[to]->last > last)
			ret = -EINVAL;
	}
	if (!ret && from == to)
		ret = -ENOENT;
	if (!ret) {
		for (size_t i = from; i < to; i++)
			riser__dma_range_revoke(table->ranges[i]);
		memmove(&table->ranges[from], &table->ranges[to],
			(table->count - to) * sizeof(*table->ranges));
		table->count -= to - from;
	}
	pthread_rwlock_unlock(&table->lock);
	return ret;
}

void riser__dma_table_clear(struct riser__dma_table *table)
{
	pthread_rwlock_wrlock(&table->lock);
	for (size_t i = 0; i < table->count; i++)
		riser__dma_range_revoke(table->ranges[i]);
	table->count = 0;
	table->log_page = 0;
	pthread_rwlock_unlock(&table->lock);
}

/* Whether all of [iova, iova + length) may be accessed so, and has memory. */
static int check(const struct riser__dma_table *table, size_t at, uint64_t iova, size_t length,
		 unsigned access)
{
	uint64_t last = iova + length - 1;
	bool absent = false;

	if (last < iova)
		return -EFAULT;
	for (;; at++) {
		const struct riser__dma_range *range;

		if (at == table->count)
			return -EFAULT;
		range = table->ranges[at];
		if (range->iova > iova || (range->access & access) != access)
			return -EFAULT;
		absent |= !range->memory;
		if (range->last >= last)
			return absent ? -EREMOTE : 0;
		iova = range->last + 1;
	}
}

/* One aligned access is one load or store, so that it is never torn. */
static void move(void *to, const void *from, size_t length, bool write)
{
	uintptr_t aligned = (uintptr_t)(write ? to : from);

	if (length == 4 && !(aligned % 4)) {
		uint32_t value;

		if (write) {
			memcpy(&value, from, 4);
			__atomic_store_n((uint32_t *)to, value, __ATOMIC_RELEASE);
		} else {
			value = __atomic_load_n((const uint32_t *)from, __ATOMIC_ACQUIRE);
			memcpy(to, &value, 4);
		}
		return;
	}
	if (length == 8 && !(aligned % 8)) {
		uint64_t value;

		if (write) {
			memcpy(&value, from, 8);
			__atomic_store_n((uint64_t *)to, value, __ATOMIC_RELEASE);
		} else {
			value = __atomic_load_n((const uint64_t *)from, __ATOMIC_ACQUIRE);
			memcpy(to, &value, 8);
		}
		return;
	}
	if (length == 2 && !(aligned % 2)) {
		uint16_t value;

		if (write) {
			memcpy(&value, from, 2);
			__atomic_store_n((uint16_t *)to, value, __ATOMIC_RELEASE);
		} else {
			value = __atomic_load_n((const uint16_t *)from, __ATOMIC_ACQUIRE);
			memcpy(to, &value, 2);
		}
		return;
	}
	if (write)
		atomic_thread_fence(memory_order_release);
	memcpy(to, from, length);
	if (!write)
		atomic_thread_fence(memory_order_acquire);
}

static void copy(struct riser__dma_range *range, uint64_t into, char *buffer, size_t length,
		 bool write)
{
	if (write) {
		riser__dma_range_mark(range, into, length);
		move(range->memory + into, buffer, length, true);
	} else {
		move(buffer, range->memory + into, length, false);
	}
}

int riser__dma_table_copy(struct riser__dma_table *table, uint64_t iova, void *buffer,
			  size_t length, bool write)
{
	char *at = buffer;
	size_t n;
	int ret;

	if (!length)
		return 0;
	pthread_rwlock_rdlock(&table->lock);
	n = lower_bound(table, iova);
	ret = check(table, n, iova, length, write ? RISER_DMA_WRITE : RISER_DMA_READ);
	while (!ret && length) {
		struct riser__dma_range *range = table->ranges[n++];
		uint64_t into = iova - range->iova, room = range->last - iova + 1;
		size_t piece = length < room ? length : (size_t)room;

		copy(range, into, at, piece, write);
		iova += piece;
		at += piece;
		length -= piece;
	}
	pthread_rwlock_unlock(&table->lock);
	return ret;
}

int riser__dma_table_map(struct riser__dma_table *table, uint64_t iova, size_t length,
			 unsigned access, struct riser_dma *dma)
{
	struct riser__dma_range *range;
	size_t n;
	int ret;

	pthread_rwlock_rdlock(&table->lock);
	n = lower_bound(table, iova);
	ret = length ? check(table, n, iova, length, access) : -EINVAL;
	range = ret ? NULL : table->ranges[n];
	if (range && iova + length - 1 > range->last)
		ret = -EFAULT;
	if (!ret)
		riser__dma_range_hold(range, iova, length, access, dma);
	pthread_rwlock_unlock(&table->lock);
	return ret == -EREMOTE ? -EFAULT : ret;
}

int riser__dma_table_log(struct riser__dma_table *table, bool on, uint64_t page_size)
{
	int ret = 0;

	if (on && (page_size < 4096 || page_size & (page_size - 1)))
		return -EINVAL;
	pthread_rwlock_wrlock(&table->lock);
	table->log_page = on ? page_size : 0;
	for (size_t i = 0; i < table->count && !ret; i++)
		ret = riser__dma_range_log(table->ranges[i], table->log_page);
	if (ret)
		table->log_page = 0;
	pthread_rwlock_unlock(&table->lock);
	return ret;
}

int riser__dma_table_dirty(struct riser__dma_table *table, uint64_t iova, uint64_t length,
			   uint64_t page_size, void *bitmap, size_t bitmap_size)
{
	uint64_t last = iova + length - 1, pages;
	int ret = 0;

	if (!length || last < iova || page_size < 4096 || page_size & (page_size - 1))
		return -EINVAL;
	pages = (length - 1) / page_size + 1;
	if (bitmap_size < (pages - 1) / 8 + 1)
		return -EINVAL;
	memset(bitmap, 0, bitmap_size);
	pthread_rwlock_rdlock(&table->lock);
	if (!table->log_page || page_size % table->log_page)
		ret = -EINVAL;
	for (size_t n = lower_bound(table, iova); !ret && n < table->count; n++) {
		if (table->ranges[n]->iova > last)
			break;
		riser__dma_range_report(table->ranges[n], iova, last, page_size, bitmap);
	}
	pthread_rwlock_unlock(&table->lock);
	return ret;
}
