/* SPDX-License-Identifier: MIT */
/* Devices that are programs of their own (riser_serve_main), in whatever language. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Puts `first` before what the environment has. */
static void put_first(const char *variable, const char *first)
{
	const char *rest = getenv(variable);
	char *value = text("%s%s%s", first, rest && *rest ? ":" : "", rest ? rest : "");

	setenv(variable, value, 1);
	free(value);
}

void device_become(const struct device_spec *spec, const char *const *more)
{
	const char *words[3 + DEVICE_WORDS_MAX + 1], **to = words;

	/* With the library and the modules that this riser has; no modules are written. */
	put_first("LD_LIBRARY_PATH", place_of_library());
	put_first("PYTHONPATH", place_of_python());
	setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
	if (spec->interpreter)
		*to++ = spec->interpreter;
	*to++ = spec->program;
	if (spec->options)
		*to++ = spec->options;
	while (*more && to < words + 3 + DEVICE_WORDS_MAX)
		*to++ = *more++;
	*to = NULL;
	execv(words[0], (char *const *)words);
	complain("cannot run %s: %m", spec->program);
}

char **device_command(const struct device_spec *spec, const char *socket, bool sandbox)
{
	char **words = calloc(7, sizeof(*words)), **to = words;

	if (!words)
		abort();
	*to++ = text("%s", place_of_self());
	*to++ = text("serve");
	*to++ = options_join(spec->program ? spec->program : spec->model, spec->options);
	if (!sandbox)
		*to++ = text("--no-sandbox");
	if (socket)
		*to++ = text("--socket");
	if (socket)
		*to++ = text("%s", socket);
	return words;
}

void words_free(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}
