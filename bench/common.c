/* SPDX-License-Identifier: MIT */
#include "common.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

void pin(bool one)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	memset(&set, one ? 0 : 0xff, sizeof(set));
	if (one)
		CPU_SET(cpu < 0 ? 0 : (size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *run_loop(void *loop)
{
	riser_loop_run(loop);
	return NULL;
}

static void ignore(void *arg, enum riser_log_level level, const char *device, const char *line)
{
	(void)arg, (void)level, (void)device, (void)line;
}

void served_start(struct served *served, struct riser_model *model, const char *options)
{
	struct riser_server_config config = { .size = sizeof(config),
					      .options = options,
					      .log = ignore };
	struct riser_error error;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		die("no socket");
	config.socket_fd = ends[0];
	served->fd = ends[1];
	if (riser_loop_create(&served->loop))
		die("no loop");
	if (riser_server_create(served->loop, model, &config, &served->server, &error))
		die(error.text);
	pthread_create(&served->thread, NULL, run_loop, served->loop);
}

void served_stop(struct served *served)
{
	riser_loop_stop(served->loop);
	pthread_join(served->thread, NULL);
	riser_server_destroy(served->server);
	riser_loop_destroy(served->loop);
}
