/* SPDX-License-Identifier: MIT */
/* riser regs - a register map or virtio configuration as a C header, a Markdown table or JSON.
 */
#include <argp.h>
#include <ctype.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "registers.h"

struct request {
	const char *device;
	int format; /* 'c', 'm' or 'j' */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case 'c':
	case 'm':
	case 'j':
		request->format = key;
		return 0;
	case ARGP_KEY_ARG:
		if (request->device)
			misused(state, "one DEVICE at a time");
		request->device = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		misused(state, "which DEVICE?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/*
 * What is shown of a virtio device: its own configuration, as the one map of a function that is
 * else the model's. A BAR without a size stands for it.
 */
static struct riser_pci_device configuration_of(const struct riser_model *model,
						struct riser_bar *bar)
{
	const struct riser_virtio_device *virtio = riser_model_virtio(model);
	struct riser_pci_device view = *riser_model_pci(model);

	*bar = (struct riser_bar){ .regs = virtio->config };
	view.bars = (struct riser_bars){ .base = bar, .count = 1, .stride = sizeof(*bar) };
	return view;
}

/* What a map belongs to; malloc'ed. */
static char *title_of(const struct riser_bar *bar)
{
	return bar->size ? text("BAR%u", bar->index) : text("Device configuration");
}

/* A name as a macro has it; malloc'ed. */
static char *upper(const char *name)
{
	char *made = text("%s", name);

	for (char *p = made; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
	return made;
}

/* Whether another BAR has a register of that name: then the BAR's number tells them apart. */
static bool is_ambiguous(const struct riser_pci_device *pci, const struct riser_reg *reg)
{
	unsigned found = 0;

	riser_each(bar, &pci->bars) {
		riser_each(other, &bar->regs)
			found += !strcmp(other->name, reg->name);
	}
	return found > 1;
}

static char *macro_of(const struct riser_pci_device *pci, const struct riser_bar *bar,
		      const struct riser_reg *reg)
{
	char *device = upper(pci->name), *name = upper(reg->name), *made;

	if (is_ambiguous(pci, reg))
		made = text("%s_BAR%u_%s", device, bar->index, name);
	else
		made = text("%s_%s", device, name);
	free(device);
	free(name);
	return made;
}

static void print_register(const struct riser_pci_device *pci, const struct riser_bar *bar,
			   const struct riser_reg *reg)
{
	char *macro = macro_of(pci, bar, reg);

	if (reg->count > 1)
		printf("#define %s(n) (0x%" PRIx64 " + (n) * 0x%x) /* n < %u; ", macro,
		       reg->offset, reg->stride, reg->count);
	else
		printf("#define %s 0x%" PRIx64 " /* ", macro, reg->offset);
	printf("%u bits, %s%s%s */\n", reg->width * 8, register_access(reg),
	       reg->help ? ": " : "", reg->help ? reg->help : "");
	riser_each(field, &reg->fields) {
		char *name = upper(field->name);

		printf("#define %s_%s 0x%" PRIx64 "%s%s%s%s\n", macro, name, field->mask,
		       field->mask > UINT32_MAX ? "ULL" : "", field->help ? " /* " : "",
		       field->help ? field->help : "", field->help ? " */" : "");
		free(name);
	}
	free(macro);
}

/* What a driver on the virtio bus wants to know instead of a PCI ID. */
static void print_virtio(const struct riser_virtio_device *virtio, const char *device)
{
	printf("#define %s_VIRTIO_ID %u\n", device, virtio->virtio_id);
	if (virtio->features.count)
		printf("\n/* Feature bits */\n");
	riser_each(feature, &virtio->features) {
		char *name = upper(feature->name);

		printf("#define %s_F_%s %u%s%s%s\n", device, name, feature->bit,
		       feature->help ? " /* " : "", feature->help ? feature->help : "",
		       feature->help ? " */" : "");
		free(name);
	}
}

static void print_header(const struct riser_pci_device *pci,
			 const struct riser_virtio_device *virtio)
{
	char *device = upper(pci->name), *title;

	printf("/* SPDX-License-Identifier: MIT-0 OR GPL-2.0-only */\n"
	       "/* Made by `riser regs %s`; do not edit. */\n"
	       "/* clang-format off */\n"
	       "#ifndef %s_REGS_H\n#define %s_REGS_H\n\n",
	       pci->name, device, device);
	if (virtio)
		print_virtio(virtio, device);
	else
		printf("#define %s_PCI_VENDOR 0x%04x\n#define %s_PCI_DEVICE 0x%04x\n", device,
		       pci->id.vendor, device, pci->id.device);
	riser_each(bar, &pci->bars) {
		title = title_of(bar);
		if (bar->regs.count)
			printf("\n/* %s */\n", title);
		free(title);
		riser_each(reg, &bar->regs)
			print_register(pci, bar, reg);
	}
	printf("\n#endif\n");
	free(device);
}

static void print_row(const struct riser_reg *reg)
{
	const struct riser_reg_field *field = reg->fields.base;

	printf("| 0x%" PRIx64, reg->offset);
	if (reg->count > 1)
		printf(" + n × 0x%x, n < %u", reg->stride, reg->count);
	printf(" | %s | %u | %s | ", reg->name, reg->width * 8, register_access(reg));
	if (register_is_computed(reg))
		printf("computed");
	else
		printf("0x%" PRIx64, reg->reset);
	printf(" | %s", reg->help ? reg->help : "");
	for (uint32_t i = 0; i < reg->fields.count; i++)
		printf("%s`%s` 0x%" PRIx64 "%s%s", i || reg->help ? "; " : "", field[i].name,
		       field[i].mask, field[i].help ? " " : "",
		       field[i].help ? field[i].help : "");
	printf(" |\n");
}

static void print_markdown(const struct riser_pci_device *pci)
{
	char *title;

	printf("# %s\n\nPCI %04x:%04x%s%s\n", pci->name, pci->id.vendor, pci->id.device,
	       pci->summary ? ", " : "", pci->summary ? pci->summary : "");
	riser_each(bar, &pci->bars) {
		if (!bar->regs.count)
			continue;
		title = title_of(bar);
		printf("\n## %s\n\n| offset | register | bits | access | reset | |\n"
		       "| --- | --- | --- | --- | --- | --- |\n",
		       title);
		free(title);
		riser_each(reg, &bar->regs)
			print_row(reg);
	}
}

static void add(struct json_object *to, const char *key, uint64_t value)
{
	json_object_object_add(to, key, json_object_new_uint64(value));
}

static struct json_object *json_register(const struct riser_reg *reg)
{
	struct json_object *entry = json_object_new_object(), *fields = json_object_new_array();

	json_object_object_add(entry, "name", json_object_new_string(reg->name));
	add(entry, "offset", reg->offset);
	add(entry, "width", reg->width);
	add(entry, "count", reg->count);
	add(entry, "stride", reg->stride);
	if (register_is_computed(reg))
		json_object_object_add(entry, "reset", NULL);
	else
		add(entry, "reset", reg->reset);
	json_object_object_add(entry, "access", json_object_new_string(register_access(reg)));
	json_object_object_add(entry, "help",
			       json_object_new_string(reg->help ? reg->help : ""));
	riser_each(field, &reg->fields) {
		struct json_object *one = json_object_new_object();

		json_object_object_add(one, "name", json_object_new_string(field->name));
		add(one, "mask", field->mask);
		json_object_array_add(fields, one);
	}
	json_object_object_add(entry, "fields", fields);
	return entry;
}

static void print_json(const struct riser_pci_device *pci)
{
	struct json_object *root = json_object_new_object(), *bars = json_object_new_array();

	json_object_object_add(root, "name", json_object_new_string(pci->name));
	add(root, "vendor", pci->id.vendor);
	add(root, "device", pci->id.device);
	riser_each(bar, &pci->bars) {
		struct json_object *one = json_object_new_object(),
				   *regs = json_object_new_array();

		add(one, "index", bar->index);
		add(one, "size", bar->size);
		riser_each(reg, &bar->regs)
			json_object_array_add(regs, json_register(reg));
		json_object_object_add(one, "registers", regs);
		json_object_array_add(bars, one);
	}
	json_object_object_add(root, "bars", bars);
	puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
}

static void print(const struct riser_model *model, int format)
{
	const struct riser_virtio_device *virtio = riser_model_virtio(model);
	struct riser_pci_device pci = *riser_model_pci(model);
	struct riser_bar bar;

	if (virtio)
		pci = configuration_of(model, &bar);
	if (format == 'c')
		print_header(&pci, virtio);
	else if (format == 'm')
		print_markdown(&pci);
	else
		print_json(&pci);
}

int cmd_regs(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "header", 'c', NULL, 0, "a C header for the driver (the default)", 0 },
		{ "markdown", 'm', NULL, 0, "a table for documentation", 0 },
		{ "json", 'j', NULL, 0, "JSON", 0 },
		{ 0 },
	};
	static const struct argp argp = { options,
					  parse,
					  "DEVICE",
					  "Prints the register map of a device, made from its "
					  "model. DEVICE is a name that "
					  "'riser list' shows, a .so or a device's folder.",
					  NULL,
					  NULL,
					  NULL };
	struct request request = { .format = 'c' };
	struct riser_model *model = NULL;
	struct device_spec spec;
	struct riser_error error;
	int status = CLI_OK;

	if (arguments_parse(&argp, argc, argv, &request))
		return CLI_USAGE;
	if (!device_find_model(request.device, &spec))
		return CLI_FAIL;
	if (riser_model_open(spec.model, &model, &error))
		status = complain("%s", error.text);
	else
		print(model, request.format);
	riser_model_close(model);
	device_forget(&spec);
	return status;
}
