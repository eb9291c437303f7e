/* SPDX-License-Identifier: MIT */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common.h"

/* What the kernel calls the processor; not all architectures' kernels do. */
static void find_model(char *model, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(model, size, "an unnamed processor");
	while (file && fgets(line, sizeof(line), file)) {
		const char *value = strchr(line, ':');

		if (strncmp(line, "model name", 10) || !value)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(model, size, "%s", value + 1 + strspn(value + 1, " "));
		break;
	}
	if (file)
		fclose(file);
}

struct json_object *machine(void)
{
	struct json_object *object = json_object_new_object();
	int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname name = { 0 };
	char model[256];

	uname(&name);
	find_model(model, sizeof(model));
	printf("%s, %d core%s, %s, Linux %s\n\n", model, cores, cores == 1 ? "" : "s",
	       name.machine, name.release);
	json_object_object_add(object, "cpu", json_object_new_string(model));
	json_object_object_add(object, "cores", json_object_new_int(cores));
	json_object_object_add(object, "architecture", json_object_new_string(name.machine));
	json_object_object_add(object, "kernel", json_object_new_string(name.release));
	return object;
}
