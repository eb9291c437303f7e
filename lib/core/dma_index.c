/* SPDX-License-Identifier: MIT */
/* The sorted ranges of a table, in chunks: found by two binary searches. */
#include "core/dma_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* So few that moving them is nothing, so many that of 65,535 ranges the chunks are few. */
enum { SLOTS = 64 };

struct riser__dma_chunk {
	size_t count; /* at least 1 */
	uint64_t firsts[SLOTS];
	struct riser__dma_range *ranges[SLOTS];
};

void riser__dma_index_free(struct riser__dma_index *index)
{
	for (size_t i = 0; i < index->chunk_count; i++)
		free(index->chunks[i]);
	free(index->chunks);
	free(index->firsts);
	*index = (struct riser__dma_index){ 0 };
}

/*
 * The last of `count` > 0 sorted keys that is not above `key`; 0 if all are. No branch depends
 * on a key: in guest memory one would be mispredicted every other time.
 */
static size_t search(const uint64_t *keys, size_t count, uint64_t key)
{
	size_t base = 0;

	while (count > 1) {
		size_t half = count / 2;

		base += half & -(size_t)(keys[base + half] <= key);
		count -= half;
	}
	return base;
}

struct riser__dma_place riser__dma_index_find(const struct riser__dma_index *index,
					      uint64_t iova)
{
	struct riser__dma_place place = { 0, 0 };
	const struct riser__dma_chunk *chunk;

	if (!index->chunk_count)
		return place;
	place.chunk = search(index->firsts, index->chunk_count, iova);
	chunk = index->chunks[place.chunk];
	place.slot = search(chunk->firsts, chunk->count, iova);
	if (chunk->ranges[place.slot]->last < iova)
		riser__dma_index_next(index, &place);
	return place;
}

struct riser__dma_range *riser__dma_index_get(const struct riser__dma_index *index,
					      struct riser__dma_place place)
{
	return place.chunk < index->chunk_count ? index->chunks[place.chunk]->ranges[place.slot]
						: NULL;
}

void riser__dma_index_set(struct riser__dma_index *index, struct riser__dma_place place,
			  struct riser__dma_range *range)
{
	index->chunks[place.chunk]->ranges[place.slot] = range;
}

void riser__dma_index_next(const struct riser__dma_index *index, struct riser__dma_place *place)
{
	if (++place->slot < index->chunks[place->chunk]->count)
		return;
	place->chunk++;
	place->slot = 0;
}

/* Makes room for one more chunk; a table of them is never so long that moving it matters. */
static int reserve(struct riser__dma_index *index)
{
	size_t capacity = index->capacity ? 2 * index->capacity : 8;
	void *grown;

	if (index->chunk_count < index->capacity)
		return 0;
	grown = realloc(index->firsts, capacity * sizeof(*index->firsts));
	if (!grown)
		return -ENOMEM;
	index->firsts = grown;
	grown = realloc(index->chunks, capacity * sizeof(*index->chunks));
	if (!grown)
		return -ENOMEM;
	index->chunks = grown;
	index->capacity = capacity;
	return 0;
}

/* A new chunk before the `at`-th, with the slots of `from` that begin at `slot`. */
static int add_chunk(struct riser__dma_index *index, size_t at, struct riser__dma_chunk *from,
		     size_t slot)
{
	struct riser__dma_chunk *chunk = malloc(sizeof(*chunk));

	if (!chunk || reserve(index)) {
		free(chunk);
		return -ENOMEM;
	}
	chunk->count = from ? from->count - slot : 0;
	if (chunk->count) {
		memcpy(chunk->firsts, from->firsts + slot,
		       chunk->count * sizeof(*chunk->firsts));
		memcpy(chunk->ranges, from->ranges + slot,
		       chunk->count * sizeof(*chunk->ranges));
		from->count = slot;
	}
	memmove(&index->firsts[at + 1], &index->firsts[at],
		(index->chunk_count - at) * sizeof(*index->firsts));
	memmove(&index->chunks[at + 1], &index->chunks[at],
		(index->chunk_count - at) * sizeof(*index->chunks));
	index->firsts[at] = chunk->count ? chunk->firsts[0] : 0;
	index->chunks[at] = chunk;
	index->chunk_count++;
	return 0;
}

static void remove_chunk(struct riser__dma_index *index, size_t at)
{
	free(index->chunks[at]);
	index->chunk_count--;
	memmove(&index->firsts[at], &index->firsts[at + 1],
		(index->chunk_count - at) * sizeof(*index->firsts));
	memmove(&index->chunks[at], &index->chunks[at + 1],
		(index->chunk_count - at) * sizeof(*index->chunks));
}

/*
 * Frees a slot for what is to come before `place`, or at the end of its chunk. At both ends of
 * all, where memory mostly comes in order, a full chunk stays full; elsewhere it is halved.
 */
static int make_room(struct riser__dma_index *index, struct riser__dma_place *place)
{
	size_t count = index->chunk_count ? index->chunks[place->chunk]->count : SLOTS;
	int ret;

	if (count < SLOTS)
		return 0;
	if (!index->chunk_count || (!place->chunk && !place->slot))
		return add_chunk(index, 0, NULL, 0);
	if (place->slot == SLOTS && place->chunk == index->chunk_count - 1) {
		*place = (struct riser__dma_place){ index->chunk_count, 0 };
		return add_chunk(index, place->chunk, NULL, 0);
	}
	ret = add_chunk(index, place->chunk + 1, index->chunks[place->chunk], SLOTS / 2);
	if (place->slot > SLOTS / 2) {
		place->chunk++;
		place->slot -= SLOTS / 2;
	}
	return ret;
}

/* Where a range of [iova, last] comes in; -EEXIST: it overlaps. */
static int find_gap(const struct riser__dma_index *index, uint64_t iova, uint64_t last,
		    struct riser__dma_place *place)
{
	const struct riser__dma_chunk *chunk;
	struct riser__dma_place next;

	*place = (struct riser__dma_place){ 0, 0 };
	if (!index->chunk_count || last < index->firsts[0])
		return 0;
	place->chunk = search(index->firsts, index->chunk_count, iova);
	chunk = index->chunks[place->chunk];
	place->slot = search(chunk->firsts, chunk->count, iova);
	next = *place;
	if (chunk->firsts[place->slot] <= iova) {
		if (chunk->ranges[place->slot]->last >= iova)
			return -EEXIST;
		riser__dma_index_next(index, &next);
		place->slot++;
	}
	if (next.chunk < index->chunk_count &&
	    index->chunks[next.chunk]->firsts[next.slot] <= last)
		return -EEXIST;
	return 0;
}

int riser__dma_index_insert(struct riser__dma_index *index, struct riser__dma_range *range)
{
	struct riser__dma_chunk *chunk;
	struct riser__dma_place place;
	int ret = find_gap(index, range->iova, range->last, &place);

	if (!ret)
		ret = make_room(index, &place);
	if (ret)
		return ret;
	chunk = index->chunks[place.chunk];
	memmove(&chunk->firsts[place.slot + 1], &chunk->firsts[place.slot],
		(chunk->count - place.slot) * sizeof(*chunk->firsts));
	memmove(&chunk->ranges[place.slot + 1], &chunk->ranges[place.slot],
		(chunk->count - place.slot) * sizeof(*chunk->ranges));
	chunk->firsts[place.slot] = range->iova;
	chunk->ranges[place.slot] = range;
	chunk->count++;
	index->firsts[place.chunk] = chunk->firsts[0];
	index->count++;
	return 0;
}

/* Two neighbours that fill less than half of one become one, so that chunks stay few. */
static void merge(struct riser__dma_index *index, size_t at)
{
	struct riser__dma_chunk *chunk, *next;

	if (at + 1 >= index->chunk_count)
		return;
	chunk = index->chunks[at];
	next = index->chunks[at + 1];
	if (chunk->count + next->count > SLOTS / 2)
		return;
	memcpy(chunk->firsts + chunk->count, next->firsts, next->count * sizeof(*next->firsts));
	memcpy(chunk->ranges + chunk->count, next->ranges, next->count * sizeof(*next->ranges));
	chunk->count += next->count;
	remove_chunk(index, at + 1);
}

void riser__dma_index_erase(struct riser__dma_index *index, struct riser__dma_place place)
{
	struct riser__dma_chunk *chunk = index->chunks[place.chunk];

	index->count--;
	chunk->count--;
	if (!chunk->count) {
		remove_chunk(index, place.chunk);
		return;
	}
	memmove(&chunk->firsts[place.slot], &chunk->firsts[place.slot + 1],
		(chunk->count - place.slot) * sizeof(*chunk->firsts));
	memmove(&chunk->ranges[place.slot], &chunk->ranges[place.slot + 1],
		(chunk->count - place.slot) * sizeof(*chunk->ranges));
	index->firsts[place.chunk] = chunk->firsts[0];
	merge(index, place.chunk);
	if (place.chunk)
		merge(index, place.chunk - 1);
}
