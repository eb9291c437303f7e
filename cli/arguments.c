/* SPDX-License-Identifier: MIT */
/* argp, but for its errors: one line each, and for an unknown option the one that was meant. */
#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* argv[0] is "riser NAME"; a complaint begins with NAME, since "riser" stands before it. */
static const char *command_of(const char *program)
{
	const char *space = strchr(program, ' ');

	return space ? space + 1 : program;
}

void misused(const struct argp_state *state, const char *format, ...)
{
	char *why;
	va_list args;

	va_start(args, format);
	if (vasprintf(&why, format, args) < 0)
		why = NULL;
	va_end(args);
	complain("%s: %s; see '%s --help'", command_of(state->name), why ? why : "wrong usage",
		 state->name);
	exit(CLI_USAGE);
}

/* Calls `each` for the options of a parser and of its children, until it returns true. */
static bool options_each(const struct argp *argp,
			 bool (*each)(const struct argp_option *option, void *arg), void *arg)
{
	for (const struct argp_option *option = argp->options; option && option->name;
	     option++) {
		if (each(option, arg))
			return true;
	}
	for (const struct argp_child *child = argp->children; child && child->argp; child++) {
		if (options_each(child->argp, each, arg))
			return true;
	}
	return false;
}

struct search {
	const char *word; /* as it was given */
	const struct argp_option *found;
	const char *names[32]; /* of all, for the complaint */
	size_t count;
};

static bool compare(const struct argp_option *option, void *arg)
{
	struct search *search = arg;
	const char *word = search->word;
	bool same = word[1] == '-' ? !strncmp(option->name, word + 2, strcspn(word + 2, "="))
				   : option->key == word[1];

	if (same)
		search->found = option;
	if (search->count < sizeof(search->names) / sizeof(*search->names) - 1)
		search->names[search->count++] = option->name;
	return same;
}

/* argp's own. */
static bool asks_for_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "--usage") || !strcmp(word, "-?");
}

static void unknown(const struct search *search, const char *program)
{
	char *word = text("%.*s", (int)strcspn(search->word, "="), search->word);
	const char *meant = word[1] == '-' ? nearest(word + 2, search->names) : NULL;

	complain("%s: unknown option '%s'%s%s%s; see '%s --help'", command_of(program), word,
		 meant ? ": did you mean '--" : "", meant ? meant : "", meant ? "'?" : "",
		 program);
	free(word);
	exit(CLI_USAGE);
}

/* True if `word` is an option whose value is the next word. */
static bool check_word(const struct argp *argp, const char *program, const char *word)
{
	struct search search = { .word = word, .names = { "help" }, .count = 1 };

	if (!options_each(argp, compare, &search))
		unknown(&search, program);
	if (!search.found->arg || search.found->flags & OPTION_ARG_OPTIONAL)
		return false;
	return word[1] == '-' ? !strchr(word, '=') : !word[2];
}

int arguments_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (argv[i][0] != '-' || !argv[i][1] || asks_for_help(argv[i]) ||
		    !check_word(argp, argv[0], argv[i]))
			continue;
		if (++i == argc) {
			complain("%s: option '%s' needs a value; see '%s --help'",
				 command_of(argv[0]), argv[i - 1], argv[0]);
			exit(CLI_USAGE);
		}
	}
	return argp_parse(argp, argc, argv, 0, NULL, input);
}

char **arguments_behind_dashes(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		*argc = i;
		argv[i] = NULL;
		return argv + i + 1;
	}
	return NULL;
}
