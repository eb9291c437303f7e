/* SPDX-License-Identifier: MIT */
/* A device served by a thread, as `riser serve` does it, and what it logs. */
#ifndef TESTS_FAULTS_STAGE_H
#define TESTS_FAULTS_STAGE_H

#include <pthread.h>

#include <riser/host.h>

struct stage {
	struct riser_model *model;
	char path[108];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ready, over;
	struct riser_loop *loop;
	int ret; /* why it did not start, or has ended */
	struct riser_error error;
	unsigned lines; /* logged, of RISER_WARN and worse; see stage_lines() */
	char line[512]; /* the first */
};

/* A place for sockets that is removed by stage_end(). Fails the program if it cannot. */
void stage_begin(struct stage *stage);
void stage_end(struct stage *stage);

/* Starts the server's thread; returns 0 once it listens, or stage->ret. */
int stage_serve(struct stage *stage);
/* Whether it has ended by itself, or is about to. */
bool stage_is_over(struct stage *stage);
/* Ends it; stage->ret tells how it went. */
void stage_stop(struct stage *stage);

riser_log_fn stage_log; /* arg: the stage */
void stage_forget_lines(struct stage *stage);
unsigned stage_lines(struct stage *stage);

/* The one that is linked into the test. */
struct riser_model *stage_model(void);

/* Ends the program with a message. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
