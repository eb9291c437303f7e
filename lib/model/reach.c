/* SPDX-License-Identifier: MIT */
/* What a device's options let it reach. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/dev.h"
#include "core/model.h"

enum { WITHOUT_PATH = RISER_NETWORK | RISER_TERMINAL };

struct search {
	const struct riser_pci_device *desc;
	bool *given; /* for each option */
	riser_reach_fn *each;
	void *arg;
};

/* The path in a value of that form, "" where the form has none, or NULL: it is of another. */
static const char *fits(const char *form, const char *value)
{
	for (; *form; form++) {
		size_t word = *form == '*' ? strcspn(value, ":") : 1;

		if (*form == '@')
			return *value ? value : NULL;
		if (!word || (*form != '*' && *form != *value))
			return NULL;
		value += word;
	}
	return *value ? NULL : value;
}

static void look(const struct search *search, const struct riser_option *option,
		 const char *value, bool given)
{
	if (option->type == RISER_OPTION_PATH && given && *value)
		search->each(search->arg, RISER_READS | RISER_WRITES, value, NULL);
	riser_each(reach, &option->reaches) {
		const char *path = fits(reach->form, value);

		if (path && *path && given)
			search->each(search->arg, reach->flags, path, reach->suffix);
		else if (path && reach->flags & WITHOUT_PATH)
			search->each(search->arg, reach->flags & WITHOUT_PATH, NULL, NULL);
	}
}

static void look_at_given(const struct search *search, char *name)
{
	char *value = strchr(name, '=');

	if (!value)
		return;
	*value++ = '\0';
	if (!strcmp(name, "romfile") && *value)
		search->each(search->arg, RISER_READS, value, NULL);
	riser_each(option, &search->desc->options) {
		uint32_t i = riser_index(option, &search->desc->options);

		if (strcmp(name, option->name))
			continue;
		search->given[i] = true;
		look(search, option, value, true);
	}
}

int riser_model_reach(const struct riser_model *model, const char *options,
		      riser_reach_fn *each, void *arg)
{
	const struct riser_pci_device *desc = riser_model_pci(model);
	char *copy = strdup(options ? options : ""), *rest = copy, *next;
	struct search search = {
		.desc = desc,
		.given = calloc(desc->options.count + 1u, sizeof(bool)),
		.each = each,
		.arg = arg,
	};
	int ret = copy && search.given ? 0 : -ENOMEM;

	while (!ret && (next = riser__options_next(&rest)))
		look_at_given(&search, next);
	riser_each(option, &desc->options) {
		if (!ret && !search.given[riser_index(option, &desc->options)] && option->value)
			look(&search, option, option->value, false);
	}
	free(search.given);
	free(copy);
	return ret;
}
