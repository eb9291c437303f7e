/* SPDX-License-Identifier: MIT */
/* A program that is run to its end before the run goes on: provision, build-guest. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/run.h"

/* How long a helper that was told to end may take to tidy up, on a slow machine, too. */
enum { GRACE_MS = 60000 };

/*
 * A folder for its temporary files. It is removed with what is left there: a compiler that is
 * told to end may not have noted yet which files it has made. Other users may pass, for who is
 * root in a user namespace.
 */
static char *helper_folder(void)
{
	const char *place = getenv("TMPDIR");
	char *folder = text("%s/riser-XXXXXX", place && *place ? place : "/tmp");

	if (mkdtemp(folder) && !chmod(folder, 0711))
		return folder;
	complain("cannot make a folder for temporary files, %s: %s; set TMPDIR to a place that "
		 "can be written",
		 folder, strerror(errno));
	free(folder);
	return NULL;
}

/* In the child. A group of its own, so that it ends with all that it has started. */
static void become(char *const *arguments, int output, const char *folder)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setpgid(0, 0);
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	setenv("TMPDIR", folder, 1);
	execv(arguments[0], arguments);
	fprintf(stderr, "riser: cannot run %s: %s\n", arguments[0], strerror(errno));
	_exit(127);
}

static void hear(int *from, FILE *to)
{
	char bytes[4096];
	ssize_t n = read(*from, bytes, sizeof(bytes));

	if (n > 0) {
		fwrite(bytes, 1, (size_t)n, to);
	} else if (!n || errno != EINTR) {
		close(*from);
		*from = -1;
	}
}

/* True when it has ended and all it said was heard. */
static bool wait_once(pid_t pid, int *from, FILE *to, int *status, struct signals *signals)
{
	struct pollfd fds[] = { { *from, POLLIN, 0 }, { signals->fd, POLLIN, 0 } };

	if (poll(fds, 2, -1) < 0)
		return false;
	if (fds[0].revents)
		hear(from, to);
	if (fds[1].revents)
		signals_take(signals);
	return *from < 0 && waitpid(pid, status, WNOHANG) == pid;
}

/* All of the group may tidy up, not just its first process: compilers remove their files. */
static void end_group(pid_t pid)
{
	kill(-pid, SIGTERM);
	for (int waited = 0; waited < GRACE_MS; waited += 10) {
		waitpid(pid, NULL, WNOHANG);
		if (kill(-pid, 0))
			return;
		usleep(10000);
	}
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

bool helper_run(char *const *arguments, FILE *output, struct signals *signals)
{
	char *folder = helper_folder();
	int ends[2], status = -1;
	bool over = false;
	pid_t pid;

	if (!folder || pipe2(ends, O_CLOEXEC)) {
		scratch_remove(folder);
		return false;
	}
	fflush(NULL);
	pid = fork();
	if (!pid)
		become(arguments, ends[1], folder);
	close(ends[1]);
	if (pid > 0)
		setpgid(pid, pid); /* whoever of the two comes first */
	while (pid > 0 && !over && !signals->caught)
		over = wait_once(pid, &ends[0], output, &status, signals);
	if (pid > 0 && !over)
		end_group(pid);
	if (ends[0] >= 0)
		close(ends[0]);
	if (pid < 0)
		complain("cannot run %s: %s", arguments[0], strerror(errno));
	scratch_remove(folder);
	return over && !status;
}
