/* SPDX-License-Identifier: MIT */
/* QEMU's command line, taken apart as QEMU does it. */
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"

void line_take(char **words, struct line *line)
{
	size_t most = 0;

	while (words[most])
		most++;
	*line = (struct line){ .options = calloc(most + 1, sizeof(*line->options)) };
	if (!line->options)
		abort();
	if (*words && **words != '-')
		line->program = *words++;
	for (; *words; words++) {
		struct line_option *option = &line->options[line->count];

		if (**words != '-') /* a disk image */
			continue;
		option->name = *words + 1 + ((*words)[1] == '-');
		option->value = words[1] && *words[1] != '-' ? *++words : "";
		line->count++;
	}
}

void line_forget(struct line *line)
{
	free(line->options);
}

static void put(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

/* "nokey" is key=off and "key" key=on, but for the first word. */
static void put_word(struct json_object *object, char *word, const char *implied)
{
	char *equals = strchr(word, '=');

	if (equals) {
		*equals = '\0';
		put(object, word, equals + 1);
	} else if (implied) {
		put(object, implied, word);
	} else if (!strncmp(word, "no", 2) && strcmp(word, "node")) {
		put(object, word + 2, "off");
	} else if (*word) {
		put(object, word, "on");
	}
}

static struct json_object *from_json(const char *value, const char **why)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;

	if (!tokener)
		abort();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, value, (int)strlen(value) + 1);
	*why = json_tokener_error_desc(json_tokener_get_error(tokener));
	json_tokener_free(tokener);
	if (object && json_object_is_type(object, json_type_object))
		return object;
	json_object_put(object);
	return NULL;
}

struct json_object *line_object(const char *value, const char *implied, const char **why)
{
	struct json_object *object;
	char *copy, *rest, *word;

	if (*value == '{')
		return from_json(value, why);
	object = json_object_new_object();
	rest = copy = text("%s", value);
	for (; (word = options_next(&rest)); implied = NULL)
		put_word(object, word, implied);
	free(copy);
	return object;
}

const char *object_word(struct json_object *object, const char *key)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, key, &member) || !member)
		return NULL;
	return json_object_get_string(member);
}

int object_switch(struct json_object *object, const char *key)
{
	static const char *const on[] = { "on", "yes", "true", "y" };
	const char *word = object_word(object, key);

	for (size_t i = 0; word && i < sizeof(on) / sizeof(*on); i++) {
		if (!strcmp(word, on[i]))
			return 1;
	}
	return word ? 0 : -1;
}

uint64_t line_size(const char *word, uint64_t unit)
{
	static const char suffixes[] = "bkmgtpe";
	const char *suffix;
	char *end;
	double number = strtod(word, &end);

	/* QEMU takes neither exponents nor words such as "inf". */
	if (*word < '0' || *word > '9' || strcspn(word, "eEpP") < (size_t)(end - word))
		return 0;
	if (*end) {
		suffix = strchr(suffixes, *end | 0x20);
		if (!suffix || end[1])
			return 0;
		unit = UINT64_C(1) << 10 * (suffix - suffixes);
	}
	return number * (double)unit < 0x1p63 ? (uint64_t)(number * (double)unit) : 0;
}

struct json_object *line_merged(const struct line *line, const char *name, const char *alias,
				const char *implied)
{
	struct json_object *all = NULL;

	for (size_t i = 0; i < line->count; i++) {
		const struct line_option *option = &line->options[i];
		struct json_object *one;
		const char *why;

		if (strcmp(option->name, name) && (!alias || strcmp(option->name, alias)))
			continue;
		one = line_object(option->value, implied, &why);
		if (!one)
			continue;
		if (!all)
			all = json_object_new_object();
		json_object_object_foreach(one, key, value)
			json_object_object_add(all, key, json_object_get(value));
		json_object_put(one);
	}
	return all;
}
