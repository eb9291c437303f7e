/* SPDX-License-Identifier: MIT */
/* Which of the devices' guest tests are run, and what they are told of the devices' options. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/run.h"

/* Whether `name` is in the guest folder of a device: a program, or the source of one. */
static bool has_test(const struct device_spec *device, const char *name)
{
	char *program = text("%s/guest/%s", device->folder, name);
	char *source = text("%s.c", program);
	bool found = !access(program, R_OK) || !access(source, R_OK);

	free(program);
	free(source);
	return found;
}

bool guest_test_name_ok(const char *name)
{
	return *name &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-.")] &&
	       *name != '.';
}

bool guest_test_check(const struct run_options *options)
{
	const char *name = options->test;

	if (!name)
		return true;
	for (unsigned i = 0; i < options->device_count; i++) {
		if (options->devices[i].folder && has_test(&options->devices[i], name))
			return true;
	}
	complain("no device has a guest test '%s': it is the name of a program, or of its "
		 "source "
		 "without .c, in the folder guest/ of a device",
		 name);
	return false;
}

const char *guest_mode(const struct run_options *options)
{
	return options->shell ? "shell" : options->no_tests ? "none" : "test";
}

/* 'word', for a shell; each quote in it is told by itself. */
static void put_quoted(FILE *to, const char *word)
{
	fputc('\'', to);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", to);
		else
			fputc(*word, to);
	}
	fputs("'\n", to);
}

/* "name=value" or "name" as RISER_OPTION_NAME; a switch that is named alone is on. */
static void put_option(FILE *to, char *option)
{
	char *value = strchr(option, '=');

	if (value)
		*value++ = '\0';
	fputs("export RISER_OPTION_", to);
	for (const char *p = option; *p; p++)
		fputc(isalnum((unsigned char)*p) ? toupper((unsigned char)*p) : '_', to);
	fputc('=', to);
	put_quoted(to, value ? value : "on");
}

char *guest_environment(const struct run_options *options, unsigned i)
{
	const struct device_spec *device = &options->devices[i];
	char *copy = text("%s", device->options ? device->options : ""), *rest = copy;
	char *made = NULL, *all = text("%s", copy), *option;
	size_t size;
	FILE *to;

	for (unsigned j = i + 1; j < options->device_count; j++) {
		const struct device_spec *other = &options->devices[j];
		char *longer;

		if (strcmp(other->name, device->name) != 0)
			continue;
		longer = text("%s\n%s", all, other->options ? other->options : "");
		free(all);
		all = longer;
	}
	to = open_memstream(&made, &size);
	if (!to)
		abort();
	fprintf(to,
		"export RISER_COUNT=%u\nexport RISER_DEVICE=", device_instances(options, i));
	put_quoted(to, device->name);
	fputs("export RISER_OPTIONS=", to);
	put_quoted(to, all);
	while ((option = options_next(&rest))) {
		if (*option)
			put_option(to, option);
	}
	fclose(to);
	free(all);
	free(copy);
	return made;
}
