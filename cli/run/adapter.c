/* SPDX-License-Identifier: MIT */
/* A QEMU with the adapter in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"

/* What a program prints, malloc'ed; NULL if it fails, which was said, or ends by a signal. */
static char *output_of(char *const *arguments, struct signals *signals)
{
	char *printed = NULL;
	size_t size;
	FILE *output = open_memstream(&printed, &size);
	bool ok = output && helper_run(arguments, output, signals);

	if (output)
		fclose(output);
	if (ok)
		return printed;
	free(printed);
	return NULL;
}

char *adapter_find(bool with_machine, struct signals *signals)
{
	char *tool = text("%s/qemu-adapter", place_of_tools());
	char *arguments[] = { tool, (char *)"--models", (char *)place_of_models(),
			      with_machine ? (char *)"--machine" : NULL, NULL };
	char *printed = output_of(arguments, signals);

	free(tool);
	if (printed)
		printed[strcspn(printed, "\n")] = '\0';
	return printed;
}

char *qemu_version_ask(const char *program, struct signals *signals)
{
	char *arguments[] = { (char *)program, (char *)"--version", NULL };
	char *printed = output_of(arguments, signals);
	const char *found = printed ? strstr(printed, "version ") : NULL;
	char *version = NULL;

	if (found) {
		found += strlen("version ");
		version = text("%.*s", (int)strcspn(found, " \n"), found);
	}
	free(printed);
	return version;
}
