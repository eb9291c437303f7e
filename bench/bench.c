/* SPDX-License-Identifier: MIT */
/* make bench: the library against the floor of what it stands on, in one run. */
#include <json-c/json.h>
#include <stdio.h>

#include "common.h"
#include "parts.h"

int main(int argc, char **argv)
{
	struct json_object *root = json_object_new_object();
	struct json_object *list = json_object_new_array();

	if (argc < 4)
		die("usage: bench-riser RISER DEVICE.so OUT.json");
	json_object_object_add(root, "machine", machine());
	json_object_object_add(root, "figures", list);
	printf("%-44s %15s %15s %6s  target\n", "medians of interleaved runs", "riser",
	       "the floor", "ratio");
	bench_messages(list);
	bench_polled(list);
	bench_costs(list);
	bench_many(list);
	bench_irq(list);
	bench_copies(list);
	bench_maps(list);
	bench_access(list);
	bench_idle(list, argv[1], argv[2]);
	if (json_object_to_file_ext(argv[3], root, JSON_C_TO_STRING_PRETTY))
		die("cannot write the JSON");
	json_object_put(root);
	return 0;
}
