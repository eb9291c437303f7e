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

/* The option with its path, which begins at `at`, in the folder; malloc'ed. */
static char *look_move(struct look *look, const char *option, const char *at)
{
	return text("%.*s%s/%u", (int)(at - option), option, look->folder, look->count++);
}

/* Puts what the first option that ends in the path creates into the folder. */
static void look_replace(struct look *look, const char *path)
{
	char *rest = look->options, *made = NULL, *option, *at;

	while ((option = options_next(&rest))) {
		char *moved = NULL, *quoted, *longer;

		if (path && (at = option_path(option, path))) {
			moved = look_move(look, option, at);
			path = NULL;
		}
		quoted = options_quote(moved ? moved : option);
		longer = made ? options_join(made, quoted) : text("%s", quoted);
		free(moved);
		free(quoted);
		free(made);
		made = longer;
	}
	free(look->options);
	look->options = made;
}

static void look_at(void *arg, uint32_t flags, const char *path, const char *suffix)
{
	char *full = text("%s%s", path ? path : "", suffix ? suffix : "");

	if (path && flags & (RISER_CREATES | RISER_LISTENS) && look_is_new(full))
		look_replace(arg, path);
	free(full);
}

char *look_options(const struct riser_model *model, const char *options, const char *folder)
{
	struct look look = { .options = text("%s", options), .folder = folder };

	riser_model_reach(model, options, look_at, &look);
	return look.options;
}
