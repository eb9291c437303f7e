/* SPDX-License-Identifier: MIT */
#include "common.h"

#include <json-c/json.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

double median_of(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return values[count / 2];
}

double median(double *values)
{
	return median_of(values, ROUNDS);
}

static double read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double seconds(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double cpu_seconds(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static const cpu_set_t *all_cores(void)
{
	static cpu_set_t set;
	static bool known;

	if (!known && sched_getaffinity(0, sizeof(set), &set))
		die("cannot tell which cores there are");
	known = true;
	return &set;
}

bool pin(unsigned n)
{
	const cpu_set_t *all = all_cores();
	cpu_set_t one;

	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, all) || n--)
			continue;
		CPU_SET(cpu, &one);
		return !sched_setaffinity(0, sizeof(one), &one);
	}
	return false;
}

void unpin(void)
{
	sched_setaffinity(0, sizeof(cpu_set_t), all_cores());
}

static void *run_loop(void *opaque)
{
	struct served *served = opaque;

	__atomic_store_n(&served->tid, gettid(), __ATOMIC_RELEASE);
	riser_loop_run(served->loop);
	return NULL;
}

static void ignore(void *arg, enum riser_log_level level, const char *device, const char *line)
{
	(void)arg, (void)level, (void)device, (void)line;
}

static int serve(struct served *served, struct riser_model *model, const char *options,
		 struct riser_server **server)
{
	struct riser_server_config config = {
		.size = sizeof(config), .options = options, .log = ignore, .poll = served->poll
	};
	struct riser_error error;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		die("no socket");
	config.socket_fd = ends[0];
	if (riser_server_create(served->loop, model, &config, server, &error))
		die(error.text);
	return ends[1];
}

int served_add(struct served *served, struct riser_model *model, struct riser_server **server)
{
	return serve(served, model, NULL, server);
}

void served_run(struct served *served)
{
	served->tid = 0;
	pthread_create(&served->thread, NULL, run_loop, served);
	while (!__atomic_load_n(&served->tid, __ATOMIC_ACQUIRE))
		sched_yield();
}

void served_start(struct served *served, struct riser_model *model, const char *options)
{
	if (riser_loop_create(&served->loop))
		die("no loop");
	served->fd = serve(served, model, options, &served->server);
	served_run(served);
}

void served_pause(struct served *served)
{
	riser_loop_stop(served->loop);
	pthread_join(served->thread, NULL);
}

void served_stop(struct served *served)
{
	served_pause(served);
	riser_server_destroy(served->server);
	riser_loop_destroy(served->loop);
}
