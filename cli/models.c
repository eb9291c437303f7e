/* SPDX-License-Identifier: MIT */
/* Finding device models: by name in the known places, by the path of a .so, by a folder. */
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "process.h"

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
	const char *dot = strchr(base, '.');

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
	char *line = text("cd \"$RISER_FOLDER\" && { %s; }", words), *said;
	char *const shell[] = { (char *)"/bin/sh", (char *)"-c", line, NULL };
	struct process_config config = { .words = shell,
					 .streams = PROCESS_ALL,
					 .death_signal = SIGTERM };
	int status = 0;
	bool ok;

	setenv("RISER_FOLDER", folder, 1);
	said = process_ask(&config, 0, &status);
	ok = said && !status;
	if (!ok && said)
		fputs(said, stderr);
	unsetenv("RISER_FOLDER");
	free(said);
	free(line);
	return ok;
}

static bool holds(const char *folder, const char *file)
{
	char *path = text("%s/%s", folder, file);
	bool there = !access(path, R_OK);

	free(path);
	return there;
}

/* With the headers and the library that this riser has. */
#define WITH_MESON                                                                             \
	"export PKG_CONFIG_PATH=$RISER_PACKAGE${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}; "         \
	"[ -e build/build.ninja ] || meson setup build && ninja -C build"
#define WITH_CARGO                                                                             \
	"LIBRARY_PATH=$RISER_LIBRARY${LIBRARY_PATH:+:$LIBRARY_PATH} "                          \
	"cargo build --offline --quiet --target-dir target"

/*
 * A folder as `riser new` makes it: its meson.build makes NAME.so in its build folder. Or a
 * crate, whose Cargo.toml makes the program NAME.
 */
static bool build_folder(const char *folder, struct device_spec *spec)
{
	bool meson = holds(folder, "meson.build"),
	     cargo = !meson && holds(folder, "Cargo.toml");
	bool ok;

	if (!meson && !cargo) {
		complain("folder '%s' holds no meson.build and no Cargo.toml: it is no "
			 "device's; name a .so or a program, or see 'riser new'",
			 folder);
		return false;
	}
	setenv("RISER_LIBRARY", place_of_library(), 1);
	setenv("RISER_PACKAGE", place_of_package(), 1);
	ok = run_quietly(folder, meson ? WITH_MESON : WITH_CARGO);
	unsetenv("RISER_LIBRARY");
	unsetenv("RISER_PACKAGE");
	if (!ok)
		complain("device '%s' does not build: the compiler's words are above",
			 spec->name);
	else if (meson)
		spec->model = text("%s/build/%s.so", folder, spec->name);
	else
		spec->program = text("%s/target/debug/%s", folder, spec->name);
	return ok;
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

/*
 * The folder with the parts for the guest: the one it is in, if that is its own; or else the
 * shipped one of its name, since a device may be written twice.
 */
static char *folder_with_parts(const char *folder, const char *name)
{
	const char *slash = strrchr(folder, '/');

	if (slash && !strcmp(slash + 1, name) &&
	    (holds(folder, "driver") || holds(folder, "guest")))
		return text("%s", folder);
	return folder_of(name);
}

static bool find_file(char *path, struct device_spec *spec)
{
	char *slash = strrchr(path, '/');

	if (strstr(slash, ".so")) {
		spec->model = text("%s", path);
		spec->folder = folder_of(spec->name);
		return true;
	}
	if (access(path, X_OK)) {
		complain("'%s' is neither a model, a .so, nor a program that may be executed; "
			 "chmod +x makes it one",
			 path);
		return false;
	}
	spec->program = text("%s", path);
	spec->interpreter = interpreter_find(path);
	*slash = '\0';
	spec->folder = folder_with_parts(path, spec->name);
	*slash = '/';
	return true;
}

static bool find_path(const char *path, struct device_spec *spec)
{
	char real[PATH_MAX];

	if (!realpath(path, real)) {
		complain("there is no device model at '%s'", path);
		return false;
	}
	spec->name = name_of(real);
	if (!is_folder(real))
		return find_file(real, spec);
	spec->folder = folder_with_parts(real, spec->name);
	return build_folder(real, spec);
}

bool device_find(const char *argument, struct device_spec *spec)
{
	char *copy;
	bool found;

	*spec = (struct device_spec){ 0 };
	copy = options_behind(argument, &spec->options);
	if (!strchr(copy, '/'))
		spec->model = find_by_name(copy, access(copy, F_OK));
	if (spec->model) {
		spec->name = text("%s", copy);
		spec->folder = folder_of(copy);
	}
	found = spec->model ||
		((strchr(copy, '/') || !access(copy, F_OK)) && find_path(copy, spec));
	free(copy);
	if (!found)
		device_forget(spec);
	return found;
}

bool device_find_model(const char *argument, struct device_spec *spec)
{
	if (!device_find(argument, spec))
		return false;
	if (spec->model)
		return true;
	complain("'%s' is a program: have 'riser serve' serve it, and give this one --socket",
		 spec->program);
	device_forget(spec);
	return false;
}

void device_forget(struct device_spec *spec)
{
	free(spec->program);
	free(spec->interpreter);
	free(spec->model);
	free(spec->folder);
	free(spec->name);
	*spec = (struct device_spec){ 0 };
}
