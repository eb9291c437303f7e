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

static void announce_guest(const struct run_options *options,
			   const struct guest_software *software)
{
	char *symbols = find_symbols(software);

	say("the guest waits for: gdb%s%s -ex 'target remote localhost:%s'; "
	    "'continue' boots it",
	    symbols ? " " : "", symbols ? symbols : "", options->gdb);
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

void debug_announce(const struct run_options *options, const struct guest_software *software)
{
	unsigned port = options->gdb_device ? (unsigned)atoi(options->gdb_device) : 0;

	if (options->gdb)
		announce_guest(options, software);
	for (unsigned i = 0; port && i < options->device_count; i++)
		say("device %s waits for: gdb -ex 'target remote localhost:%u'; 'continue' "
		    "starts it",
		    options->devices[i].name, port + i);
	if (options->vnc)
		say("the screen: VNC display %s%s", *options->vnc == ':' ? "localhost" : "",
		    options->vnc);
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

char **debug_wrap(const struct run_options *options, unsigned device, char *const *arguments)
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
		wrapped[n++] = text("--once");
		wrapped[n++] =
			text("localhost:%u", (unsigned)atoi(options->gdb_device) + device);
	}
	add_copies(wrapped, n, arguments);
	return wrapped;
}
