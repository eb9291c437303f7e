/* SPDX-License-Identifier: MIT */
/* Jobs: on worker threads, or in turn with the posted work where runs have to be the same. */
#include "core/jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { WORKERS_MAX = 4, GATE_SECONDS = 1, HELP_NS = 1000000 };

/* Of a job, with the lock held but for reads by riser_job_cancelled(). None: idle. */
enum phase {
	TAKEN = 1,     /* until its `done` was called */
	RETURNED = 2,  /* its run has, or will not be */
	CANCELLED = 4, /* stays while `done` runs */
	AGAIN = 8,     /* submitted anew: once the cancelled run is over */
};

struct riser__workers {
	pthread_cond_t wanted, returned;
	struct riser__worker list[WORKERS_MAX];
	unsigned count, idle;
	struct riser_job *first, **last; /* to be run */
	unsigned queued, wanted_still;	 /* queued or running, and not cancelled */
};

static unsigned phase_of(const struct riser_job *job)
{
	return __atomic_load_n(&job->phase_, __ATOMIC_RELAXED);
}

static void set_phase(struct riser_job *job, unsigned phase)
{
	__atomic_store_n(&job->phase_, (uint8_t)phase, __ATOMIC_RELAXED);
}

/* ---- The gate ---- */

static struct riser__worker *worker_self(struct riser_dev *dev)
{
	struct riser__workers *workers = atomic_load(&dev->work.workers);
	uintptr_t self = (uintptr_t)__builtin_thread_pointer();

	for (unsigned i = 0; workers && i < WORKERS_MAX; i++) {
		if (atomic_load_explicit(&workers->list[i].self, memory_order_relaxed) == self)
			return &workers->list[i];
	}
	return NULL;
}

int riser__job_enter_busy(struct riser_dev *dev, struct riser__worker **me)
{
	struct riser__worker *worker = worker_self(dev);

	if (atomic_load_explicit(&dev->work.ending, memory_order_relaxed) ==
	    (uintptr_t)__builtin_thread_pointer())
		return -ECANCELED;
	if (!worker)
		return 0;
	pthread_mutex_lock(&worker->gate);
	if (atomic_load(&worker->cancelled)) {
		pthread_mutex_unlock(&worker->gate);
		return -ECANCELED;
	}
	*me = worker;
	return 0;
}

const atomic_bool *riser__job_is_cancelled(struct riser_dev *dev)
{
	const struct riser__worker *worker = worker_self(dev);

	return worker ? &worker->cancelled : NULL;
}

/*
 * Until it has left guest memory alone. That is a copy's time; only where a host's way to it
 * waits for the lock that our caller holds it would be for ever.
 */
static void pass_gate(struct riser_dev *dev, struct riser__worker *worker)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += GATE_SECONDS;
	if (pthread_mutex_timedlock(&worker->gate, &until))
		riser_log(dev, RISER_ERROR,
			  "a job that was cancelled does not let go of guest "
			  "memory");
	else
		pthread_mutex_unlock(&worker->gate);
}

/* ---- Running them ---- */

/* Lock held: its `done` is to be called. */
static void job_returned(struct riser_dev *dev, struct riser_job *job)
{
	struct riser__work_state *w = &dev->work;
	bool first = !w->ended;

	if (!(phase_of(job) & CANCELLED))
		w->workers->wanted_still--;
	set_phase(job, phase_of(job) | RETURNED);
	job->next_ = NULL;
	*w->ended_last = job;
	w->ended_last = &job->next_;
	pthread_cond_broadcast(&w->workers->returned);
	if (first)
		dev->ops->wake(dev->host);
}

static void queue_job(struct riser__workers *workers, struct riser_job *job)
{
	set_phase(job, TAKEN);
	job->next_ = NULL;
	*workers->last = job;
	workers->last = &job->next_;
	workers->queued++;
	workers->wanted_still++;
	pthread_cond_signal(&workers->wanted);
}

/* Lock held, and left for as long as it runs. `worker`: NULL in turn. */
static void run_first_job(struct riser_dev *dev, struct riser__worker *worker)
{
	struct riser__work_state *w = &dev->work;
	struct riser__workers *workers = w->workers;
	struct riser_job *job = workers->first;

	workers->first = job->next_;
	if (!workers->first)
		workers->last = &workers->first;
	workers->queued--;
	atomic_fetch_add(&w->active, 1);
	if (worker) {
		worker->job = job;
		atomic_store(&worker->cancelled, false);
	}
	pthread_mutex_unlock(&w->lock);
	job->run(dev, job);
	pthread_mutex_lock(&w->lock);
	if (worker)
		worker->job = NULL;
	atomic_fetch_sub(&w->active, 1);
	job_returned(dev, job);
}

struct worker_start {
	struct riser_dev *dev;
	struct riser__worker *worker;
};

static void *work(void *opaque)
{
	struct worker_start start = *(struct worker_start *)opaque;
	struct riser__work_state *w = &start.dev->work;
	struct riser__workers *workers = w->workers;

	free(opaque);
	atomic_store(&start.worker->self, (uintptr_t)__builtin_thread_pointer());
	pthread_mutex_lock(&w->lock);
	while (!w->closed) {
		if (workers->first) {
			run_first_job(start.dev, start.worker);
			continue;
		}
		workers->idle++;
		pthread_cond_wait(&workers->wanted, &w->lock);
		workers->idle--;
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
	pthread_cond_init(&workers->returned, NULL);
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		pthread_mutex_init(&workers->list[i].gate, NULL);
	workers->last = &workers->first;
	atomic_store(&w->workers, workers);
	return 0;
}

/* Signals are for the program's own threads. */
static int start_thread(struct riser_dev *dev, struct riser__worker *worker)
{
	struct worker_start *start = malloc(sizeof(*start));
	sigset_t all, old;
	int ret;

	if (!start)
		return ENOMEM;
	*start = (struct worker_start){ dev, worker };
	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* of an access: blocked, it ends the process */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&worker->thread, NULL, work, start);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		free(start);
	return ret;
}

/* Another thread if all that are idle have a job waiting already: jobs may wait for each other.
 */
static int add_thread(struct riser_dev *dev)
{
	struct riser__workers *workers = dev->work.workers;
	int ret;

	if (workers->idle > workers->queued || workers->count == WORKERS_MAX)
		return 0;
	ret = start_thread(dev, &workers->list[workers->count]);
	if (!ret)
		workers->count++;
	return ret && !workers->count ? -EAGAIN : 0;
}

/* ---- What the author does with them ---- */

static int take_job(struct riser_dev *dev, struct riser_job *job)
{
	struct riser__work_state *w = &dev->work;
	unsigned phase = phase_of(job);
	int ret = 0;

	if (w->closed)
		return -EAGAIN;
	if (phase & TAKEN && (!(phase & CANCELLED) || phase & AGAIN))
		return -EBUSY;
	if (phase & TAKEN) {
		set_phase(job, phase | AGAIN);
		w->workers->wanted_still++;
		return 0;
	}
	if (!w->workers)
		ret = add_workers(w);
	if (!ret && !dev->ops->jobs_in_turn)
		ret = add_thread(dev);
	if (!ret)
		queue_job(w->workers, job);
	return ret;
}

int riser_job_submit(struct riser_dev *dev, struct riser_job *job)
{
	int ret;

	pthread_mutex_lock(&dev->work.lock);
	ret = take_job(dev, job);
	pthread_mutex_unlock(&dev->work.lock);
	if (!ret && dev->ops->jobs_in_turn)
		dev->ops->wake(dev->host);
	return ret;
}

bool riser_job_cancelled(struct riser_dev *dev, const struct riser_job *job)
{
	return phase_of(job) & CANCELLED || atomic_load(&dev->work.closed);
}

void riser_job_cancel(struct riser_dev *dev, struct riser_job *job)
{
	riser__jobs_cancel(dev, job);
}

/* Lock held, and left meanwhile. */
static void await_return(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;
	struct timespec until;

	if (!dev->ops->help_jobs) {
		pthread_cond_wait(&w->workers->returned, &w->lock);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += HELP_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&w->workers->returned, &w->lock, &until);
	pthread_mutex_unlock(&w->lock);
	dev->ops->help_jobs(dev->host);
	pthread_mutex_lock(&w->lock);
}

void riser_job_wait(struct riser_dev *dev, struct riser_job *job)
{
	struct riser__work_state *w = &dev->work;

	pthread_mutex_lock(&w->lock);
	while ((phase_of(job) & (TAKEN | RETURNED)) == TAKEN && !w->closed) {
		if (!dev->ops->jobs_in_turn)
			await_return(dev);
		else if (w->workers->first)
			run_first_job(dev, NULL);
		else
			break; /* it is the one that waits */
	}
	pthread_mutex_unlock(&w->lock);
}

/* ---- Cancelling ---- */

static void mark_cancelled(struct riser__work_state *w, struct riser_job *job)
{
	unsigned phase = phase_of(job);

	if (!(phase & (CANCELLED | RETURNED)) || phase & AGAIN)
		w->workers->wanted_still--;
	set_phase(job, (phase | CANCELLED) & ~(unsigned)AGAIN);
}

static void mark_list(struct riser__work_state *w, struct riser_job *list,
		      const struct riser_job *only)
{
	for (; list; list = list->next_) {
		if (!only || list == only)
			mark_cancelled(w, list);
	}
}

/* Those that have not begun never will. */
static void cancel_queued(struct riser_dev *dev, const struct riser_job *only)
{
	struct riser__workers *workers = dev->work.workers;
	struct riser_job **at = &workers->first, *job;

	while ((job = *at)) {
		if (only && job != only) {
			at = &job->next_;
			continue;
		}
		*at = job->next_;
		workers->queued--;
		mark_cancelled(&dev->work, job);
		job_returned(dev, job);
	}
	workers->last = at;
}

void riser__jobs_cancel(struct riser_dev *dev, struct riser_job *only)
{
	struct riser__work_state *w = &dev->work;
	struct riser__workers *workers;

	pthread_mutex_lock(&w->lock);
	workers = w->workers;
	mark_list(w, w->ended, only);
	mark_list(w, w->being_ended, only);
	if (w->told && (!only || w->told == only))
		mark_cancelled(w, w->told);
	if (workers)
		cancel_queued(dev, only);
	for (unsigned i = 0; workers && i < workers->count; i++) {
		struct riser__worker *worker = &workers->list[i];

		if (!worker->job || (only && worker->job != only))
			continue;
		mark_cancelled(w, worker->job);
		atomic_store(&worker->cancelled, true);
	}
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; workers && i < workers->count; i++) {
		if (atomic_load(&workers->list[i].cancelled))
			pass_gate(dev, &workers->list[i]);
	}
}

/* ---- On the device's thread ---- */

/* `done` was called for the run that was cancelled; it may have cancelled this one, too. */
static void begin_again(struct riser_dev *dev, struct riser_job *job)
{
	struct riser__work_state *w = &dev->work;
	bool again;

	pthread_mutex_lock(&w->lock);
	w->told = NULL;
	again = phase_of(job) & AGAIN;
	set_phase(job, 0);
	if (again)
		w->workers->wanted_still--;
	if (again && take_job(dev, job))
		riser_log(dev, RISER_ERROR, "no thread to be had for a job");
	pthread_mutex_unlock(&w->lock);
	if (dev->ops->jobs_in_turn)
		dev->ops->wake(dev->host);
}

/* From here on it may be submitted again, and not before: it was in the list. */
static void end_job(struct riser_dev *dev, struct riser_job *job)
{
	struct riser__work_state *w = &dev->work;
	unsigned phase;

	pthread_mutex_lock(&w->lock);
	phase = phase_of(job);
	if (phase & AGAIN)
		w->told = job;
	else
		set_phase(job, phase & CANCELLED);
	pthread_mutex_unlock(&w->lock);
	if (job->done && phase & CANCELLED) {
		atomic_store(&w->ending, (uintptr_t)__builtin_thread_pointer());
		atomic_fetch_add(&w->active, 1);
		job->done(dev, job);
		atomic_fetch_sub(&w->active, 1);
		atomic_store(&w->ending, 0);
	} else if (job->done) {
		job->done(dev, job);
	}
	if (phase & AGAIN)
		begin_again(dev, job);
}

void riser__jobs_end(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;
	struct riser_job *job;

	pthread_mutex_lock(&w->lock);
	while (dev->ops->jobs_in_turn && w->workers && w->workers->first && !w->closed)
		run_first_job(dev, NULL);
	w->being_ended = w->ended;
	w->ended = NULL;
	w->ended_last = &w->ended;
	while ((job = w->being_ended)) {
		w->being_ended = job->next_;
		pthread_mutex_unlock(&w->lock);
		end_job(dev, job);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
}

bool riser__work_busy(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;
	bool busy;

	if (!atomic_load_explicit(&w->workers, memory_order_relaxed))
		return false;
	pthread_mutex_lock(&w->lock);
	busy = w->workers && w->workers->wanted_still;
	pthread_mutex_unlock(&w->lock);
	return busy;
}

void riser__jobs_fini(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;
	struct riser__workers *workers;

	pthread_mutex_lock(&w->lock);
	workers = w->workers;
	atomic_store(&w->closed, true);
	if (workers)
		pthread_cond_broadcast(&workers->wanted);
	pthread_mutex_unlock(&w->lock);
	if (!workers)
		return;
	for (unsigned i = 0; i < workers->count; i++)
		pthread_join(workers->list[i].thread, NULL);
}

void riser__jobs_free(struct riser_dev *dev)
{
	struct riser__workers *workers = dev->work.workers;

	if (!workers)
		return;
	pthread_cond_destroy(&workers->wanted);
	pthread_cond_destroy(&workers->returned);
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		pthread_mutex_destroy(&workers->list[i].gate);
	free(workers);
}
