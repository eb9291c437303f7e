/* SPDX-License-Identifier: MIT */
/* "name=value,name=value": commas in a value are doubled, a boolean's name alone means on. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dev.h"

/* Options that every PCI device has. */
static const char rom_option[] = "romfile";

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

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, &end, text[0] == '0' && tolower(text[1]) == 'x' ? 16 : 10);
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

static int keep_string(struct riser_dev *dev, const char *value, const char **where)
{
	size_t count = 0;
	char **grown, *copy = strdup(value);

	while (dev->strings && dev->strings[count])
		count++;
	grown = realloc(dev->strings, (count + 2) * sizeof(*grown));
	if (grown)
		dev->strings = grown;
	if (!grown || !copy) {
		free(copy);
		return -ENOMEM;
	}
	grown[count] = copy;
	grown[count + 1] = NULL;
	*where = copy;
	return 0;
}

static bool in_bounds(const struct riser_option *option, uint64_t number)
{
	if (option->type == RISER_OPTION_U32 && number > UINT32_MAX)
		return false;
	return (!option->min && !option->max) ||
	       (number >= option->min && number <= option->max);
}

static int set_number(struct riser_dev *dev, const struct riser_option *option,
		      const char *value, struct riser_error *error)
{
	void *at = (char *)dev->state + option->at;
	uint64_t number;

	if (!parse_number(value, option->type == RISER_OPTION_TIME ? times : sizes, &number))
		return riser__fail(error, -EINVAL, "%s: option '%s' takes %s, not '%s'",
				   dev->desc->name, option->name, expects(option->type), value);
	if (!in_bounds(option, number))
		return riser__fail(error, -EINVAL,
				   "%s: option '%s': %s is out of bounds (%" PRIu64
				   " to %" PRIu64 ")",
				   dev->desc->name, option->name, value, option->min,
				   option->max ? option->max : (uint64_t)UINT32_MAX);
	if (option->type == RISER_OPTION_U32)
		memcpy(at, &(uint32_t){ (uint32_t)number }, 4);
	else
		memcpy(at, &number, 8);
	return 0;
}

static int set(struct riser_dev *dev, const struct riser_option *option, const char *value,
	       struct riser_error *error)
{
	void *at = (char *)dev->state + option->at;
	const char *kept;
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
		if (keep_string(dev, value, &kept))
			return riser__fail(error, -ENOMEM, "%s: no memory for its options",
					   dev->desc->name);
		memcpy(at, &kept, sizeof(kept));
		return 0;
	default:
		return set_number(dev, option, value, error);
	}
}

static const struct riser_option *find(const struct riser_dev *dev, const char *name)
{
	const struct riser_option *option = dev->desc->options.base;

	for (uint32_t i = 0; i < dev->desc->options.count; i++) {
		if (!strcmp(option[i].name, name))
			return &option[i];
	}
	return NULL;
}

static int unknown(struct riser_dev *dev, const char *name, struct riser_error *error)
{
	const struct riser_option *option = dev->desc->options.base;
	char known[256] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < dev->desc->options.count && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s, ",
					 option[i].name);
	return riser__fail(error, -EINVAL, "%s: unknown option '%s'; it takes: %s%s",
			   dev->desc->name, name, known, rom_option);
}

static int apply(struct riser_dev *dev, char *name, uint64_t *given, struct riser_error *error)
{
	char *value = strchr(name, '=');
	const struct riser_option *option;
	ptrdiff_t n;

	if (value)
		*value++ = '\0';
	if (value && !strcmp(name, rom_option))
		return keep_string(dev, value, &dev->romfile);
	option = find(dev, name);
	if (!option)
		return unknown(dev, name, error);
	if (!value && option->type != RISER_OPTION_BOOL)
		return riser__fail(error, -EINVAL, "%s: option '%s' needs a value: %s=…",
				   dev->desc->name, name, name);
	n = option - (const struct riser_option *)dev->desc->options.base;
	if (n < 64)
		*given |= UINT64_C(1) << n;
	return set(dev, option, value ? value : "on", error);
}

/* Cuts the next "name=value" out of *text, in place, undoing doubled commas. */
static char *next_option(char **text)
{
	char *start = *text, *to = start, *from = start;

	if (!*start)
		return NULL;
	for (; *from; from++) {
		if (*from == ',' && *++from != ',')
			break;
		*to++ = *from;
	}
	*text = from;
	*to = '\0';
	return start;
}

static int apply_all(struct riser_dev *dev, char *text, uint64_t *given,
		     struct riser_error *error)
{
	char *option;
	int ret = 0;

	while (!ret && (option = next_option(&text)))
		ret = apply(dev, option, given, error);
	return ret;
}

static int set_defaults(struct riser_dev *dev, struct riser_error *error)
{
	const struct riser_option *option = dev->desc->options.base;
	int ret = 0;

	for (uint32_t i = 0; i < dev->desc->options.count && !ret; i++) {
		if (option[i].value)
			ret = set(dev, &option[i], option[i].value, error);
	}
	return ret;
}

static int check_required(struct riser_dev *dev, uint64_t given, struct riser_error *error)
{
	const struct riser_option *option = dev->desc->options.base;

	for (uint32_t i = 0; i < dev->desc->options.count && i < 64; i++) {
		if (option[i].required && !(given >> i & 1))
			return riser__fail(
				error, -EINVAL, "%s: option '%s' is required: %s,%s=… (%s)",
				dev->desc->name, option[i].name, dev->desc->name,
				option[i].name, option[i].help ? option[i].help : "");
	}
	return 0;
}

int riser__options_parse(struct riser_dev *dev, const char *text, struct riser_error *error)
{
	char *copy = strdup(text ? text : "");
	uint64_t given = 0;
	int ret;

	if (!copy)
		return riser__fail(error, -ENOMEM, "%s: no memory for its options",
				   dev->desc->name);
	ret = set_defaults(dev, error);
	if (!ret)
		ret = apply_all(dev, copy, &given, error);
	if (!ret)
		ret = check_required(dev, given, error);
	free(copy);
	return ret;
}

void riser__options_free(struct riser_dev *dev)
{
	for (char **s = dev->strings; s && *s; s++)
		free(*s);
	free(dev->strings);
	dev->strings = NULL;
}
