/* SPDX-License-Identifier: MIT */
/* "name=value,name=value": commas in a value are doubled, a boolean's name alone means on. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dev.h"

/* What every PCI device takes. Those are kept in struct riser_dev. */
static const struct riser_option common[] = {
	{ RISER_OPTION(PATH, struct riser_dev, romfile) },
	{ RISER_OPTION(BOOL, struct riser_dev, msix), .value = "on" },
};

enum { COMMON = sizeof(common) / sizeof(*common) };

const struct riser_option *riser__option_common(const char *name)
{
	for (size_t i = 0; i < COMMON; i++) {
		if (!strcmp(common[i].name, name))
			return &common[i];
	}
	return NULL;
}

static bool is_common(const struct riser_option *option)
{
	return riser__option_common(option->name) == option;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
	{ "", 1 },
	{ "K", UINT64_C(1) << 10 },
	{ "M", UINT64_C(1) << 20 },
	{ "G", UINT64_C(1) << 30 },
	{ "T", UINT64_C(1) << 40 },
	{ NULL, 0 },
};

static const struct unit times[] = {
	{ "ns", 1 },	     { "us", 1000 }, { "ms", 1000000 },
	{ "s", 1000000000 }, { "", 0 },	     { NULL, 0 },
};

/* Digits, 0x digits, and one of the units; nothing else and nothing that overflows. */
static bool parse_number(const char *text, const struct unit *units, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
	if (errno)
		return false;
	for (; units->name; units++) {
		if (!strcmp(end, units->name) && (units->factor || !*number))
			return !__builtin_mul_overflow(*number, units->factor, number);
	}
	return false;
}

static bool parse_bool(const char *text, bool *value)
{
	static const char *const words[][2] = {
		{ "off", "on" }, { "no", "yes" }, { "false", "true" }, { "0", "1" }
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		for (int v = 0; v < 2; v++) {
			if (!strcmp(text, words[i][v])) {
				*value = v;
				return true;
			}
		}
	}
	return false;
}

static const char *expects(enum riser_option_type type)
{
	switch (type) {
	case RISER_OPTION_BOOL:
		return "on or off";
	case RISER_OPTION_TIME:
		return "a time such as 5s, 20ms or 100us";
	default:
		return "a number such as 4096, 0x1000 or 4K";
	}
}

static int set_string(struct riser_dev *dev, const struct riser_option *option,
		      const char *value, void *at, struct riser_error *error)
{
	size_t count = 0;
	char **grown, *copy = strdup(value);

	while (dev->strings && dev->strings[count])
		count++;
	grown = realloc(dev->strings, (count + 2) * sizeof(*grown));
	if (grown) {
		dev->strings = grown;
		grown[count] = copy;
		grown[count + 1] = NULL;
	}
	if (!grown || !copy) {
		if (!grown)
			free(copy);
		return riser__fail(error, -ENOMEM, "%s: no memory for option '%s'",
				   dev->desc->name, option->name);
	}
	memcpy(at, &grown[count], sizeof(copy));
	return 0;
}

static uint64_t most_of(const struct riser_option *option)
{
	uint64_t max = option->max ? option->max : UINT64_MAX;

	return option->type == RISER_OPTION_U32 && max > UINT32_MAX ? UINT32_MAX : max;
}

/* Bounds, as the option's type and its line of the table have them. */
static int out_of_bounds(struct riser_dev *dev, const struct riser_option *option,
			 uint64_t number, const char *value, struct riser_error *error)
{
	const char *unit = option->type == RISER_OPTION_TIME ? "ns" : "";
	uint64_t max = most_of(option);

	if (number >= option->min && number <= max)
		return 0;
	return riser__fail(error, -EINVAL,
			   "%s: option '%s': %s is out of bounds: it takes %" PRIu64
			   "%s to %" PRIu64 "%s",
			   dev->desc->name, option->name, value, option->min, unit, max, unit);
}

static bool parse_as(enum riser_option_type type, const char *text, uint64_t *number)
{
	return parse_number(text, type == RISER_OPTION_TIME ? times : sizes, number);
}

bool riser__option_takes(const struct riser_option *option, const char *value)
{
	uint64_t number;
	bool on;

	switch (option->type) {
	case RISER_OPTION_BOOL:
		return parse_bool(value, &on);
	case RISER_OPTION_STRING:
	case RISER_OPTION_PATH:
		return true;
	default:
		return parse_as(option->type, value, &number) && number >= option->min &&
		       number <= most_of(option);
	}
}

static int set_number(struct riser_dev *dev, const struct riser_option *option,
		      const char *value, void *at, struct riser_error *error)
{
	uint64_t number;

	if (!parse_as(option->type, value, &number))
		return riser__fail(error, -EINVAL, "%s: option '%s' takes %s, not '%s'",
				   dev->desc->name, option->name, expects(option->type), value);
	if (out_of_bounds(dev, option, number, value, error))
		return -EINVAL;
	if (option->type == RISER_OPTION_U32)
		memcpy(at, &(uint32_t){ (uint32_t)number }, 4);
	else
		memcpy(at, &number, 8);
	return 0;
}

static int set(struct riser_dev *dev, const struct riser_option *option, const char *value,
	       struct riser_error *error)
{
	void *at = (char *)(is_common(option) ? (void *)dev : dev->state) + option->at;
	bool on;

	switch (option->type) {
	case RISER_OPTION_BOOL:
		if (!parse_bool(value, &on))
			return riser__fail(error, -EINVAL, "%s: option '%s' takes %s, not '%s'",
					   dev->desc->name, option->name, expects(option->type),
					   value);
		memcpy(at, &on, sizeof(on));
		return 0;
	case RISER_OPTION_STRING:
	case RISER_OPTION_PATH:
		return set_string(dev, option, value, at, error);
	default:
		return set_number(dev, option, value, at, error);
	}
}

static const struct riser_option *find(const struct riser_dev *dev, const char *name)
{
	if (riser__option_common(name))
		return riser__option_common(name);
	riser_each(option, &dev->desc->options) {
		if (!strcmp(option->name, name))
			return option;
	}
	return NULL;
}

static int unknown(struct riser_dev *dev, const char *name, struct riser_error *error)
{
	const struct riser_option *option = dev->desc->options.base;
	char known[256] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < dev->desc->options.count; i++) {
		bool room = used + strlen(option[i].name) + sizeof(", ..., ") <= sizeof(known);

		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s, ",
					 room ? option[i].name : "...");
		if (!room)
			break;
	}
	return riser__fail(error, -EINVAL, "%s: unknown option '%s'; it takes: %s%s, %s",
			   dev->desc->name, name, known, common[0].name, common[1].name);
}

static int apply(struct riser_dev *dev, char *name, bool *given, struct riser_error *error)
{
	char *value = strchr(name, '=');
	const struct riser_option *option;

	if (value)
		*value++ = '\0';
	if (!*name)
		return riser__fail(error, -EINVAL,
				   "%s: an option has no name; a comma in a value is doubled",
				   dev->desc->name);
	option = find(dev, name);
	if (!option)
		return unknown(dev, name, error);
	if (!value && option->type != RISER_OPTION_BOOL)
		return riser__fail(error, -EINVAL, "%s: option '%s' needs a value: %s=...",
				   dev->desc->name, name, name);
	if (!is_common(option))
		given[riser_index(option, &dev->desc->options)] = true;
	return set(dev, option, value ? value : "on", error);
}

char *riser__options_next(char **text)
{
	char *start = *text, *to = start, *from = start;
	bool more = false;

	if (!start)
		return NULL;
	for (; *from; from++) {
		more = *from == ',' && *++from != ',';
		if (more)
			break;
		*to++ = *from;
	}
	*text = more ? from : NULL;
	*to = '\0';
	return start;
}

static int apply_all(struct riser_dev *dev, char *text, bool *given, struct riser_error *error)
{
	char *option;
	int ret = 0;

	if (!*text)
		return 0;
	while (!ret && (option = riser__options_next(&text)))
		ret = apply(dev, option, given, error);
	return ret;
}

static int set_defaults(struct riser_dev *dev, struct riser_error *error)
{
	int ret = 0;

	for (size_t i = 0; i < COMMON && !ret; i++) {
		if (common[i].value)
			ret = set(dev, &common[i], common[i].value, error);
	}
	if (ret)
		return ret;
	riser_each(option, &dev->desc->options) {
		ret = option->value ? set(dev, option, option->value, error) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

static int check_required(struct riser_dev *dev, const bool *given, struct riser_error *error)
{
	riser_each(option, &dev->desc->options) {
		uint32_t i = riser_index(option, &dev->desc->options);
		const char *help = option->help;

		if (option->required && !given[i])
			return riser__fail(
				error, -EINVAL, "%s: option '%s' is required: %s,%s=...%s%s%s",
				dev->desc->name, option->name, dev->desc->name, option->name,
				help ? " (" : "", help ? help : "", help ? ")" : "");
	}
	return 0;
}

int riser__options_parse(struct riser_dev *dev, const char *text, struct riser_error *error)
{
	char *copy = strdup(text ? text : "");
	bool *given = calloc(dev->desc->options.count + 1u, sizeof(*given));
	int ret = copy && given ? 0
				: riser__fail(error, -ENOMEM, "%s: no memory for its options",
					      dev->desc->name);

	if (!ret)
		ret = set_defaults(dev, error);
	if (!ret)
		ret = apply_all(dev, copy, given, error);
	if (!ret)
		ret = check_required(dev, given, error);
	free(given);
	free(copy);
	return ret;
}

void riser__options_free(struct riser_dev *dev)
{
	for (char **s = dev->strings; s && *s; s++)
		free(*s);
	free(dev->strings);
	dev->strings = NULL;
	dev->romfile = NULL;
}
