/* SPDX-License-Identifier: MIT */
/* The commands of a script, but for those that access a place; and how a line is run. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poke/poke.h"

static bool do_irq(struct poke_command *command)
{
	static const char *const names[] = { "intx", "msi", "msix" };
	struct riser_host *host = command->session->host;
	unsigned count = 1;

	if (command->count > 2 && !poke_count(command->words[2], &count, command->why))
		return false;
	for (unsigned i = 0; i < 3; i++) {
		if (!strcmp(command->words[1], names[i]))
			return !poke_failed(
				command,
				riser_host_irq_enable(host, (enum riser_irq_mode)i, count));
	}
	snprintf(command->why, 256, "interrupts are intx, msi or msix, not '%s'",
		 command->words[1]);
	return false;
}

/* wait irq [VECTOR] [TIME]: a word alone is a vector if it is a number. */
static bool do_wait(struct poke_command *command)
{
	uint64_t number, ns = UINT64_C(5000000000);
	unsigned vector = 0;
	size_t n = 2;

	if (strcmp(command->words[1], "irq")) {
		snprintf(command->why, 256, "what can be waited for is: wait irq");
		return false;
	}
	if ((command->count == 4 ||
	     (command->count == 3 && number_parse(command->words[n], &number, NULL))) &&
	    !poke_count(command->words[n++], &vector, command->why))
		return false;
	if (command->count > n && !poke_time(command->words[n], &ns, command->why))
		return false;
	if (poke_failed(command, riser_host_irq_wait(command->session->host, vector, ns)))
		return false;
	printf("irq %u\n", vector);
	return true;
}

static bool do_mask(struct poke_command *command)
{
	bool masked = !strcmp(command->words[0], "mask");
	unsigned vector;

	return poke_count(command->words[1], &vector, command->why) &&
	       !poke_failed(command,
			    riser_host_irq_mask(command->session->host, vector, masked));
}

static bool do_advance(struct poke_command *command)
{
	uint64_t ns;

	return poke_time(command->words[1], &ns, command->why) &&
	       !poke_failed(command, riser_host_advance(command->session->host, ns));
}

static bool do_reset(struct poke_command *command)
{
	static const struct {
		const char *name;
		enum riser_reset kind;
	} kinds[] = { { "device", RISER_RESET_DEVICE },
		      { "bus", RISER_RESET_BUS },
		      { "function", RISER_RESET_FUNCTION } };
	const char *name = command->count > 1 ? command->words[1] : "device";
	struct riser_host *host = command->session->host;

	for (unsigned i = 0; i < 3; i++) {
		if (!strcmp(kinds[i].name, name))
			return !poke_failed(command, riser_host_reset(host, kinds[i].kind)) &&
			       !poke_failed(command, riser_host_enable(host));
	}
	snprintf(command->why, 256, "a reset is of the device, bus or function, not '%s'",
		 name);
	return false;
}

static bool do_save(struct poke_command *command)
{
	FILE *file;
	size_t size;
	void *data;
	bool ok;

	if (poke_failed(command, riser_host_save(command->session->host, &data, &size)))
		return false;
	file = fopen(command->words[1], "we");
	ok = file && fwrite(data, 1, size, file) == size;
	if (file && fclose(file))
		ok = false;
	free(data);
	if (!ok)
		snprintf(command->why, 256, "cannot write '%s': %m", command->words[1]);
	return ok;
}

static bool do_load(struct poke_command *command)
{
	FILE *file = fopen(command->words[1], "re");
	char *data = NULL, block[4096];
	size_t size = 0, n;
	FILE *to = open_memstream(&data, &size);
	bool ok;

	while (file && to && (n = fread(block, 1, sizeof(block), file)))
		fwrite(block, 1, n, to);
	if (to)
		fclose(to);
	ok = file && data;
	if (!ok)
		snprintf(command->why, 256, "cannot read '%s': %m", command->words[1]);
	else
		ok = !poke_failed(command, riser_host_load(command->session->host, data, size));
	if (file)
		fclose(file);
	free(data);
	return ok;
}

static bool do_echo(struct poke_command *command)
{
	for (size_t i = 1; i < command->count; i++)
		printf("%s%s", command->words[i], i + 1 < command->count ? " " : "");
	printf("\n");
	return true;
}

static bool do_help(struct poke_command *command)
{
	(void)command;
	poke_help();
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct poke_command *command);
	unsigned least, most; /* words behind the name */
	const char *usage;
} commands[] = {
	{ "read", poke_read, 1, 2, "read PLACE [SIZE]" },
	{ "write", poke_write, 2, 3, "write PLACE VALUE [SIZE]" },
	{ "expect", poke_expect, 2, 3, "expect PLACE VALUE [SIZE]" },
	{ "fill", poke_fill, 3, 3, "fill mem+OFFSET LENGTH BYTE" },
	{ "irq", do_irq, 1, 2, "irq intx|msi|msix [VECTORS]" },
	{ "wait", do_wait, 1, 3, "wait irq [VECTOR] [TIME]" },
	{ "mask", do_mask, 1, 1, "mask VECTOR" },
	{ "unmask", do_mask, 1, 1, "unmask VECTOR" },
	{ "advance", do_advance, 1, 1, "advance TIME" },
	{ "reset", do_reset, 0, 1, "reset [device|bus|function]" },
	{ "save", do_save, 1, 1, "save FILE" },
	{ "load", do_load, 1, 1, "load FILE" },
	{ "echo", do_echo, 0, UINT_MAX, "echo WORD…" },
	{ "help", do_help, 0, 0, "help" },
};

void poke_help(void)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("  %s\n", commands[i].usage);
	printf("A PLACE is a register's name (or NAME[n]), barN+OFFSET, rom+OFFSET, "
	       "config+OFFSET or mem+OFFSET;\n"
	       "a TIME is 5ms, 20us, 2s; '#' begins a comment.\n");
}

/* The words of a line, in place, up to a comment. */
static void command_split(struct poke_command *command, char *copy)
{
	char *rest = copy, *word;

	copy[strcspn(copy, "#\n")] = '\0';
	command->words = calloc(strlen(copy) / 2 + 1, sizeof(*command->words));
	while (command->words && (word = strsep(&rest, " \t\r"))) {
		if (*word)
			command->words[command->count++] = word;
	}
}

static bool command_run(struct poke_command *command)
{
	size_t given = command->count - 1;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(command->words[0], commands[i].name))
			continue;
		if (given >= commands[i].least && given <= commands[i].most)
			return commands[i].run(command);
		snprintf(command->why, 256, "it is: %s", commands[i].usage);
		return false;
	}
	snprintf(command->why, 256, "unknown command '%s'; 'help' lists them",
		 command->words[0]);
	return false;
}

bool poke_line(struct session *session, const char *line, char why[256])
{
	struct poke_command command = { .session = session, .why = why };
	char *copy = text("%s", line);
	bool ok;

	command_split(&command, copy);
	ok = !command.count || command_run(&command);
	fflush(stdout);
	free(command.words);
	free(copy);
	return ok;
}
