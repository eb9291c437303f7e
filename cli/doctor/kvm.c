/* SPDX-License-Identifier: MIT */
/* Whether KVM really runs a guest's CPU, which a /dev/kvm that opens does not prove. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "doctor/doctor.h"

enum { PATIENCE_S = 3, PAGE = 4096 };

/* What the child that tries it ends with. */
enum { RUNS, NO_VM, NO_CPU, NO_EXIT };

#ifdef __x86_64__

/* One page of memory at 0, whose first instruction is HLT, in real mode. */
static int run_halt(int vm, int cpu, size_t size)
{
	struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	uint8_t *code =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region memory = {
		.memory_size = PAGE,
		.userspace_addr = (uintptr_t)code,
	};
	struct kvm_regs regs = { .rflags = 2 };
	struct kvm_sregs sregs;

	if (run == MAP_FAILED || code == MAP_FAILED)
		return NO_CPU;
	*code = 0xf4;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &memory) || ioctl(cpu, KVM_GET_SREGS, &sregs))
		return NO_CPU;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(cpu, KVM_SET_SREGS, &sregs) || ioctl(cpu, KVM_SET_REGS, &regs))
		return NO_CPU;
	if (ioctl(cpu, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_HLT)
		return NO_EXIT;
	return RUNS;
}

static int try(int kvm)
{
	int vm = ioctl(kvm, KVM_CREATE_VM, 0), cpu, size;

	if (vm < 0)
		return NO_VM;
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	return cpu < 0 || size < 0 ? NO_CPU : run_halt(vm, cpu, (size_t)size);
}

#else

static int try(int kvm)
{
	return ioctl(kvm, KVM_CREATE_VM, 0) < 0 ? NO_VM : RUNS;
}

#endif

/* In a process of its own, which an alarm ends: a CPU that never stops is one that does not
 * run. */
static int try_apart(int kvm)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		alarm(PATIENCE_S);
		_exit(try(kvm));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return NO_EXIT;
	return WEXITSTATUS(status);
}

const char *kvm_trouble(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), result;

	if (kvm < 0 && (errno == EACCES || errno == EPERM))
		return "/dev/kvm may not be opened; add yourself to the group 'kvm'";
	if (kvm < 0)
		return "there is no /dev/kvm; load kvm_intel or kvm_amd, or, in a VM, have its "
		       "host allow nested guests";
	result = try_apart(kvm);
	close(kvm);
	switch (result) {
	case RUNS:
		return NULL;
	case NO_VM:
		return "/dev/kvm makes no VM";
	case NO_CPU:
		return "/dev/kvm makes a VM, but no CPU for it";
	default:
		return "/dev/kvm does not run a guest's first instruction as a CPU does";
	}
}

void check_kvm(struct report *report)
{
	const char *trouble = kvm_trouble();

	if (trouble)
		report_warning(report, "KVM", "%s. 'riser run' does without: TCG, slower",
			       trouble);
	else
		report_ok("KVM", "runs a guest's CPU");
}
