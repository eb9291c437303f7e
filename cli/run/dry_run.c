/* SPDX-License-Identifier: MIT */
/* The commands of a run, for a shell: pasted, they do what the run would have done. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "run/run.h"

/* Prints a line; a '%' in it stands for the next word, quoted. */
static void line(const char *words, ...)
{
	va_list args;

	va_start(args, words);
	for (; *words; words++) {
		if (*words == '%')
			word_print(va_arg(args, const char *));
		else
			putchar(*words);
	}
	va_end(args);
	putchar('\n');
}

static void print_parts(const struct run_options *options, unsigned i,
			const struct guest_software *software, const char *root)
{
	const struct device_spec *device = &options->devices[i];
	char **command = guest_build_command(device, software);
	char *parts = guest_parts(device, software);
	char *environment = guest_environment(options, i);

	arguments_print(command);
	line("cp -R %/early %/modules %/tests %/riser/", parts, parts, parts, root);
	line("[ ! -d %/tree ] || cp -a %/tree/. %/", parts, parts, root);
	line("[ ! -e %/modules.load ] || cat %/modules.load >>%/riser/modules.load", parts,
	     parts, root);
	line("printf % % >%/riser/environment/%", "%s", environment, root, device->name);
	words_free(command);
	free(environment);
	free(parts);
}

static void print_initrd(const struct run_options *options,
			 const struct guest_software *software, const char *scratch)
{
	char *root = text("%s/root", scratch);

	line("mkdir -m 700 %", scratch);
	line("mkdir -p %/riser/tests %/riser/environment", root, root);
	for (unsigned i = 0; i < options->device_count; i++) {
		if (options->devices[i].folder && device_is_first(options, i))
			print_parts(options, i, software, root);
	}
	line("echo % >%/riser/mode", guest_mode(options), root);
	if (options->test)
		line("echo % >%/riser/test", options->test, root);
	line("cp % %/initrd", software->initramfs, scratch);
	line("(cd % && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0) >>%/initrd", root,
	     scratch);
	free(root);
}

static void print_server(const struct device_spec *device, const char *path, bool sandbox)
{
	char **words = device_command(device, path, sandbox);

	for (char **word = words; *word; word++) {
		word_print(*word);
		putchar(' ');
	}
	line("& servers=\"$servers $!\"");
	line("while [ ! -S % ] && kill -0 $!; do sleep 0.1; done", path);
	words_free(words);
}

void dry_run(const struct run_options *options, const struct guest_software *software,
	     const char *scratch)
{
	unsigned servers = options->attach == ATTACH_VFIO_USER ? options->device_count : 0;
	char **arguments = qemu_arguments(options, software, scratch);

	print_initrd(options, software, scratch);
	if (servers)
		line("servers=");
	for (unsigned i = 0; i < servers; i++) {
		char *path = socket_path(scratch, i);

		print_server(&options->devices[i], path, !options->no_sandbox);
		free(path);
	}
	arguments_print(arguments);
	words_free(arguments);
	if (servers)
		line("kill $servers; wait $servers");
	line("cat %/results", scratch);
	line("rm -rf --one-file-system %", scratch);
}
