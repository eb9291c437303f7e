/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "config.h"

const char *place_of_self(void)
{
	static char path[PATH_MAX];

	if (!*path) {
		ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

		path[n > 0 ? n : 0] = '\0';
	}
	return path;
}

/* Whether this is the program in the folder where it was built. */
static bool in_build_tree(void)
{
	char built[PATH_MAX];

	return realpath(RISER_BUILD_DIR "/riser", built) && !strcmp(built, place_of_self());
}

const char *place_of_data(void)
{
	return in_build_tree() ? RISER_SOURCE_DIR : RISER_DATA_DIR;
}

const char *place_of_tools(void)
{
	return in_build_tree() ? RISER_SOURCE_DIR "/tools" : RISER_DATA_DIR "/tools";
}

char *place_of_cache(void)
{
	const char *cache = getenv("RISER_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (cache)
		return text("%s", cache);
	if (xdg)
		return text("%s/riser", xdg);
	return text("%s/.cache/riser", home ? home : "/root");
}

const char *place_of_models(void)
{
	return in_build_tree() ? RISER_BUILD_DIR "/devices" : RISER_MODEL_DIR;
}

const char *place_of_library(void)
{
	return in_build_tree() ? RISER_BUILD_DIR : RISER_LIBRARY_DIR;
}

const char *place_of_python(void)
{
	return in_build_tree() ? RISER_SOURCE_DIR "/python" : RISER_PYTHON_DIR;
}

const char *place_of_devices(void)
{
	return in_build_tree() ? RISER_SOURCE_DIR "/devices" : RISER_DATA_DIR "/devices";
}
