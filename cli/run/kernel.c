/* SPDX-License-Identifier: MIT */
/* The guest's software: what tools/provision made ready, or a kernel that the user names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/run.h"

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static void take_line(struct guest_software *software, const char *key, const char *value)
{
	const struct {
		const char *key;
		char **to;
	} known[] = {
		{ "QEMU", &software->qemu },
		{ "QEMU_VERSION", &software->qemu_version },
		{ "QEMU_VFIO_USER", &software->vfio_user },
		{ "KERNEL", &software->kernel },
		{ "KERNEL_RELEASE", &software->release },
		{ "KERNEL_BUILD", &software->build },
		{ "KERNEL_MODULES", &software->modules },
		{ "INITRAMFS", &software->initramfs },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(known[i].key, key))
			continue;
		free(*known[i].to);
		*known[i].to = text("%s", value);
	}
}

static void take_manifest(struct guest_software *software, char *manifest)
{
	char *line;

	while ((line = strsep(&manifest, "\n"))) {
		char *equals = strchr(line, '=');

		if (!equals)
			continue;
		*equals = '\0';
		take_line(software, line, equals + 1);
	}
}

static bool provision(struct guest_software *software, struct signals *signals)
{
	char *program = text("%s/provision", place_of_tools()), *manifest = NULL;
	char *arguments[] = { program, (char *)"--print", NULL };
	size_t size;
	FILE *output = open_memstream(&manifest, &size);
	bool ok = output && helper_run(arguments, output, signals);

	if (output)
		fclose(output);
	if (ok)
		take_manifest(software, manifest);
	if (ok && (!software->qemu || !software->vfio_user || !software->kernel ||
		   !software->initramfs)) {
		complain("the cache's manifest is incomplete; remove it and try again");
		ok = false;
	}
	free(manifest);
	free(program);
	return ok;
}

/* The release in a bzImage's header: Linux' Documentation/arch/x86/boot.rst, kernel_version. */
static char *release_of(const char *path)
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

static void replace(char **where, char *with)
{
	free(*where);
	*where = with;
}

/* A kernel file, or the folder that it was built in. */
static bool take_kernel(struct guest_software *software, const char *named)
{
	char *image =
		is_folder(named) ? text("%s/arch/x86/boot/bzImage", named) : text("%s", named);
	char *release = release_of(image);

	if (!release) {
		free(image);
		return false;
	}
	replace(&software->kernel, image);
	if (is_folder(named))
		replace(&software->build, text("%s", named));
	else if (!software->release || strcmp(release, software->release))
		replace(&software->build, text("/lib/modules/%s/build", release));
	if (strcmp(release, software->release ? software->release : ""))
		replace(&software->modules, text("/lib/modules/%s", release));
	replace(&software->release, release);
	return true;
}

static bool needs_driver(const struct run_options *options)
{
	bool needs = false;

	for (unsigned i = 0; i < options->device_count && !needs; i++) {
		const char *folder = options->devices[i].folder;
		char *kbuild = text("%s/driver/Kbuild", folder ? folder : "");

		needs = folder && !access(kbuild, R_OK);
		free(kbuild);
	}
	return needs;
}

bool software_find(const struct run_options *options, struct guest_software *software,
		   struct signals *signals)
{
	*software = (struct guest_software){ 0 };
	if (!provision(software, signals))
		return false;
	if (options->attach == ATTACH_QEMU || options->board->of_adapter) {
		replace(&software->qemu, adapter_find(options->board->of_adapter, signals));
		if (!software->qemu)
			return false;
		replace(&software->qemu_version, qemu_version_ask(software->qemu, signals));
		if (!software->qemu_version)
			return false;
	}
	if (options->attach == ATTACH_VFIO_USER && strcmp(software->vfio_user, "yes") != 0) {
		complain("%s is QEMU %s, which has no vfio-user-pci: 10.1 or newer is needed; "
			 "unset RISER_QEMU to use a cached one",
			 software->qemu, software->qemu_version);
		return false;
	}
	if (options->kernel && !take_kernel(software, options->kernel))
		return false;
	if (!is_folder(software->build) && needs_driver(options)) {
		complain("kernel %s has no build folder at %s, and the driver needs one: "
			 "install its "
			 "headers or give --kernel the tree it was built in",
			 software->release, software->build);
		return false;
	}
	return true;
}

void software_forget(struct guest_software *software)
{
	free(software->qemu);
	free(software->qemu_version);
	free(software->vfio_user);
	free(software->kernel);
	free(software->release);
	free(software->build);
	free(software->modules);
	free(software->initramfs);
	*software = (struct guest_software){ 0 };
}
