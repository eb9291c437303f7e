/* SPDX-License-Identifier: MIT */
/* What can be found wrong before anything is fetched, built or started. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <riser/host.h>

#include "run/run.h"
#include "sandbox/sandbox.h"

static void say_nothing(void *arg, enum riser_log_level level, const char *device,
			const char *line)
{
	(void)arg, (void)level, (void)device, (void)line;
}

/* Whether what the device decodes is there on the machine. */
static bool fits(struct riser_host *host, const struct board *board,
		 const struct device_spec *device)
{
	struct riser_host_bar bar;
	bool ports = false;

	if (!board->no_ports || riser_host_enable(host))
		return true;
	for (unsigned i = 0; i < 6; i++)
		ports |= !riser_host_bar(host, i, &bar) && bar.size && bar.kind == RISER_IO;
	if (ports)
		complain("device %s has I/O ports, and PCI has none on machine %s: choose "
			 "another --machine",
			 device->name, board->name);
	return !ports;
}

/*
 * What a model's tables say of the device's options. To make the device may create what they
 * name, and commands that are only printed leave nothing.
 */
static int try_options(const struct device_spec *device)
{
	struct riser_model *model = NULL;
	struct riser_error error;
	int ret = riser_model_open(device->model, &model, &error);

	if (!ret)
		ret = riser_model_check(model, device->options, &error);
	if (ret)
		complain("%s", error.text);
	riser_model_close(model);
	return ret ? CLI_FAIL : CLI_OK;
}

/* Loads the model and makes a device with its options, on the bench. */
static int try_device(const struct device_spec *device, const struct board *board)
{
	struct riser_host_config config = { .size = sizeof(config),
					    .options = device->options,
					    .log = say_nothing };
	struct riser_model *model = NULL;
	struct riser_host *host = NULL;
	struct riser_error error;
	int ret = riser_model_open(device->model, &model, &error);

	if (!ret)
		ret = riser_bench_create(model, &config, &host, &error);
	if (ret)
		complain("%s", error.text);
	else if (!fits(host, board, device))
		ret = -ENODEV;
	riser_host_destroy(host);
	riser_model_close(model);
	return ret ? CLI_FAIL : CLI_OK;
}

struct check {
	const struct device_spec *device;
	const struct run_options *options;
	bool only_options;
};

static int check_apart(void *arg)
{
	const struct check *check = arg;
	struct device_spec reached = *check->device;

	if (check->only_options)
		reached.options = NULL;
	if (!check->options->no_sandbox && !sandbox_enter(&reached, NULL))
		return CLI_FAIL;
	return check->only_options ? try_options(check->device)
				   : try_device(check->device, check->options->board);
}

/* In a process of its own: a model that crashes is one that is wrong, no more. */
static bool check_device(const struct device_spec *device, const struct run_options *options)
{
	struct check check = { device, options, options->dry_run && device->options };
	struct process_config config = { .run = check_apart, .arg = &check };
	struct process process;

	if (device->program)
		return check.only_options || check_program(device, !options->no_sandbox);
	if (!process_start(&process, &config)) {
		complain("cannot start a process: %m");
		return false;
	}
	process_collect(&process, 0, NULL, NULL);
	if (WIFSIGNALED(process.status))
		complain("device %s crashed when it was made: %s; 'riser inspect %s' under a "
			 "debugger shows where",
			 device->name, strsignal(WTERMSIG(process.status)), device->model);
	return !process.status;
}

static uint64_t available_memory(void)
{
	FILE *info = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (info && fgets(line, sizeof(line), info)) {
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	}
	if (info)
		fclose(info);
	return kib ? (uint64_t)kib << 10 : UINT64_MAX;
}

static bool check_memory(uint64_t wanted)
{
	uint64_t available = available_memory();

	if (wanted > available)
		complain("no memory for the guest: it is to have %" PRIu64
			 " MiB, and this host has %" PRIu64
			 " MiB left; give less with --memory",
			 wanted >> 20, available >> 20);
	return wanted <= available;
}

bool check_options(const struct run_options *options)
{
	bool ok = board_check(options) && guest_test_check(options) &&
		  check_memory(options->memory);

	for (unsigned i = 0;
	     i < options->device_count && ok && options->attach != ATTACH_BUILTIN; i++)
		ok = check_device(&options->devices[i], options);
	return ok;
}
