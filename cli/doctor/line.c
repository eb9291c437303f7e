/* SPDX-License-Identifier: MIT */
/* A command line of QEMU. */
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"

static bool has(const struct line *line, const char *name)
{
	for (size_t i = 0; i < line->count; i++) {
		if (!strcmp(line->options[i].name, name))
			return true;
	}
	return false;
}

static void check_program(struct report *report, const struct line *line)
{
	char *path = line->program ? program_find(line->program) : NULL;
	struct qemu qemu = { 0 };

	if (!line->program)
		return;
	if (!path)
		report_problem(
			report, line->program,
			"there is no such program; mend: apt-get install qemu-system-x86, "
			"or name it by its path");
	else if (!qemu_ask(report, "the line's QEMU", path, &qemu))
		;
	else if (!qemu.vfio_user)
		report_problem(
			report, "the line's QEMU",
			"%s is QEMU %s, which has no vfio-user-pci; mend: one of 10.1 or "
			"newer, or the one that 'riser run --dry-run' prints",
			path, qemu.version);
	else
		report_ok("the line's QEMU", "%s is QEMU %s, has vfio-user-pci", path,
			  qemu.version);
	qemu_forget(&qemu);
	free(path);
}

/* The accelerators that were asked for, in order, in either way. */
static void check_accelerator(struct report *report, const struct line *line)
{
	struct json_object *accel = line_merged(line, "accel", NULL, "accel");
	struct json_object *machine = line_merged(line, "machine", "M", "type");
	const char *first = accel ? object_word(accel, "accel") : NULL, *trouble;

	if (!first && machine)
		first = object_word(machine, "accel");
	if (has(line, "enable-kvm"))
		first = "kvm";
	if (first && !strncmp(first, "kvm", 3)) {
		trouble = kvm_trouble();
		if (trouble)
			report_problem(report, "accelerator", "%s; mend: -accel tcg", trouble);
		else
			report_ok("accelerator", "KVM runs a guest's CPU");
	}
	json_object_put(machine);
	json_object_put(accel);
}

static void check_migration(struct report *report, const struct line *line)
{
	if (has(line, "incoming") || has(line, "loadvm"))
		report_warning(
			report, "migration",
			"QEMU's client neither saves the device's state nor refuses: the "
			"device comes out of it as after a reset; mend: the attachment "
			"'qemu' (riser run --attach qemu) for saved states");
}

static void check_files(struct report *report, const struct line *line)
{
	if (has(line, "readconfig"))
		report_warning(report, "-readconfig", "what is in that file was not looked at");
}

void check_line(struct report *report, char **words)
{
	struct line line;

	line_take(words, &line);
	check_program(report, &line);
	check_accelerator(report, &line);
	check_line_memory(report, &line);
	check_line_devices(report, &line);
	check_migration(report, &line);
	check_files(report, &line);
	line_forget(&line);
}
