/* SPDX-License-Identifier: MIT */
/* Places in a script: registers by their names, and the spaces that an offset is in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poke/poke.h"
#include "registers.h"

enum { ROM = 6 }; /* as riser_host_read() counts */

struct place_search {
	const char *name;
	size_t length;
	const struct riser_reg *found;
	unsigned bar;
};

static const struct riser_bar *place_bars(const struct session *session, uint32_t *count)
{
	*count = session->pci ? session->pci->bars.count : 0;
	return *count ? session->pci->bars.base : NULL;
}

static bool place_find(const struct session *session, struct place_search *search)
{
	uint32_t count;
	const struct riser_bar *bar = place_bars(session, &count);

	for (uint32_t b = 0; b < count; b++) {
		riser_each(reg, &bar[b].regs) {
			if (strlen(reg->name) != search->length ||
			    strncmp(reg->name, search->name, search->length) != 0)
				continue;
			search->found = reg;
			search->bar = bar[b].index;
			return true;
		}
	}
	return false;
}

/* The names of all registers, up to a NULL; the array is malloc'ed. */
static const char **place_names(const struct session *session)
{
	uint32_t bar_count;
	const struct riser_bar *bar = place_bars(session, &bar_count);
	const char **names;
	size_t count = 0;

	for (uint32_t b = 0; b < bar_count; b++)
		count += bar[b].regs.count;
	names = calloc(count + 1, sizeof(*names));
	if (!names)
		abort();
	count = 0;
	for (uint32_t b = 0; b < bar_count; b++) {
		riser_each(reg, &bar[b].regs)
			names[count++] = reg->name;
	}
	return names;
}

static bool place_refuse(const struct session *session, const struct place_search *search,
			 char why[256])
{
	const char **names = place_names(session), *meant;
	char *name = text("%.*s", (int)search->length, search->name);

	meant = nearest(name, names);
	if (!session->pci)
		snprintf(why, 256,
			 "no model of this device is known, so '%s' names nothing; say "
			 "bar0+0x10, "
			 "rom+0, config+4 or mem+0",
			 name);
	else if (meant)
		snprintf(why, 256, "there is no register '%s': did you mean '%s'?", name,
			 meant);
	else
		snprintf(why, 256,
			 "there is no register '%s'; say its name, bar0+0x10, rom+0, config+4 "
			 "or "
			 "mem+0",
			 name);
	free(name);
	free(names);
	return false;
}

/* What stands behind the name: nothing, or [n]. */
static bool place_element(const struct place_search *search, uint64_t *element, char why[256])
{
	uint32_t count = search->found->count;
	const char *index = search->name + search->length, *rest = index;

	*element = 0;
	if (!*index)
		return true;
	if (number_parse(index + 1, element, &rest) && !strcmp(rest, "]") && *element < count)
		return true;
	if (count == 1)
		snprintf(why, 256, "'%s': register '%s' is no array", search->name,
			 search->found->name);
	else
		snprintf(why, 256, "'%s': register '%s' is an array of %u: %s[0] to %s[%u]",
			 search->name, search->found->name, count, search->found->name,
			 search->found->name, count - 1);
	return false;
}

static bool place_register(struct session *session, const char *word,
			   struct poke_target *target, char why[256])
{
	struct place_search search = { .name = word, .length = strcspn(word, "[") };
	uint64_t element;

	if (!place_find(session, &search))
		return place_refuse(session, &search, why);
	if (!place_element(&search, &element, why))
		return false;
	*target = (struct poke_target){
		.space = POKE_BAR,
		.bar = search.bar,
		.offset = search.found->offset + element * search.found->stride,
		.size = search.found->width,
	};
	return true;
}

/* Which space a word like "bar0" names. */
static bool place_space(const char *word, size_t length, struct poke_target *target)
{
	static const struct {
		const char *name;
		enum poke_space space;
		unsigned bar;
	} spaces[] = {
		{ "config", POKE_CONFIG, 0 }, { "mem", POKE_MEMORY, 0 },
		{ "rom", POKE_BAR, ROM },     { "bar0", POKE_BAR, 0 },
		{ "bar1", POKE_BAR, 1 },      { "bar2", POKE_BAR, 2 },
		{ "bar3", POKE_BAR, 3 },      { "bar4", POKE_BAR, 4 },
		{ "bar5", POKE_BAR, 5 },
	};

	for (size_t i = 0; i < sizeof(spaces) / sizeof(*spaces); i++) {
		if (strlen(spaces[i].name) != length ||
		    strncmp(spaces[i].name, word, length) != 0)
			continue;
		target->space = spaces[i].space;
		target->bar = spaces[i].bar;
		return true;
	}
	return false;
}

bool poke_target(struct session *session, const char *word, struct poke_target *target,
		 char why[256])
{
	const char *plus = strchr(word, '+');

	*target = (struct poke_target){ .size = 4 };
	if (!plus)
		return place_register(session, word, target, why);
	if (place_space(word, (size_t)(plus - word), target))
		return poke_number(plus + 1, &target->offset, why);
	snprintf(why, 256, "'%s' names no place: take bar0+…, rom+…, config+… or mem+…", word);
	return false;
}
