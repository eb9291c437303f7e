/* SPDX-License-Identifier: MIT */
/* QEMU's command line. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"

struct list {
	char **items;
	size_t count;
};

static void add(struct list *list, char *item)
{
	list->items = realloc(list->items, (list->count + 2) * sizeof(*list->items));
	if (!list->items)
		abort();
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
}

/* Adds literal words, up to a NULL. */
static void add_words(struct list *list, ...)
{
	const char *word;
	va_list args;

	va_start(args, list);
	while ((word = va_arg(args, const char *)))
		add(list, text("%s", word));
	va_end(args);
}

char *socket_path(const char *scratch, unsigned device)
{
	return text("%s/%u.sock", scratch, device);
}

static void add_device(struct list *list, const char *scratch, unsigned device)
{
	struct json_object *object = json_object_new_object(),
			   *socket = json_object_new_object();
	char *path = socket_path(scratch, device);

	json_object_object_add(socket, "type", json_object_new_string("unix"));
	json_object_object_add(socket, "path", json_object_new_string(path));
	json_object_object_add(object, "driver", json_object_new_string("vfio-user-pci"));
	json_object_object_add(object, "socket", socket);
	add_words(list, "-device", NULL);
	add(list,
	    text("%s", json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE |
								      JSON_C_TO_STRING_PLAIN)));
	json_object_put(object);
	free(path);
}

char *qemu_device(const struct device_spec *device)
{
	char *model = options_quote(device->model);
	char *first = text("riser,model=%s", model), *words;

	words = options_join(first, device->options);
	free(first);
	free(model);
	return words;
}

/* A device in QEMU itself: by the adapter, or QEMU's own. */
static void add_inside(struct list *list, const struct device_spec *device, int attach)
{
	add_words(list, "-device", NULL);
	if (attach == ATTACH_QEMU)
		add(list, qemu_device(device));
	else
		add(list, options_join(device->name, device->options));
}

/* What is written goes to a file of QEMU's own; errors there reach the guest, so end the run.
 */
static void add_image(struct list *list, const struct run_options *options)
{
	char *file = options_quote(options->image.disk);

	add_words(list, "-drive", NULL);
	add(list, text("file=%s,format=%s,if=virtio,snapshot=on,werror=report", file,
		       image_disk_format(options->image.disk)));
	free(file);
	if (!is_machine(options))
		return;
	add_words(list, "-netdev", NULL);
	add(list, text("user,id=net,hostfwd=tcp:127.0.0.1:%u-:22", options->ssh_port));
	add_words(list, "-device", "virtio-net-pci,netdev=net,romfile=", NULL);
}

/* Somebody who wants others to see it names an address. */
static void add_screen(struct list *list, const char *vnc, const char *scratch)
{
	char *folder = options_quote(scratch);

	if (!vnc) {
		add_words(list, "-display", "none", NULL);
	} else {
		add_words(list, "-vga", "std", "-vnc", NULL);
		add(list, *vnc ? text("%s", vnc) : text("unix:%s/screen", folder));
	}
	free(folder);
}

/* In a folder that only its owner enters: gdb may do all that he may. */
static void add_gdb(struct list *list, const char *scratch)
{
	char *folder = options_quote(scratch);

	add_words(list, "-S", "-gdb", NULL);
	add(list, text("unix:%s/gdb,server=on,wait=off", folder));
	free(folder);
}

/* With -icount the guest's TSC counts its own instructions. */
static bool counts_instructions(const struct run_options *options)
{
	for (char **word = options->extra; word && *word; word++) {
		if (!strcmp(*word, "-icount"))
			return true;
	}
	return false;
}

static char *clock_words(const struct run_options *options)
{
	unsigned khz = options->board->no_reference && !counts_instructions(options)
			       ? host_tsc_khz()
			       : 0;

	return khz ? text(" tsc_early_khz=%u", khz) : text("%s", "");
}

static char *kernel_words(const struct run_options *options)
{
	char *clock = clock_words(options), *words;

	/* The last console is the one that /dev/console is. */
	words = text(
		"%sconsole=ttyS0 cryptomgr.notests no_timer_check%s%s panic=-1%s%s%s%s%s%s",
		options->vnc ? "console=tty0 " : "", clock,
		is_machine(options) ? "" : " oops=panic",
		options->image.disk ? " riser.root=vda" : "",
		is_machine(options) ? " riser.machine" : "", options->gdb ? " nokaslr" : "",
		options->iommu ? " intel_iommu=on" : "", options->append ? " " : "",
		options->append ? options->append : "");
	free(clock);
	return words;
}

static void add_consoles(struct list *list, const struct run_options *options,
			 const char *scratch)
{
	char *folder = options_quote(scratch);

	add_words(list, "-chardev",
		  options->shell ? "stdio,id=console,signal=off" : "stdio,id=console",
		  "-serial", "chardev:console", "-chardev", NULL);
	add(list, text("file,id=results,path=%s/results", folder));
	/* By itself, because microvm takes one -serial. */
	add_words(list, "-device", "isa-serial,index=1,chardev=results", NULL);
	free(folder);
}

static void add_accelerator(struct list *list, enum accelerator accelerator)
{
	if (accelerator == ACCELERATOR_KVM)
		add_words(list, "-accel", "kvm", "-cpu", "host", NULL);
	else if (accelerator == ACCELERATOR_TCG)
		add_words(list, "-accel", "tcg", "-cpu", "qemu64", NULL);
}

char **qemu_arguments(const struct run_options *options, const struct guest_software *software,
		      const char *scratch)
{
	struct list list = { 0 };

	add(&list, text("%s", software->qemu));
	add_words(&list, "-name", "riser", "-nodefaults", "-no-reboot", NULL);
	add_accelerator(&list, options->accelerator);
	add_words(&list, "-machine", NULL);
	add(&list, text("%s,memory-backend=ram", options->board->options));
	add_words(&list, "-object", NULL);
	add(&list,
	    text("memory-backend-memfd,id=ram,size=%" PRIu64 ",share=on", options->memory));
	add_words(&list, "-m", NULL);
	add(&list, text("%" PRIu64 "b", options->memory));
	add_words(&list, "-smp", NULL);
	add(&list, text("%u", options->smp));
	add_words(&list, "-kernel", software->kernel, "-initrd", NULL);
	add(&list, text("%s/initrd", scratch));
	add_words(&list, "-append", NULL);
	add(&list, kernel_words(options));
	add_consoles(&list, options, scratch);
	/* Before the devices: one that was made earlier would have its DMA pass the IOMMU by.
	 */
	if (options->iommu)
		add_words(&list, "-device", "intel-iommu,caching-mode=on", NULL);
	for (unsigned i = 0; i < options->device_count; i++) {
		if (options->attach == ATTACH_VFIO_USER)
			add_device(&list, scratch, i);
		else
			add_inside(&list, &options->devices[i], options->attach);
	}
	if (options->image.disk)
		add_image(&list, options);
	add_screen(&list, options->vnc, scratch);
	if (options->gdb)
		add_gdb(&list, scratch);
	for (char **extra = options->extra; extra && *extra; extra++)
		add(&list, text("%s", *extra));
	return list.items;
}

void word_print(const char *word)
{
	if (*word &&
	    !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			       "-_=+,./:@%")]) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

void arguments_print(char *const *arguments)
{
	for (char *const *item = arguments; *item; item++) {
		if (item != arguments)
			putchar(' ');
		word_print(*item);
	}
	putchar('\n');
}
