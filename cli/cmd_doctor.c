/* SPDX-License-Identifier: MIT */
/* riser doctor - what of this host, or of a command line of QEMU, will go wrong. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_ARG)
		misused(state, "'%s' is no option; QEMU's command line goes after '--'", arg);
	return ARGP_ERR_UNKNOWN;
}

static int conclude(const struct report *report)
{
	if (!report->problems && !report->warnings)
		puts("nothing is wrong");
	else
		printf("%u problem%s, %u warning%s\n", report->problems,
		       report->problems == 1 ? "" : "s", report->warnings,
		       report->warnings == 1 ? "" : "s");
	return report->problems ? CLI_FAIL : CLI_OK;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		parse,
		"[-- QEMU-COMMAND-LINE]",
		"Looks for what commonly goes wrong on this host, and in the command line of a "
		"QEMU that has vfio-user devices; says a line for each thing, and how to mend "
		"it."
		"\vExit status 1 if there is a problem; warnings do not count.",
		NULL,
		NULL,
		NULL
	};
	struct report report = { 0 };
	char **words = arguments_behind_dashes(&argc, argv);

	if (arguments_parse(&argp, argc, argv, NULL))
		return CLI_USAGE;
	check_kernel(&report);
	check_kvm(&report);
	check_limits(&report);
	check_packages(&report);
	check_qemus(&report);
	if (words)
		check_line(&report, words);
	return conclude(&report);
}
