/* SPDX-License-Identifier: MIT */
/* The processes of a run: started, watched, ended, and what came of them. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "run/run.h"

enum { QEMU = DEVICES_MAX, CHILDREN };

struct child {
	const char *name;
	struct process process;
	struct tail tail;
};

struct run {
	const struct run_options *options;
	const struct guest_software *software;
	struct child children[CHILDREN]; /* the devices, then QEMU */
	unsigned ready;			 /* devices that said so */
	struct console console;
	struct signals *signals;
	int dead; /* the device that died, or -1 */
	bool timed_out;
	bool ending;   /* devices were told to end */
	int64_t until; /* ms; 0: no end */
};

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && !fchmod(fd, 0600) &&
	    !bind(fd, (struct sockaddr *)&address, sizeof(address)) && !listen(fd, 1))
		return fd;
	complain("cannot listen on socket '%s': %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool child_start(struct child *child, const char *name,
			const struct process_config *config)
{
	child->name = name;
	if (process_start(&child->process, config))
		return true;
	complain("cannot start %s: %s", name, strerror(errno));
	return false;
}

static bool start_device(struct run *run, unsigned i, const char *scratch)
{
	const struct device_spec *device = &run->options->devices[i];
	char *path = socket_path(scratch, i);
	/*
	 * A device takes a socket only if it was meant for its own process, which behind
	 * gdbserver is not the one that was started: there it makes its own.
	 */
	bool own = run->options->gdb_device;
	char *gdb = own ? debug_socket(scratch, i) : NULL;
	int debugger = own ? listen_on(gdb) : -1;
	char **serve = device_command(device, own ? path : NULL, !run->options->no_sandbox);
	char **arguments = debug_wrap(run->options, serve);
	int fd = own ? -1 : listen_on(path);
	struct process_config config = { .words = arguments,
					 .streams = PROCESS_ALL,
					 .group = true,
					 .passed = fd,
					 .debugger = debugger };
	bool ok = (own ? debugger : fd) >= 0 &&
		  child_start(&run->children[i], device->name, &config);

	if (fd >= 0)
		close(fd);
	if (debugger >= 0)
		close(debugger);
	words_free(arguments);
	words_free(serve);
	free(gdb);
	free(path);
	return ok;
}

static void device_said(void *arg, const char *line)
{
	struct run *run = arg;

	/* What a server says of the socket it was given, and of one of its own making. */
	if (!strcmp(line, "ready") || !strncmp(line, "Serving on ", strlen("Serving on ")))
		run->ready++;
	else
		printf("%s\n", line);
	fflush(stdout);
}

struct speaker {
	struct run *run;
	unsigned i;
};

static void child_said(void *arg, const char *bytes, size_t size)
{
	const struct speaker *speaker = arg;
	struct run *run = speaker->run;

	if (speaker->i == QEMU)
		console_add(&run->console, bytes, size);
	else
		tail_add(&run->children[speaker->i].tail, bytes, size, device_said, run);
}

static void child_hear(struct run *run, unsigned i)
{
	struct speaker speaker = { run, i };

	while (process_hear(&run->children[i].process, child_said, &speaker))
		;
}

static void reap(struct run *run)
{
	for (int i = 0; i < CHILDREN; i++) {
		struct process *process = &run->children[i].process;

		if (!process->pid || process->ended || !process_reap(process))
			continue;
		child_hear(run, (unsigned)i);
		/* gdbserver passes the signal that ends a device on to nobody. */
		if (i != QEMU && run->dead < 0 && (process->status || !run->ending) &&
		    !(run->ending && run->options->gdb_device))
			run->dead = i;
	}
}

/* Waits for something to happen, once. */
static void wait_once(struct run *run)
{
	struct pollfd fds[CHILDREN + 1];
	int64_t left = run->until ? run->until - now_ms() : -1;

	for (unsigned i = 0; i < CHILDREN; i++) {
		const struct process *process = &run->children[i].process;

		fds[i] = (struct pollfd){ process->pid ? process->output : -1, POLLIN, 0 };
	}
	fds[CHILDREN] = (struct pollfd){ run->signals->fd, POLLIN, 0 };
	if (run->until && left <= 0) {
		run->timed_out = true;
		return;
	}
	if (poll(fds, CHILDREN + 1, left > 60000 ? 60000 : (int)left) <= 0)
		return;
	for (unsigned i = 0; i < CHILDREN; i++) {
		if (fds[i].revents)
			child_hear(run, i);
	}
	if (fds[CHILDREN].revents) {
		signals_take(run->signals);
		reap(run);
	}
}

static bool over(const struct run *run)
{
	return run->signals->caught || run->dead >= 0 || run->timed_out;
}

static bool start_devices(struct run *run, const char *scratch)
{
	unsigned count =
		run->options->attach == ATTACH_VFIO_USER ? run->options->device_count : 0;

	for (unsigned i = 0; i < count; i++) {
		if (!start_device(run, i, scratch))
			return false;
	}
	while (run->ready < count && !over(run))
		wait_once(run);
	return true;
}

/* Devices end in order, so that what goes wrong at their end is seen. */
static void end_devices(struct run *run)
{
	run->ending = true;
	for (int i = 0; i < QEMU; i++) {
		const struct process *process = &run->children[i].process;

		if (process->pid && !process->ended)
			kill(process->pid, SIGTERM);
	}
	run->until = now_ms() + (run->options->valgrind_device ? 20000 : 2000);
	for (int i = 0; i < QEMU; i++) {
		const struct process *process = &run->children[i].process;

		while (process->pid && !process->ended && !run->timed_out)
			wait_once(run);
	}
}

static int fail(const char *format, ...)
{
	va_list args;

	fflush(stderr);
	printf("FAIL: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	return CLI_FAIL;
}

static int device_died(const struct run *run)
{
	const struct child *child = &run->children[run->dead];
	char *fate = process_fate(&child->process);

	tail_print(&child->tail, child->name);
	fail("device %s %s", child->name, fate);
	free(fate);
	return CLI_FAIL;
}

static int kernel_failed(struct run *run)
{
	fflush(run->console.report);
	say("the kernel's report:");
	fputs(run->console.report_text, stderr);
	return fail("the guest's kernel failed; its report is above");
}

static int disk_failed(const struct run_options *options)
{
	return fail(
		"what the guest wrote could not be kept: the host's disk is full, or fails; "
		"free some of it or set TMPDIR to another place. The image '%s' is as it was",
		options->image.disk);
}

static int qemu_failed(const struct run *run)
{
	const struct process *qemu = &run->children[QEMU].process;
	char *fate = process_fate(qemu);

	tail_print(&run->console.tail, "QEMU");
	if (WIFSIGNALED(qemu->status) && WTERMSIG(qemu->status) == SIGABRT &&
	    tail_says(&run->console.tail, "memory_region_del_subregion"))
		fail("QEMU %s: its vfio-user client does so when a device with MSI-X is "
		     "unplugged; give the device the option msix=off",
		     fate);
	else
		fail("QEMU %s", fate);
	free(fate);
	return CLI_FAIL;
}

static int judge_guest(const struct run *run, const struct results *results)
{
	if (run->timed_out) {
		tail_print(&run->console.tail, "the guest");
		return fail("the guest did not end within %u s; the last its init told: %s",
			    run->options->timeout, *results->last ? results->last : "nothing");
	}
	if (!results->done)
		return fail("the guest ended before its tests did; the last its init told: %s",
			    *results->last ? results->last : "nothing");
	if (results->failed)
		return fail("%s", results->failures);
	if (!results->passed && results->skipped) {
		printf("SKIP: every guest test was skipped\n");
		return CLI_SKIP;
	}
	tested_print(run->options, run->software);
	printf("PASS%s\n", results->passed	    ? ""
			   : run->options->no_tests ? " (no tests: the guest booted and ended)"
						    : " (no device has a guest test: the guest "
						      "booted and ended)");
	return CLI_OK;
}

static int judge(struct run *run, const char *scratch)
{
	char *path = text("%s/results", scratch);
	struct results results;

	results_read(path, &results);
	free(path);
	if (run->signals->caught)
		return CLI_FAIL;
	if (run->dead >= 0)
		return device_died(run);
	if (run->console.panicked)
		return kernel_failed(run);
	if (run->children[QEMU].process.ended && run->children[QEMU].process.status)
		return qemu_failed(run);
	if (results.machine && run->console.disk_failed)
		return disk_failed(run->options);
	if ((run->options->shell && results.done) ||
	    (results.machine && !run->timed_out && !results.failed))
		return CLI_OK;
	return judge_guest(run, &results);
}

/* A shell takes its commands from anywhere, a machine only from somebody who sits there. */
static bool interactive(const struct run_options *options)
{
	return options->shell || (is_machine(options) && isatty(STDIN_FILENO));
}

static void start_and_wait(struct run *run, const struct guest_software *software,
			   const char *scratch)
{
	char **arguments = qemu_arguments(run->options, software, scratch);

	/* Sockets that QEMU makes are for their owner only, wherever the user has them. */
	mode_t before = umask(0);
	bool alone = !interactive(run->options), ok;
	struct process_config config = { .words = arguments,
					 .streams = alone ? PROCESS_ALL : PROCESS_SHARED,
					 .group = alone };

	umask(run->options->vnc ? 0177 : before);
	ok = child_start(&run->children[QEMU], "QEMU", &config);
	umask(before);
	if (ok) {
		while (!run->children[QEMU].process.ended && !over(run))
			wait_once(run);
	}
	words_free(arguments);
}

int supervise(const struct run_options *options, const struct guest_software *software,
	      const char *scratch, struct signals *signals)
{
	struct run run = {
		.options = options, .software = software, .signals = signals, .dead = -1
	};
	struct termios terminal;
	bool has_terminal = !tcgetattr(STDIN_FILENO, &terminal);
	int status = CLI_FAIL;

	console_init(&run.console);
	if (options->timeout)
		run.until = now_ms() + (int64_t)options->timeout * 1000;
	debug_announce(options, software, scratch);
	if (start_devices(&run, scratch)) {
		if (!over(&run))
			start_and_wait(&run, software, scratch);
		if (!over(&run))
			end_devices(&run);
		run.timed_out = run.timed_out && !run.children[QEMU].process.ended;
		status = judge(&run, scratch);
	}
	for (int i = 0; i < CHILDREN; i++)
		process_end(&run.children[i].process, 0);
	if (has_terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
	console_fini(&run.console);
	return status;
}
