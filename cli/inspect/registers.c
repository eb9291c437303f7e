/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/inspect.h"
#include "registers.h"

/* An array's first elements are enough to see. */
enum { ELEMENTS_SHOWN = 8 };

static bool read_register(struct session *session, unsigned bar, const struct riser_reg *reg,
			  uint32_t element, uint64_t *value)
{
	uint64_t offset = reg->offset + (uint64_t)element * reg->stride;

	return register_is_pure(reg) &&
	       !riser_host_read(session->host, bar, offset, reg->width, value);
}

static void print_fields(const struct riser_reg *reg, bool known, uint64_t value)
{
	riser_each(field, &reg->fields) {
		printf("\t\t\t%-14s 0x%" PRIx64, field->name, field->mask);
		if (known)
			printf(" = %" PRIu64,
			       (value & field->mask) >> __builtin_ctzll(field->mask));
		printf("%s%s\n", field->help ? "  " : "", field->help ? field->help : "");
	}
}

void register_print(struct session *session, unsigned bar, const struct riser_reg *reg,
		    uint64_t base)
{
	uint32_t count = reg->count;

	for (uint32_t i = 0; i < count && i < ELEMENTS_SHOWN; i++) {
		uint64_t value = 0;
		bool known = read_register(session, bar, reg, i, &value);
		char *name = count > 1 ? text("%s[%u]", reg->name, i) : text("%s", reg->name);
		char *shown = known ? text("0x%0*" PRIx64, reg->width * 2, value) : text("-");

		printf("\t\t0x%04" PRIx64 "  %-14s %2u  %-16s  %-18s",
		       reg->offset - base + (uint64_t)i * reg->stride, name, reg->width * 8,
		       register_access(reg), shown);
		if (reg->help && !i)
			printf("  %s", reg->help);
		if (known && !register_is_computed(reg) && value != reg->reset)
			printf("  (reset: 0x%" PRIx64 ")", reg->reset);
		putchar('\n');
		print_fields(reg, known, value);
		free(name);
		free(shown);
	}
	if (count > ELEMENTS_SHOWN)
		printf("\t\t        … %u elements in all\n", count);
}

static void print_windows(const struct riser_bar *bar)
{
	riser_each(window, &bar->windows)
		printf("\t\t0x%04" PRIx64 "  %-14s %" PRIu64 " bytes of %s memory\n",
		       window->offset, window->name, window->size,
		       window->shared ? "shared" : "trapped");
}

void registers_print(struct session *session)
{
	riser_each(bar, &session->pci->bars) {
		if (bar->regs.count || bar->windows.count)
			printf("\tRegisters of BAR%u:\n", bar->index);
		riser_each(reg, &bar->regs)
			register_print(session, bar->index, reg, 0);
		print_windows(bar);
	}
}

static struct json_object *json_fields(const struct riser_reg *reg)
{
	struct json_object *list = json_object_new_array();

	riser_each(field, &reg->fields) {
		struct json_object *entry = json_object_new_object();

		json_object_object_add(entry, "name", json_object_new_string(field->name));
		json_object_object_add(entry, "mask", json_object_new_uint64(field->mask));
		json_object_array_add(list, entry);
	}
	return list;
}

struct json_object *register_json(struct session *session, unsigned bar,
				  const struct riser_reg *reg)
{
	struct json_object *entry = json_object_new_object(), *values = json_object_new_array();

	json_object_object_add(entry, "name", json_object_new_string(reg->name));
	json_object_object_add(entry, "bar", json_object_new_int((int)bar));
	json_object_object_add(entry, "offset", json_object_new_uint64(reg->offset));
	json_object_object_add(entry, "width", json_object_new_int(reg->width));
	json_object_object_add(entry, "access", json_object_new_string(register_access(reg)));
	json_object_object_add(entry, "reset",
			       register_is_computed(reg) ? NULL
							 : json_object_new_uint64(reg->reset));
	json_object_object_add(entry, "fields", json_fields(reg));
	for (uint32_t i = 0; i < reg->count; i++) {
		uint64_t value;

		json_object_array_add(values, read_register(session, bar, reg, i, &value)
						      ? json_object_new_uint64(value)
						      : NULL);
	}
	json_object_object_add(entry, "values", values);
	return entry;
}

struct json_object *registers_json(struct session *session)
{
	struct json_object *list = json_object_new_array();

	riser_each(bar, &session->pci->bars) {
		riser_each(reg, &bar->regs)
			json_object_array_add(list, register_json(session, bar->index, reg));
	}
	return list;
}
