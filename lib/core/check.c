/* SPDX-License-Identifier: MIT */
/* The rules that a descriptor has to keep, each refused with the line of the table and the
 * rule. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/model.h"

/* Saved states have room for no longer names. */
enum { NAME_MAX_LENGTH = 80 };

bool riser__good_name(const char *name)
{
	if (!name || !*name)
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && *name != '_' && *name != '-')
			return false;
	}
	return true;
}

int riser__check_in_state(const struct riser__check *c, const char *what, const char *name,
			  uint64_t at, uint64_t size)
{
	if (at > c->desc->state_size || size > c->desc->state_size - at)
		return refuse(
			c, "%s: %s '%s' lies outside the state of %zu bytes: set .state_size",
			c->desc->name, what, name, c->desc->state_size);
	return 0;
}

static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b ? b - a < a_size : a - b < b_size;
}

static int check_window(const struct riser__check *c, const struct riser_bar *bar,
			const struct riser_window *window)
{
	const struct riser_window *other = bar->windows.base;
	const struct riser_reg *reg = bar->regs.base;

	if (!riser__good_name(window->name))
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
		for (uint32_t i = 0; i < riser__reg_count(reg); i++) {
			uint64_t stride = reg->stride ? reg->stride : reg->width;

			if (overlaps(reg->offset + i * stride, reg->width, window->offset,
				     window->size))
				return refuse(c, "%s: %s window '%s' overlaps register '%s'",
					      c->desc->name, c->where, window->name, reg->name);
		}
	}
	return window->shared ? 0
			      : riser__check_in_state(c, "window", window->name, window->at,
						      window->size);
}

static int check_bar_shape(const struct riser__check *c, const struct riser_bar *bar)
{
	uint64_t least = bar->kind == RISER_IO ? 4 : 16;
	uint64_t most = bar->kind == RISER_IO	   ? 256
			: bar->kind == RISER_MEM32 ? UINT64_C(1) << 31
						   : UINT64_C(1) << 62;

	if (bar->index + (bar->kind == RISER_MEM64) > 5)
		return refuse(c, "%s: %s: a BAR has an index from 0 to 5, a MEM64 one to 4",
			      c->desc->name, c->where);
	if (!riser__power_of_two(bar->size) || bar->size < least || bar->size > most)
		return refuse(c,
			      "%s: %s: size %" PRIu64 " is not a power of two from %" PRIu64
			      " to %" PRIu64,
			      c->desc->name, c->where, bar->size, least, most);
	if (bar->split && (!riser__power_of_two(bar->split) || bar->split > 8))
		return refuse(c, "%s: %s: split %u is not 1, 2, 4 or 8", c->desc->name,
			      c->where, bar->split);
	if (bar->kind == RISER_IO && bar->prefetchable)
		return refuse(c, "%s: %s: only memory is prefetchable", c->desc->name,
			      c->where);
	return 0;
}

static int check_bars(struct riser__check *c)
{
	const struct riser_bar *bar = c->desc->bars.base;
	const struct riser_window *window;
	unsigned taken = 0, mine;
	int ret = 0;

	for (uint32_t i = 0; i < c->desc->bars.count && !ret; i++, bar++) {
		snprintf(c->where, sizeof(c->where), "BAR%u", bar->index);
		ret = check_bar_shape(c, bar);
		if (ret)
			return ret;
		mine = (bar->kind == RISER_MEM64 ? 3u : 1u) << bar->index;
		if (taken & mine)
			return refuse(c, "%s: BAR%u is taken by an earlier line of .bars",
				      c->desc->name, bar->index);
		taken |= mine;
		ret = riser__check_regs(c, &bar->regs, bar->size);
		window = bar->windows.base;
		for (uint32_t w = 0; w < bar->windows.count && !ret; w++)
			ret = check_window(c, bar, &window[w]);
	}
	return ret;
}

static int check_cap_regs(struct riser__check *c)
{
	const struct riser_pci_cap *cap = c->desc->caps.base;
	int ret = 0;

	for (uint32_t i = 0; i < c->desc->caps.count && !ret; i++) {
		snprintf(c->where, sizeof(c->where), "capability %u", i);
		ret = riser__check_regs(c, &cap[i].regs, cap[i].size);
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
static int check_unique(const struct riser__check *c, const char *what,
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

static int check_names(const struct riser__check *c)
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

static int check_reaches(const struct riser__check *c, const struct riser_option *option)
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

static int check_options(const struct riser__check *c)
{
	const struct riser_option *option = c->desc->options.base;
	int ret = 0;

	for (uint32_t i = 0; i < c->desc->options.count && !ret; i++) {
		size_t size = option_size(option[i].type);

		if (!riser__good_name(option[i].name) || !size)
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
			ret = riser__check_in_state(c, "option", option[i].name, option[i].at,
						    size);
	}
	return ret;
}

static int check_saved(const struct riser__check *c)
{
	const struct riser_field *field = c->desc->fields.base;
	const struct riser_timer *timer = c->desc->timers.base;
	int ret = 0;

	for (uint32_t i = 0; i < c->desc->fields.count && !ret; i++) {
		if (!riser__good_name(field[i].name) || !riser__power_of_two(field[i].width) ||
		    field[i].width > 8 || !field[i].count)
			return refuse(c,
				      "%s: field %u needs a name, a width of 1, 2, 4 or 8 and "
				      "a count",
				      c->desc->name, i);
		ret = riser__check_in_state(c, "field", field[i].name, field[i].at,
					    (uint64_t)field[i].count * field[i].width);
	}
	for (uint32_t i = 0; i < c->desc->timers.count && !ret; i++) {
		if (!riser__good_name(timer[i].name) || !timer[i].fire)
			return refuse(c, "%s: timer %u needs a name and .fire", c->desc->name,
				      i);
	}
	return ret;
}

int riser__model_check(const struct riser_pci_device *desc, struct riser_error *error)
{
	struct riser__check c = { .desc = desc, .error = error };
	int ret;

	if (!riser__good_name(desc->name))
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
