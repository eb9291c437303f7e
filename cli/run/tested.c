/* SPDX-License-Identifier: MIT */
/* Says what a verdict holds for, in one line: docs/tested.md is made of these. */
#include <stdio.h>

#include "run/run.h"

void tested_print(const struct run_options *options, const struct guest_software *software)
{
	static const char *const attachments[] = { "vfio-user", "qemu", "builtin" };

	printf("tested: Linux %s, QEMU %s, %s, %s, %s:", software->release,
	       software->qemu_version, options->board->name,
	       accelerator_name(options->accelerator), attachments[options->attach]);
	for (unsigned i = 0; i < options->device_count; i++)
		printf(" %s", options->devices[i].name);
	putchar('\n');
}
