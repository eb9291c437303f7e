/* SPDX-License-Identifier: MIT */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "common.h"

/* Three digits that count, and what they are thousands of. */
static void print_value(double value, const char *unit)
{
	static const char *const prefixes[] = { "", " k", " M", " G" };
	unsigned n = 0;

	while (value >= 9999.5 && n < 3 && strcmp(unit, "ns")) {
		value /= 1000;
		n++;
	}
	printf(" %8.*f%2s%-5s",
	       value < 9.995   ? 2
	       : value < 999.5 ? 1
			       : 0,
	       value, prefixes[n], unit);
}

static bool met(const struct figure *figure)
{
	double value = figure->floor > 0 ? figure->ratio : figure->ours;

	return figure->most ? value <= figure->target : value >= figure->target;
}

static void add_number(struct json_object *entry, const char *name, double value)
{
	json_object_object_add(entry, name, json_object_new_double(value));
}

void report(struct json_object *list, const struct figure *figure)
{
	struct json_object *entry = json_object_new_object();

	printf("%-44s", figure->name);
	print_value(figure->ours, figure->unit);
	json_object_object_add(entry, "name", json_object_new_string(figure->name));
	json_object_object_add(entry, "unit", json_object_new_string(figure->unit));
	add_number(entry, "ours", figure->ours);
	if (figure->floor > 0) {
		print_value(figure->floor, figure->unit);
		printf(" %6.2f", figure->ratio);
		add_number(entry, "floor", figure->floor);
		add_number(entry, "ratio", figure->ratio);
	} else {
		printf("%24s", "");
	}
	printf("  %s %.3g%s\n", figure->most ? "<=" : ">=", figure->target,
	       met(figure) ? "" : "  (missed)");
	fflush(stdout);
	add_number(entry, figure->most ? "most" : "least", figure->target);
	json_object_object_add(entry, "met", json_object_new_boolean(met(figure)));
	json_object_array_add(list, entry);
}

void report_rounds(struct json_object *list, struct figure figure, double *ours, double *floors)
{
	double ratios[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ratios[i] = ours[i] / floors[i];
	figure.ours = median(ours);
	figure.floor = median(floors);
	figure.ratio = median(ratios);
	report(list, &figure);
}
