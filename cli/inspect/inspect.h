/* SPDX-License-Identifier: MIT */
/* riser inspect, in pieces. All write to standard output. */
#ifndef RISER_CLI_INSPECT_H
#define RISER_CLI_INSPECT_H

#include <json-c/json.h>

#include "session.h"

/* caps.c: a line of words a capability, as lspci has them. Calls `each` for all in the chains.
 */
void caps_each(struct riser_host *host,
	       void (*each)(void *arg, unsigned offset, const char *words), void *arg);

/* notes.c: what to know before it is plugged into QEMU over vfio-user, a line each. */
void notes_each(const struct session *session, void (*each)(void *arg, const char *words),
		void *arg);

/* virtio.c: a virtio device's type, or 0. */
unsigned virtio_id(struct riser_host *host);
/* Status, features by name, queues with their positions, configuration. */
void virtio_print(struct session *session);
struct json_object *virtio_json(struct session *session);

/* registers.c: the value as hexadecimal, or "-" where reading it would change something. */
void registers_print(struct session *session);
/* One register, its offset shown without `base`. */
void register_print(struct session *session, unsigned bar, const struct riser_reg *reg,
		    uint64_t base);
struct json_object *register_json(struct session *session, unsigned bar,
				  const struct riser_reg *reg);
struct json_object *registers_json(struct session *session);

#endif
