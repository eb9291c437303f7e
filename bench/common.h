/* SPDX-License-Identifier: MIT */
/* What the benchmarks share: a device served by a thread, medians. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <pthread.h>

#include <riser/host.h>

enum { ROUNDS = 7 }; /* interleaved runs, of which the median counts */

/* Ends the benchmark. */
_Noreturn void die(const char *what);

/* Of ROUNDS values, which it sorts. */
double median(double *values);

/*
 * Threads made from now on, and this one, on one core: else the scheduler, not the code, makes
 * the difference; or on all, for whoever spins.
 */
void pin(bool one);

struct served {
	struct riser_loop *loop;
	struct riser_server *server;
	pthread_t thread;
	int fd; /* the client's end, its own */
};

void served_start(struct served *served, struct riser_model *model, const char *options);
void served_stop(struct served *served);

#endif
