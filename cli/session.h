/* SPDX-License-Identifier: MIT */
/* A device to look at: on the bench, or behind a socket, with its model where one is known. */
#ifndef RISER_CLI_SESSION_H
#define RISER_CLI_SESSION_H

#include <riser/host.h>

#include "cli.h"

struct session {
	struct riser_host *host;
	struct riser_model *model;	    /* NULL: a socket of a device we have no model of */
	const struct riser_pci_device *pci; /* the model's, or NULL */
	struct device_spec spec;
};

/* `device` or `socket`, the other one NULL. Enables the function. Complains on failure. */
bool session_open(struct session *session, const char *device, const char *socket,
		  bool verbose);
void session_close(struct session *session);

#endif
