/* SPDX-License-Identifier: MIT */
/* Register maps: elements are laid out once and found by a table of buckets. */
#include "core/regmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	GRANULE =
		4, /* bytes: what most registers have, so that one is found at the first look */
	SHIFT = 20, /* of the hash */
};

static uint64_t bucket_of(const struct riser__regmap *map, uint64_t granule)
{
	return (granule * map->factor >> SHIFT) & map->mask;
}

static uint64_t last_granule(const struct riser__slot *slot)
{
	return (slot->offset + slot->reg->width - 1) / GRANULE;
}

/*
 * How large the table is, and how it is hashed: in order if that takes not much more room, so
 * that neighbours are near each other. Always more than there are granules: a search ends.
 */
static void choose_buckets(struct riser__regmap *map)
{
	uint64_t granules = map->count ? last_granule(&map->slots[map->count - 1]) + 1 : 0;
	uint64_t size = 16, in_order = 16;

	while (size < 4 * map->count)
		size *= 2;
	while (in_order <= granules && in_order <= 4 * size)
		in_order *= 2;
	if (in_order <= 4 * size) {
		map->factor = UINT64_C(1) << SHIFT;
		map->mask = in_order - 1;
	} else {
		map->factor = 0x9e3779b97f4a7c15u;
		map->mask = size - 1;
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct riser__slot *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static void expand(struct riser__regmap *map, const struct riser_regs *regs)
{
	size_t n = 0;

	riser_each(reg, regs) {
		for (uint32_t i = 0; i < reg->count; i++)
			map->slots[n++] =
				(struct riser__slot){ reg,
						      reg->offset + (uint64_t)i * reg->stride,
						      reg->at + i * reg->at_stride, i };
	}
	qsort(map->slots, n, sizeof(*map->slots), by_offset);
}

/* Each granule once, also where registers overlap: there are no buckets for more. */
static void index_slots(struct riser__regmap *map)
{
	uint64_t granule = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct riser__slot *slot = &map->slots[i];

		if (granule < slot->offset / GRANULE)
			granule = slot->offset / GRANULE;
		for (; granule <= last_granule(slot); granule++) {
			uint64_t b = bucket_of(map, granule);

			while (map->buckets[b])
				b = (b + 1) & map->mask;
			map->buckets[b] = (uint32_t)i + 1;
		}
	}
}

static bool has_once(const struct riser_regs *regs)
{
	riser_each(reg, regs) {
		if (reg->once)
			return true;
	}
	return false;
}

static int build(struct riser__regmap *map, const struct riser_regs *regs)
{
	riser_each(reg, regs)
		map->count += reg->count;
	map->slots = calloc(map->count ? map->count : 1, sizeof(*map->slots));
	if (!map->slots)
		return -ENOMEM;
	expand(map, regs);
	choose_buckets(map);
	map->buckets = calloc(map->mask + 1, sizeof(*map->buckets));
	if (!map->buckets)
		return -ENOMEM;
	if (has_once(regs)) {
		map->written = calloc(map->count / 8 + 1, 1);
		if (!map->written)
			return -ENOMEM;
	}
	index_slots(map);
	return 0;
}

int riser__regmap_create(const struct riser_regs *regs, struct riser__regmap **map)
{
	struct riser__regmap *made = calloc(1, sizeof(*made));
	int ret = made ? build(made, regs) : -ENOMEM;

	if (ret) {
		riser__regmap_destroy(made);
		made = NULL;
	}
	*map = made;
	return ret;
}

void riser__regmap_destroy(struct riser__regmap *map)
{
	if (!map)
		return;
	free(map->slots);
	free(map->buckets);
	free(map->written);
	free(map);
}

const struct riser__slot *riser__regmap_find(const struct riser__regmap *map, uint64_t offset)
{
	uint64_t granule = offset / GRANULE;
	uint64_t b = bucket_of(map, granule);
	const struct riser__slot *slot, *end = map->slots + map->count;

	for (;; b = (b + 1) & map->mask) {
		if (!map->buckets[b])
			return NULL;
		slot = map->slots + map->buckets[b] - 1;
		if (slot->offset / GRANULE <= granule && granule <= last_granule(slot))
			break;
	}
	for (; slot < end && slot->offset <= offset; slot++) {
		if (offset - slot->offset < slot->reg->width)
			return slot;
	}
	return NULL;
}

void riser__regmap_reset(struct riser__regmap *map, void *state)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct riser__slot *slot = &map->slots[i];

		riser__state_store((char *)state + slot->at, slot->reg->width,
				   slot->reg->reset);
	}
	if (map->written)
		memset(map->written, 0, riser__regmap_written_size(map));
}

size_t riser__regmap_written_size(const struct riser__regmap *map)
{
	return map->written ? map->count / 8 + 1 : 0;
}
