/* SPDX-License-Identifier: MIT */
/* A QEMU of our own, spoken to over QMP. */
#ifndef RISER_HOST_QMP_H
#define RISER_HOST_QMP_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <riser/serve.h>

struct json_object;

/* Where QEMU finds the memory. */
enum { QMP_MEMORY_FD = 4 };

struct qmp {
	FILE *file;
	pid_t pid;
	char *line; /* getline()'s */
	size_t line_size;
	const char *awaited; /* an event, until it comes */
};

/*
 * Starts `arguments` with what makes it listen to QMP, and `memory_fd` as its descriptor
 * QMP_MEMORY_FD. It ends with the thread that starts it.
 */
int riser__qmp_start(struct qmp *qmp, char *const *arguments, int memory_fd,
		     struct riser_error *error);
void riser__qmp_end(struct qmp *qmp);

/*
 * One command; takes `arguments`, which may be NULL. `answer`, if wanted, is the caller's to
 * put. -EPROTO: QEMU refused it, and `error` says why; -ENOTCONN: QEMU has gone.
 */
int riser__qmp_call(struct qmp *qmp, const char *command, struct json_object *arguments,
		    struct json_object **answer, struct riser_error *error);
/* A command without arguments; returns when its event has come, before or after its answer. */
int riser__qmp_call_until(struct qmp *qmp, const char *command, const char *event,
			  struct riser_error *error);

#endif
