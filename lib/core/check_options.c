/* SPDX-License-Identifier: MIT */
/* The rules of what users set and of what is saved: options, fields, timers. */
#include <errno.h>
#include <string.h>

#include "core/check.h"
#include "core/dev.h"
#include "core/regmap.h"

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

static bool option_is_text(const struct riser_option *option)
{
	return option->type == RISER_OPTION_STRING || option->type == RISER_OPTION_PATH;
}

static int check_reaches(const struct riser__check *c, const struct riser_option *option)
{
	const uint32_t all = RISER_READS | RISER_WRITES | RISER_CREATES | RISER_CONNECTS |
			     RISER_LISTENS | RISER_NETWORK | RISER_TERMINAL;

	riser_each(reach, &option->reaches) {
		const char *path = reach->form ? strchr(reach->form, '@') : NULL;
		unsigned i = riser_index(reach, &option->reaches);

		if (!reach->form)
			return refuse(c, "%s: option '%s': .reaches %u has no .form",
				      c->desc->name, option->name, i);
		if (path && path[1])
			return refuse(c, "%s: option '%s': .form '%s' has '@' before its end",
				      c->desc->name, option->name, reach->form);
		if (reach->suffix && strchr(reach->suffix, '/'))
			return refuse(c, "%s: option '%s': .suffix '%s' has a '/'",
				      c->desc->name, option->name, reach->suffix);
		if (!reach->flags || reach->flags & ~all)
			return refuse(c,
				      "%s: option '%s': .reaches %u has flags %#x: none, or "
				      "without a meaning",
				      c->desc->name, option->name, i, reach->flags);
	}
	return 0;
}

/* Bounds and a default that contradict nothing. */
static int check_values(const struct riser__check *c, const struct riser_option *option)
{
	bool bounded = option->min || option->max;

	if (bounded && (option_is_text(option) || option->type == RISER_OPTION_BOOL))
		return refuse(c, "%s: option '%s': only a number has .min and .max",
			      c->desc->name, option->name);
	if (option->min > option->max)
		return refuse(c, "%s: option '%s': its .min is above its .max", c->desc->name,
			      option->name);
	if (option->type == RISER_OPTION_U32 && option->max > UINT32_MAX)
		return refuse(c, "%s: option '%s': its .max has more than 32 bits",
			      c->desc->name, option->name);
	if (option->value && option->required)
		return refuse(c, "%s: option '%s' is required and has a default", c->desc->name,
			      option->name);
	if (option->value && !riser__option_takes(option, option->value))
		return refuse(c, "%s: option '%s' does not take its own default, '%s'",
			      c->desc->name, option->name, option->value);
	return 0;
}

struct span {
	uint64_t at, size;
};

static bool span_meets(struct span a, uint64_t at, uint64_t size)
{
	return a.at < at ? at - a.at < a.size : a.at - at < size;
}

/* The name of a register of `regs` that keeps its value in `place`, or NULL. */
static const char *reg_in(const struct riser_regs *regs, struct span place)
{
	riser_each(reg, regs) {
		for (uint64_t n = 0; n < reg->count; n++) {
			if (span_meets(place, reg->at + n * reg->at_stride, reg->width))
				return reg->name;
		}
	}
	return NULL;
}

static const char *window_in(const struct riser_windows *windows, struct span place)
{
	riser_each(window, windows) {
		if (!window->shared && span_meets(place, window->at, window->size))
			return window->name;
	}
	return NULL;
}

/* What a guest or a saved state writes there, or NULL: nothing. */
static const char *writer_of(const struct riser_pci_device *desc, struct span place)
{
	const char *name = NULL;

	riser_each(bar, &desc->bars) {
		if (!name)
			name = reg_in(&bar->regs, place);
		if (!name)
			name = window_in(&bar->windows, place);
	}
	riser_each(cap, &desc->caps) {
		if (!name)
			name = reg_in(&cap->regs, place);
	}
	riser_each(field, &desc->fields) {
		if (!name &&
		    span_meets(place, field->at, (uint64_t)field->count * field->width))
			name = field->name;
	}
	return name;
}

/* A pointer that others write would lead anywhere. */
static int check_pointer(const struct riser__check *c, const struct riser_option *option)
{
	const char *writer;

	if (!option_is_text(option))
		return 0;
	writer = writer_of(c->desc, (struct span){ option->at, sizeof(char *) });
	return writer ? refuse(c, "%s: option '%s' and '%s' are in the same place of the state",
			       c->desc->name, option->name, writer)
		      : 0;
}

int riser__check_options(const struct riser__check *c)
{
	riser_each(option, &c->desc->options) {
		size_t size = option_size(option->type);
		int ret;

		if (!riser__good_name(option->name))
			return refuse(c,
				      "%s: option %u needs a name of letters, digits, '_' and "
				      "'-'",
				      c->desc->name, riser_index(option, &c->desc->options));
		if (!size)
			return refuse(c, "%s: option '%s': .type %d is of no known kind",
				      c->desc->name, option->name, (int)option->type);
		if (riser__option_common(option->name))
			return refuse(c, "%s: option '%s' is the library's own", c->desc->name,
				      option->name);
		ret = check_values(c, option);
		if (!ret)
			ret = check_reaches(c, option);
		if (!ret)
			ret = riser__check_in_state(c, "option", option->name, option->at,
						    size);
		if (!ret)
			ret = check_pointer(c, option);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_field(const struct riser__check *c, const struct riser_field *field,
		       uint32_t line)
{
	if (!riser__good_name(field->name))
		return refuse(c, "%s: field %u needs a name of letters, digits, '_' and '-'",
			      c->desc->name, line);
	if (!riser__power_of_two(field->width) || field->width > 8)
		return refuse(c, "%s: field '%s': width %u is not 1, 2, 4 or 8", c->desc->name,
			      field->name, field->width);
	if (!field->count)
		return refuse(c, "%s: field '%s' needs a .count", c->desc->name, field->name);
	if (field->since > c->desc->version)
		return refuse(c, "%s: field '%s' is .since %u, but the .version is %u",
			      c->desc->name, field->name, field->since, c->desc->version);
	return riser__check_in_state(c, "field", field->name, field->at,
				     (uint64_t)field->count * field->width);
}

int riser__check_saved(const struct riser__check *c)
{
	riser_each(field, &c->desc->fields) {
		int ret = check_field(c, field, riser_index(field, &c->desc->fields));

		if (ret)
			return ret;
	}
	riser_each(timer, &c->desc->timers) {
		if (!riser__good_name(timer->name))
			return refuse(c,
				      "%s: timer %u needs a name of letters, digits, '_' and "
				      "'-'",
				      c->desc->name, riser_index(timer, &c->desc->timers));
		if (!timer->fire)
			return refuse(c, "%s: timer '%s' needs a .fire", c->desc->name,
				      timer->name);
	}
	return 0;
}
