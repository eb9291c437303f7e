/* SPDX-License-Identifier: MIT */
/* Debuggers: gdb on the guest's kernel, gdb or valgrind on the devices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/run.h"

/* Where a kernel's symbols may be: the tree it was built in, what Debian's -dbg installs. */
static char *find_symbols(const struct guest_software *software)
{
	char *places[] = {
		text("%s/vmlinux", software->build),
		text("/usr/lib/debug/boot/vmlinux-%s", software->release),
		text("/usr/lib/debug/lib/modules/%s/vmlinux", software->release),
	};
	char *found = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!found && !access(places[i], R_OK))
			found = text("%s", places[i]);
		free(places[i]);
	}
	return found;
}

char *debug_socket(const char *scratch, unsigned device)
{
	return text("%s/gdb.%u", scratch, device);
}

static void announce_guest(const struct run_options *options,
			   const struct guest_software *software, const char *scratch)
{
	char *symbols = find_symbols(software);

	say("the guest waits for: gdb%s%s -ex 'target remote %s/gdb'; 'continue' boots it",
	    symbols ? " " : "", symbols ? symbols : "", scratch);
	if (!symbols)
		say("the kernel's symbols are not here: install linux-image-%s-dbg, or boot a "
		    "tree of your own with --kernel",
		    software->release);
	for (unsigned i = 0; i < options->device_count; i++) {
		char *parts;

		if (!options->devices[i].folder || !device_is_first(options, i))
			continue;
		parts = guest_parts(&options->devices[i], software);
		say("the symbols of the drivers of %s: %s/modules/*.ko",
		    options->devices[i].name, parts);
		free(parts);
	}
}

static void announce_device(const struct device_spec *device, unsigned i, const char *scratch)
{
	char *socket = debug_socket(scratch, i);

	say("device %s waits for: gdb -ex 'target remote %s'; 'continue' starts it",
	    device->name, socket);
	free(socket);
}

void debug_announce(const struct run_options *options, const struct guest_software *software,
		    const char *scratch)
{
	if (options->gdb)
		announce_guest(options, software, scratch);
	for (unsigned i = 0; options->gdb_device && i < options->device_count; i++)
		announce_device(&options->devices[i], i, scratch);
	if (options->vnc && !*options->vnc)
		say("the screen: VNC at the socket %s/screen", scratch);
	else if (options->vnc)
		say("the screen: VNC display %s", options->vnc);
	if (is_machine(options))
		say("log in with: riser ssh %s", options->image.name);
}

/* The path of a program, malloc'ed, or NULL. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t length = strcspn(path, ":");
		char *program = text("%.*s/%s", (int)length, path, name);

		if (!access(program, X_OK))
			return program;
		free(program);
		path += length + (path[length] == ':');
	}
	return NULL;
}

static bool is_there(const char *program)
{
	char *path = find_program(program);

	if (!path)
		complain("there is no %s here; install the package %s", program, program);
	free(path);
	return path;
}

bool debug_check(const struct run_options *options)
{
	if (options->gdb_device && options->valgrind_device) {
		complain("run: --gdb-device and --valgrind-device exclude each other");
		return false;
	}
	if (options->attach != ATTACH_VFIO_USER &&
	    (options->gdb_device || options->valgrind_device)) {
		complain("run: a device inside QEMU has no process of its own to debug; leave "
			 "--attach out");
		return false;
	}
	return (!options->gdb_device || is_there("gdbserver")) &&
	       (!options->valgrind_device || is_there("valgrind"));
}

static int add_copies(char **to, int n, char *const *words)
{
	for (; *words; words++)
		to[n++] = text("%s", *words);
	return n;
}

char **debug_wrap(const struct run_options *options, char *const *arguments)
{
	static char *const valgrind[] = { "-q", "--error-exitcode=99", "--leak-check=full",
					  "--keep-debuginfo=yes", NULL };
	char **wrapped = calloc(20, sizeof(*wrapped));
	int n = 0;

	if (!wrapped)
		abort();
	if (options->valgrind_device) {
		wrapped[n++] = find_program("valgrind");
		n = add_copies(wrapped, n, valgrind);
	}
	if (options->gdb_device) {
		wrapped[n++] = find_program("gdbserver");
		wrapped[n++] = text("-"); /* its standard input and output */
	}
	add_copies(wrapped, n, arguments);
	return wrapped;
}
