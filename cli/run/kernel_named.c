/* SPDX-License-Identifier: MIT */
/*
 * A kernel that the user names: a file, the tree that it was built in, or a folder in which its
 * packages were unpacked; and where its modules, its build folder and its configuration are.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/run.h"

/* Where a kernel's tree has its image, below the tree. */
#define IMAGE_IN_TREE "/arch/x86/boot/bzImage"

static bool kernel_is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* The release in a bzImage's header: Linux' Documentation/arch/x86/boot.rst, kernel_version. */
static char *kernel_release(const char *path)
{
	uint8_t header[0x210];
	char version[128] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && pread(fd, header, sizeof(header), 0) == sizeof(header) &&
		  !memcmp(header + 0x202, "HdrS", 4);
	ssize_t n;

	if (ok) {
		n = pread(fd, version, sizeof(version) - 1,
			  0x200 + (header[0x20e] | header[0x20f] << 8));
		version[n > 0 ? n : 0] = '\0';
		version[strcspn(version, " ")] = '\0';
	} else {
		complain("kernel '%s' is no x86 bzImage%s%s", path, fd < 0 ? ": " : "",
			 fd < 0 ? strerror(errno) : "");
	}
	if (fd >= 0)
		close(fd);
	return ok ? text("%s", version) : NULL;
}

/* The one file that `format` with `folder` in it means; malloc'ed, or NULL. */
static char *kernel_glob(const char *format, const char *folder)
{
	char *pattern = text("%s%s", folder, format), *path = NULL;
	glob_t found;

	if (!glob(pattern, 0, NULL, &found)) {
		if (found.gl_pathc == 1)
			path = text("%s", found.gl_pathv[0]);
		globfree(&found);
	}
	free(pattern);
	return path;
}

/* The image that is meant, as a path without links; malloc'ed. */
static char *kernel_image(const char *named)
{
	static const char *const places[] = { IMAGE_IN_TREE, "/vmlinuz", "/boot/vmlinuz-*",
					      "/usr/lib/modules/*/vmlinuz" };
	char *found = kernel_is_folder(named) ? NULL : text("%s", named), *real;

	for (size_t i = 0; !found && i < sizeof(places) / sizeof(*places); i++)
		found = kernel_glob(places[i], named);
	if (!found) {
		complain("'%s' holds no kernel, or more than one: if it is a kernel's tree, "
			 "build it, which makes %s",
			 named, &IMAGE_IN_TREE[1]);
		return NULL;
	}
	real = realpath(found, NULL);
	if (!real)
		complain("kernel '%s' is no x86 bzImage: %s", found, strerror(errno));
	free(found);
	return real;
}

/* `path` without `end`, if it ends so; malloc'ed, or NULL. */
static char *kernel_cut(const char *path, const char *end)
{
	size_t length = strlen(path), tail = strlen(end);

	if (length < tail || strcmp(path + length - tail, end) != 0)
		return NULL;
	return text("%.*s", (int)(length - tail), path);
}

/* The root that the image belongs to, as packages lay it out: "" for the host's own. */
static char *kernel_root(const char *image, const char *release)
{
	static const char *const layouts[] = { "/boot/vmlinuz-%s",
					       "/usr/lib/modules/%s/vmlinuz",
					       "/lib/modules/%s/vmlinuz" };
	char *root = NULL;

	for (size_t i = 0; !root && i < sizeof(layouts) / sizeof(*layouts); i++) {
		const char *percent = strchr(layouts[i], '%');
		char *end = text("%.*s%s%s", (int)(percent - layouts[i]), layouts[i], release,
				 percent + 2);

		root = kernel_cut(image, end);
		free(end);
	}
	return root ? root : text("%s", "");
}

/* The first of these that is there, in place of *where; else the last, if none was known. */
static void kernel_choose(char **where, char *const *places, bool known)
{
	char *const *place = places;

	while (*place && access(*place, R_OK) && place[1])
		place++;
	if (!access(*place, R_OK) || !known) {
		free(*where);
		*where = text("%s", *place);
	}
}

static void kernel_words_free(char **words)
{
	for (char **word = words; *word; word++)
		free(*word);
}

/* `known`: what the software has already is this release's. */
static void kernel_installed(struct guest_software *software, const char *root, bool known)
{
	const char *release = software->release;
	char *modules[] = { text("%s/usr/lib/modules/%s", root, release),
			    text("%s/lib/modules/%s", root, release),
			    text("/lib/modules/%s", release), NULL };
	char *build[] = { text("%s/usr/src/linux-headers-%s", root, release), NULL, NULL,
			  NULL };

	kernel_choose(&software->modules, modules, known);
	build[1] = text("%s/build", software->modules);
	build[2] = text("/lib/modules/%s/build", release);
	kernel_choose(&software->build, build, known);
	kernel_words_free(modules);
	kernel_words_free(build);
}

static void kernel_find_config(struct guest_software *software, const char *root)
{
	const char *release = software->release;
	char *places[] = { text("%s/.config", software->build),
			   text("%s/boot/config-%s", root, release),
			   text("%s/config", software->modules),
			   text("/boot/config-%s", release), NULL };

	kernel_choose(&software->config, places, false);
	kernel_words_free(places);
}

/* Where modules_install put them, or the folder above lib/modules. */
static bool kernel_take_modules(struct guest_software *software, const char *named)
{
	char *below = text("%s/lib/modules/%s", named, software->release);
	bool deep = kernel_is_folder(below);
	char *list = text("%s/modules.builtin", deep ? below : named);
	bool ok = !access(list, R_OK);

	free(software->modules);
	software->modules = realpath(deep ? below : named, NULL);
	if (!ok || !software->modules)
		complain("'%s' holds no modules of kernel %s: give --modules the FOLDER of "
			 "'make "
			 "modules_install INSTALL_MOD_PATH=FOLDER', or its lib/modules/%s",
			 named, software->release, software->release);
	free(list);
	free(below);
	return ok && software->modules;
}

static bool kernel_take_image(struct guest_software *software, const char *named)
{
	char *image = kernel_image(named), *release = image ? kernel_release(image) : NULL;
	char *tree = release ? kernel_cut(image, IMAGE_IN_TREE) : NULL, *root;
	bool known = release && software->release && !strcmp(release, software->release);

	if (!release) {
		free(image);
		return false;
	}
	free(software->kernel);
	free(software->release);
	software->kernel = image;
	software->release = release;
	root = kernel_root(image, release);
	if (tree) {
		free(software->build);
		free(software->modules);
		software->build = text("%s", tree);
		software->modules = tree;
	} else {
		kernel_installed(software, root, known);
	}
	kernel_find_config(software, root);
	free(root);
	return true;
}

bool kernel_take(struct guest_software *software, const struct run_options *options)
{
	if (options->kernel && !kernel_take_image(software, options->kernel))
		return false;
	if (options->modules && !kernel_take_modules(software, options->modules))
		return false;
	if (!software->config)
		kernel_find_config(software, "");
	return true;
}

bool kernel_modules_in_tree(const struct guest_software *software)
{
	return software->build && !strcmp(software->build, software->modules);
}
