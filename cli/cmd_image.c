/* SPDX-License-Identifier: MIT */
/* riser image - disks to boot whole machines from: made, listed, deleted. */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image.h"
#include "run/run.h"

struct words {
	char **items;
	size_t count;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct words *words = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	words->items[words->count++] = arg;
	return 0;
}

static const struct argp argp = {
	NULL,
	parse,
	"create NAME [DEVICE…]\nlist\ndelete NAME",
	"Makes, lists and deletes disks for 'riser run --image NAME': a Debian of the host's "
	"own "
	"release, with ssh, a user 'riser', and the drivers and programs of the DEVICEs, or of "
	"all shipped ones, in it.",
	NULL,
	NULL,
	NULL
};

static bool has_guest_parts(const char *folder)
{
	char *driver = text("%s/driver/Kbuild", folder), *guest = text("%s/guest", folder);
	bool has = !access(driver, R_OK) || !access(guest, R_OK);

	free(driver);
	free(guest);
	return has;
}

static void add_device(struct run_options *options, const char *word)
{
	struct device_spec *device = &options->devices[options->device_count];

	if (!device_find(word, device))
		exit(CLI_FAIL);
	if (device->folder && has_guest_parts(device->folder))
		options->device_count++;
	else
		device_forget(device);
}

static void add_shipped(struct run_options *options)
{
	struct dirent **found;
	int count = scandir(place_of_devices(), &found, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char *folder = text("%s/%s", place_of_devices(), found[i]->d_name);
		char *driver = text("%s/driver/Kbuild", folder);

		if (options->device_count < DEVICES_MAX && !access(driver, R_OK))
			add_device(options, found[i]->d_name);
		free(driver);
		free(folder);
		free(found[i]);
	}
	if (count >= 0)
		free(found);
}

/* make-image, its arguments, and what was built of each device. */
static bool make(const char *name, const struct run_options *options,
		 const struct guest_software *software, struct signals *signals)
{
	char *arguments[8 + DEVICES_MAX + 1] = { NULL }, *place = image_place();
	bool ok = true;
	unsigned n = 7;

	arguments[0] = text("%s/make-image", place_of_tools());
	arguments[1] = (char *)name;
	arguments[2] = text("%s/%s", place, name);
	arguments[3] = software->release;
	arguments[4] = software->kernel;
	arguments[5] = software->modules;
	arguments[6] = software->initramfs;
	for (unsigned i = 0; i < options->device_count && ok; i++) {
		ok = guest_parts_build(&options->devices[i], software, signals);
		arguments[n++] = guest_parts(&options->devices[i], software);
	}
	ok = ok && helper_run(arguments, stdout, signals);
	while (n > 7)
		free(arguments[--n]);
	free(arguments[2]);
	free(arguments[0]);
	free(place);
	return ok;
}

static int create(const char *name, const struct words *devices)
{
	struct run_options options = { .board = board_find("q35") };
	struct guest_software software = { 0 };
	struct signals signals = { .fd = -1 };
	int status = CLI_FAIL;

	if (!image_name_ok(name))
		return CLI_USAGE;
	for (size_t i = 0; i < devices->count && i < DEVICES_MAX; i++)
		add_device(&options, devices->items[i]);
	if (!devices->count)
		add_shipped(&options);
	if (signals_catch(&signals) && software_find(&options, &software, &signals) &&
	    make(name, &options, &software, &signals))
		status = CLI_OK;
	if (signals.caught)
		status = signals_status(&signals);
	if (status == CLI_OK)
		say("made image '%s'; boot it with: riser run --image %s my_rng", name, name);
	close(signals.fd);
	software_forget(&software);
	for (unsigned i = 0; i < options.device_count; i++)
		device_forget(&options.devices[i]);
	return status;
}

static void show(const char *name)
{
	struct image image;
	unsigned port;
	struct stat st;
	pid_t pid;

	if (!image_find(name, &image)) {
		image_forget(&image);
		return;
	}
	printf("%-16s %5lld MiB  Linux %s", name,
	       stat(image.disk, &st) ? 0 : (long long)st.st_blocks >> 11, image.release);
	if (image_in_use(&image, &pid, &port))
		printf("  in use by process %d, ssh at port %u", (int)pid, port);
	putchar('\n');
	image_forget(&image);
}

static int list(void)
{
	char *place = image_place();
	struct dirent **found;
	int count = scandir(place, &found, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		if (*found[i]->d_name != '.')
			show(found[i]->d_name);
		free(found[i]);
	}
	if (count >= 0)
		free(found);
	free(place);
	return CLI_OK;
}

static int remove_image(const char *name)
{
	struct image image;
	char *folder;

	if (!image_find_named(name, &image))
		return CLI_FAIL;
	if (!image_take(&image, 0)) {
		image_forget(&image);
		return CLI_FAIL;
	}
	folder = text("%s", image.folder);
	scratch_remove(folder);
	image_forget(&image);
	return CLI_OK;
}

int cmd_image(int argc, char **argv)
{
	struct words words = { .items = calloc((size_t)argc, sizeof(char *)) };
	int status = CLI_USAGE;
	const char *action;
	struct words rest;

	if (!words.items || arguments_parse(&argp, argc, argv, &words))
		return CLI_USAGE;
	action = words.count ? words.items[0] : "";
	rest = (struct words){ words.items + 2, words.count > 2 ? words.count - 2 : 0 };
	if (!strcmp(action, "create") && words.count >= 2)
		status = create(words.items[1], &rest);
	else if (!strcmp(action, "list") && words.count == 1)
		status = list();
	else if (!strcmp(action, "delete") && words.count == 2)
		status = remove_image(words.items[1]);
	else
		complain("riser image takes 'create NAME [DEVICE…]', 'list' or 'delete NAME'; "
			 "see 'riser image --help'");
	free(words.items);
	return status;
}
