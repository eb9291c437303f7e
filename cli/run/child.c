/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/run.h"

void tail_add(struct tail *tail, const char *bytes, size_t size,
	      void (*line)(void *arg, const char *text), void *arg)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != '\n') {
			if (bytes[i] != '\r' && tail->used < TAIL_WIDTH - 1)
				tail->partial[tail->used++] = bytes[i];
			continue;
		}
		tail->partial[tail->used] = '\0';
		riser__plain_line(tail->partial);
		memcpy(tail->lines[tail->count++ % TAIL_LINES], tail->partial,
		       strlen(tail->partial) + 1);
		tail->used = 0;
		if (line)
			line(arg, tail->partial);
	}
}

void tail_print(const struct tail *tail, const char *who)
{
	unsigned from = tail->count > TAIL_LINES ? tail->count - TAIL_LINES : 0;

	if (!tail->count)
		return;
	say("the last lines of %s:", who);
	for (unsigned i = from; i < tail->count; i++)
		fprintf(stderr, "    %s\n", tail->lines[i % TAIL_LINES]);
}

static void wait_for_debugger(int listener)
{
	int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (peer < 0)
		_exit(127);
	dup2(peer, STDIN_FILENO);
	dup2(peer, STDOUT_FILENO);
}

/* In the child: what it inherits, and that it does not outlive us. */
static void become(char *const *arguments, int output, int passed, int debugger,
		   bool interactive, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (!interactive) {
		setpgid(0, 0);
		dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		dup2(output, STDOUT_FILENO);
		dup2(output, STDERR_FILENO);
	}
	if (debugger >= 0)
		wait_for_debugger(debugger);
	if (passed >= 0) {
		char pid[16];

		if (passed == 3)
			fcntl(3, F_SETFD, 0);
		else
			dup2(passed, 3);
		snprintf(pid, sizeof(pid), "%d", (int)getpid());
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDS", "1", 1);
	}
	execv(arguments[0], arguments);
	fprintf(stderr, "%s: %s\n", arguments[0], strerror(errno));
	_exit(127);
}

bool child_start(struct child *child, const char *name, char *const *arguments, int passed,
		 int debugger, bool interactive)
{
	pid_t parent = getpid();
	int ends[2];

	*child = (struct child){ .name = text("%s", name), .output = -1 };
	if (pipe2(ends, O_CLOEXEC)) {
		complain("cannot start %s: %s", name, strerror(errno));
		return false;
	}
	fflush(stdout);
	child->pid = fork();
	if (!child->pid)
		become(arguments, ends[1], passed, debugger, interactive, parent);
	close(ends[1]);
	child->output = ends[0];
	fcntl(child->output, F_SETFL, O_NONBLOCK);
	if (child->pid < 0) {
		complain("cannot start %s: %s", name, strerror(errno));
		child->pid = 0;
		return false;
	}
	return true;
}

void child_kill(struct child *child)
{
	if (child->pid > 0 && !child->ended) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, &child->status, 0);
		child->ended = true;
	}
	if (child->output >= 0)
		close(child->output);
	child->output = -1;
	free(child->name);
	child->name = NULL;
}

char *child_fate(const struct child *child)
{
	if (WIFSIGNALED(child->status))
		return text("was killed by signal %d (%s)", WTERMSIG(child->status),
			    strsignal(WTERMSIG(child->status)));
	return text("ended with status %d", WEXITSTATUS(child->status));
}
