/* SPDX-License-Identifier: MIT */
/*
 * Options for a device that is only looked at: what it would create, logs and sockets, is made
 * in a folder of this program's own, and goes with it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "look.h"

struct look {
	char *options;
	const char *folder;
	unsigned count;
};

/* A path as it stands in options: each comma doubled; malloc'ed. */
static char *look_encode(const char *path)
{
	char *made = text("%s%s", path, path), *to = made;

	for (; *path; path++) {
		*to++ = *path;
		if (*path == ',')
			*to++ = ',';
	}
	*to = '\0';
	return made;
}

/* Where a value of the options ends in `path`: behind its '=' or a ':'; or NULL. */
static char *look_find(char *options, const char *path)
{
	size_t length = strlen(path);

	for (char *at = options; length && (at = strstr(at, path)); at++) {
		const char *end = at + length;

		if (at > options && (at[-1] == '=' || at[-1] == ':') &&
		    (!*end || (*end == ',' && end[1] != ',')))
			return at;
	}
	return NULL;
}

/* Whether it would be made. Where nothing can be, the device itself is to say so. */
static bool look_is_new(const char *path)
{
	char *folder = text("./%s", path), *slash = strrchr(folder, '/');
	const char *from = *path == '/' ? folder + 2 : folder;
	struct stat st;
	bool is_new;

	slash[slash == folder + 2] = '\0';
	is_new = lstat(path, &st) && !access(from, W_OK | X_OK);
	free(folder);
	return is_new;
}

static void look_at(void *arg, uint32_t flags, const char *path, const char *suffix)
{
	struct look *look = arg;
	char *full = text("%s%s", path ? path : "", suffix ? suffix : "");
	char *there = look_encode(path ? path : ""), *folder = look_encode(look->folder);
	char *at = look_find(look->options, there), *made;

	if (at && flags & (RISER_CREATES | RISER_LISTENS) && look_is_new(full)) {
		made = text("%.*s%s/%u%s", (int)(at - look->options), look->options, folder,
			    look->count++, at + strlen(there));
		free(look->options);
		look->options = made;
	}
	free(folder);
	free(there);
	free(full);
}

char *look_options(const struct riser_model *model, const char *options, const char *folder)
{
	struct look look = { .options = text("%s", options), .folder = folder };

	riser_model_reach(model, options, look_at, &look);
	return look.options;
}
