/* SPDX-License-Identifier: MIT */
/* riser serve - one device, alone on a socket. */
#include <argp.h>
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sandbox/sandbox.h"

enum { OPT_NO_SANDBOX = 256 };

/* Descriptors of a device beside those of its vectors: sockets, timers, the guest's memory. */
enum { FILES_BESIDE = 64 };

struct serving {
	const char *device, *socket;
	bool poll, verbose, free;
	rlim_t files; /* that may be open at once */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct serving *serving = state->input;

	switch (key) {
	case 's':
		serving->socket = arg;
		return 0;
	case 'p':
		serving->poll = true;
		return 0;
	case 'v':
		serving->verbose = true;
		return 0;
	case OPT_NO_SANDBOX:
		serving->free = true;
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

/* A client passes a descriptor a vector: as many as this user may have open are taken. */
static rlim_t raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return RLIM_INFINITY;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return getrlimit(RLIMIT_NOFILE, &limit) ? RLIM_INFINITY : limit.rlim_cur;
}

static void check_files(const struct serving *serving, const struct riser_model *model)
{
	const struct riser_pci_device *pci = riser_model_pci(model);
	unsigned most = 1;

	riser_each(cap, &pci->caps)
		most = cap->vectors > most ? cap->vectors : most;
	if (serving->files < most + FILES_BESIDE)
		say("%s has %u vectors, a descriptor each, and %llu files may be open at once: "
		    "a guest that enables them all is refused some; raise the hard limit, "
		    "'ulimit -Hn %u'",
		    pci->name, most, (unsigned long long)serving->files, most + FILES_BESIDE);
}

static int serve(const struct serving *serving, const struct device_spec *spec)
{
	struct riser_server_config config = {
		.size = sizeof(config),
		.socket_path = serving->socket,
		.options = spec->options,
		.trace = serving->verbose,
		.poll = serving->poll,
	};
	struct riser_model *model;
	struct riser_error error;
	int ret = riser_model_open(spec->model, &model, &error);

	if (!ret)
		check_files(serving, model);
	/* A client that truncates the memory it shares must not end us. */
	if (!ret && riser_memory_guard())
		say("cannot guard the guest's memory: %m");
	if (!ret)
		ret = riser_serve(model, &config, &error);
	if (ret)
		complain("%s%s", ret == -EDESTADDRREQ ? "serve: " : "", error.text);
	riser_model_close(model);
	return ret == -EDESTADDRREQ ? CLI_USAGE : ret ? CLI_FAIL : CLI_OK;
}

/* Becomes the program. Returns only if it cannot. */
static void become(const struct serving *serving, const struct device_spec *spec)
{
	const char *words[DEVICE_WORDS_MAX + 1] = { NULL }, **to = words;

	if (serving->socket) {
		*to++ = "--socket";
		*to++ = serving->socket;
	}
	if (serving->poll)
		*to++ = "--poll";
	if (serving->verbose)
		*to++ = "--verbose";
	device_become(spec, words);
}

int cmd_serve(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "socket", 's', "PATH", 0, "listen on a UNIX socket at PATH", 0 },
		{ "poll", 'p', NULL, 0, "never sleep while a client is there; takes a core",
		  0 },
		{ "verbose", 'v', NULL, 0, "log every message and every access", 0 },
		{ "no-sandbox", OPT_NO_SANDBOX, NULL, 0,
		  "let the device do all that you may, to debug it", 0 },
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
	int status = CLI_FAIL;

	if (arguments_parse(&argp, argc, argv, &serving))
		return CLI_USAGE;
	if (!device_find(serving.device, &spec))
		return CLI_FAIL;
	serving.files = raise_files();
	if (!serving.free && !sandbox_enter(&spec, serving.socket))
		status = CLI_FAIL;
	else if (spec.model)
		status = serve(&serving, &spec);
	else
		become(&serving, &spec);
	device_forget(&spec);
	return status;
}
