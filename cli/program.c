/* SPDX-License-Identifier: MIT */
/* Devices that are programs of their own (riser_serve_main), in whatever language. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* "NAME=FIRST", and behind it what the environment has. */
static char *path_variable(const char *name, const char *first)
{
	const char *rest = getenv(name);

	return text("%s=%s%s%s", name, first, rest && *rest ? ":" : "", rest ? rest : "");
}

char **device_command(const struct device_spec *spec, const char *option, const char *value)
{
	char **words = calloc(10, sizeof(*words)), **to = words;

	if (!words)
		abort();
	if (spec->program) {
		/* With the library and the modules that this riser has. */
		*to++ = text("/usr/bin/env");
		*to++ = path_variable("LD_LIBRARY_PATH", place_of_library());
		*to++ = path_variable("PYTHONPATH", place_of_python());
		*to++ = text("%s", spec->program);
		if (spec->options)
			*to++ = text("%s", spec->options);
	} else {
		*to++ = text("%s", place_of_self());
		*to++ = text("serve");
		*to++ = text("%s%s%s", spec->model, spec->options ? "," : "",
			     spec->options ? spec->options : "");
	}
	if (option)
		*to++ = text("%s", option);
	if (value)
		*to++ = text("%s", value);
	return words;
}

void words_free(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}
