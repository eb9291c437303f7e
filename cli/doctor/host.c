/* SPDX-License-Identifier: MIT */
/* What of the kernel is used: shared memory without a file, and what contains a device. */
#include <errno.h>
#include <linux/landlock.h>
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
#include "process.h"

enum { PAGE = 4096 };

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

static int enter_user_namespace(void *arg)
{
	(void)arg;
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) ? errno : 0;
}

/* In a process of its own, since it cannot be left again. */
static int try_user_namespace(void)
{
	struct process_config config = { .run = enter_user_namespace };
	struct process process;

	if (!process_start(&process, &config))
		return EAGAIN;
	process_collect(&process, 0, NULL, NULL);
	return WIFEXITED(process.status) ? WEXITSTATUS(process.status) : EAGAIN;
}

/* What 'riser serve' and 'riser run' put a device into. */
static void check_sandbox(struct report *report)
{
	static const uint32_t notify = SECCOMP_RET_USER_NOTIF;
	long landlock =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (landlock > 0)
		report_ok("Landlock", "version %ld", landlock);
	else
		report_warning(report, "Landlock",
			       "not there: %s; a device's files and sockets are guarded by "
			       "seccomp alone; mend: boot Linux 5.13 or newer with 'landlock' "
			       "in lsm=",
			       strerror(errno));
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &notify))
		report_problem(report, "seccomp",
			       "filters that ask are not there: %s; mend: Linux 5.9 or newer "
			       "with CONFIG_SECCOMP_FILTER, allowed in this container; "
			       "--no-sandbox goes without",
			       strerror(errno));
	else
		report_ok("seccomp", "filters can be set");
}

static void check_user_namespaces(void)
{
	int error = try_user_namespace();

	report_ok("user namespaces", "%s%s%s", error ? "cannot be made (" : "can be made",
		  error ? strerror(error) : "",
		  error ? "): the sandbox of 'riser serve' does without them" : "");
}

void check_kernel(struct report *report)
{
	struct utsname name;

	if (!uname(&name))
		report_ok("kernel", "%s %s on %s", name.sysname, name.release, name.machine);
	check_memfd(report);
	check_sandbox(report);
	check_user_namespaces();
}

void check_kvm(struct report *report)
{
	const char *trouble = kvm_trouble();

	if (trouble)
		report_warning(report, "KVM", "%s. 'riser run' does without: TCG, slower",
			       trouble);
	else
		report_ok("KVM", "runs a guest's CPU, and 'riser run' has it do so");
}
