/* SPDX-License-Identifier: MIT */
/* Whether a program makes its device, as it says itself. */
#include <string.h>
#include <sys/wait.h>

#include "run/run.h"
#include "sandbox/sandbox.h"

enum { PATIENCE_S = 20 };

/* The last line that is not empty: a traceback's is the exception. */
static const char *last_line(const struct tail *tail)
{
	for (unsigned i = tail->count; i && i + TAIL_LINES > tail->count; i--) {
		const char *line = tail->lines[(i - 1) % TAIL_LINES];

		if (*line)
			return line;
	}
	return "it does not say why";
}

static bool judge(const struct device_spec *device, int status, const struct tail *tail)
{
	const char *slash = strrchr(device->program, '/');
	const char *base = slash ? slash + 1 : device->program, *last = last_line(tail);
	size_t length = strlen(base);

	if (WIFSIGNALED(status))
		complain("device %s crashed when it was made: %s; '%s --check' under a "
			 "debugger shows where",
			 device->name, strsignal(WTERMSIG(status)), device->program);
	else if (status && !strncmp(last, base, length) && last[length] == ':')
		complain("%s", last);
	else if (status)
		complain("%s does not start: %s", base, last);
	return !status;
}

struct trial {
	const struct device_spec *device;
	bool sandbox;
};

static int trial_run(void *arg)
{
	const struct trial *trial = arg;

	if (!trial->sandbox || sandbox_enter(trial->device, NULL))
		device_become(trial->device, (const char *[]){ "--check", NULL });
	return CLI_FAIL;
}

static void trial_said(void *arg, const char *bytes, size_t size)
{
	tail_add(arg, bytes, size, NULL, NULL);
}

bool check_program(const struct device_spec *device, bool sandbox)
{
	struct trial trial = { device, sandbox };
	struct process_config config = {
		.run = trial_run, .arg = &trial, .streams = PROCESS_ALL, .group = true
	};
	struct tail tail = { .count = 0 };
	struct process process;
	bool in_time;

	if (!process_start(&process, &config)) {
		complain("cannot start a process: %m");
		return false;
	}
	in_time = process_collect(&process, PATIENCE_S, trial_said, &tail);
	process_end(&process, 0);
	tail_add(&tail, "\n", 1, NULL, NULL);
	if (!in_time)
		complain("'%s --check' does not end: it is no device, see riser_serve_main() "
			 "in riser-server(3)",
			 device->program);
	return in_time && judge(device, process.status, &tail);
}
