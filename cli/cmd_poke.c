/* SPDX-License-Identifier: MIT */
/* riser poke - drives a device by hand or from a script, without a VM. */
#include <argp.h>
#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "poke/poke.h"

struct request {
	struct session_target target;
	const char *script;
	bool verbose;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case 'f':
		request->script = arg;
		return 0;
	case 'v':
		request->verbose = true;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->target;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run_script(struct session *session, FILE *script, const char *name)
{
	char *line = NULL, why[256];
	size_t size = 0;
	int status = CLI_OK;

	for (unsigned n = 1; status == CLI_OK && getline(&line, &size, script) >= 0; n++) {
		if (!poke_line(session, line, why))
			status = complain("%s:%u: %s", name, n, why);
	}
	free(line);
	return status;
}

static char *prompt(EditLine *editor)
{
	static char words[] = "riser> ";

	(void)editor;
	return words;
}

static int interact(struct session *session)
{
	EditLine *editor = el_init("riser", stdin, stdout, stderr);
	History *past = history_init();
	char why[256];
	HistEvent event;
	const char *line;
	int length;

	if (!editor || !past)
		return complain("cannot use this terminal");
	history(past, &event, H_SETSIZE, 500);
	el_set(editor, EL_PROMPT, prompt);
	el_set(editor, EL_EDITOR, "emacs");
	el_set(editor, EL_HIST, history, past);
	while ((line = el_gets(editor, &length)) && length > 0) {
		history(past, &event, H_ENTER, line);
		if (!poke_line(session, line, why))
			printf("%s\n", why);
	}
	history_end(past);
	el_end(editor);
	return CLI_OK;
}

static int poke(struct session *session, const char *script)
{
	FILE *file;
	int status;

	if (!script && isatty(STDIN_FILENO))
		return interact(session);
	if (!script || !strcmp(script, "-"))
		return run_script(session, stdin, "standard input");
	file = fopen(script, "re");
	if (!file)
		return complain("cannot read the script '%s': %s", script, strerror(errno));
	status = run_script(session, file, script);
	fclose(file);
	return status;
}

int cmd_poke(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "script", 'f', "FILE", 0, "run the commands in FILE; '-' is standard input",
		  0 },
		{ "verbose", 'v', NULL, 0, "log every access", 0 },
		{ 0 },
	};
	static const struct argp_child children[] = { { &session_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		options,
		parse,
		"DEVICE[,OPTION=VALUE…]\n--socket PATH",
		"Drives a device by commands, without a VM: on the bench, where time only "
		"moves by "
		"'advance' and 'wait', or behind a socket. A script stops at the first command "
		"that "
		"fails, with status 1. The command 'help' lists the commands.",
		children,
		NULL,
		NULL
	};
	struct request request = { 0 };
	struct session session;
	int status;

	if (arguments_parse(&argp, argc, argv, &request))
		return CLI_USAGE;
	if (!session_open(&session, &request.target, request.verbose))
		return CLI_FAIL;
	status = poke(&session, request.script);
	session_close(&session);
	return status;
}
