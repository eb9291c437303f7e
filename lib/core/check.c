/* SPDX-License-Identifier: MIT */
/* The rules that a descriptor has to keep, each refused with the line of the table and the
 * rule. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "core/regmap.h"

/* Arrays are expanded in memory; more registers than this are a mistake of the author's. */
#define REGS_MAX (1u << 20)

/* Saved states have room for no longer names. */
enum { NAME_MAX_LENGTH = 80 };

struct check {
	const struct riser_pci_device *desc;
	struct riser_error *error;
	const char *where; /* "BAR0" or "capability 2" */
};

#define refuse(c, ...) riser__fail((c)->error, -EINVAL, __VA_ARGS__)

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static bool good_name(const char *name)
{
	if (!name || !*name)
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && *name != '_' && *name != '-')
			return false;
	}
	return true;
}

static int in_state(const struct check *c, const char *what, const char *name, uint64_t at,
		    uint64_t size)
{
	if (at > c->desc->state_size || size > c->desc->state_size - at)
		return refuse(
			c, "%s: %s '%s' lies outside the state of %zu bytes: set .state_size",
			c->desc->name, what, name, c->desc->state_size);
	return 0;
}

static uint64_t reg_count(const struct riser_reg *reg)
{
	return reg->count ? reg->count : 1;
}

/* From the first byte of the first element to the last of the last. */
static uint64_t reg_span(const struct riser_reg *reg)
{
	uint64_t stride = reg->stride ? reg->stride : reg->width;

	return (reg_count(reg) - 1) * stride + reg->width;
}

static int check_masks(const struct check *c, const struct riser_reg *reg)
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

static int check_fields(const struct check *c, const struct riser_reg *reg)
{
	const struct riser_reg_field *field = reg->fields.base;

	for (uint32_t i = 0; i < reg->fields.count; i++) {
		uint64_t mask = field[i].mask;

		if (!good_name(field[i].name) || mask & ~riser__ones(reg->width) ||
		    !adjacent(mask))
			return refuse(c,
				      "%s: %s register '%s': field %u needs a name and "
				      "adjacent bits of "
				      "the register",
				      c->desc->name, c->where, reg->name, i);
	}
	return 0;
}

static int check_reg_shape(const struct check *c, const struct riser_reg *reg, uint32_t line)
{
	if (!good_name(reg->name))
		return refuse(c,
			      "%s: %s register %u: it needs a name of letters, digits and '_'",
			      c->desc->name, c->where, line);
	if (!power_of_two(reg->width) || reg->width > 8)
		return refuse(c, "%s: %s register '%s': width %u is not 1, 2, 4 or 8",
			      c->desc->name, c->where, reg->name, reg->width);
	if (reg->offset % reg->width || reg->stride % reg->width)
		return refuse(c,
			      "%s: %s register '%s': offset %#" PRIx64
			      " or stride %u is not a multiple of its width %u",
			      c->desc->name, c->where, reg->name, reg->offset, reg->stride,
			      reg->width);
	if (reg->part && (!power_of_two(reg->part) || reg->part > reg->width))
		return refuse(
			c, "%s: %s register '%s': part %u is not 1, 2, 4 or 8 up to its width",
			c->desc->name, c->where, reg->name, reg->part);
	if (reg->stride && reg->stride < reg->width)
		return refuse(c, "%s: %s register '%s': stride %u is less than its width %u",
			      c->desc->name, c->where, reg->name, reg->stride, reg->width);
	return 0;
}

static int check_reg(const struct check *c, const struct riser_reg *reg, uint32_t line,
		     uint64_t size)
{
	int ret = check_reg_shape(c, reg, line);

	if (!ret)
		ret = check_masks(c, reg);
	if (!ret)
		ret = check_fields(c, reg);
	if (!ret)
		ret = in_state(c, "register", reg->name, reg->at, reg_count(reg) * reg->width);
	if (!ret && (reg->offset > size || reg_span(reg) > size - reg->offset))
		ret = refuse(c,
			     "%s: %s register '%s' at %#" PRIx64 " ends past its %" PRIu64
			     " bytes",
			     c->desc->name, c->where, reg->name, reg->offset, size);
	return ret;
}

static int check_overlap(const struct check *c, const struct riser_table *regs)
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

static int check_regs(const struct check *c, const struct riser_table *regs, uint64_t size)
{
	const struct riser_reg *reg = regs->base;
	uint64_t total = 0;
	int ret = 0;

	for (uint32_t i = 0; i < regs->count && !ret; i++) {
		ret = check_reg(c, &reg[i], i, size);
		total += reg_count(&reg[i]);
	}
	if (!ret && total > REGS_MAX)
		return refuse(
			c, "%s: %s has %" PRIu64 " registers; at most %u are taken: use .ops",
			c->desc->name, c->where, total, REGS_MAX);
	return ret ? ret : check_overlap(c, regs);
}

static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b ? b - a < a_size : a - b < b_size;
}

static int check_window(const struct check *c, const struct riser_bar *bar,
			const struct riser_window *window)
{
	const struct riser_window *other = bar->windows.base;
	const struct riser_reg *reg = bar->regs.base;

	if (!good_name(window->name))
		return refuse(c, "%s: %s has a window without a name", c->desc->name, c->where);
	if (!window->size || window->offset > bar->size ||
	    window->size > bar->size - window->offset)
		return refuse(c, "%s: %s window '%s' does not lie inside the BAR",
			      c->desc->name, c->where, window->name);
	if (window->shared && (bar->kind == RISER_IO || (window->offset | window->size) % 4096))
		return refuse(c, "%s: %s window '%s': shared needs whole pages of a memory BAR",
			      c->desc->name, c->where, window->name);
	for (; other < window; other++) {
		if (overlaps(other->offset, other->size, window->offset, window->size))
			return refuse(c, "%s: %s windows '%s' and '%s' overlap", c->desc->name,
				      c->where, other->name, window->name);
	}
	for (uint32_t left = bar->regs.count; left; left--, reg++) {
		for (uint32_t i = 0; i < reg_count(reg); i++) {
			uint64_t stride = reg->stride ? reg->stride : reg->width;

			if (overlaps(reg->offset + i * stride, reg->width, window->offset,
				     window->size))
				return refuse(c, "%s: %s window '%s' overlaps register '%s'",
					      c->desc->name, c->where, window->name, reg->name);
		}
	}
	return window->shared ? 0
			      : in_state(c, "window", window->name, window->at, window->size);
}

static int check_bar_shape(const struct check *c, const struct riser_bar *bar)
{
	uint64_t least = bar->kind == RISER_IO ? 4 : 16;
	uint64_t most = bar->kind == RISER_IO	   ? 256
			: bar->kind == RISER_MEM32 ? UINT64_C(1) << 31
						   : UINT64_C(1) << 62;

	if (bar->index + (bar->kind == RISER_MEM64) > 5)
		return refuse(c, "%s: %s: a BAR has an index from 0 to 5, a MEM64 one to 4",
			      c->desc->name, c->where);
	if (!power_of_two(bar->size) || bar->size < least || bar->size > most)
		return refuse(c,
			      "%s: %s: size %" PRIu64 " is not a power of two from %" PRIu64
			      " to %" PRIu64,
			      c->desc->name, c->where, bar->size, least, most);
	if (bar->split && (!power_of_two(bar->split) || bar->split > 8))
		return refuse(c, "%s: %s: split %u is not 1, 2, 4 or 8", c->desc->name,
			      c->where, bar->split);
	if (bar->kind == RISER_IO && bar->prefetchable)
		return refuse(c, "%s: %s: only memory is prefetchable", c->desc->name,
			      c->where);
	return 0;
}

static int check_bars(struct check *c)
{
	const struct riser_bar *bar = c->desc->bars.base;
	const struct riser_window *window;
	unsigned taken = 0, mine;
	char where[16];
	int ret = 0;

	c->where = where;
	for (uint32_t i = 0; i < c->desc->bars.count && !ret; i++, bar++) {
		snprintf(where, sizeof(where), "BAR%u", bar->index);
		ret = check_bar_shape(c, bar);
		if (ret)
			return ret;
		mine = (bar->kind == RISER_MEM64 ? 3u : 1u) << bar->index;
		if (taken & mine)
			return refuse(c, "%s: BAR%u is taken by an earlier line of .bars",
				      c->desc->name, bar->index);
		taken |= mine;
		ret = check_regs(c, &bar->regs, bar->size);
		window = bar->windows.base;
		for (uint32_t w = 0; w < bar->windows.count && !ret; w++)
			ret = check_window(c, bar, &window[w]);
	}
	return ret;
}

static int check_cap_regs(struct check *c)
{
	const struct riser_pci_cap *cap = c->desc->caps.base;
	char where[24];
	int ret = 0;

	c->where = where;
	for (uint32_t i = 0; i < c->desc->caps.count && !ret; i++) {
		snprintf(where, sizeof(where), "capability %u", i);
		ret = check_regs(c, &cap[i].regs, cap[i].size);
	}
	return ret;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * Saved states, options and tools go by name. The name is the first member of the elements of
 * every table that has one.
 */
static int check_unique(const struct check *c, const char *what,
			const struct riser_table *table)
{
	const char **names = calloc(table->count + 1u, sizeof(*names));
	int ret = 0;

	if (!names)
		return riser__fail(c->error, -ENOMEM, "%s: no memory", c->desc->name);
	for (uint32_t i = 0; i < table->count; i++)
		names[i] = *(const char *const *)((const char *)table->base +
						  (size_t)i * table->stride);
	if (table->count)
		qsort(names, table->count, sizeof(*names), by_text);
	for (uint32_t i = 1; i < table->count && !ret; i++) {
		if (!strcmp(names[i - 1], names[i]))
			ret = refuse(c, "%s: two %s are named '%s'", c->desc->name, what,
				     names[i]);
	}
	for (uint32_t i = 0; i < table->count && !ret; i++) {
		if (strlen(names[i]) > NAME_MAX_LENGTH)
			ret = refuse(c, "%s: the name '%.20s...' has more than %d characters",
				     c->desc->name, names[i], NAME_MAX_LENGTH);
	}
	free(names);
	return ret;
}

static int check_names(const struct check *c)
{
	const struct riser_bar *bar = c->desc->bars.base;
	const struct riser_pci_cap *cap = c->desc->caps.base;
	int ret = check_unique(c, "options", &c->desc->options);

	if (!ret)
		ret = check_unique(c, "fields", &c->desc->fields);
	if (!ret)
		ret = check_unique(c, "timers", &c->desc->timers);
	for (uint32_t i = 0; i < c->desc->bars.count && !ret; i++) {
		ret = check_unique(c, "registers of a BAR", &bar[i].regs);
		if (!ret)
			ret = check_unique(c, "windows of a BAR", &bar[i].windows);
	}
	for (uint32_t i = 0; i < c->desc->caps.count && !ret; i++)
		ret = check_unique(c, "registers of a capability", &cap[i].regs);
	return ret;
}

static size_t option_size(enum riser_option_type type)
{
	switch (type) {
	case RISER_OPTION_BOOL:
		return sizeof(bool);
	case RISER_OPTION_U32:
		return 4;
	case RISER_OPTION_U64:
	case RISER_OPTION_TIME:
		return 8;
	case RISER_OPTION_STRING:
	case RISER_OPTION_PATH:
		return sizeof(char *);
	}
	return 0;
}

static int check_reaches(const struct check *c, const struct riser_option *option)
{
	const struct riser_reach *reach = option->reaches.base;

	for (uint32_t i = 0; i < option->reaches.count; i++) {
		const char *path = reach[i].form ? strchr(reach[i].form, '@') : NULL;

		if (!reach[i].form || (path && path[1]) ||
		    (reach[i].suffix && strchr(reach[i].suffix, '/')))
			return refuse(c,
				      "%s: option '%s': a .reaches needs a .form, with '@' "
				      "only at its end, and no '/' in its .suffix",
				      c->desc->name, option->name);
	}
	return 0;
}

static int check_options(const struct check *c)
{
	const struct riser_option *option = c->desc->options.base;
	int ret = 0;

	for (uint32_t i = 0; i < c->desc->options.count && !ret; i++) {
		size_t size = option_size(option[i].type);

		if (!good_name(option[i].name) || !size)
			return refuse(c, "%s: option %u needs a name and a type", c->desc->name,
				      i);
		if (!strcmp(option[i].name, "romfile"))
			return refuse(c, "%s: option 'romfile' is the library's own",
				      c->desc->name);
		if (option[i].min > option[i].max)
			return refuse(c, "%s: option '%s': its .min is above its .max",
				      c->desc->name, option[i].name);
		ret = check_reaches(c, &option[i]);
		if (!ret)
			ret = in_state(c, "option", option[i].name, option[i].at, size);
	}
	return ret;
}

static int check_saved(const struct check *c)
{
	const struct riser_field *field = c->desc->fields.base;
	const struct riser_timer *timer = c->desc->timers.base;
	int ret = 0;

	for (uint32_t i = 0; i < c->desc->fields.count && !ret; i++) {
		if (!good_name(field[i].name) || !power_of_two(field[i].width) ||
		    field[i].width > 8 || !field[i].count)
			return refuse(c,
				      "%s: field %u needs a name, a width of 1, 2, 4 or 8 and "
				      "a count",
				      c->desc->name, i);
		ret = in_state(c, "field", field[i].name, field[i].at,
			       (uint64_t)field[i].count * field[i].width);
	}
	for (uint32_t i = 0; i < c->desc->timers.count && !ret; i++) {
		if (!good_name(timer[i].name) || !timer[i].fire)
			return refuse(c, "%s: timer %u needs a name and .fire", c->desc->name,
				      i);
	}
	return ret;
}

int riser__model_check(const struct riser_pci_device *desc, struct riser_error *error)
{
	struct check c = { .desc = desc, .error = error };
	int ret;

	if (!good_name(desc->name))
		return refuse(&c, "the device needs a .name of letters, digits, '_' and '-'");
	if (desc->id.class_code >> 24)
		return refuse(&c, "%s: class code %#x has more than 24 bits", desc->name,
			      desc->id.class_code);
	if (desc->interrupt_pin > 4)
		return refuse(&c, "%s: interrupt pin %u is not 0 (none) to 4 (INTD)",
			      desc->name, desc->interrupt_pin);
	ret = check_bars(&c);
	if (!ret)
		ret = check_cap_regs(&c);
	if (!ret)
		ret = check_options(&c);
	if (!ret)
		ret = check_saved(&c);
	if (!ret)
		ret = check_names(&c);
	return ret;
}
