/* SPDX-License-Identifier: MIT */
/* The warden: asked for each system call that is not harmless, it answers. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/plain.h"
#include "sandbox/inside.h"

/* ---- What is said ---- */

int64_t refuse(struct sandbox *sandbox, const char *format, ...)
{
	unsigned long count = ++sandbox->refused;
	char what[PATH_MAX + 128];
	va_list args;

	/* A device that goes on asking must not fill the log. */
	if (sandbox->quiet || (count > 16 && count & (count - 1)))
		return -EPERM;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	riser__plain_line(what);
	if (count > 16)
		say("sandbox: %s: refused to %s (%lu refusals so far)", sandbox->name, what,
		    count);
	else
		say("sandbox: %s: refused to %s", sandbox->name, what);
	return -EPERM;
}

static int64_t refuse_call(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	static const struct {
		int call;
		const char *words;
	} known[] = {
		{ SCMP_SYS(fork), "start a process (fork)" },
		{ SCMP_SYS(vfork), "start a process (vfork)" },
		{ SCMP_SYS(clone), "start a process (clone)" },
		{ SCMP_SYS(ptrace), "look into a process (ptrace)" },
		{ SCMP_SYS(process_vm_readv), "look into a process (process_vm_readv)" },
		{ SCMP_SYS(process_vm_writev), "change a process (process_vm_writev)" },
		{ SCMP_SYS(kill), "send a signal to another process (kill)" },
	};
	char *name;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (asked->data.nr == known[i].call)
			return refuse(sandbox, "%s", known[i].words);
	}
	name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, asked->data.nr);
	/* Newer than all we know: programs have to do without where it is not there. */
	if (!name)
		return -ENOSYS;
	refuse(sandbox, "make the system call %s(0x%llx, 0x%llx)", name, asked->data.args[0],
	       asked->data.args[1]);
	free(name);
	return -EPERM;
}

/* ---- Who asks ---- */

static bool is_asking(const struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	return !ioctl(sandbox->notify, SECCOMP_IOCTL_NOTIF_ID_VALID, &asked->id);
}

bool asker_read(const struct sandbox *sandbox, const struct seccomp_notif *asked,
		uint64_t address, void *to, size_t length)
{
	struct iovec local = { to, length }, remote = { (void *)(uintptr_t)address, length };

	return process_vm_readv((pid_t)asked->pid, &local, 1, &remote, 1, 0) ==
		       (ssize_t)length &&
	       is_asking(sandbox, asked);
}

int asker_read_path(const struct sandbox *sandbox, const struct seccomp_notif *asked,
		    uint64_t address, char path[PATH_MAX])
{
	enum { STEP = 256 }; /* no page ends in the middle of one */

	for (size_t used = 0; used < PATH_MAX;) {
		size_t part = STEP - (address + used) % STEP;

		if (part > PATH_MAX - used)
			part = PATH_MAX - used;
		if (!asker_read(sandbox, asked, address + used, path + used, part))
			return -EFAULT;
		if (memchr(path + used, '\0', part))
			return 0;
		used += part;
	}
	return -ENAMETOOLONG;
}

int asker_fd(const struct sandbox *sandbox, int fd)
{
	int process = (int)syscall(SYS_pidfd_open, sandbox->pid, 0), mine = -1;

	if (process >= 0) {
		mine = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
		close(process);
	}
	return mine;
}

int64_t asker_give(const struct sandbox *sandbox, const struct seccomp_notif *asked, int fd,
		   bool cloexec)
{
	struct seccomp_notif_addfd give = { .id = asked->id,
					    .srcfd = (uint32_t)fd,
					    .newfd_flags = cloexec ? O_CLOEXEC : 0 };
	int given = ioctl(sandbox->notify, SECCOMP_IOCTL_NOTIF_ADDFD, &give), error = errno;

	close(fd);
	return given >= 0 ? given : -error;
}

/* ---- The answers ---- */

static int64_t answer(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	static const struct {
		int call;
		int64_t (*answer)(struct sandbox *, const struct seccomp_notif *);
	} table[] = {
		{ SCMP_SYS(open), answer_open },
		{ SCMP_SYS(openat), answer_openat },
		{ SCMP_SYS(openat2), answer_openat2 },
		{ SCMP_SYS(creat), answer_creat },
		{ SCMP_SYS(execve), answer_execve },
		{ SCMP_SYS(fchmod), answer_fchmod },
		{ SCMP_SYS(unlink), answer_unlink },
		{ SCMP_SYS(unlinkat), answer_unlinkat },
		{ SCMP_SYS(socket), answer_socket },
		{ SCMP_SYS(bind), answer_bind },
		{ SCMP_SYS(connect), answer_connect },
		{ SCMP_SYS(io_uring_setup), answer_io_uring },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (asked->data.nr == table[i].call)
			return table[i].answer(sandbox, asked);
	}
	return refuse_call(sandbox, asked);
}

static void answer_next(struct sandbox *sandbox, struct seccomp_notif *asked,
			struct seccomp_notif_resp *said, const struct seccomp_notif_sizes *size)
{
	int64_t result;

	memset(asked, 0, size->seccomp_notif);
	memset(said, 0, size->seccomp_notif_resp);
	if (ioctl(sandbox->notify, SECCOMP_IOCTL_NOTIF_RECV, asked))
		return; /* it was interrupted, or has gone */
	result = answer(sandbox, asked);
	said->id = asked->id;
	if (result == ANSWER_GO_ON)
		said->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (result < 0)
		said->error = (int32_t)result;
	else
		said->val = result;
	ioctl(sandbox->notify, SECCOMP_IOCTL_NOTIF_SEND, said);
}

/* The kernel's structures may be larger than those we know. */
void warden_run(struct sandbox *sandbox)
{
	struct seccomp_notif_sizes size;
	struct pollfd fd = { sandbox->notify, POLLIN, 0 };
	struct seccomp_notif_resp *said;
	struct seccomp_notif *asked;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &size))
		return;
	if (size.seccomp_notif < sizeof(*asked))
		size.seccomp_notif = sizeof(*asked);
	if (size.seccomp_notif_resp < sizeof(*said))
		size.seccomp_notif_resp = sizeof(*said);
	asked = malloc(size.seccomp_notif);
	said = malloc(size.seccomp_notif_resp);
	while (asked && said && (poll(&fd, 1, -1) > 0 || errno == EINTR)) {
		if (fd.revents & POLLIN)
			answer_next(sandbox, asked, said, &size);
		else if (fd.revents)
			break;
	}
	free(said);
	free(asked);
}
