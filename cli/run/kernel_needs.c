/* SPDX-License-Identifier: MIT */
/*
 * What the guest and the devices' tests need of the kernel, by the names of its options: read
 * from files called `needs`, and compared with the kernel's configuration before it is booted.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"

/* What is lacking, put together in words. */
struct needs {
	char *config; /* the configuration's text */
	FILE *words;
	unsigned count;
};

/* The whole of a file, malloc'ed; NULL: it cannot be read. */
static char *needs_read(const char *path)
{
	FILE *file = fopen(path, "re"), *to;
	char *content = NULL, block[4096];
	size_t size, n;

	if (!file)
		return NULL;
	to = open_memstream(&content, &size);
	while (to && (n = fread(block, 1, sizeof(block), file)))
		fwrite(block, 1, n, to);
	if (to)
		fclose(to);
	fclose(file);
	return content;
}

/* Whether the configuration has `option`=y, or =m where a module will do. */
static bool needs_met(const char *config, const char *option, bool built_in)
{
	size_t length = strlen(option);

	for (const char *at = config; (at = strstr(at, option)); at += length) {
		if ((at == config || at[-1] == '\n') && at[length] == '=' &&
		    (at[length + 1] == 'y' || (at[length + 1] == 'm' && !built_in)))
			return true;
	}
	return false;
}

/* A line: an option, "=y" where it has to be built in, and why; "#" begins a comment. */
static void needs_line(struct needs *needs, char *line, const char *who)
{
	char *option = strtok(line, " \t\n"), *why = strtok(NULL, "\n"), *equals;

	if (!option || *option == '#')
		return;
	equals = strchr(option, '=');
	if (equals)
		*equals = '\0';
	if (needs_met(needs->config, option, equals))
		return;
	while (why && isspace((unsigned char)*why))
		why++;
	fprintf(needs->words, "%s%s (%s%s%s)", needs->count++ ? ", " : "", option, who,
		why && *why ? ": " : "", why ? why : "");
}

static void needs_file(struct needs *needs, const char *path, const char *who)
{
	FILE *file = fopen(path, "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		needs_line(needs, line, who);
	if (file)
		fclose(file);
}

static void needs_of_device(struct needs *needs, const struct device_spec *device, bool tests)
{
	char *kbuild = text("%s/driver/Kbuild", device->folder);
	char *list = text("%s/guest/needs", device->folder), modules[] = "CONFIG_MODULES";
	FILE *driver = fopen(kbuild, "re");

	if (driver) {
		needs_line(needs, modules, device->name);
		fclose(driver);
	}
	if (tests)
		needs_file(needs, list, device->name);
	free(kbuild);
	free(list);
}

bool kernel_check_needs(const struct run_options *options,
			const struct guest_software *software)
{
	const char *source = software->config;
	struct needs needs = { .config = source ? needs_read(source) : NULL };
	char *common = text("%s/guest/needs", place_of_data()), *words = NULL;
	size_t size;

	/* Without a file the kernel itself may know. */
	if (!needs.config) {
		source = software->kernel;
		needs.config = kernel_ikconfig(source);
	}
	if (needs.config)
		needs.words = open_memstream(&words, &size);
	if (needs.words) {
		needs_file(&needs, common, "every guest");
		for (unsigned i = 0; i < options->device_count; i++) {
			if (options->devices[i].folder && device_is_first(options, i))
				needs_of_device(&needs, &options->devices[i],
						!options->no_tests);
		}
		fclose(needs.words);
	}
	if (needs.count)
		complain("kernel %s is configured without %s; it is %s that says so",
			 software->release, words, source);
	free(words);
	free(common);
	free(needs.config);
	return !needs.count;
}
