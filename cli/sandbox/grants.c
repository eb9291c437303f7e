/* SPDX-License-Identifier: MIT */
/* A list of paths, and what may be done with what is there. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/inside.h"

/* Takes the path over. */
static void add(struct sandbox *sandbox, char *path, unsigned flags)
{
	size_t size = (sandbox->count + 1) * sizeof(*sandbox->grants);
	struct grant *grown = path ? realloc(sandbox->grants, size) : NULL;

	if (!grown) {
		free(path);
		return;
	}
	sandbox->grants = grown;
	sandbox->grants[sandbox->count++] = (struct grant){ path, flags };
}

void grant_add(struct sandbox *sandbox, const char *path, unsigned flags)
{
	add(sandbox, realpath(path, NULL), flags);
}

char *real_place(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char *folder = text("%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	char *real = realpath(folder, NULL), *place = NULL;

	if (real && *name && strcmp(name, ".") && strcmp(name, ".."))
		place = text("%s/%s", strcmp(real, "/") ? real : "", name);
	free(real);
	free(folder);
	return place;
}

void grant_add_socket(struct sandbox *sandbox, const char *path, unsigned flags)
{
	add(sandbox, real_place(path), flags);
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), tail = strlen(end);

	return length > tail && !strcmp(name + length - tail, end);
}

static bool is_code(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	return ends_with(name, ".so") || strstr(name, ".so.") || ends_with(name, ".py") ||
	       ends_with(name, ".pyc") || ends_with(name, ".pth");
}

/* Whether `path` is the folder or in it. */
static bool is_beneath(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	if (!strcmp(folder, "/"))
		return true;
	return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

unsigned grants_find(const struct sandbox *sandbox, const char *path)
{
	unsigned found = 0;

	for (size_t i = 0; i < sandbox->count; i++) {
		const struct grant *grant = &sandbox->grants[i];

		if (!strcmp(path, grant->path))
			found |= grant->flags;
		else if (!(grant->flags & GRANT_BENEATH) || !is_beneath(path, grant->path))
			continue;
		else if (!(grant->flags & GRANT_CODE) || is_code(path))
			found |= grant->flags;
		else
			found |= grant->flags & GRANT_LIST;
	}
	return found;
}

void grants_free(struct sandbox *sandbox)
{
	for (size_t i = 0; i < sandbox->count; i++)
		free(sandbox->grants[i].path);
	free(sandbox->grants);
	sandbox->grants = NULL;
	sandbox->count = 0;
}
