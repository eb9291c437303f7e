/* SPDX-License-Identifier: MIT */
/* The rules of a register map. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/check.h"
#include "core/regmap.h"

/* Arrays are expanded in memory; more registers than this are a mistake of the author's. */
#define REGS_MAX (1u << 20)

/* From the first byte of the first element to the last of the last. */
static uint64_t reg_span(const struct riser_reg *reg)
{
	return (uint64_t)(reg->count - 1) * reg->stride + reg->width;
}

static int check_masks(const struct riser__check *c, const struct riser_reg *reg)
{
	uint64_t all = riser__ones(reg->width);
	uint64_t masks[] = { reg->rw, reg->w1c, reg->w1s, reg->once };
	uint64_t seen = 0;

	for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
		uint64_t mask = masks[i] == RISER_ALL ? all : masks[i];

		if (mask & ~all)
			return refuse(
				c, "%s: %s register '%s': a mask has bits above its %u bytes",
				c->desc->name, c->where, reg->name, reg->width);
		if (mask & seen)
			return refuse(c,
				      "%s: %s register '%s': bits %#" PRIx64
				      " are in two of rw, w1c, w1s and once",
				      c->desc->name, c->where, reg->name, mask & seen);
		seen |= mask;
	}
	if (reg->rc != RISER_ALL && reg->rc & ~all)
		return refuse(c, "%s: %s register '%s': .rc has bits above its %u bytes",
			      c->desc->name, c->where, reg->name, reg->width);
	if (reg->reset & ~all)
		return refuse(c,
			      "%s: %s register '%s': reset value %#" PRIx64
			      " needs more than %u bytes",
			      c->desc->name, c->where, reg->name, reg->reset, reg->width);
	return 0;
}

static bool adjacent(uint64_t mask)
{
	uint64_t low = mask & -mask;

	return mask && !(mask & (mask + low));
}

static bool is_named_before(const struct riser_reg_fields *fields,
			    const struct riser_reg_field *field)
{
	riser_each(other, fields) {
		if (other == field)
			break;
		if (!strcmp(other->name, field->name))
			return true;
	}
	return false;
}

static int check_fields(const struct riser__check *c, const struct riser_reg *reg)
{
	riser_each(field, &reg->fields) {
		uint64_t mask = field->mask;

		if (!riser__good_name(field->name))
			return refuse(c,
				      "%s: %s register '%s': field %u needs a name of letters, "
				      "digits, '_' and '-'",
				      c->desc->name, c->where, reg->name,
				      riser_index(field, &reg->fields));
		if (mask & ~riser__ones(reg->width) || !adjacent(mask))
			return refuse(c,
				      "%s: %s register '%s': field '%s': mask %#" PRIx64
				      " is not of adjacent bits of the register",
				      c->desc->name, c->where, reg->name, field->name, mask);
		if (is_named_before(&reg->fields, field))
			return refuse(c, "%s: %s register '%s': two fields are named '%s'",
				      c->desc->name, c->where, reg->name, field->name);
	}
	return 0;
}

/* Flags that there are, and that do not contradict what else is said of a read. */
static int check_flags(const struct riser__check *c, const struct riser_reg *reg)
{
	const char *wrong = NULL;

	if (reg->flags & ~(RISER_WRITE_ONLY | RISER_PURE_READ | RISER_EXTEND))
		return refuse(c, "%s: %s register '%s': .flags %#x has bits without a meaning",
			      c->desc->name, c->where, reg->name, reg->flags);
	if (reg->flags & RISER_WRITE_ONLY && (reg->on_read || reg->rc))
		wrong = "RISER_WRITE_ONLY, but .on_read or .rc";
	else if (reg->flags & RISER_PURE_READ && reg->rc)
		wrong = "RISER_PURE_READ, but .rc";
	return wrong ? refuse(c, "%s: %s register '%s' is %s", c->desc->name, c->where,
			      reg->name, wrong)
		     : 0;
}

static int check_reg_shape(const struct riser__check *c, const struct riser_reg *reg,
			   uint32_t line)
{
	if (!riser__good_name(reg->name))
		return refuse(c,
			      "%s: %s register %u: it needs a name of letters, digits, '_' and "
			      "'-'",
			      c->desc->name, c->where, line);
	if (!riser__power_of_two(reg->width) || reg->width > 8)
		return refuse(c, "%s: %s register '%s': width %u is not 1, 2, 4 or 8%s",
			      c->desc->name, c->where, reg->name, reg->width,
			      reg->count > 1
				      ? "; of an array of structs RISER_REG_STRUCTS takes "
					"a member"
				      : "");
	if (reg->offset % reg->width)
		return refuse(c,
			      "%s: %s register '%s': offset %#" PRIx64
			      " is not a multiple of its width %u",
			      c->desc->name, c->where, reg->name, reg->offset, reg->width);
	return 0;
}

/* How it is accessed in parts, and how an array of it lies. */
static int check_reg_access(const struct riser__check *c, const struct riser_reg *reg)
{
	if (reg->stride % reg->width)
		return refuse(c,
			      "%s: %s register '%s': stride %u is not a multiple of its width "
			      "%u",
			      c->desc->name, c->where, reg->name, reg->stride, reg->width);
	if (reg->part && (!riser__power_of_two(reg->part) || reg->part > reg->width))
		return refuse(
			c, "%s: %s register '%s': part %u is not 1, 2, 4 or 8 up to its width",
			c->desc->name, c->where, reg->name, reg->part);
	if (reg->width > c->widest && (!reg->part || reg->part > c->widest))
		return refuse(c,
			      "%s: %s register '%s': nothing there accesses more than %u bytes "
			      "at once: it needs a .part",
			      c->desc->name, c->where, reg->name, c->widest);
	if (reg->stride < reg->width)
		return refuse(c, "%s: %s register '%s': stride %u is less than its width %u",
			      c->desc->name, c->where, reg->name, reg->stride, reg->width);
	return 0;
}

/* Where its values are. */
static int check_reg_values(const struct riser__check *c, const struct riser_reg *reg)
{
	uint64_t last = (uint64_t)(reg->count - 1) * reg->at_stride;

	if (reg->at_stride < reg->width)
		return refuse(c, "%s: %s register '%s': at_stride %u is less than its width %u",
			      c->desc->name, c->where, reg->name, reg->at_stride, reg->width);
	return riser__check_in_state(c, "register", reg->name, reg->at, last + reg->width);
}

static int check_reg(const struct riser__check *c, const struct riser_reg *reg, uint32_t line,
		     uint64_t size)
{
	int ret = check_reg_shape(c, reg, line);

	if (!ret)
		ret = check_reg_access(c, reg);
	if (!ret)
		ret = check_flags(c, reg);
	if (!ret)
		ret = check_masks(c, reg);
	if (!ret)
		ret = check_fields(c, reg);
	if (!ret)
		ret = check_reg_values(c, reg);
	if (!ret && (reg->offset > size || reg_span(reg) > size - reg->offset))
		ret = refuse(c,
			     "%s: %s register '%s' at %#" PRIx64 " ends past its %" PRIu64
			     " bytes",
			     c->desc->name, c->where, reg->name, reg->offset, size);
	return ret;
}

static int check_overlap(const struct riser__check *c, const struct riser_regs *regs)
{
	struct riser__regmap *map;
	int ret = riser__regmap_create(regs, &map);

	if (ret)
		return riser__fail(c->error, ret, "%s: no memory for its registers",
				   c->desc->name);
	for (size_t i = 1; i < map->count && !ret; i++) {
		const struct riser__slot *a = &map->slots[i - 1], *b = &map->slots[i];

		if (b->offset - a->offset < a->reg->width)
			ret = refuse(c, "%s: %s registers '%s' and '%s' overlap at %#" PRIx64,
				     c->desc->name, c->where, a->reg->name, b->reg->name,
				     b->offset);
	}
	riser__regmap_destroy(map);
	return ret;
}

int riser__check_regs(const struct riser__check *c, const struct riser_regs *regs,
		      uint64_t size)
{
	uint64_t total = 0;

	riser_each(reg, regs) {
		int ret = check_reg(c, reg, riser_index(reg, regs), size);

		if (ret)
			return ret;
		total += reg->count;
	}
	if (total > REGS_MAX)
		return refuse(
			c, "%s: %s has %" PRIu64 " registers; at most %u are taken: use .ops",
			c->desc->name, c->where, total, REGS_MAX);
	return check_overlap(c, regs);
}
