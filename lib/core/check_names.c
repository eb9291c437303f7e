/* SPDX-License-Identifier: MIT */
/* What all tables of a descriptor have in common: names, and places in the state. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"

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

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int riser__check_unique(const struct riser__check *c, const char *what,
			struct riser__rows table)
{
	const char **names = calloc(table.count + 1u, sizeof(*names));
	int ret = 0;

	if (!names)
		return riser__fail(c->error, -ENOMEM, "%s: no memory", c->desc->name);
	for (uint32_t i = 0; i < table.count; i++)
		names[i] = *(const char *const *)((const char *)table.base +
						  (size_t)i * table.stride);
	if (table.count)
		qsort(names, table.count, sizeof(*names), by_text);
	for (uint32_t i = 1; i < table.count && !ret; i++) {
		if (!strcmp(names[i - 1], names[i]))
			ret = refuse(c, "%s: two %s%s are named '%s'", c->desc->name, what,
				     c->where, names[i]);
	}
	for (uint32_t i = 0; i < table.count && !ret; i++) {
		if (strlen(names[i]) > RISER__NAME_MAX)
			ret = refuse(c, "%s: the name '%.20s...' has more than %d characters",
				     c->desc->name, names[i], RISER__NAME_MAX);
	}
	free(names);
	return ret;
}
