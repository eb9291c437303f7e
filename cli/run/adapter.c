/* SPDX-License-Identifier: MIT */
/* A QEMU with the adapter in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"

char *adapter_find(bool with_machine, struct signals *signals)
{
	char *tool = text("%s/qemu-adapter", place_of_tools()), *printed = NULL;
	char *arguments[] = { tool, (char *)"--models", (char *)place_of_models(),
			      with_machine ? (char *)"--machine" : NULL, NULL };
	size_t size;
	FILE *output = open_memstream(&printed, &size);
	bool ok = output && helper_run(arguments, output, signals);

	if (output)
		fclose(output);
	free(tool);
	if (!ok) {
		free(printed);
		return NULL;
	}
	printed[strcspn(printed, "\n")] = '\0';
	return printed;
}
