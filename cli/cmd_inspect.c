/* SPDX-License-Identifier: MIT */
/* riser inspect - a device as lspci -vv would show it, and its registers. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/pci_regs.h>

#include "inspect/inspect.h"

struct request {
	struct session_target target;
	bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	(void)arg;
	switch (key) {
	case 'j':
		request->json = true;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->target;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static uint32_t get(struct session *session, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	riser_host_config_read(session->host, offset, size, &value);
	return value;
}

static char *size_words(uint64_t size)
{
	static const char units[] = { 0, 'K', 'M', 'G', 'T', 'P', 'E' };
	unsigned unit = 0;

	while (size >= 1024 && !(size % 1024)) {
		size /= 1024;
		unit++;
	}
	return unit ? text("%" PRIu64 "%c", size, units[unit]) : text("%" PRIu64, size);
}

static void print_identity(struct session *session)
{
	uint32_t command = get(session, PCI_COMMAND, 2),
		 pin = get(session, PCI_INTERRUPT_PIN, 1);

	if (session->pci)
		printf("%s%s%s\n", session->pci->name, session->pci->summary ? ": " : "",
		       session->pci->summary ? session->pci->summary : "");
	printf("\tPCI %04x:%04x (rev %02x), class %06x, subsystem %04x:%04x\n",
	       get(session, PCI_VENDOR_ID, 2), get(session, PCI_DEVICE_ID, 2),
	       get(session, PCI_REVISION_ID, 1), get(session, PCI_CLASS_REVISION, 4) >> 8,
	       get(session, PCI_SUBSYSTEM_VENDOR_ID, 2), get(session, PCI_SUBSYSTEM_ID, 2));
	printf("\tControl: I/O%c Mem%c BusMaster%c DisINTx%c\n",
	       command & PCI_COMMAND_IO ? '+' : '-', command & PCI_COMMAND_MEMORY ? '+' : '-',
	       command & PCI_COMMAND_MASTER ? '+' : '-',
	       command & PCI_COMMAND_INTX_DISABLE ? '+' : '-');
	if (pin)
		printf("\tInterrupt: pin %c\n", (char)('A' + pin - 1));
}

static const char *kind_words(const struct riser_host_bar *bar)
{
	if (bar->kind == RISER_IO)
		return "I/O ports";
	if (bar->kind == RISER_MEM64)
		return bar->prefetchable ? "Memory (64-bit, prefetchable)"
					 : "Memory (64-bit, non-prefetchable)";
	return bar->prefetchable ? "Memory (32-bit, prefetchable)"
				 : "Memory (32-bit, non-prefetchable)";
}

static void print_bars(struct session *session)
{
	for (unsigned i = 0; i < 6; i++) {
		struct riser_host_bar bar;
		char *size;

		if (riser_host_bar(session->host, i, &bar) || !bar.size)
			continue;
		size = size_words(bar.size);
		printf("\tRegion %u: %s [size=%s]\n", i, kind_words(&bar), size);
		free(size);
	}
}

static void print_rom(struct session *session)
{
	uint32_t mask = 0;
	char *size;

	riser_host_config_write(session->host, PCI_ROM_ADDRESS, 4, PCI_ROM_ADDRESS_MASK);
	mask = get(session, PCI_ROM_ADDRESS, 4) & PCI_ROM_ADDRESS_MASK;
	riser_host_config_write(session->host, PCI_ROM_ADDRESS, 4, 0);
	if (!mask)
		return;
	size = size_words(-mask & UINT32_MAX);
	printf("\tExpansion ROM [size=%s]\n", size);
	free(size);
}

static void print_cap(void *arg, unsigned offset, const char *words)
{
	(void)arg;
	printf("\tCapabilities: [%02x] %s\n", offset, words);
}

static void print_options(const struct riser_pci_device *pci)
{
	if (pci->options.count)
		printf("\tOptions:\n");
	riser_each(option, &pci->options)
		printf("\t\t%s=%s%s  %s\n", option->name, option->value ? option->value : "",
		       option->required ? " (required)" : "", option->help ? option->help : "");
}

static void print_note(void *arg, const char *words)
{
	(void)arg;
	printf("\tNote: %s\n", words);
}

static void print_text(struct session *session)
{
	print_identity(session);
	print_bars(session);
	print_rom(session);
	caps_each(session->host, print_cap, NULL);
	notes_each(session, print_note, NULL);
	if (virtio_id(session->host))
		virtio_print(session);
	if (!session->pci) {
		printf("\tNo model of it is found here: its registers are not known\n");
		return;
	}
	print_options(session->pci);
	if (!virtio_id(session->host))
		registers_print(session);
}

static void add_cap(void *arg, unsigned offset, const char *words)
{
	struct json_object *entry = json_object_new_object();

	json_object_object_add(entry, "offset", json_object_new_int((int)offset));
	json_object_object_add(entry, "text", json_object_new_string(words));
	json_object_array_add(arg, entry);
}

static void add_note(void *arg, const char *words)
{
	json_object_array_add(arg, json_object_new_string(words));
}

static struct json_object *json_bars(struct session *session)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < 6; i++) {
		struct json_object *entry;
		struct riser_host_bar bar;

		if (riser_host_bar(session->host, i, &bar) || !bar.size)
			continue;
		entry = json_object_new_object();
		json_object_object_add(entry, "index", json_object_new_int((int)i));
		json_object_object_add(entry, "size", json_object_new_uint64(bar.size));
		json_object_object_add(entry, "kind", json_object_new_string(kind_words(&bar)));
		json_object_array_add(list, entry);
	}
	return list;
}

static struct json_object *json_options(const struct riser_pci_device *pci)
{
	struct json_object *list = json_object_new_array();

	riser_each(option, &pci->options) {
		struct json_object *entry = json_object_new_object();

		json_object_object_add(entry, "name", json_object_new_string(option->name));
		json_object_object_add(entry, "default",
				       option->value ? json_object_new_string(option->value)
						     : NULL);
		json_object_object_add(entry, "required",
				       json_object_new_boolean(option->required));
		json_object_array_add(list, entry);
	}
	return list;
}

static void print_json(struct session *session)
{
	static const struct {
		const char *key;
		unsigned offset, size, shift;
	} identity[] = {
		{ "vendor", PCI_VENDOR_ID, 2, 0 },
		{ "device", PCI_DEVICE_ID, 2, 0 },
		{ "revision", PCI_REVISION_ID, 1, 0 },
		{ "class", PCI_CLASS_REVISION, 4, 8 },
		{ "subvendor", PCI_SUBSYSTEM_VENDOR_ID, 2, 0 },
		{ "subdevice", PCI_SUBSYSTEM_ID, 2, 0 },
	};
	struct json_object *root = json_object_new_object(), *caps = json_object_new_array(),
			   *notes = json_object_new_array();

	if (session->pci)
		json_object_object_add(root, "name",
				       json_object_new_string(session->pci->name));
	for (size_t i = 0; i < sizeof(identity) / sizeof(*identity); i++)
		json_object_object_add(root, identity[i].key,
				       json_object_new_int64(get(session, identity[i].offset,
								 identity[i].size) >>
							     identity[i].shift));
	json_object_object_add(root, "bars", json_bars(session));
	caps_each(session->host, add_cap, caps);
	json_object_object_add(root, "capabilities", caps);
	notes_each(session, add_note, notes);
	json_object_object_add(root, "notes", notes);
	if (virtio_id(session->host))
		json_object_object_add(root, "virtio", virtio_json(session));
	if (session->pci) {
		json_object_object_add(root, "options", json_options(session->pci));
		json_object_object_add(root, "registers", registers_json(session));
	}
	puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
}

int cmd_inspect(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "json", 'j', NULL, 0, "print JSON", 0 },
		{ 0 },
	};
	static const struct argp_child children[] = { { &session_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		options,
		parse,
		"DEVICE[,OPTION=VALUE…]\n--socket PATH",
		"Shows a device's identity, BARs, capabilities, and its registers with their "
		"values. "
		"Registers that change when they are read are not read: a '-' stands for them.",
		children,
		NULL,
		NULL
	};
	struct request request = { 0 };
	struct session session;

	if (arguments_parse(&argp, argc, argv, &request))
		return CLI_USAGE;
	request.target.looking = true;
	if (!session_open(&session, &request.target, false))
		return CLI_FAIL;
	if (request.json)
		print_json(&session);
	else
		print_text(&session);
	session_close(&session);
	return CLI_OK;
}
