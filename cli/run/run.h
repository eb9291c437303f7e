/* SPDX-License-Identifier: MIT */
/* riser run, in pieces: what the guest is, what it is made of, the processes, the verdict. */
#ifndef RISER_CLI_RUN_H
#define RISER_CLI_RUN_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "cli.h"
#include "core/plain.h"
#include "image/image.h"
#include "process.h"

enum { DEVICES_MAX = 32 };

/* board.c: a machine type of QEMU's. */
struct board {
	const char *name, *options; /* options: of QEMU's -machine */
	unsigned cpus_max;
	uint64_t memory_max; /* bytes; 0: what QEMU takes */
	bool no_ports;	     /* PCI has no I/O there */
	bool takes_iommu;    /* QEMU's intel-iommu */
	bool no_reference;   /* no clock to measure the TSC against, but the PIT */
	bool of_adapter;     /* comes with the adapter, on the QEMU that it was written for */
};
const struct board *board_find(const char *name);
/* tsc.c: 0 on a host that has none. */
unsigned host_tsc_khz(void);

/* accelerator.c */
enum accelerator { ACCELERATOR_TCG, ACCELERATOR_KVM, ACCELERATOR_NAMED /* behind -- */ };

/* What the user asked for. */
struct run_options {
	struct device_spec devices[DEVICES_MAX];
	unsigned device_count;
	bool shell, dry_run, no_sandbox, iommu, no_tests;
	const char *test; /* the guest test that is run; NULL: test */
	/* A process each; in QEMU, by the adapter; or QEMU's own devices of the same names. */
	enum { ATTACH_VFIO_USER, ATTACH_QEMU, ATTACH_BUILTIN } attach;
	const struct board *board;
	enum accelerator accelerator;
	const char *kernel, *modules, *append;
	const char *vnc; /* "": a socket in the run's folder; NULL: no screen */
	bool gdb, gdb_device;
	bool valgrind_device;
	struct image image;    /* disk NULL: none */
	unsigned ssh_port;     /* of a machine on this host */
	uint64_t memory;       /* bytes; 0: what suits */
	unsigned smp, timeout; /* seconds; 0: what suits, which may be no end */
	char **extra;	       /* QEMU arguments, NULL-terminated, or NULL */
};

/* A named image is a whole machine: its own init runs, until somebody switches it off. */
static inline bool is_machine(const struct run_options *options)
{
	return options->image.name;
}

/* KVM where it runs an ordinary guest and nothing that was asked for forbids it. */
enum accelerator accelerator_choose(const struct run_options *options);
const char *accelerator_name(enum accelerator accelerator);

/* check.c: complains about what is wrong with the host, the image or a device, before all else.
 */
bool check_options(const struct run_options *options);
/* board.c: complains about what the machine does not take. */
bool board_check(const struct run_options *options);
/* check_program.c: the same for a device that is a program. */
bool check_program(const struct device_spec *device, bool sandbox);

/* signals.c: signals that end a run are blocked and noted from signals_catch() on. */
struct signals {
	int fd;	    /* readable when there is one to take */
	int caught; /* the last that ends the run, or 0 */
};
bool signals_catch(struct signals *signals);
void signals_take(struct signals *signals);
/* Says which was caught; the exit status for it. */
int signals_status(const struct signals *signals);

/*
 * helper.c: runs `arguments` to the end, what it prints copied to `output`. False if it fails,
 * which it has said itself, or if a signal is caught, which ends it and all it started.
 */
bool helper_run(char *const *arguments, FILE *output, struct signals *signals);

/* kernel.c: the guest's software, from the cache's manifest or as the user names it. */
struct guest_software {
	char *qemu, *qemu_version, *vfio_user; /* whether QEMU has it: "yes" or "no" */
	char *kernel, *release, *build, *modules, *initramfs;
	char *config; /* the kernel's configuration, if it can be read */
};
bool software_find(const struct run_options *options, struct guest_software *software,
		   struct signals *signals);
void software_forget(struct guest_software *software);
/* kernel_named.c: puts the kernel and the modules that the user names, if any, in place. */
bool kernel_take(struct guest_software *software, const struct run_options *options);
/* Whether its modules are where they were built, not where they were installed. */
bool kernel_modules_in_tree(const struct guest_software *software);
/* kernel_ikconfig.c: the configuration in a kernel's image; malloc'ed, NULL: it has none. */
char *kernel_ikconfig(const char *path);
/* kernel_needs.c: complains of what the guest or a device's test needs and the kernel lacks. */
bool kernel_check_needs(const struct run_options *options,
			const struct guest_software *software);

/* port.c: a TCP port of this host that is free for now. */
bool port_choose(unsigned *port);

/*
 * adapter.c: the program that starts a QEMU with the adapter and this build's models; with the
 * machine a3-pc too, if wanted. malloc'ed; NULL: it failed, and has said why.
 */
char *adapter_find(bool with_machine, struct signals *signals);
/* What a QEMU says its version is; malloc'ed, NULL: it says none. */
char *qemu_version_ask(const char *program, struct signals *signals);

/* scratch.c: a folder of this run's own, gone at the end. */
char *scratch_make(void);
void scratch_remove(char *folder);

/* initrd.c: builds the devices' guest parts and puts the guest's first file system together. */
bool initrd_make(const struct run_options *options, const struct guest_software *software,
		 const char *path, struct signals *signals);
bool guest_parts_build(const struct device_spec *device, const struct guest_software *software,
		       struct signals *signals);
/* Where what is made of the folder `from` for this kernel stays for the next run; malloc'ed. */
char *guest_cached(const struct guest_software *software, const char *name, const char *from);
/* Where a device's guest parts are built, and stay for the next run; malloc'ed. */
char *guest_parts(const struct device_spec *device, const struct guest_software *software);
char **guest_build_command(const struct device_spec *device,
			   const struct guest_software *software);
/* Whether the kernel's modules go into the guest's memory, because its disk lacks them. */
bool brings_modules(const struct run_options *options, const struct guest_software *software);
/* Whether no device before it has its name, and how many have it. */
bool device_is_first(const struct run_options *options, unsigned i);
unsigned device_instances(const struct run_options *options, unsigned i);

/* guest_tests.c: whether a guest test may have this name; complains if no device has the test
 * that is asked for. */
bool guest_test_name_ok(const char *name);
bool guest_test_check(const struct run_options *options);
/* What the guest's init is to do: a word of its own. */
const char *guest_mode(const struct run_options *options);
/* Lines for a shell that put device `i`, of those with its name, before its test; malloc'ed. */
char *guest_environment(const struct run_options *options, unsigned i);

/* dry_run.c: prints what a run would do, as a shell script. */
void dry_run(const struct run_options *options, const struct guest_software *software,
	     const char *scratch);

/* debug.c: says how to reach the debuggers. */
void debug_announce(const struct run_options *options, const struct guest_software *software,
		    const char *scratch);
/* The path of the socket at which gdb reaches that device; malloc'ed. */
char *debug_socket(const char *scratch, unsigned device);
/* False, with a message: what was asked for cannot be debugged. */
bool debug_check(const struct run_options *options);
/* The command `arguments`, run by the debugger that was asked for; words_free() frees it. */
char **debug_wrap(const struct run_options *options, char *const *arguments);

/* qemu.c: the command line, NULL-terminated; strings and array malloc'ed. */
char **qemu_arguments(const struct run_options *options, const struct guest_software *software,
		      const char *scratch);
/* What QEMU's -device takes for a device by the adapter; malloc'ed. */
char *qemu_device(const struct device_spec *device);
void arguments_print(char *const *arguments);
void word_print(const char *word); /* quoted for a shell where it must be */
char *socket_path(const char *scratch, unsigned device);

/* tail.c: the last lines that somebody said. */
enum { TAIL_LINES = 12, TAIL_WIDTH = 256 };
struct tail {
	char lines[TAIL_LINES][TAIL_WIDTH];
	unsigned count; /* ever */
	char partial[TAIL_WIDTH];
	size_t used;
};
/* Adds bytes; calls `line` for each line that they complete. */
void tail_add(struct tail *tail, const char *bytes, size_t size,
	      void (*line)(void *arg, const char *text), void *arg);
void tail_print(const struct tail *tail, const char *who);
/* Whether one of the lines it keeps has these words. */
bool tail_says(const struct tail *tail, const char *words);

/* console.c: the kernel's log as it comes. */
struct console {
	struct tail tail;
	struct riser__plain plain; /* of what is shown */
	FILE *report;		   /* from the first line of an oops on */
	char *report_text;
	size_t report_size;
	unsigned report_lines;
	bool panicked;
	bool disk_failed; /* something could not be written to the guest's disk */
};
void console_init(struct console *console);
void console_fini(struct console *console);
void console_add(struct console *console, const char *bytes, size_t size);

/* tested.c: the kernel, QEMU, machine, accelerator, attachment and devices of a run that
 * passed. */
void tested_print(const struct run_options *options, const struct guest_software *software);

/* results.c: what the guest's init told. */
struct results {
	bool booted, done, shell, machine;
	unsigned passed, failed, skipped;
	char last[TAIL_WIDTH]; /* its last line */
	char failures[1024];   /* in words */
};
void results_read(const char *path, struct results *results);

/*
 * supervise.c: starts everything, waits, cleans up; the exit status of the run, meaningless if
 * a signal was caught.
 */
int supervise(const struct run_options *options, const struct guest_software *software,
	      const char *scratch, struct signals *signals);

#endif
