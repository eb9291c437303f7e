/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/run.h"

/* The paths of sockets in it must stay below 108 bytes. */
enum { PLACE_MOST = 70 };

char *scratch_make(void)
{
	const char *places[] = { getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp" };
	int error = ENOENT;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char *path;

		if (!places[i] || strlen(places[i]) > PLACE_MOST || access(places[i], W_OK))
			continue;
		path = text("%s/riser-XXXXXX", places[i]);
		if (mkdtemp(path))
			return path;
		error = errno;
		free(path);
	}
	complain("cannot make a folder for the run: %s; set TMPDIR to a place that can be "
		 "written",
		 strerror(error));
	return NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void scratch_remove(char *folder)
{
	if (folder)
		nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(folder);
}
