/* SPDX-License-Identifier: MIT */
/* A register map made fit for access: finding a register takes the same time in any map. */
#ifndef RISER_CORE_REGMAP_H
#define RISER_CORE_REGMAP_H

#include "core/dev.h"

/* One register, or one element of an array. */
struct riser__slot {
	const struct riser_reg *reg;
	uint64_t offset;
	uint32_t at;
	uint32_t element;
};

struct riser__regmap {
	struct riser__slot *slots; /* by offset */
	size_t count;
	/*
	 * By offset / 4, hashed, open addressing: the first slot + 1 in those four bytes, 0
	 * for none. A register of 8 bytes is there twice.
	 */
	uint32_t *buckets;
	uint64_t mask, factor;
	uint8_t *written; /* write-once registers: bit n is slot n; NULL where there are none */
};

int riser__regmap_create(const struct riser_regs *regs, struct riser__regmap **map);
/* Takes NULL. */
void riser__regmap_destroy(struct riser__regmap *map);
/* The register that holds the byte at `offset`, or NULL. */
const struct riser__slot *riser__regmap_find(const struct riser__regmap *map, uint64_t offset);
/* All registers to their reset values. */
void riser__regmap_reset(struct riser__regmap *map, void *state);

/* How many bytes `written` has. */
size_t riser__regmap_written_size(const struct riser__regmap *map);

/*
 * A guest's access of 1, 2, 4 or 8 bytes in `slot` and nowhere else, naturally aligned. What
 * the register does not take is the guest's mistake.
 */
uint64_t riser__reg_read(struct riser_dev *dev, const struct riser__slot *slot, uint64_t offset,
			 unsigned size);
/* The same for a read that changes nothing; false, and nothing is done, if it would. */
bool riser__reg_peek(struct riser_dev *dev, const struct riser__slot *slot, uint64_t offset,
		     unsigned size, uint64_t *value);
void riser__reg_write(struct riser_dev *dev, struct riser__regmap *map,
		      const struct riser__slot *slot, uint64_t offset, unsigned size,
		      uint64_t value);

/* Values of 1, 2, 4 or 8 bytes in the state. */
uint64_t riser__state_load(const void *at, unsigned width);
void riser__state_store(void *at, unsigned width, uint64_t value);

static inline uint64_t riser__ones(unsigned bytes)
{
	return UINT64_MAX >> (64 - 8 * bytes);
}

#endif
