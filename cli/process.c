/* SPDX-License-Identifier: MIT */
/* Child processes: started, heard, awaited, ended. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* The longest sleep at once; and where the kernel cannot tell of the end, how often to look. */
enum { LONG_MS = 60000, LOOK_MS = 10 };

/* The exit status of who could not become its program, as a shell has it. */
enum { NOT_RUN = 127 };

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- In the child ---- */

static void child_redirect(enum process_streams streams, int output)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	if (streams == PROCESS_ALL)
		dup2(output, STDERR_FILENO);
	else if (streams == PROCESS_ANSWER)
		dup2(null, STDERR_FILENO);
}

static void child_wait_for_debugger(int listener)
{
	int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (peer < 0)
		_exit(NOT_RUN);
	dup2(peer, STDIN_FILENO);
	dup2(peer, STDOUT_FILENO);
}

/* systemd's protocol: the first descriptor that is passed is 3, and for this process alone. */
static void child_pass(int passed)
{
	char pid[16];

	if (passed == 3)
		fcntl(3, F_SETFD, 0);
	else
		dup2(passed, 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
}

static int child_exec(const struct process_config *config)
{
	const char *program = config->words[0];

	execvp(program, config->words);
	if (config->trouble)
		fprintf(stderr, "%s%s\n", config->trouble, strerror(errno));
	else
		complain("cannot run %s: %s", program, strerror(errno));
	return NOT_RUN;
}

/* What it inherits, and that it does not outlive its parent. */
static void child_become(const struct process_config *config, int output, pid_t parent)
{
	sigset_t none;
	int status;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, config->death_signal ? config->death_signal : SIGKILL);
	if (getppid() != parent)
		_exit(NOT_RUN);
	if (config->group)
		setpgid(0, 0);
	if (config->streams != PROCESS_SHARED)
		child_redirect(config->streams, output);
	if (config->debugger > 0)
		child_wait_for_debugger(config->debugger);
	if (config->passed > 0)
		child_pass(config->passed);
	if (config->folder)
		setenv("TMPDIR", config->folder, 1);
	status = config->words ? child_exec(config) : config->run(config->arg);
	_exit(status);
}

/* ---- In the parent ---- */

bool process_start(struct process *process, const struct process_config *config)
{
	int ends[2] = { -1, -1 };
	pid_t parent = getpid();

	*process = (struct process){ .output = -1, .group = config->group };
	if (config->streams != PROCESS_SHARED && pipe2(ends, O_CLOEXEC))
		return false;
	fflush(NULL);
	process->pid = fork();
	if (!process->pid)
		child_become(config, ends[1], parent);
	if (process->pid > 0 && config->group)
		setpgid(process->pid, process->pid); /* whoever of the two comes first */
	if (ends[1] >= 0)
		close(ends[1]);
	if (process->pid < 0) {
		process->pid = 0;
		if (ends[0] >= 0)
			close(ends[0]);
		return false;
	}
	process->output = ends[0];
	if (process->output >= 0)
		fcntl(process->output, F_SETFL, O_NONBLOCK);
	return true;
}

static void process_close(struct process *process)
{
	if (process->output >= 0)
		close(process->output);
	process->output = -1;
}

bool process_hear(struct process *process, process_heard *heard, void *arg)
{
	char bytes[4096];
	ssize_t n;

	if (process->output < 0)
		return false;
	n = read(process->output, bytes, sizeof(bytes));
	if (n > 0)
		heard(arg, bytes, (size_t)n);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		process_close(process);
	return n > 0;
}

bool process_reap(struct process *process)
{
	pid_t found = process->ended ? 0 : waitpid(process->pid, &process->status, WNOHANG);

	/* Who started us may have had SIGCHLD ignored: then nobody knows how it ended. */
	if (found < 0 && errno == ECHILD)
		process->status = NOT_RUN << 8;
	process->ended |= found == process->pid || (found < 0 && errno == ECHILD);
	return process->ended;
}

/* Waits for `fd` to be readable, and no longer than a while. False: the time is over. */
static bool process_poll(int fd, int64_t until, int most_ms)
{
	struct pollfd fds = { fd, POLLIN, 0 };
	int64_t left = until - now_ms();

	if (left <= 0)
		return false;
	poll(&fds, 1, left < most_ms ? (int)left : most_ms);
	return true;
}

static bool process_wait(struct process *process, int64_t until)
{
	int end = (int)syscall(SYS_pidfd_open, process->pid, 0);
	bool in_time = true;

	while (!process_reap(process) && in_time)
		in_time = process_poll(end, until, end < 0 ? LOOK_MS : LONG_MS);
	if (end >= 0)
		close(end);
	return process->ended;
}

bool process_collect(struct process *process, unsigned seconds, process_heard *heard, void *arg)
{
	int64_t until = seconds ? now_ms() + (int64_t)seconds * 1000 : INT64_MAX;

	while (process->output >= 0) {
		if (!process_poll(process->output, until, LONG_MS))
			return false;
		process_hear(process, heard, arg);
	}
	return process_wait(process, until);
}

/* Whether nothing of it is left. */
static bool process_is_gone(struct process *process)
{
	return process_reap(process) && (!process->group || kill(-process->pid, 0));
}

/* All of a group may tidy up, not just its first process: compilers remove their files. */
static void process_kill(struct process *process, int grace_ms)
{
	pid_t whom = process->group ? -process->pid : process->pid;

	if (grace_ms)
		kill(whom, SIGTERM);
	for (int waited = 0; waited < grace_ms && !process_is_gone(process); waited += LOOK_MS)
		usleep(LOOK_MS * 1000);
	if (!process_is_gone(process))
		kill(whom, SIGKILL);
	process_wait(process, INT64_MAX);
}

void process_end(struct process *process, int grace_ms)
{
	if (!process->pid)
		return;
	if (!process->ended)
		process_kill(process, grace_ms);
	process_close(process);
}

static void process_note(void *arg, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, arg);
}

char *process_ask(const struct process_config *config, unsigned seconds, int *status)
{
	struct process process;
	char *said = NULL;
	size_t size;
	FILE *to = open_memstream(&said, &size);

	if (!to || !process_start(&process, config)) {
		if (to)
			fclose(to);
		free(said);
		return NULL;
	}
	process_collect(&process, seconds, process_note, to);
	process_end(&process, 0);
	*status = process.status;
	fclose(to);
	return said;
}

char *process_fate(const struct process *process)
{
	if (WIFSIGNALED(process->status))
		return text("was killed by signal %d (%s)", WTERMSIG(process->status),
			    strsignal(WTERMSIG(process->status)));
	return text("ended with status %d", WEXITSTATUS(process->status));
}
