/* SPDX-License-Identifier: MIT */
/* riser fuzz - the project's fuzzers on one device, in programs of their own made with clang.
 */
#include <argp.h>
#include <errno.h>
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
	"DEVICE is a shipped one's name, or the path of a device's folder, of its source, or "
	"of "
	"a .so.",
	NULL,
	NULL,
	NULL
};

/*
 * What the fuzzers are told: a shipped device's name, or a path. Its folder or source is not
 * built here, and its .so not opened: both are done as the fuzzers are built. malloc'ed, or
 * NULL: there is none.
 */
static char *device_word(const char *argument, const char **given)
{
	char *word = options_behind(argument, given), *shipped, *real;
	bool is_name = !strchr(word, '/');
	struct device_spec spec;

	shipped = text("%s/%s.so", place_of_models(), word);
	is_name = is_name && !access(shipped, R_OK);
	free(shipped);
	if (is_name)
		return word;
	real = realpath(word, NULL);
	if (!real && device_find_model(word, &spec)) {
		real = text("%s", spec.model);
		device_forget(&spec);
	}
	free(word);
	return real;
}

/* Does not return unless it fails. */
static int fuzz(const char *device, const char *given, const char *time)
{
	char *program = text("%s/fuzz", place_of_tools());

	if (given)
		setenv("RISER_FUZZ_OPTIONS", given, 1);
	execl(program, program, "--device", device, time, NULL);
	complain("cannot run '%s': %s; the fuzzers are built in riser's source tree: use the "
		 "riser of its build folder",
		 program, strerror(errno));
	free(program);
	return CLI_FAIL;
}

int cmd_fuzz(int argc, char **argv)
{
	struct request request = { .time = "60" };
	const char *given;
	char *device;
	int status;

	if (arguments_parse(&argp, argc, argv, &request))
		return CLI_USAGE;
	device = device_word(request.device, &given);
	if (!device)
		return CLI_FAIL;
	status = fuzz(device, given, request.time);
	free(device);
	return status;
}
