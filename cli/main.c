/* SPDX-License-Identifier: MIT */
/* riser - device models for virtual machines, outside the VMM. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "config.h"

static const struct command commands[] = {
	{ "run", "boot a guest with devices, load their drivers, run their tests", cmd_run },
	{ "image", "make, list and delete disks to boot whole machines from", cmd_image },
	{ "ssh", "log into the machine that was booted from an image", cmd_ssh },
	{ "serve", "serve one device on a socket, for a VM started by hand", cmd_serve },
	{ "list", "show the device models there are", cmd_list },
	{ "inspect", "show a device's identity, BARs, capabilities and registers",
	  cmd_inspect },
	{ "poke", "drive a device by hand or from a script, without a VM", cmd_poke },
	{ "regs", "print a register map as a C header, a table or JSON", cmd_regs },
	{ "fuzz", "feed a device what a hostile guest or client would", cmd_fuzz },
	{ "doctor", "find what will go wrong on this host or on QEMU's command line",
	  cmd_doctor },
	{ "new", "make a device of your own, with driver and test", cmd_new },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void help(FILE *to)
{
	fprintf(to, "Usage: riser COMMAND [ARGUMENT…]\n"
		    "PCI and virtio device models for virtual machines, outside the VMM.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fprintf(to,
		"\n'riser COMMAND --help' says more; 'riser --version' prints the version.\n"
		"Start with: riser run my_rng\n");
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static int unknown(const char *name)
{
	const char *words[COMMANDS + 1] = { NULL }, *meant;

	for (size_t i = 0; i < COMMANDS; i++)
		words[i] = commands[i].name;
	meant = nearest(name, words);
	complain("unknown command '%s'%s%s%s; see 'riser --help'", name,
		 meant ? ": did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
	return CLI_USAGE;
}

static int run(int argc, char **argv)
{
	const struct command *command;
	char *name;
	int status;

	argp_err_exit_status = CLI_USAGE;
	if (argc < 2) {
		help(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("riser " RISER_VERSION "\n");
		return CLI_OK;
	}
	if (!strcmp(argv[1], "help") && argc > 2) {
		argv[1] = argv[2];
		argv[2] = (char *)"--help";
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help(stdout);
		return CLI_OK;
	}
	command = find(argv[1]);
	if (!command)
		return unknown(argv[1]);
	name = text("riser %s", command->name);
	argv[1] = name;
	status = command->run(argc - 1, argv + 1);
	free(name);
	return status;
}

int main(int argc, char **argv)
{
	int status = run(argc, argv);

	/* A disk that is full must not pass for success. */
	if ((fflush(stdout) || ferror(stdout)) && status == CLI_OK)
		status = complain("cannot write the output: %m");
	return status;
}
