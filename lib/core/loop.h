/* SPDX-License-Identifier: MIT */
/*
 * The event loop behind riser_loop_*: descriptors, deadlines, and tasks woken from elsewhere.
 * Everything here is for the loop's own thread (or before it runs), except where it says "any
 * thread".
 */
#ifndef RISER_CORE_LOOP_H
#define RISER_CORE_LOOP_H

#include <stdatomic.h>
#include <riser/serve.h>

/* A watched descriptor. `ready` is called for as long as the events (EPOLL*) hold. */
struct riser__source {
	int fd;
	bool patient; /* may wait a few milliseconds: a listening socket */
	bool polled;  /* `ready` is called all the time, whether it is or not; nothing sleeps */
	void (*ready)(struct riser__source *source, uint32_t events);
	uint32_t events;	    /* watched for */
	bool taken;		    /* not watched now: see riser__loop_take() */
	struct riser__source *next; /* of those that are polled */
};

int riser__loop_add(struct riser_loop *loop, struct riser__source *source, uint32_t events);
int riser__loop_modify(struct riser_loop *loop, struct riser__source *source, uint32_t events);
/* Its `ready` is not called any more, even if it was found ready already. */
void riser__loop_remove(struct riser_loop *loop, struct riser__source *source);

struct riser__alarm {
	void (*fire)(struct riser__alarm *alarm);
	uint64_t deadline;
	struct riser__alarm *next, **link; /* link NULL: not set */
};

uint64_t riser__loop_now(void); /* any thread */
/* Replaces what was set; UINT64_MAX: none. */
void riser__loop_set_alarm(struct riser_loop *loop, struct riser__alarm *alarm,
			   uint64_t deadline);

struct riser__task {
	void (*run)(struct riser__task *task);
	atomic_bool woken;
	struct riser__task *next, **link;
};

void riser__loop_add_task(struct riser_loop *loop, struct riser__task *task);
void riser__loop_remove_task(struct riser_loop *loop, struct riser__task *task);
/* Has it run soon, once for however many wakes. Any thread. */
void riser__loop_wake(struct riser_loop *loop, struct riser__task *task);

/* Whether the caller is the thread that runs the loop. Any thread. */
bool riser__loop_is_own_thread(struct riser_loop *loop);

/*
 * Whether a source's callback may wait for its next message itself, for up to
 * RISER__LOOP_BRIEFLY, rather than return: it is the only one that is in a hurry. That saves
 * the call that waits for all, so that a register access costs one receive and one send.
 */
enum { RISER__LOOP_BRIEFLY = 1 }; /* milliseconds; the kernel makes up to two ticks of it */
bool riser__loop_may_linger(struct riser_loop *loop);
/*
 * For a callback that waits for many messages itself: between the two calls the source is not
 * watched, since a watched socket wakes the watcher at each message, a tenth of what a message
 * costs. It can be modified and removed as ever. -errno of the second: it stays unwatched.
 */
void riser__loop_take(struct riser_loop *loop, struct riser__source *source);
int riser__loop_give_back(struct riser_loop *loop, struct riser__source *source);

#endif
