/* SPDX-License-Identifier: MIT */
/*
 * A device to look at: on the bench, behind a socket, or in a machine without CPUs; with its
 * model where one is known.
 */
#ifndef RISER_CLI_SESSION_H
#define RISER_CLI_SESSION_H

#include <argp.h>

#include <riser/host.h>

#include "cli.h"

/* What a command is about: DEVICE or --socket PATH, one of them. */
struct session_target {
	const char *device, *socket;
	const char *machine; /* NULL: the bench */
	bool looking;	     /* the device is made to be seen: it creates nothing that stays */
};
/* Parses it; a child of a command's own parser, with a session_target as its input. */
extern const struct argp session_argp;

struct session {
	struct riser_host *host;
	struct riser_model *model;	    /* NULL: a socket of a device we have no model of */
	const struct riser_pci_device *pci; /* the model's, or NULL */
	struct device_spec spec;
	char *scratch; /* where it creates what it does, or NULL */
	char *options; /* as it was given them then */
};

/* Enables the function. Complains on failure. */
bool session_open(struct session *session, const struct session_target *target, bool verbose);
void session_close(struct session *session);

#endif
