/* SPDX-License-Identifier: MIT */
/*
 * The guest's first file system: the cached base, and behind it an archive of this run's own
 * with drivers and tests. The kernel unpacks archives that follow one another.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/run.h"

char *guest_cached(const struct guest_software *software, const char *name, const char *from)
{
	char *cache = place_of_cache(), *path;
	unsigned hash = 5381;

	for (const char *p = from; *p; p++)
		hash = hash * 33 + (unsigned char)*p;
	path = text("%s/guest/%s/%s-%08x", cache, software->release, name, hash);
	free(cache);
	return path;
}

char *guest_parts(const struct device_spec *device, const struct guest_software *software)
{
	return guest_cached(software, device->name, device->folder);
}

char **guest_build_command(const struct device_spec *device,
			   const struct guest_software *software)
{
	char **arguments = calloc(10, sizeof(*arguments));

	if (!arguments)
		return NULL;
	arguments[0] = text("%s/build-guest", place_of_tools());
	arguments[1] = text("--kdir");
	arguments[2] = text("%s", software->build);
	arguments[3] = text("--release");
	arguments[4] = text("%s", software->release);
	arguments[5] = text("--modules");
	arguments[6] = text("%s", software->modules);
	arguments[7] = text("%s", device->folder);
	arguments[8] = guest_parts(device, software);
	return arguments;
}

bool guest_parts_build(const struct device_spec *device, const struct guest_software *software,
		       struct signals *signals)
{
	char **arguments = guest_build_command(device, software);
	bool ok = arguments && helper_run(arguments, stdout, signals);

	words_free(arguments);
	return ok;
}

static bool put(struct archive *a, const char *path, mode_t mode, const void *data, size_t size)
{
	struct archive_entry *entry = archive_entry_new();
	bool ok;

	archive_entry_set_pathname(entry, path);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_size(entry, (la_int64_t)size);
	ok = archive_write_header(a, entry) == ARCHIVE_OK &&
	     (!size || archive_write_data(a, data, size) == (la_ssize_t)size);
	archive_entry_free(entry);
	return ok;
}

static bool put_text(struct archive *a, const char *path, const char *content)
{
	return put(a, path, 0100644, content, strlen(content));
}

static bool put_file(struct archive *a, const char *path, const FTSENT *file)
{
	size_t size = (size_t)file->fts_statp->st_size, got = 0;
	char *content = malloc(size ? size : 1);
	int fd = content ? open(file->fts_accpath, O_RDONLY | O_CLOEXEC) : -1;
	bool ok = fd >= 0;

	while (ok && got < size) {
		ssize_t n = read(fd, content + got, size - got);

		ok = n > 0;
		got += ok ? (size_t)n : 0;
	}
	ok = ok && put(a, path, file->fts_statp->st_mode, content, size);
	if (fd >= 0)
		close(fd);
	free(content);
	return ok;
}

static bool put_link(struct archive *a, const char *path, const FTSENT *file)
{
	struct archive_entry *entry = archive_entry_new();
	char target[4096];
	ssize_t n = readlink(file->fts_accpath, target, sizeof(target) - 1);
	bool ok;

	target[n > 0 ? n : 0] = '\0';
	archive_entry_set_pathname(entry, path);
	archive_entry_set_mode(entry, 0120777);
	archive_entry_set_symlink(entry, target);
	ok = n > 0 && archive_write_header(a, entry) == ARCHIVE_OK;
	archive_entry_free(entry);
	return ok;
}

static bool put_entry(struct archive *a, const char *path, const FTSENT *file)
{
	switch (file->fts_info) {
	case FTS_D:
		return put(a, path, 040755, NULL, 0);
	case FTS_F:
		return put_file(a, path, file);
	case FTS_SL:
	case FTS_SLNONE:
		return put_link(a, path, file);
	default:
		return true;
	}
}

/* All that is below `folder`, if it exists, as `to`/… */
static bool put_tree(struct archive *a, const char *folder, const char *to)
{
	char *roots[] = { (char *)folder, NULL };
	FTS *walk =
		access(folder, R_OK) ? NULL : fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	bool ok = true;
	FTSENT *file;

	if (!walk)
		return true;
	while (ok && (file = fts_read(walk))) {
		const char *below = file->fts_path + strlen(folder);
		char *path = text("%s%s", to, *to ? below : below + (*below == '/'));

		if (*path)
			ok = put_entry(a, path, file);
		free(path);
	}
	fts_close(walk);
	return ok;
}

bool device_is_first(const struct run_options *options, unsigned i)
{
	for (unsigned j = 0; j < i; j++) {
		if (!strcmp(options->devices[j].name, options->devices[i].name))
			return false;
	}
	return true;
}

unsigned device_instances(const struct run_options *options, unsigned i)
{
	unsigned count = 0;

	for (unsigned j = 0; j < options->device_count; j++)
		count += !strcmp(options->devices[j].name, options->devices[i].name);
	return count;
}

static bool put_load_list(struct archive *a, const struct run_options *options,
			  const struct guest_software *software)
{
	char *all = text("%s", "");
	bool ok;

	for (unsigned i = 0; i < options->device_count; i++) {
		char *cache, *path, line[128];
		FILE *list;

		if (!options->devices[i].folder || !device_is_first(options, i))
			continue;
		cache = guest_parts(&options->devices[i], software);
		path = text("%s/modules.load", cache);
		list = fopen(path, "re");
		while (list && fgets(line, sizeof(line), list)) {
			char *longer = text("%s%s", all, line);

			free(all);
			all = longer;
		}
		if (list)
			fclose(list);
		free(path);
		free(cache);
	}
	ok = !*all || put_text(a, "riser/modules.load", all);
	free(all);
	return ok;
}

static bool put_device(struct archive *a, const struct run_options *options, unsigned i,
		       const struct guest_software *software)
{
	const struct device_spec *device = &options->devices[i];
	char *cache = guest_parts(device, software), *environment;
	const char *const parts[][2] = { { "early", "riser/early" },
					 { "modules", "riser/modules" },
					 { "tests", "riser/tests" },
					 { "tree", "" } };
	char *path;
	bool ok = true;

	for (size_t p = 0; p < sizeof(parts) / sizeof(*parts) && ok; p++) {
		path = text("%s/%s", cache, parts[p][0]);
		ok = put_tree(a, path, parts[p][1]);
		free(path);
	}
	environment = guest_environment(options, i);
	path = text("riser/environment/%s", device->name);
	ok = ok && put_text(a, path, environment);
	free(environment);
	free(path);
	free(cache);
	return ok;
}

/* An image has the modules of the kernel that it was made with, and of no other. */
bool brings_modules(const struct run_options *options, const struct guest_software *software)
{
	return options->image.name && strcmp(options->image.release, software->release);
}

static bool put_modules(struct archive *a, const struct run_options *options,
			const struct guest_software *software)
{
	char *to = text("lib/modules/%s", software->release);
	bool ok = !brings_modules(options, software) || put_tree(a, software->modules, to);

	free(to);
	return ok;
}

static bool put_all(struct archive *a, const struct run_options *options,
		    const struct guest_software *software)
{
	bool ok = put(a, "riser", 040755, NULL, 0) && put(a, "riser/tests", 040755, NULL, 0) &&
		  put(a, "riser/environment", 040755, NULL, 0) &&
		  put_text(a, "riser/mode", guest_mode(options)) &&
		  (!options->test || put_text(a, "riser/test", options->test)) &&
		  put_load_list(a, options, software);

	ok = ok && put_modules(a, options, software);
	for (unsigned i = 0; i < options->device_count && ok; i++) {
		if (options->devices[i].folder && device_is_first(options, i))
			ok = put_device(a, options, i, software);
	}
	return ok;
}

static bool copy_base(int to, const char *base)
{
	int from = open(base, O_RDONLY | O_CLOEXEC);
	ssize_t n = from < 0 ? -1 : 1;

	while (n > 0)
		n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0);
	if (n < 0 && from >= 0 && (errno == EXDEV || errno == EINVAL)) {
		char block[1 << 16];

		lseek(from, 0, SEEK_SET);
		lseek(to, 0, SEEK_SET);
		while ((n = read(from, block, sizeof(block))) > 0) {
			if (write(to, block, (size_t)n) != n)
				n = -1;
		}
	}
	if (from >= 0)
		close(from);
	return !n;
}

static bool write_initrd(const struct run_options *options,
			 const struct guest_software *software, int fd)
{
	struct archive *a = archive_write_new();
	bool ok = a && copy_base(fd, software->initramfs) &&
		  archive_write_set_format_cpio_newc(a) == ARCHIVE_OK &&
		  archive_write_open_fd(a, fd) == ARCHIVE_OK && put_all(a, options, software);

	ok = ok && archive_write_close(a) == ARCHIVE_OK;
	if (!ok)
		complain("cannot write the guest's initramfs: %s",
			 a && archive_error_string(a) ? archive_error_string(a)
						      : strerror(errno));
	archive_write_free(a);
	return ok;
}

bool initrd_make(const struct run_options *options, const struct guest_software *software,
		 const char *path, struct signals *signals)
{
	bool ok = true;
	int fd;

	for (unsigned i = 0; i < options->device_count && ok; i++) {
		if (options->devices[i].folder && device_is_first(options, i))
			ok = guest_parts_build(&options->devices[i], software, signals);
	}
	if (!ok)
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		complain("cannot write '%s': %s", path, strerror(errno));
		return false;
	}
	ok = write_initrd(options, software, fd);
	close(fd);
	return ok;
}
