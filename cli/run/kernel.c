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

static void replace(char **where, char *with)
{
	free(*where);
	*where = with;
}

/* The first device whose folder holds `file`, or NULL. */
static const struct device_spec *device_with(const struct run_options *options,
					     const char *file)
{
	for (unsigned i = 0; i < options->device_count; i++) {
		const struct device_spec *device = &options->devices[i];
		char *path = text("%s/%s", device->folder ? device->folder : "", file);
		bool has = device->folder && !access(path, R_OK);

		free(path);
		if (has)
			return device;
	}
	return NULL;
}

/* What the devices' drivers and tests are made with. */
static bool check_kernel(const struct run_options *options,
			 const struct guest_software *software)
{
	const struct device_spec *driver = device_with(options, "driver/Kbuild");
	const struct device_spec *modules = device_with(options, "guest/modules");

	if (driver && !is_folder(software->build))
		complain("kernel %s has no build folder at %s, and the driver of %s needs one: "
			 "install its headers or give --kernel the tree it was built in",
			 software->release, software->build, driver->name);
	else if (modules && !is_folder(software->modules))
		complain("kernel %s has no modules at %s, and the test of %s needs some: give "
			 "--modules the FOLDER of 'make modules_install "
			 "INSTALL_MOD_PATH=FOLDER', "
			 "or --kernel the tree it was built in",
			 software->release, software->modules, modules->name);
	else if (brings_modules(options, software) && kernel_modules_in_tree(software))
		complain("a machine takes installed modules, and those of kernel %s are in the "
			 "tree %s: 'make modules_install INSTALL_MOD_PATH=FOLDER' there, and "
			 "give "
			 "--modules FOLDER",
			 software->release, software->modules);
	else
		return kernel_check_needs(options, software);
	return false;
}

/* The guest's base with what another kernel has of the modules that every guest has at hand. */
static bool make_base(struct guest_software *software, struct signals *signals)
{
	char *program = text("%s/initramfs", place_of_tools());
	char *base = guest_cached(software, "initramfs", software->modules);
	char *arguments[] = {
		program, (char *)"--own", software->release, software->modules, base, NULL
	};
	bool ok = helper_run(arguments, stdout, signals);

	replace(&software->initramfs, base);
	free(program);
	return ok;
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
	if (!kernel_take(software, options) || !check_kernel(options, software))
		return false;
	return (!options->kernel && !options->modules) || make_base(software, signals);
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
	free(software->config);
	*software = (struct guest_software){ 0 };
}
