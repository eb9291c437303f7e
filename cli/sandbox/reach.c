/* SPDX-License-Identifier: MIT */
/*
 * What the device's options name, as its model says. The model is code that is not trusted
 * with anything yet: it is asked in a process that is contained with nothing granted, and what
 * it says must be in the user's words.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"
#include "sandbox/inside.h"

enum { MOST = 64 << 10, PATIENCE_S = 20 };

/* ---- The process that is asked ---- */

static void print(void *arg, uint32_t flags, const char *path, const char *suffix)
{
	(void)arg;
	printf("%u %s %s%c", flags, suffix ? suffix : "-", path ? path : "-", '\0');
}

struct question {
	struct sandbox *sandbox;
	const struct device_spec *spec;
};

/* Errors are for the device itself to say, when it is contained and made. */
static int question_answer(void *arg)
{
	const struct question *question = arg;
	const struct device_spec *spec = question->spec;
	struct riser_model *model;
	struct riser_error error;

	close_range(STDERR_FILENO + 1, ~0u, 0);
	question->sandbox->quiet = true;
	if (!sandbox_contain(question->sandbox))
		return CLI_FAIL;
	if (spec->program)
		device_become(spec, (const char *[]){ "--reach", NULL });
	else if (!riser_model_open(spec->model, &model, &error))
		riser_model_reach(model, spec->options, print, NULL);
	fflush(NULL);
	return CLI_OK;
}

/* ---- What it says ---- */

/* Whether a value that the user gave ends in the path, all of it or after a ':'. */
static bool is_named(const char *options, const char *path)
{
	char *copy = text("%s", options), *rest = copy, *option;
	bool found = false;

	while (!found && (option = options_next(&rest)))
		found = option_path(option, path);
	free(copy);
	return found;
}

static bool is_fifo(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISFIFO(st.st_mode);
}

static void grant_file(struct sandbox *sandbox, uint32_t flags, const char *path)
{
	unsigned grant = (flags & RISER_READS ? GRANT_READ : 0u) |
			 (flags & (RISER_WRITES | RISER_CREATES) ? GRANT_WRITE : 0u);
	int fd;

	if (flags & RISER_CREATES) {
		fd = open(path, O_WRONLY | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0666);
		if (fd >= 0)
			close(fd);
	}
	if (grant)
		grant_add(sandbox, path, grant);
}

/* The folder of a socket may be locked, which only needs it to be open. */
static void grant_socket(struct sandbox *sandbox, uint32_t flags, const char *path)
{
	unsigned grant = (flags & RISER_CONNECTS ? GRANT_CONNECT : 0u) |
			 (flags & RISER_LISTENS ? GRANT_LISTEN : 0u);
	char *place = grant & GRANT_LISTEN ? real_place(path) : NULL;

	if (grant)
		grant_add_socket(sandbox, path, grant);
	if (!place)
		return;
	strrchr(place, '/')[strrchr(place, '/') == place] = '\0';
	grant_add(sandbox, place, GRANT_LIST);
	free(place);
}

/* "FLAGS SUFFIX PATH" */
static void take(struct sandbox *sandbox, const char *options, char *line)
{
	char *flags = strsep(&line, " "), *suffix = strsep(&line, " "), *path = line, *full;
	uint32_t bits = (uint32_t)strtoul(flags, NULL, 10);

	if (!suffix || !path)
		return;
	sandbox->network = sandbox->network || bits & RISER_NETWORK;
	sandbox->terminal = sandbox->terminal || bits & RISER_TERMINAL;
	if (!options || !is_named(options, path) || strchr(suffix, '/'))
		return;
	if (!strcmp(suffix, "-")) {
		grant_file(sandbox, bits, path);
		grant_socket(sandbox, bits, path);
		return;
	}
	/* What the model adds is not the user's word: it may tell two ends of a pipe apart. */
	full = text("%s%s", path, suffix);
	if (is_fifo(full))
		grant_file(sandbox, bits & ~(uint32_t)RISER_CREATES, full);
	free(full);
}

struct answer {
	char said[MOST];
	size_t used;
};

/* What is too much is not heard. */
static void answer_note(void *arg, const char *bytes, size_t size)
{
	struct answer *answer = arg;
	size_t left = MOST - answer->used, taken = size < left ? size : left;

	memcpy(answer->said + answer->used, bytes, taken);
	answer->used += taken;
}

static void answer_take(struct sandbox *sandbox, const char *options, struct answer *answer)
{
	for (size_t at = 0; at < answer->used;) {
		char *end = memchr(answer->said + at, '\0', answer->used - at);

		if (!end)
			break;
		take(sandbox, options, answer->said + at);
		at = (size_t)(end - answer->said) + 1;
	}
}

static bool ask(struct sandbox *sandbox, const struct device_spec *spec, struct answer *answer)
{
	struct question question = { sandbox, spec };
	struct process_config config = { .run = question_answer,
					 .arg = &question,
					 .streams = PROCESS_ANSWER,
					 .group = true };
	struct process process;
	bool in_time;

	if (!process_start(&process, &config)) {
		complain("sandbox: cannot start a process: %m");
		return false;
	}
	in_time = process_collect(&process, PATIENCE_S, answer_note, answer);
	process_end(&process, 0);
	if (!in_time)
		complain("device %s does not say in %d s what its options name: it is no "
			 "device, or its host is busy",
			 spec->name, PATIENCE_S);
	return in_time;
}

bool reach_add(struct sandbox *sandbox, const struct device_spec *spec)
{
	struct answer *answer = calloc(1, sizeof(*answer));
	bool ok = answer && ask(sandbox, spec, answer);

	if (ok)
		answer_take(sandbox, spec->options, answer);
	free(answer);
	if (ok && sandbox->network)
		say("sandbox: %s reaches the Internet, and this host's own ports: an option of "
		    "its says so, by default or as given",
		    sandbox->name);
	if (sandbox->terminal)
		grant_add(sandbox, "/dev/ptmx", GRANT_READ | GRANT_WRITE);
	return ok;
}
