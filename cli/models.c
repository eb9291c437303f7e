/* SPDX-License-Identifier: MIT */
/* Finding device models: by name in the known places, by the path of a .so, by a folder. */
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static void each_in(const char *place, void (*each)(const char *path, void *arg), void *arg)
{
	char *pattern;
	glob_t found;

	if (!is_folder(place)) {
		each(place, arg);
		return;
	}
	pattern = text("%s/*.so", place);
	if (!glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			each(found.gl_pathv[i], arg);
		globfree(&found);
	}
	free(pattern);
}

void models_each(void (*each)(const char *path, void *arg), void *arg)
{
	const char *more = getenv("RISER_PATH");
	char *list = more ? text("%s", more) : NULL, *rest = list, *place;

	while (rest && (place = strsep(&rest, ":"))) {
		if (*place)
			each_in(place, each, arg);
	}
	free(list);
	each_in(place_of_models(), each, arg);
}

struct search {
	const char *name;
	char *found;
	const char *known[64]; /* names, for the complaint */
	size_t count;
};

static char *name_of(const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *dot = strstr(base, ".so");

	return text("%.*s", dot ? (int)(dot - base) : (int)strlen(base), base);
}

static void compare(const char *path, void *arg)
{
	struct search *search = arg;
	char *name = name_of(path);

	if (!search->found && !strcmp(name, search->name))
		search->found = text("%s", path);
	if (search->count < sizeof(search->known) / sizeof(*search->known) - 1)
		search->known[search->count++] = name;
	else
		free(name);
}

/* The model of that name; complains if there is none and `complaining`. */
static char *find_by_name(const char *name, bool complaining)
{
	struct search search = { .name = name };
	const char *meant;

	models_each(compare, &search);
	meant = search.found ? NULL : nearest(name, search.known);
	if (!search.found && complaining)
		complain("unknown device '%s'%s%s%s; 'riser list' shows those there are", name,
			 meant ? ": did you mean '" : "", meant ? meant : "",
			 meant ? "'?" : "");
	for (size_t i = 0; i < search.count; i++)
		free((char *)search.known[i]);
	return search.found;
}

/* Runs a shell's words in `folder`; what they print is shown only if they fail. */
static bool run_quietly(const char *folder, const char *words)
{
	char *line = text("cd \"$RISER_FOLDER\" && { %s; } 2>&1", words), *said = NULL;
	char block[4096];
	size_t size, n;
	FILE *from, *to = open_memstream(&said, &size);
	bool ok = to && !setenv("RISER_FOLDER", folder, 1) && (from = popen(line, "re"));

	while (ok && (n = fread(block, 1, sizeof(block), from)))
		fwrite(block, 1, n, to);
	ok = ok && !pclose(from);
	if (to)
		fclose(to);
	if (!ok && said)
		fputs(said, stderr);
	unsetenv("RISER_FOLDER");
	free(said);
	free(line);
	return ok;
}

/* A folder as `riser new` makes it: its meson.build makes NAME.so in its build folder. */
static char *build_folder(const char *folder, const char *name)
{
	char *meson = text("%s/meson.build", folder), *model = NULL;

	if (access(meson, R_OK)) {
		complain("folder '%s' holds no meson.build: it is no device's; name a .so, or "
			 "see 'riser new'",
			 folder);
	} else if (!run_quietly(folder, "[ -e build/build.ninja ] || meson setup build && "
					"ninja -C build")) {
		complain("device '%s' does not build: the compiler's words are above", name);
	} else {
		model = text("%s/build/%s.so", folder, name);
	}
	free(meson);
	return model;
}

/* The folder with driver and guest test that belongs to a shipped model. */
static char *folder_of(const char *name)
{
	char *folder = text("%s/%s", place_of_devices(), name);

	if (is_folder(folder))
		return folder;
	free(folder);
	return NULL;
}

static bool find_path(const char *path, struct device_spec *spec)
{
	char real[PATH_MAX];

	if (!realpath(path, real)) {
		complain("there is no device model at '%s'", path);
		return false;
	}
	spec->name = name_of(real);
	if (is_folder(real)) {
		spec->folder = text("%s", real);
		spec->model = build_folder(real, spec->name);
	} else {
		spec->model = text("%s", real);
		spec->folder = folder_of(spec->name);
	}
	return spec->model;
}

bool device_find(const char *argument, struct device_spec *spec)
{
	char *copy = text("%s", argument), *comma = strchr(copy, ',');
	bool found;

	*spec = (struct device_spec){ 0 };
	if (comma) {
		*comma = '\0';
		spec->options = strchr(argument, ',') + 1;
	}
	if (!strchr(copy, '/'))
		spec->model = find_by_name(copy, !is_folder(copy));
	if (spec->model) {
		spec->name = text("%s", copy);
		spec->folder = folder_of(copy);
	}
	found = spec->model ||
		((strchr(copy, '/') || is_folder(copy)) && find_path(copy, spec));
	free(copy);
	if (!found)
		device_forget(spec);
	return found;
}

void device_forget(struct device_spec *spec)
{
	free(spec->model);
	free(spec->folder);
	free(spec->name);
	*spec = (struct device_spec){ 0 };
}
