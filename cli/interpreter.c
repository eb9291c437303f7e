/* SPDX-License-Identifier: MIT */
/* The interpreter of a program that begins with "#!/usr/bin/env NAME", as env(1) would find it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "process.h"

/* What is behind a program's "#!", to the end of the line. */
static bool read_words(const char *path, char *words, int size)
{
	FILE *file = fopen(path, "re");
	bool is_script =
		file && fgetc(file) == '#' && fgetc(file) == '!' && fgets(words, size, file);

	if (file)
		fclose(file);
	return is_script;
}

static char *find_in_path(const char *name)
{
	const char *value = getenv("PATH");
	char *list = text("%s", value ? value : "/usr/bin:/bin"), *rest = list, *folder;
	char *found = NULL;

	while (!found && (folder = strsep(&rest, ":"))) {
		found = text("%s/%s", *folder ? folder : ".", name);
		if (access(found, X_OK)) {
			free(found);
			found = NULL;
		}
	}
	free(list);
	return found;
}

/*
 * A Python that is a script is one that picks the Python to be used (pyenv, for one): it is
 * asked which.
 */
static char *ask_python(const char *name)
{
	char *const words[] = { (char *)name, (char *)"-I", (char *)"-c",
				(char *)"import sys; print(sys.executable)", NULL };
	struct process_config config = { .words = words, .streams = PROCESS_ANSWER };
	int status;
	char *path = process_ask(&config, 0, &status);

	if (path)
		path[strcspn(path, "\n")] = '\0';
	if (path && *path == '/' && !access(path, X_OK))
		return path;
	free(path);
	return NULL;
}

char *interpreter_find(const char *program)
{
	char words[256], shim[8], *rest = words, *env, *name, *found;
	size_t letters;

	if (!read_words(program, words, sizeof(words)))
		return NULL;
	rest += strspn(rest, " \t");
	env = strsep(&rest, " \t\n");
	name = strsep(&rest, " \t\n");
	if (strcmp(env, "/usr/bin/env") || !name || (rest && *rest))
		return NULL;
	letters = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.");
	found = letters && !name[letters] ? find_in_path(name) : NULL;
	if (found && !strncmp(name, "python", 6) && read_words(found, shim, sizeof(shim))) {
		free(found);
		found = ask_python(name);
	}
	return found;
}
