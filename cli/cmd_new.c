/* SPDX-License-Identifier: MIT */
/* riser new - a folder with a device of one's own: model, driver, guest test, build file. */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* The word in the template's files and their names that becomes the device's name. */
static const char placeholder[] = "NEWDEV";

struct request {
	const char *path;
	bool virtio;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case 'v':
		request->virtio = true;
		return 0;
	case ARGP_KEY_ARG:
		if (request->path)
			misused(state, "one NAME at a time");
		request->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		misused(state, "which NAME?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The name has to be one in C and of a kernel module. */
static bool good_name(const char *name)
{
	if (!islower((unsigned char)*name))
		return false;
	for (; *name; name++) {
		if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) &&
		    *name != '_')
			return false;
	}
	return true;
}

/* `from` with every placeholder replaced; in capitals where it stands before "_" and in
 * capitals. */
static char *replaced(const char *from, const char *name)
{
	char *made = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&made, &size);

	if (!to)
		exit(complain("out of memory"));
	while (*from) {
		const char *at = strstr(from, placeholder);

		fwrite(from, 1, at ? (size_t)(at - from) : strlen(from), to);
		if (!at)
			break;
		from = at + strlen(placeholder);
		for (const char *p = name; *p; p++)
			fputc(*from == '_' && isupper((unsigned char)from[1])
				      ? toupper((unsigned char)*p)
				      : *p,
			      to);
	}
	fclose(to);
	return made;
}

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *content = NULL;
	size_t size = 0;

	if (!file || (getdelim(&content, &size, '\0', file) < 0 && ferror(file))) {
		free(content);
		content = NULL;
	}
	if (file)
		fclose(file);
	return content;
}

static bool write_text(const char *path, const char *content, mode_t mode)
{
	FILE *file = fopen(path, "wxe");
	bool ok = file && fputs(content, file) >= 0;

	if (file && fclose(file))
		ok = false;
	if (ok)
		chmod(path, mode);
	else
		complain("cannot write '%s': %s", path, strerror(errno));
	return ok;
}

/* nftw gives its callback no argument. */
static struct {
	const char *source, *target, *name;
} copying;

static int copy(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char *to_name = replaced(path + strlen(copying.source), copying.name);
	char *to = text("%s%s", copying.target, to_name), *content, *changed;
	bool ok = false;

	(void)ftw;
	if (type == FTW_D) {
		ok = !mkdir(to, 0777);
		if (!ok)
			complain("cannot make the folder '%s': %s", to, strerror(errno));
	} else {
		content = read_text(path);
		if (content) {
			changed = replaced(content, copying.name);
			ok = write_text(to, changed, st->st_mode & 0777);
			free(changed);
		} else {
			complain("cannot read '%s': %s", path, strerror(errno));
		}
		free(content);
	}
	free(to);
	free(to_name);
	return ok ? 0 : 1;
}

int cmd_new(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "virtio", 'v', NULL, 0, "a virtio device instead of a PCI one", 0 },
		{ 0 },
	};
	static const struct argp argp = { options,
					  parse,
					  "NAME",
					  "Makes a folder NAME with a PCI device of your own: "
					  "its model, a Linux driver, a test "
					  "for the guest and a Meson file. NAME may be a path. "
					  "'riser run ./NAME' builds and "
					  "runs it.",
					  NULL,
					  NULL,
					  NULL };
	struct request request = { 0 };
	char *source;
	int status;

	if (arguments_parse(&argp, argc, argv, &request))
		return CLI_USAGE;
	copying.target = request.path;
	copying.name =
		strrchr(request.path, '/') ? strrchr(request.path, '/') + 1 : request.path;
	if (!good_name(copying.name))
		return complain(
			"'%s' is no name for a device: take small letters, digits and '_'",
			copying.name);
	source = text("%s/template/%s", place_of_data(), request.virtio ? "virtio" : "pci");
	copying.source = source;
	status = nftw(source, copy, 16, FTW_PHYS) ? CLI_FAIL : CLI_OK;
	if (status == CLI_OK)
		printf("Made %s. Now: riser run %s%s\n", request.path,
		       strchr(request.path, '/') ? "" : "./", request.path);
	free(source);
	return status;
}
