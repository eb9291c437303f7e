/* SPDX-License-Identifier: MIT */
/* What a device needs to be loaded: the system's libraries, its own code, its interpreter. */
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/inside.h"

enum {
	FOLDER = GRANT_READ | GRANT_LIST | GRANT_BENEATH,
	CODE = GRANT_READ | GRANT_BENEATH | GRANT_CODE,
	MODULES = CODE | GRANT_LIST, /* Python looks at what there is */
	PROGRAM = GRANT_READ | GRANT_RUN,
	BOTH = GRANT_READ | GRANT_WRITE,
};

static const struct {
	const char *path;
	unsigned flags;
} system_paths[] = {
	{ "/lib", FOLDER },
	{ "/lib64", FOLDER },
	{ "/usr/lib", FOLDER },
	{ "/usr/lib64", FOLDER },
	{ "/usr/local/lib", FOLDER },
	{ "/usr/share/locale", FOLDER },
	{ "/usr/share/zoneinfo", FOLDER },
	{ "/etc/ld.so.cache", GRANT_READ },
	{ "/etc/ld.so.preload", GRANT_READ },
	{ "/etc/localtime", GRANT_READ },
	{ "/etc/locale.alias", GRANT_READ },
	{ "/dev/null", BOTH },
	{ "/dev/zero", BOTH },
	{ "/dev/full", BOTH },
	{ "/dev/random", GRANT_READ },
	{ "/dev/urandom", GRANT_READ },
	{ "/proc/cpuinfo", GRANT_READ },
	{ "/proc/meminfo", GRANT_READ },
	{ "/proc/stat", GRANT_READ },
	{ "/proc/sys/vm/overcommit_memory", GRANT_READ }, /* malloc(), giving memory back */
	{ "/proc/sys/vm/max_map_count", GRANT_READ },	  /* how many mappings to take */
	{ "/sys/devices/system/cpu", FOLDER },
	{ "/sys/fs/cgroup", GRANT_READ | GRANT_BENEATH },
};

/* What it was started with is there for it to be opened again, as far as it is open now. */
static void add_stdio(struct sandbox *sandbox)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = fcntl(fd, F_GETFL), mode = flags & O_ACCMODE;
		char link[32];

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (flags >= 0)
			grant_add(sandbox, link,
				  (mode != O_WRONLY ? GRANT_READ : 0u) |
					  (mode != O_RDONLY ? GRANT_WRITE : 0u));
	}
}

static void add_matches(struct sandbox *sandbox, const char *pattern, unsigned flags)
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		grant_add(sandbox, found.gl_pathv[i], flags);
	globfree(&found);
}

/* Each folder of a list as in PATH. */
static void add_list(struct sandbox *sandbox, const char *variable, unsigned flags)
{
	const char *value = getenv(variable);
	char *list = text("%s", value ? value : ""), *rest = list, *folder;

	while ((folder = strsep(&rest, ":"))) {
		if (*folder)
			grant_add(sandbox, folder, flags);
	}
	free(list);
}

void policy_add_system(struct sandbox *sandbox)
{
	for (size_t i = 0; i < sizeof(system_paths) / sizeof(*system_paths); i++)
		grant_add(sandbox, system_paths[i].path, system_paths[i].flags);
	add_stdio(sandbox);
	add_list(sandbox, "LD_LIBRARY_PATH", CODE);
	grant_add(sandbox, place_of_library(), CODE);
}

static void add_folder_of(struct sandbox *sandbox, const char *file, unsigned flags)
{
	char *folder = text("%s", file), *slash = strrchr(folder, '/');

	if (slash && slash != folder) {
		*slash = '\0';
		grant_add(sandbox, folder, flags);
	}
	free(folder);
}

/* An interpreter at PLACE/bin/NAME has its modules in PLACE/lib; or PLACE is Python's venv. */
static void add_interpreter(struct sandbox *sandbox, const char *path)
{
	char *place = text("%s", path), *parts[] = { "lib", "lib64", "pyvenv.cfg" };

	grant_add(sandbox, path, PROGRAM);
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(place, '/');

		if (slash)
			*slash = '\0';
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && *place; i++) {
		char *part = text("%s/%s", place, parts[i]);

		grant_add(sandbox, part, FOLDER);
		free(part);
	}
	free(place);
}

/* As the path names it, and where that leads: a venv's is a link to the system's. */
static void add_interpreters(struct sandbox *sandbox, const char *path)
{
	char *real = realpath(path, NULL);

	add_interpreter(sandbox, path);
	if (real)
		add_interpreter(sandbox, real);
	free(real);
}

/* Of the words behind "#!", or of what these have env(1) find. */
static bool add_interpreter_of(struct sandbox *sandbox, const struct device_spec *spec)
{
	FILE *file = fopen(spec->program, "re");
	char line[256] = "", *rest = line + 2;
	bool is_script = file && fgets(line, sizeof(line), file) && !strncmp(line, "#!", 2);

	if (file)
		fclose(file);
	if (!is_script)
		return false;
	rest += strspn(rest, " \t");
	add_interpreters(sandbox,
			 spec->interpreter ? spec->interpreter : strsep(&rest, " \t\n"));
	return true;
}

static void add_program(struct sandbox *sandbox, const struct device_spec *spec)
{
	const char *home = getenv("HOME");
	char *mine = text("%s/.local/lib", home ? home : "");

	grant_add(sandbox, spec->program, PROGRAM);
	add_matches(sandbox, "/lib*/ld-linux*.so.*", PROGRAM);
	if (add_interpreter_of(sandbox, spec)) {
		add_list(sandbox, "PYTHONPATH", MODULES);
		grant_add(sandbox, place_of_python(), MODULES);
		add_folder_of(sandbox, spec->program, MODULES);
		add_matches(sandbox, "/etc/python3*", MODULES);
		grant_add(sandbox, "/etc/ssl/openssl.cnf", GRANT_READ);
		grant_add(sandbox, "/etc/ssl/certs", FOLDER);
		grant_add(sandbox, mine, MODULES);
	}
	free(mine);
}

void policy_add_device(struct sandbox *sandbox, const struct device_spec *spec)
{
	if (spec->program)
		add_program(sandbox, spec);
	else
		grant_add(sandbox, spec->model, GRANT_READ);
	add_folder_of(sandbox, spec->program ? spec->program : spec->model, CODE);
}
