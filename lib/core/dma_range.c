/* SPDX-License-Identifier: MIT */
/* One range of guest memory: its mapping, its holders, its dirty pages. */
#include "core/dma_range.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>

/* What a mapping of `fd` has to be a multiple of. Only a file of larger blocks may need more.
 */
static uint64_t granule(int fd, const struct statx *st)
{
	uint64_t page = (uint64_t)getpagesize();
	struct statfs fs;

	if (st->stx_blksize > page && !fstatfs(fd, &fs) && fs.f_type == HUGETLBFS_MAGIC)
		page = (uint64_t)fs.f_bsize;
	return page > RISER__DMA_PAGE ? page : RISER__DMA_PAGE;
}

/* The mapping goes out to whole pages of the file's, which may be larger than the host says. */
static int map_pages(struct riser__dma_range *range, int fd, const struct statx *st,
		     uint64_t offset, uint64_t length)
{
	int prot = (range->access & RISER_DMA_READ ? PROT_READ : 0) |
		   (range->access & RISER_DMA_WRITE ? PROT_WRITE : 0);
	uint64_t page = granule(fd, st), before = offset % page;
	struct riser__guarded *mapping = &range->mapping;

	if (length > INT64_MAX - page)
		return -EINVAL;
	mapping->size = (before + length + page - 1) / page * page;
	mapping->base = mmap(NULL, mapping->size, prot, MAP_SHARED | MAP_NORESERVE, fd,
			     (off_t)(offset - before));
	if (mapping->base == MAP_FAILED)
		return -errno;
	if (!riser__guard_add(mapping)) {
		munmap(mapping->base, mapping->size);
		return -ENOSPC;
	}
	range->memory = (char *)mapping->base + before;
	return 0;
}

/*
 * Whether its pages come at once: a file of memory (only these have seals), one of a local
 * disk's, or a device. A page of FUSE or of the network comes when another process or machine
 * gives it, and a thread that waits for it cannot be stopped. Neither is a file system of that
 * kind asked for its name, since it could delay that answer, too.
 */
static bool is_prompt(int fd, const struct statx *st)
{
	return !S_ISREG(st->stx_mode) || fcntl(fd, F_GET_SEALS) >= 0 || st->stx_dev_major;
}

static int map(struct riser__dma_range *range, int fd, uint64_t offset)
{
	uint64_t length = range->last - range->iova + 1;
	struct statx st;

	if (offset % RISER__DMA_PAGE || length > INT64_MAX || offset > INT64_MAX - length)
		return -EINVAL;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st))
		return -errno;
	if (!is_prompt(fd, &st))
		return -EREMOTE;
	/* Beyond a file's end there is nothing but SIGBUS. Devices (DAX, GPU) have no size. */
	if (S_ISREG(st.stx_mode) && st.stx_size < offset + length)
		return -EINVAL;
	return map_pages(range, fd, &st, offset, length);
}

int riser__dma_range_create(uint64_t iova, uint64_t length, int fd, uint64_t offset,
			    unsigned access, struct riser__dma_range **range)
{
	struct riser__dma_range *made;
	int ret = 0;

	*range = NULL;
	if (!length || iova % RISER__DMA_PAGE || length % RISER__DMA_PAGE ||
	    iova + length - 1 < iova || !access)
		return -EINVAL;
	made = malloc(sizeof(*made));
	if (!made)
		return -ENOMEM;
	*made = (struct riser__dma_range){ .iova = iova,
					   .last = iova + length - 1,
					   .access = access,
					   .references = 1,
					   .lock = PTHREAD_MUTEX_INITIALIZER };
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
	riser__guard_remove(&range->mapping);
	if (range->memory)
		munmap(range->mapping.base, range->mapping.size);
	pthread_mutex_destroy(&range->lock);
	free(range->dirty);
	free(range);
}

void riser__dma_range_revoke(struct riser__dma_range *range)
{
	atomic_store(&range->revoked, true);
	/*
	 * One call replaces the pages that are held; no access can fall between. If
	 * there is no memory for it the guest's pages stay; the holder gets -ESTALE as well.
	 */
	if (range->memory && riser__dma_range_is_held(range)) {
		atomic_store(&range->mapping.broken, true);
		riser__guard_replace(&range->mapping);
	}
	riser__dma_range_put(range);
}

/* The members of a held mapping's private_: its range, and what is noted of a writer. */
enum { RANGE, WRITER };

static struct riser__dma_hold *add_writer(struct riser__dma_range *range, uint64_t iova,
					  uint64_t length)
{
	struct riser__dma_hold *hold = malloc(sizeof(*hold));

	if (!hold)
		return NULL;
	pthread_mutex_lock(&range->lock);
	*hold = (struct riser__dma_hold){ iova, length, range->writers, &range->writers };
	if (hold->next)
		hold->next->link = &hold->next;
	range->writers = hold;
	pthread_mutex_unlock(&range->lock);
	return hold;
}

static void end_writer(struct riser__dma_range *range, struct riser__dma_hold *hold)
{
	pthread_mutex_lock(&range->lock);
	riser__dma_range_mark(range, hold->iova, hold->length);
	*hold->link = hold->next;
	if (hold->next)
		hold->next->link = hold->link;
	pthread_mutex_unlock(&range->lock);
	free(hold);
}

int riser__dma_range_hold(struct riser__dma_range *range, uint64_t iova, size_t length,
			  unsigned access, struct riser_dma *dma)
{
	struct riser__dma_hold *hold = NULL;

	if (access & RISER_DMA_WRITE) {
		hold = add_writer(range, iova, length);
		if (!hold)
			return -ENOMEM;
	}
	riser__dma_range_get(range);
	*dma = (struct riser_dma){
		.data = range->memory + (iova - range->iova),
		.length = length,
		.iova = iova,
		.access = access,
		.private_ = { range, hold },
	};
	return 0;
}

int riser__dma_unmap(struct riser_dma *dma)
{
	struct riser__dma_range *range = dma->private_[RANGE];
	bool broken;
	int ret;

	if (!range)
		return -EINVAL;
	if (dma->private_[WRITER])
		end_writer(range, dma->private_[WRITER]);
	/* In this order: what is revoked now is marked as broken after it. */
	broken = atomic_load(&range->mapping.broken);
	ret = atomic_load(&range->revoked) ? -ESTALE : broken ? -EIO : 0;
	riser__dma_range_put(range);
	*dma = (struct riser_dma){ 0 };
	return ret;
}

/* Which bit of the bitmap: pages lie on the grid of addresses, also where the range does not.
 */
static uint64_t page_of(const struct riser__dma_range *range, uint64_t iova)
{
	return (iova >> range->page_shift) - (range->iova >> range->page_shift);
}

int riser__dma_range_log(struct riser__dma_range *range, uint64_t page)
{
	atomic_uint_least64_t *bitmap = NULL, *before;
	unsigned shift = page ? (unsigned)__builtin_ctzll(page) : 0;
	uint64_t pages = (range->last >> shift) - (range->iova >> shift) + 1;

	if (page && range->memory) {
		bitmap = calloc(pages / 64 + 1, sizeof(*bitmap));
		if (!bitmap)
			return -ENOMEM;
	}
	pthread_mutex_lock(&range->lock);
	before = range->dirty;
	range->dirty = bitmap;
	range->page_shift = shift;
	pthread_mutex_unlock(&range->lock);
	free(before);
	return 0;
}

void riser__dma_range_mark(struct riser__dma_range *range, uint64_t iova, uint64_t length)
{
	uint64_t end;

	if (!range->dirty || !length)
		return;
	end = page_of(range, iova + length - 1);
	for (uint64_t n = page_of(range, iova); n <= end; n++)
		atomic_fetch_or(&range->dirty[n / 64], UINT64_C(1) << n % 64);
}

/* What of [at, end] lies in [iova, last] becomes bits of the caller's pages. */
static void set_bits(uint64_t at, uint64_t end, uint64_t iova, uint64_t last,
		     uint64_t page_size, uint8_t *bitmap)
{
	if (end < iova || at > last)
		return;
	at = at > iova ? at : iova;
	end = end < last ? end : last;
	for (uint64_t n = (at - iova) / page_size; n <= (end - iova) / page_size; n++)
		bitmap[n / 8] |= (uint8_t)(1u << n % 8);
}

/* Of word `w` of the bitmap the bits from `first` to `end`, which are clear then. */
static uint64_t take_bits(struct riser__dma_range *range, uint64_t w, uint64_t first,
			  uint64_t end)
{
	uint64_t mask = UINT64_MAX;

	if (w == first / 64)
		mask &= UINT64_MAX << first % 64;
	if (w == end / 64)
		mask &= UINT64_MAX >> (63 - end % 64);
	if (!(atomic_load_explicit(&range->dirty[w], memory_order_relaxed) & mask))
		return 0;
	return atomic_fetch_and(&range->dirty[w], ~mask) & mask;
}

void riser__dma_range_report(struct riser__dma_range *range, uint64_t iova, uint64_t last,
			     uint64_t page_size, uint8_t *bitmap)
{
	uint64_t first = page_of(range, iova > range->iova ? iova : range->iova);
	uint64_t end = page_of(range, last < range->last ? last : range->last);
	uint64_t page = UINT64_C(1) << range->page_shift;
	uint64_t origin = range->iova & ~(page - 1);

	for (uint64_t w = first / 64; range->dirty && w <= end / 64; w++) {
		uint64_t bits = take_bits(range, w, first, end);

		for (; bits; bits &= bits - 1) {
			uint64_t n = w * 64 + (unsigned)__builtin_ctzll(bits);
			uint64_t at = origin + n * page;

			set_bits(at, at + page - 1, iova, last, page_size, bitmap);
		}
	}
	pthread_mutex_lock(&range->lock);
	for (struct riser__dma_hold *hold = range->writers; hold; hold = hold->next)
		set_bits(hold->iova, hold->iova + hold->length - 1, iova, last, page_size,
			 bitmap);
	pthread_mutex_unlock(&range->lock);
}
