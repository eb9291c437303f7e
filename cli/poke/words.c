/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poke/poke.h"
#include "registers.h"

static bool refuse(char why[256], const char *format, const char *word)
{
	snprintf(why, 256, format, word);
	return false;
}

bool poke_number(const char *word, uint64_t *value, char why[256])
{
	char *end;

	errno = 0;
	*value = strtoull(word, &end, 0);
	if (!isdigit((unsigned char)*word) || *end || errno)
		return refuse(why, "'%s' is no number", word);
	return true;
}

bool poke_time(const char *word, uint64_t *ns, char why[256])
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	char *end;

	errno = 0;
	*ns = strtoull(word, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (isdigit((unsigned char)*word) && !errno && !strcmp(end, units[i].unit) &&
		    !__builtin_mul_overflow(*ns, units[i].ns, ns))
			return true;
	}
	return refuse(why, "'%s' is no time such as 5ms or 2s", word);
}

/* "NAME" or "NAME[n]"; false if the map has no such register. */
static bool find_register(struct session *session, const char *word, struct poke_target *target)
{
	const struct riser_bar *bar = session->pci ? session->pci->bars.base : NULL;
	size_t length = strcspn(word, "[");
	unsigned long element = 0;

	if (word[length]) {
		char *end;

		element = strtoul(word + length + 1, &end, 0);
		if (strcmp(end, "]"))
			return false;
	}
	for (uint32_t b = 0; bar && b < session->pci->bars.count; b++) {
		const struct riser_reg *reg = bar[b].regs.base;

		for (uint32_t i = 0; i < bar[b].regs.count; i++) {
			if (strlen(reg[i].name) != length ||
			    strncmp(reg[i].name, word, length) ||
			    element >= register_count(&reg[i]))
				continue;
			*target = (struct poke_target){
				.space = POKE_BAR,
				.bar = bar[b].index,
				.offset = reg[i].offset + element * register_stride(&reg[i]),
				.size = reg[i].width,
			};
			return true;
		}
	}
	return false;
}

/* Which space a word like "bar0" names. */
static bool find_space(const char *word, size_t length, struct poke_target *target)
{
	if (length == 6 && !strncmp(word, "config", length)) {
		target->space = POKE_CONFIG;
		return true;
	}
	if (length == 3 && !strncmp(word, "mem", length)) {
		target->space = POKE_MEMORY;
		return true;
	}
	if (length != 4 || strncmp(word, "bar", 3) != 0)
		return false;
	target->space = POKE_BAR;
	target->bar = (unsigned)(word[3] - '0');
	return target->bar < 6;
}

bool poke_target(struct session *session, const char *word, struct poke_target *target,
		 char why[256])
{
	const char *plus = strchr(word, '+');

	*target = (struct poke_target){ .size = 4 };
	if (!plus)
		return find_register(session, word, target) ||
		       refuse(why,
			      "there is no register '%s'; say its name, bar0+0x10, config+4 or "
			      "mem+0",
			      word);
	if (!find_space(word, (size_t)(plus - word), target))
		return refuse(why, "'%s' names no place: take bar0+…, config+… or mem+…", word);
	return poke_number(plus + 1, &target->offset, why);
}
