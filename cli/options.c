/* SPDX-License-Identifier: MIT */
/*
 * Words between commas, as devices and QEMU have them: "first,name=value,…". A comma in a word
 * is doubled. That of a device's argument is cut off at the first comma, doubled or not.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

char *options_behind(const char *argument, const char **options)
{
	size_t length = strcspn(argument, ",");

	*options = argument[length] ? argument + length + 1 : NULL;
	return text("%.*s", (int)length, argument);
}

char *options_join(const char *first, const char *options)
{
	return text("%s%s%s", first, options ? "," : "", options ? options : "");
}

char *options_next(char **rest)
{
	char *word = *rest, *from = word, *to = word;

	if (!word)
		return NULL;
	for (; *from && (*from != ',' || from[1] == ','); from++) {
		*to++ = *from;
		from += *from == ',';
	}
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return word;
}

char *options_quote(const char *word)
{
	char *quoted = malloc(2 * strlen(word) + 1), *to = quoted;

	if (!quoted)
		abort();
	for (; *word; word++) {
		*to++ = *word;
		if (*word == ',')
			*to++ = ',';
	}
	*to = '\0';
	return quoted;
}

char *option_path(char *option, const char *path)
{
	size_t size = strlen(option), length = strlen(path);
	char *at = option + size - length;

	if (!length || length >= size || strcmp(at, path) != 0)
		return NULL;
	return at[-1] == '=' || at[-1] == ':' ? at : NULL;
}
