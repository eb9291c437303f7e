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

#include "cli.h"
#include "process.h"

enum { PATIENCE_S = 60, PAGE = 4096 };

/* What the child that tries it ends with. */
enum { RUNS, NO_VM, NO_CPU, NO_EXIT };

#ifdef __x86_64__

/* What a kernel does early: in 64-bit mode with paging, as ring 0. */
static const uint8_t code[] = {
	0x0f, 0x20, 0xd8, /* mov %cr3, %rax */
	0x0f, 0x22, 0xd8, /* mov %rax, %cr3 */
	0x0f, 0x01, 0xf8, /* swapgs */
	0x0f, 0x01, 0xf8, /* swapgs */
	0xf4,		  /* hlt */
};

enum { CODE = 0x1000, TABLES = 0x2000, MEMORY = 0x8000 };

/* The first 2 MiB where they are. */
static void put_tables(uint8_t *memory)
{
	static const uint64_t present = 3, large = 0x83;
	uint64_t entries[] = { (TABLES + PAGE) | present, (TABLES + 2 * PAGE) | present,
			       large };

	for (unsigned i = 0; i < 3; i++)
		memcpy(memory + TABLES + i * PAGE, &entries[i], sizeof(*entries));
}

static void enter_long_mode(struct kvm_sregs *sregs)
{
	struct kvm_segment flat = { .limit = 0xffffffff, .present = 1, .s = 1, .g = 1 };

	sregs->cr3 = TABLES;
	sregs->cr4 = 0x20;	 /* PAE */
	sregs->cr0 = 0x80000033; /* PG, NE, ET, MP, PE */
	sregs->efer = 0x500;	 /* LME, LMA */
	flat.selector = 0x8;
	flat.type = 11;
	flat.l = 1;
	sregs->cs = flat;
	flat.selector = 0x10;
	flat.type = 3;
	flat.l = 0;
	flat.db = 1;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = flat;
}

static bool set_up(int vm, int cpu, uint8_t *memory)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = MEMORY,
		.userspace_addr = (uintptr_t)memory,
	};
	struct kvm_regs regs = { .rip = CODE, .rsp = MEMORY, .rflags = 2 };
	struct kvm_sregs sregs;

	put_tables(memory);
	memcpy(memory + CODE, code, sizeof(code));
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) || ioctl(cpu, KVM_GET_SREGS, &sregs))
		return false;
	enter_long_mode(&sregs);
	return !ioctl(cpu, KVM_SET_SREGS, &sregs) && !ioctl(cpu, KVM_SET_REGS, &regs);
}

static int run_code(int vm, int cpu, size_t size)
{
	struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	uint8_t *memory =
		mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (run == MAP_FAILED || memory == MAP_FAILED || !set_up(vm, cpu, memory))
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
	return cpu < 0 || size < 0 ? NO_CPU : run_code(vm, cpu, (size_t)size);
}

#else

static int try(int kvm)
{
	return ioctl(kvm, KVM_CREATE_VM, 0) < 0 ? NO_VM : RUNS;
}

#endif

static int kvm_try_run(void *arg)
{
	const int *kvm = arg;

	return try(*kvm);
}

/* In a process of its own: a CPU that never stops is one that does not run. */
static int kvm_try(int kvm)
{
	struct process_config config = { .run = kvm_try_run, .arg = &kvm };
	struct process process;

	if (!process_start(&process, &config))
		return NO_EXIT;
	process_collect(&process, PATIENCE_S, NULL, NULL);
	process_end(&process, 0);
	return WIFEXITED(process.status) ? WEXITSTATUS(process.status) : NO_EXIT;
}

/* KVM without the CPU's help runs our few instructions, by emulation, but no whole kernel. */
static bool is_paravirtual(void)
{
	return !access("/sys/module/kvm_pvm", F_OK) && access("/sys/module/kvm_intel", F_OK) &&
	       access("/sys/module/kvm_amd", F_OK);
}

const char *kvm_trouble(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), result;

	if (kvm < 0 && (errno == EACCES || errno == EPERM))
		return "/dev/kvm may not be opened; add yourself to the group 'kvm'";
	if (kvm < 0)
		return "there is no /dev/kvm; load kvm_intel or kvm_amd, or, in a VM, have its "
		       "host allow nested guests";
	result = kvm_try(kvm);
	close(kvm);
	if (result == RUNS && is_paravirtual())
		return "the KVM here (kvm_pvm) is for paravirtual guests: an ordinary kernel "
		       "does "
		       "not boot";
	switch (result) {
	case RUNS:
		return NULL;
	case NO_VM:
		return "/dev/kvm makes no VM";
	case NO_CPU:
		return "/dev/kvm makes a VM, but no CPU for it";
	default:
		return "/dev/kvm does not run a kernel's first instructions";
	}
}
