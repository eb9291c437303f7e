/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poke/poke.h"

struct line {
	struct session *session;
	char *words[POKE_WORDS + 1];
	unsigned count;
	char *why;
};

static bool host_failed(struct line *line, int ret)
{
	if (ret)
		snprintf(line->why, 256, "%s", riser_host_error(line->session->host));
	return ret != 0;
}

static void *guest_memory(struct line *line, uint64_t offset, uint64_t size)
{
	uint64_t total;
	char *memory = riser_host_memory(line->session->host, &total, NULL);

	if (offset < total && size <= total - offset)
		return memory + offset;
	snprintf(line->why, 256, "the guest has only %#" PRIx64 " bytes of memory", total);
	return NULL;
}

static bool get(struct line *line, const struct poke_target *t, uint64_t *value)
{
	struct riser_host *host = line->session->host;
	uint32_t word;
	void *at;

	*value = 0;
	if (t->space == POKE_BAR)
		return !host_failed(line,
				    riser_host_read(host, t->bar, t->offset, t->size, value));
	if (t->space == POKE_CONFIG) {
		if (host_failed(line, riser_host_config_read(host, (unsigned)t->offset, t->size,
							     &word)))
			return false;
		*value = word;
		return true;
	}
	at = guest_memory(line, t->offset, t->size);
	if (at)
		memcpy(value, at, t->size);
	return at;
}

static bool put(struct line *line, const struct poke_target *t, uint64_t value)
{
	struct riser_host *host = line->session->host;
	void *at;

	if (t->space == POKE_BAR)
		return !host_failed(line,
				    riser_host_write(host, t->bar, t->offset, t->size, value));
	if (t->space == POKE_CONFIG)
		return !host_failed(line, riser_host_config_write(host, (unsigned)t->offset,
								  t->size, (uint32_t)value));
	at = guest_memory(line, t->offset, t->size);
	if (at)
		memcpy(at, &value, t->size);
	return at;
}

/* The target in word 1, its size from word `n` if there is one. */
static bool take_target(struct line *line, unsigned n, struct poke_target *target)
{
	uint64_t size;

	if (!poke_target(line->session, line->words[1], target, line->why))
		return false;
	if (line->count <= n)
		return true;
	if (!poke_number(line->words[n], &size, line->why))
		return false;
	target->size = (unsigned)size;
	if (size == 1 || size == 2 || size == 4 || size == 8)
		return true;
	snprintf(line->why, 256, "an access has 1, 2, 4 or 8 bytes, not %s", line->words[n]);
	return false;
}

static bool do_read(struct line *line)
{
	struct poke_target target;
	uint64_t value;

	if (!take_target(line, 2, &target) || !get(line, &target, &value))
		return false;
	printf("%s = 0x%0*" PRIx64 "\n", line->words[1], (int)target.size * 2, value);
	return true;
}

static bool do_write(struct line *line)
{
	struct poke_target target;
	uint64_t value;

	return take_target(line, 3, &target) &&
	       poke_number(line->words[2], &value, line->why) && put(line, &target, value);
}

static bool do_expect(struct line *line)
{
	struct poke_target target;
	uint64_t value, expected;

	if (!take_target(line, 3, &target) ||
	    !poke_number(line->words[2], &expected, line->why) || !get(line, &target, &value))
		return false;
	if (value == expected)
		return true;
	snprintf(line->why, 256, "%s is 0x%" PRIx64 ", expected 0x%" PRIx64, line->words[1],
		 value, expected);
	return false;
}

static bool do_fill(struct line *line)
{
	struct poke_target target;
	uint64_t length, byte;
	void *at;

	if (!take_target(line, 4, &target) ||
	    !poke_number(line->words[2], &length, line->why) ||
	    !poke_number(line->words[3], &byte, line->why))
		return false;
	if (target.space != POKE_MEMORY) {
		snprintf(line->why, 256, "only memory can be filled: fill mem+0 4096 0xff");
		return false;
	}
	at = guest_memory(line, target.offset, length);
	if (at)
		memset(at, (int)byte, length);
	return at;
}

static bool do_irq(struct line *line)
{
	static const char *const names[] = { "intx", "msi", "msix" };
	uint64_t count = 1;

	if (line->count > 2 && !poke_number(line->words[2], &count, line->why))
		return false;
	for (unsigned i = 0; i < 3; i++) {
		if (!strcmp(line->words[1], names[i]))
			return !host_failed(line, riser_host_irq_enable(line->session->host,
									(enum riser_irq_mode)i,
									(unsigned)count));
	}
	snprintf(line->why, 256, "interrupts are intx, msi or msix, not '%s'", line->words[1]);
	return false;
}

/* wait irq [VECTOR] [TIME] */
static bool do_wait(struct line *line)
{
	uint64_t vector = 0, ns = UINT64_C(5000000000);
	unsigned n = 2;

	if (strcmp(line->words[1], "irq")) {
		snprintf(line->why, 256, "what can be waited for is: wait irq");
		return false;
	}
	if (line->count > n && !line->words[n][strspn(line->words[n], "0123456789")] &&
	    !poke_number(line->words[n++], &vector, line->why))
		return false;
	if (line->count > n && !poke_time(line->words[n], &ns, line->why))
		return false;
	if (host_failed(line, riser_host_irq_wait(line->session->host, (unsigned)vector, ns)))
		return false;
	printf("irq %" PRIu64 "\n", vector);
	return true;
}

static bool do_mask(struct line *line)
{
	bool masked = !strcmp(line->words[0], "mask");
	uint64_t vector;

	return poke_number(line->words[1], &vector, line->why) &&
	       !host_failed(line,
			    riser_host_irq_mask(line->session->host, (unsigned)vector, masked));
}

static bool do_advance(struct line *line)
{
	uint64_t ns;

	return poke_time(line->words[1], &ns, line->why) &&
	       !host_failed(line, riser_host_advance(line->session->host, ns));
}

static bool do_reset(struct line *line)
{
	static const struct {
		const char *name;
		enum riser_reset kind;
	} kinds[] = { { "device", RISER_RESET_DEVICE },
		      { "bus", RISER_RESET_BUS },
		      { "function", RISER_RESET_FUNCTION } };
	const char *name = line->count > 1 ? line->words[1] : "device";
	struct riser_host *host = line->session->host;

	for (unsigned i = 0; i < 3; i++) {
		if (!strcmp(kinds[i].name, name))
			return !host_failed(line, riser_host_reset(host, kinds[i].kind)) &&
			       !host_failed(line, riser_host_enable(host));
	}
	snprintf(line->why, 256, "a reset is of the device, bus or function, not '%s'", name);
	return false;
}

static bool do_save(struct line *line)
{
	FILE *file;
	size_t size;
	void *data;
	bool ok;

	if (host_failed(line, riser_host_save(line->session->host, &data, &size)))
		return false;
	file = fopen(line->words[1], "we");
	ok = file && fwrite(data, 1, size, file) == size;
	if (file && fclose(file))
		ok = false;
	free(data);
	if (!ok)
		snprintf(line->why, 256, "cannot write '%s': %m", line->words[1]);
	return ok;
}

static bool do_load(struct line *line)
{
	FILE *file = fopen(line->words[1], "re");
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
		snprintf(line->why, 256, "cannot read '%s': %m", line->words[1]);
	else
		ok = !host_failed(line, riser_host_load(line->session->host, data, size));
	if (file)
		fclose(file);
	free(data);
	return ok;
}

static bool do_echo(struct line *line)
{
	for (unsigned i = 1; i < line->count; i++)
		printf("%s%s", line->words[i], i + 1 < line->count ? " " : "");
	printf("\n");
	return true;
}

static bool do_help(struct line *line)
{
	(void)line;
	poke_help();
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct line *line);
	unsigned least, most; /* words behind the name */
	const char *usage;
} commands[] = {
	{ "read", do_read, 1, 2, "read PLACE [SIZE]" },
	{ "write", do_write, 2, 3, "write PLACE VALUE [SIZE]" },
	{ "expect", do_expect, 2, 3, "expect PLACE VALUE [SIZE]" },
	{ "fill", do_fill, 3, 3, "fill mem+OFFSET LENGTH BYTE" },
	{ "irq", do_irq, 1, 2, "irq intx|msi|msix [VECTORS]" },
	{ "wait", do_wait, 1, 3, "wait irq [VECTOR] [TIME]" },
	{ "mask", do_mask, 1, 1, "mask VECTOR" },
	{ "unmask", do_mask, 1, 1, "unmask VECTOR" },
	{ "advance", do_advance, 1, 1, "advance TIME" },
	{ "reset", do_reset, 0, 1, "reset [device|bus|function]" },
	{ "save", do_save, 1, 1, "save FILE" },
	{ "load", do_load, 1, 1, "load FILE" },
	{ "echo", do_echo, 0, POKE_WORDS, "echo WORD…" },
	{ "help", do_help, 0, 0, "help" },
};

void poke_help(void)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("  %s\n", commands[i].usage);
	printf("A PLACE is a register's name (or NAME[n]), barN+OFFSET, config+OFFSET or "
	       "mem+OFFSET;\n"
	       "a TIME is 5ms, 20us, 2s; '#' begins a comment.\n");
}

static void split(struct line *line, char *copy)
{
	char *rest = copy, *word;

	copy[strcspn(copy, "#\n")] = '\0';
	while ((word = strsep(&rest, " \t\r")) && line->count < POKE_WORDS + 1) {
		if (*word)
			line->words[line->count++] = word;
	}
}

static bool run(struct line *line)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(line->words[0], commands[i].name))
			continue;
		if (line->count - 1 >= commands[i].least && line->count - 1 <= commands[i].most)
			return commands[i].run(line);
		snprintf(line->why, 256, "it is: %s", commands[i].usage);
		return false;
	}
	snprintf(line->why, 256, "unknown command '%s'; 'help' lists them", line->words[0]);
	return false;
}

bool poke_line(struct session *session, const char *words, char why[256])
{
	struct line line = { .session = session, .why = why };
	char *copy = text("%s", words);
	bool ok;

	split(&line, copy);
	ok = !line.count || run(&line);
	fflush(stdout);
	free(copy);
	return ok;
}
