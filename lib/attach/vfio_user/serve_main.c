/* SPDX-License-Identifier: MIT */
/* The command line of a program that is a device. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <riser/host.h>

#include "core/error.h"

enum { USAGE = 2, OPT_CHECK = 256, OPT_REACH };

struct arguments {
	const char *program, *options, *socket;
	bool poll, verbose, check, reach, help;
};

static const char help[] =
	"Usage: %s [OPTION=VALUE,...] [--socket PATH] [--poll] [--verbose]\n"
	"Serves this device over vfio-user until it is interrupted.\n"
	"\n"
	"  -s, --socket PATH  listen on a UNIX socket at PATH; without it the socket\n"
	"                     is taken from systemd (LISTEN_FDS)\n"
	"  -p, --poll         never sleep while a client is there; takes a core\n"
	"  -v, --verbose      log every message and every access\n"
	"      --check        make the device, without serving it, and end\n"
	"      --reach        print what its options let it reach, and end\n"
	"  -h, --help         show this\n";

static bool main_parse(int argc, char **argv, struct arguments *arguments)
{
	static const struct option known[] = { { "socket", required_argument, NULL, 's' },
					       { "poll", no_argument, NULL, 'p' },
					       { "verbose", no_argument, NULL, 'v' },
					       { "check", no_argument, NULL, OPT_CHECK },
					       { "reach", no_argument, NULL, OPT_REACH },
					       { "help", no_argument, NULL, 'h' },
					       { 0 } };
	int key;

	optind = 0;
	while ((key = getopt_long(argc, argv, "s:pvh", known, NULL)) != -1) {
		switch (key) {
		case 's':
			arguments->socket = optarg;
			break;
		case 'p':
			arguments->poll = true;
			break;
		case 'v':
			arguments->verbose = true;
			break;
		case OPT_CHECK:
			arguments->check = true;
			break;
		case OPT_REACH:
			arguments->reach = true;
			break;
		case 'h':
			arguments->help = true;
			break;
		default:
			return false; /* getopt has said why */
		}
	}
	if (optind < argc)
		arguments->options = argv[optind++];
	if (optind < argc)
		fprintf(stderr,
			"%s: '%s' is too much: put all options of the device into one "
			"word, a=1,b=2\n",
			arguments->program, argv[optind]);
	return optind >= argc;
}

static void say_nothing(void *arg, enum riser_log_level level, const char *device,
			const char *line)
{
	(void)arg, (void)level, (void)device, (void)line;
}

static int try_device(struct riser_model *model, const char *options, struct riser_error *error)
{
	struct riser_host_config config = { .size = sizeof(config),
					    .options = options,
					    .log = say_nothing };
	struct riser_host *host;
	int ret = riser_bench_create(model, &config, &host, error);

	riser_host_destroy(host);
	return ret;
}

static void print_reach(void *arg, uint32_t flags, const char *path, const char *suffix)
{
	(void)arg;
	printf("%" PRIu32 " %s %s%c", flags, suffix ? suffix : "-", path ? path : "-", '\0');
}

static int guard_and_serve(struct riser_model *model, const struct riser_server_config *config,
			   struct riser_error *error)
{
	int ret = riser_memory_guard();

	return ret ? riser__fail(error, ret, "cannot guard the guest's memory: %s",
				 strerror(-ret))
		   : riser_serve(model, config, error);
}

static int main_serve(struct riser_export exported, const struct arguments *arguments,
		      struct riser_error *error)
{
	struct riser_server_config config = {
		.size = sizeof(config),
		.socket_path = arguments->socket,
		.options = arguments->options,
		.trace = arguments->verbose,
		.poll = arguments->poll,
	};
	struct riser_model *model;
	int ret = riser_model_from_export(exported, &model, error);

	if (!ret && arguments->check)
		ret = try_device(model, arguments->options, error);
	else if (!ret && arguments->reach)
		ret = riser_model_reach(model, arguments->options, print_reach, NULL);
	else if (!ret)
		ret = guard_and_serve(model, &config, error);
	riser_model_close(model);
	return ret;
}

int riser_serve_main(struct riser_export exported, int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	struct arguments arguments = {
		.program = !argc   ? "riser"
			   : slash ? slash + 1
				   : argv[0],
	};
	struct riser_error error;
	int ret;

	if (!main_parse(argc, argv, &arguments))
		return USAGE;
	if (arguments.help) {
		printf(help, arguments.program);
		return 0;
	}
	ret = main_serve(exported, &arguments, &error);
	if (!ret)
		return 0;
	fprintf(stderr, "%s: %s\n", arguments.program, error.text);
	return ret == -EDESTADDRREQ ? USAGE : 1;
}
