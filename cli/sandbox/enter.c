/* SPDX-License-Identifier: MIT */
/* This process goes into the sandbox; a child of it, the warden, stays outside. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "sandbox/inside.h"

/* One byte, with a descriptor if it is not -1. */
static bool send_fd(int to, int fd)
{
	char byte = 0, room[CMSG_SPACE(sizeof(fd))] __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = room,
				  .msg_controllen = sizeof(room) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(to, &message, MSG_NOSIGNAL) == 1;
}

static int receive_fd(int from)
{
	char byte, room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = room,
				  .msg_controllen = sizeof(room) };
	int fd;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/*
 * The warden. It ends with the device, whose terminal's signals are not for it, and holds none
 * of its descriptors but standard error.
 */
static void be_warden(struct sandbox *sandbox, int channel)
{
	sigset_t all;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != sandbox->pid)
		_exit(0);
	prctl(PR_SET_NAME, "riser-warden");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	dup2(channel, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	sandbox->notify = receive_fd(STDIN_FILENO);
	if (sandbox->notify < 0 || !warden_drop_privileges() ||
	    send(STDIN_FILENO, "", 1, MSG_NOSIGNAL) != 1)
		_exit(1);
	close(STDIN_FILENO);
	warden_run(sandbox);
	_exit(0);
}

/* Puts itself under the warden's eyes. */
static bool contain(const struct sandbox *sandbox, int channel, pid_t warden)
{
	char byte;
	int notify;

	/* With Yama nobody may look at a process but whom it names. */
	prctl(PR_SET_PTRACER, (unsigned long)warden, 0, 0, 0);
	if (!sandbox_drop_privileges() || !landlock_enter(sandbox) ||
	    !filter_enter(sandbox, &notify))
		return false;
	if (!send_fd(channel, notify) || (close(notify), recv(channel, &byte, 1, 0)) != 1) {
		complain("sandbox: its warden has ended");
		return false;
	}
	return true;
}

bool sandbox_contain(struct sandbox *sandbox)
{
	int ends[2];
	pid_t warden;
	bool ok;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		complain("sandbox: cannot make a socket: %m");
		return false;
	}
	sandbox->pid = getpid();
	grant_add(sandbox, "/proc/self", GRANT_READ | GRANT_LIST | GRANT_BENEATH);
	fflush(NULL);
	warden = fork();
	if (!warden)
		be_warden(sandbox, ends[1]);
	close(ends[1]);
	if (warden < 0)
		complain("sandbox: cannot start its warden: %m");
	ok = warden > 0 && contain(sandbox, ends[0], warden);
	close(ends[0]);
	return ok;
}

/* Whatever whoever started us has left open: it is given to the device by name, or not at all.
 */
static void close_rest(bool without_socket)
{
	const char *pid = getenv("LISTEN_PID");
	bool given = without_socket && pid && atol(pid) == (long)getpid();

	close_range(STDERR_FILENO + 1 + (given ? 1 : 0), ~0u, 0);
}

bool sandbox_enter(const struct device_spec *spec, const char *socket)
{
	struct sandbox sandbox = { .name = spec->name };
	bool ok;

	/* Sanitizers map terabytes and trace the process, coverage is written to files. */
	if (RISER_INSTRUMENTED)
		return true;
	close_rest(!socket);
	policy_add_system(&sandbox);
	policy_add_device(&sandbox, spec);
	ok = reach_add(&sandbox, spec);
	if (socket)
		grant_add_socket(&sandbox, socket, GRANT_LISTEN);
	ok = ok && sandbox_contain(&sandbox);
	grants_free(&sandbox);
	return ok;
}
