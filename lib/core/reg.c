/* SPDX-License-Identifier: MIT */
/* What a guest's access does to one register. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/regmap.h"

uint64_t riser__state_load(const void *at, unsigned width)
{
	uint8_t v1;
	uint16_t v2;
	uint32_t v4;
	uint64_t v8;

	switch (width) {
	case 1:
		memcpy(&v1, at, 1);
		return v1;
	case 2:
		memcpy(&v2, at, 2);
		return v2;
	case 4:
		memcpy(&v4, at, 4);
		return v4;
	default:
		memcpy(&v8, at, 8);
		return v8;
	}
}

void riser__state_store(void *at, unsigned width, uint64_t value)
{
	uint8_t v1 = (uint8_t)value;
	uint16_t v2 = (uint16_t)value;
	uint32_t v4 = (uint32_t)value;

	switch (width) {
	case 1:
		memcpy(at, &v1, 1);
		break;
	case 2:
		memcpy(at, &v2, 2);
		break;
	case 4:
		memcpy(at, &v4, 4);
		break;
	default:
		memcpy(at, &value, 8);
		break;
	}
}

static bool takes(const struct riser__slot *slot, uint64_t offset, unsigned size)
{
	const struct riser_reg *reg = slot->reg;

	if (offset != slot->offset && (size == reg->width || reg->flags & RISER_EXTEND))
		return false;
	if (size == reg->width)
		return true;
	return size < reg->width && reg->part && size >= reg->part;
}

/* What hooks can ask about the access: the array's index and the bytes touched. */
static void reg_begin_hook(struct riser_dev *dev, const struct riser__slot *slot,
			   uint64_t offset, unsigned size)
{
	dev->reg_index = slot->element;
	dev->reg_lanes = ((1u << size) - 1) << (offset - slot->offset);
}

static void reg_refuse_width(struct riser_dev *dev, const char *verb,
			     const struct riser__slot *slot, uint64_t offset, unsigned size)
{
	const struct riser_reg *reg = slot->reg;
	char way_out[48] = "RISER_EXTEND takes its start only";

	if (!(reg->flags & RISER_EXTEND) || offset == slot->offset)
		snprintf(way_out, sizeof(way_out), ".part = %u takes it", size);
	riser__dev_mistake(dev, RISER__WIDTH,
			   "%s of %u bytes at %#" PRIx64 " (%s, %u bytes; %s)", verb, size,
			   offset, reg->name, reg->width, way_out);
}

static void mistake(struct riser_dev *dev, enum riser__mistake what, const char *verb,
		    const struct riser__slot *slot, uint64_t offset, unsigned size)
{
	riser__dev_mistake(dev, what, "%s of %u bytes at %#" PRIx64 " (%s, %u bytes)", verb,
			   size, offset, slot->reg->name, slot->reg->width);
}

uint64_t riser__reg_read(struct riser_dev *dev, const struct riser__slot *slot, uint64_t offset,
			 unsigned size)
{
	const struct riser_reg *reg = slot->reg;
	unsigned shift = 8 * (unsigned)(offset - slot->offset);
	char *at = (char *)dev->state + slot->at;
	uint64_t value;

	if (!takes(slot, offset, size)) {
		reg_refuse_width(dev, "read", slot, offset, size);
		return riser__ones(size);
	}
	if (reg->flags & RISER_WRITE_ONLY) {
		mistake(dev, RISER__WRITE_ONLY, "read", slot, offset, size);
		return riser__ones(size);
	}
	value = riser__state_load(at, reg->width);
	if (reg->on_read) {
		reg_begin_hook(dev, slot, offset, size);
		value = reg->on_read(dev, value);
	}
	if (reg->rc) {
		uint64_t clear = reg->rc & (riser__ones(size) << shift);

		riser__state_store(at, reg->width, riser__state_load(at, reg->width) & ~clear);
	}
	return value >> shift & riser__ones(size);
}

bool riser__reg_peek(struct riser_dev *dev, const struct riser__slot *slot, uint64_t offset,
		     unsigned size, uint64_t *value)
{
	const struct riser_reg *reg = slot->reg;
	/* The callback under way has its own. */
	unsigned index = dev->reg_index, lanes = dev->reg_lanes;

	if (!takes(slot, offset, size) || reg->rc || reg->flags & RISER_WRITE_ONLY ||
	    (reg->on_read && !(reg->flags & RISER_PURE_READ)))
		return false;
	*value = riser__reg_read(dev, slot, offset, size);
	dev->reg_index = index;
	dev->reg_lanes = lanes;
	return true;
}

/* The bits of `once` that may still be written; marks them as written. */
static uint64_t take_once(struct riser__regmap *map, const struct riser__slot *slot)
{
	size_t n = (size_t)(slot - map->slots);
	uint8_t bit = (uint8_t)(1u << n % 8);

	if (!slot->reg->once || map->written[n / 8] & bit)
		return 0;
	map->written[n / 8] |= bit;
	return slot->reg->once;
}

void riser__reg_write(struct riser_dev *dev, struct riser__regmap *map,
		      const struct riser__slot *slot, uint64_t offset, unsigned size,
		      uint64_t value)
{
	const struct riser_reg *reg = slot->reg;
	unsigned shift = 8 * (unsigned)(offset - slot->offset);
	char *at = (char *)dev->state + slot->at;
	uint64_t covered = riser__ones(size) << shift;
	uint64_t was, now, rw;

	if (!takes(slot, offset, size)) {
		reg_refuse_width(dev, "write", slot, offset, size);
		return;
	}
	if (!(reg->rw | reg->w1c | reg->w1s | reg->once)) {
		mistake(dev, RISER__READ_ONLY, "write", slot, offset, size);
		return;
	}
	if (reg->flags & RISER_EXTEND)
		covered = riser__ones(reg->width);
	value = value << shift & covered;
	was = riser__state_load(at, reg->width);
	rw = (reg->rw | take_once(map, slot)) & covered;
	now = (was & ~rw) | (value & rw);
	now = (now & ~(value & reg->w1c)) | (value & reg->w1s);
	now &= riser__ones(reg->width);
	riser__state_store(at, reg->width, now);
	if (reg->on_write) {
		reg_begin_hook(dev, slot, offset, size);
		reg->on_write(dev, now, was);
	}
}
