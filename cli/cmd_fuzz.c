/* SPDX-License-Identifier: MIT */
/* riser fuzz - the project's fuzzers on one device, in programs of their own made with clang.
 */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

struct request {
	const char *device, *time;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;
	uint64_t seconds;

	switch (key) {
	case 't':
		if (!number_within(arg, 1, 9999999, &seconds))
			misused(state, "--time is a number of seconds, not '%s'", arg);
		request->time = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (request->device)
			misused(state, "one DEVICE at a time");
		request->device = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		misused(state, "which DEVICE?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "time", 't', "SECONDS", 0, "How long each fuzzer runs; 60 unless told", 0 },
	{ 0 },
};
static const struct argp argp = {
	options,
	parse,
	"DEVICE[,OPTION=VALUE…]",
	"Feeds a device hostile accesses, saved states, messages and queues, under "
	"sanitizers.\v"
	"DEVICE is a name that 'riser list' shows, or the path of a .so or of a device's "
	"folder.",
	NULL,
	NULL,
	NULL
};

static bool is_virtio(const char *path, bool *virtio)
{
	struct riser_model *model;
	struct riser_error error;

	if (riser_model_open(path, &model, &error)) {
		complain("%s", error.text);
		return false;
	}
	*virtio = riser_model_kind(model) == RISER_VIRTIO;
	riser_model_close(model);
	return true;
}

/* Does not return unless it fails. */
static int fuzz(const struct device_spec *spec, const char *time, bool virtio)
{
	char *program = text("%s/fuzz", place_of_tools()), path[PATH_MAX];
	int error;

	if (!realpath(spec->model, path))
		error = errno;
	else {
		setenv("RISER_FUZZ_MODEL", path, 1);
		if (spec->options)
			setenv("RISER_FUZZ_OPTIONS", spec->options, 1);
		execl(program, program, time, "access", "state", "stream",
		      virtio ? "queue" : NULL, NULL);
		error = errno;
	}
	complain("cannot run '%s': %s; the fuzzers are built in riser's source tree: use the "
		 "riser of its build folder",
		 program, strerror(error));
	free(program);
	return CLI_FAIL;
}

int cmd_fuzz(int argc, char **argv)
{
	struct request request = { .time = "60" };
	struct device_spec spec;
	bool virtio;
	int status;

	if (arguments_parse(&argp, argc, argv, &request))
		return CLI_USAGE;
	if (!device_find_model(request.device, &spec))
		return CLI_FAIL;
	status = is_virtio(spec.model, &virtio) ? fuzz(&spec, request.time, virtio) : CLI_FAIL;
	device_forget(&spec);
	return status;
}
