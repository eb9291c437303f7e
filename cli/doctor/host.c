/* SPDX-License-Identifier: MIT */
/* What of the kernel is used: shared memory without a file, and what contains a device. */
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor/doctor.h"

enum { PAGE = 4096, LANDLOCK_VERSION = 1 }; /* the flag that asks which there is */

static void check_memfd(struct report *report)
{
	int fd = memfd_create("riser-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *page = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, PAGE))
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		report_problem(report, "memfd",
			       "cannot be made and mapped: %s. A guest's memory is shared by "
			       "one: allow memfd_create in this container, or use "
			       "memory-backend-file,share=on",
			       strerror(errno));
	else
		report_ok("memfd", "can be made and mapped");
	if (page != MAP_FAILED)
		munmap(page, PAGE);
	if (fd >= 0)
		close(fd);
}

/* In a process of its own, since it cannot be left again. */
static int try_user_namespace(void)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return EAGAIN;
	return WEXITSTATUS(status);
}

static void check_containment(struct report *report)
{
	static const uint32_t kill = SECCOMP_RET_KILL_PROCESS;
	int error = try_user_namespace();
	long landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);

	if (!error)
		report_ok("user namespaces", "can be made");
	else
		report_warning(report, "user namespaces",
			       "cannot be made: %s; set kernel.unprivileged_userns_clone=1 or "
			       "user.max_user_namespaces, or rely on Landlock",
			       strerror(error));
	if (landlock > 0)
		report_ok("Landlock", "version %ld", landlock);
	else
		report_warning(
			report, "Landlock",
			"not there: %s; boot Linux 5.13 or newer with 'landlock' in lsm=",
			strerror(errno));
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill))
		report_warning(report, "seccomp",
			       "filters are not there: %s; use a kernel with "
			       "CONFIG_SECCOMP_FILTER",
			       strerror(errno));
	else
		report_ok("seccomp", "filters can be set");
}

void check_kernel(struct report *report)
{
	struct utsname name;

	if (!uname(&name))
		report_ok("kernel", "%s %s on %s", name.sysname, name.release, name.machine);
	check_memfd(report);
	check_containment(report);
}
