/* SPDX-License-Identifier: MIT */
/*
 * Guest memory as a host announced it: address ranges, with the memory behind them or without.
 * Lookups are O(log n). One thread adds and removes; any thread looks up, copies and maps.
 */
#ifndef RISER_CORE_DMA_TABLE_H
#define RISER_CORE_DMA_TABLE_H

#include <riser/riser.h>

struct riser__dma_table;

/* `limit`: the most ranges it takes. */
int riser__dma_table_create(size_t limit, struct riser__dma_table **table);
/* Takes NULL. Memory that is still mapped by the device stays until it is unmapped. */
void riser__dma_table_destroy(struct riser__dma_table *table);

/*
 * Adds a range. With fd >= 0 `length` bytes of it from `offset` are mapped (the fd stays the
 * caller's); with -1 the range is known but has to be reached by message. -EEXIST: overlaps;
 * -ENOSPC: over the limit; -EINVAL: empty, wraps, misaligned (4 KiB), or more than the file
 * has.
 */
int riser__dma_table_add(struct riser__dma_table *table, uint64_t iova, uint64_t length, int fd,
			 uint64_t offset, unsigned access);
/*
 * Removes exactly the ranges that lie in [iova, iova + length): *removed (or NULL) is how many
 * bytes they had, 0 if there is none. A range cut by an end, or an end that is misaligned,
 * gives -EINVAL and nothing removed. What the device holds mapped is revoked.
 */
int riser__dma_table_remove(struct riser__dma_table *table, uint64_t iova, uint64_t length,
			    uint64_t *removed);
/*
 * Removes them all and returns how many bytes they had; dirty pages of later ones are still
 * recorded, if they were.
 */
uint64_t riser__dma_table_clear(struct riser__dma_table *table);

/*
 * Copies to or from guest memory. The range may span adjacent ranges. -EFAULT as in riser.h;
 * -EREMOTE: known and allowed, but (partly) without memory: nothing was copied, use messages;
 * -EIO: the memory is gone, see core/guard.h.
 */
int riser__dma_table_copy(struct riser__dma_table *table, uint64_t iova, void *buffer,
			  size_t length, bool write);
/*
 * Off: what is mapped is revoked, and all but adding and removing is -EACCES until it is on
 * again. No copy is under way when it returns. Returns how many ranges were mapped.
 */
size_t riser__dma_table_enable(struct riser__dma_table *table, bool on);
int riser__dma_table_map(struct riser__dma_table *table, uint64_t iova, size_t length,
			 unsigned access, struct riser_dma *dma);
/* Does not need the table to be there any more. */
int riser__dma_unmap(struct riser_dma *dma);

/* ---- Dirty pages ---- */

/*
 * Starts or stops recording which pages of `page_size` the device writes in mapped memory.
 * -EBUSY: a thread may be writing still without being recorded, and the kernel does not help to
 * find out (membarrier(2) is refused); not after that thread's next copy.
 */
int riser__dma_table_log(struct riser__dma_table *table, bool on, uint64_t page_size);
/*
 * Reports and clears: bit n of `bitmap` (little-endian, zeroed by the callee) is page n from
 * iova, in pages of `page_size`, a multiple of the recorded one, as are iova and length. What
 * the device holds mapped for writing is in every report.
 */
int riser__dma_table_dirty(struct riser__dma_table *table, uint64_t iova, uint64_t length,
			   uint64_t page_size, void *bitmap, size_t bitmap_size);

#endif
