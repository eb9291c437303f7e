/* SPDX-License-Identifier: MIT */
/* Numbers and times in a script. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "poke/poke.h"

bool poke_number(const char *word, uint64_t *value, char why[256])
{
	const char *rest;

	if (number_parse(word, value, NULL))
		return true;
	if (!number_parse(word, value, &rest) && *value)
		snprintf(why, 256, "%s does not fit 64 bits", word);
	else
		snprintf(why, 256, "'%s' is no number", word);
	return false;
}

bool poke_count(const char *word, unsigned *value, char why[256])
{
	uint64_t number;

	if (!poke_number(word, &number, why))
		return false;
	*value = (unsigned)number;
	if (number <= INT_MAX)
		return true;
	snprintf(why, 256, "%s is too large: there are never more than a few thousand vectors",
		 word);
	return false;
}

bool poke_value(const char *word, unsigned size, uint64_t *value, char why[256])
{
	if (!poke_number(word, value, why))
		return false;
	if (size >= sizeof(*value) || !(*value >> size * CHAR_BIT))
		return true;
	snprintf(why, 256, "%s does not fit %u byte%s", word, size, size == 1 ? "" : "s");
	return false;
}

bool poke_time(const char *word, uint64_t *ns, char why[256])
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	const char *unit = "";
	bool ok = number_parse(word, ns, &unit);

	for (size_t i = 0; ok && i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(unit, units[i].unit) != 0)
			continue;
		if (!__builtin_mul_overflow(*ns, units[i].ns, ns))
			return true;
		snprintf(why, 256, "%s is too long: times are up to 2^64 ns, 584 years", word);
		return false;
	}
	snprintf(why, 256, "'%s' is no time such as 5ms or 2s", word);
	return false;
}
