/* SPDX-License-Identifier: MIT */
/* Whether a program makes its device, as it says itself. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fcntl.h>

#include "run/run.h"
#include "sandbox/sandbox.h"

enum { PATIENCE_S = 20 };

/* Reads all it says. False if it is not done in time. */
static bool hear(int from, struct tail *tail)
{
	time_t until = time(NULL) + PATIENCE_S;
	struct pollfd fd = { from, POLLIN, 0 };
	char bytes[4096];
	ssize_t n = 1;

	while (n > 0) {
		if (time(NULL) >= until)
			return false;
		if (poll(&fd, 1, 1000) <= 0)
			continue;
		n = read(from, bytes, sizeof(bytes));
		if (n > 0)
			tail_add(tail, bytes, (size_t)n, NULL, NULL);
	}
	tail_add(tail, "\n", 1, NULL, NULL);
	return true;
}

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

/* A group of its own, so that it ends with all that it has started. */
static void become(const struct device_spec *device, int output, bool sandbox)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	if (!sandbox || sandbox_enter(device, NULL))
		device_become(device, (const char *[]){ "--check", NULL });
	_exit(127);
}

bool check_program(const struct device_spec *device, bool sandbox)
{
	struct tail tail = { .count = 0 };
	int ends[2], status = 0;
	bool in_time;
	pid_t pid = -1;

	if (!pipe2(ends, O_CLOEXEC))
		pid = fork();
	if (!pid)
		become(device, ends[1], sandbox);
	if (pid < 0) {
		complain("cannot start a process: %m");
		return false;
	}
	setpgid(pid, pid); /* whoever of the two comes first */
	close(ends[1]);
	in_time = hear(ends[0], &tail);
	close(ends[0]);
	if (!in_time) {
		kill(-pid, SIGKILL);
		complain("'%s --check' does not end: it is no device, see riser_serve_main() "
			 "in riser-server(3)",
			 device->program);
	}
	waitpid(pid, &status, 0);
	return in_time && judge(device, status, &tail);
}
