/* SPDX-License-Identifier: MIT */
/* Posted work, and jobs on worker threads. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "core/dev.h"

enum { WORKERS_MAX = 4 };
enum phase { IDLE, SUBMITTED };

struct riser__workers {
	pthread_cond_t wanted;
	pthread_t threads[WORKERS_MAX];
	unsigned count, idle;
	struct riser_job *first, **last; /* to be run */
	struct riser_job *ended, **ended_last;
	unsigned queued, running; /* jobs */
};

int riser__work_init(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;

	w->last = &w->first;
	w->made = !pthread_mutex_init(&w->lock, NULL);
	return w->made ? 0 : -ENOMEM;
}

static void stop_workers(struct riser__work_state *w)
{
	struct riser__workers *workers;

	pthread_mutex_lock(&w->lock);
	workers = w->workers;
	w->closed = true;
	if (workers)
		pthread_cond_broadcast(&workers->wanted);
	pthread_mutex_unlock(&w->lock);
	if (!workers)
		return;
	for (unsigned i = 0; i < workers->count; i++)
		pthread_join(workers->threads[i], NULL);
	pthread_cond_destroy(&workers->wanted);
	free(workers);
}

/*
 * The lock stays: threads of the device's own may post until the device's fini() has waited for
 * them. What they post is dropped.
 */
void riser__work_fini(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;

	if (!w->made)
		return;
	stop_workers(w);
	pthread_mutex_lock(&w->lock);
	w->workers = NULL;
	w->first = NULL;
	w->last = &w->first;
	pthread_mutex_unlock(&w->lock);
}

void riser_post(struct riser_dev *dev, struct riser_work *work)
{
	struct riser__work_state *w = &dev->work;
	bool taken, was_empty = false;

	pthread_mutex_lock(&w->lock);
	taken = !work->queued_ && !w->closed;
	if (taken) {
		was_empty = !w->first;
		work->queued_ = true;
		work->next_ = NULL;
		*w->last = work;
		w->last = &work->next_;
	}
	pthread_mutex_unlock(&w->lock);
	if (taken && was_empty)
		dev->ops->wake(dev->host);
}

/* Takes what was posted before now; what a work posts again waits for the next run. */
static void run_works(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;
	struct riser_work *work;

	pthread_mutex_lock(&w->lock);
	work = w->first;
	w->first = NULL;
	w->last = &w->first;
	pthread_mutex_unlock(&w->lock);
	while (work) {
		struct riser_work *next = work->next_;

		pthread_mutex_lock(&w->lock);
		work->queued_ = false;
		pthread_mutex_unlock(&w->lock);
		work->run(dev, work);
		work = next;
	}
}

static struct riser_job *take_ended(struct riser__work_state *w)
{
	struct riser_job *job = NULL;

	pthread_mutex_lock(&w->lock);
	if (w->workers) {
		job = w->workers->ended;
		w->workers->ended = NULL;
		w->workers->ended_last = &w->workers->ended;
	}
	pthread_mutex_unlock(&w->lock);
	return job;
}

static void run_job(struct riser_dev *dev, struct riser__work_state *w);

static void run_jobs_in_turn(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;

	pthread_mutex_lock(&w->lock);
	while (w->workers && w->workers->first && !w->closed)
		run_job(dev, w);
	pthread_mutex_unlock(&w->lock);
}

void riser__dev_run_posted(struct riser_dev *dev)
{
	struct riser_job *job, *next;

	if (!riser__dev_enter(dev)) {
		dev->ops->wake(dev->host);
		return;
	}
	run_works(dev);
	if (dev->ops->jobs_in_turn)
		run_jobs_in_turn(dev);
	for (job = take_ended(&dev->work); job; job = next) {
		next = job->next_;
		/* From here on it may be submitted again, and not before: it is in the list. */
		job->phase_ = IDLE;
		if (job->done)
			job->done(dev, job);
	}
	riser__dev_leave(dev);
}

static void run_job(struct riser_dev *dev, struct riser__work_state *w)
{
	struct riser__workers *workers = w->workers;
	struct riser_job *job = workers->first;
	bool first;

	workers->first = job->next_;
	if (!workers->first)
		workers->last = &workers->first;
	workers->queued--;
	workers->running++;
	pthread_mutex_unlock(&w->lock);
	job->run(dev, job);
	pthread_mutex_lock(&w->lock);
	first = !workers->ended;
	job->next_ = NULL;
	*workers->ended_last = job;
	workers->ended_last = &job->next_;
	workers->running--;
	if (first)
		dev->ops->wake(dev->host);
}

static void *worker(void *opaque)
{
	struct riser_dev *dev = opaque;
	struct riser__work_state *w = &dev->work;

	pthread_mutex_lock(&w->lock);
	while (!w->closed) {
		if (w->workers->first) {
			run_job(dev, w);
			continue;
		}
		w->workers->idle++;
		pthread_cond_wait(&w->workers->wanted, &w->lock);
		w->workers->idle--;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int add_workers(struct riser__work_state *w)
{
	struct riser__workers *workers = calloc(1, sizeof(*workers));

	if (!workers)
		return -EAGAIN;
	pthread_cond_init(&workers->wanted, NULL);
	workers->last = &workers->first;
	workers->ended_last = &workers->ended;
	w->workers = workers;
	return 0;
}

/*
 * Another thread if all that are idle have a job waiting already: jobs may wait for each other.
 * Signals are for the program's own threads.
 */
static int add_thread(struct riser_dev *dev)
{
	struct riser__workers *workers = dev->work.workers;
	sigset_t all, old;
	int ret;

	if (workers->idle > workers->queued || workers->count == WORKERS_MAX)
		return 0;
	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* of an access: blocked, it ends the process */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&workers->threads[workers->count], NULL, worker, dev);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!ret)
		workers->count++;
	return ret && !workers->count ? -EAGAIN : 0;
}

int riser_job_submit(struct riser_dev *dev, struct riser_job *job)
{
	struct riser__work_state *w = &dev->work;
	int ret = 0;

	pthread_mutex_lock(&w->lock);
	if (job->phase_ != IDLE)
		ret = -EBUSY;
	else if (w->closed)
		ret = -EAGAIN;
	if (!ret && !w->workers)
		ret = add_workers(w);
	if (!ret && !dev->ops->jobs_in_turn)
		ret = add_thread(dev);
	if (!ret) {
		struct riser__workers *workers = w->workers;

		job->phase_ = SUBMITTED;
		job->next_ = NULL;
		*workers->last = job;
		workers->last = &job->next_;
		workers->queued++;
		pthread_cond_signal(&workers->wanted);
	}
	pthread_mutex_unlock(&w->lock);
	if (!ret && dev->ops->jobs_in_turn)
		dev->ops->wake(dev->host);
	return ret;
}

bool riser__work_busy(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;
	bool busy;

	if (!atomic_load_explicit(&w->workers, memory_order_relaxed))
		return false;
	pthread_mutex_lock(&w->lock);
	busy = w->workers && w->workers->queued + w->workers->running;
	pthread_mutex_unlock(&w->lock);
	return busy;
}
