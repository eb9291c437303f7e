/* SPDX-License-Identifier: MIT */
/* riser serve - one device, alone on a socket. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

struct serving {
	const char *device, *socket;
	bool verbose;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct serving *serving = state->input;

	switch (key) {
	case 's':
		serving->socket = arg;
		return 0;
	case 'v':
		serving->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (serving->device)
			misused(state, "one device a server; start another for '%s'", arg);
		serving->device = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		misused(state, "which DEVICE?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* systemd's protocol, sd_listen_fds(3): one socket, as descriptor 3. Or -1. */
static int inherited_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	bool ours = pid && count && atol(pid) == (long)getpid() && atoi(count) == 1;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return ours ? 3 : -1;
}

static void print_line(void *arg, enum riser_log_level level, const char *device,
		       const char *line)
{
	const struct serving *serving = arg;

	if (level <= RISER_INFO || serving->verbose)
		fprintf(stderr, "%s: %s\n", device, line);
}

static struct riser_loop *loop_to_stop;

static void stop(int signal)
{
	(void)signal;
	riser_loop_stop(loop_to_stop);
}

static void catch_signals(struct riser_loop *loop)
{
	const struct sigaction action = { .sa_handler = stop };

	loop_to_stop = loop;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static void print_arguments(const char *socket)
{
	char real[PATH_MAX];

	printf("Serving on %s. For the VM, with any size of memory:\n"
	       "  -object memory-backend-memfd,id=ram,size=1G,share=on -m 1G \\\n"
	       "  -machine q35,memory-backend=ram \\\n"
	       "  -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\","
	       "\"path\":\"%s\"}}'\n",
	       socket, realpath(socket, real) ? real : socket);
}

static int serve(const struct serving *serving, const struct device_spec *spec, int fd)
{
	struct riser_server_config config = {
		.size = sizeof(config),
		.socket_path = fd < 0 ? serving->socket : NULL,
		.socket_fd = fd,
		.options = spec->options,
		.log = print_line,
		.log_arg = (void *)serving,
		.trace = serving->verbose,
	};
	struct riser_model *model = NULL;
	struct riser_loop *loop = NULL;
	struct riser_server *server = NULL;
	struct riser_error error = { "out of memory" };
	int ret = riser_model_open(spec->model, &model, &error);

	if (!ret)
		ret = riser_loop_create(&loop);
	/* From before the socket is there, so that it is always removed. */
	if (!ret)
		catch_signals(loop);
	if (!ret)
		ret = riser_server_create(loop, model, &config, &server, &error);
	if (!ret) {
		if (fd < 0)
			print_arguments(serving->socket);
		else
			puts("ready");
		fflush(stdout);
		ret = riser_loop_run(loop);
		snprintf(error.text, sizeof(error.text), "cannot wait: %s", strerror(-ret));
	}
	if (ret)
		complain("%s", error.text);
	riser_server_destroy(server);
	riser_loop_destroy(loop);
	riser_model_close(model);
	return ret ? CLI_FAIL : CLI_OK;
}

int cmd_serve(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "socket", 's', "PATH", 0, "listen on a UNIX socket at PATH", 0 },
		{ "verbose", 'v', NULL, 0, "log every message and every access", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options,
		parse,
		"DEVICE[,OPTION=VALUE…]",
		"Serves one device over vfio-user until it is interrupted, and prints what to "
		"give "
		"QEMU. DEVICE is a name that 'riser list' shows, a .so or a device's folder."
		"\vWithout --socket the socket is taken from systemd (LISTEN_FDS).",
		NULL,
		NULL,
		NULL
	};
	struct serving serving = { 0 };
	struct device_spec spec;
	int fd = inherited_socket(), status;

	if (arguments_parse(&argp, argc, argv, &serving))
		return CLI_USAGE;
	if (!serving.socket && fd < 0) {
		complain("serve: where? give --socket PATH");
		return CLI_USAGE;
	}
	if (!device_find(serving.device, &spec))
		return CLI_FAIL;
	status = serve(&serving, &spec, serving.socket ? -1 : fd);
	device_forget(&spec);
	return status;
}
