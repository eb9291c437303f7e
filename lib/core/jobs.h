/* SPDX-License-Identifier: MIT */
/*
 * Jobs on threads of the library, and what keeps a cancelled one from the guest.
 *
 * A job's thread holds its gate while it is at guest memory or at an interrupt. Cancelling
 * marks the job first and then takes the gate once: after that, nothing of the job reaches the
 * guest.
 */
#ifndef RISER_CORE_JOBS_H
#define RISER_CORE_JOBS_H

#include "core/dev.h"

struct riser__worker {
	atomic_uintptr_t self; /* the thread's pointer; 0: not there yet */
	pthread_t thread;
	pthread_mutex_t gate;
	struct riser_job *job; /* that it runs now, */
	atomic_bool cancelled; /* and whether it has been cancelled */
};

int riser__job_enter_busy(struct riser_dev *dev, struct riser__worker **me);

/*
 * Before the calling thread touches guest memory or an interrupt: 0, and it is to leave again;
 * -ECANCELED: it is a job's that was cancelled. Not nested; not held while waiting for the
 * device's thread.
 */
static inline int riser__job_enter(struct riser_dev *dev, struct riser__worker **me)
{
	*me = NULL;
	if (__builtin_expect(!atomic_load_explicit(&dev->work.active, memory_order_relaxed), 1))
		return 0;
	return riser__job_enter_busy(dev, me);
}

static inline void riser__job_leave(struct riser__worker *me)
{
	if (__builtin_expect(!!me, 0))
		pthread_mutex_unlock(&me->gate);
}

/* Whether the job that the calling thread runs was cancelled, for others to see; or NULL. */
const atomic_bool *riser__job_is_cancelled(struct riser_dev *dev);

/* For work.c: those that have ended are told so, or run first where that is done in turn. */
void riser__jobs_end(struct riser_dev *dev);
/* Cancels one, or all of them (NULL). */
void riser__jobs_cancel(struct riser_dev *dev, struct riser_job *only);
/* No more of them; waits for those that run. */
void riser__jobs_fini(struct riser_dev *dev);
/* When no thread can ask any more whether it is a job's. */
void riser__jobs_free(struct riser_dev *dev);

#endif
