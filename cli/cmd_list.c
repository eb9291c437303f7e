/* SPDX-License-Identifier: MIT */
/* riser list - the device models that are found, a line each. */
#include <argp.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct listing {
	struct json_object *json; /* NULL: lines */
	const char **paths;	  /* of arguments */
	size_t count;
	unsigned bad;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct listing *listing = state->input;

	if (key == 'j')
		listing->json = json_object_new_array();
	else if (key == ARGP_KEY_ARG)
		listing->paths[listing->count++] = arg;
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static void add_json(struct json_object *list, const struct riser_pci_device *pci,
		     const char *path)
{
	struct json_object *entry = json_object_new_object();
	char id[16];

	snprintf(id, sizeof(id), "%04x:%04x", pci->id.vendor, pci->id.device);
	json_object_object_add(entry, "name", json_object_new_string(pci->name));
	json_object_object_add(entry, "id", json_object_new_string(id));
	json_object_object_add(entry, "summary",
			       json_object_new_string(pci->summary ? pci->summary : ""));
	json_object_object_add(entry, "path", json_object_new_string(path));
	json_object_array_add(list, entry);
}

static void show(const char *path, void *arg)
{
	struct listing *listing = arg;
	const struct riser_pci_device *pci;
	struct riser_model *model;
	struct riser_error error;

	if (riser_model_open(path, &model, &error)) {
		complain("%s", error.text);
		listing->bad++;
		return;
	}
	pci = riser_model_pci(model);
	if (listing->json)
		add_json(listing->json, pci, path);
	else
		printf("%-16s %04x:%04x  %s\n", pci->name, pci->id.vendor, pci->id.device,
		       pci->summary ? pci->summary : "");
	riser_model_close(model);
}

int cmd_list(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "json", 'j', NULL, 0, "print JSON", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options,
		parse,
		"[MODEL.so…]",
		"Shows the device models there are: those in the folders and files of "
		"RISER_PATH "
		"(separated by colons) and the shipped ones; or just the MODELs named.",
		NULL,
		NULL,
		NULL
	};
	struct listing listing = { .paths = calloc((size_t)argc, sizeof(char *)) };

	if (!listing.paths || arguments_parse(&argp, argc, argv, &listing))
		return CLI_USAGE;
	for (size_t i = 0; i < listing.count; i++)
		show(listing.paths[i], &listing);
	if (!listing.count)
		models_each(show, &listing);
	if (listing.json)
		puts(json_object_to_json_string_ext(listing.json, JSON_C_TO_STRING_PRETTY));
	json_object_put(listing.json);
	free(listing.paths);
	return listing.bad ? CLI_FAIL : CLI_OK;
}
