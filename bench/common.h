/* SPDX-License-Identifier: MIT */
/* What the benchmarks share: a device served by a thread, medians, the table and its JSON. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <riser/host.h>

enum { ROUNDS = 15 }; /* interleaved runs, of which the median counts */

/* Ends the benchmark. */
_Noreturn void die(const char *what);

/* Of ROUNDS values, which it sorts. */
double median(double *values);
/* Of `count` values, which it sorts. */
double median_of(double *values, int count);

/*
 * This thread and those that it makes from now on, on the n-th of the cores that the benchmark
 * was given. Both ends of a socket are on one: else the scheduler, not the code, makes the
 * difference. False: there are fewer.
 */
bool pin(unsigned n);
/* On any of them. */
void unpin(void);

double seconds(void);	  /* on the monotonic clock */
double cpu_seconds(void); /* of this process, all threads */

struct served {
	struct riser_loop *loop;
	struct riser_server *server;
	pthread_t thread;
	pid_t tid;
	int fd; /* the client's end, its own */
	bool poll;
};

/* Set served->poll before. */
void served_start(struct served *served, struct riser_model *model, const char *options);
void served_stop(struct served *served);
/* Stops the loop's thread, and has it go on: to change what is on the loop. */
void served_pause(struct served *served);
void served_run(struct served *served);
/* Another device on a loop that is paused; returns the client's end. */
int served_add(struct served *served, struct riser_model *model, struct riser_server **server);

/* ---- The table ---- */

struct json_object;

/* Prints what this runs on; the same as an object, the caller's. */
struct json_object *machine(void);

struct figure {
	const char *name, *unit;
	double ours;
	double floor; /* what it is compared with; 0: with nothing, `target` is in its unit */
	double ratio; /* the median of the runs' */
	double target;
	bool most; /* the target is the most it may be, not the least */
};

/* Prints a line, and adds it to the list. */
void report(struct json_object *list, const struct figure *figure);
/* The same of the medians of ROUNDS interleaved runs. */
void report_rounds(struct json_object *list, struct figure figure, double *ours,
		   double *floors);

#endif
