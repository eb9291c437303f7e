/* SPDX-License-Identifier: MIT */
/*
 * Where things are: beside the program in the folder where both were built, or installed, as
 * far from the program as they were configured to be, wherever that is.
 */
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

/*
 * The prefix that the program lies below, which DESTDIR or a later move make another one than
 * that of the build; empty if it lies nowhere like it.
 */
static const char *place_prefix(void)
{
	static const char built[] = RISER_BIN_DIR "/riser";
	static char prefix[PATH_MAX];
	const char *self = place_of_self(), *tail = built + strlen(RISER_PREFIX);
	size_t length = strlen(self), below = strlen(tail);

	if (!*prefix && !strncmp(built, RISER_PREFIX, strlen(RISER_PREFIX)) && length > below &&
	    !strcmp(self + length - below, tail))
		memcpy(prefix, self, length - below);
	return prefix;
}

/* An installed place: what is configured to be below the prefix is below the one there is. */
static char *place_installed(const char *path)
{
	size_t length = strlen(RISER_PREFIX);
	const char *prefix = place_prefix();

	if (!*prefix || strncmp(path, RISER_PREFIX "/", length + 1) != 0)
		return text("%s", path);
	return text("%s%s", prefix, path + length);
}

enum place {
	PLACE_DATA,
	PLACE_TOOLS,
	PLACE_MODELS,
	PLACE_DEVICES,
	PLACE_LIBRARY,
	PLACE_PACKAGE,
	PLACE_PYTHON
};

static const char *place_find(enum place place)
{
	static struct {
		const char *built, *installed;
		char *found;
	} places[] = {
		[PLACE_DATA] = { RISER_SOURCE_DIR, RISER_DATA_DIR, NULL },
		[PLACE_TOOLS] = { RISER_SOURCE_DIR "/tools", RISER_DATA_DIR "/tools", NULL },
		[PLACE_MODELS] = { RISER_BUILD_DIR "/devices", RISER_MODEL_DIR, NULL },
		[PLACE_DEVICES] = { RISER_SOURCE_DIR "/devices", RISER_DATA_DIR "/devices",
				    NULL },
		[PLACE_LIBRARY] = { RISER_BUILD_DIR, RISER_LIBRARY_DIR, NULL },
		[PLACE_PACKAGE] = { RISER_BUILD_DIR "/meson-uninstalled",
				    RISER_LIBRARY_DIR "/pkgconfig", NULL },
		[PLACE_PYTHON] = { RISER_SOURCE_DIR "/python", RISER_PYTHON_DIR, NULL },
	};

	if (!places[place].found)
		places[place].found = in_build_tree()
					      ? text("%s", places[place].built)
					      : place_installed(places[place].installed);
	return places[place].found;
}

const char *place_of_data(void)
{
	return place_find(PLACE_DATA);
}

const char *place_of_tools(void)
{
	return place_find(PLACE_TOOLS);
}

const char *place_of_models(void)
{
	return place_find(PLACE_MODELS);
}

const char *place_of_devices(void)
{
	return place_find(PLACE_DEVICES);
}

const char *place_of_library(void)
{
	return place_find(PLACE_LIBRARY);
}

const char *place_of_package(void)
{
	return place_find(PLACE_PACKAGE);
}

const char *place_of_python(void)
{
	return place_find(PLACE_PYTHON);
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
