/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>
#include <unistd.h>

#include "look.h"
#include "run/run.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct session_target *target = state->input;

	switch (key) {
	case 's':
		target->socket = arg;
		return 0;
	case 'M':
		if (strcmp(arg, "a3-pc") != 0)
			misused(state, "--machine takes a3-pc, not '%s'", arg);
		target->machine = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (target->device)
			misused(state, "one DEVICE at a time");
		target->device = arg;
		return 0;
	case ARGP_KEY_END:
		if (!target->device == !target->socket)
			misused(state, "give a DEVICE or --socket PATH");
		if (target->machine && target->socket)
			misused(state, "--machine takes a DEVICE, not a socket");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "socket", 's', "PATH", 0, "the device that a server has on this socket", 0 },
	{ "machine", 'M', "MACHINE", 0, "in QEMU, on this machine without CPUs: a3-pc", 0 },
	{ 0 },
};

const struct argp session_argp = { options, parse, NULL, NULL, NULL, NULL, NULL };

static void print_line(void *arg, enum riser_log_level level, const char *device,
		       const char *line)
{
	const bool *verbose = arg;

	if (level <= RISER_INFO || *verbose)
		fprintf(stderr, "%s: %s\n", device, line);
}

/* Has the device create what its options name in a folder that goes with the session. */
static bool look_only(struct session *session)
{
	session->scratch = scratch_make();
	if (session->scratch)
		session->options =
			look_options(session->model, session->spec.options, session->scratch);
	return session->scratch;
}

static bool open_device(struct session *session, const char *device, bool verbose, bool looking)
{
	static bool tell_all;
	struct riser_host_config config = { .size = sizeof(config),
					    .log = print_line,
					    .log_arg = &tell_all,
					    .trace = verbose };
	struct riser_error error;

	tell_all = verbose;
	if (!device_find_model(device, &session->spec))
		return false;
	if (riser_model_open(session->spec.model, &session->model, &error)) {
		complain("%s", error.text);
		return false;
	}
	if (looking && session->spec.options && !look_only(session))
		return false;
	config.options = session->options ? session->options : session->spec.options;
	if (riser_bench_create(session->model, &config, &session->host, &error)) {
		complain("%s", error.text);
		return false;
	}
	session->pci = riser_model_pci(session->model);
	return true;
}

static bool start_machine(struct session *session, char *qemu, bool verbose)
{
	char *const words[] = { qemu, NULL };
	char *device = qemu_device(&session->spec), *plugged;
	struct riser_error error;
	int ret;

	plugged = text("%s%s", device, verbose ? ",trace=on" : "");
	ret = riser_machine_create(words, plugged, NULL, &session->host, &error);
	free(plugged);
	free(device);
	if (ret)
		complain("%s", error.text);
	return !ret;
}

/* First on the bench: what is wrong with a model or an option is said there as ever. */
static bool open_machine(struct session *session, const char *device, bool verbose)
{
	struct signals signals = { .fd = -1 };
	sigset_t before;
	char *qemu;
	bool ok;

	if (!open_device(session, device, false, false))
		return false;
	riser_host_destroy(session->host);
	session->host = NULL;
	sigprocmask(SIG_SETMASK, NULL, &before);
	qemu = signals_catch(&signals) ? adapter_find(true, &signals) : NULL;
	close(signals.fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	ok = qemu && start_machine(session, qemu, verbose);
	free(qemu);
	return ok;
}

struct match {
	uint32_t id;
	struct riser_model *model;
};

/* A virtio device has one of two IDs. */
static bool has_id(const struct riser_model *model, uint32_t id)
{
	const struct riser_pci_device *pci = riser_model_pci(model);
	const struct riser_virtio_device *virtio = riser_model_virtio(model);

	return id == (pci->id.vendor | (uint32_t)pci->id.device << 16) ||
	       (virtio && virtio->transitional_id &&
		id == (pci->id.vendor | (uint32_t)virtio->transitional_id << 16));
}

static void match_id(const char *path, void *arg)
{
	struct match *match = arg;
	struct riser_model *model;

	if (match->model || riser_model_open(path, &model, NULL))
		return;
	if (has_id(model, match->id))
		match->model = model;
	else
		riser_model_close(model);
}

static bool open_socket(struct session *session, const char *socket)
{
	struct riser_error error;
	struct match match = { 0 };
	int ret = riser_client_create(socket, NULL, &session->host, &error);

	if (ret == -ENOTCONN)
		complain("nothing is served at socket '%s': %s; a server has one client at a "
			 "time, and may have it already",
			 socket, error.text);
	else if (ret)
		complain("%s", error.text);
	else if (riser_host_config_read(session->host, PCI_VENDOR_ID, 4, &match.id))
		complain("%s", riser_host_error(session->host));
	if (!match.id)
		return false;
	models_each(match_id, &match);
	session->model = match.model;
	session->pci = match.model ? riser_model_pci(match.model) : NULL;
	return true;
}

bool session_open(struct session *session, const struct session_target *target, bool verbose)
{
	bool ok;

	*session = (struct session){ 0 };
	if (target->machine)
		ok = open_machine(session, target->device, verbose);
	else if (target->device)
		ok = open_device(session, target->device, verbose, target->looking);
	else
		ok = open_socket(session, target->socket);
	if (ok && riser_host_enable(session->host)) {
		complain("%s", riser_host_error(session->host));
		ok = false;
	}
	if (!ok)
		session_close(session);
	return ok;
}

void session_close(struct session *session)
{
	riser_host_destroy(session->host);
	riser_model_close(session->model);
	device_forget(&session->spec);
	scratch_remove(session->scratch);
	free(session->options);
	*session = (struct session){ 0 };
}
