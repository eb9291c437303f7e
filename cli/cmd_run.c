/* SPDX-License-Identifier: MIT */
/* riser run - a guest with devices: booted, tested, judged. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/run.h"

enum {
	OPT_APPEND = 256,
	OPT_ATTACH,
	OPT_MACHINE,
	OPT_KERNEL,
	OPT_MODULES,
	OPT_IMAGE,
	OPT_VNC,
	OPT_GDB,
	OPT_GDB_DEVICE,
	OPT_VALGRIND_DEVICE,
	OPT_DRY_RUN,
	OPT_NO_SANDBOX,
	OPT_IOMMU,
	OPT_TEST,
	OPT_NO_TESTS
};

/* "512M", "2G"; a plain number counts MiB, as QEMU's -m does. */
static uint64_t parse_size(struct argp_state *state, const char *word)
{
	const char *suffix = "";
	uint64_t n;
	bool ok = number_parse(word, &n, &suffix) && n && n <= UINT64_MAX >> 31;

	if (!ok || (*suffix && (!strchr("MmGg", *suffix) || suffix[1])))
		misused(state, "--memory takes a size such as 512M or 2G, not '%s'", word);
	return n << ((*suffix | 0x20) == 'g' ? 30 : 20);
}

static unsigned parse_number(struct argp_state *state, const char *name, const char *word,
			     unsigned most)
{
	uint64_t n;

	if (!number_within(word, 1, most, &n))
		misused(state, "--%s takes a number from 1 to %u, not '%s'", name, most, word);
	return (unsigned)n;
}

static void add_device(struct argp_state *state, struct run_options *options, const char *word)
{
	if (options->device_count == DEVICES_MAX)
		misused(state, "at most %d devices at once", DEVICES_MAX);
	if (!device_find(word, &options->devices[options->device_count]))
		exit(CLI_FAIL);
	options->device_count++;
}

static void parse_attach(struct argp_state *state, struct run_options *options,
			 const char *word)
{
	if (!strcmp(word, "vfio-user"))
		options->attach = ATTACH_VFIO_USER;
	else if (!strcmp(word, "qemu"))
		options->attach = ATTACH_QEMU;
	else if (!strcmp(word, "builtin"))
		options->attach = ATTACH_BUILTIN;
	else
		misused(state, "--attach takes vfio-user, qemu or builtin, not '%s'", word);
}

static void parse_machine(struct argp_state *state, struct run_options *options,
			  const char *word)
{
	options->board = board_find(word);
	if (!options->board)
		misused(state, "--machine takes a3-pc, q35, pc or microvm, not '%s'", word);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *options = state->input;

	switch (key) {
	case OPT_APPEND:
		options->append = arg;
		break;
	case OPT_ATTACH:
		parse_attach(state, options, arg);
		break;
	case OPT_MACHINE:
		parse_machine(state, options, arg);
		break;
	case OPT_KERNEL:
		options->kernel = arg;
		break;
	case OPT_MODULES:
		options->modules = arg;
		break;
	case OPT_IMAGE:
		options->image.disk = arg;
		break;
	case OPT_VNC:
		options->vnc = arg ? arg : "";
		if (*options->vnc == ':')
			misused(state,
				"at '%s' everybody on this host sees it: leave it out, or "
				"give unix:PATH, or name an address",
				arg);
		break;
	case OPT_GDB:
		options->gdb = true;
		break;
	case OPT_GDB_DEVICE:
		options->gdb_device = true;
		break;
	case OPT_VALGRIND_DEVICE:
		options->valgrind_device = true;
		break;
	case OPT_NO_SANDBOX:
		options->no_sandbox = true;
		break;
	case OPT_IOMMU:
		options->iommu = true;
		break;
	case OPT_TEST:
		options->test = arg;
		break;
	case OPT_NO_TESTS:
		options->no_tests = true;
		break;
	case OPT_DRY_RUN:
		options->dry_run = true;
		break;
	case 'm':
		options->memory = parse_size(state, arg);
		break;
	case 'j':
		options->smp = parse_number(state, "smp", arg, 255);
		break;
	case 't':
		options->timeout = parse_number(state, "timeout", arg, 86400);
		break;
	case 's':
		options->shell = true;
		break;
	case ARGP_KEY_ARG:
		add_device(state, options, arg);
		break;
	case ARGP_KEY_END:
		if (!options->device_count)
			misused(state, "which DEVICE? 'riser list' shows them");
		if (options->test && !guest_test_name_ok(options->test))
			misused(state, "--test takes the name of a file in guest/, not '%s'",
				options->test);
		if (!!options->test + options->no_tests + options->shell > 1)
			misused(state, "--shell, --test and --no-tests exclude each other");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_option known[] = {
	{ "shell", 's', NULL, 0, "an interactive root shell instead of the tests", 0 },
	{ "test", OPT_TEST, "NAME", 0, "run guest/NAME of the devices, not guest/test", 0 },
	{ "no-tests", OPT_NO_TESTS, NULL, 0, "load the drivers, and that is all", 0 },
	{ "attach", OPT_ATTACH, "HOW", 0,
	  "vfio-user, a process each; qemu: in QEMU, by the adapter; builtin: QEMU's own", 0 },
	{ "machine", OPT_MACHINE, "MACHINE", 0, "a3-pc, q35, pc or microvm (q35)", 0 },
	{ "kernel", OPT_KERNEL, "FILE", 0, "a bzImage, or the tree it was built in", 0 },
	{ "modules", OPT_MODULES, "FOLDER", 0, "the kernel's modules, as installed", 0 },
	{ "append", OPT_APPEND, "WORDS", 0, "more of the kernel's command line", 0 },
	{ "image", OPT_IMAGE, "IMAGE", 0,
	  "boot the machine of this name, made by 'riser image'; or test in this root disk; "
	  "neither is changed",
	  0 },
	{ "iommu", OPT_IOMMU, NULL, 0,
	  "put the devices behind an IOMMU that the guest's kernel uses", 0 },
	{ "memory", 'm', "SIZE", 0, "the guest's memory (512M, with an image 1G)", 0 },
	{ "smp", 'j', "N", 0, "the guest's CPUs (1)", 0 },
	{ "timeout", 't', "SECONDS", 0,
	  "give up after so long (900; a shell, a machine or one in a debugger has no end)",
	  0 },
	{ "vnc", OPT_VNC, "DISPLAY", OPTION_ARG_OPTIONAL,
	  "a screen over VNC, at a socket of the run's own", 0 },
	{ "gdb", OPT_GDB, NULL, 0, "the guest waits for gdb, at a socket of the run's own", 0 },
	{ "gdb-device", OPT_GDB_DEVICE, NULL, 0,
	  "each device waits for gdb, at a socket of the run's own", 0 },
	{ "valgrind-device", OPT_VALGRIND_DEVICE, NULL, 0,
	  "run each device under valgrind; what it finds fails the run", 0 },
	{ "no-sandbox", OPT_NO_SANDBOX, NULL, 0,
	  "let devices do all that you may, to debug them", 0 },
	{ "dry-run", OPT_DRY_RUN, NULL, 0, "print the commands instead", 0 },
	{ 0 },
};

static const struct argp argp = { known,
				  parse,
				  "DEVICE[,OPTION=VALUE…]… [-- QEMU-ARGUMENT…]",
				  "Boots Linux in an unmodified QEMU with the devices plugged "
				  "in, loads their drivers, runs "
				  "their tests, and ends with PASS or FAIL. DEVICE is a name "
				  "that 'riser list' shows, a .so "
				  "or a device's folder; the same one may be given twice.",
				  NULL,
				  NULL,
				  NULL };

/* The word of --image becomes the image that it means. */
static bool choose_image(struct run_options *options)
{
	const char *word = options->image.disk;

	options->image.disk = NULL;
	return !word || (image_find(word, &options->image) &&
			 (!is_machine(options) || port_choose(&options->ssh_port)) &&
			 (options->dry_run || image_take(&options->image, options->ssh_port)));
}

/* What was not given takes the value that suits the rest. */
static bool complete(struct run_options *options)
{
	bool endless =
		options->shell || is_machine(options) || options->gdb || options->gdb_device;

	options->accelerator = accelerator_choose(options);
	/* A debugger does what no device may. */
	options->no_sandbox |= options->gdb_device || options->valgrind_device;
	if (!options->memory)
		options->memory = is_machine(options) ? 1 << 30 : 512 << 20;
	if (!options->timeout && !endless)
		options->timeout = options->valgrind_device ? 3600 : 900;
	if (!is_machine(options))
		return debug_check(options);
	if (options->shell || options->test || options->no_tests)
		complain(
			"run: --shell, --test and --no-tests are for the small guest; log into "
			"a machine with 'riser ssh %s'",
			options->image.name);
	return !options->shell && !options->test && !options->no_tests && debug_check(options);
}

static int run(const struct run_options *options, const struct guest_software *software,
	       struct signals *signals)
{
	char *scratch = scratch_make(), *initrd;
	int status = options->dry_run ? CLI_OK : CLI_FAIL;

	if (!scratch)
		return CLI_FAIL;
	initrd = text("%s/initrd", scratch);
	if (options->dry_run)
		dry_run(options, software, scratch);
	else if (initrd_make(options, software, initrd, signals))
		status = supervise(options, software, scratch, signals);
	free(initrd);
	scratch_remove(scratch);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run_options options = { .image = { .lock = -1 },
				       .board = board_find("q35"),
				       .smp = 1 };
	struct guest_software software = { 0 };
	struct signals signals = { .fd = -1 };
	int status = CLI_FAIL;

	options.extra = arguments_behind_dashes(&argc, argv);
	if (arguments_parse(&argp, argc, argv, &options))
		return CLI_USAGE;
	if (choose_image(&options) && complete(&options) && check_options(&options) &&
	    signals_catch(&signals) && software_find(&options, &software, &signals))
		status = run(&options, &software, &signals);
	if (signals.caught)
		status = signals_status(&signals);
	if (signals.fd >= 0)
		close(signals.fd);
	software_forget(&software);
	image_forget(&options.image);
	for (unsigned i = 0; i < options.device_count; i++)
		device_forget(&options.devices[i]);
	return status;
}
